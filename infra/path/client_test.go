package path

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/runnerprocess"
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

// client calls one account's API as one user.
type client struct {
	base, token string
}

// object is a JSON object as a client of another language sees it.
type object = map[string]any

type answer struct {
	status int
	header http.Header
	body   []byte
}

// every is every permission that an account's admin can have.
var every = []string{
	"catalog.read",
	"billing.read",
	"billing.purchase",
	"licenses.read",
	"licenses.manage",
	"directory.read",
	"directory.manage",
	"liveReports.view",
	"liveReports.full",
	"usage.read",
	"usage.write",
	"metrics.read",
	"metrics.manage",
	"audit.read",
}

// login gets a token from the runner.
func login(t testing.TB, r *runnerprocess.Runner, account, user string, permissions ...string) client {
	t.Helper()
	c := client{base: r.API}
	got := decode[struct {
		AccessToken string `json:"accessToken"`
		ExpiresIn   int    `json:"expiresIn"`
	}](t, c.post(t, "/local/token", object{"account": account, "user": user, "permissions": permissions}),
		http.StatusOK)
	if got.AccessToken == "" || got.ExpiresIn <= 0 {
		t.Fatalf("no token: %+v", got)
	}
	c.token = got.AccessToken
	return c
}

func (c client) get(t testing.TB, path string) answer {
	t.Helper()
	return c.send(t, http.MethodGet, path, nil, nil)
}

func (c client) put(t testing.TB, path string, body any) answer {
	t.Helper()
	return c.send(t, http.MethodPut, path, body, nil)
}

func (c client) post(t testing.TB, path string, body any) answer {
	t.Helper()
	return c.send(t, http.MethodPost, path, body, nil)
}

// once posts with an Idempotency-Key.
func (c client) once(t testing.TB, key, path string, body any) answer {
	t.Helper()
	return c.send(t, http.MethodPost, path, body, map[string]string{"Idempotency-Key": key})
}

func (c client) send(t testing.TB, method, path string, body any, header map[string]string) answer {
	t.Helper()
	a, err := c.try(t, method, path, body, header)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is send for a test that takes the runner away meanwhile.
func (c client) try(t testing.TB, method, path string, body any, header map[string]string) (answer, error) {
	t.Helper()
	var content io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return do(req)
}

func do(req *http.Request) (answer, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: body}, err
}

// download gets what a presigned URL gives to anybody.
func download(t testing.TB, address string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	a, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != http.StatusOK {
		t.Fatalf("GET of a presigned URL: %d: %s", a.status, a.body)
	}
	return a
}

// upload puts a file to where the API said.
func upload(t testing.TB, method, address string, header map[string]string, content []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		if !strings.EqualFold(name, "Content-Length") { // net/http sends it automatically
			req.Header.Set(name, value)
		}
	}
	a, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// invoke calls a function through the Lambda Invoke API.
func invoke(t testing.TB, r *runnerprocess.Runner, function string, event any) {
	t.Helper()
	a := client{base: r.API}.post(t, "/2015-03-31/functions/"+function+"/invocations", event)
	if a.status != http.StatusOK || a.header.Get("X-Amz-Function-Error") != "" {
		t.Fatalf("invoke %s: %d %s: %s", function, a.status, a.header.Get("X-Amz-Function-Error"), a.body)
	}
}

// tick is a scheduled event at a time, as EventBridge sends it.
func tick(at time.Time) object {
	return object{
		"version":     "0",
		"id":          "7bf73129-1428-4cd3-a780-95db273d1602",
		"detail-type": "Scheduled Event",
		"source":      "aws.events",
		"account":     "123456789012",
		"time": at.UTC().
			Format(time.RFC3339),
		"region":    "us-east-1",
		"resources": []string{"arn:aws:events:us-east-1:123456789012:rule/test"},
		"detail":    object{},
	}
}

// decode reads an answer that has this status.
func decode[T any](t testing.TB, a answer, status int) T {
	t.Helper()
	var v T
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

// refused demands a problem of this status and slug.
func refused(t testing.TB, a answer, status int, slug string) {
	t.Helper()
	got := decode[object](t, a, status)
	kind := a.header.Get("Content-Type")
	if kind != "application/problem+json" ||
		got["type"] != "urn:seatwise:problem:"+slug {
		t.Fatalf("%s: %s; want the problem %s", kind, a.body, slug)
	}
}

// list reads all pages of a list.
func list(t testing.TB, c client, path string) []object {
	t.Helper()
	items := []object{}
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	for cursor := ""; ; {
		page := decode[struct {
			Items      []object `json:"items"`
			NextCursor string   `json:"nextCursor"`
		}](t, c.get(t, path+joint+"limit=200"+cursor), http.StatusOK)
		items = append(items, page.Items...)
		if page.NextCursor == "" {
			return items
		}
		cursor = "&cursor=" + url.QueryEscape(page.NextCursor)
	}
}

// eventually asks again until the answer is the one.
func eventually[T any](t testing.TB, what string, ask func() (T, bool)) T {
	t.Helper()
	const patience = time.Minute
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		got, ok := ask()
		if ok {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %s; last seen: %+v", what, patience, got)
		}
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s, wanted -, got +:\n%s", what, diff)
	}
}

// seats is the summary of one product.
type seats struct {
	Bought, Assigned, Available, Waiting int
}

// summary reads the licenses of every product that has any.
func summary(t testing.TB, c client, account string) map[string]seats {
	t.Helper()
	products := map[string]seats{}
	rows := decode[struct {
		Items []struct {
			ProductID string `json:"productId"`
			seats
		}
	}](t, c.get(t, account+"/licenses/summary"), http.StatusOK)
	for _, row := range rows.Items {
		if row.seats != (seats{}) {
			products[row.ProductID] = row.seats
		}
	}
	return products
}

// recount counts the licenses of every product one by one; nobody waits.
func recount(t testing.TB, c client, account string) map[string]seats {
	t.Helper()
	products := map[string]seats{}
	seen := map[string]bool{}
	for _, l := range list(t, c, account+"/licenses") {
		id, _ := l["id"].(string)
		if seen[id] {
			t.Fatalf("license %s is listed twice", id)
		}
		seen[id] = true
		product, _ := l["productId"].(string)
		s := products[product]
		switch l["status"] {
		case "assigned":
			s.Bought++
			s.Assigned++
		case "available":
			s.Bought++
			s.Available++
		case "terminated":
		default:
			t.Fatalf("license %s is %v", id, l["status"])
		}
		products[product] = s
	}
	return products
}
