package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/wire"
)

// The two accounts of the tests.
const (
	mine   = "acme"
	theirs = "globex"
)

// settled bounds how long the runner may take over what it does automatically, such as a check.
const settled = time.Minute

// world is a running Seatwise with two accounts that have, of everything that is listed, at least
// two.
type world struct {
	runner   *runnerprocess.Runner
	document *huma.OpenAPI
	// functions by method and path.
	functions map[string]string
	// Tokens: of an admin of each account, and of an operator.
	mine, theirs, operator string
	// hal is a token of the user of that name in my account, which leaves the permissions to the
	// directory.
	hal string
	// kim is a token of the user of that name in my account, who has every permission by the role
	// super-admin, for one cost center.
	kim string
	// things replaces parameters in paths, by account: in pairs as strings.NewReplacer takes them.
	things map[string][]string
	// sample is a good body, and required a query, of the operations that tell a stranger's thing
	// from their own after reading it.
	sample, required map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	document := Document(&app.Env{})
	w := &world{
		runner:   runnerprocess.Start(t, runnerprocess.Options{Data: t.TempDir(), Args: []string{"--no-schedules"}}),
		document: document, functions: functionsOf(t), things: map[string][]string{},
		sample: map[string]string{
			"assign-license":    `{"userId":"u1-acme"}`,
			"reassign-license":  `{"userId":"u1-acme"}`,
			"change-license":    `{"costCenter":"CC1-acme"}`,
			"set-add-ons":       `{"productIds":["device_ip_phone"]}`,
			"patch-add-ons":     `{"productIds":["device_ip_phone"]}`,
			"patch-user":        `{"name":"Other"}`,
			"patch-role":        `{"name":"Other"}`,
			"patch-call-queue":  `{"name":"Other"}`,
			"patch-dashboard":   `{"name":"Other"}`,
			"patch-wallboard":   `{"name":"Other"}`,
			"patch-cost-center": `{"name":"Other"}`,
			"deny-request":      `{"note":"Not now"}`,
			"patch-policy":      `{"idleDays":9}`,
			"undo-reclaim":      `{}`,
		},
		required: map[string]string{"explain-license": "product=live-reports"},
	}
	w.operator = w.login(t, "provider", auth.Permissions()...)
	for _, account := range []string{mine, theirs} {
		token := w.login(t, account, access.Carried().List()...)
		if account == mine {
			w.mine = token
		} else {
			w.theirs = token
		}
		w.furnish(t, account, token)
	}
	who := probe{
		method: http.MethodPut, path: "/v1/accounts/" + mine + "/roles/of-hal", token: w.mine,
		body: encode(t, object{"name": "Role", "permissions": []string{}}), contentType: "application/json",
	}
	role := w.send(t, who)
	who.path = "/v1/accounts/" + mine + "/users/hal"
	who.body = encode(t, object{"name": "Hal", "roleIds": []string{"of-hal"}})
	if a := w.send(t, who); role.status != http.StatusCreated || a.status != http.StatusCreated {
		t.Fatalf("hal: %v, %v", role, a)
	}
	w.hal = w.issued(t, object{"account": mine, "user": "hal", "permissions": "roles"})
	who.path = "/v1/accounts/" + mine + "/users/kim"
	who.body = encode(t, object{
		"name": "Kim", "roleIds": []string{"super-admin"}, "adminOfCostCenters": []string{"CC1-" + mine},
	})
	if a := w.send(t, who); a.status != http.StatusCreated {
		t.Fatalf("kim: %v", a)
	}
	w.kim = w.issued(t, object{"account": mine, "user": "kim", "permissions": "roles"})
	return w
}

func (w *world) login(t *testing.T, account string, permissions ...auth.Permission) string {
	t.Helper()
	return w.issued(t, object{"account": account, "user": "zoe", "permissions": permissions})
}

