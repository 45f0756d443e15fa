package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// grantBatch is how many viewers are granted in one commit: each takes at most a holder, a license
// and its pool entry, two counts, a waiting entry, an audit record and the viewer, the user's
// profile and the role that lets them view.
const grantBatch = 8

// grantDue grants live-reports to viewers whose marker says that it is due. What fails is logged
// and stays marked for the next run of maintenance, so most callers drop the error: the views count
// all the same.
func (s *Service) grantDue(ctx context.Context, c *call.Call, users []string) error {
	var failures []error
	ctx = call.WhileActive(ctx) // views count in a suspended account; seats stay as they are
	for batch := range slices.Chunk(users, grantBatch) {
		err := s.grantSome(ctx, c, batch)
		if err == nil {
			continue
		}
		if call.Stopped(err) {
			return err
		}
		if ctx.Err() != nil {
			s.env.Log.InfoContext(ctx, "viewers' grants are left to maintenance", slog.String("account", c.Account))
			return errors.Join(append(failures, err)...)
		}
		// One by one, so that what is wrong with one viewer does not stop the others.
		for _, user := range batch {
			if err := s.grantSome(ctx, c, []string{user}); err != nil {
				s.env.Log.WarnContext(ctx, "a viewer's grant is still due",
					slog.String("account", c.Account), slog.String("user", user), slog.Any("error", err))
				failures = append(failures, fmt.Errorf("user %s: %w", user, err))
			}
		}
	}
	return errors.Join(failures...)
}

// grantSome grants the viewers among the users whose grant is due and who may still view, and takes
// the markers away, in one commit. The commit demands that they may view at that very moment:
// whoever takes the permission away at the same time either sees the grant and ends it, or makes
// this run decide again.
func (s *Service) grantSome(ctx context.Context, c *call.Call, users []string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		turn := c.Apart()
		turn.Reason = "view"
		people, err := s.directory.Viewers(ctx, turn, users)
		if err != nil {
			return err
		}
		ch := s.kernel.Change(turn)
		keys := make([]table.Key, len(users))
		for i, user := range users {
			keys[i] = viewerKey(c.Account, user)
		}
		found, err := ch.Load(ctx, license.Need{Users: users, Also: keys})
		if err != nil {
			return err
		}
		var ops []table.Operation
		still := map[table.Key]bool{}
		for _, user := range users {
			v, err := loadViewer(found, c.Account, user)
			if err != nil {
				return err
			}
			if !v.Pending {
				continue
			}
			if who := people[user]; checkViewer(person(who), true) == nil {
				for _, check := range who.Unchanged {
					if !still[check.Item.Key] {
						still[check.Item.Key] = true
						ops = append(ops, check)
					}
				}
				if err := ch.Grant(ctx, user, catalog.LiveReportsID, license.View); err != nil {
					return fmt.Errorf("grant to %s: %w", user, err)
				}
			}
			v.Pending = false
			op, err := v.put(c.Account)
			if err != nil {
				return err
			}
			ops = append(ops, op)
		}
		return ch.Commit(ctx, call.Answer{}, ops...)
	})
}

func person(v directory.Viewer) Person {
	return Person{Exists: v.Exists, Active: v.Active, MayView: v.MayView}
}

// FinishGrants grants what a crash or a failure left due in an account, or in all if it is empty; the
// maintenance function calls it. Each viewer is on their own: what fails is logged and stays due.
func (s *Service) FinishGrants(ctx context.Context, account string) error {
	pieces, undecodable := s.dueGrants(ctx, account, s.env.Clock())
	return errors.Join(undecodable, call.InTurn(ctx, s.env, pieces))
}

// Marked visits the accounts in which a first view has left a grant due.
func Marked(ctx context.Context, store table.Store, visit func(account string)) error {
	return viewerMarkers.Accounts(ctx, store, visit)
}

// finishGrants is FinishGrants by the aggregation, which tells of no failure but that of the table:
// maintenance tries what fails again.
func (s *Service) finishGrants(ctx context.Context, account string, at time.Time) error {
	pieces, err := s.dueGrants(ctx, account, at)
	for _, p := range pieces {
		_ = p.Work(ctx) // it was logged
	}
	return errors.Join(err, ctx.Err())
}

