package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/catalog"
	"seatwise/shared/console/client"
	"seatwise/shared/platform/app"
)

// An operator who enters an account that there is not is told so, and led to Accounts; nobody else is told more
// than before.
func TestAnAccountThatThereIsNot(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	for _, page := range []string{"", "licenses", "directory"} {
		p := b.Get("/console/nosuch/" + page)
		p.Says("There is no such account", "No account has the id nosuch.")
		if at := p.Link("To Accounts"); p.Status != http.StatusNotFound || at != "/console/acme/accounts" {
			t.Errorf("%d, and led to %s", p.Status, at)
		}
		if len(p.Links("Licenses"))+len(p.Links("Billing")) > 0 {
			t.Error("an account that there is not has a menu")
		}
	}
	operator := c.SignIn(t, "provider", "root").Get("/console/")
	if operator.Says("Acme acme", "+ New account"); operator.URL.Path != "/console/provider/accounts" {
		t.Errorf("an operator whose account is no customer's is led to %s", operator.URL)
	}
	other := c.SignIn(t, "acme", "zoe", "directory.read").Get("/console/nosuch/directory")
	other.Hides("No account has the id", "To Accounts")
}

// The currencies that are offered are those of the catalog, and zones are suggested; what is neither is
// refused beside its field. The audit says a state as the page does.
func TestChoicesOfAnAccount(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/accounts/of/acme")
	for _, code := range catalog.Default().Currencies() {
		if !strings.Contains(page.HTML, `<option value="`+code+`"`) {
			t.Errorf("%s is not offered", code)
		}
	}
	if !strings.Contains(page.HTML, "data-zones") {
		t.Error("no zones are suggested")
	}
	form := page.Post()
	form.Set("timezone", "Mars/Base")
	form.Set("currency", "XXX")
	b.Submit(form).Says("Must be the IANA name of a time zone", "Must be one that the catalog has prices in")
	b.Submit(b.Get(page.Link("Suspend it…")).Post()).Says("is suspended")
	b.Get("/console/acme/audit").Says("Suspended")
}

// Operators see what an account has taken of the stack, and what that costs; others are refused.
func TestWhatAnAccountCosts(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/accounts").Link("Cost of Acme acme"))
	page.Says("Cost of Acme acme", "It is no charge to the account.", "requests of the API", "write units of the table",
		"Functions (Lambda)", "Nothing is counted of these days.", "0.0000 USD",
		"Today is not in these figures; it is counted from ")
	b.Get("/console/acme/accounts/of/acme/cost?from=2999-01-01").Says("These days cannot be shown")
	b.Get("/console/acme/accounts/of/acme/cost?from=2026-01-01&last=2026-01-05").Says("Jan 1, 2026 to Jan 5, 2026")
	forced := c.SignIn(t, "acme", "zoe", "billing.read").Get("/console/acme/accounts/of/acme/cost")
	if forced.Status != http.StatusForbidden {
		t.Errorf("forced: %d", forced.Status)
	}
}

// An operator makes an account, is in it, and every page says which it is; leaving leads to their
// own.
func TestMakeEnterAndLeaveAnAccount(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	list := b.Get(b.Get("/console/acme/").Link("Accounts"))
	list.Says("Acme acme", "you are here", "America/Detroit")
	form := b.Get(list.Link("+ New account")).Post()
	form.Set("id", "globex")
	form.Set("name", "Globex")
	form.Set("brand", "RingCentral")
	form.Set("timezone", "Nowhere/Else")
	refused := b.Submit(form)
	refused.Says("New account")
	if refused.Status != http.StatusUnprocessableEntity || !strings.Contains(refused.HTML, `id="e-timezone"`) {
		t.Errorf("a time zone that is none: %d %s", refused.Status, refused.Text())
	}
	form = refused.Post()
	form.Set("timezone", "America/Detroit")
	form.Set("id", "acme")
	taken := b.Submit(form)
	taken.Says("Is an account already")
	form = taken.Post()
	form.Set("id", "globex")
	made := b.Submit(form)
	if made.URL.Path != "/console/globex/" {
		t.Fatalf("%d at %s: %s", made.Status, made.URL, made.Text())
	}
	made.Says("The account Globex is made, and you are in it.", "Account Globex globex",
		"it has no active super-admin", "the account globex (claim account) and no permissions")

	inside := b.Get("/console/globex/accounts")
	home := b.Get(inside.Link("Leave Globex (globex)"))
	home.Says("Account Acme acme acme")
	if got := b.Get(b.Get("/console/acme/accounts").Link("Enter Globex")).URL.Path; got != "/console/globex/" {
		t.Errorf("Enter leads to %s", got)
	}

	// Somebody else's change in between is shown beside one's own.
	form = b.Get("/console/acme/accounts/of/globex").Post()
	form.Set("name", "Globex Corporation")
	api := c.API(t, "globex", "eve")
	if _, err := api.PatchAccount(
		t.Context(),
		client.PatchAccountRequest{Name: new("Globex Ltd")},
		client.Change{Key: "p"},
	); err != nil {
		t.Fatal(err)
	}
	both := b.Submit(form)
	both.Says("Somebody else has changed this", "Globex Corporation", "Globex Ltd")
	b.Submit(mine(both)).Says("The account Globex Corporation is saved.")
}

