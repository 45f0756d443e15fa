package filejob

import (
	"context"
	"errors"
	"fmt"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// overhead is how many operations a commit has beside those of its rows: the counts, the progress,
// and the check that the job is still the worker's.
const overhead = 3

// apply applies the plan from where it stands. Each commit holds some rows, each whole, how far the
// plan is applied now, and the demand that the job is still this worker's: so no row is done twice
// or by halves, whoever dies or is overtaken when. A row of several commits is brought to its end
// before the job is cancelled.
func (w *Worker[R, V]) apply(ctx context.Context) error {
	applier, err := w.jobs.module.Apply(ctx, w)
	if err != nil {
		return err
	}
	p, version, err := w.progress(ctx)
	if err != nil {
		return err
	}
	if w.Job.Cancel && p.Parts == 0 {
		return w.finish(ctx, applier, Cancelled)
	}
	if version == 0 {
		why, err := applier.Begin(ctx)
		if errors.Is(err, ErrHandedOn) {
			return nil
		}
		if err != nil {
			return err
		}
		if why != "" {
			return w.fail(ctx, applier, why)
		}
	}
	guess := 4
	for p.Chunk < w.Job.Chunks {
		rows, err := w.chunk(ctx, p.Chunk)
		if err != nil {
			return err
		}
		for p.Within < len(rows) {
			if late, err := w.handOn(ctx); late || err != nil {
				return err
			}
			if err := w.Renew(ctx); err != nil {
				return err
			}
			var next Progress
			if next, guess, err = w.applySome(ctx, applier, rows, p, version, guess); err != nil {
				return err
			}
			p = next
			version++
			if w.Job.Cancel && p.Parts == 0 { // cancelled within a row, which is whole by now
				return w.finish(ctx, applier, Cancelled)
			}
		}
		p.Chunk, p.Within = p.Chunk+1, 0
	}
	return w.finish(ctx, applier, Completed)
}

// finish returns what is left over of what was kept, writes the result file and ends the job.
func (w *Worker[R, V]) finish(ctx context.Context, applier Applier[R], state State) error {
	p, _, err := w.progress(ctx)
	if err != nil {
		return err
	}
	switch err := applier.End(ctx, p); {
	case errors.Is(err, ErrHandedOn):
		return nil
	case err != nil:
		return err
	}
	if err := w.writeResult(ctx); err != nil {
		return err
	}
	if err := w.end(ctx, state); err != nil {
		return err
	}
	if w.jobs.module.Ended != nil {
		w.jobs.module.Ended(ctx, w)
	}
	return nil
}

// fail ends a job of which no row was applied, since its plan no longer fits. What continues
// automatically is checked again: the state has changed meanwhile, perhaps by another such job, and
// what the file wants is the same.
func (w *Worker[R, V]) fail(ctx context.Context, applier Applier[R], why string) error {
	switch err := applier.End(ctx, Progress{}); {
	case errors.Is(err, ErrHandedOn):
		return nil
	case err != nil:
		return err
	}
	if w.jobs.module.ByItself == nil || !w.jobs.module.ByItself(w.Job) || w.Job.Again == MostAgain {
		w.Job.Why = why
		return w.end(ctx, Failed)
	}
	subject := w.jobs.module.Subject
	audit, err := w.Call.Audit(
		call.AuditEntry{
			Action:    subject + ".checkedAgain",
			Subject:   subject,
			SubjectID: w.Job.ID,
			After:     map[string]any{"why": why},
		},
	)
	if err != nil {
		return err
	}
	w.Job.Again++
	w.Job.State, w.Job.Attempts, w.Job.Chunks = Checking, 0, 0
	if err := w.save(ctx, 0, audit); err != nil {
		return err
	}
	w.jobs.WakeUp(ctx, w.Call.Account, w.Job.ID)
	return nil
}

// giveUp ends a job that was tried too often (requirements, section 10): what it kept for its rows
// returns, and what was applied stays.
func (w *Worker[R, V]) giveUp(ctx context.Context) error {
	names := w.jobs.module.Names
	if w.Job.State == Checking {
		w.Job.Why = fmt.Sprintf(
			"The check was tried %d times and did not come to its end; nothing was %s.",
			call.MostAttempts,
			names.Done,
		)
		return w.end(ctx, Failed)
	}
	w.Job.Cancel = true // an applier of a job that ends needs nothing of the plan
	applier, err := w.jobs.module.Apply(ctx, w)
	if err != nil {
		return err
	}
	p, _, err := w.progress(ctx)
	if err != nil {
		return err
	}
	switch err := applier.End(ctx, p); {
	case errors.Is(err, ErrHandedOn):
		return nil
	case err != nil:
		return err
	}
	if p.Row == w.Job.Counts.Rows {
		w.Job.Why = "Every row was done. The result file could not be written; what became of each row is listed here."
		return w.end(ctx, Completed)
	}
	w.Job.Why = fmt.Sprintf(
		"It was tried %d times and did not come to its end. %d of %d rows were done, and stay so.",
		call.MostAttempts,
		p.Row,
		w.Job.Counts.Rows,
	)
	return w.end(ctx, Failed)
}

// NoLongerFits begins what a person reads of a stale plan.
func (n Names) NoLongerFits() string { return "The plan no longer fits; nothing was " + n.Done + ". " }

func (w *Worker[R, V]) progress(ctx context.Context) (Progress, int64, error) {
	item, ok, err := table.Get(ctx, w.jobs.env.Table, w.jobs.module.progressKey(w.Call.Account, w.Job.ID))
	if err != nil || !ok {
		return Progress{}, 0, err
	}
	p, err := call.Decode[Progress](item)
	return p, item.Version, err
}

func (w *Worker[R, V]) chunk(ctx context.Context, n int) ([]R, error) {
	item, ok, err := table.Get(ctx, w.jobs.env.Table, w.jobs.module.chunkKey(w.Call.Account, w.Job.ID, n))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("chunk %d of %s %s is missing", n, w.jobs.module.One, w.Job.ID)
	}
	return call.Decode[[]R](item)
}

