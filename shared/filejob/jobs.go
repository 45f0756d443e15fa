package filejob

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Jobs are the jobs of one module. Views are the same for callers, and Workers for those who work on
// them: functions that only answer callers link none of the work.
type Jobs struct {
	env   *app.Env
	names Names
}

// NewJobs makes the jobs of a module.
func NewJobs(env *app.Env, names Names) *Jobs { return &Jobs{env: env, names: names} }

// Workers work on jobs.
type Workers struct {
	*Jobs
	// work takes a job on from where its state says it is: the module's own sequence of steps.
	work func(ctx context.Context, w *Worker) error
}

// Workers work on the jobs. work is called with a job that is checking or applied, and takes it on to
// the end of that: to the plan, or to the result. It may be called again for what an earlier call
// left behind, by another process.
func (s *Jobs) Workers(work func(ctx context.Context, w *Worker) error) *Workers {
	return &Workers{Jobs: s, work: work}
}

// Names is how the jobs are called.
func (s *Jobs) Names() Names { return s.names }

// Loaded is a job as it was read, with how far its plan is applied.
type Loaded struct {
	Job      Job
	Progress Progress
	version  int64
}

// versions are what the entity tag of a job is made of.
func (l *Loaded) versions() []int64 { return []int64{l.version, int64(l.Progress.Row)} }

// Load reads a job with how far it is, whoever asks.
//
// Errors: not-found, also for what can be no id of one.
func (s *Jobs) Load(ctx context.Context, c *call.Call, id string) (*Loaded, error) {
	if uuid.Validate(id) != nil {
		return nil, problem.Missing(s.names.One)
	}
	at, done := s.names.JobKey(c.Account, id), s.names.progressKey(c.Account, id)
	leased := s.names.LeaseKey(c.Account, id)
	found, err := c.Lookup(ctx, at, done, leased)
	if err != nil {
		return nil, err
	}
	item, ok := found[at]
	if !ok {
		return nil, problem.Missing(s.names.One)
	}
	l := &Loaded{version: item.Version}
	if l.Job, err = call.Decode[Job](item); err != nil {
		return nil, err
	}
	if item, ok := found[done]; ok {
		if l.Progress, err = call.Decode[Progress](item); err != nil {
			return nil, err
		}
	}
	l.Job.lease, err = lease.Of(found, leased)
	return l, err
}

// PutJob writes a job.
func (n Names) PutJob(account string, j Job, cond table.Condition) (table.Operation, error) {
	data, err := call.Encode(j)
	if err != nil {
		return table.Operation{}, err
	}
	return table.Put(table.Item{Key: n.JobKey(account, j.ID), Data: data}, cond), nil
}

// marker is why a job is looked at by the schedule; Due is from when on, in Unix seconds, 0 for at
// once.
type marker struct {
	Due int64 `json:"due,omitempty"`
}

// uploadDue is when an upload that has not come will not come any more.
func uploadDue(created time.Time) time.Time { return created.Add(UploadLife + uploadGrace) }

// PutMarker has somebody work on a job.
func (n Names) PutMarker(account, id string) table.Operation {
	return table.Put(n.Markers().Item(account, id, []byte(`{}`)), table.Always)
}

// Created is the audit record of a job's beginning; the reason is the call's own if it is empty.
func (s *Jobs) Created(c *call.Call, j Job, reason string) (table.Operation, error) {
	return c.Audit(
		call.AuditEntry{
			Action:    s.names.Subject + ".created",
			Subject:   s.names.Subject,
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

// WakeUp wakes a worker by way of the uploads bucket. The marker is there already: if this fails,
// the next scheduled run finds the work.
func (s *Jobs) WakeUp(ctx context.Context, account, id string) {
	body := []byte(`{}`)
	ref := s.names.WakeUpRef(account, id)
	if _, err := s.env.Files.Put(ctx, ref, bytes.NewReader(body), int64(len(body)), "application/json"); err != nil {
		s.env.Log.WarnContext(
			ctx, "wake-up not written; the schedule will find the work", "error", err, "account", account,
			s.names.Subject, id,
		)
	}
}

// Resume finishes what workers left behind, in all accounts: whose lease is over by now.
func (s *Workers) Resume(ctx context.Context, now time.Time) error {
	return s.EachMarked(ctx, now, s.Work)
}

// EachMarked goes on with the jobs of all active accounts whose markers are due; one that fails never stops
// the others.
func (s *Jobs) EachMarked(
	ctx context.Context, now time.Time, work func(ctx context.Context, account, id string, now time.Time) error,
) error {
	var failures []error
	states := map[string]call.State{} // of the account that is looked at now
	err := s.names.Markers().Each(ctx, s.env.Table, "", func(one call.Marker) error {
		if m, err := call.Decode[marker](one.Item); err != nil || m.Due > now.Unix() {
			return err
		}
		if _, known := states[one.Account]; !known {
			read, err := call.States(ctx, s.env.Table, s.env.Pick, one.Account)
			if err != nil {
				return err
			}
			states = map[string]call.State{one.Account: read[one.Account]}
		}
		if states[one.Account] != "" {
			return nil // it goes on when the account is active again
		}
		if err := work(ctx, one.Account, one.ID, now); err != nil && !call.Stopped(err) {
			failures = append(failures, err)
		}
		return nil
	})
	return errors.Join(append(failures, err)...)
}
