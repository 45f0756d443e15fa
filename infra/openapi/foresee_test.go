package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/infra/registry"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/catalog"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
)

// A dry run changes nothing, and its effects are those of the request that follows it (requirements,
// section 12). What was changed is counted here by what GET answers before and after, by nothing of
// what reads the effects of a dry run.

// attempt is a request that is tried.
type attempt struct {
	path string
	body any
}

// told is the answer to a dry run.
type told struct {
	Effects struct {
		Seats []struct {
			ProductID                            string
			Bought, Assigned, Available, Waiting [2]int64
		}
		Licenses []struct {
			ID            string
			Before, After *seen
		}
		Users []struct {
			UserID                     string
			Gains, Loses, Waits, Stops []string
		}
		Counts struct{ Licenses, Users, Gains, Loses, Waits int }
		Money  struct{ DueToday, Recurring struct{ Amount int64 } }
	}
	Plan string
}

// seen is what is said of a license.
type seen struct{ ProductID, Status, UserID, Extension, CostCenter string }

// account is what GET answers of an account.
type account struct {
	seats     map[string][4]int64 // bought, assigned, available, waiting
	licenses  map[string]seen
	holds     map[string]bool // user and product
	waits     map[string]bool
	recurring int64
	due       int64
}

func (l *law) each(path string, visit func(item object)) {
	l.t.Helper()
	for cursor := ""; ; {
		page := l.must(http.MethodGet, path+cursor, nil)
		list, _ := page["items"].([]any)
		for _, item := range list {
			one, _ := item.(object)
			visit(one)
		}
		next, more := page["nextCursor"].(string)
		if !more {
			return
		}
		cursor = "&cursor=" + next
	}
}

// recount is the account as it is.
func (l *law) recount() account {
	l.t.Helper()
	a := account{
		seats: map[string][4]int64{}, licenses: map[string]seen{}, holds: map[string]bool{}, waits: map[string]bool{},
	}
	price := func(product string) int64 {
		p, err := catalog.Default().Price(product, "USD")
		if err != nil {
			l.t.Fatal(err)
		}
		return p.Minor
	}
	whole := func(v any) int64 { n, _ := v.(float64); return int64(n) }
	word := func(v any) string { s, _ := v.(string); return s }
	l.each("/licenses/summary", func(s object) {
		a.seats[word(s["productId"])] = [4]int64{
			whole(s["bought"]), whole(s["assigned"]), whole(s["available"]), whole(s["waiting"]),
		}
	})
	l.each("/licenses?status=available&status=assigned&status=terminated&limit=200", func(s object) {
		one := seen{
			word(s["productId"]), word(s["status"]), word(s["userId"]), word(s["extension"]), word(s["costCenter"]),
		}
		a.licenses[word(s["id"])] = one
		if one.Status != "terminated" {
			a.recurring += price(one.ProductID)
		}
		if one.UserID != "" {
			a.holds[one.UserID+" "+one.ProductID] = true
		}
	})
	l.each("/waiting?limit=200", func(s object) { a.waits[word(s["userId"])+" "+word(s["productId"])] = true })
	l.each("/wallboards?limit=200", func(object) { a.recurring += price("wallboard") })
	l.each("/orders?limit=200", func(s object) {
		due, _ := s["dueToday"].(object)
		a.due += whole(due["amount"])
	})
	return a
}

// change is what happened between two counts, in words that can be compared. A license that the
// server chose is any of its product.
func change(before, after account) []string {
	var all []string
	for product, a := range after.seats {
		if b := before.seats[product]; a != b {
			all = append(all, fmt.Sprint("seats ", product, b, a))
		}
	}
	ids := maps.Clone(before.licenses)
	maps.Copy(ids, after.licenses)
	for id := range ids {
		b, was := before.licenses[id]
		if a := after.licenses[id]; a != b {
			all = append(all, moved(b, was, a))
		}
	}
	for _, side := range []struct {
		word     string
		from, to map[string]bool
	}{
		{"gains ", before.holds, after.holds},
		{"loses ", after.holds, before.holds},
		{"waits ", before.waits, after.waits},
	} {
		for who := range side.to {
			if !side.from[who] {
				all = append(all, side.word+who)
			}
		}
	}
	for who := range before.waits {
		if !after.waits[who] && !after.holds[who] {
			all = append(all, "stops "+who)
		}
	}
	return append(all, fmt.Sprint("money ", after.due-before.due, " ", after.recurring-before.recurring))
}

