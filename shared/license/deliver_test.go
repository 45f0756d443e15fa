package license

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// placed is an order's own item, which its confirmation writes.
func placed(account, order string) (table.Key, []table.Operation) {
	key := table.Key{Partition: call.Partition(account, "ORDERS"), Sort: order}
	return key, []table.Operation{table.Put(table.Item{Key: key, Data: []byte(`{}`)}, table.IfAbsent)}
}

const order = "0198aaaa-0000-7000-8000-000000000001"

func TestDeliver(t *testing.T) {
	for name, lots := range map[string][]Lot{
		"in one commit": {
			{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 7},
			{ProductID: "live-reports", CostCenter: "CC-2", Quantity: 5},
		},
		"in many commits": {
			{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 130},
			{ProductID: "phone-system", CostCenter: "CC-1", Quantity: 20},
			{ProductID: "live-reports", CostCenter: "CC-2", Quantity: 70},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.hire("Ann", "Bob")
			o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
			c := o.call()
			c.WithKey("key", []byte("order"))
			key, confirm := placed(o.Account, order)
			answer := call.Answer{Status: 201, Body: "bought"}
			o.must(o.kernel.Deliver(o.ctx, c, Delivery{OrderID: order, Lots: lots, Answer: answer, Confirm: confirm}))
			total := 0
			for _, lot := range lots {
				total += lot.Quantity
			}
			if _, ok, err := table.Get(o.ctx, o.Env.Table, key); err != nil || !ok {
				t.Fatal("the order was not confirmed", err)
			}
			list, next, err := o.reads.List(o.ctx, o.call(), inventory.Filter{Order: order}, "", 500)
			o.must(err)
			if len(list) != total || next != "" {
				t.Fatalf("%d licenses of %d, next %q", len(list), total, next)
			}
			o.wantState("ann", "live-reports", Holds) // served by itself
			o.audit(false, true, "ann", "bob")

			// The same request again gets its answer; the same order again changes nothing.
			c = o.call()
			c.WithKey("key", []byte("order"))
			var replay *call.Replay
			if err := o.kernel.Deliver(o.ctx, c, Delivery{
				OrderID: order,
				Lots:    lots,
				Answer:  answer,
				Confirm: confirm,
			}); !errors.As(err, &replay) ||
				replay.Status != 201 {
				t.Fatalf("%v", err)
			}
			o.must(o.kernel.Deliver(o.ctx, o.call(), Delivery{
				OrderID: order,
				Lots:    lots,
				Answer:  answer,
				Confirm: confirm,
			}))
			o.audit(false, true, "ann", "bob")
		})
	}
}

func TestDeliverRefusesWhatCannotBe(t *testing.T) {
	o := open(t)
	for name, lots := range map[string][]Lot{
		"nothing":     nil,
		"no quantity": {{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 0}},
		"unknown":     {{ProductID: "nonsense", CostCenter: "CC-1", Quantity: 1}},
		"metered":     {{ProductID: "essential-user", CostCenter: "CC-1", Quantity: 1}},
		"too many": {
			{ProductID: "live-reports", CostCenter: "CC-1", Quantity: MaxDelivery},
			{ProductID: "developer", CostCenter: "CC-1", Quantity: 1},
		},
		"too many lots": slices.Repeat([]Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 1}}, mostLots+1),
	} {
		if err := o.kernel.Deliver(o.ctx, o.call(), Delivery{OrderID: order, Lots: lots}); err == nil {
			t.Errorf("%s was delivered", name)
		}
	}
	// A confirmation that is refused leaves nothing behind that anybody sees.
	_, confirm := placed(o.Account, order)
	o.must(o.Env.Table.Commit(o.ctx, confirm))
	for _, n := range []int{3, 200} {
		err := o.kernel.Deliver(o.ctx, o.call(), Delivery{
			OrderID: order,
			Lots:    []Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: n}},
			Confirm: confirm,
		})

		if _, refused := table.Refused(err); !refused {
			t.Fatalf("%v", err)
		}
		o.wantCounts("live-reports", "0/0 free 0 waiting 0")
		o.audit(false, true)
	}
}

