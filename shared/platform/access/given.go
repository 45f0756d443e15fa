package access

import (
	"context"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Given is how somebody stands in the directory of an account, whatever their token says.
type Given struct {
	// Deactivated says that they are in the directory and may do nothing.
	Deactivated bool
	// Allowed says that their roles give the permission that was asked for.
	Allowed bool
	// Limit is the cost centers to which the directory limits them.
	Limit auth.Limit
	// Checks demand that what allows it is as it was read; at most Checks of them.
	Checks []table.Operation
}

// GivenTo reads whether the directory of an account gives a user a permission. It is no part of what
// the request in the context must pass.
//
// Errors: those of the store.
func GivenTo(
	ctx context.Context, store table.Store, account, user string, permission auth.Permission,
) (Given, error) {
	g := &gate{
		store: Beneath(store), caller: auth.Principal{Account: account, User: user, ByRoles: true},
		account: account, need: []auth.Permission{permission}, partly: true,
	}
	a := &asked{ready: make(chan struct{})}
	g.read(ctx, a)
	_, refused := problem.From(a.err)
	if a.err != nil && !refused {
		return Given{}, a.err
	}
	var of person
	if a.there {
		var err error
		if of, err = personOf(a.user); err != nil {
			return Given{}, err
		}
	}
	return Given{Deactivated: a.there && !of.Active, Allowed: a.err == nil, Limit: a.limit, Checks: a.checks}, nil
}
