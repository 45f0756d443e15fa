package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/inmemory"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
)

// adapter opens a store for one seed, outside of the bubble, and says how to get at it within. It
// is gone when the test ends.
type adapter func(t *testing.T) (within func() (table.Store, error))

// adapters are those that -adapter names.
var adapters = map[string]adapter{"bolt": openBolt, "dynamo": openDynamo}

// openBolt is the embedded store, in memory: crashes here are of callers and not of the disk, so nothing
// is proved by waiting for one. Its goroutine must be of the bubble, which waits for it.
func openBolt(t *testing.T) func() (table.Store, error) {
	t.Helper()
	//nolint:usetesting // t.TempDir is on disk, and a sync to it takes far longer than all else
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-simulate-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return func() (table.Store, error) { return bolt.Open(filepath.Join(folder, "table.db")) }
}

// openDynamo is the dynamo adapter on DynamoDB Local, or on the endpoint that package programs is told.
// Where there is no server the test is skipped, or fails in CI.
func openDynamo(t *testing.T) func() (table.Store, error) {
	t.Helper()
	o := newOutside(dynamostore.Open(t))
	t.Cleanup(func() { close(o.calls) })
	return func() (table.Store, error) { return o, nil }
}

// outside carries the calls of a bubble to a store with sockets, which a bubble cannot hold: a
// goroutine that waits for the network keeps a bubble from standing still, and the connections that
// HTTP keeps open wait for ever. So a goroutine that was started outside makes the calls, one after
// the other; who waits for it waits on a channel that was made outside, so the bubble counts them
// as running, and its clock stands, until the answer is there: for the simulation a call is one
// step.
//
// The context stays in the bubble, whose timers nobody outside may touch: it is asked before the
// call, and the call itself has a limit of its own by the real clock.
type outside struct {
	store table.Store
	mu    sync.Mutex
	calls chan func()
	done  chan struct{}
}

var _ table.Store = (*outside)(nil)

// callWait bounds one call to the server, the adapter's own attempts included.
const callWait = time.Minute

func newOutside(store table.Store) *outside {
	o := &outside{store: store, calls: make(chan func()), done: make(chan struct{})}
	go func() {
		for call := range o.calls {
			call()
			o.done <- struct{}{}
		}
	}()
	return o
}

func (o *outside) do(inner context.Context, call func(ctx context.Context) error) error {
	if err := inner.Err(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var err error
	o.calls <- func() {
		ctx, cancel := context.WithTimeout(context.Background(), callWait)
		defer cancel()
		if err = call(ctx); errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("the server did not answer: %w", err)
		}
	}
	<-o.done
	return err
}

// Lookup implements table.Store.
func (o *outside) Lookup(ctx context.Context, keys ...table.Key) (found map[table.Key]table.Item, err error) {
	err = o.do(ctx, func(ctx context.Context) (err error) {
		found, err = o.store.Lookup(ctx, keys...)
		return err
	})
	return found, err
}

// Query implements table.Store.
func (o *outside) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = o.do(ctx, func(ctx context.Context) (err error) {
		page, err = o.store.Query(ctx, q)
		return err
	})
	return page, err
}

// Commit implements table.Store.
func (o *outside) Commit(ctx context.Context, ops []table.Operation) error {
	return o.do(ctx, func(ctx context.Context) error { return o.store.Commit(ctx, ops) })
}
