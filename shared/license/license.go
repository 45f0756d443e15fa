package license

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/problem"
)

// grantLicense gives a loaded user this very license, which must be loaded; for the user who holds
// it already it is GrantProduct.
//
// Errors: license-not-available when it is terminated or somebody else's; user-already-licensed
// when the user holds another of the product; wrong-state for a metered product, which is assigned
// by product; those of Grant.
func (g *ledger) grantLicense(user, id, source string) error {
	h, err := g.Holder(user)
	if err != nil {
		return err
	}
	l, err := g.license(id)
	if err != nil {
		return err
	}
	product := l.now.ProductID
	switch {
	case l.now.Status == Assigned && l.now.UserID == user:
		if err := g.agreed(user, id); err != nil {
			return err
		}
		return g.grantProduct(user, product, source)
	case l.now.Status != Available:
		return problem.Newf(problem.LicenseNotAvailable, "The license is %s.", l.now.Status)
	case l.unreserved() != nil:
		return l.unreserved()
	case h.Holds(product):
		return problem.Newf(problem.UserAlreadyLicensed, "The user has %s already.", g.products.Name(product))
	}
	if err := g.admits(l, h); err != nil {
		return err
	}
	g.chosen = id
	defer func() { g.chosen = "" }()
	return g.grant(user, product, source)
}

// terminate ends a loaded license for ever (invariant I6): it stays on record and counts no more. A
// terminated one stays as it is.
//
// Errors: license-in-use when it is assigned; license-not-available when it is reserved.
func (g *ledger) terminate(id string) error {
	l, err := g.license(id)
	if err != nil {
		return err
	}
	switch l.now.Status {
	case Terminated:
		return nil
	case Assigned:
		return problem.New(problem.LicenseInUse, "The license is assigned; unassign it first.")
	case Available:
	}
	if err := l.unreserved(); err != nil {
		return err
	}
	at := g.at
	l.now.Status, l.now.TerminatedAt, l.now.Pending = Terminated, &at, false
	g.ended(l, nil)
	g.bought[record.BoughtKey(g.account, l.now.ProductID)]--
	g.bought[record.CostCenterSeatsKey(g.account, l.now.ProductID, l.now.CostCenter)]--
	g.record(g.seatChange("license.terminated", l, "", ""))
	return nil
}

// setCostCenter moves a loaded license to another cost center, which the caller knows to exist.
//
// Errors: wrong-state when it is terminated, or metered and so charged by its count;
// license-not-available when it is reserved; cost-center-fenced when the fence keeps out who holds it.
func (g *ledger) setCostCenter(id, costCenter string) error {
	l, err := g.license(id)
	if err != nil {
		return err
	}
	switch {
	case l.now.CostCenter == costCenter:
		return nil
	case l.now.Status == Terminated:
		return problem.New(problem.WrongState, "The license is terminated.")
	case l.now.Kind == catalog.Metered:
		return problem.New(problem.WrongState, "A metered license has no cost center.")
	case l.unreserved() != nil:
		return l.unreserved()
	}
	if err := g.mayCharge(l, costCenter); err != nil {
		return err
	}
	g.bought[record.CostCenterSeatsKey(g.account, l.now.ProductID, l.now.CostCenter)]--
	g.bought[record.CostCenterSeatsKey(g.account, l.now.ProductID, costCenter)]++
	g.recharged(l)
	l.now.CostCenter, l.now.Pending = costCenter, false
	g.record(g.seatChange("license.charged", l, l.now.UserID, ""))
	return nil
}

// mayCharge says whether a license may be moved to a cost center: not behind a fence that keeps out
// who holds it. A free one may be what somebody waits for behind a fence, or outside of one.
func (g *ledger) mayCharge(l *licenseState, costCenter string) error {
	if err := g.need(Need{fences: true}); err != nil {
		return err
	}
	if l.now.Status != Assigned {
		if len(g.fences.Codes) > 0 && l.now.Kind == catalog.Seat {
			g.look[l.now.ProductID] = true
		}
		return nil
	}
	if !g.fences.Has(costCenter) {
		g.relied = true
		return nil
	}
	if err := g.need(Need{Users: []string{l.now.UserID}}); err != nil {
		return err
	}
	if h := g.holder(l.now.UserID); h != nil && h.CostCenter == costCenter {
		return nil
	}
	return fenced(costCenter)
}

// unreserved refuses what would take, end or charge a license that is reserved.
func (l *licenseState) unreserved() error {
	if l.reserved && l.now.Status == Available {
		return problem.New(
			problem.LicenseNotAvailable,
			"The license is reserved for a mass configuration that is being applied.",
		)
	}
	return nil
}
