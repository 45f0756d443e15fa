package deferred

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/problem"
)

// Routes registers A/deferred, for the API.
func Routes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "get-deferred", Method: http.MethodGet, Path: "/v1/accounts/{account}/deferred/{id}",
		Tag: "Deferred requests", Anyone: true, Partly: true,
		Summary: "Read what became of a request that takes longer than a request may; for who asked, for a day",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Plain[plan.Deferred], error) {
		told, err := get(ctx, c, in.ID)
		return &api.Plain[plan.Deferred]{Status: http.StatusOK, Body: told}, err
	})
}

// get is what is told of a deferred request, to who asked and to nobody else.
//
// Errors: not-found.
func get(ctx context.Context, c *call.Call, id string) (plan.Deferred, error) {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id {
		return plan.Deferred{}, problem.Missing("deferred request")
	}
	d, err := plan.DeferredOf(ctx, c.Env.Files, c.Account, id, c.At)
	caller, _ := auth.From(ctx)
	switch {
	case err == nil && (d.Caller.User != caller.User || d.Caller.Account != caller.Account),
		errors.Is(err, files.ErrNotFound):
		return plan.Deferred{}, problem.Missing("deferred request")
	}
	return d.Told, err
}
