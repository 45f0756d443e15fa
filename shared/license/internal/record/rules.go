package record

import (
	"slices"
	"strings"

	"seatwise/shared/catalog"
)

// Direct is the source of a grant that a person gave.
const Direct = "direct"

// View is the source of a viewer's grant.
const View = "view"

// The states.
const (
	Holds         State = "holds"
	Waits         State = "waits"
	Lacks         State = "lacks"
	Covered       State = "covered"
	StateExcluded State = "excluded"
)

// State says how a user stands to a product (docs/contract.md, why).
type State string

// Automatic grants come and go with what they follow from; the others were given by a person and are taken back
// by one.
func Automatic(source string) bool {
	return source == View || strings.HasPrefix(source, "queue:") || strings.HasPrefix(source, "role:")
}

// Terms are what decides, beside the grants, how a holder stands to a product.
type Terms struct {
	Products *catalog.Catalog
	// Unlimited says that the account's bundle has unlimited Live Reports.
	Unlimited bool
}

// StateOf is how the holder stands to the product now.
func (t Terms) StateOf(h *Holder, product string) State {
	holding := h.Holdings[product]
	switch {
	case holding == nil:
		return Lacks
	case holding.LicenseID != "":
		return Holds
	case holding.Waiting != "":
		return Waits
	}
	_, why := t.Wants(h, product)
	return why
}

// Wants decides whether the holder should have a seat of the product, from the grants alone; when
// not, why not (requirements, sections 4 and 6): a grant given by a person always counts; an
// automatic one does not count while the user is excluded, while another product held includes this
// one, or while the account's bundle makes it unlimited; nothing counts for somebody inactive.
func (t Terms) Wants(h *Holder, product string) (bool, State) {
	holding := h.Holdings[product]
	if holding == nil || len(holding.Grants) == 0 || !h.Active {
		return false, Lacks
	}
	for _, g := range holding.Grants {
		if !Automatic(g.Source) {
			return true, Holds
		}
	}
	p, ok := t.Products.Lookup(product)
	if !ok {
		return false, Lacks
	}
	if t.Unlimited && p.CountsAs.Group == catalog.LiveReports {
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
