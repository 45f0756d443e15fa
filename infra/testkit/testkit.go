// Package testkit gives tests an environment that is real but for time and ids: the embedded store
// in a folder of the test, a clock that stands still until it is moved, ids that are the same in
// every run, and one account.
//
// It knows no module, so the tests of every module may use it.
package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
)

// Account is the id of the account that every Fixture has; Other is a second one.
const (
	Account = "acme"
	Other   = "globex"
)

// Start is what the clock says at first: a Wednesday in the middle of a month.
var Start = time.Date(2026, time.July, 15, 9, 30, 0, 0, time.UTC)

// Fixture is an environment.
type Fixture struct {
	Env     *app.Env
	Account string
	Clock   *Clock
	// Logs is what was logged, as lines of JSON.
	Logs *Buffer

	requests atomic.Int64
}

// New makes an environment that lasts as long as the test. Files is left empty; a test that needs
// one sets it.
func New(t testing.TB) *Fixture {
	t.Helper()
	store, err := bolt.Open(filepath.Join(folder(t), "table.db"))
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return On(t, store)
}

// folder is a folder for the test alone, in memory where the machine offers that: a sync to disk
// takes far longer than all else that a test does.
func folder(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	path, err := os.MkdirTemp(memory, "seatwise-test-") //nolint:usetesting // t.TempDir is on disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(path); err != nil {
			t.Errorf("remove the store: %v", err)
		}
	})
	return path
}

// On is New over a store that the test has opened.
func On(t testing.TB, store table.Store) *Fixture {
	t.Helper()
	clock, logs := &Clock{now: Start}, &Buffer{}
	k := &Fixture{
		Account: Account, Clock: clock, Logs: logs,
		Env: &app.Env{
			Table: store, Clock: clock.Now, IDs: &IDs{},
			Log:       slog.New(slog.NewJSONHandler(logs, nil)),
			CursorKey: []byte("the cursor key of the tests"), Version: "test",
		},
	}
	k.AddAccount(t, Account, "standard")
	k.AddAccount(t, Other, "standard")
	return k
}

// AddAccount makes an account, or replaces it, with this bundle.
func (k *Fixture) AddAccount(t testing.TB, id, bundle string) {
	t.Helper()
	data, err := json.Marshal(map[string]any{
		"id":         id,
		"name":       strings.ToUpper(id[:1]) + id[1:],
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "America/New_York",
		"billingDay": 1,
		"bundle":     bundle,
		"createdAt":  Start,
	})
	if err != nil {
		t.Fatalf("encode the account: %v", err)
	}
	op := table.Put(table.Item{Key: call.AccountKey(id), Data: data}, table.Always)
	if err := k.Env.Table.Commit(t.Context(), []table.Operation{op}); err != nil {
		t.Fatalf("make the account: %v", err)
	}
}

// Call is a request of the user in the account, now.
func (k *Fixture) Call(user string) *call.Call {
	return &call.Call{
		Env:       k.Env,
		Account:   k.Account,
		Actor:     user,
		RequestID: fmt.Sprintf("request-%d", k.requests.Add(1)),
		Reason:    "request",
		At:        k.Env.Clock().UTC(),
	}
}

// Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is what the clock says.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set moves the clock to a time.
func (c *Clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

// IDs counts. Random ids are spread over the shards like real ones; ordered ones ascend. It is safe
// for concurrent use.
type IDs struct{ n atomic.Uint64 }

// Random is a UUID of version 4 in form.
func (i *IDs) Random() string {
	n := i.n.Add(1)
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(n*2654435761), n)
}

// Ordered is a UUID of version 7 in form.
func (i *IDs) Ordered() string {
	return fmt.Sprintf("01980000-0000-7000-8000-%012x", i.n.Add(1))
}

// Buffer is a bytes.Buffer that is safe for concurrent use.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is what was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Request is an HTTP request of a test. The zero User sends no token.
type Request struct {
	Method, Path string
	// Body is sent as it is if it is a string or bytes, else as JSON; nil for no body.
	Body   any
	Header map[string]string
	// User calls, with these permissions and a token for Account (the Fixture's if it is empty).
	User, Account string
	Permissions   []auth.Permission
}

// Response is its answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request to a function's handler, as the Lambda edge does once the gateway has checked
// the token.
func (k *Fixture) Do(t testing.TB, handler http.Handler, r Request) Response {
	t.Helper()
	var body io.Reader = http.NoBody
	switch b := r.Body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	case []byte:
		body = bytes.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatalf("encode the body: %v", err)
		}
		body = bytes.NewReader(data)
	}
	ctx := api.WithRequestID(t.Context(), fmt.Sprintf("request-%d", k.requests.Add(1)))
	if r.User != "" {
		account := r.Account
		if account == "" {
			account = k.Account
		}
		ctx = auth.With(ctx, auth.Principal{User: r.User, Account: account, Permissions: auth.SetOf(r.Permissions...)})
	}
	req := httptest.NewRequestWithContext(ctx, r.Method, r.Path, body)
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	return Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}

// Decode reads the body of an answer that has this status; any other fails the test.
func Decode[T any](t testing.TB, r Response, status int) T {
	t.Helper()
	if r.Status != status {
		t.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	}
	var v T
	if err := json.Unmarshal(r.Body, &v); err != nil {
		t.Fatalf("answer: %v: %s", err, r.Body)
	}
	return v
}

// Problem is the answer's problem, of which the status must be the given one and the type the given
// slug.
func Problem(t testing.TB, r Response, status int, slug string) api.Problem {
	t.Helper()
	p := Decode[api.Problem](t, r, status)
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type %q of a problem: %s", got, r.Body)
	}
	if want := "urn:seatwise:problem:" + slug; p.Type != want || p.Status != status {
		t.Fatalf("problem %q with status %d, want %q with %d: %s", p.Type, p.Status, want, status, r.Body)
	}
	return p
}
