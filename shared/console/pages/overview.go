package pages

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Overview", Path: "", Order: 10,
	Routes: []web.Route{
		{Path: "", Show: showOverview},
		{Path: "tour", Show: showTour, Send: sendTour, Submit: "Got it"},
	},
})

// lowSeats is how few free seats of a product, as a part of those bought, are worth a look before
// there is a rule of the account for it.
const lowSeats = 10

// overview is what the page shows; what the reader may not see is empty.
type overview struct {
	meteredCalls

	metered estimate
	billing client.Answer[client.Billing]
	period  client.Answer[client.PeriodView]
	changes client.Answer[client.AuditRecordPage]
	imports client.Answer[client.ImportPage]
	files   client.Answer[client.MassConfigurationPage]
	alerts  client.Answer[client.AlertPage]
	// asked are the requests on which nobody has decided, and those that wait for a seat.
	asked client.Answer[client.RequestPage]
	// own is what the reader holds, for who sees little else.
	own client.Answer[client.HeldLicensePage]
	// admins tells an operator whether anybody administers the account.
	admins firstAdmin
	// told says the latest changes by their names.
	told teller
}

// nothing says that the reader may see nothing of the account.
func (o overview) nothing() bool {
	return o.summary.Status == 0 && o.billing.Status == 0 && o.changes.Status == 0 && o.files.Status == 0
}

// littleSays is what there is for who sees nothing of the account on this page: it agrees with the menu beside it.
func littleSays(pages []string) string {
	others := slices.DeleteFunc(pages, func(name string) bool { return name == requestsName })
	if len(others) == 0 {
		return "Your own licenses, and your requests, are what your role shows you of the account. What you need, you can ask for."
	}
	return "There is nothing more on this page for your role. In the menu it has " + strings.Join(others, ", ") +
		". What you need, you can ask for."
}

// mostFolded is how many licenses an account has at most whose next bill stands on the overview: a
// period reads all of them, and this page is opened all day.
const mostFolded = 2_000

// few says whether the next bill is worked out for the overview.
func (o overview) few() bool {
	var licenses int64
	for _, p := range o.summary.Body.Items {
		licenses += p.Bought
	}
	return o.summary.Status != 0 && licenses <= mostFolded
}

// attention is something that somebody should look at.
type attention struct {
	Kind, Word, Text, Href, Link string
	// Buy leads to where what is missing is bought; empty where it cannot be. BuySays is what it is called.
	Buy, BuySays string
}

func showOverview(c *web.Context, _ *view.Form) error {
	var o overview
	err := c.Load(append(o.calls(c),
		client.IfAllowed(client.Into(&o.billing, c.API.GetBilling)),
		listRequests(c, &o.asked, client.ListRequestsQuery{
			State: []string{stateOpen, stateApproved}, Limit: pageOfRequests,
		}),
		client.IfAllowed(
			client.Into(&o.changes, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
				return c.API.ListAudit(ctx, client.ListAuditQuery{Limit: 8})
			}),
		),
		client.IfAllowed(
			client.Into(&o.alerts, func(ctx context.Context) (client.Answer[client.AlertPage], error) {
				return c.API.ListAlerts(ctx, client.ListAlertsQuery{State: "open", Limit: mostNames})
			}),
		),
		client.IfAllowed(
			client.Into(&o.imports, func(ctx context.Context) (client.Answer[client.ImportPage], error) {
				return c.API.ListImports(ctx, client.ListImportsQuery{Limit: latestPlans})
			}),
		),
		client.IfAllowed(
			client.Into(&o.files, func(ctx context.Context) (client.Answer[client.MassConfigurationPage], error) {
				return c.API.ListMassConfigurations(ctx, client.ListMassConfigurationsQuery{Limit: 5})
			}),
		),
	)...)
	if err != nil {
		return err
	}
	products := map[string]string{}
	for _, p := range o.summary.Body.Items {
		products["product:"+p.ProductID] = p.Name
	}
	tell, more := namesOf(c, o.changes.Body.Items, nil, products)
	if o.few() {
		more = append(more, openPeriod(c, &o.period))
	}
	if o.nothing() || !c.May(auth.LicensesRead, auth.DirectoryRead) {
		more = append(more, ownLicenses(c, &o.own))
	}
	if c.Operator() && c.May(auth.DirectoryManage) {
		more = append(more, o.admins.ask(c, c.Account))
	}
	if o.metered, err = o.estimate(c, more...); err != nil {
		return err
	}
	o.told = tell()
	return c.Show("Overview", overviewPage(c, o, needsAttention(c, o), tourOf(c)))
}

