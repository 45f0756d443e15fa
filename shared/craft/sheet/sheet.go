// Package sheet reads uploaded tables, .xlsx and .csv, that nobody vouches for (requirements,
// section 5, design, decision 10).
//
// Open verifies the whole file before a single cell may be used: every part of the archive is
// unpacked to its end within bounds and agrees with its checksum and declared sizes, there is no
// DTD and no macro, exactly one sheet is visible, the XML is complete, rows and cells ascend, and
// every shared text exists. What fails is refused whole, with a [Refusal] that the person who
// uploaded it understands. Rows then streams the rows, as often as it is asked to, and compares
// their count with that of the first pass.
//
// Memory does not grow with the number of rows: a row at a time is held, and shared texts move to a
// temporary file when they take more than 8 MiB.
package sheet

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// Limits bounds what Open accepts. A field that is zero takes the value of [DefaultLimits].
type Limits struct {
	FileBytes     int64 // size of the file as uploaded
	UnpackedBytes int64 // sum of the unpacked sizes of all parts of a workbook
	Rows          int   // rows below the first, counting blank rows between others
	Columns       int   // columns that may hold anything, at most 16,384
	CellChars     int   // characters of one cell, at most 32,767
	TextBytes     int64 // all texts of all cells, those that several cells share counted for each, in UTF-8
	RowBytes      int64 // the same for each row so far on average, beyond the first 4 MiB or the size of the file
}

// DefaultLimits returns the limits of requirements, section 5 (20 MiB, 256 MiB unpacked, 100,000
// rows) and, beyond it, 256 columns and 1,024 characters a cell: more than any id, email, name or
// add-on code has, and little enough to be kept with a row's outcome. The texts of all cells take
// at most 64 MiB, three times what a CSV file may have, and 4 KiB a row: a workbook of 50 KB can
// say one long text in 200,000 cells.
func DefaultLimits() Limits {
	return Limits{
		FileBytes:     20 << 20,
		UnpackedBytes: 256 << 20,
		Rows:          100_000,
		Columns:       256,
		CellChars:     1024,
		TextBytes:     64 << 20,
		RowBytes:      4 << 10,
	}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.FileBytes <= 0 {
		l.FileBytes = d.FileBytes
	}
	if l.UnpackedBytes <= 0 {
		l.UnpackedBytes = d.UnpackedBytes
	}
	if l.Rows <= 0 {
		l.Rows = d.Rows
	}
	if l.Columns <= 0 {
		l.Columns = d.Columns
	}
	if l.CellChars <= 0 {
		l.CellChars = d.CellChars
	}
	if l.TextBytes <= 0 {
		l.TextBytes = d.TextBytes
	}
	if l.RowBytes <= 0 {
		l.RowBytes = d.RowBytes
	}
	l.Columns = min(l.Columns, maxColumns)
	l.CellChars = min(l.CellChars, maxCellChars)

	return l
}

// freeText is how much text a table may hold whatever the number of its rows; as much as its file
// has bytes it may hold too.
const freeText = 4 << 20

// What a spreadsheet can address and hold, whatever the limits say.
const (
	maxRows      = 1 << 20 // 1,048,576
	maxColumns   = 1 << 14 // XFD
	maxCellChars = 32_767
)

// Kind is what a cell holds.
type Kind uint8

// The kinds. CSV knows no types: its cells are blank, text, formula or, where they show one, error.
const (
	KindBlank Kind = iota // nothing, or nothing but white space; Text is empty
	KindText              // text
	// a number; Text as a person would see it without a format, or with one that only adds zeros in
	// front
	KindNumber
	KindDate  // a date or a time; Text is the number that a spreadsheet keeps for it, or ISO 8601
	KindBool  // Text is TRUE or FALSE
	KindError // Text is the error, such as #REF!
	// a formula, or what one elsewhere gave for this cell; Text is the formula with its =, or =
	// alone
	KindFormula
	KindMasked // a number that its format shows as something else; Text is the number
)

