package filejob

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Asked is a job that a caller asks something of.
type Asked struct {
	Job      Job
	Progress Progress
	item     table.Item
}

// Versions are what the entity tag of a job is made of.
func (a *Asked) Versions() []int64 { return []int64{a.item.Version, int64(a.Progress.Row)} }

// Load reads a job with how far it is, whoever asks.
//
// Errors: not-found, also for what can be no id of one.
func (s *Jobs[R, V]) Load(ctx context.Context, c *call.Call, id string) (Job, table.Item, Progress, error) {
	if uuid.Validate(id) != nil {
		return Job{}, table.Item{}, Progress{}, problem.Missing(s.module.One)
	}
	at, done, leased := s.module.JobKey(
		c.Account,
		id,
	), s.module.progressKey(
		c.Account,
		id,
	), s.module.LeaseKey(
		c.Account,
		id,
	)
	found, err := c.Lookup(ctx, at, done, leased)
	if err != nil {
		return Job{}, table.Item{}, Progress{}, err
	}
	item, ok := found[at]
	if !ok {
		return Job{}, table.Item{}, Progress{}, problem.Missing(s.module.One)
	}
	j, err := call.Decode[Job](item)
	if err != nil {
		return Job{}, table.Item{}, Progress{}, err
	}
	var p Progress
	if item, ok := found[done]; ok {
		if p, err = call.Decode[Progress](item); err != nil {
			return Job{}, table.Item{}, Progress{}, err
		}
	}
	if j.lease, err = lease.Of(found, leased); err != nil {
		return Job{}, table.Item{}, Progress{}, err
	}
	return j, item, p, nil
}

// Ask is Load for a caller.
//
// Errors: not-found; those of For; precondition-failed when the call's If-Match names another
// version.
func (s *Jobs[R, V]) Ask(ctx context.Context, c *call.Call, id string) (*Asked, error) {
	j, item, p, err := s.Load(ctx, c, id)
	if replay := (*call.Replay)(nil); errors.As(err, &replay) && s.may != nil {
		return nil, s.mayReplay(ctx, c, id, replay)
	}
	if err != nil {
		return nil, err
	}
	if s.may != nil {
		if err := s.may(j); err != nil {
			return nil, err
		}
	}
	a := &Asked{Job: j, Progress: p, item: item}
	return a, c.Matches(true, a.Versions()...)
}

