package period

import (
	"context"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// find is whole, as the caller may see it: an admin of some cost centers has the lines of theirs, and
// what these come to.
//
// Errors: not-found.
func (s *Service) find(ctx context.Context, c *call.Call, first string) (found, error) {
	f, err := s.whole(ctx, c, first)
	if err != nil {
		return found{}, err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil || theirs.All() {
		return f, err
	}
	return f.limitedTo(theirs)
}

// limitedTo is a period with the lines of some cost centers.
func (f found) limitedTo(theirs auth.Limit) (found, error) {
	var err error
	if f.bill, err = f.bill.only(theirs.Has); err != nil || f.expected == nil {
		return f, err
	}
	if f.willBe, err = f.willBe.only(theirs.Has); err == nil {
		f.expected = &f.willBe.Total
	}
	return f, err
}
