package license

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// failer is the part of a test, or of a property's one check, that ends it.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// office is an account with a kernel.
type office struct {
	*fixtures.Fixture
	t      failer
	ctx    context.Context
	kernel *Service
	reads  *inventory.Service
	// overlapped says that requests ran at the same time, so that the log, which goes by when they
	// came, is not in the order of their commits.
	overlapped bool
	// jobs have reservations, with how many seats of each product they have drawn.
	jobs map[string]map[string]int64
}

func open(t testing.TB) *office {
	t.Helper()
	return openOn(t, fixtures.New(t))
}

func openOn(t testing.TB, k *fixtures.Fixture) *office {
	t.Helper()
	o := &office{
		Fixture: k,
		t:       t,
		ctx:     t.Context(),
		kernel:  NewService(catalog.Default()),
		reads:   inventory.NewService(catalog.Default()),
	}
	for _, code := range []string{"CC-1", "CC-2"} {
		o.costCenter(code)
	}
	return o
}

func (o *office) costCenter(code string) {
	o.t.Helper()
	op := table.Put(table.Item{Key: CostCenterKey(o.Account, code), Data: []byte(`{}`)}, table.Always)
	o.must(o.Env.Table.Commit(o.ctx, []table.Operation{op}))
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// later is a call after some time.
func (o *office) call() *call.Call {
	o.Clock.Add(1e9)
	return o.Call("admin")
}

// buy delivers licenses on a cost center and answers their ids.
func (o *office) buy(product string, n int, costCenter string) []string {
	o.t.Helper()
	c := o.call()
	order := o.Env.IDs.Ordered()
	o.must(
		o.kernel.Deliver(o.ctx, c, Delivery{
			OrderID: order,
			Lots:    []Lot{{ProductID: product, CostCenter: costCenter, Quantity: n}},
		}),
	)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = record.DeliveredID(o.Account, order, i)
	}
	return ids
}

// hire makes users of these names; the id is the first word in lower case.
func (o *office) hire(names ...string) {
	o.t.Helper()
	for _, name := range names {
		id := strings.ToLower(strings.Fields(name)[0])
		o.must(o.change(func(ctx context.Context, ch *UnitOfWork) error {
			return ch.Put(ctx, Person{UserID: id, Name: name, Active: true})
		}, id))
	}
}

// change carries out verbs in one commit.
func (o *office) change(verbs func(context.Context, *UnitOfWork) error, users ...string) error {
	c := o.call()
	return call.Decide(o.ctx, func(ctx context.Context) error {
		ch := o.kernel.Change(c)
		if _, err := ch.Load(ctx, Need{Users: users}); err != nil {
			return err
		}
		if err := verbs(ctx, ch); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Answer{})
	})
}

func (o *office) grant(user, product, source string) error {
	return o.change(
		func(ctx context.Context, ch *UnitOfWork) error { return ch.Grant(ctx, user, product, source) },
		user,
	)
}

func (o *office) withdraw(user, product, source string) {
	o.t.Helper()
	o.must(
		o.change(
			func(ctx context.Context, ch *UnitOfWork) error { return ch.Withdraw(ctx, user, product, source) },
			user,
		),
	)
}

func (o *office) put(user, name string, active bool) {
	o.t.Helper()
	o.must(o.change(func(ctx context.Context, ch *UnitOfWork) error {
		return ch.Put(ctx, Person{UserID: user, Name: name, Active: active})
	}, user))
}

// find is a user as they are stored; nil for who is not there.
func (o *office) find(user string) *Holder {
	o.t.Helper()
	item, ok, err := table.Get(o.ctx, o.Env.Table, HolderKey(o.Account, user))
	o.must(err)
	if !ok {
		return nil
	}
	h := decode[Holder](o.t, item)
	return &h
}

func (o *office) holder(user string) *Holder {
	o.t.Helper()
	h := o.find(user)
	if h == nil {
		o.t.Fatalf("there is no user %s", user)
	}
	return h
}

func (o *office) state(user, product string) State {
	o.t.Helper()
	return record.Terms{Products: o.kernel.products}.StateOf(o.holder(user), product)
}

func (o *office) license(id string) License {
	o.t.Helper()
	l, _, err := o.reads.Get(o.ctx, o.Call("admin"), id)
	o.must(err)
	return l
}

