package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"seatwise/infra/testing/fixtures"
)

// A user's licenses are the metered products that they hold directly, however these came
// (requirements, section 6); what holds and what is listed say one thing.
func TestLicensesOfAUserAreWhatTheyHoldDirectly(t *testing.T) {
	l := openLaw(t)
	l.must(http.MethodPut, "/users/r1", object{"name": "R One", "licenses": []string{"essential-user"}})
	for _, product := range []string{"analytics-supervisor", "client-desktop"} {
		l.must(http.MethodPost, "/assignments", object{"items": []object{{"productId": product, "userId": "r1"}}})
	}
	user := l.must(http.MethodGet, "/users/r1", nil)
	if got := fmt.Sprint(user["licenses"]); got != "[analytics-supervisor client-desktop essential-user]" {
		t.Errorf("licenses %s", got)
	}
	l.must(http.MethodPut, "/users/r1", user)
	held := items(t, l.must(http.MethodGet, "/users/r1/licenses", nil))
	if len(held) != 3 || held[0]["productName"] == "" || held[0]["userId"] != "r1" || held[0]["grants"] == nil {
		t.Errorf("holds %v", held)
	}
	fixtures.Problem(t, l.send(http.MethodGet, "/users/nobody/licenses", nil, nil), http.StatusNotFound, "not-found")

	// What is left out stays; an empty list takes all away.
	l.must(http.MethodPut, "/users/r1", object{"name": "R One"})
	//nolint:errcheck // the schema says so
	if user = l.must(http.MethodGet, "/users/r1", nil); len(user["licenses"].([]any)) != 3 {
		t.Errorf("after a PUT without licenses: %v", user)
	}
	l.must(http.MethodPut, "/users/r1", object{"name": "R One", "licenses": nil})
	if user = l.must(http.MethodGet, "/users/r1", nil); fmt.Sprint(user["licenses"], user["holdings"]) != "[] []" {
		t.Errorf("after a PUT of none: %v", user)
	}
}

// A PUT that leaves extension and number out leaves them where they are; the phone stays as it is
// (requirements, section 6).
func TestAPutWithoutExtensionKeepsThePhone(t *testing.T) {
	l := openLaw(t)
	l.must(http.MethodPut, "/users/john", object{"name": "John", "extension": "101", "number": "6567891230"})
	l.must(http.MethodPost, "/licenses/"+l.shelf[0]+"/assign", object{"userId": "john"})
	l.must(http.MethodPut, "/users/john", object{"name": "John"})
	user := l.must(http.MethodGet, "/users/john", nil)
	if user["extension"] != "101" || user["number"] != "6567891230" ||
		l.must(http.MethodGet, "/licenses/"+l.shelf[0], nil)["extension"] != "101" {
		t.Errorf("after a PUT of the name: %v", user)
	}
	for _, body := range []object{
		{"userId": "john", "extension": "front-desk"}, {"userId": "john", "extension": "12345678901"},
	} {
		p := fixtures.Problem(t, l.send(http.MethodPost, "/licenses/"+l.shelf[1]+"/assign", body, nil),
			http.StatusUnprocessableEntity, "validation")
		if len(p.Errors) != 1 || p.Errors[0].Field != "extension" {
			t.Errorf("%v: %+v", body, p)
		}
	}
	bulk := object{"items": []object{{"productId": "phone-system", "userId": "john", "extension": "front-desk"}}}
	fixtures.Problem(
		t,
		l.send(http.MethodPost, "/assignments", bulk, nil),
		http.StatusUnprocessableEntity,
		"validation",
	)
	l.must(http.MethodPost, "/licenses/"+l.shelf[0]+"/unassign", nil)
	l.must(http.MethodPut, "/users/john", object{"name": "John", "extension": nil})
	if user = l.must(http.MethodGet, "/users/john", nil); user["extension"] != nil || user["number"] != nil {
		t.Errorf("after a null: %v", user)
	}
}

