package operations_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/license/operations"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// front is an account with the two functions of the kernel.
type front struct {
	*fixtures.Fixture
	t                    *testing.T
	kernel               *license.Service
	licenses, assignment http.Handler
}

func open(t *testing.T) *front {
	t.Helper()
	return openOn(t, fixtures.New(t))
}

func openOn(t *testing.T, k *fixtures.Fixture) *front {
	t.Helper()
	// Each is a process of its own, so it has a kernel of its own.
	licenses := api.Serve(k.Env, operations.New(license.NewService(catalog.Default())).LicensesRoutes)
	assignment := api.Serve(k.Env, operations.New(license.NewService(catalog.Default())).AssignmentRoutes)
	f := &front{
		Fixture:    k,
		t:          t,
		kernel:     license.NewService(catalog.Default()),
		licenses:   licenses.HTTP,
		assignment: assignment.HTTP,
	}
	for _, code := range []string{"CC-1", "CC-2"} {
		op := table.Put(table.Item{Key: license.CostCenterKey(k.Account, code), Data: []byte(`{}`)}, table.Always)
		if err := k.Env.Table.Commit(t.Context(), []table.Operation{op}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f *front) buy(product string, n int) {
	f.t.Helper()
	lots := []license.Lot{{ProductID: product, CostCenter: "CC-1", Quantity: n}}
	if err := f.kernel.Deliver(f.t.Context(), f.Call("admin"), license.Delivery{
		OrderID: f.Env.IDs.Ordered(),
		Lots:    lots,
	}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *front) change(user string, verbs func(context.Context, *license.UnitOfWork) error) {
	f.t.Helper()
	ctx := f.t.Context()
	ch := f.kernel.Change(f.Call("admin"))
	if _, err := ch.Load(ctx, license.Need{Users: []string{user}}); err != nil {
		f.t.Fatal(err)
	}
	if err := verbs(ctx, ch); err != nil {
		f.t.Fatal(err)
	}
	if err := ch.Commit(ctx, call.Answer{}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *front) hire(user, name string) {
	f.t.Helper()
	f.change(user, func(ctx context.Context, ch *license.UnitOfWork) error {
		return ch.Put(ctx, license.Person{UserID: user, Name: name, Active: true})
	})
}

// send sends a request to the function that has the route; header is pairs of names and values.
func (f *front) send(method, path string, body any, header ...string) fixtures.Response {
	f.t.Helper()
	r := fixtures.Request{
		Method:      method,
		Path:        "/v1/accounts/acme" + path,
		Body:        body,
		User:        "admin",
		Permissions: []auth.Permission{auth.LicensesRead, auth.LicensesManage},
		Header:      map[string]string{},
	}
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = header[i+1]
	}
	return f.Do(f.t, f.of(method, path), r)
}

// of is the function that has the route.
func (f *front) of(method, path string) http.Handler {
	path, _, _ = strings.Cut(path, "?")
	for _, end := range []string{"/assign", "/unassign", "/reassign", "/assignments", "/assignments/remove"} {
		if strings.HasSuffix(path, end) {
			return f.assignment
		}
	}
	if method == http.MethodPut && strings.HasSuffix(path, "/add-ons") {
		return f.assignment
	}
	return f.licenses
}

type object = map[string]any

func TestLicensesOverHTTP(t *testing.T) {
	f := open(t)
	f.buy("live-reports", 3)
	f.hire("zoe", "Zoe Zed")
	f.hire("yan", "Yan")

	list := fixtures.Decode[api.List[license.License]](t, f.send("GET", "/licenses?limit=2", nil), 200)
	if len(list.Items) != 2 || list.NextCursor == "" {
		t.Fatalf("%+v", list)
	}
	rest := fixtures.Decode[api.List[license.License]](
		t,
		f.send("GET", "/licenses?limit=2&cursor="+list.NextCursor, nil),
		200,
	)
	if len(rest.Items) != 1 || rest.NextCursor != "" || rest.Items[0].ID == list.Items[0].ID {
		t.Fatalf("%+v", rest)
	}
	id := list.Items[0].ID

	answer := f.send("POST", "/licenses/"+id+"/assign", object{"userId": "zoe"}, "Idempotency-Key", "k1")
	l := fixtures.Decode[license.License](t, answer, 200)
	tag := answer.Header.Get("ETag")
	if l.UserID != "zoe" || tag == "" {
		t.Fatalf("%+v, tag %q", l, tag)
	}
	if got := f.send(
		"GET",
		"/licenses/"+id,
		nil,
	); got.Header.Get("ETag") != tag ||
		string(got.Body) != string(answer.Body) {
		t.Fatalf("read %s with %s, was told %s with %s", got.Body, got.Header.Get("ETag"), answer.Body, tag)
	}
	again := f.send("POST", "/licenses/"+id+"/assign", object{"userId": "zoe"}, "Idempotency-Key", "k1")
	if again.Status != 200 || again.Header.Get("Idempotent-Replayed") != "true" || again.Header.Get("ETag") != tag ||
		strings.TrimSpace(string(again.Body)) != strings.TrimSpace(string(answer.Body)) {
		t.Fatalf("%d %v %s, want %s", again.Status, again.Header, again.Body, answer.Body)
	}
	fixtures.Problem(
		t,
		f.send("POST", "/licenses/"+id+"/assign", object{"userId": "yan"}, "Idempotency-Key", "k1"),
		422,
		"idempotency-mismatch",
	)
	fixtures.Problem(
		t,
		f.send("POST", "/licenses/"+id+"/assign", object{"userId": "yan"}),
		409,
		"license-not-available",
	)
	fixtures.Problem(t, f.send("POST", "/licenses/"+id+"/terminate", nil), 409, "license-in-use")
	fixtures.Problem(
		t,
		f.send("PATCH", "/licenses/"+id, object{"costCenter": "CC-2"}, "If-Match", `"99"`),
		412,
		"precondition-failed",
	)
	changed := f.send("PATCH", "/licenses/"+id, object{"costCenter": "CC-2"}, "If-Match", tag)
	if l := fixtures.Decode[license.License](
		t,
		changed,
		200,
	); l.CostCenter != "CC-2" ||
		changed.Header.Get("ETag") == tag {
		t.Fatalf("%+v", l)
	}
	p := fixtures.Problem(t, f.send("PATCH", "/licenses/"+id, object{"costCenter": "CC-9"}), 422, "validation")
	if p.Errors[0].Field != "costCenter" {
		t.Fatalf("%+v", p)
	}

	sum := fixtures.Decode[api.List[inventory.Summary]](t, f.send("GET", "/licenses/summary", nil), 200)
	if s := sum.Items[0]; s.ProductID != "live-reports" || s.Bought != 3 || s.Assigned != 1 || s.Available != 2 {
		t.Fatalf("%+v", sum.Items)
	}
	if l := fixtures.Decode[license.License](
		t,
		f.send("POST", "/licenses/"+id+"/reassign", object{"userId": "yan"}),
		200,
	); l.UserName != "Yan" {
		t.Fatalf("%+v", l)
	}
	if l := fixtures.Decode[license.License](
		t,
		f.send("POST", "/licenses/"+id+"/unassign", nil),
		200,
	); l.Status != license.Available {
		t.Fatalf("%+v", l)
	}
	if l := fixtures.Decode[license.License](
		t,
		f.send("POST", "/licenses/"+id+"/terminate", nil),
		200,
	); l.Status != license.Terminated {
		t.Fatalf("%+v", l)
	}
	many := fixtures.Decode[license.Results](
		t,
		f.send("POST", "/licenses/terminate", object{"licenseIds": []string{id, "x", list.Items[1].ID}}),
		200,
	)
	if many.Succeeded != 2 || many.Failed != 1 || many.Results[1].Problem.Type != "urn:seatwise:problem:not-found" {
		t.Fatalf("%+v", many)
	}
	many = fixtures.Decode[license.Results](
		t,
		f.send("POST", "/licenses/cost-center", object{"licenseIds": []string{rest.Items[0].ID}, "costCenter": "CC-2"}),
		200,
	)
	if many.Succeeded != 1 || many.Results[0].License.CostCenter != "CC-2" {
		t.Fatalf("%+v", many)
	}
	for query, want := range map[string]int{
		"costCenter=CC-1&costCenter=CC-2": 3, "costCenter=CC-2": 2, "status=terminated": 2,
		"product=live-reports&status=available": 1, "q=zoe": 0, "product=developer": 0,
	} {
		list := fixtures.Decode[api.List[license.License]](t, f.send("GET", "/licenses?"+query, nil), 200)
		if len(list.Items) != want {
			t.Errorf("%s: %d licenses, want %d", query, len(list.Items), want)
		}
	}
}

func TestAddOnsOverHTTP(t *testing.T) {
	f := open(t)
	f.buy("phone-system", 1)
	f.buy("team_chat", 1)
	f.hire("zoe", "Zoe")
	id := fixtures.Decode[api.List[license.License]](
		t, f.send("GET", "/licenses?product=phone-system", nil), 200,
	).Items[0].ID
	if l := fixtures.Decode[license.License](
		t,
		f.send("POST", "/licenses/"+id+"/assign", object{"userId": "zoe", "extension": "101"}),
		200,
	); l.Extension != "101" {
		t.Fatalf("%+v", l)
	}
	put := f.send("PUT", "/licenses/"+id+"/add-ons", object{"productIds": []string{"team_chat"}})
	if list := fixtures.Decode[api.List[license.License]](
		t,
		put,
		200,
	); len(list.Items) != 1 ||
		list.Items[0].BaseLicenseID != id {
		t.Fatalf("%+v", list)
	}
	got := f.send("GET", "/licenses/"+id+"/add-ons", nil)
	if string(got.Body) != string(put.Body) || got.Header.Get("ETag") != put.Header.Get("ETag") {
		t.Fatalf("%s %s, saved %s %s", got.Body, got.Header.Get("ETag"), put.Body, put.Header.Get("ETag"))
	}
	fixtures.Problem(
		t,
		f.send("PUT", "/licenses/"+id+"/add-ons", object{"productIds": []string{}}, "If-Match", `"1"`),
		412,
		"precondition-failed",
	)
	p := fixtures.Problem(
		t,
		f.send("PUT", "/licenses/"+id+"/add-ons", object{"productIds": []string{"call_recording"}}),
		409,
		"not-enough-licenses",
	)
	if p.ProductID != "call_recording" || *p.Wanted != 1 || *p.Available != 0 {
		t.Fatalf("%+v", p)
	}
	for query, want := range map[string]int{
		"base=phone-system": 2, "base=" + id: 2, "extension=101": 2, "user=zoe": 2, "q=10": 2,
	} {
		list := fixtures.Decode[api.List[license.License]](t, f.send("GET", "/licenses?"+query, nil), 200)
		if len(list.Items) < want {
			t.Errorf("%s: %d licenses, want %d", query, len(list.Items), want)
		}
	}
}

func TestAssignmentsOverHTTP(t *testing.T) {
	f := open(t)
	f.buy("live-reports", 2)
	f.hire("zoe", "Zoe")
	f.hire("yan", "Yan")
	items := []object{{"productId": "live-reports", "userId": "zoe"}, {"productId": "live-reports", "userId": "nobody"}}
	out := fixtures.Decode[license.Results](t, f.send("POST", "/assignments", object{"items": items}), 200)
	if out.Succeeded != 1 || out.Failed != 1 || out.Results[0].License.UserID != "zoe" ||
		out.Results[1].Problem.Status != 404 {
		t.Fatalf("%+v", out)
	}
	fixtures.Problem(t, f.send("POST", "/assignments", object{"items": items, "atomic": true}), 404, "not-found")
	out = fixtures.Decode[license.Results](
		t,
		f.send("POST", "/assignments/remove", object{"items": items[:1], "atomic": true}),
		200,
	)
	if out.Succeeded != 1 {
		t.Fatalf("%+v", out)
	}
}

func TestWaitingAndExclusionsOverHTTP(t *testing.T) {
	f := open(t)
	f.hire("zoe", "Zoe")
	f.change("zoe", func(ctx context.Context, ch *license.UnitOfWork) error {
		return ch.Grant(ctx, "zoe", "live-reports", license.QueueGrant("q1"))
	})
	waiting := fixtures.Decode[api.List[license.Wait]](t, f.send("GET", "/waiting?product=live-reports", nil), 200)
	if len(waiting.Items) != 1 || waiting.Items[0].UserID != "zoe" || waiting.Items[0].Since.IsZero() {
		t.Fatalf("%+v", waiting)
	}
	f.change("zoe", func(ctx context.Context, ch *license.UnitOfWork) error {
		return ch.Unassign(ctx, "zoe", "live-reports")
	})
	excluded := fixtures.Decode[api.List[license.Excluded]](t, f.send("GET", "/exclusions?user=zoe", nil), 200)
	if len(excluded.Items) != 1 || excluded.Items[0].By != "admin" {
		t.Fatalf("%+v", excluded)
	}
	if r := f.send("DELETE", "/exclusions/live-reports/zoe", nil); r.Status != 204 || len(r.Body) != 0 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	fixtures.Problem(t, f.send("DELETE", "/exclusions/live-reports/zoe", nil), 404, "not-found")
	waiting = fixtures.Decode[api.List[license.Wait]](t, f.send("GET", "/waiting", nil), 200)
	if len(waiting.Items) != 1 {
		t.Fatalf("%+v", waiting)
	}
}

// TestBadInputIsNamed sends bad input to every operation: the problem names the field.
func TestBadInputIsNamed(t *testing.T) {
	f := open(t)
	f.buy("phone-system", 1)
	f.hire("zoe", "Zoe")
	id := fixtures.Decode[api.List[license.License]](t, f.send("GET", "/licenses", nil), 200).Items[0].ID
	long := strings.Repeat("x", 129)
	for _, tc := range []struct {
		method, path string
		body         any
		field        string
	}{
		{"GET", "/licenses?limit=0", nil, "limit"},
		{"GET", "/licenses?limit=201", nil, "limit"},
		{"GET", "/licenses?limit=x", nil, "limit"},
		{"GET", "/licenses?status=lost", nil, "status[0]"},
		{"GET", "/licenses?status=assigned&status=lost", nil, "status[1]"},
		{"GET", "/licenses?product=nonsense", nil, "product[0]"},
		{"GET", "/licenses?product=live-reports&product=nonsense", nil, "product[1]"},
		{"GET", "/licenses?base=live-reports", nil, "base[0]"},
		{"GET", "/licenses?costCenter=CC-1&costCenter=a%23b", nil, "costCenter"},
		{"GET", "/licenses?user=%23", nil, "user"},
		{"GET", "/licenses?extension=%20", nil, "extension"},
		{"GET", "/licenses?order=1", nil, "order"},
		{"GET", "/licenses?nonsense=1", nil, "nonsense"},
		{"GET", "/waiting?product=nonsense", nil, "product[0]"},
		{"GET", "/exclusions?user=%23", nil, "user"},
		{"PATCH", "/licenses/" + id, object{"costCenter": ""}, "costCenter"},
		{"PATCH", "/licenses/" + id, object{"costCenter": "no id"}, "costCenter"},
		{"PATCH", "/licenses/" + id, object{"costCenter": 1}, "costCenter"},
		{"PATCH", "/licenses/" + id, object{}, "costCenter"},
		{"PATCH", "/licenses/" + id, object{"costCenter": "CC-1", "color": "red"}, "color"},
		{"POST", "/licenses/terminate", object{"licenseIds": []string{}}, "licenseIds"},
		{"POST", "/licenses/terminate", object{"licenseIds": make([]string, 1001)}, "licenseIds"},
		{"POST", "/licenses/cost-center", object{"licenseIds": []string{id}, "costCenter": "CC-9"}, "costCenter"},
		{"POST", "/licenses/cost-center", object{"licenseIds": []string{id}, "costCenter": "no id"}, "costCenter"},
		{"POST", "/licenses/" + id + "/assign", object{"userId": long}, "userId"},
		{"POST", "/licenses/" + id + "/assign", object{"userId": "no id"}, "userId"},
		{"POST", "/licenses/" + id + "/assign", object{"userId": "zoe", "extension": "no id"}, "extension"},
		{"POST", "/licenses/" + id + "/assign", object{"userId": "zoe", "extension": "front-desk"}, "extension"},
		{"POST", "/licenses/" + id + "/assign", object{"userId": "zoe", "extension": "12345678901"}, "extension"},
		{"POST", "/licenses/" + id + "/assign", object{"userId": "zoe", "extension": "１０１"}, "extension"},
		{
			"POST", "/assignments",
			object{"items": []object{{"productId": "phone-system", "userId": "zoe", "extension": "front-desk"}}},
			"items[0].extension",
		},
		{"POST", "/licenses/" + id + "/reassign", object{"user": "zoe"}, "userId"},
		{"PUT", "/licenses/" + id + "/add-ons", object{"productIds": "team_chat"}, "productIds"},
		{
			"POST", "/assignments",
			object{"items": []object{{"productId": "x", "userId": "zoe"}, {"productId": "x", "userId": "no id"}}},
			"items[1].userId",
		},
		{"POST", "/assignments", object{"items": []object{{"productId": "x"}}}, "items[0].userId"},
		{"POST", "/assignments", object{"items": []object{}}, "items"},
		{
			"POST", "/assignments/remove",
			object{"items": []object{{"productId": "x", "userId": "zoe", "extension": "1"}}},
			"items[0].extension",
		},
		{"POST", "/assignments/remove", object{"items": "all"}, "items"},
	} {
		r := f.send(tc.method, tc.path, tc.body)
		p := fixtures.Problem(t, r, 422, "validation")
		named := false
		for _, e := range p.Errors {
			named = named || e.Field == tc.field
			if e.Message == "" || strings.Contains(e.Message, "no id") || strings.Contains(e.Message, long) {
				t.Errorf("%s %s: message %q", tc.method, tc.path, e.Message)
			}
		}
		if !named {
			t.Errorf("%s %s %v: %s, want field %s", tc.method, tc.path, tc.body, r.Body, tc.field)
		}
	}
	p := fixtures.Problem(t, f.send("GET", "/licenses?cursor=nonsense", nil), 400, "malformed-body")
	if p.Errors[0].Field != "cursor" {
		t.Fatalf("%+v", p)
	}
}

// TestStrangersGetTheSame404 asks for a license of another account, for a missing one, and for what
// is no id at all.
func TestStrangersGetTheSame404(t *testing.T) {
	f := open(t)
	f.buy("live-reports", 1)
	id := fixtures.Decode[api.List[license.License]](t, f.send("GET", "/licenses", nil), 200).Items[0].ID
	var bodies []string
	for _, tc := range []struct{ account, id string }{
		{fixtures.Other, id}, {fixtures.Other, "00000000-0000-4000-8000-000000000000"}, {fixtures.Other, "nonsense"},
	} {
		r := f.Do(t, f.licenses, fixtures.Request{
			Method:      "GET",
			Path:        "/v1/accounts/" + tc.account + "/licenses/" + tc.id,
			User:        "eve",
			Account:     fixtures.Other,
			Permissions: []auth.Permission{auth.LicensesRead},
		})
		fixtures.Problem(t, r, 404, "not-found")
		bodies = append(bodies, string(r.Body))
	}
	if bodies[0] != bodies[1] || bodies[1] != bodies[2] {
		t.Fatalf("%v", bodies)
	}
	for _, account := range []string{fixtures.Account, "nowhere"} {
		r := f.Do(t, f.licenses, fixtures.Request{
			Method:      "GET",
			Path:        "/v1/accounts/" + account + "/licenses/" + id,
			User:        "eve",
			Account:     fixtures.Other,
			Permissions: []auth.Permission{auth.LicensesRead},
		})
		fixtures.Problem(t, r, 404, "not-found")
		bodies = append(bodies, string(r.Body))
	}
	if bodies[3] != bodies[4] {
		t.Fatalf("%v", bodies)
	}
}

// TestEveryRouteChecksTheCaller calls every operation of both functions without a token, without
// the permission, and with the token of another account.
func TestEveryRouteChecksTheCaller(t *testing.T) {
	f := open(t)
	routes := 0
	for _, handler := range []struct {
		routes  func(*api.Router)
		handler http.Handler
	}{
		{operations.New(f.kernel).LicensesRoutes, f.licenses},
		{operations.New(f.kernel).AssignmentRoutes, f.assignment},
	} {
		k := api.New(f.Env)
		handler.routes(k)
		for path, item := range k.OpenAPI().Paths {
			for method, op := range map[string]any{
				"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete,
			} {
				if fmt.Sprint(op) == "<nil>" {
					continue
				}
				routes++
				path := strings.NewReplacer(
					"{account}", "acme", "{id}", "00000000-0000-4000-8000-000000000000", "{product}", "live-reports",
					"{user}", "zoe",
				).
					Replace(path)
				r := fixtures.Request{Method: method, Path: path, Body: object{}}
				fixtures.Problem(t, f.Do(t, handler.handler, r), 401, "unauthorized")
				r.User = "eve"
				fixtures.Problem(t, f.Do(t, handler.handler, r), 403, "forbidden")
				r.Account, r.Permissions = fixtures.Other, []auth.Permission{auth.LicensesRead, auth.LicensesManage}
				fixtures.Problem(t, f.Do(t, handler.handler, r), 404, "not-found")
				if method != "GET" {
					r.Account, r.Permissions = "", []auth.Permission{auth.LicensesRead}
					fixtures.Problem(t, f.Do(t, handler.handler, r), 403, "forbidden")
				}
			}
		}
	}
	if routes != 18 {
		t.Fatalf("%d operations, want 18", routes)
	}
}

// TestAssignmentOfANewProcess sends assignments each to functions that have served nobody yet: one
// read and one commit, all that the edge asks included, and the same answer for an account that is
// not there as for one that is somebody else's.
func TestAssignmentOfANewProcess(t *testing.T) { synctest.Test(t, assignmentOfANewProcess) }

func assignmentOfANewProcess(t *testing.T) {
	k := fixtures.New(t)
	old := openOn(t, k)
	old.buy("live-reports", 120) // an order of several commits
	for _, user := range []string{"ann", "bob"} {
		old.hire(user, user)
	}
	made := &fixtures.Rounds{Store: k.Env.Table}
	k.Env.Table = made
	given := fixtures.Decode[api.List[license.License]](t, old.send("GET", "/licenses?limit=1", nil), 200).Items[0].ID
	for i, c := range []struct {
		path string
		body any
	}{
		{"/licenses/" + given + "/assign", object{"userId": "ann"}},
		{"/assignments", object{"atomic": true, "items": []object{{"productId": "live-reports", "userId": "bob"}}}},
	} {
		f := openOn(t, k)
		made.Take()
		if r := f.send("POST", c.path, c.body, "Idempotency-Key", fmt.Sprint("k", i)); r.Status != 200 {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		if took := made.Take(); took.Reads != 1 || took.Commits != 1 {
			t.Errorf("%s took %+v", c.path, took)
		}
		request := fixtures.Request{
			Method:      "POST",
			Body:        c.body,
			User:        "op",
			Account:     "operators",
			Permissions: []auth.Permission{auth.AccountsManage, auth.LicensesManage},
		}
		request.Path = "/v1/accounts/nobody" + c.path
		unknown := f.Do(t, f.assignment, request)
		request.Permissions, request.Path = []auth.Permission{auth.LicensesManage}, "/v1/accounts/acme"+c.path
		foreign := f.Do(t, f.assignment, request)
		if unknown.Status != 404 || foreign.Status != 404 || !bytes.Equal(unknown.Body, foreign.Body) {
			t.Errorf("%s: %d %s, and %d %s", c.path, unknown.Status, unknown.Body, foreign.Status, foreign.Body)
		}
	}
}
