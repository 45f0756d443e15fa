package metrics

import (
	"context"
	"net/http"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const tag = "Metrics"

type (
	accountInput struct{ api.Account }

	maxInput struct {
		api.Account
		Body struct {
			Max int64 `json:"max" minimum:"0" maximum:"100000" doc:"The most wallboards that the account may have."`
		}
	}

	putInput struct {
		api.Resource
		Body struct {
			Name   string `json:"name" minLength:"1" maxLength:"200"`
			Kind   Kind   `json:"kind" enum:"analytics,live-analytics"`
			UserID string `json:"userId" doc:"Whose device it is: an active user of the account."`
		}
	}

	listInput struct {
		api.Account
		api.Paging
	}
)

// Routes registers A/metrics and A/wallboards.
func Routes(k *api.Kit, env *app.Env) error {
	products := catalog.Default()
	s := NewService(env, license.NewDesk(products))
	read, manage := []auth.Permission{auth.MetricsRead}, []auth.Permission{auth.MetricsManage}
	const account = "/v1/accounts/{account}"
	api.Register(k, api.Operation{
		ID: "get-license-metrics", Method: http.MethodGet, Path: account + "/metrics/licenses", Summary: "Count what the account consumes, now", Tag: tag, Permissions: read,
	}, func(ctx context.Context, c *call.Call, _ *accountInput) (*api.Plain[Snapshot], error) {
		snapshot, err := s.Snapshot(ctx, c)
		if err != nil {
			return nil, err
		}
		return &api.Plain[Snapshot]{Status: http.StatusOK, Body: snapshot}, nil
	})
	api.Register(k, api.Operation{
		ID: "put-wallboard-maximum", Method: http.MethodPut, Path: account + "/metrics/licenses/wallboards", Summary: "Set the maximum of wallboards", Tag: tag,
		Permissions: manage, Conflicts: true,
	}, func(ctx context.Context, c *call.Call, in *maxInput) (*api.Plain[Metric], error) {
		metric, err := s.SetMax(ctx, c, in.Body.Max)
		if err != nil {
			return nil, err
		}
		return &api.Plain[Metric]{Status: http.StatusOK, Body: metric}, nil
	})
	api.Register(k, api.Operation{
		ID: "put-wallboard", Method: http.MethodPut, Path: account + "/wallboards/{id}", Summary: "Register a wallboard, or change it", Tag: tag,
		Permissions: manage, Conflicts: true, Makes: true,
	}, func(ctx context.Context, c *call.Call, in *putInput) (*api.Tagged[Wallboard], error) {
		if err := api.CheckID("id", in.ID); err != nil {
			return nil, err
		}
		if err := api.CheckID("userId", in.Body.UserID); err != nil {
			return nil, err
		}
		w, version, made, err := s.Put(ctx, c, Wallboard{ID: in.ID, Name: in.Body.Name, Kind: in.Body.Kind, UserID: in.Body.UserID})
		if err != nil {
			return nil, err
		}
		status := http.StatusOK
		if made {
			status = http.StatusCreated
		}
		return &api.Tagged[Wallboard]{Status: status, ETag: call.Tag(version), Body: w}, nil
	})
	api.Register(k, api.Operation{
		ID: "delete-wallboard", Method: http.MethodDelete, Path: account + "/wallboards/{id}", Summary: "Remove a wallboard", Tag: tag,
		Permissions: manage, Status: http.StatusNoContent,
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if !api.ValidID(in.ID) {
			return nil, problem.Missing("wallboard")
		}
		return nil, s.Delete(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID: "list-wallboards", Method: http.MethodGet, Path: account + "/wallboards", Summary: "List wallboards", Tag: tag, Permissions: read,
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[Wallboard], error) {
		return api.Paged(c, in.Paging, []string{"wallboards"}, func(after string, limit int) ([]Wallboard, string, error) {
			return s.List(ctx, c, after, limit)
		})
	})
	return nil
}

// Function is MetricsFunction.
func Function(env *app.Env) (app.Function, error) {
	k := api.New(env)
	if err := Routes(k, env); err != nil {
		return app.Function{}, err
	}
	return app.Function{HTTP: k.Handler()}, nil
}
