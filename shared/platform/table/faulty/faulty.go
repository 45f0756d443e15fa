// Package faulty puts faults between a service and its store, for tests: refusals, conflicts, lost
// answers and crashes, each at a call that the test chooses.
package faulty

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"seatwise/shared/platform/table"
)

// Fault is what happens to a call.
type Fault int

// The faults. Those named After let a commit take effect first; they do the same as their Before to
// a read, which has no effect.
const (
	None     Fault = iota
	Fail           // the call is not made and ErrFault is returned
	Throttle       // the call is not made and table.ErrThrottled is returned
	// the call is not made and table.ErrConflict is returned; a read is made, since reads do not
	// conflict
	Conflict
	TimeoutBefore // the call is not made and context.DeadlineExceeded is returned
	TimeoutAfter  // the call is made, its answer is lost and context.DeadlineExceeded is returned
	CrashBefore   // the call is not made; it and all later calls return ErrCrashed
	CrashAfter    // the call is made; it and all later calls return ErrCrashed
)

// All are the faults, without None.
func All() []Fault {
	return []Fault{Fail, Throttle, Conflict, TimeoutBefore, TimeoutAfter, CrashBefore, CrashAfter}
}

func (f Fault) String() string {
	names := [...]string{
		"None",
		"Fail",
		"Throttle",
		"Conflict",
		"TimeoutBefore",
		"TimeoutAfter",
		"CrashBefore",
		"CrashAfter",
	}
	if f < 0 || int(f) >= len(names) {
		return fmt.Sprint("Fault", int(f))
	}
	return names[f]
}

// The errors of faults that no real store returns.
var (
	ErrFault   = errors.New("a fault put in by the test")
	ErrCrashed = errors.New("the process has crashed, says the test")
)

// Call is a call to the store that a fault may befall. One of Keys, Query and Ops is set, by the
// method.
type Call struct {
	Number int // of all calls, from 1
	Commit int // of commits, from 1; 0 for a read
	Keys   []table.Key
	Query  *table.Query
	Ops    []table.Operation
}

// Store wraps another. It is as safe for concurrent use as that one.
type Store struct {
	inner  table.Store
	decide func(Call) Fault

	mu      sync.Mutex
	calls   int
	commits int
	crashed bool
}

var _ table.Store = (*Store)(nil)

// New wraps a store. decide is asked before every call, one call at a time.
func New(inner table.Store, decide func(Call) Fault) *Store {
	return &Store{inner: inner, decide: decide}
}

// AtCommit puts one fault on the n-th commit, counted from 1.
func AtCommit(n int, fault Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Commit == n {
			return fault
		}
		return None
	}
}

// AtCall puts one fault on the n-th call, reads included, counted from 1.
func AtCall(n int, fault Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Number == n {
			return fault
		}
		return None
	}
}

// Seeded puts one of the faults on each call with the probability rate (0 to 1). The same seed
// makes the same choices for the same calls in the same order.
func Seeded(seed uint64, rate float64, faults ...Fault) func(Call) Fault {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(Call) Fault {
		// Both are drawn always, so that choices do not depend on earlier ones.
		hit, which := random.Float64() < rate, random.IntN(len(faults))
		if hit {
			return faults[which]
		}
		return None
	}
}

// Revive ends a crash, as a restart of the process does.
func (s *Store) Revive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashed = false
}

// Crashed says whether a crash has happened since the last Revive.
func (s *Store) Crashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashed
}

// Commits is how many commits were tried, those that a fault befell and those after a crash
// included.
func (s *Store) Commits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}

// Calls is how many calls were tried, as for Commits.
func (s *Store) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// next counts a call and decides its fate.
func (s *Store) next(c Call) (Fault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	c.Number = s.calls
	if c.Ops != nil {
		s.commits++
		c.Commit = s.commits
	}
	if s.crashed {
		return None, ErrCrashed
	}
	fault := s.decide(c)
	if fault == CrashBefore || fault == CrashAfter {
		s.crashed = true
	}
	return fault, nil
}

// befall makes the call or not, as the fault wants, and returns the error that the caller sees. A
// read is a call without an effect.
func (s *Store) befall(c Call, call func() error) error {
	fault, err := s.next(c)
	if err != nil {
		return err
	}
	read := c.Ops == nil
	switch fault {
	case Fail:
		return ErrFault
	case Throttle:
		return fmt.Errorf("a fault: %w", table.ErrThrottled)
	case Conflict:
		if !read {
			return fmt.Errorf("a fault: %w", table.ErrConflict)
		}
	case TimeoutBefore:
		return fmt.Errorf("a fault: %w", context.DeadlineExceeded)
	case CrashBefore:
		return ErrCrashed
	case TimeoutAfter, CrashAfter, None:
	}
	err = call()
	if err != nil && !read && fault != CrashAfter {
		return err // Nothing took effect, so there is no lost success to play.
	}
	switch fault {
	case TimeoutAfter:
		return fmt.Errorf("a fault: %w", context.DeadlineExceeded)
	case CrashAfter:
		return ErrCrashed
	case None, Fail, Throttle, Conflict, TimeoutBefore, CrashBefore:
	}
	return err
}

// Lookup is Store.Lookup, with faults.
func (s *Store) Lookup(ctx context.Context, keys ...table.Key) (found map[table.Key]table.Item, err error) {
	err = s.befall(Call{Keys: keys}, func() (err error) {
		found, err = s.inner.Lookup(ctx, keys...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Query is Store.Query, with faults.
func (s *Store) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = s.befall(Call{Query: &q}, func() (err error) {
		page, err = s.inner.Query(ctx, q)
		return err
	})
	if err != nil {
		return table.Page{}, err
	}
	return page, nil
}

// Commit is Store.Commit, with faults.
func (s *Store) Commit(ctx context.Context, ops []table.Operation) error {
	if ops == nil {
		ops = []table.Operation{} // So that it counts as a commit.
	}
	return s.befall(Call{Ops: ops}, func() error { return s.inner.Commit(ctx, ops) })
}
