package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// fields are a JSON object.
type fields = map[string]any

var (
	products = []string{
		"live-reports",
		"call-queue-booster",
		"phone-system",
		"phone-system",
		"call_recording",
		"team_chat",
		"auto-attendant",
	}
	seats   = []string{"live-reports", "call-queue-booster"}
	metered = []string{
		"essential-user",
		"professional-user",
		"agent-user",
		"client-desktop",
		"client-crm",
		"reports-supervisor",
		"insights-supervisor",
	}
	addOns  = []string{"call_recording", "team_chat"}
	keys    = []string{"101", "102", "103", "0104"}
	numbers = []string{"6567891201", "6567891202", "16567891203", "16567891204"}
	roles   = []string{"r1", "r2"}
	costs   = []string{"CC-1", "CC-2", "CC-3"} // the last one comes and goes
)

func pick[T any](m *simulation, list []T) T { return list[m.random.IntN(len(list))] }

// some are a few of the list, each once, in its order.
func some(m *simulation, list []string, share int) []string {
	out := []string{}
	for _, s := range list {
		if m.random.IntN(share) == 0 {
			out = append(out, s)
		}
	}
	return out
}

// license is the id of a license: mostly of a status that fits, or of an assigned base, else any,
// or one that nobody has.
func (m *simulation) license(account, fit string) string {
	b := m.models[account]
	if ids := b.fitting(fit); len(ids) > 0 && m.random.IntN(4) > 0 {
		if m.random.IntN(3) == 0 {
			return ids[0] // which others want too
		}
		return pick(m, ids)
	}
	if len(b.ids) == 0 || m.random.IntN(40) == 0 {
		return "00000000-0000-4000-8000-000000000000"
	}
	return pick(m, b.ids)
}

// nextReserved is the seat that a mass configuration reserves next, of one of the products of its
// rows: the first one of the pool.
func (m *simulation) nextReserved(account string) string {
	b := m.models[account]
	product := pick(m, []string{catalog.PhoneSystemID, catalog.PhoneSystemID, addOns[0], addOns[1]})
	first := ""
	for id := range b.offers {
		if b.seats[id].ProductID == product && (first == "" || id < first) {
			first = id
		}
	}
	if first == "" {
		return m.license(account, "available")
	}
	return first
}

// fitting are the ids of the licenses of a status, "" for all, or of the assigned "base" licenses.
func (b *model) fitting(fit string) []string {
	var ids []string
	for _, id := range b.ids {
		s := b.seats[id]
		base := s.ProductID == catalog.PhoneSystemID && s.Status == license.Assigned
		if b.visible(s) && (fit == "" || string(s.Status) == fit || fit == "base" && base) {
			ids = append(ids, id)
		}
	}
	return ids
}

// inState are the mass configurations in a state, "" for all, the newest first.
func (b *model) inState(state string) []string {
	var ids []string
	for _, id := range slices.Backward(b.jobIDs) {
		if state == "" || b.jobs[id].doc.State == state {
			ids = append(ids, id)
		}
	}
	return ids
}

// imports are the imports in a state, the newest first.
func (b *model) imports(state string) []string {
	var ids []string
	for _, id := range slices.Backward(b.importIDs) {
		if b.jobs[id].doc.State == state {
			ids = append(ids, id)
		}
	}
	return ids
}

func (m *simulation) key() string {
	if m.random.IntN(5) == 0 {
		return ""
	}
	return fmt.Sprintf("key-%d", m.runs)
}

// one is a run of one request.
func (m *simulation) one(account string, q request) *run {
	r := &run{what: q.method + " " + kindOf(q.path), account: account}
	r.do = func(r *run) { r.keyed(q) }
	r.then = m.remember
	return r
}

// keyed sends the request that may be repeated.
func (r *run) keyed(q request) answer {
	if q.key != "" {
		first := answer{request: q}
		r.promised = &promise{account: r.account, by: r.by, answer: first, at: r.began, made: map[string]int{}}
	}
	return r.send(q)
}

// kindOf is the path without what stands for an id.
func kindOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if i == 2 && slices.Contains([]string{"exclusions", "policies"}, parts[1]) {
			parts[i] = "{product}"
		} else if i > 1 && strings.ContainsAny(p, "0123456789") {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}

// remember keeps what the run was told for its repetitions.
func (m *simulation) remember(r *run) {
	for _, a := range r.answers {
		m.tell(r.account, a)
	}
	if last := len(r.answers) - 1; r.promised != nil && last >= 0 {
		m.compare(r.promised, r, r.answers[last])
	}
}

