package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// rounds are how often, at most, every schedule fires before everything must have come to its end.
const rounds = 8

// calm is what happens after the last fault, and now and then before: everything that runs ends,
// events are delivered until they are taken, and the schedules fire until nothing is left behind
// (I14). Before that, seats come that only maintenance hands out, since who brings them dies. Then
// the figures can be held against a plain model of the whole (I15), and who holds what against the
// directory.
func (m *simulation) quiesce() {
	m.finish()
	for _, s := range m.slots {
		s.set(0)
	}
	for _, a := range accounts {
		if m.violation == nil {
			m.models[a].at = &commit{serial: m.mirror.made}
			m.models[a].verifyStops()
		}
		if m.violation == nil {
			m.reopen(a)
		}
		if m.violation == nil {
			m.leaveWaiting(a)
		}
	}
	if m.violation == nil {
		m.nextDay()
	}
	var left []error
	for round, quiet := 0, 0; round < rounds && m.violation == nil; round++ {
		m.advance(31 * time.Minute)
		left = append(m.drain(), m.leftBehind()...)
		if quiet++; len(left) > 0 {
			quiet = 0
		}
		if quiet == 2 { // what is delivered at the end of a round, alerts follow in the next one
			break
		}
	}
	if len(left) > 0 && m.violation == nil {
		m.fail("I14: without faults this is left: %w", errors.Join(left...))
	}
	if m.violation == nil {
		m.checkAll(true)
	}
	for _, a := range accounts {
		if m.violation == nil {
			m.models[a].at = &commit{serial: m.mirror.made}
			m.models[a].verifyDirectory()
			m.models[a].verifyRules()
		}
		if m.violation == nil {
			m.verifyUsage(a)
		}
	}
	for _, a := range accounts {
		for range 4 {
			if m.violation == nil {
				m.verifyForesight(a)
			}
		}
	}
	if m.violation == nil {
		m.readBackAll()
	}
}

// drain fires every schedule and delivers every event that was not taken, and answers what failed.
func (m *simulation) drain() []error {
	var failures []error
	failed := func(r *run) {
		if r.failure != nil {
			failures = append(failures, fmt.Errorf("%s: %w", r.what, r.failure))
		}
	}
	fire := func(name string) {
		r := m.fire(name)
		r.then = failed
		m.alone(r)
		m.carryAll(failed)
	}
	fire("UsageAggregationFunction")
	fire("MassConfigurationApplyFunction")
	for range minutesOfList { // each account's list has one of these minutes
		fire("MaintenanceFunction")
		m.advance(time.Minute)
	}
	fire("UsageAggregationFunction") // a day may have begun meanwhile
	fire("ReportBuilderFunction")
	for _, d := range slices.Clone(m.deliveries) {
		if m.violation == nil && !d.done {
			r := m.deliver(d)
			after := r.then
			r.then = func(r *run) { failed(r); after(r) }
			m.alone(r)
		}
	}
	return failures
}

// minutesOfList is in how many minutes every list that stands still is looked at once.
const minutesOfList = 5

