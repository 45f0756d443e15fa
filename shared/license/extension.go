package license

import (
	"cmp"
	"fmt"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// extend gives a loaded user an extension and its number; what they had before becomes nobody's. An
// empty extension takes both away; an empty number leaves the extension without one. The licenses
// held show the new extension.
//
// Errors: extension-in-use when somebody else has the extension, number-in-use when another
// extension has the number.
func (g *ledger) extend(user, extension, number string) error {
	h, err := g.Holder(user)
	if err != nil {
		return err
	}
	if extension == "" {
		number = ""
	}
	if h.Extension == extension && h.Number == number {
		return nil
	}
	if err := g.need(
		Need{Extensions: []string{extension, h.Extension}, Numbers: []string{number, h.Number}},
	); err != nil {
		return err
	}
	if x := g.Extension(extension); x.UserID != "" && x.UserID != user {
		return problem.Newf(problem.ExtensionInUse, "Extension %s belongs to another user.", extension).
			At("extension", problem.Duplicate, "%s belongs to another user", extension)
	}
	if owner := g.NumberOwner(number); owner != "" && owner != extension && owner != h.Extension {
		return problem.Newf(problem.NumberInUse, "The number belongs to extension %s.", owner).
			At("number", problem.Duplicate, "belongs to extension %s", owner)
	}
	told := call.AuditEntry{
		Action:    "extension.changed",
		Subject:   "extension",
		SubjectID: cmp.Or(extension, h.Extension),
		User:      user,
		Before:    Extension{Key: h.Extension, Number: h.Number, UserID: user},
	}
	if h.Extension != "" {
		g.extensions[h.Extension].now = Extension{Key: h.Extension}
	}
	if h.Number != "" {
		g.numbers[text.Digits(h.Number)].now = ""
	}
	if extension != "" {
		g.extensions[extension].now = Extension{Key: extension, Number: number, UserID: user}
	}
	if number != "" {
		g.numbers[text.Digits(number)].now = extension
	}
	h.Extension, h.Number = extension, number
	told.After = g.Extension(told.SubjectID)
	g.record(told)
	return g.showExtension(h)
}

// showExtension carries the holder's extension to the licenses that they hold: each shows it,
// whatever its product (requirements, section 4).
func (g *ledger) showExtension(h *Holder) error {
	if err := g.loadHeld(h); err != nil {
		return err
	}
	for _, id := range h.Held() {
		g.licenses[id].now.Extension = h.Extension
	}
	return nil
}

// move takes a license with its add-ons, and its extension if it is tied to one, from one loaded
// user to another in one step (requirements, section 4, reassign): nobody ever sees it with neither
// or with both (invariant I8). Automatic grants that stand behind it exclude the first user, as
// when it is unassigned; the second user has it for the reason named by source. An extension that the
// second user had becomes nobody's.
//
// Errors: user-already-licensed when the second user holds the product; cost-center-fenced; those of
// mayHold.
func (g *ledger) move(from, to, product, source string) error {
	a, b := g.holder(from), g.holder(to)
	if a == nil || b == nil {
		return problem.Missing("user")
	}
	p, ok := g.products.Lookup(product)
	if !ok || !a.Holds(product) {
		return problem.New(problem.WrongState, "The license is not assigned.")
	}
	if b.Holds(product) {
		return problem.Newf(problem.UserAlreadyLicensed, "The user has %s already.", g.products.Name(product))
	}
	if err := mayHold(g.products, b, p); err != nil {
		return err
	}
	moving := []catalog.Product{p}
	for _, addOn := range g.products.AddOns(product) {
		if a.Holds(addOn.ID) {
			moving = append(moving, addOn)
		}
	}
	if err := g.loadHeld(a); err != nil {
		return err
	}
	if p.Extension && a.Extension != "" {
		extension, number := a.Extension, a.Number
		if err := g.extend(from, "", ""); err != nil {
			return err
		}
		if err := g.extend(to, extension, number); err != nil {
			return err
		}
	}
	for _, q := range moving {
		if err := g.movePart(a, b, q, source); err != nil {
			return err
		}
	}
	if err := g.settle(a); err != nil {
		return err
	}
	return g.settle(b)
}

// movePart moves one of the licenses that move together. Their holders are settled after all of them.
func (g *ledger) movePart(a, b *Holder, p catalog.Product, source string) error {
	given, taken := a.Holdings[p.ID], b.Holding(p.ID)
	if taken.Waiting != "" {
		if _, err := g.leaveWaiting(b, p); err != nil {
			return err
		}
	}
	taken.Grants = withGrant(taken.Grants, source, g.at)
	if g.endByHand(a, p.ID) {
		g.recordExclusion(a, p.ID) // the license's own record is of who has it now
	}
	if taken.Excluded != nil {
		g.readmit(b, p.ID)
	}
	l := g.licenses[given.LicenseID]
	if p.Purchasable() {
		if err := g.admits(l, b); err != nil {
			return err
		}
	}
	given.LicenseID = ""
	g.handedOn(l, a)
	g.hand(b, p, l)
	g.record(g.seatChange("license.reassigned", l, b.UserID, ""))
	return nil
}

// setAddOns makes the add-ons of a base that a loaded user holds exactly these, as
// UnitOfWork.SetAddOns says.
func (g *ledger) setAddOns(user, base string, addOns []string, source string) error {
	h, err := g.Holder(user)
	if err != nil {
		return err
	}
	if !h.Holds(base) {
		return problem.Newf(problem.BaseLicenseRequired, "The user holds no %s license.", g.products.Name(base))
	}
	known := g.products.AddOns(base)
	if foreign := problem.Culprits("productIds", problem.NotApplicable, addOns, func(i int) bool {
		return !slices.ContainsFunc(known, func(p catalog.Product) bool { return p.ID == addOns[i] })
	}, "is no add-on of the base license's product"); len(foreign) > 0 {
		return problem.Validation(foreign...)
	}
	wanted := map[string]int{}
	for _, p := range known {
		if slices.Contains(addOns, p.ID) && !h.Holds(p.ID) && !g.reserving {
			wanted[p.ID] = 1
		}
	}
	if err := g.need(Need{Seats: wanted}); err != nil { // all at once
		return err
	}
	// Seats come back first, so that they can serve the same save.
	for _, p := range known {
		if slices.Contains(addOns, p.ID) || h.Holdings[p.ID] == nil {
			continue
		}
		if err := g.withdraw(user, p.ID, func(string) bool { return true }); err != nil {
			return err
		}
	}
	var short *problem.Problem
	for _, p := range known {
		if !slices.Contains(addOns, p.ID) || h.Holds(p.ID) {
			continue
		}
		err := g.grant(user, p.ID, source)
		if !problem.Is(err, problem.NotEnoughLicenses) {
			if err != nil {
				return err
			}
			continue
		}
		// All shortages are told at once; the decision fails, so that this one has no seat does not
		// matter.
		h.Holding(p.ID).Grants = nil
		missing, _ := problem.From(err)
		if short == nil {
			short = missing
		}
		short.Shorter(missing)
		field := fmt.Sprintf("productIds[%d]", slices.Index(addOns, p.ID))
		short.Fields = append(short.Fields, problem.Field{Field: field, Code: problem.Refused, Message: missing.Detail})
	}
	if short != nil {
		return short
	}
	return nil
}
