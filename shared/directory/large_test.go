package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/parts"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// crowd makes users the way that PutUser leaves them, without a request for each.
func (f *fixture) crowd(t testing.TB, n int, roles ...string) []string {
	t.Helper()
	users := make([]string, n)
	var ops []table.Operation
	put := func(key table.Key, v any) {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.IfAbsent))
	}
	for i := range users {
		id := fmt.Sprintf("member%05d", i)
		users[i] = id
		put(access.UserKey(f.Account, id), profile{ID: id, Name: id, RoleIDs: roles, Active: true})
		put(license.HolderKey(f.Account, id), license.Holder{UserID: id, Name: id, Active: true})
		for _, role := range roles {
			put(roleUserKey(f.Account, role, id), struct{}{})
		}
	}
	for batch := range slices.Chunk(ops, call.MaxOperations) {
		if err := f.Env.Table.Commit(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return users
}

// counter counts what reaches the store.
type counter struct {
	table.Store
	reads, commits int
}

func (s *counter) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	s.reads++
	return s.Store.Lookup(ctx, keys...)
}

func (s *counter) Commit(ctx context.Context, ops []table.Operation) error {
	s.commits++
	return s.Store.Commit(ctx, ops)
}

func (f *fixture) markers(t testing.TB, of call.Markers) (n int) {
	t.Helper()
	err := of.Of(t.Context(), f.Env.Table, f.Account, "", func(call.Marker) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A queue of thousands changes as a job: a crash in the middle leaves what is done, the next run does
// the rest and none of it twice, and the one after nothing.
func TestQueueOfThousandsGoesOnAfterACrash(t *testing.T) {
	members := parts.Sized(2_000, 10_000)
	seats, crash := members-10, members*9/100
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, seats)
	users := f.crowd(t, members)
	f.queue(t, "q", users...)
	sound := f.Env.Table
	f.Env.Table = faulty.New(sound, faulty.AtCommit(crash, faulty.CrashAfter))
	if _, err := f.s.PutDashboard(
		t.Context(),
		f.Call("admin"),
		Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q"}},
	); err == nil {
		t.Fatal("a crash went unnoticed")
	}
	f.Env.Table = sound
	done := f.summary(t, catalog.LiveReportsID).Assigned
	if done < int64(members/4) || done > int64(members*3/4) {
		t.Fatalf("%d granted when it crashed", done)
	}
	if q, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q"); err != nil || !q.Settling {
		t.Fatalf("settling %v, %v", q.Settling, err)
	}
	resume := func() *counter {
		t.Helper()
		counted := &counter{Store: sound}
		f.Env.Table = counted
		if err := f.s.Resume(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		f.Env.Table = sound
		return counted
	}
	// 6 users a commit, and now and then one more that looks at the waiting list.
	if c, most := resume(), (members-int(done))/reconcileBatch*11/10+20; c.commits > most {
		t.Errorf("%d commits for the %d users that were left, at most %d expected", c.commits, members-int(done), most)
	}
	if got := f.summary(t, catalog.LiveReportsID); got.Assigned != int64(seats) || got.Waiting != int64(members-seats) {
		t.Fatalf("in the end %+v", got)
	}
	if n := f.markers(t, queueMarkers); n != 0 {
		t.Fatalf("%d markers are left", n)
	}
	if q, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q"); err != nil || q.Settling {
		t.Fatalf("settling %v, %v", q.Settling, err)
	}
	if err := f.Env.Table.Commit(
		t.Context(),
		[]table.Operation{marker(f.Call("admin"), queueMarkers, "q")},
	); err != nil {
		t.Fatal(err)
	}
	if c := resume(); c.commits != 1 || c.reads > members/(table.MaxKeysPerLookup/2)+5 {
		t.Errorf("%d commits and %d reads where nothing was to do but to delete the marker", c.commits, c.reads)
	}
}

// stalling stops answering from a commit on, until the caller gives up.
type stalling struct {
	table.Store
	from, commits int
}

func (s *stalling) Commit(ctx context.Context, ops []table.Operation) error {
	if s.commits++; s.commits < s.from {
		return s.Store.Commit(ctx, ops)
	}
	<-ctx.Done()
	return ctx.Err()
}

