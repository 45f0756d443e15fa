package massconfig

import (
	"fmt"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/text"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
)

// columns says which column of the file holds what.
type columns struct {
	ext, number, user int
	addOns            []int
	kept              []int // those that the result file repeats
	named             []bool
	headers           []string // as the file has them
	csv               bool     // columns have numbers and no letters
}

// header is what the file calls a column.
func (c columns) header(column int) string { return filejob.HeaderOf(c.headers, column) }

// name is how a person finds a column.
func (c columns) name(column int) string {
	if c.csv {
		return sheet.ColumnNumber(column)
	}
	return sheet.ColumnName(column)
}

// readHeader finds the columns (requirements, section 5): headers match without regard to case and
// space, and there is any number of Addon license columns. Status and Message are those of a result
// file that comes back, and are ignored. Any other column is refused: ignoring a misspelled Addon
// column would take add-ons away.
func readHeader(row sheet.Row) (columns, error) {
	c := columns{ext: -1, number: -1, user: -1, csv: row.Line > 0}
	single := map[string]*int{"extkey": &c.ext, "number": &c.number, "user": &c.user}
	header := filejob.Header{Row: row}
	for i, cell := range row.Cells {
		name := sheet.NormalizeHeader(cell.Text)
		c.named, c.headers = append(c.named, name != ""), append(c.headers, cell.Text)
		if name == "" {
			continue
		}
		if !header.Seen(name, cell) {
			continue
		}
		switch {
		case single[name] != nil:
			*single[name] = i
		case filejob.Numbered(name, "addonlicense"):
			c.addOns = append(c.addOns, i)
		case filejob.Ignored(name):
			continue
		default:
			header.Unknown(cell)
		}
		c.kept = append(c.kept, i)
	}
	for _, want := range []struct {
		at   int
		name string
	}{{c.ext, "Ext Key"}, {c.number, "Number"}, {c.user, "User"}} {
		if want.at < 0 {
			header.Missing(want.name)
		}
	}
	return c, header.Refuse("Ext Key", "Number", "User", "Addon license 1", "Addon license 2", "...")
}

// asked is what a row of the file asks for, with the faults that can be seen without the account's
// state.
type asked struct {
	row    int
	ext    string
	number string
	user   string // as the file has it
	addOns []string
	errors []filejob.RowError
}

// readRow reads a row's cells; addOns are the add-ons of Phone System in the catalog's order. Every
// fault is named, not only the first.
func readRow(c columns, row sheet.Row, products *catalog.Catalog, addOns []string, hints filejob.Hints) asked {
	a := asked{row: row.Number}
	cells := filejob.Cells{Row: row, Headers: c.headers}
	if ext, ok := cells.Text(c.ext); ok {
		a.ext = ext
		switch {
		case ext == "":
			cells.Fault(c.ext, "The extension is missing.")
		case !text.Extension(ext):
			cells.Fault(c.ext, "An extension has 1 to 10 digits, 0 to 9.")
			a.ext = directory.Shorten(ext)
		}
	}
	if number, ok := cells.Text(c.number); ok {
		a.number = number
		if fault := text.NumberFault(number); number != "" && fault != "" {
			cells.Fault(c.number, "The number %s.", fault)
			a.number = directory.Shorten(number)
		}
	}
	if user, ok := cells.Text(c.user); ok {
		a.user = user
		if user == "" {
			cells.Fault(c.user, "The user is missing.")
		}
	}
	for _, column := range c.addOns {
		code, ok := cells.Text(column)
		if !ok || code == "" {
			continue
		}
		p, known := products.ByCode(code)
		switch {
		case !known || p.Base != catalog.PhoneSystemID:
			cells.CodedFault(
				filejob.CodeUnknown, column, "%s is not the code of an add-on license.%s",
				directory.Shorten(code), hints.For(code),
			)
		case slices.Contains(a.addOns, p.ID):
			cells.Fault(column, "The add-on license %s is there twice in this row.", code)
		default:
			a.addOns = append(a.addOns, p.ID)
		}
	}
	a.addOns = inOrder(a.addOns, addOns)
	cells.Stray(c.named) // it might be meant as an add-on
	a.errors = cells.Faults
	return a
}

// inOrder sorts add-ons as the catalog does, so that two lists of the same add-ons are equal.
func inOrder(some, catalogs []string) []string {
	var out []string
	for _, id := range catalogs {
		if slices.Contains(some, id) {
			out = append(out, id)
		}
	}
	return out
}

// find returns the id of an active user whom a cell names, or why there is none, for a person to
// read.
func find(who *directory.Named, text string) (id, why string) {
	id, active, why := who.Find(text)
	if why == "" && !active {
		return "", fmt.Sprintf("The user %s is not active.", directory.Shorten(text))
	}
	return id, why
}

