package massconfig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/infra/testing/parts"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// floor is a file of a number of new phones for users who are hired for it.
func (o *office) floor(n int) [][]string {
	o.F.Helper()
	var rows [][]string
	for i := range n {
		name := fmt.Sprintf("user%03d", i)
		o.Hire(name)
		rows = append(
			rows,
			row(fmt.Sprint(1000+i), fmt.Sprint(6567000000+i), name, "call_recording", "device_ip_phone", "team_chat"),
		)
	}
	o.Buy(n, "phone-system", "call_recording", "device_ip_phone", "team_chat")
	return rows
}

// ready is a checked file of a number of phones.
func (o *office) ready(n int) View {
	o.F.Helper()
	return o.checked(Ready, o.floor(n)...)
}

// marked says whether somebody is to work on the mass configuration.
func (o *office) marked(id string) bool {
	o.F.Helper()
	_, ok, err := table.Get(o.Ctx, o.Store, markerKey(o.Account, id))
	o.Must(err)
	return ok
}

// changes are the audit records of an account, without what is different in every run.
func (o *office) changes(id string) map[string]int {
	o.F.Helper()
	counts := map[string]int{}
	for what, n := range o.audits() {
		counts[strings.ReplaceAll(what, id, "ID")] += n
	}
	return counts
}

// Events come twice: the upload's, the wake-up's, the schedule's (requirements, section 10).
func TestEventsComeTwice(t *testing.T) {
	o := open(t)
	rows := filejobs.CSVFile(sheetOf(o.floor(12)...))
	v := o.ask("phones.csv", rows, false)
	arrived := o.Put(v, rows)
	for range 2 {
		o.Must(o.Check(o.Ctx, arrived))
		if got := o.Get(v.ID); got.State != Ready || got.Counts.New != 12 {
			t.Fatalf("%+v", got)
		}
	}
	wakeUp := o.Start(v.ID)
	for range 2 {
		o.Must(o.Apply(o.Ctx, wakeUp))
		o.Must(o.Apply(o.Ctx, o.Schedule()))
		o.Must(o.Check(o.Ctx, arrived))
		if got := o.Get(v.ID); got.State != Completed || got.Applied != 12 {
			t.Fatalf("%+v", got)
		}
	}
	audits := o.changes(v.ID)
	for _, action := range []string{"created", "configuring", "completed"} {
		n := 0
		for what, count := range audits {
			if strings.HasPrefix(what, "massConfiguration."+action+" ") {
				n += count
			}
		}
		if n != 1 {
			t.Errorf("%d records of %s", n, action)
		}
	}
	for i := range 12 {
		if n := audits[fmt.Sprintf("license.assigned massConfiguration:ID, row %d", i+2)]; n != 4 {
			t.Errorf("row %d assigned %d licenses", i+2, n)
		}
	}
	if o.marked(v.ID) {
		t.Error("the marker is still there")
	}
}

// Many workers at once: the events of one wake-up, delivered at the same time.
func TestWorkersAtOnce(t *testing.T) {
	o := open(t)
	v := o.ready(20)
	wakeUp := o.Start(v.ID)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := o.Apply(o.Ctx, wakeUp); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if v = o.Get(v.ID); v.State != Completed || v.Applied != 20 {
		t.Fatalf("%+v", v)
	}
	o.state()
}

// A worker that was silent for longer than its lease is overtaken; what it still tries is refused
// whole.
func TestSilentWorkerIsFenced(t *testing.T) {
	o := open(t)
	v := o.ready(30)
	wakeUp := o.Start(v.ID)
	overtaken := false
	o.Before(3, func() {
		overtaken = true
		o.Must(o.Apply(o.Ctx, wakeUp)) // too early: the lease is in force
		if got := o.Get(v.ID); got.State != configuring || got.Applied == 0 || got.Applied > 20 {
			t.Errorf("under the lease: %+v", got)
		}
		o.Clock.Add(leaseLife + time.Second)
		o.Must(o.Apply(o.Ctx, wakeUp))
		if got := o.Get(v.ID); got.State != Completed || got.Applied != 30 {
			t.Errorf("after the takeover: %+v", got)
		}
	})
	o.Must(o.Apply(o.Ctx, wakeUp))
	if !overtaken {
		t.Fatal("there were fewer commits")
	}
	if v = o.Get(v.ID); v.State != Completed || v.Applied != 30 {
		t.Errorf("%+v", v)
	}
	o.state()
	for what, n := range o.changes(v.ID) {
		if strings.HasPrefix(what, "license.assigned ") && n != 4 {
			t.Errorf("%s: %d", what, n)
		}
	}
}

