package usage_test

import (
	"testing"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/table/faulty"
)

// A permission that goes in the very moment of the grant leaves no grant behind, whichever way it goes.
func TestPermissionThatGoesInTheMomentOfTheGrant(t *testing.T) {
	role := func(w *world, permissions ...string) error {
		_, _, _, err := w.directory.PutRole(t.Context(), w.Call("ann"), directory.Role{ID: "supervisor", Name: "Supervisor", Permissions: permissions})
		return err
	}
	alice := func(w *world, u directory.User) error {
		u.ID, u.Name = "alice", "Alice"
		_, _, _, err := w.directory.PutUser(t.Context(), w.Call("ann"), u)
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
			if err := w.directory.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := w.usage.FinishGrants(t.Context()); err != nil {
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
