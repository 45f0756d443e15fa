package report_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testfiles"
	"seatwise/infra/testkit"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/report"
)

// desk is the room with its buckets, at this machine's time: presigned URLs live by that.
type desk struct {
	*testkit.Kit
	s3      *testfiles.Server
	api     http.Handler
	reports *report.Service
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{Kit: testkit.New(t), s3: testfiles.Start(t)}
	d.Env.Files = d.s3.Store
	d.Clock.Set(time.Now().UTC().Truncate(time.Second))
	fn, err := report.Function(d.Env)
	if err != nil {
		t.Fatal(err)
	}
	d.api, d.reports = fn.HTTP, report.NewService(d.Env)
	d.account(t, d.Account, account.Settings{})
	return d
}

// account makes the account as operators do; settings that are not given are set.
func (d *desk) account(t *testing.T, id string, settings account.Settings) {
	t.Helper()
	base := account.Settings{Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard}
	if settings.Brand != "" {
		base.Brand = settings.Brand
	}
	if settings.Timezone != "" {
		base.Timezone = settings.Timezone
	}
	if settings.BillingDay != 0 {
		base.BillingDay = settings.BillingDay
	}
	if settings.Bundle != "" {
		base.Bundle = settings.Bundle
	}
	base.ReportSchedule = settings.ReportSchedule
	c := d.Call("operator")
	c.Account = id
	if _, _, _, err := account.NewService(d.Env, catalog.Default()).Put(t.Context(), c, base); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) request(method, path string, body any) testkit.Request {
	return testkit.Request{
		Method: method, Path: "/v1/accounts/" + d.Account + path, Body: body, User: "ann", Permissions: []auth.Permission{auth.UsageRead},
	}
}

func (d *desk) ask(t *testing.T, body map[string]any) report.View {
	t.Helper()
	body["kind"] = "license-status"
	return testkit.Decode[report.View](t, d.Do(t, d.api, d.request(http.MethodPost, "/reports", body)), http.StatusAccepted)
}

func (d *desk) get(t *testing.T, id string) report.View {
	t.Helper()
	return testkit.Decode[report.View](t, d.Do(t, d.api, d.request(http.MethodGet, "/reports/"+id, nil)), http.StatusOK)
}

func (d *desk) list(t *testing.T) []report.View {
	t.Helper()
	return testkit.Decode[api.List[report.View]](t, d.Do(t, d.api, d.request(http.MethodGet, "/reports", nil)), http.StatusOK).Items
}

