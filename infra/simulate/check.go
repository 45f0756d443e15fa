package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// ledger is the plain model of one account: what was seen once and may never be taken back.
type ledger struct {
	// seen has every license that was ever visible, with whether it was terminated (I6, I11).
	seen map[string]bool
	// orders has every order that was ever seen as placed, with how many licenses it brought (I4,
	// I11).
	orders map[string]int
}

func newLedger() *ledger {
	return &ledger{seen: map[string]bool{}, orders: map[string]int{}}
}

// read gets a resource for the checks, between two turns and past every fault.
func read[T any](m *simulation, account, function, path string) T {
	var v T
	a := m.checker.send(context.Background(), account, request{function: function, method: http.MethodGet, path: path})
	if !a.good() {
		m.fail("GET %s of %s: %d %s", path, account, a.status, a.body)
	} else if err := json.Unmarshal(a.body, &v); err != nil {
		m.fail("GET %s of %s: %w", path, account, err)
	}
	return v
}

// list reads all pages.
func list[T any](m *simulation, account, function, path string) []T {
	var all []T
	for cursor := ""; m.violation == nil; {
		page := read[struct {
			Items      []T    `json:"items"`
			NextCursor string `json:"nextCursor"`
		}](m, account, function, path+"?limit=200&cursor="+url.QueryEscape(cursor))
		all = append(all, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	return all
}

// checkCounts is made after every commit (I1).
func (m *simulation) checkCounts(account string) []inventory.Summary {
	m.checks++
	got := read[struct {
		Items []inventory.Summary `json:"items"`
	}](m, account, "LicensesFunction", "/licenses/summary")
	for _, s := range got.Items {
		if s.Assigned < 0 || s.Assigned > s.Bought || s.Available < 0 || s.Waiting < 0 ||
			s.Available > s.Bought-s.Assigned {
			m.fail("I1: %s: %+v", account, s)
		}
	}
	return got.Items
}

// checkAll looks at everything; ended says that nothing runs and all that was left behind is
// finished.
func (m *simulation) checkAll(ended bool) {
	for _, a := range accounts {
		if m.violation == nil {
			m.check(a, ended)
		}
	}
}

func (m *simulation) check(account string, ended bool) {
	l := m.model[account]
	licenses := list[license.License](m, account, "LicensesFunction", "/licenses")
	summary := m.checkCounts(account)
	waiting := list[license.Wait](m, account, "LicensesFunction", "/waiting")
	if m.violation != nil {
		return
	}
	byID := map[string]license.License{}
	for _, x := range licenses {
		if _, again := byID[x.ID]; again {
			m.fail("I3: %s lists license %s twice", account, x.ID)
		}
		byID[x.ID] = x
	}
	m.checkForever(account, l, byID)
	m.checkSeats(account, byID)
	m.recount(account, byID, summary, waiting)
	m.checkHolders(account, byID)
	m.checkMoney(account, byID)
	m.checkOrders(account, l, byID, ended)
	m.checkJobs(account, ended)
	m.checkUsage(account, byID)
	m.foldAudit(account, byID, l)
	m.checkTheirs(account)
	if ended {
		m.checkEnd(account, summary)
	}
}

// checkForever: what was there stays there, and what was terminated stays so (I6, I11). Metered
// licenses end with their use and are kept too.
func (m *simulation) checkForever(account string, l *ledger, now map[string]license.License) {
	for id, terminated := range l.seen {
		x, there := now[id]
		if !there {
			m.fail("I11: license %s of %s has vanished", id, account)
		} else if terminated && x.Status != license.Terminated {
			m.fail("I6: license %s of %s was terminated and is %s", id, account, x.Status)
		}
	}
	for id, x := range now {
		l.seen[id] = x.Status == license.Terminated
	}
}

func (m *simulation) checkSeats(account string, byID map[string]license.License) {
	taken := map[string]string{}
	for id, x := range byID {
		if (x.Status == license.Assigned) != (x.UserID != "") {
			m.fail("I6: %s: %+v is not as its status", account, x)
		}
		if x.UserID == "" {
			continue
		}
		if !strings.HasPrefix(x.UserID, account+"-u") {
			m.fail("I9: %s: license %s is held by %s", account, id, x.UserID)
		}
		if other, again := taken[x.UserID+" "+x.ProductID]; again {
			m.fail("I3: %s holds %s and %s of %s", x.UserID, other, id, x.ProductID)
		}
		taken[x.UserID+" "+x.ProductID] = id
		if x.BaseLicenseID != "" {
			base, there := byID[x.BaseLicenseID]
			if !there || base.Status != license.Assigned || base.UserID != x.UserID {
				m.fail("I7: add-on %s of %s is held by %s, its base by %q", id, account, x.UserID, base.UserID)
			}
		} else if x.ProductID == "call_recording" || x.ProductID == "team_chat" {
			m.fail("I7: add-on %s of %s has no base", id, account)
		}
	}
}

// recount compares the counts with the licenses and the waiting list (I2).
func (m *simulation) recount(
	account string,
	byID map[string]license.License,
	summary []inventory.Summary,
	waiting []license.Wait,
) {
	bought, assigned, waits := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, x := range byID {
		if x.Status != license.Terminated {
			bought[x.ProductID]++
		}
		if x.Status == license.Assigned {
			assigned[x.ProductID]++
		}
	}
	for _, w := range waiting {
		waits[w.ProductID]++
	}
	// Wallboards are devices, and no licenses: the models count them.
	bought[catalog.WallboardID], assigned[catalog.WallboardID] = m.models[account].devices, m.models[account].devices
	for _, s := range summary {
		if s.Bought != bought[s.ProductID] || s.Assigned != assigned[s.ProductID] || s.Waiting != waits[s.ProductID] {
			m.fail(
				"I2: %s: %+v, the licenses say bought %d, assigned %d, waiting %d",
				account,
				s,
				bought[s.ProductID],
				assigned[s.ProductID],
				waits[s.ProductID],
			)
		}
	}
}

// checkHolders compares what users hold with who holds the licenses, both ways (I3, I8).
func (m *simulation) checkHolders(account string, byID map[string]license.License) {
	type user struct {
		ID       string `json:"id"`
		Active   bool   `json:"active"`
		Holdings []struct {
			LicenseID string `json:"licenseId"`
		} `json:"holdings"`
	}
	held := map[string]bool{}
	for _, u := range list[user](m, account, "DirectoryFunction", "/users") {
		if !u.Active && len(u.Holdings) > 0 {
			m.fail("I3: %s is not active and holds %d licenses", u.ID, len(u.Holdings))
		}
		for _, h := range u.Holdings {
			if byID[h.LicenseID].UserID != u.ID {
				m.fail("I8: %s holds license %s, which says %q", u.ID, h.LicenseID, byID[h.LicenseID].UserID)
			}
			held[h.LicenseID] = true
		}
	}
	for id, x := range byID {
		if x.UserID != "" && !held[id] && m.violation == nil {
			m.fail("I8: license %s (%s) says %s, who does not hold it", id, x.ProductID, x.UserID)
		}
	}
}

// checkMoney adds up the charges by license (I4, I5).
func (m *simulation) checkMoney(account string, byID map[string]license.License) {
	type charge struct {
		ProductID  string       `json:"productId"`
		CostCenter string       `json:"costCenter"`
		Quantity   int64        `json:"quantity"`
		UnitPrice  money.Amount `json:"unitPrice"`
		Recurring  money.Amount `json:"recurring"`
	}
	b := read[struct {
		Recurring    money.Amount `json:"recurring"`
		ByProduct    []charge     `json:"byProduct"`
		ByCostCenter []charge     `json:"byCostCenter"`
	}](m, account, "BillingFunction", "/billing")
	counts, perCenter := map[string]int64{}, map[string]int64{}
	prices := map[string]int64{}
	var total, centers int64
	for _, p := range b.ByProduct {
		prices[p.ProductID] = p.UnitPrice.Minor
		counts[p.ProductID] = p.Quantity
		total += p.Recurring.Minor
		if p.Recurring.Minor != p.Quantity*p.UnitPrice.Minor {
			m.fail("I4: %s: %+v", account, p)
		}
	}
	for _, x := range byID {
		if x.Status != license.Terminated && x.CostCenter != "" {
			counts[x.ProductID]--
			perCenter[x.CostCenter] += prices[x.ProductID]
		}
	}
	for _, c := range b.ByCostCenter {
		centers += c.Recurring.Minor
		perCenter[c.CostCenter] -= c.Recurring.Minor
	}
	for product, n := range counts {
		if n != 0 {
			m.fail("I5: %s: billing counts %d more of %s than there are", account, n, product)
		}
	}
	for center, n := range perCenter {
		if n != 0 {
			m.fail("I5: %s: billing misses %d of cost center %s", account, n, center)
		}
	}
	if total != b.Recurring.Minor || centers != total {
		m.fail(
			"I4: %s: the products' charges are %d, the cost centers' %d, in total %d",
			account,
			total,
			centers,
			b.Recurring.Minor,
		)
	}
}

// checkOrders: an order's licenses appear all at once or not at all, and stay (I4, I11).
func (m *simulation) checkOrders(account string, l *ledger, byID map[string]license.License, ended bool) {
	brought := map[string]int{}
	for _, x := range byID {
		if x.OrderID != "" {
			brought[x.OrderID]++
		}
	}
	type order struct {
		ID           string `json:"id"`
		State        string `json:"state"`
		LicenseCount int    `json:"licenseCount"`
		QuoteID      string `json:"quoteId"`
	}
	quotes := map[string]string{}
	for _, o := range list[order](m, account, "PurchaseFunction", "/orders") {
		if o.QuoteID == "" { // of a policy
			o.QuoteID = "order " + o.ID
		}
		if other, again := quotes[o.QuoteID]; again {
			m.fail("I10: quote %s became the orders %s and %s", o.QuoteID, other, o.ID)
		}
		quotes[o.QuoteID] = o.ID
		want := 0
		if o.State == "placed" {
			want = o.LicenseCount
			l.orders[o.ID] = want
		} else if ended {
			m.fail("I14: order %s of %s is %s at the end", o.ID, account, o.State)
		}
		if brought[o.ID] != want {
			m.fail(
				"I4: order %s of %s is %s, %d licenses, and %d are seen",
				o.ID,
				account,
				o.State,
				o.LicenseCount,
				brought[o.ID],
			)
		}
		delete(brought, o.ID)
	}
	for id, n := range l.orders {
		if _, there := quotes[orderQuote(quotes, id)]; !there {
			m.fail("I11: order %s of %s, of %d licenses, has vanished", id, account, n)
		}
	}
	for id, n := range brought {
		m.fail("I4: %d licenses of %s come from order %s, which is not listed", n, account, id)
	}
}

func orderQuote(quotes map[string]string, id string) string {
	for quote, order := range quotes {
		if order == id {
			return quote
		}
	}
	return ""
}

// checkJobs looks at the mass configurations (I12, I13, I14).
func (m *simulation) checkJobs(account string, ended bool) {
	type job struct {
		ID       string `json:"id"`
		State    string `json:"state"`
		Source   string `json:"source"`
		FileName string `json:"fileName"`
		Applied  int    `json:"applied"`
		Refused  int    `json:"refused"`
		Counts   struct {
			Rows, New, Change, Unchanged, Error int
		} `json:"counts"`
	}
	dropped := map[string]bool{}
	for _, j := range list[job](m, account, "MassConfigurationFunction", "/mass-configurations") {
		if j.Counts.New+j.Counts.Change+j.Counts.Unchanged+j.Counts.Error != j.Counts.Rows {
			m.fail("I13: mass configuration %s of %s: %+v", j.ID, account, j.Counts)
		}
		if j.Applied+j.Refused > j.Counts.Rows {
			m.fail(
				"I13: mass configuration %s of %s applied %d, refused %d of %d rows",
				j.ID,
				account,
				j.Applied,
				j.Refused,
				j.Counts.Rows,
			)
		}
		if j.State == "completed" && j.Applied+j.Refused != j.Counts.New+j.Counts.Change &&
			j.Applied+j.Refused > j.Counts.Rows {
			m.fail(
				"I13: mass configuration %s of %s is completed with %d applied, %d refused: %+v",
				j.ID,
				account,
				j.Applied,
				j.Refused,
				j.Counts,
			)
		}
		if j.Source == "drop" {
			dropped[j.ID] = true
		}
		if ended && (j.State == "checking" || j.State == "configuring") {
			m.fail("I14: mass configuration %s of %s is %s at the end", j.ID, account, j.State)
		}
	}
	b := m.models[account]
	for _, object := range sorted(b.dropped) {
		if id := b.dropped[object]; !dropped[id] {
			m.fail("I12: %s of %s became mass configuration %s, which is not listed", object, account, id)
		}
	}
	if len(dropped) != len(b.dropped) {
		m.fail("I12: %s lists %d dropped files, and there are %d", account, len(dropped), len(b.dropped))
	}
}

// checkUsage: the figures of a window agree with each other and with what is bought (I15).
func (m *simulation) checkUsage(account string, byID map[string]license.License) {
	u := read[struct {
		LiveReportsPurchased      int64 `json:"liveReportsPurchased"`
		CallQueueBoosterPurchased int64 `json:"callQueueBoosterPurchased"`
		TotalPurchased            int64 `json:"totalPurchased"`
		MonitoredUsers            int64 `json:"monitoredUsers"`
		Viewers                   int64 `json:"viewers"`
		ActiveUsers               int64 `json:"activeUsers"`
		OverageUsers              int64 `json:"overageUsers"`
	}](m, account, "UsageFunction", "/usage/summary")
	if u.LiveReportsPurchased+u.CallQueueBoosterPurchased != u.TotalPurchased {
		m.fail("I15: %s: %+v: the purchased do not add up", account, u)
	}
	if u.ActiveUsers > u.MonitoredUsers+u.Viewers || u.ActiveUsers < max(u.MonitoredUsers, u.Viewers) {
		m.fail("I15: %s: %+v: the active users are not those who are monitored or view", account, u)
	}
	if u.OverageUsers != 0 && u.OverageUsers != u.ActiveUsers-u.TotalPurchased {
		m.fail("I15: %s: %+v: the overage is wrong", account, u)
	}
	_ = byID
}

// foldAudit folds the log (I16): a license is assigned once more often than unassigned when
// somebody holds it, else as often.
func (m *simulation) foldAudit(account string, byID map[string]license.License, l *ledger) {
	held, ended := map[string]int{}, map[string]int{}
	orders := 0
	waits := map[string]int64{}
	partition := call.Partition(account, "AUDIT")
	err := table.All(
		context.Background(),
		m.store,
		table.Query{Index: table.Index1, Partition: partition},
		func(item table.Item) error {
			r, err := call.Decode[call.AuditRecord](item)
			if err != nil {
				return err
			}
			id := strings.TrimPrefix(r.Subject, "license:")
			switch r.Action {
			case "license.assigned":
				held[id]++
			case "license.unassigned":
				held[id]--
			case "license.terminated":
				ended[id]++
			case "order.placed":
				orders++
			case "grant.waiting":
				waits[r.Subject]++
			}
			return nil
		},
	)
	if err != nil {
		m.fail("read the audit log of %s: %w", account, err)
		return
	}
	for id, x := range byID {
		want := 0
		if x.Status == license.Assigned {
			want = 1
		}
		if held[id] != want {
			m.fail("I16: by the audit log license %s (%s) of %s is held %d times, and the license says %s",
				id, x.ProductID, account, held[id], x.Status)
		}
		if x.Kind != "metered" && (ended[id] == 1) != (x.Status == license.Terminated) {
			m.fail("I16: by the audit log license %s of %s ended %d times, and the license says %s",
				id, account, ended[id], x.Status)
		}
	}
	if orders != len(l.orders) {
		m.fail("I16: by the audit log %s placed %d orders, by the list %d", account, orders, len(l.orders))
	}
}

// checkEnd: nobody waits for what is free and no fence keeps from them (I17), and nothing is half done (I14).
func (m *simulation) checkEnd(account string, summary []inventory.Summary) {
	for _, left := range m.models[account].shutOut() {
		m.fail("I17: at the end %w", left)
	}
	m.checkFound(account)
	for _, s := range summary {
		if s.Available != s.Bought-s.Assigned {
			m.fail("I14: %s: seats are kept back at the end: %+v", account, s)
		}
	}
	type settling struct {
		ID       string `json:"id"`
		Settling bool   `json:"settling"`
	}
	for _, q := range list[settling](m, account, "DirectoryFunction", "/call-queues") {
		if q.Settling {
			m.fail("I14: queue %s of %s settles still", q.ID, account)
		}
	}
	type report struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	for _, r := range list[report](m, account, "ReportFunction", "/reports") {
		if r.State != "ready" && r.State != "failed" {
			m.fail("I14: report %s of %s is %s at the end", r.ID, account, r.State)
		}
	}
}

// checkFound: at the end a number finds who has it, as it is and without the country code 1, and the
// call queues of each person are those that name them (requirements, section 6).
func (m *simulation) checkFound(account string) {
	type person struct {
		ID     string `json:"id"`
		Number string `json:"number"`
	}
	type queue struct {
		ID      string   `json:"id"`
		Members []string `json:"members"`
	}
	queues := list[queue](m, account, "DirectoryFunction", "/call-queues")
	for _, p := range list[person](m, account, "DirectoryFunction", "/users") {
		var want, got []string
		for _, q := range queues {
			if slices.Contains(q.Members, p.ID) {
				want = append(want, q.ID)
			}
		}
		for _, q := range first[queue](m, account, "/call-queues?user="+p.ID) {
			got = append(got, q.ID)
		}
		if slices.Sort(want); !slices.Equal(want, got) {
			m.fail("I14: %s of %s is in the call queues %v, and %v are found of them", p.ID, account, want, got)
		}
		typed := []string{p.Number}
		if len(p.Number) == 11 && p.Number[0] == '1' {
			typed = append(typed, p.Number[1:], p.Number[1:6])
		}
		for _, q := range typed {
			found := first[person](m, account, "/users?q="+q)
			if p.Number != "" && !slices.ContainsFunc(found, func(x person) bool { return x.ID == p.ID }) {
				m.fail("%s of %s has the number %s, and %s finds %v", p.ID, account, p.Number, q, found)
			}
		}
	}
}

// first is what the directory lists first at a path with a filter.
func first[T any](m *simulation, account, path string) []T {
	return read[struct {
		Items []T `json:"items"`
	}](m, account, "DirectoryFunction", path+"&limit=200").Items
}

// figures are what a run says of itself.
func (m *simulation) figures() string {
	return fmt.Sprintf(
		"%d operations, %d calls to the table, %d commits, %d checks",
		m.runs,
		m.scheduler.calls,
		m.mirror.made,
		m.checks,
	)
}
