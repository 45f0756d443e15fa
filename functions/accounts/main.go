// Command accounts is AccountsFunction: it creates and reads accounts.
package main

import (
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/offboarding"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	accounts, leaving := account.NewService(env, kernel), offboarding.NewService(env)
	return api.Serve(env, purchase.Foresight, accounts.Routes, leaving.Routes)
}
