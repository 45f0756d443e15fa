package license

import (
	"context"
	"maps"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// Versioned is the answer to a change of a license, and the version of which its entity tag is made.
type Versioned struct {
	ChangedLicense
	Version int64
}

// Also is what a change did beyond what was asked for (requirements, section 4).
type Also struct {
	ReturnedAddOns    []string `json:"returnedAddOns,omitempty" doc:"Ids of the add-ons that went back with it."`
	ExcludedProduct   string   `json:"excludedProduct,omitempty" doc:"The product from whose automatic assignment the user is excluded now."`
	ReplacedExtension string   `json:"replacedExtension,omitempty" doc:"The extension that the user had before."`
}

// ChangedLicense is the answer to a change of a license.
type ChangedLicense struct {
	License
	Also
}

// change carries out a decision about one license, which is loaded with what is needed beside it,
// and commits it with the license as the answer. The license is one of the caller's cost centers.
func (d *Service) change(
	ctx context.Context, c *call.Call, id string, need Need, decide func(g *ledger, l License) error,
) (Versioned, error) {
	var out Versioned
	err := call.Decide(ctx, func(ctx context.Context) error {
		u := d.Change(c)
		if err := u.loadTheirs(ctx, id, need); err != nil {
			return err
		}
		l, version, err := u.after(id)
		if err != nil {
			return err
		}
		if err := c.MatchesTag(call.Tag(version)); err != nil {
			return err
		}
		if err := u.do(ctx, func(g *ledger) error { return decide(g, l) }); err != nil {
			return u.confirmRefusal(ctx, err)
		}
		if out.License, out.Version, err = u.after(id); err != nil {
			return err
		}
		out.Also = u.also(l, out.UserID)
		return u.Commit(ctx, call.Told(out.ChangedLicense, out.Version))
	})
	return out, err
}

// also is what was done beyond a license, which was so before, and for the user who has it now.
func (g *ledger) also(before License, user string) Also {
	var did Also
	for _, id := range slices.Sorted(maps.Keys(g.licenses)) {
		if l := g.licenses[id]; before.UserID != "" && l.before.BaseLicenseID == before.ID &&
			l.before.UserID == before.UserID && l.now.UserID == "" {
			did.ReturnedAddOns = append(did.ReturnedAddOns, id)
		}
	}
	if g.exclusions[before.ProductID+"#"+before.UserID] {
		did.ExcludedProduct = before.ProductID
	}
	if h := g.holders[user]; h != nil && h.now.Extension != "" && h.before.Extension != h.now.Extension {
		did.ReplacedExtension = h.before.Extension
	}
	return did
}

// Assign gives this license to a user, with an extension if one is named (requirements, section 4).
// For the user who holds it already it is success and changes nothing.
//
// Errors: not-found; license-not-available when it is somebody else's or terminated;
// user-already-licensed when the user holds another of the product; user-inactive,
// base-license-required, mutually-exclusive, extension-in-use; validation for an extension where
// the product has none.
func (d *Service) Assign(ctx context.Context, c *call.Call, id, user, extension string) (Versioned, error) {
	need := Need{Users: []string{user}, Extensions: []string{extension}, fences: true}
	return d.change(ctx, c, id, need, func(g *ledger, l License) error {
		if err := g.TheirUser(user); err != nil {
			return err
		}
		if err := g.extendFor(user, l.ProductID, extension); err != nil {
			return err
		}
		return g.grantLicense(user, id, Direct)
	})
}

// extendFor gives a user the extension that comes with an assignment.
func (g *ledger) extendFor(user, product, extension string) error {
	h, err := g.Holder(user)
	if err != nil {
		return err
	}
	if p, _ := g.products.Lookup(product); extension != "" && !p.Extension {
		return problem.Invalid("extension", problem.NotApplicable, "%s has no extension", g.products.Name(product))
	}
	if extension == "" || h.Extension == extension {
		return nil
	}
	return g.extend(user, extension, "")
}

// Unassign returns the license to the pool, its add-ons with it; automatic grants that stood behind
// it exclude the user (requirements, section 4).
//
// Errors: not-found; wrong-state when nobody holds it.
func (d *Service) Unassign(ctx context.Context, c *call.Call, id string) (Versioned, error) {
	return d.change(ctx, c, id, Need{}, func(g *ledger, l License) error {
		if err := g.assigned(l); err != nil {
			return err
		}
		return g.unassign(l.UserID, l.ProductID)
	})
}

// assigned demands that somebody holds a license, and that they and all that they hold are loaded.
func (g *ledger) assigned(l License) error {
	if l.UserID == "" {
		return problem.New(problem.WrongState, "The license is not assigned.")
	}
	if err := g.families(l.UserID); err != nil {
		return err
	}
	return g.agreed(l.UserID, l.ID)
}

// families demands that users are loaded and, in one more read, all that they hold.
func (g *ledger) families(users ...string) error {
	if err := g.need(Need{Users: users}); err != nil {
		return err
	}
	var held []string
	for _, user := range users {
		if h := g.holder(user); h != nil {
			held = append(held, h.Held()...)
		}
	}
	return g.need(Need{Licenses: held})
}

// Reassign moves the license, with its extension and its add-ons, to another user in one step
// (requirements, section 4).
//
// Errors: not-found; wrong-state when nobody holds it; user-already-licensed when the user holds
// the product, this very license included; user-inactive, base-license-required,
// mutually-exclusive; forbidden for an admin of some cost centers when who holds it is none of theirs.
func (d *Service) Reassign(ctx context.Context, c *call.Call, id, user string) (Versioned, error) {
	return d.change(ctx, c, id, Need{Users: []string{user}, fences: true}, func(g *ledger, l License) error {
		if err := g.TheirUser(user); err != nil {
			return err
		}
		if err := g.assigned(l); err != nil {
			return err
		}
		if g.TheirUser(l.UserID) != nil { // whose extension would go too
			return problem.New(problem.Forbidden,
				"Who holds the license is of a cost center that is none of yours: unassign it first.")
		}
		return g.move(l.UserID, user, l.ProductID, Direct)
	})
}

// Terminate ends a license for ever (requirements, section 4); one that is terminated already stays
// as it is.
//
// Errors: not-found; license-in-use when it is assigned; license-not-available when it is reserved.
func (d *Service) Terminate(ctx context.Context, c *call.Call, id string) (Versioned, error) {
	return d.change(ctx, c, id, Need{}, func(g *ledger, _ License) error { return g.terminate(id) })
}

// SetCostCenter moves a license to another cost center.
//
// Errors: not-found; validation when there is no such cost center; wrong-state when the license is
// terminated or metered; license-not-available when it is reserved; forbidden when the other cost
// center is none of the caller's.
func (d *Service) SetCostCenter(ctx context.Context, c *call.Call, id, costCenter string) (Versioned, error) {
	need := Need{CostCenter: costCenter, fences: true}
	return d.change(ctx, c, id, need, func(g *ledger, _ License) error {
		if err := g.moves(costCenter); err != nil {
			return err
		}
		return g.setCostCenter(id, costCenter)
	})
}

// AddOns is the set of add-ons of a base license, in the catalog's order, with the versions of
// which its entity tag is made: the base's and the holder's.
type AddOns struct {
	AddOnList
	Versions []int64
}

// AddOnList is the add-ons of a base license as GET tells them.
type AddOnList struct {
	Items []License `json:"items" nullable:"false" doc:"The add-on licenses."`
	// ProductIDs are the same as products, which is what PUT takes.
	ProductIDs []string `json:"productIds" nullable:"false" doc:"The products of the add-ons."`
}

// AddOns reads the add-ons that hang on a base license; there are none while nobody holds it.
//
// Errors: not-found; base-license-required when the license is no base license.
func (d *Service) AddOns(ctx context.Context, c *call.Call, id string) (AddOns, error) {
	var out AddOns
	err := call.Decide(ctx, func(ctx context.Context) error {
		u := d.Change(c)
		if err := u.loadTheirs(ctx, id, Need{}); err != nil {
			return err
		}
		return u.do(ctx, func(g *ledger) (err error) {
			_, out, err = g.addOns(id)
			return err
		})
	})
	return out, err
}

// SetAddOns makes the add-ons of a base license exactly these products, in one save (requirements,
// section 4).
//
// Errors: not-found; base-license-required when the license is no base license; wrong-state when
// nobody holds it; not-enough-licenses; validation for a product that is no add-on of the base;
// precondition-failed; forbidden for an admin of some cost centers who takes away an add-on of another.
func (d *Service) SetAddOns(ctx context.Context, c *call.Call, id string, products []string) (AddOns, error) {
	var out AddOns
	err := call.Decide(ctx, func(ctx context.Context) error {
		u := d.Change(c)
		if err := u.loadTheirs(ctx, id, Need{}); err != nil {
			return err
		}
		var base License
		look := func(g *ledger) (err error) {
			base, out, err = g.addOns(id)
			return err
		}
		if err := u.do(ctx, look); err != nil {
			return err
		}
		if err := c.MatchesTag(call.Tag(out.Versions...)); err != nil {
			return err
		}
		if base.UserID == "" && len(products) > 0 {
			return problem.New(problem.WrongState, "The license is not assigned; its add-ons go with its user.")
		}
		if base.UserID != "" {
			if err := u.theirAddOns(base, out.Items, products); err != nil {
				return err
			}
			if err := u.SetAddOns(ctx, base.UserID, base.ProductID, products, Direct); err != nil {
				return u.confirmRefusal(ctx, err)
			}
		}
		if err := u.do(ctx, look); err != nil {
			return err
		}
		return u.Commit(ctx, call.Told(out.AddOnList, out.Versions...))
	})
	return out, err
}

// addOns are a base license and its add-ons as they are when the change is committed.
func (g *ledger) addOns(id string) (base License, out AddOns, err error) {
	out = AddOns{AddOnList: AddOnList{Items: []License{}, ProductIDs: []string{}}}
	if err := g.need(Need{Licenses: []string{id}}); err != nil {
		return base, out, err
	}
	base, version, err := g.after(id)
	switch out.Versions = []int64{version}; {
	case err != nil:
		return base, out, err
	case base.Kind != catalog.Base:
		err := problem.New(problem.BaseLicenseRequired, "Add-ons hang on a base license, and this is none.")
		return base, out, err
	case base.UserID == "":
		return base, out, nil
	}
	if err := g.assigned(base); err != nil {
		return base, out, err
	}
	h := g.holders[base.UserID]
	for _, p := range g.products.AddOns(base.ProductID) {
		if !h.now.Holds(p.ID) {
			continue
		}
		l, err := g.held(&h.now, p.ID)
		if err != nil {
			return base, out, err
		}
		out.Items = append(out.Items, record.Shown(g.products, l.now.License))
		out.ProductIDs = append(out.ProductIDs, p.ID)
	}
	out.Versions = append(out.Versions, h.after())
	return base, out, nil
}

// LiftExclusion lets automatic grants of the product count again for the user (requirements,
// section 4).
//
// Errors: not-found.
func (d *Service) LiftExclusion(ctx context.Context, c *call.Call, product, user string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		u := d.Change(c)
		err := u.do(ctx, func(g *ledger) error {
			return g.need(Need{Users: []string{user}})
		})
		if err == nil {
			err = u.HoldToLimit(ctx)
		}
		if err != nil {
			return err
		}
		err = u.do(ctx, func(g *ledger) error {
			if g.TheirUser(user) != nil {
				return problem.Missing("exclusion")
			}
			return g.lift(user, product)
		})
		if err != nil {
			return err
		}
		return u.Commit(ctx, call.Gone())
	})
}
