package reportbuilder_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/parts"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/metrics"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

// The plain model: the directory as it is, and what held on which day. Everything that Seatwise
// says is computed from it from scratch.
type (
	modelUser struct {
		name, extension string
		roles, own      []string
		active          bool
		// What the kernel alone knows: what a person assigned, the viewer's grant, the exclusion.
		direct, booster, viewed, excluded bool
	}
	modelRole struct {
		view     bool
		licenses []string
	}
	modelThing struct { // a queue with its members, or a dashboard with its queues
		name string
		of   []string
	}
	modelDay struct {
		agents map[string]map[string]bool      // queues by user
		views  map[string]map[string]time.Time // last view of a dashboard, by user
		shown  map[string]map[string]bool      // dashboards by queue
	}
	model struct {
		users              map[string]*modelUser
		roles              map[string]modelRole
		queues, dashboards map[string]modelThing
		seats, boosters    int64
		unlimited          bool
		days               map[string]*modelDay
		// names of deleted queues ("q:id"), dashboards ("d:id"), and users ("u:id") with their
		// extension
		gone   map[string]string
		waited []string // the waiting list as it was
	}
)

func newModel() *model {
	return &model{
		users:      map[string]*modelUser{},
		roles:      map[string]modelRole{},
		queues:     map[string]modelThing{},
		dashboards: map[string]modelThing{},
		days:       map[string]*modelDay{},
		gone:       map[string]string{},
	}
}

func (m *model) mayView(u *modelUser) bool {
	return slices.ContainsFunc(u.roles, func(r string) bool { return r == directory.SuperAdmin || m.roles[r].view })
}

