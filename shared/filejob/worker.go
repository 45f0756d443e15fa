package filejob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

var (
	// errOvertaken stops a worker whose job another one has taken over, or somebody cancelled.
	errOvertaken = errors.New("overtaken by another worker")
	// ErrHandedOn says that the next invocation goes on.
	ErrHandedOn = errors.New("handed on to the next invocation")
	// ErrPart says that a commit does a part of a row.
	ErrPart = errors.New("a part of the row")
	// ErrForeign says that an object is not the one that its job announced.
	ErrForeign = errors.New("the object is not the one that was announced")
)

// Worker is one worker's hold on a job. Every commit it makes demands that the job is still as the worker left it.
type Worker[R, V any] struct {
	Call    *call.Call
	Job     Job
	jobs    *Jobs[R, V]
	version int64
}

// Work does what is to be done on a job, unless another worker is at it: the check of what came from no upload or of a file whose check died, and the applying of a
// plan. now is the time of the event that woke it.
//
// Errors: not-found.
func (s *Jobs[R, V]) Work(ctx context.Context, account, id string, now time.Time) error {
	c := s.event(account, id, now)
	j, item, _, err := s.Load(ctx, c, id)
	if err != nil {
		return err
	}
	if j.State != Checking && j.State != s.room.Applying {
		return s.unmark(ctx, account, id, item.Version)
	}
	if j.Lease > now.Unix() {
		return nil
	}
	c.Actor = j.By
	w := &Worker[R, V]{jobs: s, Call: c, Job: j, version: item.Version}
	w.Job.Epoch++
	if err := w.hold(ctx); err != nil {
		return ignoreOvertaken(err)
	}
	return w.run(ctx)
}

// unmark takes the mark from a job that needs no worker, unless it was changed since it had this version: whoever began it meanwhile relies on the mark.
func (s *Jobs[R, V]) unmark(ctx context.Context, account, id string, version int64) error {
	err := s.env.Table.Commit(ctx, []table.Operation{
		table.Delete(s.room.MarkKey(account, id), table.Always), table.Check(s.room.JobKey(account, id), table.IfVersion(version)),
	})
	if _, changed := table.Refused(err); changed {
		return nil
	}
	return err
}

// event is the call of a worker.
func (s *Jobs[R, V]) event(account, id string, now time.Time) *call.Call {
	return call.ForEvent(s.env, account, s.room.Actor, s.room.One+" "+id, now)
}

// Hold is a worker on a job that was just put, held already, with version 1.
func (s *Jobs[R, V]) Hold(c *call.Call, j Job) *Worker[R, V] {
	return &Worker[R, V]{jobs: s, Call: c, Job: j, version: 1}
}

// Held is a job as its first worker puts it.
func Held(j Job, now time.Time) Job {
	j.Epoch, j.Lease = 1, now.Add(LeaseLife).Unix()
	return j
}

// Uploaded begins the check of a file that has come for an upload. A second delivery of the event finds the state changed and does nothing.
//
// Errors: not-found, ErrForeign.
func (s *Jobs[R, V]) Uploaded(ctx context.Context, account, id string, file files.Ref, size int64, now time.Time) error {
	c := s.event(account, id, now)
	j, item, _, err := s.Load(ctx, c, id)
	if err != nil {
		return err
	}
	if j.File.Key != file.Key {
		return ErrForeign
	}
	if j.State != AwaitingUpload {
		return s.Work(ctx, account, id, now)
	}
	c.Actor = j.By
	w := &Worker[R, V]{jobs: s, Call: c, Job: j, version: item.Version}
	w.Job.State, w.Job.File, w.Job.SizeBytes = Checking, file, size
	w.Job.Epoch++
	if err := w.hold(ctx, s.room.PutMark(account, id)); err != nil {
		return ignoreOvertaken(err)
	}
	if size != j.SizeBytes {
		return w.Reject(ctx, fmt.Sprintf("The file has %d bytes; %d were announced.", size, j.SizeBytes))
	}
	return w.run(ctx)
}

// Run checks or applies, as the job's state says.
func (w *Worker[R, V]) Run(ctx context.Context) error { return w.run(ctx) }

// run checks or applies. When somebody cancelled meanwhile, it ends the job; when another worker took over, it leaves the job to that one. After a failure
// it lets go of the job, so that the next attempt need not wait for the end of the lease.
func (w *Worker[R, V]) run(ctx context.Context) error {
	for {
		work, state := w.check, w.Job.State
		if w.Job.State == w.jobs.room.Applying {
			work = w.apply
		}
		err := work(ctx)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errOvertaken) {
			w.letGo(ctx)
			return err
		}
		j, item, _, err := w.jobs.Load(ctx, w.Call, w.Job.ID)
		if err != nil || !j.Cancel || j.Epoch != w.Job.Epoch || j.State != state {
			return err
		}
		w.Job, w.version = j, item.Version // with the cancellation, which only adds to what this worker wrote last
	}
}

