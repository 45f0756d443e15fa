package policy

import (
	"context"
	"time"

	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// boughtKept is how long the count of a billing period is kept after its end.
const boughtKept = 400 * 24 * time.Hour

// Count is what the policy of a product has bought in a billing period: what its maximum is held
// against, by the commit of each of its orders, and what GET shows (requirements, section 12).
type Count struct {
	Seats int64 `json:"seats"`
	// Amount is the monthly price of each at the time, in minor units.
	Amount int64 `json:"amount"`

	item       table.Item // has no data when nothing was bought
	first, end time.Time  // of the period
}

// First is the first day of the billing period.
func (n Count) First() string { return n.first.Format(time.DateOnly) }

// boughtKey counts what the policy of a product has bought in the billing period that begins on a day.
func boughtKey(account, product, firstDay string) table.Key {
	return table.Key{Partition: call.Partition(account, "POLICY-BOUGHT"), Sort: product + "#" + firstDay}
}

// Counts reads what the policies of products have bought in the billing period of the call's moment,
// and more items in the same read.
func Counts(
	ctx context.Context, c *call.Call, days calendar.Calendar, products []string, more ...table.Key,
) ([]Count, map[table.Key]table.Item, error) {
	first, end := days.Period(days.Day(c.At))
	keys, counts := more, make([]Count, len(products))
	for i, product := range products {
		counts[i] = Count{first: first, end: end}
		counts[i].item.Key = boughtKey(c.Account, product, counts[i].First())
		keys = append(keys, counts[i].item.Key)
	}
	found, err := c.Lookup(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	for i, n := range counts {
		item, there := found[n.item.Key]
		if !there {
			continue
		}
		if counts[i], err = call.Decode[Count](item); err != nil {
			return nil, nil, err
		}
		counts[i].item, counts[i].first, counts[i].end = item, first, end
	}
	return counts, found, nil
}

// Grown counts seats more, at a monthly price, in the commit that buys them; it demands that the count
// is as it was read.
func (n Count) Grown(c *call.Call, seats int, price money.Amount) (table.Operation, error) {
	data, err := call.Encode(Count{Seats: n.Seats + int64(seats), Amount: n.Amount + int64(seats)*price.Minor})
	if err != nil {
		return table.Operation{}, err
	}
	item := table.Item{Key: n.item.Key, Data: data, Expires: n.end.Add(boughtKept).Unix()}
	return c.Put(item, n.item.Data != nil, n.item.Version), nil
}

// used is a count as GET shows it; room is how many seats more may be bought.
func (n Count) used(currency string, room int64) *Used {
	return &Used{From: n.First(), Seats: n.Seats, Amount: money.Of(n.Amount, currency), Left: room}
}
