package directory

import (
	"testing"

	"seatwise/shared/license"
)

// A product of the user's own was taken away by hand, and what a role carries now excludes it: the
// user gets, and loses, the rest of what the role carries all the same. The simulation found it
// (seed 10 of its second form): nothing of a role reached such a user any more, and nothing that it
// had carried before left them.
func TestRoleOfAUserWhoseOwnProductItExcludes(t *testing.T) {
	f := newFixture(t)
	role := func(licenses ...string) {
		t.Helper()
		if _, err := f.s.PutRole(
			t.Context(),
			f.Call("admin"),
			Role{ID: "lead", Name: "Lead", Licenses: licenses},
		); err != nil {
			t.Fatal(err)
		}
	}
	role("insights-supervisor")
	f.put(
		t,
		User{ID: "ann", Name: "Ann", RoleIDs: []string{"lead"}, Active: true, Licenses: []string{"essential-user"}},
	)
	f.user(t, "bob", "lead")
	if _, err := f.kernel.RemoveMany(
		t.Context(),
		f.Call("admin"),
		[]license.Item{{UserID: "ann", ProductID: "essential-user"}},
		license.Each,
	); err != nil {
		t.Fatal(err)
	}
	role("professional-user", "client-desktop")
	for _, user := range []string{"ann", "bob"} {
		for product, want := range map[string]license.State{
			"professional-user": license.Holds, "client-desktop": license.Holds, "insights-supervisor": license.Lacks,
		} {
			if got := f.state(t, user, product); got != want {
				t.Errorf("%s and %s: %s, want %s", user, product, got, want)
			}
		}
	}
	// Whoever asks for both is told.
	_, err := f.s.PutUser(
		t.Context(),
		f.Call("admin"),
		User{ID: "ann", Name: "Ann", RoleIDs: []string{"lead"}, Active: true, Licenses: []string{"essential-user"}},
	)
	if err == nil {
		t.Error("a user's own product was put beside a role's that excludes it")
	}
}
