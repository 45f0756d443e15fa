package pages

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// Dashboards: the list in the Directory; the page of one, and its editing, in Live Reports.

const (
	makeDashboard = "Make the dashboard"
	addQueues     = "Add to the dashboard"
)

func showDashboards(c *web.Context, _ *view.Form) error {
	q := c.Query()
	var list client.Answer[client.DashboardPage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.DashboardPage], error) {
		return c.API.ListDashboards(ctx, client.ListDashboardsQuery{
			Limit: pageOfDirectory, Cursor: q.Get("cursor"), Q: q.Get("q"),
		})
	}))
	if err != nil {
		return err
	}
	page := named{q, list.Body.NextCursor, len(list.Body.Items)}
	return c.Show("Dashboards", dashboardsPage(c, page, list.Body.Items))
}

// dashboardView is a dashboard with its call queues, or some of them, and what a change of it does.
type dashboardView struct {
	effects

	board  client.DashboardWithGrants
	queues []boardQueue
}

// boardQueue is a call queue on a dashboard. Its members are -1 where they are not known.
type boardQueue struct {
	id, name string
	members  int64
}

func getDashboard(c *web.Context, into *client.Answer[client.DashboardWithGrants]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.DashboardWithGrants], error) {
		return c.API.GetDashboard(ctx, c.Param("id"))
	})
}

// loadDashboard reads a dashboard, and then its call queues. Beside it go the calls that foretell
// effects, and those that name the people of these.
func loadDashboard(
	c *web.Context, f *view.Form, e *effects, foretold ...func(context.Context) error,
) (dashboardView, error) {
	var d client.Answer[client.DashboardWithGrants]
	if err := c.Load(append(foretold, getDashboard(c, &d))...); err != nil {
		return dashboardView{}, err
	}
	web.FromVersion(f, d.ETag)
	found, calls := queuesNamed(c, d.Body.QueueIDs)
	if err := c.Load(append(calls, e.names(c)...)...); err != nil {
		return dashboardView{}, err
	}
	v := dashboardView{board: d.Body, effects: *e}
	for _, id := range d.Body.QueueIDs {
		v.queues = append(v.queues, boardQueueOf(id, found))
	}
	return v, nil
}

// membersSay is how many members a call queue has, where that is known.
func membersSay(c *web.Context, q boardQueue) string {
	if q.members < 0 {
		return "–"
	}
	return c.Format().Number(q.members)
}

// queueOption is a call queue as a choice.
func queueOption(c *web.Context, q client.CallQueue) view.Option {
	return view.Option{Value: q.ID, Name: q.Name, Note: c.Format().Count(int64(len(q.Members)), "member", "members")}
}

func boardQueueOf(id string, found []client.Answer[client.CallQueuePage]) boardQueue {
	for _, page := range found {
		for _, q := range page.Body.Items {
			if q.ID == id {
				return boardQueue{id, q.Name, int64(len(q.Members))}
			}
		}
	}
	return boardQueue{id, id, -1}
}

func showDashboard(c *web.Context, f *view.Form) error {
	v, err := loadDashboard(c, f, &effects{})
	if err != nil {
		return err
	}
	return c.Show(v.board.Name, dashboardPage(c, v))
}

func showNewDashboard(c *web.Context, f *view.Form) error {
	if err := c.Load(); err != nil {
		return err
	}
	return c.Show("New dashboard", newNamedPage(c, f, newNamed{
		title: "New dashboard", submit: makeDashboard,
		lead:   "Its call queues are chosen on the next page. It monitors nobody before that.",
		action: c.Link("live-reports", "dashboards", "new"), back: c.Link("directory", "dashboards"),
	}))
}

func sendNewDashboard(c *web.Context, f *view.Form) error {
	id := idFor(f, "dashboard")
	body := client.PutDashboardRequest{Name: trimmed(f, "name")}
	if _, err := c.API.PutDashboard(c.R.Context(), id, body, newThing(c, f)); err != nil {
		return taken(err, id, "dashboard")
	}
	return c.Done(c.Link("live-reports", "dashboards", id, "add"),
		web.Good("The dashboard "+body.Name+" is made. Choose its call queues now."))
}

