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
	page.Says("Give the role Lead to 2 people?", "gets it", "What this does", "Essential User", "0 → becomes 2",
		"Zoe Alvarez gets Essential User", "You pay $", "more a month.")
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
	page.Says("cannot: ", "does not have it")
	b.Submit(page.Post()).Says("1 person has not the role any more.", "zoe: ")
}

// An add-on is given to several people at once, to those who have what it hangs on, and taken again; who they
// are is said with their extensions, and so is which extension a license brings.
func TestGiveAnAddOnToSeveral(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1, "call_recording": 2})
	b := c.SignIn(t, "acme", "ada")
	phone := b.Get("/console/acme/licenses/give?do=review&product=phone-system&user=zoe&extension=101")
	phone.Says("Zoe Alvarez gets Phone System with extension 101")
	b.Submit(phone.Post()).Says("Phone System is assigned to 1 person.")
	b.Get("/console/acme/licenses/give?user=zoe").Says("Call Recording (add-on) (2 free)")
	review := b.Get("/console/acme/licenses/give?do=review&product=call_recording&user=zoe&user=john")
	review.Says("Zoe Alvarez Ext 101 gets one", "John Smith gets none: they have no Phone System",
		"What this does", "2 → becomes 1", "Zoe Alvarez gets Call Recording")
	b.Submit(review.Post()).Says("Call Recording is assigned to 1 person; 1 not.")
	if got := held(t, api, "call_recording"); !slices.Equal(got, []string{"zoe"}) {
		t.Errorf("%v have it", got)
	}
	take := b.Get("/console/acme/licenses/take?user=zoe&product=call_recording")
	take.Says("Zoe Alvarez gives back Call Recording")
	b.Submit(take.Post()).Says("It is taken away from 1 person.")
	b.Get("/console/acme/licenses/take?user=zoe&product=phone-system").Says(
		"Zoe Alvarez gives back Phone System with extension 101")
}
