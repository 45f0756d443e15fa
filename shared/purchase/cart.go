package purchase

import (
	"context"
	"net/http"

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// heldCart is a cart with the version of its item.
type heldCart struct {
	Cart
	version int64
	exists  bool
}

func cartOfItem(item table.Item, exists bool) (heldCart, error) {
	held := heldCart{Cart: Cart{Lines: []CartLine{}}, version: item.Version, exists: exists}
	if !exists {
		return held, nil
	}
	cart, err := call.Decode[Cart](item)
	if err == nil && cart.Lines != nil {
		held.Cart = cart
	}
	held.LastLine = cart.LastLine
	return held, err
}

// put writes the next state of the cart in place of the one that was read.
func (h heldCart) put(account, user string, next Cart) (table.Operation, error) {
	data, err := call.Encode(next)
	if err != nil {
		return table.Operation{}, err
	}
	condition := table.IfAbsent
	if h.exists {
		condition = table.IfVersion(h.version)
	}
	return table.Put(table.Item{Key: cartKey(account, user), Data: data}, condition), nil
}

// emptied is the cart without lines. It is kept, so that neither an entity tag nor the id of a line is ever given twice.
func (c Cart) emptied() Cart { return Cart{Lines: []CartLine{}, LastLine: c.LastLine} }

// Cart reads the caller's cart and its version, 0 for one that was never filled.
func (s *Service) Cart(ctx context.Context, c *call.Call) (Cart, int64, error) {
	item, exists, err := c.Get(ctx, cartKey(c.Account, c.Actor))
	if err != nil {
		return Cart{}, 0, err
	}
	held, err := cartOfItem(item, exists)
	return held.Cart, held.version, err
}

// ReplaceCart gives the caller's cart other lines (spec 3.2).
//
// Errors: validation, precondition-failed.
func (s *Service) ReplaceCart(ctx context.Context, c *call.Call, lines []CartLineInput) (Cart, int64, error) {
	return s.changeCart(ctx, c, codesOf(lines), func(cart Cart, terms Terms) (Cart, error) { return cart.Replace(terms, lines) })
}

// EmptyCart takes all lines out of the caller's cart.
//
// Errors: precondition-failed.
func (s *Service) EmptyCart(ctx context.Context, c *call.Call) error {
	_, _, err := s.changeCart(ctx, c, nil, func(cart Cart, _ Terms) (Cart, error) { return cart.emptied(), nil })
	return err
}

// ChargeCart gives lines of the caller's cart a cost center, all if lineIDs is nil (spec 3.2).
//
// Errors: validation, precondition-failed.
func (s *Service) ChargeCart(ctx context.Context, c *call.Call, costCenter string, lineIDs []string) (Cart, int64, error) {
	return s.changeCart(ctx, c, []string{costCenter}, func(cart Cart, terms Terms) (Cart, error) {
		return cart.AssignCostCenter(terms, costCenter, lineIDs)
	})
}

// SplitLine splits a line of the caller's cart (spec 3.2).
//
// Errors: not-found for the line; validation, precondition-failed.
func (s *Service) SplitLine(ctx context.Context, c *call.Call, line string, parts []SplitPart) (Cart, int64, error) {
	codes := make([]string, len(parts))
	for i, part := range parts {
		codes[i] = part.CostCenter
	}
	return s.changeCart(ctx, c, codes, func(cart Cart, terms Terms) (Cart, error) { return cart.Split(terms, line, parts) })
}

// MergeLines makes one of lines of the caller's cart that have the same product and cost center: among those named, or all if lineIDs is nil.
//
// Errors: validation, precondition-failed.
func (s *Service) MergeLines(ctx context.Context, c *call.Call, lineIDs []string) (Cart, int64, error) {
	return s.changeCart(ctx, c, nil, func(cart Cart, _ Terms) (Cart, error) { return cart.Merge(lineIDs) })
}

func codesOf(lines []CartLineInput) []string {
	codes := make([]string, len(lines))
	for i, line := range lines {
		codes[i] = line.CostCenter
	}
	return codes
}

// changeCart decides the next state of the caller's cart and commits it, with the answer if the call is repeatable. codes are the cost centers to know of.
func (s *Service) changeCart(
	ctx context.Context, c *call.Call, codes []string, change func(Cart, Terms) (Cart, error),
) (next Cart, version int64, err error) {
	key := cartKey(c.Account, c.Actor)
	err = call.Decide(ctx, func(ctx context.Context) error {
		found, err := c.Lookup(ctx, append(costCenterKeys(c.Account, codes), key)...)
		if err != nil {
			return err
		}
		item, exists := found[key]
		held, err := cartOfItem(item, exists)
		if err != nil {
			return err
		}
		if err := c.Matches(true, held.version); err != nil {
			return err
		}
		// Only a quote has prices, so nothing else of the account matters here.
		terms := Terms{Catalog: s.products, HasCostCenter: func(code string) bool {
			_, ok := found[license.CostCenterKey(c.Account, code)]
			return ok
		}}
		if next, err = change(held.Cart, terms); err != nil {
			return err
		}
		put, err := held.put(c.Account, c.Actor, next)
		if err != nil {
			return err
		}
		version = put.Item.Version
		audit, err := c.Audit(call.Change{Action: "cart.changed", Subject: "cart", SubjectID: c.Actor, Before: held.Lines, After: next.Lines})
		if err != nil {
			return err
		}
		answer := call.Answer{Status: http.StatusOK, Header: map[string]string{"ETag": call.Tag(version)}, Body: next}
		return c.Commit(ctx, answer, put, audit)
	})
	return next, version, err
}
