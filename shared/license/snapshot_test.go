package license

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// TestBetweenTheReads lets another request in between two reads of a decision: nothing may be
// answered, and nothing done, that fits to neither of the two states.
func TestBetweenTheReads(t *testing.T) {
	type scene struct {
		*office

		one, two string // licenses of live-reports; ann holds the first
	}
	unassign := func(s scene, c *call.Call) {
		_, err := s.kernel.Unassign(s.ctx, c, s.one)
		s.must(err)
	}
	exchange := func(s scene, c *call.Call) {
		unassign(s, c)
		_, err := s.kernel.Assign(s.ctx, c, s.two, "ann", "")
		s.must(err)
	}
	reassign := func(s scene, c *call.Call) {
		_, err := s.kernel.Reassign(s.ctx, c, s.one, "bob")
		s.must(err)
	}
	giveTwo := func(s scene, c *call.Call) {
		_, err := s.kernel.Assign(s.ctx, c, s.two, "bob", "")
		s.must(err)
	}
	ofHolder := func(s scene, c faulty.Call, user string) bool {
		return slices.Contains(c.Keys, HolderKey(s.Account, user))
	}
	for name, c := range map[string]struct {
		// before is the read of the decision before which the other request comes.
		before    func(s scene, c faulty.Call) bool
		meanwhile func(s scene, c *call.Call)
		decide    func(ctx context.Context, s scene, c *call.Call) (License, error)
		refused   bool
		// is who holds the two licenses in the end, and answer the holder of the license that was
		// answered.
		is     [2]string
		answer string
	}{
		"a license is unassigned that is free by then": {
			before:    func(s scene, c faulty.Call) bool { return ofHolder(s, c, "ann") },
			meanwhile: unassign,
			decide: func(ctx context.Context, s scene, c *call.Call) (License, error) {
				l, err := s.kernel.Unassign(ctx, c, s.one)
				return l.License, err
			},
			refused: true,
		},
		"a license is unassigned whose user holds another one by then": {
			before:    func(s scene, c faulty.Call) bool { return ofHolder(s, c, "ann") },
			meanwhile: exchange,
			decide: func(ctx context.Context, s scene, c *call.Call) (License, error) {
				l, err := s.kernel.Unassign(ctx, c, s.one)
				return l.License, err
			},
			refused: true, is: [2]string{"", "ann"},
		},
		"a license is reassigned whose user holds another one by then": {
			before:    func(s scene, c faulty.Call) bool { return ofHolder(s, c, "ann") && !ofHolder(s, c, "bob") },
			meanwhile: exchange,
			decide: func(ctx context.Context, s scene, c *call.Call) (License, error) {
				l, err := s.kernel.Reassign(ctx, c, s.one, "bob")
				return l.License, err
			},
			refused: true, is: [2]string{"", "ann"},
		},
		"a product is assigned to who has just lost it": {
			before: func(s scene, c faulty.Call) bool {
				return slices.Contains(c.Keys, record.LicenseKey(s.Account, s.one))
			},
			meanwhile: reassign,
			decide: func(ctx context.Context, s scene, c *call.Call) (License, error) {
				return s.kernel.AssignProduct(ctx, c, "live-reports", "ann", "")
			},
			is: [2]string{"bob", "ann"}, answer: "ann",
		},
		"the last license of a product is assigned to who holds it by then": {
			before: func(s scene, c faulty.Call) bool {
				return c.Query != nil &&
					strings.HasPrefix(c.Query.Partition, call.Partition(s.Account, "FREE", "live-reports"))
			},
			meanwhile: giveTwo,
			decide: func(ctx context.Context, s scene, c *call.Call) (License, error) {
				return s.kernel.AssignProduct(ctx, c, "live-reports", "bob", "")
			},
			is: [2]string{"ann", "bob"}, answer: "bob",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.hire("Ann", "Bob")
			ids := o.buy("live-reports", 2, "CC-1")
			s := scene{o, ids[0], ids[1]}
			_, err := o.kernel.Assign(o.ctx, o.call(), s.one, "ann", "")
			o.must(err)
			inner := o.Env.Table
			other, env := o.call(), *o.Env
			other.Env = &env
			once := true
			o.Env.Table = faulty.New(inner, func(call faulty.Call) faulty.Fault {
				if once && call.Ops == nil && c.before(s, call) {
					once = false
					c.meanwhile(s, other)
				}
				return faulty.None
			})
			l, err := c.decide(o.ctx, s, o.call())
			o.Env.Table = inner
			switch {
			case once:
				t.Error("nothing came between")
			case c.refused != (err != nil):
				t.Errorf("%+v, %v", l, err)
			case err == nil && l.UserID != c.answer:
				t.Errorf("the answer is a license of %q: %+v", l.UserID, l)
			}
			for i, id := range ids {
				if l, _, err := o.reads.Get(o.ctx, o.call(), id); err != nil || l.UserID != c.is[i] {
					t.Errorf("license %d is held by %q, %v; want %q", i+1, l.UserID, err, c.is[i])
				}
			}
		})
	}
}

// TestAssignByAReadThatIsNoSnapshot assigns a license where the read of user and license, which is
// one, comes upon one of them before other requests and upon the other after them.
func TestAssignByAReadThatIsNoSnapshot(t *testing.T) {
	for name, c := range map[string]struct {
		// old is what is read as it was: the license that ann holds, or ann.
		old func(o *office, one string) table.Key
		// wanted is which license is assigned to ann: the one that she held, or the other.
		wanted int
		refuse problem.Slug
	}{
		"the license as it was": {
			func(o *office, one string) table.Key { return record.LicenseKey(o.Account, one) }, 0,
			problem.LicenseNotAvailable,
		},
		"the user as they were": {func(o *office, _ string) table.Key { return HolderKey(o.Account, "ann") }, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.hire("Ann", "Bob")
			ids := o.buy("live-reports", 3, "CC-1")
			_, err := o.kernel.Assign(o.ctx, o.call(), ids[0], "ann", "")
			o.must(err)
			old, ok, err := table.Get(o.ctx, o.Env.Table, c.old(o, ids[0]))
			if err != nil || !ok {
				t.Fatalf("%v, %v", ok, err)
			}
			_, err = o.kernel.Reassign(o.ctx, o.call(), ids[0], "bob")
			o.must(err)
			inner := o.Env.Table
			o.Env.Table = &torn{Store: inner, old: old}
			l, err := o.kernel.Assign(o.ctx, o.call(), ids[c.wanted], "ann", "")
			o.Env.Table = inner
			held := ""
			if c.refuse != "" {
				wantProblem(t, err, c.refuse)
			} else if held = ids[c.wanted]; err != nil || l.ID != held || l.UserID != "ann" {
				t.Errorf("%+v, %v", l, err)
			}
			h := o.find("ann")
			if fmt.Sprint(h.Held()) != fmt.Sprint(strings.Fields(held)) {
				t.Errorf("ann holds %v, want %q", h.Held(), held)
			}
			o.audit(false, true, "ann", "bob")
		})
	}
}
