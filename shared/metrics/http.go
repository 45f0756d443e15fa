package metrics

import (
	"context"
	"net/http"
	"time"

	"seatwise/shared/license/effects"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const tag = "Metrics"

// toldMax is the answer to a change of the maximum.
func toldMax(m Metric) maximum { return maximum{Max: *m.Max, ID: m.ID, Name: m.Name, Used: &m.Used} }

type (
	accountInput struct{ api.Account }

	maxBody struct {
		Max int64 `json:"max" minimum:"0" maximum:"100000" doc:"The most wallboards that the account may have."`
	}

	maximum struct {
		Max int64 `json:"max" doc:"The most wallboards that the account may have."`
		// Of the answer to a change alone.
		ID   string `json:"id,omitempty" doc:"Of the answer to a change: the product that is counted."`
		Name string `json:"name,omitempty" doc:"Of the answer to a change."`
		Used *int64 `json:"used,omitempty" doc:"Of the answer to a change: how many there are."`
	}

	wallboardBody struct {
		ID        string    `json:"id,omitempty" readOnly:"true" doc:"The id in the path."`
		Name      string    `json:"name" minLength:"1" maxLength:"200"`
		Kind      Kind      `json:"kind" enum:"analytics,live-analytics"`
		UserID    string    `json:"userId" doc:"Whose device it is: an active user of the account. It ends when they are deactivated or deleted."`
		CreatedAt time.Time `json:"createdAt,omitzero" readOnly:"true"`
	}

	listInput struct {
		api.Account
		api.Paging
	}
)

const account = "/v1/accounts/{account}"

// The permissions of the module's operations.
var read, manage = []auth.Permission{auth.MetricsRead}, []auth.Permission{auth.MetricsManage}

// Routes registers A/metrics and A/wallboards.
func (s *Service) Routes(k *api.Router) {
	k.Foresees("licenses", effects.Reader(s.kernel.Products()))
	s.metricsRoutes(k)
	s.wallboardRoutes(k)
}

func (s *Service) metricsRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID:          "get-license-metrics",
		Method:      http.MethodGet,
		Path:        account + "/metrics/licenses",
		Summary:     "Count what the account consumes, now",
		Tag:         tag,
		Permissions: read,
	}, func(ctx context.Context, c *call.Call, _ *accountInput) (*api.Plain[Snapshot], error) {
		snapshot, err := s.Snapshot(ctx, c)
		if err != nil {
			return nil, err
		}
		return &api.Plain[Snapshot]{Status: http.StatusOK, Body: snapshot}, nil
	})
	most := s.mostWallboards()
	const mostPath = account + "/metrics/licenses/wallboards"
	api.RegisterGet(k, api.Operation{
		ID:          "get-wallboard-maximum",
		Path:        mostPath,
		Summary:     "Read the maximum of wallboards",
		Tag:         tag,
		Permissions: read,
	}, most)
	api.RegisterPut(k, api.Operation{
		ID:          "put-wallboard-maximum",
		Path:        mostPath,
		Summary:     "Set the maximum of wallboards",
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
	}, most)
	api.RegisterPatch(k, api.Operation{
		ID:          "patch-wallboard-maximum",
		Path:        mostPath,
		Summary:     "Change the maximum of wallboards",
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
	}, most)
}

// mostWallboards is the maximum, read and written.
func (s *Service) mostWallboards() api.ReadWrite[api.Account, maxBody, maximum] {
	return api.ReadWrite[api.Account, maxBody, maximum]{
		Read: func(ctx context.Context, c *call.Call, _ *api.Account) (*api.Tagged[maximum], error) {
			most, version, err := s.Max(ctx, c)
			if err != nil {
				return nil, err
			}
			return &api.Tagged[maximum]{Status: http.StatusOK, ETag: call.Tag(version), Body: maximum{Max: most}}, nil
		},
		Write: func(
			ctx context.Context, c *call.Call, _ *api.Account, sent api.Sent[maxBody],
		) (*api.Tagged[maximum], error) {
			metric, version, err := s.SetMax(ctx, c, sent.Body.Max)
			if err != nil {
				return nil, err
			}
			return &api.Tagged[maximum]{Status: http.StatusOK, ETag: call.Tag(version), Body: toldMax(metric)}, nil
		},
	}
}

func (s *Service) wallboardRoutes(k *api.Router) {
	one := s.oneWallboard()
	const onePath = account + "/wallboards/{id}"
	api.RegisterGet(
		k,
		api.Operation{ID: "get-wallboard", Path: onePath, Summary: "Read a wallboard", Tag: tag, Permissions: read},
		one,
	)
	api.RegisterPut(k, api.Operation{
		ID:          "put-wallboard",
		Path:        onePath,
		Summary:     "Register a wallboard, or change it",
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
		Makes:       true,
	}, one)
	api.RegisterPatch(k, api.Operation{
		ID:          "patch-wallboard",
		Path:        onePath,
		Summary:     "Change what is named of a wallboard",
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
	}, one)
	api.Register(k, api.Operation{
		ID:          "delete-wallboard",
		Method:      http.MethodDelete,
		Path:        account + "/wallboards/{id}",
		Summary:     "Remove a wallboard",
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusNoContent,
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if !auth.ValidID(in.ID) {
			return nil, problem.Missing("wallboard")
		}
		return nil, s.Delete(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID:          "list-wallboards",
		Method:      http.MethodGet,
		Path:        account + "/wallboards",
		Summary:     "List wallboards",
		Tag:         tag,
		Permissions: read,
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[Wallboard], error) {
		return api.Paged(
			ctx,
			c,
			in.Paging,
			[]string{"wallboards"},
			func(after string, limit int) ([]Wallboard, string, error) {
				return s.List(ctx, c, after, limit)
			},
		)
	})
}

// oneWallboard is a device, read and written.
func (s *Service) oneWallboard() api.ReadWrite[api.Resource, wallboardBody, Wallboard] {
	return api.ReadWrite[api.Resource, wallboardBody, Wallboard]{
		New: func(at *api.Resource) Wallboard { return Wallboard{ID: at.ID} },
		Read: func(ctx context.Context, c *call.Call, at *api.Resource) (*api.Tagged[Wallboard], error) {
			if !auth.ValidID(at.ID) {
				return nil, problem.Missing("wallboard")
			}
			w, version, err := s.Get(ctx, c, at.ID)
			if err != nil {
				return nil, err
			}
			return &api.Tagged[Wallboard]{Status: http.StatusOK, ETag: call.Tag(version), Body: w}, nil
		},
		Write: func(
			ctx context.Context, c *call.Call, at *api.Resource, sent api.Sent[wallboardBody],
		) (*api.Tagged[Wallboard], error) {
			if err := api.CheckID("id", at.ID); err != nil {
				return nil, err
			}
			if err := api.CheckUserID("userId", sent.Body.UserID); err != nil {
				return nil, problem.Together(checkName(sent.Body.Name), err)
			}
			w, err := s.Put(
				ctx,
				c,
				Wallboard{ID: at.ID, Name: sent.Body.Name, Kind: sent.Body.Kind, UserID: sent.Body.UserID},
			)
			if err != nil {
				return nil, err
			}
			return api.Tell(w), nil
		},
	}
}
