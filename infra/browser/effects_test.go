package browser_test

import (
	"testing"

	"seatwise/shared/console/client"
)

// looks demands of the page that is there what holds for every page, light and dark.
func (s *scene) looks(state string) {
	s.t.Helper()
	for _, scheme := range []string{"dark", "light"} {
		s.dark(scheme)
		s.judge(state + ", " + scheme)
	}
	s.fits()
}

// watched puts somebody into a call queue that a dashboard shows.
func (s *scene) watched(user string) {
	s.t.Helper()
	_, err := s.api.PutCallQueue(s.t.Context(), "detroit",
		client.PutCallQueueRequest{Name: "Detroit support", Members: client.Set([]string{user})}, key())
	s.must(err)
	_, err = s.api.PutDashboard(s.t.Context(), "wall",
		client.PutDashboardRequest{Name: "Wall", QueueIDs: client.Set([]string{"detroit"})}, key())
	s.must(err)
}

// From a person to their call queue and back; what is done with a license of theirs begins there and
// ends there, and says first what it does.
func TestAPersonsCallQueuesAndLicenses(t *testing.T) {
	s := admin(t, map[string]int64{"live-reports": 1})
	s.watched("zoe")
	s.visit("/console/" + s.account + "/directory/users/zoe")
	s.looks("a person in a call queue")
	s.click("Detroit support")
	s.see("all of them monitored")
	s.visit("/console/" + s.account + "/directory/users/zoe")
	s.in("member of Detroit support", func() {
		s.click("More actions")
		s.click("Reassign")
	})
	s.search("Search users", "john")
	s.see("What this does", "John Smith gets Live Reports")
	s.looks("a reassignment that is foretold")
	s.click("Reassign")
	s.see("Live Reports is John Smith's now", "Call queues", "Detroit support")
}

// A call queue that is deleted says whose license goes back, in time to leave it.
func TestDeletingACallQueueSaysWhatGoesBack(t *testing.T) {
	s := admin(t, map[string]int64{"live-reports": 1})
	s.watched("zoe")
	s.visit("/console/" + s.account + "/live-reports/queues/detroit/delete")
	s.see("What this does", "Zoe Alvarez gives back Live Reports", "What you pay stays the same.")
	s.looks("a call queue that is to be deleted")
	s.click("Delete")
	s.see("The call queue detroit is deleted.")
	if got := s.summary("live-reports"); got.Assigned != 0 {
		t.Errorf("%+v", got)
	}
}

// What the cost center of selected licenses changes is shown to who asks.
func TestWhatACostCenterOfManyDoes(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 2}, func(s *scene) {
		s.signIn(s.account, "ada")
		s.click("Licenses")
		s.in("N/A", func() { s.click("Select") })
		s.click("Cost Center") // the button above the list, not the filter
		s.choose("Cost Center", "CC-2")
		s.click("Show what this does")
		s.see("1 license is charged to CC-2 Sales.")
		s.in("Selected licenses", func() { s.see("is charged to CC-2") })
		s.click("Confirm")
		s.see("1 license is charged to CC-2 now.")
	})
}
