package pages_test

import (
	"net/http"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// What a termination does stands on its page before it is confirmed, and the dry run changes nothing.
// What somebody else changed in between is shown again, and nothing else is done than was shown.
func TestEffectsBeforeATermination(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3})
	b := c.SignIn(t, "acme", "ada")
	list := licensesOf(t, api, "live-reports")
	single := b.Get("/console/acme/licenses/" + list[2].ID + "/terminate")
	single.Says("What this does", "3 → becomes 2", "From the next billing date on you pay $25.00 less a month.")
	address := "/console/acme/licenses/selected?do=terminate"
	for _, l := range list[:2] {
		address += "&license=" + l.ID + "~live-reports~"
	}
	page := b.Get(address)
	page.Says("What this does", "3 → becomes 1", "you pay $50.00 less a month", "What happens", "ends")
	if still := licensesOf(t, api, "live-reports"); len(still) != 3 {
		t.Fatalf("looking at it has left %d licenses", len(still))
	}
	give := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), list[0].ID, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	again := b.Submit(page.Post())
	if again.Status != http.StatusConflict {
		t.Errorf("%d", again.Status)
	}
	again.Says("Something has changed since this page was made", "Nothing was done yet",
		"3 → becomes 2", "you pay $25.00 less a month", "stays as it is")
	if l := one(t, api, list[1].ID); l.Status != "available" {
		t.Fatalf("it is %s", l.Status)
	}
	b.Submit(again.Post()).Says("1 license is terminated; 1 not.",
		"Live Reports "+list[0].ID+": The license is assigned")
	if l := one(t, api, list[1].ID); l.Status != "terminated" {
		t.Errorf("it is %s", l.Status)
	}
}

// A page that was open for longer than a plan is good shows the effects once more.
func TestEffectsOfAPageThatWasOpenForLong(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + id + "/terminate").Post()
	c.Forward(20 * time.Minute)
	again := b.Submit(form)
	again.Says("or it is older than 15 minutes", "1 → becomes 0")
	again.Hides("it was assigned to")
	if l := one(t, api, id); l.Status != "available" {
		t.Fatalf("it is %s", l.Status)
	}
	form = again.Post()
	b.Submit(form).Says("is terminated.")
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d %s", p.Status, p.Text())
	}
}

// What somebody who leaves gives back, and who gets it, is told before.
func TestEffectsBeforeSomebodyLeaves(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe")
	monitored(t, api, "lansing", "board", "john")
	b := c.SignIn(t, "acme", "ada")
	for _, what := range []string{"deactivate", "delete"} {
		page := b.Get("/console/acme/directory/users/zoe/" + what)
		page.Says("What this does", "Zoe Alvarez gives back Live Reports", "John Smith gets Live Reports",
			"1 → becomes 0", "What you pay stays the same.")
	}
	if u := user(t, api, "zoe"); !u.Active {
		t.Fatal("looking at it has deactivated her")
	}
	b.Submit(b.Get("/console/acme/directory/users/zoe/deactivate").Post()).Says("Zoe Alvarez is deactivated.")
	b.Get("/console/acme/directory/users/zoe/activate").
		Says("What this does", "Zoe Alvarez begins to wait for Live Reports")
}

// Nobody is let to press a button that would take the last super-admin away: the page says so first.
func TestTheLastSuperAdmin(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	roles := client.PatchUserRequest{RoleIDs: client.Set([]string{"super-admin"})}
	if _, err := api.PatchUser(t.Context(), "zoe", roles, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	for _, what := range []string{"deactivate", "delete"} {
		page := b.Get("/console/acme/directory/users/zoe/" + what)
		page.Says("This cannot be done now.", "This is the last active super-admin of the account")
		for _, f := range page.Forms() {
			if f.Method() == http.MethodPost && f.Action != "/console/-/sign-out" {
				t.Errorf("%s has the form %s", what, f.Action)
			}
		}
	}
	b.Get("/console/acme/directory/users/zoe/edit").Says("the last active super-admin")
	if _, err := api.PatchUser(t.Context(), "john", roles, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	b.Get("/console/acme/directory/users/zoe/deactivate").Says("What this does")
	b.Get("/console/acme/directory/users/zoe/edit").Hides("the last active super-admin")
}

// Whoever buys what somebody waits for is told before that it goes to them.
func TestReviewSaysWhoGetsTheNewSeats(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	monitored(t, api, "detroit", "support", "zoe")
	line := client.AddCartLineRequest{ProductID: "live-reports", Quantity: 3, CostCenter: new("CC-1")}
	if _, err := api.AddCartLine(t.Context(), line, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := reviewed(t, b)
	page.Says("1 of the new licenses goes at once to who waits for one", "Zoe Alvarez gets Live Reports",
		"0 → becomes 3", "1 → becomes 0", "You pay $75.00 more a month.")
	form := page.Post()
	form.Set("acknowledged", "yes")
	press(b, form, "order").Says("1 license was given to people who waited")
}
