// Command mass-configuration-apply is MassConfigurationApplyFunction: applies checked plans.
package main

import (
	"seatwise/shared/massconfig"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(massconfig.ApplyFunction) }
