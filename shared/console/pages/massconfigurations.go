package pages

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Mass configuration", Path: massPath, Order: 40, Whole: true, Needs: []auth.Permission{auth.LicensesRead},
	Routes: []web.Route{
		{
			Path:   massPath,
			Show:   showMassConfigurations,
			Send:   sendMassConfiguration,
			Submit: uploadButton,
			Fields: fileFields,
		},
		{Path: massPath + "/sample", Show: showSample},
		{Path: massPath + "/{id}", Show: showMassConfiguration, Send: sendMissing, Submit: "Put into the cart"},
		{Path: massPath + "/{id}/result", Show: showMassResult},
		{
			Path: massPath + "/{id}/configure", Needs: managesLicenses,
			Show: showConfigure, Send: sendConfigure, Submit: "Configure",
		},
		{
			Path: massPath + "/{id}/cancel", Needs: managesLicenses,
			Show: showCancel, Send: sendCancel, Submit: "Stop it",
		},
		{
			Path: massPath + "/{id}/undo", Needs: managesLicenses,
			Show: showUndo, Send: sendUndo, Submit: "See what is put back",
		},
	},
})

const (
	massPath   = "mass-configurations"
	pageOfMass = 20
	pageOfRows = 50
	// refreshMass is after how many seconds a page without script asks how far a file is.
	refreshMass = 4
)

// massList is the list of what was configured before, and what a new file needs.
type massList struct {
	list  client.MassConfigurationPage
	codes []client.CatalogItem
	query url.Values
	people
}

func showMassConfigurations(c *web.Context, f *view.Form) error {
	l := massList{query: c.Query()}
	var list client.Answer[client.MassConfigurationPage]
	var codes client.Answer[client.CatalogItemPage]
	err := c.Load(
		client.Into(&list, func(ctx context.Context) (client.Answer[client.MassConfigurationPage], error) {
			return c.API.ListMassConfigurations(
				ctx,
				client.ListMassConfigurationsQuery{Limit: pageOfMass, Cursor: l.query.Get(view.Cursor)},
			)
		}),
		client.IfAllowed(client.Into(&codes, func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
			return c.API.ListCatalog(ctx, client.ListCatalogQuery{Kind: "addOn", Limit: mostChoices})
		})),
	)
	if err != nil {
		return err
	}
	l.list, l.codes = list.Body, codes.Body.Items
	who := func(m client.MassConfiguration) string { return m.CreatedBy }
	if l.people, err = peopleNamed(c, l.list.Items, who); err != nil {
		return err
	}
	fileDefaults(c, f)
	if c.May(auth.LicensesManage) {
		c.Script(uploadScript)
	}
	return c.Show("Mass configuration", massConfigurationsPage(c, f, l))
}

func (l massList) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(l.list.Items), next: l.list.NextCursor, order: newestFirst}
	return pagerOf(c, c.Link(massPath), l.query, page, [2]string{"file", "files"})
}

func sendMassConfiguration(c *web.Context, f *view.Form) error {
	b, err := broughtBy(f)
	if err != nil {
		return err
	}
	m, err := c.API.CreateMassConfiguration(c.R.Context(), client.CreateMassConfigurationRequest{
		FileName: b.name, SizeBytes: b.size, Hidden: b.hidden, SkipErrors: b.skipErrors,
	}, c.Change(f))
	if err != nil {
		return err
	}
	return uploading(c, c.Link(massPath, m.Body.ID), m.Body.Upload)
}

func showSample(c *web.Context, _ *view.Form) error {
	q := c.Query()
	file, err := c.API.GetMassConfigurationTemplate(c.R.Context(), client.GetMassConfigurationTemplateQuery{
		Format: q.Get("format"), Filled: q.Get("filled") == "true",
	})
	if err != nil {
		return err
	}
	return c.SendFile(file.Body)
}

// plan is a mass configuration as its page shows it.
type plan struct {
	client.MassConfiguration
	rows    client.MassConfigurationRowPage
	summary client.Answer[client.ProductSummaryPage]
	query   url.Values
	// outcome is the one whose rows are shown; all for every row.
	outcome string
	seats   []seats
	// people are the names of the users of the rows, by id; empty for who may not read them.
	people map[string]string
}

