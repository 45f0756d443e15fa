package pages

import (
	"context"
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
			Show:   showSelected,
			Send:   sendSelected,
			Submit: "Confirm",
			Fields: web.Fields("costCenter", "Cost Center", "userId", "User"),
		},
		{Path: "licenses/{id}", Show: showLicense},
		{
			Path:   "licenses/{id}/assign",
			Show:   showAssign,
			Send:   sendAssign,
			Submit: "Assign",
			Fields: web.Fields("userId", "User", "extension", "Extension"),
		},
		{Path: "licenses/{id}/unassign", Show: showUnassign, Send: sendUnassign, Submit: "Confirm"},
		{
			Path:   "licenses/{id}/reassign",
			Show:   showReassign,
			Send:   sendReassign,
			Submit: "Reassign",
			Fields: web.Fields("userId", "User"),
		},
		{
			Path:   "licenses/{id}/add-ons",
			Show:   showAddOns,
			Send:   sendAddOns,
			Submit: "Save",
			Fields: web.Fields("productIds", "Add-ons"),
		},
		{
			Path:   "licenses/{id}/cost-center",
			Show:   showCostCenter,
			Send:   sendCostCenter,
			Submit: "Save",
			Fields: web.Fields("costCenter", "Cost Center"),
		},
		{Path: "licenses/{id}/terminate", Show: showTerminate, Send: sendTerminate, Submit: "Terminate"},
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
	centers  client.CostCenterPage
	summary  client.ProductSummaryPage
	filtered bool
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
	err := c.Load(
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
	return c.Show("Licenses", licensesPage(c, licenseList{
		query: q, list: list.Body, centers: centers.Body, summary: summary.Body, filtered: isFiltered(q),
	}))
}

func listCenters(c *web.Context) func(context.Context) (client.Answer[client.CostCenterPage], error) {
	return func(ctx context.Context) (client.Answer[client.CostCenterPage], error) {
		return c.API.ListCostCenters(ctx, client.ListCostCentersQuery{Limit: mostChoices})
	}
}

func isFiltered(q url.Values) bool {
	for name, values := range q {
		if name != "cursor" && len(nonEmpty(values)) > 0 {
			return true
		}
	}
	return false
}

func nonEmpty(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
}

// lead says how many licenses there are.
func (l licenseList) lead(f *view.Format) string {
	var bought, free int64
	for _, p := range l.summary.Items {
		bought += p.Bought
		free += p.Available
	}
	return f.Count(bought, "license", "licenses") + ", " + f.Number(free) + " of them free"
}

func (l licenseList) pager(c *web.Context) view.Pager {
	p := view.Pager{Count: c.Format().Count(int64(len(l.list.Items)), "license", "licenses") + " on this page"}
	if l.query.Get("cursor") != "" {
		p.First = view.WithCursor(c.Link("licenses"), l.query, "")
	}
	if l.list.NextCursor != "" {
		p.Next = view.WithCursor(c.Link("licenses"), l.query, l.list.NextCursor)
	}
	return p
}