// issued is a token of the runner's.
func (w *world) issued(t *testing.T, claims object) string {
	t.Helper()
	a := w.send(t, probe{method: http.MethodPost, path: "/local/token", body: encode(t, claims)})
	var got struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil || got.AccessToken == "" {
		t.Fatalf("no token: %v", a)
	}
	return got.AccessToken
}

type object = map[string]any

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// furnish makes an account and what is in it.
func (w *world) furnish(t *testing.T, account, token string) {
	t.Helper()
	base := "/v1/accounts/" + account
	call := func(token, method, path string, body any) object {
		t.Helper()
		p := probe{method: method, path: path, token: token}
		if body != nil {
			p.body, p.contentType = encode(t, body), "application/json"
		}
		a := w.send(t, p)
		if a.status >= 300 {
			t.Fatalf("%s %s: %v", method, path, a)
		}
		var got object
		if len(a.body) > 0 {
			if err := json.Unmarshal(a.body, &got); err != nil {
				t.Fatalf("%s %s: %v: %v", method, path, err, a)
			}
		}
		return got
	}
	put := func(path string, body any) object { t.Helper(); return call(token, http.MethodPut, base+path, body) }
	post := func(path string, body any) object { t.Helper(); return call(token, http.MethodPost, base+path, body) }
	get := func(path string) object { t.Helper(); return call(token, http.MethodGet, base+path, nil) }
	named := func(prefix string, n int) string { return fmt.Sprintf("%s%d-%s", prefix, n, account) }

	call(w.operator, http.MethodPut, base, object{
		"name":       account,
		"brand":      "Brand",
		"currency":   "USD",
		"timezone":   "America/Detroit",
		"billingDay": 1,
		"bundle":     "standard",
	})
	for n := 1; n <= 2; n++ {
		put("/cost-centers/"+named("CC", n), object{"name": "Cost center"})
		put("/roles/"+named("r", n), object{"name": "Role", "permissions": []string{"liveReports.view"}})
	}
	var orders, quotes []string
	for range 2 {
		lines := []object{
			{"productId": "live-reports", "quantity": 1, "costCenter": named("CC", 1)},
			{"productId": "phone-system", "quantity": 2, "costCenter": named("CC", 1)},
		}
		quote := post("/quotes", object{"lines": lines})
		quotes = append(quotes, fmt.Sprint(quote["id"]))
		orders = append(orders, fmt.Sprint(post("/orders", object{"quoteId": quote["id"], "acknowledged": true})["id"]))
	}
	for n := 1; n <= 6; n++ {
		put(
			"/users/"+named("u", n),
			object{"name": fmt.Sprint("User ", n), "email": fmt.Sprintf("u%d@%s.test", n, account)},
		)
	}
	// Two seats for six members: the first two hold them until they are unassigned, then the next
	// two do, and two wait.
	for n := 1; n <= 3; n++ {
		put(
			"/call-queues/"+named("q", n),
			object{"name": "Queue", "members": []string{named("u", 2*n-1), named("u", 2*n)}},
		)
		put("/dashboards/"+named("d", n), object{"name": "Dashboard", "queueIds": []string{named("q", n)}})
	}
	for n := 1; n <= 2; n++ {
		held := items(t, get("/licenses?product=live-reports&user="+named("u", n)))
		post("/licenses/"+fmt.Sprint(held[0]["id"])+"/unassign", nil)
	}
	post("/assignments", object{"items": []object{
		{
			"productId": "essential-user",
			"userId":    named("u", 1),
		},
		{"productId": "client-desktop", "userId": named("u", 1)},
	}})
	license := items(t, get("/licenses?product=phone-system"))[0]["id"]
	cart := put("/cart", object{"lines": []object{{"productId": "phone-system", "quantity": 2}}})
	lines, _ := cart["lines"].([]any)
	line, _ := lines[0].(object)

	put("/metrics/licenses/wallboards", object{"max": 5})
	for n := 1; n <= 2; n++ {
		put("/wallboards/"+named("w", n), object{"name": "Wallboard", "kind": "analytics", "userId": named("u", 1)})
	}
	var reports []string
	for _, from := range []string{"2026-01-01", "2026-01-02"} {
		reports = append(
			reports,
			fmt.Sprint(post("/reports", object{"kind": "license-status", "from": from, "to": "2026-01-20"})["id"]),
		)
	}
	var plans, imports []string
	for range 2 {
		phones := fmt.Sprintf(
			"Ext Key,Number,User,Addon license 1\n101,6567891230,u1-%s,\n102,6567891231,u2-%s,\n",
			account,
			account,
		)
		plans = append(plans, w.plan(t, post, get, "/mass-configurations", object{"fileName": "phones.csv"}, phones))
		queues := fmt.Sprintf(
			"Call queue,Name,Member 1\nq8-%s,Eight,u1-%s\nq9-%s,Nine,u2-%s\n",
			account,
			account,
			account,
			account,
		)
		imports = append(
			imports,
			w.plan(t, post, get, "/imports", object{"kind": "call-queues", "fileName": "queues.csv"}, queues),
		)
	}
	var requests []string
	for n := 5; n <= 6; n++ {
		body := object{"productId": "developer", "userId": named("u", n), "reason": "Needed"}
		requests = append(requests, fmt.Sprint(post("/requests", body)["id"]))
	}
	export := fmt.Sprint(post("/exports", object{"kind": "users"})["id"])
	post("/exports", object{"kind": "users"})
	var reclaims []string
	for range 2 {
		begun := post("/reclaims", object{
			"productId": "phone-system", "days": 1, "userIds": []string{named("u", 1), named("u", 2)},
		})
		reclaims = append(reclaims, fmt.Sprint(begun["id"]))
	}
	decided := map[string][]string{
		mine: {"phone-system", "auto-attendant"}, theirs: {"developer", "call-group"},
	}[account]
	put("/policies/"+decided[0], object{"lowSeats": 9}) // one alert, and those who wait are another
	put("/policies/"+decided[1], object{"idleDays": 9})
	if a := w.send(t, probe{
		method: http.MethodPost, path: "/2015-03-31/functions/MaintenanceFunction/invocations",
		body:        encode(t, object{"time": time.Now().UTC().Format(time.RFC3339)}),
		contentType: "application/json",
	}); a.status != http.StatusOK {
		t.Fatalf("maintenance: %v", a)
	}
	billed := items(t, get("/billing/periods/current/lines"))[0]
	w.things[account] = []string{
		"{account}", account,
		"/cost-centers/{code}", "/cost-centers/" + named("CC", 1),
		"/cart/lines/{line}", "/cart/lines/" + fmt.Sprint(line["id"]),
		"/quotes/{id}", "/quotes/" + quotes[0],
		"/orders/{id}", "/orders/" + orders[0],
		"/licenses/{id}", "/licenses/" + fmt.Sprint(license),
		"/exclusions/{product}/{user}", "/exclusions/live-reports/" + named("u", 1),
		"/mass-configurations/{id}", "/mass-configurations/" + plans[0],
		"/imports/{id}", "/imports/" + imports[0],
		"/exports/{id}", "/exports/" + export,
		"/users/{id}", "/users/" + named("u", 1),
		"/roles/{id}", "/roles/" + named("r", 1),
		"/call-queues/{id}", "/call-queues/" + named("q", 1),
		"/dashboards/{id}", "/dashboards/" + named("d", 1),
		"/wallboards/{id}", "/wallboards/" + named("w", 1),
		"/reports/{id}", "/reports/" + reports[0],
		"/deferred/{id}", "/deferred/" + w.deferred(t, account),
		"/periods/{firstDay}/lines/{line}", "/periods/current/lines/" + fmt.Sprint(billed["id"]),
		"/periods/{firstDay}", "/periods/current",
		"/requests/{id}", "/requests/" + requests[0],
		"/reclaims/{id}", "/reclaims/" + reclaims[0],
		"/erasures/{id}", "/erasures/0193a2b4-5c6d-4e8f-9a0b-1c2d3e4f5a6b", // none is as unknown as another's
		"/policies/{product}", "/policies/" + decided[0],
	}
}

