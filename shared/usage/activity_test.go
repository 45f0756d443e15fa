package usage_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

func used(id, user, product string, at time.Time) map[string]any {
	return map[string]any{"id": id, "userId": user, "productId": product, "at": at.Format(time.RFC3339Nano)}
}

func (w *world) tell(t *testing.T, events ...map[string]any) usage.ReceiptBody {
	t.Helper()
	return fixtures.Decode[usage.ReceiptBody](t, w.Do(t, w.api, fixtures.Request{
		Method:      http.MethodPost,
		Path:        "/v1/accounts/" + w.Account + "/usage/activity",
		Body:        map[string]any{"events": events},
		User:        "pbx",
		Permissions: []auth.Permission{auth.UsageWrite},
	}), http.StatusAccepted)
}

// lastUse is what is known of the use of a seat.
func (w *world) lastUse(t *testing.T, user, product string) usage.LastUse {
	t.Helper()
	seat := usage.Seat{UserID: user, ProductID: product}
	found, err := w.Env.Table.Lookup(t.Context(), w.usage.UseKeys(w.Account, seat)...)
	if err != nil {
		t.Fatal(err)
	}
	last, err := w.usage.UseOf(found, w.Account, seat)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.usage.Uses(t.Context(), w.Call("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if listed := all.Of(seat); listed != last {
		t.Fatalf("%s used %s: %+v by its items, %+v by all of the account", user, product, last, listed)
	}
	return last
}

func TestActivityIsJudgedOneByOne(t *testing.T) {
	w := newWorld(t)
	w.people(t, "", "eve", "bob")
	if _, err := w.directory.PutUser(t.Context(), w.Call("ann"), directory.User{ID: "gone", Name: "Gone"}); err != nil {
		t.Fatal(err)
	}
	now := fixtures.Start
	got := w.tell(t,
		used("1", "eve", "phone-system", now),
		used("1", "bob", "phone-system", now), // of one call too an id counts once
		used("2", "nobody", "phone-system", now),
		used("3", "eve", "no-product", now),
		used("4", "gone", "phone-system", now),
		used("5", "eve", "phone-system", now.Add(-48*time.Hour-time.Second)),
		used("6", "eve", "phone-system", now.Add(6*time.Minute)),
		used("7", "eve", "phone-system", now.Add(-48*time.Hour)),
		used("a b", "eve", "phone-system", now),
		used("8", "a#b", "phone-system", now),
	)
	var rejected []string
	for _, r := range got.Rejected {
		rejected = append(rejected, r.ID+" "+r.Problem.Type[len("urn:seatwise:problem:"):])
	}
	want := []string{
		"2 not-found",
		"3 validation",
		"4 user-inactive",
		"5 validation",
		"6 validation",
		"a b validation",
		"8 not-found",
	}
	if got.Accepted != 2 || got.Duplicate != 1 || !slices.Equal(rejected, want) {
		t.Fatalf("%d accepted, %d duplicate, rejected %q; want 2, 1, %q", got.Accepted, got.Duplicate, rejected, want)
	}
	// What counted once counts no more for 32 days, whatever it says now; then its id is free.
	w.Clock.Set(now.Add(32 * 24 * time.Hour))
	if got := w.tell(t, used("1", "bob", "developer", now)); got.Duplicate != 1 {
		t.Fatalf("after 32 days: %+v", got)
	}
	w.Clock.Set(now.Add(35 * 24 * time.Hour))
	if got := w.tell(t, used("1", "bob", "developer", w.Clock.Now())); got.Accepted != 1 {
		t.Fatalf("after 35 days: %+v", got)
	}
}

// The last use is kept at no more than one write a day for each user and product, and late events
// never set it back.
func TestLastUseIsWrittenOnceADay(t *testing.T) {
	fixture := fixtures.New(t)
	store := &counting{Store: fixture.Env.Table}
	fixture.Env.Table = store
	w := worldOn(t, fixture)
	w.people(t, "", "eve", "bob")
	now := fixtures.Start
	w.tell(t, used("0", "bob", "developer", now)) // the product is told of from now on
	tell := func(what string, writes int, events ...map[string]any) {
		t.Helper()
		store.operations = 0
		if got := w.tell(t, events...); got.Accepted != len(events) {
			t.Fatalf("%s: %+v", what, got)
		}
		if got := store.operations - len(events); got != writes {
			t.Errorf("%s: %d writes beside the events, want %d", what, got, writes)
		}
	}
	tell(
		"the first of a day",
		1,
		used("1", "eve", "developer", now),
		used("2", "eve", "developer", now.Add(time.Minute)),
	)
	tell("more on the day", 0, used("3", "eve", "developer", now.Add(2*time.Minute)))
	tell("late ones", 0, used("4", "eve", "developer", now.Add(-40*time.Hour)))
	w.Clock.Add(24 * time.Hour)
	next := now.Add(24 * time.Hour)
	tell("the next day", 1, used("5", "eve", "developer", next))
	tell("the day before, beside today", 0, used("6", "eve", "developer", now), used("7", "eve", "developer", next))
	if got := w.lastUse(t, "eve", "developer"); !got.At.Equal(next) || got.Monitored {
		t.Errorf("the last use: %+v, want %s", got, next)
	}
	if got := w.lastUse(t, "eve", "phone-system"); !got.At.IsZero() {
		t.Errorf("the use of another product: %+v", got)
	}
	// More than fit into one commit, of one user.
	var events []map[string]any
	for i := range 120 {
		events = append(events, used(fmt.Sprint("n", i), "bob", "call-group", next))
	}
	if got := w.tell(t, events...); got.Accepted != 120 {
		t.Fatalf("120 uses: %+v", got)
	}
}

// Two callers tell of the same user at the same time: both count, and the later use stays.
func TestActivityBesideOthers(t *testing.T) {
	w := newWorld(t)
	w.people(t, "", "eve")
	now := fixtures.Start
	sound := w.Env.Table
	w.Env.Table = &besides{Store: sound, do: func() {
		w.Env.Table = sound
		w.tell(t, used("1", "eve", "developer", now), used("2", "eve", "developer", now))
	}}
	got := w.tell(t, used("2", "eve", "developer", now.Add(-24*time.Hour)), used("3", "eve", "developer", now))
	if got.Accepted != 1 || got.Duplicate != 1 {
		t.Errorf("%+v, want one accepted and one duplicate", got)
	}
	if got := w.lastUse(t, "eve", "developer"); !got.At.Equal(now) {
		t.Errorf("the last use: %s, want %s", got.At, now)
	}
}

// besides does something right before the first commit of events.
type besides struct {
	table.Store
	do func()
}

func (b *besides) Commit(ctx context.Context, ops []table.Operation) error {
	if do := b.do; do != nil && strings.Contains(ops[0].Item.Partition, "#ACTIVITY#") {
		b.do = nil
		do()
	}
	return b.Store.Commit(ctx, ops)
}

// Live Reports know their own use: views, also of who is forgotten as a viewer, and who is a
// monitored agent.
func TestUseOfLiveReports(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 10)
	w.worked(t)
	now := fixtures.Start
	w.send(t, 1, 0, view("1", "alice", "d-detroit", now))
	for _, product := range []string{catalog.LiveReportsID, catalog.CallQueueBoosterID} {
		if got := w.lastUse(t, "alice", product); !got.At.Equal(now) || got.Monitored {
			t.Errorf("the viewer's use of %s: %+v", product, got)
		}
		if got := w.lastUse(t, "john", product); !got.Monitored {
			t.Errorf("the agent's use of %s: %+v", product, got)
		}
	}
	w.Clock.Add(time.Hour)
	w.queue(t, "detroit", "sarah", "mike")
	if got := w.lastUse(t, "john", catalog.LiveReportsID); got.Monitored || !got.At.Equal(w.Clock.Now()) {
		t.Errorf("the use of who left the queue: %+v", got)
	}
	w.Clock.Add(31 * 24 * time.Hour)
	w.fold(t, w.Clock.Now()) // the viewer's grant ends
	if got := w.grants(t, "alice"); len(got) != 0 {
		t.Fatalf("the viewer still has %q", got)
	}
	if got := w.lastUse(t, "alice", catalog.LiveReportsID); !got.At.Equal(now) {
		t.Errorf("the use of a viewer whose grant ended: %+v, want %s", got, now)
	}
}
