package license

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// The decisions of the ledger about seats. Each says which problems it may end in; any of them may
// need to know more.

// put makes a holder, or changes name and activity of a loaded one. Deactivating takes the grants
// that a person gave, and gives every seat back; the automatic grants are kept in mind and count
// again when the user returns (requirements, section 6).
func (g *ledger) put(user, name string, active bool) error {
	h := g.holders[user]
	switch {
	case h == nil:
		h = &holderState{Holder: Holder{UserID: user}}
		g.holders[user] = h
	case h.gone: // removed by this very change
		h.gone, h.Holder = false, Holder{UserID: user}
	}
	renamed := h.Name != name
	h.Name, h.Active = name, active
	if renamed {
		if err := g.rename(h); err != nil {
			return err
		}
	}
	if !active {
		for _, holding := range h.Holdings {
			holding.Grants = withoutGrants(holding.Grants, func(s string) bool { return !record.Automatic(s) })
		}
	}
	return g.settle(h)
}

// remove deletes a holder: every seat goes back and every grant is forgotten.
func (g *ledger) remove(user string) error {
	h, ok := g.holders[user]
	if !ok {
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
	if err := g.unextend(user); err != nil {
		return err
	}
	h.gone = true
	return nil
}

// rename carries a new name to the licenses held.
func (g *ledger) rename(h *holderState) error {
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
			w.entry.UserName, w.dirty = h.Name, true
		}
	}
	return nil
}

// loadHeld loads the licenses that the holder has.
func (g *ledger) loadHeld(h *holderState) error {
	var ids []string
	for _, holding := range h.Holdings {
		if holding.LicenseID != "" {
			ids = append(ids, holding.LicenseID)
		}
	}
	if err := g.need(Need{Licenses: ids}); err != nil {
		return err
	}
	for _, id := range ids {
		if g.licenses[id] == nil {
			return fmt.Errorf("license %s of user %s is missing", id, h.UserID)
		}
		if err := g.agreed(h.UserID, id); err != nil {
			return err
		}
	}
	return nil
}

