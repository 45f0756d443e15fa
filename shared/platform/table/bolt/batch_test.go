package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"seatwise/shared/platform/table"
)

func openOne(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// transactions is how many transactions the file has seen, each of which was one sync.
func (s *Store) transactions(t *testing.T) (n int) {
	t.Helper()
	err := s.db.View(func(tx *bbolt.Tx) error {
		n = tx.ID()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNeighborsInABatch puts good and bad commits into one transaction: each gets its own answer,
// and each sees what those before it did.
func TestNeighborsInABatch(t *testing.T) {
	s := openOne(t)
	key := func(sort string) table.Key { return table.Key{Partition: "P", Sort: sort} }
	count := key("count")
	pend := func(ops ...table.Operation) *pending { return &pending{ops: ops, done: make(chan error, 1)} }
	overflow := pend(table.Put(table.Item{Key: key("beside overflow")}, table.Always),
		table.Add(key("full"), table.Bound{Name: "n", By: 1}))
	batch := []*pending{
		pend(table.Put(table.Item{Key: count, Counts: map[string]int64{"n": 1}}, table.IfAbsent),
			table.Put(table.Item{Key: key("full"), Counts: map[string]int64{"n": 1<<63 - 1}}, table.Always)),
		pend(table.Put(table.Item{Key: key("a")}, table.IfAbsent), table.Add(count, table.AtLeast("n", -1, 0))),
		// The last seat is gone.
		pend(table.Put(table.Item{Key: key("b")}, table.IfAbsent), table.Add(count, table.AtLeast("n", -1, 0))),
		overflow,
		pend(table.Check(key("a"), table.IfVersion(1)), table.Put(table.Item{Key: key("c")}, table.IfAbsent)),
		pend(table.Put(table.Item{Key: key("c")}, table.IfAbsent)),
	}
	before := s.transactions(t)
	s.flush(batch)
	if n := s.transactions(t) - before; n != 1 {
		t.Errorf("%d transactions, want 1", n)
	}
	for i, want := range []string{"done", "done", "refused", "limit", "done", "refused"} {
		err := <-batch[i].done
		got := "failed"
		var limit *table.LimitError
		if _, refused := table.Refused(err); refused {
			got = "refused"
		} else if errors.As(err, &limit) {
			got = "limit"
		} else if err == nil {
			got = "done"
		}
		if got != want {
			t.Errorf("commit %d: got %v, want %s", i, err, want)
		}
	}
	found, err := s.Lookup(t.Context(), key("a"), key("b"), key("c"), key("beside overflow"))
	if _, a := found[key("a")]; err != nil || len(found) != 2 || !a {
		t.Errorf("found %v, %v; want a and c", found, err)
	}
}

// TestRefusalsNeedNoSync lets a batch fail whole: there is nothing to write.
func TestRefusalsNeedNoSync(t *testing.T) {
	s := openOne(t)
	before := s.transactions(t)
	err := s.Commit(t.Context(), []table.Operation{table.Check(table.Key{Partition: "P", Sort: "S"}, table.IfPresent)})
	if err == nil {
		t.Fatal("not refused")
	}
	if n := s.transactions(t) - before; n != 0 {
		t.Errorf("%d transactions, want none", n)
	}
}

// TestCallersShareSyncs holds the writer back until many commits wait: they all go into a few
// transactions, and a lone one goes into its own.
func TestCallersShareSyncs(t *testing.T) {
	s := openOne(t)
	put := func(n int) []table.Operation {
		return []table.Operation{
			table.Put(table.Item{Key: table.Key{Partition: "P", Sort: strconv.Itoa(n)}}, table.IfAbsent),
		}
	}
	before := s.transactions(t)
	if err := s.Commit(t.Context(), put(-1)); err != nil {
		t.Fatal(err)
	}
	if n := s.transactions(t) - before; n != 1 {
		t.Errorf("%d transactions for one commit, want 1", n)
	}
	const callers, each = 100, 20
	before = s.transactions(t)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := range each {
				if err := s.Commit(context.Background(), put(caller*each+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := s.transactions(t) - before; n > callers*each/4 {
		t.Errorf("%d transactions for %d commits by %d callers at once", n, callers*each, callers)
	}
}

// TestBrokenItem reads an item that was not written by this package: an error, and no more than
// that.
func TestBrokenItem(t *testing.T) {
	s := openOne(t)
	key := table.Key{Partition: "P", Sort: "S"}
	whole := encode(table.Item{
		Key:       key,
		Version:   300,
		Counts:    map[string]int64{"some": 5},
		IndexKeys: [table.Indexes]table.Key{key, {}, key},
	})
	for cut := range whole {
		err := s.db.Update(
			func(tx *bbolt.Tx) error { return tx.Bucket(itemsBucket).Put(appendKey(nil, key), whole[:cut]) },
		)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lookup(t.Context(), key); !errors.Is(err, errEncoding) {
			t.Errorf("an item cut after %d bytes: got %v", cut, err)
		}
		if err := s.Commit(t.Context(),
			[]table.Operation{table.Add(key, table.Bound{Name: "n", By: 1})}); !errors.Is(err, errEncoding) {
			t.Errorf("an add to an item cut after %d bytes: got %v", cut, err)
		}
	}
}

// What a later release has written is refused, and not read as if it were of this one.
func TestItemOfALaterSchemaIsRefused(t *testing.T) {
	s := openOne(t)
	key := table.Key{Partition: "P", Sort: "S"}
	value := encode(table.Item{Key: key, Version: 1})
	value[0] = binary.AppendVarint(nil, table.Schema+1)[0]
	err := s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(itemsBucket).Put(appendKey(nil, key), value) })
	if err != nil {
		t.Fatal(err)
	}
	_, lookup := s.Lookup(t.Context(), key)
	_, query := s.Query(t.Context(), table.Query{Partition: key.Partition})
	commit := s.Commit(t.Context(), []table.Operation{table.Add(key, table.Bound{Name: "n", By: 1})})
	for call, err := range map[string]error{"Lookup": lookup, "Query": query, "Commit": commit} {
		if !errors.Is(err, table.ErrSchema) {
			t.Errorf("%s: got %v, want ErrSchema", call, err)
		}
	}
}
