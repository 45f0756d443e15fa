package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestThePathIsCounted goes the path that the bench counts, so that it does not fall behind the
// functions, and holds what requirements, section 4 says of the cost.
func TestThePathIsCounted(t *testing.T) {
	rows, err := overBolt(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]cost{}
	for _, r := range rows {
		if r.cost == (cost{}) {
			t.Errorf("%s costs nothing", r.name)
		}
		seen[r.name] = r.cost
	}
	summary, ok := seen["summary of 1,012 licenses"]
	if !ok || summary.reads > 3 || summary.writes > 0 {
		t.Errorf("the summary costs %+v: it must not grow with the number of licenses", summary)
	}
	if assign := seen["assign a given license"]; assign.commits != 1 {
		t.Errorf("assigning takes %d commits, not one", assign.commits)
	}
	var out bytes.Buffer
	if err := printCalls(&out, rows, nil); err != nil {
		t.Fatal(err)
	}
	for name := range seen {
		if !strings.Contains(out.String(), name) {
			t.Errorf("%s is not printed", name)
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	for _, op := range []string{"GetItem", "BatchGetItem", "Query", "Query", "TransactWriteItems"} {
		m.heard(op, 2)
	}
	if got, want := m.take(), (cost{gets: 1, batches: 1, queries: 2, commits: 1, reads: 8, writes: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := m.take(); got != (cost{}) {
		t.Errorf("taken twice: %+v", got)
	}
}

func TestVerdict(t *testing.T) {
	c := coldStart{own: 3 * time.Millisecond, bare: 2 * time.Millisecond, limit: most}
	if c.ratio() != 1.5 || !c.ok() {
		t.Errorf("1.5 times as long is as much as it may be: %v", c.ratio())
	}
	c.own += time.Microsecond
	if c.ok() {
		t.Error("more than 1.5 times as long passes")
	}
	if got := quartile([]time.Duration{9, 1, 5, 3, 7, 2, 8, 4}); got != 3 {
		t.Errorf("first quartile: %d", got)
	}
}
