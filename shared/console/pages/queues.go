package pages

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// Call queues: the list in the Directory; the page of one, and its editing, in Live Reports.

var namedFields = web.Fields("name", "Name", "id", "Id")

const (
	makeQueue  = "Make the call queue"
	addMembers = "Add to the call queue"
	// pageOfMembers is how many members of a call queue a page shows.
	pageOfMembers = 50
	// mostIDs is how many ids one request asks for: with the longest ids and a token, its head
	// stays within the 10 KB that a gateway takes.
	mostIDs = 25
)

// queuesNamed are calls that ask for call queues by their ids, side by side.
func queuesNamed(
	c *web.Context, ids []string,
) (found []client.Answer[client.CallQueuePage], calls []func(context.Context) error) {
	return byIDs(ids, func(ctx context.Context, some []string) (client.Answer[client.CallQueuePage], error) {
		return c.API.ListCallQueues(ctx, client.ListCallQueuesQuery{ID: some, Limit: mostIDs})
	})
}

func usersNamed(
	c *web.Context, ids []string,
) (found []client.Answer[client.UserPage], calls []func(context.Context) error) {
	return byIDs(ids, func(ctx context.Context, some []string) (client.Answer[client.UserPage], error) {
		return c.API.ListUsers(ctx, client.ListUsersQuery{ID: some, Limit: mostIDs})
	})
}

func dashboardsNamed(
	c *web.Context, ids []string,
) (found []client.Answer[client.DashboardPage], calls []func(context.Context) error) {
	return byIDs(ids, func(ctx context.Context, some []string) (client.Answer[client.DashboardPage], error) {
		return c.API.ListDashboards(ctx, client.ListDashboardsQuery{ID: some, Limit: mostIDs})
	})
}

// byIDs are calls that ask for things by their ids, some at a time; who may not see them gets none.
func byIDs[T any](
	ids []string, list func(context.Context, []string) (client.Answer[T], error),
) (found []client.Answer[T], calls []func(context.Context) error) {
	found = make([]client.Answer[T], (len(ids)+mostIDs-1)/mostIDs)
	for i := range found {
		some := ids[i*mostIDs : min(len(ids), (i+1)*mostIDs)]
		calls = append(calls, client.IfAllowed(
			client.Into(&found[i], func(ctx context.Context) (client.Answer[T], error) { return list(ctx, some) }),
		))
	}
	return found, calls
}

// named is a list of the Directory whose things have a name.
type named struct {
	query url.Values
	next  string
	shown int
}

// order is that of the list; of a search it is that of what was found by.
func (n named) order() string {
	if n.query.Get("q") != "" {
		return ""
	}
	return byID
}

func (n named) pager(c *web.Context, path string, noun [2]string) view.Pager {
	return pagerOf(c, path, n.query, onPage{rows: n.shown, next: n.next, order: n.order()}, noun)
}

func showQueues(c *web.Context, _ *view.Form) error {
	q := c.Query()
	var list client.Answer[client.CallQueuePage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.CallQueuePage], error) {
		return c.API.ListCallQueues(ctx, client.ListCallQueuesQuery{
			Limit: pageOfDirectory, Cursor: q.Get("cursor"), Q: q.Get("q"),
		})
	}))
	if err != nil {
		return err
	}
	return c.Show("Call queues", queuesPage(c, named{q, list.Body.NextCursor, len(list.Body.Items)}, list.Body.Items))
}

// member is somebody in a call queue.
type member struct {
	id, name string
	// holds is the product that opens Live Reports for them; empty if they have none.
	holds string
	// waits and excluded say why somebody without a license has none.
	waits, excluded bool
	gone            bool
	// inactive says that they are deactivated, and so need no license.
	inactive bool
}

// without is who waits for a license of Live Reports, and who is excluded from one, by their ids.
type without struct {
	waiting  client.Answer[client.WaitingGrantPage]
	excluded client.Answer[client.ExcludedPage]
}

func (w *without) calls(c *web.Context) []func(context.Context) error {
	return []func(context.Context) error{
		waitForLive(c, &w.waiting),
		client.IfAllowed(
			client.Into(&w.excluded, func(ctx context.Context) (client.Answer[client.ExcludedPage], error) {
				return c.API.ListExclusions(ctx, client.ListExclusionsQuery{Product: opensLive, Limit: mostNames})
			}),
		),
	}
}

// opensLive are the products that open Live Reports.
var opensLive = []string{liveReports, queueBooster}