// tell notes the views that an answer says are taken in, or were before.
func (m *simulation) tell(account string, a answer) {
	sent, views := a.request.body.(fields)
	if events, ok := sent["events"].([]fields); views && ok && a.request.path == "/usage/views" && a.good() {
		var receipt struct{ Rejected []struct{ ID string } }
		if err := json.Unmarshal(a.body, &receipt); err != nil {
			m.fail("the receipt of views: %w", err)
		}
		for _, e := range events {
			id := fmt.Sprint(e["id"])
			if !slices.ContainsFunc(receipt.Rejected, func(r struct{ ID string }) bool { return r.ID == id }) {
				if m.viewed[account] == nil {
					m.viewed[account] = map[string]bool{}
				}
				m.viewed[account][id] = true
			}
		}
	}
}

// remembered is for how long an answer surely is, whatever the clocks say: a key lasts 24 hours.
const remembered = 20 * time.Hour

// compare holds an answer against the one that was given before under the same key (I10). A
// repetition that began before the first answer was known may have looked for it in vain.
func (m *simulation) compare(p *promise, r *run, a answer) {
	q := p.answer.request
	switch lately := m.now.Sub(p.at) < remembered; {
	case !lately || a.request.path != q.path || p.refused(a):
	case p.known && a.good() && (a.status != p.answer.status || !bytes.Equal(a.body, p.answer.body)):
		m.fail(
			"I10: %s %s answered %d %s, its repetition %d %s",
			q.method,
			q.path,
			p.answer.status,
			p.answer.body,
			a.status,
			a.body,
		)
	case p.known && !a.good() && a.status < 500 && a.status != http.StatusConflict && r.number > p.settled:
		m.fail("I10: %s %s answered %d, its repetition %d %s", q.method, q.path, p.answer.status, a.status, a.body)
	case p.known && a.good():
		m.twice++
	case a.good():
		p.known, p.answer, p.settled = true, a, m.runs
	}
}

// refused says that an answer is refused to an admin of some cost centers, who may have become one of
// others.
func (p *promise) refused(a answer) bool {
	return p.by != nil && (a.status == http.StatusForbidden || a.status == http.StatusNotFound)
}

// repeat sends a request with its key again, often while the first one is still under way: the
// answer must be the one that was given (I10).
func (m *simulation) repeat(p *promise) *run {
	p.repeated = true
	q := p.answer.request
	r := &run{what: "repeat", account: p.account, by: p.by, again: p}
	r.do = func(r *run) { r.send(q) }
	r.then = func(r *run) { m.compare(p, r, r.answers[0]) }
	return r
}

// other sends another body under a key that was used.
func (m *simulation) other(p *promise) *run {
	q := p.answer.request
	by := caller{user: callerOf(p.account, q.path)} // a key is one of its caller
	if p.by != nil {
		by = *p.by
	}
	q.body = fields{"quoteId": "00000000-0000-4000-8000-000000000000", "acknowledged": true}
	q.function, q.method, q.path = "PurchaseFunction", http.MethodPost, "/orders"
	r := &run{what: "another body", account: p.account}
	r.do = func(r *run) {
		r.answers = append(r.answers, r.slot.sendAs(context.Background(), r.account, by, q))
	}
	r.then = func(r *run) {
		a := r.answers[0]
		// In an account that is stopped nothing new is looked at, whatever key it has.
		stopped := a.status == http.StatusNotFound || strings.Contains(string(a.body), "This account is ")
		if p.known && r.number > p.settled && m.now.Sub(p.at) < remembered && a.status < 500 && !stopped &&
			!p.refused(a) && a.status != http.StatusUnprocessableEntity {
			m.fail(
				"I10: another body under the key of %s %s got %d %s",
				p.answer.request.method,
				p.answer.request.path,
				a.status,
				a.body,
			)
		}
	}
	return r
}

// operation draws the next thing to do.
func (m *simulation) operation() *run {
	if n := len(m.soon); n > 0 && m.random.IntN(2) == 0 {
		p := m.soon[n-1]
		m.soon = m.soon[:n-1]
		return m.repeat(p)
	}
	if n := len(m.rivals); n > 0 && m.random.IntN(2) == 0 {
		r := m.rivals[n-1]
		m.rivals = m.rivals[:n-1]
		return r
	}
	a := pick(m, accounts)
	if m.models[a].stopped() && m.random.IntN(4) == 0 || m.random.IntN(160) == 0 {
		return m.stop(a)
	}
	r := m.draw(a)
	if m.random.IntN(6) == 0 {
		r = m.limited(a)
	}
	if r.rival != nil && m.random.IntN(3) == 0 {
		m.rivals = append(m.rivals, r.rival())
	}
	return r
}

// contend is one, which another caller may contend with: with other contents for the same thing, at
// the same time.
func (m *simulation) contend(account string, ask func() request) *run {
	r := m.one(account, ask())
	r.rival = func() *run { return m.one(account, ask()) }
	return r
}

