package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
	"seatwise/shared/wallboard"
)

// book is the plain model of one account. It is fed with the commits that took effect, one by one,
// and after each of them it looks at what that one has touched, and at what stands to it in a
// relation: so the invariants are checked after every commit, at a cost that does not grow with the
// account. It knows the documents, and none of the code that writes them: sums are recounted, and
// every relation is looked at from both ends.
type model struct {
	sim      *simulation
	account  string
	products *catalog.Catalog
	zone     *time.Location // of the account's days, in the period that all of a seed lies in

	seats                      map[string]*seat
	ids                        []string // of the seats, in the order in which they came
	usersOf, addOnsOf, orderOf index    // seats by their user, their base license, their order
	// by license in the pool: the version of the license that the entry is a copy of
	offers map[string]int64
	// reserved has the job of every seat that is kept for one, and reservations what each job
	// keeps.
	reserved     map[string]string
	reservations map[string]*reservation

	holders    map[string]*license.Holder
	waits      map[string]license.Wait
	excluded   map[string]bool
	extensions map[string]license.Extension
	numbers    map[string]string

	// have is the recount, and the others are the counts that the account keeps.
	have            map[string]*tally
	charged         map[string]int64 // by product and cost center
	bought, centers map[string]int64
	days, taken     map[string]int64
	wallboards      map[string]wallboard.Stored
	fleets          map[string]wallboard.Fleet
	devices         int64
	ended           int // how often wallboards ended with their user
	// admins are the active super-admins; administered says that there was one.
	admins       map[string]bool
	administered bool

	// wishes are the requests, wishIDs their ids as they came, and pendingWishes the one of a person
	// for a product.
	wishes        map[string]wish
	wishIDs       []string
	pendingWishes map[string]string
	// approvals have the cost centers of who approved a request.
	approvals map[string]reach
	profiles  map[string]profileDocument

	// spent is what policies bought by product and billing period, by their orders, and counted the
	// same by product, by the account's own count.
	spent, counted map[string]spending

	codes     map[string]bool // of the cost centers
	fenced    map[string]bool // those that are fenced, by their own items
	people    map[string]int64
	confirmed map[string]bool
	orders    map[string]purchase.Order
	quoted    map[string]string // order by quote
	quotes    map[string]purchase.Quote
	log       fold
	jobs      map[string]*job
	jobIDs    []string
	importIDs []string
	dropped   map[string]string // mass configuration by object
	versions  map[string]*versions

	funds funds

	state call.State // of the account, as its item says

	dirty touched
	at    *commit
}

// index is a set of ids by another id.
type index map[string]map[string]bool

func (x index) add(by, id string) {
	if by == "" {
		return
	}
	if x[by] == nil {
		x[by] = map[string]bool{}
	}
	x[by][id] = true
}

func (x index) drop(by, id string) { delete(x[by], id) }

// seat is a license's document.
type seat struct {
	license.License
	Pending          bool   `json:"pending"`
	HolderCostCenter string `json:"holderCostCenter"`
	version          int64
}

// tally is the recount of one product.
type tally struct{ bought, assigned, reserved, waiting int64 }

// reservation is what a job keeps: documents by their keys, and how many of each product, or of each
// product for the people of a cost center, are drawn by now.
type reservation struct {
	chunks map[string]reservedChunk
	drawn  map[string]int64
	kept   map[string]string // product by license
}

type reservedChunk struct {
	From   int64 `json:"from"`
	Offers []seat
}

// fold is what the audit log says, record after record (I16).
type fold struct {
	held, ended   map[string]int // by license
	placed        map[string]int // by order
	bought, waits map[string]int64
	charged       map[string]int64
	waiting       map[string]bool             // by product and user
	perDay        map[string]map[string]int64 // bought, by product and day
	rows          map[string]map[int]bool     // that this commit tells of, by mass configuration
}

// dirt is what the commit has touched.
type touched struct {
	seats, users, extensions, numbers, waits, products, orders, jobs, wishes, reclaims, bids map[string]bool
	// given are the licenses that have come to somebody, or with somebody to another cost center.
	given map[string]bool
}

func newTouched() touched {
	return touched{
		seats:      map[string]bool{},
		users:      map[string]bool{},
		extensions: map[string]bool{},
		numbers:    map[string]bool{},
		waits:      map[string]bool{},
		products:   map[string]bool{},
		orders:     map[string]bool{},
		jobs:       map[string]bool{},
		wishes:     map[string]bool{},
		reclaims:   map[string]bool{},
		bids:       map[string]bool{},
		given:      map[string]bool{},
	}
}

