// Command report is ReportFunction: the API of reports.
package main

import (
	"seatwise/shared/deferred"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire"
	"seatwise/shared/report"
)

func main() { wire.Start(function) }

func function(env *app.Env) app.Function {
	return api.Serve(env, report.NewService(env).Routes, deferred.Routes)
}
