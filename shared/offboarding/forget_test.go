package offboarding_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/registry"
	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/alert"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/offboarding"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// somebody is a person of a test.
type somebody struct{ id, name, later, email, number, extension string }

func (s somebody) path(more string) string {
	return "/v1/accounts/initech/users/" + url.PathEscape(s.id) + more
}

// zoe has values that nothing else has: they can be looked for.
var zoe = somebody{
	id: "zo|1", name: "Zoë Quill-Ünique", later: "Zoë Varnish-Ünique", email: "z.quill@unique.example",
	number: "+1 (656) 789-1230", extension: "101",
}

const zoesReason = "Zoeskneehurts & she is ill"

// zoesWords are what is looked for of zoe, also as it stands in addresses, keys and workbooks.
var zoesWords = []string{
	"Quill-", "Varnish-", "z.quill@", "z_quill", "789-1230", "16567891230", "zoeskneehurts", "%C3%9Cnique",
}

// company is an office with all functions, in which people do all that people do.
type company struct {
	*office
	functions map[string]app.Function
}

func newCompany(t *testing.T, k *fixtures.Fixture) *company {
	t.Helper()
	k.Clock.Set(time.Now().UTC().Truncate(time.Second)) // files bear the machine's time
	c := &company{office: newOffice(t, k)}
	c.http = api.Serve(k.Env, registry.Routes(k.Env)...).HTTP
	c.functions = registry.Make(k.Env)
	return c
}

// as sends a request of a user of initech, who may do everything there.
func (c *company) as(user, method, path string, body any, status int) map[string]any {
	c.t.Helper()
	r := c.Do(c.t, c.http, fixtures.Request{
		Method: method, Path: "/v1/accounts/initech" + path, Body: body, User: user, Account: "initech",
		Permissions: access.Carried().List(), Header: map[string]string{"Idempotency-Key": c.Env.IDs.Random()},
	})
	if r.Status == http.StatusNoContent && status == r.Status {
		return nil
	}
	return fixtures.Decode[map[string]any](c.t, r, status)
}

// events hands to a function the notifications of new objects in a folder.
func (c *company) events(function, folder string) {
	c.t.Helper()
	for _, event := range c.disk.Take(c.t, folder) {
		c.must(c.functions[function].Event(c.t.Context(), event))
	}
}

// scheduled runs a function's schedule.
func (c *company) scheduled(function string) {
	c.t.Helper()
	event := fmt.Appendf(nil, `{"source":"aws.events","time":%q}`, c.Clock.Now().Format(time.RFC3339))
	c.must(c.functions[function].Event(c.t.Context(), event))
}

// file has a file of initech checked, and applied if it can be.
func (c *company) file(path, kind, fileName, text string) map[string]any {
	c.t.Helper()
	ask := map[string]any{"fileName": fileName, "sizeBytes": len(text), "skipErrors": true}
	if kind != "" {
		ask["kind"] = kind
	}
	made := c.as("bob", "POST", path, ask, http.StatusCreated)
	upload, _ := made["upload"].(map[string]any)
	link, err := url.Parse(fmt.Sprint(upload["url"]))
	c.must(err)
	key := strings.TrimPrefix(link.Path, "/"+c.Env.Files.Name(files.Uploads)+"/")
	c.put(files.Uploads, key, text)
	c.events("MassConfigurationCheckFunction", files.UploadsFolder)
	at := path + "/" + fmt.Sprint(made["id"])
	if got := c.as("bob", "GET", at, nil, http.StatusOK); got["state"] != "ready" {
		c.t.Fatalf("%s is %v", at, got)
	}
	verb := map[string]string{"/imports": "/apply", "/mass-configurations": "/configure"}[path]
	c.as("bob", "POST", at+verb, nil, http.StatusAccepted)
	c.events("MassConfigurationApplyFunction", files.FileWakeUpsFolder)
	done := c.as("bob", "GET", at, nil, http.StatusOK)
	if done["state"] != "completed" {
		c.t.Fatalf("%s is %v", at, done)
	}
	return done
}

func (c *company) put(bucket files.Bucket, key, text string) {
	c.t.Helper()
	body := strings.NewReader(text)
	_, err := c.Env.Files.Put(c.t.Context(), files.Ref{Bucket: bucket, Key: key}, body, body.Size(), "text/csv")
	c.must(err)
}

// begin is what there is before anybody does anything.
func (c *company) begin() {
	c.t.Helper()
	c.as("bob", "PUT", "/cost-centers/CC-1", map[string]any{"name": "Sales"}, http.StatusCreated)
	c.do("PATCH", "/v1/accounts/initech", map[string]any{"costCenter": "CC-1"}, http.StatusOK)
}

