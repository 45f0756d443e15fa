package license

import (
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/problem"
)

func sourced(names ...string) []Grant {
	var grants []Grant
	for _, name := range names {
		grants = withGrant(grants, name, time.Unix(0, 0))
	}
	return grants
}

func TestWants(t *testing.T) {
	held := &Holding{LicenseID: "l"}
	excluded := &record.Exclusion{By: "admin"}
	for _, tc := range []struct {
		name      string
		product   string
		holding   *Holding
		others    map[string]*Holding
		inactive  bool
		unlimited bool
		want      State
	}{
		{name: "no grant", product: "live-reports", holding: &Holding{}, want: Lacks},
		{name: "nothing at all", product: "live-reports", want: Lacks},
		{name: "a direct grant", product: "live-reports", holding: &Holding{Grants: sourced(Direct)}, want: Holds},
		{
			name: "a queue's grant", product: "live-reports", holding: &Holding{Grants: sourced(QueueGrant("q"))},
			want: Holds,
		},
		{
			name: "of somebody inactive", product: "live-reports", holding: &Holding{Grants: sourced(QueueGrant("q"))},
			inactive: true, want: Lacks,
		},
		{
			name: "excluded", product: "live-reports", holding: &Holding{Grants: sourced(View), Excluded: excluded},
			want: StateExcluded,
		},
		{
			name: "excluded, but direct", product: "live-reports",
			holding: &Holding{Grants: sourced(View, Direct), Excluded: excluded}, want: Holds,
		},
		{name: "covered by the booster", product: "live-reports", holding: &Holding{Grants: sourced(View)}, others: map[string]*Holding{"call-queue-booster": held}, want: Covered},
		{name: "direct beside the booster", product: "live-reports", holding: &Holding{Grants: sourced(Direct)}, others: map[string]*Holding{"call-queue-booster": held}, want: Holds},
		{name: "waiting for the booster covers nothing", product: "live-reports", holding: &Holding{Grants: sourced(View)}, others: map[string]*Holding{"call-queue-booster": {Waiting: "w"}}, want: Holds},
		{
			name: "unlimited", product: "live-reports", holding: &Holding{Grants: sourced(View)}, unlimited: true,
			want: Covered,
		},
		{
			name: "unlimited is for Live Reports only", product: "essential-user",
			holding: &Holding{Grants: sourced(RoleGrant("r"))}, unlimited: true, want: Holds,
		},
		{
			name: "a role's, without what it needs", product: "agent-user",
			holding: &Holding{Grants: sourced(RoleGrant("r"))}, want: Lacks,
		},
		{
			name: "a role's, with what it needs", product: "agent-user",
			holding: &Holding{Grants: sourced(RoleGrant("r"))}, others: map[string]*Holding{"professional-user": held},
			want: Holds,
		},
		{
			name: "a role's, beside what it excludes", product: "essential-user",
			holding: &Holding{Grants: sourced(RoleGrant("r"))}, others: map[string]*Holding{"professional-user": held},
			want: Lacks,
		},
		{name: "no product of the catalog", product: "gone", holding: &Holding{Grants: sourced(View)}, want: Lacks},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &Holder{UserID: "u", Active: !tc.inactive, Holdings: map[string]*Holding{}}
			for id, holding := range tc.others {
				h.Holdings[id] = holding
			}
			if tc.holding != nil {
				h.Holdings[tc.product] = tc.holding
			}
			wanted, state := record.Terms{Products: catalog.Default(), Unlimited: tc.unlimited}.Wants(h, tc.product)
			if state != tc.want || wanted != (tc.want == Holds) {
				t.Errorf("wanted %v because it %s, want %s", wanted, state, tc.want)
			}
		})
	}
}

func TestStateOf(t *testing.T) {
	for _, tc := range []struct {
		holding *Holding
		want    State
	}{
		{nil, Lacks},
		{&Holding{LicenseID: "l", Grants: sourced(Direct)}, Holds},
		{&Holding{Waiting: "w", Grants: sourced(View)}, Waits},
		{&Holding{Excluded: &record.Exclusion{}, Grants: sourced(View)}, StateExcluded},
		{&Holding{Excluded: &record.Exclusion{}}, Lacks},
	} {
		h := &Holder{UserID: "u", Active: true, Holdings: map[string]*Holding{}}
		if tc.holding != nil {
			h.Holdings["live-reports"] = tc.holding
		}
		if got := (record.Terms{Products: catalog.Default()}).StateOf(h, "live-reports"); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.holding, got, tc.want)
		}
	}
}

func TestMayHold(t *testing.T) {
	products := catalog.Default()
	for _, tc := range []struct {
		product  string
		holds    []string
		inactive bool
		want     problem.Slug
	}{
		{product: "live-reports"},
		{product: "live-reports", inactive: true, want: problem.UserInactive},
		{product: "team_chat", want: problem.BaseLicenseRequired},
		{product: "team_chat", holds: []string{"auto-attendant"}, want: problem.BaseLicenseRequired},
		{product: "team_chat", holds: []string{"phone-system"}},
		{product: "client-crm", want: problem.BaseLicenseRequired},
		{product: "client-crm", holds: []string{"client-desktop"}},
		{product: "agent-user", holds: []string{"essential-user"}},
		{product: "agent-user", holds: []string{"professional-user"}},
		{product: "professional-user", holds: []string{"essential-user"}, want: problem.MutuallyExclusive},
		{product: "reports-supervisor", holds: []string{"insights-supervisor"}, want: problem.MutuallyExclusive},
		{product: "reports-supervisor", holds: []string{"essential-user"}},
	} {
		h := &Holder{UserID: "u", Active: !tc.inactive}
		for _, id := range tc.holds {
			h.Holding(id).LicenseID = "l"
		}
		p, _ := products.Lookup(tc.product)
		err := mayHold(products, h, p)
		if tc.want == "" && err != nil || tc.want != "" && !problem.Is(err, tc.want) {
			t.Errorf("%s beside %v: %v, want %q", tc.product, tc.holds, err, tc.want)
		}
		// Sentences name products as people do; the ids are for programs.
		refused, ok := problem.From(err)
		for q := range products.All() {
			if ok && strings.Contains(refused.Detail, q.ID) {
				t.Errorf("%s beside %v: %q has the id %s", tc.product, tc.holds, refused.Detail, q.ID)
			}
		}
	}
}

func TestGrants(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	grants := withGrant(withGrant(withGrant(nil, "view", early), "direct", early), "queue:q", early)
	again := withGrant(grants, "view", late)
	var names []string
	for _, g := range again {
		names = append(names, g.Source)
		if !g.Since.Equal(early) {
			t.Errorf("%s got another date", g.Source)
		}
	}
	if !slices.Equal(names, []string{"direct", "queue:q", "view"}) {
		t.Errorf("%v", names)
	}
	left := withoutGrants(grants, func(s string) bool { return s == "direct" })
	if len(left) != 2 || len(grants) != 3 {
		t.Errorf("%v of %v", left, grants)
	}
	for source, want := range map[string]bool{
		Direct: false, MassConfigurationGrant("m"): false, View: true, QueueGrant("q"): true, RoleGrant("r"): true,
	} {
		if record.Automatic(source) != want {
			t.Errorf("automatic(%s) is not %v", source, want)
		}
	}
}

func TestAutomaticReason(t *testing.T) {
	if got := grantReason(sourced(QueueGrant("q"), View)); got != "queue:q view" {
		t.Errorf("%q", got)
	}
	if got := grantReason(sourced(QueueGrant("q"), Direct)); got != "" {
		t.Errorf("what a person does has the call's own reason, not %q", got)
	}
}
