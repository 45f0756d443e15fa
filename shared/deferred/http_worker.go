// Package deferred carries out what takes longer than a request may, behind the answer to it, and tells
// who asked what became of it (requirements, section 12, "Dry run"; decisions, 185).
//
// A deferred request is an object in the bucket of reports, and so is what is told of it: nothing of it is
// among the items of the account. Its creation wakes up the worker, which serves the very request by the
// routes of the API.
package deferred

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/reply"
)

// inProgress is in the answer to a request that another worker is carrying out.
var inProgress = []byte(`"urn:seatwise:problem:` + string(problem.IdempotencyInProgress) + `"`)

// toTell is what there is to tell what became of a request once its time is over.
const toTell = 10 * time.Second

// Worker carries out what was deferred.
type Worker struct {
	env     *app.Env
	handler http.Handler
}

// NewWorker makes a worker that knows these operations.
func NewWorker(env *app.Env, routes ...func(*api.Router)) *Worker {
	return &Worker{env, api.Serve(env, routes...).HTTP}
}

// Handle takes the wake-ups of DeferredFunction. One that fails does not stop the others, and comes again.
func (w *Worker) Handle(ctx context.Context, payload []byte) error {
	created, err := events.S3Records(payload)
	if err != nil {
		return fmt.Errorf("deferred requests: %w", err)
	}
	var failures []error
	for i, o := range created {
		account, id, ok := plan.ParseWakeUp(o.Key)
		if o.Fault != nil || !ok || o.Bucket != w.env.Files.Name(files.Reports) {
			w.env.Log.WarnContext(ctx, "not the wake-up of a deferred request", slog.String("key", o.Key))
			continue
		}
		limited, cancel := call.Share(ctx, len(created)-i)
		if err := w.carryOut(limited, account, id); err != nil {
			failures = append(failures, fmt.Errorf("deferred request %s of account %s: %w", id, account, err))
		}
		cancel()
	}
	return errors.Join(failures...)
}

// carryOut serves a request, unless that was done already, and tells what it was answered. One that is
// delivered twice at the same time is worked out twice, and done once, by its key.
//
// Errors: what keeps it from being served or told, and may pass.
func (w *Worker) carryOut(ctx context.Context, account, id string) error {
	d, err := plan.DeferredOf(ctx, w.env.Files, account, id, w.env.Clock())
	if errors.Is(err, files.ErrNotFound) || d.Told.State == plan.Ready || d.Told.State == plan.Failed {
		return nil // it has ended, or nobody may read it any more
	}
	if err != nil {
		return err
	}
	if d, err = plan.Woken(ctx, w.env.Files, account, id); err != nil {
		return err
	}
	d.Told.State, d.Told.Percent = plan.Running, 50
	if err := d.Tell(ctx, w.env.Files, account); err != nil {
		return err
	}
	within, cancel := within(ctx)
	defer cancel()
	a := w.serve(within, d)
	switch {
	case a.status == http.StatusConflict && bytes.Contains(a.body.Bytes(), inProgress):
		err = errors.New("another worker is at it")
	case a.status < http.StatusInternalServerError:
		err = d.Answered(a.status, a.header, a.body.Bytes())
	case within.Err() != nil: // another worker would have no more time
		d.Told.Fail(api.TooLong())
	default:
		err = fmt.Errorf("it was answered %d", a.status)
	}
	if err != nil {
		return err
	}
	return d.Tell(ctx, w.env.Files, account)
}

// within is the context of the request itself.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-toTell))
}

// serve makes the request once more, in the name of who made it.
func (w *Worker) serve(ctx context.Context, d plan.DeferredRequest) *answer {
	ctx = api.Behind(auth.With(reply.WithRequestID(ctx, d.RequestID), d.Caller.Principal()))
	a := &answer{header: http.Header{}}
	r, err := http.NewRequestWithContext(ctx, d.Method, d.Target(), bytes.NewReader(d.Body))
	if err != nil {
		a.status = http.StatusInternalServerError // it was a request before
		return a
	}
	for name, value := range d.Header {
		r.Header.Set(name, value)
	}
	w.handler.ServeHTTP(a, r)
	return a
}

// answer keeps what a request is answered.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b) //nolint:wrapcheck // it never fails
}
