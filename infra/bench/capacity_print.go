package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

const (
	// fleetWorking and fleetQuiet are the accounts of the run that is for real, and pilotAccounts those of
	// each small run before it, from which it is foretold.
	fleetWorking, fleetQuiet, pilotAccounts = 1000, 9000, 20
	// mostAnonymous is how much memory an hour's schedules may take, in bytes.
	mostAnonymous = 256 << 20
	// foretold is how far what was foretold may be off.
	foretold = 0.30
	// licensesOfTenant are those of a tenant whose period is closed.
	licensesOfTenant = 300
)

var errCapacity = errors.New("the hour of many accounts is not as it was foretold")

// capacity prints a billing day of 100, 10,000 and 100,000 tenants in the design at first and in that of now,
// what breaks first, what one tenant of a million people takes, and an hour of 10,000 accounts for real.
func capacity(ctx context.Context, out io.Writer) error {
	t, err := workOfTenant(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `A billing day, minute by minute, by counted calls of the embedded store and AWS's published quotas
(docs/capacity.md). Tenants have 1,000 users and are all in one time zone, on one billing day. A tenant's
working day: %.0f requests of %.0f ms, %.0f units read, %.0f written.

`, t.requests, 1000*t.requestTime, t.reads, t.writes)
	for _, p := range plans {
		if err := printDays(out, p, t); err != nil {
			return err
		}
	}
	if err := printLargest(ctx, out); err != nil {
		return err
	}
	return realHour(ctx, out, fleetWorking, fleetQuiet)
}

