package license

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// crew are the users of the random sequences.
var crew = []string{"ann", "bob", "cid", "dan"}

var (
	propertySeats  = []string{"live-reports", "call-queue-booster"}
	propertyBought = []string{"live-reports", "call-queue-booster", "phone-system", "call_recording", "team_chat"}
	propertyAll    = append(slices.Clone(propertyBought), "essential-user", "professional-user", "agent-user")
	metered        = propertyAll[len(propertyBought):]
	sources        = []string{QueueGrant("q1"), QueueGrant("q2"), View, RoleGrant("r1")}
)

// TestAnySequenceKeepsTheInvariants draws sequences of everything that the kernel can do, several
// verbs in one commit too, and recounts after each.
func TestAnySequenceKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := open(t)
		o.t = rt

		w := &world{office: o, rt: rt, tb: t}
		w.unlimited = rapid.IntRange(0, 4).Draw(rt, "bundle") == 0
		if w.unlimited {
			o.AddAccount(t, o.Account, UnlimitedBundle)
		}
		check := o.observe()
		o.hire(crew[:3]...)
		w.stock()
		actions := w.actions()
		actions[""] = func(*rapid.T) {
			check()
			o.audit(w.unlimited, true, crew...)
		}
		rt.Repeat(actions)
	})
}

// world is an office that is changed at random.
type world struct {
	*office
	rt        *rapid.T
	ids       []string
	unlimited bool
	faults    bool // the store fails now and then
	tb        testing.TB
}

// stock buys a few seats, too few for everybody, and gives some to users, so that the steps find
// something to change.
func (w *world) stock() {
	for _, product := range propertyBought {
		w.ids = append(w.ids, w.buy(product, 2, "CC-1")...)
	}
	for _, user := range crew[:2] {
		w.must(w.grant(user, "phone-system", Direct))
		w.must(w.grant(user, "live-reports", QueueGrant("q1")))
	}
	w.must(w.grant(crew[0], "team_chat", Direct))
}

// fault fails unless the error is one that a caller can be told.
func (w *world) fault(err error) {
	if _, ok := problem.From(err); err != nil && !ok && !w.faults {
		w.t.Fatalf("%v", err)
	}
}

func (w *world) user() string { return rapid.SampledFrom(crew).Draw(w.rt, "user") }

func (w *world) license() string {
	if len(w.ids) == 0 {
		return "00000000-0000-4000-8000-000000000000"
	}
	return rapid.SampledFrom(w.ids).Draw(w.rt, "license")
}

// actions are what a random sequence is made of. What should come more often has more names.
func (w *world) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){
		"deliver": func(rt *rapid.T) {
			id, n := w.Env.IDs.Ordered(), rapid.IntRange(1, 3).Draw(rt, "quantity")
			lots := []Lot{
				{ProductID: rapid.SampledFrom(propertyBought).Draw(rt, "product"), CostCenter: "CC-1", Quantity: n},
			}
			w.fault(w.kernel.Deliver(w.ctx, w.call(), Delivery{OrderID: id, Lots: lots}))
			for i := range n {
				w.ids = append(w.ids, record.DeliveredID(w.Account, id, i))
			}
		},
		"assign": func(*rapid.T) {
			_, err := w.kernel.Assign(w.ctx, w.call(), w.license(), w.user(), "")
			w.fault(err)
		},
		"unassign": func(*rapid.T) {
			_, err := w.kernel.Unassign(w.ctx, w.call(), w.license())
			w.fault(err)
		},
		"reassign": func(*rapid.T) {
			_, err := w.kernel.Reassign(w.ctx, w.call(), w.license(), w.user())
			w.fault(err)
		},
		"terminate": func(*rapid.T) {
			_, err := w.kernel.Terminate(w.ctx, w.call(), w.license())
			w.fault(err)
		},
		"set the cost center": func(rt *rapid.T) {
			costCenter := rapid.SampledFrom([]string{"CC-1", "CC-2"}).Draw(rt, "cost center")
			_, err := w.kernel.SetCostCenter(w.ctx, w.call(), w.license(), costCenter)
			w.fault(err)
		},
		"set add-ons": func(rt *rapid.T) {
			some := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"call_recording", "team_chat"}), rapid.ID[string])
			_, err := w.kernel.SetAddOns(w.ctx, w.call(), w.license(), some.Draw(rt, "add-ons"))
			w.fault(err)
		},
		"lift an exclusion": func(rt *rapid.T) {
			product := rapid.SampledFrom(propertySeats).Draw(rt, "product")
			w.fault(w.kernel.LiftExclusion(w.ctx, w.call(), product, w.user()))
		},
		"assign in bulk":       func(*rapid.T) { w.bulk(false) },
		"remove in bulk":       func(*rapid.T) { w.bulk(true) },
		"reserve":              func(*rapid.T) { w.reserving("reserve") },
		"draw a reservation":   func(*rapid.T) { w.reserving("draw") },
		"return a reservation": func(*rapid.T) { w.reserving("return") },
		"change the bundle":    func(*rapid.T) { w.changeBundle() },
	}
	for n := range 4 {
		actions[fmt.Sprintf("%d verbs in one commit", n+1)] = func(*rapid.T) { w.verbs(n + 1) }
	}
	return actions
}

