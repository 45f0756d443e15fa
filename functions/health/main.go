// Command health is HealthFunction: says that the service is up.
package main

import (
	"seatwise/shared/health"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(health.Function) }
