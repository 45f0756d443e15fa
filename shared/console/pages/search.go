package pages

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// The search box of the frame leads here from every page.
var _ = add(web.Page{
	Name: "Search", Path: "search",
	Routes: []web.Route{{Path: "search", Show: showSearch}},
})

const (
	// mostHits is how many things of one kind the page shows; the kind's own list has all.
	mostHits = 8
	// mostSearched is how many characters the API searches for.
	mostSearched = 200
	// digitsOfOrder is how many digits the number of an order has; the API refuses others.
	digitsOfOrder = 9
)

// place is a page as a person calls it: by its name, or in the portals' words.
type place struct {
	name, words string
	path        []string
	needs       []auth.Permission
}

var places = []place{
	{"Overview", "home start summary attention", nil, nil},
	{"Purchase", "buy add licenses order shop catalog", []string{"purchase"}, []auth.Permission{auth.BillingPurchase}},
	{
		"Cart", "basket checkout buy now split review order charges",
		[]string{"cart"},
		[]auth.Permission{auth.BillingPurchase},
	},
	{
		"Licenses", "seats assign unassign reassign inventory uuid terminate add-ons",
		[]string{"licenses"},
		[]auth.Permission{auth.LicensesRead},
	},
	{
		"Mass configuration", "upload file spreadsheet phones devices bulk configure sample",
		[]string{massPath},
		[]auth.Permission{auth.LicensesRead},
	},
	{
		"Requests", "ask want need wish approve approval deny withdraw reason",
		[]string{requestsPath},
		nil,
	},
	{
		"Live Reports", "monitored waiting excluded exclusions agents",
		[]string{"live-reports"},
		[]auth.Permission{auth.LicensesRead, auth.LiveReportsView, auth.DirectoryRead},
	},
	{
		"Usage", "overage download license status report agents viewers reports",
		[]string{"usage"},
		[]auth.Permission{auth.UsageRead},
	},
	{
		"Metrics", "wallboards supervisor clients devices maximum",
		[]string{"metrics"},
		[]auth.Permission{auth.MetricsRead},
	},
	{
		"Wallboards", "screens devices registered",
		[]string{"metrics", "wallboards", "list"},
		[]auth.Permission{auth.MetricsRead},
	},
	{
		"Directory", "users people extensions",
		[]string{"directory"},
		[]auth.Permission{auth.DirectoryRead, auth.LiveReportsView, auth.LicensesRead},
	},
	{"Roles", "permissions custom", []string{"directory", "roles"}, []auth.Permission{auth.DirectoryRead}},
	{"Call queues", "members", []string{"directory", "queues"}, []auth.Permission{auth.DirectoryRead}},
	{
		"Dashboards", "live reports queues",
		[]string{"directory", "dashboards"},
		[]auth.Permission{auth.LiveReportsView},
	},
	{
		"Imports", "upload file users directory bulk",
		[]string{"directory", "imports"},
		[]auth.Permission{auth.DirectoryRead, auth.LiveReportsView},
	},
	{
		"Exports", "download file users licenses directory",
		[]string{"directory", "exports"},
		[]auth.Permission{auth.DirectoryRead, auth.LiveReportsView, auth.LicensesRead},
	},
	{"Billing", "charges caps payment", []string{"billing"}, []auth.Permission{auth.BillingRead}},
	{
		"Orders", "statements invoices history purchase",
		[]string{"billing", "orders"},
		[]auth.Permission{auth.BillingRead},
	},
	{
		"Billing periods", "bills charges chargeback cost centers statement lines corrections",
		[]string{"billing", "periods"},
		[]auth.Permission{auth.BillingRead},
	},
	{
		"Idle seats", "unused reclaim take back last used",
		[]string{"billing", "idle"},
		[]auth.Permission{auth.BillingRead},
	},
	{
		"Automatic purchases", "caps policies maximum purchase alerts few free",
		[]string{"billing", "policies"},
		[]auth.Permission{auth.BillingRead},
	},
	{
		"Cost centers", "fences rename chargeback",
		[]string{"billing", "cost-centers"},
		[]auth.Permission{auth.BillingRead},
	},
	{
		"Service Billing Details", "cost centers charges periods",
		[]string{"service-billing-details"},
		[]auth.Permission{auth.BillingRead},
	},
	{"Time zone", "times zone clock", []string{"time-zone"}, nil},
	{"Audit", "history changes who log trail", []string{"audit"}, []auth.Permission{auth.AuditRead}},
	{"Accounts", "customers operator enter leave", []string{"accounts"}, []auth.Permission{auth.AccountsManage}},
}

