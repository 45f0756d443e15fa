package request

import (
	"context"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// party is somebody who looks at requests, or does something with them.
type party struct {
	user string
	may  auth.Set
	// theirs is to which cost centers they are limited: of others they see what is their own.
	theirs auth.Limit
}

// manages says whether they ask, deny and withdraw for others, and approve (requirements, section
// 9).
func (p party) manages() bool { return p.may.Has(auth.LicensesManage) }

// buys says whether what they approve may be bought for it.
func (p party) buys() bool { return p.may.Has(auth.BillingPurchase) }

// seesAll says whether they see the requests of everybody.
func (p party) seesAll() bool { return p.manages() || p.may.Has(auth.LicensesRead) }

// sees says whether a request is theirs to see: as an approver, as who asked, or as who is to have
// it (requirements, section 12: both see it).
func (p party) sees(r Request) bool { return p.seesAll() || p.own(r) }

// own says whether they asked for it, or are to have it.
func (p party) own(r Request) bool { return r.UserID == p.user || r.AskedBy == p.user }

// theirRequests says which of some requests are for users of the party's cost centers, or their own.
func (p party) theirRequests(ctx context.Context, c *call.Call, list ...Request) (func(Request) bool, error) {
	if p.theirs.All() {
		return func(Request) bool { return true }, nil
	}
	users := make([]string, len(list))
	for i, r := range list {
		users[i] = r.UserID
	}
	theirUser, err := access.TheirUsers(ctx, c.Env.Table, c.Account, users...)
	return func(r Request) bool { return p.own(r) || theirUser(r.UserID) }, err
}

// holdsTo has a unit of work demand that the user of a request is of one of the party's cost centers.
//
// Errors: not-found.
func (p party) holdsTo(ctx context.Context, u *license.UnitOfWork, r Request) error {
	if p.theirs.All() || p.own(r) {
		return nil
	}
	if _, err := u.Load(ctx, license.Need{Users: []string{r.UserID}}); err != nil {
		return err
	}
	if err := u.HoldToLimit(ctx); err != nil {
		return err
	}
	if u.TheirUser(r.UserID) != nil {
		return problem.Missing("request")
	}
	u.RequireUnchanged(r.UserID)
	return nil
}

// forbidden says which permission is missing.
func forbidden(permission auth.Permission) error {
	return problem.Newf(problem.Forbidden, "The token needs the permission %s.", permission)
}

// partyOf is who calls. What they do is decided by it, so a use case that is decided again asks again.
//
// Errors: those of access.Caller.
func partyOf(ctx context.Context) (party, error) {
	caller, err := access.Caller(ctx)
	if err != nil {
		return party{}, err
	}
	theirs, err := access.CostCenters(ctx)
	return party{caller.User, caller.Permissions, theirs}, err
}
