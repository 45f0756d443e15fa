package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// loadedQueue is a queue with its members as the table has them.
type loadedQueue struct {
	queueItem
	version int64
	exists  bool
	members []string
	leaving []string
}

// revision is the version that the entity tag is made of: it does not change when only the grants
// of who left are withdrawn.
func (q *loadedQueue) revision() int64 { return q.version - q.Settled }

func (q *loadedQueue) monitored() bool { return q.exists && !q.Deleted && len(q.Dashboards) > 0 }

func (q *loadedQueue) view() Queue {
	return Queue{ID: q.ID, Name: q.Name, Members: unique(q.members), Dashboards: unique(q.Dashboards)}
}

// loadQueue reads a queue and its chunks; the chunks are read until they agree with the queue's
// item.
func (s *Service) loadQueue(ctx context.Context, c *call.Call, id string) (*loadedQueue, error) {
	key := queueKey(c.Account, id)
	for {
		item, ok, err := c.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		if !ok {
			return &loadedQueue{queueItem: queueItem{ID: id}}, nil
		}
		head, err := call.Decode[queueItem](item)
		if err != nil {
			return nil, err
		}
		q := &loadedQueue{queueItem: head, version: item.Version, exists: true}
		keys := []table.Key{key}
		for i := range head.Chunks {
			keys = append(keys, memberKey(c.Account, id, false, i))
		}
		for i := range head.Leaving {
			keys = append(keys, memberKey(c.Account, id, true, i))
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		if found[key].Version != item.Version {
			continue // changed between the two reads
		}
		for i := range head.Chunks {
			if err := addChunk(&q.members, found, memberKey(c.Account, id, false, i)); err != nil {
				return nil, err
			}
		}
		for i := range head.Leaving {
			if err := addChunk(&q.leaving, found, memberKey(c.Account, id, true, i)); err != nil {
				return nil, err
			}
		}
		return q, nil
	}
}

func addChunk(to *[]string, found map[table.Key]table.Item, key table.Key) error {
	item, ok := found[key]
	if !ok {
		return fmt.Errorf("chunk %s is missing", key)
	}
	ids, err := call.Decode[[]string](item)
	if err != nil {
		return err
	}
	*to = append(*to, ids...)
	return nil
}

// queueOperations write the queue as it is now, with its chunks; old is what it was.
func queueOperations(c *call.Call, old, now *loadedQueue) ([]table.Operation, error) {
	chunks, err := chunkOperations(c, now.ID, false, old.Chunks, now.members)
	if err != nil {
		return nil, err
	}
	gone, err := chunkOperations(c, now.ID, true, old.Leaving, now.leaving)
	if err != nil {
		return nil, err
	}
	head := now.queueItem
	head.Chunks, head.Leaving = chunkCount(now.members), chunkCount(now.leaving)
	put, err := headOperation(c, head, old)
	if err != nil {
		return nil, err
	}
	return append(append(chunks, gone...), put), nil
}

func headOperation(c *call.Call, head queueItem, old *loadedQueue) (table.Operation, error) {
	data, err := call.Encode(head)
	if err != nil {
		return table.Operation{}, err
	}
	return c.Put(table.Item{Key: queueKey(c.Account, head.ID), Data: data}, old.exists, old.version), nil
}

func chunkCount(ids []string) int { return (len(ids) + chunkMembers - 1) / chunkMembers }

func chunkOperations(c *call.Call, queue string, leaving bool, had int, ids []string) ([]table.Operation, error) {
	var ops []table.Operation
	n := 0
	for chunk := range slices.Chunk(ids, chunkMembers) {
		data, err := call.Encode(chunk)
		if err != nil {
			return nil, err
		}
		ops = append(ops, table.Put(table.Item{Key: memberKey(c.Account, queue, leaving, n), Data: data}, table.Always))
		n++
	}
	for ; n < had; n++ {
		ops = append(ops, table.Delete(memberKey(c.Account, queue, leaving, n), table.Always))
	}
	return ops, nil
}

// PutQueue makes or replaces a call queue; joining a monitored queue grants live-reports to the new
// members, leaving the last one ends the grant (requirements, section 6).
//
// Errors: validation (also for members who do not exist), precondition-failed.
func (s *Service) PutQueue(
	ctx context.Context,
	c *call.Call,
	id, name string,
	members []string,
) (call.Stored[Queue], error) {
	sent := members
	members = unique(members)
	var d *QueueDryRun
	var settling bool
	err := call.Decide(ctx, func(ctx context.Context) (err error) {
		if d, err = s.DryRunQueue(ctx, c, id, name, members); err != nil {
			return s.alsoStrangers(ctx, c, id, sent, err)
		}
		if !d.Changes() {
			if settling, err = s.settling(ctx, c, id); err != nil {
				return err
			}
			d.After.Settling = settling
			return c.Commit(ctx, call.Told(d.After, d.Version))
		}
		if err = s.checkMembers(ctx, c, sent, d.Before.Members); err != nil {
			return err
		}
		ops, err := d.Operations()
		if err != nil {
			return err
		}
		d.After.Settling = true
		return c.Provide(ctx, d.stored(d.After).Answer(), ops...)
	})
	if err != nil {
		return call.Stored[Queue]{}, err
	}
	view := d.After
	if !d.Changes() {
		return call.Stored[Queue]{Value: view, Version: d.Version}, nil
	}
	settled, err := s.settleQueues(ctx, c, id)
	if err != nil {
		return call.Stored[Queue]{}, err
	}
	if view.Settling = !settled; c.Repeatable() {
		err = c.Commit(ctx, d.stored(view).Answer())
	}
	return d.stored(view), err
}

// alsoStrangers adds the members who are no users to what else is wrong with a queue, unless the
// members are what is wrong.
func (s *Service) alsoStrangers(ctx context.Context, c *call.Call, id string, sent []string, err error) error {
	told, ok := problem.From(err)
	if !ok || told.Slug != problem.ValidationFailed ||
		slices.ContainsFunc(told.Fields, func(f problem.Field) bool { return f.Field == "members" }) {
		return err
	}
	old, loading := s.loadQueue(ctx, c, id)
	if loading != nil {
		return loading
	}
	return problem.Together(err, s.checkMembers(ctx, c, sent, old.members))
}

// settling says whether grants of a queue's members are still to be given or withdrawn.
func (s *Service) settling(ctx context.Context, c *call.Call, id string) (bool, error) {
	return queueMarkers.Any(ctx, s.env.Table, c.Account, id+"#")
}

// queueAudit is a queue's part in an audit record: the names of 20,000 members would not fit one.
func queueAudit(q *loadedQueue) any {
	const named = 200
	shown := q.members[:min(len(q.members), named)]
	return map[string]any{"name": q.Name, "memberCount": len(q.members), "members": shown, "dashboards": q.Dashboards}
}

// CheckMembers demands that each is a user of the account.
//
// Errors: validation.
func (s *Service) CheckMembers(ctx context.Context, c *call.Call, members []string) error {
	return s.checkMembers(ctx, c, members, nil)
}

// checkMembers is CheckMembers of a list as it was sent, of which some are members already.
func (s *Service) checkMembers(ctx context.Context, c *call.Call, sent, already []string) error {
	members := without(unique(sent), already)
	there := make(map[string]bool, len(members))
	for chunk := range slices.Chunk(members, table.MaxKeysPerLookup) {
		keys := make([]table.Key, 0, len(chunk))
		for _, user := range chunk {
			if auth.ValidUserID(user) { // any other is nothing of the account, and may not fit the table's keys
				keys = append(keys, access.UserKey(c.Account, user))
			}
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return err
		}
		for _, user := range chunk {
			_, there[user] = found[access.UserKey(c.Account, user)]
		}
	}
	return strangers("members", "user", sent, func(i int) bool {
		known, asked := there[sent[i]]
		return asked && !known
	})
}

// GetQueue reads a queue with its members.
func (s *Service) GetQueue(ctx context.Context, c *call.Call, id string) (Queue, int64, error) {
	q, err := s.loadQueue(ctx, c, id)
	if err != nil {
		return Queue{}, 0, err
	}
	if !q.exists || q.Deleted {
		return Queue{}, 0, problem.Missing("call queue")
	}
	view := q.view()
	view.Settling, err = s.settling(ctx, c, id)
	return view, q.revision(), err
}

// maxListed is about how many bytes of members one page of queues names: an answer of Lambda takes
// 6 MB.
const maxListed = 2 << 20

// ListQueues lists queues by id, with their members: all, or those with a word of the name or the
// id that begins with q. A page ends early when its members are many.
func (s *Service) ListQueues(ctx context.Context, c *call.Call, q, after string, limit int) ([]Queue, string, error) {
	all := named{partition: queuesPartition(c.Account), name: func(item table.Item) (string, error) {
		head, err := call.Decode[queueItem](item)
		return head.Name, err
	}}
	items, next, err := s.byID(ctx, all, q, after, limit)
	if err != nil {
		return nil, "", err
	}
	return s.queuesOf(ctx, c, idsOf(items), next)
}

// idsOf are the ids by which items are sorted.
func idsOf(items []table.Item) []string {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Sort
	}
	return ids
}

