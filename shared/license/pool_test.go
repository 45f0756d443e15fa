package license

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// TestEveryProcessFindsAFreeLicense assigns all licenses of a product, each in a process that knows
// nothing, whether they were bought together or apart: the last one too is found, then there is
// none, and one that is given back is found again. While there are some, it is one round trip of
// reads and one commit.
func TestEveryProcessFindsAFreeLicense(t *testing.T) {
	for name, orders := range map[string][]int{
		"one order": {40}, "an order of several commits": {120}, "small ones": {1, 2, 1, 1, 3},
	} {
		for _, shards := range []int{record.FirstShards, record.MostShards} {
			t.Run(fmt.Sprintf("%s in %d shards", name, shards), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { everyProcessFindsAFreeLicense(t, orders, shards) })
			})
		}
	}
}

func everyProcessFindsAFreeLicense(t *testing.T, orders []int, shards int) {
	o := open(t)
	o.must(o.kernel.Spread(o.ctx, o.call(), shards))
	total := 0
	for _, n := range orders {
		o.buy("live-reports", n, "CC-1")
		total += n
	}
	users := o.staff(total + 1)
	made := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = made
	for i, user := range users[:total] {
		_, err := NewService(o.kernel.products).AssignProduct(o.ctx, o.call(), "live-reports", user, "")
		o.must(err)
		if took := made.Take(); took.Commits != 1 || took.Reads > 3 || total-i > 20*shards && took.Reads != 1 {
			t.Fatalf("number %d of %d: %+v", i, total, took)
		}
	}
	o.Env.Table = made.Store
	_, err := NewService(o.kernel.products).AssignProduct(o.ctx, o.call(), "live-reports", users[total], "")
	wantProblem(t, err, problem.NotEnoughLicenses)
	_, err = o.kernel.RemoveMany(o.ctx, o.call(), []Item{{ProductID: "live-reports", UserID: users[3]}}, Each)
	o.must(err)
	_, err = NewService(o.kernel.products).AssignProduct(o.ctx, o.call(), "live-reports", users[total], "")
	o.must(err)
	o.audit(false, true, users...)
}

// TestEveryStartFindsTheLastLicense begins to look for the only free license at every point of the
// key range, and in every shard.
func TestEveryStartFindsTheLastLicense(t *testing.T) {
	o := open(t)
	o.hire("Ann")
	o.buy("live-reports", 1, "CC-1")
	for shard := range record.FirstShards {
		for start := 0; start < 1<<16; start += 1 << 12 {
			picks := []int{shard, start}
			o.Env.Chance = func(n int) int {
				if len(picks) == 0 {
					return 0
				}
				p := picks[0]
				picks = picks[1:]
				return p
			}
			ch := o.kernel.Change(o.call())
			_, err := ch.Load(o.ctx, Need{Users: []string{"ann"}, Seats: map[string]int{"live-reports": 1}})
			o.must(err)
			o.must(ch.do(o.ctx, func(g *ledger) error {
				l, err := g.free(g.holder("ann"), "live-reports")
				if l == nil && err == nil {
					t.Fatalf("none from %04x in shard %d", start, shard)
				}
				return err
			}))
		}
	}
}

// TestPoolThatGrows has a process that knows of few shards look for a seat after another process
// has spread the account over more, and then the other way round.
func TestPoolThatGrows(t *testing.T) {
	o := open(t)
	users := o.staff(60)
	old := NewService(o.kernel.products)
	o.buy("live-reports", 30, "CC-1")
	o.must(o.kernel.Spread(o.ctx, o.call(), record.MostShards))
	o.must(o.kernel.Spread(o.ctx, o.call(), record.FirstShards)) // which changes nothing
	o.buy("live-reports", 30, "CC-1")
	if n := o.kernel.records.KnownShards(o.Account); n != record.MostShards {
		t.Fatalf("%d shards", n)
	}
	for _, user := range users[:30] {
		_, err := NewService(o.kernel.products).AssignProduct(o.ctx, o.call(), "live-reports", user, "")
		o.must(err)
	}
	for _, user := range users[30:] {
		_, err := old.AssignProduct(o.ctx, o.call(), "live-reports", user, "")
		o.must(err)
	}
	o.audit(false, true, users...)
	if got := o.pages(inventory.Filter{Products: []string{"live-reports"}}, 7, nil); len(got) != 60 {
		t.Errorf("a list has %d of 60", len(got))
	}
	// which knows of few
	_, err := NewService(o.kernel.products).RemoveMany(o.ctx, o.call(), itemsFor("live-reports", users), Each)
	o.must(err)
	o.audit(false, true, users...)
	o.must(o.reserve("j1", map[string]int64{"live-reports": 60}))
	_, err = old.AssignProduct(o.ctx, o.call(), "live-reports", users[0], "")
	wantProblem(t, err, problem.NotEnoughLicenses)
}

// TestUnconfirmedOrderIsPassedOver assigns by product while half the pool is of an order that is
// not confirmed: nobody gets one of those, whoever looks.
func TestUnconfirmedOrderIsPassedOver(t *testing.T) {
	o := open(t)
	users := o.staff(12)
	c := o.call()
	licenses, err := o.kernel.lotted(
		c,
		"0190-unconfirmed",
		[]Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 40}},
	)
	o.must(err)
	o.must(o.kernel.prepare(o.ctx, c, "0190-unconfirmed", licenses))
	o.buy("live-reports", 5, "CC-1")
	for i, user := range users {
		_, err := NewService(o.kernel.products).AssignProduct(o.ctx, o.call(), "live-reports", user, "")
		if i < 5 {
			o.must(err)
			continue
		}
		wantProblem(t, err, problem.NotEnoughLicenses)
	}
	o.audit(false, true, users...)
}

