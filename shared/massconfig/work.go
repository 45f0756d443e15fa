package massconfig

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook/form"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// plan is the plan of a mass configuration.
func (s *Service) plan(account, id string) filejob.Plan[planRow, *planRow] {
	return filejob.Plan[planRow, *planRow]{
		Jobs: s.jobs, Account: account, ID: id, Size: filejob.Size{Chunk: chunkRows, Batch: judgeBatch},
		Says: filejob.Wording{
			Fields:   fieldNames,
			Products: []string{fieldLicense, fieldAddOns},
			Catalog:  s.products,
		},
	}
}

// The fields of differences of which more is said than their name.
const (
	fieldLicense = "license"
	fieldAddOns  = "addOns"
)

// fieldNames are what the fields of differences are called.
var fieldNames = map[string]string{
	"user": "User", "number": "Number", fieldLicense: "License", fieldAddOns: "Add-ons", "extension": "The user's Ext",
}

// work takes a mass configuration on from its state: from the file to the plan, or from the plan to
// the result.
func (s *Service) work(ctx context.Context, w *filejob.Worker) error {
	if w.Job.State == filejob.Checking {
		return s.check(ctx, w)
	}
	return s.configure(ctx, w)
}

// check makes the plan of a file, or of an undo, with the seats that it needs. It touches nothing but
// the plan. The plan of a dropped file is applied without being asked to.
func (s *Service) check(ctx context.Context, w *filejob.Worker) error {
	needs, err := s.write(ctx, w)
	if err != nil {
		return w.Refused(ctx, err)
	}
	w.Job.Needs = needs
	if w.Job.Counts.Error > 0 && !w.Job.SkipErrors {
		return s.reject(ctx, w, w.Job.Errors)
	}
	if w.Job.Source != fromDrop {
		return w.Ready(ctx)
	}
	err = s.enough(ctx, w.Call, w.Job)
	if told, ok := problem.From(err); ok {
		return s.reject(ctx, w, append([]filejob.RowError{{Message: told.Detail}}, w.Job.Errors...))
	}
	if err != nil {
		return err
	}
	return w.GoOn(ctx)
}

// write judges the rows of a file, or of an undo, writes the plan, and says which seats it needs.
func (s *Service) write(ctx context.Context, w *filejob.Worker) ([]filejob.Need, error) {
	j := &judgement{s: s, c: w.Call, file: newInFile()}
	var err error
	if w.Job.Source == fromUndo {
		err = s.planUndo(ctx, w, j)
	} else {
		err = s.planFile(ctx, w, j)
	}
	if err != nil || len(j.needs) == 0 {
		return nil, err
	}
	fenced, err := s.inventory.Fenced(ctx, w.Call)
	if err != nil {
		return nil, err
	}
	w.Job.Seats = behind(fenced, j.needs)
	return s.needed(ctx, w.Call, w.Job.Seats)
}

// behind are seats by whom they are for, those of people who are of no fenced cost center together:
// so few that a job can keep them.
func behind(fenced []string, seats map[string]int64) map[string]int64 {
	few := map[string]int64{}
	for name, n := range seats {
		product, costCenter, _ := strings.Cut(name, "#")
		if !slices.Contains(fenced, costCenter) {
			name = product
		}
		few[name] += n
	}
	return few
}

// needed says of each product how many seats are wanted, and how many the people of the rows may get
// now: those behind fences serve their own (requirements, section 12).
func (s *Service) needed(ctx context.Context, c *call.Call, seats map[string]int64) ([]filejob.Need, error) {
	wanted := map[string]map[string]int64{} // by product and cost center
	for name, n := range seats {
		product, costCenter, _ := strings.Cut(name, "#")
		if wanted[product] == nil {
			wanted[product] = map[string]int64{}
		}
		wanted[product][costCenter] += n
	}
	summary, err := s.inventory.Summary(ctx, c)
	if err != nil {
		return nil, err
	}
	fenced, err := s.inventory.Fenced(ctx, c)
	if err != nil {
		return nil, err
	}
	var needs []filejob.Need
	for _, row := range summary {
		of := wanted[row.ProductID]
		if of == nil {
			continue
		}
		need := filejob.Need{ProductID: row.ProductID, Available: row.Available}
		for _, n := range of {
			need.Wanted += n
		}
		if len(fenced) > 0 {
			free, err := s.inventory.Free(ctx, c, row.ProductID)
			if err != nil {
				return nil, err
			}
			need.Available = free.For(of)
		}
		needs = append(needs, need)
	}
	return needs, nil
}

// reject rejects a file of which every row is judged; the result file says what of each.
func (s *Service) reject(ctx context.Context, w *filejob.Worker, faults []filejob.RowError) error {
	if err := s.writeResult(ctx, w); err != nil {
		return err
	}
	return w.Reject(ctx, faults)
}

