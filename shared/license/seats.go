package license

import (
	"fmt"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// The decisions of the ledger about seats. Each says which problems it may end in; any of them may
// need to know more.

// put makes a holder, or changes who a loaded one is, as UnitOfWork.Put says.
func (g *ledger) put(p Person) error {
	s := g.holders[p.UserID]
	if s == nil {
		s = &state[Holder]{gone: true}
		g.holders[p.UserID] = s
	}
	if s.gone { // new, or removed by this very change
		s.gone, s.now = false, Holder{UserID: p.UserID}
	}
	h := &s.now
	renamed := h.Name != p.Name
	h.Name, h.Email, h.Active = p.Name, p.Email, p.Active
	if renamed {
		if err := g.rename(h); err != nil {
			return err
		}
	}
	if err := g.transfer(h, p.CostCenter); err != nil {
		return err
	}
	if !p.Active {
		for _, holding := range h.Holdings {
			holding.Grants = automatic(holding.Grants)
		}
	}
	return g.settle(h)
}

// remove deletes a holder: every seat goes back and every grant is forgotten.
func (g *ledger) remove(user string) error {
	h := g.holder(user)
	if h == nil {
		return nil
	}
	for _, holding := range h.Holdings {
		holding.Grants = nil
	}
	if err := g.settle(h); err != nil {
		return err
	}
	for product, holding := range h.Holdings {
		if holding.Excluded != nil {
			g.exclusions[product+"#"+user] = false
		}
	}
	if err := g.extend(user, "", ""); err != nil {
		return err
	}
	if h.CostCenter != "" {
		g.people[h.CostCenter]--
		g.belonged(h)
	}
	g.holders[user].gone = true
	return nil
}

// rename carries a new name to the licenses held.
func (g *ledger) rename(h *Holder) error {
	if err := g.loadHeld(h); err != nil {
		return err
	}
	for _, holding := range h.Holdings {
		if l := g.licenses[holding.LicenseID]; l != nil {
			l.now.UserName = h.Name
		}
		if holding.Waiting == "" {
			continue
		}
		w, err := g.wait(holding.Waiting)
		if err != nil {
			return err
		}
		if w != nil {
			w.now.UserName = h.Name
		}
	}
	return nil
}

// transfer makes a holder one of another cost center, or of none: from now on what they consume is
// charged to it, and its fence is none for them.
func (g *ledger) transfer(h *Holder, costCenter string) error {
	if h.CostCenter == costCenter {
		return nil
	}
	if costCenter != "" {
		if err := g.chargeable(costCenter); err != nil {
			return err
		}
	}
	if err := g.loadHeld(h); err != nil {
		return err
	}
	for product, holding := range h.Holdings {
		if l := g.licenses[holding.LicenseID]; l != nil && l.now.Kind == catalog.Metered {
			g.handedOn(l, h)
			l.now.HolderCostCenter = costCenter
		}
		if holding.Waiting == "" {
			continue
		}
		w, err := g.wait(holding.Waiting)
		if err != nil {
			return err
		}
		if w != nil {
			g.waitedSoFar(h, product, holding.WaitingSince)
			w.now.CostCenter = costCenter
			g.look[product] = true // a fence may have kept them from a seat
		}
	}
	g.belonged(h)
	g.record(call.AuditEntry{
		Action: "user.charged", Subject: "user", SubjectID: h.UserID, User: h.UserID,
		Before: costCenterOf(h.CostCenter), After: costCenterOf(costCenter),
	})
	for code, by := range map[string]int64{h.CostCenter: -1, costCenter: 1} {
		if code != "" {
			g.people[code] += by
		}
	}
	h.CostCenter = costCenter
	return nil
}

// costCenterOf is a cost center's part in an audit record.
func costCenterOf(code string) map[string]string { return map[string]string{"costCenter": code} }

// loadHeld loads the licenses that the holder has.
func (g *ledger) loadHeld(h *Holder) error {
	if err := g.need(Need{Licenses: h.Held()}); err != nil {
		return err
	}
	for product := range h.Holdings {
		if !h.Holds(product) {
			continue
		}
		if _, err := g.held(h, product); err != nil {
			return err
		}
	}
	return nil
}

// held is the license of a product that the holder has, by the holder's item as well as by its own.
func (g *ledger) held(h *Holder, product string) (*licenseState, error) {
	id := h.Holdings[product].LicenseID
	if err := g.need(Need{Licenses: []string{id}}); err != nil {
		return nil, err
	}
	if g.licenses[id] == nil {
		return nil, fmt.Errorf("license %s of user %s is missing", id, h.UserID)
	}
	return g.licenses[id], g.agreed(h.UserID, id)
}

// grant gives a loaded user a reason to hold the product, and what follows from it: a seat, or a
// place in the waiting list for an automatic grant.
//
// Errors for a grant that a person gives: not-enough-licenses and those of mayHold. An automatic
// grant never fails for want of a seat.
func (g *ledger) grant(user, product, source string) error {
	h, err := g.Holder(user)
	if err != nil {
		return err
	}
	p, err := g.product(product)
	if err != nil {
		return err
	}
	holding := h.Holding(product)
	if !record.Automatic(source) {
		if err := mayHold(g.products, h, p); err != nil {
			h.Tidy()
			return err
		}
		if holding.Excluded != nil {
			g.readmit(h, product)
		}
	}
	holding.Grants = withGrant(holding.Grants, source, g.at)
	return g.settle(h)
}

// grantProduct is Grant, but changes nothing for who holds the product by a person's decision
// already (requirements, section 4).
func (g *ledger) grantProduct(user, product, source string) error {
	h := g.holder(user)
	if h != nil && h.Holds(product) && h.Active && byHand(h.Holdings[product].Grants) {
		return nil
	}
	return g.grant(user, product, source)
}

// withdraw takes reasons away; the seat goes back with the last one.
func (g *ledger) withdraw(user, product string, drop func(string) bool) error {
	h := g.holder(user)
	if h == nil || h.Holdings[product] == nil {
		return nil
	}
	holding := h.Holdings[product]
	holding.Grants = withoutGrants(holding.Grants, drop)
	return g.settle(h)
}

// unassign takes the product from a loaded user as a person demands it: the grants that a person
// gave end, and if automatic ones stand behind, the user is excluded from automatic assignment of
// the product (requirements, section 4).
func (g *ledger) unassign(user, product string) error {
	h := g.holder(user)
	if h == nil || h.Holdings[product] == nil {
		return nil
	}
	holding := h.Holdings[product]
	if g.endByHand(h, product) && holding.LicenseID == "" { // otherwise the license's own record tells of it
		g.recordExclusion(h, product)
	}
	return g.settle(h)
}

// recordExclusion says that a holder is excluded from automatic assignment of a product.
func (g *ledger) recordExclusion(h *Holder, product string) {
	g.record(call.AuditEntry{
		Action: "exclusion.added", Subject: "exclusion", SubjectID: product + "#" + h.UserID, User: h.UserID,
		After: map[string]any{"productId": product, "grants": sourcesOf(h.Holdings[product].Grants)},
	})
}

// endByHand ends the grants that a person gave. If automatic ones stand behind them, the holder is
// excluded from automatic assignment of the product, unless they are already.
func (g *ledger) endByHand(h *Holder, product string) (excluded bool) {
	holding := h.Holdings[product]
	holding.Grants = automatic(holding.Grants)
	if len(holding.Grants) == 0 || holding.Excluded != nil {
		return false
	}
	holding.Excluded = &record.Exclusion{Since: g.at, By: g.actor}
	g.exclusions[product+"#"+h.UserID] = true
	return true
}

// readmit ends an exclusion.
func (g *ledger) readmit(h *Holder, product string) {
	h.Holding(product).Excluded = nil
	g.exclusions[product+"#"+h.UserID] = false
}

// lift ends an exclusion of a loaded user; the automatic grants count again.
func (g *ledger) lift(user, product string) error {
	h := g.holder(user)
	if h == nil || h.Holdings[product] == nil || h.Holdings[product].Excluded == nil {
		return problem.Missing("exclusion")
	}
	g.readmit(h, product)
	g.record(
		call.AuditEntry{Action: "exclusion.lifted", Subject: "exclusion", SubjectID: product + "#" + user, User: user},
	)
	return g.settle(h)
}

// resettle looks at a loaded user again after something around them changed: the account's bundle.
func (g *ledger) resettle(user string) error {
	if h := g.holder(user); h != nil {
		return g.settle(h)
	}
	return nil
}

// settle makes the holder's seats agree with the grants; it is the one place where that is decided.
// Products are looked at in the catalog's order until nothing changes any more, since one product
// can cover, carry or exclude another.
func (g *ledger) settle(h *Holder) error {
	for range settleRounds {
		changed := false
		for p := range g.products.All() {
			if h.Holdings[p.ID] == nil {
				continue
			}
			did, err := g.settleProduct(h, p)
			if err != nil {
				return err
			}
			changed = changed || did
		}
		if !changed {
			h.Tidy()
			return nil
		}
	}
	return fmt.Errorf(
		"the seats of user %s do not come to rest in %d rounds: the catalog's products demand and exclude each other in a circle",
		h.UserID,
		settleRounds,
	)
}

// settleRounds is how often the products of a holder are looked at: more often than one can follow
// from another in any catalog that makes sense.
const settleRounds = 8

func (g *ledger) settleProduct(h *Holder, p catalog.Product) (changed bool, err error) {
	holding := h.Holdings[p.ID]
	if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) && len(holding.Grants) > 0 {
		// An add-on goes with its base (requirements, section 4), and what a person gave goes with
		// what it needs.
		holding.Grants = withoutGrants(
			holding.Grants,
			func(s string) bool { return p.Base != "" || !record.Automatic(s) },
		)
	}
	wanted, _ := g.terms().Wants(h, p.ID)
	held := holding.LicenseID != ""
	switch {
	case held && wanted:
		return false, g.regrant(h, p)
	case held:
		return true, g.giveBack(h, p)
	case !wanted && holding.Waiting == "":
		return false, nil
	case !wanted:
		withdrawn := waitChange("grant.withdrawn", p.ID, h.UserID)
		withdrawn.Before = waitOf(p.ID, holding.WaitingSince)
		withdrawn.After = map[string]any{"productId": p.ID, "grants": sourcesOf(holding.Grants)}
		g.record(withdrawn)
		_, err := g.leaveWaiting(h, p)
		return true, err
	case p.Kind == catalog.Metered:
		return true, g.make(h, p)
	}
	return g.seek(h, p)
}

