package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// reclaimed is a reclaim's document, as far as the model knows it.
type reclaimed struct {
	ProductID string    `json:"productId"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"createdAt"`
	Counts    struct{ Seats, Reclaimed, Kept, Returned, NotReturned int }
}

// reclaimedSeats are the seats of a part of a reclaim, as far as the model knows them.
type reclaimedSeats struct {
	Rows []struct {
		UserID    string `json:"userId"`
		LicenseID string `json:"licenseId"`
		Outcome   string `json:"outcome"`
	} `json:"rows"`
}

// alert is an alert's document, as far as the model knows it.
type alert struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Rule  string `json:"rule"` // of an open one, under its rule
}

// watched is a policy's document, as far as the model knows it.
type watched struct {
	ProductID string `json:"productId"`
	LowSeats  *int64 `json:"lowSeats"`
	// AutoPurchase says what is bought, at most.
	AutoPurchase *bid `json:"autoPurchase"`
}

// funds are what the model knows of reclaims, alerts and closed periods.
type funds struct {
	reclaims map[string]reclaimed
	seats    map[string]map[string]string // what became of a user's seat, by reclaim
	alerts   map[string]alert
	open     map[string]string // the open alert of a rule
	policies map[string]watched
	sealed   map[string]string            // the digest of a closed period by its first day
	parts    map[string]map[string][]byte // of periods, by partition and sort key
	ruled    map[string]bool              // alerts that the commit has touched
	busy     map[string]time.Time         // when somebody was last told to use a product, by user and product
	// limits and undoLimits are the cost centers of who began a reclaim, and of who undoes it.
	limits, undoLimits map[string]reach
}

func newFunds() funds {
	return funds{
		reclaims: map[string]reclaimed{}, seats: map[string]map[string]string{}, alerts: map[string]alert{},
		open: map[string]string{}, policies: map[string]watched{}, sealed: map[string]string{},
		parts: map[string]map[string][]byte{}, ruled: map[string]bool{}, busy: map[string]time.Time{},
		limits: map[string]reach{}, undoLimits: map[string]reach{},
	}
}

// putMoney takes in an item of a reclaim, an alert, a policy or a period; others are none of its.
func (b *model) putMoney(kind, rest string, item table.Item) {
	switch kind {
	case "RECLAIMS":
		b.putReclaim(item)
	case "RECLAIM-SEATS":
		b.putReclaimSeats(rest, item)
	case "ALERTS":
		b.putAlert(item)
	case "ALERTS-OPEN":
		a := decode[alert](b, item)
		if other := b.funds.open[item.Sort]; other != "" {
			b.fail("I23: alert %s of %s begins while %s is open", a.ID, item.Sort, other)
		}
		b.funds.open[item.Sort], b.funds.ruled[a.ID] = a.ID, true
	case "POLICIES":
		b.funds.policies[item.Sort] = decode[watched](b, item)
	case "POLICY-BOUGHT":
		b.putSpent(item)
	case "PERIODS":
		b.putPeriod(item)
	case "PERIOD":
		if b.funds.parts[rest] == nil {
			b.funds.parts[rest] = map[string][]byte{}
		}
		if was, there := b.funds.parts[rest][item.Sort]; there && !bytes.Equal(was, item.Data) {
			b.fail("I18: %s of the period %s was %s, and is %s", item.Sort, rest, was, item.Data)
		}
		b.funds.parts[rest][item.Sort] = item.Data
	}
}

// removeMoney takes in that such an item is gone.
func (b *model) removeMoney(kind, sort string) {
	switch kind {
	case "RECLAIMS", "RECLAIM-SEATS", "ALERTS", "PERIODS", "PERIOD":
		b.fail("I11: %s %s is deleted", kind, sort)
	case "ALERTS-OPEN":
		b.funds.ruled[b.funds.open[sort]] = true
		delete(b.funds.open, sort)
	case "POLICIES":
		delete(b.funds.policies, sort)
	}
}

