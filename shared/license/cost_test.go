package license

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"seatwise/shared/platform/table"
)

// calls counts calls to the table by their DynamoDB operation.
type calls struct {
	mu   sync.Mutex
	made map[string]int
}

func (c *calls) on(inner table.Store) table.Store {
	return table.Counted(inner, func(op string, _ float64) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.made == nil {
			c.made = map[string]int{}
		}
		c.made[op]++
	})
}

// take is what was counted since the last take.
func (c *calls) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made
	c.made = nil
	return made
}

// TestCostDoesNotGrow counts the calls of the common operations with few licenses and with many: they are the same, and as few as issue 3 demands.
func TestCostDoesNotGrow(t *testing.T) {
	for _, n := range []int{60, 3_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			o := open(t)
			ids := o.buy("live-reports", n/2, "CC-1")
			o.buy("developer", n/2, "CC-2")
			o.hire("Ann", "Bob", "Cid")
			var made calls
			o.Env.Table = made.on(o.Env.Table)
			list := func(f Filter) {
				t.Helper()
				page, _, err := o.desk.List(o.ctx, o.call(), f, "", 20)
				o.must(err)
				if len(page) != 20 {
					t.Fatalf("%d licenses by %+v", len(page), f)
				}
			}
			list(Filter{}) // the first of a process also asks whether the orders are confirmed
			list(Filter{Product: "live-reports"})
			made.take()
			expect := func(what string, want map[string]int) {
				t.Helper()
				if got := made.take(); !maps.Equal(got, want) {
					t.Errorf("%s: %v, want %v", what, got, want)
				}
			}
			one := map[string]int{"Query": 1}
			for _, f := range []Filter{
				{},
				{Product: "developer"},
				{CostCenters: []string{"CC-1"}},
				{Status: Available},
				{Status: Available, Product: "live-reports"},
				{CostCenters: []string{"CC-2"}, Product: "developer"},
			} {
				list(f)
				expect(fmt.Sprintf("%+v", f), one)
			}
			_, err := o.desk.Summary(o.ctx, o.call())
			o.must(err)
			expect("summary", one)
			readAndCommit := map[string]int{"BatchGetItem": 1, "TransactWriteItems": 1}
			_, err = o.desk.Assign(o.ctx, o.call(), ids[0], "ann", "")
			o.must(err)
			expect("assign", readAndCommit)
			_, err = o.desk.AssignProduct(o.ctx, o.call(), "developer", "bob", "")
			o.must(err)
			expect("assign by product", readAndCommit)
			_, err = o.desk.AssignProduct(o.ctx, o.call(), "developer", "ann", "")
			o.must(err)
			expect("assign by product again", readAndCommit)
			o.must(o.grant("cid", "developer", Direct))
			expect("grant", readAndCommit)
			o.desk = NewDesk(o.desk.products)
			_, err = o.desk.Assign(o.ctx, o.call(), ids[1], "bob", "")
			o.must(err)
			expect("assign in a new process", readAndCommit)
			_, _, err = o.desk.Get(o.ctx, o.call(), ids[1])
			o.must(err)
			expect("get", map[string]int{"GetItem": 1})
			o.desk = NewDesk(o.desk.products)
			_, _, err = o.desk.Get(o.ctx, o.call(), ids[1])
			o.must(err)
			expect("get in a new process", map[string]int{"BatchGetItem": 1})
		})
	}
}