// showing are the dashboards that show the queue.
func (m *model) showing(queue string) []string {
	var ids []string
	for id, d := range m.dashboards {
		if slices.Contains(d.of, queue) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (m *model) monitored(user string) bool {
	for id, q := range m.queues {
		if slices.Contains(q.of, user) && len(m.showing(id)) > 0 {
			return true
		}
	}
	return false
}

// state is how a user stands to live-reports; wanted says that they hold it or wait for it.
func (m *model) state(id string) (state license.State, wanted bool) {
	u := m.users[id]
	switch automatic := u.viewed || m.monitored(id); {
	case !u.active || !u.direct && !automatic:
		return license.Lacks, false
	case u.direct:
		return license.Holds, true
	case m.unlimited || u.booster:
		return license.Covered, false
	case u.excluded:
		return license.StateExcluded, false
	}
	return "", true
}

// metered counts who has a metered product of their own or by a role.
func (m *model) metered(product string) (n int64) {
	for _, u := range m.users {
		has := slices.Contains(u.own, product)
		for _, r := range u.roles {
			has = has || slices.Contains(m.roles[r].licenses, product)
		}
		if has && u.active {
			n++
		}
	}
	return n
}

func (m *model) day(at time.Time) *modelDay { return m.date(at.UTC().Format(time.DateOnly)) }

func (m *model) date(key string) *modelDay {
	if m.days[key] == nil {
		m.days[key] = &modelDay{
			agents: map[string]map[string]bool{},
			views:  map[string]map[string]time.Time{},
			shown:  map[string]map[string]bool{},
		}
	}
	return m.days[key]
}

// held notes what holds at this moment.
func (m *model) held(at time.Time) {
	d := m.day(at)
	for id, q := range m.queues {
		dashboards := m.showing(id)
		for _, dashboard := range dashboards {
			note(d.shown, id, dashboard, true)
		}
		for _, user := range q.of {
			if u := m.users[user]; len(dashboards) > 0 && u != nil && u.active {
				note(d.agents, user, id, true)
			}
		}
	}
}

func note[T any](in map[string]map[string]T, a, b string, v T) {
	if in[a] == nil {
		in[a] = map[string]T{}
	}
	in[a][b] = v
}

// check holds grants, waiting list, counts and metrics against the model.
func (o *office) check(t *testing.T, m *model, step string) {
	t.Helper()
	c := o.Call("ann")
	held, wanted := int64(0), int64(0)
	var waiting, holding []string
	for _, id := range slices.Sorted(maps.Keys(m.users)) {
		why, err := inventory.NewService(catalog.Default()).Why(t.Context(), c, id, catalog.LiveReportsID, o.directory)
		if err != nil {
			t.Fatalf("%s: why %s: %v", step, id, err)
		}
		want, wants := m.state(id)
		if wants {
			wanted++
		}
		switch why.State {
		case license.Holds:
			held++
			holding = append(holding, id)
		case license.Waits:
			waiting = append(waiting, id)
		case license.Lacks, license.Covered, license.StateExcluded:
		}
		if got := why.State == license.Holds ||
			why.State == license.Waits; got != wants ||
			want != "" && why.State != want {
			t.Fatalf(
				"%s: %s %s because of %+v; the model says %q, wanted %v",
				step,
				id,
				why.State,
				why.Because,
				want,
				wants,
			)
		}
	}
	if held != min(wanted, m.seats) {
		t.Fatalf("%s: %d hold a seat, of %d who should and %d seats", step, held, wanted, m.seats)
	}
	list, _, err := inventory.NewService(catalog.Default()).Waiting(
		t.Context(), c, inventory.Of{Products: []string{catalog.LiveReportsID}}, "", 200,
	)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, w := range list {
		listed = append(listed, w.UserID)
	}
	if inOrder := slices.Sorted(slices.Values(listed)); !slices.Equal(inOrder, waiting) {
		t.Fatalf("%s: waiting list %v, waiting %v", step, listed, waiting)
	}
	m.firstComeFirstServed(t, step, listed, holding)
	rows, err := inventory.NewService(catalog.Default()).Summary(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	boosters := int64(0)
	for _, u := range m.users {
		if u.booster && u.active {
			boosters++
		}
	}
	snapshot, err := metrics.NewService(o.Env, o.kernel).Snapshot(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]int64{}
	for _, metric := range slices.Concat(snapshot.Users, snapshot.Clients, snapshot.Supervisor) {
		shown[metric.ID] = metric.Used
	}
	for _, row := range rows {
		want := inventory.Summary{ProductID: row.ProductID, Name: row.Name, Kind: row.Kind}
		switch {
		case row.ProductID == catalog.LiveReportsID:
			want.Bought, want.Assigned, want.Available, want.Waiting = m.seats, held, m.seats-held, wanted-held
		case row.ProductID == catalog.CallQueueBoosterID:
			want.Bought, want.Assigned, want.Available = m.boosters, boosters, m.boosters-boosters
		case row.Kind == catalog.Metered:
			want.Assigned = m.metered(row.ProductID)
			want.Bought, want.Available = row.Bought, row.Available
			if n, ok := shown[row.ProductID]; ok && n != want.Assigned {
				t.Fatalf("%s: metrics say %d of %s, want %d", step, n, row.ProductID, want.Assigned)
			}
		}
		if row != want {
			t.Fatalf("%s: summary %+v, want %+v", step, row, want)
		}
	}
}

// firstComeFirstServed wants nobody served before somebody who waited longer and still does, and
// who waits to keep their place.
func (m *model) firstComeFirstServed(t *testing.T, step string, listed, holding []string) {
	t.Helper()
	last := -1
	for i, user := range m.waited {
		place := slices.Index(listed, user)
		if place < 0 {
			continue
		}
		if place < last {
			t.Fatalf("%s: the waiting list was %v and is %v", step, m.waited, listed)
		}
		last = place
		for _, later := range m.waited[i+1:] {
			if slices.Contains(holding, later) && !m.users[later].direct {
				t.Fatalf("%s: %s was served and %s waits; the list was %v", step, later, user, m.waited)
			}
		}
	}
	m.waited = listed
}

var (
	worldUsers      = []string{"u0", "u1", "u2", "u3", "u4", "u5", "u6"}
	worldQueues     = []string{"q0", "q1", "q2"}
	worldDashboards = []string{"d0", "d1", "d2"}
	worldRoles      = []string{"r0", "r1"}
	roleLicenses    = map[string][]string{"r0": {"client-desktop", "client-crm"}, "r1": {"reports-supervisor"}}
)

// stage is an office with a model beside it, and chance.
type stage struct {
	*office
	*testing.T
	m      *model
	random *rand.Rand
	n      int
	sent   []usage.Event
	later  []usage.Event
}

func (s *stage) one(of []string) string { return of[s.random.IntN(len(of))] }

func (s *stage) some(of []string) []string {
	return slices.DeleteFunc(slices.Clone(of), func(string) bool { return s.random.IntN(2) == 0 })
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// putUser writes the user as the model has them.
func (s *stage) putUser(id string) {
	s.Helper()
	u := s.m.users[id]
	if !u.active {
		u.direct, u.booster, u.viewed = false, false, false
	}
	u.viewed = u.viewed && s.m.mayView(u)
	_, err := s.directory.PutUser(s.Context(), s.Call("ann"), directory.User{
		ID: id, Name: u.name, Extension: u.extension, RoleIDs: u.roles, Licenses: u.own, Active: u.active,
	})
	s.must(err)
}

func (s *stage) newUser(id string) {
	s.Helper()
	s.n++
	s.m.users[id] = &modelUser{
		name:      fmt.Sprintf("Person %03d", s.n),
		extension: "9" + id[1:],
		active:    true,
		roles:     s.some(worldRoles),
	}
	s.putUser(id)
}

// known keeps the ids that there are.
func known[T any](of map[string]T, ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { _, ok := of[id]; return !ok })
}

// step makes one random change, in Seatwise and in the model.
func (s *stage) step() string {
	s.Helper()
	s.n++
	id := s.one(worldUsers)
	u := s.m.users[id]
	switch s.random.IntN(20) {
	case 0, 1:
		queue := s.one(worldQueues)
		s.m.queues[queue] = modelThing{fmt.Sprint("Queue ", queue, " ", s.n), known(s.m.users, s.some(worldUsers))}
		s.queue(s.T, queue, s.m.queues[queue].name, s.m.queues[queue].of...)
		return "put " + queue
	case 2, 3:
		dashboard := s.one(worldDashboards)
		s.m.dashboards[dashboard] = modelThing{
			fmt.Sprint("Board ", dashboard, " ", s.n),
			known(s.m.queues, s.some(worldQueues)),
		}
		s.dashboard(s.T, dashboard, s.m.dashboards[dashboard].name, s.m.dashboards[dashboard].of...)
		return "put " + dashboard
	case 4:
		queue := s.one(worldQueues)
		if q, ok := s.m.queues[queue]; ok {
			s.m.gone["q:"+queue] = q.name
			delete(s.m.queues, queue)
			for dashboard, d := range s.m.dashboards {
				d.of = slices.DeleteFunc(slices.Clone(d.of), func(q string) bool { return q == queue })
				s.m.dashboards[dashboard] = d
			}
			s.must(s.directory.DeleteQueue(s.Context(), s.Call("ann"), queue))
		}
		return "delete " + queue
	case 5:
		dashboard := s.one(worldDashboards)
		if d, ok := s.m.dashboards[dashboard]; ok {
			s.m.gone["d:"+dashboard] = d.name
			delete(s.m.dashboards, dashboard)
			s.must(s.directory.DeleteDashboard(s.Context(), s.Call("ann"), dashboard))
		}
		return "delete " + dashboard
	case 6:
		if u == nil {
			s.newUser(id)
			return "bring " + id
		}
		s.m.gone["u:"+id] = u.name + "|" + u.extension
		delete(s.m.users, id)
		for queue, q := range s.m.queues {
			q.of = slices.DeleteFunc(slices.Clone(q.of), func(user string) bool { return user == id })
			s.m.queues[queue] = q
		}
		s.must(s.directory.DeleteUser(s.Context(), s.Call("ann"), id))
		return "delete " + id
	case 7:
		role := s.one(worldRoles)
		r := modelRole{s.random.IntN(2) == 0, s.some(roleLicenses[role])}
		if !slices.Contains(r.licenses, "client-desktop") {
			r.licenses = slices.DeleteFunc(r.licenses, func(p string) bool { return p == "client-crm" })
		}
		s.m.roles[role] = r
		for _, u := range s.m.users {
			u.viewed = u.viewed && s.m.mayView(u)
		}
		s.putRole(role)
		return "put " + role
	case 8:
		bundle := account.Standard
		if s.m.unlimited = !s.m.unlimited; s.m.unlimited {
			bundle = account.CustomerEngagement
		}
		s.account(s.T, bundle)
		return "bundle " + string(bundle)
	case 9:
		s.m.seats++
		s.buy(s.T, catalog.LiveReportsID, 1)
		return "buy"
	case 10, 11, 12:
		s.later = append(s.later, usage.Event{
			ID: fmt.Sprint(
				"e",
				s.n,
			),
			UserID:      id,
			DashboardID: s.one(worldDashboards),
			At:          s.Clock.Now().Add(-time.Duration(s.random.IntN(20)) * time.Hour),
		})
		if s.random.IntN(2) == 0 {
			s.send()
		}
		return "view by " + id
	case 13:
		s.send()
		return "send views"
	}
	if u == nil {
		s.newUser(id)
		return "bring " + id
	}
	switch s.random.IntN(5) {
	case 0:
		u.active = !u.active
		s.putUser(id)
		return fmt.Sprint("activity of ", id, ": ", u.active)
	case 1:
		u.roles = s.some(append(slices.Clone(worldRoles), directory.SuperAdmin))
		u.own = [][]string{
			nil, {"essential-user"}, {"agent-user", "essential-user"}, {"professional-user"},
		}[s.random.IntN(4)]
		u.name = fmt.Sprintf("Person %03d", s.n)
		s.putUser(id)
		return fmt.Sprint("roles of ", id, ": ", u.roles)
	case 2:
		return s.assign(id, catalog.CallQueueBoosterID, &u.booster)
	case 3:
		return s.assign(id, catalog.LiveReportsID, &u.direct)
	default:
		s.later = append(s.later, s.sent[:min(len(s.sent), 2)]...)
		return "repeat views"
	}
}

func (s *stage) putRole(id string) {
	s.Helper()
	r := directory.Role{ID: id, Name: id, Licenses: s.m.roles[id].licenses}
	if s.m.roles[id].view {
		r.Permissions = []string{"liveReports.view"}
	}
	_, err := s.directory.PutRole(s.Context(), s.Call("ann"), r)
	s.must(err)
}

// assign gives the user a product by hand, or takes it, and checks the answer.
func (s *stage) assign(id, product string, has *bool) string {
	s.Helper()
	u := s.m.users[id]
	h := s.holder(id)
	if holding := h.Holdings[product]; holding != nil && holding.LicenseID != "" {
		_, err := s.kernel.Unassign(s.Context(), s.Call("ann"), holding.LicenseID)
		s.must(err)
		*has = false
		if product == catalog.LiveReportsID && (u.viewed || s.m.monitored(id)) {
			u.excluded = true
		}
		return "take " + product + " from " + id
	}
	rows, err := inventory.NewService(catalog.Default()).Summary(s.Context(), s.Call("ann"))
	s.must(err)
	free := rows[slices.IndexFunc(rows, func(r inventory.Summary) bool { return r.ProductID == product })].Available
	_, err = s.kernel.AssignProduct(s.Context(), s.Call("ann"), product, id, "")
	switch {
	case !u.active:
		if !problem.Is(err, problem.UserInactive) {
			s.Fatalf("assigned to somebody inactive: %v", err)
		}
	case free == 0:
		if !problem.Is(err, problem.NotEnoughLicenses) {
			s.Fatalf("assigned what is not there: %v", err)
		}
	default:
		s.must(err)
		*has = true
		if product == catalog.LiveReportsID {
			u.excluded = false
		}
	}
	return "assign " + product + " to " + id
}

func (s *stage) holder(id string) license.Holder {
	s.Helper()
	item, ok, err := table.Get(s.Context(), s.Env.Table, license.HolderKey(s.Account, id))
	if err != nil || !ok {
		s.Fatalf("holder %s: %v, %v", id, ok, err)
	}
	h, err := call.Decode[license.Holder](item)
	s.must(err)
	return h
}

// send delivers what was viewed: late, in any order, and again.
func (s *stage) send() {
	s.Helper()
	if len(s.later) == 0 {
		return
	}
	s.random.Shuffle(len(s.later), func(i, j int) { s.later[i], s.later[j] = s.later[j], s.later[i] })
	var want usage.Receipt
	rejected := 0
	taken := map[string]bool{}
	for _, e := range s.sent {
		taken[e.ID] = true
	}
	for _, e := range s.later {
		u := s.m.users[e.UserID]
		_, dashboard := s.m.dashboards[e.DashboardID]
		switch {
		case taken[e.ID]:
			want.Duplicate++
		case u == nil || !u.active || !dashboard || !s.m.mayView(u):
			rejected++
		default:
			want.Accepted++
			taken[e.ID], u.viewed = true, true
			s.sent = append(s.sent, e)
			d := s.m.day(e.At)
			if last := d.views[e.UserID][e.DashboardID]; e.At.After(last) {
				note(d.views, e.UserID, e.DashboardID, e.At)
			}
		}
	}
	got, err := s.usage.Take(s.Context(), s.Call("pbx"), s.later)
	s.must(err)
	if got.Accepted != want.Accepted || got.Duplicate != want.Duplicate || len(got.Rejected) != rejected {
		s.Fatalf(
			"%d accepted, %d duplicate, %d rejected; want %+v and %d",
			got.Accepted,
			got.Duplicate,
			len(got.Rejected),
			want,
			rejected,
		)
	}
	s.later = nil
}

// pass lets time go by, in which what holds goes on to hold.
func (s *stage) pass(hours int) {
	for range hours {
		s.Clock.Add(time.Hour)
		s.m.held(s.Clock.Now())
	}
}

// tabsOf are the rows of the second and third tab, from the model alone but for who holds which of
// two seats.
func (s *stage) tabsOf() (users, details []string, agents, viewers int64) {
	s.Helper()
	queues, shown := map[string]map[string]bool{}, map[string]map[string]bool{}
	views := map[string]map[string]time.Time{}
	active := map[string]bool{}
	for _, d := range s.m.days {
		monitored := map[string]bool{}
		for user, of := range d.agents {
			active[user] = true
			for queue := range of {
				note(queues, user, queue, true)
				monitored[queue] = true
			}
		}
		for queue, dashboards := range d.shown {
			for dashboard := range dashboards {
				if monitored[queue] {
					note(shown, queue, dashboard, true)
				}
			}
		}
		for user, of := range d.views {
			active[user] = true
			for dashboard, at := range of {
				if at.After(views[user][dashboard]) {
					note(views, user, dashboard, at)
				}
			}
		}
	}
	name := func(kind, id string, of map[string]modelThing) string {
		if thing, ok := of[id]; ok {
			return thing.name
		}
		return s.m.gone[kind+id]
	}
	date := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.UTC().Format(time.DateOnly)
	}
	called := map[string]string{}
	for id := range active {
		if called[id] = s.m.gone["u:"+id]; s.m.users[id] != nil {
			called[id] = s.m.users[id].name + "|" + s.m.users[id].extension
		}
	}
	order := slices.SortedFunc(
		maps.Keys(active),
		func(a, b string) int { return strings.Compare(called[a], called[b]) },
	)
	for _, id := range order {
		var role []string
		var last time.Time
		for _, at := range views[id] {
			if at.After(last) {
				last = at
			}
		}
		if len(views[id]) > 0 {
			role = append(role, "Viewer")
		}
		if len(queues[id]) > 0 {
			role = append(role, "Monitored Agent")
		}
		boards := map[string]bool{}
		for queue := range queues[id] {
			maps.Copy(boards, shown[queue])
		}
		users = append(
			users,
			strings.Join(
				[]string{
					called[id],
					strings.Join(role, ", "),
					date(last),
					fmt.Sprint(len(queues[id])),
					fmt.Sprint(len(boards)),
				},
				"|",
			),
		)
		holds := "No|No"
		if s.m.users[id] != nil {
			h := s.holder(id)
			stands := func(product string) string {
				switch holding := h.Holdings[product]; {
				case h.Holds(product):
					return "Yes"
				case holding != nil && holding.WaitingSince != nil:
					return "Waiting"
				}
				return "No"
			}
			holds = stands(catalog.LiveReportsID) + "|" + stands(catalog.CallQueueBoosterID)
		}
		row := func(queue, dashboard string, at time.Time) {
			details = append(details, strings.Join([]string{called[id], queue, dashboard, date(at), holds}, "|"))
		}
		for _, queue := range slices.Sorted(maps.Keys(queues[id])) {
			for _, dashboard := range slices.Sorted(maps.Keys(shown[queue])) {
				row(name("q:", queue, s.m.queues), name("d:", dashboard, s.m.dashboards), views[id][dashboard])
			}
		}
		for _, dashboard := range slices.Sorted(maps.Keys(views[id])) {
			if !boards[dashboard] {
				row("", name("d:", dashboard, s.m.dashboards), views[id][dashboard])
			}
		}
	}
	return users, details, int64(len(queues)), int64(len(views))
}

// checkReport holds the summary and every cell of the report against the model.
func (s *stage) checkReport() {
	s.Helper()
	users, details, agents, viewers := s.tabsOf()
	w := s.window(s.T)
	purchased := s.m.seats + s.m.boosters
	if w.MonitoredUsers != agents || w.Viewers != viewers || w.ActiveUsers != int64(len(users)) ||
		w.OverageUsers != max(0, int64(len(users))-purchased) ||
		w.Purchased.LiveReports != s.m.seats ||
		w.Purchased.CallQueueBooster != s.m.boosters {
		s.Fatalf(
			"window: %d agents, %d viewers, %d active, %d over %+v; want %d, %d, %d over %d",
			w.MonitoredUsers,
			w.Viewers,
			w.ActiveUsers,
			w.OverageUsers,
			w.Purchased,
			agents,
			viewers,
			len(users),
			purchased,
		)
	}
	for _, day := range w.Days {
		m := s.m.date(day.Date.Format(time.DateOnly))
		active := map[string]bool{}
		for user := range m.agents {
			active[user] = true
		}
		for user := range m.views {
			active[user] = true
		}
		if day.MonitoredUsers != int64(len(m.agents)) || day.Viewers != int64(len(m.views)) ||
			day.ActiveUsers != int64(len(active)) {
			s.Fatalf("%+v; want %d agents, %d viewers, %d active", day, len(m.agents), len(m.views), len(active))
		}
	}
	asked := s.ask(s.T)
	s.deliver(s.T)
	got := tabs(s.T, s.file(s.T, asked.ID))
	wantFigures(s.T, figures(s.T, got[workbook.SummaryTab]), w)
	for tab, want := range map[string][]string{workbook.ActiveUsersTab: users, workbook.DetailTab: details} {
		var rows []string
		for _, row := range got[tab][1:] {
			rows = append(rows, strings.Join(row[:len(strings.Split(want[0], "|"))], "|"))
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			s.Fatalf("%s, wanted -, got +:\n%s", tab, diff)
		}
	}
}

func newStage(t *testing.T, fixture *fixtures.Fixture, seed uint64) *stage {
	t.Helper()
	s := &stage{office: officeOn(t, fixture), T: t, m: newModel(), random: rand.New(rand.NewPCG(seed, 11))}
	// whole hours later it is never midnight
	s.Clock.Set(s.Clock.Now().Truncate(24 * time.Hour).Add(9*time.Hour + 30*time.Minute))
	for _, id := range worldRoles {
		s.m.roles[id] = modelRole{view: true}
		s.putRole(id)
	}
	for _, id := range worldUsers {
		s.newUser(id)
	}
	_, err := s.directory.PutUser(s.Context(), s.Call("ann"), directory.User{
		// the last super-admin of the account could not go
		ID: "root", Name: "Root", Active: true, RoleIDs: []string{directory.SuperAdmin},
	})
	s.must(err)
	s.m.seats, s.m.boosters = 2, 2
	s.buy(t, catalog.LiveReportsID, 2)
	s.buy(t, catalog.CallQueueBoosterID, 2)
	return s
}

// Whatever the order of changes of dashboards, queues, members, roles, activity, boosters,
// exclusions and the bundle, and however late, repeated and mixed up the views come: grants,
// waiting list, counts and metrics equal the model's after every change, and the figures and every
// cell of the report in the end.
func TestWorldAgainstAModel(t *testing.T) {
	for seed := range uint64(parts.Sized(6, 16)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { world(newStage(t, fixtures.New(t), seed), 100) })
	}
	t.Run(
		"over DynamoDB",
		func(t *testing.T) { world(newStage(t, fixtures.On(t, dynamostore.Open(t)), 99), parts.Sized(25, 60)) },
	)
}

func world(s *stage, steps int) {
	t := s.T
	t.Helper()
	began := s.Clock.Now()
	for range steps {
		s.m.held(s.Clock.Now())
		step := s.step()
		s.m.held(s.Clock.Now())
		s.check(t, s.m, step)
		if s.random.IntN(4) == 0 {
			s.pass(s.random.IntN(9))
		}
		if slices.ContainsFunc(s.later, func(e usage.Event) bool { return s.Clock.Now().Sub(e.At) > 30*time.Hour }) {
			s.send()
		}
		if s.random.IntN(10) == 0 {
			late := s.Clock.Now().Add(-time.Duration(s.random.IntN(30)) * time.Hour)
			s.must(s.usage.AggregateAccount(t.Context(), s.Account, late))
		}
	}
	s.send()
	if s.m.unlimited {
		s.m.unlimited = false
		s.account(t, account.Standard)
		s.check(t, s.m, "standard in the end")
	}
	for at := s.Clock.Now(); at.After(began.Add(-48 * time.Hour)); at = at.Add(-48 * time.Hour) {
		s.must(s.usage.AggregateAccount(t.Context(), s.Account, at))
	}
	s.checkReport()
}

// Changes that race end as the rules say for what the directory then is.
func TestRacingWorldAgainstAModel(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(
			fmt.Sprint("seed ", seed),
			func(t *testing.T) { racingWorld(newStage(t, fixtures.New(t), seed), seed, 12) },
		)
	}
	t.Run(
		"over DynamoDB",
		func(t *testing.T) { racingWorld(newStage(t, fixtures.On(t, dynamostore.Open(t)), 99), 99, 5) },
	)
}