func moved(before seen, was bool, after seen) string {
	if before.CostCenter == after.CostCenter || !was {
		before.CostCenter, after.CostCenter = "", ""
	}
	return fmt.Sprintf("license %+v %+v", before, after)
}

// words are the effects in the words of change.
func (d told) words() []string {
	var all []string
	for _, s := range d.Effects.Seats {
		all = append(all, fmt.Sprint("seats ", s.ProductID,
			[4]int64{s.Bought[0], s.Assigned[0], s.Available[0], s.Waiting[0]},
			[4]int64{s.Bought[1], s.Assigned[1], s.Available[1], s.Waiting[1]}))
	}
	for _, l := range d.Effects.Licenses {
		var before, after seen
		if l.Before != nil {
			before = *l.Before
		}
		if l.After != nil {
			after = *l.After
		}
		all = append(all, moved(before, l.Before != nil, after))
	}
	for _, u := range d.Effects.Users {
		for word, products := range map[string][]string{
			"gains ": u.Gains, "loses ": u.Loses, "waits ": u.Waits, "stops ": u.Stops,
		} {
			for _, p := range products {
				all = append(all, word+u.UserID+" "+p)
			}
		}
	}
	m := d.Effects.Money
	return append(all, fmt.Sprint("money ", m.DueToday.Amount, " ", m.Recurring.Amount))
}

// nothing is said of what has no effects.
var nothing = []string{"money 0 0"}

// foresee asks for a dry run, which must write nothing.
func (l *law) foresee(t testing.TB, method string, a attempt) (told, fixtures.Response) {
	t.Helper()
	commits, files := l.commits, l.put()
	glue := "?"
	if strings.Contains(a.path, "?") {
		glue = "&"
	}
	r := l.send(method, a.path+glue+"dryRun=true", a.body, map[string]string{"Idempotency-Key": "ignored"})
	if l.commits != commits || l.put() != files {
		t.Fatalf(
			"a dry run of %s %s committed %d times and put %d files", method, a.path, l.commits-commits, l.put()-files,
		)
	}
	var d told
	if r.Status == http.StatusOK {
		if err := json.Unmarshal(r.Body, &d); err != nil || d.Plan == "" || len(d.Plan) > 200 {
			t.Fatalf("a dry run of %s %s answers %v: %s", method, a.path, err, r.Body)
		}
	}
	return d, r
}

// foreseeLater asks for a dry run that takes longer than its request may, and reads what the worker made of
// it, which must write nothing to the table.
func (l *law) foreseeLater(method string, a attempt) (d told) {
	l.t.Helper()
	l.box.Take()
	commits := l.commits
	glue := "?"
	if strings.Contains(a.path, "?") {
		glue = "&"
	}
	l.Env.InRequest = -1
	r := l.send(method, a.path+glue+"dryRun=true", a.body, nil)
	l.Env.InRequest = 0
	if r.Status != http.StatusAccepted {
		l.t.Fatalf("a dry run that takes too long answers %d: %s", r.Status, r.Body)
	}
	worker := registry.One(l.Env, "DeferredFunction")
	for _, wakeUp := range l.box.Take() {
		if err := worker.Event(l.t.Context(), memoryfiles.Event(wakeUp, l.Clock.Now())); err != nil {
			l.t.Fatal(err)
		}
	}
	if l.commits != commits {
		l.t.Fatalf("a deferred dry run of %s %s committed %d times", method, a.path, l.commits-commits)
	}
	below := strings.TrimPrefix(r.Header.Get("Location"), "/v1/accounts/acme")
	if err := json.Unmarshal(l.send(http.MethodGet, below, nil, nil).Body, &d); err != nil {
		l.t.Fatal(err)
	}
	return d
}

// put is how many files were put.
func (l *law) put() int {
	return l.box.Calls()
}

// held sends a request with a plan.
func (l *law) held(method string, a attempt, plan string) fixtures.Response {
	l.t.Helper()
	return l.send(method, a.path, a.body, map[string]string{"If-Plan": plan})
}

func sorted(words []string) []string { slices.Sort(words); return words }

