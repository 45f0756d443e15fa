package license

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

const seatProduct = "live-reports"

// person makes or changes a user of a cost center.
func (o *office) person(user, costCenter string) {
	o.t.Helper()
	o.must(o.change(func(ctx context.Context, ch *UnitOfWork) error {
		return ch.Put(ctx, Person{UserID: user, Name: user, Active: true, CostCenter: costCenter})
	}, user))
}

// fence puts up the fence of a cost center, or takes it down.
func (o *office) fence(change func(context.Context, *call.Call, string) ([]table.Operation, error), code string) {
	o.t.Helper()
	o.must(call.Decide(o.ctx, func(ctx context.Context) error {
		ops, err := change(ctx, o.call(), code)
		if err != nil || len(ops) == 0 {
			return err
		}
		return o.Env.Table.Commit(ctx, ops)
	}))
}

// TestChoiceGoesByTheCostCenter says which seat somebody is given, of one free license in each of
// some cost centers, CC-F being fenced.
func TestChoiceGoesByTheCostCenter(t *testing.T) {
	for name, c := range map[string]struct {
		person, asked string
		free          []string
		want          []string // any of these; none for a refusal
		refusal       problem.Slug
	}{
		"their own":                      {"CC-1", "", []string{"CC-1", "CC-2", "CC-F"}, []string{"CC-1"}, ""},
		"their own behind its fence":     {"CC-F", "", []string{"CC-1", "CC-2", "CC-F"}, []string{"CC-F"}, ""},
		"any where theirs has none":      {"CC-1", "", []string{"CC-2", "CC-F"}, []string{"CC-2"}, ""},
		"any where their fence has none": {"CC-F", "", []string{"CC-1", "CC-2"}, []string{"CC-1", "CC-2"}, ""},
		"any of who is of none":          {"", "", []string{"CC-1", "CC-2", "CC-F"}, []string{"CC-1", "CC-2"}, ""},
		"none behind another's fence":    {"CC-1", "", []string{"CC-F"}, nil, problem.NotEnoughLicenses},
		"none of who is of none":         {"", "", []string{"CC-F"}, nil, problem.NotEnoughLicenses},
		"as asked for":                   {"CC-1", "CC-2", []string{"CC-1", "CC-2"}, []string{"CC-2"}, ""},
		"none as asked for":              {"CC-1", "CC-2", []string{"CC-1"}, nil, problem.NotEnoughLicenses},
		"a fence that is asked for":      {"CC-1", "CC-F", []string{"CC-1", "CC-F"}, nil, problem.CostCenterFenced},
		"their own fence, asked for":     {"CC-F", "CC-F", []string{"CC-1", "CC-F"}, []string{"CC-F"}, ""},
		"what is not there, asked for":   {"CC-1", "CC-9", []string{"CC-1"}, nil, problem.ValidationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesert("ann")
			d.fences = []string{"CC-F"}
			d.holders["ann"].now.CostCenter, d.holders["ann"].before.CostCenter = c.person, c.person
			for _, code := range c.free {
				d.stockOf(seatProduct, code)
			}
			err := d.decide(d.ledger(false), func(g *ledger) error {
				items := []Item{{ProductID: seatProduct, UserID: "ann", CostCenter: c.asked}}
				if err := g.loadAssigned(items); err != nil {
					return err
				}
				_, err := g.assign(items[0])
				return err
			})
			if c.refusal != "" {
				wantProblem(t, err, c.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			l := d.licenses[d.holders["ann"].now.Holdings[seatProduct].LicenseID]
			if !slices.Contains(c.want, l.now.CostCenter) {
				t.Errorf("a seat of %s, want one of %v", l.now.CostCenter, c.want)
			}
		})
	}
}

// stockOf adds a free license of a cost center.
func (d *desert) stockOf(product, costCenter string) {
	known := len(d.licenses)
	d.stock(product, 1)
	if len(d.licenses) != known+1 {
		panic("no license was added")
	}
	for _, l := range d.licenses {
		if l.now.CostCenter == "CC-1" && !slices.Contains(d.kept, l.now.ID) {
			l.before.CostCenter, l.now.CostCenter = costCenter, costCenter
			d.kept = append(d.kept, l.now.ID)
		}
	}
}

// TestWhoAFenceKeepsOutKeepsNobodyWaiting has people wait in front of a fence: those behind them who may
// have its seats are served, and the others when there are seats for them, in their order.
func TestWhoAFenceKeepsOutKeepsNobodyWaiting(t *testing.T) {
	o := open(t)
	o.fence(o.kernel.Fence, "CC-1")
	var outside []string
	for i := range headPage + 10 {
		user := fmt.Sprintf("out%02d", i)
		outside = append(outside, user)
		o.person(user, "CC-2")
		o.must(o.grant(user, seatProduct, QueueGrant("q1")))
	}
	o.person("ann", "CC-1")
	o.must(o.grant("ann", seatProduct, QueueGrant("q1")))
	ids := o.buy(seatProduct, 2, "CC-1")
	if h := o.holder("ann"); !h.Holds(seatProduct) {
		t.Fatalf("ann waits behind those whom the fence keeps out: %+v", h.Holdings[seatProduct])
	}
	if h := o.holder(outside[0]); h.Holds(seatProduct) {
		t.Fatal("a seat behind the fence went to somebody outside")
	}
	why, err := o.reads.Why(o.ctx, o.call(), outside[0], seatProduct, noChain{})
	o.must(err)
	if want := []inventory.FencedSeats{{CostCenter: "CC-1", Free: 1}}; !slices.Equal(why.Fenced, want) {
		t.Errorf("why says %+v, want %+v", why.Fenced, want)
	}
	for i, user := range outside {
		why, err := o.reads.Why(o.ctx, o.call(), user, seatProduct, noChain{})
		if o.must(err); why.Place != i+1 {
			t.Errorf("number %d of those who wait is told place %d", i+1, why.Place)
		}
	}
	// Given back, it still serves nobody outside; outside of the fence it does, first come first.
	_, err = o.kernel.SetCostCenter(o.ctx, o.call(), o.free(ids)[0], "CC-2")
	o.must(err)
	for i, user := range outside {
		if h := o.holder(user); h.Holds(seatProduct) != (i == 0) {
			t.Fatalf("number %d of those who wait holds: %v", i, h.Holds(seatProduct))
		}
	}
	o.fence(o.kernel.Unfence, "CC-1")
	_, err = o.kernel.RemoveMany(o.ctx, o.call(), []Item{{ProductID: seatProduct, UserID: "ann"}}, Each)
	o.must(err)
	if h := o.holder(outside[1]); !h.Holds(seatProduct) {
		t.Error("nobody got the seat that the fence kept")
	}
	o.audit(false, true, append(outside, "ann")...)
}

// noChain knows no dashboards.
type noChain struct{}

func (noChain) DashboardsOf(context.Context, *call.Call, string) ([]string, error) { return nil, nil }

func (noChain) LastView(context.Context, *call.Call, string) (string, time.Time, error) {
	return "", time.Time{}, nil
}

// free are those of some licenses that are free.
func (o *office) free(ids []string) (free []string) {
	o.t.Helper()
	for _, id := range ids {
		l, _, err := o.reads.Get(o.ctx, o.call(), id)
		o.must(err)
		if l.Status == Available {
			free = append(free, id)
		}
	}
	return free
}

// TestFencesRefuseWhatAPersonNames gives a license behind a fence by its id, moves one to somebody
// outside, and moves a license that is held behind the fence.
func TestFencesRefuseWhatAPersonNames(t *testing.T) {
	o := open(t)
	o.person("ann", "CC-1")
	o.person("bob", "CC-2")
	ids := o.buy(seatProduct, 2, "CC-1")
	_, err := o.kernel.Assign(o.ctx, o.call(), ids[0], "ann", "")
	o.must(err)
	o.fence(o.kernel.Fence, "CC-1")
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[1], "bob", "")
	wantProblem(t, err, problem.CostCenterFenced)
	_, err = o.kernel.Reassign(o.ctx, o.call(), ids[0], "bob")
	wantProblem(t, err, problem.CostCenterFenced)
	other := o.buy(seatProduct, 1, "CC-2")
	_, err = o.kernel.Assign(o.ctx, o.call(), other[0], "bob", "")
	o.must(err)
	_, err = o.kernel.SetCostCenter(o.ctx, o.call(), other[0], "CC-1")
	wantProblem(t, err, problem.CostCenterFenced)
	o.person("bob", "CC-1") // now it is theirs
	_, err = o.kernel.SetCostCenter(o.ctx, o.call(), other[0], "CC-1")
	o.must(err)
	o.person("bob", "") // who holds a seat keeps it
	if h := o.holder("bob"); !h.Holds(seatProduct) {
		t.Error("bob lost a seat by leaving the cost center")
	}
	o.audit(false, true, "ann", "bob")
}

