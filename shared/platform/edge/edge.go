// Package edge is where AWS Lambda ends and Seatwise begins: it takes one invocation, whichever
// kind of event it carries, and hands it to a function's http.Handler or to its event handler. No
// other package but functions/* and wire reaches the Lambda runtime, and they do through here.
package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/emf"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/reply"
	"seatwise/shared/platform/spent"
	"seatwise/shared/platform/table"
)

// grace is what an invocation keeps of its time to answer that it ran out of it.
const grace = 300 * time.Millisecond

// ErrUnexpected is wrapped when a function is invoked with a kind of event that it does not serve.
var ErrUnexpected = errors.New("the function does not serve this kind of event")

// Options is what an Edge needs beside the function.
type Options struct {
	// Name is the function's logical id; the lines of its metrics name it.
	Name  string
	Clock app.Clock
	Log   *slog.Logger
	// Tally counts the commits of the function's table; nil for a function without one. What was
	// counted since the last invocation is told with its metrics.
	Tally *table.Tally
	// Meter counts what accounts take of the function's table, which is told with its metrics, and
	// Memory is the gigabytes that the function has; nil for a function without a table.
	Meter  *spent.Meter
	Memory float64
	// UserClaim is the claim that is the user's id; empty means sub.
	UserClaim string
	// Metrics takes one line in embedded metric format for each invocation; nil writes none.
	Metrics io.Writer
}

// Edge invokes one function. It is safe for concurrent use.
type Edge struct {
	fn     app.Function
	o      Options
	warmed atomic.Bool
}

var _ lambda.Handler = (*Edge)(nil)

// New makes the edge of a function.
func New(fn app.Function, o Options) *Edge {
	if o.UserClaim == "" {
		o.UserClaim = "sub"
	}
	return &Edge{fn: fn, o: o}
}

// Start serves the Lambda runtime API until the process ends.
func Start(e *Edge) { lambda.Start(e) }

// Invoke carries out one invocation. An HTTP API event of payload version 2.0 goes to the
// function's HTTP handler, and its answer is an answer of that version; a batch of messages goes to
// its message handler, one by one, and the answer names those that are to come again; anything else
// goes as it is to its event handler, and the answer is null, or to the one that answers.
//
// The function's context ends a little before the invocation does, so that there is time to answer.
// Errors: ErrUnexpected; whatever the event handler returned, which makes Lambda deliver the event
// again; never one for an HTTP request that could be answered.
func (e *Edge) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	began := e.o.Clock()
	cold := !e.warmed.Swap(true)
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-grace))
		defer cancel()
	}
	request, isHTTP := parseRequest(payload)
	properties := map[string]any{}
	id := reply.RequestID(ctx) // set by a caller that is not Lambda
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		id = lc.AwsRequestID
		properties["lambdaRequestId"] = id
	}
	if isHTTP && request.Context.RequestID != "" {
		// The gateway's id is the one that the client sees, and the one in the access log.
		id = request.Context.RequestID
	}
	ctx = reply.WithRequestID(ctx, id)
	ctx, counts := emf.WithCounts(ctx)

	failed := false
	switch {
	case isHTTP && e.fn.HTTP != nil:
		var status int
		answer, status, err = e.serve(ctx, request)
		failed = status >= 500
		properties["status"], properties["route"] = status, request.RouteKey
	case !isHTTP && e.fn.Message != nil && events.KindOf(payload) == events.KindMessages:
		answer, failed, err = e.messages(ctx, payload)
	case !isHTTP && (e.fn.Event != nil || e.fn.Answer != nil):
		answer, err = e.handle(ctx, payload)
	default:
		err = ErrUnexpected
	}
	if err != nil {
		failed = true
		e.o.Log.ErrorContext(ctx, "invocation failed", "error", err)
	}
	properties["requestId"] = id
	e.measure(ctx, invocation{
		began: began, cold: cold, failed: failed, counted: counts.Metrics(), properties: properties,
		account: counts.Account(),
	})
	return answer, err
}

// handle gives an event to the function, and makes an error of its panic, so that the event is
// delivered again and the process lives on.
func (e *Edge) handle(ctx context.Context, payload []byte) (answer []byte, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			e.o.Log.ErrorContext(ctx, "panic", "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = errors.New("the function panicked; its log has the stack")
		}
	}()
	if e.fn.Answer != nil {
		return e.fn.Answer(ctx, payload)
	}
	return []byte("null"), e.fn.Event(ctx, payload)
}

