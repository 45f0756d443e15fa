// Package tabletest is the contract of table.Store as tests. Every adapter passes all of it.
//
// The suite keeps to keys of its own, so the stores that it opens may share one table, with other
// runs of the suite too.
package tabletest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/shared/platform/table"
)

// Open opens a store for one test and closes it at the test's end. Stores of different calls may
// share their items or not.
type Open func(t *testing.T) table.Store

// Run is the whole contract.
func Run(t *testing.T, open Open) {
	t.Helper()
	Semantics(t, open)
	Concurrency(t, open)
}

// Semantics is the part of the contract that one caller can see, but for the tests that are named.
func Semantics(t *testing.T, open Open, except ...string) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, f *fixture)
	}{
		{"PutAndGet", putAndGet},
		{"Lookup", lookup},
		{"Versions", versions},
		{"Delete", deleting},
		{"Check", checking},
		{"Add", adding},
		{"AddBounds", addBounds},
		{"EveryFailedConditionIsNamed", failuresNamed},
		{"AllOrNothing", allOrNothing},
		{"Places", indexKeys},
		{"Keys", strangeKeys},
		{"QueryRanges", queryRanges},
		{"QueryPages", queryPages},
		{"QueryIndexPages", queryIndexPages},
		{"QueryLargeItems", queryLargeItems},
		{"CursorsOfOthers", cursorsOfOthers},
		{"CursorsHoldUnderChange", cursorsHold},
		{"CommitLimits", commitLimits},
		{"ReadLimits", readLimits},
		{"ContextIsHonoured", contextHonoured},
	} {
		if slices.Contains(except, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.test(t, newFixture(t, open))
		})
	}
}

// fixture is a store and a name that no other test uses.
type fixture struct {
	table.Store
	ctx  context.Context //nolint:containedctx // A test's context lives as long as the fixture.
	name string
}

func newFixture(t *testing.T, open Open) *fixture {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return &fixture{Store: open(t), ctx: ctx, name: "T#" + rand.Text()}
}

// key is a key of this test: in a partition of its own, or in one of several.
func (f *fixture) key(sort string) table.Key { return f.keyIn("", sort) }

func (f *fixture) keyIn(partition, sort string) table.Key {
	return table.Key{Partition: f.name + partition, Sort: sort}
}