func newModel(m *simulation, account string) *model {
	zone, err := time.LoadLocation(zones[account])
	if err != nil {
		panic(err) // the names are ours, and Go brings the zones along
	}
	return &model{
		sim:          m,
		account:      account,
		products:     catalog.Default(),
		zone:         zone,
		seats:        map[string]*seat{},
		usersOf:      index{},
		addOnsOf:     index{},
		orderOf:      index{},
		offers:       map[string]int64{},
		reserved:     map[string]string{},
		reservations: map[string]*reservation{},
		holders:      map[string]*license.Holder{},
		waits:        map[string]license.Wait{},
		excluded:     map[string]bool{},
		extensions:   map[string]license.Extension{},
		numbers:      map[string]string{},
		have:         map[string]*tally{},
		charged:      map[string]int64{},
		bought:       map[string]int64{},
		centers:      map[string]int64{},
		days:         map[string]int64{},
		taken:        map[string]int64{},
		confirmed:    map[string]bool{},
		orders:       map[string]purchase.Order{},
		quoted:       map[string]string{},
		quotes:       map[string]purchase.Quote{},
		jobs:         map[string]*job{},
		dropped:      map[string]string{},
		versions:     map[string]*versions{},
		admins:       map[string]bool{},
		dirty:        newTouched(), wallboards: map[string]wallboard.Stored{},
		fleets: map[string]wallboard.Fleet{},
		codes:  map[string]bool{},
		fenced: map[string]bool{},
		people: map[string]int64{},

		spent:   map[string]spending{},
		counted: map[string]spending{},

		wishes:        map[string]wish{},
		pendingWishes: map[string]string{},
		approvals:     map[string]reach{}, profiles: map[string]profileDocument{},
		funds: newFunds(),
		log: fold{
			held:    map[string]int{},
			ended:   map[string]int{},
			placed:  map[string]int{},
			bought:  map[string]int64{},
			waits:   map[string]int64{},
			charged: map[string]int64{},
			waiting: map[string]bool{},
			perDay:  map[string]map[string]int64{},
			rows:    map[string]map[int]bool{},
		},
	}
}

func (b *model) fail(format string, args ...any) {
	what := "the setting up"
	if b.at.run != nil {
		what = b.at.run.what
	}
	b.sim.fail("%w (commit %d, %s, of %s)", fmt.Errorf(format, args...), b.at.serial, what, b.account)
}

// decode reads a document.
func decode[T any](b *model, item table.Item) (v T) {
	if err := json.Unmarshal(item.Data, &v); err != nil {
		b.fail("item %s: %w", item.Key, err)
	}
	return v
}

// enter takes a commit in and looks at what it has touched. ops are those on the account's items.
func (b *model) enter(c *commit, ops []table.Operation) {
	b.at = c
	was, scene := b.state, b.scene(c.hand, ops)
	for i := range ops {
		b.operation(&ops[i])
	}
	b.verifyLife(was, ops)
	b.verifyHand(scene, ops)
	b.verify()
	b.dirty = newTouched()
	clear(b.log.rows)
}

func (b *model) operation(op *table.Operation) {
	_, kind, rest := kindOfKey(op.Item.Key)
	switch op.Kind {
	case table.KindPut:
		b.put(kind, rest, op.Item)
	case table.KindDelete:
		b.remove(kind, rest, op.Item.Sort)
	case table.KindAdd:
		for _, bound := range op.Bound {
			b.add(kind, op.Item.Sort, bound)
		}
	case table.KindCheck:
	}
}

// putDevices takes in a wallboard, or a fleet of them, whose new term ends those of the one before.
func (b *model) putDevices(kind string, item table.Item) {
	if kind == "WALLBOARDS" {
		b.wallboards[item.Sort] = decode[wallboard.Stored](b, item)
		return
	}
	f := decode[wallboard.Fleet](b, item)
	if f.Term > b.fleets[item.Sort].Term {
		b.ended++
	}
	b.fleets[item.Sort] = f
}

func (b *model) put(kind, rest string, item table.Item) {
	if kind == "ACCOUNT" {
		b.state = decode[struct{ State call.State }](b, item).State
		return
	}
	b.putThing(kind, rest, item)
}

func (b *model) putThing(kind, rest string, item table.Item) {
	switch kind {
	case "LICENSE":
		b.putSeat(item)
	case "FREE":
		b.offers[item.Sort] = item.Version
		b.dirty.seats[item.Sort] = true
	case "RESERVED":
		r := b.reservation(rest)
		r.chunks[item.Sort] = decode[reservedChunk](b, item)
		b.keep(rest)
	case "HOLDER":
		h := decode[license.Holder](b, item)
		b.holders[rest] = &h
		b.dirty.users[rest] = true
	case "WAITING":
		w := decode[license.Wait](b, item)
		if _, there := b.waits[item.Sort]; !there {
			b.tally(w.ProductID).waiting++
		}
		b.waits[item.Sort] = w
		b.dirty.waits[item.Sort], b.dirty.products[w.ProductID] = true, true
	case "EXCLUDED":
		b.excluded[item.Sort] = true
		_, user, _ := strings.Cut(item.Sort, "#")
		b.dirty.users[user] = true
	case "EXTENSION":
		b.extensions[item.Sort] = decode[license.Extension](b, item)
		b.dirty.extensions[item.Sort] = true
	case "NUMBER":
		b.numbers[item.Sort] = decode[string](b, item)
		b.dirty.numbers[item.Sort] = true
	case "CONFIRMED":
		b.confirm(decode[struct{ OrderID string }](b, item).OrderID)
	case "ORDERS":
		b.putOrder(decode[purchase.Order](b, item))
	case "COST-CENTER":
		b.codes[item.Sort] = true
		b.fenced[item.Sort] = decode[struct{ Fenced bool }](b, item).Fenced
	case "QUOTE":
		b.putQuote(decode[purchase.Quote](b, item))
	case "AUDIT":
		b.record(decode[call.AuditRecord](b, item))
	case "WALLBOARDS", "WALLBOARD-FLEET":
		b.putDevices(kind, item)
	case "REQUESTS":
		b.putWish(item)
	case "REQUEST-PENDING":
		b.putPendingWish(rest, item)
	case "USERS":
		p := decode[profileDocument](b, item)
		delete(b.admins, item.Sort)
		b.profiles[item.Sort] = p
		if p.Active && slices.Contains(p.RoleIDs, "super-admin") && len(p.Limit) == 0 {
			b.admins[item.Sort] = true
		}
	case "MASSCONFIG", "MASSCONFIG-PARTS", "MASSCONFIG-DROP", "IMPORT", "IMPORT-PARTS":
		b.putJob(kind, rest, item)
	default:
		b.putMoney(kind, rest, item)
	}
}

