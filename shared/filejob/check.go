package filejob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// check makes the plan and says what it found. It touches nothing but the plan.
func (w *Worker[R, V]) check(ctx context.Context) error {
	if w.Job.Cancel {
		return w.end(ctx, Cancelled)
	}
	plan := &Planner[R, V]{w: w, size: w.jobs.module.Size(w.Job)}
	needs, err := w.jobs.module.Plan(ctx, w, plan)
	var refusal *sheet.Refusal
	if errors.As(err, &refusal) {
		return w.reject(ctx, []RowError{
			{
				Row:     refusal.Row,
				Line:    refusal.Line,
				Column:  refusal.Column,
				Code:    string(refusal.Reason),
				Message: refusal.Error(),
			},
		})
	}
	if errors.Is(err, ErrHandedOn) {
		return nil
	}
	if err != nil {
		return err
	}
	w.Job.Chunks, w.Job.Counts, w.Job.Errors, w.Job.Needs = plan.chunk, plan.counts, plan.faults, needs
	if w.Job.Counts.Error > 0 && !w.Job.SkipErrors {
		return w.rejectPlan(ctx, plan.faults)
	}
	return w.checked(ctx)
}

// rejectPlan rejects a file of which every row is judged; the result file says what of each.
func (w *Worker[R, V]) rejectPlan(ctx context.Context, faults []RowError) error {
	if err := w.writeResult(ctx); err != nil {
		return err
	}
	return w.reject(ctx, faults)
}

// checked ends a check that found a usable plan. What continues automatically does so if it can.
func (w *Worker[R, V]) checked(ctx context.Context) error {
	w.Job.Attempts = 0
	if w.jobs.module.ByItself == nil || !w.jobs.module.ByItself(w.Job) {
		w.Job.State = Ready
		w.log(ctx, "checked")
		return w.save(ctx, 0, table.Delete(w.jobs.module.MarkerKey(w.Call.Account, w.Job.ID), table.Always))
	}
	if err := w.jobs.mayStart(ctx, w.Call, w.Job); err != nil {
		if told, ok := problem.From(err); ok {
			return w.rejectPlan(ctx, append([]RowError{{Message: told.Detail}}, w.Job.Errors...))
		}
		return err
	}
	w.Job.State = w.jobs.module.Applying
	if err := w.save(ctx, 0); err != nil {
		return err
	}
	w.jobs.WakeUp(ctx, w.Call.Account, w.Job.ID)
	return nil
}

// Source hands out the rows of a plan in their order, as often as it is asked; those with errors
// have the outcome Bad already, the others none.
type Source[R any] func(visit func(R) error) error

// Judge decides what becomes of the rows of a plan.
//
// What makes a row bad is seen in the row itself, or in the account's state; in the second case,
// the rows that lean on it are bad too, and all are judged once more without them.
type Judge[R any] interface {
	// Begin is told before all rows are judged, which can be twice; without are the keys of rows
	// that are known to be bad by then.
	Begin(without map[string]bool) error
	// Load reads the state on which some rows are judged; several Loads run at once. The answer
	// decides the outcome of one row on it, and names the keys of the rows that this one leans on;
	// it is called for one row after the other, in their order.
	Load(ctx context.Context, rows []R) (decide func(r *R) (leans []string), err error)
	// Key tells the sound rows of the plan apart.
	Key(r *R) string
}

// Planner makes the plan and writes it, a chunk at a time.
type Planner[R, V any] struct {
	w      *Worker[R, V]
	size   Size
	judge  Judge[R]
	counts Counts
	faults []RowError
	// bad are the rows, by their keys, that the account's state makes bad, and leans says of a row
	// which others lean on it.
	bad   []string
	leans map[string][]string
	// rows are judged and not yet written; writing is the outcome of the commit that is under way,
	// or nil.
	rows    []R
	writing chan error
	chunk   int
}