// lives has somebody be in everything: beside ann, who has a like one of it all.
func (c *company) lives(s somebody, reason string) {
	c.t.Helper()
	who := map[string]any{
		"name": s.name, "email": s.email, "extension": s.extension, "number": s.number,
	}
	c.as("bob", "PUT", "/users/"+url.PathEscape(s.id), who, http.StatusCreated)
	lines := []map[string]any{
		{"productId": "phone-system", "quantity": 3, "costCenter": "CC-1"},
		{"productId": "call-queue-booster", "quantity": 2, "costCenter": "CC-1"},
	}
	quote := c.as(s.id, "POST", "/quotes", map[string]any{"lines": lines}, http.StatusCreated)
	c.as(s.id, "POST", "/orders", map[string]any{"quoteId": quote["id"], "acknowledged": true}, http.StatusCreated)
	c.as(s.id, "PUT", "/cart", map[string]any{"lines": []map[string]any{
		{"productId": "phone-system", "quantity": 2},
	}}, http.StatusOK)
	c.as("bob", "POST", "/assignments", map[string]any{"items": []map[string]any{
		{"productId": "phone-system", "userId": s.id},
		{"productId": "essential-user", "userId": s.id},
		{"productId": "client-desktop", "userId": s.id},
	}}, http.StatusOK)
	// A queue and a dashboard by which they get live-reports, of which they are excluded then; a role whose
	// product is not there, for which they wait.
	c.as(
		"bob", "PUT", "/call-queues/q2",
		map[string]any{"name": "Support", "members": []string{s.id, "ann"}}, http.StatusCreated,
	)
	c.as(
		"bob", "PUT", "/dashboards/d1", map[string]any{"name": "Wall", "queueIds": []string{"q2"}}, http.StatusCreated,
	)
	theirs := "/licenses?product=live-reports&user=" + url.QueryEscape(s.id)
	held, _ := c.as("bob", "GET", theirs, nil, 200)["items"].([]any)
	license, _ := held[0].(map[string]any)
	c.as("bob", "POST", "/licenses/"+fmt.Sprint(license["id"])+"/unassign", nil, http.StatusOK)
	reasons := map[string]string{s.id: reason, "ann": "Anns words"}
	for user := range reasons {
		c.as("bob", "POST", "/requests", map[string]any{
			"productId": "developer", "userId": user, "reason": reasons[user],
		}, http.StatusCreated)
	}
	denied := c.as("cleo", "POST", "/requests", map[string]any{
		"productId": "live-reports", "userId": s.id, "reason": reason,
	}, http.StatusCreated)
	c.as(
		"bob", "POST", "/requests/"+fmt.Sprint(denied["id"])+"/deny",
		map[string]any{"note": "No: " + reason}, http.StatusOK,
	)
	c.as(s.id, "PUT", "/policies/phone-system", map[string]any{"lowSeats": 9}, http.StatusCreated)
	c.as("bob", "PUT", "/metrics/licenses/wallboards", map[string]any{"max": 5}, http.StatusOK)
	c.as(
		"bob", "PUT", "/wallboards/w1",
		map[string]any{"name": s.name + "'s", "kind": "analytics", "userId": s.id}, http.StatusCreated,
	)
	c.as(
		"bob", "PUT", "/wallboards/w2",
		map[string]any{"name": "Anns", "kind": "analytics", "userId": "ann"}, http.StatusCreated,
	)
	c.as("bob", "POST", "/usage/views", map[string]any{"events": []map[string]any{
		{"id": "v1", "userId": "ann", "dashboardId": "d1", "at": c.Clock.Now().Add(-time.Minute)},
	}}, http.StatusAccepted)
	c.as("bob", "POST", "/users/"+url.PathEscape(s.id)+"/invite", nil, http.StatusAccepted)
	c.as("bob", "POST", "/reclaims", map[string]any{
		"productId": "phone-system", "days": 1, "userIds": []string{s.id, "ann"},
	}, http.StatusAccepted)
	c.filed(s)
}

// filed has somebody stand in files, and in reports and exports of all.
func (c *company) filed(s somebody) {
	c.t.Helper()
	c.file("/imports", "users", "new names of "+s.name+".csv", fmt.Sprintf(
		"User,Name,Email,Extension,Number\n%s,%s,%s,%s,%s\nno such id!,%s,other+%s,,\nann,Ann Later,ann@initech.example,,\n",
		s.id, s.later, s.email, s.extension, s.number, s.name, s.email,
	))
	c.file("/mass-configurations", "", s.name+".csv", fmt.Sprintf(
		"Ext Key,Number,User\n%s,%s,%s\n555,,%s\n102,6567891299,ann\n", s.extension, s.number, s.id, s.later,
	))
	dropped := files.DropsFolder + "initech/phones of " + s.name + ".csv"
	c.put(files.Uploads, dropped, "Ext Key,Number\n"+s.name+","+s.number+"\n")
	c.events("MassConfigurationCheckFunction", files.DropsFolder)
	c.as("bob", "POST", "/exports", map[string]any{"kind": "users", "format": "csv"}, http.StatusAccepted)
	c.events("MassConfigurationApplyFunction", files.FileWakeUpsFolder)
	today := c.Clock.Now()
	c.as("bob", "POST", "/reports", map[string]any{
		"kind": "license-status", "from": today.AddDate(0, 0, -7).Format(time.DateOnly),
		"to": today.Format(time.DateOnly),
	}, http.StatusAccepted)
	c.events("ReportBuilderFunction", files.ReportWakeUpsFolder)
	c.scheduled("MaintenanceFunction") // alerts
	c.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
	c.woken()
}