// EachRow visits the rows of the job's plan in order.
func (w *Worker[R, V]) EachRow(ctx context.Context, visit func(place int, r *R) error) error {
	return w.jobs.EachRow(ctx, w.Call.Account, w.Job, 0, visit)
}

// Changed judges every sound row of the plan once more, as its check did, and names those that are
// no longer as the check found them; the answer is for a person, and empty when there are none
// (requirements, section 5.4). The judge has begun already.
func (w *Worker[R, V]) Changed(ctx context.Context, judge Judge[R], same func(found, again *R) bool) (string, error) {
	size := w.jobs.module.Size(w.Job).Batch
	var named []int
	var batch []R
	look := func() error {
		decide, err := judge.Load(ctx, batch)
		if err != nil {
			return err
		}
		for i := range batch {
			again := batch[i]
			decide(&again)
			if !same(&batch[i], &again) {
				named = append(named, w.jobs.module.Judged(&batch[i]).Row)
			}
		}
		batch = batch[:0]
		return w.Renew(ctx)
	}
	err := w.EachRow(ctx, func(_ int, r *R) error {
		if w.jobs.module.Judged(r).Outcome == Bad {
			return nil
		}
		if batch = append(batch, *r); len(batch) == size {
			return look()
		}
		return nil
	})
	if err == nil {
		err = look()
	}
	if err != nil || len(named) == 0 {
		return "", err
	}
	return w.jobs.module.NoLongerFits() + "Changed since the check: " + RowNames(named, len(named)) + ".", nil
}

// applySome applies the next rows of a chunk in one commit: as many as fill it. It returns the
// progress after them, and a better guess of how many fit.
func (w *Worker[R, V]) applySome(
	ctx context.Context,
	applier Applier[R],
	rows []R,
	p Progress,
	version int64,
	guess int,
) (Progress, int, error) {
	next := p
	most := w.jobs.module.Size(w.Job).Chunk
	if w.jobs.module.OneByOne {
		most = w.upToOne(rows[p.Within:])
		guess = most
	}
	err := call.Decide(ctx, func(ctx context.Context) error {
		n := min(guess, most, len(rows)-p.Within)
		for {
			ops, after, follow, err := w.build(ctx, applier, rows[p.Within:p.Within+n], p, version)
			if err != nil {
				return err
			}
			if len(ops) > table.MaxOperations && n > 1 {
				n = max(1, n*table.MaxOperations/(len(ops)+10))
				continue
			}
			if err := w.commit(ctx, ops); err != nil {
				return err
			}
			next = after
			guess = min(most, max(1, n*(table.MaxOperations-overhead)/max(1, len(ops)-overhead)))
			follow(ctx)
			return nil
		}
	})
	return next, guess, err
}

// upToOne is how many rows there are up to the second one that there is something to do for.
func (w *Worker[R, V]) upToOne(rows []R) int {
	found := false
	for i := range rows {
		if !w.jobs.module.Judged(&rows[i]).Applies() {
			continue
		}
		if found {
			return i
		}
		found = true
	}
	return len(rows)
}

// build makes the operations for some rows. A row that the state refuses by now is noted as
// refused, and the others are built without it.
func (w *Worker[R, V]) build(
	ctx context.Context, applier Applier[R], rows []R, p Progress, version int64,
) ([]table.Operation, Progress, func(context.Context), error) {
	w.Call.At = w.jobs.env.Clock().UTC() // a long run's records bear the time of their commit
	batch, err := applier.Batch(ctx, rows, p)
	if err != nil {
		return nil, p, nil, err
	}
	var notes []table.Operation
	after := p
	for i := range rows {
		if !w.jobs.module.Judged(&rows[i]).Applies() {
			after.Row++
			after.Within++
			continue
		}
		err := batch.Apply(ctx, &rows[i])
		if errors.Is(err, ErrPart) {
			after.Parts++
			break
		}
		after.Row++
		after.Within++
		after.Parts = 0
		if told, ok := problem.From(err); ok {
			note, err := w.note(after.Row, told)
			if err != nil {
				return nil, p, nil, err
			}
			notes = append(notes, note)
			after.Refused++
			continue
		}
		if err != nil {
			return nil, p, nil, err
		}
		after.Applied++
	}
	ops, err := batch.Operations(&after)
	if err != nil {
		return nil, p, nil, err
	}
	data, err := call.Encode(after)
	if err != nil {
		return nil, p, nil, err
	}
	cond := table.IfAbsent
	if version > 0 {
		cond = table.IfVersion(version)
	}
	done := table.Put(table.Item{Key: w.jobs.module.progressKey(w.Call.Account, w.Job.ID), Data: data}, cond)
	return append(append(ops, notes...), done, w.still()), after, batch.Committed, nil
}

// note keeps why a row was refused when its turn came.
func (w *Worker[R, V]) note(place int, why *problem.Problem) (table.Operation, error) {
	data, err := call.Encode(refusedRow{Place: place, Message: "Not " + w.jobs.module.Done + ": " + why.Detail})
	return table.Put(
		table.Item{Key: w.jobs.module.refusedKey(w.Call.Account, w.Job.ID, place), Data: data},
		table.Always,
	), err
}
