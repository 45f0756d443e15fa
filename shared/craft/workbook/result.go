package workbook

import (
	"fmt"
	"io"
	"time"

	"seatwise/shared/craft/workbook/csvout"
)

// ResultSheet is the name of the result file's only sheet.
const ResultSheet = "Result"

// Result writes the result file of an uploaded one (requirements, section 5.5): the columns of the
// input and then Status and Message, all of them text, under a frozen header with a filter. A
// Result is not safe for use by several goroutines.
//
// A caller that gives up before Close calls Discard; calling it after Close, as a deferred call
// does, is fine.
type Result struct {
	w     io.Writer
	book  *book
	sheet *sheet
	cells []any
	err   error // the first error; it stays
}

// NewResult begins a result file with the columns of the input. created and title go into the
// document's properties. Nothing is written to w before Close.
func NewResult(w io.Writer, created time.Time, title string, header []string) (*Result, error) {
	b, err := newBook(created, title, ResultSheet)
	if err != nil {
		return nil, err
	}
	titles := csvout.ResultHeader(header)
	columns := make([]column, len(titles))
	for i, title := range titles {
		columns[i] = column{title: title, width: 20, style: b.styles.text}
	}
	columns[len(header)].width = 12
	columns[len(header)+1].width = 70
	s, err := b.table(ResultSheet, columns)
	if err != nil {
		b.close()
		return nil, err
	}
	return &Result{w: w, book: b, sheet: s, cells: make([]any, len(titles))}, nil
}

// Append writes one row of the input with its outcome. A row shorter than the header is filled up
// with empty cells; a longer one is [ErrRagged] and is not written. Another error, such as
// [ErrTooManyRows], is final: Close will repeat it.
func (r *Result) Append(cells []string, status, message string) error {
	if r.err != nil {
		return r.err
	}
	width := len(r.cells) - 2
	if len(cells) > width {
		return fmt.Errorf("%w: %d and %d", ErrRagged, len(cells), width)
	}
	clear(r.cells)
	for i, cell := range cells {
		r.cells[i] = textCell(cell)
	}
	r.cells[width], r.cells[width+1] = textCell(status), textCell(message)
	// The style of the row, not of its columns: with it excelize need not search the columns for
	// every cell.
	r.err = r.sheet.append(r.book.styles.text, r.cells...)
	return r.err
}

// Close writes the workbook to w, which it does not close, and frees what the Result held.
func (r *Result) Close() error {
	defer r.Discard()
	if r.err != nil {
		return r.err
	}
	if r.err = r.sheet.flush(1, r.sheet.row, len(r.cells)); r.err != nil {
		return r.err
	}
	if err := r.book.writeTo(r.w); err != nil {
		return err
	}
	return nil
}

// Discard frees what the Result held, without writing anything. After Close it does nothing.
func (r *Result) Discard() {
	r.book.close()
	if r.err == nil {
		r.err = errDone
	}
}