// openForesight is a law with something of everything, some of which waits.
func openForesight(t testing.TB) *law {
	l := openLaw(t)
	l.keepFiles()
	l.handler = api.Serve(l.Env, registry.Routes(l.Env)...).HTTP // which files are kept from in dry runs
	l.populate(calm)
	l.must(http.MethodPut, "/metrics/licenses/wallboards", object{"max": 9})
	for i := range 6 {
		l.must(http.MethodPut, fmt.Sprint("/users/m", i), object{"name": fmt.Sprint("Member ", i)})
	}
	l.must(http.MethodPut, "/call-queues/many", object{
		"name": "Many", "members": []string{"m0", "m1", "m2", "m3", "m4", "m5"},
	})
	l.must(http.MethodPut, "/call-queues/few", object{"name": "Few", "members": []string{"m0"}})
	l.must(http.MethodPut, "/dashboards/d2", object{"name": "Second", "queueIds": []string{"many"}})
	return l
}

// unused gives somebody what nobody uses for a day.
func (l *law) unused() {
	l.t.Helper()
	l.must(http.MethodPost, "/assignments", object{"items": []object{{"productId": "client-desktop", "userId": "m2"}}})
	l.Clock.Add(24 * time.Hour)
}

// fenceIn makes a fenced cost center with two free seats, for which people wait.
func (l *law) fenceIn() {
	l.t.Helper()
	l.must(http.MethodPut, "/cost-centers/CC-F", object{"name": "Fenced", "fenced": true})
	quote := l.must(http.MethodPost, "/quotes", object{"lines": []object{
		{"productId": "live-reports", "quantity": 2, "costCenter": "CC-F"},
	}})
	l.must(http.MethodPost, "/orders", object{"quoteId": quote["id"], "acknowledged": true})
}

// first is the id of a license by a filter.
func (l *law) first(filter string) string {
	l.t.Helper()
	return fmt.Sprint(items(l.t, l.must(http.MethodGet, "/licenses?"+filter, nil))[0]["id"])
}

