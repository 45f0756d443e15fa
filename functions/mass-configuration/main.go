// Command mass-configuration is MassConfigurationFunction: the API of mass configurations.
package main

import (
	"seatwise/shared/massconfig"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(massconfig.APIFunction) }
