package tabletest

import (
	"context"
	"maps"
	"path/filepath"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
)

// The suite is worth what it catches: stores that break one promise each, which only a history
// shows.

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

// stale answers every second read of a key with what the read before it saw.
type stale struct {
	table.Store
	mu   sync.Mutex
	kept map[table.Key]map[table.Key]table.Item
}

func (s *stale) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.kept[keys[0]]; ok {
		delete(s.kept, keys[0])
		return old, nil
	}
	found, err := s.Store.Lookup(ctx, keys...)
	s.kept[keys[0]] = maps.Clone(found)
	return found, err
}

// torn carries out the operations of a commit one by one.
type torn struct{ table.Store }

func (s torn) Commit(ctx context.Context, ops []table.Operation) error {
	for i := range ops {
		if err := s.Store.Commit(ctx, ops[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// blind checks conditions before it commits without them.
type blind struct{ table.Store }

func (s blind) Commit(ctx context.Context, ops []table.Operation) error {
	for _, op := range ops {
		found, err := s.Lookup(ctx, op.Item.Key)
		if err != nil {
			return err
		}
		item, exists := found[op.Item.Key]
		if !op.Cond.Met(item, exists) {
			return s.Store.Commit(ctx, ops)
		}
	}
	freed := make([]table.Operation, 0, len(ops))
	for _, op := range ops {
		op.Cond = table.Always
		if op.Kind != table.KindCheck {
			freed = append(freed, op)
		}
	}
	return s.Store.Commit(ctx, freed)
}

func TestHistoriesCatch(t *testing.T) {
	for name, broken := range map[string]func(table.Store) table.Store{
		"stale reads": func(s table.Store) table.Store {
			return &stale{Store: s, kept: map[table.Key]map[table.Key]table.Item{}}
		},
		"torn commits":             func(s table.Store) table.Store { return torn{s} },
		"conditions held too soon": func(s table.Store) table.Store { return blind{s} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(t *testing.T) table.Store { return broken(openBolt(t)) })
			for round := range uint64(50) {
				result, err := judge(f, round)
				if err != nil {
					t.Fatal(err)
				}
				if result == porcupine.Illegal {
					return
				}
			}
			t.Error("porcupine finds nothing wrong in 50 histories")
		})
	}
}
