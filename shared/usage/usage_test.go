package usage_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/platform/table/overlay"
	"seatwise/shared/usage"
)

// The worked example of requirements, section 7: ten licenses, two viewers and eight agents;
// everything is delivered and folded twice.
func TestWorkedExample(t *testing.T) { workedExample(t, newWorld(t)) }

// The same over the DynamoDB API.
func TestWorkedExampleOnDynamoDB(t *testing.T) {
	workedExample(t, worldOn(t, fixtures.On(t, dynamostore.Open(t))))
}

func workedExample(t *testing.T, w *world) {
	t.Helper()
	w.buy(t, catalog.LiveReportsID, 10)
	w.worked(t)
	if live := w.live(t); live.Assigned != 8 || live.Waiting != 0 {
		t.Fatalf("eight agents before any view: %+v", live)
	}
	now := fixtures.Start
	w.send(
		t,
		3,
		0,
		view("1", "alice", "d-detroit", now),
		view("2", "alice", "d-detroit", now.Add(-time.Hour)),
		view("3", "bob", "d-belmont", now),
	)
	w.send(
		t,
		0,
		3,
		view("3", "bob", "d-belmont", now),
		view("2", "alice", "d-detroit", now.Add(-time.Hour)),
		view("1", "alice", "d-detroit", now),
	)
	if live := w.live(t); live.Assigned != 10 || live.Available != 0 || live.Waiting != 0 {
		t.Fatalf("ten licenses: %+v", live)
	}
	w.fold(t, now)
	w.fold(t, now)
	s := w.summary(t, "")
	wantFigures(t, s, [4]int64{8, 2, 10, 0})
	if s.LiveReportsPurchased != 10 || s.CallQueueBoosterPurchased != 0 || s.TotalPurchased != 10 || s.Overage != nil {
		t.Fatalf("purchased: %+v", s)
	}
	if s.From != "2026-06-16" || s.To != "2026-07-16" || len(s.Daily) != 30 {
		t.Fatalf("the window: %s to %s, %d days", s.From, s.To, len(s.Daily))
	}
	want := usage.DayBody{Date: "2026-07-15", MonitoredUsers: 8, Viewers: 2, ActiveUsers: 10, LicensesPurchased: 10}
	if got := s.Daily[29]; got != want {
		t.Fatalf("today is %+v, want %+v", got, want)
	}
	if n, err := w.usage.Overage(t.Context(), w.Call("ann")); err != nil || n != 0 {
		t.Fatalf("overage %d, %v", n, err)
	}
}

func TestOverage(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 5)
	w.buy(t, catalog.CallQueueBoosterID, 2)
	w.worked(t)
	w.people(t, directory.SuperAdmin, "carol")
	now := fixtures.Start
	w.send(t, 2, 0, view("1", "alice", "d-detroit", now), view("2", "bob", "d-belmont", now))
	w.fold(t, now)
	w.Clock.Add(24 * time.Hour)
	w.send(t, 1, 0, view("3", "carol", "d-belmont", now.Add(24*time.Hour)))
	w.fold(t, now.Add(24*time.Hour))
	s := w.summary(t, "")
	wantFigures(t, s, [4]int64{8, 3, 11, 4})
	if s.LiveReportsPurchased != 5 || s.CallQueueBoosterPurchased != 2 || s.TotalPurchased != 7 {
		t.Fatalf("purchased: %+v", s)
	}
	o := s.Overage
	if o == nil || o.Since != "2026-07-15" || o.PeakUsers != 3 || o.PeakDate != "2026-07-15" {
		t.Fatalf("overage: %+v", o)
	}
	want := []usage.SourceBody{
		{Kind: "dashboard", ID: "d-belmont", Name: "Dashboard d-belmont", ActiveUsers: 7},
		{Kind: "queue", ID: "belmont", Name: "Queue belmont", ActiveUsers: 5},
		{Kind: "dashboard", ID: "d-detroit", Name: "Dashboard d-detroit", ActiveUsers: 4},
		{Kind: "queue", ID: "detroit", Name: "Queue detroit", ActiveUsers: 3},
	}
	if diff := cmp.Diff(want, o.Sources); diff != "" {
		t.Fatalf("sources, wanted -, got +:\n%s", diff)
	}
	if n, err := w.usage.Overage(t.Context(), w.Call("ann")); err != nil || n != 4 {
		t.Fatalf("overage %d, %v", n, err)
	}
	// On the bundle nobody is ever over (requirements, section 6).
	w.account(t, w.Account, account.CustomerEngagement)
	s = w.summary(t, "")
	wantFigures(t, s, [4]int64{8, 3, 11, 0})
	if s.Overage != nil || s.Daily[29].OverageUsers != 0 {
		t.Fatalf("overage on an unlimited bundle: %+v", s)
	}
}