// centerName is a cost center as a list shows it: its code and its name.
func (l licenseList) centerName(code string) string {
	for _, one := range l.centers.Items {
		if one.Code == code && one.Name != code {
			return code + " " + one.Name
		}
	}
	return code
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

// act is the address of what can be done with a license. It leads back to the list as it is
// filtered now.
func act(c *web.Context, l client.License, what string) string {
	return c.WithBack(c.Link("licenses", l.ID, what))
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

func showLicense(c *web.Context, _ *view.Form) error {
	var l client.Answer[client.License]
	var history client.Answer[client.AuditRecordPage]
	err := c.Load(
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
	return c.Show(name(l.Body), licensePage(c, l.Body, history.Body.Items))
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
	return c.Show("Assign "+name(l.Body), assignPage(c, f, l.Body, users, "assign"))
}

func sendAssign(c *web.Context, f *view.Form) error {
	body := client.AssignLicenseRequest{UserID: strings.TrimSpace(f.Get("userId"))}
	if extension := strings.TrimSpace(f.Get("extension")); extension != "" {
		body.Extension = &extension
	}
	l, err := c.API.AssignLicense(c.R.Context(), c.Param("id"), body, c.Change(f))
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
	err := c.Load(
		getLicense(c, &l),
		ifBase(client.Into(&addOns, func(ctx context.Context) (client.Answer[client.AddOnList], error) {
			return c.API.ListAddOns(ctx, c.Param("id"))
		})),
	)
	if err != nil {
		return err
	}
	return c.Show("Unassign "+name(l.Body), unassignPage(c, f, l.Body, addOns.Body.Items))
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
	var more []string
	if n := len(l.Body.ReturnedAddOns); n > 0 {
		more = append(more, c.Format().Count(int64(n), "add-on went", "add-ons went")+" back with it.")
	}
	if l.Body.ExcludedProduct != "" {
		more = append(
			more,
			"They are not given one automatically again until somebody assigns it to them, or lifts the exclusion.",
		)
	}
	return c.Done(
		c.Back(f, c.Link("licenses")),
		web.Good(changedName(l.Body)+" is unassigned and back in your account for future use.", more...),
	)
}

func showReassign(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var users client.Answer[client.UserPage]
	if err := c.Load(getLicense(c, &l), findUsers(c, f, &users)); err != nil {
		return err
	}
	return c.Show("Reassign "+name(l.Body), assignPage(c, f, l.Body, users, "reassign"))
}

func sendReassign(c *web.Context, f *view.Form) error {
	l, err := c.API.ReassignLicense(
		c.R.Context(),
		c.Param("id"),
		client.ReassignLicenseRequest{UserID: strings.TrimSpace(f.Get("userId"))},
		c.Change(f),
	)
	if err != nil {
		return err
	}
	return c.Done(
		c.Back(f, c.Link("licenses")),
		web.Good(changedName(l.Body)+" is "+l.Body.UserName+"'s now, with its extension and add-ons."),
	)
}

func showAddOns(c *web.Context, f *view.Form) error {
	var l client.Answer[client.License]
	var now client.Answer[client.AddOnList]
	var catalog client.Answer[client.CatalogItemPage]
	err := c.Load(
		getLicense(c, &l),
		client.Into(&now, func(ctx context.Context) (client.Answer[client.AddOnList], error) {
			return c.API.ListAddOns(ctx, c.Param("id"))
		}),
		client.Into(&catalog, func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
			return c.API.ListCatalog(ctx, client.ListCatalogQuery{Kind: "addOn", Limit: mostChoices})
		}),
	)
	if err != nil {
		return err
	}
	web.FromVersion(f, now.ETag)
	return c.Show(
		"Add-ons of "+of(l.Body),
		addOnsPage(c, f, l.Body, now.Body.ProductIDs, addOnOptions(catalog.Body.Items, l.Body.ProductID)),
	)
}

func addOnOptions(items []client.CatalogItem, base string) []view.Option {
	var options []view.Option
	for _, p := range items {
		if p.Base == base || p.Base == "" {
			options = append(options, view.Option{Value: p.ID, Name: p.Name})
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
	if f.Fault != nil || f.Stale {
		return f.Values[name]
	}
	return there
}

func sendAddOns(c *web.Context, f *view.Form) error {
	ids := f.Values["productIds"]
	if ids == nil {
		ids = []string{}
	}
	if _, err := c.API.SetAddOns(
		c.R.Context(),
		c.Param("id"),
		client.SetAddOnsRequest{ProductIDs: ids},
		c.Change(f),
	); err != nil {
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
	if err := c.Load(getLicense(c, &l), client.IfAllowed(client.Into(&centers, listCenters(c)))); err != nil {
		return err
	}
	web.FromVersion(f, l.ETag)
	return c.Show("Cost center of "+of(l.Body), costCenterPage(c, f, l.Body, centerOptions(centers.Body.Items)))
}

func sendCostCenter(c *web.Context, f *view.Form) error {
	l, err := c.API.ChangeLicense(
		c.R.Context(),
		c.Param("id"),
		client.ChangeLicenseRequest{CostCenter: f.Get("costCenter")},
		c.Change(f),
	)
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
	if err := c.Load(getLicense(c, &l)); err != nil {
		return err
	}
	return c.Show("Terminate "+name(l.Body), terminatePage(c, f, l.Body))
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
	do       string
	licenses []chosen
	summary  []client.ProductSummary
	centers  []view.Option
	users    client.Answer[client.UserPage]
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
		calls = append(calls, client.IfAllowed(client.Into(&centers, listCenters(c))))
	case "assign":
		calls = append(calls, findUsers(c, f, &s.users))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	s.summary, s.centers = summary.Body.Items, centerOptions(centers.Body.Items)
	return c.Show("Selected licenses", selectedPage(c, f, s))
}

func sendSelected(c *web.Context, f *view.Form) error {
	ctx := c.R.Context()
	do, list := selected(c, f)
	var out client.Answer[client.BulkResults]
	var err error
	var done string
	var ids []string
	for _, one := range list {
		ids = append(ids, one.ID)
	}
	switch do {
	case "terminate":
		done = "terminated"
		out, err = c.API.TerminateLicenses(ctx, client.TerminateLicensesRequest{LicenseIDs: ids}, c.Change(f))
	case "cost-center":
		done = "charged to " + f.Get("costCenter") + " now"
		out, err = c.API.ChangeCostCenter(
			ctx,
			client.ChangeCostCenterRequest{LicenseIDs: ids, CostCenter: f.Get("costCenter")},
			c.Change(f),
		)
	case "unassign":
		done = "unassigned and back in your account for future use"
		var items []client.AssignmentItem
		for _, one := range list {
			if one.UserID != "" {
				items = append(items, client.AssignmentItem{ProductID: one.ProductID, UserID: one.UserID})
			}
		}
		out, err = c.API.RemoveProducts(ctx, client.RemoveProductsRequest{Items: items}, c.Change(f))
	default:
		done = "assigned"
		var items []client.AssignmentWithExtension
		for _, product := range productsOf(list) {
			items = append(
				items,
				client.AssignmentWithExtension{ProductID: product, UserID: strings.TrimSpace(f.Get("userId"))},
			)
		}
		out, err = c.API.AssignProducts(ctx, client.AssignProductsRequest{Items: items}, c.Change(f))
	}
	if err != nil {
		return err
	}
	n := c.Format()
	said := web.Good(n.Count(out.Body.Succeeded, "license is ", "licenses are ") + done + ".")
	if out.Body.Failed > 0 {
		said = web.Warn(
			n.Count(
				out.Body.Succeeded,
				"license is ",
				"licenses are ",
			)+done+", and "+n.Number(
				out.Body.Failed,
			)+" could not be.",
			failures(out.Body.Results)...,
		)
	}
	return c.Done(c.Back(f, c.Link("licenses")), said)
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

// mostReasons is how many different reasons are told after a bulk operation.
const mostReasons = 5

func failures(results []client.BulkResult) []string {
	var reasons []string
	for _, r := range results {
		if r.Problem == nil {
			continue
		}
		reason := r.Problem.Detail
		if reason == "" {
			reason = r.Problem.Title
		}
		if !slices.Contains(reasons, reason) && len(reasons) < mostReasons {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// cut is strings.Cut without its third result.
func cut(s, separator string) (before, after string) {
	before, after, _ = strings.Cut(s, separator)
	return before, after
}
