package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/runnerprocess"
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

// The year ends with what a newcomer is to see: seats that are bought, held and short, people who
// wait, files of every end, reports of every month, and charges.
func TestYear(t *testing.T) {
	folder := t.TempDir()
	binary, data, template := runnerprocess.Program(
		t,
	), filepath.Join(
		folder,
		"data",
	), filepath.Join(
		"..",
		"..",
		"template.yaml",
	)
	args := []string{
		"--account", "acme", "--runner", binary, "--data", data, "--template", template,
		"--served", "--log-level ERROR --addr 127.0.0.1:4567",
	}
	var out bytes.Buffer
	began := time.Now()
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Logf("%s in %s", strings.TrimSpace(out.String()), time.Since(began))
	if !strings.Contains(out.String(), "http://127.0.0.1:4567/local/token") {
		t.Errorf("the runner will be somewhere else: %s", out.String())
	}
	var again bytes.Buffer
	if err := run(t.Context(), args, &again); err != nil ||
		!strings.Contains(again.String(), "There is an account acme already") {
		t.Errorf("a second time: %v %s", err, again.String())
	}
	p, err := start(context.Background(), binary, data, template, time.Now().Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}()
	c := &client{ctx: t.Context(), base: p.address, account: "acme"}
	c.login("acme", "ada", everything())
	if !strings.Contains(out.String(), everything()) {
		t.Errorf("the command names another token: %s", out.String())
	}
	items := func(path string) []map[string]any {
		t.Helper()
		_, body := c.peek("/v1/accounts/acme" + path)
		var list struct {
			Items []map[string]any `json:"items"`
		}
		if err := json.Unmarshal(body, &list); err != nil || c.err != nil {
			t.Fatalf("%s: %v %v %s", path, err, c.err, body)
		}
		return list.Items
	}
	count := func(path string, least int) {
		t.Helper()
		if n := len(items(path)); n < least {
			t.Errorf("%s has %d, want at least %d", path, n, least)
		}
	}
	count("/users?limit=200", 60)
	count("/call-queues", 5)
	count("/dashboards", 4)
	count("/orders", 5)
	count("/reports", 11)
	if last := lastPeriod(began); !slices.ContainsFunc(items("/reports?limit=200"), func(r map[string]any) bool {
		scheduled, _ := r["scheduled"].(bool)
		return scheduled && r["from"] == last
	}) {
		t.Errorf("there is no scheduled report of the period from %s", last)
	}
	count("/wallboards", 3)
	count("/waiting", 3)
	count("/requests?state=open", 2)
	count("/requests?state=approved", 1)
	count("/requests?state=denied", 1)
	count("/audit?limit=200", 200)
	made, others := 0, 0
	for path := "/v1/accounts/acme/audit?limit=200"; path != ""; {
		page := c.call("GET", path, nil)
		entries, _ := page["items"].([]any)
		for _, entry := range entries {
			e, _ := entry.(map[string]any)
			byOperator, _ := e["operator"].(bool)
			switch {
			case !byOperator:
			case e["action"] == "account.created":
				made++
			default:
				others++
			}
		}
		path = ""
		if next := page.text("nextCursor"); next != "" {
			path = "/v1/accounts/acme/audit?limit=200&cursor=" + url.QueryEscape(next)
		}
	}
	if made != 1 || others != 1 { // the other one names the account's cost center
		t.Errorf("%d entries of the account's making and %d others are an operator's, want 1 and 1", made, others)
	}
	closed := slices.ContainsFunc(items("/billing/periods"), func(p map[string]any) bool {
		return p["state"] == "closed" && p["from"] == lastPeriod(began)
	})
	if !closed {
		t.Errorf("the billing period from %s is not closed", lastPeriod(began))
	}
	ends := map[string]bool{}
	for _, job := range append(items("/mass-configurations"), items("/imports")...) {
		//nolint:errcheck // the contract says so, and this is a test
		ends[job["state"].(string)+" "+job["source"].(string)] = true
	}
	for _, want := range []string{"completed api", "rejected api", "completed undo"} {
		if !ends[want] {
			t.Errorf("no file is %s: %v", want, ends)
		}
	}
	usage := c.in("GET", "/usage/summary", nil)
	if n, _ := usage["overageUsers"].(float64); n < 3 {
		t.Errorf("overage: %v", usage["overageUsers"])
	}
	if n, _ := usage["viewers"].(float64); n < 5 {
		t.Errorf("viewers: %v", usage["viewers"])
	}
	for _, row := range items("/licenses/summary") {
		//nolint:errcheck // as above
		if row["bought"].(float64) != row["assigned"].(float64)+row["available"].(float64)+row["reserved"].(float64) {
			t.Errorf("%v", row)
		}
	}
}

// lastPeriod is the first day of the last month that is over for days enough.
func lastPeriod(now time.Time) string {
	day := now.UTC().AddDate(0, 0, -reportsDay)
	return time.Date(day.Year(), day.Month()-1, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func TestArgument(t *testing.T) {
	for _, c := range []struct{ arguments, name, want string }{
		{"", "data", "otherwise"},
		{"--addr 127.0.0.1:3100 --data /tmp/x", "data", "/tmp/x"},
		{"--addr 127.0.0.1:3100 --data=/tmp/x", "addr", "127.0.0.1:3100"},
		{"-data=/tmp/x --no-schedules", "data", "/tmp/x"},
		{"--data", "data", "otherwise"},
	} {
		if got := argument(c.arguments, c.name, "otherwise"); got != c.want {
			t.Errorf("%s of %q is %s, want %s", c.name, c.arguments, got, c.want)
		}
	}
}
