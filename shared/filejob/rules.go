package filejob

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/text"
	"seatwise/shared/directory"
	"seatwise/shared/platform/problem"
)

// MaxFileBytes is the largest file (requirements, section 5).
const MaxFileBytes = 20 << 20

// RowErrors is how many errors of one row are kept; the last of them says how many more there are.
const RowErrors = 10

// mostFaults is how many faults of one row are looked for: more than a sheet has columns, and far
// fewer than the wrong members that its cells can hold.
const mostFaults = 300

// Outcome is what the check found of a row.
type Outcome string

// The outcomes.
const (
	New       Outcome = "new"
	Change    Outcome = "change"
	Unchanged Outcome = "unchanged"
	Bad       Outcome = "error"
)

// RowError is a fault of the file: where, and what is wrong, for a person.
type RowError struct {
	Row     int    `json:"row" doc:"As a spreadsheet shows it, from 1; 0 for a fault of the whole file."`
	Line    int    `json:"line,omitempty" doc:"Of a CSV file, as a text editor shows it, where it is not the row: fields with line breaks stand before it."`
	Column  string `json:"column,omitempty" doc:"The letters of the column; of a CSV file the number of the field, from 1."`
	Header  string `json:"header,omitempty" doc:"The header of the column, as the file has it."`
	Value   string `json:"value,omitempty" doc:"The beginning of what the cell holds, where the message does not have it."`
	Code    string `json:"code,omitempty" doc:"Why the file is refused whole, such as hidden-rows, or what kind of fault it is."`
	Message string `json:"message"`
}

// In is the error with the header of its column, and with what the cell holds where the message does
// not say it.
func (e RowError) In(header, cell string) RowError {
	e.Header = directory.Shorten(header)
	if value := directory.Shorten(cell); !strings.Contains(e.Message, value) {
		e.Value = strings.Clone(value) // and not the row in which it stands
	}
	return e
}

// The codes of faults that clients may want to tell from others.
const (
	CodeSample  = "sample-row"
	CodeUnknown = "unknown-code"
)

// Difference is one part of a row that applying it changes.
type Difference struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Judged is the part of a plan's row that every module has; rows embed it.
type Judged struct {
	Row     int          `json:"row"` // as the file has it, or the file whose rows these are about
	Outcome Outcome      `json:"outcome"`
	Errors  []RowError   `json:"errors,omitempty"`
	Changes []Difference `json:"changes,omitempty"`
}

func (j *Judged) judged() *Judged { return j }

// Applies says whether there is something to do for the row.
func (j *Judged) Applies() bool { return j.Outcome == New || j.Outcome == Change }

// Claims find what several rows of a file claim, of which each belongs to one row (requirements,
// section 5). The zero Claims are of no row yet.
type Claims struct {
	first map[string]int32      // by what is claimed, the first row that does
	more  map[string]*claimants // of the few things that several rows claim
}

// claimants are the rows that claim the same thing: the first few, and how many there are.
type claimants struct {
	first []int32
	n     int
}

// namedClaimants is how many of the rows that claim the same thing are known by number.
const namedClaimants = 4

// Add notes that a row claims something; nothing is claimed by the empty text.
func (c *Claims) Add(what string, row int) {
	if what == "" {
		return
	}
	if c.first == nil {
		c.first, c.more = map[string]int32{}, map[string]*claimants{}
	}
	first, taken := c.first[what]
	if !taken {
		c.first[strings.Clone(what)] = int32(row) // it may be a piece of something large
		return
	}
	by := c.more[what]
	if by == nil {
		by = &claimants{first: []int32{first}, n: 1}
		c.more[what] = by
	}
	if len(by.first) < namedClaimants {
		by.first = append(by.first, int32(row))
	}
	by.n++
}

// Settle says that all rows are noted. Most of what is kept until then is of no more use, and
// memory is scarce while a large file is checked.
func (c *Claims) Settle() { c.first = nil }

// Alone says whether no more than one row claims it.
func (c *Claims) Alone(what string) bool { return c.more[what] == nil }

