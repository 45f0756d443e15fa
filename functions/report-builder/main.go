// Command report-builder is ReportBuilderFunction: writes reports.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
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
	return app.Function{Event: reportbuilder.New(env, report.NewService(env), people, used).Handle}
}
