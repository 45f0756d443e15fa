package imports

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// plan is the plan of an import.
type plan = filejob.Plan[planRow, *planRow]

func (s *Service) plan(account string, j filejob.Job) plan {
	return plan{
		Jobs: s.jobs, Account: account, ID: j.ID, Size: of(Kind(j.Kind)).size, Beside: (*planRow).beside,
		Says: filejob.Wording{
			Fields:   fieldNames,
			Products: []string{fieldLicenses, fieldHoldings},
			Apart: map[string][2]string{
				fieldHoldings: {"gives back", "gets"}, fieldMembers: {}, differenceQueues: {},
			},
			Catalog: s.products,
		},
	}
}

// work takes an import on from its state: from the file to the plan, or from the plan to the result.
func (s *Service) work(ctx context.Context, w *filejob.Worker) error {
	if w.Job.Rights != nil { // what the file does, they do who asked for it
		ctx = auth.With(ctx, auth.Principal{
			User: w.Job.Cause.Actor, Account: w.Call.Account, Permissions: auth.SetOf(w.Job.Rights...),
		})
	}
	if w.Job.State == filejob.Checking {
		return s.check(ctx, w)
	}
	return s.apply(ctx, w)
}

// check makes the plan of a file. It touches nothing but the plan.
func (s *Service) check(ctx context.Context, w *filejob.Worker) error {
	if err := s.write(ctx, w); err != nil {
		return w.Refused(ctx, err)
	}
	if w.Job.Counts.Error > 0 && !w.Job.SkipErrors {
		if err := s.writeResult(ctx, w); err != nil {
			return err
		}
		return w.Reject(ctx, w.Job.Errors)
	}
	return w.Ready(ctx)
}

// write judges the rows of a file and writes the plan. The file is read twice: for what rows claim
// of each other, and row by row with the account's state.
func (s *Service) write(ctx context.Context, w *filejob.Worker) error {
	k := of(Kind(w.Job.Kind))
	know := known{products: s.products, hints: s.hints}
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error {
		if k.learn == nil {
			return nil
		}
		return k.learn(reading, s, w.Call, &know)
	})
	reader, closeFile, err := w.Open(ctx, k.limits())
	if read := group.Wait(); err == nil && read != nil {
		closeFile()
		err = read
	}
	if err != nil {
		return err
	}
	defer closeFile()
	var at columns
	header := func(row sheet.Row) (err error) {
		at, err = readHeader(k.layout, row)
		return err
	}
	claimed := &claims{}
	err = filejob.EachRow(reader, header, func(row sheet.Row) error {
		r := s.read(k, at, row, know)
		claimed.add(&r)
		return nil
	})
	if err != nil {
		return err
	}
	plan := s.plan(w.Call.Account, w.Job)
	j := &judgement{s: s, c: w.Call, plan: plan, kind: k, at: at, users: know.users, sound: claimed.alone()}
	return plan.Write(ctx, w, func(visit func(planRow) error) error {
		return filejob.EachRow(reader, header, func(row sheet.Row) error {
			r := s.read(k, at, row, know)
			claimed.refuse(&r, at)
			r.spoil()
			return visit(r)
		})
	}, j)
}