// ownLicenses asks what the reader holds; who is not in the directory, as an operator, holds nothing.
func ownLicenses(c *web.Context, into *client.Answer[client.HeldLicensePage]) func(context.Context) error {
	return client.IfThere(client.Into(into, func(ctx context.Context) (client.Answer[client.HeldLicensePage], error) {
		return c.API.ListUserLicenses(ctx, c.User, client.ListUserLicensesQuery{Limit: mostNames})
	}))
}

func needsAttention(c *web.Context, o overview) []attention {
	f := c.Format()
	var list []attention
	for _, p := range o.summary.Body.Items {
		if p.Waiting > 0 {
			list = append(list, attention{
				Kind: "warn",
				Word: "waiting",
				Text: f.Count(p.Waiting, "person waits", "people wait") + " for a license of " + p.Name + ".",
				Href: c.Link("live-reports") + "?product=" + queryEscape(p.ProductID) + "#waiting",
				Link: "See who waits",
				Buy:  buyMissing(c, p.ProductID, p.Waiting), BuySays: buySays(f, p.Waiting),
			})
		}
		if isShort(c, p) && p.Waiting == 0 {
			list = append(list, attention{
				Kind: "warn",
				Word: "few free",
				Text: f.Number(p.Available) + " of " + f.Number(p.Bought) + " licenses of " + p.Name + " are free.",
				Href: c.Link("licenses") + "?product=" + p.ProductID + "&status=available",
				Link: "See them",
				Buy:  buyMissing(c, p.ProductID, 1), BuySays: "Buy",
			})
		}
	}
	if n := o.billing.Body.OverageUsers; n > 0 {
		list = append(
			list,
			attention{
				Kind: "bad",
				Word: "overage",
				Text: overageTold(c, n),
				Href: overageLink(c),
				Link: "See usage",
			},
		)
	}
	for _, m := range o.files.Body.Items {
		if (m.State == "failed" || m.State == "rejected") && !isSeen(c, m.ID) && isNews(c, m.EndedAt) {
			list = append(
				list,
				attention{
					Kind: "bad",
					Word: m.State,
					Text: "The file " + m.FileName + " was not applied. " + newsSays(f, m.EndedAt),
					Href: c.Link("mass-configurations", m.ID),
					Link: "See why",
				},
			)
		}
	}
	list = append(list, unapplied(c, o)...)
	return append(append(list, requestsOf(c, o)...), alertsOf(c, o)...)
}

// unapplied are the files that the reader had checked and has neither applied nor cancelled.
func unapplied(c *web.Context, o overview) []attention {
	var list []attention
	for _, m := range o.imports.Body.Items {
		if m.State == "ready" && m.CreatedBy == c.User && m.Counts.New+m.Counts.Change > 0 {
			list = append(list, attention{
				Kind: "warn", Word: "not applied",
				Text: "The file " + m.FileName + " is checked and waits for you to apply it.",
				Href: c.Link("directory", "imports", m.ID), Link: "Look at it",
			})
		}
	}
	for _, m := range o.files.Body.Items {
		if m.State == "ready" && m.CreatedBy == c.User {
			list = append(list, attention{
				Kind: "warn", Word: "not applied",
				Text: "The file " + m.FileName + " is checked and waits for you to configure it.",
				Href: c.Link(massPath, m.ID), Link: "Look at it",
			})
		}
	}
	return list
}

// requestsOf says how many requests wait for the reader to decide, and how many approved ones for a seat.
func requestsOf(c *web.Context, o overview) []attention {
	var list []attention
	says := func(n int64, what, link, state string) {
		text := c.Format().Count(n, "request waits", "requests wait") + what
		if o.asked.Body.NextCursor != "" {
			text = "More than " + text
		}
		if n > 0 {
			list = append(list, attention{
				Kind: "warn", Word: "requests", Text: text, Link: link, Href: c.Link(requestsPath) + "?state=" + state,
			})
		}
	}
	says(toApprove(c, o.asked.Body), " for your decision.", "Decide", stateOpen)
	says(toServe(c, o.asked.Body), " for a seat, and nobody need decide any more.", "See them", stateApproved)
	return list
}