// A user's wallboards end in the commit in which they go, however many there are (requirements,
// section 6); summary and metrics agree all the time.
func TestWallboardsEndWithTheirUser(t *testing.T) {
	for what, leave := range map[string]func(l *law){
		"deactivated": func(l *law) { l.must(http.MethodPatch, "/users/ann", object{"active": false}) },
		"deleted":     func(l *law) { l.must(http.MethodDelete, "/users/ann", nil) },
	} {
		t.Run(what, func(t *testing.T) {
			l := openLaw(t)
			l.must(http.MethodPut, "/metrics/licenses/wallboards", object{"max": 200})
			const many = 120 // more than a commit has operations
			for _, user := range []string{"ann", "bob"} {
				l.must(http.MethodPut, "/users/"+user, object{"name": user})
			}
			for n := range many {
				l.must(http.MethodPut, fmt.Sprint("/wallboards/a", n),
					object{"name": "W", "kind": "analytics", "userId": "ann"})
			}
			l.must(http.MethodPut, "/wallboards/b", object{"name": "W", "kind": "analytics", "userId": "ann"})
			l.must(http.MethodPatch, "/wallboards/b", object{"userId": "bob"})
			l.counted(t, many+1)
			leave(l)
			l.counted(t, 1)
			if left := items(t, l.must(http.MethodGet, "/wallboards", nil)); len(left) != 1 || left[0]["id"] != "b" {
				t.Errorf("left %v", left)
			}
			fixtures.Problem(t, l.send(http.MethodGet, "/wallboards/a7", nil, nil), http.StatusNotFound, "not-found")
			fixtures.Problem(t, l.send(http.MethodDelete, "/wallboards/a7", nil, nil), http.StatusNotFound, "not-found")
			fixtures.Problem(
				t,
				l.send(http.MethodPut, "/wallboards/a7", object{"name": "W", "kind": "analytics", "userId": "ann"},
					nil),
				map[string]int{"deactivated": 409, "deleted": 422}[what],
				map[string]string{"deactivated": "user-inactive", "deleted": "validation"}[what],
			)
			r := l.send(http.MethodPut, "/wallboards/a7",
				object{"name": "W", "kind": "analytics", "userId": "bob"}, nil)
			if r.Status != http.StatusCreated {
				t.Errorf("registered again: %d %s", r.Status, r.Body)
			}
			l.must(http.MethodPut, "/users/ann", object{"name": "ann", "active": true})
			l.counted(t, 2)
			l.must(http.MethodPut, "/wallboards/c", object{"name": "W", "kind": "analytics", "userId": "ann"})
			l.counted(t, 3)
		})
	}
}

// counted demands that the list, the metrics and the summary count a number of wallboards.
func (l *law) counted(t *testing.T, want int) {
	t.Helper()
	devices, _ := l.must(http.MethodGet, "/metrics/licenses", nil)["devices"].([]any)
	for _, row := range items(t, l.must(http.MethodGet, "/licenses/summary", nil)) {
		if row["productId"] != "wallboard" {
			continue
		}
		device, _ := devices[0].(object)
		if row["assigned"] != float64(want) || row["bought"] != row["assigned"] || device["used"] != float64(want) {
			t.Fatalf("the summary says %v, the metrics %v, want %d", row, device, want)
		}
	}
	listed := 0
	for path := "/wallboards?limit=100"; path != ""; {
		page := l.must(http.MethodGet, path, nil)
		list, _ := page["items"].([]any)
		listed += len(list)
		path = ""
		if next, ok := page["nextCursor"].(string); ok {
			path = "/wallboards?limit=100&cursor=" + next
		}
	}
	if listed != want {
		t.Fatalf("%d are listed, want %d", listed, want)
	}
}

// The last active super-admin stays, by whatever way they would go, and when two go at once
// (requirements, section 9).
func TestTheLastSuperAdminStays(t *testing.T) {
	l := openLaw(t) // root is the only one
	stays := func(method, path string, body any) {
		t.Helper()
		fixtures.Problem(t, l.send(method, path, body, nil), http.StatusConflict, "wrong-state")
	}
	refuse := func() {
		t.Helper()
		stays(http.MethodDelete, "/users/root", nil)
		stays(http.MethodPatch, "/users/root", object{"active": false})
		stays(http.MethodPatch, "/users/root", object{"roleIds": nil})
		stays(http.MethodPut, "/users/root", object{"name": "Root", "roleIds": []string{}})
	}
	refuse()
	l.must(http.MethodPut, "/users/idle", object{"name": "Idle", "roleIds": []string{"super-admin"}, "active": false})
	refuse() // who is not active does not count
	l.must(http.MethodPatch, "/users/idle", object{"active": true})
	status := make([]int, 2)
	var both sync.WaitGroup
	for i, user := range []string{"root", "idle"} {
		both.Go(func() { status[i] = l.send(http.MethodDelete, "/users/"+user, nil, nil).Status })
	}
	both.Wait()
	slices.Sort(status)
	if !slices.Equal(status, []int{http.StatusNoContent, http.StatusConflict}) {
		t.Errorf("two at once: %v", status)
	}
}

