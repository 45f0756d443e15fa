package filejob

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Source hands out the rows of a plan in their order, as often as it is asked; those with errors
// have the outcome Bad already, the others none.
type Source[R any] func(visit func(R) error) error

// Judge decides what becomes of the rows of a plan.
//
// What makes a row bad is seen in the row itself, or in the account's state; in the second case,
// the rows that lean on it are bad too, and all are judged once more without them.
type Judge[R any] interface {
	// Begin is called before all rows are judged, which can be twice; without are the keys of rows
	// that are known to be bad by then.
	Begin(without map[string]bool) error
	// Load reads the state on which some rows are judged; several Loads run at once. The answer
	// decides the outcome of one row on it, and names the keys of the rows that this one leans on;
	// it is called for one row after the other, in their order.
	Load(ctx context.Context, rows []R) (decide func(r *R) (leans []string), err error)
	// Key tells the sound rows of the plan apart.
	Key(r *R) string
}

// planner makes a plan and writes it, a chunk at a time.
type planner[R any, P rowOf[R]] struct {
	plan   Plan[R, P]
	w      *Worker
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

// Write judges the rows of a source and writes the plan, with what it found in the worker's job.
//
// Errors: those of the source, such as a *sheet.Refusal, and of the judge; errHandedOn.
func (p Plan[R, P]) Write(ctx context.Context, w *Worker, rows Source[R], judge Judge[R]) error {
	m := &planner[R, P]{plan: p, w: w, judge: judge}
	if err := m.twice(ctx, rows); err != nil {
		return err
	}
	w.Job.Chunks, w.Job.Counts, w.Job.Errors = m.chunk, m.counts, m.faults
	return nil
}

// twice judges the rows, and once more where some are bad by the account's state.
func (p *planner[R, P]) twice(ctx context.Context, rows Source[R]) error {
	without := map[string]bool{}
	for range 2 {
		if err := p.judge.Begin(without); err != nil {
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
func (p *planner[R, P]) pass(ctx context.Context, rows Source[R]) error {
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
func (p *planner[R, P]) read(ctx context.Context, rows Source[R], batches chan<- *batch[R]) error {
	var loads errgroup.Group
	loads.SetLimit(loadsAtOnce)
	defer func() { _ = loads.Wait() }() // each tells its own outcome
	size := p.plan.Size.Batch
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
func (p *planner[R, P]) decide(ctx context.Context, b *batch[R]) error {
	full := p.plan.Size.Chunk * ChunksAtOnce
	for i := range b.rows {
		p.outcome(&b.rows[i], b.decide)
		p.rows = append(p.rows, b.rows[i])
		if len(p.rows) == full {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// outcome decides the outcome of a row, unless it has one, and counts it.
func (p *planner[R, P]) outcome(row *R, decide func(r *R) (leans []string)) {
	r := P(row).judged()
	if r.Outcome == "" {
		for _, on := range decide(row) {
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
}

// flush has the judged rows written, while the next ones are judged.
func (p *planner[R, P]) flush(ctx context.Context) error {
	if err := p.written(); err != nil || len(p.rows) == 0 {
		return err
	}
	size := p.plan.Size.Chunk
	rows, first := p.rows, p.chunk
	p.chunk += (len(rows) + size - 1) / size
	p.rows = make([]R, 0, len(rows))
	done := make(chan error, 1)
	p.writing = done
	go func() { done <- p.write(ctx, rows, first) }()
	return nil
}

// written waits for the commit that is under way.
func (p *planner[R, P]) written() error {
	if p.writing == nil {
		return nil
	}
	err := <-p.writing
	p.writing = nil
	return err
}

// write writes chunks of the plan. When the time is nearly over, the next invocation begins again,
// with all its time before it: the largest file takes a minute.
func (p *planner[R, P]) write(ctx context.Context, rows []R, first int) error {
	if err := p.writeBeside(ctx, rows); err != nil {
		return err
	}
	var ops []table.Operation
	for chunk := range slices.Chunk(rows, p.plan.Size.Chunk) {
		data, err := call.Encode(chunk)
		if err != nil {
			return err
		}
		key := p.plan.chunkKey(first + len(ops))
		ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.Always))
	}
	if err := p.w.handOn(ctx); err != nil {
		return err
	}
	if err := p.w.commit(ctx, append(ops, p.w.still())); err != nil {
		return err
	}
	return p.w.renew(ctx)
}

// writeBeside writes what rows keep beside the plan, before the rows themselves.
func (p *planner[R, P]) writeBeside(ctx context.Context, rows []R) error {
	if p.plan.Beside == nil {
		return nil
	}
	for i := range rows {
		var ops []table.Operation
		for part, what := range p.plan.Beside(&rows[i]) {
			data, err := call.Encode(what)
			if err != nil {
				return err
			}
			key := p.plan.besideKey(P(&rows[i]).judged().Row, part)
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
