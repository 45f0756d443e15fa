package sheet

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sharedRow is how many bytes the texts of a row may take so that they share one allocation: who
// keeps one of them keeps all.
const sharedRow = 256

// rowBuilder collects one row, for both kinds of file: the texts of its cells one behind the other,
// so that a usual row costs one allocation however many cells it has.
type rowBuilder struct {
	limits Limits
	visit  func(Row) error // nil to verify only
	number int
	line   int
	text   []byte
	cells  []cellSpan
	rows   int   // up to the last one that was not blank
	total  int64 // bytes of all texts so far
	free   int64 // bytes that they may take whatever the number of rows
	hidden bool  // the row
	made   []Cell
}

// cellSpan is a cell that is not blank; its text is text[from:to].
type cellSpan struct {
	column   int
	from, to int
	kind     Kind
}

// begin starts a row.
func (b *rowBuilder) begin(number, line int) {
	b.number, b.line, b.hidden = number, line, false
	b.text, b.cells = b.text[:0], b.cells[:0]
}

// cell adds the cell whose text was appended to b.text from there on. White space alone is a blank
// cell.
func (b *rowBuilder) cell(column, from int, kind Kind) error {
	text := b.text[from:]
	if kind == KindText && isBlank(text) || kind == KindBlank {
		b.text = b.text[:from]

		return nil
	}
	if column >= b.limits.Columns {
		return refuse(
			ReasonTooManyColumns,
			"There is something in column %s; at most %s columns are read. Delete what does not belong to the table.",
			Row{Line: b.line}.Column(column),
			thousands(b.limits.Columns),
		)
	}
	if len(text) > b.limits.CellChars && utf8.RuneCount(text) > b.limits.CellChars {
		return b.tooLong()
	}
	b.cells = append(b.cells, cellSpan{column: column, from: from, to: len(b.text), kind: kind})

	return nil
}

func (b *rowBuilder) tooLong() error {
	return refuse(ReasonTooLong, "The cell has more than %s characters.", thousands(b.limits.CellChars))
}

func isBlank(text []byte) bool {
	for len(text) > 0 {
		if c := text[0]; c < utf8.RuneSelf {
			if !isSpace(c) {
				return false
			}
			text = text[1:]
			continue
		}
		r, n := utf8.DecodeRune(text)
		if !unicode.IsSpace(r) {
			return false
		}
		text = text[n:]
	}

	return true
}

// finish ends the row. A blank row is given away only when a row follows that is not: blank rows at
// the end are ignored.
func (b *rowBuilder) finish() error {
	if len(b.cells) == 0 {
		return nil
	}
	most := min(b.limits.TextBytes, b.free+int64(b.number)*b.limits.RowBytes)
	if b.total += int64(len(b.text)); b.total > most {
		return refuse(
			ReasonTooMuchText,
			"Up to here the table holds more than %s KiB of text, which is more than such a table needs. "+
				"A text that several cells have counts for each.",
			thousands(most>>10),
		)
	}
	if b.number > b.limits.Rows+1 {
		return refuse(
			ReasonTooManyRows,
			"There is something in row %s; at most %s rows below the header are read. Divide the table into several files.",
			thousands(b.number),
			thousands(b.limits.Rows),
		)
	}
	first := b.rows + 1
	b.rows = b.number
	if b.visit == nil {
		return nil
	}
	for n := first; n < b.number; n++ {
		if err := b.visit(Row{Number: n}); err != nil {
			return err
		}
	}
	shared := ""
	if len(b.text) <= sharedRow {
		shared = string(b.text)
	}
	b.made = b.made[:0]
	row := Row{Number: b.number, Line: b.line, Hidden: b.hidden}
	for _, c := range b.cells {
		for len(b.made) < c.column {
			b.made = append(b.made, Cell{Column: row.Column(len(b.made))})
		}
		cell := Cell{Column: row.Column(c.column), Kind: c.kind}
		if shared != "" {
			cell.Text = shared[c.from:c.to]
		} else {
			cell.Text = string(b.text[c.from:c.to])
		}
		b.made = append(b.made, cell)
	}
	row.Cells = b.made

	return b.visit(row)
}

// sheetScan is one pass over a worksheet.
type sheetScan struct {
	s     *scanner
	out   rowBuilder
	texts *textTable
	// formats are those of the workbook's cells, if any means anything; format is that of the cell
	// that is read.
	formats []format
	format  format
	row     int // of the row that is read, 0 before the first
	column  int // of the cell that is read, -1 before the first
	inCell  bool
	masked  bool // the format of the cell's number shows something else
	derived bool // the cell holds what a formula gave
	digits  []byte

	found   *spills // collects, in the first pass
	sweep   spillSweep
	columns []columnUse
	hidden  Hidden
	leave   bool
}

