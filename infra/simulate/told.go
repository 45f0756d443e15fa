package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// sights are what an admin of some cost centers may have read while a request of theirs ran: for each
// license and user the cost centers to which they belonged at any moment of it.
type sights struct{ seats, users map[string]map[string]bool }

// glimpse begins to keep them.
func (b *model) glimpse() *sights {
	s := &sights{seats: map[string]map[string]bool{}, users: map[string]map[string]bool{}}
	for id := range b.seats {
		b.glance(s, id)
	}
	for user := range b.holders {
		s.note(s.users, user, b.holders[user].CostCenter)
	}
	return s
}

func (*sights) note(in map[string]map[string]bool, id, code string) {
	if in[id] == nil {
		in[id] = map[string]bool{}
	}
	in[id][code] = true
}

// glance adds what a license is now. It is theirs by what it is charged to, by its holder, and by its base;
// and who holds one of theirs is named with it.
func (b *model) glance(s *sights, id string) {
	l := b.seats[id]
	s.note(s.seats, id, l.charged())
	if base := b.seats[l.BaseLicenseID]; base != nil {
		s.note(s.seats, id, base.charged())
	}
	if h := b.holders[l.UserID]; h != nil {
		s.note(s.seats, id, h.CostCenter)
		s.note(s.users, h.UserID, l.charged())
	}
}

// glances adds what a commit has made to what is seen meanwhile.
func (m *simulation) glances(account string, ops []table.Operation) {
	b := m.models[account]
	runs := slices.Clone(m.told)
	for _, slot := range m.slots {
		if slot.run != nil {
			runs = append(runs, slot.run)
		}
	}
	for _, r := range runs {
		if r.sights == nil || r.account != account {
			continue
		}
		s := r.sights
		for _, op := range ops {
			switch _, kind, user := kindOfKey(op.Item.Key); {
			case kind == "LICENSE":
				b.glance(s, op.Item.Sort)
			case kind == "HOLDER" && b.holders[user] != nil:
				s.note(s.users, user, b.holders[user].CostCenter)
				for id := range b.usersOf[user] {
					b.glance(s, id)
				}
			}
		}
	}
}

// verifyTold: no answer to an admin of some cost centers names a license, somebody's seat or money of
// another (I25). Repetitions are answered as the first of them, by what that had read. What became of a
// reclaim's seats, and what the audit log tells, is of then.
func (m *simulation) verifyTold(r *run) {
	if r.sights == nil || r.again != nil || r.promised != nil && r.promised.repeated {
		return
	}
	for _, a := range r.answers {
		if a.hand == nil || !a.good() {
			continue
		}
		m.events["answer to a limited admin"]++
		if r.beyond {
			m.fail("I25: %s %s is answered to an admin of %v: %s", a.request.method, a.request.path, a.hand.reach,
				a.body)
		}
		var body any
		if len(a.body) == 0 || json.Unmarshal(a.body, &body) != nil {
			continue
		}
		path, _, _ := strings.Cut(a.request.path, "?")
		own, err := json.Marshal(a.request.body)
		if err != nil {
			m.fail("%w", err)
		}
		t := teller{m.models[r.account], r.sights, a, string(own) + path}
		if top := strings.Split(path, "/")[1]; top != "audit" && top != "reclaims" {
			t.look("", body)
		}
	}
}

// teller looks at an answer.
type teller struct {
	*model
	seen *sights
	a    answer
	own  string // what the request itself names
}

func (t teller) look(key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["askedBy"] == t.a.hand.caller.user {
			return // their own request, for whomever it was
		}
		code, _ := v["costCenter"].(string)
		for _, key := range sorted(v) {
			if key == "userId" && v["productId"] != nil && t.a.hand.reach.has(code) {
				continue // whose a license of theirs is, or would be
			}
			t.look(key, v[key])
		}
	case []any:
		for _, one := range v {
			t.look(key, one)
		}
	case string:
		t.word(key, v)
	}
}

// moneys are the lists of what is charged to cost centers, in which each named one is theirs.
var moneys = []string{"/orders", "/quotes", "/billing", "/policies", "/cost-centers"}

