package license

import (
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/problem"
)

// QueueGrant is the source of the grants that a monitored call queue gives to its members.
func QueueGrant(queue string) string { return "queue:" + queue }

// RoleGrant is the source of the grants that a role carries.
func RoleGrant(role string) string { return "role:" + role }

// MassConfigurationGrant is the source of the grants that a mass configuration gives.
func MassConfigurationGrant(id string) string { return "massConfiguration:" + id }

// withGrant adds a grant, keeping the list sorted; an existing one keeps its date.
func withGrant(grants []Grant, source string, at time.Time) []Grant {
	i, found := slices.BinarySearchFunc(
		grants,
		source,
		func(g Grant, s string) int { return strings.Compare(g.Source, s) },
	)
	if found {
		return grants
	}
	return slices.Insert(slices.Clone(grants), i, Grant{Source: source, Since: at.UTC()})
}

// withoutGrants drops the grants that drop names.
func withoutGrants(grants []Grant, drop func(source string) bool) []Grant {
	return slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool { return drop(g.Source) })
}

// mayHold checks that nothing but the lack of a seat keeps the holder from a product: somebody
// active, what the catalog requires is held, and nothing that it excludes (requirements, sections 2
// and 4).
//
// Errors: user-inactive, base-license-required, mutually-exclusive.
func mayHold(products *catalog.Catalog, h *Holder, p catalog.Product) error {
	if !h.Active {
		return problem.New(problem.UserInactive, "The user is not active; nothing can be assigned to them.")
	}
	if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) {
		names := make([]string, len(p.Requires))
		for i, id := range p.Requires {
			names[i] = products.Name(id)
		}
		return problem.Newf(
			problem.BaseLicenseRequired, "%s needs a license of %s.", p.Name, strings.Join(names, " or "),
		)
	}
	for _, id := range p.Excludes {
		if h.Holds(id) {
			return problem.Newf(
				problem.MutuallyExclusive, "The user holds %s, which excludes %s.", products.Name(id), p.Name,
			)
		}
	}
	return nil
}
