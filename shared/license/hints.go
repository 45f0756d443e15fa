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
	// more and came are how many to take ahead, and when the front was used last.
	more int
	came time.Time
	shun bool // see avoid
}

// fresh is what is remembered of a pool and not too old.
func (k hint) fresh(at time.Time) (*pool, bool) {
	if age := at.Sub(k.at); age < 0 || age > hintLife || len(k.pool.free) == 0 {
		return nil, false
	}
	return &k.pool, true
}

// left is how many seats are remembered.
func (h *hints) left(name string, at time.Time) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if pl, ok := h.pools[name].fresh(at); ok {
		return len(pl.free)
	}
	return 0
}

// take hands out what is remembered, to one caller only; two that chose from the same seats would get into each other's way.
func (h *hints) take(name string, at time.Time) *pool {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.pools[name]
	pl, ok := kept.fresh(at)
	if ok {
		kept.pool = pool{}
		h.pools[name] = kept
	}
	return pl
}

// ahead is how many seats of a run the process takes out of the front beyond those it needs at once: none the first time, so that a process that lives for one request, or comes
// seldom, keeps nothing from others, and more each time that it comes again soon.
func (h *hints) ahead(name string, at time.Time) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pools[name].ahead(at)
}

func (k hint) ahead(at time.Time) int {
	if at.Sub(k.came) > hintLife {
		return 0
	}
	return k.more
}

// avoid leaves the front alone the next time, since others are coming to it at the same time; shun asks for that, once.
func (h *hints) avoid(name string) {
	h.change(name, func(k *hint) { k.shun = true })
}

func (h *hints) shun(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.pools[name]
	if kept.shun {
		kept.shun = false
		h.pools[name] = kept
		return true
	}
	return false
}

// keep remembers what is left of a pool, and, unless that was read itself, what was remembered before; taken says of which seats that is no longer true.
func (h *hints) keep(name string, at time.Time, left *pool, taken func(offer) bool) {
	h.change(name, func(k *hint) {
		if left.fronted {
			k.more, k.came = min(2*k.ahead(at)+1, frontAhead), at
		}
		free, since := left.free, left.at
		before, ok := k.fresh(at)
		if ok && !left.read { // who reads the same pool twice finds the same seats
			free = newest(free, slices.DeleteFunc(slices.Clone(before.free), taken)...)
			if k.at.Before(since) {
				since = k.at
			}
		}
		if ok || len(free) > 0 {
			k.at, k.pool = since, pool{at: since, free: free}
		}
	})
}

func (h *hints) change(name string, change func(k *hint)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept, ok := h.pools[name]
	if !ok && (h.pools == nil || len(h.pools) >= hintedPools) {
		h.pools = map[string]hint{}
	}
	change(&kept)
	h.pools[name] = kept
}

// newest adds free licenses to others; of two states of one license the newer one stays.
func newest(free []offer, more ...offer) []offer {
	for _, o := range more {
		switch i := slices.IndexFunc(free, func(known offer) bool { return known.ID == o.ID }); {
		case i < 0:
			free = append(free, o)
		case free[i].LicenseVersion < o.LicenseVersion:
			free[i] = o
		}
	}
	return free
}

// keepPools remembers what a change that is committed has left of the pools it read, but for what the front names.
func (ch *Change) keepPools() {
	for product, pl := range ch.pools {
		if pl.fronted && !(ch.frontKept && ch.drew(product)) {
			continue
		}
		// A seat read twice, once as a hint, may be taken and still be in the list.
		taken := func(o offer) bool { return ch.licenses[o.ID] != nil || ch.named[o.ID] }
		pl.free = slices.DeleteFunc(pl.free, taken)
		ch.desk.hints.keep(ch.c.Account+"#"+product, ch.c.At, pl, taken)
	}
}
