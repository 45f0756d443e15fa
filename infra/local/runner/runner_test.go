package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatwise/infra/local/runner"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

const small = `
Globals: {Function: {Timeout: 7}}
Resources:
  Api: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {DefaultAuthorizer: Token}}}
  UploadsBucket: {Type: AWS::S3::Bucket}
  ReportsBucket: {Type: AWS::S3::Bucket}
  WebFunction:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Health: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /v1/health, Auth: {Authorizer: NONE}}}
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/v1/things/{id}'}}
        Put: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: PUT, Path: '/v1/things/{id}'}}
        Summary: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /v1/things/summary}}
  WorkFunction:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 900
      Events:
        Dropped:
          Type: S3
          Properties:
            Bucket: !Ref UploadsBucket
            Events: s3:ObjectCreated:*
            Filter: {S3Key: {Rules: [{Name: prefix, Value: drops/}]}}
        Minutely: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
`

// world is what the functions of the small template share with a test.
type world struct {
	mu     sync.Mutex
	env    *app.Env
	web    http.HandlerFunc
	work   func(context.Context, []byte) error
	events []string
}

func (w *world) functions(env *app.Env) map[string]app.Function {
	w.mu.Lock()
	w.env = env
	w.mu.Unlock()
	return map[string]app.Function{
		"WebFunction": {HTTP: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.mu.Lock()
			f := w.web
			w.mu.Unlock()
			f(rw, r)
		})},
		"WorkFunction": {Event: func(ctx context.Context, payload []byte) error {
			w.mu.Lock()
			w.events = append(w.events, string(payload))
			f := w.work
			w.mu.Unlock()
			if f == nil {
				return nil
			}
			return f(ctx, payload)
		}},
	}
}

// changed is the configuration with other functions.
func changed(c *runner.Config, change func(map[string]app.Function)) {
	made := c.Functions
	c.Functions = func(env *app.Env) map[string]app.Function {
		functions := made(env)
		change(functions)
		return functions
	}
}

func (w *world) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.events...)
}

// running is a runner of a test.
type running struct {
	t        *testing.T
	api, s3  string
	cancel   context.CancelFunc
	ended    chan error
	stopOnce sync.Once
}

func config(t *testing.T, w *world, data string) runner.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	return runner.Config{
		Template:    path,
		Functions:   w.functions,
		Addr:        "127.0.0.1:0",
		S3Addr:      "127.0.0.1:0",
		Data:        data,
		NoSchedules: true,
		Log:         slog.New(slog.DiscardHandler),
		Clock:       time.Now,
	}
}

func start(t *testing.T, c runner.Config) *running {
	t.Helper()
	out, in := io.Pipe()
	c.Out = in
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		err := runner.Run(ctx, c)
		_ = in.CloseWithError(io.EOF)
		r.ended <- err
	}()
	line := make([]byte, 1024)
	n, err := out.Read(line)
	if err != nil {
		t.Fatalf("not started: %v", <-r.ended)
	}
	for _, word := range strings.Fields(strings.ReplaceAll(string(line[:n]), ",", " ")) {
		if strings.HasPrefix(word, "http://") && r.api == "" {
			r.api = word
		} else if strings.HasPrefix(word, "http://") {
			r.s3 = word
		}
	}
	if strings.Count(string(line[:n]), "\n") != 1 || r.s3 == "" {
		t.Fatalf("the ready line is %q", line[:n])
	}
	t.Cleanup(r.stop)
	return r
}

func (r *running) stop() {
	r.stopOnce.Do(func() {
		r.cancel()
		if err := <-r.ended; err != nil {
			r.t.Errorf("stopped with %v", err)
		}
	})
}

// answer is the part of a response that a test looks at.
type answer struct {
	StatusCode int
	Header     http.Header
}

func (r *running) do(method, path, token string, body any) (answer, string) {
	r.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			r.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	if !strings.HasPrefix(path, "http") {
		path = r.api + path
	}
	request, err := http.NewRequestWithContext(context.Background(), method, path, reader)
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header}, string(text)
}