func TestEventsAreJudgedOneByOne(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	if _, err := w.directory.PutUser(
		t.Context(),
		w.Call("ann"),
		directory.User{ID: "gone", Name: "Gone", RoleIDs: []string{"supervisor"}},
	); err != nil {
		t.Fatal(err)
	}
	now := fixtures.Start
	for _, test := range []struct {
		name    string
		event   map[string]any
		problem string // empty: accepted
		field   string
	}{
		{"good", view("good", "alice", "d-detroit", now), "", ""},
		{"48 hours late", view("late", "alice", "d-detroit", now.Add(-48*time.Hour)), "", ""},
		{
			"later than that", view("later", "alice", "d-detroit", now.Add(-48*time.Hour-time.Second)), "validation",
			"at",
		},
		{"5 minutes ahead", view("ahead", "alice", "d-detroit", now.Add(5*time.Minute)), "", ""},
		{"more than that", view("more", "alice", "d-detroit", now.Add(5*time.Minute+time.Second)), "validation", "at"},
		{"in another zone", view("zone", "alice", "d-detroit", now.In(time.FixedZone("", -5*3600))), "", ""},
		{"an unknown user", view("user", "nobody", "d-detroit", now), "not-found", ""},
		{"what is no user id", view("noid", "a#b", "d-detroit", now), "not-found", ""},
		{"an unknown dashboard", view("board", "alice", "nothing", now), "not-found", ""},
		{"a dashboard id that is far too long", view("long", "alice", strings.Repeat("d", 3000), now), "not-found", ""},
		{"a user without permission", view("agent", "john", "d-detroit", now), "forbidden", ""},
		{"an inactive user", view("inactive", "gone", "d-detroit", now), "user-inactive", ""},
		{"an empty id", view("", "alice", "d-detroit", now), "validation", "id"},
		{"an id with a space", view("a b", "alice", "d-detroit", now), "validation", "id"},
		{"an id of 201 characters", view(strings.Repeat("x", 201), "alice", "d-detroit", now), "validation", "id"},
		{"an id of 200 characters", view(strings.Repeat("x", 200), "alice", "d-detroit", now), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			companion := view("with "+test.name, "bob", "d-belmont", now)
			companion["id"] = strings.ReplaceAll(fmt.Sprint(companion["id"]), " ", "-")
			if test.problem == "" {
				w.send(t, 2, 0, test.event, companion)
				return
			}
			got := w.send(t, 1, 0, test.event, companion).Rejected[0]
			if got.ID != test.event["id"] || got.Problem.Type != "urn:seatwise:problem:"+test.problem ||
				got.Problem.Status == 0 ||
				got.Problem.Title == "" {
				t.Fatalf("rejected with %+v", got.Problem)
			}
			if test.field != "" && (len(got.Problem.Errors) != 1 || got.Problem.Errors[0].Field != test.field) {
				t.Fatalf("fields %+v, want %s", got.Problem.Errors, test.field)
			}
		})
	}
	if got := w.grants(t, "john"); !slices.Equal(got, []string{"queue:detroit"}) {
		t.Fatalf("a refused view left john with %v", got)
	}
}

func TestDuplicates(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	now := fixtures.Start
	w.send(t, 1, 1, view("1", "alice", "d-detroit", now), view("1", "alice", "d-detroit", now))
	w.send(t, 1, 1, view("2", "alice", "d-detroit", now), view("1", "bob", "d-belmont", now.Add(-time.Minute)))
	t.Run("too late for anything but a repetition", func(t *testing.T) {
		w.Clock.Add(5 * 24 * time.Hour)
		w.send(t, 0, 1, view("1", "alice", "d-detroit", now))
	})
	t.Run("another account's id", func(t *testing.T) {
		other := worldOn(t, w.Fixture)
		other.Fixture = &fixtures.Fixture{Env: w.Env, Account: fixtures.Other, Clock: w.Clock, Logs: w.Logs}
		other.account(t, fixtures.Other, account.Standard)
		other.worked(t)
		other.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
	})
	t.Run("32 days", func(t *testing.T) {
		w.Clock.Set(now.Add(32 * 24 * time.Hour))
		w.send(t, 0, 1, view("1", "alice", "d-detroit", w.Clock.Now()))
		w.Clock.Set(now.Add(35 * 24 * time.Hour))
		w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
		w.send(t, 0, 1, view("1", "alice", "d-detroit", w.Clock.Now()))
	})
}

func TestManyEventsInOneCall(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 30)
	w.worked(t)
	var users []string
	for i := range 60 {
		users = append(users, fmt.Sprintf("viewer%02d", i))
	}
	w.people(t, "supervisor", users...)
	var events []map[string]any
	for i := range usage.MaxEvents {
		events = append(
			events,
			view(
				fmt.Sprint("e", i),
				users[i%len(users)],
				"d-detroit",
				fixtures.Start.Add(-time.Duration(i)*time.Minute),
			),
		)
	}
	w.send(t, usage.MaxEvents, 0, events...)
	// Half of the seats went to the eight agents and 22 of the viewers; the others wait.
	if live := w.live(t); live.Assigned != 30 || live.Waiting != 38 {
		t.Fatalf("assigned and waiting: %+v", live)
	}
	w.send(t, 0, usage.MaxEvents, events...)
	fixtures.Problem(
		t,
		w.post(t, append(events, view("one more", "alice", "d-detroit", fixtures.Start))...),
		http.StatusUnprocessableEntity,
		"validation",
	)
	fixtures.Problem(t, w.post(t), http.StatusUnprocessableEntity, "validation")
}

// The same events, sent by many at once, count once, and each viewer is granted once.
func TestConcurrentDeliveries(t *testing.T) { concurrentDeliveries(t, newWorld(t)) }

func TestConcurrentDeliveriesOnDynamoDB(t *testing.T) {
	concurrentDeliveries(t, worldOn(t, fixtures.On(t, dynamostore.Open(t))))
}

func concurrentDeliveries(t *testing.T, w *world) {
	t.Helper()
	w.buy(t, catalog.LiveReportsID, 20)
	w.worked(t)
	var events []map[string]any
	for i := range 120 {
		user, dashboard := "alice", "d-detroit"
		if i%2 == 1 {
			user, dashboard = "bob", "d-belmont"
		}
		events = append(
			events,
			view(fmt.Sprint("e", i), user, dashboard, fixtures.Start.Add(-time.Duration(i)*time.Minute)),
		)
	}
	var mu sync.Mutex
	accepted := 0
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			mine := slices.Clone(events)
			rand.New(rand.NewPCG(uint64(n), 1)).
				Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			r := w.post(t, mine...)
			got := fixtures.Decode[usage.ReceiptBody](t, r, http.StatusAccepted)
			mu.Lock()
			defer mu.Unlock()
			accepted += got.Accepted
		})
	}
	group.Wait()
	if accepted != len(events) {
		t.Fatalf("%d accepted, want each of %d once", accepted, len(events))
	}
	if live := w.live(t); live.Assigned != 10 {
		t.Fatalf("assigned: %+v", live)
	}
	w.fold(t, fixtures.Start)
	wantFigures(t, w.summary(t, ""), [4]int64{8, 2, 10, 0})
}

