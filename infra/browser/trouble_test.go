package browser_test

import (
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/network"

	"seatwise/shared/console/client"
)

// admin is a person who is signed in to an account with licenses.
func admin(t *testing.T, licenses map[string]int64) *scene {
	t.Helper()
	p := sit(t, byMouse)
	s := &scene{person: p, account: newAccount()}
	s.api = p.o.console.Account(t, s.account, licenses)
	s.signIn(s.account, "ada")
	return s
}

// orders are how many the account has.
func (s *scene) orders() int {
	s.t.Helper()
	list, err := s.api.ListOrders(s.t.Context(), client.ListOrdersQuery{})
	s.must(err)
	return len(list.Body.Items)
}

// toReview puts something into the cart and goes to Review Order.
func (s *scene) toReview() {
	s.t.Helper()
	s.click("Purchase")
	s.in("Live Reports", func() {
		s.fill("Quantity", 2)
		s.click("Add to Cart")
	})
	s.click("Check Out")
	s.choose("Select Cost Center", "CC-1")
	s.click("Assign to All")
	s.click("Next")
	s.click("I have read and understood")
}

// Who goes back after an order and confirms again sees the order that there is, not a second one.
func TestBackAfterAnOrder(t *testing.T) {
	s := admin(t, nil)
	s.toReview()
	s.click("Confirm")
	s.see("Order number")
	s.back()
	s.see("Review Order")
	if s.has("Confirm") { // the browser may show the page as it was
		if on[bool](s.person, s.find("I have read and understood", pressable), "function() { return !this.checked }") {
			s.click("I have read and understood")
		}
		s.click("Confirm")
		s.see("Order number")
	} else {
		s.see("This was ordered.")
	}
	if n := s.orders(); n != 1 {
		t.Errorf("there are %d orders, want 1", n)
	}
	s.bought("live-reports", 2)
}

// Who goes back after assigning and presses again has assigned one license.
func TestBackAfterAssigning(t *testing.T) {
	s := admin(t, map[string]int64{"phone-system": 3})
	s.click("Licenses")
	s.in("N/A", func() { s.click("Assign") })
	s.click("Zoe Alvarez")
	s.click("Assign")
	s.in("Licenses", func() { s.see("Zoe Alvarez") })
	s.back()
	s.see("Zoe Alvarez has this license already.")
	s.click("See the license")
	s.see("Zoe Alvarez")
	if got := s.summary("phone-system").Assigned; got != 1 {
		t.Errorf("%d licenses are assigned, want 1", got)
	}
}

// Two tabs with the same cart: the second to save sees both versions, and chooses.
func TestTwoTabsOfOneAccount(t *testing.T) {
	s := admin(t, nil)
	s.click("Purchase")
	s.in("Live Reports", func() {
		s.fill("Quantity", 2)
		s.click("Add to Cart")
	})
	s.click("Check Out")
	other := s.another()
	other.visit(s.at())
	other.fill("Quantity of Live Reports", 7)
	other.click("Update the totals")
	other.holds("Quantity of Live Reports", "7")
	s.fill("Quantity of Live Reports", 3)
	s.click("Update the totals")
	s.see("Somebody else has changed this while you had it open.", "Yours", "There now", "differs")
	s.in("Your version and the one that is there now", func() { s.see("3", "7") })
	s.click("Live Reports, yours: 3, no cost center")
	s.click("Save what is chosen")
	s.holds("Quantity of Live Reports", "3")
}

// An operator in two accounts at once: each tab says where it is, and changes that account only.
func TestTwoAccountsInTwoTabs(t *testing.T) {
	s := admin(t, map[string]int64{"phone-system": 2})
	second := newAccount()
	api := s.o.console.Account(t, second, map[string]int64{"phone-system": 2})
	s.click("Licenses")
	s.in("N/A", func() { s.click("Assign") })
	other := s.another()
	other.visit("/console/" + second + "/licenses")
	other.see("Acme " + second)
	other.in("N/A", func() { other.click("Assign") })
	other.click("John Smith")
	other.click("Assign")
	other.in("Licenses", func() { other.see("John Smith") })
	s.see("Acme " + s.account)
	s.click("Zoe Alvarez")
	s.click("Assign")
	s.see("Acme " + s.account)
	s.in("Licenses", func() {
		s.see("Zoe Alvarez")
		s.miss("John Smith")
	})
	there := scene{person: s.person, account: second, api: api}
	if a, b := s.summary("phone-system").Assigned, there.summary("phone-system").Assigned; a != 1 || b != 1 {
		t.Errorf("%d and %d licenses are assigned, want one in each account", a, b)
	}
	// A form of one account that is sent to the other one is refused in words.
	s.visit("/console/" + s.account + "/accounts/new")
	asks[any](s.person, `document.querySelector("main form[method=post]").elements._account.value = "elsewhere"`)
	s.fillIn(button{Form: formOfMain(s.person)})
	s.click("Make it")
	s.see("This form is of another account", "Nothing was changed.")
}

