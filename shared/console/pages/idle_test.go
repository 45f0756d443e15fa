package pages_test

import (
	"slices"
	"strings"
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
	page.Says("No seat is idle: each was used, or given to somebody, in the last 30 days.")
	page = b.Get("/console/acme/billing/idle?product=developer&days=1")
	page.Says("0 idle seats for certain, listed below: without use for 1 day or longer", "1 seat on this page",
		"1 more, of which nobody knows: no program tells who uses them",
		"Whether anybody uses Developer is not known",
		"Zoe Alvarez", "not known")
	page.Hides("never")
	if got := page.Link("Zoe Alvarez"); got != "/console/acme/directory/users/zoe" {
		t.Errorf("a person leads to %s", got)
	}
	page = b.Get("/console/acme/billing/idle/reclaim?product=developer&days=1&user=zoe")
	page.Says("Reclaim idle seats of Developer?", "1 seat is taken from who has them",
		"Whether anybody used them is not known")
	page.Hides("has not used them for")
	form := page.Post()
	page = b.Submit(form)
	page.Says("Zoe Alvarez", "reclaimed", "Can be undone until", "License Type Developer", "The reclaim is accepted.")
	b.Submit(form).Says("reclaimed") // a double click
	b.Get("/console/acme/billing/idle").Says("Reclaimed before", "can be undone until")
	page = b.Get(page.Link("Restore all"))
	page.Says("Restore the seats?", "1 seat is restored")
	b.Submit(page.Post()).Says("restored", "Restored 1")
	after := b.Get("/console/acme/billing/idle?product=developer&days=1")
	after.Says("No seat is idle")
	after.Hides("is not known")

	reader := c.SignIn(t, "acme", "eve", "billing.read")
	page = reader.Get("/console/acme/billing/idle?product=developer&days=1")
	page.Says("Idle seats")
	page.Hides("With the selected", "Automatic purchases and alerts", "Select")
}

// What is unused for certain is counted first and stands first, and what nobody knows of is apart.
func TestIdleForCertainComesFirst(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 2, "live-reports": 1})
	if _, err := api.PutUser(t.Context(), "amy", client.PutUserRequest{Name: "Amy Moss"},
		client.Change{Key: "amy's"}); err != nil {
		t.Fatal(err)
	}
	for user, license := range map[string]string{
		"zoe": licensesOf(t, api, "developer")[0].ID, "amy": licensesOf(t, api, "developer")[1].ID,
		"john": licensesOf(t, api, "live-reports")[0].ID,
	} {
		if _, err := api.AssignLicense(t.Context(), license,
			client.AssignLicenseRequest{UserID: user}, client.Change{Key: user}); err != nil {
			t.Fatal(err)
		}
	}
	c.Forward(2 * 24 * time.Hour)
	page := c.SignIn(t, "acme", "ada").Get("/console/acme/billing/idle?days=1")
	page.Says("1 idle seat for certain", "$25.00 a month for what is unused for certain",
		"2 more, of which nobody knows")
	text := page.Text()
	if john, amy := strings.Index(text, "John Smith"), strings.Index(text, "Amy Moss"); john > amy {
		t.Error("a seat of which nobody knows stands before one that is unused for certain")
	}
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
	page.Says("With the selected", "or all 2, though nobody knows whether they are used")
	b.Get(page.Form("idle/reclaim").Action + "?product=developer&days=1").Says("Nobody is selected.")
	all := b.Get(page.Link("or all 2, though nobody knows whether they are used"))
	all.Says("2 seats are taken from who has them", "Yes, take back all 2 seats")
	b.Submit(all.Post()).Says("tick the box to say so")
	if n := len(holders(t, c.API(t, "acme", "ada"), "developer")); n != 2 {
		t.Errorf("a press without the box left %d seats", n)
	}
	page = b.Get("/console/acme/billing/idle/reclaim?product=developer&days=1&user=john")
	page.Says("1 seat is taken from who has them", "John Smith gives back Developer")
	page.Hides("Zoe Alvarez")
	b.Submit(page.Post()).Says("John Smith", "reclaimed")
	if got := holders(t, c.API(t, "acme", "ada"), "developer"); !slices.Equal(got, []string{"zoe"}) {
		t.Errorf("%v have a seat still", got)
	}
	b.Get("/console/acme/billing/idle?product=developer&days=1").Says("Zoe Alvarez")
}

// Of two people whose seats were taken, one gets theirs back; the other one's can be restored later.
func TestAPartOfAReclaimIsRestored(t *testing.T) {
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
	done := b.Submit(b.Get("/console/acme/billing/idle/reclaim?product=developer&days=1&user=zoe&user=john").Post())
	form := done.Form("/undo")
	form.Set("user", "zoe")
	ask := b.Submit(form)
	ask.Says("1 seat is restored", "The others stay taken.", "Zoe Alvarez gets Developer")
	ask.Hides("John Smith")
	done = b.Submit(ask.Post())
	done.Says("Restored 1", "Can be undone until", "Zoe Alvarez restored", "John Smith reclaimed")
	if got := holders(t, c.API(t, "acme", "ada"), "developer"); !slices.Equal(got, []string{"zoe"}) {
		t.Errorf("%v have a seat again", got)
	}
	rest := b.Get(done.Link("Restore all"))
	rest.Says("1 seat is restored", "John Smith gets Developer")
	b.Submit(rest.Post()).Says("Restored 2", "John Smith restored")
}

// holders are who has a license of a product.
func holders(t *testing.T, api *client.Client, product string) []string {
	t.Helper()
	query := client.ListLicensesQuery{Product: []string{product}, Status: []string{"assigned"}}
	list, err := api.ListLicenses(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, l := range list.Body.Items {
		users = append(users, l.UserID)
	}
	return users
}
