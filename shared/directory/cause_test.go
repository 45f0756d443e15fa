package directory

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"

	"seatwise/shared/audit"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// entries are the audit entries of an action in the account.
func (f *fixture) entries(t *testing.T, action string) []call.AuditRecord {
	t.Helper()
	var found []call.AuditRecord
	query := table.Query{Index: table.Index1, Partition: f.Call("admin").Partition("AUDIT")}
	err := table.All(t.Context(), f.Env.Table, query, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		if err == nil && r.Action == action {
			found = append(found, r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What a dashboard takes from the members of its queues leads to who took the queue off, also when
// maintenance does it after a crash (requirements, section 4).
func TestSeatsThatADashboardTakesLeadToWhoChangedIt(t *testing.T) {
	for _, later := range []bool{false, true} {
		f := newFixture(t)
		f.buy(t, "live-reports", 2)
		f.user(t, "emma")
		f.user(t, "david")
		f.queue(t, "belmont", "emma", "david")
		f.dashboard(t, "d1", "belmont")
		c := f.Call("ada")
		ctx, whole := t.Context(), f.Env.Table
		if later { // the request's time is over before the work that its commit leaves
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			f.Env.Table = cutShort{f.Env.Table, cancel}
		}
		_, err := f.s.PutDashboard(ctx, c, Dashboard{ID: "d1", Name: "Dashboard d1", QueueIDs: []string{}})
		if err != nil && !later {
			t.Fatal(err)
		}
		if later {
			f.Env.Table = whole
			if got := f.entries(t, "license.unassigned"); len(got) != 0 {
				t.Fatalf("%d entries before maintenance", len(got))
			}
			if err := f.s.Resume(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
		}
		got := f.entries(t, "license.unassigned")
		if len(got) != 2 {
			t.Fatalf("later %v: %d licenses were unassigned, want 2", later, len(got))
		}
		for _, r := range got {
			if r.Cause == nil || *r.Cause != (call.Cause{Actor: "ada", RequestID: c.RequestID}) {
				t.Errorf(
					"later %v: the entry of %s has the cause %+v, want ada's request %s",
					later,
					r.User,
					r.Cause,
					c.RequestID,
				)
			}
			if r.Reason != "queue:belmont" {
				t.Errorf("later %v: the reason is %q", later, r.Reason)
			}
		}
	}
}

// cutShort ends the request's context with its first commit.
type cutShort struct {
	table.Store
	cancel context.CancelFunc
}

func (s cutShort) Commit(ctx context.Context, ops []table.Operation) error {
	err := s.Store.Commit(ctx, ops)
	s.cancel()
	return err
}

// ending is how a waiting ends.
type ending struct {
	name string
	// end frees or brings one seat, and returns the call that does.
	end func(t *testing.T, f *fixture) *call.Call
	// actor and cause are what the entry of the seat names; cause is empty for none.
	actor, cause string
}

// A seat that ends a waiting leads to who began it, whoever frees the seat (requirements, section 4).
func TestSeatThatEndsAWaitingLeadsToWhoBeganIt(t *testing.T) {
	deliver := func(ctx context.Context, f *fixture, c *call.Call) error {
		lots := []license.Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 1}}
		return f.kernel.Deliver(ctx, c, license.Delivery{OrderID: uuid.NewString(), Lots: lots})
	}
	leaves := func(t *testing.T, f *fixture, c *call.Call) *call.Call {
		t.Helper()
		if err := f.s.DeleteUser(t.Context(), c, "david"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	buys := func(t *testing.T, f *fixture) *call.Call {
		t.Helper()
		c := f.Call("bob")
		if err := deliver(t.Context(), f, c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, e := range []ending{
		{"bob buys a seat", buys, "bob", "ada"},
		{"bob deletes who has the seat", func(t *testing.T, f *fixture) *call.Call {
			t.Helper()
			return leaves(t, f, f.Call("bob"))
		}, "bob", "ada"},
		{"ada does, by a later request", func(t *testing.T, f *fixture) *call.Call {
			t.Helper()
			return leaves(t, f, f.Call("ada"))
		}, "ada", "ada"},
		{"maintenance does what carol began", func(t *testing.T, f *fixture) *call.Call {
			t.Helper()
			return leaves(t, f, f.Call("maintenance").Because(call.Cause{Actor: "carol", RequestID: "r"}))
		}, "maintenance", "carol"},
		{"the minute run finds a seat", func(t *testing.T, f *fixture) *call.Call {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			whole := f.Env.Table
			f.Env.Table = cutShort{whole, cancel} // bought, and nobody is served
			if err := deliver(ctx, f, f.Call("bob")); err != nil {
				t.Fatal(err)
			}
			f.Env.Table = whole
			if got := f.state(t, "emma", "live-reports"); got != license.Waits {
				t.Fatalf("emma %s before the minute run", got)
			}
			if err := f.kernel.DrainWaiting(t.Context(), f.Env, ""); err != nil {
				t.Fatal(err)
			}
			return nil
		}, "maintenance", "ada"},
		{"bob buys for a waiting of before", func(t *testing.T, f *fixture) *call.Call {
			t.Helper()
			f.forgetWhoBegan(t)
			return buys(t, f)
		}, "bob", ""},
	} {
		t.Run(e.name, func(t *testing.T) {
			f := newFixture(t)
			f.buy(t, "live-reports", 1)
			f.user(t, "david")
			f.user(t, "emma")
			f.queue(t, "q1", "david")
			f.dashboard(t, "d1", "q1")
			f.queue(t, "q2", "emma")
			began := f.Call("ada")
			_, err := f.s.PutDashboard(t.Context(), began, Dashboard{ID: "d2", Name: "D2", QueueIDs: []string{"q2"}})
			if err != nil {
				t.Fatal(err)
			}
			if got := f.state(t, "emma", "live-reports"); got != license.Waits {
				t.Fatalf("emma %s at first", got)
			}
			by := e.end(t, f)
			seats := slices.DeleteFunc(f.entries(t, "license.assigned"), func(r call.AuditRecord) bool {
				return r.User != "emma"
			})
			if len(seats) != 1 {
				t.Fatalf("%d seats were assigned to emma, want 1", len(seats))
			}
			seat := seats[0]
			if seat.Actor != e.actor || by != nil && seat.RequestID != by.RequestID {
				t.Errorf("the entry names %s and request %s", seat.Actor, seat.RequestID)
			}
			switch {
			case e.cause == "" && seat.Cause != nil,
				e.cause != "" && (seat.Cause == nil || seat.Cause.Actor != e.cause):
				t.Errorf("the entry has the cause %+v, want %q", seat.Cause, e.cause)
			case e.cause == "ada" && seat.Cause.RequestID != began.RequestID:
				t.Errorf("the cause is request %s, want the dashboard's %s", seat.Cause.RequestID, began.RequestID)
			}
			people := []string{e.cause}
			if e.actor == "bob" || e.cause == "ada" {
				people = append(people, e.actor)
			}
			for _, person := range people {
				if person != "" && f.found(t, person, seat.ID) != 1 {
					t.Errorf("the entry is found %d times by %s, want once", f.found(t, person, seat.ID), person)
				}
			}
		})
	}
}

// found is how often the audit log, asked for what somebody did or began, has an entry.
func (f *fixture) found(t *testing.T, actor, id string) int {
	t.Helper()
	list, _, err := audit.NewService(f.Env).List(t.Context(), f.Call("admin"), audit.Filter{Actor: actor}, "", 200)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range list {
		if r.ID == id {
			n++
		}
	}
	return n
}

// forgetWhoBegan leaves the waiting lists as they were kept before they said who began the waiting.
func (f *fixture) forgetWhoBegan(t *testing.T) {
	t.Helper()
	query := table.Query{Partition: call.Partition(f.Account, "WAITING")}
	err := table.All(t.Context(), f.Env.Table, query, func(item table.Item) error {
		var entry map[string]any
		if err := json.Unmarshal(item.Data, &entry); err != nil {
			return err
		}
		if _, there := entry["cause"]; !there {
			t.Error("the stored waiting says nothing of who began it")
		}
		delete(entry, "cause")
		var err error
		if item.Data, err = json.Marshal(entry); err != nil {
			return err
		}
		put := table.Put(item, table.IfVersion(item.Version))
		return f.Env.Table.Commit(t.Context(), []table.Operation{put})
	})
	if err != nil {
		t.Fatal(err)
	}
}
