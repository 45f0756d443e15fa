package license

import (
	"context"
	"slices"
	"sync"
	"testing"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// torn is a store whose next read of several items comes upon one of them before a commit, and upon
// the others after it, as a BatchGetItem may.
type torn struct {
	table.Store
	old table.Item
}

func (s *torn) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	found, err := s.Store.Lookup(ctx, keys...)
	if _, asked := found[s.old.Key]; asked && len(keys) > 1 {
		found[s.old.Key] = s.old
		s.old = table.Item{}
	}
	return found, err
}

// TestReadThatIsNoSnapshot looks at a holder and their license while another commit comes between
// the two reads: the license is left as that commit made it.
func TestReadThatIsNoSnapshot(t *testing.T) {
	for name, between := range map[string]func(o *office, id string){
		"the license ends": func(o *office, id string) {
			_, err := o.kernel.Unassign(o.ctx, o.call(), id)
			o.must(err)
		},
		"the license has another grant": func(o *office, _ string) {
			o.must(o.grant("ann", "essential-user", RoleGrant("r1")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.hire("Ann")
			l, err := o.kernel.AssignProduct(o.ctx, o.call(), "essential-user", "ann", "")
			o.must(err)
			old, ok, err := table.Get(o.ctx, o.Env.Table, HolderKey(o.Account, "ann"))
			if err != nil || !ok {
				t.Fatalf("%v, %v", ok, err)
			}
			between(o, l.ID)
			want := o.license(l.ID)
			o.Env.Table = &torn{Store: o.Env.Table, old: old}
			c := o.call()
			o.must(call.Decide(o.ctx, func(ctx context.Context) error {
				ch := o.kernel.Change(c)
				if _, err := ch.Load(ctx, Need{Users: []string{"ann"}, Licenses: []string{l.ID}}); err != nil {
					return err
				}
				if err := ch.Resettle(ctx, "ann"); err != nil {
					return err
				}
				return ch.Commit(ctx, call.Answer{})
			}))
			if got := o.license(l.ID); got.Status != want.Status || !slices.Equal(got.Grants, want.Grants) {
				t.Errorf("%+v became %+v", want, got)
			}
			o.audit(false, true, "ann")
		})
	}
}

// overtaken is a store in which something comes between the read of a pool and that of the users,
// which are sent side by side.
type overtaken struct {
	table.Store
	queried sync.WaitGroup
	between func()
	once    sync.Once
}

func (s *overtaken) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := s.Store.Query(ctx, q)
	if s.between != nil {
		s.queried.Done()
	}
	return page, err
}

func (s *overtaken) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	s.once.Do(func() {
		s.queried.Wait()
		between := s.between
		s.between = nil
		between()
	})
	return s.Store.Lookup(ctx, keys...)
}

// TestSeatThatComesBackBetweenTheReads asks for a seat for who holds the only one, while it is taken
// away from them: at every moment they hold it or it is free, so they are never refused. A history
// over HTTP found it.
func TestSeatThatComesBackBetweenTheReads(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 1, "CC-1")
	o.hire("Ann")
	_, err := o.kernel.Assign(o.ctx, o.call(), ids[0], "ann", "")
	o.must(err)
	inner := o.Env.Table
	o.overlapped = true
	// Which shard is read beside the users is chance: in one round of four it is the license's.
	for range 40 {
		c, between := o.call(), o.call()
		env := *o.Env
		between.Env = &env
		store := &overtaken{Store: inner, between: func() {
			_, err := o.kernel.Unassign(o.ctx, between, ids[0])
			o.must(err)
		}}
		store.queried.Add(2) // the pool, from a point by chance on and from there backwards
		o.Env.Table = store
		l, err := o.kernel.AssignProduct(o.ctx, c, "live-reports", "ann", "")
		o.Env.Table = inner
		if err != nil || l.UserID != "ann" {
			t.Fatalf("%+v, %v", l, err)
		}
	}
	o.audit(false, true, "ann")
}

// TestWhatComesToNothingIsNotTold takes a seat and gives it back in one change, though somebody
// else has taken it since it was read: no record says that it was assigned.
func TestWhatComesToNothingIsNotTold(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 1, "CC-1")
	o.hire("Ann", "Cid")
	ch := o.kernel.Change(o.call())
	_, err := ch.Load(o.ctx, Need{Users: []string{"ann"}, Seats: map[string]int{"live-reports": 1}})
	o.must(err)
	o.must(ch.readOn(o.ctx, "live-reports", ch.pools["live-reports"]))
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "live-reports", "cid", "")
	o.must(err)
	o.must(ch.Grant(o.ctx, "ann", "live-reports", QueueGrant("q1")))
	o.must(ch.Withdraw(o.ctx, "ann", "live-reports", QueueGrant("q1")))
	o.must(ch.Commit(o.ctx, call.Answer{}))
	for _, item := range o.items(table.Index2, call.Partition(o.Account, "AUDIT-OF", "ann")) {
		t.Errorf("told: %+v", decode[call.AuditRecord](t, item))
	}
	o.audit(false, true, "ann", "cid")
}

// TestWaitingEntryThatIsNewerThanItsHolder looks at somebody who waits while another grant of
// theirs is committed between the reads of the holder and of the entry: the entry keeps showing
// both. The simulation found it (seed 500458).
func TestWaitingEntryThatIsNewerThanItsHolder(t *testing.T) {
	o := open(t)
	o.hire("Ann")
	o.must(o.grant("ann", catalog.LiveReportsID, QueueGrant("q1"))) // no seat is there
	c := o.call()
	ch := o.kernel.Change(c)
	_, err := ch.Load(o.ctx, Need{Users: []string{"ann"}})
	o.must(err)
	o.must(o.grant("ann", catalog.LiveReportsID, QueueGrant("q2")))
	o.must(ch.Resettle(o.ctx, "ann"))
	o.must(ch.Commit(o.ctx, call.Answer{}))
	o.audit(false, true, "ann")
	page, err := o.Env.Table.Query(o.ctx, table.Query{Partition: record.WaitPartition(o.Account)})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d wait, %v", len(page.Items), err)
	}
	if w, err := call.Decode[record.Wait](page.Items[0]); err != nil || len(w.Grants) != 2 {
		t.Errorf("the entry shows %+v, %v", w.Grants, err)
	}
}