// putPeriod: a period is closed once, and has kept its lines (I18).
func (b *model) putPeriod(item table.Item) {
	head := decode[struct {
		Digest string `json:"digest"`
		Lines  int    `json:"lines"`
	}](b, item)
	if was, again := b.funds.sealed[item.Sort]; again {
		b.fail("I18: the period of %s was closed as %s, and is closed again as %s", item.Sort, was, head.Digest)
	}
	b.funds.sealed[item.Sort] = head.Digest
	lines := 0
	for sort := range b.funds.parts[item.Sort+"#"+head.Digest[:16]] {
		if strings.HasPrefix(sort, "LINES#") {
			lines++
		}
	}
	if lines != head.Lines {
		b.fail("I18: the period of %s is closed with %d of %d parts", item.Sort, lines, head.Lines)
	}
}

// follows says which states a reclaim, and a seat of it, may come to.
var follows = map[string][]string{
	"":          {"running", "pending", "kept"},
	"running":   {"completed"},
	"completed": {"undoing"},
	"undoing":   {"undone"},
	"pending":   {"reclaimed", "kept"},
	"reclaimed": {"returned", "notReturned"},
}

// putReclaim: a reclaim goes forward, and its counts add up (I22).
func (b *model) putReclaim(item table.Item) {
	r, was := decode[reclaimed](b, item), b.funds.reclaims[item.Sort]
	if r.State != was.State && !slices.Contains(follows[was.State], r.State) {
		b.fail("I22: reclaim %s was %q and is %s", item.Sort, was.State, r.State)
	}
	n := r.Counts
	switch {
	case n.Reclaimed+n.Kept > n.Seats || n.Returned+n.NotReturned > n.Reclaimed,
		r.State != "running" && n.Reclaimed+n.Kept != n.Seats,
		r.State == "undone" && n.Returned+n.NotReturned != n.Reclaimed:
		b.fail("I22: reclaim %s is %s with %+v", item.Sort, r.State, n)
	}
	b.followReclaim(item.Sort, was, r)
	b.funds.reclaims[item.Sort] = r
}

// followReclaim keeps the cost centers of who begins a reclaim or undoes it. It is theirs to undo if all
// of its own are within their limit (I25).
func (b *model) followReclaim(id string, was, now reclaimed) {
	var limit reach
	if b.at.hand != nil {
		limit = b.at.hand.reach
	}
	if was.State == "" {
		b.funds.limits[id] = limit
	}
	if was.State == "completed" && now.State == "undoing" {
		b.funds.undoLimits[id] = limit
		if of := b.funds.limits[id]; !of.within(limit) {
			b.fail("I25: reclaim %s of %v is undone by an admin of %v", id, of, limit)
		}
	}
}

// putReclaimSeats: each seat is taken once and given back once at most; who lost it does not hold it
// after that commit, and who has it back does (I22).
func (b *model) putReclaimSeats(reclaim string, item table.Item) {
	if b.funds.seats[reclaim] == nil {
		b.funds.seats[reclaim] = map[string]string{}
	}
	known := b.funds.seats[reclaim]
	for _, row := range decode[reclaimedSeats](b, item).Rows {
		was := known[row.UserID]
		if row.Outcome == was {
			continue
		}
		if !slices.Contains(follows[was], row.Outcome) {
			b.fail("I22: the seat of %s in reclaim %s was %q and is %s", row.UserID, reclaim, was, row.Outcome)
		}
		known[row.UserID] = row.Outcome
		b.dirty.reclaims[reclaim+"#"+row.UserID+"#"+row.LicenseID+"#"+row.Outcome] = true
	}
}

// verifyReclaim looks at who holds what after the commit that took a seat or gave it back.
func (b *model) verifyReclaim(about string) {
	parts := strings.Split(about, "#")
	reclaim, user, id, outcome := parts[0], parts[1], parts[2], parts[3]
	product := b.funds.reclaims[reclaim].ProductID
	h := b.holders[user]
	holds := h != nil && h.Holds(product)
	switch {
	case outcome == "reclaimed" && holds && h.Holdings[product].LicenseID == id:
		b.fail("I22: reclaim %s has taken license %s from %s, who holds it", reclaim, id, user)
	case outcome == "returned" && !holds:
		b.fail("I22: reclaim %s has given %s back to %s, who holds none", reclaim, product, user)
	}
	if made := b.funds.reclaims[reclaim].CreatedAt.UTC(); outcome == "reclaimed" {
		used := b.funds.busy[user+" "+product].UTC()
		if !used.After(made) && used.Format(time.DateOnly) == made.Format(time.DateOnly) {
			b.fail("I22: reclaim %s has taken license %s of %s from %s, who used it on that day", reclaim, id, product, user)
		}
	}
	b.verifyReclaimed(reclaim, user, id, outcome)
	b.sim.events["seat "+outcome]++
}

