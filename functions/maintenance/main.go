// Command maintenance is MaintenanceFunction: finds work that was cut off, and does the work of accounts
// that schedules hand on.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/maintenance"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	upkeep := maintenance.NewService(env, kernel)
	return app.Function{Event: upkeep.Scheduled, Message: upkeep.Message}
}
