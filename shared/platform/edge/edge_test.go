package edge_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/reply"
	"seatwise/shared/platform/spent"
	"seatwise/shared/platform/table"
)

// answer is what API Gateway would read.
type answer struct {
	StatusCode        int
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

func event(method, path, query string, more map[string]any) []byte {
	e := map[string]any{
		"version":        "2.0",
		"routeKey":       method + " " + path,
		"rawPath":        path,
		"rawQueryString": query,
		"headers":        map[string]string{"host": "api.example.com"},
		"requestContext": map[string]any{
			"requestId": "gw-1", "stage": "$default", "domainName": "api.example.com",
			"http": map[string]any{"method": method, "path": path, "sourceIp": "192.0.2.1"},
		},
		// What the gateway itself decoded must not matter.
		"pathParameters": map[string]string{
			"account": "wrong",
		},
		"queryStringParameters": map[string]string{"q": "wrong"},
		"isBase64Encoded":       false,
	}
	for name, value := range more {
		e[name] = value
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return b
}

func withClaims(claims any) map[string]any {
	return map[string]any{"requestContext": map[string]any{
		"requestId":  "gw-1",
		"http":       map[string]any{"method": "GET"},
		"authorizer": map[string]any{"jwt": map[string]any{"claims": claims, "scopes": nil}},
	}}
}

func clock() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }

func options(log io.Writer) edge.Options {
	return edge.Options{Name: "TestFunction", Clock: clock, Log: edge.Logger(log, slog.LevelInfo)}
}

func serve(t *testing.T, payload []byte, handler http.HandlerFunc) answer {
	t.Helper()
	raw, err := edge.New(app.Function{HTTP: handler}, options(io.Discard)).Invoke(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if a.MultiValueHeaders != nil {
		t.Fatal("payload version 2.0 has no multi-value headers")
	}
	return a
}

func TestPathAndQueryAreTakenVerbatim(t *testing.T) {
	tests := []struct {
		name, path, query string
		uri, decoded      string
		params            map[string]string
	}{
		{"plain", "/v1/health", "", "/v1/health", "/v1/health", nil},
		{"an escaped slash is no separator", "/v1/a%2Fb/c", "", "/v1/a%2Fb/c", "/v1/a/b/c", nil},
		{
			"an escaped question mark stays in the path",
			"/v1/a%3Fb",
			"q=1",
			"/v1/a%3Fb?q=1",
			"/v1/a?b",
			map[string]string{"q": "1"},
		},
		{
			"a plus in a path is a plus",
			"/v1/users/a+b@example.com",
			"",
			"/v1/users/a+b@example.com",
			"/v1/users/a+b@example.com",
			nil,
		},
		{"a plus in a query is a space", "/v1", "q=a+b%2Bc", "/v1?q=a+b%2Bc", "/v1", map[string]string{"q": "a b+c"}},
		{"a percent sign", "/v1/100%25", "q=100%25", "/v1/100%25?q=100%25", "/v1/100%", map[string]string{"q": "100%"}},
		{
			"repeated parameters keep their order",
			"/v1",
			"c=2&c=1&c=",
			"/v1?c=2&c=1&c=",
			"/v1",
			map[string]string{"c": "2"},
		},
		{"empty path", "", "", "/", "/", nil},
		{"already decoded, with a space", "/v1/a b", "", "/v1/a%20b", "/v1/a b", nil},
		{"umlaut", "/v1/%C3%A4", "", "/v1/%C3%A4", "/v1/ä", nil},
		{"dots and doubled slashes", "/v1//a/../b", "", "/v1//a/../b", "/v1//a/../b", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			serve(t, event("GET", test.path, test.query, nil), func(_ http.ResponseWriter, r *http.Request) {
				if r.RequestURI != test.uri || r.URL.Path != test.decoded || r.URL.RawQuery != test.query {
					t.Errorf("got %q %q %q", r.RequestURI, r.URL.Path, r.URL.RawQuery)
				}
				for name, want := range test.params {
					if got := r.URL.Query().Get(name); got != want {
						t.Errorf("%s = %q, want %q", name, got, want)
					}
				}
			})
		})
	}
}

func TestABasePathOfACustomDomain(t *testing.T) {
	const route = "GET /v1/accounts/{account}/users/{id}"
	for path, want := range map[string][2]string{
		"/v1/accounts/acme/users/zoe":                 {"/v1/accounts/acme/users/zoe", "/v1/here"},
		"/seatwise/v1/accounts/acme/users/zoe":        {"/v1/accounts/acme/users/zoe", "/seatwise/v1/here"},
		"/desk/seatwise/v1/accounts/v1/users/v1":      {"/v1/accounts/v1/users/v1", "/desk/seatwise/v1/here"},
		"/seatwise/v1/accounts/acme/users/auth0%7Cab": {"/v1/accounts/acme/users/auth0|ab", "/seatwise/v1/here"},
		"/other/v2/accounts/acme/users/zoe":           {"/other/v2/accounts/acme/users/zoe", "/v1/here"},
	} {
		got := serve(
			t,
			event("GET", path, "", map[string]any{"routeKey": route}),
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/v1/here")
				_, _ = io.WriteString(w, r.URL.Path)
			},
		)
		if got.Body != want[0] || got.Headers["Location"] != want[1] {
			t.Errorf("%s: %q, Location %q", path, got.Body, got.Headers["Location"])
		}
	}
	got := serve(
		t,
		event("GET", "/seatwise/x", "", map[string]any{"routeKey": "$default"}),
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.URL.Path)
		},
	)
	if got.Body != "/seatwise/x" {
		t.Errorf("the default route: %q", got.Body)
	}
}

