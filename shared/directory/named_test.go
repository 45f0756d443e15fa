package directory

import (
	"testing"

	"seatwise/shared/platform/problem"
)

// A refusal names members by their places in the list as it was sent (requirements, section 10).
func TestUnknownMembersAreNamedWhereTheyWereSent(t *testing.T) {
	f := newFixture(t)
	f.user(t, "u")
	_, err := f.s.PutQueue(t.Context(), f.Call("ada"), "q", "Q", []string{"u", "nobody", "u", "gh"})
	p, ok := problem.From(err)
	if !ok || len(p.Fields) != 2 || p.Fields[0].Field != "members[1]" || p.Fields[1].Field != "members[3]" {
		t.Fatalf("got %+v (%v), want members[1] and members[3]", p, err)
	}
}
