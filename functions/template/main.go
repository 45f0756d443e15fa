// Command template is TemplateFunction: the files that mass configurations and imports begin with, and
// the workbooks of billing periods.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/massconfig"
	"seatwise/shared/period"
	"seatwise/shared/period/chargeback"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	env.Workbooks = workbook.Writer{}
	kernel := license.NewService(catalog.Default())
	return api.Serve(
		env,
		massconfig.NewService(env, kernel).TemplateRoutes,
		imports.NewService(env, kernel).TemplateRoutes,
		chargeback.New(period.NewService(env, kernel)).Routes,
	)
}
