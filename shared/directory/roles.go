package directory

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/call"
	"seatwise/shared/license"
	"seatwise/shared/problem"
	"seatwise/shared/table"
)

func superAdmin() Role {
	return Role{ID: SuperAdmin, Name: "Super Admin", Permissions: []string{LiveReportsFull, LiveReportsView}, Licenses: []string{}}
}

// PutRole makes or replaces a role; its users follow in the same call as far as time allows, else by the maintenance function.
//
// Errors: validation; wrong-state for super-admin; precondition-failed.
func (s *Service) PutRole(ctx context.Context, c *call.Call, r Role) (Role, int64, bool, error) {
	if r.ID == SuperAdmin {
		return Role{}, 0, false, problem.New(problem.WrongState, "The role super-admin belongs to every account and cannot be changed.")
	}
	if err := checkRole(r, s.products); err != nil {
		return Role{}, 0, false, err
	}
	r.Permissions, r.Licenses = unique(r.Permissions), unique(r.Licenses)
	made, version, err := s.writeRole(ctx, c, r.ID, &r)
	if err != nil {
		return Role{}, 0, false, err
	}
	if !made {
		err = s.ResumeRoles(ctx, c.Account, r.ID)
	}
	return r, version, made, err
}

// DeleteRole removes a role that nobody has any more. Who is given it in the very moment loses it again.
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
	if _, _, err = s.writeRole(ctx, c, id, nil); err != nil {
		return err
	}
	return s.ResumeRoles(ctx, c.Account, id)
}

// writeRole puts the role, or deletes it when r is nil, with its mark and audit record.
func (s *Service) writeRole(ctx context.Context, c *call.Call, id string, r *Role) (made bool, version int64, err error) {
	err = call.Decide(ctx, func(ctx context.Context) error {
		key := roleKey(c.Account, id)
		item, exists, err := c.Get(ctx, key)
		if err != nil {
			return err
		}
		if !exists && r == nil {
			return problem.Missing("role")
		}
		if err := c.Matches(exists, item.Version); err != nil {
			return err
		}
		change := call.Change{Action: "role.put", Subject: "role", SubjectID: id}
		cond := table.IfAbsent
		if exists {
			before, err := call.Decode[Role](item)
			if err != nil {
				return err
			}
			change.Before, cond = before, table.IfVersion(item.Version)
		}
		op := table.Delete(key, cond)
		ops := []table.Operation{mark(c, roleMarks, id)}
		if r == nil {
			change.Action = "role.deleted"
		} else {
			change.After = *r
			data, err := call.Encode(*r)
			if err != nil {
				return err
			}
			op = table.Put(table.Item{Key: key, Data: data}, cond)
		}
		audit, err := c.Audit(change)
		if err != nil {
			return err
		}
		made, version = !exists, op.Item.Version
		return c.Commit(ctx, call.Answer{}, append(ops, op, audit)...)
	})
	return made, version, err
}

// GetRole reads a role and its version; super-admin is always there, at version 0.
func (s *Service) GetRole(ctx context.Context, c *call.Call, id string) (Role, int64, error) {
	if id == SuperAdmin {
		return superAdmin(), 0, nil
	}
	item, ok, err := c.Get(ctx, roleKey(c.Account, id))
	if err != nil {
		return Role{}, 0, err
	}
	if !ok {
		return Role{}, 0, problem.Missing("role")
	}
	r, err := call.Decode[Role](item)
	return r, item.Version, err
}

// ListRoles lists the account's roles by id, super-admin among them. The position is the last id of the page before.
func (s *Service) ListRoles(ctx context.Context, c *call.Call, after string, limit int) ([]Role, string, error) {
	query := table.Query{Partition: rolesPartition(c.Account), Limit: limit}
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

// ResumeRoles carries changed roles to their users: those of one account and role, or every one that is marked when role is empty.
func (s *Service) ResumeRoles(ctx context.Context, account, role string) error {
	return s.resume(ctx, roleMarks, account, role, func(ctx context.Context, c *call.Call, role string) error {
		return table.All(ctx, s.env.Table, table.Query{Partition: roleUsersPartition(c.Account, role)}, func(item table.Item) error {
			return s.refreshRoles(ctx, c, item.Sort)
		})
	})
}

// refreshRoles makes a user's grants agree with the roles as they are now, and takes from them a role that was deleted.
func (s *Service) refreshRoles(ctx context.Context, c *call.Call, user string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		ch := s.desk.Change(c)
		found, err := ch.Load(ctx, license.Need{Users: []string{user}, Also: []table.Key{userKey(c.Account, user)}})
		if err != nil {
			return err
		}
		item, ok := found[userKey(c.Account, user)]
		if !ok {
			return nil
		}
		p, err := call.Decode[profile](item)
		if err != nil {
			return err
		}
		keys := make([]table.Key, len(p.RoleIDs))
		var checks []table.Operation
		for i, role := range p.RoleIDs {
			keys[i] = roleKey(c.Account, role)
		}
		byKey, err := s.lookup(ctx, keys)
		if err != nil {
			return err
		}
		roles := map[string]Role{}
		for _, id := range p.RoleIDs {
			if id == SuperAdmin {
				roles[id] = superAdmin()
			} else if item, ok := byKey[roleKey(c.Account, id)]; ok {
				if roles[id], err = call.Decode[Role](item); err != nil {
					return err
				}
				// A role that changes while its users are looked at must not be applied as it was.
				checks = append(checks, table.Check(item.Key, table.IfVersion(item.Version)))
			} else {
				checks = append(checks, table.Check(roleKey(c.Account, id), table.IfAbsent))
			}
		}
		after := p
		after.RoleIDs = slices.DeleteFunc(slices.Clone(p.RoleIDs), func(id string) bool { _, ok := roles[id]; return !ok })
		if len(after.RoleIDs) == len(p.RoleIDs) {
			checks = append(checks, table.Check(item.Key, table.IfVersion(item.Version)))
		} else {
			after.ChangedAt = c.At
			drop, err := s.userOperations(c, item, true, p, after)
			if err != nil {
				return err
			}
			checks = append(checks, drop...)
		}
		err = s.applyRoles(ctx, ch, after, roles)
		if _, told := problem.From(err); told {
			// One user whose own licenses exclude what the role carries never stops the others (spec 6).
			s.env.Log.WarnContext(ctx, "role not applied", "account", c.Account, "user", user, "error", err)
			return nil
		}
		if err != nil {
			return err
		}
		return s.commitQuietly(ctx, ch, checks)
	})
}

// commitQuietly commits a change with its checks, or nothing when there is nothing to change.
func (s *Service) commitQuietly(ctx context.Context, ch *license.Change, more []table.Operation) error {
	ops, err := ch.Operations()
	if err != nil || len(ops) == 0 && !slices.ContainsFunc(more, func(op table.Operation) bool { return op.Kind != table.KindCheck }) {
		return err
	}
	return ch.Commit(ctx, call.Answer{}, more...)
}
