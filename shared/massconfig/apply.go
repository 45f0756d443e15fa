package massconfig

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"seatwise/shared/call"
	"seatwise/shared/license"
	"seatwise/shared/problem"
	"seatwise/shared/table"
)

// overhead is how many operations a commit has beside those of its rows: the counts, the progress, and the check that the job is still the worker's.
const overhead = 3

// handOn is how much time a worker leaves itself to hand its work on before its invocation ends.
const handOn = 20 // seconds

// configure applies the plan from where it stands. Each commit holds some rows, each whole, how far the plan is applied now, and the demand that the job is still
// this worker's: so no row is done twice or by halves, whoever dies or is overtaken when.
func (w *worker) configure(ctx context.Context) error {
	if w.j.Cancel {
		return w.finish(ctx, Cancelled)
	}
	file, err := w.fileOf(ctx)
	if err != nil {
		return err
	}
	p, version, err := w.progress(ctx)
	if err != nil {
		return err
	}
	seats := w.seats()
	if p.Row == 0 {
		stale, err := w.stale(ctx, file, seats)
		if err == nil && stale == "" {
			stale, err = w.reserve(ctx, seats)
		}
		if errors.Is(err, errHandedOn) {
			return nil
		}
		if err != nil {
			return err
		}
		if stale != "" {
			return w.fail(ctx, seats, stale)
		}
	}
	guess := 4
	for p.Chunk < w.j.Chunks {
		rows, err := w.chunk(ctx, p.Chunk)
		if err != nil {
			return err
		}
		for p.Within < len(rows) {
			if late, err := w.handOn(ctx); late || err != nil {
				return err
			}
			if err := w.renew(ctx); err != nil {
				return err
			}
			var next progress
			if next, guess, err = w.applySome(ctx, rows, p, version, guess, file, seats); err != nil {
				return err
			}
			p = next
			version++
		}
		p.Chunk, p.Within = p.Chunk+1, 0
	}
	return w.finish(ctx, Completed)
}

// finish returns the seats that are left over, writes the result file and ends the job.
func (w *worker) finish(ctx context.Context, state State) error {
	p, _, err := w.progress(ctx)
	if err != nil {
		return err
	}
	switch err := w.seats().Release(ctx, p.Drawn); {
	case errors.Is(err, errHandedOn):
		return nil
	case err != nil:
		return err
	}
	if err := w.writeResult(ctx); err != nil {
		return err
	}
	return w.end(ctx, state)
}

// fail ends a job of which no row was applied, since its plan no longer fits. A drop is checked again: the state has changed meanwhile, perhaps by another drop, and
// what the file wants is the same.
func (w *worker) fail(ctx context.Context, seats *license.Reservation, why string) error {
	switch err := seats.Release(ctx, nil); {
	case errors.Is(err, errHandedOn):
		return nil
	case err != nil:
		return err
	}
	if w.j.Source != FromDrop || w.j.Again == mostAgain {
		w.j.Why = why
		return w.end(ctx, Failed)
	}
	audit, err := w.c.Audit(call.Change{
		Action: "massConfiguration.checkedAgain", Subject: "massConfiguration", SubjectID: w.j.ID, After: map[string]any{"why": why},
	})
	if err != nil {
		return err
	}
	w.j.Again++
	w.j.State, w.j.Lease, w.j.Chunks = Checking, 0, 0
	if err := w.save(ctx, audit); err != nil {
		return err
	}
	return w.s.ticket(ctx, w.c.Account, w.j.ID)
}

// errHandedOn says that the next invocation goes on.
var errHandedOn = errors.New("handed on to the next invocation")

// seats are the seats that the job keeps for its rows.
func (w *worker) seats() *license.Reservation {
	return w.s.desk.Reservation(w.c, w.j.ID, func(ctx context.Context, ops []table.Operation) error {
		late, err := w.handOn(ctx)
		if err != nil {
			return err
		}
		if late {
			return errHandedOn
		}
		if err := w.renew(ctx); err != nil {
			return err
		}
		return w.commit(ctx, append(ops, w.still()))
	})
}

// reserve keeps the seats that the plan needs before its first row is applied, so that it cannot run dry in the middle. The answer says what is missing, and is empty
// when nothing is.
func (w *worker) reserve(ctx context.Context, seats *license.Reservation) (string, error) {
	wanted := map[string]int64{}
	for _, need := range w.j.Needs {
		wanted[need.ProductID] = need.Wanted
	}
	err := seats.Reserve(ctx, wanted)
	if p, ok := problem.From(err); ok {
		return noLongerFits + p.Detail, nil
	}
	return "", err
}

// noLongerFits begins what a person reads of a stale plan.
const noLongerFits = "The plan no longer fits; nothing was configured. "

// handOn gives the work to the next invocation when this one's time is nearly over.
func (w *worker) handOn(ctx context.Context) (bool, error) {
	deadline, limited := ctx.Deadline()
	if !limited || deadline.Unix()-w.s.env.Clock().Unix() > handOn {
		return false, nil
	}
	w.j.Lease = 0
	if err := w.save(ctx); err != nil {
		return true, err
	}
	return true, w.s.ticket(ctx, w.c.Account, w.j.ID)
}

