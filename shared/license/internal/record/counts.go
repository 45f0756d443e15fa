package record

import (
	"context"

	"seatwise/shared/platform/table"
)

// Counts are those of an account's seats, by CountName.
type Counts map[string]int64

// ReadCounts reads the counts of an account: one strongly consistent query of a few dozen items,
// whatever the number of licenses.
func ReadCounts(ctx context.Context, store table.Store, account string) (Counts, error) {
	counts := Counts{}
	err := table.All(ctx, store, table.Query{Partition: SeatsPartition(account)}, func(item table.Item) error {
		for name, n := range item.Counts {
			if name == CountBought {
				name = CountName(CountBought, item.Sort)
			}
			counts[name] += n
		}
		return nil
	})
	return counts, err
}

// Of is one of the counts of a product.
func (c Counts) Of(count, product string) int64 { return c[CountName(count, product)] }

// Available is how many seats of a product that is bought are free and not reserved.
func (c Counts) Available(product string) int64 {
	return c.Of(CountBought, product) - c.Of(CountAssigned, product) - c.Of(CountReserved, product)
}
