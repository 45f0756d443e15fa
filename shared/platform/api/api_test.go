package api_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

const secret = "a secret of the inside"

type thing struct {
	Name  string   `json:"name" minLength:"1" maxLength:"5"`
	Count int      `json:"count,omitempty" maximum:"9"`
	Tags  []string `json:"tags,omitempty" maxItems:"2"`
	Parts []struct {
		ID string `json:"id" minLength:"2"`
	} `json:"parts,omitempty"`
}

type thingInput struct {
	api.Account
	Body thing
}

// room is a function with one operation of each kind.
type module struct {
	*fixtures.Fixture
	handler http.Handler
	fail    error
	made    int
}

func open(t *testing.T) *module {
	t.Helper()
	return serving(fixtures.New(t))
}

// serving is a module of a process of its own.
func serving(fixture *fixtures.Fixture) *module {
	r := &module{Fixture: fixture}
	k := api.New(r.Env)
	read, manage := []auth.Permission{auth.LicensesRead}, []auth.Permission{auth.LicensesManage}
	const things = "/v1/accounts/{account}/things"
	api.Register(
		k,
		api.Operation{ID: "make-thing", Method: "POST", Path: things, Tag: "Things", Permissions: manage, Status: 201},
		r.create,
	)
	api.Register(k,
		api.Operation{ID: "list-things", Method: "GET", Path: things, Tag: "Things", Permissions: read}, r.list)
	api.Register(
		k,
		api.Operation{ID: "put-thing", Method: "PUT", Path: things + "/{id}", Tag: "Things", Permissions: manage},
		func(_ context.Context, c *call.Call, in *struct {
			api.Resource
			Body thing
		},
		) (*api.Tagged[thing], error) {
			if err := api.CheckID("id", in.ID); err != nil {
				return nil, err
			}
			if err := c.MatchesTag(call.Tag(7)); err != nil {
				return nil, err
			}
			return &api.Tagged[thing]{Status: 200, ETag: call.Tag(7), Body: in.Body}, nil
		},
	)
	api.Register(
		k,
		api.Operation{
			ID:          "delete-thing",
			Method:      "DELETE",
			Path:        things + "/{id}",
			Tag:         "Things",
			Permissions: manage,
			Status:      204,
		},
		func(context.Context, *call.Call, *api.Resource) (*struct{}, error) { return nil, r.fail },
	)
	api.Register(k, api.Operation{ID: "fail", Method: "GET", Path: "/v1/fail", Tag: "Things", Public: true},
		func(context.Context, *call.Call, *struct{}) (*api.Plain[thing], error) { return nil, r.fail })
	api.Register(k, api.Operation{ID: "panic", Method: "GET", Path: "/v1/panic", Tag: "Things", Public: true},
		func(context.Context, *call.Call, *struct{}) (*api.Plain[thing], error) { panic(secret) })
	r.handler = k.Handler()
	return r
}

func (r *module) create(ctx context.Context, c *call.Call, in *thingInput) (*api.Plain[thing], error) {
	if err := c.Begin(ctx); err != nil {
		return nil, err
	}
	r.made++
	op := table.Put(
		table.Item{Key: table.Key{Partition: c.Partition("THING"), Sort: c.Env.IDs.Random()}, Data: []byte(`{}`)},
		table.IfAbsent,
	)
	err := c.Commit(ctx, call.Answer{Status: 201, Header: map[string]string{"Location": "/there"}, Body: in.Body}, op)
	if err != nil {
		return nil, err
	}
	return &api.Plain[thing]{Status: 201, Body: in.Body}, nil
}

func (r *module) list(ctx context.Context, c *call.Call, in *struct {
	api.Account
	api.Paging
	Q string   `query:"q"`
	P []string `query:"p,explode"`
},
) (*api.Listed[string], error) {
	position, err := api.Position(ctx, c, in.Cursor, "things", in.Q)
	if err != nil {
		return nil, err
	}
	if position != "" {
		return api.Page[string](nil, ""), nil
	}
	next, err := api.NextCursor(ctx, c, "first", "things", in.Q)
	return api.Page([]string{"first"}, next), err
}

