package license

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"seatwise/shared/call"
	"seatwise/shared/table"
)

// WaitingMarks is the partition of Index3 in which the entries of all accounts' waiting lists stand, so that the maintenance function finds the lists without
// looking at every account.
const WaitingMarks = "JOBS#WAITING"

// Operations are what the change does, ready to be committed. Effects of other rooms may be committed with them.
func (ch *Change) Operations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, step := range []func() ([]table.Operation, error){
		ch.holderOperations, ch.licenseOperations, ch.extensionOperations, ch.waitOperations, ch.exclusionOperations, ch.countOperations,
	} {
		more, err := step()
		if err != nil {
			return nil, err
		}
		ops = append(ops, more...)
	}
	audits, err := ch.c.Audited(ch.records...)
	if err != nil {
		return nil, err
	}
	return append(ops, audits...), nil
}

// Commit commits the change with the answer and, if given, effects of other rooms; it then looks again at the waiting lists that the change concerns.
//
// Errors: a *table.ConditionError when something it relied on changed meanwhile: decide again (call.Decide).
func (ch *Change) Commit(ctx context.Context, answer call.Answer, more ...table.Operation) error {
	ops, err := ch.Operations()
	if err != nil {
		return err
	}
	if err := ch.c.Commit(ctx, answer, append(ops, more...)...); err != nil {
		return err
	}
	return ch.Committed(ctx)
}

// Committed does what follows a commit of the change's Operations by other means than Commit.
func (ch *Change) Committed(ctx context.Context) error {
	for _, product := range slices.Sorted(maps.Keys(ch.look)) {
		if _, err := ch.desk.Drain(ctx, ch.c, product); err != nil {
			return err
		}
	}
	return nil
}

func (ch *Change) holderOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, user := range slices.Sorted(maps.Keys(ch.holders)) {
		h := ch.holders[user]
		key := HolderKey(ch.c.Account, user)
		if h.gone {
			if h.exists {
				ops = append(ops, table.Delete(key, table.IfVersion(h.version)))
			}
			continue
		}
		data, err := call.Encode(h.Holder)
		if err != nil {
			return nil, err
		}
		if h.exists && bytes.Equal(data, h.before) {
			continue
		}
		ops = append(ops, table.Put(ch.desk.holderItem(ch.c.Account, &h.Holder, data), version(h.exists, h.version)))
	}
	return ops, nil
}

func version(exists bool, v int64) table.Condition {
	if exists {
		return table.IfVersion(v)
	}
	return table.IfAbsent
}

func (ch *Change) licenseOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, id := range slices.Sorted(maps.Keys(ch.licenses)) {
		l := ch.licenses[id]
		data, err := call.Encode(l.now)
		if err != nil {
			return nil, err
		}
		if l.exists {
			was, err := call.Encode(l.before)
			if err != nil {
				return nil, err
			}
			if bytes.Equal(was, data) {
				continue
			}
		}
		put := table.Put(licenseItem(ch.c.Account, l.now, data), version(l.exists, l.version))
		ops = append(ops, put)
		free := freeKey(ch.c.Account, l.now.ProductID, id)
		switch {
		case l.now.Status == Available && l.now.Kind.Purchasable():
			offered, err := call.Encode(offer{stored: l.now, LicenseVersion: put.Item.Version})
			if err != nil {
				return nil, err
			}
			ops = append(ops, table.Put(table.Item{Key: free, Data: offered}, table.Always))
		case l.exists && l.before.Status == Available:
			ops = append(ops, table.Delete(free, table.Always))
		}
	}
	return ops, nil
}

// licenseItem places a license in the indexes by which lists find it; docs/data-model.md says which filter uses which.
func licenseItem(account string, l stored, data []byte) table.Item {
	item := table.Item{Key: licenseKey(account, l.ID), Data: data}
	item.Places[0] = table.Key{Partition: licensesByProduct(account), Sort: strings.Join([]string{l.ProductID, string(l.Status), l.CostCenter, l.ID}, "#")}
	if l.CostCenter != "" {
		item.Places[1] = table.Key{Partition: licensesByCostCenter(account), Sort: strings.Join([]string{l.CostCenter, l.ProductID, string(l.Status), l.ID}, "#")}
	}
	if l.OrderID != "" {
		item.Places[2] = table.Key{Partition: licensesOfOrder(account, l.OrderID), Sort: l.ProductID + "#" + l.ID}
	}
	return item
}

func (ch *Change) extensionOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, key := range slices.Sorted(maps.Keys(ch.extensions)) {
		x := ch.extensions[key]
		at := ExtensionKey(ch.c.Account, key)
		if x.now.UserID == "" && x.now.Number == "" {
			if x.exists {
				ops = append(ops, table.Delete(at, table.IfVersion(x.version)))
			}
			continue
		}
		data, err := call.Encode(x.now)
		if err != nil {
			return nil, err
		}
		if x.exists && bytes.Equal(data, x.raw) {
			continue
		}
		ops = append(ops, table.Put(table.Item{Key: at, Data: data}, version(x.exists, x.version)))
	}
	for _, number := range slices.Sorted(maps.Keys(ch.numbers)) {
		n := ch.numbers[number]
		at := numberKey(ch.c.Account, number)
		switch {
		case n.now == n.raw:
		case n.now == "":
			ops = append(ops, table.Delete(at, table.IfVersion(n.version)))
		default:
			data, err := call.Encode(n.now)
			if err != nil {
				return nil, err
			}
			ops = append(ops, table.Put(table.Item{Key: at, Data: data}, version(n.exists, n.version)))
		}
	}
	return ops, nil
}

