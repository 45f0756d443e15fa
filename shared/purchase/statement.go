package purchase

import (
	"bytes"
	"context"
	"fmt"

	"seatwise/shared/account"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/purchase/statement"
)

// Statement prints an order in the form of HTML or PDF (requirements, section 3.5). Names of cost
// centers and people are those of today; all else is as it was ordered.
//
// Errors: not-found; wrong-state while the order is being placed.
func (s *Service) Statement(ctx context.Context, c *call.Call, id, form string) ([]byte, error) {
	item, found, err := c.Get(ctx, orderKey(c.Account, id))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, problem.Missing("order")
	}
	order, err := call.Decode[Order](item)
	if err != nil {
		return nil, err
	}
	if order.State == OrderFailed {
		return nil, problem.New(problem.WrongState, "Nothing was bought by this order; it has no statement.")
	}
	if order.State != OrderPlaced {
		return nil, problem.New(problem.WrongState,
			"The order is being placed; its statement is there when that is done.")
	}
	source, err := s.source(ctx, c, order)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	switch form {
	case HTML:
		err = statement.HTML(&out, source)
	case PDF:
		err = statement.PDF(&out, source)
	default:
		err = fmt.Errorf("no statement as %s", form)
	}
	return out.Bytes(), err
}

// source adds to the order what is known of the account and of the names in it, in one read.
func (s *Service) source(ctx context.Context, c *call.Call, order Order) (statement.Source, error) {
	codes := make([]string, len(order.ByCostCenter))
	for i, total := range order.ByCostCenter {
		codes[i] = total.CostCenter
	}
	holder := license.HolderKey(c.Account, order.PlacedBy)
	found, err := c.Lookup(ctx, append(costCenterKeys(c.Account, codes), call.AccountKey(c.Account), holder)...)
	if err != nil {
		return statement.Source{}, err
	}
	a, _, err := account.From(c, found)
	if err != nil {
		return statement.Source{}, err
	}
	source := statement.Source{
		Brand:           a.Brand,
		AccountID:       a.ID,
		AccountName:     a.Name,
		Paper:           statement.Paper(a.Paper()),
		Order:           printed(order),
		CostCenterNames: make(map[string]string, len(codes)),
	}
	days, err := a.Calendar()
	if err != nil {
		return statement.Source{}, err
	}
	source.Location = days.Zone(days.Day(order.PlacedAt)) // as it was then: the days on it are of that zone
	if item, ok := found[holder]; ok {                    // who orders need not be a user of the account
		who, err := call.Decode[license.Holder](item)
		if err != nil {
			return statement.Source{}, err
		}
		source.PlacedByName = who.Name
	}
	for _, code := range codes {
		if item, ok := found[license.CostCenterKey(c.Account, code)]; ok { // it may be gone since
			cc, err := call.Decode[CostCenter](item)
			if err != nil {
				return statement.Source{}, err
			}
			source.CostCenterNames[code] = cc.Name
		}
	}
	return source, nil
}

// printed is the order as a statement has it.
func printed(o Order) statement.Order {
	p := statement.Order{
		ID:              o.ID,
		Number:          o.Number,
		PlacedAt:        o.PlacedAt,
		PlacedBy:        o.PlacedBy,
		Preparing:       o.State != OrderPlaced,
		Acknowledgement: o.Acknowledgement,
		LicenseCount:    o.LicenseCount,
		Recurring:       o.Recurring,
		DueToday:        o.DueToday,
		NextBillingDate: o.NextBillingDate,
		From:            o.Proration.From,
		To:              o.Proration.To,
		Days:            o.Proration.Days,
		PeriodDays:      o.Proration.PeriodDays,
	}
	for _, l := range o.Lines {
		p.Lines = append(p.Lines, statement.Line{
			ProductID: l.ProductID, Name: l.Name, CostCenter: l.CostCenter, Quantity: l.Quantity,
			UnitPrice: l.UnitPrice, Recurring: l.Recurring, DueToday: l.DueToday,
		})
	}
	for _, t := range o.ByCostCenter {
		p.ByCostCenter = append(
			p.ByCostCenter,
			statement.CostCenter{Code: t.CostCenter, Recurring: t.Recurring, DueToday: t.DueToday},
		)
	}
	return p
}