// invocation is what is measured of one.
type invocation struct {
	began        time.Time
	cold, failed bool
	// counted is what the function itself counted.
	counted    []emf.Metric
	properties map[string]any
	// account is for which it was, where that is known.
	account string
}

func (e *Edge) measure(ctx context.Context, in invocation) {
	if e.o.Metrics == nil {
		return
	}
	now := e.o.Clock()
	// What nobody is woken by is a property of the line, not a metric that has a price by the month:
	// Lambda and the gateway count invocations and their time themselves.
	in.properties["Latency"] = float64(now.Sub(in.began).Microseconds()) / 1000
	in.properties["ColdStart"] = in.cold
	e.spend(ctx, now, in)
	metrics := []emf.Metric{{Name: "Errors", Value: count(in.failed)}}
	if e.o.Tally != nil {
		tried, lost := e.o.Tally.Take()
		in.properties["Commits"] = tried
		metrics = append(metrics,
			emf.Metric{Name: "ConflictsRetried", Value: float64(lost)},
			emf.Metric{Name: "Throttled", Value: float64(e.o.Tally.TakeThrottled())})
	}
	metrics = append(metrics, in.counted...)
	if err := emf.Write(e.o.Metrics, now, e.o.Name, metrics, in.properties); err != nil {
		e.o.Log.WarnContext(ctx, "metrics not written", "error", err)
	}
}

// spend tells in the line of an invocation what its account has taken, and in lines of their own what
// others have. An invocation for which nobody has said whose it was is that of the one account whose
// keys it used. The time of what was of several accounts is nobody's.
func (e *Edge) spend(ctx context.Context, now time.Time, in invocation) {
	if e.o.Meter == nil {
		return
	}
	units := e.o.Meter.Take()
	if in.account == "" && len(units) == 1 {
		for account := range units {
			in.account = account
		}
	}
	if in.account != "" {
		maps.Copy(in.properties, spending(in.account, units[in.account], e.o.Memory*now.Sub(in.began).Seconds()))
		delete(units, in.account)
	}
	for _, account := range slices.Sorted(maps.Keys(units)) {
		e.told(ctx, now, in.properties["requestId"], account, units[account])
	}
}

// spending are the properties that tell what a run has taken.
func spending(account string, units spent.Units, gbSeconds float64) map[string]any {
	return map[string]any{
		"account": account, "Run": true, "ReadUnits": units.Reads, "WriteUnits": units.Writes,
		"GBSeconds": math.Round(gbSeconds*1e6) / 1e6,
	}
}

// told writes a line of what an account has taken of the table in what was not for it alone.
func (e *Edge) told(ctx context.Context, now time.Time, requestID any, account string, units spent.Units) {
	properties := map[string]any{
		"account": account, "ReadUnits": units.Reads, "WriteUnits": units.Writes, "requestId": requestID,
	}
	if err := emf.Write(e.o.Metrics, now, e.o.Name, nil, properties); err != nil {
		e.o.Log.WarnContext(ctx, "metrics not written", "error", err)
	}
}

// ofMessage writes a line of what the account of a message has taken, since those of a batch are of
// several.
func (e *Edge) ofMessage(ctx context.Context, account string, began time.Time) {
	if e.o.Meter == nil || e.o.Metrics == nil {
		return
	}
	now, units := e.o.Clock(), e.o.Meter.Take()
	properties := spending(account, units[account], e.o.Memory*now.Sub(began).Seconds())
	properties["requestId"] = reply.RequestID(ctx)
	if err := emf.Write(e.o.Metrics, now, e.o.Name, nil, properties); err != nil {
		e.o.Log.WarnContext(ctx, "metrics not written", "error", err)
	}
}

func count(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Logger writes JSON lines that carry the request id of the context they are logged with.
func Logger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(requestLog{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

type requestLog struct{ slog.Handler }

func (h requestLog) Handle(ctx context.Context, r slog.Record) error {
	const name = "requestId"
	has := false
	r.Attrs(func(a slog.Attr) bool {
		has = a.Key == name
		return !has
	})
	if id := reply.RequestID(ctx); id != "" && !has {
		r = r.Clone()
		r.AddAttrs(slog.String(name, id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{h.Handler.WithAttrs(attrs)}
}

func (h requestLog) WithGroup(name string) slog.Handler {
	return requestLog{h.Handler.WithGroup(name)}
}
