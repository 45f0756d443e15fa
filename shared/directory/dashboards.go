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
	var dry *DashboardDryRun
	var view DashboardWithGrants
	err := call.Decide(ctx, func(ctx context.Context) (err error) {
		if dry, err = s.dryRunDashboard(ctx, c, d.ID, &d, sent); err != nil {
			return err
		}
		view = DashboardWithGrants{Dashboard: d, Settling: true}
		if dry.same || c.Repeatable() {
			if view.Grants, err = s.countGrants(ctx, c, d.QueueIDs); err != nil {
				return err
			}
		}
		if dry.same {
			view.Settling = false
			return c.Commit(ctx, call.Told(view, dry.Version))
		}
		return c.Provide(ctx, dry.stored(c, view).Answer(), dry.ops...)
	})
	switch {
	case err != nil:
		return call.Stored[DashboardWithGrants]{}, err
	case dry.same:
		return call.Stored[DashboardWithGrants]{Value: view, Version: dry.Version}, nil
	}
	settled, err := s.settleQueues(ctx, c, dry.changed...)
	if err != nil {
		return call.Stored[DashboardWithGrants]{}, err
	}
	view.Settling = !settled
	if view.Grants, err = s.countGrants(ctx, c, d.QueueIDs); err != nil {
		return call.Stored[DashboardWithGrants]{}, err
	}
	out := dry.stored(c, view)
	if c.Repeatable() {
		err = c.Commit(ctx, out.Answer())
	}
	return out, err
}

// DeleteDashboard removes a dashboard; queues that were on no other are monitored no more.
func (s *Service) DeleteDashboard(ctx context.Context, c *call.Call, id string) error {
	var dry *DashboardDryRun
	err := call.Decide(ctx, func(ctx context.Context) (err error) {
		if dry, err = s.dryRunDashboard(ctx, c, id, nil, nil); err != nil {
			return err
		}
		return c.Commit(ctx, call.Gone(), dry.ops...)
	})
	if err != nil {
		return err
	}
	_, err = s.settleQueues(ctx, c, dry.changed...)
	return err
}

// dryRunDashboard decides what putting the dashboard does, or deleting it when d is nil; each queue
// that comes or goes is told in the same commit which dashboards show it. sent is the list of
// queues as the caller wrote it, by which faults are named.
func (s *Service) dryRunDashboard(
	ctx context.Context,
	c *call.Call,
	id string,
	d *Dashboard,
	sent []string,
) (*DashboardDryRun, error) {
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
	dry := &DashboardDryRun{Version: item.Version, Made: !exists}
	if exists {
		if dry.Before, err = call.Decode[Dashboard](item); err != nil {
			return nil, err
		}
	}
	if d != nil {
		if fault = CheckDashboard(*d, dry.Before); fault != nil && len(d.QueueIDs) > MaxQueues {
			return nil, fault
		}
		dry.After = *d
		if exists && d.Name == dry.Before.Name && slices.Equal(d.QueueIDs, unique(dry.Before.QueueIDs)) {
			dry.same = true
			return dry, nil
		}
	}
	shown := showing{
		dashboard: id,
		come:      without(dry.After.QueueIDs, dry.Before.QueueIDs),
		gone:      without(dry.Before.QueueIDs, dry.After.QueueIDs),
		sent:      sent,
	}
	dry.changed = slices.Concat(shown.come, shown.gone)
	if err := checkMoves(dry.changed); err != nil {
		return nil, problem.Together(fault, err)
	}
	dry.ops, err = s.showOn(ctx, c, shown)
	if err := problem.Together(fault, err); err != nil {
		return nil, err
	}
	if d == nil {
		return dry, dry.remove(c)
	}
	return dry, dry.put(c)
}