// QueuesNamed lists the call queues of some ids, by id; one that is not there is left out. The
// position is the last id of the page before.
func (s *Service) QueuesNamed(
	ctx context.Context, c *call.Call, ids []string, after string, limit int,
) ([]Queue, string, error) {
	ids, next := pageOfIDs(ids, auth.ValidID, after, limit)
	return s.queuesOf(ctx, c, ids, next)
}

// QueuesOfMember lists the call queues of a user, by id: those that settling has reached, of which a
// change of a moment ago may not be one yet. The position is the last id of the page before.
func (s *Service) QueuesOfMember(
	ctx context.Context, c *call.Call, user, after string, limit int,
) ([]Queue, string, error) {
	if !auth.ValidUserID(user) {
		return nil, "", nil
	}
	items, next, err := s.byID(ctx, named{partition: memberOfPartition(c.Account, user)}, "", after, limit)
	if err != nil {
		return nil, "", err
	}
	queues, next, err := s.queuesOf(ctx, c, idsOf(items), next)
	left := func(q Queue) bool { return !slices.Contains(q.Members, user) } // and settling is still to say so
	return slices.DeleteFunc(queues, left), next, err
}

// queuesOf reads the queues of a page of ids, up to where it must end because of its size. next is
// the id behind which the page after it begins.
func (s *Service) queuesOf(ctx context.Context, c *call.Call, ids []string, next string) ([]Queue, string, error) {
	var queues []Queue
	size := 0
	for i, id := range ids {
		if size > maxListed {
			return queues, ids[i-1], nil
		}
		loaded, err := s.loadQueue(ctx, c, id)
		if err != nil {
			return nil, "", err
		}
		if !loaded.exists || loaded.Deleted {
			continue
		}
		queues = append(queues, loaded.view())
		size += listBytes(loaded.members)
	}
	return queues, next, nil
}

