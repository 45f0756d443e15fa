package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"seatwise/shared/license"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// scene is how things were before a commit of an admin of some cost centers (I25).
type scene struct {
	*hand
	centers  map[string]string // of users
	profiles map[string]profileDocument
	seats    map[string]*seat // that the commit writes
	policies map[string]watched
	wishes   map[string]wish
	// losers and gainers are users whose license that the request names is taken, and to whom one comes.
	losers, gainers map[string]bool
	fulfilled       map[string]bool // licenses that requests are fulfilled with
}

// charged is the cost center that a license is charged to: of what is metered its holder's.
func (s *seat) charged() string {
	if s.Kind.Purchasable() {
		return s.CostCenter
	}
	return s.HolderCostCenter
}

// scene is how things are that a commit is about to write, nil for a commit of nobody who is limited.
func (b *model) scene(h *hand, ops []table.Operation) *scene {
	if h == nil {
		return nil
	}
	was := scene{
		hand: h, centers: map[string]string{}, profiles: maps.Clone(b.profiles), seats: map[string]*seat{},
		policies: map[string]watched{}, wishes: map[string]wish{},
		losers: map[string]bool{}, gainers: map[string]bool{}, fulfilled: map[string]bool{},
	}
	for user, holder := range b.holders {
		was.centers[user] = holder.CostCenter
	}
	for _, op := range ops {
		switch _, kind, _ := kindOfKey(op.Item.Key); kind {
		case "LICENSE":
			was.seats[op.Item.Sort] = b.seats[op.Item.Sort]
		case "POLICIES":
			was.policies[op.Item.Sort] = b.funds.policies[op.Item.Sort]
		case "REQUESTS":
			was.wishes[op.Item.Sort] = b.wishes[op.Item.Sort]
		}
	}
	return &was
}

// verifyHand: what an admin of some cost centers does by hand touches nothing of others (I25). What
// follows automatically does: who waits is served, whoever they are, and add-ons go with their base.
func (b *model) verifyHand(was *scene, ops []table.Operation) {
	if was == nil {
		return
	}
	for _, id := range sorted(was.seats) {
		before, now := was.seats[id], b.seats[id]
		if before != nil && before.UserID != "" && now.UserID != before.UserID && was.names(before) {
			was.losers[before.UserID] = true
		}
		if now.UserID != "" && (before == nil || before.UserID != now.UserID) {
			was.gainers[now.UserID] = true
		}
	}
	for id := range was.wishes {
		if w := b.wishes[id]; w.State == "fulfilled" {
			was.fulfilled[w.LicenseID] = true
		}
	}
	b.sim.events["commit of a limited admin"]++
	b.verifyHandHolds(was)
	for _, op := range ops {
		if op.Kind == table.KindPut || op.Kind == table.KindDelete {
			b.verifyHandOn(was, op)
		}
	}
}

// verifyHandHolds: the limit that was read is that of the moment of the commit. Who deletes themselves has
// none while what follows from that is done.
func (b *model) verifyHandHolds(was *scene) {
	profile, there := was.profiles[was.caller.user]
	if !there && was.asked.method == http.MethodDelete && was.asked.path == "/users/"+was.caller.user {
		return
	}
	now := reach(profile.Limit)
	if len(now) == 0 {
		now = nil
	}
	if now = now.and(was.caller.claim); !now.within(was.reach) || !was.reach.within(now) {
		b.trespass(was, "they are admin of %v by now", now)
	}
}

// trespass says what an admin of some cost centers has done to others'.
func (b *model) trespass(was *scene, format string, args ...any) {
	args = append(args, was.caller.user, was.reach, was.asked.method, was.asked.path, was.asked.body)
	b.fail("I25: "+format+", by %s of %v: %s %s %v", args...)
}

