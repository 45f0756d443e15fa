// Command simulate plays Seatwise in one process: the product's own functions over the embedded
// store, or over DynamoDB's API, called by several callers in several accounts, interrupted at
// every call to the table, with the faults that a network, a store, a disk and a clock have. A seed
// decides everything: which operation, which fault, and which of the calls that wait goes on next.
// After every commit a plain model checks the invariants of docs/design.md; now and then, and when
// all is quiet, they are checked through the API too (docs/correctness.md says which and how).
//
// It runs inside a bubble of testing/synctest, which tells when all goroutines stand still, and
// where waiting takes no time.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatwise/shared/platform/table/faulty"
)

// options say what to play.
type options struct {
	adapter      string
	seed         uint64
	steps, every int
	// trace gets every line of the trace; nil for none.
	trace io.Writer
}

// result is what became of a seed.
type result struct {
	hash      string
	sim       *simulation
	violation error
}

// simulate plays one seed in a bubble of its own, on a store of its own, which is gone afterwards.
func simulate(t *testing.T, open adapter, o options) result {
	t.Helper()
	within := open(t)
	var out result
	synctest.Test(t, func(t *testing.T) {
		store, err := within()
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := store.(io.Closer); ok {
			defer func() { _ = c.Close() }()
		}
		m, err := newSimulation(o.seed, store)
		if err != nil {
			t.Fatal(err)
		}
		m.scheduler.log = o.trace
		m.play(o.steps, o.every)
		out = result{hash: m.hash(), sim: m, violation: m.violation}
		m.abandon()
	})
	return out
}

// replay is the command that plays the seed again.
func (o options) replay() string {
	return fmt.Sprintf("go run ./infra/simulate -adapter %s -seed %d -steps %d -every %d", o.adapter, o.seed,
		o.steps, o.every)
}

func main() {
	var o options
	seeds := flag.Int("seeds", 1, "how many seeds to play, from -seed on")
	flag.StringVar(&o.adapter, "adapter", "bolt", "the store: bolt, or dynamo on DynamoDB Local")
	flag.Uint64Var(&o.seed, "seed", 1, "the first seed")
	flag.IntVar(&o.steps, "steps", 800, "operations of each seed")
	flag.IntVar(&o.every, "every", 250,
		"commits between two looks at everything through the API; the model looks at every commit")
	trace := flag.String("trace", "", "a file for every call to the table and what came of it")
	flag.Parse()
	if adapters[o.adapter] == nil {
		fmt.Fprintf(os.Stderr, "no adapter %q; there are bolt and dynamo\n", o.adapter)
		os.Exit(2)
	}
	if *trace != "" {
		f, err := os.Create(*trace)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		o.trace = f // open until the process ends
	}
	// testing.Main, because synctest wants a test around it. It exits.
	testing.Main(
		func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "Simulate", F: func(t *testing.T) {
			play(t, o, *seeds)
		}}},
		nil,
		nil,
	)
}

// totals are the figures of all seeds together.
type totals struct {
	seeds, failed, operations, calls, commits, looks, quiesces, orphans, renewed int
	overtaken, jumps, twice, full                                                int
	fired                                                                        map[faulty.Fault]int
	started, succeeded, events                                                   map[string]int
	statuses                                                                     map[int]int
}

func newTotals() *totals {
	return &totals{
		fired:     map[faulty.Fault]int{},
		started:   map[string]int{},
		succeeded: map[string]int{},
		events:    map[string]int{},
		statuses:  map[int]int{},
	}
}

func (a *totals) add(m *simulation) {
	a.operations += m.runs
	a.calls += m.scheduler.calls
	a.commits += m.mirror.made
	a.looks += m.checks
	a.overtaken += m.overtaken
	a.jumps += m.jumps
	a.twice += m.twice
	a.full += m.full
	a.quiesces += m.quiesces
	a.orphans += m.orphans
	a.renewed += m.renewed
	sum(a.fired, m.scheduler.fired)
	sum(a.started, m.started)
	sum(a.succeeded, m.succeeded)
	sum(a.statuses, m.statuses)
	sum(a.events, m.events)
}

func sum[K comparable](to, from map[K]int) {
	for k, n := range from {
		to[k] += n
	}
}

// faults are the faults with how often each came about, in a line.
func (a *totals) faults() string {
	var line strings.Builder
	for _, f := range faulty.All() {
		fmt.Fprintf(&line, "%s %d, ", f, a.fired[f])
	}
	for _, kind := range slices.Sorted(maps.Keys(a.events)) {
		fmt.Fprintf(&line, "event %s %d, ", kind, a.events[kind])
	}
	fmt.Fprintf(
		&line,
		"disk full %d, worker overtaken %d, clock moved %d, process renewed %d, caller dead before its seats were handed out %d",
		a.full,
		a.overtaken,
		a.jumps,
		a.renewed,
		a.orphans,
	)
	return line.String()
}

func (a *totals) String() string {
	return fmt.Sprintf(
		"%d seeds, %d failed, %d operations, %d calls to the table, %d commits, %d looks of the model, %d times quiet",
		a.seeds,
		a.failed,
		a.operations,
		a.calls,
		a.commits,
		a.looks,
		a.quiesces,
	)
}

// progressEvery is how many seeds lie between two times that a long run tells its figures.
const progressEvery = 100

func play(t *testing.T, o options, seeds int) {
	began := time.Now()
	a := newTotals()
	for range seeds {
		var r result
		t.Run(fmt.Sprintf("seed %d", o.seed), func(t *testing.T) { r = simulate(t, adapters[o.adapter], o) })
		if r.sim == nil {
			return
		}
		a.seeds++
		a.add(r.sim)
		if seeds == 1 || r.violation != nil {
			fmt.Printf("seed %d: %s, trace %s\n", o.seed, r.sim.figures(), r.hash)
		}
		if r.violation != nil {
			a.failed++
			fmt.Printf("seed %d VIOLATION: %v\nreplay: %s\n", o.seed, r.violation, o.replay())
			t.Fail()
		}
		if a.seeds%progressEvery == 0 {
			a.tell(began)
		}
		o.seed++
	}
	a.tell(began)
}

// tell prints all figures up to now.
func (a *totals) tell(began time.Time) {
	fmt.Printf("%s, in %s\n  %s\n  repetitions answered the same: %d\n", a, time.Since(began).Round(time.Second),
		strings.ReplaceAll(a.faults(), ", ", "\n  "), a.twice)
	for _, status := range slices.Sorted(maps.Keys(a.statuses)) {
		fmt.Printf("  status %d: %d\n", status, a.statuses[status])
	}
	for _, what := range slices.Sorted(maps.Keys(a.started)) {
		fmt.Printf("  %-50s %7d begun, %7d took effect\n", what, a.started[what], a.succeeded[what])
	}
}