// TestManyCallersForTheLastFencedSeat has 64 callers come for the last seat behind a fence and for
// more seats outside of it: the seat behind it goes to one of its own, nobody is refused who could
// be served, and hardly any commit is tried twice.
func TestManyCallersForTheLastFencedSeat(t *testing.T) {
	o := open(t)
	o.fence(o.kernel.Fence, "CC-1")
	users := make([]string, crowd)
	for i := range users {
		users[i] = fmt.Sprintf("user%02d", i)
		o.person(users[i], []string{"CC-1", "CC-2"}[i%2])
	}
	fenced := o.buy(seatProduct, 1, "CC-1")
	o.buy(seatProduct, crowd/2, "CC-2")
	calls := make([]*call.Call, crowd)
	for i := range calls {
		calls[i] = o.call()
	}
	var all sync.WaitGroup
	errs := make([]error, crowd)
	for i, user := range users {
		all.Go(func() { _, errs[i] = o.kernel.AssignProduct(o.ctx, calls[i], seatProduct, user, "") })
	}
	all.Wait()
	served := 0
	for i, err := range errs {
		if err == nil {
			served++
			continue
		}
		wantProblem(t, err, problem.NotEnoughLicenses)
		if h := o.holder(users[i]); h.Holds(seatProduct) {
			t.Errorf("%s was refused and holds a seat", users[i])
		}
	}
	if served != crowd/2+1 {
		t.Errorf("%d were served, of %d seats", served, crowd/2+1)
	}
	l, _, err := o.reads.Get(o.ctx, o.call(), fenced[0])
	o.must(err)
	if h := o.holder(l.UserID); h.CostCenter != "CC-1" {
		t.Errorf("the seat behind the fence went to %s of %q", h.UserID, h.CostCenter)
	}
	o.overlapped = true
	o.audit(false, true, users...)
}

