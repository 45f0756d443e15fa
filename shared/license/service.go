package license

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Get reads one license and its version, strongly consistent. A license of another account and a
// missing one are the same not-found.
func (d *Service) Get(ctx context.Context, c *call.Call, id string) (License, int64, error) {
	if !wellFormed(id) {
		return License{}, 0, problem.Missing("license")
	}
	key, markers := licenseKey(c.Account, id), d.markers(c.Account, []string{id})
	found, err := c.Lookup(ctx, append(markers, key)...)
	if err != nil {
		return License{}, 0, err
	}
	item, ok := found[key]
	if !ok {
		return License{}, 0, problem.Missing("license")
	}
	l, err := call.Decode[stored](item)
	if err != nil {
		return License{}, 0, err
	}
	if d.known.add(found, markers); !d.seen(c.Account, l) {
		return License{}, 0, problem.Missing("license")
	}
	return d.shown(l.License), item.Version, nil
}

// shown is a license as it is answered: with the name that its product has now, which is not
// stored.
func (d *Service) shown(l License) License {
	if p, ok := d.products.Lookup(l.ProductID); ok {
		l.ProductName = p.Name
	}
	return l
}

// Summary counts the seats of every product of the catalog, in its order. It is one strongly
// consistent query of a few dozen items, whatever the number of licenses. Of a metered product what
// is assigned counts as bought. What is reserved for a mass configuration that is being applied is
// not available.
func (d *Service) Summary(ctx context.Context, c *call.Call) ([]Summary, error) {
	counts := map[string]int64{}
	err := table.All(ctx, c.Env.Table, table.Query{Partition: seatsPartition(c.Account)}, func(item table.Item) error {
		for name, n := range item.Counts {
			if name == countBought {
				name = countName(countBought, item.Sort)
			}
			counts[name] += n
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	products := d.products.Products()
	list := make([]Summary, len(products))
	for i, p := range products {
		s := Summary{
			ProductID: p.ID,
			Name:      p.Name,
			Kind:      p.Kind,
			Bought:    counts[countName(countBought, p.ID)],
			Assigned:  counts[countName(countAssigned, p.ID)],
			Waiting:   counts[countName(countWaiting, p.ID)],
		}
		if p.Kind == catalog.Metered {
			s.Bought = s.Assigned
		}
		s.Reserved = counts[countName(countReserved, p.ID)]
		s.Available = s.Bought - s.Assigned - s.Reserved
		list[i] = s
	}
	return list, nil
}

// Versioned is a license with its version, of which its entity tag is made, and what else a change
// of it did.
type Versioned struct {
	License
	Version int64
	Also
}

// Also is what a change did beyond what was asked for (spec 4).
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
		return ch.Commit(ctx, out.answer())
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

func (v Versioned) answer() call.Answer {
	return call.Answer{
		Status: http.StatusOK,
		Header: map[string]string{"ETag": call.Tag(v.Version)},
		Body:   ChangedLicense{v.License, v.Also},
	}
}

// Assign gives this license to a user, with an extension if one is named (spec 4). For the user who
// holds it already it is success and changes nothing.
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
// it exclude the user (spec 4).
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
			held = append(held, h.held()...)
		}
	}
	_, err := ch.Load(ctx, Need{Licenses: held})
	return err
}

// Reassign moves the license, with its extension and its add-ons, to another user in one step (spec
// 4).
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

// Terminate ends a license for ever (spec 4); one that is terminated already stays as it is.
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

// CostCenterKey is where package purchase keeps a cost center.
func CostCenterKey(account, code string) table.Key {
	return table.Key{Partition: call.Partition(account, "COST-CENTER"), Sort: code}
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
		return ch.Commit(ctx, out.answer(), table.Check(CostCenterKey(c.Account, costCenter), table.IfPresent))
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
	Items    []License
	Versions []int64
}

func (a AddOns) answer() call.Answer {
	return call.Answer{
		Status: http.StatusOK,
		Header: map[string]string{"ETag": call.Tag(a.Versions...)},
		Body:   a.list(),
	}
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

// SetAddOns makes the add-ons of a base license exactly these products, in one save (spec 4).
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
				return c.Commit(ctx, out.answer())
			}
			return problem.New(problem.WrongState, "The license is not assigned; its add-ons go with its user.")
		}
		if err := ch.SetAddOns(ctx, l.UserID, l.ProductID, products, Direct); err != nil {
			return ch.confirmRefusal(ctx, err)
		}
		if out, err = ch.addOns(l); err != nil {
			return err
		}
		return ch.Commit(ctx, out.answer())
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
	out := AddOns{Items: []License{}, Versions: []int64{version}}
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
			out.Items = append(out.Items, ch.service.shown(l))
		}
	}
	held := h.version
	if h.changed() {
		held++
	}
	out.Versions = append(out.Versions, held)
	return out, nil
}

