// Package auth knows who calls and what they may do (requirements, section 9). API Gateway, or the
// local runner in its place, checks the token; this package reads its claims and checks account and
// permission again in every function.
package auth

import (
	"context"
	"errors"

	"seatwise/shared/platform/problem"
)

// Principal is the caller that a checked token names. The zero Principal is nobody.
type Principal struct {
	// User is the user's id (claim sub).
	User string
	// Account is the account that the token was issued for. An operator may enter others, so it is
	// not always the account of the request.
	Account string
	// Permissions are what the token allows.
	Permissions Set
	// ByRoles says that the token names no permissions: they are those of the user's roles in the
	// directory.
	ByRoles bool
	// Limit is the cost centers that the token limits its bearer to; the directory may have one too.
	Limit Limit
}

// Nobody says whether the principal is missing.
func (p Principal) Nobody() bool { return p.User == "" || p.Account == "" }

// Operator says whether the principal works for the provider and may enter every account
// (requirements, section 9).
func (p Principal) Operator() bool { return p.Permissions.Has(AccountsManage) }

// Allowed decides whether the principal may do something that needs any one of the permissions in
// an account; without permissions every principal may. An empty account means that the operation
// belongs to none, such as reading the catalog. Entering an account other than the token's takes
// accounts.manage in addition to the operation's own permission.
//
// It returns nil, or the problem to answer: unauthorized for nobody; not-found for an account that
// the principal may not enter, whether it exists or not; forbidden when the permission is missing.
func Allowed(p Principal, account string, anyOf ...Permission) error {
	if p.Nobody() {
		return Refused(nil)
	}
	if account != "" && account != p.Account && !p.Operator() {
		return problem.NoAccount()
	}
	if len(anyOf) == 0 {
		return nil
	}
	for _, permission := range anyOf {
		if p.Permissions.Has(permission) {
			return nil
		}
	}
	names := string(anyOf[0])
	for _, permission := range anyOf[1:] {
		names += " or " + string(permission)
	}
	return problem.Newf(problem.Forbidden, "The token needs the permission %s.", names)
}

// Refused is the answer to a token that names nobody; err says why, or is nil. Only the rule for
// subjects is told (requirements, section 9: a subject that does not fit is a 401 that says so).
func Refused(err error) *problem.Problem {
	if errors.Is(err, ErrSubject) {
		return problem.New(problem.Unauthorized,
			"The subject of the access token can be no user's id: it must be "+UserIDRule+".")
	}
	return problem.New(problem.Unauthorized, "Send a valid access token as Authorization: Bearer.")
}

type contextKey struct{}

type refusalKey struct{}

// WithRefusal puts into the context why a checked token names nobody.
func WithRefusal(ctx context.Context, err error) context.Context {
	return context.WithValue(ctx, refusalKey{}, err)
}

// Refusal is why the request's token names nobody; nil when there is none, or no reason is known.
func Refusal(ctx context.Context) error {
	err, _ := ctx.Value(refusalKey{}).(error)
	return err
}

// With puts the principal into the context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal of the context; ok is false when there is none.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(contextKey{}).(Principal)
	return p, ok && !p.Nobody()
}