// remove adds what deletes the dashboard and keeps its name for reports.
func (dry *DashboardDryRun) remove(c *call.Call) error {
	keep, err := remember(c, goneDashboard, dry.Before.ID, Gone{Name: dry.Before.Name})
	if err != nil {
		return err
	}
	audit, err := c.Audit(call.AuditEntry{
		Action: "dashboard.deleted", Subject: "dashboard", SubjectID: dry.Before.ID, Before: dry.Before,
	})
	if err != nil {
		return err
	}
	key := dashboardKey(c.Account, dry.Before.ID)
	dry.ops = append(dry.ops, keep, table.Delete(key, table.IfVersion(dry.Version)), audit)
	return nil
}

// put adds what makes the dashboard, or replaces it.
func (dry *DashboardDryRun) put(c *call.Call) error {
	item, err := dashboardItem(c, dry.After)
	if err != nil {
		return err
	}
	change := call.AuditEntry{
		Action: "dashboard.put", Subject: "dashboard", SubjectID: dry.After.ID, After: dry.After,
	}
	if !dry.Made {
		change.Before = dry.Before
	}
	audit, err := c.Audit(change)
	if err != nil {
		return err
	}
	dry.ops = append(dry.ops, c.Put(item, !dry.Made, dry.Version), audit)
	if dry.Made {
		dry.ops = append(dry.ops, call.Counts(c.Account))
	}
	return nil
}

// showing is which queues come to a dashboard and which go. sent is its list as the caller wrote it,
// in which a queue that is not there is named.
type showing struct {
	dashboard        string
	come, gone, sent []string
}

// showOn writes on queues that they came to, or went from, a dashboard. A queue must exist to come.
func (s *Service) showOn(ctx context.Context, c *call.Call, shown showing) ([]table.Operation, error) {
	var ops []table.Operation
	missing, full := map[string]bool{}, map[string]bool{}
	come := slices.DeleteFunc(slices.Clone(shown.come), func(queue string) bool {
		missing[queue] = !auth.ValidID(queue) // it is no call queue, and may not fit the table's keys
		return missing[queue]
	})
	keys := make([]table.Key, 0, len(come)+len(shown.gone))
	for _, queue := range slices.Concat(come, shown.gone) {
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
			full[head.ID] = len(head.Dashboards) >= maxShown
			head.Dashboards = unique(append(head.Dashboards, shown.dashboard))
			head.Shown.open(shown.dashboard, c.At)
		} else {
			head.Dashboards = without(head.Dashboards, []string{shown.dashboard})
			head.Shown.closeSpan(shown.dashboard, c.At)
		}
		head.ChangedAt = c.At
		put, err := headOperation(c, head, &loadedQueue{version: item.Version, exists: true})
		if err != nil {
			return nil, err
		}
		ops = append(ops, put, marker(c, queueMarkers, head.ID))
	}
	crowded := problem.Culprits(
		"queueIds", problem.TooMany, shown.sent,
		func(i int) bool { return full[shown.sent[i]] },
		fmt.Sprintf("is on %d dashboards, which is the most", maxShown),
	)
	var most error
	if len(crowded) > 0 {
		most = problem.Validation(crowded...)
	}
	return ops, problem.Together(
		strangers("queueIds", "call queue", shown.sent, func(i int) bool { return missing[shown.sent[i]] }),
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
	all := named{partition: dashboardsPartition(c.Account), name: func(item table.Item) (string, error) {
		d, err := call.Decode[Dashboard](item)
		return d.Name, err
	}}
	items, next, err := s.byID(ctx, all, q, after, limit)
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

// DashboardsNamed lists the dashboards of some ids, by id and without counts; one that is not there
// is left out. The position is the last id of the page before.
func (s *Service) DashboardsNamed(
	ctx context.Context, c *call.Call, ids []string, after string, limit int,
) ([]Dashboard, string, error) {
	ids, next := pageOfIDs(ids, auth.ValidID, after, limit)
	keys := make([]table.Key, len(ids))
	for i, id := range ids {
		keys[i] = dashboardKey(c.Account, id)
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, "", err
	}
	dashboards := make([]Dashboard, 0, len(ids))
	for _, key := range keys {
		item, there := found[key]
		if !there {
			continue
		}
		d, err := call.Decode[Dashboard](item)
		if err != nil {
			return nil, "", err
		}
		dashboards = append(dashboards, d)
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
