package license

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// elsewhere assigns by product in a process of its own, and says what that cost.
func (o *office) elsewhere(made *calls, product, user string) (License, map[string]int, error) {
	desk := NewDesk(o.desk.products)
	made.take()
	l, err := desk.AssignProduct(o.ctx, o.call(), product, user, "")
	return l, made.take(), err
}

func (o *office) metered() *calls {
	var made calls
	o.Env.Table = made.on(o.Env.Table)
	return &made
}

// TestEveryProcessFindsAFreeLicenseInOneRead assigns all licenses of a product, each in a process that knows nothing, by one read and one commit, whether they were bought together
// or apart, and one that was given back as well.
func TestEveryProcessFindsAFreeLicenseInOneRead(t *testing.T) {
	for name, orders := range map[string][]int{"one order": {40}, "an order of several commits": {120}, "small ones": {1, 2, 1, 1, 3}} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			total := 0
			for _, n := range orders {
				o.buy("live-reports", n, "CC-1")
				total += n
			}
			users := o.staff(total + 1)
			made := o.metered()
			want := map[string]int{"BatchGetItem": 1, "TransactWriteItems": 1}
			for _, user := range users[:total] {
				if _, cost, err := o.elsewhere(made, "live-reports", user); err != nil || !maps.Equal(cost, want) {
					t.Fatalf("%s: %v, %v", user, cost, err)
				}
			}
			_, _, err := o.elsewhere(made, "live-reports", users[total])
			wantProblem(t, err, problem.NotEnoughLicenses)
			_, err = o.desk.RemoveMany(o.ctx, o.call(), []Item{{ProductID: "live-reports", UserID: users[3]}}, false)
			o.must(err)
			if _, cost, err := o.elsewhere(made, "live-reports", users[total]); err != nil || !maps.Equal(cost, want) {
				t.Fatalf("what was given back: %v, %v", cost, err)
			}
			o.audit(false, true, users...)
			if left := o.items(table.Base, frontKey(o.Account, "live-reports", 0).Partition); len(left) > 0 {
				t.Errorf("the front still names %d", len(left))
			}
		})
	}
}

// TestProcessThatStaysKeepsSomeInMind assigns many in one process: it comes to the front less and less often, and leaves nobody without.
func TestProcessThatStaysKeepsSomeInMind(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 100, "CC-1")
	users := o.staff(100)
	var read, written int
	o.Env.Table = watched{Store: o.Env.Table, front: frontKey(o.Account, "live-reports", 0).Partition, read: &read, written: &written}
	for _, user := range users {
		_, err := o.desk.AssignProduct(o.ctx, o.call(), "live-reports", user, "")
		o.must(err)
	}
	if read > 20 || written > 20 {
		t.Errorf("100 assignments read the front %d times and wrote it %d times", read, written)
	}
	o.audit(false, true, users...)
}

// TestFrontThatIsWrong has the front name what is not free any more: assigned by its id, ended, charged elsewhere, reserved, given back at another version. Every process gets a
// license all the same, as long as there is one, and none twice.
func TestFrontThatIsWrong(t *testing.T) {
	for name, meddle := range map[string]func(o *office, id string){
		"assigned": func(o *office, id string) {
			_, err := o.desk.Assign(o.ctx, o.call(), id, "ann", "")
			o.must(err)
		},
		"assigned and given back": func(o *office, id string) {
			_, err := o.desk.Assign(o.ctx, o.call(), id, "ann", "")
			o.must(err)
			_, err = o.desk.Unassign(o.ctx, o.call(), id)
			o.must(err)
		},
		"terminated": func(o *office, id string) {
			_, err := o.desk.Terminate(o.ctx, o.call(), id)
			o.must(err)
		},
		"charged": func(o *office, id string) {
			_, err := o.desk.Charge(o.ctx, o.call(), id, "CC-2")
			o.must(err)
		},
		"reserved": func(o *office, _ string) { o.must(o.reserve("j1", map[string]int64{"live-reports": 1})) },
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.hire("Ann")
			ids := o.buy("live-reports", 6, "CC-1")
			meddle(o, ids[2])
			free := int(o.summary("live-reports").Available)
			users := o.staff(free + 1)
			made := o.metered()
			for i, user := range users {
				_, cost, err := o.elsewhere(made, "live-reports", user)
				if i == free {
					wantProblem(t, err, problem.NotEnoughLicenses)
				} else if err != nil || cost["Query"] > 1 || cost["TransactWriteItems"] > 2 {
					t.Fatalf("%s: %v, %v", user, cost, err)
				}
			}
			o.audit(false, true, append(users, "ann")...)
		})
	}
}

