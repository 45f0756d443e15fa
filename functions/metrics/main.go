// Command metrics is MetricsFunction: license metrics and wallboards.
package main

import (
	"seatwise/shared/metrics"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(metrics.Function) }
