package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"seatwise/infra/testing/consolewalk"
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
	c := consolewalk.Start(t)
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
	if since := b.Get("/console/acme/licenses/" + id); !strings.Contains(since.Text(), "Assigned Since") {
		t.Error("its page does not say since when she has it")
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
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	l := licensesOf(t, api, "live-reports")[0]
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + l.ID + "/assign").Post()
	form.Set("userId", "zoe")
	var all sync.WaitGroup
	pages := make([]*consolewalk.Page, 4)
	for i := range pages {
		all.Go(func() { pages[i] = b.Submit(form) })
	}
	all.Wait()
	for _, p := range slices.Concat(pages, []*consolewalk.Page{b.Submit(form)}) {
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

// A form that was made while somebody held the license takes it from nobody else.
func TestAStaleTabTakesNothingFromAnotherPerson(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	b := c.SignIn(t, "acme", "ada")
	give := func(user, key string) {
		t.Helper()
		body, change := client.AssignLicenseRequest{UserID: user}, client.Change{Key: key}
		if _, err := api.AssignLicense(t.Context(), id, body, change); err != nil {
			t.Fatal(err)
		}
	}
	give("zoe", "1")
	forms := map[string]*consolewalk.Form{}
	for _, what := range []string{"unassign", "reassign"} {
		forms[what] = b.Get("/console/acme/licenses/" + id + "/" + what).Post()
	}
	forms["reassign"].Set("userId", "ada")
	body := client.ReassignLicenseRequest{UserID: "john"}
	if _, err := api.ReassignLicense(t.Context(), id, body, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	refusals := map[string]int{"unassign": http.StatusConflict, "reassign": http.StatusPreconditionFailed}
	for what, form := range forms {
		page := b.Submit(form)
		if page.Status != refusals[what] {
			t.Errorf("%s: %d", what, page.Status)
		}
		page.Says("Somebody else has changed this", "it was assigned to Zoe Alvarez",
			"now it is assigned to John Smith")
		if l := one(t, api, id); l.UserID != "john" {
			t.Fatalf("%s: it is %q's", what, l.UserID)
		}
	}
	selected := b.Get("/console/acme/licenses/selected?do=unassign&license=" + id + "~live-reports~zoe")
	b.Submit(selected.Post()).Says("0 licenses are unassigned", "1 left alone")
	if l := one(t, api, id); l.UserID != "john" {
		t.Fatalf("it is %q's", l.UserID)
	}
	// Who has seen both may go on.
	b.Submit(b.Submit(forms["unassign"]).Post()).Says("Live Reports is unassigned and back in your account")
	b.Get("/console/acme/licenses/" + id + "/unassign").Says("Nobody holds this license")
}

// What a link has filtered is seen, counted and can be taken away.
func TestFiltersOfLinksAreSeen(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	order := orders(t, api)[0]
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/licenses?product=live-reports&order=" + order.ID)
	page.Says("Order "+order.Number, "2 of all 2 fit the filters")
	without := b.Get(page.Link("Order " + order.Number + " ×"))
	if without.URL.RawQuery != "product=live-reports" {
		t.Errorf("it leads to %s", without.URL)
	}
}

// The history says who gave which license to whom, on the page of the license and on the person's.
func TestHistoryInSentences(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1, "call_recording": 1})
	id := licensesOf(t, api, "phone-system")[0].ID
	give := client.AssignLicenseRequest{UserID: "zoe", Extension: new("101")}
	if _, err := api.AssignLicense(t.Context(), id, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	addOns := client.SetAddOnsRequest{ProductIDs: []string{"call_recording"}}
	if _, err := api.SetAddOns(t.Context(), id, addOns, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/licenses/" + id)
	page.Says("assigned Phone System to Zoe Alvarez", "by hand", "Add-ons", "Call Recording",
		licensesOf(t, api, "call_recording")[0].ID)
	page.Hides("direct")
	b.Get("/console/acme/directory/users/zoe").Says("assigned Call Recording to Zoe Alvarez", "+ Assign")
	b.Get("/console/acme/licenses/"+id+"/add-ons").Says("none free", "Buy what is missing")
}

// Only who can get a license is offered: the others are named with the reason, and what a search
// finds alone is chosen.
func TestWhoIsOfferedALicense(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	list := licensesOf(t, api, "live-reports")
	give := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), list[0].ID, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/licenses/" + list[1].ID + "/assign?q=john")
	if form := page.Post(); form.Values.Get("userId") != "john" {
		t.Errorf("the only one that is found is not chosen: %v", form.Values)
	}
	b.Get("/console/acme/licenses/"+list[1].ID+"/assign").
		Says("Not offered, since they hold one: Zoe Alvarez", "John Smith")
}

// A license that somebody waits for is not said to be back in the account.
func TestUnassigningSaysWhoGetsIt(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	give := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), id, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	queue := client.PutCallQueueRequest{Name: "Detroit", Members: client.Set([]string{"john"})}
	if _, err := api.PutCallQueue(t.Context(), "detroit", queue, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	board := client.PutDashboardRequest{Name: "Support", QueueIDs: client.Set([]string{"detroit"})}
	if _, err := api.PutDashboard(t.Context(), "d1", board, client.Change{Key: "3"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/directory/users/zoe/deactivate").Says("John Smith , who waits longest")
	page := b.Get("/console/acme/licenses/" + id + "/unassign")
	page.Says("goes at once to John Smith , who waits longest")
	page.Hides("for future use")
	done := b.Submit(page.Post())
	done.Says("went at once to John Smith, who waited for one")
	done.Hides("for future use")
	if l := one(t, api, id); l.UserID != "john" {
		t.Errorf("it is %q's", l.UserID)
	}
	members := client.PatchCallQueueRequest{Members: client.Set([]string{"john", "zoe"})}
	if _, err := api.PatchCallQueue(t.Context(), "detroit", members, client.Change{Key: "4"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.LiftExclusion(t.Context(), "live-reports", "zoe", client.Change{Key: "5"}); err != nil &&
		!client.Is(err, "not-found") {
		t.Fatal(err)
	}
	lines := client.AddCartLineRequest{ProductID: "live-reports", Quantity: 3, CostCenter: new("CC-1")}
	if _, err := api.AddCartLine(t.Context(), lines, client.Change{Key: "6"}); err != nil {
		t.Fatal(err)
	}
	form := reviewed(t, b).Post()
	form.Set("acknowledged", "yes")
	press(b, form, "order").Says("1 license was given to people who waited, 2 are free")
}

// Who may only look is told so when a form is opened, in the words of the page of roles.
func TestAFormOfWhatIsNotAllowed(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	reader := c.SignIn(t, "acme", "ada", "licenses.read", "directory.read")
	for _, path := range []string{"licenses/" + id + "/unassign", "licenses/" + id + "/assign"} {
		page := reader.Get("/console/acme/" + path)
		if page.Status != http.StatusForbidden || len(page.Elements("button")) > 2 {
			t.Errorf("%s: %d with %d buttons", path, page.Status, len(page.Elements("button")))
		}
		page.Says("Your role does not allow: Assign, unassign and terminate licenses")
	}
	reader.Get("/console/acme/directory/users/zoe/delete").
		Says("Your role does not allow: Change users, roles and call queues")
}

// Somebody else's change in between is shown beside one's own, and whoever sees both chooses.
func TestSomebodyElsesChange(t *testing.T) {
	c := consolewalk.Start(t)
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
	if _, err := c.API(t, "acme", "zoe", "licenses.read", "licenses.manage").ChangeLicense(
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
	both.Says("Somebody else has changed this", "CC-2 Sales", "CC-3 Lobby", "Keep what is there",
		"The latest change is by Zoe Alvarez , "+c.Now().In(detroit(t)).Format("Jan 2, 2006"))
	blind := c.SignIn(t, "acme", "ada", "licenses.read", "licenses.manage", "billing.read")
	unknown := blind.Submit(form)
	unknown.Says("Somebody else has changed this")
	unknown.Hides("The latest change is")
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
	c := consolewalk.Start(t)
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
	p.Says("Nothing was changed: look at Extension")
	p.Hides("The request is not valid", "Some fields are not acceptable")
	form = p.Post()
	if form.Values.Get("extension") != "12 x" || form.Values.Get("userId") != "zoe" || form.Values.Get("_key") == key {
		t.Errorf("the form is %v", form.Values)
	}
	// It opens beside the form, which keeps what was typed.
	help := p.Link("What this means, and what can be done (opens in a new tab)")
	if !slices.ContainsFunc(p.Elements("a"), func(a *html.Node) bool {
		return slices.Contains(a.Attr, html.Attribute{Key: "href", Val: help}) &&
			slices.Contains(a.Attr, html.Attribute{Key: "target", Val: "_blank"}) &&
			slices.Contains(a.Attr, html.Attribute{Key: "rel", Val: "noopener"})
	}) {
		t.Error("the explanation of a refusal takes the place of its form")
	}
	b.Get(help).Says("What can be done")
	form.Set("extension", "101")
	b.Submit(form).Says("Phone System is assigned to Zoe Alvarez.", "101")
}

func TestManySelected(t *testing.T) {
	c := consolewalk.Start(t)
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
	c := consolewalk.Start(t)
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
	list.Says("60 licenses, 50 on this page", "60 of all ")
	list.Hides("Previous")
	next := b.Get(list.Link("Next"))
	next.Says("60 licenses, 10 on this page", "First page")
	if back := b.Get(next.Link("Previous")); back.URL.String() != list.URL.String() {
		t.Errorf("Previous of the second page leads to %s", back.URL)
	}
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

// Who gives a license to another person from its own page is led back to it.
func TestReassignLeadsBackToTheLicense(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	give := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), id, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	form := b.Get(b.Get("/console/acme/licenses/" + id).Link("Reassign")).Post()
	form.Set("userId", "john")
	if done := b.Submit(form); done.URL.Path != "/console/acme/licenses/"+id {
		t.Errorf("it leads to %s", done.URL)
	}
}

// Who begins at a person is led back to them: from the person's page, and by way of the license's.
func TestReassignLeadsBackToThePerson(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	give := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), id, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	form := b.Get(b.Get("/console/acme/directory/users/zoe").Link("Reassign")).Post()
	form.Set("userId", "john")
	done := b.Submit(form)
	done.Says("Live Reports is John Smith's now", "They hold no license.")
	if done.URL.Path != "/console/acme/directory/users/zoe" {
		t.Errorf("it leads to %s", done.URL)
	}
	links := b.Get("/console/acme/directory/users/john").Links("Live Reports")
	form = b.Get(b.Get(links[len(links)-1]).Link("Reassign")).Post() // the first one is the navigation's
	form.Set("userId", "zoe")
	if done := b.Submit(form); done.URL.Path != "/console/acme/directory/users/john" {
		t.Errorf("by way of the license it leads to %s", done.URL)
	}
}

// Words that the portals do not have are explained where they stand.
func TestKindsOfLicensesAreExplained(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"call_recording": 1})
	user := client.PatchUserRequest{Licenses: client.Set([]string{"essential-user"})}
	if _, err := api.PatchUser(t.Context(), "zoe", user, client.Change{Key: "u"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/licenses/give").Says("Essential User (charged by use)", "What is charged by use is not bought")
	for product, says := range map[string]string{
		"call_recording": "Add-on: it hangs on a base license", "essential-user": "Charged by use: nobody buys it",
	} {
		b.Get("/console/acme/licenses/" + licensesOf(t, api, product)[0].ID).Says(says)
	}
}

// An add-on that is ticked says what it costs, as the others do.
func TestPricesOfAddOns(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1, "call_recording": 2})
	id := licensesOf(t, api, "phone-system")[0].ID
	give := client.AssignLicenseRequest{UserID: "zoe", Extension: new("101")}
	if _, err := api.AssignLicense(t.Context(), id, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	address := "/console/acme/licenses/" + id + "/add-ons"
	page := b.Get(address)
	page.Says("a month; 2 free", "a month; none free")
	form := page.Post()
	form.Set("productIds", "call_recording")
	b.Submit(form)
	again := b.Get(address)
	again.Says("Call Recording $")
	again.Hides("a month; 1 free")
}

// Of many people who are left out it is said how many they are, and only few are named.
func TestManyWhoAreNotOfferedAreCounted(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 7})
	list := licensesOf(t, api, "live-reports")
	for i, id := range []string{"zoe", "john", "u1", "u2", "u3", "u4"} {
		if i > 1 {
			if _, err := api.PutUser(t.Context(), id, client.PutUserRequest{Name: "Person " + id},
				client.Change{Key: id}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := api.AssignLicense(t.Context(), list[i].ID, client.AssignLicenseRequest{UserID: id},
			client.Change{Key: "a" + id}); err != nil {
			t.Fatal(err)
		}
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/licenses/" + list[6].ID + "/assign")
	page.Says("Not offered, since they hold one: 6 of those who are found.")
	page.Hides("Zoe Alvarez")
	b.Get("/console/acme/licenses/" + list[6].ID + "/assign?q=zoe").Says("since they hold one: Zoe Alvarez")
}
