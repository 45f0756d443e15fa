package license

import (
	"maps"
	"slices"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// dayOperations note on the item of the quarter of an hour what a commit adds to, or takes from,
// the bought counts of products.
func dayOperations(c *call.Call, bought map[table.Key]int64) []table.Operation {
	byProduct := map[string]int64{}
	for key, by := range bought {
		if key.Partition == record.SeatsPartition(c.Account) && by != 0 {
			byProduct[key.Sort] += by
		}
	}
	var bounds []table.Bound
	for _, product := range slices.Sorted(maps.Keys(byProduct)) {
		bounds = append(
			bounds,
			table.Bound{Name: record.CountName(record.CountBought, product), By: byProduct[product]},
		)
	}
	if len(bounds) == 0 {
		return nil
	}
	return []table.Operation{table.Add(record.BoughtQuarterKey(c.Account, c.At), bounds...)}
}
