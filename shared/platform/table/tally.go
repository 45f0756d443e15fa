package table

import (
	"context"
	"errors"
	"sync/atomic"
)

// Tally counts commits: those that were tried, and those of them that were lost to others, by a
// condition that no longer held or by a conflict. What is lost is decided again, or ends in a
// refusal. Beside them it counts what the store was refused for load. It is safe for concurrent use.
type Tally struct{ tried, lost, throttled atomic.Int64 }

// Throttled counts an attempt of the store's own, to read or to commit, that was refused for load.
func (t *Tally) Throttled() { t.throttled.Add(1) }

// TakeThrottled is how many were refused for load since the last TakeThrottled.
func (t *Tally) TakeThrottled() int64 { return t.throttled.Swap(0) }

// Lost counts an attempt of the store's own that was lost, and is repeated by the store.
func (t *Tally) Lost() {
	t.tried.Add(1)
	t.lost.Add(1)
}

// Read is what was counted so far.
func (t *Tally) Read() (tried, lost int64) { return t.tried.Load(), t.lost.Load() }

// Take is what was counted since the last Take.
func (t *Tally) Take() (tried, lost int64) { return t.tried.Swap(0), t.lost.Swap(0) }

// Tallied wraps a store whose commits are counted.
func Tallied(inner Store, t *Tally) Store { return tallied{inner, t} }

type tallied struct {
	Store
	tally *Tally
}

// Commit implements Store.
func (s tallied) Commit(ctx context.Context, ops []Operation) error {
	err := s.Store.Commit(ctx, ops)
	s.tally.tried.Add(1)
	if _, refused := Refused(err); refused || errors.Is(err, ErrConflict) {
		s.tally.lost.Add(1)
	}
	return err
}
