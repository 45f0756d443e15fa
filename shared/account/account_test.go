package account_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

func server(t *testing.T, k *fixtures.Fixture) http.Handler {
	t.Helper()
	return api.Serve(k.Env, account.NewService(k.Env, license.NewService(catalog.Default())).Routes).HTTP
}

func settings(change map[string]any) map[string]any {
	s := map[string]any{
		"name":       "Initech",
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "Europe/Vienna",
		"billingDay": 15,
		"bundle":     "standard",
	}
	maps.Copy(s, change)
	return s
}

// operator is a request of somebody at the provider.
func operator(method, path string, body any) fixtures.Request {
	return fixtures.Request{
		Method:      method,
		Path:        path,
		Body:        body,
		User:        "op",
		Account:     "provider",
		Permissions: []auth.Permission{auth.AccountsManage},
	}
}

func TestPutMakesAndChanges(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	r := k.Do(t, h, operator("PUT", "/v1/accounts/initech", settings(nil)))
	made := fixtures.Decode[account.Account](t, r, http.StatusCreated)
	if made.ID != "initech" || made.Brand != "RingCentral" || made.BillingDay != 15 ||
		made.Bundle != account.Standard ||
		!made.CreatedAt.Equal(fixtures.Start) {
		t.Errorf("made %+v", made)
	}
	if r.Header.Get("Location") != "/v1/accounts/initech" || r.Header.Get("ETag") != `"1"` {
		t.Errorf("headers %v", r.Header)
	}

	k.Clock.Add(time.Hour)
	if r = k.Do(
		t,
		h,
		operator("PUT", "/v1/accounts/initech", settings(nil)),
	); r.Status != http.StatusOK ||
		r.Header.Get("ETag") != `"1"` {
		t.Errorf("the same again: %d %s", r.Status, r.Header.Get("ETag"))
	}
	changed := fixtures.Decode[account.Account](
		t,
		k.Do(t, h, operator("PUT", "/v1/accounts/initech", settings(map[string]any{"name": "Initech Ltd"}))),
		http.StatusOK,
	)
	if changed.Name != "Initech Ltd" || !changed.CreatedAt.Equal(fixtures.Start) ||
		!changed.ChangedAt.Equal(fixtures.Start.Add(time.Hour)) {
		t.Errorf("changed %+v", changed)
	}

	if made.ReportSchedule != account.Monthly {
		t.Errorf("reports are made %q unless it is said otherwise", made.ReportSchedule)
	}

	stale := operator("PUT", "/v1/accounts/initech", settings(map[string]any{"name": "Late"}))
	stale.Header = map[string]string{"If-Match": `"1"`}
	fixtures.Problem(t, k.Do(t, h, stale), http.StatusPreconditionFailed, "precondition-failed")
	absent := operator("PUT", "/v1/accounts/hooli", settings(nil))
	absent.Header = map[string]string{"If-Match": "*"}
	fixtures.Problem(t, k.Do(t, h, absent), http.StatusPreconditionFailed, "precondition-failed")

	r = k.Do(t, h, operator("GET", "/v1/accounts/initech", nil))
	if got := fixtures.Decode[account.Account](
		t,
		r,
		http.StatusOK,
	); got.Name != "Initech Ltd" ||
		r.Header.Get("ETag") != `"2"` {
		t.Errorf("read %+v with %s", got, r.Header.Get("ETag"))
	}
	if actions := audited(t, k, "initech"); !slices.Equal(actions, []string{"account.created", "account.changed"}) {
		t.Errorf("audit: %v", actions)
	}
}

