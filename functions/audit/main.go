// Command audit is AuditFunction: reads the audit log.
package main

import (
	"seatwise/shared/audit"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	return api.Serve(env, audit.NewService(env).Routes)
}
