package cost

import (
	"context"
	"net/http"
	"time"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/usage"
)

type costInput struct {
	api.Account
	From string `query:"from" doc:"The first day, in UTC; 30 days before to if left out." example:"2026-01-01"`
	To   string `query:"to" doc:"The day after the last: tomorrow at the latest, and if both are left out; 30 days after from, or tomorrow, if it alone is." example:"2026-01-31"`
}

// AccountCost is what an account has cost.
type AccountCost struct {
	From    string    `json:"from" format:"date" doc:"The first day."`
	To      string    `json:"to" format:"date" doc:"The day after the last."`
	Counted Work      `json:"counted" doc:"What the account has taken, counted by the functions themselves."`
	Dollars Prices    `json:"dollars" doc:"What that costs at the list prices of AWS, without free tiers. It is no charge to the account."`
	Days    []CostDay `json:"days" nullable:"false" doc:"The days that are folded and on which there was anything. A day is folded in the night after it."`
}

// Routes registers the module's operations (docs/contract.md).
func (s *Service) Routes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "get-cost", Method: http.MethodGet, Path: "/v1/accounts/{account}/cost",
		Summary: "What an account costs its provider", Tag: "Accounts",
		Permissions: []auth.Permission{auth.AccountsManage},
	}, func(ctx context.Context, c *call.Call, in *costInput) (*api.Plain[AccountCost], error) {
		first, end, err := usage.Span(in.From, in.To, c.At.UTC().Truncate(24*time.Hour))
		if err != nil {
			return nil, err
		}
		days, err := s.Days(ctx, c.Account, first, end)
		if err != nil {
			return nil, err
		}
		out := AccountCost{From: first.Format(time.DateOnly), To: end.Format(time.DateOnly), Days: days}
		for _, d := range days {
			out.Counted = out.Counted.Plus(d.Work)
		}
		out.Dollars = out.Counted.Dollars()
		return &api.Plain[AccountCost]{Status: http.StatusOK, Body: out}, nil
	})
}