// draw draws an operation of an account, or of a function.
func (m *simulation) draw(a string) *run { //nolint:funlen // one operation after another, with its share
	post, put, remove := http.MethodPost, http.MethodPut, http.MethodDelete
	user := pick(m, users(a))
	// the seats that it reserves are wanted by others too
	if len(m.models[a].inState("configuring")) > 0 && m.random.IntN(3) == 0 {
		if m.random.IntN(2) == 0 {
			items := []fields{
				{"productId": catalog.PhoneSystemID, "userId": user},
				{"productId": pick(m, addOns), "userId": pick(m, users(a))},
			}
			return m.one(a, request{"AssignmentFunction", post, "/assignments", fields{"items": items}, m.key()})
		}
		return m.one(
			a,
			request{
				"AssignmentFunction",
				post,
				"/licenses/" + m.nextReserved(a) + "/assign",
				fields{"userId": user},
				m.key(),
			},
		)
	}
	switch n := m.random.IntN(136); {
	case n >= 134:
		return m.bidding(a)
	case n >= 128:
		return m.charging(a)
	case n >= 124:
		return m.asked(a)
	case n >= 122:
		return m.roleAndUsers(a)
	case n >= 119:
		return m.file(a)
	case n >= 114:
		return m.job(a)
	case n >= 100:
		return m.aside(a, n-100)
	case n < 8:
		return m.order(a)
	case n < 19:
		path := "/licenses/" + m.license(a, "available") + "/assign"
		return m.contend(a, func() request {
			body := fields{"userId": pick(m, users(a))}
			if m.random.IntN(3) == 0 {
				body["extension"] = pick(m, keys)
			}
			return request{"AssignmentFunction", post, path, body, m.key()}
		})
	case n < 26:
		return m.one(
			a,
			request{"AssignmentFunction", post, "/licenses/" + m.license(a, "assigned") + "/unassign", nil, m.key()},
		)
	case n < 31:
		return m.one(
			a,
			request{
				"AssignmentFunction",
				post,
				"/licenses/" + m.license(a, "assigned") + "/reassign",
				fields{"userId": user},
				m.key(),
			},
		)
	case n < 35:
		return m.one(
			a,
			request{
				"AssignmentFunction",
				put,
				"/licenses/" + m.license(a, "base") + "/add-ons",
				fields{"productIds": some(m, addOns, 2)},
				"",
			},
		)
	case n < 38:
		return m.one(
			a,
			request{"LicensesFunction", post, "/licenses/" + m.license(a, "available") + "/terminate", nil, m.key()},
		)
	case n < 40:
		return m.one(
			a,
			request{
				"LicensesFunction",
				post,
				"/licenses/cost-center",
				fields{"licenseIds": []string{m.license(a, "")}, "costCenter": pick(m, costs)},
				m.key(),
			},
		)
	case n < 41:
		return m.one(
			a,
			request{
				"LicensesFunction",
				http.MethodPatch,
				"/licenses/" + m.license(a, ""),
				fields{"costCenter": pick(m, costs)},
				"",
			},
		)
	case n < 49:
		return m.one(a, m.bulk(a))
	case n < 56:
		r := m.contend(
			a,
			func() request { return request{"DirectoryFunction", put, "/users/" + user, m.person(user), ""} },
		)
		switch m.random.IntN(4) {
		case 0, 1:
			r.rival = func() *run { return m.one(a, m.role(pick(m, roles))) } // which the user may have, gain or lose
		case 2:
			return m.sameNumber(a)
		}
		return r
	case n < 57:
		return m.one(a, request{"DirectoryFunction", remove, "/users/" + user, nil, ""})
	case n < 59:
		return m.roleAndUsers(a)
	case n < 64:
		id := pick(m, []string{"q1", "q2"})
		return m.contend(a, func() request {
			return request{
				"DirectoryFunction",
				put,
				"/call-queues/" + id,
				fields{"name": "Queue " + id, "members": some(m, users(a), 2)},
				"",
			}
		})
	case n < 65:
		return m.one(a, request{"DirectoryFunction", remove, "/call-queues/" + pick(m, []string{"q1", "q2"}), nil, ""})
	case n < 68:
		id := pick(m, []string{"d1", "d2"})
		return m.contend(a, func() request {
			return request{
				"DirectoryFunction",
				put,
				"/dashboards/" + id,
				fields{"name": "Board " + id, "queueIds": some(m, []string{"q1", "q2"}, 2)},
				"",
			}
		})
	case n < 69:
		return m.one(a, request{"DirectoryFunction", remove, "/dashboards/" + pick(m, []string{"d1", "d2"}), nil, ""})
	case n < 74:
		if m.random.IntN(4) == 0 {
			return m.contend(a, func() request {
				at := m.now.Add(-time.Duration(m.random.IntN(30*3600)) * time.Second)
				return m.activity(user, pick(m, append(slices.Clone(products), metered...)), at)
			})
		}
		r := m.one(a, m.views(user))
		r.rival = func() *run { // the permission goes while a first view grants by it
			body := m.person(user)
			body["roleIds"], body["active"], body["licenses"] = []string{}, true, []string{}
			return m.one(a, request{"DirectoryFunction", put, "/users/" + user, body, ""})
		}
		return r
	case n < 76:
		return m.one(a, request{"LicensesFunction", remove, "/exclusions/" + pick(m, seats) + "/" + user, nil, ""})
	case n < 77:
		body := fields{"name": "Board", "kind": pick(m, []string{"analytics", "live-analytics"}), "userId": user}
		return m.one(a, request{"MetricsFunction", put, "/wallboards/" + pick(m, []string{"w1", "w2", "w3"}), body, ""})
	case n < 78:
		return m.one(
			a,
			request{"MetricsFunction", put, "/metrics/licenses/wallboards", fields{"max": m.random.IntN(4)}, ""},
		)
	case n < 81:
		if m.random.IntN(3) == 0 {
			return m.imported(a)
		}
		return m.file(a)
	case n < 85:
		return m.job(a)
	case n < 90 && len(m.waiting()) > 0 && m.random.IntN(4) == 0:
		return m.carry(pick(m, m.waiting()))
	case n < 90 && len(m.open()) > 0:
		return m.hand(pick(m, m.open()))
	case n < 94 && len(m.promises) > 0:
		p := pick(m, m.promises)
		if m.random.IntN(4) == 0 {
			return m.other(p)
		}
		return m.repeat(p)
	case n < 95 && m.random.IntN(4) == 0:
		zone := zones[a]
		if m.random.IntN(2) == 0 {
			// counts from the next period, which does not begin here
			zone = pick(m, []string{"Asia/Kolkata", "Pacific/Apia", "UTC"})
		}
		body := settings(a, zone, pick(m, []string{"standard", "standard", "customer-engagement"}))
		return m.one(a, request{"AccountsFunction", put, "", body, ""})
	case n < 96 && m.random.IntN(3) == 0:
		return m.one(a, request{"ReportFunction", post, "/reports", fields{"kind": "license-status"}, m.key()})
	case n < 97 && m.random.IntN(4) == 0:
		return m.schedule("ReportBuilderFunction")
	case n < 98:
		return m.upkeep("UsageAggregationFunction")
	case n < 99:
		return m.schedule("MassConfigurationApplyFunction")
	default:
		return m.upkeep("MaintenanceFunction")
	}
}

