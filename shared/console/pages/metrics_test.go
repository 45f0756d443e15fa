package pages_test

import (
	"net/http"
	"testing"

	"seatwise/infra/consoletest"
	"seatwise/shared/console/client"
)

// The steps of the portals: Edit at the top, the new maximum, Save; and 2/10 is what is in use of
// it.
func TestTheMaximumOfWallboards(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/").Link("Metrics"))
	page.Says("Users", "Clients", "Supervisor", "Devices", "Essential Users", "A snapshot of what is in use, taken")

	form := b.Get(page.Link("Edit")).Post()
	form.Set("max", "10")
	b.Submit(form).Says("The maximum is saved: up to 10 wallboards may be configured.", "0/10")
	b.Submit(form).Says("0/10") // a double click

	form = b.Get("/console/acme/metrics/wallboards").Post()
	if form.Values.Get("max") != "10" {
		t.Errorf("the field has %q", form.Values.Get("max"))
	}
	form.Set("max", "many")
	refused := b.Submit(form)
	if refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d", refused.Status)
	}
	refused.Says("Must be a whole number.")

	// Somebody else's change in between.
	form = b.Get("/console/acme/metrics/wallboards").Post()
	if _, err := api.PutWallboardMaximum(
		t.Context(), client.PutWallboardMaximumRequest{Max: 12}, client.Change{Key: "other"},
	); err != nil {
		t.Fatal(err)
	}
	form.Set("max", "7")
	both := b.Submit(form)
	if both.Status != http.StatusPreconditionFailed {
		t.Fatalf("%d %s", both.Status, both.Text())
	}
	both.Says("Somebody else has changed this", "7", "12")
	b.Submit(both.Post()).Says("0/7")
}

func TestWhoMayOnlyReadMetricsIsOfferedNoEdit(t *testing.T) {
	c := consoletest.Start(t)
	c.Account(t, "acme", nil)
	form := c.SignIn(t, "acme", "ada").Get("/console/acme/metrics/wallboards").Post()
	b := c.SignIn(t, "acme", "ada", "metrics.read")
	page := b.Get("/console/acme/metrics")
	page.Says("Essential Users")
	page.Hides("Edit", "Save")
	b.Get("/console/acme/metrics/wallboards").Hides("Save")
	form.Set("max", "3")
	if p := b.Submit(form); p.Status != http.StatusForbidden {
		t.Errorf("%d %s", p.Status, p.Text())
	}
}
