package license

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// reservedBatch is how many seats one commit reserves, or returns: beside them it has the item that
// keeps them, the counts, the guard of whose work it is, and the lease of who works on it. The state of the
// account is demanded with the counts.
const reservedBatch = table.MaxOperations - 4

// Reservation keeps free seats for one job of many commits, so that it cannot run dry in the
// middle: they leave the pool, and nobody else can take, end or charge them. They are kept in
// order, product by product; the job says how many of each it has drawn, in the commits that draw
// them, so nothing else has to be written of a seat that is drawn. A reservation belongs to the one
// worker that works on the job.
type Reservation struct {
	kernel *Service
	c      *call.Call
	job    string
	// commit commits operations together with two more, which demand that the job is still the
	// worker's and renew its lease.
	commit func(ctx context.Context, ops []table.Operation) error
	// ends is how many seats are reserved by a name, as far as it is known; chunks is the last part
	// that was read of each name.
	ends   map[string]int64
	chunks map[string]reserved
}

// reserved is the document of reservedKey: seats that follow each other in a reservation.
type reserved struct {
	From   int64   `json:"from"` // how many are reserved by the same name before these
	Offers []offer `json:"offers"`
}

// end is how many are reserved by the name with these.
func (s reserved) end() int64 { return s.From + int64(len(s.Offers)) }

// has says whether they have the seat behind a number of drawn ones.
func (s reserved) has(drawn int64) bool { return drawn >= s.From && drawn < s.end() }

// Reservation is the job's reservation, whether anything is reserved yet or not. commit commits
// operations together with two more of the caller's.
func (d *Service) Reservation(
	c *call.Call,
	job string,
	commit func(ctx context.Context, ops []table.Operation) error,
) *Reservation {
	return &Reservation{
		kernel: d,
		c:      c,
		job:    job,
		commit: commit,
		ends:   map[string]int64{},
		chunks: map[string]reserved{},
	}
}

func reservedPartition(account, job string) string { return call.Partition(account, "RESERVED", job) }

// reservedKey names some reserved seats by what they are for (SeatsFor) and the number of those
// before them.
func reservedKey(account, job, name string, from int64) table.Key {
	return table.Key{Partition: reservedPartition(account, job), Sort: fmt.Sprintf("%s/%09d", name, from)}
}

// forWhom is what reserved seats are for, by their sort key.
func forWhom(sort string) string { return sort[:strings.LastIndex(sort, "/")] }

// Begun says whether anything is reserved.
func (r *Reservation) Begun(ctx context.Context) (bool, error) {
	page, err := r.c.Env.Table.Query(ctx, table.Query{Partition: reservedPartition(r.c.Account, r.job), Limit: 1})
	return len(page.Items) > 0, err
}

// Reserve reserves a number of seats of each product for the people of each cost center, by the name
// that SeatsFor gives, in as many commits as it takes; what an earlier run has reserved counts. Each
// commit takes up to 96 seats. Their own seats are taken first, so that those that anybody may have
// are left for others.
//
// Errors: not-enough-licenses when the pool has no more, and what is reserved by then stays so
// until Release; those of commit.
func (r *Reservation) Reserve(ctx context.Context, wanted map[string]int64) error {
	return untilDone(ctx, func(ctx context.Context) (more bool, err error) {
		w, ends, err := r.next(ctx, wanted)
		if err != nil || len(w.ops) == 0 {
			return false, err
		}
		if err := w.commit(ctx, r.commit); err != nil {
			clear(r.ends) // whatever became of it, it is read again
			return false, err
		}
		maps.Copy(r.ends, ends)
		return true, nil
	})
}

// next are the writes of the next commit of Reserve, and how much is reserved after it.
func (r *Reservation) next(
	ctx context.Context, wanted map[string]int64,
) (w writes, ends map[string]int64, err error) {
	room, ends, counts := reservedBatch+1, map[string]int64{}, map[string]int64{}
	u := r.kernel.Change(r.c)
	had := map[string]bool{}
	for name, count := range inOrder(wanted) {
		end, err := r.end(ctx, name)
		if err != nil {
			return w, nil, err
		}
		missing := count - end
		if missing <= 0 || room < 2 {
			continue
		}
		product, costCenter, _ := strings.Cut(name, "#")
		taken, err := u.freeSeats(ctx, asked{product, costCenter}, int(min(missing, int64(room-1))), had)
		switch {
		case err != nil:
			return w, nil, err
		case len(taken) == 0:
			return w, nil, problem.Shortage(product, r.kernel.products.Name(product), count, end)
		}
		for _, o := range taken {
			had[o.ID] = true
			w.add(table.Delete(o.FreeKey(r.c.Account), table.IfVersion(o.LicenseVersion)))
		}
		chunk := reserved{From: end, Offers: taken}
		w.put(table.Item{Key: reservedKey(r.c.Account, r.job, name, end)}, chunk, table.IfAbsent)
		counts[record.CountName(record.CountReserved, product)] += int64(len(taken))
		ends[name] = chunk.end()
		room -= len(taken) + 1
	}
	w.add(takenOperations(r.c, counts)...)
	return w, ends, nil
}

// end is how many seats are reserved by a name.
func (r *Reservation) end(ctx context.Context, name string) (int64, error) {
	if end, known := r.ends[name]; known {
		return end, nil
	}
	chunk, err := r.last(ctx, table.Query{Prefix: name + "/"})
	if err != nil {
		return 0, err
	}
	r.ends[name] = chunk.end()
	return r.ends[name], nil
}

