package purchase

import (
	"context"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/plan"
)

// readCharges reads what is due today for the orders among changes (requirements, section 12, "Dry
// run"). An order is charged from the commit on that decides it.
func readCharges(_ context.Context, in plan.Scope, out *plan.Outcome) error {
	for _, change := range in.Changes {
		if change.Key.Partition != ordersPartition(in.Account) || !change.Is {
			continue
		}
		charged := func(o Order) int64 {
			if o.State == OrderFailed {
				return 0
			}
			return o.DueToday.Minor
		}
		after, err := call.Decode[Order](change.After)
		if err != nil {
			return err
		}
		due := charged(after)
		if change.Was {
			before, err := call.Decode[Order](change.Before)
			if err != nil {
				return err
			}
			due -= charged(before)
		}
		out.Money.DueToday.Minor += due
		out.Add("due today", due)
	}
	return nil
}
