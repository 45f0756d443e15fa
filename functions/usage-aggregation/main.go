// Command usage-aggregation is UsageAggregationFunction: has views folded into daily rollups, and idle seats
// listed.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/idle"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
	"seatwise/shared/usage"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	people := directory.NewService(env, kernel)
	used := usage.NewService(env, kernel, people)
	return app.Function{Event: idle.NewService(env, kernel, used).Scheduled}
}
