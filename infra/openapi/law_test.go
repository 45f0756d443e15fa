package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seatwise/infra/registry"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// What is read can be written back (requirements, section 6). The tests of this file find every
// resource that has GET and PUT by the registered operations, and ask each through the handlers, in
// states that are drawn; a new resource without something to try in kinds fails them.

// law is an account with everything in it that can be read and written back.
type law struct {
	*fixtures.Fixture
	t       testing.TB
	handler http.Handler
	commits int // how often something was written
	writes  int // how many operations these had
	shelf   []string
	box     *memoryfiles.Box // nil where files do not matter
}

func openLaw(t testing.TB) *law {
	t.Helper()
	l := &law{Fixture: fixtures.New(t), t: t}
	l.Env.Table = faulty.New(l.Env.Table, func(c faulty.Call) faulty.Fault {
		if c.Ops != nil {
			l.commits++
			l.writes += len(c.Ops)
		}
		return faulty.None
	})
	l.handler = api.Serve(l.Env, registry.Routes(l.Env)...).HTTP
	for _, code := range []string{"CC-1", "CC-2"} {
		l.must(http.MethodPut, "/cost-centers/"+code, object{"name": "Cost center " + code})
	}
	l.must(http.MethodPut, "/policies/live-reports", object{"lowSeats": 1, "idleDays": 30, "autoPurchase": object{
		"enabled": false, "maxSeats": 5, "costCenter": "CC-1",
		"acknowledgedPrice": object{"amount": 1, "currency": "USD"},
	}})
	l.must(http.MethodPut, "/policies/developer", object{})
	l.must(http.MethodPut, "/users/root", object{"name": "Root", "roleIds": []string{"super-admin"}})
	quote := l.must(http.MethodPost, "/quotes", object{"lines": []object{
		{"productId": "live-reports", "quantity": 4, "costCenter": "CC-1"},
		{"productId": "phone-system", "quantity": 3, "costCenter": "CC-1"},
		{"productId": "device_ip_phone", "quantity": 3, "costCenter": "CC-2"},
		{"productId": "call_recording", "quantity": 2, "costCenter": "CC-2"},
	}})
	l.must(http.MethodPost, "/orders", object{"quoteId": quote["id"], "acknowledged": true})
	for _, item := range items(l.t, l.must(http.MethodGet, "/licenses?product=phone-system", nil)) {
		l.shelf = append(l.shelf, fmt.Sprint(item["id"]))
	}
	return l
}

// keepFiles gives the law a place for files.
func (l *law) keepFiles() {
	l.t.Helper()
	l.box = memoryfiles.New(memoryfiles.Serve(l.t))
	l.Env.Files = l.box
}

func (l *law) send(method, path string, body any, header map[string]string) fixtures.Response {
	l.t.Helper()
	return l.Do(l.t, l.handler, fixtures.Request{
		Method:      method,
		Path:        "/v1/accounts/acme" + path,
		Body:        body,
		Header:      header,
		User:        "ada",
		Permissions: auth.Permissions(),
	})
}

func (l *law) must(method, path string, body any) object {
	l.t.Helper()
	r := l.send(method, path, body, nil)
	if r.Status >= http.StatusMultipleChoices {
		l.t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
	}
	var got object
	if len(r.Body) > 0 {
		if err := json.Unmarshal(r.Body, &got); err != nil {
			l.t.Fatal(err)
		}
	}
	return got
}

// kinds says, for the path of every resource with GET and PUT, which there are, and how one is
// changed so that it is another than it was.
var kinds = map[string]struct {
	all    func(l *law) []string
	change func(body object)
	// patch is a merge patch that changes it; the change of a name if it is nil.
	patch object
}{
	"":                     {all: only("")},
	"/cost-centers/{code}": {all: listed("/cost-centers", "code")},
	"/cart": {
		all:    only("/cart"),
		change: lengthen,
		patch:  object{"lines": []object{{"productId": "developer", "quantity": 9}}},
	},
	"/licenses/{id}/add-ons": {
		all:    (*law).bases,
		change: func(b object) { b["productIds"] = []string{} },
		patch:  object{"productIds": []string{}},
	},
	"/policies/{product}": {
		all:    listed("/policies", "productId"),
		change: func(b object) { b["idleDays"] = 77 },
		patch:  object{"idleDays": 78},
	},
	"/users/{id}":       {all: listed("/users", "id")},
	"/roles/{id}":       {all: listed("/roles", "id")},
	"/call-queues/{id}": {all: listed("/call-queues", "id")},
	"/dashboards/{id}":  {all: listed("/dashboards", "id")},
	"/wallboards/{id}":  {all: listed("/wallboards", "id")},
	"/metrics/licenses/wallboards": {
		all:    only("/metrics/licenses/wallboards"),
		change: func(b object) { b["max"] = 77 },
		patch:  object{"max": 78},
	},
}