// upkeep fires a schedule that hands work on, has a person do it, or delivers what was handed on, now and
// then twice at once.
func (m *simulation) upkeep(function string) *run {
	if waiting := m.waiting(); len(waiting) > 0 && m.random.IntN(3) > 0 {
		h := pick(m, waiting)
		if m.random.IntN(4) == 0 {
			m.rivals = append(m.rivals, m.carry(h))
		}
		return m.carry(h)
	}
	if m.random.IntN(3) == 0 {
		return m.schedule(function)
	}
	return m.fire(function)
}

// aside is an operation beside those on seats and grants: on the cart, on cost centers, on what is
// seldom deleted, and reads.
func (m *simulation) aside(a string, n int) *run { //nolint:funlen // one operation after another
	line := func() fields {
		return fields{"productId": pick(m, products), "quantity": 1 + m.random.IntN(4), "costCenter": pick(m, costs)}
	}
	switch n {
	case 0, 1:
		return m.contend(a, func() request {
			return request{"PurchaseFunction", http.MethodPut, "/cart", fields{"lines": []fields{line(), line()}}, ""}
		})
	case 2:
		id, quantity := m.cartLine(a)
		parts := []fields{{"quantity": 1, "costCenter": costs[0]}, {"quantity": quantity - 1, "costCenter": costs[1]}}
		return m.one(
			a,
			request{
				"PurchaseFunction",
				http.MethodPost,
				"/cart/lines/" + id + "/split",
				fields{"parts": parts},
				m.key(),
			},
		)
	case 3:
		return m.contend(a, func() request {
			return request{
				"PurchaseFunction",
				http.MethodPost,
				"/cart/cost-center",
				fields{"costCenter": pick(m, costs)},
				m.key(),
			}
		})
	case 4:
		if m.random.IntN(3) == 0 {
			return m.one(a, request{"PurchaseFunction", http.MethodDelete, "/cart", nil, ""})
		}
		return m.one(a, request{"PurchaseFunction", http.MethodPost, "/cart/merge", fields{}, m.key()})
	case 5:
		path := "/cost-centers/" + costs[2]
		if m.random.IntN(2) == 0 {
			r := m.one(a, request{"PurchaseFunction", http.MethodDelete, path, nil, ""})
			r.rival = func() *run { // which comes to be charged to it in the same moment
				return m.buy(a, []fields{{"productId": pick(m, products), "quantity": 1, "costCenter": costs[2]}})
			}
			return r
		}
		return m.contend(a, func() request { return m.fence(pick(m, costs)) })
	case 6:
		if m.random.IntN(2) == 0 {
			return m.one(
				a,
				request{"DirectoryFunction", http.MethodDelete, "/roles/" + pick(m, []string{"r1", "r2"}), nil, ""},
			)
		}
		return m.one(
			a,
			request{
				"MetricsFunction",
				http.MethodDelete,
				"/wallboards/" + pick(m, []string{"w1", "w2", "w3"}),
				nil,
				"",
			},
		)
	case 7:
		ids := []string{m.license(a, "available"), m.license(a, "available"), m.license(a, "")}
		slices.Sort(ids)
		return m.one(
			a,
			request{
				"LicensesFunction",
				http.MethodPost,
				"/licenses/terminate",
				fields{"licenseIds": slices.Compact(ids)},
				m.key(),
			},
		)
	}
	user := pick(m, users(a))
	read := pick(m, [][2]string{
		{"LicensesFunction", "/licenses?q=User"},
		{"LicensesFunction", "/licenses?status=available&limit=3"},
		{"LicensesFunction", "/licenses?costCenter=CC-1"},
		{"LicensesFunction", "/licenses?user=" + user},
		{"LicensesFunction", "/licenses/summary"},
		{"LicensesFunction", "/exclusions"},
		{"LicensesFunction", "/licenses/" + m.license(a, "")},
		{"DirectoryFunction", "/users/" + user},
		{"DirectoryFunction", "/users/" + user + "/why?product=live-reports"},
		{"DirectoryFunction", "/call-queues/q1"},
		{"DirectoryFunction", "/dashboards/d1"},
		{"DirectoryFunction", "/users?limit=3"},
		{"DirectoryFunction", "/users?q=656789"},
		{"DirectoryFunction", "/call-queues?user=" + user},
		{"AuditFunction", "/audit?user=" + user},
		{"AuditFunction", "/audit?limit=5"},
		{"PurchaseFunction", "/cart"},
		{"BillingFunction", "/billing"},
		{"PurchaseFunction", "/orders?limit=2"},
		{"MetricsFunction", "/metrics/licenses"},
		{"UsageFunction", "/usage/summary"},
		{"MassConfigurationFunction", "/mass-configurations?limit=2"},
	})
	return m.one(a, request{read[0], http.MethodGet, read[1], nil, ""})
}

