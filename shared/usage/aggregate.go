package usage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/directory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// AggregateAccount folds the days of an account that a run at this time concerns, and ends the grants
// of viewers who no longer view. A failure of one part does not stop the others. Every run may be
// repeated, be late or overlap with another; the rollups are a function of the views and memberships
// there are. In a suspended account views are folded, and seats stay as they are; nothing is done in a
// closed one.
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
	failures = append(failures, s.foldDays(call.UntilClosed(ctx), c, days, daysToFold(days, at)))
	if a.State == call.Active {
		failures = append(failures, s.endGrants(ctx, c, days, at))
	}
	return errors.Join(failures...)
}

// manyChunks is how many chunks, of some 5,000 people each, the rollup of a day has that is folded alone: a fold
// keeps up to 1.5 KB of a person for each of its days.
const manyChunks = 16

// Settle folds the last days of a span that is over once more, so that a report has every view that
// was accepted: they may come until 48 hours after the last day's end, and the hourly aggregation
// may not have run since.
func (s *Service) Settle(ctx context.Context, c *call.Call, days calendar.Calendar, first, end time.Time) error {
	late := days.Day(days.Begin(end).Add(-lateness))
	if late.Before(first) {
		late = first
	}
	// one by one: a day of a large account fills the memory of a builder
	for _, date := range calendar.Days(late, end) {
		if err := s.foldDays(ctx, c, days, []time.Time{date}); err != nil {
			return err
		}
	}
	return nil
}

// foldDays makes the rollups of consecutive days: by one reading of the memberships, or, in an account of
// some 100,000 people or more, one day after the other, as far as the memory of an invocation goes. One
// that fails does not stop the others.
func (s *Service) foldDays(ctx context.Context, c *call.Call, days calendar.Calendar, dates []time.Time) error {
	heads, err := s.heads(ctx, c, dates)
	if err != nil {
		return err
	}
	large := slices.ContainsFunc(heads, func(h storedHead) bool { return h.Chunks >= manyChunks })
	if large && len(dates) > 1 {
		var failures []error
		for _, date := range dates {
			failures = append(failures, s.foldDays(ctx, c, days, []time.Time{date}))
		}
		return errors.Join(failures...)
	}
	folds, err := s.fold(ctx, c, days, dates, heads)
	if err != nil {
		return err
	}
	var failures []error
	for _, f := range folds {
		if err := s.replace(ctx, c, days, f); err != nil {
			failures = append(failures, fmt.Errorf("day %s: %w", f.date.Format(time.DateOnly), err))
		}
	}
	return errors.Join(failures...)
}

// fold is a day's rollup as it was made of the views and the memberships, and the head that was
// there before they were read.
type fold struct {
	*rollup
	date time.Time
	// begin and end are the moments between which the day lies; they are one where a change of the
	// time zone left no moment of it.
	begin, end time.Time
	events     int
	old        storedHead
}

// storedHead is a head as it was read; version 0 when there is none.
type storedHead struct {
	head
	version int64
}

