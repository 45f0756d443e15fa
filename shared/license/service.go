package license

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
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

// change carries out verbs on one license, which is loaded with the users, and commits them with
// the license as the answer.
func (d *Service) change(
	ctx context.Context,
	c *call.Call,
	id string,
	need Need,
	verbs func(ctx context.Context, ch *UnitOfWork, l License) error,
) (Versioned, error) {
	var out Versioned
	need.Licenses = append(need.Licenses, id)
	err := call.Decide(ctx, func(ctx context.Context) error {
		ch := d.Change(c)
		if _, err := ch.Load(ctx, need); err != nil {
			return err
		}
		l, version, err := ch.after(id)
		if err != nil {
			return err
		}
		if err := c.Matches(true, version); err != nil {
			return err
		}
		if err := verbs(ctx, ch, l); err != nil {
			return ch.confirmRefusal(ctx, err)
		}
		if out.License, out.Version, err = ch.after(id); err != nil {
			return err
		}
		out.Also = ch.also(l, out.UserID)
		return ch.Commit(ctx, call.Told(out.ChangedLicense, out.Version))
	})
	return out, err
}

// also is what was done beyond a license, which was so before, and for the user who has it now.
func (ch *UnitOfWork) also(before License, user string) Also {
	var did Also
	for _, id := range slices.Sorted(maps.Keys(ch.licenses)) {
		if l := ch.licenses[id]; l.before.BaseLicenseID == before.ID && l.before.UserID == before.UserID &&
			l.before.UserID != "" &&
			l.now.UserID == "" {
			did.ReturnedAddOns = append(did.ReturnedAddOns, id)
		}
	}
	if ch.exclusions[before.ProductID+"#"+before.UserID] {
		did.ExcludedProduct = before.ProductID
	}
	if h := ch.holders[user]; h != nil && h.extended != "" && h.Extension != "" && h.extended != h.Extension {
		did.ReplacedExtension = h.extended
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
	need := Need{Users: []string{user}, Extensions: []string{extension}}
	return d.change(ctx, c, id, need, func(ctx context.Context, ch *UnitOfWork, l License) error {
		if _, err := ch.Holder(user); err != nil {
			return err
		}
		if err := ch.extend(ctx, user, l.ProductID, extension); err != nil {
			return err
		}
		return ch.GrantLicense(ctx, user, id, Direct)
	})
}

// extend gives a user the extension that comes with an assignment.
func (ch *UnitOfWork) extend(ctx context.Context, user, product, extension string) error {
	if extension == "" {
		return nil
	}
	p, _ := ch.products.Lookup(product)
	if !p.Extension {
		return problem.Invalid("extension", problem.NotApplicable, "%s has no extension", product)
	}
	h, err := ch.Holder(user)
	if err != nil {
		return err
	}
	if h.Extension == extension {
		return nil
	}
	return ch.Extend(ctx, user, extension, "")
}

// Unassign returns the license to the pool, its add-ons with it; automatic grants that stood behind
// it exclude the user (requirements, section 4).
//
// Errors: not-found; wrong-state when nobody holds it.
func (d *Service) Unassign(ctx context.Context, c *call.Call, id string) (Versioned, error) {
	return d.change(ctx, c, id, Need{}, func(ctx context.Context, ch *UnitOfWork, l License) error {
		if l.UserID == "" {
			return problem.New(problem.WrongState, "The license is not assigned.")
		}
		if err := ch.loadFamily(ctx, []string{l.UserID}); err != nil {
			return err
		}
		if err := ch.agreed(l.UserID, id); err != nil {
			return err
		}
		return ch.Unassign(ctx, l.UserID, l.ProductID)
	})
}

// loadFamily loads users and, in one more read, all that they hold.
func (ch *UnitOfWork) loadFamily(ctx context.Context, users []string) error {
	if _, err := ch.Load(ctx, Need{Users: users}); err != nil {
		return err
	}
	var held []string
	for _, user := range users {
		if h := ch.holders[user]; h != nil {
			held = append(held, h.Held()...)
		}
	}
	_, err := ch.Load(ctx, Need{Licenses: held})
	return err
}

// Reassign moves the license, with its extension and its add-ons, to another user in one step
// (requirements, section 4).
//
// Errors: not-found; wrong-state when nobody holds it; user-already-licensed when the user holds
// the product, this very license included; user-inactive, base-license-required,
// mutually-exclusive.
func (d *Service) Reassign(ctx context.Context, c *call.Call, id, user string) (Versioned, error) {
	return d.change(
		ctx,
		c,
		id,
		Need{Users: []string{user}},
		func(ctx context.Context, ch *UnitOfWork, l License) error {
			if _, err := ch.Holder(user); err != nil {
				return err
			}
			if l.UserID == "" {
				return problem.New(problem.WrongState, "The license is not assigned.")
			}
			if err := ch.loadFamily(ctx, []string{l.UserID}); err != nil {
				return err
			}
			if err := ch.agreed(l.UserID, id); err != nil {
				return err
			}
			return ch.Move(ctx, l.UserID, user, l.ProductID)
		},
	)
}

// Terminate ends a license for ever (requirements, section 4); one that is terminated already stays
// as it is.
//
// Errors: not-found; license-in-use when it is assigned.
func (d *Service) Terminate(ctx context.Context, c *call.Call, id string) (Versioned, error) {
	return d.change(
		ctx,
		c,
		id,
		Need{},
		func(_ context.Context, ch *UnitOfWork, _ License) error { return ch.Terminate(id) },
	)
}

// SetCostCenter moves a license to another cost center.
//
// Errors: not-found; validation when there is no such cost center; wrong-state when the license is
// terminated or metered.
func (d *Service) SetCostCenter(ctx context.Context, c *call.Call, id, costCenter string) (Versioned, error) {
	var out Versioned
	err := call.Decide(ctx, func(ctx context.Context) error {
		ch := d.Change(c)
		there, err := ch.loadCostCenter(ctx, costCenter, []string{id})
		if err != nil {
			return err
		}
		_, version, err := ch.after(id)
		if err != nil {
			return err
		}
		if err := c.Matches(true, version); err != nil {
			return err
		}
		if err := there(); err != nil {
			return err
		}
		if err := ch.SetCostCenter(id, costCenter); err != nil {
			return ch.confirmRefusal(ctx, err)
		}
		if out.License, out.Version, err = ch.after(id); err != nil {
			return err
		}
		return ch.Commit(
			ctx,
			call.Told(out.ChangedLicense, out.Version),
			table.Check(CostCenterKey(c.Account, costCenter), table.IfPresent),
		)
	})
	return out, err
}

// loadCostCenter loads licenses together with a cost center; the returned function says what is
// wrong when there is none.
func (ch *UnitOfWork) loadCostCenter(ctx context.Context, costCenter string, licenses []string) (func() error, error) {
	key := CostCenterKey(ch.c.Account, costCenter)
	found, err := ch.Load(ctx, Need{Licenses: licenses, Also: []table.Key{key}})
	if err != nil {
		return nil, err
	}
	return func() error {
		if _, ok := found[key]; !ok {
			return problem.Invalid("costCenter", problem.UnknownID, "is no cost center of this account")
		}
		return nil
	}, nil
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
		ch := d.Change(c)
		l, err := ch.loadBase(ctx, id)
		if err != nil {
			return err
		}
		out, err = ch.addOns(l)
		return err
	})
	return out, err
}