// seats are those of a product that the plan takes.
type seats struct {
	product, name                 string
	wanted, free, missing, inCart int64
}

// toBuy is what is missing and not in the cart yet.
func (s seats) toBuy() int64 { return max(0, s.missing-s.inCart) }

// buys is the hidden value of the form that puts what is missing into the cart. It has the number,
// so that pressing twice asks for the same.
func (s seats) buys() string { return s.product + "~" + strconv.FormatInt(s.toBuy(), 10) }

const allRows = "all"

var outcomes = []string{rowError, "new", rowChange, "unchanged"}

const rowError, rowChange = "error", "change"

func getMass(c *web.Context, into *client.Answer[client.MassConfiguration]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.MassConfiguration], error) {
		return c.API.GetMassConfiguration(ctx, c.Param("id"))
	})
}

func summarize(c *web.Context, into *client.Answer[client.ProductSummaryPage]) func(context.Context) error {
	return client.IfAllowed(client.Into(into, c.API.SummarizeLicenses))
}

func showMassConfiguration(c *web.Context, f *view.Form) error {
	p := plan{query: c.Query(), outcome: c.Query().Get("outcome")}
	if p.outcome != "" && p.outcome != allRows && !slices.Contains(outcomes, p.outcome) {
		return c.NotFound("There is no outcome of this name.")
	}
	var m client.Answer[client.MassConfiguration]
	if err := c.Load(getMass(c, &m), summarize(c, &p.summary), listRows(c, &p)); err != nil {
		return err
	}
	p.MassConfiguration = m.Body
	p.seats = seatsOf(c, p.Needs, p.summary.Body.Items)
	if p.outcome == "" && p.Counts.Error > 0 && !p.running() && f.Fault == nil {
		return c.GoTo(c.Link(massPath, p.ID) + "?outcome=error") // what has to be looked at first
	}
	p.outcome = cmp.Or(p.outcome, allRows)
	if tooEarly(len(p.rows.Items), rowsOf(p.Counts, p.outcome), p.query) {
		if err := c.Load(listRows(c, &p)); err != nil {
			return err
		}
	}
	if err := nameUsers(c, &p); err != nil {
		return err
	}
	if p.running() {
		c.Refresh(refreshMass)
	}
	if p.awaits() {
		c.Script(uploadScript)
	}
	if p.State == "failed" || p.State == "rejected" {
		see(c, p.ID)
	}
	return c.Show(p.FileName, massConfigurationPage(c, f, p))
}

// tooEarly says that rows were asked for, beside the plan that counts them, a moment before its check had written
// them.
func tooEarly(got int, there int64, query url.Values) bool {
	return got == 0 && there > 0 && query.Get(view.Cursor) == ""
}

// listRows lists rows of a plan: of one outcome, or in the order of the file.
func listRows(c *web.Context, p *plan) func(context.Context) error {
	return func(ctx context.Context) error {
		a, err := c.API.ListMassConfigurationRows(ctx, c.Param("id"), client.ListMassConfigurationRowsQuery{
			Limit: pageOfRows, Cursor: p.query.Get("cursor"), Outcome: strings.TrimPrefix(p.outcome, allRows),
		})
		p.rows = a.Body
		return err
	}
}

// nameUsers looks up the users of the rows by their ids, all side by side.
func nameUsers(c *web.Context, p *plan) error {
	ids := p.users()
	var calls []func(context.Context) error
	pages := make([]client.Answer[client.UserPage], (len(ids)+mostIDs-1)/mostIDs)
	i := 0
	for some := range slices.Chunk(ids, mostIDs) {
		calls = append(calls, client.IfAllowed(
			client.Into(&pages[i], func(ctx context.Context) (client.Answer[client.UserPage], error) {
				return c.API.ListUsers(ctx, client.ListUsersQuery{ID: some, Limit: mostIDs})
			}),
		))
		i++
	}
	if len(calls) == 0 {
		return nil
	}
	err := c.Load(calls...)
	p.people = map[string]string{}
	for _, page := range pages {
		for _, u := range page.Body.Items {
			p.people[u.ID] = u.Name
		}
	}
	return err
}