func (b *model) remove(kind, rest, sort string) {
	switch kind {
	case "REQUEST-PENDING":
		b.dirty.wishes[b.pendingWishes[rest+"#"+sort]] = true
		delete(b.pendingWishes, rest+"#"+sort)
	case "LICENSE", "ORDERS", "REQUESTS", "AUDIT", "CONFIRMED", "MASSCONFIG", "MASSCONFIG-DROP", "IMPORT":
		b.fail("I11: %s %s is deleted", kind, sort)
	case "FREE":
		delete(b.offers, sort)
		b.dirty.seats[sort] = true
	case "RESERVED":
		delete(b.reservation(rest).chunks, sort)
		b.keep(rest)
	case "HOLDER":
		delete(b.holders, rest)
		b.dirty.users[rest] = true
	case "WAITING":
		if w, there := b.waits[sort]; there {
			b.tally(w.ProductID).waiting--
			b.dirty.products[w.ProductID], b.dirty.users[w.UserID] = true, true
		}
		delete(b.waits, sort)
	case "EXCLUDED":
		delete(b.excluded, sort)
		_, user, _ := strings.Cut(sort, "#")
		b.dirty.users[user] = true
	case "EXTENSION":
		x := b.extensions[sort]
		delete(b.extensions, sort)
		b.dirty.users[x.UserID], b.dirty.numbers[x.Number] = true, true
	case "NUMBER":
		b.dirty.extensions[b.numbers[sort]] = true
		delete(b.numbers, sort)
	case "COST-CENTER":
		delete(b.codes, sort)
		delete(b.fenced, sort)
		if n := b.people[sort]; n != 0 {
			b.fail("I5: cost center %s is deleted, and %d users are of it", sort, n)
		}
		for at, n := range b.charged {
			if _, code, _ := strings.Cut(at, "#"); n != 0 && code == sort {
				b.fail("I5: cost center %s is deleted, and %d of %s are charged to it", sort, n, at)
			}
		}
	case "WALLBOARDS":
		delete(b.wallboards, sort)
	case "USERS":
		delete(b.admins, sort)
		delete(b.profiles, sort)
	default:
		b.removeMoney(kind, sort)
	}
}

func (b *model) add(kind, sort string, bound table.Bound) {
	switch kind {
	case "SEATS":
		if sort == catalog.WallboardID {
			if bound.Name == wallboard.Used {
				b.devices += bound.By
			}
			return
		}
		if product := sort; !strings.HasPrefix(sort, "#") {
			b.bought[product] += bound.By
			b.dirty.products[product] = true
			return
		}
		b.taken[bound.Name] += bound.By
		_, product, _ := strings.Cut(bound.Name, ":")
		b.dirty.products[product] = true
	case "PEOPLE-CC":
		b.people[sort] += bound.By
	case "SEATS-CC":
		b.centers[sort] += bound.By
		product, _, _ := strings.Cut(sort, "#")
		b.dirty.products[product] = true
	case "SEATS-TIMES":
		_, product, _ := strings.Cut(bound.Name, ":")
		b.days[product] += bound.By
		b.dirty.products[product] = true
	}
}

func (b *model) tally(product string) *tally {
	if b.have[product] == nil {
		b.have[product] = &tally{}
	}
	return b.have[product]
}

// visible says whether a license may be seen: one that was prepared for an order may not before
// that is confirmed.
func (b *model) visible(s *seat) bool { return !s.Pending || b.confirmed[s.OrderID] }

// count adds a license to the recount, or takes it out.
func (b *model) count(s *seat, by int64) {
	if !b.visible(s) {
		return
	}
	t := b.tally(s.ProductID)
	if s.Status != license.Terminated && s.Kind.Purchasable() {
		t.bought += by
		b.charged[s.ProductID+"#"+s.CostCenter] += by
	}
	if s.Status == license.Assigned {
		t.assigned += by
	}
	b.dirty.products[s.ProductID] = true
}

