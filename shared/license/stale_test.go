package license

import (
	"context"
	"testing"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
)

// TestSeatThatIsRememberedFreeAndGivenBack gives one user a seat that the process remembers as
// free, and takes it, in the same change, from the user whom another process has given it
// meanwhile. The simulation found it (seed 30204 of its second form): the license was left as it
// was remembered and so not written, and both users were.
func TestSeatThatIsRememberedFreeAndGivenBack(t *testing.T) {
	o := open(t)
	for _, name := range []string{"Ann", "Bob", "Carl"} {
		o.hire(name)
	}
	ids := o.buy(catalog.LiveReportsID, 2, "CC-1")
	here, there := o.kernel, NewService(o.kernel.Products())
	// the process has read the pool
	first, err := here.AssignProduct(o.ctx, o.call(), catalog.LiveReportsID, "carl", "")
	o.must(err)
	change := func(kernel *Service, verbs func(ctx context.Context, ch *UnitOfWork) error) {
		t.Helper()
		c := o.call()
		o.must(call.Decide(o.ctx, func(ctx context.Context) error {
			ch := kernel.Change(c)
			if _, err := ch.Load(ctx, Need{Users: []string{"ann", "bob"}}); err != nil {
				return err
			}
			if err := verbs(ctx, ch); err != nil {
				return err
			}
			return ch.Commit(ctx, call.Answer{})
		}))
	}
	change(there, func(ctx context.Context, ch *UnitOfWork) error {
		return ch.Grant(ctx, "ann", catalog.LiveReportsID, QueueGrant("q"))
	})
	change(here, func(ctx context.Context, ch *UnitOfWork) error {
		if err := ch.Grant(ctx, "bob", catalog.LiveReportsID, QueueGrant("q")); err != nil {
			return err
		}
		return ch.Withdraw(ctx, "ann", catalog.LiveReportsID, QueueGrant("q"))
	})
	for _, id := range ids {
		want := "bob"
		if id == first.ID {
			want = "carl"
		}
		if l := o.license(id); l.UserID != want {
			t.Errorf("license %s is %s and held by %q, want %s", id, l.Status, l.UserID, want)
		}
	}
	o.audit(false, false, "ann", "bob", "carl")
}