// tries are what is tried of each operation that touches seats, people or money. An operation that
// is neither here nor in untouched fails the test.
var tries = map[string][]func(l *law) attempt{
	"put-account": {func(*law) attempt {
		return attempt{"", object{
			"name": "Acme", "brand": "Brand", "currency": "USD", "timezone": "America/Detroit", "billingDay": 1,
			"bundle": "customer-engagement",
		}}
	}},
	"patch-account": {func(*law) attempt { return attempt{"", object{"bundle": "customer-engagement"}} }},
	"assign-products": {
		func(*law) attempt {
			return attempt{"/assignments", object{"items": []object{
				{"productId": "phone-system", "userId": "m1"},
				{"productId": "client-desktop", "userId": "m2"},
				{"productId": "call-queue-booster", "userId": "m2"},
			}}}
		},
		func(*law) attempt {
			var all []object
			for i := range 30 {
				all = append(all, object{"productId": "client-desktop", "userId": fmt.Sprint("m", i%6)})
			}
			return attempt{"/assignments", object{"items": all}}
		},
		func(l *law) attempt { // a seat behind a fence, which its own user asks for
			l.fenceIn()
			l.must(http.MethodPut, "/users/own", object{"name": "Own", "costCenter": "CC-F"})
			return attempt{"/assignments", object{"items": []object{
				{"productId": "live-reports", "userId": "own", "costCenter": "CC-F"},
			}}}
		},
	},
	"remove-products": {func(*law) attempt {
		return attempt{"/assignments/remove", object{"items": []object{
			{"productId": "live-reports", "userId": "m0"}, {"productId": "live-reports", "userId": "ann"},
		}}}
	}},
	"put-cost-center": {func(l *law) attempt {
		l.fenceIn()
		return attempt{"/cost-centers/CC-F", object{"name": "Fenced", "fenced": false}}
	}},
	"patch-cost-center": {func(l *law) attempt {
		l.fenceIn()
		return attempt{"/cost-centers/CC-F", object{"fenced": false}}
	}},
	"delete-call-queue": {func(*law) attempt { return attempt{"/call-queues/many", nil} }},
	"patch-call-queue": {func(*law) attempt {
		return attempt{"/call-queues/many", object{"members": []string{"m4", "m5"}}}
	}},
	"put-call-queue": {func(*law) attempt {
		return attempt{"/call-queues/many", object{"name": "Many", "members": []string{"m0", "eve", "root"}}}
	}},
	"delete-dashboard": {func(*law) attempt { return attempt{"/dashboards/d2", nil} }},
	"patch-dashboard":  {func(*law) attempt { return attempt{"/dashboards/d2", object{"queueIds": []string{"few"}}} }},
	"put-dashboard": {func(l *law) attempt {
		l.must(http.MethodPut, "/call-queues/few", object{"name": "Few", "members": []string{"m0", "root"}})
		return attempt{"/dashboards/d3", object{"name": "Third", "queueIds": []string{"few", "many", "q1"}}}
	}},
	"lift-exclusion": {func(l *law) attempt {
		l.must(http.MethodPost, "/assignments/remove", object{"items": []object{
			{"productId": "live-reports", "userId": "ann"}, {"productId": "live-reports", "userId": "m0"},
		}})
		return attempt{"/exclusions/live-reports/ann", nil}
	}},
	"change-cost-center": {func(l *law) attempt {
		return attempt{"/licenses/cost-center", object{"licenseIds": l.shelf, "costCenter": "CC-2"}}
	}},
	"terminate-licenses": {func(l *law) attempt {
		return attempt{"/licenses/terminate", object{"licenseIds": []string{
			l.shelf[0],
			l.first("product=device_ip_phone&status=available"),
		}}}
	}},
	"change-license": {func(l *law) attempt {
		return attempt{
			"/licenses/" + l.shelf[0],
			object{"costCenter": "CC-2"},
		}
	}},
	"patch-add-ons": {
		addOnsOf,
		func(l *law) attempt { a := addOnsOf(l); a.body = object{"productIds": []string{}}; return a },
	},
	"set-add-ons": {addOnsOf},
	"assign-license": {func(l *law) attempt {
		l.free()
		return attempt{"/licenses/" + l.shelf[0] + "/assign", object{"userId": "m3", "extension": "777"}}
	}},
	"reassign-license": {func(l *law) attempt {
		return attempt{
			"/licenses/" + l.first("product=phone-system&status=assigned") + "/reassign",
			object{"userId": "m3"},
		}
	}},
	"terminate-license": {func(l *law) attempt {
		l.free()
		return attempt{"/licenses/" + l.shelf[0] + "/terminate", nil}
	}},
	"unassign-license": {
		func(l *law) attempt {
			return attempt{"/licenses/" + l.first("product=live-reports&status=assigned") + "/unassign", nil}
		},
		func(l *law) attempt {
			return attempt{"/licenses/" + l.first("product=phone-system&status=assigned") + "/unassign", nil}
		},
	},
	"place-order": {
		func(l *law) attempt { return l.quoted(3) },
		func(l *law) attempt { return l.quoted(120) },
	},
	"patch-role": {func(*law) attempt {
		return attempt{"/roles/lead", object{"licenses": []string{"essential-user", "client-desktop", "client-crm"}}}
	}},
	"put-role": {func(*law) attempt {
		return attempt{"/roles/lead", object{
			"name": "Lead", "permissions": []string{"liveReports.view"}, "licenses": []string{
				"essential-user",
				"client-desktop", "client-crm",
			},
		}}
	}},
	"post-usage-views": {func(*law) attempt {
		return attempt{"/usage/views", object{"events": []object{{
			"id": "v1", "userId": "root", "dashboardId": "d2",
			"at": fixtures.Start.Add(-time.Hour).Format(time.RFC3339),
		}}}}
	}},
	"create-reclaim": {func(l *law) attempt {
		l.unused()
		return attempt{"/reclaims", object{"productId": "client-desktop", "days": 1}}
	}},
	"undo-reclaim": {func(l *law) attempt {
		l.unused()
		begun := l.must(http.MethodPost, "/reclaims", object{"productId": "client-desktop", "days": 1})
		return attempt{"/reclaims/" + fmt.Sprint(begun["id"]) + "/undo", nil}
	}},
	"approve-request": {func(l *law) attempt { return attempt{l.wishedBy("eve") + "/approve", nil} }},
	"delete-user": {
		func(*law) attempt { return attempt{"/users/m0", nil} },
		func(*law) attempt { return attempt{"/users/ann", nil} },
	},
	"patch-user": {
		func(*law) attempt { return attempt{"/users/ann", object{"active": false}} },
		func(*law) attempt {
			return attempt{"/users/m1", object{"roleIds": []string{"lead"}, "extension": "555"}}
		},
		func(l *law) attempt { // who comes to a fenced cost center has its free seat
			l.fenceIn()
			return attempt{"/users/m2", object{"costCenter": "CC-F"}}
		},
	},
	"put-user": {func(*law) attempt {
		return attempt{"/users/new", object{"name": "New", "licenses": []string{"essential-user"}}}
	}, func(l *law) attempt {
		l.fenceIn()
		return attempt{"/users/m3", object{"name": "Member 3", "costCenter": "CC-F"}}
	}},
	"delete-wallboard": {func(l *law) attempt { l.board(); return attempt{"/wallboards/board", nil} }},
	"put-wallboard": {func(*law) attempt {
		return attempt{"/wallboards/new", object{"name": "New", "kind": "analytics", "userId": "ann"}}
	}},
}

