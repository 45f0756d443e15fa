package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// reach is the cost centers of which somebody is admin; nil is the whole account.
type reach []string

// has says whether a cost center is within the reach: none, "", is so only within the whole account.
func (l reach) has(code string) bool { return l == nil || code != "" && slices.Contains(l, code) }

// hasAny says whether any of some cost centers is.
func (l reach) hasAny(codes map[string]bool) bool {
	return l == nil || slices.ContainsFunc(l, func(code string) bool { return codes[code] })
}

// within says whether all that is within the reach is within another.
func (l reach) within(other reach) bool {
	return other == nil || l != nil && !slices.ContainsFunc(l, func(code string) bool { return !other.has(code) })
}

// and is what is within both.
func (l reach) and(other reach) reach {
	switch {
	case l == nil:
		return other
	case other == nil:
		return l
	}
	both := reach{}
	for _, code := range l {
		if other.has(code) {
			both = append(both, code)
		}
	}
	return both
}

// caller is somebody with a token.
type caller struct {
	user string
	// byRoles says that the token leaves the permissions to the directory; claim are the cost centers
	// to which the token itself limits them.
	byRoles bool
	claim   reach
}

// principal is what the gateway makes of the token.
func (c caller) principal(account string) auth.Principal {
	p := auth.Principal{User: c.user, Account: account, ByRoles: c.byRoles}
	if !c.byRoles {
		p.Permissions = auth.SetOf(auth.Permissions()...)
	}
	if c.claim != nil {
		p.Limit = auth.LimitTo(c.claim...)
	}
	return p
}

// hand is a request of an admin of some cost centers, with the reach that it had read when it
// committed, or answered.
type hand struct {
	caller caller
	asked  request
	reach  reach
}

// partly are the users to whom the directory gives a limit, which changes while they work.
func partly(account string) []string { return users(account)[5:] }

// reachOf is what the directory says of a user as it is now. Who is not there has no limit of it.
func (m *mirror) reachOf(account, user string) reach {
	var p struct {
		Limit []string `json:"adminOfCostCenters"`
	}
	at := m.items[table.Key{Partition: call.Partition(account, "USERS"), Sort: user}]
	if at.gone || json.Unmarshal(at.item.Data, &p) != nil || len(p.Limit) == 0 {
		return nil
	}
	return p.Limit
}

// learn notes the reach that a request of the run has read: what decides over it is read beside the
// state of the account.
func (w recorder) learn(keys []table.Key) {
	r := w.run
	if r == nil || r.by == nil {
		return
	}
	of := table.Key{Partition: call.Partition(r.account, "USERS"), Sort: r.by.user}
	state := call.Partition(r.account, "STATE")
	if len(keys) == 2 && slices.Contains(keys, of) && slices.ContainsFunc(keys, func(k table.Key) bool {
		return strings.HasPrefix(k.Partition, state)
	}) {
		r.reach = w.sim.mirror.reachOf(r.account, r.by.user).and(r.by.claim)
		r.reaches = append(r.reaches, r.reach)
	}
}

// hand is the request under way, if it is one of an admin of some cost centers by what it has read.
func (r *run) hand() *hand {
	if r == nil || r.by == nil || r.reach == nil {
		return nil
	}
	return &hand{caller: *r.by, asked: r.asked, reach: r.reach}
}

// told is the request under way as what it answers is judged: by all that it has read, since what it did
// at first it tells of later.
func (r *run) told() *hand {
	h := r.hand()
	for _, reach := range r.reaches {
		if h == nil || reach == nil {
			return nil
		}
		h.reach = slices.Concat(h.reach, reach)
	}
	return h
}

// limited is an operation of an admin of some cost centers, mostly on what is theirs. Now and then
// their limit becomes another while it is under way.
func (m *simulation) limited(a string) *run {
	by := caller{user: pick(m, partly(a)), byRoles: m.random.IntN(4) == 0}
	if m.random.IntN(4) == 0 {
		by.claim = reach(some(m, costs, 2))
	}
	theirs := m.mirror.reachOf(a, by.user).and(by.claim)
	p := partAdmin{m, a, theirs, by.user}
	r := p.operation()
	r.by, r.what = &by, limitedTo+r.what
	if m.random.IntN(3) == 0 {
		r.rival = func() *run { return m.one(a, m.limit(by.user)) }
	}
	return r
}

