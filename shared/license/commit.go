package license

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Operations are what the change does, ready to be committed. Effects of other modules may be
// committed with them.
func (u *UnitOfWork) Operations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, step := range []func() ([]table.Operation, error){
		u.holderOperations, u.licenseOperations, u.extensionOperations,
		u.waitOperations, u.exclusionOperations, u.countOperations,
	} {
		more, err := step()
		if err != nil {
			return nil, err
		}
		ops = append(ops, more...)
	}
	told, err := u.told()
	if err != nil {
		return nil, err
	}
	audits, err := u.c.Audited(told...)
	if err != nil {
		return nil, err
	}
	return append(ops, audits...), nil
}

// told are the change's records. The last one of each license says how the license is left;
// licenses that stay with their holder, and have other grants behind them than before, get a record
// of their own. Of a license that is left as it was, taken and given back by the same change, there
// is nothing to tell: it is not even written, so no condition says that it was free.
func (u *UnitOfWork) told() ([]call.AuditEntry, error) {
	var records []call.AuditEntry
	for _, r := range u.entries {
		if l := u.licenses[r.SubjectID]; r.Subject == subjectLicense && l != nil {
			switch changed, err := l.changed(); {
			case err != nil:
				return nil, err
			case !changed:
				continue
			}
		}
		records = append(records, r)
	}
	spoken := map[string]bool{}
	for i, r := range slices.Backward(records) {
		if l := u.licenses[r.SubjectID]; r.Subject == subjectLicense && l != nil && !spoken[r.SubjectID] {
			spoken[r.SubjectID], records[i].After = true, seatOf(l.now)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(u.licenses)) {
		l := u.licenses[id]
		if !spoken[id] && l.now.UserID != "" && !slices.Equal(l.before.Grants, l.now.Grants) {
			records = append(records, u.seatChange("license.regranted", l, l.now.UserID, grantReason(l.now.Grants)))
		}
	}
	return records, nil
}

// Commit commits the change with the answer and, if given, effects of other modules; it then looks
// again at the waiting lists that the change concerns.
//
// Errors: a *table.ConditionError when something it relied on changed meanwhile: decide again
// (call.Decide).
func (u *UnitOfWork) Commit(ctx context.Context, answer call.Answer, more ...table.Operation) error {
	ops, err := u.Operations()
	if err != nil {
		return err
	}
	return u.commit(ctx, answer, append(ops, more...))
}

// commit is Commit of these operations.
func (u *UnitOfWork) commit(ctx context.Context, answer call.Answer, ops []table.Operation) error {
	if err := u.c.Commit(ctx, answer, ops...); err != nil {
		return err
	}
	u.Committed(ctx)
	return nil
}

// Fits says whether the change fits into one commit together with a number of operations of other
// modules.
func (u *UnitOfWork) Fits(more int) (bool, error) {
	_, fits, err := u.operations(more)
	return fits, err
}

// Committed does what follows a commit of the change's Operations by other means than Commit. The
// commit stands whatever becomes of this.
func (u *UnitOfWork) Committed(ctx context.Context) {
	for _, marker := range u.unsure {
		u.service.records.Confirm(marker)
	}
	for _, product := range slices.Sorted(maps.Keys(u.look)) {
		u.service.drainSoon(ctx, u.c, product)
	}
}

func (u *UnitOfWork) holderOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, user := range slices.Sorted(maps.Keys(u.holders)) {
		h := u.holders[user]
		key := HolderKey(u.c.Account, user)
		words, err := h.wordOperations(u.c.Account)
		if err != nil {
			return nil, err
		}
		ops = append(ops, words...)
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
			if u.required[user] {
				ops = append(ops, table.Check(key, table.IfVersion(h.version)))
			}
			continue
		}
		ops = append(ops, u.c.Put(u.service.holderItem(u.c.Account, &h.Holder, data), h.exists, h.version))
	}
	return ops, nil
}

func version(exists bool, v int64) table.Condition {
	if exists {
		return table.IfVersion(v)
	}
	return table.IfAbsent
}

func (u *UnitOfWork) licenseOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, id := range slices.Sorted(maps.Keys(u.licenses)) {
		l := u.licenses[id]
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
				if l.drawn { // and given back by the same change
					back, err := offerOperation(
						u.c.Account,
						offer{Document: l.now, LicenseVersion: l.version},
						table.IfAbsent,
					)
					if err != nil {
						return nil, err
					}
					ops = append(ops, back)
				}
				continue
			}
		}
		put := table.Put(u.service.records.Item(u.c.Account, l.now, data), version(l.exists, l.version))
		ops = append(ops, put)
		switch {
		case l.now.Status == Available && l.now.Kind.Purchasable():
			cond := table.Always
			if l.exists && l.before.Status == Available && !l.drawn {
				cond = table.IfPresent // otherwise it is reserved
			}
			entry, err := offerOperation(u.c.Account, offer{Document: l.now, LicenseVersion: put.Item.Version}, cond)
			if err != nil {
				return nil, err
			}
			ops = append(ops, entry)
		case l.exists && l.before.Status == Available && !l.drawn:
			// who takes it must find it in the pool, where a reserved one is not
			ops = append(ops, table.Delete(l.before.FreeKey(u.c.Account), table.IfPresent))
		}
	}
	if len(ops) > 0 {
		for _, marker := range u.unsure {
			ops = append(ops, table.Check(marker, table.IfPresent))
		}
	}
	return ops, nil
}

