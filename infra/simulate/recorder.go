package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"seatwise/shared/platform/table"
)

// mirrored is an item as the commits made it, or what is left of one that is gone.
type mirrored struct {
	item table.Item
	gone bool
	// serial is the number of the commit that wrote it last.
	serial int
}

// commit is one commit that took effect, with what was there before it.
type commit struct {
	run    *run // nil for the setting up
	ops    []table.Operation
	serial int
	hand   *hand // whose it is, of an admin of some cost centers
}

// mirror is the table as the commits that took effect have made it: what the store must show, and
// what the model is made of.
type mirror struct {
	items map[table.Key]mirrored
	// fresh are the commits that nobody has looked at yet.
	fresh []commit
	made  int
	// wrong is the first commit that wrote what it had no right to; broken the first error of the
	// store that nobody asked for.
	wrong, broken error
}

// witness stands between the faults and the store: it sees what took effect, whatever the caller is
// told, and what a run had read when it wrote.
type recorder struct {
	sim *simulation
	run *run
}

var _ table.Store = recorder{}

// Lookup implements table.Store.
func (w recorder) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	found, err := w.sim.store.Lookup(ctx, keys...)
	w.judge(ctx, err)
	if err == nil {
		w.saw(keys...)
	}
	return found, err
}

// Query implements table.Store.
func (w recorder) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := w.sim.store.Query(ctx, q)
	w.judge(ctx, err)
	for _, item := range page.Items {
		w.saw(item.Key)
	}
	return page, err
}

// Commit implements table.Store.
func (w recorder) Commit(ctx context.Context, ops []table.Operation) error {
	err := w.sim.store.Commit(ctx, ops)
	w.judge(ctx, err)
	if err == nil {
		w.sim.scheduler.mu.Lock()
		defer w.sim.scheduler.mu.Unlock()
		if w.run != nil && w.run.dry {
			w.sim.mirror.blame(fmt.Errorf("I21: a dry run of %s commits %v", w.run.what, ops))
		}
		w.sim.mirror.take(w.run, ops)
	}
	return err
}

// saw notes which state of some items the run has read.
func (w recorder) saw(keys ...table.Key) {
	if w.run == nil {
		return
	}
	w.sim.scheduler.mu.Lock()
	defer w.sim.scheduler.mu.Unlock()
	for _, key := range keys {
		w.run.seen[key] = w.sim.mirror.items[key].serial
	}
	w.learn(keys)
}

// judge notes an error that no fault of the simulation explains: what a store refuses by the port's
// rules is none.
func (w recorder) judge(ctx context.Context, err error) {
	var limit *table.LimitError
	_, refused := table.Refused(err)
	if err == nil || refused || errors.As(err, &limit) || errors.Is(err, table.ErrCursor) || ctx.Err() != nil {
		return
	}
	w.sim.scheduler.mu.Lock()
	defer w.sim.scheduler.mu.Unlock()
	if w.sim.mirror.broken == nil {
		w.sim.mirror.broken = err
	}
}

// take carries a commit out.
func (m *mirror) take(r *run, ops []table.Operation) {
	m.made++
	m.fresh = append(m.fresh, commit{run: r, ops: ops, serial: m.made, hand: r.hand()})
	for i := range ops {
		op := &ops[i]
		key := op.Item.Key
		was := m.items[key]
		m.watch(r, op, was)
		switch op.Kind {
		case table.KindPut:
			m.items[key] = mirrored{item: op.Item, serial: m.made}
		case table.KindDelete:
			m.items[key] = mirrored{gone: true, serial: m.made}
		case table.KindAdd:
			item := was.item
			item.Key, item.Counts = key, maps.Clone(was.item.Counts)
			if item.Counts == nil {
				item.Counts = map[string]int64{}
			}
			for _, b := range op.Bound {
				item.Counts[b.Name] += b.By
			}
			m.items[key] = mirrored{item: item, serial: m.made}
		case table.KindCheck:
			continue
		}
		if r != nil {
			r.seen[key] = m.made
		}
	}
}

// blind are the kinds of items that may be written without having been read: copies and markers,
// whose contents follow from other items; licenses, which are taken by the copy that was read of
// them, and which the model compares with everything around them; and parts that are named by who
// writes them.
var blind = map[string]bool{
	"LICENSE":          true,
	"FREE":             true,
	"EXCLUDED":         true,
	"HOLDERS-WORD":     true,
	"JOBS":             true,
	"ROLE-USERS":       true,
	"MEMBER-OF":        true,
	"ROLLUP":           true,
	"ARRIVED":          true, // named by the call that it is of
	"GONE":             true,
	"USED-PRODUCTS":    true, // says nothing but its key
	"COUNTING":         true, // the same
	"ALERTS":           true, // goes with the open item of its rule, of which the version is demanded
	"REQUEST-PENDING":  true, // goes with its request, of which the version is demanded
	"STATE":            true, // goes with the account, of which the version is demanded
	"MASSCONFIG-PARTS": true,
	"IMPORT-PARTS":     true,
	"PERIOD":           true, // parts are named by the digest of the period, which each of two workers may close
}

