package license

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// desert is an account without a store: what a ledger may come to know, and what it left of it.
type desert struct {
	products   *catalog.Catalog
	holders    map[string]*state[Holder]
	licenses   map[string]*licenseState
	extensions map[string]*state[Extension]
	waits      map[string]*state[record.StoredWait]
	counts     map[string]int64
	fences     []string
	kept       []string // licenses whose cost center stays as it is
	made       int      // ids
	at         time.Time
	loads      int // of the last decision
}

func newDesert(users ...string) *desert {
	d := &desert{
		products:   catalog.Default(),
		holders:    map[string]*state[Holder]{},
		licenses:   map[string]*licenseState{},
		extensions: map[string]*state[Extension]{},
		waits:      map[string]*state[record.StoredWait]{},
		counts:     map[string]int64{},
		at:         time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC),
	}
	for _, user := range users {
		d.holders[user] = stored(1, Holder{UserID: user, Name: user, Active: true})
	}
	return d
}

// stored is a document as it was read.
func stored[T any](version int64, now T) *state[T] {
	return &state[T]{version: version, exists: true, before: now, now: now}
}

func (d *desert) id() string {
	d.made++
	return fmt.Sprintf("%08x-0000-4000-8000-000000000000", d.made*2654435761%(1<<32))
}

// stock adds free licenses.
func (d *desert) stock(product string, n int) {
	p, _ := d.products.Lookup(product)
	for range n {
		l := record.Document{
			License: License{
				ID:         d.id(),
				ProductID:  product,
				Kind:       p.Kind,
				Status:     Available,
				CostCenter: "CC-1",
				Grants:     []Grant{},
			},
		}
		d.licenses[l.ID] = &licenseState{state: *stored(1, l)}
	}
}

// ledger is one that knows nothing, or all that there is.
func (d *desert) ledger(all bool) *ledger {
	d.at = d.at.Add(time.Second)
	g := &ledger{
		products:    d.products,
		account:     "acme",
		actor:       "ada",
		at:          d.at,
		bundle:      &record.AccountPart{},
		holders:     map[string]*state[Holder]{},
		licenses:    map[string]*licenseState{},
		extensions:  map[string]*state[Extension]{},
		numbers:     map[string]*state[string]{},
		waits:       map[string]*state[record.StoredWait]{},
		pools:       map[string]*pool{},
		heads:       map[string]*head{},
		chunks:      map[string]*reservedSeats{},
		absent:      map[string]bool{},
		costCenters: map[string]bool{},
		passed:      map[string]bool{},
		exclusions:  map[string]bool{},
		counts:      map[string]int64{},
		bought:      map[table.Key]int64{},
		people:      map[string]int64{},
		codes:       map[string]bool{},
		look:        map[string]bool{},
	}
	if !all {
		return g
	}
	for _, p := range d.products.Products() {
		d.tell(g, &needs{heads: []string{p.ID}, seats: []string{p.ID}, ids: 5})
	}
	d.tell(
		g,
		&needs{
			Need: Need{
				Users:      slices.Collect(maps.Keys(d.holders)),
				Licenses:   slices.Collect(maps.Keys(d.licenses)),
				Extensions: []string{"101", "102"},
			},
			waits: slices.Collect(maps.Keys(d.waits)),
		},
	)
	return g
}

// tell lets a ledger know what it needs.
func (d *desert) tell(g *ledger, n *needs) {
	d.loads++
	for _, user := range n.Users {
		if h := d.holders[user]; h != nil && g.holders[user] == nil {
			g.holders[user] = stored(h.version, cloneHolder(h.now))
			g.holders[user].before = cloneHolder(h.now)
		}
		g.absent[user] = d.holders[user] == nil
	}
	for _, id := range n.Licenses {
		if l := d.licenses[id]; l != nil && g.licenses[id] == nil {
			g.licenses[id] = pointer(*l)
		}
		g.absent[id] = d.licenses[id] == nil
	}
	for _, x := range n.Extensions {
		if g.extensions[x] == nil {
			g.extensions[x] = &state[Extension]{now: Extension{Key: x}}
			if known := d.extensions[x]; known != nil {
				g.extensions[x] = pointer(*known)
			}
		}
	}
	for _, number := range n.Numbers {
		g.numbers[number] = &state[string]{}
	}
	for _, sort := range n.waits {
		if w := d.waits[sort]; w != nil {
			g.waits[sort] = pointer(*w)
		}
		g.absent[sort] = d.waits[sort] == nil
	}
	for _, product := range n.heads {
		hd := &head{done: true}
		for _, sort := range slices.Sorted(maps.Keys(d.waits)) {
			if strings.HasPrefix(sort, product+"#") {
				hd.waits = append(hd.waits, waitItem{sort: sort, entry: d.waits[sort].now})
			}
		}
		g.heads[product] = hd
	}
	for _, product := range slices.Concat(n.seats, slices.Sorted(maps.Keys(n.Seats))) {
		pl := &pool{whole: true}
		for _, id := range slices.Sorted(maps.Keys(d.licenses)) {
			if l := d.licenses[id]; l.now.ProductID == product && l.now.Status == Available {
				pl.free = append(
					pl.free,
					freeSeat{offer: offer{Document: l.now, LicenseVersion: l.version}, confirmed: true},
				)
			}
		}
		g.pools[product] = pl
	}
	if n.fences || len(n.seats)+len(n.Seats) > 0 {
		g.fences = &record.Fences{Codes: d.fences}
	}
	if n.CostCenter != "" {
		g.costCenters[n.CostCenter] = true
	}
	if n.code != "" {
		g.codes[n.code] = n.code != "CC-9"
	}
	for range n.ids {
		g.ids = append(g.ids, d.id())
	}
}

