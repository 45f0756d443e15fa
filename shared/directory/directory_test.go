package directory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table/faulty"
)

type fixture struct {
	*fixtures.Fixture
	kernel *license.Service
	s      *Service
}

func newFixture(t testing.TB) *fixture { return over(t, fixtures.New(t)) }

func over(t testing.TB, k *fixtures.Fixture) *fixture {
	t.Helper()
	products := catalog.Default()
	kernel := license.NewService(products)
	return &fixture{Fixture: k, kernel: kernel, s: NewService(k.Env, kernel)}
}

func (f *fixture) buy(t testing.TB, product string, n int) {
	t.Helper()
	order := uuid.NewString()
	lots := []license.Lot{{ProductID: product, CostCenter: "CC-1", Quantity: n}}
	if err := f.kernel.Deliver(t.Context(), f.Call("admin"), license.Delivery{
		OrderID: order,
		Lots:    lots,
	}); err != nil {
		t.Fatalf("buy %d %s: %v", n, product, err)
	}
}

func (f *fixture) user(t testing.TB, id string, roles ...string) User {
	t.Helper()
	return f.put(t, User{ID: id, Name: strings.ToUpper(id), RoleIDs: roles, Active: true})
}

func (f *fixture) put(t testing.TB, u User) User {
	t.Helper()
	view, err := f.s.PutUser(t.Context(), f.Call("admin"), u)
	if err != nil {
		t.Fatalf("put user %s: %v", u.ID, err)
	}
	return view.Value
}

func (f *fixture) queue(t testing.TB, id string, members ...string) {
	t.Helper()
	if _, err := f.s.PutQueue(t.Context(), f.Call("admin"), id, "Queue "+id, members); err != nil {
		t.Fatalf("put queue %s: %v", id, err)
	}
}

func (f *fixture) dashboard(t testing.TB, id string, queues ...string) GrantCounts {
	t.Helper()
	d, err := f.s.PutDashboard(
		t.Context(),
		f.Call("admin"),
		Dashboard{ID: id, Name: "Dashboard " + id, QueueIDs: queues},
	)
	if err != nil {
		t.Fatalf("put dashboard %s: %v", id, err)
	}
	return d.Value.Grants
}

func (f *fixture) state(t testing.TB, user, product string) license.State {
	t.Helper()
	why, err := inventory.NewService(f.kernel.Products()).Why(t.Context(), f.Call("admin"), user, product, f.s)
	if err != nil {
		t.Fatalf("why %s %s: %v", user, product, err)
	}
	return why.State
}

func (f *fixture) wantStates(t testing.TB, want map[string]license.State) {
	t.Helper()
	for user, state := range want {
		if got := f.state(t, user, catalog.LiveReportsID); got != state {
			t.Errorf("%s %s live-reports, want %s", user, got, state)
		}
	}
}

func (f *fixture) summary(t testing.TB, product string) inventory.Summary {
	t.Helper()
	rows, err := inventory.NewService(f.kernel.Products()).Summary(t.Context(), f.Call("admin"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rows, func(r inventory.Summary) bool { return r.ProductID == product })
	return rows[i]
}

func TestDashboardGrantsMembersOfItsQueues(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 2)
	for _, id := range []string{"john", "sarah", "mike"} {
		f.user(t, id)
	}
	f.queue(t, "detroit", "john", "sarah", "mike")
	if got := f.summary(t, catalog.LiveReportsID); got.Assigned != 0 {
		t.Fatalf("a queue on no dashboard took seats: %+v", got)
	}
	if got, want := f.dashboard(t, "d1", "detroit"), (GrantCounts{Granted: 2, Waiting: 1}); got != want {
		t.Fatalf("grants %+v, want %+v", got, want)
	}
	if got := f.summary(t, catalog.LiveReportsID); got.Assigned != 2 || got.Waiting != 1 || got.Available != 0 {
		t.Fatalf("summary %+v", got)
	}
	// A seat that is bought is given automatically to who waits.
	f.buy(t, catalog.LiveReportsID, 1)
	if got := f.summary(t, catalog.LiveReportsID); got.Assigned != 3 || got.Waiting != 0 {
		t.Fatalf("summary after buying %+v", got)
	}
	// Leaving the last monitored queue ends the grant.
	f.queue(t, "detroit", "john", "sarah")
	f.wantStates(t, map[string]license.State{"john": license.Holds, "sarah": license.Holds, "mike": license.Lacks})
	// So does taking the queue off its last dashboard, but not off one of two.
	f.dashboard(t, "d2", "detroit")
	f.dashboard(t, "d1")
	f.wantStates(t, map[string]license.State{"john": license.Holds})
	if err := f.s.DeleteDashboard(t.Context(), f.Call("admin"), "d2"); err != nil {
		t.Fatal(err)
	}
	f.wantStates(t, map[string]license.State{"john": license.Lacks, "sarah": license.Lacks})
	if got := f.summary(t, catalog.LiveReportsID); got.Assigned != 0 || got.Available != 3 {
		t.Fatalf("summary at the end %+v", got)
	}
}