// cartLine is a line of the cart as it is, and its quantity.
func (m *simulation) cartLine(a string) (id string, quantity int) {
	var cart purchase.Cart
	at := m.mirror.items[table.Key{Partition: call.Partition(a, "CART", a+"-admin"), Sort: "CART"}]
	if json.Unmarshal(at.item.Data, &cart) != nil || len(cart.Lines) == 0 {
		return "1", 2
	}
	line := pick(m, cart.Lines)
	return line.ID, line.Quantity
}

// order buys what a quote offers, of the request or of the cart; now and then more than one commit
// takes.
func (m *simulation) order(a string) *run {
	if m.random.IntN(5) == 0 {
		return m.buy(a, nil)
	}
	n := 1 + m.random.IntN(3)
	product := pick(m, products)
	if m.random.IntN(12) == 0 {
		n, product = 48, "auto-attendant" // several commits, of what is not scarce
	}
	if !slices.Contains(seats, product) {
		n += 3 // seats that are granted automatically stay scarce, so that somebody waits
	}
	lines := []fields{{"productId": product, "quantity": n, "costCenter": pick(m, costs)}}
	if m.random.IntN(2) == 0 {
		lines = append(
			lines,
			fields{"productId": pick(m, products), "quantity": 1 + m.random.IntN(2), "costCenter": pick(m, costs)},
		)
	}
	return m.buy(a, lines)
}

// orderOf is the request that orders a quote.
func orderOf(quote, key string) request {
	return request{"PurchaseFunction", http.MethodPost, "/orders", fields{"quoteId": quote, "acknowledged": true}, key}
}

// orderAgain orders a quote that somebody else is about to order: one of the two must be refused.
func (m *simulation) orderAgain(a, quote string) *run {
	r := m.one(a, orderOf(quote, m.key()))
	r.what = "order of the same quote"
	return r
}