// TestNobodySeesPartOfAnOrder stops a delivery before each of its commits, and after each whose
// answer is lost: until the last one nobody sees a license; another run ends it.
func TestNobodySeesPartOfAnOrder(t *testing.T) {
	lots := []Lot{
		{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 120},
		{ProductID: "developer", CostCenter: "CC-2", Quantity: 60},
	}
	const commits = 5 // four of 50 licenses or fewer, and the confirmation
	for n := 1; n <= commits; n++ {
		for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter, faulty.TimeoutAfter} {
			o := open(t)
			o.hire("Ann")
			o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
			sound := o.Env.Table
			store := faulty.New(sound, faulty.AtCommit(n, fault))
			c := o.call()
			_, confirm := placed(o.Account, order)
			o.Env.Table = store
			err := o.kernel.Deliver(o.ctx, c, Delivery{OrderID: order, Lots: lots, Confirm: confirm})
			o.Env.Table = sound
			if err == nil {
				t.Fatalf("%s at commit %d went unnoticed", fault, n)
			}
			o.kernel = NewService(o.kernel.products) // another process
			shown := n == commits && fault != faulty.CrashBefore
			want := 0
			if shown {
				want = 180
			}
			for _, f := range []inventory.Filter{
				{}, {Order: order}, {Statuses: []Status{Available}}, {CostCenters: []string{"CC-1", "CC-2"}}, {Q: "0"},
			} {
				list, _, err := o.reads.List(o.ctx, o.call(), f, "", 500)
				o.must(err)
				if f.Q == "" && len(list) != want || want == 0 && len(list) != 0 {
					t.Fatalf("%s at commit %d: %d licenses are listed by %+v, want %d", fault, n, len(list), f, want)
				}
			}
			if !shown {
				_, _, err := o.reads.Get(o.ctx, o.call(), record.DeliveredID(o.Account, order, 0))
				wantProblem(t, err, "not-found")
				_, err = o.kernel.Assign(o.ctx, o.call(), record.DeliveredID(o.Account, order, 0), "ann", "")
				wantProblem(t, err, "not-found")
				_, err = o.kernel.AssignProduct(o.ctx, o.call(), "live-reports", "ann", "")
				wantProblem(t, err, "not-enough-licenses")
				o.wantCounts("live-reports", "0/0 free 0 waiting 1")
			}
			o.must(o.kernel.Deliver(o.ctx, c, Delivery{OrderID: order, Lots: lots, Confirm: confirm}))
			o.wantCounts("live-reports", "1/120 free 119 waiting 0")
			o.wantCounts("developer", "0/60 free 60 waiting 0")
			o.audit(false, true, "ann")
		}
	}
}

// TestProgress says how much of an order is prepared, and whether it needs preparing.
func TestProgress(t *testing.T) {
	o := open(t)
	c := o.call()
	for n, want := range map[int]bool{1: true, 40: true, 60: false, 5_000: false} {
		if got := o.kernel.OneCommit(
			c,
			[]Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: n}},
			1,
		); got != want {
			t.Errorf("%d licenses in one commit: %v", n, got)
		}
	}
	lots := []Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 4 * deliveryBatch}}
	sound := o.Env.Table
	o.Env.Table = faulty.New(sound, func(call faulty.Call) faulty.Fault {
		if call.Commit > 2 {
			return faulty.Fail
		}
		return faulty.None
	})
	if err := o.kernel.Deliver(o.ctx, c, Delivery{OrderID: order, Lots: lots}); err == nil {
		t.Fatal("the faults went unnoticed")
	}
	o.Env.Table = sound
	// the first fault stops what is on its way
	if percent, err := o.kernel.Prepared(o.ctx, c, order, lots); err != nil || percent < 25 || percent > 50 {
		t.Fatal(percent, err)
	}
}

// TestRunsOfOneOrderMayOverlap runs a delivery several times at once.
func TestRunsOfOneOrderMayOverlap(t *testing.T) {
	o := open(t)
	lots := []Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 400}}
	_, confirm := placed(o.Account, order)
	var runs sync.WaitGroup
	errs := make([]error, 6)
	calls := make([]*call.Call, len(errs))
	for i := range calls {
		calls[i] = o.Call("admin")
	}
	for i := range errs {
		runs.Go(func() {
			errs[i] = NewService(o.kernel.products).Deliver(o.ctx, calls[i], Delivery{
				OrderID: order,
				Lots:    lots,
				Confirm: confirm,
			})
		})
	}
	runs.Wait()
	o.must(errors.Join(errs...))
	o.wantCounts("live-reports", "0/400 free 400 waiting 0")
	o.audit(false, true)
}

// TestLargestOrder delivers 10,000 licenses, and shows what that costs.
func TestLargestOrder(t *testing.T) { synctest.Test(t, largestOrder) }

func largestOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 licenses")
	}
	o := open(t)
	made := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = made
	o.must(
		o.kernel.Deliver(o.ctx, o.call(), Delivery{
			OrderID: order,
			Lots:    []Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: MaxDelivery}},
		}),
	)
	if got := made.Take(); got.Commits != MaxDelivery/deliveryBatch+2 { // one shows them, and one counts the shards
		t.Fatalf("%+v", got)
	}
	o.wantCounts("live-reports", "0/10000 free 10000 waiting 0")
	if id := record.DeliveredID(o.Account, order, MaxDelivery-1); o.license(id).OrderID != order {
		t.Fatal(id)
	}
}