func only(path string) func(*law) []string { return func(*law) []string { return []string{path} } }

func listed(path, id string) func(*law) []string {
	return func(l *law) []string {
		var all []string
		list, _ := l.must(http.MethodGet, path+"?limit=200", nil)["items"].([]any)
		for _, item := range list {
			one, _ := item.(object)
			all = append(all, path+"/"+fmt.Sprint(one[id]))
		}
		return all
	}
}

func (l *law) bases() []string {
	var all []string
	for _, id := range l.shelf {
		all = append(all, "/licenses/"+id+"/add-ons")
	}
	return all
}

func lengthen(b object) {
	lines, _ := b["lines"].([]any)
	b["lines"] = append(lines, object{"productId": "developer", "quantity": 9})
}

func rename(b object) { b["name"] = fmt.Sprint(b["name"]) + " Two" }

// resources are the paths below an account that have GET and PUT.
func resources(t testing.TB) map[string]operation {
	t.Helper()
	methods := map[string]map[string]operation{}
	for _, op := range documented(t) {
		if methods[op.path] == nil {
			methods[op.path] = map[string]operation{}
		}
		methods[op.path][op.method] = op
	}
	found := map[string]operation{}
	for path, ops := range methods {
		put, writes := ops[http.MethodPut]
		_, reads := ops[http.MethodGet]
		if !writes {
			continue
		}
		below, ok := strings.CutPrefix(path, "/v1/accounts/{account}")
		switch {
		case !reads:
			t.Errorf("%s can be written and not read", path)
		case !ok:
			t.Errorf("%s is no account's; teach the law about it", path)
		case kinds[below].all == nil:
			t.Errorf("%s is a resource that the law knows nothing of; add it to kinds", path)
		}
		if _, patches := ops[http.MethodPatch]; !patches {
			t.Errorf("%s has PUT and no PATCH (docs/contract.md)", path)
		}
		found[below] = put
	}
	if len(found) != len(kinds) {
		t.Errorf("%d resources are registered, and %d are tried", len(found), len(kinds))
	}
	return found
}

// TestPutTakesWhatGetAnswers holds the schemas: every field of GET is one of PUT, also one that none
// of the resources tried here has.
func TestPutTakesWhatGetAnswers(t *testing.T) {
	l := openLaw(t)
	l.populate(calm)
	document := l.document()
	reads := map[string]operation{}
	for _, op := range documented(t) {
		if op.method == http.MethodGet {
			reads[op.path] = op
		}
	}
	for below, put := range resources(t) {
		w := &world{document: document}
		schema := w.resolve(t, put.RequestBody.Content["application/json"].Schema)
		get := reads[put.path]
		for name, field := range w.resolve(t, get.Responses["200"].Content["application/json"].Schema).Properties {
			if schema.Properties[name] == nil && !strings.HasPrefix(field.Description, "Of the answer to a change") {
				t.Errorf("PUT %s does not take %s, which the document says that GET answers", below, name)
			}
		}
		for _, path := range kinds[below].all(l) {
			for name := range l.must(http.MethodGet, path, nil) {
				if schema.Properties[name] == nil {
					t.Errorf("PUT %s does not take %s, which GET answers", below, name)
				}
			}
		}
	}
}

func (l *law) document() *huma.OpenAPI {
	l.t.Helper()
	document := Document(l.Env)
	return document
}

