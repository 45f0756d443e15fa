package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/emf"
)

// take counts a request for its account (requirements, section 15): the one that it enters, or else
// that of who calls. An operator's request counts for the account that it enters. One that was deferred
// was counted when it came.
//
// Errors: rate-limited.
func (k *Router) take(ctx huma.Context, op Operation, caller auth.Principal, c *call.Call) error {
	account := c.Account
	if !ValidID(account) { // none, or none that can be
		account = caller.Account
	}
	emf.OfAccount(ctx.Context(), account)
	if behind(ctx.Context()) {
		return nil
	}
	taken, err := k.quota.Take(ctx.Context(), account, c.At, repeats(ctx, op))
	if a := askedOf(ctx.Context()); a != nil {
		a.taken = taken
	}
	return err
}

// repeats says whether a request may be a repetition of one that was carried out.
func repeats(ctx huma.Context, op Operation) bool {
	a := askedOf(ctx.Context())
	return a != nil && !a.dry && changes(op.Method) && ctx.Header("Idempotency-Key") != ""
}

// settle says whether a request was a repetition, which does not count. Only the first word counts.
func settle(ctx context.Context, repetition bool) {
	if a := askedOf(ctx); a != nil {
		a.taken.Settle(repetition)
	}
}
