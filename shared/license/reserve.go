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
// keeps them, the counts, the guard of whose work it is, and the lease of who works on it.
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
	// ends is how many seats of a product are reserved, as far as it is known; chunks is the last
	// part that was read of each product.
	ends   map[string]int64
	chunks map[string]reserved
}

// reserved is the document of reservedKey: seats that follow each other in a reservation.
type reserved struct {
	From   int64   `json:"from"` // how many of the product are reserved before these
	Offers []offer `json:"offers"`
}

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

// reservedKey names some reserved seats by their product and the number of those before them.
func reservedKey(account, job, product string, from int64) table.Key {
	return table.Key{Partition: reservedPartition(account, job), Sort: fmt.Sprintf("%s#%09d", product, from)}
}

// Begun says whether anything is reserved.
func (r *Reservation) Begun(ctx context.Context) (bool, error) {
	page, err := r.c.Env.Table.Query(ctx, table.Query{Partition: reservedPartition(r.c.Account, r.job), Limit: 1})
	return len(page.Items) > 0, err
}

// Reserve reserves a number of seats of each product, in as many commits as it takes;
// what an earlier run has reserved counts. Each commit takes up to 96 seats.
//
// Errors: not-enough-licenses when the pool has no more, and what is reserved by then stays so
// until Release; those of commit.
func (r *Reservation) Reserve(ctx context.Context, wanted map[string]int64) error {
	for done := false; !done; {
		err := call.Decide(ctx, func(ctx context.Context) error {
			ops, ends, err := r.next(ctx, wanted)
			if err != nil {
				return err
			}
			if done = len(ops) == 0; done {
				return nil
			}
			if err := r.commit(ctx, ops); err != nil {
				clear(r.ends) // whatever became of it, it is read again
				return err
			}
			maps.Copy(r.ends, ends)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// next are the operations of the next commit of Reserve, and how much is reserved after it.
func (r *Reservation) next(
	ctx context.Context,
	wanted map[string]int64,
) (ops []table.Operation, ends map[string]int64, err error) {
	module, ends := reservedBatch+1, map[string]int64{}
	var bounds []table.Bound
	for _, product := range slices.Sorted(maps.Keys(wanted)) {
		end, err := r.end(ctx, product)
		if err != nil {
			return nil, nil, err
		}
		missing := wanted[product] - end
		if missing <= 0 || module < 2 {
			continue
		}
		taken, err := r.kernel.offered(ctx, r.c, product, int(min(missing, int64(module-1))))
		if err != nil {
			return nil, nil, err
		}
		if len(taken) == 0 {
			return nil, nil, problem.Shortage(product, wanted[product], end)
		}
		data, err := call.Encode(reserved{From: end, Offers: taken})
		if err != nil {
			return nil, nil, err
		}
		for _, o := range taken {
			ops = append(ops, table.Delete(o.FreeKey(r.c.Account), table.IfVersion(o.LicenseVersion)))
		}
		ops = append(
			ops,
			table.Put(table.Item{Key: reservedKey(r.c.Account, r.job, product, end), Data: data}, table.IfAbsent),
		)
		bounds = append(
			bounds,
			table.Bound{Name: record.CountName(record.CountReserved, product), By: int64(len(taken))},
		)
		ends[product] = end + int64(len(taken))
		module -= len(taken) + 1
	}
	if len(bounds) > 0 {
		ops = append(ops, table.Add(record.AnyTakenKey(r.c.Account), bounds...))
	}
	return ops, ends, nil
}

// end is how many seats of the product are reserved.
func (r *Reservation) end(ctx context.Context, product string) (int64, error) {
	if end, known := r.ends[product]; known {
		return end, nil
	}
	chunk, err := r.last(ctx, table.Query{Prefix: product + "#"})
	if err != nil {
		return 0, err
	}
	r.ends[product] = chunk.From + int64(len(chunk.Offers))
	return r.ends[product], nil
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

// offered reads a number of free seats of the product, or as many as there are, in the order of
// their keys from a shard by chance.
func (d *Service) offered(ctx context.Context, c *call.Call, product string, n int) ([]offer, error) {
	shards, err := d.records.Shards(ctx, c)
	if err != nil {
		return nil, err
	}
	var offers []offer
	first := c.Env.Pick(shards)
	for shard := range shards {
		q := table.Query{
			Partition: record.FreePartition(c.Account, product, (first+shard)%shards),
			Limit:     n - len(offers),
		}
		for more := true; more; {
			page, err := c.Env.Table.Query(ctx, q)
			if err != nil {
				return nil, err
			}
			seen, err := d.offersOf(ctx, c, page.Items)
			if err != nil {
				return nil, err
			}
			if offers = append(offers, seen[:min(len(seen), n-len(offers))]...); len(offers) == n {
				return offers, nil
			}
			q.After, q.Limit, more = page.Next, table.MaxPage, page.Next != ""
		}
	}
	return offers, nil
}

// offersOf are those of some of the pool's entries that may be seen.
func (d *Service) offersOf(ctx context.Context, c *call.Call, entries []table.Item) ([]offer, error) {
	offers, licenses := make([]offer, len(entries)), make([]record.Document, len(entries))
	for i, item := range entries {
		var err error
		if offers[i], err = call.Decode[offer](item); err != nil {
			return nil, err
		}
		licenses[i] = offers[i].Document
	}
	seen, err := d.records.Sight(ctx, c, licenses)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(offers, func(o offer) bool { return !seen(o.Document) }), nil
}

// reservedSeats are reserved seats of a product that follow each other, with how many of the
// product are drawn where they were looked for.
type reservedSeats struct {
	reserved
	asked int64
}

// covers says whether they tell what comes after a number of drawn ones: a seat, or that there is
// none.
func (s *reservedSeats) covers(drawn int64) bool {
	return drawn == s.asked || drawn >= s.From && drawn < s.From+int64(len(s.Offers))
}

// at are the reserved seats of the product from the one behind a number of drawn ones on; none when
// that was the last.
func (r *Reservation) at(ctx context.Context, product string, drawn int64) (*reservedSeats, error) {
	chunk, known := r.chunks[product]
	if !known || drawn < chunk.From || drawn >= chunk.From+int64(len(chunk.Offers)) {
		var err error
		if chunk, err = r.last(
			ctx,
			table.Query{Prefix: product + "#", To: fmt.Sprintf("%s#%09d", product, drawn+1)},
		); err != nil {
			return nil, err
		}
		r.chunks[product] = chunk
	}
	if drawn >= chunk.From+int64(len(chunk.Offers)) {
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
	for done := false; !done; {
		err := call.Decide(ctx, func(ctx context.Context) error {
			page, err := r.c.Env.Table.Query(
				ctx,
				table.Query{Partition: reservedPartition(r.c.Account, r.job), Backwards: true, Limit: 10},
			)
			if err != nil {
				return err
			}
			if done = len(page.Items) == 0; done {
				return nil
			}
			clear(r.ends)
			clear(r.chunks)
			ops, err := r.returned(page.Items, drawn)
			if err != nil {
				return err
			}
			return r.commit(ctx, ops)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// returned puts the rest of as many items as fit into one commit back into the pool.
func (r *Reservation) returned(items []table.Item, drawn map[string]int64) ([]table.Operation, error) {
	var ops []table.Operation
	back := map[string]int64{}
	for _, item := range items {
		chunk, err := call.Decode[reserved](item)
		if err != nil {
			return nil, err
		}
		if len(chunk.Offers) == 0 {
			return nil, fmt.Errorf("item %s reserves nothing", item.Key)
		}
		product := chunk.Offers[0].ProductID
		rest := chunk.Offers[min(max(0, drawn[product]-chunk.From), int64(len(chunk.Offers))):]
		if len(ops)+len(rest) > reservedBatch {
			break
		}
		for _, o := range rest {
			entry, err := offerOperation(r.c.Account, o, table.IfAbsent)
			if err != nil {
				return nil, err
			}
			ops = append(ops, entry)
		}
		ops = append(ops, table.Delete(item.Key, table.IfPresent))
		back[product] -= int64(len(rest))
	}
	var bounds []table.Bound
	for _, product := range slices.Sorted(maps.Keys(back)) {
		if back[product] != 0 {
			bounds = append(
				bounds,
				table.Bound{Name: record.CountName(record.CountReserved, product), By: back[product]},
			)
		}
	}
	if len(bounds) > 0 {
		ops = append(ops, table.Add(record.AnyTakenKey(r.c.Account), bounds...))
	}
	return ops, nil
}

// Draw lets the change take reserved seats before those of the pool; drawn is how many of each
// product were drawn before it.
func (u *UnitOfWork) Draw(from *Reservation, drawn map[string]int64) {
	u.reservation, u.reserving, u.drawn = from, true, maps.Clone(drawn)
	if u.drawn == nil {
		u.drawn = map[string]int64{}
	}
}

// Drawn is how many seats of each product are drawn once the change is committed; the caller writes
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
