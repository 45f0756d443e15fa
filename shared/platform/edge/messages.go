package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"seatwise/shared/platform/events"
	"seatwise/shared/platform/work"
)

// messages carries out a batch of messages, each alone: what fails, panics or takes all of its
// time never fails the others. Each has an equal share of the time that is left.
func (e *Edge) messages(ctx context.Context, payload []byte) (answer []byte, failed bool, err error) {
	batch, err := events.Messages(payload)
	if err != nil {
		return nil, true, err
	}
	var again []string
	for i, m := range batch {
		limited, cancel := share(ctx, len(batch)-i)
		err := e.message(limited, m)
		cancel()
		if err != nil {
			e.o.Log.ErrorContext(ctx, "the work of a message failed; it comes again",
				slog.String("message", m.ID), slog.String("work", m.Body), slog.Any("error", err))
			again = append(again, m.ID)
		}
	}
	answer, err = events.Failures(again)
	return answer, len(again) > 0, err
}

// message carries out one message.
func (e *Edge) message(ctx context.Context, m events.Message) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			e.o.Log.ErrorContext(ctx, "panic", "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = errors.New("it panicked; the log has the stack")
		}
	}()
	if err := ctx.Err(); err != nil {
		return err //nolint:wrapcheck // the invocation's own
	}
	wanted, err := work.Decode(m.Body)
	if err != nil {
		return err
	}
	defer e.ofMessage(ctx, wanted.Account, e.o.Clock())
	return e.fn.Message(ctx, wanted)
}

// share is the context of one of the parts that the time that is left is divided into.
func share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline) //nolint:forbidigo // a context's deadline is in the machine's own time
	return context.WithTimeout(ctx, left/time.Duration(parts))
}
