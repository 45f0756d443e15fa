package metrics_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/parts"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/metrics"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

type office struct {
	*fixtures.Fixture
	api       http.Handler
	directory *directory.Service
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return officeOn(t, fixtures.New(t))
}

func officeOn(t *testing.T, fixture *fixtures.Fixture) *office {
	t.Helper()
	o := &office{Fixture: fixture}
	kernel := license.NewService(catalog.Default())
	o.api = api.Serve(o.Env, metrics.NewService(o.Env, kernel).Routes).HTTP
	o.directory = directory.NewService(o.Env, kernel)
	return o
}

func (o *office) request(method, path string, body any) fixtures.Request {
	return fixtures.Request{
		Method:      method,
		Path:        "/v1/accounts/" + o.Account + path,
		Body:        body,
		User:        "admin",
		Permissions: []auth.Permission{auth.MetricsRead, auth.MetricsManage},
	}
}

func (o *office) do(t *testing.T, method, path string, body any) fixtures.Response {
	t.Helper()
	return o.Do(t, o.api, o.request(method, path, body))
}

func (o *office) user(t *testing.T, u directory.User) {
	t.Helper()
	if u.Name == "" {
		u.Name = u.ID
	}
	if _, err := o.directory.PutUser(t.Context(), o.Call("ann"), u); err != nil {
		t.Fatal(err)
	}
}

func (o *office) snapshot(t *testing.T) metrics.Snapshot {
	t.Helper()
	return fixtures.Decode[metrics.Snapshot](t, o.do(t, http.MethodGet, "/metrics/licenses", nil), http.StatusOK)
}

// used is every figure that is not 0.
func used(s metrics.Snapshot) map[string]int64 {
	figures := map[string]int64{}
	for _, m := range slices.Concat(s.Users, s.Clients, s.Supervisor, s.Devices) {
		if m.Used != 0 {
			figures[m.ID] = m.Used
		}
	}
	return figures
}