// columnUse says of a column whether it is hidden, and whether anything stands in it.
type columnUse struct{ hidden, used bool }

// verifySheet is the first pass over the sheet, which finds besides what its rows need to be read
// rightly: formulas that fill other cells, and what is hidden.
func (rd *Reader) verifySheet(a *archive, e *entry) (int, error) {
	w := rd.newScan(nil)
	w.found = &spills{}
	if err := w.read(a, e); err != nil {
		return 0, rd.inSheet(err)
	}
	w.found.settle()
	if len(w.found.byTop) > 0 {
		rd.spills = w.found
	}
	for i, c := range w.columns {
		if c.hidden && c.used {
			w.hidden.addColumn(i)
		}
	}
	rd.hidden = w.hidden

	return w.out.rows, nil
}

func (rd *Reader) newScan(visit func(Row) error) *sheetScan {
	return &sheetScan{
		out: rowBuilder{
			limits: rd.limits,
			visit:  visit,
			free:   rd.freeText,
		},
		texts:   rd.texts,
		formats: rd.formats,
		columns: make([]columnUse, rd.limits.Columns),
		leave:   rd.leave,
	}
}

func (w *sheetScan) read(a *archive, e *entry) error {
	return readPart(a, e, func(s *scanner) error {
		w.s = s

		return w.worksheet()
	})
}

// scanSheet reads the sheet, giving every row to visit if there is one, and returns how many rows
// there are.
func (rd *Reader) scanSheet(a *archive, e *entry, visit func(Row) error) (int, error) {
	w := rd.newScan(visit)
	if rd.spills != nil {
		w.sweep = spillSweep{spills: rd.spills, covered: make([]int32, rd.limits.Columns)}
	}
	err := w.read(a, e)

	return w.out.rows, rd.inSheet(err)
}

// located adds row and column to a refusal that has none.
func (w *sheetScan) located(err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Row == 0 && w.row > 0 {
		refusal.Row = w.row
		if w.inCell {
			refusal.Column = ColumnName(w.column)
		}
	}

	return err
}

// worksheet reads the document.
func (w *sheetScan) worksheet() error {
	if err := w.s.root("worksheet", spaceMain, spaceMainStrict); err != nil {
		return err
	}
	seen := false
	for {
		// A stray word beside the table does no harm: PyExcelerate writes one into every sheet.
		w.s.lenient++
		t, err := w.s.next()
		w.s.lenient--
		if err != nil {
			return err
		}
		if t != tokenStart {
			break
		}
		switch string(w.s.local()) {
		case "sheetData":
			if seen {
				return w.s.bad("has two tables")
			}
			seen = true
			err = w.located(w.sheetData())
			w.row = 0
		case "cols":
			err = w.readColumns()
		case "mergeCells":
			if !seen {
				return w.s.bad("merges cells before its table")
			}
			err = w.mergeCells()
		case "":
			err = w.s.skipForeign("sheetData", "mergeCells", "cols")
		default:
			err = w.s.skip()
		}
		if err != nil {
			return err
		}
	}
	if !seen {
		return w.s.bad("has no table")
	}

	return nil
}

// readColumns notes which columns are hidden: those that say so, and those without width.
func (w *sheetScan) readColumns() error {
	n := 0
	return w.s.children(func() error {
		if n++; n > maxColumns {
			return w.s.bad("describes more columns than there are")
		}
		hidden := isTrue(w.s.attribute("hidden")) || isZero(w.s.attribute("width"))
		if string(w.s.local()) == "col" && hidden {
			first, ok := parseRow([]byte(w.s.attribute("min")))
			last, ok2 := parseRow([]byte(w.s.attribute("max")))
			if !ok || !ok2 {
				return w.s.bad("describes columns that do not exist")
			}
			for i := first; i <= last && i <= len(w.columns); i++ {
				w.columns[i-1].hidden = true
			}
		}

		return w.s.skip()
	})
}

// isTrue reads an attribute of type xsd:boolean.
func isTrue(value string) bool { return value == "1" || value == "true" || value == "on" }

// isZero says whether a height or width is given, and none at all.
func isZero(value string) bool { return value != "" && strings.Trim(value, "0.") == "" }

