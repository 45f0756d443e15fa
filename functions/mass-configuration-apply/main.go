// Command mass-configuration-apply is MassConfigurationApplyFunction: applies checked plans.
package main

import (
	"seatwise/shared/incoming"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(incoming.ApplyFunction) }
