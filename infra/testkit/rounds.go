package testkit

import (
	"context"
	"sync"
	"time"

	"seatwise/shared/platform/table"
)

// Rounds wraps a store and counts round trips: reads that are made side by side are one. A read
// waits a moment before it is made, so that those beside it have begun. Within synctest.Test, where
// its tests belong, that moment takes no time, and ends only when every goroutine of the test
// waits.
type Rounds struct {
	table.Store
	mu             sync.Mutex
	flying         int
	reads, commits int
	items          int
}

// roundWait is far longer than a goroutine takes to begin, also on a machine that does much else.
const roundWait = 15 * time.Millisecond

func (r *Rounds) begin() {
	r.mu.Lock()
	if r.flying == 0 {
		r.reads++
	}
	r.flying++
	r.mu.Unlock()
	<-time.After(roundWait)
}

func (r *Rounds) end(items int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying--
	r.items += items
}

// Lookup implements table.Store.
func (r *Rounds) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	r.begin()
	found, err := r.Store.Lookup(ctx, keys...)
	r.end(0)
	return found, err
}

// Query implements table.Store.
func (r *Rounds) Query(ctx context.Context, q table.Query) (table.Page, error) {
	r.begin()
	page, err := r.Store.Query(ctx, q)
	r.end(len(page.Items))
	return page, err
}

// Commit implements table.Store.
func (r *Rounds) Commit(ctx context.Context, ops []table.Operation) error {
	r.mu.Lock()
	r.commits++
	r.mu.Unlock()
	return r.Store.Commit(ctx, ops)
}

// Trips are round trips of reads, commits tried, and items that queries answered.
type Trips struct{ Reads, Commits, Items int }

// Take is what was counted since the last Take.
func (r *Rounds) Take() Trips {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := Trips{r.reads, r.commits, r.items}
	r.reads, r.commits, r.items = 0, 0, 0
	return t
}