// waitForLive asks who waits for a license of Live Reports.
func waitForLive(c *web.Context, into *client.Answer[client.WaitingGrantPage]) func(context.Context) error {
	return client.IfAllowed(
		client.Into(into, func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
			return c.API.ListWaiting(ctx, client.ListWaitingQuery{Product: opensLive, Limit: mostNames})
		}),
	)
}

// mark says of a member without a license whether they wait or are excluded.
func (w *without) mark(m *member) {
	if m.holds != "" {
		return
	}
	m.waits = slices.ContainsFunc(w.waiting.Body.Items, func(g client.WaitingGrant) bool { return g.UserID == m.id })
	m.excluded = slices.ContainsFunc(w.excluded.Body.Items, func(e client.Excluded) bool { return e.UserID == m.id })
}

// queueView is what the page of a call queue shows.
type queueView struct {
	queue   client.CallQueue
	names   why
	members []member
	query   url.Values
	page    int
	// more says that a search found more people than were looked at.
	more bool
}

func getQueue(c *web.Context, into *client.Answer[client.CallQueue]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.CallQueue], error) {
		return c.API.GetCallQueue(ctx, c.Param("id"))
	})
}

func showQueue(c *web.Context, _ *view.Form) error {
	v := queueView{query: c.Query()}
	var q client.Answer[client.CallQueue]
	var searched client.Answer[client.UserPage]
	var none without
	calls := append(none.calls(c), getQueue(c, &q))
	if text := v.query.Get("q"); text != "" {
		calls = append(calls, client.Into(&searched, func(ctx context.Context) (client.Answer[client.UserPage], error) {
			return c.API.ListUsers(ctx, client.ListUsersQuery{Q: text, Limit: mostNames})
		}))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	v.queue, v.more = q.Body, searched.Body.NextCursor != ""
	v.page = pageOf(v.query, len(v.queue.Members))
	var ids []string
	if searched.Status == 0 {
		ids = v.queue.Members[v.page*pageOfMembers : min(len(v.queue.Members), (v.page+1)*pageOfMembers)]
	}
	people, calls := usersNamed(c, ids)
	boards, more := dashboardsNamed(c, v.queue.Dashboards[:min(len(v.queue.Dashboards), mostIDs)])
	if err := c.Load(append(calls, more...)...); err != nil {
		return err
	}
	known := usersByID(people)
	for _, u := range searched.Body.Items {
		if known[u.ID] = u; slices.Contains(v.queue.Members, u.ID) {
			ids = append(ids, u.ID)
		}
	}
	for _, id := range ids {
		m := memberOf(id, known)
		none.mark(&m)
		v.members = append(v.members, m)
	}
	v.names = why{names: dashboardNames(boards)}
	return c.Show(v.queue.Name, queuePage(c, v))
}

func dashboardNames(boards []client.Answer[client.DashboardPage]) map[string]string {
	names := map[string]string{}
	for _, page := range boards {
		for _, d := range page.Body.Items {
			names["dashboard:"+d.ID] = d.Name
		}
	}
	return names
}

// usersByID are the users that were asked for and are there.
func usersByID(found []client.Answer[client.UserPage]) map[string]client.User {
	known := map[string]client.User{}
	for _, page := range found {
		for _, u := range page.Body.Items {
			known[u.ID] = u
		}
	}
	return known
}

// memberOf is a member by what is known of them; the id stands in the place of the name of who was
// removed meanwhile.
func memberOf(id string, known map[string]client.User) member {
	u, there := known[id]
	if !there {
		return member{id: id, name: id, gone: true}
	}
	m := member{id: id, name: u.Name, inactive: !u.Active}
	for _, h := range u.Holdings {
		if name := liveProducts[h.ProductID]; name != "" {
			m.holds = name
		}
	}
	return m
}

// liveProducts are what the products that open Live Reports are called.
var liveProducts = map[string]string{liveReports: "Live Reports", queueBooster: "Call Queue Booster"}

// pageOf is the page of a list of ids that the address asks for, from 0.
func pageOf(q url.Values, ids int) int {
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 || (n-1)*pageOfMembers >= ids {
		return 0
	}
	return n - 1
}

func (v queueView) pager(c *web.Context) view.Pager {
	path := c.Link("live-reports", "queues", v.queue.ID)
	if v.query.Get("q") != "" {
		p := view.Pager{Count: c.Format().Count(int64(len(v.members)), "member", "members") + " found", First: path}
		if v.more {
			p.Count += "; more people fit, so type more of the name"
		}
		return p
	}
	f := c.Format()
	first := v.page * pageOfMembers
	p := view.Pager{Count: f.Number(int64(first+1)) + " to " + f.Number(int64(first+len(v.members))) + " of " +
		f.Count(int64(len(v.queue.Members)), "member", "members")}
	if v.page > 0 {
		p.First = path
		p.Previous = path + "?page=" + strconv.Itoa(v.page)
	}
	if first+len(v.members) < len(v.queue.Members) {
		p.Next = path + "?page=" + strconv.Itoa(v.page+2)
	}
	return p
}

func queueLead(c *web.Context, v queueView) string {
	n := c.Format().Count(int64(len(v.queue.Members)), "member", "members")
	if len(v.queue.Dashboards) == 0 {
		return n + ". No dashboard shows it, so nobody is monitored by it."
	}
	off := 0
	for _, m := range v.members {
		if m.inactive {
			off++
		}
	}
	switch all := len(v.members) == len(v.queue.Members); {
	case off == 0 && all:
		return n + ", all of them monitored: each needs a license of Live Reports."
	case all:
		need := c.Format().Count(int64(off), "is not active and needs no license", "are not active and need no license")
		return n + ". " + need + "; each other one is monitored and needs a license of Live Reports."
	}
	return n + ". Each who is active is monitored, and needs a license of Live Reports."
}

// newNamed is the page that makes a call queue or a dashboard.
type newNamed struct{ title, lead, submit, action, back string }

func memberColumns(c *web.Context) []view.Column {
	columns := []view.Column{{Name: "User"}, {Name: "License Type"}, {Name: "Actions", Number: true}}
	if c.May(auth.DirectoryManage) {
		columns = append([]view.Column{{Name: "Select", All: "selected"}}, columns...)
	}
	return columns
}

func showNewQueue(c *web.Context, f *view.Form) error {
	if err := c.Load(); err != nil {
		return err
	}
	return c.Show("New call queue", newNamedPage(c, f, newNamed{
		title: "New call queue", submit: makeQueue,
		lead:   "Its members are chosen on the next page.",
		action: c.Link("live-reports", "queues", "new"), back: c.Link("directory", "queues"),
	}))
}

func sendNewQueue(c *web.Context, f *view.Form) error {
	id := idFor(f, "queue")
	body := client.PutCallQueueRequest{Name: trimmed(f, "name")}
	if _, err := c.API.PutCallQueue(c.R.Context(), id, body, newThing(c, f)); err != nil {
		return taken(err, id, "call queue")
	}
	return c.Done(c.Link("live-reports", "queues", id, "add"),
		web.Good("The call queue "+body.Name+" is made. Choose its members now."))
}

func showQueueName(c *web.Context, f *view.Form) error {
	var q client.Answer[client.CallQueue]
	if err := c.Load(getQueue(c, &q)); err != nil {
		return err
	}
	web.FromVersion(f, q.ETag)
	return c.Show("Rename "+q.Body.Name, renamePage(c, f, q.Body.Name, c.Link("live-reports", "queues", q.Body.ID)))
}

func sendQueueName(c *web.Context, f *view.Form) error {
	name := trimmed(f, "name")
	body := client.PatchCallQueueRequest{Name: &name}
	if _, err := c.API.PatchCallQueue(c.R.Context(), c.Param("id"), body, c.Change(f)); err != nil {
		return err
	}
	return c.Done(c.Link("live-reports", "queues", c.Param("id")), web.Good("The call queue is called "+name+" now."))
}

// joining is the page on which people are chosen who join a call queue.
type joining struct {
	effects

	queue client.CallQueue
	users client.UserPage
	// chosen were ticked among what an earlier search found; they stay chosen.
	chosen []view.Option
	// free is how many licenses of Live Reports are free; -1 if the reader may not see that.
	free int64
}

func showAddMembers(c *web.Context, f *view.Form) error {
	j := joining{free: -1}
	var q client.Answer[client.CallQueue]
	var users client.Answer[client.UserPage]
	var summary client.Answer[client.ProductSummaryPage]
	err := c.Load(getQueue(c, &q), client.IfAllowed(client.Into(&summary, c.API.SummarizeLicenses)),
		client.Into(&users, func(ctx context.Context) (client.Answer[client.UserPage], error) {
			return c.API.ListUsers(ctx, client.ListUsersQuery{Q: searched(c, f), Limit: mostUsers})
		}))
	if err != nil {
		return err
	}
	j.queue, j.users, j.free = q.Body, users.Body, freeLive(summary)
	if !f.Values.Has("members") {
		f.Values["members"] = nonEmpty(c.Query()["members"])
	}
	var more []func(context.Context) error
	if tells(f) {
		j.effects.people = []client.Answer[client.UserPage]{users}
		more = foretell(c, f, &j.effects,
			func(ctx context.Context, dry client.Change) (client.Answer[client.CallQueue], error) {
				return queueMembers(c).set(ctx, c.Param("id"), union(j.queue.Members, f.Values["members"]), dry)
			})
	}
	if j.chosen, err = chosenBefore(c, f.Values["members"], j.users.Items, more...); err != nil {
		return err
	}
	for _, o := range j.chosen {
		j.knows(o.Value, o.Name)
	}
	return c.Show("Add members", addMembersPage(c, f, j))
}

// chosenBefore are those chosen who are not among the people on the page, by their names: the second
// round, with more calls of it.
func chosenBefore(
	c *web.Context, ids []string, shown []client.User, more ...func(context.Context) error,
) ([]view.Option, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.ContainsFunc(shown, func(u client.User) bool { return u.ID == id })
	})
	found, calls := usersNamed(c, ids)
	if err := c.Load(append(calls, more...)...); err != nil {
		return nil, err
	}
	var options []view.Option
	for _, page := range found {
		options = append(options, userOptions(page.Body.Items)...)
	}
	return options, nil
}

