package printing

import (
	"context"
	"net/http"

	"seatwise/shared/period"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

type periodInput struct {
	api.Account
	FirstDay   string `path:"firstDay" doc:"The period's first day, or current." example:"current"`
	CostCenter string `query:"costCenter" maxLength:"64" doc:"Of this cost center only; of all if left out." example:"CC-SALES"`
	Accept     string `header:"Accept" doc:"text/html (if left out), application/pdf or text/csv."`
}

// Service prints billing periods.
type Service struct{ periods *period.Service }

// New makes the service.
func New(periods *period.Service) *Service { return &Service{periods} }

// PeriodRoutes registers the operation that prints billing periods.
func (s *Service) PeriodRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID:          "get-period-statement",
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/billing/periods/{firstDay}/statement",
		Tag:         "Billing",
		Permissions: []auth.Permission{auth.BillingRead},
		Files:       []string{html, pdf, csv},
		Partly:      true,
		Summary:     "Print a billing period, of all cost centers or of one",
	}, s.period)
}

func (s *Service) period(ctx context.Context, c *call.Call, in *periodInput) (*statementOutput, error) {
	form, ok := formOf(in.Accept, html, pdf, csv)
	if !ok {
		return nil, problem.Invalid("Accept", problem.NotAllowed, "must take %s, %s or %s", html, pdf, csv)
	}
	st, err := s.periods.Statement(ctx, c, period.StatementOf{First: in.FirstDay, CostCenter: in.CostCenter})
	if err != nil {
		return nil, err
	}
	return printPeriod(st, form)
}