// hit is something that was found. An exact one is all of an extension, a number or an id.
type hit struct {
	name, note, href string
	exact            bool
}

// hits are those of one kind; all is where the others of it are, empty where there are none.
type hits struct {
	name string
	list []hit
	all  string
}

// found is what the API found; what the reader may not see is empty.
type found struct {
	users    client.Answer[client.UserPage]
	licenses client.Answer[client.LicensePage]
	orders   client.Answer[client.OrderPage]
	centers  client.Answer[client.CostCenterPage]
	queues   client.Answer[client.CallQueuePage]
	boards   client.Answer[client.DashboardPage]
	roles    client.Answer[client.RolePage]
}

func showSearch(c *web.Context, _ *view.Form) error {
	q := strings.TrimSpace(c.Query().Get("q"))
	if runes := []rune(q); len(runes) > mostSearched {
		q = string(runes[:mostSearched])
	}
	if q == "" {
		if err := c.Load(); err != nil {
			return err
		}
		return c.Show("Search", searchPage(c, q, nil))
	}
	var f found
	if err := c.Load(f.calls(c, q)...); err != nil {
		return err
	}
	return c.Show("Search", searchPage(c, q, exactFirst(f.kinds(c, q))))
}

// calls ask for what may be meant, side by side.
func (f *found) calls(c *web.Context, q string) []func(context.Context) error {
	calls := []func(context.Context) error{
		client.IfAllowed(client.Into(&f.users, func(ctx context.Context) (client.Answer[client.UserPage], error) {
			return c.API.ListUsers(ctx, client.ListUsersQuery{Q: q, Limit: mostHits})
		})),
		client.IfAllowed(client.Into(&f.licenses, func(ctx context.Context) (client.Answer[client.LicensePage], error) {
			return c.API.ListLicenses(ctx, client.ListLicensesQuery{Q: q, Limit: mostHits})
		})),
		client.IfAllowed(
			client.Into(&f.centers, func(ctx context.Context) (client.Answer[client.CostCenterPage], error) {
				return c.API.ListCostCenters(ctx, client.ListCostCentersQuery{Q: q, Limit: mostHits})
			}),
		),
		client.IfAllowed(client.Into(&f.queues, func(ctx context.Context) (client.Answer[client.CallQueuePage], error) {
			return c.API.ListCallQueues(ctx, client.ListCallQueuesQuery{Q: q, Limit: mostHits})
		})),
		client.IfAllowed(client.Into(&f.boards, func(ctx context.Context) (client.Answer[client.DashboardPage], error) {
			return c.API.ListDashboards(ctx, client.ListDashboardsQuery{Q: q, Limit: mostHits})
		})),
		listRoles(c, &f.roles),
	}
	if number := digits(q); len(number) == digitsOfOrder {
		calls = append(calls,
			client.IfAllowed(client.Into(&f.orders, func(ctx context.Context) (client.Answer[client.OrderPage], error) {
				return c.API.ListOrders(ctx, client.ListOrdersQuery{Number: number, Limit: mostHits})
			})))
	}
	return calls
}

// kinds are the hits of each kind that has some.
func (f found) kinds(c *web.Context, q string) []hits {
	all := []hits{
		{name: "Pages", list: placesFor(c, q)},
		{name: "People", list: usersFor(c, q, f.users.Body.Items)},
		{name: "Licenses", list: licensesFor(c, q, f.licenses.Body.Items)},
		{name: "Orders", list: ordersFor(c, q, f.orders.Body.Items)},
		{name: "Cost centers", list: centersFor(c, q, f.centers.Body.Items)},
		{name: "Roles", list: rolesFor(c, q, f.roles.Body.Items)},
	}
	if f.users.Body.NextCursor != "" {
		all[1].all = c.Link("directory") + "?q=" + queryEscape(q)
	}
	if f.licenses.Body.NextCursor != "" {
		all[2].all = c.Link("licenses") + "?q=" + queryEscape(q)
	}
	queues := hits{name: "Call queues"}
	for _, one := range f.queues.Body.Items {
		href := c.Link("live-reports", "queues", one.ID)
		queues.list = append(queues.list, hit{one.Name, one.ID, href, same(one.ID, q)})
	}
	if f.queues.Body.NextCursor != "" {
		queues.all = c.Link("directory", "queues") + "?q=" + queryEscape(q)
	}
	boards := hits{name: "Dashboards"}
	for _, one := range f.boards.Body.Items {
		href := c.Link("live-reports", "dashboards", one.ID)
		boards.list = append(boards.list, hit{one.Name, one.ID, href, same(one.ID, q)})
	}
	if f.boards.Body.NextCursor != "" {
		boards.all = c.Link("directory", "dashboards") + "?q=" + queryEscape(q)
	}
	return slices.DeleteFunc(append(all, queues, boards), func(h hits) bool { return len(h.list) == 0 })
}