func TestBoosterCoversAndComesBack(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 1)
	f.buy(t, catalog.CallQueueBoosterID, 1)
	f.user(t, "john")
	f.queue(t, "q", "john")
	f.dashboard(t, "d", "q")
	boost, err := f.kernel.AssignProduct(t.Context(), f.Call("admin"), catalog.CallQueueBoosterID, "john", "")
	if err != nil {
		t.Fatal(err)
	}
	f.wantStates(t, map[string]license.State{"john": license.Covered})
	if got := f.summary(t, catalog.LiveReportsID); got.Available != 1 {
		t.Fatalf("the seat was not given back: %+v", got)
	}
	if got, want := f.dashboard(t, "d", "q"), (GrantCounts{Covered: 1}); got != want {
		t.Fatalf("grants %+v, want %+v", got, want)
	}
	if _, err := f.kernel.Unassign(t.Context(), f.Call("admin"), boost.ID); err != nil {
		t.Fatal(err)
	}
	f.wantStates(t, map[string]license.State{"john": license.Holds})
}

func TestLeaversReleaseEverythingAndComeBack(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 1)
	f.buy(t, catalog.PhoneSystemID, 1)
	f.user(t, "john")
	f.user(t, "sarah")
	f.queue(t, "q", "john")
	f.dashboard(t, "d", "q")
	if _, err := f.kernel.AssignProduct(
		t.Context(),
		f.Call("admin"),
		catalog.PhoneSystemID,
		"john",
		"101",
	); err != nil {
		t.Fatal(err)
	}
	f.queue(t, "q", "john", "sarah")
	f.wantStates(t, map[string]license.State{"john": license.Holds, "sarah": license.Waits})
	view := f.put(t, User{ID: "john", Name: "JOHN", Active: false, Extension: "101"})
	if len(view.Holdings) != 0 {
		t.Fatalf("an inactive user holds %+v", view.Holdings)
	}
	f.wantStates(t, map[string]license.State{"john": license.Lacks, "sarah": license.Holds})
	if got := f.summary(t, catalog.PhoneSystemID); got.Available != 1 {
		t.Fatalf("phone system %+v", got)
	}
	f.put(t, User{ID: "john", Name: "JOHN", Active: true, Extension: "101"})
	f.wantStates(t, map[string]license.State{"john": license.Waits, "sarah": license.Holds})
	if got := f.summary(t, catalog.PhoneSystemID); got.Available != 1 {
		t.Fatalf("what a person had assigned must not come back: %+v", got)
	}
	if err := f.s.DeleteUser(t.Context(), f.Call("admin"), "sarah"); err != nil {
		t.Fatal(err)
	}
	f.wantStates(t, map[string]license.State{"john": license.Holds})
	q, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q")
	if err != nil || !slices.Equal(q.Members, []string{"john"}) {
		t.Fatalf("queue %+v, %v; the deleted user must be off it", q, err)
	}
	if _, _, err := f.s.GetUser(t.Context(), f.Call("admin"), "sarah"); !problem.Is(err, problem.NotFound) {
		t.Fatalf("a deleted user is still there: %v", err)
	}
}

