package license

import (
	"context"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Short is somebody who waits for a seat, and for whom none is free.
type Short struct {
	Wait
	// Cause is who began the waiting.
	Cause call.Cause
	// Waits demands that they still wait, in the commit that buys a seat for them.
	Waits table.Operation
}

// Short lists who waits for a product, who waits longest first, for whom nothing is free and whom a
// seat of a cost center would serve: at most that many. There is nobody while the list has somebody
// who could be served from what is free: whoever serves it does that first.
//
// Whoever buys for them demands Waits of each, since the list and the free seats are not read at one
// moment: whom a seat has been given meanwhile does not wait any more.
func (d *Service) Short(
	ctx context.Context, c *call.Call, product, costCenter string, most int,
) (list []Short, err error) {
	u := d.Change(c)
	err = u.do(ctx, func(g *ledger) (err error) {
		list, err = g.short(product, costCenter, most)
		return err
	})
	return list, err
}

func (g *ledger) short(product, costCenter string, most int) (list []Short, err error) {
	p, ok := g.products.Lookup(product)
	if !ok || p.Kind != catalog.Seat {
		return nil, nil
	}
	if err := g.need(Need{Seats: map[string]int{product: 1}, fences: true}); err != nil || g.served(p) {
		return nil, err
	}
	looked := map[string]bool{} // cost centers for whose people nothing is free
	for i := 0; len(list) < most; i++ {
		w, err := g.waitAt(product, i)
		if err != nil || w == nil {
			return list, err
		}
		if of := w.entry.CostCenter; !looked[of] {
			free, err := g.choose(&Holder{UserID: w.entry.UserID, CostCenter: of}, product)
			if err != nil || free != nil {
				return nil, err
			}
			looked[of] = true
		}
		if g.fences.Serves(costCenter, w.entry.CostCenter) {
			list = append(list, Short{
				Wait: w.entry.Wait, Cause: w.entry.Cause,
				Waits: table.Check(record.WaitKey(g.account, w.sort), table.IfPresent),
			})
		}
	}
	return list, nil
}

// Free says whether a seat of a product is free for anybody. All of them were read: a grant found none
// that may serve its holder.
func (u *UnitOfWork) Free(product string) bool {
	pl := u.pools[product]
	return pl != nil && pl.pick(u.ledger, func(string) bool { return true }).seat != nil
}

// Serves says whether a seat of a cost center may be given to a user. Both are loaded: the user, and
// seats of some product, with which the fences come.
func (u *UnitOfWork) Serves(costCenter, user string) bool {
	h := u.holder(user)
	return h != nil && u.fences != nil && u.fences.Serves(costCenter, h.CostCenter)
}
