package pages

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Licenses", Path: "licenses", Order: 30, Needs: []auth.Permission{auth.LicensesRead},
	Routes: []web.Route{
		{Path: "licenses", Show: showLicenses},
		{
			Path:   "licenses/selected",
			Needs:  managesLicenses,
			Show:   showSelected,
			Send:   sendSelected,
			Submit: "Confirm",
			Fields: web.Fields("costCenter", "Cost Center", "userId", "User"),
		},
		giveRoute,
		takeRoute,
		{Path: "licenses/{id}", Show: showLicense},
		{
			Path: "licenses/{id}/assign", Changes: "license:{id}",
			Needs:  managesLicenses,
			Show:   showAssign,
			Send:   sendAssign,
			Submit: "Assign",
			Fields: web.Fields("userId", "User", "extension", "Extension"),
		},
		{
			Path: "licenses/{id}/unassign", Changes: "license:{id}", Needs: managesLicenses,
			Show: showUnassign, Send: sendUnassign, Submit: "Confirm",
		},
		{
			Path: "licenses/{id}/reassign", Changes: "license:{id}",
			Needs:  managesLicenses,
			Show:   showReassign,
			Send:   sendReassign,
			Submit: "Reassign",
			Fields: web.Fields("userId", "User"),
		},
		{
			Path: "licenses/{id}/add-ons", Changes: "license:{id}",
			Needs:  managesLicenses,
			Show:   showAddOns,
			Send:   sendAddOns,
			Submit: "Save",
			Fields: web.Fields("productIds", "Add-ons"),
		},
		{
			Path: "licenses/{id}/cost-center", Changes: "license:{id}",
			Needs:  managesLicenses,
			Show:   showCostCenter,
			Send:   sendCostCenter,
			Submit: "Save",
			Fields: web.Fields("costCenter", "Cost Center"),
		},
		{
			Path: "licenses/{id}/terminate", Changes: "license:{id}", Needs: managesLicenses,
			Show: showTerminate, Send: sendTerminate, Submit: "Terminate",
		},
	},
})

const (
	pageOfLicenses = 50
	// mostChoices is how many cost centers and users a page offers; a search finds the others.
	mostChoices = 200
	mostUsers   = 50
)

// present are the states of licenses that still count.
var present = []string{"available", "assigned"}

type licenseList struct {
	query    url.Values
	list     client.LicensePage
	centers  centerList
	summary  client.ProductSummaryPage
	order    client.Order
	filtered bool
	sorting  sorting
}

// chipFilters are the filters of links that have no field of their own.
var chipFilters = []string{"user", "extension", "order", "base"}

// chip is a filter that is shown with its end: what it is, and the list without it.
type chip struct{ name, href string }

func (l licenseList) chips(c *web.Context) []chip {
	var chips []chip
	for _, filter := range chipFilters {
		for _, value := range nonEmpty(l.query[filter]) {
			said := value
			switch {
			case filter == "order" && l.order.Number != "":
				said = l.order.Number
			case filter == "user" && len(l.list.Items) > 0:
				said = l.list.Items[0].UserName
			case filter == "base":
				said = l.baseName(value)
			}
			q := maps.Clone(l.query)
			delete(q, filter)
			chips = append(chips, chip{chipNames[filter] + " " + said, view.FirstPage(c.Link("licenses"), q)})
		}
	}
	return chips
}

var chipNames = map[string]string{
	"user": "Assigned to", "extension": "Ext", "order": "Order", "base": "With the add-ons of",
}

// baseName is a base product, or the license that is named by its id.
func (l licenseList) baseName(value string) string {
	for _, p := range l.summary.Items {
		if p.ProductID == value {
			return p.Name
		}
	}
	return "the license " + value
}

func showLicenses(c *web.Context, _ *view.Form) error {
	q := c.Query()
	status := nonEmpty(q["status"])
	if len(status) == 0 {
		status = present
	}
	var list client.Answer[client.LicensePage]
	var centers client.Answer[client.CostCenterPage]
	var summary client.Answer[client.ProductSummaryPage]
	var order client.Answer[client.Order]
	err := c.Load(
		orderOf(c, q.Get("order"), &order),
		client.Into(&list, func(ctx context.Context) (client.Answer[client.LicensePage], error) {
			return c.API.ListLicenses(ctx, client.ListLicensesQuery{
				Limit:      pageOfLicenses,
				Cursor:     q.Get("cursor"),
				Q:          q.Get("q"),
				Product:    q["product"],
				Base:       q["base"],
				CostCenter: q["costCenter"],
				Status:     status,
				User:       q.Get("user"),
				Extension:  q.Get("extension"),
				Order:      q.Get("order"),
			})
		}),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
		client.Into(&summary, c.API.SummarizeLicenses),
	)
	if err != nil {
		return err
	}
	s := sortingOf(c, c.Link("licenses"), list.Body.NextCursor)
	inOrder(s, list.Body.Items, licenseColumn)
	return c.Show("Licenses", licensesPage(c, licenseList{
		sorting: s,
		query:   q, list: list.Body, centers: centersOf(centers), summary: summary.Body, order: order.Body,
		filtered: isFiltered(q),
	}))
}