// letGo ends the lease early. It is an attempt only: when it fails too, the lease runs out by itself.
func (w *Worker[R, V]) letGo(ctx context.Context) {
	j, item, _, err := w.jobs.Load(ctx, w.Call, w.Job.ID)
	if err == nil && j.Epoch == w.Job.Epoch && j.Lease != 0 {
		j.Lease = 0
		w.Job, w.version = j, item.Version
		err = w.save(ctx)
	}
	if err != nil {
		w.jobs.env.Log.WarnContext(ctx, "lease not given back", "account", w.Call.Account, w.jobs.room.Subject, w.Job.ID, "error", err)
	}
}

func ignoreOvertaken(err error) error {
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}

// hold writes the job with a fresh lease, and effects with it.
func (w *Worker[R, V]) hold(ctx context.Context, effects ...table.Operation) error {
	w.Job.Lease = w.jobs.env.Clock().Add(LeaseLife).Unix()
	return w.save(ctx, effects...)
}

// save writes the job as the worker has it.
func (w *Worker[R, V]) save(ctx context.Context, effects ...table.Operation) error {
	op, err := w.jobs.room.PutJob(w.Call.Account, w.Job, table.IfVersion(w.version))
	if err != nil {
		return err
	}
	if err := w.commit(ctx, append(effects, op)); err != nil {
		return err
	}
	w.version++
	return nil
}

// commit turns the refusal of the job's own condition into errOvertaken.
func (w *Worker[R, V]) commit(ctx context.Context, ops []table.Operation) error {
	err := w.jobs.env.Table.Commit(ctx, ops)
	if refused, ok := table.Refused(err); ok && refused.Has(w.jobs.room.JobKey(w.Call.Account, w.Job.ID)) {
		return errOvertaken
	}
	return err
}

// still demands that nobody took the job over or cancelled it.
func (w *Worker[R, V]) still() table.Operation {
	return table.Check(w.jobs.room.JobKey(w.Call.Account, w.Job.ID), table.IfVersion(w.version))
}

// Commit is a commit of the worker's own, beside those of rows: for what is prepared before the first row or given back after the last.
//
// Errors: ErrHandedOn when the time of this invocation is nearly over; the next one goes on.
func (w *Worker[R, V]) Commit(ctx context.Context, ops []table.Operation) error {
	late, err := w.handOn(ctx)
	if err != nil {
		return err
	}
	if late {
		return ErrHandedOn
	}
	if err := w.Renew(ctx); err != nil {
		return err
	}
	return w.commit(ctx, append(ops, w.still()))
}

// Renew renews the lease when half of it is gone.
func (w *Worker[R, V]) Renew(ctx context.Context) error {
	if w.Job.Lease-w.jobs.env.Clock().Unix() > int64(LeaseLife.Seconds())/2 {
		return nil
	}
	return w.hold(ctx)
}

// handOn gives the work to the next invocation when this one's time is nearly over.
func (w *Worker[R, V]) handOn(ctx context.Context) (bool, error) {
	deadline, limited := ctx.Deadline()
	if !limited || deadline.Unix()-w.jobs.env.Clock().Unix() > HandOn {
		return false, nil
	}
	w.Job.Lease = 0
	if err := w.save(ctx); err != nil {
		return true, err
	}
	w.jobs.Ticket(ctx, w.Call.Account, w.Job.ID)
	return true, nil
}

// end writes the last state, takes the mark away and leaves an audit record.
func (w *Worker[R, V]) end(ctx context.Context, state State) error {
	at := w.jobs.env.Clock().UTC()
	w.Job.State, w.Job.Lease, w.Job.EndedAt = state, 0, &at
	names := w.jobs.room.Names
	audit, err := w.Call.Audit(call.Change{
		Action: names.Subject + "." + string(state), Subject: names.Subject, SubjectID: w.Job.ID, After: map[string]any{"counts": w.Job.Counts, "why": w.Job.Why},
	})
	if err != nil {
		return err
	}
	return w.save(ctx, audit, table.Delete(names.MarkKey(w.Call.Account, w.Job.ID), table.Always))
}

// Reject ends a job whose file is refused whole, unless another worker took it over.
func (w *Worker[R, V]) Reject(ctx context.Context, why string) error {
	return ignoreOvertaken(w.reject(ctx, []RowError{{Message: why}}))
}

// reject ends a check with the faults of the file.
func (w *Worker[R, V]) reject(ctx context.Context, faults []RowError) error {
	w.Job.Errors = faults[:min(len(faults), ShownErrors)]
	w.Job.Why = "Nothing was " + w.jobs.room.Done + "."
	if len(faults) > 0 && faults[0].Row == 0 || w.Job.Counts.Rows == 0 {
		w.Job.Why = faults[0].Message // of the file, and not of a row
	}
	return w.end(ctx, Rejected)
}