func (o *office) summary(product string) inventory.Summary {
	o.t.Helper()
	list, err := o.reads.Summary(o.ctx, o.Call("admin"))
	o.must(err)
	for _, s := range list {
		if s.ProductID == product {
			return s
		}
	}
	o.t.Fatalf("no summary of %s", product)
	return inventory.Summary{}
}

// counts is what a test says of a summary.
func (o *office) counts(product string) string {
	o.t.Helper()
	s := o.summary(product)
	return fmt.Sprintf("%d/%d free %d waiting %d", s.Assigned, s.Bought, s.Available, s.Waiting)
}

func (o *office) wantCounts(product, want string) {
	o.t.Helper()
	if got := o.counts(product); got != want {
		o.t.Fatalf("%s: %s, want %s", product, got, want)
	}
}

func (o *office) wantState(user, product string, want State) {
	o.t.Helper()
	if got := o.state(user, product); got != want {
		o.t.Fatalf("%s %s %s, want %s", user, got, product, want)
	}
}

func wantProblem(t failer, err error, slug problem.Slug) {
	t.Helper()
	_ = refusal(t, err, slug)
}

// refusal is the problem that the error is.
func refusal(t failer, err error, slug problem.Slug) *problem.Problem {
	t.Helper()
	p, ok := problem.From(err)
	if !ok || p.Slug != slug {
		t.Fatalf("%v, want %s", err, slug)
	}
	return p
}

// items reads a partition whole.
func (o *office) items(index table.Index, partition string) []table.Item {
	o.t.Helper()
	var items []table.Item
	o.must(table.All(o.ctx, o.Env.Table, table.Query{Index: index, Partition: partition}, func(item table.Item) error {
		items = append(items, item)
		return nil
	}))
	return items
}

func decode[T any](t failer, item table.Item) T {
	t.Helper()
	v, err := call.Decode[T](item)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// audit checks the invariants of docs/design.md that the kernel answers for, by a recount of
// everything that is stored (I1, I2, I3, I5, I6, I7, I9, I16), and that every holder has exactly
// what their grants ask for. drained says that every waiting list was looked at after the last
// change.
func (o *office) audit(unlimited, drained bool, users ...string) {
	o.t.Helper()
	a := o.auditor()
	a.readLicenses()
	a.checkHolders(unlimited, users)
	a.checkCounts()
	a.checkPool()
	a.checkLists(drained)
	a.checkExtensions()
	a.checkLog()
}

func (o *office) auditor() *auditor {
	return &auditor{
		office:   o,
		licenses: map[string]record.Document{},
		versions: map[string]int64{},
		places:   map[string][table.Indexes]table.Key{},
	}
}

type auditor struct {
	*office
	licenses map[string]record.Document
	versions map[string]int64
	places   map[string][table.Indexes]table.Key
	holders  map[string]*Holder
}

func (a *auditor) readLicenses() {
	a.t.Helper()
	for _, digit := range "0123456789abcdef" {
		for _, item := range a.items(table.Base, record.LicenseKey(a.Account, string(digit)).Partition) {
			l := decode[record.Document](a.t, item)
			seen, err := a.kernel.records.Sight(a.ctx, a.Call("auditor"), []record.Document{l})
			a.must(err)
			if !seen(l) {
				continue
			}
			a.licenses[l.ID], a.versions[l.ID], a.places[l.ID] = l, item.Version, item.IndexKeys
			if want := a.kernel.records.Item(a.Account, l).IndexKeys; item.IndexKeys != want {
				a.t.Fatalf("license %s has places %v, want %v", l.ID, item.IndexKeys, want)
			}
			switch {
			case l.Status == Assigned && (l.UserID == "" || l.AssignedAt == nil || len(l.Grants) == 0),
				l.Status != Assigned &&
					(l.UserID != "" || l.UserName != "" || l.AssignedAt != nil ||
						l.Extension != "" || l.BaseLicenseID != "" || len(l.Grants) > 0),
				(l.Status == Terminated) != (l.TerminatedAt != nil):
				a.t.Fatalf("license is not as its status: %+v", l)
			}
		}
	}
}

func (a *auditor) checkHolders(unlimited bool, users []string) {
	a.t.Helper()
	a.holders = map[string]*Holder{}
	held := map[string]bool{}
	for _, user := range users {
		h := a.find(user)
		if h == nil {
			continue
		}
		a.holders[user] = h
		for product, holding := range h.Holdings {
			p, _ := a.kernel.products.Lookup(product)
			wanted, _ := record.Terms{Products: a.kernel.products, Unlimited: unlimited}.Wants(h, product)
			if has := holding.LicenseID != "" ||
				holding.Waiting != ""; has != wanted ||
				holding.LicenseID != "" && holding.Waiting != "" {
				a.t.Fatalf("%s wants %s: %v, but the holding is %+v of %+v", user, product, wanted, *holding, *h)
			}
			if holding.Waiting != "" && p.Kind != catalog.Seat {
				a.t.Fatalf("%s waits for %s, which is no seat", user, product)
			}
			if holding.LicenseID == "" {
				continue
			}
			l, ok := a.licenses[holding.LicenseID]
			if !ok || l.Status != Assigned || l.UserID != user || l.ProductID != product || l.UserName != h.Name ||
				!slices.Equal(l.Grants, holding.Grants) {
				a.t.Fatalf("%s holds %s by %+v, but the license is %+v", user, product, *holding, l)
			}
			held[l.ID] = true
			switch {
			case p.Base != "" &&
				(h.Holdings[p.Base] == nil || l.BaseLicenseID == "" || l.BaseLicenseID != h.Holdings[p.Base].LicenseID):
				a.t.Fatalf("add-on %+v does not hang on the base of %+v", l, *h)
			case l.Extension != h.Extension:
				a.t.Fatalf("license %+v does not show extension %q", l, h.Extension)
			}
			for _, other := range p.Excludes {
				if h.Holds(other) {
					a.t.Fatalf("%s holds both %s and %s", user, product, other)
				}
			}
			if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) {
				a.t.Fatalf("%s holds %s without any of %v", user, product, p.Requires)
			}
		}
	}
	a.checkWords()
	for id, l := range a.licenses {
		if l.Status == Assigned && !held[id] {
			a.t.Fatalf("license %+v is assigned, but its user knows nothing of it", l)
		}
	}
}