// licenseColumn is what a license has in a column that the list can be sorted by.
func licenseColumn(l client.License, column string) string {
	switch column {
	case "License Type":
		return l.ProductName
	case "Assigned To":
		return l.UserName
	case "Ext":
		return padded(l.Extension)
	case "Cost Center Code":
		return l.CostCenter
	case "Date Added":
		return l.AddedAt.UTC().String()
	}
	return ""
}

// orderOf reads the order of a filter, for its number; one that is not there has none.
func orderOf(c *web.Context, id string, into *client.Answer[client.Order]) func(context.Context) error {
	return func(ctx context.Context) error {
		if id == "" {
			return nil
		}
		order, err := c.API.GetOrder(ctx, id)
		if client.As(err) == nil {
			*into = order
			return err
		}
		return nil
	}
}

func listCenters(c *web.Context) func(context.Context) (client.Answer[client.CostCenterPage], error) {
	return func(ctx context.Context) (client.Answer[client.CostCenterPage], error) {
		return c.API.ListCostCenters(ctx, client.ListCostCentersQuery{Limit: mostChoices})
	}
}

func isFiltered(q url.Values) bool {
	for name, values := range q {
		if name != view.Cursor && name != view.Before && name != sortBy && len(nonEmpty(values)) > 0 {
			return true
		}
	}
	return false
}

func nonEmpty(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
}

// lead says how many licenses there are, and how many fit where that is known.
func (l licenseList) lead(f *view.Format) string {
	var bought, free int64
	all, known := l.fitting()
	for _, p := range l.summary.Items {
		bought += p.Bought
		free += p.Available
	}
	switch shown := int64(len(l.list.Items)); {
	case !l.filtered:
		return f.Count(bought, "license", "licenses") + ", " + f.Number(free) + " of them free"
	case slices.Contains(l.query["status"], "terminated"): // which do not count among what there is
		return "Licenses that are terminated stay on record"
	case known:
		return f.Number(all) + " of all " + f.Number(bought) + " fit the filters"
	case l.query.Get("cursor") == "" && l.list.NextCursor == "":
		return f.Number(shown) + " of all " + f.Number(bought) + " fit the filters"
	case l.query.Get("cursor") == "":
		return "More than " + f.Number(shown) + " of all " + f.Number(bought) + " fit the filters"
	}
	return "Some of all " + f.Number(bought) + " fit the filters"
}

// inOrder is the order of the list, which follows from its filters.
func (l licenseList) inOrder() string {
	q := l.query
	switch {
	case q.Get("user")+q.Get("extension")+q.Get("q")+q.Get("order") != "":
		return ""
	case len(nonEmpty(q["status"])) > 0:
		return "by license type and cost center"
	case len(nonEmpty(q["costCenter"])) > 0:
		return "by cost center and license type"
	}
	return "by license type"
}

func (l licenseList) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(l.list.Items), next: l.list.NextCursor, order: l.sorting.order(l.inOrder())}
	if all, known := l.fitting(); known {
		page.all = all
	}
	return pagerOf(c, c.Link("licenses"), l.query, page, [2]string{"license", "licenses"})
}

// fitting is how many licenses fit the filters, on all pages together. The account's counts know it
// where only product and status choose, and what is terminated is not asked for.
func (l licenseList) fitting() (all int64, known bool) {
	for name, values := range l.query {
		if !slices.Contains([]string{"product", "status", sortBy, view.Cursor, view.Before}, name) &&
			len(nonEmpty(values)) > 0 {
			return 0, false
		}
	}
	products, status := nonEmpty(l.query["product"]), nonEmpty(l.query["status"])
	if len(status) == 0 {
		status = present
	}
	if slices.Contains(status, "terminated") {
		return 0, false
	}
	for _, p := range l.summary.Items {
		if len(products) > 0 && !slices.Contains(products, p.ProductID) {
			continue
		}
		if slices.Contains(status, "available") {
			all += p.Available
		}
		if slices.Contains(status, "assigned") {
			all += p.Assigned
		}
	}
	return all, true
}

// of names a license for who cannot see its row.
func of(l client.License) string {
	if l.UserName == "" {
		return name(l) + ", assigned to nobody"
	}
	return name(l) + " of " + l.UserName
}

func name(l client.License) string {
	if l.ProductName != "" {
		return l.ProductName
	}
	return l.ProductID
}

// act is the address of what can be done with a license. It leads back to where it was chosen: the
// list as it is filtered now, the page that led to the license's own, such as a person's, or that.
func act(c *web.Context, l client.License, what string) string {
	link := c.Link("licenses", l.ID, what)
	if c.Here() == c.Link("licenses") {
		return link // which leads back there anyway
	}
	return link + "?back=" + queryEscape(c.Back(&view.Form{}, c.Here()))
}

// chosen is a license that was selected in the list: what the bulk operations need of it.
type chosen struct{ ID, ProductID, UserID string }

// choiceOf is the value of a license's box. No id has a tilde.
func choiceOf(l client.License) string { return l.ID + "~" + l.ProductID + "~" + l.UserID }