// TestAFenceThatComesBetween puts up a fence after a decision was read and before it is committed: the
// commit is refused, and decided again.
func TestAFenceThatComesBetween(t *testing.T) {
	o := open(t)
	o.person("ann", "CC-2")
	o.buy(seatProduct, 1, "CC-1")
	ch := o.kernel.Change(o.call())
	_, err := ch.Load(o.ctx, Need{Users: []string{"ann"}, Seats: map[string]int{seatProduct: 1}})
	o.must(err)
	o.must(ch.Grant(o.ctx, "ann", seatProduct, Direct))
	o.fence(o.kernel.Fence, "CC-1")
	if _, refused := table.Refused(ch.Commit(o.ctx, call.Answer{})); !refused {
		t.Fatal("a seat behind a fence was given by a decision from before it")
	}
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), seatProduct, "ann", "")
	wantProblem(t, err, problem.NotEnoughLicenses)
}

// TestTwentyFourCostCentersInOneCommit assigns 24 items in one commit, each to somebody of another
// cost center who is to have one of its seats, fences or not.
func TestTwentyFourCostCentersInOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		var items []Item
		want := map[string]string{}
		for i := range MaxAtomic {
			code, user := fmt.Sprintf("CC-%d", 100+i), fmt.Sprintf("user%d", i)
			o.costCenter(code)
			o.person(user, code)
			o.buy(seatProduct, 12, code)
			if i%2 == 0 {
				o.fence(o.kernel.Fence, code)
			}
			items, want[user] = append(items, Item{ProductID: seatProduct, UserID: user}), code
		}
		made := &fixtures.Rounds{Store: o.Env.Table}
		o.Env.Table = made
		results, err := o.kernel.AssignMany(o.ctx, o.call(), items, AllOrNone)
		o.must(err)
		if took := made.Take(); took.Commits != 1 || took.Reads > 4 {
			t.Errorf("it took %+v", took)
		}
		for _, r := range results.Results {
			if r.License.CostCenter != want[r.License.UserID] {
				t.Errorf("%s of %s got a seat of %s", r.License.UserID, want[r.License.UserID], r.License.CostCenter)
			}
		}
	})
}

