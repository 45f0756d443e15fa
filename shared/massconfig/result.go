package massconfig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"seatwise/shared/files"
	"seatwise/shared/sheet"
	"seatwise/shared/workbook"
	"seatwise/shared/workbook/csvout"
)

// resultWriter takes the rows of a result file: the input with Status and Message (spec 5.5).
type resultWriter interface {
	Append(cells []string, status, message string) error
	Close() error
	Discard()
}

// verdict is what became of a row, for its Status and Message.
func verdict(r planRow, place int, p progress, refused map[int]string) (status, message string) {
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
	case refused[place] != "":
		return "refused", refused[place]
	case place > p.Row:
		return "not configured", ""
	case r.Outcome == Unchanged:
		return "unchanged", ""
	}
	changes := make([]string, len(r.Changes))
	for i, d := range r.Changes {
		changes[i] = fmt.Sprintf("%s: %s -> %s", d.Field, orNone(d.From), orNone(d.To))
	}
	return "configured", strings.Join(changes, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// writeResult stores the result file and notes it on the job; doing it again writes the same.
func (w *worker) writeResult(ctx context.Context) error {
	temp, err := os.CreateTemp("", "seatwise-result-*")
	if err != nil {
		return fmt.Errorf("result file: %w", err)
	}
	defer func() {
		_ = temp.Close()           // it was written by then, or given up
		_ = os.Remove(temp.Name()) // in Lambda the folder is emptied with the instance at the latest
	}()
	if w.j.Source == FromUndo {
		err = w.resultOfPlan(ctx, temp)
	} else {
		err = w.resultOfFile(ctx, temp)
	}
	if err != nil {
		return err
	}
	size, err := temp.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = temp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("result file: %w", err)
	}
	ref := files.Ref{Bucket: files.Reports, Key: resultObject(w.c.Account, w.j.ID, w.j.FileName)}
	if _, err := w.s.env.Files.Put(ctx, ref, temp, size, contentType(w.j.FileName)); err != nil {
		return err
	}
	w.j.Result = &ref
	return nil
}

func (w *worker) resultWriter(to io.Writer, header []string) (resultWriter, error) {
	if contentType(w.j.FileName) == "text/csv" {
		return csvout.NewResult(to, header)
	}
	return workbook.NewResult(to, w.j.CreatedAt, header)
}

// verdicts hands out what became of the rows, in the order of the plan. It is an iterator so that plan and file can be read side by side, since both are in the
// order of the rows. A failure is noted in the error to which failed points, and ends it.
func (w *worker) verdicts(ctx context.Context, failed *error) iter.Seq[judged] {
	return func(yield func(judged) bool) {
		p, _, err := w.progress(ctx)
		if err != nil {
			*failed = err
			return
		}
		refused, err := w.s.refusedRows(ctx, w.c.Account, w.j.ID)
		if err != nil {
			*failed = err
			return
		}
		err = w.s.eachRow(ctx, w.c.Account, w.j, 0, func(place int, r planRow) error {
			status, message := verdict(r, place, p, refused)
			if !yield(judged{r, status, message}) {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			*failed = err
		}
	}
}

// judged is a row of the plan with what became of it.
type judged struct {
	row             planRow
	status, message string
}

// resultOfFile repeats the uploaded file.
func (w *worker) resultOfFile(ctx context.Context, to io.Writer) error {
	reader, closeFile, err := w.s.open(ctx, w.j)
	if err != nil {
		return err
	}
	defer closeFile()
	var failed error
	next, stop := iter.Pull(w.verdicts(ctx, &failed))
	defer stop()
	var at columns
	var out resultWriter
	defer func() {
		if out != nil {
			out.Discard()
		}
	}()
	var v judged
	var more bool
	err = reader.Rows(func(row sheet.Row) error {
		if out == nil {
			var err error
			if at, err = readHeader(row); err != nil {
				return err
			}
			if out, err = w.resultWriter(to, keep(at, row)); err != nil {
				return err
			}
			v, more = next()
			return failed
		}
		status, message := "", ""
		if more && v.row.Row == row.Number {
			status, message = v.status, v.message
			if v, more = next(); failed != nil {
				return failed
			}
		}
		return out.Append(keep(at, row), status, message)
	})
	if err != nil {
		return err
	}
	if more {
		return fmt.Errorf("result of mass configuration %s: the file has no row %d", w.j.ID, v.row.Row)
	}
	return out.Close()
}

// keep takes the columns of the result: all that mean something, but not the Status and Message of an earlier result.
func keep(at columns, row sheet.Row) []string {
	cells := make([]string, len(at.kept))
	for i, column := range at.kept {
		cells[i] = row.Cell(column).Text
	}
	return cells
}

// resultOfPlan writes the rows of a plan that came from no file.
func (w *worker) resultOfPlan(ctx context.Context, to io.Writer) error {
	addOns := len(w.s.addOns)
	out, err := w.resultWriter(to, csvout.SampleHeader(addOns))
	if err != nil {
		return err
	}
	defer out.Discard()
	var failed error
	for v := range w.verdicts(ctx, &failed) {
		r := v.row
		cells := append([]string{r.Extension, r.Wanted.Number, r.Wanted.User}, r.Wanted.AddOns...)
		if err := out.Append(cells, v.status, v.message); err != nil {
			return err
		}
	}
	if failed != nil {
		return failed
	}
	return out.Close()
}
