// Command requests is RequestsFunction: people ask for products, and approvers decide.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
	"seatwise/shared/request"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	return api.Serve(env, purchase.Foresight, request.NewService(env, kernel).Routes)
}
