package massconfig

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/problem"
	"seatwise/shared/sheet"
)

// columns says which column of the file holds what.
type columns struct {
	ext, number, user int
	addOns            []int
	kept              []int // those that the result file repeats
	named             []bool
}

// readHeader finds the columns (spec 5): headers match without regard to case and space, and there is any number of Addon license columns. Status and Message
// are those of a result file that comes back, and are ignored. Any other column is refused: ignoring a misspelled Addon column would take add-ons away.
func readHeader(row sheet.Row) (columns, error) {
	c := columns{ext: -1, number: -1, user: -1}
	refuse := func(column, format string, args ...any) error {
		return &sheet.Refusal{Row: row.Number, Line: row.Line, Column: column, Reason: "header", Message: fmt.Sprintf(format, args...)}
	}
	single := map[string]*int{"extkey": &c.ext, "number": &c.number, "user": &c.user}
	seen := map[string]bool{}
	for i, cell := range row.Cells {
		name := sheet.NormalizeHeader(cell.Text)
		c.named = append(c.named, name != "")
		if name == "" {
			continue
		}
		if seen[name] {
			return c, refuse(cell.Column, "The header %q is there twice.", cell.Text)
		}
		seen[name] = true
		switch {
		case single[name] != nil:
			*single[name] = i
		case strings.HasPrefix(name, "addonlicense") && digits(name[len("addonlicense"):]):
			c.addOns = append(c.addOns, i)
		case name == "status" || name == "message":
			continue
		default:
			return c, refuse(cell.Column, "The header %q is not one of Ext Key, Number, User, Addon license 1, Addon license 2, ...", cell.Text)
		}
		c.kept = append(c.kept, i)
	}
	for _, want := range []struct {
		at   int
		name string
	}{{c.ext, "Ext Key"}, {c.number, "Number"}, {c.user, "User"}} {
		if want.at < 0 {
			return c, refuse("", "The first row must be the header; the column %s is missing.", want.name)
		}
	}
	return c, nil
}

func digits(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0
}

// asked is what a row of the file asks for, with the faults that can be seen without the account's state.
type asked struct {
	row    int
	ext    string
	number string
	user   string // as the file has it
	addOns []string
	errors []RowError
}

