package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/parts"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/quota"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// limitedTo is a module of one process whose account may send that number of requests in a minute, and which
// counts the calls of its table.
func limitedTo(t *testing.T, limit int64) (m *module, calls *atomic.Int64) {
	t.Helper()
	m, calls = open(t), &atomic.Int64{}
	m.Env.RequestsPerMinute = limit
	m.Env.Table = table.Counted(m.Env.Table, func(string, float64) { calls.Add(1) })
	return m, calls
}

// TestFiftyProcessesAdmitTheLimitAndAtMostTwice has far more requests come at once than are allowed, to
// fifty processes that share a table.
func TestFiftyProcessesAdmitTheLimitAndAtMostTwice(t *testing.T) {
	for name, on := range map[string]func(*testing.T) *fixtures.Fixture{
		"bolt":   func(t *testing.T) *fixtures.Fixture { t.Helper(); return fixtures.New(t) },
		"dynamo": func(t *testing.T) *fixtures.Fixture { t.Helper(); return fixtures.On(t, dynamostore.Open(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			const processes, limit, each = 50, 1000, 60
			shared := on(t)
			var taken, refused atomic.Int64
			var wait sync.WaitGroup
			for range processes {
				env := *shared.Env // a process of its own: what it counts is nobody else's
				env.RequestsPerMinute = limit
				m := serving(&fixtures.Fixture{Env: &env, Account: shared.Account, Clock: shared.Clock})
				wait.Go(func() {
					for range each {
						switch a := m.send(t, "GET", things, nil); a.Status {
						case http.StatusOK:
							taken.Add(1)
						case http.StatusTooManyRequests:
							refused.Add(1)
						default:
							t.Errorf("status %d: %s", a.Status, a.Body)
						}
					}
				})
			}
			wait.Wait()
			if n := taken.Load(); n < limit || n > 2*limit {
				t.Errorf("%d requests were carried out, wanted %d to %d", n, limit, 2*limit)
			}
			if refused.Load() == 0 {
				t.Error("nothing was refused")
			}
			t.Logf("%d of %d carried out, %d refused", taken.Load(), limit, refused.Load())
			item, there, err := table.Get(t.Context(), shared.Env.Table, quota.Key(shared.Account, shared.Clock.Now()))
			if err != nil || !there || item.Counts["told"] > limit || item.Expires == 0 {
				t.Errorf("the minute is %+v, %v", item, err)
			}
		})
	}
}

// oneOfFifty is the environment variable by which TestFiftyProcesses tells the processes that it starts where
// their table is.
const oneOfFifty = "SEATWISE_TEST_ONE_OF_FIFTY"

// TestFiftyProcesses is TestFiftyProcessesAdmitTheLimitAndAtMostTwice with processes of the operating system,
// which share nothing but a table of DynamoDB's API.
func TestFiftyProcesses(t *testing.T) {
	parts.Belongs(t, parts.Long)
	const processes, limit, each = 50, 1000, 60
	if where := os.Getenv(oneOfFifty); where != "" {
		var shared dynamostore.Table
		if err := json.Unmarshal([]byte(where), &shared); err != nil {
			t.Fatal(err)
		}
		m := serving(fixtures.On(t, shared.Open()))
		m.Env.RequestsPerMinute = limit
		statuses := map[int]int{}
		for range each {
			statuses[m.send(t, "GET", things, nil).Status]++
		}
		for status, n := range statuses {
			fmt.Printf("status %d %d\n", status, n)
		}
		return
	}
	shared := dynamostore.New(t)
	fixtures.On(t, shared.Open())
	where, err := json.Marshal(shared)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	said := make([][]byte, processes)
	var wait sync.WaitGroup
	for i := range said {
		command := exec.CommandContext(t.Context(), program, "-test.run", "^TestFiftyProcesses$")
		command.Env = append(os.Environ(), oneOfFifty+"="+string(where))
		wait.Go(func() {
			var err error
			if said[i], err = command.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, said[i])
			}
		})
	}
	wait.Wait()
	statuses := map[int]int{}
	for line := range strings.Lines(string(bytes.Join(said, nil))) {
		var status, n int
		if _, err := fmt.Sscanf(line, "status %d %d", &status, &n); err == nil {
			statuses[status] += n
		}
	}
	taken, refused := statuses[http.StatusOK], statuses[http.StatusTooManyRequests]
	t.Logf("%d of %d carried out, %d refused", taken, limit, refused)
	if taken < limit || taken > 2*limit || taken+refused != processes*each {
		t.Errorf("%v of %d requests, wanted %d to %d carried out, and the others refused", statuses, processes*each,
			limit, 2*limit)
	}
}

// TestBeyondTheLimitIsTooManyRequests until the minute is over, and of that account alone.
func TestBeyondTheLimitIsTooManyRequests(t *testing.T) {
	r, _ := limitedTo(t, 5)
	r.Clock.Set(fixtures.Start.Truncate(time.Minute).Add(48 * time.Second))
	for i := range 5 {
		if a := r.send(t, "GET", things, nil); a.Status != http.StatusOK {
			t.Fatalf("request %d: %d %s", i, a.Status, a.Body)
		}
	}
	a := r.send(t, "GET", things, nil)
	fixtures.Problem(t, a, http.StatusTooManyRequests, "rate-limited")
	if got := a.Header.Get("Retry-After"); got != "12" {
		t.Errorf("Retry-After is %q, wanted 12", got)
	}
	other := fixtures.Request{
		Method: "GET", Path: "/v1/accounts/" + fixtures.Other + "/things", User: "bo", Account: fixtures.Other,
		Permissions: []auth.Permission{auth.LicensesRead},
	}
	if a := r.Do(t, r.handler, other); a.Status != http.StatusOK {
		t.Errorf("another account: %d %s", a.Status, a.Body)
	}
	if a := r.send(t, "GET", "/v1/fail", nil); a.Status == http.StatusTooManyRequests {
		t.Error("what needs no token was counted")
	}
	r.Clock.Add(12 * time.Second)
	if a := r.send(t, "GET", things, nil); a.Status != http.StatusOK {
		t.Errorf("in the next minute: %d %s", a.Status, a.Body)
	}
}