func TestRepeatedRequest(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	request := fixtures.Request{
		Method:      http.MethodPost,
		Path:        "/v1/accounts/acme/usage/views",
		User:        "pbx",
		Permissions: []auth.Permission{auth.UsageWrite},
		Body:        map[string]any{"events": []any{view("1", "alice", "d-detroit", fixtures.Start)}},
		Header:      map[string]string{"Idempotency-Key": "k"},
	}
	first := w.Do(t, w.api, request)
	again := w.Do(t, w.api, request)
	if again.Header.Get("Idempotent-Replayed") != "true" || string(again.Body) != string(first.Body) ||
		again.Status != http.StatusAccepted {
		t.Fatalf("first %d %s, again %d %s %v", first.Status, first.Body, again.Status, again.Body, again.Header)
	}
	if got := fixtures.Decode[usage.ReceiptBody](t, again, http.StatusAccepted); got.Accepted != 1 {
		t.Fatalf("the stored answer: %+v", got)
	}
}

// A crash at any commit, and a failure of any call, loses no view and no grant: the same call
// again, or an aggregation, ends where the undisturbed run ends.
func TestCrashes(t *testing.T) {
	events := func() []map[string]any {
		return []map[string]any{
			view("1", "alice", "d-detroit", fixtures.Start),
			view("2", "bob", "d-belmont", fixtures.Start),
		}
	}
	for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
		for n := 1; ; n++ {
			store, err := bolt.Open(filepath.Join(t.TempDir(), "table.db"))
			if err != nil {
				t.Fatal(err)
			}
			on := false
			commits := 0
			broken := faulty.New(store, func(c faulty.Call) faulty.Fault {
				if on && c.Commit != 0 {
					if commits++; commits == n {
						return fault
					}
				}
				return faulty.None
			})
			w := worldOn(t, fixtures.On(t, broken))
			w.buy(t, catalog.LiveReportsID, 10)
			w.worked(t)
			on = true
			w.post(t, events()...)
			crashed := broken.Crashed()
			on = false
			broken.Revive()
			if n%2 == 0 { // The sender may never come back.
				w.post(t, events()...)
			}
			w.fold(t, fixtures.Start)
			if stored := w.summary(t, "").Viewers; stored == 2 && w.live(t).Assigned != 10 {
				t.Fatalf("%s at commit %d: both views count, %+v", fault, n, w.live(t))
			}
			if n%2 != 0 {
				w.post(t, events()...)
				w.fold(t, fixtures.Start.Add(time.Minute))
			}
			wantFigures(t, w.summary(t, ""), [4]int64{8, 2, 10, 0})
			if live := w.live(t); live.Assigned != 10 {
				t.Fatalf("%s at commit %d: %+v", fault, n, live)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if !crashed {
				break
			}
		}
	}
}

// Aggregation: repeated, late, overlapping, out of order, with faults: the same figures.
func TestAggregationIsAFunctionOfWhatHappened(t *testing.T) {
	start := fixtures.Start
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	events := []map[string]any{
		view(
			"1",
			"alice",
			"d-detroit",
			hour(0),
		),
		view("2", "alice", "d-belmont", hour(1)),
		view("3", "bob", "d-belmont", hour(-30)),
		view("4", "alice", "d-detroit", hour(-20)),
		view(
			"5",
			"bob",
			"d-detroit",
			hour(-47),
		),
		view("6", "carol", "d-detroit", hour(-9).Add(-31*time.Minute)),
		view("7", "carol", "d-detroit", hour(-9).Add(-29*time.Minute)),
	}
	build := func(t *testing.T, steps func(w *world)) (map[string]usage.DayBody, [4]int64) {
		t.Helper()
		w := newWorld(t)
		w.buy(t, catalog.LiveReportsID, 4)
		w.worked(t)
		w.people(t, "supervisor", "carol")
		w.Clock.Set(hour(1))
		steps(w)
		s := w.summary(t, "")
		return w.rollups(t), figures(s)
	}
	wantDays, want := build(t, func(w *world) {
		w.send(t, len(events), 0, events...)
		w.fold(t, hour(1))
	})
	if len(wantDays) != 3 {
		t.Fatalf("days with somebody active: %+v", wantDays)
	}
	for name, steps := range map[string]func(w *world){
		"repeated": func(w *world) {
			w.send(t, len(events), 0, events...)
			for range 3 {
				w.fold(t, hour(1))
			}
		},
		"a run between each two events, in any order": func(w *world) {
			for i, e := range events {
				w.send(t, 1, 0, events[len(events)-1-i])
				w.fold(t, hour(1-i%3))
				w.send(t, 0, 1, events[len(events)-1-i])
				_ = e
			}
			w.fold(t, hour(1))
		},
		"late": func(w *world) {
			w.send(t, len(events), 0, events...)
			w.fold(t, hour(1+24))
			w.fold(t, hour(1+48))
		},
		"out of order": func(w *world) {
			w.fold(t, hour(1))
			w.send(t, len(events), 0, events...)
			w.fold(t, hour(30))
			w.fold(t, hour(1))
			w.fold(t, hour(-24))
		},
		"overlapping": func(w *world) {
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					if err := w.aggregate(hour(1)); err != nil {
						t.Error(err)
					}
				})
			}
			w.send(t, len(events), 0, events...)
			group.Wait()
			w.fold(t, hour(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			days, got := build(t, steps)
			for date, d := range wantDays {
				if days[date] != d {
					t.Errorf("day %s is %+v, want %+v", date, days[date], d)
				}
			}
			if got != want {
				t.Errorf("figures %v, want %v", got, want)
			}
		})
	}
}

