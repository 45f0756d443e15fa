package imports

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/text"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// read reads a row, and names the faults that the directory's rules see in it, but for those of
// cells that could not be read, and for what a field that stays as it is must go with: the dry run
// knows that field.
func (s *Service) read(k *kind, at columns, row sheet.Row, know known) planRow {
	r := k.readRow(at, row, know)
	told, ok := problem.From(k.check(&r, s.products))
	if !ok {
		return r
	}
	if len(r.Keeps) > 0 {
		left := slices.DeleteFunc(told.Fields, func(f problem.Field) bool { return f.Code == problem.NotTogether })
		if told.Fields = left; len(left) == 0 {
			return r
		}
	}
	for _, fault := range faults(told, &r, at) {
		if !slices.ContainsFunc(r.Errors, func(e filejob.RowError) bool { return e.Column == fault.Column }) {
			r.Errors = append(r.Errors, fault)
		}
	}
	return r
}

// judgement judges rows by the dry runs of what they want: it is the filejob.Judge of imports.
type judgement struct {
	s    *Service
	c    *call.Call
	plan plan
	kind *kind
	at   columns
	// users are those of the account, for the members of call queues.
	users *directory.Named
	// sound are the users with a row of their own that is without a fault as far as the file tells.
	sound []string
	// yields are the users who give up the extension that somebody else's row wants: they have a
	// sound row, and no two rows want the same one.
	yields map[string]bool
}

// Begin takes in who has a sound row.
func (j *judgement) Begin(without map[string]bool) error {
	j.yields = make(map[string]bool, len(j.sound))
	for _, id := range j.sound {
		if !without[id] {
			j.yields[id] = true
		}
	}
	return nil
}

// Key is the id.
func (j *judgement) Key(r *planRow) string { return r.ID }

// finding is what the dry run of a PUT says of a row.
type finding struct {
	err     error // a problem
	version int64
	made    bool
	changes []filejob.Difference
	// moves says that the kernel has something to do though nothing else changes.
	moves        bool
	hadExtension string
	hadNumber    string
	leans        []string
}

// dryRunsAtOnce is how many rows of a batch are tried at once: over a network, each waits for two or
// three reads, one after the other.
const dryRunsAtOnce = 8

// Load tries what rows want, without doing it.
func (j *judgement) Load(ctx context.Context, rows []planRow) (func(*planRow) []string, error) {
	runs, running := errgroup.WithContext(ctx)
	runs.SetLimit(dryRunsAtOnce)
	found := make([]finding, len(rows))
	for i := range rows {
		if rows[i].Outcome == filejob.Bad {
			continue
		}
		runs.Go(func() error {
			f, err := j.kind.find(running, j, &rows[i])
			if _, told := problem.From(err); err != nil && !told {
				return err
			}
			f.err = err
			found[i] = f
			return nil
		})
	}
	if err := runs.Wait(); err != nil {
		return nil, err
	}
	findings := make(map[string]finding, len(rows))
	for i := range rows {
		if rows[i].Outcome != filejob.Bad {
			findings[rows[i].ID] = found[i]
		}
	}
	return func(r *planRow) []string { return j.decide(r, findings[r.ID]) }, nil
}

// kept is the name that a row wants, or the one that is stored if that differs in what a cell
// cannot show (text.Clean): a file that was made of what there is changes nothing.
func kept(stored, wanted string) string {
	if stored != wanted && text.Clean(stored) == wanted {
		return stored
	}
	return wanted
}

// decide writes a finding into its row.
func (j *judgement) decide(r *planRow, f finding) []string {
	if told, ok := problem.From(f.err); ok {
		r.Errors = faults(told, r, j.at)
		r.spoil()
		return nil
	}
	r.Version, r.Changes = f.version, f.changes
	if r.User != nil {
		had := *r.User
		had.HadExtension, had.HadNumber = f.hadExtension, f.hadNumber
		r.User = &had // the row may be a copy of one that is judged once more
	}
	switch {
	case f.made:
		r.Outcome, r.Version = filejob.New, 0
	case len(f.changes) > 0 || f.moves:
		r.Outcome = filejob.Change
	default:
		r.Outcome = filejob.Unchanged
	}
	return f.leans
}