// forgets has somebody deleted and forgotten: as is what runs between the two passes.
func (c *company) forgets(s somebody, between func()) {
	c.t.Helper()
	c.as("bob", "DELETE", "/users/"+url.PathEscape(s.id), nil, http.StatusNoContent)
	c.do("POST", s.path("/forget"), nil, http.StatusAccepted)
	c.woken()
	if f := c.do("GET", s.path("/forget"), nil, 200); f["state"] != "again" {
		c.t.Fatalf("after the first pass it is %v", f)
	}
	between()
	c.Clock.Add(25 * time.Hour)
	c.must(c.night())
	if f := c.do("GET", s.path("/forget"), nil, 200); f["state"] != "again" {
		c.t.Fatalf("before it is due it is %v", f)
	}
	c.Clock.Add(time.Hour)
	c.must(c.night())
	if f := c.do("GET", s.path("/forget"), nil, 200); f["state"] != "forgotten" || f["endedAt"] == nil {
		c.t.Fatalf("after the second pass it is %v", f)
	}
}

// TestForgottenIsNowhere forgets a person who was in everything, and looks for what tells who they were in all
// that is stored: items, indexes, keys of objects, bodies, versions.
func TestForgottenIsNowhere(t *testing.T) {
	stores(t, func(t *testing.T, k *fixtures.Fixture) {
		c := newCompany(t, k)
		c.begin()
		c.lives(zoe, zoesReason)
		c.refused("POST", zoe.path("/forget"), nil, "wrong-state") // she is there
		c.refused("POST", "/v1/accounts/initech/users/nobody/forget", nil, "not-found")
		c.refused("GET", zoe.path("/forget"), nil, "not-found")
		had := map[string]bool{}
		for _, at := range find(c.everything(), zoesWords...) {
			had[strings.Split(strings.TrimPrefix(at, "item A#initech#"), " ")[0]] = true
		}
		for _, kind := range []string{
			"USERS", "HOLDER#zo|1", "AUDIT#user#zo|1", "ORDERS", "REQUESTS", "WALLBOARDS", "IMPORT", "MASSCONFIG",
			"EXTENSION", "EXCLUDED", "object",
		} {
			if !had[kind] {
				t.Errorf("she is not in %s, so nothing is proven of it: %v", kind, slices.Sorted(maps.Keys(had)))
			}
		}
		periods := c.closes()
		before := c.records()
		c.versioned(before)
		c.forgets(zoe, func() {})
		c.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
		c.woken()
		if left := find(c.everything(), zoesWords...); len(left) > 0 {
			t.Errorf("of her there is left:\n%s", strings.Join(left, "\n"))
		}
		c.unharmed(before, zoe)
		if diff := cmp.Diff(periods, c.closes()); diff != "" {
			t.Errorf("the closed period changed (-before +after):\n%s", diff)
		}
		c.goesOn(zoe)
		if logged := c.Logs.String(); strings.Contains(logged, "not known whose") {
			t.Errorf("logged %s", logged)
		}
	})
}

// onceWritten are kinds that are never written again, or only while their file is checked.
var onceWritten = []string{"AUDIT", "AUDIT-BEGUN", "IMPORT-PARTS", "MASSCONFIG-PARTS", "HOLDERS-WORD"}

// versioned holds that what may be changed to forget somebody has a version: who writes it meanwhile is not undone.
func (c *company) versioned(records map[table.Key]table.Item) {
	c.t.Helper()
	for key, item := range records {
		kind := strings.SplitN(key.Partition+"###", "#", 4)[2]
		if item.Version != 0 || len(item.Data) == 0 || slices.Contains(onceWritten, kind) {
			continue
		}
		may, err := offboarding.MayChange(item)
		c.must(err)
		if may {
			c.t.Errorf("%s has no version, and is changed to forget somebody: %s", key, item.Data)
		}
	}
}

// TestForgottenAreNobodyElse forgets people whose values are parts of something else, or all of it.
func TestForgottenAreNobodyElse(t *testing.T) {
	for _, s := range []somebody{
		{"active", "Ann Lee", "Ann Smith", "active@active.example", "2026", "20"},
		{"developer", "Phone System", "Support", "q2@q2.example", "100", "100"},
		{"user@at.example", "request", "available", "user@at.example", "000", "0"},
		{"2026", "CC-1", "initech", "ann@initech.example.org", "20 26", "2026"},
	} {
		t.Run(s.id, func(t *testing.T) {
			c := newCompany(t, fixtures.New(t))
			c.begin()
			c.as("bob", "PUT", "/users/beside", map[string]any{
				"name": "Ann Lee Smith", "email": "x" + s.email, "extension": "9" + s.extension,
				"number": "9" + s.number,
			}, http.StatusCreated)
			c.lives(s, "Sales")
			periods := c.closes()
			beside := c.as("bob", "GET", "/users/beside", nil, 200)
			before := c.records()
			c.forgets(s, func() {})
			c.unharmed(before, s)
			if diff := cmp.Diff(beside, c.as("bob", "GET", "/users/beside", nil, 200)); diff != "" {
				t.Errorf("who is beside them changed: %s", diff)
			}
			if diff := cmp.Diff(periods, c.closes()); diff != "" {
				t.Errorf("the closed period changed (-before +after):\n%s", diff)
			}
			entries, _ := c.as("bob", "GET", "/audit?user="+url.QueryEscape(s.id), nil, 200)["items"].([]any)
			for _, one := range entries {
				entry, _ := one.(map[string]any)
				after, _ := entry["after"].(map[string]any)
				if entry["action"] == "user.put" && after["name"] != offboarding.Token {
					t.Errorf("an entry about them says %v", entry)
				}
			}
			c.goesOn(s)
		})
	}
}