// putAlert: an alert begins once, and ends once (I23).
func (b *model) putAlert(item table.Item) {
	a, was := decode[alert](b, item), b.funds.alerts[item.Sort]
	if was.ID == "" && a.State != "open" || was.ID != "" && (was.State != "open" || a.State != "over") {
		b.fail("I23: alert %s was %q and is %s", a.ID, was.State, a.State)
	}
	b.funds.alerts[item.Sort] = a
	b.funds.ruled[a.ID] = true
	b.sim.events["alert "+a.State]++
}

// verifyAlerts: an alert is open exactly as long as it is the one of its rule (I23).
func (b *model) verifyAlerts() {
	for _, id := range sorted(b.funds.ruled) {
		ofRule := slices.Contains(slices.Collect(maps.Values(b.funds.open)), id)
		if open := b.funds.alerts[id].State == "open"; open != ofRule {
			b.fail("I23: alert %s is open: %v, and that of a rule: %v", id, open, ofRule)
		}
	}
	clear(b.funds.ruled)
}

// verifyRules: once all is quiet there is an alert for each product with few free seats or people who
// wait, and for no other (I23).
func (b *model) verifyRules() {
	for p := range b.products.All() {
		t := *b.tally(p.ID)
		rule, watches := b.funds.policies[p.ID], false
		if rule.LowSeats != nil {
			watches = t.bought-t.assigned-t.reserved < *rule.LowSeats
		}
		if p.ID == catalog.WallboardID {
			continue
		}
		for rule, wanted := range map[string]bool{"lowSeats#" + p.ID: watches, "waiting#" + p.ID: t.waiting > 0} {
			if open := b.funds.open[rule] != ""; open != wanted {
				b.fail("I23: at rest an alert of %s is open: %v, and should be: %v (%+v)", rule, open, wanted, t)
			}
		}
	}
}

// charging is an operation on what costs money beside orders: a policy, a reclaim, its undo, or a
// change that is foreseen.
func (m *simulation) charging(a string) *run {
	post := http.MethodPost
	switch m.random.IntN(8) {
	case 0:
		product := pick(m, products)
		if m.random.IntN(3) == 0 {
			return m.one(a, request{"BillingFunction", http.MethodDelete, "/policies/" + product, nil, ""})
		}
		return m.contend(a, func() request {
			body := fields{"lowSeats": 1 + m.random.IntN(4)}
			return request{"BillingFunction", http.MethodPut, "/policies/" + product, body, ""}
		})
	case 1, 2:
		return m.contend(a, func() request {
			body := fields{"productId": pick(m, append(slices.Clone(products), metered...)), "days": 1}
			return request{"UsageFunction", post, "/reclaims", body, m.key()}
		})
	case 3, 4:
		done := m.models[a].undoable()
		if len(done) > 0 {
			id := done[len(done)-1-m.random.IntN(min(len(done), 3))]
			return m.contend(a, func() request {
				return request{"UsageFunction", post, "/reclaims/" + id + "/undo", nil, m.key()}
			})
		}
	}
	return m.foreseen(a, m.change(a))
}

// nextDay brings the next day, on which seats of the day before are idle. The views of the day before
// are folded first, as they are each hour.
func (m *simulation) nextDay() {
	m.alone(m.schedule("UsageAggregationFunction"))
	m.advance(25 * time.Hour)
	for _, a := range accounts {
		m.reclaim(a)
	}
}