// named is a partition whose items are sorted by the id of something that has a name.
type named struct {
	partition string
	name      func(table.Item) (string, error)
}

// byID reads up to limit items of a partition from behind an id: those with a word of the name or
// the id that begins with q, if that is not empty. A search reads past what it does not find, 1,000
// and more a page of the table: an account has few call queues and dashboards. The second answer is
// the id behind which the next page begins; empty when there is none.
func (s *Service) byID(
	ctx context.Context, all named, q, after string, limit int,
) ([]table.Item, string, error) {
	query := table.Query{Partition: all.partition}
	if after != "" {
		query.From = after + "\x00"
	}
	if q == "" {
		query.Limit = min(limit+1, table.MaxPage)
	}
	searched := text.NewQuery(q)
	var items []table.Item
	for {
		page, err := s.env.Table.Query(ctx, query)
		if err != nil {
			return nil, "", err
		}
		for _, item := range page.Items {
			if q != "" {
				called, err := all.name(item)
				if err != nil {
					return nil, "", err
				}
				if !searched.InAny(called, item.Sort) {
					continue
				}
			}
			if len(items) == limit { // there is one more
				return items, items[limit-1].Sort, nil
			}
			items = append(items, item)
		}
		if page.Next == "" {
			return items, "", nil
		}
		query.After = page.Next
	}
}

