// Package csvout writes the CSV files that stand beside the workbooks of mass configuration and
// imports: the sample and the result (requirements, sections 5.1, 5.5). It knows nothing of
// workbooks, so that a function that only answers CSV does not link the workbook library (design,
// decision 9).
//
// Every file is RFC 4180: comma, CRLF, quotes where needed; and it begins with a UTF-8 byte order
// mark, because Excel takes a file without one for the machine's old code page. A line break inside
// a cell is written as CRLF too.
//
// CSV has no type for text, so a cell that a spreadsheet would run is neutralized with an
// apostrophe in front. See [Neutral] for which.
package csvout

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook/form"
)

// ErrRagged is returned for a row with more cells than the header.
var ErrRagged = errors.New("csvout: row has more cells than the header")

// byteOrderMark is U+FEFF in UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// ResultHeader is the header of a result file: the columns of the input and then Status and Message
// (requirements, section 5.5). The input's slice is not touched.
func ResultHeader(input []string) []string {
	return append(append(make([]string, 0, len(input)+2), input...), "Status", "Message")
}

// WriteSample writes the sample file with n add-on columns and the given example rows, whose cells
// stand in the order of [form.SampleHeader]. Short rows are filled up with empty cells; a longer one is
// [ErrRagged].
func WriteSample(w io.Writer, n int, rows [][]string) error {
	return WriteTable(w, form.SampleHeader(n), rows)
}

// WriteTable writes a header and the rows under it. Short rows are filled up with empty cells; a
// longer one is [ErrRagged].
func WriteTable(w io.Writer, header []string, rows [][]string) error {
	out, err := NewTable(w, header)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := out.Append(row); err != nil {
			return err
		}
	}
	return out.Close()
}

// Table writes a table row by row; nothing is kept but a buffer of 4 KiB.
type Table struct{ file *file }

// NewTable begins a table with a header. The columns of these places, from 0, have figures that we
// wrote ourselves: they stay as they are, so that a spreadsheet adds them up.
func NewTable(w io.Writer, header []string, figures ...int) (*Table, error) {
	out, err := newFile(w, header)
	if err == nil {
		out.figures = figures
	}
	return &Table{out}, err
}

// Append writes one row. A row shorter than the header is filled up; a longer one is [ErrRagged]
// and is not written.
func (t *Table) Append(cells []string) error { return t.file.append(cells) }

// Close writes out what is buffered. It does not close the writer underneath.
func (t *Table) Close() error { return t.file.close() }

// Discard lets go of the table unfinished; there is nothing to free.
func (t *Table) Discard() {}

// Result writes the result file row by row; nothing is kept but a buffer of 4 KiB.
type Result struct {
	file  *file
	cells []string
}

// NewResult begins a result file with the columns of the input, which it copies, and Status and
// Message.
func NewResult(w io.Writer, header []string) (*Result, error) {
	out, err := newFile(w, ResultHeader(header))
	if err != nil {
		return nil, err
	}
	return &Result{file: out, cells: make([]string, len(header)+2)}, nil
}

// Append writes one row of the input with its outcome. A row shorter than the header is filled up;
// a longer one is [ErrRagged] and is not written.
func (r *Result) Append(cells []string, status, message string) error {
	width := len(r.cells) - 2
	if len(cells) > width {
		return fmt.Errorf("%w: %d and %d", ErrRagged, len(cells), width)
	}
	clear(r.cells[copy(r.cells, cells):])
	r.cells[width], r.cells[width+1] = status, message
	return r.file.append(r.cells)
}

// Close writes out what is buffered. It does not close the writer underneath.
func (r *Result) Close() error { return r.file.close() }

// Discard lets go of the file unfinished. What was buffered is not written; there is nothing else
// to free.
func (r *Result) Discard() {}

// Neutral gives the text as it is written to a cell. Text that begins with =, @, tab or carriage
// return, or with + or - and anything but digits after it, begins a formula (or hides one) in Excel
// and in LibreOffice, and gets an apostrophe in front, which reading takes off again. A plain
// signed number such as +6567891230 cannot run anything and stays as it is.
func Neutral(s string) string { return sheet.EscapeCSV(s) }

// file is a CSV file of a fixed number of columns.
type file struct {
	csv     *csv.Writer
	cells   []string
	figures []int
}

func newFile(w io.Writer, header []string) (*file, error) {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return nil, fmt.Errorf("csvout: %w", err)
	}
	out := &file{csv: csv.NewWriter(w), cells: make([]string, len(header))}
	out.csv.UseCRLF = true
	if err := out.append(header); err != nil {
		return nil, err
	}
	return out, nil
}

func (f *file) append(cells []string) error {
	if len(cells) > len(f.cells) {
		return fmt.Errorf("%w: %d and %d", ErrRagged, len(cells), len(f.cells))
	}
	clear(f.cells)
	for i, cell := range cells {
		if f.cells[i] = Neutral(cell); slices.Contains(f.figures, i) {
			f.cells[i] = cell
		}
	}
	if err := f.csv.Write(f.cells); err != nil {
		return fmt.Errorf("csvout: %w", err)
	}
	return nil
}

func (f *file) close() error {
	f.csv.Flush()
	if err := f.csv.Error(); err != nil {
		return fmt.Errorf("csvout: %w", err)
	}
	return nil
}
