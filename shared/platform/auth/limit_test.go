package auth_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"seatwise/shared/platform/auth"
)

func TestLimits(t *testing.T) {
	all, none := auth.Limit{}, auth.LimitTo()
	north, both := auth.LimitTo("north"), auth.LimitTo("south", "north", "north", "no code, of none")
	if !all.All() || none.All() || !all.Has("x") || !all.Has("") || none.Has("") || none.Has("north") {
		t.Errorf("%v, %v", all, none)
	}
	if !both.Has("south") || both.Has("nor") || both.Has("orth") || both.Has("north,south") || both.Has("") {
		t.Errorf("%v", both)
	}
	if got := both.Codes(); !slices.Equal(got, []string{"north", "south"}) || all.Codes() != nil ||
		none.Codes() == nil || len(none.Codes()) != 0 {
		t.Errorf("%q, %q, %q", got, all.Codes(), none.Codes())
	}
	for _, c := range []struct{ a, b, both auth.Limit }{
		{all, all, all},
		{all, both, both},
		{both, all, both},
		{both, north, north},
		{north, auth.LimitTo("south"), none},
	} {
		if got := c.a.And(c.b); got != c.both {
			t.Errorf("%v and %v: %v", c.a, c.b, got)
		}
	}
	if !north.Within(both) || both.Within(north) || all.Within(both) || !both.Within(all) || !none.Within(north) {
		t.Error("within")
	}
}

// TestALimitIsKept as it is, with what is carried on later.
func TestALimitIsKept(t *testing.T) {
	type job struct {
		Limit auth.Limit `json:"limit,omitzero"`
	}
	for want, limit := range map[string]auth.Limit{
		`{}`: {}, `{"limit":[]}`: auth.LimitTo(), `{"limit":["north","south"]}`: auth.LimitTo("south", "north"),
	} {
		data, err := json.Marshal(job{limit})
		if err != nil || string(data) != want {
			t.Errorf("%s, %v, want %s", data, err, want)
		}
		read := job{auth.LimitTo("west")}
		if want == "{}" {
			read = job{}
		}
		if err := json.Unmarshal(data, &read); err != nil || read.Limit != limit {
			t.Errorf("%s is read as %v, %v", data, read.Limit, err)
		}
	}
	var l auth.Limit
	if err := json.Unmarshal([]byte(`"north"`), &l); err == nil {
		t.Error("what is no limit is read as one")
	}
}

func TestTheClaimOfCostCenters(t *testing.T) {
	both := auth.LimitTo("north", "south")
	for what, c := range map[string]struct {
		claim any
		want  auth.Limit
	}{
		"strings": {[]any{"south", "north"}, both}, "flattened": {"[north south]", both},
		"spaces": {"north south", both},
		"JSON":   {`["north","south"]`, both}, "none": {[]any{}, auth.LimitTo()},
		"none, flattened": {"[]", auth.LimitTo()},
		"null":            {nil, auth.LimitTo()}, "no code": {"a/b", auth.LimitTo()},
	} {
		p, err := auth.ParseClaims(map[string]any{"sub": "zoe", "account": "acme", "adminOfCostCenters": c.claim})
		if err != nil || p.Limit != c.want {
			t.Errorf("%s: %v, %v, want %v", what, p.Limit, err, c.want)
		}
	}
	for _, bad := range []any{7.0, []any{7.0}, true} {
		claims := map[string]any{"sub": "zoe", "account": "acme", "adminOfCostCenters": bad}
		if _, err := auth.ParseClaims(claims); !errors.Is(err, auth.ErrClaims) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if p, err := auth.ParseClaims(map[string]any{"sub": "zoe", "account": "acme"}); err != nil || !p.Limit.All() {
		t.Errorf("left out: %v, %v", p, err)
	}
}