func TestSubjectsOfIdentityProviders(t *testing.T) {
	claims := map[string]any{
		"sub":                    "auth0|5f7c8ec7c33c6c004bbafe82",
		"https://example.com/id": "zoe",
		"account":                "acme",
	}
	serve(t, event("GET", "/", "", withClaims(claims)), func(_ http.ResponseWriter, r *http.Request) {
		if p, ok := auth.From(r.Context()); !ok || p.User != "auth0|5f7c8ec7c33c6c004bbafe82" {
			t.Errorf("got %+v, %v", p, ok)
		}
	})
	o := options(io.Discard)
	o.UserClaim = "https://example.com/id"
	fn := app.Function{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if p, ok := auth.From(r.Context()); !ok || p.User != "zoe" {
			t.Errorf("got %+v, %v", p, ok)
		}
	})}
	if _, err := edge.New(fn, o).Invoke(t.Context(), event("GET", "/", "", withClaims(claims))); err != nil {
		t.Fatal(err)
	}
	claims["sub"] = "zoe of acme"
	serve(t, event("GET", "/", "", withClaims(claims)), func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := auth.From(r.Context()); ok || !errors.Is(auth.Refusal(r.Context()), auth.ErrSubject) {
			t.Errorf("a subject that does not fit: %v", auth.Refusal(r.Context()))
		}
	})
}

func TestServeMuxSeesTheClientsSegments(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/users/{id}/why",
		func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("id")) })
	for path, want := range map[string]string{
		"/v1/users/a%2Fb/why":  "a/b",
		"/v1/users/a+b/why":    "a+b",
		"/v1/users/a%3Fb/why":  "a?b",
		"/v1/users/100%25/why": "100%",
	} {
		if got := serve(t, event("GET", path, "", nil), mux.ServeHTTP); got.StatusCode != 200 || got.Body != want {
			t.Errorf("%s: %d %q, want %q", path, got.StatusCode, got.Body, want)
		}
	}
}