// apply applies the plan from where it stands, each row in a commit of its own.
func (s *Service) apply(ctx context.Context, w *filejob.Worker) error {
	done, err := w.Progress(ctx)
	if err != nil {
		return err
	}
	if w.GivesUp() {
		return w.GiveUp(ctx, done.Value)
	}
	a := &applier{s: s, w: w, kind: of(Kind(w.Job.Kind)), plan: s.plan(w.Call.Account, w.Job), file: newInFile()}
	if a.kind.open != nil {
		if err := a.kind.open(ctx, a); err != nil {
			return err
		}
	}
	if done.Version == 0 && !w.Job.Cancel {
		why, err := a.changed(ctx)
		if err != nil {
			return err
		}
		if why != "" {
			return w.Fail(ctx, why)
		}
	}
	rows := a.plan.Apply(w, done, filejob.OneByOne)
	for rows.Next(ctx) {
		if err := call.Decide(ctx, func(ctx context.Context) error { return a.commit(ctx, rows) }); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := s.writeResult(ctx, w); err != nil {
		return err
	}
	if err := w.End(ctx, rows.Outcome()); err != nil {
		return err
	}
	s.settle(ctx, w)
	return nil
}

// writeResult writes the result file: the input with what became of each row.
func (s *Service) writeResult(ctx context.Context, w *filejob.Worker) error {
	k := of(Kind(w.Job.Kind))
	return s.plan(w.Call.Account, w.Job).WriteResult(ctx, w, k.limits(), func(header sheet.Row) ([]int, error) {
		at, err := readHeader(k.layout, header)
		return at.kept, err
	})
}

// settle gives, right after the last row, the grants that the rows call for, as far as the time
// allows. What is left has markers, and the maintenance function does it.
func (s *Service) settle(ctx context.Context, w *filejob.Worker) {
	if err := s.directory.Settle(ctx, w.Call); err != nil {
		s.env.Log.WarnContext(
			ctx, "grants are left to maintenance", "error", err, "account", w.Call.Account, "import",
			w.Job.ID,
		)
	}
}

// applier applies the rows of a plan.
type applier struct {
	s    *Service
	w    *filejob.Worker
	kind *kind
	plan plan
	// file is what the sound rows of a file of users want of each other.
	file inFile
}

// changed looks at every row of the plan once more; the answer says why the plan no longer fits.
func (a *applier) changed(ctx context.Context) (string, error) {
	j := &judgement{s: a.s, c: a.w.Call, plan: a.plan, kind: a.kind}
	if a.kind.again != nil {
		if err := a.kind.again(ctx, a, j); err != nil {
			return "", err
		}
	}
	if err := j.Begin(nil); err != nil {
		return "", err
	}
	return a.plan.Changed(ctx, a.w, j, func(found, again *planRow) bool {
		return found.Outcome == again.Outcome && found.Version == again.Version &&
			reflect.DeepEqual(found.User, again.User) &&
			slices.Equal(a.s.reliedOn(found.Changes), a.s.reliedOn(again.Changes))
	})
}

// reliedOn are the differences of a row without the licenses that come and go automatically: what a
// call queue granted to a user meanwhile makes no plan stale.
func (s *Service) reliedOn(changes []filejob.Difference) []filejob.Difference {
	metered := func(ids string) string {
		return strings.Join(slices.DeleteFunc(strings.Fields(ids), func(id string) bool {
			p, ok := s.products.Lookup(id)
			return !ok || p.Kind != catalog.Metered
		}), " ")
	}
	relied := slices.Clone(changes)
	for i := range relied {
		if d := &relied[i]; d.Field == fieldHoldings {
			d.From, d.To = metered(d.From), metered(d.To)
		}
	}
	return slices.DeleteFunc(relied, func(d filejob.Difference) bool { return d.From == d.To })
}

// commit applies the next row for which there is something to do, with the rows around it that are
// unchanged.
func (a *applier) commit(ctx context.Context, rows *filejob.Applying[planRow, *planRow]) error {
	next := rows.Begin()
	b := &batch{a: a, done: next.Progress.Row, parts: next.Progress.Parts}
	for r := range next.Changing() {
		c := a.w.Call.Apart()
		c.Reason = fmt.Sprintf("import:%s, row %d", a.w.Job.ID, r.Row)
		if err := next.Done(a.kind.put(ctx, c, b, r)); err != nil {
			return err
		}
	}
	written, err := next.Write(ctx, b.ops)
	if written && b.committed != nil {
		b.committed(ctx) // looks again at the waiting lists that the row concerns
	}
	return err
}

// beside is how many operations a row's commit has beside those of the directory: the progress, and
// the check that the job is still this worker's.
const beside = 2

// batch is the commit of one row.
type batch struct {
	a         *applier
	done      int // rows of the plan before this commit
	parts     int // of the row that are done
	ops       []table.Operation
	committed func(context.Context)
}

// errChanged refuses a row that is no longer as its check found it.
var errChanged = problem.New(problem.PlanStale, "What the row is about was changed since the check.")

// is says whether what there is of a row's id is what the check found: nothing, or the same
// version, but for parts of the row that are done.
func (b *batch) is(r *planRow, made bool, version int64) bool {
	if r.Outcome == filejob.New && b.parts == 0 {
		return made
	}
	return !made && version == r.Version+int64(b.parts)
}