func (b *model) putSeat(item table.Item) {
	s := decode[seat](b, item)
	s.version = item.Version
	if s.ID != item.Sort {
		b.fail("I3: license %s lies at %s", s.ID, item.Key)
		return
	}
	was := b.seats[s.ID]
	if s.UserID != "" && (was == nil || was.UserID != s.UserID || was.CostCenter != s.CostCenter) {
		b.dirty.given[s.ID] = true
	}
	if was == nil {
		b.ids = append(b.ids, s.ID)
	} else {
		switch {
		case was.Status == license.Terminated && s.Status != license.Terminated:
			b.fail("I6: license %s was terminated and is %s", s.ID, s.Status)
		case was.ProductID != s.ProductID || was.OrderID != s.OrderID || was.Kind != s.Kind:
			b.fail("I11: license %s was %s of order %s and is %s of order %s", s.ID, was.ProductID, was.OrderID,
				s.ProductID, s.OrderID)
		case item.Version != was.version+1:
			b.fail("I11: license %s goes from version %d to %d", s.ID, was.version, item.Version)
		}
		b.count(was, -1)
		b.usersOf.drop(was.UserID, s.ID)
		b.addOnsOf.drop(was.BaseLicenseID, s.ID)
		b.dirty.users[was.UserID] = true
	}
	b.seats[s.ID] = &s
	b.count(&s, 1)
	b.usersOf.add(s.UserID, s.ID)
	b.addOnsOf.add(s.BaseLicenseID, s.ID)
	b.orderOf.add(s.OrderID, s.ID)
	b.dirty.seats[s.ID], b.dirty.users[s.UserID] = true, true
}

// confirm makes an order's licenses visible.
func (b *model) confirm(order string) {
	for id := range b.orderOf[order] {
		b.count(b.seats[id], -1)
	}
	b.confirmed[order] = true
	for id := range b.orderOf[order] {
		b.count(b.seats[id], 1)
		b.dirty.seats[id] = true
	}
	b.dirty.orders[order] = true
}

func (b *model) reservation(job string) *reservation {
	if b.reservations[job] == nil {
		b.reservations[job] = &reservation{
			chunks: map[string]reservedChunk{},
			drawn:  map[string]int64{},
			kept:   map[string]string{},
		}
	}
	return b.reservations[job]
}

// keep finds out again which seats are kept for a job.
func (b *model) keep(job string) {
	r := b.reservation(job)
	for id, product := range r.kept {
		delete(b.reserved, id)
		b.tally(product).reserved--
		b.dirty.seats[id], b.dirty.products[product] = true, true
	}
	clear(r.kept)
	for sort, chunk := range r.chunks {
		name := sort[:strings.LastIndex(sort, "/")]
		for i, o := range chunk.Offers {
			if chunk.From+int64(i) < r.drawn[name] {
				continue
			}
			if other, again := b.reserved[o.ID]; again {
				b.fail("I1: license %s is reserved for %s and %s", o.ID, other, job)
			}
			r.kept[o.ID], b.reserved[o.ID] = o.ProductID, job
			b.tally(o.ProductID).reserved++
			b.dirty.seats[o.ID], b.dirty.products[o.ProductID] = true, true
		}
	}
}

// verify looks at everything that the commit has touched.
func (b *model) verify() {
	d := &b.dirty
	for _, sort := range sorted(d.waits) {
		d.users[b.waits[sort].UserID] = true
	}
	for _, key := range sorted(d.extensions) {
		d.users[b.extensions[key].UserID], d.numbers[b.extensions[key].Number] = true, true
	}
	for _, number := range sorted(d.numbers) {
		d.extensions[b.numbers[number]] = true
	}
	for _, user := range sorted(d.users) {
		if h := b.holders[user]; h != nil {
			d.extensions[h.Extension] = true
			for _, holding := range h.Holdings {
				d.seats[holding.LicenseID] = true
			}
		}
		for id := range b.usersOf[user] {
			d.seats[id] = true
		}
	}
	for _, id := range sorted(d.seats) {
		for addOn := range b.addOnsOf[id] {
			d.seats[addOn] = true
		}
	}
	for _, step := range []struct {
		ids  map[string]bool
		look func(string)
	}{
		{d.orders, b.verifyOrder},
		{d.bids, b.verifyBid},
		{d.wishes, b.verifyWish},
		{d.reclaims, b.verifyReclaim},
		{d.seats, b.verifySeat},
		{d.users, b.verifyUser},
		{d.waits, b.verifyWait},
		{d.extensions, b.verifyExtension},
		{d.numbers, b.verifyNumber},
		{d.products, b.verifyProduct},
		{d.jobs, b.verifyJob},
	} {
		for _, id := range sorted(step.ids) {
			if id != "" && b.sim.violation == nil {
				step.look(id)
			}
		}
	}
	for _, id := range sorted(d.given) {
		b.verifyFence(b.seats[id])
	}
	b.verifyDevices()
	b.verifyAdmins()
	b.verifyAlerts()
}

// verifyFence: a license of a fenced cost center comes to its own users only (I17). Who had it before
// the fence was put up, or before they went to another cost center, keeps it.
func (b *model) verifyFence(s *seat) {
	if h := b.holders[s.UserID]; b.fenced[s.CostCenter] && s.Kind.Purchasable() && h != nil &&
		h.CostCenter != s.CostCenter {
		b.fail("I17: license %s (%s) of the fenced cost center %s comes to %s of %q", s.ID, s.ProductID, s.CostCenter,
			s.UserID, h.CostCenter)
	}
	if s.UserID != "" {
		b.sim.events["license "+b.kept(s)]++
	}
}

// kept says how a license stands to fences when it comes to somebody.
func (b *model) kept(s *seat) string {
	h := b.holders[s.UserID]
	switch {
	case b.fenced[s.CostCenter]:
		return "behind a fence"
	case h != nil && h.CostCenter != "" && h.CostCenter == s.CostCenter:
		return "of their own cost center"
	}
	return "of any cost center"
}

