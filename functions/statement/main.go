// Command statement is StatementFunction: what prints orders and billing periods, as pages, PDF and
// CSV.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/period"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase/printing"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	periods := period.NewService(env, license.NewService(catalog.Default()))
	return api.Serve(env, printing.Routes, printing.New(periods).PeriodRoutes)
}
