// Command offboarding is OffboardingFunction: it archives and erases accounts, and alone reads the whole table.
package main

import (
	"seatwise/shared/offboarding"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
)

func main() { wire.StartSweeping(function) }

func function(env *app.Env) app.Function {
	return app.Function{Event: offboarding.NewWorker(env).Handle}
}