func (f *fixture) commit(t *testing.T, ops ...table.Operation) {
	t.Helper()
	if err := f.Commit(f.ctx, ops); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func (f *fixture) put(t *testing.T, items ...table.Item) {
	t.Helper()
	for part := range slices.Chunk(items, 25) {
		ops := make([]table.Operation, len(part))
		for i, item := range part {
			ops[i] = table.Put(item, table.Always)
		}
		f.commit(t, ops...)
	}
}

// refused commits and demands that exactly the operations at these places are refused.
func (f *fixture) refused(t *testing.T, failed []int, ops ...table.Operation) {
	t.Helper()
	err := f.Commit(f.ctx, ops)
	refused, ok := table.Refused(err)
	if !ok {
		t.Fatalf("commit: got %v, want a refusal of %v", err, failed)
	}
	if !slices.Equal(refused.Failed, failed) {
		t.Errorf("refused operations %v, want %v", refused.Failed, failed)
	}
	if len(refused.Keys) != len(refused.Failed) {
		t.Fatalf("%d keys for %d refusals", len(refused.Keys), len(refused.Failed))
	}
	for i, at := range refused.Failed {
		if refused.Keys[i] != ops[at].Item.Key || !refused.Has(ops[at].Item.Key) {
			t.Errorf("refusal %d names %s, want %s", at, refused.Keys[i], ops[at].Item.Key)
		}
	}
}

func (f *fixture) get(t *testing.T, key table.Key) table.Item {
	t.Helper()
	item, ok, err := table.Get(f.ctx, f, key)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	if !ok {
		t.Fatalf("get %s: no such item", key)
	}
	return item
}

func (f *fixture) missing(t *testing.T, key table.Key) {
	t.Helper()
	item, ok, err := table.Get(f.ctx, f, key)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	if ok {
		t.Fatalf("get %s: there is %+v, want none", key, item)
	}
}

// all reads every page of a query.
func (f *fixture) all(t *testing.T, q table.Query) []table.Item {
	t.Helper()
	var items []table.Item
	err := table.All(f.ctx, f, q, func(item table.Item) error {
		items = append(items, item)
		return nil
	})
	if err != nil {
		t.Fatalf("query %+v: %v", q, err)
	}
	return items
}

// sorts reads a query and returns the sort keys of the base items. An index may lag behind, so one
// is read until it has as many items as wanted.
func (f *fixture) sorts(t *testing.T, q table.Query, want int) []string {
	t.Helper()
	var got []string
	for range 50 {
		got = []string{}
		for _, item := range f.all(t, q) {
			got = append(got, item.Sort)
		}
		if q.Index == table.Base || len(got) == want {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return got
}

func (f *fixture) wantSorts(t *testing.T, what string, q table.Query, want []string) {
	t.Helper()
	if got := f.sorts(t, q, len(want)); !slices.Equal(got, want) {
		t.Errorf("%s: got %.300q, want %.300q", what, got, want)
	}
}

func same(t *testing.T, got, want table.Item) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("item %s %s, wanted -, got +:\n%s", want.Partition, want.Sort, diff)
	}
}

func putAndGet(t *testing.T, f *fixture) {
	full := table.Item{
		Key:    f.key("full"),
		Data:   []byte(`{"name":"Zoë ☃ \u0000 \\ \"", "list":[1,2.50,null], "big":12345678901234567890}`),
		Counts: map[string]int64{"assigned": 3, "zero": 0, "big": 1<<62 + 1, "low": -1 << 62, "with space": 1},
		IndexKeys: [table.Indexes]table.Key{
			{Partition: f.name + "a", Sort: "1"},
			{},
			{Partition: f.name + "c", Sort: "3"},
		},
		Expires: 4102444800,
	}
	bare := table.Item{Key: f.key("bare")}
	f.put(t, full, bare)
	same(t, f.get(t, full.Key), full)
	same(t, f.get(t, bare.Key), bare)
	f.missing(t, f.key("none"))

	full.Data, full.Counts, full.IndexKeys, full.Expires = []byte(`{}`), map[string]int64{
		"other": 1,
	}, [table.Indexes]table.Key{}, 0
	f.put(t, full)
	same(t, f.get(t, full.Key), full) // Nothing of the first item is left.
}

func lookup(t *testing.T, f *fixture) {
	found, err := f.Lookup(f.ctx)
	if err != nil || len(found) != 0 {
		t.Errorf("lookup of nothing: got %v, %v", found, err)
	}
	var keys []table.Key
	for i := range 230 { // More than two calls' worth, half of them missing, some twice.
		key := f.keyIn(fmt.Sprint("#", i%7), fmt.Sprint(i))
		keys = append(keys, key)
		if i%10 == 0 {
			keys = append(keys, key)
		}
	}
	var items []table.Item
	for i, key := range keys {
		if !slices.Contains(keys[:i], key) && len(key.Sort)%2 == 1 {
			items = append(items, table.Item{Key: key, Data: []byte(fmt.Sprintf("%q", key.Sort))})
		}
	}
	f.put(t, items...)
	found, err = f.Lookup(f.ctx, keys...)
	if err != nil {
		t.Fatalf("lookup: %v", err)
	}
	if len(found) != len(items) {
		t.Errorf("found %d items, want %d", len(found), len(items))
	}
	for _, item := range items {
		same(t, found[item.Key], item)
	}
}

func versions(t *testing.T, f *fixture) {
	key := f.key("v")
	item := table.Item{Key: key, Data: []byte(`1`)}
	f.refused(t, []int{0}, table.Put(item, table.IfVersion(0)))
	f.refused(t, []int{0}, table.Put(item, table.IfPresent))
	f.commit(t, table.Put(item, table.IfAbsent))
	if got := f.get(t, key).Version; got != 1 {
		t.Errorf("version %d after a first put, want 1", got)
	}
	f.refused(t, []int{0}, table.Put(item, table.IfAbsent))
	for version := int64(1); version < 12; version++ {
		f.refused(t, []int{0}, table.Put(item, table.IfVersion(version+1)))
		f.commit(t, table.Put(item, table.IfVersion(version)))
		f.refused(t, []int{0}, table.Put(item, table.IfVersion(version)))
		if got := f.get(t, key).Version; got != version+1 {
			t.Fatalf("version %d, want %d", got, version+1)
		}
	}
	f.commit(t, table.Put(item, table.IfPresent))
	if got := f.get(t, key).Version; got != 0 {
		t.Errorf("version %d after a put without a version, want 0", got)
	}
	f.commit(t, table.Put(item, table.IfVersion(0)))
	if got := f.get(t, key).Version; got != 1 {
		t.Errorf("version %d after version 0, want 1", got)
	}
	f.commit(t, table.Put(item, table.Always))
	if got := f.get(t, key).Version; got != 0 {
		t.Errorf("version %d after an unconditional put, want 0", got)
	}
}

func deleting(t *testing.T, f *fixture) {
	key := f.key("d")
	f.commit(t, table.Delete(key, table.Always))
	f.commit(t, table.Delete(key, table.IfAbsent))
	f.refused(t, []int{0}, table.Delete(key, table.IfPresent))
	f.refused(t, []int{0}, table.Delete(key, table.IfVersion(0)))
	f.commit(t, table.Put(table.Item{Key: key}, table.IfAbsent))
	f.refused(t, []int{0}, table.Delete(key, table.IfVersion(2)))
	f.refused(t, []int{0}, table.Delete(key, table.IfAbsent))
	f.get(t, key)
	f.commit(t, table.Delete(key, table.IfVersion(1)))
	f.missing(t, key)
	f.commit(t, table.Put(table.Item{Key: key}, table.IfAbsent))
	f.commit(t, table.Delete(key, table.IfPresent))
	f.missing(t, key)
	f.put(t, table.Item{Key: key})
	f.commit(t, table.Delete(key, table.Always))
	f.missing(t, key)
}

func checking(t *testing.T, f *fixture) {
	key := f.key("c")
	f.commit(t, table.Check(key, table.IfAbsent))
	f.missing(t, key) // A check makes nothing.
	f.refused(t, []int{0}, table.Check(key, table.IfPresent))
	f.refused(t, []int{0}, table.Check(key, table.IfVersion(0)))
	item := table.Item{Key: key, Version: 1, Data: []byte(`{"a":1}`)}
	f.commit(t, table.Put(item, table.IfAbsent))
	f.commit(t, table.Check(key, table.IfPresent))
	f.commit(t, table.Check(key, table.IfVersion(1)))
	f.refused(t, []int{0}, table.Check(key, table.IfVersion(2)))
	f.refused(t, []int{0}, table.Check(key, table.IfAbsent))
	same(t, f.get(t, key), item)
}

func adding(t *testing.T, f *fixture) {
	key := f.key("a")
	f.commit(t, table.Add(key, table.Bound{Name: "n", By: 2}, table.Bound{Name: "m", By: -1}))
	same(t, f.get(t, key), table.Item{Key: key, Counts: map[string]int64{"n": 2, "m": -1}})
	f.commit(t, table.Add(key, table.Bound{Name: "n", By: -2}))
	same(t, f.get(t, key), table.Item{Key: key, Counts: map[string]int64{"n": 0, "m": -1}})
	f.commit(t, table.Put(table.Item{Key: key}, table.IfVersion(0))) // An item made by Add has version 0.

	// The rest of an item stays as it is, its version and its places in the indexes too.
	item := table.Item{
		Key: f.key("whole"), Version: 1, Data: []byte(`{"a":1}`), Counts: map[string]int64{"n": 1}, Expires: 4102444800,
		IndexKeys: [table.Indexes]table.Key{{}, {Partition: f.name, Sort: "x"}, {}},
	}
	f.commit(t, table.Put(item, table.IfAbsent))
	f.commit(t, table.Add(item.Key, table.Bound{Name: "n", By: 41}, table.Bound{Name: "other", By: 0}))
	item.Counts = map[string]int64{"n": 42, "other": 0}
	same(t, f.get(t, item.Key), item)
	f.wantSorts(t, "index", table.Query{Index: table.Index2, Partition: f.name}, []string{"whole"})

	// An add may demand more than its bounds.
	op := table.Add(item.Key, table.Bound{Name: "n", By: 1})
	op.Cond = table.IfVersion(7)
	f.refused(t, []int{0}, op)
	op.Cond = table.IfVersion(1)
	f.commit(t, op)
	if got := f.get(t, item.Key).Counts["n"]; got != 43 {
		t.Errorf("count %d, want 43", got)
	}
}

func addBounds(t *testing.T, f *fixture) {
	both := func(by, lo, hi int64) table.Bound { return table.Bound{Name: "n", By: by, Min: &lo, Max: &hi} }
	for i, c := range []struct {
		start int64 // -1: no such item; -2: an item without the count
		bound table.Bound
		ok    bool
	}{
		{-1, table.AtLeast("n", -1, 0), false},
		{-1, table.AtLeast("n", 0, 0), true},
		{-1, table.AtLeast("n", 1, 2), false},
		{-1, table.AtLeast("n", 2, 2), true},
		{-1, table.AtMost("n", 1, 1), true},
		{-1, table.AtMost("n", 1, 0), false},
		{-1, table.AtMost("n", 0, -1), false},
		{-2, table.AtLeast("n", -1, 0), false},
		{-2, table.AtLeast("n", -1, -1), true},
		{-2, table.AtMost("n", 5, 5), true},
		{5, table.AtLeast("n", -5, 0), true},
		{5, table.AtLeast("n", -6, 0), false},
		{5, table.AtMost("n", 5, 10), true},
		{5, table.AtMost("n", 6, 10), false},
		{5, table.AtMost("n", -1, 3), false}, // Nearer to the bound, but not within it.
		{5, both(1, 6, 6), true},
		{5, both(1, 7, 9), false},
		{5, both(1, 0, 5), false},
		{5, table.AtMost("n", 1<<53, 1<<62), true},
		{5, table.AtLeast("n", -1<<53, -1<<62), true},
	} {
		key := f.key(fmt.Sprint(i))
		item := table.Item{Key: key, Counts: map[string]int64{"n": c.start}}
		if c.start == -2 {
			item.Counts = map[string]int64{"m": 9}
		}
		if c.start != -1 {
			f.put(t, item)
		}
		if !c.ok {
			f.refused(t, []int{0}, table.Add(key, c.bound))
			if c.start == -1 {
				f.missing(t, key)
			} else {
				same(t, f.get(t, key), item)
			}
			continue
		}
		f.commit(t, table.Add(key, c.bound))
		if got, want := f.get(t, key).Counts["n"], max(c.start, 0)+c.bound.By; got != want {
			t.Errorf("case %d: count %d, want %d", i, got, want)
		}
	}

	severalBounds(t, f)
	mostBounds(t, f)
}

// severalBounds of one add stand or fall together.
func severalBounds(t *testing.T, f *fixture) {
	key := f.key("several")
	f.put(t, table.Item{Key: key, Counts: map[string]int64{"bought": 3, "assigned": 3}})
	f.refused(t, []int{0}, table.Add(key, table.AtLeast("bought", -1, 0), table.AtMost("assigned", 1, 3)))
	f.commit(t, table.Add(key, table.AtLeast("bought", -1, 0), table.AtLeast("assigned", -1, 0)))
	same(t, f.get(t, key), table.Item{Key: key, Counts: map[string]int64{"bought": 2, "assigned": 2}})
}

// mostBounds are as many as there may be, with both ends and long names.
func mostBounds(t *testing.T, f *fixture) {
	var many []table.Bound
	for i := range table.MaxBounds {
		lo, hi := int64(i), int64(i)
		many = append(
			many,
			table.Bound{
				Name: fmt.Sprint(strings.Repeat("n", table.MaxCountName-2), 10+i),
				By:   int64(i),
				Min:  &lo,
				Max:  &hi,
			},
		)
	}
	f.commit(t, table.Add(f.key("many"), many...))
	f.refused(t, []int{0}, table.Add(f.key("many"), many...))
	if got := f.get(t, f.key("many")).Counts[many[39].Name]; got != 39 {
		t.Errorf("count %d, want 39", got)
	}
}

func failuresNamed(t *testing.T, f *fixture) {
	f.put(t, table.Item{Key: f.key("there")}, table.Item{Key: f.key("counted"), Counts: map[string]int64{"n": 1}})
	f.refused(t, []int{0, 2, 3, 5, 7},
		table.Put(table.Item{Key: f.key("there")}, table.IfAbsent),
		table.Put(table.Item{Key: f.key("new")}, table.IfAbsent),
		table.Delete(f.key("none"), table.IfPresent),
		table.Check(f.key("none2"), table.IfVersion(1)),
		table.Check(f.key("none3"), table.IfAbsent),
		table.Add(f.key("counted"), table.AtMost("n", 1, 1)),
		table.Add(f.key("counted2"), table.AtMost("n", 1, 1)),
		table.Add(f.key("counted3"), table.AtLeast("n", -1, 0)),
	)
	f.missing(t, f.key("new"))
	f.missing(t, f.key("counted2"))
}

func allOrNothing(t *testing.T, f *fixture) {
	kept := table.Item{
		Key:       f.key("kept"),
		Version:   1,
		Data:      []byte(`"old"`),
		IndexKeys: [table.Indexes]table.Key{{Partition: f.name, Sort: "old"}},
	}
	counted := table.Item{Key: f.key("counted"), Counts: map[string]int64{"n": 1}}
	f.commit(t, table.Put(kept, table.IfAbsent), table.Put(counted, table.Always))
	ops := []table.Operation{
		table.Put(table.Item{Key: f.key("new")}, table.IfAbsent),
		table.Put(table.Item{Key: kept.Key, Data: []byte(`"new"`)}, table.IfVersion(1)),
		table.Add(counted.Key, table.Bound{Name: "n", By: 1}),
		table.Check(f.key("none"), table.IfPresent),
	}
	f.refused(t, []int{3}, ops...)
	f.missing(t, f.key("new"))
	same(t, f.get(t, kept.Key), kept)
	same(t, f.get(t, counted.Key), counted)
	f.wantSorts(t, "index", table.Query{Index: table.Index1, Partition: f.name}, []string{"kept"})

	f.commit(t, ops[:3]...)
	f.get(t, f.key("new"))
	if got := string(f.get(t, kept.Key).Data); got != `"new"` {
		t.Errorf("data %s, want the new", got)
	}
	f.wantSorts(t, "index", table.Query{Index: table.Index1, Partition: f.name}, []string{})
}

func indexKeys(t *testing.T, f *fixture) {
	at := func(p1, s1, p3, s3 string) (p [table.Indexes]table.Key) {
		p[0] = table.Key{Partition: f.name + p1, Sort: s1}
		p[2] = table.Key{Partition: f.name + p3, Sort: s3}
		return p
	}
	a := table.Item{
		Key:       f.keyIn("x", "a"),
		Version:   1,
		Data:      []byte(`{"all":"of it"}`),
		Counts:    map[string]int64{"n": 7},
		IndexKeys: at("one", "1", "three", "9"),
		Expires:   4102444800,
	}
	b := table.Item{Key: f.keyIn("y", "b"), Version: 1, IndexKeys: at("one", "2", "three", "8")}
	f.commit(t, table.Put(a, table.IfAbsent), table.Put(b, table.IfAbsent))
	one := table.Query{Index: table.Index1, Partition: f.name + "one"}
	three := table.Query{Index: table.Index3, Partition: f.name + "three"}
	f.wantSorts(t, "index 1", one, []string{"a", "b"})
	f.wantSorts(t, "index 3", three, []string{"b", "a"})
	f.wantSorts(t, "index 2", table.Query{Index: table.Index2, Partition: f.name + "one"}, []string{})
	same(t, f.all(t, one)[0], a) // An index answers with whole items.

	a.IndexKeys = at("other", "1", "three", "7")
	f.commit(t, table.Put(a, table.IfVersion(1)))
	f.wantSorts(t, "index 1 after a move", one, []string{"b"})
	f.wantSorts(t, "its new place", table.Query{Index: table.Index1, Partition: f.name + "other"}, []string{"a"})
	f.wantSorts(t, "index 3 after a move", three, []string{"a", "b"})

	f.commit(t, table.Delete(a.Key, table.Always))
	f.wantSorts(t, "index 3 after a delete", three, []string{"b"})
	f.commit(t, table.Put(table.Item{Key: b.Key}, table.Always))
	f.wantSorts(t, "index 3 after leaving it", three, []string{})
}

// strangeSorts are sort keys in the order of their bytes: separators of all kinds, what an escape
// might confuse, and the ends of the alphabet.
func strangeSorts() []string {
	return []string{
		"\x00",
		"\x00\x00",
		"\x00\x01",
		"\x00\x7f",
		"\x01",
		"\x01\x00",
		" ",
		"!",
		"#",
		"/",
		":",
		"A",
		"A\x00",
		"A\x00\x00B",
		"A\x00\x01",
		"A\x00B",
		"A\x01",
		"A#",
		"A/",
		"A/B",
		"AB",
		"a",
		"a|b",
		"\x7f",
		"\u0080",
		"Ä",
		"é",
		"é\x00",
		"\u07ff",
		"ࠀ",
		"世界",
		"\ud7ff",
		"\ue000",
		"\uffff",
		"\U00010000",
		"😀",
		"\U0010ffff",
		"\U0010ffff\U0010ffff",
		"\U0010ffff\U0010ffff\x00",
	}
}

func strangeKeys(t *testing.T, f *fixture) {
	sorts := strangeSorts()
	if !slices.IsSorted(sorts) {
		t.Fatal("the test's own keys are out of order")
	}
	var items []table.Item
	for i, s := range slices.Backward(sorts) {
		items = append(items, table.Item{
			Key:  f.key(s),
			Data: []byte(fmt.Sprint(i)),
			IndexKeys: [table.Indexes]table.Key{
				{},
				{Partition: f.name + "\x00", Sort: s},
				{Partition: f.name + s, Sort: "x"},
			},
		})
	}
	f.put(t, items...)
	f.wantSorts(t, "base", table.Query{Partition: f.name}, sorts)
	f.wantSorts(t, "index", table.Query{Index: table.Index2, Partition: f.name + "\x00"}, sorts)
	f.wantSorts(t, "a partition that another begins with", table.Query{Index: table.Index2, Partition: f.name},
		[]string{})
	backwards := slices.Clone(sorts)
	slices.Reverse(backwards)
	f.wantSorts(t, "base backwards", table.Query{Partition: f.name, Backwards: true, Limit: 3}, backwards)
	for _, item := range items {
		same(t, f.get(t, item.Key), item)
		f.wantSorts(t, "partition "+item.Sort, table.Query{Index: table.Index3, Partition: f.name + item.Sort},
			[]string{item.Sort})
	}
	for _, prefix := range sorts {
		var want []string
		for _, s := range sorts {
			if strings.HasPrefix(s, prefix) {
				want = append(want, s)
			}
		}
		f.wantSorts(t, fmt.Sprintf("prefix %q", prefix), table.Query{Partition: f.name, Prefix: prefix}, want)
		f.wantSorts(t, fmt.Sprintf("prefix %q in an index", prefix),
			table.Query{Index: table.Index2, Partition: f.name + "\x00", Prefix: prefix}, want)
	}
	long := table.Item{Key: table.Key{
		Partition: f.name + strings.Repeat("\x00", table.MaxPartitionKey-len(f.name)),
		Sort:      strings.Repeat("\x00", table.MaxSortKey),
	}}
	long.IndexKeys[0] = long.Key
	f.put(t, long)
	same(t, f.get(t, long.Key), long)
	f.wantSorts(t, "the longest keys", table.Query{Index: table.Index1, Partition: long.Partition}, []string{long.Sort})
}

func queryRanges(t *testing.T, f *fixture) {
	sorts := []string{"A", "L#1", "L#2", "L#3", "L#3#x", "L#4", "L$", "M"}
	for _, s := range sorts {
		f.put(t, table.Item{Key: f.key(s), IndexKeys: [table.Indexes]table.Key{{Partition: f.name, Sort: s}}})
	}
	f.put(t, table.Item{Key: f.keyIn("2", "L#1")})
	for _, c := range []struct {
		q    table.Query
		want []string
	}{
		{table.Query{}, sorts},
		{table.Query{Prefix: "L#"}, []string{"L#1", "L#2", "L#3", "L#3#x", "L#4"}},
		{table.Query{Prefix: "none"}, []string{}},
		{table.Query{From: "L#2"}, []string{"L#2", "L#3", "L#3#x", "L#4", "L$", "M"}},
		{table.Query{To: "L#2"}, []string{"A", "L#1"}},
		{table.Query{From: "L#2", To: "L#4"}, []string{"L#2", "L#3", "L#3#x"}},
		{table.Query{From: "L#2a", To: "L#3#x"}, []string{"L#3"}},
		{table.Query{From: "L#2", To: "L#2"}, []string{}},
		{table.Query{From: "M", To: "A"}, []string{}},
		{table.Query{Prefix: "L#", From: "A"}, []string{"L#1", "L#2", "L#3", "L#3#x", "L#4"}},
		{table.Query{Prefix: "L#", From: "L#3"}, []string{"L#3", "L#3#x", "L#4"}},
		{table.Query{Prefix: "L#", To: "L#3"}, []string{"L#1", "L#2"}},
		{table.Query{Prefix: "L#", To: "Z"}, []string{"L#1", "L#2", "L#3", "L#3#x", "L#4"}},
		{table.Query{Prefix: "L#", From: "L#2", To: "L#4"}, []string{"L#2", "L#3", "L#3#x"}},
		{table.Query{Prefix: "L#3", From: "L#3#"}, []string{"L#3#x"}},
		{table.Query{Prefix: "L#", From: "M"}, []string{}},
		{table.Query{Prefix: "L#", To: "L"}, []string{}},
	} {
		for _, index := range []table.Index{table.Base, table.Index1} {
			for _, backwards := range []bool{false, true} {
				for _, limit := range []int{0, 1, 2} {
					q, want := c.q, slices.Clone(c.want)
					q.Index, q.Partition, q.Backwards, q.Limit = index, f.name, backwards, limit
					if backwards {
						slices.Reverse(want)
					}
					f.wantSorts(t, fmt.Sprintf("%+v", q), q, want)
				}
			}
		}
	}
	page, err := f.Query(f.ctx, table.Query{Partition: f.name + "none"})
	if err != nil || len(page.Items) != 0 || page.Next != "" {
		t.Errorf("an empty partition: got %+v, %v", page, err)
	}
}

// pages reads a query page by page and checks that each is full but the last, and that the last has
// no Next.
func (f *fixture) pages(t *testing.T, q table.Query, total int) (sorts []string) {
	t.Helper()
	for {
		page, err := f.Query(f.ctx, q)
		if err != nil {
			t.Fatalf("query: %v", err)
		}
		for _, item := range page.Items {
			sorts = append(sorts, item.Sort)
		}
		switch {
		case page.Next == "" && len(sorts) != total:
			t.Fatalf("limit %d: the last page ends after %d items of %d", q.Limit, len(sorts), total)
		case page.Next == "":
			return sorts
		case len(page.Items) != q.Limit:
			t.Fatalf("limit %d: a page of %d with a Next", q.Limit, len(page.Items))
		case len(sorts) >= total:
			t.Fatalf("limit %d: a Next after all %d items", q.Limit, total)
		}
		q.After = page.Next
	}
}

func queryPages(t *testing.T, f *fixture) {
	var want []string
	var items []table.Item
	for i := range 60 {
		want = append(want, fmt.Sprintf("%03d", i))
		items = append(items, table.Item{Key: f.key(want[i])})
	}
	f.put(t, items...)
	for _, limit := range []int{1, 7, 20, 59, 60, 61, table.MaxPage} {
		for _, backwards := range []bool{false, true} {
			got := f.pages(t, table.Query{Partition: f.name, Limit: limit, Backwards: backwards}, len(want))
			if backwards {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("limit %d, backwards %v: got %v", limit, backwards, got)
			}
		}
	}
	got := f.pages(t, table.Query{Partition: f.name, Limit: 5, Prefix: "00", From: "001", To: "008"}, 7)
	if !slices.Equal(got, want[1:8]) {
		t.Errorf("pages of a range: got %v", got)
	}
}

func queryIndexPages(t *testing.T, f *fixture) {
	// Many items share a place, so a cursor must say at which of them it stands.
	var items []table.Item
	for i := range 40 {
		items = append(items, table.Item{
			Key:       f.keyIn(fmt.Sprint("#", i%3), fmt.Sprintf("%03d", i)),
			IndexKeys: [table.Indexes]table.Key{{}, {}, {Partition: f.name, Sort: fmt.Sprint("s", i/10)}},
		})
	}
	f.put(t, items...)
	f.sorts(t, table.Query{Index: table.Index3, Partition: f.name}, len(items)) // Wait for the index.
	for _, limit := range []int{1, 3, 10, 39, 40, 41} {
		for _, backwards := range []bool{false, true} {
			got := f.pages(
				t,
				table.Query{Index: table.Index3, Partition: f.name, Limit: limit, Backwards: backwards},
				len(items),
			)
			group := func(s string) byte { return s[1] } // 017 is in s1.
			sorted := slices.IsSortedFunc(got, func(a, b string) int {
				if backwards {
					a, b = b, a
				}
				return int(group(a)) - int(group(b))
			})
			slices.Sort(got)
			if !sorted || len(slices.Compact(got)) != len(items) {
				t.Errorf("limit %d, backwards %v: items out of order, twice or missing", limit, backwards)
			}
		}
	}
	got := f.pages(t, table.Query{Index: table.Index3, Partition: f.name, Prefix: "s2", Limit: 4}, 10)
	slices.Sort(got)
	if got[0] != "020" || got[9] != "029" {
		t.Errorf("pages of one place: got %v", got)
	}
	for _, backwards := range []bool{false, true} { // The ten items at the end of the range are not of it.
		got := f.sorts(
			t,
			table.Query{Index: table.Index3, Partition: f.name, From: "s1", To: "s2", Limit: 3, Backwards: backwards},
			10,
		)
		slices.Sort(got)
		if len(got) != 10 || got[0] != "010" || got[9] != "019" {
			t.Errorf("a range, backwards %v: got %v", backwards, got)
		}
	}
}

func queryLargeItems(t *testing.T, f *fixture) {
	// 12 items of 300 KB are more than three pages of 1 MB.
	data := []byte(`"` + strings.Repeat("x", 300<<10) + `"`)
	var want []string
	for i := range 12 {
		s := fmt.Sprintf("%02d", i)
		want = append(want, s)
		f.put(
			t,
			table.Item{Key: f.key(s), Data: data, IndexKeys: [table.Indexes]table.Key{{Partition: f.name, Sort: s}}},
		)
	}
	for _, index := range []table.Index{table.Base, table.Index1} {
		for _, backwards := range []bool{false, true} {
			q := table.Query{Index: index, Partition: f.name, Backwards: backwards}
			first, err := f.Query(f.ctx, q)
			if err != nil {
				t.Fatalf("query: %v", err)
			}
			if len(first.Items) == 0 || len(first.Items) > 4 || first.Next == "" {
				t.Errorf("a page of %d items of 300 KB, next %q; want at most 4 and a next", len(first.Items),
					first.Next)
			}
			ordered := slices.Clone(want)
			if backwards {
				slices.Reverse(ordered)
			}
			f.wantSorts(t, "all", q, ordered)
		}
	}
}

func cursorsOfOthers(t *testing.T, f *fixture) {
	for i := range 9 {
		s := fmt.Sprint("a", i)
		f.put(
			t,
			table.Item{
				Key:       f.key(s),
				IndexKeys: [table.Indexes]table.Key{{Partition: f.name, Sort: s}, {Partition: f.name, Sort: s}},
			},
			table.Item{Key: f.keyIn("2", s)},
		)
	}
	q := table.Query{Partition: f.name, Limit: 3}
	page, err := f.Query(f.ctx, q)
	if err != nil || page.Next == "" {
		t.Fatalf("query: %v, next %q", err, page.Next)
	}
	index := table.Query{Index: table.Index1, Partition: f.name, Limit: 3}
	f.sorts(t, index, 9)
	indexPage, err := f.Query(f.ctx, index)
	if err != nil || indexPage.Next == "" {
		t.Fatalf("query the index: %v, next %q", err, indexPage.Next)
	}
	flipped := []byte(page.Next)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		what string
		q    table.Query
	}{
		{"garbage", table.Query{Partition: f.name, After: "garbage"}},
		{"not base64", table.Query{Partition: f.name, After: "%%%"}},
		{"an empty one, encoded", table.Query{Partition: f.name, After: "AQ"}},
		{"a changed one", table.Query{Partition: f.name, After: string(flipped)}},
		{"a shortened one", table.Query{Partition: f.name, After: page.Next[:len(page.Next)-1]}},
		{"a lengthened one", table.Query{Partition: f.name, After: page.Next + "AA"}},
		{"one with a line end", table.Query{Partition: f.name, After: page.Next + "\n"}},
		{"another partition's", table.Query{Partition: f.name + "2", After: page.Next}},
		{"the base table's in an index", table.Query{Index: table.Index1, Partition: f.name, After: page.Next}},
		{"an index's in the base table", table.Query{Partition: f.name, After: indexPage.Next}},
		{"an index's in another index", table.Query{Index: table.Index2, Partition: f.name, After: indexPage.Next}},
		{"another direction's", table.Query{Partition: f.name, After: page.Next, Backwards: true}},
		{"another prefix's", table.Query{Partition: f.name, After: page.Next, Prefix: "b"}},
		{"another range's, below", table.Query{Partition: f.name, After: page.Next, From: "a5"}},
		{"another range's, above", table.Query{Partition: f.name, After: page.Next, To: "a1"}},
		{"an empty range's", table.Query{Partition: f.name, After: page.Next, From: "b", To: "a"}},
	} {
		if got, err := f.Query(f.ctx, c.q); !errors.Is(err, table.ErrCursor) {
			t.Errorf("%s: got %d items, %v; want ErrCursor", c.what, len(got.Items), err)
		}
	}
	q.After, q.Limit = page.Next, 4 // The size of a page may change on the way.
	if page, err = f.Query(f.ctx, q); err != nil || len(page.Items) != 4 || page.Items[0].Sort != "a3" {
		t.Errorf("the cursor in its own query: got %+v, %v", page, err)
	}
}

