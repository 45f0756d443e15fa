package inventory

import (
	"context"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// merge reads a range of several partitions of an index in one order.
type merge struct {
	store   table.Store
	streams []*stream
	read    int // items in all
}

// stream is what was read of one partition and not yet given out.
type stream struct {
	query table.Query
	items []table.Item
	fresh int  // how many of them the last read has brought
	done  bool // nothing is left to be read
}

func (s *stream) sort() string { return s.items[0].IndexKeys[s.query.Index-1].Sort }

// span is a range of an index: what begins with a prefix and is behind a position.
type span struct {
	spreadIndex
	prefix, after string
}

// merged reads a number of items of a span, in their order, from all shards of the account; done
// says that there are no more. It reads twice as many as it is asked for at most, or one of each
// shard: first somewhat more than its share of each, then on where that is used up; only where one
// shard has nearly all, which random ids do not come to, it may be more.
func (d *Service) merged(
	ctx context.Context, c *call.Call, of span, limit int,
) (items []table.Item, done bool, err error) {
	shards := d.records.KnownShards(c.Account)
	m := merge{store: c.Env.Table}
	// and about how much a share differs by chance
	share := max(1, limit/shards+int(math.Sqrt(float64(limit)/float64(shards))))
	var counting errgroup.Group
	counting.Go(func() (err error) {
		_, err = d.records.Shards(ctx, c)
		return err
	})
	for stored := shards; len(m.streams) < stored; stored = d.records.KnownShards(c.Account) {
		from := len(m.streams)
		for n := from; n < stored; n++ {
			q := table.Query{Index: of.Index, Partition: of.partition(c.Account, n), Prefix: of.prefix}
			if of.after != "" {
				q.From = of.after + "\x00"
			}
			m.streams = append(m.streams, &stream{query: q})
		}
		err := m.fill(ctx, m.streams[from:], share)
		if counted := counting.Wait(); err == nil {
			err = counted
		}
		if err != nil {
			return nil, false, err
		}
	}
	return m.next(ctx, limit)
}

// fill reads on in some partitions at once.
func (m *merge) fill(ctx context.Context, streams []*stream, each int) error {
	var group errgroup.Group
	for _, s := range streams {
		group.Go(func() error {
			s.query.Limit = each
			page, err := m.store.Query(ctx, s.query)
			s.items, s.fresh = append(s.items, page.Items...), len(page.Items)
			s.query.After, s.done = page.Next, page.Next == ""
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, s := range streams {
		m.read += s.fresh
	}
	return nil
}

// next gives out the least items.
func (m *merge) next(ctx context.Context, limit int) (items []table.Item, done bool, err error) {
	for {
		var least *stream
		var dry, low []*stream
		need := limit - len(items)
		for _, s := range m.streams {
			if !s.done && len(s.items) <= need/len(m.streams)+2 {
				low = append(low, s)
			}
			switch {
			case len(s.items) == 0 && !s.done:
				dry = append(dry, s)
			case len(s.items) > 0 && (least == nil || s.sort() < least.sort()):
				least = s
			}
		}
		switch {
		case least == nil && len(dry) == 0:
			return items, true, nil
		case need == 0:
			return items, false, nil
		case len(dry) == 0:
			items, least.items = append(items, least.items[0]), least.items[1:]
			continue
		}
		// Who is low will soon be dry too, so the lowest are read on, as far as it stays at twice
		// the limit even if each item that is still needed takes a read of its own.
		slices.SortStableFunc(low, func(a, b *stream) int { return len(a.items) - len(b.items) })
		module := max(2*limit-m.read-need, len(dry))
		low = low[:min(len(low), module)]
		if err := m.fill(ctx, low, max(1, min(need/len(m.streams)+2, module/len(low)))); err != nil {
			return nil, false, err
		}
	}
}
