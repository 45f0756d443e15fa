package directory

import (
	"slices"
	"testing"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table/faulty"
)

// during runs act just before the n-th commit of change, as another caller would in that moment.
func (f *fixture) during(n int, act, change func()) {
	sound := f.Env.Table
	acted := false
	var broken *faulty.Store
	broken = faulty.New(sound, func(c faulty.Call) faulty.Fault {
		if c.Commit == n && !acted {
			acted = true
			f.Env.Table = sound
			act()
			f.Env.Table = broken
		}
		return faulty.None
	})
	f.Env.Table = broken
	change()
	f.Env.Table = sound
}

func TestRoleThatChangesWhileSomebodyIsGivenIt(t *testing.T) {
	f := newFixture(t)
	role := func(licenses ...string) {
		if _, err := f.s.PutRole(
			t.Context(),
			f.Call("admin"),
			Role{ID: "r", Name: "R", Licenses: licenses},
		); err != nil {
			t.Fatal(err)
		}
	}
	role("essential-user")
	f.during(1, func() { role("professional-user") }, func() { f.user(t, "ann", "r") })
	user, _, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if len(user.Holdings) != 1 || user.Holdings[0].ProductID != "professional-user" {
		t.Fatalf("the user holds %+v of a role that carries professional-user", user.Holdings)
	}
}

// The simulation found it (seed 10044 of its second form): what the role gave between the read and
// the commit stayed for ever, since the commit left the holder as it was.
func TestRoleThatGivesWhileSomebodyLosesIt(t *testing.T) {
	f := newFixture(t)
	role := func(licenses ...string) {
		if _, err := f.s.PutRole(
			t.Context(),
			f.Call("admin"),
			Role{ID: "r", Name: "R", Licenses: licenses},
		); err != nil {
			t.Fatal(err)
		}
	}
	role()
	f.user(t, "ann", "r")
	f.during(1, func() { role("essential-user") }, func() { f.user(t, "ann") })
	user, _, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if len(user.Holdings) != 0 {
		t.Fatalf("the user holds %+v of a role that they do not have", user.Holdings)
	}
}

func TestRoleThatIsDeletedWhileSomebodyIsGivenIt(t *testing.T) {
	t.Run("before the user is written", func(t *testing.T) {
		f := newFixture(t)
		if _, err := f.s.PutRole(t.Context(), f.Call("admin"), Role{ID: "r", Name: "R"}); err != nil {
			t.Fatal(err)
		}
		f.during(1, func() {
			if err := f.s.DeleteRole(t.Context(), f.Call("admin"), "r"); err != nil {
				t.Fatal(err)
			}
		}, func() {
			_, err := f.s.PutUser(
				t.Context(),
				f.Call("admin"),
				User{ID: "ann", Name: "Ann", RoleIDs: []string{"r"}, Active: true},
			)
			if !problem.Is(err, problem.ValidationFailed) {
				t.Fatalf("a role that is gone was given: %v", err)
			}
		})
	})
	t.Run("after the user is written", func(t *testing.T) {
		f := newFixture(t)
		if _, err := f.s.PutRole(
			t.Context(),
			f.Call("admin"),
			Role{ID: "r", Name: "R", Licenses: []string{"essential-user"}},
		); err != nil {
			t.Fatal(err)
		}
		f.during(1, func() { f.user(t, "ann", "r", SuperAdmin) }, func() {
			if err := f.s.DeleteRole(t.Context(), f.Call("admin"), "r"); err != nil {
				t.Fatal(err)
			}
		})
		user, _, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(user.RoleIDs, []string{SuperAdmin}) || len(user.Holdings) != 0 {
			t.Fatalf("the user has roles %v and holds %+v", user.RoleIDs, user.Holdings)
		}
	})
}

// A queue must not keep a member who does not exist: it could not be put back as it was read, and a
// later user of the same id would be in it unasked.
func TestUserWhoIsDeletedWhilePutOnAQueue(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 2)
	f.user(t, "ann")
	f.user(t, "bob")
	f.during(1, func() {
		if err := f.s.DeleteUser(t.Context(), f.Call("admin"), "bob"); err != nil {
			t.Fatal(err)
		}
	}, func() { f.queue(t, "q", "ann", "bob") })
	if err := f.s.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	q, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q")
	if err != nil || !slices.Equal(q.Members, []string{"ann"}) {
		t.Fatalf("members %v, %v", q.Members, err)
	}
	f.dashboard(t, "d", "q")
	f.wantStates(t, map[string]license.State{"ann": license.Holds})
}

// The simulation found it (seed 20274 of its second form): a dashboard that was deleted and made
// again had the version that somebody had read of the first one, and their change went by what they
// had read: the queue that the new one showed was watched for ever.
func TestDashboardThatIsDeletedAndMadeAgainWhilePut(t *testing.T) {
	f := newFixture(t)
	f.user(t, "ann")
	f.queue(t, "q1", "ann")
	f.queue(t, "q2", "ann")
	f.dashboard(t, "d")
	f.during(1, func() {
		if err := f.s.DeleteDashboard(t.Context(), f.Call("admin"), "d"); err != nil {
			t.Fatal(err)
		}
		f.Clock.Add(time.Second)
		f.dashboard(t, "d", "q1")
	}, func() { f.dashboard(t, "d", "q2") })
	for id, want := range map[string]int{"q1": 0, "q2": 1} {
		q, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), id)
		if err != nil || len(q.Dashboards) != want {
			t.Errorf("%s is shown by %v, %v; want %d", id, q.Dashboards, err, want)
		}
	}
}

// The simulation found it: whoever was made active while a queue was settled had no
// grant by it, since the one found nothing to do for who is not active, and the other no membership yet.
func TestAMemberWhoComesBackWhileTheQueueIsSettled(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 2)
	f.put(t, User{ID: "ann", Name: "Ann"})
	f.put(t, User{ID: "bob", Name: "Bob", Active: true})
	f.queue(t, "q")
	f.dashboard(t, "d", "q")
	back := func() { f.put(t, User{ID: "ann", Name: "Ann", Active: true}) }
	f.during(2, back, func() { f.queue(t, "q", "ann", "bob") })
	if err := f.s.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	f.wantStates(t, map[string]license.State{"ann": license.Holds, "bob": license.Holds})
}