// closes has the last month closed, and answers what is told of it.
func (c *company) closes() map[string]any {
	c.t.Helper()
	list, _ := c.as("bob", "GET", "/billing/periods", nil, http.StatusOK)["items"].([]any)
	if len(list) < 2 {
		c.Clock.Add(35 * 24 * time.Hour)
		c.scheduled("ReportBuilderFunction")
		c.events("ReportBuilderFunction", files.ReportWakeUpsFolder)
		list, _ = c.as("bob", "GET", "/billing/periods", nil, http.StatusOK)["items"].([]any)
	}
	told := map[string]any{}
	for _, item := range list {
		one, _ := item.(map[string]any)
		if one["state"] == "closed" {
			at := "/billing/periods/" + fmt.Sprint(one["from"])
			told[at] = []any{one, c.as("bob", "GET", at, nil, 200), c.as("bob", "GET", at+"/lines", nil, 200)}
		}
	}
	if len(told) == 0 {
		c.t.Fatalf("no period is closed: %v", list)
	}
	return told
}

// records are all items, by their keys.
func (c *company) records() map[table.Key]table.Item {
	c.t.Helper()
	all := map[table.Key]table.Item{}
	c.must(table.Everything(c.t.Context(), c.Env.Scan, []string{""}, func(item table.Item) error {
		all[item.Key] = item
		return nil
	}))
	return all
}

// ofFiles are the kinds of records of files, whose files are removed.
var ofFiles = []string{
	"IMPORT", "IMPORT-PARTS", "MASSCONFIG", "MASSCONFIG-PARTS", "EXPORT", "REPORTS", "ARCHIVES", "ALERTS",
	"ALERTS-OPEN",
}

// auditOfFiles are what an entry is about that names a file.
var auditOfFiles = []string{"import", "massConfiguration", "alert"}

// lasting are the kinds of which each change is looked at.
var lasting = []string{"AUDIT", "ORDERS", "REQUESTS", "IMPORT-PARTS", "MASSCONFIG-PARTS", "RECLAIM-SEATS"}

// unharmed compares with what was there: what is of nobody, or of somebody else, is there byte for byte.
func (c *company) unharmed(before map[table.Key]table.Item, s somebody) {
	c.t.Helper()
	same := []string{
		"ACCOUNT", "POLICIES", "DASHBOARDS", "QUOTE", "PERIOD", "PERIODS", "COST-CENTER", "ROLES", "CART", "SPANS",
		"CONFIRMED", "ORDER-NUMBER", "VIEW", "ARRIVED", "VIEWER", "USED", "USAGE", "ROLLUP",
	}
	after := c.records()
	for key, was := range before {
		parts := strings.Split(key.Partition, "#")
		now, there := after[key]
		theirs := strings.Contains(key.String()+string(was.Data), s.id)
		expired := was.Expires != 0 && was.Expires <= c.Clock.Now().Unix()
		switch {
		case cmp.Equal(was, now), expired, parts[2] == "SWEEP":
		case parts[2] == "NUMBER" && string(was.Data) == `"`+s.extension+`"`:
		case parts[1] != "initech":
			c.t.Errorf("another account changed: %s: %s is %s", key, was.Data, now.Data)
		case slices.Contains(same, parts[2]):
			c.t.Errorf("%s changed: %s is %s", key, was.Data, now.Data)
		case !there && !theirs:
			c.t.Errorf("%s is gone: %s", key, was.Data)
		case there && parts[2] == "AUDIT" && slices.Contains(auditOfFiles, parts[3]):
			c.replaced(key, was.Data, now.Data, nil)
		case there && !theirs && !slices.Contains(ofFiles, parts[2]) && !counts(parts[2]):
			c.t.Errorf("%s changed: %s is %s", key, was.Data, now.Data)
		case there:
			c.replaced(key, was.Data, now.Data, &s)
		}
	}
}

// counts are the kinds that somebody's deletion changes of others: seats come back, and serve who waits.
func counts(kind string) bool {
	return slices.Contains([]string{
		"SEATS", "SEATS-CC", "SEATS-TIMES", "PEOPLE-CC", "QUEUES", "QUEUE-MEMBERS", "WALLBOARD-FLEET", "LICENSE",
		"FREE", "WAITING", "HOLDER", "ALERTS-OPEN", "JOBS", "TRIES",
	}, kind)
}

// replaced holds that of a document which lasts only texts were changed, to what stands for them; those of a person
// only where they were their values.
func (c *company) replaced(key table.Key, was, now []byte, s *somebody) {
	c.t.Helper()
	parts := strings.Split(key.Partition, "#")
	if strings.HasSuffix(parts[2], "-PARTS") {
		s = nil
	}
	if !slices.Contains(lasting, parts[2]) {
		return
	}
	var x, y any
	if json.Unmarshal(was, &x) == nil && json.Unmarshal(now, &y) == nil {
		c.sameBut(key.String(), x, y, s)
	}
}

// sameBut compares what was with what is: only texts may differ, and then stand what stands for them.
func (c *company) sameBut(at string, was, now any, s *somebody) {
	c.t.Helper()
	switch x := was.(type) {
	case map[string]any:
		y, _ := now.(map[string]any)
		if len(x) != len(y) {
			c.t.Errorf("%s: %v became %v", at, x, y)
			return
		}
		for name := range x {
			c.sameBut(at+" "+name, x[name], y[name], s)
		}
	case []any:
		y, _ := now.([]any)
		if len(x) != len(y) {
			c.t.Errorf("%s: %v became %v", at, x, y)
			return
		}
		for i := range x {
			c.sameBut(at, x[i], y[i], s)
		}
	default:
		if was != now && now != offboarding.Token && now != offboarding.Token+".csv" && now != "" {
			c.t.Errorf("%s: %v became %v", at, was, now)
		}
		if was != now && s != nil && !slices.Contains(s.values(), fmt.Sprint(was)) {
			c.t.Errorf("%s: %v was no value of theirs", at, was)
		}
	}
}