// serves says whether a free license may be given to somebody.
func (b *model) serves(s *seat, h *license.Holder) bool {
	return b.visible(s) && (!b.fenced[s.CostCenter] || h.CostCenter == s.CostCenter)
}

// shutOut lists who waits for a license that is free and that no fence keeps from them (I17).
func (b *model) shutOut() []error {
	var left []error
	for _, sort := range sorted(b.waits) {
		w := b.waits[sort]
		for id := range b.offers {
			h := b.holders[w.UserID]
			if s := b.seats[id]; s.ProductID == w.ProductID && h != nil && b.serves(s, h) {
				left = append(left, fmt.Errorf("%s of %q waits for %s of %s", w.UserID, h.CostCenter, id, s.CostCenter))
			}
		}
	}
	return left
}

// verifyDevices: wallboards are counted for each user and in all, and end in the commit that
// deactivates their user (requirements, section 6).
func (b *model) verifyDevices() {
	registered := map[string]int64{}
	total := int64(0)
	for _, w := range b.wallboards {
		if b.fleets[w.UserID].Term == w.Term {
			registered[w.UserID]++
			total++
		}
	}
	if total != b.devices {
		b.fail("I2: %d wallboards, and %d are counted", total, b.devices)
	}
	for _, user := range sorted(b.fleets) {
		if got := b.fleets[user].Count; got != registered[user] {
			b.fail("I2: %s has %d wallboards, and %d are counted", user, registered[user], got)
		}
		if h := b.holders[user]; registered[user] > 0 && (h == nil || !h.Active) {
			b.fail("I3: %s is gone or not active, and has %d wallboards", user, registered[user])
		}
	}
}

// verifyAdmins: an account that had an active super-admin without a limit has one for ever
// (requirements, section 9).
func (b *model) verifyAdmins() {
	if b.administered && len(b.admins) == 0 {
		b.fail("I3: the last active super-admin is gone")
	}
	b.administered = b.administered || len(b.admins) > 0
}

func sorted[V any](set map[string]V) []string { return slices.Sorted(maps.Keys(set)) }

// verifySeat: a license and its holder name each other (I3, I8), an add-on and its base have the
// same (I7), the pool offers what is free and nothing else (I1), and the log tells how it got there
// (I16).
func (b *model) verifySeat(id string) {
	s := b.seats[id]
	if s == nil {
		b.fail("I1: there is no license %s, and something names it", id)
		return
	}
	if !b.visible(s) {
		if s.Status != license.Available {
			b.fail("I4: license %s is %s before its order is confirmed", id, s.Status)
		}
	} else if order, known := b.orders[s.OrderID]; s.OrderID != "" && (!known || order.State != purchase.OrderPlaced) {
		b.fail("I4: license %s is seen, and its order %s is %q", id, s.OrderID, order.State)
	}
	if (s.Status == license.Assigned) != (s.UserID != "") {
		b.fail("I6: license %s is %s and names %q", id, s.Status, s.UserID)
	}
	if s.Status == license.Assigned {
		b.verifyAssigned(s)
	} else if s.BaseLicenseID != "" || s.Extension != "" || len(s.Grants) > 0 {
		b.fail("I7: license %s is %s and has base %q, extension %q, grants %v", id, s.Status, s.BaseLicenseID,
			s.Extension, s.Grants)
	}
	version, offered := b.offers[id]
	job, reserved := b.reserved[id]
	switch free := s.Status == license.Available && s.Kind.Purchasable(); {
	case offered && reserved:
		b.fail("I1: license %s is in the pool, and reserved for %s", id, job)
	case reserved && !free:
		b.fail("I1: license %s is reserved for %s, and %s", id, job, s.Status)
	case offered && !free:
		b.fail("I1: license %s is in the pool, and %s", id, s.Status)
	case free && !offered && !reserved:
		b.fail("I1: license %s is free, and nobody can find it", id)
	case offered && version != s.version:
		b.fail("I1: the pool offers license %s as of version %d, it has %d", id, version, s.version)
	}
	held, ended := b.log.held[id], b.log.ended[id]
	if (held == 1) != (s.Status == license.Assigned) || held != 0 && held != 1 {
		b.fail("I16: by the audit log license %s (%s) is held %d times, and the license says %s", id, s.ProductID, held,
			s.Status)
	}
	if s.Kind.Purchasable() && ((ended == 1) != (s.Status == license.Terminated) || ended > 1) {
		b.fail("I16: by the audit log license %s (%s) ended %d times, and the license says %s", id, s.ProductID, ended,
			s.Status)
	}
}

func (b *model) verifyAssigned(s *seat) {
	h := b.holders[s.UserID]
	if h == nil || h.Holdings[s.ProductID] == nil || h.Holdings[s.ProductID].LicenseID != s.ID {
		b.fail("I8: license %s (%s) says %s, who does not hold it", s.ID, s.ProductID, s.UserID)
		return
	}
	product, _ := b.products.Lookup(s.ProductID)
	if h.Name != s.UserName || !slices.EqualFunc(h.Holdings[s.ProductID].Grants, s.Grants, sameGrant) {
		b.fail("I8: license %s shows %s with %v, and the holder is %s with %v", s.ID, s.UserName, s.Grants, h.Name,
			h.Holdings[s.ProductID].Grants)
	}
	if want := h.Extension; s.Extension != want {
		b.fail("I8: license %s (%s) shows extension %q, and its holder %s has %q", s.ID, s.ProductID, s.Extension,
			s.UserID, want)
	}
	switch base := b.seats[s.BaseLicenseID]; {
	case product.Base == "" && s.BaseLicenseID != "":
		b.fail("I7: license %s (%s) has the base %s", s.ID, s.ProductID, s.BaseLicenseID)
	case product.Base == "":
	case base == nil || base.Status != license.Assigned || base.UserID != s.UserID || base.ProductID != product.Base:
		b.fail("I7: add-on %s (%s) of %s hangs on %+v", s.ID, s.ProductID, s.UserID, base)
	}
}