// TestARefusedRequestReadsNothing: it must cost less than what it asks for.
func TestARefusedRequestReadsNothing(t *testing.T) {
	r, calls := limitedTo(t, 1)
	r.send(t, "GET", things, nil)
	r.send(t, "GET", things, nil)
	before := calls.Load()
	fixtures.Problem(t, r.send(t, "GET", things, nil), http.StatusTooManyRequests, "rate-limited")
	if n := calls.Load() - before; n != 0 {
		t.Errorf("%d calls of the table", n)
	}
}

// TestAQuietAccountCostsNothing: as many calls with a limit as without one.
func TestAQuietAccountCostsNothing(t *testing.T) {
	made := map[int64]int64{}
	for _, limit := range []int64{0, 6000} {
		r, calls := limitedTo(t, limit)
		for i := range 60 {
			r.send(t, "POST", things, thing{Name: "a"}, "Idempotency-Key", strconv.Itoa(i))
		}
		made[limit] = calls.Load()
	}
	if made[0] == 0 || made[0] != made[6000] {
		t.Errorf("calls by limit: %v", made)
	}
}

// TestARepetitionIsAnsweredBeyondTheLimit, and does not count below it.
func TestARepetitionIsAnsweredBeyondTheLimit(t *testing.T) {
	r, _ := limitedTo(t, 3)
	repeated := func() fixtures.Response {
		return r.send(t, "POST", things, thing{Name: "a"}, "Idempotency-Key", "k")
	}
	if first := repeated(); first.Status != http.StatusCreated {
		t.Fatalf("%d: %s", first.Status, first.Body)
	}
	for range 10 {
		if a := repeated(); a.Status != http.StatusCreated || a.Header.Get("Idempotent-Replayed") != "true" {
			t.Fatalf("a repetition is %d %s", a.Status, a.Body)
		}
	}
	for range 2 {
		if a := r.send(t, "GET", things, nil); a.Status != http.StatusOK {
			t.Fatalf("the repetitions were counted: %d", a.Status)
		}
	}
	fixtures.Problem(t, r.send(t, "GET", things, nil), http.StatusTooManyRequests, "rate-limited")
	if a := repeated(); a.Status != http.StatusCreated || a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("beyond the limit the repetition is %d %s", a.Status, a.Body)
	}
	a := r.send(t, "POST", things, thing{Name: "a"}, "Idempotency-Key", "another")
	fixtures.Problem(t, a, http.StatusTooManyRequests, "rate-limited")
	if r.made != 1 {
		t.Errorf("%d things were made", r.made)
	}
}

// TestWhatIsNoRepetitionCountsUnderItsKey, also when it is refused or cannot be read.
func TestWhatIsNoRepetitionCountsUnderItsKey(t *testing.T) {
	r, _ := limitedTo(t, 4)
	for i, body := range []any{thing{Name: "a"}, thing{}, "{", thing{Name: "too long"}} {
		a := r.send(t, "POST", things, body, "Idempotency-Key", strconv.Itoa(i))
		if a.Status == http.StatusTooManyRequests {
			t.Fatalf("request %d: %s", i, a.Body)
		}
	}
	fixtures.Problem(t, r.send(t, "GET", things, nil), http.StatusTooManyRequests, "rate-limited")
}

// TestATableThatCannotBeWrittenRefusesNobody: the limit is a guard.
func TestATableThatCannotBeWrittenRefusesNobody(t *testing.T) {
	isQuota := func(key table.Key) bool { return strings.HasSuffix(key.Partition, "#QUOTA") }
	reads := func(c faulty.Call) bool { return slices.ContainsFunc(c.Keys, isQuota) }
	commits := func(c faulty.Call) bool {
		return slices.ContainsFunc(c.Ops, func(op table.Operation) bool { return isQuota(op.Item.Key) })
	}
	for name, tc := range map[string]struct {
		of    func(faulty.Call) bool
		fault faulty.Fault
		pass  int
	}{
		"a read that fails":            {reads, faulty.Fail, 12},
		"a read that is throttled":     {reads, faulty.Throttle, 12},
		"a commit that fails":          {commits, faulty.Fail, 12},
		"a commit that never answers":  {commits, faulty.TimeoutBefore, 12},
		"commits whose answer is lost": {commits, faulty.TimeoutAfter, 4}, // they are counted once
	} {
		r, _ := limitedTo(t, 4)
		befallen := 0
		r.Env.Table = faulty.New(r.Env.Table, func(c faulty.Call) faulty.Fault {
			if !tc.of(c) {
				return faulty.None
			}
			befallen++
			return tc.fault
		})
		for i := range tc.pass {
			if a := r.send(t, "GET", things, nil); a.Status != http.StatusOK {
				t.Fatalf("%s: request %d: %d %s", name, i, a.Status, a.Body)
			}
		}
		if befallen == 0 || !strings.Contains(r.Logs.String(), "requests not counted") {
			t.Errorf("%s: it befell %d calls, and the log says %s", name, befallen, r.Logs.String())
		}
	}
}
