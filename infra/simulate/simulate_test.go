package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"seatwise/infra/testing/parts"
	"seatwise/shared/platform/table/faulty"
)

// TestShortRound plays a few seeds; `make simulate` plays many.
func TestShortRound(t *testing.T) {
	o := options{steps: 400, every: 60}
	for o.seed = 1; o.seed <= uint64(parts.Sized(2, 4)); o.seed++ {
		if r := simulate(t, openBolt, o); r.violation != nil {
			t.Errorf("%v\nreplay: %s", r.violation, o.replay())
		}
	}
}

// TestASeedReplaysExactly compares the traces of two plays of each seed.
func TestASeedReplaysExactly(t *testing.T) {
	hashes := map[string]bool{}
	for seed := uint64(1); seed <= 3; seed++ {
		var traces [2]strings.Builder
		var results [2]result
		for i := range results {
			results[i] = simulate(t, openBolt, options{seed: seed, steps: 150, every: 50, trace: &traces[i]})
		}
		if results[0].hash != results[1].hash {
			a, b := strings.Split(traces[0].String(), "\n"), strings.Split(traces[1].String(), "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("seed %d differs in line %d:\n%s\n%s", seed, i+1, a[i], b[i])
				}
			}
			t.Fatalf("seed %d has traces of %d and %d lines", seed, len(a), len(b))
		}
		hashes[results[0].hash] = true
	}
	if len(hashes) != 3 {
		t.Errorf("three seeds have %d traces", len(hashes))
	}
}

// TestBothAdaptersAgree plays a seed over the dynamo adapter on a real DynamoDB API: no violation,
// and call by call the same outcomes as over the embedded store, so it replays exactly too.
func TestBothAdaptersAgree(t *testing.T) {
	o := options{adapter: "dynamo", seed: 5, steps: parts.Sized(60, 150), every: 100}
	got := simulate(t, openDynamo, o)
	if got.violation != nil {
		t.Fatalf("%v\nreplay: %s", got.violation, o.replay())
	}
	if want := simulate(t, openBolt, o); got.hash != want.hash {
		t.Errorf("the trace over the dynamo adapter is %s, over the embedded store %s", got.hash, want.hash)
	}
}

// TestFaultsAndOperationsHappen keeps the simulation from going blind: every fault comes about, and
// every kind of operation succeeds now and then. What is rare needs more seeds, and they end when all
// came about.
func TestFaultsAndOperationsHappen(t *testing.T) {
	const enough, most = 6, 40
	a := newTotals()
	for seed := uint64(1); seed <= enough || seed <= most && len(a.missing()) > 0; seed++ {
		r := simulate(t, openBolt, options{seed: seed, steps: 700, every: 500})
		if r.violation != nil {
			t.Fatal(r.violation)
		}
		a.add(r.sim)
	}
	for _, what := range a.missing() {
		t.Error(what)
	}
}

// missing is what never came about.
func (a *totals) missing() []string {
	var list []string
	for _, f := range faulty.All() {
		if a.fired[f] == 0 {
			list = append(list, fmt.Sprintf("%s never fired", f))
		}
	}
	for _, what := range must {
		if a.succeeded[what] == 0 {
			list = append(list, what+" never succeeded")
		}
	}
	for _, kind := range mustHappen {
		if a.events[kind] == 0 {
			list = append(list, "no event was "+kind)
		}
	}
	if a.twice == 0 || a.overtaken == 0 || a.jumps == 0 || a.full == 0 || a.orphans == 0 || a.renewed == 0 {
		list = append(list, fmt.Sprintf("answers repeated: %d; %s", a.twice, a.faults()))
	}
	return list
}

// must are operations that succeed in some seeds, and mustHappen what happens in some.
var (
	must = []string{
		"order",
		"upload",
		"drop",
		"repeat",
		"order of the same quote",
		"POST /licenses/{id}/assign",
		"POST /licenses/{id}/unassign",
		"POST /licenses/{id}/reassign",
		"POST /licenses/{id}/terminate",
		"PUT /licenses/{id}/add-ons",
		"POST /assignments",
		"PUT /users/{id}",
		"PUT /call-queues/{id}",
		"PUT /dashboards/{id}",
		"POST /usage/views",
		"POST /usage/activity",
		"POST /mass-configurations/{id}/configure",
		"POST /mass-configurations/{id}/undo",
		"import",
		"POST /imports/{id}/apply",
		"POST /requests",
		"POST /requests/{id}/approve",
		"POST /requests/{id}/deny",
		"POST /requests/{id}/withdraw",
		"POST /reclaims",
		"POST /reclaims/{id}/undo",
		"PUT /policies/{product}",
		"limited: POST /licenses/{id}/assign",
		"limited: POST /licenses/{id}/unassign",
		"limited: POST /licenses/{id}/reassign",
		"limited: PUT /licenses/{id}/add-ons",
		"limited: POST /assignments",
		"limited: POST /assignments/remove",
		"limited: POST /licenses/cost-center",
		"limited: PATCH /licenses/{id}",
		"limited: POST /licenses/{id}/terminate",
		"limited: order",
		"limited: POST /requests/{id}/approve",
		"limited: POST /requests/{id}/deny",
		"limited: PUT /policies/{product}",
		"limited: POST /reclaims",
		"limited: POST /reclaims/{id}/undo",
		"limited: PATCH /users/{id}",
		"limited: GET /licenses",
		"limited: GET /idle",
		"limited: GET /users/{id}/why",
		"limited: GET /billing/periods/{id}",
		"limited: dry run and its request",
		"dry run and its request",
	}
	mustHappen = []string{
		"lost", "redelivered after its loss", "duplicate", "late", "reordered", "seat reclaimed", "seat returned",
		"alert open", "alert over", "commit of a limited admin", "answer to a limited admin",
		"work handed on", "work lost", "work not taken", "work failed", "work repeated",
	}
)

// TestTheCommandReplays plays by the command line that a failure prints.
func TestTheCommandReplays(t *testing.T) {
	parts.Belongs(t, parts.Bootstraps)
	o := options{adapter: "bolt", seed: 3, steps: 60, every: 30}
	want := simulate(t, openBolt, o)
	args := strings.Fields(o.replay())
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = "../..", os.Environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", o.replay(), err, out)
	}
	if !strings.Contains(string(out), "trace "+want.hash) {
		t.Errorf("%s does not have the trace %s:\n%s", o.replay(), want.hash, out)
	}
}
