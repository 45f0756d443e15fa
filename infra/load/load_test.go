package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/programs"
	"seatwise/infra/testing/runnerprocess"
)

// TestMain lets the test's own binary be the floor, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-floor" {
		if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(runnerprocess.Main(m))
}

// TestEveryOperationIsDriven takes a short round over each store: it says of each operation what it
// came to. Whether the targets are met depends on the machine, so that is not asked here.
func TestEveryOperationIsDriven(t *testing.T) {
	t.Chdir("../..") // the runner reads template.yaml
	for name, over := range map[string]struct {
		args  []string
		floor string
	}{
		"embedded": {nil, "to bare bbolt"},
		"DynamoDB": {[]string{"-dynamodb"}, "one bare transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			if len(over.args) > 0 {
				parts.Belongs(t, parts.Long) // bulk calls of 64 callers keep that server for long
				programs.DynamoDB(t)         // it is skipped where there is none
			}
			var out bytes.Buffer
			args := append([]string{
				"-rounds", "1", "-turn", "20ms", "-people", "150", "-runner", runnerprocess.Program(t),
			}, over.args...)
			if err := run(t.Context(), args, &out); err != nil && !errors.Is(err, errTargets) {
				t.Fatalf("%v\n%s", err, &out)
			}
			for _, operation := range []string{
				"floor", "assign", "reassign", "list", "search", "summary", "remove", "bulk",
			} {
				if n := strings.Count(out.String(), "  "+operation+"  "); n != len(callers) {
					t.Errorf("%s has %d lines:\n%s", operation, n, &out)
				}
			}
			if !strings.Contains(out.String(), over.floor) {
				t.Errorf("it does not say that the floor is %q:\n%s", over.floor, &out)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	w := &world{figures: map[turnOf]*figure{}}
	rate := func(operation string, perSecond ...float64) {
		for i, n := range callers {
			w.figures[turnOf{operation, n}] = &figure{perSecond: []float64{perSecond[i]}, tried: []float64{1.05}}
		}
	}
	rate("floor", 1000, 3000, 4000)
	rate("assign", 600, 1800, 2100)
	var out bytes.Buffer
	if err := w.judge(&out); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	for name, spoil := range map[string]func(){
		"slower than half the floor": func() { rate("assign", 400, 1800, 2100) },
		"no growth":                  func() { rate("assign", 800, 1500, 2100) },
		"falling with callers":       func() { rate("assign", 700, 2400, 2100) },
		"commits lost":               func() { w.figures[turnOf{"assign", 64}].tried = []float64{1.2} },
	} {
		rate("assign", 600, 1800, 2100)
		spoil()
		if err := w.judge(&out); !errors.Is(err, errTargets) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Errorf("median %v", m)
	}
}