// populate makes a state out of what is drawn: pick chooses one of n.
func (l *law) populate(pick func(what string, n int) int) {
	some := func(what string, of ...string) []string {
		chosen := []string{}
		for _, one := range of {
			if pick(what+" "+one, 2) == 0 {
				chosen = append(chosen, one)
			}
		}
		return chosen
	}
	one := func(what string, of ...string) string { return of[pick(what, len(of))] }
	for _, r := range []string{"lead", "agent"} {
		l.send(http.MethodPut, "/roles/"+r, object{
			"name":        "Role " + r,
			"permissions": some(r, "liveReports.view", "billing.read"),
			"licenses":    some(r, "essential-user", "client-desktop"),
		}, nil)
	}
	people := []string{"ann", "bob", "eve"}
	for i, user := range people {
		body := object{"name": "User " + user, "active": pick(user+" active", 4) != 3}
		if pick(user+" e-mail", 2) == 0 {
			body["email"] = user + "@acme.test"
		}
		if pick(user+" extension", 2) == 0 {
			body["extension"] = fmt.Sprint("10", i)
			if pick(user+" number", 2) == 0 {
				body["number"] = fmt.Sprint("+1656789100", i)
			}
		}
		body["roleIds"], body["licenses"] = some(
			user+" role",
			"lead",
			"super-admin",
		), some(
			user+" license",
			"professional-user",
			"agent-user",
		)
		l.send(http.MethodPut, "/users/"+user, body, nil)
		for _, product := range []string{
			"essential-user", "agent-user", "client-desktop", "analytics-supervisor", "live-reports",
		} {
			if pick(user+" is given "+product, 2) == 0 {
				l.send(
					http.MethodPost,
					"/assignments",
					object{"items": []object{{"productId": product, "userId": user}}},
					nil,
				)
			}
		}
		if pick(user+" has a phone", 2) == 0 {
			l.send(
				http.MethodPost,
				"/licenses/"+l.shelf[i]+"/assign",
				object{"userId": user, "extension": fmt.Sprint("20", i)},
				nil,
			)
			l.send(
				http.MethodPut,
				"/licenses/"+l.shelf[i]+"/add-ons",
				object{"productIds": some(user, "device_ip_phone", "call_recording")},
				nil,
			)
		}
		l.send(
			http.MethodPut,
			"/wallboards/w-"+user,
			object{"name": "Board of " + user, "kind": one("kind", "analytics", "live-analytics"), "userId": user},
			nil,
		)
	}
	for _, q := range []string{"q1", "q2"} {
		l.send(http.MethodPut, "/call-queues/"+q, object{"name": "Queue " + q, "members": some(q, people...)}, nil)
	}
	l.send(http.MethodPut, "/dashboards/d1", object{"name": "Dashboard", "queueIds": some("d1", "q1", "q2")}, nil)
	lines := []object{}
	for i := range pick("lines", 3) + 1 {
		line := object{"productId": one("product", "developer", "call-group"), "quantity": 2 + i}
		if pick("charged", 2) == 0 {
			line["costCenter"] = "CC-1"
		}
		lines = append(lines, line)
	}
	l.send(http.MethodPut, "/cart", object{"lines": lines}, nil)
	switch pick("cart", 4) {
	case 0:
		l.send(
			http.MethodPost,
			"/cart/lines/1/split",
			object{"parts": []object{{"quantity": 1, "costCenter": "CC-1"}, {"quantity": 1, "costCenter": "CC-2"}}},
			nil,
		)
	case 1:
		l.send(http.MethodPost, "/cart/lines", object{"productId": "auto-attendant", "quantity": 5}, nil)
	case 2:
		l.send(http.MethodDelete, "/cart", nil, nil)
	}
	if pick("maximum", 2) == 0 {
		l.send(http.MethodPut, "/metrics/licenses/wallboards", object{"max": 5}, nil)
	}
	user := people[pick("who changes", len(people))]
	switch pick("what happens to them", 5) {
	case 0:
		l.send(http.MethodPut, "/users/"+user, object{"name": "User " + user, "active": false}, nil)
	case 1:
		l.send(http.MethodDelete, "/users/"+user, nil, nil)
	case 2:
		l.send(
			http.MethodPost,
			"/assignments/remove",
			object{"items": []object{{"productId": "essential-user", "userId": user}}},
			nil,
		)
	case 3:
		l.send(
			http.MethodPut,
			"/roles/lead",
			object{"name": "Role lead", "licenses": []string{"professional-user"}},
			nil,
		)
	}
	if pick("the bundle", 6) == 5 {
		l.send(http.MethodPatch, "", object{"bundle": "customer-engagement"}, nil)
	}
}

// calm picks a state in which there is something of everything.
func calm(what string, n int) int {
	switch {
	case strings.Contains(what, " license "), strings.HasPrefix(what, "what happens"):
		return n - 1 // nothing that excludes what a role carries, and nobody leaves
	}
	return 0
}

