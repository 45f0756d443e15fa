package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/directory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// AggregateAccount takes into the rollups of an account what came since the last run, and ends the grants
// of viewers who no longer view at the time of this one. A failure of one part does not stop the others. Every
// run may be repeated, be late or overlap with another; the rollups follow from the views there are, and from
// the memberships as far as they became known within two days. In a suspended account views are folded, and
// seats stay as they are; nothing is done in a closed one.
func (s *Service) AggregateAccount(ctx context.Context, id string, at time.Time) error {
	at = at.UTC()
	c := call.ForEvent(s.env, id, aggregator, "aggregation", at)
	var failures []error
	a, _, err := account.Load(ctx, c)
	if err != nil || a.State == call.Closed {
		return err
	}
	if a.State == call.Active {
		failures = append(failures, s.finishGrants(ctx, id, at))
	}
	days, err := a.Calendar()
	if err != nil {
		return errors.Join(append(failures, err)...)
	}
	failures = append(failures, s.CatchUp(call.UntilClosed(ctx), c, days))
	if a.State == call.Active {
		failures = append(failures, s.endGrants(ctx, c, days, at))
	}
	return errors.Join(failures...)
}

// CatchUp takes into the rollups what came since the last run: views of any day, and changes of who is
// monitored; and begins the days that have begun since then with who was monitored on them. Its work grows
// with what came, not with what there is, and it keeps few of it in memory at a time. A run for a day that is
// over, a day before the last run or more, does so again from three days before it on; one for a time to come begins
// the next day at most. A scheduled report asks for it too, so that it has every view that was accepted, though the
// hourly run may not have taken place.
func (s *Service) CatchUp(ctx context.Context, c *call.Call, days calendar.Calendar) error {
	now := s.env.Stored().UTC()
	state, err := s.loadFolded(ctx, c)
	if err != nil {
		return err
	}
	last := days.Day(now)
	if c.At.After(now) {
		last = days.Day(firstOf(c.At, now.Add(day)))
	}
	first := c.At.Add(-lateness - day)
	if state.version == 0 {
		first = c.At.Add(-remembered) // it may be late
	}
	since, begun := first, days.Day(first)
	if state.version != 0 && c.At.After(state.Until.Add(-day)) {
		since = firstOf(state.Until, now).Add(-overlap) // a clock may have been ahead
		if begun, err = time.Parse(time.DateOnly, state.Day); err != nil {
			return fmt.Errorf("day of the rollups: %w", err)
		}
		begun = begun.AddDate(0, 0, 1)
	}
	if known, err := time.Parse(time.DateOnly, state.Day); err == nil && known.After(last) {
		last = known // what changes is news of a day, too, that was begun before it came
	}
	p := &pending{service: s, c: c, days: days, today: days.Day(now), last: last, byDay: map[time.Time]*rollup{}}
	if err := s.eachArrival(ctx, c, since, now, func(e storedEvent) { p.viewed(ctx, e) }); err != nil {
		return err
	}
	if err := p.members(ctx, since, begun); err != nil {
		return err
	}
	p.flush(ctx)
	if len(p.failures) > 0 || p.taken == 0 && begun.After(last) {
		return errors.Join(p.failures...)
	}
	return s.reached(ctx, c, state, folded{Until: now, Day: max(state.Day, last.Format(time.DateOnly))})
}

func firstOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// storedFolded is how far the rollups are, as it was read; version 0 when there are none.
type storedFolded struct {
	folded
	version int64
}

func (s *Service) loadFolded(ctx context.Context, c *call.Call) (storedFolded, error) {
	item, there, err := table.Get(ctx, s.env.Table, foldedKey(c.Account))
	if err != nil || !there {
		return storedFolded{}, err
	}
	f, err := call.Decode[folded](item)
	return storedFolded{f, item.Version}, err
}

// reached notes how far the rollups are, unless another run has: what that one noted is true as well.
func (s *Service) reached(ctx context.Context, c *call.Call, was storedFolded, now folded) error {
	data, err := call.Encode(now)
	if err != nil {
		return err
	}
	cond := table.IfAbsent
	if was.version != 0 {
		cond = table.IfVersion(was.version)
	}
	item := table.Item{Key: foldedKey(c.Account), Data: data, Expires: now.Until.Add(kept).Unix()}
	err = s.env.Table.Commit(ctx, []table.Operation{table.Put(item, cond)})
	if _, refused := table.Refused(err); refused {
		return nil
	}
	return err
}

