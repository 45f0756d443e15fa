package browser_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"seatwise/shared/console/client"
)

// key is an idempotency key.
func key() client.Change { return client.Change{Key: rand.Text()} }

// centers makes more cost centers, so that a list of them needs a search.
func (s *scene) centers(n int) {
	s.t.Helper()
	for i := range n {
		code := fmt.Sprintf("CC-%d", 100+i)
		_, err := s.api.PutCostCenter(s.t.Context(), code,
			client.PutCostCenterRequest{Name: fmt.Sprintf("Branch %d", i+1)}, key())
		s.must(err)
	}
}

// licenses are those of a product.
func (s *scene) licenses(product string) []client.License {
	s.t.Helper()
	list, err := s.api.ListLicenses(s.t.Context(), client.ListLicensesQuery{Product: []string{product}})
	s.must(err)
	return list.Body.Items
}

// give assigns a free license of a product to a user.
func (s *scene) give(product, user, extension string) client.License {
	s.t.Helper()
	for _, l := range s.licenses(product) {
		if l.Status != "available" {
			continue
		}
		ask := client.AssignLicenseRequest{UserID: user}
		if extension != "" {
			ask.Extension = &extension
		}
		_, err := s.api.AssignLicense(s.t.Context(), l.ID, ask, key())
		s.must(err)
		return l
	}
	s.t.Fatalf("no license of %s is free", product)
	return client.License{}
}

// charge moves a license to a cost center.
func (s *scene) charge(license, center string) {
	s.t.Helper()
	_, err := s.api.ChangeCostCenter(s.t.Context(),
		client.ChangeCostCenterRequest{LicenseIDs: []string{license}, CostCenter: center}, key())
	s.must(err)
}

// holder is who holds a license, as the API says it.
func (s *scene) holder(license string) string {
	s.t.Helper()
	l, err := s.api.GetLicense(s.t.Context(), license)
	s.must(err)
	return l.Body.UserID
}

// The seeds 1 and 2, "Assigning Live Reports licenses".
func TestAssignInTheAdminPortal(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 4, "phone-system": 1}, func(s *scene) {
		held := s.give("live-reports", "zoe", "")
		for _, l := range s.licenses("live-reports") {
			if l.ID != held.ID {
				s.charge(l.ID, "CC-2")
			}
		}
		s.does("A1")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.in("Pages", func() { s.click("Live Reports") })
		s.click("Licenses of Live Reports")
		s.see("License Type", "Assigned To", "Ext", "Cost Center Code", "Date Added", "Actions", "4 licenses")
		s.does("A2")
		s.search("Search", "zoe")
		s.see("1 license")
		s.in("Licenses", func() { s.see("Zoe Alvarez") })
		s.does("A3")
		s.aside(func() { s.search("Search", "") })
		s.click("Cost Center All")
		s.click("CC-2")
		s.enter()
		s.see("3 licenses")
		s.in("Licenses", func() { s.miss("Zoe Alvarez") })
		s.does("A4")
		s.click("+ Add Licenses")
		s.find("Quantity of Live Reports", writable)
		s.aside(s.back)
		s.does("A5")
		s.in("N/A", func() { s.click("Assign") })
		s.see("Choose who gets this license.", "John Smith", "Zoe Alvarez")
		s.does("A6")
		s.click("John Smith")
		s.click("Assign")
		s.in("Licenses", func() { s.see("John Smith") })
		if got := s.summary("live-reports"); got.Assigned != 2 {
			s.t.Errorf("%d are assigned, want 2", got.Assigned)
		}
	})
}

// The seeds 1 and 2, "Filtering Live Reports licenses".
func TestFilterInTheAdminPortal(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 6}, func(s *scene) {
		s.centers(8)
		list := s.licenses("live-reports")
		s.charge(list[0].ID, "CC-100")
		s.charge(list[1].ID, "CC-101")
		s.give("live-reports", "zoe", "")
		s.does("F1")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.in("Pages", func() { s.click("Live Reports") })
		s.click("Licenses of Live Reports")
		s.see("6 licenses")
		s.does("F2")
		s.search("Search", "alvarez")
		s.see("1 license")
		s.aside(func() { s.search("Search", "") })
		s.does("F3")
		s.click("Cost Center All")
		s.click("CC-100")
		s.click("CC-101")
		s.enter()
		s.see("2 licenses", "2 of 10")
		s.does("F4")
		s.aside(func() { s.click("Cost Center 2 of 10") })
		if s.how != withoutScript { // the whole list is there then, and nothing to narrow it
			s.fill("Search Cost Center", "Branch 7")
			s.until(func() string {
				if s.has("CC-101") {
					return "CC-101 is still offered"
				}
				return ""
			})
		}
		s.click("CC-106")
		s.enter()
		s.see("3 of 10")
	})
}