// age plants values that rules of today refuse, as rules of another day may have let them in.
func (l *law) age(pick func(what string, n int) int) {
	edit := func(key table.Key, change func(document map[string]any)) {
		item, ok, err := table.Get(l.t.Context(), l.Env.Table, key)
		if err != nil {
			l.t.Fatal(err)
		}
		if !ok || pick("age "+key.String(), 2) == 1 {
			return
		}
		document, err := call.Decode[map[string]any](item)
		if err != nil {
			l.t.Fatal(err)
		}
		change(document)
		if item.Data, err = call.Encode(document); err != nil {
			l.t.Fatal(err)
		}
		if key == license.HolderKey(l.Account, "eve") { // the kernel compares bytes, so the order of the members counts
			h, err := call.Decode[license.Holder](item)
			if err != nil {
				l.t.Fatal(err)
			}
			if item.Data, err = call.Encode(h); err != nil {
				l.t.Fatal(err)
			}
		}
		if err := l.Env.Table.Commit(
			l.t.Context(),
			[]table.Operation{table.Put(item, table.IfVersion(item.Version))},
		); err != nil {
			l.t.Fatal(err)
		}
	}
	at := func(kind, id string) table.Key {
		return table.Key{Partition: call.Partition(l.Account, kind), Sort: id}
	}
	badName := func(d map[string]any) { d["name"] = " a\u202eb" + strings.Repeat("x", 300) }
	for kind, ids := range map[string][]string{
		"USERS": {"ann", "eve"}, "ROLES": {"lead"}, "QUEUES": {"q1"}, "DASHBOARDS": {"d1"}, "WALLBOARDS": {"w-ann"},
		"COST-CENTER": {"CC-1"},
	} {
		for _, id := range ids {
			edit(at(kind, id), badName)
		}
	}
	edit(at("USERS", "bob"), func(d map[string]any) { d["email"] = "no address" })
	edit(
		at("ROLES", "agent"),
		func(d map[string]any) { d["permissions"] = []string{"liveReports.View", "of yesterday"} },
	)
	edit(call.AccountKey(l.Account), func(d map[string]any) { d["name"], d["brand"] = "a\nb", strings.Repeat("b", 70) })
	edit(
		license.HolderKey(l.Account, "eve"),
		func(d map[string]any) { d["extension"], d["number"] = "front-desk-of-old", "(656) 789-1200 or so" },
	)
	edit(table.Key{Partition: call.Partition(l.Account, "CART", "ada"), Sort: "CART"}, func(d map[string]any) {
		d["lines"] = []object{{"id": "1", "productId": "of-yesterday", "quantity": 20000, "costCenter": "gone"}}
	})
}

// unchanged demands that an answer is 200 with the entity tag of before, and that a number of
// operations were written for it.
func (l *law) unchanged(t failer, what string, before fixtures.Response, writes int, r fixtures.Response) {
	t.Helper()
	if r.Status != http.StatusOK || r.Header.Get("ETag") != before.Header.Get("ETag") {
		t.Fatalf(
			"%s: %d, tag %s, want 200 and %s: %s\nof %s",
			what,
			r.Status,
			r.Header.Get("ETag"),
			before.Header.Get("ETag"),
			r.Body,
			before.Body,
		)
	}
	if l.writes != writes {
		t.Fatalf("%s wrote %d operations: %s", what, l.writes-writes, before.Body)
	}
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// TestWhatIsReadCanBeWrittenBack: PUT of exactly what GET returned, and a PATCH that names nothing
// new, change nothing, not even an audit record, for every resource in whatever state.
func TestWhatIsReadCanBeWrittenBack(t *testing.T) {
	found := resources(t)
	rapid.Check(t, func(rt *rapid.T) {
		l := openLaw(t)
		pick := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, what) }
		l.populate(pick)
		l.age(pick)
		for _, below := range slices.Sorted(maps.Keys(found)) {
			for _, path := range kinds[below].all(l) {
				before := l.send(http.MethodGet, path, nil, nil)
				if before.Status != http.StatusOK || before.Header.Get("ETag") == "" ||
					bytes.Contains(before.Body, []byte(":null")) {
					rt.Fatalf("GET %s: %d, tag %q: %s", path, before.Status, before.Header.Get("ETag"), before.Body)
				}
				writes := l.writes
				tag := map[string]string{"If-Match": before.Header.Get("ETag")}
				l.unchanged(rt, "PUT "+path, before, writes, l.send(http.MethodPut, path, before.Body, nil))
				l.unchanged(
					rt,
					"PUT with If-Match "+path,
					before,
					writes,
					l.send(http.MethodPut, path, before.Body, tag),
				)
				l.unchanged(rt, "PATCH with {} "+path, before, writes, l.send(http.MethodPatch, path, "{}", tag))
				l.unchanged(
					rt,
					"PATCH with all "+path,
					before,
					writes,
					l.send(http.MethodPatch, path, before.Body, map[string]string{"Content-Type": api.MergePatch}),
				)
				// Under a key the answer is remembered, and nothing else.
				keyed := map[string]string{"Idempotency-Key": "put " + path}
				first := l.send(http.MethodPut, path, before.Body, keyed)
				l.unchanged(rt, "PUT with a key "+path, before, writes+1, first)
				second := l.send(http.MethodPut, path, before.Body, keyed)
				l.unchanged(rt, "PUT with the key again "+path, before, writes+1, second)
				if second.Header.Get("Idempotent-Replayed") != "true" ||
					!bytes.Equal(bytes.TrimSpace(first.Body), bytes.TrimSpace(second.Body)) {
					rt.Fatalf("PUT %s repeated: %s, first %s", path, second.Body, first.Body)
				}
				if after := l.send(http.MethodGet, path, nil, nil); !bytes.Equal(after.Body, before.Body) {
					rt.Fatalf("GET %s: %s, before %s", path, after.Body, before.Body)
				}
			}
		}
	})
}

