package imports

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// beside is how many operations a row's commit has beside those of the directory: the progress, and
// the check that the job is still this worker's.
const beside = 2

// applier applies the rows of a plan, each in a commit of its own.
type applier struct {
	s    *Service
	w    *worker
	kind Kind
	// file is what the sound rows of a file of users want of each other.
	file inFile
}

// inFile is what the sound rows of a file of users want of each other.
type inFile struct {
	// users are those with a row of their own.
	users map[string]given
	// extensions and numbers are those that rows want, with the rows' places.
	extensions, numbers map[string]int
	// refused are the places of rows that were refused when their turn came.
	refused map[int]string
}

// given is what the check found of a user, which their row gives up if it changes that.
type given struct {
	place             int // of the row in the plan
	version           int64
	extension, number string
	changes           bool
}

func (s *Service) applier(ctx context.Context, w *worker) (filejob.Applier[planRow], error) {
	a := &applier{
		s:    s,
		w:    w,
		kind: Kind(w.Job.Kind),
		file: inFile{users: map[string]given{}, extensions: map[string]int{}, numbers: map[string]int{}},
	}
	if a.kind != Users {
		return a, nil
	}
	var err error
	if a.file.refused, err = s.jobs.RefusedRows(ctx, w.Call.Account, w.Job.ID); err != nil {
		return nil, err
	}
	return a, w.EachRow(ctx, func(place int, r *planRow) error {
		if r.Outcome != filejob.Bad {
			a.file.users[r.ID] = given{
				place:     place,
				version:   r.Version,
				extension: r.User.HadExtension,
				number:    r.User.HadNumber,
				changes:   r.Applies(),
			}
			a.file.extensions[r.User.Extension], a.file.numbers[text.Digits(r.User.Number)] = place, place
		}
		return nil
	})
}

// Begin looks at every row of the plan once more.
func (a *applier) Begin(ctx context.Context) (string, error) {
	j := &judgement{s: a.s, w: a.w, kind: a.kind, sound: slices.Collect(maps.Keys(a.file.users))}
	if a.kind == CallQueues {
		var err error
		if j.users, err = a.s.users(ctx, a.w.Call); err != nil {
			return "", err
		}
	}
	if err := j.Begin(nil); err != nil {
		return "", err
	}
	return a.w.Changed(ctx, j, func(found, again *planRow) bool {
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

// End has nothing to give back.
func (a *applier) End(context.Context, filejob.Progress) error { return nil }

// Batch begins the commit of a row.
func (a *applier) Batch(_ context.Context, _ []planRow, p filejob.Progress) (filejob.Batch[planRow], error) {
	return &batch{a: a, done: p.Row, parts: p.Parts}, nil
}

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

// Apply drafts what the row wants on the state as it is by now, which must be that of the check.
func (b *batch) Apply(ctx context.Context, r *planRow) error {
	c := b.a.w.Call.Apart()
	c.Reason = fmt.Sprintf("import:%s, row %d", b.a.w.Job.ID, r.Row)
	switch b.a.kind {
	case Users:
		err := b.putUser(ctx, c, r)
		place := b.a.file.users[r.ID].place
		if told, refused := problem.From(err); refused {
			b.a.file.refused[place] = told.Detail
		} else {
			delete(b.a.file.refused, place) // of an attempt that another change overtook
		}
		return err
	case CallQueues:
		return b.putQueue(ctx, c, r)
	case Dashboards:
		return b.putDashboard(ctx, c, r)
	case Licenses, PhonesOf: // exported only
	}
	return nil
}

// is says whether what there is of a row's id is what the check found: nothing, or the same
// version, but for parts of the row that are done.
func (b *batch) is(r *planRow, made bool, version int64) bool {
	if r.Outcome == filejob.New && b.parts == 0 {
		return made
	}
	return !made && version == r.Version+int64(b.parts)
}

// putUser puts a user. Who leaves by what does not fit into one commit is deactivated first, as by
// a PUT.
func (b *batch) putUser(ctx context.Context, c *call.Call, r *planRow) error {
	d, err := b.a.s.draftUser(ctx, c, r.wanted(), func(user string) (int64, bool) {
		g, there := b.a.file.users[user]
		return g.version, there && b.yields(g, r)
	})
	if err != nil {
		return err
	}
	if !b.asChecked(r, d) {
		return errChanged
	}
	if b.ops, err = d.Operations(beside); err == nil {
		b.committed = d.Committed
		return nil
	}
	if !errors.Is(err, directory.ErrTooMuch) {
		return err
	}
	if r.wanted().Active || b.parts > 0 {
		return directory.ErrTooMuchAtOnce
	}
	if d, err = b.a.s.directory.DraftRelease(ctx, c, r.ID); err != nil {
		return err
	}
	if !b.asChecked(r, d) {
		return errChanged
	}
	if b.ops, err = d.Operations(beside); err != nil {
		return err
	}
	b.committed = d.Committed
	return filejob.ErrPart
}

// asChecked says whether a draft begins from what the check found of the row's user, but for what
// other rows of the file have done.
func (b *batch) asChecked(r *planRow, d *directory.UserDraft) bool {
	return b.is(r, d.Made, d.Version) && b.left(d.Before.Extension, r.User.HadExtension, b.a.file.extensions) &&
		(b.left(text.Digits(d.Before.Number), text.Digits(r.User.HadNumber), b.a.file.numbers) ||
			d.Before.Extension == "")
}

// yields says whether somebody gives up what a row wants: they had it at the check, and their own
// row is still to come. Who was given it since keeps it.
func (b *batch) yields(g given, r *planRow) bool {
	return g.changes && g.place > b.done &&
		(g.extension == r.User.Extension || text.Digits(g.number) == text.Digits(r.User.Number))
}

// left says whether an extension or number is what it was at the check, or was taken by another row
// of the file meanwhile.
func (b *batch) left(now, had string, wanted map[string]int) bool {
	if now == had {
		return true
	}
	place := wanted[had]
	_, refused := b.a.file.refused[place]
	return now == "" && place > 0 && place <= b.done && !refused
}

func (b *batch) putQueue(ctx context.Context, c *call.Call, r *planRow) error {
	if err := r.whole(ctx, b.a.w); err != nil {
		return err
	}
	if err := b.a.s.directory.CheckMembers(ctx, c, r.Refs); err != nil {
		return err
	}
	d, err := b.a.s.draftQueue(ctx, c, r)
	if err != nil {
		return err
	}
	if !b.is(r, d.Made, d.Version) {
		return errChanged
	}
	b.ops, err = d.Operations()
	return err
}

func (b *batch) putDashboard(ctx context.Context, c *call.Call, r *planRow) error {
	d, err := b.a.s.draftDashboard(ctx, c, r)
	if err != nil {
		return err
	}
	if !b.is(r, d.Made, d.Version) {
		return errChanged
	}
	b.ops = d.Operations()
	return nil
}

// Operations are the draft's.
func (b *batch) Operations(*filejob.Progress) ([]table.Operation, error) { return b.ops, nil }

// Committed looks again at the waiting lists that the row concerns.
func (b *batch) Committed(ctx context.Context) {
	if b.committed != nil {
		b.committed(ctx)
	}
}