// workOfTenant counts what a tenant takes.
func workOfTenant(ctx context.Context) (t tenantWork, err error) {
	folder, err := os.MkdirTemp("", "seatwise-bench-")
	if err != nil {
		return t, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	rows, err := overBolt(ctx, filepath.Join(folder, "bolt"))
	if err != nil {
		return t, err
	}
	counted := map[string]row{}
	for _, r := range rows {
		counted[r.name] = r
	}
	closing, err := periodOverBolt(ctx, licensesOfTenant)
	if err != nil {
		return t, err
	}
	var month work
	for _, c := range tenantCauses(counted) {
		switch c.name {
		case "assignments", "orders", "files of phones", "views", "reads":
			month = month.plus(c.work)
		}
	}
	calls := func(c cost) float64 { return float64(c.calls().reads + c.commits) }
	minute, idle := counted[waitingMinute].cost, counted[idleMinute].cost
	hour, report := counted[busyHour].cost, counted["build it"].cost
	return tenantWork{
		requests: month.requests / workdays, requestTime: month.seconds / month.requests,
		reads: month.reads / workdays, writes: month.writes / workdays,
		markers: (monthOrders + 2) / float64(workdays),
		// A fifth of the accounts in each minute.
		minuteCalls: (calls(minute) - calls(idle)) / minutesOfList,
		minuteReads: (minute.reads - idle.reads) / minutesOfList,
		hourCalls:   calls(hour), hourReads: hour.reads + (viewsRead-hourlyRowViews)*readOfView,
		hourWrites:  hour.writes + monthViews/hoursOfViews*chunkOfView,
		reportCalls: calls(report), closeCalls: calls(closing[0].cost),
		billingReads:  report.reads + closing[0].cost.reads,
		billingWrites: report.writes + closing[0].cost.writes,
	}, nil
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// printDays prints a billing day of three deployments.
func printDays(out io.Writer, p plan, t tenantWork) error {
	fmt.Fprintf(out, "The design %s:\n", p.name)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "limit\tat most\t100 tenants\t10,000\t100,000\tpassed at\t")
	sizes := []float64{100, 10_000, 100_000}
	days := make([][]use, len(sizes))
	for i, n := range sizes {
		days[i] = dayOf(p, t, n)
	}
	for i, l := range days[0] {
		fmt.Fprintf(w, "%s\t%.0f %s\t", l.name, l.most, l.unit)
		passed := ""
		for d, day := range days {
			fmt.Fprintf(w, "%s\t", amount(day[i].peak))
			if day[i].first >= 0 && passed == "" {
				passed = fmt.Sprintf("%s with %.0f", clock(day[i].first), sizes[d])
			}
		}
		fmt.Fprintf(w, "%s\t\n", passed)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	n, first := breaksAt(p, t)
	fmt.Fprintf(out, "What is passed first: %s, with %.0f tenants, at %s. An operator sees: %s.\n\n", first.name,
		math.Round(n/10)*10, clock(first.first), first.seen)
	return nil
}

func amount(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// printLargest prints what one tenant of a million people takes.
func printLargest(ctx context.Context, out io.Writer) error {
	const people = 1_000_000
	if err := crowdCosts(ctx, out, []int{people}); err != nil {
		return err
	}
	fmt.Fprintf(out, `One tenant of %d people:
  a role of all of them: %.0f commits, %.0f s, in %.0f runs of the minute's schedule
  assignments: 500 a second, since each adds 2 units to the partition of the account's counts

`, people, people/6.0, people/6.0*2*callTime, math.Ceil(people/6.0*2*callTime/longestRun))
	return nil
}

// foretell is what an hour of many accounts takes, by three small runs: of no account, of some with work, and
// of some without.
func foretell(base, working, quiet hour, n, m int) (h hour) {
	scale := func(none, some, others float64) float64 {
		return none + float64(n)*(some-none)/pilotAccounts + float64(m)*(others-none)/pilotAccounts
	}
	calls := func(h hour) float64 { return float64(h.cost.calls().reads) }
	h.cost.queries = int(scale(calls(base), calls(working), calls(quiet)))
	h.cost.commits = int(scale(float64(base.cost.commits), float64(working.cost.commits), float64(quiet.cost.commits)))
	h.cost.reads = scale(base.cost.reads, working.cost.reads, quiet.cost.reads)
	h.cost.writes = scale(base.cost.writes, working.cost.writes, quiet.cost.writes)
	h.messages = int(scale(float64(base.messages), float64(working.messages), float64(quiet.messages)))
	return h
}

// realHour runs an hour's schedules of many accounts, after it has printed what they should take.
func realHour(ctx context.Context, out io.Writer, working, quiet int) error {
	var pilots [3]hour
	for i, n := range [3][2]int{{0, 0}, {pilotAccounts, 0}, {0, pilotAccounts}} {
		h, err := fleetHour(ctx, n[0], n[1])
		if err != nil {
			return err
		}
		pilots[i] = h
	}
	want := foretell(pilots[0], pilots[1], pilots[2], working, quiet)
	fmt.Fprintf(out, `An hour of %d accounts with work and %d without, over the embedded store: foretold by runs of %d of
each, and then done. With work: %d people (%d of them wait), views to fold, a change that was cut off.

`, working, quiet, pilotAccounts, fleetPeople, fleetPeople-fleetSeats)
	got, err := fleetHour(ctx, working, quiet)
	if err != nil {
		return err
	}
	return printHour(out, want, got, pilots[1].commits[pilots[1].working[0]])
}

// printHour prints what an hour took beside what was foretold; each account with work should have had some
// commits, and the others none.
func printHour(out io.Writer, want, got hour, each int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tforetold\tdone\tratio\t\t")
	failed := false
	verdict := func(ok bool) string {
		if ok {
			return "PASS"
		}
		failed = true
		return "FAIL"
	}
	for _, v := range []struct {
		name      string
		told, did float64
	}{
		{"messages", float64(want.messages), float64(got.messages)},
		{"reads", float64(want.cost.calls().reads), float64(got.cost.calls().reads)},
		{"commits", float64(want.cost.commits), float64(got.cost.commits)},
		{"units read", want.cost.reads, got.cost.reads},
		{"units written", want.cost.writes, got.cost.writes},
	} {
		ratio := v.did / v.told
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2f\t%s\t\n", v.name, v.told, v.did, ratio,
			verdict(math.Abs(ratio-1) <= foretold))
	}
	for _, v := range []struct {
		name          string
		most, was     fmt.Stringer
		withinTheMost bool
	}{
		{"all of it", time.Hour, got.time.Round(time.Millisecond), got.time < time.Hour},
		{"the slowest schedule", time.Minute, got.slowest.Round(time.Millisecond), got.slowest < time.Minute},
	} {
		fmt.Fprintf(w, "%s\t%s at most\t%s\t\t%s\t\n", v.name, v.most, v.was, verdict(v.withinTheMost))
	}
	fmt.Fprintf(w, "memory\t%s at most\t%s\t\t%s\t\n", megabytes(mostAnonymous), megabytes(int64(got.anonymous)),
		verdict(got.anonymous < mostAnonymous))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, id := range []string{got.uneven(got.working, each), got.uneven(got.quiet, 0)} {
		if id != "" {
			failed = true
			fmt.Fprintf(out, "account %s had %d commits\n", id, got.commits[id])
		}
	}
	fmt.Fprintf(out, "Each account with work should have %d commits, each other one none.\n", each)
	if failed {
		return errCapacity
	}
	return nil
}
