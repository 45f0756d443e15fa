package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// errTorn is returned when a rollup's chunks kept vanishing while they were read: they were replaced
// each time.
var errTorn = errors.New("a rollup kept changing while it was read")

// storedHead is a head as it was read; version 0 when there is none.
type storedHead struct {
	head
	version int64
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

// keys are where the chunks lie.
func (h head) keys(account string, date time.Time) (leaves, recent []table.Key) {
	for _, leaf := range h.Leaves {
		leaves = append(leaves, chunkKey(account, date, leaf.ID))
	}
	for _, id := range h.Recent {
		recent = append(recent, chunkKey(account, date, id))
	}
	return leaves, recent
}

// chunks reads what a head names.
//
// Errors: errTorn when some are gone.
func (s *Service) chunks(ctx context.Context, c *call.Call, date time.Time, h head) (*rollup, error) {
	leaves, recent := h.keys(c.Account, date)
	found, err := s.lookup(ctx, slices.Concat(leaves, recent))
	if err != nil {
		return nil, err
	}
	return unpackAll(found, leaves, recent)
}

// unpackAll makes a rollup of leaves, and of what is recent, which goes over them in its order.
//
// Errors: errTorn when some are gone.
func unpackAll(found map[table.Key]table.Item, leaves, recent []table.Key) (*rollup, error) {
	r := newRollup()
	for i, key := range slices.Concat(leaves, recent) {
		item, ok := found[key]
		if !ok {
			return nil, errTorn
		}
		part, err := call.Decode[chunk](item)
		if err != nil {
			return nil, err
		}
		if i < len(leaves) {
			r.unpack(part)
			continue
		}
		news := newRollup()
		news.unpack(part)
		r.take(news, news.people())
	}
	return r, nil
}

// span is where the leaves lie that have a person, if anything is known of them: one, or all of somebody
// who fills several. It is empty only if there are no leaves.
func (h head) span(user string) (from, to int) {
	to = sort.Search(len(h.Leaves), func(i int) bool { return h.Leaves[i].First > user })
	if to == 0 && len(h.Leaves) > 0 {
		to = 1 // before the first, who are to come into its leaf
		for to < len(h.Leaves) && h.Leaves[to].First == h.Leaves[0].First {
			to++
		}
	}
	from = max(0, to-1)
	for from > 0 && h.Leaves[from-1].First == h.Leaves[from].First {
		from--
	}
	return from, to
}

const (
	// recentBytes is about how large a chunk of what is recent gets, and maxRecent how many there are of a
	// day, before all of them are taken into the leaves, as is what would take more than manyRecent.
	recentBytes = 128 << 10
	maxRecent   = 24
	manyRecent  = 4
	// chunkBatch is how many chunks are written in one commit, which takes 4 MB.
	chunkBatch = 8
	// maxTorn is how often chunks may be gone that were to be read.
	maxTorn = 5
)

// merge takes what is new into the rollup of a day: of one that goes on beside its leaves, as long as that is
// little, and of one that is over into them, also what was beside them. A reader sees one rollup or the other,
// whole: chunks are written under names of their own first, then the head is turned to them, if no other run has
// turned it since it was read; otherwise all of it begins again.
func (s *Service) merge(ctx context.Context, c *call.Call, date time.Time, news *rollup, goesOn bool) error {
	torn := 0
	return call.Decide(ctx, func(ctx context.Context) error {
		heads, err := s.heads(ctx, c, []time.Time{date})
		if err != nil {
			return err
		}
		t := &turn{service: s, c: c, date: date, old: heads[0]}
		differs, err := t.take(ctx, news, goesOn)
		if err != nil {
			t.drop(context.WithoutCancel(ctx), t.made)
		}
		if errors.Is(err, errTorn) && torn < maxTorn {
			torn++
			return &table.ConditionError{Keys: []table.Key{headKey(c.Account, date)}} // it was turned meanwhile
		}
		if err != nil || !differs {
			return err
		}
		if err := t.commit(ctx); err != nil {
			if _, refused := table.Refused(err); refused {
				t.drop(ctx, t.made)
			}
			return err
		}
		t.drop(ctx, t.gone)
		return nil
	})
}

// turn is a change of a day's rollup.
type turn struct {
	service *Service
	c       *call.Call
	date    time.Time
	old     storedHead
	now     head
	// made are the ids of chunks that were written for the new head, gone those of the old one alone.
	made, gone []string
	unwritten  []table.Operation
}

// take writes the chunks of the new head, if it differs from the old one.
func (t *turn) take(ctx context.Context, news *rollup, goesOn bool) (differs bool, err error) {
	recent, err := t.read(ctx, nil, t.old.Recent)
	if err != nil {
		return false, err
	}
	if goesOn {
		if news, err = t.unknown(ctx, news, recent); err != nil || len(news.people()) == 0 {
			return false, err
		}
		parts := news.pack(min(recentBytes, t.service.leafBytes))
		if len(parts) <= manyRecent && len(t.old.Recent)+len(parts) <= maxRecent && !divided(parts) {
			return true, t.add(ctx, parts)
		}
	}
	recent.take(news, news.people())
	if err := t.rewrite(ctx, recent); err != nil {
		return false, err
	}
	t.gone = append(t.gone, t.old.Recent...)
	return len(t.made)+len(t.gone) > 0, nil
}

// divided says that somebody is in more than one of the chunks.
func divided(parts []packed) bool {
	for i := range parts[1:] {
		if parts[i].first == parts[i+1].first {
			return true
		}
	}
	return false
}

// add writes chunks beside the leaves.
func (t *turn) add(ctx context.Context, parts []packed) error {
	t.now = head{Leaves: t.old.Leaves, Recent: slices.Clone(t.old.Recent)}
	for _, part := range parts {
		id, err := t.put(ctx, part.chunk)
		if err != nil {
			return err
		}
		t.now.Recent = append(t.now.Recent, id)
	}
	return t.write(ctx)
}

// eachSpan visits the leaves that have, or are to have, the people, who are sorted, with those of them.
func (h head) eachSpan(people []string, visit func(from, to int, people []string) error) error {
	for len(people) > 0 {
		from, to := h.span(people[0])
		n := len(people)
		if to < len(h.Leaves) {
			n, _ = slices.BinarySearch(people, h.Leaves[to].First)
		}
		if err := visit(from, to, people[:n]); err != nil {
			return err
		}
		people = people[n:]
	}
	return nil
}

// unknown is what of the news neither the leaves know nor what is recent.
func (t *turn) unknown(ctx context.Context, news, recent *rollup) (*rollup, error) {
	unknown := newRollup()
	err := t.old.eachSpan(news.people(), func(from, to int, people []string) error {
		known, err := t.read(ctx, t.old.Leaves[from:to], nil)
		if err != nil {
			return err
		}
		known.take(recent, people)
		unknown.take(news, known.take(news, people))
		return nil
	})
	return unknown, err
}

// rewrite writes the leaves that change.
func (t *turn) rewrite(ctx context.Context, news *rollup) error {
	done := 0 // leaves of the old head
	err := t.old.eachSpan(news.people(), func(from, to int, people []string) error {
		t.now.Leaves = append(t.now.Leaves, t.old.Leaves[done:from]...)
		done = to
		old := t.old.Leaves[from:to]
		r, err := t.read(ctx, old, nil)
		if err != nil {
			return err
		}
		if len(r.take(news, people)) == 0 {
			t.now.Leaves = append(t.now.Leaves, old...)
			return nil
		}
		for _, leaf := range old {
			t.gone = append(t.gone, leaf.ID)
		}
		for _, part := range r.whole().pack(t.service.leafBytes) {
			id, err := t.put(ctx, part.chunk)
			if err != nil {
				return err
			}
			t.now.Leaves = append(t.now.Leaves, leafRef{First: part.first, ID: id})
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.now.Leaves = append(t.now.Leaves, t.old.Leaves[done:]...)
	return t.write(ctx)
}

func (t *turn) read(ctx context.Context, leaves []leafRef, recent []string) (*rollup, error) {
	return t.service.chunks(ctx, t.c, t.date, head{Leaves: leaves, Recent: recent})
}

// put has a chunk written, under an id that it answers.
func (t *turn) put(ctx context.Context, part chunk) (id string, err error) {
	data, err := call.Encode(part)
	if err != nil {
		return "", err
	}
	id = t.service.env.IDs.Ordered()
	t.made = append(t.made, id)
	t.unwritten = append(t.unwritten, table.Put(table.Item{
		Key: chunkKey(t.c.Account, t.date, id), Data: data, Expires: t.date.Add(kept + day).Unix(),
	}, table.IfAbsent))
	if len(t.unwritten) < chunkBatch {
		return id, nil
	}
	return id, t.write(ctx)
}

func (t *turn) write(ctx context.Context) error {
	if len(t.unwritten) == 0 {
		return nil
	}
	err := t.service.env.Table.Commit(ctx, t.unwritten)
	t.unwritten = nil
	return err
}

// commit makes the head say that these are now the chunks.
func (t *turn) commit(ctx context.Context) error {
	data, err := call.Encode(t.now)
	if err != nil {
		return err
	}
	cond := table.IfAbsent
	if t.old.version != 0 {
		cond = table.IfVersion(t.old.version)
	}
	item := table.Item{Key: headKey(t.c.Account, t.date), Data: data, Expires: t.date.Add(kept).Unix()}
	return t.service.env.Table.Commit(ctx, []table.Operation{table.Put(item, cond)})
}

// drop removes chunks that no head names. If it fails they vanish with the day's own expiry.
func (t *turn) drop(ctx context.Context, ids []string) {
	for batch := range slices.Chunk(ids, call.MaxOperations) {
		ops := make([]table.Operation, len(batch))
		for i, id := range batch {
			ops[i] = table.Delete(chunkKey(t.c.Account, t.date, id), table.Always)
		}
		if err := t.service.env.Table.Commit(ctx, ops); err != nil {
			t.service.env.Log.WarnContext(ctx, "chunks of an old rollup not removed",
				slog.String("account", t.c.Account), slog.Any("error", err))
			return
		}
	}
}

// eachRollup hands the rollup of every day to visit, in order, whole and one at a time; a day on which
// nobody was active has an empty one.
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
		for ; last < len(days) && (last == first || len(keys)+len(heads[last].Leaves) <= leavesAtOnce); last++ {
			leaves, recent := heads[last].keys(c.Account, days[last])
			keys = append(append(keys, leaves...), recent...)
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return err
		}
		for i := first; i < last; i++ {
			leaves, recent := heads[i].keys(c.Account, days[i])
			r, err := unpackAll(found, leaves, recent)
			if errors.Is(err, errTorn) {
				r, err = s.readAgain(ctx, c, days[i], func(h head) []leafRef { return h.Leaves })
			}
			if err != nil {
				return dayError(days[i], err)
			}
			visit(days[i], r.whole())
		}
		first = last
	}
	return nil
}

// leavesAtOnce is how many leaves are read in one call: 250 KB each, they are what an answer of
// DynamoDB takes.
const leavesAtOnce = 40

func dayError(date time.Time, err error) error {
	return fmt.Errorf("rollup of %s: %w", date.Format(time.DateOnly), err)
}

// readAgain reads leaves of a rollup, and what is recent, until they are not replaced between the reads of the head
// and of them.
func (s *Service) readAgain(
	ctx context.Context, c *call.Call, date time.Time, which func(head) []leafRef,
) (*rollup, error) {
	for range maxTorn {
		heads, err := s.heads(ctx, c, []time.Time{date})
		if err != nil {
			return nil, err
		}
		r, err := s.chunks(ctx, c, date, head{Leaves: which(heads[0].head), Recent: heads[0].Recent})
		if !errors.Is(err, errTorn) {
			return r, err
		}
	}
	return nil, errTorn
}

// leafReader reads what rollups of days that are over know of people, who come in their order: it keeps the last leaf
// of each day.
type leafReader struct {
	service *Service
	c       *call.Call
	read    map[time.Time]*readLeaf
}

type readLeaf struct {
	*rollup
	// first and end bound the people; there is no end to the last leaf.
	first, end string
}

// of is what is known of a person on a day, and of others.
func (l *leafReader) of(ctx context.Context, date time.Time, user string) (*rollup, error) {
	if leaf := l.read[date]; leaf != nil && leaf.first <= user && (leaf.end == "" || user < leaf.end) {
		return leaf.rollup, nil
	}
	leaf := &readLeaf{first: user}
	r, err := l.service.readAgain(ctx, l.c, date, func(h head) []leafRef {
		from, to := h.span(user)
		leaf.end = ""
		if to < len(h.Leaves) {
			leaf.end = h.Leaves[to].First
		}
		return h.Leaves[from:to]
	})
	if err != nil {
		return nil, dayError(date, err)
	}
	leaf.rollup, l.read[date] = r, leaf
	return r, nil
}