func cursorsHold(t *testing.T, f *fixture) {
	for i := range 20 {
		s := fmt.Sprintf("%02d", i)
		f.put(t, table.Item{Key: f.key(s), IndexKeys: [table.Indexes]table.Key{{Partition: f.name, Sort: s}}})
	}
	for _, index := range []table.Index{table.Base, table.Index1} {
		q := table.Query{Index: index, Partition: f.name, Limit: 5, Prefix: "0"}
		f.sorts(t, table.Query{Index: index, Partition: f.name}, 20)
		page, err := f.Query(f.ctx, q)
		if err != nil || len(page.Items) != 5 {
			t.Fatalf("query: %d items, %v", len(page.Items), err)
		}
		// The item under the cursor goes, one comes before it and one behind.
		last := page.Items[4]
		f.commit(t, table.Delete(last.Key, table.IfPresent))
		before, behind := last.Sort[:1]+"3+", last.Sort[:1]+"4+"
		f.put(t, table.Item{Key: f.key(before), IndexKeys: [table.Indexes]table.Key{{Partition: f.name, Sort: before}}},
			table.Item{Key: f.key(behind), IndexKeys: [table.Indexes]table.Key{{Partition: f.name, Sort: behind}}})
		q.After = page.Next
		f.wantSorts(t, "behind the cursor", q, []string{"04+", "05", "06", "07", "08", "09"})
		f.commit(t, table.Delete(f.key(before), table.Always), table.Delete(f.key(behind), table.Always),
			table.Put(last, table.IfAbsent))
	}
}

