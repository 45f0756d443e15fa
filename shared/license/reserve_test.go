package license

import (
	"context"
	"errors"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// reservation is a job's, committed without a guard.
func (o *office) reservation(job string) *Reservation {
	c := o.call()
	return o.kernel.Reservation(c, job, func(ctx context.Context, ops []table.Operation) error {
		if len(ops) >= table.MaxOperations {
			o.t.Fatalf("%d operations leave no room for the guard", len(ops))
		}
		return c.Env.Table.Commit(ctx, ops)
	})
}

// reserve reserves seats for a job of the office.
func (o *office) reserve(job string, wanted map[string]int64) error {
	if o.jobs == nil {
		o.jobs = map[string]map[string]int64{}
	}
	if o.jobs[job] == nil {
		o.jobs[job] = map[string]int64{}
	}
	return o.reservation(job).Reserve(o.ctx, wanted)
}

// draw grants a product from a job's reservation.
func (o *office) draw(job, user, product string) error {
	c := o.call()
	var drawn map[string]int64
	err := call.Decide(o.ctx, func(ctx context.Context) error {
		ch := o.kernel.Change(c)
		ch.Draw(o.reservation(job), o.jobs[job])
		if _, err := ch.Load(ctx, Need{Users: []string{user}}); err != nil {
			return err
		}
		if err := ch.Grant(ctx, user, product, MassConfigurationGrant(job)); err != nil {
			return err
		}
		drawn = ch.Drawn()
		return ch.Commit(ctx, call.Answer{})
	})
	if err == nil {
		o.jobs[job] = drawn
	}
	return err
}

// Reserved seats are nobody else's: they are not chosen, not assigned by id, not ended and not
// charged, by call or by bulk.
func TestReservedSeatsAreLeftAlone(t *testing.T) {
	o := open(t)
	o.hire("Ann", "Bob")
	o.costCenter("CC-2")
	ids := o.buy("phone-system", 3, "CC-1")
	o.must(o.reserve("j1", map[string]int64{"phone-system": 2}))
	o.audit(false, true, "ann", "bob")
	if s := o.summary("phone-system"); s.Available != 1 || s.Bought != 3 || s.Assigned != 0 {
		t.Fatalf("%+v", s)
	}
	kept := o.auditor().reserved()
	var reservedID string
	for _, id := range ids {
		if _, ok := kept[id]; ok {
			reservedID = id
		}
	}
	_, err := o.kernel.Assign(o.ctx, o.call(), reservedID, "ann", "")
	wantProblem(t, err, problem.LicenseNotAvailable)
	_, err = o.kernel.Terminate(o.ctx, o.call(), reservedID)
	wantProblem(t, err, problem.LicenseNotAvailable)
	_, err = o.kernel.SetCostCenter(o.ctx, o.call(), reservedID, "CC-2")
	wantProblem(t, err, problem.LicenseNotAvailable)

	// A process that has no suspicion yet, and a bulk call: each item has its own result.
	o.kernel = NewService(o.kernel.Products())
	results, err := o.kernel.SetCostCenters(o.ctx, o.call(), ids, "CC-2")
	o.must(err)
	if results.Succeeded != 1 || results.Failed != 2 {
		t.Errorf("charged: %+v", results)
	}
	o.audit(false, true, "ann", "bob")
	results, err = o.kernel.TerminateMany(o.ctx, o.call(), []string{reservedID})
	o.must(err)
	if results.Failed != 1 {
		t.Errorf("terminated: %+v", results)
	}

	// The third seat is everybody's, the reserved ones are the job's.
	o.must(o.grant("ann", "phone-system", Direct))
	wantProblem(t, o.grant("bob", "phone-system", Direct), problem.NotEnoughLicenses)
	o.must(o.draw("j1", "bob", "phone-system"))
	o.audit(false, true, "ann", "bob")

	// What is left over returns, and is everybody's again.
	o.must(o.reservation("j1").Release(o.ctx, o.jobs["j1"]))
	o.audit(false, true, "ann", "bob")
	if s := o.summary("phone-system"); s.Available != 1 || s.Assigned != 2 {
		t.Errorf("%+v", s)
	}
	o.withdraw("ann", "phone-system", Direct)
	for _, id := range ids {
		if _, err := o.kernel.Terminate(o.ctx, o.call(), id); err != nil && !problem.Is(err, problem.LicenseInUse) {
			t.Error(err)
		}
	}
	o.audit(false, true, "ann", "bob")
}

// A reservation that finds too few seats says so, and gives back what it has.
func TestReserveMoreThanThereIs(t *testing.T) {
	o := open(t)
	o.buy("phone-system", 150, "CC-1")
	o.buy("team_chat", 120, "CC-1")
	wanted := map[string]int64{"phone-system": 150, "team_chat": 121}
	wantProblem(t, o.reserve("j1", wanted), problem.NotEnoughLicenses)
	o.audit(false, true)
	o.must(o.reservation("j1").Release(o.ctx, nil))
	o.audit(false, true)
	o.must(o.reserve("j1", map[string]int64{"phone-system": 150, "team_chat": 120}))
	o.audit(false, true)
	begun, err := o.reservation("j1").Begun(o.ctx)
	o.must(err)
	if s := o.summary("team_chat"); !begun || s.Available != 0 {
		t.Errorf("%+v", s)
	}
	// The same again finds it done.
	o.must(o.reserve("j1", map[string]int64{"phone-system": 150, "team_chat": 120}))
	o.audit(false, true)
}

// A reservation, and its return, that die at any commit are finished by the next run, with every
// seat where it belongs.
func TestReservationThatDies(t *testing.T) {
	wanted := map[string]int64{"phone-system": 130, "team_chat": 110}
	for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
		for at := 1; at <= 3; at++ {
			o := open(t)
			o.hire("Ann")
			o.buy("phone-system", 140, "CC-1")
			o.buy("team_chat", 110, "CC-1")
			store := o.Env.Table
			dies := func(step func() error) {
				o.Env.Table = faulty.New(store, faulty.AtCommit(at, fault))
				if err := step(); err != nil && !errors.Is(err, faulty.ErrCrashed) {
					t.Fatal(err)
				}
				o.Env.Table = store
				o.audit(false, true, "ann")
				o.must(step())
				o.audit(false, true, "ann")
			}
			dies(func() error { return o.reserve("j1", wanted) })
			if s := o.summary("phone-system"); s.Available != 10 {
				t.Errorf("%v at %d: %+v", fault, at, s)
			}
			o.must(o.draw("j1", "ann", "phone-system"))
			dies(func() error { return o.reservation("j1").Release(o.ctx, o.jobs["j1"]) })
			if s := o.summary("phone-system"); s.Available != 139 || s.Assigned != 1 {
				t.Errorf("%v at %d: %+v", fault, at, s)
			}
		}
	}
}