// mergeCells refuses merged cells within the table. A person sees their value in every row that
// they cover, the file has it in the first one only; and as a row says exactly which add-ons an
// extension has, the others would lose theirs. Beside the table and below it they do no harm.
func (w *sheetScan) mergeCells() error {
	return w.s.children(func() error {
		if string(w.s.local()) == "mergeCell" {
			ref := w.s.attribute("ref")
			merged, ok := parseArea([]byte(ref))
			if !ok {
				return w.badReference([]byte(ref))
			}
			if !merged.single() && w.inTable(merged) {
				err := refuse(
					ReasonMerged,
					"The cells %s are merged, so it is not clear to which rows their value belongs. Unmerge them and fill in each.",
					shown(ref),
				)
				err.Row, err.Column = int(merged.top), ColumnName(int(merged.left))

				return err
			}
		}

		return w.s.skip()
	})
}

// inTable says whether an area has a part in the rows and columns that hold anything.
func (w *sheetScan) inTable(a area) bool {
	if int(a.top) > w.out.rows {
		return false
	}
	for i := int(a.left); i <= int(a.right) && i < len(w.columns); i++ {
		if w.columns[i].used {
			return true
		}
	}

	return false
}

// sheetData reads the rows. An element that is not known there could hold rows that would be lost
// in silence, so it is refused.
func (w *sheetScan) sheetData() error {
	for {
		t, err := w.s.next()
		if err != nil || t != tokenStart {
			return err
		}
		if string(w.s.local()) != "row" {
			return w.s.bad("has something else than rows in its table (%q)", shown(string(w.s.name)))
		}
		if err := w.readRow(); err != nil {
			return err
		}
	}
}

func (w *sheetScan) readRow() error {
	number, hidden := w.row+1, false
	for i := range w.s.attrs {
		switch string(w.s.attrs[i].name) {
		case "hidden":
			hidden = hidden || isTrue(w.s.value(w.s.attrs[i].value))
		case "ht":
			hidden = hidden || isZero(w.s.value(w.s.attrs[i].value))
		case "r":
			n, ok := parseRow(w.s.attrs[i].value)
			if !ok {
				return refuse(ReasonReference, "The workbook is damaged: there is no row %q. %s",
					shown(string(w.s.attrs[i].value)), saveAgain)
			}
			if n < number {
				return refuse(ReasonRowOrder, "The workbook is damaged: row %d follows row %d. %s", n, w.row, saveAgain)
			}
			number = n
		}
	}
	if number > maxRows {
		return refuse(ReasonReference, "The workbook is damaged: there is no row %d. %s", number, saveAgain)
	}
	w.row, w.column = number, -1
	w.out.begin(number, 0)
	w.out.hidden = hidden
	w.sweep.row(number)
	for {
		t, err := w.s.next()
		if err != nil {
			return err
		}
		if t != tokenStart {
			if hidden && len(w.out.cells) > 0 {
				w.hidden.addRow(number)
			}

			return w.out.finish()
		}
		switch string(w.s.local()) {
		case "c":
			if err := w.readCell(); err != nil {
				return err
			}
		case "extLst":
			if err := w.s.skip(); err != nil {
				return err
			}
		default:
			return w.s.bad("has something else than cells in a row (%q)", shown(string(w.s.name)))
		}
	}
}

// cellType is the attribute t of a cell.
type cellType uint8

const (
	typeNumber cellType = iota
	typeShared
	typeInline
	typeText // the text that a formula gave, or a text that its writer did not share
	typeBool
	typeError
	typeDate // ISO 8601
)

func parseCellType(name []byte) (cellType, bool) {
	switch string(name) {
	case "n":
		return typeNumber, true
	case "s":
		return typeShared, true
	case "inlineStr":
		return typeInline, true
	case "str":
		return typeText, true
	case "b":
		return typeBool, true
	case "e":
		return typeError, true
	case "d":
		return typeDate, true
	default:
		return 0, false
	}
}

