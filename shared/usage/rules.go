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
	// once, and two in which a run may be late.
	remembered = 34 * 24 * time.Hour
	// overlap is how far behind the last run the next one begins to read: longer than a run lives, and an index
	// lags behind.
	overlap = time.Hour
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
	// monitored are the queues of each day.
	monitored []map[string]struct{}
}

func gather(from, to time.Time) *gathering {
	return &gathering{window: &Window{From: from, To: to, Shown: map[string][]string{}}, all: newRollup()}
}

// add takes in the next day with the licenses that were bought then; on an unlimited one nobody is
// over.
func (g *gathering) add(date time.Time, r *rollup, purchased int64, unlimited bool) {
	monitored, viewers, active := r.counts()
	queues := r.monitoredQueues()
	if n := len(g.monitored); n > 0 && maps.Equal(queues, g.monitored[n-1]) {
		queues = g.monitored[n-1] // most days have those of the day before, and there are up to 366
	}
	g.monitored = append(g.monitored, queues)
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
	_, _, sum := g.all.counts()
	g.active = append(g.active, int64(sum))
}

// show takes in which dashboards showed the queues of the days, as shown tells of a span of time.
func (g *gathering) show(days calendar.Calendar, shown func(queue string, begin, end time.Time) []string) {
	for i, d := range g.window.Days {
		begin, end := days.Begin(d.Date), days.End(d.Date)
		for queue := range g.monitored[i] {
			known, on := g.window.Shown[queue], shown(queue, begin, end)
			if len(on) > 0 && !slices.Equal(known, on) {
				g.window.Shown[queue] = union(known, on)
			}
		}
	}
}

// done counts and sorts, and holds the window against the licenses purchased. A window is as its
// last day is: unlimited or not.
func (g *gathering) done(purchased Purchased) *Window {
	w := g.window
	w.Unlimited = len(g.unlimited) > 0 && g.unlimited[len(g.unlimited)-1]
	monitored, viewers, active := g.all.counts()
	w.Purchased, w.MonitoredUsers, w.Viewers, w.ActiveUsers = purchased, int64(monitored), int64(viewers), int64(active)
	w.OverageUsers = over(w.ActiveUsers, purchased.Total(), w.Unlimited)
	w.Users = g.all.users()
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
	ids := r.people()
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
