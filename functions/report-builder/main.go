// Command report-builder is ReportBuilderFunction: writes reports, and closes billing periods.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/period"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/report"
	"seatwise/shared/report/reportbuilder"
	"seatwise/shared/usage"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(env, kernel)
	used := usage.NewService(env, kernel, people)
	builder := reportbuilder.New(env, report.NewService(env), people, used).Closing(period.NewService(env, kernel))
	return app.Function{Event: builder.Handle}
}
