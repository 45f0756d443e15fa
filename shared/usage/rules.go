package usage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/craft/calendar"
	"seatwise/shared/platform/problem"
)

// Limits of usage (requirements, section 6).
const (
	// MaxEvents bounds the events of one call.
	MaxEvents = 1000
	// maxEventID bounds an event's id, in bytes of printable ASCII.
	maxEventID = 200
	// lateness is how old an event may be when it comes.
	lateness = 48 * time.Hour
	// ahead is how far an event may lie in the future, for clocks that are not quite right.
	ahead = 5 * time.Minute
	// remembered is how long an event is kept from its arrival: the 32 days for which its id counts
	// once, and the days in which its rollup may be made again.
	remembered = 34 * 24 * time.Hour
	// noted is how far behind the last view the one may be that is noted on the viewer.
	noted = time.Hour
	// dormant is after how long without a view the viewer's grant ends.
	dormant = 30 * 24 * time.Hour
	// DefaultDays is the length of a window that is not given.
	DefaultDays = 30
	// maxDays bounds a window.
	maxDays = 366
	// kept is how long a rollup is kept: any window of maxDays that begins within the last year can
	// be answered.
	kept = 400 * 24 * time.Hour
	// day is the length of a day of UTC. Views are stored by days of UTC, whatever the account's
	// time zone is; all that is shown is by days of the account.
	day = 24 * time.Hour
)

// Event is one view of a dashboard.
type Event struct {
	ID          string
	UserID      string
	DashboardID string
	At          time.Time
}

// utcDay is the UTC day of a moment: its midnight.
func utcDay(at time.Time) time.Time { return at.UTC().Truncate(day) }