// byHand says whether a person gave the grant; the others come and go automatically.
func byHand(g license.Grant) bool {
	return g.Source == license.Direct || strings.HasPrefix(g.Source, "massConfiguration:")
}

func sameGrant(a, b license.Grant) bool { return a.Source == b.Source && a.Since.Equal(b.Since) }

// verifyUser: whoever holds has a reason to, holds or waits and not both, and nothing at all when
// inactive or gone (I3, I8).
func (b *model) verifyUser(user string) {
	h := b.holders[user]
	if h == nil {
		for id := range b.usersOf[user] {
			b.fail("I3: %s is gone, and license %s names them", user, id)
		}
		for sort := range b.excluded {
			if _, who, _ := strings.Cut(sort, "#"); who == user {
				b.fail("I3: %s is gone and excluded: %s", user, sort)
			}
		}
		return
	}
	for _, product := range sorted(h.Holdings) {
		holding := h.Holdings[product]
		s := b.seats[holding.LicenseID]
		if holding.LicenseID != "" && (s == nil || s.UserID != user || s.ProductID != product) {
			b.fail("I8: %s holds license %s of %s, which is %+v", user, holding.LicenseID, product, s)
		}
		w, waits := b.waits[holding.Waiting]
		switch {
		case holding.LicenseID != "" && holding.Waiting != "":
			b.fail("I3: %s holds %s and waits for it", user, product)
		case holding.LicenseID != "" && len(holding.Grants) == 0:
			b.fail("I3: %s holds %s for no reason", user, product)
		case !h.Active && (holding.LicenseID != "" || holding.Waiting != ""):
			b.fail("I3: %s is not active and holds %q of %s, or waits (%q)", user, holding.LicenseID, product,
				holding.Waiting)
		case !h.Active && slices.ContainsFunc(holding.Grants, byHand):
			b.fail("I3: %s is not active, and is granted %s by hand: %v", user, product, holding.Grants)
		case holding.Waiting != "" && (!waits || w.UserID != user || w.ProductID != product ||
			!slices.EqualFunc(w.Grants, holding.Grants, sameGrant)):
			b.fail("I2: %s waits for %s at %s, where %+v is", user, product, holding.Waiting, w)
		case b.excluded[product+"#"+user] != (holding.Excluded != nil):
			b.fail("I2: %s is excluded from %s: %v, by the list %v", user, product, holding.Excluded,
				b.excluded[product+"#"+user])
		}
		p, _ := b.products.Lookup(product)
		if holding.LicenseID == "" {
			continue
		}
		if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) ||
			slices.ContainsFunc(p.Excludes, h.Holds) {
			b.fail("I3: %s holds %s without what it needs, or with what it excludes: %v", user, product,
				sorted(h.Holdings))
		}
	}
	if x := b.extensions[h.Extension]; h.Extension != "" && (x.UserID != user || x.Number != h.Number) {
		b.fail("I3: %s has extension %s and number %q, which is %+v", user, h.Extension, h.Number, x)
	}
}

func (b *model) verifyWait(sort string) {
	w, there := b.waits[sort]
	if !there {
		return
	}
	h := b.holders[w.UserID]
	if h == nil || h.Holdings[w.ProductID] == nil || h.Holdings[w.ProductID].Waiting != sort {
		b.fail("I2: %s is in the waiting list and does not wait there", sort)
	} else if h.CostCenter != w.CostCenter {
		b.fail("I2: %s of %q waits as one of %q", w.UserID, h.CostCenter, w.CostCenter)
	}
}

func (b *model) verifyExtension(key string) {
	x, there := b.extensions[key]
	if !there {
		return
	}
	if h := b.holders[x.UserID]; x.UserID != "" && (h == nil || h.Extension != key) {
		b.fail("I3: extension %s says %s, who does not have it", key, x.UserID)
	}
	if x.Number != "" && b.numbers[x.Number] != key {
		b.fail("I3: extension %s has number %s, which is of %q", key, x.Number, b.numbers[x.Number])
	}
}

func (b *model) verifyNumber(number string) {
	if key, there := b.numbers[number]; there && b.extensions[key].Number != number {
		b.fail("I3: number %s is of extension %s, which has %q", number, key, b.extensions[key].Number)
	}
}