// limit is a request of the whole account's admin that gives a user another limit: narrower mostly, now
// and then none.
func (m *simulation) limit(user string) request {
	codes := []string{pick(m, costs[:2])}
	switch m.random.IntN(8) {
	case 0:
		codes = []string{}
	case 1, 2, 3:
		codes = costs[:2]
	}
	body := fields{"adminOfCostCenters": codes}
	return request{"DirectoryFunction", http.MethodPatch, "/users/" + user, body, ""}
}

// partAdmin is what an admin of some cost centers works with.
type partAdmin struct {
	m       *simulation
	account string
	theirs  reach
	self    string
}

// license is the id of a license of a status, or of an assigned base: mostly one of theirs.
func (p partAdmin) license(fit string) string {
	b := p.m.models[p.account]
	ids := slices.DeleteFunc(b.fitting(fit), func(id string) bool {
		s := b.seats[id]
		return !p.theirs.has(s.charged()) || fit == "base" && !p.theirs.has(b.holders[s.UserID].CostCenter)
	})
	if len(ids) == 0 || p.m.random.IntN(4) == 0 {
		return p.m.license(p.account, fit)
	}
	return pick(p.m, ids)
}

// user is mostly one of theirs.
func (p partAdmin) user() string {
	b := p.m.models[p.account]
	list := slices.DeleteFunc(users(p.account), func(user string) bool {
		h := b.holders[user]
		return h == nil || !p.theirs.has(h.CostCenter)
	})
	if len(list) == 0 || p.m.random.IntN(4) == 0 {
		return pick(p.m, users(p.account))
	}
	return pick(p.m, list)
}

// code is mostly a cost center of theirs.
func (p partAdmin) code() string {
	if len(p.theirs) == 0 || p.m.random.IntN(4) == 0 {
		return pick(p.m, costs)
	}
	return pick(p.m, p.theirs)
}

// one is a run of one request that may be repeated.
func (p partAdmin) one(function, method, path string, body any) *run {
	key := ""
	if method == http.MethodPost {
		key = p.m.key()
	}
	return p.m.one(p.account, request{function, method, path, body, key})
}

// operation draws what an admin of some cost centers does.
func (p partAdmin) operation() *run {
	post := http.MethodPost
	switch n := p.m.random.IntN(42); {
	case n < 10:
		return p.seats(n)
	case n < 19:
		return p.reads()
	case n < 23:
		return p.charges(n - 19)
	case n < 29:
		return p.wishes()
	case n < 31:
		line := fields{"productId": pick(p.m, products), "quantity": 1 + p.m.random.IntN(3), "costCenter": p.code()}
		return p.m.buy(p.account, []fields{line})
	case n < 34:
		return p.policy()
	case n < 36:
		body := fields{"productId": pick(p.m, append(slices.Clone(products), metered...)), "days": 1}
		if p.m.random.IntN(3) == 0 {
			body["userIds"] = []string{p.user()}
		}
		return p.one("UsageFunction", post, "/reclaims", body)
	case n < 37:
		return p.undo()
	case n < 39:
		return p.m.foreseen(p.account, p.change())
	case n < 41:
		return p.person()
	}
	return p.beyond()
}

// undo gives back what a reclaim has taken, mostly one of theirs.
func (p partAdmin) undo() *run {
	b := p.m.models[p.account]
	done := b.undoable()
	if theirs := slices.DeleteFunc(slices.Clone(done), func(id string) bool {
		return !b.funds.limits[id].within(p.theirs)
	}); len(theirs) > 0 && p.m.random.IntN(4) > 0 {
		done = theirs
	}
	if len(done) == 0 {
		return p.reads()
	}
	id := done[len(done)-1-p.m.random.IntN(min(len(done), 4))]
	return p.one("UsageFunction", http.MethodPost, "/reclaims/"+id+"/undo", nil)
}

// seats are operations on licenses.
func (p partAdmin) seats(n int) *run {
	post, assignment := http.MethodPost, "AssignmentFunction"
	switch n {
	case 0, 1:
		return p.one(assignment, post, "/licenses/"+p.license("available")+"/assign", fields{"userId": p.user()})
	case 2, 3:
		return p.one(assignment, post, "/licenses/"+p.license("assigned")+"/unassign", nil)
	case 4, 5:
		body := fields{"userId": p.user()}
		return p.one(assignment, post, "/licenses/"+p.license("assigned")+"/reassign", body)
	case 6:
		body := fields{"productIds": some(p.m, addOns, 3)}
		return p.one(assignment, http.MethodPut, "/licenses/"+p.license("base")+"/add-ons", body)
	case 7:
		return p.bulk("/assignments/remove", nil)
	}
	code := ""
	if p.m.random.IntN(3) == 0 {
		code = p.code()
	}
	return p.bulk("/assignments", func(item fields) {
		if code != "" {
			item["costCenter"] = code
		}
	})
}

