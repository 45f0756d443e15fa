package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// asks has somebody ask for a product, and gives the request's id.
func asks(t *testing.T, c *consolewalk.Console, user, product string) string {
	t.Helper()
	r, err := c.API(t, "acme", user, "roles").CreateRequest(
		t.Context(), client.CreateRequestRequest{ProductID: product, Reason: "I answer calls"},
		client.Change{Key: user + product},
	)
	if err != nil {
		t.Fatal(err)
	}
	return r.Body.ID
}

// Who has no permission at all is led to asking, asks, sees what becomes of it, and withdraws; what an
// approver does is neither offered to them nor done.
func TestAPersonWithoutPermissionsAsks(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1, "developer": 1})
	b := c.SignIn(t, "acme", "zoe", "roles")
	page := b.Get("/console/acme/")
	const little = "Your own licenses, and your requests, are what your role shows you of the account."
	page.Says(little, "You hold no license.")
	some := c.SignIn(t, "acme", "zoe", "directory.read", "metrics.read").Get("/console/acme/")
	some.Says("There is nothing more on this page for your role. In the menu it has Live Reports, Metrics, Directory", "ask for")
	some.Hides(little)
	page = b.Get(page.Link("Requests"))
	page.Says("You have not asked for anything yet.", "who manages licenses decides")
	page = b.Get(page.Link("Ask for a license"))
	page.Says("Live Reports", "Agent User (charged by use)")
	page.Hides("$", "The user's id", "Wallboard")
	form := page.Post()
	b.Submit(form).Says("Nothing was changed: look at License Type, Reason")
	form.Set("productId", "live-reports")
	form.Set("reason", "I answer calls in Detroit")
	page = b.Submit(form)
	page.Says("The request for Live Reports is sent.", "I answer calls in Detroit", "open", "you")
	if len(page.Links("Approve"))+len(page.Links("Deny")) > 0 {
		t.Error("they are offered to decide")
	}
	b.Submit(form).Says("The request for Live Reports is sent.")
	if n := len(b.Get("/console/acme/requests").Links("Live Reports")); n != 1 {
		t.Errorf("a double click has made %d requests", n)
	}
	page = b.Get(page.Link("Live Reports"))
	page.Says("It waits for somebody else who manages licenses.", "Asked", "by you")
	place := page.URL.Path
	if p := b.Get(place + "/approve"); p.Status != http.StatusForbidden {
		t.Errorf("forced: %d %s", p.Status, p.Text())
	}

	other := c.SignIn(t, "acme", "john", "roles")
	other.Get("/console/acme/requests").Hides("I answer calls in Detroit")
	if p := other.Get(place); p.Status != http.StatusNotFound {
		t.Errorf("somebody else's: %d", p.Status)
	}

	page = b.Get(page.Link("Withdraw"))
	page.Says("Withdraw the request for Live Reports?", "Nobody decides on it any more")
	b.Submit(page.Post()).Says("The request for Live Reports is withdrawn.", "withdrawn")
	b.Get(place + "/withdraw").Says("This request has ended")

	// What they have they see, and are not offered to ask for.
	items := []client.AssignmentWithExtension{{ProductID: "developer", UserID: "zoe"}}
	body := client.AssignProductsRequest{Items: items}
	if _, err := api.AssignProducts(t.Context(), body, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	page = b.Get("/console/acme/")
	page.Says("Your licenses", "Developer", "Yours since")
	page = b.Get("/console/acme/requests/new")
	page.Says("Live Reports")
	page.Hides("Developer")
}

// An approver is led to the open requests, sees what an approval does before it, denies with a word,
// and finds no way to decide on their own.
func TestAnApproverDecides(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	if _, err := api.PutUser(t.Context(), "ada", client.PutUserRequest{Name: "Ada Lovelace"},
		client.Change{Key: "ada"}); err != nil {
		t.Fatal(err)
	}
	asks(t, c, "zoe", "live-reports")
	asks(t, c, "john", "developer")
	asks(t, c, "ada", "developer")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/")
	page.Says("2 requests wait for your decision.") // and not the third, which is her own
	page = b.Get(page.Link("Decide"))
	if page.URL.Query().Get("state") != "open" {
		t.Errorf("led to %s", page.URL)
	}
	page.Says("Zoe Alvarez", "John Smith", "I answer calls")
	if approve, withdraw := len(page.Links("Approve")), len(page.Links("Withdraw")); approve != 2 || withdraw != 1 {
		t.Errorf("%d to approve and %d of her own to withdraw", approve, withdraw)
	}

	page = b.Get(linkOf(t, page, "Approve: Live Reports for Zoe Alvarez"))
	page.Says("Approve Live Reports for Zoe Alvarez?", "What this does", "Zoe Alvarez gets Live Reports",
		"What you pay stays the same.")
	form := page.Post()
	b.Submit(form).Says("Approved: Zoe Alvarez has Live Reports now.", "fulfilled")
	b.Submit(form).Says("Approved: Zoe Alvarez has Live Reports now.")
	b.Get(page.URL.Path).Says("nothing to approve")

	page = b.Get(linkOf(t, b.Get("/console/acme/requests"), "Deny: Developer for John Smith"))
	form = page.Post()
	form.Set("note", "Ask again in spring")
	b.Submit(form).Says("The request of John Smith for Developer is denied.", "Ask again in spring")

	page = b.Get("/console/acme/requests?state=denied")
	page.Says("John Smith")
	page.Hides("Zoe Alvarez")
	b.Get("/console/acme/requests?state=decided").Says("John Smith", "Zoe Alvarez")
	b.Get("/console/acme/directory/users/zoe").Says("Requests", "I answer calls", "fulfilled")
	b.Get("/console/acme/search?q=ask").Link("Requests")
	c.SignIn(t, "acme", "john", "roles").Get("/console/acme/requests").Says("denied", "Ask again in spring")
	b.Get("/console/acme/").Hides("for your decision")
}

