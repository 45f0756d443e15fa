package license

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Operations are what the change does, ready to be committed. Effects of other modules may be
// committed with them.
func (u *UnitOfWork) Operations() ([]table.Operation, error) {
	var w writes
	for user, h := range inOrder(u.holders) {
		u.writeHolder(&w, user, h)
	}
	u.writeLicenses(&w)
	for key, x := range inOrder(u.extensions) {
		gone := x.now.UserID == "" && x.now.Number == ""
		left(&w, x, gone, table.Item{Key: record.ExtensionKey(u.account, key)})
	}
	for number, n := range inOrder(u.numbers) {
		left(&w, n, n.now == "", table.Item{Key: record.NumberKey(u.account, number)})
	}
	for sort, wait := range inOrder(u.waits) {
		item := table.Item{Key: record.WaitKey(u.account, sort)}
		item.IndexKeys[2] = record.WaitingMarkers.Place(u.account, sort)
		left(&w, wait, wait.gone, item)
	}
	for sort, excluded := range inOrder(u.exclusions) {
		u.writeExclusion(&w, sort, excluded)
	}
	u.writeSpans(&w)
	// What is bought can never fall below zero but by a fault of ours, which its bound keeps from
	// being committed (invariant I1); what is assigned is guarded by the license items themselves.
	w.add(u.takenOperations()...)
	w.add(boughtOperations(u.c, u.bought)...)
	w.add(peopleOperations(u.account, u.people)...)
	if len(w.ops) > 0 {
		for code := range u.costCenters {
			w.add(table.Check(CostCenterKey(u.account, code), table.IfPresent))
		}
	}
	audits, err := u.c.Audited(u.told()...)
	if err != nil {
		return nil, err
	}
	w.add(audits...)
	return w.ops, w.err
}

// writes gathers the operations of a commit. The first document that cannot be encoded is its error.
type writes struct {
	ops []table.Operation
	err error
}

func (w *writes) add(ops ...table.Operation) { w.ops = append(w.ops, ops...) }

// put writes a document as the data of an item.
func (w *writes) put(item table.Item, document any, cond table.Condition) {
	var err error
	if item.Data, err = call.Encode(document); err != nil && w.err == nil {
		w.err = err
	}
	version := item.Version
	op := table.Put(item, cond)
	if version != 0 {
		op.Item.Version = version
	}
	w.add(op)
}

// commit hands the operations to what commits them.
func (w *writes) commit(ctx context.Context, commit func(ctx context.Context, ops []table.Operation) error) error {
	if w.err != nil {
		return w.err
	}
	return commit(ctx, w.ops)
}

