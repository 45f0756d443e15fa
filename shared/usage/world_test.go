package usage_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

// world is an account with people in it.
type world struct {
	*fixtures.Fixture
	kernel    *license.Service
	directory *directory.Service
	usage     *usage.Service
	api       http.Handler
	aggregate func(at time.Time) error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return worldOn(t, fixtures.New(t))
}

func worldOn(t testing.TB, fixture *fixtures.Fixture) *world {
	t.Helper()
	w := &world{Fixture: fixture, kernel: license.NewService(catalog.Default())}
	w.directory = directory.NewService(fixture.Env, w.kernel)
	w.usage = usage.NewService(fixture.Env, w.kernel, w.directory)
	w.api = api.Serve(fixture.Env, w.usage.Routes).HTTP
	w.aggregate = func(at time.Time) error { return w.usage.AggregateAccount(t.Context(), w.Account, at) }
	w.account(t, fixture.Account, account.Standard)
	return w
}

// account makes the account as operators do, or changes its bundle.
func (w *world) account(t testing.TB, id string, bundle account.Bundle) {
	t.Helper()
	c := w.Call("operator")
	c.Account = id
	_, err := account.NewService(w.Env, w.kernel).Put(t.Context(), c, account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "America/Detroit", BillingDay: 1, Bundle: bundle,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// buy adds seats.
func (w *world) buy(t *testing.T, product string, n int) {
	t.Helper()
	if err := w.kernel.Deliver(t.Context(), w.Call("ann"), license.Delivery{
		OrderID: w.Env.IDs.Ordered(),
		Lots:    []license.Lot{{ProductID: product, Quantity: n}},
	}); err != nil {
		t.Fatal(err)
	}
}

// people makes users with a role, none if it is empty. Each user's name is the id with a capital.
func (w *world) people(t testing.TB, role string, ids ...string) {
	t.Helper()
	for i, id := range ids {
		u := directory.User{ID: id, Name: strings.ToUpper(id[:1]) + id[1:], Active: true}
		if role != "" {
			u.RoleIDs = []string{role}
		}
		if len(id) == 1 {
			u.Extension = fmt.Sprint(200 + i)
		}
		if _, err := w.directory.PutUser(t.Context(), w.Call("ann"), u); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) queue(t testing.TB, id string, members ...string) {
	t.Helper()
	if _, err := w.directory.PutQueue(t.Context(), w.Call("ann"), id, "Queue "+id, members); err != nil {
		t.Fatal(err)
	}
}

func (w *world) dashboard(t testing.TB, id string, queues ...string) {
	t.Helper()
	if _, err := w.directory.PutDashboard(
		t.Context(),
		w.Call("ann"),
		directory.Dashboard{ID: id, Name: "Dashboard " + id, QueueIDs: queues},
	); err != nil {
		t.Fatal(err)
	}
}

// worked is the worked example of requirements, section 7: two queues on two dashboards, eight
// agents and two supervisors.
func (w *world) worked(t testing.TB) {
	t.Helper()
	if _, err := w.directory.PutRole(
		t.Context(),
		w.Call("ann"),
		directory.Role{ID: "supervisor", Name: "Supervisor", Permissions: []string{"liveReports.view"}},
	); err != nil {
		t.Fatal(err)
	}
	w.people(t, "supervisor", "alice", "bob")
	w.people(t, "", "john", "sarah", "mike", "emma", "david", "karen", "lisa", "mark")
	w.queue(t, "detroit", "john", "sarah", "mike")
	w.queue(t, "belmont", "emma", "david", "karen", "lisa", "mark")
	w.dashboard(t, "d-detroit", "detroit")
	w.dashboard(t, "d-belmont", "belmont")
}

// view is an event as clients send it.
func view(id, user, dashboard string, at time.Time) map[string]any {
	return map[string]any{"id": id, "userId": user, "dashboardId": dashboard, "at": at.Format(time.RFC3339Nano)}
}

func (w *world) post(t *testing.T, events ...map[string]any) fixtures.Response {
	t.Helper()
	return w.Do(t, w.api, fixtures.Request{
		Method:      http.MethodPost,
		Path:        "/v1/accounts/" + w.Account + "/usage/views",
		Body:        map[string]any{"events": events},
		User:        "pbx",
		Permissions: []auth.Permission{auth.UsageWrite},
	})
}

// send takes views in and wants them counted as given.
func (w *world) send(t *testing.T, accepted, duplicate int, events ...map[string]any) usage.ReceiptBody {
	t.Helper()
	got := fixtures.Decode[usage.ReceiptBody](t, w.post(t, events...), http.StatusAccepted)
	if got.Accepted != accepted || got.Duplicate != duplicate || accepted+duplicate+len(got.Rejected) != len(events) {
		t.Fatalf(
			"%d accepted, %d duplicate, want %d and %d; rejected: %+v",
			got.Accepted,
			got.Duplicate,
			accepted,
			duplicate,
			got.Rejected,
		)
	}
	return got
}

func (w *world) summary(t *testing.T, query string) usage.Summary {
	t.Helper()
	return fixtures.Decode[usage.Summary](t, w.Do(t, w.api, fixtures.Request{
		Method:      http.MethodGet,
		Path:        "/v1/accounts/" + w.Account + "/usage/summary" + query,
		User:        "ann",
		Permissions: []auth.Permission{auth.UsageRead},
	}), http.StatusOK)
}

func (w *world) fold(t *testing.T, at time.Time) {
	t.Helper()
	if err := w.aggregate(at); err != nil {
		t.Fatal(err)
	}
}

// grants are the sources of a user's grants of live-reports.
func (w *world) grants(t *testing.T, user string) []string {
	t.Helper()
	h := w.holder(t, user)
	sources := []string{}
	if holding := h.Holdings[catalog.LiveReportsID]; holding != nil {
		for _, g := range holding.Grants {
			sources = append(sources, g.Source)
		}
	}
	return sources
}

func (w *world) holder(t *testing.T, user string) license.Holder {
	t.Helper()
	item, ok, err := table.Get(t.Context(), w.Env.Table, license.HolderKey(w.Account, user))
	if err != nil || !ok {
		t.Fatalf("holder %s: %v, %v", user, ok, err)
	}
	h, err := call.Decode[license.Holder](item)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// live is how live-reports are counted.
func (w *world) live(t *testing.T) inventory.Summary {
	t.Helper()
	all, err := inventory.NewService(catalog.Default()).Summary(t.Context(), w.Call("ann"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s inventory.Summary) bool { return s.ProductID == catalog.LiveReportsID })
	return all[i]
}

// figures are the four numbers of a summary: agents, viewers, active, over.
func figures(s usage.Summary) [4]int64 {
	return [4]int64{s.MonitoredUsers, s.Viewers, s.ActiveUsers, s.OverageUsers}
}

func wantFigures(t *testing.T, s usage.Summary, want [4]int64) {
	t.Helper()
	if got := figures(s); got != want {
		t.Fatalf("agents, viewers, active, over: %v, want %v", got, want)
	}
}

// rollups are the days on which somebody was active.
func (w *world) rollups(t *testing.T) map[string]usage.DayBody {
	t.Helper()
	days := map[string]usage.DayBody{}
	for _, d := range w.summary(t, "").Daily {
		if d.ActiveUsers > 0 {
			days[d.Date] = d
		}
	}
	return days
}
