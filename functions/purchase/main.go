// Command purchase is PurchaseFunction: catalog, cost centers, cart, quotes, orders, statements and
// billing.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
	"seatwise/shared/usage"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(env, kernel)
	used := usage.NewService(env, kernel, people) // billing shows the overage
	return api.Serve(env, purchase.NewService(env, kernel, used).Routes)
}
