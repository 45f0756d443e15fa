package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook/csvout"
	"seatwise/shared/craft/workbook/form"
)

// WriteResult stores the result file of a plan that came from a file, and notes it on the job; doing
// it again writes the same. It repeats the columns of the file that kept names for its header.
func (p Plan[R, P]) WriteResult(
	ctx context.Context, w *Worker, limits sheet.Limits, kept func(header sheet.Row) ([]int, error),
) error {
	return w.storeResult(ctx, func(to io.Writer) error {
		reader, closeFile, err := w.Open(ctx, limits)
		if err != nil {
			return err
		}
		defer closeFile()
		return p.resultOfFile(ctx, &resultFile{w: w, to: to, kept: kept}, reader)
	})
}

// WriteListedResult is WriteResult of a plan that came from no file: below the header stand the
// cells of each row.
func (p Plan[R, P]) WriteListedResult(
	ctx context.Context, w *Worker, header []string, cells func(r P) []string,
) error {
	return w.storeResult(ctx, func(to io.Writer) error {
		out, err := w.resultWriter(to, header)
		if err != nil {
			return err
		}
		defer out.Discard()
		var failed error
		for v := range p.outcomes(ctx, w, &failed) {
			if err := out.Append(cells(&v.row), v.status, v.message); err != nil {
				return err
			}
		}
		if failed != nil {
			return failed
		}
		return out.Close()
	})
}

// storeResult stores what is written as the result file.
func (w *Worker) storeResult(ctx context.Context, write func(to io.Writer) error) error {
	temp, err := os.CreateTemp("", "seatwise-result-*")
	if err != nil {
		return fmt.Errorf("result file: %w", err)
	}
	defer func() {
		_ = temp.Close()           // it was written by then, or given up
		_ = os.Remove(temp.Name()) // in Lambda the folder is emptied with the instance at the latest
	}()
	err = write(temp)
	if refusal := (*sheet.Refusal)(nil); errors.As(err, &refusal) {
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
	ref := w.jobs.names.ResultRef(w.Call.Account, w.Job.ID, w.Job.FileName)
	if _, err := w.jobs.env.Files.Put(ctx, ref, temp, size, ContentType(w.Job.FileName)); err != nil {
		return err
	}
	w.Job.Result = &ref
	return nil
}

func (w *Worker) resultWriter(to io.Writer, header []string) (form.Result, error) {
	if ContentType(w.Job.FileName) == "text/csv" {
		return csvout.NewResult(to, header)
	}
	return w.jobs.env.Workbooks.Result(to, w.Job.CreatedAt, capital(w.jobs.names.One)+" result", header)
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
func (p Plan[R, P]) outcomes(ctx context.Context, w *Worker, failed *error) iter.Seq[outcome[R]] {
	return func(yield func(outcome[R]) bool) {
		done, err := w.Progress(ctx)
		if err != nil {
			*failed = err
			return
		}
		refused, err := p.Refused(ctx)
		if err != nil {
			*failed = err
			return
		}
		err = p.Each(ctx, 0, func(place int, r P) error {
			judged := r.judged()
			status, message := p.Jobs.names.verdict(judged, p.Says, refused[place], place <= done.Value.Row)
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

// resultFile repeats an uploaded file: the columns that mean something, but not the Status and
// Message of an earlier result.
type resultFile struct {
	w       *Worker
	to      io.Writer
	kept    func(header sheet.Row) ([]int, error)
	columns []int
	cells   []string
	out     form.Result // nil before the header is written
}

// begin writes the header.
func (f *resultFile) begin(header sheet.Row) (err error) {
	if f.columns, err = f.kept(header); err != nil {
		return err
	}
	f.out, err = f.w.resultWriter(f.to, f.keep(header))
	return err
}

// keep are the cells of a row that are repeated; they are good until the next row.
func (f *resultFile) keep(row sheet.Row) []string {
	f.cells = f.cells[:0]
	for _, column := range f.columns {
		f.cells = append(f.cells, sheet.Written(row.Cell(column)))
	}
	return f.cells
}

// resultOfFile writes the rows of the file, each with what became of it.
func (p Plan[R, P]) resultOfFile(ctx context.Context, f *resultFile, reader *sheet.Reader) error {
	var failed error
	next, stop := iter.Pull(p.outcomes(ctx, f.w, &failed))
	defer stop()
	defer func() {
		if f.out != nil {
			f.out.Discard()
		}
	}()
	var v outcome[R]
	var more bool
	err := reader.Rows(func(row sheet.Row) error {
		if f.out == nil {
			if err := f.begin(row); err != nil {
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
		return f.out.Append(f.keep(row), status, message)
	})
	if err != nil {
		return err
	}
	if more {
		return fmt.Errorf("result of %s %s: the file has no row %d", p.Jobs.names.One, p.ID, v.number)
	}
	return f.out.Close()
}
