package filejob

import (
	"context"
	"errors"
	"strings"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Views are the jobs of a module as callers see them. V is what it shows of one; it embeds View.
type Views[V any] struct {
	jobs *Jobs
	show func(j Job, common View) V
	// may says whether a caller may do with a job what they ask for; nil for whoever may call the
	// operation.
	may func(Job) error
}

// NewViews shows jobs.
func NewViews[V any](jobs *Jobs, show func(j Job, common View) V) *Views[V] {
	return &Views[V]{jobs: jobs, show: show}
}

// For are the jobs as a caller may see them, who may not do everything with every job: may returns
// nil, or the problem to answer. Lists leave such jobs out.
func (s *Views[V]) For(may func(Job) error) *Views[V] {
	return &Views[V]{jobs: s.jobs, show: s.show, may: may}
}

// Show is what the module shows of a job.
func (s *Views[V]) Show(l *Loaded) V { return s.show(l.Job, s.jobs.names.view(l.Job, l.Progress)) }

// Accepted is the answer that is stored for a request about a job.
func (s *Views[V]) Accepted(account, id string, status int, view V) call.Answer {
	return call.Answer{
		Status: status,
		Header: map[string]string{"Location": s.jobs.names.Location(account, id)},
		Body:   view,
	}
}

// Ask reads a job for a caller.
//
// Errors: not-found; those of For; precondition-failed when the call's If-Match names another
// version.
func (s *Views[V]) Ask(ctx context.Context, c *call.Call, id string) (*Loaded, error) {
	l, err := s.jobs.Load(ctx, c, id)
	if replay := (*call.Replay)(nil); errors.As(err, &replay) && s.may != nil {
		return nil, s.mayReplay(ctx, c, id, replay)
	}
	if err != nil {
		return nil, err
	}
	if s.may != nil {
		if err := s.may(l.Job); err != nil {
			return nil, err
		}
	}
	return l, c.MatchesTag(call.Tag(l.versions()...))
}

// mayReplay is the stored answer for a repeated request, unless the caller's present token may not
// see the job.
func (s *Views[V]) mayReplay(ctx context.Context, c *call.Call, id string, replay *call.Replay) error {
	item, ok, err := table.Get(ctx, s.jobs.env.Table, s.jobs.names.JobKey(c.Account, id))
	if err != nil {
		return err
	}
	if ok {
		j, err := call.Decode[Job](item)
		if err != nil {
			return err
		}
		if err := s.may(j); err != nil {
			return err
		}
	}
	return replay
}

// Announced is a file that is going to be uploaded.
type Announced struct {
	// Kind says what the rows are, in a module that has several kinds.
	Kind     string
	FileName string
	// SizeBytes is 1 to MaxFileBytes.
	SizeBytes int64
	// SHA256 is hexadecimal, and empty where nobody said it.
	SHA256 string
	// SkipErrors has the good rows applied even if others are bad.
	SkipErrors bool
	// Hidden is one of hiddenReject, hiddenApply and hiddenSkip; empty for the first.
	Hidden string
}

// Create begins a job: its answer says where to put the file, within 15 minutes (requirements,
// section 5.2).
//
// Errors: validation.
func (s *Views[V]) Create(ctx context.Context, c *call.Call, file Announced) (view V, err error) {
	if err := checkUpload(file.FileName, file.SizeBytes); err != nil {
		return view, err
	}
	if err := c.Begin(ctx); err != nil {
		return view, err
	}
	err = call.Decide(ctx, func(ctx context.Context) (err error) {
		view, err = s.create(ctx, c, file)
		return err
	})
	return view, err
}

// create is Create of a file that may be announced, by what who calls may do now.
func (s *Views[V]) create(ctx context.Context, c *call.Call, file Announced) (view V, err error) {
	names := s.jobs.names
	rights, err := rightsOf(ctx)
	if err != nil {
		return view, err
	}
	id := c.Env.IDs.Ordered()
	j := Job{
		ID:         id,
		Kind:       file.Kind,
		State:      AwaitingUpload,
		Source:     FromAPI,
		FileName:   file.FileName,
		SizeBytes:  file.SizeBytes,
		SHA256:     file.SHA256,
		SkipErrors: file.SkipErrors,
		Hidden:     file.Hidden,
		By:         c.Actor,
		Cause:      c.Cause(),
		Rights:     rights,
		CreatedAt:  c.At,
		File:       files.Ref{Bucket: files.Uploads, Key: names.UploadObject(c.Account, id, file.FileName)},
	}
	upload, err := s.jobs.env.Files.PresignPut(ctx, files.Expected{
		Ref: j.File, Size: j.SizeBytes, ContentType: ContentType(j.FileName), SHA256: j.SHA256,
		At: c.At, Life: UploadLife,
	})
	if err != nil {
		return view, err
	}
	common := names.view(j, Progress{})
	common.Upload = &upload
	view = s.show(j, common)
	put, err := names.PutJob(c.Account, j, table.IfAbsent)
	if err != nil {
		return view, err
	}
	audit, err := s.jobs.Created(c, j, "")
	if err != nil {
		return view, err
	}
	due, err := call.Encode(marker{Due: uploadDue(c.At).Unix()})
	if err != nil {
		return view, err
	}
	expires := table.Put(names.Markers().Item(c.Account, id, due), table.Always)
	return view, c.Commit(ctx, s.Accepted(c.Account, id, 201, view), put, expires, audit)
}

// Get reads a job; its versions are for the entity tag.
func (s *Views[V]) Get(ctx context.Context, c *call.Call, id string) (view V, versions []int64, err error) {
	l, err := s.Ask(ctx, c, id)
	if err != nil {
		return view, nil, err
	}
	common := s.jobs.names.view(l.Job, l.Progress)
	if l.Job.Result != nil {
		common.ResultURL, _, err = s.jobs.env.Files.PresignGet(
			ctx, *l.Job.Result, resultName(l.Job.FileName), c.At, resultLife,
		)
	}
	return s.show(l.Job, common), l.versions(), err
}

// List lists jobs, newest first, without result. The position is the id of the last job of the page
// before.
func (s *Views[V]) List(
	ctx context.Context,
	c *call.Call,
	before string,
	limit int,
) (views []V, next string, err error) {
	var jobs []Job
	query := table.Query{
		Partition: s.jobs.names.JobsPartition(c.Account), To: before, Limit: limit + 1, Backwards: true,
	}
	err = table.All(ctx, s.jobs.env.Table, query, func(item table.Item) error {
		j, err := call.Decode[Job](item)
		if err != nil || s.may != nil && s.may(j) != nil {
			return err
		}
		if len(jobs) == limit {
			next = jobs[limit-1].ID
			return ErrEnough
		}
		jobs = append(jobs, j)
		return nil
	})
	if err != nil && !errors.Is(err, ErrEnough) {
		return nil, "", err
	}
	views, err = s.views(ctx, c, jobs)
	return views, next, err
}

// views are the jobs with their progress.
func (s *Views[V]) views(ctx context.Context, c *call.Call, jobs []Job) ([]V, error) {
	keys := make([]table.Key, len(jobs))
	for i, j := range jobs {
		keys[i] = s.jobs.names.progressKey(c.Account, j.ID)
	}
	found := map[table.Key]table.Item{}
	if len(keys) > 0 {
		var err error
		if found, err = s.jobs.env.Table.Lookup(ctx, keys...); err != nil {
			return nil, err
		}
	}
	views := make([]V, len(jobs))
	for i, j := range jobs {
		l := Loaded{Job: j}
		if done, ok := found[keys[i]]; ok {
			var err error
			if l.Progress, err = call.Decode[Progress](done); err != nil {
				return nil, err
			}
		}
		views[i] = s.Show(&l)
	}
	return views, nil
}

// rightsOf are the permissions of who calls; nil when nobody does.
func rightsOf(ctx context.Context) ([]auth.Permission, error) {
	if _, called := auth.From(ctx); !called {
		return nil, nil
	}
	caller, err := access.Caller(ctx)
	return caller.Permissions.List(), err
}

// Start has the plan applied (requirements, section 5.4). fits is asked before it, and its problem
// says why the plan cannot be applied; it may be nil.
//
// Errors: wrong-state, and those of fits.
func (s *Views[V]) Start(
	ctx context.Context, c *call.Call, id string, fits func(context.Context, *call.Call, Job) error,
) (view V, err error) {
	names := s.jobs.names
	err = call.Decide(ctx, func(ctx context.Context) error {
		l, err := s.Ask(ctx, c, id)
		if err != nil {
			return err
		}
		if l.Job.State != Ready {
			return problem.Newf(
				problem.WrongState, "%s %s can be %s when it is ready; this one is %s.", names.article(),
				names.One, names.Can, l.Job.State,
			)
		}
		if fits != nil {
			if err := fits(ctx, c, l.Job); err != nil {
				return err
			}
		}
		rights, err := rightsOf(ctx)
		if err != nil {
			return err
		}
		l.Job.State, l.Job.Cause, l.Job.Rights = names.Applying, c.Cause(), rights
		view, err = s.change(
			ctx, c, l, call.AuditEntry{Action: string(names.Applying), After: l.Job.Counts},
			names.PutMarker(c.Account, id),
		)
		return err
	})
	if err != nil {
		return view, err
	}
	s.jobs.WakeUp(ctx, c.Account, id)
	return view, nil
}

// article begins a sentence about one of them.
func (n Names) article() string {
	if strings.ContainsRune("aeiou", rune(n.One[0])) {
		return "An"
	}
	return "A"
}

// Cancel stops a job: at once if nothing runs, between two commits of rows otherwise (requirements,
// section 5.5).
//
// Errors: wrong-state when it has ended.
func (s *Views[V]) Cancel(ctx context.Context, c *call.Call, id string) (view V, err error) {
	names := s.jobs.names
	err = call.Decide(ctx, func(ctx context.Context) error {
		l, err := s.Ask(ctx, c, id)
		if err != nil {
			return err
		}
		var more []table.Operation
		switch l.Job.State {
		case AwaitingUpload, Ready:
			at := c.At
			l.Job.State, l.Job.EndedAt = Cancelled, &at
			more = append(more, table.Delete(names.MarkerKey(c.Account, id), table.Always))
		case Checking, names.Applying:
			l.Job.Cancel = true
		case Rejected, Completed, Cancelled, Failed:
			return problem.Newf(problem.WrongState, "This %s is %s already.", names.One, l.Job.State)
		}
		view, err = s.change(ctx, c, l, call.AuditEntry{Action: "cancelled"}, more...)
		return err
	})
	return view, err
}

// change commits a job as a caller changed it, with an audit entry that names what was done.
func (s *Views[V]) change(
	ctx context.Context, c *call.Call, l *Loaded, entry call.AuditEntry, more ...table.Operation,
) (view V, err error) {
	op, err := s.jobs.names.PutJob(c.Account, l.Job, table.IfVersion(l.version))
	if err != nil {
		return view, err
	}
	subject := s.jobs.names.Subject
	entry.Action, entry.Subject, entry.SubjectID = subject+"."+entry.Action, subject, l.Job.ID
	audit, err := c.Audit(entry)
	if err != nil {
		return view, err
	}
	view = s.Show(l)
	return view, c.Commit(ctx, s.Accepted(c.Account, l.Job.ID, 202, view), append(more, op, audit)...)
}
