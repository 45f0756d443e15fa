package pages_test

import (
	"net/http"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// The steps of the portals: Edit at the top, the new maximum, Save; and 2/10 is what is in use of
// it.
func TestTheMaximumOfWallboards(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/").Link("Metrics"))
	page.Says("Users", "Clients", "Supervisor", "Devices", "Essential Users", "A snapshot of what is in use, taken")

	form := b.Get(page.Link("Edit the maximum of wallboards")).Post()
	form.Set("max", "10")
	b.Submit(form).Says("The maximum is saved: up to 10 wallboards may be configured.", "0/10")
	b.Submit(form).Says("0/10") // a double click

	// The hint counts what the snapshot counts.
	wall := client.PutWallboardRequest{Name: "Hall", Kind: "analytics", UserID: "zoe"}
	if _, err := api.PutWallboard(t.Context(), "w1", wall, client.Change{Key: "w"}); err != nil {
		t.Fatal(err)
	}
	page = b.Get("/console/acme/metrics/wallboards")
	page.Says("1/10", "1 is in use, and the maximum cannot be below that.")
	form = page.Post()
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
	b.Submit(both.Post()).Says("1/7")
}

func TestWhoMayOnlyReadMetricsIsOfferedNoEdit(t *testing.T) {
	c := consolewalk.Start(t)
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

// The wallboards that the snapshot counts are listed, with their users by name.
func TestTheListOfWallboards(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	b.Get(b.Get("/console/acme/metrics").Link("Wallboards")).Says("No wallboard is registered.")
	wall := client.PutWallboardRequest{Name: "Hall", Kind: "live-analytics", UserID: "zoe"}
	if _, err := api.PutWallboard(t.Context(), "w1", wall, client.Change{Key: "w"}); err != nil {
		t.Fatal(err)
	}
	list := b.Get("/console/acme/metrics/wallboards/list")
	list.Says("Hall", "Live analytics", "Zoe Alvarez", "1 wallboard on this page")
	b.Get(list.Link("Zoe Alvarez")).Says("zoe@example.com")
	few := c.SignIn(t, "acme", "ada", "metrics.read").Get("/console/acme/metrics/wallboards/list")
	few.Says("Hall", "zoe")
	if len(few.Links("zoe")) > 0 {
		t.Error("a page that may not be read is linked to")
	}
}
