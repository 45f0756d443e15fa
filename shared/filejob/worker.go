package filejob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
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

// Worker is one worker's hold on a job. Every commit it makes demands that the job is still as the
// worker left it.
type Worker[R, V any] struct {
	Call    *call.Call
	Job     Job
	jobs    *Jobs[R, V]
	version int64
	keeper  *lease.Keeper
}

// worker is a worker that has read a job and does not hold it yet.
func (s *Jobs[R, V]) worker(c *call.Call, j Job, version int64) *Worker[R, V] {
	c.Actor = j.By
	c.Because(j.Cause)
	return &Worker[R, V]{
		Call:    c,
		Job:     j,
		jobs:    s,
		version: version,
		keeper:  lease.NewKeeper(s.env, s.module.LeaseKey(c.Account, j.ID), j.Epoch, j.lease),
	}
}

// Work does what is to be done on a job, unless another worker is at it: the check of what came
// from no upload or of a file whose check died, the applying of a plan, and the end of an upload
// that never came. now is the time of the event that woke it.
//
// Errors: not-found.
func (s *Jobs[R, V]) Work(ctx context.Context, account, id string, now time.Time) error {
	c := s.event(account, id, now)
	j, item, p, err := s.Load(ctx, c, id)
	if err != nil {
		return err
	}
	switch j.State {
	case AwaitingUpload:
		return s.expire(ctx, c, j, item.Version, now)
	case Checking, s.module.Applying:
	default:
		return s.removeMarker(ctx, account, id, item.Version)
	}
	if j.lease.Held(s.env, now) {
		return nil
	}
	if reached := p.Row + p.Parts + j.lease.Steps; reached > j.Reached && j.Attempts <= call.MostAttempts {
		j.Reached, j.Attempts = reached, 0
	}
	if now.Before(j.TriedAt.Add(call.Pause(j.Attempts))) {
		return nil
	}
	if waits, err := s.waits(ctx, c, j); waits || err != nil {
		return err
	}
	w := s.worker(c, j, item.Version)
	w.begin()
	if err := w.hold(ctx); err != nil {
		return ignoreOvertaken(err)
	}
	return w.run(ctx)
}

// begin counts an attempt.
func (w *Worker[R, V]) begin() {
	w.Job.Epoch++
	w.keeper.SetEpoch(w.Job.Epoch)
	w.Job.Attempts++
	w.Job.TriedAt = w.jobs.env.Clock().UTC()
}

// unmark takes the marker from a job that needs no worker, unless it was changed since it had this
// version: whoever began it meanwhile relies on the marker.
func (s *Jobs[R, V]) removeMarker(ctx context.Context, account, id string, version int64) error {
	err := s.env.Table.Commit(ctx, []table.Operation{
		table.Delete(
			s.module.MarkerKey(account, id),
			table.Always,
		),
		table.Check(s.module.JobKey(account, id), table.IfVersion(version)),
	})
	if _, changed := table.Refused(err); changed {
		return nil
	}
	return err
}

// expire ends a job whose file never came, once its URL is over. A file that did come, and of which
// no event told, is taken in.
func (s *Jobs[R, V]) expire(ctx context.Context, c *call.Call, j Job, version int64, now time.Time) error {
	if now.Before(uploadDue(j.CreatedAt)) {
		return nil
	}
	info, err := s.env.Files.Head(ctx, j.File)
	switch {
	case err == nil:
		file := j.File
		file.Version = info.Version
		return s.Uploaded(ctx, c.Account, j.ID, file, info.Size, now)
	case !errors.Is(err, files.ErrNotFound):
		return err
	}
	w := s.worker(c, j, version)
	w.Job.Why = "No file came before the URL of its upload expired."
	return ignoreOvertaken(w.end(ctx, Cancelled))
}

// event is the call of a worker.
func (s *Jobs[R, V]) event(account, id string, now time.Time) *call.Call {
	return call.ForEvent(s.env, account, s.module.Actor, s.module.Subject+":"+id, now)
}