// reclaim lets two products be reclaimed, and the last one that was be given back.
func (m *simulation) reclaim(account string) {
	for _, product := range []string{pick(m, products), pick(m, metered)} {
		m.use(account, product)
		body := fields{"productId": product, "days": 1}
		if m.violation == nil {
			m.alone(m.one(account, request{"UsageFunction", http.MethodPost, "/reclaims", body, ""}))
		}
	}
	m.reclaimTheirs(account)
	if done := m.models[account].undoable(); len(done) > 0 && m.violation == nil {
		path := "/reclaims/" + done[len(done)-1] + "/undo"
		m.alone(m.one(account, request{"UsageFunction", http.MethodPost, path, nil, ""}))
	}
}

// reclaimTheirs lets an admin of some cost centers reclaim products, and another one give seats back.
func (m *simulation) reclaimTheirs(account string) {
	for _, product := range []string{pick(m, products), pick(m, metered), pick(m, metered)} {
		body := fields{"productId": product, "days": 1}
		if m.violation == nil {
			by := &caller{user: pick(m, partly(account))}
			r := m.one(account, request{"UsageFunction", http.MethodPost, "/reclaims", body, ""})
			r.by, r.what = by, limitedTo+r.what
			m.alone(r)
		}
	}
	if by := (caller{user: pick(m, partly(account))}); m.violation == nil {
		r := partAdmin{m, account, m.mirror.reachOf(account, by.user), by.user}.undo()
		r.by, r.what = &by, limitedTo+r.what
		m.alone(r)
	}
}

// use lets one holder of a product use it now, while nobody else does anything.
func (m *simulation) use(account, product string) {
	user := pick(m, users(account))
	if !m.models[account].held()[user+" "+product] || m.violation != nil {
		return
	}
	r := m.one(account, m.activity(user, product, m.now))
	m.alone(r)
	if m.violation == nil && r.answers[0].good() {
		m.models[account].funds.busy[user+" "+product] = m.now
	}
}

// undoable are the reclaims that have taken seats, the oldest first.
func (b *model) undoable() []string {
	return slices.DeleteFunc(sorted(b.funds.reclaims), func(id string) bool {
		return b.funds.reclaims[id].Counts.Reclaimed == 0
	})
}

// change is a request that changes seats or people.
func (m *simulation) change(a string) request {
	user, post, put := pick(m, users(a)), http.MethodPost, http.MethodPut
	switch m.random.IntN(9) {
	case 0:
		return request{"DirectoryFunction", put, "/users/" + user, m.person(user), ""}
	case 1:
		body := fields{"name": "Queue q1", "members": some(m, users(a), 2)}
		return request{"DirectoryFunction", put, "/call-queues/q1", body, ""}
	case 2:
		body := fields{"name": "Board d1", "queueIds": some(m, []string{"q1", "q2"}, 2)}
		return request{"DirectoryFunction", put, "/dashboards/d1", body, ""}
	case 3:
		return m.role(pick(m, roles))
	case 4:
		return m.fence(pick(m, costs))
	case 5:
		path := "/licenses/" + m.license(a, "available") + "/assign"
		return request{"AssignmentFunction", post, path, fields{"userId": user}, ""}
	case 6:
		verb := pick(m, []string{"unassign", "reassign"})
		var body any
		if verb == "reassign" {
			body = fields{"userId": user}
		}
		return request{"AssignmentFunction", post, "/licenses/" + m.license(a, "assigned") + "/" + verb, body, ""}
	}
	q := m.bulk(a)
	q.key = ""
	return q
}

// foretold is the answer to a dry run, as far as the model compares it.
type foretold struct {
	Effects struct {
		Users []struct {
			UserID       string
			Gains, Loses []string
		}
	}
	Plan string
}

// foreseen is a request that is tried, which commits nothing, and then made with its plan (I21).
func (m *simulation) foreseen(a string, q request) *run {
	r := &run{what: "dry run and its request", account: a}
	r.do = func(r *run) {
		try := q
		try.path += "?dryRun=true"
		r.dry = true
		tried := r.send(try)
		r.dry = false
		var told foretold
		if tried.status == http.StatusOK && json.Unmarshal(tried.body, &told) == nil {
			r.plan = told.Plan
		}
		r.send(q)
	}
	return r
}

