package license

import (
	"slices"
	"testing"

	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table/faulty"
)

// TestAddOnsOfALicenseThatChangesHands takes the license from its user between the two reads of a
// look at its add-ons, and of a change of them.
func TestAddOnsOfALicenseThatChangesHands(t *testing.T) {
	for _, change := range []bool{false, true} {
		o := open(t)
		o.hire("Ann")
		id := o.buy("phone-system", 1, "CC-1")[0]
		_, err := o.kernel.Assign(o.ctx, o.call(), id, "ann", "")
		o.must(err)
		inner, meanwhile := o.Env.Table, o.call()
		env := *o.Env
		meanwhile.Env = &env
		once := true
		o.Env.Table = faulty.New(inner, func(c faulty.Call) faulty.Fault {
			if once && c.Ops == nil && slices.Contains(c.Keys, HolderKey(o.Account, "ann")) {
				once = false
				_, err := o.kernel.Unassign(o.ctx, meanwhile, id)
				o.must(err)
			}
			return faulty.None
		})
		if change {
			_, err = o.kernel.SetAddOns(o.ctx, o.call(), id, []string{"call_recording"})
			wantProblem(t, err, problem.WrongState)
		} else if got, err := o.kernel.AddOns(o.ctx, o.call(), id); err != nil || len(got.Items) != 0 {
			t.Errorf("add-ons %+v, %v", got, err)
		}
		if once {
			t.Error("nobody read the holder")
		}
	}
}