// readRow reads a row's cells; addOns are the add-ons of Phone System in the catalog's order. Every fault is named, not only the first.
func readRow(c columns, row sheet.Row, products *catalog.Catalog, addOns []string) asked {
	a := asked{row: row.Number}
	fault := func(column int, format string, args ...any) {
		a.errors = append(a.errors, RowError{Row: row.Number, Column: sheet.ColumnName(column), Message: fmt.Sprintf(format, args...)})
	}
	text := func(column int) (string, bool) {
		cell := row.Cell(column)
		switch cell.Kind {
		case sheet.KindFormula:
			fault(column, "A formula is not accepted, whatever value it shows; enter the value itself.")
			return "", false
		case sheet.KindError:
			fault(column, "The cell holds an error.")
			return "", false
		case sheet.KindBool:
			fault(column, "The cell holds TRUE or FALSE, which means nothing here.")
			return "", false
		case sheet.KindBlank, sheet.KindText, sheet.KindNumber:
		}
		if sheet.Mangled(cell) {
			fault(column, "A spreadsheet has turned the number into %s; format the column as text and enter the number again.", shorten(cell.Text))
			return "", false
		}
		return strings.TrimSpace(cell.Text), true
	}
	if ext, ok := text(c.ext); ok {
		a.ext = ext
		switch {
		case ext == "":
			fault(c.ext, "The extension is missing.")
		case !directory.ValidExtension(ext):
			fault(c.ext, "An extension has 1 to 10 digits.")
			a.ext = shorten(ext)
		}
	}
	if number, ok := text(c.number); ok {
		a.number = number
		if number != "" && !directory.ValidNumber(number) {
			fault(c.number, "A number has 3 to 15 digits.")
			a.number = shorten(number)
		}
	}
	if user, ok := text(c.user); ok {
		a.user = user
		if user == "" {
			fault(c.user, "The user is missing.")
		}
	}
	for _, column := range c.addOns {
		code, ok := text(column)
		if !ok || code == "" {
			continue
		}
		p, known := products.ByCode(code)
		switch {
		case !known || p.Base != catalog.PhoneSystemID:
			fault(column, "%s is not the code of an add-on license.", shorten(code))
		case slices.Contains(a.addOns, p.ID):
			fault(column, "The add-on license %s is there twice in this row.", code)
		default:
			a.addOns = append(a.addOns, p.ID)
		}
	}
	a.addOns = inOrder(a.addOns, addOns)
	// What stands under no header might be meant as an add-on; ignoring it would take that add-on away.
	for i, cell := range row.Cells {
		if cell.Kind != sheet.KindBlank && (i >= len(c.named) || !c.named[i]) {
			fault(i, "The column has no header.")
		}
	}
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

func shorten(s string) string {
	const shown = 40
	if runes := []rune(s); len(runes) > shown {
		return string(runes[:shown]) + "..."
	}
	return s
}

// person is the first user of an id, an email or a name, and how many share it.
type person struct {
	id     string
	active bool
	n      int32
}

// people resolves what the User column says: an id, an email or a name that is unique in the account (spec 5). Case does not matter for emails and names.
type people struct {
	byID, byEmail, byName map[string]person
}

func newPeople() *people {
	return &people{byID: map[string]person{}, byEmail: map[string]person{}, byName: map[string]person{}}
}

func (p *people) add(id, name, email string, active bool) {
	enter := func(in map[string]person, what string) {
		who := in[what]
		if who.n++; who.n == 1 {
			who.id, who.active = id, active
		}
		in[what] = who
	}
	enter(p.byID, id)
	enter(p.byName, strings.ToLower(name))
	if email != "" {
		enter(p.byEmail, strings.ToLower(email))
	}
}

// find returns the user's id, or why there is none for a person to read.
func (p *people) find(text string) (id, why string) {
	folded := strings.ToLower(text)
	for _, found := range []person{p.byID[text], p.byEmail[folded], p.byName[folded]} {
		switch {
		case found.n > 1:
			return "", fmt.Sprintf("%d users are called %s; use the id or the email.", found.n, shorten(text))
		case found.n == 1 && !found.active:
			return "", fmt.Sprintf("The user %s is not active.", shorten(text))
		case found.n == 1:
			return found.id, ""
		}
	}
	return "", fmt.Sprintf("There is no user %s, neither by id nor by email nor by name.", shorten(text))
}

// claimants are the rows that claim the same thing: the first few, and how many there are.
type claimants struct {
	first [4]int32
	n     int32
}

// claims finds what two rows claim (spec 5): each extension, number and user belongs to one row.
type claims struct {
	ext, number, user map[string]claimants
	sound             []claim // of rows without a fault of their own
}

// claim is what one row claims.
type claim struct{ ext, number, user string }

func newClaims() *claims {
	return &claims{ext: map[string]claimants{}, number: map[string]claimants{}, user: map[string]claimants{}}
}

func (c *claims) add(a asked, user string) {
	enter := func(in map[string]claimants, what string) {
		if what == "" {
			return
		}
		by := in[what]
		if int(by.n) < len(by.first) {
			by.first[by.n] = int32(a.row)
		}
		by.n++
		in[what] = by
	}
	// What is no extension or number may be shortened, and two such may look the same.
	if directory.ValidExtension(a.ext) {
		enter(c.ext, a.ext)
	}
	if directory.ValidNumber(a.number) {
		enter(c.number, a.number)
	}
	enter(c.user, user)
	if len(a.errors) == 0 && user != "" {
		c.sound = append(c.sound, claim{ext: a.ext, number: a.number, user: user})
	}
}

// alone are the claims of the rows without a fault, once all rows are known: what no other row claims.
func (c *claims) alone() []claim {
	c.sound = slices.DeleteFunc(c.sound, func(k claim) bool { return c.ext[k.ext].n > 1 || c.number[k.number].n > 1 || c.user[k.user].n > 1 })
	return c.sound
}

// faults names the claims of a row that other rows make too.
func (c *claims) faults(a asked, user string, at columns) []RowError {
	var errs []RowError
	check := func(in map[string]claimants, claimed string, column int, what string) {
		by := in[claimed]
		if by.n < 2 {
			return
		}
		var others []int
		for _, row := range by.first[:min(int(by.n), len(by.first))] {
			if int(row) != a.row {
				others = append(others, int(row))
			}
		}
		errs = append(errs, RowError{
			Row: a.row, Column: sheet.ColumnName(column), Message: fmt.Sprintf("The %s is claimed by %s too.", what, rowNames(others, int(by.n)-1)),
		})
	}
	check(c.ext, a.ext, at.ext, "extension")
	check(c.number, a.number, at.number, "number")
	check(c.user, user, at.user, "user")
	return errs
}

// rowNames names rows for a person, of which there may be more than are listed.
func rowNames(rows []int, of int) string {
	const shown = 20
	text := "row "
	if of > 1 {
		text = "rows "
	}
	rows = rows[:min(len(rows), shown)]
	for i, r := range rows {
		if i > 0 {
			text += ", "
		}
		text += strconv.Itoa(r)
	}
	if of > len(rows) {
		text += fmt.Sprintf(" and %d more", of-len(rows))
	}
	return text
}

// bounded keeps a row's errors to what fits into the plan.
func bounded(errs []RowError) []RowError {
	if len(errs) <= rowErrors {
		return errs
	}
	kept := slices.Clone(errs[:rowErrors])
	kept[rowErrors-1] = RowError{Row: errs[0].Row, Message: fmt.Sprintf("There are %d more errors in this row.", len(errs)-rowErrors+1)}
	return kept
}

// compare says what configuring would change.
func compare(before, wanted target) []Difference {
	var d []Difference
	add := func(field, from, to string) {
		if from != to {
			d = append(d, Difference{Field: field, From: from, To: to})
		}
	}
	add("number", before.Number, wanted.Number)
	add("user", before.User, wanted.User)
	add("license", licensed(before), licensed(wanted))
	add("addOns", strings.Join(before.AddOns, " "), strings.Join(wanted.AddOns, " "))
	return d
}

func licensed(t target) string {
	if t.Licensed {
		return catalog.PhoneSystemID
	}
	return ""
}

// checkUpload checks what is said of a file before it is uploaded (spec 5.2).
func checkUpload(name string, size int64) error {
	var fields []problem.Field
	switch strings.ToLower(path.Ext(name)) {
	case ".xlsx", ".csv":
	default:
		fields = append(fields, problem.Field{Field: "fileName", Message: "must end in .xlsx or .csv"})
	}
	if strings.ContainsFunc(name, directory.Unseen) {
		fields = append(fields, problem.Field{Field: "fileName", Message: "must not have control characters, or others that nobody sees"})
	}
	if size < 1 || size > MaxFileBytes {
		fields = append(fields, problem.Field{Field: "sizeBytes", Message: "must be 1 byte to 20 MiB"})
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// contentType is what an upload of this name must be sent as.
func contentType(name string) string {
	if strings.EqualFold(path.Ext(name), ".csv") {
		return "text/csv"
	}
	return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
}