// verifyForesight: without anybody else a dry run tells who gains and who loses by the request that
// follows it, or is refused as that is (I21).
func (m *simulation) verifyForesight(account string) {
	b := m.models[account]
	before := b.held()
	r := m.foreseen(account, m.change(account))
	m.alone(r)
	if m.violation != nil {
		return
	}
	tried, done := r.answers[0], r.answers[1]
	if tried.status != http.StatusOK || !done.good() {
		if tried.status != done.status {
			m.fail("I21: %s %s of %s: tried %d %s, done %d %s", done.request.method, done.request.path, account,
				tried.status, tried.body, done.status, done.body)
		}
		return
	}
	var told foretold
	if err := json.Unmarshal(tried.body, &told); err != nil {
		m.fail("I21: %s: %w", tried.body, err)
	}
	want, got, after := []string{}, []string{}, b.held()
	for _, u := range told.Effects.Users {
		for _, p := range u.Gains {
			want = append(want, "gains "+u.UserID+" "+p)
		}
		for _, p := range u.Loses {
			want = append(want, "loses "+u.UserID+" "+p)
		}
	}
	for at := range after {
		if !before[at] {
			got = append(got, "gains "+at)
		}
	}
	for at := range before {
		if !after[at] {
			got = append(got, "loses "+at)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		m.fail("I21: %s %s of %s, %+v: foretold %v, done %v", done.request.method, done.request.path, account,
			done.request.body, want, got)
	}
}

// held are the users with what they hold.
func (b *model) held() map[string]bool {
	all := map[string]bool{}
	for user, h := range b.holders {
		for product, holding := range h.Holdings {
			if holding.LicenseID != "" {
				all[user+" "+product] = true
			}
		}
	}
	return all
}

// firstPeriod is the first day of the period that all of a seed lies in; afterwards it is closed in
// every zone.
const firstPeriod = "2031-07-01"

var afterwards = time.Date(2031, time.August, 4, 12, 0, 0, 0, time.UTC)

// closePeriods brings the end of the first period, of which two workers at once find that it is over,
// under faults, and looks at what they have closed; then something else happens, and it is the same.
func (m *simulation) closePeriods() {
	m.advance(afterwards.Sub(m.now))
	m.charged(accounts[1])
	for round := range 4 {
		if round == 2 {
			m.verifyHeld(accounts[0])
			m.charged(accounts[0])
		}
		m.begin(m.slots[0], m.schedule("ReportBuilderFunction"), 0.1)
		m.begin(m.slots[1], m.schedule("ReportBuilderFunction"), 0.1)
		m.finish()
		for _, d := range slices.Clone(m.deliveries) {
			if m.violation == nil && !d.done {
				m.begin(m.slots[2], m.deliver(d), 0.1)
				m.begin(m.slots[3], m.deliver(d), 0.1)
				m.finish()
			}
		}
	}
	var left []error
	for round := 0; round < rounds && m.violation == nil; round++ {
		m.advance(31 * time.Minute)
		if left = m.drain(); len(left) == 0 && round > 0 {
			break
		}
	}
	if len(left) > 0 && m.violation == nil {
		m.fail("I14: without faults the periods are not closed: %w", errors.Join(left...))
	}
	before := map[string]string{}
	for _, a := range accounts {
		if m.violation == nil {
			before[a] = m.verifyPeriod(a)
		}
	}
	for _, a := range accounts {
		for range 4 {
			if m.violation == nil {
				m.alone(m.one(a, m.change(a)))
			}
		}
	}
	m.advance(25 * time.Hour)
	m.drain()
	for _, a := range accounts {
		if m.violation == nil && m.verifyPeriod(a) != before[a] {
			m.fail("I18: the closed period of %s is another one", a)
		}
	}
}

// charged names the account's cost center, which is there then.
func (m *simulation) charged(account string) {
	for _, q := range []request{
		{"PurchaseFunction", http.MethodPut, "/cost-centers/CC-1", fields{"name": "One"}, ""},
		{"AccountsFunction", http.MethodPatch, "", fields{"costCenter": "CC-1"}, ""},
	} {
		if m.violation == nil {
			m.alone(m.one(account, q))
		}
	}
}

// verifyHeld: a period is closed exactly when nothing was consumed in it that is charged to nobody, while
// the account has no cost center (I18).
func (m *simulation) verifyHeld(account string) {
	if m.violation != nil {
		return
	}
	p := read[struct {
		State, WaitsFor string
		Lines           []billLine
	}](m, account, "BillingFunction", "/billing/periods/"+firstPeriod)
	waits := slices.ContainsFunc(p.Lines, func(l billLine) bool {
		return l.CostCenter == "" && (l.Kind == "metered" || l.Kind == "overage")
	})
	if closed := p.State == "closed"; closed && waits || waits != (p.WaitsFor != "") {
		m.fail("I18: without a cost center of %s its period is %s, waits for %q, and has lines without one: %v",
			account, p.State, p.WaitsFor, waits)
	}
	if waits {
		m.events["period that waits for a cost center"]++
	}
}

// billLine is a line of a period as it is read.
type billLine struct {
	ID, Kind, ProductID, CostCenter string
	LicenseDays                     int64
	Amount                          struct{ Amount int64 }
	Days                            []struct {
		Quantity int64
		Amount   struct{ Amount int64 }
	}
}

// verifyPeriod holds the first period, which is closed, against the orders and the licenses: its lines
// are the sum of their days, its total is that of its lines, orders have the cents that they had due,
// and what is metered counts on each day on which it existed (I18). It answers all that was read.
func (m *simulation) verifyPeriod(account string) string {
	b := m.models[account]
	p := read[struct {
		State, Digest string
		Lines         []billLine
		Total         struct{ Amount int64 }
	}](m, account, "BillingFunction", "/billing/periods/"+firstPeriod)
	if p.State != "closed" || p.Digest != b.funds.sealed[firstPeriod] {
		m.fail("I18: the period of %s is %s, sealed %q, by the store %q", account, p.State, p.Digest,
			b.funds.sealed[firstPeriod])
		return ""
	}
	got, total := map[string]int64{}, int64(0)
	text := fmt.Sprintf("%+v", p)
	for _, l := range p.Lines {
		whole := read[billLine](m, account, "BillingFunction", "/billing/periods/"+firstPeriod+"/lines/"+l.ID)
		text += fmt.Sprintf("%+v", whole)
		days, amount := int64(0), int64(0)
		for _, d := range whole.Days {
			days, amount = days+d.Quantity, amount+d.Amount.Amount
		}
		if amount != l.Amount.Amount || days != l.LicenseDays {
			m.fail("I18: %s: the days of %+v are %d license days, and cost %d", account, l, days, amount)
		}
		total += l.Amount.Amount
		switch l.Kind {
		case "prorated":
			got["due "+l.ProductID+" "+l.CostCenter] = l.Amount.Amount
		case "metered":
			got["days "+l.ProductID] += l.LicenseDays
		case "recurring":
			m.fail("I18: %s: in its first period something recurs: %+v", account, l)
		}
	}
	delete(got, "days "+catalog.WallboardID) // devices, of which the model keeps no history
	if want := b.consumed(); !maps.Equal(got, want) {
		m.fail("I18: %s: the period has %v, by the orders and licenses it has %v", account, got, want)
	}
	if total != p.Total.Amount {
		m.fail("I18: %s: the lines cost %d, in total %d", account, total, p.Total.Amount)
	}
	return text
}

// consumed is what the first period charges: what orders had due, and the license days of what is
// metered.
func (b *model) consumed() map[string]int64 {
	want := map[string]int64{}
	last := time.Date(2031, time.July, 31, 0, 0, 0, 0, b.zone)
	for _, o := range b.orders {
		if o.State != purchase.OrderPlaced || b.dayOf(o.PlacedAt).After(last) {
			continue
		}
		for _, l := range o.Lines {
			want["due "+l.ProductID+" "+l.CostCenter] += l.DueToday.Minor
		}
	}
	for _, s := range b.seats {
		if s.Kind.Purchasable() {
			continue
		}
		until := last
		if s.TerminatedAt != nil {
			until = b.dayOf(s.TerminatedAt.Add(-1))
			if !s.TerminatedAt.After(s.AddedAt) {
				until = b.dayOf(s.AddedAt)
			}
		}
		for day := b.dayOf(s.AddedAt); !day.After(until) && !day.After(last); day = day.AddDate(0, 0, 1) {
			want["days "+s.ProductID]++
		}
	}
	return want
}
