package license

import (
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/table"
)

// What a change ends is kept as spans, so that a billing period is a fold of what there is and of
// what has ended since it began (requirements, section 12). All that one commit ends is one item
// beside it.

// ended notes that a license is ended: of a metered one, who held it and to which cost center that
// goes.
func (g *ledger) ended(l *licenseState, holder *Holder) {
	span := record.Span{
		License: l.now.ID, ProductID: l.now.ProductID, CostCenter: l.now.CostCenter,
		From: l.now.AddedAt, Until: g.at, Ended: true,
	}
	if holder != nil {
		span.UserID, span.CostCenter = holder.UserID, chargedTo(holder)
	}
	g.spans = append(g.spans, span)
}

// recharged notes to which cost center a license was charged until now.
func (g *ledger) recharged(l *licenseState) {
	g.spans = append(g.spans, record.Span{
		License: l.now.ID, ProductID: l.now.ProductID, CostCenter: l.now.CostCenter, From: l.now.AddedAt, Until: g.at,
	})
}

// handedOn notes who held a metered license until now.
func (g *ledger) handedOn(l *licenseState, holder *Holder) {
	if l.now.Kind != catalog.Metered {
		return
	}
	g.spans = append(g.spans, record.Span{
		License: l.now.ID, ProductID: l.now.ProductID, UserID: holder.UserID, CostCenter: chargedTo(holder),
		From: l.now.AddedAt, Until: g.at,
	})
}

// waited notes a waiting that ends, if it can have been there at the end of a day.
func (g *ledger) waited(h *Holder, product string, since *time.Time) {
	if since == nil || !record.Crosses(*since, g.at) {
		return
	}
	g.spans = append(g.spans, record.Span{
		ProductID: product, UserID: h.UserID, CostCenter: chargedTo(h), From: *since, Until: g.at,
		Waiting: true, Ended: true,
	})
}

// waitedSoFar notes to which cost center a waiting that goes on was charged until now.
func (g *ledger) waitedSoFar(h *Holder, product string, since *time.Time) {
	if since == nil || !record.Crosses(*since, g.at) {
		return
	}
	g.spans = append(g.spans, record.Span{
		ProductID: product, UserID: h.UserID, CostCenter: chargedTo(h), From: *since, Until: g.at, Waiting: true,
	})
}

// belonged notes to which cost center a person belonged until now: for what is theirs and is no
// license.
func (g *ledger) belonged(h *Holder) {
	g.spans = append(g.spans, record.Span{UserID: h.UserID, CostCenter: chargedTo(h), Until: g.at})
}

// chargedTo is the cost center that what a person consumes is charged to; empty for the account's.
func chargedTo(h *Holder) string { return h.CostCenter }

// writeSpans writes what the change has ended.
func (u *UnitOfWork) writeSpans(w *writes) {
	if len(u.spans) == 0 {
		return
	}
	w.put(record.SpansItem(u.account, u.at, u.c.Env.IDs.Ordered()), record.Spans{Spans: u.spans}, table.IfAbsent)
}