// TestShortageReadsThePoolOnce asks for a product that is sold out, for several users in one call: the
// pool is read once for all of them, and once more after the users before they are refused.
func TestShortageReadsThePoolOnce(t *testing.T) { synctest.Test(t, shortageReadsThePoolOnce) }

func shortageReadsThePoolOnce(t *testing.T) {
	o := open(t)
	users := o.staff(8)
	made := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = made
	results, err := o.kernel.AssignMany(o.ctx, o.call(), itemsFor("live-reports", users), Each)
	o.must(err)
	if took := made.Take(); results.Failed != 8 || took.Reads > 4 {
		t.Errorf("%d failed by %+v", results.Failed, took)
	}
}

// TestWhatIsDoneIsNotWritten assigns a product to who holds it.
func TestWhatIsDoneIsNotWritten(t *testing.T) { synctest.Test(t, whatIsDoneIsNotWritten) }

func whatIsDoneIsNotWritten(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 1, "CC-1")
	o.hire("Ann")
	_, err := o.kernel.Assign(o.ctx, o.call(), ids[0], "ann", "")
	o.must(err)
	made := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = made
	if _, err := o.kernel.AssignProduct(
		o.ctx,
		o.call(),
		"live-reports",
		"ann",
		"",
	); err != nil ||
		made.Take().Commits != 0 {
		t.Errorf("written: %v", err)
	}
}

// tries counts the commits of each call, by the user whom it is about.
type tries struct {
	table.Store
	mu   sync.Mutex
	made map[string]int
	lost int
}

func (s *tries) Commit(ctx context.Context, ops []table.Operation) error {
	err := s.Store.Commit(ctx, ops)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range ops {
		if h, decodeErr := call.Decode[Holder](
			op.Item,
		); decodeErr == nil && h.UserID != "" &&
			op.Item.Sort == "HOLDER" {
			s.made[h.UserID]++
		}
	}
	if err != nil {
		s.lost++
	}
	return err
}

const crowd = 64

// TestManyCallersComeForDifferentSeats has 64 callers assign by product again and again while 1,000
// seats are free: at most 1.1 commits are tried for each (issue 12.4).
func TestManyCallersComeForDifferentSeats(t *testing.T) {
	o := open(t)
	const each = 5
	users := o.staff(crowd * each)
	o.buy("live-reports", 1_000+len(users)/2, "CC-1")
	counted := &tries{Store: o.Env.Table, made: map[string]int{}}
	o.Env.Table = counted
	kernels := []*Service{o.kernel, NewService(o.kernel.products)}
	var all sync.WaitGroup
	for caller := range crowd {
		all.Go(func() {
			for i := range each {
				c := o.Call("admin")
				if _, err := kernels[caller%len(kernels)].AssignProduct(
					o.ctx,
					c,
					"live-reports",
					users[caller*each+i],
					"",
				); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	tried := 0
	for _, n := range counted.made {
		tried += n
	}
	if float64(tried) > 1.1*float64(len(users)) {
		t.Errorf("%d commits for %d assignments, %d lost", tried, len(users), counted.lost)
	}
	o.overlapped = true
	o.audit(false, true, users...)
}

// TestLastTenSeatsOf64Callers lets ten win, and the others learn it in at most three tries (issue
// 12.4).
func TestLastTenSeatsOf64Callers(t *testing.T) {
	o := open(t)
	users := o.staff(crowd)
	o.buy("live-reports", 10, "CC-1")
	counted := &tries{Store: o.Env.Table, made: map[string]int{}}
	o.Env.Table = counted
	errs := make([]error, crowd)
	var all sync.WaitGroup
	for caller := range crowd {
		all.Go(func() {
			_, errs[caller] = o.kernel.AssignProduct(o.ctx, o.Call("admin"), "live-reports", users[caller], "")
		})
	}
	all.Wait()
	if won := wins(t, errs, problem.NotEnoughLicenses); won != 10 {
		t.Errorf("%d won 10 seats", won)
	}
	for user, n := range counted.made {
		if n > 3 {
			t.Errorf("%s tried %d times", user, n)
		}
	}
	o.overlapped = true
	o.audit(false, true, users...)
}

// TestTheLastTenSeats has 64 callers come for ten seats at once: ten get one, and the others know
// in at most three tries that there is none.
func TestTheLastTenSeats(t *testing.T) {
	const seats, callers, tries = 10, 64, 3
	o := open(t)
	o.overlapped = true
	o.buy("live-reports", seats, "CC-1")
	users := o.staff(callers)
	took, errs := make([]int, callers), make([]error, callers)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i, user := range users {
		c, store := o.call(), &fixtures.Rounds{Store: o.Env.Table}
		env := *o.Env
		env.Table = store
		c.Env = &env
		all.Go(func() {
			<-begin
			_, errs[i] = o.kernel.AssignProduct(o.ctx, c, "live-reports", user, "")
			took[i] = store.Take().Commits
		})
	}
	close(begin)
	all.Wait()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			continue
		}
		wantProblem(t, err, problem.NotEnoughLicenses)
		if took[i] >= tries { // the try that found no seat committed nothing
			t.Errorf("%s knows after %d lost commits that there is no seat", users[i], took[i])
		}
	}
	if winners != seats {
		t.Errorf("%d got a seat, want %d", winners, seats)
	}
	o.audit(false, true, users...)
}
