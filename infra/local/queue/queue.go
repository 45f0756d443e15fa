// Package queue delivers events to functions as Lambda's asynchronous invocations do: each at least
// once, again when it failed, and after a restart. An event is on disk before whoever caused it is
// told so.
package queue

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/table/bolt"
)

// unnamed is the name of the queue whose options have none.
const unnamed = "queue"

// keepFailed is how many failed events are kept to look at.
const keepFailed = 1000

// Event is one delivery that is owed.
type Event struct {
	// ID is the request id of the delivery, the same each time.
	ID       string          `json:"id"`
	Function string          `json:"function"`
	Payload  json.RawMessage `json:"payload"`
	// Source is set where events must not pile up: AddUnlessWaiting looks for it.
	Source string `json:"source,omitempty"`
	// Attempts that failed so far, and when the next one is due.
	Attempts int       `json:"attempts"`
	Due      time.Time `json:"due"`
	// Error is why the last attempt failed, for a failed event.
	Error string `json:"error,omitempty"`
}

// Options are a queue's surroundings.
type Options struct {
	// Name tells the queues of one file apart; empty is that of events.
	Name  string
	Clock app.Clock
	IDs   app.IDs
	Log   *slog.Logger
	// Deliver invokes the function. Its context ends when the queue has to stop.
	Deliver func(context.Context, Event) error
	// Workers is how many events are delivered at once.
	Workers int
	// Pauses are the times before the second and later attempts; after as many failures and one
	// more an event has failed.
	Pauses []time.Duration
	// Grace is how long a delivery may go on once the queue has to stop.
	Grace time.Duration
}

// Queue keeps events in a bbolt file that it shares with others.
type Queue struct {
	db *bbolt.DB
	// waitingBucket has the events that are owed, and failedBucket those that failed for good.
	waitingBucket, failedBucket []byte

	o    Options
	wake chan struct{}

	mu     sync.Mutex
	flying map[uint64]struct{} // sequence numbers of the events that are being delivered
}

// New makes a queue in the file.
func New(db *bbolt.DB, o Options) (*Queue, error) {
	name := cmp.Or(o.Name, unnamed)
	q := &Queue{
		db: db, waitingBucket: []byte(name), failedBucket: []byte(name + "-failed"),
		o: o, wake: make(chan struct{}, 1), flying: map[uint64]struct{}{},
	}
	if err := bolt.EnsureBuckets(db, q.waitingBucket, q.failedBucket); err != nil {
		return nil, fmt.Errorf("event queue: %w", err)
	}
	return q, nil
}

// AddIn adds events as a part of someone else's transaction: they are delivered if and when it is
// committed. Function and Payload are all that need be set.
func (q *Queue) AddIn(tx *bbolt.Tx, events ...Event) error {
	bucket := tx.Bucket(q.waitingBucket)
	for _, e := range events {
		sequence, err := bucket.NextSequence()
		if err != nil {
			return fmt.Errorf("event queue: %w", err)
		}
		e.ID, e.Due = q.o.IDs.Ordered(), q.o.Clock()
		if err := put(bucket, sequence, e); err != nil {
			return err
		}
	}
	if len(events) > 0 {
		tx.OnCommit(q.rouse)
	}
	return nil
}

// Add adds events in a transaction of their own.
func (q *Queue) Add(events ...Event) error {
	return q.db.Update(func(tx *bbolt.Tx) error { return q.AddIn(tx, events...) })
}

// AddUnlessWaiting adds an event unless an earlier one of the same Source is still owed; it says
// whether it did.
func (q *Queue) AddUnlessWaiting(e Event) (added bool, err error) {
	err = q.db.Update(func(tx *bbolt.Tx) error {
		added = true
		err := each(tx.Bucket(q.waitingBucket), func(_ uint64, other Event) bool {
			added = other.Source != e.Source
			return added
		})
		if err != nil || !added {
			return err
		}
		return q.AddIn(tx, e)
	})
	return added, err
}

// Failed lists the events that failed for good, the oldest first.
func (q *Queue) Failed() ([]Event, error) {
	events := []Event{}
	err := q.db.View(func(tx *bbolt.Tx) error {
		return each(tx.Bucket(q.failedBucket), func(_ uint64, e Event) bool { events = append(events, e); return true })
	})
	return events, err
}

// Owed counts the events that wait or are being delivered.
func (q *Queue) Owed() (n int, err error) {
	err = q.db.View(func(tx *bbolt.Tx) error {
		n = tx.Bucket(q.waitingBucket).Stats().KeyN
		return nil
	})
	return n, err
}

