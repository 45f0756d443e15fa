package pages_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/signin"
)

// user reads a user.
func user(t *testing.T, api *client.Client, id string) client.User {
	t.Helper()
	u, err := api.GetUser(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u.Body
}

// A user is made, found, edited, and says what they hold and why.
func TestAUserFromMakingToEditing(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	list := b.Get(b.Get("/console/acme/").Link("Directory"))
	list.Says("Zoe Alvarez", "zoe@example.com")
	form := b.Get(list.Link("+ New user")).Post()
	for name, value := range map[string]string{
		"id": "zoe", "name": "Mary Jones", "email": "mary@", "extension": "0101", "number": "+1 656-789-1230",
	} {
		form.Set(name, value)
	}
	form.Set("licenses", "essential-user", "agent-user")
	form.Set("agentSource", "pbx")
	taken := b.Submit(form)
	if taken.Status != http.StatusUnprocessableEntity && taken.Status != http.StatusPreconditionFailed {
		t.Errorf("%d", taken.Status)
	}
	form = taken.Post()
	form.Set("id", "mary")
	refused := b.Submit(form)
	if refused.Status != http.StatusUnprocessableEntity || !strings.Contains(refused.HTML, `id="e-email"`) {
		t.Errorf("an address that is none: %d %s", refused.Status, refused.Text())
	}
	form = refused.Post()
	form.Set("email", "mary@example.com")
	made := b.Submit(form)
	made.Says(
		"Mary Jones is in the directory.", "0101", "+1 656-789-1230", "Essential User", "Agent User",
		"The phone system's configuration", "was assigned it",
	)
	if u := user(t, api, "mary"); u.AgentSource != "pbx" ||
		!slices.Equal(u.Licenses, []string{"agent-user", "essential-user"}) {
		t.Errorf("%+v", u)
	}
	b.Get("/console/acme/directory?q=0101").Says("Mary Jones")
	b.Get("/console/acme/directory?q=nobody").Says("Nobody is found.", "Show all users")

	edit := b.Get(made.Link("Edit"))
	form = edit.Post()
	if got := form.Values["licenses"]; !slices.Contains(got, "agent-user") {
		t.Errorf("what is held is not ticked: %v", got)
	}
	form.Set("extension", "")
	form.Set("number", "")
	form.Set("licenses")
	b.Submit(form).Says("Mary Jones is saved.", "They hold no license.")
	if u := user(t, api, "mary"); u.Extension != "" || u.Number != "" || len(u.Licenses) != 0 ||
		u.Email != "mary@example.com" {
		t.Errorf("%+v", u)
	}
	// Sent again, as by a double click, it is answered as before.
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d %s", p.Status, p.Text())
	}
}