func (r *module) send(t *testing.T, method, path string, body any, header ...string) fixtures.Response {
	t.Helper()
	req := fixtures.Request{
		Method:      method,
		Path:        path,
		Body:        body,
		User:        "admin",
		Permissions: []auth.Permission{auth.LicensesRead, auth.LicensesManage},
		Header:      map[string]string{},
	}
	for i := 0; i < len(header); i += 2 {
		req.Header[header[i]] = header[i+1]
	}
	return r.Do(t, r.handler, req)
}

const things = "/v1/accounts/acme/things"

// TestEverySlugHasItsStatus walks from every problem that a service can return to the answer.
func TestEverySlugHasItsStatus(t *testing.T) {
	r := open(t)
	for _, slug := range problem.Slugs() {
		r.fail = fmt.Errorf("wrapped: %w", problem.New(slug, "Why."))
		p := fixtures.Problem(t, r.send(t, "GET", "/v1/fail", nil), problem.New(slug, "").Status(), string(slug))
		if p.Title == "" || p.Detail != "Why." {
			t.Errorf("%s: %+v", slug, p)
		}
	}
}

func TestErrorsAreMapped(t *testing.T) {
	r := open(t)
	shortage := problem.Shortage("live-reports", "Live Reports", 3, 0)
	for _, tc := range []struct {
		err    error
		status int
		slug   string
		header string
	}{
		{errors.New(secret), 500, "internal", ""},
		{table.ErrConflict, 503, "too-busy", "Retry-After"},
		{fmt.Errorf("commit: %w", table.ErrThrottled), 503, "too-busy", "Retry-After"},
		{
			&table.ConditionError{Failed: []int{0}, Keys: []table.Key{{Partition: secret, Sort: secret}}}, 503,
			"too-busy", "Retry-After",
		},
		{context.DeadlineExceeded, 503, "too-busy", "Retry-After"},
		{&table.LimitError{What: secret}, 500, "internal", ""},
		{table.ErrCursor, 400, "malformed-body", ""},
		{shortage, 409, "not-enough-licenses", ""},
	} {
		r.fail = tc.err
		answer := r.send(t, "GET", "/v1/fail", nil)
		p := fixtures.Problem(t, answer, tc.status, tc.slug)
		if tc.header != "" && answer.Header.Get(tc.header) == "" {
			t.Errorf("%v has no %s", tc.err, tc.header)
		}
		if strings.Contains(string(answer.Body), secret) {
			t.Errorf("%v: the answer tells %s", tc.err, answer.Body)
		}
		if errors.Is(tc.err, shortage) && (p.ProductID != "live-reports" || *p.Wanted != 3 || *p.Available != 0) {
			t.Errorf("%+v", p)
		}
	}
	if !strings.Contains(r.Logs.String(), secret) {
		t.Error("an internal error was not logged")
	}
	during := regexp.MustCompile(`"error":"([a-z-]+): ` + secret)
	if said := during.FindStringSubmatch(r.Logs.String()); said == nil {
		t.Errorf("the log does not say what was being done: %s", r.Logs)
	} else if n := strings.Count(r.Logs.String(), said[1]+": "+said[1]); n > 0 {
		t.Error("what was being done is said twice")
	}
	for _, cause := range []error{table.ErrConflict, table.ErrThrottled, context.DeadlineExceeded} {
		if !strings.Contains(r.Logs.String(), cause.Error()) {
			t.Errorf("why an answer was 503 was not logged: %v", cause)
		}
	}
}

func TestPanicsAreProblems(t *testing.T) {
	r := open(t)
	answer := r.send(t, "GET", "/v1/panic", nil)
	fixtures.Problem(t, answer, 500, "internal")
	if strings.Contains(string(answer.Body), secret) || !strings.Contains(r.Logs.String(), secret) {
		t.Fatalf("told %s, logged %s", answer.Body, r.Logs)
	}
}

func TestUnroutedIsAProblem(t *testing.T) {
	r := open(t)
	for _, path := range []string{
		"/", "/v1", "/v1/nothing", "/v1/accounts/acme/things/", "/v1/accounts/acme/things/a/b",
		"/v1/accounts//things",
	} {
		fixtures.Problem(t, r.send(t, "GET", path, nil), 404, "not-found")
	}
	for method, path := range map[string]string{"PATCH": things, "DELETE": things, "PUT": things} {
		answer := r.send(t, method, path, nil)
		fixtures.Problem(t, answer, 405, "method-not-allowed")
		if got := answer.Header.Get("Allow"); got != "GET, POST" {
			t.Errorf("Allow: %q", got)
		}
	}
}