// word looks at a text of the answer.
func (t teller) word(key, word string) {
	limit := t.a.hand.reach
	_, license := t.seats[word]
	_, user := t.holders[word]
	wrong := false
	switch {
	case strings.Contains(t.own, word) || word == t.a.hand.caller.user:
	case license && (key == "baseLicenseId" || strings.HasPrefix(t.a.request.path, "/requests")):
		// An add-on of theirs names its base, and a request the license of then.
	case license:
		wrong = !limit.hasAny(t.seen.seats[word])
	case user && slices.Contains([]string{"userId", "id", "userIds", "members"}, key):
		wrong = !limit.hasAny(t.seen.users[word])
	case key == "costCenter" || key == "code":
		wrong = word != "" && !limit.has(word) && slices.ContainsFunc(moneys, func(path string) bool {
			return strings.HasPrefix(t.a.request.path, path)
		})
	}
	if wrong {
		t.sim.fail("I25: %s %s %v of %s, admin of %v, is told of %s %q: %s", t.a.request.method, t.a.request.path,
			t.a.request.body, t.a.hand.caller.user, limit, key, word, t.a.body)
	}
}

// somebody is who reads as an admin of some cost centers: whose token limits them, and who does nothing else.
func somebody(account string, limit reach) caller {
	return caller{user: account + "-part", claim: limit}
}

// readAs is read by an admin of some cost centers, whose token limits them.
func readAs[T any](m *simulation, account string, limit reach, q request) (v T) {
	q.method = http.MethodGet
	a := m.checker.sendAs(context.Background(), account, somebody(account, limit), q)
	if !a.good() {
		m.fail("GET %s of %s for %v: %d %s", q.path, account, limit, a.status, a.body)
	} else if err := json.Unmarshal(a.body, &v); err != nil {
		m.fail("GET %s of %s for %v: %w", q.path, account, limit, err)
	}
	return v
}

// listed is a list of what has an id.
type listed struct {
	Items []struct {
		ID, UserID, ProductID     string
		Bought, Assigned, Waiting int64
		AutoPurchase              *bid
		Kind                      string
		License                   struct{ ID string }
		Lines                     []purchase.QuoteLine
		Recurring, DueToday       struct{ Amount int64 }
		PerMonth                  struct{ Amount int64 }
		Total                     *struct{ Amount int64 }
	}
	Total *struct {
		Seats    int64
		PerMonth struct{ Amount int64 }
	}
}

// checkTheirs holds what an admin of some cost centers reads against what is theirs, exactly, while nothing
// changes (I25).
func (m *simulation) checkTheirs(account string) {
	for _, limit := range []reach{{"CC-1"}, {"CC-2", "CC-3"}} {
		b := m.models[account]
		b.at = &commit{serial: m.mirror.made}
		for _, look := range []func(reach){
			b.verifyTheirSeats, b.verifyTheirCounts, b.verifyTheirPeople, b.verifyTheirOrders, b.verifyTheirMoney,
			b.verifyTheirRest, b.verifyTheirLog,
		} {
			if m.violation == nil {
				look(limit)
			}
		}
	}
}

// same compares what is listed with what is theirs.
func (b *model) same(what string, limit reach, got, want []string) {
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.fail("I25: an admin of %v is told of the %s %v, and %v are theirs", limit, what, got, want)
	}
}

// verifyTheirSeats looks at the lists of licenses and of idle seats.
func (b *model) verifyTheirSeats(limit reach) {
	var all, held, got []string
	for _, id := range b.fitting("") {
		if s := b.seats[id]; limit.has(s.charged()) {
			all = append(all, id)
			if s.UserID != "" {
				held = append(held, id)
			}
		}
	}
	list := readAs[listed](b.sim, b.account, limit, request{function: "LicensesFunction", path: "/licenses?limit=200"})
	if len(all) <= 200 {
		for _, x := range list.Items {
			got = append(got, x.ID)
		}
		b.same("licenses", limit, got, all)
	}
	idle := readAs[listed](b.sim, b.account, limit, request{function: "UsageFunction", path: "/idle?days=0&limit=200"})
	cost := int64(0)
	got = nil
	for _, x := range idle.Items {
		got, cost = append(got, x.License.ID), cost+x.PerMonth.Amount
	}
	if idle.Total == nil || len(held) > 200 {
		return
	}
	if idle.Total.PerMonth.Amount != cost || idle.Total.Seats != int64(len(got)) {
		b.fail("I25: idle seats of %v come to %d, and cost %d: %+v", limit, len(got), cost, *idle.Total)
	}
	for _, id := range got {
		if !slices.Contains(held, id) {
			b.fail("I25: an admin of %v is told of the idle license %s of %q", limit, id, b.seats[id].charged())
		}
	}
}

