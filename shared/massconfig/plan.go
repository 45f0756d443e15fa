package massconfig

import (
	"context"
	"fmt"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/platform/problem"
)

// inFile says which users and extensions have a row of their own that is applied: what one row
// takes from another's is not lost, for that other row says what becomes of it. A bad row is not
// applied, so it does not count.
type inFile struct {
	user, ext map[string]bool
	at        columns // to name the columns of what is found later
	source    string  // of the grants that the file gives, while it is applied
}

func newInFile() inFile {
	return inFile{user: map[string]bool{}, ext: map[string]bool{}, at: columns{ext: 0, number: 1, user: 2}}
}

func (f inFile) add(r planRow) {
	if r.Outcome == filejob.Bad {
		return
	}
	if r.Extension != "" {
		f.ext[r.Extension] = true
	}
	if r.Wanted.User != "" {
		f.user[r.Wanted.User] = true
	}
}

// loadRows reads what rows are about: their extensions, users and numbers; then whoever has these
// extensions and numbers now, and what the users would give up; three reads for any number of rows.
func loadRows(ctx context.Context, ch *license.UnitOfWork, rows []planRow) error {
	var need license.Need
	rows = slices.DeleteFunc(slices.Clone(rows), func(r planRow) bool { return r.Outcome == filejob.Bad })
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
		x := ch.Extension(r.Extension)
		owners.Users = append(owners.Users, x.UserID)
		owners.Numbers = append(owners.Numbers, x.Number)
		owners.Extensions = append(owners.Extensions, ch.NumberOwner(r.Wanted.Number))
		if h, err := ch.Holder(r.Wanted.User); err == nil {
			owners.Extensions, owners.Numbers = append(owners.Extensions, h.Extension), append(owners.Numbers, h.Number)
		}
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

// loadHeld reads the licenses of everybody whom loaded rows change, in one read; otherwise the
// kernel would read those of each by themselves. All of a user's show their extension.
func loadHeld(ctx context.Context, ch *license.UnitOfWork, rows []planRow) error {
	var need license.Need
	for _, r := range rows {
		if !r.Applies() {
			continue
		}
		for _, user := range []string{
			r.Wanted.User, ch.Extension(r.Extension).UserID, ch.Extension(ch.NumberOwner(r.Wanted.Number)).UserID,
		} {
			h, err := ch.Holder(user)
			if err != nil {
				continue // nobody
			}
			for _, holding := range h.Holdings {
				need.Licenses = append(need.Licenses, holding.LicenseID)
			}
		}
	}
	_, err := ch.Load(ctx, need)
	return err
}

// stateOf is what a row's extension is now, or what its user holds if it has no extension.
func stateOf(ch *license.UnitOfWork, addOns []string, r planRow) target {
	t := target{User: r.Wanted.User}
	if r.Extension != "" {
		x := ch.Extension(r.Extension)
		t.Number, t.User = x.Number, x.UserID
	}
	if h, err := ch.Holder(t.User); err == nil {
		t.Licensed, t.AddOns = held(h, addOns)
	}
	return t
}

// held is what of Phone System a user holds; addOns are its add-ons in the catalog's order.
func held(h *license.Holder, addOns []string) (licensed bool, holds []string) {
	for _, id := range addOns {
		if h.Holds(id) {
			holds = append(holds, id)
		}
	}
	return h.Holds(catalog.PhoneSystemID), holds
}

// moves says whether a row carries the license of the extension's present user over to the wanted
// one, with its add-ons: when that user has no row of their own and the wanted one has no license
// yet.
func moves(ch *license.UnitOfWork, now, wanted target, file inFile) bool {
	if now.User == "" || wanted.User == "" || now.User == wanted.User || !now.Licensed || !wanted.Licensed ||
		file.user[now.User] {
		return false
	}
	to, err := ch.Holder(wanted.User)
	return err == nil && !to.Holds(catalog.PhoneSystemID)
}

// judge decides the outcome of a row on the loaded state, and counts the seats it needs, for people
// of which cost center (license.SeatsFor). It changes nothing. leans are the extensions without whose
// own rows this one would be bad.
//
// Seats that the same file gives back are not counted for it: rows are applied one by one, each
// whole, so a seat may be wanted before another row frees one.
func judge(ch *license.UnitOfWork, addOns []string, r *planRow, file inFile, needs map[string]int64) (leans []string) {
	now := stateOf(ch, addOns, *r)
	r.Before, r.Changes, r.Had, r.Errors = now, nil, nil, nil
	leans = obstacles(ch, r, file)
	if len(r.Errors) > 0 {
		r.Outcome = filejob.Bad
		return leans
	}
	if sameNumber(now.Number, r.Wanted.Number) {
		r.Wanted.Number = now.Number
	}
	r.Changes = compare(now, r.Wanted)
	switch {
	case len(r.Changes) == 0:
		r.Outcome = filejob.Unchanged
		return leans
	case now.User == "" && now.Number == "":
		r.Outcome = filejob.New
	default:
		r.Outcome = filejob.Change
	}
	h, err := ch.Holder(r.Wanted.User)
	if err != nil {
		return leans // the row only takes away
	}
	licensed, holds := held(h, addOns)
	if now.User != r.Wanted.User && (h.Extension != "" || licensed) {
		r.Had = &owned{Extension: h.Extension, Number: h.Number, Licensed: licensed, AddOns: holds}
		if h.Extension != "" && !file.ext[h.Extension] {
			r.Changes = append(r.Changes, filejob.Difference{Field: "extension", From: h.Extension, To: r.Extension})
		}
	}
	if moves(ch, now, r.Wanted, file) {
		licensed, holds = now.Licensed, now.AddOns
	}
	if !r.Wanted.Licensed {
		return leans
	}
	if !licensed {
		needs[license.SeatsFor(catalog.PhoneSystemID, h.CostCenter)]++
	}
	for _, id := range r.Wanted.AddOns {
		if !slices.Contains(holds, id) {
			needs[license.SeatsFor(id, h.CostCenter)]++
		}
	}
	return leans
}

// obstacles notes what keeps a row from being applied on the loaded state, and finds what it leans
// on.
func obstacles(ch *license.UnitOfWork, r *planRow, file inFile) (leans []string) {
	fault := func(column int, format string, args ...any) {
		found := filejob.RowError{Row: r.Row, Column: file.at.name(column), Message: fmt.Sprintf(format, args...)}
		value := ""
		if column == file.at.number {
			value = r.Wanted.Number
		}
		r.Errors = append(r.Errors, found.In(file.at.header(column), value))
	}
	wanted := r.Wanted
	if r.Expect != nil && len(compare(r.Before, *r.Expect)) > 0 {
		what := "Extension " + r.Extension
		if r.Extension == "" {
			what = "What " + wanted.User + " holds"
		}
		fault(file.at.ext, "%s was changed since, and is left as it is.", what)
		return nil
	}
	// A number that the wanted user brings along from an extension that is given up is nobody
	// else's.
	if owner := ch.NumberOwner(wanted.Number); owner != "" && owner != r.Extension &&
		ch.Extension(owner).UserID != wanted.User {
		if file.ext[owner] {
			leans = append(leans, owner)
		} else {
			fault(file.at.number, "The number belongs to extension %s, which no row of this file changes.", owner)
		}
	}
	if wanted.User == "" {
		return leans
	}
	h, err := ch.Holder(wanted.User)
	switch {
	case err != nil:
		fault(file.at.user, "There is no user %s any more.", wanted.User)
	case !h.Active && wanted.Licensed:
		fault(file.at.user, "The user %s is not active.", wanted.User)
	case r.Expect == nil || h.Extension == "" || h.Extension == r.Extension:
	case file.ext[h.Extension]:
		leans = append(leans, h.Extension)
	default:
		fault(file.at.user, "The user %s has extension %s since, and keeps it.", wanted.User, h.Extension)
	}
	return leans
}

// configure makes an extension what its row wants, within a change that is loaded for it.
//
// Errors: plan-stale when somebody else changed what the row is about, and what the kernel refuses,
// as problems; nothing of the row is then to be committed.
func (b *batch) configure(ctx context.Context, ch *license.UnitOfWork, r planRow) error {
	wanted, addOns, file := r.Wanted, b.s.addOns, b.file
	file.source = grant(b.w.Job)
	if drifted(ch, addOns, r, file) {
		return problem.New(problem.PlanStale, "What the row is about was changed since the check.")
	}
	if r.Extension != "" {
		if err := place(ctx, ch, addOns, r, file); err != nil {
			return err
		}
	}
	if wanted.User == "" {
		return nil
	}
	h, err := ch.Holder(wanted.User)
	if err != nil {
		return err
	}
	if !wanted.Licensed {
		return ch.Unassign(ctx, wanted.User, catalog.PhoneSystemID)
	}
	if !h.Holds(catalog.PhoneSystemID) {
		if err := ch.Grant(ctx, wanted.User, catalog.PhoneSystemID, file.source); err != nil {
			return err
		}
	}
	return ch.SetAddOns(ctx, wanted.User, catalog.PhoneSystemID, wanted.AddOns, file.source)
}

// drifted says whether a row is not as the check found it, but for what other rows of the file may
// have done by now: taken its number, or its user or theirs from an extension.
func drifted(ch *license.UnitOfWork, addOns []string, r planRow, file inFile) bool {
	now := stateOf(ch, addOns, r)
	switch {
	case now.User == r.Before.User:
		if now.Licensed != r.Before.Licensed || !slices.Equal(now.AddOns, r.Before.AddOns) {
			return true
		}
	case now.User != "" || !file.user[r.Before.User]:
		return true
	}
	if now.Number != "" && !sameNumber(now.Number, r.Before.Number) {
		return true
	}
	if r.Wanted.User == "" || r.Wanted.User == now.User {
		return false
	}
	h, err := ch.Holder(r.Wanted.User)
	if err != nil {
		return true
	}
	var had owned
	if r.Had != nil {
		had = *r.Had
	}
	licensed, holds := held(h, addOns)
	return licensed != had.Licensed || !slices.Equal(holds, had.AddOns) ||
		h.Extension != "" && h.Extension != had.Extension
}

// place gives a row's extension with its number to the wanted user, or to nobody.
func place(ctx context.Context, ch *license.UnitOfWork, addOns []string, r planRow, file inFile) error {
	now, wanted := stateOf(ch, addOns, r), r.Wanted
	if owner := ch.NumberOwner(wanted.Number); owner != "" && owner != r.Extension &&
		ch.Extension(owner).UserID != wanted.User {
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
	return ch.Extend(ctx, wanted.User, r.Extension, wanted.Number)
}

// vacate takes the extension from its present user: the license goes along, stays for the user's
// own row, or returns to the pool.
func vacate(ctx context.Context, ch *license.UnitOfWork, now, wanted target, file inFile) error {
	if moves(ch, now, wanted, file) {
		return ch.Move(ctx, now.User, wanted.User, catalog.PhoneSystemID, file.source)
	}
	if !file.user[now.User] {
		if err := ch.Unassign(ctx, now.User, catalog.PhoneSystemID); err != nil {
			return err
		}
	}
	return ch.Extend(ctx, now.User, "", "")
}

// undone is what undoes an applied row: the extension becomes what it was, and so does what the
// user had who came to it from elsewhere, unless the extension that they gave up has a row of its
// own.
func undone(r *planRow, own map[string]bool) []planRow {
	at := filejob.Judged{Row: r.Row}
	back := []planRow{{Judged: at, Extension: r.Extension, Wanted: r.Before, Expect: &r.Wanted}}
	switch had := r.Had; {
	case had == nil:
	case had.Extension == "":
		back = append(back, planRow{
			Judged: at, Wanted: target{User: r.Wanted.User, Licensed: had.Licensed, AddOns: had.AddOns},
			Expect: &target{User: r.Wanted.User, Licensed: r.Wanted.Licensed, AddOns: r.Wanted.AddOns},
		})
	case !own[had.Extension]:
		back = append(back, planRow{
			Judged:    at,
			Extension: had.Extension,
			Wanted: target{
				Number:   had.Number,
				User:     r.Wanted.User,
				Licensed: had.Licensed,
				AddOns:   had.AddOns,
			},
			Expect: &target{},
		})
	}
	return back
}
