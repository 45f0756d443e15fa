package reportbuilder_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"seatwise/infra/registry"
	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/report"
	"seatwise/shared/usage"
)

// office is an account with people, usage and reports.
type office struct {
	*fixtures.Fixture
	s3        *diskfiles.Server
	kernel    *license.Service
	directory *directory.Service
	usage     *usage.Service
	reports   *report.Service
	builder   app.Function
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return officeOn(t, fixtures.New(t))
}

func officeOn(t *testing.T, fixture *fixtures.Fixture) *office {
	t.Helper()
	o := &office{Fixture: fixture, s3: diskfiles.Start(t), kernel: license.NewService(catalog.Default())}
	o.Env.Files = o.s3.Store
	o.Clock.Set(time.Now().UTC().Truncate(time.Second))
	o.directory = directory.NewService(o.Env, o.kernel)
	o.usage = usage.NewService(o.Env, o.kernel, o.directory)
	o.reports = report.NewService(o.Env)
	o.builder = registry.One(o.Env, "ReportBuilderFunction")
	// The fixture's account has days of another zone, and would have them until its next period.
	gone := table.Delete(call.AccountKey(o.Account), table.Always)
	if err := o.Env.Table.Commit(t.Context(), []table.Operation{gone}); err != nil {
		t.Fatal(err)
	}
	o.account(t, account.Standard)
	if _, err := o.directory.PutRole(
		t.Context(),
		o.Call("ann"),
		directory.Role{ID: "supervisor", Name: "Supervisor", Permissions: []string{"liveReports.view"}},
	); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) account(t *testing.T, bundle account.Bundle) {
	t.Helper()
	_, err := account.NewService(
		o.Env, license.NewService(catalog.Default()),
	).Put(t.Context(), o.Call("operator"), account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: bundle,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (o *office) buy(t *testing.T, product string, n int) {
	t.Helper()
	if err := o.kernel.Deliver(t.Context(), o.Call("ann"), license.Delivery{
		OrderID: o.Env.IDs.Ordered(),
		Lots:    []license.Lot{{ProductID: product, Quantity: n}},
	}); err != nil {
		t.Fatal(err)
	}
}

func (o *office) user(t *testing.T, id, name, extension, role string) {
	t.Helper()
	u := directory.User{ID: id, Name: name, Extension: extension, Active: true}
	if role != "" {
		u.RoleIDs = []string{role}
	}
	if _, err := o.directory.PutUser(t.Context(), o.Call("ann"), u); err != nil {
		t.Fatal(err)
	}
}

func (o *office) queue(t *testing.T, id, name string, members ...string) {
	t.Helper()
	if _, err := o.directory.PutQueue(t.Context(), o.Call("ann"), id, name, members); err != nil {
		t.Fatal(err)
	}
}

func (o *office) dashboard(t *testing.T, id, name string, queues ...string) {
	t.Helper()
	if _, err := o.directory.PutDashboard(
		t.Context(),
		o.Call("ann"),
		directory.Dashboard{ID: id, Name: name, QueueIDs: queues},
	); err != nil {
		t.Fatal(err)
	}
}

func (o *office) view(t *testing.T, user, dashboard string, at time.Time) {
	t.Helper()
	r, err := o.usage.Take(
		t.Context(),
		o.Call("pbx"),
		[]usage.Event{{ID: o.Env.IDs.Random(), UserID: user, DashboardID: dashboard, At: at}},
	)
	if err != nil || r.Accepted != 1 {
		t.Fatalf("view: %+v, %v", r, err)
	}
}

func (o *office) fold(t *testing.T) {
	t.Helper()
	if err := o.usage.AggregateAccount(t.Context(), o.Account, o.Clock.Now()); err != nil {
		t.Fatal(err)
	}
}

// worked is the worked example of requirements, section 7. Alice has viewed both dashboards, Bob
// his own.
func (o *office) worked(t *testing.T) {
	t.Helper()
	o.buy(t, catalog.LiveReportsID, 10)
	o.user(t, "alice", "Alice", "0101", "supervisor")
	o.user(t, "bob", "Bob", "", "supervisor")
	for _, id := range []string{"john", "sarah", "mike", "emma", "david", "karen", "lisa", "mark"} {
		o.user(t, id, strings.ToUpper(id[:1])+id[1:], "", "")
	}
	o.queue(t, "detroit", "Detroit", "john", "sarah", "mike")
	o.queue(t, "belmont", "Belmont", "emma", "david", "karen", "lisa", "mark")
	o.dashboard(t, "d1", "Detroit board", "detroit")
	o.dashboard(t, "d2", "Belmont board", "belmont")
	o.view(t, "alice", "d1", o.Clock.Now())
	o.view(t, "alice", "d2", o.Clock.Now().Add(-24*time.Hour))
	o.view(t, "bob", "d2", o.Clock.Now())
}

func (o *office) ask(t *testing.T) report.Report {
	t.Helper()
	r, err := o.reports.Create(t.Context(), o.Call("ann"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// deliver gives the builder the wake-ups that were written, and returns how many those were.
func (o *office) deliver(t *testing.T) int {
	t.Helper()
	wakeUps := o.s3.Take(t, "jobs/reports/")
	for _, wakeUp := range wakeUps {
		if err := o.builder.Event(t.Context(), wakeUp); err != nil {
			t.Fatal(err)
		}
	}
	return len(wakeUps)
}

func (o *office) state(t *testing.T, id string) report.Report {
	t.Helper()
	r, err := o.reports.Get(t.Context(), o.Call("ann"), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (o *office) file(t *testing.T, id string) []byte {
	t.Helper()
	body, info, err := o.Env.Files.Get(t.Context(), report.Object(o.Account, id))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil || info.ContentType != report.ContentType {
		t.Fatalf("%v, %s", err, info.ContentType)
	}
	return data
}

// tabs reads the three tabs.
func tabs(t *testing.T, file []byte) map[string][][]string {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	want := []string{workbook.SummaryTab, workbook.ActiveUsersTab, workbook.DetailTab}
	if got := book.GetSheetList(); !slices.Equal(got, want) {
		t.Fatalf("tabs %q, want %q", got, want)
	}
	all := map[string][][]string{}
	for _, name := range want {
		rows, err := book.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			for len(rows[i]) < 7 {
				rows[i] = append(rows[i], "")
			}
		}
		all[name] = rows
	}
	return all
}

// figures are the numbers of the first tab by their label.
func figures(t *testing.T, rows [][]string) map[string]int64 {
	t.Helper()
	got := map[string]int64{}
	for _, row := range rows {
		if n, err := strconv.ParseInt(row[1], 10, 64); err == nil && row[2] == "" {
			got[row[0]] = n
		}
	}
	return got
}

// wantFigures holds the first tab against the window that the summary is made of.
func wantFigures(t *testing.T, got map[string]int64, w *usage.Window) {
	t.Helper()
	want := map[string]int64{
		`Total "Live Report" Licenses Purchased`:        w.Purchased.LiveReports,
		`Total "Call Queue Booster" Licenses Purchased`: w.Purchased.CallQueueBooster,
		"Total Licenses Purchased":                      w.Purchased.Total(),
		"Monitored Users (Agents)":                      w.MonitoredUsers,
		"Live Report Viewers":                           w.Viewers,
		"Total Active Users":                            w.ActiveUsers,
		"Overage Users":                                 w.OverageUsers,
	}
	if w.Overage != nil {
		want["Overage Daily Peak"] = w.Overage.PeakUsers
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("figures, wanted -, got +:\n%s", diff)
	}
}

func (o *office) window(t *testing.T) *usage.Window {
	t.Helper()
	w, _, err := o.usage.Recent(t.Context(), o.Call("ann"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWorkedExample(t *testing.T) {
	o := newOffice(t)
	o.worked(t)
	o.fold(t)
	asked := o.ask(t)
	if n := o.deliver(t); n != 1 {
		t.Fatalf("%d wake-ups", n)
	}
	if r := o.state(t, asked.ID); r.State != report.Ready {
		t.Fatalf("got %+v", r)
	}
	file := o.file(t, asked.ID)
	got := tabs(t, file)
	wantFigures(t, figures(t, got[workbook.SummaryTab]), o.window(t))
	now := o.Clock.Now().UTC()
	today, yesterday := now.Format(time.DateOnly), now.Add(-24*time.Hour).Format(time.DateOnly)

	users := map[string][]string{}
	for _, row := range got[workbook.ActiveUsersTab][1:] {
		users[row[0]] = row[1:6]
	}
	want := map[string][]string{"Alice": {"0101", "Viewer", today, "0", "0"}, "Bob": {"", "Viewer", today, "0", "0"}}
	for _, name := range []string{"John", "Sarah", "Mike", "Emma", "David", "Karen", "Lisa", "Mark"} {
		want[name] = []string{"", "Monitored Agent", "", "1", "1"}
	}
	if diff := cmp.Diff(want, users); diff != "" || len(got[workbook.ActiveUsersTab]) != 11 {
		t.Fatalf("%d rows of active users, wanted -, got +:\n%s", len(got[workbook.ActiveUsersTab]), diff)
	}

	var details []string
	for _, row := range got[workbook.DetailTab][1:] {
		details = append(details, strings.Join(row[:7], "|"))
	}
	wantDetails := []string{
		"Alice|0101||Detroit board|" + today + "|Yes|No",
		"Alice|0101||Belmont board|" + yesterday + "|Yes|No",
		"Bob|||Belmont board|" + today + "|Yes|No",
		"David||Belmont|Belmont board||Yes|No",
		"Emma||Belmont|Belmont board||Yes|No",
		"John||Detroit|Detroit board||Yes|No",
		"Karen||Belmont|Belmont board||Yes|No",
		"Lisa||Belmont|Belmont board||Yes|No",
		"Mark||Belmont|Belmont board||Yes|No",
		"Mike||Detroit|Detroit board||Yes|No",
		"Sarah||Detroit|Detroit board||Yes|No",
	}
	if diff := cmp.Diff(wantDetails, details); diff != "" {
		t.Fatalf("details, wanted -, got +:\n%s", diff)
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return strings.HasPrefix(f.Name, "xl/charts/chart") }) {
		t.Error("no chart")
	}
}

// Who is an agent and a viewer at once counts once; a deleted user, queue and dashboard keep their
// place in the figures, named as they were.
func TestBothRolesAndWhatIsGone(t *testing.T) {
	o := newOffice(t)
	o.buy(t, catalog.LiveReportsID, 1)
	o.buy(t, catalog.CallQueueBoosterID, 1)
	o.user(t, "lead", "=Lead()", "7", "supervisor")
	o.user(t, "gone", "Gone", "8", "")
	o.user(t, "boost", "Boost", "9", "")
	o.queue(t, "q", "Queue", "lead", "gone", "boost")
	o.queue(t, "old", "Old", "lead")
	o.dashboard(t, "d", "Board", "q", "old")
	o.dashboard(t, "e", "Empty")
	o.view(t, "lead", "d", o.Clock.Now())
	o.view(t, "lead", "e", o.Clock.Now())
	err := call.Decide(t.Context(), func(ctx context.Context) error {
		ch := o.kernel.Change(o.Call("ann"))
		if _, err := ch.Load(ctx, license.Need{Users: []string{"boost"}}); err != nil {
			return err
		}
		if err := ch.Grant(ctx, "boost", catalog.CallQueueBoosterID, license.Direct); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Answer{})
	})
	if err != nil {
		t.Fatal(err)
	}
	o.fold(t)
	if err := o.directory.DeleteUser(t.Context(), o.Call("ann"), "gone"); err != nil {
		t.Fatal(err)
	}
	if err := o.directory.DeleteDashboard(t.Context(), o.Call("ann"), "e"); err != nil {
		t.Fatal(err)
	}
	if err := o.directory.DeleteQueue(t.Context(), o.Call("ann"), "old"); err != nil {
		t.Fatal(err)
	}
	o.fold(t)
	asked := o.ask(t)
	o.deliver(t)
	got := tabs(t, o.file(t, asked.ID))
	w := o.window(t)
	if w.ActiveUsers != 3 || w.MonitoredUsers != 3 || w.Viewers != 1 || w.OverageUsers != 1 {
		t.Fatalf("window %+v", w)
	}
	wantFigures(t, figures(t, got[workbook.SummaryTab]), w)
	today := o.Clock.Now().UTC().Format(time.DateOnly)
	want := []string{
		"=Lead()|7|Old|Board|" + today + "|Yes|No",
		"=Lead()|7|Queue|Board|" + today + "|Yes|No",
		"=Lead()|7||Empty|" + today + "|Yes|No",
		"Boost|9|Queue|Board||No|Yes",
		"Gone|8|Queue|Board||No|No",
	}
	var details []string
	for _, row := range got[workbook.DetailTab][1:] {
		details = append(details, strings.Join(row[:7], "|"))
	}
	if diff := cmp.Diff(want, details); diff != "" {
		t.Fatalf("details, wanted -, got +:\n%s", diff)
	}
	if row := got[workbook.ActiveUsersTab][1]; !slices.Equal(
		row[:6],
		[]string{"=Lead()", "7", "Viewer, Monitored Agent", today, "2", "1"},
	) {
		t.Fatalf("lead is %q", row)
	}
}

// Two people of one name are told apart by id and e-mail, and who waits for a license is said to
// wait (requirements, section 7).
func TestPeopleOfOneName(t *testing.T) {
	o := newOffice(t)
	o.buy(t, catalog.LiveReportsID, 1)
	for _, id := range []string{"j1", "j2"} {
		_, err := o.directory.PutUser(
			t.Context(),
			o.Call("ann"),
			directory.User{ID: id, Name: "John", Email: id + "@acme.test", Active: true},
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	o.queue(t, "q", "Queue", "j1", "j2")
	o.dashboard(t, "d", "Board", "q")
	o.fold(t)
	asked := o.ask(t)
	o.deliver(t)
	got := tabs(t, o.file(t, asked.ID))
	users, details := got[workbook.ActiveUsersTab], got[workbook.DetailTab]
	for i, id := range []string{"j1", "j2"} {
		if row := users[i+1]; !slices.Equal(row[6:8], []string{id, id + "@acme.test"}) {
			t.Errorf("second tab: %q", row)
		}
		if row := details[i+1]; !slices.Equal(
			row[5:9],
			[]string{[]string{"Yes", "Waiting"}[i], "No", id, id + "@acme.test"},
		) {
			t.Errorf("third tab: %q", row)
		}
	}
}

// Whatever happened, the three tabs and the summary agree to the unit.
func TestTabsAgree(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			o := newOffice(t)
			o.buy(t, catalog.LiveReportsID, 1+random.IntN(12))
			var users []string
			for i := range 20 {
				id := fmt.Sprint("u", i)
				users = append(users, id)
				o.user(t, id, fmt.Sprint("User ", i), "", []string{"", "supervisor"}[random.IntN(2)])
			}
			some := func(n int) []string {
				mine := slices.Clone(users)
				random.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				return mine[:n]
			}
			for q := range 4 {
				o.queue(t, fmt.Sprint("q", q), fmt.Sprint("Queue ", q), some(random.IntN(5))...)
			}
			for d := range 3 {
				o.dashboard(t, fmt.Sprint("d", d), fmt.Sprint("Board ", d), fmt.Sprint("q", random.IntN(4)))
			}
			for range 25 {
				user := users[random.IntN(len(users))]
				_, err := o.usage.Take(t.Context(), o.Call("pbx"), []usage.Event{
					{
						ID:          o.Env.IDs.Random(),
						UserID:      user,
						DashboardID: fmt.Sprint("d", random.IntN(3)),
						At:          o.Clock.Now().Add(-time.Duration(random.IntN(47)) * time.Hour),
					},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			o.queue(t, "q0", "Queue 0", some(3)...)
			o.fold(t)
			asked := o.ask(t)
			o.deliver(t)
			got := tabs(t, o.file(t, asked.ID))
			w := o.window(t)
			wantFigures(t, figures(t, got[workbook.SummaryTab]), w)
			agents, viewers, listed := map[string]bool{}, map[string]bool{}, map[string]bool{}
			for _, row := range got[workbook.ActiveUsersTab][1:] {
				listed[row[0]] = true
				agents[row[0]], viewers[row[0]] = strings.Contains(row[2], "Agent"), strings.Contains(row[2], "Viewer")
			}
			count := func(set map[string]bool) (n int64) {
				for _, is := range set {
					if is {
						n++
					}
				}
				return n
			}
			if count(agents) != w.MonitoredUsers || count(viewers) != w.Viewers || count(listed) != w.ActiveUsers {
				t.Fatalf(
					"second tab: %d agents, %d viewers, %d users; window %+v",
					count(agents),
					count(viewers),
					count(listed),
					w,
				)
			}
			agentRows, viewerRows := map[string]bool{}, map[string]bool{}
			for _, row := range got[workbook.DetailTab][1:] {
				if row[2] != "" {
					agentRows[row[0]] = true
				}
				if row[4] != "" {
					viewerRows[row[0]] = true
				}
			}
			if count(agentRows) != w.MonitoredUsers || count(viewerRows) != w.Viewers {
				t.Fatalf("third tab: %d agents, %d viewers; window %+v", count(agentRows), count(viewerRows), w)
			}
		})
	}
}

// The report of a billing period is made once, 48 hours after its end, and has every view that was
// accepted, those of the last minute too, though no aggregation ran since.
func TestScheduledReport(t *testing.T) {
	o := newOffice(t)
	o.worked(t)
	o.fold(t)
	a, _, err := account.Load(t.Context(), o.Call("ann"))
	if err != nil {
		t.Fatal(err)
	}
	days, err := a.Calendar()
	if err != nil {
		t.Fatal(err)
	}
	first, end := days.Period(days.Day(o.Clock.Now()))
	over := days.Begin(end)
	o.Clock.Set(over.Add(-time.Hour))
	o.fold(t)
	o.Clock.Set(over.Add(48*time.Hour - time.Minute))
	o.user(t, "late", "Late", "", "supervisor")
	o.view(t, "late", "d1", over.Add(-time.Second))
	schedule := func(at time.Time) {
		t.Helper()
		event := fmt.Appendf(
			nil,
			`{"id":"1","detail-type":"Scheduled Event","source":"aws.events","time":%q,"detail":{}}`,
			at.Format(time.RFC3339),
		)
		if err := o.builder.Event(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		o.deliver(t)
	}
	ofThePeriod := func() *report.Report {
		t.Helper()
		reports, _, err := o.reports.List(t.Context(), o.Call("ann"), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(reports, func(r report.Report) bool { return r.From == first.Format(time.DateOnly) })
		if i < 0 {
			return nil
		}
		return &reports[i]
	}
	schedule(over.Add(48*time.Hour - time.Second))
	if r := ofThePeriod(); r != nil {
		t.Fatalf("too early: %+v", r)
	}
	o.Clock.Set(over.Add(48 * time.Hour))
	for range 2 {
		schedule(o.Clock.Now())
	}
	r := ofThePeriod()
	if r == nil || r.State != report.Ready || r.CreatedBy != "report-schedule" || r.To != end.Format(time.DateOnly) {
		t.Fatalf("got %+v", r)
	}
	w, _, err := o.usage.Window(t.Context(), o.Call("ann"), a, first, end)
	if err != nil {
		t.Fatal(err)
	}
	got := tabs(t, o.file(t, r.ID))
	wantFigures(t, figures(t, got[workbook.SummaryTab]), w)
	if w.Viewers != 3 ||
		!slices.ContainsFunc(got[workbook.ActiveUsersTab], func(row []string) bool { return row[0] == "Late" }) {
		t.Fatalf("%d viewers, rows %q", w.Viewers, got[workbook.ActiveUsersTab])
	}
}

// A wake-up that comes again, and late, changes nothing.
func TestWakeUpTwice(t *testing.T) {
	o := newOffice(t)
	o.worked(t)
	o.fold(t)
	asked := o.ask(t)
	wakeUps := o.s3.Take(t, "jobs/reports/")
	for range 2 {
		if err := o.builder.Event(t.Context(), wakeUps[0]); err != nil {
			t.Fatal(err)
		}
	}
	if written := o.s3.Take(t, "reports/"); len(written) != 1 {
		t.Fatalf("the file was written %d times", len(written))
	}
	if r := o.state(t, asked.ID); r.State != report.Ready || r.Attempts != 1 {
		t.Fatalf("got %+v", r)
	}
}

// flaky fails to store a number of times.
type flaky struct {
	files.Store
	failures int
}

var errFlaky = errors.New("the bucket does not answer")

func (f *flaky) Put(
	ctx context.Context,
	ref files.Ref,
	body io.ReadSeeker,
	size int64,
	contentType string,
) (files.Info, error) {
	if f.failures > 0 && strings.HasPrefix(ref.Key, "reports/") {
		f.failures--
		return files.Info{}, errFlaky
	}
	return f.Store.Put(ctx, ref, body, size, contentType)
}

func TestAFailureThatPasses(t *testing.T) {
	o := newOffice(t)
	o.worked(t)
	asked := o.ask(t)
	wakeUp := o.s3.Take(t, "jobs/reports/")[0]
	o.Env.Files = &flaky{o.s3.Store, 2}
	for range 2 {
		if err := o.builder.Event(t.Context(), wakeUp); !errors.Is(err, errFlaky) {
			t.Fatalf("the failure must be seen, so that the event comes again: %v", err)
		}
		if r := o.state(t, asked.ID); r.State != report.Queued {
			t.Fatalf("got %+v", r)
		}
	}
	if err := o.builder.Event(t.Context(), wakeUp); err != nil {
		t.Fatal(err)
	}
	if r := o.state(t, asked.ID); r.State != report.Ready || r.Attempts != 3 {
		t.Fatalf("got %+v", r)
	}
}

// A builder that was killed is followed by the next one once the short lease is over, and not
// before; at once, where a restart knows that the former process is dead.
func TestABuilderDies(t *testing.T) {
	for name, test := range map[string]struct {
		alone bool
		wait  time.Duration
		want  report.State
	}{
		"in AWS, too early": {false, lease.Life - time.Second, report.Running},
		"in AWS":            {false, lease.Life, report.Ready},
		"on one machine":    {true, 0, report.Ready},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.worked(t)
			o.Env.Process, o.Env.Alone = "former", test.alone
			asked := o.ask(t)
			wakeUp := o.s3.Take(t, "jobs/reports/")[0]
			store := o.Env.Table
			o.Env.Table = faulty.New(store, faulty.AtCommit(2, faulty.CrashBefore)) // the first takes the lease
			if err := o.builder.Event(t.Context(), wakeUp); !errors.Is(err, faulty.ErrCrashed) {
				t.Fatalf("nobody died: %v", err)
			}
			o.Env.Table, o.Env.Process = store, "next"
			o.Clock.Add(test.wait)
			if err := o.builder.Event(t.Context(), wakeUp); err != nil {
				t.Fatal(err)
			}
			if r := o.state(t, asked.ID); r.State != test.want {
				t.Fatalf("got %+v", r)
			}
		})
	}
}

func TestTheBundleChangesMeanwhile(t *testing.T) {
	o := newOffice(t)
	o.worked(t)
	asked := o.ask(t)
	o.account(t, account.CustomerEngagement)
	o.deliver(t)
	if r := o.state(t, asked.ID); r.State != report.Failed || !strings.Contains(r.Failure, "unlimited") {
		t.Fatalf("got %+v", r)
	}
}

func TestOtherEvents(t *testing.T) {
	o := newOffice(t)
	for _, payload := range []string{``, `{}`, `{"Records":[{"eventSource":"aws:sqs"}]}`} {
		if err := o.builder.Event(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s was taken for one of ours", payload)
		}
	}
	// Objects that are no wake-ups, and wake-ups of nobody, are no reason to come again.
	for _, key := range []string{
		"reports/acme/1.xlsx", "jobs/reports/acme/nothing.json", "jobs/reports/a%23b/1.json", "jobs/reports/%zz",
	} {
		payload := fmt.Sprintf(
			`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"seatwise-reports"},"object":{"key":%q}}}]}`,
			key,
		)
		if err := o.builder.Event(t.Context(), []byte(payload)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := o.builder.Event(t.Context(), []byte(`{"Event":"s3:TestEvent"}`)); err != nil {
		t.Errorf("a test event: %v", err)
	}
}