// checkWords compares the entries by which a search finds words with the holders' names, ids and
// e-mail addresses.
func (a *auditor) checkWords() {
	a.t.Helper()
	want := map[string]bool{}
	for user, h := range a.holders {
		for _, words := range h.Entries() {
			want[record.HolderWordKey(a.Account, words, user).Sort] = true
		}
	}
	got := map[string]bool{}
	for _, item := range a.items(table.Base, record.HoldersByWord(a.Account)) {
		got[item.Sort] = true
	}
	if !maps.Equal(got, want) {
		a.t.Fatalf("words of names %v, the names have %v", got, want)
	}
}

func (a *auditor) checkCounts() {
	a.t.Helper()
	type count struct{ bought, assigned, waiting, reserved int64 }
	counted := map[string]*count{}
	for _, p := range a.kernel.products.Products() {
		counted[p.ID] = &count{}
	}
	perCostCenter := map[string]int64{}
	for _, l := range a.licenses {
		if l.Status == Assigned {
			counted[l.ProductID].assigned++
		}
		if l.Status != Terminated {
			counted[l.ProductID].bought++
			if l.Kind != catalog.Metered {
				perCostCenter[l.ProductID+"#"+l.CostCenter]++
			}
		}
	}
	for _, h := range a.holders {
		for product, holding := range h.Holdings {
			if holding.Waiting != "" {
				counted[product].waiting++
			}
		}
	}
	for id := range a.reserved() {
		counted[a.licenses[id].ProductID].reserved++
	}
	list, err := a.reads.Summary(a.ctx, a.Call("auditor"))
	a.must(err)
	for _, s := range list {
		want := counted[s.ProductID]
		if s.Bought != want.bought || s.Assigned != want.assigned || s.Waiting != want.waiting ||
			s.Available != s.Bought-s.Assigned-want.reserved ||
			s.Available < 0 {
			a.t.Fatalf("summary %+v, recount %+v", s, *want)
		}
	}
	seats, err := a.reads.CostCenterSeats(a.ctx, a.Call("auditor"))
	a.must(err)
	got := map[string]int64{}
	for _, s := range seats {
		got[s.ProductID+"#"+s.CostCenter] = s.Quantity
	}
	if !maps.Equal(got, perCostCenter) {
		a.t.Fatalf("cost centers %v, recount %v", got, perCostCenter)
	}
}