func (r *running) token(permissions ...auth.Permission) string {
	r.t.Helper()
	response, body := r.do(
		"POST",
		"/local/token",
		"",
		map[string]any{"account": "acme", "user": "zoe", "permissions": permissions},
	)
	var out struct {
		AccessToken string
		ExpiresIn   int
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil || response.StatusCode != 200 || out.ExpiresIn <= 0 {
		r.t.Fatalf("token: %d %s", response.StatusCode, body)
	}
	return out.AccessToken
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(15 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: it takes too long", what)
		}
	}
}

func TestRoutesAndTokens(t *testing.T) {
	w := &world{web: func(rw http.ResponseWriter, r *http.Request) {
		p, ok := auth.From(r.Context())
		deadline, _ := r.Context().Deadline()
		left := time.Until(deadline)
		fmt.Fprintf(
			rw,
			"%s %s %v %v %s %v",
			r.Method,
			r.URL.EscapedPath(),
			ok,
			p.Permissions,
			p.User+"@"+p.Account,
			left > 5*time.Second && left < 8*time.Second,
		)
	}}
	r := start(t, config(t, w, t.TempDir()))
	token := r.token(auth.AuditRead, auth.LicensesRead)
	for _, test := range []struct {
		method, path, token string
		status              int
		body, allow         string
	}{
		{"GET", "/v1/health", "", 200, "GET /v1/health false  @ true", ""},
		{"GET", "/v1/things/7", token, 200, "GET /v1/things/7 true licenses.read audit.read zoe@acme true", ""},
		{"PUT", "/v1/things/a%2Fb+c%3F", token, 200, "PUT /v1/things/a%2Fb+c%3F true licenses.read audit.read zoe@acme true", ""},
		{"GET", "/v1/things/7", "", 401, "urn:seatwise:problem:unauthorized", ""},
		{"GET", "/v1/things/7", token + "x", 401, "urn:seatwise:problem:unauthorized", ""},
		{"GET", "/v1/nothing", "", 404, "urn:seatwise:problem:not-found", ""},
		{"GET", "/v1/things", token, 404, "urn:seatwise:problem:not-found", ""},
		{"GET", "/v1/things/", token, 404, "urn:seatwise:problem:not-found", ""},
		{"GET", "/v1/things/7/", token, 404, "urn:seatwise:problem:not-found", ""},
		{"GET", "/v1//things/7", token, 404, "urn:seatwise:problem:not-found", ""},
		{"GET", "/local/", "", 200, `<a href="/docs">`, ""},
		{"POST", "/v1/things/7", "", 405, "urn:seatwise:problem:method-not-allowed", "GET, PUT"},
		// The fixed segment wins, so the parameter's PUT does not reach it.
		{"PUT", "/v1/things/summary", token, 405, "urn:seatwise:problem:method-not-allowed", "GET"},
		{"GET", "/local/token", "", 405, "urn:seatwise:problem:method-not-allowed", "POST"},
	} {
		response, body := r.do(test.method, test.path, test.token, nil)
		if response.StatusCode != test.status || !strings.Contains(body, test.body) ||
			response.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: %d %s %v", test.method, test.path, response.StatusCode, body, response.Header)
		}
		if test.status >= 400 && response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: type %s", test.method, test.path, response.Header.Get("Content-Type"))
		}
		if test.status == 401 && response.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%s %s: no WWW-Authenticate", test.method, test.path)
		}
		if response.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no request id", test.method, test.path)
		}
	}
	if response, body := r.do(
		"GET",
		"/.well-known/jwks.json",
		"",
		nil,
	); response.StatusCode != 200 ||
		!strings.Contains(body, `"RS256"`) {
		t.Errorf("key set: %d %s", response.StatusCode, body)
	}
}

