package faulty_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/faulty"
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

// Without a fault the wrapper is a store like any other.
func TestContract(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) table.Store {
		return faulty.New(open(t), func(faulty.Call) faulty.Fault { return faulty.None })
	})
}

func TestFaults(t *testing.T) {
	key := table.Key{Partition: "P", Sort: "S"}
	put := []table.Operation{table.Put(table.Item{Key: key}, table.IfAbsent)}
	for _, c := range []struct {
		fault   faulty.Fault
		err     error
		effect  bool
		read    error // what a read sees under the same fault
		crashed bool
	}{
		{fault: faulty.None, effect: true},
		{fault: faulty.Fail, err: faulty.ErrFault, read: faulty.ErrFault},
		{fault: faulty.Throttle, err: table.ErrThrottled, read: table.ErrThrottled},
		{fault: faulty.Conflict, err: table.ErrConflict},
		{fault: faulty.TimeoutBefore, err: context.DeadlineExceeded, read: context.DeadlineExceeded},
		{fault: faulty.TimeoutAfter, err: context.DeadlineExceeded, effect: true, read: context.DeadlineExceeded},
		{fault: faulty.CrashBefore, err: faulty.ErrCrashed, read: faulty.ErrCrashed, crashed: true},
		{fault: faulty.CrashAfter, err: faulty.ErrCrashed, effect: true, read: faulty.ErrCrashed, crashed: true},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			ctx := t.Context()
			inner := open(t)
			s := faulty.New(inner, faulty.AtCommit(1, c.fault))
			if err := s.Commit(ctx, put); !errors.Is(err, c.err) {
				t.Errorf("commit: got %v, want %v", err, c.err)
			}
			if _, effect, err := table.Get(ctx, inner, key); err != nil || effect != c.effect {
				t.Errorf("effect %v, %v; want %v", effect, err, c.effect)
			}
			if s.Crashed() != c.crashed {
				t.Errorf("crashed %v, want %v", s.Crashed(), c.crashed)
			}
			_, _, err := table.Get(ctx, s, key)
			if c.crashed != errors.Is(err, faulty.ErrCrashed) {
				t.Errorf("a call after the fault: %v", err)
			}
			s.Revive()
			if _, found, err := table.Get(ctx, s, key); err != nil || found != c.effect {
				t.Errorf("after a restart: found %v, %v; want %v", found, err, c.effect)
			}
			if s.Commits() != 1 || s.Calls() != 3 {
				t.Errorf("%d commits of %d calls, want 1 of 3", s.Commits(), s.Calls())
			}

			reads := faulty.New(inner, faulty.AtCall(2, c.fault))
			if _, err := reads.Lookup(ctx, key); err != nil {
				t.Errorf("a read before the fault: %v", err)
			}
			if _, err := reads.Query(ctx, table.Query{Partition: "P"}); !errors.Is(err, c.read) {
				t.Errorf("a read: got %v, want %v", err, c.read)
			}
		})
	}
}

// A commit that is refused by itself stays refused: there is no success whose answer could be lost.
func TestRefusalBeforeTimeout(t *testing.T) {
	s := faulty.New(open(t), func(faulty.Call) faulty.Fault { return faulty.TimeoutAfter })
	err := s.Commit(t.Context(), []table.Operation{table.Check(table.Key{Partition: "P", Sort: "S"}, table.IfPresent)})
	if _, refused := table.Refused(err); !refused {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestSeededRepeatsItself(t *testing.T) {
	choices := func(seed uint64) (got []faulty.Fault) {
		decide := faulty.Seeded(seed, 0.3, faulty.All()...)
		for range 500 {
			got = append(got, decide(faulty.Call{}))
		}
		return got
	}
	first := choices(7)
	if !slices.Equal(first, choices(7)) {
		t.Error("the same seed chose otherwise")
	}
	if slices.Equal(first, choices(8)) {
		t.Error("another seed chose the same")
	}
	faults := 0
	for _, f := range first {
		if f != faulty.None {
			faults++
		}
	}
	if faults < 100 || faults > 200 {
		t.Errorf("%d faults in 500 calls at a rate of 0.3", faults)
	}
}
