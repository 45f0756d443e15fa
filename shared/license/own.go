package license

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The pool is in the order of ids, so what is read of it has the cost centers mixed as they are in
// it. Where the one that is wished for is not among them, the index of licenses by status names free
// ones of it, and their entries in the pool, which are strongly consistent, say which of them are
// free. An index may be late: then somebody gets a seat of another cost center although one of their
// own has just become free; nobody waits for that, since whoever finds no seat at all has read the
// whole pool.

// search is how far the licenses of one cost center were looked for in the index.
type search struct {
	rest  []stretch
	limit int
}

// done says whether the index has no more of them.
func (s *search) done() bool { return s != nil && len(s.rest) == 0 }

// seekOwn looks for free licenses of cost centers, all at once: two round trips.
func (u *UnitOfWork) seekOwn(ctx context.Context, wanted map[asked]int) error {
	if len(wanted) == 0 {
		return nil
	}
	if err := u.knowShards(ctx); err != nil {
		return err
	}
	order := slices.SortedFunc(maps.Keys(wanted), compareAsked)
	var stretches []*stretch
	for _, a := range order {
		s := u.searched(a, wanted[a])
		for i := range s.rest {
			s.rest[i].query.Limit = min(s.limit, table.MaxPage)
			stretches = append(stretches, &s.rest[i])
		}
		s.limit *= poolGrowth
	}
	if err := u.query(ctx, stretches)(); err != nil {
		return err
	}
	var entries []table.Key
	for _, a := range order {
		keys, err := u.named(a)
		if err != nil {
			return err
		}
		entries = append(entries, keys...)
	}
	found, err := u.c.Env.Table.Lookup(ctx, entries...)
	if err != nil {
		return err
	}
	for _, a := range order {
		pl := u.pools[a.product]
		known := len(pl.free)
		for _, key := range entries {
			item, free := found[key]
			if !free || !record.InPool(key, u.account, a.product) {
				continue
			}
			if err := u.takeOffer(pl, item); err != nil {
				return err
			}
		}
		u.mix(pl, known)
	}
	return nil
}

// searched is the search for licenses of a cost center, begun at a point by chance in every shard.
func (u *UnitOfWork) searched(a asked, n int) *search {
	pl := u.pools[a.product]
	if s := pl.own[a.costCenter]; s != nil {
		return s
	}
	s := &search{limit: n + poolPage}
	start := fmt.Sprintf("%04x", u.c.Env.Pick(1<<16))
	for shard := range u.shards {
		in, prefix := u.service.records.AvailableOf(u.account, a.product, a.costCenter, shard)
		q := table.Query{Index: table.Index3, Partition: in, Prefix: prefix}
		after, before := q, q
		after.From = prefix + start
		before.To, before.Backwards = prefix+start, true
		s.rest = append(s.rest, stretch{query: after}, stretch{query: before})
	}
	if pl.own == nil {
		pl.own = map[string]*search{}
	}
	pl.own[a.costCenter] = s
	return s
}

// named are the entries in the pool of those licenses that the index names and that are not known.
func (u *UnitOfWork) named(a asked) ([]table.Key, error) {
	pl := u.pools[a.product]
	s := pl.own[a.costCenter]
	var keys []table.Key
	var unread []stretch
	for _, one := range s.rest {
		for _, item := range one.page.Items {
			l, err := call.Decode[record.Document](item)
			if err != nil {
				return nil, err
			}
			if !pl.seen[l.ID] {
				keys = append(keys, l.FreeKey(u.account))
			}
		}
		if one.page.Next != "" {
			one.query.After, one.page = one.page.Next, table.Page{}
			unread = append(unread, one)
		}
	}
	s.rest = unread
	return keys, nil
}

// knowShards reads over how many shards the account is spread, once.
func (u *UnitOfWork) knowShards(ctx context.Context) (err error) {
	if u.shards == 0 {
		u.shards, err = u.service.records.Shards(ctx, u.c)
	}
	return err
}
