package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/console/pages"
)

// search types into the box of a page's frame, and presses Enter.
func search(b *consolewalk.Browser, q string) *consolewalk.Page {
	form := b.Get("/console/acme/licenses").Form("/search")
	form.Set("q", q)
	return b.Submit(form)
}

// first is the first thing that was found.
func first(t *testing.T, p *consolewalk.Page) string {
	t.Helper()
	for _, list := range p.Elements("ul") {
		if !slices.ContainsFunc(list.Attr, func(a html.Attribute) bool { return strings.Contains(a.Val, "found") }) {
			continue
		}
		for n := range list.Descendants() {
			if n.Data == "a" {
				return n.Attr[0].Val
			}
		}
	}
	t.Fatalf("nothing was found: %s", p.Text())
	return ""
}

func TestSearchFindsEachKind(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1, "phone-system": 2})
	phone := licensesOf(t, api, "phone-system")[0]
	to := client.AssignLicenseRequest{UserID: "zoe", Extension: new("4711")}
	if _, err := api.AssignLicense(t.Context(), phone.ID, to, client.Change{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	monitored(t, api, "detroit", "support", "zoe", "john")
	role := client.PutRoleRequest{Name: "Night lead", Permissions: client.Set([]string{"licenses.read"})}
	if _, err := api.PutRole(t.Context(), "night", role, client.Change{Key: "r"}); err != nil {
		t.Fatal(err)
	}
	orders, err := api.ListOrders(t.Context(), client.ListOrdersQuery{})
	if err != nil {
		t.Fatal(err)
	}
	order := orders.Body.Items[0]
	b := c.SignIn(t, "acme", "ada")
	for q, want := range map[string]struct{ link, text, leads string }{
		"alva":                        {"Zoe Alvarez", "People", "/console/acme/directory/users/zoe"},
		"4711":                        {"Zoe Alvarez", "Exactly this", "/console/acme/directory/users/zoe"},
		"zoe@example.com":             {"Zoe Alvarez", "Exactly this", "/console/acme/directory/users/zoe"},
		phone.ID:                      {phone.ProductName, "Exactly this", "/console/acme/licenses/" + phone.ID},
		strings.ToUpper(phone.ID[:9]): {phone.ProductName, "Licenses", "/console/acme/licenses/" + phone.ID},
		strings.ReplaceAll(order.Number, "-", " "): {
			"Order " + order.Number, "Exactly this", "/console/acme/billing/orders/" + order.ID,
		},
		"cc-1":          {"CC-1 Support", "Exactly this", "/console/acme/licenses?costCenter=CC-1"},
		"detr":          {"Queue detroit", "Call queues", "/console/acme/live-reports/queues/detroit"},
		"lead nigh":     {"Night lead", "Roles", "/console/acme/directory/roles/night"},
		"buy":           {"Purchase", "Pages", "/console/acme/purchase"},
		"status report": {"Usage", "Pages", "/console/acme/usage"},
		"licenses":      {"Licenses", "Exactly this", "/console/acme/licenses"},
	} {
		p := search(b, q)
		p.Says(want.text)
		if !slices.Contains(p.Links(want.link), want.leads) {
			t.Errorf("%q finds no %q that leads to %s: %v %s", q, want.link, want.leads, p.Links(want.link), p.Text())
			continue
		}
		if want.text == "Exactly this" && first(t, p) != want.leads {
			t.Errorf("%q: %s stands first", q, first(t, p))
		}
		if to := b.Get(want.leads); to.Status != http.StatusOK {
			t.Errorf("%q leads to %s: %d", q, want.leads, to.Status)
		}
		if box := p.Form("/search"); box.Values.Get("q") != q {
			t.Errorf("the box has lost %q: %v", q, box.Values)
		}
	}
	numbered := client.PatchUserRequest{Number: client.Set("+1 656 789 0101")}
	if _, err := api.PatchUser(t.Context(), "zoe", numbered, client.Change{Key: "n"}); err != nil {
		t.Fatal(err)
	}
	if text := search(b, "alva").Text(); strings.Count(text, "789 0101") != 1 {
		t.Errorf("a number is told more often than once: %s", text)
	}
	if at := search(b, "support"); !slices.Contains(
		at.Links("Dashboard support"), "/console/acme/live-reports/dashboards/support",
	) {
		t.Errorf("a dashboard is not found: %s", at.Text())
	}
}

// What there is none of, and what nobody typed, is answered with what can be found.
func TestSearchThatFindsNothing(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/search").Says("people, by the beginning of a name")
	for _, q := range []string{
		"nobody at all", "<script>", "***", "  ", "(", "=1+1", "7", "00000000-0000-0000-0000-000000000000",
		strings.Repeat("9", 64), strings.Repeat("é", 1000), "שלום",
	} {
		p := search(b, q)
		if p.Status != http.StatusOK {
			t.Errorf("%.20q: %d %s", q, p.Status, p.Text())
		}
		p.Says("What can be found")
	}
	search(b, "nobody at all").Says("Nothing fits “ nobody at all ”")
}

// A person finds what they may see, of their own account.
func TestSearchFindsNothingForbidden(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	other := c.Account(t, "bolt", map[string]int64{"live-reports": 1})
	secret := client.PutUserRequest{Name: "Zoe Elsewhere"}
	if _, err := other.PutUser(t.Context(), "elsewhere", secret, client.Change{Key: "s"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	search(b, "zoe").Hides("Elsewhere")
	search(b, licensesOf(t, other, "live-reports")[0].ID).Says("Nothing fits")
	reader := c.SignIn(t, "acme", "john", "licenses.read")
	search(reader, "zoe").Hides("Zoe Alvarez")
	search(reader, "cc-1").Hides("Support")
	search(reader, "buy").Says("Nothing fits")
	search(reader, licensesOf(t, api, "live-reports")[0].ID).Says("Exactly this")
}

// Every page that the navigation has is found by its name, whoever adds it.
func TestEveryPageIsFoundByItsName(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	for _, page := range pages.All() {
		if page.Order == 0 {
			continue
		}
		want := strings.TrimSuffix("/console/acme/"+page.Path, "/")
		if got := strings.TrimSuffix(first(t, search(b, page.Name)), "/"); got != want {
			t.Errorf("%s leads to %s: enter it in places", page.Name, got)
		}
	}
}