func TestTokenRequestsAreChecked(t *testing.T) {
	r := start(t, config(t, &world{}, t.TempDir()))
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"account":"acme","user":"zoe","permissions":["licenses.read"]}`, 200, "accessToken"},
		{`{"account":"acme","user":"zoe","permissions":"licenses.read audit.read"}`, 200, "accessToken"},
		{`{"account":"acme","user":"zoe","permissions":[]}`, 200, "accessToken"},
		{`{"account":"acme","user":"zoe","permissions":"all"}`, 200, "accessToken"},
		{`{"account":"acme","user":"zoe","permissions":["roles"]}`, 200, "accessToken"},
		// Whoever names none, or a wrong one, is told which there are.
		{`{"account":"acme","user":"zoe"}`, 422, "catalog.read, billing.read"},
		{`{"account":"acme","user":"zoe","permissions":" "}`, 422, "accounts.manage; or all; or roles"},
		{`{"account":"acme","user":"zoe","permissions":"licenses.raed"}`, 422, "licenses.read, licenses.manage"},
		{`{"account":"a/b","user":"zoe"}`, 422, `"field":"account"`},
		{`{"account":"acme"}`, 422, `"field":"user"`},
		{`{"account":"acme","user":"zoe","permissions":["licenses.read","root"]}`, 422, `"field":"permissions[1]"`},
		{`{"account":"acme","user":"zoe","permissions":7}`, 422, `"field":"permissions"`},
		{`{"account":7,"user":"zoe"}`, 422, `"field":"account"`},
		{`{"account":"acme","user":"zoe","role":"x"}`, 422, `"field":"role"`},
		{`{"account":"acme","user":"zoe"} {}`, 400, "malformed-body"},
		{`{`, 400, "malformed-body"},
		{``, 400, "malformed-body"},
	} {
		if response, body := r.do(
			"POST",
			"/local/token",
			"",
			test.body,
		); response.StatusCode != test.status ||
			!strings.Contains(body, test.want) {
			t.Errorf("%s: %d %s", test.body, response.StatusCode, body)
		}
	}
}

func TestInvoke(t *testing.T) {
	w := &world{
		web: func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "hello") },
		work: func(_ context.Context, payload []byte) error {
			if strings.Contains(string(payload), "fail") {
				return errors.New("boom")
			}
			return nil
		},
	}
	r := start(t, config(t, w, t.TempDir()))
	invoke := func(function, kind, payload string) (answer, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(
			context.Background(),
			"POST",
			r.api+"/2015-03-31/functions/"+function+"/invocations",
			strings.NewReader(payload),
		)
		if err != nil {
			t.Fatal(err)
		}
		if kind != "" {
			request.Header.Set("X-Amz-Invocation-Type", kind)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{response.StatusCode, response.Header}, string(body)
	}
	http2 := `{"version":"2.0","rawPath":"/v1/health","requestContext":{"http":{"method":"GET"}}}`
	if response, body := invoke(
		"WebFunction",
		"",
		http2,
	); response.StatusCode != 200 ||
		!strings.Contains(body, `"body":"hello"`) {
		t.Errorf("HTTP event: %d %s", response.StatusCode, body)
	}
	if response, body := invoke(
		"WorkFunction",
		"RequestResponse",
		`{"time":"2026-11-21T10:00:00Z"}`,
	); response.StatusCode != 200 || body != "null" ||
		response.Header.Get("X-Amz-Function-Error") != "" {
		t.Errorf("other event: %d %s", response.StatusCode, body)
	}
	if response, body := invoke(
		"arn:aws:lambda:us-east-1:000000000000:function:WorkFunction:live",
		"",
		``,
	); response.StatusCode != 200 ||
		body != "null" {
		t.Errorf("by ARN, without a payload: %d %s", response.StatusCode, body)
	}
	if response, body := invoke(
		"WorkFunction",
		"",
		`{"fail":1}`,
	); response.StatusCode != 200 || response.Header.Get("X-Amz-Function-Error") != "Unhandled" ||
		!strings.Contains(body, `"errorMessage":"boom"`) {
		t.Errorf("a failing function: %d %s %v", response.StatusCode, body, response.Header)
	}
	before := len(w.seen())
	if response, body := invoke(
		"WorkFunction",
		"DryRun",
		`{}`,
	); response.StatusCode != 204 || body != "" ||
		len(w.seen()) != before {
		t.Errorf("dry run: %d %s", response.StatusCode, body)
	}
	if response, _ := invoke("WorkFunction", "Event", `{"n":1}`); response.StatusCode != 202 {
		t.Errorf("event: %d", response.StatusCode)
	}
	eventually(t, "the event", func() bool { s := w.seen(); return len(s) == before+1 && s[before] == `{"n":1}` })
	for _, test := range []struct {
		function, kind, payload string
		status                  int
		want                    string
	}{
		{"Nobody", "", `{}`, 404, "ResourceNotFoundException"},
		{"WorkFunction", "", `{`, 400, "InvalidRequestContentException"},
		{"WorkFunction", "Later", `{}`, 400, "InvalidParameterValueException"},
		{"WorkFunction", "Event", `"` + strings.Repeat("x", 1<<20) + `"`, 413, "RequestTooLargeException"},
	} {
		if response, _ := invoke(
			test.function,
			test.kind,
			test.payload,
		); response.StatusCode != test.status ||
			response.Header.Get("X-Amzn-Errortype") != test.want {
			t.Errorf(
				"%s %s: %d %s",
				test.function,
				test.kind,
				response.StatusCode,
				response.Header.Get("X-Amzn-Errortype"),
			)
		}
	}
}

func TestABodyBeyondTheGatewaysLimit(t *testing.T) {
	r := start(t, config(t, &world{}, t.TempDir()))
	if response, body := r.do(
		"PUT",
		"/v1/things/7",
		"",
		strings.Repeat("x", 7<<20),
	); response.StatusCode != 413 ||
		!strings.Contains(body, "payload-too-large") {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
}

// put uploads through the function's own file port: a presigned URL, exactly as a client would use
// it.
func (w *world) put(t *testing.T, key, body string) int {
	t.Helper()
	w.mu.Lock()
	env := w.env
	w.mu.Unlock()
	upload, err := env.Files.PresignPut(context.Background(), files.Expected{
		Ref:         files.Ref{Bucket: files.Uploads, Key: key},
		Size:        int64(len(body)),
		ContentType: "text/csv",
		At:          time.Now(),
		Life:        15 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), upload.Method, upload.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range upload.Headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestADroppedFileReachesItsFunctionOnlyWhereTheTemplateSaysSo(t *testing.T) {
	w := &world{}
	start(t, config(t, w, t.TempDir()))
	if status := w.put(t, "elsewhere/acme/a.csv", "x"); status != 200 {
		t.Fatalf("put: %d", status)
	}
	const key = "drops/acme/New phones (100%) ä+b.csv"
	if status := w.put(t, key, "hello"); status != 200 {
		t.Fatalf("put: %d", status)
	}
	eventually(t, "the notification", func() bool { return len(w.seen()) == 1 })
	got, err := events.S3Records([]byte(w.seen()[0]))
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	o := got[0]
	if o.Key != key || o.Bucket != "seatwise-uploads" || o.Size != 5 || o.Version == "" || o.Fault != nil ||
		o.Name != "ObjectCreated:Put" {
		t.Fatalf("got %+v", o)
	}
	body, info, err := w.env.Files.Get(
		context.Background(),
		files.Ref{Bucket: files.Uploads, Key: key, Version: o.Version},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if text, err := io.ReadAll(body); err != nil || string(text) != "hello" || info.Version != o.Version {
		t.Fatalf("read %q %+v, %v", text, info, err)
	}
}

func TestARestartLosesNothing(t *testing.T) {
	data := t.TempDir()
	key := table.Key{Partition: "p", Sort: "s"}
	w := &world{work: func(context.Context, []byte) error { return errors.New("not today") }}
	r := start(t, config(t, w, data))
	token := r.token(auth.AuditRead)
	if err := w.env.Table.Commit(
		context.Background(),
		[]table.Operation{table.Put(table.Item{Key: key, Data: []byte(`{}`)}, table.IfAbsent)},
	); err != nil {
		t.Fatal(err)
	}
	if status := w.put(t, "drops/acme/a.csv", "hello"); status != 200 {
		t.Fatalf("put: %d", status)
	}
	eventually(t, "the first delivery", func() bool { return len(w.seen()) == 1 })
	cursors := cursorKey(t, w)
	r.stop()

	again := &world{web: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) }}
	r = start(t, config(t, again, data))
	eventually(t, "the delivery after the restart", func() bool { return len(again.seen()) == 1 })
	if again.seen()[0] != w.seen()[0] {
		t.Errorf("another event: %s", again.seen()[0])
	}
	if _, found, err := table.Get(context.Background(), again.env.Table, key); err != nil || !found {
		t.Errorf("the item is gone: %v", err)
	}
	if cursorKey(t, again) != cursors {
		t.Error("cursors of before are worth nothing")
	}
	if response, _ := r.do("GET", "/v1/things/7", token, nil); response.StatusCode != 204 {
		t.Errorf("the token of before: %d", response.StatusCode)
	}
}

// cursorKey is what the runner of a world signs cursors with.
func cursorKey(t *testing.T, w *world) string {
	t.Helper()
	key, err := w.env.CursorKeys.First(t.Context())
	if err != nil || len(key) == 0 {
		t.Fatalf("no key of cursors: %v", err)
	}
	return string(key)
}

func TestAScheduleFiresWithTheTimeThatItWasDue(t *testing.T) {
	w := &world{}
	c := config(t, w, t.TempDir())
	c.NoSchedules = false
	// A clock that is just before a full minute saves the wait for one. It stands until the
	// schedule has fired, so that a busy machine may take as long as it likes to start.
	full := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	var moved atomic.Int64
	c.Clock = func() time.Time { return full.Add(-100*time.Millisecond + time.Duration(moved.Load())) }
	start(t, c)
	eventually(t, "the schedule", func() bool { return len(w.seen()) == 1 })
	got, err := events.Scheduled([]byte(w.seen()[0]))
	if err != nil || !got.Time.Equal(full) || got.ID == "" {
		t.Fatalf("got %+v, %v", got, err)
	}
	moved.Store(int64(200 * time.Millisecond))
	time.Sleep(100 * time.Millisecond)
	if n := len(w.seen()); n != 1 {
		t.Fatalf("it fired %d times", n)
	}
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	block, blocked := make(chan struct{}), make(chan struct{}, 1)
	w := &world{web: func(http.ResponseWriter, *http.Request) { blocked <- struct{}{}; <-block }}
	c := config(t, w, t.TempDir())
	c.Concurrency = 1
	r := start(t, c)
	done := make(chan int)
	go func() { response, _ := r.do("GET", "/v1/health", "", nil); done <- response.StatusCode }()
	<-blocked
	response, body := r.do("GET", "/v1/health", "", nil)
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" ||
		!strings.Contains(body, "urn:seatwise:problem:too-busy") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	close(block)
	if status := <-done; status != 200 {
		t.Errorf("the first request: %d", status)
	}
}

// A body that never comes to its end takes nobody's turn, and one that comes in pieces arrives
// whole.
func TestSlowBodiesKeepNobodyWaiting(t *testing.T) {
	w := &world{web: func(rw http.ResponseWriter, r *http.Request) { _, _ = io.Copy(rw, r.Body) }}
	c := config(t, w, t.TempDir())
	c.Concurrency = 1
	r := start(t, c)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.api, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(
		conn,
		"PUT /v1/things/7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Length: 10\r\n\r\nfirst",
		r.token(auth.LicensesRead),
	)
	time.Sleep(50 * time.Millisecond)
	if response, body := r.do("GET", "/v1/health", "", nil); response.StatusCode != 200 {
		t.Errorf("behind a slow body: %d %s", response.StatusCode, body)
	}
	fmt.Fprint(conn, "-half")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") ||
		!strings.HasSuffix(string(answer), "first-half") {
		t.Errorf("%q %v", answer, err)
	}
}

func TestAStopLetsARunningRequestFinish(t *testing.T) {
	started := make(chan struct{})
	w := &world{web: func(rw http.ResponseWriter, r *http.Request) {
		close(started)
		select {
		case <-r.Context().Done():
		case <-time.After(200 * time.Millisecond):
			rw.WriteHeader(http.StatusNoContent)
		}
	}}
	r := start(t, config(t, w, t.TempDir()))
	done := make(chan int)
	go func() { response, _ := r.do("GET", "/v1/health", "", nil); done <- response.StatusCode }()
	<-started
	r.stop()
	if status := <-done; status != 204 {
		t.Fatalf("got %d", status)
	}
}

func TestWhatIsWrongAtTheStartIsSaidPlainly(t *testing.T) {
	data := t.TempDir()
	start(t, config(t, &world{}, data))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // after the tests below, which run side by side
	missing, err := filepath.Abs("missing.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*runner.Config)
		want   string
	}{
		"data folder in use": {func(c *runner.Config) { c.Data = data }, "in use by another Seatwise"},
		"port taken":         {func(c *runner.Config) { c.Addr = taken.Addr().String() }, "is taken; stop the other program or choose another --addr"},
		"S3 port taken":      {func(c *runner.Config) { c.S3Addr = taken.Addr().String() }, "is taken; stop the other program or choose another --s3-addr"},
		"bad address":        {func(c *runner.Config) { c.Addr = "nowhere" }, "--addr nowhere"},
		"no template": {
			func(c *runner.Config) { c.Template = "missing.yaml" },
			"missing.yaml was not found: there is no " + missing + "; start the runner in its checkout",
		},
		"function missing": {func(c *runner.Config) {
			changed(c, func(f map[string]app.Function) { delete(f, "WebFunction") })
		}, "of another version, or of something else: WebFunction is in the template and not in infra/registry"},
		"another application's": {func(c *runner.Config) {
			changed(c, func(f map[string]app.Function) {
				for _, id := range []string{"A", "B", "C", "D", "E"} {
					f[id] = f["WebFunction"]
				}
			})
		}, "C is in infra/registry and not in the template; and 2 more like these; start the runner in its checkout"},
		"function unknown": {func(c *runner.Config) {
			changed(c, func(f map[string]app.Function) { f["Other"] = f["WebFunction"] })
		}, "Other is in infra/registry and not in the template"},
		"no HTTP": {func(c *runner.Config) {
			changed(c, func(f map[string]app.Function) { f["WebFunction"] = f["WorkFunction"] })
		}, "WebFunction serves no HTTP"},
		"no events": {func(c *runner.Config) {
			changed(c, func(f map[string]app.Function) { f["WorkFunction"] = f["WebFunction"] })
		}, "WorkFunction takes no events"},
		"no S3 server": {
			func(c *runner.Config) { c.S3Endpoint = "http://" + taken.Addr().String()[:9] + ":1" }, "cannot use S3 at",
		},
		"no DynamoDB server": {
			func(c *runner.Config) { c.DynamoDBEndpoint = "http://127.0.0.1:1" }, "cannot use DynamoDB at",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t, &world{}, t.TempDir())
			c.Out = io.Discard
			test.change(&c)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := runner.Run(ctx, c); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one about %q", err, test.want)
			}
		})
	}
}

// TestAnotherS3Server uses a second runner as the other server.
func TestAnotherS3Server(t *testing.T) {
	other := &world{}
	server := start(t, config(t, other, t.TempDir()))
	data := t.TempDir()
	w := &world{}
	c := config(t, w, data)
	c.S3Endpoint = server.s3
	r := start(t, c)
	if status := w.put(t, "drops/acme/a b+c.csv", "hello"); status != 200 {
		t.Fatalf("put: %d", status)
	}
	eventually(t, "the notification", func() bool { return len(w.seen()) == 1 })
	got, err := events.S3Records([]byte(w.seen()[0]))
	if err != nil || len(got) != 1 || got[0].Key != "drops/acme/a b+c.csv" || got[0].Version == "" || got[0].Size != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	r.stop()
	// What was announced before the stop is not announced again; what came meanwhile is.
	if status := other.put(t, "drops/acme/late.csv", "hello"); status != 200 {
		t.Fatalf("put: %d", status)
	}
	again := &world{}
	c = config(t, again, data)
	c.S3Endpoint = server.s3
	start(t, c)
	eventually(t, "the notification after the restart", func() bool { return len(again.seen()) > 0 })
	time.Sleep(1200 * time.Millisecond)
	if s := again.seen(); len(s) != 1 || !strings.Contains(s[0], "late.csv") {
		t.Fatalf("announced %v", s)
	}
}