// deferred hands on a dry run of an account's zoe, as a request does that takes too long, and is its id.
func (w *world) deferred(t *testing.T, account string) string {
	t.Helper()
	zoe := auth.Principal{User: "zoe", Account: account, Permissions: auth.SetOf(auth.DirectoryManage)}
	d := plan.DeferredRequest{
		Dry: true, Told: plan.Deferred{
			ID:    fmt.Sprintf("5f0c7c1e-3a51-4f6e-9a53-%012x", account[:4]),
			State: plan.Queued, CreatedAt: time.Now().UTC(),
		},
		Caller: plan.CallerOf(zoe),
		Method: http.MethodPut, Path: "/v1/accounts/" + account + "/roles/r9",
		Body: []byte(`{"name": "Role", "permissions": []}`),
	}
	objects := wire.Settings{
		Region: "us-east-1", AccessKey: "AKIATEST", SecretKey: "test-secret-key", S3Endpoint: w.runner.S3,
		UploadsBucket: "seatwise-uploads", ReportsBucket: "seatwise-reports",
	}.OpenFiles()
	if err := d.Defer(t.Context(), objects, account); err != nil {
		t.Fatal(err)
	}
	return d.Told.ID
}

// plan uploads a file, asked for at a path, and waits until it was checked.
func (w *world) plan(
	t *testing.T,
	post func(string, any) object,
	get func(string) object,
	at string,
	ask object,
	file string,
) string {
	t.Helper()
	ask["sizeBytes"] = len(file)
	made := post(at, ask)
	upload, _ := made["upload"].(object)
	req, err := http.NewRequestWithContext(
		t.Context(),
		fmt.Sprint(upload["method"]),
		fmt.Sprint(upload["url"]),
		strings.NewReader(file),
	)
	if err != nil {
		t.Fatal(err)
	}
	headers, _ := upload["headers"].(object)
	for name, value := range headers {
		if !strings.EqualFold(name, "Content-Length") { // net/http sends it automatically
			req.Header.Set(name, fmt.Sprint(value))
		}
	}
	if a := do(t, req); a.status != http.StatusOK {
		t.Fatalf("upload: %v", a)
	}
	path := at + "/" + fmt.Sprint(made["id"])
	for deadline := time.Now().Add(settled); ; time.Sleep(20 * time.Millisecond) {
		switch now := get(path); now["state"] {
		case "ready":
			return fmt.Sprint(made["id"])
		case "awaitingUpload", "checking":
			if time.Now().After(deadline) {
				t.Fatalf("not checked after %s: %v", settled, now)
			}
		default:
			t.Fatalf("the file of the test is bad: %v", now)
		}
	}
}

// items are those of a list's page, of which there is at least one.
func items(t testing.TB, page object) []object {
	t.Helper()
	list, _ := page["items"].([]any)
	if len(list) == 0 {
		t.Fatalf("an empty list: %v", page)
	}
	var all []object
	for _, item := range list {
		one, _ := item.(object)
		all = append(all, one)
	}
	return all
}

// path fills a path with what the first account has.
func (w *world) path(t *testing.T, path string) string { t.Helper(); return w.fill(t, mine, path) }

// fill fills a path with what an account has.
func (w *world) fill(t *testing.T, account, path string) string {
	t.Helper()
	filled := strings.NewReplacer(append([]string{"{file}", "start.js"}, w.things[account]...)...).Replace(path)
	if strings.ContainsAny(filled, "{}") {
		t.Fatalf("the test has nothing for %s", filled)
	}
	return filled
}