// changeBundle gives the account the other bundle, and looks again at everybody, as package account
// does after such a change: one holder a commit.
func (w *world) changeBundle() {
	if w.faults {
		return
	}
	w.unlimited = !w.unlimited
	bundle := "standard"
	if w.unlimited {
		bundle = UnlimitedBundle
	}
	w.AddAccount(w.tb, w.Account, bundle)
	for _, user := range crew {
		w.must(w.change(func(ctx context.Context, ch *UnitOfWork) error { return ch.Resettle(ctx, user) }, user))
	}
}

func (w *world) bulk(remove bool) {
	n := rapid.IntRange(1, 6).Draw(w.rt, "items")
	items := make([]Item, n)
	for i := range items {
		items[i] = Item{ProductID: rapid.SampledFrom(propertyAll).Draw(w.rt, "product"), UserID: w.user()}
	}
	mode := rapid.SampledFrom([]Mode{Each, AllOrNone}).Draw(w.rt, "mode")
	if remove {
		_, err := w.kernel.RemoveMany(w.ctx, w.call(), items, mode)
		w.fault(err)
		return
	}
	_, err := w.kernel.AssignMany(w.ctx, w.call(), items, mode)
	w.fault(err)
}

// verb is one of the kernel's verbs with its arguments, drawn before the change so that a change
// that is decided again does the same.
type verb struct {
	name string
	do   change
}

type change func(ctx context.Context, ch *UnitOfWork) error

func (w *world) verbs(n int) {
	drawn := make([]verb, n)
	for i := range drawn {
		drawn[i] = w.verb()
	}
	c := w.call()
	w.fault(call.Decide(w.ctx, func(ctx context.Context) error {
		ch := w.kernel.Change(c)
		if _, err := ch.Load(ctx, Need{Users: crew}); err != nil {
			return err
		}
		for _, v := range drawn {
			err := ch.Try(func() error { return v.do(ctx, ch) })
			if _, ok := problem.From(err); err != nil && !ok {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
		return ch.Commit(ctx, call.Answer{})
	}))
}

func (w *world) verb() verb {
	rt := w.rt
	user, other := w.user(), w.user()
	of := func(products []string) string { return rapid.SampledFrom(products).Draw(rt, "product") }
	source := func(some []string) string { return rapid.SampledFrom(some).Draw(rt, "source") }
	grant := func(product, source string) change {
		return func(ctx context.Context, ch *UnitOfWork) error { return ch.Grant(ctx, user, product, source) }
	}
	verbs := map[string]func() change{
		"grant":         func() change { return grant(of(propertySeats), source(sources)) },
		"grant metered": func() change { return grant(of(metered), RoleGrant("r1")) },
		"grant direct":  func() change { return grant(of(propertyAll), Direct) },
		"monitor":       func() change { return grant("live-reports", source(sources)) },
		"booster":       func() change { return grant("call-queue-booster", RoleGrant("r1")) },
		"withdraw": func() change {
			product, source := of(propertyAll), source(append(slices.Clone(sources), Direct))
			return func(ctx context.Context, ch *UnitOfWork) error { return ch.Withdraw(ctx, user, product, source) }
		},
		"unassign": func() change {
			product := of(propertyAll)
			return func(ctx context.Context, ch *UnitOfWork) error { return ch.Unassign(ctx, user, product) }
		},
		"put": func() change {
			name := rapid.SampledFrom([]string{"A", "B b", "C", "D von der E", "D der E"}).Draw(rt, "name")
			active := rapid.IntRange(0, 3).Draw(rt, "active") > 0
			return func(ctx context.Context, ch *UnitOfWork) error {
				return ch.Put(ctx, Person{UserID: user, Name: name, Active: active})
			}
		},
		"remove": func() change {
			return func(ctx context.Context, ch *UnitOfWork) error { return ch.Remove(ctx, user) }
		},
		"extend": func() change {
			extension := rapid.SampledFrom([]string{"", "1", "2"}).Draw(rt, "extension")
			number := rapid.SampledFrom([]string{"", "55", "66"}).Draw(rt, "number")
			return func(ctx context.Context, ch *UnitOfWork) error { return ch.Extend(ctx, user, extension, number) }
		},
		"move": func() change {
			product := of(propertyAll)
			return func(ctx context.Context, ch *UnitOfWork) error { return ch.Move(ctx, user, other, product, Direct) }
		},
		"lift": func() change {
			return func(ctx context.Context, ch *UnitOfWork) error {
				return ch.do(ctx, func(g *ledger) error { return g.lift(user, "live-reports") })
			}
		},
		"set add-ons": func() change {
			some := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"call_recording", "team_chat"}), rapid.ID[string])
			addOns := some.Draw(rt, "add-ons")
			return func(ctx context.Context, ch *UnitOfWork) error {
				return ch.SetAddOns(ctx, user, "phone-system", addOns, MassConfigurationGrant("m1"))
			}
		},
	}
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(verbs))).Draw(rt, "verb")
	return verb{name, verbs[name]()}
}
