package usage_test

import (
	"fmt"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/usage"
)

// benchWorld has numbers of viewers and of views a day over the last 2 days.
func benchWorld(b *testing.B, viewers, views int) (*world, *counting) {
	b.Helper()
	fixture := fixtures.New(b)
	store := &counting{Store: fixture.Env.Table}
	fixture.Env.Table = store
	w := worldOn(b, fixture)
	w.worked(b)
	var users []string
	for i := range viewers {
		users = append(users, fmt.Sprintf("viewer%04d", i))
	}
	w.people(b, "supervisor", users...)
	for first := 0; first < views; first += usage.MaxEvents {
		events := make([]usage.Event, min(usage.MaxEvents, views-first))
		for i := range events {
			n := first + i
			events[i] = usage.Event{
				ID:          fmt.Sprint("e", n),
				UserID:      users[n%len(users)],
				DashboardID: "d-detroit",
				At:          fixtures.Start.Add(-time.Duration(n) * 40 * time.Hour / time.Duration(views)),
			}
		}
		if _, err := w.usage.Take(b.Context(), w.Call("pbx"), events); err != nil {
			b.Fatal(err)
		}
	}
	return w, store
}

// BenchmarkTake takes in 1,000 views a call, and reports what a view costs.
func BenchmarkTake(b *testing.B) {
	w, store := benchWorld(b, 200, usage.MaxEvents)
	store.reads, store.commits, store.operations = 0, 0, 0
	n := 0
	for b.Loop() {
		events := make([]usage.Event, usage.MaxEvents)
		for i := range events {
			events[i] = usage.Event{
				ID:          fmt.Sprintf("b%d-%d", n, i),
				UserID:      fmt.Sprintf("viewer%04d", i%200),
				DashboardID: "d-belmont",
				At:          fixtures.Start,
			}
		}
		n++
		if _, err := w.usage.Take(b.Context(), w.Call("pbx"), events); err != nil {
			b.Fatal(err)
		}
	}
	views := float64(n * usage.MaxEvents)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/views, "ns/view")
	b.ReportMetric(float64(store.reads)/views, "reads/view")
	b.ReportMetric(float64(store.commits)/views, "commits/view")
	b.ReportMetric(float64(store.operations)/views, "writes/view")
}

// BenchmarkAggregate folds the days of an account, with few views and with ten times as many.
func BenchmarkAggregate(b *testing.B) {
	for _, views := range []int{3_000, 30_000} {
		b.Run(fmt.Sprint(views, " views"), func(b *testing.B) {
			w, store := benchWorld(b, 200, views)
			store.reads = 0
			n := 0
			for b.Loop() {
				n++
				if err := w.usage.AggregateAccount(b.Context(), w.Account, fixtures.Start); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(store.reads)/float64(n), "reads/op")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*views), "ns/view")
		})
	}
}

// BenchmarkSummary answers 30 days, with few views behind them and with ten times as many: the same
// cost.
func BenchmarkSummary(b *testing.B) {
	for _, views := range []int{3_000, 30_000} {
		b.Run(fmt.Sprint(views, " views"), func(b *testing.B) {
			w, store := benchWorld(b, 200, views)
			if err := w.usage.AggregateAccount(b.Context(), w.Account, fixtures.Start); err != nil {
				b.Fatal(err)
			}
			store.reads = 0
			n := 0
			for b.Loop() {
				n++
				c := call.ForEvent(w.Env, w.Account, "ann", "bench", fixtures.Start)
				if _, _, err := w.usage.Recent(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(store.reads)/float64(n), "reads/op")
		})
	}
}
