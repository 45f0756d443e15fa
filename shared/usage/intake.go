package usage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Receipt answers a call with views: each event is in exactly one of the three.
type Receipt struct {
	Accepted, Duplicate int
	Rejected            []Rejected
}

// sideBySide is how many events that change nothing but themselves are stored at once.
const sideBySide = 16

// storeAll stores events and tells how many were there already: those that change more than themselves
// in groups, the others then side by side, each in a commit of its own. A put alone takes half the
// write units of one in a transaction; where the caller's permission is demanded of each commit, it
// would take more. apart tells the two kinds from each other, by what is known of viewers and uses now.
func storeAll[E any](
	ctx context.Context, c *call.Call, events []E,
	apart func(events []E) (grouped, alone []E),
	store func(ctx context.Context, events []E) (duplicates int, err error),
) (duplicates int, err error) {
	for {
		grouped, alone := events, []E(nil)
		if c.Demands == 0 {
			grouped, alone = apart(events)
		}
		if len(grouped) == 0 {
			n, err := storeAlone(ctx, alone, store)
			return duplicates + n, err
		}
		for group := range slices.Chunk(grouped, c.Apart().Spare()/2) { // with whom each is about
			n, err := store(ctx, group)
			if err != nil {
				return 0, err
			}
			duplicates += n
		}
		events = alone // others may have changed what is known, so they are looked at again
	}
}

// storeAlone stores each event in a commit of its own.
func storeAlone[E any](
	ctx context.Context, events []E, store func(ctx context.Context, events []E) (duplicates int, err error),
) (int, error) {
	var duplicates atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for i := range events {
		group.Go(func() error {
			n, err := store(ctx, events[i:i+1])
			duplicates.Add(int64(n))
			return err
		})
	}
	err := group.Wait()
	return int(duplicates.Load()), err
}

// Rejected is an event that does not count, and why.
type Rejected struct {
	ID      string
	Problem *problem.Problem
}

// Take takes in views. An event that was taken in within the last 32 days is a duplicate, whatever
// else it says now. The first view of somebody, and the first after their grant ended, grants them
// live-reports (requirements, section 6): the view and the marker that the grant is due are one
// commit, the grant follows in another, and what a crash leaves between the two is finished by the
// next aggregation. A grant that fails stops neither the views nor the other grants.
//
// Errors: validation for too many events; those of call.Claim; an error of the table, after which
// the same call may be sent again as it was.
func (s *Service) Take(ctx context.Context, c *call.Call, events []Event) (Receipt, error) {
	return received(ctx, c, events, s.take)
}

// received takes in the events of one call, and answers a repetition of it with the same receipt.
func received[E any](
	ctx context.Context, c *call.Call, events []E,
	take func(ctx context.Context, c *call.Call, events []E) (Receipt, error),
) (Receipt, error) {
	if len(events) == 0 || len(events) > MaxEvents {
		return Receipt{}, problem.Invalid("events", problem.OutOfRange, "must be 1 to %d", MaxEvents)
	}
	if err := c.Begin(ctx); err != nil {
		return Receipt{}, err
	}
	if err := c.Claim(ctx); err != nil {
		return Receipt{}, err
	}
	receipt, err := take(ctx, c, events)
	if err == nil {
		err = c.Commit(ctx, call.Begun(receiptBody(receipt)))
	}
	if err != nil {
		c.Release(ctx)
		return Receipt{}, err
	}
	return receipt, nil
}

func (s *Service) take(ctx context.Context, c *call.Call, events []Event) (Receipt, error) {
	var receipt Receipt
	good, known, err := s.judge(ctx, c, events, &receipt)
	if err != nil {
		return Receipt{}, err
	}
	users := make([]string, len(good))
	for i, e := range good {
		users[i] = e.UserID
	}
	in := &intake{
		Service: s,
		c:       c,
		viewers: map[string]viewerState{},
		granted: map[string]bool{},
		due:     map[string]bool{},
	}
	if err := in.load(ctx, users); err != nil {
		return Receipt{}, err
	}
	duplicates, err := storeAll(ctx, c, good, in.apart, in.store)
	// Also if some could not be stored: the others count.
	if err := errors.Join(err, s.arrive(ctx, c, append(known, in.stored...))); err != nil {
		return Receipt{}, err
	}
	receipt.Accepted += len(good) - duplicates
	receipt.Duplicate += duplicates
	limited, cancel := call.InTime(ctx)
	defer cancel()
	_ = s.grantDue(limited, c, slices.Sorted(maps.Keys(in.due)))
	return receipt, nil
}

