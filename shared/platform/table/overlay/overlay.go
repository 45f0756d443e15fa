// Package overlay is a store over a store, for one dry run: commits are judged by the same
// conditions and limits, kept in memory, and seen by what is read later, in indexes too. They never
// reach the store beneath (requirements, section 12, "Dry run"; design, decision 16).
package overlay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"seatwise/shared/platform/table"
)

// Overlay is what a dry run has committed. It is safe for concurrent use.
type Overlay struct {
	beneath table.Store

	mu sync.Mutex
	// read is how the items were when they were first asked for by their keys; a zero Item with
	// exists false is one that was not there. What was read once stays as it was, so that a dry run
	// is of one state as far as it looks at the same things again.
	read map[table.Key]state
	// now is what commits have made of them.
	now map[table.Key]state
	// committed is told of each commit; nil for nobody.
	committed func([]Change)
	// placed are the items of now by the partitions in which they lie, of the table and of the indexes, in
	// their order there: a query takes its range, however much a dry run has committed beside it.
	placed map[place][]spot
}

var _ table.Store = (*Overlay)(nil)

type state struct {
	item   table.Item
	exists bool
}

type place struct {
	index     table.Index
	partition string
}

// Change is an item that differs, or may differ, from what is beneath.
type Change struct {
	Key           table.Key
	Before, After table.Item
	// Was and Is say whether there is a Before and an After.
	Was, Is bool
}

// New makes an overlay in which nothing is committed yet.
func New(beneath table.Store) *Overlay {
	if s, ok := beneath.(switched); ok { // which would lead back here
		beneath = s.Store
	}
	return &Overlay{
		beneath: beneath, read: map[table.Key]state{}, now: map[table.Key]state{},
		placed: map[place][]spot{},
	}
}

// Committed has each commit told of, with what it has changed.
func (o *Overlay) Committed(tell func([]Change)) { o.committed = tell }

// Before is the state as it was before the commits, as far as it was looked at, and what is beneath
// otherwise.
func (o *Overlay) Before() table.Store {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := New(o.beneath)
	before.read = maps.Clone(o.read)
	return before
}

// Changes are what the commits have made of the items that they touched, in the order of the keys.
func (o *Overlay) Changes() []Change {
	o.mu.Lock()
	defer o.mu.Unlock()
	changes := make([]Change, 0, len(o.now))
	for key, after := range o.now {
		before := o.read[key]
		if !before.exists && !after.exists {
			continue
		}
		changes = append(changes, changeOf(key, before, after))
	}
	slices.SortFunc(changes, func(a, b Change) int { return a.Key.Compare(b.Key) })
	return changes
}

// Lookup implements table.Store.
func (o *Overlay) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	if err := table.ValidKeys(keys); err != nil {
		return nil, err
	}
	if err := o.learn(ctx, keys); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[table.Key]table.Item{}
	for _, key := range keys {
		if s := o.state(key); s.exists {
			found[key] = copied(s.item)
		}
	}
	return found, nil
}

// state is an item as it is here; it must have been learned.
func (o *Overlay) state(key table.Key) state {
	if s, changed := o.now[key]; changed {
		return s
	}
	return o.read[key]
}

// copied keeps callers from changing what is kept.
func copied(item table.Item) table.Item {
	item.Data, item.Counts = slices.Clone(item.Data), maps.Clone(item.Counts)
	return item
}