// verifyTheirCounts recounts the summary from the licenses that are charged to them, and who waits.
func (b *model) verifyTheirCounts(limit reach) {
	bought, assigned, waits := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, id := range b.fitting("") {
		s := b.seats[id]
		if !limit.has(s.charged()) || s.Status == license.Terminated {
			continue
		}
		bought[s.ProductID]++
		if s.UserID != "" {
			assigned[s.ProductID]++
		}
	}
	for _, w := range b.waits {
		if limit.has(w.CostCenter) {
			waits[w.ProductID]++
		}
	}
	path := request{function: "LicensesFunction", path: "/licenses/summary"}
	for _, s := range readAs[listed](b.sim, b.account, limit, path).Items {
		p := s.ProductID
		if p != catalog.WallboardID && (s.Bought != bought[p] || s.Assigned != assigned[p] || s.Waiting != waits[p]) {
			b.fail("I25: an admin of %v is told that %d of %s are bought, %d assigned, %d wait; by the licenses %d, %d, %d",
				limit, s.Bought, p, s.Assigned, s.Waiting, bought[p], assigned[p], waits[p])
		}
	}
}

// verifyTheirPeople looks at users, at who waits, and at why somebody holds what.
func (b *model) verifyTheirPeople(limit reach) {
	var want, waiting, got, listedWaiting []string
	for user, h := range b.holders {
		path := request{function: "DirectoryFunction", path: "/users/" + user + "/why?product=live-reports"}
		path.method = http.MethodGet
		answer := b.sim.checker.sendAs(context.Background(), b.account, somebody(b.account, limit), path)
		if limit.has(h.CostCenter) {
			want = append(want, user)
		}
		if answer.good() != limit.has(h.CostCenter) {
			b.fail("I25: why of %s of %q is answered to an admin of %v: %d", user, h.CostCenter, limit, answer.status)
		}
	}
	for _, w := range b.waits {
		if limit.has(w.CostCenter) {
			waiting = append(waiting, w.UserID+" "+w.ProductID)
		}
	}
	ask := func(function, path string) listed {
		return readAs[listed](b.sim, b.account, limit, request{function: function, path: path})
	}
	for _, x := range ask("DirectoryFunction", "/users?limit=200").Items {
		got = append(got, x.ID)
	}
	for _, x := range ask("LicensesFunction", "/waiting?limit=200").Items {
		listedWaiting = append(listedWaiting, x.UserID+" "+x.ProductID)
	}
	b.same("users", limit, got, want)
	b.same("waiting", limit, listedWaiting, waiting)
}

// verifyTheirOrders looks at orders, of which they have their lines, and what these come to.
func (b *model) verifyTheirOrders(limit reach) {
	path := request{function: "PurchaseFunction", path: "/orders?limit=200"}
	for _, o := range readAs[listed](b.sim, b.account, limit, path).Items {
		var recurring, due, want int64
		for _, l := range o.Lines {
			recurring, due = recurring+l.Recurring.Minor, due+l.DueToday.Minor
			if !limit.has(l.CostCenter) {
				b.fail("I25: an admin of %v is told of a line of order %s for %q", limit, o.ID, l.CostCenter)
			}
		}
		for _, l := range b.orders[o.ID].Lines {
			if limit.has(l.CostCenter) {
				want += l.Recurring.Minor
			}
		}
		if recurring != want || o.Recurring.Amount != recurring || o.DueToday.Amount != due {
			b.fail("I25: an admin of %v is told that order %s costs %+v, due %+v; its lines of theirs are %d, %d due", limit,
				o.ID, o.Recurring, o.DueToday, want, due)
		}
	}
}

// bill is what a period, or the billing details, say of money.
type bill struct {
	Recurring, Total struct{ Amount int64 }
	Lines            []billLine
	ByCostCenter     []struct {
		CostCenter string
		Amount     struct{ Amount int64 }
		Recurring  struct{ Amount int64 }
	}
	ByProduct []struct {
		ProductID string
		Quantity  int64
		Recurring struct{ Amount int64 }
	}
}