// dueGrants are the grants that are due in an account, or in all.
func (s *Service) dueGrants(ctx context.Context, account string, at time.Time) ([]call.Piece, error) {
	type batch struct {
		account string
		cause   call.Cause
		users   []string
	}
	var undecodable error // of single viewers, who stop nobody else
	var due []*batch      // in the order of the query, so that a run can be told from another by nothing but its time
	err := viewerMarkers.Each(ctx, s.env.Table, account, func(m call.Marker) error {
		of, user := m.Account, m.ID
		v, err := call.Decode[storedViewer](m.Item)
		if err != nil {
			undecodable = errors.Join(undecodable, fmt.Errorf("viewer %s of account %s: %w", user, of, err))
			return nil
		}
		at := slices.IndexFunc(due, func(b *batch) bool { return b.account == of && b.cause == v.Cause })
		if at < 0 {
			at, due = len(due), append(due, &batch{account: of, cause: v.Cause})
		}
		due[at].users = append(due[at].users, user)
		return nil
	})
	if err != nil {
		return nil, err
	}
	pieces := make([]call.Piece, len(due))
	for i, b := range due {
		pieces[i] = call.Piece{
			Account: b.account, Marker: "first views told by " + b.cause.Actor + " " + b.cause.RequestID,
			Work: func(ctx context.Context) error {
				c := call.ForEvent(s.env, b.account, aggregator, "view", at).Because(b.cause)
				return s.grantDue(ctx, c, b.users)
			},
		}
	}
	return pieces, undecodable
}

// aggregator is who acts when nobody asked: the actor of audit records.
const aggregator = "usage-aggregation"

// endGrants withdraws the grants of viewers who have not viewed for 30 days before the moment now,
// which is the event's (requirements, section 6). One that fails does not stop the others; the
// errors come together.
func (s *Service) endGrants(ctx context.Context, c *call.Call, days calendar.Calendar, now time.Time) error {
	limit := now.Add(-dormant)
	query := table.Query{
		Index:     table.Index1,
		Partition: viewersPartition(c.Account),
		To:        utcDay(limit).Add(day).Format(time.DateOnly),
	}
	rollups := &leafReader{service: s, c: c, read: map[time.Time]*readLeaf{}}
	var failures []error
	err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
		v, err := call.Decode[storedViewer](item)
		if err != nil {
			return err
		}
		last, err := lastView(ctx, days, v, rollups)
		if err == nil && !last.At.After(limit) {
			err = s.endGrant(ctx, c, v)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("grant of %s: %w", v.User, err))
		}
		return nil
	})
	return errors.Join(append(failures, err)...)
}

// lastView is the last view of a viewer's last UTC day with views, of which the viewer's own item
// knows one.
func lastView(ctx context.Context, days calendar.Calendar, v storedViewer, rollups *leafReader) (View, error) {
	date := utcDay(v.LastView)
	last := View{DashboardID: v.Dashboard, At: v.LastView}
	for _, own := range calendar.Days(days.Day(date), days.Day(date.Add(day-1)).AddDate(0, 0, 1)) {
		r, err := rollups.of(ctx, own, v.User)
		if err != nil {
			return View{}, err
		}
		for dashboard, at := range r.views[v.User] {
			if viewed := time.UnixMilli(at).UTC(); viewed.After(last.At) {
				last = View{DashboardID: dashboard, At: viewed}
			}
		}
	}
	return last, nil
}

// endGrant withdraws the grant and forgets the viewer, unless they have viewed again meanwhile.
func (s *Service) endGrant(ctx context.Context, c *call.Call, idle storedViewer) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		turn := call.ForEvent(s.env, c.Account, c.Actor, "30 days without a view", c.At)
		turn.RequestID = c.RequestID
		ch := s.kernel.Change(turn)
		key := viewerKey(c.Account, idle.User)
		found, err := ch.Load(ctx, license.Need{Users: []string{idle.User}, Also: []table.Key{key}})
		if err != nil {
			return err
		}
		v, err := loadViewer(found, c.Account, idle.User)
		if err != nil || !v.exists || !v.LastView.Equal(idle.LastView) {
			return err
		}
		if err := ch.Withdraw(ctx, idle.User, catalog.LiveReportsID, license.View); err != nil {
			return err
		}
		ops := []table.Operation{table.Delete(key, table.IfVersion(v.version))}
		if kept, err := s.keepLastView(ctx, c, v); err != nil {
			return err
		} else if kept != nil {
			ops = append(ops, *kept)
		}
		return ch.Commit(ctx, call.Answer{}, ops...)
	})
}
