package filejob

import (
	"context"
	"errors"
	"iter"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// overhead is how many operations a commit has beside those of its rows: the counts, the progress,
// and the check that the job is still the worker's.
const overhead = 3

// Rhythm is how many rows a commit takes.
type Rhythm int

// The rhythms.
const (
	// AsManyAsFit takes into a commit as many rows as fill it, each whole.
	AsManyAsFit Rhythm = iota
	// OneByOne takes one row for which there is something to do, and rows without that around it.
	OneByOne
)

// Progress reads how far the plan is applied; its version is 0 before the first commit of rows.
func (w *Worker) Progress(ctx context.Context) (call.Stored[Progress], error) {
	item, ok, err := table.Get(ctx, w.jobs.env.Table, w.jobs.names.progressKey(w.Call.Account, w.Job.ID))
	if err != nil || !ok {
		return call.Stored[Progress]{}, err
	}
	p, err := call.Decode[Progress](item)
	return call.Stored[Progress]{Value: p, Version: item.Version}, err
}

// Applying applies the rows of a plan from where it stands. Each commit holds some rows, each whole,
// how far the plan is applied now, and the demand that the job is still this worker's: so no row is
// done twice or by halves, whoever dies or is overtaken when. A row of several commits is brought to
// its end before the job is cancelled.
//
//	for rows.Next(ctx) {
//		next := rows.Begin()
//		for row := range next.Changing() {
//			err := next.Done(...)
//		}
//		written, err := next.Write(ctx, operations)
//	}
//	err := rows.Err()
type Applying[R any, P rowOf[R]] struct {
	plan    Plan[R, P]
	w       *Worker
	rhythm  Rhythm
	done    Progress
	version int64 // of the progress
	rows    []R   // of the chunk in which it stands
	guess   int   // how many rows fill a commit
	err     error
}

// Apply begins to apply the plan of the worker's job where it stands.
func (p Plan[R, P]) Apply(w *Worker, done call.Stored[Progress], rhythm Rhythm) *Applying[R, P] {
	a := &Applying[R, P]{plan: p, w: w, rhythm: rhythm, done: done.Value, version: done.Version, guess: 4}
	if rhythm == OneByOne {
		a.guess = p.Size.Chunk
	}
	return a
}

// Done is how far the plan is applied.
func (a *Applying[R, P]) Done() Progress { return a.done }

// Outcome is the state in which a job ends whose Next says that there is no more to be applied.
func (a *Applying[R, P]) Outcome() State {
	if a.w.Job.Cancel {
		return Cancelled
	}
	return Completed
}

// Next says whether there are rows to be applied by another commit, unless Err says why not.
func (a *Applying[R, P]) Next(ctx context.Context) bool {
	var more bool
	more, a.err = a.next(ctx)
	return more && a.err == nil
}

// Err is why Next ended before the last row.
func (a *Applying[R, P]) Err() error { return a.err }

func (a *Applying[R, P]) next(ctx context.Context) (bool, error) {
	if a.w.Job.Cancel && a.done.Parts == 0 {
		return false, nil
	}
	for a.rows == nil || a.done.Within == len(a.rows) {
		if a.rows != nil {
			a.done.Chunk, a.done.Within, a.rows = a.done.Chunk+1, 0, nil
		}
		if a.done.Chunk >= a.w.Job.Chunks {
			return false, nil
		}
		var err error
		if a.rows, err = a.plan.chunk(ctx, a.done.Chunk); err != nil {
			return false, err
		}
	}
	if err := a.w.handOn(ctx); err != nil {
		return false, err
	}
	return true, a.w.renew(ctx)
}

// Commit is one commit of rows that are applied.
type Commit[R any, P rowOf[R]] struct {
	// Rows are those that it takes, also those for which there is nothing to do.
	Rows []R
	// Progress is how far the plan is applied after it; the module may note there what it keeps.
	Progress Progress

	a     *Applying[R, P]
	notes []table.Operation // of rows that are refused
	part  bool              // it ends within a row
}

// Begin begins a commit of the next rows. It can be begun again, until one is written.
func (a *Applying[R, P]) Begin() *Commit[R, P] {
	a.w.Call.At = a.w.jobs.env.Clock().UTC() // a long run's records bear the time of their commit
	left := a.rows[a.done.Within:]
	n := min(a.guess, len(left))
	if a.rhythm == OneByOne {
		n = min(n, upToOne[R, P](left))
	}
	return &Commit[R, P]{Rows: left[:n], Progress: a.done, a: a}
}

// upToOne is how many rows there are up to the second one that there is something to do for.
func upToOne[R any, P rowOf[R]](rows []R) int {
	found := false
	for i := range rows {
		if !P(&rows[i]).judged().Applies() {
			continue
		}
		if found {
			return i
		}
		found = true
	}
	return len(rows)
}

// Changing hands out the rows for which there is something to do. Done is called of each, before the
// next one.
func (c *Commit[R, P]) Changing() iter.Seq[P] {
	return func(yield func(P) bool) {
		for i := range c.Rows {
			row := P(&c.Rows[i])
			if row.judged().Applies() && (!yield(row) || c.part) {
				return
			}
			if !row.judged().Applies() {
				c.Progress.Row++
				c.Progress.Within++
			}
		}
	}
}

// Done takes in what became of a row: nil when all that it wants is in the commit, a problem when
// it is refused and the others are not, or ErrPart when the commit does a part of it. Other errors it
// returns.
func (c *Commit[R, P]) Done(err error) error {
	if errors.Is(err, ErrPart) {
		c.part = true
		c.Progress.Parts++
		return nil
	}
	told, refused := problem.From(err)
	if err != nil && !refused {
		return err
	}
	c.Progress.Row++
	c.Progress.Within++
	c.Progress.Parts = 0
	if !refused {
		c.Progress.Applied++
		return nil
	}
	c.Progress.Refused++
	note, err := c.a.note(c.Progress.Row, told)
	c.notes = append(c.notes, note)
	return err
}

// note keeps why a row was refused when its turn came.
func (a *Applying[R, P]) note(place int, why *problem.Problem) (table.Operation, error) {
	names := a.w.jobs.names
	data, err := call.Encode(refusedRow{Place: place, Message: "Not " + names.Done + ": " + why.Detail})
	key := names.refusedKey(a.w.Call.Account, a.w.Job.ID, place)
	return table.Put(table.Item{Key: key, Data: data}, table.Always), err
}

// Write commits what the rows want, with the progress. It is false where that is more than a commit
// takes: the next one is of fewer rows.
//
// Errors: those of the commit. A worker that was overtaken ends.
func (c *Commit[R, P]) Write(ctx context.Context, ops []table.Operation) (bool, error) {
	a, w := c.a, c.a.w
	data, err := call.Encode(c.Progress)
	if err != nil {
		return false, err
	}
	cond := table.IfAbsent
	if a.version > 0 {
		cond = table.IfVersion(a.version)
	}
	at := w.jobs.names.progressKey(w.Call.Account, w.Job.ID)
	ops = append(append(ops, c.notes...), table.Put(table.Item{Key: at, Data: data}, cond), w.still())
	n := len(c.Rows)
	if len(ops) > call.MaxOperations && n > 1 {
		a.guess = max(1, n*call.MaxOperations/(len(ops)+10))
		return false, nil
	}
	if err := w.commit(ctx, ops); err != nil {
		return false, err
	}
	a.done = c.Progress
	a.version++
	a.guess = a.plan.Size.Chunk
	if a.rhythm == AsManyAsFit {
		a.guess = min(a.guess, max(1, n*(call.MaxOperations-overhead)/max(1, len(ops)-overhead)))
	}
	return true, nil
}
