package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
)

// TestAllFaultsAtOnce: what the schema of a body finds and what only the rules of its operation
// find is told in one answer, with the index in the list as it was sent (requirements, section 10), and nothing is
// written for it.
func TestAllFaultsAtOnce(t *testing.T) {
	l := openLaw(t)
	l.keepFiles()
	l.must(http.MethodPut, "/users/ann", object{"name": "Ann"})
	l.must(http.MethodPut, "/roles/lead", object{"name": "Lead"})
	l.must(http.MethodPut, "/call-queues/q1", object{"name": "Q"})
	l.must(http.MethodPut, "/dashboards/d1", object{"name": "D"})
	l.must(http.MethodPut, "/wallboards/w1", object{"name": "W", "kind": "analytics", "userId": "ann"})
	l.must(http.MethodPut, "/cart", object{"lines": []object{{"productId": "developer", "quantity": 5}}})
	long := strings.Repeat("n", 201)
	bad := []object{
		{"productId": "nothing-of-the-kind", "quantity": 1, "costCenter": "CC-1"},
		{"productId": "developer", "quantity": 0, "costCenter": "CC-1"},
		{"productId": "essential-user", "quantity": 10_001, "costCenter": "nowhere"},
		{"productId": "developer", "quantity": "five", "costCenter": "nowhere"},
	}
	lines := []string{
		"lines[0].productId",
		"lines[1].quantity",
		"lines[2].costCenter",
		"lines[2].productId",
		"lines[2].quantity",
		"lines[3].costCenter",
		"lines[3].quantity",
	}
	upload := object{"fileName": "phones.pdf", "sizeBytes": 0, "kind": "users", "sha256": "x"}
	for _, step := range []struct {
		method, path string
		body         object
		fields       []string
	}{
		{http.MethodPut, "/cart", object{"lines": bad}, lines},
		{http.MethodPatch, "/cart", object{"lines": bad}, lines},
		{http.MethodPost, "/quotes", object{"lines": bad}, lines},
		{http.MethodPost, "/cart/lines", bad[2], []string{"costCenter", "productId", "quantity"}},
		{
			http.MethodPatch, "/cart/lines/1",
			object{"productId": "nothing", "quantity": 0},
			[]string{"productId", "quantity"},
		},
		{
			http.MethodPost, "/cart/cost-center",
			object{"costCenter": "nowhere", "lineIds": []string{"9"}, "more": 1},
			[]string{"costCenter", "lineIds[0]", "more"},
		},
		{
			http.MethodPost, "/cart/lines/1/split",
			object{"parts": []object{{"quantity": 0, "costCenter": "nowhere"}, {"quantity": 1, "costCenter": "CC-1"}}},
			[]string{"parts[0].costCenter", "parts[0].quantity"},
		},
		{
			http.MethodPut, "/users/ann",
			object{
				"name": long, "email": "none", "roleIds": []string{"nobody"},
				"licenses": []string{"professional-user", "developer", "essential-user"},
			},
			[]string{"email", "licenses[1]", "licenses[2]", "name", "roleIds[0]"},
		},
		{
			http.MethodPut, "/users/ann",
			object{"name": "Ann", "extension": 101, "number": "6567891230", "roleIds": []string{"nobody"}},
			[]string{"extension", "roleIds[0]"},
		},
		{
			http.MethodPatch, "/users/ann",
			object{"name": long, "roleIds": []string{"nobody"}, "more": 1},
			[]string{"more", "name", "roleIds[0]"},
		},
		{
			http.MethodPut, "/roles/lead",
			object{
				"name": long, "permissions": []string{"of.nothing"},
				"licenses": []string{"wallboard", "analytics-supervisor"},
			},
			[]string{"licenses[0]", "name", "permissions[0]"},
		},
		{
			http.MethodPut, "/call-queues/q1",
			object{"name": long, "members": []string{"zoe", "ann"}},
			[]string{"members[0]", "name"},
		},
		{
			http.MethodPut, "/dashboards/d1",
			object{"name": long, "queueIds": []string{"q9", "q1"}},
			[]string{"name", "queueIds[0]"},
		},
		{
			http.MethodPut, "/wallboards/w1",
			object{"name": long, "kind": "of no kind", "userId": "nobody"},
			[]string{"kind", "name", "userId"},
		},
		{
			http.MethodPut, "",
			object{
				"name": long, "brand": "a\u202eb", "currency": "dollars", "timezone": "Nowhere/At all",
				"billingDay": 29, "bundle": "none",
			},
			[]string{"billingDay", "brand", "bundle", "currency", "name", "timezone"},
		},
		{http.MethodPost, "/reports", object{"kind": "of none", "from": "2026-02-30"}, []string{"from", "kind"}},
		{
			http.MethodPost, "/mass-configurations",
			object{"fileName": upload["fileName"], "sizeBytes": 0, "sha256": "x"},
			[]string{"fileName", "sha256", "sizeBytes"},
		},
		{http.MethodPost, "/imports", upload, []string{"fileName", "sha256", "sizeBytes"}},
		{
			http.MethodPost, "/licenses/" + l.shelf[0] + "/assign",
			object{"userId": "ann", "extension": "front", "more": 1},
			[]string{"extension", "more"},
		},
	} {
		before := l.writes
		for range 2 { // a key keeps no refusal
			p := fixtures.Problem(
				t,
				l.send(step.method, step.path, step.body, map[string]string{"Idempotency-Key": "1"}),
				http.StatusUnprocessableEntity,
				"validation",
			)
			var fields []string
			for _, e := range p.Errors {
				fields = append(fields, e.Field)
			}
			slices.Sort(fields)
			if !slices.Equal(fields, step.fields) {
				t.Errorf("%s %s names %q, want %q: %+v", step.method, step.path, fields, step.fields, p.Errors)
			}
		}
		if l.writes != before {
			t.Errorf("%s %s wrote %d", step.method, step.path, l.writes-before)
		}
	}
}