// values are the texts that are theirs.
func (s somebody) values() []string {
	return []string{
		s.name, s.later, s.email, s.number, s.name + "'s", zoesReason, "No: " + zoesReason, "Sales", "No: Sales",
	}
}

// goesOn has the account be used after somebody was forgotten.
func (c *company) goesOn(s somebody) {
	c.t.Helper()
	for _, path := range []string{
		"/users", "/licenses", "/audit", "/requests", "/orders", "/imports", "/mass-configurations", "/reports",
		"/waiting",
		"/exclusions", "/wallboards", "/reclaims", "/alerts", "/billing", "/billing/periods/current/lines",
	} {
		c.as("bob", "GET", path, nil, http.StatusOK)
	}
	for _, list := range []string{"/imports", "/mass-configurations", "/reports"} {
		items, _ := c.as("bob", "GET", list, nil, http.StatusOK)["items"].([]any)
		for _, item := range items {
			one, _ := item.(map[string]any)
			got := c.as("bob", "GET", list+"/"+fmt.Sprint(one["id"]), nil, http.StatusOK)
			if got["resultUrl"] != nil || got["downloadUrl"] != nil {
				c.t.Errorf("a file is offered that is gone: %v", got)
			}
		}
	}
	c.as("bob", "PUT", "/users/"+url.PathEscape(s.id), map[string]any{"name": "Somebody New"}, http.StatusCreated)
	c.as("bob", "POST", "/assignments", map[string]any{"items": []map[string]any{
		{"productId": "essential-user", "userId": s.id},
	}}, http.StatusOK)
}

const forgetAnn = "/v1/accounts/initech/users/ann/forget"

// annsWords are what tells who ann is in a small office.
var annsWords = []string{
	"Ann Of-initech", "Ann Later", "ann@initech.example", "656-789-1230", "16567891230", "She is ill",
}

// remembered has initech know ann by two names, a number, a request and the plan of a file, and has her deleted.
func (o *office) remembered() {
	o.t.Helper()
	o.Clock.Set(time.Now().UTC().Truncate(time.Second))
	o.do("PATCH", "/v1/accounts/initech/users/ann", map[string]any{
		"name": "Ann Later & Co", "extension": "101", "number": "+1 656-789-1230",
	}, http.StatusOK)
	o.store(`{"id":"1","userId":"ann","userName":"Ann Of-initech","reason":"She is ill."}`, "1", "REQUESTS")
	o.store(`{"id":"1","state":"completed","fileName":"Ann Later.csv"}`, "1", "IMPORT")
	o.store(annsPlan, "PLAN#000000", "IMPORT-PARTS", "1")
	gone := o.Do(o.t, o.http, operator("DELETE", "/v1/accounts/initech/users/ann", nil))
	if gone.Status != http.StatusNoContent {
		o.t.Fatalf("deleting is answered %d %s", gone.Status, gone.Body)
	}
}

const annsPlan = `[{"row":2,"outcome":"change","id":"ann","name":"Ann Later","user":{"email":"ann@initech.example"}},` +
	`{"row":3,"outcome":"change","id":"bob","name":"Bob Later","user":{"email":"bob@initech.example"}}]`

// store puts an item of initech.
func (o *office) store(data, sort string, partition ...string) {
	o.t.Helper()
	item := table.Item{
		Key: table.Key{Partition: call.Partition("initech", partition...), Sort: sort}, Data: []byte(data),
	}
	o.must(o.sound.Commit(o.t.Context(), []table.Operation{table.Put(item, table.Always)}))
}

// TestAForgetterThatDiesIsFollowed kills it before and after every commit of both passes.
func TestAForgetterThatDiesIsFollowed(t *testing.T) {
	for name, made := range map[string]func() *fixtures.Fixture{
		"embedded": func() *fixtures.Fixture { return fixtures.New(t) },
		"DynamoDB": func() *fixtures.Fixture { return fixtures.On(t, dynamostore.Open(t)) },
	} {
		most := 100
		if name == "DynamoDB" {
			most = 2 // each of them is a table of its own
		}
		for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
			for pass := range 2 {
				for at := 1; at <= most; at++ {
					if !killed(t, made(), fault, pass, at) {
						break
					}
				}
			}
		}
	}
}

