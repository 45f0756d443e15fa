package license

import (
	"context"
	"slices"
	"testing"
	"time"

	"seatwise/shared/license/inventory"
)

// spans are what the office has ended, in order.
func (o *office) spans() []inventory.Span {
	o.t.Helper()
	spans, err := o.reads.Spans(o.ctx, o.call(), time.Time{})
	o.must(err)
	return spans
}

// TestWhatEndsIsKept holds that a billing period can be folded of what there is and of what has
// ended (requirements, section 12): each end is one item of its commit.
func TestWhatEndsIsKept(t *testing.T) {
	o := open(t)
	o.hire("Ann", "Bob")
	seats := o.buy("developer", 1, "CC-1")
	bought := o.Clock.Now().UTC()
	o.must(o.grant("ann", "essential-user", Direct))
	made := o.Clock.Now().UTC()
	metered := o.holder("ann").Holdings["essential-user"].LicenseID
	if got := o.spans(); len(got) != 0 {
		t.Fatalf("%+v before anything has ended", got)
	}

	_, err := o.kernel.SetCostCenter(o.ctx, o.call(), seats[0], "CC-2")
	o.must(err)
	charged := o.Clock.Now().UTC()
	_, err = o.kernel.Reassign(o.ctx, o.call(), metered, "bob")
	o.must(err)
	moved := o.Clock.Now().UTC()
	o.must(o.change(func(ctx context.Context, u *UnitOfWork) error {
		return u.Unassign(ctx, "bob", "essential-user")
	}, "bob"))
	ended := o.Clock.Now().UTC()
	_, err = o.kernel.Terminate(o.ctx, o.call(), seats[0])
	o.must(err)
	want := []inventory.Span{
		{License: seats[0], ProductID: "developer", CostCenter: "CC-1", From: bought, Until: charged},
		{License: metered, ProductID: "essential-user", UserID: "ann", From: made, Until: moved},
		{License: metered, ProductID: "essential-user", UserID: "bob", From: made, Until: ended, Ended: true},
		{
			License: seats[0], ProductID: "developer", CostCenter: "CC-2", From: bought,
			Until: o.Clock.Now().UTC(), Ended: true,
		},
	}
	if got := o.spans(); !slices.Equal(got, want) {
		t.Errorf("what has ended is\n%+v\nwant\n%+v", got, want)
	}
}

// TestWaitsThatCanCrossADayAreKept: one that began and ended within a quarter of an hour of UTC was
// there at no day's end, whatever the time zone.
func TestWaitsThatCanCrossADayAreKept(t *testing.T) {
	o := open(t)
	o.hire("Ann")
	o.Clock.Set(time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC))
	wait := func(lasts time.Duration) time.Time {
		o.must(o.grant("ann", "live-reports", QueueGrant("sales")))
		since := o.Clock.Now().UTC()
		o.wantState("ann", "live-reports", Waits)
		o.Clock.Add(lasts)
		o.withdraw("ann", "live-reports", QueueGrant("sales"))
		return since
	}
	wait(14 * time.Minute)
	if got := o.spans(); len(got) != 0 {
		t.Errorf("%+v of a waiting within a quarter of an hour", got)
	}
	o.Clock.Set(time.Date(2026, 11, 27, 10, 14, 0, 0, time.UTC))
	since := wait(5 * time.Minute)
	want := []inventory.Span{{
		ProductID: "live-reports", UserID: "ann", From: since, Until: o.Clock.Now().UTC(),
		Waiting: true, Ended: true,
	}}
	if got := o.spans(); !slices.Equal(got, want) {
		t.Errorf("what has ended is %+v, want %+v", got, want)
	}
}