// String names the kind for a message.
func (k Kind) String() string {
	switch k {
	case KindBlank:
		return "blank"
	case KindText:
		return "text"
	case KindNumber:
		return "number"
	case KindDate:
		return "date"
	case KindBool:
		return "bool"
	case KindError:
		return "error"
	case KindFormula:
		return "formula"
	case KindMasked:
		return "masked"
	default:
		return "unknown"
	}
}

// Cell is one cell. Line breaks within Text are "\n", whatever the file has.
type Cell struct {
	Column string // as a spreadsheet shows it, "A" to "XFD"
	Text   string
	Kind   Kind
}

// Row is one row. Cells[i] is the cell of column i (0 is "A"): cells that the file leaves out are
// there as blank ones, and trailing blank cells are not. A blank row has no cells.
type Row struct {
	Number int // as a spreadsheet shows it, from 1
	// CSV: the line on which the row begins, as a text editor shows it, from 1; 0 for blank rows
	// and for xlsx
	Line   int
	Hidden bool // nobody sees the row, because of a filter perhaps
	Cells  []Cell
}

// Column names column i (0 is the first) as a person finds it: by its letters in a workbook, by its
// number in a CSV file.
func (r Row) Column(i int) string {
	if r.Line > 0 {
		return ColumnNumber(i)
	}

	return ColumnName(i)
}

// Blank says whether the row holds nothing.
func (r Row) Blank() bool { return len(r.Cells) == 0 }

// Cell returns the cell of column i (0 is "A"), a blank one where the row has none.
func (r Row) Cell(i int) Cell {
	if i >= 0 && i < len(r.Cells) {
		return r.Cells[i]
	}

	return Cell{Column: r.Column(i)}
}

// FileKind is one of the two kinds of file that are read.
type FileKind string

// The kinds of file, by the ending of the name.
const (
	XLSX FileKind = "xlsx"
	CSV  FileKind = "csv"
)

// Reader gives the rows of a file that Open has verified. It is not safe for concurrent use.
type Reader struct {
	kind     FileKind
	file     string
	limits   Limits
	rows     int
	pass     func(visit func(Row) error) (int, error)
	sheet    string
	texts    *textTable
	formats  []format
	spills   *spills
	hidden   Hidden
	freeText int64
	leave    bool // what is hidden is left out
}

// Open verifies the whole of a file of size bytes and returns a reader of its rows. The ending of
// name says what the file claims to be. r must stay readable and unchanged until Close.
//
// A file that may not be used gives a *[Refusal] (find it with errors.As); any other error means
// that r or the temporary folder could not be read or written, and says nothing about the file.
func Open(r io.ReaderAt, size int64, name string, limits Limits) (*Reader, error) {
	rd := &Reader{file: shown(baseName(name)), limits: limits.orDefault(), freeText: max(freeText, size)}
	if err := rd.open(&source{r: r, size: size}, path.Ext(strings.TrimSpace(name))); err != nil {
		return nil, errors.Join(rd.located(err), rd.Close())
	}

	return rd, nil
}

func (rd *Reader) open(src *source, ending string) error {
	switch strings.ToLower(ending) {
	case ".xlsx":
		rd.kind = XLSX
	case ".csv":
		rd.kind = CSV
	case ".xlsm", ".xltm", ".xlam":
		return refuse(ReasonMacros,
			"This is a workbook with macros. Save it as Excel workbook (.xlsx), which leaves the macros out.")
	case ".xls", ".xlt":
		return refuse(ReasonOldFormat,
			"This is a workbook in the format of Excel 97-2003 (.xls). Save it as Excel workbook (.xlsx).")
	default:
		return refuse(ReasonUnsupported, "Only Excel workbooks (.xlsx) and CSV files (.csv) can be read.")
	}
	if err := sniff(src, rd.kind, rd.limits); err != nil {
		return err
	}
	if rd.kind == CSV {
		return rd.openCSV(src)
	}

	return rd.openXLSX(src)
}

// Kind says which kind of file it is.
func (rd *Reader) Kind() FileKind { return rd.kind }

// SheetName returns the name of the one visible sheet, and nothing for CSV.
func (rd *Reader) SheetName() string { return rd.sheet }

// RowCount returns how many rows Rows gives: up to the last row that holds anything, the first row
// and blank rows included.
func (rd *Reader) RowCount() int { return rd.rows }