func (o *office) want(t *testing.T, want map[string]int64) {
	t.Helper()
	if got := used(o.snapshot(t)); !maps.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func board(user string) map[string]any {
	return map[string]any{"name": "Lobby", "kind": "analytics", "userId": user}
}

func (o *office) register(t *testing.T, id, user string) fixtures.Response {
	t.Helper()
	return o.do(t, http.MethodPut, "/wallboards/"+id, board(user))
}

func (o *office) setMax(t *testing.T, n int) fixtures.Response {
	t.Helper()
	return o.do(t, http.MethodPut, "/metrics/licenses/wallboards", map[string]any{"max": n})
}

func TestShape(t *testing.T) {
	o := newOffice(t)
	s := o.snapshot(t)
	if !s.AsOf.Equal(fixtures.Start) {
		t.Errorf("as of %s", s.AsOf)
	}
	ids := func(list []metrics.Metric) (ids []string) {
		for _, m := range list {
			ids = append(ids, m.ID)
			if m.Name == "" || m.Description == "" || (m.Max != nil) != (m.ID == "wallboard") {
				t.Errorf("%+v", m)
			}
		}
		return ids
	}
	for _, group := range []struct {
		name      string
		got, want []string
	}{
		{"users", ids(s.Users), []string{"essential-user", "professional-user", "agent-user"}},
		{"clients", ids(s.Clients), []string{"client-desktop", "client-crm"}},
		//nolint:misspell // the product's id
		{"supervisor", ids(s.Supervisor), []string{
			"reports-supervisor", "insights-supervisor", "analytics-supervisor", "live-analytics-supervisor",
			"contact-centre-supervisor",
		}},
		{"devices", ids(s.Devices), []string{"wallboard"}},
	} {
		if !slices.Equal(group.got, group.want) {
			t.Errorf("%s: %v, want %v", group.name, group.got, group.want)
		}
	}
	if d := s.Devices[0]; d.Used != 0 || *d.Max != metrics.DefaultMax {
		t.Errorf("devices %+v", d)
	}
}

// The snapshot follows every change of a user or a role at once (requirements, section 8).
func TestFiguresFollowTheDirectory(t *testing.T) {
	o := newOffice(t)
	o.user(
		t,
		directory.User{
			ID:       "ann",
			Active:   true,
			Licenses: []string{"essential-user", "agent-user", "client-desktop", "client-crm"},
		},
	)
	o.want(t, map[string]int64{"essential-user": 1, "agent-user": 1, "client-desktop": 1, "client-crm": 1})
	role := directory.Role{ID: "lead", Name: "Lead", Licenses: []string{"professional-user", "reports-supervisor"}}
	if _, err := o.directory.PutRole(t.Context(), o.Call("ann"), role); err != nil {
		t.Fatal(err)
	}
	o.user(t, directory.User{ID: "ben", Active: true, RoleIDs: []string{"lead"}})
	o.want(t, map[string]int64{
		"essential-user":     1,
		"agent-user":         1,
		"client-desktop":     1,
		"client-crm":         1,
		"professional-user":  1,
		"reports-supervisor": 1,
	})
	role.Licenses = []string{"professional-user", "analytics-supervisor"}
	if _, err := o.directory.PutRole(t.Context(), o.Call("ann"), role); err != nil {
		t.Fatal(err)
	}
	o.user(t, directory.User{ID: "ann", Active: true, Licenses: []string{"professional-user"}})
	o.want(t, map[string]int64{"professional-user": 2, "analytics-supervisor": 1})
	o.user(t, directory.User{ID: "ben", RoleIDs: []string{"lead"}})
	o.want(t, map[string]int64{"professional-user": 1})
	if err := o.directory.DeleteUser(t.Context(), o.Call("ann"), "ann"); err != nil {
		t.Fatal(err)
	}
	o.want(t, map[string]int64{})
}

func TestWallboards(t *testing.T) {
	o := newOffice(t)
	o.user(t, directory.User{ID: "ann", Active: true})
	made := o.register(t, "w1", "ann")
	got := fixtures.Decode[metrics.Wallboard](t, made, http.StatusCreated)
	want := metrics.Wallboard{
		ID:        "w1",
		Name:      "Lobby",
		Kind:      metrics.Analytics,
		UserID:    "ann",
		CreatedAt: fixtures.Start,
	}
	if got != want || made.Header.Get("ETag") == "" {
		t.Fatalf("got %+v, tag %q", got, made.Header.Get("ETag"))
	}
	// The same again changes nothing, and counts nothing.
	if again := o.register(
		t,
		"w1",
		"ann",
	); again.Status != http.StatusOK ||
		again.Header.Get("ETag") != made.Header.Get("ETag") {
		t.Fatalf("again: %d %s", again.Status, again.Header.Get("ETag"))
	}
	renamed := map[string]any{"name": "Floor 2", "kind": "live-analytics", "userId": "ann"}
	changed := o.do(t, http.MethodPut, "/wallboards/w1", renamed)
	if got := fixtures.Decode[metrics.Wallboard](
		t,
		changed,
		http.StatusOK,
	); got.Name != "Floor 2" || got.Kind != metrics.LiveAnalytics ||
		!got.CreatedAt.Equal(fixtures.Start) {
		t.Fatalf("got %+v", got)
	}
	o.want(t, map[string]int64{"wallboard": 1})
	stale := o.request(http.MethodDelete, "/wallboards/w1", nil)
	stale.Header = map[string]string{"If-Match": made.Header.Get("ETag")}
	fixtures.Problem(t, o.Do(t, o.api, stale), http.StatusPreconditionFailed, "precondition-failed")
	if r := o.do(t, http.MethodDelete, "/wallboards/w1", nil); r.Status != http.StatusNoContent {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	for _, id := range []string{"w1", "never", "a%23b"} {
		fixtures.Problem(t, o.do(t, http.MethodDelete, "/wallboards/"+id, nil), http.StatusNotFound, "not-found")
	}
	o.want(t, map[string]int64{})
	// Who has read the one before does not change the one that is made again.
	o.Clock.Add(time.Second)
	o.register(t, "w1", "ann")
	fixtures.Problem(t, o.Do(t, o.api, stale), http.StatusPreconditionFailed, "precondition-failed")
	o.do(t, http.MethodDelete, "/wallboards/w1", nil)
	o.register(t, "w2", "ann")
	o.register(t, "w3", "ann")
	page := fixtures.Decode[api.List[metrics.Wallboard]](
		t,
		o.do(t, http.MethodGet, "/wallboards?limit=1", nil),
		http.StatusOK,
	)
	rest := fixtures.Decode[api.List[metrics.Wallboard]](
		t,
		o.do(t, http.MethodGet, "/wallboards?limit=1&cursor="+page.NextCursor, nil),
		http.StatusOK,
	)
	if page.Items[0].ID != "w2" || rest.Items[0].ID != "w3" || rest.NextCursor != "" {
		t.Fatalf("pages %+v, %+v", page, rest)
	}
	var actions []string
	for _, item := range auditOf(t, o) {
		actions = append(actions, item.Action)
	}
	if want := []string{
		"wallboard.registered",
		"wallboard.changed",
		"wallboard.removed",
		"wallboard.registered",
		"wallboard.removed",
	}; !slices.Equal(
		actions,
		want,
	) {
		t.Fatalf("audit %v, want %v", actions, want)
	}
}

// auditOf reads what is on record of wallboard w1.
func auditOf(t *testing.T, o *office) []call.AuditRecord {
	t.Helper()
	page, err := o.Env.Table.Query(
		t.Context(),
		table.Query{Partition: call.Partition(o.Account, "AUDIT", "wallboard", "w1")},
	)
	if err != nil {
		t.Fatal(err)
	}
	var records []call.AuditRecord
	for _, item := range page.Items {
		r, err := call.Decode[call.AuditRecord](item)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func TestTheMaximum(t *testing.T) {
	o := newOffice(t)
	o.user(t, directory.User{ID: "ann", Active: true})
	if m := fixtures.Decode[metrics.Metric](t, o.setMax(t, 2), http.StatusOK); *m.Max != 2 || m.Used != 0 {
		t.Fatalf("got %+v", m)
	}
	for i, status := range []int{http.StatusCreated, http.StatusCreated, http.StatusConflict} {
		r := o.register(t, fmt.Sprint("w", i), "ann")
		if r.Status != status {
			t.Fatalf("device %d: %d %s", i, r.Status, r.Body)
		}
		if status == http.StatusConflict {
			saysLimit(t, r, 2, 2)
		}
	}
	// What is registered can be changed though the maximum is reached.
	if r := o.do(
		t,
		http.MethodPut,
		"/wallboards/w0",
		map[string]any{"name": "New", "kind": "analytics", "userId": "ann"},
	); r.Status != http.StatusOK {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	saysLimit(t, o.setMax(t, 1), 2, 1)
	if d := o.snapshot(t).Devices[0]; d.Used != 2 || *d.Max != 2 {
		t.Fatalf("a refused maximum left %+v of %d", d, *d.Max)
	}
	if r := o.do(t, http.MethodDelete, "/wallboards/w0", nil); r.Status != http.StatusNoContent {
		t.Fatal(r.Status)
	}
	for _, n := range []int{1, 5, 5, 3} {
		if m := fixtures.Decode[metrics.Metric](t, o.setMax(t, n), http.StatusOK); *m.Max != int64(n) || m.Used != 1 {
			t.Fatalf("max %d: %+v", n, m)
		}
	}
	for i := 5; i < 7; i++ {
		if r := o.register(t, fmt.Sprint("w", i), "ann"); r.Status != http.StatusCreated {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	saysLimit(t, o.register(t, "w9", "ann"), 3, 3)
}

// saysLimit demands the refusal with both numbers, in words and for programs (requirements, section
// 10).
func saysLimit(t *testing.T, r fixtures.Response, used, most int64) {
	t.Helper()
	p := fixtures.Problem(t, r, http.StatusConflict, "wallboard-limit")
	if p.Used == nil || p.Max == nil || *p.Used != used || *p.Max != most {
		t.Errorf("used %v, max %v, want %d and %d: %s", p.Used, p.Max, used, most, r.Body)
	}
	for _, n := range []int64{used, most} {
		if !strings.Contains(p.Detail, fmt.Sprint(n)) {
			t.Errorf("%q does not say %d", p.Detail, n)
		}
	}
}

func TestTheDefaultMaximumHoldsToo(t *testing.T) {
	o := newOffice(t)
	o.user(t, directory.User{ID: "ann", Active: true})
	for i := range metrics.DefaultMax {
		if r := o.register(t, fmt.Sprint("w", i), "ann"); r.Status != http.StatusCreated {
			t.Fatalf("device %d: %d %s", i, r.Status, r.Body)
		}
	}
	saysLimit(t, o.register(t, "more", "ann"), metrics.DefaultMax, metrics.DefaultMax)
	if m := fixtures.Decode[metrics.Metric](
		t,
		o.setMax(t, metrics.DefaultMax+1),
		http.StatusOK,
	); m.Used != metrics.DefaultMax {
		t.Fatalf("got %+v", m)
	}
	if r := o.register(t, "more", "ann"); r.Status != http.StatusCreated {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
}

// Many callers at once, and the maximum changing: never more devices than allowed, and the count is
// right.
func TestRegistrationRace(t *testing.T) { registrationRace(t, newOffice(t), 20) }

// Each caller is tried again as often as others come first, so the wait grows with their square;
// two more than the default allows race as well.
func TestRegistrationRaceOnDynamoDB(t *testing.T) {
	t.Parallel() // over a network it mostly waits
	registrationRace(t, officeOn(t, fixtures.On(t, dynamostore.Open(t))), parts.Sized(metrics.DefaultMax+2, 20))
}

func registrationRace(t *testing.T, o *office, callers int) {
	t.Helper()
	o.user(t, directory.User{ID: "ann", Active: true})
	for _, name := range []string{"the default", "a maximum of 4"} {
		if name != "the default" {
			o.setMax(t, 4)
		}
		most := *o.snapshot(t).Devices[0].Max
		var mu sync.Mutex
		statuses := map[int]int{}
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				r := o.register(t, fmt.Sprint("w", i), "ann")
				mu.Lock()
				defer mu.Unlock()
				statuses[r.Status]++
			})
		}
		group.Wait()
		if int64(statuses[http.StatusCreated]) != most ||
			statuses[http.StatusCreated]+statuses[http.StatusConflict] != callers {
			t.Fatalf("%s: %v of %d callers, want %d made", name, statuses, callers, most)
		}
		list := fixtures.Decode[api.List[metrics.Wallboard]](
			t,
			o.do(t, http.MethodGet, "/wallboards?limit=200", nil),
			http.StatusOK,
		)
		if d := o.snapshot(t).Devices[0]; d.Used != most || int64(len(list.Items)) != most {
			t.Fatalf("%s: %d devices, counted %d, allowed %d", name, len(list.Items), d.Used, most)
		}
		for _, w := range list.Items {
			group.Go(func() { o.do(t, http.MethodDelete, "/wallboards/"+w.ID, nil) })
			group.Go(func() { o.do(t, http.MethodDelete, "/wallboards/"+w.ID, nil) })
		}
		group.Wait()
		o.want(t, map[string]int64{})
	}
}

// The maximum is lowered while devices are registered: one of the two is refused.
func TestMaximumRace(t *testing.T) {
	o := newOffice(t)
	o.user(t, directory.User{ID: "ann", Active: true})
	for round := range 5 {
		o.setMax(t, 10)
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() { o.register(t, fmt.Sprintf("r%d-%d", round, i), "ann") })
			group.Go(func() { o.setMax(t, 10-i) })
		}
		group.Wait()
		d := o.snapshot(t).Devices[0]
		list := fixtures.Decode[api.List[metrics.Wallboard]](
			t,
			o.do(t, http.MethodGet, "/wallboards?limit=200", nil),
			http.StatusOK,
		)
		if d.Used > *d.Max || int64(len(list.Items)) != d.Used {
			t.Fatalf("%d devices, counted %d, allowed %d", len(list.Items), d.Used, *d.Max)
		}
		for _, w := range list.Items {
			o.do(t, http.MethodDelete, "/wallboards/"+w.ID, nil)
		}
	}
}

func TestRefusals(t *testing.T) {
	o := newOffice(t)
	o.user(t, directory.User{ID: "ann", Active: true})
	o.user(t, directory.User{ID: "away"})
	for _, test := range []struct {
		path  string
		body  any
		field string
	}{
		{"/wallboards/w1", board("nobody"), "userId"},
		{"/wallboards/w1", board("a#b"), "userId"},
		{"/wallboards/w1", map[string]any{"name": " x", "kind": "analytics", "userId": "ann"}, "name"},
		{"/wallboards/w1", map[string]any{"name": "x", "kind": "tv", "userId": "ann"}, "kind"},
		{"/wallboards/-w", board("ann"), "id"},
		{"/metrics/licenses/wallboards", map[string]any{"max": -1}, "max"},
		{"/metrics/licenses/wallboards", map[string]any{"max": 100_001}, "max"},
		{"/metrics/licenses/wallboards", map[string]any{"max": "ten"}, "max"},
		{"/metrics/licenses/wallboards", map[string]any{}, "max"},
	} {
		p := fixtures.Problem(
			t,
			o.do(t, http.MethodPut, test.path, test.body),
			http.StatusUnprocessableEntity,
			"validation",
		)
		if len(p.Errors) == 0 || p.Errors[0].Field != test.field {
			t.Errorf("%s %v: %+v, want the field %s", test.path, test.body, p.Errors, test.field)
		}
	}
	fixtures.Problem(t, o.register(t, "w1", "away"), http.StatusConflict, "user-inactive")
	o.want(t, map[string]int64{})
}

func TestWhoMay(t *testing.T) {
	o := newOffice(t)
	for _, r := range []fixtures.Request{
		o.request(http.MethodGet, "/metrics/licenses", nil),
		o.request(http.MethodPut, "/metrics/licenses/wallboards", map[string]any{"max": 1}),
		o.request(http.MethodPut, "/wallboards/w1", board("ann")), o.request(http.MethodDelete, "/wallboards/w1", nil),
		o.request(http.MethodGet, "/wallboards", nil),
	} {
		stranger := r
		stranger.Account = fixtures.Other
		fixtures.Problem(t, o.Do(t, o.api, stranger), http.StatusNotFound, "not-found")
		other := r
		other.Permissions = []auth.Permission{auth.MetricsRead}
		if r.Method == http.MethodGet {
			other.Permissions = []auth.Permission{auth.MetricsManage}
		}
		fixtures.Problem(t, o.Do(t, o.api, other), http.StatusForbidden, "forbidden")
		r.User = ""
		fixtures.Problem(t, o.Do(t, o.api, r), http.StatusUnauthorized, "unauthorized")
	}
}
