package inventory

import (
	"context"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Summary counts the seats of every product of the catalog, in its order. It is one strongly
// consistent query of a few dozen items, whatever the number of licenses. Of a metered product what
// is assigned counts as bought. What is reserved for a mass configuration that is being applied is
// not available.
func (d *Service) Summary(ctx context.Context, c *call.Call) ([]Summary, error) {
	counts, err := record.ReadCounts(ctx, c.Env.Table, c.Account)
	if err != nil {
		return nil, err
	}
	products := d.products.Products()
	list := make([]Summary, len(products))
	for i, p := range products {
		s := Summary{
			ProductID: p.ID,
			Name:      p.Name,
			Kind:      p.Kind,
			Bought:    counts.Of(record.CountBought, p.ID),
			Assigned:  counts.Of(record.CountAssigned, p.ID),
			Waiting:   counts.Of(record.CountWaiting, p.ID),
			Reserved:  counts.Of(record.CountReserved, p.ID),
			Available: counts.Available(p.ID),
		}
		if p.Kind == catalog.Metered {
			s.Bought, s.Available = s.Assigned, 0
		}
		list[i] = s
	}
	return list, nil
}

// BoughtAt tells how many licenses of a product were bought, and not terminated, at some moments,
// the ends of days. now is what is bought now. It is one query of the quarters of an hour since the
// first moment in which anything was bought or terminated.
func (d *Service) BoughtAt(
	ctx context.Context, c *call.Call, moments []time.Time, now map[string]int64,
) (func(moment time.Time, product string) int64, error) {
	if len(moments) == 0 {
		return func(time.Time, string) int64 { return 0 }, nil
	}
	first := slices.MinFunc(moments, time.Time.Compare)
	since := map[string]map[string]int64{}
	query := table.Query{
		Partition: record.BoughtQuartersPartition(c.Account),
		From:      record.BoughtQuarterKey(c.Account, first).Sort,
	}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		since[item.Sort] = item.Counts
		return nil
	})
	return func(moment time.Time, product string) int64 {
		begin, bought := record.BoughtQuarterKey(c.Account, moment).Sort, now[product]
		for quarter, counts := range since {
			if strings.Compare(quarter, begin) >= 0 { // what was bought at the moment itself is after it
				bought -= counts[record.CountName(record.CountBought, product)]
			}
		}
		return bought
	}, err
}

// Seats counts the licenses of one product that are charged to one cost center.
type Seats struct {
	ProductID, CostCenter string
	Quantity              int64
}

// CostCenterSeats counts the licenses that are bought and not terminated, per product and cost
// center, sorted by both. It is one query whatever the number of licenses, up to 1,000 combinations
// a page.
func (d *Service) CostCenterSeats(ctx context.Context, c *call.Call) ([]Seats, error) {
	var seats []Seats
	err := table.All(
		ctx,
		c.Env.Table,
		table.Query{Partition: record.CostCenterSeatsPartition(c.Account)},
		func(item table.Item) error {
			product, costCenter, _ := strings.Cut(item.Sort, "#")
			if n := item.Counts[record.CountBought]; n > 0 {
				seats = append(seats, Seats{ProductID: product, CostCenter: costCenter, Quantity: n})
			}
			return nil
		},
	)
	return seats, err
}

// InUse says whether licenses are charged to the cost center.
func (d *Service) InUse(ctx context.Context, c *call.Call, costCenter string) (bool, error) {
	seats, err := d.CostCenterSeats(ctx, c)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(seats, func(s Seats) bool { return s.CostCenter == costCenter }), nil
}

// LiveReportsHolders lists the users behind after, by id, who have to do with a product of Live
// Reports: limit of them, or fewer when there are no more. It reads an index, so a holder of a
// moment ago may be missing.
func (d *Service) LiveReportsHolders(ctx context.Context, c *call.Call, after string, limit int) ([]string, error) {
	q := table.Query{Index: table.Index1, Partition: record.LiveReportsHolders(c.Account), Limit: limit}
	if after != "" {
		q.From = after + "\x00" // the least key behind it
	}
	var users []string
	for {
		page, err := c.Env.Table.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			h, err := call.Decode[record.Holder](item)
			if err != nil {
				return nil, err
			}
			if users = append(users, h.UserID); len(users) == limit {
				return users, nil
			}
		}
		if page.Next == "" {
			return users, nil
		}
		q.After = page.Next
	}
}
