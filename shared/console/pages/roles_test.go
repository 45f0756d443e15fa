package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/platform/auth"
)

// A role of one's own begins as a copy, and the one that is built in is only read.
func TestARoleFromACopy(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	list := b.Get(b.Get("/console/acme/directory").Link("Roles"))
	list.Says("Super Admin", "built in", "Everything")
	builtIn := b.Get(list.Link("Super Admin"))
	builtIn.Says("This role is built in", "Nobody has it.", "Assign, unassign and terminate licenses")
	if len(builtIn.Links("Edit")) != 0 || len(builtIn.Links("Delete")) != 0 {
		t.Error("changing the built-in role is offered")
	}
	choose := b.Get(list.Link("+ New role"))
	choose.Says("It begins as a copy.", "Super Admin")
	form := b.Get(choose.Link("Copy")).Post()
	if got := len(form.Values["permissions"]); got != len(auth.Permissions())-1 {
		t.Errorf("%d permissions are ticked", got)
	}
	form.Set("name", "Team lead, Detroit")
	form.Set("permissions", "liveReports.view", "licenses.read")
	form.Set("licenses", "essential-user", "professional-user")
	refused := b.Submit(form)
	if refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("two that exclude each other: %d", refused.Status)
	}
	refused.Says("does not go with", "A copy of Super Admin.")
	form = refused.Post()
	form.Set("licenses", "essential-user")
	made := b.Submit(form)
	made.Says("The role Team lead, Detroit is made.", "View Live Reports: see dashboards")
	made.Says("Essential User", "team-lead-detroit")
	role, err := api.GetRole(t.Context(), "team-lead-detroit")
	if err != nil || !slices.Equal(role.Body.Permissions, []string{"licenses.read", "liveReports.view"}) {
		t.Fatalf("%+v, %v", role.Body, err)
	}
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d %s", p.Status, p.Text())
	}
	// Another one of the same name is not written over it.
	again := b.Get("/console/acme/directory/roles/new?from=super-admin").Post()
	again.Set("name", "Team lead: Detroit")
	b.Submit(again).Says("a role has the id team-lead-detroit already")

	edit := b.Get(made.Link("Edit")).Post()
	edit.Set("permissions", "licenses.read")
	if _, err := api.PatchRole(
		t.Context(), "team-lead-detroit", client.PatchRoleRequest{Name: new("Lead")}, client.Change{Key: "p"},
	); err != nil {
		t.Fatal(err)
	}
	both := b.Submit(edit)
	both.Says("Somebody else has changed this", "See licenses and who holds them",
		"View Live Reports: see dashboards", "Lead")
	b.Submit(both.Post()).Says("The role Lead is saved.") // nobody but the other one has changed its name
	role, err = api.GetRole(t.Context(), "team-lead-detroit")
	if err != nil || !slices.Equal(role.Body.Permissions, []string{"licenses.read"}) {
		t.Errorf("%+v, %v", role.Body, err)
	}
}

// A role that people have is not deleted; the page says how many they are, and leads to them.
func TestDeleteARole(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	if _, err := api.PutRole(
		t.Context(), "lead", client.PutRoleRequest{Name: "Lead"}, client.Change{Key: "r"},
	); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	free := b.Get("/console/acme/directory/roles/lead/delete")
	form := free.Post()
	give := client.PatchUserRequest{RoleIDs: client.Set([]string{"lead"})}
	if _, err := api.PatchUser(t.Context(), "zoe", give, client.Change{Key: "g"}); err != nil {
		t.Fatal(err)
	}
	refused := b.Submit(form)
	if refused.Status != http.StatusConflict {
		t.Errorf("%d", refused.Status)
	}
	refused.Says("Users have this role", "1 user has it.")
	b.Get(refused.Link("Show who has it")).Says("Who has the role Lead.", "Zoe Alvarez")
	take := client.PatchUserRequest{RoleIDs: client.Set([]string{})}
	if _, err := api.PatchUser(t.Context(), "zoe", take, client.Change{Key: "t"}); err != nil {
		t.Fatal(err)
	}
	b.Submit(b.Get("/console/acme/directory/roles/lead/delete").Post()).Says("The role lead is deleted.")
}

// Every permission that a role can carry is named in plain words.
func TestEveryPermissionHasWords(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	p := c.SignIn(t, "acme", "ada").Get("/console/acme/directory/roles/super-admin")
	for _, one := range auth.Permissions() {
		if strings.Contains(p.Text(), string(one)) {
			t.Errorf("%s stands in the place of words", one)
		}
	}
}