// seek looks for a seat for somebody who wants one and has none: one that a person gave fails
// without, an automatic one waits.
func (g *ledger) seek(h *Holder, p catalog.Product) (taken bool, err error) {
	holding := h.Holdings[p.ID]
	manual := byHand(holding.Grants)
	switch {
	case manual:
	case holding.Waiting != "":
		// A waiting holder is served in turn, by whoever frees a seat or by Drain, not because
		// somebody looked at them.
		return false, g.rewait(h, p)
	default:
		// Who comes now queues behind who waits already.
		queue, err := g.head(p.ID)
		if err != nil {
			return false, err
		}
		if queue != nil {
			g.joinWaiting(h, p)
			return false, nil
		}
	}
	free, err := g.free(h, p.ID)
	switch {
	case err != nil:
		return false, err
	case free == nil && manual:
		return false, g.shortage(h, p)
	case free == nil:
		g.joinWaiting(h, p)
		return false, nil
	}
	if holding.Waiting != "" {
		if _, err := g.leaveWaiting(h, p); err != nil {
			return false, err
		}
	}
	g.take(h, p, free, call.Cause{})
	return true, nil
}

// take puts a free license into the holder's hands. Its audit entry goes back to who began the
// waiting that it ends, if it ends one.
func (g *ledger) take(h *Holder, p catalog.Product, l *licenseState, began call.Cause) {
	g.relied = g.relied || p.Purchasable() && l.now.CostCenter != h.CostCenter
	g.hand(h, p, l)
	g.counts[record.CountName(record.CountAssigned, p.ID)]++
	assigned := g.seatChange("license.assigned", l, h.UserID, grantReason(l.now.Grants))
	assigned.Cause = began
	g.record(assigned)
}

