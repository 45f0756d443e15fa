package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/wallboard"
)

// pending is a kind of work that changes leave behind: its markers, and how the work of a subject is
// done.
type pending struct {
	markers call.Markers
	work    func(context.Context, *call.Call, string) error
}

func (p pending) kind() string { return strings.ToLower(p.markers.Kind()) }

// resume does the work of markers and deletes them, one after the other: the markers of one account and
// subject, or of one account when subject is empty. One that fails never stops the others; the errors
// come together. A request calls it, and leaves to maintenance what its own time does not suffice for.
//
// A marker that is written while the work runs is another item, so it is never deleted unseen.
func (s *Service) resume(ctx context.Context, p pending, account, subject string) error {
	prefix := ""
	if subject != "" {
		prefix = subject + "#"
	}
	found, err := gathered(func(visit func(call.Marker) error) error {
		return p.markers.Of(ctx, s.env.Table, account, prefix, visit)
	})
	if err != nil {
		return err
	}
	var failures []error
	for _, m := range found {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(failures, err)...)
		}
		failures = append(failures, s.carryOut(ctx, p, m))
	}
	return errors.Join(failures...)
}

// takeTurns is resume by maintenance (call.InTurn): of one account, or of all if it is empty.
func (s *Service) takeTurns(ctx context.Context, p pending, account string) error {
	found, err := gathered(func(visit func(call.Marker) error) error {
		return p.markers.Each(ctx, s.env.Table, account, visit)
	})
	if err != nil {
		return err
	}
	pieces := make([]call.Piece, len(found))
	for i, m := range found {
		pieces[i] = call.Piece{
			Account: m.account, Marker: p.kind() + " " + m.subject,
			Work: func(ctx context.Context) error { return s.carryOut(ctx, p, m) },
		}
	}
	return call.InTurn(ctx, s.env, pieces)
}

// carryOut does the work of one subject's markers, and deletes them.
func (s *Service) carryOut(ctx context.Context, p pending, m *markers) error {
	if m.unreadable != nil {
		return m.unreadable
	}
	c := call.ForEvent(s.env, m.account, "directory", p.kind()+":"+m.subject, s.env.Clock()).Because(m.cause)
	if err := p.work(ctx, c, m.subject); err != nil {
		return err
	}
	return s.unmark(ctx, m)
}

// markers are those of one subject of an account.
type markers struct {
	account, subject string
	keys             []table.Key
	// cause is that of the newest marker: what is done is what the last change wanted.
	cause      call.Cause
	unreadable error
}

// gathered are the markers that are read, in the order of their subjects.
func gathered(each func(visit func(call.Marker) error) error) ([]*markers, error) {
	type of struct{ account, subject string }
	known := map[of]*markers{}
	var order []*markers
	err := each(func(one call.Marker) error {
		subject, _, _ := strings.Cut(one.ID, "#")
		m := known[of{one.Account, subject}]
		if m == nil {
			m = &markers{account: one.Account, subject: subject}
			known[of{one.Account, subject}], order = m, append(order, m)
		}
		m.keys = append(m.keys, one.Item.Key)
		var err error
		if m.cause, err = call.Decode[call.Cause](one.Item); err != nil {
			m.unreadable = err
		}
		return nil
	})
	return order, err
}