// users are the ids of who brought the file and of the users of the rows, now and before, each once.
func (p plan) users() []string {
	ids := []string{p.CreatedBy}
	for _, row := range p.rows.Items {
		ids = append(ids, row.UserID)
		for _, d := range row.Differences {
			if d.Field == "user" {
				ids = append(ids, d.From, d.To)
			}
		}
	}
	slices.Sort(ids)
	return nonEmpty(slices.Compact(ids))
}

// person is a user as a person knows them.
func (p plan) person(id string) string {
	if name := p.people[id]; name != "" {
		return name
	}
	return id
}

// seatsOf compares what a plan needs with what is free now, which may be more than at its check.
func seatsOf(c *web.Context, needs []client.SeatNeed, summary []client.ProductSummary) []seats {
	var list []seats
	for _, n := range needs {
		s := seats{product: n.ProductID, name: n.ProductID, wanted: n.Wanted, free: n.Available}
		for _, p := range summary {
			if p.ProductID == n.ProductID {
				s.name, s.free = p.Name, p.Available
			}
		}
		for _, line := range c.Cart().Body.Lines {
			if line.ProductID == n.ProductID {
				s.inCart += line.Quantity
			}
		}
		s.missing = max(0, s.wanted-s.free)
		list = append(list, s)
	}
	return list
}

// short are the seats that do not suffice.
func (p plan) short() []seats {
	return slices.DeleteFunc(slices.Clone(p.seats), func(s seats) bool { return s.missing == 0 })
}

// buyable are those that a person can put into the cart.
func (p plan) buyable() []seats {
	return slices.DeleteFunc(slices.Clone(p.seats), func(s seats) bool { return s.toBuy() == 0 })
}

// running says that something goes on without anybody doing anything.
func (p plan) running() bool {
	return p.State == "checking" || p.State == "configuring" || p.State == "awaitingUpload"
}

// awaits says that the file has not come, as far as this page knows.
func (p plan) awaits() bool { return p.State == "awaitingUpload" && p.query.Get("sent") == "" }

// undo says that the plan puts rows back.
func (p plan) undo() bool { return p.Source == "undo" }

// applies is how many rows configuring changes.
func (p plan) applies() int64 { return p.Counts.New + p.Counts.Change }

// mayStop says that it has not ended.
func (p plan) mayStop() bool { return p.State == "ready" || p.running() }

// mayUndo says that something of it was applied.
func (p plan) mayUndo() bool { return !p.running() && p.State != "ready" && p.Applied > 0 }

// hides says that the file was refused because it hides something.
func (p plan) hides() bool { return p.refusedFor("hidden-rows") }

func (p plan) refusedFor(code string) bool {
	return slices.ContainsFunc(p.Errors, func(e client.FileError) bool { return e.Code == code })
}

// product is the name of a product.
func (p plan) product(id string) string {
	for _, one := range p.summary.Body.Items {
		if one.ProductID == id {
			return one.Name
		}
	}
	return id
}

func (p plan) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(p.rows.Items), next: p.rows.NextCursor, all: rowsOf(p.Counts, p.outcome)}
	return pagerOf(c, c.Link(massPath, p.ID), rowsQuery(p.query, p.outcome), page, [2]string{"row", "rows"})
}

// rowsQuery is the address's query for the rows of one outcome of a file, at the page that is shown.
func rowsQuery(q url.Values, outcome string) url.Values {
	return url.Values{"outcome": {outcome}, view.Cursor: q[view.Cursor], view.Before: q[view.Before]}
}

// rowsOf is how many rows of a file have an outcome.
func rowsOf(counts client.RowCounts, outcome string) int64 {
	switch outcome {
	case "new":
		return counts.New
	case rowChange:
		return counts.Change
	case "unchanged":
		return counts.Unchanged
	case rowError:
		return counts.Error
	}
	return counts.Rows
}

// change is one part of what happens with a row. Gone and Come are what is taken away and what is
// there after it; of add-ons, those that stay are in neither.
type change struct {
	name       string
	gone, come []string
}

