package report_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
	"seatwise/shared/report"
)

// desk is the module with its buckets, at this machine's time: presigned URLs live by that.
type kernel struct {
	*fixtures.Fixture
	s3      *diskfiles.Server
	api     http.Handler
	reports *report.Service
}

func newKernel(t *testing.T) *kernel {
	t.Helper()
	d := &kernel{Fixture: fixtures.New(t), s3: diskfiles.Start(t)}
	d.Env.Files = d.s3.Store
	d.Clock.Set(time.Now().UTC().Truncate(time.Second))
	d.reports = report.NewService(d.Env)
	d.api = api.Serve(d.Env, d.reports.Routes).HTTP
	// The fixture's account has days of another zone, and would have them until its next period.
	gone := table.Delete(call.AccountKey(d.Account), table.Always)
	if err := d.Env.Table.Commit(t.Context(), []table.Operation{gone}); err != nil {
		t.Fatal(err)
	}
	d.account(t, d.Account, account.Settings{})
	return d
}

// account makes the account as operators do; settings that are not given are set.
func (d *kernel) account(t *testing.T, id string, settings account.Settings) {
	t.Helper()
	base := account.Settings{
		Name:       "Acme",
		Brand:      "RingCentral",
		Currency:   "USD",
		Timezone:   "UTC",
		BillingDay: 1,
		Bundle:     account.Standard,
	}
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
	if _, err := account.NewService(
		d.Env, license.NewService(catalog.Default()),
	).Put(t.Context(), c, base); err != nil {
		t.Fatal(err)
	}
}

func (d *kernel) request(method, path string, body any) fixtures.Request {
	return fixtures.Request{
		Method:      method,
		Path:        "/v1/accounts/" + d.Account + path,
		Body:        body,
		User:        "ann",
		Permissions: []auth.Permission{auth.UsageRead},
	}
}

func (d *kernel) ask(t *testing.T, body map[string]any) report.View {
	t.Helper()
	body["kind"] = "license-status"
	return fixtures.Decode[report.View](
		t,
		d.Do(t, d.api, d.request(http.MethodPost, "/reports", body)),
		http.StatusAccepted,
	)
}

func (d *kernel) get(t *testing.T, id string) report.View {
	t.Helper()
	return fixtures.Decode[report.View](
		t,
		d.Do(t, d.api, d.request(http.MethodGet, "/reports/"+id, nil)),
		http.StatusOK,
	)
}

func (d *kernel) list(t *testing.T) []report.View {
	t.Helper()
	return fixtures.Decode[api.List[report.View]](
		t,
		d.Do(t, d.api, d.request(http.MethodGet, "/reports", nil)),
		http.StatusOK,
	).Items
}