func audited(t *testing.T, k *fixtures.Fixture, id string) []string {
	t.Helper()
	var actions []string
	err := table.All(
		t.Context(),
		k.Env.Table,
		table.Query{Index: table.Index1, Partition: call.Partition(id, "AUDIT")},
		func(item table.Item) error {
			r, err := call.Decode[call.AuditRecord](item)
			actions = append(actions, r.Action)
			return err
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

// An account of which no change is known says so by leaving the time out, not by the year 1.
func TestWithoutAChangeThereIsNoTimeOfOne(t *testing.T) {
	text, err := json.Marshal(account.Account{ID: "initech", CreatedAt: fixtures.Start})
	if err != nil || strings.Contains(string(text), "changedAt") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestPutNamesTheFieldAtFault(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	for _, c := range []struct {
		name   string
		change map[string]any
		field  string
	}{
		{"no name", map[string]any{"name": ""}, "name"},
		{"a name of spaces", map[string]any{"name": "  "}, "name"},
		{"a name with a line break", map[string]any{"name": "a\nb"}, "name"},
		{"a brand that is a path", map[string]any{"brand": "a/b"}, "brand"},
		{"a brand that climbs", map[string]any{"brand": ".."}, "brand"},
		{"a currency without prices", map[string]any{"currency": "CHF"}, "currency"},
		{"no currency", map[string]any{"currency": "dollars"}, "currency"},
		{"an unknown zone", map[string]any{"timezone": "Mars/Base"}, "timezone"},
		{"the machine's own zone", map[string]any{"timezone": "Local"}, "timezone"},
		{"a zone outside of the database", map[string]any{"timezone": "../etc/passwd"}, "timezone"},
		{"no day", map[string]any{"billingDay": 0}, "billingDay"},
		{"a day that February lacks", map[string]any{"billingDay": 29}, "billingDay"},
		{"half a day", map[string]any{"billingDay": 1.5}, "billingDay"},
		{"an unknown bundle", map[string]any{"bundle": "gold"}, "bundle"},
		{"an unknown schedule", map[string]any{"reportSchedule": "daily"}, "reportSchedule"},
		{"something unknown", map[string]any{"size": 3}, "size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := fixtures.Problem(
				t,
				k.Do(t, h, operator("PUT", "/v1/accounts/initech", settings(c.change))),
				http.StatusUnprocessableEntity,
				"validation",
			)
			if len(p.Errors) == 0 || p.Errors[0].Field != c.field {
				t.Errorf("names %+v, want %s", p.Errors, c.field)
			}
		})
	}
	p := fixtures.Problem(
		t,
		k.Do(t, h, operator("PUT", "/v1/accounts/a%20b", settings(nil))),
		http.StatusUnprocessableEntity,
		"validation",
	)
	if len(p.Errors) != 1 || p.Errors[0].Field != "account" {
		t.Errorf("names %+v, want account", p.Errors)
	}
	fixtures.Problem(t, k.Do(t, h, operator("GET", "/v1/accounts/initech", nil)), http.StatusNotFound, "not-found")
}

func TestOnlyOperatorsMakeAndList(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	zoe := fixtures.Request{
		Method:      "PUT",
		Path:        "/v1/accounts/acme",
		Body:        settings(nil),
		User:        "zoe",
		Permissions: []auth.Permission{auth.BillingRead, auth.LicensesManage},
	}
	fixtures.Problem(t, k.Do(t, h, zoe), http.StatusForbidden, "forbidden")
	zoe.Path = "/v1/accounts/globex"
	fixtures.Problem(t, k.Do(t, h, zoe), http.StatusNotFound, "not-found")
	zoe.Method, zoe.Body = "GET", nil
	fixtures.Problem(t, k.Do(t, h, zoe), http.StatusNotFound, "not-found")
	zoe.Path = "/v1/accounts"
	fixtures.Problem(t, k.Do(t, h, zoe), http.StatusForbidden, "forbidden")
	zoe.Path = "/v1/accounts/acme"
	fixtures.Decode[account.Account](t, k.Do(t, h, zoe), http.StatusOK)
	fixtures.Problem(
		t,
		k.Do(t, h, fixtures.Request{Method: "GET", Path: "/v1/accounts/acme"}),
		http.StatusUnauthorized,
		"unauthorized",
	)
}

func TestListInPages(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	want := make([]string, 0, 5)
	for i := range 5 {
		id := fmt.Sprintf("customer-%d", i)
		want = append(want, id)
		fixtures.Decode[account.Account](
			t,
			k.Do(t, h, operator("PUT", "/v1/accounts/"+id, settings(nil))),
			http.StatusCreated,
		)
	}
	var got []string
	for path := "/v1/accounts?limit=2"; path != ""; {
		page := fixtures.Decode[api.List[account.Account]](t, k.Do(t, h, operator("GET", path, nil)), http.StatusOK)
		for _, a := range page.Items {
			got = append(got, a.ID)
		}
		path = ""
		if page.NextCursor != "" {
			path = "/v1/accounts?limit=2&cursor=" + page.NextCursor
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	fixtures.Problem(
		t,
		k.Do(t, h, operator("GET", "/v1/accounts?cursor=AAAA", nil)),
		http.StatusBadRequest,
		"malformed-body",
	)
}

func TestCurrencyStaysOnceSomethingIsBought(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	fixtures.Decode[account.Account](
		t,
		k.Do(t, h, operator("PUT", "/v1/accounts/acme", settings(map[string]any{"currency": "EUR"}))),
		http.StatusOK,
	)
	buy := table.Put(table.Item{Key: account.PurchasedKey("acme"), Data: []byte("{}")}, table.IfAbsent)
	if err := k.Env.Table.Commit(t.Context(), []table.Operation{buy}); err != nil {
		t.Fatal(err)
	}
	fixtures.Problem(
		t,
		k.Do(t, h, operator("PUT", "/v1/accounts/acme", settings(nil))),
		http.StatusConflict,
		"wrong-state",
	)
	fixtures.Decode[account.Account](
		t,
		k.Do(t, h, operator("PUT", "/v1/accounts/acme", settings(map[string]any{"currency": "EUR", "billingDay": 3}))),
		http.StatusOK,
	)
}

// TestOneOfManyMakers lets twenty make one account at once: one is told that it is new, and there
// is one record of that.
func TestOneOfManyMakers(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	var wg sync.WaitGroup
	status := make([]int, 20)
	for i := range status {
		wg.Go(func() { status[i] = k.Do(t, h, operator("PUT", "/v1/accounts/initech", settings(nil))).Status })
	}
	wg.Wait()
	slices.Sort(status)
	if status[18] != http.StatusOK || status[19] != http.StatusCreated || status[0] != http.StatusOK {
		t.Errorf("answered %v", status)
	}
	if actions := audited(t, k, "initech"); len(actions) != 1 {
		t.Errorf("audit: %v", actions)
	}
}

// TestBundleFollows changes the bundle to unlimited Live Reports and back: everybody's seat and
// every place in the waiting list goes, and comes back.
func TestBundleFollows(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	s := account.NewService(k.Env, license.NewService(catalog.Default()))
	kernel := license.NewService(catalog.Default())
	const people, seats = 250, 120
	if err := kernel.Deliver(t.Context(), k.Call("op"), license.Delivery{
		OrderID: k.Env.IDs.Ordered(),
		Lots:    []license.Lot{{ProductID: catalog.LiveReportsID, CostCenter: "CC-1", Quantity: seats}},
	}); err != nil {
		t.Fatal(err)
	}
	for i := range people {
		user := fmt.Sprintf("user-%03d", i)
		change := kernel.Change(k.Call("op"))
		if _, err := change.Load(t.Context(), license.Need{Users: []string{user}}); err != nil {
			t.Fatal(err)
		}
		if err := change.Put(
			t.Context(), license.Person{UserID: user, Name: strings.ToUpper(user), Active: true},
		); err != nil {
			t.Fatal(err)
		}
		if err := change.Grant(t.Context(), user, catalog.LiveReportsID, license.QueueGrant("q")); err != nil {
			t.Fatal(err)
		}
		if err := change.Commit(t.Context(), call.Answer{}); err != nil {
			t.Fatal(err)
		}
	}
	states := func() map[license.State]int {
		counts := map[license.State]int{}
		for i := range people {
			change := kernel.Change(k.Call("op"))
			user := fmt.Sprintf("user-%03d", i)
			if _, err := change.Load(t.Context(), license.Need{Users: []string{user}}); err != nil {
				t.Fatal(err)
			}
			holder, err := change.Holder(user)
			if err != nil {
				t.Fatal(err)
			}
			counts[change.StateOf(holder, catalog.LiveReportsID)]++
		}
		return counts
	}
	if got := states(); got[license.Holds] != seats || got[license.Waits] != people-seats {
		t.Fatalf("before: %v", got)
	}

	put := func(bundle account.Bundle) {
		t.Helper()
		body := map[string]any{"name": "Acme", "timezone": "America/New_York", "billingDay": 1, "bundle": bundle}
		fixtures.Decode[account.Account](
			t,
			k.Do(t, h, operator("PUT", "/v1/accounts/acme", settings(body))),
			http.StatusOK,
		)
	}
	resume := func() {
		t.Helper()
		if err := s.ResumeBundles(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	marked := func() bool {
		left, err := account.BundleMarkers.Any(t.Context(), k.Env.Table, k.Account, "")
		if err != nil {
			t.Fatal(err)
		}
		return left
	}

	put(account.CustomerEngagement)
	if got := states(); got[license.Holds]+got[license.Waits] == 0 || got[license.Covered] < 200 {
		t.Errorf("the first 200 are looked at before the answer, the others after it: %v", got)
	}
	resume()
	if got := states(); got[license.Covered] != people {
		t.Errorf("unlimited: %v", got)
	}
	if !marked() {
		t.Error("the marker went before the second round")
	}
	k.Clock.Add(20 * time.Minute)
	resume()
	if marked() {
		t.Error("the marker stays after the second round")
	}

	put(account.Standard)
	resume()
	if got := states(); got[license.Holds] != seats || got[license.Waits] != people-seats {
		t.Errorf("standard again: %v", got)
	}
}