// TestOwnSeatIsFoundAmongMany looks for the few seats of one cost center among very many: in two
// round trips more than where any will do.
func TestOwnSeatIsFoundAmongMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		o.buy(seatProduct, 2_000, "CC-1")
		own := o.buy(seatProduct, 3, "CC-2")
		made := &fixtures.Rounds{Store: o.Env.Table}
		for i := range own {
			user := fmt.Sprintf("user%d", i)
			o.person(user, "CC-2")
			o.Env.Table = made
			made.Take()
			l, err := NewService(o.kernel.products).AssignProduct(o.ctx, o.call(), seatProduct, user, "")
			o.must(err)
			if took := made.Take(); l.CostCenter != "CC-2" || took.Reads > 4 || took.Commits != 1 {
				t.Errorf("number %d is of %s and took %+v", i, l.CostCenter, took)
			}
			o.Env.Table = made.Store
		}
	})
}

// TestReservedSeatsAreOfThoseWhoGetThem reserves seats for people of two cost centers, one fenced,
// and has them drawn by these.
func TestReservedSeatsAreOfThoseWhoGetThem(t *testing.T) {
	o := open(t)
	o.person("ann", "CC-1")
	o.person("bob", "CC-2")
	o.buy("team_chat", 1, "CC-1")
	o.buy("team_chat", 2, "CC-2")
	o.fence(o.kernel.Fence, "CC-1")
	wanted := map[string]int64{SeatsFor("team_chat", "CC-2"): 2, SeatsFor("team_chat", "CC-1"): 1}
	o.must(o.reserve("j1", wanted))
	wantProblem(t, o.reserve("j2", map[string]int64{"team_chat": 1}), problem.NotEnoughLicenses)
	for user, code := range map[string]string{"ann": "CC-1", "bob": "CC-2"} {
		ch := o.kernel.Change(o.call())
		ch.Draw(o.reservation("j1"), nil)
		_, err := ch.Load(o.ctx, Need{Users: []string{user}})
		o.must(err)
		h, err := ch.Holder(user)
		o.must(err)
		var l *licenseState
		o.must(ch.do(o.ctx, func(g *ledger) (err error) {
			l, err = g.free(h, "team_chat")
			return err
		}))
		if l == nil || l.now.CostCenter != code {
			t.Errorf("%s of %s draws %+v", user, code, l)
		}
	}
	o.must(o.reservation("j1").Release(o.ctx, nil))
	free, err := o.reads.Free(o.ctx, o.call(), "team_chat")
	o.must(err)
	if free.Open != 2 || free.Fenced["CC-1"] != 1 {
		t.Errorf("free again are %+v", free)
	}
	if n := free.For(map[string]int64{"CC-1": 3, "": 1}); n != 3 {
		t.Errorf("%d may be had", n)
	}
}

