package pages

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Live Reports", Path: "live-reports", Section: sectionLiveReports, Order: 50,
	Needs: []auth.Permission{auth.LicensesRead, auth.LiveReportsView, auth.DirectoryRead},
	Routes: []web.Route{
		{Path: "live-reports", Show: showLiveReports},
		{Path: "live-reports/users", Show: showPeople},
		{Path: "live-reports/users/{id}", Show: showWhy},
		{
			Path: "live-reports/queues/new", Whole: true, Needs: managesDirectory,
			Show: showNewQueue, Send: sendNewQueue, Submit: makeQueue,
			Fields: namedFields,
		},
		{Path: "live-reports/queues/{id}", Whole: true, Show: showQueue},
		{
			Path: "live-reports/queues/{id}/name", Changes: "queue:{id}", Whole: true, Needs: managesDirectory,
			Show: showQueueName, Send: sendQueueName, Submit: "Save",
			Fields: namedFields,
		},
		{
			Path: "live-reports/queues/{id}/add", Changes: "queue:{id}", Whole: true, Needs: managesDirectory,
			Show: showAddMembers, Send: sendAddMembers, Submit: addMembers,
		},
		{
			Path: "live-reports/queues/{id}/remove", Changes: "queue:{id}", Whole: true, Needs: managesDirectory,
			Show: showRemoveMembers, Send: sendRemoveMembers, Submit: "Remove",
		},
		{
			Path: "live-reports/queues/{id}/delete", Whole: true, Needs: managesDirectory,
			Show: showDeleteQueue, Send: sendDeleteQueue, Submit: "Delete",
		},
		{
			Path: "live-reports/dashboards/new", Whole: true, Needs: managesDashboards,
			Show: showNewDashboard, Send: sendNewDashboard, Submit: makeDashboard,
			Fields: namedFields,
		},
		{Path: "live-reports/dashboards/{id}", Whole: true, Show: showDashboard},
		{
			Path: "live-reports/dashboards/{id}/name", Whole: true, Needs: managesDashboards,
			Show: showDashboardName, Send: sendDashboardName, Submit: "Save",
			Fields: namedFields,
		},
		{
			Path: "live-reports/dashboards/{id}/add", Changes: "dashboard:{id}", Whole: true, Needs: managesDashboards,
			Show: showAddQueues, Send: sendAddQueues, Submit: addQueues,
		},
		{
			Path: "live-reports/dashboards/{id}/remove", Changes: "dashboard:{id}",
			Whole: true, Needs: managesDashboards,
			Show: showRemoveQueues, Send: sendRemoveQueues,
			Submit: "Take off",
		},
		{
			Path: "live-reports/dashboards/{id}/delete", Whole: true, Needs: managesDashboards,
			Show: showDeleteDashboard, Send: sendDeleteDashboard,
			Submit: "Delete",
		},
		{
			Path:   "live-reports/exclusions/{product}/{user}",
			Needs:  managesLicenses,
			Show:   showLift,
			Send:   sendLift,
			Submit: "Lift the exclusion",
		},
	},
})

const (
	// pageOfLive is how many of each kind the page of Live Reports shows at once.
	pageOfLive = 50
	// mostNames is how many things are looked up for their names at once; others are named by id.
	mostNames = 200
)

// live is what the page of Live Reports shows; what the reader may not see is empty.
type live struct {
	summary    client.Answer[client.ProductSummaryPage]
	waiting    client.Answer[client.WaitingGrantPage]
	excluded   client.Answer[client.ExcludedPage]
	dashboards client.Answer[client.DashboardPage]
	queues     client.Answer[client.CallQueuePage]
}