// arrive has the next run of the aggregation find views: those that were stored, and those that were there, for
// whoever stored them may have been cut off before it came here. One item for all of them is a tenth of what it takes
// to have each in an index.
func (s *Service) arrive(ctx context.Context, c *call.Call, views []storedEvent) error {
	if len(views) == 0 {
		return nil
	}
	data, err := call.Encode(arrival{Views: views})
	if err != nil {
		return err
	}
	at := s.env.Stored() // not the time of the call, which may have been handed on and have waited
	return s.env.Table.Commit(ctx, []table.Operation{table.Put(table.Item{
		Key: arrivalKey(c.Account, at, s.env.IDs.Ordered()), Data: data, Expires: at.Add(remembered).Unix(),
	}, table.IfAbsent)})
}

// judge sorts out what cannot count, and what comes a second time in the same call; the events that
// are left have ids of their own. Those that would no longer count, and did when they first came, are known.
func (s *Service) judge(
	ctx context.Context, c *call.Call, events []Event, receipt *Receipt,
) (good []Event, known []storedEvent, err error) {
	var users, dashboards []string
	for _, e := range events {
		// What is no id is nobody's, and must not become a key.
		if auth.ValidUserID(e.UserID) {
			users = append(users, e.UserID)
		}
		if auth.ValidID(e.DashboardID) {
			dashboards = append(dashboards, e.DashboardID)
		}
	}
	people, err := s.directory.Viewers(ctx, c, users)
	if err != nil {
		return nil, nil, err
	}
	names, err := s.directory.DashboardNames(ctx, c, dashboards)
	if err != nil {
		return nil, nil, err
	}
	var bad []Rejected
	taken := make(map[string]bool, len(events))
	for _, e := range events {
		p := checkEvent(e, c.At)
		if p == nil {
			_, dashboard := names[e.DashboardID]
			p = checkViewer(person(people[e.UserID]), dashboard)
		}
		switch {
		case p != nil:
			bad = append(bad, Rejected{ID: e.ID, Problem: p})
		case taken[e.ID]:
			receipt.Duplicate++
		default:
			taken[e.ID] = true
			good = append(good, e)
		}
	}
	there, err := s.reject(ctx, c, bad, eventKey, receipt)
	if err != nil {
		return nil, nil, err
	}
	for _, item := range there {
		e, err := call.Decode[storedEvent](item)
		if err != nil {
			return nil, nil, err
		}
		known = append(known, e)
	}
	return good, known, nil
}

// reject tells those who never counted from those that counted when they first came; key says where
// an event lies that did, which are there.
func (s *Service) reject(
	ctx context.Context, c *call.Call, bad []Rejected, key func(account, id string) table.Key, receipt *Receipt,
) (there []table.Item, err error) {
	var keys []table.Key
	for _, e := range bad {
		if e.ID != "" && len(e.ID) <= maxEventID {
			keys = append(keys, key(c.Account, e.ID))
		}
	}
	found, err := s.lookup(ctx, unique(keys))
	if err != nil {
		return nil, err
	}
	for _, e := range bad {
		if item, ok := found[key(c.Account, e.ID)]; ok && item.Expires > c.At.Unix() {
			receipt.Duplicate++
			there = append(there, item)
			continue
		}
		receipt.Rejected = append(receipt.Rejected, e)
	}
	return there, nil
}

// intake is the storing of one call's events.
type intake struct {
	*Service
	c *call.Call
	// viewers and granted are the viewers as they were read, and whether they hold the grant.
	viewers map[string]viewerState
	granted map[string]bool
	// due are users whose grant is marked as pending.
	due map[string]bool
	// stored are the views that are stored, by this call or before it.
	mu     sync.Mutex
	stored []storedEvent
}

// earlier is what a commit that was refused found of its events.
type earlier struct {
	// there are the ids of events that were taken in before.
	there map[string]bool
	// expired are the versions of events with the same id that have expired and that a new event
	// replaces.
	expired map[table.Key]int64
}

func newEarlier() earlier { return earlier{map[string]bool{}, map[table.Key]int64{}} }

// condition is what an event demands of the key that it is stored under.
func (e earlier) condition(key table.Key) table.Condition {
	if version, ok := e.expired[key]; ok {
		return table.IfVersion(version)
	}
	return table.IfAbsent
}

// load reads viewers and what they hold.
func (in *intake) load(ctx context.Context, users []string) error {
	account, users := in.c.Account, unique(users)
	keys := make([]table.Key, 0, 2*len(users))
	for _, user := range users {
		keys = append(keys, viewerKey(account, user), license.HolderKey(account, user))
	}
	found, err := in.lookup(ctx, keys)
	if err != nil {
		return err
	}
	for _, user := range users {
		v, err := loadViewer(found, account, user)
		if err != nil {
			return err
		}
		in.viewers[user], in.granted[user] = v, false
		if v.Pending {
			in.due[user] = true
		}
		if item, ok := found[license.HolderKey(account, user)]; ok {
			h, err := call.Decode[license.Holder](item)
			if err != nil {
				return err
			}
			in.granted[user] = hasViewGrant(&h)
		}
	}
	return nil
}