// killed kills a pass at a commit, and looks at what the next run makes of it; it answers whether there was such
// a commit.
func killed(t *testing.T, k *fixtures.Fixture, fault faulty.Fault, pass, at int) bool {
	t.Helper()
	o := newOffice(t, k)
	o.remembered()
	others := find(o.everything(), "initrode", "bob of-")
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	died := false
	for now := range 2 {
		if now == pass {
			o.Env.Table = faulty.New(o.sound, faulty.AtCommit(at, fault))
			died = o.night() != nil
			o.Env.Table = o.sound
			o.Clock.Add(time.Minute)
		}
		o.must(o.night())
		if f := o.do("GET", forgetAnn, nil, 200); now == 0 && f["state"] != "again" {
			t.Errorf("%s at commit %d of pass %d: after the first pass it is %v", fault, at, pass, f)
		}
		o.Clock.Add(27 * time.Hour)
	}
	if f := o.do("GET", forgetAnn, nil, 200); f["state"] != "forgotten" {
		t.Errorf("%s at commit %d of pass %d: it ends as %v", fault, at, pass, f)
	}
	all := o.everything()
	if left := find(all, annsWords...); len(left) > 0 {
		t.Errorf("%s at commit %d of pass %d: left %v", fault, at, pass, left)
	}
	if diff := cmp.Diff(others, find(all, "initrode", "bob of-")); diff != "" {
		t.Errorf("%s at commit %d of pass %d: others changed (-before +after):\n%s", fault, at, pass, diff)
	}
	if !died && at < 4 {
		t.Errorf("pass %d has %d commits", pass, at)
	}
	return died
}

// TestWhatWasUnderWayIsForgottenToo has somebody write what they read before, after the first pass.
func TestWhatWasUnderWayIsForgottenToo(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.woken()
	if left := find(o.items("initech"), annsWords[0], annsWords[1], annsWords[5]); len(left) != 1 ||
		!strings.Contains(left[0], "A#initech#IMPORT / 1") { // the name of a file, which is there until the second pass
		t.Errorf("after the first pass there is left %v", left)
	}
	o.store(`{"id":"2","userId":"ann","userName":"Ann Of-initech","reason":"She is ill."}`, "2", "REQUESTS")
	o.store(annsPlan, "PLAN#000001", "IMPORT-PARTS", "1")
	o.Clock.Add(26 * time.Hour)
	o.must(o.night())
	if left := find(o.everything(), annsWords...); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// items is what is stored of an account in the table.
func (o *office) items(account string) map[string]string {
	all := o.everything()
	maps.DeleteFunc(all, func(at, _ string) bool { return !strings.HasPrefix(at, "item A#"+account+"#") })
	return all
}

// TestAPlanThatIsWrittenIsNotTouched leaves the rows of a file alone while it is checked, and comes again.
func TestAPlanThatIsWrittenIsNotTouched(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.woken()
	o.store(`{"id":"1","state":"checking"}`, "1", "IMPORT")
	o.store(annsPlan, "PLAN#000000", "IMPORT-PARTS", "1")
	o.Clock.Add(26 * time.Hour)
	o.must(o.night())
	if f := o.do("GET", forgetAnn, nil, 200); f["state"] != "again" {
		t.Errorf("it is %v, and a plan was left alone", f)
	}
	if len(find(o.items("initech"), "Ann Later")) == 0 {
		t.Error("the plan was changed while somebody wrote it")
	}
	o.store(`{"id":"1","state":"ready"}`, "1", "IMPORT")
	o.Clock.Add(26 * time.Hour)
	o.must(o.night())
	if f := o.do("GET", forgetAnn, nil, 200); f["state"] != "forgotten" || len(find(o.everything(), annsWords...)) > 0 {
		t.Errorf("at last it is %v", f)
	}
}

// meanwhile does something before the first commit.
type meanwhile struct {
	table.Store
	once func()
}

func (m *meanwhile) Commit(ctx context.Context, ops []table.Operation) error {
	if once := m.once; once != nil {
		m.once = nil
		once()
	}
	return m.Store.Commit(ctx, ops)
}

// TestNobodyIsMadeOfAnIDThatIsBeingForgotten also refuses who has decided before that was asked for.
func TestNobodyIsMadeOfAnIDThatIsBeingForgotten(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	put := operator("PUT", "/v1/accounts/initech/users/ann", map[string]any{"name": "Ann Of-initech"})
	put.Permissions = access.Carried().List()
	put.Account = "initech"
	late := &meanwhile{Store: o.sound, once: func() {
		asks := *o.Env
		asks.Table = o.sound
		routes := api.Serve(&asks, offboarding.NewService(&asks).Routes).HTTP
		if r := o.Do(t, routes, operator("POST", forgetAnn, nil)); r.Status != http.StatusAccepted {
			t.Errorf("asking is answered %d %s", r.Status, r.Body)
		}
	}}
	o.Env.Table = late
	fixtures.Problem(t, o.Do(t, o.http, put), http.StatusConflict, "wrong-state")
	if late.once != nil {
		t.Error("nothing was committed")
	}
	o.Env.Table = o.sound
	fixtures.Problem(t, o.Do(t, o.http, put), http.StatusConflict, "wrong-state")
	o.must(o.night())
	o.Clock.Add(26 * time.Hour)
	o.must(o.night())
	if r := o.Do(t, o.http, put); r.Status != http.StatusCreated {
		t.Errorf("afterwards it is answered %d %s", r.Status, r.Body)
	}
	o.refused("POST", forgetAnn, nil, "wrong-state")
}

// TestAnArchiveIsNotMadeOfWhatIsForgotten has both asked for at once.
func TestAnArchiveIsNotMadeOfWhatIsForgotten(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.must(o.night())
	state, bodies := o.archived()
	if left := find(bodies, annsWords[0], annsWords[1]); state != "ready" || len(left) != 1 {
		t.Errorf("the archive is %s, and has %v", state, left) // the name of the file
	}
	o.Clock.Add(26 * time.Hour)
	o.must(o.night())
	if state, _ := o.archived(); state != "expired" {
		t.Errorf("the archive of before is %s", state)
	}
}

// refusedRow is the plan of a file with a row that was refused, about somebody else.
const refusedRow = `[{"row":1,"outcome":"error","id":"bob","name":"Bob Other","user":{"email":"bob@other.example",` +
	`"number":"+1 656-789-5555"},"errors":[{"row":1,"column":"email","code":"invalid","header":"Mail",` +
	`"message":"bad mail bob","value":"bob@"}]}]`

// TestRefusedRowsOfOthersStayWithTheirFiles forgets only what was refused in files that are removed.
func TestRefusedRowsOfOthersStayWithTheirFiles(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	file := func(id string) func() bool {
		made := o.Clock.Now().Format(time.RFC3339)
		o.store(`{"id":"`+id+`","state":"ready","createdAt":"`+made+`"}`, id, "IMPORT")
		o.store(refusedRow, "PLAN#000000", "IMPORT-PARTS", id)
		key := table.Key{Partition: call.Partition("initech", "IMPORT-PARTS", id), Sort: "PLAN#000000"}
		return func() bool {
			item, _, err := table.Get(t.Context(), o.sound, key)
			o.must(err)
			return string(item.Data) == refusedRow
		}
	}
	before := file(o.orderedNow())
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.woken()
	if !before() {
		t.Error("the first pass changed the row of somebody else, whose file is there")
	}
	o.Clock.Add(26 * time.Hour)
	after := file(o.orderedNow())
	o.must(o.night())
	if !after() {
		t.Error("the second pass changed the row of somebody else in a file that was made after it was asked for")
	}
	if before() {
		t.Error("of a file that is removed there is left what was refused in it")
	}
}

// orderedNow is an id of this moment, as those of files are.
func (o *office) orderedNow() string {
	ms := o.Clock.Now().UnixMilli()
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, 1)
}

