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
	// errHandedOn says that the next invocation goes on.
	errHandedOn = errors.New("handed on to the next invocation")
	// ErrPart says that a commit does a part of a row, and that the next one goes on with it.
	ErrPart = errors.New("a part of the row")
	// ErrForeign says that an object is not the one that its job announced.
	ErrForeign = errors.New("the object is not the one that was announced")
)

// Worker is one worker's hold on a job. Every commit it makes demands that the job is still as the
// worker left it.
type Worker struct {
	Call    *call.Call
	Job     Job
	jobs    *Workers
	version int64
	keeper  *lease.Keeper
}

// worker is a worker that has read a job and does not hold it yet.
func (s *Workers) worker(c *call.Call, j Job, version int64) *Worker {
	c.Actor = j.By
	c.Because(j.Cause)
	return &Worker{
		Call:    c,
		Job:     j,
		jobs:    s,
		version: version,
		keeper:  lease.NewKeeper(s.env, s.names.LeaseKey(c.Account, j.ID), j.Epoch, j.lease),
	}
}

// Work does what is to be done on a job, unless another worker is at it: the check of what came
// from no upload or of a file whose check died, the applying of a plan, and the end of an upload
// that never came. now is the time of the event that woke it.
//
// Errors: not-found.
func (s *Workers) Work(ctx context.Context, account, id string, now time.Time) error {
	c := s.event(account, id, now)
	l, err := s.Load(ctx, c, id)
	if err != nil {
		return err
	}
	j, p := l.Job, l.Progress
	switch j.State {
	case AwaitingUpload:
		return s.expire(ctx, c, l, now)
	case Checking, s.names.Applying:
	default:
		return s.removeMarker(ctx, account, id, l.version)
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
	w := s.worker(c, j, l.version)
	w.begin()
	if err := w.hold(ctx); err != nil {
		return ignoreOvertaken(err)
	}
	return w.run(ctx)
}

// begin counts an attempt.
func (w *Worker) begin() {
	w.Job.Epoch++
	w.keeper.SetEpoch(w.Job.Epoch)
	w.Job.Attempts++
	w.Job.TriedAt = w.jobs.env.Clock().UTC()
}

// removeMarker takes the marker from a job that needs no worker, unless it was changed since it had this
// version: whoever began it meanwhile relies on the marker.
func (s *Workers) removeMarker(ctx context.Context, account, id string, version int64) error {
	err := s.env.Table.Commit(ctx, []table.Operation{
		table.Delete(s.names.MarkerKey(account, id), table.Always),
		table.Check(s.names.JobKey(account, id), table.IfVersion(version)),
	})
	if _, changed := table.Refused(err); changed {
		return nil
	}
	return err
}

// expire ends a job whose file never came, once its URL is over. A file that did come, and of which
// no event told, is taken in.
func (s *Workers) expire(ctx context.Context, c *call.Call, l *Loaded, now time.Time) error {
	j := l.Job
	if now.Before(uploadDue(j.CreatedAt)) {
		return nil
	}
	info, err := s.env.Files.Head(ctx, j.File)
	switch {
	case err == nil:
		file := j.File
		file.Version = info.Version
		return s.Uploaded(ctx, Arrival{Account: c.Account, ID: j.ID, File: file, Size: info.Size, Now: now})
	case !errors.Is(err, files.ErrNotFound):
		return err
	}
	w := s.worker(c, j, l.version)
	w.Job.Why = "No file came before the URL of its upload expired."
	return ignoreOvertaken(w.End(ctx, Cancelled))
}

// event is the call of a worker.
func (s *Workers) event(account, id string, now time.Time) *call.Call {
	return call.ForEvent(s.env, account, s.names.Actor, s.names.Subject+":"+id, now)
}

// Take puts a job that begins with its check, together with other effects, and is a worker on it.
// Run goes on with it.
//
// Errors: those of the commit.
func (s *Workers) Take(
	ctx context.Context,
	c *call.Call,
	j Job,
	reason string,
	effects ...table.Operation,
) (*Worker, error) {
	w := s.worker(c, j, 0)
	w.begin()
	put, err := s.names.PutJob(c.Account, w.Job, table.IfAbsent)
	if err != nil {
		return nil, err
	}
	audit, err := s.Created(c, j, reason)
	if err != nil {
		return nil, err
	}
	if err := w.keeper.Write(
		ctx, lease.Life,
		append([]table.Operation{put, audit, s.names.PutMarker(c.Account, j.ID)}, effects...),
	); err != nil {
		return nil, err
	}
	w.version = 1
	w.log(ctx, "begun")
	return w, nil
}

// Arrival is a file that came for the upload of a job.
type Arrival struct {
	Account, ID string
	File        files.Ref
	Size        int64
	// Now is when it was told of.
	Now time.Time
}

// Uploaded begins the check of a file that has come for an upload. A second delivery of the event
// finds the state changed and does nothing.
//
// Errors: not-found, ErrForeign.
func (s *Workers) Uploaded(ctx context.Context, came Arrival) error {
	c := s.event(came.Account, came.ID, came.Now)
	l, err := s.Load(ctx, c, came.ID)
	if err != nil {
		return err
	}
	if l.Job.File.Key != came.File.Key {
		return ErrForeign
	}
	if l.Job.State != AwaitingUpload {
		return s.Work(ctx, came.Account, came.ID, came.Now)
	}
	w := s.worker(c, l.Job, l.version)
	w.Job.State, w.Job.File, w.Job.SizeBytes = Checking, came.File, came.Size
	if came.Size != l.Job.SizeBytes {
		w.Job.Refusal = fmt.Sprintf("The file has %d bytes; %d were announced.", came.Size, l.Job.SizeBytes)
	}
	w.begin()
	if err := w.hold(ctx, s.names.PutMarker(came.Account, came.ID)); err != nil {
		return ignoreOvertaken(err)
	}
	w.log(ctx, "begun")
	return w.run(ctx)
}

// Run checks or applies, as the job's state says. A job that has to wait for another one is let go.
func (w *Worker) Run(ctx context.Context) error {
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

// run takes the job on. When somebody cancelled meanwhile, it ends the job; when another worker took
// over, it leaves the job to that one. After a failure it lets go of the job, so that the next
// attempt need not wait for the end of the lease.
func (w *Worker) run(ctx context.Context) error {
	stop := w.keeper.Beat(ctx)
	defer stop()
	for {
		state := w.Job.State
		err := w.work(ctx)
		if err == nil || errors.Is(err, errHandedOn) {
			return nil
		}
		if !errors.Is(err, errOvertaken) {
			w.letGo(ctx)
			return err
		}
		l, err := w.jobs.Load(ctx, w.Call, w.Job.ID)
		if err != nil || !l.Job.Cancel || l.Job.Epoch != w.Job.Epoch || l.Job.State != state {
			return err
		}
		// with the cancellation, which only adds to what this worker wrote last
		w.Job, w.version = l.Job, l.version
	}
}

// work ends a check of which nothing is to be read any more, and leaves all else to the module.
func (w *Worker) work(ctx context.Context) error {
	if w.Job.State == Checking {
		switch {
		case w.GivesUp():
			w.Job.Why = fmt.Sprintf(
				"The check was tried %d times and did not come to its end; nothing was %s.",
				call.MostAttempts, w.jobs.names.Done,
			)
			return w.End(ctx, Failed)
		case w.Job.Refusal != "": // known when the file was taken in
			return w.Reject(ctx, []RowError{{Message: w.Job.Refusal}})
		case w.Job.Cancel:
			return w.End(ctx, Cancelled)
		}
	}
	return w.jobs.work(ctx, w)
}

// GivesUp says whether the job was tried too often (requirements, section 10). Of one that is
// applied, what was kept for its rows is then to be given back, and GiveUp ends it.
func (w *Worker) GivesUp() bool { return w.Job.Attempts > call.MostAttempts }

// letGo ends the lease early. It is an attempt only: when it fails too, the lease runs out.
func (w *Worker) letGo(ctx context.Context) {
	if err := w.keeper.Write(context.WithoutCancel(ctx), 0, nil); err != nil {
		w.jobs.env.Log.WarnContext(
			ctx, "lease not given back", "account", w.Call.Account, w.jobs.names.Subject, w.Job.ID, "error",
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
func (w *Worker) hold(ctx context.Context, effects ...table.Operation) error {
	return w.save(ctx, lease.Life, effects...)
}

// save writes the job as the worker has it, with a lease of this life.
func (w *Worker) save(ctx context.Context, life time.Duration, effects ...table.Operation) error {
	op, err := w.jobs.names.PutJob(w.Call.Account, w.Job, table.IfVersion(w.version))
	if err != nil {
		return err
	}
	if err := w.overtaken(w.keeper.Write(ctx, life, append(effects, op))); err != nil {
		return err
	}
	w.version++
	return nil
}

func (w *Worker) commit(ctx context.Context, ops []table.Operation) error {
	return w.overtaken(w.jobs.env.Table.Commit(ctx, ops))
}

// overtaken turns the refusal of the job's own condition, or of the lease's, into errOvertaken.
func (w *Worker) overtaken(err error) error {
	refused, ok := table.Refused(err)
	if ok && (refused.Has(w.jobs.names.JobKey(w.Call.Account, w.Job.ID)) || refused.Has(w.keeper.Key())) {
		return errOvertaken
	}
	return err
}

// still demands that nobody took the job over or cancelled it.
func (w *Worker) still() table.Operation {
	return table.Check(w.jobs.names.JobKey(w.Call.Account, w.Job.ID), table.IfVersion(w.version))
}

// Commit is a commit of the worker's own, beside those of rows: for what is prepared before the
// first row or given back after the last.
//
// Errors: errHandedOn when the time of this invocation is nearly over; the next one goes on.
func (w *Worker) Commit(ctx context.Context, ops []table.Operation) error {
	if err := w.handOn(ctx); err != nil {
		return err
	}
	return w.overtaken(w.keeper.Step(ctx, lease.Life, 1, append(ops, w.still())))
}

// renew renews the lease when half of it is gone: where the time is the events', the beat beside
// the work does not do it.
func (w *Worker) renew(ctx context.Context) error {
	return w.overtaken(w.keeper.Renew(ctx, w.still()))
}

// handOn gives the work to the next invocation when this one's time is nearly over.
//
// Errors: errHandedOn when it did.
func (w *Worker) handOn(ctx context.Context) error {
	deadline, limited := ctx.Deadline()
	if !limited || deadline.Unix()-w.jobs.env.Clock().Unix() > HandOn {
		return nil
	}
	if w.Job.State == w.jobs.names.Applying && !w.GivesUp() {
		w.Job.Attempts = 0 // what was reserved or applied is; a check begins from its first row again
	}
	if err := w.save(ctx, 0); err != nil {
		return err
	}
	w.jobs.WakeUp(ctx, w.Call.Account, w.Job.ID)
	return errHandedOn
}

// log leaves a line of what became of a file, which names nobody.
func (w *Worker) log(ctx context.Context, what string) {
	w.jobs.env.Log.InfoContext(
		ctx, "file", "of", w.jobs.names.One, "state", what, "account", w.Call.Account, "id", w.Job.ID,
		"source", w.Job.Source, "bytes", w.Job.SizeBytes, "rows", w.Job.Counts.Rows, "faults",
		w.Job.Counts.Error, "attempts", w.Job.Attempts,
	)
}
