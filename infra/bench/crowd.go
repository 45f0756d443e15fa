package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"seatwise/infra/testing/inmemory"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/wire"
	"seatwise/shared/usage"
)

// crowds are the sizes of an account of which the aggregation is measured: all of its people are monitored, and a
// tenth of them view.
var crowds = []int{20_000, 200_000, 1_000_000}

const (
	// mostCrowdHeap is what an aggregation may keep of an account of whatever size, in bytes of heap.
	mostCrowdHeap = 256 << 20
	// mostHourWrites is how many units it may write for each view and change of an hour.
	mostHourWrites = 2
	// What comes in the hour after the first run: this many views, and this many who become monitored.
	hourViews, hourJoined = 1_000, 10
)

var errNotFlat = errors.New("the aggregation keeps or does more in a larger account")

// crowded is what the aggregation of an account takes: the first run of a day, and the one an hour later.
type crowded struct {
	people      int
	first, hour usageStep
}

// crowd answers queries for who is monitored and who has viewed, by making them up, so that a million people need
// not be made. All else is the store's.
type crowd struct {
	table.Store
	people int
	began  time.Time
	// later is when the views and changes of the second run came; zero before it.
	later time.Time
}

// Query implements table.Store.
func (s *crowd) Query(ctx context.Context, q table.Query) (table.Page, error) {
	_, kind, _ := strings.Cut(q.Partition, "acme#")
	switch {
	case kind == "MONITORED-UNTIL":
		return s.page(q, 0, s.people, s.member)
	case kind == "MONITORED-CHANGED" && !s.later.IsZero():
		return s.page(q, s.people, s.people+hourJoined, s.member)
	case kind == "MONITORED-CHANGED":
		return s.page(q, 0, 0, s.member)
	case strings.HasPrefix(kind, "ARRIVED#") && strings.HasSuffix(kind, "#0"):
		if strings.Contains(kind, s.began.Format(time.DateOnly)) && s.later.IsZero() {
			return s.page(q, 0, s.people/10/viewsOfCall, s.call)
		}
		if strings.Contains(kind, s.later.Format(time.DateOnly)) && !s.later.IsZero() {
			return s.page(q, 0, hourViews/viewsOfCall, s.call)
		}
		return table.Page{}, nil
	case strings.HasPrefix(kind, "ARRIVED#"):
		return table.Page{}, nil
	}
	return s.Store.Query(ctx, q)
}

// page is that of the numbers behind the one that the query goes on after.
func (s *crowd) page(q table.Query, from, to int, made func(n int) any) (page table.Page, err error) {
	if q.After != "" {
		if from, err = strconv.Atoi(q.After); err != nil {
			return page, fmt.Errorf("next page: %w", err)
		}
	}
	for n := from; n < min(to, from+table.MaxPage); n++ {
		data, err := json.Marshal(made(n))
		if err != nil {
			return page, fmt.Errorf("made up: %w", err)
		}
		page.Items = append(page.Items, table.Item{Data: data})
	}
	if from+table.MaxPage < to {
		page.Next = strconv.Itoa(from + table.MaxPage)
	}
	return page, nil
}

func (s *crowd) member(n int) any {
	queue := fmt.Sprintf("queue%03d", n/queueMembers%1000)
	return map[string]any{"userId": crowdID(n), "queues": map[string]any{queue: []any{map[string]any{"from": s.began}}}}
}

// call is what one call told of: views by people who are far from each other.
func (s *crowd) call(n int) any {
	at := s.began
	if !s.later.IsZero() {
		at = s.later
	}
	views := make([]any, viewsOfCall)
	for i := range views {
		user := crowdID((n*viewsOfCall + i) * 7919 % s.people)
		views[i] = map[string]any{"user": user, "dashboard": boardID(i % 10), "at": at.UnixMilli()}
	}
	return map[string]any{"views": views}
}