func TestDeletedQueueIsGoneAtOnce(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 1)
	f.user(t, "john")
	f.queue(t, "q", "john")
	f.dashboard(t, "d", "q")
	if err := f.s.DeleteQueue(t.Context(), f.Call("admin"), "q"); err != nil {
		t.Fatal(err)
	}
	f.wantStates(t, map[string]license.State{"john": license.Lacks})
	d, _, err := f.s.GetDashboard(t.Context(), f.Call("admin"), "d")
	if err != nil || len(d.QueueIDs) != 0 {
		t.Fatalf("dashboard %+v, %v", d, err)
	}
	if _, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q"); !problem.Is(err, problem.NotFound) {
		t.Fatalf("queue after its deletion: %v", err)
	}
	if _, err := f.s.PutDashboard(
		t.Context(),
		f.Call("admin"),
		Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q"}},
	); !problem.Is(
		err,
		problem.ValidationFailed,
	) {
		t.Fatalf("a deleted queue was put on a dashboard: %v", err)
	}
	f.queue(t, "q", "john") // the id is free again
	f.wantStates(t, map[string]license.State{"john": license.Lacks})
}

func TestRolesCarryMeteredLicensesAndViewing(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 1)
	role := func(id string, permissions, licenses []string) {
		t.Helper()
		if _, err := f.s.PutRole(
			t.Context(),
			f.Call("admin"),
			Role{ID: id, Name: id, Permissions: permissions, Licenses: licenses},
		); err != nil {
			t.Fatal(err)
		}
	}
	role("lead", []string{liveReportsView}, []string{"reports-supervisor"})
	f.user(t, "bob", "lead")
	if got := f.state(t, "bob", "reports-supervisor"); got != license.Holds {
		t.Fatalf("bob %s reports-supervisor", got)
	}
	if got := f.summary(t, "reports-supervisor"); got.Assigned != 1 {
		t.Fatalf("metered count %+v", got)
	}
	err := call.Decide(t.Context(), func(ctx context.Context) error {
		ch := f.kernel.Change(f.Call("bob"))
		if _, err := ch.Load(ctx, license.Need{Users: []string{"bob"}}); err != nil {
			return err
		}
		if err := ch.Grant(ctx, "bob", catalog.LiveReportsID, license.View); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Answer{})
	})
	if err != nil {
		t.Fatal(err)
	}
	f.wantStates(t, map[string]license.State{"bob": license.Holds})
	// The grant of a viewer ends when the permission goes; the metered license follows the role.
	role("lead", nil, []string{"insights-supervisor"})
	f.wantStates(t, map[string]license.State{"bob": license.Lacks})
	if got := f.state(t, "bob", "reports-supervisor"); got != license.Lacks {
		t.Fatalf("bob %s reports-supervisor", got)
	}
	if got := f.state(t, "bob", "insights-supervisor"); got != license.Holds {
		t.Fatalf("bob %s insights-supervisor", got)
	}
	if err := f.s.DeleteRole(t.Context(), f.Call("admin"), "lead"); !problem.Is(err, problem.WrongState) {
		t.Fatalf("a role in use was deleted: %v", err)
	}
}