// leftBehind are the markers of work that is not done, of any account.
func (m *simulation) leftBehind() []error {
	var left []error
	for key, at := range m.mirror.items {
		place := at.item.IndexKeys[2]
		if at.gone || !strings.HasPrefix(place.Partition, "JOBS#") {
			continue
		}
		switch marker, _, _ := strings.Cut(place.Sort, "#"); marker {
		case "FAILED", "POLICY", "ALERT": // looked at for alerts, for as long as they are there; no work is owed
		case "WAITING", "REQUEST": // below: there may be nothing for them
		default:
			left = append(left, fmt.Errorf("%s", key))
		}
	}
	for _, a := range accounts {
		left = append(left, m.models[a].unserved()...)
		left = append(left, m.models[a].shutOut()...)
	}
	slices.SortFunc(left, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return left
}

// leaveWaiting buys a seat of each product for which somebody waits, and now and then makes
// everybody wait before, by a caller who dies right after the order has taken effect: nobody but
// maintenance hands them out.
func (m *simulation) leaveWaiting(account string) {
	b := m.models[account]
	if m.random.IntN(2) == 0 {
		for _, id := range b.fitting(string(license.Available)) {
			if m.violation == nil && b.seats[id].ProductID == catalog.LiveReportsID {
				m.alone(
					m.one(
						account,
						request{"LicensesFunction", http.MethodPost, "/licenses/" + id + "/terminate", nil, ""},
					),
				)
			}
		}
		m.alone(
			m.one(
				account,
				request{
					"DirectoryFunction",
					http.MethodPut,
					"/dashboards/d1",
					fields{"name": "Board d1", "queueIds": []string{"q1"}},
					"",
				},
			),
		)
		m.alone(
			m.one(
				account,
				request{
					"DirectoryFunction",
					http.MethodPut,
					"/call-queues/q1",
					fields{"name": "Queue q1", "members": b.present()},
					"",
				},
			),
		)
	}
	for _, product := range seats {
		if b.tally(product).waiting == 0 {
			continue
		}
		r := m.buy(account, []fields{{"productId": product, "quantity": 1, "costCenter": costs[0]}})
		r.decide = faulty.AtCommit(2, faulty.CrashAfter) // the quote is the first
		m.alone(r)
		m.orphans++
	}
}

// present are the users that there are.
func (b *model) present() []string { return sorted(b.holders) }

// directory documents, as far as grants follow from them.
type (
	profileDocument struct {
		RoleIDs []string `json:"roleIds"`
		Active  bool     `json:"active"`
		Limit   []string `json:"adminOfCostCenters"`
	}
	roleDocument struct {
		Permissions []string `json:"permissions"`
		Licenses    []string `json:"licenses"`
	}
	queueDocument struct {
		Dashboards []string `json:"dashboards"`
		Chunks     int      `json:"chunks"`
		Deleted    bool     `json:"deleted"`
		Shown      spans    `json:"shown"`
	}
	interval struct {
		From time.Time `json:"from"`
		To   time.Time `json:"to"`
	}
	spans map[string][]interval
)

// on says whether any of the spans of an id touches the day, which begins at the moment given and
// ends at the same time of the next day.
func (s spans) on(day time.Time) []string {
	var ids []string
	end := day.AddDate(0, 0, 1)
	for id, list := range s {
		for _, i := range list {
			instant := i.To.Equal(i.From) && !i.From.Before(day)
			if i.From.Before(end) && (i.To.IsZero() || i.To.After(day) || instant) {
				ids = append(ids, id)
				break
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// documents are those of one kind, by what follows the kind in the partition, or by the sort key if
// nothing does.
func documents[T any](b *model, kind string) map[string]T {
	all := map[string]T{}
	for key, at := range b.sim.mirror.items {
		account, of, rest := kindOfKey(key)
		if at.gone || account != b.account || of != kind {
			continue
		}
		name := key.Sort
		if rest != "" {
			name = rest + " " + key.Sort
		}
		all[name] = decode[T](b, at.item)
	}
	return all
}

// verifyDirectory: once all is quiet every user has exactly the grants that queues, dashboards,
// roles and views give, and whoever has a reason to hold a seat holds it, waits for it, or has no
// use for it (I14: no grant is lost).
func (b *model) verifyDirectory() {
	profiles, roles := documents[profileDocument](b, "USERS"), documents[roleDocument](b, "ROLES")
	roles["super-admin"] = roleDocument{Permissions: []string{"liveReports.full"}}
	want := b.grantsOf(profiles, roles)
	mayView := func(user string) bool {
		return slices.ContainsFunc(profiles[user].RoleIDs, func(id string) bool {
			return slices.ContainsFunc(
				roles[id].Permissions,
				func(p string) bool { return strings.HasPrefix(p, "liveReports.") },
			)
		})
	}
	for _, user := range sorted(b.holders) {
		h := b.holders[user]
		if p, there := profiles[user]; !there || p.Active != h.Active {
			b.fail("I14: %s is active %v as a holder, as a user %+v", user, h.Active, p)
		}
		for _, product := range sorted(h.Holdings) {
			for _, g := range h.Holdings[product].Grants {
				name := user + " " + product + " " + g.Source
				follows := strings.HasPrefix(g.Source, "queue:") || strings.HasPrefix(g.Source, "role:")
				if follows && !want[name] || g.Source == license.View && !mayView(user) {
					b.fail("I14: %s is granted %s by %s, and nothing gives that", user, product, g.Source)
				}
				delete(want, name)
			}
			b.verifyWanted(h, product)
		}
	}
	for _, name := range sorted(want) {
		b.fail("I14: the grant %s is lost", name)
	}
	for user := range profiles {
		if b.holders[user] == nil {
			b.fail("I14: user %s is no holder", user)
		}
	}
}

// grantsOf are the grants that follow from the directory, each by its user, product and source.
func (b *model) grantsOf(profiles map[string]profileDocument, roles map[string]roleDocument) map[string]bool {
	queues, members := documents[queueDocument](b, "QUEUES"), documents[[]string](b, "QUEUE-MEMBERS")
	want := map[string]bool{}
	for id, q := range queues {
		if q.Deleted || len(q.Dashboards) == 0 {
			continue
		}
		for n := range q.Chunks {
			for _, user := range members[fmt.Sprintf("%s MEMBERS#%04d", id, n)] {
				if profiles[user].Active {
					want[user+" "+catalog.LiveReportsID+" queue:"+id] = true
				}
			}
		}
	}
	for user, p := range profiles {
		for _, id := range p.RoleIDs {
			for _, product := range roles[id].Licenses {
				if p.Active {
					want[user+" "+product+" role:"+id] = true
				}
			}
		}
	}
	return want
}

// verifyWanted: who should have a seat has one, or waits; who should not has none (requirements,
// sections 4 and 6).
func (b *model) verifyWanted(h *license.Holder, product string) {
	p, _ := b.products.Lookup(product)
	holding := h.Holdings[product]
	manual := slices.ContainsFunc(holding.Grants, byHand)
	wanted := len(holding.Grants) > 0 && h.Active
	if !manual {
		wanted = wanted && holding.Excluded == nil && !slices.ContainsFunc(p.CoveredBy, h.Holds) &&
			!(b.unlimited() && p.CountsAs.Group == catalog.LiveReports) &&
			(len(p.Requires) == 0 || slices.ContainsFunc(p.Requires, h.Holds)) &&
			!slices.ContainsFunc(p.Excludes, h.Holds)
	}
	if has := holding.LicenseID != "" || holding.Waiting != "" && !manual; has != wanted {
		b.fail("I14: %s has %+v of %s, and should have a seat or wait: %v", h.UserID, *holding, product, wanted)
	}
}

// unlimited says whether the account's bundle has unlimited Live Reports.
func (b *model) unlimited() bool {
	at := b.sim.mirror.items[table.Key{Partition: "A#" + b.account + "#ACCOUNT", Sort: "ACCOUNT"}]
	return decode[struct {
		Bundle string `json:"bundle"`
	}](b, at.item).Bundle == license.UnlimitedBundle
}

// window is the plain model of a span of days: the views and the memberships, day by day.
type window struct {
	from, to time.Time
	days     []windowDay
	// views is the last view by user and dashboard, queues the monitored queues by user, shown the
	// dashboards by queue, each in the whole window.
	views  map[string]map[string]int64
	queues map[string]map[string]bool
	shown  map[string]map[string]bool
}

type windowDay struct {
	date                                 time.Time // when it begins
	monitored, viewers, active, overages int64
	liveReports, boosters                int64
}

// dayOf is the beginning of the account's day of a moment.
func (b *model) dayOf(at time.Time) time.Time {
	year, month, day := at.In(b.zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, b.zone)
}

// modelUsage makes the figures of the last 30 days of the account's time zone from every single
// view and membership.
func (b *model) modelUsage(now time.Time) window {
	if now.After(nextPeriod) {
		b.fail("the model knows one time zone for each account, and at %s another may count", now)
	}
	today := b.dayOf(now)
	u := window{
		from:   today.AddDate(0, 0, -29),
		to:     today.AddDate(0, 0, 1),
		views:  map[string]map[string]int64{},
		queues: map[string]map[string]bool{},
		shown:  map[string]map[string]bool{},
	}
	views, monitored := b.arrived(), documents[monitoredDocument](b, "MONITORED")
	queues := b.queuesEver()
	for day := u.from; day.Before(u.to); day = day.AddDate(0, 0, 1) {
		viewers, agents := b.viewersOn(day, views, &u), map[string]bool{}
		for _, w := range monitored {
			for _, queue := range w.Queues.on(day) {
				agents[w.UserID] = true
				note(u.queues, w.UserID, queue)
				for _, dashboard := range queues[queue].Shown.on(day) {
					note(u.shown, queue, dashboard)
				}
			}
		}
		active := maps.Clone(viewers)
		maps.Copy(active, agents)
		d := windowDay{date: day}
		d.monitored, d.viewers, d.active = int64(len(agents)), int64(len(viewers)), int64(len(active))
		d.liveReports, d.boosters = b.boughtBy(catalog.LiveReportsID, day), b.boughtBy(catalog.CallQueueBoosterID, day)
		if !b.unlimited() {
			d.overages = max(0, d.active-d.liveReports-d.boosters)
		}
		u.days = append(u.days, d)
	}
	return u
}

// viewersOn are those who viewed on a day; the window gets their views.
func (b *model) viewersOn(day time.Time, views []viewDocument, u *window) map[string]bool {
	viewers := map[string]bool{}
	for _, v := range views {
		if b.dayOf(time.UnixMilli(v.At)).Equal(day) {
			viewers[v.User] = true
			if u.views[v.User] == nil {
				u.views[v.User] = map[string]int64{}
			}
			u.views[v.User][v.Dashboard] = max(u.views[v.User][v.Dashboard], v.At)
		}
	}
	return viewers
}

// arrived are the views that count: those that a call was answered for, and may be of calls that were cut off. Each
// is one that is stored.
func (b *model) arrived() []viewDocument {
	stored := documents[viewDocument](b, "VIEW")
	is := map[viewDocument]bool{}
	for _, v := range stored {
		is[v] = true
	}
	var all []viewDocument
	there := map[viewDocument]bool{}
	for _, a := range documents[struct{ Views []viewDocument }](b, "ARRIVED") {
		for _, v := range a.Views {
			if !is[v] && len(stored) > 0 {
				b.fail("I15: %+v counts, and was never stored", v)
			}
			all, there[v] = append(all, v), true
		}
	}
	for id := range b.sim.viewed[b.account] {
		if v, kept := stored[id+" VIEW"]; kept && !there[v] {
			b.fail("I15: %s was taken in, and does not count: %+v", id, v)
		}
	}
	return all
}

type viewDocument struct {
	User      string `json:"user"`
	Dashboard string `json:"dashboard"`
	At        int64  `json:"at"`
}

type monitoredDocument struct {
	UserID string `json:"userId"`
	Queues spans  `json:"queues"`
}

// queuesEver are the call queues, those that are gone among them.
func (b *model) queuesEver() map[string]queueDocument {
	queues := documents[queueDocument](b, "QUEUES")
	for name, gone := range documents[queueDocument](b, "GONE") {
		if id, queue := strings.CutPrefix(name, "queue#"); queue {
			if _, there := queues[id]; !there {
				queues[id] = gone
			}
		}
	}
	return queues
}

func note(in map[string]map[string]bool, by, id string) {
	if in[by] == nil {
		in[by] = map[string]bool{}
	}
	in[by][id] = true
}

// boughtBy is how many licenses of a product the audit log says were bought, and not terminated, by
// the end of a day.
func (b *model) boughtBy(product string, day time.Time) int64 {
	n := int64(0)
	for at, by := range b.log.perDay[product] {
		if at <= day.Format(time.DateOnly) {
			n += by
		}
	}
	return n
}

// users are those who were active in the window.
func (u *window) users() []string {
	all := map[string]bool{}
	for user := range u.views {
		all[user] = true
	}
	for user := range u.queues {
		all[user] = true
	}
	return sorted(all)
}

// verifyUsage holds the summary of the last 30 days, and two reports of them, against the model
// (I15).
func (m *simulation) verifyUsage(account string) {
	b := m.models[account]
	u := b.modelUsage(m.now)
	last := u.days[len(u.days)-1]
	type summary struct {
		LiveReportsPurchased      int64 `json:"liveReportsPurchased"`
		CallQueueBoosterPurchased int64 `json:"callQueueBoosterPurchased"`
		MonitoredUsers            int64 `json:"monitoredUsers"`
		Viewers                   int64 `json:"viewers"`
		ActiveUsers               int64 `json:"activeUsers"`
		OverageUsers              int64 `json:"overageUsers"`
		Daily                     []struct {
			Date              string `json:"date"`
			MonitoredUsers    int64  `json:"monitoredUsers"`
			Viewers           int64  `json:"viewers"`
			ActiveUsers       int64  `json:"activeUsers"`
			OverageUsers      int64  `json:"overageUsers"`
			LicensesPurchased int64  `json:"licensesPurchased"`
		} `json:"daily"`
	}
	got := read[summary](m, account, "UsageFunction", "/usage/summary")
	if m.violation != nil {
		return
	}
	want := summary{
		LiveReportsPurchased:      last.liveReports,
		CallQueueBoosterPurchased: last.boosters,
		MonitoredUsers:            int64(len(u.queues)),
		Viewers:                   int64(len(u.views)),
		ActiveUsers:               int64(len(u.users())),
		Daily:                     got.Daily,
	}
	if !b.unlimited() {
		want.OverageUsers = max(0, want.ActiveUsers-last.liveReports-last.boosters)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		m.fail("I15: %s: the summary is %+v, by the model %+v", account, got, want)
	}
	for i, day := range u.days {
		if len(got.Daily) != len(u.days) {
			m.fail("I15: %s: %d days of %d", account, len(got.Daily), len(u.days))
			return
		}
		d := got.Daily[i]
		have := windowDay{
			date:        day.date,
			monitored:   d.MonitoredUsers,
			viewers:     d.Viewers,
			active:      d.ActiveUsers,
			overages:    d.OverageUsers,
			liveReports: day.liveReports,
			boosters:    day.boosters,
		}
		if d.Date != day.date.Format(time.DateOnly) || have != day ||
			d.LicensesPurchased != day.liveReports+day.boosters {
			m.fail("I15: %s: a day is %+v, by the model %+v", account, d, day)
		}
	}
	if m.violation == nil && !b.unlimited() {
		m.verifyReport(account, &u)
	}
}

// verifyReport asks for the same report twice and reads what it says.
func (m *simulation) verifyReport(account string, u *window) {
	var tabs [2][3][][]string
	for i := range tabs {
		var made struct {
			ID string `json:"id"`
		}
		r := m.one(
			account,
			request{"ReportFunction", http.MethodPost, "/reports", fields{"kind": "license-status"}, ""},
		)
		r.then = func(r *run) {
			if a := r.answers[0]; !a.good() || json.Unmarshal(a.body, &made) != nil {
				m.fail("I15: ask %s for a report: %d %s", account, a.status, a.body)
			}
		}
		m.alone(r)
		for _, d := range slices.Clone(m.deliveries) {
			if m.violation == nil && !d.done {
				m.alone(m.deliver(d))
			}
		}
		if m.violation != nil {
			return
		}
		o, err := m.files.find(reportFile(account, made.ID))
		if err == nil {
			tabs[i], err = readTabs(o.body)
		}
		if err != nil {
			m.fail("I15: report %s of %s: %w", made.ID, account, err)
			return
		}
	}
	if fmt.Sprint(tabs[0]) != fmt.Sprint(tabs[1]) {
		m.fail("I15: the same report of %s twice: %v and %v", account, tabs[0], tabs[1])
	}
	m.models[account].verifyTabs(u, tabs[0])
}
