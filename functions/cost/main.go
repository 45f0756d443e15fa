// Command cost is CostFunction: folds what the functions have written of each account into a day of it.
package main

import (
	"seatwise/shared/cost"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	return app.Function{Event: cost.NewService(env).Scheduled}
}