func (w *worker) progress(ctx context.Context) (progress, int64, error) {
	item, ok, err := table.Get(ctx, w.s.env.Table, progressKey(w.c.Account, w.j.ID))
	if err != nil || !ok {
		return progress{}, 0, err
	}
	p, err := call.Decode[progress](item)
	return p, item.Version, err
}

func (w *worker) chunk(ctx context.Context, n int) ([]planRow, error) {
	item, ok, err := table.Get(ctx, w.s.env.Table, chunkKey(w.c.Account, w.j.ID, n))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("chunk %d of mass configuration %s is missing", n, w.j.ID)
	}
	return call.Decode[[]planRow](item)
}

// fileOf says which users and extensions have a row of their own that is applied.
func (w *worker) fileOf(ctx context.Context) (inFile, error) {
	file := newInFile()
	err := w.s.eachRow(ctx, w.c.Account, w.j, 0, func(_ int, r planRow) error {
		file.add(r)
		return nil
	})
	return file, err
}

// stale looks at every row of the plan once more before the first is applied; the answer names the rows that are no longer as the check found them, or the seats
// that are missing, and is empty when the plan fits (spec 5.4).
func (w *worker) stale(ctx context.Context, file inFile, seats *license.Reservation) (string, error) {
	begun, err := seats.Begun(ctx)
	if err != nil {
		return "", err
	}
	if !begun { // otherwise the seats that are free are not those of the job
		if err := w.s.enough(ctx, w.c, w.j); err != nil {
			if p, ok := problem.From(err); ok {
				return noLongerFits + p.Detail, nil
			}
			return "", err
		}
	}
	var named []int
	var batch []planRow
	look := func() error {
		ch := w.s.desk.Change(w.c)
		if err := loadRows(ctx, ch, batch); err != nil {
			return err
		}
		for _, r := range batch {
			again := r
			judge(ch, w.s.addOns, &again, file, map[string]int64{})
			if again.Outcome != r.Outcome || len(compare(again.Before, r.Before)) > 0 || !reflect.DeepEqual(again.Had, r.Had) {
				named = append(named, r.Row)
			}
		}
		batch = batch[:0]
		return w.renew(ctx)
	}
	err = w.s.eachRow(ctx, w.c.Account, w.j, 0, func(_ int, r planRow) error {
		if r.Outcome == Bad {
			return nil
		}
		if batch = append(batch, r); len(batch) == judgeBatch {
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
	return fmt.Sprintf(noLongerFits+"Changed since the check: %s.", rowNames(named, len(named))), nil
}

// applySome applies the next rows of a chunk in one commit: as many as fill it. It returns the progress after them, and a better guess of how many fit.
func (w *worker) applySome(
	ctx context.Context, rows []planRow, p progress, version int64, guess int, file inFile, seats *license.Reservation,
) (progress, int, error) {
	next := p
	err := call.Decide(ctx, func(ctx context.Context) error {
		n := min(guess, len(rows)-p.Within)
		for {
			ops, after, follow, err := w.build(ctx, rows[p.Within:p.Within+n], p, version, file, seats)
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
			guess = min(chunkRows, max(1, n*(table.MaxOperations-overhead)/max(1, len(ops)-overhead)))
			follow(ctx)
			return nil
		}
	})
	return next, guess, err
}

// build makes the operations for some rows. A row that the state refuses by now is noted as refused, and the others are built without it.
func (w *worker) build(
	ctx context.Context, rows []planRow, p progress, version int64, file inFile, seats *license.Reservation,
) ([]table.Operation, progress, func(context.Context), error) {
	w.c.At = w.s.env.Clock().UTC() // a long run's records bear the time of their commit
	ch := w.s.desk.Change(w.c)
	ch.Draw(seats, p.Drawn)
	if err := loadRows(ctx, ch, rows); err != nil {
		return nil, p, nil, err
	}
	if err := loadHeld(ctx, ch, w.s.addOns, rows); err != nil {
		return nil, p, nil, err
	}
	var notes []table.Operation
	after := p
	for _, r := range rows {
		after.Row++
		after.Within++
		if r.Outcome != New && r.Outcome != Change {
			continue
		}
		ch.Because(fmt.Sprintf("mass configuration %s, row %d", w.j.ID, r.Row))
		err := ch.Try(func() error { return configure(ctx, ch, w.s.addOns, r, file, w.j.grant()) })
		if told, ok := problem.From(err); ok {
			data, err := call.Encode(refusedRow{Place: after.Row, Message: "Not configured: " + told.Detail})
			if err != nil {
				return nil, p, nil, err
			}
			notes = append(notes, table.Put(table.Item{Key: refusedKey(w.c.Account, w.j.ID, after.Row), Data: data}, table.Always))
			after.Refused++
			continue
		}
		if err != nil {
			return nil, p, nil, err
		}
		after.Applied++
	}
	ops, err := ch.Operations()
	if err != nil {
		return nil, p, nil, err
	}
	after.Drawn = ch.Drawn()
	data, err := call.Encode(after)
	if err != nil {
		return nil, p, nil, err
	}
	cond := table.IfAbsent
	if version > 0 {
		cond = table.IfVersion(version)
	}
	ops = append(append(ops, notes...), table.Put(table.Item{Key: progressKey(w.c.Account, w.j.ID), Data: data}, cond), w.still())
	return ops, after, ch.Committed, nil
}