// TestWhyAnOrderFailedStays is the sentence of a program, and no file's.
func TestWhyAnOrderFailedStays(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	entry := func(subject string) string {
		data := `{"id":"` + subject + `","action":"` + subject + `.failed","subject":"` + subject +
			`:1","after":{"why":"The price changed."}}`
		o.store(data, subject, "AUDIT", subject, "1")
		return data
	}
	order := entry("order")
	entry("import")
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.must(o.night())
	o.Clock.Add(26 * time.Hour)
	o.must(o.night())
	left := find(o.items("initech"), "The price changed.")
	if len(left) != 1 || !strings.Contains(left[0], "AUDIT#order") {
		t.Errorf("%s: it is left in %v", order, left)
	}
}

// TestWhatWasStoredLaterIsNotGone has a report and an archive that were asked for before, and were ready after what is
// removed.
func TestWhatWasStoredLaterIsNotGone(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	asked := o.Clock.Now()
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.woken()
	o.Clock.Add(26 * time.Hour)
	want := map[string]string{}
	for id, made := range map[string]time.Time{"before": asked, "after": o.Clock.Now()} {
		data := fmt.Sprintf(`{"id":%q,"state":"ready","createdAt":%q,"readyAt":%q}`, id,
			asked.Format(time.RFC3339), made.Format(time.RFC3339))
		for _, kind := range []string{"REPORTS", "EXPORT", "ARCHIVES"} {
			o.store(data, id, kind)
			want[kind+" "+id] = "ready"
		}
	}
	want["REPORTS before"], want["EXPORT before"], want["ARCHIVES before"] = "failed", "failed", "expired"
	o.must(o.night())
	for at, state := range want {
		kind, id, _ := strings.Cut(at, " ")
		item, _, err := table.Get(t.Context(), o.sound, table.Key{Partition: call.Partition("initech", kind), Sort: id})
		o.must(err)
		if got, err := call.Decode[struct{ State string }](item); err != nil || got.State != state {
			t.Errorf("%s is %s", at, item.Data)
		}
	}
}

// between does something before the first commit of an item alone.
type between struct {
	table.Store
	key  table.Key
	once func()
}

func (b *between) Commit(ctx context.Context, ops []table.Operation) error {
	if once := b.once; once != nil && len(ops) == 1 && ops[0].Item.Key == b.key {
		b.once = nil
		once()
	}
	return b.Store.Commit(ctx, ops)
}

