package purchase

import (
	"context"
	"slices"

	"seatwise/shared/account"
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

// emptied is the cart without lines. It is kept, so that neither an entity tag nor the id of a line
// is ever given twice.
func (c Cart) emptied() Cart { return Cart{Lines: []CartLine{}, LastLine: c.LastLine} }

// Cart reads the caller's cart and its version, 0 for one that was never filled.
func (s *Service) Cart(ctx context.Context, c *call.Call) (CartView, int64, error) {
	key := cartKey(c.Account, c.Actor)
	found, err := c.Lookup(ctx, key, call.AccountKey(c.Account))
	if err != nil {
		return CartView{}, 0, err
	}
	item, exists := found[key]
	held, err := cartOfItem(item, exists)
	if err != nil {
		return CartView{}, 0, err
	}
	terms, err := s.cartTerms(ctx, c, found)
	if err != nil {
		return CartView{}, 0, err
	}
	view, err := held.View(terms)
	return view, held.version, err
}

// cartTerms are what a cart depends on, of what was found with it; when it is charged, only a quote
// knows.
func (s *Service) cartTerms(ctx context.Context, c *call.Call, found map[table.Key]table.Item) (Terms, error) {
	a, _, err := account.From(c, found)
	if err != nil {
		return Terms{}, err
	}
	has, err := theirsOf(ctx, c, found)
	return Terms{Catalog: s.products, Currency: a.Currency, HasCostCenter: has}, err
}

// ReplaceCart gives the caller's cart other lines (requirements, section 3.2). A cart that has
// these lines already is not written.
//
// Errors: validation, read-only, precondition-failed.
func (s *Service) ReplaceCart(ctx context.Context, c *call.Call, lines []CartLineInput) (CartView, int64, error) {
	return s.changeCart(
		ctx,
		c,
		codesOf(lines),
		cartAnswer,
		func(cart Cart, terms Terms) (Cart, error) { return cart.Replace(terms, lines) },
	)
}

// EmptyCart takes all lines out of the caller's cart.
//
// Errors: precondition-failed.
func (s *Service) EmptyCart(ctx context.Context, c *call.Call) error {
	gone := func(CartView, int64) call.Answer { return call.Gone() }
	_, _, err := s.changeCart(ctx, c, nil, gone, func(cart Cart, _ Terms) (Cart, error) { return cart.emptied(), nil })
	return err
}

// AddLine puts one line more into the caller's cart; the others keep their ids.
//
// Errors: validation.
func (s *Service) AddLine(ctx context.Context, c *call.Call, line CartLineInput) (CartView, int64, error) {
	return s.changeCart(
		ctx,
		c,
		[]string{line.CostCenter},
		cartAnswer,
		func(cart Cart, terms Terms) (Cart, error) { return cart.Add(terms, line) },
	)
}

// ChangeLine changes the line of the caller's cart that the input names; it and the others keep
// their ids.
//
// Errors: not-found for the line; validation, precondition-failed.
func (s *Service) ChangeLine(ctx context.Context, c *call.Call, line CartLineInput) (CartView, int64, error) {
	return s.changeCart(
		ctx,
		c,
		[]string{line.CostCenter},
		cartAnswer,
		func(cart Cart, terms Terms) (Cart, error) { return cart.Change(terms, line) },
	)
}

// DropLine takes a line out of the caller's cart.
//
// Errors: not-found for the line; precondition-failed.
func (s *Service) DropLine(ctx context.Context, c *call.Call, line string) (CartView, int64, error) {
	return s.changeCart(ctx, c, nil, cartAnswer, func(cart Cart, _ Terms) (Cart, error) { return cart.Drop(line) })
}

// SetCartCostCenter gives lines of the caller's cart a cost center, all if lineIDs is nil
// (requirements, section 3.2).
//
// Errors: validation, precondition-failed.
func (s *Service) SetCartCostCenter(
	ctx context.Context,
	c *call.Call,
	costCenter string,
	lineIDs []string,
) (CartView, int64, error) {
	return s.changeCart(ctx, c, []string{costCenter}, cartAnswer, func(cart Cart, terms Terms) (Cart, error) {
		return cart.AssignCostCenter(terms, costCenter, lineIDs)
	})
}

// SplitLine splits a line of the caller's cart (requirements, section 3.2).
//
// Errors: not-found for the line; validation, precondition-failed.
func (s *Service) SplitLine(
	ctx context.Context,
	c *call.Call,
	line string,
	parts []SplitPart,
) (CartView, int64, error) {
	codes := make([]string, len(parts))
	for i, part := range parts {
		codes[i] = part.CostCenter
	}
	return s.changeCart(
		ctx,
		c,
		codes,
		cartAnswer,
		func(cart Cart, terms Terms) (Cart, error) { return cart.Split(terms, line, parts) },
	)
}

// MergeLines makes one of lines of the caller's cart that have the same product and cost center:
// among those named, or all if lineIDs is nil.
//
// Errors: validation, precondition-failed.
func (s *Service) MergeLines(ctx context.Context, c *call.Call, lineIDs []string) (CartView, int64, error) {
	return s.changeCart(ctx, c, nil, cartAnswer, func(cart Cart, _ Terms) (Cart, error) { return cart.Merge(lineIDs) })
}

func cartAnswer(cart CartView, version int64) call.Answer { return call.Told(cart, version) }

func codesOf(lines []CartLineInput) []string {
	codes := make([]string, len(lines))
	for i, line := range lines {
		codes[i] = line.CostCenter
	}
	return codes
}

// changeCart decides the next state of the caller's cart and commits it, with the answer if the
// call is repeatable. codes are the cost centers to know of. A cart that stays as it is is not
// written.
func (s *Service) changeCart(
	ctx context.Context,
	c *call.Call,
	codes []string,
	answer func(CartView, int64) call.Answer,
	change func(Cart, Terms) (Cart, error),
) (view CartView, version int64, err error) {
	key := cartKey(c.Account, c.Actor)
	err = call.Decide(ctx, func(ctx context.Context) error {
		found, err := c.Lookup(ctx, append(costCenterKeys(c.Account, codes), key, call.AccountKey(c.Account))...)
		if err != nil {
			return err
		}
		item, exists := found[key]
		held, err := cartOfItem(item, exists)
		if err != nil {
			return err
		}
		if err := c.MatchesTag(call.Tag(held.version)); err != nil {
			return err
		}
		terms, err := s.cartTerms(ctx, c, found)
		if err != nil {
			return err
		}
		next, err := change(held.Cart, terms)
		if err != nil {
			return err
		}
		if view, err = next.View(terms); err != nil {
			return err
		}
		if version = held.version; slices.Equal(held.Lines, next.Lines) {
			return c.Commit(ctx, answer(view, version))
		}
		put, err := held.put(c.Account, c.Actor, next)
		if err != nil {
			return err
		}
		version = put.Item.Version
		audit, err := c.Audit(
			call.AuditEntry{
				Action:    "cart.changed",
				Subject:   "cart",
				SubjectID: c.Actor,
				Before:    held.Lines,
				After:     next.Lines,
			},
		)
		if err != nil {
			return err
		}
		return c.Commit(ctx, answer(view, version), put, audit)
	})
	return view, version, err
}
