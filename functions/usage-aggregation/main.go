// Command usage-aggregation is UsageAggregationFunction: folds views into daily rollups.
package main

import (
	"seatwise/shared/platform/wire"
	"seatwise/shared/usage"
)

func main() { wire.Start(usage.AggregationFunction) }