func showLiveReports(c *web.Context, _ *view.Form) error {
	var l live
	q := c.Query()
	err := c.Load(
		client.IfAllowed(client.Into(&l.summary, c.API.SummarizeLicenses)),
		client.IfAllowed(
			client.Into(&l.waiting, func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
				return c.API.ListWaiting(ctx, client.ListWaitingQuery{
					Limit: pageOfLive, Cursor: q.Get("waiting"), Product: q["product"],
				})
			}),
		),
		client.IfAllowed(
			client.Into(&l.excluded, func(ctx context.Context) (client.Answer[client.ExcludedPage], error) {
				return c.API.ListExclusions(
					ctx,
					client.ListExclusionsQuery{Limit: pageOfLive, Cursor: q.Get("excluded")},
				)
			}),
		),
		client.IfAllowed(
			client.Into(&l.dashboards, func(ctx context.Context) (client.Answer[client.DashboardPage], error) {
				return c.API.ListDashboards(
					ctx,
					client.ListDashboardsQuery{Limit: pageOfLive, Cursor: q.Get("dashboards")},
				)
			}),
		),
		client.IfAllowed(
			client.Into(&l.queues, func(ctx context.Context) (client.Answer[client.CallQueuePage], error) {
				return c.API.ListCallQueues(
					ctx,
					client.ListCallQueuesQuery{Limit: pageOfLive, Cursor: q.Get("queues")},
				)
			}),
		),
	)
	if err != nil {
		return err
	}
	return c.Show("Live Reports", liveReportsPage(c, c.NewForm(), l))
}

// products are those that open Live Reports.
func (l live) products() []client.ProductSummary {
	var some []client.ProductSummary
	for _, p := range l.summary.Body.Items {
		if p.ProductID == liveReports || p.ProductID == queueBooster && p.Bought > 0 {
			some = append(some, p)
		}
	}
	return some
}

func (l live) waits() int64 {
	var n int64
	for _, p := range l.products() {
		n += p.Waiting
	}
	return n
}

// short are the products for which somebody waits; of one that the address names, it alone.
func (l live) short(only string) []client.ProductSummary {
	return slices.DeleteFunc(slices.Clone(l.summary.Body.Items), func(p client.ProductSummary) bool {
		return p.Waiting == 0 || only != "" && only != p.ProductID
	})
}

// productName is a product as the account's list names it.
func (l live) productName(id string) string {
	for _, p := range l.summary.Body.Items {
		if p.ProductID == id {
			return p.Name
		}
	}
	return id
}

// more is how a part of the page goes on: a cursor of its own beside those of the other parts.
func (l live) more(c *web.Context, part string, shown int, next string) view.Pager {
	p := view.Turn(c.Link("live-reports"), c.Query(), part, next)
	p.Count = c.Format().Number(int64(shown)) + " on this page"
	return p
}

// showPeople finds a person, to tell why they hold a license, or why not.
func showPeople(c *web.Context, f *view.Form) error {
	var users client.Answer[client.UserPage]
	if err := c.Load(findUsers(c, f, &users)); err != nil {
		return err
	}
	if found := users.Body; searched(c, f) != "" && len(found.Items) == 1 && found.NextCursor == "" {
		return c.GoTo(c.Link("live-reports", "users", found.Items[0].ID)) // there is nobody to choose from
	}
	return c.Show("Why a license?", peoplePage(c, searched(c, f), users.Body))
}

// why is the answer of why with the names of what it speaks of.
type why struct {
	id      string
	person  string
	answer  client.Why
	names   map[string]string
	product string
	// waiting is how many wait for the product; 0 where the reader may not know.
	waiting int64
}

func showWhy(c *web.Context, _ *view.Form) error {
	product := c.Query().Get("product")
	if product == "" {
		product = liveReports
	}
	var answer client.Answer[client.Why]
	var user client.Answer[client.User]
	var summary client.Answer[client.ProductSummaryPage]
	var n lookup
	calls := append(n.calls(c),
		client.IfAllowed(client.Into(&summary, c.API.SummarizeLicenses)),
		client.Into(&answer, func(ctx context.Context) (client.Answer[client.Why], error) {
			return c.API.ExplainLicense(ctx, c.Param("id"), client.ExplainLicenseQuery{Product: product})
		}),
		client.IfAllowed(client.Into(&user, func(ctx context.Context) (client.Answer[client.User], error) {
			return c.API.GetUser(ctx, c.Param("id"))
		})),
	)
	if err := c.Load(calls...); err != nil {
		return err
	}
	w := why{c.Param("id"), cmp.Or(user.Body.Name, c.Param("id")), answer.Body, n.byID(), product, 0}
	for _, p := range summary.Body.Items {
		if p.ProductID == product {
			w.waiting = p.Waiting
		}
	}
	return c.Show("Why: "+w.person, whyPage(c, w))
}