// A view that comes in the last minute in which it is accepted still gets into its day's rollup.
func TestLatestOfTheLate(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	viewed := time.Date(2026, 7, 15, 23, 59, 30, 0, time.UTC)
	w.Clock.Set(viewed.Add(47*time.Hour + 59*time.Minute + 59*time.Second))
	w.fold(t, w.Clock.Now())
	w.send(t, 1, 0, view("1", "alice", "d-detroit", viewed))
	// The next hourly run comes after midnight, and the one after next may be the first that
	// succeeds.
	w.fold(t, time.Date(2026, 7, 18, 1, 0, 0, 0, time.UTC))
	s := w.summary(t, "?from=2026-07-15&to=2026-07-16")
	if s.Viewers != 1 {
		t.Fatalf("the late view is lost: %+v", s)
	}
}

// A day whose views have expired is not folded to nothing by a run for that day.
func TestAnOldDayIsKept(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	w.send(t, 1, 0, view("1", "alice", "d-detroit", fixtures.Start))
	w.fold(t, fixtures.Start)
	store, ok := call.Beneath(overlay.Beneath(access.Beneath(w.Env.Table))).(*bolt.Store)
	if !ok {
		t.Fatal("not the embedded store")
	}
	w.Clock.Set(fixtures.Start.Add(60 * 24 * time.Hour))
	if n, err := store.Sweep(t.Context(), w.Clock.Now()); err != nil || n == 0 {
		t.Fatalf("%d expired, %v", n, err)
	}
	w.fold(t, fixtures.Start)
	if s := w.summary(t, "?from=2026-07-15&to=2026-07-16"); s.Viewers != 1 || s.MonitoredUsers != 8 {
		t.Fatalf("after the run for an old day: %+v", s)
	}
}

// Membership counts for a day when it held at any time in it.
func TestMembershipOfADay(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 20)
	w.worked(t)
	day := func(n int) time.Time { return fixtures.Start.Add(time.Duration(n) * 24 * time.Hour) }
	w.fold(t, day(0))
	w.Clock.Set(day(1))
	w.queue(t, "detroit", "john", "sarah") // mike leaves on the second day
	w.fold(t, day(1))
	w.Clock.Set(day(2))
	w.fold(t, day(2))
	s := w.summary(t, "")
	for i, want := range []int64{8, 8, 7} {
		if got := s.Daily[27+i].MonitoredUsers; got != want {
			t.Errorf("%s: %d agents, want %d", s.Daily[27+i].Date, got, want)
		}
	}
	wantFigures(t, s, [4]int64{8, 0, 8, 0})
}

func TestViewersGrantEndsAfter30Days(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 20)
	w.worked(t)
	first := fixtures.Start
	w.send(t, 2, 0, view("1", "alice", "d-detroit", first), view("2", "bob", "d-belmont", first))
	// The last view of the day decides, though the viewer was granted with the first.
	w.Clock.Set(first.Add(3 * time.Hour))
	w.send(t, 1, 0, view("3", "alice", "d-detroit", first.Add(3*time.Hour)))
	w.fold(t, first.Add(3*time.Hour))
	for _, step := range []struct {
		at         time.Duration
		alice, bob bool
	}{
		{29 * 24 * time.Hour, true, true},
		{30*24*time.Hour - time.Second, true, true},
		{30 * 24 * time.Hour, true, false},
		{30*24*time.Hour + 3*time.Hour - time.Second, true, false},
		{30*24*time.Hour + 3*time.Hour, false, false},
	} {
		w.fold(t, first.Add(step.at)) // The clock stands still: the event's time decides.
		for user, want := range map[string]bool{"alice": step.alice, "bob": step.bob} {
			if got := slices.Contains(w.grants(t, user), "view"); got != want {
				t.Errorf("%s after %s: granted %v, want %v", user, step.at, got, want)
			}
		}
	}
	if live := w.live(t); live.Assigned != 8 {
		t.Fatalf("the seats did not come back: %+v", live)
	}
	w.Clock.Set(first.Add(31 * 24 * time.Hour))
	w.send(t, 1, 0, view("4", "alice", "d-detroit", w.Clock.Now()))
	if got := w.grants(t, "alice"); !slices.Equal(got, []string{"view"}) {
		t.Fatalf("a new view grants again: %v", got)
	}
}

func TestViewersGrantAndPermission(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 20)
	w.worked(t)
	now := fixtures.Start
	w.send(t, 1, 0, view("1", "alice", "d-detroit", now))
	w.people(t, "", "alice") // the role goes
	if got := w.grants(t, "alice"); len(got) != 0 {
		t.Fatalf("without permission: %v", got)
	}
	w.people(t, "supervisor", "alice")
	w.fold(t, now)
	if got := w.grants(t, "alice"); len(got) != 0 {
		t.Fatalf("the permission is back, but nobody viewed since: %v", got)
	}
	w.send(t, 1, 0, view("2", "alice", "d-detroit", now.Add(time.Second)))
	if got := w.grants(t, "alice"); !slices.Equal(got, []string{"view"}) {
		t.Fatalf("viewed again on the same day: %v", got)
	}
}