func (w *sheetScan) readCell() error {
	column, kind := w.column+1, typeNumber
	w.derived, w.masked = false, false
	if w.formats != nil {
		w.format = w.formats[0]
	}
	for i := range w.s.attrs {
		a := &w.s.attrs[i]
		switch string(a.name) {
		case "r":
			c, row, ok := parseReference(a.value)
			if !ok {
				return w.badReference(a.value)
			}
			if row != w.row {
				return refuse(ReasonReference, "The workbook is damaged: cell %s stands in row %d. %s",
					shown(string(a.value)), w.row, saveAgain)
			}
			if c < column {
				return refuse(ReasonCellOrder, "The workbook is damaged: cell %s follows cell %s%d. %s",
					shown(string(a.value)), ColumnName(w.column), w.row, saveAgain)
			}
			column = c
		case "s":
			if w.formats != nil {
				w.format = w.formatAt(a.value)
			}
		case "cm":
			w.derived = true // a formula of another cell spills here, or one that spills stands here
		case "t":
			var ok bool
			if kind, ok = parseCellType(a.value); !ok {
				return w.badValue("is of a type that does not exist (%q)", a.value)
			}
		}
	}
	if column >= maxColumns {
		return refuse(ReasonReference,
			"The workbook is damaged: the row has more cells than there are columns. %s", saveAgain)
	}
	w.column, w.inCell = column, true
	w.derived = w.derived || w.sweep.covers(column)
	if err := w.cellContents(kind); err != nil {
		return err
	}
	w.inCell = false

	return nil
}

// formatAt is the format to which a cell refers; one that is not there means nothing.
func (w *sheetScan) formatAt(reference []byte) format {
	n := 0
	for _, c := range reference {
		if c < '0' || c > '9' || n >= len(w.formats) {
			return format{}
		}
		n = 10*n + int(c-'0')
	}
	if n >= len(w.formats) {
		return format{}
	}

	return w.formats[n]
}

func (w *sheetScan) badReference(ref []byte) error {
	return refuse(ReasonReference, "The workbook is damaged: there is no cell %q. %s", shown(string(ref)), saveAgain)
}

func (w *sheetScan) badValue(format string, value []byte) error {
	return refuse(ReasonValue, "The workbook is damaged: a cell "+format+". %s", shown(string(value)), saveAgain)
}

// cellContents reads what is in the cell that begins: a formula, a value or an inline text, each
// once at most.
func (w *sheetScan) cellContents(kind cellType) error {
	from, formulaEnd := len(w.out.text), 0
	formula, value, inline := false, false, false
	for {
		t, err := w.s.next()
		if err != nil {
			return err
		}
		if t != tokenStart {
			break
		}
		odd := false
		switch string(w.s.local()) {
		case "v":
			if odd = value || inline; !odd {
				value, err = true, w.value(kind)
			}
		case "f":
			if odd = formula || value || inline; !odd {
				formula = true
				if err = w.spill(); err == nil {
					err = w.formula()
				}
				formulaEnd = len(w.out.text)
			}
		case "is":
			if odd = inline || value || kind != typeInline; !odd {
				inline, err = true, w.keep(w.s.richText(w.out.text))
			}
		case "extLst":
			err = w.s.skip()
		default:
			odd = true
		}
		if odd {
			err = w.s.bad("has a cell that holds something that it should not (%q)", shown(string(w.s.name)))
		}
		if err != nil {
			return err
		}
	}
	if formula {
		w.out.text = w.out.text[:formulaEnd]

		return w.cell(from, KindFormula)
	}

	return w.plainCell(kind, from)
}

// plainCell adds the cell without a formula whose text was appended to the row's from there on.
func (w *sheetScan) plainCell(kind cellType, from int) error {
	switch {
	case len(w.out.text) == from:
		return nil
	case w.derived:
		w.out.text = append(w.out.text[:from], '=')

		return w.cell(from, KindFormula)
	case kind == typeNumber && w.masked:
		return w.cell(from, KindMasked)
	case kind == typeNumber && w.format.date:
		return w.cell(from, KindDate)
	default:
		kind := cellKinds[kind]
		if kind == KindText {
			w.out.text, kind = unwritten(w.out.text, from)
		}

		return w.cell(from, kind)
	}
}

// cell adds the cell whose text was appended to the row's from there on, unless it is to be left
// out.
func (w *sheetScan) cell(from int, kind Kind) error {
	if w.column < len(w.columns) {
		if w.leave && w.columns[w.column].hidden {
			w.out.text = w.out.text[:from]

			return nil
		}
		if !w.columns[w.column].used {
			w.columns[w.column].used = kind != KindText || !isBlank(w.out.text[from:])
		}
	}

	return w.out.cell(w.column, from, kind)
}

var cellKinds = [...]Kind{
	typeNumber: KindNumber,
	typeShared: KindText,
	typeInline: KindText,
	typeText:   KindText,
	typeBool:   KindBool,
	typeError:  KindError,
	typeDate:   KindDate,
}

