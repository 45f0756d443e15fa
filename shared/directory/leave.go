package directory

import (
	"context"
	"errors"

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// ErrTooMuch says that a change of a user does not fit into one commit; somebody who leaves has less to change once they are deactivated.
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

// ErrTooMuchAtOnce refuses a change of somebody who stays, which does not fit into one commit: in parts, it would show states that nobody has asked for.
var ErrTooMuchAtOnce = problem.New(problem.WrongState, "This changes more of the user than one step can hold; change some of the roles first, and the rest after that.")

// leaving changes a user in one commit. Who leaves, holds much and has much else changed at once may not fit into one; they are first deactivated, which releases all
// that they hold in one step (spec 6, and catalog.MaxPurchasable), and the rest follows. A crash in between leaves them deactivated, and repeating the request does the rest; under
// the tag that they have by then, if it had an If-Match. That holds for both steps: nobody else may change the user in between.
//
// Errors: those of change; wrong-state when it is too much at once: of somebody who stays, or even after the release.
func (s *Service) leaving(ctx context.Context, c *call.Call, id string, stays bool, change func(context.Context, *call.Call) error) error {
	err := call.Decide(ctx, func(ctx context.Context) error { return change(ctx, c) })
	if !errors.Is(err, ErrTooMuch) {
		return err
	}
	if stays {
		return ErrTooMuchAtOnce
	}
	rest := c.Apart()
	if err := call.Decide(ctx, func(ctx context.Context) error {
		d, err := s.DraftRelease(ctx, c, id)
		if err != nil {
			return err
		}
		if c.IfMatch != "" {
			rest.IfMatch = call.Tag(d.Version + 1)
		}
		return commitWhole(ctx, d.ch, d.ops)
	}); err != nil {
		return err
	}
	if err = call.Decide(ctx, func(ctx context.Context) error { return change(ctx, rest) }); errors.Is(err, ErrTooMuch) {
		return ErrTooMuchAtOnce
	}
	return err
}

// DraftRelease decides what deactivating a user would do, and nothing else: for somebody who leaves by a change that does not fit into one commit.
//
// Errors: not-found, precondition-failed.
func (s *Service) DraftRelease(ctx context.Context, c *call.Call, id string) (*UserDraft, error) {
	ch := s.desk.Change(c)
	ch.Later()
	item, before, watch, err := s.loadLeaver(ctx, c, ch, id)
	if err != nil {
		return nil, err
	}
	read := presentIn(ch, before)
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
	return &UserDraft{Before: read, Version: item.Version, ch: ch, ops: append(ops, watched...)}, nil
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
