package purchase

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// abandoned is how long an order may be under way before maintenance takes it for left behind. No
// request lives that long.
const abandoned = time.Minute

// orderMarker is what it takes to finish an order of several commits.
type orderMarker struct {
	// AnswerRef is the placing request's, so that its repetition gets the answer whoever finishes
	// the order.
	AnswerRef call.AnswerRef `json:"ticket"`
	RequestID string         `json:"requestId"`
	By        string         `json:"by"`
	At        time.Time      `json:"at"`
	// Attempts counts how often maintenance tried to finish it; TriedAt is when it did so last.
	Attempts int       `json:"attempts,omitempty"`
	TriedAt  time.Time `json:"triedAt,omitzero"`
}

// Order places the order of a quote (requirements, section 3.4) and returns it, placed, with its
// version. A quote can be ordered by whoever may purchase for the account, once; the cart that is
// compared, and emptied, is that of whoever asked for the quote.
//
// An order that fits into one commit is one: checks, licenses, counts, the order, the quote's end,
// the cart, audit and answer. A larger one begins with a commit that decides it: the same checks,
// the order in the state placing, the quote's end, the cart, and a marker. From then on it will be
// placed, by this call, by a repetition of it, or by ResumeOrders; nobody sees any of its licenses
// before the commit that shows all.
//
// Errors: not-found for the quote; those of checkOrder.
func (s *Service) Order(
	ctx context.Context,
	c *call.Call,
	quoteID string,
	acknowledged bool,
) (order Order, version int64, err error) {
	id := c.Env.IDs.Ordered()
	err = call.Decide(ctx, func(ctx context.Context) error {
		d, err := s.decide(ctx, c, id, quoteID, acknowledged)
		if err != nil {
			return err
		}
		if d.resume != "" {
			// This very request began the order and was cut off.
			if err := c.Claim(ctx); err != nil {
				return err
			}
			order, version, err = s.finish(ctx, c, d.resume)
			return err
		}
		if s.kernel.OneCommit(c, lots(d.order), len(d.effects)+2) { // the order itself and its audit record
			order, version, err = s.deliver(ctx, c, d.order, table.IfAbsent, d.effects)
			return err
		}
		if err := s.begin(ctx, c, d); err != nil {
			return err
		}
		order, version, err = s.finish(ctx, c, id)
		return err
	})
	if err != nil {
		return Order{}, 0, err
	}
	return order, version, nil
}

// decision is what follows from the state of the account for one request to order.
type decision struct {
	order Order
	// effects end the quote, empty the cart, and demand that nothing the decision rests on has
	// changed.
	effects []table.Operation
	// resume is an order that this request began before, or empty.
	resume string
}

func (s *Service) decide(ctx context.Context, c *call.Call, id, quoteID string, acknowledged bool) (decision, error) {
	own, purchased, at := call.AccountKey(c.Account), account.PurchasedKey(c.Account), quoteKey(c.Account, quoteID)
	found, err := c.Lookup(ctx, at, own, purchased, license.HolderKey(c.Account, c.Actor))
	if err != nil {
		return decision{}, err
	}
	item, ok := found[at]
	if !ok {
		return decision{}, problem.Missing("quote")
	}
	quote, err := theirQuote(ctx, item)
	if err != nil {
		return decision{}, err
	}
	if quote.OrderID != "" {
		mine, err := s.began(ctx, c, quote.OrderID)
		if err != nil {
			return decision{}, err
		}
		if mine {
			return decision{resume: quote.OrderID}, nil
		}
	}
	a, accountVersion, err := account.From(c, found)
	if err != nil {
		return decision{}, err
	}
	codes := quote.codes()
	terms, centers, err := s.terms(ctx, c, a, codes)
	if err != nil {
		return decision{}, err
	}
	cartItem, exists, err := c.Get(ctx, cartKey(c.Account, quote.By))
	if err != nil {
		return decision{}, err
	}
	held, err := cartOfItem(cartItem, exists)
	if err != nil {
		return decision{}, err
	}
	if err := checkOrder(terms, quote.Quote, held.Cart, acknowledged, c.At); err != nil {
		return decision{}, err
	}
	d := decision{
		order:   placeOrder(id, orderNumber(c.Env.IDs.Random()), quote.Quote, c.Actor, c.At),
		effects: []table.Operation{table.Check(own, table.IfVersion(accountVersion))},
	}
	if _, bought := found[purchased]; !bought {
		d.effects = append(d.effects, account.Purchased(c.Account))
	}
	maps.Copy(found, centers)
	if err := d.order.name(a, found); err != nil {
		return decision{}, err
	}
	for _, key := range costCenterKeys(c.Account, codes) {
		d.effects = append(d.effects, table.Check(key, table.IfPresent))
	}
	more, err := ordered(c.Account, d.order, quote, table.IfVersion(item.Version), held)
	d.effects = append(d.effects, more...)
	return d, err
}

