package directory

import (
	"context"
	"errors"
	"slices"

	"seatwise/shared/call"
	"seatwise/shared/license"
	"seatwise/shared/problem"
	"seatwise/shared/table"
)

// ErrTooMuch says that a change of a user does not fit into one commit.
var ErrTooMuch = errors.New("a change of a user does not fit into one commit")

// commitWhole commits a change with the directory's own operations, if all of it fits into one commit.
func commitWhole(ctx context.Context, ch *license.Change, ops []table.Operation) error {
	switch fits, err := ch.Fits(len(ops)); {
	case err != nil:
		return err
	case !fits:
		return ErrTooMuch
	}
	return ch.Commit(ctx, call.Answer{}, ops...)
}

// inParts changes a user in one commit, if that can be. Who holds much and has much else changed at once may not fit into one; part then commits a part of the change, as often
// as it takes until the rest fits. A crash in between leaves the user with what was done, and repeating the request does the rest.
func inParts(ctx context.Context, c *call.Call, part, whole func(context.Context, *call.Call) error) error {
	err := call.Decide(ctx, func(ctx context.Context) error { return whole(ctx, c) })
	for errors.Is(err, ErrTooMuch) {
		err = call.Decide(ctx, func(ctx context.Context) error { return part(ctx, c) })
		if errors.Is(err, ErrTooMuch) {
			return ErrNoPart
		}
		if err != nil {
			return err
		}
		c = c.Apart()
		err = call.Decide(ctx, func(ctx context.Context) error { return whole(ctx, c) })
	}
	return err
}

// ErrNoPart refuses a change that does not fit into one commit and has no part that could be done before.
var ErrNoPart = problem.New(problem.WrongState, "This changes more of the user than one step can hold; change some of it first.")

// roleStep is how many roles one part of a change gives, and how many it takes: each is an entry and a check, and may bring or end metered licenses.
const roleStep = 5

// draftPart decides a part of what PutUser is to do, after which there is less: who leaves is deactivated, which releases all that they hold in one step (spec 6, and
// catalog.MaxPurchasable); of anybody else a few roles are changed, and nothing that they hold by other reasons is touched.
//
// Errors: those of PutUser; not-found; wrong-state when there is no such part; a *table.ConditionError when the user is changed meanwhile.
func (s *Service) draftPart(ctx context.Context, c *call.Call, u User) (*UserDraft, error) {
	now, version, err := s.GetUser(ctx, c, u.ID)
	if err != nil {
		return nil, err
	}
	if now.Active && !u.Active {
		return s.draftRelease(ctx, c, u.ID)
	}
	gone, fresh := without(now.RoleIDs, u.RoleIDs), without(u.RoleIDs, now.RoleIDs)
	if len(gone)+len(fresh) == 0 {
		return nil, ErrNoPart
	}
	part := now
	part.RoleIDs = slices.Concat(without(now.RoleIDs, gone[:min(roleStep, len(gone))]), fresh[:min(roleStep, len(fresh))])
	d, err := s.draftUser(ctx, c, part, nil)
	if err == nil && d.Version != version {
		key := userKey(c.Account, u.ID)
		return nil, &table.ConditionError{Failed: []int{0}, Keys: []table.Key{key}}
	}
	return d, err
}

// release deactivates a user and does nothing else.
//
// Errors: not-found, precondition-failed, ErrTooMuch; wrong-state when they are not active.
func (s *Service) release(ctx context.Context, c *call.Call, id string) error {
	d, err := s.draftRelease(ctx, c, id)
	if err != nil {
		return err
	}
	if !d.Before.Active {
		return ErrNoPart
	}
	return commitWhole(ctx, d.ch, d.ops)
}

// draftRelease decides what release does.
func (s *Service) draftRelease(ctx context.Context, c *call.Call, id string) (*UserDraft, error) {
	ch := s.desk.Change(c)
	ch.Later()
	item, before, watch, err := s.loadLeaver(ctx, c, ch, id)
	if err != nil {
		return nil, err
	}
	after := before
	after.Active, after.ChangedAt = false, c.At
	ops, err := s.userOperations(c, item, true, before, after)
	if err != nil {
		return nil, err
	}
	if err := ch.Put(ctx, id, before.Name, false); err != nil {
		return nil, err
	}
	if err := s.applyRoles(ctx, ch, after, nil, refuse); err != nil {
		return nil, err
	}
	if err := s.stopWatching(ctx, ch, watch, id); err != nil {
		return nil, err
	}
	watched, err := watch.operations()
	if err != nil {
		return nil, err
	}
	return &UserDraft{Before: presentIn(ch, before), Version: item.Version, ch: ch, ops: append(ops, watched...)}, nil
}

// loadLeaver loads a user into a change by which they go: their profile's item, the profile, and when they were monitored.
//
// Errors: not-found, precondition-failed.
func (s *Service) loadLeaver(ctx context.Context, c *call.Call, ch *license.Change, id string) (table.Item, profile, *watch, error) {
	found, err := ch.Load(ctx, license.Need{Users: []string{id}, Also: []table.Key{userKey(c.Account, id), monitoredKey(c.Account, id)}})
	if err != nil {
		return table.Item{}, profile{}, nil, err
	}
	item, ok := found[userKey(c.Account, id)]
	if !ok {
		return table.Item{}, profile{}, nil, problem.Missing("user")
	}
	if err := c.Matches(true, item.Version); err != nil {
		return table.Item{}, profile{}, nil, err
	}
	before, err := call.Decode[profile](item)
	if err != nil {
		return table.Item{}, profile{}, nil, err
	}
	w, err := loadWatch(found, c, id)
	return item, before, w, err
}