// TestAnAlertThatEndsMeanwhileIsOver ends it between the reading and the writing of each of its records.
func TestAnAlertThatEndsMeanwhileIsOver(t *testing.T) {
	for _, at := range []string{"ALERTS", "ALERTS-OPEN"} {
		t.Run(at, func(t *testing.T) {
			o := newOffice(t, fixtures.New(t))
			o.remembered()
			failed, err := failures.Note("initech", o.Clock.Now(), failures.Failure{
				Kind: "import", ID: "1", Detail: "Ann Later.csv: Nothing was imported.",
			})
			o.must(err)
			o.must(o.sound.Commit(t.Context(), []table.Operation{failed}))
			sound := *o.Env
			alerts := alert.NewService(&sound, license.NewService(catalog.Default()))
			o.must(alerts.Look(t.Context(), "initech"))
			o.do("POST", forgetAnn, nil, http.StatusAccepted)
			o.woken()
			o.Clock.Add(26 * time.Hour)
			var key table.Key
			for _, item := range (&company{office: o}).records() {
				if item.Partition == call.Partition("initech", at) {
					key = item.Key
				}
			}
			late := &between{Store: o.sound, key: key, once: func() {
				o.must(o.sound.Commit(t.Context(), []table.Operation{failures.Forget("initech", "import")}))
				o.must(alerts.Look(t.Context(), "initech"))
			}}
			o.Env.Table = late
			o.must(o.night())
			if late.once != nil {
				t.Fatal("nothing was written meanwhile")
			}
			items := o.items("initech")
			stored := find(items, "item A#initech#ALERTS")
			if len(stored) != 1 || !strings.Contains(stored[0], `"state":"over"`) {
				t.Errorf("the alert is not over: %v", stored)
			}
			if left := find(items, "Ann Later"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestARecordThatCannotBeChangedStopsNobodyElse has one that is too large once it is changed, and another that is
// none, of a person; somebody in another account is forgotten in the same night.
func TestARecordThatCannotBeChangedStopsNobodyElse(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	gone := operator("DELETE", "/v1/accounts/initrode/users/bob", nil)
	if r := o.Do(t, o.http, gone); r.Status != http.StatusNoContent {
		t.Fatalf("deleting is answered %d %s", r.Status, r.Body)
	}
	large := `{"id":"9","userId":"ann","userName":"A","reason":"` + strings.Repeat("x", table.MaxItemBytes-200) + `"}`
	list := `{"id":"10","offers":[` + strings.Repeat(`{"userId":"ann","userName":"A"},`, 12000)
	o.store(list[:len(list)-1]+"]}", "10", "RESERVED")
	o.store(large, "9", "REQUESTS")
	o.store(`{"id":`, "11", "REQUESTS")
	const forgetBob = "/v1/accounts/initrode/users/bob/forget"
	for _, at := range []string{forgetAnn, forgetBob} {
		o.do("POST", at, nil, http.StatusAccepted)
	}
	for range 2 {
		o.must(o.night())
		o.Clock.Add(26 * time.Hour)
	}
	if f := o.do("GET", forgetBob, nil, 200); f["state"] != "forgotten" {
		t.Errorf("who has nothing to do with it is %v", f)
	}
	if f := o.do("GET", forgetAnn, nil, 200); f["state"] != "again" || f["unchanged"] != 2. {
		t.Errorf("with records that name them they are %v", f)
	}
	if logged := o.Logs.String(); !strings.Contains(logged, "A#initech#REQUESTS / 11") {
		t.Error("the log does not have its key")
	}
	o.store(`{}`, "10", "RESERVED")
	o.store(`{}`, "11", "REQUESTS")
	o.must(o.night())
	if f := o.do("GET", forgetAnn, nil, 200); f["state"] != "forgotten" || f["unchanged"] != nil {
		t.Errorf("once they can be changed it is %v", f)
	}
}

// TestAPlanThatNamesThemIsWithdrawn leaves no plan that would call somebody by the token.
func TestAPlanThatNamesThemIsWithdrawn(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	o.store(`{"id":"2","state":"ready","counts":{"rows":2}}`, "2", "IMPORT")
	o.store(annsPlan, "PLAN#000000", "IMPORT-PARTS", "2")
	o.store(`{"id":"3","state":"ready"}`, "3", "IMPORT")
	o.store(strings.ReplaceAll(annsPlan, "ann", "cleo"), "PLAN#000000", "IMPORT-PARTS", "3")
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.woken()
	for pass := range 2 {
		for id, want := range map[string]string{"1": "completed", "2": "cancelled", "3": "ready"} {
			item, _, err := table.Get(t.Context(), o.sound, table.Key{
				Partition: call.Partition("initech", "IMPORT"), Sort: id,
			})
			o.must(err)
			j, err := call.Decode[struct {
				State, Why string
				EndedAt    time.Time
			}](item)
			o.must(err)
			withdrawn := strings.HasPrefix(j.Why, "It was withdrawn") && !j.EndedAt.IsZero()
			if j.State != want || withdrawn != (id == "2") {
				t.Errorf("after pass %d import %s is %s", pass+1, id, item.Data)
			}
		}
		o.Clock.Add(26 * time.Hour)
		o.must(o.night())
	}
	if told := find(o.items("initech"), "import.cancelled"); len(told) != 1 {
		t.Errorf("the audit log has %v", told)
	}
}

// TestAResultGoesWithItsFile has a file of before applied so late that its result is younger than what is removed.
func TestAResultGoesWithItsFile(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.remembered()
	o.Clock.Set(time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second)) // files bear the machine's time
	c := &company{office: o}
	for _, id := range []string{"2", "3"} {
		key := files.ResultsFolder + "initech/" + id + "/late of Ann Later.csv"
		c.put(files.Reports, key, "result")
		made := o.Clock.Now()
		if id == "3" {
			made = made.Add(72 * time.Hour)
		}
		o.store(fmt.Sprintf(
			`{"id":%q,"state":"completed","createdAt":%q,"result":{"Bucket":%q,"Key":%q,"Version":""}}`, id,
			made.Format(time.RFC3339), files.Reports, key,
		), id, "IMPORT")
	}
	o.do("POST", forgetAnn, nil, http.StatusAccepted)
	o.must(o.night())
	o.Clock.Add(26 * time.Hour)
	o.must(o.night())
	var left []string
	for at := range o.everything() {
		if strings.HasPrefix(at, "object") && strings.Contains(at, "late of Ann") {
			left = append(left, at)
		}
	}
	if len(left) != 1 || !strings.Contains(left[0], "/3/") {
		t.Errorf("left: %v", left)
	}
}