func (l *law) board() {
	l.t.Helper()
	l.must(http.MethodPut, "/wallboards/board", object{"name": "Board", "kind": "analytics", "userId": "ann"})
}

// free leaves the first phone to nobody.
func (l *law) free() {
	l.t.Helper()
	if now := l.must(http.MethodGet, "/licenses/"+l.shelf[0], nil); now["status"] == "assigned" {
		l.must(http.MethodPost, "/licenses/"+l.shelf[0]+"/unassign", nil)
	}
}

func addOnsOf(l *law) attempt {
	return attempt{
		"/licenses/" + l.first("product=phone-system&status=assigned") + "/add-ons",
		object{"productIds": []string{"device_ip_phone"}},
	}
}

// quoted is an order of some seats, for which people wait.
func (l *law) quoted(n int) attempt {
	l.t.Helper()
	quote := l.must(http.MethodPost, "/quotes", object{"lines": []object{
		{"productId": "live-reports", "quantity": n, "costCenter": "CC-1"},
		{"productId": "developer", "quantity": 2, "costCenter": "CC-2"},
	}})
	return attempt{"/orders", object{"quoteId": quote["id"], "acknowledged": true}}
}

// untouchedTries are requests of operations that touch no seat, person or money.
var untouchedTries = map[string]func(l *law) attempt{
	"delete-cart": func(*law) attempt { return attempt{"/cart", nil} },
	"patch-cart": func(*law) attempt {
		return attempt{"/cart", object{"lines": []object{{"productId": "developer", "quantity": 2}}}}
	},
	"put-cart": func(*law) attempt {
		return attempt{"/cart", object{"lines": []object{{"productId": "developer", "quantity": 2}}}}
	},
	"charge-cart": func(l *law) attempt {
		l.line()
		return attempt{
			"/cart/cost-center",
			object{"costCenter": "CC-1"},
		}
	},
	"add-cart-line": func(*law) attempt {
		return attempt{"/cart/lines", object{
			"productId": "developer",
			"quantity":  2,
		}}
	},
	"delete-cart-line": func(l *law) attempt { return attempt{"/cart/lines/" + l.line(), nil} },
	"patch-cart-line":  func(l *law) attempt { return attempt{"/cart/lines/" + l.line(), object{"quantity": 7}} },
	"split-cart-line": func(l *law) attempt {
		return attempt{"/cart/lines/" + l.line() + "/split", object{"parts": []object{{
			"quantity":   1,
			"costCenter": "CC-1",
		}, {"quantity": 4, "costCenter": "CC-2"}}}}
	},
	"merge-cart-lines": func(l *law) attempt {
		a, b := l.line(), l.line()
		return attempt{"/cart/merge", object{"lineIds": []string{a, b}}}
	},
	"invite-user": func(l *law) attempt {
		l.must(http.MethodPatch, "/users/ann", object{"email": "ann@example.com"})
		return attempt{"/users/ann/invite", nil}
	},
	"delete-role": func(l *law) attempt {
		l.must(http.MethodPut, "/roles/nobody", object{"name": "Nobody"})
		return attempt{"/roles/nobody", nil}
	},
	"patch-wallboard": func(l *law) attempt {
		l.board()
		return attempt{"/wallboards/board", object{"userId": "bob"}}
	},
	"delete-cost-center": func(l *law) attempt {
		l.must(http.MethodPut, "/cost-centers/CC-9", object{"name": "Nine"})
		return attempt{"/cost-centers/CC-9", nil}
	},
	"put-policy":      func(*law) attempt { return attempt{"/policies/call-group", object{"lowSeats": 8}} },
	"patch-policy":    func(*law) attempt { return attempt{"/policies/live-reports", object{"idleDays": 8}} },
	"delete-policy":   func(*law) attempt { return attempt{"/policies/live-reports", nil} },
	"archive-account": func(*law) attempt { return attempt{"/archive", nil} },
	"forget-user":     func(l *law) attempt { return attempt{l.leaver() + "/forget", nil} },
	"erase-account": func(l *law) attempt {
		l.leaves()
		return attempt{"/erase", object{"confirm": l.Account}}
	},
	"create-export": func(*law) attempt { return attempt{"/exports", object{"kind": "users"}} },
	"create-import": func(*law) attempt {
		return attempt{"/imports", object{"kind": "users", "fileName": "a.csv", "sizeBytes": 10}}
	},
	"cancel-import": func(l *law) attempt {
		job := l.must(http.MethodPost, "/imports", object{"kind": "users", "fileName": "a.csv", "sizeBytes": 10})
		return attempt{"/imports/" + fmt.Sprint(job["id"]) + "/cancel", nil}
	},
	"apply-import": func(l *law) attempt {
		return attempt{l.plan("/imports", object{"kind": "users", "fileName": "a.csv"},
			peopleHeader+"r1,One,,,,yes,\n") + "/apply", nil}
	},
	"create-mass-configuration": func(*law) attempt {
		return attempt{"/mass-configurations", object{"fileName": "a.csv", "sizeBytes": 10}}
	},
	"cancel-mass-configuration": func(l *law) attempt {
		job := l.must(http.MethodPost, "/mass-configurations", object{"fileName": "a.csv", "sizeBytes": 10})
		return attempt{"/mass-configurations/" + fmt.Sprint(job["id"]) + "/cancel", nil}
	},
	"configure-mass-configuration": func(l *law) attempt { return attempt{l.phonesOf() + "/configure", nil} },
	"undo-mass-configuration": func(l *law) attempt {
		at := l.phonesOf()
		l.must(http.MethodPost, at+"/configure", nil)
		l.carryOut()
		return attempt{at + "/undo", nil}
	},
	"patch-wallboard-maximum": func(*law) attempt { return attempt{"/metrics/licenses/wallboards", object{"max": 70}} },
	"put-wallboard-maximum":   func(*law) attempt { return attempt{"/metrics/licenses/wallboards", object{"max": 71}} },
	"create-quote": func(*law) attempt {
		return attempt{"/quotes", object{"lines": []object{{
			"productId": "developer", "quantity": 1,
			"costCenter": "CC-1",
		}}}}
	},
	"post-usage-activity": func(*law) attempt {
		return attempt{"/usage/activity", object{"events": []object{{
			"id": "a1", "userId": "root", "productId": "live-reports",
			"at": fixtures.Start.Add(-time.Hour).Format(time.RFC3339),
		}}}}
	},
	"create-request": func(*law) attempt { return attempt{"/requests", wish} },
	"correct-period": func(l *law) attempt {
		l.closedPeriod()
		return attempt{"/billing/corrections", object{
			"corrects": "2026-06-01", "amount": object{"amount": -100, "currency": "USD"}, "reason": "Goodwill",
		}}
	},
	"deny-request":     func(l *law) attempt { return attempt{l.wished() + "/deny", nil} },
	"withdraw-request": func(l *law) attempt { return attempt{l.wished() + "/withdraw", nil} },
	"post-report":      func(*law) attempt { return attempt{"/reports", object{"kind": "license-status"}} },
}