// A run reads what came since the one before it, not what there is: neither the views of before, nor who is
// monitored, but once a day.
func TestARunReadsWhatCame(t *testing.T) {
	cost := func(views, members int) (items, operations int) {
		fixture := fixtures.New(t)
		store := &counting{Store: fixture.Env.Table}
		fixture.Env.Table = store
		w := worldOn(t, fixture)
		w.worked(t)
		var more []string
		for i := range members {
			more = append(more, fmt.Sprint("member", i))
		}
		w.people(t, "", more...)
		w.queue(t, "belmont", more...)
		var events []map[string]any
		for i := range views {
			events = append(events, view(fmt.Sprint(i), "alice", "d-detroit",
				fixtures.Start.Add(-time.Duration(i)*time.Minute)))
		}
		w.send(t, views, 0, events...)
		w.fold(t, w.Clock.Now())
		w.Clock.Add(2 * time.Hour)
		w.fold(t, w.Clock.Now())
		w.send(t, 1, 0, view("last", "bob", "d-detroit", w.Clock.Now()))
		store.items, store.operations = 0, 0
		w.fold(t, w.Clock.Now())
		if s := w.summary(t, ""); s.Viewers != 2 || s.MonitoredUsers != int64(3+5+members) {
			t.Errorf("%d viewers and %d monitored", s.Viewers, s.MonitoredUsers)
		}
		return store.items, store.operations
	}
	items, operations := cost(5, 3)
	if more, moreOperations := cost(200, 40); more != items || moreOperations != operations {
		t.Errorf("with few views and members %d items read and %d written, with many %d and %d",
			items, operations, more, moreOperations)
	}
}

// What is stored while a run reads, or a little later, is what the next one reads: a view, and who comes to be
// monitored.
func TestWhatIsStoredLateIsRead(t *testing.T) {
	for name, act := range map[string]func(w *world) error{
		"VIEW": func(w *world) error {
			e := usage.Event{ID: "1", UserID: "alice", DashboardID: "d-detroit", At: w.Clock.Now()}
			_, err := w.usage.Take(t.Context(), w.Call("pbx"), []usage.Event{e})
			return err
		},
		"MONITORED": func(w *world) error {
			_, err := w.directory.PutQueue(t.Context(), w.Call("ann"), "detroit", "Detroit", []string{"bob"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.worked(t)
			w.fold(t, w.Clock.Now())
			before, sound, late := figures(w.summary(t, "")), w.Env.Table, false
			w.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
				for _, op := range c.Ops {
					if !late && op.Kind == table.KindPut && strings.HasPrefix(op.Item.Key.Partition, "A#acme#"+name) {
						late = true
						w.Clock.Add(overlap - time.Minute)
						w.Env.Table = sound
						w.fold(t, w.Clock.Now())
					}
				}
				return faulty.None
			})
			if err := act(w); err != nil || !late {
				t.Fatalf("%v, late %v", err, late)
			}
			w.Env.Table = sound
			if got := figures(w.summary(t, "")); got != before {
				t.Fatalf("%v, and before %v: the run did not come first", got, before)
			}
			w.Clock.Add(overlap)
			w.fold(t, w.Clock.Now())
			if got := figures(w.summary(t, "")); got == before {
				t.Errorf("still %v: what was stored late is lost", got)
			}
		})
	}
}

// Whoever left before a day began was no member on it, though the change that they leave by was cut off, and is
// finished only when the day has begun with them; and whoever came before it was one.
func TestAChangeThatIsFinishedOnTheNextDay(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	zone := located("America/Detroit")
	w.Clock.Set(time.Date(2026, 7, 15, 23, 50, 0, 0, zone))
	w.fold(t, w.Clock.Now())
	sound, cut := w.Env.Table, false
	w.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
		for _, op := range c.Ops {
			if strings.HasPrefix(op.Item.Key.Partition, "A#acme#MONITORED") {
				cut = true
				return faulty.Fail
			}
		}
		return faulty.None
	})
	if _, err := w.directory.PutQueue(t.Context(), w.Call("ann"), "detroit", "Detroit",
		[]string{"john", "bob"}); err != nil {
		t.Log("cut off:", err)
	}
	w.Env.Table = sound
	w.Clock.Set(time.Date(2026, 7, 16, 4, 0, 0, 0, zone))
	w.fold(t, w.Clock.Now())
	w.Clock.Add(2 * time.Hour)
	w.fold(t, w.Clock.Now())
	// The event that finishes it comes late, and counts at its own time.
	late := w.Env.At(time.Date(2026, 7, 15, 23, 55, 0, 0, zone))
	if err := directory.NewService(late, w.kernel).Resume(t.Context(), ""); err != nil || !cut {
		t.Fatalf("%v, cut off: %v", err, cut)
	}
	w.Clock.Add(time.Hour)
	w.fold(t, w.Clock.Now())
	daily := w.summary(t, "").Daily
	if before, now := daily[len(daily)-2], daily[len(daily)-1]; before.MonitoredUsers != 9 || now.MonitoredUsers != 7 {
		t.Errorf("%+v, and the day before %+v", now, before)
	}
}

// Any day can be run again, of which nothing is left, or that was never run; and one that has not begun may be begun.
func TestAnyDayIsRunAgain(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
	first := w.Clock.Now()
	for range 10 {
		w.fold(t, w.Clock.Now())
		w.Clock.Add(24 * time.Hour)
	}
	w.fold(t, w.Clock.Now())
	want := w.summary(t, "")
	for i := range 5 {
		key := table.Key{Partition: "A#acme#USAGE", Sort: first.AddDate(0, 0, i).Format(time.DateOnly)}
		if err := w.Env.Table.Commit(t.Context(), []table.Operation{table.Delete(key, table.Always)}); err != nil {
			t.Fatal(err)
		}
	}
	if w.summary(t, "").Viewers != 0 {
		t.Fatal("the days are not gone")
	}
	w.fold(t, first)
	if diff := cmp.Diff(want, w.summary(t, "")); diff != "" {
		t.Errorf("wanted -, got +:\n%s", diff)
	}
	w.fold(t, w.Clock.Now().Add(24*time.Hour))
	w.Clock.Add(24 * time.Hour)
	if daily := w.summary(t, "").Daily; daily[len(daily)-1].MonitoredUsers != 8 {
		t.Errorf("a day that was begun before it came: %+v", daily[len(daily)-1])
	}
}