// unmark deletes markers whose work is done.
func (s *Service) unmark(ctx context.Context, m *markers) error {
	var failures []error
	for chunk := range slices.Chunk(m.keys, table.MaxOperations) {
		ops := make([]table.Operation, len(chunk))
		for i, key := range chunk {
			ops[i] = table.Delete(key, table.Always)
		}
		if err := s.env.Table.Commit(ctx, ops); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// soon does, before the answer to the change that left it, the work of markers; done is false when
// the time did not suffice and the maintenance function goes on. The change itself is committed
// already, so running out of time is no error.
func (s *Service) soon(ctx context.Context, c *call.Call, work func(context.Context) error) (done bool, err error) {
	limited, cancel := call.InTime(ctx)
	defer cancel()
	if err = work(limited); err == nil {
		return true, nil
	}
	if limited.Err() != nil && ctx.Err() == nil {
		s.env.Log.InfoContext(ctx, "the rest of a change is left to maintenance",
			slog.String("account", c.Account), slog.Any("error", err))
		return false, nil
	}
	return false, err
}

// hopeless is how many users may fail one after the other before it is not they who are at fault,
// and the rest waits for the next run.
const hopeless = 24

// oneByOne does the same for many users, so that one who fails never stops the others
// (requirements, section 6).
type oneByOne struct {
	failures []error
	inARow   int
}

// do does it for size users at a time and, where that fails, for each of these alone. It returns an
// error only when going on makes no sense: the time is over, the state that the work was decided on
// has changed, or everybody fails.
func (o *oneByOne) do(
	ctx context.Context,
	users []string,
	size int,
	once func(ctx context.Context, users []string) error,
) error {
	for batch := range slices.Chunk(users, size) {
		err := once(ctx, batch)
		if err == nil {
			o.inARow = 0
			continue
		}
		for _, user := range batch {
			if _, changed := table.Refused(err); changed || ctx.Err() != nil || o.inARow >= hopeless {
				return err
			}
			if err = once(ctx, []string{user}); err == nil {
				o.inARow = 0
				continue
			}
			if _, changed := table.Refused(err); changed {
				return err
			}
			o.inARow++
			o.failures = append(o.failures, fmt.Errorf("user %s: %w", user, err))
		}
	}
	return nil
}

// failed are the failures of single users together, nil if there were none.
func (o *oneByOne) failed() error { return errors.Join(o.failures...) }

// Resume finishes whatever changes of the directory left undone, in one account, or in all if it is
// empty.
func (s *Service) Resume(ctx context.Context, account string) error {
	kinds := []pending{s.ofQueues(), s.ofRoles(), s.ofUsers()}
	var failures []error
	for i, kind := range kinds {
		limited, cancel := call.Share(ctx, len(kinds)-i)
		failures = append(failures, s.takeTurns(limited, kind, account))
		cancel()
	}
	return errors.Join(failures...)
}

// Marked visits the accounts in which changes of the directory left something undone.
func Marked(ctx context.Context, store table.Store, visit func(account string)) error {
	var failures []error
	for _, kind := range []call.Markers{queueMarkers, roleMarkers, userMarkers} {
		failures = append(failures, kind.Accounts(ctx, store, visit))
	}
	return errors.Join(failures...)
}

// ResumeUsers makes the queue grants of one user, or of every marked one of the account, agree with the
// user's memberships: those of somebody who came back, or the memberships of somebody who was deleted.
// It deletes the items of wallboards that ended with the user's going.
func (s *Service) ResumeUsers(ctx context.Context, account, user string) error {
	return s.resume(ctx, s.ofUsers(), account, user)
}

func (s *Service) ofUsers() pending { return pending{userMarkers, s.settleUser} }

// settleUser is ResumeUsers for one user.
func (s *Service) settleUser(ctx context.Context, c *call.Call, user string) error {
	_, exists, err := table.Get(ctx, s.env.Table, access.UserKey(c.Account, user))
	if err != nil {
		return err
	}
	var failures []error
	if err := wallboard.Sweep(ctx, c, user); err != nil {
		failures = append(failures, fmt.Errorf("user %s: wallboards: %w", user, err))
	}
	query := table.Query{Partition: memberOfPartition(c.Account, user)}
	err = table.All(ctx, s.env.Table, query, func(item table.Item) error {
		err := s.followUser(ctx, c, item.Sort, user, exists)
		if err != nil && ctx.Err() == nil {
			failures = append(failures, fmt.Errorf("user %s: queue %s: %w", user, item.Sort, err))
			err = nil
		}
		return err
	})
	return errors.Join(append(failures, err)...)
}

// followUser makes one queue agree with a user who came back, or who was deleted.
func (s *Service) followUser(ctx context.Context, c *call.Call, queue, user string, exists bool) error {
	if !exists {
		return s.leaveQueue(ctx, c, queue, user)
	}
	return call.Decide(ctx, func(ctx context.Context) error {
		q, err := s.loadQueue(ctx, c, queue)
		if err != nil {
			return err
		}
		member := map[string]bool{user: q.exists && slices.Contains(q.members, user)}
		return s.settleMembers(ctx, &settlement{c: c, queue: q, member: member, at: c.At}, []string{user})
	})
}

// leaveQueue takes a deleted user off a queue's members, unless somebody with the same id has come
// meanwhile.
func (s *Service) leaveQueue(ctx context.Context, c *call.Call, queue, user string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		old, err := s.loadQueue(ctx, c, queue)
		if err != nil {
			return err
		}
		drop := table.Delete(memberOfKey(c.Account, user, queue), table.Always)
		absent := table.Check(access.UserKey(c.Account, user), table.IfAbsent)
		ops := []table.Operation{drop, absent}
		if old.exists && slices.Contains(old.members, user) {
			now := *old
			now.members = without(old.members, []string{user})
			more, err := queueOperations(c, old, &now)
			if err != nil {
				return err
			}
			ops = append(ops, more...)
		}
		err = s.env.Table.Commit(ctx, ops)
		if refused, ok := table.Refused(err); ok && refused.Has(absent.Item.Key) {
			return nil
		}
		return err
	})
}

