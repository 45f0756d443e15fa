package plain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/platform/work"
)

// Queue hands work on by SQS. What delivers it is the event source of the function, whose queue sets
// aside what failed too often.
type Queue struct {
	url, failed string
	Service
}

var _ work.Queue = (*Queue)(nil)

// NewQueue makes the queue of a URL, beside that of what failed for good.
func NewQueue(url, failed string, getenv func(string) string) *Queue {
	sqs := service("sqs", getenv)
	sqs.Protocol = "1.0"
	if own := getenv("AWS_ENDPOINT_URL_SQS"); own != "" {
		sqs.Endpoint = own
	}
	return &Queue{url: url, failed: failed, Service: sqs}
}

const (
	// batch is how many messages SQS takes at once, and batchesAtOnce how many such requests are made
	// side by side.
	batch         = 10
	batchesAtOnce = 8
	// sendAttempts is how often a message is sent that SQS did not take for a fault of its own, and
	// sendPause what is waited before the second time; twice that before the third.
	sendAttempts = 4
	sendPause    = 100 * time.Millisecond
)

// entry is a message of a batch.
type entry struct {
	ID   string `json:"Id"`
	Body string `json:"MessageBody"`
}

// Send implements work.Queue.
func (q *Queue) Send(ctx context.Context, messages ...work.Message) error {
	entries := make([]entry, len(messages))
	for i, m := range messages {
		body, err := work.Encode(m)
		if err != nil {
			return fmt.Errorf("hand work on: %w", err)
		}
		entries[i] = entry{strconv.Itoa(i), body}
	}
	var group errgroup.Group
	group.SetLimit(batchesAtOnce)
	for part := range slices.Chunk(entries, batch) {
		group.Go(func() error { return q.send(ctx, part) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("hand work on: %w", err)
	}
	return nil
}

// send sends a batch, and again what SQS did not take of it.
func (q *Queue) send(ctx context.Context, entries []entry) error {
	pause := sendPause
	for attempt := 1; ; attempt++ {
		var out struct {
			Failed []struct {
				ID      string `json:"Id"`
				Code    string
				Message string
			}
		}
		in := map[string]any{"QueueUrl": q.url, "Entries": entries}
		err := q.Ask(ctx, "AmazonSQS.SendMessageBatch", in, &out)
		if err == nil && len(out.Failed) == 0 {
			return nil
		}
		var refused *Refusal
		final := errors.As(err, &refused) && refused.Status < 500 && refused.Status != tooMany
		if err == nil {
			why := out.Failed[0]
			err = fmt.Errorf("%d messages were not taken: %s: %s", len(out.Failed), why.Code, why.Message)
			entries = slices.DeleteFunc(slices.Clone(entries), func(e entry) bool {
				for _, f := range out.Failed {
					if f.ID == e.ID {
						return false
					}
				}
				return true
			})
		}
		if final || attempt == sendAttempts || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause): //nolint:forbidigo // a pause between two requests is in the machine's own time
		}
		pause *= 2
	}
}

// tooMany is the status of a request that came too soon after others.
const tooMany = 429

// SetAside implements work.Queue.
func (q *Queue) SetAside(ctx context.Context, m work.Message) error {
	body, err := work.Encode(m)
	if err != nil {
		return fmt.Errorf("set work aside: %w", err)
	}
	var out struct{ MessageID string }
	in := map[string]string{"QueueUrl": q.failed, "MessageBody": body}
	if err := q.Ask(ctx, "AmazonSQS.SendMessage", in, &out); err != nil {
		return fmt.Errorf("set work aside: %w", err)
	}
	return nil
}