// TestAllShortagesAtOnce: every product that is short, with its numbers.
func TestAllShortagesAtOnce(t *testing.T) {
	l := openLaw(t)
	users := l.crowd(5)
	var give []object
	for _, user := range users {
		give = append(
			give,
			object{"productId": "live-reports", "userId": user},
			object{"productId": "phone-system", "userId": user},
		)
	}
	give = append(give, object{"productId": "developer", "userId": users[0]})
	p := fixtures.Problem(
		t,
		l.send(http.MethodPost, "/assignments", object{"items": give, "atomic": true}, nil),
		http.StatusConflict,
		"not-enough-licenses",
	)
	if got := fmt.Sprint(
		p.Shortages,
	); got != "[{phone-system 5 3} {live-reports 5 4} {developer 1 0}]" ||
		p.ProductID != "phone-system" || *p.Wanted != 5 ||
		*p.Available != 3 {
		t.Errorf("atomic: %s, first %s %d %d", got, p.ProductID, *p.Wanted, *p.Available)
	}
	l.must(http.MethodPost, "/licenses/"+l.shelf[0]+"/assign", object{"userId": users[0]})
	p = fixtures.Problem(
		t,
		l.send(
			http.MethodPut,
			"/licenses/"+l.shelf[0]+"/add-ons",
			object{"productIds": []string{"team_chat", "device_ip_phone", "device_web_rtc"}},
			nil,
		),
		http.StatusConflict,
		"not-enough-licenses",
	)
	if got := fmt.Sprint(p.Shortages); got != "[{device_web_rtc 1 0} {team_chat 1 0}]" {
		t.Errorf("add-ons: %s", got)
	}
}

