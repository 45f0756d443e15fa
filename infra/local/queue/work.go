package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"seatwise/shared/platform/events"
	"seatwise/shared/platform/work"
)

// Work hands the work of accounts on, on one machine: what SQS is in AWS. A message is on disk before
// whoever sent it is told so, and comes to the function as SQS delivers it.
type Work struct {
	*Queue
	function string
}

var _ work.Queue = Work{}

// NewWork makes it of a queue whose messages go to a function.
func NewWork(q *Queue, function string) Work { return Work{q, function} }

// sentAtOnce is how many messages are written in one transaction.
const sentAtOnce = 1000

// Send implements work.Queue.
func (w Work) Send(ctx context.Context, messages ...work.Message) error {
	for len(messages) > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("hand work on: %w", err)
		}
		n := min(sentAtOnce, len(messages))
		owed := make([]Event, n)
		for i, m := range messages[:n] {
			e, err := w.event(m)
			if err != nil {
				return err
			}
			owed[i] = e
		}
		if err := w.Add(owed...); err != nil {
			return fmt.Errorf("hand work on: %w", err)
		}
		messages = messages[n:]
	}
	return nil
}

// SetAside implements work.Queue.
func (w Work) SetAside(_ context.Context, m work.Message) error {
	e, err := w.event(m)
	if err != nil {
		return err
	}
	e.ID, e.Due, e.Error = w.o.IDs.Ordered(), w.o.Clock(), m.Error
	return w.db.Update(func(tx *bbolt.Tx) error { return keep(tx.Bucket(w.failedBucket), e) })
}

func (w Work) event(m work.Message) (Event, error) {
	body, err := work.Encode(m)
	if err != nil {
		return Event{}, fmt.Errorf("hand work on: %w", err)
	}
	payload, err := events.Batch(w.function, events.Message{ID: w.o.IDs.Random(), Body: body})
	return Event{Function: w.function, Payload: payload}, err
}

// Judge is the failure of a delivery by what the function answered: an answer that names messages has
// them come again.
func Judge(answer []byte, err error) error {
	if err != nil || !json.Valid(answer) {
		return err
	}
	again, err := events.Failed(answer)
	if err != nil || len(again) == 0 {
		return nil //nolint:nilerr // an answer of another form names none
	}
	return fmt.Errorf("the work of messages failed; the log says why: %s", strings.Join(again, ", "))
}
