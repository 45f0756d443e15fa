package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/plan"
)

// inRequest is how long a dry run, and the one that a plan is compared with, may take within its request: a
// person waits for it. What takes longer is deferred: DeferredFunction carries the same request out behind the
// answer (requirements, section 12, "Dry run"; decisions, 185 and 186).
const inRequest = 10 * time.Second

type behindKey struct{}

// Behind is the context of a request that was deferred, and is carried out now: it has all of the time that
// there is, and was counted when it came.
func Behind(ctx context.Context) context.Context { return context.WithValue(ctx, behindKey{}, true) }

func behind(ctx context.Context) bool {
	is, _ := ctx.Value(behindKey{}).(bool)
	return is
}

// patient is the context in which a request may work out its effects.
func (k *Router) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if behind(ctx) {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, cmp.Or(k.env.InRequest, inRequest))
}

// deferred is the answer to a request that is deferred.
type deferred struct {
	plan.Deferred
	location string
}

func (*deferred) Error() string             { return "deferred" }
func (*deferred) GetStatus() int            { return http.StatusAccepted }
func (*deferred) ContentType(string) string { return "application/json" }
func (d *deferred) GetHeaders() http.Header { return http.Header{"Location": {d.location}} }

// putOff hands a request on that has taken too long to work out, in the name of who asked; it returns the
// answer. One that commits has a key, so that it is done once, however often it is carried out.
//
// Errors: *deferred; too-busy where nothing can be handed on.
func (k *Router) putOff(ctx context.Context, c *call.Call, a *asked) error {
	if k.env.Files == nil || behind(ctx) {
		return TooLong()
	}
	if err := access.Settle(ctx); err != nil { // what is refused is not handed on
		return err
	}
	caller, _ := auth.From(ctx)
	d := plan.DeferredRequest{
		Dry:       a.dry,
		Told:      plan.Deferred{ID: k.env.IDs.Random(), State: plan.Queued, CreatedAt: c.At},
		Caller:    plan.CallerOf(caller),
		RequestID: c.RequestID,
		Method:    a.request.Method, Path: a.request.Path, Query: a.request.Query, Body: a.request.Body,
		Header: map[string]string{},
	}
	headers := map[string]string{"If-Match": c.IfMatch, "If-None-Match": c.IfNoneMatch}
	if !a.dry {
		headers[ifPlan], headers[idempotencyKey] = a.plan, cmp.Or(a.key, "deferred:"+d.Told.ID)
	}
	for name, value := range headers {
		if value != "" {
			d.Header[name] = value
		}
	}
	if err := d.Defer(ctx, k.env.Files, c.Account); err != nil {
		return err
	}
	return &deferred{d.Told, d.Location(c.Account)}
}