// A permission that does not exist, or is the operators', is in no role; super-admin has all
// others, and is written back unchanged.
func TestPermissionsOfRoles(t *testing.T) {
	l := openLaw(t)
	for _, permission := range []string{"liveReports.View", "accounts.manage", "everything", ""} {
		body := object{"name": "Role", "permissions": []string{"liveReports.view", permission}}
		p := fixtures.Problem(t, l.send(http.MethodPut, "/roles/r", body, nil), http.StatusUnprocessableEntity,
			"validation")
		if len(p.Errors) != 1 {
			t.Errorf("%q: %+v", permission, p.Errors)
		}
	}
	admin := l.must(http.MethodGet, "/roles/super-admin", nil)
	if all, _ := admin["permissions"].([]any); len(all) != 14 || slices.Contains(all, any("accounts.manage")) {
		t.Errorf("super-admin has %v", all)
	}
	l.must(http.MethodPut, "/roles/super-admin", admin)
	fixtures.Problem(t, l.send(http.MethodPatch, "/roles/super-admin", object{"name": "Other"}, nil),
		http.StatusConflict, "wrong-state")
}

// null is no other way to leave a field out (requirements, section 6).
func TestNullIsRefusedWhereNothingIsNullable(t *testing.T) {
	l := openLaw(t)
	l.must(http.MethodPut, "/cart", object{"lines": []object{{"productId": "developer", "quantity": 2}}})
	for _, c := range []struct{ path, body, field string }{
		{"/cart/cost-center", `{"costCenter": "CC-1", "lineIds": null}`, "lineIds"},
		{"/cart/merge", `{"lineIds": null}`, "lineIds"},
		{"/cart/lines", `{"productId": "developer", "quantity": 1, "costCenter": null}`, "costCenter"},
		{"/quotes", `{"lines": null}`, "lines"},
		{"/orders", `{"quoteId": "01980000-0000-7000-8000-000000000000", "acknowledged": null}`, "acknowledged"},
		{"/assignments", `{"items": [{"productId": "live-reports", "userId": "root", "extension": null}]}`, "items[0].extension"},
		{"/assignments", `{"items": [{"productId": "live-reports", "userId": "root"}], "atomic": null}`, "atomic"},
	} {
		p := fixtures.Problem(t, l.send(http.MethodPost, c.path, c.body, nil), http.StatusUnprocessableEntity,
			"validation")
		if len(p.Errors) != 1 || p.Errors[0].Field != c.field {
			t.Errorf("%s %s: %+v", c.path, c.body, p.Errors)
		}
	}
	for _, body := range []string{`{"name": "Ann", "active": null}`, `{"name": null}`} {
		fixtures.Problem(t, l.send(http.MethodPut, "/users/ann", body, nil), http.StatusUnprocessableEntity,
			"validation")
	}
}

// Lines of the cart are added, changed and taken out one by one; the others keep their ids, and
// each says what it costs.
func TestCartLineByLine(t *testing.T) {
	l := openLaw(t)
	ids := func(cart object) string {
		var all []string
		lines, _ := cart["lines"].([]any)
		for _, line := range lines {
			one, _ := line.(object)
			all = append(all, fmt.Sprint(one["id"], "x", one["quantity"]))
		}
		return fmt.Sprint(all)
	}
	l.must(http.MethodPost, "/cart/lines", object{"productId": "developer", "quantity": 2})
	cart := l.must(http.MethodPost, "/cart/lines",
		object{"productId": "live-reports", "quantity": 3, "costCenter": "CC-1"})
	if got := ids(cart); got != "[1x2 2x3]" {
		t.Fatalf("two lines: %s", got)
	}
	lines, _ := cart["lines"].([]any)
	second, _ := lines[1].(object)
	unit, _ := second["unitPrice"].(object)
	total, _ := second["total"].(object)
	if second["name"] != "Live Reports" || unit["amount"] != 2500.0 || total["amount"] != 7500.0 ||
		total["currency"] != "USD" {
		t.Errorf("a line: %v", second)
	}
	cart = l.must(http.MethodPatch, "/cart/lines/1", object{"quantity": 5})
	if got := ids(cart); got != "[1x5 2x3]" {
		t.Errorf("changed: %s", got)
	}
	cart = l.must(http.MethodPatch, "/cart/lines/2", object{"costCenter": nil})
	//nolint:errcheck // two lines
	if lines, _ = cart["lines"].([]any); fmt.Sprint(lines[1].(object)["costCenter"]) != "<nil>" {
		t.Errorf("charged to nothing: %v", lines)
	}
	if got := ids(l.must(http.MethodDelete, "/cart/lines/1", nil)); got != "[2x3]" {
		t.Errorf("taken out: %s", got)
	}
	got := ids(l.must(http.MethodPost, "/cart/lines", object{"productId": "developer", "quantity": 1}))
	if got != "[2x3 3x1]" {
		t.Errorf("a new one: %s", got)
	}
	fixtures.Problem(t, l.send(http.MethodDelete, "/cart/lines/1", nil, nil), http.StatusNotFound, "not-found")
	fixtures.Problem(t, l.send(http.MethodPatch, "/cart/lines/1", object{"quantity": 1}, nil), http.StatusNotFound,
		"not-found")
	for _, bad := range []object{{"quantity": 0}, {"costCenter": "CC-0"}, {"productId": "essential-user"}} {
		p := fixtures.Problem(t, l.send(http.MethodPatch, "/cart/lines/2", bad, nil),
			http.StatusUnprocessableEntity, "validation")
		for name := range bad {
			if len(p.Errors) != 1 || p.Errors[0].Field != name {
				t.Errorf("%v: %+v", bad, p.Errors)
			}
		}
	}
	fixtures.Problem(t, l.send(http.MethodPatch, "/cart/lines/2", object{"name": "Cheap"}, nil),
		http.StatusUnprocessableEntity, "read-only")

	quote := l.must(http.MethodPost, "/quotes",
		object{"lines": []object{{"productId": "developer", "quantity": 1, "costCenter": "CC-1"}}})
	if got := l.must(http.MethodGet, fmt.Sprint("/quotes/", quote["id"]), nil); fmt.Sprint(got) != fmt.Sprint(quote) {
		t.Errorf("read %v, made %v", got, quote)
	}
}