// A worker that is slow but alive renews its lease, and nobody takes over.
func TestLeaseIsRenewed(t *testing.T) {
	o := open(t)
	v := o.ready(40)
	wakeUp := o.Start(v.ID)
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, _ []table.Operation, commit func() error,
	) error {
		o.Clock.Add(leaseLife/2 + time.Second)
		return commit()
	}}
	o.Must(o.Apply(o.Ctx, wakeUp))
	l, err := o.service.jobs.Load(o.Ctx, o.Call("admin"), v.ID)
	o.Must(err)
	if l.Job.State != Completed || l.Job.Epoch != 2 { // the check's worker and this one
		t.Errorf("%s in epoch %d", l.Job.State, l.Job.Epoch)
	}
}

// When the invocation's time is nearly over, the rest is handed to the next one.
func TestHandsOnBeforeTheDeadline(t *testing.T) {
	o := open(t)
	o.Clock.Set(time.Now())
	v := o.ready(30)
	wakeUp := o.Start(v.ID)
	commits := 0
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, _ []table.Operation, commit func() error,
	) error {
		commits++
		o.Clock.Add(15 * time.Second)
		return commit()
	}}
	invocations := 0
	for next := [][]byte{wakeUp}; len(next) > 0; {
		invocations++
		ctx, cancel := context.WithDeadline(o.Ctx, o.Clock.Now().Add(time.Minute))
		o.Must(o.Apply(ctx, next[0]))
		cancel()
		next = next[1:]
		for _, info := range o.Files.Take() {
			next = append(next, filejobs.Event(info))
		}
		if got := o.Get(v.ID); len(next) == 1 && (got.State != configuring || got.Percent >= 100) {
			t.Fatalf("handed on: %+v", got)
		}
	}
	if v = o.Get(v.ID); v.State != Completed || v.Applied != 30 || invocations < 2 {
		t.Errorf("%+v after %d invocations", v, invocations)
	}
	for what, n := range o.changes(v.ID) {
		if strings.HasPrefix(what, "license.assigned ") && n != 4 {
			t.Errorf("%s: %d", what, n)
		}
	}
}

