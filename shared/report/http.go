package report

import (
	"context"
	"net/http"
	"time"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const tag = "Reports"

// View is a report as docs/contract.md shows it.
type View struct {
	ID          string     `json:"id" format:"uuid"`
	Kind        string     `json:"kind" enum:"license-status"`
	State       State      `json:"state" enum:"queued,running,ready,failed"`
	Percent     int        `json:"percent" doc:"How far it is: 0, 50 or 100."`
	FileName    string     `json:"fileName"`
	From        string     `json:"from" format:"date" doc:"The first day, in the account's time zone."`
	To          string     `json:"to" format:"date" doc:"The day after the last."`
	CreatedAt   time.Time  `json:"createdAt"`
	CreatedBy   string     `json:"createdBy" doc:"Who asked for it, or the schedule."`
	Scheduled   bool       `json:"scheduled,omitempty" doc:"It covers exactly a billing period, or a week, that was over for 48 hours."`
	Failure     string     `json:"failure,omitempty" doc:"Why it failed."`
	DownloadURL string     `json:"downloadUrl,omitempty" doc:"Where the file is, once it is ready. Whoever has the URL can read the file until it expires."`
	ExpiresAt   *time.Time `json:"expiresAt,omitempty" doc:"When the URL expires: 15 minutes after it was given."`
}

func view(r Report) View {
	percent := map[State]int{Queued: 0, Running: 50, Ready: 100, Failed: 100}
	return View{
		ID:        r.ID,
		Kind:      r.Kind,
		State:     r.State,
		Percent:   percent[r.State],
		FileName:  r.FileName,
		From:      r.From,
		To:        r.To,
		CreatedAt: r.CreatedAt,
		CreatedBy: r.CreatedBy,
		Scheduled: r.Scheduled,
		Failure:   r.Failure,
	}
}

// linked is view with the URL of the file, if there is one.
func (s *Service) linked(ctx context.Context, c *call.Call, r Report) (View, error) {
	v := view(r)
	if r.State != Ready {
		return v, nil
	}
	url, expires, err := s.link(ctx, c, r)
	if err != nil {
		return View{}, err
	}
	v.DownloadURL, v.ExpiresAt = url, &expires
	return v, nil
}

type (
	createInput struct {
		api.Account
		Body struct {
			Kind string `json:"kind" enum:"license-status"`
			From string `json:"from,omitempty" doc:"The first day, in the account's time zone; 30 days before to if left out." example:"2026-01-01"`
			To   string `json:"to,omitempty" doc:"The day after the last: tomorrow at the latest, and if both are left out." example:"2026-01-31"`
		}
	}
	listInput struct {
		api.Account
		api.Paging
	}
	getInput struct {
		api.Account
		ID string `path:"id"`
	}
)

// Routes registers A/reports.
func (s *Service) Routes(k *api.Router) {
	const path = "/v1/accounts/{account}/reports"
	may := []auth.Permission{auth.UsageRead}
	api.Register(k, api.Operation{
		ID:          "post-report",
		Method:      http.MethodPost,
		Path:        path,
		Summary:     "Ask for a license status report",
		Tag:         tag,
		Permissions: may,
		Status:      http.StatusAccepted,
		Conflicts:   true,
		Rules:       true,
	}, s.post)
	api.Register(k, api.Operation{
		ID:          "list-reports",
		Method:      http.MethodGet,
		Path:        path,
		Summary:     "List reports, newest first",
		Tag:         tag,
		Permissions: may,
	}, s.page)
	api.Register(k, api.Operation{
		ID:          "get-report",
		Method:      http.MethodGet,
		Path:        path + "/{id}",
		Summary:     "Read a report and where to download it",
		Tag:         tag,
		Permissions: may,
	}, s.one)
}

func (s *Service) post(ctx context.Context, c *call.Call, in *createInput) (*api.Tagged[View], error) {
	r, err := s.Create(ctx, c, in.Body.From, in.Body.To)
	if err != nil {
		return nil, err
	}
	return &api.Tagged[View]{
		Status:   http.StatusAccepted,
		ETag:     call.Tag(r.version),
		Location: location(c, r),
		Body:     view(r),
	}, nil
}

func (s *Service) page(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[View], error) {
	after, err := api.Position(ctx, c, in.Cursor, "reports")
	if err != nil {
		return nil, err
	}
	reports, next, err := s.List(ctx, c, after, in.Limit)
	if err != nil {
		return nil, err
	}
	views := make([]View, len(reports))
	for i, r := range reports {
		if views[i], err = s.linked(ctx, c, r); err != nil {
			return nil, err
		}
	}
	cursor, err := api.NextCursor(ctx, c, next, "reports")
	if err != nil {
		return nil, err
	}
	return api.Page(views, cursor), nil
}

func (s *Service) one(ctx context.Context, c *call.Call, in *getInput) (*api.Tagged[View], error) {
	r, err := s.Get(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := s.linked(ctx, c, r)
	if err != nil {
		return nil, err
	}
	return &api.Tagged[View]{Status: http.StatusOK, ETag: call.Tag(r.version), Body: v}, nil
}
