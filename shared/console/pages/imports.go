package pages

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// Imports of the Directory: users, call queues and dashboards from a file. The file goes the way
// of a mass configuration (docs/console.md, Uploads).

// importKinds are what the rows of a file may be.
var importKinds = []view.Option{
	{Value: "users", Name: "Users"},
	{Value: "call-queues", Name: "Call queues"},
	{Value: "dashboards", Name: "Dashboards"},
}

// importRowSays is what a row of a file is.
var importRowSays = map[string]string{"users": "a user", "call-queues": "a call queue", "dashboards": "a dashboard"}

var importFields = append(web.Fields("kind", "What the rows are"), fileFields...)

// mayImport says whether the reader may apply files of a kind.
func mayImport(c *web.Context, kind string) bool {
	if kind == "dashboards" {
		return c.May(auth.LiveReportsFull)
	}
	return c.May(auth.DirectoryManage)
}

// maySee says whether the reader may see files of a kind.
func maySee(c *web.Context, kind string) bool {
	switch kind {
	case "dashboards":
		return c.May(auth.LiveReportsView)
	case "licenses", "phones":
		return c.May(auth.LicensesRead)
	}
	return c.May(auth.DirectoryRead)
}

// kindsOf are the kinds that the reader may do something with.
func kindsOf(c *web.Context, kinds []view.Option, may func(*web.Context, string) bool) []view.Option {
	return slices.DeleteFunc(slices.Clone(kinds), func(o view.Option) bool { return !may(c, o.Value) })
}

// importList is the list of what was imported before, and what a new file needs.
type importList struct {
	page  client.ImportPage
	query url.Values
	kinds []view.Option
	people
	// kind is the one whose files the page takes.
	kind string
}

func showImports(c *web.Context, f *view.Form) error {
	var list client.Answer[client.ImportPage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.ImportPage], error) {
		return c.API.ListImports(ctx, client.ListImportsQuery{Limit: pageOfMass, Cursor: c.Query().Get("cursor")})
	}))
	if err != nil {
		return err
	}
	l := importList{page: list.Body, query: c.Query(), kinds: kindsOf(c, importKinds, maySee)}
	if l.people, err = peopleNamed(c, l.page.Items, func(m client.Import) string { return m.CreatedBy }); err != nil {
		return err
	}
	l.kind = f.Default("kind", c.Query().Get("kind"))
	known := slices.ContainsFunc(l.kinds, func(o view.Option) bool { return o.Value == l.kind })
	if !known && len(l.kinds) > 0 {
		l.kind = l.kinds[0].Value
	}
	fileDefaults(c, f)
	if mayImport(c, l.kind) {
		c.Script(uploadScript)
	}
	return c.Show("Imports", importsPage(c, f, l))
}

func (l importList) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(l.page.Items), next: l.page.NextCursor, order: newestFirst}
	return pagerOf(c, c.Link("directory", "imports"), l.query, page, [2]string{"file", "files"})
}

func sendImport(c *web.Context, f *view.Form) error {
	b, err := broughtBy(f)
	if err != nil {
		return err
	}
	m, err := c.API.CreateImport(c.R.Context(), client.CreateImportRequest{
		Kind: f.Get("kind"), FileName: b.name, SizeBytes: b.size, Hidden: b.hidden, SkipErrors: b.skipErrors,
	}, c.Change(f))
	if err != nil {
		return err
	}
	return uploading(c, c.Link("directory", "imports", m.Body.ID), m.Body.Upload)
}

func showImportSample(c *web.Context, _ *view.Form) error {
	file, err := c.API.GetImportTemplate(c.R.Context(), client.GetImportTemplateQuery{
		Kind: c.Query().Get("kind"), Format: c.Query().Get("format"),
	})
	if err != nil {
		return err
	}
	return c.SendFile(file.Body)
}

func importSample(c *web.Context, kind, format string) string {
	return c.Link("directory", "imports", "sample") + "?kind=" + kind + "&format=" + format
}

// importPlan is an import as its page shows it.
type importPlan struct {
	client.Import

	rows client.ImportRowPage
	nameCalls
	query   url.Values
	outcome string
}

func getImport(c *web.Context, into *client.Answer[client.Import]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.Import], error) {
		return c.API.GetImport(ctx, c.Param("id"))
	})
}

func importRows(c *web.Context, outcome string, into *client.Answer[client.ImportRowPage]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.ImportRowPage], error) {
		return c.API.ListImportRows(ctx, c.Param("id"), client.ListImportRowsQuery{
			Limit: pageOfRows, Cursor: c.Query().Get("cursor"), Outcome: strings.TrimPrefix(outcome, allRows),
		})
	})
}

