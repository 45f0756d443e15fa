// Command invitation is InvitationFunction: has people of the directory come to sign in.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := purchase.Supplied(license.NewService(catalog.Default()))
	return api.Serve(env, directory.NewService(env, kernel).InvitationRoutes)
}