var changeNames = map[string]string{
	"user": "User", "number": "Number", "license": "License", "addOns": "Add-ons", "extension": "Gives up Ext",
}

func (p plan) changes(row client.MassConfigurationRow) []change {
	var list []change
	for _, d := range row.Differences {
		before, after := nonEmpty([]string{d.From}), nonEmpty([]string{d.To})
		called := func(id string) string { return id }
		switch d.Field {
		case "addOns":
			before, after, called = strings.Fields(d.From), strings.Fields(d.To), p.product
		case "license":
			called = p.product
		case "user":
			called = p.person
			if d.From == "" {
				continue // who it is stands in a column of its own
			}
		}
		list = append(list, changeOf(changeNames[d.Field], before, after, called))
	}
	return list
}

// changeOf is a change of a list, with what its members are called.
func changeOf(name string, before, after []string, called func(string) string) change {
	one := change{name: name}
	for _, what := range before {
		if !slices.Contains(after, what) {
			one.gone = append(one.gone, called(what))
		}
	}
	for _, what := range after {
		if !slices.Contains(before, what) {
			one.come = append(one.come, called(what))
		}
	}
	return one
}

// sendMissing puts the seats that a plan lacks into the cart.
func sendMissing(c *web.Context, f *view.Form) error {
	for _, value := range f.Values["buy"] {
		product, quantity := cut(value, "~")
		n, err := strconv.ParseInt(quantity, 10, 64)
		if err != nil {
			return web.Wrong("buy", "is no quantity")
		}
		line := client.AddCartLineRequest{ProductID: product, Quantity: n}
		if _, err := c.API.AddCartLine(c.R.Context(), line, c.LookOf(f, product)); err != nil {
			return full(err)
		}
	}
	said := web.Good("What the plan lacks is in the cart.", "Once it is bought, the plan can be configured.")
	said.Href, said.Link = c.Link(massPath, c.Param("id")), "Back to the plan"
	return c.Done(c.Link("cart"), said)
}

// showMassResult leads to the result file, whose address is good for minutes.
func showMassResult(c *web.Context, _ *view.Form) error {
	m, err := c.API.GetMassConfiguration(c.R.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if m.Body.ResultURL == "" {
		return c.GoTo(c.Link(massPath, m.Body.ID))
	}
	return c.GoTo(m.Body.ResultURL)
}

// ask shows a page that asks before something is done with a plan.
func ask(c *web.Context, f *view.Form, title string, page func(*web.Context, *view.Form, plan) templ.Component) error {
	var m client.Answer[client.MassConfiguration]
	p := plan{}
	if err := c.Load(getMass(c, &m), summarize(c, &p.summary)); err != nil {
		return err
	}
	p.MassConfiguration = m.Body
	p.seats = seatsOf(c, p.Needs, p.summary.Body.Items)
	return c.Show(title+" "+p.FileName, page(c, f, p))
}

func sendConfigure(c *web.Context, f *view.Form) error {
	m, err := c.API.ConfigureMassConfiguration(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	said := "Configuring has begun."
	if (plan{MassConfiguration: m.Body}).undo() {
		said = "The rows are being put back."
	}
	return c.Done(c.Link(massPath, m.Body.ID), web.Good(said))
}

func showCancel(c *web.Context, f *view.Form) error { return ask(c, f, "Cancel", cancelPage) }

func sendCancel(c *web.Context, f *view.Form) error {
	m, err := c.API.CancelMassConfiguration(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	said := web.Good("It is cancelled. Nothing was applied.")
	if m.Body.State == "configuring" || m.Body.State == "checking" {
		said = web.Good("It stops as soon as the rows that are under way are done.")
	}
	return c.Done(c.Link(massPath, m.Body.ID), said)
}

func showUndo(c *web.Context, f *view.Form) error { return ask(c, f, "Undo", undoPage) }

func sendUndo(c *web.Context, f *view.Form) error {
	m, err := c.API.UndoMassConfiguration(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(
		c.Link(massPath, m.Body.ID),
		web.Good("This plan says what would be put back.", "Nothing is put back before you confirm it."),
	)
}
