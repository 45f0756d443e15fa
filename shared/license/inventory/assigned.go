package inventory

import (
	"context"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Assigned visits every license that somebody holds, in no order, in pages of 1,000 of the index by
// status: what was assigned a moment ago may be missing.
func (d *Service) Assigned(ctx context.Context, c *call.Call, visit func(record.License) error) error {
	shards, err := d.records.Shards(ctx, c)
	if err != nil {
		return err
	}
	for shard := range shards {
		query := table.Query{
			Index:     table.Index3,
			Partition: record.LicensesByStatus(c.Account, shard),
			Prefix:    record.Joined(string(record.Assigned), ""),
		}
		err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
			l, err := call.Decode[record.Document](item)
			if err != nil {
				return err
			}
			return visit(l.License)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