func TestRequest(t *testing.T) {
	payload := event("POST", "/v1/x", "", map[string]any{
		"headers": map[string]string{
			"host":            "api.example.com",
			"accept":          "text/html, application/pdf;q=0.5",
			"if-match":        `"1","2"`,
			"content-type":    "application/json",
			"x-forwarded-for": "192.0.2.1, 192.0.2.2",
		},
		"cookies": []string{
			"a=1",
			"b=2; c",
		},
		"body":            base64.StdEncoding.EncodeToString([]byte{0, 0xff, '{'}),
		"isBase64Encoded": true,
	})
	called := false
	serve(t, payload, func(_ http.ResponseWriter, r *http.Request) {
		called = true
		body, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(body, []byte{0, 0xff, '{'}) || r.ContentLength != 3 {
			t.Errorf("body %q of %d, %v", body, r.ContentLength, err)
		}
		if got := r.Header["Accept"]; len(got) != 1 || got[0] != "text/html, application/pdf;q=0.5" {
			t.Errorf("a joined header was changed: %q", got)
		}
		if got := r.Header.Get("If-Match"); got != `"1","2"` {
			t.Errorf("If-Match %q", got)
		}
		if got := r.Header.Get("Cookie"); got != "a=1; b=2; c" {
			t.Errorf("Cookie %q", got)
		}
		if r.Method != "POST" || r.Host != "api.example.com" || r.RemoteAddr != "192.0.2.1:0" ||
			r.Header.Get("Host") != "" {
			t.Errorf("got %s %s %s", r.Method, r.Host, r.RemoteAddr)
		}
		if got := reply.RequestID(r.Context()); got != "gw-1" {
			t.Errorf("request id %q", got)
		}
		if _, ok := auth.From(r.Context()); ok {
			t.Error("a caller without claims")
		}
	})
	if !called {
		t.Fatal("not served")
	}
	serve(t, event("GET", "/v1/x", "", nil), func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || len(body) != 0 || r.ContentLength != 0 {
			t.Errorf("a request without a body: %q, %v", body, err)
		}
	})
	serve(
		t,
		event("POST", "/v1/x", "", map[string]any{"body": `{"name":"Zoë"}`}),
		func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != `{"name":"Zoë"}` ||
				r.ContentLength != int64(len(body)) {
				t.Errorf("a text body: %q, %v", body, err)
			}
		},
	)
}