// TestReadOnlyFieldsAreRefused: of every resource each field that GET alone decides.
func TestReadOnlyFieldsAreRefused(t *testing.T) {
	l := openLaw(t)
	l.populate(calm)
	w := &world{document: l.document()}
	tried := 0
	for below, put := range resources(t) {
		schema := w.resolve(t, put.RequestBody.Content["application/json"].Schema)
		paths := kinds[below].all(l)
		path := paths[0]
		body := l.must(http.MethodGet, path, nil)
		for name, property := range schema.Properties {
			if !property.ReadOnly {
				continue
			}
			if _, there := body[name]; !there {
				continue // what GET leaves out has no value that could be altered
			}
			tried++
			altered := maps.Clone(body)
			altered[name] = other(body[name])
			for method, sent := range map[string]object{
				http.MethodPut: altered, http.MethodPatch: {name: altered[name]},
			} {
				before := l.writes
				p := fixtures.Problem(t, l.send(method, path, sent, nil), http.StatusUnprocessableEntity, "read-only")
				if len(p.Errors) != 1 || p.Errors[0].Field != name || l.writes != before {
					t.Errorf(
						"%s %s with another %s names %+v, and wrote %d",
						method,
						path,
						name,
						p.Errors,
						l.writes-before,
					)
				}
			}
		}
	}
	if tried < 15 {
		t.Errorf("only %d read-only fields", tried)
	}
}

// other is a value of the same type that differs.
func other(v any) any {
	switch v := v.(type) {
	case string:
		if strings.HasSuffix(v, "Z") {
			return "2001-01-01T00:00:00Z"
		}
		return v + "x"
	case float64:
		return v + 1
	case []any:
		if len(v) > 0 {
			return v[:len(v)-1]
		}
		return []any{"x"}
	case map[string]any:
		changed := maps.Clone(v)
		for name, value := range changed {
			if n, ok := value.(float64); ok {
				changed[name] = n + 1
			}
		}
		return changed
	}
	return true // a flag that is not set
}