func racingWorld(s *stage, seed uint64, rounds int) {
	t := s.T
	t.Helper()
	for _, id := range worldQueues {
		s.queue(t, id, id)
	}
	for _, id := range worldDashboards {
		s.dashboard(t, id, id)
	}
	var wg sync.WaitGroup
	for worker := range uint64(6) {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, worker))
			some := func(of []string) []string {
				return slices.DeleteFunc(slices.Clone(of), func(string) bool { return random.IntN(2) == 0 })
			}
			for range rounds {
				if err := s.race(random, some, worker); err != nil && !busy(err) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s.Clock.Add(20 * time.Minute) // when the second look after a change of bundle is due
	s.must(s.directory.Resume(t.Context(), ""))
	s.must(account.NewService(s.Env, license.NewService(catalog.Default())).ResumeBundles(t.Context(), ""))
	s.must(s.usage.FinishGrants(t.Context(), ""))
	s.must(s.kernel.DrainWaiting(t.Context(), s.Env, ""))
	s.read()
	s.check(t, s.m, "in the end")
}

// busy are the refusals that a racing caller has to bear.
func busy(err error) bool {
	return problem.Is(err, problem.NotEnoughLicenses) || problem.Is(err, problem.UserInactive) ||
		errors.Is(err, table.ErrConflict)
}