func crowdID(n int) string { return fmt.Sprintf("user%07d", n) }

// crowdCosts prints what the aggregation takes of accounts of different sizes.
func crowdCosts(ctx context.Context, out io.Writer, sizes []int) error {
	var all []crowded
	for _, people := range sizes {
		c, err := aggregateCrowd(ctx, people)
		if err != nil {
			return fmt.Errorf("%d people: %w", people, err)
		}
		all = append(all, c)
	}
	return printCrowds(out, all)
}

// aggregateCrowd has the days of an account begun, and lets an hour go by.
func aggregateCrowd(ctx context.Context, people int) (c crowded, err error) {
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-bench-")
	if err != nil {
		return c, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	store, err := bolt.Open(filepath.Join(folder, "table.bolt"))
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	m := &month{meter: &meter{}, now: time.Date(2026, time.September, 9, 8, 0, 0, 0, time.UTC)}
	made := &crowd{Store: store, people: people, began: m.now}
	m.env = &app.Env{
		Table: table.Counted(made, m.meter.heard), Clock: func() time.Time { return m.now }, IDs: wire.IDs{},
		Log:        slog.New(slog.DiscardHandler),
		CursorKeys: keyring.Fixed([]byte("the cursor key of the bench")), Version: "bench",
	}
	kernel := license.NewService(catalog.Default())
	m.usage = usage.NewService(m.env, kernel, directory.NewService(m.env, kernel))
	if _, err := account.NewService(m.env, kernel).Put(ctx, m.call(), account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
	}); err != nil {
		return c, err
	}
	c = crowded{people: people}
	run := func(name string) (usageStep, error) {
		peak := watchHeap()
		step, err := m.measure(name, func() error { return m.usage.AggregateAccount(ctx, "acme", m.now) })
		step.heap = peak()
		return step, err
	}
	if c.first, err = run("begin a day"); err != nil {
		return c, err
	}
	m.now = m.now.Add(2 * time.Hour)
	made.later = m.now
	if c.hour, err = run("an hour later"); err != nil {
		return c, err
	}
	return c, m.holds(ctx, people)
}

// holds makes sure that everybody is in the day's rollup.
func (m *month) holds(ctx context.Context, people int) error {
	tomorrow := m.now.AddDate(0, 0, 1)
	w, _, err := m.usage.Asked(ctx, m.call(), m.now.Format(time.DateOnly), tomorrow.Format(time.DateOnly))
	if err != nil {
		return err
	}
	if w.MonitoredUsers != int64(people+hourJoined) || w.Viewers < int64(people/10) {
		return fmt.Errorf("%d monitored and %d viewers in a day of %d people", w.MonitoredUsers, w.Viewers, people)
	}
	return nil
}

func printCrowds(out io.Writer, all []crowded) error {
	fmt.Fprintf(out, `The aggregation of an account all of whose people are monitored, and a tenth of whom view: the first run of a day,
which begins it with everybody, and the one an hour later, in which %d views came and %d people became monitored.
Whatever the size, the heap is at most %s, and at most %d units are written for each that came.

`, hourViews, hourJoined, megabytes(mostCrowdHeap), mostHourWrites)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "people\tstep\tunits read\tunits written\theap\ttime\t\t")
	failed := false
	for _, c := range all {
		for _, step := range []usageStep{c.first, c.hour} {
			verdict := "PASS"
			much := step.name == c.hour.name && step.cost.writes > mostHourWrites*(hourViews+hourJoined)
			if step.heap > mostCrowdHeap || much {
				verdict, failed = "FAIL", true
			}
			fmt.Fprintf(w, "%d\t%s\t%.0f\t%.0f\t%s\t%s\t%s\t\n", c.people, step.name, step.cost.reads, step.cost.writes,
				megabytes(int64(step.heap)), step.time.Round(time.Millisecond), verdict)
		}
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if failed {
		return errNotFlat
	}
	return nil
}