// TestWhoReadsThePoolNamesOthers forgets the front, as a process does that dies before it has named what it delivered: who has to read the pool then names licenses for the next.
func TestWhoReadsThePoolNamesOthers(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 60, "CC-1")
	o.forgetFront("live-reports")
	users := o.staff(60)
	made := o.metered()
	queries := 0
	for _, user := range users {
		_, cost, err := o.elsewhere(made, "live-reports", user)
		o.must(err)
		queries += cost["Query"]
	}
	if queries == 0 || queries > 25 {
		t.Errorf("60 processes read the pool %d times", queries)
	}
	o.audit(false, true, users...)
}

// TestOrderThatServesWhoWaits leaves a front that names what is left, though the waiting list has taken its part of the order.
func TestOrderThatServesWhoWaits(t *testing.T) {
	o := open(t)
	waiting := o.staff(7)
	for _, user := range waiting {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	o.hire("Ann")
	o.buy("live-reports", 12, "CC-1")
	made := o.metered()
	if _, cost, err := o.elsewhere(made, "live-reports", "ann"); err != nil || cost["Query"] != 0 || cost["TransactWriteItems"] != 1 {
		t.Fatalf("%v, %v", cost, err)
	}
	o.audit(false, true, append(waiting, "ann")...)
}

// named is how many free licenses the front of a product names.
func (o *office) named(product string) int {
	o.t.Helper()
	n := 0
	for _, item := range o.items(table.Base, frontKey(o.Account, product, 0).Partition) {
		n += decode[run](o.t, item).More + 1
	}
	return n
}

// TestFrontThatIsWrongAllOver has every item of the front name what is gone: one commit is refused, then the pool is read, and what is known to be wrong is taken out.
func TestFrontThatIsWrongAllOver(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 40, "CC-1")
	crowd := o.staff(12)
	for _, user := range crowd[:8] {
		_, _, err := o.elsewhere(&calls{}, "live-reports", user)
		o.must(err)
	}
	_, err := o.desk.RemoveMany(o.ctx, o.call(), itemsFor("live-reports", crowd[:8]), false)
	o.must(err)
	o.must(o.reserve("j1", map[string]int64{"live-reports": 36}))
	before := o.named("live-reports")
	made := o.metered()
	for _, user := range crowd[8:] {
		_, cost, err := o.elsewhere(made, "live-reports", user)
		o.must(err)
		if cost["TransactWriteItems"] > 2 || cost["Query"] > 1 {
			t.Errorf("an assignment took %v", cost)
		}
	}
	if after := o.named("live-reports"); after >= before {
		t.Errorf("the front named %d, and names %d", before, after)
	}
	o.audit(false, true, crowd...)
}

// TestRunOutlivesWhatIsGone assigns some licenses of an order by their ids: the front goes on to name those behind them.
func TestRunOutlivesWhatIsGone(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 400, "CC-1")
	users := o.staff(100)
	for i, user := range users[:20] {
		_, err := o.desk.Assign(o.ctx, o.call(), ids[i*20+7], user, "")
		o.must(err)
	}
	made := o.metered()
	queries := 0
	for _, user := range users[20:] {
		_, cost, err := o.elsewhere(made, "live-reports", user)
		o.must(err)
		queries += cost["Query"]
	}
	if n := o.named("live-reports"); queries > 20 || n < 250 {
		t.Errorf("80 assignments read the pool %d times, and the front names %d of 300", queries, n)
	}
}

// TestProcessThatComesSeldomLeavesTheFront assigns one license at a time, each long after the last: no more leave the front than are assigned.
func TestProcessThatComesSeldomLeavesTheFront(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 100, "CC-1")
	for _, user := range o.staff(30) {
		o.Clock.Add(hintLife + time.Minute)
		_, err := o.desk.AssignProduct(o.ctx, o.call(), "live-reports", user, "")
		o.must(err)
	}
	if n := o.named("live-reports"); n != 70 {
		t.Errorf("the front names %d of 70 free licenses", n)
	}
}

// TestFrontTakesNoRoom carries out what fills a commit without the front just as well with it.
func TestFrontTakesNoRoom(t *testing.T) {
	o := open(t)
	o.buy("phone-system", 8, "CC-1")
	users := o.staff(18)
	var items []Item
	for i, user := range users {
		item := Item{ProductID: "essential-user", UserID: user}
		if i < 8 {
			o.must(o.change(func(ctx context.Context, ch *Change) error {
				return ch.Extend(ctx, user, fmt.Sprint("10", i), fmt.Sprint("+1555", i))
			}, user))
			item = Item{ProductID: "phone-system", UserID: user, Extension: fmt.Sprint("20", i)}
		}
		items = append(items, item)
	}
	c := o.call()
	c.WithKey("k", []byte("x"))
	o.desk = NewDesk(o.desk.products)
	if results, err := o.desk.AssignMany(o.ctx, c, items, true); err != nil || results.Succeeded != len(items) {
		t.Fatalf("%+v, %v", results, err)
	}
	o.audit(false, true, users...)
}