// keep takes back the row's text after something was appended to it.
func (w *sheetScan) keep(text []byte, err error) error {
	w.out.text = text
	if errors.Is(err, errTooMuch) {
		return w.out.tooLong()
	}

	return err
}

// mostBytes bounds what is held of a cell: longer, and it has too many characters even if each is
// written as _xHHHH_.
func (w *sheetScan) mostBytes() int { return 8 * w.out.limits.CellChars }

// spill notes which other cells the formula that begins gives their values.
func (w *sheetScan) spill() error {
	if kind := w.s.attribute("t"); w.found == nil || kind != "array" && kind != "dataTable" {
		return nil
	}
	ref := w.s.attribute("ref")
	if ref == "" {
		return nil
	}
	filled, ok := parseArea([]byte(ref))
	if !ok {
		return w.badReference([]byte(ref))
	}
	if filled.single() {
		return nil
	}
	if len(w.found.byTop) == maxSpills {
		return refuse(
			ReasonFormulas,
			"The sheet has more than %s formulas that fill several cells. Replace the formulas by their values.",
			thousands(maxSpills),
		)
	}
	w.found.byTop = append(w.found.byTop, filled)

	return nil
}

func (w *sheetScan) formula() error {
	from := len(w.out.text)
	w.out.text = append(w.out.text, '=')
	err := w.keep(w.s.text(w.out.text, w.mostBytes()))
	w.out.text = cleanText(w.out.text, from)

	return err
}

// value reads the element v and leaves in the row's text what a person sees.
func (w *sheetScan) value(kind cellType) error {
	from := len(w.out.text)
	if err := w.keep(w.s.text(w.out.text, w.mostBytes())); err != nil {
		return err
	}
	raw := w.out.text[from:]
	if kind == typeText || kind == typeInline { // some writers put an inline text where values stand
		w.out.text = cleanText(w.out.text, from)

		return nil
	}
	if isBlank(raw) {
		w.out.text = w.out.text[:from]

		return nil
	}
	switch kind {
	case typeNumber:
		if n := countDigits(raw); n != len(raw) || n > digitsKept || raw[0] == '0' {
			digits, ok := appendNumber(w.digits[:0], raw)
			if !ok {
				return w.badValue("should hold a number and holds %q", raw)
			}
			w.digits = digits
			w.out.text = append(w.out.text[:from], digits...)
		}
		w.out.text, w.masked = w.format.show(w.out.text, from)
	case typeShared:
		return w.sharedText(from, raw)
	case typeBool:
		switch string(bytes.TrimSpace(raw)) {
		case "1", "true":
			w.out.text = append(w.out.text[:from], "TRUE"...)
		case "0", "false":
			w.out.text = append(w.out.text[:from], "FALSE"...)
		default:
			return w.badValue("should hold TRUE or FALSE and holds %q", raw)
		}
	default:
		// The others say what they hold.
	}

	return nil
}

// sharedText replaces the number of a shared text by the text.
func (w *sheetScan) sharedText(from int, raw []byte) error {
	raw = bytes.TrimSpace(raw)
	count, i := 0, -1
	if w.texts != nil {
		count = w.texts.count
	}
	if n := countDigits(raw); n == len(raw) && n <= 9 {
		i = 0
		for _, c := range raw {
			i = 10*i + int(c-'0')
		}
	}
	if i < 0 || i >= count {
		return refuse(
			ReasonSharedText,
			"The workbook is damaged: the cell refers to the shared text %s, but the workbook has %s of them. %s",
			shown(string(raw)),
			thousands(count),
			saveAgain,
		)
	}
	text, err := w.texts.get(w.out.text[:from], i)
	w.out.text = text

	return err
}

// parseRow reads a row number.
func parseRow(b []byte) (int, bool) {
	n := 0
	if len(b) == 0 || len(b) > 7 || b[0] == '0' || countDigits(b) != len(b) {
		return 0, false
	}
	for _, c := range b {
		n = 10*n + int(c-'0')
	}

	return n, n <= maxRows
}

// parseReference reads the address of a cell, such as "C5": column 2, row 5.
func parseReference(b []byte) (column, row int, ok bool) {
	i := 0
	for i < len(b) && i < 4 && b[i] >= 'A' && b[i] <= 'Z' {
		column = 26*column + int(b[i]-'A') + 1
		i++
	}
	if i == 0 || column > maxColumns {
		return 0, 0, false
	}
	row, ok = parseRow(b[i:])

	return column - 1, row, ok
}
