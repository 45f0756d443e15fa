package massconfig

import (
	"context"
	"fmt"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/problem"
)

// inFile says which users and extensions have a row of their own: what one row takes from another's is not lost, for that other row says what becomes of it.
type inFile struct{ user, ext map[string]bool }

func (f inFile) add(ext string, t target) {
	f.ext[ext] = true
	if t.User != "" {
		f.user[t.User] = true
	}
}

func newInFile() inFile { return inFile{user: map[string]bool{}, ext: map[string]bool{}} }

// loadRows reads what rows are about: their extensions, users and numbers, then whoever has these extensions and numbers now; two reads for any number of rows.
func loadRows(ctx context.Context, ch *license.Change, rows []planRow) error {
	var need license.Need
	rows = slices.DeleteFunc(slices.Clone(rows), func(r planRow) bool { return r.Outcome == Bad })
	for _, r := range rows {
		need.Extensions = append(need.Extensions, r.Extension)
		need.Users = append(need.Users, r.Wanted.User)
		need.Numbers = append(need.Numbers, r.Wanted.Number)
	}
	if _, err := ch.Load(ctx, need); err != nil {
		return err
	}
	var owners license.Need
	for _, r := range rows {
		owners.Users = append(owners.Users, ch.Extension(r.Extension).UserID)
		owners.Extensions = append(owners.Extensions, ch.NumberOwner(r.Wanted.Number))
	}
	if _, err := ch.Load(ctx, owners); err != nil {
		return err
	}
	var last license.Need
	for _, r := range rows {
		last.Users = append(last.Users, ch.Extension(ch.NumberOwner(r.Wanted.Number)).UserID)
	}
	_, err := ch.Load(ctx, last)
	return err
}

// stateOf is what an extension is now.
func stateOf(ch *license.Change, products *catalog.Catalog, ext string) target {
	x := ch.Extension(ext)
	t := target{Number: x.Number, User: x.UserID}
	h, err := ch.Holder(x.UserID)
	if err != nil {
		return t
	}
	t.Licensed, t.AddOns = held(h, products)
	return t
}

func held(h *license.Holder, products *catalog.Catalog) (licensed bool, addOns []string) {
	for _, p := range products.AddOns(catalog.PhoneSystemID) {
		if h.Holds(p.ID) {
			addOns = append(addOns, p.ID)
		}
	}
	return h.Holds(catalog.PhoneSystemID), addOns
}

// moves says whether a row carries the license of the extension's present user over to the wanted one, with its add-ons: when that user has no row of their own and
// the wanted one has no license yet.
func moves(ch *license.Change, now target, wanted target, file inFile) bool {
	if now.User == "" || wanted.User == "" || now.User == wanted.User || !now.Licensed || !wanted.Licensed || file.user[now.User] {
		return false
	}
	to, err := ch.Holder(wanted.User)
	return err == nil && !to.Holds(catalog.PhoneSystemID)
}

// judge decides the outcome of a row on the loaded state, and counts the seats it needs. It changes nothing.
//
// Seats that the same file gives back are not counted in favour of it: rows are applied one by one, each whole, so a seat may be wanted before another row frees one.
func judge(ch *license.Change, products *catalog.Catalog, r *planRow, file inFile, needs map[string]int64) {
	now := stateOf(ch, products, r.Extension)
	r.Before, r.Changes = now, nil
	if owner := ch.NumberOwner(r.Wanted.Number); owner != "" && owner != r.Extension && !file.ext[owner] {
		r.Errors = append(r.Errors, RowError{Row: r.Row, Message: fmt.Sprintf("The number belongs to extension %s, which has no row in this file.", owner)})
	}
	if len(r.Errors) > 0 {
		r.Outcome = Bad
		return
	}
	r.Changes = compare(now, r.Wanted)
	switch {
	case len(r.Changes) == 0:
		r.Outcome = Unchanged
		return
	case now.User == "" && now.Number == "":
		r.Outcome = New
	default:
		r.Outcome = Change
	}
	if !r.Wanted.Licensed || r.Wanted.User == "" {
		return
	}
	var licensed bool
	var addOns []string
	if moves(ch, now, r.Wanted, file) {
		licensed, addOns = now.Licensed, now.AddOns
	} else if h, err := ch.Holder(r.Wanted.User); err == nil {
		licensed, addOns = held(h, products)
	}
	if !licensed {
		needs[catalog.PhoneSystemID]++
	}
	for _, id := range r.Wanted.AddOns {
		if !slices.Contains(addOns, id) {
			needs[id]++
		}
	}
}

// configure makes an extension what its row wants, within a change that is loaded for it.
//
// Errors: what the kernel refuses, as problems; nothing of the row is then to be committed.
func configure(ctx context.Context, ch *license.Change, products *catalog.Catalog, r planRow, file inFile, grant string) error {
	now, wanted := stateOf(ch, products, r.Extension), r.Wanted
	if owner := ch.NumberOwner(wanted.Number); owner != "" && owner != r.Extension {
		if !file.ext[owner] {
			return problem.Newf(problem.NumberInUse, "The number belongs to extension %s.", owner)
		}
		if err := ch.Extend(ctx, ch.Extension(owner).UserID, owner, ""); err != nil {
			return err
		}
	}
	if now.User != "" && now.User != wanted.User {
		if err := vacate(ctx, ch, now, wanted, file); err != nil {
			return err
		}
	}
	if wanted.User == "" {
		return nil
	}
	if err := ch.Extend(ctx, wanted.User, r.Extension, wanted.Number); err != nil {
		return err
	}
	h, err := ch.Holder(wanted.User)
	if err != nil {
		return err
	}
	if !wanted.Licensed {
		return ch.Unassign(ctx, wanted.User, catalog.PhoneSystemID)
	}
	if !h.Holds(catalog.PhoneSystemID) {
		if err := ch.Grant(ctx, wanted.User, catalog.PhoneSystemID, grant); err != nil {
			return err
		}
	}
	return ch.SetAddOns(ctx, wanted.User, catalog.PhoneSystemID, wanted.AddOns, grant)
}

// vacate takes the extension from its present user: the license goes along, stays for the user's own row, or returns to the pool.
func vacate(ctx context.Context, ch *license.Change, now, wanted target, file inFile) error {
	if moves(ch, now, wanted, file) {
		return ch.Move(ctx, now.User, wanted.User, catalog.PhoneSystemID)
	}
	if !file.user[now.User] {
		if err := ch.Unassign(ctx, now.User, catalog.PhoneSystemID); err != nil {
			return err
		}
	}
	return ch.Unextend(ctx, now.User)
}