func chosenFrom(values []string) []chosen {
	var list []chosen
	for _, v := range values {
		if parts := strings.Split(v, "~"); len(parts) == 3 {
			list = append(list, chosen{parts[0], parts[1], parts[2]})
		}
	}
	return list
}

// licenseView is what the page of a license shows.
type licenseView struct {
	client.License
	nameCalls
	addOns  []client.License
	changes []client.AuditRecord
	names   teller
	// holder says that the reader may look at who holds it.
	holder bool
}

func showLicense(c *web.Context, _ *view.Form) error {
	var l client.Answer[client.License]
	var history client.Answer[client.AuditRecordPage]
	var addOns client.Answer[client.AddOnList]
	var called nameCalls
	err := c.Load(
		addOnsOf(c, &addOns), called.costCenters(c),
		client.Into(&l, func(ctx context.Context) (client.Answer[client.License], error) {
			return c.API.GetLicense(ctx, c.Param("id"))
		}),
		client.IfAllowed(
			client.Into(&history, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
				return c.API.ListAudit(ctx, client.ListAuditQuery{License: c.Param("id"), Limit: 20})
			}),
		),
	)
	if err != nil {
		return err
	}
	known := map[string]string{"product:" + l.Body.ProductID: l.Body.ProductName}
	called.enterCenters(known)
	changes, err := withAddOns(c, l.Body, history.Body.Items, known)
	if err != nil {
		return err
	}
	names, err := historyNames(c, changes, l.Body.Grants, known)
	if err != nil {
		return err
	}
	holder, err := opensUser(c, l.Body.UserID)
	if err != nil {
		return err
	}
	return c.Show(name(l.Body), licensePage(c, licenseView{l.Body, called, addOns.Body.Items, changes, names, holder}))
}

// opensUser says whether the page of a user is there for the reader. An admin of some cost centers has
// licenses that somebody holds who is none of theirs.
func opensUser(c *web.Context, id string) (bool, error) {
	if id == "" || !c.May(auth.DirectoryRead) || !c.Limited() {
		return id != "" && c.May(auth.DirectoryRead), nil
	}
	err := c.Load(func(ctx context.Context) error {
		_, err := c.API.GetUser(ctx, id)
		return err
	})
	if client.Is(err, "not-found") {
		return false, nil
	}
	return err == nil, err
}

// pageOfLicenseHistory is how much of what was done to a license its page shows.
const pageOfLicenseHistory = 20

// withAddOns is what was done to a license and, since it was given to who has it, to their add-ons of it:
// an add-on has a history of its own, which nobody looks for. It enters the names of the add-ons.
func withAddOns(
	c *web.Context, l client.License, changes []client.AuditRecord, names map[string]string,
) ([]client.AuditRecord, error) {
	if l.Kind != kindBase || l.UserID == "" || len(changes) == 0 {
		return changes, nil
	}
	var theirs client.Answer[client.AuditRecordPage]
	var n nameCalls
	err := c.Load(n.products(c), client.IfAllowed(
		client.Into(&theirs, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
			return c.API.ListAudit(ctx, client.ListAuditQuery{User: l.UserID, Limit: pageOfAudit})
		}),
	))
	if err != nil {
		return nil, err
	}
	hangs := map[string]bool{}
	for _, p := range n.catalog.Body.Items {
		if p.Base == l.ProductID {
			hangs[p.ID], names["product:"+p.ID] = true, p.Name
		}
	}
	since := changes[len(changes)-1].At
	for _, e := range theirs.Body.Items {
		product := cmp.Or(partOf(e.After).ProductID, partOf(e.Before).ProductID)
		if hangs[product] && !e.At.Before(since) {
			changes = append(changes, e)
		}
	}
	view.Sort(changes, func(x, y client.AuditRecord) bool { return x.At.After(y.At) })
	return changes[:min(len(changes), pageOfLicenseHistory)], nil
}

func getLicense(c *web.Context, into *client.Answer[client.License]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.License], error) {
		return c.API.GetLicense(ctx, c.Param("id"))
	})
}

// findUsers lists the users that a license may be given to, by what was searched for. Who may not
// read the directory types an id instead.
func findUsers(c *web.Context, f *view.Form, into *client.Answer[client.UserPage]) func(context.Context) error {
	return client.IfAllowed(client.Into(into, func(ctx context.Context) (client.Answer[client.UserPage], error) {
		return c.API.ListUsers(ctx, client.ListUsersQuery{Q: searched(c, f), Limit: mostUsers})
	}))
}

// searched is what was typed into the search of a form's page; a form that was sent brings it
// along.
func searched(c *web.Context, f *view.Form) string { return f.Default("q", c.Query().Get("q")) }

func showAssign(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var users client.Answer[client.UserPage]
	if err := c.Load(getLicense(c, &l), findUsers(c, f, &users)); err != nil {
		return err
	}
	return showCandidates(c, f, l, users, giver{"assign", assigns(c, f)})
}