// limitPuts are n puts of this many bytes each.
func (f *fixture) limitPuts(n, bytes int) (ops []table.Operation) {
	for i := range n {
		item := table.Item{
			Key:  f.key(fmt.Sprintf("limit%03d", i)),
			Data: []byte(`"` + strings.Repeat("x", bytes) + `"`),
		}
		ops = append(ops, table.Put(item, table.Always))
	}
	return ops
}

func commitLimits(t *testing.T, f *fixture) { //nolint:funlen // one case after another
	put := func(key table.Key) table.Operation { return table.Put(table.Item{Key: key}, table.Always) }
	with := func(item table.Item) []table.Operation {
		if item.Key == (table.Key{}) {
			item.Key = f.key("limited")
		}
		return []table.Operation{table.Put(item, table.Always)}
	}
	var many []table.Bound
	for i := range table.MaxBounds + 1 {
		many = append(many, table.Bound{Name: fmt.Sprint(i), By: 1})
	}
	indexKey := func(partition, sort string) (p [table.Indexes]table.Key) {
		p[1] = table.Key{Partition: partition, Sort: sort}
		return p
	}
	long := strings.Repeat("p", table.MaxPartitionKey+1)
	bounded := func(bounds ...table.Bound) []table.Operation {
		return []table.Operation{table.Add(f.key("c"), bounds...)}
	}
	twice := f.key("twice")
	for _, c := range []struct {
		what string
		ops  []table.Operation
	}{
		{"no operation", nil},
		{"101 operations", f.limitPuts(100, 0)},
		{"an item over 400 KB", f.limitPuts(1, 400<<10)},
		{"a commit over 4 MB", f.limitPuts(15, 290<<10)},
		{"two operations on a key", []table.Operation{put(twice), table.Check(twice, table.IfAbsent)}},
		{"a check of nothing", []table.Operation{table.Check(f.key("c"), table.Always)}},
		{"an add of nothing", bounded()},
		{"two bounds on a count", bounded(table.Bound{Name: "n", By: 1}, table.Bound{Name: "n", By: 2})},
		{"41 bounds", bounded(many...)},
		{"a bound without a name", bounded(table.Bound{By: 1})},
		{"a bound of too much", bounded(table.Bound{Name: "n", By: table.MaxCount + 1})},
		{"a bound of too little", bounded(table.Bound{Name: "n", By: -table.MaxCount - 1})},
		{"a long name of a bound", bounded(table.Bound{Name: long, By: 1})},
		{"a long name of a count", with(table.Item{Counts: map[string]int64{long: 1}})},
		{"data that is not UTF-8", with(table.Item{Data: []byte("\"\xff\"")})},
		{"an empty partition key", []table.Operation{put(table.Key{Sort: "s"})}},
		{"an empty sort key", []table.Operation{put(f.key(""))}},
		{"a long partition key", []table.Operation{put(table.Key{Partition: long, Sort: "s"})}},
		{"a long sort key", []table.Operation{put(f.key(strings.Repeat("s", table.MaxSortKey+1)))}},
		{"a key that is not UTF-8", []table.Operation{put(f.key("\xff"))}},
		{"a place without a sort key", with(table.Item{IndexKeys: indexKey("p", "")})},
		{"a place without a partition key", with(table.Item{IndexKeys: indexKey("", "s")})},
		{"a place with a long key", with(table.Item{IndexKeys: indexKey(long, "s")})},
	} {
		var limit *table.LimitError
		ops := c.ops
		if ops != nil {
			ops = append([]table.Operation{put(f.key("beside"))}, ops...)
		}
		if err := f.Commit(f.ctx, ops); !errors.As(err, &limit) {
			t.Errorf("%s: got %v, want a LimitError", c.what, err)
		}
	}
	f.missing(t, f.key("beside"))
	f.missing(t, f.key("limit000"))

	f.commit(t, f.limitPuts(100, 10)...)
	f.commit(t, f.limitPuts(1, 409_000)...)
	f.commit(t, f.limitPuts(10, 408_000)...)
	if got := len(f.all(t, table.Query{Partition: f.name})); got != 100 {
		t.Errorf("%d items, want 100", got)
	}

	limitedGrowth(t, f)
}