// last reads the last of some reserved seats.
func (r *Reservation) last(ctx context.Context, q table.Query) (reserved, error) {
	q.Partition, q.Backwards, q.Limit = reservedPartition(r.c.Account, r.job), true, 1
	page, err := r.c.Env.Table.Query(ctx, q)
	if err != nil || len(page.Items) == 0 {
		return reserved{}, err
	}
	return call.Decode[reserved](page.Items[0])
}

// reservedSeats are reserved seats of a name that follow each other, with how many of that name are
// drawn where they were looked for.
type reservedSeats struct {
	reserved
	asked int64
}

// covers says whether they tell what comes after a number of drawn ones: a seat, or that there is
// none.
func (s *reservedSeats) covers(drawn int64) bool {
	return drawn == s.asked || s.has(drawn)
}

// at are the reserved seats of a name from the one behind a number of drawn ones on; none when
// that was the last.
func (r *Reservation) at(ctx context.Context, name string, drawn int64) (*reservedSeats, error) {
	chunk := r.chunks[name]
	if !chunk.has(drawn) {
		var err error
		before := table.Query{Prefix: name + "/", To: fmt.Sprintf("%s/%09d", name, drawn+1)}
		if chunk, err = r.last(ctx, before); err != nil {
			return nil, err
		}
		r.chunks[name] = chunk
	}
	if !chunk.has(drawn) {
		chunk = reserved{From: drawn}
	}
	return &reservedSeats{chunk, drawn}, nil
}

// Release returns to the pool what is reserved and not drawn, from the end, so that what a run that
// dies has left is still in order for the next one. After it has begun, Reserve may go on only if
// nothing was drawn. Nobody waits for the products that are reserved, so no waiting list is served.
//
// Errors: those of commit.
func (r *Reservation) Release(ctx context.Context, drawn map[string]int64) error {
	return untilDone(ctx, func(ctx context.Context) (more bool, err error) {
		page, err := r.c.Env.Table.Query(
			ctx,
			table.Query{Partition: reservedPartition(r.c.Account, r.job), Backwards: true, Limit: 10},
		)
		if err != nil || len(page.Items) == 0 {
			return false, err
		}
		clear(r.ends)
		clear(r.chunks)
		w, err := r.returned(page.Items, drawn)
		if err != nil {
			return false, err
		}
		return true, w.commit(ctx, r.commit)
	})
}

// returned puts the rest of as many items as fit into one commit back into the pool.
func (r *Reservation) returned(items []table.Item, drawn map[string]int64) (w writes, err error) {
	back := map[string]int64{}
	for _, item := range items {
		chunk, err := call.Decode[reserved](item)
		if err != nil {
			return w, err
		}
		if len(chunk.Offers) == 0 {
			return w, fmt.Errorf("item %s reserves nothing", item.Key)
		}
		drew := drawn[forWhom(item.Sort)]
		rest := chunk.Offers[min(max(0, drew-chunk.From), int64(len(chunk.Offers))):]
		if len(w.ops)+len(rest) > reservedBatch {
			break
		}
		for _, o := range rest {
			w.offer(r.c.Account, o, table.IfAbsent)
		}
		w.add(table.Delete(item.Key, table.IfPresent))
		back[record.CountName(record.CountReserved, chunk.Offers[0].ProductID)] -= int64(len(rest))
	}
	w.add(takenOperations(r.c, back)...)
	return w, nil
}

// Draw lets the change take reserved seats before those of the pool; drawn is how many of each name
// were drawn before it.
func (u *UnitOfWork) Draw(from *Reservation, drawn map[string]int64) {
	u.reservation, u.reserving, u.drawn = from, true, maps.Clone(drawn)
	if u.drawn == nil {
		u.drawn = map[string]int64{}
	}
}

// Drawn is how many seats of each name are drawn once the change is committed; the caller writes
// it in the same commit.
func (u *UnitOfWork) Drawn() map[string]int64 { return maps.Clone(u.drawn) }

// suspected are the pool's entries of those licenses that have refused the last commit of the call:
// taken by then, or reserved, which their own items do not say.
func (u *UnitOfWork) suspected(ids []string) []table.Key {
	pools := call.Partition(u.c.Account, "FREE", "")
	var keys []table.Key
	for _, key := range u.c.Refused() {
		if strings.HasPrefix(key.Partition, pools) && slices.Contains(ids, key.Sort) {
			keys = append(keys, key)
		}
	}
	return keys
}

// lookForReserved finds out which of the loaded licenses that gave reason to look are reserved;
// found is what was read with them of the pool. That an entry was missing says nothing yet: it may
// have been read before the license was given back, and the license after that.
func (u *UnitOfWork) lookForReserved(ctx context.Context, entries []table.Key, found map[table.Key]table.Item) error {
	var again []table.Key
	for _, key := range entries {
		l := u.licenses[key.Sort]
		if l == nil || l.before.Status != Available || l.now.Status != Available {
			continue
		}
		if at := l.before.FreeKey(u.c.Account); at != key || !has(found, key) {
			again = append(again, at)
		}
	}
	if len(again) == 0 {
		return nil
	}
	found, err := u.c.Lookup(ctx, again...)
	if err != nil {
		return err
	}
	for _, key := range again {
		u.licenses[key.Sort].reserved = !has(found, key)
	}
	return nil
}

func has(found map[table.Key]table.Item, key table.Key) bool {
	_, ok := found[key]
	return ok
}