// A run may come late, or for a time that has not come, or by a clock that is wrong: what happens later counts all the
// same, and what happened before it as well.
func TestRunsOfOddTimes(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, w *world){
		"the first one after five days": func(t *testing.T, w *world) {
			w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
			w.queue(t, "detroit", "john", "sarah", "mike", "bob")
			w.Clock.Add(5 * 24 * time.Hour)
		},
		"one for next year": func(t *testing.T, w *world) {
			w.fold(t, w.Clock.Now())
			w.fold(t, w.Clock.Now().AddDate(1, 0, 0))
			w.Clock.Add(time.Hour)
			w.queue(t, "detroit", "john", "sarah", "mike", "bob")
			w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
			w.fold(t, w.Clock.Now())
			w.Clock.Add(5 * 24 * time.Hour)
		},
		"one for tomorrow": func(t *testing.T, w *world) {
			w.fold(t, w.Clock.Now().Add(24*time.Hour))
			w.Clock.Add(2 * time.Hour)
			w.queue(t, "detroit", "john", "sarah", "mike", "bob")
			w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
			w.fold(t, w.Clock.Now())
			w.Clock.Add(22 * time.Hour)
		},
		"one by a clock that is ahead": func(t *testing.T, w *world) {
			w.fold(t, w.Clock.Now())
			w.Clock.Add(3 * time.Hour)
			w.fold(t, w.Clock.Now())
			w.Clock.Add(-150 * time.Minute)
			w.queue(t, "detroit", "john", "sarah", "mike", "bob")
			w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
			for range 5 * 24 {
				w.Clock.Add(time.Hour)
				w.fold(t, w.Clock.Now())
			}
		},
		"one at which a day fails": func(t *testing.T, w *world) {
			w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
			w.queue(t, "detroit", "john", "sarah", "mike", "bob")
			sound := w.Env.Table
			w.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
				if len(c.Ops) > 0 && strings.Contains(c.Ops[0].Item.Key.Partition, "#ROLLUP#") {
					return faulty.Fail
				}
				return faulty.None
			})
			if err := w.aggregate(w.Clock.Now()); err == nil {
				t.Error("the run does not tell that a day failed")
			}
			w.Env.Table = sound
			w.Clock.Add(5 * 24 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.worked(t)
			w.fold(t, w.Clock.Now().Add(time.Second))
			if name == "the first one after five days" {
				w = newWorld(t)
				w.worked(t)
			}
			act(t, w)
			w.fold(t, w.Clock.Now())
			s := w.summary(t, "")
			if s.Viewers != 1 || s.MonitoredUsers != 9 {
				t.Errorf("%d viewers and %d monitored, want 1 and 9", s.Viewers, s.MonitoredUsers)
			}
			for _, d := range s.Daily[len(s.Daily)-6:] {
				if d.MonitoredUsers < 8 && d.Date >= fixtures.Start.Format(time.DateOnly) {
					t.Errorf("%s: %d monitored", d.Date, d.MonitoredUsers)
				}
			}
			if last := s.Daily[len(s.Daily)-1]; last.MonitoredUsers != 9 {
				t.Errorf("%d monitored on the last day", last.MonitoredUsers)
			}
		})
	}
}

// Views count that were stored before a call was cut off, once it is sent again, however late and whatever has become
// of who viewed; and those that a call has stored when it fails at others.
func TestViewsOfACallThatWasCutOff(t *testing.T) {
	for name, again := range map[string]func(w *world, e usage.Event) (usage.Receipt, error){
		"sent again": func(w *world, e usage.Event) (usage.Receipt, error) {
			return w.usage.Take(t.Context(), w.Call("pbx"), []usage.Event{e})
		},
		"sent again after two days": func(w *world, e usage.Event) (usage.Receipt, error) {
			w.Clock.Add(50 * time.Hour)
			return w.usage.Take(t.Context(), w.Call("pbx"), []usage.Event{e})
		},
		"by an event that comes late": func(w *world, e usage.Event) (usage.Receipt, error) {
			late := w.Env.At(w.Clock.Now())
			c := *w.Call("pbx")
			c.Env = late
			w.Clock.Add(30 * time.Hour)
			w.fold(t, w.Clock.Now())
			told := usage.NewService(late, w.kernel, directory.NewService(late, w.kernel))
			return told.Take(t.Context(), &c, []usage.Event{e})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.worked(t)
			w.fold(t, w.Clock.Now())
			sound := w.Env.Table
			w.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
				if len(c.Ops) > 0 && strings.HasPrefix(c.Ops[0].Item.Key.Partition, "A#acme#ARRIVED") {
					return faulty.Fail
				}
				return faulty.None
			})
			e := usage.Event{ID: "1", UserID: "alice", DashboardID: "d-detroit", At: w.Clock.Now()}
			if _, err := w.usage.Take(t.Context(), w.Call("pbx"), []usage.Event{e}); err == nil {
				t.Fatal("the call was answered")
			}
			w.Env.Table = sound
			if r, err := again(w, e); err != nil || r.Duplicate != 1 {
				t.Fatalf("%+v, %v", r, err)
			}
			w.fold(t, w.Clock.Now())
			if s := w.summary(t, ""); s.Viewers != 1 {
				t.Errorf("%d viewers", s.Viewers)
			}
		})
	}
}

