// Command simulate plays Seatwise in one process: the product's own functions over the embedded store, called by several callers in several accounts, interrupted at
// every call to the table, with the faults that a network, a store, a disk and a clock have. A seed decides everything: which operation, which fault, and which of
// the calls that wait goes on next. After every commit the counts are checked, after every few all invariants of design.md (docs/correctness.md says which and how).
//
// It runs inside a bubble of testing/synctest, which tells when all goroutines stand still, and where waiting takes no time.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"seatwise/shared/table/bolt"
	"seatwise/shared/table/faulty"
)

// options say what to play.
type options struct {
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

// simulate plays one seed in a bubble of its own, in a folder that is gone afterwards.
func simulate(t *testing.T, o options) result {
	t.Helper()
	var out result
	synctest.Test(t, func(t *testing.T) {
		folder, err := os.MkdirTemp(memory(), "seatwise-simulate-") //nolint:usetesting // t.TempDir is on disk, and a sync to it takes far longer than all else
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(folder) }()
		store, err := bolt.Open(filepath.Join(folder, "table.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
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

// memory is where files lie in memory, if the machine has such a place.
func memory() string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err == nil && info.IsDir() {
		return shared
	}
	return ""
}

// replay is the command that plays the seed again.
func (o options) replay() string {
	return fmt.Sprintf("go run ./infra/simulate -seed %d -steps %d -every %d", o.seed, o.steps, o.every)
}

func main() {
	var o options
	seeds := flag.Int("seeds", 1, "how many seeds to play, from -seed on")
	flag.Uint64Var(&o.seed, "seed", 1, "the first seed")
	flag.IntVar(&o.steps, "steps", 800, "operations of each seed")
	flag.IntVar(&o.every, "every", 12, "commits between two looks at everything")
	trace := flag.String("trace", "", "a file for every call to the table and what came of it")
	flag.Parse()
	if *trace != "" {
		f, err := os.Create(*trace)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		o.trace = f // open until the process ends
	}
	// testing.Main, because synctest wants a test around it. It exits.
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "Simulate", F: func(t *testing.T) {
		play(t, o, *seeds)
	}}}, nil, nil)
}

func play(t *testing.T, o options, seeds int) {
	began := time.Now()
	fired, started, succeeded := map[faulty.Fault]int{}, map[string]int{}, map[string]int{}
	statuses := map[int]int{}
	operations, calls, commits, checks, overtaken, jumps, twice, failed := 0, 0, 0, 0, 0, 0, 0, 0
	for range seeds {
		r := simulate(t, o)
		if r.sim == nil {
			return
		}
		m := r.sim
		operations, calls, commits, checks = operations+m.runs, calls+m.scheduler.calls, commits+m.scheduler.commits, checks+m.checks
		overtaken, jumps, twice = overtaken+m.overtaken, jumps+m.jumps, twice+m.twice
		for f, n := range m.scheduler.fired {
			fired[f] += n
		}
		for what, n := range m.started {
			started[what] += n
		}
		for what, n := range m.succeeded {
			succeeded[what] += n
		}
		for status, n := range m.statuses {
			statuses[status] += n
		}
		if seeds == 1 || r.violation != nil {
			fmt.Printf("seed %d: %s, trace %s\n", o.seed, m.figures(), r.hash)
		}
		if r.violation != nil {
			failed++
			fmt.Printf("seed %d VIOLATION: %v\nreplay: %s\n", o.seed, r.violation, o.replay())
			t.Fail()
		}
		o.seed++
	}
	fmt.Printf("%d seeds, %d failed, %d operations, %d calls, %d commits, %d looks, in %s\n", seeds, failed, operations, calls, commits, checks, time.Since(began).Round(time.Second))
	for _, f := range faulty.All() {
		fmt.Printf("  fault %-14s %d\n", f, fired[f])
	}
	fmt.Printf("  overtaken workers %d, clock jumps %d, repetitions answered the same %d\n", overtaken, jumps, twice)
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		fmt.Printf("  status %d: %d\n", status, statuses[status])
	}
	for _, what := range slices.Sorted(maps.Keys(started)) {
		fmt.Printf("  %-50s %6d begun, %6d took effect\n", what, started[what], succeeded[what])
	}
}
