package license

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/overlay"
)

const (
	// poolPage is how many free licenses are read beyond those that are wanted, on each side of a
	// point in the key range by chance. One of these is chosen by chance again, so that hardly two
	// of many callers come for the same one.
	poolPage = 3
	// poolGrowth is by how much each further read of the same pool is larger.
	poolGrowth = 8
	// mostUnsure is of how many orders a commit demands that they are confirmed: what fits beside
	// MaxAtomic items.
	mostUnsure = 2
)

// pool is what was read of the free licenses of a product, in an order by chance. A decision
// changes nothing of it: a license is in use when the ledger has it.
type pool struct {
	free []freeSeat
	// seen are the ids of all licenses that were ever read, also of those that may not be taken.
	seen map[string]bool
	// rest are the stretches of the key range that are not read to their end: from the point by
	// chance on, from there backwards, and the other shards.
	rest   []stretch
	shards int // how many shards are in rest, or were
	limit  int // of the next read
	whole  bool
	// own is how far the licenses of a cost center were looked for, by its code.
	own map[string]*search
}

// freeSeat is a license as a pool offers it. confirmed says that its order is, so that it may be
// taken; otherwise that depends on the marker of its order.
type freeSeat struct {
	offer
	confirmed bool
	marker    table.Key
}

// stretch is a part of a pool's key range with the page of it that was just read.
type stretch struct {
	query table.Query
	page  table.Page
}

// Spread makes the account's licenses be spread over at least that many shards, at most 16, from
// now on: for accounts in which more happens at once than the partitions of a pool and of the
// indexes bear. Licenses move as they are written.
func (d *Service) Spread(ctx context.Context, c *call.Call, shards int) error {
	if overlay.Dry(ctx) {
		return nil // the process would remember a number that is not stored
	}
	shards = min(shards, record.MostShards)
	return call.Decide(ctx, func(ctx context.Context) error {
		item, exists, err := table.Get(ctx, c.Env.Table, record.ShardsKey(c.Account))
		if err != nil {
			return err
		}
		found := map[table.Key]table.Item{item.Key: item}
		if n, err := d.records.ReadShards(c.Account, found); err != nil || n >= shards {
			return err
		}
		more := state[record.ShardCount]{version: item.Version, exists: exists, now: record.ShardCount{Shards: shards}}
		var w writes
		left(&w, &more, false, table.Item{Key: record.ShardsKey(c.Account)})
		return w.commit(ctx, c.Env.Table.Commit)
	})
}

// openPools prepares the pools of products of which free licenses are wanted, but for those that
// are open. Nothing is read yet.
func (u *UnitOfWork) openPools(wanted map[string]int) []*pool {
	var opened []*pool
	for _, p := range u.service.products.Products() {
		if wanted[p.ID] == 0 || u.pools[p.ID] != nil {
			continue
		}
		pl := &pool{shards: u.service.records.KnownShards(u.c.Account), limit: wanted[p.ID] + poolPage}
		first := u.c.Env.Pick(pl.shards)
		start := fmt.Sprintf("%04x", u.c.Env.Pick(1<<16))
		in := record.FreePartition(u.c.Account, p.ID, first)
		pl.rest = []stretch{
			{query: table.Query{Partition: in, From: start}},
			{query: table.Query{Partition: in, To: start, Backwards: true}},
		}
		for n := 1; n < pl.shards; n++ {
			pl.rest = append(pl.rest, u.shard(p.ID, (first+n)%pl.shards))
		}
		u.pools[p.ID] = pl
		opened = append(opened, pl)
	}
	return opened
}