// assigns is the request that gives a license to the person whom the form chooses.
func assigns(
	c *web.Context, f *view.Form,
) func(context.Context, client.Change) (client.Answer[client.ChangedLicense], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.ChangedLicense], error) {
		body := client.AssignLicenseRequest{UserID: trimmed(f, "userId")}
		if extension := trimmed(f, "extension"); extension != "" {
			body.Extension = &extension
		}
		return c.API.AssignLicense(ctx, c.Param("id"), body, change)
	}
}

// showCandidates draws the page that gives a license to a person: in its second round with who waits,
// and with what it does where it is known already who gets it.
func showCandidates(
	c *web.Context, f *view.Form, l client.Answer[client.License], users client.Answer[client.UserPage], by giver,
) error {
	web.FromVersion(f, l.ETag)
	asked := !f.Values.Has("userId") && c.Query().Get("userId") != ""
	if asked {
		f.Values.Set("userId", c.Query().Get("userId"))
		f.Values.Set("extension", c.Query().Get("extension"))
	}
	candidatesFor(c, f, l.Body.ProductID, users, nil) // which chooses the only one that a search found
	var waiting client.Answer[client.WaitingGrantPage]
	calls := []func(context.Context) error{waitingFor(c, l.Body.ProductID, &waiting)}
	var e effects
	if f.Get("userId") != "" {
		calls = append(calls, foretell(c, f, &e, by.change)...)
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	people := candidatesFor(c, f, l.Body.ProductID, users, waiting.Body.Items)
	e.people = []client.Answer[client.UserPage]{users}
	e.knowsWaiting(waiting)
	e.knows(l.Body.UserID, l.Body.UserName)
	if people.effects = e; !asked && !f.Stale {
		people.refused = nil // the search has chosen, and nobody has asked yet
	}
	return c.Show(title(by.what)+" "+name(l.Body), assignPage(c, f, l.Body, people, by.what))
}

// giver is how a license is given to a person: by assign, or by reassign.
type giver struct {
	what   string
	change func(context.Context, client.Change) (client.Answer[client.ChangedLicense], error)
}

// seenFor leads back to the page that gives a license, with who is chosen in its address: then it shows
// what that does.
func seenFor(c *web.Context, f *view.Form, what string) error {
	if trimmed(f, "userId") == "" {
		return web.Wrong("userId", "must be chosen")
	}
	q := url.Values{"userId": {trimmed(f, "userId")}, "q": {f.Get("q")}, "back": {c.Back(f, "")}}
	if extension := trimmed(f, "extension"); extension != "" {
		q.Set("extension", extension)
	}
	return c.GoTo(c.Link("licenses", c.Param("id"), what) + "?" + q.Encode())
}

func sendAssign(c *web.Context, f *view.Form) error {
	if sees(f) {
		return seenFor(c, f, "assign")
	}
	l, err := assigns(c, f)(c.R.Context(), heldTo(c, f, choice(f)))
	if err != nil {
		return err
	}
	var more []string
	if l.Body.ReplacedExtension != "" {
		more = append(more, "Their extension was "+l.Body.ReplacedExtension+" before; it is "+l.Body.Extension+" now.")
	}
	return c.Done(
		c.Back(f, c.Link("licenses")),
		web.Good(changedName(l.Body)+" is assigned to "+l.Body.UserName+".", more...),
	)
}

func changedName(l client.ChangedLicense) string {
	if l.ProductName != "" {
		return l.ProductName
	}
	return l.ProductID
}

func showUnassign(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var addOns client.Answer[client.AddOnList]
	var e effects
	unassign := func(ctx context.Context, dry client.Change) (client.Answer[client.ChangedLicense], error) {
		return c.API.UnassignLicense(ctx, c.Param("id"), dry)
	}
	calls := foretell(c, f, &e, unassign)
	if err := c.Load(append(calls, getLicense(c, &l), addOnsOf(c, &addOns))...); err != nil {
		return err
	}
	web.FromVersion(f, l.ETag)
	next, calls := firstInLine(c, l.Body.ProductID)
	if err := c.Load(append(calls, e.names(c)...)...); err != nil {
		return err
	}
	taken := unassigned{l.Body, addOns.Body.Items, next()[l.Body.ProductID], e}
	return c.Show("Unassign "+name(l.Body), unassignPage(c, f, taken))
}

// unassigned is a license that is taken from somebody, and what goes with it.
type unassigned struct {
	client.License
	addOns []client.License
	// next is who gets it; empty for nobody.
	next string
	effects
}

// addOnsOf asks for the add-ons of a license; one that cannot have any has none.
func addOnsOf(c *web.Context, into *client.Answer[client.AddOnList]) func(context.Context) error {
	return ifBase(client.Into(into, func(ctx context.Context) (client.Answer[client.AddOnList], error) {
		return c.API.ListAddOns(ctx, c.Param("id"))
	}))
}

// firstInLine asks who of those that wait for some products gets the next free license of each, as
// they wait now; their names by product, when the calls are made.
func firstInLine(
	c *web.Context, products ...string,
) (names func() map[string]string, calls []func(context.Context) error) {
	found := make([]client.Answer[client.WaitingGrantPage], len(products))
	for i, product := range products {
		calls = append(calls, client.IfAllowed(
			client.Into(&found[i], func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
				return c.API.ListWaiting(ctx, client.ListWaitingQuery{Product: []string{product}, Limit: 1})
			}),
		))
	}
	return func() map[string]string {
		first := map[string]string{}
		for i, page := range found {
			for _, w := range page.Body.Items {
				first[products[i]] = w.UserName
			}
		}
		return first
	}, calls
}