// A worker dies before or after any commit, or loses the answer of one; whoever finishes the work
// comes to the same end, with no row done twice (invariant I14; requirements, section 10). Here each commit has one
// of the four faults, by turns; in the long rounds each has all of them.
func TestKilledAtEveryCommit(t *testing.T) {
	const rows = 60
	o := open(t)
	type end struct {
		state   string
		result  [][]string
		counts  Counts
		applied int
		changes map[string]int
	}
	run := func(fault faulty.Fault, inCheck bool, at int) (end, int) {
		a := o.fresh(t)
		file := filejobs.CSVFile(sheetOf(a.floor(rows)...))
		v := a.ask("phones.csv", file, false)
		arrived := a.Put(v, file)
		store := faulty.New(a.Store, faulty.AtCommit(at, fault))
		kill := func(work func() error) {
			a.Env.Table = store
			err := work()
			a.Env.Table = a.Store
			if fault != faulty.None && !errors.Is(err, faulty.ErrCrashed) &&
				!errors.Is(err, context.DeadlineExceeded) ||
				fault == faulty.None && err != nil {
				t.Fatalf("killed: %v", err)
			}
			a.Must(a.Apply(a.Ctx, a.Schedule())) // too early, unless the worker could let go
			a.Clock.Add(leaseLife + time.Second)
			a.Must(a.Apply(a.Ctx, a.Schedule()))
		}
		check := func() error { return a.Check(a.Ctx, arrived) }
		if inCheck {
			kill(check)
			a.Must(check()) // S3 delivers once more
		} else {
			a.Must(check())
		}
		a.In(Ready, a.Get(v.ID))
		wakeUp := a.Start(v.ID)
		apply := func() error { return a.Apply(a.Ctx, wakeUp) }
		if inCheck {
			a.Must(apply())
		} else {
			kill(apply)
		}
		v = a.In(Completed, a.Get(v.ID))
		if a.marked(v.ID) {
			t.Errorf("%v at %d: the marker is left", fault, at)
		}
		return end{a.state(), a.Result(v), v.Counts, v.Applied, a.changes(v.ID)}, store.Commits()
	}
	for _, inCheck := range []bool{true, false} {
		want, commits := run(faulty.None, inCheck, 0)
		if want.applied != rows || commits < 3 {
			t.Fatalf("without a kill: applied %d in %d commits", want.applied, commits)
		}
		faults := []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter, faulty.TimeoutAfter, faulty.TimeoutBefore}
		for i, fault := range faults {
			for at := 1 + parts.Sized(i, 0); at <= commits; at += parts.Sized(len(faults), 1) {
				got, _ := run(fault, inCheck, at)
				if got.state != want.state || got.counts != want.counts || got.applied != want.applied ||
					fmt.Sprint(got.result) != fmt.Sprint(want.result) {
					t.Errorf("in check %v, %v at commit %d of %d: %+v", inCheck, fault, at, commits, got)
				}
				if !maps.Equal(got.changes, want.changes) {
					t.Errorf(
						"in check %v, %v at commit %d of %d: audit %v, want %v",
						inCheck,
						fault,
						at,
						commits,
						got.changes,
						want.changes,
					)
				}
			}
		}
	}
}

// A worker that fails lets go of its work, so that the next attempt need not wait for the end of
// its lease.
func TestFailedWorkerLetsGo(t *testing.T) {
	o := open(t)
	v := o.ready(20)
	wakeUp := o.Start(v.ID)
	o.Env.Table = faulty.New(o.Store, faulty.AtCommit(3, faulty.Fail))
	if err := o.Apply(o.Ctx, wakeUp); !errors.Is(err, faulty.ErrFault) {
		t.Fatalf("failed: %v", err)
	}
	o.In(configuring, o.Get(v.ID))
	o.Must(o.Apply(o.Ctx, wakeUp))
	if v = o.In(Completed, o.Get(v.ID)); v.Applied != 20 {
		t.Errorf("%+v", v)
	}
}

// The file store fails at any call: whatever is tried again comes to the same end. A wake-up that
// could not be written is found by the schedule.
func TestFileStoreFails(t *testing.T) {
	o := open(t)
	for at := 1; ; at++ {
		a := o.fresh(t)
		file := filejobs.CSVFile(sheetOf(a.floor(12)...))
		v := a.ask("phones.csv", file, false)
		arrived := a.Put(v, file)
		a.Files.FailAt(at)
		failures := 0
		try := func(work func() error) {
			if err := work(); errors.Is(err, memoryfiles.ErrDown) {
				failures++
				err = work()
				a.Must(err)
			} else {
				a.Must(err)
			}
		}
		try(func() error { return a.Check(a.Ctx, arrived) })
		a.In(Ready, a.Get(v.ID))
		fixtures.Decode[View](t, a.Request("POST", "/"+v.ID+"/configure", nil), 202)
		a.Files.Take()
		try(func() error { return a.Apply(a.Ctx, a.Schedule()) })
		v = a.In(Completed, a.Get(v.ID))
		if v.Applied != 12 || len(a.Result(v)) != 13 {
			t.Errorf("failing at %d: %+v", at, v)
		}
		calls := a.Files.Calls()
		a.Files.FailAt(0)
		if failures == 0 && at > calls {
			if at < 5 {
				t.Errorf("only %d calls", calls)
			}
			return
		}
	}
}

