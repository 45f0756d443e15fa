package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/local/queue"
)

type ids struct {
	mu sync.Mutex
	n  int
}

func (i *ids) Random() string { return i.Ordered() }

func (i *ids) Ordered() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.n++
	return fmt.Sprintf("id-%d", i.n)
}

func file(t *testing.T) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "queue.bolt"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newQueue(
	t *testing.T,
	db *bbolt.DB,
	pauses []time.Duration,
	deliver func(context.Context, queue.Event) error,
) *queue.Queue {
	t.Helper()
	q, err := queue.New(db, queue.Options{
		Clock:   time.Now,
		IDs:     &ids{},
		Log:     slog.New(slog.DiscardHandler),
		Deliver: deliver,
		Workers: 3,
		Pauses:  pauses,
		Grace:   50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// run delivers until done says so, or fails the test.
func run(t *testing.T, q *queue.Queue, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { q.Run(ctx); close(ended) }()
	for limit := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Error("it takes too long")
			break
		}
	}
	cancel()
	<-ended
}

func empty(t *testing.T, q *queue.Queue) func() bool {
	return func() bool {
		n, err := q.Owed()
		if err != nil {
			t.Fatal(err)
		}
		return n == 0
	}
}

type recorder struct {
	mu   sync.Mutex
	seen []queue.Event
	fail func(queue.Event) error
}

func (r *recorder) deliver(_ context.Context, e queue.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, e)
	if r.fail != nil {
		return r.fail(e)
	}
	return nil
}

func TestEachEventIsDelivered(t *testing.T) {
	var r recorder
	q := newQueue(t, file(t), nil, r.deliver)
	for i := range 20 {
		if err := q.Add(queue.Event{Function: "F", Payload: []byte(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	run(t, q, empty(t, q))
	var got []string
	for _, e := range r.seen {
		got = append(got, string(e.Payload))
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != 20 || len(r.seen) != 20 {
		t.Fatalf("delivered %v", got)
	}
}

func TestAnEventOfAnAbortedTransactionIsNotDelivered(t *testing.T) {
	db := file(t)
	var r recorder
	q := newQueue(t, db, nil, r.deliver)
	abort := errors.New("abort")
	err := db.Update(func(tx *bbolt.Tx) error {
		if err := q.AddIn(tx, queue.Event{Function: "F", Payload: []byte(`1`)}); err != nil {
			return err
		}
		return abort
	})
	if !errors.Is(err, abort) {
		t.Fatal(err)
	}
	if n, err := q.Owed(); n != 0 || err != nil {
		t.Fatalf("%d are owed, %v", n, err)
	}
}

func TestAFailureIsRepeatedAndThenKept(t *testing.T) {
	r := recorder{fail: func(e queue.Event) error {
		if e.Function == "Never" || e.Attempts == 0 {
			return errors.New("boom")
		}
		return nil
	}}
	q := newQueue(t, file(t), []time.Duration{time.Millisecond, 2 * time.Millisecond}, r.deliver)
	if err := q.Add(queue.Event{Function: "Second", Payload: []byte(`1`)},
		queue.Event{Function: "Never", Payload: []byte(`2`)}); err != nil {
		t.Fatal(err)
	}
	run(t, q, empty(t, q))
	count, ids := map[string]int{}, map[string]bool{}
	for _, e := range r.seen {
		count[e.Function]++
		ids[e.ID] = true
	}
	if count["Second"] != 2 || count["Never"] != 3 || len(ids) != 2 {
		t.Fatalf("attempts %v under ids %v", count, ids)
	}
	failed, err := q.Failed()
	if err != nil || len(failed) != 1 || failed[0].Function != "Never" || failed[0].Error != "boom" ||
		string(failed[0].Payload) != "2" {
		t.Fatalf("failed %+v, %v", failed, err)
	}
}

func TestAPauseIsKept(t *testing.T) {
	var mu sync.Mutex
	var at []time.Time
	q := newQueue(t, file(t), []time.Duration{80 * time.Millisecond}, func(context.Context, queue.Event) error {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Now())
		if len(at) == 1 {
			return errors.New("boom")
		}
		return nil
	})
	if err := q.Add(queue.Event{Function: "F", Payload: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	run(t, q, empty(t, q))
	if len(at) != 2 || at[1].Sub(at[0]) < 80*time.Millisecond {
		t.Fatalf("attempts at %v", at)
	}
}

func TestAStopInterruptsAndTheNextStartDeliversAgain(t *testing.T) {
	db := file(t)
	started := make(chan struct{})
	q := newQueue(t, db, nil, func(ctx context.Context, _ queue.Event) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	if err := q.Add(queue.Event{Function: "F", Payload: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	run(t, q, func() bool {
		select {
		case <-started:
			return true
		default:
			return false
		}
	})
	if n, err := q.Owed(); n != 1 || err != nil {
		t.Fatalf("%d are owed after the stop, %v", n, err)
	}
	var r recorder
	again := newQueue(t, db, nil, r.deliver)
	run(t, again, empty(t, again))
	if len(r.seen) != 1 || r.seen[0].Attempts != 0 {
		t.Fatalf("delivered %+v", r.seen)
	}
}

func TestADeliveryMayFinishWithinTheGrace(t *testing.T) {
	started := make(chan struct{})
	q := newQueue(t, file(t), nil, func(ctx context.Context, _ queue.Event) error {
		close(started)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
			return nil
		}
	})
	if err := q.Add(queue.Event{Function: "F", Payload: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	run(t, q, func() bool {
		select {
		case <-started:
			return true
		default:
			return false
		}
	})
	if n, err := q.Owed(); n != 0 || err != nil {
		t.Fatalf("%d are owed, %v", n, err)
	}
}

func TestNoMoreThanTheWorkersAtOnce(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	q := newQueue(t, file(t), nil, func(context.Context, queue.Event) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		return nil
	})
	for range 12 {
		if err := q.Add(queue.Event{Function: "F", Payload: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
	}
	run(t, q, empty(t, q))
	if most != 3 {
		t.Fatalf("%d at once, want the 3 workers", most)
	}
}

func TestEventsOfOneSourceDoNotPileUp(t *testing.T) {
	var r recorder
	q := newQueue(t, file(t), nil, r.deliver)
	for i, want := range []bool{true, false, true} {
		source := []string{"a", "a", "b"}[i]
		added, err := q.AddUnlessWaiting(queue.Event{Function: "F", Payload: []byte(`1`), Source: source})
		if err != nil ||
			added != want {
			t.Fatalf("%d: added %v, %v", i, added, err)
		}
	}
	run(t, q, empty(t, q))
	added, err := q.AddUnlessWaiting(queue.Event{Function: "F", Payload: []byte(`1`), Source: "a"})
	if err != nil ||
		!added {
		t.Fatalf("after the delivery: added %v, %v", added, err)
	}
}