// mostInAddress is how many bytes of an address the chosen ones may take: a gateway takes 10 KB of
// headers in all.
const mostInAddress = 4000

// freeLive is how many licenses of Live Reports are free; -1 if the reader may not see that.
func freeLive(summary client.Answer[client.ProductSummaryPage]) int64 {
	for _, p := range summary.Body.Items {
		if p.ProductID == liveReports {
			return p.Available
		}
	}
	if summary.Status == 0 {
		return -1
	}
	return 0
}

// effect says what joining means, before it is done.
func (j joining) effect(c *web.Context) string {
	if len(j.queue.Dashboards) == 0 {
		return "No dashboard shows this call queue, so who joins needs no license for it."
	}
	return monitoredEffect(
		c,
		"Who joins is monitored, and needs a license of Live Reports unless they hold one. ",
		j.free,
	)
}

func monitoredEffect(c *web.Context, who string, free int64) string {
	if info, there := c.AccountInfo(); there && info.Bundle == unlimitedBundle {
		return "Who joins is monitored. The Customer Engagement Bundle includes Live Reports, so no license is used."
	}
	if free < 0 {
		return who + "Who finds none free waits for the next one."
	}
	return who + c.Format().Count(free, "is free now", "are free now") + "; who finds none waits for the next one."
}