// fold makes the rollups of consecutive days from the views and the memberships there are.
func (s *Service) fold(
	ctx context.Context, c *call.Call, days calendar.Calendar, dates []time.Time, heads []storedHead,
) ([]fold, error) {
	folds := make([]fold, len(dates))
	for i, date := range dates {
		folds[i] = fold{rollup: newRollup(), date: date, begin: days.Begin(date), end: days.End(date), old: heads[i]}
	}
	begin, end := folds[0].begin, folds[len(folds)-1].end
	if !begin.Before(end) {
		return folds, nil
	}
	err := s.eachView(ctx, c, begin, end, func(e storedEvent) {
		at := time.UnixMilli(e.At)
		// The last fold that has begun by then; one without a moment begins together with the next.
		i := sort.Search(len(folds), func(i int) bool { return folds[i].begin.After(at) }) - 1
		folds[i].events++
		folds[i].view(e.User, e.Dashboard, e.At)
	})
	if err != nil {
		return nil, err
	}
	err = s.directory.MonitoredUsers(ctx, c, begin, func(m directory.Monitored) error {
		for _, f := range folds {
			if f.begin.Before(f.end) {
				f.monitor(m.UserID, m.Within(f.begin, f.end))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return folds, s.foldShown(ctx, c, folds)
}

// eachView visits the views from begin up to but not including end; times of views are kept to the
// millisecond.
func (s *Service) eachView(ctx context.Context, c *call.Call, begin, end time.Time, visit func(storedEvent)) error {
	for date := utcDay(begin); date.Before(end); date = date.Add(day) {
		for shard := range eventShards {
			query := table.Query{Index: table.Index1, Partition: eventsPartition(c.Account, date, shard)}
			if date.Before(begin) {
				query.From = call.AuditMoment(begin)
			}
			if date.Add(day).After(end) {
				query.To = call.AuditMoment(end)
			}
			err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
				e, err := call.Decode[storedEvent](item)
				if err != nil {
					return err
				}
				visit(e)
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// foldShown adds which dashboards showed the monitored queues on each day, also of queues that are
// deleted by now.
func (s *Service) foldShown(ctx context.Context, c *call.Call, folds []fold) error {
	monitored := make([]map[string]struct{}, len(folds)) // queues by fold
	all := map[string]struct{}{}
	for i, f := range folds {
		monitored[i] = map[string]struct{}{}
		for _, queues := range f.queues {
			for _, queue := range queues {
				monitored[i][queue], all[queue] = struct{}{}, struct{}{}
			}
		}
	}
	ids := slices.Collect(maps.Keys(all))
	there, err := s.directory.Queues(ctx, c, ids)
	if err != nil {
		return err
	}
	gone, err := s.directory.GoneQueues(ctx, c,
		slices.DeleteFunc(ids, func(id string) bool { _, ok := there[id]; return ok }))
	if err != nil {
		return err
	}
	for i, f := range folds {
		for queue := range monitored[i] {
			spans := gone[queue].Shown
			if q, ok := there[queue]; ok {
				spans = q.Shown
			}
			f.show(queue, spans.Within(f.begin, f.end))
		}
	}
	return nil
}

// heads reads the heads of consecutive days, in one query.
func (s *Service) heads(ctx context.Context, c *call.Call, days []time.Time) ([]storedHead, error) {
	heads := make([]storedHead, len(days))
	query := table.Query{
		Partition: headsPartition(c.Account),
		From:      days[0].Format(time.DateOnly),
		To:        days[len(days)-1].AddDate(0, 0, 1).Format(time.DateOnly),
	}
	err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
		for i, date := range days {
			if item.Sort != date.Format(time.DateOnly) {
				continue
			}
			h, err := call.Decode[head](item)
			if err != nil {
				return err
			}
			heads[i] = storedHead{h, item.Version}
		}
		return nil
	})
	return heads, err
}

// replace makes the fold the rollup of its day. A reader sees one rollup or the other, whole: the
// chunks are written under a name of their own first, then the head is turned to them, if no other
// run has turned it since this one began to read; otherwise the day is folded again.
func (s *Service) replace(ctx context.Context, c *call.Call, days calendar.Calendar, f fold) error {
	first := true
	return call.Decide(ctx, func(ctx context.Context) error {
		if !first {
			dates := []time.Time{f.date}
			heads, err := s.heads(ctx, c, dates)
			if err != nil {
				return err
			}
			again, err := s.fold(ctx, c, days, dates, heads)
			if err != nil {
				return err
			}
			f = again[0]
		}
		first = false
		return s.replaceOnce(ctx, c, f)
	})
}

func (s *Service) replaceOnce(ctx context.Context, c *call.Call, f fold) error {
	old, exists := f.old.head, f.old.version != 0
	if f.events < old.Events {
		s.env.Log.WarnContext(
			ctx,
			"rollup kept: some of its views have expired",
			slog.String("account", c.Account),
			slog.String("day", f.date.Format(time.DateOnly)),
			slog.Int("views", f.events),
			slog.Int("before", old.Events),
		)
		return nil
	}
	documents, digest, err := encodeChunks(f.rollup)
	if err != nil {
		return err
	}
	now := old
	now.Digest, now.Events, now.Chunks = digest, f.events, len(documents)
	if exists && now == old {
		return nil
	}
	if exists && now.Digest == old.Digest {
		return s.turn(ctx, c, f, now)
	}
	now.Generation = s.env.IDs.Ordered()
	if err := s.writeChunks(ctx, c, f.date, now.Generation, documents); err != nil {
		return err
	}
	if err := s.turn(ctx, c, f, now); err != nil {
		if _, refused := table.Refused(err); refused {
			s.dropChunks(ctx, c, f.date, now)
		}
		return err
	}
	s.dropChunks(ctx, c, f.date, old)
	return nil
}

// encodeChunks makes the documents of a rollup's chunks and their digest.
func encodeChunks(r *rollup) ([][]byte, string, error) {
	sum := sha256.New()
	var documents [][]byte
	for _, part := range r.pack() {
		data, err := json.Marshal(part)
		if err != nil {
			return nil, "", fmt.Errorf("encode a rollup: %w", err)
		}
		sum.Write(data)
		documents = append(documents, data)
	}
	return documents, hex.EncodeToString(sum.Sum(nil)), nil
}

// chunkBatch is how many chunks are written in one commit, which takes 4 MB.
const chunkBatch = 8

func (s *Service) writeChunks(
	ctx context.Context,
	c *call.Call,
	date time.Time,
	generation string,
	documents [][]byte,
) error {
	n := 0
	for batch := range slices.Chunk(documents, chunkBatch) {
		ops := make([]table.Operation, len(batch))
		for i, data := range batch {
			item := table.Item{
				Key:     chunkKey(c.Account, date, generation, n),
				Data:    data,
				Expires: date.Add(kept).Unix(),
			}
			ops[i] = table.Put(item, table.Always)
			n++
		}
		if err := s.env.Table.Commit(ctx, ops); err != nil {
			return err
		}
	}
	return nil
}

// turn makes the head say that this is now the rollup.
func (s *Service) turn(ctx context.Context, c *call.Call, f fold, now head) error {
	data, err := call.Encode(now)
	if err != nil {
		return err
	}
	cond := table.IfAbsent
	if f.old.version != 0 {
		cond = table.IfVersion(f.old.version)
	}
	item := table.Item{Key: headKey(c.Account, f.date), Data: data, Expires: f.date.Add(kept).Unix()}
	return s.env.Table.Commit(ctx, []table.Operation{table.Put(item, cond)})
}

// dropChunks removes chunks that no head names. If it fails they vanish with the day's own expiry.
func (s *Service) dropChunks(ctx context.Context, c *call.Call, date time.Time, h head) {
	var ops []table.Operation
	for n := range h.Chunks {
		ops = append(ops, table.Delete(chunkKey(c.Account, date, h.Generation, n), table.Always))
	}
	for batch := range slices.Chunk(ops, call.MaxOperations) {
		if err := s.env.Table.Commit(ctx, batch); err != nil {
			s.env.Log.WarnContext(ctx, "chunks of an old rollup not removed", slog.String("account", c.Account),
				slog.Any("error", err))
			return
		}
	}
}