// verifyHandOn looks at one item of the commit.
func (b *model) verifyHandOn(was *scene, op table.Operation) {
	_, kind, rest := kindOfKey(op.Item.Key)
	id, gone := op.Item.Sort, op.Kind == table.KindDelete
	switch kind {
	case "LICENSE":
		b.verifyHandSeat(was, was.seats[id], b.seats[id])
	case "USERS":
		b.verifyHandUser(was, id, gone)
	case "POLICIES":
		b.verifyHandPolicy(was, id, gone)
	case "REQUESTS":
		b.verifyHandWish(was, id)
	case "QUOTE":
		b.verifyHandLines(was, "quote "+id, b.quotes[rest].Lines)
	case "ORDERS":
		if o := b.orders[id]; o.Policy == nil {
			b.verifyHandLines(was, "order "+id, o.Lines)
		}
	case "EXCLUDED":
		_, user, _ := strings.Cut(id, "#")
		if !was.touches(b, user) && !was.losers[user] {
			b.trespass(was, "the exclusion of %s of %q is changed", user, was.centers[user])
		}
	case "COST-CENTER", "ROLES", "QUEUES", "DASHBOARDS", "MASSCONFIG", "IMPORT", "REPORTS", "WALLBOARDS":
		if !b.follows(was, kind, id) {
			b.trespass(was, "%s %s is the whole account's", kind, id)
		}
	}
}

// follows says whether such an item is written since a user is deleted or deactivated.
func (b *model) follows(was *scene, kind, _ string) bool {
	return slices.Contains([]string{"QUEUES", "WALLBOARDS"}, kind) && strings.HasPrefix(was.asked.path, "/users/")
}

// touches says whether a user is, or was before the commit, of the admin's cost centers.
func (s *scene) touches(b *model, user string) bool {
	h := b.holders[user]
	return s.reach.has(s.centers[user]) || h != nil && s.reach.has(h.CostCenter)
}

// names says whether the request names a license, as it was: by its id, as an add-on of a base, or as
// what a user holds of a product.
func (h *hand) names(was *seat) bool {
	body, _ := h.asked.body.(fields)
	if parts := strings.Split(h.asked.path, "/"); len(parts) > 2 && parts[1] == "licenses" {
		addOns := parts[len(parts)-1] == "add-ons"
		if parts[2] == was.ID || addOns && parts[2] == was.BaseLicenseID {
			return true
		}
	}
	ids, _ := body["licenseIds"].([]string)
	items, _ := body["items"].([]fields)
	return slices.Contains(ids, was.ID) || slices.ContainsFunc(items, func(item fields) bool {
		return h.asked.path == "/assignments/remove" && was.UserID != "" && item["userId"] == was.UserID &&
			item["productId"] == was.ProductID
	})
}

// verifyHandSeat looks at a license that the commit writes.
func (b *model) verifyHandSeat(was *scene, before, now *seat) {
	if before == nil {
		before = &seat{}
	}
	if now.UserID != before.UserID && now.UserID != "" && slices.ContainsFunc(now.Grants, byHand) &&
		!b.along(was, before) && !was.fulfilled[now.ID] {
		holder := b.holders[now.UserID]
		if !was.reach.has(now.charged()) || !was.reach.has(holder.CostCenter) {
			b.trespass(was, "license %s (%s) of %q comes to %s of %q", now.ID, now.ProductID, now.charged(), now.UserID,
				holder.CostCenter)
		}
		if before.UserID != "" && !was.reach.has(was.centers[before.UserID]) {
			b.trespass(was, "license %s (%s) is reassigned, of %s of %q", now.ID, now.ProductID, before.UserID,
				was.centers[before.UserID])
		}
	}
	if before.ID == "" {
		return
	}
	named := was.names(before)
	if before.UserID != "" && now.UserID != before.UserID {
		free := was.touches(b, before.UserID) || was.losers[before.UserID] || was.gainers[before.UserID]
		if named && !was.reach.has(before.charged()) || !named && !free && !b.along(was, before) {
			b.trespass(was, "license %s (%s) of %q is taken from %s of %q", now.ID, now.ProductID, before.charged(),
				before.UserID, was.centers[before.UserID])
		}
	}
	if !now.Kind.Purchasable() {
		return
	}
	if ended := now.Status == license.Terminated; (ended || now.CostCenter != before.CostCenter) &&
		(!named || !was.reach.has(before.CostCenter) || !was.reach.has(now.CostCenter)) {
		b.trespass(was, "license %s (%s) goes from %q to %q, terminated %v", now.ID, now.ProductID, before.CostCenter,
			now.CostCenter, ended)
	}
}

// along says whether an add-on goes with its base, which goes to somebody else in this commit.
func (b *model) along(was *scene, before *seat) bool {
	base := was.seats[before.BaseLicenseID]
	return before.BaseLicenseID != "" && base != nil && b.seats[before.BaseLicenseID].UserID != base.UserID
}