// idList is the list of ids of a thing: the members of a call queue, the call queues of a dashboard.
type idList[T any] struct {
	get func(ctx context.Context, id string) (client.Answer[T], error)
	ids func(thing T) []string
	set func(ctx context.Context, id string, ids []string, how client.Change) (client.Answer[T], error)
}

// changeIDs changes the list of the thing of the address to what change makes of the ids that are there
// now, so that what others add meanwhile stays. It answers the thing after it, and how many ids came
// or went.
func changeIDs[T any](
	c *web.Context, f *view.Form, list idList[T], change func([]string) []string,
) (thing T, changed int, err error) {
	now, err := list.get(c.R.Context(), c.Param("id"))
	if err != nil {
		return thing, 0, err
	}
	before := list.ids(now.Body)
	after := change(before)
	changed = max(len(after)-len(before), len(before)-len(after))
	if changed == 0 {
		return now.Body, 0, nil // it is so already: a form that came twice
	}
	how := c.Change(f)
	how.Version = now.ETag
	out, err := list.set(c.R.Context(), c.Param("id"), after, how)
	return out.Body, changed, err
}

// queueMembers are the members of a call queue.
func queueMembers(c *web.Context) idList[client.CallQueue] {
	return idList[client.CallQueue]{
		get: c.API.GetCallQueue,
		ids: func(q client.CallQueue) []string { return q.Members },
		set: func(
			ctx context.Context, id string, ids []string, how client.Change,
		) (client.Answer[client.CallQueue], error) {
			return c.API.PatchCallQueue(ctx, id, client.PatchCallQueueRequest{Members: client.Set(ids)}, how)
		},
	}
}

// union is a list with more ids, each once.
func union(list, more []string) []string {
	out := append(slices.Clone(list), more...)
	slices.Sort(out)
	return slices.Compact(out)
}

// except is a list without some ids.
func except(list, some []string) []string {
	return slices.DeleteFunc(append([]string{}, list...), func(id string) bool { return slices.Contains(some, id) })
}

