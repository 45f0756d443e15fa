// Command metrics is MetricsFunction: license metrics and wallboards.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/metrics"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := license.NewService(catalog.Default())
	return api.Serve(env, metrics.NewService(env, kernel).Routes)
}
