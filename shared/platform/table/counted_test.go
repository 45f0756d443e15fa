package table_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/tabletest"
)

func openBolt(t *testing.T) table.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "table.db"))
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

// pagesOf returns a store with n items in partition P.
func pagesOf(t *testing.T, n int) table.Store {
	t.Helper()
	s := openBolt(t)
	for i := range n {
		item := table.Item{Key: table.Key{Partition: "P", Sort: strconv.Itoa(i)}}
		if err := s.Commit(t.Context(), []table.Operation{table.Put(item, table.Always)}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestCountedKeepsTheContract(t *testing.T) {
	tabletest.Semantics(t,
		func(t *testing.T) table.Store { return table.Counted(openBolt(t), func(string, float64) {}) })
}

func TestCounted(t *testing.T) {
	var heard []string
	s := table.Counted(openBolt(t),
		func(op string, capacity float64) { heard = append(heard, fmt.Sprintf("%s %g", op, capacity)) })
	ctx := t.Context()
	key := func(i int) table.Key { return table.Key{Partition: "P", Sort: strconv.Itoa(i)} }
	// 5 KB: 5 units to write and 2 to read, 1.25 with its keys rounded up.
	big := []byte(`"` + strings.Repeat("x", 5000) + `"`)
	errs := []error{
		s.Commit(ctx, []table.Operation{
			// 3 x 5
			table.Put(
				table.Item{Key: key(1), Data: big, IndexKeys: [table.Indexes]table.Key{{Partition: "I", Sort: "S"}}},
				table.IfAbsent,
			),
			table.Check(key(2), table.IfAbsent),         // 2
			table.Add(key(3), table.AtLeast("n", 1, 0)), // 2
		}),
		s.Commit(ctx, []table.Operation{table.Delete(key(4), table.Always)}),
	}
	lookup := func(keys ...table.Key) {
		_, err := s.Lookup(ctx, keys...)
		errs = append(errs, err)
	}
	lookup()
	lookup(key(1))
	lookup(key(1), key(2))
	many := make([]table.Key, 101)
	for i := range many {
		many[i] = key(1000 + i)
	}
	lookup(many...)
	for _, q := range []table.Query{
		{Partition: "P"}, {Index: table.Index1, Partition: "I"}, {Index: table.Index1, Partition: "none"},
	} {
		_, err := s.Query(ctx, q)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"TransactWriteItems 19",
		"TransactWriteItems 2",
		"GetItem 2",
		"BatchGetItem 3",
		"BatchGetItem 100",
		"BatchGetItem 1",
		"Query 2",
		"Query 1",
		"Query 0.5",
	}
	if got := strings.Join(heard, ", "); got != strings.Join(want, ", ") {
		t.Errorf("heard %s\n want %s", got, strings.Join(want, ", "))
	}
}
