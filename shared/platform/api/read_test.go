package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// raw sends a request as it is, past everything that would put it right.
func (r *module) raw(t *testing.T, method, target, contentType, body string, header ...string) (int, api.Problem) {
	t.Helper()
	request := httptest.NewRequestWithContext(
		auth.With(t.Context(), auth.Principal{
			User: "admin", Account: fixtures.Account, Permissions: auth.SetOf(auth.LicensesRead, auth.LicensesManage),
		}), method, "/", strings.NewReader(body),
	)
	path, query, _ := strings.Cut(target, "?")
	request.URL.Path, request.URL.RawQuery = path, query
	request.RequestURI = target
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	r.handler.ServeHTTP(answer, request)
	var p api.Problem
	if answer.Code >= 400 {
		if got := answer.Header().Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s %s: content type %q", method, target, got)
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
			t.Errorf("%s %s: %v", method, target, err)
		}
		for _, f := range p.Errors {
			if f.Code.Meaning() == "" {
				t.Errorf("%s %s: the code %q of %s is not in the list", method, target, f.Code, f.Field)
			}
		}
	}
	return answer.Code, p
}

func TestAQueryThatCannotBeReadIsRefused(t *testing.T) {
	r := open(t)
	for query, field := range map[string]string{
		"q=p1%": "q", "q=%zz": "q", "p=a&p=%z1": "p", "%zz=1": "query", "q=%ff": "q", "q=a;b": "q", "limit=5&q=%": "q",
		"nobody=%G0": "nobody",
	} {
		status, p := r.raw(t, http.MethodGet, things+"?"+query, "", "")
		if status != 400 || p.Type != "urn:seatwise:problem:malformed-body" || len(p.Errors) != 1 ||
			p.Errors[0].Field != field ||
			p.Errors[0].Code != problem.BadEncoding {
			t.Errorf("%s: %d %+v", query, status, p)
		}
	}
	for _, query := range []string{"q=%C3%A4", "q=a+b%2Bc", "q=%25", "q=a%3Bb", "", "q"} {
		if status, p := r.raw(t, http.MethodGet, things+"?"+query, "", ""); status != 200 {
			t.Errorf("%s: %d %+v", query, status, p)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	r := open(t)
	for contentType, want := range map[string]int{
		"application/json": 201, "APPLICATION/JSON": 201, "application/json; charset=UTF-8": 201,
		`application/json;charset="utf-8"`: 201, "": 201,
		"application/json; charset=utf-16": 415, "application/json; charset=latin1": 415, "text/plain": 415,
		"application/x+json":           415,
		"application/merge-patch+json": 415, "application/json, text/plain": 415, "application/": 415,
	} {
		if status, p := r.raw(t, http.MethodPost, things, contentType, `{"name":"a"}`); status != want {
			t.Errorf("%q: %d %+v, want %d", contentType, status, p, want)
		}
	}
	if status, _ := r.raw(
		t,
		http.MethodPost,
		things,
		"application/json",
		"x",
		"Content-Encoding",
		"gzip",
	); status != 415 {
		t.Errorf("a coded body: %d", status)
	}
}

// TestABodyIsReadAsEverybodyReadsIt has the faults of requirements, section 10 at every depth: what
// is refused would otherwise be stored as something that nobody sent.
func TestABodyIsReadAsEverybodyReadsIt(t *testing.T) {
	r := open(t)
	for name, test := range map[string]struct {
		body, field string
		code        problem.Code
	}{
		"Latin-1":                    {"{\"name\":\"Zo\xeb\"}", "name", problem.BadEncoding},
		"overlong":                   {"{\"name\":\"\xc0\xaf\"}", "name", problem.BadEncoding},
		"a surrogate in UTF-8":       {"{\"name\":\"\xed\xa0\x80\"}", "name", problem.BadEncoding},
		"in a member's name":         {"{\"na\xffme\":1}", "body", problem.BadEncoding},
		"half a pair":                {`{"name":"\ud800"}`, "name", problem.BadEncoding},
		"the other half":             {`{"name":"\udc00a"}`, "name", problem.BadEncoding},
		"two halves that do not fit": {`{"name":"\ud800\ud800"}`, "name", problem.BadEncoding},
		"named twice":                {`{"name":"a","count":1,"count":2}`, "count", problem.Repeated},
		"named twice by an escape":   {`{"name":"a","n\u0061me":"b"}`, "name", problem.Repeated},
		"named twice inside": {
			`{"name":"a","parts":[{"id":"xx"},{"id":"xx","id":"yy"}]}`, "parts[1].id", problem.Repeated,
		},
		"a list twice": {`{"name":"a","tags":["x"],"tags":["y"]}`, "tags", problem.Repeated},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			path := things
			if method == http.MethodPut {
				path += "/one"
			}
			status, p := r.raw(t, method, path, "application/json", test.body)
			if status != 400 || len(p.Errors) != 1 || p.Errors[0].Field != test.field || p.Errors[0].Code != test.code {
				t.Errorf("%s, %s: %d %+v", name, method, status, p)
			}
		}
	}
	for _, body := range []string{
		`{"name":"a"} {}`, `{"name":"a"}]`, `{"name":"a"`, "{'name':1}", "\xef\xbb\xbf{}", " ",
	} {
		if status, p := r.raw(
			t,
			http.MethodPost,
			things,
			"application/json",
			body,
		); status != 400 ||
			p.Type != "urn:seatwise:problem:malformed-body" {
			t.Errorf("%q: %d %+v", body, status, p)
		}
	}
	if status, p := r.raw(
		t,
		http.MethodPost,
		things,
		"application/json",
		`{"name":"\ud83d\ude00","tags":["a","a"]}`,
	); status != 201 {
		t.Errorf("a whole pair: %d %+v", status, p)
	}
}

func TestABodyForAnOperationWithoutOne(t *testing.T) {
	r := open(t)
	for body, want := range map[string]int{
		"": 204, "{}": 204, " {\n} ": 204, `{"userId":"x"}`: 422, "[]": 422, "null": 204, "{": 400,
	} {
		if status, p := r.raw(t, http.MethodDelete, things+"/one", "application/json", body); status != want {
			t.Errorf("%q: %d %+v", body, status, p)
		}
	}
}

func TestALargeBody(t *testing.T) {
	r := open(t)
	k := api.New(r.Env)
	const path = "/v1/accounts/{account}/large"
	api.Register(k, api.Operation{
		ID:          "put-large",
		Method:      http.MethodPut,
		Path:        path,
		Tag:         "Things",
		Permissions: []auth.Permission{auth.LicensesManage},
		MaxBody:     api.LargestBody,
	}, func(_ context.Context, _ *call.Call, in *struct {
		api.Account
		Body struct {
			Text string `json:"text"`
		}
	},
	) (*api.Plain[int], error) {
		return &api.Plain[int]{Status: 200, Body: len(in.Body.Text)}, nil
	})
	r.handler = k.Handler()
	for size, want := range map[int]int{api.MaxBody + 1: 200, api.LargestBody: 200, api.LargestBody + 1: 413} {
		body := `{"text":"` + strings.Repeat("a", size-11) + `"}`
		if status, p := r.raw(t, http.MethodPut, "/v1/accounts/acme/large", "application/json", body); status != want {
			t.Errorf("%d bytes: %d %+v", size, status, p)
		}
	}
	r = open(t)
	for size, want := range map[int]int{api.MaxBody: 422, api.MaxBody + 1: 413} {
		body := `{"name":"` + strings.Repeat("a", size-11) + `"}`
		status, p := r.raw(t, http.MethodPost, things, "application/json", body)
		if status != want || want == 413 && !strings.Contains(p.Detail, fmt.Sprint(api.MaxBody)) {
			t.Errorf("%d bytes: %d %+v", size, status, p)
		}
	}
}

func TestHeadersBeyondTheLimit(t *testing.T) {
	r := open(t)
	if status, _ := r.raw(t, http.MethodGet, things, "", "", "X-Long", strings.Repeat("a", 9000)); status != 200 {
		t.Errorf("within the limit: %d", status)
	}
	status, p := r.raw(t, http.MethodGet, things, "", "", "X-Long", strings.Repeat("a", 10_240))
	if status != 431 || p.Type != "urn:seatwise:problem:headers-too-large" || !strings.Contains(p.Detail, "10240") {
		t.Errorf("got %d %+v", status, p)
	}
	if status, _ := r.raw(t, http.MethodGet, things+"?q="+strings.Repeat("a", 10_240), "", ""); status != 431 {
		t.Errorf("a long query: %d", status)
	}
	if status, _ := r.raw(
		t,
		http.MethodGet,
		things,
		"",
		"",
		"X-Forwarded-For",
		strings.Repeat("a", 10_240),
	); status != 200 {
		t.Errorf("what the gateway added: %d", status)
	}
}

// TestEveryFaultHasACode sends one of every fault that huma finds, and of ours.
func TestEveryFaultHasACode(t *testing.T) {
	r := open(t)
	for body, want := range map[string]string{
		`{}`:                                `name required: must be given`,
		`{"name":1}`:                        `name wrong-type: must be a text`,
		`{"name":null}`:                     `name wrong-type: must be a text`,
		`{"name":""}`:                       `name too-short: must have 1 or more characters`,
		`{"name":"abcdef"}`:                 `name too-long: must have 5 or fewer characters`,
		`{"name":"a","count":10}`:           `count too-large: must be at most 9`,
		`{"name":"a","count":1.5}`:          `count wrong-type: must be a whole number`,
		`{"name":"a","count":10.0}`:         `count too-large: must be at most 9`,
		`{"name":"a","tags":["","",""]}`:    `tags too-many: must have 2 or fewer elements`,
		`{"name":"a","Name":"a"}`:           `Name unknown-field: is not a field of this request`,
		`{"name":"a","parts":[{"id":"x"}]}`: `parts[0].id too-short: must have 2 or more characters`,
		`{"name":"a","parts":{}}`:           `parts wrong-type: must be an array`,
		`[]`:                                `body wrong-type: must be an object`,
	} {
		status, p := r.raw(t, http.MethodPost, things, "application/json", body)
		if status != 422 || len(p.Errors) != 1 ||
			fmt.Sprintf("%s %s: %s", p.Errors[0].Field, p.Errors[0].Code, p.Errors[0].Message) != want {
			t.Errorf("%s: %d %+v", body, status, p)
		}
	}
	for query, want := range map[string]string{
		"limit=x": "limit wrong-type: must be a whole number", "limit=201": "limit too-large: must be at most 200",
		"limit=0": "limit too-small: must be at least 1",
		"z=1":     "z unknown-parameter: is not a parameter of this operation",
		"q=a&q=b": "q repeated: must be given once",
	} {
		status, p := r.raw(t, http.MethodGet, things+"?"+query, "", "")
		if status != 422 || len(p.Errors) != 1 ||
			fmt.Sprintf("%s %s: %s", p.Errors[0].Field, p.Errors[0].Code, p.Errors[0].Message) != want {
			t.Errorf("%s: %d %+v", query, status, p)
		}
	}
}

func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"a\":\"\xeb\"}", `[1,[{"x":{}}]]`, "", "{", `"\u0000"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := api.CheckJSON(text)
		if err == nil && !json.Valid(text) {
			t.Fatalf("%q is taken and is no JSON", text)
		}
		if p, ok := problem.From(err); err != nil && (!ok || p.Status() != 400) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