// limitedGrowth is that of an item by adds, which may not bring it beyond the limit either; the
// neighbor in the same commit is not made.
func limitedGrowth(t *testing.T, f *fixture) {
	big := table.Item{Key: f.key("big"), Data: []byte(`"` + strings.Repeat("x", 409_000) + `"`)}
	f.put(t, big)
	var grown []table.Bound
	for i := range table.MaxBounds {
		grown = append(grown, table.Bound{Name: fmt.Sprint(strings.Repeat("n", 190), i), By: 1 << 52})
	}
	err := f.Commit(f.ctx, []table.Operation{
		table.Put(table.Item{Key: f.key("neighbor")}, table.Always),
		table.Add(big.Key, grown...),
	})
	if err == nil {
		t.Error("an item grew beyond 400 KB")
	}
	same(t, f.get(t, big.Key), big)
	f.missing(t, f.key("neighbor"))
}

func readLimits(t *testing.T, f *fixture) {
	for what, q := range map[string]table.Query{
		"no partition":               {},
		"a long partition":           {Partition: strings.Repeat("p", table.MaxPartitionKey+1)},
		"a partition not in UTF-8":   {Partition: "\xff"},
		"a prefix not in UTF-8":      {Partition: f.name, Prefix: "\xff"},
		"a long prefix":              {Partition: f.name, Prefix: strings.Repeat("p", table.MaxSortKey+1)},
		"a page of too many":         {Partition: f.name, Limit: table.MaxPage + 1},
		"a page of fewer than none":  {Partition: f.name, Limit: -1},
		"an index that is not there": {Partition: f.name, Index: table.Index3 + 1},
		"an index below the base":    {Partition: f.name, Index: -1},
	} {
		var limit *table.LimitError
		if _, err := f.Query(f.ctx, q); !errors.As(err, &limit) {
			t.Errorf("%s: got %v, want a LimitError", what, err)
		}
	}
	for what, key := range map[string]table.Key{
		"no partition": {Sort: "s"}, "no sort": {Partition: "p"}, "not UTF-8": {Partition: "p", Sort: "\xff"},
		"a long sort": {Partition: "p", Sort: strings.Repeat("s", table.MaxSortKey+1)},
	} {
		var limit *table.LimitError
		if _, err := f.Lookup(f.ctx, f.key("fine"), key); !errors.As(err, &limit) {
			t.Errorf("lookup of %s: got %v, want a LimitError", what, err)
		}
	}
}