// Take puts a job that begins with its check, together with other effects, and is a worker on it.
// Run goes on with it.
//
// Errors: those of the commit.
func (s *Jobs[R, V]) Take(
	ctx context.Context,
	c *call.Call,
	j Job,
	reason string,
	effects ...table.Operation,
) (*Worker[R, V], error) {
	w := s.worker(c, j, 0)
	w.begin()
	put, err := s.module.PutJob(c.Account, w.Job, table.IfAbsent)
	if err != nil {
		return nil, err
	}
	audit, err := s.Created(c, j, reason)
	if err != nil {
		return nil, err
	}
	if err := w.keeper.Write(
		ctx,
		lease.Life,
		append([]table.Operation{put, audit, s.module.PutMarker(c.Account, j.ID)}, effects...),
	); err != nil {
		return nil, err
	}
	w.version = 1
	w.log(ctx, "begun")
	return w, nil
}

// Uploaded begins the check of a file that has come for an upload. A second delivery of the event
// finds the state changed and does nothing.
//
// Errors: not-found, ErrForeign.
func (s *Jobs[R, V]) Uploaded(
	ctx context.Context,
	account, id string,
	file files.Ref,
	size int64,
	now time.Time,
) error {
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
	w := s.worker(c, j, item.Version)
	w.Job.State, w.Job.File, w.Job.SizeBytes = Checking, file, size
	if size != j.SizeBytes {
		w.Job.Refusal = fmt.Sprintf("The file has %d bytes; %d were announced.", size, j.SizeBytes)
	}
	w.begin()
	if err := w.hold(ctx, s.module.PutMarker(account, id)); err != nil {
		return ignoreOvertaken(err)
	}
	w.log(ctx, "begun")
	return w.run(ctx)
}

// Run checks or applies, as the job's state says. A job that has to wait for another one is let go.
func (w *Worker[R, V]) Run(ctx context.Context) error {
	waits, err := w.jobs.waits(ctx, w.Call, w.Job)
	if err == nil && waits {
		w.Job.Attempts = 0
		return ignoreOvertaken(w.save(ctx, 0))
	}
	if err != nil {
		return err
	}
	return w.run(ctx)
}

