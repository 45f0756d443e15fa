package alert_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/alert"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/table"
	"seatwise/shared/policy"
	"seatwise/shared/purchase"
)

type world struct {
	*fixtures.Fixture
	t      *testing.T
	kernel *license.Service
	alerts *alert.Service
	api    http.Handler
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Fixture: fixtures.New(t), t: t, kernel: license.NewService(catalog.Default())}
	w.alerts = alert.NewService(w.Env, w.kernel)
	w.api = api.Serve(w.Env, policy.NewService(w.kernel.Products()).Routes, w.alerts.Routes).HTTP
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
	w.must(w.kernel.Deliver(w.t.Context(), w.Call("ann"), license.Delivery{
		OrderID: w.Env.IDs.Ordered(), Lots: []license.Lot{{ProductID: product, CostCenter: "CC", Quantity: n}},
	}))
}

func (w *world) ask(method, path string, body any, may ...auth.Permission) fixtures.Response {
	w.t.Helper()
	return w.Do(w.t, w.api, fixtures.Request{
		Method: method, Path: "/v1/accounts/" + w.Account + path, Body: body, User: "ann", Permissions: may,
	})
}

func (w *world) rule(product string, rules map[string]any, status int) {
	w.t.Helper()
	if r := w.ask(http.MethodPut, "/policies/"+product, rules, auth.BillingPurchase); r.Status != status {
		w.t.Fatalf("a rule for %s: %d %s", product, r.Status, r.Body)
	}
}

func (w *world) look() {
	w.t.Helper()
	w.must(w.alerts.Look(w.t.Context(), ""))
}

// listed are the account's alerts, the newest first.
func (w *world) listed(query string) []alert.Alert {
	w.t.Helper()
	r := w.ask(http.MethodGet, "/alerts"+query, nil, auth.BillingRead)
	return fixtures.Decode[struct{ Items []alert.Alert }](w.t, r, http.StatusOK).Items
}

func (w *world) want(query, want string) {
	w.t.Helper()
	var all []string
	for _, a := range w.listed(query) {
		all = append(all, strings.Join([]string{string(a.Kind), a.ProductID + a.Subject, string(a.State)}, " "))
	}
	if got := strings.Join(all, ", "); got != want {
		w.t.Errorf("alerts%s: %q, want %q", query, got, want)
	}
}

// An alert of few free seats begins once and ends once, however often its rule is looked at, and
// begins again when it is broken again.
func TestFewFreeSeats(t *testing.T) {
	w := newWorld(t)
	w.buy("developer", 3)
	w.rule("developer", map[string]any{"lowSeats": 2, "idleDays": 30}, http.StatusCreated)
	w.look()
	w.want("", "")
	people := directory.NewService(w.Env, w.kernel)
	for _, id := range []string{"ann", "bob"} {
		_, err := people.PutUser(t.Context(), w.Call("ann"), directory.User{ID: id, Name: id, Active: true})
		w.must(err)
		_, err = w.kernel.AssignProduct(t.Context(), w.Call("ann"), "developer", id, "")
		w.must(err)
	}
	began := w.Clock.Now()
	for range 3 {
		w.look()
		w.Clock.Add(time.Minute)
	}
	w.want("?state=open", "lowSeats developer open")
	if a := w.listed("")[0]; !a.Since.Equal(began) || a.Until != nil ||
		a.Detail != "Developer: 1 of 3 seats are free, fewer than 2." {
		t.Errorf("the alert: %+v", a)
	}
	w.buy("developer", 1)
	for range 3 {
		w.look()
	}
	w.want("?state=open", "")
	w.want("", "lowSeats developer over")
	if a := w.listed("?state=over")[0]; a.Until == nil || !a.Until.Equal(w.Clock.Now()) || !a.Since.Equal(began) {
		t.Errorf("the alert that is over: %+v", a)
	}
	w.Clock.Add(time.Minute)
	w.rule("developer", map[string]any{"lowSeats": 3}, http.StatusOK)
	w.look()
	w.want("", "lowSeats developer open, lowSeats developer over")
	if r := w.ask(
		http.MethodDelete,
		"/policies/developer",
		nil,
		auth.BillingPurchase,
	); r.Status != http.StatusNoContent {
		t.Fatalf("delete: %d", r.Status)
	}
	w.look()
	w.want("?state=open", "")
	began2, ended := w.entries("alert.began"), w.entries("alert.ended")
	if began2 != 2 || ended != 2 {
		t.Errorf("%d alerts began and %d ended, want 2 and 2", began2, ended)
	}
}