// Run delivers until the context ends, and returns when the last delivery has. Events that are not
// done by then are delivered at the next start.
func (q *Queue) Run(ctx context.Context) {
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	var deliveries sync.WaitGroup
	for ctx.Err() == nil {
		ready, next, err := q.ready()
		if err != nil {
			q.o.Log.ErrorContext(ctx, "event queue not read", "error", err)
			next = q.o.Clock().Add(time.Second)
		}
		for sequence, e := range ready {
			deliveries.Go(func() {
				q.deliver(work, sequence, e)
				q.mu.Lock()
				delete(q.flying, sequence)
				q.mu.Unlock()
				q.rouse()
			})
		}
		q.sleep(ctx, next)
	}
	stop := time.AfterFunc(q.o.Grace, abandon)
	defer stop.Stop()
	deliveries.Wait()
}

// sleep waits for news, or for the next event to be due; the zero time is never.
func (q *Queue) sleep(ctx context.Context, next time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(max(next.Sub(q.o.Clock()), 10*time.Millisecond))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-q.wake:
	case <-due:
	}
}

// ready takes the due events that free workers can have, oldest first, and says when the next one
// is due.
func (q *Queue) ready() (map[uint64]Event, time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, taken, next := q.o.Clock(), map[uint64]Event{}, time.Time{}
	err := q.db.View(func(tx *bbolt.Tx) error {
		return each(tx.Bucket(q.waitingBucket), func(sequence uint64, e Event) bool {
			if _, busy := q.flying[sequence]; busy {
				return true
			}
			if len(q.flying)+len(taken) >= q.o.Workers {
				return false
			}
			if e.Due.After(now) {
				if next.IsZero() || e.Due.Before(next) {
					next = e.Due
				}
				return true
			}
			taken[sequence] = e
			return true
		})
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for sequence := range taken {
		q.flying[sequence] = struct{}{}
	}
	return taken, next, nil
}

func (q *Queue) deliver(ctx context.Context, sequence uint64, e Event) {
	failure := q.o.Deliver(ctx, e)
	if failure != nil && ctx.Err() != nil {
		return // it was the stop that ended it; the next start delivers it again
	}
	failed := false
	err := q.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(q.waitingBucket)
		if failure == nil {
			return bucket.Delete(key(sequence))
		}
		e.Attempts++
		e.Error = failure.Error()
		if failed = e.Attempts > len(q.o.Pauses); failed {
			if err := bucket.Delete(key(sequence)); err != nil {
				return err
			}
			return keep(tx.Bucket(q.failedBucket), e)
		}
		e.Due = q.o.Clock().Add(q.o.Pauses[e.Attempts-1])
		return put(bucket, sequence, e)
	})
	switch {
	case err != nil:
		q.o.Log.ErrorContext(ctx, "outcome of an event not written, it will come again", "function", e.Function,
			"event", e.ID, "error", err)
	case failed:
		q.o.Log.ErrorContext(ctx, "event failed for good", "function", e.Function, "event", e.ID, "attempts",
			e.Attempts, "error", failure)
	case failure != nil:
		q.o.Log.WarnContext(ctx, "event failed, it will come again", "function", e.Function, "event", e.ID,
			"attempts", e.Attempts, "error", failure)
	}
}

func (q *Queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// keep stores a failed event and forgets the oldest beyond keepFailed.
func keep(bucket *bbolt.Bucket, e Event) error {
	sequence, err := bucket.NextSequence()
	if err != nil {
		return fmt.Errorf("event queue: %w", err)
	}
	if sequence > keepFailed {
		if err := bucket.Delete(key(sequence - keepFailed)); err != nil {
			return fmt.Errorf("event queue: %w", err)
		}
	}
	return put(bucket, sequence, e)
}

func put(bucket *bbolt.Bucket, sequence uint64, e Event) error {
	value, err := json.Marshal(e)
	if err == nil {
		err = bucket.Put(key(sequence), value)
	}
	if err != nil {
		return fmt.Errorf("event queue: %w", err)
	}
	return nil
}

func key(sequence uint64) []byte { return binary.BigEndian.AppendUint64(nil, sequence) }

// each visits events in order until visit says false.
func each(bucket *bbolt.Bucket, visit func(uint64, Event) bool) error {
	c := bucket.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var e Event
		if err := json.Unmarshal(v, &e); err != nil || len(k) != 8 {
			return fmt.Errorf("event queue: %w", errors.Join(errors.New("an entry cannot be read"), err))
		}
		if !visit(binary.BigEndian.Uint64(k), e) {
			return nil
		}
	}
	return nil
}