// Fault names the other rows that claim what this row claims in a column, which has that name; ok
// is false when there are none. thing is what it is called.
func (c *Claims) Fault(what string, row int, column, thing string) (fault RowError, ok bool) {
	by := c.more[what]
	if by == nil {
		return RowError{}, false
	}
	var others []int
	for _, other := range by.first {
		if int(other) != row {
			others = append(others, int(other))
		}
	}
	return RowError{
		Row: row, Column: column, Message: fmt.Sprintf("The %s is claimed by %s too.", thing, rowNames(others, by.n-1)),
	}, true
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
	if len(errs) <= RowErrors {
		return errs
	}
	kept := slices.Clone(errs[:RowErrors])
	least := ""
	if len(errs) >= mostFaults {
		least = "at least "
	}
	kept[RowErrors-1] = RowError{
		Row:     errs[0].Row,
		Message: fmt.Sprintf("There are %s%d more errors in this row.", least, len(errs)-RowErrors+1),
	}
	return kept
}

// Header collects what is wrong with a header, to name all of it at once.
type Header struct {
	Row            sheet.Row
	unknown, twice []sheet.Cell
	missing        []string
	seen           map[string]bool
}

// Seen notes a header, in lower case without spaces, and says whether it is there the first time.
func (h *Header) Seen(name string, cell sheet.Cell) bool {
	if h.seen[name] {
		h.twice = append(h.twice, cell)
		return false
	}
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	h.seen[name] = true
	return true
}

// Unknown notes a header that means nothing.
func (h *Header) Unknown(cell sheet.Cell) { h.unknown = append(h.unknown, cell) }

// Missing notes a column that must be there and is not.
func (h *Header) Missing(name string) { h.missing = append(h.missing, name) }

// mostHeaders is how many wrong headers a refusal names.
const mostHeaders = 10

// Refuse refuses the file for all that is wrong with its header, nil when nothing is; words are the
// headers that there are, for a person.
func (h *Header) Refuse(words ...string) error {
	var said []string
	column := ""
	for _, fault := range []struct {
		cells     []sheet.Cell
		one, many string
	}{
		{h.twice, "%s is there twice", "%s are there twice"},
		{h.unknown, "%s is not one of " + strings.Join(words, ", "), "%s are none of " + strings.Join(words, ", ")},
	} {
		if len(fault.cells) == 0 {
			continue
		}
		if column == "" {
			column = fault.cells[0].Column
		}
		text, begin := fault.one, "The header "
		if len(fault.cells) > 1 {
			text, begin = fault.many, "The headers "
		}
		said = append(said, begin+fmt.Sprintf(text, quoted(fault.cells))+".")
	}
	switch len(h.missing) {
	case 0:
	case 1:
		said = append(said, "The first row must be the header; the column "+h.missing[0]+" is missing.")
	default:
		said = append(
			said,
			"The first row must be the header; the columns "+strings.Join(h.missing, ", ")+" are missing.",
		)
	}
	if len(said) == 0 {
		return nil
	}
	return &sheet.Refusal{
		Row:     h.Row.Number,
		Line:    h.Row.Line,
		Column:  column,
		Reason:  "header",
		Message: strings.Join(said, " "),
	}
}

