// Command deferred is DeferredFunction: carries out what takes longer than a request may. It knows every
// operation that changes something.
package main

import (
	"seatwise/shared/account"
	"seatwise/shared/alert"
	"seatwise/shared/catalog"
	"seatwise/shared/cost"
	"seatwise/shared/deferred"
	"seatwise/shared/directory"
	"seatwise/shared/idle"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/license/operations"
	"seatwise/shared/massconfig"
	"seatwise/shared/metrics"
	"seatwise/shared/offboarding"
	"seatwise/shared/period"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/policy"
	"seatwise/shared/purchase"
	"seatwise/shared/report"
	"seatwise/shared/request"
	"seatwise/shared/usage"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	licenses := operations.New(kernel)
	people := directory.NewService(env, kernel)
	periods := period.NewService(env, kernel)
	used := usage.NewService(env, kernel, people)
	return app.Function{Event: deferred.NewWorker(
		env,
		purchase.Foresight,
		account.NewService(env, kernel).Routes,
		offboarding.NewService(env).Routes,
		licenses.AssignmentRoutes,
		licenses.LicensesRoutes,
		idle.NewService(env, kernel, used).Routes,
		imports.NewExports(env, kernel).Routes,
		metrics.NewService(env, kernel).Routes,
		people.Routes,
		people.InvitationRoutes,
		purchase.NewBilling(kernel, used, periods).Routes,
		periods.Routes,
		alert.NewService(env, kernel).Routes,
		cost.NewService(env).Routes,
		massconfig.NewService(env, kernel).Routes,
		policy.NewService(kernel.Products()).Routes,
		purchase.NewService(env, kernel).Routes,
		report.NewService(env).Routes,
		deferred.Routes,
		request.NewService(env, kernel).Routes,
		imports.NewService(env, kernel).Routes,
		used.Routes,
	).Handle}
}
