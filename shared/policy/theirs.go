package policy

import (
	"context"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/problem"
)

// theirs refuses an admin of some cost centers a policy that buys for another, or that buys nothing and
// so is the whole account's (requirements, section 9).
//
// Errors: forbidden.
func theirs(ctx context.Context, r Rules) error {
	limit, err := access.CostCenters(ctx)
	if err != nil || limit.All() {
		return err
	}
	if r.AutoPurchase == nil || !limit.Has(r.AutoPurchase.CostCenter) {
		return problem.New(problem.Forbidden,
			"An admin of some cost centers sees and sets policies that buy for their own cost centers only.")
	}
	return nil
}
