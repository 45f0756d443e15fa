package access_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"seatwise/infra/registry"
	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// provider is a desk that an operator stands at too.
type provider struct {
	*desk
	raw *meanwhile
}

// meanwhile lets something happen before a commit reaches the table.
type meanwhile struct {
	table.Store
	before func(ops []table.Operation)
}

func (m *meanwhile) Commit(ctx context.Context, ops []table.Operation) error {
	if before := m.before; before != nil {
		m.before = nil
		before(ops)
	}
	return m.Store.Commit(ctx, ops)
}

func operated(t *testing.T) *provider {
	t.Helper()
	k := fixtures.New(t)
	raw := &meanwhile{Store: k.Env.Table}
	k.Env.Table, k.Env.Files = raw, diskfiles.Start(t).Store
	f := registry.One(
		k.Env, "AccountsFunction", "DirectoryFunction", "LicensesFunction", "PurchaseFunction", "AssignmentFunction",
		"BillingFunction", "UsageFunction", "RequestsFunction", "MetricsFunction", "ReportFunction",
		"MassConfigurationFunction",
	)
	return &provider{&desk{Fixture: k, api: f.HTTP}, raw}
}

// operate is a request of the provider's operator.
func (p *provider) operate(t *testing.T, method, path string, body any) fixtures.Response {
	t.Helper()
	return p.Do(t, p.api, fixtures.Request{
		Method: method, Path: "/v1/accounts/acme" + path, Body: body, User: "op", Account: "provider",
		Permissions: auth.Permissions(),
	})
}

func (p *provider) become(t *testing.T, state call.State) {
	t.Helper()
	got := fixtures.Decode[struct{ State call.State }](
		t, p.operate(t, "PATCH", "", object{"state": state}), http.StatusOK,
	)
	if got.State != state {
		t.Fatalf("it is %q, not %q", got.State, state)
	}
}

// root is a request of who may do everything in the account.
func (p *provider) root(t *testing.T, method, path string, body any) fixtures.Response {
	t.Helper()
	if !strings.HasPrefix(path, "/v1/") {
		path = "/v1/accounts/acme" + path
	}
	return p.Do(t, p.api, fixtures.Request{
		Method: method, Path: path, Body: body, User: "root",
		Permissions: []auth.Permission{
			auth.CatalogRead, auth.BillingRead, auth.BillingPurchase, auth.LicensesRead, auth.LicensesManage,
			auth.DirectoryRead, auth.DirectoryManage, auth.UsageRead, auth.UsageWrite, auth.MetricsRead,
			auth.MetricsManage,
		},
	})
}

// changes are requests that change something, each of another part of the system.
func changes() []fixtures.Request {
	return []fixtures.Request{
		{Method: "PUT", Path: "/users/new", Body: object{"name": "New"}},
		{Method: "PATCH", Path: "/users/ann", Body: object{"name": "Ann B"}},
		{Method: "DELETE", Path: "/users/bob"},
		{Method: "PUT", Path: "/cost-centers/CC-9", Body: object{"name": "Nine"}},
		{Method: "PUT", Path: "/cost-centers/CC-1", Body: object{"name": "One", "fenced": true}},
		{Method: "PUT", Path: "/roles/reader", Body: object{"name": "Reader", "permissions": []string{}}},
		{Method: "PUT", Path: "/call-queues/support", Body: object{"name": "Support", "members": []string{"ann"}}},
		{Method: "POST", Path: "/assignments", Body: object{
			"items": []object{{"userId": "ann", "productId": "phone-system"}},
		}},
		{Method: "POST", Path: "/cart/lines", Body: object{
			"productId": "phone-system", "quantity": 1, "costCenter": "CC-1",
		}},
		{Method: "PUT", Path: "/policies/phone-system", Body: object{"lowSeats": 3}},
		{Method: "POST", Path: "/requests", Body: object{"productId": "developer", "userId": "ann", "reason": "work"}},
		{Method: "POST", Path: "/mass-configurations", Body: object{"fileName": "phones.xlsx", "sizeBytes": 100}},
		{Method: "POST", Path: "/exports", Body: object{"kind": "users", "format": "csv"}},
		{Method: "PUT", Path: "/metrics/licenses/wallboards", Body: object{"max": 9}},
	}
}

