package inventory

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Span is a part of what a billing period counts that has ended.
type Span = record.Span

// Keep is the operation that keeps what a commit ends beside licenses and grants, which is at least one
// span.
func Keep(c *call.Call, spans ...Span) (table.Operation, error) {
	data, err := call.Encode(record.Spans{Spans: spans})
	item := record.SpansItem(c.Account, c.At, c.Env.IDs.Ordered())
	item.Data = data
	return table.Put(item, table.IfAbsent), err
}

// Spans lists what ended at a moment or later, in that order: licenses, how they were charged and
// who held them, and who waited. It is one query, strongly consistent, of an item for each commit
// that ended something.
func (d *Service) Spans(ctx context.Context, c *call.Call, since time.Time) ([]Span, error) {
	var spans []Span
	first := record.SpansKey(c.Account, since, "")
	query := table.Query{Partition: first.Partition, From: first.Sort}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		some, err := call.Decode[record.Spans](item)
		spans = append(spans, some.Spans...)
		return err
	})
	return spans, err
}

// Metered lists the metered licenses that there are now, in no order. It reads an index, so a change
// of a moment ago may be missing.
func (d *Service) Metered(ctx context.Context, c *call.Call) ([]record.License, error) {
	shards, err := d.records.Shards(ctx, c)
	if err != nil {
		return nil, err
	}
	var queries []table.Query
	for shard := range shards {
		for _, p := range d.products.Select("", catalog.Metered) {
			queries = append(queries, table.Query{
				Index: table.Index3, Partition: record.LicensesByStatus(c.Account, shard),
				Prefix: record.Joined(string(record.Assigned), p.ID, p.ID, ""),
			})
		}
	}
	return d.licensesOf(ctx, c, queries)
}

// Ever lists every license that there is or was, in no order. It reads the base table, so it is
// exact, and reads every license that was ever made: for who closes a period.
func (d *Service) Ever(ctx context.Context, c *call.Call) ([]record.License, error) {
	queries := make([]table.Query, 0, record.MostShards)
	for digit := range record.MostShards {
		queries = append(
			queries,
			table.Query{Partition: record.LicenseKey(c.Account, fmt.Sprintf("%x", digit)).Partition},
		)
	}
	return d.licensesOf(ctx, c, queries)
}

// readers is how many of those queries are on their way at once.
const readers = 8

// licensesOf reads the licenses of some queries, each once, but for those whose orders are not
// confirmed.
func (d *Service) licensesOf(ctx context.Context, c *call.Call, queries []table.Query) ([]record.License, error) {
	parts := make([][]record.Document, len(queries))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, query := range queries {
		group.Go(func() error {
			return table.All(reading, c.Env.Table, query, func(item table.Item) error {
				l, err := call.Decode[record.Document](item)
				if l.Kind == catalog.Metered {
					l.CostCenter = l.HolderCostCenter
				}
				l.Grants, l.UserName, l.Extension = nil, "", "" // a period has no use for them
				parts[i] = append(parts[i], l)
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var licenses []record.License
	there := map[string]bool{}
	for _, part := range parts {
		seen, err := d.records.Sight(ctx, c, part)
		if err != nil {
			return nil, err
		}
		for _, l := range part {
			if !there[l.ID] && seen(l) {
				there[l.ID] = true
				licenses = append(licenses, l.License)
			}
		}
	}
	return licenses, nil
}

// Queue lists everybody who waits for a product now.
func (d *Service) Queue(ctx context.Context, c *call.Call, product string) ([]record.Wait, error) {
	var waits []record.Wait
	query := table.Query{Partition: record.WaitPartition(c.Account), Prefix: record.Joined(product, "")}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		w, err := call.Decode[record.Wait](item)
		waits = append(waits, w)
		return err
	})
	return waits, err
}
