package pages

import (
	"context"
	"net/url"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// exportKinds are what may be written into a file; all but licenses are files that change it again.
var exportKinds = []view.Option{
	{Value: "users", Name: "Users", Note: "A file that imports them."},
	{Value: "call-queues", Name: "Call queues", Note: "A file that imports them."},
	{Value: "dashboards", Name: "Dashboards", Note: "A file that imports them."},
	{Value: "licenses", Name: "Licenses", Note: "Who holds what, for a look."},
	{Value: "phones", Name: "Phones", Note: "A file for Mass configuration."},
}

var exportFormats = []view.Option{{Value: "xlsx", Name: "Excel"}, {Value: "csv", Name: "CSV"}}

// refreshExport is after how many seconds a page without script asks how far an export is.
const refreshExport = 3

type exportList struct {
	page  client.ExportViewPage
	query url.Values
	kinds []view.Option
}

func showExports(c *web.Context, f *view.Form) error {
	var list client.Answer[client.ExportViewPage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.ExportViewPage], error) {
		return c.API.ListExports(ctx, client.ListExportsQuery{Limit: pageOfMass, Cursor: c.Query().Get("cursor")})
	}))
	if err != nil {
		return err
	}
	l := exportList{list.Body, c.Query(), kindsOf(c, exportKinds, maySee)}
	if !f.Values.Has("kind") && len(l.kinds) > 0 {
		f.Values.Set("kind", l.kinds[0].Value)
		if kind := c.Query().Get("kind"); maySee(c, kind) && kind != "" {
			f.Values.Set("kind", kind)
		}
	}
	return c.Show("Exports", exportsPage(c, f, l))
}

func (l exportList) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(l.page.Items), next: l.page.NextCursor, order: newestFirst}
	return pagerOf(c, c.Link("directory", "exports"), l.query, page, [2]string{"file", "files"})
}

func sendExport(c *web.Context, f *view.Form) error {
	body := client.CreateExportRequest{Kind: f.Get("kind")}
	if format := f.Get("format"); format != "" {
		body.Format = &format
	}
	e, err := c.API.CreateExport(c.R.Context(), body, c.LookOf(f, "export"))
	if err != nil {
		return err
	}
	return c.GoTo(c.Link("directory", "exports", e.Body.ID))
}

func showExport(c *web.Context, _ *view.Form) error {
	var e client.Answer[client.ExportView]
	err := c.Load(client.Into(&e, func(ctx context.Context) (client.Answer[client.ExportView], error) {
		return c.API.GetExport(ctx, c.Param("id"))
	}))
	if err != nil {
		return err
	}
	if exportRuns(e.Body) {
		c.Refresh(refreshExport)
	}
	return c.Show(e.Body.FileName, exportPage(c, e.Body))
}

func exportRuns(e client.ExportView) bool { return e.State == "queued" || e.State == "running" }

// showExportFile leads to the file, whose address is good for minutes.
func showExportFile(c *web.Context, _ *view.Form) error {
	e, err := c.API.GetExport(c.R.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if e.Body.DownloadURL == "" {
		return c.GoTo(c.Link("directory", "exports", e.Body.ID))
	}
	return c.GoTo(e.Body.DownloadURL)
}

func exportJob(e client.ExportView) view.Job {
	return view.Job{Running: true, Unmeasured: true, Stage: e.State, State: "The file is being written."}
}

// exportState is the state of an export as a pill.
func exportState(e client.ExportView) (kind, word string) {
	switch e.State {
	case "ready":
		return "good", "ready"
	case "failed":
		return "bad", "failed"
	}
	return "", "being written"
}

func exportLead(c *web.Context, e client.ExportView) string {
	kind := optionName(exportKinds, e.Kind)
	switch e.State {
	case "ready":
		return kind + ": " + c.Format().Count(e.Rows, "row", "rows") + "."
	case "failed":
		return kind + ": it failed. Ask for another one."
	}
	return kind + ", as they are while it is being written."
}

// takesBack is where a file that was exported can be brought back once it is edited.
func takesBack(c *web.Context, kind string) string {
	switch {
	case kind == "phones":
		return c.Link(massPath)
	case kind != "licenses" && mayImport(c, kind):
		return c.Link("directory", "imports") + "?kind=" + kind
	}
	return ""
}
