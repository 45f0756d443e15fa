package massconfig

import (
	"context"
	"strings"
	"testing"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// want tries to take a phone license, as somebody else would while a file is applied.
func (o *office) want(user string) error {
	ch := o.Kernel.Change(o.Call("admin"))
	if _, err := ch.Load(o.Ctx, license.Need{Users: []string{user}}); err != nil {
		return err
	}
	return ch.Grant(o.Ctx, user, catalog.PhoneSystemID, license.Direct)
}

// The seats of a plan are reserved before its first row: nobody can take them in the middle, and a
// run cannot run dry (issue: exact plans).
func TestSeatsAreReservedBeforeTheFirstRow(t *testing.T) {
	o := open(t)
	o.Hire("Taker")
	v := o.ready(120)
	wakeUp := o.Start(v.ID)
	tried := 0
	var first bool
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, ops []table.Operation, commit func() error,
	) error {
		for _, op := range ops {
			if op.Item.Sort == "PROGRESS" {
				first = true
			}
		}
		if first {
			tried++
			if err := o.want("taker"); !problem.Is(err, problem.NotEnoughLicenses) {
				t.Errorf("somebody else takes a seat of the plan: %v", err)
			}
		}
		return commit()
	}}
	o.Must(o.Apply(o.Ctx, wakeUp))
	o.Env.Table = o.Store
	if v = o.In(Completed, o.Get(v.ID)); v.Applied != 120 || v.Refused != 0 || tried < 10 {
		t.Errorf("%+v; tried %d times", v, tried)
	}
	o.state()
}

// Whatever is not used returns: after a cancellation in the middle, and for rows that are refused.
func TestReservedSeatsReturn(t *testing.T) {
	o := open(t)
	v := o.ready(60)
	wakeUp := o.Start(v.ID)
	o.Before(3, func() {
		if r := o.Request("POST", "/"+v.ID+"/cancel", nil); r.Status != 202 {
			t.Errorf("cancel: %s", r.Body)
		}
	})
	o.Must(o.Apply(o.Ctx, wakeUp))
	o.Env.Table = o.Store
	v = o.In(Cancelled, o.Get(v.ID))
	if v.Applied == 0 || v.Applied == 60 {
		t.Errorf("applied %d", v.Applied)
	}
	o.state() // which demands that nothing is reserved
	left := table.Query{Partition: "A#" + o.Account + "#RESERVED#" + v.ID}
	if page, err := o.Store.Query(o.Ctx, left); err != nil || len(page.Items) > 0 {
		t.Errorf("%d items of the reservation are left, %v", len(page.Items), err)
	}
}

// Seats that go while they are being reserved: the plan no longer fits, nothing is applied, and
// what was reserved returns.
func TestSeatsGoWhileTheyAreReserved(t *testing.T) {
	o := open(t)
	o.Hire("Taker")
	v := o.ready(40)
	wakeUp := o.Start(v.ID)
	before := o.state()
	commits := 0
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, ops []table.Operation, commit func() error,
	) error {
		reserves := false
		for _, op := range ops {
			reserves = reserves || op.Kind == table.KindPut && strings.Contains(op.Item.Partition, "#RESERVED#")
		}
		if reserves {
			if commits++; commits == 2 {
				o.Env.Table = o.Store
				o.give("taker", "", "")
			}
		}
		return commit()
	}}
	o.Must(o.Apply(o.Ctx, wakeUp))
	o.Env.Table = o.Store
	v = o.In(Failed, o.Get(v.ID))
	if commits < 2 || v.Applied != 0 || !strings.Contains(v.Message, "nothing was configured") ||
		!strings.Contains(v.Message, "Phone System") {
		t.Errorf("%q after %d commits", v.Message, commits)
	}
	o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
		return ch.Unassign(ctx, "taker", catalog.PhoneSystemID)
	}, "taker")
	o.EqualState(o.state(), before)
}