func TestMeteredRules(t *testing.T) {
	f := newFixture(t)
	tests := []struct {
		name     string
		licenses []string
		want     problem.Slug
	}{
		{"two levels", []string{"essential-user", "professional-user"}, problem.ValidationFailed},
		{"agent alone", []string{"agent-user"}, problem.BaseLicenseRequired},
		{"CRM without Desktop", []string{"client-crm"}, problem.BaseLicenseRequired},
		{"not metered", []string{catalog.LiveReportsID}, problem.ValidationFailed},
		{"a device's", []string{"wallboard"}, problem.ValidationFailed},
		{"good", []string{"agent-user", "client-crm", "client-desktop", "essential-user"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := f.s.PutUser(
				t.Context(),
				f.Call("admin"),
				User{ID: "u", Name: "U", Active: true, Licenses: test.licenses},
			)
			if test.want == "" && err != nil || test.want != "" && !problem.Is(err, test.want) {
				t.Fatalf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestExtensionsAndNumbersBelongToOne(t *testing.T) {
	f := newFixture(t)
	put := func(id, ext, number string) error {
		_, err := f.s.PutUser(
			t.Context(),
			f.Call("admin"),
			User{ID: id, Name: id, Active: true, Extension: ext, Number: number},
		)
		return err
	}
	if err := put("a", "0101", "5551234"); err != nil {
		t.Fatal(err)
	}
	if err := put("b", "0101", ""); !problem.Is(err, problem.ExtensionInUse) {
		t.Fatalf("extension taken twice: %v", err)
	}
	if err := put("b", "101", "5551234"); !problem.Is(err, problem.NumberInUse) {
		t.Fatalf("number taken twice: %v", err)
	}
	if err := put("a", "0102", "5551234"); err != nil {
		t.Fatalf("a number moves with its user: %v", err)
	}
	if err := put("b", "0101", ""); err != nil {
		t.Fatalf("a free extension was refused: %v", err)
	}
}

func TestListsAndSearch(t *testing.T) {
	f := newFixture(t)
	for i := range 7 {
		f.put(
			t,
			User{
				ID:     fmt.Sprintf("u%d", i),
				Name:   fmt.Sprintf("Person %d", i),
				Email:  fmt.Sprintf("p%d@example.com", i),
				Active: true,
			},
		)
	}
	f.put(t, User{ID: "Person", Name: "Somebody Else", Active: true, Extension: "101", Number: "+1 656-789-1230"})
	c := f.Call("admin")
	var ids []string
	after := ""
	for {
		users, next, err := f.s.ListUsers(t.Context(), c, "", after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(users) > 3 {
			t.Fatalf("a page of %d", len(users))
		}
		for _, u := range users {
			ids = append(ids, u.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	if want := []string{"Person", "u0", "u1", "u2", "u3", "u4", "u5", "u6"}; !slices.Equal(ids, want) {
		t.Fatalf("listed %v, want %v", ids, want)
	}
	for q, want := range map[string]int{
		"person 3": 1, "PERSON": 8, "Person": 8, "p4@": 1, "u2": 1, "nobody": 0, "else": 1, "ÉLSE": 1, "exam": 7,
		"p3@exam": 1, "101": 1, "1656": 1, "+1 (656) 7": 1, "\u200b": 0,
		"656": 1, "656-789-1230": 1, "6567891230": 1, "+656": 0, "789": 0, "656-789-1231": 0,
	} {
		users, _, err := f.s.ListUsers(t.Context(), c, q, "", 50)
		if err != nil || len(users) != want {
			t.Errorf("search %q found %d (%v), want %d", q, len(users), err, want)
		}
	}
	for _, limit := range []int{1, 2, 3, 8, 9} {
		found, after := map[string]bool{}, ""
		for {
			users, next, err := f.s.ListUsers(t.Context(), c, "person", after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range users {
				if found[u.ID] {
					t.Errorf("%s is on two pages of %d", u.ID, limit)
				}
				found[u.ID] = true
			}
			if len(users) > limit || next != "" && len(users) == 0 {
				t.Fatalf("a page of %d has %d", limit, len(users))
			}
			if after = next; next == "" {
				break
			}
		}
		if len(found) != 8 {
			t.Errorf("pages of %d have %d", limit, len(found))
		}
	}
	for _, id := range []string{"a-role", "z-role"} {
		if _, err := f.s.PutRole(t.Context(), c, Role{ID: id, Name: id}); err != nil {
			t.Fatal(err)
		}
	}
	for limit := 1; limit <= 4; limit++ {
		var got []string
		for after := ""; ; {
			roles, next, err := f.s.ListRoles(t.Context(), c, after, limit)
			if err != nil || len(roles) > limit {
				t.Fatalf("page of %d roles with limit %d: %v", len(roles), limit, err)
			}
			for _, r := range roles {
				got = append(got, r.ID)
			}
			if after = next; next == "" {
				break
			}
		}
		if want := []string{"a-role", SuperAdmin, "z-role"}; !slices.Equal(got, want) {
			t.Fatalf("limit %d: roles %v, want %v", limit, got, want)
		}
	}
}

// directoryModel says from scratch who should be granted live-reports.
type directoryModel struct {
	active     map[string]bool
	queues     map[string][]string
	dashboards map[string][]string
}

func (m directoryModel) wanted() map[string]bool {
	wanted := map[string]bool{}
	for _, queues := range m.dashboards {
		for _, q := range queues {
			for _, user := range m.queues[q] {
				wanted[user] = wanted[user] || m.active[user]
			}
		}
	}
	return wanted
}

// check compares the kernel with the model: who is wanted holds a seat or waits, nobody else does,
// and nobody waits while a seat is free.
func (f *fixture) check(t rapid.TB, m directoryModel, users []string) {
	t.Helper()
	wanted := m.wanted()
	held, waits := int64(0), int64(0)
	for _, user := range users {
		why, err := inventory.NewService(f.kernel.Products()).Why(
			context.Background(), f.Call("admin"), user, catalog.LiveReportsID, f.s,
		)
		if err != nil {
			t.Fatalf("why %s: %v", user, err)
		}
		if got := why.State == license.Holds || why.State == license.Waits; got != wanted[user] {
			t.Fatalf("%s %s, wanted by the model: %v", user, why.State, wanted[user])
		}
		switch why.State {
		case license.Holds:
			held++
		case license.Waits:
			waits++
		case license.Lacks, license.Covered, license.StateExcluded:
		}
	}
	rows, err := inventory.NewService(f.kernel.Products()).Summary(context.Background(), f.Call("admin"))
	if err != nil {
		t.Fatal(err)
	}
	got := rows[slices.IndexFunc(rows, func(r inventory.Summary) bool { return r.ProductID == catalog.LiveReportsID })]
	if got.Assigned != held || got.Waiting != waits || got.Available > 0 && waits > 0 {
		t.Fatalf("summary %+v; recounted %d held, %d waiting", got, held, waits)
	}
}

func TestAnyOrderOfChangesEndsAsTheRulesSay(t *testing.T) {
	users := []string{"u0", "u1", "u2", "u3", "u4"}
	queueIDs, dashboardIDs := []string{"q0", "q1", "q2"}, []string{"d0", "d1"}
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		f := newFixture(outer)
		f.buy(outer, catalog.LiveReportsID, rapid.IntRange(0, 4).Draw(t, "seats")+1)
		m := directoryModel{active: map[string]bool{}, queues: map[string][]string{}, dashboards: map[string][]string{}}
		for _, u := range users {
			f.user(outer, u)
			m.active[u] = true
		}
		ctx := context.Background()
		changeMembers := func(t *rapid.T) {
			q := rapid.SampledFrom(queueIDs).Draw(t, "queue")
			members := rapid.SliceOfDistinct(rapid.SampledFrom(users), rapid.ID[string]).Draw(t, "members")
			f.queue(outer, q, members...)
			m.queues[q] = members
		}
		changeQueues := func(t *rapid.T) {
			d := rapid.SampledFrom(dashboardIDs).Draw(t, "dashboard")
			var known []string
			for _, q := range rapid.SliceOfDistinct(rapid.SampledFrom(queueIDs), rapid.ID[string]).Draw(t, "queues") {
				if _, ok := m.queues[q]; ok {
					known = append(known, q)
				}
			}
			f.dashboard(outer, d, known...)
			m.dashboards[d] = known
		}
		t.Repeat(map[string]func(*rapid.T){
			"change members":       changeMembers,
			"change members again": changeMembers, // twice as likely
			"change queues":        changeQueues,
			"change queues again":  changeQueues,
			"activate or deactivate": func(t *rapid.T) {
				u := rapid.SampledFrom(users).Draw(t, "user")
				m.active[u] = !m.active[u]
				f.put(outer, User{ID: u, Name: u, Active: m.active[u]})
			},
			"delete a queue": func(t *rapid.T) {
				q := rapid.SampledFrom(queueIDs).Draw(t, "queue")
				if _, ok := m.queues[q]; !ok {
					t.Skip("it is not there")
				}
				if err := f.s.DeleteQueue(ctx, f.Call("admin"), q); err != nil {
					t.Fatal(err)
				}
				delete(m.queues, q)
				for d := range m.dashboards {
					m.dashboards[d] = without(m.dashboards[d], []string{q})
				}
			},
			"": func(t *rapid.T) { f.check(t, m, users) },
		})
	})
}

func TestConcurrentChangesEndAsTheRulesSay(t *testing.T) {
	f := newFixture(t)
	f.buy(t, catalog.LiveReportsID, 5)
	m := directoryModel{active: map[string]bool{}, queues: map[string][]string{}, dashboards: map[string][]string{}}
	var users []string
	for i := range 12 {
		u := fmt.Sprintf("u%02d", i)
		users = append(users, u)
		m.active[u] = true
		f.user(t, u)
	}
	for i := range 4 {
		f.queue(t, fmt.Sprintf("q%d", i))
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for range 6 {
				if w < 4 {
					members := slices.DeleteFunc(slices.Clone(users), func(string) bool { return rand.IntN(2) == 0 })
					f.queue(t, fmt.Sprintf("q%d", w), members...)
				} else {
					f.dashboard(
						t,
						fmt.Sprintf("d%d", w),
						fmt.Sprintf("q%d", rand.IntN(4)),
						fmt.Sprintf("q%d", rand.IntN(4)),
					)
				}
			}
		})
	}
	wg.Wait()
	if err := f.s.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		q, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), fmt.Sprintf("q%d", i))
		if err != nil {
			t.Fatal(err)
		}
		m.queues[q.ID] = q.Members
	}
	for i := 4; i < 8; i++ {
		d, _, err := f.s.GetDashboard(t.Context(), f.Call("admin"), fmt.Sprintf("d%d", i))
		if err != nil {
			t.Fatal(err)
		}
		m.dashboards[d.ID] = d.QueueIDs
		for _, q := range d.QueueIDs {
			queue, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), q)
			if err != nil || !slices.Contains(queue.Dashboards, d.ID) {
				t.Fatalf("queue %s does not know dashboard %s: %+v %v", q, d.ID, queue, err)
			}
		}
	}
	f.check(t, m, users)
}

// A change that dies at any of its commits is finished by maintenance.
func TestCrashesAreFinishedByMaintenance(t *testing.T) {
	for n := 1; n <= 8; n++ {
		for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
			t.Run(fmt.Sprintf("%v at commit %d", fault, n), func(t *testing.T) {
				f := newFixture(t)
				f.buy(t, catalog.LiveReportsID, 12)
				m := directoryModel{
					active:     map[string]bool{},
					queues:     map[string][]string{},
					dashboards: map[string][]string{},
				}
				var users []string
				for i := range 15 {
					u := fmt.Sprintf("u%02d", i)
					users = append(users, u)
					m.active[u] = true
					f.user(t, u)
				}
				f.queue(t, "q", users[:10]...)
				f.dashboard(t, "d", "q")
				sound := f.Env.Table
				broken := faulty.New(sound, faulty.AtCommit(n, fault))
				f.Env.Table = broken
				_, err := f.s.PutQueue(t.Context(), f.Call("admin"), "q", "Queue q", users[5:])
				f.Env.Table = sound
				if err == nil && broken.Crashed() {
					t.Fatal("a crash went unnoticed")
				}
				if err := f.s.Resume(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				if err := f.kernel.DrainWaiting(t.Context(), f.Env, ""); err != nil {
					t.Fatal(err)
				}
				q, _, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q")
				if err != nil {
					t.Fatal(err)
				}
				if n > 1 && !slices.Equal(q.Members, users[5:]) {
					t.Fatalf("members %v", q.Members)
				}
				m.queues["q"], m.dashboards["d"] = q.Members, []string{"q"}
				f.check(t, m, users)
				if left, err := queueMarkers.Any(t.Context(), sound, f.Account, ""); err != nil || left {
					t.Fatalf("markers are left: %v, %v", left, err)
				}
			})
		}
	}
}

// TestOwnProductStaysWhenTheRoleBehindItChanges exchanges a role that carries a base for another
// that carries the same one: the user's own product, which needs the base, stays.
func TestOwnProductStaysWhenTheRoleBehindItChanges(t *testing.T) {
	f := newFixture(t)
	for _, id := range []string{"a", "b"} {
		if _, err := f.s.PutRole(
			t.Context(),
			f.Call("admin"),
			Role{ID: id, Name: id, Licenses: []string{"essential-user"}},
		); err != nil {
			t.Fatal(err)
		}
	}
	f.put(t, User{ID: "ann", Name: "Ann", RoleIDs: []string{"a"}, Licenses: []string{"agent-user"}, Active: true})
	f.put(t, User{ID: "ann", Name: "Ann", RoleIDs: []string{"b"}, Licenses: []string{"agent-user"}, Active: true})
	for _, product := range []string{"essential-user", "agent-user"} {
		if s := f.state(t, "ann", product); s != license.Holds {
			t.Errorf("%s: %s", product, s)
		}
	}
}
