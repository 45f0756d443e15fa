package license

import (
	"fmt"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/license/internal/record"
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
	h, ok := g.holders[user]
	if !ok || h.gone {
		return problem.Missing("user")
	}
	if extension == "" {
		return g.unextend(user)
	}
	if h.Extension == extension && h.Number == number {
		return nil
	}
	if err := g.need(
		Need{Extensions: []string{extension, h.Extension}, Numbers: []string{number, h.Number}},
	); err != nil {
		return err
	}
	x := g.extensions[extension]
	if x.now.UserID != "" && x.now.UserID != user {
		return problem.Newf(problem.ExtensionInUse, "Extension %s belongs to another user.", extension).
			At("extension", problem.Duplicate, "%s belongs to another user", extension)
	}
	if number != "" {
		if owner := g.NumberOwner(number); owner != "" && owner != extension && owner != h.Extension {
			return problem.Newf(problem.NumberInUse, "The number belongs to extension %s.", owner).
				At("number", problem.Duplicate, "belongs to extension %s", owner)
		}
	}
	before := Extension{Key: h.Extension, Number: h.Number, UserID: user}
	if h.Extension != "" && h.Extension != extension {
		old := g.extensions[h.Extension]
		old.now.UserID, old.now.Number = "", ""
	}
	if h.Number != "" && text.Digits(h.Number) != text.Digits(number) {
		g.numbers[text.Digits(h.Number)].now = ""
	}
	x.now.UserID, x.now.Number = user, number
	if number != "" {
		g.numbers[text.Digits(number)].now = extension
	}
	h.Extension, h.Number = extension, number
	g.record(extensionChange(extension, user, before, x.now))
	return g.showExtension(h)
}

// unextend takes a loaded user's extension and number away.
func (g *ledger) unextend(user string) error {
	h := g.holders[user]
	if h == nil || h.Extension == "" {
		return nil
	}
	if err := g.need(Need{Extensions: []string{h.Extension}, Numbers: []string{h.Number}}); err != nil {
		return err
	}
	x := g.extensions[h.Extension]
	before := Extension{Key: h.Extension, Number: h.Number, UserID: user}
	x.now.UserID, x.now.Number = "", ""
	if h.Number != "" {
		g.numbers[text.Digits(h.Number)].now = ""
	}
	g.record(extensionChange(h.Extension, user, before, x.now))
	h.Extension, h.Number = "", ""
	return g.showExtension(h)
}

func extensionChange(key, user string, before, after Extension) call.AuditEntry {
	return call.AuditEntry{
		Action:    "extension.changed",
		Subject:   "extension",
		SubjectID: key,
		User:      user,
		Before:    before,
		After:     after,
	}
}

// showExtension carries the holder's extension to the licenses that they hold: each shows it,
// whatever its product (requirements, section 4).
func (g *ledger) showExtension(h *holderState) error {
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
// when it is unassigned. An extension that the second user had becomes nobody's.
//
// Errors: user-already-licensed when the second user holds the product; those of mayHold.
func (g *ledger) move(from, to, product string) error {
	a, b := g.holders[from], g.holders[to]
	if a == nil || b == nil || a.gone || b.gone {
		return problem.Missing("user")
	}
	p, ok := g.products.Lookup(product)
	if !ok || !a.Holds(product) {
		return problem.New(problem.WrongState, "The license is not assigned.")
	}
	if b.Holds(product) {
		return problem.Newf(problem.UserAlreadyLicensed, "The user already holds a license of %s.", product)
	}
	if err := mayHold(&b.Holder, p); err != nil {
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
		if err := g.unextend(from); err != nil {
			return err
		}
		if err := g.extend(to, extension, number); err != nil {
			return err
		}
	}
	for _, q := range moving {
		l := g.licenses[a.Holdings[q.ID].LicenseID]
		given, taken := a.Holdings[q.ID], b.Holding(q.ID)
		if taken.Waiting != "" {
			if err := g.leaveWaiting(b, q); err != nil {
				return err
			}
		}
		for _, byHand := range given.Grants {
			if !record.Automatic(byHand.Source) {
				taken.Grants = withGrant(taken.Grants, byHand.Source, g.at)
			}
		}
		if !slices.ContainsFunc(taken.Grants, func(g Grant) bool { return !record.Automatic(g.Source) }) {
			taken.Grants = withGrant(taken.Grants, Direct, g.at)
		}
		given.Grants = withoutGrants(given.Grants, func(s string) bool { return !record.Automatic(s) })
		if len(given.Grants) > 0 && given.Excluded == nil {
			g.exclude(a, q.ID)
		}
		if taken.Excluded != nil {
			g.readmit(b, q.ID)
		}
		given.LicenseID, taken.LicenseID = "", l.now.ID
		at := g.at
		l.now.UserID, l.now.UserName, l.now.AssignedAt = to, b.Name, &at
		l.now.Grants = slices.Clone(taken.Grants)
		l.now.Extension = b.Extension
		if q.Base != "" {
			l.now.BaseLicenseID = b.Holdings[q.Base].LicenseID
		}
		g.record(g.seatChange("license.reassigned", l, to, ""))
	}
	if err := g.settle(a); err != nil {
		return err
	}
	return g.settle(b)
}

// setAddOns makes the add-ons of a base that a loaded user holds exactly these: seats are taken and
// given back together or not at all (requirements, section 4).
//
// Errors: base-license-required when the base is not held; not-enough-licenses; validation for what
// is no add-on of the base.
func (g *ledger) setAddOns(user, base string, addOns []string, source string) error {
	h := g.holders[user]
	if h == nil || h.gone {
		return problem.Missing("user")
	}
	if !h.Holds(base) {
		return problem.Newf(problem.BaseLicenseRequired, "The user holds no license of %s.", base)
	}
	known := g.products.AddOns(base)
	if foreign := problem.Culprits("productIds", problem.NotApplicable, addOns, func(i int) bool {
		return !slices.ContainsFunc(known, func(p catalog.Product) bool { return p.ID == addOns[i] })
	}, "is no add-on of the base license's product"); len(foreign) > 0 {
		return problem.Validation(foreign...)
	}
	missing := needs{}
	for _, p := range known {
		if slices.Contains(addOns, p.ID) && !h.Holds(p.ID) && g.pools[p.ID] == nil && !g.reserving {
			missing.seats = append(missing.seats, p.ID)
		}
	}
	if len(missing.seats) > 0 {
		return &missing // all at once
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
