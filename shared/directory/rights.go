package directory

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
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
	return err == nil && caller.Limit.All() && access.Carried()&^caller.Permissions == 0
}

// rightsWithin refuses whoever makes a user gain or lose more than they hold themselves: roles, and
// the cost centers for which what the roles allow is allowed (requirements, section 9).
//
// Errors: forbidden.
func (s *Service) rightsWithin(ctx context.Context, c *call.Call, l *loadedUser, after profile) error {
	var had, has []string
	if l.before.Active {
		had = l.before.RoleIDs
	}
	if after.Active {
		has = after.RoleIDs
	}
	moved := append(without(had, has), without(has, had)...)
	reach := after.ID != "" && !slices.Equal(l.before.AdminOfCostCenters, after.AdminOfCostCenters)
	if len(moved) == 0 && !reach || holdsAll(ctx) {
		return nil
	}
	if err := s.loadRoles(ctx, c, unique(append(had, has...)), l.found); err != nil {
		return err
	}
	permissions := func(ids []string) ([]string, error) { return permissionsOf(c, ids, l.found) }
	gained, err := permissions(without(has, had))
	if err != nil {
		return err
	}
	lost, err := permissions(without(had, has))
	if err != nil {
		return err
	}
	if err := within(ctx, "roleIds", slices.Concat(gained, lost)); err != nil {
		return err
	}
	var kept []string
	if reach {
		if kept, err = permissions(without(had, without(had, has))); err != nil {
			return err
		}
	}
	if err := within(ctx, "adminOfCostCenters", kept); err != nil {
		return err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return err
	}
	return limitWithin(theirs, limits{
		before: limitOf(l.before.AdminOfCostCenters), after: limitOf(after.AdminOfCostCenters),
		gains: len(gained) > 0, loses: len(lost) > 0, keeps: len(kept) > 0, moves: reach,
	})
}

// permissionsOf are those of some roles, which were read.
func permissionsOf(c *call.Call, ids []string, found map[table.Key]table.Item) ([]string, error) {
	var permissions []string
	for _, id := range ids {
		if id == SuperAdmin {
			permissions = append(permissions, carried()...)
			continue
		}
		if item, ok := found[access.RoleKey(c.Account, id)]; ok {
			role, err := call.Decode[Role](item)
			if err != nil {
				return nil, err
			}
			permissions = append(permissions, role.Permissions...)
		}
	}
	return permissions, nil
}

// limitOf is what a user is limited to who is admin of some cost centers; without any, there is no
// limit.
func limitOf(codes []string) auth.Limit {
	if len(codes) == 0 {
		return auth.Limit{}
	}
	return auth.LimitTo(codes...)
}

// limits is how a change moves the cost centers for which a user's permissions are.
type limits struct {
	before, after auth.Limit
	// gains, loses and keeps say whether there are permissions that the user gains, loses, and keeps
	// with another limit; moves, that the limit itself is another.
	gains, loses, keeps, moves bool
}

// limitWithin refuses an admin of some cost centers who gives or takes permissions for others, or a
// limit to others: what a user gains is for theirs alone, and so is what a user loses. They clear
// nobody's limit.
//
// Errors: forbidden.
func limitWithin(theirs auth.Limit, l limits) error {
	if theirs.All() {
		return nil
	}
	if l.gains && !l.after.Within(theirs) || l.loses && !l.before.Within(theirs) {
		return beyondLimit("roleIds", "allow something in other cost centers too")
	}
	if !l.moves {
		return nil
	}
	begins := l.before.All() && !l.keeps && l.after.Within(theirs)
	moves := !l.before.All() && !l.after.All()
	before, after := l.before.Codes(), l.after.Codes()
	for _, code := range slices.Concat(without(before, after), without(after, before)) {
		moves = moves && theirs.Has(code)
	}
	if begins || moves {
		return nil
	}
	return beyondLimit("adminOfCostCenters", "gives or takes more than the cost centers of who asks")
}

// keepsLimit refuses an admin of some cost centers who deletes themselves: the limit would go with them, and
// what their token allows would be allowed everywhere until it ends.
//
// Errors: forbidden.
func keepsLimit(ctx context.Context, c *call.Call, user string) error {
	theirs, err := access.CostCenters(ctx)
	if err != nil || theirs.All() || user != c.Actor {
		return err
	}
	return beyondLimit("id", "is who asks; somebody else has to delete them")
}

// beyondLimit is the refusal of an admin of some cost centers.
func beyondLimit(field, why string) error {
	p := problem.New(problem.Forbidden,
		"An admin of some cost centers gives and takes permissions and cost centers within their own only.")
	p.Fields = []problem.Field{problem.Fault(field, problem.Refused, "%s", why)}
	return p
}

// theirUser finds no user for an admin of some cost centers whose own is none of theirs.
//
// Errors: not-found.
func theirUser(ctx context.Context, costCenter string) error {
	theirs, err := access.CostCenters(ctx)
	if err == nil && !theirs.Has(costCenter) {
		return problem.Missing("user")
	}
	return err
}

// theirHolder is theirUser of one who is loaded for a change.
//
// Errors: not-found.
func theirHolder(ctx context.Context, ch *license.UnitOfWork, user string) error {
	holder, err := ch.Holder(user)
	if err != nil { // a profile alone has no cost center
		return theirUser(ctx, "")
	}
	return theirUser(ctx, holder.CostCenter)
}

// theirCostCenter refuses an admin of some cost centers who puts a user into another, or into none.
//
// Errors: forbidden.
func theirCostCenter(ctx context.Context, code string) error {
	theirs, err := access.CostCenters(ctx)
	if err != nil || theirs.Has(code) {
		return err
	}
	p := problem.New(problem.Forbidden, "An admin of some cost centers has users of their own cost centers only.")
	p.Fields = []problem.Field{problem.Fault("costCenter", problem.Refused, "is none of yours")}
	return p
}

// theirUsers leaves out of a page of users those who are not theirs, for an admin of some cost
// centers. The page is then short, and the next one begins behind it all the same.
func theirUsers(ctx context.Context, read func() ([]User, string, error)) ([]User, string, error) {
	users, next, err := read()
	if err != nil {
		return nil, "", err
	}
	theirs, err := access.CostCenters(ctx)
	return slices.DeleteFunc(users, func(u User) bool { return !theirs.Has(u.CostCenter) }), next, err
}