// decide carries out a command on a ledger that knows nothing but what it asks for, and keeps what
// comes of it.
func (d *desert) decide(g *ledger, c command) error {
	d.loads = 0
	for {
		err := g.apply(c)
		var n *needs
		if !errors.As(err, &n) {
			if err == nil {
				d.keep(g)
			}
			return err
		}
		if d.loads > 200 {
			return errors.New("it needs more and more")
		}
		d.tell(g, n)
	}
}

func (d *desert) keep(g *ledger) {
	for user, h := range g.holders {
		d.holders[user] = stored(h.version+1, cloneHolder(h.now))
	}
	for id, l := range g.licenses {
		d.licenses[id] = &licenseState{state: *stored(l.version+1, l.now)}
	}
	for x, was := range g.extensions {
		d.extensions[x] = stored(was.version+1, was.now)
	}
	for sort, w := range g.waits {
		if w.gone {
			delete(d.waits, sort)
		} else {
			d.waits[sort] = stored(w.version+1, w.now)
		}
	}
	for name, by := range g.counts {
		d.counts[name] += by
	}
}

// check compares holders, licenses, waiting lists and counts with each other and with the grants.
func (d *desert) check(t failer) {
	t.Helper()
	counted, waiting := map[string]int64{}, map[string]bool{}
	for id, l := range d.licenses {
		if l.now.Status == Assigned {
			counted[record.CountName(record.CountAssigned, l.now.ProductID)]++
			h := d.holders[l.now.UserID]
			if h == nil || h.now.Holdings[l.now.ProductID] == nil || h.now.Holdings[l.now.ProductID].LicenseID != id {
				t.Fatalf("%s holds %s by the license alone", l.now.UserID, id)
			}
		}
	}
	for user, h := range d.holders {
		for product, holding := range h.now.Holdings {
			wanted, _ := record.Terms{Products: d.products}.Wants(&h.now, product)
			if has := holding.LicenseID != "" ||
				holding.Waiting != ""; has != wanted ||
				holding.LicenseID != "" && holding.Waiting != "" {
				t.Fatalf("%s wants %s: %v, and the holding is %+v", user, product, wanted, *holding)
			}
			if holding.LicenseID != "" {
				l := d.licenses[holding.LicenseID].now
				if l.UserID != user || l.Status != Assigned || !slices.Equal(l.Grants, holding.Grants) {
					t.Fatalf("%s holds %+v by the holding alone", user, l)
				}
				if l.Extension != h.now.Extension {
					t.Fatalf("license %+v does not show extension %q", l, h.now.Extension)
				}
			}
			if holding.Waiting != "" {
				waiting[holding.Waiting] = true
				counted[record.CountName(record.CountWaiting, product)]++
			}
		}
	}
	for sort := range d.waits {
		if !waiting[sort] {
			t.Fatalf("%s stands in the waiting list alone", sort)
		}
	}
	for name := range counted {
		if counted[name] != d.counts[name] {
			t.Fatalf("%s is %d, counted %d", name, d.counts[name], counted[name])
		}
	}
}

