package browser_test

import (
	"testing"
	"time"

	"seatwise/shared/console/client"
)

// asks has somebody without any permission ask for a product.
func (s *scene) asks(user, product, reason string) client.Request {
	s.t.Helper()
	r, err := s.o.console.API(s.t, s.account, user, "roles").CreateRequest(
		s.t.Context(), client.CreateRequestRequest{ProductID: product, Reason: reason}, key(),
	)
	s.must(err)
	return r.Body
}

// Who has no permission at all asks for a license, sees that it waits, and takes it back.
func TestAskForALicense(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 1}, func(s *scene) {
		s.signIn(s.account, "zoe", "roles")
		s.see("What you need, you can ask for.")
		s.click("Ask for a license")
		s.choose("License Type", "Live Reports")
		s.fill("Reason", "I answer calls in Detroit")
		s.click("Send the request")
		s.see("The request for Live Reports is sent.", "I answer calls in Detroit", "open")
		s.click("Withdraw: Live Reports for Zoe Alvarez")
		s.see("Nobody decides on it any more")
		s.click("Withdraw")
		s.see("is withdrawn.")
	})
}

// The overview leads an approver to what waits for them: they see what an approval does, and deny with a
// word.
func TestDecideOnRequests(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 1}, func(s *scene) {
		s.asks("zoe", "live-reports", "I answer calls")
		s.asks("john", "developer", "Programs")
		s.signIn(s.account, "ada")
		s.see("2 requests wait for your decision.")
		s.click("Decide")
		s.see("I answer calls", "Programs")
		s.click("Approve: Live Reports for Zoe Alvarez")
		s.see("What this does", "Zoe Alvarez gets Live Reports", "What you pay stays the same.")
		s.click("Approve")
		s.see("Approved: Zoe Alvarez has Live Reports now.")
		s.click("Deny: Developer for John Smith")
		s.fill("Why not", "Ask again in spring")
		s.click("Deny")
		s.see("is denied.", "Ask again in spring")
		if got := s.summary("live-reports"); got.Assigned != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// With script, what a choice does stands above the button as soon as it is made, and the button stays
// where it is; another choice replaces it, and what is pressed then is done.
func TestAChoiceShowsWhatItDoes(t *testing.T) {
	s := admin(t, map[string]int64{"live-reports": 1})
	s.visit("/console/" + s.account + "/licenses/" + s.licenses("live-reports")[0].ID + "/assign")
	s.see("Choose, and what that does is shown here before you press.")
	page := s.document()
	_, before := s.middle(s.find("Assign", pressable))
	s.click("John Smith")
	s.see("What this does", "John Smith gets Live Reports", "What you pay stays the same.")
	s.looks("a choice that is foretold")
	if _, after := s.middle(s.find("Assign", pressable)); after != before {
		t.Errorf("the button was at %v and is at %v", before, after)
	}
	s.click("Zoe Alvarez")
	s.see("Zoe Alvarez gets Live Reports")
	s.miss("John Smith gets Live Reports")
	if s.document() != page {
		t.Error("the page was left")
	}
	s.click("Assign")
	s.see("Live Reports is assigned to Zoe Alvarez.")

	s.visit("/console/" + s.account + "/directory/users/john/edit")
	s.click("Essential User")
	s.see("John Smith gets Essential User", "more a month")
	s.looks("a user whose license is foretold")
	s.click("Save")
	s.see("John Smith is saved.")
}

// TestEveryStateOfMoneyForEverybody looks at what the pages of requests, idle seats, reclaims, caps, fences and
// periods turn into, as TestEveryStateForEverybody does.
func TestEveryStateOfMoneyForEverybody(t *testing.T) {
	s := admin(t, map[string]int64{"live-reports": 3, "developer": 2, "phone-system": 1})
	root := "/console/" + s.account + "/"
	open := s.asks("zoe", "live-reports", "I answer calls")
	short := s.asks("john", "call-group", "A number for the returns desk")
	reclaim := s.reclaimOne()
	for _, state := range []struct {
		name, at string
		does     func()
		says     string
	}{
		{"requests", "requests", nil, "A number for the returns desk"},
		{"no request that fits", "requests?state=denied", nil, "No request fits."},
		{"a request that is refused", "requests/new", func() { s.click("Send the request") }, "Ask for a license"},
		{"an approval that is foretold", "requests/" + open.ID + "/approve", nil, "Zoe Alvarez gets Live Reports"},
		{"an approval without a seat", "requests/" + short.ID + "/approve", nil, "is free. Approve it all the same"},
		{"a denial", "requests/" + open.ID + "/deny", nil, "Who asked reads it."},
		{"an approved request", "requests/" + short.ID + "/approve", func() { s.click("Approve") }, "waits for a seat"},
		{"a request that was decided", "requests/" + short.ID + "/deny", nil, "nothing to deny"},
		{"a request that waits", "requests/" + short.ID, nil, "given automatically"},
		{"idle seats", "billing/idle?product=developer&days=1", nil, "Automatic purchases and alerts"},
		{"what was reclaimed", "billing/reclaims/" + reclaim, nil, "kept"},
		{"a reclaim that cannot be undone", "billing/reclaims/" + reclaim + "/undo", nil, "nothing to restore"},
		{"a cap that is refused", "billing/policies/developer", func() {
			s.click("Buy missing seats automatically")
			s.click("Save")
		}, "Must be acknowledged"},
		{"caps", "billing/policies", nil, "At most in a period"},
		{"a fence that is foretold", "billing/cost-centers/CC-1", func() { s.click("Fenced") }, "What you pay stays"},
		{"periods", "billing/periods", nil, "open"},
		{"a period by kind", "billing/periods/current?kind=prorated", nil, "Lines"},
		{
			"a period beside a day", "billing/periods/current?day=" + time.Now().UTC().Format(time.DateOnly), nil,
			"By cost center",
		},
		{
			"members that are foretold", "live-reports/queues/detroit/add", func() { s.click("Zoe Alvarez") },
			"What this does",
		},
	} {
		s.visit(root + state.at)
		if state.does != nil {
			state.does()
		}
		s.see(state.says)
		s.suitsEverybody()
	}
	zoe := sit(t, byMouse)
	zoe.signIn(s.account, "zoe", "roles")
	zoe.see("Your own licenses, and your requests, are what your role shows you of the account.")
	zoe.suitsEverybody()
	zoe.visit(root + "requests")
	zoe.suitsEverybody()
}

// reclaimOne has a reclaim that keeps every seat, and a call queue on a dashboard.
func (s *scene) reclaimOne() (id string) {
	s.t.Helper()
	s.watched("john")
	job, err := s.api.CreateReclaim(s.t.Context(), client.CreateReclaimRequest{
		ProductID: "live-reports", Days: 1, UserIDs: &[]string{"john"},
	}, key())
	s.must(err)
	await(s.t, "the reclaim", func() (string, error) {
		r, err := s.api.GetReclaim(s.t.Context(), job.Body.ID)
		if r.Body.State == "completed" {
			return "ready", err
		}
		return r.Body.State, err
	})
	return job.Body.ID
}
