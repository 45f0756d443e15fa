package license

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

const (
	// poolPage is how many free licenses a change reads beyond those that it wants. A point in the key range is chosen by chance, and one of the licenses behind it
	// by chance again, so that hardly two of many callers come for the same one.
	poolPage = 8
	// poolGrowth is by how much each further read of the same pool is larger.
	poolGrowth = 8
	// mostUnsure is of how many orders a commit demands that they are confirmed: what fits beside MaxAtomic items.
	mostUnsure = 2
)

// pool is what a change has read of the free licenses of a product. What it has read stays read, whichever verbs are taken back: a license is in use when the
// change has it.
type pool struct {
	free []offer
	// rest are the stretches of the key range that are not read to their end: from the point by chance on, from the beginning to there, and the other shards.
	rest   []stretch
	shards int // how many shards are in rest, or were
	limit  int // of the next read
}

// stretch is a part of a pool's key range with the page of it that was just read.
type stretch struct {
	query table.Query
	page  table.Page
}

// spread remembers over how many shards accounts are spread. Their number only grows, so what is remembered is never too much: who must see every license looks
// at what is stored now.
type spread struct{ accounts sync.Map }

// shardCount is the document of shardsKey.
type shardCount struct {
	Shards int `json:"shards"`
}

// of is the number that is known.
func (s *spread) of(account string) int {
	known, _ := s.accounts.Load(account)
	if n, ok := known.(int); ok {
		return n
	}
	return firstShards
}

// read takes the number from what was read of shardsKey.
func (s *spread) read(account string, found map[table.Key]table.Item) (int, error) {
	item, ok := found[shardsKey(account)]
	if !ok {
		return s.of(account), nil
	}
	count, err := call.Decode[shardCount](item)
	if err != nil {
		return 0, err
	}
	n := max(count.Shards, s.of(account))
	s.accounts.Store(account, n)
	return n, nil
}

// shards reads the number as it is now.
func (d *Desk) shards(ctx context.Context, c *call.Call) (int, error) {
	found, err := c.Env.Table.Lookup(ctx, shardsKey(c.Account))
	if err != nil {
		return 0, err
	}
	return d.spread.read(c.Account, found)
}

// Spread makes the account's licenses be spread over at least so many shards, at most 16, from now on: for accounts in which more happens at once than the
// partitions of a pool and of the indexes bear. Licenses move as they are written.
func (d *Desk) Spread(ctx context.Context, c *call.Call, shards int) error {
	shards = min(shards, mostShards)
	return call.Decide(ctx, func(ctx context.Context) error {
		item, exists, err := table.Get(ctx, c.Env.Table, shardsKey(c.Account))
		if err != nil {
			return err
		}
		found := map[table.Key]table.Item{item.Key: item}
		if n, err := d.spread.read(c.Account, found); err != nil || n >= shards {
			return err
		}
		data, err := call.Encode(shardCount{Shards: shards})
		if err != nil {
			return err
		}
		put := table.Put(table.Item{Key: shardsKey(c.Account), Data: data}, version(exists, item.Version))
		return c.Env.Table.Commit(ctx, []table.Operation{put})
	})
}

// openPools prepares the pools of products of which free licenses are wanted, but for those that are open. Nothing is read yet.
func (ch *Change) openPools(wanted map[string]int) []*pool {
	var opened []*pool
	for _, p := range ch.desk.products.Products() {
		if wanted[p.ID] == 0 || ch.pools[p.ID] != nil {
			continue
		}
		pl := &pool{shards: ch.desk.spread.of(ch.c.Account), limit: wanted[p.ID] + poolPage}
		first := ch.c.Env.Pick(pl.shards)
		start := fmt.Sprintf("%04x", ch.c.Env.Pick(1<<16))
		in := freePartition(ch.c.Account, p.ID, first)
		pl.rest = []stretch{{query: table.Query{Partition: in, From: start}}, {query: table.Query{Partition: in, To: start}}}
		for n := 1; n < pl.shards; n++ {
			pl.rest = append(pl.rest, stretch{query: table.Query{Partition: freePartition(ch.c.Account, p.ID, (first+n)%pl.shards)}})
		}
		ch.pools[p.ID] = pl
		opened = append(opened, pl)
	}
	return opened
}

