package policy

import (
	"context"
	"slices"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// of says whether rules are an admin's of some cost centers: they buy for one of these.
func (r Rules) of(limit auth.Limit) bool {
	return limit.All() || r.AutoPurchase != nil && limit.Has(r.AutoPurchase.CostCenter)
}

// Theirs reads which of the policies of some products are the caller's: all without a limit, which
// costs no read.
//
// Errors: those of access.CostCenters.
func Theirs(ctx context.Context, c *call.Call, products ...string) (func(product string) bool, error) {
	limit, err := access.CostCenters(ctx)
	if err != nil || limit.All() || len(products) == 0 {
		return func(string) bool { return limit.All() }, err
	}
	var keys []table.Key
	for _, product := range slices.Compact(slices.Sorted(slices.Values(products))) {
		keys = append(keys, Key(c.Account, product))
	}
	found, err := c.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	is := map[string]bool{}
	for _, item := range found {
		p, err := call.Decode[stored](item)
		if err != nil {
			return nil, err
		}
		is[p.ProductID] = p.of(limit)
	}
	return func(product string) bool { return is[product] }, nil
}

// theirs refuses an admin of some cost centers a policy that buys for another, or that buys nothing and
// so is the whole account's (requirements, section 9).
//
// Errors: forbidden.
func theirs(ctx context.Context, r Rules) error {
	limit, err := access.CostCenters(ctx)
	if err != nil || limit.All() {
		return err
	}
	if !r.of(limit) {
		return problem.New(problem.Forbidden,
			"An admin of some cost centers sees and sets policies that buy for their own cost centers only.")
	}
	return nil
}
