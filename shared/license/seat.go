package license

import (
	"bytes"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// grantLicense gives a loaded user this very license, which must be loaded; for the user who holds
// it already it is GrantProduct.
//
// Errors: license-not-available when it is terminated or somebody else's; user-already-licensed
// when the user holds another of the product; wrong-state for a metered product, which is assigned
// by product; those of Grant.
func (g *ledger) grantLicense(user, id, source string) error {
	h, ok := g.holders[user]
	if !ok || h.gone {
		return problem.Missing("user")
	}
	l, ok := g.licenses[id]
	if !ok {
		return problem.Missing("license")
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
		return problem.Newf(problem.UserAlreadyLicensed, "The user already holds a license of %s.", product)
	}
	g.chosen = id
	defer func() { g.chosen = "" }()
	return g.grant(user, product, source)
}

// grantProduct is Grant, but changes nothing for who holds the product by a person's decision
// already (requirements, section 4).
func (g *ledger) grantProduct(user, product, source string) error {
	if h, ok := g.holders[user]; ok && h.Holds(product) && h.Active {
		if slices.ContainsFunc(h.Holdings[product].Grants, func(g Grant) bool { return !record.Automatic(g.Source) }) {
			return nil
		}
	}
	return g.grant(user, product, source)
}

// terminate ends a loaded license for ever (invariant I6): it stays on record and counts no more. A
// terminated one stays as it is.
//
// Errors: license-in-use when it is assigned; license-not-available when it is reserved.
func (g *ledger) terminate(id string) error {
	l, ok := g.licenses[id]
	if !ok {
		return problem.Missing("license")
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
	g.bought[record.BoughtKey(g.account, l.now.ProductID)]--
	g.bought[record.CostCenterSeatsKey(g.account, l.now.ProductID, l.now.CostCenter)]--
	g.record(g.seatChange("license.terminated", l, "", ""))
	return nil
}

// setCostCenter moves a loaded license to another cost center, which the caller knows to exist.
//
// Errors: wrong-state when it is terminated, or metered and so charged by its count;
// license-not-available when it is reserved.
func (g *ledger) setCostCenter(id, costCenter string) error {
	l, ok := g.licenses[id]
	if !ok {
		return problem.Missing("license")
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
	g.bought[record.CostCenterSeatsKey(g.account, l.now.ProductID, l.now.CostCenter)]--
	g.bought[record.CostCenterSeatsKey(g.account, l.now.ProductID, costCenter)]++
	l.now.CostCenter, l.now.Pending = costCenter, false
	g.record(g.seatChange("license.charged", l, l.now.UserID, ""))
	return nil
}

// after is a loaded license as it is when the change is committed, and its version then.
func (u *UnitOfWork) after(id string) (License, int64, error) {
	l, ok := u.licenses[id]
	if !ok {
		return License{}, 0, problem.Missing("license")
	}
	changed, err := l.changed()
	if err != nil {
		return License{}, 0, err
	}
	if changed {
		return u.service.records.Shown(l.now.License), l.version + 1, nil
	}
	return u.service.records.Shown(l.now.License), l.version, nil
}

func (l *licenseState) changed() (bool, error) {
	if !l.exists {
		return true, nil
	}
	was, err := call.Encode(l.before)
	if err != nil {
		return false, err
	}
	now, err := call.Encode(l.now)
	return !bytes.Equal(was, now), err
}

// agreed demands that a loaded license is the one that a loaded user holds of its product, by the
// user's item as well as by its own. Otherwise another commit came between the reads of the two.
//
// Errors: a *table.ConditionError.
func (g *ledger) agreed(user, id string) error {
	h, l := g.holders[user], g.licenses[id]
	if h == nil || h.gone || l == nil || l.now.UserID != user || !h.Holds(l.now.ProductID) ||
		h.Holdings[l.now.ProductID].LicenseID != id {
		return g.changedMeanwhile(HolderKey(g.account, user), record.LicenseKey(g.account, id))
	}
	return nil
}

// changedMeanwhile is the error that sends the caller back to decide again.
func (g *ledger) changedMeanwhile(keys ...table.Key) error {
	failed := make([]int, len(keys))
	for i := range failed {
		failed[i] = i
	}
	return &table.ConditionError{Failed: failed, Keys: keys}
}