// TestShortageIsTrueWithAFront tells how many were free when one of them is reserved and still named.
func TestShortageIsTrueWithAFront(t *testing.T) {
	o := open(t)
	users := o.staff(2)
	o.buy("live-reports", 1, "CC-1")
	o.must(o.reserve("j1", map[string]int64{"live-reports": 1}))
	for _, desk := range []*Desk{o.desk, NewDesk(o.desk.products)} {
		_, err := desk.AssignMany(o.ctx, o.call(), itemsFor("live-reports", users), true)
		if p, ok := problem.From(err); !ok || p.Available != 0 || p.Wanted != 2 || p.Fields[0].Field != "items[0]" {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// TestShortageReadsThePoolOnce asks for a product that is sold out, for several users in one call.
func TestShortageReadsThePoolOnce(t *testing.T) {
	o := open(t)
	users := o.staff(8)
	made := o.metered()
	results, err := o.desk.AssignMany(o.ctx, o.call(), itemsFor("live-reports", users), false)
	o.must(err)
	if cost := made.take(); results.Failed != 8 || cost["Query"] != 1 {
		t.Errorf("%d failed by %v", results.Failed, cost)
	}
}

// TestWhatIsDoneIsNotWritten assigns a product to who holds it, while the front still names their license.
func TestWhatIsDoneIsNotWritten(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 1, "CC-1")
	o.hire("Ann")
	_, err := o.desk.Assign(o.ctx, o.call(), ids[0], "ann", "")
	o.must(err)
	if _, cost, err := o.elsewhere(o.metered(), "live-reports", "ann"); err != nil || cost["TransactWriteItems"] != 0 {
		t.Errorf("%v, %v", cost, err)
	}
}

// TestFrontThatNamesALicenseTwice has the front name a license as it was delivered, and once more as it is since it was charged elsewhere: it is assigned as it is.
func TestFrontThatNamesALicenseTwice(t *testing.T) {
	o := open(t)
	o.hire("Ann")
	users := o.staff(2)
	ids := o.buy("live-reports", 2, "CC-1")
	_, err := o.desk.Charge(o.ctx, o.call(), ids[0], "CC-2")
	o.must(err)
	_, err = o.desk.Assign(o.ctx, o.call(), ids[0], "ann", "")
	o.must(err)
	_, err = o.desk.Unassign(o.ctx, o.call(), ids[0])
	o.must(err)
	picks := []int{0, 1} // both items that name it
	o.Env.Chance = func(n int) int {
		if len(picks) == 0 {
			return 0
		}
		p := picks[0]
		picks = picks[1:]
		return min(p, n-1)
	}
	results, err := NewDesk(o.desk.products).AssignMany(o.ctx, o.call(), itemsFor("live-reports", users), true)
	o.must(err)
	for _, r := range results.Results {
		if want := map[bool]string{true: "CC-2", false: "CC-1"}[r.License.ID == ids[0]]; r.License.CostCenter != want {
			t.Errorf("license %s is charged to %s, want %s", r.License.ID, r.License.CostCenter, want)
		}
	}
	o.audit(false, true, append(users, "ann")...)
}

// TestLicenseThatIsRememberedTwice has a process remember a license as the front named it beside what it has read in the pool: it is assigned as it is.
func TestLicenseThatIsRememberedTwice(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 2, "CC-1")
	old, err := call.Encode(o.license(ids[0]))
	o.must(err)
	var before stored
	o.must(json.Unmarshal(old, &before))
	_, err = o.desk.Charge(o.ctx, o.call(), ids[0], "CC-2")
	o.must(err)
	now := stored{License: o.license(ids[0])}
	for _, order := range [][]offer{{{before, 1}, {now, 2}}, {{now, 2}, {before, 1}}} {
		if free := newest(nil, order...); len(free) != 1 || free[0].LicenseVersion != 2 || free[0].CostCenter != "CC-2" {
			t.Errorf("%+v", free)
		}
	}
	name, at := o.Account+"#live-reports", o.Clock.Now()
	none := func(offer) bool { return false }
	o.desk.hints.keep(name, at, &pool{at: at, read: true, free: []offer{{now, 2}}}, none)
	o.desk.hints.keep(name, at, &pool{at: at, fronted: true, free: []offer{{before, 1}}}, none)
	o.desk.hints.keep(name, at, &pool{at: at}, none)
	if pl := o.desk.hints.take(name, at); len(pl.free) != 1 || pl.free[0].LicenseVersion != 2 {
		t.Errorf("%+v", pl.free)
	}
}

// TestTakenIsForgotten keeps what one change has left while another one, which read the same pool, has kept more: what the first one took is not remembered.
func TestTakenIsForgotten(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 3, "CC-1")
	name, at := o.Account+"#live-reports", o.Clock.Now()
	var all []offer
	for _, id := range ids {
		all = append(all, offer{stored: stored{License: o.license(id)}, LicenseVersion: 1})
	}
	for n := range len(all) + 1 {
		var h hints
		h.keep(name, at, &pool{at: at, read: true, free: slices.Clone(all)}, func(offer) bool { return false })
		h.keep(name, at, &pool{at: at}, func(other offer) bool { return slices.Contains(ids[:n], other.ID) })
		if got := h.left(name, at); got != len(all)-n {
			t.Errorf("%d of %d were taken, and %d are remembered", n, len(all), got)
		}
		if pl := h.take(name, at); pl != nil && slices.ContainsFunc(pl.free, func(left offer) bool { return !slices.Contains(ids[n:], left.ID) }) {
			t.Errorf("%d were taken: %+v", n, pl.free)
		}
	}
}

