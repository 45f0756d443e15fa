package pages_test

import (
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// From what idle seats cost to the reclaim, its result, and its undoing.
func TestIdleSeatsAreReclaimedAndGivenBack(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 2})
	to := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), licensesOf(t, api, "developer")[0].ID, to,
		client.Change{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	c.Forward(2 * 24 * time.Hour)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/billing").Link("Idle seats"))
	page.Says("Every seat was used in these days.")
	page = b.Get("/console/acme/billing/idle?product=developer&days=1")
	page.Says("1 idle seats", "a month for them", "Whether anybody uses Developer is not known", "Zoe Alvarez", "never")
	page = b.Get(page.Link("Reclaim it"))
	page.Says("Reclaim idle seats of Developer?", "1 seat is taken from who has them")
	form := page.Post()
	page = b.Submit(form)
	page.Says("Zoe Alvarez", "reclaimed", "Can be undone until")
	b.Submit(form).Says("reclaimed") // a double click
	b.Get("/console/acme/billing/idle").Says("Reclaimed before", "can be undone until")
	page = b.Get(page.Link("Give back"))
	page.Says("Give the seats back?", "1 seat goes back")
	b.Submit(page.Post()).Says("given back", "Given back 1")

	reader := c.SignIn(t, "acme", "eve", "billing.read")
	page = reader.Get("/console/acme/billing/idle?product=developer&days=1")
	page.Says("Idle seats")
	page.Hides("Reclaim it", "Caps and alerts", "Select")
}

// The seats of those who are ticked are taken, and nobody else's.
func TestOnlyTheChosenIdleSeatsAreReclaimed(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 2})
	for i, user := range []string{"zoe", "john"} {
		if _, err := api.AssignLicense(t.Context(), licensesOf(t, api, "developer")[i].ID,
			client.AssignLicenseRequest{UserID: user}, client.Change{Key: user}); err != nil {
			t.Fatal(err)
		}
	}
	c.Forward(2 * 24 * time.Hour)
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/billing/idle?days=1").Says("Choose a license type above to take its seats back.")
	page := b.Get("/console/acme/billing/idle?product=developer&days=1")
	page.Says("Reclaim all 2", "Reclaim only these")
	page = b.Get("/console/acme/billing/idle/reclaim?product=developer&days=1&user=john")
	page.Says("1 seat is taken from who has them", "John Smith gives back Developer")
	page.Hides("Zoe Alvarez")
	b.Submit(page.Post()).Says("John Smith", "reclaimed")
	for _, l := range licensesOf(t, c.API(t, "acme", "ada"), "developer") {
		if l.UserID == "john" {
			t.Error("john has his still")
		}
	}
	b.Get("/console/acme/billing/idle?product=developer&days=1").Says("Zoe Alvarez", "Reclaim it")
}
