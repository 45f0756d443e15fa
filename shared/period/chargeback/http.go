package chargeback

import (
	"context"
	"mime"
	"net/http"

	"seatwise/shared/period"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

type input struct {
	api.Account
	FirstDay   string `path:"firstDay" doc:"The period's first day, or current." example:"current"`
	CostCenter string `query:"costCenter" maxLength:"64" doc:"Of this cost center only; of all if left out." example:"CC-SALES"`
}

type output struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// Service writes workbooks of billing periods.
type Service struct{ periods *period.Service }

// New makes the service.
func New(periods *period.Service) *Service { return &Service{periods} }

// Routes registers the operation.
func (s *Service) Routes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "get-period-workbook", Method: http.MethodGet,
		Path: "/v1/accounts/{account}/billing/periods/{firstDay}/workbook", Tag: "Billing",
		Permissions: []auth.Permission{auth.BillingRead}, Files: []string{excel}, Partly: true,
		Summary: "Write a billing period as a workbook, of all cost centers or of one",
	}, s.answer)
}

func (s *Service) answer(ctx context.Context, c *call.Call, in *input) (*output, error) {
	st, err := s.periods.Chargeback(ctx, c, period.StatementOf{First: in.FirstDay, CostCenter: in.CostCenter})
	if err != nil {
		return nil, err
	}
	file, err := write(st, c.At)
	if err != nil {
		return nil, err
	}
	name := mime.FormatMediaType("attachment", map[string]string{"filename": fileName(st)})
	return &output{ContentType: excel, Disposition: name, Body: file}, nil
}
