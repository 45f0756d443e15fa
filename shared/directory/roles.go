package directory

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// superAdmin has every permission that a role can carry (requirements, section 9).
func superAdmin() Role {
	return Role{ID: SuperAdmin, Name: "Super Admin", Permissions: carried(), Licenses: []string{}}
}

// carried are the permissions that a role can carry, sorted.
func carried() []string {
	var names []string
	for _, p := range access.Carried().List() {
		names = append(names, string(p))
	}
	slices.Sort(names)
	return names
}

func (r Role) same(other Role) bool {
	return r.Name == other.Name && slices.Equal(r.Permissions, other.Permissions) &&
		slices.Equal(r.Licenses, other.Licenses)
}

// PutRole makes or replaces a role; its users follow in the same call as far as time allows, else
// by the maintenance function. A role that is so already is not written, super-admin among them.
//
// Errors: validation; wrong-state for another super-admin than it is; precondition-failed.
func (s *Service) PutRole(ctx context.Context, c *call.Call, r Role) (call.Stored[Role], error) {
	sent := r
	r.Permissions, r.Licenses = unique(r.Permissions), unique(r.Licenses)
	if r.ID == SuperAdmin {
		if err := c.MatchesTag(call.Tag(0)); err != nil {
			return call.Stored[Role]{}, err
		}
		if !r.same(superAdmin()) {
			return call.Stored[Role]{}, problem.New(
				problem.WrongState,
				"The role super-admin belongs to every account and cannot be changed.",
			)
		}
		if err := c.Begin(ctx); err != nil {
			return call.Stored[Role]{}, err
		}
		out := call.Stored[Role]{Value: r}
		return out, c.Commit(ctx, out.Answer())
	}
	var d *roleDryRun
	err := call.Decide(ctx, func(ctx context.Context) (err error) {
		d, err = s.writeRole(ctx, c, r.ID, &r, sent)
		return err
	})
	if err != nil {
		return call.Stored[Role]{}, err
	}
	if !d.made && d.changes {
		_, err = s.soon(ctx, c, func(ctx context.Context) error { return s.ResumeRoles(ctx, c.Account, r.ID) })
	}
	return call.Stored[Role]{Value: r, Version: d.version, Created: d.made}, err
}