// race makes one change that others race with.
func (s *stage) race(random *rand.Rand, some func([]string) []string, worker uint64) error {
	ctx, c := s.Context(), s.Call("ann")
	user := worldUsers[random.IntN(len(worldUsers))]
	switch worker {
	case 0:
		_, err := s.directory.PutQueue(ctx, c, worldQueues[random.IntN(3)], "Q", some(worldUsers))
		return err
	case 1:
		_, err := s.directory.PutDashboard(
			ctx,
			c,
			directory.Dashboard{ID: worldDashboards[random.IntN(3)], Name: "D", QueueIDs: some(worldQueues)},
		)
		return err
	case 2:
		_, err := s.directory.PutUser(
			ctx,
			c,
			directory.User{ID: user, Name: user, RoleIDs: some(worldRoles), Active: random.IntN(4) > 0},
		)
		return err
	case 3:
		r := directory.Role{ID: worldRoles[random.IntN(2)], Name: "R"}
		if r.Licenses = roleLicenses[r.ID]; random.IntN(2) == 0 {
			r.Permissions, r.Licenses = []string{"liveReports.view"}, nil
		}
		_, err := s.directory.PutRole(ctx, c, r)
		return err
	case 4:
		_, err := s.usage.Take(
			ctx,
			c,
			[]usage.Event{
				{ID: s.Env.IDs.Random(), UserID: user, DashboardID: worldDashboards[random.IntN(3)], At: c.At},
			},
		)
		return err
	}
	bundle := account.Standard
	if random.IntN(3) == 0 {
		bundle = account.CustomerEngagement
	}
	if _, err := account.NewService(s.Env, license.NewService(catalog.Default())).Put(ctx, c, account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: bundle,
	}); err != nil {
		return err
	}
	_, err := s.kernel.AssignProduct(ctx, c, catalog.CallQueueBoosterID, user, "")
	return err
}