// TestFrontKeepsWhatWasNotTaken assigns a product to several users of whom all but one hold it.
func TestFrontKeepsWhatWasNotTaken(t *testing.T) {
	o := open(t)
	users := o.staff(8)
	o.buy("live-reports", 40, "CC-1")
	for _, user := range users[1:] {
		_, _, err := o.elsewhere(&calls{}, "live-reports", user)
		o.must(err)
	}
	before := o.named("live-reports")
	results, err := NewDesk(o.desk.products).AssignMany(o.ctx, o.call(), itemsFor("live-reports", users), false)
	o.must(err)
	if after := o.named("live-reports"); results.Failed != 0 || after != before-1 {
		t.Errorf("the front named %d, and names %d after one was taken; %+v", before, after, results)
	}
	o.audit(false, true, users...)
}

// TestRaceOfProcessesForTheFront has many processes that know nothing assign at once what the front names.
func TestRaceOfProcessesForTheFront(t *testing.T) {
	onBoth(t, func(t *testing.T, o *office) {
		users := o.staff(racers)
		o.buy("live-reports", racers-4, "CC-1")
		errs := o.race(func(i int, c *call.Call) error {
			_, err := NewDesk(o.desk.products).AssignProduct(o.ctx, c, "live-reports", users[i], "")
			return err
		})
		if won := wins(t, errs, problem.NotEnoughLicenses); won != racers-4 {
			t.Fatalf("%d won %d seats", won, racers-4)
		}
		o.audit(false, true, users...)
	})
}

// TestSpread divides runs over the front's items without losing or doubling a license.
func TestSpread(t *testing.T) {
	for _, quantities := range [][]int{{1}, {3}, {8}, {9}, {10_000}, {1, 1}, {500, 3, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 5}} {
		t.Run(fmt.Sprint(quantities), func(t *testing.T) {
			var runs []run
			total := 0
			for _, n := range quantities {
				first := run{Nth: total, More: n - 1}
				first.OrderID, first.ID = order, deliveredID("acme", order, total)
				runs = append(runs, first)
				total += n
			}
			seen := map[string]bool{}
			parts := spread("acme", runs, frontRuns)
			for _, r := range parts {
				for n := range r.More + 1 {
					id := r.skip("acme", n).ID
					if seen[id] || id != deliveredID("acme", order, r.Nth+n) {
						t.Fatalf("%s in %+v", id, r)
					}
					seen[id] = true
				}
			}
			if want := min(total, frontRuns); len(parts) != want || len(quantities) <= frontRuns && len(seen) != total {
				t.Fatalf("%d parts with %d licenses of %d", len(parts), len(seen), total)
			}
		})
	}
}

// watched counts the reads and commits that touch a front.
type watched struct {
	table.Store
	front         string
	read, written *int
}

func (w watched) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	if slices.ContainsFunc(keys, func(k table.Key) bool { return k.Partition == w.front }) {
		*w.read++
	}
	return w.Store.Lookup(ctx, keys...)
}

func (w watched) Commit(ctx context.Context, ops []table.Operation) error {
	if slices.ContainsFunc(ops, func(op table.Operation) bool { return op.Item.Partition == w.front }) {
		*w.written++
	}
	return w.Store.Commit(ctx, ops)
}