// checkEvent finds what is wrong with an event by itself, as it comes at the moment now.
func checkEvent(e Event, now time.Time) *problem.Problem {
	var fields []problem.Field
	if e.ID == "" || len(e.ID) > maxEventID ||
		strings.ContainsFunc(e.ID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		fields = append(
			fields,
			problem.Field{
				Field:   "id",
				Code:    problem.BadFormat,
				Message: "must be 1 to 200 printable ASCII characters without spaces",
			},
		)
	}
	switch {
	case e.At.Before(now.Add(-lateness)):
		fields = append(
			fields,
			problem.Field{Field: "at", Code: problem.OutOfRange, Message: "must be at most 48 hours ago"},
		)
	case e.At.After(now.Add(ahead)):
		fields = append(
			fields,
			problem.Field{Field: "at", Code: problem.OutOfRange, Message: "must be at most 5 minutes in the future"},
		)
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// Person is what the directory says of a viewer.
type Person struct{ Exists, Active, MayView bool }

// checkViewer finds what keeps an event from counting: nobody of that name, nothing to view, no
// permission at the time that it is told (requirements, section 6).
func checkViewer(who Person, dashboard bool) *problem.Problem {
	switch {
	case !who.Exists:
		return problem.Missing("user")
	case !dashboard:
		return problem.Missing("dashboard")
	case !who.Active:
		return problem.New(problem.UserInactive, "The user is not active; nothing that they view counts.")
	case !who.MayView:
		return problem.New(problem.Forbidden, "The user lacks the permission to view dashboards.")
	}
	return nil
}

// daysToFold lists the days that a run at this time folds: its own, and those that an accepted
// event may have been added to since the run before, with 24 hours to spare for runs that did not
// take place.
func daysToFold(days calendar.Calendar, at time.Time) []time.Time {
	return calendar.Days(days.Day(at.Add(-lateness-day)), days.Day(at).AddDate(0, 0, 1))
}

// rollup is what is known of one day: who viewed what, and who was a member of which monitored
// queues at any time in it.
type rollup struct {
	// views is the last view, in Unix milliseconds, by user and dashboard.
	views map[string]map[string]int64
	// queues are sorted, by user.
	queues map[string][]string
	// shown are the dashboards that showed a queue, sorted, by queue.
	shown map[string][]string
}

func newRollup() *rollup {
	return &rollup{views: map[string]map[string]int64{}, queues: map[string][]string{}, shown: map[string][]string{}}
}

// view takes in one view; the order in which views come makes no difference.
func (r *rollup) view(user, dashboard string, at int64) {
	if r.views[user] == nil {
		r.views[user] = map[string]int64{}
	}
	r.views[user][dashboard] = max(r.views[user][dashboard], at)
}

// monitor takes in a member's queues.
func (r *rollup) monitor(user string, queues []string) {
	if len(queues) == 0 {
		return
	}
	r.queues[user] = union(r.queues[user], queues)
}

// show takes in the dashboards that showed a queue.
func (r *rollup) show(queue string, dashboards []string) {
	if known := r.shown[queue]; len(dashboards) > 0 && !slices.Equal(known, dashboards) {
		r.shown[queue] = union(known, dashboards)
	}
}

// union is a new sorted list of what is in either.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// counts are persons: agents, viewers, and both together, each once (requirements, section 1).
func (r *rollup) counts() (monitored, viewers, active int) {
	active = len(r.queues)
	for user := range r.views {
		if _, also := r.queues[user]; !also {
			active++
		}
	}
	return len(r.queues), len(r.views), active
}

// chunk is one stored part of a rollup. Members of the same queues are named together, which makes
// the rollup of a large account a small one.
type chunk struct {
	Agents  []agents `json:"agents,omitempty"`
	Viewers []viewer `json:"viewers,omitempty"`
	Shown   []shown  `json:"shown,omitempty"`
}

// shown tells which dashboards showed a queue on the day.
type shown struct {
	Queue      string   `json:"queue"`
	Dashboards []string `json:"dashboards"`
}

type agents struct {
	Queues []string `json:"queues"`
	Users  []string `json:"users"`
}

type viewer struct {
	User string `json:"user"`
	// Last is the last view by dashboard, in Unix milliseconds.
	Last map[string]int64 `json:"last"`
}

const (
	// chunkBytes is about how large a chunk gets; an item takes 400 KB.
	chunkBytes = 250 << 10
	// groupIDs bounds the queues, or dashboards, that are named at once: 64 bytes each, they are
	// far from filling a chunk.
	groupIDs = 500
	// idBytes is what an id takes beside its own bytes: quotes and a comma, or a colon and a time.
	idBytes = 20
)

// pack makes the chunks of a rollup, the same ones for the same rollup.
func (r *rollup) pack() []chunk {
	var p packer
	groups := map[string][]string{}
	for user, queues := range r.queues {
		name := strings.Join(queues, "#") // no id has that character
		groups[name] = append(groups[name], user)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		users := groups[name]
		slices.Sort(users)
		for queues := range slices.Chunk(r.queues[users[0]], groupIDs) {
			for rest := users; len(rest) > 0; {
				n := p.fit(idsBytes(queues), rest)
				p.now.Agents = append(p.now.Agents, agents{Queues: queues, Users: rest[:n]})
				rest = rest[n:]
			}
		}
	}
	for _, user := range slices.Sorted(maps.Keys(r.views)) {
		last := r.views[user]
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(last)), groupIDs) {
			p.fit(idsBytes(ids), []string{user})
			part := make(map[string]int64, len(ids))
			for _, id := range ids {
				part[id] = last[id]
			}
			p.now.Viewers = append(p.now.Viewers, viewer{User: user, Last: part})
		}
	}
	for _, queue := range slices.Sorted(maps.Keys(r.shown)) {
		for ids := range slices.Chunk(r.shown[queue], groupIDs) {
			p.fit(idsBytes(ids), []string{queue})
			p.now.Shown = append(p.now.Shown, shown{Queue: queue, Dashboards: ids})
		}
	}
	p.end()
	return p.full
}

// packer fills chunks one after the other.
type packer struct {
	full []chunk
	now  chunk
	size int // bytes of now
}

