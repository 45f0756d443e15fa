package usage_test

import (
	"context"
	"testing"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/usage"
)

// A permission that goes in the very moment of the grant leaves no grant behind, whichever way it
// goes.
func TestPermissionThatGoesInTheMomentOfTheGrant(t *testing.T) {
	role := func(w *world, permissions ...string) error {
		_, err := w.directory.PutRole(
			t.Context(),
			w.Call("ann"),
			directory.Role{ID: "supervisor", Name: "Supervisor", Permissions: permissions},
		)
		return err
	}
	alice := func(w *world, u directory.User) error {
		u.ID, u.Name = "alice", "Alice"
		_, err := w.directory.PutUser(t.Context(), w.Call("ann"), u)
		return err
	}
	tests := map[string]func(w *world) error{
		"the role is taken from the user":       func(w *world) error { return alice(w, directory.User{Active: true}) },
		"the permission is taken from the role": func(w *world) error { return role(w) },
		"the user is deactivated":               func(w *world) error { return alice(w, directory.User{RoleIDs: []string{"supervisor"}}) },
		"the user is deleted":                   func(w *world) error { return w.directory.DeleteUser(t.Context(), w.Call("ann"), "alice") },
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.buy(t, catalog.LiveReportsID, 20)
			w.worked(t)
			before := w.live(t)
			sound, acted := w.Env.Table, false
			var broken *faulty.Store
			broken = faulty.New(sound, func(c faulty.Call) faulty.Fault {
				grants := false
				for _, op := range c.Ops {
					grants = grants || op.Item.Key == license.HolderKey(w.Account, "alice")
				}
				if grants && !acted {
					acted = true
					w.Env.Table = sound
					if err := act(w); err != nil {
						t.Error(err)
					}
					w.Env.Table = broken
				}
				return faulty.None
			})
			w.Env.Table = broken
			w.send(t, 1, 0, view("1", "alice", "d-detroit", w.Clock.Now()))
			w.Env.Table = sound
			if !acted {
				t.Fatal("nothing was granted")
			}
			if err := w.directory.Resume(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if err := w.usage.FinishGrants(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if after := w.live(t); after != before {
				t.Fatalf("%+v, and before %+v", after, before)
			}
			if name != "the user is deleted" && len(w.grants(t, "alice")) != 0 {
				t.Fatalf("alice has %v", w.grants(t, "alice"))
			}
		})
	}
}

// stalling does not answer a commit that changes this item until the caller gives up.
type stalling struct {
	table.Store
	key table.Key
}

func (s *stalling) Commit(ctx context.Context, ops []table.Operation) error {
	for _, op := range ops {
		if op.Item.Key == s.key {
			<-ctx.Done()
			return ctx.Err()
		}
	}
	return s.Store.Commit(ctx, ops)
}

// Grants that take too long do not keep the answer: the views count, and the grants follow.
func TestGrantsThatTakeTooLongAreLeft(t *testing.T) {
	w := newWorld(t)
	w.buy(t, catalog.LiveReportsID, 20)
	w.worked(t)
	before := w.live(t).Assigned
	sound := w.Env.Table
	w.Env.Table = &stalling{sound, license.HolderKey(w.Account, "alice")}
	ctx, cancel := context.WithTimeout(t.Context(), call.Answering+50*time.Millisecond)
	defer cancel()
	got, err := w.usage.Take(ctx, w.Call("pbx"), []usage.Event{
		{
			ID:          "1",
			UserID:      "alice",
			DashboardID: "d-detroit",
			At:          w.Clock.Now(),
		},
		{ID: "2", UserID: "bob", DashboardID: "d-belmont", At: w.Clock.Now()},
	})
	w.Env.Table = sound
	if err != nil || got.Accepted != 2 || ctx.Err() != nil {
		t.Fatalf("%+v, %v, %v", got, err, ctx.Err())
	}
	if err := w.usage.FinishGrants(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if n := w.live(t).Assigned - before; n != 2 {
		t.Fatalf("%d were granted in the end", n)
	}
}
