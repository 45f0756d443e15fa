package pages_test

import (
	"net/http"
	"slices"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// Who waits is listed with the reason, and the chain behind it reads from the dashboard to the
// person.
func TestWhoWaitsAndWhy(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/").Link("Live Reports"))
	page.Says("Who waits", "member of Queue detroit", "Nobody is excluded.", "Dashboard support",
		"Queue detroit", "monitored", "Download License Status Report")
	waits := b.Get(page.Link("Why?"))
	waits.Says("waits for a license of Live Reports, since",
		"The dashboard Dashboard support shows the call queue Queue detroit , and",
		"is a member of it since")

	// One who is found is answered at once; of several one is chosen.
	b.Get("/console/acme/live-reports/users?q=zoe").Says("Why: Zoe Alvarez", "Zoe Alvarez")
	list := b.Get("/console/acme/live-reports/users")
	b.Get(list.Link("Zoe Alvarez")).Says("Why: Zoe Alvarez", "Zoe Alvarez")
	queue := b.Get(page.Link("Queue detroit"))
	queue.Says("2 members, all of them monitored", "Zoe Alvarez", "John Smith", "Live Reports", "waits")
	b.Get(queue.Link("Dashboard support")).Says(
		"1 member with a license", "1 member who waits for one", "Queue detroit",
	)
	b.Get(page.Link("Live Reports"))
	if links := page.Links("Live Reports"); len(links) < 2 {
		t.Errorf("the licenses are not linked: %v", links)
	}
	b.Get("/console/acme/live-reports/users/nobody").Hides("holds a license")

	off := client.PatchUserRequest{Active: new(false)}
	if _, err := api.PatchUser(t.Context(), "john", off, client.Change{Key: "off"}); err != nil {
		t.Fatal(err)
	}
	queue = b.Get(page.Link("Queue detroit"))
	queue.Says("2 members. 1 is not active and needs no license", "not active: needs none")
	queue.Hides("all of them monitored")
	why := b.Get("/console/acme/live-reports/users/john")
	why.Says("John Smith is not active", "they need no license")
	why.Hides("they are in no call queue that a dashboard shows")
}

// Where several wait, what is offered is to buy as many, and Purchase has that number typed already.
func TestAsManyAsWaitAreBought(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	_, err := api.PutUser(t.Context(), "eve", client.PutUserRequest{Name: "Eve Moore"}, client.Change{Key: "eve"})
	if err != nil {
		t.Fatal(err)
	}
	monitored(t, api, "detroit", "support", "zoe", "john", "eve")
	b := c.SignIn(t, "acme", "ada")
	overview := b.Get("/console/acme/")
	waiting := b.Get(overview.Link("See who waits"))
	why := b.Get(waiting.Link("Why?"))
	for _, address := range []string{
		overview.Link("Buy 2"), waiting.Link("Buy 2 Live Reports"), why.Link("Buy 2"),
	} {
		form := b.Get(address).Post()
		if got := form.Values["quantity-live-reports"]; !slices.Equal(got, []string{"2"}) {
			t.Errorf("%s proposes %q", address, got)
		}
	}
	first, second := asks(t, c, "john", "phone-system"), asks(t, c, "zoe", "phone-system")
	b.Submit(b.Get("/console/acme/requests/" + first + "/approve").Post())
	b.Get("/console/acme/requests/" + second + "/approve").Says("Buy 2 in a new tab: as many as wait then.")
	c.SignIn(t, "acme", "eve", "licenses.read").Get("/console/acme/live-reports").Hides("Buy 2")
}

// Why somebody waits says at which place, and which free licenses the fence of another cost center keeps
// from them, and leads to it.
func TestWhyWaitsByAFence(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3})
	free := licensesOf(t, api, "live-reports")
	fenced := client.PutCostCenterRequest{Name: "Sales", Fenced: new(true)}
	if _, err := api.PutCostCenter(t.Context(), "SALES", fenced, client.Change{Key: "fence"}); err != nil {
		t.Fatal(err)
	}
	moved := client.ChangeCostCenterRequest{CostCenter: "SALES", LicenseIDs: []string{free[1].ID, free[2].ID}}
	if _, err := api.ChangeCostCenter(t.Context(), moved, client.Change{Key: "move"}); err != nil {
		t.Fatal(err)
	}
	monitored(t, api, "detroit", "support", "zoe")
	monitored(t, api, "belmont", "sales", "john")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/live-reports/users/john")
	page.Says("waits for a license of Live Reports, since", "They are at place 1 of 1 who waits.",
		"2 licenses are free behind the fence of the cost center SALES, whose licenses are for its own users only:",
		"not for John Smith, who has none.")
	if at := page.Link("The fence of SALES"); at != "/console/acme/billing/cost-centers/SALES" {
		t.Errorf("the fence is at %s", at)
	}
	b.Get("/console/acme/live-reports/users/zoe").Hides("place", "fence")
}

// Before an automatic license is reassigned it is said that its holder does not get it back by themselves; their page
// says from what they are excluded, and leads to lifting it.
func TestReassigningAnAutomaticLicenseExcludes(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe")
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/directory/users/zoe").Hides("Not given automatically")
	ask := b.Get("/console/acme/licenses/" + licensesOf(t, api, "live-reports")[0].ID + "/reassign")
	ask.Says("Zoe Alvarez is not given one automatically again, and does not wait for one")
	form := ask.Post()
	form.Set("userId", "john")
	b.Submit(form).Says("John Smith's now", "Who had it is not given one automatically again")
	page := b.Get("/console/acme/directory/users/zoe")
	page.Says("Not given automatically", "and do not wait for one", "Live Reports")
	page.Hides("Waits for")
	b.Submit(b.Get(page.Link("Lift the exclusion")).Post()).Says("The exclusion is lifted.")
	b.Get("/console/acme/directory/users/zoe").Hides("Not given automatically")
}

// Who is excluded is listed, and lifting says what will happen, once.
func TestLiftAnExclusion(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe")
	license := licensesOf(t, api, "live-reports")[0]
	if license.UserID != "zoe" {
		t.Fatalf("%+v", license)
	}
	if _, err := api.UnassignLicense(t.Context(), license.ID, client.Change{Key: "u"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/live-reports/users/zoe").Says("is not given a license", "Lift the exclusion")
	page := b.Get("/console/acme/live-reports")
	page.Says("Who is excluded", "Zoe Alvarez", "ada")
	lift := b.Get(page.Link("Lift"))
	lift.Says("Lift the exclusion of Zoe Alvarez?", "they get one at once if there is a reason and one is free")

	reader := c.SignIn(t, "acme", "ada", "licenses.read")
	seen := reader.Get("/console/acme/live-reports")
	if len(seen.Links("Lift")) != 0 {
		t.Error("lifting is offered to who may only read")
	}
	if p := reader.Submit(lift.Post()); p.Status != http.StatusForbidden {
		t.Errorf("%d %s", p.Status, p.Text())
	}

	form := lift.Post()
	b.Submit(form).Says("The exclusion is lifted.", "Nobody is excluded.")
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d %s", p.Status, p.Text())
	}
	if got := one(t, api, license.ID).UserID; got != "zoe" {
		t.Errorf("it is %q's", got)
	}
}
