package directory

import (
	"context"
	"errors"
	"slices"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// A dry run is what a PUT would do, decided by the very rules of the PUT on the state as it was read,
// and not committed. The PUT itself commits its operations. An import asks for dry runs to check a
// file, and commits the operations of one together with its own. What a commit leaves behind a
// marker is done by Resume.

// UserDryRun is a dry run of PutUser.
type UserDryRun struct {
	// Before is the user as they were read, the zero User when Made; After is what they would be.
	Before, After User
	// Version is that of the user as they were read; 0 when Made.
	Version int64
	Made    bool
	// Took are the users who lose an extension or a number.
	Took []string

	ch  *license.UnitOfWork
	ops []table.Operation
	// changes is false when the user is as the dry run has them already, and nothing is to be
	// written; ended says that their wallboards end.
	changes, ended bool
}

// Yields says whether a user gives up their extension or number by themselves, and as which version
// they must be found for that; 0 takes any.
type Yields func(user string) (version int64, ok bool)

// Operations are those of the dry run, for a commit with this many more.
//
// Errors: ErrTooMuch when they do not fit into one.
func (d *UserDryRun) Operations(more int) ([]table.Operation, error) {
	switch fits, err := d.ch.Fits(len(d.ops) + more); {
	case err != nil:
		return nil, err
	case !fits:
		return nil, ErrTooMuch
	}
	ops, err := d.ch.Operations()
	return append(ops, d.ops...), err
}

// Moves says whether the dry run changes anything that the kernel keeps: licenses, grants, extension
// and number.
func (d *UserDryRun) Moves() (bool, error) {
	ops, err := d.ch.Operations()
	return slices.ContainsFunc(ops, func(op table.Operation) bool { return op.Kind != table.KindCheck }), err
}

// Committed does what follows the commit of the dry run's operations: seats that came back go to who
// waits.
func (d *UserDryRun) Committed(ctx context.Context) { d.ch.Committed(ctx) }

// take takes the extension and the number that a user wants from those who yield them.
func (d *UserDryRun) take(ctx context.Context, c *call.Call, u User, yields Yields) error {
	if _, err := d.ch.Load(
		ctx,
		license.Need{Extensions: []string{u.Extension}, Numbers: []string{u.Number}},
	); err != nil {
		return err
	}
	if owner := d.ch.Extension(u.Extension).UserID; owner != "" && owner != u.ID {
		if err := d.takeFrom(ctx, c, owner, "", yields); err != nil {
			return err
		}
	}
	extension := d.ch.NumberOwner(u.Number)
	if extension == "" || extension == u.Extension {
		return nil
	}
	if _, err := d.ch.Load(ctx, license.Need{Extensions: []string{extension}}); err != nil {
		return err
	}
	if owner := d.ch.Extension(extension).UserID; owner != "" && owner != u.ID {
		return d.takeFrom(ctx, c, owner, extension, yields)
	}
	return nil
}

// takeFrom takes the number from a user who yields it and keeps the extension; and the extension
// too if it is empty.
func (d *UserDryRun) takeFrom(ctx context.Context, c *call.Call, owner, extension string, yields Yields) error {
	version, ok := yields(owner)
	if !ok {
		return nil
	}
	profile := access.UserKey(c.Account, owner)
	found, err := d.ch.Load(ctx, license.Need{Users: []string{owner}, Also: []table.Key{profile}})
	if err != nil {
		return err
	}
	if version != 0 && found[profile].Version != version {
		return nil
	}
	if !slices.Contains(d.Took, owner) {
		d.Took = append(d.Took, owner)
		if version != 0 {
			d.ops = append(d.ops, table.Check(profile, table.IfVersion(version)))
		}
	}
	return d.ch.Extend(ctx, owner, extension, "")
}

// QueueDryRun is a dry run of PutQueue.
type QueueDryRun struct {
	// Before is the queue as it was read, with its members, and the zero Queue when Made; After is
	// what it would be.
	Before, After Queue
	// Version is that of the entity tag of the queue as it was read.
	Version int64
	Made    bool

	c        *call.Call
	old, now *loadedQueue
}

// DryRunQueue decides what PutQueue would do, but for members who are no users: CheckMembers looks
// for them.
//
// Errors: validation, precondition-failed.
func (s *Service) DryRunQueue(
	ctx context.Context,
	c *call.Call,
	id, name string,
	members []string,
) (*QueueDryRun, error) {
	members = unique(members)
	old, err := s.loadQueue(ctx, c, id)
	if err != nil {
		return nil, err
	}
	alive := old.exists && !old.Deleted
	if err := c.Matches(alive, old.revision()); err != nil {
		return nil, err
	}
	d := &QueueDryRun{Version: old.revision(), Made: !alive, c: c, old: old}
	if alive {
		d.Before = old.view()
	}
	if err := CheckQueue(name, members, d.Before); err != nil {
		return nil, err
	}
	if alive && d.Before.Name == name && slices.Equal(d.Before.Members, members) {
		d.After = d.Before
		return d, nil
	}
	now := &loadedQueue{
		queueItem: queueItem{
			ID:         id,
			Name:       name,
			Dashboards: old.Dashboards,
			Shown:      old.Shown,
			ChangedAt:  c.At,
			Settled:    old.Settled,
		},
		members: members,
	}
	if !old.exists {
		past, err := s.GoneQueues(ctx, c, []string{id})
		if err != nil {
			return nil, err
		}
		now.Shown = past[id].Shown
	}
	now.leaving = without(unique(append(slices.Clone(old.leaving), old.members...)), members)
	if listBytes(members)+listBytes(now.leaving) > maxLists {
		return nil, errStillLeaving
	}
	d.After, d.now = now.view(), now
	return d, nil
}

// Changes says whether the dry run changes anything; if not, it has no operations.
func (d *QueueDryRun) Changes() bool { return d.now != nil }

// next is the version of the entity tag when the dry run is committed.
func (d *QueueDryRun) next() int64 {
	if !d.Changes() {
		return d.Version
	}
	return d.c.NextVersion(d.old.exists, d.Version)
}

// stored is the queue, shown so, as the dry run's commit leaves it.
func (d *QueueDryRun) stored(view Queue) call.Stored[Queue] {
	return call.Stored[Queue]{Value: view, Version: d.next(), Created: d.Made}
}

// Operations are those of the dry run.
func (d *QueueDryRun) Operations() ([]table.Operation, error) {
	if !d.Changes() {
		return nil, nil
	}
	ops, err := queueOperations(d.c, d.old, d.now)
	if err != nil {
		return nil, err
	}
	change := call.AuditEntry{Action: "queue.put", Subject: "queue", SubjectID: d.now.ID, After: queueAudit(d.now)}
	if !d.Made {
		change.Before = queueAudit(d.old)
	}
	audit, err := d.c.Audit(change)
	if err != nil {
		return nil, err
	}
	return append(ops, audit, marker(d.c, queueMarkers, d.now.ID)), nil
}

// DashboardDryRun is a dry run of PutDashboard.
type DashboardDryRun struct {
	// Before is the dashboard as it was read, the zero Dashboard when Made; After is what it would
	// be.
	Before, After Dashboard
	// Version is that of the dashboard as it was read; 0 when Made.
	Version int64
	Made    bool

	changed []string // queues that come or go
	ops     []table.Operation
	same    bool // nothing changes; there are no operations then
}

// stored is the dashboard, shown so, as the dry run's commit leaves it.
func (d *DashboardDryRun) stored(c *call.Call, view DashboardWithGrants) call.Stored[DashboardWithGrants] {
	version := c.NextVersion(!d.Made, d.Version)
	return call.Stored[DashboardWithGrants]{Value: view, Version: version, Created: d.Made}
}

// DryRunDashboard decides what PutDashboard would do.
//
// Errors: those of PutDashboard.
func (s *Service) DryRunDashboard(ctx context.Context, c *call.Call, d Dashboard) (*DashboardDryRun, error) {
	sent := d.QueueIDs
	d.QueueIDs = unique(sent)
	return s.dryRunDashboard(ctx, c, d.ID, &d, sent)
}

// Operations are those of the dry run.
func (d *DashboardDryRun) Operations() []table.Operation { return d.ops }

// EachQueue visits every call queue of the account by id.
func (s *Service) EachQueue(ctx context.Context, c *call.Call, visit func(id, name string)) error {
	return table.All(ctx, s.env.Table, table.Query{Partition: queuesPartition(c.Account)}, func(item table.Item) error {
		head, err := call.Decode[queueItem](item)
		if err == nil && !head.Deleted {
			visit(head.ID, head.Name)
		}
		return err
	})
}

// EachRole visits every role of the account, super-admin too.
func (s *Service) EachRole(ctx context.Context, c *call.Call, visit func(id, name string)) error {
	admin := superAdmin()
	visit(admin.ID, admin.Name)
	return table.All(ctx, s.env.Table, table.Query{
		Partition: access.RolesPartition(c.Account),
	}, func(item table.Item) error {
		r, err := call.Decode[Role](item)
		if err == nil && r.ID != SuperAdmin {
			visit(r.ID, r.Name)
		}
		return err
	})
}

// EachCostCenter visits every cost center of the account, by its code.
func (s *Service) EachCostCenter(ctx context.Context, c *call.Call, visit func(code, name string)) error {
	return table.All(ctx, s.env.Table, table.Query{
		Partition: license.CostCenterKey(c.Account, "").Partition,
	}, func(item table.Item) error {
		center, err := call.Decode[struct{ Code, Name string }](item)
		if err == nil {
			visit(center.Code, center.Name)
		}
		return err
	})
}

// Settle does what changes of an account's users, queues and dashboards left behind markers, as far
// as the time allows; what is not done by then, or fails, is done by the maintenance function.
func (s *Service) Settle(ctx context.Context, c *call.Call) error {
	_, err := s.soon(ctx, c, func(ctx context.Context) error {
		return errors.Join(s.ResumeQueues(ctx, c.Account, ""), s.ResumeUsers(ctx, c.Account, ""))
	})
	return err
}