// learn reads what is not known yet.
func (o *Overlay) learn(ctx context.Context, keys []table.Key) error {
	o.mu.Lock()
	var missing []table.Key
	for _, key := range keys {
		if _, known := o.read[key]; !known && !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	o.mu.Unlock()
	if len(missing) == 0 {
		return ctx.Err()
	}
	found, err := o.beneath.Lookup(ctx, missing...)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range missing {
		item, exists := found[key]
		o.note(key, state{item, exists})
	}
	return nil
}

// note keeps what was read, unless it was read before.
func (o *Overlay) note(key table.Key, s state) {
	if _, known := o.read[key]; !known {
		o.read[key] = s
	}
}

// Commit implements table.Store.
func (o *Overlay) Commit(ctx context.Context, ops []table.Operation) error {
	if err := table.ValidCommit(ops); err != nil {
		return err
	}
	keys := make([]table.Key, len(ops))
	for i := range ops {
		keys[i] = ops[i].Item.Key
	}
	if err := o.learn(ctx, keys); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	refused := &table.ConditionError{}
	after := make([]state, len(ops))
	for i, op := range ops {
		var ok bool
		if after[i], ok = applied(op, o.state(op.Item.Key)); !ok {
			refused.Failed, refused.Keys = append(refused.Failed, i), append(refused.Keys, op.Item.Key)
		}
	}
	if len(refused.Failed) > 0 {
		return refused
	}
	for i, op := range ops {
		if size := table.Size(after[i].item); op.Kind == table.KindAdd && size > table.MaxItemBytes {
			return &table.LimitError{What: fmt.Sprintf("item %s grew to %d bytes", op.Item.Key, size)}
		}
	}
	var changes []Change
	for i, op := range ops {
		if op.Kind == table.KindCheck {
			continue
		}
		key, before := op.Item.Key, o.state(op.Item.Key)
		o.set(key, after[i])
		changes = append(changes, changeOf(key, before, after[i]))
	}
	if o.committed != nil {
		o.committed(changes)
	}
	return nil
}

func changeOf(key table.Key, before, after state) Change {
	return Change{Key: key, Before: before.item, After: after.item, Was: before.exists, Is: after.exists}
}

// applied is what an operation makes of an item; ok says that its condition and its bounds allow it.
func applied(op table.Operation, before state) (after state, ok bool) {
	if !op.Cond.Met(before.item, before.exists) {
		return before, false
	}
	switch op.Kind {
	case table.KindPut:
		return state{copied(op.Item), true}, true
	case table.KindDelete:
		return state{}, true
	case table.KindCheck:
		return before, true
	case table.KindAdd:
	}
	after = state{copied(before.item), true}
	after.item.Key = op.Item.Key
	if after.item.Counts == nil {
		after.item.Counts = map[string]int64{}
	}
	for _, b := range op.Bound {
		n := after.item.Counts[b.Name] + b.By
		if !b.Met(n) {
			return before, false
		}
		after.item.Counts[b.Name] = n
	}
	return after, true
}

// set keeps a state, and where its item lies.
func (o *Overlay) set(key table.Key, s state) {
	was := o.now[key]
	for _, at := range places(key, was) {
		if i, ok := slices.BinarySearchFunc(o.placed[at], spotIn(at.index, was.item), compareSpots); ok {
			o.placed[at] = slices.Delete(o.placed[at], i, i+1)
		}
	}
	o.now[key] = s
	for _, at := range places(key, s) {
		lies := spotIn(at.index, s.item)
		i, _ := slices.BinarySearchFunc(o.placed[at], lies, compareSpots)
		o.placed[at] = slices.Insert(o.placed[at], i, lies)
	}
}

// places are the partitions in which an item lies; none when it does not exist.
func places(key table.Key, s state) []place {
	if !s.exists {
		return nil
	}
	all := []place{{table.Base, key.Partition}}
	for i, indexKey := range s.item.IndexKeys {
		if indexKey != (table.Key{}) {
			all = append(all, place{table.Index(i + 1), indexKey.Partition})
		}
	}
	return all
}

// Query implements table.Store. What is beneath is read page by page; what was committed here takes
// its place in them.
func (o *Overlay) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.ValidQuery(&q); err != nil {
		return table.Page{}, err
	}
	page, err := o.beneath.Query(ctx, q)
	if err != nil {
		return table.Page{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	in := stretch{query: q}
	if in.lo, in.hi, _ = q.Range(); q.After != "" {
		sort, base, err := table.DecodeCursor(q)
		if err != nil {
			return table.Page{}, err
		}
		in.after = &spot{sort, base}
	}
	var items []table.Item
	for _, item := range page.Items {
		if _, changed := o.now[item.Key]; changed {
			continue
		}
		if q.Index == table.Base {
			o.note(item.Key, state{item, true})
			was := o.read[item.Key]
			if item = copied(was.item); !was.exists {
				continue // it came after it was looked for
			}
		}
		items = append(items, item)
	}
	if len(page.Items) > 0 && page.Next != "" { // what is behind the last item comes with the next page
		last := page.Items[len(page.Items)-1]
		in.until = &spot{sortIn(q.Index, last), last.Key}
	}
	for _, at := range in.of(o.placed[place{q.Index, q.Partition}]) {
		items = append(items, copied(o.now[at.base].item))
	}
	slices.SortFunc(items, in.compare)
	out := table.Page{Items: items, Next: page.Next}
	if n := fitting(items, q.Limit); n < len(items) {
		last := items[n-1]
		out.Items, out.Next = items[:n], table.EncodeCursor(q, sortIn(q.Index, last), last.Key)
	}
	return out, nil
}

// fitting is how many of the items one page has.
func fitting(items []table.Item, limit int) int {
	size := 0
	for n, item := range items {
		if n == limit || size > table.MaxPageBytes {
			return n
		}
		size += table.Size(item)
	}
	return len(items)
}

func sortIn(index table.Index, item table.Item) string {
	if index == table.Base {
		return item.Sort
	}
	return item.IndexKeys[index-1].Sort
}

// spot is where an item lies in the order of a query.
type spot struct {
	sort string
	base table.Key
}

// stretch is the part of a query's range that a page covers: behind after and up to until.
type stretch struct {
	query        table.Query
	lo, hi       string
	after, until *spot
}

func spotIn(index table.Index, item table.Item) spot { return spot{sortIn(index, item), item.Key} }

func compareSpots(a, b spot) int {
	return cmp.Or(cmp.Compare(a.sort, b.sort), a.base.Compare(b.base))
}

// order is how two spots lie to each other in the direction of the query.
func (s stretch) order(a, b spot) int {
	if s.query.Backwards {
		return -compareSpots(a, b)
	}
	return compareSpots(a, b)
}

func (s stretch) compare(a, b table.Item) int {
	return s.order(spotIn(s.query.Index, a), spotIn(s.query.Index, b))
}

// of are the spots among sorted ones that the page covers, those that come first in the query's direction:
// one more than its limit at most, which says that there are more.
func (s stretch) of(sorted []spot) []spot {
	bySort := func(at spot, sort string) int { return cmp.Compare(at.sort, sort) }
	first, _ := slices.BinarySearchFunc(sorted, s.lo, bySort)
	last := len(sorted)
	if s.hi != "" {
		last, _ = slices.BinarySearchFunc(sorted, s.hi, bySort)
	}
	var in []spot
	for n := range max(0, last-first) {
		at := sorted[first+n]
		if s.query.Backwards {
			at = sorted[last-1-n]
		}
		if s.after != nil && s.order(at, *s.after) <= 0 {
			continue
		}
		if s.until != nil && s.order(at, *s.until) > 0 || s.query.Limit > 0 && len(in) > s.query.Limit {
			break
		}
		in = append(in, at)
	}
	return in
}
