package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"seatwise/infra/local/template"
	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/platform/auth"
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

// probe is a request of one operation with one thing wrong, or with nothing wrong.
type probe struct {
	method, path, query string
	token               string
	body                []byte
	contentType         string
	header              map[string]string
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// faults are the fields that the answer, a problem, names.
func (a answer) faults() []string {
	var p struct {
		Errors []struct {
			Field string `json:"field"`
		} `json:"errors"`
	}
	if json.Unmarshal(a.body, &p) != nil {
		return nil
	}
	var names []string
	for _, e := range p.Errors {
		names = append(names, e.Field)
	}
	return names
}

func (w *world) send(t testing.TB, p probe) answer {
	t.Helper()
	target := w.runner.API + p.path
	if p.query != "" {
		target += "?" + p.query
	}
	req, err := http.NewRequestWithContext(t.Context(), p.method, target, bytes.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.contentType != "" {
		req.Header.Set("Content-Type", p.contentType)
	}
	for name, value := range p.header {
		req.Header.Set(name, value)
	}
	return do(t, req)
}

func do(t testing.TB, req *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// refused demands a problem with this status and slug, and that the document declares the status
// for the operation.
func refused(t *testing.T, op operation, what string, a answer, status int, slug string) {
	t.Helper()
	var p struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
	}
	err := json.Unmarshal(a.body, &p)
	switch {
	case err != nil || a.header.Get("Content-Type") != "application/problem+json":
		t.Errorf("%s: no problem, but %s %v", what, a.header.Get("Content-Type"), a)
	case a.status != status || p.Status != status || p.Type != "urn:seatwise:problem:"+slug || p.Title == "":
		t.Errorf("%s: got %v, want %d %s", what, a, status, slug)
	case op.Operation != nil && op.Responses[strconv.Itoa(status)] == nil:
		t.Errorf("%s: %s does not declare the status %d", what, op.OperationID, status)
	}
}

// names demands that a validation problem names the field.
func names(t *testing.T, op operation, what string, a answer, field string) {
	t.Helper()
	refused(t, op, what, a, http.StatusUnprocessableEntity, "validation")
	if !slices.Contains(a.faults(), field) {
		t.Errorf("%s: the problem does not name %s: %v", what, field, a)
	}
}

// TestRoutes asks every operation, through the local runner, for what it must refuse (issue 2, Done
// when).
func TestRoutes(t *testing.T) {
	w := newWorld(t)
	t.Run("unknown paths and methods", w.unknownPathsAndMethods)
	for _, op := range documented(t) {
		t.Run(op.OperationID, func(t *testing.T) {
			if !public[op.OperationID] {
				w.tokens(t, op)
				w.functionsCheckThemselves(t, op)
			}
			w.queries(t, op)
			w.bodies(t, op)
			w.keys(t, op)
			if !public[op.OperationID] {
				w.strangers(t, op)
			}
		})
	}
}

// tokens: none, a wrong one, one of another account, one that lacks the permission.
func (w *world) tokens(t *testing.T, op operation) {
	t.Helper()
	p := probe{method: op.method, path: w.path(t, op.path)}
	for what, token := range map[string]string{
		"no token": "", "no JWT": "x.y.z", "altered token": w.mine[:len(w.mine)-4] + "AAAA",
	} {
		p.token = token
		a := w.send(t, p)
		refused(t, op, what, a, http.StatusUnauthorized, "unauthorized")
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q", what, a.header.Get("WWW-Authenticate"))
		}
	}
	if op.OperationID == meID {
		return
	}
	if !anyone[op.OperationID] {
		p.token = w.without(t, op)
		refused(t, op, "token without the permission", w.send(t, p), http.StatusForbidden, "forbidden")
		w.roles(t, op)
	}

	w.limited(t, op)
	if !strings.Contains(op.path, "{account}") {
		return
	}
	p.token = w.theirs
	foreign := w.send(t, p)
	refused(t, op, "token of another account", foreign, http.StatusNotFound, "not-found")
	p.path = strings.Replace(p.path, "/"+mine+"/", "/nobody/", 1)
	if p.path = strings.TrimSuffix(p.path, "/"+mine); !strings.Contains(p.path, "nobody") {
		p.path += "/nobody"
	}
	if unknown := w.send(t, p); unknown.status != foreign.status || !bytes.Equal(unknown.body, foreign.body) {
		t.Errorf("an account that is there answers %v, one that is not %v", foreign, unknown)
	}
}

// roles: a token that leaves the permissions to the directory, for somebody whose role has all but
// those of the operation, and, of an operation that changes nothing, for somebody who has just them.
func (w *world) roles(t *testing.T, op operation) {
	t.Helper()
	give := func(permissions []auth.Permission) {
		body := object{"name": "Role", "permissions": append([]auth.Permission{}, permissions...)}
		a := w.send(t, probe{
			method: http.MethodPut, path: "/v1/accounts/" + mine + "/roles/of-hal", token: w.mine,
			body: encode(t, body), contentType: "application/json",
		})
		if a.status >= http.StatusMultipleChoices {
			t.Fatalf("role: %v", a)
		}
	}
	p := probe{method: op.method, path: w.path(t, op.path), token: w.hal}
	give(w.others(op))
	refused(t, op, "roles without the permission", w.send(t, p), http.StatusForbidden, "forbidden")
	needed := slices.DeleteFunc(permissions(op), func(p auth.Permission) bool { return p == auth.AccountsManage })
	if op.method != http.MethodGet || len(needed) == 0 {
		return
	}
	give(needed)
	if a := w.send(t, p); a.status == http.StatusForbidden || a.status == http.StatusUnauthorized {
		t.Errorf("roles with the permission: %v", a)
	}
}

// limited: an admin of some cost centers, by the directory or by the token, is refused every
// operation that does not know to give them their part (requirements, section 9).
func (w *world) limited(t *testing.T, op operation) {
	t.Helper()
	const refusal = "you are admin of some cost centers"
	byToken := object{
		"account": mine, "user": "zoe", "permissions": "all", "adminOfCostCenters": []string{"CC1-" + mine},
	}
	for what, token := range map[string]string{"by the directory": w.kim, "by the token": w.issued(t, byToken)} {
		a := w.send(t, probe{method: op.method, path: w.path(t, op.path), token: token})
		if !partly[op.OperationID] {
			refused(t, op, "admin of some cost centers "+what, a, http.StatusForbidden, "forbidden")
		}
		if strings.Contains(string(a.body), refusal) == partly[op.OperationID] && a.status == http.StatusForbidden {
			t.Errorf("admin of some cost centers %s: %v", what, a)
		}
	}
}

// functionsCheckThemselves gives the function what API Gateway would give it, had the gateway
// checked no token, or let one of little worth pass.
func (w *world) functionsCheckThemselves(t *testing.T, op operation) {
	t.Helper()
	target := w.path(t, op.path)
	lacking := http.StatusForbidden
	if op.OperationID == meID {
		lacking = http.StatusOK
	}
	for what, expect := range map[string]struct {
		claims map[string]any
		status int
	}{
		"event without claims": {nil, http.StatusUnauthorized},
		"event without the permission": {
			map[string]any{"sub": "zoe", "account": mine, "permissions": "profile"}, lacking,
		},
	} {
		if expect.claims != nil && anyone[op.OperationID] && op.OperationID != meID {
			continue
		}
		event := map[string]any{
			"version":        "2.0",
			"routeKey":       op.name(),
			"rawPath":        target,
			"rawQueryString": "",
			"headers":        map[string]string{"host": "x"},
			"requestContext": map[string]any{
				"requestId": "1", "http": map[string]any{"method": op.method, "path": target, "sourceIp": "127.0.0.1"},
				"authorizer": map[string]any{"jwt": map[string]any{"claims": expect.claims}},
			},
		}
		payload, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		a := w.send(t, probe{
			method:      http.MethodPost,
			path:        "/2015-03-31/functions/" + w.functions[op.name()] + "/invocations",
			body:        payload,
			contentType: "application/json",
		})
		var got struct {
			StatusCode int `json:"statusCode"`
		}
		if err := json.Unmarshal(a.body, &got); err != nil || got.StatusCode != expect.status {
			t.Errorf("%s: %v, want %d", what, a, expect.status)
		}
	}
}

// filters are with what a list is asked for of which the test's data have nothing otherwise.
var filters = map[string]string{"list-idle-seats": "days=0&"}

// onePage are the lists of which an account of today has one page: it has lived in one billing period,
// and that on one day.
var onePage = map[string]bool{"list-periods": true, "get-period-line": true}

// queries: a parameter that is not declared; of a list, pages that cannot be and cursors that were
// altered.
func (w *world) queries(t *testing.T, op operation) {
	t.Helper()
	p := probe{method: op.method, path: w.path(t, op.path), token: w.token(op)}
	p.query = "surprise=1"
	names(t, op, "unknown query parameter", w.send(t, p), "surprise")
	if !op.parameter("query", "cursor") {
		return
	}
	for _, limit := range []string{"0", "-1", "201", "x", "1.5", "99999999999999999999"} {
		p.query = "limit=" + limit
		names(t, op, "limit "+limit, w.send(t, p), "limit")
	}
	bad := func(what, cursor string) {
		t.Helper()
		p.query = filters[op.OperationID] + "limit=1&cursor=" + url.QueryEscape(cursor)
		a := w.send(t, p)
		refused(t, op, what, a, http.StatusBadRequest, "malformed-body")
		if !slices.Contains(a.faults(), "cursor") {
			t.Errorf("%s: the problem does not name the cursor: %v", what, a)
		}
	}
	bad("cursor from nowhere", "AAAA")
	bad("cursor that is no base64", "%%%")
	if onePage[op.OperationID] {
		return
	}
	p.query = filters[op.OperationID] + "limit=1"
	next := nextCursor(t, w.send(t, p))
	if next == "" {
		t.Fatalf("the test's data give %s no second page", op.path)
	}
	for _, at := range []int{0, len(next) / 2, len(next) - 1} {
		altered := []byte(next)
		altered[at] = map[bool]byte{true: 'B', false: 'A'}[altered[at] == 'A']
		bad("altered cursor", string(altered))
	}
	bad("shortened cursor", next[:len(next)-2])
	if strings.Contains(op.path, "{account}") {
		foreign := probe{
			method: op.method,
			path:   w.fill(t, theirs, op.path),
			token:  w.theirs,
			query:  filters[op.OperationID] + "limit=1",
		}
		if strings.Contains(op.path, "{id}") {
			return // it is about another thing, so its list is another anyway
		}
		bad("another account's cursor", nextCursor(t, w.send(t, foreign)))
	}
}

func nextCursor(t *testing.T, a answer) string {
	t.Helper()
	var page struct {
		NextCursor string `json:"nextCursor"`
	}
	if err := json.Unmarshal(a.body, &page); err != nil || a.status != http.StatusOK {
		t.Fatalf("no page of a list: %v", a)
	}
	return page.NextCursor
}

// bodies: not there, not JSON, not said to be JSON, too large, with a property more, with one less,
// with one of a wrong type.
func (w *world) bodies(t *testing.T, op operation) {
	t.Helper()
	if op.RequestBody == nil {
		return
	}
	p := probe{method: op.method, path: w.path(t, op.path), token: w.token(op), contentType: "application/json"}
	send := func(body string) answer {
		p.body = []byte(body)
		return w.send(t, p)
	}
	malformed := []string{`{"a":1`, `{]`, `{} x`, `{"a":"` + "\x00" + `"}`}
	if op.RequestBody.Required {
		malformed = append(malformed, "")
	}
	for _, body := range malformed {
		refused(t, op, fmt.Sprintf("body %q", body), send(body), http.StatusBadRequest, "malformed-body")
	}
	refused(
		t,
		op,
		"body of more than 1 MB",
		send(`{"a":"`+strings.Repeat("a", int(op.MaxBodyBytes))+`"}`),
		http.StatusRequestEntityTooLarge,
		"payload-too-large",
	)
	for _, media := range []string{
		"text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
	} {
		p.contentType = media
		refused(t, op, "body as "+media, send(`{}`), http.StatusUnsupportedMediaType, "unsupported-media-type")
	}
	p.contentType = "application/json"
	names(t, op, "unknown property", send(`{"surprise":1}`), "surprise")

	content := op.RequestBody.Content["application/json"]
	if content == nil || content.Schema == nil {
		t.Fatalf("%s takes a body that is no JSON", op.OperationID)
	}
	w.properties(t, op, content.Schema, "", send, func(value string) string { return value })
	for _, body := range []string{`[]`, `"x"`, `1`, `true`} {
		refused(t, op, "body "+body, send(body), http.StatusUnprocessableEntity, "validation")
	}
}

// properties sends every property of a schema wrongly, and those of the objects below it. at names
// the place of the schema's value, and around makes a body of such a value.
func (w *world) properties(
	t *testing.T,
	op operation,
	schema *huma.Schema,
	at string,
	send func(string) answer,
	around func(string) string,
) {
	t.Helper()
	schema = w.resolve(t, schema)
	for _, name := range schema.Required {
		names(t, op, "body without "+at+name, send(around(`{"surprise":1}`)), at+name)
	}
	for name, property := range schema.Properties {
		property = w.resolve(t, property)
		within := func(value string) string { return around(fmt.Sprintf(`{%q:%s}`, name, value)) }
		for _, value := range wrongly(property) {
			names(t, op, fmt.Sprintf("%.20s for %s", value, at+name), send(within(value)), at+name)
		}
		switch {
		case property.Type == huma.TypeObject && len(property.Properties) > 0:
			w.properties(t, op, property, at+name+".", send, within)
		case property.Type == huma.TypeArray:
			item := w.resolve(t, property.Items)
			within := func(value string) string { return around(fmt.Sprintf(`{%q:[%s]}`, name, value)) }
			for _, value := range wrongly(item) {
				names(t, op, fmt.Sprintf("%.20s in %s", value, at+name), send(within(value)), at+name+"[0]")
			}
			w.properties(t, op, item, at+name+"[0].", send, within)
		}
	}
}

// wrongly lists JSON values that the schema does not allow: of another type, and just out of range.
func wrongly(s *huma.Schema) []string {
	var all []string
	switch s.Type {
	case huma.TypeString:
		all = []string{`1`, `{}`, `[]`}
		if s.MaxLength != nil {
			all = append(all, `"`+strings.Repeat("x", *s.MaxLength+1)+`"`)
		}
		if s.MinLength != nil && *s.MinLength > 0 {
			all = append(all, `""`)
		}
		if len(s.Enum) > 0 || s.Pattern != "" || s.Format == "uuid" || s.Format == "date-time" {
			all = append(all, `"no such value"`)
		}
	case huma.TypeInteger, huma.TypeNumber:
		all = []string{`"1"`, `true`, `{}`}
		if s.Type == huma.TypeInteger {
			all = append(all, `1.5`)
		}
		if s.Minimum != nil {
			all = append(all, fmt.Sprint(int64(*s.Minimum)-1))
		}
		if s.Maximum != nil {
			all = append(all, fmt.Sprint(int64(*s.Maximum)+1))
		}
	case huma.TypeBoolean:
		all = []string{`"true"`, `1`}
	case huma.TypeArray:
		all = []string{`"x"`, `1`, `{}`}
		if s.MinItems != nil && *s.MinItems > 0 {
			all = append(all, `[]`)
		}
		if s.MaxItems != nil {
			all = append(all, `[`+strings.Repeat(`"x",`, *s.MaxItems)+`"x"]`)
		}
	case huma.TypeObject:
		all = []string{`"x"`, `1`, `[]`}
	}
	return all
}

// keys that are none.
func (w *world) keys(t *testing.T, op operation) {
	t.Helper()
	if op.method == http.MethodGet {
		return
	}
	for what, key := range map[string]string{
		"empty key": "", "key of 256 characters": strings.Repeat("k", 256), "key that is not ASCII": "schlüssel",
	} {
		p := probe{
			method: op.method,
			path:   w.path(t, op.path),
			token:  w.token(op),
			header: map[string]string{"Idempotency-Key": key},
		}
		names(t, op, what, w.send(t, p), "Idempotency-Key")
	}
}

// strangers: what belongs to another account is as unknown as what does not exist (requirements,
// section 9).
func (w *world) strangers(t *testing.T, op operation) {
	t.Helper()
	if op.method == http.MethodPut && strings.HasSuffix(op.path, "}") ||
		!strings.Contains(strings.Replace(op.path, "{account}", "", 1), "{") {
		return // a PUT makes what is not there
	}
	if strings.Contains(op.path, "{line}") {
		return // lines are counted within the caller's own cart: there is no way to name another's
	}
	if strings.Contains(op.path, "{firstDay}") {
		return // every account has periods of the same days
	}
	p := probe{method: op.method, token: w.token(op), query: w.required[op.OperationID]}
	if op.RequestBody != nil {
		body, ok := w.sample[op.OperationID]
		if !ok {
			t.Fatalf("the test has no good body for %s", op.OperationID)
		}
		p.body, p.contentType = []byte(body), "application/json"
	}
	own := strings.Replace(op.path, "{account}", mine, 1)
	p.path = w.fill(t, theirs, own)
	foreign := w.send(t, p)
	refused(t, op, "another account's thing", foreign, http.StatusNotFound, "not-found")
	p.path = parameters.ReplaceAllStringFunc(own, func(name string) string {
		if name == "{product}" {
			return "live-reports"
		}
		return "01980000-0000-7000-8000-ffffffffffff"
	})
	if unknown := w.send(t, p); unknown.status != foreign.status || !bytes.Equal(unknown.body, foreign.body) {
		t.Errorf("another account's thing answers %v, one that is not there %v", foreign, unknown)
	}
}

// unknownPathsAndMethods: 404 for what is not there, 405 with Allow for what cannot be done.
func (w *world) unknownPathsAndMethods(t *testing.T) {
	for _, path := range []string{
		"/v1", "/v1/", "/v2/catalog", "/v1/accounts/" + mine + "/nothing", "/v1/accounts/" + mine + "/licenses/a/b/c",
		"/v1//catalog", "/v1/catalog/",
	} {
		refused(
			t,
			operation{},
			path,
			w.send(t, probe{method: http.MethodGet, path: path, token: w.mine}),
			http.StatusNotFound,
			"not-found",
		)
	}
	allowed := map[string][]string{}
	for _, op := range documented(t) {
		allowed[op.path] = append(allowed[op.path], op.method)
	}
	for path, methods := range allowed {
		slices.Sort(methods)
		for _, method := range []string{
			http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete, "BREW",
		} {
			if slices.Contains(methods, method) {
				continue
			}
			a := w.send(t, probe{method: method, path: w.path(t, path), token: w.mine})
			refused(t, operation{}, method+" "+path, a, http.StatusMethodNotAllowed, "method-not-allowed")
			if got := strings.Split(a.header.Get("Allow"), ", "); !slices.Equal(got, methods) {
				t.Errorf("%s %s: Allow is %v, want %v", method, path, got, methods)
			}
		}
	}
}

var parameters = regexp.MustCompile(`\{[^}]+\}`)

// resolve looks a schema up that is named by its place.
func (w *world) resolve(t *testing.T, s *huma.Schema) *huma.Schema {
	t.Helper()
	if s.Ref != "" {
		s = w.document.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		t.Fatal("a schema of the document is missing")
	}
	return s
}

// token may do what the operation does: an admin of the account, or an operator where only they
// may.
func (w *world) token(op operation) string {
	if permissions(op) != nil &&
		!slices.ContainsFunc(permissions(op), func(p auth.Permission) bool { return p != auth.AccountsManage }) {
		return w.operator
	}
	return w.mine
}

func permissions(op operation) []auth.Permission {
	list, _ := op.Extensions["x-permissions"].([]string)
	var all []auth.Permission
	for _, name := range list {
		all = append(all, auth.Permission(name))
	}
	return all
}

// without is a token that may do everything else.
func (w *world) without(t *testing.T, op operation) string {
	t.Helper()
	return w.login(t, mine, w.others(op)...)
}

// others are the permissions that the operation does not ask for.
func (w *world) others(op operation) []auth.Permission {
	var rest []auth.Permission
	for _, p := range auth.Permissions() {
		if !slices.Contains(permissions(op), p) && p != auth.AccountsManage &&
			(p != auth.LiveReportsFull || !slices.Contains(permissions(op), auth.LiveReportsView)) {
			rest = append(rest, p)
		}
	}
	return rest
}

// functionsOf tells which function serves what.
func functionsOf(t testing.TB) map[string]string {
	t.Helper()
	tpl, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, r := range tpl.Routes {
		all[r.Method+" "+r.Path] = r.Function
	}
	return all
}