// lookup reads items and, beside them in one round trip, the first licenses of pools that were just opened.
func (ch *Change) lookup(ctx context.Context, opened []*pool, keys []table.Key) (map[table.Key]table.Item, error) {
	if len(opened) > 0 && ch.shards == 0 {
		keys = append(keys, shardsKey(ch.c.Account))
	}
	var first []*stretch
	for _, pl := range opened {
		first = append(first, pl.stretches(2)...)
	}
	wait := ch.query(ctx, first)
	found, err := ch.c.Lookup(ctx, keys...)
	if queried := wait(); err == nil {
		err = queried
	}
	if err != nil {
		return nil, err
	}
	for _, pl := range opened {
		if err := pl.take(2); err != nil {
			return nil, err
		}
	}
	if len(opened) > 0 && ch.shards == 0 {
		if ch.shards, err = ch.desk.spread.read(ch.c.Account, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// stretches are the first n, with the limit of the next read.
func (pl *pool) stretches(n int) []*stretch {
	list := make([]*stretch, n)
	for i := range list {
		list[i] = &pl.rest[i]
		list[i].query.Limit = min(pl.limit, table.MaxPage)
	}
	pl.limit *= poolGrowth
	return list
}

// query reads stretches, all at once; wait waits for the pages.
func (ch *Change) query(ctx context.Context, stretches []*stretch) (wait func() error) {
	var group errgroup.Group
	for _, s := range stretches {
		group.Go(func() (err error) {
			s.page, err = ch.c.Env.Table.Query(ctx, s.query)
			return err
		})
	}
	return group.Wait
}

// take takes in the pages of the first n stretches.
func (pl *pool) take(n int) error {
	var unread []stretch
	for _, s := range pl.rest[:n] {
		for _, item := range s.page.Items {
			o, err := call.Decode[offer](item)
			if err != nil {
				return err
			}
			pl.free = append(pl.free, o)
		}
		if s.page.Next != "" {
			s.query.After, s.page = s.page.Next, table.Page{}
			unread = append(unread, s)
		}
	}
	pl.rest = append(unread, pl.rest[n:]...)
	return nil
}

// readOn reads on in every stretch that is not at its end; false when there is nothing left to read.
func (ch *Change) readOn(ctx context.Context, product string, pl *pool) (bool, error) {
	if ch.shards == 0 {
		var err error
		if ch.shards, err = ch.desk.shards(ctx, ch.c); err != nil {
			return false, err
		}
	}
	for ; pl.shards < ch.shards; pl.shards++ {
		pl.rest = append(pl.rest, stretch{query: table.Query{Partition: freePartition(ch.c.Account, product, pl.shards)}})
	}
	n := len(pl.rest)
	if n == 0 {
		return false, nil
	}
	if err := ch.query(ctx, pl.stretches(n))(); err != nil {
		return false, err
	}
	return true, pl.take(n)
}

// free chooses a free license of the product, or nil when there is none.
func (ch *Change) free(ctx context.Context, product string) (*licenseState, error) {
	if ch.chosen != nil && ch.chosen.now.ProductID == product {
		return ch.chosen, nil
	}
	// A seat that this very change has freed serves it first.
	for _, l := range ch.licenses {
		if l.now.ProductID == product && l.now.Status == Available && l.before.Status == Assigned {
			return l, nil
		}
	}
	if l, err := ch.draw(ctx, product); l != nil || err != nil {
		return l, err
	}
	if opened := ch.openPools(map[string]int{product: 1}); len(opened) > 0 {
		if _, err := ch.lookup(ctx, opened, nil); err != nil {
			return nil, err
		}
	}
	pl := ch.pools[product]
	for {
		if l, err := ch.choose(ctx, pl); l != nil || err != nil {
			return l, err
		}
		if more, err := ch.readOn(ctx, product, pl); err != nil || !more {
			return nil, err
		}
	}
}

// choose takes one by chance of what was read of the pool. A license of which it is not known whether its order is confirmed is taken on condition that it is,
// which costs no read; two such orders fit into the largest change, and none that has refused it.
func (ch *Change) choose(ctx context.Context, pl *pool) (*licenseState, error) {
	for {
		var sure, unsure, doubtful []offer
		for _, o := range pl.free {
			switch l := ch.licenses[o.ID]; {
			case l != nil && l.now.Status != Available:
			case ch.desk.seen(ch.c.Account, o.stored):
				sure = append(sure, o)
			case ch.mayDemand(markKey(ch.c.Account, o.ID)):
				unsure = append(unsure, o)
			default:
				doubtful = append(doubtful, o)
			}
		}
		switch {
		case len(sure) > 0:
			return ch.pooled(sure[ch.c.Env.Pick(len(sure))]), nil
		case len(unsure) > 0:
			o := unsure[ch.c.Env.Pick(len(unsure))]
			ch.demand(markKey(ch.c.Account, o.ID))
			return ch.pooled(o), nil
		case len(doubtful) == 0:
			return nil, nil
		}
		licenses := make([]stored, len(doubtful))
		for i, o := range doubtful {
			licenses[i] = o.stored
		}
		seen, err := ch.desk.sight(ctx, ch.c, licenses)
		if err != nil {
			return nil, err
		}
		pl.free = slices.DeleteFunc(pl.free, func(o offer) bool { return !seen(o.stored) })
	}
}

// mayDemand says whether the change may demand in its commit that an order is confirmed.
func (ch *Change) mayDemand(mark table.Key) bool {
	return slices.Contains(ch.unsure, mark) || len(ch.unsure) < mostUnsure && !slices.Contains(ch.c.Refused(), mark)
}

// demand makes the commit demand that an order is confirmed.
func (ch *Change) demand(mark table.Key) {
	if !slices.Contains(ch.unsure, mark) {
		ch.unsure = append(slices.Clone(ch.unsure), mark)
	}
}

// pooled is the state of a license as the pool offers it, or as the change has it.
func (ch *Change) pooled(o offer) *licenseState {
	if ch.licenses[o.ID] == nil {
		ch.licenses[o.ID] = &licenseState{version: o.LicenseVersion, exists: true, before: o.stored, now: o.stored}
	}
	return ch.licenses[o.ID]
}