// A request answers within its time; what is left of its change is done by maintenance.
func TestRequestLeavesTheRestToMaintenance(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 100)
	role := Role{ID: "r", Name: "R"}
	if _, err := f.s.PutRole(t.Context(), f.Call("admin"), role); err != nil {
		t.Fatal(err)
	}
	users := f.crowd(t, 60, "r")
	sound := f.Env.Table
	hurried := func(change func(ctx context.Context)) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), call.Answering+50*time.Millisecond)
		defer cancel()
		f.Env.Table = &stalling{Store: sound, from: 4}
		change(ctx)
		f.Env.Table = sound
		if ctx.Err() != nil {
			t.Fatal("the request ran past its time")
		}
	}
	f.queue(t, "q", users...)
	hurried(func(ctx context.Context) {
		made, err := f.s.PutDashboard(
			ctx,
			f.Call("admin"),
			Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q"}},
		)
		d := made.Value
		if err != nil || !made.Created || !d.Settling || d.Grants.Granted == 0 || d.Grants.Granted == 60 {
			t.Fatalf("%+v, %v", d, err)
		}
	})
	hurried(func(ctx context.Context) {
		role.Licenses = []string{"essential-user"}
		if _, err := f.s.PutRole(ctx, f.Call("admin"), role); err != nil {
			t.Fatal(err)
		}
	})
	if n := f.summary(t, "essential-user").Assigned; n == 0 || n == 60 {
		t.Fatalf("%d users have what the role carries", n)
	}
	if err := f.s.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, product := range []string{catalog.LiveReportsID, "essential-user"} {
		if n := f.summary(t, product).Assigned; n != 60 {
			t.Errorf("%d of 60 users hold %s", n, product)
		}
	}
	if n := f.markers(t, queueMarkers) + f.markers(t, roleMarkers); n != 0 {
		t.Errorf("%d markers are left", n)
	}
}

// Failure for one user never stops the others (requirements, section 6), and is told until it is
// mended.
func TestOneUserWhoFailsStopsNobody(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 20)
	if _, err := f.s.PutRole(t.Context(), f.Call("admin"), Role{ID: "r", Name: "R"}); err != nil {
		t.Fatal(err)
	}
	users := f.crowd(t, 15, "r")
	bad := license.HolderKey(f.Account, users[7])
	sound, _, err := table.Get(t.Context(), f.Env.Table, bad)
	if err != nil {
		t.Fatal(err)
	}
	write := func(data string) {
		t.Helper()
		if err := f.Env.Table.Commit(
			t.Context(),
			[]table.Operation{table.Put(table.Item{Key: bad, Data: []byte(data)}, table.Always)},
		); err != nil {
			t.Fatal(err)
		}
	}
	f.queue(t, "q", users...)
	write(`{"userId": 5}`)
	if _, err = f.s.PutDashboard(
		t.Context(),
		f.Call("admin"),
		Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q"}},
	); err == nil ||
		!strings.Contains(err.Error(), users[7]) {
		t.Fatalf("a failure went unnoticed: %v", err)
	}
	if _, err = f.s.PutRole(
		t.Context(),
		f.Call("admin"),
		Role{ID: "r", Name: "R", Licenses: []string{"essential-user"}},
	); err == nil {
		t.Fatal("a failure went unnoticed")
	}
	for _, product := range []string{catalog.LiveReportsID, "essential-user"} {
		if n := f.summary(t, product).Assigned; n != 14 {
			t.Errorf("%d of 14 users hold %s", n, product)
		}
	}
	write(string(sound.Data))
	if err := f.s.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, product := range []string{catalog.LiveReportsID, "essential-user"} {
		if n := f.summary(t, product).Assigned; n != 15 {
			t.Errorf("%d of 15 users hold %s", n, product)
		}
	}
}