// ordered names the order by its number, ends its quote, and empties the cart that it was made
// from.
func ordered(
	account string, o Order, quote storedQuote, asRead table.Condition, held heldCart,
) ([]table.Operation, error) {
	named, err := numbered(account, o)
	if err != nil {
		return nil, err
	}
	ops := []table.Operation{named}
	if quote.Basis.Cart != "" {
		empty, err := held.put(account, quote.By, held.emptied())
		if err != nil {
			return nil, err
		}
		ops = append(ops, empty)
	}
	quote.OrderID = o.ID
	end, err := putQuote(account, quote, asRead)
	return append(ops, end), err
}

// numbered leads from an order's number to the order.
func numbered(account string, o Order) (table.Operation, error) {
	data, err := call.Encode(map[string]string{"order": o.ID})
	return table.Put(table.Item{Key: orderNumberKey(account, o.Number), Data: data}, table.IfAbsent), err
}

// began says whether an order that is under way was begun by an earlier run of this very request.
func (s *Service) began(ctx context.Context, c *call.Call, id string) (bool, error) {
	item, marked, err := c.Get(ctx, OrderMarkers.Key(c.Account, id))
	if err != nil || !marked {
		return false, err
	}
	marker, err := call.Decode[orderMarker](item)
	return err == nil && marker.AnswerRef != (call.AnswerRef{}) && marker.AnswerRef == c.AnswerRef(), err
}

// begin commits the decision to place an order that takes several commits.
func (s *Service) begin(ctx context.Context, c *call.Call, d decision) error {
	order, err := call.Encode(d.order)
	if err != nil {
		return err
	}
	marker, err := call.Encode(orderMarker{AnswerRef: c.AnswerRef(), RequestID: c.RequestID, By: c.Actor, At: c.At})
	if err != nil {
		return err
	}
	return c.Claim(ctx, append(slices.Clone(d.effects),
		table.Put(table.Item{Key: OrderKey(c.Account, d.order.ID), Data: order}, table.IfAbsent),
		table.Put(OrderMarkers.Item(c.Account, d.order.ID, marker), table.IfAbsent),
		table.Add(placingKey(c.Account), table.AtLeast(countPlacing, 1, 0)),
	)...)
}

// finish places an order that was begun. The call becomes one of the moment at which it was: every
// run writes the same.
func (s *Service) finish(ctx context.Context, c *call.Call, id string) (Order, int64, error) {
	item, found, err := c.Get(ctx, OrderKey(c.Account, id))
	if err != nil {
		return Order{}, 0, err
	}
	if !found {
		return Order{}, 0, fmt.Errorf("order %s is marked and missing", id)
	}
	order, err := call.Decode[Order](item)
	if err != nil {
		return Order{}, 0, err
	}
	switch order.State {
	case OrderPlaced:
		return order, item.Version, nil
	case OrderFailed:
		return Order{}, 0, problem.New(problem.WrongState, order.Failure)
	case OrderPlacing:
	}
	c.At = order.PlacedAt
	return s.deliver(ctx, c, order, table.IfVersion(item.Version), []table.Operation{
		table.Delete(OrderMarkers.Key(c.Account, id), table.IfPresent),
		table.Add(placingKey(c.Account), table.AtLeast(countPlacing, -1, 0)),
	})
}

