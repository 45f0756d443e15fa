// Command load drives the runner over HTTP with 1, 16 and 64 callers and prints what they come to
// (issue 12.4): calls a second, how long they take, how many commits are tried and lost for each
// effect; and beside it, by turns, what the same route, token check and JSON come to when the
// handler does no more than commit the same puts to bare bbolt; with -dynamodb, both over a DynamoDB
// API, where the floor sends the same puts as one bare transaction.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"seatwise/infra/testing/programs"
)

// callers are how many come at once.
var callers = []int{1, 16, 64}

// The targets of issue 12.4.
const (
	mostTried  = 1.1 // commits for an assignment at 64 callers
	ofFloor    = 0.5 // assigning, at each number of callers
	ofGrowth   = 0.8 // of the floor's growth from 1 to 16
	of16       = 0.9 // 64 callers
	seatsSpare = 1_000
)

var errTargets = errors.New("a target is missed")

type options struct {
	rounds   int
	turn     time.Duration
	people   int
	dynamoDB bool
	runner   string
	// floor and endpoint are of the process that is the floor.
	floor, endpoint string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.floor != "" {
		return serveFloor(ctx, o.floor, o.endpoint, out)
	}
	folder, err := os.MkdirTemp("", "seatwise-load-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	var over store
	if o.dynamoDB {
		if over.Server, err = programs.StartDynamoDB(); err != nil {
			return fmt.Errorf("no DynamoDB API to drive: %w", err)
		}
	}
	product, err := startRunner(ctx, folder, o.runner, over)
	if err != nil {
		return err
	}
	defer product.stop()
	floor, err := startFloor(ctx, filepath.Join(folder, "floor"), over)
	if err != nil {
		return err
	}
	defer floor.stop()
	w, err := furnish(ctx, product, floor, o.people)
	if err != nil {
		return err
	}
	for range o.rounds {
		for _, n := range callers {
			if err := w.round(ctx, n, o.turn); err != nil {
				return err
			}
		}
	}
	return w.print(out, over.floorSays())
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "`rounds` of which the median counts")
	flags.DurationVar(&o.turn, "turn", 400*time.Millisecond, "how `long` each operation is called for in a round")
	flags.IntVar(&o.people, "people", 1_500, "how many `users` there are: more than are assigned in a turn")
	flags.BoolVar(&o.dynamoDB, "dynamodb", false, "over DynamoDB Local, or the DynamoDB API that "+
		programs.DynamoDBEndpoint+" names, instead of the embedded store")
	flags.StringVar(&o.runner, "runner", "", "the `file` of the runner, if it is built already")
	flags.StringVar(&o.floor, "floor", "",
		"serve the floor from this `folder`, as the command does with a process of its own")
	flags.StringVar(&o.endpoint, "dynamodb-endpoint", "", "the `URL` that the floor sends its transactions to")
	return o, flags.Parse(args)
}

// figure is what the turns of one operation with one number of callers came to, one value for each
// round.
type figure struct {
	perSecond, half, most, tried, lost []float64
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

type turnOf struct {
	operation string
	callers   int
}

// print writes the figures, and whether the targets are met; floor says what the floor does.
func (w *world) print(out io.Writer, floor string) error {
	fmt.Fprintf(
		out,
		"Calls a second by the number of callers at once, median and 99th percentile of how long they take, and commits tried and lost for each effect; the median of the rounds.\n"+
			"At least %d seats are free. The floor %s, behind the same token check and JSON.\n\n",
		seatsSpare, floor,
	)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "operation\tcallers\ta second\tp50 ms\tp99 ms\ttried\tlost\t")
	for _, operation := range w.order {
		for _, n := range callers {
			f := w.figures[turnOf{operation, n}]
			fmt.Fprintf(
				t,
				"%s\t%d\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t\n",
				operation,
				n,
				median(f.perSecond),
				median(f.half),
				median(f.most),
				median(f.tried),
				median(f.lost),
			)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	fmt.Fprintf(out, "\nToo busy, and repeated: %d calls of the product, %d of the floor.\n\n",
		w.product.busy.Load(), w.floor.busy.Load())
	return w.judge(out)
}

// judge says whether the targets are met.
func (w *world) judge(out io.Writer) error {
	rate := func(operation string, n int) float64 { return median(w.figures[turnOf{operation, n}].perSecond) }
	missed := false
	say := func(what string, got, want float64, met bool) {
		verdict := "PASS"
		if !met {
			verdict, missed = "FAIL", true
		}
		fmt.Fprintf(out, "%s  %s: %.2f, target %.2f\n", verdict, what, got, want)
	}
	for _, n := range callers {
		share := rate("assign", n) / rate("floor", n)
		say(fmt.Sprintf("assigning, of the floor, with %d callers", n), share, ofFloor, share >= ofFloor)
	}
	growth := (rate("assign", 16) / rate("assign", 1)) / (rate("floor", 16) / rate("floor", 1))
	say("growth of assigning from 1 to 16 callers, of the floor's", growth, ofGrowth, growth >= ofGrowth)
	steady := rate("assign", 64) / rate("assign", 16)
	say("assigning with 64 callers, of 16", steady, of16, steady >= of16)
	tried := median(w.figures[turnOf{"assign", 64}].tried)
	say("commits tried for an assignment with 64 callers", tried, mostTried, tried <= mostTried)
	if missed {
		return errTargets
	}
	return nil
}
