package imports

import (
	"fmt"
	"slices"
	"strings"

	"seatwise/shared/catalog"
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
	fieldRoles       = "roleIds"
	fieldLicenses    = "licenses"
	fieldMembers     = "members"
	fieldQueues      = "queueIds"
	fieldHoldings    = "holdings" // of differences alone
)

// heading is a column of a file: its header, and the field that it holds.
type heading struct {
	header, field string
}

// layout is what a file of a kind holds.
type layout struct {
	// single are the columns that must all be there, the id first: a column that is left out would
	// empty its field for everybody.
	single []heading
	// lists are those of which there may be any number: the header, and a number behind it.
	lists []heading
	// shown is how many columns of each list the sample file has.
	shown int
}

// layouts by kind.
var layouts = map[Kind]layout{
	Users: {
		single: []heading{
			{"User", fieldID},
			{"Name", fieldName},
			{"Email", fieldEmail},
			{"Extension", fieldExtension},
			{"Number", fieldNumber},
			{"Active", fieldActive},
			{"Agent source", fieldAgentSource},
		},
		lists: []heading{{"Role", fieldRoles}, {"License", fieldLicenses}}, shown: 3,
	},
	CallQueues: {
		single: []heading{{"Call queue", fieldID}, {"Name", fieldName}},
		lists:  []heading{{"Member", fieldMembers}},
		shown:  10,
	},
	Dashboards: {
		single: []heading{{"Dashboard", fieldID}, {"Name", fieldName}},
		lists:  []heading{{"Call queue", fieldQueues}},
		shown:  10,
	},
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
	named  []bool
	csv    bool // columns have numbers and no letters
}

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
		c.named = append(c.named, name != "")
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
		if _, ok := c.single[h.field]; !ok {
			header.Missing(h.header)
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

// known is what of an account the cells of a file name.
type known struct {
	products             *catalog.Catalog
	hints                filejob.Hints
	users, roles, queues *directory.Named
	validID              func(string) bool
	idRule               string // what validID demands, for people
}

// readRow reads a row's cells, and names every fault of theirs.
func readRow(kind Kind, at columns, row sheet.Row, know known) planRow {
	cells := filejob.Cells{Row: row}
	text := func(field string) string {
		value, _ := cells.Text(at.single[field])
		return value
	}
	r := planRow{Judged: filejob.Judged{Row: row.Number}}
	id, ok := cells.Text(at.single[fieldID])
	switch {
	case !ok:
	case filejob.IsSample(id):
		cells.CodedFault(filejob.CodeSample, at.single[fieldID], filejob.SampleRow)
	case id == "":
		cells.Fault(at.single[fieldID], "The id is missing.")
	case !know.validID(id):
		cells.Fault(at.single[fieldID], "%s", know.idRule)
	default:
		r.ID = id
	}
	r.Name = text(fieldName)
	switch kind {
	case Users:
		r.User = &user{
			Email: text(
				fieldEmail,
			),
			Extension:   text(fieldExtension),
			Number:      text(fieldNumber),
			AgentSource: text(fieldAgentSource),
			Inactive: inactive(
				&cells,
				at.single[fieldActive],
			),
			Roles:    find(&cells, at.lists[fieldRoles], know.roles, false),
			Licenses: metered(&cells, at.lists[fieldLicenses], know.products, know.hints),
		}
		if source := r.User.AgentSource; source != "" && source != "manual" && source != "pbx" {
			cells.Fault(at.single[fieldAgentSource], "The agent source is manual or pbx.")
		}
	case CallQueues:
		r.Refs = find(&cells, at.lists[fieldMembers], know.users, true)
	case Dashboards:
		r.Refs = find(&cells, at.lists[fieldQueues], know.queues, true)
	case Licenses, PhonesOf: // exported only
	}
	cells.Stray(at.named) // it might be meant as a member
	r.Errors = cells.Faults
	return r
}

// inactive reads the column Active: yes and no, or TRUE and FALSE; a blank cell is yes.
func inactive(cells *filejob.Cells, column int) bool {
	cell := cells.Row.Cell(column)
	value := cell.Text
	if cell.Kind != sheet.KindBool {
		var ok bool
		if value, ok = cells.Text(column); !ok {
			return false
		}
	}
	switch strings.ToLower(value) {
	case "", "yes", "true":
		return false
	case "no", "false":
		return true
	}
	cells.Fault(column, "Active is yes or no.")
	return false
}

// longestName is more bytes than any id, name or email has.
const longestName = 1024

// find reads what a list's cells name, each one, or several separated by semicolons; sorted ids. Of
// a row that is refused anyway, it reads no further: a file's cells may hold billions of wrong
// names.
func find(cells *filejob.Cells, columns []int, among *directory.Named, several bool) []string {
	var ids []string
	seen := map[string]bool{}
	for _, column := range columns {
		text, ok := cells.Text(column)
		if !ok {
			continue
		}
		parts := []string{text}
		if several {
			parts = strings.Split(text, ";")
		}
		for _, part := range parts {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			if cells.Hopeless() || len(ids) > directory.MaxMembers {
				return ids
			}
			var id, why string
			if len(part) > longestName {
				why = "No id, name or email is as long as " + directory.Shorten(part) + "."
			} else {
				id, _, why = among.Find(part)
			}
			switch {
			case why != "":
				cells.Fault(column, "%s", why)
			case seen[id]:
				cells.Fault(column, "%s is there twice in this row.", directory.Shorten(part))
			default:
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// metered reads the metered products of a user's own; sorted ids.
func metered(cells *filejob.Cells, columns []int, products *catalog.Catalog, hints filejob.Hints) []string {
	var ids []string
	for _, column := range columns {
		id, ok := cells.Text(column)
		if !ok || id == "" {
			continue
		}
		p, known := products.Lookup(id)
		switch {
		case !known || p.Kind != catalog.Metered || len(p.Devices) > 0:
			cells.Fault(column, "%s is not a metered product that users hold.%s", directory.Shorten(id), hints.For(id))
		case slices.Contains(ids, id):
			cells.Fault(column, "%s is there twice in this row.", id)
		default:
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
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
		if fault, ok := in.Fault(claimed, r.Row, at.name(at.of(field)), what); ok {
			r.Errors = append(r.Errors, fault)
		}
	}
	check(&c.id, r.ID, fieldID, "id")
	if r.User != nil {
		check(&c.extension, r.User.Extension, fieldExtension, "extension")
		check(&c.number, text.Digits(r.User.Number), fieldNumber, "number")
		check(&c.email, text.Email(r.User.Email), fieldEmail, "e-mail address")
	}
}

// spoil makes a row bad that has errors; it is not applied, so what it wants needs no module in the
// plan.
func (r *planRow) spoil() {
	if len(r.Errors) > 0 {
		r.Outcome, r.Name, r.User, r.Refs, r.Changes, r.Version = filejob.Bad, directory.Shorten(
			r.Name,
		), nil, nil, nil, 0
	}
}

// said is how fields are called in a message.
var said = map[string]string{
	fieldName:        "name",
	fieldEmail:       "email",
	fieldExtension:   "extension",
	fieldNumber:      "number",
	fieldAgentSource: "agent source",
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
func faults(p *problem.Problem, row int, at columns) []filejob.RowError {
	if len(p.Fields) == 0 {
		return []filejob.RowError{{Row: row, Column: at.name(at.of(blamed[p.Slug])), Message: p.Detail}}
	}
	errs := make([]filejob.RowError, len(p.Fields))
	for i, f := range p.Fields {
		field, _, isElement := strings.Cut(f.Field, "[") // of a list the cell is at fault, whichever element it is
		message := fmt.Sprintf("The %s %s.", said[field], f.Message)
		if isElement {
			message = fmt.Sprintf("Of the %s, %s.", said[field], f.Message)
		}
		errs[i] = filejob.RowError{Row: row, Column: at.name(at.of(field)), Message: message}
	}
	return errs
}

// difference collects what a row changes.
type difference []filejob.Difference

func (d *difference) add(field, from, to string) {
	if from != to {
		*d = append(*d, filejob.Difference{Field: field, From: from, To: to})
	}
}

// listDifference says how many of a list leave and join, and names the first few: a call queue may
// have thousands of members.
func listDifference(field, what string, before, after []string) []filejob.Difference {
	var d difference
	few := func(verb string, ids []string) string {
		const named = 5
		if len(ids) == 0 {
			return ""
		}
		text := fmt.Sprintf("%d %s: %s", len(ids), verb, strings.Join(ids[:min(len(ids), named)], " "))
		if len(ids) > named {
			text += fmt.Sprintf(" and %d more", len(ids)-named)
		}
		return text
	}
	d.add(field, few(what+" leave", missing(before, after)), few(what+" join", missing(after, before)))
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