// hand makes a license the holder's, with all that it shows of them.
func (g *ledger) hand(h *Holder, p catalog.Product, l *licenseState) {
	holding := h.Holding(p.ID)
	at := g.at
	l.now.Status, l.now.UserID, l.now.UserName, l.now.AssignedAt = Assigned, h.UserID, h.Name, &at
	l.now.Grants = slices.Clone(holding.Grants)
	l.now.Pending = false
	l.now.Extension, l.now.BaseLicenseID = h.Extension, ""
	if p.Base != "" {
		l.now.BaseLicenseID = h.Holdings[p.Base].LicenseID
	}
	if p.Kind == catalog.Metered {
		l.now.HolderCostCenter = h.CostCenter
	}
	holding.LicenseID = l.now.ID
}

// make makes a metered license: it is not bought, assigning makes it (requirements, section 2).
func (g *ledger) make(h *Holder, p catalog.Product) error {
	if len(g.ids) == 0 {
		return &needs{ids: 1}
	}
	l := &licenseState{}
	l.now = record.Document{License: License{
		ID: g.ids[0], ProductID: p.ID, Kind: p.Kind, Status: Available, AddedAt: g.at, Grants: []Grant{},
	}, Shards: g.spread}
	g.ids = g.ids[1:]
	g.licenses[l.now.ID] = l
	g.take(h, p, l, call.Cause{})
	return nil
}