// fit makes room for an entry of head bytes and as many of the ids as the chunk takes, at least
// one, and tells how many.
func (p *packer) fit(head int, ids []string) int {
	if p.size+head+idsBytes(ids[:1]) > chunkBytes {
		p.end()
	}
	p.size += head
	for i := range ids {
		bytes := idsBytes(ids[i : i+1])
		if i > 0 && p.size+bytes > chunkBytes {
			return i
		}
		p.size += bytes
	}
	return len(ids)
}

// end closes the chunk unless it is empty.
func (p *packer) end() {
	if p.size > 0 {
		p.full, p.now, p.size = append(p.full, p.now), chunk{}, 0
	}
}

func idsBytes(ids []string) int {
	n := 0
	for _, id := range ids {
		n += len(id) + idBytes
	}
	return n
}

// unpack takes a chunk in.
func (r *rollup) unpack(c chunk) {
	for _, group := range c.Agents {
		for _, user := range group.Users {
			if r.queues[user] == nil {
				r.queues[user] = group.Queues // shared by the group: monitor copies before it changes anything
				continue
			}
			r.monitor(user, group.Queues)
		}
	}
	for _, v := range c.Viewers {
		for dashboard, at := range v.Last {
			r.view(v.User, dashboard, at)
		}
	}
	for _, q := range c.Shown {
		r.show(q.Queue, q.Dashboards)
	}
}

// Purchased are the licenses that active users are held against (requirements, section 7).
type Purchased struct {
	LiveReports      int64 `json:"liveReports"`
	CallQueueBooster int64 `json:"callQueueBooster"`
}

// Total is both together.
func (p Purchased) Total() int64 { return p.LiveReports + p.CallQueueBooster }

// over is how many active users are beyond the licenses bought; never on a bundle with unlimited
// Live Reports (requirements, section 6).
func over(active, purchased int64, unlimited bool) int64 {
	if unlimited {
		return 0
	}
	return max(0, active-purchased)
}

// Day is one day of a window.
type Day struct {
	Date              time.Time
	MonitoredUsers    int64
	Viewers           int64
	ActiveUsers       int64
	OverageUsers      int64
	LicensesPurchased int64
}

// ActiveUser is somebody who was active in a window.
type ActiveUser struct {
	UserID string
	// Views is the last view of each dashboard, sorted by dashboard; none for somebody who only was
	// a monitored agent.
	Views []View
	// Queues are the monitored queues that the user was a member of, sorted; none for somebody who
	// only viewed.
	Queues []string
}

// View is the last view of a dashboard.
type View struct {
	DashboardID string
	At          time.Time
}

// Viewer says whether the user viewed a dashboard.
func (u ActiveUser) Viewer() bool { return len(u.Views) > 0 }

// Agent says whether the user was a monitored agent.
func (u ActiveUser) Agent() bool { return len(u.Queues) > 0 }

// LastViewed is the last view of any dashboard; zero when there is none.
func (u ActiveUser) LastViewed() time.Time {
	var last time.Time
	for _, v := range u.Views {
		if v.At.After(last) {
			last = v.At
		}
	}
	return last
}

// Source is a queue or a dashboard with the active users that it brings.
type Source struct {
	// Kind is QueueSource or dashboardSource.
	Kind  string
	ID    string
	Users int64
}

// The kinds of source.
const (
	QueueSource     = "queue"
	dashboardSource = "dashboard"
)

// Overage says how an account went over its licenses (requirements, section 6).
type Overage struct {
	// Since is the first day on which those active on it, or those active since the window began,
	// were more than the licenses bought.
	Since time.Time
	// PeakUsers is the most users over on a single day, and Peak the first such day. It is 0 when
	// no single day was over, only the window: different persons on different days.
	PeakUsers int64
	Peak      time.Time
	// Sources are the queues and dashboards by which the active users came, those of most users
	// first, at most maxSources.
	Sources []Source
}

// maxSources bounds the sources that are named.
const maxSources = 50