// read makes the model's directory the one that there is.
func (s *stage) read() {
	s.Helper()
	ctx, c := s.Context(), s.Call("ann")
	a, _, err := account.Load(ctx, c)
	s.must(err)
	s.m.unlimited = a.Unlimited()
	for _, id := range worldRoles {
		r, _, err := s.directory.GetRole(ctx, c, id)
		s.must(err)
		s.m.roles[id] = modelRole{len(r.Permissions) > 0, r.Licenses}
	}
	for _, id := range worldUsers {
		u, _, err := s.directory.GetUser(ctx, c, id)
		s.must(err)
		h := s.holder(id)
		m := &modelUser{
			name:    u.Name,
			roles:   u.RoleIDs,
			own:     u.Licenses,
			active:  u.Active,
			booster: h.Holds(catalog.CallQueueBoosterID),
		}
		if holding := h.Holdings[catalog.LiveReportsID]; holding != nil {
			m.viewed = slices.ContainsFunc(
				holding.Grants,
				func(g license.Grant) bool { return g.Source == license.View },
			)
		}
		if s.m.users[id] = m; m.viewed && !s.m.mayView(m) {
			s.Errorf("%s has a viewer's grant and may not view", id)
		}
	}
	for _, id := range worldQueues {
		q, _, err := s.directory.GetQueue(ctx, c, id)
		s.must(err)
		s.m.queues[id] = modelThing{q.Name, q.Members}
	}
	for _, id := range worldDashboards {
		d, _, err := s.directory.GetDashboard(ctx, c, id)
		s.must(err)
		s.m.dashboards[id] = modelThing{d.Name, d.QueueIDs}
	}
}
