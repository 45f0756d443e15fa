package filejob

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
	// LeaseLife is how long a worker may be silent before another takes over. It is short, since a
	// worker renews its lease beside its work.
	LeaseLife = 30 * time.Second
	// renewEvery is how often a worker renews its lease beside its work, which may be silent for
	// long: reading a large file writes nothing.
	renewEvery = LeaseLife / 3
)

// lease says until when a worker may be silent, in Unix seconds, which worker that is by its
// number, and which process it runs in. It is an item of its own, so that renewing it changes
// neither the job nor its entity tag. It only says who is alive: that no two workers write is held
// by the version of the job, which every commit of a worker demands.
type lease struct {
	Until   int64  `json:"until"`
	Epoch   int64  `json:"epoch"`
	Process string `json:"process,omitempty"`
	// Steps counts the commits of all workers that prepared what rows need, or gave it back: they
	// are progress too.
	Steps   int `json:"steps,omitempty"`
	version int64
}

// leaseKey is where the lease of a job's worker stands.
func (n Names) leaseKey(account, id string) table.Key {
	return table.Key{Partition: n.partsPartition(account, id), Sort: "LEASE"}
}

// held says whether somebody works on the job: their lease is not over, and their process may live.
// Where one process has the store to itself, every other process is dead.
func (l lease) held(env *app.Env, now time.Time) bool {
	return l.Until > now.Unix() && !(env.Alone && l.Process != env.Process)
}

// keeper writes the lease of one worker, beside its work and within it.
type keeper struct {
	mu    sync.Mutex
	env   *app.Env
	key   table.Key
	epoch int64 // of the worker
	lease lease
}

// write commits operations together with the lease, which is renewed, or ended with life 0. Nobody
// else writes the lease but a worker who takes the job over.
func (k *keeper) write(ctx context.Context, life time.Duration, ops []table.Operation) error {
	return k.step(ctx, life, 0, ops)
}

// step is write for operations of several steps.
func (k *keeper) step(ctx context.Context, life time.Duration, steps int, ops []table.Operation) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.put(ctx, life, steps, ops)
	if refused, ok := table.Refused(err); ok && refused.Has(k.key) && k.ours(ctx) {
		err = k.put(ctx, life, steps, ops)
	}
	return err
}

func (k *keeper) put(ctx context.Context, life time.Duration, steps int, ops []table.Operation) error {
	next := lease{Process: k.env.Process, Epoch: k.epoch, Steps: k.lease.Steps + steps}
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
func (k *keeper) ours(ctx context.Context) bool {
	item, ok, err := table.Get(ctx, k.env.Table, k.key)
	if err != nil || !ok {
		return false
	}
	now, err := call.Decode[lease](item)
	if err != nil || now.Epoch != k.epoch {
		return false
	}
	k.lease, k.lease.version = now, item.Version
	return true
}

// left is how long the lease lasts.
func (k *keeper) left() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Duration(k.lease.Until-k.env.Clock().Unix()) * time.Second
}

// beat renews the lease until the result is called. What fails is tried again at the next beat: the
// worker's own commits say whether it was overtaken.
func (k *keeper) beat(ctx context.Context) (stop func()) {
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
				_ = k.write(ctx, LeaseLife, nil)
			}
		}
	}()
	return func() {
		ticker.Stop()
		cancel()
		<-done
	}
}