// linkOf is the address of the link with a name of its own.
func linkOf(t *testing.T, p *consolewalk.Page, label string) string {
	t.Helper()
	for _, a := range p.Elements("a") {
		named, href := false, ""
		for _, at := range a.Attr {
			named = named || at.Key == "aria-label" && at.Val == label
			if at.Key == "href" {
				href = at.Val
			}
		}
		if named {
			return href
		}
	}
	t.Fatalf("no link %s in %s", label, p.Text())
	return ""
}

// Without a free seat the approval says so before it is given; where a policy buys one, it says for how
// much, and a cap that is reached is told in the place of the button.
func TestAnApprovalSaysWhatItBuys(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1})
	first, second := asks(t, c, "zoe", "live-reports"), asks(t, c, "john", "live-reports")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/requests/" + first + "/approve")
	page.Says("No license of Live Reports is free.", "gets one automatically as soon as", "Buy one in a new tab")

	catalog, err := api.ListCatalog(t.Context(), client.ListCatalogQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	var price client.Money
	for _, p := range catalog.Body.Items {
		if p.ID == "live-reports" {
			price = p.UnitPrice
		}
	}
	if _, err := api.PutPolicy(t.Context(), "live-reports", client.PutPolicyRequest{
		AutoPurchase: client.Set(client.AutoPurchaseBody{
			Enabled: new(true), MaxSeats: client.Set(int64(1)), CostCenter: new("CC-1"), AcknowledgedPrice: &price,
		}),
	}, client.Change{Key: "policy"}); err != nil {
		t.Fatal(err)
	}
	c.SignIn(t, "acme", "bob", "licenses.manage").Get("/console/acme/requests/"+first+"/approve").Says(
		"This cannot be done now.", "Your role does not allow: Buy licenses")
	page = b.Get("/console/acme/requests/" + first + "/approve")
	page.Says("Zoe Alvarez gets Live Reports", "are due today", "more a month")
	b.Submit(page.Post()).Says("Approved: Zoe Alvarez has Live Reports now.")
	page = b.Get("/console/acme/requests/" + second + "/approve")
	page.Says("This cannot be done now.", "the policy has bought all that it may")
	if strings.Contains(page.Text(), "What this does") {
		t.Error("a refusal is foretold as if it were none")
	}
}

// Who lacks the license that an add-on hangs on is told so in the form, and asks for both at once.
func TestAnAddOnIsAskedForWithItsLicense(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "zoe", "directory.read")
	page := b.Get("/console/acme/requests/new")
	page.Says("Call Recording (add-on) (ask for Phone System first: you have none)")
	form := page.Post()
	form.Set("productId", "call_recording")
	form.Set("reason", "Calls of customers")
	again := b.Submit(form)
	again.Says("Is an add-on of Phone System, which you do not have: ask for that first, or for both")
	form = again.Post()
	form.Set("both", "yes")
	b.Submit(form).Says("The request for Call Recording is sent, with one for Phone System, which it hangs on.")
	got, err := api.ListRequests(t.Context(), client.ListRequestsQuery{User: "zoe"})
	if err != nil || len(got.Body.Items) != 2 {
		t.Errorf("%+v, %v", got.Body.Items, err)
	}
	// Who decides is led from the add-on to the license that is asked for beside it, and later told that it waits.
	ada := c.SignIn(t, "acme", "ada")
	const addOn = "Approve: Call Recording for Zoe Alvarez"
	approve := ada.Get(linkOf(t, ada.Get("/console/acme/requests"), addOn))
	approve.Says("Zoe Alvarez asked for Phone System too.")
	approve.Hides("Buy what is missing", "Buy one")
	base := ada.Get(approve.Link("Approve that first"))
	base.Says("Approve Phone System for Zoe Alvarez?")
	ada.Get("/console/acme/").Hides("for a seat, and nobody need decide")
	ada.Submit(base.Post()).Says("as soon as a seat is free")
	approve = ada.Get(linkOf(t, ada.Get("/console/acme/requests"), addOn))
	approve.Says("That is approved, and waits for a seat")
	home := ada.Get("/console/acme/")
	home.Says("1 request waits for a seat, and nobody need decide any more.")
	if !slices.Contains(home.Links("See them"), "/console/acme/requests?state=approved") {
		t.Error("nothing leads to the request that waits for a seat")
	}
	form = b.Get("/console/acme/requests/new").Post()
	form.Set("productId", "device_ip_phone")
	form.Set("reason", "A phone")
	form.Set("both", "yes")
	b.Submit(form).Says("The request for IP Phone is sent") // the phone's own is pending already
}