// DeleteQueue removes a queue: it is gone at once, from its dashboards too, and its grants end.
func (s *Service) DeleteQueue(ctx context.Context, c *call.Call, id string) error {
	err := call.Decide(ctx, func(ctx context.Context) error {
		old, err := s.loadQueue(ctx, c, id)
		if err != nil {
			return err
		}
		if !old.exists || old.Deleted {
			return problem.Missing("call queue")
		}
		if err := c.MatchesTag(call.Tag(old.revision())); err != nil {
			return err
		}
		if len(old.Dashboards) > MaxQueues {
			return problem.New(
				problem.WrongState,
				"The queue is on more than 40 dashboards; take it off some of them first.",
			)
		}
		now, err := old.deleted(c.At)
		if err != nil {
			return err
		}
		keep, err := remember(c, goneQueue, id, Gone{Name: old.Name, Shown: now.Shown})
		if err != nil {
			return err
		}
		ops, err := queueOperations(c, old, now)
		if err != nil {
			return err
		}
		off, err := s.takeOff(ctx, c, old.Dashboards, id)
		if err != nil {
			return err
		}
		audit, err := c.Audit(
			call.AuditEntry{Action: "queue.deleted", Subject: "queue", SubjectID: id, Before: queueAudit(old)},
		)
		if err != nil {
			return err
		}
		return c.Commit(ctx, call.Gone(), append(append(ops, off...), keep, audit, marker(c, queueMarkers, id))...)
	})
	if err != nil {
		return err
	}
	_, err = s.settleQueues(ctx, c, id)
	return err
}

// deleted is the queue when it is gone and its members still have their grants.
//
// Errors: wrong-state while there are too many who left it earlier.
func (q *loadedQueue) deleted(at time.Time) (*loadedQueue, error) {
	now := &loadedQueue{
		queueItem: queueItem{
			ID:        q.ID,
			Name:      q.Name,
			Deleted:   true,
			Shown:     q.Shown.clone(),
			ChangedAt: at,
			Settled:   q.Settled,
		},
		leaving: unique(append(slices.Clone(q.leaving), q.members...)),
	}
	for _, dashboard := range q.Dashboards {
		now.Shown.closeSpan(dashboard, at)
	}
	if listBytes(now.leaving) > maxLists {
		return nil, errStillLeaving
	}
	return now, nil
}

// errStillLeaving refuses a change by which more would be leaving a queue than its items can hold.
var errStillLeaving = problem.New(
	problem.WrongState,
	"Those who left the queue by an earlier change are still being taken off it; try again when settling is no longer said of it.",
)

