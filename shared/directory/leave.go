package directory

import (
	"context"
	"errors"
	"slices"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
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
		d, err := s.DryRunRelease(ctx, first, id)
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

// DryRunRelease decides what deactivating a user would do, and nothing else: for somebody who leaves
// by a change that does not fit into one commit.
//
// Errors: not-found, precondition-failed.
func (s *Service) DryRunRelease(ctx context.Context, c *call.Call, id string) (*UserDryRun, error) {
	ch := s.kernel.Change(c)
	ch.DeferHandover()
	l, err := s.loadLeaver(ctx, c, ch, id)
	if err != nil {
		return nil, err
	}
	read := s.presentIn(ch, l.before)
	after := l.before
	after.Active, after.ChangedAt = false, c.At
	ops, err := s.userOperations(c, l, after)
	if err != nil {
		return nil, err
	}
	person := license.Person{UserID: id, Name: after.Name, Email: after.Email, CostCenter: read.CostCenter}
	if err := ch.Put(ctx, person); err != nil {
		return nil, err
	}
	if err := s.applyRoles(ctx, ch, entitlement{user: after}); err != nil {
		return nil, err
	}
	if err := s.stopWatching(ctx, ch, l.watch, id); err != nil {
		return nil, err
	}
	watched, err := l.watch.operations()
	if err != nil {
		return nil, err
	}
	admins, err := adminOperations(c, l, after)
	if err != nil {
		return nil, err
	}
	d := &UserDryRun{
		Before:  read,
		Version: l.item.Version,
		ch:      ch,
		changes: true,
		ops:     slices.Concat(ops, watched, admins),
	}
	return d, d.endDevices(c, l.found, id)
}

// endDevices ends the user's wallboards in the commit of the dry run; their items are deleted after
// it.
func (d *UserDryRun) endDevices(c *call.Call, found map[table.Key]table.Item, user string) error {
	ops, ended, err := wallboard.End(c, found, user)
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
// stays (requirements, section 9), also when two go at once: the count is bounded. One who is limited
// to some cost centers is not counted, since nobody else could end that.
//
// Errors: wrong-state for the last one.
func adminOperations(c *call.Call, l *loadedUser, after profile) ([]table.Operation, error) {
	admin := func(p profile) bool {
		return p.Active && slices.Contains(p.RoleIDs, SuperAdmin) && len(p.AdminOfCostCenters) == 0
	}
	key := adminsKey(c.Account)
	switch was, is := admin(l.before), admin(after); {
	case is && !was:
		return []table.Operation{table.Add(key, table.Bound{Name: countAdmins, By: 1})}, nil
	case was && !is:
		if l.found[key].Counts[countAdmins] <= 1 {
			return nil, problem.New(problem.WrongState,
				"This is the last active super-admin of the account without a limit to cost centers; make another one first.")
		}
		return []table.Operation{table.Add(key, table.AtLeast(countAdmins, -1, 1))}, nil
	}
	return nil, nil
}

// loadedUser is a user as a change of them found them.
type loadedUser struct {
	item   table.Item
	exists bool
	before profile
	// found is all that was read with the profile.
	found map[table.Key]table.Item
	watch *watch
}

// loadLeaver loads a user into a change by which they go.
//
// Errors: not-found, precondition-failed.
func (s *Service) loadLeaver(
	ctx context.Context, c *call.Call, ch *license.UnitOfWork, id string,
) (*loadedUser, error) {
	found, err := ch.Load(ctx, license.Need{Users: []string{id}, Also: []table.Key{
		access.UserKey(c.Account, id), MonitoredKey(c.Account, id), adminsKey(c.Account),
		wallboard.FleetKey(c.Account, id),
	}})
	if err != nil {
		return nil, err
	}
	item, ok := found[access.UserKey(c.Account, id)]
	if !ok {
		return nil, problem.Missing("user")
	}
	if err := theirHolder(ctx, ch, id); err != nil {
		return nil, err
	}
	if err := c.MatchesTag(call.Tag(item.Version)); err != nil {
		return nil, err
	}
	l := &loadedUser{item: item, exists: true, found: found}
	if l.before, err = call.Decode[profile](item); err != nil {
		return nil, err
	}
	l.watch, err = loadWatch(found, c, id)
	return l, err
}