// inOrder is a map in the order of its keys.
func inOrder[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

// told are the change's records. The last one of each license says how the license is left;
// licenses that stay with their holder, and have other grants behind them than before, get a record
// of their own. Of a license that is left as it was, taken and given back by the same change, there
// is nothing to tell: it is not even written, so no condition says that it was free.
func (u *UnitOfWork) told() []call.AuditEntry {
	last := map[string]int{}
	var records []call.AuditEntry
	for _, r := range u.entries {
		if r.Subject == subjectLicense {
			if !u.licenses[r.SubjectID].changed() {
				continue
			}
			last[r.SubjectID] = len(records)
		}
		records = append(records, r)
	}
	for id, i := range last {
		records[i].After = seatOf(u.licenses[id].now)
	}
	for id, l := range inOrder(u.licenses) {
		if _, spoken := last[id]; !spoken && l.now.UserID != "" && !slices.Equal(l.before.Grants, l.now.Grants) {
			records = append(records, u.seatChange("license.regranted", l, l.now.UserID, grantReason(l.now.Grants)))
		}
	}
	return records
}

// Commit commits the change with the answer and, if given, effects of other modules; it then looks
// again at the waiting lists that the change concerns.
//
// Errors: a *table.ConditionError when something it relied on changed meanwhile: decide again
// (call.Decide); errTooMuch.
func (u *UnitOfWork) Commit(ctx context.Context, answer call.Answer, more ...table.Operation) error {
	ops, err := u.Operations()
	if err != nil {
		return err
	}
	if ops = append(ops, more...); len(ops) > u.c.Spare() {
		return errTooMuch
	}
	if err := u.c.Commit(ctx, answer, ops...); err != nil {
		return err
	}
	u.Committed(ctx)
	return nil
}

// errTooMuch says that a change does not fit into one commit.
var errTooMuch = errors.New("too much for one commit")

// Fits says whether the change fits into one commit together with a number of operations of other
// modules.
func (u *UnitOfWork) Fits(more int) (bool, error) {
	ops, err := u.Operations()
	return len(ops)+more <= u.c.Spare(), err
}

// Committed does what follows a commit of the change's Operations by other means than Commit. The
// commit stands whatever becomes of this.
func (u *UnitOfWork) Committed(ctx context.Context) {
	for _, marker := range u.unsure {
		u.service.records.Confirm(marker)
	}
	u.service.serveSoon(ctx, u.c, u.look)
}

func (u *UnitOfWork) writeHolder(w *writes, user string, h *state[Holder]) {
	writeWords(w, u.account, h)
	item := u.service.holderItem(u.account, &h.now)
	item.Version = u.c.NextVersion(h.exists, h.version)
	if !left(w, h, h.gone, item) && u.required[user] {
		w.add(table.Check(item.Key, table.IfVersion(h.version)))
	}
}

// left writes what the decision leaves of an item, and says whether it had to: the item is deleted
// if it is gone, and written where it is not as it was read.
func left[T any](w *writes, s *state[T], gone bool, item table.Item) bool {
	cond := table.IfAbsent
	if s.exists {
		cond = table.IfVersion(s.version)
	}
	switch {
	case gone && s.exists:
		w.add(table.Delete(item.Key, cond))
	case gone || !s.changed():
		return false
	default:
		w.put(item, s.now, cond)
	}
	return true
}

func (u *UnitOfWork) writeLicenses(w *writes) {
	before := len(w.ops)
	for _, l := range inOrder(u.licenses) {
		item := u.service.records.Item(u.account, l.now)
		written := left(w, &l.state, false, item)
		if !written && l.now.ID == u.subject && l.exists {
			w.add(table.Check(item.Key, table.IfVersion(l.version)))
		}
		u.writeOffer(w, l, written)
	}
	if len(w.ops) == before {
		return
	}
	for _, marker := range u.unsure {
		w.add(table.Check(marker, table.IfPresent))
	}
}

// writeOffer writes what becomes of a license's entry in the pool when the license is written, or
// not written.
func (u *UnitOfWork) writeOffer(w *writes, l *licenseState, written bool) {
	offered := l.exists && l.before.Status == Available && !l.drawn
	free := l.now.Status == Available && l.now.Kind.Purchasable()
	o := offer{Document: l.now, LicenseVersion: l.state.after()}
	switch {
	case !written && !l.drawn:
	case offered && !free:
		// who takes it must find it in the pool, where a reserved one is not
		w.add(table.Delete(l.before.FreeKey(u.account), table.IfPresent))
	case !free:
	case offered:
		w.offer(u.account, o, table.IfPresent) // otherwise it is reserved
	case written:
		w.offer(u.account, o, table.Always)
	default: // drawn, and given back by the same change
		w.offer(u.account, o, table.IfAbsent)
	}
}

// offer puts a free license into the pool. The entry has the version of its license, so that who
// takes it away by the entry alone takes what it has read.
func (w *writes) offer(account string, o offer, cond table.Condition) {
	w.put(table.Item{Key: o.FreeKey(account), Version: o.LicenseVersion}, o, cond)
}

func (u *UnitOfWork) writeExclusion(w *writes, sort string, excluded bool) {
	product, user, _ := strings.Cut(sort, "#")
	key := record.ExclusionKey(u.account, product, user)
	if !excluded {
		w.add(table.Delete(key, table.Always))
		return
	}
	name := u.holders[user].now.Name
	told := record.Excluded{ProductID: product, UserID: user, UserName: name, Since: u.at, By: u.actor}
	w.put(table.Item{Key: key, Version: table.VersionAt(u.at)}, told, table.Always)
}

// takenOperations add to the counts of what is assigned, what is reserved, and who waits. Where a
// seat was given that a fence could keep from its holder, they demand that the fences are as they
// were read: this is the one item of the commit that is anybody's, and so none is hot.
func (u *UnitOfWork) takenOperations() []table.Operation {
	var guard []table.Bound
	if u.relied {
		epoch := u.fences.Epoch
		guard = append(guard, table.Bound{Name: record.CountFences, Min: &epoch, Max: &epoch})
	}
	return takenOperations(u.c, u.counts, guard...)
}

// peopleOperations count the users of cost centers.
func peopleOperations(account string, people map[string]int64) []table.Operation {
	var ops []table.Operation
	for code, by := range inOrder(people) {
		if by != 0 {
			ops = append(ops, table.Add(record.PeopleKey(account, code), table.AtLeast(record.CountPeople, by, 0)))
		}
	}
	return ops
}

// takenOperations add to the counts of what is assigned, what is reserved, and who waits, and demand
// what else one of the items must count.
func takenOperations(c *call.Call, counts map[string]int64, taken ...table.Bound) []table.Operation {
	for name, by := range inOrder(counts) {
		if by != 0 {
			taken = append(taken, table.Bound{Name: name, By: by})
		}
	}
	var ops []table.Operation
	shard := c.Env.Pick(record.TakenShards)
	for bounds := range slices.Chunk(taken, table.MaxBounds) {
		ops = append(ops, table.Add(record.TakenKey(c.Account, shard), bounds...))
		shard++
	}
	return ops
}

// boughtOperations add to, or take from, the counts of what is bought, and note it on the item of
// the quarter of an hour.
func boughtOperations(c *call.Call, bought map[table.Key]int64) []table.Operation {
	var ops []table.Operation
	var noted []table.Bound
	for _, key := range slices.SortedFunc(maps.Keys(bought), table.Key.Compare) {
		by := bought[key]
		if by == 0 {
			continue
		}
		ops = append(ops, table.Add(key, table.AtLeast(record.CountBought, by, 0)))
		if key.Partition == record.SeatsPartition(c.Account) {
			noted = append(noted, table.Bound{Name: record.CountName(record.CountBought, key.Sort), By: by})
		}
	}
	if len(noted) > 0 {
		ops = append(ops, table.Add(record.BoughtQuarterKey(c.Account, c.At), noted...))
	}
	return ops
}
