package license

import (
	"context"
	"slices"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// OneCommit says whether Deliver can add the lots in one commit with this many operations of its
// caller's; if not, the caller marks the work first, so that another run can finish it.
func (d *Service) OneCommit(c *call.Call, lots []Lot, confirm int) bool {
	operations := 2 + confirm // the item that marks the order as confirmed, and what is bought on this day
	counted := map[table.Key]bool{}
	for _, lot := range lots {
		operations += 2 * lot.Quantity
		counted[record.BoughtKey(c.Account, lot.ProductID)] = true
		counted[record.CostCenterSeatsKey(c.Account, lot.ProductID, lot.CostCenter)] = true
	}
	return operations+len(counted) <= c.Spare()
}

// Prepared says how much of an order that is not yet confirmed is written, in percent. It reads one
// item for each 50 licenses.
func (d *Service) Prepared(ctx context.Context, c *call.Call, orderID string, lots []Lot) (int, error) {
	licenses, err := d.lotted(c, orderID, lots)
	if err != nil {
		return 0, err
	}
	var heads []table.Key
	for batch := range slices.Chunk(licenses, deliveryBatch) {
		heads = append(heads, record.LicenseKey(c.Account, batch[0].ID))
	}
	there, err := c.Env.Table.Lookup(ctx, heads...)
	if err != nil {
		return 0, err
	}
	return 100 * len(there) / len(heads), nil
}
