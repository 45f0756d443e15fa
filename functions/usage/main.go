// Command usage is UsageFunction: takes in views and answers usage summaries.
package main

import (
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/usage"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(env, kernel)
	return api.Serve(env, usage.NewService(env, kernel, people).Routes)
}
