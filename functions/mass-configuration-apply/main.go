// Command mass-configuration-apply is MassConfigurationApplyFunction: applies checked plans.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/incoming"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	env.Workbooks = workbook.Writer{}
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	return app.Function{Event: incoming.New(env, kernel).Apply}
}
