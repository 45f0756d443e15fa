// Command maintenance is MaintenanceFunction: finishes work that was cut off.
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
	return app.Function{Event: maintenance.NewService(env, kernel).Scheduled}
}