// However late the grants follow, a membership counts from its change on, and what ends and begins
// again on one day is one span.
func TestMembershipsCountFromTheirChange(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 5)
	f.user(t, "ann")
	f.queue(t, "q", "ann")
	began := f.Clock.Now()
	sound := f.Env.Table
	f.Env.Table = faulty.New(sound, faulty.AtCommit(2, faulty.CrashBefore))
	if _, err := f.s.PutDashboard(
		t.Context(),
		f.Call("admin"),
		Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q"}},
	); err == nil {
		t.Fatal("a crash went unnoticed")
	}
	f.Env.Table = sound
	f.Clock.Add(36 * time.Hour)
	if err := f.s.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		f.Clock.Add(time.Minute)
		f.dashboard(t, "d")
		f.Clock.Add(time.Minute)
		f.dashboard(t, "d", "q")
	}
	var got Monitored
	c := call.ForEvent(f.Env, f.Account, "test", "test", f.Clock.Now())
	if err := f.s.MonitoredUsers(t.Context(), c, began, func(m Monitored) error { got = m; return nil }); err != nil {
		t.Fatal(err)
	}
	if spans := got.Queues["q"]; len(spans) != 1 || !spans[0].From.Equal(began) || !spans[0].To.IsZero() {
		t.Fatalf("spans %+v, want one since %s", spans, began)
	}
	queues, err := f.s.Queues(t.Context(), c, []string{"q"})
	if spans := queues["q"].Shown["d"]; err != nil || len(spans) != 1 || !spans[0].From.Equal(began) {
		t.Fatalf("shown %+v, %v", spans, err)
	}
}

// Queues and dashboards are found by the beginning of their names, page by page, also after a
// change of name and not after their end.
func TestSearchOfQueuesAndDashboards(t *testing.T) {
	f := newFixture(t)
	c := f.Call("admin")
	for _, id := range []string{"north", "south", "sales", "East", "gone"} {
		if _, err := f.s.PutQueue(t.Context(), f.Call("admin"), id, "Sales "+id, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := f.s.PutDashboard(
			t.Context(),
			f.Call("admin"),
			Dashboard{ID: id, Name: "SALES " + id, QueueIDs: []string{id}},
		); err != nil {
			t.Fatal(err)
		}
	}
	f.queue(t, "south")                                                           // called "Queue south" now
	if err := f.s.DeleteQueue(t.Context(), f.Call("admin"), "gone"); err != nil { // changes the dashboard too
		t.Fatal(err)
	}
	if err := f.s.DeleteDashboard(t.Context(), f.Call("admin"), "north"); err != nil {
		t.Fatal(err)
	}
	pages := func(list func(after string) (ids []string, next string, err error)) []string {
		t.Helper()
		var all []string
		for after := ""; ; {
			ids, next, err := list(after)
			if err != nil || len(ids) > 2 {
				t.Fatalf("page %v, %v", ids, err)
			}
			all = append(all, ids...)
			if after = next; next == "" {
				return all
			}
		}
	}
	for q, want := range map[string][]string{
		"": {"East", "north", "sales", "south"}, "sALEs": {"East", "north", "sales"}, "sales s": {"sales"}, "x": nil,
	} {
		got := pages(func(after string) (ids []string, next string, err error) {
			queues, next, err := f.s.ListQueues(t.Context(), c, q, after, 2)
			for _, queue := range queues {
				ids = append(ids, queue.ID)
			}
			return ids, next, err
		})
		if !slices.Equal(got, want) {
			t.Errorf("queues %q: %v, want %v", q, got, want)
		}
	}
	for q, want := range map[string][]string{
		"": {"East", "gone", "sales", "south"}, "sales": {"East", "gone", "sales", "south"}, "Sales so": {"south"},
	} {
		got := pages(func(after string) (ids []string, next string, err error) {
			dashboards, next, err := f.s.ListDashboards(t.Context(), c, q, after, 2)
			for _, d := range dashboards {
				ids = append(ids, d.ID)
			}
			return ids, next, err
		})
		if !slices.Equal(got, want) {
			t.Errorf("dashboards %q: %v, want %v", q, got, want)
		}
	}
}

// A page of queues stays small enough to be answered, however many members they have.
func TestPageOfLargeQueuesEndsEarly(t *testing.T) {
	f := newFixture(t)
	users := make([]string, MaxMembers)
	for i := range users {
		users[i] = fmt.Sprintf("member%05d", i)
	}
	for i := range 20 {
		now := &loadedQueue{queueItem: queueItem{ID: fmt.Sprintf("q%02d", i), Name: "Q"}, members: users}
		ops, err := queueOperations(f.Call("admin"), &loadedQueue{}, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Env.Table.Commit(t.Context(), ops); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for after := ""; ; {
		queues, next, err := f.s.ListQueues(t.Context(), f.Call("admin"), "", after, 50)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(queues)
		if err != nil || len(data) > 4<<20 {
			t.Fatalf("a page of %d bytes, %v", len(data), err)
		}
		n += len(queues)
		if after = next; next == "" {
			break
		}
	}
	if n != 20 {
		t.Fatalf("%d queues listed of 20", n)
	}
}
