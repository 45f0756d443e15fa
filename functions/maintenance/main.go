// Command maintenance is MaintenanceFunction: finishes work that was cut off.
package main

import (
	"seatwise/shared/maintenance"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(maintenance.Function) }