// lookup is what dashboards, call queues, roles and products are called.
type lookup struct {
	dashboards client.Answer[client.DashboardPage]
	queues     client.Answer[client.CallQueuePage]
	roles      client.Answer[client.RolePage]
	named      nameCalls
}

func (n *lookup) calls(c *web.Context) []func(context.Context) error {
	return []func(context.Context) error{
		client.IfAllowed(
			client.Into(&n.dashboards, func(ctx context.Context) (client.Answer[client.DashboardPage], error) {
				return c.API.ListDashboards(ctx, client.ListDashboardsQuery{Limit: mostNames})
			}),
		),
		client.IfAllowed(
			client.Into(&n.queues, func(ctx context.Context) (client.Answer[client.CallQueuePage], error) {
				return c.API.ListCallQueues(ctx, client.ListCallQueuesQuery{Limit: mostNames})
			}),
		),
		client.IfAllowed(client.Into(&n.roles, func(ctx context.Context) (client.Answer[client.RolePage], error) {
			return c.API.ListRoles(ctx, client.ListRolesQuery{Limit: mostNames})
		})),
		n.named.products(c),
	}
}

// byID is the name of each thing, by its kind and id.
func (n *lookup) byID() map[string]string {
	all := map[string]string{}
	for _, d := range n.dashboards.Body.Items {
		all["dashboard:"+d.ID] = d.Name
	}
	for _, q := range n.queues.Body.Items {
		all["queue:"+q.ID] = q.Name
	}
	for _, r := range n.roles.Body.Items {
		all["role:"+r.ID] = r.Name
	}
	for _, p := range n.named.catalog.Body.Items {
		all["product:"+p.ID] = p.Name
	}
	return all
}

func (w why) name(kind, id string) string {
	if name := w.names[kind+":"+id]; name != "" {
		return name
	}
	return id
}

// says is what is so, in one sentence.
func (w why) says(f *view.Format) string {
	product := w.name("product", w.product)
	switch w.answer.State {
	case "holds":
		return w.person + " holds a license of " + product + "."
	case "waits":
		return w.person + " waits for a license of " + product + ", since " + f.Time(w.answer.WaitingSince) + "."
	case "covered":
		if w.answer.CoveredBy == unlimitedBundle {
			return w.person + " needs no license of " + product + ": the Customer Engagement Bundle includes it."
		}
		return w.person + " needs no license of " + product + ": " + w.name(
			"product",
			w.answer.CoveredBy,
		) + " includes it."
	case "excluded":
		return w.person + " is not given a license of " + product + " automatically."
	}
	return w.person + " has no license of " + product + "."
}

// waits says of who waits at which place, and who is next.
func (w why) waits(f *view.Format) string {
	if w.answer.State != "waits" {
		return ""
	}
	next := "The next license that is free, and that no fence keeps from them, goes to who waits longest."
	switch place := w.answer.Place; {
	case place == 0:
		return next
	case w.waiting == 0:
		return "They are at place " + f.Number(place) + " of the waiting list. " + next
	default:
		return "They are at place " + f.Number(place) + " of " + f.Count(w.waiting, "who waits", "who wait") +
			". " + next
	}
}

// fenced says of free licenses that a fence keeps from who waits.
func (w why) fenced(f *view.Format, s client.FencedSeats) string {
	own := "who has none"
	if w.answer.CostCenter != "" {
		own = "whose own is " + w.answer.CostCenter
	}
	return f.Count(s.Free, "license is", "licenses are") + " free behind the fence of the cost center " + s.CostCenter +
		", whose licenses are for its own users only: not for " + w.person + ", " + own + "."
}

