package directory

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// within refuses whoever gives or takes permissions that they do not hold themselves (requirements,
// section 9). A function that acts without a caller carries on what somebody was allowed to begin.
//
// Errors: forbidden.
func within(ctx context.Context, field string, moved []string) error {
	if _, called := auth.From(ctx); !called || len(moved) == 0 {
		return nil
	}
	caller, err := access.Caller(ctx)
	if err != nil {
		return err
	}
	beyond := slices.DeleteFunc(unique(moved), func(name string) bool {
		p := auth.Permission(name)
		return !auth.Known(p) || caller.Permissions.Has(p)
	})
	if len(beyond) == 0 {
		return nil
	}
	p := problem.Newf(problem.Forbidden,
		"Nobody gives or takes permissions that they do not have themselves: %s.", strings.Join(beyond, ", "))
	p.Fields = []problem.Field{problem.Fault(field, problem.Refused, "gives or takes more than who asks has")}
	return p
}

// holdsAll says that the caller cannot go beyond what they hold, so that nothing needs to be read.
func holdsAll(ctx context.Context) bool {
	if _, called := auth.From(ctx); !called {
		return true
	}
	caller, err := access.Caller(ctx)
	return err == nil && access.Carried()&^caller.Permissions == 0
}

// rolesWithin refuses whoever makes a user gain or lose roles that have more than they hold.
//
// Errors: forbidden.
func (s *Service) rolesWithin(ctx context.Context, c *call.Call, l *loadedUser, after profile) error {
	var had, has []string
	if l.before.Active {
		had = l.before.RoleIDs
	}
	if after.Active {
		has = after.RoleIDs
	}
	moved := append(without(had, has), without(has, had)...)
	if len(moved) == 0 || holdsAll(ctx) {
		return nil
	}
	if err := s.loadRoles(ctx, c, moved, l.found); err != nil {
		return err
	}
	var permissions []string
	for _, id := range moved {
		if id == SuperAdmin {
			permissions = append(permissions, carried()...)
			continue
		}
		if item, ok := l.found[access.RoleKey(c.Account, id)]; ok {
			role, err := call.Decode[Role](item)
			if err != nil {
				return err
			}
			permissions = append(permissions, role.Permissions...)
		}
	}
	return within(ctx, "roleIds", permissions)
}
