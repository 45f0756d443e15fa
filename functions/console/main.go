// Command console is ConsoleFunction: the admin's and the operator's pages, a client of the HTTP
// API (requirements, section 11).
package main

import (
	"seatwise/shared/console"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire/plain"
)

func main() { plain.StartConsole(function) }

func function(env *app.Env) app.Function {
	return app.Function{HTTP: console.Handler(env)}
}