// overlap is how much later than it says something may be stored.
const overlap = time.Hour

// With a new day, what was recent of the one before goes into its leaves: a window reads one item a small day.
func TestADayThatIsOverIsOneItem(t *testing.T) {
	fixture := fixtures.New(t)
	w := worldOn(t, fixture)
	w.worked(t)
	for hour := range 30 {
		w.send(t, 1, 0, view(fmt.Sprint(hour), "alice", "d-detroit", w.Clock.Now()))
		w.fold(t, w.Clock.Now())
		w.Clock.Add(time.Hour)
	}
	chunks := func(date time.Time) int {
		page, err := w.Env.Table.Query(t.Context(), table.Query{
			Partition: "A#acme#ROLLUP#" + date.In(located("America/Detroit")).Format(time.DateOnly),
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Items)
	}
	if first, last := chunks(fixtures.Start), chunks(w.Clock.Now().Add(-time.Hour)); first != 1 || last < 2 {
		t.Errorf("the day that is over has %d chunks, the one that goes on %d", first, last)
	}
}

// A day on which no run took place has those who were monitored on it.
func TestDaysWithoutARun(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	w.fold(t, w.Clock.Now())
	w.Clock.Add(48 * time.Hour)
	w.queue(t, "detroit", "john", "sarah") // mike leaves two days later
	w.Clock.Add(8 * 24 * time.Hour)
	w.fold(t, w.Clock.Now())
	daily := w.summary(t, "").Daily
	for i, d := range daily[len(daily)-11:] {
		if want := int64(8 - i/3); i < 6 && d.MonitoredUsers != max(want, 7) || i >= 6 && d.MonitoredUsers != 7 {
			t.Errorf("day %d, %s: %d monitored", i, d.Date, d.MonitoredUsers)
		}
	}
}

// A past window keeps the licenses of its time.
func TestPurchasedOfAPastWindow(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 3)
	w.worked(t)
	w.fold(t, fixtures.Start)
	w.Clock.Set(fixtures.Start.Add(24 * time.Hour))
	w.buy(t, catalog.LiveReportsID, 7)
	w.fold(t, w.Clock.Now())
	past := w.summary(t, "?from=2026-07-01&to=2026-07-16")
	if past.TotalPurchased != 3 || past.OverageUsers != 5 || past.Daily[14].LicensesPurchased != 3 ||
		past.Daily[13].LicensesPurchased != 0 {
		t.Fatalf("the past: %+v", past)
	}
	now := w.summary(t, "")
	if now.TotalPurchased != 10 || now.OverageUsers != 0 || now.Daily[28].LicensesPurchased != 3 ||
		now.Daily[29].LicensesPurchased != 10 {
		t.Fatalf("now: %+v", now)
	}
}

func TestSummaryWindows(t *testing.T) {
	w := newWorld(t)
	for query, want := range map[string][2]string{
		"":                               {"2026-06-16", "2026-07-16"},
		"?from=2026-07-01":               {"2026-07-01", "2026-07-16"},
		"?from=2026-06-01":               {"2026-06-01", "2026-07-01"},
		"?to=2026-07-01":                 {"2026-06-01", "2026-07-01"},
		"?from=2026-07-14&to=2026-07-15": {"2026-07-14", "2026-07-15"},
		"?from=2025-07-15&to=2026-07-16": {"2025-07-15", "2026-07-16"},
	} {
		if s := w.summary(t, query); s.From != want[0] || s.To != want[1] {
			t.Errorf("%s: %s to %s, want %v", query, s.From, s.To, want)
		}
	}
	for query, field := range map[string]string{
		"?from=2026-07-15&to=2026-07-15": "to", "?from=2026-07-15&to=2026-07-14": "to",
		"?from=2025-07-14&to=2026-07-16": "from",
		"?from=yesterday":                "from", "?to=2026-02-30": "to", "?from=0001-01-01": "from",
		"?form=2026-01-01": "form",
	} {
		p := fixtures.Problem(t, w.Do(t, w.api, fixtures.Request{
			Method:      http.MethodGet,
			Path:        "/v1/accounts/acme/usage/summary" + query,
			User:        "ann",
			Permissions: []auth.Permission{auth.UsageRead},
		}), http.StatusUnprocessableEntity, "validation")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v, want the field %s", query, p.Errors, field)
		}
	}
}

// Why a viewer holds a license names the dashboard and the last view (requirements, section 6), to
// the hour.
func TestWhyOfAViewer(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 20)
	w.worked(t)
	now := fixtures.Start
	w.Clock.Set(now.Add(3 * time.Hour))
	w.send(
		t,
		3,
		0,
		view("1", "alice", "d-detroit", now),
		view("2", "alice", "d-belmont", now.Add(2*time.Hour)),
		view("3", "alice", "d-detroit", now.Add(2*time.Hour+time.Minute)),
	)
	w.send(t, 1, 0, view("4", "alice", "d-detroit", now.Add(-time.Hour))) // late
	why, err := inventory.NewService(catalog.Default()).Why(
		t.Context(), w.Call("ann"), "alice", catalog.LiveReportsID, w.directory,
	)
	if err != nil || len(why.Because) != 1 {
		t.Fatalf("%+v, %v", why, err)
	}
	if got := why.Because[0]; got.Grant != "view" || got.DashboardID != "d-belmont" || got.LastViewed == nil ||
		!got.LastViewed.Equal(now.Add(2*time.Hour)) {
		t.Errorf("because of %+v", got)
	}
}

