package usage

import (
	"context"
	"maps"
	"slices"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/directory"
	"seatwise/shared/platform/call"
)

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
	queues, err := s.queues(ctx, c, g.all.monitoredQueues())
	if err != nil {
		return nil, Names{}, err
	}
	g.show(days, func(queue string, begin, end time.Time) []string { return queues[queue].Shown.Within(begin, end) })
	names, err := s.names(ctx, c, g, queues)
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

// queues reads what the monitored queues are, or were when they were deleted.
func (s *Service) queues(
	ctx context.Context, c *call.Call, monitored map[string]struct{},
) (map[string]directory.Gone, error) {
	ids := slices.Sorted(maps.Keys(monitored))
	there, err := s.directory.Queues(ctx, c, ids)
	if err != nil {
		return nil, err
	}
	queues, err := s.directory.GoneQueues(ctx, c,
		slices.DeleteFunc(ids, func(id string) bool { _, ok := there[id]; return ok }))
	if err != nil {
		return nil, err
	}
	for id, q := range there {
		queues[id] = directory.Gone{Name: q.Name, Shown: q.Shown}
	}
	return queues, nil
}

// names are what the queues are called, and reads what the dashboards of a window are.
func (s *Service) names(
	ctx context.Context, c *call.Call, g *gathering, queues map[string]directory.Gone,
) (Names, error) {
	names := Names{Queues: map[string]string{}}
	for id, q := range queues {
		names.Queues[id] = q.Name
	}
	ids := map[string]struct{}{}
	for _, dashboards := range g.window.Shown {
		for _, id := range dashboards {
			ids[id] = struct{}{}
		}
	}
	for _, last := range g.all.views {
		for id := range last {
			ids[id] = struct{}{}
		}
	}
	var err error
	if names.Dashboards, err = s.directory.DashboardNames(ctx, c, slices.Collect(maps.Keys(ids))); err != nil {
		return Names{}, err
	}
	for id := range names.Dashboards {
		delete(ids, id)
	}
	gone, err := s.directory.GoneDashboards(ctx, c, slices.Collect(maps.Keys(ids)))
	for id, d := range gone {
		names.Dashboards[id] = d.Name
	}
	return names, err
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