// lookup reads items and, beside them in one round trip, the first licenses of pools that were just
// opened.
func (u *UnitOfWork) lookup(ctx context.Context, opened []*pool, keys []table.Key) (map[table.Key]table.Item, error) {
	if len(opened) > 0 && u.shards == 0 {
		keys = append(keys, record.ShardsKey(u.c.Account))
	}
	var first []*stretch
	for _, pl := range opened {
		first = append(first, pl.stretches(2)...)
	}
	wait := u.query(ctx, first)
	found, err := u.c.Lookup(ctx, keys...)
	if queried := wait(); err == nil {
		err = queried
	}
	if err != nil {
		return nil, err
	}
	for _, pl := range opened {
		if err := u.takeIn(pl, 2); err != nil {
			return nil, err
		}
	}
	if len(opened) > 0 && u.shards == 0 {
		if u.shards, err = u.service.records.ReadShards(u.c.Account, found); err != nil {
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
func (u *UnitOfWork) query(ctx context.Context, stretches []*stretch) (wait func() error) {
	var group errgroup.Group
	for _, s := range stretches {
		group.Go(func() (err error) {
			s.page, err = u.c.Env.Table.Query(ctx, s.query)
			return err
		})
	}
	return group.Wait
}

// takeIn takes in the pages of the first n stretches.
func (u *UnitOfWork) takeIn(pl *pool, n int) error {
	var unread []stretch
	known := len(pl.free)
	for _, s := range pl.rest[:n] {
		for _, item := range s.page.Items {
			if err := u.takeOffer(pl, item); err != nil {
				return err
			}
		}
		if s.page.Next != "" {
			s.query.After, s.page = s.page.Next, table.Page{}
			unread = append(unread, s)
		}
	}
	pl.rest = append(unread, pl.rest[n:]...)
	u.mix(pl, known)
	return nil
}

// takeOffer takes in an entry of a pool, once.
func (u *UnitOfWork) takeOffer(pl *pool, item table.Item) error {
	o, err := call.Decode[offer](item)
	if err != nil || pl.seen[o.ID] {
		return err
	}
	if pl.seen == nil {
		pl.seen = map[string]bool{}
	}
	pl.seen[o.ID] = true
	s := freeSeat{offer: o, confirmed: u.service.records.Seen(u.account, o.Document)}
	if !s.confirmed {
		s.marker = record.MarkerKey(u.account, o.ID)
	}
	pl.free = append(pl.free, s)
	return nil
}

// mix brings the licenses of a pool from one on into an order by chance.
func (u *UnitOfWork) mix(pl *pool, from int) {
	for i := from; i < len(pl.free); i++ {
		j := i + u.c.Env.Pick(len(pl.free)-i)
		pl.free[i], pl.free[j] = pl.free[j], pl.free[i]
	}
}

// freeSeats reads a number of free licenses of the product that may be taken for people of a cost
// center, their own first, or as many as there are. Those that the caller has already are left out.
func (u *UnitOfWork) freeSeats(
	ctx context.Context, of asked, n int, had map[string]bool,
) (offers []offer, err error) {
	if _, err := u.Load(ctx, Need{Seats: map[string]int{of.product: n}, fences: true}); err != nil {
		return nil, err
	}
	pl := u.pools[of.product]
	if of.costCenter != "" {
		if err := u.seekOwn(ctx, u.lacking(map[asked]int{of: n})); err != nil {
			return nil, err
		}
	}
	for {
		if err := u.vet(ctx, pl); err != nil {
			return nil, err
		}
		offers = nil
		for _, own := range []bool{true, false} {
			for _, s := range pl.free {
				if len(offers) < n && own == (s.CostCenter == of.costCenter) && !had[s.ID] &&
					u.fences.Serves(s.CostCenter, of.costCenter) {
					offers = append(offers, s.offer)
				}
			}
		}
		if len(offers) >= n || pl.whole {
			return offers, nil
		}
		if err := u.readOn(ctx, of.product, pl); err != nil {
			return nil, err
		}
	}
}

// vet finds out of the licenses of a pool that may not be taken yet whether their orders are
// confirmed.
func (u *UnitOfWork) vet(ctx context.Context, pl *pool) error {
	var licenses []record.Document
	for _, s := range pl.free {
		if !s.confirmed {
			licenses = append(licenses, s.Document)
		}
	}
	seen, err := u.service.records.Sight(ctx, u.c, licenses)
	if err != nil {
		return err
	}
	pl.free = slices.DeleteFunc(pl.free, func(s freeSeat) bool { return !seen(s.Document) })
	for i := range pl.free {
		pl.free[i].confirmed = true
	}
	return nil
}

// readOn reads on in every stretch that is not at its end.
func (u *UnitOfWork) readOn(ctx context.Context, product string, pl *pool) error {
	if err := u.knowShards(ctx); err != nil {
		return err
	}
	for ; pl.shards < u.shards; pl.shards++ {
		pl.rest = append(pl.rest, u.shard(product, pl.shards))
	}
	return u.readRest(ctx, pl)
}

// readRest reads the next page of every stretch that is not at its end.
func (u *UnitOfWork) readRest(ctx context.Context, pl *pool) error {
	n := len(pl.rest)
	if err := u.query(ctx, pl.stretches(n))(); err != nil {
		return err
	}
	if err := u.takeIn(pl, n); err != nil {
		return err
	}
	pl.whole = len(pl.rest) == 0
	return nil
}

// shard is the stretch of a whole shard of a product's pool.
func (u *UnitOfWork) shard(product string, n int) stretch {
	return stretch{query: table.Query{Partition: record.FreePartition(u.c.Account, product, n)}}
}

// grown reads the pools that were read to their end once more, and answers the entries that are new
// in them and may be taken. The first part of a pool is read beside the users and not after them, so
// a seat that a user gave back in between was in neither.
func (u *UnitOfWork) grown(ctx context.Context) ([]table.Key, error) {
	var fresh []table.Key
	for _, p := range u.service.products.Products() {
		before := u.pools[p.ID]
		if before == nil || !before.whole {
			continue
		}
		again := &pool{shards: before.shards, limit: table.MaxPage}
		for n := range again.shards {
			again.rest = append(again.rest, u.shard(p.ID, n))
		}
		for !again.whole {
			if err := u.readRest(ctx, again); err != nil {
				return nil, err
			}
		}
		again.free = slices.DeleteFunc(again.free, func(s freeSeat) bool { return before.seen[s.ID] })
		if len(again.free) == 0 {
			continue
		}
		if err := u.vet(ctx, again); err != nil {
			return nil, err
		}
		for _, s := range again.free {
			fresh = append(fresh, s.FreeKey(u.c.Account))
		}
	}
	return fresh, nil
}

// offer is the document of a free license's entry in the pool: the license with the version that
// its own item has.
type offer struct {
	record.Document
	LicenseVersion int64 `json:"licenseVersion"`
}
