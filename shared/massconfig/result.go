package massconfig

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/files"
	"seatwise/shared/sheet"
	"seatwise/shared/workbook"
	"seatwise/shared/workbook/csvout"
)

// resultWriter takes the rows of a result file: the input with Status and Message (spec 5.5).
type resultWriter interface {
	Append(cells []string, status, message string) error
	Close() error
}

// verdict is what became of a row, for its Status and Message.
func verdict(r planRow, n int, p progress, refused map[int]string) (status, message string) {
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
	case refused[r.Row] != "":
		return "refused", refused[r.Row]
	case n > p.Row:
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
	if w.j.Chunks == 0 {
		return nil
	}
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

// verdicts hands out what became of the rows, in the order of the plan.
func (w *worker) verdicts(ctx context.Context, visit func(r planRow, status, message string) error) error {
	p, _, err := w.progress(ctx)
	if err != nil {
		return err
	}
	refused, err := w.s.refusedRows(ctx, w.c.Account, w.j.ID)
	if err != nil {
		return err
	}
	n := 0
	return w.s.eachRow(ctx, w.c.Account, w.j, func(r planRow) error {
		n++
		status, message := verdict(r, n, p, refused)
		return visit(r, status, message)
	})
}

// resultOfFile repeats the uploaded file. Plan and file are read side by side, since both are in the order of the rows.
func (w *worker) resultOfFile(ctx context.Context, to io.Writer) error {
	reader, closeFile, err := w.s.open(ctx, w.j)
	if err != nil {
		return err
	}
	defer closeFile()
	type judged struct {
		row             int
		status, message string
	}
	judgements := make(chan judged, chunkRows)
	failed := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(judgements)
		failed <- w.verdicts(ctx, func(r planRow, status, message string) error {
			select {
			case judgements <- judged{r.Row, status, message}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	var at columns
	var out resultWriter
	next, more := judged{}, false
	err = reader.Rows(func(row sheet.Row) error {
		if out == nil {
			var err error
			if at, err = readHeader(row); err != nil {
				return err
			}
			if out, err = w.resultWriter(to, keep(at, row)); err != nil {
				return err
			}
			next, more = <-judgements
			return nil
		}
		status, message := "", ""
		if more && next.row == row.Number {
			status, message = next.status, next.message
			next, more = <-judgements
		}
		return out.Append(keep(at, row), status, message)
	})
	if err != nil {
		return err
	}
	stop()
	if err := <-failed; err != nil && ctx.Err() == nil {
		return err
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
	addOns := len(w.s.products.AddOns(catalog.PhoneSystemID))
	out, err := w.resultWriter(to, csvout.SampleHeader(addOns))
	if err != nil {
		return err
	}
	err = w.verdicts(ctx, func(r planRow, status, message string) error {
		cells := append([]string{r.Extension, r.Wanted.Number, r.Wanted.User}, r.Wanted.AddOns...)
		return out.Append(cells, status, message)
	})
	if err != nil {
		return err
	}
	return out.Close()
}