// begin is what a builder does first.
func (d *kernel) begin(t *testing.T, id string) (report.Report, bool) {
	t.Helper()
	r, ok, err := d.reports.Begin(t.Context(), d.event(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r, ok
}

func (d *kernel) event() *call.Call {
	return call.ForEvent(d.Env, d.Account, "report-builder", "test", d.Clock.Now())
}

func TestAReportIsAskedForBuiltAndDownloaded(t *testing.T) {
	d := newKernel(t)
	d.account(t, d.Account, account.Settings{Brand: "Acme & Söhne"})
	answer := d.Do(t, d.api, d.request(http.MethodPost, "/reports", map[string]any{"kind": "license-status"}))
	asked := fixtures.Decode[report.View](t, answer, http.StatusAccepted)
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
	wakeUps := d.s3.Take(t, "jobs/reports/")
	if len(wakeUps) != 1 || !strings.Contains(string(wakeUps[0]), "jobs/reports/acme/"+asked.ID+".json") {
		t.Fatalf("wake-ups: %s", wakeUps)
	}
	r, ok := d.begin(t, asked.ID)
	if got := d.get(t, asked.ID); !ok || got.State != report.Running || got.Percent != 50 || got.DownloadURL != "" {
		t.Fatalf("while it is built: %v, %+v", ok, got)
	}
	if _, err := d.Env.Files.Put(
		t.Context(),
		report.Object(d.Account, r.ID),
		strings.NewReader("a workbook"),
		10,
		report.ContentType,
	); err != nil {
		t.Fatal(err)
	}
	if err := d.reports.Finish(t.Context(), d.event(), r, ""); err != nil {
		t.Fatal(err)
	}
	ready := d.get(t, asked.ID)
	if ready.State != report.Ready || ready.Percent != 100 || ready.ExpiresAt == nil ||
		!ready.ExpiresAt.Equal(now.Add(15*time.Minute)) {
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
	if disposition := response.Header.Get(
		"Content-Disposition",
	); !strings.HasPrefix(disposition, "attachment") ||
		!strings.Contains(disposition, "LR_Licensed Users") {
		t.Errorf("downloaded as %q, want %q", disposition, name)
	}
}

func TestWindowsOfReports(t *testing.T) {
	d := newKernel(t)
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
		p := fixtures.Problem(
			t,
			d.Do(t, d.api, d.request(http.MethodPost, "/reports", test.body)),
			http.StatusUnprocessableEntity,
			"validation",
		)
		if len(p.Errors) == 0 || p.Errors[0].Field != test.field {
			t.Errorf("%s: %+v, want the field %s", test.body, p.Errors, test.field)
		}
	}
	if n := len(d.s3.Take(t, "jobs/reports/")); n != 1 {
		t.Errorf("%d wake-ups", n)
	}
}

func TestARepeatedRequestAsksOnce(t *testing.T) {
	d := newKernel(t)
	request := d.request(http.MethodPost, "/reports", map[string]any{"kind": "license-status"})
	request.Header = map[string]string{"Idempotency-Key": "k"}
	first, again := d.Do(t, d.api, request), d.Do(t, d.api, request)
	if first.Status != http.StatusAccepted || again.Status != http.StatusAccepted ||
		again.Header.Get("Idempotent-Replayed") != "true" {
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
	d := newKernel(t)
	now := d.Clock.Now()
	d.made(t, now.Format(time.RFC3339), account.Settings{Bundle: account.CustomerEngagement})
	fixtures.Problem(
		t,
		d.Do(t, d.api, d.request(http.MethodPost, "/reports", map[string]any{"kind": "license-status"})),
		http.StatusConflict,
		"report-not-applicable",
	)
	if err := d.reports.Schedule(t.Context(), now.AddDate(0, 6, 0)); err != nil || len(d.list(t)) != 0 {
		t.Fatalf("scheduled: %v, %d reports", err, len(d.list(t)))
	}
}

func TestOneBuilderAtATime(t *testing.T) {
	d := newKernel(t)
	id := d.ask(t, map[string]any{}).ID
	first, ok := d.begin(t, id)
	if !ok {
		t.Fatal("the first builder may not begin")
	}
	if _, ok := d.begin(t, id); ok {
		t.Fatal("a second builder began at the same time")
	}
	d.Clock.Add(lease.Life - time.Second)
	if _, ok := d.begin(t, id); ok {
		t.Fatal("a second builder began before the lease was over")
	}
	d.Clock.Add(time.Second) // the first one died
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

// Where one process has the store to itself, a restart goes on at once with what the former process
// left: it is dead.
func TestRestartGoesOnWithAReport(t *testing.T) {
	for name, alone := range map[string]bool{"on one machine": true, "in AWS": false} {
		t.Run(name, func(t *testing.T) {
			d := newKernel(t)
			d.Env.Process, d.Env.Alone = "former", alone
			id := d.ask(t, map[string]any{}).ID
			if _, ok := d.begin(t, id); !ok {
				t.Fatal("the first builder may not begin")
			}
			if _, ok := d.begin(t, id); ok {
				t.Fatal("two builders in one process")
			}
			d.Env.Process = "next"
			d.s3.Take(t, "jobs/reports/")
			if n, err := d.reports.Resume(t.Context(), "", d.Clock.Now()); err != nil || (n == 1) != alone {
				t.Fatalf("%d handed over, %v", n, err)
			}
			if _, ok := d.begin(t, id); ok != alone {
				t.Fatalf("the next process may begin: %v", ok)
			}
		})
	}
}

func TestAReportThatNeverWorksFails(t *testing.T) {
	d := newKernel(t)
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
	d := newKernel(t)
	queued, running, ready := d.ask(
		t,
		map[string]any{},
	).ID, d.ask(
		t,
		map[string]any{},
	).ID, d.ask(
		t,
		map[string]any{},
	).ID
	d.begin(t, running)
	r, _ := d.begin(t, ready)
	if err := d.reports.Finish(t.Context(), d.event(), r, ""); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{lease.Life - time.Second, nil},
		{lease.Life, []string{running}},
		{5*time.Minute - time.Second, []string{running}},
		{5 * time.Minute, []string{queued, running}},
	} {
		d.s3.Take(t, "jobs/reports/")
		n, err := d.reports.Resume(t.Context(), "", d.Clock.Now().Add(step.after))
		if err != nil || n != len(step.want) {
			t.Fatalf("after %s: %d, %v", step.after, n, err)
		}
		wakeUps := d.s3.Take(t, "jobs/reports/")
		for _, id := range step.want {
			if !slices.ContainsFunc(
				wakeUps,
				func(payload []byte) bool { return strings.Contains(string(payload), id) },
			) {
				t.Errorf("after %s: no wake-up for %s", step.after, id)
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

func TestAReportWhoseWakeUpIsLostIsNotLost(t *testing.T) {
	d := newKernel(t)
	d.Env.Files = brokenFiles{d.s3.Store}
	id := d.ask(t, map[string]any{}).ID
	if _, err := d.reports.Resume(t.Context(), "", d.Clock.Now().Add(time.Hour)); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	d.Env.Files = d.s3.Store
	if n, err := d.reports.Resume(t.Context(), "", d.Clock.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Fatalf("%d handed over, %v", n, err)
	}
	if wakeUps := d.s3.Take(t, "jobs/reports/acme/"+id); len(wakeUps) != 1 {
		t.Fatalf("wake-ups: %s", wakeUps)
	}
}

// made makes a new account at a moment and makes it the one that is asked for.
func (d *kernel) made(t *testing.T, at string, settings account.Settings) {
	t.Helper()
	d.Clock.Set(moment(t, at))
	d.Account = "initech"
	d.account(t, d.Account, settings)
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// windows are those of the scheduled reports, the oldest first.
func (d *kernel) windows(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, r := range d.list(t) {
		if !r.Scheduled || r.CreatedBy != "report-schedule" {
			t.Fatalf("not on schedule: %+v", r)
		}
		all = append(all, r.From+" "+r.To)
	}
	slices.Sort(all)
	return all
}

// One report of each billing period, exactly, 48 hours after its end in the account's own time
// zone, whatever runs are missed or come twice (requirements, section 7).
func TestSchedule(t *testing.T) {
	d := newKernel(t)
	d.made(t, "2027-01-20T12:00:00Z", account.Settings{Timezone: "America/Detroit", BillingDay: 15})
	for _, step := range []struct {
		at    string
		count int
	}{
		{"2027-01-20T13:00:00Z", 0}, // the period before was over before there was the account
		{"2027-02-15T06:00:00Z", 0},
		{"2027-02-17T04:59:59Z", 0}, // in Detroit it is still the 16th
		{"2027-02-17T05:00:00Z", 1},
		{"2027-02-17T05:00:00Z", 1}, // again
		{"2027-02-18T03:00:00Z", 1},
		{"2027-01-31T03:00:00Z", 1}, // out of order
		{"2027-05-20T03:00:00Z", 4}, // after months without a run
		{"2028-01-17T05:00:00Z", 12},
	} {
		if err := d.reports.Schedule(t.Context(), moment(t, step.at)); err != nil {
			t.Fatal(err)
		}
		if got := len(d.list(t)); got != step.count {
			t.Fatalf("after the run of %s: %d reports, want %d", step.at, got, step.count)
		}
	}
	want := []string{
		"2027-01-15 2027-02-15",
		"2027-02-15 2027-03-15",
		"2027-03-15 2027-04-15",
		"2027-04-15 2027-05-15",
		"2027-05-15 2027-06-15",
		"2027-06-15 2027-07-15",
		"2027-07-15 2027-08-15",
		"2027-08-15 2027-09-15",
		"2027-09-15 2027-10-15",
		"2027-10-15 2027-11-15",
		"2027-11-15 2027-12-15",
		"2027-12-15 2028-01-15",
	}
	if got := d.windows(t); !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
	if n := len(d.s3.Take(t, "jobs/reports/initech/")); n != 12 {
		t.Fatalf("%d wake-ups", n)
	}
	// No two bear one name, though eight were asked for in one run.
	var names []string
	for _, r := range d.list(t) {
		names = append(names, r.FileName)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != 12 ||
		names[0] != "RingCentral_LR_Licensed Users_20270217T050000Z.xlsx" {
		t.Fatalf("names %v", names)
	}
}

// The case of the issue: a report from 2 November to 2 December, and one from 3 December on.
func TestNoDayIsLeftOut(t *testing.T) {
	d := newKernel(t)
	d.made(t, "2026-10-05T12:00:00Z", account.Settings{Timezone: "UTC", BillingDay: 1})
	end := moment(t, "2027-02-10T00:00:00Z")
	for at := moment(t, "2026-10-06T03:00:00Z"); at.Before(end); at = at.Add(24 * time.Hour) {
		if err := d.reports.Schedule(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"2026-10-01 2026-11-01", "2026-11-01 2026-12-01", "2026-12-01 2027-01-01", "2027-01-01 2027-02-01"}
	if got := d.windows(t); !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
}

// Weeks go from Monday to Sunday. A change of the schedule counts from the next billing period on,
// and there a week is cut off: no day is in two reports.
func TestWeeklySchedule(t *testing.T) {
	d := newKernel(t)
	d.made(
		t,
		"2027-01-20T12:00:00Z",
		account.Settings{Timezone: "America/Detroit", BillingDay: 1, ReportSchedule: account.Weekly},
	)
	run := func(at string) {
		t.Helper()
		d.Clock.Set(moment(t, at))
		if err := d.reports.Schedule(t.Context(), d.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	set := func(schedule account.ReportSchedule) {
		t.Helper()
		d.account(t, d.Account, account.Settings{Timezone: "America/Detroit", BillingDay: 1, ReportSchedule: schedule})
	}
	// the period in which it was made
	want := []string{"2027-01-01 2027-01-04", "2027-01-04 2027-01-11", "2027-01-11 2027-01-18"}
	run("2027-01-27T04:59:59Z")
	if got := d.windows(t); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	run("2027-01-27T05:00:00Z")
	want = append(want, "2027-01-18 2027-01-25")
	if got := d.windows(t); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	run("2027-02-20T12:00:00Z")
	set(account.Monthly) // from 1 March on, a Monday
	run("2027-04-05T12:00:00Z")
	set(account.Weekly) // from 1 May on, a Saturday
	run("2027-05-20T12:00:00Z")
	set(account.NoReports) // from 1 June on, a Tuesday
	run("2027-06-20T12:00:00Z")
	set(account.Weekly) // from 1 July on, a Thursday
	run("2027-07-15T12:00:00Z")
	want = append(
		want,
		"2027-01-25 2027-02-01",
		"2027-02-01 2027-02-08",
		"2027-02-08 2027-02-15",
		"2027-02-15 2027-02-22",
		"2027-02-22 2027-03-01",
		"2027-03-01 2027-04-01",
		"2027-04-01 2027-05-01",
		"2027-05-01 2027-05-03",
		"2027-05-03 2027-05-10",
		"2027-05-10 2027-05-17",
		"2027-05-17 2027-05-24",
		"2027-05-24 2027-05-31",
		"2027-05-31 2027-06-01",
		"2027-07-01 2027-07-05",
		"2027-07-05 2027-07-12",
	)
	if got := d.windows(t); !slices.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

// The bundle with unlimited Live Reports has no reports of its periods, and a change counts from
// the next one on: the period that began without it is still reported.
func TestABundleEndsReportsWithThePeriod(t *testing.T) {
	d := newKernel(t)
	d.made(t, "2027-01-20T12:00:00Z", account.Settings{})
	d.account(t, d.Account, account.Settings{Bundle: account.CustomerEngagement})
	if err := d.reports.Schedule(t.Context(), moment(t, "2027-03-20T00:00:00Z")); err != nil {
		t.Fatal(err)
	}
	if got, want := d.windows(t), []string{"2027-01-01 2027-02-01"}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// Many who ask in one second get files of different names (requirements, section 7).
func TestFileNamesAreNeverTheSame(t *testing.T) {
	d := newKernel(t)
	const callers = 12
	names := make([]string, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() { names[i] = d.ask(t, map[string]any{}).FileName })
	}
	group.Wait()
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != callers {
		t.Fatalf("names %v", names)
	}
	stamp := d.Clock.Now().Format("20060102T150405Z")
	if names[0] != "RingCentral_LR_Licensed Users_"+stamp+".xlsx" {
		t.Errorf("the first is %s, at %s", names[0], stamp)
	}
}

func TestReportsOfTheFuture(t *testing.T) {
	d := newKernel(t)
	tomorrow := d.Clock.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	after := d.Clock.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	for _, test := range []struct{ from, to, field string }{
		{tomorrow, "", "from"},
		{tomorrow, after, "from"},
		{"", after, "to"},
		{"2026-01-01", "2999-01-01", "to"},
		{"2999-01-01", "2999-01-30", "from"},
	} {
		r := d.Do(
			t,
			d.api,
			d.request(
				http.MethodPost,
				"/reports",
				map[string]any{"kind": "license-status", "from": test.from, "to": test.to},
			),
		)
		p := fixtures.Problem(t, r, http.StatusUnprocessableEntity, "window-in-future")
		if len(p.Errors) != 1 || p.Errors[0].Field != test.field {
			t.Errorf("%s to %s: %+v", test.from, test.to, p.Errors)
		}
	}
	if n := len(d.list(t)); n != 0 {
		t.Errorf("%d reports", n)
	}
	// What is left out never makes a window of days to come.
	today := d.Clock.Now().Format(time.DateOnly)
	if got := d.ask(t, map[string]any{"from": today}); got.From != today || got.To != tomorrow {
		t.Errorf("from today on: %s to %s", got.From, got.To)
	}
}

func TestListPages(t *testing.T) {
	d := newKernel(t)
	var want []string
	for range 5 {
		want = append([]string{d.ask(t, map[string]any{}).ID}, want...)
	}
	var got []string
	cursor := ""
	for {
		page := fixtures.Decode[api.List[report.View]](
			t,
			d.Do(t, d.api, d.request(http.MethodGet, "/reports?limit=2&cursor="+cursor, nil)),
			http.StatusOK,
		)
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
	fixtures.Problem(
		t,
		d.Do(t, d.api, d.request(http.MethodGet, "/reports?cursor=abc", nil)),
		http.StatusBadRequest,
		"malformed-body",
	)
}

func TestStrangers(t *testing.T) {
	d := newKernel(t)
	id := d.ask(t, map[string]any{}).ID
	for _, path := range []string{"/reports/" + id, "/reports"} {
		r := d.request(http.MethodGet, path, nil)
		r.User = ""
		fixtures.Problem(t, d.Do(t, d.api, r), http.StatusUnauthorized, "unauthorized")
		r = d.request(http.MethodGet, path, nil)
		r.Permissions = []auth.Permission{auth.UsageWrite}
		fixtures.Problem(t, d.Do(t, d.api, r), http.StatusForbidden, "forbidden")
		r = d.request(http.MethodGet, path, nil)
		r.Account = fixtures.Other
		fixtures.Problem(t, d.Do(t, d.api, r), http.StatusNotFound, "not-found")
	}
	// Another account's report and one that never was are the same.
	mine := d.request(http.MethodGet, "/reports/"+id, nil)
	mine.Account, mine.Path = fixtures.Other, "/v1/accounts/"+fixtures.Other+"/reports/"+id
	stranger := fixtures.Problem(t, d.Do(t, d.api, mine), http.StatusNotFound, "not-found")
	mine.Path = "/v1/accounts/" + fixtures.Other + "/reports/nothing"
	if missing := fixtures.Problem(
		t,
		d.Do(t, d.api, mine),
		http.StatusNotFound,
		"not-found",
	); missing.Detail != stranger.Detail {
		t.Errorf("%q and %q differ", stranger.Detail, missing.Detail)
	}
}

func TestWakeUps(t *testing.T) {
	for key, want := range map[string][2]string{
		"jobs/reports/acme/1.json": {"acme", "1"}, "jobs/reports/acme/1": {}, "jobs/reports/acme/.json": {},
		"jobs/reports//1.json": {}, "jobs/reports/1.json": {},
		"jobs/reports/acme/a/1.json": {}, "reports/acme/1.json": {}, "": {},
	} {
		account, id, ok := report.ParseWakeUp(key)
		if ok != (want[0] != "") || ok && [2]string{account, id} != want {
			t.Errorf("%q: %q, %q, %v", key, account, id, ok)
		}
	}
}
