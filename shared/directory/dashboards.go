package directory

import (
	"context"
	"fmt"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// PutDashboard makes or replaces a dashboard. Putting a queue on it grants live-reports to every
// member, at once or waiting (requirements, section 6); the answer counts how the members of its
// queues stand.
//
// Errors: validation (also for queues that do not exist), precondition-failed.
func (s *Service) PutDashboard(
	ctx context.Context,
	c *call.Call,
	d Dashboard,
) (call.Stored[DashboardWithGrants], error) {
	sent := d.QueueIDs
	d.QueueIDs = unique(sent)
	var draft *DashboardDraft
	var view DashboardWithGrants
	err := call.Decide(ctx, func(ctx context.Context) (err error) {
		if draft, err = s.draftDashboard(ctx, c, d.ID, &d, sent); err != nil {
			return err
		}
		view = DashboardWithGrants{Dashboard: d, Settling: true}
		if draft.same || c.Repeatable() {
			if view.Grants, err = s.countGrants(ctx, c, d.QueueIDs); err != nil {
				return err
			}
		}
		if draft.same {
			view.Settling = false
			return c.Commit(ctx, call.Told(view, draft.Version))
		}
		return c.Provide(ctx, draft.stored(c, view).Answer(), draft.ops...)
	})
	switch {
	case err != nil:
		return call.Stored[DashboardWithGrants]{}, err
	case draft.same:
		return call.Stored[DashboardWithGrants]{Value: view, Version: draft.Version}, nil
	}
	settled, err := s.settleQueues(ctx, c, draft.changed...)
	if err != nil {
		return call.Stored[DashboardWithGrants]{}, err
	}
	view.Settling = !settled
	if view.Grants, err = s.countGrants(ctx, c, d.QueueIDs); err != nil {
		return call.Stored[DashboardWithGrants]{}, err
	}
	out := draft.stored(c, view)
	if c.Repeatable() {
		err = c.Commit(ctx, out.Answer())
	}
	return out, err
}

// DeleteDashboard removes a dashboard; queues that were on no other are monitored no more.
func (s *Service) DeleteDashboard(ctx context.Context, c *call.Call, id string) error {
	var draft *DashboardDraft
	err := call.Decide(ctx, func(ctx context.Context) (err error) {
		if draft, err = s.draftDashboard(ctx, c, id, nil, nil); err != nil {
			return err
		}
		return c.Commit(ctx, call.Gone(), draft.ops...)
	})
	if err != nil {
		return err
	}
	_, err = s.settleQueues(ctx, c, draft.changed...)
	return err
}

// draftDashboard decides what putting the dashboard does, or deleting it when d is nil; each queue
// that comes or goes is told in the same commit which dashboards show it. sent is the list of
// queues as the caller wrote it, by which faults are named.
func (s *Service) draftDashboard(
	ctx context.Context,
	c *call.Call,
	id string,
	d *Dashboard,
	sent []string,
) (*DashboardDraft, error) {
	key := dashboardKey(c.Account, id)
	item, exists, err := c.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if !exists && d == nil {
		return nil, problem.Missing("dashboard")
	}
	if err := c.Matches(exists, item.Version); err != nil {
		return nil, err
	}
	var fault error
	draft := &DashboardDraft{Version: item.Version, Made: !exists}
	change := call.AuditEntry{Action: "dashboard.put", Subject: "dashboard", SubjectID: id}
	if exists {
		if draft.Before, err = call.Decode[Dashboard](item); err != nil {
			return nil, err
		}
		change.Before = draft.Before
	}
	if d != nil {
		if fault = CheckDashboard(*d, draft.Before); fault != nil && len(d.QueueIDs) > MaxQueues {
			return nil, fault
		}
		draft.After = *d
		if exists && d.Name == draft.Before.Name && slices.Equal(d.QueueIDs, unique(draft.Before.QueueIDs)) {
			draft.same = true
			return draft, nil
		}
	}
	op := table.Delete(key, table.IfVersion(item.Version))
	var extra []table.Operation
	if d == nil {
		change.Action = "dashboard.deleted"
		keep, err := remember(c, goneDashboard, id, Gone{Name: draft.Before.Name})
		if err != nil {
			return nil, err
		}
		extra = append(extra, keep)
	} else {
		change.After = draft.After
		put, err := dashboardItem(c, draft.After)
		if err != nil {
			return nil, err
		}
		op = c.Put(put, exists, item.Version)
	}
	come, gone := without(
		draft.After.QueueIDs,
		draft.Before.QueueIDs,
	), without(
		draft.Before.QueueIDs,
		draft.After.QueueIDs,
	)
	draft.changed = slices.Concat(come, gone)
	if err := checkMoves(draft.changed); err != nil {
		return nil, problem.Together(fault, err)
	}
	ops, err := s.showOn(ctx, c, id, come, gone, sent)
	if err := problem.Together(fault, err); err != nil {
		return nil, err
	}
	audit, err := c.Audit(change)
	if err != nil {
		return nil, err
	}
	draft.ops = append(append(ops, extra...), op, audit)
	return draft, nil
}

// showOn writes on queues that they came to, or went from, a dashboard. A queue must exist to come.
// wanted is the dashboard's list as it was sent, in which a queue that is not there is named.
func (s *Service) showOn(
	ctx context.Context, c *call.Call, dashboard string, come, gone, wanted []string,
) ([]table.Operation, error) {
	var ops []table.Operation
	missing, full := map[string]bool{}, map[string]bool{}
	come = slices.DeleteFunc(slices.Clone(come), func(queue string) bool {
		missing[queue] = !auth.ValidID(queue) // it is no call queue, and may not fit the table's keys
		return missing[queue]
	})
	keys := make([]table.Key, 0, len(come)+len(gone))
	for _, queue := range slices.Concat(come, gone) {
		keys = append(keys, queueKey(c.Account, queue))
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		item, ok := found[key]
		var head queueItem
		if ok {
			if head, err = call.Decode[queueItem](item); err != nil {
				return nil, err
			}
		}
		coming := i < len(come)
		if !ok || head.Deleted {
			if coming {
				missing[come[i]] = true
			}
			continue
		}
		if coming {
			full[head.ID] = len(head.Dashboards) >= MaxShown
			head.Dashboards = unique(append(head.Dashboards, dashboard))
			head.Shown.open(dashboard, c.At)
		} else {
			head.Dashboards = without(head.Dashboards, []string{dashboard})
			head.Shown.closeSpan(dashboard, c.At)
		}
		head.ChangedAt = c.At
		put, err := headOperation(c, head, &loadedQueue{version: item.Version, exists: true})
		if err != nil {
			return nil, err
		}
		ops = append(ops, put, marker(c, queueMarkers, head.ID))
	}
	crowded := problem.Culprits("queueIds", problem.TooMany, wanted, func(i int) bool { return full[wanted[i]] },
		fmt.Sprintf("is on %d dashboards, which is the most", MaxShown))
	var most error
	if len(crowded) > 0 {
		most = problem.Validation(crowded...)
	}
	return ops, problem.Together(
		strangers("queueIds", "call queue", wanted, func(i int) bool { return missing[wanted[i]] }),
		most,
	)
}

// countGrants counts the members of queues by how they stand to live-reports.
func (s *Service) countGrants(ctx context.Context, c *call.Call, queues []string) (GrantCounts, error) {
	var members []string
	for _, id := range queues {
		q, err := s.loadQueue(ctx, c, id)
		if err != nil {
			return GrantCounts{}, err
		}
		members = append(members, q.members...)
	}
	var counts GrantCounts
	ch := s.kernel.Change(c)
	if _, err := ch.Load(ctx, license.Need{}); err != nil {
		return GrantCounts{}, err
	}
	for chunk := range slices.Chunk(unique(members), table.MaxKeysPerLookup) {
		keys := make([]table.Key, len(chunk))
		for i, user := range chunk {
			keys[i] = license.HolderKey(c.Account, user)
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return GrantCounts{}, err
		}
		for _, item := range found {
			h, err := call.Decode[license.Holder](item)
			if err != nil {
				return GrantCounts{}, err
			}
			switch ch.StateOf(&h, catalog.LiveReportsID) {
			case license.Holds:
				counts.Granted++
			case license.Waits:
				counts.Waiting++
			case license.Covered:
				counts.Covered++
			case license.StateExcluded:
				counts.Excluded++
			case license.Lacks:
			}
		}
	}
	return counts, nil
}

// GetDashboard reads a dashboard with its counts.
func (s *Service) GetDashboard(ctx context.Context, c *call.Call, id string) (DashboardWithGrants, int64, error) {
	item, ok, err := c.Get(ctx, dashboardKey(c.Account, id))
	if err != nil {
		return DashboardWithGrants{}, 0, err
	}
	if !ok {
		return DashboardWithGrants{}, 0, problem.Missing("dashboard")
	}
	d, err := call.Decode[Dashboard](item)
	if err != nil {
		return DashboardWithGrants{}, 0, err
	}
	counts, err := s.countGrants(ctx, c, d.QueueIDs)
	return DashboardWithGrants{Dashboard: d, Grants: counts}, item.Version, err
}

// ListDashboards lists dashboards by id, without counts: all, or those with a word of the name or
// the id that begins with q.
func (s *Service) ListDashboards(
	ctx context.Context,
	c *call.Call,
	q, after string,
	limit int,
) ([]Dashboard, string, error) {
	items, next, err := s.byID(
		ctx,
		dashboardsPartition(c.Account),
		q,
		after,
		limit,
		func(item table.Item) (string, error) {
			d, err := call.Decode[Dashboard](item)
			return d.Name, err
		},
	)
	if err != nil {
		return nil, "", err
	}
	dashboards := make([]Dashboard, len(items))
	for i, item := range items {
		if dashboards[i], err = call.Decode[Dashboard](item); err != nil {
			return nil, "", err
		}
	}
	return dashboards, next, nil
}

// dashboardItem is a dashboard as it is stored.
func dashboardItem(c *call.Call, d Dashboard) (table.Item, error) {
	data, err := call.Encode(d)
	if err != nil {
		return table.Item{}, err
	}
	return table.Item{Key: dashboardKey(c.Account, d.ID), Data: data}, nil
}