// Plan judges the rows of a source and writes the plan.
func (p *Planner[R, V]) Plan(ctx context.Context, rows Source[R], judge Judge[R]) error {
	p.judge = judge
	without := map[string]bool{}
	for range 2 {
		if err := judge.Begin(without); err != nil {
			return err
		}
		if err := p.pass(ctx, rows); err != nil || len(p.bad) == 0 {
			return err
		}
		for len(p.bad) > 0 {
			key := p.bad[0]
			p.bad = p.bad[1:]
			if !without[key] {
				without[key] = true
				p.bad = append(p.bad, p.leans[key]...)
			}
		}
	}
	return nil
}

// batch is some rows with what decides on them, once their state is loaded.
type batch[R any] struct {
	rows   []R
	decide func(r *R) (leans []string)
	loaded chan error
}

// pass judges all rows: they are taken from the source, their state is read, and the plan is
// written, side by side, each in the order of the rows.
func (p *Planner[R, V]) pass(ctx context.Context, rows Source[R]) error {
	p.counts, p.faults, p.chunk = Counts{}, nil, 0
	p.bad, p.leans, p.rows, p.writing = nil, map[string][]string{}, nil, nil
	group, reading := errgroup.WithContext(ctx)
	batches := make(chan *batch[R], loadsAtOnce)
	group.Go(func() error {
		defer close(batches)
		return p.read(reading, rows, batches)
	})
	group.Go(func() error {
		for b := range batches {
			if err := <-b.loaded; err != nil {
				return err
			}
			if err := p.decide(ctx, b); err != nil { // not of the group: what is being written ends after it
				return err
			}
		}
		return nil
	})
	err := group.Wait()
	if err == nil {
		err = p.flush(ctx)
	}
	return errors.Join(err, p.written()) // nobody writes any more when the pass is over
}

