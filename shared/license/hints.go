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
}

// take hands out what is remembered, to one caller only; two that chose from the same seats would get into each other's way.
func (h *hints) take(name string, at time.Time) *pool {
	h.mu.Lock()
	defer h.mu.Unlock()
	remembered, ok := h.pools[name]
	if !ok {
		return nil
	}
	delete(h.pools, name)
	if age := at.Sub(remembered.at); age < 0 || age > hintLife {
		return nil
	}
	return &remembered.pool
}

// keep remembers what is left of a pool.
func (h *hints) keep(name string, at time.Time, left *pool) {
	if len(left.free) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pools == nil || len(h.pools) >= hintedPools {
		h.pools = map[string]hint{}
	}
	h.pools[name] = hint{at: at, pool: pool{at: at, free: left.free, vers: left.vers}}
}

// keepPools remembers what a change that is committed has left of the pools it read.
func (ch *Change) keepPools() {
	for product, pl := range ch.pools {
		// A seat read twice, once as a hint, may be taken and still be in the list.
		pl.free = slices.DeleteFunc(pl.free, func(l stored) bool { return ch.licenses[l.ID] != nil })
		ch.desk.hints.keep(ch.c.Account+"#"+product, pl.at, pl)
	}
}
