package pages

import (
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
			Path:   "metrics/wallboards",
			Show:   showWallboards,
			Send:   sendWallboards,
			Submit: "Save",
			Fields: web.Fields("max", "Maximum of wallboards"),
		},
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

func wallboardsHint(c *web.Context, most client.Maximum) string {
	f := c.Format()
	return "How many wallboards may be configured. " + f.Count(most.Used, "is", "are") +
		" in use, and the maximum cannot be below that."
}
