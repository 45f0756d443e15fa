// Package health answers whether a function runs at all: it reads nothing, so it says nothing of the table or the buckets.
package health

import (
	"context"
	"net/http"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
)

// Health is the answer of a function that runs.
type Health struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version" doc:"The version that was built."`
}

// Routes registers GET /v1/health, the one operation that needs no token (api.md).
func Routes(k *api.Kit, env *app.Env) {
	api.Register(k, api.Operation{
		ID: "get-health", Method: http.MethodGet, Path: "/v1/health", Summary: "Say that the service is up", Tag: "Health", Public: true,
	}, func(context.Context, *call.Call, *struct{}) (*api.Plain[Health], error) {
		return &api.Plain[Health]{Status: http.StatusOK, Body: Health{Status: "ok", Version: env.Version}}, nil
	})
}

// Function is HealthFunction.
func Function(env *app.Env) (app.Function, error) {
	k := api.New(env)
	Routes(k, env)
	return app.Function{HTTP: k.Handler()}, nil
}
