package inventory

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Free counts free licenses of a product by whom they may serve.
type Free struct {
	// Open are those of cost centers that are not fenced.
	Open int64
	// Fenced are those of fenced cost centers, by their codes.
	Fenced map[string]int64
}

// For is how many people get a license when that number of each cost center want one, at most: those
// behind fences serve their own.
func (f Free) For(wanted map[string]int64) int64 {
	n := f.Open
	for code, free := range f.Fenced {
		n += min(free, wanted[code])
	}
	return n
}

// Fenced lists the cost centers of the account that are fenced. It reads one item.
func (d *Service) Fenced(ctx context.Context, c *call.Call) ([]string, error) {
	f, err := fences(ctx, c)
	return f.Codes, err
}

func fences(ctx context.Context, c *call.Call) (record.Fences, error) {
	item, ok, err := c.Get(ctx, record.FencesKey(c.Account))
	if err != nil || !ok {
		return record.Fences{}, err
	}
	return call.Decode[record.Fences](item)
}

// Free counts the free licenses of a product by whom they may serve. It reads every one of them,
// strongly consistent, so it is for who asks because of a fence.
func (d *Service) Free(ctx context.Context, c *call.Call, product string) (Free, error) {
	free := Free{Fenced: map[string]int64{}}
	f, err := fences(ctx, c)
	if err != nil {
		return free, err
	}
	shards, err := d.records.Shards(ctx, c)
	if err != nil {
		return free, err
	}
	parts := make([][]record.Document, shards)
	group, reading := errgroup.WithContext(ctx)
	for shard := range shards {
		q := table.Query{Partition: record.FreePartition(c.Account, product, shard)}
		group.Go(func() error {
			return table.All(reading, c.Env.Table, q, func(item table.Item) error {
				l, err := call.Decode[record.Document](item)
				parts[shard] = append(parts[shard], l)
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return free, err
	}
	all := slices.Concat(parts...)
	seen, err := d.records.Sight(ctx, c, all)
	if err != nil {
		return free, err
	}
	for _, l := range all {
		switch {
		case !seen(l):
		case f.Has(l.CostCenter):
			free.Fenced[l.CostCenter]++
		default:
			free.Open++
		}
	}
	return free, nil
}

// FencedSeats are free licenses of a cost center that serve its own users only.
type FencedSeats struct {
	CostCenter string `json:"costCenter"`
	Free       int64  `json:"free" doc:"Licenses of the product that are free."`
}

// kept are the free licenses of a product that fences keep from somebody of a cost center, by their
// own.
func (f Free) kept(from string) []FencedSeats {
	var list []FencedSeats
	for _, code := range slices.Sorted(maps.Keys(f.Fenced)) {
		if code != from {
			list = append(list, FencedSeats{CostCenter: code, Free: f.Fenced[code]})
		}
	}
	return list
}
