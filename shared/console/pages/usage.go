package pages

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Usage", Path: "usage", Section: sectionLiveReports, Order: 60, Needs: []auth.Permission{auth.UsageRead},
	Routes: []web.Route{
		{Path: "usage", Show: showUsage},
		{
			Path:   "usage/reports",
			Show:   showReports,
			Send:   sendReport,
			Submit: "Download License Status Report",
			Fields: web.Fields("from", "First day", "last", "Last day"),
		},
		{Path: "usage/reports/{id}", Show: showReport},
		{Path: "usage/reports/{id}/file", Show: showReportFile},
	},
})

const (
	pageOfReports = 20
	// unlimitedBundle is the bundle whose Live Reports are unlimited.
	unlimitedBundle = "customer-engagement"
	liveReports     = "live-reports"
	queueBooster    = "call-queue-booster"
)

// isUnlimited says whether the account's bundle includes unlimited Live Reports.
func isUnlimited(c *web.Context) bool {
	info, there := c.AccountInfo()
	return there && info.Bundle == unlimitedBundle
}

// mayReport says whether a license status report is offered.
func mayReport(c *web.Context) bool { return c.May(auth.UsageRead) && !isUnlimited(c) }

// usage is what the page shows.
type usage struct {
	sum     client.UsageSummary
	reports client.ReportPage
	query   url.Values
	// fault is why other days than the last thirty, which were asked for, are not shown.
	fault *view.Fault
	// waiting are those who have a reason for a license of Live Reports and none.
	waiting client.Answer[client.WaitingGrantPage]
	// periods are the latest billing periods, of who may see them.
	periods client.Answer[client.PeriodListSummary]
}

// bySource is a call queue or a dashboard that active users came by. without is how many of its
// people have no license and wait for one.
type bySource struct {
	client.UsageSource
	without int64
}

// queues are the call queues that active users came by, those with most people without a license
// first.
func (u usage) queues() []bySource {
	without := map[string]int64{}
	for _, w := range u.waiting.Body.Items {
		for _, g := range w.Grants {
			without[g.Source]++
		}
	}
	list := u.sources("queue")
	for i := range list {
		list[i].without = without["queue:"+list[i].ID]
	}
	view.Sort(list, func(a, b bySource) bool { return a.without > b.without })
	return list
}

// sources are what active users came by, of one kind.
func (u usage) sources(kind string) []bySource {
	var list []bySource
	for _, s := range u.sum.Overage.Sources {
		if s.Kind == kind {
			list = append(list, bySource{UsageSource: s})
		}
	}
	return list
}

// withoutSays is how many of a queue wait, or that it is at least that number where more wait than
// were read.
func (u usage) withoutSays(f *view.Format, s bySource) string {
	if u.waiting.Body.NextCursor != "" {
		return f.Number(s.without) + " or more"
	}
	return f.Number(s.without)
}

func showUsage(c *web.Context, _ *view.Form) error {
	var sum client.Answer[client.UsageSummary]
	var reports client.Answer[client.ReportPage]
	var waiting client.Answer[client.WaitingGrantPage]
	u := usage{query: c.Query()}
	err := c.Load(
		u.days(c, &sum),
		client.Into(&reports, listReports(c)),
		client.IfAllowed(client.Into(&u.periods, latestPeriods(c))),
		client.IfAllowed(
			client.Into(&waiting, func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
				return c.API.ListWaiting(ctx, client.ListWaitingQuery{
					Product: []string{liveReports, queueBooster}, Limit: mostNames,
				})
			}),
		),
	)
	if err != nil {
		return err
	}
	u.sum, u.reports, u.waiting = sum.Body, reports.Body, waiting
	return c.Show("Usage", usagePage(c, c.NewForm(), u))
}

