package pages_test

import (
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// A cap is set with the acknowledgement of the price, shown with its state, and taken back.
func TestCapsAreSetWithTheAcknowledgementOfThePrice(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", map[string]int64{"developer": 2})
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/billing").Link("Automatic purchases"))
	page.Says("Automatic purchases", "missing seats are bought automatically")
	page.Says("Live Reports", "Developer")
	place := "/console/acme/billing/policies/live-reports"
	form := b.Get(place).Post()
	price := form.Values.Get("acknowledgedPrice")
	form.Set("enabled", "yes")
	form.Set("maxSeats", "3")
	form.Set("maxAmount", "1,5")
	form.Set("costCenter", "CC-1")
	form.Set("lowSeats", "5")
	form.Set("acknowledgedPrice", "")
	b.Submit(form).Says("Must be acknowledged")
	if price != "" {
		t.Errorf("acknowledged before anybody did: %q", price)
	}
	form.Set("acknowledgedPrice", "1 USD")
	b.Submit(form).Says("Must be an amount such as 250 or 99.50")
	form.Set("maxAmount", "99.5")
	page = b.Submit(form)
	page.Says("Automatic purchases and alerts of Live Reports are saved.")
	page.Says("3 seats", "$99.50 a month", "0 seats, $0.00", "suspended", "was acknowledged")
	form = b.Get(place).Post()
	if form.Values.Get("maxAmount") != "99.50" || form.Values.Get("maxSeats") != "3" ||
		form.Values.Get("lowSeats") != "5" || form.Values.Get("acknowledgedPrice") != "" {
		t.Errorf("saved: %v", form.Values)
	}
	form.Set("enabled", "")
	form.Set("maxSeats", "")
	form.Set("maxAmount", "")
	b.Submit(form).Hides("suspended", "3 seats")

	reader := c.SignIn(t, "acme", "eve", "billing.read", "catalog.read")
	page = reader.Get("/console/acme/billing/policies")
	page.Says("Automatic purchases", "Live Reports")
	page.Hides("/billing/policies/live-reports")
}

// A cap is acknowledged again, by who may buy, where who did has lost the permission.
func TestACapIsAcknowledgedAgain(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 2})
	place := "/console/acme/billing/policies/live-reports"
	form := c.SignIn(t, "acme", "bob").Get(place).Post()
	form.Set("enabled", "yes")
	form.Set("maxSeats", "3")
	form.Set("costCenter", "CC-1")
	form.Set("acknowledgedPrice", "2500 USD")
	c.SignIn(t, "acme", "bob").Submit(form).Says("3 seats", "buys")
	inactive := false
	_, err := api.PutUser(t.Context(), "bob", client.PutUserRequest{Name: "Bob", Active: &inactive}, client.Change{})
	if err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(place)
	page.Says("bob acknowledged the price and may not buy any more")
	if form = page.Post(); form.Values.Get("acknowledgedPrice") != "" {
		t.Error("the box is ticked that somebody else ticked")
	}
	form.Set("acknowledgedPrice", "2500 USD")
	b.Submit(form).Says("3 seats", "buys")
}
