package quota

import (
	"context"
	"sync"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

const (
	// patience is how long a request waits for what it tells to be taken: the limit is a guard, and holds
	// up nobody for long.
	patience = time.Second
	// kept is how long the item of a minute stays after it, for processes whose clocks differ.
	kept = 10 * time.Minute

	toldCount, processesCount = "told", "processes"
)

// Quota counts the requests of accounts that this process takes. It is safe for concurrent use.
type Quota struct {
	env    *app.Env
	mu     sync.Mutex
	minute int64
	counts map[string]*counted // of that minute
}

// counted is the count of an account's minute. Who has to tell holds it meanwhile.
type counted struct {
	mu sync.Mutex
	Count
	known bool // the item knows of this process
}

// New makes what counts the requests of a process. The limit and the table are env's.
func New(env *app.Env) *Quota { return &Quota{env: env} }

// of is the count of an account at a moment.
func (q *Quota) of(account string, at time.Time) *counted {
	q.mu.Lock()
	defer q.mu.Unlock()
	if minute := at.Unix() / 60; minute != q.minute || q.counts == nil {
		q.minute, q.counts = minute, map[string]*counted{}
	}
	c := q.counts[account]
	if c == nil {
		c = &counted{Count: NewCount(q.env.RequestsPerMinute)}
		q.counts[account] = c
	}
	return c
}

// Taken is a request that was taken.
type Taken struct {
	of *counted
}

// Settle says whether a request that might have been a repetition was one. Those of Take that are
// not known to be repeatable need none.
func (t *Taken) Settle(repetition bool) {
	if t == nil || t.of == nil {
		return
	}
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.of.Count.Settle(repetition)
	t.of = nil
}

// Take counts a request of an account that came at a moment. One that is repeatable may be a
// repetition, which does not count; the result must be told by Settle what it was.
//
// Errors: rate-limited, until the minute is over.
func (q *Quota) Take(ctx context.Context, account string, at time.Time, repeatable bool) (*Taken, error) {
	if q.env.RequestsPerMinute <= 0 {
		return nil, nil //nolint:nilnil // without a limit nothing is taken
	}
	c := q.of(account, at)
	c.mu.Lock()
	defer c.mu.Unlock()
	if due := c.Due(); due > 0 {
		q.tell(ctx, c, account, at, due)
	}
	if c.Full() {
		return nil, limited(at)
	}
	c.Count.Take(repeatable)
	if !repeatable {
		return nil, nil //nolint:nilnil // nothing is to be settled
	}
	return &Taken{of: c}, nil
}

// limited refuses until the minute is over.
func limited(at time.Time) *problem.Problem {
	p := problem.New(problem.RateLimited, "More requests come from this account than are taken in a minute.")
	p.RetryAfter = int(60 - at.Unix()%60)
	return p
}

// Key is where the requests of an account's minute are told.
func Key(account string, at time.Time) table.Key {
	return table.Key{
		Partition: call.Partition(account, "QUOTA"),
		Sort:      at.UTC().Truncate(time.Minute).Format("2006-01-02T15:04"),
	}
}

// tell adds to the item of the minute what was taken, as long as it is not beyond the limit. Whatever
// keeps it from that refuses nobody.
func (q *Quota) tell(ctx context.Context, c *counted, account string, at time.Time, due int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	all, processes, fits, err := q.add(ctx, c, Key(account, at), due)
	switch {
	case err != nil:
		c.Unknown(due)
		q.env.Log.WarnContext(ctx, "requests not counted", "account", account, "requests", due, "error", err)
	case !fits:
		c.Refused()
	default:
		c.known = true
		c.Told(due, all, processes)
	}
}

// add adds to the item, and says what it then holds.
func (q *Quota) add(
	ctx context.Context, c *counted, key table.Key, due int64,
) (all, processes int64, fits bool, err error) {
	ctx = call.Anyhow(ctx) // requests are counted in a suspended account too
	item, there, err := table.Get(ctx, q.env.Table, key)
	if err != nil {
		return 0, 0, false, err
	}
	if !there {
		first := table.Item{
			Key: key, Data: []byte("{}"), Counts: map[string]int64{toldCount: due, processesCount: 1},
			Expires: q.env.Clock().Add(kept).Unix(),
		}
		err := q.env.Table.Commit(ctx, []table.Operation{table.Put(first, table.IfAbsent)})
		if _, faster := table.Refused(err); !faster {
			return due, 1, due <= q.env.RequestsPerMinute, err
		}
	}
	mine := int64(1)
	if c.known {
		mine = 0
	}
	err = q.env.Table.Commit(ctx, []table.Operation{table.Add(
		key, table.AtMost(toldCount, due, q.env.RequestsPerMinute), table.Bound{Name: processesCount, By: mine},
	)})
	if _, full := table.Refused(err); full {
		return 0, 0, false, nil
	}
	return item.Counts[toldCount] + due, item.Counts[processesCount] + mine, true, err
}