// exactFirst puts what is exactly what was searched for before everything else.
func exactFirst(kinds []hits) []hits {
	exactly := hits{name: exactName}
	for i, kind := range kinds {
		var rest []hit
		for _, one := range kind.list {
			if one.exact {
				exactly.list = append(exactly.list, one)
			} else {
				rest = append(rest, one)
			}
		}
		kinds[i].list = rest
	}
	kinds = slices.DeleteFunc(kinds, func(h hits) bool { return len(h.list) == 0 })
	if len(exactly.list) == 0 {
		return kinds
	}
	return append([]hits{exactly}, kinds...)
}

// exactName is the heading of what is exactly what was searched for.
const exactName = "Exactly this"

// placesFor are the pages whose name or words have every word of what was searched for.
func placesFor(c *web.Context, q string) []hit {
	var list []hit
	for _, p := range places {
		if c.May(p.needs...) && c.Opens(p.path...) && hasWords(p.name+" "+p.words, q) {
			list = append(list, hit{name: p.name, href: c.Link(p.path...), exact: same(p.name, q)})
		}
	}
	return list
}

// hasWords says whether every word of what was searched for begins a word of a text.
func hasWords(text, q string) bool {
	words := strings.Fields(strings.ToLower(text))
	for wanted := range strings.FieldsSeq(strings.ToLower(q)) {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(word, wanted) }) {
			return false
		}
	}
	return true
}

func usersFor(c *web.Context, q string, users []client.User) []hit {
	var list []hit
	number := digits(q)
	for _, u := range users {
		exact := same(u.ID, q) || same(u.Email, q) || same(u.Extension, q) || number != "" && digits(u.Number) == number
		list = append(list, hit{u.Name, userLead(u), c.Link("directory", "users", u.ID), exact})
	}
	return list
}

func licensesFor(c *web.Context, q string, licenses []client.License) []hit {
	var list []hit
	for _, l := range licenses {
		note := licenseLead(l)
		if l.Extension != "" {
			note += " Ext " + l.Extension + "."
		}
		list = append(list, hit{l.ProductName, note + " " + l.ID, c.Link("licenses", l.ID), same(l.ID, q)})
	}
	return list
}

func ordersFor(c *web.Context, q string, orders []client.Order) []hit {
	var list []hit
	for _, o := range orders {
		note := c.Format().Count(o.LicenseCount, "license", "licenses") + ", placed by " + o.PlacedBy
		href := c.Link("billing", "orders", o.ID)
		list = append(list, hit{"Order " + o.Number, note, href, digits(o.Number) == digits(q)})
	}
	return list
}

func centersFor(c *web.Context, q string, centers []client.CostCenter) []hit {
	var list []hit
	for _, one := range centers {
		href := c.Link("service-billing-details")
		if c.May(auth.LicensesRead) {
			href = c.Link("licenses") + "?costCenter=" + queryEscape(one.Code)
		}
		list = append(list, hit{view.CenterName(one.Code, one.Name), "", href, same(one.Code, q)})
	}
	return list
}

func rolesFor(c *web.Context, q string, roles []client.Role) []hit {
	var list []hit
	for _, r := range roles {
		if hasWords(r.Name+" "+r.ID, q) {
			list = append(list, hit{r.Name, r.ID, c.Link("directory", "roles", r.ID), same(r.ID, q)})
		}
	}
	return list[:min(len(list), mostHits)]
}

func same(one, other string) bool { return one != "" && strings.EqualFold(one, other) }

// digits are those of a number, however it is written; empty for what is no number.
func digits(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case !unicode.IsSpace(r) && !strings.ContainsRune("-+().", r):
			return ""
		}
	}
	return b.String()
}
