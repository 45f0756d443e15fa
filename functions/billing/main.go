// Command billing is BillingFunction: what an account pays, its billing periods, its policies, its
// alerts, and what it costs its provider.
package main

import (
	"seatwise/shared/alert"
	"seatwise/shared/catalog"
	"seatwise/shared/cost"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/period"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/policy"
	"seatwise/shared/purchase"
	"seatwise/shared/usage"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := license.NewService(catalog.Default())
	used := usage.NewService(env, kernel, directory.NewService(env, kernel))
	periods := period.NewService(env, kernel)
	return api.Serve(
		env,
		purchase.NewBilling(kernel, used, periods).Routes,
		periods.Routes,
		policy.NewService(kernel.Products()).Routes,
		alert.NewService(env, kernel).Routes,
		cost.NewService(env).Routes,
	)
}