// verifyTheirMoney looks at the billing details, and at the period, which has the lines of theirs that the
// whole account's has, and what these come to.
func (b *model) verifyTheirMoney(limit reach) {
	ask := request{function: "BillingFunction", path: "/billing"}
	now := readAs[bill](b.sim, b.account, limit, ask)
	recurring := int64(0)
	for _, p := range now.ByProduct {
		want := int64(0)
		for _, code := range limit {
			want += b.charged[p.ProductID+"#"+code]
		}
		if recurring += p.Recurring.Amount; p.Quantity != want {
			b.fail("I25: an admin of %v is told to pay for %d of %s, and %d are theirs", limit, p.Quantity, p.ProductID, want)
		}
	}
	if recurring != now.Recurring.Amount {
		b.fail("I25: an admin of %v is told to pay %d, and the products are %d", limit, now.Recurring.Amount, recurring)
	}
	ask.path = "/billing/periods/" + firstPeriod
	period := readAs[bill](b.sim, b.account, limit, ask)
	whole := readAs[bill](b.sim, b.account, nil, ask)
	var got, want []string
	total := int64(0)
	text := func(l billLine) string { return l.Kind + " " + l.ProductID + " " + l.CostCenter }
	for _, l := range period.Lines {
		got, total = append(got, text(l)), total+l.Amount.Amount
	}
	for _, l := range whole.Lines {
		if limit.has(l.CostCenter) {
			want = append(want, text(l))
		}
	}
	b.same("lines of the period", limit, got, want)
	if total != period.Total.Amount {
		b.fail("I25: the period of %v comes to %d, and its lines to %d", limit, period.Total.Amount, total)
	}
	for _, c := range slices.Concat(now.ByCostCenter, period.ByCostCenter) {
		if !limit.has(c.CostCenter) {
			b.fail("I25: an admin of %v is told what is charged to %q", limit, c.CostCenter)
		}
	}
}

// verifyTheirRest looks at policies, alerts, requests, reclaims and the list of periods.
func (b *model) verifyTheirRest(limit reach) {
	ask := func(function, path string) listed {
		return readAs[listed](b.sim, b.account, limit, request{function: function, path: path + "?limit=200"})
	}
	var got, want []string
	for _, p := range ask("BillingFunction", "/policies").Items {
		got = append(got, p.ProductID)
	}
	for product, p := range b.funds.policies {
		if p.AutoPurchase != nil && limit.has(p.AutoPurchase.CostCenter) {
			want = append(want, product)
		}
	}
	b.same("policies", limit, got, want)
	for _, a := range ask("BillingFunction", "/alerts").Items {
		if a.Kind != "waiting" && a.Kind != "capReached" {
			b.fail("I25: an admin of %v is told of the alert %s (%s)", limit, a.ID, a.Kind)
		}
	}
	for _, w := range ask("RequestsFunction", "/requests").Items {
		if h := b.holders[w.UserID]; h == nil || !limit.has(h.CostCenter) {
			b.fail("I25: an admin of %v is told of request %s of %s, who is none of theirs", limit, w.ID, w.UserID)
		}
	}
	for _, r := range ask("UsageFunction", "/reclaims").Items {
		if of := b.funds.limits[r.ID]; !of.within(limit) {
			b.fail("I25: an admin of %v is told of reclaim %s of %v", limit, r.ID, of)
		}
	}
	for _, p := range ask("BillingFunction", "/billing/periods").Items {
		if p.Total != nil {
			b.fail("I25: an admin of %v is told the whole account's total of a period", limit)
		}
	}
}

// verifyTheirLog looks at the newest records of the audit log: of licenses that are or were theirs, or of
// users of theirs, of their cost centers, and of the lines of theirs in orders.
func (b *model) verifyTheirLog(limit reach) {
	path := request{function: "AuditFunction", path: "/audit?limit=100"}
	for _, r := range readAs[struct{ Items []call.AuditRecord }](b.sim, b.account, limit, path).Items {
		kind, id, _ := strings.Cut(r.Subject, ":")
		h := b.holders[r.User]
		theirs := h != nil && limit.has(h.CostCenter)
		switch kind {
		case "license":
			before, after := b.seatStates(r)
			theirs = theirs || limit.has(before.CostCenter) || limit.has(after.CostCenter)
		case "costCenter":
			theirs = limit.has(id)
		case "order":
			lines := decode[struct{ Lines []purchase.QuoteLine }](b, table.Item{Data: r.After}).Lines
			theirs = len(lines) > 0 && !slices.ContainsFunc(lines, func(l purchase.QuoteLine) bool {
				return !limit.has(l.CostCenter)
			})
		}
		if !theirs {
			b.fail("I25: an admin of %v is told of %s of %s, of %q: %s, %s", limit, r.Action, r.Subject, r.User,
				r.Before, r.After)
		}
	}
}