// TestASecondClickOnSave: a PUT, a PATCH and a DELETE that are repeated with the same key and
// If-Match get the first answer, and take effect once, though the version is another by then.
func TestASecondClickOnSave(t *testing.T) {
	found := resources(t)
	for below := range found {
		t.Run(below, func(t *testing.T) {
			l := openLaw(t)
			l.populate(calm)
			path := kinds[below].all(l)[0]
			if below == "/roles/{id}" {
				path = "/roles/agent" // super-admin is before it
			}
			change, patch := kinds[below].change, kinds[below].patch
			if change == nil {
				change, patch = rename, object{"name": "Three"}
			}
			twice := func(method string, body object) {
				t.Helper()
				now := l.send(http.MethodGet, path, nil, nil)
				header := map[string]string{"Idempotency-Key": method, "If-Match": now.Header.Get("ETag")}
				var sent any
				if body != nil {
					sent = body
				}
				first := l.send(method, path, sent, header)
				if first.Status >= http.StatusMultipleChoices ||
					first.Status == http.StatusOK && first.Header.Get("ETag") == now.Header.Get("ETag") {
					t.Fatalf("%s: %d, tag %s: %s", method, first.Status, first.Header.Get("ETag"), first.Body)
				}
				writes := l.writes
				second := l.send(method, path, sent, header)
				if second.Status != first.Status || second.Header.Get("ETag") != first.Header.Get("ETag") ||
					second.Header.Get("Idempotent-Replayed") != "true" ||
					!bytes.Equal(bytes.TrimSpace(second.Body), bytes.TrimSpace(first.Body)) ||
					l.writes != writes {
					t.Fatalf(
						"%s again: %d %v %s\nfirst %d %v %s",
						method,
						second.Status,
						second.Header,
						second.Body,
						first.Status,
						first.Header,
						first.Body,
					)
				}
				delete(header, "Idempotency-Key")
				if first.Status != http.StatusNoContent {
					fixtures.Problem(
						t,
						l.send(method, path, body, header),
						http.StatusPreconditionFailed,
						"precondition-failed",
					)
				}
			}
			body := l.must(http.MethodGet, path, nil)
			change(body)
			twice(http.MethodPut, body)
			if below == "/licenses/{id}/add-ons" {
				patch = object{"productIds": []string{"device_ip_phone"}}
			}
			twice(http.MethodPatch, patch)
			if strings.HasSuffix(below, "}") || below == "/cart" {
				if below == "/cost-centers/{code}" {
					path = "/cost-centers/CC-9"
					l.must(http.MethodPut, path, object{"name": "Free"})
				}
				if below == "/roles/{id}" {
					path = "/roles/free"
					l.must(http.MethodPut, path, object{"name": "Free"})
				}
				twice(http.MethodDelete, nil)
			}
		})
	}
}

// TestPatchChangesWhatItNames and nothing else, by RFC 7396.
func TestPatchChangesWhatItNames(t *testing.T) {
	l := openLaw(t)
	l.must(http.MethodPut, "/users/ann", object{
		"name":      "Ann",
		"email":     "ann@acme.test",
		"extension": "101",
		"number":    "6567891230",
		"roleIds":   []string{"super-admin"},
		"licenses":  []string{"essential-user"},
	})
	l.must(http.MethodPost, "/assignments", object{"items": []object{{"productId": "client-desktop", "userId": "ann"}}})
	before := l.must(http.MethodGet, "/users/ann", nil)
	for _, step := range []struct {
		patch object
		gone  []string
	}{
		{object{"name": "Anna"}, nil},
		{object{"email": nil}, []string{"email"}},
		{object{"number": nil}, []string{"number"}},
		{object{"extension": nil}, []string{"extension"}},
		{object{"roleIds": []any{}}, nil},
		{object{"licenses": []any{"essential-user"}}, nil},
		{object{"costCenter": "CC-1"}, nil},
		{object{"costCenter": nil}, []string{"costCenter"}},
		{object{"adminOfCostCenters": []any{"CC-1"}}, nil},
		{object{"adminOfCostCenters": []any{}}, nil},
	} {
		l.must(http.MethodPatch, "/users/ann", step.patch)
		maps.Copy(before, step.patch)
		for _, name := range step.gone {
			delete(before, name)
		}
		after := l.must(http.MethodGet, "/users/ann", nil)
		delete(after, "holdings")
		delete(before, "holdings")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("after %v, wanted -, got +:\n%s", step.patch, diff)
		}
	}
	for path, patch := range map[string]object{
		"/users/ann": {"name": nil}, "/cost-centers/CC-1": {"name": nil}, "/metrics/licenses/wallboards": {"max": nil},
		"": {"bundle": nil},
	} {
		p := fixtures.Problem(
			t,
			l.send(http.MethodPatch, path, patch, nil),
			http.StatusUnprocessableEntity,
			"validation",
		)
		for name := range patch {
			if len(p.Errors) == 0 || p.Errors[0].Field != name {
				t.Errorf("%s of %s: %+v", patch, path, p.Errors)
			}
		}
	}
	fixtures.Problem(t, l.send(http.MethodPatch, "/users/ann", `[]`, nil), http.StatusUnprocessableEntity, "validation")
	fixtures.Problem(
		t,
		l.send(http.MethodPatch, "/users/nobody", object{"name": "N"}, nil),
		http.StatusNotFound,
		"not-found",
	)
	fixtures.Problem(
		t,
		l.send(http.MethodPatch, "/users/ann", object{"name": "N"}, map[string]string{"If-Match": `"1"`}),
		http.StatusPreconditionFailed,
		"precondition-failed",
	)
	if _, ok := catalog.Default().Lookup("client-desktop"); !ok {
		t.Fatal("the catalog of the test is another")
	}
}
