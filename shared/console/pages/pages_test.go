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
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
)

// examples are addresses of routes with a parameter, by the route's path: what is in braces becomes
// this. A page adds its own here when it is added.
func examples(t *testing.T, c *consolewalk.Console) map[string]string {
	t.Helper()
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3, "phone-system": 2})
	list, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{Product: []string{"phone-system"}})
	if err != nil || len(list.Body.Items) != 2 {
		t.Fatalf("%+v, %v", list.Body, err)
	}
	id := list.Body.Items[0].ID
	if _, err := api.AssignLicense(
		t.Context(),
		id,
		client.AssignLicenseRequest{UserID: "zoe", Extension: new("101")},
		client.Change{Key: "1"},
	); err != nil {
		t.Fatal(err)
	}
	cart, err := api.AddCartLine(
		t.Context(),
		client.AddCartLineRequest{ProductID: "live-reports", Quantity: 2, CostCenter: new("CC-1")},
		client.Change{Key: "2"},
	)
	if err != nil {
		t.Fatal(err)
	}
	quote, err := api.CreateQuote(t.Context(), client.CreateQuoteRequest{}, client.Change{Key: "3"})
	if err != nil {
		t.Fatal(err)
	}
	orders, err := api.ListOrders(t.Context(), client.ListOrdersQuery{})
	if err != nil || len(orders.Body.Items) == 0 {
		t.Fatalf("%+v, %v", orders.Body, err)
	}
	monitored(t, api, "detroit", "support", "zoe", "john")
	excluded := licensesOf(t, api, "live-reports")
	for _, l := range excluded {
		if l.UserID == "john" {
			if _, err := api.UnassignLicense(t.Context(), l.ID, client.Change{Key: "4"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	wish, err := api.CreateRequest(t.Context(), client.CreateRequestRequest{
		ProductID: "developer", UserID: new("zoe"), Reason: "Programs",
	}, client.Change{Key: "wish"})
	if err != nil {
		t.Fatal(err)
	}
	reclaim, err := api.CreateReclaim(
		t.Context(), client.CreateReclaimRequest{ProductID: "phone-system", Days: 1}, client.Change{Key: "reclaim"},
	)
	if err != nil {
		t.Fatal(err)
	}
	report, err := api.PostReport(
		t.Context(), client.PostReportRequest{Kind: "license-status"}, client.Change{Key: "5"},
	)
	if err != nil {
		t.Fatal(err)
	}
	made(t, api, report.Body.ID)
	brought, err := api.CreateImport(
		t.Context(),
		client.CreateImportRequest{Kind: "users", FileName: "people.csv", SizeBytes: 100},
		client.Change{Key: "import"},
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutRole(
		t.Context(),
		"lead",
		client.PutRoleRequest{Name: "Lead", Permissions: client.Set([]string{"licenses.read"})},
		client.Change{Key: "6"},
	); err != nil {
		t.Fatal(err)
	}
	mass, err := api.CreateMassConfiguration(
		t.Context(),
		client.CreateMassConfigurationRequest{FileName: "phones.csv", SizeBytes: 20},
		client.Change{Key: "7"},
	)
	if err != nil {
		t.Fatal(err)
	}
	period, err := api.GetPeriod(t.Context(), "current")
	if err != nil || len(period.Body.Lines) == 0 {
		t.Fatalf("%+v, %v", period.Body, err)
	}
	line, err := api.GetPeriodLine(
		t.Context(), "current", period.Body.Lines[0].ID, client.GetPeriodLineQuery{},
	)
	if err != nil {
		t.Fatal(err)
	}
	lineAddress := "billing/periods/current/lines/" + line.Body.ID
	return map[string]string{
		"billing/cost-centers/{code}":                     "billing/cost-centers/CC-1",
		"billing/periods/{first}":                         "billing/periods/current",
		"billing/periods/{first}/lines/{line}":            lineAddress,
		"billing/periods/{first}/lines/{line}/days/{day}": lineAddress + "/days/" + line.Body.Days[0].Day,
		"mass-configurations/{id}":                        "mass-configurations/" + mass.Body.ID,
		"directory/imports/sample":                        "directory/imports/sample?kind=users&format=csv",
		"directory/imports/{id}":                          "directory/imports/" + brought.Body.ID,
		"directory/exports/{id}":                          "directory/exports/" + exported(t, api, "users").ID,
		"directory/users/{id}":                            "directory/users/zoe",
		"directory/roles/{id}":                            "directory/roles/lead",
		"usage/reports/{id}":                              "usage/reports/" + report.Body.ID,
		"live-reports/users/{id}":                         "live-reports/users/zoe",
		"live-reports/queues/{id}":                        "live-reports/queues/detroit",
		"live-reports/dashboards/{id}":                    "live-reports/dashboards/support",
		"live-reports/exclusions/{product}/{user}":        "live-reports/exclusions/live-reports/john",
		"licenses/take":                                   "licenses/take?user=zoe",
		"directory/selected":                              "directory/selected?user=zoe",
		"licenses/{id}":                                   "licenses/" + id,
		"problems/{slug}":                                 "problems/validation",
		"accounts/of/{id}":                                "accounts/of/acme",
		"billing/orders/{id}":                             "billing/orders/" + orders.Body.Items[0].ID,
		"billing/reclaims/{id}":                           "billing/reclaims/" + reclaim.Body.ID,
		"billing/policies/{product}":                      "billing/policies/live-reports",
		"requests/{id}":                                   "requests/" + wish.Body.ID,
		"cart/now":                                        "cart/now?product=live-reports&quantity=2",
		"cart/now/split":                                  "cart/now/split?product=live-reports&whole=4",
		"cart/lines/{line}":                               "cart/lines/" + cart.Body.Lines[0].ID,
		"cart/review/{quote}":                             "cart/review/" + quote.Body.ID,
	}
}

// address is an address of a route, by the longest example that it begins with.
func address(route string, known map[string]string) string {
	best := ""
	for pattern := range known {
		if strings.HasPrefix(route, pattern) && len(pattern) > len(best) {
			best = pattern
		}
	}
	return known[best] + strings.TrimPrefix(route, best)
}

// TestEveryProblemIsExplained opens the page of each kind of problem that the API may answer.
func TestEveryProblemIsExplained(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	for _, slug := range problem.Slugs() {
		if p := b.Get("/console/acme/problems/" + string(slug)); p.Status != http.StatusOK {
			t.Errorf("%s is not explained: %d", slug, p.Status)
		}
	}
}

// TestEveryPage opens every route of every page, as who may do everything.
func TestEveryPage(t *testing.T) {
	c := consolewalk.Start(t)
	known := examples(t, c)
	b := c.SignIn(t, "acme", "ada")
	b.Header.Set("Accept-Encoding", "gzip")
	for _, page := range pages.All() {
		if page.Order != 0 {
			if links := b.Get("/console/acme/").Links(page.Name); len(links) == 0 {
				t.Errorf("%s is not in the navigation", page.Name)
			}
		}
		for _, route := range page.Routes {
			path := "/console/acme/" + address(route.Path, known)
			if strings.Contains(path, "{") {
				t.Errorf("%s has no example: enter one in examples", route.Path)
				continue
			}
			p := b.Get(path)
			if p.Status != http.StatusOK {
				t.Errorf("%s: %d %s", path, p.Status, p.Text())
				continue
			}
			if !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
				continue // a file
			}
			checkPage(t, path, p)
		}
	}
}

func checkPage(t *testing.T, path string, p *consolewalk.Page) {
	t.Helper()
	if n := len(p.Elements("h1")); n != 1 {
		t.Errorf("%s has %d main headings", path, n)
	}
	titles := slices.DeleteFunc(p.Elements("title"), func(n *html.Node) bool { return n.Parent.Data != "head" })
	if len(p.Elements("main")) != 1 || len(titles) != 1 {
		t.Errorf("%s has no main part or no title", path)
	}
	if size := p.Size; size == 0 || size > 20<<10 {
		t.Errorf("%s has %d bytes", path, size)
	}
	for element, attributes := range p.Attributes() {
		for _, a := range attributes {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has %s=%q in a %s, which the policy refuses", path, a.Key, a.Val, element)
			}
		}
	}
	for _, s := range p.Elements("script") {
		if s.FirstChild != nil {
			t.Errorf("%s has a script in it, which the policy refuses", path)
		}
	}
	if len(p.Elements("style")) > 0 {
		t.Errorf("%s has a style in it, which the policy refuses", path)
	}
	ids := map[string]bool{}
	for _, attributes := range p.Attributes() {
		for _, a := range attributes {
			if a.Key == "id" && ids[a.Val] {
				t.Errorf("%s has two elements %q", path, a.Val)
			}
			ids[a.Val] = ids[a.Val] || a.Key == "id"
		}
	}
	for _, f := range p.Forms() {
		if f.Method() != http.MethodPost || strings.HasSuffix(f.Action, "/sign-out") {
			continue
		}
		if f.Values.Get("_key") == "" || f.Values.Get("_account") != "acme" || f.Values.Get("_user") != "ada" {
			t.Errorf("%s has a form without its key, account or person: %v", path, f.Values)
		}
	}
}

// TestWhatIsNotAllowedIsNotThere gives a person each single permission: pages that need another one
// are in no navigation, and refused when they are opened all the same.
func TestWhatIsNotAllowedIsNotThere(t *testing.T) {
	c := consolewalk.Start(t)
	known := examples(t, c)
	for _, permission := range auth.Permissions() {
		if permission == auth.AccountsManage {
			continue
		}
		b := c.SignIn(t, "acme", "zoe", string(permission))
		home := b.Get("/console/acme/")
		for _, page := range pages.All() {
			allowed := len(page.Needs) == 0 || slices.ContainsFunc(page.Needs, auth.SetOf(permission).Has)
			if shown := len(home.Links(page.Name)) > 0; page.Order != 0 && shown != allowed {
				t.Errorf("with %s: %s is in the navigation: %v", permission, page.Name, shown)
			}
			for _, route := range page.Routes {
				if allowed && (len(route.Needs) == 0 || slices.ContainsFunc(route.Needs, auth.SetOf(permission).Has)) {
					continue
				}
				p := b.Get("/console/acme/" + address(route.Path, known))
				// What is another person's own, as a line of a cart, is not there for anybody else.
				if p.Status != http.StatusForbidden && p.Status != http.StatusNotFound {
					t.Errorf("with %s: %s: %d", permission, route.Path, p.Status)
				}
			}
		}
	}
}

// forReaders are routes whose form is for who may read their page, or stands on a page that readers
// see too and is drawn for who may send it.
var forReaders = map[string]bool{
	"mass-configurations": true, "mass-configurations/{id}": true, "directory/imports": true,
	"directory/exports": true, "usage/reports": true, "time-zone": true, "tour": true,
	"requests/new": true, "requests/{id}/withdraw": true,
}

// changes says that nobody sees a page who only reads.
func changes(needs []auth.Permission) bool {
	return len(needs) > 0 && !slices.ContainsFunc(needs, func(p auth.Permission) bool {
		return p != auth.BillingPurchase && p != auth.AccountsManage
	})
}

// TestNamesAndPaths holds what the navigation and the plain addresses rest on.
func TestNamesAndPaths(t *testing.T) {
	orders, paths := map[int]string{}, map[string]string{}
	for _, page := range pages.All() {
		if page.Order != 0 && orders[page.Order] != "" {
			t.Errorf("%s and %s have the same place in the navigation", page.Name, orders[page.Order])
		}
		orders[page.Order] = page.Name
		if paths[page.Path] != "" || strings.Contains(page.Path, "/") {
			t.Errorf("%s: its path %q is another page's, or not one segment", page.Name, page.Path)
		}
		paths[page.Path] = page.Name
		for _, route := range page.Routes {
			if route.Send != nil && len(route.Needs) == 0 && !changes(page.Needs) && !forReaders[route.Path] {
				t.Errorf("%s does not say what its form needs (Needs), so it is shown to who may only read", route.Path)
			}
			if route.Send != nil && route.Submit == "" {
				t.Errorf("%s has no name of its button, for who is shown the form again", route.Path)
			}
		}
	}
}

// TestAnAdminOfSomeCostCenters sees of which they are admin at the top of every page, has no page of the
// whole account in the navigation, and is refused each in words; the user's form says of which.
func TestAnAdminOfSomeCostCenters(t *testing.T) {
	c := consolewalk.Start(t)
	known := examples(t, c)
	api := c.API(t, "acme", "ada")
	for code, name := range map[string]string{"100": "North", "200": "200"} {
		if _, err := api.PutCostCenter(
			t.Context(), code, client.PutCostCenterRequest{Name: name}, client.Change{Key: "c" + code},
		); err != nil {
			t.Fatal(err)
		}
	}
	ada := c.SignIn(t, "acme", "ada")
	form := ada.Get("/console/acme/directory/users/new").Form("/console/acme/directory/users/new")
	form.Set("id", "lena")
	form.Set("name", "Lena")
	form.Set("costCenter", "100")
	form.Values["roleIds"] = []string{"super-admin"}
	form.Values["adminOfCostCenters"] = []string{"100", "200"}
	if p := ada.Submit(form); p.Status != http.StatusOK || !strings.Contains(p.Text(), "100 North, 200") {
		t.Fatalf("%d %s", p.Status, p.Text())
	}
	b := c.SignIn(t, "acme", "lena", "roles")
	home := b.Get("/console/acme/")
	if !strings.Contains(home.Text(), "Limited to cost centers 100 North, 200") {
		t.Errorf("the header does not say the limit: %s", home.Text())
	}
	none := auth.SetOf(auth.LiveReportsView, auth.LiveReportsFull, auth.UsageRead, auth.MetricsRead, auth.MetricsManage)
	whole := 0
	for _, page := range pages.All() {
		theirs := !page.Whole && (len(page.Needs) == 0 || slices.ContainsFunc(page.Needs, func(p auth.Permission) bool {
			return p != auth.AccountsManage && !none.Has(p)
		}))
		if shown := len(home.Links(page.Name)) > 0; page.Order != 0 && shown != theirs {
			t.Errorf("%s is in the navigation: %v", page.Name, shown)
		}
		for _, route := range page.Routes {
			if theirs && !route.Whole || strings.HasSuffix(route.Path, "/sample") { // a sample tells nothing
				continue
			}
			whole++
			p := b.Get("/console/acme/" + address(route.Path, known))
			if p.Status != http.StatusForbidden && p.Status != http.StatusNotFound ||
				p.Status == http.StatusForbidden && !strings.Contains(p.Text(), "for admins of the whole account") &&
					page.Path != "accounts" {
				t.Errorf("%s: %d %s", route.Path, p.Status, p.Text())
			}
		}
	}
	if whole < 40 {
		t.Errorf("%d pages are of the whole account", whole)
	}
	edit := b.Get("/console/acme/directory/users/lena/edit").Form("/console/acme/directory/users/lena/edit")
	edit.Values["adminOfCostCenters"] = nil
	if p := b.Submit(edit); p.Status != http.StatusForbidden {
		t.Errorf("they end their own limit: %d %s", p.Status, p.Text())
	}
}
