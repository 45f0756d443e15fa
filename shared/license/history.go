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

// dayOperations note on the day's item what a commit adds to, or takes from, the bought counts of products.
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
	return []table.Operation{table.Add(boughtDayKey(c.Account, c.At), bounds...)}
}

// BoughtAt tells how many licenses of a product were bought, and not terminated, at the end of each of some UTC days. now is what is bought now. It is one query of
// the days since the first one on which anything was bought or terminated.
func (d *Desk) BoughtAt(ctx context.Context, c *call.Call, days []time.Time, now map[string]int64) (func(day time.Time, product string) int64, error) {
	if len(days) == 0 {
		return func(time.Time, string) int64 { return 0 }, nil
	}
	first := slices.MinFunc(days, time.Time.Compare)
	since := map[string]map[string]int64{}
	query := table.Query{Partition: boughtDaysPartition(c.Account), From: boughtDayKey(c.Account, first).Sort}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		since[item.Sort] = item.Counts
		return nil
	})
	return func(day time.Time, product string) int64 {
		date, bought := boughtDayKey(c.Account, day).Sort, now[product]
		for other, counts := range since {
			if strings.Compare(other, date) > 0 {
				bought -= counts[countName(countBought, product)]
			}
		}
		return bought
	}, err
}