func showImport(c *web.Context, f *view.Form) error {
	p := importPlan{query: c.Query(), outcome: c.Query().Get("outcome")}
	if p.outcome != "" && p.outcome != allRows && !slices.Contains(outcomes, p.outcome) {
		return c.NotFound("There is no outcome of this name.")
	}
	var m client.Answer[client.Import]
	var rows, bad, changed client.Answer[client.ImportRowPage]
	calls := []func(context.Context) error{getImport(c, &m), p.products(c), importRows(c, p.outcome, &rows)}
	if p.outcome == "" {
		calls = append(calls, importRows(c, rowError, &bad), importRows(c, rowChange, &changed))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	p.Import, p.rows = m.Body, rows.Body
	switch {
	case p.outcome == "" && p.Counts.Error > 0:
		p.outcome, p.rows = rowError, bad.Body // what has to be looked at first
	case p.outcome == "" && p.State == "ready" && p.Counts.Change > 0:
		p.outcome, p.rows = rowChange, changed.Body // what applying touches that is there already
	case p.outcome == "":
		p.outcome = allRows
	}
	if tooEarly(len(p.rows.Items), rowsOf(p.Counts, p.outcome), p.query) {
		if err := c.Load(importRows(c, p.outcome, &rows)); err != nil {
			return err
		}
		p.rows = rows.Body
	}
	if p.running() {
		c.Refresh(refreshMass)
	}
	if p.State == "awaitingUpload" {
		c.Script(uploadScript)
	}
	if p.State == "failed" || p.State == "rejected" {
		see(c, p.ID)
	}
	return c.Show(p.FileName, importPage(c, f, p))
}

// running says that something goes on without anybody doing anything.
func (p importPlan) running() bool {
	return p.State == "checking" || p.State == "applying" || p.State == "awaitingUpload"
}

// applies is how many rows applying changes.
func (p importPlan) applies() int64 { return p.Counts.New + p.Counts.Change }

// mayStop says that it has not ended.
func (p importPlan) mayStop() bool { return p.State == "ready" || p.running() }

// hides says that the file was refused because it hides something.
func (p importPlan) hides() bool {
	return slices.ContainsFunc(p.Errors, func(e client.FileError) bool { return e.Code == "hidden-rows" })
}

// importHasResult says that there is a file with what became of each row.
func importHasResult(m client.Import) bool {
	return m.ResultURL != "" || m.Counts.Rows > 0 && (m.State == "completed" || m.State == "rejected")
}

func (p importPlan) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(p.rows.Items), next: p.rows.NextCursor, all: rowsOf(p.Counts, p.outcome)}
	return pagerOf(c, c.Link("directory", "imports", p.ID), rowsQuery(p.query, p.outcome), page,
		[2]string{"row", "rows"})
}

var importChangeNames = map[string]string{
	"name": "Name", "email": "E-mail", "extension": "Ext", "number": "Number", "active": "Active",
	"agentSource": "Agent source", "costCenter": "Cost center", "roles": "Roles",
	"licenses": "Metered products", "holdings": "Holds",
	"members": "Members", "callQueues": "Call queues",
}

// changes are what applying does with a row, in words.
func (p importPlan) changes(row client.ImportRow) []change {
	var list []change
	for _, d := range row.Differences {
		name := importChangeNames[d.Field]
		switch d.Field {
		case "roles", "licenses", "holdings":
			list = append(list, changeOf(name, strings.Fields(d.From), strings.Fields(d.To), p.product))
		case "members", "callQueues": // these say themselves who leaves and who joins
			list = append(list, change{name: name, come: nonEmpty([]string{d.From, d.To})})
		default:
			same := func(value string) string { return value }
			list = append(list, changeOf(name, nonEmpty([]string{d.From}), nonEmpty([]string{d.To}), same))
		}
	}
	return list
}

// showImportResult leads to the result file, whose address is good for minutes.
func showImportResult(c *web.Context, _ *view.Form) error {
	m, err := c.API.GetImport(c.R.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if m.Body.ResultURL == "" {
		return c.GoTo(c.Link("directory", "imports", m.Body.ID))
	}
	return c.GoTo(m.Body.ResultURL)
}

// askImport shows a page that asks before something is done with an import.
func askImport(
	c *web.Context, f *view.Form, title string, page func(*web.Context, *view.Form, importPlan) templ.Component,
) error {
	var m client.Answer[client.Import]
	if err := c.Load(getImport(c, &m)); err != nil {
		return err
	}
	return c.Show(title+" "+m.Body.FileName, page(c, f, importPlan{Import: m.Body}))
}

// showApply asks before an import is applied. A dry run of it tells of no seat and no money, since a file has a
// plan of its own (docs/contract.md), so the page says that and shows none.
func showApply(c *web.Context, f *view.Form) error {
	return askImport(c, f, "Apply", applyPage)
}

func sendApply(c *web.Context, f *view.Form) error {
	m, err := c.API.ApplyImport(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("directory", "imports", m.Body.ID), web.Good("Applying has begun."))
}

func showStopImport(c *web.Context, f *view.Form) error {
	return askImport(c, f, "Cancel", stopImportPage)
}

func sendStopImport(c *web.Context, f *view.Form) error {
	m, err := c.API.CancelImport(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	said := web.Good("It is cancelled. Nothing was applied.")
	if m.Body.State == "applying" || m.Body.State == "checking" {
		said = web.Good("It stops as soon as the rows that are under way are done.")
	}
	return c.Done(c.Link("directory", "imports", m.Body.ID), said)
}
