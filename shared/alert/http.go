package alert

import (
	"context"
	"net/http"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

type alertsInput struct {
	api.Account
	api.Paging
	State State `query:"state" enum:"open,over" doc:"Only alerts of this state."`
}

// Routes registers A/alerts.
func (s *Service) Routes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "list-alerts", Method: http.MethodGet, Path: "/v1/accounts/{account}/alerts", Tag: "Policies",
		Summary:     "List what needs attention, or needed it, the newest first",
		Permissions: []auth.Permission{auth.BillingRead},
		Partly:      true,
	}, func(ctx context.Context, c *call.Call, in *alertsInput) (*api.Listed[Alert], error) {
		list := []string{"alerts", string(in.State)}
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Alert, string, error) {
			return s.List(ctx, c, in.State, after, limit)
		})
	})
}
