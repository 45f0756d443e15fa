package offboarding

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
)

const (
	// mostJobs is how many are done in one reading of the table.
	mostJobs = 50
	// spare is what a run keeps of its time, to note how far it has come.
	spare = time.Minute
)

// Worker does what operators asked for: it reads the whole table once for all that is to be done
// (decisions, 193). One worker is at it at a time; one that dies is followed by another, which goes on
// where the last note was made.
type Worker struct {
	env   *app.Env
	spool int64
}

// NewWorker makes the worker. env has Scan and Objects.
func NewWorker(env *app.Env) *Worker { return &Worker{env: env, spool: spoolSize} }

// Handle takes the events of OffboardingFunction: the object that wakes it for one archive, and its
// schedule, by which it does all that is left, and erases what is due.
func (w *Worker) Handle(ctx context.Context, payload []byte) error {
	if events.KindOf(payload) != events.KindObjects {
		schedule, err := events.Scheduled(payload)
		if err != nil {
			return fmt.Errorf("offboarding: %w", err)
		}
		return w.Run(ctx, pending{at: schedule.Time, erases: true})
	}
	created, err := events.S3Records(payload)
	if err != nil {
		return fmt.Errorf("offboarding: %w", err)
	}
	p := pending{at: w.env.Clock().UTC()}
	for _, o := range created {
		account, id, ours := files.ParseDocument(files.OffboardingsFolder, o.Key)
		if o.Fault != nil || !ours || !auth.ValidID(account) {
			w.env.Log.WarnContext(ctx, "not a wake-up", slog.String("key", o.Key))
			continue
		}
		p.woken = append(p.woken, job{Account: account, ID: id})
	}
	return w.Run(ctx, p)
}

// job is a part of what is done while the table is read once.
type job struct {
	Kind    string `json:"kind"`
	Account string `json:"account"`
	ID      string `json:"id"`
	// Due tells the passes of forgetting somebody apart: the Unix nanosecond at which this one became due, 0 of the
	// first.
	Due int64 `json:"due,omitempty"`
}

// The kinds of jobs.
const (
	archiving  = "archive"
	erasing    = "erasure"
	forgetsOne = "forget"
)

// sweep is one reading of the table, as far as it has come. It is there only while that goes on, since it
// names accounts.
type sweep struct {
	Jobs []job `json:"jobs"`
	// After is the last key that was read, Over says that there is none behind it, and Step counts the
	// notes of it.
	After   table.Key `json:"after,omitzero"`
	Over    bool      `json:"over,omitempty"`
	Step    int       `json:"step"`
	version int64
}

// pending says what may be begun: of what woke the worker nothing need be found, and erasures are begun by
// the schedule alone.
type pending struct {
	at     time.Time
	erases bool
	woken  []job
}

// Run does all that is to be done, reading after reading, unless another worker is at it, who then finds it.
//
// Errors: those of the table and of the buckets.
func (w *Worker) Run(ctx context.Context, p pending) error {
	ctx = call.Anyhow(ctx) // an account is archived and erased whatever state it is in
	for {
		r, err := w.take(ctx)
		if err != nil || r == nil {
			return err
		}
		err = r.all(ctx, p)
		r.stop()
		ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		released := r.keeper.Write(ended, 0, nil) // it ends without that in less than a minute
		cancel()
		if err != nil {
			return err
		}
		if released != nil {
			w.env.Log.WarnContext(ctx, "lease not given back", slog.Any("error", released))
		}
		if nearly(ctx) {
			return nil // the next run was woken
		}
		// Who was turned away while the lease was held has left a marker.
		left, err := w.find(ctx, p)
		if err != nil || len(left) == 0 {
			return err
		}
	}
}

// run is one worker's hold on the readings.
type run struct {
	*Worker
	keeper *lease.Keeper
	stop   func()
	sweep
}

// take begins a run, or answers nil where another worker is at it.
func (w *Worker) take(ctx context.Context) (*run, error) {
	found, err := w.env.Table.Lookup(ctx, leaseKey, sweepKey)
	if err != nil {
		return nil, err
	}
	before, err := lease.Of(found, leaseKey)
	if err != nil || before.Held(w.env, w.env.Clock()) {
		return nil, err
	}
	r := &run{Worker: w, keeper: lease.NewKeeper(w.env, leaseKey, before.Epoch+1, before)}
	if item, begun := found[sweepKey]; begun {
		if r.sweep, err = call.Decode[sweep](item); err != nil {
			return nil, err
		}
		r.version = item.Version
	}
	if err := r.keeper.Write(ctx, lease.Life, nil); err != nil {
		if _, taken := table.Refused(err); taken {
			return nil, nil
		}
		return nil, err
	}
	r.stop = r.keeper.Beat(ctx)
	return r, nil
}

