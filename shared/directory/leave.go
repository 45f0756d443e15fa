package directory

import (
	"context"
	"errors"
	"slices"

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/wallboard"
)

// ErrTooMuch says that a change of a user does not fit into one commit; somebody who leaves has
// less to change once they are deactivated.
var ErrTooMuch = errors.New("a change of a user does not fit into one commit")

// commitWhole commits a change with the directory's own operations, if all of it fits into one
// commit.
func commitWhole(ctx context.Context, ch *license.UnitOfWork, answer call.Answer, ops []table.Operation) error {
	switch fits, err := ch.Fits(len(ops)); {
	case err != nil:
		return err
	case !fits:
		return ErrTooMuch
	}
	return ch.Commit(ctx, answer, ops...)
}

// ErrTooMuchAtOnce refuses a change of somebody who stays, which does not fit into one commit: in
// parts, it would show states that nobody has asked for.
var ErrTooMuchAtOnce = problem.New(
	problem.WrongState,
	"This changes more of the user than one step can hold; change some of the roles first, and the rest after that.",
)

// leaving changes a user in one commit. Who leaves, holds much and has much else changed at once
// may not fit into one; they are first deactivated, which releases all that they hold in one step
// (requirements, section 6, and catalog.MaxPurchasable), and the rest follows. A crash in between
// leaves them deactivated, and repeating the request does the rest; under the tag that they have by
// then, if it had an If-Match. That holds for both steps: nobody else may change the user in
// between.
//
// Errors: those of change; wrong-state when it is too much at once: of somebody who stays, or even
// after the release.
func (s *Service) leaving(
	ctx context.Context,
	c *call.Call,
	id string,
	stays bool,
	change func(context.Context, *call.Call) error,
) error {
	err := call.Decide(ctx, func(ctx context.Context) error { return change(ctx, c) })
	if !errors.Is(err, ErrTooMuch) {
		return err
	}
	if stays {
		return ErrTooMuchAtOnce
	}
	first, rest := c.Apart(), *c // the second commit stores the answer
	first.IfMatch, first.IfNoneMatch = c.IfMatch, c.IfNoneMatch
	if err := call.Decide(ctx, func(ctx context.Context) error {
		d, err := s.DraftRelease(ctx, first, id)
		if err != nil {
			return err
		}
		if c.IfMatch != "" {
			rest.IfMatch = call.Tag(d.Version + 1)
		}
		return commitWhole(ctx, d.ch, call.Answer{}, d.ops)
	}); err != nil {
		return err
	}
	err = call.Decide(ctx, func(ctx context.Context) error { return change(ctx, &rest) })
	if errors.Is(err, ErrTooMuch) {
		return ErrTooMuchAtOnce
	}
	return err
}

// DraftRelease decides what deactivating a user would do, and nothing else: for somebody who leaves
// by a change that does not fit into one commit.
//
// Errors: not-found, precondition-failed.
func (s *Service) DraftRelease(ctx context.Context, c *call.Call, id string) (*UserDraft, error) {
	ch := s.kernel.Change(c)
	ch.DeferHandover()
	item, found, before, watch, err := s.loadLeaver(ctx, c, ch, id)
	if err != nil {
		return nil, err
	}
	read := s.presentIn(ch, before)
	after := before
	after.Active, after.ChangedAt = false, c.At
	ops, err := s.userOperations(c, item, true, before, after)
	if err != nil {
		return nil, err
	}
	if err := ch.Put(ctx, id, before.Name, false); err != nil {
		return nil, err
	}
	if err := s.applyRoles(ctx, ch, after, nil, nil, refuse); err != nil {
		return nil, err
	}
	if err := s.stopWatching(ctx, ch, watch, id); err != nil {
		return nil, err
	}
	watched, err := watch.operations()
	if err != nil {
		return nil, err
	}
	admins, err := adminOperations(c, found, before, after)
	if err != nil {
		return nil, err
	}
	d := &UserDraft{
		Before:  read,
		Version: item.Version,
		ch:      ch,
		changes: true,
		ops:     slices.Concat(ops, watched, admins),
	}
	return d, d.endDevices(c, found, id)
}

// endDevices ends the user's wallboards in the commit of the draft; their items are deleted after
// it.
func (d *UserDraft) endDevices(c *call.Call, found map[table.Key]table.Item, user string) error {
	ops, ended, err := wallboard.End(found, c.Account, user)
	if err != nil {
		return err
	}
	d.ops = append(d.ops, ops...)
	if d.ended = ended; ended {
		d.ops = append(d.ops, marker(c, userMarkers, user))
	}
	return nil
}

// countAdmins is how many active users have the role super-admin, of adminsKey.
const countAdmins = "active"

// adminOperations count a user who becomes an active super-admin, or is one no longer. The last one
// stays (requirements, section 9), also when two go at once: the count is bounded.
//
// Errors: wrong-state for the last one.
func adminOperations(c *call.Call, found map[table.Key]table.Item, before, after profile) ([]table.Operation, error) {
	admin := func(p profile) bool { return p.Active && slices.Contains(p.RoleIDs, SuperAdmin) }
	key := adminsKey(c.Account)
	switch was, is := admin(before), admin(after); {
	case is && !was:
		return []table.Operation{table.Add(key, table.Bound{Name: countAdmins, By: 1})}, nil
	case was && !is:
		if found[key].Counts[countAdmins] <= 1 {
			return nil, problem.New(problem.WrongState,
				"This is the last active super-admin of the account; make another one first.")
		}
		return []table.Operation{table.Add(key, table.AtLeast(countAdmins, -1, 1))}, nil
	}
	return nil, nil
}

// loadLeaver loads a user into a change by which they go: their profile's item, all that was found
// with it, the profile, and when they were monitored.
//
// Errors: not-found, precondition-failed.
func (s *Service) loadLeaver(
	ctx context.Context, c *call.Call, ch *license.UnitOfWork, id string,
) (table.Item, map[table.Key]table.Item, profile, *watch, error) {
	found, err := ch.Load(ctx, license.Need{Users: []string{id}, Also: []table.Key{
		userKey(c.Account, id), monitoredKey(c.Account, id), adminsKey(c.Account), wallboard.FleetKey(c.Account, id),
	}})
	if err != nil {
		return table.Item{}, nil, profile{}, nil, err
	}
	item, ok := found[userKey(c.Account, id)]
	if !ok {
		return table.Item{}, nil, profile{}, nil, problem.Missing("user")
	}
	if err := c.Matches(true, item.Version); err != nil {
		return table.Item{}, nil, profile{}, nil, err
	}
	before, err := call.Decode[profile](item)
	if err != nil {
		return table.Item{}, nil, profile{}, nil, err
	}
	w, err := loadWatch(found, c, id)
	return item, found, before, w, err
}
