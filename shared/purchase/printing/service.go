// Package printing prints orders (requirements, section 3.5): it reads an order and what is known of
// the account and of the names in it, and has the statement written. It is a package of its own, and
// StatementFunction its function, because what writes PDF weighs on whoever links it (design,
// decision 9).
package printing

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"seatwise/shared/account"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
	"seatwise/shared/purchase/statement"
)

// statementOf prints an order in a form, html or pdf, and says what its file is called. All is as it
// was ordered; an order from before names were kept has those of today.
//
// Errors: not-found; wrong-state while the order is being placed.
func statementOf(ctx context.Context, c *call.Call, id, form string) (text []byte, name string, err error) {
	item, found, err := c.Get(ctx, purchase.OrderKey(c.Account, id))
	if err != nil {
		return nil, "", err
	}
	if !found {
		return nil, "", problem.Missing("order")
	}
	order, err := call.Decode[purchase.Order](item)
	if err != nil {
		return nil, "", err
	}
	if order, err = purchase.TheirOrder(ctx, c, order); err != nil {
		return nil, "", err
	}
	if order.State == purchase.OrderFailed {
		return nil, "", problem.New(problem.WrongState, "Nothing was bought by this order; it has no statement.")
	}
	if order.State != purchase.OrderPlaced {
		return nil, "", problem.New(problem.WrongState,
			"The order is being placed; its statement is there when that is done.")
	}
	source, err := sourceOf(ctx, c, order)
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	switch form {
	case html:
		err = statement.HTML(&out, source)
	case pdf:
		err = statement.PDF(&out, source)
	default:
		err = fmt.Errorf("no statement as %s", form)
	}
	return out.Bytes(), statement.FileName(source) + "." + form[strings.IndexByte(form, '/')+1:], err
}

// sourceOf adds to the order what is known of the account, and the names in it, in one read.
func sourceOf(ctx context.Context, c *call.Call, order purchase.Order) (statement.Source, error) {
	keys := []table.Key{call.AccountKey(c.Account)}
	if order.Names == nil {
		keys = append(keys, order.NameKeys(c.Account)...)
	}
	found, err := c.Lookup(ctx, keys...)
	if err != nil {
		return statement.Source{}, err
	}
	a, _, err := account.From(c, found)
	if err != nil {
		return statement.Source{}, err
	}
	if order, err = order.Named(a, found); err != nil {
		return statement.Source{}, err
	}
	source := statement.Source{
		Brand:           order.Names.Brand,
		AccountID:       a.ID,
		AccountName:     order.Names.Account,
		PlacedByName:    order.Names.PlacedBy,
		Paper:           statement.Paper(a.Paper()),
		Order:           printed(order),
		CostCenterNames: make(map[string]string, len(order.ByCostCenter)),
	}
	days, err := a.Calendar()
	if err != nil {
		return statement.Source{}, err
	}
	source.Location = days.Zone(days.Day(order.PlacedAt)) // as it was then: the days on it are of that zone
	for _, one := range order.Names.CostCenters {
		source.CostCenterNames[one.Code] = one.Name
	}
	return source, nil
}

// printed is the order as a statement has it.
func printed(o purchase.Order) statement.Order {
	p := statement.Order{
		ID:              o.ID,
		Number:          o.Number,
		PlacedAt:        o.PlacedAt,
		PlacedBy:        o.PlacedBy,
		Preparing:       o.State != purchase.OrderPlaced,
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
