// Command licenses is LicensesFunction: lists licenses, counts them, changes and terminates them.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/operations"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	return api.Serve(env, purchase.Foresight, operations.New(kernel).LicensesRoutes)
}