func (m *simulation) buy(a string, lines []fields) *run {
	offer := fields{}
	if lines != nil {
		offer["lines"] = lines
	}
	quote := request{"PurchaseFunction", http.MethodPost, "/quotes", offer, ""}
	key := m.key()
	r := &run{what: "order", account: a}
	r.do = func(r *run) {
		q := r.send(quote)
		var got struct {
			ID string `json:"id"`
		}
		if q.good() && json.Unmarshal(q.body, &got) == nil {
			r.quoted = got.ID
			r.keyed(orderOf(got.ID, key))
		}
	}
	r.then = m.remember
	return r
}

func (m *simulation) bulk(a string) request {
	items := make([]fields, 1+m.random.IntN(4))
	for i := range items {
		items[i] = fields{"productId": pick(m, products), "userId": pick(m, users(a))}
	}
	path := "/assignments"
	if m.random.IntN(3) == 0 {
		path = "/assignments/remove"
	} else if m.random.IntN(3) == 0 {
		items[0]["costCenter"] = pick(m, costs)
	}
	return request{
		"AssignmentFunction",
		http.MethodPost,
		path,
		fields{"items": items, "atomic": m.random.IntN(2) == 0},
		m.key(),
	}
}

// fence makes a cost center, puts up its fence, takes it down or leaves it as it is.
func (m *simulation) fence(code string) request {
	body := fields{"name": "Cost center " + code}
	if m.random.IntN(4) > 0 {
		body["fenced"] = m.random.IntN(2) == 0
	}
	return request{"PurchaseFunction", http.MethodPut, "/cost-centers/" + code, body, ""}
}

// roleAndUsers changes a role, while another change of it, or of who has it, is under way.
func (m *simulation) roleAndUsers(a string) *run {
	id := pick(m, roles)
	r := m.contend(a, func() request { return m.role(id) })
	if m.random.IntN(4) > 0 {
		r.rival = func() *run { return m.turnover(a, id) }
	}
	return r
}

// sameNumber lets two users want one number at the same time.
func (m *simulation) sameNumber(a string) *run {
	number := pick(m, numbers)
	ask := func(i int) func() request {
		return func() request {
			user := users(a)[i]
			body := m.person(user)
			body["active"], body["licenses"], body["extension"], body["number"] = true, []string{}, keys[i], number
			return request{"DirectoryFunction", http.MethodPut, "/users/" + user, body, ""}
		}
	}
	r := m.one(a, ask(0)())
	r.rival = func() *run { return m.one(a, ask(1)()) }
	return r
}

// turnover takes a role from a user who has it, or gives it to one who has not: who looks after the
// role at the same time must not miss it.
func (m *simulation) turnover(a, id string) *run {
	for _, user := range users(a) {
		var p profileDocument
		at := m.mirror.items[table.Key{Partition: call.Partition(a, "USERS"), Sort: user}]
		if at.gone || json.Unmarshal(at.item.Data, &p) != nil || m.random.IntN(2) == 0 {
			continue
		}
		body := m.person(user)
		body["active"], body["licenses"], body["roleIds"] = true, []string{}, []string{"super-admin"}
		if !slices.Contains(p.RoleIDs, id) {
			body["roleIds"] = []string{"super-admin", id}
		}
		return m.one(a, request{"DirectoryFunction", http.MethodPut, "/users/" + user, body, ""})
	}
	return m.one(a, m.role(id))
}

func (m *simulation) role(id string) request {
	body := fields{
		"name":        "Role",
		"licenses":    some(m, metered, 6),
		"permissions": some(m, []string{"liveReports.view", "liveReports.full"}, 2),
	}
	return request{"DirectoryFunction", http.MethodPut, "/roles/" + id, body, ""}
}

func (m *simulation) person(user string) fields {
	body := fields{
		"name":     "User " + user,
		"roleIds":  some(m, []string{"super-admin", "r1", "r2"}, 2),
		"active":   m.random.IntN(5) > 0,
		"licenses": some(m, metered, 8),
	}
	if m.random.IntN(2) == 0 {
		body["costCenter"] = pick(m, costs)
	}
	if m.random.IntN(3) == 0 {
		body["extension"] = pick(m, keys)
		if m.random.IntN(2) == 0 {
			body["number"] = pick(m, numbers)
		}
	}
	return body
}

func (m *simulation) views(user string) request {
	var list []fields
	for range 1 + m.random.IntN(3) {
		m.viewIDs++
		id := m.viewIDs
		if m.random.IntN(4) == 0 {
			id = 1 + m.random.IntN(id)
		}
		at := m.now.Add(-time.Duration(m.random.IntN(30*3600)) * time.Second)
		list = append(
			list,
			fields{
				"id":          fmt.Sprintf("view-%d", id),
				"userId":      user,
				"dashboardId": pick(m, []string{"d1", "d2"}),
				"at":          at.Format(time.RFC3339),
			},
		)
	}
	return request{"UsageFunction", http.MethodPost, "/usage/views", fields{"events": list}, m.key()}
}

