package purchase_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/purchase"
)

// fragile is a shop whose store can fail, and a second one over the same store that never does:
// other people's functions.
type fragile struct {
	*shop
	others *shop
	store  *faulty.Store
	// befall decides what happens to the n-th commit from now on; nil for nothing.
	befall atomic.Pointer[func(n int) faulty.Fault]
	commit int
}

func breakable(t testing.TB) *fragile {
	t.Helper()
	raw, err := bolt.Open(filepath.Join(t.TempDir(), "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := raw.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fragile{}
	f.store = faulty.New(raw, func(c faulty.Call) faulty.Fault {
		befall := f.befall.Load()
		if befall == nil || c.Commit == 0 {
			return faulty.None
		}
		f.commit++
		return (*befall)(f.commit)
	})
	k := fixtures.On(t, f.store)
	f.shop = over(t, k)
	f.costCenters("CC-1", "CC-2")
	env := *k.Env
	env.Table = raw
	f.others = over(t, &fixtures.Fixture{Env: &env, Account: k.Account, Clock: k.Clock, Logs: k.Logs})
	return f
}

// faults lets befall decide from the next commit on.
func (f *fragile) faults(befall func(n int) faulty.Fault) {
	f.commit = 0
	if befall == nil {
		f.befall.Store(nil)
		return
	}
	f.befall.Store(&befall)
}

// whole checks that readers see all of an order of this size, or nothing; it returns which.
func (s *shop) whole(quantity int) (placed bool) {
	s.t.Helper()
	orders := s.orders()
	placed = len(orders) == 1 && orders[0].State == purchase.OrderPlaced
	want := 0
	if placed {
		want = quantity
	}
	listed := 0
	for _, n := range s.licenses(inventory.Filter{Products: []string{catalog.LiveReportsID}}) {
		listed += n
	}
	charged := 0
	for _, n := range s.licenses(inventory.Filter{CostCenters: []string{"CC-1"}}) {
		charged += n
	}
	summary, err := inventory.NewService(catalog.Default()).Summary(s.t.Context(), s.Call("test"))
	if err != nil {
		s.t.Fatal(err)
	}
	billed := 0
	for _, p := range s.billing().ByProduct {
		billed += p.Quantity
	}
	if listed != want || charged != want || billed != want || summary[0].ProductID != catalog.LiveReportsID ||
		int(summary[0].Bought) != want ||
		int(summary[0].Available) != want {
		s.t.Errorf(
			"of %d licenses %d are listed, %d listed by cost center, %d billed, %+v counted; orders %+v",
			quantity,
			listed,
			charged,
			billed,
			summary[0],
			orders,
		)
	}
	return placed
}

// resume is what the maintenance function does.
func (s *shop) resume() {
	s.t.Helper()
	if err := purchase.NewService(
		s.Env, license.NewService(catalog.Default()),
	).ResumeOrders(s.t.Context(), ""); err != nil {
		s.t.Error(err)
	}
}

// settled checks that one order of this size is there and that nothing is left of how it came
// about.
func (s *shop) settled(quantity int) {
	s.t.Helper()
	if !s.whole(quantity) {
		s.t.Errorf("the order is not placed: %+v", s.orders())
	}
	left, err := purchase.OrderMarkers.Any(s.t.Context(), s.Env.Table, s.Account, "")
	if err != nil {
		s.t.Fatal(err)
	}
	if left {
		s.t.Error("the marker of the order is left")
	}
	// CC-2 is charged nothing; it could not be deleted if an order were still under way.
	if r := s.zoe("DELETE", "/cost-centers/CC-2", nil); r.Status != http.StatusNoContent {
		s.t.Errorf("cost center not deleted: %d %s", r.Status, r.Body)
	}
}

// TestAnOrderSurvivesACrashAnywhere kills the function at every commit of an order, before and
// after it takes effect, and lets either the client's repetition or the maintenance function go on.
// All end alike.
func TestAnOrderSurvivesACrashAnywhere(t *testing.T) {
	const quantity = 130 // the decision, three batches, the confirmation
	for _, size := range []int{10, quantity} {
		commits := 1
		if size == quantity {
			commits = 5
		}
		for n := 1; n <= commits; n++ {
			for _, fault := range []faulty.Fault{
				faulty.Fail, faulty.TimeoutAfter, faulty.CrashBefore, faulty.CrashAfter,
			} {
				rescues := []string{"repetition"}
				if fault == faulty.CrashBefore || fault == faulty.CrashAfter {
					rescues = append(rescues, "maintenance", "both at once")
				}
				for _, rescue := range rescues {
					t.Run(fmt.Sprintf("%d licenses, %s at commit %d, %s", size, fault, n, rescue), func(t *testing.T) {
						t.Parallel()
						f := breakable(t)
						q := f.quote(line("live-reports", size, "CC-1"))
						f.faults(func(at int) faulty.Fault {
							if at == n {
								return fault
							}
							return faulty.None
						})
						first := f.zoe("POST", "/orders", confirm(q), "the key")
						f.faults(nil)
						f.store.Revive()
						f.whole(size)
						// A commit that was made, though nobody heard so, is found when the request looks again.
						if first.Status == http.StatusCreated && fault != faulty.TimeoutAfter {
							t.Fatalf("the fault did not show: %s", first.Body)
						}

						f.Clock.Add(61 * time.Second)
						var wg sync.WaitGroup
						if rescue != "repetition" {
							wg.Go(f.resume)
						}
						if rescue == "maintenance" {
							wg.Wait()
							f.whole(size)
						}
						again := f.zoe("POST", "/orders", confirm(q), "the key")
						wg.Wait()
						if again.Status != http.StatusCreated { // maintenance was in the middle of it
							f.Clock.Add(61 * time.Second)
							again = f.zoe("POST", "/orders", confirm(q), "the key")
						}
						order := fixtures.Decode[purchase.Order](t, again, http.StatusCreated)
						if order.State != purchase.OrderPlaced || order.LicenseCount != size ||
							again.Header.Get("Location") != "/v1/accounts/acme/orders/"+order.ID {
							t.Errorf("answered %s with %v", again.Body, again.Header)
						}
						f.settled(size)
					})
				}
			}
		}
	}
}

// TestTheLargestOrder places 10,000 licenses, is killed half-way, and is finished by maintenance;
// whoever looks meanwhile sees none of them.
func TestTheLargestOrderIsNeverSeenInPart(t *testing.T) {
	f := breakable(t)
	q := f.quote(line("live-reports", purchase.MaxQuantity, "CC-1"))
	const commits = 1 + purchase.MaxQuantity/50 + 1
	look := func(n int) {
		if n != commits && n%50 == 2 && f.others.whole(purchase.MaxQuantity) {
			t.Errorf("placed before commit %d", n)
		}
	}
	f.faults(func(n int) faulty.Fault {
		look(n)
		if n == commits/2 {
			return faulty.CrashBefore
		}
		return faulty.None
	})
	if r := f.zoe("POST", "/orders", confirm(q), "the key"); r.Status == http.StatusCreated {
		t.Fatal("the crash did not show")
	}
	f.faults(nil)
	f.store.Revive()
	if f.whole(purchase.MaxQuantity) {
		t.Fatal("placed by half")
	}
	order := f.orders()[0]
	if order.State != purchase.OrderPlacing || order.Percent < 30 || order.Percent > 60 {
		t.Errorf("the order says %s, %d percent", order.State, order.Percent)
	}
	f.problem(f.zoe("GET", "/orders/"+order.ID+"/statement", nil), http.StatusConflict, "wrong-state")
	f.problem(f.zoe("POST", "/orders", confirm(q), "the key"), http.StatusConflict, "idempotency-in-progress")
	f.problem(f.zoe("POST", "/orders", confirm(q), "another key"), http.StatusConflict, "wrong-state")
	f.problem(f.zoe("DELETE", "/cost-centers/CC-1", nil), http.StatusConflict, "wrong-state")

	f.resume() // too early: the request might still be alive
	if f.whole(purchase.MaxQuantity) {
		t.Error("maintenance took a fresh order for left behind")
	}
	f.Clock.Add(61 * time.Second)
	f.faults(func(n int) faulty.Fault {
		look(n)
		return faulty.None
	})
	f.resume()
	f.faults(nil)
	again := f.zoe("POST", "/orders", confirm(q), "the key")
	if got := fixtures.Decode[purchase.Order](
		t,
		again,
		http.StatusCreated,
	); got.ID != order.ID || again.Header.Get("Idempotent-Replayed") != "true" ||
		!got.PlacedAt.Equal(fixtures.Start) {
		t.Errorf("repeated: %s with %v", again.Body, again.Header)
	}
	f.settled(purchase.MaxQuantity)
}

// TestAnOrderWithoutAKeyIsFinished kills one that nobody can repeat.
func TestAnOrderWithoutAKeyIsFinished(t *testing.T) {
	f := breakable(t)
	q := f.quote(line("live-reports", 130, "CC-1"))
	f.faults(func(n int) faulty.Fault {
		if n == 3 {
			return faulty.CrashBefore
		}
		return faulty.None
	})
	f.zoe("POST", "/orders", confirm(q))
	f.faults(nil)
	f.store.Revive()
	f.problem(f.zoe("POST", "/orders", confirm(q)), http.StatusConflict, "wrong-state")
	f.Clock.Add(61 * time.Second)
	f.resume()
	f.resume()
	f.settled(130)
}

// An order that cannot be finished is tried so often and no more: it fails with a reason, nothing
// of it is ever seen or billed, and nothing is left of it.
func TestAnOrderThatCannotBePlacedFails(t *testing.T) {
	f := breakable(t)
	q := f.quote(line("live-reports", 130, "CC-1"))
	f.faults(func(n int) faulty.Fault {
		if n > 1 {
			return faulty.Fail
		}
		return faulty.None
	})
	f.zoe("POST", "/orders", confirm(q), "the key")
	f.Clock.Add(61 * time.Second)
	tries := 0
	for ; tries < 3*call.MostAttempts && f.orders()[0].State == purchase.OrderPlacing; tries++ {
		f.faults(func(n int) faulty.Fault {
			if n > 1 { // the first one counts the attempt
				return faulty.Fail
			}
			return faulty.None
		})
		if err := purchase.NewService(f.Env, license.NewService(catalog.Default())).
			ResumeOrders(t.Context(), ""); tries < call.MostAttempts &&
			err == nil {
			t.Errorf("try %d did not fail", tries)
		}
		f.Clock.Add(31 * time.Minute)
	}
	f.faults(nil)
	order := f.orders()[0]
	if order.State != purchase.OrderFailed || tries != call.MostAttempts+1 ||
		!strings.Contains(order.Failure, "could not be placed") {
		t.Fatalf("after %d tries: %+v", tries, order)
	}
	if f.whole(130) {
		t.Error("it is placed")
	}
	if r := f.zoe("DELETE", "/cost-centers/CC-2", nil); r.Status != http.StatusNoContent {
		t.Errorf("an order counts as under way: %d %s", r.Status, r.Body)
	}
	if again := f.zoe("POST", "/orders", confirm(q), "the key"); again.Status == http.StatusCreated {
		t.Errorf("the failed order is answered as placed: %s", again.Body)
	}
	if another := f.zoe(
		"POST",
		"/orders",
		confirm(f.quote(line("live-reports", 3, "CC-1"))),
		"another key",
	); another.Status != http.StatusCreated {
		t.Errorf("ordered again: %d %s", another.Status, another.Body)
	}
}
