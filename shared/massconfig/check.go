package massconfig

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
)

// judgement judges the rows of a plan: it is the filejob.Judge of mass configuration.
//
// Which rows have a row of their own decides about others, and only rows that are not bad count.
type judgement struct {
	s *Service
	c *call.Call
	// own hands out the rows of the plan, of which only the outcome, the extension and the user
	// need be there.
	own   filejob.Source[planRow]
	file  inFile
	needs map[string]int64
}

// Begin counts again, and takes in which rows have a row of their own.
func (j *judgement) Begin(without map[string]bool) error {
	at := j.file.at
	j.file, j.needs = newInFile(), map[string]int64{}
	j.file.at = at
	return j.own(func(r planRow) error {
		if !without[r.key()] {
			j.file.add(r)
		}
		return nil
	})
}

// Load reads what rows are about.
func (j *judgement) Load(ctx context.Context, rows []planRow) (func(*planRow) []string, error) {
	ch := j.s.kernel.Change(j.c)
	if err := loadRows(ctx, ch, rows); err != nil {
		return nil, err
	}
	return func(r *planRow) []string { return judge(ch, j.s.addOns, r, j.file, j.needs) }, nil
}

// Key is a row's own.
func (j *judgement) Key(r *planRow) string { return r.key() }

// planFile plans what an uploaded file wants. The file is read twice: for what rows claim of each
// other, while the users of the account are read, and row by row with the account's state; so no
// more of it is in memory than what is claimed.
func (s *Service) planFile(ctx context.Context, w *filejob.Worker, j *judgement) error {
	who := directory.NewNamed("user")
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error {
		return s.directory.EachUser(reading, w.Call, func(id, name, email string, active bool) error {
			who.AddUser(id, name, email, active)
			return nil
		})
	})
	reader, closeFile, err := w.Open(ctx, sheet.DefaultLimits())
	if err != nil {
		return errors.Join(err, group.Wait())
	}
	defer closeFile()
	claimed := newClaims(reader.RowCount())
	j.file.at, err = s.eachAsked(reader, func(_ columns, a asked) error {
		claimed.add(a)
		return nil
	})
	if read := group.Wait(); err == nil {
		err = read
	}
	if err != nil {
		return err
	}
	claimed.resolve(who)
	j.own = claimed.eachAlone
	return s.plan(w.Call.Account, w.Job.ID).Write(ctx, w, func(visit func(planRow) error) error {
		next := 0
		_, err := s.eachAsked(reader, func(at columns, a asked) error {
			k := claimed.rows[next]
			next++
			return visit(claimed.planned(k, at, a))
		})
		return err
	}, j)
}

// eachAsked reads the rows of a file below its header; blank rows are ignored.
func (s *Service) eachAsked(reader *sheet.Reader, visit func(columns, asked) error) (columns, error) {
	var at columns
	err := filejob.EachRow(reader, func(header sheet.Row) (err error) {
		at, err = readHeader(header)
		return err
	}, func(row sheet.Row) error {
		return visit(at, readRow(at, row, s.products, s.addOns, s.hints))
	})
	return at, err
}

// planUndo plans to put back what another mass configuration changed. A row that is no longer what
// that one made of it is left alone and named.
func (s *Service) planUndo(ctx context.Context, w *filejob.Worker, j *judgement) error {
	done, err := s.jobs.Load(ctx, w.Call, w.Job.Undoes)
	if err != nil {
		return err
	}
	plan := s.plan(w.Call.Account, done.Job.ID)
	refused, err := plan.Refused(ctx)
	if err != nil {
		return err
	}
	applied := func(visit func(*planRow) error) error {
		err := plan.Each(ctx, 0, func(place int, r *planRow) error {
			if place > done.Progress.Row {
				return filejob.ErrEnough
			}
			if _, left := refused[place]; left || !r.Applies() {
				return nil
			}
			return visit(r)
		})
		if errors.Is(err, filejob.ErrEnough) {
			return nil
		}
		return err
	}
	own := map[string]bool{} // extensions with a row that was applied
	err = applied(func(r *planRow) error {
		own[r.Extension] = true
		return nil
	})
	if err != nil {
		return err
	}
	j.own = func(visit func(planRow) error) error {
		return applied(func(r *planRow) error {
			for _, b := range undone(r, own) {
				if err := visit(b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return s.plan(w.Call.Account, w.Job.ID).Write(ctx, w, j.own, j)
}

// planned judges the rows of a plan that is made, as its check did.
func (s *Service) planned(ctx context.Context, w *filejob.Worker) *judgement {
	file := newInFile()
	file.at.csv = w.Job.Source != fromUndo && filejob.ContentType(w.Job.FileName) == "text/csv"
	return &judgement{s: s, c: w.Call, file: file, own: func(visit func(planRow) error) error {
		return s.plan(w.Call.Account, w.Job.ID).Each(ctx, 0, func(_ int, r *planRow) error { return visit(*r) })
	}}
}

var _ filejob.Judge[planRow] = (*judgement)(nil)

// loaded reads what rows to be configured are about, in a change that configures them.
func (s *Service) loaded(ctx context.Context, ch *license.UnitOfWork, rows []planRow) error {
	if err := loadRows(ctx, ch, rows); err != nil {
		return err
	}
	return loadHeld(ctx, ch, rows)
}
