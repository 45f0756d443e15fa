package license

import (
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/platform/problem"
)

// Direct is the source of a grant that a person gave.
const Direct = "direct"

// View is the source of a viewer's grant.
const View = "view"

// QueueGrant is the source of the grants that a monitored call queue gives to its members.
func QueueGrant(queue string) string { return "queue:" + queue }

// RoleGrant is the source of the grants that a role carries.
func RoleGrant(role string) string { return "role:" + role }

// MassConfigurationGrant is the source of the grants that a mass configuration gives.
func MassConfigurationGrant(id string) string { return "massConfiguration:" + id }

// automatic grants come and go by themselves; the others were given by a person and are taken back
// by one.
func automatic(source string) bool {
	return source == View || strings.HasPrefix(source, "queue:") || strings.HasPrefix(source, "role:")
}

// State says how a user stands to a product (api.md, why).
type State string

// The states.
const (
	Holds         State = "holds"
	Waits         State = "waits"
	Lacks         State = "lacks"
	Covered       State = "covered"
	StateExcluded State = "excluded"
)

// StateOf is how the holder stands to the product now. unlimited says that the account's bundle has
// unlimited Live Reports.
func StateOf(products *catalog.Catalog, h *Holder, product string, unlimited bool) State {
	holding := h.Holdings[product]
	switch {
	case holding == nil:
		return Lacks
	case holding.LicenseID != "":
		return Holds
	case holding.Waiting != "":
		return Waits
	}
	_, why := wants(products, h, product, unlimited)
	return why
}

// wants decides whether the holder should have a seat of the product, from the grants alone; when
// not, why not (spec 4 and 6): a grant given by a person always counts; an automatic one does not
// count while the user is excluded, while another product held includes this one, or while the
// account's bundle makes it unlimited; nothing counts for somebody inactive.
func wants(products *catalog.Catalog, h *Holder, product string, unlimited bool) (bool, State) {
	holding := h.Holdings[product]
	if holding == nil || len(holding.Grants) == 0 || !h.Active {
		return false, Lacks
	}
	for _, g := range holding.Grants {
		if !automatic(g.Source) {
			return true, Holds
		}
	}
	p, ok := products.Lookup(product)
	if !ok {
		return false, Lacks
	}
	if unlimited && p.CountsAs.Group == catalog.LiveReports {
		return false, Covered
	}
	if slices.ContainsFunc(p.CoveredBy, h.Holds) {
		return false, Covered
	}
	if holding.Excluded != nil {
		return false, StateExcluded
	}
	if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) || slices.ContainsFunc(p.Excludes, h.Holds) {
		return false, Lacks
	}
	return true, Holds
}

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
// active, what the catalog requires is held, and nothing that it excludes (spec 2 and 4).
//
// Errors: user-inactive, base-license-required, mutually-exclusive.
func mayHold(h *Holder, p catalog.Product) error {
	if !h.Active {
		return problem.New(problem.UserInactive, "The user is not active; nothing can be assigned to them.")
	}
	if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) {
		return problem.Newf(
			problem.BaseLicenseRequired,
			"%s needs a license of %s.",
			p.ID,
			strings.Join(p.Requires, " or "),
		)
	}
	for _, id := range p.Excludes {
		if h.Holds(id) {
			return problem.Newf(problem.MutuallyExclusive, "The user holds %s, which excludes %s.", id, p.ID)
		}
	}
	return nil
}

// Holds says whether a license of the product is held.
func (h *Holder) Holds(product string) bool {
	holding := h.Holdings[product]
	return holding != nil && holding.LicenseID != ""
}

// holding is the holder's part for the product, made if it is not there.
func (h *Holder) holding(product string) *Holding {
	if h.Holdings == nil {
		h.Holdings = map[string]*Holding{}
	}
	if h.Holdings[product] == nil {
		h.Holdings[product] = &Holding{}
	}
	return h.Holdings[product]
}

// tidy drops holdings that say nothing.
func (h *Holder) tidy() {
	for id, holding := range h.Holdings {
		if holding.LicenseID == "" && len(holding.Grants) == 0 && holding.Waiting == "" && holding.Excluded == nil {
			delete(h.Holdings, id)
		}
	}
}

// maxWords is how many words of a name, an id or an e-mail address a search finds; the last one is
// always among them.
const maxWords = 6

// entries are what the index of words holds of a holder: whoever searches for something with which
// one of them begins finds the holder.
func (h *Holder) entries() []string {
	if h.UserID == "" {
		return nil
	}
	return text.Entries(maxWords, h.Name, h.UserID, h.Email)
}

// firstEntry is the first of the entries that begins with what is searched, or empty.
func (h *Holder) firstEntry(q text.Query) string {
	for _, entry := range h.entries() {
		if !q.Empty() && strings.HasPrefix(entry, q.Prefix()) {
			return entry
		}
	}
	return ""
}