// read takes the rows from the source in batches, and has their state read.
func (p *Planner[R, V]) read(ctx context.Context, rows Source[R], batches chan<- *batch[R]) error {
	var loads errgroup.Group
	loads.SetLimit(loadsAtOnce)
	defer func() { _ = loads.Wait() }() // each tells its own outcome
	size := p.size.Batch
	next := make([]R, 0, size)
	send := func() error {
		b := &batch[R]{rows: next, loaded: make(chan error, 1)}
		next = make([]R, 0, size)
		select {
		case batches <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		loads.Go(func() error {
			var err error
			b.decide, err = p.judge.Load(ctx, b.rows)
			b.loaded <- err
			return nil
		})
		return nil
	}
	err := rows(func(r R) error {
		if next = append(next, r); len(next) < size {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}

// decide decides the outcomes of a batch.
func (p *Planner[R, V]) decide(ctx context.Context, b *batch[R]) error {
	full := p.size.Chunk * ChunksAtOnce
	for i := range b.rows {
		row := &b.rows[i]
		r := p.w.jobs.module.Judged(row)
		if r.Outcome == "" {
			for _, on := range b.decide(row) {
				p.leans[on] = append(p.leans[on], p.judge.Key(row))
			}
			if r.Outcome == Bad {
				p.bad = append(p.bad, p.judge.Key(row))
			}
		}
		r.Errors = bounded(r.Errors)
		p.counts.Rows++
		switch r.Outcome {
		case New:
			p.counts.New++
		case Change:
			p.counts.Change++
		case Unchanged:
			p.counts.Unchanged++
		case Bad:
			p.counts.Error++
			p.faults = append(p.faults, r.Errors[:min(len(r.Errors), max(0, ShownErrors-len(p.faults)))]...)
		}
		p.rows = append(p.rows, *row)
		if len(p.rows) == full {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush has the judged rows written, while the next ones are judged.
func (p *Planner[R, V]) flush(ctx context.Context) error {
	if err := p.written(); err != nil || len(p.rows) == 0 {
		return err
	}
	size := p.size.Chunk
	rows, first := p.rows, p.chunk
	p.chunk += (len(rows) + size - 1) / size
	p.rows = make([]R, 0, len(rows))
	done := make(chan error, 1)
	p.writing = done
	go func() { done <- p.write(ctx, rows, first) }()
	return nil
}

// written waits for the commit that is under way.
func (p *Planner[R, V]) written() error {
	if p.writing == nil {
		return nil
	}
	err := <-p.writing
	p.writing = nil
	return err
}

// write writes chunks of the plan. When the time is nearly over, the next invocation begins again,
// with all its time before it: the largest file takes a minute.
func (p *Planner[R, V]) write(ctx context.Context, rows []R, first int) error {
	if err := p.writeBeside(ctx, rows); err != nil {
		return err
	}
	var ops []table.Operation
	for chunk := range slices.Chunk(rows, p.size.Chunk) {
		data, err := call.Encode(chunk)
		if err != nil {
			return err
		}
		key := p.w.jobs.module.chunkKey(p.w.Call.Account, p.w.Job.ID, first+len(ops))
		ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.Always))
	}
	late, err := p.w.handOn(ctx)
	if err != nil {
		return err
	}
	if late {
		return ErrHandedOn
	}
	if err := p.w.commit(ctx, append(ops, p.w.still())); err != nil {
		return err
	}
	return p.w.Renew(ctx)
}

// writeBeside writes what rows keep beside the plan, before the rows themselves.
func (p *Planner[R, V]) writeBeside(ctx context.Context, rows []R) error {
	module := p.w.jobs.module
	if module.Beside == nil {
		return nil
	}
	for i := range rows {
		var ops []table.Operation
		for part, what := range module.Beside(&rows[i]) {
			data, err := call.Encode(what)
			if err != nil {
				return err
			}
			key := module.besideKey(p.w.Call.Account, p.w.Job.ID, module.Judged(&rows[i]).Row, part)
			ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.Always))
		}
		if len(ops) == 0 {
			continue
		}
		if err := p.w.commit(ctx, append(ops, p.w.still())); err != nil {
			return err
		}
	}
	return nil
}

// Beside reads a number of parts of what a row of the file keeps beside the plan.
func (w *Worker[R, V]) Beside(ctx context.Context, row, parts int) ([]table.Item, error) {
	keys := make([]table.Key, parts)
	for part := range keys {
		keys[part] = w.jobs.module.besideKey(w.Call.Account, w.Job.ID, row, part)
	}
	found, err := w.jobs.env.Table.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	items := make([]table.Item, parts)
	for part, key := range keys {
		item, ok := found[key]
		if !ok {
			return nil, fmt.Errorf("item %s of a plan is missing", key)
		}
		items[part] = item
	}
	return items, nil
}

// Open brings the job's file to this machine and verifies the whole of it (requirements, section
// 5).
//
// Errors: a *sheet.Refusal for the file's own faults.
func (w *Worker[R, V]) Open(ctx context.Context) (*sheet.Reader, func(), error) {
	body, info, err := w.jobs.env.Files.Get(ctx, w.Job.File)
	if errors.Is(err, files.ErrNotFound) {
		return nil, nil, &sheet.Refusal{Reason: "gone", Message: "The file is no longer there."}
	}
	if err != nil {
		return nil, nil, err
	}
	defer body.Close()
	if info.Size > MaxFileBytes {
		return nil, nil, &sheet.Refusal{Reason: "too-large", Message: "The file is larger than 20 MiB."}
	}
	spool, err := os.CreateTemp("", "seatwise-upload-*")
	if err != nil {
		return nil, nil, fmt.Errorf("spool the upload: %w", err)
	}
	discard := func() {
		_ = spool.Close()           // the file goes with it
		_ = os.Remove(spool.Name()) // in Lambda the folder is emptied with the instance at the latest
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(spool, sum), io.LimitReader(body, MaxFileBytes+1))
	if err != nil {
		discard()
		return nil, nil, fmt.Errorf("spool the upload: %w", err)
	}
	if w.Job.SHA256 != "" && !strings.EqualFold(w.Job.SHA256, hex.EncodeToString(sum.Sum(nil))) {
		discard()
		return nil, nil, &sheet.Refusal{
			Reason:  "checksum",
			Message: "The file is not the one that was announced: its SHA-256 is another.",
		}
	}
	limits := sheet.DefaultLimits()
	if w.jobs.module.CellChars != nil {
		limits.CellChars = w.jobs.module.CellChars(w.Job)
	}
	if limits.CellChars > sheet.DefaultLimits().CellChars {
		limits.RowBytes = limits.TextBytes // a call queue of 20,000 members is one row
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
	case HiddenApply:
	case HiddenSkip:
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