// An alert of a maximum that is reached begins once, and ends once, with the billing period or a larger
// maximum.
func TestAMaximumThatIsReached(t *testing.T) {
	w := newWorld(t)
	purchase.Supplied(w.kernel)
	w.must(w.Env.Table.Commit(t.Context(), []table.Operation{
		table.Put(table.Item{Key: license.CostCenterKey(w.Account, "CC"), Data: []byte("{}")}, table.Always),
	}))
	price, err := catalog.Default().Price("live-reports", "USD")
	w.must(err)
	most := func(seats int) map[string]any {
		return map[string]any{"autoPurchase": map[string]any{
			"enabled": true, "maxSeats": seats, "costCenter": "CC", "acknowledgedPrice": price,
		}}
	}
	w.rule("live-reports", most(2), http.StatusCreated)
	w.look()
	w.want("", "")
	people := directory.NewService(w.Env, w.kernel)
	for _, id := range []string{"ann", "bob"} {
		_, err := people.PutUser(t.Context(), w.Call("ann"), directory.User{ID: id, Name: id, Active: true})
		w.must(err)
		w.must(call.Decide(t.Context(), func(ctx context.Context) error {
			u := w.kernel.Change(w.Call("ann"))
			if _, err := u.Load(ctx, license.Need{Users: []string{id}}); err != nil {
				return err
			}
			if err := u.Grant(ctx, id, "live-reports", "queue:q"); err != nil {
				return err
			}
			return u.Commit(ctx, call.Answer{})
		}))
	}
	for range 3 {
		w.look()
	}
	w.want("?state=open", "capReached live-reports open")
	if a := w.listed("")[0]; a.Detail != "Live Reports: no more seats are bought automatically in the "+
		"billing period from 2026-07-01 on, in which 2 were." {
		t.Errorf("the alert: %+v", a)
	}
	w.Clock.Set(time.Date(2026, time.August, 1, 5, 0, 0, 0, time.UTC))
	for range 3 {
		w.look()
	}
	w.want("?state=open", "")
	w.Clock.Set(fixtures.Start)
	w.look()
	w.rule("live-reports", most(3), http.StatusOK)
	w.look()
	w.want("?state=open", "")
	if began, ended := w.entries("alert.began"), w.entries("alert.ended"); began != 2 || ended != 2 {
		t.Errorf("%d alerts began and %d ended, want 2 and 2", began, ended)
	}
}

// entries counts the audit entries of an action.
func (w *world) entries(action string) int {
	w.t.Helper()
	n := 0
	query := table.Query{Index: table.Index1, Partition: call.Partition(w.Account, "AUDIT")}
	w.must(table.All(w.t.Context(), w.Env.Table, query, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		if r.Action == action {
			n++
		}
		return err
	}))
	return n
}

// Several runs at once begin an alert once.
func TestRunsBesideEachOther(t *testing.T) {
	w := newWorld(t)
	w.rule("developer", map[string]any{"lowSeats": 1}, http.StatusCreated)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := w.alerts.Look(context.WithoutCancel(t.Context()), ""); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	w.want("", "lowSeats developer open")
	w.buy("developer", 1)
	for range 8 {
		group.Go(func() { _ = w.alerts.Look(context.WithoutCancel(t.Context()), "") })
	}
	group.Wait()
	w.want("", "lowSeats developer over")
	if n := w.entries("alert.began") + w.entries("alert.ended"); n != 2 {
		t.Errorf("%d audit entries, want 2", n)
	}
}

// People who wait raise an alert of their product until the last one is served.
func TestPeopleWhoWait(t *testing.T) {
	w := newWorld(t)
	people := directory.NewService(w.Env, w.kernel)
	_, err := people.PutUser(t.Context(), w.Call("ann"), directory.User{ID: "bob", Name: "Bob", Active: true})
	w.must(err)
	_, err = people.PutQueue(t.Context(), w.Call("ann"), "q", "Queue", []string{"bob"})
	w.must(err)
	_, err = people.PutDashboard(t.Context(), w.Call("ann"),
		directory.Dashboard{ID: "d", Name: "Dashboard", QueueIDs: []string{"q"}})
	w.must(err)
	w.look()
	w.look()
	w.want("?state=open", "waiting live-reports open")
	w.buy("live-reports", 1)
	w.must(w.kernel.DrainWaiting(t.Context(), w.Env, ""))
	w.look()
	w.want("", "waiting live-reports over")
}