// alertsOf are the open alerts that the page does not know of otherwise: few free seats by the
// account's own rule, a billing period that cannot be closed, and what failed but is no mass
// configuration.
func alertsOf(c *web.Context, o overview) []attention {
	var list []attention
	for _, a := range o.alerts.Body.Items {
		kind, id := cut(a.Subject, ":")
		switch {
		case a.Kind == "lowSeats" && !isListed(c, o, a.ProductID):
			list = append(list, attention{
				Kind: "warn",
				Word: "few free",
				Text: a.Detail,
				Href: c.Link(
					"licenses",
				) + "?product=" + queryEscape(
					a.ProductID,
				) + "&status=available",
				Link: "See them",
				Buy:  buyMissing(c, a.ProductID, 1), BuySays: "Buy",
			})
		case a.Kind == "periodWaits":
			list = append(list, attention{
				Kind: "warn", Word: "not closed", Text: a.Detail,
				Href: c.Link("billing", "periods", id), Link: "See it",
			})
		case a.Kind == "failed" && kind != "massConfiguration" && !isSeen(c, id) && isNews(c, a.Since):
			if href := subjectLink(c, kind+":"+id); href != "" {
				list = append(list, attention{
					Kind: "bad", Word: "failed", Text: a.Detail + " " + newsSays(c.Format(), a.Since),
					Href: href, Link: "See why",
				})
			}
		}
	}
	return list
}

// daysOfNews is for how many days the overview tells of what failed, to who has not looked at it.
const daysOfNews = 7

// isNews says whether something that failed is still told of.
func isNews(c *web.Context, at time.Time) bool { return c.Now().Sub(at) < daysOfNews*24*time.Hour }

// newsSays is when it failed, and how it goes away.
func newsSays(f *view.Format, at time.Time) string {
	return "It ended " + f.Date(at) + "; this line goes when you look at it, or after " +
		f.Count(daysOfNews, "day", "days") + "."
}

// seenCookie keeps which failed files the reader has looked at: the ends of their ids, the latest
// last. The beginning of an id is its time, so files of the same minute share it.
const (
	seenCookie = "seen"
	mostSeen   = 20
	idDigits   = 8
)

func seenAs(id string) string { return id[max(0, len(id)-idDigits):] }

func isSeen(c *web.Context, id string) bool {
	return slices.Contains(strings.Split(c.Kept(seenCookie), "."), seenAs(id))
}

// see keeps that the reader has looked at a file that failed, so that the overview does not tell of
// it again.
func see(c *web.Context, id string) {
	if isSeen(c, id) {
		return
	}
	seen := append(nonEmpty(strings.Split(c.Kept(seenCookie), ".")), seenAs(id))
	c.Keep(seenCookie, strings.Join(seen[max(0, len(seen)-mostSeen):], "."))
}

// isListed says whether few free seats of a product are told already.
func isListed(c *web.Context, o overview, product string) bool {
	for _, p := range o.summary.Body.Items {
		if p.ProductID == product {
			return p.Waiting > 0 || isShort(c, p)
		}
	}
	return false
}

// buyMissing leads to a product in Purchase, with how many are missing typed already; empty where the
// reader may not buy.
func buyMissing(c *web.Context, product string, missing int64) string {
	if !c.May(auth.BillingPurchase) || !c.HasPage("purchase") {
		return ""
	}
	return c.Link("purchase") + "?product=" + queryEscape(product) + "&quantity=" +
		strconv.FormatInt(missing, 10) + "#product-" + product
}

// buySays is what the way to buy as many as are missing is called. The number can be changed there.
func buySays(f *view.Format, missing int64) string {
	if missing <= 1 {
		return "Buy one"
	}
	return "Buy " + f.Number(missing)
}

// isShort says whether few of what was bought is free. Metered products are counted and never
// bought, and of unlimited ones there is always another.
func isShort(c *web.Context, p client.ProductSummary) bool {
	return p.Kind != "metered" && isLimited(c, p) && p.Available*lowSeats < p.Bought
}