// activity tells that somebody used a product.
func (m *simulation) activity(user, product string, at time.Time) request {
	m.viewIDs++
	event := fields{
		"id": fmt.Sprintf("use-%d", m.viewIDs), "userId": user, "productId": product, "at": at.Format(time.RFC3339),
	}
	return request{"UsageFunction", http.MethodPost, "/usage/activity", fields{"events": []fields{event}}, m.key()}
}

// sheet is a file of mass configuration, right or wrong.
func (m *simulation) sheet(a string) []byte {
	var out strings.Builder
	out.WriteString("Ext Key,Number,User,Addon license 1,Addon license 2\n")
	people, dial := users(a), slices.Clone(numbers)
	m.random.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	if m.random.IntN(3) == 0 {
		m.random.Shuffle(len(dial), func(i, j int) { dial[i], dial[j] = dial[j], dial[i] })
	}
	for i, key := range keys {
		if m.random.IntN(2) == 0 {
			continue
		}
		user := people[i]
		switch m.random.IntN(16) {
		case 0:
			user = ""
		case 1:
			user = pick(m, people) // perhaps that of another row
		}
		codes := append(some(m, []string{"call_recording", "team_chat"}, 3), "", "")
		if m.random.IntN(20) == 0 {
			codes[0] = "no_such_code"
		}
		fmt.Fprintf(&out, "%s,%s,%s,%s,%s\n", key, dial[i], user, codes[0], codes[1])
	}
	return []byte(out.String())
}

// file brings a file in, by the API or as a drop.
func (m *simulation) file(a string) *run {
	body, n := m.sheet(a), m.runs
	skip := m.random.IntN(2) == 0
	if m.random.IntN(3) == 0 {
		if last := m.dropped[a]; last > 0 && m.random.IntN(2) == 0 {
			n = last // in the place of what was dropped before
		}
		m.dropped[a] = n
		drop := func(body []byte) *run {
			r := &run{what: "drop", account: a}
			r.do = func(*run) {
				m.files.put(
					files.Ref{Bucket: files.Uploads, Key: fmt.Sprintf("drops/%s/file-%d.csv", a, n)},
					body,
					"text/csv",
				)
			}
			return r
		}
		r, other := drop(body), m.sheet(a)
		r.rival = func() *run { return drop(other) }
		return r
	}
	ask := request{
		"MassConfigurationFunction",
		http.MethodPost,
		"/mass-configurations",
		fields{"fileName": "phones.csv", "sizeBytes": len(body), "skipErrors": skip},
		m.key(),
	}
	return m.upload(a, ask, body, "upload", func(id string) string { return "uploads/" + a + "/" + id + "/phones.csv" })
}

// imported brings in a file of users, call queues or dashboards.
func (m *simulation) imported(a string) *run {
	kind := pick(m, []string{"users", "call-queues", "dashboards"})
	body := m.rows(a, kind)
	ask := fields{"kind": kind, "fileName": "rows.csv", "sizeBytes": len(body), "skipErrors": m.random.IntN(2) == 0}
	return m.upload(
		a,
		request{"MassConfigurationFunction", http.MethodPost, "/imports", ask, m.key()},
		body,
		"import",
		func(id string) string {
			return "uploads/" + a + "/imports/" + id + "/rows.csv"
		},
	)
}

// rows are those of a file of users, call queues or dashboards.
func (m *simulation) rows(a, kind string) []byte {
	var out strings.Builder
	row := func(cells ...string) { out.WriteString(strings.Join(cells, ",") + "\n") }
	two := func(list []string) (string, string) {
		list = append(some(m, list, 3), "", "")
		return list[0], list[1]
	}
	switch kind {
	case "users":
		row("User", "Name", "Email", "Extension", "Number", "Active", "Agent source",
			"Role 1", "Role 2", "License 1", "License 2")
		for _, user := range some(m, users(a), 3) {
			role, other := two([]string{"super-admin", "r1", "r2"})
			own, second := two(metered)
			extension := ""
			if m.random.IntN(3) == 0 {
				extension = pick(m, keys)
			}
			active := pick(m, []string{"yes", "yes", "no"})
			row(user, "User "+user, "", extension, "", active, "", role, other, own, second)
		}
	case "call-queues":
		row("Call queue", "Name", "Member 1", "Member 2")
		for _, id := range []string{"q1", "q2"} {
			one, other := two(users(a))
			row(id, "Queue "+id, one, other)
		}
	case "dashboards":
		row("Dashboard", "Name", "Call queue 1", "Call queue 2")
		for _, id := range []string{"d1", "d2"} {
			one, other := two([]string{"q1", "q2"})
			row(id, "Board "+id, one, other)
		}
	}
	return []byte(out.String())
}

