package overlay_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/platform/table/overlay"
	"seatwise/shared/platform/table/tabletest"
)

func open(t *testing.T) *bolt.Store {
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

// Over an empty store an overlay is a store like any other.
func TestContract(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) table.Store { return overlay.New(open(t)) })
}

func drawOperations(t *rapid.T, round int) []table.Operation {
	var ops []table.Operation
	taken := map[table.Key]bool{}
	for range rapid.IntRange(1, 6).Draw(t, "operations") {
		key := table.Key{
			Partition: fmt.Sprint(rapid.SampledFrom([]string{"P", "Q"}).Draw(t, "partition"), round),
			Sort:      fmt.Sprint(rapid.IntRange(1, 12).Draw(t, "sort")),
		}
		if taken[key] {
			continue
		}
		taken[key] = true
		cond := rapid.SampledFrom([]table.Condition{
			table.Always, table.Always, table.IfAbsent, table.IfPresent, table.IfVersion(1), table.IfVersion(2),
		}).Draw(t, "condition")
		item := table.Item{Key: key, Data: fmt.Appendf(nil, "%d", rapid.IntRange(0, 9).Draw(t, "data"))}
		if n := rapid.IntRange(0, 4).Draw(t, "index"); n > 0 {
			item.IndexKeys[n%3] = table.Key{Partition: fmt.Sprint("I", round), Sort: fmt.Sprint("i", n)}
		}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			ops = append(ops, table.Delete(key, cond))
		case 1:
			ops = append(ops, table.Add(key, table.AtLeast("n", rapid.Int64Range(-2, 2).Draw(t, "by"), 0)))
		default:
			ops = append(ops, table.Put(item, cond))
		}
	}
	return ops
}

// pages reads a query to its end in pages of a size, over one store.
func pages(ctx context.Context, t *rapid.T, s table.Store, q table.Query) []table.Item {
	items := []table.Item{}
	if err := table.All(ctx, s, q, func(item table.Item) error {
		if len(item.Counts) == 0 {
			item.Counts = nil
		}
		if len(item.Data) == 0 {
			item.Data = nil
		}
		items = append(items, item)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return items
}

// What is read through an overlay is what a store would answer that had all of the commits, and the
// store beneath is not written.
func TestReadsAreThoseOfAStoreWithAllCommits(t *testing.T) {
	beneath, whole := open(t), open(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		ctx := t.Context()
		sealed, commits := false, 0
		watched := faulty.New(beneath, func(c faulty.Call) faulty.Fault {
			if sealed && c.Ops != nil {
				commits++
			}
			return faulty.None
		})
		over := table.Store(watched)
		for range rapid.IntRange(1, 20).Draw(rt, "commits") {
			if !sealed && rapid.IntRange(0, 5).Draw(rt, "from here on above") == 0 {
				sealed, over = true, overlay.New(watched)
			}
			ops := drawOperations(rt, round)
			got, want := over.Commit(ctx, ops), whole.Commit(ctx, ops)
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("the commit of %+v answers otherwise (-want +got):\n%s", ops, diff)
			}
		}
		for _, partition := range []string{"P", "Q", "I"} {
			for index := table.Base; int(index) <= table.Indexes; index++ {
				q := table.Query{
					Index: index, Partition: fmt.Sprint(partition, round),
					Backwards: rapid.Bool().Draw(rt, "backwards"),
				}
				q.From = rapid.SampledFrom([]string{"", "", "1", "2", "i2"}).Draw(rt, "from")
				q.To = rapid.SampledFrom([]string{"", "", "5", "i4"}).Draw(rt, "to")
				want := pages(ctx, rt, whole, q)
				q.Limit = rapid.IntRange(0, 4).Draw(rt, "limit")
				if diff := cmp.Diff(want, pages(ctx, rt, over, q)); diff != "" {
					rt.Fatalf("%+v answers otherwise (-want +got):\n%s", q, diff)
				}
			}
		}
		if commits > 0 {
			rt.Fatalf("%d commits reached the store beneath", commits)
		}
	})
}

// A commit that is watched is judged by what it changes, and made when that is well.
func TestWatch(t *testing.T) {
	s := overlay.Switched(open(t))
	key := table.Key{Partition: "P", Sort: "1"}
	var seen []overlay.Change
	refuse := errors.New("not so")
	var answer error
	made := 0
	ctx := overlay.Watch(t.Context(), func(_ context.Context, changes []overlay.Change) (func(), error) {
		seen = changes
		return func() { made++ }, answer
	})
	put := []table.Operation{table.Put(table.Item{Key: key, Data: []byte("1")}, table.IfAbsent)}
	answer = refuse
	if err := s.Commit(ctx, put); !errors.Is(err, refuse) {
		t.Fatalf("%v, want what the judge said", err)
	}
	if _, there, err := table.Get(t.Context(), s, key); err != nil || there {
		t.Fatalf("a commit that was refused is there: %v, %v", there, err)
	}
	answer = nil
	if err := s.Commit(ctx, put); err != nil || len(seen) != 1 || !seen[0].Is || seen[0].Was {
		t.Fatalf("%v; the judge saw %+v", err, seen)
	}
	seen = nil
	if _, refused := table.Refused(s.Commit(ctx, put)); !refused || seen != nil {
		t.Fatalf("a commit whose condition does not hold: refused %v, the judge saw %+v", refused, seen)
	}
	if made != 1 {
		t.Errorf("%d commits were told of, want 1", made)
	}
	dry := overlay.With(t.Context(), overlay.New(s))
	if err := s.Commit(dry, []table.Operation{table.Delete(key, table.IfPresent)}); err != nil || !overlay.Dry(dry) {
		t.Fatal(err)
	}
	if _, there, _ := table.Get(dry, s, key); there {
		t.Error("a dry run does not see its own deletion")
	}
	if _, there, _ := table.Get(t.Context(), s, key); !there {
		t.Error("a dry run deleted an item")
	}
}