// Two files at once that want the same phones: whichever row comes first is applied, the other is
// refused or its whole plan no longer fits; never by halves.
func TestTwoPlansAtOnce(t *testing.T) {
	o := open(t)
	rows := o.floor(30)
	o.Buy(30, "phone-system", "call_recording", "device_ip_phone", "team_chat")
	var other [][]string
	for i, r := range rows {
		other = append(other, row(r[0], r[1], rows[(i+1)%len(rows)][2], "team_chat"))
	}
	one, two := o.checked(Ready, rows...), o.checked(Ready, other...)
	wakeUps := [][]byte{o.Start(one.ID), o.Start(two.ID)}
	var group sync.WaitGroup
	for _, wakeUp := range wakeUps {
		group.Go(func() {
			if err := o.Apply(o.Ctx, wakeUp); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	applied := 0
	for _, id := range []string{one.ID, two.ID} {
		v := o.Get(id)
		applied += v.Applied
		if v.State != Completed && v.State != Failed || v.State == Completed && v.Applied+v.Refused != 30 {
			t.Errorf("%+v", v)
		}
	}
	if applied == 0 || applied > 30 {
		t.Errorf("%d rows applied", applied)
	}
	o.state()
}

// Cancelled before anything runs (requirements, section 5.5).
func TestCancelWhileNothingRuns(t *testing.T) {
	o := open(t)
	file := filejobs.CSVFile(sheetOf(o.floor(3)...))
	before := o.state()

	waiting := o.ask("phones.csv", file, false)
	o.cancel(waiting.ID)
	o.In(Cancelled, o.Get(waiting.ID))
	o.Must(o.Check(o.Ctx, o.Put(waiting, file))) // the file comes all the same
	o.In(Cancelled, o.Get(waiting.ID))

	checked := o.upload("phones.csv", file, false)
	o.cancel(checked.ID)
	if v := o.In(Cancelled, o.Get(checked.ID)); v.EndedAt == nil {
		t.Errorf("%+v", v)
	}
	for _, verb := range []string{"configure", "cancel", "undo"} {
		fixtures.Problem(t, o.Request("POST", "/"+checked.ID+"/"+verb, nil), 409, "wrong-state")
	}

	// configuring, but no worker has begun.
	started := o.upload("phones.csv", file, false)
	wakeUp := o.Start(started.ID)
	o.cancel(started.ID)
	o.In(configuring, o.Get(started.ID))
	o.Must(o.Apply(o.Ctx, wakeUp))
	v := o.In(Cancelled, o.Get(started.ID))
	if v.Applied != 0 || o.marked(v.ID) {
		t.Errorf("%+v", v)
	}
	for _, r := range o.Result(v)[1:] {
		if r[6] != "not configured" {
			t.Errorf("result %q", r)
		}
	}
	o.EqualState(o.state(), before)
}

func (o *office) cancel(id string) {
	o.F.Helper()
	fixtures.Decode[View](o.T, o.Request("POST", "/"+id+"/cancel", nil), 202)
}

// Cancelled while the check runs.
func TestCancelWhileChecking(t *testing.T) {
	o := open(t)
	rows := filejobs.CSVFile(sheetOf(o.floor(chunkRows + 20)...))
	v := o.ask("phones.csv", rows, false)
	arrived := o.Put(v, rows)
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, ops []table.Operation, commit func() error,
	) error {
		err := commit()
		if strings.HasPrefix(ops[0].Item.Sort, planPrefix+"000000") {
			o.cancel(v.ID)
			o.cancel(v.ID) // and once more
		}
		return err
	}}
	o.Must(o.Check(o.Ctx, arrived))
	v = o.In(Cancelled, o.Get(v.ID))
	if o.marked(v.ID) || v.EndedAt == nil {
		t.Errorf("%+v", v)
	}
}

// Cancelled between two commits: what is applied stays, the result says which rows it was, and it
// can be undone (requirements, sections 5.5, 5.6).
func TestCancelWhileConfiguring(t *testing.T) {
	o := open(t)
	rows := o.floor(30)
	before := o.state()
	v := o.checked(Ready, rows...)
	wakeUp := o.Start(v.ID)
	o.After(2, func() { o.cancel(v.ID) })
	o.Must(o.Apply(o.Ctx, wakeUp))
	o.Env.Table = o.Store
	v = o.In(Cancelled, o.Get(v.ID))
	if v.Applied == 0 || v.Applied >= 30 || v.Percent == 0 || v.Percent >= 100 || o.marked(v.ID) {
		t.Fatalf("%+v", v)
	}
	for i, r := range o.Result(v)[1:] {
		if want := map[bool]string{true: "configured", false: "not configured"}[i < v.Applied]; r[6] != want {
			t.Errorf("row %d: %q, want %q", i+2, r, want)
		}
	}
	undo := o.In(Ready, o.undo(v.ID))
	if undo.Counts.Rows != v.Applied || undo.Counts.Change != v.Applied || len(undo.Needs) != 0 {
		t.Errorf("undo: %+v", undo)
	}
	o.In(Completed, o.configure(undo.ID))
	o.EqualState(o.state(), before)
}

// Rows that were changed since are left alone by an undo, and named (requirements, section 5.6).
func TestUndoLeavesAloneWhatChangedSince(t *testing.T) {
	o := open(t)
	o.Hire("John", "Alice", "Lucie", "Hallie", "Xavier")
	o.Buy(10, all()...)
	o.give("john", "101", "1001", "call_recording")
	o.give("alice", "102", "1002")
	v := o.In(Completed, o.configure(o.checked(
		Ready,
		row(
			"101",
			"1001",
			"john",
			"team_chat",
		),
		row("102", "1002", "alice", "team_chat"),
		row("104", "", "lucie"),
		row("109", "", "hallie"),
	).ID))
	o.give("john", "101", "1001", "team_chat", "device_ip_phone") // an add-on more
	o.give("lucie", "777", "")                                    // another extension
	undo := o.In(Ready, o.undo(v.ID))
	if undo.Counts != (Counts{Rows: 4, Change: 2, Error: 2}) {
		t.Errorf("%+v", undo.Counts)
	}
	if want := []fault{
		{2, "A", "Extension 101 was changed since"},
		{4, "A", "Extension 104 was changed since"},
	}; !sameFaults(
		undo.Errors,
		want,
	) {
		t.Errorf("errors%s", describe(undo.Errors))
	}
	undo = o.In(Completed, o.configure(undo.ID))
	state := o.state()
	for _, line := range []string{
		"john: 101/1001 device_ip_phone phone-system team_chat\n", "alice: 102/1002 phone-system\n",
		"lucie: 777/ phone-system\n", "hallie: /\n",
	} {
		if !strings.Contains(state, line) {
			t.Errorf("no %q in\n%s", line, state)
		}
	}
	got := o.Result(undo)
	if status := len(got[0]) - 2; got[1][status] != "error" || got[2][status] != "configured" || got[1][0] != "101" {
		t.Errorf("result %q", got)
	}
	// What was undone is as it was, so undoing once more finds every row changed since.
	if again := o.undo(v.ID); again.State != Ready || again.Counts.Error != 4 {
		t.Errorf("again: %+v", again)
	}
}

// An undo that would take from somebody what they have got since names the row and leaves it.
func TestUndoTakesNothingThatCameSince(t *testing.T) {
	o := open(t)
	o.Hire("John", "Alice", "Xavier")
	o.Buy(10, "phone-system")
	o.give("john", "101", "1001")
	v := o.In(Completed, o.configure(o.checked(Ready, row("101", "1002", "alice")).ID))
	o.give("xavier", "500", "1001") // the number went to somebody else
	o.give("john", "600", "")       // and John to another extension
	undo := o.In(Ready, o.undo(v.ID))
	if want := []fault{
		{2, "B", "belongs to extension 500"},
		{2, "C", "john has extension 600 since"},
	}; !sameFaults(
		undo.Errors,
		want,
	) {
		t.Errorf("errors%s", describe(undo.Errors))
	}
}

// A file dropped into the bucket is checked and configured by itself, once for each version of its
// key (requirements, section 5; invariant I12).
func TestDrop(t *testing.T) {
	o := open(t)
	file := o.floor(6)
	dropped := o.drop("drops/"+o.Account+"/in box/phones 1.csv", filejobs.CSVFile(sheetOf(file[:5]...)))
	for range 2 {
		o.Must(o.Check(o.Ctx, dropped))
	}
	o.deliver()
	o.Must(o.Check(o.Ctx, dropped))
	o.deliver()
	list := o.list()
	if len(list) != 1 || list[0].State != Completed || list[0].Source != fromDrop || list[0].Applied != 5 ||
		list[0].FileName != "phones 1.csv" {
		t.Fatalf("%+v", list)
	}
	if got := o.Result(o.Get(list[0].ID)); len(got) != 6 || got[5][6] != "configured" {
		t.Errorf("result %q", got)
	}
	for what, n := range o.changes(list[0].ID) {
		if strings.HasPrefix(what, "license.assigned ") && n != 4 {
			t.Errorf("%s: %d", what, n)
		}
	}
	// The same key with another content is another file.
	o.Must(o.Check(o.Ctx, o.drop("drops/"+o.Account+"/in box/phones 1.csv", filejobs.CSVFile(sheetOf(file...)))))
	o.deliver()
	if list = o.list(); len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	counts := map[int]Counts{}
	for _, v := range list {
		counts[v.Applied] = v.Counts
	}
	if counts[1] != (Counts{Rows: 6, New: 1, Unchanged: 5}) {
		t.Errorf("%+v", list)
	}
	o.state()
}

// A drop that cannot be configured is rejected with the reason, and nothing of it is applied.
func TestDropThatIsRejected(t *testing.T) {
	for name, c := range map[string]struct {
		key   string
		rows  [][]string
		words string
	}{
		"bad row": {
			"phones.csv", [][]string{row("101", "", "john"), row("102", "", "nobody")}, "Nothing was configured.",
		},
		"not enough seats": {
			"phones.csv", [][]string{row("101", "", "john"), row("102", "", "alice")}, "Phone System",
		},
		"no table at all":    {"phones.pdf", [][]string{row("101", "", "john")}, "Only Excel workbooks"},
		"not what it claims": {"phones.xlsx", [][]string{row("101", "", "john")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.Hire("John", "Alice")
			o.Buy(1, "phone-system")
			before := o.state()
			dropped := o.drop("drops/"+o.Account+"/"+c.key, filejobs.CSVFile(sheetOf(c.rows...)))
			for range 2 {
				o.Must(o.Check(o.Ctx, dropped))
				o.deliver()
			}
			list := o.list()
			if len(list) != 1 || list[0].State != Rejected || !strings.Contains(list[0].Message, c.words) ||
				len(list[0].Errors) == 0 ||
				o.marked(list[0].ID) {
				t.Errorf("%+v", list)
			}
			o.EqualState(o.state(), before)
		})
	}
}

func (o *office) list() []View {
	o.F.Helper()
	return fixtures.Decode[struct{ Items []View }](o.T, o.Request("GET", "", nil), 200).Items
}

// What no mass configuration asked for is put aside with an audit record, and is no failure that
// would be tried again.
func TestForeignObjectsArePutAside(t *testing.T) {
	o := open(t)
	file := filejobs.CSVFile(sheetOf(o.floor(1)...))
	waiting := o.ask("phones.csv", file, false)
	aside := 0
	for _, key := range []string{
		"drops/nobody/phones.csv", "drops/phones.csv", "drops/acme/", "drops/acme", "drops//phones.csv",
		"drops/../phones.csv", "elsewhere/phones.csv", "x",
		"uploads/acme/phones.csv", "uploads/acme//phones.csv", "uploads/acme/no-id/phones.csv",
		"uploads//" + waiting.ID + "/phones.csv",
		"uploads/globex/" + waiting.ID + "/phones.csv", "uploads/acme/" + waiting.ID + "/other.csv",
		"uploads/acme/" + waiting.ID + "/a/phones.csv",
		"uploads/acme/0198f6f6-0000-7000-8000-00000000ffff/phones.csv",
	} {
		info := files.Info{Ref: files.Ref{Bucket: files.Uploads, Key: key, Version: "v1"}, Size: 10, ETag: "e"}
		aside++
		if err := o.Check(o.Ctx, filejobs.Event(info)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{
		"jobs/configure/acme/.json", "jobs/configure//x.json", "jobs/configure/acme/" + waiting.ID,
		"jobs/configure/acme/no-id.json", "elsewhere",
		"jobs/configure/acme/0198f6f6-0000-7000-8000-00000000ffff.json",
	} {
		info := files.Info{Ref: files.Ref{Bucket: files.Uploads, Key: key, Version: "v1"}, Size: 2}
		aside++
		if err := o.Apply(o.Ctx, filejobs.Event(info)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	undecodable := strings.Replace(
		string(filejobs.Event(files.Info{Ref: files.Ref{Bucket: files.Uploads, Key: "KEY"}})),
		"KEY",
		"drops/acme/%zz",
		1,
	)
	aside += 2
	o.Must(o.Check(o.Ctx, []byte(undecodable)))
	o.Must(o.Apply(o.Ctx, []byte(undecodable)))

	q := table.Query{Index: table.Index1, Partition: call.Partition(strangers, "AUDIT")}
	records := 0
	o.Must(table.All(o.Ctx, o.Store, q, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		for _, named := range []string{"phones", "other", "elsewhere", waiting.ID} {
			if strings.Contains(string(r.After), named) {
				t.Errorf("an entry of no account says what a file is called: %s", r.After)
			}
		}
		if records++; r.Action != "object.putAside" || r.Reason == "" || !json.Valid(r.After) {
			t.Errorf("%+v", r)
		}
		if kept := time.Unix(item.Expires, 0).Sub(r.At).Round(time.Hour); kept != 90*24*time.Hour {
			t.Errorf("it is known for %s", kept)
		}
		return err
	}))
	if records != aside {
		t.Errorf("%d records of %d objects", records, aside)
	}
	if logged := o.Logs.String(); strings.Contains(logged, "phones.csv") {
		t.Errorf("what a file is called is in the log: %s", logged)
	}
	if list := o.list(); len(list) != 1 || list[0].State != AwaitingUpload {
		t.Errorf("%+v", list)
	}
	o.Must(o.Check(o.Ctx, []byte(`{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "seatwise-uploads"}`)))
	o.Must(o.Apply(o.Ctx, []byte(`{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "seatwise-uploads"}`)))
	if err := o.Check(o.Ctx, []byte(`{}`)); err == nil {
		t.Error("an event of nothing is taken")
	}
}

// A row that no longer fits when its turn comes, after others were applied, is refused whole and
// named; the others are applied.
func TestRowThatNoLongerFits(t *testing.T) {
	o := open(t)
	v := o.ready(20)
	wakeUp := o.Start(v.ID)
	o.Hire("Taker")
	o.Buy(1, "phone-system")
	o.After(2, func() {
		o.give("taker", "1019", "") // the extension of the last row
	})
	o.Must(o.Apply(o.Ctx, wakeUp))
	o.Env.Table = o.Store
	v = o.In(Completed, o.Get(v.ID))
	if v.Applied != 19 || v.Refused != 1 {
		t.Fatalf("%+v", v)
	}
	last := o.Result(v)[20]
	if last[6] != "refused" || !strings.Contains(last[7], "changed since the check") {
		t.Errorf("result %q", last)
	}
	if state := o.state(); !strings.Contains(state, "taker: 1019/ phone-system\n") ||
		!strings.Contains(state, "user019: /\n") {
		t.Errorf("state:\n%s", state)
	}
	undo := o.In(Ready, o.undo(v.ID))
	if undo.Counts.Rows != 19 {
		t.Errorf("undo: %+v", undo.Counts)
	}
}
