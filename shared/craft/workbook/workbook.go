// Package workbook writes the three workbooks of Seatwise: the license status report (requirements,
// section 7), the sample of mass configuration and its result file (requirements, section 5). It is
// the only package that imports excelize (design, decision 9), and it only writes: uploads are read
// by another package.
//
// It knows no capability: its inputs are plain, and long ones are sequences, so that the memory in
// use does not grow with the rows. Every sheet is streamed in whole ascending rows and flushed once
// (design, decision 10). Beyond 16 MiB of XML a sheet waits in a file in the system's temporary
// folder; the file is removed when the workbook is done, written or not.
//
// What holds for every workbook:
//   - The same input gives the same bytes; the time in it is an argument.
//   - Text is text: a cell never becomes a formula, a number or a date because of how its text
//     looks. Text cells have the format Text, so that
//     they stay text when somebody edits them.
//   - Characters that XML cannot hold and broken UTF-8 are written as U+FFFD; text is cut after
//     32,767 UTF-16 units, the most that a cell holds.
//   - Nothing reaches the writer before all input was read without an error.
package workbook

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Limits of a sheet, which are those of the format.
const (
	maxRows      = excelize.TotalRows      // 1,048,576, the header included
	maxCellUnits = excelize.TotalCellChars // 32,767 UTF-16 units
)

var (
	// ErrTooManyRows is returned when the rows do not fit into one sheet: 1,048,576 with the
	// header.
	ErrTooManyRows = errors.New("workbook: more rows than a sheet holds")
	// ErrRagged is returned for a row with more cells than the header.
	ErrRagged = errors.New("workbook: row has more cells than the header")
	// ErrDateRange is returned for a day that a date cell cannot show: before 1 March 1900 or after
	// the year 9999.
	ErrDateRange = errors.New("workbook: day outside of what a date cell holds")
)

// errDone is what a finished writer answers.
var errDone = errors.New("workbook: already closed")

// dayFormat is how days are shown: the same in every language and in the order that sorts.
const dayFormat = "yyyy-mm-dd"

// fontSize is the one size of the sheets, in points.
const fontSize = 11

// creator is the author in the document's properties.
const creator = "Seatwise"

// book is a workbook being written.
type book struct {
	file    *excelize.File
	pack    *pack
	created time.Time
	styles  styles
}

// styles are the ids of the cell formats.
type styles struct {
	header int // bold, filled, text
	label  int // bold
	text   int // the number format Text
	date   int // yyyy-mm-dd
	title  int // header, wrapped
	fit    int // text, made smaller where it is wider than its column
	note   int // text, gray
}

// newBook makes a workbook of the given sheets, all empty, in this order. The caller closes it.
func newBook(created time.Time, title string, sheets ...string) (*book, error) {
	// The archive's own time format begins with 1980.
	if created = created.UTC().Truncate(time.Second); created.Year() < 1980 {
		created = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	b := &book{file: excelize.NewFile(), pack: &pack{}, created: created}
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return b.pack })
	if err := b.prepare(title, sheets); err != nil {
		b.close()
		return nil, fmt.Errorf("workbook: %w", err)
	}
	return b, nil
}

func (b *book) prepare(title string, sheets []string) error {
	stamp := b.created.Format(time.RFC3339)
	if err := b.file.SetDocProps(&excelize.DocProperties{
		Title: title, Creator: creator, LastModifiedBy: creator, Created: stamp, Modified: stamp,
	}); err != nil {
		return err
	}
	if err := b.file.SetAppProps(&excelize.AppProperties{Application: creator}); err != nil {
		return err
	}
	for i, name := range sheets {
		var err error
		if i == 0 {
			err = b.file.SetSheetName(b.file.GetSheetName(0), name)
		} else {
			_, err = b.file.NewSheet(name)
		}
		if err != nil {
			return err
		}
		// A stream does not know its last row when it writes the dimension; a wrong one makes some
		// readers stop after A1, none does not.
		if err := b.file.SetSheetDimension(name, ""); err != nil {
			return err
		}
	}
	// Every font names its family: one that does not is another font in some programs.
	plain := &excelize.Font{Family: fontFamily, Size: fontSize}
	bold := &excelize.Font{Family: fontFamily, Size: fontSize, Bold: true}
	gray := &excelize.Font{Family: fontFamily, Size: fontSize, Color: "595959"}
	fill := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}}
	day := dayFormat
	const asText = 49 // the built-in number format "@"
	left := &excelize.Alignment{Horizontal: "left"}
	wrapped := &excelize.Alignment{WrapText: true, Vertical: "top"}
	shrunk := &excelize.Alignment{ShrinkToFit: true}
	for _, s := range []struct {
		id    *int
		style *excelize.Style
	}{
		{&b.styles.header, &excelize.Style{Font: bold, Fill: fill, NumFmt: asText}},
		{&b.styles.label, &excelize.Style{Font: bold, NumFmt: asText}},
		{&b.styles.text, &excelize.Style{Font: plain, NumFmt: asText}},
		{&b.styles.date, &excelize.Style{Font: plain, CustomNumFmt: &day, Alignment: left}},
		{&b.styles.title, &excelize.Style{Font: bold, Fill: fill, NumFmt: asText, Alignment: wrapped}},
		{&b.styles.fit, &excelize.Style{Font: plain, NumFmt: asText, Alignment: shrunk}},
		{&b.styles.note, &excelize.Style{Font: gray, NumFmt: asText}},
	} {
		var err error
		if *s.id, err = b.file.NewStyle(s.style); err != nil {
			return err
		}
	}
	return nil
}