// verifyHandUser: a user was theirs and stays theirs, and nobody's limit goes beyond theirs.
func (b *model) verifyHandUser(was *scene, user string, gone bool) {
	center, there := was.centers[user]
	if there && !was.reach.has(center) || !gone && !was.reach.has(b.holders[user].CostCenter) {
		b.trespass(was, "user %s of %q is changed (gone: %v)", user, center, gone)
	}
	profile := was.profiles[user]
	before, now := reach(profile.Limit), reach(b.profiles[user].Limit)
	if gone || slices.Equal(before, now) {
		return
	}
	begins := len(before) == 0 && !b.keeps(profile, b.profiles[user]) && now.within(was.reach)
	moves := len(before) > 0 && len(now) > 0 && before.within(slices.Concat(now, was.reach)) &&
		now.within(slices.Concat(before, was.reach))
	if !begins && !moves {
		b.trespass(was, "the limit of %s goes from %v to %v", user, before, now)
	}
}

// keeps says whether a user has permissions by a role before and after a change.
func (b *model) keeps(before, after profileDocument) bool {
	return before.Active && after.Active && slices.ContainsFunc(before.RoleIDs, func(id string) bool {
		role := b.sim.mirror.items[table.Key{Partition: "A#" + b.account + "#ROLES", Sort: id}]
		carries := len(role.item.Data) > 0 && len(decode[roleDocument](b, role.item).Permissions) > 0
		return (carries || id == "super-admin") && slices.Contains(after.RoleIDs, id)
	})
}

// verifyHandPolicy: a policy bought for a cost center of theirs, if there was one, and does.
func (b *model) verifyHandPolicy(was *scene, product string, gone bool) {
	theirs := func(p watched) bool { return p.AutoPurchase != nil && was.reach.has(p.AutoPurchase.CostCenter) }
	before, now := was.policies[product], b.funds.policies[product]
	if before.ProductID != "" && !theirs(before) || !gone && !theirs(now) {
		b.trespass(was, "the policy of %s is changed, from %+v to %+v", product, before.AutoPurchase, now.AutoPurchase)
	}
}

// verifyHandWish: a request is for a user of theirs, or their own; others' are served.
func (b *model) verifyHandWish(was *scene, id string) {
	w := b.wishes[id]
	own := w.UserID == was.caller.user || w.AskedBy == was.caller.user
	served := w.State == "fulfilled" && was.wishes[id].State == "approved"
	if !own && !served && !was.touches(b, w.UserID) {
		b.trespass(was, "request %s of %s of %q becomes %s", id, w.UserID, was.centers[w.UserID], w.State)
	}
}

// verifyHandLines: what is offered or bought is charged to cost centers of theirs.
func (b *model) verifyHandLines(was *scene, what string, lines []purchase.QuoteLine) {
	for _, l := range lines {
		if !was.reach.has(l.CostCenter) {
			b.trespass(was, "%s is charged to %q", what, l.CostCenter)
		}
	}
}

// verifyApproved: a request is served by a license of the cost centers of who approved it, to a user of
// these (I25, decision 175). Who held one already keeps it.
func (b *model) verifyApproved(w wish, h *license.Holder) {
	limit, s := b.approvals[w.ID], b.seats[w.LicenseID]
	if b.dirty.given[w.LicenseID] && (!limit.has(s.charged()) || !limit.has(h.CostCenter)) {
		b.fail("I25: request %s, approved by an admin of %v, is fulfilled by license %s of %q for %s of %q", w.ID, limit,
			s.ID, s.charged(), h.UserID, h.CostCenter)
	}
}

// verifyReclaimed: a reclaim takes licenses of the cost centers of who began it, from users of these, and
// gives back within those of who undoes it (I25, decision 174).
func (b *model) verifyReclaimed(reclaim, user, id, outcome string) {
	limit, h := b.funds.limits[reclaim], b.holders[user]
	if outcome == "returned" {
		limit = b.funds.undoLimits[reclaim]
		if holding := h.Holdings[b.funds.reclaims[reclaim].ProductID]; holding != nil {
			id = holding.LicenseID
		}
	} else if outcome != "reclaimed" {
		return
	}
	if s := b.seats[id]; limit != nil && (!limit.has(s.charged()) || !limit.has(h.CostCenter)) {
		b.fail("I25: in reclaim %s of an admin of %v license %s of %q is %s, of %s of %q", reclaim, limit, id,
			s.charged(), outcome, user, h.CostCenter)
	}
}
