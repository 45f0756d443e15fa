package license

import (
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
)

// The decisions of the ledger about who waits for a seat.

type head struct {
	waits []waitItem
	from  string // where it begins
	next  string
	limit int // of the next read
	done  bool
}

type waitItem struct {
	sort  string
	entry record.StoredWait
}

func (g *ledger) joinWaiting(h *Holder, p catalog.Product) {
	holding := h.Holding(p.ID)
	at := g.at
	holding.WaitingSince = &at
	holding.Waiting = p.ID + "#" + call.AuditMoment(at) + "#" + h.UserID
	w := g.waits[holding.Waiting] // there when the same call has just taken the user off the list
	if w == nil {
		w = &state[record.StoredWait]{}
		g.waits[holding.Waiting] = w
	}
	w.gone = false
	w.now = record.StoredWait{
		Wait: record.Wait{
			ProductID:  p.ID,
			UserID:     h.UserID,
			UserName:   h.Name,
			Since:      at,
			Grants:     slices.Clone(holding.Grants),
			CostCenter: h.CostCenter,
		},
		Cause: g.cause,
	}
	g.counts[record.CountName(record.CountWaiting, p.ID)]++
	g.look[p.ID] = true
	waiting := waitChange("grant.waiting", p.ID, h.UserID)
	waiting.Reason, waiting.After = grantReason(holding.Grants), waitOf(p.ID, &at)
	g.record(waiting)
}

// waitChange begins the audit entry of a grant that waits, or no longer does.
func waitChange(action, product, user string) call.AuditEntry {
	return call.AuditEntry{Action: action, Subject: "grant", SubjectID: product + "#" + user, User: user}
}

// waitOf is a waiting grant's part in an audit record.
func waitOf(product string, since *time.Time) map[string]any {
	return map[string]any{"productId": product, "waitingSince": since}
}

// rewait shows changed grants in the waiting list.
func (g *ledger) rewait(h *Holder, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	if slices.Equal(g.grantsRead(h, p.ID), holding.Grants) {
		return nil // so the entry may be newer than the holder, who is not written
	}
	w, err := g.wait(holding.Waiting)
	if w != nil {
		w.now.Grants = slices.Clone(holding.Grants)
	}
	return err
}

// wait is an entry of a waiting list; nil when it is gone.
func (g *ledger) wait(sort string) (*state[record.StoredWait], error) {
	if w := g.waits[sort]; w != nil || g.absent[sort] {
		return w, nil
	}
	return nil, &needs{waits: []string{sort}}
}

// leaveWaiting takes a holder off the waiting list, and says who began the waiting.
func (g *ledger) leaveWaiting(h *Holder, p catalog.Product) (began call.Cause, err error) {
	holding := h.Holdings[p.ID]
	w, err := g.wait(holding.Waiting)
	if err != nil {
		return call.Cause{}, err
	}
	if w != nil {
		w.gone, began = true, w.now.Cause
	}
	g.waited(h, p.ID, holding.WaitingSince)
	holding.Waiting, holding.WaitingSince = "", nil
	g.counts[record.CountName(record.CountWaiting, p.ID)]--
	return began, nil
}

// serveWaiting gives a free license to a holder who waits for it. Who freed it did not decide whose
// it becomes, so its audit entry goes back to who began the waiting as well.
func (g *ledger) serveWaiting(h *Holder, p catalog.Product, l *licenseState) error {
	began, err := g.leaveWaiting(h, p)
	if err != nil {
		return err
	}
	g.take(h, p, l, began)
	return nil
}

// head is who waits longest for the product and is not yet served, or nil.
func (g *ledger) head(product string) (*waitItem, error) {
	if p, ok := g.products.Lookup(product); !ok || p.Kind != catalog.Seat {
		return nil, nil // only seats are granted automatically, so nobody ever waits for another kind
	}
	hd := g.heads[product]
	if hd == nil {
		return nil, &needs{heads: []string{product}}
	}
	for i := range hd.waits {
		if w := &hd.waits[i]; g.open(w) {
			return w, nil
		}
	}
	if hd.done {
		return nil, nil
	}
	return nil, &needs{heads: []string{product}}
}

// handOver gives a license that was just freed to who waits longest of those whom it may serve; nobody
// ever sees it free in between, and no crash can lose the turn. Where a fence keeps it from everybody
// at the beginning of the list, it goes to the pool, and whoever drains the list right after the
// commit looks at the rest.
func (g *ledger) handOver(p catalog.Product, l *licenseState, leaver string) error {
	if g.deferred {
		g.look[p.ID] = true
		return nil
	}
	if g.served(p) {
		return nil
	}
	for {
		next, err := g.next(p.ID, l.now.CostCenter)
		if err != nil {
			return err
		}
		if next == nil {
			if p.Kind == catalog.Seat {
				g.look[p.ID] = true
			}
			return nil
		}
		if err := g.need(Need{Users: []string{next.entry.UserID}}); err != nil {
			return err
		}
		h := g.holder(next.entry.UserID)
		g.passed[next.sort] = true
		if h == nil || h.UserID == leaver || h.Holdings[p.ID] == nil || h.Holdings[p.ID].Waiting != next.sort ||
			!g.fences.Serves(l.now.CostCenter, h.CostCenter) {
			continue
		}
		if err := g.serveWaiting(h, p, l); err != nil {
			return err
		}
		return g.settle(h) // the seat may make another one unnecessary
	}
}

