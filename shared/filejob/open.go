package filejob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/platform/files"
)

// Open brings the job's file to this machine and verifies the whole of it (requirements, section
// 5). The second result closes it.
//
// Errors: a *sheet.Refusal for the file's own faults.
func (w *Worker) Open(ctx context.Context, limits sheet.Limits) (*sheet.Reader, func(), error) {
	spool, size, err := w.spool(ctx)
	if err != nil {
		return nil, nil, err
	}
	discard := func() {
		_ = spool.Close()           // the file goes with it
		_ = os.Remove(spool.Name()) // in Lambda the folder is emptied with the instance at the latest
	}
	reader, err := sheet.Open(spool, size, w.Job.FileName, limits)
	if err != nil {
		discard()
		return nil, nil, err
	}
	closeFile := func() {
		_ = reader.Close() // it only removes a temporary file
		discard()
	}
	switch w.Job.Hidden {
	case hiddenApply:
	case hiddenSkip:
		reader.LeaveOutHidden()
	default:
		if refusal := reader.Hidden().Refuse(); refusal != nil {
			closeFile()
			refusal.File, refusal.Sheet = w.Job.FileName, reader.SheetName()
			return nil, nil, refusal
		}
	}
	return reader, closeFile, nil
}

// spool copies the job's file into a temporary one, which is the caller's to remove.
//
// Errors: a *sheet.Refusal for a file that is gone, too large, or not the one that was announced.
func (w *Worker) spool(ctx context.Context) (_ *os.File, size int64, err error) {
	body, info, err := w.jobs.env.Files.Get(ctx, w.Job.File)
	if errors.Is(err, files.ErrNotFound) {
		return nil, 0, &sheet.Refusal{Reason: "gone", Message: "The file is no longer there."}
	}
	if err != nil {
		return nil, 0, err
	}
	defer body.Close()
	if info.Size > MaxFileBytes {
		return nil, 0, &sheet.Refusal{Reason: "too-large", Message: "The file is larger than 20 MiB."}
	}
	spool, err := os.CreateTemp("", "seatwise-upload-*")
	if err != nil {
		return nil, 0, fmt.Errorf("spool the upload: %w", err)
	}
	defer func() {
		if err != nil {
			_ = spool.Close()           // it is of no use
			_ = os.Remove(spool.Name()) // in Lambda the folder is emptied with the instance at the latest
		}
	}()
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(spool, sum), io.LimitReader(body, MaxFileBytes+1))
	if err != nil {
		return nil, 0, fmt.Errorf("spool the upload: %w", err)
	}
	if w.Job.SHA256 != "" && !strings.EqualFold(w.Job.SHA256, hex.EncodeToString(sum.Sum(nil))) {
		return nil, 0, &sheet.Refusal{
			Reason:  "checksum",
			Message: "The file is not the one that was announced: its SHA-256 is another.",
		}
	}
	return spool, size, nil
}

// EachRow visits the rows of a file below its header; blank rows are ignored, and hidden ones where
// they are to be left out.
//
// Errors: a *sheet.Refusal, also when there is no header, or no row below it; those of header and
// visit.
func EachRow(reader *sheet.Reader, header, visit func(sheet.Row) error) error {
	first, rows, left := true, 0, 0
	err := reader.Rows(func(row sheet.Row) error {
		leave := row.Hidden && reader.LeavesOutHidden()
		switch {
		case first:
			if first = false; leave {
				return &sheet.Refusal{
					Row:     row.Number,
					Reason:  sheet.ReasonHidden,
					Message: "The header is hidden, and hidden rows are to be left out. Show it.",
				}
			}
			return header(row)
		case row.Blank():
			return nil
		case leave:
			left++
			return nil
		}
		rows++
		return visit(row)
	})
	switch {
	case err != nil:
		return err
	case first:
		return &sheet.Refusal{Reason: "header", Message: "The file is empty; its first row must be the header."}
	case rows == 0 && left > 0:
		return &sheet.Refusal{
			Reason:  "no-rows",
			Message: "All rows below the header are hidden, and hidden rows are to be left out.",
		}
	case rows == 0:
		return &sheet.Refusal{Reason: "no-rows", Message: "The file has a header and no row below it."}
	}
	return nil
}