// wish is a request for somebody.
var wish = object{"productId": "client-desktop", "userId": "m1", "reason": "They need it."}

// wished is the path of a request.
func (l *law) wished() string { l.t.Helper(); return l.wishedBy("ada") }

func (l *law) wishedBy(user string) string {
	l.t.Helper()
	r := l.Do(l.t, l.handler, fixtures.Request{
		Method: http.MethodPost, Path: "/v1/accounts/acme/requests", Body: wish, User: user,
		Permissions: auth.Permissions(),
	})
	return "/requests/" + fmt.Sprint(fixtures.Decode[object](l.t, r, http.StatusCreated)["id"])
}

// line adds a line of five to the cart, and tells its id.
func (l *law) line() string {
	l.t.Helper()
	cart := l.must(http.MethodPost, "/cart/lines", object{"productId": "developer", "quantity": 5})
	lines, _ := cart["lines"].([]any)
	line, _ := lines[len(lines)-1].(object)
	return fmt.Sprint(line["id"])
}

func (l *law) phonesOf() string {
	l.t.Helper()
	l.free()
	return l.plan("/mass-configurations", object{"fileName": "a.csv"},
		"Ext Key,Number,User,Addon license 1\n888,6567898888,m4,\n")
}

// TestDryRunsOfEveryOperation: each operation that changes something can be asked as a dry run,
// which changes nothing; its effects are those of the request that follows with its plan.
func TestDryRunsOfEveryOperation(t *testing.T) {
	listed := map[string]bool{}
	for _, op := range documented(t) {
		if op.method == http.MethodGet || len(op.Security) == 0 {
			continue
		}
		id := op.OperationID
		listed[id] = true
		if !op.parameter("query", "dryRun") || !op.parameter("header", "If-Plan") {
			t.Errorf("%s takes no dryRun or no If-Plan", id)
		}
		all, touches := tries[id]
		try, no := untouchedTries[id]
		_, said := untouched[id]
		if touches == no || no != said {
			t.Errorf(
				"%s must be in tries, or in both untouchedTries and untouched (untouched.go): it is in %v, %v and %v",
				id, touches, no, said,
			)
			continue
		}
		if no {
			all = []func(*law) attempt{try}
		}
		for i, try := range all {
			t.Run(fmt.Sprint(id, i), func(t *testing.T) {
				t.Parallel()
				l := openForesight(t)
				a := try(l)
				before := l.recount()
				d, r := l.foresee(t, op.method, a)
				if r.Status != http.StatusOK {
					t.Fatalf("a dry run answers %d: %s", r.Status, r.Body)
				}
				later := l.foreseeLater(op.method, a)
				if later.Plan != d.Plan || !slices.Equal(sorted(later.words()), sorted(d.words())) {
					t.Errorf("deferred it tells\n%v\nand directly\n%v", later, d)
				}
				if changed := change(before, l.recount()); !slices.Equal(changed, nothing) {
					t.Fatalf("a dry run changed %v", changed)
				}
				r = l.held(op.method, a, d.Plan)
				if r.Status < 200 || r.Status > 299 {
					t.Fatalf("with its plan: %d %s", r.Status, r.Body)
				}
				got, want := sorted(d.words()), sorted(change(before, l.recount()))
				if !slices.Equal(got, want) {
					t.Errorf("a dry run told\n%s\nand done was\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if no != slices.Equal(got, nothing) {
					t.Errorf("the effects are %v; listed as untouched: %v", got, no)
				}
			})
		}
	}
	for id := range untouched {
		if !listed[id] {
			t.Errorf("%s is in untouched and is no operation that changes something", id)
		}
	}
}

// TestPlansOfOthers: a plan is good for one caller, account, request and quarter of an hour.
func TestPlansOfOthers(t *testing.T) {
	l := openForesight(t)
	a := attempt{"/assignments", object{"items": []object{{"productId": "client-desktop", "userId": "m1"}}}}
	d, _ := l.foresee(t, http.MethodPost, a)
	commits := l.commits
	stale := func(what string, r fixtures.Response) {
		t.Helper()
		fixtures.Problem(t, r, http.StatusConflict, "plan-stale")
		if l.commits != commits {
			t.Errorf("%s was refused, and committed", what)
		}
	}
	stale("another body", l.held(http.MethodPost, attempt{a.path, object{
		"items": []object{{"productId": "client-desktop", "userId": "m2"}},
	}}, d.Plan))
	stale("another path", l.held(http.MethodPost, attempt{a.path + "/remove", a.body}, d.Plan))
	stale("no plan at all", l.held(http.MethodPost, a, "x"))
	stale("a long one", l.held(http.MethodPost, a, strings.Repeat("A", 5000)))
	for i := range d.Plan {
		for _, c := range []byte{'A', 'B'} {
			altered := []byte(d.Plan)
			if altered[i] == c {
				continue
			}
			altered[i] = c
			stale("an altered one", l.held(http.MethodPost, a, string(altered)))
		}
	}
	as := func(user, account string) fixtures.Response {
		return l.Do(t, l.handler, fixtures.Request{
			Method: http.MethodPost, Path: "/v1/accounts/" + account + a.path, Body: a.body, User: user,
			Account: account, Permissions: auth.Permissions(), Header: map[string]string{"If-Plan": d.Plan},
		})
	}
	stale("another caller", as("eve", "acme"))
	stale("another account", as("ada", "globex"))
	l.Clock.Add(15 * time.Minute)
	stale("an old one", l.held(http.MethodPost, a, d.Plan))
	// A key and a plan: the repetition is answered, another plan is another request.
	d, _ = l.foresee(t, http.MethodPost, a)
	keyed := func(plan string) fixtures.Response {
		return l.send(http.MethodPost, a.path, a.body, map[string]string{"If-Plan": plan, "Idempotency-Key": "k"})
	}
	first := keyed(d.Plan)
	again := keyed(d.Plan)
	if first.Status != http.StatusOK || again.Status != http.StatusOK ||
		again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s; repeated %d %s", first.Status, first.Body, again.Status, again.Body)
	}
	fixtures.Problem(t, keyed("other"), http.StatusUnprocessableEntity, "idempotency-mismatch")
	fixtures.Problem(t, l.send(http.MethodPost, a.path+"?dryRun=yes", a.body, nil),
		http.StatusUnprocessableEntity, "validation")
	if r := l.Do(t, l.handler, fixtures.Request{
		Method: http.MethodPost, Path: "/v1/accounts/acme" + a.path + "?dryRun=true", Body: a.body, User: "eve",
	}); r.Status != http.StatusForbidden {
		t.Errorf("a dry run without the permission: %d %s", r.Status, r.Body)
	}
}

