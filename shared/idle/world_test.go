package idle_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/idle"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

const day = 24 * time.Hour

// world is an account with people in it.
type world struct {
	*fixtures.Fixture
	t         testing.TB
	kernel    *license.Service
	directory *directory.Service
	usage     *usage.Service
	idle      *idle.Service
	inventory *inventory.Service
	api       http.Handler
	events    int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldOn(t, fixtures.New(t))
}

func worldOn(t testing.TB, fixture *fixtures.Fixture) *world {
	t.Helper()
	w := &world{Fixture: fixture, t: t, kernel: license.NewService(catalog.Default())}
	w.directory = directory.NewService(fixture.Env, w.kernel)
	w.usage = usage.NewService(fixture.Env, w.kernel, w.directory)
	w.idle = idle.NewService(fixture.Env, w.kernel, w.usage)
	w.inventory = inventory.NewService(w.kernel.Products())
	w.api = api.Serve(fixture.Env, w.usage.Routes, w.idle.Routes).HTTP
	_, err := account.NewService(w.Env, w.kernel).Put(t.Context(), w.Call("operator"), account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "America/Detroit", BillingDay: 1,
		Bundle: account.Standard,
	})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) buy(product string, n int) {
	w.t.Helper()
	w.must(w.Env.Table.Commit(w.t.Context(), []table.Operation{call.Counts(w.Account)})) // as the first order does
	w.must(w.kernel.Deliver(w.t.Context(), w.Call("ann"), license.Delivery{
		OrderID: w.Env.IDs.Ordered(), Lots: []license.Lot{{ProductID: product, CostCenter: "CC", Quantity: n}},
	}))
}

func (w *world) people(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		_, err := w.directory.PutUser(
			w.t.Context(),
			w.Call("ann"),
			directory.User{
				ID:      id,
				Name:    strings.ToUpper(id[:1]) + id[1:],
				Active:  true,
				RoleIDs: []string{"super-admin"},
			},
		)
		w.must(err)
	}
}

// assign gives users a seat each.
func (w *world) assign(product string, users ...string) {
	w.t.Helper()
	for _, user := range users {
		_, err := w.kernel.AssignProduct(w.t.Context(), w.Call("ann"), product, user, "")
		w.must(err)
	}
}

// use tells that users use a product now.
func (w *world) use(product string, users ...string) {
	w.t.Helper()
	var events []usage.Activity
	for _, user := range users {
		w.events++
		events = append(events, usage.Activity{
			ID: fmt.Sprint("event-", w.events), UserID: user, ProductID: product, At: w.Clock.Now(),
		})
	}
	got, err := w.usage.TakeActivity(w.t.Context(), w.Call("pbx"), events)
	w.must(err)
	if got.Accepted != len(users) {
		w.t.Fatalf("use: %+v", got)
	}
}

// list makes the day's list of idle seats.
func (w *world) list() {
	w.t.Helper()
	w.must(w.idle.Scheduled(w.t.Context(), fmt.Appendf(nil, `{"time": %q}`, w.Clock.Now().Format(time.RFC3339))))
}

func (w *world) ask(method, path string, body any, permissions ...auth.Permission) fixtures.Response {
	w.t.Helper()
	return w.Do(w.t, w.api, fixtures.Request{
		Method: method, Path: "/v1/accounts/" + w.Account + path, Body: body, User: "ann", Permissions: permissions,
	})
}

func (w *world) page(query string) idle.SeatsPage {
	w.t.Helper()
	return fixtures.Decode[idle.SeatsPage](
		w.t,
		w.ask(http.MethodGet, "/idle"+query, nil, auth.BillingRead),
		http.StatusOK,
	)
}

// seats are the users and products of idle seats.
func seats(page idle.SeatsPage) string {
	var all []string
	for _, s := range page.Items {
		all = append(all, s.User.ID+" "+s.License.ProductID)
	}
	return strings.Join(all, ", ")
}

func (w *world) want(query, want string) idle.SeatsPage {
	w.t.Helper()
	page := w.page(query)
	if got := seats(page); got != want {
		w.t.Errorf("idle%s: %q, want %q", query, got, want)
	}
	return page
}

func decode[T any](t testing.TB, r fixtures.Response, status int) T {
	t.Helper()
	return fixtures.Decode[T](t, r, status)
}

func decodeItem[T any](t testing.TB, item table.Item) T {
	t.Helper()
	v, err := call.Decode[T](item)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func inventoryOf() inventory.Of { return inventory.Of{} }

// entries counts the audit entries of an action.
func (w *world) entries(action string) int {
	w.t.Helper()
	n := 0
	query := table.Query{Index: table.Index1, Partition: call.Partition(w.Account, "AUDIT")}
	w.must(table.All(w.t.Context(), w.Env.Table, query, func(item table.Item) error {
		if decodeItem[call.AuditRecord](w.t, item).Action == action {
			n++
		}
		return nil
	}))
	return n
}