// DeleteRole removes a role that nobody has any more. Who is given it in the very moment loses it
// again.
//
// Errors: not-found; wrong-state while users have it, or for super-admin.
func (s *Service) DeleteRole(ctx context.Context, c *call.Call, id string) error {
	if id == SuperAdmin {
		return problem.New(problem.WrongState, "The role super-admin belongs to every account and cannot be deleted.")
	}
	page, err := s.env.Table.Query(ctx, table.Query{Partition: roleUsersPartition(c.Account, id), Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Items) > 0 {
		return problem.New(problem.WrongState, "Users have this role; take it from them first.")
	}
	if err := call.Decide(ctx, func(ctx context.Context) error {
		_, err := s.writeRole(ctx, c, id, nil, Role{})
		return err
	}); err != nil {
		return err
	}
	_, err = s.soon(ctx, c, func(ctx context.Context) error { return s.ResumeRoles(ctx, c.Account, id) })
	return err
}

// roleDryRun is what writeRole did.
type roleDryRun struct {
	made, changes bool
	version       int64
}

// writeRole puts the role, or deletes it when r is nil, with its marker and audit record.
func (s *Service) writeRole(ctx context.Context, c *call.Call, id string, r *Role, sent Role) (*roleDryRun, error) {
	key := access.RoleKey(c.Account, id)
	item, exists, err := c.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if !exists && r == nil {
		return nil, problem.Missing("role")
	}
	if err := c.Matches(exists, item.Version); err != nil {
		return nil, err
	}
	d := &roleDryRun{made: !exists, version: item.Version}
	change := call.AuditEntry{Action: "role.put", Subject: "role", SubjectID: id}
	var before Role
	if exists {
		if before, err = call.Decode[Role](item); err != nil {
			return nil, err
		}
		change.Before = before
	}
	var permissions []string
	if r != nil {
		permissions = r.Permissions
	}
	moved := append(without(permissions, before.Permissions), without(before.Permissions, permissions)...)
	if err := within(ctx, "permissions", moved); err != nil {
		return nil, err
	}
	op := table.Delete(key, table.IfVersion(item.Version))
	ops, answer := []table.Operation{marker(c, roleMarkers, id)}, call.Gone()
	if r == nil {
		change.Action = "role.deleted"
	} else {
		if err := checkRole(sent, before, carried(), s.products); err != nil {
			return nil, err
		}
		if exists && before.same(*r) {
			return d, c.Commit(ctx, call.Told(*r, item.Version))
		}
		change.After = *r
		data, err := call.Encode(*r)
		if err != nil {
			return nil, err
		}
		op = c.Put(table.Item{Key: key, Data: data}, exists, item.Version)
		d.version = op.Item.Version
		answer = call.Stored[Role]{Value: *r, Version: d.version, Created: d.made}.Answer()
		if len(r.Licenses) > 0 {
			ops = append(ops, call.Counts(c.Account))
		}
	}
	audit, err := c.Audit(change)
	if err != nil {
		return nil, err
	}
	d.changes = true
	return d, c.Commit(ctx, answer, append(ops, op, audit)...)
}

// GetRole reads a role and its version; super-admin is always there, at version 0.
func (s *Service) GetRole(ctx context.Context, c *call.Call, id string) (Role, int64, error) {
	if id == SuperAdmin {
		return superAdmin(), 0, nil
	}
	item, ok, err := c.Get(ctx, access.RoleKey(c.Account, id))
	if err != nil {
		return Role{}, 0, err
	}
	if !ok {
		return Role{}, 0, problem.Missing("role")
	}
	r, err := call.Decode[Role](item)
	return r, item.Version, err
}

// ListRoles lists the account's roles by id, super-admin among them. The position is the last id of
// the page before.
func (s *Service) ListRoles(ctx context.Context, c *call.Call, after string, limit int) ([]Role, string, error) {
	query := table.Query{Partition: access.RolesPartition(c.Account), Limit: limit}
	if after != "" {
		query.From = after + "\x00"
	}
	page, err := s.env.Table.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	roles := make([]Role, 0, len(page.Items)+1)
	for _, item := range page.Items {
		r, err := call.Decode[Role](item)
		if err != nil {
			return nil, "", err
		}
		roles = append(roles, r)
	}
	more := page.Next != ""
	if after < SuperAdmin && (!more || len(roles) > 0 && SuperAdmin < roles[len(roles)-1].ID) {
		roles = append(roles, superAdmin())
		slices.SortFunc(roles, func(a, b Role) int { return strings.Compare(a.ID, b.ID) })
		if len(roles) > limit {
			roles, more = roles[:limit], true
		}
	}
	if !more {
		return roles, "", nil
	}
	return roles, roles[len(roles)-1].ID, nil
}

// ResumeRoles carries changed roles to their users: those of one account and role, or every one
// that is marked when role is empty.
func (s *Service) ResumeRoles(ctx context.Context, account, role string) error {
	return s.resume(ctx, s.ofRoles(), account, role)
}

func (s *Service) ofRoles() pending { return pending{roleMarkers, s.carryRole} }

// carryRole is ResumeRoles for one role.
func (s *Service) carryRole(ctx context.Context, c *call.Call, role string) error {
	var each oneByOne
	query := table.Query{Partition: roleUsersPartition(c.Account, role), Limit: table.MaxPage}
	for {
		page, err := s.env.Table.Query(ctx, query)
		if err != nil {
			return err
		}
		users := make([]string, len(page.Items))
		for i, item := range page.Items {
			users[i] = item.Sort
		}
		err = each.do(
			ctx,
			users,
			roleBatch,
			func(ctx context.Context, users []string) error { return s.refreshRoles(ctx, c, users) },
		)
		if err != nil {
			return err
		}
		if query.After = page.Next; page.Next == "" {
			return each.failed()
		}
	}
}

// roleBatch is how many users of a role are looked at in one commit: with few products to a role
// they fit, and with many they are taken one by one.
const roleBatch = 6

// refreshRoles makes users' grants agree with their roles as they are now, and takes from them
// roles that were deleted, in one commit.
func (s *Service) refreshRoles(ctx context.Context, c *call.Call, users []string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		ch := s.kernel.Change(c)
		need := license.Need{Users: users}
		for _, user := range users {
			need.Also = append(need.Also, access.UserKey(c.Account, user))
		}
		found, err := ch.Load(ctx, need)
		if err != nil {
			return err
		}
		profiles := make(map[string]profile, len(users))
		wanted := map[string]bool{}
		for _, user := range users {
			item, ok := found[access.UserKey(c.Account, user)]
			if !ok {
				continue
			}
			p, err := call.Decode[profile](item)
			if err != nil {
				return err
			}
			profiles[user] = p
			for _, id := range p.RoleIDs {
				wanted[id] = id != SuperAdmin
			}
		}
		delete(wanted, SuperAdmin)
		roles, versions, err := s.roles(ctx, c, wanted)
		if err != nil {
			return err
		}
		var ops []table.Operation
		for _, id := range slices.Sorted(maps.Keys(wanted)) {
			// A role that changes while its users are looked at must not be applied as it was.
			cond := table.IfAbsent
			if version, ok := versions[id]; ok {
				cond = table.IfVersion(version)
			}
			ops = append(ops, table.Check(access.RoleKey(c.Account, id), cond))
		}
		for _, user := range users {
			p, ok := profiles[user]
			if !ok {
				continue
			}
			is := &loadedUser{item: found[access.UserKey(c.Account, user)], exists: true, before: p}
			more, err := s.refreshUser(ctx, c, ch, is, roles)
			if err != nil {
				return err
			}
			ops = append(ops, more...)
		}
		return s.commitQuietly(ctx, ch, ops)
	})
}

