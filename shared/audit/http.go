package audit

import (
	"context"
	"net/http"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

type listInput struct {
	api.Account
	api.Paging
	License string `query:"license" format:"uuid" doc:"Only what was done to this license."`
	User    string `query:"user" doc:"Only what concerned this user."`
	Actor   string `query:"actor" doc:"Only what this user did, and what followed from it automatically; or what a function did that nobody asked."`
	Action  string `query:"action" maxLength:"64" doc:"Only this kind of change." example:"license.assigned"`
	From    string `query:"from" doc:"The earliest moment, or its day in UTC." example:"2026-01-01T00:00:00Z"`
	To      string `query:"to" doc:"The moment, or the day in UTC, before which records end." example:"2026-02-01"`
	Order   string `query:"order" enum:"newest,oldest" default:"newest" doc:"Which come first."`
}

func (in *listInput) filter() (Filter, error) {
	f := Filter{
		License: in.License, User: in.User, Actor: in.Actor, Action: in.Action, OldestFirst: in.Order == "oldest",
	}
	for _, id := range []struct{ field, value string }{{"user", in.User}, {"actor", in.Actor}} {
		if id.value == "" {
			continue
		}
		if err := api.CheckUserID(id.field, id.value); err != nil {
			return Filter{}, err
		}
	}
	var err error
	if f.From, err = parseMoment("from", in.From); err != nil {
		return Filter{}, err
	}
	if f.To, err = parseMoment("to", in.To); err != nil {
		return Filter{}, err
	}
	return f, nil
}

// Routes registers GET A/audit.
func (s *Service) Routes(k *api.Router) {
	api.Register(k, api.Operation{
		ID:          "list-audit",
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/audit",
		Summary:     "List what was changed, newest first unless asked otherwise",
		Tag:         "Audit",
		Permissions: []auth.Permission{auth.AuditRead},
		Nowhere:     true,
		Partly:      true,
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[call.AuditRecord], error) {
		f, err := in.filter()
		if err != nil {
			return nil, err
		}
		list := []string{"audit", in.License, in.User, in.Actor, in.Action, in.From, in.To, in.Order}
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]call.AuditRecord, string, error) {
			return s.List(ctx, c, f, after, limit)
		})
	})
}
