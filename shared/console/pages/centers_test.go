package pages_test

import (
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// A cost center is made with a fence, which is seen in the list and taken down; a person is moved to
// it; and its seat is asked for when a license is assigned (requirements, section 12).
func TestFencesAreSeenAndChanged(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	form := b.Get(b.Get(b.Get("/console/acme/billing").Link("Cost centers")).Link("+ New cost center")).Post()
	form.Set("code", "LAB")
	form.Set("fenced", "yes")
	b.Submit(form).Says("The cost center LAB is made.", "LAB fenced", "CC-1 Support open")
	lines := []client.QuoteLineInput{{ProductID: "live-reports", Quantity: 1, CostCenter: "LAB"}}
	quote, err := api.CreateQuote(t.Context(), client.CreateQuoteRequest{Lines: &lines}, client.Change{Key: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	order := client.PlaceOrderRequest{QuoteID: quote.Body.ID, Acknowledged: new(true)}
	if _, err := api.PlaceOrder(t.Context(), order, client.Change{Key: "order"}); err != nil {
		t.Fatal(err)
	}

	give := "/console/acme/licenses/give?do=review&product=live-reports&user=zoe&costCenter="
	b.Get(give + "LAB").Says("Zoe Alvarez gets none: no free one of LAB, or its fence keeps it from them")
	form = b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("costCenter", "LAB")
	b.Submit(form).Says("Cost Center LAB")
	if got := user(t, api, "zoe").CostCenter; got != "LAB" {
		t.Errorf("zoe is of %q", got)
	}
	review := b.Get(give + "CC-1")
	review.Says("Zoe Alvarez gets one")
	b.Submit(review.Post())
	got, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{User: "zoe"})
	if err != nil || len(got.Body.Items) != 1 || got.Body.Items[0].CostCenter != "CC-1" {
		t.Errorf("asked for one of CC-1, she has %+v, %v", got.Body.Items, err)
	}

	form = b.Get("/console/acme/billing/cost-centers/LAB").Post()
	if !form.Values.Has("fenced") {
		t.Error("the fence is not shown")
	}
	form.Values.Del("fenced")
	b.Submit(form).Says("LAB is saved.", "LAB open")
	center, err := api.GetCostCenter(t.Context(), "LAB")
	if err != nil || center.Body.Fenced {
		t.Errorf("%+v, %v", center.Body, err)
	}

	form = b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("costCenter", "")
	b.Submit(form)
	if got := user(t, api, "zoe").CostCenter; got != "" {
		t.Errorf("zoe is of %q", got)
	}
}

// What a fence does to seats and people is told by their names before it is put up or taken down.
func TestAFenceIsForetold(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1, "developer": 2})
	monitored(t, api, "detroit", "support", "zoe", "john")
	home := client.PatchUserRequest{CostCenter: client.Set("CC-1")}
	if _, err := api.PatchUser(t.Context(), "john", home, client.Change{Key: "home"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/billing/cost-centers/CC-1").Post()
	form.Set("fenced", "yes")
	waits := waiting(t, api)
	whose := map[string]string{
		"Zoe Alvarez": "Behind the fence no Live Reports is given to Zoe Alvarez, who wait",
		"John Smith":  "It is still given to John Smith, who wait",
	}[waits]
	form.Set("see", "yes")
	b.Submit(form).Says("2 free of Developer are kept for the users of CC-1.", whose,
		"The users of CC-1 are John Smith.", "Licenses of CC-1", "Developer 2 0", "Live Reports 0 1")
	form.Values.Del("see")
	b.Submit(form).Says("CC-1 is saved.")

	// A seat of the fenced cost center that is free; who waits and is not of it gets it when the fence falls.
	if _, err := api.PatchUser(t.Context(), "john", client.PatchUserRequest{CostCenter: client.Clear[string]()},
		client.Change{Key: "away"}); err != nil {
		t.Fatal(err)
	}
	bought := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	if got := waiting(t, bought); got != waits {
		t.Fatalf("%s waits, and then %s", waits, got)
	}
	form = b.Get("/console/acme/billing/cost-centers/CC-1").Post()
	form.Values.Del("fenced")
	form.Set("see", "yes")
	b.Submit(form).Says(waits+" gets Live Reports", "may then be given to anybody of the account",
		"Nobody is a user of CC-1 now", "Licenses of CC-1")
}

// waiting is who waits alone.
func waiting(t *testing.T, api *client.Client) string {
	t.Helper()
	w, err := api.ListWaiting(t.Context(), client.ListWaitingQuery{})
	if err != nil || len(w.Body.Items) != 1 {
		t.Fatalf("%+v, %v", w.Body.Items, err)
	}
	return w.Body.Items[0].UserName
}

// Who may not see licenses is not led to those of a cost center.
func TestCostCentersForWhoMayNotSeeLicenses(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	page := c.SignIn(t, "acme", "eve", "billing.read").Get("/console/acme/billing/cost-centers")
	page.Says("CC-1")
	if links := page.Links("CC-1"); len(links) > 0 {
		t.Errorf("it leads to %v", links)
	}
	if links := c.SignIn(t, "acme", "ada").Get("/console/acme/billing/cost-centers").Links("CC-1"); len(links) != 1 {
		t.Errorf("%v", links)
	}
}

// Who opens the list of cost centers without having searched is not told that there is none of a name.
func TestNoCostCenterYet(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/accounts/new").Post()
	form.Set("id", "globex")
	form.Set("name", "Globex")
	form.Set("brand", "RingCentral")
	form.Set("timezone", "America/Detroit")
	b.Submit(form)
	b.Get("/console/globex/billing/cost-centers").Says("There are no cost centers yet.")
	b.Get("/console/globex/billing/cost-centers?q=x").Says("There is no such cost center.")
}