// TestFencesHoldInAnyOrder plays any sequence of fences, moves of licenses and of people, grants and
// returns against a plain list: no seat behind a fence is ever given to somebody else's, an own seat
// comes before others, and nobody waits for whom there is a seat.
func TestFencesHoldInAnyOrder(t *testing.T) { rapid.Check(t, fencesHoldInAnyOrder) }

func fencesHoldInAnyOrder(rt *rapid.T) {
	d := newDesert("ann", "bob", "cid", "dan")
	codes := []string{"CC-1", "CC-2", "CC-3"}
	code := rapid.SampledFrom(codes)
	user := rapid.SampledFrom([]string{"ann", "bob", "cid", "dan"})
	for range rapid.IntRange(1, 25).Draw(rt, "steps") {
		before := d.owners()
		switch rapid.IntRange(0, 5).Draw(rt, "step") {
		case 0:
			d.fences = rapid.SliceOfDistinct(code, rapid.ID[string]).Draw(rt, "fences")
			must(rt, d.serveAll())
		case 1:
			d.stockOf(seatProduct, code.Draw(rt, "of"))
			must(rt, d.serveAll())
		case 2, 3:
			who := user.Draw(rt, "user")
			must(rt, d.decide(d.ledger(false), func(g *ledger) error {
				if err := g.need(Need{Users: []string{who}}); err != nil {
					return err
				}
				return g.grant(who, seatProduct, QueueGrant("q1"))
			}))
			must(rt, d.serveAll())
		case 4:
			who := user.Draw(rt, "user")
			must(rt, d.decide(d.ledger(false), func(g *ledger) error {
				if err := g.need(Need{Users: []string{who}}); err != nil {
					return err
				}
				return g.withdraw(who, seatProduct, func(string) bool { return true })
			}))
		case 5:
			who, to := user.Draw(rt, "user"), code.Draw(rt, "to")
			must(rt, d.decide(d.ledger(false), func(g *ledger) error {
				if err := g.need(Need{Users: []string{who}}); err != nil {
					return err
				}
				return g.put(Person{UserID: who, Name: who, Active: true, CostCenter: to})
			}))
			must(rt, d.serveAll())
		}
		d.checkFences(rt, before)
	}
}

// serveAll serves who waits.
func (d *desert) serveAll() error {
	return d.decide(d.ledger(false), func(g *ledger) error {
		_, err := g.serve(seatProduct, 50)
		return err
	})
}

func must(rt *rapid.T, err error) {
	if err != nil {
		rt.Fatal(err)
	}
}

// owners are who holds which license.
func (d *desert) owners() map[string]string {
	owners := map[string]string{}
	for id, l := range d.licenses {
		owners[id] = l.now.UserID
	}
	return owners
}

// checkFences judges what a step has done.
func (d *desert) checkFences(rt *rapid.T, before map[string]string) {
	free := map[string]int{}
	for id, l := range d.licenses {
		who := l.now.UserID
		if who == "" {
			free[l.now.CostCenter]++
			continue
		}
		if h := d.holders[who].now; who != before[id] && slices.Contains(d.fences, l.now.CostCenter) &&
			h.CostCenter != l.now.CostCenter {
			rt.Fatalf("%s of %q was given a seat behind the fence of %s", who, h.CostCenter, l.now.CostCenter)
		}
	}
	for _, w := range d.waits {
		h := d.holders[w.now.UserID].now
		if w.now.CostCenter != h.CostCenter {
			rt.Fatalf("%s of %q waits as of %q", h.UserID, h.CostCenter, w.now.CostCenter)
		}
		for code, n := range free {
			if n > 0 && (code == h.CostCenter || !slices.Contains(d.fences, code)) {
				rt.Fatalf("%s of %q waits though a seat of %s is free", h.UserID, h.CostCenter, code)
			}
		}
	}
}