// ifBase asks for the add-ons of a license that may be one that has none: that is no error.
func ifBase(one func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := one(ctx)
		if e := client.As(
			err,
		); e != nil &&
			slices.Contains([]string{"base-license-required", "validation", "wrong-state", "not-found"}, e.Slug()) {
			return nil
		}
		return err
	}
}

// automatic says whether a license is held for another reason than that somebody assigned it.
func automatic(l client.License) bool {
	return slices.ContainsFunc(l.Grants, func(g client.Grant) bool {
		return g.Source != "direct" && !strings.HasPrefix(g.Source, "massConfiguration:")
	})
}

func sendUnassign(c *web.Context, f *view.Form) error {
	l, err := c.API.UnassignLicense(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	said := changedName(l.Body) + " is unassigned and back in your account for future use."
	if l.Body.UserID != "" {
		said = changedName(l.Body) + " is unassigned, and went at once to " + l.Body.UserName + ", who waited for one."
	}
	var more []string
	if n := len(l.Body.ReturnedAddOns); n > 0 {
		more = append(more, c.Format().Count(int64(n), "add-on went", "add-ons went")+" back with it.")
	}
	return c.Done(c.Back(f, c.Link("licenses")), web.Good(said, append(more, excludedSays(l.Body)...)...))
}

// excludedSays says of a license that was taken from somebody whether they get one automatically again.
func excludedSays(l client.ChangedLicense) []string {
	if l.ExcludedProduct == "" {
		return nil
	}
	return []string{
		"Who had it is not given one automatically again until somebody assigns it to them, or lifts the exclusion.",
	}
}

func showReassign(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var users client.Answer[client.UserPage]
	if err := c.Load(getLicense(c, &l), findUsers(c, f, &users)); err != nil {
		return err
	}
	return showCandidates(c, f, l, users, giver{"reassign", reassigns(c, f)})
}

// reassigns is the request that moves a license to the person whom the form chooses.
func reassigns(
	c *web.Context, f *view.Form,
) func(context.Context, client.Change) (client.Answer[client.ChangedLicense], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.ChangedLicense], error) {
		body := client.ReassignLicenseRequest{UserID: trimmed(f, "userId")}
		return c.API.ReassignLicense(ctx, c.Param("id"), body, change)
	}
}

func sendReassign(c *web.Context, f *view.Form) error {
	if sees(f) {
		return seenFor(c, f, "reassign")
	}
	l, err := reassigns(c, f)(c.R.Context(), heldTo(c, f, choice(f)))
	if err != nil {
		return err
	}
	return c.Done(
		c.Back(f, c.Link("licenses")),
		web.Good(
			changedName(l.Body)+" is "+l.Body.UserName+"'s now"+goesAlong(l.Body.Kind, l.Body.Extension)+".",
			excludedSays(l.Body)...,
		),
	)
}

func showAddOns(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var now client.Answer[client.AddOnList]
	var catalog client.Answer[client.CatalogItemPage]
	var summary client.Answer[client.ProductSummaryPage]
	var e effects
	var calls []func(context.Context) error
	if tells(f) {
		calls = foretell(c, f, &e, setsAddOns(c, f))
	}
	err := c.Load(append(calls,
		getLicense(c, &l),
		client.Into(&summary, c.API.SummarizeLicenses),
		client.Into(&now, func(ctx context.Context) (client.Answer[client.AddOnList], error) {
			return c.API.ListAddOns(ctx, c.Param("id"))
		}),
		client.Into(&catalog, func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
			return c.API.ListCatalog(ctx, client.ListCatalogQuery{Kind: "addOn", Limit: mostChoices})
		}),
	)...)
	if err != nil {
		return err
	}
	e.knows(l.Body.UserID, l.Body.UserName)
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	web.FromVersion(f, now.ETag)
	options := addOnOptions(c, catalog.Body.Items, l.Body.ProductID, summary.Body.Items)
	for i := range options {
		if slices.Contains(now.Body.ProductIDs, options[i].Value) { // how many others are free does not matter
			options[i].Note, _ = cut(options[i].Note, "; ")
		}
	}
	return c.Show(
		"Add-ons of "+of(l.Body),
		addOnsPage(c, f, addOnChoice{l.Body, now.Body.ProductIDs, options, e}),
	)
}

// addOnChoice is a license, the add-ons that it has now and may have, and what the choice does.
type addOnChoice struct {
	license client.License
	now     []string
	options []view.Option
	effects
}

// addOnOptions are the add-ons of a base product, with what each costs and how many are free.
func addOnOptions(
	c *web.Context, items []client.CatalogItem, base string, summary []client.ProductSummary,
) []view.Option {
	free := map[string]int64{}
	for _, p := range summary {
		free[p.ProductID] = p.Available
	}
	f := c.Format()
	var options []view.Option
	for _, p := range items {
		if p.Base == base || p.Base == "" {
			note := f.Money(p.UnitPrice) + " a month; "
			if free[p.ID] == 0 {
				note += "none free"
			} else {
				note += f.Number(free[p.ID]) + " free"
			}
			options = append(options, view.Option{Value: p.ID, Name: p.Name, Note: note})
		}
	}
	return options
}

