// Package keyring keeps keys that are rotated: they are read at the first use and again from time to
// time, and while one takes the place of another both of them hold.
package keyring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// Life is how long keys are taken as they were read.
	Life = 5 * time.Minute
	// Pause is the least time between two readings: one is due before Life is over when something was
	// sealed with a key that is not known, and after one that failed.
	Pause = 10 * time.Second
	// patience is how long another reading may take while there are keys to go on with.
	patience = 2 * time.Second
)

// errNone is returned when there are no keys to read.
var errNone = errors.New("there are none")

// Ring is the keys of one purpose. It is safe for concurrent use.
type Ring[K any] struct {
	read  func(context.Context) ([]K, error)
	clock func() time.Time

	mu   sync.Mutex
	keys []K
	at   time.Time // of the last reading that succeeded
	last time.Time // of the last one
}

// New takes where the keys come from: the first one seals, any one opens.
func New[K any](read func(context.Context) ([]K, error), clock func() time.Time) *Ring[K] {
	return &Ring[K]{read: read, clock: clock}
}

// Fixed is a ring of keys that never change, for which time stands still. The first one seals, any one
// opens.
func Fixed[K any](keys ...K) *Ring[K] {
	return New(func(context.Context) ([]K, error) { return keys, nil }, func() time.Time { return time.Time{} })
}

// First is the key that seals.
//
// Errors: those of reading the keys, while there are none.
func (r *Ring[K]) First(ctx context.Context) (K, error) {
	keys, err := r.current(ctx, Life)
	if err != nil {
		var none K
		return none, err
	}
	return keys[0], nil
}

// Find is the first key that fits, and whether there is one. When none fits they are read again, if
// the last reading was not just now: another process may have sealed with one that came meanwhile.
//
// Errors: those of reading the keys, while there are none.
func (r *Ring[K]) Find(ctx context.Context, fits func(K) bool) (key K, found bool, err error) {
	for _, age := range []time.Duration{Life, Pause} {
		keys, err := r.current(ctx, age)
		if err != nil {
			return key, false, err
		}
		for _, one := range keys {
			if fits(one) {
				return one, true, nil
			}
		}
	}
	return key, false, nil
}

// current are the keys, read when they are older than age. Those that are there are used as they are
// while they cannot be read again.
func (r *Ring[K]) current(ctx context.Context, age time.Duration) ([]K, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	if len(r.keys) > 0 {
		if now.Sub(r.at) < age || now.Sub(r.last) < Pause {
			return r.keys, nil
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	keys, err := r.read(ctx)
	r.last = now
	switch {
	case err == nil && len(keys) > 0:
		r.keys, r.at = keys, now
	case len(r.keys) == 0:
		return nil, fmt.Errorf("read the keys: %w", cmp.Or(err, errNone))
	}
	return r.keys, nil
}