// verifyProduct: 0 <= assigned <= bought, and every count is the recount's, the cost centers' and
// the log's (I1, I2, I5, I16).
func (b *model) verifyProduct(product string) {
	t := *b.tally(product)
	p, _ := b.products.Lookup(product)
	if p.Purchasable() {
		if t.assigned < 0 || t.assigned+t.reserved > t.bought {
			b.fail("I1: %s: %+v", product, t)
		}
		if b.bought[product] != t.bought || b.days[product] != t.bought {
			b.fail("I2: %s: bought %d, by days %d, by the licenses %d", product, b.bought[product],
				b.days[product], t.bought)
		}
		if b.log.bought[product] != t.bought {
			b.fail("I16: %s: by the audit log %d are bought, by the licenses %d", product, b.log.bought[product],
				t.bought)
		}
		sum := int64(0)
		for _, center := range costs {
			at := product + "#" + center
			sum += b.charged[at]
			if b.charged[at] != 0 && !b.codes[center] {
				b.fail("I5: %d of %s are charged to a cost center that is not there", b.charged[at], at)
			}
			if b.centers[at] != b.charged[at] || b.log.charged[at] != b.charged[at] {
				b.fail("I5: %s: counted %d, by the audit log %d, by the licenses %d", at, b.centers[at],
					b.log.charged[at], b.charged[at])
			}
		}
		if sum != t.bought {
			b.fail("I5: %s: the cost centers have %d of %d", product, sum, t.bought)
		}
	}
	if got := b.taken["assigned:"+product]; got != t.assigned {
		b.fail("I2: %s: assigned %d, by the licenses %d", product, got, t.assigned)
	}
	if got := b.taken["reserved:"+product]; got != t.reserved {
		b.fail("I2: %s: reserved %d, by the reservations %d", product, got, t.reserved)
	}
	if got := b.taken["waiting:"+product]; got != t.waiting {
		b.fail("I2: %s: waiting %d, by the list %d", product, got, t.waiting)
	}
	if b.log.waits[product] != t.waiting {
		b.fail("I16: %s: by the audit log %d wait, by the list %d", product, b.log.waits[product], t.waiting)
	}
}

// seatState is what an audit entry says of a license.
type seatState struct {
	ProductID  string `json:"productId"`
	CostCenter string `json:"costCenter"`
}

// record folds one record of the audit log.
func (b *model) record(r call.AuditRecord) {
	kind, id, _ := strings.Cut(r.Subject, ":")
	var before, after seatState
	if kind == "license" {
		before, after = b.seatStates(r)
		b.dirty.seats[id], b.dirty.products[after.ProductID] = true, true
	}
	switch r.Action {
	case "order.placed", "massConfiguration.created", "import.created", "report.requested":
		if r.Actor != "policy" { // of whose orders several may follow from one request
			b.once(r.Action)
		}
	}
	switch r.Action {
	case "license.assigned":
		b.log.held[id]++
		b.served(after.ProductID, r.User, false)
	case "license.reassigned": // to somebody who may have waited
		b.served(after.ProductID, r.User, false)
	case "license.unassigned":
		b.log.held[id]--
	case "license.terminated":
		b.log.ended[id]++
		b.log.bought[after.ProductID]--
		b.boughtOn(r.At, after.ProductID, -1)
		b.log.charged[before.ProductID+"#"+before.CostCenter]--
	case "license.charged":
		b.log.charged[before.ProductID+"#"+before.CostCenter]--
		b.log.charged[after.ProductID+"#"+after.CostCenter]++
	case "order.placed":
		b.recordOrder(r, id)
	case "grant.waiting", "grant.withdrawn":
		product, user, _ := strings.Cut(id, "#")
		b.served(product, user, r.Action == "grant.waiting")
	}
	b.recordRow(r)
}

// seatStates are what a record says of a license, before and after.
func (b *model) seatStates(r call.AuditRecord) (before, after seatState) {
	for _, part := range []struct {
		data json.RawMessage
		to   *seatState
	}{{r.Before, &before}, {r.After, &after}} {
		if len(part.data) > 0 && json.Unmarshal(part.data, part.to) != nil {
			b.fail("I16: record %s of %s: %s", r.ID, r.Subject, part.data)
		}
	}
	return before, after
}

// boughtOn counts licenses of a product that came, or went, on a day.
func (b *model) boughtOn(at time.Time, product string, by int64) {
	if b.log.perDay[product] == nil {
		b.log.perDay[product] = map[string]int64{}
	}
	b.log.perDay[product][at.In(b.zone).Format(time.DateOnly)] += by
}

// served notes whether a user waits for a product.
func (b *model) served(product, user string, waits bool) {
	if b.log.waiting[product+"#"+user] != waits {
		b.log.waiting[product+"#"+user] = waits
		b.log.waits[product] += map[bool]int64{true: 1, false: -1}[waits]
	}
	b.dirty.products[product] = true
}

// recordOrder folds the record of an order that was placed.
func (b *model) recordOrder(r call.AuditRecord, id string) {
	b.log.placed[id]++
	var order purchase.Order
	if err := json.Unmarshal(r.After, &order); err != nil {
		b.fail("I16: record %s of %s: %w", r.ID, r.Subject, err)
	}
	for _, line := range order.Lines {
		b.log.bought[line.ProductID] += int64(line.Quantity)
		b.boughtOn(r.At, line.ProductID, int64(line.Quantity))
		b.log.charged[line.ProductID+"#"+line.CostCenter] += int64(line.Quantity)
		b.dirty.products[line.ProductID] = true
	}
	b.dirty.orders[id] = true
}