// What failed raises an alert until a later one of its kind succeeds, or a week has passed.
func TestWhatFailed(t *testing.T) {
	w := newWorld(t)
	fail := func(kind, id string) {
		op, err := failures.Note(w.Account, w.Clock.Now(), failures.Failure{Kind: kind, ID: id, Detail: "It failed."})
		w.must(err)
		w.must(w.Env.Table.Commit(t.Context(), []table.Operation{op}))
	}
	fail("import", "i1")
	fail("report", "r1")
	w.look()
	fail("import", "i2")
	w.look()
	w.want("?state=open", "failed report:r1 open, failed import:i1 open")
	w.must(w.Env.Table.Commit(t.Context(), []table.Operation{failures.Forget(w.Account, "import")}))
	w.look()
	w.want("?state=open", "failed report:r1 open")
	fail(failures.Period, "2026-07-01") // cannot be closed
	w.look()
	w.want("?state=open", "periodWaits period:2026-07-01 open, failed report:r1 open")
	w.must(w.Env.Table.Commit(t.Context(), []table.Operation{failures.Forget(w.Account, failures.Period)}))
	w.look()
	w.want("?state=open", "failed report:r1 open")
	w.Clock.Add(7 * 24 * time.Hour)
	w.look()
	w.want("?state=open", "")
}

// Accounts without a rule, and with nothing to tell, are not read.
func TestAccountsWithoutWorkAreNotRead(t *testing.T) {
	w := newWorld(t)
	w.rule("developer", map[string]any{"lowSeats": 1}, http.StatusCreated)
	w.buy("developer", 1)
	reads := &reading{Store: w.Env.Table}
	w.Env.Table = reads
	w.look()
	for _, partition := range reads.partitions {
		if !strings.HasPrefix(partition, "JOBS#") && partition != "A#acme#SEATS" &&
			partition != "A#acme#TRIES" && // whether a look at it has failed
			!strings.HasPrefix(partition, "A#acme#STATE#") { // and whether it is closed
			t.Errorf("read %s", partition)
		}
	}
}

type reading struct {
	table.Store
	partitions []string
}

func (r *reading) Query(ctx context.Context, q table.Query) (table.Page, error) {
	r.partitions = append(r.partitions, q.Partition)
	return r.Store.Query(ctx, q)
}

func (r *reading) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	for _, key := range keys {
		r.partitions = append(r.partitions, key.Partition)
	}
	return r.Store.Lookup(ctx, keys...)
}

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	w.rule("nothing", map[string]any{"lowSeats": 1}, http.StatusNotFound)
	w.rule("wallboard", map[string]any{"lowSeats": 1}, http.StatusUnprocessableEntity)
	w.rule("wallboard", map[string]any{"idleDays": 60}, http.StatusCreated)
	w.rule("developer", map[string]any{"lowSeats": 0}, http.StatusUnprocessableEntity)
	w.rule("developer", map[string]any{"lowSeats": 5, "idleDays": 367}, http.StatusUnprocessableEntity)
	w.rule("developer", map[string]any{"lowSeats": 5}, http.StatusCreated)
	entries := w.entries("policy.changed")
	w.rule("developer", map[string]any{"lowSeats": 5}, http.StatusOK)
	if n := w.entries("policy.changed"); n != entries {
		t.Errorf("what is the same is %d changes", n-entries)
	}
	patch := w.ask(
		http.MethodPatch,
		"/policies/developer",
		map[string]any{"lowSeats": nil, "idleDays": 9},
		auth.BillingPurchase,
	)
	p := fixtures.Decode[policy.Policy](t, patch, http.StatusOK)
	if p.LowSeats != nil || p.IdleDays == nil || *p.IdleDays != 9 {
		t.Errorf("patched: %s", patch.Body)
	}
	list := fixtures.Decode[struct{ Items []policy.Policy }](
		t,
		w.ask(http.MethodGet, "/policies", nil, auth.BillingRead),
		200,
	)
	if len(list.Items) != 2 || list.Items[0].ProductID != "developer" {
		t.Errorf("listed: %+v", list)
	}
	if r := w.ask(
		http.MethodPut,
		"/policies/developer",
		map[string]any{},
		auth.BillingRead,
	); r.Status != http.StatusForbidden {
		t.Errorf("without billing.purchase: %d", r.Status)
	}
	for _, path := range []string{"/policies/call-group", "/policies/nothing"} {
		if r := w.ask(http.MethodGet, path, nil, auth.BillingRead); r.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.Status)
		}
	}
}