// takeOff removes a queue from dashboards.
func (s *Service) takeOff(
	ctx context.Context,
	c *call.Call,
	dashboards []string,
	queue string,
) ([]table.Operation, error) {
	keys := make([]table.Key, len(dashboards))
	for i, d := range dashboards {
		keys[i] = dashboardKey(c.Account, d)
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	var ops []table.Operation
	for _, key := range keys {
		item, ok := found[key]
		if !ok {
			continue
		}
		d, err := call.Decode[Dashboard](item)
		if err != nil {
			return nil, err
		}
		d.QueueIDs = without(d.QueueIDs, []string{queue})
		put, err := dashboardItem(c, d)
		if err != nil {
			return nil, err
		}
		ops = append(ops, table.Put(put, table.IfVersion(item.Version)))
	}
	return ops, nil
}

// ResumeQueues makes the grants of a queue's members agree with the queue as it is: those of one
// account and queue, or every one of the account that is marked. It can be stopped at any point and
// run again, also by several at once.
func (s *Service) ResumeQueues(ctx context.Context, account, queue string) error {
	return s.resume(ctx, s.ofQueues(), account, queue)
}

func (s *Service) ofQueues() pending { return pending{queueMarkers, s.reconcile} }

// settleQueues is ResumeQueues for some queues right after their change, as far as the request's
// time allows; settled says whether it did.
func (s *Service) settleQueues(ctx context.Context, c *call.Call, queues ...string) (settled bool, err error) {
	return s.soon(ctx, c, func(ctx context.Context) error {
		for _, queue := range queues {
			if err := s.ResumeQueues(ctx, c.Account, queue); err != nil {
				return err
			}
		}
		return nil
	})
}

// reconcileBatch is how many users one commit settles: each takes at most a holder, two licenses
// with their pool entries, a waiting entry, counts, the record of monitoring, the membership seen
// from the user, and audit records.
const reconcileBatch = 6

// reconcile goes through the members of a queue, and those who left it. Every commit demands that
// the queue is still as it was read, so a run that was overtaken by a change of the queue stops and
// begins again, and never applies what is no longer true. Who is as the queue says already costs no
// commit, so a run that follows one that was cut off goes on where that one was. One user who fails
// never stops the others (requirements, section 6); the marker stays for them.
func (s *Service) reconcile(ctx context.Context, c *call.Call, id string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		q, err := s.loadQueue(ctx, c, id)
		if err != nil || !q.exists {
			return err
		}
		w := &settlement{c: c, queue: q, member: make(map[string]bool, len(q.members)), at: q.ChangedAt}
		for _, user := range q.members {
			w.member[user] = true
		}
		if w.at.IsZero() {
			w.at = c.At
		}
		var each oneByOne
		for some := range slices.Chunk(append(slices.Clone(q.members), q.leaving...), table.MaxKeysPerLookup/2) {
			todo, err := s.unsettled(ctx, w, some)
			if err != nil {
				return err
			}
			err = each.do(ctx, todo, reconcileBatch, func(ctx context.Context, users []string) error {
				return s.settleMembers(ctx, w, users)
			})
			if err != nil {
				return err
			}
		}
		if err := each.failed(); err != nil {
			return err
		}
		return s.finish(ctx, c, q)
	})
}

// settlement is a queue as one run settles it: who is a member, and from when on they are members or
// no longer.
type settlement struct {
	c      *call.Call
	queue  *loadedQueue
	member map[string]bool
	at     time.Time
}