// commandOf draws a decision about one of the users.
func (d *desert) commandOf(t *rapid.T, action string) command {
	user := rapid.SampledFrom([]string{"ann", "bob", "cid"}).Draw(t, "user")
	product := rapid.SampledFrom([]string{
		"live-reports", "call-queue-booster", "phone-system", "team_chat", "essential-user", "client-desktop",
		"client-crm",
	}).
		Draw(t, "product")
	queue := QueueGrant(rapid.SampledFrom([]string{"q1", "q2"}).Draw(t, "queue"))
	extension := rapid.SampledFrom([]string{"101", "102", ""}).Draw(t, "extension")
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(d.licenses))).Draw(t, "license")
	about := func(g *ledger, ids ...string) error { return g.need(Need{Users: []string{user}, Licenses: ids}) }
	verbs := map[string]command{
		"grant": func(g *ledger) error { return g.grantProduct(user, product, Direct) },
		"queue": func(g *ledger) error { return g.grant(user, "live-reports", queue) },
		"leave": func(g *ledger) error {
			return g.withdraw(user, "live-reports", func(s string) bool { return s == queue })
		},
		"unassign":   func(g *ledger) error { return g.unassign(user, product) },
		"lift":       func(g *ledger) error { return g.lift(user, "live-reports") },
		"deactivate": func(g *ledger) error { return g.put(Person{UserID: user, Name: user, Active: false}) },
		"return":     func(g *ledger) error { return g.put(Person{UserID: user, Name: user, Active: true}) },
		"extend":     func(g *ledger) error { return g.extend(user, extension, "") },
		"add-ons":    func(g *ledger) error { return g.setAddOns(user, "phone-system", []string{"team_chat"}, Direct) },
		"serve": func(g *ledger) error {
			_, err := g.serve("live-reports", 5)
			return err
		},
		"move": func(g *ledger) error {
			if err := g.need(Need{Users: []string{"ann", "bob"}}); err != nil {
				return err
			}
			return g.move("ann", "bob", product, Direct)
		},
		"assign": func(g *ledger) error {
			if err := about(g, id); err != nil {
				return err
			}
			return g.grantLicense(user, id, Direct)
		},
		"terminate": func(g *ledger) error {
			if err := about(g, id); err != nil {
				return err
			}
			return g.terminate(id)
		},
	}
	return func(g *ledger) error {
		if err := about(g); err != nil {
			return err
		}
		return verbs[action](g)
	}
}

// TestLedgerDecidesWithoutAStore takes any sequence of decisions. After each the account is whole,
// and the decision is the same whether all was known before it or only what it asked for; one that
// fails leaves the ledger as it was.
func TestLedgerDecidesWithoutAStore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesert("ann", "bob", "cid")
		for _, product := range []string{"live-reports", "call-queue-booster", "phone-system", "team_chat"} {
			d.stock(product, 2)
		}
		actions := map[string]func(*rapid.T){"": func(t *rapid.T) { d.check(t) }}
		for _, action := range []string{
			"grant", "queue", "leave", "unassign", "lift", "deactivate", "return", "extend", "add-ons", "serve", "move",
			"assign", "terminate",
		} {
			actions[action] = func(t *rapid.T) {
				c := d.commandOf(t, action)
				whole := d.ledger(true)
				before := fmt.Sprintf("%+v", picture(whole))
				all := whole.apply(c)
				if all != nil && fmt.Sprintf("%+v", picture(whole)) != before {
					t.Fatalf("%s failed by %v and changed something", action, all)
				}
				d.at = d.at.Add(-time.Second)
				g := d.ledger(false)
				err := d.decide(g, c)
				if fmt.Sprint(all) != fmt.Sprint(err) {
					t.Fatalf("%s: %v knowing all, %v knowing what it asked for", action, all, err)
				}
				if _, known := problem.From(err); err != nil && !known {
					t.Fatalf("%s: %v", action, err)
				}
				if err == nil && fmt.Sprint(whole.counts) != fmt.Sprint(g.counts) {
					t.Fatalf("%s counts %v knowing all, %v knowing what it asked for", action, whole.counts, g.counts)
				}
			}
		}
		rt.Repeat(actions)
	})
}

// picture is what a decision leaves, to be compared.
func picture(g *ledger) []string {
	var lines []string
	for user, h := range g.holders {
		lines = append(lines, fmt.Sprintf("%s %s %v", user, h.now.Extension, h.now.Active))
		for product, holding := range h.now.Holdings {
			lines = append(lines, fmt.Sprintf("%s %s %+v", user, product, *holding))
		}
	}
	for id, l := range g.licenses {
		lines = append(lines, fmt.Sprintf("%s %+v", id, l.now.License))
	}
	for sort, w := range g.waits {
		lines = append(lines, fmt.Sprintf("%s %+v %v", sort, w.now, w.gone))
	}
	lines = append(lines, fmt.Sprint(g.counts, g.exclusions, len(g.entries)))
	slices.Sort(lines)
	return lines
}