func sendAddMembers(c *web.Context, f *view.Form) error {
	if f.Get("do") == "search" {
		q := url.Values{"q": {f.Get("q")}, "members": f.Values["members"]}.Encode()
		if len(q) > mostInAddress {
			return web.Wrong("members", "are too many to search on with: add these first")
		}
		return c.GoTo(c.Link("live-reports", "queues", c.Param("id"), "add") + "?" + q)
	}
	if len(f.Values["members"]) == 0 {
		return web.Wrong("members", "must be chosen: tick whom to add")
	}
	if sees(f) {
		return showAddMembers(c, f)
	}
	hold(f)
	q, n, err := changeIDs(
		c,
		f,
		queueMembers(c),
		func(now []string) []string { return union(now, f.Values["members"]) },
	)
	if err != nil {
		return err
	}
	return c.Done(c.Link("live-reports", "queues", c.Param("id")),
		web.Good(c.Format().Count(int64(n), "member joins ", "members join ")+q.Name+".", following(q)...))
}

// following says what is still to come of a change of a call queue's members.
func following(q client.CallQueue) []string {
	if len(q.Dashboards) == 0 {
		return nil
	}
	return []string{"Licenses of Live Reports follow. The list says who has one and who waits."}
}

// leaving is who is to be removed from a call queue, and what that does.
type leaving struct {
	effects

	queue   client.CallQueue
	members []member
}

func showRemoveMembers(c *web.Context, f *view.Form) error {
	ids := nonEmpty(c.Query()["members"])
	if f.Values.Has("members") {
		ids = f.Values["members"]
	}
	var q client.Answer[client.CallQueue]
	var waiting client.Answer[client.WaitingGrantPage]
	people, calls := usersNamed(c, ids[:min(len(ids), pageOfMembers)])
	if err := c.Load(append(calls, getQueue(c, &q), waitForLive(c, &waiting))...); err != nil {
		return err
	}
	known := usersByID(people)
	l := leaving{queue: q.Body}
	l.knowsWaiting(waiting)
	for _, id := range ids {
		m := memberOf(id, known)
		l.knows(m.id, m.name)
		l.members = append(l.members, m)
	}
	if len(ids) > 0 {
		remaining := except(q.Body.Members, ids)
		err := c.Load(foretell(c, f, &l.effects,
			func(ctx context.Context, dry client.Change) (client.Answer[client.CallQueue], error) {
				return queueMembers(c).set(ctx, c.Param("id"), remaining, dry)
			})...)
		if err != nil {
			return err
		}
	}
	return c.Show("Remove members", removeMembersPage(c, f, l))
}

// knowsWaiting enters the names of those who wait, since what others give back goes to them.
func (e *effects) knowsWaiting(list client.Answer[client.WaitingGrantPage]) {
	for _, w := range list.Body.Items {
		e.knows(w.UserID, w.UserName)
	}
}

func sendRemoveMembers(c *web.Context, f *view.Form) error {
	q, n, err := changeIDs(
		c,
		f,
		queueMembers(c),
		func(now []string) []string { return except(now, f.Values["members"]) },
	)
	if err != nil {
		return err
	}
	return c.Done(c.Link("live-reports", "queues", c.Param("id")),
		web.Good(c.Format().Count(int64(n), "member is", "members are")+" out of "+q.Name+"."))
}

// leftSays is what leaving a call queue takes.
func leftSays(q client.CallQueue) string {
	if len(q.Dashboards) == 0 {
		return "No dashboard shows this call queue, so no license depends on it."
	}
	return "Who is in no other monitored call queue gives the license of Live Reports back that they have because of this one."
}

func showDeleteQueue(c *web.Context, f *view.Form) error {
	var q client.Answer[client.CallQueue]
	var e effects
	if err := c.Load(append(foretell(c, f, &e, deletesQueue(c)), getQueue(c, &q))...); err != nil {
		return err
	}
	web.FromVersion(f, q.ETag)
	boards, calls := dashboardsNamed(c, q.Body.Dashboards[:min(len(q.Body.Dashboards), mostIDs)])
	if err := c.Load(append(calls, e.names(c)...)...); err != nil {
		return err
	}
	v := queueView{queue: q.Body, names: why{names: dashboardNames(boards)}}
	return c.Show("Delete "+q.Body.Name, deleteQueuePage(c, f, v, e))
}

// deletesQueue is the request that deletes a call queue.
func deletesQueue(c *web.Context) func(context.Context, client.Change) (client.Answer[client.Nothing], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Nothing], error) {
		return c.API.DeleteCallQueue(ctx, c.Param("id"), change)
	}
}

func sendDeleteQueue(c *web.Context, f *view.Form) error {
	if _, err := deletesQueue(c)(c.R.Context(), c.Change(f)); err != nil {
		return err
	}
	to := c.Link("directory", "queues")
	return c.Done(to, web.Good("The call queue "+c.Param("id")+" is deleted."))
}
