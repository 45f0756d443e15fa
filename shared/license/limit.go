package license

import (
	"context"
	"slices"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
)

// What an admin of some cost centers changes (requirements, section 9; decisions, 164): licenses that
// are charged to theirs, for users of theirs. What a call names is checked here, wherever a change
// begins: one license, the items of a bulk call, a holder. What follows automatically is as it is for
// everybody: who waits is served, add-ons go with their base.

// HoldToLimit reads to which cost centers the caller is limited, so that what the change takes of the
// server's choice for a person's grant is of these. Something has been loaded before, so that it
// costs no read.
//
// Errors: those of access.CostCenters.
func (u *UnitOfWork) HoldToLimit(ctx context.Context) (err error) {
	u.theirs, err = access.CostCenters(ctx)
	return err
}

// HoldTo holds the change to the limit of somebody who does not call: who began what is carried on, or
// approved what is given later.
func (u *UnitOfWork) HoldTo(limit auth.Limit) { u.theirs = limit }

// loadTheirs loads a license that must be charged to one of the caller's cost centers, and what is
// needed beside it. The commit demands that it is as it was, also where the change leaves it so.
//
// Errors: not-found; those of Load.
func (u *UnitOfWork) loadTheirs(ctx context.Context, id string, need Need) error {
	need.Licenses = append(need.Licenses, id)
	if _, err := u.Load(ctx, need); err != nil {
		return err
	}
	if err := u.HoldToLimit(ctx); err != nil {
		return err
	}
	if !u.theirs.All() {
		u.subject = id
	}
	return u.TheirLicense(id)
}

// TheirUser finds no user whose own cost center is none of the caller's. The user is loaded, and the
// commit that changes what they hold demands that they are as they were.
//
// Errors: not-found.
func (g *ledger) TheirUser(user string) error {
	h, err := g.Holder(user)
	if err == nil && !g.theirs.Has(h.CostCenter) {
		return problem.Missing("user")
	}
	return err
}

// TheirLicense finds no license that is charged to another cost center than the caller's. It is
// loaded.
//
// Errors: not-found.
func (g *ledger) TheirLicense(id string) error {
	l, err := g.license(id)
	if err == nil && !g.theirs.Has(l.now.ChargedTo()) {
		return problem.Missing("license")
	}
	return err
}

// theirCostCenter refuses a cost center that is none of the caller's, whether there is one or not.
//
// Errors: forbidden.
func (g *ledger) theirCostCenter(code string) error {
	if code == "" || g.theirs.Has(code) {
		return nil
	}
	p := problem.New(problem.Forbidden, "An admin of some cost centers moves and takes licenses within their own only.")
	p.Fields = []problem.Field{problem.Fault("costCenter", problem.Refused, "is none of yours")}
	return p
}

// moves says whether the caller may move licenses to a cost center, which there must be.
//
// Errors: forbidden; validation.
func (g *ledger) moves(costCenter string) error {
	if err := g.theirCostCenter(costCenter); err != nil {
		return err
	}
	return g.chargeable(costCenter)
}

// theirItem is what of an item of a bulk call must be the caller's: the user, the cost center that is
// asked for, and the license that is named, or that the item takes from the user.
//
// Errors: not-found; forbidden.
func (b bulk) theirItem(g *ledger, item Item) error {
	if g.theirs.All() {
		return nil
	}
	if item.UserID != "" {
		if err := g.TheirUser(item.UserID); err != nil {
			return err
		}
	}
	license := item.LicenseID
	if b.takes {
		license = g.heldBy(item.UserID, item.ProductID)
	}
	if license != "" {
		if err := g.TheirLicense(license); err != nil {
			return err
		}
	}
	return g.theirCostCenter(item.CostCenter)
}

// limitOf is of which cost centers a seat must be that is chosen for a holder: those of who gives it,
// where a person does. Automatic grants are served from what is free, whoever's change that follows.
func (g *ledger) limitOf(h *Holder, product string) auth.Limit {
	if holding := h.Holdings[product]; holding != nil && byHand(holding.Grants) {
		return g.theirs
	}
	return auth.Limit{}
}

// theirAddOns refuses to change the add-ons of a base license that is held by a user of another cost
// center, and to take away those that are charged to another.
//
// Errors: not-found; forbidden.
func (g *ledger) theirAddOns(base License, had []License, products []string) error {
	if err := g.TheirUser(base.UserID); err != nil {
		return err
	}
	var fields []problem.Field
	for _, addOn := range had {
		if !slices.Contains(products, addOn.ProductID) && !g.theirs.Has(addOn.CostCenter) {
			fields = append(fields, problem.Fault("productIds", problem.Refused,
				"lacks %s, which is charged to a cost center that is none of yours", addOn.ProductID))
		}
	}
	if len(fields) == 0 {
		return nil
	}
	p := problem.New(problem.Forbidden, "An admin of some cost centers takes licenses of their own only.")
	p.Fields = fields
	return p
}
