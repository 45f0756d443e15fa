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
	at := func(d time.Duration) beginning { return beginning{processor: d} }
	c := coldStart{own: at(13 * time.Millisecond), bare: at(10 * time.Millisecond), limit: most}
	if c.ratio() != 1.3 || !c.ok() {
		t.Errorf("1.3 times as much is as much as it may be: %v", c.ratio())
	}
	c.own = at(13*time.Millisecond + time.Microsecond)
	if c.ok() {
		t.Error("more than 1.3 times as much passes")
	}
	runs := []beginning{{clock: 9, processor: 1}, {clock: 1, processor: 3}, {clock: 5, processor: 2}}
	if got := median(runs); got != (beginning{clock: 5, processor: 2}) {
		t.Errorf("medians: %+v", got)
	}
	line := "init net/http @6.4 ms, 0.022 ms clock, 4712 bytes, 49 allocs"
	if got := initialized.FindStringSubmatch(line); got == nil || got[1] != "net/http" || got[2] != "4712" {
		t.Errorf("a line of the runtime: %q", got)
	}
}
