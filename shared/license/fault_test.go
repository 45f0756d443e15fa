package license

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table/faulty"
)

// scene is an office in which each use case has something to do.
func scene(t *testing.T) (*office, scenery) {
	o := open(t)
	var s scenery
	s.users = []string{"ann", "bob", "cid", "dan"}
	o.hire("Ann", "Bob", "Cid", "Dan")
	s.live = o.buy("live-reports", 2, "CC-1")
	s.phones = o.buy("phone-system", 2, "CC-1")
	s.chats = o.buy("team_chat", 2, "CC-1")
	_, err := o.kernel.Assign(o.ctx, o.call(), s.live[0], "ann", "")
	o.must(err)
	_, err = o.kernel.Assign(o.ctx, o.call(), s.phones[0], "ann", "101")
	o.must(err)
	_, err = o.kernel.SetAddOns(o.ctx, o.call(), s.phones[0], []string{"team_chat"})
	o.must(err)
	return o, s
}

type scenery struct{ live, phones, chats, users []string }

// crowd lets the others wait for Live Reports.
func (o *office) crowd() {
	o.t.Helper()
	for _, user := range []string{"bob", "cid", "dan"} {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
}

// picture is all that a reader can see, but for times and for which of several free licenses was
// taken.
func (o *office) picture(users []string) string {
	o.t.Helper()
	var b strings.Builder
	list, _, err := o.reads.List(o.ctx, o.Call("reader"), inventory.Filter{}, "", 1000)
	o.must(err)
	var lines []string
	for _, l := range list {
		lines = append(
			lines,
			fmt.Sprint(
				l.ProductID,
				l.Status,
				l.UserID,
				l.Extension,
				l.CostCenter,
				l.BaseLicenseID != "",
				len(l.Grants),
			),
		)
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, "\n"))
	for _, user := range users {
		h := o.holder(user)
		fmt.Fprint(&b, "\n", user, h.Active, h.Extension, h.Number)
		for _, p := range o.kernel.products.Products() {
			if holding := h.Holdings[p.ID]; holding != nil {
				fmt.Fprint(
					&b,
					" ",
					p.ID,
					holding.LicenseID != "",
					holding.Waiting != "",
					holding.Excluded != nil,
					len(holding.Grants),
				)
			}
		}
	}
	for _, s := range []string{"live-reports", "phone-system", "team_chat"} {
		b.WriteString("\n" + o.counts(s))
	}
	return b.String()
}

// TestEveryUseCaseSurvivesFaults puts every fault on every commit of every use case, and repeats
// the request with its key until it is answered: everything is then as after a run without a fault,
// and nothing has happened twice (I10, I11, I14).
func TestEveryUseCaseSurvivesFaults(t *testing.T) {
	useCases := map[string]func(o *office, s scenery, c *call.Call) error{
		"assign": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.Assign(o.ctx, c, s.live[1], "bob", "")
			return err
		},
		"assign with an extension": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.Assign(o.ctx, c, s.phones[1], "bob", "102")
			return err
		},
		"unassign a base": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.Unassign(o.ctx, c, s.phones[0])
			return err
		},
		"unassign under a waiting list": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.Unassign(o.ctx, c, s.live[0])
			return err
		},
		"reassign": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.Reassign(o.ctx, c, s.phones[0], "cid")
			return err
		},
		"add-ons": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.SetAddOns(o.ctx, c, s.phones[0], nil)
			return err
		},
		"terminate": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.Terminate(o.ctx, c, s.phones[1])
			return err
		},
		"charge": func(o *office, s scenery, c *call.Call) error {
			_, err := o.kernel.SetCostCenter(o.ctx, c, s.live[0], "CC-2")
			return err
		},
		"remove many": func(o *office, s scenery, c *call.Call) error {
			items := append(itemsFor("live-reports", s.users), itemsFor("phone-system", s.users)...)
			_, err := o.kernel.RemoveMany(o.ctx, c, slices.Concat(items, items, items), Each) // more than one group
			return err
		},
		"deliver": func(o *office, _ scenery, c *call.Call) error {
			return o.kernel.Deliver(o.ctx, c, Delivery{
				OrderID: order,
				Lots:    []Lot{{ProductID: "live-reports", CostCenter: "CC-2", Quantity: 2}},
				Answer:  call.Answer{Status: 201},
			})
		},
	}
	for name, run := range useCases {
		t.Run(name, func(t *testing.T) {
			attempt := func(o *office, s scenery) error {
				c := o.call()
				c.WithKey("key", []byte(name))
				err := run(o, s, c)
				var replay *call.Replay
				if errors.As(err, &replay) {
					return nil
				}
				return err
			}
			begin := func() (*office, scenery) {
				o, s := scene(t)
				if strings.Contains(name, "waiting") || name == "deliver" {
					o.crowd()
				}
				return o, s
			}
			o, s := begin()
			store := faulty.New(o.Env.Table, faulty.AtCommit(0, faulty.None))
			o.Env.Table = store
			o.must(attempt(o, s))
			commits, want := store.Commits(), o.picture(s.users)
			o.audit(false, true, s.users...)

			for n := 1; n <= commits; n++ {
				for _, fault := range faulty.All() {
					o, s := begin()
					sound := o.Env.Table
					store := faulty.New(sound, faulty.AtCommit(n, fault))
					o.Env.Table = store
					_ = attempt(o, s)
					store.Revive()
					o.kernel = NewService(o.kernel.products)
					o.audit(false, false, s.users...)
					o.Clock.Add(2 * time.Minute) // beyond the lease of a claim
					for range 3 {
						if err := attempt(o, s); err == nil {
							break
						}
						o.Clock.Add(2 * time.Minute)
					}
					o.must(attempt(o, s))
					o.must(o.kernel.DrainWaiting(o.ctx, o.Env, ""))
					if got := o.picture(s.users); got != want {
						t.Fatalf("%s at commit %d: then\n%s\nwant\n%s", fault, n, got, want)
					}
					o.audit(false, true, s.users...)
				}
			}
		})
	}
}

// TestAnySequenceUnderFaults is TestAnySequenceKeepsTheInvariants on a store that fails now and
// then: the invariants hold after every step, and maintenance mends the waiting lists.
func TestAnySequenceUnderFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := open(t)
		o.t = rt
		w := &world{office: o, rt: rt, faults: true}
		o.hire(crew[:3]...)
		w.stock()
		sound := o.Env.Table
		actions := w.actions()
		for name, act := range actions {
			actions[name] = func(rt *rapid.T) {
				o.Env.Table = faulty.New(sound, faulty.Seeded(rapid.Uint64().Draw(rt, "seed"), 0.15, faulty.All()...))
				act(rt)
				o.Env.Table = sound
				o.kernel = NewService(o.kernel.products)
			}
		}
		actions[""] = func(*rapid.T) { o.audit(false, false, crew...) }
		rt.Repeat(actions)
		o.must(o.kernel.DrainWaiting(o.ctx, o.Env, ""))
		o.audit(false, true, crew...)
	})
}