// deliver adds the order's licenses and writes the order as placed, with its audit record and the
// answer, in the commit that shows them.
func (s *Service) deliver(
	ctx context.Context,
	c *call.Call,
	order Order,
	condition table.Condition,
	effects []table.Operation,
) (Order, int64, error) {
	order, put, audit, err := placed(c, order, condition)
	if err != nil {
		return Order{}, 0, err
	}
	answer := call.Made(order, put.Item.Version).At(orderPath(c.Account, order.ID))
	err = s.kernel.Deliver(ctx, c, license.Delivery{
		OrderID: order.ID,
		Lots:    lots(order),
		Answer:  answer,
		Confirm: append(slices.Clone(effects), put, audit),
	})
	return order, put.Item.Version, err
}

// placed is the order as it is placed, how it is written so, and its audit record.
func placed(
	c *call.Call, o Order, condition table.Condition,
) (order Order, put, audit table.Operation, err error) {
	o.State, o.Percent = OrderPlaced, 100
	data, err := call.Encode(o)
	if err != nil {
		return o, put, audit, err
	}
	put = table.Put(table.Item{Key: OrderKey(c.Account, o.ID), Data: data}, condition)
	told := o
	told.Names = nil // the log has ids; its readers name them
	audit, err = c.Audit(call.AuditEntry{Action: "order.placed", Subject: "order", SubjectID: o.ID, After: told})
	return o, put, audit, err
}

func orderPath(account, id string) string { return "/v1/accounts/" + account + "/orders/" + id }

func lots(order Order) []license.Lot {
	list := make([]license.Lot, len(order.Lines))
	for i, line := range order.Lines {
		list[i] = license.Lot{ProductID: line.ProductID, CostCenter: line.CostCenter, Quantity: line.Quantity}
	}
	return list
}

// ResumeOrders places the orders of an account, or of all if it is empty, that were begun and left
// behind; the maintenance function calls it. One that fails does not stop the others.
func (s *Service) ResumeOrders(ctx context.Context, of string) error {
	var pieces []call.Piece
	err := OrderMarkers.Each(ctx, s.env.Table, of, func(m call.Marker) error {
		account, id := m.Account, m.ID
		marker, fault := call.Decode[orderMarker](m.Item)
		now := s.env.Clock()
		if fault == nil &&
			(now.Before(marker.At.Add(abandoned)) || now.Before(marker.TriedAt.Add(call.Pause(marker.Attempts)))) {
			return nil
		}
		pieces = append(pieces, call.Piece{
			Account: account,
			Marker:  "order " + id,
			Work: func(ctx context.Context) error {
				if fault != nil {
					return fault
				}
				return s.attempt(ctx, account, id, marker, m.Item)
			},
		})
		return nil
	})
	return errors.Join(err, call.InTurn(ctx, s.env, pieces))
}

// attempt counts an attempt and resumes the order, or fails it when there were too many.
func (s *Service) attempt(ctx context.Context, account, id string, marker orderMarker, item table.Item) error {
	if marker.Attempts >= call.MostAttempts {
		return s.fail(ctx, account, id, marker, item)
	}
	marker.Attempts++
	marker.TriedAt = s.env.Clock().UTC()
	data, err := call.Encode(marker)
	if err != nil {
		return err
	}
	counted := table.Put(OrderMarkers.Item(account, id, data), table.IfVersion(item.Version))
	if err := s.env.Table.Commit(ctx, []table.Operation{counted}); err != nil {
		if _, overtaken := table.Refused(err); overtaken {
			return nil
		}
		return err
	}
	return s.resume(ctx, account, id, marker)
}

