// Command mass-configuration is MassConfigurationFunction: the API of mass configurations, and of
// imports and exports, which are carried by the same machinery.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/massconfig"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := license.NewService(catalog.Default())
	return api.Serve(
		env,
		massconfig.NewService(env, kernel).Routes,
		imports.NewService(env, kernel).Routes,
		imports.NewExports(env, kernel).Routes,
	)
}
