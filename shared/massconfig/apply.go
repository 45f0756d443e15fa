package massconfig

import (
	"context"
	"fmt"
	"reflect"

	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// applier configures the rows of a plan.
type applier struct {
	s     *Service
	w     *worker
	judge *judgement // which has begun, so it knows what has a row of its own
	seats *license.Reservation
}

func (s *Service) applier(ctx context.Context, w *worker) (filejob.Applier[planRow], error) {
	a := &applier{s: s, w: w, seats: s.kernel.Reservation(w.Call, w.Job.ID, w.Commit)}
	if w.Job.Cancel {
		return a, nil // nothing but the seats is needed any more
	}
	a.judge = s.planned(ctx, w)
	return a, a.judge.Begin(nil)
}

// Begin looks at every row of the plan once more, and reserves the seats that it needs before its
// first row is applied, so that it cannot run dry in the middle.
func (a *applier) Begin(ctx context.Context) (string, error) {
	begun, err := a.seats.Begun(ctx)
	if err != nil {
		return "", err
	}
	if !begun { // otherwise the seats that are free are not those of the job
		if err := a.s.enough(ctx, a.w.Call, a.w.Job); err != nil {
			if p, ok := problem.From(err); ok {
				return names.NoLongerFits() + p.Detail, nil
			}
			return "", err
		}
	}
	why, err := a.w.Changed(ctx, a.judge, func(found, again *planRow) bool {
		return again.Outcome == found.Outcome && len(compare(again.Before, found.Before)) == 0 &&
			reflect.DeepEqual(again.Had, found.Had)
	})
	if err != nil || why != "" {
		return why, err
	}
	wanted := map[string]int64{}
	for _, need := range a.w.Job.Needs {
		wanted[need.ProductID] = need.Wanted
	}
	err = a.seats.Reserve(ctx, wanted)
	if p, ok := problem.From(err); ok {
		return names.NoLongerFits() + p.Detail, nil
	}
	return "", err
}

// End returns the seats that are left over.
func (a *applier) End(ctx context.Context, p filejob.Progress) error {
	return a.seats.Release(ctx, p.Drawn)
}

// Batch begins a commit of rows.
func (a *applier) Batch(ctx context.Context, rows []planRow, p filejob.Progress) (filejob.Batch[planRow], error) {
	b := &batch{a: a, ch: a.s.kernel.Change(a.w.Call)}
	b.ch.Draw(a.seats, p.Drawn)
	return b, a.s.loaded(ctx, b.ch, rows)
}

// batch is one commit of rows.
type batch struct {
	a  *applier
	ch *license.UnitOfWork
}

// Apply configures a row.
func (b *batch) Apply(ctx context.Context, r *planRow) error {
	b.ch.Because(fmt.Sprintf("massConfiguration:%s, row %d", b.a.w.Job.ID, r.Row))
	return b.ch.Try(func() error { return configure(ctx, b.ch, b.a.s.addOns, *r, b.a.judge.file, grant(b.a.w.Job)) })
}

// Operations are the change's; the progress notes the seats that it drew.
func (b *batch) Operations(p *filejob.Progress) ([]table.Operation, error) {
	ops, err := b.ch.Operations()
	p.Drawn = b.ch.Drawn()
	return ops, err
}

// Committed looks again at the waiting lists that the rows concern.
func (b *batch) Committed(ctx context.Context) { b.ch.Committed(ctx) }