// begin is what a builder does first.
func (d *desk) begin(t *testing.T, id string) (report.Report, bool) {
	t.Helper()
	r, ok, err := d.reports.Begin(t.Context(), d.event(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r, ok
}

func (d *desk) event() *call.Call {
	return call.ForEvent(d.Env, d.Account, "report-builder", "test", d.Clock.Now())
}

func TestAReportIsAskedForBuiltAndDownloaded(t *testing.T) {
	d := newDesk(t)
	d.account(t, d.Account, account.Settings{Brand: "Acme & Söhne"})
	answer := d.Do(t, d.api, d.request(http.MethodPost, "/reports", map[string]any{"kind": "license-status"}))
	asked := testkit.Decode[report.View](t, answer, http.StatusAccepted)
	now := d.Clock.Now()
	tomorrow := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
	want := report.View{
		ID: asked.ID, Kind: "license-status", State: report.Queued, CreatedAt: now, CreatedBy: "ann",
		FileName: "Acme & Söhne_LR_Licensed Users_" + now.Format("20060102T150405Z") + ".xlsx",
		From:     tomorrow.AddDate(0, 0, -30).Format(time.DateOnly), To: tomorrow.Format(time.DateOnly),
	}
	if asked != want || answer.Header.Get("Location") != "/v1/accounts/acme/reports/"+asked.ID {
		t.Fatalf("got %+v at %q, want %+v", asked, answer.Header.Get("Location"), want)
	}
	if got := d.get(t, asked.ID); got != want {
		t.Fatalf("read as %+v", got)
	}
	tickets := d.s3.Take(t, "jobs/reports/")
	if len(tickets) != 1 || !strings.Contains(string(tickets[0]), "jobs/reports/acme/"+asked.ID+".json") {
		t.Fatalf("tickets: %s", tickets)
	}
	r, ok := d.begin(t, asked.ID)
	if got := d.get(t, asked.ID); !ok || got.State != report.Running || got.Percent != 50 || got.DownloadURL != "" {
		t.Fatalf("while it is built: %v, %+v", ok, got)
	}
	if _, err := d.Env.Files.Put(t.Context(), report.Object(d.Account, r.ID), strings.NewReader("a workbook"), 10, report.ContentType); err != nil {
		t.Fatal(err)
	}
	if err := d.reports.Finish(t.Context(), d.event(), r, ""); err != nil {
		t.Fatal(err)
	}
	ready := d.get(t, asked.ID)
	if ready.State != report.Ready || ready.Percent != 100 || ready.ExpiresAt == nil || !ready.ExpiresAt.Equal(now.Add(15*time.Minute)) {
		t.Fatalf("when it is built: %+v", ready)
	}
	for _, url := range []string{ready.DownloadURL, d.list(t)[0].DownloadURL} {
		download(t, url, "a workbook", want.FileName)
	}
}

func download(t *testing.T, url, body, name string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || string(got) != body {
		t.Fatalf("download: %d %q, %v", response.StatusCode, got, err)
	}
	if disposition := response.Header.Get("Content-Disposition"); !strings.HasPrefix(disposition, "attachment") || !strings.Contains(disposition, "LR_Licensed Users") {
		t.Errorf("downloaded as %q, want %q", disposition, name)
	}
}

func TestWindowsOfReports(t *testing.T) {
	d := newDesk(t)
	got := d.ask(t, map[string]any{"from": "2026-01-01", "to": "2026-02-01"})
	if got.From != "2026-01-01" || got.To != "2026-02-01" {
		t.Fatalf("got %s to %s", got.From, got.To)
	}
	for _, test := range []struct{ body, field string }{
		{`{"kind":"license-status","from":"2026-02-01","to":"2026-01-01"}`, "to"},
		{`{"kind":"license-status","from":"soon"}`, "from"},
		{`{"kind":"weather"}`, "kind"},
		{`{}`, "kind"},
		{`{"kind":"license-status","format":"pdf"}`, "format"},
	} {
		p := testkit.Problem(t, d.Do(t, d.api, d.request(http.MethodPost, "/reports", test.body)), http.StatusUnprocessableEntity, "validation")
		if len(p.Errors) == 0 || p.Errors[0].Field != test.field {
			t.Errorf("%s: %+v, want the field %s", test.body, p.Errors, test.field)
		}
	}
	if n := len(d.s3.Take(t, "jobs/reports/")); n != 1 {
		t.Errorf("%d tickets", n)
	}
}

func TestARepeatedRequestAsksOnce(t *testing.T) {
	d := newDesk(t)
	request := d.request(http.MethodPost, "/reports", map[string]any{"kind": "license-status"})
	request.Header = map[string]string{"Idempotency-Key": "k"}
	first, again := d.Do(t, d.api, request), d.Do(t, d.api, request)
	if first.Status != http.StatusAccepted || again.Status != http.StatusAccepted || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Fatalf("%d, then %d %v", first.Status, again.Status, again.Header)
	}
	if string(first.Body) != string(again.Body) || again.Header.Get("Location") != first.Header.Get("Location") {
		t.Fatalf("%s, then %s", first.Body, again.Body)
	}
	if n := len(d.list(t)); n != 1 {
		t.Fatalf("%d reports", n)
	}
}

func TestUnlimitedBundleHasNoReport(t *testing.T) {
	d := newDesk(t)
	d.account(t, d.Account, account.Settings{Bundle: account.CustomerEngagement})
	testkit.Problem(t, d.Do(t, d.api, d.request(http.MethodPost, "/reports", map[string]any{"kind": "license-status"})), http.StatusConflict, "report-not-applicable")
	if err := d.reports.Schedule(t.Context(), d.Clock.Now()); err != nil || len(d.list(t)) != 0 {
		t.Fatalf("scheduled: %v, %d reports", err, len(d.list(t)))
	}
}

func TestOneBuilderAtATime(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, map[string]any{}).ID
	first, ok := d.begin(t, id)
	if !ok {
		t.Fatal("the first builder may not begin")
	}
	if _, ok := d.begin(t, id); ok {
		t.Fatal("a second builder began at the same time")
	}
	d.Clock.Add(16 * time.Minute) // the first one died
	second, ok := d.begin(t, id)
	if !ok || second.Attempts != 2 {
		t.Fatalf("nobody takes over: %v %+v", ok, second)
	}
	// The first was not dead after all; the second has the last word.
	if err := d.reports.Finish(t.Context(), d.event(), first, "too late"); err != nil {
		t.Fatal(err)
	}
	if err := d.reports.Return(t.Context(), d.event(), first); err != nil {
		t.Fatal(err)
	}
	if got := d.get(t, id); got.State != report.Running {
		t.Fatalf("got %+v", got)
	}
	if err := d.reports.Finish(t.Context(), d.event(), second, ""); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.begin(t, id); ok || d.get(t, id).State != report.Ready {
		t.Fatal("a ready report is built again")
	}
	if _, ok := d.begin(t, "0193a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b"); ok {
		t.Fatal("a report that is not there is built")
	}
}