func TestBodies(t *testing.T) {
	r := open(t)
	for _, tc := range []struct {
		name   string
		body   any
		header []string
		status int
		slug   string
		fields []string
	}{
		{"good", `{"name":"a"}`, nil, 201, "", nil},
		{"with a charset", `{"name":"a"}`, []string{"Content-Type", "application/json; charset=utf-8"}, 201, "", nil},
		{"unknown field", `{"name":"a","size":1}`, nil, 422, "validation", []string{"size"}},
		{
			"unknown field inside", `{"name":"a","parts":[{"id":"ab"},{"id":"ab","x":1}]}`, nil, 422, "validation",
			[]string{"parts[1].x"},
		},
		{"wrong type", `{"name":1}`, nil, 422, "validation", []string{"name"}},
		{"wrong types", `{"name":"","count":"x","tags":["a","b","c"],"parts":[{"id":"a"}]}`, nil, 422, "validation", []string{"count", "name", "parts[0].id", "tags"}},
		{"too large a number", `{"name":"a","count":10}`, nil, 422, "validation", []string{"count"}},
		{"a fraction", `{"name":"a","count":1.5}`, nil, 422, "validation", []string{"count"}},
		{"missing field", `{}`, nil, 422, "validation", []string{"name"}},
		{"null", `null`, nil, 422, "validation", nil},
		{"an array", `[]`, nil, 422, "validation", nil},
		{"nothing", ``, nil, 400, "malformed-body", nil},
		{"cut off", `{"name":`, nil, 400, "malformed-body", nil},
		{"no JSON", `name=a`, nil, 400, "malformed-body", nil},
		{"two documents", `{"name":"a"}{"name":"b"}`, nil, 400, "malformed-body", nil},
		{
			"a form", `name=a`,
			[]string{"Content-Type", "application/x-www-form-urlencoded"},
			415,
			"unsupported-media-type", nil,
		},
		{"XML", `<name/>`, []string{"Content-Type", "application/xml"}, 415, "unsupported-media-type", nil},
		{"too large", `{"name":"` + strings.Repeat("a", api.MaxBody) + `"}`, nil, 413, "payload-too-large", nil},
		{
			"too large with a key", `{"name":"` + strings.Repeat("a", api.MaxBody) + `"}`,
			[]string{"Idempotency-Key", "k"},
			413, "payload-too-large", nil,
		},
		{"empty key", `{"name":"a"}`, []string{"Idempotency-Key", ""}, 422, "validation", []string{"Idempotency-Key"}},
		{
			"long key", `{"name":"a"}`,
			[]string{"Idempotency-Key", strings.Repeat("k", 256)},
			422, "validation",
			[]string{"Idempotency-Key"},
		},
		{
			"key that is not ASCII", `{"name":"a"}`,
			[]string{"Idempotency-Key", "clé"},
			422, "validation",
			[]string{"Idempotency-Key"},
		},
		{
			"whatever is accepted", `{"name":1}`,
			[]string{"Accept", "application/xml"},
			422, "validation",
			[]string{"name"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer := r.send(t, "POST", things, tc.body, tc.header...)
			if tc.slug == "" {
				fixtures.Decode[thing](t, answer, tc.status)
				return
			}
			p := fixtures.Problem(t, answer, tc.status, tc.slug)
			fields := map[string]bool{}
			for _, e := range p.Errors {
				fields[e.Field] = true
			}
			if got := slices.Sorted(maps.Keys(fields)); tc.fields != nil && !slices.Equal(got, tc.fields) {
				t.Errorf("fields %v, want %v: %s", got, tc.fields, answer.Body)
			}
		})
	}
}

func TestValidationDoesNotEcho(t *testing.T) {
	r := open(t)
	answer := r.send(t, "POST", things, `{"name":"`+secret+`","count":"`+secret+`"}`)
	fixtures.Problem(t, answer, 422, "validation")
	if strings.Contains(string(answer.Body), secret) {
		t.Fatalf("%s", answer.Body)
	}
}