// What a change draws and gives back again by itself goes to the pool.
func TestDrawnAndGivenBack(t *testing.T) {
	o := open(t)
	o.hire("Ann")
	o.buy("phone-system", 2, "CC-1")
	o.must(o.reserve("j1", map[string]int64{"phone-system": 2}))
	ch := o.kernel.Change(o.call())
	ch.Draw(o.reservation("j1"), o.jobs["j1"])
	_, err := ch.Load(o.ctx, Need{Users: []string{"ann"}})
	o.must(err)
	o.must(ch.Grant(o.ctx, "ann", "phone-system", Direct))
	o.must(ch.Unassign(o.ctx, "ann", "phone-system"))
	failed := errors.New("no")
	if err := ch.Try(func() error {
		o.must(ch.Grant(o.ctx, "ann", "phone-system", Direct))
		return failed
	}); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if got := ch.Drawn(); !maps.Equal(got, map[string]int64{"phone-system": 1}) {
		t.Errorf("drawn %v", got)
	}
	o.must(ch.Commit(o.ctx, call.Answer{}))
	o.jobs["j1"] = ch.Drawn()
	o.audit(false, true, "ann")
	if s := o.summary("phone-system"); s.Available != 1 {
		t.Errorf("%+v", s)
	}
}

// reserving is an action of a random sequence: a job reserves, draws or returns seats, and may die in
// the middle.
func (w *world) reserving(action string) {
	job := rapid.SampledFrom([]string{"j1", "j2"}).Draw(w.rt, "job")
	store := w.Env.Table
	if !w.faults && rapid.IntRange(0, 3).Draw(w.rt, "dies") == 0 {
		fault := rapid.SampledFrom([]faulty.Fault{faulty.CrashBefore, faulty.CrashAfter}).Draw(w.rt, "fault")
		w.Env.Table = faulty.New(store, faulty.AtCommit(rapid.IntRange(1, 2).Draw(w.rt, "at"), fault))
		defer func() { w.Env.Table = store }()
	}
	died := func(err error) bool {
		if errors.Is(err, faulty.ErrCrashed) {
			return true
		}
		w.fault(err)
		return false
	}
	product := rapid.SampledFrom([]string{"phone-system", "team_chat"}).Draw(w.rt, "product")
	drawn := len(w.jobs[job]) > 0
	switch {
	case action == "reserve" && !drawn:
		died(w.reserve(job, map[string]int64{product: int64(rapid.IntRange(1, 3).Draw(w.rt, "quantity"))}))
	case action == "draw" && w.jobs[job] != nil && w.Env.Table == store && !w.faults:
		// what is drawn is known only where a commit's outcome is
		w.fault(w.draw(job, w.user(), product))
	case w.jobs[job] != nil:
		err := w.reservation(job).Release(w.ctx, w.jobs[job])
		for !w.faults && died(err) {
			w.Env.Table = store // another worker finishes it
			err = w.reservation(job).Release(w.ctx, w.jobs[job])
		}
		if err == nil {
			delete(w.jobs, job)
		}
	}
}