// TestHistoriesOfDryRuns: in whatever state, a dry run tells what the request does, or refuses as it
// does; when something is done in between, the plan is stale or its effects are the same.
func TestHistoriesOfDryRuns(t *testing.T) {
	people := []string{"ann", "bob", "eve", "m0", "m1", "m2", "m3"}
	products := []string{
		"live-reports", "phone-system", "device_ip_phone", "essential-user",
		"professional-user", "client-desktop", "call-queue-booster",
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := openForesight(t)
		pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, what) }
		draw := func() (string, attempt) {
			user, product := pick("user", people...), pick("product", products...)
			item := object{"items": []object{
				{"productId": product, "userId": user},
				{"productId": pick("another product", products...), "userId": pick("another user", people...)},
			}}
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0, 1:
				return http.MethodPost, attempt{"/assignments", item}
			case 2:
				return http.MethodPost, attempt{"/assignments/remove", item}
			case 3:
				return http.MethodPatch, attempt{"/users/" + user, object{"active": rapid.Bool().Draw(rt, "active")}}
			case 4:
				return http.MethodPut, attempt{"/call-queues/many", object{
					"name":    "Many",
					"members": rapid.Permutation(people).Draw(rt, "members")[:3],
				}}
			case 5:
				return http.MethodPut, attempt{"/dashboards/d2", object{
					"name":     "D",
					"queueIds": []string{pick("queue", "many", "few", "q1")},
				}}
			case 6:
				return http.MethodPatch, attempt{"/roles/lead", object{"licenses": []string{pick("carried",
					"essential-user", "client-desktop")}}}
			case 7:
				return http.MethodPost, l.quoted(rapid.IntRange(1, 3).Draw(rt, "seats"))
			case 8:
				return http.MethodPost, attempt{"/licenses/" + pick("phone", l.shelf...) + "/" + pick("do",
					"unassign", "terminate"), nil}
			default:
				return http.MethodPost, attempt{
					"/licenses/" + pick("phone", l.shelf...) + "/assign",
					object{"userId": user},
				}
			}
		}
		for range rapid.IntRange(1, 4).Draw(rt, "requests") {
			method, a := draw()
			d, r := l.foresee(t, method, a)
			between := rapid.IntRange(0, 2).Draw(rt, "something between") == 0
			if between {
				m, b := draw()
				l.send(m, b.path, b.body, nil)
			}
			before := l.recount()
			if r.Status != http.StatusOK {
				if real := l.send(method, a.path, a.body, nil); !between && real.Status != r.Status {
					rt.Fatalf("%s %v: a dry run answers %d %s, the request %d %s", method, a, r.Status, r.Body,
						real.Status, real.Body)
				}
				continue
			}
			real := l.held(method, a, d.Plan)
			done := l.recount()
			switch {
			case real.Status == http.StatusConflict && between:
				fixtures.Problem(t, real, http.StatusConflict, "plan-stale")
				if got := change(before, done); !slices.Equal(got, nothing) {
					rt.Fatalf("%s %v was stale and did %v", method, a, got)
				}
			case real.Status >= 300:
				rt.Fatalf("%s %v with its plan: %d %s", method, a, real.Status, real.Body)
			default:
				got, want := sorted(d.words()), sorted(change(before, done))
				if between { // others have changed the counts
					seats := func(w string) bool {
						return strings.HasPrefix(w,
							"seats ") || strings.HasPrefix(w, "license ")
					}
					got, want = slices.DeleteFunc(got, seats), slices.DeleteFunc(want, seats)
				}
				if !slices.Equal(got, want) {
					rt.Fatalf("%s %v told\n%s\nand did\n%s", method, a, strings.Join(got, "\n"),
						strings.Join(want, "\n"))
				}
			}
		}
	})
}
