package massconfig

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/purchase"
)

// fence makes a cost center, fenced or not.
func (o *office) fence(code string, fenced bool) {
	o.F.Helper()
	change := purchase.CostCenterChange{Code: code, Name: code, Fenced: &fenced}
	_, err := purchase.NewService(o.Env, o.Kernel).ChangeCostCenter(o.Ctx, o.Call("admin"), change)
	o.Must(err)
}

// bought brings phones of a cost center.
func (o *office) bought(n int, costCenter string) {
	o.F.Helper()
	o.Must(o.Kernel.Deliver(o.Ctx, o.Call("admin"), license.Delivery{
		OrderID: o.Env.IDs.Ordered(),
		Lots:    []license.Lot{{ProductID: "phone-system", CostCenter: costCenter, Quantity: n}},
	}))
}

// centers are the cost centers of the phones by user.
func (o *office) centers() map[string]string {
	o.F.Helper()
	held := map[string]string{}
	query := inventory.Filter{Statuses: []license.Status{license.Assigned}}
	list, _, err := inventory.NewService(o.Kernel.Products()).List(o.Ctx, o.Call("admin"), query, "", 100)
	o.Must(err)
	for _, l := range list {
		held[l.UserID] = l.CostCenter
	}
	return held
}

// A file's people are given the seats behind their own fence and open ones; what they need beyond
// those is missing though others are free, and is said before anything is done (requirements,
// section 12).
func TestAFileWithFences(t *testing.T) {
	o := open(t)
	o.fence("LAB", true)
	o.fence("SALES", false)
	o.User(directory.User{ID: "ann", Name: "Ann", Active: true, CostCenter: "LAB"})
	o.User(directory.User{ID: "bob", Name: "Bob", Active: true, CostCenter: "SALES"})
	o.User(directory.User{ID: "carl", Name: "Carl", Active: true})
	o.bought(2, "LAB")
	o.bought(1, "SALES")
	before := o.state()
	rows := [][]string{row("101", "", "ann"), row("102", "", "bob"), row("103", "", "carl")}

	short := o.checked(Ready, rows...)
	if diff := cmp.Diff([]Need{{ProductID: "phone-system", Wanted: 3, Available: 2}}, short.Needs); diff != "" {
		t.Errorf("of three free seats one is behind a fence for nobody of the file; needs, wanted -, got +:\n%s", diff)
	}
	o.refused(short.ID, "not-enough-licenses", "phone-system", 3, 2)
	o.EqualState(o.state(), before)

	fits := o.checked(Ready, rows[:2]...)
	if v := o.configure(fits.ID); v.State != Completed || v.Applied != 2 {
		t.Errorf("with a seat for each: %+v", v)
	}
	if diff := cmp.Diff(map[string]string{"ann": "LAB", "bob": "SALES"}, o.centers()); diff != "" {
		t.Errorf("who has whose seat, wanted -, got +:\n%s", diff)
	}
	o.state() // which demands that nothing is reserved
}

// A fence that is put up after the check: the plan no longer fits, and nothing is applied.
func TestAFenceAfterTheCheck(t *testing.T) {
	o := open(t)
	o.fence("LAB", false)
	o.User(directory.User{ID: "bob", Name: "Bob", Active: true})
	o.bought(1, "LAB")
	before := o.state()
	v := o.checked(Ready, row("101", "", "bob"))
	o.fence("LAB", true)
	o.refused(v.ID, "plan-stale", "", 0, 0)
	o.EqualState(o.state(), before)
	o.fence("LAB", false)
	if v := o.configure(v.ID); v.State != Completed || v.Applied != 1 {
		t.Errorf("with the fence down: %+v", v)
	}
}

// Who goes to another cost center while a file waits takes a seat that they may have then.
func TestAMoveAfterTheCheck(t *testing.T) {
	o := open(t)
	o.fence("LAB", true)
	ann := directory.User{ID: "ann", Name: "Ann", Active: true, CostCenter: "LAB"}
	o.User(ann)
	o.bought(1, "LAB")
	before := o.state()
	v := o.checked(Ready, row("101", "", "ann"))
	o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
		return ch.Put(ctx, license.Person{UserID: "ann", Name: "Ann", Active: true})
	}, "ann")
	wakeUp := o.Request("POST", "/"+v.ID+"/configure", nil)
	if wakeUp.Status == 202 {
		o.deliver()
	}
	if got := o.Get(v.ID); got.Applied != 0 || got.State == Completed {
		t.Errorf("Ann is outside now, and %+v", got)
	}
	o.EqualState(o.state(), before)
}
