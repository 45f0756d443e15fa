package inventory

import (
	"context"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// What an admin of some cost centers reads: of lists what is theirs, counted as it is for them
// (requirements, section 9; decisions, 164).

// TheirSummary is Summary as the caller may see it. An admin of some cost centers has the licenses that
// are charged to theirs, and the waiting of users of theirs, counted one by one; of what is reserved
// nothing is told, it counts as available. It reads indexes, which may be a moment behind.
//
// Errors: those of access.CostCenters.
func (d *Service) TheirSummary(ctx context.Context, c *call.Call) ([]Summary, error) {
	list, err := d.Summary(ctx, c)
	if err != nil {
		return nil, err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil || theirs.All() {
		return list, err
	}
	at := make(map[string]int, len(list))
	for i := range list {
		at[list[i].ProductID] = i
		list[i].Bought, list[i].Assigned, list[i].Available, list[i].Reserved, list[i].Waiting = 0, 0, 0, 0, 0
	}
	licenses, err := d.chargedTo(ctx, c, theirs)
	if err != nil {
		return nil, err
	}
	for _, l := range licenses {
		s := &list[at[l.ProductID]]
		switch l.Status {
		case record.Assigned:
			s.Bought, s.Assigned = s.Bought+1, s.Assigned+1
		case record.Available:
			s.Bought, s.Available = s.Bought+1, s.Available+1
		case record.Terminated:
		}
	}
	waiting, err := d.TheirWaiting(ctx, c)
	for product, i := range at {
		list[i].Waiting = waiting[product]
	}
	return list, err
}

// TheirWaiting counts, by product, who of the caller's users waits for a seat. It reads the waiting
// lists.
//
// Errors: those of access.CostCenters.
func (d *Service) TheirWaiting(ctx context.Context, c *call.Call) (map[string]int64, error) {
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return nil, err
	}
	waiting := map[string]int64{}
	waits := table.Query{Partition: record.WaitPartition(c.Account)}
	return waiting, table.All(ctx, c.Env.Table, waits, func(item table.Item) error {
		w, err := call.Decode[record.Wait](item)
		if theirs.Has(w.CostCenter) {
			waiting[w.ProductID]++
		}
		return err
	})
}

// chargedTo reads the licenses that are charged to some cost centers: those that are bought by the
// index of each cost center, the metered ones out of all that there are now.
func (d *Service) chargedTo(ctx context.Context, c *call.Call, theirs auth.Limit) ([]record.License, error) {
	shards, err := d.records.Shards(ctx, c)
	if err != nil {
		return nil, err
	}
	var queries []table.Query
	for shard := range shards {
		for _, code := range theirs.Codes() {
			queries = append(queries, table.Query{
				Index: table.Index2, Partition: record.LicensesByCostCenter(c.Account, shard),
				Prefix: record.Joined(code, ""),
			})
		}
	}
	bought, err := d.licensesOf(ctx, c, queries)
	if err != nil {
		return nil, err
	}
	metered, err := d.Metered(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, l := range metered {
		if l.Kind == catalog.Metered && theirs.Has(l.CostCenter) {
			bought = append(bought, l)
		}
	}
	return bought, nil
}
