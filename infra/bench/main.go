// Command bench measures what cannot be seen in the code: how large each function is, how long it
// takes to its first poll of the Lambda Runtime API beside a bare Lambda, and what each operation
// costs in calls of DynamoDB and capacity units. `make bench` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"seatwise/infra/local/template"
)

// onlyCalls and onlySizes are values of -only that leave the starts out.
const (
	onlyCalls = "calls"
	onlySizes = "sizes"
)

var errTooSlow = errors.New("a function takes too long to start")

type options struct {
	runs     int
	only     string
	check    bool
	dist     string
	endpoint string
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 41, "starts of each function, and as many of the bare Lambda")
	flag.StringVar(
		&o.only,
		"only",
		"",
		"measure nothing but the start of this one function, by its logical id, \"calls\" for the calls of DynamoDB, \"usage\" for a month of usage and the report, \"period\" for a billing period of many licenses, \"massconfig\" for the largest mass configuration, \"cost\" for what a month costs, \"capacity\" for a billing day of many tenants, or \"sizes\" for what make build left in -dist",
	)
	flag.BoolVar(&o.check, "check", false,
		"end with status 1 when a function takes too long to start, or a mass configuration to check")
	flag.StringVar(&o.dist, "dist", filepath.Join(".tools", "bench"), "folder for the binaries, kept for the next time")
	flag.StringVar(&o.endpoint, "dynamodb-endpoint", "",
		"URL of a DynamoDB API, such as DynamoDB Local, to read real capacity units from")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) error {
	if o.runs < 1 {
		return errors.New("-runs must be 1 or more")
	}
	if o.only == onlySizes {
		return sizes(out, o.dist)
	}
	if o.only == onlyCalls {
		return callsAndScale(ctx, out, o.endpoint)
	}
	if o.only == onlyCost {
		return monthly(ctx, out)
	}
	if o.only == onlyCapacity {
		return capacity(ctx, out)
	}
	if o.only == onlyUsage {
		return usageCosts(ctx, out)
	}
	if o.only == onlyPeriod {
		return periodCosts(ctx, out)
	}
	if o.only == onlyMassConfig {
		return massConfiguration(ctx, out, massRows, o.check)
	}
	starts, err := measureStarts(ctx, o)
	if err != nil {
		return err
	}
	if err := printStarts(out, o, starts); err != nil {
		return err
	}
	if o.only == "" {
		if err := callsAndScale(ctx, out, o.endpoint); err != nil {
			return err
		}
		if err := usageCosts(ctx, out); err != nil {
			return err
		}
		if err := periodCosts(ctx, out); err != nil {
			return err
		}
		if err := massConfiguration(ctx, out, massRows, o.check); err != nil {
			return err
		}
	}
	for _, s := range starts {
		if o.check && !s.ok() {
			return errTooSlow
		}
	}
	return nil
}

func measureStarts(ctx context.Context, o options) ([]coldStart, error) {
	t, err := template.Load("template.yaml")
	if err != nil {
		return nil, err
	}
	bare, err := buildBare(ctx, o.dist)
	if err != nil {
		return nil, err
	}
	operations := map[string]int{}
	for _, route := range t.Routes {
		operations[route.Function]++
	}
	var programs []program
	for _, name := range slices.Sorted(maps.Keys(t.Functions)) {
		if o.only != "" && name != o.only {
			continue
		}
		p, err := build(ctx, o.dist, name, operations[name])
		if err != nil {
			return nil, err
		}
		programs = append(programs, p)
	}
	if len(programs) == 0 {
		return nil, fmt.Errorf("template.yaml declares no function %q", o.only)
	}
	r, err := newRuntimeAPI(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.close() }() // the process ends soon
	var starts []coldStart
	for _, p := range programs {
		s, err := measureStart(ctx, r, p, bare, o.runs)
		if err != nil {
			return nil, err
		}
		starts = append(starts, s)
	}
	return starts, nil
}

func printStarts(out io.Writer, o options, starts []coldStart) error {
	fmt.Fprintf(
		out,
		"Size, and processor time from exec to the first poll of the Runtime API: medians of %d, by turns with a bare Lambda of as many operations. The clock's ratio and what package variables allocate stand beside it.\n\n",
		o.runs,
	)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "function\tbinary\tzip\toperations\tprocessor\tbare\tratio\tat most\tby the clock\tallocated\tbare\t\t")
	for _, s := range starts {
		verdict := "PASS"
		if !s.ok() {
			verdict = "FAIL"
		}
		fmt.Fprintf(
			w,
			"%s\t%s\t%s\t%d\t%s\t%s\t%.2f\t%.1f\t%.2f\t%d KB\t%d KB\t%s\t\n",
			s.name,
			megabytes(s.bytes),
			megabytes(s.zipped),
			s.operations,
			milliseconds(s.own.processor),
			milliseconds(s.bare.processor),
			s.ratio(),
			s.limit,
			float64(s.own.clock)/float64(s.bare.clock),
			s.allocated/1000,
			s.bareAllocated/1000,
			verdict,
		)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	fmt.Fprintln(out, "What allocates most before main:")
	for _, s := range starts {
		fmt.Fprintf(out, "  %s: %s\n", s.name, strings.Join(s.heaviest, ", "))
	}
	fmt.Fprintln(out)
	return nil
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