// pooled are the entries of a product's pool, in all shards.
func (o *office) pooled(product string) (items []table.Item) {
	o.t.Helper()
	for shard := range record.MostShards {
		items = append(items, o.items(table.Base, record.FreePartition(o.Account, product, shard))...)
	}
	return items
}

func (a *auditor) checkPool() {
	a.t.Helper()
	free := map[string]bool{}
	for _, p := range a.kernel.products.Products() {
		for _, item := range a.pooled(p.ID) {
			offered := decode[offer](a.t, item)
			l, ok := a.licenses[offered.ID]
			if !ok {
				continue // of an order that is not confirmed
			}
			if l.Status != Available || a.versions[l.ID] != offered.LicenseVersion || item.Key != l.FreeKey(a.Account) {
				a.t.Fatalf(
					"the pool offers version %d of %+v, which has version %d",
					offered.LicenseVersion,
					l,
					a.versions[l.ID],
				)
			}
			free[offered.ID] = true
		}
	}
	for id, version := range a.reserved() {
		if l, ok := a.licenses[id]; !ok || l.Status != Available || a.versions[id] != version || free[id] {
			a.t.Fatalf(
				"version %d of %+v is reserved, which has version %d; in the pool: %v",
				version,
				l,
				a.versions[id],
				free[id],
			)
		}
		free[id] = true // for somebody
	}
	for id, l := range a.licenses {
		if (l.Status == Available) != free[id] {
			a.t.Fatalf("license %+v, in the pool: %v", l, free[id])
		}
	}
}

// reserved are the seats of the office's reservations that are not drawn yet, with their versions.
func (a *auditor) reserved() map[string]int64 {
	a.t.Helper()
	kept := map[string]int64{}
	for job, drawn := range a.jobs {
		for _, item := range a.items(table.Base, reservedPartition(a.Account, job)) {
			chunk := decode[reserved](a.t, item)
			for i, o := range chunk.Offers {
				if chunk.From+int64(i) >= drawn[o.ProductID] {
					kept[o.ID] = o.LicenseVersion
				}
			}
		}
	}
	return kept
}

func (a *auditor) checkLists(drained bool) {
	a.t.Helper()
	waiting := map[string]bool{}
	for _, item := range a.items(table.Base, record.WaitPartition(a.Account)) {
		w := decode[record.Wait](a.t, item)
		h := a.holders[w.UserID]
		if h == nil || h.Holdings[w.ProductID] == nil || h.Holdings[w.ProductID].Waiting != item.Sort ||
			w.UserName != h.Name ||
			!slices.Equal(w.Grants, h.Holdings[w.ProductID].Grants) {
			a.t.Fatalf("waiting entry %s %+v does not agree with its user %+v", item.Sort, w, h)
		}
		if item.IndexKeys[2] != record.WaitingMarkers.Place(a.Account, item.Sort) {
			a.t.Fatalf("waiting entry %s would not be found by maintenance", item.Sort)
		}
		waiting[item.Sort] = true
		if drained && a.summary(w.ProductID).Available > 0 {
			a.t.Fatalf("%s waits while a seat is free", item.Sort)
		}
	}
	excluded := map[string]bool{}
	for _, item := range a.items(table.Base, record.ExclusionPartition(a.Account)) {
		excluded[item.Sort] = true
	}
	for user, h := range a.holders {
		for product, holding := range h.Holdings {
			if holding.Waiting != "" && !waiting[holding.Waiting] {
				a.t.Fatalf("%s waits for %s, but the list does not know", user, product)
			}
			if (holding.Excluded != nil) != excluded[product+"#"+user] {
				a.t.Fatalf(
					"exclusion of %s from %s: %v, in the list: %v",
					user,
					product,
					holding.Excluded != nil,
					excluded[product+"#"+user],
				)
			}
			delete(excluded, product+"#"+user)
		}
	}
	if len(excluded) > 0 {
		a.t.Fatalf("exclusions of nobody: %v", excluded)
	}
}