// names are those of the chosen options, as a sentence lists them.
func names(options []view.Option, chosen []string) string {
	var list []string
	for _, o := range options {
		if slices.Contains(chosen, o.Value) {
			list = append(list, o.Name)
		}
	}
	return strings.Join(list, ", ")
}

// typedOr is what was chosen in a form that was sent, or what is there.
func typedOr(f *view.Form, name string, there []string) []string {
	if f.Fault != nil || f.Stale || sees(f) {
		return f.Values[name]
	}
	return there
}

// setsAddOns is the request that gives a license the add-ons that the form chooses.
func setsAddOns(
	c *web.Context, f *view.Form,
) func(context.Context, client.Change) (client.Answer[client.AddOnList], error) {
	ids := append([]string{}, f.Values["productIds"]...)
	return func(ctx context.Context, change client.Change) (client.Answer[client.AddOnList], error) {
		return c.API.SetAddOns(ctx, c.Param("id"), client.SetAddOnsRequest{ProductIDs: ids}, change)
	}
}

func sendAddOns(c *web.Context, f *view.Form) error {
	if sees(f) {
		return showAddOns(c, f)
	}
	ids := f.Values["productIds"]
	if _, err := setsAddOns(c, f)(c.R.Context(), heldTo(c, f, decision(f))); err != nil {
		return err
	}
	return c.Done(
		c.Back(f, c.Link("licenses")),
		web.Good("The add-ons are saved: "+c.Format().Count(int64(len(ids)), "add-on", "add-ons")+"."),
	)
}

func showCostCenter(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var centers client.Answer[client.CostCenterPage]
	var e effects
	calls := []func(context.Context) error{getLicense(c, &l), client.IfAllowed(client.Into(&centers, listCenters(c)))}
	if tells(f) {
		calls = append(calls, foretell(c, f, &e, charges(c, f))...)
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	web.FromVersion(f, l.ETag)
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	return c.Show("Cost center of "+of(l.Body), costCenterPage(c, f, l.Body, e, centerOptions(centers.Body.Items)))
}

// charges is the request that charges a license to the cost center that the form chooses.
func charges(
	c *web.Context, f *view.Form,
) func(context.Context, client.Change) (client.Answer[client.ChangedLicense], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.ChangedLicense], error) {
		body := client.ChangeLicenseRequest{CostCenter: f.Get("costCenter")}
		return c.API.ChangeLicense(ctx, c.Param("id"), body, change)
	}
}

func sendCostCenter(c *web.Context, f *view.Form) error {
	if sees(f) {
		return showCostCenter(c, f)
	}
	l, err := charges(c, f)(c.R.Context(), heldTo(c, f, decision(f)))
	if err != nil {
		return err
	}
	return c.Done(
		c.Back(f, c.Link("licenses")),
		web.Good(changedName(l.Body)+" is charged to "+l.Body.CostCenter+" now."),
	)
}

func showTerminate(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var e effects
	terminate := func(ctx context.Context, dry client.Change) (client.Answer[client.ChangedLicense], error) {
		return c.API.TerminateLicense(ctx, c.Param("id"), dry)
	}
	calls := foretell(c, f, &e, terminate)
	if err := c.Load(append(calls, getLicense(c, &l))...); err != nil {
		return err
	}
	web.FromVersion(f, l.ETag)
	return c.Show("Terminate "+name(l.Body), terminatePage(c, f, l.Body, e))
}