// Window is what the rollups say of a span of days; the summary and the report are both made of it,
// so they agree to the unit (requirements, section 7).
type Window struct {
	// From is the first day, To the day after the last.
	From, To  time.Time
	Unlimited bool
	// Zones are the time zones of the days, in their order: more than one where the account's
	// changed within the window.
	Zones     []Zone
	Purchased Purchased

	MonitoredUsers, Viewers, ActiveUsers, OverageUsers int64

	Days []Day
	// Overage is nil when nobody was over.
	Overage *Overage
	// Users are the active users, sorted by id.
	Users []ActiveUser
	// Shown are the dashboards that showed a monitored queue in the window, sorted, by queue: as it
	// was then, not as it is now.
	Shown map[string][]string
}

// Zone is a time zone that makes the days from First on.
type Zone struct {
	First time.Time
	Name  string
}

// zones lists the time zones of days.
func zones(days calendar.Calendar, first, end time.Time) []Zone {
	var all []Zone
	for _, date := range calendar.Days(first, end) {
		if name := days.Zone(date).String(); len(all) == 0 || all[len(all)-1].Name != name {
			all = append(all, Zone{First: date, Name: name})
		}
	}
	return all
}

// gathering makes a Window of the rollups of its days, which come in order.
type gathering struct {
	window *Window
	all    *rollup
	// active is how many persons were active by the end of each day since the window began.
	active []int64
	// unlimited are the days on which there is no overage.
	unlimited []bool
}

func gather(from, to time.Time) *gathering {
	return &gathering{window: &Window{From: from, To: to}, all: newRollup()}
}

// add takes in the next day with the licenses that were bought then; on an unlimited one nobody is
// over.
func (g *gathering) add(date time.Time, r *rollup, purchased int64, unlimited bool) {
	monitored, viewers, active := r.counts()
	g.window.Days = append(g.window.Days, Day{
		Date: date, MonitoredUsers: int64(monitored), Viewers: int64(viewers), ActiveUsers: int64(active),
		OverageUsers: over(int64(active), purchased, unlimited), LicensesPurchased: purchased,
	})
	g.unlimited = append(g.unlimited, unlimited)
	for user, queues := range r.queues {
		if known := g.all.queues[user]; !slices.Equal(known, queues) {
			g.all.monitor(user, queues)
		}
	}
	for user, last := range r.views {
		for dashboard, at := range last {
			g.all.view(user, dashboard, at)
		}
	}
	for queue, dashboards := range r.shown {
		g.all.show(queue, dashboards)
	}
	_, _, sum := g.all.counts()
	g.active = append(g.active, int64(sum))
}

// done counts and sorts, and holds the window against the licenses purchased. A window is as its
// last day is: unlimited or not.
func (g *gathering) done(purchased Purchased) *Window {
	w := g.window
	w.Unlimited = len(g.unlimited) > 0 && g.unlimited[len(g.unlimited)-1]
	monitored, viewers, active := g.all.counts()
	w.Purchased, w.MonitoredUsers, w.Viewers, w.ActiveUsers = purchased, int64(monitored), int64(viewers), int64(active)
	w.OverageUsers = over(w.ActiveUsers, purchased.Total(), w.Unlimited)
	w.Users, w.Shown = g.all.users(), g.all.shown
	for i, d := range w.Days {
		if w.Unlimited || g.unlimited[i] {
			continue
		}
		if d.OverageUsers > 0 || over(g.active[i], purchased.Total(), false) > 0 {
			w.Overage = overage(d.Date, w)
			break
		}
	}
	return w
}

// users lists everybody in the rollup.
func (r *rollup) users() []ActiveUser {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(r.queues)), maps.Keys(r.views))
	slices.Sort(ids)
	ids = slices.Compact(ids)
	users := make([]ActiveUser, len(ids))
	for i, id := range ids {
		users[i] = ActiveUser{UserID: id, Queues: r.queues[id]}
		for _, dashboard := range slices.Sorted(maps.Keys(r.views[id])) {
			users[i].Views = append(
				users[i].Views,
				View{DashboardID: dashboard, At: time.UnixMilli(r.views[id][dashboard]).UTC()},
			)
		}
	}
	return users
}

