package printing

import (
	"context"
	"net/http"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

type statementInput struct {
	api.Account
	ID     string `path:"id" doc:"The order's id."`
	Accept string `header:"Accept" doc:"text/html (if left out) or application/pdf."`
}

type statementOutput struct {
	ContentType   string `header:"Content-Type"`
	Disposition   string `header:"Content-Disposition"`
	ContentPolicy string `header:"Content-Security-Policy"`
	Vary          string `header:"Vary"`
	Body          []byte
}

// Routes registers the operation.
func Routes(k *api.Router) {
	api.Register(k, api.Operation{
		ID:          "get-statement",
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/orders/{id}/statement",
		Tag:         "Purchase",
		Permissions: []auth.Permission{auth.BillingRead},
		Conflicts:   true,
		Partly:      true,
		Files:       []string{html, pdf},
		Summary:     "Print an order",
	}, answer)
}

func answer(ctx context.Context, c *call.Call, in *statementInput) (*statementOutput, error) {
	form, ok := formOf(in.Accept, html, pdf)
	if !ok {
		return nil, problem.Invalid("Accept", problem.NotAllowed, "must take %s or %s", html, pdf)
	}
	if !auth.ValidID(in.ID) {
		return nil, problem.Missing("order")
	}
	printed, name, err := statementOf(ctx, c, in.ID, form)
	if err != nil {
		return nil, err
	}
	return outputOf(form, name, printed), nil
}

// outputOf answers with what was printed. A page has its style within itself and needs nothing else.
func outputOf(form, name string, printed []byte) *statementOutput {
	out := &statementOutput{
		ContentType: form + "; charset=utf-8", Disposition: disposition(name),
		ContentPolicy: "default-src 'none'; style-src 'unsafe-inline'", Vary: "Accept", Body: printed,
	}
	if form == pdf {
		out.ContentType = pdf
	}
	return out
}