// grant gives a loaded user a reason to hold the product, and what follows from it: a seat, or a
// place in the waiting list for an automatic grant.
//
// Errors for a grant that a person gives: not-enough-licenses and those of mayHold. An automatic
// grant never fails for want of a seat.
func (g *ledger) grant(user, product, source string) error {
	h, ok := g.holders[user]
	if !ok || h.gone {
		return problem.Missing("user")
	}
	p, ok := g.products.Lookup(product)
	if !ok {
		return problem.Invalid("productId", problem.UnknownID, "is not in the catalog")
	}
	holding := h.Holding(product)
	if !record.Automatic(source) {
		if err := mayHold(&h.Holder, p); err != nil {
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

// withdraw takes reasons away; the seat goes back with the last one.
func (g *ledger) withdraw(user, product string, drop func(string) bool) error {
	h, ok := g.holders[user]
	if !ok || h.gone || h.Holdings[product] == nil {
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
	h, ok := g.holders[user]
	if !ok || h.gone || h.Holdings[product] == nil {
		return nil
	}
	holding := h.Holdings[product]
	holding.Grants = withoutGrants(holding.Grants, func(s string) bool { return !record.Automatic(s) })
	if len(holding.Grants) > 0 && holding.Excluded == nil {
		g.exclude(h, product)
		if holding.LicenseID == "" { // otherwise the license's own record tells of it
			g.record(call.AuditEntry{
				Action: "exclusion.added", Subject: "exclusion", SubjectID: product + "#" + user, User: user,
				After: map[string]any{"productId": product, "grants": sourcesOf(holding.Grants)},
			})
		}
	}
	return g.settle(h)
}

// exclude keeps the holder from automatic assignment of the product.
func (g *ledger) exclude(h *holderState, product string) {
	h.Holding(product).Excluded = &record.Exclusion{Since: g.at, By: g.actor}
	g.exclusions[product+"#"+h.UserID] = true
}

// readmit ends that.
func (g *ledger) readmit(h *holderState, product string) {
	h.Holding(product).Excluded = nil
	g.exclusions[product+"#"+h.UserID] = false
}

// lift ends an exclusion of a loaded user; the automatic grants count again.
func (g *ledger) lift(user, product string) error {
	h, ok := g.holders[user]
	if !ok || h.Holdings[product] == nil || h.Holdings[product].Excluded == nil {
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
	h, ok := g.holders[user]
	if !ok || h.gone {
		return nil
	}
	return g.settle(h)
}

// settle makes the holder's seats agree with the grants; it is the one place where that is decided.
// Products are looked at in the catalog's order until nothing changes any more, since one product
// can cover, carry or exclude another.
func (g *ledger) settle(h *holderState) error {
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

func (g *ledger) settleProduct(h *holderState, p catalog.Product) (bool, error) {
	holding := h.Holdings[p.ID]
	if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) && len(holding.Grants) > 0 {
		// An add-on goes with its base (requirements, section 4), and what a person gave goes with
		// what it needs.
		holding.Grants = withoutGrants(
			holding.Grants,
			func(s string) bool { return p.Base != "" || !record.Automatic(s) },
		)
	}
	wanted, _ := g.terms().Wants(&h.Holder, p.ID)
	held := holding.LicenseID != ""
	switch {
	case held && wanted:
		return false, g.regrant(h, p)
	case held:
		return true, g.giveBack(h, p)
	case !wanted:
		if holding.Waiting != "" {
			g.record(call.AuditEntry{
				Action:    "grant.withdrawn",
				Subject:   "grant",
				SubjectID: p.ID + "#" + h.UserID,
				User:      h.UserID,
				Before: waitOf(
					p.ID,
					holding.WaitingSince,
				),
				After: map[string]any{"productId": p.ID, "grants": sourcesOf(holding.Grants)},
			})
			return true, g.leaveWaiting(h, p)
		}
		return false, nil
	}
	if p.Kind == catalog.Metered {
		return true, g.make(h, p)
	}
	manual := slices.ContainsFunc(holding.Grants, func(g Grant) bool { return !record.Automatic(g.Source) })
	if !manual && holding.Waiting == "" {
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
	if holding.Waiting != "" && !manual {
		// A waiting holder is served in turn, by whoever frees a seat or by Drain, not because
		// somebody looked at them.
		return false, g.rewait(h, p)
	}
	free, err := g.free(p.ID)
	if err != nil {
		return false, err
	}
	if free == nil {
		if manual {
			return false, problem.Shortage(p.ID, 1, 0)
		}
		g.joinWaiting(h, p)
		return false, nil
	}
	if holding.Waiting != "" {
		if err := g.leaveWaiting(h, p); err != nil {
			return false, err
		}
	}
	g.take(h, p, free, call.Cause{})
	return true, nil
}

// take puts a free license into the holder's hands. Its audit entry goes back to who began the
// waiting that it ends, if it ends one.
func (g *ledger) take(h *holderState, p catalog.Product, l *licenseState, began call.Cause) {
	holding := h.Holding(p.ID)
	at := g.at
	l.now.Status, l.now.UserID, l.now.UserName, l.now.AssignedAt = Assigned, h.UserID, h.Name, &at
	l.now.Grants = slices.Clone(holding.Grants)
	l.now.Pending = false
	l.now.Extension, l.now.BaseLicenseID = h.Extension, ""
	if p.Base != "" {
		l.now.BaseLicenseID = h.Holdings[p.Base].LicenseID
	}
	holding.LicenseID = l.now.ID
	g.counts[record.CountName(record.CountAssigned, p.ID)]++
	assigned := g.seatChange("license.assigned", l, h.UserID, grantReason(holding.Grants))
	assigned.Cause = began
	g.record(assigned)
}

// make makes a metered license: it is not bought, assigning makes it (requirements, section 2).
func (g *ledger) make(h *holderState, p catalog.Product) error {
	if len(g.ids) == 0 {
		return &needs{ids: 1}
	}
	l := &licenseState{now: record.Document{License: License{
		ID: g.ids[0], ProductID: p.ID, Kind: p.Kind, Status: Available, AddedAt: g.at, Grants: []Grant{},
	}, Shards: g.spread}}
	g.ids = g.ids[1:]
	g.licenses[l.now.ID] = l
	g.take(h, p, l, call.Cause{})
	return nil
}

// giveBack takes the license out of the holder's hands: it goes to who waits longest, else to the
// pool; a metered one ends.
func (g *ledger) giveBack(h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	if err := g.need(Need{Licenses: []string{holding.LicenseID}}); err != nil {
		return err
	}
	l := g.licenses[holding.LicenseID]
	if l == nil {
		return fmt.Errorf("license %s of user %s is missing", holding.LicenseID, h.UserID)
	}
	// It may be one that this very change has taken out of the pool, for somebody else: given back,
	// it would be left as it was read, and not even be written, so that no condition would notice.
	if err := g.agreed(h.UserID, holding.LicenseID); err != nil {
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
		return nil
	}
	return g.handOver(p, l, h.UserID)
}

// handOver gives a license that was just freed to who waits longest; nobody ever sees it free in
// between, and no crash can lose the turn.
func (g *ledger) handOver(p catalog.Product, l *licenseState, leaver string) error {
	if g.deferred {
		g.look[p.ID] = true
		return nil
	}
	if g.served(p) {
		return nil
	}
	for {
		next, err := g.head(p.ID)
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
		h := g.holders[next.entry.UserID]
		g.passed[next.sort] = true
		if h == nil || h.gone || h.UserID == leaver || h.Holdings[p.ID] == nil ||
			h.Holdings[p.ID].Waiting != next.sort {
			continue
		}
		if err := g.serveWaiting(h, p, l); err != nil {
			return err
		}
		return g.settle(h) // the seat may make another one unnecessary
	}
}

// served says that nobody needs a seat of the product, since the account's bundle has it unlimited.
// Whoever waits from before that leaves the list as they are looked at, one by one: the list can be
// longer than a commit.
func (g *ledger) served(p catalog.Product) bool {
	return g.Unlimited() && p.CountsAs.Group == catalog.LiveReports
}

// regrant shows changed grants on the license.
func (g *ledger) regrant(h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	same := slices.Equal(h.granted[p.ID], holding.Grants)
	l := g.licenses[holding.LicenseID]
	if l == nil {
		if same {
			return nil
		}
		if err := g.need(Need{Licenses: []string{holding.LicenseID}}); err != nil {
			return err
		}
		if l = g.licenses[holding.LicenseID]; l == nil {
			return nil
		}
	}
	switch {
	case l.now.UserID != h.UserID:
		// One read of several items is no snapshot: another commit came between the holder's and
		// the license's. If this change does not write the holder, no condition of its commit would
		// notice.
		return g.changedMeanwhile(HolderKey(g.account, h.UserID), record.LicenseKey(g.account, holding.LicenseID))
	case same && l.before.UserID == h.UserID:
		l.now.Grants = l.before.Grants // so it may be newer than the holder
	default:
		l.now.Grants = slices.Clone(holding.Grants)
	}
	return nil
}

func (h *holderState) changed() bool {
	data, err := call.Encode(h.Holder)
	return err != nil || !bytes.Equal(data, h.before)
}

func (g *ledger) joinWaiting(h *holderState, p catalog.Product) {
	holding := h.Holding(p.ID)
	at := g.at
	holding.WaitingSince = &at
	holding.Waiting = p.ID + "#" + call.AuditMoment(at) + "#" + h.UserID
	w := g.waits[holding.Waiting] // there when the same call has just taken the user off the list
	if w == nil {
		w = &waitState{}
		g.waits[holding.Waiting] = w
	}
	w.entry = record.StoredWait{
		Wait: record.Wait{
			ProductID: p.ID,
			UserID:    h.UserID,
			UserName:  h.Name,
			Since:     at,
			Grants:    slices.Clone(holding.Grants),
		},
		Cause: g.cause,
	}
	w.gone, w.dirty = false, true
	g.counts[record.CountName(record.CountWaiting, p.ID)]++
	g.look[p.ID] = true
	g.record(call.AuditEntry{
		Action:    "grant.waiting",
		Subject:   "grant",
		SubjectID: p.ID + "#" + h.UserID,
		User:      h.UserID,
		Reason:    grantReason(holding.Grants),
		After:     waitOf(p.ID, &at),
	})
}

// waitOf is a waiting grant's part in an audit record.
func waitOf(product string, since *time.Time) map[string]any {
	return map[string]any{"productId": product, "waitingSince": since}
}

// rewait shows changed grants in the waiting list.
func (g *ledger) rewait(h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	if slices.Equal(h.granted[p.ID], holding.Grants) {
		return nil // so the entry may be newer than the holder, who is not written
	}
	w, err := g.wait(holding.Waiting)
	if err != nil {
		return err
	}
	if w != nil {
		if !slices.Equal(w.entry.Grants, holding.Grants) {
			w.entry.Grants, w.dirty = slices.Clone(holding.Grants), true
		}
	}
	return nil
}

// wait is an entry of a waiting list; nil when it is gone.
func (g *ledger) wait(sort string) (*waitState, error) {
	if w := g.waits[sort]; w != nil || g.absent[sort] {
		return w, nil
	}
	return nil, &needs{waits: []string{sort}}
}

func (g *ledger) leaveWaiting(h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	w, err := g.wait(holding.Waiting)
	if err != nil {
		return err
	}
	if w != nil {
		w.gone = true
	}
	holding.Waiting, holding.WaitingSince = "", nil
	g.counts[record.CountName(record.CountWaiting, p.ID)]--
	return nil
}

// serveWaiting gives a free license to a holder who waits for it. Who freed it did not decide whose
// it becomes, so its audit entry goes back to who began the waiting as well.
func (g *ledger) serveWaiting(h *holderState, p catalog.Product, l *licenseState) error {
	w, err := g.wait(h.Holdings[p.ID].Waiting)
	if err != nil {
		return err
	}
	var began call.Cause
	if w != nil {
		began = w.entry.Cause
	}
	if err := g.leaveWaiting(h, p); err != nil {
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
		if w := hd.waits[i]; !g.passed[w.sort] && (g.waits[w.sort] == nil || !g.waits[w.sort].gone) {
			return &w, nil
		}
	}
	if hd.done {
		return nil, nil
	}
	return nil, &needs{heads: []string{product}}
}

// free chooses a free license of the product, or nil when there is none.
func (g *ledger) free(product string) (*licenseState, error) {
	if l := g.licenses[g.chosen]; l != nil && l.now.ProductID == product {
		return l, nil
	}
	// A seat that this very decision has freed serves it first.
	for _, id := range slices.Sorted(maps.Keys(g.licenses)) {
		if l := g.licenses[id]; l.now.ProductID == product && l.now.Status == Available && l.before.Status == Assigned {
			return l, nil
		}
	}
	if g.reserving {
		if l, err := g.draw(product); l != nil || err != nil {
			return l, err
		}
	}
	return g.choose(product)
}

// draw takes the next reserved seat of the product, or nil when there is none.
func (g *ledger) draw(product string) (*licenseState, error) {
	chunk, drawn := g.chunks[product], g.drawn[product]
	if chunk == nil || !chunk.covers(drawn) {
		return nil, &needs{reserved: []string{product}}
	}
	i := drawn - chunk.From
	if i >= int64(len(chunk.Offers)) {
		return nil, nil
	}
	o := chunk.Offers[i]
	g.drawn[product]++
	g.counts[record.CountName(record.CountReserved, product)]--
	state := &licenseState{version: o.LicenseVersion, exists: true, before: o.Document, now: o.Document, drawn: true}
	g.licenses[o.ID] = state
	return state, nil
}

// choose takes the first of what was read of the pool, which is in an order by chance. A license of
// which it is not known whether its order is confirmed is taken on condition that it is, which
// costs no read; two such orders fit into the largest commit, and none that has refused the last
// one.
func (g *ledger) choose(product string) (*licenseState, error) {
	pl := g.pools[product]
	if pl == nil {
		return nil, &needs{seats: []string{product}}
	}
	var unsure *freeSeat
	doubtful := false
	for i := range pl.free {
		s := &pl.free[i]
		if l := g.licenses[s.ID]; l != nil && l.now.Status != Available {
			continue
		}
		switch {
		case s.confirmed:
			return g.pooled(s.offer), nil
		case !slices.Contains(g.unsure, s.marker) &&
			(len(g.unsure) >= mostUnsure || slices.Contains(g.refused, s.marker)):
			doubtful = true
		case unsure == nil:
			unsure = s
		}
	}
	switch {
	case unsure != nil:
		if !slices.Contains(g.unsure, unsure.marker) {
			g.unsure = append(slices.Clone(g.unsure), unsure.marker)
		}
		return g.pooled(unsure.offer), nil
	case doubtful:
		return nil, &needs{vet: []string{product}}
	case !pl.whole:
		return nil, &needs{seats: []string{product}}
	}
	return nil, nil
}

// pooled is the state of a license as the pool offers it, or as the decision has it.
func (g *ledger) pooled(o offer) *licenseState {
	if g.licenses[o.ID] == nil {
		g.licenses[o.ID] = &licenseState{version: o.LicenseVersion, exists: true, before: o.Document, now: o.Document}
	}
	return g.licenses[o.ID]
}

// unreserved refuses what would take, end or charge a license that is reserved.
func (l *licenseState) unreserved() error {
	if l.reserved && l.now.Status == Available {
		return problem.New(
			problem.LicenseNotAvailable,
			"The license is reserved for a mass configuration that is being applied.",
		)
	}
	return nil
}

// serve gives free seats of the product to the first who wait for it, at most that many; moved says
// that the list has become shorter. Who needs no seat any more, since the account's bundle has
// changed, leaves the list.
func (g *ledger) serve(product string, most int) (served int, moved bool, err error) {
	p, ok := g.products.Lookup(product)
	if !ok {
		return 0, false, nil
	}
	if first, err := g.head(product); err != nil || first == nil {
		return 0, false, err
	}
	queue := g.heads[product].waits
	queue = queue[:min(len(queue), most)]
	users := make([]string, len(queue))
	for i, w := range queue {
		users[i] = w.entry.UserID
	}
	if err := g.need(Need{Users: users}); err != nil {
		return 0, false, err
	}
	for _, w := range queue {
		h := g.holders[w.entry.UserID]
		if h == nil || h.Holdings[product] == nil || h.Holdings[product].Waiting != w.sort {
			continue
		}
		if wanted, _ := g.terms().Wants(&h.Holder, product); wanted {
			free, err := g.free(product)
			if err != nil {
				return 0, false, err
			}
			if free == nil {
				break
			}
			if err := g.serveWaiting(h, p, free); err != nil {
				return 0, false, err
			}
			served++
		}
		if err := g.settle(h); err != nil {
			return 0, false, err
		}
		moved = true
	}
	return served, moved, nil
}