// stage makes an account with people and seats.
func (p *provider) stage(t *testing.T) {
	t.Helper()
	p.admin(t, "PUT", "/cost-centers/CC-1", object{"name": "One"})
	p.role(t, "viewer", auth.LiveReportsView)
	p.admin(t, "PUT", "/users/ann", object{"name": "Ann", "costCenter": "CC-1", "roleIds": []string{"viewer"}})
	p.admin(t, "PUT", "/users/bob", object{"name": "Bob"})
	p.admin(t, "PUT", "/call-queues/sales", object{"name": "Sales", "members": []string{"ann"}})
	p.admin(t, "PUT", "/dashboards/wall", object{"name": "Wall", "queueIds": []string{"sales"}})
	quote := fixtures.Decode[struct{ ID string }](t, p.Do(t, p.api, fixtures.Request{
		Method: "POST", Path: "/v1/accounts/acme/quotes", User: "root", Permissions: auth.Permissions(),
		Body: object{"lines": []object{{"productId": "phone-system", "quantity": 3, "costCenter": "CC-1"}}},
	}), http.StatusCreated)
	p.admin(t, "POST", "/orders", object{"quoteId": quote.ID, "acknowledged": true})
}

// entries counts the audit entries of the account: whatever counts has one.
func (p *provider) entries(t *testing.T) (n int) {
	t.Helper()
	query := table.Query{Index: table.Index1, Partition: "A#acme#AUDIT"}
	if err := table.All(t.Context(), p.raw, query, func(table.Item) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestASuspendedAccountIsReadNotChanged reads and changes an account that is suspended, and again when it
// is active.
func TestASuspendedAccountIsReadNotChanged(t *testing.T) {
	p := operated(t)
	p.stage(t)
	before := p.root(t, "GET", "/users/ann", nil)
	p.become(t, call.Suspended)
	was := p.entries(t)
	for _, r := range changes() {
		fixtures.Problem(t, p.root(t, r.Method, r.Path, r.Body), http.StatusConflict, "wrong-state")
		fixtures.Problem(t, p.root(t, r.Method, r.Path+"?dryRun=true", r.Body), http.StatusConflict, "wrong-state")
		fixtures.Problem(t, p.operate(t, r.Method, r.Path, r.Body), http.StatusConflict, "wrong-state")
	}
	fixtures.Problem(t, p.root(t, "PUT", "/users/ann", object{"nonsense": true}), http.StatusConflict, "wrong-state")
	if now := p.entries(t); now != was {
		t.Errorf("%d changes were made", now-was)
	}
	if after := p.root(t, "GET", "/users/ann", nil); string(after.Body) != string(before.Body) {
		t.Errorf("read %s, was %s", after.Body, before.Body)
	}
	views := object{"events": []object{{
		"id": "v1", "userId": "ann", "dashboardId": "wall", "at": fixtures.Start.Format("2006-01-02T15:04:05Z"),
	}}}
	told := p.root(t, "POST", "/usage/views", views)
	if told.Status != http.StatusAccepted || !strings.Contains(string(told.Body), `"accepted":1`) {
		t.Errorf("what is measured does not go on: %d %s", told.Status, told.Body)
	}
	got := fixtures.Decode[struct{ Name string }](
		t, p.operate(t, "PATCH", "", object{"name": "Acme Ltd"}), http.StatusOK,
	)
	if got.Name != "Acme Ltd" {
		t.Error("an operator cannot change the account itself")
	}
	p.become(t, call.Active)
	for _, r := range changes() {
		if got := p.root(t, r.Method, r.Path, r.Body); got.Status >= 300 {
			t.Errorf("%s %s of an active account: %d %s", r.Method, r.Path, got.Status, got.Body)
		}
	}
}

// TestAClosedAccountIsThereForOperatorsOnly asks for everything in a closed account.
func TestAClosedAccountIsThereForOperatorsOnly(t *testing.T) {
	p := operated(t)
	p.stage(t)
	p.become(t, call.Closed)
	reads := []string{"", "/users", "/users/ann", "/licenses", "/licenses/summary", "/orders", "/v1/me"}
	for _, path := range reads {
		fixtures.Problem(t, p.root(t, "GET", path, nil), http.StatusNotFound, "not-found")
		if strings.HasPrefix(path, "/v1/") {
			continue
		}
		if got := p.operate(t, "GET", path, nil); got.Status != http.StatusOK {
			t.Errorf("an operator gets %d of %s: %s", got.Status, path, got.Body)
		}
	}
	for _, r := range changes() {
		fixtures.Problem(t, p.root(t, r.Method, r.Path, r.Body), http.StatusNotFound, "not-found")
		fixtures.Problem(t, p.operate(t, r.Method, r.Path, r.Body), http.StatusConflict, "account-closed")
	}
	views := object{"events": []object{}}
	fixtures.Problem(t, p.root(t, "POST", "/usage/views", views), http.StatusNotFound, "not-found")
	if told := p.operate(t, "POST", "/usage/activity", object{"events": []object{{
		"id": "a1", "userId": "ann", "productId": "phone-system", "at": fixtures.Start.Format("2006-01-02T15:04:05Z"),
	}}}); told.Status != http.StatusConflict {
		t.Errorf("what is measured goes on in a closed account: %d %s", told.Status, told.Body)
	}
	p.become(t, call.Suspended)
	if got := p.root(t, "GET", "/users/ann", nil); got.Status != http.StatusOK {
		t.Errorf("a suspended account cannot be read: %d", got.Status)
	}
	p.become(t, call.Active)
	if got := p.root(t, "PUT", "/users/new", object{"name": "New"}); got.Status != http.StatusCreated {
		t.Errorf("a reopened account cannot be changed: %d %s", got.Status, got.Body)
	}
}

// TestNothingIsCommittedAfterTheAccountWasStopped suspends or closes the account after a request has read that
// it is active, and before its first commit.
func TestNothingIsCommittedAfterTheAccountWasStopped(t *testing.T) {
	for _, state := range []call.State{call.Suspended, call.Closed} {
		for _, r := range changes() {
			t.Run(fmt.Sprintf("%s %s %s", state, r.Method, r.Path), func(t *testing.T) {
				p := operated(t)
				p.stage(t)
				was := -1
				p.raw.before = func([]table.Operation) {
					p.become(t, state)
					was = p.entries(t)
				}
				got := p.root(t, r.Method, r.Path, r.Body)
				if was < 0 {
					t.Fatal("the request committed nothing")
				}
				if state == call.Closed {
					fixtures.Problem(t, got, http.StatusNotFound, "not-found")
				} else if r.Path != "/assignments" {
					fixtures.Problem(t, got, http.StatusConflict, "wrong-state")
				}
				if now := p.entries(t); now != was {
					t.Errorf("%d changes were made afterwards: %d %s", now-was, got.Status, got.Body)
				}
			})
		}
	}
}

// TestARepetitionIsToldWhatWasDone repeats a request under its key in a suspended account.
func TestARepetitionIsToldWhatWasDone(t *testing.T) {
	p := operated(t)
	keyed := fixtures.Request{
		Method: "PUT", Path: "/v1/accounts/acme/users/new", Body: object{"name": "New"}, User: "root",
		Permissions: []auth.Permission{auth.DirectoryManage}, Header: map[string]string{"Idempotency-Key": "k"},
	}
	posted := keyed
	posted.Header = map[string]string{"Idempotency-Key": "p"}
	posted.Method, posted.Path, posted.Body = "POST", "/v1/accounts/acme/requests",
		object{"productId": "phone-system", "userId": "root", "reason": "work"}
	first := p.Do(t, p.api, keyed)
	p.admin(t, "PUT", "/users/root", object{"name": "Root"})
	second := p.Do(t, p.api, posted)
	p.become(t, call.Suspended)
	for r, told := range map[*fixtures.Request]fixtures.Response{&keyed: first, &posted: second} {
		again := p.Do(t, p.api, *r)
		if again.Status != told.Status || string(again.Body) != string(told.Body) || told.Status >= 300 ||
			again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: %d %s, was %d %s", r.Path, again.Status, again.Body, told.Status, told.Body)
		}
		fresh := *r
		fresh.Header = map[string]string{"Idempotency-Key": "l"}
		fixtures.Problem(t, p.Do(t, p.api, fresh), http.StatusConflict, "wrong-state")
	}
}