// recordRow notes the row of a file that a record names as its reason.
func (b *model) recordRow(r call.AuditRecord) {
	what, row, ok := strings.Cut(r.Reason, ", row ")
	name, configured := strings.CutPrefix(what, "massConfiguration:")
	if !configured {
		name, configured = strings.CutPrefix(what, "import:")
	}
	if ok && configured {
		var n int
		if _, err := fmt.Sscanf(row, "%d", &n); err != nil {
			b.fail("I13: record %s has the reason %q", r.ID, r.Reason)
		}
		if b.log.rows[name] == nil {
			b.log.rows[name] = map[int]bool{}
		}
		b.log.rows[name][n] = true
		b.dirty.jobs[name] = true
	}
}

// once: a request and its repetitions make one thing of a kind (I10).
func (b *model) once(action string) {
	if b.at.run == nil {
		return
	}
	p := b.at.run.promised
	if p == nil {
		p = b.at.run.again
	}
	if p == nil || b.sim.now.Sub(p.at) > remembered {
		return
	}
	if p.made[action]++; p.made[action] > 1 {
		b.fail("I10: %s %s under one key: %s %d times", p.answer.request.method, p.answer.request.path, action,
			p.made[action])
	}
}

// putQuote and putOrder: the parts add up, in units and in money (I4), a quote becomes one order
// (I10), and what is placed stays as it is (I11).
func (b *model) putQuote(q purchase.Quote) {
	b.addUp("quote "+q.ID, q.Lines, q.ByCostCenter, q.Recurring.Minor, q.DueToday.Minor)
	was, known := b.quotes[q.ID]
	if known && was.OrderID != "" && was.OrderID != q.OrderID {
		b.fail("I10: quote %s became order %s, and then %q", q.ID, was.OrderID, q.OrderID)
	}
	b.quotes[q.ID] = q
}

func (b *model) addUp(
	what string,
	lines []purchase.QuoteLine,
	centers []purchase.CostCenterTotal,
	recurring, due int64,
) {
	var sums, parts [2]int64
	perCenter := map[string]int64{}
	for _, l := range lines {
		if l.Recurring.Minor != l.UnitPrice.Minor*int64(l.Quantity) {
			b.fail("I4: %s: %d of %s at %d are %d", what, l.Quantity, l.ProductID, l.UnitPrice.Minor, l.Recurring.Minor)
		}
		sums[0], sums[1] = sums[0]+l.Recurring.Minor, sums[1]+l.DueToday.Minor
		perCenter[l.CostCenter] += l.Recurring.Minor
	}
	for _, c := range centers {
		parts[0], parts[1] = parts[0]+c.Recurring.Minor, parts[1]+c.DueToday.Minor
		if perCenter[c.CostCenter] != c.Recurring.Minor {
			b.fail("I4: %s: the lines of cost center %s are %d, and it says %d", what, c.CostCenter,
				perCenter[c.CostCenter], c.Recurring.Minor)
		}
	}
	if whole := [2]int64{recurring, due}; sums != whole || parts != whole {
		b.fail("I4: %s: the lines are %v, the cost centers %v, the whole %v", what, sums, parts, whole)
	}
}

func (b *model) putOrder(o purchase.Order) {
	if was, known := b.orders[o.ID]; known && was.State == purchase.OrderPlaced {
		b.fail("I11: order %s was placed, and is written again", o.ID)
	}
	if other, again := b.quoted[o.QuoteID]; again && other != o.ID {
		b.fail("I10: quote %s became the orders %s and %s", o.QuoteID, other, o.ID)
	}
	if b.orders[o.ID] = o; o.Policy != nil {
		b.putBid(o)
	} else {
		b.quoted[o.QuoteID] = o.ID
	}
	b.dirty.orders[o.ID] = true
}

// verifyOrder is made when an order comes about, and when it is placed: its licenses appear in that
// commit, all of them.
func (b *model) verifyOrder(id string) {
	o, known := b.orders[id]
	if !known {
		b.fail("I4: order %s is confirmed, or told of, and not there", id)
		return
	}
	b.addUp("order "+id, o.Lines, o.ByCostCenter, o.Recurring.Minor, o.DueToday.Minor)
	q := b.quotes[o.QuoteID]
	if o.Policy == nil && (q.OrderID != id || !slices.Equal(q.Lines, o.Lines)) {
		b.fail("I4: order %s is not what quote %s says: %+v", id, o.QuoteID, q)
	}
	placed := 0
	if o.State == purchase.OrderPlaced {
		placed = 1
	}
	if b.log.placed[id] != placed || b.confirmed[id] != (placed == 1) {
		b.fail("I16: order %s is %s, confirmed %v, and was placed %d times by the audit log", id, o.State,
			b.confirmed[id], b.log.placed[id])
	}
	want := map[string]int{}
	total := 0
	for _, l := range o.Lines {
		want[l.ProductID+"#"+l.CostCenter] += l.Quantity
		total += l.Quantity
	}
	if total != o.LicenseCount {
		b.fail("I4: order %s has %d licenses in its lines, and says %d", id, total, o.LicenseCount)
	}
	if placed == 0 {
		return
	}
	for license := range b.orderOf[id] {
		s := b.seats[license]
		want[s.ProductID+"#"+s.CostCenter]--
	}
	for what, n := range want {
		if n != 0 {
			b.fail("I4: of order %s %d of %s are missing", id, n, what)
		}
	}
}
