package main

import (
	"bytes"
	"strings"
	"testing"
)

// A small month, so that the bench does not fall behind: ten times the views cost the summary and
// the report no more.
func TestUsageIsMeasured(t *testing.T) {
	var runs []usageRun
	for _, views := range []int{300, 3000} {
		r, err := usageOverBolt(t.Context(), 300, views)
		if err != nil {
			t.Fatal(err)
		}
		if r.active != 300 || r.ingest.cost.writes == 0 || r.aggregate.cost.reads == 0 || r.summary.cost.reads == 0 ||
			r.build.heap == 0 {
			t.Errorf("%+v", r)
		}
		runs = append(runs, r)
	}
	var out bytes.Buffer
	if err := printUsage(&out, runs[0], runs[1]); err != nil {
		t.Errorf("%v:\n%s", err, &out)
	}
	for _, want := range []string{
		"take in all views", "aggregate once", "summary of 30 days", "report of 30 days", "PASS",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not printed", want)
		}
	}
}