func TestAReportThatNeverWorksFails(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, map[string]any{}).ID
	for n := range 5 {
		r, ok := d.begin(t, id)
		if !ok {
			t.Fatalf("attempt %d may not begin", n+1)
		}
		if err := d.reports.Return(t.Context(), d.event(), r); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := d.begin(t, id); ok {
		t.Fatal("a sixth attempt")
	}
	if got := d.get(t, id); got.State != report.Failed || got.Failure == "" || got.DownloadURL != "" {
		t.Fatalf("got %+v", got)
	}
}

func TestResumeHandsOverWhatIsLeftLying(t *testing.T) {
	d := newDesk(t)
	queued, running, ready := d.ask(t, map[string]any{}).ID, d.ask(t, map[string]any{}).ID, d.ask(t, map[string]any{}).ID
	d.begin(t, running)
	r, _ := d.begin(t, ready)
	if err := d.reports.Finish(t.Context(), d.event(), r, ""); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{{4 * time.Minute, nil}, {5 * time.Minute, []string{queued}}, {16 * time.Minute, []string{queued, running}}} {
		d.s3.Take(t, "jobs/reports/")
		n, err := d.reports.Resume(t.Context(), d.Clock.Now().Add(step.after))
		if err != nil || n != len(step.want) {
			t.Fatalf("after %s: %d, %v", step.after, n, err)
		}
		tickets := d.s3.Take(t, "jobs/reports/")
		for _, id := range step.want {
			if !slices.ContainsFunc(tickets, func(payload []byte) bool { return strings.Contains(string(payload), id) }) {
				t.Errorf("after %s: no ticket for %s", step.after, id)
			}
		}
	}
}

// brokenFiles cannot store anything.
type brokenFiles struct{ files.Store }

var errBroken = errors.New("no bucket today")

func (brokenFiles) Put(context.Context, files.Ref, io.ReadSeeker, int64, string) (files.Info, error) {
	return files.Info{}, errBroken
}

func TestAReportWhoseTicketIsLostIsNotLost(t *testing.T) {
	d := newDesk(t)
	d.Env.Files = brokenFiles{d.s3.Store}
	id := d.ask(t, map[string]any{}).ID
	if _, err := d.reports.Resume(t.Context(), d.Clock.Now().Add(time.Hour)); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	d.Env.Files = d.s3.Store
	if n, err := d.reports.Resume(t.Context(), d.Clock.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Fatalf("%d handed over, %v", n, err)
	}
	if tickets := d.s3.Take(t, "jobs/reports/acme/"+id); len(tickets) != 1 {
		t.Fatalf("tickets: %s", tickets)
	}
}

// One report in each billing period, in the account's own time zone, whatever runs are missed or come twice.
func TestSchedule(t *testing.T) {
	d := newDesk(t)
	d.account(t, d.Account, account.Settings{Timezone: "America/Detroit", BillingDay: 15})
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, step := range []struct {
		at    string
		count int
	}{
		{"2027-01-20T03:00:00Z", 1}, // the first run of the period that began on the 15th
		{"2027-01-20T03:00:00Z", 1}, // again
		{"2027-01-21T03:00:00Z", 1},
		{"2027-02-15T03:00:00Z", 1}, // in Detroit it is still the 14th
		{"2027-02-16T03:00:00Z", 2},
		{"2027-01-31T03:00:00Z", 2}, // out of order
		{"2027-05-20T03:00:00Z", 3}, // after months without a run
		{"2028-01-02T03:00:00Z", 4}, // December's period, over the turn of the year
	} {
		if err := d.reports.Schedule(t.Context(), at(step.at)); err != nil {
			t.Fatal(err)
		}
		if got := len(d.list(t)); got != step.count {
			t.Fatalf("after the run of %s: %d reports, want %d", step.at, got, step.count)
		}
	}
	latest := d.list(t)[0]
	want := fmt.Sprintf("%s %s %s", "2027-12-04", "2028-01-03", "RingCentral_LR_Licensed Users_20280102T030000Z.xlsx")
	if got := fmt.Sprintf("%s %s %s", latest.From, latest.To, latest.FileName); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if n := len(d.s3.Take(t, "jobs/reports/acme/")); n != 4 {
		t.Fatalf("%d tickets", n)
	}
}

