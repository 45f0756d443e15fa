package request

import (
	"context"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
)

// party is somebody who looks at requests, or does something with them.
type party struct {
	user string
	may  auth.Set
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
func (p party) sees(r Request) bool {
	return p.seesAll() || r.UserID == p.user || r.AskedBy == p.user
}

// forbidden says which permission is missing.
func forbidden(permission auth.Permission) error {
	return problem.Newf(problem.Forbidden, "The token needs the permission %s.", permission)
}

func partyOf(ctx context.Context) (party, error) {
	caller, err := access.Caller(ctx)
	return party{caller.User, caller.Permissions}, err
}