// watch looks whether a commit keeps to the account of its run (I9), and overwrites nothing that
// the run has not read: what another run wrote meanwhile would be lost although it was acknowledged
// (I11).
func (m *mirror) watch(r *run, op *table.Operation, was mirrored) {
	key := op.Item.Key
	account, kind, _ := kindOfKey(key)
	if account == "" {
		m.blame(fmt.Errorf("I9: item %s bears no account", key))
	}
	if op.Kind == table.KindCheck {
		return
	}
	if kind == "JOBS" && op.Kind == table.KindPut && op.Item.IndexKeys[2] == (table.Key{}) {
		m.blame(fmt.Errorf("I14: maintenance cannot find marker %s", key))
	}
	for _, place := range op.Item.IndexKeys {
		if place != (table.Key{}) && !bears(place, account) {
			m.blame(fmt.Errorf("I9: item %s stands at %s", key, place))
		}
	}
	for _, other := range accounts {
		if other != account && bytes.Contains(op.Item.Data, []byte(other+"-u")) {
			m.blame(fmt.Errorf("I9: item %s bears a user of %s", key, other))
		}
	}
	if r == nil {
		return
	}
	if r.account != "" && account != r.account {
		m.blame(fmt.Errorf("I9: %s of account %s wrote %s", r.what, r.account, key))
	}
	exists := was.serial > 0 && !was.gone
	parts := strings.HasSuffix(kind, "-PARTS") && key.Sort == "PROGRESS"
	if op.Kind == table.KindAdd || !exists || blind[kind] && !parts {
		return
	}
	if seen, read := r.seen[key]; !read || seen != was.serial {
		m.blame(
			fmt.Errorf("I11: %s overwrites %s as of commit %d, and has read it as of %d", r.what, key, was.serial,
				seen),
		)
	}
}

func (m *mirror) blame(err error) {
	if m.wrong == nil {
		m.wrong = err
	}
}

// bears says whether a place in an index is the account's own, or one of all accounts that names it.
func bears(place table.Key, account string) bool {
	of, kind, _ := kindOfKey(place)
	switch {
	case of != "":
		return of == account
	case kind == "JOBS": // markers of all accounts: kind, account, id
		parts := strings.SplitN(place.Sort, "#", 3)
		return len(parts) == 3 && parts[1] == account
	}
	return place.Sort == account // lists of accounts
}

// kindOfKey takes a key apart: "" is the account of the places of all accounts, the markers', which are
// of the kind JOBS, and lists of accounts.
func kindOfKey(key table.Key) (account, kind, rest string) {
	tail, ours := strings.CutPrefix(key.Partition, "A#")
	if !ours {
		kind, rest, _ = strings.Cut(key.Partition, "#")
		return "", kind, rest
	}
	account, tail, _ = strings.Cut(tail, "#")
	kind, rest, _ = strings.Cut(tail, "#")
	return account, kind, rest
}

// readBack looks whether the store shows what a commit made of its items (I11).
func (m *simulation) readBack(keys []table.Key) {
	for some := range slices.Chunk(keys, table.MaxKeysPerLookup) {
		found, err := m.store.Lookup(context.Background(), some...)
		if err != nil {
			m.fail("read back: %w", err)
			return
		}
		for _, key := range some {
			want := m.mirror.items[key]
			got, there := found[key]
			if there == want.gone || there && !sameItem(got, want.item) {
				m.fail("I11: commit %d made %+v of %s, and the store shows %+v (%v)", want.serial, want.item, key,
					got, there)
			}
		}
	}
}

// readBackAll is readBack of everything.
func (m *simulation) readBackAll() {
	keys := make([]table.Key, 0, len(m.mirror.items))
	for key := range m.mirror.items {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b table.Key) int { return strings.Compare(a.String(), b.String()) })
	m.readBack(keys)
}

func sameItem(a, b table.Item) bool {
	return a.Key == b.Key && a.Version == b.Version && a.IndexKeys == b.IndexKeys && a.Expires == b.Expires &&
		bytes.Equal(a.Data, b.Data) &&
		sameCounts(a.Counts, b.Counts)
}

// sameCounts takes a count that is missing for 0, as the port does.
func sameCounts(a, b map[string]int64) bool {
	for name, n := range a {
		if b[name] != n {
			return false
		}
	}
	for name, n := range b {
		if a[name] != n {
			return false
		}
	}
	return true
}
