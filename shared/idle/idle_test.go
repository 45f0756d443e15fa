package idle_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

func TestIdleSeats(t *testing.T) { idleSeats(t, newWorld(t)) }

// The same over the DynamoDB API.
func TestIdleSeatsOnDynamoDB(t *testing.T) {
	idleSeats(t, worldOn(t, fixtures.On(t, dynamostore.Open(t))))
}

// Who has not used a seat for n days is told in the order of last use, with what it costs; who never
// used it is idle since it was assigned. The list of yesterday, of today, and none at all say the
// same.
func idleSeats(t *testing.T, w *world) {
	t.Helper()
	w.buy("developer", 10)
	w.buy("call-group", 10)
	w.people("ann", "bob", "cid", "dan")
	w.assign("developer", "ann", "bob", "cid")
	w.Clock.Add(day)
	w.use("developer", "bob")
	w.Clock.Add(time.Hour)
	w.assign("call-group", "ann")
	w.Clock.Add(day)
	w.use("developer", "ann")
	w.Clock.Add(10 * day)
	w.assign("developer", "dan")
	for _, list := range []bool{false, true, true} {
		if list {
			w.list()
		}
		page := w.want("?days=10", "cid developer, bob developer, ann call-group, ann developer")
		if got := page.Total; got == nil || got.Seats != 4 ||
			got.PerMonth.Minor != 3*price(t, "developer")+price(t, "call-group") {
			t.Errorf("the total: %+v", got)
		}
		if bob := page.Items[1]; bob.LastUsed == nil || !bob.LastUsed.Equal(fixtures.Start.Add(day)) ||
			!bob.IdleSince.Equal(*bob.LastUsed) || bob.User.Name != "Bob" || bob.License.ProductName == "" {
			t.Errorf("bob's seat: %+v", bob)
		}
		if cid := page.Items[0]; cid.LastUsed != nil || !cid.IdleSince.Equal(fixtures.Start) {
			t.Errorf("cid's seat, who never used it: %+v", cid)
		}
		if got := strings.Join(page.Untold, " "); got != "call-group" {
			t.Errorf("of %q nobody told, want call-group", got)
		}
		w.want("?days=11", "cid developer, bob developer, ann call-group")
		w.want("?days=12", "cid developer")
		w.want("?days=13", "")
		w.want("?days=11&product=developer", "cid developer, bob developer")
		w.want("?days=1&product=call-group", "ann call-group")
	}
	// What happens after the list was made counts at once: a use, a seat that goes back, one that
	// somebody else has.
	w.use("developer", "cid")
	w.must(w.remove("developer", "bob"))
	w.want("?days=10", "ann call-group, ann developer")
	w.Clock.Add(5 * day)
	w.want("?days=5", "ann call-group, ann developer, cid developer, dan developer")
	w.want("?days=10", "ann call-group, ann developer")
}

func (w *world) remove(product, user string) error {
	_, err := w.kernel.RemoveMany(w.t.Context(), w.Call("ann"),
		[]license.Item{{ProductID: product, UserID: user}}, license.AllOrNone)
	return err //nolint:wrapcheck // as it is
}

func price(t testing.TB, product string) int64 {
	t.Helper()
	p, err := catalog.Default().Price(product, "USD")
	if err != nil {
		t.Fatal(err)
	}
	return p.Minor
}