// next is who waits longest for the product, is not yet served, and may be given a seat of a cost
// center, or nil when nobody at the beginning of the list is.
func (g *ledger) next(product, costCenter string) (*waitItem, error) {
	first, err := g.head(product)
	if first == nil || err != nil {
		return nil, err
	}
	if err := g.need(Need{fences: true}); err != nil {
		return nil, err
	}
	hd := g.heads[product]
	for i := range hd.waits {
		w := &hd.waits[i]
		if g.open(w) && g.fences.Serves(costCenter, w.entry.CostCenter) {
			return w, nil
		}
	}
	if hd.done || len(hd.waits) > headPage {
		return nil, nil
	}
	return nil, &needs{heads: []string{product}}
}

// open says whether an entry of a waiting list is neither passed over nor gone.
func (g *ledger) open(w *waitItem) bool {
	return !g.passed[w.sort] && (g.waits[w.sort] == nil || !g.waits[w.sort].gone)
}

// served says that nobody needs a seat of the product, since the account's bundle has it unlimited.
// Whoever waits from before that leaves the list as they are looked at, one by one: the list can be
// longer than a commit.
func (g *ledger) served(p catalog.Product) bool {
	return g.Unlimited() && p.CountsAs.Group == catalog.LiveReports
}

// turn is what one look at a waiting list came to.
type turn struct {
	// served got a seat; moved are these and who needs none any more, since the account's bundle has
	// changed, and leaves the list.
	served, moved int
	// short says that somebody was looked at for whom nothing is free.
	short bool
	// until is the last entry that was looked at.
	until string
}

// serve gives free seats of the product to the first who wait for it and may have one, at most that
// many. Those whom fences keep from all that is free stay, and keep nobody behind them waiting.
func (g *ledger) serve(product string, most int) (t turn, err error) {
	p, ok := g.products.Lookup(product)
	if !ok || p.Kind != catalog.Seat {
		return t, nil
	}
	blocked := map[string]bool{} // cost centers for whose people nothing is free
	defer func() { t.short = len(blocked) > 0 }()
	for i := 0; t.moved < most; i++ {
		w, err := g.waitAt(product, i)
		if err != nil || w == nil {
			return t, err
		}
		if t.until = w.sort; blocked[w.entry.CostCenter] {
			continue
		}
		if err := g.needNext(product, i, most-t.moved, blocked); err != nil {
			return t, err
		}
		if err := g.serveOne(p, w, blocked, &t); err != nil {
			return t, err
		}
		if len(blocked) > 0 && g.exhausted(product) {
			return t, nil
		}
	}
	return t, nil
}

// waitAt is who waits for the product at a place of its list, or nil.
func (g *ledger) waitAt(product string, place int) (*waitItem, error) {
	hd := g.heads[product]
	switch {
	case hd != nil && place < len(hd.waits):
		return &hd.waits[place], nil
	case hd != nil && hd.done:
		return nil, nil
	}
	return nil, &needs{heads: []string{product}}
}

// needNext demands, at once, the users who are likely to be served next, from a place of the list on.
func (g *ledger) needNext(product string, place, most int, blocked map[string]bool) error {
	var users []string
	for _, w := range g.heads[product].waits[place:] {
		if len(users) == most {
			break
		}
		if !blocked[w.entry.CostCenter] {
			users = append(users, w.entry.UserID)
		}
	}
	if g.need(Need{Users: users[:1]}) == nil {
		return nil
	}
	return g.need(Need{Users: users})
}

// serveOne gives a free seat to somebody who waits, if one may serve them, and notes their cost
// center if none may. Who does not wait any more is passed over.
func (g *ledger) serveOne(p catalog.Product, w *waitItem, blocked map[string]bool, t *turn) error {
	h := g.holder(w.entry.UserID)
	if h == nil || h.Holdings[p.ID] == nil || h.Holdings[p.ID].Waiting != w.sort {
		return nil
	}
	if wanted, _ := g.terms().Wants(h, p.ID); wanted {
		free, err := g.free(h, p.ID)
		if err != nil {
			return err
		}
		if free == nil {
			blocked[h.CostCenter] = true
			return nil
		}
		if err := g.serveWaiting(h, p, free); err != nil {
			return err
		}
		t.served++
	}
	t.moved++
	return g.settle(h)
}

// exhausted says whether nothing of the product is free any more, for whomever.
func (g *ledger) exhausted(product string) bool {
	pl := g.pools[product]
	return pl != nil && pl.whole && pl.pick(g, func(string) bool { return true }) == picked{}
}