// claims finds what two rows claim (requirements, section 5): each extension, number and user
// belongs to one row.
type claims struct {
	ext, number, user filejob.Claims
	rows              []claim        // in the order of the file
	nobody            map[int]string // why a row's user is none, by row
}

// claim is what one row claims. The user is as the file has it until all users are known.
type claim struct {
	row               int
	ext, number, user string
	sound             bool // the row has no fault of its own
}

// newClaims makes room for the claims of a number of rows.
func newClaims(rows int) *claims {
	return &claims{rows: make([]claim, 0, rows), nobody: map[int]string{}}
}

// add enters the extension and the number of a row.
func (c *claims) add(a asked) {
	// What is kept of a row must not keep all of it.
	a.ext, a.number, a.user = strings.Clone(a.ext), strings.Clone(a.number), strings.Clone(a.user)
	c.rows = append(c.rows, claim{row: a.row, ext: a.ext, number: a.number, user: a.user, sound: len(a.errors) == 0})
	// What is no extension or number may be shortened, and two such may look the same.
	if text.Extension(a.ext) {
		c.ext.Add(a.ext, a.row)
	}
	c.number.Add(text.Digits(a.number), a.row)
}

// resolve makes user ids of what the rows call their users, once all rows are entered, and enters
// these.
func (c *claims) resolve(who *directory.Named) {
	for i := range c.rows {
		k := &c.rows[i]
		if k.user == "" {
			continue
		}
		var why string
		said := k.user
		if k.user, why = find(who, said); why != "" {
			if filejob.IsSample(said) {
				why = filejob.SampleRow
			}
			c.nobody[k.row] = why
		}
		c.user.Add(k.user, k.row)
	}
	c.ext.Settle()
	c.number.Settle()
	c.user.Settle()
}

// alone says whether a row without a fault of its own claims what no other row claims.
func (c *claims) alone(k claim) bool {
	return k.sound && k.user != "" && c.ext.Alone(k.ext) && c.number.Alone(text.Digits(k.number)) &&
		c.user.Alone(k.user)
}

// faults names the claims of a row that other rows make too.
func (c *claims) faults(k claim, at columns) []filejob.RowError {
	var errs []filejob.RowError
	check := func(in *filejob.Claims, claimed string, column int, what string) {
		if fault, ok := in.Fault(claimed, k.row, at.name(column), what); ok {
			errs = append(errs, fault.In(at.header(column), claimed))
		}
	}
	check(&c.ext, k.ext, at.ext, "extension")
	check(&c.number, text.Digits(k.number), at.number, "number")
	check(&c.user, k.user, at.user, "user")
	return errs
}

// eachAlone visits the rows that are not bad as far as the file tells, with what the file says of
// their extension and user.
func (c *claims) eachAlone(visit func(planRow) error) error {
	for _, k := range c.rows {
		if !c.alone(k) {
			continue
		}
		if err := visit(planRow{Extension: k.ext, Wanted: target{User: k.user}}); err != nil {
			return err
		}
	}
	return nil
}

// planned is the row of the plan for what a row asks for and claims, before the account's state is
// looked at.
func (c *claims) planned(k claim, at columns, a asked) planRow {
	r := planRow{Judged: filejob.Judged{Row: a.row, Errors: a.errors}, Extension: a.ext}
	if why := c.nobody[k.row]; why != "" {
		fault := filejob.RowError{Row: a.row, Column: at.name(at.user), Message: why}
		if why == filejob.SampleRow {
			fault.Code = filejob.CodeSample
		}
		r.Errors = append(r.Errors, fault.In(at.header(at.user), a.user))
	}
	r.Errors = append(r.Errors, c.faults(k, at)...)
	r.Wanted = target{Number: a.number, User: k.user, Licensed: true, AddOns: a.addOns}
	if len(r.Errors) > 0 {
		r.Outcome = filejob.Bad
	}
	return r
}

// compare says what configuring would change.
func compare(before, wanted target) []filejob.Difference {
	var d []filejob.Difference
	add := func(field, from, to string) {
		if from != to {
			d = append(d, filejob.Difference{Field: field, From: from, To: to})
		}
	}
	if !sameNumber(before.Number, wanted.Number) {
		add("number", before.Number, wanted.Number)
	}
	add("user", before.User, wanted.User)
	add(fieldLicense, licensed(before), licensed(wanted))
	add(fieldAddOns, strings.Join(before.AddOns, " "), strings.Join(wanted.AddOns, " "))
	return d
}

// sameNumber says whether two numbers differ in form at most; the one that is stored is kept then
// (requirements, section 6).
func sameNumber(a, b string) bool { return text.Digits(a) == text.Digits(b) }

func licensed(t target) string {
	if t.Licensed {
		return catalog.PhoneSystemID
	}
	return ""
}