func sendTerminate(c *web.Context, f *view.Form) error {
	l, err := c.API.TerminateLicense(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(
		c.Back(f, c.Link("licenses")),
		web.Good(
			"The license of "+changedName(l.Body)+" is terminated.",
			"It stays on record, and is not charged from the next billing date on.",
		),
	)
}

// selection is what is done with the licenses that were selected.
type selection struct {
	do string
	// center is the cost center that is chosen already, and user the person.
	center, user string
	licenses     []chosen
	summary      []client.ProductSummary
	centers      []view.Option
	users        client.Answer[client.UserPage]
	// holders are the names of those who hold them, by id.
	holders map[string]string
	effects
}

// foretold says that what is done is known: nothing is to be chosen, or it is chosen already.
func (s selection) foretold() bool {
	return s.do == "terminate" || s.do == "unassign" || s.do == "cost-center" && s.center != "" ||
		s.do == "assign" && s.user != ""
}

// chooses says whether something is chosen before it is done.
func (s selection) chooses() bool { return s.do == "cost-center" || s.do == "assign" }

// choice is what is chosen.
func (s selection) choice() string { return s.center + s.user }

// tellsEach says that it is known of each license what becomes of it: which free one of a product
// somebody is given is not.
func (s selection) tellsEach() bool { return s.foretold() && s.do != "assign" }

// what says what becomes of a license that is selected.
func (s selection) what(one chosen) string {
	switch {
	case !s.known:
		return ""
	case s.do == "unassign" && s.changes(one.ID):
		return "goes back"
	case s.do == "terminate" && s.changes(one.ID):
		return "ends"
	case s.do == "cost-center" && s.changes(one.ID):
		return "is charged to " + optionName(s.centers, s.center)
	}
	return "stays as it is"
}

// removals are those of the selected that somebody holds, as what is taken from whom.
func removals(list []chosen) []client.RemovalItem {
	items := []client.RemovalItem{}
	for _, one := range list {
		if one.UserID != "" {
			items = append(items, client.RemovalItem{ProductID: one.ProductID, UserID: one.UserID, LicenseID: &one.ID})
		}
	}
	return items
}

// nobody says that nothing can be unassigned, since nobody holds any of them.
func (s selection) nobody() bool { return s.do == "unassign" && len(removals(s.licenses)) == 0 }

// here is the address of the page, also when it shows a form that was refused.
func (s selection) here(c *web.Context) string {
	return selectedLink(c, url.Values{"do": {s.do}, "license": values(s.licenses)})
}

func selectedLink(c *web.Context, q url.Values) string {
	return c.Link("licenses", "selected") + "?" + q.Encode()
}

// holder is the name of who holds a license; the id where it is not known.
func (s selection) holder(id string) string {
	if name := s.holders[id]; name != "" {
		return name
	}
	return id
}

// holdersOf are those who hold some licenses, each once.
func holdersOf(list []chosen) []string {
	var ids []string
	for _, one := range list {
		if one.UserID != "" && !slices.Contains(ids, one.UserID) {
			ids = append(ids, one.UserID)
		}
	}
	return ids
}

func (s selection) productName(id string) string {
	for _, p := range s.summary {
		if p.ProductID == id {
			return p.Name
		}
	}
	return id
}

// selected reads what was selected, and what is to be done: from the address, or from the form that
// was sent.
func selected(c *web.Context, f *view.Form) (do string, list []chosen) {
	q := c.Query()
	if f.Values.Has("license") {
		q = f.Values
	}
	return q.Get("do"), chosenFrom(q["license"])
}

func showSelected(c *web.Context, f *view.Form) error {
	s := selection{}
	s.do, s.licenses = selected(c, f)
	var summary client.Answer[client.ProductSummaryPage]
	var centers client.Answer[client.CostCenterPage]
	calls := []func(context.Context) error{client.Into(&summary, c.API.SummarizeLicenses)}
	switch s.do {
	case "cost-center":
		asked := cmp.Or(c.Query().Get("costCenter"), c.Query().Get(madeName))
		f.Values.Set("costCenter", f.Default("costCenter", asked))
		s.center = f.Get("costCenter")
		calls = append(calls, client.IfAllowed(client.Into(&centers, listCenters(c))))
	case "assign":
		f.Values.Set("userId", f.Default("userId", c.Query().Get("userId")))
		s.user = trimmed(f, "userId")
		calls = append(calls, findUsers(c, f, &s.users))
	}
	if s.foretold() && len(s.licenses) > 0 && !s.nobody() {
		dry := func(ctx context.Context, dry client.Change) (client.Answer[client.BulkResults], error) {
			return changeSelected(ctx, c, f, dry)
		}
		calls = append(calls, foretell(c, f, &s.effects, dry)...)
	}
	people, more := usersNamed(c, holdersOf(s.licenses))
	if err := c.Load(append(calls, more...)...); err != nil {
		return err
	}
	if err := c.Load(s.names(c)...); err != nil {
		return err
	}
	s.holders = map[string]string{}
	for _, page := range people {
		for _, u := range page.Body.Items {
			s.holders[u.ID] = u.Name
		}
	}
	s.summary, s.centers = summary.Body.Items, centerOptions(centers.Body.Items)
	return c.Show("Selected licenses", selectedPage(c, f, s))
}

// shown is what is done with the selected licenses, as a form shows it: also of which products who is
// chosen gets none.
func (s selection) shown(c *web.Context, f *view.Form) view.Told {
	told := s.of(c, f, s.choice())
	if s.do != "assign" || told.Effect == nil {
		return told
	}
	for _, product := range productsOf(s.licenses) {
		gets := slices.ContainsFunc(s.told.Effects.Users, func(p client.PersonEffect) bool {
			return p.UserID == s.user && slices.Contains(p.Gains, product)
		})
		if !gets {
			told.Effect.Notes = append(told.Effect.Notes,
				"Of "+s.productName(product)+" they get none: they have one already, or no free one is for them.")
		}
	}
	return told
}

// choiceFields are the fields in which something is chosen for the selected licenses, by what is done.
var choiceFields = map[string]string{"cost-center": "costCenter", "assign": "userId"}

func sendSelected(c *web.Context, f *view.Form) error {
	do, list := selected(c, f)
	change := c.Change(f)
	if choice := (selection{do: do}); choice.chooses() {
		field := choiceFields[do]
		if sees(f) {
			if trimmed(f, field) == "" {
				return web.Wrong(field, "must be chosen")
			}
			return c.GoTo(selectedLink(c, url.Values{
				"do": {do}, "license": values(list), field: {trimmed(f, field)}, "q": nonEmpty(f.Values["q"]),
				"back": {c.Back(f, "")},
			}))
		}
		change = heldTo(c, f, trimmed(f, field))
	}
	out, err := changeSelected(c.R.Context(), c, f, change)
	if err != nil {
		return err
	}
	done := "assigned"
	switch do {
	case "terminate":
		done = "terminated"
	case "cost-center":
		done = "charged to " + f.Get("costCenter") + " now"
	case "unassign":
		done = "unassigned and back in your account for future use"
	}
	failed, err := failures(c, out.Body.Results, func(i int64) chosen {
		switch do {
		case "assign":
			return chosen{ProductID: productsOf(list)[i], UserID: trimmed(f, "userId")}
		case "unassign":
			item := removals(list)[i]
			return chosen{*item.LicenseID, item.ProductID, item.UserID}
		}
		return list[i]
	})
	if err != nil {
		return err
	}
	return c.Done(c.Back(f, c.Link("licenses")), outcome(c.Format(), out.Body, do, done, failed))
}

// changeSelected asks the API for what is to be done with the licenses that were selected.
func changeSelected(
	ctx context.Context, c *web.Context, f *view.Form, change client.Change,
) (client.Answer[client.BulkResults], error) {
	do, list := selected(c, f)
	var ids []string
	for _, one := range list {
		ids = append(ids, one.ID)
	}
	switch do {
	case "terminate":
		return c.API.TerminateLicenses(ctx, client.TerminateLicensesRequest{LicenseIDs: ids}, change)
	case "cost-center":
		body := client.ChangeCostCenterRequest{LicenseIDs: ids, CostCenter: f.Get("costCenter")}
		return c.API.ChangeCostCenter(ctx, body, change)
	case "unassign":
		return c.API.RemoveProducts(ctx, client.RemoveProductsRequest{Items: removals(list)}, change)
	}
	var items []client.AssignmentWithExtension
	for _, product := range productsOf(list) {
		items = append(items, client.AssignmentWithExtension{ProductID: product, UserID: trimmed(f, "userId")})
	}
	return c.API.AssignProducts(ctx, client.AssignProductsRequest{Items: items}, change)
}

// outcome says of a bulk operation how many licenses it changed, how many it left alone, and why.
func outcome(n *view.Format, out client.BulkResults, do, done string, failed []string) view.Flash {
	var same, passed int64
	for _, r := range out.Results {
		if r.Unchanged {
			same++
		} else if do == "unassign" && r.License != nil && r.License.UserID != "" {
			passed++
		}
	}
	said := n.Count(out.Succeeded-same, "license is", "licenses are") + " " + done
	if same > 0 {
		said += "; " + n.Number(same) + " left alone, " + alike(do)
	}
	if passed > 0 {
		said += "; " + n.Number(passed) + " went at once to people who waited"
	}
	if out.Failed == 0 {
		return web.Good(said + ".")
	}
	return web.Warn(said+"; "+n.Number(out.Failed)+" not.", failed...)
}

// alike is why an operation has left some licenses as they are.
func alike(do string) string {
	switch do {
	case "unassign":
		return "since who held it here does not hold it any more"
	case "assign":
		return "since they hold one already"
	}
	return "since it was so already"
}

// productsOf are the products of licenses, each once.
func productsOf(list []chosen) []string {
	var ids []string
	for _, one := range list {
		if !slices.Contains(ids, one.ProductID) {
			ids = append(ids, one.ProductID)
		}
	}
	return ids
}

// The bounds of what is told of a bulk operation's failures: it travels in a cookie.
const (
	mostFailures = 20
	mostSaid     = 1500 // bytes
)

// failures are the items of a bulk operation that failed, a line for each with who or what it was
// about, and why; item tells what an item was about.
func failures(c *web.Context, results []client.BulkResult, item func(index int64) chosen) ([]string, error) {
	failed := slices.DeleteFunc(slices.Clone(results), func(r client.BulkResult) bool { return r.Problem == nil })
	if len(failed) == 0 {
		return nil, nil
	}
	var e effects
	var ids []string
	for _, r := range failed[:min(len(failed), mostFailures)] {
		if user := item(r.Index).UserID; user != "" && !slices.Contains(ids, user) {
			ids = append(ids, user)
		}
	}
	people, calls := usersNamed(c, ids)
	if err := c.Load(append(calls, e.products(c))...); err != nil {
		return nil, err
	}
	e.people = people
	var lines []string
	said := 0
	for i, r := range failed {
		about := item(r.Index)
		line := e.product(about.ProductID)
		switch {
		case about.UserID != "":
			line += " of " + e.person(about.UserID)
		case about.ID != "":
			line += " " + about.ID
		}
		line += ": " + cmp.Or(r.Problem.Detail, r.Problem.Title)
		if said += len(line); i == mostFailures || said > mostSaid {
			return append(lines, "and "+c.Format().Number(int64(len(failed)-i))+" more, which are as they were."), nil
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// cut is strings.Cut without its third result.
func cut(s, separator string) (before, after string) {
	before, after, _ = strings.Cut(s, separator)
	return before, after
}