// TestLedgerNamesWhatItNeeds asks for one decision after the other what it must know.
func TestLedgerNamesWhatItNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		command command
		want    func(n *needs) bool
	}{
		"a holder":  {func(g *ledger) error { return g.need(Need{Users: []string{"zoe"}}) }, func(n *needs) bool { return slices.Equal(n.Users, []string{"zoe"}) }},
		"a license": {func(g *ledger) error { return g.need(Need{Licenses: []string{"00000001-0000-4000-8000-000000000000"}}) }, func(n *needs) bool { return slices.Equal(n.Licenses, []string{"00000001-0000-4000-8000-000000000000"}) }},
		"the head of a waiting list": {
			func(g *ledger) error { return g.grant("ann", "live-reports", View) },
			func(n *needs) bool { return slices.Equal(n.heads, []string{"live-reports"}) },
		},
		"a free seat": {
			func(g *ledger) error { return g.grant("ann", "live-reports", Direct) },
			func(n *needs) bool { return slices.Equal(n.seats, []string{"live-reports"}) },
		},
		"free seats of several products at once": {
			func(g *ledger) error {
				g.holders["ann"].now.Holding("phone-system").LicenseID = "l1"
				return g.setAddOns("ann", "phone-system", []string{"team_chat", "call_recording"}, Direct)
			},
			func(n *needs) bool { return len(n.Seats) == 2 },
		},
		"an id": {
			func(g *ledger) error { return g.grant("ann", "essential-user", Direct) },
			func(n *needs) bool { return n.ids == 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesert("ann")
			g := d.ledger(false)
			d.tell(g, &needs{Need: Need{Users: []string{"ann"}}})
			err := g.apply(c.command)
			var n *needs
			if !errors.As(err, &n) || !c.want(n) {
				t.Errorf("%v", err)
			}
			if len(g.counts) > 0 || len(g.entries) > 0 {
				t.Errorf("it has decided something: %v, %v", g.counts, g.entries)
			}
		})
	}
}

// TestHoldersStayWhereTheyAre looks at a holder through a pointer from before a decision that had
// to know more, and one that failed.
func TestHoldersStayWhereTheyAre(t *testing.T) {
	d := newDesert("ann")
	d.stock("live-reports", 1)
	g := d.ledger(false)
	d.tell(g, &needs{Need: Need{Users: []string{"ann"}}})
	h, err := g.Holder("ann")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.decide(
		g,
		func(g *ledger) error { return g.grant("ann", "live-reports", Direct) },
	); err != nil ||
		!h.Holds("live-reports") {
		t.Errorf("%+v, %v", h, err)
	}
	if err := d.decide(
		g,
		func(g *ledger) error { return g.grant("ann", "client-crm", Direct) },
	); err == nil ||
		h.Holdings["client-crm"] != nil {
		t.Errorf("%+v, %v", h, err)
	}
}

// TestSettlingThatDoesNotComeToRest says so (issue 12.3): here one product excludes the other,
// which needs it.
func TestSettlingThatDoesNotComeToRest(t *testing.T) {
	d := newDesert("ann")
	d.products = catalog.New(catalog.Definition{Products: []catalog.Product{
		{
			ID:       "a",
			Kind:     catalog.Metered,
			Excludes: []string{"b"},
		},
		{ID: "b", Kind: catalog.Metered, Requires: []string{"a"}},
	}})
	for _, product := range []string{"a", "b"} {
		d.holders["ann"].now.Holding(product).Grants = sourced(RoleGrant("r1"))
	}
	g := d.ledger(true)
	d.tell(g, &needs{ids: 40})
	before := picture(g)
	if err := g.apply(
		func(g *ledger) error { return g.resettle("ann") },
	); err == nil ||
		!strings.Contains(err.Error(), "come to rest") {
		t.Errorf("%v", err)
	}
	if after := picture(g); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}

// TestDrawingAsksForTheNextPart draws beyond the part of a reservation that is known: the ledger
// asks for the next one, and takes nothing out of the pool meanwhile.
func TestDrawingAsksForTheNextPart(t *testing.T) {
	d := newDesert("ann", "bob")
	d.stock("live-reports", 2)
	g := d.ledger(true)
	first := offer{Document: d.licenses[slices.Sorted(maps.Keys(d.licenses))[0]].now, LicenseVersion: 1}
	g.reserving, g.drawn = true, map[string]int64{}
	g.chunks["live-reports"] = &reservedSeats{reserved: reserved{Offers: []offer{first}}}
	if err := g.apply(func(g *ledger) error { return g.grant("ann", "live-reports", Direct) }); err != nil {
		t.Fatal(err)
	}
	err := g.apply(func(g *ledger) error { return g.grant("bob", "live-reports", Direct) })
	var n *needs
	if !errors.As(err, &n) || !slices.Equal(n.reserved, []string{"live-reports"}) {
		t.Errorf("%v", err)
	}
}
