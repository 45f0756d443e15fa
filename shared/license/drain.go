package license

import (
	"context"
	"errors"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Drain serves the waiting list of a product from the seats that are free, in order, until one of
// the two is empty. Whoever frees a seat hands it over in the same commit when somebody waits;
// Drain is for seats that are bought, and for the moment in which one user began to wait while
// another's seat was being freed: both then look again after their own commit, with strongly
// consistent reads, so at least the later of them sees the other. A crash before that look is
// mended by the maintenance function, which drains every list in WaitingMarkers. It returns how
// many it served.
func (d *Service) Drain(ctx context.Context, c *call.Call, product string) (int, error) {
	served, _, err := d.drain(ctx, c, product)
	return served, err
}

// drain is Drain, and says whether somebody was seen for whom nothing is free.
func (d *Service) drain(ctx context.Context, c *call.Call, product string) (served int, short bool, err error) {
	from := ""
	err = untilDone(ctx, func(ctx context.Context) (more bool, err error) {
		t, err := d.drainSome(ctx, c.Apart(), product, from)
		served, short = served+t.served, short || t.short
		from = t.until
		return t.moved > 0, err
	})
	return served, short, err
}

// Supplier buys seats that are missing, where the account has decided so; package purchase has it.
type Supplier interface {
	// Supply buys seats of a product for those who wait for one, for whom nothing is free, and says
	// how many it bought. It serves nobody.
	Supply(ctx context.Context, c *call.Call, product string) (bought int, err error)
	// Room is how many seats it would buy now; bids is false where it buys none at all.
	Room(ctx context.Context, c *call.Call, product string) (room int64, bids bool, err error)
}

// SuppliedBy makes the service have missing seats bought: right after a commit by which somebody
// began to wait, and wherever a waiting list is served.
func (d *Service) SuppliedBy(s Supplier) { d.supplier = s }

// Serve serves the waiting list of a product from the seats that are free and, when there is none for
// somebody, from those that the supplier buys, until nobody can be served any more.
func (d *Service) Serve(ctx context.Context, c *call.Call, product string) error {
	for {
		_, short, err := d.drain(ctx, c, product)
		if err != nil || !short || d.supplier == nil {
			return err
		}
		bought, err := d.supplier.Supply(ctx, c, product)
		if err != nil || bought == 0 {
			return err
		}
	}
}

// untilDone decides (call.Decide) and commits one step after the other, until there is no more to do.
func untilDone(ctx context.Context, step func(ctx context.Context) (more bool, err error)) error {
	for more := true; more; {
		err := call.Decide(ctx, func(ctx context.Context) (err error) {
			more, err = step(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// serveSoon serves the lists of some products, where a failure only means that one is served later:
// the maintenance function looks at every list.
func (d *Service) serveSoon(ctx context.Context, c *call.Call, products map[string]bool) {
	for product := range inOrder(products) {
		if err := d.Serve(ctx, c, product); err != nil {
			log := c.Env.Log.With("account", c.Account, "product", product)
			log.WarnContext(ctx, "waiting list not served", "error", err)
		}
	}
}

// drainBatch is how many of the waiting are served in one commit: each takes a holder, a license, a
// pool entry, a waiting entry and an audit record with its second place, and more when the seat
// makes another one unnecessary.
const drainBatch = 15

// drainSome serves some of who wait from a place of the list on. Those before it wait for seats that
// fences do not keep from them, and whoever frees one looks again.
func (d *Service) drainSome(ctx context.Context, c *call.Call, product, from string) (turn, error) {
	for size := drainBatch; ; size /= 2 {
		u := d.Change(c)
		u.begin = map[string]string{product: from}
		var t turn
		err := u.do(ctx, func(g *ledger) (err error) {
			t, err = g.serve(product, size)
			return err
		})
		if err != nil || t.moved == 0 {
			return turn{short: t.short}, err
		}
		delete(u.look, product) // whoever asked looks at it again
		err = u.Commit(ctx, call.Answer{})
		switch {
		case err == nil:
			return t, nil
		case size == 1 || !errors.Is(err, errTooMuch):
			return turn{}, err
		}
	}
}

// DrainWaiting serves every waiting list that has an entry, of an account, or of all if it is empty. One
// that fails never stops the others; the errors come together. It reads one index entry for each list, however many
// wait in it, and where nothing is free no more than the counts: a list may stand still for months.
func (d *Service) DrainWaiting(ctx context.Context, env *app.Env, of string) error {
	var pieces []call.Piece
	err := WaitingLists(ctx, env.Table, of, func(account, product string) {
		c := call.ForEvent(env, account, "maintenance", "waiting list", env.Clock())
		pieces = append(pieces, call.Piece{
			Account: account, Marker: "waiting list of " + product,
			Work: func(ctx context.Context) error { return d.serveStanding(ctx, c, product) },
		})
	})
	return errors.Join(err, call.InTurn(ctx, env, pieces))
}

// serveStanding is Serve of a list that may have stood still since it was looked at.
func (d *Service) serveStanding(ctx context.Context, c *call.Call, product string) error {
	none, err := d.noneFree(ctx, c, product)
	if err != nil {
		return err
	}
	if !none {
		return d.Serve(ctx, c, product)
	}
	if d.supplier == nil {
		return nil
	}
	bought, err := d.supplier.Supply(ctx, c, product)
	if err != nil || bought == 0 {
		return err
	}
	return d.Serve(ctx, c, product)
}

// Servable says that somebody who waits for a seat of a product may get one, by how many are free: one
// is, or can be bought. A list may stand still for months, so schedules look at this alone. A bundle that
// lets those who wait do without has a marker of its own.
func (d *Service) Servable(ctx context.Context, c *call.Call, product string, available int64) (bool, error) {
	if available > 0 {
		return true, nil
	}
	if d.supplier == nil {
		return false, nil
	}
	room, bids, err := d.supplier.Room(ctx, c, product)
	return bids && room > 0, err
}

// noneFree says that a product has no free seat by the counts, and that the account's bundle does not
// let those who wait for one do without.
func (d *Service) noneFree(ctx context.Context, c *call.Call, product string) (bool, error) {
	u := d.Change(c)
	item, exists, err := table.Get(ctx, c.Env.Table, call.AccountKey(c.Account))
	if err == nil {
		err = u.takeAccount(item, exists)
	}
	if err != nil {
		return false, err
	}
	if p, _ := d.products.Lookup(product); u.served(p) {
		return false, nil
	}
	counts, err := record.ReadCounts(ctx, c.Env.Table, c.Account)
	return err == nil && counts.Available(product) <= 0, err
}

// WaitingLists visits the waiting lists in which somebody waits, of an account, or of all if it is
// empty: at most one query for each list, however many wait in it.
func WaitingLists(ctx context.Context, store table.Store, of string, visit func(account, product string)) error {
	return record.WaitingMarkers.Groups(ctx, store, of, visit)
}
