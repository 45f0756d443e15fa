package license

import (
	"slices"
	"sync"
	"time"
)

const (
	// hintLife is how long what a process has read of a pool is tried before it is read again.
	hintLife = 10 * time.Minute
	// hintedPools is of how many pools a process remembers something; beyond that it forgets all of them.
	hintedPools = 256
)

// hints remembers, for a moment, the free seats that a process has read and not used, so that the next assignment by product needs no query. They are no more than
// hints: a seat is taken only at the version that was read, so a seat that is gone refuses the commit, and the repetition reads the pool. That nothing is left is never
// concluded from them. Old ones cost a refused commit and a query, so they may live long: the admin's next click is seldom within seconds of the last.
type hints struct {
	mu    sync.Mutex
	pools map[string]hint
}

type hint struct {
	at   time.Time // when the pool was read, which using it does not change
	pool pool
	more int // see ahead
}

// fresh is what is remembered of a pool and not too old.
func (h *hints) fresh(name string, at time.Time) (*pool, bool) {
	remembered, ok := h.pools[name]
	if age := at.Sub(remembered.at); !ok || age < 0 || age > hintLife || len(remembered.pool.free) == 0 {
		return nil, false
	}
	return &remembered.pool, true
}

// left is how many seats are remembered.
func (h *hints) left(name string, at time.Time) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if pl, ok := h.fresh(name, at); ok {
		return len(pl.free)
	}
	return 0
}

// take hands out what is remembered, to one caller only; two that chose from the same seats would get into each other's way.
func (h *hints) take(name string, at time.Time) *pool {
	h.mu.Lock()
	defer h.mu.Unlock()
	pl, _ := h.fresh(name, at)
	if kept, ok := h.pools[name]; ok {
		kept.pool = pool{}
		h.pools[name] = kept
	}
	return pl
}

// ahead is how many seats of a run the process takes out of the front beyond those it needs at once: none the first time, so that a process that lives for one request keeps
// nothing from others, and more each time.
func (h *hints) ahead(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return min(h.pools[name].more, frontAhead)
}

// keep remembers what is left of a pool.
func (h *hints) keep(name string, left *pool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept, ok := h.pools[name]
	if !ok && (h.pools == nil || len(h.pools) >= hintedPools) {
		h.pools = map[string]hint{}
	}
	if left.fronted {
		kept.more = min(2*kept.more+1, frontAhead)
	}
	if len(left.free) > 0 {
		kept.at, kept.pool = left.at, pool{at: left.at, free: left.free, vers: left.vers}
	}
	h.pools[name] = kept
}

// keepPools remembers what a change that is committed has left of the pools it read. What it found in the front and took nothing of is still there.
func (ch *Change) keepPools() {
	for product, pl := range ch.pools {
		if pl.fronted && !ch.drewFrom(pl) {
			continue
		}
		// A seat read twice, once as a hint, may be taken and still be in the list.
		pl.free = slices.DeleteFunc(pl.free, func(l stored) bool { return ch.licenses[l.ID] != nil || ch.named[l.ID] })
		ch.desk.hints.keep(ch.c.Account+"#"+product, pl)
	}
}