// used is how much of what was bought is assigned, in percent.
func used(p client.ProductSummary) string {
	if p.Bought == 0 {
		return "0"
	}
	return strconv.FormatInt(p.Assigned*100/p.Bought, 10)
}

// bought are the products of which there is or was something; counted are the metered ones that
// somebody has, which nobody buys.
func bought(all []client.ProductSummary) (some, counted []client.ProductSummary) {
	for _, p := range all {
		switch {
		case p.Bought+p.Assigned+p.Waiting == 0:
		case p.Kind == "metered":
			counted = append(counted, p)
		default:
			some = append(some, p)
		}
	}
	return some, counted
}

// isLimited says whether what is bought of a product is a limit.
func isLimited(c *web.Context, p client.ProductSummary) bool {
	return p.Bought > 0 && !(isUnlimited(c) && p.ProductID == liveReports)
}

// subjectLink is where the thing of an audit entry can be looked at; empty where it cannot.
func subjectLink(c *web.Context, subject string) string {
	kind, id := cut(subject, ":")
	reads := c.May(auth.DirectoryRead)
	switch {
	case id == "":
	case kind == "license" && c.May(auth.LicensesRead):
		return c.Link("licenses", id)
	case kind == "order" && c.May(auth.BillingRead):
		return c.Link("billing", "orders", id)
	case kind == "user" && c.May(auth.DirectoryRead), kind == "role" && reads && c.Opens("directory", "roles", id):
		return c.Link("directory", kind+"s", id)
	case kind == "user" && c.May(auth.AuditRead):
		return history(c, "user", id)
	case kind == "report" && c.May(auth.UsageRead):
		return c.Link("usage", "reports", id)
	case (kind == "grant" || kind == "exclusion") && c.May(auth.LicensesRead, auth.DirectoryRead):
		product, user := cut(id, "#")
		return c.Link("live-reports", "users", user) + "?product=" + queryEscape(product)
	case kind == "dashboard" && c.May(auth.LiveReportsView):
		return c.Link("live-reports", "dashboards", id)
	case kind == "queue" && reads && c.Opens("live-reports", "queues", id):
		return c.Link("live-reports", "queues", id)
	case (kind == "import" || kind == "export") && !c.Opens("directory", kind+"s", id):
	case kind == "import" && c.May(auth.DirectoryRead, auth.LiveReportsView),
		kind == "export" && c.May(auth.DirectoryRead, auth.LiveReportsView, auth.LicensesRead):
		return c.Link("directory", kind+"s", id)
	case kind == "wallboard" && c.May(auth.MetricsRead):
		return c.Link("metrics", "wallboards", "list")
	case kind == "wallboards" && c.May(auth.MetricsRead):
		return c.Link("metrics")
	case kind == "reclaim" && c.May(auth.BillingRead):
		return c.Link("billing", "reclaims", id)
	case kind == "policy" && c.May(auth.BillingPurchase):
		return c.Link("billing", "policies", id)
	case kind == "request" && c.May(auth.LicensesRead, auth.LicensesManage):
		return c.Link(requestsPath, id)
	case kind == "massConfiguration" && c.May(auth.LicensesRead) && c.Opens(massPath, id):
		return c.Link("mass-configurations", id)
	}
	return ""
}

// subjectName is the thing of an audit entry as a table shows it: its kind, and an id that fits
// there.
func subjectName(subject string) string {
	kind, id := cut(subject, ":")
	if len(id) == len("00000000-0000-0000-0000-000000000000") && strings.Count(id, "-") == 4 {
		id = shortID(id)
	}
	if product, user := cut(id, "#"); user != "" && (kind == "grant" || kind == "exclusion") {
		return user + ", " + product
	}
	if name, known := kinds[kind]; known {
		kind = name
	}
	return strings.TrimSpace(kind + " " + id)
}

// shortID is the part of an id that tells it from others. An id of version 7 begins with its time,
// which all of the same minute share; those of an order's licenses share their end.
func shortID(id string) string {
	if id[len("00000000-0000-")] == '7' {
		return "…" + id[len(id)-idDigits:]
	}
	return id[:idDigits] + "…"
}
