package directory

import (
	"context"
	"testing"

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
			if err := f.s.Resume(t.Context()); err != nil {
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