// unsettled picks the users who are not yet as the queue says, in one read for half as many users
// as it takes keys.
func (s *Service) unsettled(ctx context.Context, w *settlement, users []string) ([]string, error) {
	account, q := w.c.Account, w.queue
	keys := make([]table.Key, 0, 2*len(users))
	for _, user := range users {
		keys = append(keys, memberOfKey(account, user, q.ID), license.HolderKey(account, user))
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	var todo []string
	for _, user := range users {
		_, listed := found[memberOfKey(account, user, q.ID)]
		if listed != w.member[user] {
			todo = append(todo, user)
			continue
		}
		item, ok := found[license.HolderKey(account, user)]
		if !ok {
			if listed {
				todo = append(todo, user)
			}
			continue
		}
		h, err := call.Decode[license.Holder](item)
		if err != nil {
			todo = append(todo, user) // it fails there, alone
			continue
		}
		if want, has := q.grants(&h, w.member[user]); want != has {
			todo = append(todo, user)
		}
	}
	return todo, nil
}

// grants says whether the queue wants a grant for the user, and whether there is one.
func (q *loadedQueue) grants(h *license.Holder, member bool) (want, has bool) {
	source := license.QueueGrant(q.ID)
	if holding := h.Holdings[catalog.LiveReportsID]; holding != nil {
		has = slices.ContainsFunc(holding.Grants, func(g license.Grant) bool { return g.Source == source })
	}
	return member && q.monitored() && h.Active, has
}

// finish forgets who left, or the whole queue if it was deleted, now that the grants agree.
func (s *Service) finish(ctx context.Context, c *call.Call, q *loadedQueue) error {
	if len(q.leaving) == 0 && !q.Deleted {
		return nil
	}
	now := *q
	now.leaving = nil
	now.Settled++
	ops, err := queueOperations(c, q, &now)
	if err != nil {
		return err
	}
	if q.Deleted {
		ops[len(ops)-1] = table.Delete(queueKey(c.Account, q.ID), table.IfVersion(q.version))
	}
	return s.env.Table.Commit(ctx, ops)
}

// settleMembers settles some members of a queue in one commit. A holder who changed meanwhile is
// decided on afresh; a queue that changed ends the run.
func (s *Service) settleMembers(ctx context.Context, w *settlement, users []string) error {
	c, q := w.c, w.queue
	key := queueKey(c.Account, q.ID)
	var overtaken error
	err := call.Decide(ctx, func(ctx context.Context) error {
		ch := s.kernel.Change(c)
		var also []table.Key
		for _, user := range users {
			also = append(also, MonitoredKey(c.Account, user), memberOfKey(c.Account, user, q.ID))
		}
		found, err := ch.Load(ctx, license.Need{Users: users, Also: also})
		if err != nil {
			return err
		}
		ops := []table.Operation{table.Check(key, table.IfVersion(q.version))}
		for _, user := range users {
			more, err := w.settle(ctx, ch, found, user)
			if err != nil {
				return err
			}
			ops = append(ops, more...)
		}
		err = s.commitQuietly(ctx, ch, ops)
		if refused, ok := table.Refused(err); ok && refused.Has(key) {
			overtaken = err
			return nil
		}
		return err
	})
	if overtaken != nil {
		return overtaken
	}
	return err
}

// settle makes one user's grant, record of monitoring and membership agree with the queue.
func (w *settlement) settle(
	ctx context.Context, ch *license.UnitOfWork, found map[table.Key]table.Item, user string,
) ([]table.Operation, error) {
	c, q, member := w.c, w.queue, w.member[user]
	var ops []table.Operation
	seen := memberOfKey(c.Account, user, q.ID)
	if _, listed := found[seen]; listed != member {
		if member {
			ops = append(ops, table.Put(table.Item{Key: seen, Data: []byte(`{}`)}, table.Always))
		} else {
			ops = append(ops, table.Delete(seen, table.Always))
		}
	}
	holder, err := ch.Holder(user)
	if problem.Is(err, problem.NotFound) {
		if member {
			// Deleted meanwhile, and perhaps before they were seen to be a member: the deletion's
			// own marker need not take them off this queue.
			ops = append(ops, marker(c, userMarkers, user))
		}
		return ops, nil
	}
	if err != nil {
		return nil, err
	}
	watch, err := loadWatch(found, c, user)
	if err != nil {
		return nil, err
	}
	source := license.QueueGrant(q.ID)
	switch want, has := q.grants(holder, member); {
	case want && !has:
		if err := ch.Grant(ctx, user, catalog.LiveReportsID, source); err != nil {
			return nil, err
		}
		watch.now.Queues.open(q.ID, w.at)
		watch.changed = true
	case !want && has:
		if err := ch.Withdraw(ctx, user, catalog.LiveReportsID, source); err != nil {
			return nil, err
		}
		watch.now.Queues.closeSpan(q.ID, w.at)
		watch.changed = true
	case member && q.monitored() && !has:
		// Not active. Whoever has them back at the same time may not see yet that they are a member.
		ch.RequireUnchanged(user)
	}
	watched, err := watch.operations()
	return append(ops, watched...), err
}
