package pages_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// A license is taken from several people at once: only what they hold is offered, what happens is said of
// each, and a double click is one effect.
func TestTakeALicenseFromSeveral(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2, "developer": 1})
	b := c.SignIn(t, "acme", "ada")
	items := []client.AssignmentWithExtension{
		{ProductID: "live-reports", UserID: "zoe"},
		{ProductID: "live-reports", UserID: "john"},
		{ProductID: "developer", UserID: "zoe"},
	}
	if _, err := api.AssignProducts(t.Context(), client.AssignProductsRequest{Items: items},
		client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	list := b.Get("/console/acme/directory")
	if !strings.Contains(list.HTML, `formaction="/console/acme/licenses/take"`) {
		t.Error("the list of users does not offer it")
	}
	page := b.Get("/console/acme/licenses/take?user=zoe&user=john")
	page.Says("From 2 people", "Live Reports (2 people have it)", "Developer (1 person has it)")
	page.Hides("Phone System")
	review := b.Get("/console/acme/licenses/take?user=zoe&user=john&product=live-reports")
	review.Says("Take Live Reports from 2 people?", "gives it back", "Zoe Alvarez gives back Live Reports")
	form := review.Post()
	b.Submit(form).Says("It is taken away from 2 people.")
	b.Submit(form).Says("It is taken away from 2 people.")
	left, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{Status: []string{"assigned"}})
	if err != nil || len(left.Body.Items) != 1 || left.Body.Items[0].ProductID != "developer" {
		t.Errorf("%+v, %v", left.Body.Items, err)
	}
	reader := c.SignIn(t, "acme", "john", "licenses.read", "directory.read")
	if p := reader.Get("/console/acme/licenses/take?user=zoe"); p.Status != 403 {
		t.Errorf("forced: %d", p.Status)
	}
}

// A role is given to several people at once, and taken from them; their other roles stay, and who cannot
// lose it is named.
func TestGiveAndTakeARoleOfSeveral(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	if _, err := api.PutRole(t.Context(), "lead", client.PutRoleRequest{
		Name: "Lead", Licenses: client.Set([]string{"essential-user"}),
	}, client.Change{Key: "r"}); err != nil {
		t.Fatal(err)
	}
	for id, roles := range map[string][]string{"zoe": {"super-admin"}, "john": nil} {
		if _, err := api.PatchUser(t.Context(), id, client.PatchUserRequest{RoleIDs: client.Set(roles)},
			client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
	}
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/directory/selected?user=zoe&user=john").Says("For 2 people", "Lead", "Take it from them")
	at := func(role, what string) *consolewalk.Page {
		return b.Get("/console/acme/directory/selected?" + url.Values{
			"user": {"zoe", "john"}, "role": {role}, "what": {what},
		}.Encode())
	}
	page := at("lead", "give")
	page.Says("Give the role Lead to 2 people?", "gets it", "charged for each who has it: Essential User")
	form := page.Post()
	b.Submit(form).Says("2 people have the role now.")
	b.Submit(form).Says("2 people have the role now.")
	if got := user(t, api, "zoe").RoleIDs; !slices.Contains(got, "super-admin") || !slices.Contains(got, "lead") {
		t.Errorf("zoe has %v", got)
	}
	at("lead", "give").Says("has it already", "Nothing would change.")
	b.Submit(at("lead", "take").Post()).Says("2 people have not the role any more.")
	if got := user(t, api, "john").RoleIDs; len(got) != 0 {
		t.Errorf("john has %v", got)
	}
	page = at("super-admin", "take")
	page.Says("loses it", "does not have it")
	b.Submit(page.Post()).Says("1 person has not the role any more.", "zoe: ")
}
