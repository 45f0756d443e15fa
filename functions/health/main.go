// Command health is HealthFunction: says that the service is up.
package main

import (
	"seatwise/shared/health"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire/alone"
)

func main() { alone.Start(function) }

func function(env *app.Env) app.Function {
	return api.Serve(env, health.Routes)
}
