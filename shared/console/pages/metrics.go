package pages

import (
	"cmp"
	"context"
	"slices"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Metrics", Path: "metrics", Section: sectionLiveReports, Order: 70,
	Needs: []auth.Permission{auth.MetricsRead},
	Routes: []web.Route{
		{Path: "metrics", Show: showMetrics},
		{
			Path: "metrics/wallboards", Changes: "wallboards:max",
			Needs:  managesMetrics,
			Show:   showWallboards,
			Send:   sendWallboards,
			Submit: "Save",
			Fields: web.Fields("max", "Maximum of wallboards"),
		},
		{Path: "metrics/wallboards/list", Show: showWallboardList},
	},
})

func showMetrics(c *web.Context, _ *view.Form) error {
	var m client.Answer[client.LicenseMetrics]
	if err := c.Load(client.Into(&m, c.API.GetLicenseMetrics)); err != nil {
		return err
	}
	return c.Show("Metrics", metricsPage(c, m.Body, nil, client.Maximum{}))
}

// showWallboards is the same page with the maximum as a field, as Edit of the portals makes it.
func showWallboards(c *web.Context, f *view.Form) error {
	var m client.Answer[client.LicenseMetrics]
	var most client.Answer[client.Maximum]
	err := c.Load(client.Into(&m, c.API.GetLicenseMetrics), client.Into(&most, c.API.GetWallboardMaximum))
	if err != nil {
		return err
	}
	if !c.May(auth.MetricsManage) {
		return c.Show("Metrics", metricsPage(c, m.Body, nil, client.Maximum{}))
	}
	web.FromVersion(f, most.ETag)
	return c.Show("Edit the maximum of wallboards", metricsPage(c, m.Body, f, most.Body))
}

func sendWallboards(c *web.Context, f *view.Form) error {
	most, err := wholeNumber(f.Get("max"))
	if err != nil {
		return web.Wrong("max", "must be a whole number")
	}
	now, err := c.API.PutWallboardMaximum(
		c.R.Context(),
		client.PutWallboardMaximumRequest{Max: most},
		c.Change(f),
	)
	if err != nil {
		return err
	}
	return c.Done(c.Link("metrics"), web.Good(
		"The maximum is saved: up to "+c.Format().Count(now.Body.Max, "wallboard", "wallboards")+" may be configured.",
	))
}

// pageOfWallboards is how many wallboards the list shows at once.
const pageOfWallboards = 50

// wallboardList is a page of the wallboards, with the names of their users.
type wallboardList struct {
	page  client.WallboardPage
	names map[string]string
}

func showWallboardList(c *web.Context, _ *view.Form) error {
	var list client.Answer[client.WallboardPage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.WallboardPage], error) {
		return c.API.ListWallboards(ctx, client.ListWallboardsQuery{
			Limit: pageOfWallboards, Cursor: c.Query().Get("cursor"),
		})
	}))
	if err != nil {
		return err
	}
	var ids []string
	for _, w := range list.Body.Items {
		if !slices.Contains(ids, w.UserID) {
			ids = append(ids, w.UserID)
		}
	}
	users, calls := usersNamed(c, ids)
	if err := c.Load(calls...); err != nil {
		return err
	}
	l := wallboardList{list.Body, map[string]string{}}
	for _, page := range users {
		for _, u := range page.Body.Items {
			l.names[u.ID] = u.Name
		}
	}
	return c.Show("Wallboards", wallboardsPage(c, l))
}

// user is who a wallboard is of: their name where the reader may know it, else their id.
func (l wallboardList) user(w client.Wallboard) string { return cmp.Or(l.names[w.UserID], w.UserID) }

func (l wallboardList) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("metrics", "wallboards", "list"), c.Query(),
		onPage{rows: len(l.page.Items), next: l.page.NextCursor}, [2]string{"wallboard", "wallboards"})
}

// wallboardKind is a kind of wallboards as the page of Metrics calls it.
func wallboardKind(kind string) string {
	switch kind {
	case "analytics":
		return "Analytics"
	case "live-analytics":
		return "Live analytics"
	}
	return kind
}

// group is a part of the snapshot.
type group struct {
	name    string
	metrics []client.Metric
	limited bool
}

func groupsOf(m client.LicenseMetrics) []group {
	return []group{
		{"Users", m.Users, false},
		{"Clients", m.Clients, false},
		{"Supervisor", m.Supervisor, false},
		{"Devices", m.Devices, true},
	}
}

// figure is how many are in use, and of how many where there is a maximum: 2/10.
func (g group) figure(f *view.Format, m client.Metric) string {
	if g.limited {
		return f.Number(m.Used) + "/" + f.Number(m.Max)
	}
	return f.Number(m.Used)
}

// wallboardsHint counts what the snapshot counts: the maximum itself says only how many may be.
func wallboardsHint(c *web.Context, m client.LicenseMetrics) string {
	var used int64
	for _, one := range m.Devices {
		used += one.Used
	}
	return "How many wallboards may be configured. " + c.Format().Count(used, "is", "are") +
		" in use, and the maximum cannot be below that."
}