// link is a link of the chain: what is before it leads to what is after.
type chainLink struct{ before, name, href, after string }

// chain is how a reason came about, from the dashboard to the person.
func (w why) chain(c *web.Context, r client.Reason) []chainLink {
	kind, id := cut(r.Grant, ":")
	switch kind {
	case "queue":
		var links []chainLink
		if r.DashboardID != "" {
			href := ""
			if c.May(auth.LiveReportsView) {
				href = c.Link("live-reports", "dashboards", r.DashboardID)
			}
			links = append(links, chainLink{"The dashboard ", w.name("dashboard", r.DashboardID), href, " shows "})
		}
		href := ""
		if c.May(auth.DirectoryRead) && c.Opens("live-reports", "queues", id) {
			href = c.Link("live-reports", "queues", id)
		}
		return append(links, chainLink{
			opening(links, "The call queue "), w.name("queue", id), href,
			", and " + w.person + " is a member of it",
		})
	case "view":
		links := []chainLink{{before: w.person + " viewed a dashboard"}}
		if r.DashboardID != "" {
			links = []chainLink{{w.person + " viewed the dashboard ", w.name("dashboard", r.DashboardID), "", ""}}
		}
		return links
	case "role":
		return []chainLink{{"The role ", w.name("role", id), "", " of " + w.person + " carries it"}}
	case "massConfiguration":
		return []chainLink{{before: "A mass configuration file assigned it"}}
	}
	return []chainLink{{before: "Somebody assigned it to " + w.person}}
}

func opening(links []chainLink, text string) string {
	if len(links) == 0 {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// grantSays is why something is held, in a few words for a row of a list; name names a call queue
// or a role by its kind and id.
func grantSays(name func(kind, id string) string, grants []client.Grant) string {
	var all []string
	for _, g := range grants {
		said := "was assigned it"
		switch kind, id := cut(g.Source, ":"); kind {
		case "queue":
			said = "member of " + name(kind, id)
		case "view":
			said = "views a dashboard"
		case "role":
			said = "role " + name(kind, id)
		case "massConfiguration":
			said = "a mass configuration file"
		case "wallboard":
			said = "a wallboard"
		}
		if !slices.Contains(all, said) {
			all = append(all, said)
		}
	}
	return strings.Join(all, ", ")
}

// name is what a call queue is called, as far as this page lists it.
func (l live) name(kind, id string) string {
	for _, q := range l.queues.Body.Items {
		if kind == "queue" && q.ID == id {
			return q.Name
		}
	}
	return id
}

func showLift(c *web.Context, f *view.Form) error {
	var list client.Answer[client.ExcludedPage]
	var e effects
	err := c.Load(append(foretell(c, f, &e, lifts(c)),
		client.Into(&list, func(ctx context.Context) (client.Answer[client.ExcludedPage], error) {
			return c.API.ListExclusions(ctx, client.ListExclusionsQuery{
				Product: []string{c.Param("product")}, User: c.Param("user"),
			})
		}))...)
	if err != nil {
		return err
	}
	if len(list.Body.Items) == 0 {
		return c.NotFound("There is no such exclusion. It may have been lifted already.")
	}
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	return c.Show("Lift the exclusion?", liftPage(c, f, list.Body.Items[0], e))
}

// lifts is the request that lifts an exclusion.
func lifts(c *web.Context) func(context.Context, client.Change) (client.Answer[client.Nothing], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Nothing], error) {
		return c.API.LiftExclusion(ctx, c.Param("product"), c.Param("user"), change)
	}
}

func sendLift(c *web.Context, f *view.Form) error {
	if _, err := lifts(c)(c.R.Context(), c.Change(f)); err != nil {
		return err
	}
	return c.Done(c.Link("live-reports"), web.Good(
		"The exclusion is lifted. Licenses are given automatically again, as soon as there is a reason for one.",
	))
}