// quoted lists headers for a message.
func quoted(cells []sheet.Cell) string {
	var names []string
	for _, cell := range cells[:min(len(cells), mostHeaders)] {
		names = append(names, fmt.Sprintf("%q", directory.Shorten(cell.Text)))
	}
	if more := len(cells) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// Numbered says whether a header is one of any number of such columns: the prefix, in lower case
// without spaces, and a number from 1.
func Numbered(header, prefix string) bool {
	digits, ok := strings.CutPrefix(header, prefix)
	n, err := strconv.Atoi(digits)
	return ok && err == nil && n > 0
}

// Ignored says whether a header is that of a column which a result file has beside those of its
// input, so that a result can be sent back as it is.
func Ignored(header string) bool { return header == "status" || header == "message" }

// Cells reads the cells of one row, and collects the faults of theirs, up to mostFaults.
type Cells struct {
	Row sheet.Row
	// Headers are those of the columns, as the file has them.
	Headers []string
	Faults  []RowError
}

// Hopeless says that so much is wrong with the row that nobody would read of more.
func (c *Cells) Hopeless() bool { return len(c.Faults) >= mostFaults }

// Fault notes what is wrong in a column, unless the row is hopeless.
func (c *Cells) Fault(column int, format string, args ...any) {
	c.CodedFault("", column, format, args...)
}

// CodedFault is Fault with a code.
func (c *Cells) CodedFault(code string, column int, format string, args ...any) {
	if c.Hopeless() {
		return
	}
	fault := RowError{
		Row:     c.Row.Number,
		Column:  c.Row.Column(column),
		Code:    code,
		Message: fmt.Sprintf(format, args...),
	}
	if c.Row.Line != c.Row.Number {
		fault.Line = c.Row.Line
	}
	c.Faults = append(c.Faults, fault.In(HeaderOf(c.Headers, column), c.Row.Cell(column).Text))
}

// HeaderOf is the header of a column; empty where there is none.
func HeaderOf(headers []string, column int) string {
	if column < 0 || column >= len(headers) {
		return ""
	}
	return headers[column]
}

// SampleMark begins the id or user of each row of a sample file; ids cannot have it.
const SampleMark = "(sample)"

// IsSample says whether a cell is that of a sample row.
func IsSample(cell string) bool {
	return len(cell) >= len(SampleMark) && strings.EqualFold(cell[:len(SampleMark)], SampleMark)
}

// SampleRow is why a row of the sample is refused.
const SampleRow = "This is a row of the sample file; write over it, or delete it."

// Text is a cell's text cleaned as headers are (text.Clean), empty for a blank one; ok is false,
// and a fault noted, when it cannot be trusted to be what somebody entered (requirements, section
// 5): a formula, an error, a truth value, or a number that a spreadsheet has mangled or made a date
// of.
func (c *Cells) Text(column int) (cleaned string, ok bool) {
	cell := c.Row.Cell(column)
	switch cell.Kind {
	case sheet.KindFormula:
		c.Fault(column, "A formula is not accepted, whatever value it shows; enter the value itself.")
		return "", false
	case sheet.KindError:
		c.Fault(column, "The cell holds an error.")
		return "", false
	case sheet.KindBool:
		c.Fault(column, "The cell holds TRUE or FALSE, which means nothing here.")
		return "", false
	case sheet.KindDate:
		c.Fault(
			column,
			"A spreadsheet has made a date or a time of what was entered; format the column as text and enter it again.",
		)
		return "", false
	case sheet.KindMasked:
		c.Fault(
			column,
			"The cell holds %s, and its number format shows something else; format the column as text and enter it again.",
			directory.Shorten(cell.Text),
		)
		return "", false
	case sheet.KindBlank, sheet.KindText, sheet.KindNumber:
	}
	if sheet.Mangled(cell) {
		c.Fault(
			column,
			"A spreadsheet has turned the number into %s; format the column as text and enter the number again.",
			directory.Shorten(cell.Text),
		)
		return "", false
	}
	return text.Clean(cell.Text), true
}

// Stray notes a fault for whatever stands in a column without a header: it might be meant as one
// more of a list, and ignoring it would take that one away.
func (c *Cells) Stray(named []bool) {
	for i, cell := range c.Row.Cells {
		if cell.Kind != sheet.KindBlank && (i >= len(named) || !named[i]) {
			c.Fault(i, "The column has no header.")
		}
	}
}

// verdict is what became of a row, for its Status and Message; refused is why it was refused when
// its turn came, or empty, and done whether its turn came.
func (n Names) verdict(r *Judged, say Wording, refused string, done bool) (status, message string) {
	switch {
	case r.Outcome == Bad:
		messages := make([]string, len(r.Errors))
		for i, e := range r.Errors {
			messages[i] = e.Message
			if e.Column != "" {
				messages[i] = "Column " + e.Column + ": " + e.Message
			}
		}
		return "error", strings.Join(messages, " ")
	case refused != "":
		return "refused", refused
	case !done:
		return "not " + n.Done, ""
	case r.Outcome == Unchanged:
		return "unchanged", ""
	}
	changes := make([]string, len(r.Changes))
	for i, d := range r.Changes {
		changes[i] = say.of(d)
	}
	return n.Done, strings.Join(changes, "; ")
}

// checkUpload checks what is said of a file before it is uploaded (requirements, section 5.2).
func checkUpload(name string, size int64) error {
	var fields []problem.Field
	switch strings.ToLower(path.Ext(name)) {
	case ".xlsx", ".csv":
	default:
		fields = append(
			fields,
			problem.Field{Field: "fileName", Code: problem.NotAllowed, Message: "must end in .xlsx or .csv"},
		)
	}
	if fault := text.FileNameFault(name); fault != "" {
		fields = append(fields, problem.Named("fileName", fault))
	}
	if size < 1 || size > MaxFileBytes {
		fields = append(
			fields,
			problem.Field{Field: "sizeBytes", Code: problem.OutOfRange, Message: "must be 1 byte to 20 MiB"},
		)
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// ContentType is what an upload of this name must be sent as.
func ContentType(name string) string {
	if strings.EqualFold(path.Ext(name), ".csv") {
		return "text/csv"
	}
	return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
}

// capital begins a sentence with the word.
func capital(word string) string {
	runes := []rune(word)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}
