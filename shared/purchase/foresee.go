package purchase

import (
	"context"
	"fmt"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/table"
)

// readCharges reads what is due today for the orders among changes (requirements, section 12, "Dry
// run"). An order is charged from the commit on that decides it. What others' lines come to is a fact that
// a plan promises to an admin of some cost centers, too, and is not told.
func readCharges(ctx context.Context, in plan.Scope, out *plan.Outcome) error {
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return fmt.Errorf("charges: %w", err)
	}
	for _, change := range in.Changes {
		if change.Key.Partition != ordersPartition(in.Account) || !change.Is {
			continue
		}
		all, told, err := charged(change.After, theirs)
		if err != nil {
			return err
		}
		if change.Was {
			before, toldBefore, err := charged(change.Before, theirs)
			if err != nil {
				return err
			}
			all, told = all-before, told-toldBefore
		}
		out.Money.DueToday.Minor += told
		out.Add("due today", all)
	}
	return nil
}

// charged is what is due for an order, and what of it is for some cost centers.
func charged(item table.Item, theirs auth.Limit) (all, told int64, err error) {
	o, err := call.Decode[Order](item)
	if err != nil || o.State == OrderFailed {
		return 0, 0, err
	}
	if all = o.DueToday.Minor; theirs.All() {
		return all, all, nil
	}
	err = o.keep(theirs)
	return all, o.DueToday.Minor, err
}