// apart tells the events that change their viewers from those that change nothing but themselves once
// the others are stored.
func (in *intake) apart(events []Event) (changing, alone []Event) {
	viewers := map[string]viewerState{}
	for _, e := range events {
		v, ok := viewers[e.UserID]
		if !ok {
			v = in.viewers[e.UserID]
		}
		after, changed := v.seen(e.DashboardID, e.At, in.granted[e.UserID], in.c.Cause())
		viewers[e.UserID] = after
		if changed {
			changing = append(changing, e)
		} else {
			alone = append(alone, e)
		}
	}
	return changing, alone
}

func hasViewGrant(h *license.Holder) bool {
	holding := h.Holdings[catalog.LiveReportsID]
	return holding != nil &&
		slices.ContainsFunc(holding.Grants, func(g license.Grant) bool { return g.Source == license.View })
}

// store stores some events in one commit, with what they change about their viewers, and tells how
// many were there already. It may be used side by side for events that change no viewer.
func (in *intake) store(ctx context.Context, events []Event) (duplicates int, err error) {
	before := newEarlier()
	err = call.Decide(ctx, func(ctx context.Context) error {
		var ops []table.Operation
		touched := map[string]viewerState{}
		for _, e := range events {
			if before.there[e.ID] {
				continue
			}
			op, err := in.event(e, before)
			if err != nil {
				return err
			}
			ops = append(ops, op)
			v, ok := touched[e.UserID]
			if !ok {
				v = in.viewers[e.UserID]
			}
			if after, changed := v.seen(e.DashboardID, e.At, in.granted[e.UserID], in.c.Cause()); changed {
				touched[e.UserID] = after
			}
		}
		if len(ops) == 0 {
			return nil
		}
		for _, user := range slices.Sorted(maps.Keys(touched)) {
			op, err := touched[user].put(in.c.Account)
			if err != nil {
				return err
			}
			ops = append(ops, op)
		}
		err := in.env.Table.Commit(ctx, ops)
		if refused, ok := table.Refused(err); ok {
			if err := in.learn(ctx, refused, events, before); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		for user, v := range touched {
			v.exists, v.version = true, v.version+1
			in.viewers[user] = v
			if v.Pending {
				in.due[user] = true
			}
		}
		for _, e := range events {
			if !before.there[e.ID] {
				in.keep(storedView(e))
			}
		}
		return nil
	})
	return len(before.there), err
}

func (in *intake) keep(views ...storedEvent) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stored = append(in.stored, views...)
}

func storedView(e Event) storedEvent {
	return storedEvent{User: e.UserID, Dashboard: e.DashboardID, At: e.At.UnixMilli()}
}

// event is the operation that stores an event, in the place of an expired one with its id if there
// is one.
func (in *intake) event(e Event, before earlier) (table.Operation, error) {
	data, err := call.Encode(storedView(e))
	if err != nil {
		return table.Operation{}, err
	}
	item := table.Item{Key: eventKey(in.c.Account, e.ID), Data: data, Expires: in.c.At.Add(remembered).Unix()}
	return table.Put(item, before.condition(item.Key)), nil
}

// learn finds out why a commit was refused: events that are there already, and viewers that others
// have changed.
func (in *intake) learn(
	ctx context.Context,
	refused *table.ConditionError,
	events []Event,
	before earlier,
) error {
	var keys []table.Key
	var users []string
	for _, e := range events {
		if key := eventKey(in.c.Account, e.ID); refused.Has(key) {
			keys = append(keys, key)
		}
		if refused.Has(viewerKey(in.c.Account, e.UserID)) {
			users = append(users, e.UserID)
		}
	}
	found, err := in.lookup(ctx, keys)
	if err != nil {
		return err
	}
	for _, e := range events {
		key := eventKey(in.c.Account, e.ID)
		before.look(found, key, e.ID, in.c.At)
		if item, ok := found[key]; ok && before.there[e.ID] {
			v, err := call.Decode[storedEvent](item)
			if err != nil {
				return err
			}
			in.keep(v)
		}
	}
	return in.load(ctx, users)
}

// look notes whether an event lies under a key that was read. The version of one that has expired is
// kept, since a new event takes its place.
func (e earlier) look(found map[table.Key]table.Item, key table.Key, id string, at time.Time) {
	item, ok := found[key]
	switch {
	case !ok:
		delete(e.expired, key)
	case item.Expires <= at.Unix():
		e.expired[key] = item.Version
	default:
		e.there[id] = true
	}
}

// unique drops repetitions and keeps the order.
func unique[T comparable](all []T) []T {
	seen := make(map[T]struct{}, len(all))
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool {
		_, again := seen[v]
		seen[v] = struct{}{}
		return again
	})
}