// bulk is a call of several items of a product and a user each.
func (p partAdmin) bulk(path string, more func(fields)) *run {
	items := make([]fields, 1+p.m.random.IntN(3))
	for i := range items {
		items[i] = fields{"productId": pick(p.m, append(slices.Clone(products), metered...)), "userId": p.user()}
		if more != nil {
			more(items[i])
		} else if ids := p.held(); len(ids) > 0 && p.m.random.IntN(4) > 0 {
			s := p.m.models[p.account].seats[pick(p.m, ids)]
			items[i] = fields{"productId": s.ProductID, "userId": s.UserID}
		}
	}
	body := fields{"items": items, "atomic": p.m.random.IntN(2) == 0}
	return p.one("AssignmentFunction", http.MethodPost, path, body)
}

// held are the licenses of theirs that somebody holds.
func (p partAdmin) held() []string {
	b := p.m.models[p.account]
	return slices.DeleteFunc(b.fitting(string(license.Assigned)), func(id string) bool {
		return !p.theirs.has(b.seats[id].charged())
	})
}

// charges are operations on what licenses cost: their cost centers, and their end.
func (p partAdmin) charges(n int) *run {
	post, patch, function := http.MethodPost, http.MethodPatch, "LicensesFunction"
	switch n {
	case 0:
		if p.m.random.IntN(2) == 0 {
			return p.one(function, patch, "/licenses/"+p.license(""), fields{"costCenter": p.code()})
		}
		body := fields{"licenseIds": p.several(""), "costCenter": p.code()}
		return p.one(function, post, "/licenses/cost-center", body)
	case 1:
		return p.one(function, post, "/licenses/"+p.license("available")+"/terminate", nil)
	}
	if n == 2 {
		path := "/exclusions/" + pick(p.m, seats) + "/" + p.user()
		if list := sorted(p.m.models[p.account].excluded); len(list) > 0 && p.m.random.IntN(4) > 0 {
			path = "/exclusions/" + strings.Replace(pick(p.m, list), "#", "/", 1)
		}
		return p.one(function, http.MethodDelete, path, nil)
	}
	return p.one(function, post, "/licenses/terminate", fields{"licenseIds": p.several("available")})
}