func (ch *Change) waitOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, sort := range slices.Sorted(maps.Keys(ch.waits)) {
		w := ch.waits[sort]
		key := waitKey(ch.c.Account, sort)
		if w.gone {
			if w.exists {
				ops = append(ops, table.Delete(key, table.IfVersion(w.version)))
			}
			continue
		}
		if w.exists && !w.dirty {
			continue
		}
		data, err := call.Encode(w.entry)
		if err != nil {
			return nil, err
		}
		item := table.Item{Key: key, Data: data}
		item.Places[2] = table.Key{Partition: WaitingMarks, Sort: ch.c.Account + "#" + sort}
		ops = append(ops, table.Put(item, version(w.exists, w.version)))
	}
	return ops, nil
}

func (ch *Change) exclusionOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, sort := range slices.Sorted(maps.Keys(ch.exclusions)) {
		product, user, _ := strings.Cut(sort, "#")
		key := exclusionKey(ch.c.Account, product, user)
		if !ch.exclusions[sort] {
			ops = append(ops, table.Delete(key, table.Always))
			continue
		}
		data, err := call.Encode(Excluded{ProductID: product, UserID: user, UserName: ch.holders[user].Name, Since: ch.c.At, By: ch.c.Actor})
		if err != nil {
			return nil, err
		}
		ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.Always))
	}
	return ops, nil
}

// countOperations add up what the change did. The bounds can never be met by a fault of a caller: a seat is guarded by its own license item. They stop a
// fault of ours from being committed (invariant I1).
func (ch *Change) countOperations() ([]table.Operation, error) {
	keys := slices.SortedFunc(maps.Keys(ch.counts), func(a, b table.Key) int {
		return strings.Compare(a.Partition+"\x00"+a.Sort, b.Partition+"\x00"+b.Sort)
	})
	var ops []table.Operation
	for _, key := range keys {
		var bounds []table.Bound
		for _, name := range slices.Sorted(maps.Keys(ch.counts[key])) {
			if by := ch.counts[key][name]; by != 0 {
				bounds = append(bounds, table.AtLeast(name, by, 0))
			}
		}
		if len(bounds) > 0 {
			ops = append(ops, table.Add(key, bounds...))
		}
	}
	return ops, nil
}

// confirmed remembers which orders of several commits are known to be confirmed; that never changes back.
type confirmed struct{ orders sync.Map }

func confirmedKey(account, order string) table.Key {
	return table.Key{Partition: call.Partition(account, "CONFIRMED"), Sort: order}
}

// visible says whether a license that was written before its order was confirmed may be seen.
func (d *Desk) visible(ctx context.Context, c *call.Call, l stored) (bool, error) {
	if !l.Pending {
		return true, nil
	}
	name := c.Account + "#" + l.OrderID
	if _, ok := d.known.orders.Load(name); ok {
		return true, nil
	}
	_, found, err := table.Get(ctx, c.Env.Table, confirmedKey(c.Account, l.OrderID))
	if err != nil || !found {
		return false, err
	}
	d.known.orders.Store(name, struct{}{})
	return true, nil
}

// Drain serves the waiting list of a product from the seats that are free, in order, until one of the two is empty. Whoever frees a seat hands it over in the
// same commit when somebody waits; Drain is for seats that are bought, and for the moment in which one user began to wait while another's seat was being
// freed: both then look again after their own commit, with strongly consistent reads, so at least the later of them sees the other. A crash before that look is
// mended by the maintenance function, which drains every list in WaitingMarks. It returns how many it served.
func (d *Desk) Drain(ctx context.Context, c *call.Call, product string) (int, error) {
	served := 0
	for {
		done := true
		err := call.Decide(ctx, func(ctx context.Context) error {
			turn := call.ForEvent(c.Env, c.Account, c.Actor, c.Reason, c.At)
			turn.RequestID = c.RequestID
			n, more, err := d.drainSome(ctx, turn, product)
			if err == nil {
				served, done = served+n, !more
			}
			return err
		})
		if err != nil || done {
			return served, err
		}
	}
}

// drainBatch is how many of the waiting are served in one commit: each takes a holder, a license, a pool entry, a waiting entry, two counts and an audit record.
const drainBatch = 10

func (d *Desk) drainSome(ctx context.Context, c *call.Call, product string) (served int, more bool, err error) {
	p, ok := d.products.Lookup(product)
	if !ok {
		return 0, false, nil
	}
	ch := d.Change(c)
	queue, err := ch.head(ctx, product)
	if err != nil || queue == nil {
		return 0, false, err
	}
	waiting := ch.heads[product].waits
	batch := waiting[:min(len(waiting), drainBatch)]
	users := make([]string, len(batch))
	for i, w := range batch {
		users[i] = w.entry.UserID
	}
	if _, err := ch.Load(ctx, Need{Users: users}); err != nil {
		return 0, false, err
	}
	for _, w := range batch {
		h := ch.holders[w.entry.UserID]
		if h == nil || h.Holdings[product] == nil || h.Holdings[product].Waiting != w.sort {
			continue
		}
		free, err := ch.free(ctx, product)
		if err != nil {
			return 0, false, err
		}
		if free == nil {
			break
		}
		if err := ch.leaveWaiting(ctx, h, p); err != nil {
			return 0, false, err
		}
		ch.take(h, p, free)
		served++
	}
	if served == 0 {
		return 0, false, nil
	}
	ops, err := ch.Operations()
	if err != nil {
		return 0, false, err
	}
	return served, true, c.Commit(ctx, call.Answer{}, ops...)
}
