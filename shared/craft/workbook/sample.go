package workbook

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/shared/craft/workbook/form"
)

// sampleRows is how many rows of the sample have the drop-down: as many as an upload may have
// (requirements, section 5).
const sampleRows = 100_000

// WriteSample writes the file that an admin fills in for a mass configuration (requirements,
// section 5.1): see [WriteForm].
//
// An example row longer than the header is [ErrRagged].
func WriteSample(w io.Writer, in form.Sample) error { return WriteForm(w, form.SampleForm(in)) }

// WriteForm writes a form and its rows: see [NewForm].
func WriteForm(w io.Writer, f form.Form) error {
	out, err := NewForm(w, f)
	if err != nil {
		return err
	}
	defer out.Discard()
	for _, row := range f.Rows {
		if err := out.Append(row); err != nil {
			return err
		}
	}
	return out.Close()
}

// FormWriter writes the rows of a form one by one, so that the memory in use does not grow with
// them. A caller that gives up before Close calls Discard; calling it after Close, as a deferred
// call does, is fine.
type FormWriter struct {
	w     io.Writer
	form  form.Form
	book  *book
	sheet *sheet
	cells []any
}

// NewForm begins a form: the header, frozen; every column with the format Text, so that Excel keeps
// leading zeros and does not turn a phone number into 6.57E+09; in the columns of lists a drop-down
// of the codes, and beside a cell that is selected a note that names them. The codes with their
// names stand on hidden sheets. Form.Rows are not written. Nothing is written to w before Close.
func NewForm(w io.Writer, f form.Form) (*FormWriter, error) {
	sheets := []string{f.Title}
	for _, l := range f.Lists {
		if l.Sheet != "" {
			sheets = append(sheets, l.Sheet)
		}
	}
	b, err := newBook(f.Created, f.Title, sheets...)
	if err != nil {
		return nil, err
	}
	out := &FormWriter{w: w, form: f, book: b, cells: make([]any, len(f.Header))}
	for _, hidden := range sheets[1:] {
		if err := b.file.SetSheetVisible(hidden, false); err != nil {
			b.close()
			return nil, fmt.Errorf("workbook: %w", err)
		}
	}
	columns := make([]column, len(f.Header))
	for i, title := range f.Header {
		columns[i] = column{title: title, width: 22, style: b.styles.text}
	}
	columns[0].width = 16
	if out.sheet, err = b.table(f.Title, columns); err != nil {
		b.close()
		return nil, err
	}
	return out, nil
}

// Append writes a row, which may be shorter than the header; a longer one is [ErrRagged], and more
// rows than a sheet holds are [ErrTooManyRows].
func (f *FormWriter) Append(row []string) error {
	if len(row) > len(f.cells) {
		return fmt.Errorf("%w: %d and %d", ErrRagged, len(row), len(f.cells))
	}
	clear(f.cells)
	for i, cell := range row {
		f.cells[i] = textCell(cell)
	}
	return f.sheet.append(f.book.styles.text, f.cells[:len(row)]...)
}

// Close writes the workbook to the writer, which it does not close, and frees what the form held.
func (f *FormWriter) Close() error {
	defer f.Discard()
	for _, l := range f.form.Lists {
		if err := f.book.dropDown(f.form.Title, l); err != nil {
			return fmt.Errorf("workbook: %w", err)
		}
	}
	if err := f.sheet.end(); err != nil {
		return err
	}
	for _, l := range f.form.Lists {
		if l.Sheet == "" {
			continue
		}
		if err := f.book.codes(l); err != nil {
			return err
		}
	}
	return f.book.writeTo(f.w)
}

// Discard frees what the form held, without writing anything.
func (f *FormWriter) Discard() { f.book.close() }

// What the note beside a cell may have, in UTF-16 units.
const maxNote = 255

// note names the codes of a list, with their names where there is room for both.
func note(l form.List) string {
	named, bare := make([]string, len(l.Codes)), make([]string, len(l.Codes))
	for i, c := range l.Codes {
		named[i], bare[i] = c.Code+" = "+c.Name, c.Code
		if c.Name == "" {
			named[i] = c.Code
		}
	}
	for _, text := range []string{strings.Join(named, "\n"), strings.Join(bare, "\n")} {
		if len(text) <= maxNote {
			return text
		}
	}
	text := ""
	for _, code := range bare {
		const more = "..."
		if len(text)+len(code)+len(more)+1 > maxNote {
			return text + more
		}
		text += code + "\n"
	}
	return text
}

// dropDown offers the codes of a list in its columns.
func (b *book) dropDown(sheet string, l form.List) error {
	first, err := excelize.CoordinatesToCellName(l.First, 2)
	if err != nil {
		return err
	}
	last, err := excelize.CoordinatesToCellName(l.Last, 1+sampleRows)
	if err != nil {
		return err
	}
	list := excelize.NewDataValidation(true)
	list.SetSqref(first + ":" + last)
	hint := "Pick one from the list."
	if l.Sheet != "" {
		list.SetSqrefDropList("'" + l.Sheet + "'!$A$2:$A$" + strconv.Itoa(1+len(l.Codes)))
		hint = "Pick a code from the list. The hidden sheet \"" + l.Sheet + "\" says what each code stands for."
	} else {
		codes := make([]string, len(l.Codes))
		for i, c := range l.Codes {
			codes[i] = c.Code
		}
		if err := list.SetDropList(codes); err != nil {
			return err
		}
	}
	list.SetError(excelize.DataValidationErrorStyleStop, "Unknown "+strings.ToLower(l.Name), hint)
	list.SetInput(l.Name, note(l))
	return b.file.AddDataValidation(sheet, list)
}

// codes writes the hidden sheet that a drop-down reads.
func (b *book) codes(l form.List) error {
	s, err := b.table(l.Sheet, []column{
		{title: l.Heads[0], width: 45, style: b.styles.text},
		{title: l.Heads[1], width: 40, style: b.styles.text},
	})
	if err != nil {
		return err
	}
	for _, a := range l.Codes {
		if err := s.append(0, textCell(a.Code), textCell(a.Name)); err != nil {
			return err
		}
	}
	return s.end()
}

// Writer begins files of Excel: what form.Workbooks asks for.
type Writer struct{}

var _ form.Workbooks = Writer{}

// Form is NewForm.
func (Writer) Form(w io.Writer, f form.Form) (form.Rows, error) {
	out, err := NewForm(w, f)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Result is NewResult.
func (Writer) Result(w io.Writer, created time.Time, title string, header []string) (form.Result, error) {
	out, err := NewResult(w, created, title, header)
	if err != nil {
		return nil, err
	}
	return out, nil
}