// Hidden tells which rows and columns that hold something are hidden.
func (rd *Reader) Hidden() Hidden { return rd.hidden }

// LeaveOutHidden has Rows give nothing of what stands in hidden columns. Hidden rows are given, as
// such.
func (rd *Reader) LeaveOutHidden() { rd.leave = true }

// LeavesOutHidden says whether LeaveOutHidden was called.
func (rd *Reader) LeavesOutHidden() bool { return rd.leave }

// Rows calls visit for every row from 1 to the last that holds anything, in order, and stops at the
// first error, which it returns as it is; if that is a *[Refusal], it gets the names of file and
// sheet. Rows can be called again, but not from within visit. The row's Cells are reused for the
// next row: keep copies. Texts may be kept.
func (rd *Reader) Rows(visit func(Row) error) error {
	var stopped error
	n, err := rd.pass(func(row Row) error {
		if stopped = visit(row); stopped != nil {
			return errStopped
		}

		return nil
	})
	if stopped != nil {
		return rd.inSheet(rd.located(stopped))
	}
	if err != nil {
		return rd.located(err)
	}
	if n != rd.rows {
		return fmt.Errorf("sheet: the file changed while it was read: %d rows, then %d", rd.rows, n)
	}

	return nil
}

// errStopped stands for the error of a visitor while it goes up: a refusal of its own keeps the row
// and column that it has.
var errStopped = errors.New("sheet: stopped")

// Close gives back the temporary file, if there is one. It does not close the file that was given
// to Open.
func (rd *Reader) Close() error {
	if rd.texts == nil {
		return nil
	}

	return rd.texts.close()
}

// located adds the name of the file to a refusal that lies anywhere in err.
func (rd *Reader) located(err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		refusal.File = rd.file
	}

	return err
}

// NormalizeHeader returns what is compared of a header: requirements, section 5 wants headers to
// match without regard to case and space.
func NormalizeHeader(text string) string {
	return strings.Map(func(r rune) rune {
		// Zero-width characters come along when headers are copied from web pages; nobody sees
		// them.
		if unicode.IsSpace(r) || r == '\u200b' || r == '\u2060' || r == '\ufeff' {
			return -1
		}

		return unicode.ToLower(r)
	}, text)
}

// ColumnName returns the name of column i, 0 is "A"; nothing for what is no column.
func ColumnName(i int) string {
	switch {
	case i < 0 || i >= maxColumns:
		return ""
	case i < len(columnNames):
		return columnNames[i]
	default:
		return columnName(i)
	}
}

// columnNames spares the hot path from making the same few names for every row.
var columnNames = func() (names [256]string) {
	for i := range names {
		names[i] = columnName(i)
	}

	return names
}()

// ColumnNumber returns the number of column i as people count, 0 is "1": that is how the fields of
// a CSV file are told apart, which has no letters in a text editor. Nothing for what is no column.
func ColumnNumber(i int) string {
	if i < 0 {
		return ""
	}

	return strconv.Itoa(i + 1)
}

func columnName(i int) string {
	var b [3]byte
	at := len(b)
	for i++; i > 0; i = (i - 1) / 26 {
		at--
		b[at] = byte('A' + (i-1)%26)
	}

	return string(b[at:])
}

// baseName returns the last element of a name that may be a key or come from any system.
func baseName(name string) string {
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// source is the upload. It tells failures of the machine from faults of the file: a ReaderAt that
// fails, or ends before the size that was given, is no fault of the person who uploaded.
type source struct {
	r    io.ReaderAt
	size int64
	err  error
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), s.size-off))
	n, err := s.r.ReadAt(p[:want], off)
	if n == want {
		if want < len(p) {
			return n, io.EOF
		}

		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	s.err = fmt.Errorf("sheet: read upload at byte %d: %w", off+int64(n), err)

	return n, s.err
}

// at reads exactly n bytes, which the caller knows to lie within the file.
func (s *source) at(off int64, n int) ([]byte, error) {
	p := make([]byte, n)
	if _, err := s.ReadAt(p, off); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}

	return p, nil
}