// upload asks for an upload, and puts the file where it belongs.
func (m *simulation) upload(a string, ask request, body []byte, what string, at func(id string) string) *run {
	r := m.one(a, ask)
	r.what = what
	r.do = func(r *run) {
		got := r.keyed(ask)
		var view struct {
			ID string `json:"id"`
		}
		if !got.good() || json.Unmarshal(got.body, &view) != nil || r.faults.Crashed() {
			return
		}
		m.files.put(files.Ref{Bucket: files.Uploads, Key: at(view.ID)}, body, "text/csv")
	}
	return r
}

// job configures, cancels or undoes a mass configuration, or applies or cancels an import.
func (m *simulation) job(a string) *run {
	b := m.models[a]
	if ids := b.imports("ready"); len(ids) > 0 && m.random.IntN(3) == 0 {
		id, verb := ids[m.random.IntN(min(len(ids), 3))], pick(m, []string{"apply", "apply", "cancel"})
		return m.contend(a, func() request {
			return request{"MassConfigurationFunction", http.MethodPost, "/imports/" + id + "/" + verb, nil, m.key()}
		})
	}
	id, verb := "00000000-0000-7000-8000-000000000000", pick(m, []string{"configure", "cancel", "undo"})
	for _, fit := range []struct {
		verb, state string
		share       int
	}{{"cancel", "configuring", 5}, {"undo", "completed", 2}, {"configure", "ready", 1}} {
		ids := b.inState(fit.state)
		if fit.verb == "undo" { // what was applied
			ids = slices.DeleteFunc(ids, func(id string) bool { return b.jobs[id].progress.Applied == 0 })
		}
		if len(ids) > 0 && m.random.IntN(fit.share) == 0 {
			id, verb = ids[m.random.IntN(min(len(ids), 3))], fit.verb
			break
		}
	}
	if ids := b.inState(""); len(ids) > 0 && m.random.IntN(8) == 0 {
		id = ids[m.random.IntN(min(len(ids), 6))]
	}
	return m.contend(a, func() request {
		return request{
			"MassConfigurationFunction",
			http.MethodPost,
			"/mass-configurations/" + id + "/" + verb,
			nil,
			m.key(),
		}
	})
}

// open are the events that are to be delivered, or once more.
func (m *simulation) open() []*delivery {
	if len(m.deliveries) > 40 {
		var left []*delivery
		for i, d := range m.deliveries {
			if !d.done || i > len(m.deliveries)-15 {
				left = append(left, d)
			}
		}
		m.deliveries = left
	}
	return m.deliveries
}

// hand hands an event to its function, loses it on the way for a while, or hands it over twice at
// once.
func (m *simulation) hand(d *delivery) *run {
	const away = 3 * time.Minute
	switch chance := m.random.IntN(8); {
	case !d.lost.IsZero() && m.now.Sub(d.lost) < away:
		return m.draw(pick(m, accounts))
	case chance == 0 && !d.done && d.lost.IsZero():
		m.events["lost"]++
		d.lost = m.now
		return m.draw(pick(m, accounts))
	case chance == 1:
		m.rivals = append(m.rivals, m.deliver(d))
	}
	return m.deliver(d)
}

// deliver hands an event to its function. What fails, or dies, is delivered again; what was taken
// may come once more all the same.
func (m *simulation) deliver(d *delivery) *run {
	d.tries++
	if d.done || d.tries > 1 && d.lost.IsZero() {
		m.events["duplicate"]++
	}
	if !d.lost.IsZero() {
		m.events["redelivered after its loss"]++
		d.lost = time.Time{}
	}
	if m.now.Sub(d.at) > 5*time.Minute {
		m.events["late"]++
	}
	if slices.ContainsFunc(m.deliveries, func(o *delivery) bool {
		return !o.done && o.tries == 0 && o.function == d.function && o.at.Before(d.at)
	}) {
		m.events["reordered"]++
	}
	return m.event(d.function, func() ([]byte, error) { return notification(d.info, d.at) }, func(r *run) {
		if r.failure == nil {
			d.done = true
		}
	})
}

// schedule fires a schedule, of now.
func (m *simulation) schedule(function string) *run {
	at := m.now
	return m.event(
		function,
		func() ([]byte, error) { return json.Marshal(fields{"time": at.Format(time.RFC3339)}) },
		func(*run) {},
	)
}

func (m *simulation) event(function string, payload func() ([]byte, error), then func(*run)) *run {
	r := &run{what: "event " + function}
	r.do = func(r *run) {
		r.failure = func() error {
			data, err := payload()
			if err != nil {
				return err
			}
			f, err := r.slot.function(function)
			if err != nil {
				return err
			}
			return f.Event(context.Background(), data)
		}()
	}
	r.then = then
	return r
}