// all goes on with the reading that was begun, and begins others until there is nothing to do.
func (r *run) all(ctx context.Context, p pending) error {
	for {
		if r.version == 0 {
			jobs, err := r.find(ctx, p)
			if err != nil || len(jobs) == 0 {
				return err
			}
			r.sweep = sweep{Jobs: jobs}
			if err := r.note(ctx); err != nil {
				return err
			}
		}
		over, err := r.read(ctx)
		if err != nil || !over {
			return err
		}
	}
}

// find lists what is to be done.
func (w *Worker) find(ctx context.Context, p pending) ([]job, error) {
	var jobs []job
	gone := map[string]bool{}
	if p.erases {
		err := table.All(ctx, w.env.Table, table.Query{Partition: due}, func(item table.Item) error {
			e, found, err := w.erasure(ctx, item.Sort)
			if err != nil || !found || e.DueAt.After(p.at) {
				return err
			}
			gone[e.Account] = true
			jobs = append(jobs, job{Kind: erasing, Account: e.Account, ID: e.ID})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	marked, err := w.marked(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, j := range marked {
		left, err := w.left(ctx, &j, p.at)
		if err != nil {
			return nil, err
		}
		if left && !gone[j.Account] && !slices.Contains(jobs, j) {
			jobs = append(jobs, j)
		}
	}
	return apart(jobs[:min(len(jobs), mostJobs)]), nil
}

// apart leaves archives for another reading whose accounts have somebody forgotten in this one: what was read
// before would be in them.
func apart(jobs []job) []job {
	return slices.DeleteFunc(slices.Clone(jobs), func(j job) bool {
		return j.Kind == archiving && slices.ContainsFunc(jobs, func(other job) bool {
			return other.Kind == forgetsOne && other.Account == j.Account
		})
	})
}

// marked are the archives and people whose markers are there, or of whose account something woke the worker: an
// index may be behind them.
func (w *Worker) marked(ctx context.Context, p pending) ([]job, error) {
	var marked []job
	for _, markers := range []call.Markers{archiveMarkers, access.Forgetting} {
		kind := archiving
		if markers == access.Forgetting {
			kind = forgetsOne
		}
		noted := func(m call.Marker) error {
			marked = append(marked, job{Kind: kind, Account: m.Account, ID: m.ID})
			return nil
		}
		for _, j := range p.woken {
			if err := markers.Of(ctx, w.env.Table, j.Account, "", noted); err != nil {
				return nil, err
			}
		}
		if err := markers.Each(ctx, w.env.Table, "", noted); err != nil {
			return nil, err
		}
	}
	return marked, nil
}

// left says whether a job is there, and can be done now.
func (w *Worker) left(ctx context.Context, j *job, at time.Time) (bool, error) {
	if j.Kind == forgetsOne {
		f, found, err := w.forgetting(ctx, *j)
		j.Due = f.due()
		return found && f.left(at), err
	}
	a, found, err := w.archive(ctx, *j)
	return found && a.State != ready, err
}

func (w *Worker) forgetting(ctx context.Context, j job) (f forgetting, found bool, err error) {
	item, found, err := table.Get(ctx, w.env.Table, forgottenKey(j.Account, j.ID))
	if err != nil || !found {
		return f, false, err
	}
	f, err = decodeForgetting(item)
	return f, true, err
}

func (w *Worker) erasure(ctx context.Context, id string) (e erasure, found bool, err error) {
	item, found, err := table.Get(ctx, w.env.Table, erasureKey(id))
	if err != nil || !found {
		return e, false, err
	}
	e, err = decodeErasure(item)
	return e, true, err
}

func (w *Worker) archive(ctx context.Context, j job) (a archive, found bool, err error) {
	item, found, err := table.Get(ctx, w.env.Table, archiveKey(j.Account, j.ID))
	if err != nil || !found {
		return a, false, err
	}
	a, err = decodeArchive(item)
	return a, true, err
}

// note commits operations with how far the reading has come.
func (r *run) note(ctx context.Context, ops ...table.Operation) error {
	op, err := put(sweepKey, r.sweep, r.version)
	if err != nil {
		return err
	}
	if err := r.keeper.Write(ctx, lease.Life, append(ops, op)); err != nil {
		return stolen(err)
	}
	r.version = op.Item.Version
	return nil
}

// stolen is the error of a commit that was refused: only another worker changes what it demanded.
func stolen(err error) error {
	if _, refused := table.Refused(err); refused {
		return fmt.Errorf("%w: %w", errStolen, err)
	}
	return err
}

// part is what a job does while the table is read.
type part interface {
	// of is the account whose items it sees.
	of() string
	see(ctx context.Context, item table.Item) error
	// full says that it has to put away what it has seen, before the next page.
	full() bool
	// flush puts that away, and answers what is committed with the note of how far the reading has come.
	flush(ctx context.Context, step int) ([]table.Operation, error)
	// end does what is left once all was seen.
	end(ctx context.Context) error
}

// read goes on with the reading; over says that it has come to the end and its jobs are done. Where the
// time is over before, it wakes the next run.
func (r *run) read(ctx context.Context) (over bool, err error) {
	parts, err := r.parts(ctx)
	if err != nil {
		return false, err
	}
	for len(parts) > 0 && !r.Over {
		if err := r.page(ctx, parts); err != nil {
			return false, err
		}
		late := nearly(ctx)
		if !r.Over && !late && !slices.ContainsFunc(parts, part.full) {
			continue
		}
		if err := r.flush(ctx, parts); err != nil {
			return false, err
		}
		if late {
			NewService(r.env).wake(ctx, r.Jobs[0].Account, r.Jobs[0].ID)
			return false, nil
		}
	}
	for _, p := range parts {
		if err := p.end(ctx); err != nil {
			return false, err
		}
	}
	done := []table.Operation{table.Delete(sweepKey, table.IfVersion(r.version))}
	if err := r.keeper.Write(ctx, lease.Life, done); err != nil {
		return false, stolen(err)
	}
	r.sweep = sweep{}
	return true, nil
}

// nearly says that hardly any of the time is left.
func nearly(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return limited && time.Until(deadline) < spare //nolint:forbidigo // the deadline is in the machine's own time
}

// parts are those jobs of the reading that are not done.
func (r *run) parts(ctx context.Context) ([]part, error) {
	var parts []part
	for _, j := range r.Jobs {
		switch j.Kind {
		case erasing:
			e, found, err := r.erasure(ctx, j.ID)
			if err != nil {
				return nil, err
			}
			if found && e.State != erased {
				parts = append(parts, &eraser{run: r, erasure: e, account: j.Account})
			}
		case forgetsOne:
			f, found, err := r.forgetting(ctx, j)
			if err != nil {
				return nil, err
			}
			if found && f.State != forgotten && f.due() == j.Due {
				parts = append(parts, newForgetter(r, f, j))
			}
		case archiving:
			a, found, err := r.archive(ctx, j)
			if err != nil {
				return nil, err
			}
			if found && a.State != ready {
				parts = append(parts, &archiver{run: r, archive: a, account: j.Account, spools: map[string]*spool{}})
			}
		}
	}
	return parts, nil
}

// page reads one page for all parts.
func (r *run) page(ctx context.Context, parts []part) error {
	var prefixes []string
	for _, p := range parts {
		prefixes = append(prefixes, call.Partition(p.of()))
	}
	slices.Sort(prefixes)
	items, next, err := r.env.Scan.Scan(ctx, slices.Compact(prefixes), r.After)
	if err != nil {
		return err
	}
	for _, item := range items {
		for _, p := range parts {
			if !strings.HasPrefix(item.Partition, call.Partition(p.of())) {
				continue
			}
			if err := p.see(ctx, item); err != nil {
				return err
			}
		}
	}
	r.After, r.Over = next, next == (table.Key{})
	return nil
}

// flush puts away what all parts have seen, and notes how far the reading has come.
func (r *run) flush(ctx context.Context, parts []part) error {
	var ops []table.Operation
	r.Step++
	for _, p := range parts {
		more, err := p.flush(ctx, r.Step)
		if err != nil {
			return err
		}
		ops = append(ops, more...)
	}
	return r.note(ctx, ops...)
}

// kindOf is what kind of record an item is, as docs/retention.md names it.
func kindOf(item table.Item) string {
	parts := strings.SplitN(item.Partition, "#", 4)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

// each visits every version of the account's objects.
func (w *Worker) each(ctx context.Context, account string, visit func(files.Stored) error) error {
	folders := files.Folders()
	for _, bucket := range []files.Bucket{files.Uploads, files.Reports} {
		for _, folder := range folders[bucket] {
			if err := w.env.Objects.Versions(ctx, bucket, folder+account+"/", visit); err != nil {
				return err
			}
		}
	}
	return nil
}