// writeTo writes the finished workbook to w.
func (b *book) writeTo(w io.Writer) error {
	// With a chart excelize declares the picture types too, in the order of a map. Their type has
	// no name that slices.SortFunc could use.
	declared := b.file.ContentTypes.Defaults
	sort.Slice(declared, func(i, j int) bool { return declared[i].Extension < declared[j].Extension })
	// excelize hands its parts to the pack and has nothing left for this writer.
	if err := b.file.Write(io.Discard); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return b.pack.writeTo(w, b.created)
}

// close removes the temporary files. It may be called twice.
func (b *book) close() {
	_ = b.file.Close() // what it can report is a temporary file that is gone already
}

// column is one column of a table.
type column struct {
	title string
	width float64 // in characters of the standard font
	style int     // of its cells; 0 for General, which numbers have
}

// sheet is a sheet being streamed.
type sheet struct {
	book *book
	name string
	out  *excelize.StreamWriter
	row  int // the last row written
}

// openSheet begins to stream a sheet whose first head rows stay in sight. Nothing may be written to
// another sheet's stream out of turn, but the order of the sheets is free.
func (b *book) openSheet(name string, head int, columns []column) (*sheet, error) {
	out, err := b.file.NewStreamWriter(name)
	if err != nil {
		return nil, fmt.Errorf("workbook: %w", err)
	}
	// Equal neighbors are set together: each call of excelize copies all columns, which hurts when
	// an upload has thousands. And from the last to the first: excelize puts what is set last in
	// front, and Excel wants the columns ascending.
	for to := len(columns); to > 0; {
		from := to - 1
		for from > 0 && columns[from-1].width == columns[from].width && columns[from-1].style == columns[from].style {
			from--
		}
		if style := columns[from].style; style != 0 {
			if err := out.SetColStyle(from+1, to, style); err != nil {
				return nil, fmt.Errorf("workbook: %w", err)
			}
		}
		if err := out.SetColWidth(from+1, to, columns[from].width); err != nil {
			return nil, fmt.Errorf("workbook: %w", err)
		}
		to = from
	}
	below := "A" + strconv.Itoa(head+1)
	if err := out.SetPanes(&excelize.Panes{
		Freeze: true, YSplit: head, TopLeftCell: below, ActivePane: "bottomLeft",
		Selection: []excelize.Selection{{SQRef: below, ActiveCell: below, Pane: "bottomLeft"}},
	}); err != nil {
		return nil, fmt.Errorf("workbook: %w", err)
	}
	return &sheet{book: b, name: name, out: out}, nil
}

// append writes the next row. A nil value leaves its cell out; style 0 leaves the cells to their
// columns.
func (s *sheet) append(style int, values ...any) error {
	if s.row == maxRows {
		return ErrTooManyRows
	}
	s.row++
	if err := s.out.SetRow("A"+strconv.Itoa(s.row), values, excelize.RowOpts{StyleID: style}); err != nil {
		return fmt.Errorf("workbook: %s, row %d: %w", s.name, s.row, err)
	}
	return nil
}

// header writes the titles of the columns as the next row.
func (s *sheet) header(columns []column) error {
	titles := make([]any, len(columns))
	for i, c := range columns {
		titles[i] = excelize.Cell{StyleID: s.book.styles.header, Value: text(c.title)}
	}
	return s.append(0, titles...)
}

// table is openSheet and header in one, for a sheet that is a table from its first row on.
func (b *book) table(name string, columns []column) (*sheet, error) {
	s, err := b.openSheet(name, 1, columns)
	if err != nil {
		return nil, err
	}
	if err := s.header(columns); err != nil {
		return nil, err
	}
	return s, nil
}

// flush ends the sheet with a filter over the given number of columns, from the header row to the
// last row. A table without rows is filtered with the empty row below its header, which Excel
// accepts and a header alone it does not.
func (s *sheet) flush(header, last, columns int) error {
	to, err := excelize.CoordinatesToCellName(columns, max(last, header+1))
	if err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := s.book.file.AutoFilter(s.name, "A"+strconv.Itoa(header)+":"+to, nil); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return s.end()
}

// end ends the sheet without a filter.
func (s *sheet) end() error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return nil
}

// date is the value of a date cell: the day of t in t's own location, as the number of days that
// spreadsheets count in. The zero time is an empty cell. Days before 1 March 1900 are refused,
// because programs disagree on them.
func date(t time.Time) (any, error) {
	if t.IsZero() {
		return nil, nil
	}
	const (
		unixEpoch = 25569   // 1970-01-01
		first     = 61      // 1900-03-01
		last      = 2958465 // 9999-12-31
	)
	y, m, d := t.Date()
	serial := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/(24*60*60)) + unixEpoch
	if y < 1900 || serial < first || serial > last {
		return nil, ErrDateRange
	}
	return serial, nil
}

// textCell is a text cell in the style of its row or column; empty text is no cell.
func textCell(s string) any {
	if s == "" {
		return nil
	}
	return text(s)
}

// text is s as a cell can hold it: see the package comment. Nearly all text comes back as it is,
// without a copy.
func text(s string) string {
	units := 0
	for i, r := range s {
		if !inXML(r) || (r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD")) {
			return repair(s)
		}
		if units += utf16Units(r); units > maxCellUnits {
			return s[:i]
		}
	}
	return s
}

// repair is the slow way of text, for a string with something to replace.
func repair(s string) string {
	var b strings.Builder
	units := 0
	for _, r := range s {
		if !inXML(r) {
			r = utf8.RuneError
		}
		if units += utf16Units(r); units > maxCellUnits {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// utf16Units is how many UTF-16 units a character takes, the measure of a cell's length.
func utf16Units(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// inXML tells whether XML 1.0 can hold the character.
func inXML(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	default:
		return r != 0xFFFE && r != 0xFFFF
	}
}
