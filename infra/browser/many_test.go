package browser_test

import (
	"testing"

	"seatwise/infra/testing/parts"
)

// A license is charged to another cost center, and then several at once; several are unassigned.
func TestManySelected(t *testing.T) {
	task(t, every, map[string]int64{"phone-system": 3}, func(s *scene) {
		s.give("phone-system", "zoe", "101")
		s.give("phone-system", "john", "102")
		s.signIn(s.account, "ada")
		s.click("Licenses")
		s.in("Zoe Alvarez", func() {
			s.click("More actions")
			s.click("Cost Center")
		})
		s.choose("Cost Center", "CC-2")
		s.click("Save")
		s.in("Zoe Alvarez", func() { s.see("CC-2") })
		s.in("N/A", func() { s.click("Select") })
		s.in("John Smith", func() { s.click("Select") })
		s.in("Licenses", func() { s.miss("CC-3") })
		s.click("Cost Center") // the button above the list, not the filter
		s.see("2 licenses", "All of them are charged to the cost center that you choose.")
		s.choose("Cost Center", "CC-2")
		s.click("Confirm")
		s.in("Licenses", func() { s.miss("CC-1") })
		s.in("Zoe Alvarez", func() { s.click("Select") })
		s.in("John Smith", func() { s.click("Select") })
		s.click("Unassign")
		s.see("placed back into your account for future use")
		s.click("Confirm")
		s.in("Licenses", func() { s.miss("Zoe Alvarez", "John Smith") })
		if got := s.summary("phone-system"); got.Available != 3 {
			s.t.Errorf("%d licenses are free, want 3", got.Available)
		}
	})
}

// The search box is reached by a slash, and finds people, extensions and pages.
func TestSearchBox(t *testing.T) {
	s := admin(t, map[string]int64{"phone-system": 1})
	s.give("phone-system", "zoe", "4711")
	s.visit("/console/" + s.account + "/")
	for typed, found := range map[string]string{"alvarez": "Zoe Alvarez", "4711": "Zoe Alvarez", "metrics": "Metrics"} {
		s.key(keyOf["/"])
		if !asks[bool](s.person, `document.activeElement.matches("input[type=search]")`) {
			t.Fatal("the slash does not lead to the search box")
		}
		s.search("Find a person", typed)
		s.see(found)
	}
}

// The hints of the first visit are read one after the other, and do not come back.
func TestHintsOfTheFirstVisit(t *testing.T) {
	for _, how := range parts.Today(every) {
		t.Run(string(how), func(t *testing.T) {
			p := sit(t, how)
			api := p.o.console.Account(t, newAccount(), nil)
			p.signIn(api.Account, "ada")
			for _, hint := range []string{"1 of 3", "2 of 3", "3 of 3"} {
				p.see(hint)
				p.click("Got it")
			}
			p.miss("of 3")
			p.visit("/console/")
			p.see("Overview")
			p.miss("of 3")
		})
	}
}