func (a *auditor) checkExtensions() {
	a.t.Helper()
	extensions, numbers := map[string]string{}, map[string]string{}
	for user, h := range a.holders {
		if h.Extension != "" {
			if other, twice := extensions[h.Extension]; twice {
				a.t.Fatalf("%s and %s have extension %s", user, other, h.Extension)
			}
			extensions[h.Extension] = user
		}
		if h.Number != "" {
			numbers[h.Number] = h.Extension
		}
	}
	stored := map[string]string{}
	for _, item := range a.items(table.Base, record.ExtensionKey(a.Account, "x").Partition) {
		x := decode[Extension](a.t, item)
		stored[x.Key] = x.UserID
		if h := a.holders[x.UserID]; h == nil || h.Extension != x.Key || h.Number != x.Number {
			a.t.Fatalf("extension %+v does not agree with %+v", x, h)
		}
	}
	if !maps.Equal(stored, extensions) {
		a.t.Fatalf("extensions %v, users have %v", stored, extensions)
	}
	known := map[string]string{}
	for _, item := range a.items(table.Base, record.NumberKey(a.Account, "x").Partition) {
		known[item.Sort] = decode[string](a.t, item)
	}
	if !maps.Equal(known, numbers) {
		a.t.Fatalf("numbers %v, users have %v", known, numbers)
	}
}

// checkLog folds the audit log: it must come to what is assigned, by which grants, and to who waits
// (I16).
func (a *auditor) checkLog() {
	a.t.Helper()
	if a.overlapped {
		a.checkLogCounts()
		return
	}
	holders, grants, waiting := map[string]string{}, map[string][]string{}, map[string]bool{}
	for _, item := range a.items(table.Index1, call.Partition(a.Account, "AUDIT")) {
		r := decode[call.AuditRecord](a.t, item)
		var after seat
		if len(r.After) > 0 {
			a.must(json.Unmarshal(r.After, &after))
		}
		switch r.Action {
		case "license.assigned", "license.reassigned", "license.regranted":
			holders[r.Subject], grants[r.Subject] = after.UserID, after.Grants
			delete(waiting, after.ProductID+"#"+after.UserID)
		case "license.unassigned":
			delete(holders, r.Subject)
		case "grant.waiting":
			waiting[strings.TrimPrefix(r.Subject, "grant:")] = true
		case "grant.withdrawn":
			delete(waiting, strings.TrimPrefix(r.Subject, "grant:"))
		}
	}
	for id, l := range a.licenses {
		if got := holders["license:"+id]; got != l.UserID {
			a.t.Fatalf("by the audit log license %s is held by %q, by itself by %q", id, got, l.UserID)
		}
		if got := grants["license:"+id]; l.UserID != "" && !slices.Equal(got, sourcesOf(l.Grants)) {
			a.t.Fatalf("by the audit log license %s has the grants %v, by itself %v", id, got, l.Grants)
		}
	}
	for _, item := range a.items(table.Base, record.WaitPartition(a.Account)) {
		w := decode[record.Wait](a.t, item)
		if !waiting[w.ProductID+"#"+w.UserID] {
			a.t.Fatalf("by the audit log %s does not wait for %s", w.UserID, w.ProductID)
		}
		delete(waiting, w.ProductID+"#"+w.UserID)
	}
	if len(waiting) > 0 {
		a.t.Fatalf("by the audit log these wait too: %v", waiting)
	}
}

// checkLogCounts folds the log without regard to its order: a license is assigned once more often
// than it is unassigned, or as often.
func (a *auditor) checkLogCounts() {
	a.t.Helper()
	assigned := map[string]int{}
	for _, item := range a.items(table.Index1, call.Partition(a.Account, "AUDIT")) {
		switch r := decode[call.AuditRecord](a.t, item); r.Action {
		case "license.assigned":
			assigned[r.Subject]++
		case "license.unassigned":
			assigned[r.Subject]--
		}
	}
	for id, l := range a.licenses {
		if got := assigned["license:"+id]; (got == 1) != (l.UserID != "") || got != 0 && got != 1 {
			a.t.Fatalf("by the audit log license %s is assigned %d times, and the license says %s", id, got, l.Status)
		}
	}
}