// fail ends an order that could not be finished. What was prepared of its licenses was in nobody's
// sight, and stays so: they are seen by a confirmed order alone.
func (s *Service) fail(ctx context.Context, account, id string, marker orderMarker, item table.Item) error {
	c := call.ForEvent(s.env, account, marker.By, "request", s.env.Clock())
	c.RequestID = marker.RequestID
	stored, found, err := table.Get(ctx, s.env.Table, OrderKey(account, id))
	if err != nil || !found {
		return err
	}
	order, err := call.Decode[Order](stored)
	if err != nil || order.State != OrderPlacing {
		return err
	}
	order.State = OrderFailed
	order.Failure = fmt.Sprintf(
		"It was tried %d times and could not be placed. Nothing was bought; order again.",
		call.MostAttempts,
	)
	data, err := call.Encode(order)
	if err != nil {
		return err
	}
	audit, err := c.Audit(
		call.AuditEntry{
			Action:    "order.failed",
			Subject:   "order",
			SubjectID: id,
			After:     map[string]any{"why": order.Failure},
		},
	)
	if err != nil {
		return err
	}
	err = s.env.Table.Commit(ctx, []table.Operation{
		table.Put(table.Item{Key: stored.Key, Data: data}, table.IfVersion(stored.Version)),
		audit,
		table.Delete(
			item.Key,
			table.IfVersion(item.Version),
		),
		table.Add(placingKey(account), table.AtLeast(countPlacing, -1, 0)),
	})
	if _, overtaken := table.Refused(err); overtaken {
		return nil
	}
	return err
}

// resume finishes one order as the request would have, unless the request's repetition does it at
// the same time.
func (s *Service) resume(ctx context.Context, account, id string, marker orderMarker) error {
	c := call.ForEvent(s.env, account, marker.By, "request", marker.At)
	c.RequestID = marker.RequestID
	if err := c.Redeem(ctx, marker.AnswerRef); err != nil {
		return err
	}
	_, _, err := s.finish(ctx, c, id)
	var answered *call.Replay
	if _, overtaken := table.Refused(
		err,
	); overtaken || errors.As(err, &answered) ||
		problem.Is(err, problem.IdempotencyInProgress) {
		return nil
	}
	return err
}

// FindOrder reads one order and its version, as the caller may see it. One that is being placed shows
// how far it is, which reads an item for each 50 licenses.
//
// Errors: not-found.
func (s *Service) FindOrder(ctx context.Context, c *call.Call, id string) (Order, int64, error) {
	item, found, err := c.Get(ctx, OrderKey(c.Account, id))
	if err != nil {
		return Order{}, 0, err
	}
	if !found {
		return Order{}, 0, problem.Missing("order")
	}
	order, err := s.shown(ctx, c, item)
	if err == nil {
		order, err = TheirOrder(ctx, c, order)
	}
	return order, item.Version, err
}

// OrdersOf lists the order of a number that somebody was told, in whatever form they write it; none
// if there is no such order.
func (s *Service) OrdersOf(ctx context.Context, c *call.Call, number string) ([]Order, error) {
	number, ok := spoken(number)
	if !ok {
		return nil, problem.Invalid("number", problem.BadFormat, "must be nine digits, such as 482-913-706")
	}
	item, found, err := c.Get(ctx, orderNumberKey(c.Account, number))
	if err != nil || !found {
		return nil, err
	}
	to, err := call.Decode[struct {
		Order string `json:"order"`
	}](item)
	if err != nil {
		return nil, err
	}
	order, _, err := s.FindOrder(ctx, c, to.Order)
	if problem.Is(err, problem.NotFound) {
		return nil, nil
	}
	return []Order{order}, err
}

// Orders lists one page of the orders, the newest first, and the position of the next page. For an admin
// of some cost centers it has those with lines of theirs, and may be short.
func (s *Service) Orders(ctx context.Context, c *call.Call, limit int, after string) ([]Order, string, error) {
	page, err := c.Env.Table.Query(
		ctx,
		table.Query{Partition: ordersPartition(c.Account), After: after, Limit: limit, Backwards: true},
	)
	if err != nil {
		return nil, "", err
	}
	list := make([]Order, len(page.Items))
	for i, item := range page.Items {
		if list[i], err = s.shown(ctx, c, item); err != nil {
			return nil, "", err
		}
	}
	list, err = theirOrders(ctx, c, list)
	return list, page.Next, err
}

// shown is the order of an item as a reader sees it.
func (s *Service) shown(ctx context.Context, c *call.Call, item table.Item) (Order, error) {
	order, err := call.Decode[Order](item)
	if err != nil || order.State != OrderPlacing {
		return order, err
	}
	order.Percent, err = s.kernel.Prepared(ctx, c, order.ID, lots(order))
	return order, err
}