// Viewer is what usage asks of a user before it takes in a view.
type Viewer struct {
	Exists, Active, MayView bool
	// Unchanged demands, as part of a commit, that this is so at that moment: that the profile, and
	// the role by which the user may view, are as they were read.
	Unchanged []table.Operation
}

// Viewers tells for each user whether they may view dashboards, by the roles as they are now.
func (s *Service) Viewers(ctx context.Context, c *call.Call, users []string) (map[string]Viewer, error) {
	users = slices.DeleteFunc(unique(users), func(id string) bool { return id == "" })
	profiles := make(map[string]profile, len(users))
	versions := make(map[string]int64, len(users))
	wanted := map[string]bool{}
	for chunk := range slices.Chunk(users, table.MaxKeysPerLookup) {
		keys := make([]table.Key, len(chunk))
		for i, user := range chunk {
			keys[i] = access.UserKey(c.Account, user)
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, item := range found {
			p, err := call.Decode[profile](item)
			if err != nil {
				return nil, err
			}
			profiles[p.ID], versions[p.ID] = p, item.Version
			for _, role := range p.RoleIDs {
				if role != SuperAdmin {
					wanted[role] = true
				}
			}
		}
	}
	roles, roleVersions, err := s.roles(ctx, c, wanted)
	if err != nil {
		return nil, err
	}
	viewers := make(map[string]Viewer, len(users))
	for _, user := range users {
		p, exists := profiles[user]
		v := Viewer{Exists: exists, Active: p.Active, MayView: exists && mayView(p.RoleIDs, roles)}
		if exists {
			v.Unchanged = append(
				v.Unchanged, table.Check(access.UserKey(c.Account, user), table.IfVersion(versions[user])),
			)
		}
		i := slices.IndexFunc(p.RoleIDs, func(id string) bool { return mayView([]string{id}, roles) })
		if i >= 0 &&
			p.RoleIDs[i] != SuperAdmin {
			v.Unchanged = append(
				v.Unchanged,
				table.Check(access.RoleKey(c.Account, p.RoleIDs[i]), table.IfVersion(roleVersions[p.RoleIDs[i]])),
			)
		}
		viewers[user] = v
	}
	return viewers, nil
}

// roles reads roles and their versions; those that do not exist are left out.
func (s *Service) roles(
	ctx context.Context,
	c *call.Call,
	wanted map[string]bool,
) (map[string]Role, map[string]int64, error) {
	keys := make([]table.Key, 0, len(wanted))
	for id := range wanted {
		keys = append(keys, access.RoleKey(c.Account, id))
	}
	roles := make(map[string]Role, len(wanted))
	versions := make(map[string]int64, len(wanted))
	for chunk := range slices.Chunk(keys, table.MaxKeysPerLookup) {
		found, err := s.lookup(ctx, chunk)
		if err != nil {
			return nil, nil, err
		}
		for _, item := range found {
			r, err := call.Decode[Role](item)
			if err != nil {
				return nil, nil, err
			}
			roles[r.ID], versions[r.ID] = r, item.Version
		}
	}
	return roles, versions, nil
}

// Users reads users by id; those that do not exist are left out.
func (s *Service) Users(ctx context.Context, c *call.Call, ids []string) (map[string]User, error) {
	users := make(map[string]User, len(ids))
	for chunk := range slices.Chunk(unique(ids), table.MaxKeysPerLookup/2) {
		var keys []table.Key
		for _, id := range chunk {
			keys = append(keys, access.UserKey(c.Account, id), license.HolderKey(c.Account, id))
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, id := range chunk {
			item, ok := found[access.UserKey(c.Account, id)]
			if !ok {
				continue
			}
			if users[id], err = s.presentItem(c, item, found); err != nil {
				return nil, err
			}
		}
	}
	return users, nil
}

// QueueSummary is a call queue without its members.
type QueueSummary struct {
	ID, Name   string
	Dashboards []string
	// Shown tells when which dashboards showed it.
	Shown Spans
}

// Queues reads queues by id, without members; those that do not exist are left out.
func (s *Service) Queues(ctx context.Context, c *call.Call, ids []string) (map[string]QueueSummary, error) {
	queues := make(map[string]QueueSummary, len(ids))
	for chunk := range slices.Chunk(unique(ids), table.MaxKeysPerLookup) {
		keys := make([]table.Key, len(chunk))
		for i, id := range chunk {
			keys[i] = queueKey(c.Account, id)
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, item := range found {
			head, err := call.Decode[queueItem](item)
			if err != nil {
				return nil, err
			}
			if !head.Deleted {
				queues[head.ID] = QueueSummary{
					ID:         head.ID,
					Name:       head.Name,
					Dashboards: head.Dashboards,
					Shown:      head.Shown,
				}
			}
		}
	}
	return queues, nil
}

// DashboardNames reads the names of dashboards by id; those that do not exist are left out.
func (s *Service) DashboardNames(ctx context.Context, c *call.Call, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	for chunk := range slices.Chunk(unique(ids), table.MaxKeysPerLookup) {
		keys := make([]table.Key, len(chunk))
		for i, id := range chunk {
			keys[i] = dashboardKey(c.Account, id)
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, item := range found {
			d, err := call.Decode[Dashboard](item)
			if err != nil {
				return nil, err
			}
			names[d.ID] = d.Name
		}
	}
	return names, nil
}

// MonitoredUsers visits every user who is a member of a monitored queue or was one on the UTC day
// of since or later, whoever was one before. It reads an index, so a change of a moment ago may be
// missing.
func (s *Service) MonitoredUsers(
	ctx context.Context,
	c *call.Call,
	since time.Time,
	visit func(Monitored) error,
) error {
	return s.monitored(ctx, table.Query{
		Index:     table.Index1,
		Partition: monitoredUntil(c.Account),
		From:      since.UTC().Format(time.DateOnly),
	}, visit)
}

// MonitoredChanges visits every user who became, or ceased to be, a member of a monitored queue at since or later,
// by the clock of whoever wrote it. It reads an index, so a change of a moment ago may be missing.
func (s *Service) MonitoredChanges(
	ctx context.Context,
	c *call.Call,
	since time.Time,
	visit func(Monitored) error,
) error {
	return s.monitored(ctx, table.Query{
		Index:     table.Index2,
		Partition: monitoredChanged(c.Account),
		From:      call.AuditMoment(since),
	}, visit)
}

func (s *Service) monitored(ctx context.Context, query table.Query, visit func(Monitored) error) error {
	return table.All(ctx, s.env.Table, query, func(item table.Item) error {
		m, err := call.Decode[Monitored](item)
		if err != nil {
			return err
		}
		return visit(m)
	})
}

// DashboardsOf is the chain from a queue to the dashboards that show it, for the kernel's Why.
func (s *Service) DashboardsOf(ctx context.Context, c *call.Call, queue string) ([]string, error) {
	queues, err := s.Queues(ctx, c, []string{queue})
	if err != nil {
		return nil, err
	}
	return queues[queue].Dashboards, nil
}

// EachUser visits every user of the account by id; mass configuration resolves names with it
// (requirements, section 5).
func (s *Service) EachUser(
	ctx context.Context,
	c *call.Call,
	visit func(id, name, email string, active bool) error,
) error {
	return table.All(ctx, s.env.Table, table.Query{
		Partition: access.UsersPartition(c.Account),
	}, func(item table.Item) error {
		p, err := call.Decode[struct { // of the profile; a mass configuration reads 100,000
			Name   string `json:"name"`
			Email  string `json:"email"`
			Active bool   `json:"active"`
		}](item)
		if err != nil {
			return err
		}
		return visit(item.Sort, p.Name, p.Email, p.Active)
	})
}
