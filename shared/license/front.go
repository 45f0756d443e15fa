package license

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The front of a product's pool is a few items with known keys that name free licenses. A process that remembers none reads it together with the user, and so assigns one by
// product without a query. The front is no more than a hint, like what a process remembers: a license is taken at the version that is read, and only while it is in the pool,
// so what is wrong in the front costs a refused commit and never a seat. Whatever the front does not name is found in the pool.
const (
	// frontRuns is how many items name licenses as they were delivered, many in a row; frontSingles is how many name one license each, that was given back or read in the pool.
	frontRuns, frontSingles = 8, 8
	// frontNamed is how many licenses one commit names at most.
	frontNamed = 8
	// frontWanted is how many licenses a change may want and still look for them in the front; one that wants more reads the pool.
	frontWanted = 8
	// frontAhead is the most licenses of a run that a process takes out of the front beyond those it needs at once, for the next assignments.
	frontAhead = 24
)

// run is the document of frontKey: a free license, and how many follow it in its order that were as free when this was written.
type run struct {
	offer
	Nth  int `json:"nth,omitempty"`  // its number in the order
	More int `json:"more,omitempty"` // how many follow
	// Missed is how many of the run have refused commits since the last one that did not.
	Missed int `json:"missed,omitempty"`
}

// frontKey is where one item of a product's front lies: first those with runs, then those with single licenses.
func frontKey(account, product string, n int) table.Key {
	return table.Key{Partition: call.Partition(account, "FRONT", product), Sort: fmt.Sprintf("%02d", n)}
}

func frontKeys(account, product string) []table.Key {
	keys := make([]table.Key, frontRuns+frontSingles)
	for n := range keys {
		keys[n] = frontKey(account, product, n)
	}
	return keys
}

// skip is the run without its first n licenses.
func (r run) skip(account string, n int) run {
	if n > 0 {
		r.Nth, r.More = r.Nth+n, r.More-n
		r.ID = deliveredID(account, r.OrderID, r.Nth)
	}
	return r
}

func runOperation(key table.Key, r run, cond table.Condition) (table.Operation, error) {
	data, err := call.Encode(r)
	return table.Put(table.Item{Key: key, Data: data}, cond), err
}

// nameOperation names a single license, in place of one that is named there. The item has the license's version, so that who takes it out notices that another one was named
// meanwhile; if that has the same version, a hint is lost.
func nameOperation(key table.Key, o offer) (table.Operation, error) {
	put, err := runOperation(key, run{offer: o}, table.Always)
	put.Item.Version = o.LicenseVersion
	return put, err
}

// without is what is to be done with an item of the front when the first n licenses of its run are taken out.
func (r run) without(account string, item table.Item, n int) (table.Operation, error) {
	if n > r.More {
		return table.Delete(item.Key, table.IfVersion(item.Version)), nil
	}
	return runOperation(item.Key, r.skip(account, n), table.IfVersion(item.Version))
}

// missed takes the first license of a run out that has refused a commit, and the more of those behind it the more have refused one after the other: where many are gone, the run
// is soon behind them.
func (r run) missed(account string, item table.Item) (table.Operation, error) {
	n := 1 << min(r.Missed, 16)
	r.Missed++
	return r.without(account, item, n)
}

// fronts are the products of which the front is to be read, when so many licenses of each are wanted and there is room for so many keys.
func (ch *Change) fronts(wanted map[string]int, room int) []string {
	total := 0
	for _, n := range wanted {
		total += n
	}
	if total > frontWanted {
		return nil
	}
	var products []string
	for _, product := range slices.Sorted(maps.Keys(wanted)) {
		name := ch.c.Account + "#" + product
		if ch.pools[product] != nil || ch.desk.hints.left(name, ch.c.At) >= wanted[product] || ch.desk.hints.shun(name) {
			continue
		}
		if room -= frontRuns + frontSingles; room > 0 {
			products = append(products, product)
		}
	}
	return products
}