func TestParameters(t *testing.T) {
	r := open(t)
	for path, field := range map[string]string{
		things + "?limit=0":    "limit",
		things + "?limit=1000": "limit",
		things + "?limit=ten":  "limit",
		things + "?sort=up":    "sort",
		things + "?q=a&q=b":    "q",
	} {
		p := fixtures.Problem(t, r.send(t, "GET", path, nil), 422, "validation")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v", path, p)
		}
	}
	p := fixtures.Problem(t, r.send(t, "PUT", things+"/a%20b", `{"name":"a"}`), 422, "validation")
	if p.Errors[0].Field != "id" {
		t.Errorf("%+v", p)
	}
}

func TestCursors(t *testing.T) {
	r := open(t)
	list := fixtures.Decode[api.List[string]](t, r.send(t, "GET", things+"?q=x", nil), 200)
	if list.NextCursor == "" {
		t.Fatalf("%+v", list)
	}
	end := r.send(t, "GET", things+"?q=x&cursor="+list.NextCursor, nil)
	last := fixtures.Decode[api.List[string]](t, end, 200)
	if len(last.Items) != 0 || strings.Contains(string(end.Body), "nextCursor") ||
		!strings.Contains(string(end.Body), `"items":[]`) {
		t.Fatalf("%s", end.Body)
	}
	altered := []byte(list.NextCursor)
	altered[len(altered)-3] ^= 1
	for name, path := range map[string]string{
		"altered":                 things + "?q=x&cursor=" + string(altered),
		"cut":                     things + "?q=x&cursor=" + list.NextCursor[:10],
		"longer":                  things + "?q=x&cursor=" + list.NextCursor + "AA",
		"nonsense":                things + "?q=x&cursor=%21",
		"of another filter":       things + "?q=y&cursor=" + list.NextCursor,
		"of another account":      "/v1/accounts/globex/things?q=x&cursor=" + list.NextCursor,
		"with a line end in base": things + "?q=x&cursor=" + list.NextCursor[:4] + "%0A" + list.NextCursor[4:],
	} {
		req := fixtures.Request{
			Method:      "GET",
			Path:        path,
			User:        "op",
			Permissions: []auth.Permission{auth.LicensesRead, auth.AccountsManage},
		}
		p := fixtures.Problem(t, r.Do(t, r.handler, req), 400, "malformed-body")
		if p.Errors[0].Field != "cursor" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestWhoMayEnter(t *testing.T) {
	r := open(t)
	for _, tc := range []struct {
		name        string
		user        string
		account     string // of the token
		path        string
		permissions []auth.Permission
		status      int
		slug        string
	}{
		{"nobody", "", "acme", things, []auth.Permission{auth.LicensesRead}, 401, "unauthorized"},
		{"without permission", "u", "acme", things, nil, 403, "forbidden"},
		{"with another permission", "u", "acme", things, []auth.Permission{auth.LicensesManage}, 403, "forbidden"},
		{"a stranger", "u", "globex", things, []auth.Permission{auth.LicensesRead}, 404, "not-found"},
		{"a stranger without permission", "u", "globex", things, nil, 404, "not-found"},
		{
			"in no account", "u", "nowhere", "/v1/accounts/nowhere/things",
			[]auth.Permission{auth.LicensesRead},
			404,
			"not-found",
		},
		{"an operator in no account", "u", "globex", "/v1/accounts/nowhere/things", []auth.Permission{auth.LicensesRead, auth.AccountsManage}, 404, "not-found"},
		{"an operator in an account that cannot be", "u", "globex", "/v1/accounts/a%23b/things", []auth.Permission{auth.LicensesRead, auth.AccountsManage}, 404, "not-found"},
		{
			"an operator without the permission", "u", "globex", things,
			[]auth.Permission{auth.AccountsManage},
			403,
			"forbidden",
		},
		{"an operator", "u", "globex", things, []auth.Permission{auth.LicensesRead, auth.AccountsManage}, 200, ""},
		{"who may", "u", "acme", things, []auth.Permission{auth.LicensesRead}, 200, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer := r.Do(t, r.handler, fixtures.Request{
				Method:      "GET",
				Path:        tc.path,
				User:        tc.user,
				Account:     tc.account,
				Permissions: tc.permissions,
			})
			if tc.slug == "" {
				fixtures.Decode[api.List[string]](t, answer, tc.status)
				return
			}
			fixtures.Problem(t, answer, tc.status, tc.slug)
			if tc.status == 401 && answer.Header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

func TestKeys(t *testing.T) {
	r := open(t)
	first := r.send(t, "POST", things, `{"name":"a"}`, "Idempotency-Key", "k")
	fixtures.Decode[thing](t, first, 201)
	again := r.send(t, "POST", things, `{"name":"a"}`, "Idempotency-Key", "k")
	if fixtures.Decode[thing](t, again, 201).Name != "a" || again.Header.Get("Idempotent-Replayed") != "true" ||
		again.Header.Get("Location") != "/there" ||
		again.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%v %s", again.Header, again.Body)
	}
	if first.Header.Get("Idempotent-Replayed") != "" {
		t.Fatal("the first answer is no replay")
	}
	fixtures.Problem(t, r.send(t, "POST", things, `{"name":"b"}`, "Idempotency-Key", "k"), 422, "idempotency-mismatch")
	fixtures.Problem(t, r.send(t, "POST", things, `{"name":""}`, "Idempotency-Key", "k2"), 422, "validation")
	// a refused request leaves its key free
	fixtures.Decode[thing](t, r.send(t, "POST", things, `{"name":"a"}`, "Idempotency-Key", "k2"), 201)
	fixtures.Decode[thing](t, r.send(t, "POST", things, `{"name":"a"}`), 201)
	if r.made != 3 {
		t.Fatalf("made %d", r.made)
	}
	// Another user's key is another key.
	answer := r.Do(t, r.handler, fixtures.Request{
		Method:      "POST",
		Path:        things,
		Body:        `{"name":"c"}`,
		User:        "eve",
		Permissions: []auth.Permission{auth.LicensesManage},
		Header:      map[string]string{"Idempotency-Key": "k"},
	})
	fixtures.Decode[thing](t, answer, 201)
}

func TestTags(t *testing.T) {
	r := open(t)
	put := func(match string) fixtures.Response {
		t.Helper()
		if match == "" {
			return r.send(t, "PUT", things+"/a", `{"name":"a"}`)
		}
		return r.send(t, "PUT", things+"/a", `{"name":"a"}`, "If-Match", match)
	}
	for _, match := range []string{"", "*", `"7"`, `"1", "7"`} {
		if answer := put(match); answer.Status != 200 || answer.Header.Get("ETag") != `"7"` {
			t.Errorf("If-Match %s: %d %s", match, answer.Status, answer.Body)
		}
	}
	for _, match := range []string{`"8"`, `7`, `W/"7"`, `"7`} {
		fixtures.Problem(t, put(match), 412, "precondition-failed")
	}
	fixtures.Problem(t, r.send(t, "PUT", things+"/a", `{"name":"a"}`, "If-None-Match", "*"), 412, "precondition-failed")
	fixtures.Decode[thing](t, r.send(t, "PUT", things+"/a", `{"name":"a"}`, "If-None-Match", `"8"`), 200)
	// it is for what is written
	if answer := r.send(t, "GET", things+"?p=a&p=b", nil, "If-None-Match", "*"); answer.Status != 200 {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
}

func TestNoContent(t *testing.T) {
	r := open(t)
	answer := r.send(t, "DELETE", things+"/a", nil)
	if answer.Status != 204 || len(answer.Body) != 0 ||
		answer.Header.Get("Content-Type") != "" {
		t.Fatalf("%d %v %s", answer.Status, answer.Header, answer.Body)
	}
}

func TestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "A-b_c.d@e+f": true, "1": true, strings.Repeat("a", 64): true,
		"":                      false,
		strings.Repeat("a", 65): false,
		"-a":                    false,
		"a b":                   false,
		"a#b":                   false,
		"a/b":                   false,
		"é":                     false,
		"a\x00":                 false,
		".":                     false,
	} {
		if got := api.ValidID(id); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}