// formOfMain is which form of the page the first one of its main part is.
func formOfMain(p *person) int {
	return asks[int](p, `[...document.querySelectorAll("form[method=post]")].indexOf(document.querySelector("main form[method=post]"))`)
}

// throttle makes the network slow, or takes it away.
func (p *person) throttle(c network.Conditions) {
	p.t.Helper()
	call(p, network.Enable, network.EnableParams{})
	call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{&c},
	})
}

// On a slow network whoever presses again and again while nothing seems to happen orders once, and
// sees that the form is on its way.
func TestSlowNetwork(t *testing.T) {
	s := admin(t, nil)
	s.toReview()
	s.throttle(network.Conditions{Latency: 400, DownloadThroughput: 50 << 10, UploadThroughput: 20 << 10})
	x, y := s.middle(s.find("Confirm", pressable))
	s.goes(func() {
		for i := range int64(4) {
			s.mouse(x, y, i+1)
		}
		if busy := asks[string](s.person, `document.querySelector("main form[method=post]")?.getAttribute("aria-busy") ?? "gone"`); busy == "" {
			t.Error("the form does not say that it is on its way")
		}
	})
	s.see("Order number")
	if n := s.orders(); n != 1 {
		t.Errorf("there are %d orders, want 1", n)
	}
}

// meanwhile is a form that another person's change overtakes: what this person types, and what is
// there when they press.
type meanwhile struct {
	path        string
	field, mine string
	theirs      string
	chosen      bool // among several fields, each for itself
	change      func(s *scene) error
	now         func(s *scene) string
}

// Another person changes a thing while its form is open: both versions are shown, nothing is saved,
// and the choice is carried out.
func TestAnotherPersonsChange(t *testing.T) {
	cases := map[string]meanwhile{
		"maximum of wallboards": {
			path: "metrics/wallboards", field: "Maximum of wallboards", mine: "12", theirs: "20",
			change: func(s *scene) error {
				_, err := s.api.PutWallboardMaximum(s.t.Context(), client.PutWallboardMaximumRequest{Max: 20}, key())
				return err
			},
			now: func(s *scene) string {
				m, err := s.api.GetWallboardMaximum(s.t.Context())
				s.must(err)
				return strconv.FormatInt(m.Body.Max, 10)
			},
		},
		"user": {
			path: "directory/users/zoe/edit", chosen: true,
			field: "Name", mine: "Zoe of mine", theirs: "Zoe of theirs",
			change: func(s *scene) error {
				_, err := s.api.PatchUser(
					s.t.Context(), "zoe", client.PatchUserRequest{Name: new("Zoe of theirs")}, key(),
				)
				return err
			},
			now: func(s *scene) string {
				u, err := s.api.GetUser(s.t.Context(), "zoe")
				s.must(err)
				return u.Body.Name
			},
		},
		"role": {
			path: "directory/roles/helper/edit", chosen: true,
			field: "Name", mine: "Role of mine", theirs: "Role of theirs",
			change: func(s *scene) error {
				_, err := s.api.PatchRole(
					s.t.Context(), "helper", client.PatchRoleRequest{Name: new("Role of theirs")}, key(),
				)
				return err
			},
			now: func(s *scene) string {
				r, err := s.api.GetRole(s.t.Context(), "helper")
				s.must(err)
				return r.Body.Name
			},
		},
		"call queue": {
			path: "live-reports/queues/support/name", field: "Name", mine: "Queue of mine", theirs: "Queue of theirs",
			change: func(s *scene) error {
				_, err := s.api.PatchCallQueue(
					s.t.Context(), "support", client.PatchCallQueueRequest{Name: new("Queue of theirs")}, key(),
				)
				return err
			},
			now: func(s *scene) string {
				q, err := s.api.GetCallQueue(s.t.Context(), "support")
				s.must(err)
				return q.Body.Name
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, choice := range []string{"Save mine", "Keep what is there"} {
				s := admin(t, nil)
				_, err := s.api.PutRole(t.Context(), "helper", client.PutRoleRequest{Name: "Helper"}, key())
				s.must(err)
				_, err = s.api.PutCallQueue(t.Context(), "support", client.PutCallQueueRequest{Name: "Support"}, key())
				s.must(err)
				s.visit("/console/" + s.account + "/" + c.path)
				s.fill(c.field, c.mine)
				s.must(c.change(s))
				s.click("Save")
				s.see(
					"Somebody else has changed this while you had it open.", "Nothing of yours was saved.", c.mine,
					c.theirs,
				)
				if got := c.now(s); got != c.theirs {
					t.Errorf("%q was saved before the choice", got)
				}
				if choice == "Save mine" && c.chosen {
					s.click(c.field + ", yours: " + c.mine)
					s.click("Save what is chosen")
				} else {
					s.click(choice)
				}
				s.miss("Somebody else has changed this")
				want := map[string]string{"Save mine": c.mine, "Keep what is there": c.theirs}[choice]
				if got := c.now(s); got != want {
					t.Errorf("after %q it is %q, want %q", choice, got, want)
				}
			}
		})
	}
}