// usedFront is an item of the front of which licenses were read into a pool: these, from the first one of its run on.
type usedFront struct {
	table.Item
	first run
	ids   []string
}

// frontOf fills the pool of a product with as many licenses as are wanted from what was read of its front. Where that names licenses that have refused a commit, others are at
// work: those are taken out, and the pool itself is read.
func (ch *Change) frontOf(product string, wanted int, found map[table.Key]table.Item) error {
	pl := &pool{at: ch.c.At, fronted: true}
	ch.pools[product] = pl
	var named []usedFront
	for _, key := range frontKeys(ch.c.Account, product) {
		item, ok := found[key]
		if !ok {
			continue
		}
		r, err := call.Decode[run](item)
		if err != nil { // it is a hint, and no reason to refuse anything
			pl.missed = append(pl.missed, table.Delete(key, table.IfVersion(item.Version)))
			continue
		}
		named = append(named, usedFront{Item: item, first: r})
		if !ch.suspicious(r) {
			continue
		}
		op, err := r.missed(ch.c.Account, item)
		if err != nil {
			return err
		}
		pl.missed = append(pl.missed, op)
	}
	if len(pl.missed) > 0 {
		return nil
	}
	pl.ahead = ch.desk.hints.ahead(ch.c.Account+"#"+product, ch.c.At)
	wanted += pl.ahead
	for len(named) > 0 && len(pl.free) < wanted {
		i := ch.c.Env.Pick(len(named))
		u := named[i]
		named = slices.Delete(named, i, i+1)
		for len(u.ids) <= u.first.More && len(pl.free) < wanted {
			r := u.first.skip(ch.c.Account, len(u.ids))
			if ch.suspicious(r) {
				break
			}
			u.ids, pl.free = append(u.ids, r.ID), newest(pl.free, r.offer)
		}
		pl.used = append(pl.used, u)
	}
	return nil
}

// suspicious says whether a named license has refused a commit since it was as it is named.
func (ch *Change) suspicious(r run) bool {
	refused, ok := ch.desk.suspects.find(ch.c.Account + "#" + r.ID)
	return ok && refused.version >= r.LicenseVersion
}

// drew says whether the change takes a license of the product of the server's choice.
func (ch *Change) drew(product string) bool {
	for _, l := range ch.licenses {
		if l.pooled && l.now.ProductID == product && l.now.Status != Available {
			return true
		}
	}
	return false
}

