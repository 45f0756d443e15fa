package license

import (
	"fmt"
	"testing"
	"testing/synctest"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/table"
)

// TestCostDoesNotGrow counts the round trips of the common operations with few licenses and with
// many, over few shards and over as many as there can be: they are the same, and as few as
// docs/design.md demands (design, decision 7). What is read side by side is one round trip.
func TestCostDoesNotGrow(t *testing.T) {
	for _, n := range []int{120, 3_000} {
		for _, shards := range []int{record.FirstShards, record.MostShards} {
			t.Run(fmt.Sprintf("%d licenses in %d shards", n, shards), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { costOf(t, n, shards) })
			})
		}
	}
}

func costOf(t *testing.T, n, shards int) {
	o := open(t)
	o.must(o.kernel.Spread(o.ctx, o.call(), shards))
	ids := o.buy("live-reports", n/2, "CC-1")
	o.buy("developer", n/2, "CC-2")
	o.hire("Ann", "Bob", "Cid", "Dan")
	made := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = made
	const page = 50
	list := func(f inventory.Filter) {
		t.Helper()
		got, _, err := o.reads.List(o.ctx, o.call(), f, "", page)
		o.must(err)
		if len(got) != page {
			t.Fatalf("%d licenses by %+v", len(got), f)
		}
	}
	list(inventory.Filter{}) // the first of a process also asks whether the orders are confirmed
	list(inventory.Filter{Products: []string{"live-reports"}})
	made.Take()
	expect := func(what string, reads, commits int) {
		t.Helper()
		if got := made.Take(); got.Reads > reads || got.Commits != commits {
			t.Errorf("%s: %+v, want %d reads and %d commits", what, got, reads, commits)
		}
	}
	for _, f := range []inventory.Filter{
		{},
		{Products: []string{"developer"}},
		{CostCenters: []string{"CC-1"}},
		{Statuses: []Status{Available}},
		{Statuses: []Status{Available}, Products: []string{"live-reports"}},
		{CostCenters: []string{"CC-2"}, Products: []string{"developer"}},
	} {
		list(f)
		got := made.Take()
		if got.Items > 2*(page+1) || got.Reads > 3+shards/4 || got.Commits != 0 {
			t.Errorf("%+v: %+v for a page of %d in %d shards", f, got, page, shards)
		}
	}
	_, err := o.reads.Summary(o.ctx, o.call())
	o.must(err)
	expect("summary", 1, 0)
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[0], "ann", "")
	o.must(err)
	expect("assign", 1, 1)
	searched := 1
	if n/2 < 20*shards {
		searched = 2 // the shard by chance may be empty
	}
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "developer", "bob", "")
	o.must(err)
	expect("assign by product", searched, 1)
	o.kernel = NewService(o.kernel.products)
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "developer", "ann", "")
	o.must(err)
	expect("assign by product in a new process", searched, 1)
	o.must(o.grant("cid", "developer", Direct))
	expect("grant", 1+searched, 1)
	o.kernel = NewService(o.kernel.products)
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[1], "bob", "")
	o.must(err)
	expect("assign in a new process", 1, 1)
	_, _, err = o.reads.Get(o.ctx, o.call(), ids[1])
	o.must(err)
	expect("get", 1, 0)
	o.kernel = NewService(o.kernel.products)
	_, _, err = o.reads.Get(o.ctx, o.call(), ids[1])
	o.must(err)
	expect("get in a new process", 1, 0)
}

// TestAListThatStandsStillCostsLittle has twenty people wait for a seat that nobody frees: a look at
// their list reads the entries that name it, the account and the counts, and writes nothing.
func TestAListThatStandsStillCostsLittle(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 3, "CC-1")
	for _, user := range o.staff(23) {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	var units float64
	o.Env.Table = table.Counted(o.Env.Table, func(_ string, capacity float64) { units += capacity })
	o.must(o.kernel.DrainWaiting(o.ctx, o.Env, o.Account))
	if units > 5 {
		t.Errorf("a look at a list that stands still takes %g units", units)
	}
	o.wantCounts("live-reports", "3/3 free 0 waiting 20")
}