func showDashboardName(c *web.Context, f *view.Form) error {
	var d client.Answer[client.DashboardWithGrants]
	if err := c.Load(getDashboard(c, &d)); err != nil {
		return err
	}
	web.FromVersion(f, d.ETag)
	return c.Show("Rename "+d.Body.Name, renamePage(c, f, d.Body.Name, c.Link("live-reports", "dashboards", d.Body.ID)))
}

func sendDashboardName(c *web.Context, f *view.Form) error {
	name := trimmed(f, "name")
	body := client.PatchDashboardRequest{Name: &name}
	if _, err := c.API.PatchDashboard(c.R.Context(), c.Param("id"), body, c.Change(f)); err != nil {
		return err
	}
	return c.Done(c.Link("live-reports", "dashboards", c.Param("id")),
		web.Good("The dashboard is called "+name+" now."))
}

// showing is the page on which call queues are chosen that a dashboard is to show.
type showing struct {
	effects

	board  client.DashboardWithGrants
	queues client.Answer[client.CallQueuePage]
	free   int64
}

func showAddQueues(c *web.Context, f *view.Form) error {
	var s showing
	var d client.Answer[client.DashboardWithGrants]
	var summary client.Answer[client.ProductSummaryPage]
	err := c.Load(getDashboard(c, &d), client.IfAllowed(client.Into(&summary, c.API.SummarizeLicenses)),
		client.IfAllowed(client.Into(&s.queues, func(ctx context.Context) (client.Answer[client.CallQueuePage], error) {
			return c.API.ListCallQueues(ctx, client.ListCallQueuesQuery{Q: searched(c, f), Limit: mostUsers})
		})))
	if err != nil {
		return err
	}
	s.board, s.free = d.Body, freeLive(summary)
	if tells(f) {
		if err := s.foretellAddition(c, f); err != nil {
			return err
		}
	}
	return c.Show("Add call queues", addQueuesPage(c, f, s))
}