// overage finds the peak and the sources. A person counts for each queue they are a member of, and
// once for each dashboard that they viewed or that showed one of their queues.
func overage(since time.Time, w *Window) *Overage {
	o := &Overage{Since: since, Peak: since}
	for _, d := range w.Days {
		if d.OverageUsers > o.PeakUsers {
			o.PeakUsers, o.Peak = d.OverageUsers, d.Date
		}
	}
	queues, dashboards := map[string]int64{}, map[string]int64{}
	for _, u := range w.Users {
		by := map[string]struct{}{}
		for _, queue := range u.Queues {
			queues[queue]++
			for _, dashboard := range w.Shown[queue] {
				by[dashboard] = struct{}{}
			}
		}
		for _, v := range u.Views {
			by[v.DashboardID] = struct{}{}
		}
		for dashboard := range by {
			dashboards[dashboard]++
		}
	}
	for id, users := range queues {
		o.Sources = append(o.Sources, Source{Kind: QueueSource, ID: id, Users: users})
	}
	for id, users := range dashboards {
		o.Sources = append(o.Sources, Source{Kind: dashboardSource, ID: id, Users: users})
	}
	slices.SortFunc(o.Sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(b.Users, a.Users), strings.Compare(b.Kind, a.Kind), strings.Compare(a.ID, b.ID))
	})
	o.Sources = o.Sources[:min(len(o.Sources), maxSources)]
	return o
}

// Span is the window that is asked for, in days of the account: from and to as days, or empty. What
// is left out is filled so that the window has 30 days and, if nothing is given, ends with today; a
// window that is filled in never goes beyond today.
//
// Errors: validation; window-in-future for a window with a day that has not begun (requirements,
// section 7).
func Span(from, to string, today time.Time) (first, end time.Time, err error) {
	if first, err = parseDay("from", from); err != nil {
		return time.Time{}, time.Time{}, err
	}
	if end, err = parseDay("to", to); err != nil {
		return time.Time{}, time.Time{}, err
	}
	tomorrow := today.AddDate(0, 0, 1)
	switch {
	case first.After(today):
		return time.Time{}, time.Time{}, inFuture("from", today)
	case end.After(tomorrow):
		return time.Time{}, time.Time{}, inFuture("to", tomorrow)
	case first.IsZero() && end.IsZero():
		first, end = tomorrow.AddDate(0, 0, -DefaultDays), tomorrow
	case first.IsZero():
		first = end.AddDate(0, 0, -DefaultDays)
	case end.IsZero():
		if end = first.AddDate(0, 0, DefaultDays); end.After(tomorrow) {
			end = tomorrow
		}
	}
	switch {
	case !first.Before(end):
		return time.Time{}, time.Time{}, problem.Invalid("to", problem.OutOfRange,
			"must be after from: it is the first day that is not in the window")
	case end.After(first.AddDate(0, 0, maxDays)):
		return time.Time{}, time.Time{}, problem.Invalid("from", problem.OutOfRange,
			"must be at most %d days before to", maxDays)
	}
	return first, end, nil
}

func inFuture(field string, last time.Time) *problem.Problem {
	date := last.Format(time.DateOnly)
	p := problem.New(problem.WindowInFuture,
		"There is no usage of days to come; "+field+" can be "+date+" at the latest.")
	p.Fields = []problem.Field{
		{
			Field:   field,
			Code:    problem.OutOfRange,
			Message: "must be " + date + " or before, in days of the account's time zone",
		},
	}
	return p
}

func parseDay(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := time.Parse(time.DateOnly, text)
	if err != nil || d.Year() < 2000 || d.Year() > 9000 {
		return time.Time{}, problem.Invalid(field, problem.BadFormat, "must be a day such as 2026-01-31")
	}
	return d, nil
}