// days asks for the usage of the days of the address; of the last thirty where it names none, or some that
// cannot be shown. A person names the last day, and the API the one after it.
func (u *usage) days(c *web.Context, into *client.Answer[client.UsageSummary]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.UsageSummary], error) {
		sum, err := c.API.GetUsageSummary(ctx, client.GetUsageSummaryQuery{
			From: u.query.Get("from"), To: dayAfter(u.query.Get("last")),
		})
		if e := client.As(err); e != nil && e.Status == http.StatusUnprocessableEntity {
			u.fault = &view.Fault{Title: notTheseDays, Fields: namedLast(e.Errors)}
			return c.API.GetUsageSummary(ctx, client.GetUsageSummaryQuery{})
		}
		return sum, err
	})
}

// notTheseDays is said where days were asked for that cannot be shown.
const notTheseDays = "These days cannot be shown: below are the last 30"

// chosen says that the reader has asked for other days than the last thirty.
func (u usage) chosen() bool { return u.query.Get("from")+u.query.Get("last") != "" }

// reportDays are the first and the last day of the report that is asked for here, where they are others than
// the last thirty.
func (u usage) reportDays() []string {
	if !u.chosen() || u.fault != nil {
		return nil
	}
	return []string{u.sum.From, dayBefore(u.sum.To)}
}

// namedIn is where the people of the days shown are named.
func (u usage) namedIn() string {
	of := "these days"
	if len(u.sum.Daily) == 1 {
		of = "this day"
	}
	return "Who was active is named in the report of " + of +
		", with the call queues and dashboards of each: Download License Status Report."
}

// dayLink is the usage of one day: who was active on it, by what, and the report that names them.
func dayLink(c *web.Context, day string) string { return usageOf(c, day, dayAfter(day)) }

// month is the address of the usage of a month, some months before that of the last day shown; the current
// one ends with its last day so far.
func (u usage) month(c *web.Context, before int) (href, name string) {
	last, err := time.Parse(time.DateOnly, dayBefore(u.sum.To))
	if err != nil {
		return "", ""
	}
	first := time.Date(last.Year(), last.Month()-time.Month(before), 1, 0, 0, 0, 0, time.UTC)
	if before > 0 {
		last = first.AddDate(0, 1, -1)
	}
	return c.Link("usage") + "?from=" + first.Format(time.DateOnly) + "&last=" + last.Format(time.DateOnly),
		first.Format("January 2006")
}

func listReports(c *web.Context) func(context.Context) (client.Answer[client.ReportPage], error) {
	return func(ctx context.Context) (client.Answer[client.ReportPage], error) {
		return c.API.ListReports(ctx, client.ListReportsQuery{Limit: pageOfReports, Cursor: c.Query().Get("cursor")})
	}
}

// showReports asks for the days of a report: what Download License Status Report does for the last
// thirty is done here for others.
func showReports(c *web.Context, f *view.Form) error {
	if err := c.Load(); err != nil {
		return err
	}
	return c.Show("License Status Report", reportsPage(c, f))
}

// sendReport asks for a report, of the last 30 days where no days were chosen. A person chooses the
// last day, and the API takes the one after it.
func sendReport(c *web.Context, f *view.Form) error {
	body := client.PostReportRequest{Kind: "license-status"}
	if from := f.Get("from"); from != "" {
		body.From = &from
	}
	if last := f.Get("last"); last != "" {
		to := dayAfter(last)
		if to == last {
			return web.Wrong("last", "must be a day")
		}
		body.To = &to
	}
	r, err := c.API.PostReport(c.R.Context(), body, c.LookOf(f, "report"))
	if e := client.As(err); e != nil {
		e.Errors = namedLast(e.Errors)
	}
	if err != nil {
		return err
	}
	return c.GoTo(c.Link("usage", "reports", r.Body.ID))
}

// namedLast are faults of days, named as a person chooses them.
func namedLast(faults []client.FieldError) []client.FieldError {
	for i := range faults {
		if faults[i].Field == "to" {
			faults[i].Field = "last"
		}
	}
	return faults
}

