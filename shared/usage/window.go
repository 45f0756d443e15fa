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

// errTorn is returned when a rollup's chunks kept vanishing while they were read: it was replaced
// each time.
var errTorn = errors.New("a rollup kept changing while it was read")

// eachRollup hands the rollup of every day to visit, in order, whole and one at a time; a day that
// was never folded has an empty one.
func (s *Service) eachRollup(
	ctx context.Context,
	c *call.Call,
	days []time.Time,
	visit func(date time.Time, r *rollup),
) error {
	heads, err := s.heads(ctx, c, days)
	if err != nil {
		return err
	}
	for first := 0; first < len(days); {
		// As many days as come in one read.
		var keys []table.Key
		last := first
		for ; last < len(days) && (last == first || len(keys)+heads[last].Chunks <= chunksAtOnce); last++ {
			keys = append(keys, chunkKeys(c.Account, days[last], heads[last].head)...)
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return err
		}
		for i := first; i < last; i++ {
			r, whole, err := unpackAll(found, chunkKeys(c.Account, days[i], heads[i].head))
			if err == nil && !whole {
				r, err = s.readAgain(ctx, c, days[i])
			}
			if err != nil {
				return fmt.Errorf("rollup of %s: %w", days[i].Format(time.DateOnly), err)
			}
			visit(days[i], r)
		}
		first = last
	}
	return nil
}

// chunksAtOnce is how many chunks are read in one call: 250 KB each, they are what an answer of
// DynamoDB takes.
const chunksAtOnce = 40

func chunkKeys(account string, date time.Time, h head) []table.Key {
	keys := make([]table.Key, h.Chunks)
	for n := range keys {
		keys[n] = chunkKey(account, date, h.Generation, n)
	}
	return keys
}

// unpackAll makes a rollup of its chunks; whole is false when some are gone.
func unpackAll(found map[table.Key]table.Item, keys []table.Key) (r *rollup, whole bool, err error) {
	r = newRollup()
	for _, key := range keys {
		item, ok := found[key]
		if !ok {
			return nil, false, nil
		}
		part, err := call.Decode[chunk](item)
		if err != nil {
			return nil, false, err
		}
		r.unpack(part)
	}
	return r, true, nil
}

// readAgain reads a rollup that was replaced between the reads of its head and its chunks.
func (s *Service) readAgain(ctx context.Context, c *call.Call, date time.Time) (*rollup, error) {
	for range 5 {
		heads, err := s.heads(ctx, c, []time.Time{date})
		if err != nil {
			return nil, err
		}
		keys := chunkKeys(c.Account, date, heads[0].head)
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		if r, whole, err := unpackAll(found, keys); err != nil || whole {
			return r, err
		}
	}
	return nil, errTorn
}

// Names are what the things in a window are called now, or were when they were deleted; what is
// unknown is called by its id.
type Names struct{ Queues, Dashboards map[string]string }

// Queue is the queue's name.
func (n Names) Queue(id string) string {
	if name, ok := n.Queues[id]; ok {
		return name
	}
	return id
}

// Dashboard is the dashboard's name.
func (n Names) Dashboard(id string) string {
	if name, ok := n.Dashboards[id]; ok {
		return name
	}
	return id
}

// Window answers a span of the account's days, to exclusive, from the rollups: at most one a day,
// and the users active in it, whatever the number of views. The licenses are those bought at the
// end of its last day, which are those bought now if the span reaches to today.
func (s *Service) Window(
	ctx context.Context,
	c *call.Call,
	a account.Account,
	from, to time.Time,
) (*Window, Names, error) {
	days, err := a.Calendar()
	if err != nil {
		return nil, Names{}, err
	}
	dates := calendar.Days(from, to)
	ends := make([]time.Time, len(dates))
	for i, date := range dates {
		ends[i] = days.End(date)
	}
	bought, err := s.purchased(ctx, c, ends)
	if err != nil {
		return nil, Names{}, err
	}
	g, today := gather(from, to), days.Day(c.At)
	g.window.Zones = zones(days, from, to)
	err = s.eachRollup(ctx, c, dates, func(date time.Time, r *rollup) {
		g.add(date, r, bought(days.End(date)).Total(), a.UnlimitedOn(days, date, today))
	})
	if err != nil {
		return nil, Names{}, err
	}
	names, err := s.names(ctx, c, g.all)
	if err != nil {
		return nil, Names{}, err
	}
	return g.done(bought(ends[len(ends)-1])), names, nil
}

// Asked is the window that a caller asks for, as Span reads it.
//
// Errors: not-found when the account does not exist; those of Span.
func (s *Service) Asked(ctx context.Context, c *call.Call, from, to string) (*Window, Names, error) {
	a, _, err := account.Load(ctx, c)
	if err != nil {
		return nil, Names{}, err
	}
	days, err := a.Calendar()
	if err != nil {
		return nil, Names{}, err
	}
	first, end, err := Span(from, to, days.Day(c.At))
	if err != nil {
		return nil, Names{}, err
	}
	return s.Window(ctx, c, a, first, end)
}

// names reads what the queues and dashboards of a rollup are called.
func (s *Service) names(ctx context.Context, c *call.Call, r *rollup) (Names, error) {
	ids := map[string]struct{}{}
	for _, queues := range r.queues {
		for _, id := range queues {
			ids[id] = struct{}{}
		}
	}
	names := Names{Queues: map[string]string{}}
	queues, err := s.directory.Queues(ctx, c, slices.Collect(maps.Keys(ids)))
	if err != nil {
		return Names{}, err
	}
	for id, q := range queues {
		names.Queues[id] = q.Name
		delete(ids, id)
	}
	if err := withGone(ctx, c, names.Queues, ids, s.directory.GoneQueues); err != nil {
		return Names{}, err
	}
	clear(ids)
	for _, dashboards := range r.shown {
		for _, id := range dashboards {
			ids[id] = struct{}{}
		}
	}
	for _, last := range r.views {
		for id := range last {
			ids[id] = struct{}{}
		}
	}
	if names.Dashboards, err = s.directory.DashboardNames(ctx, c, slices.Collect(maps.Keys(ids))); err != nil {
		return Names{}, err
	}
	for id := range names.Dashboards {
		delete(ids, id)
	}
	return names, withGone(ctx, c, names.Dashboards, ids, s.directory.GoneDashboards)
}

// withGone adds the names of those that are not there any more.
func withGone(
	ctx context.Context, c *call.Call, names map[string]string, ids map[string]struct{},
	remembered func(context.Context, *call.Call, []string) (map[string]directory.Gone, error),
) error {
	gone, err := remembered(ctx, c, slices.Collect(maps.Keys(ids)))
	for id, g := range gone {
		names[id] = g.Name
	}
	return err
}

// Recent is the window of the last 30 days, today included.
func (s *Service) Recent(ctx context.Context, c *call.Call) (*Window, Names, error) {
	return s.Asked(ctx, c, "", "")
}

// Overage is how many active users of the last 30 days, today included, are beyond the licenses
// bought; 0 on a bundle with unlimited Live Reports. Billing shows it (requirements, section 3.6).
func (s *Service) Overage(ctx context.Context, c *call.Call) (int64, error) {
	w, _, err := s.Recent(ctx, c)
	if err != nil {
		return 0, err
	}
	return w.OverageUsers, nil
}

// Source is the name of a source of overage.
func (n Names) Source(source Source) string {
	if source.Kind == QueueSource {
		return n.Queue(source.ID)
	}
	return n.Dashboard(source.ID)
}
