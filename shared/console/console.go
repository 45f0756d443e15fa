// Package console is the admin's and the operator's face in a browser (spec 11): ConsoleFunction.
// It is a client of the HTTP API and of nothing else.
package console

import (
	"seatwise/shared/console/pages"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/app"
)

// Function is ConsoleFunction.
func Function(env *app.Env) (app.Function, error) {
	return app.Function{HTTP: web.New(env, pages.All())}, nil
}