func getReport(c *web.Context, into *client.Answer[client.Report]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.Report], error) {
		return c.API.GetReport(ctx, c.Param("id"))
	})
}

// refreshReport is after how many seconds a page without script asks again.
const refreshReport = 3

func showReport(c *web.Context, _ *view.Form) error {
	var r client.Answer[client.Report]
	if err := c.Load(getReport(c, &r)); err != nil {
		return err
	}
	if isRunning(r.Body) {
		c.Refresh(refreshReport)
	}
	return c.Show("License Status Report", reportPage(c, c.NewForm(), r.Body))
}

// showReportFile leads to the file. The address that the API gives is good for minutes, so each
// press asks for one of its own.
func showReportFile(c *web.Context, _ *view.Form) error {
	r, err := c.API.GetReport(c.R.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if r.Body.DownloadURL == "" {
		return c.GoTo(c.Link("usage", "reports", r.Body.ID))
	}
	return c.GoTo(r.Body.DownloadURL)
}

func isRunning(r client.Report) bool { return r.State == "queued" || r.State == "running" }

// span writes days from the first up to the one after the last, which the API names.
func span(f *view.Format, from, to string) string { return f.Day(from) + " to " + f.Day(dayBefore(to)) }

func dayAfter(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

func dayBefore(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, -1).Format(time.DateOnly)
}

// chart is the usage as a picture: active users of each day against the licenses bought by then.
func (u usage) chart(f *view.Format) view.DayChart {
	d := view.DayChart{Of: "Active users of each day against licenses bought, " + span(f, u.sum.From, u.sum.To) +
		". The same figures are in the table below."}
	for _, day := range u.sum.Daily {
		d.Bars = append(d.Bars, view.DayBar{
			Says: f.Day(day.Date) + ": " + f.Count(day.ActiveUsers, "active user", "active users") + ", " +
				f.Count(day.LicensesPurchased, "license", "licenses"),
			Amount: day.ActiveUsers, Limit: day.LicensesPurchased,
		})
	}
	if n := len(u.sum.Daily); n > 0 {
		d.First, d.Last = f.Day(u.sum.Daily[0].Date), f.Day(u.sum.Daily[n-1].Date)
	}
	return d
}

// queueUseColumns leave out who waits for a reader who may not see it.
func queueUseColumns(u usage) []view.Column {
	columns := []view.Column{{Name: "Call queue"}}
	if u.waiting.Status != 0 {
		columns = append(columns, view.Column{Name: "Without a license now", Number: true})
	}
	return append(columns, view.Column{Name: "Active users", Number: true})
}

// sourceLink is the page of a queue or a dashboard that an overage came by.
func sourceLink(c *web.Context, s client.UsageSource) string {
	switch {
	case !c.HasPage("live-reports"):
	case s.Kind == "queue" && c.May(auth.DirectoryRead) && c.Opens("live-reports", "queues", s.ID):
		return c.Link("live-reports", "queues", s.ID)
	case s.Kind == "dashboard" && c.May(auth.LiveReportsView):
		return c.Link("live-reports", "dashboards", s.ID)
	}
	return ""
}

// schedule says which reports are made without anybody asking.
func schedule(c *web.Context) string {
	info, there := c.AccountInfo()
	switch {
	case !there:
		return ""
	case info.ReportSchedule == "none":
		return "No reports are made on schedule."
	case info.ReportSchedule == "weekly":
		return "One is made of every week, 48 hours after it ended."
	}
	return "One is made of every billing period, 48 hours after it ended."
}

// stateOf is a report's state as a pill.
func stateOf(r client.Report) (kind, word string) {
	switch r.State {
	case "ready":
		return "good", "ready"
	case "failed":
		return "bad", "failed"
	}
	return "", "being made"
}

func (u usage) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(u.reports.Items), next: u.reports.NextCursor, order: newestFirst}
	return pagerOf(c, c.Link("usage"), u.query, page, [2]string{"report", "reports"})
}