// addedQueues are the call queues that the form chooses.
func addedQueues(f *view.Form) []string {
	var ids []string
	for _, typed := range f.Values["queueIds"] {
		if id := strings.TrimSpace(typed); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// foretellAddition asks what it does to show the chosen call queues, with the names of the first of
// their members: the second round.
func (s *showing) foretellAddition(c *web.Context, f *view.Form) error {
	ids := addedQueues(f)
	var members []string
	for _, q := range s.queues.Body.Items {
		if slices.Contains(ids, q.ID) {
			members = union(members, q.Members)
		}
	}
	calls := foretell(c, f, &s.effects,
		func(ctx context.Context, dry client.Change) (client.Answer[client.DashboardWithGrants], error) {
			return shownQueues(c).set(ctx, c.Param("id"), union(s.board.QueueIDs, ids), dry)
		})
	people, more := usersNamed(c, members[:min(len(members), mostLosing)])
	s.people = people
	return c.Load(append(calls, more...)...)
}

// effect says what showing a call queue means, before it is done.
func (s showing) effect(c *web.Context) string {
	return monitoredEffect(c,
		"Every member of what you add is monitored, and needs a license of Live Reports unless they hold one. ", s.free)
}

// shownQueues are the call queues of a dashboard.
func shownQueues(c *web.Context) idList[client.DashboardWithGrants] {
	return idList[client.DashboardWithGrants]{
		get: c.API.GetDashboard,
		ids: func(d client.DashboardWithGrants) []string { return d.QueueIDs },
		set: func(
			ctx context.Context, id string, ids []string, how client.Change,
		) (client.Answer[client.DashboardWithGrants], error) {
			return c.API.PatchDashboard(ctx, id, client.PatchDashboardRequest{QueueIDs: client.Set(ids)}, how)
		},
	}
}

func sendAddQueues(c *web.Context, f *view.Form) error {
	ids := addedQueues(f)
	if len(ids) == 0 {
		return web.Wrong("queueIds", "must be chosen: tick what to add")
	}
	if sees(f) {
		return showAddQueues(c, f)
	}
	hold(f)
	d, n, err := changeIDs(c, f, shownQueues(c), func(now []string) []string { return union(now, ids) })
	if err != nil {
		return err
	}
	return c.Done(c.Link("live-reports", "dashboards", c.Param("id")), web.Good(
		d.Name+" shows "+c.Format().Count(int64(n), "more call queue.", "more call queues."), grantsSay(c, d)...))
}

// grantsSay is how the members stand after a change of a dashboard, as the API's answer has it.
func grantsSay(c *web.Context, d client.DashboardWithGrants) []string {
	n := c.Format()
	parts := []string{n.Count(d.Grants.Granted, "member has", "members have") + " a license of Live Reports"}
	for _, one := range []struct {
		count     int64
		one, many string
	}{
		{d.Grants.Waiting, "waits", "wait"},
		{d.Grants.Covered, "needs none", "need none"},
		{d.Grants.Excluded, "is excluded", "are excluded"},
	} {
		if one.count > 0 {
			parts = append(parts, n.Count(one.count, one.one, one.many))
		}
	}
	said := strings.Join(parts, ", ") + "."
	if d.Settling {
		return []string{said, "More follow in a moment."}
	}
	return []string{said}
}

func showRemoveQueues(c *web.Context, f *view.Form) error {
	ids := nonEmpty(c.Query()["queue"])
	if f.Values.Has("queueIds") {
		ids = f.Values["queueIds"]
	}
	var v dashboardView
	var d client.Answer[client.DashboardWithGrants]
	var waiting client.Answer[client.WaitingGrantPage]
	found, calls := queuesNamed(c, ids)
	if err := c.Load(append(calls, getDashboard(c, &d), waitForLive(c, &waiting))...); err != nil {
		return err
	}
	v.board = d.Body
	v.knowsWaiting(waiting)
	for _, id := range d.Body.QueueIDs {
		if slices.Contains(ids, id) {
			v.queues = append(v.queues, boardQueueOf(id, found))
		}
	}
	if len(v.queues) > 0 {
		if err := v.foretellRemoval(c, f, found); err != nil {
			return err
		}
	}
	return c.Show("Take call queues off", removeQueuesPage(c, f, v))
}

// mostLosing is how many members of call queues are asked for their names before it is known whose
// licenses go back: that would be a third round. Both lists are by id.
const mostLosing = 4 * mostIDs

// foretellRemoval asks what it does to take the call queues off the dashboard, with the names of the
// first of their members: the second round.
func (v *dashboardView) foretellRemoval(
	c *web.Context, f *view.Form, found []client.Answer[client.CallQueuePage],
) error {
	var ids, members []string
	for _, q := range v.queues {
		ids = append(ids, q.id)
	}
	for _, page := range found {
		for _, q := range page.Body.Items {
			members = union(members, q.Members)
		}
	}
	remaining := except(v.board.QueueIDs, ids)
	calls := foretell(c, f, &v.effects,
		func(ctx context.Context, dry client.Change) (client.Answer[client.DashboardWithGrants], error) {
			return shownQueues(c).set(ctx, c.Param("id"), remaining, dry)
		})
	people, more := usersNamed(c, members[:min(len(members), mostLosing)])
	v.people = people
	return c.Load(append(calls, more...)...)
}

func sendRemoveQueues(c *web.Context, f *view.Form) error {
	d, n, err := changeIDs(
		c,
		f,
		shownQueues(c),
		func(now []string) []string { return except(now, f.Values["queueIds"]) },
	)
	if err != nil {
		return err
	}
	return c.Done(c.Link("live-reports", "dashboards", c.Param("id")), web.Good(
		c.Format().Count(int64(n), "call queue is", "call queues are")+" off "+d.Name+".", grantsSay(c, d)...))
}

func showDeleteDashboard(c *web.Context, f *view.Form) error {
	var e effects
	v, err := loadDashboard(c, f, &e, foretell(c, f, &e, deletesDashboard(c))...)
	if err != nil {
		return err
	}
	return c.Show("Delete "+v.board.Name, deleteDashboardPage(c, f, v))
}

// deletesDashboard is the request that deletes a dashboard.
func deletesDashboard(c *web.Context) func(context.Context, client.Change) (client.Answer[client.Nothing], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Nothing], error) {
		return c.API.DeleteDashboard(ctx, c.Param("id"), change)
	}
}

func sendDeleteDashboard(c *web.Context, f *view.Form) error {
	if _, err := deletesDashboard(c)(c.R.Context(), c.Change(f)); err != nil {
		return err
	}
	to := c.Link("directory", "dashboards")
	return c.Done(to, web.Good("The dashboard "+c.Param("id")+" is deleted."))
}