func TestUnreadableRequestIsAProblem(t *testing.T) {
	never := func(http.ResponseWriter, *http.Request) { t.Error("served") }
	got := serve(t, event("POST", "/v1/x", "", map[string]any{"body": "!", "isBase64Encoded": true}), never)
	if got.StatusCode != 400 || !strings.Contains(got.Body, "urn:seatwise:problem:malformed-body") {
		t.Fatalf("got %+v", got)
	}
	if got := serve(t, event("GE T", "/v1/x", "", nil), never); got.StatusCode != 400 {
		t.Fatalf("got %+v", got)
	}
	for _, path := range []string{"/v1/100%", "/v1/%zz", "/v1/a%2"} {
		got := serve(t, event("GET", path, "", nil), never)
		if got.StatusCode != 400 || !strings.Contains(got.Body, `"code":"bad-encoding"`) ||
			got.Headers["Content-Type"] != "application/problem+json" {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestClaimsBecomeThePrincipal(t *testing.T) {
	want := auth.Principal{User: "zoe", Account: "acme", Permissions: auth.SetOf(auth.LicensesRead, auth.AuditRead)}
	for name, permissions := range map[string]any{
		"flattened": "[licenses.read audit.read]",
		"spaces":    "licenses.read audit.read",
		"JSON":      `["licenses.read","audit.read"]`,
		"array":     []string{"licenses.read", "audit.read"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := map[string]any{"sub": "zoe", "account": "acme", "permissions": permissions, "exp": "1795262400"}
			serve(t, event("GET", "/", "", withClaims(claims)), func(_ http.ResponseWriter, r *http.Request) {
				if got, ok := auth.From(r.Context()); !ok || got != want {
					t.Errorf("got %+v, %v", got, ok)
				}
			})
		})
	}
	serve(
		t,
		event("GET", "/", "", withClaims(map[string]any{"sub": "zoe", "permissions": "licenses.read"})),
		func(_ http.ResponseWriter, r *http.Request) {
			if got, ok := auth.From(r.Context()); ok {
				t.Errorf("claims without an account make %+v", got)
			}
		},
	)
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name    string
		method  string
		handler http.HandlerFunc
		want    answer
	}{
		{
			"json",
			"GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusConflict)
				_, _ = io.WriteString(w, `{"a":"<ä>"}`)
			},
			answer{
				StatusCode: 409,
				Headers:    map[string]string{"Content-Type": "application/problem+json"},
				Body:       `{"a":"<ä>"}`,
			},
		},
		{
			"empty", "DELETE", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
			answer{StatusCode: 204},
		},
		{"nothing at all", "GET", func(http.ResponseWriter, *http.Request) {}, answer{StatusCode: 200}},
		{
			"not modified never has a body", "GET", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("ETag", `"1"`)
				w.WriteHeader(http.StatusNotModified)
				if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
					t.Errorf("got %v", err)
				}
			},
			answer{StatusCode: 304, Headers: map[string]string{"Etag": `"1"`}},
		},
		{
			"several values and cookies",
			"GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Vary"] = []string{"Accept", "Origin"}
				w.Header()["Set-Cookie"] = []string{"a=1; Expires=Sat, 21 Nov 2026 10:00:00 GMT", "b=2"}
				w.Header().Set("Content-Length", "99")
			},
			answer{
				StatusCode: 200,
				Headers:    map[string]string{"Vary": "Accept, Origin"},
				Cookies:    []string{"a=1; Expires=Sat, 21 Nov 2026 10:00:00 GMT", "b=2"},
			},
		},
		{
			"binary",
			"GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/pdf")
				_, _ = w.Write([]byte("%PDF-"))
			},
			answer{
				StatusCode:      200,
				Headers:         map[string]string{"Content-Type": "application/pdf"},
				Body:            "JVBERi0=",
				IsBase64Encoded: true,
			},
		},
		{
			"text that is no UTF-8",
			"GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/csv; charset=utf-8")
				_, _ = w.Write([]byte{0xff, 0xfe})
			},
			answer{
				StatusCode:      200,
				Headers:         map[string]string{"Content-Type": "text/csv; charset=utf-8"},
				Body:            "//4=",
				IsBase64Encoded: true,
			},
		},
		{
			"compressed text",
			"GET",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write([]byte("abc"))
			},
			answer{
				StatusCode:      200,
				Headers:         map[string]string{"Content-Type": "text/plain", "Content-Encoding": "gzip"},
				Body:            "YWJj",
				IsBase64Encoded: true,
			},
		},
		{
			"no type given",
			"GET",
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
			answer{
				StatusCode: 200,
				Headers:    map[string]string{"Content-Type": "text/html; charset=utf-8"},
				Body:       "<html>",
			},
		},
		{
			"the first status stands, later headers are too late", "GET", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusAccepted)
				w.Header().Set("Location", "/late")
				w.WriteHeader(http.StatusTeapot)
			},
			answer{StatusCode: 202},
		},
		{
			"HEAD has no body", "HEAD", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") },
			answer{StatusCode: 200},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := serve(t, event(test.method, "/v1/x", "", nil), test.handler)
			if test.want.Headers == nil {
				test.want.Headers = map[string]string{}
			}
			if got.Headers == nil {
				got.Headers = map[string]string{}
			}
			g, _ := json.Marshal(got)
			w, _ := json.Marshal(test.want)
			if !bytes.Equal(g, w) {
				t.Fatalf("got %s, want %s", g, w)
			}
		})
	}
}

