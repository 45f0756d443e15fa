package alert

import (
	"context"
	"slices"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/policy"
)

// theirs leaves of some alerts those that an admin of some cost centers reads (requirements, section
// 9): that people of theirs wait, as long as they do, with their number; and of policies that buy for
// theirs, that a maximum is reached. Free seats are those of the whole account, files, reports and the
// closing of periods are for its admins: these are not theirs. It reads the waiting lists where somebody
// waits, and the policies.
func (s *Service) theirs(ctx context.Context, c *call.Call, list []Alert) ([]Alert, error) {
	limit, err := access.CostCenters(ctx)
	if err != nil || limit.All() {
		return list, err
	}
	waits := func(a Alert) bool { return a.Kind == Waiting && a.State == Open }
	var waiting map[string]int64
	if slices.ContainsFunc(list, waits) {
		if waiting, err = s.inventory.TheirWaiting(ctx, c); err != nil {
			return nil, err
		}
	}
	var capped []string
	for _, a := range list {
		if a.Kind == CapReached {
			capped = append(capped, a.ProductID)
		}
	}
	theirPolicy, err := policy.Theirs(ctx, c, capped...)
	if err != nil {
		return nil, err
	}
	kept := list[:0]
	for _, a := range list {
		switch n := waiting[a.ProductID]; {
		case waits(a) && n > 0:
			a.Detail = waitingDetail(s.kernel.Products().Name(a.ProductID), n)
			kept = append(kept, a)
		case a.Kind == CapReached && theirPolicy(a.ProductID):
			kept = append(kept, a)
		}
	}
	return kept, nil
}