// A phone is tied to its extension: neither PUT nor PATCH takes that away from who holds one.
func TestTheExtensionOfAPhoneStays(t *testing.T) {
	l := openLaw(t)
	l.must(http.MethodPut, "/users/ann", object{"name": "Ann", "extension": "101", "number": "6567891230"})
	l.must(http.MethodPost, "/licenses/"+l.shelf[0]+"/assign", object{"userId": "ann"})
	for method, body := range map[string]object{
		http.MethodPatch: {"extension": nil}, http.MethodPut: {"name": "Ann", "extension": nil},
	} {
		before := l.writes
		p := fixtures.Problem(t, l.send(method, "/users/ann", body, nil), http.StatusConflict, "license-in-use")
		if len(p.Errors) != 1 || p.Errors[0].Field != "extension" || l.writes != before {
			t.Errorf("%s: %+v, %d written", method, p, l.writes-before)
		}
	}
	l.must(http.MethodPatch, "/users/ann", object{"number": nil})
	l.must(http.MethodPatch, "/users/ann", object{"extension": "102"})
	l.must(http.MethodPatch, "/users/ann", object{"active": false}) // releases the phone and the extension
	l.must(http.MethodPatch, "/users/ann", object{"active": true, "extension": "103"})
	if got := l.must(http.MethodPatch, "/users/ann", object{"extension": nil}); got["extension"] != nil {
		t.Errorf("who holds no phone keeps the extension: %v", got)
	}
}

// Null in a PATCH empties a list where the schema lets it be null, as it does in a PUT.
func TestNullEmptiesLists(t *testing.T) {
	l := openLaw(t)
	l.must(
		http.MethodPut, "/roles/r",
		object{"name": "R", "permissions": []string{"audit.read"}, "licenses": []string{"client-desktop"}},
	)
	l.must(
		http.MethodPut, "/users/ann",
		object{"name": "Ann", "roleIds": []string{"r"}, "licenses": []string{"essential-user"}},
	)
	l.must(http.MethodPut, "/call-queues/q", object{"name": "Q", "members": []string{"ann"}})
	l.must(http.MethodPut, "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
	for path, lists := range map[string][]string{
		"/users/ann": {"licenses", "roleIds"}, "/roles/r": {"permissions", "licenses"}, "/call-queues/q": {"members"},
		"/dashboards/d": {"queueIds"},
	} {
		for _, list := range lists {
			if had, _ := l.must(http.MethodGet, path, nil)[list].([]any); len(had) == 0 {
				t.Errorf("%s has no %s", path, list)
			}
			l.must(http.MethodPatch, path, object{list: nil})
			if has, ok := l.must(http.MethodGet, path, nil)[list].([]any); !ok || len(has) != 0 {
				t.Errorf("%s has the %s %v after null", path, list, has)
			}
		}
	}
	for path, list := range map[string]string{"/cart": "lines", "/licenses/" + l.shelf[0] + "/add-ons": "productIds"} {
		p := fixtures.Problem(
			t, l.send(http.MethodPatch, path, object{list: nil}, nil), http.StatusUnprocessableEntity, "validation",
		)
		if len(p.Errors) != 1 || p.Errors[0].Field != list {
			t.Errorf("%s of %s null: %+v", list, path, p.Errors)
		}
	}
}
