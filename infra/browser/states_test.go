package browser_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/infra/testing/parts"
	"seatwise/shared/console/client"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
)

// TestEveryStateForEverybody looks at what a page may turn into as the walk looks at pages: refused,
// overtaken, signed out.
func TestEveryStateForEverybody(t *testing.T) {
	p := sit(t, byMouse)
	s := &scene{person: p, account: newAccount()}
	s.api = p.o.console.Account(t, s.account, map[string]int64{"phone-system": 1})
	states := []struct {
		name string
		lead func()
		says string
	}{
		{"the sign-in page", func() { s.visit("/console/") }, "say who you are"},
		{"the sign-in page, refused", func() { s.signInHere(s.account, "ada", "wrong") }, "permission"},
		{"no such page", func() {
			s.signIn(s.account, "ada")
			s.visit("/console/" + s.account + "/nothing/here")
		}, "There is no such page"},
		{"no such license", func() { s.visit("/console/" + s.account + "/licenses/nothing") }, "cannot be shown"},
		{"a field that is refused", func() {
			s.visit("/console/" + s.account + "/directory/users/new")
			s.fill("User", "a b")
			s.fill("Name", "Somebody")
			s.click("Make the user")
		}, "Somebody"},
		{"a change that was overtaken", func() {
			s.visit("/console/" + s.account + "/metrics/wallboards")
			_, err := s.api.PutWallboardMaximum(t.Context(), client.PutWallboardMaximumRequest{Max: 20}, key())
			s.must(err)
			s.fill("Maximum of wallboards", 3)
			s.click("Save")
		}, "There now"},
		{"a session that ended", func() {
			s.visit("/console/" + s.account + "/metrics/wallboards")
			s.loseSession()
			s.click("Save")
		}, "Sign in to go on"},
		{"signed out", func() {
			s.signIn(s.account, "ada")
			s.click("ada")
			s.click("Sign out")
		}, "You are signed out"},
	}
	for _, state := range states {
		state.lead()
		s.see(state.says)
		s.suitsEverybody()
	}
}

// TestKeysOfTheFrame holds what the whole console promises to who has no mouse: a way past the
// navigation, and menus that close by Escape with the focus back on them.
func TestKeysOfTheFrame(t *testing.T) {
	s := admin(t, map[string]int64{"phone-system": 1})
	s.click("Licenses")
	s.key(keyOf["Tab"])
	s.seesFocus()
	s.key(keyOf["Enter"])
	if at := asks[string](s.person, "document.activeElement.id"); at != "main" {
		t.Errorf("the first Tab and Enter lead to %q, want the page itself", at)
	}
	s.how = byKeyboard
	s.click("More actions")
	s.find("Details", pressable)
	s.key(keyOf["Escape"])
	if s.has("Details") || asks[string](s.person, "document.activeElement.tagName") != "SUMMARY" {
		t.Error("Escape does not close the menu, or the focus is lost")
	}
	s.click("ada")
	s.click("Sign out")
	s.see("You are signed out")
}

// TestSinglePermissions gives an admin each single permission. Whatever they are offered, by link or
// by button, is not refused; and every form that an admin with all of them may send is refused, if
// it is sent all the same, unless the permission is its own.
func TestSinglePermissions(t *testing.T) {
	o := open(t)
	for _, permission := range parts.Today(auth.Permissions()) {
		if permission == auth.AccountsManage {
			continue
		}
		t.Run(string(permission), func(t *testing.T) {
			api, stops := staff(t, o)
			b := o.console.SignIn(t, api.Account, "ada", string(permission))
			offersNoMore(t, o, offer{api, stops, b, own[permission]})
		})
	}
}

// TestAnAdminOfSomeCostCentersInTheConsole is offered nothing that is of the whole account, whose roles
// allow all; and what is forced is refused.
func TestAnAdminOfSomeCostCentersInTheConsole(t *testing.T) {
	o := open(t)
	api, stops := staff(t, o)
	_, err := api.PutUser(t.Context(), "lena", client.PutUserRequest{
		Name: "Lena", CostCenter: client.Set("CC-1"), RoleIDs: client.Set([]string{"super-admin"}),
		AdminOfCostCenters: client.Set([]string{"CC-1"}),
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	offersNoMore(t, o, offer{api, stops, o.console.SignIn(t, api.Account, "lena", "roles"), []string{
		"order.", "policy.", "license.", "exclusion.", "request.", "user.", "reclaim.",
	}})
}

// offer is somebody in a browser, what they may change, and all pages of their account.
type offer struct {
	api   *client.Client
	stops []stop
	b     *consolewalk.Browser
	own   []string
}

// offersNoMore follows every link that somebody is offered, and forces every form that they are not.
func offersNoMore(t *testing.T, o *office, of offer) {
	t.Helper()
	for _, s := range walk(of.b, of.api.Account) {
		for _, a := range of.b.Get(s.path).Elements("a") {
			for _, attribute := range a.Attr {
				if attribute.Key == "href" {
					notRefused(t, of.b, s.path, attribute.Val)
				}
			}
		}
	}
	before := changes(t, of.api)
	force(t, o, of.api.Account, of.b, of.stops)
	for _, what := range newChanges(t, of.api, before) {
		if !slices.ContainsFunc(of.own, func(own string) bool { return strings.HasPrefix(what, own) }) {
			t.Errorf("a form that is not offered was carried out: %s", what)
		}
	}
}

// own is what each permission may change, as the audit names it; the others change nothing.
var own = map[auth.Permission][]string{
	auth.BillingPurchase: {"order.", "costCenter.", "policy."},
	auth.LicensesManage:  {"license.", "exclusion.", "massConfiguration.", "request."},
	auth.LicensesRead:    {"export.requested"},
	auth.DirectoryRead:   {"export.requested"},
	auth.DirectoryManage: {"user.", "role.", "queue.", "import.", "export.requested"},
	auth.LiveReportsFull: {"dashboard."},
	auth.MetricsManage:   {"wallboard"},
	auth.UsageRead:       {"report.requested"},
}

// notRefused opens a link of the console.
func notRefused(t *testing.T, b *consolewalk.Browser, from, href string) {
	t.Helper()
	at, err := url.Parse(href)
	if err != nil || at.Host != "" || at.Path == "" {
		return
	}
	if p := b.Get(at.RequestURI()); p.Status == http.StatusForbidden || p.Status == http.StatusNotFound {
		t.Errorf("%s leads to %s, which answers %d", from, href, p.Status)
	}
}

// force sends, as who has one permission, every form that who has all of them sees.
func force(t *testing.T, o *office, account string, b *consolewalk.Browser, stops []stop) {
	t.Helper()
	all := o.console.SignIn(t, account, "ada")
	for _, s := range stops {
		if s.file {
			continue
		}
		for _, f := range all.Get(s.path).Forms() {
			if f.Method() == http.MethodPost && !strings.HasSuffix(f.Action, "/sign-out") {
				b.Submit(f)
			}
		}
	}
}

// accountAdmin are all permissions of an account's own admin.
func accountAdmin() []string {
	return strings.Fields(access.Carried().String())
}
