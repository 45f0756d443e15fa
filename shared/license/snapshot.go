package license

import (
	"context"
	"maps"
	"slices"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Several reads are no snapshot, and on DynamoDB neither is one read of several items. A change
// that is committed need not care: what it writes is written on condition that nobody changed it. A
// refusal and a change of nothing write nothing, so what they rest on is compared here; when it
// does not fit together, the error sends the caller back to decide again (call.Decide).

// restsOnSeveral says whether a refusal follows from more than one item: from a user and a license,
// or from a user and the pool.
func restsOnSeveral(err error) bool {
	return problem.Is(err, problem.NotEnoughLicenses) || problem.Is(err, problem.UserAlreadyLicensed) ||
		problem.Is(err, problem.LicenseNotAvailable) || problem.Is(err, problem.CostCenterFenced)
}

// confirmRefusal is the error as it is when the state that it tells of was there at one moment.
//
// Errors: the given one; a *table.ConditionError when the state has changed meanwhile.
func (u *UnitOfWork) confirmRefusal(ctx context.Context, err error) error {
	if !restsOnSeveral(err) {
		return err
	}
	if changed := u.unchanged(ctx); changed != nil {
		return changed
	}
	return err
}

// unchanged reads the pools that were read to their end again, and then the users and licenses of
// the change, and whether those that it takes are in the pool. If they are as they were, all of them
// were so at the moment before this read, and the pools were read while they were.
//
// Errors: a *table.ConditionError when one has changed.
func (u *UnitOfWork) unchanged(ctx context.Context) error {
	versions := map[table.Key]int64{} // 0 for what did not exist
	var entries []table.Key           // of the pool, which must be there
	for user, h := range u.holders {
		versions[HolderKey(u.c.Account, user)] = h.version
	}
	for id, l := range u.licenses {
		if !l.exists {
			continue
		}
		versions[record.LicenseKey(u.c.Account, id)] = l.version
		if l.before.Status == Available && l.now.Status == Assigned && !l.drawn {
			entries = append(entries, l.before.FreeKey(u.c.Account))
		}
	}
	if len(versions) == 0 {
		return nil
	}
	fresh, err := u.grown(ctx)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		return u.changedMeanwhile(fresh...)
	}
	found, err := u.c.Lookup(ctx, slices.Concat(slices.Collect(maps.Keys(versions)), entries)...)
	if err != nil {
		return err
	}
	var changed []table.Key
	for key, version := range versions {
		if found[key].Version != version {
			changed = append(changed, key)
		}
	}
	for _, key := range entries {
		if _, free := found[key]; !free {
			changed = append(changed, key)
		}
	}
	if len(changed) > 0 {
		return u.changedMeanwhile(changed...)
	}
	return nil
}