// several are the ids of a few licenses.
func (p partAdmin) several(fit string) []string {
	ids := []string{p.license(fit)}
	if p.m.random.IntN(2) == 0 {
		ids = append(ids, p.license(fit))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// wishes are operations on requests.
func (p partAdmin) wishes() *run {
	b := p.m.models[p.account]
	open := slices.DeleteFunc(slices.Clone(b.wishIDs), func(id string) bool {
		w := b.wishes[id]
		h, own := b.holders[w.UserID], w.UserID == p.self || w.AskedBy == p.self // nobody approves their own
		return w.State != "open" || h == nil || own || !p.theirs.has(h.CostCenter)
	})
	if len(open) == 0 && p.m.random.IntN(2) == 0 || p.m.random.IntN(4) == 0 {
		body := fields{
			"productId": pick(p.m, append(slices.Clone(metered), products...)), "userId": p.user(), "reason": "Needed",
		}
		return p.one("RequestsFunction", http.MethodPost, "/requests", body)
	}
	if len(open) == 0 || p.m.random.IntN(4) == 0 {
		open = b.wishIDs
	}
	if len(open) == 0 {
		return p.reads()
	}
	id := open[len(open)-1-p.m.random.IntN(min(len(open), 4))]
	what := pick(p.m, []string{"approve", "approve", "approve", "deny", "withdraw"})
	return p.one("RequestsFunction", http.MethodPost, "/requests/"+id+"/"+what, nil)
}

// policy is an operation on what is bought automatically.
func (p partAdmin) policy() *run {
	product := pick(p.m, []string{"live-reports", "call-queue-booster", "phone-system"})
	if p.m.random.IntN(3) == 0 {
		return p.one("BillingFunction", http.MethodDelete, "/policies/"+product, nil)
	}
	price, err := catalog.Default().Price(product, "USD")
	if err != nil {
		panic(err) // the product is the catalog's
	}
	buy := fields{
		"enabled": true, "costCenter": p.code(), "acknowledgedPrice": price, "maxSeats": 1 + p.m.random.IntN(30),
	}
	return p.one("BillingFunction", http.MethodPut, "/policies/"+product, fields{"autoPurchase": buy})
}

// person changes a user, or deletes one.
func (p partAdmin) person() *run {
	user := p.user()
	if p.m.random.IntN(8) == 0 {
		return p.one("DirectoryFunction", http.MethodDelete, "/users/"+user, nil)
	}
	body := p.m.person(user)
	delete(body, "roleIds") // which are more than theirs
	body["costCenter"] = p.code()
	if slices.Contains(partly(p.account), user) && p.m.random.IntN(2) == 0 {
		body["adminOfCostCenters"] = []string{p.code()}
	}
	return p.one("DirectoryFunction", http.MethodPatch, "/users/"+user, body)
}

// change is a request that is tried before.
func (p partAdmin) change() request {
	post, path := http.MethodPost, ""
	var body any
	switch p.m.random.IntN(5) {
	case 0:
		path, body = "/licenses/"+p.license("available")+"/assign", fields{"userId": p.user()}
	case 1:
		path = "/licenses/" + p.license("assigned") + "/unassign"
	case 2:
		path, body = "/licenses/"+p.license("assigned")+"/reassign", fields{"userId": p.user()}
	case 3:
		ids := fields{"licenseIds": p.several(""), "costCenter": p.code()}
		return request{"LicensesFunction", post, "/licenses/cost-center", ids, ""}
	case 4:
		items := []fields{{"productId": pick(p.m, append(slices.Clone(products), metered...)), "userId": p.user()}}
		path, body = "/assignments", fields{"items": items}
	}
	return request{"AssignmentFunction", post, path, body, ""}
}

// reads are what they look at.
func (p partAdmin) reads() *run {
	user := p.user()
	read := pick(p.m, [][2]string{
		{"LicensesFunction", "/licenses?q=User"},
		{"LicensesFunction", "/licenses?status=assigned"},
		{"LicensesFunction", "/licenses?user=" + user},
		{"LicensesFunction", "/licenses/summary"},
		{"LicensesFunction", "/exclusions"},
		{"LicensesFunction", "/waiting"},
		{"LicensesFunction", "/licenses/" + p.license("")},
		{"LicensesFunction", "/licenses/" + p.license("base") + "/add-ons"},
		{"DirectoryFunction", "/users/" + user},
		{"DirectoryFunction", "/users/" + user + "/why?product=" + pick(p.m, seats)},
		{"DirectoryFunction", "/users?limit=200"},
		{"DirectoryFunction", "/users?q=656789"},
		{"AuditFunction", "/audit?limit=20"},
		{"AuditFunction", "/audit?user=" + user},
		{"BillingFunction", "/billing"},
		{"BillingFunction", "/billing/periods"},
		{"BillingFunction", "/billing/periods/" + firstPeriod},
		{"BillingFunction", "/policies"},
		{"BillingFunction", "/alerts"},
		{"PurchaseFunction", "/orders?limit=20"},
		{"PurchaseFunction", "/cost-centers"},
		{"RequestsFunction", "/requests"},
		{"UsageFunction", "/reclaims"},
		{"UsageFunction", "/idle?days=0"},
		{"UsageFunction", "/idle?days=1"},
	})
	return p.one(read[0], http.MethodGet, read[1], nil)
}

// limitedTo stands before what a request of an admin of some cost centers is called.
const limitedTo = "limited: "

// beyond is something that is the whole account's, which is refused to them.
func (p partAdmin) beyond() *run {
	put := http.MethodPut
	q := pick(p.m, []request{
		{"PurchaseFunction", put, "/cost-centers/" + p.code(), fields{"name": "Mine", "fenced": true}, ""},
		{"DirectoryFunction", put, "/roles/r1", fields{"name": "Role", "licenses": metered}, ""},
		{"DirectoryFunction", put, "/call-queues/q1", fields{"name": "Queue q1", "members": users(p.account)}, ""},
		{"DirectoryFunction", put, "/dashboards/d1", fields{"name": "Board d1", "queueIds": []string{"q1"}}, ""},
		{"MetricsFunction", put, "/metrics/licenses/wallboards", fields{"max": 9}, ""},
		{"ReportFunction", http.MethodPost, "/reports", fields{"kind": "license-status"}, ""},
		{"UsageFunction", http.MethodGet, "/usage/summary", nil, ""},
		{"MassConfigurationFunction", http.MethodGet, "/mass-configurations", nil, ""},
	})
	r := p.m.one(p.account, q)
	r.what, r.beyond = "the whole account's", true
	return r
}