// takenOut is what is to be done with an item of the front: out of it go the licenses of its run that the change has taken, and so many after them that the process will remember.
// Those that it names further on are noted; nothing is done when the change has taken none.
func (ch *Change) takenOut(u usedFront, ahead int) (ops []table.Operation, err error) {
	out := 0
	for n, id := range u.ids {
		if ch.licenses[id] != nil {
			out = n + 1
		}
	}
	if out > 0 {
		out = min(out+ahead, len(u.ids))
		u.first.Missed = 0
		op, err := u.first.without(ch.c.Account, u.Item, out)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	for _, id := range u.ids[out:] {
		ch.named[id] = true
	}
	return ops, nil
}

// frontOperations keep the front as the change leaves it, as far as a commit has room for so many operations more: what was taken out of the front is gone from it, and it names
// licenses that were given back, and some of those that had to be read in the pool because it named none.
func (ch *Change) frontOperations(room int) ([]table.Operation, error) {
	clear(ch.named)
	var ops []table.Operation
	for _, product := range slices.Sorted(maps.Keys(ch.pools)) {
		pl := ch.pools[product]
		if !ch.drew(product) {
			continue
		}
		ops = append(ops, pl.missed...)
		for _, u := range pl.used {
			more, err := ch.takenOut(u, pl.ahead)
			if err != nil {
				return nil, err
			}
			ops = append(ops, more...)
		}
	}
	if ch.frontKept = len(ops) <= room; !ch.frontKept {
		return nil, nil // it stays as it was, and so in part wrong
	}
	written := map[table.Key]bool{}
	for _, op := range ops {
		written[op.Item.Key] = true
	}
	left := frontNamed
	for _, o := range ch.frontOffers() {
		key := frontKey(ch.c.Account, o.ProductID, frontRuns+strings.IndexByte("0123456789abcdef", o.ID[0])%frontSingles)
		if len(ops) >= room || left == 0 || written[key] {
			continue
		}
		put, err := nameOperation(key, o)
		if err != nil {
			return nil, err
		}
		ops, written[key], ch.named[o.ID] = append(ops, put), true, true
		left--
	}
	return ops, nil
}

// frontOffers are the free licenses that the change may name in the front. What is left to be handed out right after the commit is not named.
func (ch *Change) frontOffers() []offer {
	var offers []offer
	for _, id := range slices.Sorted(maps.Keys(ch.licenses)) {
		l := ch.licenses[id]
		if !ch.later && l.exists && l.before.Status == Assigned && l.now.Status == Available && l.now.Kind.Purchasable() {
			offers = append(offers, offer{stored: l.now, LicenseVersion: l.version + 1})
		}
	}
	for _, product := range slices.Sorted(maps.Keys(ch.pools)) {
		pl := ch.pools[product]
		if !pl.fronted || !pl.read || !ch.drew(product) {
			continue
		}
		for _, o := range pl.free {
			if ch.licenses[o.ID] == nil {
				offers = append(offers, o)
			}
		}
	}
	return offers
}

// frontDelivered names the licenses of an order that was just confirmed in the front, as far as there is room, and some that are left of a product of which the waiting list was
// served. The order stands whatever becomes of this.
func (d *Desk) frontDelivered(ctx context.Context, c *call.Call, licenses []stored, drained map[string]bool) error {
	var ops []table.Operation
	for _, product := range slices.Sorted(maps.Keys(drained)) {
		left, err := d.offered(ctx, c, product, frontSingles)
		if err != nil {
			return err
		}
		for i, o := range left {
			put, err := nameOperation(frontKey(c.Account, product, frontRuns+i), o)
			if err != nil {
				return err
			}
			ops = append(ops, put)
		}
	}
	runs := map[string][]run{} // by product
	for n, l := range licenses {
		if drained[l.ProductID] {
			continue
		}
		list := runs[l.ProductID]
		if i := len(list) - 1; i >= 0 && list[i].Nth+list[i].More+1 == n && list[i].CostCenter == l.CostCenter {
			list[i].More++
			continue
		}
		runs[l.ProductID] = append(list, run{offer: offer{stored: l, LicenseVersion: deliveredVersion}, Nth: n})
	}
	var keys []table.Key
	for _, product := range slices.Sorted(maps.Keys(runs)) {
		keys = append(keys, frontKeys(c.Account, product)[:frontRuns]...)
	}
	found, err := c.Env.Table.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	for _, product := range slices.Sorted(maps.Keys(runs)) {
		empty := slices.DeleteFunc(frontKeys(c.Account, product)[:frontRuns], func(key table.Key) bool {
			_, ok := found[key]
			return ok
		})
		for i, r := range spread(c.Account, runs[product], len(empty)) {
			put, err := runOperation(empty[i], r, table.IfAbsent)
			if err != nil {
				return err
			}
			ops = append(ops, put)
		}
	}
	for batch := range slices.Chunk(ops, table.MaxOperations) {
		if err := c.Env.Table.Commit(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// spread divides runs until there are so many, the longest first, and leaves out the shortest when there are more.
func spread(account string, runs []run, n int) []run {
	longest := func() int {
		at := 0
		for i, r := range runs {
			if r.More > runs[at].More {
				at = i
			}
		}
		return at
	}
	for len(runs) < n && runs[longest()].More > 0 {
		i := longest()
		half := (runs[i].More + 1) / 2
		second := runs[i].skip(account, half)
		runs[i].More = half - 1
		runs = append(runs, second)
	}
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(b.More, a.More) })
	return runs[:min(n, len(runs))]
}