// Weeks begin on Monday in the account's time zone; the schedule can change at any time, and end.
func TestWeeklySchedule(t *testing.T) {
	d := newDesk(t)
	for _, step := range []struct {
		schedule account.ReportSchedule
		at       time.Time
		count    int
	}{
		{account.Weekly, time.Date(2027, 1, 24, 12, 0, 0, 0, time.UTC), 1}, // a Sunday
		{account.Weekly, time.Date(2027, 1, 25, 3, 0, 0, 0, time.UTC), 1},  // Monday, but not yet in Detroit
		{account.Weekly, time.Date(2027, 1, 25, 6, 0, 0, 0, time.UTC), 2},
		{account.Weekly, time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC), 2},
		{account.NoReports, time.Date(2027, 2, 9, 0, 0, 0, 0, time.UTC), 2},
		{account.Weekly, time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC), 3}, // week and billing period begin on one day
		{account.Monthly, time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC), 4},
		{account.Weekly, time.Date(2027, 3, 2, 12, 0, 0, 0, time.UTC), 4},
		{account.Weekly, time.Date(2028, 1, 1, 12, 0, 0, 0, time.UTC), 5}, // the week of 27 December
		{account.Weekly, time.Date(2028, 1, 2, 12, 0, 0, 0, time.UTC), 5},
	} {
		d.account(t, d.Account, account.Settings{Timezone: "America/Detroit", BillingDay: 1, ReportSchedule: step.schedule})
		if err := d.reports.Schedule(t.Context(), step.at); err != nil {
			t.Fatal(err)
		}
		if got := len(d.list(t)); got != step.count {
			t.Fatalf("%s, after the run of %s: %d reports, want %d", step.schedule, step.at, got, step.count)
		}
	}
}

func TestListPages(t *testing.T) {
	d := newDesk(t)
	var want []string
	for range 5 {
		want = append([]string{d.ask(t, map[string]any{}).ID}, want...)
	}
	var got []string
	cursor := ""
	for {
		page := testkit.Decode[api.List[report.View]](t, d.Do(t, d.api, d.request(http.MethodGet, "/reports?limit=2&cursor="+cursor, nil)), http.StatusOK)
		for _, r := range page.Items {
			got = append(got, r.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	testkit.Problem(t, d.Do(t, d.api, d.request(http.MethodGet, "/reports?cursor=abc", nil)), http.StatusBadRequest, "malformed-body")
}

func TestStrangers(t *testing.T) {
	d := newDesk(t)
	id := d.ask(t, map[string]any{}).ID
	for _, path := range []string{"/reports/" + id, "/reports"} {
		r := d.request(http.MethodGet, path, nil)
		r.User = ""
		testkit.Problem(t, d.Do(t, d.api, r), http.StatusUnauthorized, "unauthorized")
		r = d.request(http.MethodGet, path, nil)
		r.Permissions = []auth.Permission{auth.UsageWrite}
		testkit.Problem(t, d.Do(t, d.api, r), http.StatusForbidden, "forbidden")
		r = d.request(http.MethodGet, path, nil)
		r.Account = testkit.Other
		testkit.Problem(t, d.Do(t, d.api, r), http.StatusNotFound, "not-found")
	}
	// Another account's report and one that never was are the same.
	mine := d.request(http.MethodGet, "/reports/"+id, nil)
	mine.Account, mine.Path = testkit.Other, "/v1/accounts/"+testkit.Other+"/reports/"+id
	stranger := testkit.Problem(t, d.Do(t, d.api, mine), http.StatusNotFound, "not-found")
	mine.Path = "/v1/accounts/" + testkit.Other + "/reports/nothing"
	if missing := testkit.Problem(t, d.Do(t, d.api, mine), http.StatusNotFound, "not-found"); missing.Detail != stranger.Detail {
		t.Errorf("%q and %q differ", stranger.Detail, missing.Detail)
	}
}

func TestTickets(t *testing.T) {
	for key, want := range map[string][2]string{
		"jobs/reports/acme/1.json": {"acme", "1"}, "jobs/reports/acme/1": {}, "jobs/reports/acme/.json": {}, "jobs/reports//1.json": {}, "jobs/reports/1.json": {},
		"jobs/reports/acme/a/1.json": {}, "reports/acme/1.json": {}, "": {},
	} {
		account, id, ok := report.ParseTicket(key)
		if ok != (want[0] != "") || ok && [2]string{account, id} != want {
			t.Errorf("%q: %q, %q, %v", key, account, id, ok)
		}
	}
}