// eachArrival visits the views that were stored from since up to now.
func (s *Service) eachArrival(
	ctx context.Context, c *call.Call, since, now time.Time, visit func(storedEvent),
) error {
	for date := utcDay(since); !date.After(now); date = date.Add(day) {
		for shard := range arrivalShards {
			query := table.Query{Partition: arrivalsPartition(c.Account, date, shard)}
			if date.Before(since) {
				query.From = call.AuditMoment(since)
			}
			err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
				a, err := call.Decode[arrival](item)
				for _, e := range a.Views {
					visit(e)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// pendingAtOnce is how many views and memberships are kept in memory before they are taken into the
// rollups: some 25 MB. A member of many queues counts as several.
const pendingAtOnce = 50_000

// pending is what was read and is not in the rollups yet.
type pending struct {
	service *Service
	c       *call.Call
	days    calendar.Calendar
	// today goes on, as does what is after it up to last, the last day that has begun.
	today, last time.Time
	byDay       map[time.Time]*rollup
	n, taken    int
	failures    []error
	// from and until are of the day of the last view, which most of them share.
	date, from, until time.Time
	// begins says that what is pending is what days begin with.
	begins bool
}

func (p *pending) viewed(ctx context.Context, e storedEvent) {
	at := time.UnixMilli(e.At)
	if at.Before(p.from) || !at.Before(p.until) {
		p.date = p.days.Day(at)
		p.from, p.until = p.days.Begin(p.date), p.days.End(p.date)
	}
	p.of(p.date).view(e.User, e.Dashboard, e.At)
	p.count(ctx, 1)
}

// members takes in who was monitored on days that begin, from the first one on, and whoever became so or ceased to
// be since the last run. What is behind such a change may have happened before: a run that was cut off is finished
// later, at the time at which it began, up to two days.
func (p *pending) members(ctx context.Context, since, begun time.Time) error {
	tomorrow := p.last.AddDate(0, 0, 1)
	if begun.Before(tomorrow) {
		if err := p.begin(ctx, calendar.Days(begun, tomorrow)); err != nil {
			return err
		}
	}
	dates := calendar.Days(p.days.Day(since.Add(-lateness)), tomorrow)
	return p.service.directory.MonitoredChanges(ctx, p.c, since, func(m directory.Monitored) error {
		for _, date := range dates {
			p.member(ctx, date, m.UserID, p.within(m, date))
		}
		return nil
	})
}

// begin begins days with who was monitored on them. It is all that they begin with, so it goes into their leaves.
func (p *pending) begin(ctx context.Context, dates []time.Time) error {
	p.flush(ctx)
	p.begins = true
	defer func() { p.begins = false }()
	p.of(dates[0].AddDate(0, 0, -1)) // is over, and what is recent of it is to go into its leaves
	err := p.service.directory.MonitoredUsers(ctx, p.c, p.days.Begin(dates[0]), func(m directory.Monitored) error {
		for _, date := range dates {
			if queues := p.within(m, date); len(queues) > 0 {
				p.member(ctx, date, m.UserID, queues)
			}
		}
		return nil
	})
	p.flush(ctx)
	return err
}

// within are the queues of a member on a day; none on one that has no moment.
func (p *pending) within(m directory.Monitored, date time.Time) []string {
	begin, end := p.days.Begin(date), p.days.End(date)
	if !begin.Before(end) {
		return nil
	}
	return m.Within(begin, end)
}

func (p *pending) of(date time.Time) *rollup {
	if p.byDay[date] == nil {
		p.byDay[date] = newRollup()
	}
	return p.byDay[date]
}

func (p *pending) member(ctx context.Context, date time.Time, user string, queues []string) {
	p.of(date).queues[user] = queues
	p.count(ctx, 1+len(queues)/5)
}

func (p *pending) count(ctx context.Context, n int) {
	p.n, p.taken = p.n+n, p.taken+n
	if p.n >= pendingAtOnce {
		p.flush(ctx)
	}
}

// flush takes what is pending into the rollups. A day that fails does not stop the others.
func (p *pending) flush(ctx context.Context) {
	for _, date := range slices.SortedFunc(maps.Keys(p.byDay), time.Time.Compare) {
		goesOn := !date.Before(p.today) && !p.begins
		if err := p.service.merge(ctx, p.c, date, p.byDay[date], goesOn); err != nil {
			p.failures = append(p.failures, fmt.Errorf("day %s: %w", date.Format(time.DateOnly), err))
		}
	}
	p.n = 0
	clear(p.byDay)
}
