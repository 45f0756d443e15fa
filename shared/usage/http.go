package usage

import (
	"context"
	"net/http"
	"time"

	"seatwise/shared/license/effects"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const tag = "Usage"

// EventBody is one view as clients send it.
type EventBody struct {
	ID          string    `json:"id" doc:"Makes the event count once: 1 to 200 printable ASCII characters. The same id within 32 days is a duplicate."`
	UserID      string    `json:"userId" doc:"Who viewed."`
	DashboardID string    `json:"dashboardId" doc:"What they viewed."`
	At          time.Time `json:"at" doc:"When they viewed: at most 48 hours ago."`
}

type viewsInput struct {
	api.Account
	Body struct {
		Events []EventBody `json:"events" minItems:"1" maxItems:"1000" nullable:"false"`
	}
}

// ActivityBody is one use of a product as clients send it.
type ActivityBody struct {
	ID        string    `json:"id" doc:"Makes the event count once: 1 to 200 printable ASCII characters. The same id within 32 days is a duplicate."`
	UserID    string    `json:"userId" doc:"Who used it."`
	ProductID string    `json:"productId" doc:"What they used: any product of the catalog."`
	At        time.Time `json:"at" doc:"When they used it: at most 48 hours ago."`
}

type activityInput struct {
	api.Account
	Body struct {
		Events []ActivityBody `json:"events" minItems:"1" maxItems:"1000" nullable:"false"`
	}
}

// ReceiptBody says what became of the events.
type ReceiptBody struct {
	Accepted  int            `json:"accepted" doc:"Events that count from now on."`
	Duplicate int            `json:"duplicate" doc:"Events that counted already."`
	Rejected  []RejectedBody `json:"rejected" nullable:"false" doc:"Events that do not count, and why."`
}

// RejectedBody is one event that does not count.
type RejectedBody struct {
	ID      string       `json:"id"`
	Problem *api.Problem `json:"problem"`
}

func receiptBody(r Receipt) ReceiptBody {
	body := ReceiptBody{Accepted: r.Accepted, Duplicate: r.Duplicate, Rejected: []RejectedBody{}}
	for _, rejected := range r.Rejected {
		body.Rejected = append(body.Rejected, RejectedBody{ID: rejected.ID, Problem: api.Of(rejected.Problem)})
	}
	return body
}

type summaryInput struct {
	api.Account
	From string `query:"from" doc:"The first day, in the account's time zone; 30 days before to if left out." example:"2026-01-01"`
	To   string `query:"to" doc:"The day after the last: tomorrow at the latest, and if both are left out; 30 days after from, or tomorrow, if it alone is." example:"2026-01-31"`
}

// Summary is the usage of a window (requirements, sections 6, 7).
type Summary struct {
	From string `json:"from" format:"date" doc:"The first day."`
	To   string `json:"to" format:"date" doc:"The day after the last."`
	// Timezone is that of the last day.
	Timezone string `json:"timezone" doc:"The time zone that makes the days: the account's, as it was when the billing period began that a day is in. Where it changed within the window, that of the last day."`

	LiveReportsPurchased      int64 `json:"liveReportsPurchased"`
	CallQueueBoosterPurchased int64 `json:"callQueueBoosterPurchased"`
	TotalPurchased            int64 `json:"totalPurchased"`
	MonitoredUsers            int64 `json:"monitoredUsers" doc:"Members of monitored call queues."`
	Viewers                   int64 `json:"viewers" doc:"Users who viewed a dashboard."`
	ActiveUsers               int64 `json:"activeUsers" doc:"Both together; each person counts once."`
	OverageUsers              int64 `json:"overageUsers" doc:"Active users beyond the licenses bought."`

	Overage *OverageBody `json:"overage,omitempty" doc:"How the account went over its licenses; absent when it did not."`
	Daily   []DayBody    `json:"daily" nullable:"false" doc:"Every day of the window."`
}

// OverageBody says how an account went over its licenses.
type OverageBody struct {
	Since     string       `json:"since" format:"date" doc:"The first day on which those active, on it or since the window began, were more than the licenses bought."`
	PeakUsers int64        `json:"peakUsers" doc:"The most users over on a single day; 0 when only the window as a whole is over."`
	PeakDate  string       `json:"peakDate" format:"date"`
	Sources   []SourceBody `json:"sources" nullable:"false" doc:"The queues and dashboards by which the active users came, those of most users first."`
}

// SourceBody is a queue or a dashboard with the active users that it brings.
type SourceBody struct {
	Kind        string `json:"kind" enum:"queue,dashboard"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	ActiveUsers int64  `json:"activeUsers"`
}

// DayBody is one day.
type DayBody struct {
	Date              string `json:"date" format:"date"`
	MonitoredUsers    int64  `json:"monitoredUsers"`
	Viewers           int64  `json:"viewers"`
	ActiveUsers       int64  `json:"activeUsers"`
	OverageUsers      int64  `json:"overageUsers"`
	LicensesPurchased int64  `json:"licensesPurchased"`
}

func summaryBody(w *Window, names Names) Summary {
	body := Summary{
		From:                      w.From.Format(time.DateOnly),
		To:                        w.To.Format(time.DateOnly),
		Timezone:                  w.Zones[len(w.Zones)-1].Name,
		LiveReportsPurchased:      w.Purchased.LiveReports,
		CallQueueBoosterPurchased: w.Purchased.CallQueueBooster,
		TotalPurchased:            w.Purchased.Total(),
		MonitoredUsers:            w.MonitoredUsers,
		Viewers:                   w.Viewers,
		ActiveUsers:               w.ActiveUsers,
		OverageUsers:              w.OverageUsers,
		Daily:                     make([]DayBody, len(w.Days)),
	}
	for i, d := range w.Days {
		body.Daily[i] = DayBody{
			Date: d.Date.Format(
				time.DateOnly,
			),
			MonitoredUsers:    d.MonitoredUsers,
			Viewers:           d.Viewers,
			ActiveUsers:       d.ActiveUsers,
			OverageUsers:      d.OverageUsers,
			LicensesPurchased: d.LicensesPurchased,
		}
	}
	if o := w.Overage; o != nil {
		body.Overage = &OverageBody{
			Since: o.Since.Format(
				time.DateOnly,
			),
			PeakUsers: o.PeakUsers,
			PeakDate:  o.Peak.Format(time.DateOnly),
			Sources:   make([]SourceBody, len(o.Sources)),
		}
		for i, source := range o.Sources {
			body.Overage.Sources[i] = SourceBody{
				Kind:        source.Kind,
				ID:          source.ID,
				Name:        names.Source(source),
				ActiveUsers: source.Users,
			}
		}
	}
	return body
}

// Routes registers A/usage.
func (s *Service) Routes(k *api.Router) {
	k.Foresees("licenses", effects.Reader(s.kernel.Products()))
	api.Register(k, api.Operation{
		ID:          "post-usage-views",
		Method:      http.MethodPost,
		Path:        "/v1/accounts/{account}/usage/views",
		Summary:     "Take in views of dashboards",
		Tag:         tag,
		Permissions: []auth.Permission{auth.UsageWrite},
		Measures:    true,
		Status:      http.StatusAccepted,
	}, func(ctx context.Context, c *call.Call, in *viewsInput) (*api.Plain[ReceiptBody], error) {
		events := make([]Event, len(in.Body.Events))
		for i, e := range in.Body.Events {
			events[i] = Event(e)
		}
		receipt, err := s.Take(ctx, c, events)
		if err != nil {
			return nil, err
		}
		return &api.Plain[ReceiptBody]{Status: http.StatusAccepted, Body: receiptBody(receipt)}, nil
	})
	api.Register(k, api.Operation{
		ID:          "post-usage-activity",
		Method:      http.MethodPost,
		Path:        "/v1/accounts/{account}/usage/activity",
		Summary:     "Take in who used which product",
		Tag:         tag,
		Permissions: []auth.Permission{auth.UsageWrite},
		Measures:    true,
		Status:      http.StatusAccepted,
	}, func(ctx context.Context, c *call.Call, in *activityInput) (*api.Plain[ReceiptBody], error) {
		events := make([]Activity, len(in.Body.Events))
		for i, e := range in.Body.Events {
			events[i] = Activity(e)
		}
		receipt, err := s.TakeActivity(ctx, c, events)
		if err != nil {
			return nil, err
		}
		return &api.Plain[ReceiptBody]{Status: http.StatusAccepted, Body: receiptBody(receipt)}, nil
	})
	api.Register(k, api.Operation{
		ID:          "get-usage-summary",
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/usage/summary",
		Summary:     "Sum up the usage of a window of days",
		Tag:         tag,
		Permissions: []auth.Permission{auth.UsageRead},
	}, func(ctx context.Context, c *call.Call, in *summaryInput) (*api.Plain[Summary], error) {
		w, names, err := s.Asked(ctx, c, in.From, in.To)
		if err != nil {
			return nil, err
		}
		return &api.Plain[Summary]{Status: http.StatusOK, Body: summaryBody(w, names)}, nil
	})
}
