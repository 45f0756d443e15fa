package imports

import (
	"fmt"
	"slices"
	"strings"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/text"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/problem"
)

// The fields of rows, as problems of the directory and differences name them.
const (
	fieldID          = "id"
	fieldName        = "name"
	fieldEmail       = "email"
	fieldExtension   = "extension"
	fieldNumber      = "number"
	fieldActive      = "active"
	fieldAgentSource = "agentSource"
	fieldCostCenter  = "costCenter"
	fieldRoles       = "roleIds"
	fieldLicenses    = "licenses"
	fieldMembers     = "members"
	fieldQueues      = "queueIds"
	// of differences alone
	fieldHoldings    = "holdings"
	differenceRoles  = "roles"
	differenceQueues = "callQueues"
)

// fieldNames are what the fields of differences are called.
var fieldNames = map[string]string{
	fieldName: "Name", fieldEmail: "E-mail", fieldExtension: "Ext", fieldNumber: "Number", fieldActive: "Active",
	fieldAgentSource: "Agent source", fieldCostCenter: "Cost center", differenceRoles: "Roles",
	fieldLicenses: "Metered products", fieldHoldings: "Licenses", fieldMembers: "Members",
	differenceQueues: "Call queues",
}

// heading is a column of a file: its header, and the field that it holds.
type heading struct {
	header, field string
	// required refuses a file without the column. Only what a PUT cannot leave out is required: the
	// files that customers have do not know the columns of later releases.
	required bool
}

// layout is what a file of a kind holds. A column that a file does not have leaves its field as it
// is, and in something new as a PUT without the field does.
type layout struct {
	// single are the columns of one value, the id first.
	single []heading
	// lists are those of which there may be any number: the header, and a number behind it.
	lists []heading
	// shown is how many columns of each list the sample file has.
	shown int
}

// header is that of a file with a number of columns of each list, by field, and of a sample file at
// least.
func (l layout) header(lists map[string]int) []string {
	var titles []string
	for _, h := range l.single {
		titles = append(titles, h.header)
	}
	for _, h := range l.lists {
		for i := range max(l.shown, lists[h.field]) {
			titles = append(titles, fmt.Sprintf("%s %d", h.header, i+1))
		}
	}
	return titles
}

