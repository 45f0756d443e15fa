// Command usage-aggregation is UsageAggregationFunction: folds views into daily rollups.
package main

import (
	"seatwise/shared/usage"
	"seatwise/shared/wire"
)

func main() { wire.Start(usage.AggregationFunction) }