// The seeds 1 and 2, "Unassigning a Live Reports license".
func TestUnassignInTheAdminPortal(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 2}, func(s *scene) {
		license := s.give("live-reports", "zoe", "")
		s.signIn(s.account, "ada")
		s.in("Pages", func() { s.click("Live Reports") })
		s.click("Licenses of Live Reports")
		s.does("U1")
		s.in("Zoe Alvarez", func() {
			s.click("More actions")
			s.click("Unassign")
		})
		s.see("placed back into your account for future use", "Zoe Alvarez")
		if s.holder(license.ID) != "zoe" {
			s.t.Error("the license is unassigned before that is confirmed")
		}
		s.click("Confirm")
		s.see("2 licenses")
		s.in("Licenses", func() { s.miss("Zoe Alvarez") })
		if s.holder(license.ID) != "" {
			s.t.Error("the license is still assigned")
		}
	})
}

// The seed 5, "Licenses - Information" and "Searching".
func TestFindLicenses(t *testing.T) {
	task(t, every, map[string]int64{"phone-system": 3, "call-group": 1, "call_recording": 2}, func(s *scene) {
		s.give("phone-system", "zoe", "101")
		s.give("phone-system", "john", "102")
		s.does("L1")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.see("License Type", "Available", "Assigned", "Base", "Add-on", "Phone System", "Call Recording")
		s.does("L2")
		s.click("Phone System")
		s.see("3 licenses")
		s.in("Licenses", func() { s.miss("Call Group", "Call Recording") })
		s.does("L3")
		s.search("Search", "zoe")
		s.see("1 license")
		s.in("Licenses", func() { s.see("Zoe Alvarez", "101") })
		s.does("L4")
		s.search("Search", "102")
		s.in("Licenses", func() {
			s.see("John Smith")
			s.miss("Zoe Alvarez")
		})
	})
}

// The seed 5, "Manage user".
func TestManageUser(t *testing.T) {
	task(t, every, map[string]int64{"phone-system": 2}, func(s *scene) {
		s.signIn(s.account, "ada")
		s.click("Licenses")
		s.does("L5")
		s.in("N/A", func() { s.click("Assign") })
		s.click("Zoe Alvarez")
		s.aside(func() { s.fill("Extension", "101") })
		s.click("Assign")
		s.in("Zoe Alvarez", func() { s.see("101") })
		s.does("L7")
		s.in("Zoe Alvarez", func() {
			s.click("More actions")
			s.click("Reassign")
		})
		s.click("John Smith")
		s.click("Reassign")
		s.in("John Smith", func() { s.see("101") })
		s.in("Licenses", func() { s.miss("Zoe Alvarez") })
		s.does("L6")
		s.in("John Smith", func() {
			s.click("More actions")
			s.click("Unassign")
		})
		s.click("Confirm")
		s.in("Licenses", func() {
			s.see("N/A")
			s.miss("John Smith")
		})
		if got := s.summary("phone-system"); got.Assigned != 0 || got.Available != 2 {
			s.t.Errorf("at the end: %+v", got)
		}
	})
}

// The seed 5, "Manage addons".
func TestManageAddOns(t *testing.T) {
	task(t, every, map[string]int64{"phone-system": 1, "call_recording": 1, "team_chat": 1}, func(s *scene) {
		s.give("phone-system", "zoe", "101")
		s.signIn(s.account, "ada")
		s.click("Licenses")
		addOns := func() {
			s.in("Phone System", func() {
				s.click("More actions")
				s.click("Add-ons")
			})
		}
		s.does("L8")
		addOns()
		s.click("Call Recording")
		s.click("Save")
		s.in("Call Recording", func() { s.see("Zoe Alvarez") })
		s.does("L9")
		addOns()
		s.untick("Call Recording")
		s.click("Save")
		s.in("Call Recording", func() { s.see("N/A") })
		if got := s.summary("call_recording"); got.Available != 1 {
			s.t.Errorf("the seat is not free again: %+v", got)
		}
	})
}

// The seed 5, "Terminate Licenses".
func TestTerminate(t *testing.T) {
	task(t, every, map[string]int64{"phone-system": 2, "team_chat": 1}, func(s *scene) {
		s.give("phone-system", "zoe", "101")
		base, addOn := "", s.licenses("team_chat")[0].ID
		for _, l := range s.licenses("phone-system") {
			if l.Status == "available" {
				base = l.ID
			}
		}
		s.signIn(s.account, "ada")
		s.click("Licenses")
		s.does("L15")
		s.search("Search", base)
		s.see("1 license")
		s.does("L16")
		s.in("Phone System", func() {
			s.click("More actions")
			s.click("Terminate")
		})
		s.see("stops counting at once", "cannot be undone", base)
		s.click("Terminate")
		s.see("terminated")
		s.does("L17")
		s.aside(func() { s.click("Licenses") })
		s.in("Team Chat", func() {
			s.click("More actions")
			s.click("Terminate")
		})
		s.see(addOn)
		s.click("Terminate")
		for _, product := range []string{"phone-system", "team_chat"} {
			for _, l := range s.licenses(product) {
				if want := l.ID == base || l.ID == addOn; (l.Status == "terminated") != want {
					s.t.Errorf("%s is %s", l.ID, l.Status)
				}
			}
		}
	})
}
