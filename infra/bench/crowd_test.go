package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// Two small accounts, so that the bench does not fall behind.
func TestCrowdsAreMeasured(t *testing.T) {
	var out bytes.Buffer
	if err := crowdCosts(t.Context(), &out, []int{5_000, 20_000}); err != nil || strings.Contains(out.String(), "FAIL") {
		t.Fatalf("%v:\n%s", err, &out)
	}
}

func TestAnAggregationThatIsNotFlatFails(t *testing.T) {
	fine := crowded{people: 1, first: usageStep{name: "first", heap: 1}, hour: usageStep{name: "hour", heap: 1}}
	for name, spoil := range map[string]func(c *crowded){
		"a heap that grows":            func(c *crowded) { c.first.heap = mostCrowdHeap + 1 },
		"a heap that grows in an hour": func(c *crowded) { c.hour.heap = mostCrowdHeap + 1 },
		"what has not changed is written": func(c *crowded) {
			c.hour.cost.writes = mostHourWrites*(hourViews+hourJoined) + 1
		},
	} {
		c := fine
		var out bytes.Buffer
		if err := printCrowds(&out, []crowded{c}); err != nil {
			t.Fatalf("%v:\n%s", err, &out)
		}
		spoil(&c)
		if err := printCrowds(&out, []crowded{c}); !errors.Is(err, errNotFlat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
