// Command assignment is AssignmentFunction: assigns, unassigns and reassigns licenses.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/operations"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := license.NewService(catalog.Default())
	return api.Serve(env, operations.New(kernel).AssignmentRoutes)
}