// run checks or applies. When somebody cancelled meanwhile, it ends the job; when another worker
// took over, it leaves the job to that one. After a failure it lets go of the job, so that the next
// attempt need not wait for the end of the lease.
func (w *Worker[R, V]) run(ctx context.Context) error {
	stop := w.keeper.Beat(ctx)
	defer stop()
	for {
		work, state := w.check, w.Job.State
		switch {
		case w.Job.State == w.jobs.module.Applying:
			work = w.apply
		case w.Job.Refusal != "":
			work = w.refuse
		}
		if w.Job.Attempts > call.MostAttempts {
			work = w.giveUp
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

// letGo ends the lease early. It is an attempt only: when it fails too, the lease runs out.
func (w *Worker[R, V]) letGo(ctx context.Context) {
	if err := w.keeper.Write(context.WithoutCancel(ctx), 0, nil); err != nil {
		w.jobs.env.Log.WarnContext(
			ctx,
			"lease not given back",
			"account",
			w.Call.Account,
			w.jobs.module.Subject,
			w.Job.ID,
			"error",
			err,
		)
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
	return w.save(ctx, lease.Life, effects...)
}

// save writes the job as the worker has it, with a lease of this life.
func (w *Worker[R, V]) save(ctx context.Context, life time.Duration, effects ...table.Operation) error {
	op, err := w.jobs.module.PutJob(w.Call.Account, w.Job, table.IfVersion(w.version))
	if err != nil {
		return err
	}
	if err := w.overtaken(w.keeper.Write(ctx, life, append(effects, op))); err != nil {
		return err
	}
	w.version++
	return nil
}

func (w *Worker[R, V]) commit(ctx context.Context, ops []table.Operation) error {
	return w.overtaken(w.jobs.env.Table.Commit(ctx, ops))
}

// overtaken turns the refusal of the job's own condition, or of the lease's, into errOvertaken.
func (w *Worker[R, V]) overtaken(err error) error {
	refused, ok := table.Refused(err)
	if ok && (refused.Has(w.jobs.module.JobKey(w.Call.Account, w.Job.ID)) || refused.Has(w.keeper.Key())) {
		return errOvertaken
	}
	return err
}

// still demands that nobody took the job over or cancelled it.
func (w *Worker[R, V]) still() table.Operation {
	return table.Check(w.jobs.module.JobKey(w.Call.Account, w.Job.ID), table.IfVersion(w.version))
}

// Commit is a commit of the worker's own, beside those of rows: for what is prepared before the
// first row or given back after the last.
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
	return w.overtaken(w.keeper.Step(ctx, lease.Life, 1, append(ops, w.still())))
}

// Renew renews the lease when half of it is gone: where the time is the events', the beat beside
// the work does not do it.
func (w *Worker[R, V]) Renew(ctx context.Context) error {
	return w.overtaken(w.keeper.Renew(ctx, w.still()))
}

// handOn gives the work to the next invocation when this one's time is nearly over.
func (w *Worker[R, V]) handOn(ctx context.Context) (bool, error) {
	deadline, limited := ctx.Deadline()
	if !limited || deadline.Unix()-w.jobs.env.Clock().Unix() > HandOn {
		return false, nil
	}
	if w.Job.State == w.jobs.module.Applying && w.Job.Attempts <= call.MostAttempts {
		w.Job.Attempts = 0 // what was reserved or applied is; a check begins from its first row again
	}
	if err := w.save(ctx, 0); err != nil {
		return true, err
	}
	w.jobs.WakeUp(ctx, w.Call.Account, w.Job.ID)
	return true, nil
}

// end writes the last state, takes the marker and the lease away, leaves an audit record, and wakes
// the job that waits for this one.
func (w *Worker[R, V]) end(ctx context.Context, state State) error {
	at := w.jobs.env.Clock().UTC()
	w.Job.State, w.Job.EndedAt = state, &at
	if w.Job.Next != "" && state == Cancelled {
		w.Job.Why = "A newer version of the file came."
	}
	names := w.jobs.module.Names
	audit, err := w.Call.Audit(call.AuditEntry{
		Action: names.Subject + "." + string(
			state,
		),
		Subject:   names.Subject,
		SubjectID: w.Job.ID,
		After:     map[string]any{"counts": w.Job.Counts, "why": w.Job.Why},
	})
	if err != nil {
		return err
	}
	if err := w.save(ctx, 0, audit, table.Delete(names.MarkerKey(w.Call.Account, w.Job.ID), table.Always)); err != nil {
		return err
	}
	w.log(ctx, string(state))
	if w.Job.Next != "" {
		w.jobs.WakeUp(ctx, w.Call.Account, w.Job.Next)
	}
	return nil
}

// log leaves a line of what became of a file, which names nobody.
func (w *Worker[R, V]) log(ctx context.Context, what string) {
	w.jobs.env.Log.InfoContext(
		ctx,
		"file",
		"of",
		w.jobs.module.One,
		"state",
		what,
		"account",
		w.Call.Account,
		"id",
		w.Job.ID,
		"source",
		w.Job.Source,
		"bytes",
		w.Job.SizeBytes,
		"rows",
		w.Job.Counts.Rows,
		"faults",
		w.Job.Counts.Error,
		"attempts",
		w.Job.Attempts,
	)
}

// refuse ends a job whose file was refused when it was taken in.
func (w *Worker[R, V]) refuse(ctx context.Context) error {
	return w.reject(ctx, []RowError{{Message: w.Job.Refusal}})
}

// reject ends a check with the faults of the file.
func (w *Worker[R, V]) reject(ctx context.Context, faults []RowError) error {
	w.Job.Errors = faults[:min(len(faults), ShownErrors)]
	w.Job.Why = "Nothing was " + w.jobs.module.Done + "."
	if len(faults) > 0 && faults[0].Row == 0 || w.Job.Counts.Rows == 0 {
		w.Job.Why = faults[0].Message // of the file, and not of a row
	}
	return w.end(ctx, Rejected)
}