// mayReplay is the stored answer for a repeated request, unless the caller's present token may not
// see the job.
func (s *Jobs[R, V]) mayReplay(ctx context.Context, c *call.Call, id string, replay *call.Replay) error {
	item, ok, err := table.Get(ctx, s.env.Table, s.module.JobKey(c.Account, id))
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

// Show is what the module shows of a job.
func (s *Jobs[R, V]) Show(j Job, p Progress) V { return s.module.View(j, s.module.view(j, p)) }

// PutJob writes a job.
func (n Names) PutJob(account string, j Job, cond table.Condition) (table.Operation, error) {
	data, err := call.Encode(j)
	if err != nil {
		return table.Operation{}, err
	}
	return table.Put(table.Item{Key: n.JobKey(account, j.ID), Data: data}, cond), nil
}

// mark is why a job is looked at by the schedule; Due is from when on, in Unix seconds, 0 for at
// once.
type marker struct {
	Due int64 `json:"due,omitempty"`
}

// uploadDue is when an upload that has not come will not come any more.
func uploadDue(created time.Time) time.Time { return created.Add(UploadLife + uploadGrace) }

// PutMarker has somebody work on a job.
func (n Names) PutMarker(account, id string) table.Operation {
	return table.Put(table.Item{Key: n.MarkerKey(account, id), Data: []byte(`{}`)}, table.Always)
}

// Accepted is the answer that is stored for a request about a job.
func (s *Jobs[R, V]) Accepted(account, id string, status int, view V) call.Answer {
	return call.Answer{
		Status: status,
		Header: map[string]string{"Location": s.module.Location(account, id)},
		Body:   view,
	}
}

// Create begins a job of a kind: its answer says where to put the file, within 15 minutes
// (requirements, section 5.2).
//
// Errors: validation.
func (s *Jobs[R, V]) Create(
	ctx context.Context,
	c *call.Call,
	kind, name string,
	size int64,
	sha256 string,
	skipErrors bool,
	hidden string,
) (view V, err error) {
	if err := checkUpload(name, size); err != nil {
		return view, err
	}
	if err := c.Begin(ctx); err != nil {
		return view, err
	}
	id := c.Env.IDs.Ordered()
	j := Job{
		ID:         id,
		Kind:       kind,
		State:      AwaitingUpload,
		Source:     FromAPI,
		FileName:   name,
		SizeBytes:  size,
		SHA256:     sha256,
		SkipErrors: skipErrors,
		Hidden:     hidden,
		By:         c.Actor,
		Cause:      c.Cause(),
		CreatedAt:  c.At,
		File:       files.Ref{Bucket: files.Uploads, Key: s.module.UploadObject(c.Account, id, name)},
	}
	upload, err := s.env.Files.PresignPut(ctx, j.File, size, ContentType(name), sha256, c.At, UploadLife)
	if err != nil {
		return view, err
	}
	common := s.module.view(j, Progress{})
	common.Upload = &upload
	view = s.module.View(j, common)
	put, err := s.module.PutJob(c.Account, j, table.IfAbsent)
	if err != nil {
		return view, err
	}
	audit, err := s.Created(c, j, "")
	if err != nil {
		return view, err
	}
	due, err := call.Encode(marker{Due: uploadDue(c.At).Unix()})
	if err != nil {
		return view, err
	}
	expires := table.Put(table.Item{Key: s.module.MarkerKey(c.Account, id), Data: due}, table.Always)
	return view, c.Commit(ctx, s.Accepted(c.Account, id, 201, view), put, expires, audit)
}

// Created is the audit record of a job's beginning; the reason is the call's own if it is empty.
func (s *Jobs[R, V]) Created(c *call.Call, j Job, reason string) (table.Operation, error) {
	return c.Audit(
		call.AuditEntry{
			Action:    s.module.Subject + ".created",
			Subject:   s.module.Subject,
			SubjectID: j.ID,
			Reason:    reason,
			After: begun{
				Kind:       j.Kind,
				Source:     j.Source,
				FileName:   j.FileName,
				SizeBytes:  j.SizeBytes,
				SkipErrors: j.SkipErrors,
				Undoes:     j.Undoes,
			},
		},
	)
}

// begun is what an audit record says of a job that begins.
type begun struct {
	Kind       string `json:"kind,omitempty"`
	Source     string `json:"source"`
	FileName   string `json:"fileName"`
	SizeBytes  int64  `json:"sizeBytes,omitempty"`
	SkipErrors bool   `json:"skipErrors,omitempty"`
	Undoes     string `json:"undoes,omitempty"`
}

// Get reads a job; its versions are for the entity tag.
func (s *Jobs[R, V]) Get(ctx context.Context, c *call.Call, id string) (view V, versions []int64, err error) {
	a, err := s.Ask(ctx, c, id)
	if err != nil {
		return view, nil, err
	}
	common := s.module.view(a.Job, a.Progress)
	if a.Job.Result != nil {
		common.ResultURL, _, err = s.env.Files.PresignGet(
			ctx,
			*a.Job.Result,
			ResultName(a.Job.FileName),
			c.At,
			resultLife,
		)
	}
	return s.module.View(a.Job, common), a.Versions(), err
}

// List lists jobs, newest first, without result. The position is the id of the last job of the page
// before.
func (s *Jobs[R, V]) List(
	ctx context.Context,
	c *call.Call,
	before string,
	limit int,
) (views []V, next string, err error) {
	var jobs []Job
	query := table.Query{Partition: s.module.JobsPartition(c.Account), To: before, Limit: limit + 1, Backwards: true}
	err = table.All(ctx, s.env.Table, query, func(item table.Item) error {
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
func (s *Jobs[R, V]) views(ctx context.Context, c *call.Call, jobs []Job) ([]V, error) {
	keys := make([]table.Key, len(jobs))
	for i, j := range jobs {
		keys[i] = s.module.progressKey(c.Account, j.ID)
	}
	found := map[table.Key]table.Item{}
	if len(keys) > 0 {
		var err error
		if found, err = s.env.Table.Lookup(ctx, keys...); err != nil {
			return nil, err
		}
	}
	views := make([]V, len(jobs))
	for i, j := range jobs {
		var p Progress
		if done, ok := found[keys[i]]; ok {
			var err error
			if p, err = call.Decode[Progress](done); err != nil {
				return nil, err
			}
		}
		views[i] = s.Show(j, p)
	}
	return views, nil
}

// Rows lists the rows of the plan in the order of the file, of one outcome or of all. The position
// is the place in the plan of the last row of the page before.
func (s *Jobs[R, V]) Rows(
	ctx context.Context,
	c *call.Call,
	id string,
	outcome Outcome,
	after, limit int,
) ([]R, int, error) {
	a, err := s.Ask(ctx, c, id)
	if err != nil {
		return nil, 0, err
	}
	var rows []R
	last := 0
	err = s.EachRow(ctx, c.Account, a.Job, after, func(place int, r *R) error {
		if outcome != "" && s.module.Judged(r).Outcome != outcome {
			return nil
		}
		if len(rows) == limit {
			return ErrEnough
		}
		rows, last = append(rows, *r), place
		return nil
	})
	if errors.Is(err, ErrEnough) {
		return rows, last, nil
	}
	return rows, 0, err
}

// ErrEnough ends a visit of rows before their end.
var ErrEnough = errors.New("enough rows")

// EachRow visits the rows of a plan in order, with their places in it from 1, and only those behind
// the place after; few chunks are in memory at a time.
func (s *Jobs[R, V]) EachRow(
	ctx context.Context,
	account string,
	j Job,
	after int,
	visit func(place int, r *R) error,
) error {
	size := s.module.Size(j).Chunk
	place := after / size * size // every chunk but the last is full
	query := table.Query{
		Partition: s.module.partsPartition(
			account,
			j.ID,
		),
		Prefix: PlanPrefix,
		From:   s.module.chunkKey(account, j.ID, after/size).Sort,
		Limit:  10,
	}
	return table.All(ctx, s.env.Table, query, func(item table.Item) error {
		rows, err := call.Decode[[]R](item)
		if err != nil {
			return err
		}
		for i := range rows {
			if place++; place <= after {
				continue
			}
			if err := visit(place, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Start has the plan applied (requirements, section 5.4).
//
// Errors: wrong-state, and those of the module's MayStart.
func (s *Jobs[R, V]) Start(ctx context.Context, c *call.Call, id string) (view V, err error) {
	err = call.Decide(ctx, func(ctx context.Context) error {
		a, err := s.Ask(ctx, c, id)
		if err != nil {
			return err
		}
		if a.Job.State != Ready {
			return problem.Newf(
				problem.WrongState,
				"%s %s can be %s when it is ready; this one is %s.",
				s.module.article(),
				s.module.One,
				s.module.Can,
				a.Job.State,
			)
		}
		if err := s.mayStart(ctx, c, a.Job); err != nil {
			return err
		}
		j := a.Job
		j.State, j.Cause = s.module.Applying, c.Cause()
		op, err := s.module.PutJob(c.Account, j, table.IfVersion(a.item.Version))
		if err != nil {
			return err
		}
		audit, err := c.Audit(
			call.AuditEntry{
				Action:    s.module.Subject + "." + string(s.module.Applying),
				Subject:   s.module.Subject,
				SubjectID: id,
				After:     j.Counts,
			},
		)
		if err != nil {
			return err
		}
		view = s.Show(j, a.Progress)
		return c.Commit(ctx, s.Accepted(c.Account, id, 202, view), op, s.module.PutMarker(c.Account, id), audit)
	})
	if err != nil {
		return view, err
	}
	s.WakeUp(ctx, c.Account, id)
	return view, nil
}

func (s *Jobs[R, V]) mayStart(ctx context.Context, c *call.Call, j Job) error {
	if s.module.MayStart == nil {
		return nil
	}
	return s.module.MayStart(ctx, c, j)
}

// article begins a sentence about one of them.
func (n Names) article() string {
	if strings.ContainsRune("aeiou", rune(n.One[0])) {
		return "An"
	}
	return "A"
}

// WakeUp wakes a worker by way of the uploads bucket. The marker is there already: if this fails,
// the next scheduled run finds the work.
func (s *Jobs[R, V]) WakeUp(ctx context.Context, account, id string) {
	body := []byte(`{}`)
	if _, err := s.env.Files.Put(
		ctx,
		s.module.WakeUpRef(account, id),
		bytes.NewReader(body),
		int64(len(body)),
		"application/json",
	); err != nil {
		s.env.Log.WarnContext(
			ctx,
			"wake-up not written; the schedule will find the work",
			"error",
			err,
			"account",
			account,
			s.module.Subject,
			id,
		)
	}
}

// Cancel stops a job: at once if nothing runs, between two commits of rows otherwise (requirements,
// section 5.5).
//
// Errors: wrong-state when it has ended.
func (s *Jobs[R, V]) Cancel(ctx context.Context, c *call.Call, id string) (view V, err error) {
	err = call.Decide(ctx, func(ctx context.Context) error {
		a, err := s.Ask(ctx, c, id)
		if err != nil {
			return err
		}
		j := a.Job
		var more []table.Operation
		switch j.State {
		case AwaitingUpload, Ready:
			at := c.At
			j.State, j.EndedAt = Cancelled, &at
			more = append(more, table.Delete(s.module.MarkerKey(c.Account, id), table.Always))
		case Checking, s.module.Applying:
			j.Cancel = true
		case Rejected, Completed, Cancelled, Failed:
			return problem.Newf(problem.WrongState, "This %s is %s already.", s.module.One, j.State)
		}
		op, err := s.module.PutJob(c.Account, j, table.IfVersion(a.item.Version))
		if err != nil {
			return err
		}
		audit, err := c.Audit(
			call.AuditEntry{Action: s.module.Subject + ".cancelled", Subject: s.module.Subject, SubjectID: id},
		)
		if err != nil {
			return err
		}
		view = s.Show(j, a.Progress)
		return c.Commit(ctx, s.Accepted(c.Account, id, 202, view), append(more, op, audit)...)
	})
	return view, err
}

// Resume finishes what workers left behind, in all accounts: whose lease is over by now.
func (s *Jobs[R, V]) Resume(ctx context.Context, now time.Time) error {
	var failures []error
	err := table.All(ctx, s.env.Table, table.Query{Partition: s.module.Markers()}, func(item table.Item) error {
		account, id, _ := strings.Cut(item.Sort, "#")
		if m, err := call.Decode[marker](item); err != nil || m.Due > now.Unix() {
			return err
		}
		if err := s.Work(ctx, account, id, now); err != nil {
			failures = append(failures, err)
		}
		return nil
	})
	return errors.Join(append(failures, err)...)
}

// RefusedRows are the rows that no longer fitted when their turn came, by their places in the plan,
// with the reason.
func (s *Jobs[R, V]) RefusedRows(ctx context.Context, account, id string) (map[int]string, error) {
	rows := map[int]string{}
	err := table.All(
		ctx,
		s.env.Table,
		table.Query{Partition: s.module.partsPartition(account, id), Prefix: refusedPrefix},
		func(item table.Item) error {
			r, err := call.Decode[refusedRow](item)
			rows[r.Place] = r.Message
			return err
		},
	)
	return rows, err
}
