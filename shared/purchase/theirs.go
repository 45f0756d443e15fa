package purchase

import (
	"context"
	"fmt"
	"slices"

	"seatwise/shared/craft/money"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// What an admin of some cost centers buys and sees of purchases (requirements, section 9): other cost
// centers are not there for them, so that no cart, quote or order of theirs names one, and of an order
// that does they see the lines of theirs and what these come to.

// theirQuote is the quote of an item, unless it has lines of other cost centers than the caller's.
//
// Errors: not-found.
func theirQuote(ctx context.Context, item table.Item) (storedQuote, error) {
	q, err := call.Decode[storedQuote](item)
	if err != nil {
		return q, err
	}
	theirs, err := access.CostCenters(ctx)
	if err == nil && slices.ContainsFunc(q.Lines, func(l QuoteLine) bool { return !theirs.Has(l.CostCenter) }) {
		return q, problem.Missing("quote")
	}
	return q, err
}

// TheirOrder is an order as the caller may see it.
//
// Errors: not-found for one without a line of theirs.
func TheirOrder(ctx context.Context, c *call.Call, order Order) (Order, error) {
	list, err := theirOrders(ctx, c, []Order{order})
	if err == nil && len(list) == 0 {
		return Order{}, problem.Missing("order")
	}
	if err != nil {
		return Order{}, err
	}
	return list[0], nil
}

// theirOrders are orders as the caller may see them: an admin of some cost centers the lines of theirs,
// and none of orders without one. It reads for whom policies bought.
func theirOrders(ctx context.Context, c *call.Call, orders []Order) ([]Order, error) {
	theirs, err := access.CostCenters(ctx)
	if err != nil || theirs.All() {
		return orders, err
	}
	var users []string
	for _, o := range orders {
		if o.Policy != nil {
			for _, f := range o.Policy.For {
				users = append(users, f.UserID)
			}
		}
	}
	known, err := access.TheirUsers(ctx, c.Env.Table, c.Account, users...)
	if err != nil {
		return nil, err
	}
	list := make([]Order, 0, len(orders))
	for _, o := range orders {
		if err := o.keep(theirs); err != nil {
			return nil, err
		}
		if o.Policy != nil {
			policy := *o.Policy
			policy.For = slices.DeleteFunc(slices.Clone(policy.For), func(f BoughtFor) bool { return !known(f.UserID) })
			o.Policy = &policy
		}
		if len(o.Lines) > 0 {
			list = append(list, o)
		}
	}
	return list, nil
}

// keep leaves the lines of some cost centers in an order, and adds these up.
func (o *Order) keep(theirs auth.Limit) (err error) {
	o.Lines = slices.DeleteFunc(slices.Clone(o.Lines), func(l QuoteLine) bool { return !theirs.Has(l.CostCenter) })
	o.ByCostCenter = slices.DeleteFunc(
		slices.Clone(o.ByCostCenter), func(t CostCenterTotal) bool { return !theirs.Has(t.CostCenter) },
	)
	o.Names = o.Names.limited(theirs)
	o.LicenseCount = 0
	o.Recurring, o.DueToday = money.Zero(o.Recurring.Currency), money.Zero(o.DueToday.Currency)
	for _, l := range o.Lines {
		o.LicenseCount += l.Quantity
		if o.Recurring, err = o.Recurring.Add(l.Recurring); err != nil {
			return fmt.Errorf("purchase: order %s: %w", o.ID, err)
		}
		if o.DueToday, err = o.DueToday.Add(l.DueToday); err != nil {
			return fmt.Errorf("purchase: order %s: %w", o.ID, err)
		}
	}
	return nil
}