// giveBack takes the license out of the holder's hands: it goes to who waits longest, else to the
// pool; a metered one ends.
func (g *ledger) giveBack(h *Holder, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	// It may be one that this very change has taken out of the pool, for somebody else: given back,
	// it would be left as it was read, and not even be written, so that no condition would notice.
	l, err := g.held(h, p.ID)
	if err != nil {
		return err
	}
	holding.LicenseID = ""
	l.now.Status, l.now.AssignedAt = Available, nil
	l.now.UserID, l.now.UserName, l.now.Extension, l.now.BaseLicenseID = "", "", "", ""
	l.now.Shards = g.spread
	l.now.Grants = []Grant{}
	g.counts[record.CountName(record.CountAssigned, p.ID)]--
	g.record(g.seatChange("license.unassigned", l, h.UserID, ""))
	if p.Kind == catalog.Metered {
		at := g.at
		l.now.Status, l.now.TerminatedAt = Terminated, &at
		g.ended(l, h)
		return nil
	}
	return g.handOver(p, l, h.UserID)
}

// regrant shows changed grants on the license.
func (g *ledger) regrant(h *Holder, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	same := slices.Equal(g.grantsRead(h, p.ID), holding.Grants)
	if same && g.licenses[holding.LicenseID] == nil {
		return nil
	}
	// One read of several items is no snapshot: another commit may have come between the holder's
	// and the license's. If this change does not write the holder, no condition of its commit would
	// notice.
	l, err := g.held(h, p.ID)
	switch {
	case err != nil:
		return err
	case same && l.before.UserID == h.UserID:
		l.now.Grants = l.before.Grants // so it may be newer than the holder
	default:
		l.now.Grants = slices.Clone(holding.Grants)
	}
	return nil
}
