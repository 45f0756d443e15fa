// Package lease says which worker is at a job and whether that worker lives, so that another one
// takes over soon after it died, and not before. Files of mass configuration, imports, exports and
// reports use it.
package lease

import (
	"context"
	"slices"
	"sync"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

const (
	// Life is how long a worker may be silent before another takes over. It is short, since a
	// worker renews its lease beside its work.
	Life = 30 * time.Second
	// renewEvery is how often a worker renews its lease beside its work, which may be silent for
	// long: reading a large file writes nothing.
	renewEvery = Life / 3
)

// Lease says until when a worker may be silent, in Unix seconds, which worker that is by its
// number, and which process it runs in. It is an item of its own, so that renewing it changes
// neither the job nor its entity tag. It only says who is alive: that no two workers write is held
// by the version of the job, which every commit of a worker demands.
type Lease struct {
	Until   int64  `json:"until"`
	Epoch   int64  `json:"epoch"`
	Process string `json:"process,omitempty"`
	// Steps counts the commits of all workers that prepared what rows need, or gave it back: they
	// are progress too.
	Steps   int `json:"steps,omitempty"`
	version int64
}

// Of is the lease among items that were looked up; without one, nobody was at the job.
func Of(found map[table.Key]table.Item, key table.Key) (Lease, error) {
	item, ok := found[key]
	if !ok {
		return Lease{}, nil
	}
	l, err := call.Decode[Lease](item)
	l.version = item.Version
	return l, err
}

// Held says whether somebody works on the job: their lease is not over, and their process may live.
// Where one process has the store to itself, every other process is dead.
func (l Lease) Held(env *app.Env, now time.Time) bool {
	return l.Until > now.Unix() && !(env.Alone && l.Process != env.Process)
}

// Keeper writes the lease of one worker, beside its work and within it.
type Keeper struct {
	mu    sync.Mutex
	env   *app.Env
	key   table.Key
	epoch int64 // of the worker
	lease Lease
}

// NewKeeper keeps the lease at a key for the worker of this number, in the place of the one that
// was found there. Numbers of workers on one job must differ.
func NewKeeper(env *app.Env, key table.Key, epoch int64, found Lease) *Keeper {
	return &Keeper{env: env, key: key, epoch: epoch, lease: found}
}

// Key is where the lease stands.
func (k *Keeper) Key() table.Key { return k.key }

// SetEpoch numbers a worker that had no number yet, before its first write.
func (k *Keeper) SetEpoch(epoch int64) { k.epoch = epoch }

// Write commits operations together with the lease, which is renewed, or ended with life 0. Nobody
// else writes the lease but a worker who takes the job over.
func (k *Keeper) Write(ctx context.Context, life time.Duration, ops []table.Operation) error {
	return k.Step(ctx, life, 0, ops)
}

// Step is Write for operations of several steps.
func (k *Keeper) Step(ctx context.Context, life time.Duration, steps int, ops []table.Operation) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.write(ctx, life, steps, ops)
}

func (k *Keeper) write(ctx context.Context, life time.Duration, steps int, ops []table.Operation) error {
	err := k.put(ctx, life, steps, ops)
	if refused, ok := table.Refused(err); ok && refused.Has(k.key) && k.ours(ctx) {
		err = k.put(ctx, life, steps, ops)
	}
	return err
}

func (k *Keeper) put(ctx context.Context, life time.Duration, steps int, ops []table.Operation) error {
	next := Lease{Process: k.env.Process, Epoch: k.epoch, Steps: k.lease.Steps + steps}
	if life > 0 {
		next.Until = k.env.Clock().Add(life).Unix()
	}
	data, err := call.Encode(next)
	if err != nil {
		return err
	}
	cond := table.IfAbsent
	if k.lease.version > 0 {
		cond = table.IfVersion(k.lease.version)
	}
	op := table.Put(table.Item{Key: k.key, Data: data}, cond)
	if err := k.env.Table.Commit(ctx, append(slices.Clip(ops), op)); err != nil {
		return err
	}
	next.version = k.lease.version + 1
	k.lease = next
	return nil
}

// ours says whether the lease is this worker's still, though it is not as the worker knows it: the
// answer to a beat was lost.
func (k *Keeper) ours(ctx context.Context) bool {
	item, ok, err := table.Get(ctx, k.env.Table, k.key)
	if err != nil || !ok {
		return false
	}
	now, err := call.Decode[Lease](item)
	if err != nil || now.Epoch != k.epoch {
		return false
	}
	k.lease, k.lease.version = now, item.Version
	return true
}

// Left is how long the lease lasts.
func (k *Keeper) Left() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Duration(k.lease.Until-k.env.Clock().Unix()) * time.Second
}

// Renew renews the lease when half of it is gone, with operations that demand what the worker
// relies on: where the time is the events', the beat beside the work does not do it.
func (k *Keeper) Renew(ctx context.Context, demands ...table.Operation) error {
	if k.Left() > Life/2 {
		return nil
	}
	return k.Write(ctx, Life, demands)
}

// Beat renews the lease until the result is called. What fails is tried again at the next beat: the
// worker's own commits say whether it was overtaken.
func (k *Keeper) Beat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	//nolint:forbidigo // a lease is kept alive in real time while the work is silent; what is written is the clock's
	ticker := time.NewTicker(renewEvery)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				k.beat(ctx)
			}
		}
	}()
	return func() {
		ticker.Stop()
		cancel()
		<-done
	}
}

// beat renews the lease, unless the worker has given it back meanwhile.
func (k *Keeper) beat(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lease.Until > 0 {
		_ = k.write(ctx, Life, 0, nil)
	}
}