// A window with a day that has not begun is refused (requirements, section 7), and which day it is
// the account's time zone says.
func TestWindowsInTheFuture(t *testing.T) {
	w := newWorld(t)
	ask := func(query string) fixtures.Response {
		return w.Do(t, w.api, fixtures.Request{
			Method:      http.MethodGet,
			Path:        "/v1/accounts/acme/usage/summary" + query,
			User:        "ann",
			Permissions: []auth.Permission{auth.UsageRead},
		})
	}
	for query, field := range map[string]string{
		"?from=2026-07-16": "from", "?from=2026-07-16&to=2026-07-20": "from", "?from=2026-07-01&to=2026-07-17": "to",
		"?to=2999-01-01": "to", "?from=2999-01-01": "from",
	} {
		p := fixtures.Problem(t, ask(query), http.StatusUnprocessableEntity, "window-in-future")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v, want the field %s", query, p.Errors, field)
		}
	}
	// At 03:00 in UTC it is still the 15th in New York.
	w.Clock.Set(time.Date(2026, 7, 16, 3, 0, 0, 0, time.UTC))
	fixtures.Problem(t, ask("?from=2026-07-16"), http.StatusUnprocessableEntity, "window-in-future")
	w.Clock.Set(time.Date(2026, 7, 16, 4, 0, 0, 0, time.UTC))
	if s := w.summary(t, "?from=2026-07-16"); s.To != "2026-07-17" || s.Timezone != "America/New_York" {
		t.Errorf("got %s to %s, in %s", s.From, s.To, s.Timezone)
	}
}

// The days of usage are those of the account's time zone, as it was when the billing period began
// (requirements, section 6).
func TestDaysAreTheAccounts(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	w.Clock.Set(at("2026-07-31T12:00:00Z"))
	// From 1 August on the account is in Tokyo, where that day begins when it ends in New York: at
	// 04:00 in UTC.
	c := w.Call("operator")
	_, err := account.NewService(w.Env, w.kernel).Put(t.Context(), c, account.Settings{
		Name:       "Acme",
		Brand:      "RingCentral",
		Currency:   "USD",
		Timezone:   "Asia/Tokyo",
		BillingDay: 1,
		Bundle:     account.Standard,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.buy(t, catalog.LiveReportsID, 20)
	w.Clock.Set(at("2026-08-02T16:00:00Z"))
	w.send(
		t,
		4,
		0,
		view(
			"1",
			"alice",
			"d-detroit",
			at("2026-08-01T03:59:59Z"),
		),
		view("2", "bob", "d-detroit", at("2026-08-01T04:00:00Z")),
		view(
			"3",
			"alice",
			"d-detroit",
			at("2026-08-01T14:59:59Z"),
		),
		view("4", "alice", "d-belmont", at("2026-08-01T15:00:00Z")),
	)
	w.fold(t, w.Clock.Now())
	got := map[string]int64{}
	s := w.summary(t, "?from=2026-07-30&to=2026-08-04")
	for _, d := range s.Daily {
		got[d.Date] = d.Viewers
	}
	want := map[string]int64{"2026-07-30": 0, "2026-07-31": 1, "2026-08-01": 2, "2026-08-02": 1, "2026-08-03": 0}
	if !maps.Equal(got, want) || s.Timezone != "Asia/Tokyo" {
		t.Errorf("viewers %v in %s, want %v", got, s.Timezone, want)
	}
	// What was bought at 12:00 on 31 July counts for that day in New York.
	if s.Daily[0].LicensesPurchased != 0 || s.Daily[1].LicensesPurchased != 20 {
		t.Errorf("purchased %d and %d", s.Daily[0].LicensesPurchased, s.Daily[1].LicensesPurchased)
	}
}

func TestWhoMayAsk(t *testing.T) {
	w := newWorld(t)
	body := map[string]any{"events": []any{view("1", "alice", "d-detroit", fixtures.Start)}}
	for _, r := range []fixtures.Request{
		{
			Method: http.MethodPost, Path: "/v1/accounts/acme/usage/views", Body: body,
			Permissions: []auth.Permission{auth.UsageRead},
		},
		{
			Method: http.MethodGet, Path: "/v1/accounts/acme/usage/summary",
			Permissions: []auth.Permission{auth.UsageWrite},
		},
	} {
		fixtures.Problem(t, w.Do(t, w.api, r), http.StatusUnauthorized, "unauthorized")
		r.User = "ann"
		fixtures.Problem(t, w.Do(t, w.api, r), http.StatusForbidden, "forbidden")
		r.Account = fixtures.Other
		fixtures.Problem(t, w.Do(t, w.api, r), http.StatusNotFound, "not-found")
	}
}

func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	for body, field := range map[string]string{
		`{"events":[{"id":"1","userId":"a","dashboardId":"d"}]}`:                           "events[0].at",
		`{"events":[{"id":"1","userId":"a","dashboardId":"d","at":"noon"}]}`:               "events[0].at",
		`{"events":[{"id":1,"userId":"a","dashboardId":"d","at":"2026-07-15T09:00:00Z"}]}`: "events[0].id",

		`{"events":[{"id":"1","userId":"a","dashboardId":"d","at":"2026-07-15T09:00:00Z","by":"x"}]}`: "events[0].by",
		`{"events":[]}`: "events",
		`{}`:            "events",
	} {
		p := fixtures.Problem(t, w.Do(t, w.api, fixtures.Request{
			Method:      http.MethodPost,
			Path:        "/v1/accounts/acme/usage/views",
			Body:        body,
			User:        "pbx",
			Permissions: []auth.Permission{auth.UsageWrite},
		}), http.StatusUnprocessableEntity, "validation")
		if !slices.ContainsFunc(
			p.Errors,
			func(f problem.Field) bool { return f.Field == field || strings.HasPrefix(field, f.Field) },
		) {
			t.Errorf("%s: %+v, want the field %s", body, p.Errors, field)
		}
	}
}
