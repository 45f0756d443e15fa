package imports

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/text"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// plan makes the plan of a file. The file is read twice: for what rows claim of each other, and row
// by row with the account's state.
func (s *Service) plan(ctx context.Context, w *worker, p *planner) ([]filejob.Need, error) {
	kind := Kind(w.Job.Kind)
	know := known{
		products: s.products,
		hints:    s.hints,
		validID:  api.ValidID,
		idRule:   "An id has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit.",
	}
	if kind == Users {
		know.validID, know.idRule = auth.ValidUserID, "An id of a user is "+auth.UserIDRule+"."
	}
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error { return s.learn(reading, w.Call, kind, &know) })
	reader, closeFile, err := w.Open(ctx)
	if read := group.Wait(); err == nil && read != nil {
		closeFile()
		err = read
	}
	if err != nil {
		return nil, err
	}
	defer closeFile()
	var at columns
	header := func(row sheet.Row) (err error) {
		at, err = readHeader(layouts[kind], row)
		return err
	}
	claimed := &claims{}
	err = filejob.EachRow(reader, header, func(row sheet.Row) error {
		r := s.read(kind, at, row, know)
		claimed.add(&r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	j := &judgement{s: s, w: w, kind: kind, at: at, users: know.users, sound: claimed.alone()}
	return nil, p.Plan(ctx, func(visit func(planRow) error) error {
		return filejob.EachRow(reader, header, func(row sheet.Row) error {
			r := s.read(kind, at, row, know)
			claimed.refuse(&r, at)
			r.spoil()
			return visit(r)
		})
	}, j)
}

// learn reads what of the account the cells of a file of this kind name.
func (s *Service) learn(ctx context.Context, c *call.Call, kind Kind, know *known) error {
	switch kind {
	case Users:
		know.roles = directory.NewNamed("role")
		return s.directory.EachRole(ctx, c, func(id, name string) { know.roles.Add(id, name, "", true) })
	case CallQueues:
		var err error
		know.users, err = s.users(ctx, c)
		return err
	case Dashboards:
		know.queues = directory.NewNamed("call queue")
		return s.directory.EachQueue(ctx, c, func(id, name string) { know.queues.Add(id, name, "", true) })
	case Licenses, PhonesOf: // exported only
	}
	return nil
}

func (s *Service) users(ctx context.Context, c *call.Call) (*directory.Named, error) {
	users := directory.NewNamed("user")
	return users, s.directory.EachUser(ctx, c, func(id, name, email string, active bool) error {
		users.Add(id, name, email, active)
		return nil
	})
}

// read reads a row, and names the faults that the directory's rules see in it, but for those of
// cells that could not be read.
func (s *Service) read(kind Kind, at columns, row sheet.Row, know known) planRow {
	r := readRow(kind, at, row, know)
	var err error
	switch kind {
	case Users:
		err = directory.CheckUser(r.wanted(), directory.User{}, s.products)
	case CallQueues:
		err = directory.CheckQueue(r.Name, r.Refs, directory.Queue{})
	case Dashboards:
		err = directory.CheckDashboard(r.dashboard(), directory.Dashboard{})
	case Licenses, PhonesOf: // exported only
	}
	if told, ok := problem.From(err); ok {
		for _, fault := range faults(told, r.Row, at) {
			if !slices.ContainsFunc(r.Errors, func(e filejob.RowError) bool { return e.Column == fault.Column }) {
				r.Errors = append(r.Errors, fault)
			}
		}
	}
	return r
}

// wanted is the user that a row of users asks for.
func (r *planRow) wanted() directory.User {
	return directory.User{
		ID:          r.ID,
		Name:        r.Name,
		Email:       r.User.Email,
		Extension:   r.User.Extension,
		Number:      r.User.Number,
		RoleIDs:     r.User.Roles,
		Active:      !r.User.Inactive,
		Licenses:    r.User.Licenses,
		AgentSource: r.User.AgentSource,
	}
}

// dashboard is the one that a row of dashboards asks for.
func (r *planRow) dashboard() directory.Dashboard {
	return directory.Dashboard{ID: r.ID, Name: r.Name, QueueIDs: r.Refs}
}

// judgement judges rows by the drafts of what they want: it is the module's filejob.Judge.
type judgement struct {
	s    *Service
	w    *worker
	kind Kind
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

// finding is what a draft says of a row.
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

// draftsAtOnce is how many drafts of a batch are made at once: over a network, each waits for two
// or three reads, one after the other.
const draftsAtOnce = 8

// Load drafts what rows want; the drafts are not kept.
func (j *judgement) Load(ctx context.Context, rows []planRow) (func(*planRow) []string, error) {
	drafts, drafting := errgroup.WithContext(ctx)
	drafts.SetLimit(draftsAtOnce)
	found := make([]finding, len(rows))
	for i := range rows {
		if rows[i].Outcome == filejob.Bad {
			continue
		}
		drafts.Go(func() error {
			f, err := j.find(drafting, &rows[i])
			if _, told := problem.From(err); err != nil && !told {
				return err
			}
			f.err = err
			found[i] = f
			return nil
		})
	}
	if err := drafts.Wait(); err != nil {
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

func (j *judgement) find(ctx context.Context, r *planRow) (finding, error) {
	switch j.kind {
	case Users:
		d, err := j.s.draftUser(ctx, j.w.Call, r.wanted(), func(user string) (int64, bool) { return 0, j.yields[user] })
		if err != nil {
			return finding{}, err
		}
		moves, err := d.Moves()
		return finding{
			version: d.Version, made: d.Made, changes: userDifferences(d.Before, d.After), moves: moves, leans: d.Took,
			hadExtension: d.Before.Extension, hadNumber: d.Before.Number,
		}, err
	case CallQueues:
		if err := r.whole(ctx, j.w); err != nil {
			return finding{}, err
		}
		if i := slices.IndexFunc(r.Refs, func(id string) bool { return !j.users.Has(id) }); i >= 0 {
			return finding{}, problem.Invalid(
				fieldMembers,
				problem.UnknownID,
				"name %s, who is no user any more",
				r.Refs[i],
			)
		}
		d, err := j.s.draftQueue(ctx, j.w.Call, r)
		if err != nil {
			return finding{}, err
		}
		var changes difference
		changes.add("name", d.Before.Name, d.After.Name)
		return finding{
			version: d.Version,
			made:    d.Made,
			changes: append(changes, listDifference("members", "members", d.Before.Members, d.After.Members)...),
		}, nil
	case Dashboards:
		d, err := j.s.draftDashboard(ctx, j.w.Call, r)
		if err != nil {
			return finding{}, err
		}
		var changes difference
		changes.add("name", d.Before.Name, d.After.Name)
		before := slices.Sorted(slices.Values(d.Before.QueueIDs))
		return finding{
			version: d.Version,
			made:    d.Made,
			changes: append(changes, listDifference("callQueues", "call queues", before, d.After.QueueIDs)...),
		}, nil
	case Licenses, PhonesOf: // exported only
	}
	return finding{}, errors.New("an import of an unknown kind")
}

// kept is the name that a row wants, or the one that is stored if that differs in what a cell
// cannot show (text.Clean): a file that was made of what there is changes nothing.
func kept(stored, wanted string) string {
	if stored != wanted && text.Clean(stored) == wanted {
		return stored
	}
	return wanted
}

// draftUser drafts a user as a row wants them; what differs from what is stored in form only stays
// as it is (requirements, section 6).
func (s *Service) draftUser(
	ctx context.Context,
	c *call.Call,
	u directory.User,
	yields directory.Yields,
) (*directory.UserDraft, error) {
	d, err := s.directory.DraftUser(ctx, c, u, yields)
	if err != nil || d.Made {
		return d, err
	}
	form := u
	form.Name = kept(d.Before.Name, u.Name)
	if d.Before.Number != "" && text.Digits(d.Before.Number) == text.Digits(u.Number) {
		form.Number = d.Before.Number
	}
	if form.Name == u.Name && form.Number == u.Number {
		return d, nil
	}
	return s.directory.DraftUser(ctx, c, form, yields)
}

// draftQueue is draftUser of a call queue.
func (s *Service) draftQueue(ctx context.Context, c *call.Call, r *planRow) (*directory.QueueDraft, error) {
	d, err := s.directory.DraftQueue(ctx, c, r.ID, r.Name, r.Refs)
	if err != nil || kept(d.Before.Name, r.Name) == r.Name {
		return d, err
	}
	return s.directory.DraftQueue(ctx, c, r.ID, d.Before.Name, r.Refs)
}

// draftDashboard is draftUser of a dashboard.
func (s *Service) draftDashboard(ctx context.Context, c *call.Call, r *planRow) (*directory.DashboardDraft, error) {
	wanted := r.dashboard()
	d, err := s.directory.DraftDashboard(ctx, c, wanted)
	if err != nil || kept(d.Before.Name, r.Name) == r.Name {
		return d, err
	}
	wanted.Name = d.Before.Name
	return s.directory.DraftDashboard(ctx, c, wanted)
}

// decide writes a finding into its row.
func (j *judgement) decide(r *planRow, f finding) []string {
	if told, ok := problem.From(f.err); ok {
		r.Errors = faults(told, r.Row, j.at)
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

// userDifferences are what a draft changes of a user.
func userDifferences(before, after directory.User) []filejob.Difference {
	var d difference
	yes := func(user directory.User) string {
		switch {
		case user.ID == "":
			return ""
		case user.Active:
			return "yes"
		}
		return "no"
	}
	d.add("name", before.Name, after.Name)
	d.add("email", before.Email, after.Email)
	d.add("extension", before.Extension, after.Extension)
	d.add("number", before.Number, after.Number)
	d.add("active", yes(before), yes(after))
	d.add("agentSource", before.AgentSource, after.AgentSource)
	d.add("roles", strings.Join(before.RoleIDs, " "), strings.Join(after.RoleIDs, " "))
	d.add("licenses", strings.Join(before.Licenses, " "), strings.Join(after.Licenses, " "))
	held, holds := held(before), held(after)
	d.add(fieldHoldings, strings.Join(missing(held, holds), " "), strings.Join(missing(holds, held), " "))
	return d
}

// held are the products of which a user holds a license, sorted.
func held(u directory.User) []string {
	ids := make([]string, len(u.Holdings))
	for i, h := range u.Holdings {
		ids[i] = h.ProductID
	}
	return ids
}
