package metrics_test

import (
	"fmt"
	"net/http"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/directory"
	"seatwise/shared/metrics"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/wallboard"
)

// atCall runs act just before the n-th call to the table that change makes, as another caller would
// in that moment. It says whether there was such a call.
func (o *office) atCall(n int, act, change func()) bool {
	sound, acted := o.Env.Table, false
	var watched *faulty.Store
	watched = faulty.New(sound, func(c faulty.Call) faulty.Fault {
		if c.Number == n {
			acted = true
			o.Env.Table = sound
			act()
			o.Env.Table = watched
		}
		return faulty.None
	})
	o.Env.Table = watched
	change()
	o.Env.Table = sound
	return acted
}

// boards are the wallboards that the list shows, by id, with their users.
func (o *office) boards(t *testing.T) map[string]string {
	t.Helper()
	r := o.do(t, http.MethodGet, "/wallboards?limit=200", nil)
	of := map[string]string{}
	for _, w := range fixtures.Decode[api.List[metrics.Wallboard]](t, r, http.StatusOK).Items {
		of[w.ID] = w.UserID
	}
	return of
}

// No wallboard outlives its user: a registration comes before each call that the leaving makes to
// the table, and the leaving before each call of the registration (requirements, sections 6 and 8).
func TestNoWallboardOutlivesItsUser(t *testing.T) {
	goes := map[string]func(t *testing.T, o *office){
		"deactivated": func(t *testing.T, o *office) { t.Helper(); o.user(t, directory.User{ID: "ann"}) },
		"deleted": func(t *testing.T, o *office) {
			t.Helper()
			if err := o.directory.DeleteUser(t.Context(), o.Call("bea"), "ann"); err != nil {
				t.Fatal(err)
			}
		},
	}
	// whose is the user who had the wallboard before; empty for one that is new.
	for _, whose := range []string{"", "ann", "bea"} {
		for how, leaves := range goes {
			for _, first := range []string{"registration", "leaving"} {
				t.Run(fmt.Sprintf("%s of %q while ann is %s", first, whose, how), func(t *testing.T) {
					statuses := map[int]bool{}
					for n := 1; ; n++ {
						o := newOffice(t)
						for _, id := range []string{"ann", "bea"} {
							o.user(t, directory.User{ID: id, Active: true})
						}
						if whose != "" {
							o.register(t, "w1", whose)
						}
						register := func() {
							body := board("ann")
							body["name"] = "Entrance"
							statuses[o.do(t, http.MethodPut, "/wallboards/w1", body).Status] = true
						}
						leave := func() { leaves(t, o) }
						act, change := leave, register
						if first == "leaving" {
							act, change = register, leave
						}
						if !o.atCall(n, act, change) {
							break
						}
						o.wantNoneOf(t, "ann", n)
					}
					for status := range statuses {
						if status >= http.StatusInternalServerError {
							t.Errorf("a registration was answered %d", status)
						}
					}
					if len(statuses) < 2 && first == "registration" {
						t.Errorf("registrations were only answered %v: none met the leaving", statuses)
					}
				})
			}
		}
	}
}

// wantNoneOf demands that a user who has left has no wallboard: not in the list, the counts or the
// table, nor when they are back.
func (o *office) wantNoneOf(t *testing.T, user string, n int) {
	t.Helper()
	look := func(when string) {
		t.Helper()
		list := o.boards(t)
		for id, owner := range list {
			if owner == user {
				t.Fatalf("call %d, %s: %s has wallboard %s", n, when, user, id)
			}
		}
		if got := o.snapshot(t).Devices[0].Used; got != int64(len(list)) {
			t.Fatalf("call %d, %s: %d wallboards are counted, %d listed", n, when, got, len(list))
		}
	}
	look("after the leaving")
	if err := o.directory.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	query := table.Query{Partition: wallboard.Partition(o.Account)}
	err := table.All(t.Context(), o.Env.Table, query, func(item table.Item) error {
		w, err := call.Decode[wallboard.Stored](item)
		if err == nil && w.UserID == user {
			t.Errorf("call %d: the item of wallboard %s is left", n, w.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.user(t, directory.User{ID: user, Active: true})
	look("when they are back")
	if o.register(t, "w2", user); o.boards(t)["w2"] != user {
		t.Fatalf("call %d: %s cannot register again", n, user)
	}
}
