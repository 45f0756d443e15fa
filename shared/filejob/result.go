package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/craft/workbook/csvout"
)

// resultWriter takes the rows of a result file: the input with Status and Message (requirements,
// section 5.5).
type resultWriter interface {
	Append(cells []string, status, message string) error
	Close() error
	Discard()
}

// writeResult stores the result file and notes it on the job; doing it again writes the same.
func (w *Worker[R, V]) writeResult(ctx context.Context) error {
	temp, err := os.CreateTemp("", "seatwise-result-*")
	if err != nil {
		return fmt.Errorf("result file: %w", err)
	}
	defer func() {
		_ = temp.Close()           // it was written by then, or given up
		_ = os.Remove(temp.Name()) // in Lambda the folder is emptied with the instance at the latest
	}()
	if w.Job.File.Key == "" {
		err = w.resultOfPlan(ctx, temp)
	} else {
		err = w.resultOfFile(ctx, temp)
	}
	var refusal *sheet.Refusal
	if errors.As(err, &refusal) {
		// The rows are listed all the same; a job must not wait for ever for a file that does not
		// come back.
		w.Job.Why = "There is no result file. " + refusal.Error()
		return nil
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
	ref := w.jobs.module.ResultRef(w.Call.Account, w.Job.ID, w.Job.FileName)
	if _, err := w.jobs.env.Files.Put(ctx, ref, temp, size, ContentType(w.Job.FileName)); err != nil {
		return err
	}
	w.Job.Result = &ref
	return nil
}

func (w *Worker[R, V]) resultWriter(to io.Writer, header []string) (resultWriter, error) {
	if ContentType(w.Job.FileName) == "text/csv" {
		return csvout.NewResult(to, header)
	}
	return workbook.NewResult(to, w.Job.CreatedAt, capital(w.jobs.module.One)+" result", header)
}

// outcome is a row of the plan with what became of it.
type outcome[R any] struct {
	row             R
	number          int // of the row in its file
	status, message string
}

// outcomes hands out what became of the rows, in the order of the plan. It is an iterator so that
// plan and file can be read side by side, since both are in the order of the rows. A failure is
// noted in the error to which failed points, and ends it.
func (w *Worker[R, V]) outcomes(ctx context.Context, failed *error) iter.Seq[outcome[R]] {
	return func(yield func(outcome[R]) bool) {
		p, _, err := w.progress(ctx)
		if err != nil {
			*failed = err
			return
		}
		refused, err := w.jobs.RefusedRows(ctx, w.Call.Account, w.Job.ID)
		if err != nil {
			*failed = err
			return
		}
		err = w.EachRow(ctx, func(place int, r *R) error {
			judged := w.jobs.module.Judged(r)
			status, message := w.jobs.module.verdict(judged, refused[place], place <= p.Row)
			if !yield(outcome[R]{*r, judged.Row, status, message}) {
				return ErrEnough
			}
			return nil
		})
		if !errors.Is(err, ErrEnough) {
			*failed = err
		}
	}
}

// resultOfFile repeats the uploaded file: the columns that mean something, but not the Status and
// Message of an earlier result.
func (w *Worker[R, V]) resultOfFile(ctx context.Context, to io.Writer) error {
	reader, closeFile, err := w.Open(ctx)
	if err != nil {
		return err
	}
	defer closeFile()
	var failed error
	next, stop := iter.Pull(w.outcomes(ctx, &failed))
	defer stop()
	var kept []int
	var cells []string
	keep := func(row sheet.Row) []string {
		cells = cells[:0]
		for _, column := range kept {
			cells = append(cells, sheet.Written(row.Cell(column)))
		}
		return cells
	}
	var out resultWriter
	defer func() {
		if out != nil {
			out.Discard()
		}
	}()
	var v outcome[R]
	var more bool
	err = reader.Rows(func(row sheet.Row) error {
		if out == nil {
			var err error
			if kept, err = w.jobs.module.Kept(w.Job, row); err != nil {
				return err
			}
			if out, err = w.resultWriter(to, keep(row)); err != nil {
				return err
			}
			v, more = next()
			return failed
		}
		status, message := "", ""
		if more && v.number == row.Number {
			status, message = v.status, v.message
			if v, more = next(); failed != nil {
				return failed
			}
		} else if row.Hidden && reader.LeavesOutHidden() && !row.Blank() {
			status, message = "skipped", "The row is hidden."
		}
		return out.Append(keep(row), status, message)
	})
	if err != nil {
		return err
	}
	if more {
		return fmt.Errorf("result of %s %s: the file has no row %d", w.jobs.module.One, w.Job.ID, v.number)
	}
	return out.Close()
}

// resultOfPlan writes the rows of a plan that came from no file.
func (w *Worker[R, V]) resultOfPlan(ctx context.Context, to io.Writer) error {
	header, cells := w.jobs.module.Listed()
	out, err := w.resultWriter(to, header)
	if err != nil {
		return err
	}
	defer out.Discard()
	var failed error
	for v := range w.outcomes(ctx, &failed) {
		if err := out.Append(cells(&v.row), v.status, v.message); err != nil {
			return err
		}
	}
	if failed != nil {
		return failed
	}
	return out.Close()
}