// LiftExclusion lets automatic grants of the product count again for the user (spec 4).
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
		return ch.Commit(ctx, call.Answer{Status: http.StatusNoContent})
	})
}

// Waiting is a page of the waiting lists: by product, first come first. product and user narrow it;
// either may be empty.
func (d *Service) Waiting(
	ctx context.Context,
	c *call.Call,
	product, user, position string,
	limit int,
) ([]Wait, string, error) {
	if user == "" {
		return pageOf[Wait](ctx, c, waitPartition(c.Account), product, position, limit)
	}
	h, err := d.holder(ctx, c, user)
	if err != nil || h == nil {
		return nil, "", err
	}
	var keys []table.Key
	for id, holding := range h.Holdings {
		if holding.Waiting != "" && (product == "" || id == product) && holding.Waiting > position {
			keys = append(keys, waitKey(c.Account, holding.Waiting))
		}
	}
	return fetchPage[Wait](ctx, c, keys, limit)
}

// Exclusions is a page of who is kept from automatic assignment, by product and user. product and
// user narrow it; either may be empty.
func (d *Service) Exclusions(
	ctx context.Context,
	c *call.Call,
	product, user, position string,
	limit int,
) ([]Excluded, string, error) {
	if user == "" {
		return pageOf[Excluded](ctx, c, exclusionPartition(c.Account), product, position, limit)
	}
	h, err := d.holder(ctx, c, user)
	if err != nil || h == nil {
		return nil, "", err
	}
	var keys []table.Key
	for id, holding := range h.Holdings {
		key := exclusionKey(c.Account, id, user)
		if holding.Excluded != nil && (product == "" || id == product) && key.Sort > position {
			keys = append(keys, key)
		}
	}
	return fetchPage[Excluded](ctx, c, keys, limit)
}

// holder reads a user; nil if there is none.
func (d *Service) holder(ctx context.Context, c *call.Call, user string) (*Holder, error) {
	if !usable(user) {
		return nil, nil
	}
	item, ok, err := c.Get(ctx, HolderKey(c.Account, user))
	if err != nil || !ok {
		return nil, err
	}
	h, err := call.Decode[Holder](item)
	if err != nil {
		return nil, err
	}
	return &h, nil
}

// pageOf reads a page of documents whose sort keys begin with a product, if one is given. The
// position is the last sort key.
func pageOf[T any](
	ctx context.Context,
	c *call.Call,
	partition, product, position string,
	limit int,
) ([]T, string, error) {
	q := table.Query{Partition: partition, Limit: limit + 1}
	if product != "" {
		q.Prefix = product + "#"
	}
	if position != "" {
		q.From = position + "\x00"
	}
	var items []table.Item
	for {
		page, err := c.Env.Table.Query(ctx, q)
		if err != nil {
			return nil, "", err
		}
		if items = append(items, page.Items...); len(items) > limit || page.Next == "" {
			break
		}
		q.After = page.Next
	}
	return documents[T](items, limit)
}

// those reads the documents of a few known keys.
func fetchPage[T any](ctx context.Context, c *call.Call, keys []table.Key, limit int) ([]T, string, error) {
	found, err := c.Lookup(ctx, keys...)
	if err != nil {
		return nil, "", err
	}
	var items []table.Item
	for _, key := range keys {
		if item, ok := found[key]; ok {
			items = append(items, item)
		}
	}
	slices.SortFunc(items, func(a, b table.Item) int { return strings.Compare(a.Sort, b.Sort) })
	return documents[T](items, limit)
}

func documents[T any](items []table.Item, limit int) ([]T, string, error) {
	next := ""
	if len(items) > limit {
		items, next = items[:limit], items[limit-1].Sort
	}
	list := make([]T, len(items))
	for i, item := range items {
		var err error
		if list[i], err = call.Decode[T](item); err != nil {
			return nil, "", err
		}
	}
	return list, next, nil
}
