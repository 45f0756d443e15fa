package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"seatwise/infra/consoletest"
	"seatwise/shared/console/client"
)

// licensesOf lists an account's licenses of a product.
func licensesOf(t *testing.T, api *client.Client, product string) []client.License {
	t.Helper()
	list, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{Product: []string{product}, Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return list.Body.Items
}

func one(t *testing.T, api *client.Client, id string) client.License {
	t.Helper()
	l, err := api.GetLicense(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l.Body
}

// The steps of the portals: the More menu of a license with N/A, Assign, choose a user, Assign;
// then Unassign, which says what will happen, and Confirm.
func TestAssignAndUnassign(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	b := c.SignIn(t, "acme", "ada")

	list := b.Get(b.Get("/console/acme/").Link("Licenses"))
	list.Says(
		"License Type",
		"Assigned To",
		"Ext",
		"Cost Center Code",
		"Date Added",
		"Actions",
		"N/A",
		"1 license, 1 of them free",
	)
	page := b.Get(list.Link("Assign"))
	form := page.Post()
	form.Set("userId", "zoe")
	done := b.Submit(form)
	done.Says("Live Reports is assigned to Zoe Alvarez.", "1 license, 0 of them free")
	if l := one(t, api, id); l.UserID != "zoe" {
		t.Fatalf("it is %q's", l.UserID)
	}
	again := b.Get(done.URL.Path)
	again.Hides("is assigned to Zoe Alvarez.")
	if len(again.Links("Assign")) != 0 {
		t.Error("what somebody holds is offered to be assigned")
	}

	page = b.Get(again.Link("Unassign"))
	page.Says("placed back into your account for future use", "Zoe Alvarez")
	b.Submit(page.Post()).Says("Live Reports is unassigned and back in your account for future use.", "N/A")
	if l := one(t, api, id); l.UserID != "" {
		t.Errorf("it is still %q's", l.UserID)
	}
}

// A double click, and the back button with another press, are one effect and the first answer.
func TestAFormThatIsSentTwiceIsCarriedOutOnce(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	l := licensesOf(t, api, "live-reports")[0]
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + l.ID + "/assign").Post()
	form.Set("userId", "zoe")
	var all sync.WaitGroup
	pages := make([]*consoletest.Page, 4)
	for i := range pages {
		all.Go(func() { pages[i] = b.Submit(form) })
	}
	all.Wait()
	for _, p := range slices.Concat(pages, []*consoletest.Page{b.Submit(form)}) {
		if p.Status != http.StatusOK || p.URL.Path != "/console/acme/licenses" {
			t.Errorf("%d at %s: %s", p.Status, p.URL, p.Text())
		}
	}
	audit, err := api.ListAudit(t.Context(), client.ListAuditQuery{License: l.ID})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range audit.Body.Items {
		if strings.Contains(e.Action, "assigned") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("it was assigned %d times: %+v", n, audit.Body.Items)
	}
}

// Somebody else's change in between is shown beside one's own, and whoever sees both chooses.
func TestSomebodyElsesChange(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + id + "/cost-center").Post()
	form.Set("costCenter", "CC-2")
	if _, err := api.PutCostCenter(
		t.Context(),
		"CC-3",
		client.PutCostCenterRequest{Name: "Lobby"},
		client.Change{Key: "c"},
	); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ChangeLicense(
		t.Context(),
		id,
		client.ChangeLicenseRequest{CostCenter: "CC-3"},
		client.Change{Key: "x"},
	); err != nil {
		t.Fatal(err)
	}
	both := b.Submit(form)
	if both.Status != http.StatusPreconditionFailed {
		t.Fatalf("%d %s", both.Status, both.Text())
	}
	both.Says("Somebody else has changed this", "CC-2", "CC-3", "Keep what is there")
	if got := one(t, api, id).CostCenter; got != "CC-3" {
		t.Errorf("it is charged to %s", got)
	}
	b.Submit(both.Post()).Says("charged to CC-2 now")
	if got := one(t, api, id).CostCenter; got != "CC-2" {
		t.Errorf("it is charged to %s", got)
	}
}

// What the API refuses stands at the top and beside the field, in its words, with what was typed
// still there; sent again it is another request.
func TestARefusalIsSaidBesideTheField(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1})
	id := licensesOf(t, api, "phone-system")[0].ID
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + id + "/assign").Post()
	key := form.Values.Get("_key")
	form.Set("userId", "zoe")
	form.Set("extension", "12 x")
	p := b.Submit(form)
	if p.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%d %s", p.Status, p.Text())
	}
	form = p.Post()
	if form.Values.Get("extension") != "12 x" || form.Values.Get("userId") != "zoe" || form.Values.Get("_key") == key {
		t.Errorf("the form is %v", form.Values)
	}
	b.Get(p.Link("What this means, and what can be done")).Says("What can be done")
	form.Set("extension", "101")
	b.Submit(form).Says("Phone System is assigned to Zoe Alvarez.", "101")
}

func TestManySelected(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3})
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses").Form("/licenses/selected")
	var values []string
	for _, l := range licensesOf(t, api, "live-reports")[:2] {
		values = append(values, l.ID+"~live-reports~")
	}
	form.Set("license", values...)
	form.Set("do", "cost-center")
	page := b.Submit(form)
	page.Says("Change the cost center of 2 licenses")
	post := page.Post()
	post.Set("costCenter", "CC-2")
	b.Submit(post).Says("2 licenses are charged to CC-2 now.")
	form.Set("do", "terminate")
	page = b.Submit(form)
	page.Says("Terminate 2 licenses?", "This cannot be undone")
	b.Submit(page.Post()).Says("2 licenses are terminated.", "1 license, 1 of them free")
	form.Set("license")
	b.Submit(form).Says("No license is selected.")
}

func TestFiltersAreInTheAddress(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 60, "phone-system": 1})
	l := licensesOf(t, api, "live-reports")[0]
	if _, err := api.AssignLicense(
		t.Context(),
		l.ID,
		client.AssignLicenseRequest{UserID: "zoe"},
		client.Change{Key: "a"},
	); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	list := b.Get("/console/acme/licenses?product=live-reports")
	list.Says("50 licenses on this page")
	next := b.Get(list.Link("Next"))
	next.Says("10 licenses on this page", "First page")
	found := b.Get("/console/acme/licenses?q=alva&status=assigned")
	found.Says("Zoe Alvarez", "1 license on this page")
	if form := found.Form(
		"/console/acme/licenses",
	); form.Values.Get("q") != "alva" ||
		form.Values.Get("status") != "assigned" {
		t.Errorf("the filters are %v", form.Values)
	}
	b.Get("/console/acme/licenses?q=nobody").Says("No license fits these filters.", "Show all licenses")
	// From a filtered list one comes back to it.
	page := b.Get(found.Link("Unassign"))
	if done := b.Submit(page.Post()); done.URL.Query().Get("q") != "alva" {
		t.Errorf("it leads to %s", done.URL)
	}
}