// configure applies the plan from where it stands, on seats that are reserved before the first row,
// so that it cannot run dry in the middle.
func (s *Service) configure(ctx context.Context, w *filejob.Worker) error {
	done, err := w.Progress(ctx)
	if err != nil {
		return err
	}
	seats := s.kernel.Reservation(w.Call, w.Job.ID, w.Commit)
	if w.GivesUp() {
		if err := seats.Release(ctx, done.Value.Drawn); err != nil {
			return err
		}
		return w.GiveUp(ctx, done.Value)
	}
	rows := s.plan(w.Call.Account, w.Job.ID).Apply(w, done, filejob.AsManyAsFit)
	b := &batch{s: s, w: w, rows: rows, seats: seats}
	if !w.Job.Cancel || done.Value.Parts > 0 {
		judge := s.planned(ctx, w)
		if err := judge.Begin(nil); err != nil {
			return err
		}
		b.file = judge.file
		if done.Version == 0 {
			why, err := s.prepare(ctx, w, seats, judge)
			if err != nil {
				return err
			}
			if why != "" {
				return s.fail(ctx, w, seats, why)
			}
		}
	}
	for rows.Next(ctx) {
		if err := call.Decide(ctx, b.commit); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return s.finish(ctx, w, seats, rows)
}

// prepare looks at every row of the plan once more, and reserves the seats that it needs. The answer
// says why the plan no longer fits, and is empty when it does.
func (s *Service) prepare(
	ctx context.Context, w *filejob.Worker, seats *license.Reservation, judge *judgement,
) (string, error) {
	begun, err := seats.Begun(ctx)
	if err != nil {
		return "", err
	}
	if !begun { // otherwise the seats that are free are not those of the job
		if why, err := noLongerFits(s.enough(ctx, w.Call, w.Job)); err != nil || why != "" {
			return why, err
		}
	}
	why, err := s.plan(w.Call.Account, w.Job.ID).Changed(ctx, w, judge, func(found, again *planRow) bool {
		return again.Outcome == found.Outcome && len(compare(again.Before, found.Before)) == 0 &&
			reflect.DeepEqual(again.Had, found.Had)
	})
	if err != nil || why != "" {
		return why, err
	}
	return noLongerFits(seats.Reserve(ctx, judge.needs))
}

// noLongerFits makes of a problem why the plan no longer fits; other errors it returns.
func noLongerFits(err error) (string, error) {
	if p, ok := problem.From(err); ok {
		return names.NoLongerFits() + p.Detail, nil
	}
	return "", err
}

// batch is some rows of a plan that are configured in one commit.
type batch struct {
	s     *Service
	w     *filejob.Worker
	rows  *filejob.Applying[planRow, *planRow]
	seats *license.Reservation
	file  inFile
}

// commit configures the next rows, each whole or not at all.
func (b *batch) commit(ctx context.Context) error {
	next := b.rows.Begin()
	ch := b.s.kernel.Change(b.w.Call)
	ch.Draw(b.seats, next.Progress.Drawn)
	if err := b.s.loaded(ctx, ch, next.Rows); err != nil {
		return err
	}
	for r := range next.Changing() {
		ch.Because(fmt.Sprintf("massConfiguration:%s, row %d", b.w.Job.ID, r.Row))
		err := ch.Try(func() error { return b.configure(ctx, ch, *r) })
		if err := next.Done(err); err != nil {
			return err
		}
	}
	ops, err := ch.Operations()
	if err != nil {
		return err
	}
	next.Progress.Drawn = ch.Drawn()
	written, err := next.Write(ctx, ops)
	if written {
		ch.Committed(ctx) // looks again at the waiting lists that the rows concern
	}
	return err
}

// finish returns the seats that are left over, writes the result file and ends the job.
func (s *Service) finish(
	ctx context.Context,
	w *filejob.Worker,
	seats *license.Reservation,
	rows *filejob.Applying[planRow, *planRow],
) error {
	if err := seats.Release(ctx, rows.Done().Drawn); err != nil {
		return err
	}
	if err := s.writeResult(ctx, w); err != nil {
		return err
	}
	return w.End(ctx, rows.Outcome())
}

// fail ends a job whose plan no longer fits, before its first row. A dropped file, which nobody can
// ask for, is checked again.
func (s *Service) fail(ctx context.Context, w *filejob.Worker, seats *license.Reservation, why string) error {
	if err := seats.Release(ctx, nil); err != nil {
		return err
	}
	if w.Job.Source == fromDrop {
		return w.CheckAgain(ctx, why)
	}
	return w.Fail(ctx, why)
}

// writeResult writes the result file: the input, or the rows of an undo, with what became of each.
func (s *Service) writeResult(ctx context.Context, w *filejob.Worker) error {
	plan := s.plan(w.Call.Account, w.Job.ID)
	if w.Job.Source == fromUndo {
		return plan.WriteListedResult(ctx, w, form.SampleHeader(len(s.addOns)), func(r *planRow) []string {
			return append([]string{r.Extension, r.Wanted.Number, r.Wanted.User}, r.Wanted.AddOns...)
		})
	}
	return plan.WriteResult(ctx, w, sheet.DefaultLimits(), func(header sheet.Row) ([]int, error) {
		at, err := readHeader(header)
		return at.kept, err
	})
}