// Pages follow each other without a gap and without a repetition, and the total is of all of them.
func TestPagesOfIdleSeats(t *testing.T) {
	w := newWorld(t)
	w.buy("developer", 700)
	var users []string
	for i := range 620 {
		users = append(users, fmt.Sprintf("u%03d", i))
	}
	w.people(users...)
	w.assign("developer", users...)
	w.Clock.Add(2 * day)
	w.list()
	got, cursor := 0, ""
	for pages := 1; ; pages++ {
		page := w.page("?days=2&limit=200&cursor=" + url.QueryEscape(cursor))
		for _, s := range page.Items {
			if s.User.ID != users[got] {
				t.Fatalf("seat %d is of %s, want %s", got, s.User.ID, users[got])
			}
			got++
		}
		if (page.Total != nil) != (pages == 1) || page.Total != nil && page.Total.Seats != 620 {
			t.Errorf("the total of page %d: %+v", pages, page.Total)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if got != 620 {
		t.Errorf("%d seats on all pages, want 620", got)
	}
	if r := w.ask(http.MethodGet, "/idle?days=3&cursor="+url.QueryEscape(w.page("?days=2&limit=1").NextCursor), nil,
		auth.BillingRead); r.Status != http.StatusBadRequest {
		t.Errorf("a cursor of another list: %d", r.Status)
	}
}

// A monitored agent's seat is not idle while they are monitored, and the total says how many are.
func TestMonitoredAgentsAreNotIdle(t *testing.T) {
	w := newWorld(t)
	w.buy(catalog.LiveReportsID, 5)
	w.people("ann", "bob", "eve")
	_, err := w.directory.PutQueue(t.Context(), w.Call("ann"), "q", "Queue", []string{"bob"})
	w.must(err)
	_, err = w.directory.PutDashboard(t.Context(), w.Call("ann"),
		directory.Dashboard{ID: "d", Name: "Dashboard", QueueIDs: []string{"q"}})
	w.must(err)
	w.assign(catalog.LiveReportsID, "ann", "bob")
	w.Clock.Add(20 * day)
	_, err = w.usage.Take(t.Context(), w.Call("pbx"), []usage.Event{
		{ID: "1", UserID: "eve", DashboardID: "d", At: w.Clock.Now()},
	})
	w.must(err)
	w.Clock.Add(10 * day)
	w.list()
	page := w.want("?days=30", "ann live-reports")
	if page.Total.Monitored != 1 || len(page.Untold) > 0 {
		t.Errorf("the total with a monitored agent: %+v, untold %q", page.Total, page.Untold)
	}
	w.want("?days=10", "ann live-reports, eve live-reports")
	_, err = w.directory.PutQueue(t.Context(), w.Call("ann"), "q", "Queue", []string{})
	w.must(err)
	page = w.want("?days=1", "ann live-reports, eve live-reports") // bob is unused since now
	if page.Total.Monitored != 0 {
		t.Errorf("the total without agents: %+v", page.Total)
	}
	w.Clock.Add(day)
	w.want("?days=1", "ann live-reports, eve live-reports, bob live-reports")
}

// The answer is read from the list and not from all licenses, however many are in use.
func TestIdleCostsWhatIsIdle(t *testing.T) {
	cost := func(busy int) (reads, items int) {
		fixture := fixtures.New(t)
		store := &counting{Store: fixture.Env.Table}
		fixture.Env.Table = store
		w := worldOn(t, fixture)
		w.buy("developer", busy+5)
		var users []string
		for i := range busy + 5 {
			users = append(users, fmt.Sprintf("u%03d", i))
		}
		w.people(users...)
		w.assign("developer", users...)
		w.Clock.Add(30 * day)
		for _, user := range users[5:] {
			w.use("developer", user)
		}
		w.list()
		w.page("?days=30") // what a process reads once
		store.reads, store.items = 0, 0
		if got := w.page("?days=30").Total.Seats; got != 5 {
			t.Fatalf("%d seats idle, want 5", got)
		}
		return store.reads, store.items
	}
	reads, items := cost(10)
	if more, moreItems := cost(150); more != reads || moreItems != items {
		t.Errorf("10 in use: %d reads of %d items; 150: %d of %d", reads, items, more, moreItems)
	}
}

// counting counts the reads of a store and the items that they return.
type counting struct {
	table.Store
	reads, items int
}

func (s *counting) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	found, err := s.Store.Lookup(ctx, keys...)
	s.reads++
	s.items += len(found)
	return found, err
}

func (s *counting) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := s.Store.Query(ctx, q)
	s.reads++
	s.items += len(page.Items)
	return page, err
}

// Whoever asks amiss is told so.
func TestIdleRefuses(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{"?days=-1", "?days=367", "?product=nothing", "?limit=0"} {
		if r := w.ask(
			http.MethodGet,
			"/idle"+query,
			nil,
			auth.BillingRead,
		); r.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, r.Status, r.Body)
		}
	}
	if r := w.ask(http.MethodGet, "/idle", nil, auth.LicensesRead); r.Status != http.StatusForbidden {
		t.Errorf("without billing.read: %d", r.Status)
	}
	if page := w.page(""); page.Items == nil || page.Total == nil || page.Total.PerMonth.Currency != "USD" {
		t.Errorf("nobody is idle: %+v", page)
	}
}

// A list is made once a day, whatever how often it is asked for, and an older run changes nothing.
func TestListIsMadeOnceADay(t *testing.T) {
	w := newWorld(t)
	commits := 0
	w.Env.Table = &committing{Store: w.Env.Table, count: &commits}
	w.people("ann")
	w.buy("developer", 1)
	w.assign("developer", "ann")
	w.list()
	commits = 0
	w.list()
	w.must(w.idle.Scheduled(t.Context(), []byte(`{"time": "2026-07-10T00:00:00Z"}`)))
	if commits != 0 {
		t.Errorf("%d commits of a list that is there", commits)
	}
	w.Clock.Set(fixtures.Start.Add(day).Truncate(day).Add(time.Minute))
	w.list()
	if commits == 0 {
		t.Error("the next day has no list")
	}
}

type committing struct {
	table.Store
	count *int
}

func (s *committing) Commit(ctx context.Context, ops []table.Operation) error {
	if slices.ContainsFunc(ops, func(op table.Operation) bool { return strings.Contains(op.Item.Partition, "#IDLE") }) {
		*s.count++
	}
	return s.Store.Commit(ctx, ops)
}

func TestEventsOfOtherKinds(t *testing.T) {
	w := newWorld(t)
	for _, payload := range []string{``, `{}`, `{"time":"noon"}`, `{"Records":[]}`} {
		if err := w.idle.Scheduled(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s was taken for a schedule", payload)
		}
	}
}