// columns says which column of a file holds what.
type columns struct {
	single map[string]int   // by field
	lists  map[string][]int // by field
	kept   []int            // those that the result file repeats
	left   []string         // fields of which the file has no column
	named  []bool
	// headers are those of the columns, as the file has them.
	headers []string
	csv     bool // columns have numbers and no letters
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

// of is the column, or the first one, of a field; -1 when there is none.
func (c columns) of(field string) int {
	if at, ok := c.single[field]; ok {
		return at
	}
	if at := c.lists[field]; len(at) > 0 {
		return at[0]
	}
	return -1
}

// readHeader finds the columns: headers match without regard to case and space. Status and Message
// are those of a result file that comes back, and are ignored. Any other column is refused:
// ignoring a misspelled Member column would take members away.
func readHeader(l layout, row sheet.Row) (columns, error) {
	c := columns{single: map[string]int{}, lists: map[string][]int{}, csv: row.Line > 0}
	header := filejob.Header{Row: row}
	for i, cell := range row.Cells {
		name := sheet.NormalizeHeader(cell.Text)
		c.named, c.headers = append(c.named, name != ""), append(c.headers, cell.Text)
		if name == "" || filejob.Ignored(name) {
			continue
		}
		if !header.Seen(name, cell) {
			continue
		}
		if !c.take(l, name, i) {
			header.Unknown(cell)
			continue
		}
		c.kept = append(c.kept, i)
	}
	for _, h := range l.single {
		if c.of(h.field) >= 0 {
			continue
		}
		if c.left = append(c.left, h.field); h.required {
			header.Missing(h.header)
		}
	}
	for _, h := range l.lists {
		if c.of(h.field) < 0 {
			c.left = append(c.left, h.field)
		}
	}
	return c, header.Refuse(l.words()...)
}

// take notes what a column holds by its normalized header; false when it is none of the layout's.
func (c columns) take(l layout, name string, column int) bool {
	for _, h := range l.single {
		if name == sheet.NormalizeHeader(h.header) {
			c.single[h.field] = column
			return true
		}
	}
	for _, h := range l.lists {
		if filejob.Numbered(name, sheet.NormalizeHeader(h.header)) {
			c.lists[h.field] = append(c.lists[h.field], column)
			return true
		}
	}
	return false
}

// words are the headers for a message.
func (l layout) words() []string {
	var words []string
	for _, h := range l.single {
		words = append(words, h.header)
	}
	for _, h := range l.lists {
		words = append(words, h.header+" 1", h.header+" 2", "...")
	}
	return words
}

// text is the value of a field in a row; empty where the file has no column of it.
func (c columns) text(cells *filejob.Cells, field string) string {
	column := c.of(field)
	if column < 0 {
		return ""
	}
	value, _ := cells.Text(column)
	return value
}

// readRow reads a row's cells, and names every fault of theirs.
func (k *kind) readRow(at columns, row sheet.Row, know known) planRow {
	cells := filejob.Cells{Row: row, Headers: at.headers}
	r := planRow{Judged: filejob.Judged{Row: row.Number}, Keeps: at.left}
	column := at.of(fieldID)
	id, ok := cells.Text(column)
	switch {
	case !ok:
	case filejob.IsSample(id):
		cells.CodedFault(filejob.CodeSample, column, filejob.SampleRow)
	case id == "":
		cells.Fault(column, "The id is missing.")
	case !k.validID(id):
		cells.Fault(column, "%s", k.idRule)
	default:
		r.ID = id
	}
	r.Name = at.text(&cells, fieldName)
	k.readCells(at, &cells, know, &r)
	cells.Stray(at.named) // it might be meant as a member
	r.Errors = cells.Faults
	return r
}

// longestName is more bytes than any id, name or email has.
const longestName = 1024

// list reads the ids that cells name, and tells which of them are wrong.
type list struct {
	cells *filejob.Cells
	among *directory.Named
	ids   []string
	seen  map[string]bool
}

// find reads what a list's cells name, one each; sorted ids.
func find(cells *filejob.Cells, columns []int, among *directory.Named) []string {
	return read(cells, columns, among, func(text string) []string { return []string{text} })
}

// findSeveral reads what a list's cells name, each one or several separated by semicolons; sorted
// ids.
func findSeveral(cells *filejob.Cells, columns []int, among *directory.Named) []string {
	return read(cells, columns, among, func(text string) []string { return strings.Split(text, ";") })
}

// read reads the parts of cells. Of a row that is refused anyway, it reads no further: a file's
// cells may hold billions of wrong names.
func read(cells *filejob.Cells, columns []int, among *directory.Named, parts func(text string) []string) []string {
	l := list{cells: cells, among: among, seen: map[string]bool{}}
	for _, column := range columns {
		text, ok := cells.Text(column)
		if !ok {
			continue
		}
		for _, part := range parts(text) {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			if cells.Hopeless() || len(l.ids) > directory.MaxMembers {
				return l.ids
			}
			l.take(column, part)
		}
	}
	slices.Sort(l.ids)
	return l.ids
}

// take takes in what a part of a cell names.
func (l *list) take(column int, part string) {
	var id, why string
	if len(part) > longestName {
		why = "No id, name or email is as long as " + directory.Shorten(part) + "."
	} else {
		id, _, why = l.among.Find(part)
	}
	switch {
	case why != "":
		l.cells.Fault(column, "%s", why)
	case l.seen[id]:
		l.cells.Fault(column, "%s is there twice in this row.", directory.Shorten(part))
	default:
		l.seen[id] = true
		l.ids = append(l.ids, id)
	}
}

// claims are the ids, extensions, numbers and e-mail addresses that the rows of a file claim; each
// belongs to one row.
type claims struct {
	id, extension, number, email filejob.Claims
	sound                        []claim // of rows of users without a fault of their own
}

// claim is what one row of users claims.
type claim struct{ id, extension, number, email string }

func (c *claims) add(r *planRow) {
	// What is kept of a row must not keep all of it.
	c.id.Add(r.ID, r.Row)
	if r.User == nil {
		return
	}
	c.extension.Add(r.User.Extension, r.Row)
	c.number.Add(text.Digits(r.User.Number), r.Row)
	c.email.Add(text.Email(r.User.Email), r.Row)
	if len(r.Errors) == 0 {
		c.sound = append(
			c.sound,
			claim{
				strings.Clone(r.ID),
				strings.Clone(r.User.Extension),
				strings.Clone(text.Digits(r.User.Number)),
				strings.Clone(text.Email(r.User.Email)),
			},
		)
	}
}

// alone are the users of the rows without a fault, once all rows are entered: who claims nothing
// that another row claims.
func (c *claims) alone() []string {
	c.id.Settle()
	c.extension.Settle()
	c.number.Settle()
	c.email.Settle()
	var ids []string
	for _, k := range c.sound {
		if c.id.Alone(k.id) && c.extension.Alone(k.extension) && c.number.Alone(k.number) && c.email.Alone(k.email) {
			ids = append(ids, k.id)
		}
	}
	return ids
}

// refuse names the claims of a row that other rows make too.
func (c *claims) refuse(r *planRow, at columns) {
	check := func(in *filejob.Claims, claimed, field, what string) {
		column := at.of(field)
		if fault, ok := in.Fault(claimed, r.Row, at.name(column), what); ok {
			r.Errors = append(r.Errors, fault.In(at.header(column), claimed))
		}
	}
	check(&c.id, r.ID, fieldID, "id")
	if r.User != nil {
		check(&c.extension, r.User.Extension, fieldExtension, "extension")
		check(&c.number, text.Digits(r.User.Number), fieldNumber, "number")
		check(&c.email, text.Email(r.User.Email), fieldEmail, "e-mail address")
	}
}

// spoil makes a row bad that has errors; it is not applied, so what it wants needs no room in the
// plan.
func (r *planRow) spoil() {
	if len(r.Errors) > 0 {
		r.Outcome, r.Name, r.Version = filejob.Bad, directory.Shorten(r.Name), 0
		r.User, r.Refs, r.Changes, r.Keeps = nil, nil, nil, nil
	}
}

// said is how fields are called in a message.
var said = map[string]string{
	fieldName:        "name",
	fieldEmail:       "email",
	fieldExtension:   "extension",
	fieldNumber:      "number",
	fieldAgentSource: "agent source",
	fieldCostCenter:  "cost center",
	fieldRoles:       "roles",
	fieldLicenses:    "licenses",
	fieldMembers:     "members",
	fieldQueues:      "call queues",
}

// blamed is the field that a problem of the directory is about, where it names none itself.
var blamed = map[problem.Slug]string{
	problem.ExtensionInUse:      fieldExtension,
	problem.NumberInUse:         fieldNumber,
	problem.EmailInUse:          fieldEmail,
	problem.MutuallyExclusive:   fieldLicenses,
	problem.BaseLicenseRequired: fieldLicenses,
	problem.UserInactive:        fieldActive,
}

// faults are what a problem of the directory means for a row.
func faults(p *problem.Problem, r *planRow, at columns) []filejob.RowError {
	if len(p.Fields) == 0 {
		return []filejob.RowError{at.fault(r, blamed[p.Slug], p.Detail)}
	}
	errs := make([]filejob.RowError, len(p.Fields))
	for i, f := range p.Fields {
		field, _, isElement := strings.Cut(f.Field, "[") // of a list the cell is at fault, whichever element it is
		message := fmt.Sprintf("The %s %s.", said[field], f.Message)
		if isElement {
			message = fmt.Sprintf("Of the %s, %s.", said[field], f.Message)
		}
		errs[i] = at.fault(r, field, message)
	}
	return errs
}

// fault is what is wrong with a field of a row.
func (c columns) fault(r *planRow, field, message string) filejob.RowError {
	column := c.of(field)
	fault := filejob.RowError{Row: r.Row, Column: c.name(column), Message: message}
	return fault.In(c.header(column), r.typed(field))
}

// typed is what a row has in a field of one value.
func (r *planRow) typed(field string) string {
	switch {
	case field == fieldID:
		return r.ID
	case field == fieldName:
		return r.Name
	case r.User == nil:
		return ""
	}
	return map[string]string{
		fieldEmail: r.User.Email, fieldExtension: r.User.Extension, fieldNumber: r.User.Number,
		fieldAgentSource: r.User.AgentSource, fieldCostCenter: r.User.CostCenter,
	}[field]
}

// difference collects what a row changes.
type difference []filejob.Difference

func (d *difference) add(field, from, to string) {
	if from != to {
		*d = append(*d, filejob.Difference{Field: field, From: from, To: to})
	}
}

// noun is a thing in a message: "member" and "members".
type noun struct{ one, many string }

// listDifference says how many of a list leave and join, and names the first few: a call queue may
// have thousands of members.
func listDifference(field string, what noun, before, after []string) []filejob.Difference {
	var d difference
	few := func(one, many string, ids []string) string {
		const named = 5
		if len(ids) == 0 {
			return ""
		}
		said := fmt.Sprintf("%d %s %s: ", len(ids), what.many, many)
		if len(ids) == 1 {
			said = fmt.Sprintf("1 %s %s: ", what.one, one)
		}
		said += strings.Join(ids[:min(len(ids), named)], ", ")
		if len(ids) > named {
			said += fmt.Sprintf(" and %d more", len(ids)-named)
		}
		return said
	}
	d.add(field, few("leaves", "leave", missing(before, after)), few("joins", "join", missing(after, before)))
	return d
}

// missing are the ids of a sorted list that are not in another sorted one.
func missing(ids, from []string) []string {
	var gone []string
	for _, id := range ids {
		if _, ok := slices.BinarySearch(from, id); !ok {
			gone = append(gone, id)
		}
	}
	return gone
}
