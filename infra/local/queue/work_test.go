package queue_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"seatwise/infra/local/queue"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/work"
	"seatwise/shared/platform/work/worktest"
)

// The queue of one machine keeps the contract that SQS keeps.
func TestWorkKeepsTheContract(t *testing.T) {
	worktest.Run(t, func(t *testing.T, deliver func(context.Context, work.Message) error) worktest.Opened {
		db := file(t)
		quiet := slog.New(slog.DiscardHandler)
		e := edge.New(app.Function{Message: deliver}, edge.Options{Name: "Work", Clock: time.Now, Log: quiet})
		q, err := queue.New(db, queue.Options{
			Name: "work", Clock: time.Now, IDs: &ids{}, Log: quiet, Workers: 4,
			Pauses:  []time.Duration{time.Millisecond, time.Millisecond},
			Grace:   50 * time.Millisecond,
			Deliver: func(ctx context.Context, e2 queue.Event) error { return queue.Judge(e.Invoke(ctx, e2.Payload)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { q.Run(ctx); close(ended) }()
		t.Cleanup(func() { cancel(); <-ended })
		return worktest.Opened{Queue: queue.NewWork(q, "WorkFunction"), Aside: func(t *testing.T) []work.Message {
			t.Helper()
			failed, err := q.Failed()
			if err != nil {
				t.Fatal(err)
			}
			return messages(t, failed)
		}}
	})
}

// messages are those of events.
func messages(t *testing.T, owed []queue.Event) []work.Message {
	t.Helper()
	var all []work.Message
	for _, e := range owed {
		batch, err := events.Messages(e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range batch {
			m, err := work.Decode(one.Body)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
	}
	return all
}

// What was sent before a restart is delivered after it, and the queues of one file do not mix.
func TestWorkOutlivesARestart(t *testing.T) {
	db := file(t)
	quiet := slog.New(slog.DiscardHandler)
	open := func(name string, deliver func(context.Context, queue.Event) error) *queue.Queue {
		q, err := queue.New(db, queue.Options{
			Name: name, Clock: time.Now, IDs: &ids{}, Log: quiet, Workers: 1, Deliver: deliver,
		})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	never := func(context.Context, queue.Event) error { t.Error("delivered by another queue"); return nil }
	m := work.Message{Kind: work.Maintenance, Account: "acme", Time: time.Unix(0, 0).UTC()}
	if err := queue.NewWork(open("work", never), "F").Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if n, err := open("", never).Owed(); n != 0 || err != nil {
		t.Errorf("the queue of events owes %d, %v", n, err)
	}
	var got []queue.Event
	again := open("work", func(_ context.Context, e queue.Event) error { got = append(got, e); return nil })
	run(t, again, func() bool { n, _ := again.Owed(); return n == 0 })
	if list := messages(t, got); len(list) != 1 || list[0] != m {
		t.Errorf("delivered %+v", list)
	}
}
