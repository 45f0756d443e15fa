package browser_test

import "testing"

// Several people are ticked in the Directory and given a license at once; what becomes of each is
// shown before.
func TestGiveSeveral(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 2}, func(s *scene) {
		s.signIn(s.account, "ada")
		s.click("Directory")
		s.in("Zoe Alvarez", func() { s.click("Select") })
		s.in("John Smith", func() { s.click("Select") })
		s.click("Assign a license")
		s.see("Who gets it: 2 people")
		s.choose("License Type", "Live")
		s.click("Next")
		s.see("Assign Live Reports to 2 people?", "gets one", "What this does", "What you pay stays the same.")
		s.click("Assign")
		s.see("Live Reports is assigned to 2 people.")
		if got := s.summary("live-reports"); got.Assigned != 2 {
			s.t.Errorf("%d licenses are assigned, want 2", got.Assigned)
		}
	})
}