// offerOperation puts a free license into the pool. The entry has the version of its license, so
// that who takes it away by the entry alone takes what it has read.
func offerOperation(account string, o offer, cond table.Condition) (table.Operation, error) {
	data, err := call.Encode(o)
	if err != nil {
		return table.Operation{}, err
	}
	op := table.Put(table.Item{Key: o.FreeKey(account), Data: data}, cond)
	op.Item.Version = o.LicenseVersion
	return op, nil
}

func (u *UnitOfWork) extensionOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, key := range slices.Sorted(maps.Keys(u.extensions)) {
		x := u.extensions[key]
		gone := x.now.UserID == "" && x.now.Number == ""
		op, err := left(record.ExtensionKey(u.c.Account, key), x, gone)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op...)
	}
	for _, number := range slices.Sorted(maps.Keys(u.numbers)) {
		n := u.numbers[number]
		op, err := left(record.NumberKey(u.c.Account, number), n, n.now == "")
		if err != nil {
			return nil, err
		}
		ops = append(ops, op...)
	}
	return ops, nil
}

// left writes a document as the change leaves it, or deletes one that is gone; nothing for one that
// is as it was.
func left[T any](at table.Key, s *state[T], gone bool) ([]table.Operation, error) {
	data, err := call.Encode(s.now)
	switch {
	case err != nil:
		return nil, err
	case gone && s.exists:
		return []table.Operation{table.Delete(at, table.IfVersion(s.version))}, nil
	case gone, s.exists && bytes.Equal(data, s.raw):
		return nil, nil
	}
	return []table.Operation{table.Put(table.Item{Key: at, Data: data}, version(s.exists, s.version))}, nil
}

func (u *UnitOfWork) waitOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, sort := range slices.Sorted(maps.Keys(u.waits)) {
		w := u.waits[sort]
		key := record.WaitKey(u.c.Account, sort)
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
		item.IndexKeys[2] = table.Key{Partition: record.WaitingMarkers, Sort: u.c.Account + "#" + sort}
		ops = append(ops, table.Put(item, version(w.exists, w.version)))
	}
	return ops, nil
}

func (u *UnitOfWork) exclusionOperations() ([]table.Operation, error) {
	var ops []table.Operation
	for _, sort := range slices.Sorted(maps.Keys(u.exclusions)) {
		product, user, _ := strings.Cut(sort, "#")
		key := record.ExclusionKey(u.c.Account, product, user)
		if !u.exclusions[sort] {
			ops = append(ops, table.Delete(key, table.Always))
			continue
		}
		data, err := call.Encode(
			record.Excluded{
				ProductID: product,
				UserID:    user,
				UserName:  u.holders[user].Name,
				Since:     u.c.At,
				By:        u.c.Actor,
			},
		)
		if err != nil {
			return nil, err
		}
		ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.Always))
	}
	return ops, nil
}

// countOperations add up what the change did. What is bought can never fall below zero but by a
// fault of ours, which its bound keeps from being committed (invariant I1); what is assigned is
// guarded by the license items themselves.
func (u *UnitOfWork) countOperations() ([]table.Operation, error) {
	var taken []table.Bound
	for _, name := range slices.Sorted(maps.Keys(u.counts)) {
		if by := u.counts[name]; by != 0 {
			taken = append(taken, table.Bound{Name: name, By: by})
		}
	}
	var ops []table.Operation
	shard := rand.IntN(record.TakenShards)
	for bounds := range slices.Chunk(taken, table.MaxBounds) {
		ops = append(ops, table.Add(record.TakenKey(u.c.Account, shard), bounds...))
		shard++
	}
	keys := slices.SortedFunc(maps.Keys(u.bought), func(a, b table.Key) int {
		return strings.Compare(a.Partition+"\x00"+a.Sort, b.Partition+"\x00"+b.Sort)
	})
	for _, key := range keys {
		if by := u.bought[key]; by != 0 {
			ops = append(ops, table.Add(key, table.AtLeast(record.CountBought, by, 0)))
		}
	}
	return append(ops, dayOperations(u.c, u.bought)...), nil
}

// Drain serves the waiting list of a product from the seats that are free, in order, until one of
// the two is empty. Whoever frees a seat hands it over in the same commit when somebody waits;
// Drain is for seats that are bought, and for the moment in which one user began to wait while
// another's seat was being freed: both then look again after their own commit, with strongly
// consistent reads, so at least the later of them sees the other. A crash before that look is
// mended by the maintenance function, which drains every list in WaitingMarkers. It returns how
// many it served.
func (d *Service) Drain(ctx context.Context, c *call.Call, product string) (int, error) {
	served := 0
	for {
		done := true
		err := call.Decide(ctx, func(ctx context.Context) error {
			n, more, err := d.drainSome(ctx, c.Apart(), product)
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

// drainBatch is how many of the waiting are served in one commit: each takes a holder, a license, a
// pool entry, a waiting entry and an audit record with its second place, and more when the seat
// makes another one unnecessary.
const drainBatch = 15

func (d *Service) drainSome(ctx context.Context, c *call.Call, product string) (served int, more bool, err error) {
	for size := drainBatch; ; size /= 2 {
		u := d.Change(c)
		var served int
		var moved bool
		err := u.do(ctx, func(g *ledger) (err error) {
			served, moved, err = g.serve(product, size)
			return err
		})
		if err != nil || !moved {
			return 0, false, err
		}
		ops, fits, err := u.operations(0)
		if err != nil {
			return 0, false, err
		}
		if !fits && size > 1 {
			continue
		}
		if err := c.Commit(ctx, call.Answer{}, ops...); err != nil {
			return 0, false, err
		}
		delete(u.look, product) // whoever asked looks at it again
		u.Committed(ctx)
		return served, true, nil
	}
}
