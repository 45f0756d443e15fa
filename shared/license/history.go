package license

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// boughtQuarter is how finely it is noted when something was bought: days begin at a quarter of an
// hour in every time zone there is, so the count of any day's end is exact whatever zone makes the
// day.
const boughtQuarter = 15 * time.Minute

// dayOperations note on the item of the quarter of an hour what a commit adds to, or takes from,
// the bought counts of products.
func dayOperations(c *call.Call, bought map[table.Key]int64) []table.Operation {
	byProduct := map[string]int64{}
	for key, by := range bought {
		if key.Partition == seatsPartition(c.Account) && by != 0 {
			byProduct[key.Sort] += by
		}
	}
	var bounds []table.Bound
	for _, product := range slices.Sorted(maps.Keys(byProduct)) {
		bounds = append(bounds, table.Bound{Name: countName(countBought, product), By: byProduct[product]})
	}
	if len(bounds) == 0 {
		return nil
	}
	return []table.Operation{table.Add(boughtQuarterKey(c.Account, c.At), bounds...)}
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
	query := table.Query{Partition: boughtQuartersPartition(c.Account), From: boughtQuarterKey(c.Account, first).Sort}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		since[item.Sort] = item.Counts
		return nil
	})
	return func(moment time.Time, product string) int64 {
		begin, bought := boughtQuarterKey(c.Account, moment).Sort, now[product]
		for quarter, counts := range since {
			if strings.Compare(quarter, begin) >= 0 { // what was bought at the moment itself is after it
				bought -= counts[countName(countBought, product)]
			}
		}
		return bought
	}, err
}