// refreshUser is refreshRoles of one user, with what they have of all roles read.
func (s *Service) refreshUser(
	ctx context.Context, c *call.Call, ch *license.UnitOfWork, l *loadedUser, roles map[string]Role,
) ([]table.Operation, error) {
	own := make(map[string]Role, len(l.before.RoleIDs))
	after := l.before
	after.RoleIDs = nil
	for _, id := range l.before.RoleIDs {
		role, ok := roles[id]
		if id == SuperAdmin {
			role, ok = superAdmin(), true
		}
		if ok {
			own[id] = role
			after.RoleIDs = append(after.RoleIDs, id)
		}
	}
	ops := []table.Operation{table.Check(l.item.Key, table.IfVersion(l.item.Version))}
	if len(after.RoleIDs) != len(l.before.RoleIDs) {
		after.ChangedAt = c.At
		var err error
		if ops, err = s.userOperations(c, l, after); err != nil {
			return nil, err
		}
	}
	// A product of the user's own that does not go with what the role carries keeps neither them
	// nor anybody else from the rest of it (requirements, sections 6 and 8).
	refused := func(product string, err error) error {
		if _, told := problem.From(err); !told {
			return err
		}
		s.env.Log.WarnContext(ctx, "a product of the user's own is not granted",
			slog.String("account", c.Account), slog.String("user", after.ID),
			slog.String("product", product), slog.Any("error", err))
		return nil
	}
	return ops, s.applyRoles(ctx, ch, entitlement{user: after, roles: own, refused: refused})
}

// commitQuietly commits a change with its checks, or nothing when there is nothing to change.
func (s *Service) commitQuietly(ctx context.Context, ch *license.UnitOfWork, more []table.Operation) error {
	ops, err := ch.Operations()
	if err != nil ||
		len(ops) == 0 &&
			!slices.ContainsFunc(more, func(op table.Operation) bool { return op.Kind != table.KindCheck }) {
		return err
	}
	return ch.Commit(ctx, call.Answer{}, more...)
}
