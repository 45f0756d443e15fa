package period

import (
	"context"
	"net/http"
	"slices"
	"time"

	"seatwise/shared/craft/money"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const (
	base = "/v1/accounts/{account}/billing"
	tag  = "Billing"
)

type periodInput struct {
	api.Account
	FirstDay string `path:"firstDay" doc:"The period's first day, or current." example:"current"`
}

type listInput struct {
	api.Account
	api.Paging
}

type linesInput struct {
	api.Account
	FirstDay   string   `path:"firstDay" doc:"The period's first day, or current." example:"current"`
	Kind       []string `query:"kind,explode" enum:"recurring,prorated,metered,overage,correction" maxItems:"5" doc:"Lines of these kinds only. May be given several times: any of them."`
	Product    []string `query:"product,explode" maxItems:"50" doc:"Lines of these products only. May be given several times: any of them."`
	CostCenter []string `query:"costCenter,explode" maxItems:"50" doc:"Lines of these cost centers only. May be given several times: any of them."`
	api.Paging
}

type lineInput struct {
	api.Account
	FirstDay string `path:"firstDay" doc:"The period's first day, or current." example:"current"`
	Line     string `path:"line" doc:"The id of a line of the period."`
	Day      string `query:"day" format:"date" doc:"This day only; limit then counts its licenses and people." example:"2026-11-21"`
	api.Paging
}

type differencesInput struct {
	api.Account
	FirstDay string `path:"firstDay" doc:"The period's first day, or current." example:"current"`
	Day      string `query:"day" format:"date" doc:"A day of the period that has begun: the snapshot is of its end. Its last one if left out; of today it is of now." example:"2026-11-21"`
	api.Paging
}

type correctionInput struct {
	api.Account
	Body struct {
		Corrects   string       `json:"corrects" format:"date" doc:"The first day of the closed period."`
		ProductID  string       `json:"productId,omitempty" maxLength:"64"`
		CostCenter string       `json:"costCenter,omitempty" maxLength:"64"`
		Amount     money.Amount `json:"amount" doc:"Below zero for what is given back."`
		Reason     string       `json:"reason" minLength:"1" maxLength:"300" doc:"Stands on the line."`
	}
}

// Routes registers the module's operations (docs/contract.md).
func (s *Service) Routes(k *api.Router) {
	reading := func(id, path, summary string) api.Operation {
		return api.Operation{
			ID: id, Method: http.MethodGet, Path: base + path, Summary: summary, Tag: tag,
			Permissions: []auth.Permission{auth.BillingRead}, Partly: true,
		}
	}
	api.Register(k, reading("list-periods", "/periods", "List the billing periods, the latest first"),
		func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[Summary], error) {
			return api.Paged(
				ctx,
				c,
				in.Paging,
				[]string{"periods"},
				func(after string, limit int) ([]Summary, string, error) {
					return s.List(ctx, c, after, limit)
				},
			)
		})
	api.Register(k, reading("get-period", "/periods/{firstDay}", "Read a billing period; current is that of today"),
		func(ctx context.Context, c *call.Call, in *periodInput) (*api.Plain[View], error) {
			v, err := s.Get(ctx, c, in.FirstDay)
			return &api.Plain[View]{Status: http.StatusOK, Body: v}, err
		})
	api.Register(
		k,
		reading("list-period-lines", "/periods/{firstDay}/lines", "List the lines of a billing period"),
		s.lines,
	)
	api.Register(k, reading("get-period-line", "/periods/{firstDay}/lines/{line}",
		"Read a line of a billing period with its days, and each day with its licenses and people"), s.line)
	api.Register(k, reading("compare-period", "/periods/{firstDay}/differences",
		"Explain why a billing period and a snapshot of one of its days differ, line by line"), s.differences)
	api.Register(k, api.Operation{
		ID: "correct-period", Method: http.MethodPost, Path: base + "/corrections", Tag: tag,
		Summary:     "Correct a closed billing period, by a line of the present one",
		Permissions: []auth.Permission{auth.AccountsManage},
		Status:      http.StatusCreated, Conflicts: true,
	}, s.correct)
}

func (s *Service) lines(ctx context.Context, c *call.Call, in *linesInput) (*api.Listed[Line], error) {
	list := slices.Concat([]string{"period-lines", in.FirstDay}, in.Kind, in.Product, in.CostCenter)
	of := LinesOf{First: in.FirstDay, Kinds: in.Kind, Products: in.Product, CostCenters: in.CostCenter}
	return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Line, string, error) {
		return s.Lines(ctx, c, of, after, limit)
	})
}

func (s *Service) line(ctx context.Context, c *call.Call, in *lineInput) (*api.Plain[LineView], error) {
	list := []string{"period-line", in.FirstDay, in.Line, in.Day}
	after, err := api.Position(ctx, c, in.Cursor, list...)
	if err != nil {
		return nil, err
	}
	v, next, err := s.Line(ctx, c, PageOf{in.FirstDay, in.Line, in.Day, after, in.Limit})
	if err != nil {
		return nil, err
	}
	v.NextCursor, err = api.NextCursor(ctx, c, next, list...)
	return &api.Plain[LineView]{Status: http.StatusOK, Body: v}, err
}

func (s *Service) differences(
	ctx context.Context, c *call.Call, in *differencesInput,
) (*api.Plain[Comparison], error) {
	list := []string{"period-differences", in.FirstDay, in.Day}
	after, err := api.Position(ctx, c, in.Cursor, list...)
	if err != nil {
		return nil, err
	}
	v, next, err := s.Differences(ctx, c, SnapshotOf{in.FirstDay, in.Day}, after, in.Limit)
	if err != nil {
		return nil, err
	}
	v.NextCursor, err = api.NextCursor(ctx, c, next, list...)
	return &api.Plain[Comparison]{Status: http.StatusOK, Body: v}, err
}

func (s *Service) correct(ctx context.Context, c *call.Call, in *correctionInput) (*api.Plain[Named], error) {
	if _, err := time.Parse(time.DateOnly, in.Body.Corrects); err != nil {
		return nil, problem.Invalid("corrects", problem.BadFormat, "must be a day, such as 2026-12-01")
	}
	if in.Body.CostCenter != "" {
		if err := api.CheckID("costCenter", in.Body.CostCenter); err != nil {
			return nil, err
		}
	}
	n, err := s.Correct(ctx, c, Named{
		ProductID: in.Body.ProductID, CostCenter: in.Body.CostCenter, Amount: in.Body.Amount,
		Corrects: in.Body.Corrects, Reason: in.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return &api.Plain[Named]{Status: http.StatusCreated, Body: n}, nil
}
