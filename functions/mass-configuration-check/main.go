// Command mass-configuration-check is MassConfigurationCheckFunction: checks uploaded and dropped
// files.
package main

import (
	"seatwise/shared/incoming"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(incoming.CheckFunction) }
