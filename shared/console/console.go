// Package console is the admin's and the operator's face in a browser (requirements, section 11):
// ConsoleFunction. It is a client of the HTTP API and of nothing else.
package console

import (
	"net/http"

	"seatwise/shared/console/pages"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/app"
)

// Handler serves the pages.
func Handler(env *app.Env) http.Handler { return web.New(env, pages.All()) }