// SetAddOns makes the add-ons of a base license exactly these products, in one save (requirements,
// section 4).
//
// Errors: not-found; base-license-required when the license is no base license; wrong-state when
// nobody holds it; not-enough-licenses; validation for a product that is no add-on of the base;
// precondition-failed.
func (d *Service) SetAddOns(ctx context.Context, c *call.Call, id string, products []string) (AddOns, error) {
	var out AddOns
	err := call.Decide(ctx, func(ctx context.Context) error {
		ch := d.Change(c)
		l, err := ch.loadBase(ctx, id)
		if err != nil {
			return err
		}
		before, err := ch.addOns(l)
		if err != nil {
			return err
		}
		if err := c.Matches(true, before.Versions...); err != nil {
			return err
		}
		if l.UserID == "" {
			if out = before; len(products) == 0 { // as it is
				return c.Commit(ctx, call.Told(out.AddOnList, out.Versions...))
			}
			return problem.New(problem.WrongState, "The license is not assigned; its add-ons go with its user.")
		}
		if err := ch.SetAddOns(ctx, l.UserID, l.ProductID, products, Direct); err != nil {
			return ch.confirmRefusal(ctx, err)
		}
		if out, err = ch.addOns(l); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Told(out.AddOnList, out.Versions...))
	})
	return out, err
}

// loadBase loads a base license, who holds it and what they hold.
func (ch *UnitOfWork) loadBase(ctx context.Context, id string) (License, error) {
	if _, err := ch.Load(ctx, Need{Licenses: []string{id}}); err != nil {
		return License{}, err
	}
	l, err := ch.License(id)
	if err != nil {
		return License{}, err
	}
	if l.Kind != catalog.Base {
		return License{}, problem.New(problem.BaseLicenseRequired, "Add-ons hang on a base license, and this is none.")
	}
	if l.UserID == "" {
		return l, nil
	}
	if err := ch.loadFamily(ctx, []string{l.UserID}); err != nil {
		return License{}, err
	}
	return l, ch.agreed(l.UserID, id)
}

// addOns are the add-ons of a base license as they are when the change is committed.
func (ch *UnitOfWork) addOns(base License) (AddOns, error) {
	_, version, err := ch.after(base.ID)
	if err != nil {
		return AddOns{}, err
	}
	out := AddOns{AddOnList{Items: []License{}, ProductIDs: []string{}}, []int64{version}}
	if base.UserID == "" {
		return out, nil
	}
	h, ok := ch.holders[base.UserID]
	if !ok {
		return AddOns{}, fmt.Errorf("holder %s of license %s is missing", base.UserID, base.ID)
	}
	for _, p := range ch.products.AddOns(base.ProductID) {
		if h.Holds(p.ID) {
			l, err := ch.License(h.Holdings[p.ID].LicenseID)
			if err != nil {
				return AddOns{}, fmt.Errorf("add-on of license %s: %w", base.ID, err)
			}
			if err := ch.agreed(base.UserID, l.ID); err != nil {
				return AddOns{}, err
			}
			out.Items = append(out.Items, ch.service.records.Shown(l))
			out.ProductIDs = append(out.ProductIDs, p.ID)
		}
	}
	held := h.version
	if h.changed() {
		held++
	}
	out.Versions = append(out.Versions, held)
	return out, nil
}

// LiftExclusion lets automatic grants of the product count again for the user (requirements,
// section 4).
//
// Errors: not-found.
func (d *Service) LiftExclusion(ctx context.Context, c *call.Call, product, user string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		ch := d.Change(c)
		if _, err := ch.Load(ctx, Need{Users: []string{user}}); err != nil {
			return err
		}
		if err := ch.Lift(ctx, user, product); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Gone())
	})
}