// The page of a person leads to the call queues that they are a member of, a page of them at a time.
func TestTheCallQueuesOfAPerson(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/directory/users/zoe").Says("They are in no call queue.")
	monitored(t, api, "detroit", "support", "zoe")
	for i := range 50 {
		body := client.PutCallQueueRequest{Name: fmt.Sprint("Line ", i), Members: client.Set([]string{"zoe"})}
		id := fmt.Sprintf("line%02d", i)
		if _, err := api.PutCallQueue(t.Context(), id, body, client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
	}
	body := client.PutCallQueueRequest{Name: "Of John", Members: client.Set([]string{"john"})}
	if _, err := api.PutCallQueue(t.Context(), "a", body, client.Change{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	page := b.Get("/console/acme/directory/users/zoe")
	page.Says("member of Queue detroit", "Line 48", "50 call queues on this page")
	page.Hides("Of John", "Line 49")
	b.Get(page.Link("Queue detroit")).Says("Zoe Alvarez")
	next := b.Get(page.Link("Next"))
	next.Says("Line 49", "member of Queue detroit")
	next.Hides("Line 48")
}

// Somebody else's change of a user is shown beside one's own, and nothing of either is lost unseen.
func TestAUserWhomSomebodyElseChanged(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("name", "Zoe Brown")
	change := client.PatchUserRequest{Name: new("Zoe Smith"), Extension: client.Set("77")}
	if _, err := api.PatchUser(t.Context(), "zoe", change, client.Change{Key: "p"}); err != nil {
		t.Fatal(err)
	}
	both := b.Submit(form)
	if both.Status != http.StatusPreconditionFailed {
		t.Fatalf("%d %s", both.Status, both.Text())
	}
	both.Says("Somebody else has changed this", "Zoe Brown", "Zoe Smith", "77",
		"The latest change is your own, from another tab or program")
	if u := user(t, api, "zoe"); u.Name != "Zoe Smith" {
		t.Errorf("%+v", u)
	}
	b.Submit(mine(both)).Says("Zoe Brown is saved.")
}

// mine is the form of a conflict, in which one's own stays wherever both have changed the same.
func mine(both *consolewalk.Page) *consolewalk.Form {
	form := both.Post()
	for _, input := range both.Elements("input") {
		for _, a := range input.Attr {
			if a.Key == "name" && strings.HasPrefix(a.Val, "_pick.") && !form.Values.Has(a.Val) {
				form.Set(a.Val, "yours")
			}
		}
	}
	return form
}

// Deactivating says first what goes back, and activating gives again what roles and queues give.
func TestDeactivateActivateAndDelete(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1, "phone-system": 1})
	monitored(t, api, "detroit", "support", "zoe")
	phone := licensesOf(t, api, "phone-system")[0].ID
	assign := client.AssignLicenseRequest{UserID: "zoe", Extension: new("101")}
	if _, err := api.AssignLicense(t.Context(), phone, assign, client.Change{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	wall := client.PutWallboardRequest{Name: "Lobby screen", Kind: "analytics", UserID: "zoe"}
	if _, err := api.PutWallboardMaximum(
		t.Context(), client.PutWallboardMaximumRequest{Max: 3}, client.Change{Key: "m"},
	); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutWallboard(t.Context(), "w1", wall, client.Change{Key: "w"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/directory/users/zoe")
	page.Says("Live Reports", "member of Queue detroit", "Phone System")
	b.Get(page.Link("Phone System")).Says("Assigned to Zoe Alvarez.")
	ask := b.Get(page.Link("Deactivate"))
	ask.Says(
		"Deactivate Zoe Alvarez?", "2 licenses go back", "Phone System", "member of Queue detroit", "1 wallboard ends",
		"Lobby screen",
	)
	form := ask.Post()
	after := b.Submit(form)
	after.Says("Zoe Alvarez is deactivated.", "Deactivated: they cannot sign in", "They hold no license.")
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d %s", p.Status, p.Text())
	}
	b.Get("/console/acme/directory").Says("deactivated")
	b.Submit(b.Get(after.Link("Activate")).Post()).Says("Zoe Alvarez is active again.", "member of Queue detroit")

	ask = b.Get("/console/acme/directory/users/zoe/delete")
	ask.Says("Delete Zoe Alvarez?", "1 license goes back", "This cannot be undone")
	b.Submit(ask.Post()).Says("The user zoe is deleted.")
	if _, err := api.GetUser(t.Context(), "zoe"); !client.Is(err, "not-found") {
		t.Errorf("%v", err)
	}
}

// Who may only read is offered nothing that changes something, and is refused when they force it.
func TestWhoMayOnlyReadTheDirectory(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	role := client.PutRoleRequest{Name: "Lead"}
	if _, err := api.PutRole(t.Context(), "lead", role, client.Change{Key: "r"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "zoe", "directory.read")
	for path, forbidden := range map[string][]string{
		"directory":            {"Edit", "Deactivate", "Delete", "+ New user"},
		"directory/users/john": {"Edit", "Deactivate", "Delete", "History"},
		"directory/roles":      {"Copy", "Edit", "Delete", "+ New role"},
		"directory/roles/lead": {"Copy", "Edit", "Delete"},
	} {
		p := b.Get("/console/acme/" + path)
		if p.Status != http.StatusOK {
			t.Errorf("%s: %d", path, p.Status)
		}
		for _, link := range forbidden {
			if len(p.Links(link)) > 0 {
				t.Errorf("%s offers %s", path, link)
			}
		}
	}
	all := c.SignIn(t, "acme", "zoe")
	for _, path := range []string{
		"users/new", "users/john/edit", "users/john/deactivate", "users/john/delete",
		"roles/new?from=lead", "roles/lead/edit", "roles/lead/delete",
	} {
		form := all.Get("/console/acme/directory/" + path).Post()
		form.Set("id", "new")
		form.Set("name", "Mallory")
		if p := b.Submit(form); p.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, p.Status)
		}
	}
	if u := user(t, api, "john"); u.Name != "John Smith" || !u.Active {
		t.Errorf("%+v", u)
	}
}

// Names that are hostile, long or of another direction are shown as they are, and change no page.
func TestStrangeNamesInTheDirectory(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	names := []string{
		"<script>alert(1)</script>", `=1+1" onload="x`, "שלום " + strings.Repeat("ש", 58), strings.Repeat("W", 64),
	}
	for i, name := range names {
		id := string(rune('a' + i))
		if _, err := api.PutRole(
			t.Context(), id, client.PutRoleRequest{Name: name}, client.Change{Key: "r" + id},
		); err != nil {
			t.Fatal(err)
		}
		put := client.PutUserRequest{Name: name, RoleIDs: client.Set([]string{id})}
		if _, err := api.PutUser(t.Context(), id, put, client.Change{Key: "u" + id}); err != nil {
			t.Fatal(err)
		}
	}
	b := c.SignIn(t, "acme", "ada")
	for _, path := range []string{
		"", "/users/a", "/users/a/edit", "/users/b/deactivate", "/users/c/delete", "/roles", "/roles/a",
		"/roles/new?from=b", "/roles/c/edit",
	} {
		p := b.Get("/console/acme/directory" + path)
		if p.Status != http.StatusOK {
			t.Errorf("%s: %d", path, p.Status)
		}
		checkPage(t, path, p)
	}
	b.Get("/console/acme/directory").Says(names...)
}

// The page of a user has what they wait for, and why.
func TestWhatAUserWaitsFor(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	monitored(t, api, "detroit", "support", "zoe")
	page := c.SignIn(t, "acme", "ada").Get("/console/acme/directory/users/zoe")
	page.Says("They hold no license.", "Waits for", "Live Reports member of Queue detroit")
}

// A supervisor level is one choice of several, and can be taken away.
func TestOneSupervisorLevel(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/directory/users/zoe/edit")
	radios := 0
	for _, input := range page.Elements("input") {
		for _, a := range input.Attr {
			if a.Key == "type" && a.Val == "radio" {
				radios++
			}
		}
	}
	if radios != 6 {
		t.Errorf("there are %d radios, want five levels and none", radios)
	}
	form := page.Post()
	form.Set("licenses", "insights-supervisor")
	b.Submit(form).Says("Insights Supervisor")
	form = b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("licenses", "")
	b.Submit(form).Says("They hold no license.")
	if u := user(t, api, "zoe"); len(u.Licenses) != 0 {
		t.Errorf("she holds %v", u.Licenses)
	}
}

// Who was told the effects first is told who changed the person too.
func TestWhoChangedAPersonWithEffects(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("licenses", "essential-user")
	form.Set("see", "yes")
	form = b.Submit(form).Post()
	form.Set("see")
	if form.Values.Get("_plan") == "" {
		t.Fatal("the form is held to no effects")
	}
	theirs := client.PatchUserRequest{Name: new("Zoe of theirs")}
	other := c.API(t, "acme", "john", "directory.manage")
	if _, err := other.PatchUser(t.Context(), "zoe", theirs, client.Change{Key: "theirs"}); err != nil {
		t.Fatal(err)
	}
	b.Submit(form).Says("Zoe of theirs", "The latest change is by John Smith")
}

// Of a person whom two have changed, each field is chosen for itself, lists too; nothing else of the other's
// change is lost.
func TestTwoChangesOfAPersonFieldByField(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("name", "Zoe of mine")
	form.Set("licenses", "essential-user")
	theirs := client.PatchUserRequest{
		Name: new("Zoe of theirs"), Email: client.Set("zoe@theirs.example"),
		Licenses: client.Set([]string{"professional-user", "agent-user"}), AgentSource: client.Set("pbx"),
	}
	if _, err := api.PatchUser(t.Context(), "zoe", theirs, client.Change{Key: "theirs"}); err != nil {
		t.Fatal(err)
	}
	both := b.Submit(form)
	both.Says("choose for each line that differs", "Name, yours: Zoe of mine", "Name, there now: Zoe of theirs")
	both.Says("only somebody else changed it", "both changed it: choose")
	both.Hides("only you changed it")
	chosen := both.Post()
	if got := chosen.Values.Get("_pick.email"); got != "there" {
		t.Errorf("of what only somebody else changed %q is chosen", got)
	}
	for _, field := range []string{"_pick.name", "_pick.agentSource,licenses"} {
		if chosen.Values.Has(field) {
			t.Errorf("%s is chosen for who changed it like somebody else", field)
		}
	}
	b.Submit(chosen).Says("Choose for each field", "Nothing was changed.")
	chosen.Set("_pick.name", "yours")
	chosen.Set("_pick.agentSource,licenses", "there")
	b.Submit(chosen).Says("Zoe of mine is saved.")
	u, err := api.GetUser(t.Context(), "zoe")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(u.Body.Licenses)
	if u.Body.Name != "Zoe of mine" || u.Body.Email != "zoe@theirs.example" ||
		!slices.Equal(u.Body.Licenses, []string{"agent-user", "professional-user"}) || u.Body.AgentSource != "pbx" {
		t.Errorf("%+v", u.Body)
	}
}

// Where people sign in at the deployment's own provider, who manages the directory invites them from their
// page; elsewhere it is not offered, and forced, it says why not.
func TestAPersonIsInvited(t *testing.T) {
	var mails invited
	c := consolewalk.StartWith(t, func(env *app.Env) { env.SignIn, env.Console.Invites = &mails, true })
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	const elsewhere = "They sign in by the identity provider of this deployment, not by an invitation"
	page := b.Get("/console/acme/directory/users/zoe")
	page.Hides(elsewhere)
	b.Get("/console/acme/directory/users/new").Hides(elsewhere)
	patch := client.PatchUserRequest{Email: client.Clear[string]()}
	if _, err := api.PatchUser(t.Context(), "zoe", patch, client.Change{Key: "none"}); err != nil {
		t.Fatal(err)
	}
	ask := b.Get(page.Link("Invite"))
	ask.Says("This cannot be done now.", "They have no e-mail address")
	patch.Email = client.Set("zoe@acme.test")
	if _, err := api.PatchUser(t.Context(), "zoe", patch, client.Change{Key: "mail"}); err != nil {
		t.Fatal(err)
	}
	ask = b.Get(page.Link("Invite"))
	ask.Says("Invite Zoe Alvarez to sign in?", "zoe@acme.test")
	if len(mails) > 0 {
		t.Fatal("looking at it has invited")
	}
	form := ask.Post()
	b.Submit(form).Says("The invitation is sent to zoe@acme.test.")
	b.Submit(form)
	if len(mails) != 1 {
		t.Errorf("%d mails", len(mails))
	}
	reader := c.SignIn(t, "acme", "john", "directory.read", "licenses.read")
	if links := reader.Get("/console/acme/directory/users/zoe").Links("Invite"); len(links) > 0 {
		t.Error("who may only read can invite")
	}

	alone := consolewalk.Start(t)
	alone.Account(t, "acme", nil)
	b = alone.SignIn(t, "acme", "ada")
	if links := b.Get("/console/acme/directory/users/zoe").Links("Invite"); len(links) > 0 {
		t.Error("it is offered without a provider")
	}
	b.Get("/console/acme/directory/users/zoe/invite").Says("made at another identity provider")
	b.Get("/console/acme/directory/users/zoe").Says(elsewhere)
	b.Get("/console/acme/directory/users/new").Says(elsewhere)
}

// invited are whom a provider was asked to invite.
type invited []signin.Person

func (i *invited) Invite(_ context.Context, p signin.Person) error {
	*i = append(*i, p)
	return nil
}

// A list that is on one page as a whole is sorted by the head of a column, one way and the other; one that has
// more pages offers it not, and takes no order from an address.
func TestAListOnOnePageIsSorted(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	for id, name := range map[string]string{"aaa": "Zed Last", "zzz": "Abe First"} {
		put := client.PutUserRequest{Name: name}
		if _, err := api.PutUser(t.Context(), id, put, client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
	}
	b := c.SignIn(t, "acme", "ada")
	before := func(p *consolewalk.Page, first, second string) {
		t.Helper()
		if i, j := strings.Index(p.Text(), first), strings.Index(p.Text(), second); i < 0 || j < i {
			t.Errorf("%s stands at %d, %s at %d", first, i, second, j)
		}
	}
	list := b.Get("/console/acme/directory")
	before(list, "Zed Last", "Abe First")
	list.Says("by id")
	up := b.Get(list.Link("Name"))
	before(up, "Abe First", "Zed Last")
	up.Says("by Name")
	down := b.Get(up.Link("Name"))
	before(down, "Zed Last", "Abe First")
	down.Says("by Name, the last first")
	if !strings.Contains(down.HTML, `aria-sort="descending"`) {
		t.Error("who hears the page is not told")
	}
	for i := range 50 {
		id, put := fmt.Sprintf("bbb%02d", i), client.PutUserRequest{Name: fmt.Sprintf("User %02d", i)}
		if _, err := api.PutUser(t.Context(), id, put, client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
	}
	long := b.Get("/console/acme/directory?sort=-Name")
	if n := len(long.Links("Name")); n > 0 {
		t.Error("a list of several pages can be sorted")
	}
	before(long, "Zed Last", "User 00")
}

// What only one of two has changed is chosen for them: who presses at once loses nothing of either's, also
// where the other one changes more while the conflict is looked at.
func TestWhatOneOfTwoChangedIsChosen(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("extension", "4711")
	change := func(p client.PatchUserRequest, key string) {
		t.Helper()
		if _, err := api.PatchUser(t.Context(), "zoe", p, client.Change{Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	change(client.PatchUserRequest{Email: client.Set("zoe@theirs.example")}, "first")
	both := b.Submit(form)
	both.Says("only you changed it", "only somebody else changed it")
	both.Hides("both changed it")
	change(client.PatchUserRequest{Name: new("Zoe of theirs")}, "second")
	again := b.Submit(both.Post())
	again.Says("only you changed it", "only somebody else changed it")
	again.Hides("both changed it")
	b.Submit(again.Post()).Says("Zoe of theirs is saved.")
	u := user(t, api, "zoe")
	if u.Name != "Zoe of theirs" || u.Email != "zoe@theirs.example" || u.Extension != "4711" {
		t.Errorf("%+v", u)
	}
}