func contextHonoured(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	err := f.Commit(ctx, []table.Operation{table.Put(table.Item{Key: f.key("x")}, table.Always)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("commit: got %v, want the context's error", err)
	}
	if _, err := f.Lookup(ctx, f.key("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("lookup: got %v, want the context's error", err)
	}
	if _, err := f.Query(ctx, table.Query{Partition: f.name}); !errors.Is(err, context.Canceled) {
		t.Errorf("query: got %v, want the context's error", err)
	}
	f.missing(t, f.key("x"))
}

// Scans is the contract of table.Scanner: it reads all of some partitions, whatever stands between them.
func Scans(t *testing.T, open Open) {
	t.Helper()
	f := newFixture(t, open)
	scanner, ok := f.Store.(table.Scanner)
	if !ok {
		t.Fatal("the store cannot be scanned")
	}
	want := map[table.Key]string{}
	var ops []table.Operation
	for i := range 1200 {
		below := []string{"#a#1", "#a#2", "#b#1", "#c#1"}[i%4]
		key := table.Key{Partition: f.name + below, Sort: fmt.Sprintf("%04d", i)}
		ops = append(ops, table.Put(table.Item{Key: key, Data: []byte(`"x"`)}, table.Always))
		if i%4 != 2 {
			want[key] = `"x"`
		}
	}
	for some := range slices.Chunk(ops, table.MaxOperations) {
		f.commit(t, some...)
	}
	got := map[table.Key]string{}
	pages := 0
	for after := (table.Key{}); ; pages++ {
		items, next, err := scanner.Scan(f.ctx, []string{f.name + "#a#", f.name + "#c#"}, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			if _, twice := got[item.Key]; twice {
				t.Errorf("%s is scanned twice", item.Key)
			}
			got[item.Key] = string(item.Data)
		}
		if next == (table.Key{}) {
			break
		}
		after = next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after %d pages (-want +got):\n%s", pages, diff)
	}
}
