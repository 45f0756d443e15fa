package maintenance_test

import (
	"slices"
	"testing"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/work"
)

// become has an operator say what state an account is in.
func (o *office) become(id string, state call.State) {
	o.t.Helper()
	o.Account = id
	_, err := account.NewService(o.Env, o.kernel).Put(o.t.Context(), o.Call("op"), account.Settings{
		Name: id, Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
		State: state,
	})
	o.must(err)
}

// TestWorkOfAStoppedAccountWaits leaves the work of accounts alone that are not active, however it is asked
// for: it is not even tried. It is done when they are active again.
func TestWorkOfAStoppedAccountWaits(t *testing.T) {
	for _, state := range []call.State{call.Suspended, call.Closed} {
		t.Run(string(state), func(t *testing.T) {
			o := newOffice(t, "acme", "globex")
			o.sound = call.Checked(o.sound, o.Env.Pick)
			o.Env.Table = o.sound
			o.cutOff("acme")
			o.cutOff("globex")
			o.become("acme", state)
			for range 2 * call.MostAttempts {
				due, err := o.fire(o.sound)
				if err != nil || !slices.Equal(due, []string{"globex"}) {
					t.Fatalf("handed on %q, %v", due, err)
				}
				o.queue.take()
				for _, insist := range []bool{false, true} {
					m := work.Message{Kind: work.Maintenance, Account: "acme", Time: o.Clock.Now(), Insist: insist}
					o.must(o.on(o.sound).Message(t.Context(), m))
				}
			}
			if o.holds("acme") {
				t.Error("the work of an account was done that is " + string(state))
			}
			page, err := o.sound.Query(t.Context(), table.Query{Partition: "A#acme#TRIES"})
			if o.must(err); len(page.Items) > 0 {
				t.Errorf("it was tried: %s", page.Items[0].Data)
			}
			o.become("acme", call.Active)
			due, err := o.fire(o.sound)
			if err != nil || !slices.Equal(due, []string{"acme", "globex"}) {
				t.Fatalf("handed on %q, %v", due, err)
			}
			m := work.Message{Kind: work.Maintenance, Account: "acme", Time: o.Clock.Now().Add(time.Minute)}
			o.must(o.on(o.sound).Message(t.Context(), m))
			if !o.holds("acme") {
				t.Error("the work of a reopened account was not done")
			}
		})
	}
}