// Who is no operator finds no accounts, and is refused.
func TestAccountsAreForOperators(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "zoe", "billing.read", "directory.manage", "licenses.manage")
	if links := b.Get("/console/acme/").Links("Accounts"); len(links) != 0 {
		t.Error("it is in the navigation")
	}
	for _, path := range []string{"accounts", "accounts/new", "accounts/of/acme"} {
		if p := b.Get("/console/acme/" + path); p.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, p.Status)
		}
	}
	operator := c.SignIn(t, "acme", "zoe")
	form := operator.Get("/console/acme/accounts/new").Post()
	for name, value := range map[string]string{"id": "globex", "name": "Globex", "brand": "B", "timezone": "UTC"} {
		form.Set(name, value)
	}
	// Another account is not there for who is of this one, whether it exists or not.
	if p := b.Submit(form); p.Status != http.StatusNotFound {
		t.Errorf("a form that is forced: %d", p.Status)
	}
	if _, err := c.API(t, "globex", "eve").GetAccount(t.Context()); !client.Is(err, "not-found") {
		t.Errorf("the account that was forced: %v", err)
	}
}

// An operator suspends an account by its page: everybody is told on each page of it, nothing is offered that
// would be refused, and what is sent all the same is refused in words. Closed, it is there for operators only.
func TestAnAccountThatIsSuspendedAndClosed(t *testing.T) {
	const told = "This account is suspended: it can be read, not changed."
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	zoe := c.SignIn(t, "acme", "zoe", "directory.read", "directory.manage", "licenses.read", "licenses.manage")
	form := zoe.Get("/console/acme/directory/users/new").Post()
	form.Set("id", "bob")
	form.Set("name", "Bob")
	if len(zoe.Get("/console/acme/directory").Links("+ New user")) == 0 {
		t.Fatal("an active account offers nothing")
	}

	op := c.SignIn(t, "acme", "ada")
	state := func(press string, means ...string) {
		ask := op.Get(op.Get("/console/acme/accounts/of/acme").Link(press + "…"))
		ask.Says(means...)
		op.Submit(ask.Post()).Says("The account Acme acme is ")
	}
	save := op.Get("/console/acme/accounts/of/acme").Post()
	if save.Values.Has("state") {
		t.Error("a form of billing changes the state without a question")
	}
	state("Suspend it", "Suspend Acme acme?", "still sign in and read everything", "for what people have under way too",
		"billing periods closed and charged")
	op.Get("/console/acme/accounts").Says("Suspended", told)
	list := zoe.Get("/console/acme/directory")
	list.Says(told)
	if links := list.Links("+ New user"); len(links) != 0 {
		t.Error("a suspended account offers to make a user")
	}
	zoe.Get("/console/acme/directory/users/new").Says(told)
	zoe.Submit(form).Says(told)

	state("Close it", "not found for everybody but operators", "Nothing goes on: views are not counted")
	if p := zoe.Get("/console/acme/directory"); p.Status != http.StatusNotFound {
		t.Errorf("a closed account answers %d: %s", p.Status, p.Text())
	}
	op.Get("/console/acme/accounts").Says("Closed", "only operators see it")

	state("Open it again", "What waited goes on within minutes")
	again := zoe.Get("/console/acme/directory")
	if strings.Contains(again.Text(), "suspended") || len(again.Links("+ New user")) == 0 {
		t.Errorf("it is active again: %s", again.Text())
	}
}

// An account that nobody administers tells an operator how its first super-admin comes in, on its overview and
// on the page where it is changed, until somebody does. The way leads over their page to the invitation.
func TestTheFirstSuperAdminOfAnAccount(t *testing.T) {
	var mails invited
	c := consolewalk.StartWith(t, func(env *app.Env) { env.SignIn, env.Console.Invites = &mails, true })
	c.Account(t, "acme", nil)
	c.Account(t, "globex", nil)
	b := c.SignIn(t, "acme", "ada")
	const none = "it has no active super-admin"
	b.Get("/console/acme/accounts/of/globex").Says(none, "Press Invite on their page")
	page := b.Get("/console/globex/")
	page.Says(none)
	form := b.Get(page.Link("+ First super-admin")).Post()
	if got := form.Values["roleIds"]; !slices.Equal(got, []string{"super-admin"}) {
		t.Fatalf("the form chooses the roles %q", got)
	}
	form.Set("id", "eve")
	form.Set("name", "Eve Moore")
	form.Set("email", "eve@globex.test")
	made := b.Submit(form)
	b.Submit(b.Get(made.Link("Invite them to sign in")).Post()).Says("The invitation is sent to eve@globex.test.")
	b.Get("/console/globex/").Hides(none)
	b.Get("/console/acme/accounts/of/globex").Hides(none)
	b.Get("/console/acme/").Says(none)
	c.SignIn(t, "acme", "zoe", "licenses.read", "directory.read", "directory.manage").Get("/console/acme/").Hides(none)
}