// TestWholeNumbersAreOneNumber: JSON has one kind of number, and some clients write each with a
// fraction.
func TestWholeNumbersAreOneNumber(t *testing.T) {
	l := openLaw(t)
	for number, want := range map[string]string{"5.0": "5", "5e0": "5", "50E-1": "5", "1.20e1": "12"} {
		body := `{"lines":[{"productId":"developer","quantity":` + number + `,"costCenter":"CC-1"}]}`
		for method, path := range map[string]string{http.MethodPut: "/cart", http.MethodPost: "/quotes"} {
			r := l.send(method, path, body, nil)
			if r.Status >= http.StatusMultipleChoices || !strings.Contains(string(r.Body), `"quantity":`+want+`,`) {
				t.Errorf("%s %s: %d %s", method, number, r.Status, r.Body)
			}
		}
	}
	l.must(http.MethodPut, "/users/ann", []byte(`{"name":"Ann \"5.0\" 1e2"}`))
	if got := l.must(http.MethodGet, "/users/ann", nil)["name"]; got != `Ann "5.0" 1e2` {
		t.Errorf("a name became %v", got)
	}
	for _, number := range []string{"5.5", "1e-1", "0.9999999999999999999", "9007199254740993.0"} {
		body := `{"lines":[{"productId":"developer","quantity":` + number + `}]}`
		fixtures.Problem(t, l.send(http.MethodPut, "/cart", body, nil), http.StatusUnprocessableEntity, "validation")
	}
}

// TestAFilterWithoutAValueIsRefused: of every operation each parameter of the query but a search and a
// cursor. It counted as no filter, and answered everything.
func TestAFilterWithoutAValueIsRefused(t *testing.T) {
	l := openLaw(t)
	tried := 0
	for _, op := range documented(t) {
		if public[op.OperationID] {
			continue
		}
		path := parameters.ReplaceAllString(strings.Replace(op.path, "{account}", l.Account, 1), "x")
		for _, p := range op.Parameters {
			if p.In != "query" || p.Name == "q" || p.Name == "cursor" {
				continue
			}
			tried++
			for _, query := range []string{p.Name + "=", p.Name, p.Name + "=&" + p.Name + "=x"} {
				r := l.Do(t, l.handler, fixtures.Request{
					Method: op.method, Path: path + "?" + query, User: "ada", Permissions: auth.Permissions(),
				})
				told := fixtures.Problem(t, r, http.StatusUnprocessableEntity, "validation")
				if !slices.ContainsFunc(told.Errors, func(f problem.Field) bool {
					return f.Field == p.Name && f.Code == problem.Required || f.Code == problem.Repeated
				}) {
					t.Errorf("%s ?%s: %+v", op.OperationID, query, told.Errors)
				}
			}
		}
	}
	if tried < 40 {
		t.Errorf("only %d parameters", tried)
	}
	for _, query := range []string{
		"/users?q=", "/users?q=&cursor=", "/waiting?product=live-reports&product=call-queue-booster",
		"/exclusions?product=live-reports&product=developer",
	} {
		if r := l.send(http.MethodGet, query, nil, nil); r.Status != http.StatusOK {
			t.Errorf("%s: %d %s", query, r.Status, r.Body)
		}
	}
	told := fixtures.Problem(
		t, l.send(http.MethodGet, "/waiting?product=live-reports&product=nothing", nil, nil),
		http.StatusUnprocessableEntity, "validation",
	)
	if len(told.Errors) != 1 || told.Errors[0].Field != "product[1]" {
		t.Errorf("%+v", told.Errors)
	}
	// Pages of several products are those of each, one after the other.
	l.must(http.MethodPut, "/call-queues/q", object{"name": "Q", "members": l.crowd(9)})
	l.must(http.MethodPut, "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
	waiting := 0
	for after := ""; ; {
		page := l.must(http.MethodGet, "/waiting?product=phone-system&product=live-reports&product=developer&limit=2"+after, nil)
		waiting += len(items(t, page))
		next, more := page["nextCursor"].(string)
		if !more {
			break
		}
		after = "&cursor=" + next
	}
	if waiting != 5 {
		t.Errorf("%d of 5 wait on all pages", waiting)
	}
}
