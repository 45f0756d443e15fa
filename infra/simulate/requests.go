package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"seatwise/shared/platform/table"
)

// wish is a request's document, as far as the model knows it.
type wish struct {
	ID        string `json:"id"`
	ProductID string `json:"productId"`
	UserID    string `json:"userId"`
	State     string `json:"state"`
	AskedBy   string `json:"askedBy"`
	LicenseID string `json:"licenseId"`
	// Limit are the cost centers that who approved it is an admin of; nil for all.
	Limit []string `json:"limit"`
}

// reaches says whether who approved it may give seats of a cost center.
func (w wish) reaches(costCenter string) bool {
	return w.Limit == nil || slices.Contains(w.Limit, costCenter)
}

// pending says whether nobody has ended it.
func (w wish) pending() bool { return w.State == "open" || w.State == "approved" }

// callerOf is who sends a request: the admin asks for others, and somebody else decides.
func callerOf(account, path string) string {
	if strings.HasSuffix(path, "/approve") || strings.HasSuffix(path, "/deny") {
		return account + "-chief"
	}
	return account + "-admin"
}

// asked is an operation on requests: one is made, or one is decided while somebody else decides it
// otherwise.
func (m *simulation) asked(a string) *run {
	ids := m.models[a].wishIDs
	if len(ids) == 0 || m.random.IntN(5) < 2 {
		return m.contend(a, func() request {
			body := fields{
				"productId": pick(m, append(slices.Clone(metered), products...)), "userId": pick(m, users(a)),
				"reason": "Needed",
			}
			return request{"RequestsFunction", http.MethodPost, "/requests", body, m.key()}
		})
	}
	id := ids[len(ids)-1-m.random.IntN(min(len(ids), 6))]
	return m.contend(a, func() request {
		what := pick(m, []string{"approve", "approve", "approve", "deny", "withdraw"})
		return request{"RequestsFunction", http.MethodPost, "/requests/" + id + "/" + what, nil, m.key()}
	})
}

// putWish takes in what became of a request, which ends once (I20).
func (b *model) putWish(item table.Item) {
	w := decode[wish](b, item)
	before, there := b.wishes[w.ID]
	switch {
	case !there && w.State != "open":
		b.fail("I20: request %s begins as %s", w.ID, w.State)
	case there && !before.pending():
		b.fail("I20: request %s was %s and is %s", w.ID, before.State, w.State)
	case there && before.State == "approved" && w.State == "open":
		b.fail("I20: request %s was approved and is open", w.ID)
	}
	if !there {
		b.wishIDs = append(b.wishIDs, w.ID)
	}
	if before.State == "open" && (w.State == "approved" || w.State == "fulfilled") && b.at.hand != nil {
		b.approvals[w.ID] = b.at.hand.reach
	}
	b.wishes[w.ID] = w
	b.dirty.wishes[w.ID] = true
}

// putPendingWish notes which request of a person for a product has not ended.
func (b *model) putPendingWish(rest string, item table.Item) {
	id := decode[struct{ Request string }](b, item).Request
	b.pendingWishes[rest+"#"+item.Sort] = id
	b.dirty.wishes[id] = true
}

// verifyWish: a request is pending exactly as long as it has not ended, a person has one for a
// product, and the commit that fulfills it has given the license to them (I20).
func (b *model) verifyWish(id string) {
	w := b.wishes[id]
	at := w.UserID + "#" + w.ProductID
	if w.pending() != (b.pendingWishes[at] == id) {
		b.fail("I20: request %s is %s, and pending for %s is %q", id, w.State, at, b.pendingWishes[at])
	}
	if w.State != "fulfilled" {
		return
	}
	h := b.holders[w.UserID]
	if h == nil || h.Holdings[w.ProductID] == nil || h.Holdings[w.ProductID].LicenseID != w.LicenseID ||
		!slices.ContainsFunc(h.Holdings[w.ProductID].Grants, byHand) {
		b.fail("I20: request %s is fulfilled by license %q of %s, which %s does not hold by it", id, w.LicenseID,
			w.ProductID, w.UserID)
		return
	}
	b.verifyApproved(w, h)
}

// unserved are the approved requests for which there is a free seat, and whose person may have it:
// maintenance serves them (I14).
func (b *model) unserved() []error {
	var left []error
	for _, id := range b.wishIDs {
		w := b.wishes[id]
		p, _ := b.products.Lookup(w.ProductID)
		h := b.holders[w.UserID]
		if w.State != "approved" || len(p.Requires) > 0 || len(p.Excludes) > 0 || h != nil && !h.Active {
			continue
		}
		free := h == nil || !p.Kind.Purchasable() // who is gone waits for nothing
		for seat := range b.offers {
			s := b.seats[seat]
			theirs := h != nil && w.reaches(s.CostCenter) && w.reaches(h.CostCenter)
			free = free || theirs && s.ProductID == w.ProductID && b.serves(s, h)
		}
		if free {
			left = append(left, fmt.Errorf("request %s of %s for %s", id, w.UserID, w.ProductID))
		}
	}
	return left
}