func TestPanicIsAnInternalProblem(t *testing.T) {
	var log bytes.Buffer
	e := edge.New(app.Function{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"1"`)
		_, _ = io.WriteString(w, "half an ans")
		panic("secret")
	})}, options(&log))
	raw, err := e.Invoke(context.Background(), event("GET", "/", "", nil))
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != 500 || a.Headers["Content-Type"] != "application/problem+json" || a.Headers["Etag"] != "" ||
		strings.Contains(
			a.Body,
			"half",
		) || strings.Contains(a.Body, "secret") || !strings.Contains(a.Body, "urn:seatwise:problem:internal") {
		t.Fatalf("got %+v", a)
	}
	if !strings.Contains(log.String(), "edge_test.go") || !strings.Contains(log.String(), `"requestId":"gw-1"`) {
		t.Fatalf("the log lacks stack or request id: %s", log.String())
	}
}

func TestAnAnswerBeyondLambdasLimitIsAProblem(t *testing.T) {
	got := serve(t, event("GET", "/", "", nil),
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5<<20)) })
	if got.StatusCode != 500 || len(got.Body) > 1000 {
		t.Fatalf("got %d with %d bytes", got.StatusCode, len(got.Body))
	}
}

func TestOtherEventsGoToTheEventHandler(t *testing.T) {
	var got [][]byte
	fn := app.Function{Event: func(ctx context.Context, payload []byte) error {
		got = append(got, payload)
		if id := reply.RequestID(ctx); id != "lambda-1" {
			t.Errorf("request id %q", id)
		}
		return nil
	}}
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "lambda-1"})
	e := edge.New(fn, options(io.Discard))
	payloads := []string{
		`{"Records":[]}`,
		`{"time":"2026-11-21T10:00:00Z"}`,
		`{"version":"0"}`,
		`{"version":"2.0"}`,
		`7`,
		`"2.0"`,
		`null`,
	}
	for _, payload := range payloads {
		if answer, err := e.Invoke(ctx, []byte(payload)); err != nil || string(answer) != "null" {
			t.Errorf("%s: %s, %v", payload, answer, err)
		}
	}
	if len(got) != len(payloads) || string(got[0]) != payloads[0] {
		t.Fatalf("got %q", got)
	}
	if _, err := e.Invoke(ctx, event("GET", "/", "", nil)); !errors.Is(err, edge.ErrUnexpected) {
		t.Errorf("an HTTP event: %v", err)
	}
	_, err := edge.New(app.Function{HTTP: http.NotFoundHandler()}, options(io.Discard)).
		Invoke(ctx, []byte(`{"Records":[]}`))
	if !errors.Is(err, edge.ErrUnexpected) {
		t.Errorf("an event for an API function: %v", err)
	}
}

// TestAnEventThatIsAnswered: a trigger of the identity provider waits for what the function says.
func TestAnEventThatIsAnswered(t *testing.T) {
	fn := app.Function{Answer: func(_ context.Context, payload []byte) ([]byte, error) {
		if string(payload) == `{"panic":true}` {
			panic("secret")
		}
		return append([]byte("re: "), payload...), nil
	}}
	e := edge.New(fn, options(io.Discard))
	answer, err := e.Invoke(t.Context(), []byte(`{"version":"2"}`))
	if string(answer) != `re: {"version":"2"}` || err != nil {
		t.Errorf("got %s, %v", answer, err)
	}
	answer, err = e.Invoke(t.Context(), []byte(`{"panic":true}`))
	if err == nil || answer != nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a panic: %s, %v", answer, err)
	}
}

func TestEventErrorsAndPanicsFailTheInvocation(t *testing.T) {
	boom := errors.New("boom")
	fail := app.Function{Event: func(context.Context, []byte) error { return boom }}
	if _, err := edge.New(fail, options(io.Discard)).Invoke(context.Background(), []byte(`{}`)); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	panics := app.Function{Event: func(context.Context, []byte) error { panic("secret") }}
	_, err := edge.New(panics, options(io.Discard)).
		Invoke(context.Background(), []byte(`{}`))
	if err == nil ||
		strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestTheContextEndsBeforeTheInvocation(t *testing.T) {
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	fn := app.Function{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, ok := r.Context().Deadline()
		if left := deadline.Sub(got); !ok || left < 100*time.Millisecond || left > time.Second {
			t.Errorf("it ends %v before", left)
		}
	})}
	if _, err := edge.New(fn, options(io.Discard)).Invoke(ctx, event("GET", "/", "", nil)); err != nil {
		t.Fatal(err)
	}
}

func TestMetricsOfEachInvocation(t *testing.T) {
	var out bytes.Buffer
	now := clock()
	o := options(io.Discard)
	o.Tally = new(table.Tally)
	o.Tally.Lost()
	o.Tally.Throttled()
	o.Metrics, o.Clock = &out, func() time.Time { now = now.Add(1500 * time.Microsecond); return now }
	e := edge.New(app.Function{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})}, o)
	for _, method := range []string{"GET", "POST"} {
		_, err := e.Invoke(context.Background(), event(method, "/v1/x", "q=secret", map[string]any{"body": "secret"}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Fatal("a payload in the metrics")
	}
	want := []map[string]any{
		{
			"Function":         "TestFunction",
			"Latency":          1.5,
			"Errors":           0.0,
			"ColdStart":        true,
			"Commits":          1.0,
			"ConflictsRetried": 1.0,
			"Throttled":        1.0,
			"requestId":        "gw-1",
			"status":           200.0,
			"route":            "GET /v1/x",
		},
		{
			"Function":         "TestFunction",
			"Latency":          1.5,
			"Errors":           1.0,
			"ColdStart":        false,
			"Commits":          0.0,
			"ConflictsRetried": 0.0,
			"Throttled":        0.0,
			"requestId":        "gw-1",
			"status":           500.0,
			"route":            "POST /v1/x",
		},
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		for name, value := range want[i] {
			if got[name] != value {
				t.Errorf("line %d: %s = %v, want %v", i, name, got[name], value)
			}
		}
	}
}

func TestLoggerAddsTheRequestIDOnce(t *testing.T) {
	var out bytes.Buffer
	log := edge.Logger(&out, slog.LevelInfo).With("function", "TestFunction")
	ctx := reply.WithRequestID(context.Background(), "r-1")
	log.InfoContext(ctx, "one")
	log.InfoContext(ctx, "two", "requestId", "r-1")
	log.Info("three")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []int{1, 1, 0} {
		got := strings.Count(lines[i], `"requestId":"r-1"`)
		if got != want ||
			!strings.Contains(lines[i], `"function":"TestFunction"`) {
			t.Errorf("line %s", lines[i])
		}
	}
}

func FuzzInvoke(f *testing.F) {
	f.Add(event("GET", "/v1/a%2Fb", "q=%zz", nil))
	f.Add([]byte(`{"Records":[]}`))
	f.Add(
		[]byte(
			`{"version":"2.0","requestContext":{"http":{"method":"GET"}},"rawPath":"%%%","isBase64Encoded":true,"body":"x"}`,
		),
	)
	e := edge.New(app.Function{
		HTTP:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }),
		Event: func(context.Context, []byte) error { return nil },
	}, options(io.Discard))
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw, err := e.Invoke(context.Background(), payload)
		if err != nil || !json.Valid(raw) {
			t.Fatalf("%s: %s, %v", payload, raw, err)
		}
	})
}

// TestALineTellsWhatEachAccountTook holds whose the units and the time of a run are.
func TestALineTellsWhatEachAccountTook(t *testing.T) {
	var out bytes.Buffer
	meter := &spent.Meter{}
	read := func(ctx context.Context, keys ...string) {
		store := meter.Store(nothing{})
		for _, key := range keys {
			if _, err := store.Lookup(ctx, table.Key{Partition: key, Sort: "x"}); err != nil {
				t.Error(err)
			}
		}
	}
	run := func(keys ...string) (lines []map[string]any) {
		out.Reset()
		fn := app.Function{Event: func(ctx context.Context, _ []byte) error {
			read(ctx, keys...)
			return nil
		}}
		e := edge.New(fn, edge.Options{
			Name: "F", Clock: time.Now, Log: slog.New(slog.DiscardHandler), Metrics: &out, Meter: meter, Memory: 1,
		})
		if _, err := e.Invoke(t.Context(), []byte(`{"source":"aws.events"}`)); err != nil {
			t.Fatal(err)
		}
		for text := range bytes.Lines(out.Bytes()) {
			var line map[string]any
			if err := json.Unmarshal(text, &line); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		return lines
	}
	if lines := run("JOBS#QUEUE"); len(lines) != 1 || lines[0]["account"] != nil {
		t.Errorf("of nobody: %v", lines)
	}
	lines := run("A#acme#USERS", "JOBS#QUEUE", "A#acme#ROLES")
	if len(lines) != 1 || lines[0]["account"] != "acme" || lines[0]["ReadUnits"] != 2.0 || lines[0]["Run"] == nil {
		t.Errorf("of one account: %v", lines)
	}
	lines = run("A#acme#USERS", "A#globex#USERS", "A#globex#ROLES")
	if len(lines) != 3 || lines[0]["account"] != "acme" || lines[0]["ReadUnits"] != 1.0 ||
		lines[1]["account"] != "globex" || lines[1]["ReadUnits"] != 2.0 || lines[1]["Run"] != nil ||
		lines[2]["account"] != nil {
		t.Errorf("of two accounts: %v", lines)
	}
}

// nothing is an empty table.
type nothing struct{ table.Store }

func (nothing) Lookup(context.Context, ...table.Key) (map[table.Key]table.Item, error) {
	return nil, nil
}
