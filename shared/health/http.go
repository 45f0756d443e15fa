// Package health answers what needs no token and no state: whether a function runs at all, the
// OpenAPI document with its page, and what no other function takes.
package health

import (
	"context"
	"net/http"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/call"
)

// Health is the answer of a function that runs.
type Health struct {
	Status  string `json:"status" enum:"ok" doc:"Always ok: a function that does not run answers nothing."`
	Version string `json:"version" doc:"The version that was built."`
}

// Routes registers the operations that need no token (docs/contract.md), and answers what nothing
// else does.
func Routes(k *api.Router) {
	api.Register(k, api.Operation{
		ID:      "get-health",
		Method:  http.MethodGet,
		Path:    "/v1/health",
		Summary: "Say that the service is up",
		Tag:     "Health",
		Public:  true,
	}, func(context.Context, *call.Call, *struct{}) (*api.Plain[Health], error) {
		return &api.Plain[Health]{Status: http.StatusOK, Body: Health{Status: "ok", Version: k.Env().Version}}, nil
	})
	referenceRoutes(k)
	k.Otherwise(answerUnknown(k.Env()))
}
