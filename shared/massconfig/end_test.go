package massconfig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// tries has the schedule run until the job is in an end state, each time after the longest pause
// there is, and says how often that was. It ends the test when a job is tried for ever.
func (o *office) tries(id string) (n int) {
	o.F.Helper()
	for ; n < 3*call.MostAttempts; n++ {
		if v := o.Get(id); v.EndedAt != nil {
			return n
		}
		o.Clock.Add(31 * time.Minute)
		_ = o.Apply(o.Ctx, o.Schedule()) // it is to fail
		o.Files.Take()
	}
	o.F.Fatalf("it was tried %d times and has not ended", n)
	return n
}

// A job that makes no progress is tried so often and no more: it fails with a reason, and its seats
// return (requirements, section 10).
func TestFailsForGoodInTheMiddle(t *testing.T) {
	o := open(t)
	v := o.ready(30)
	wakeUp := o.Start(v.ID)
	down := errors.New("the row that ends whoever applies it")
	rows := 0
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, ops []table.Operation, commit func() error,
	) error {
		for _, op := range ops {
			if op.Item.Sort == "PROGRESS" && op.Kind == table.KindPut {
				if rows++; rows > 2 {
					return down
				}
			}
		}
		return commit()
	}}
	if err := o.Apply(o.Ctx, wakeUp); !errors.Is(err, down) {
		t.Fatal(err)
	}
	held := o.summary("phone-system")
	if held.Reserved == 0 || held.Bought != held.Assigned+held.Available+held.Reserved {
		t.Errorf("while a job holds seats: %+v", held)
	}
	if n := o.tries(v.ID); n < call.MostAttempts-2 {
		t.Errorf("it was given up after %d tries: an outage is longer", n)
	}
	o.Env.Table = o.Store
	v = o.In(Failed, o.Get(v.ID))
	if v.Applied == 0 || v.Applied == 30 || !strings.Contains(v.Message, "tried 12 times") ||
		!strings.Contains(v.Message, fmt.Sprintf("%d of 30 rows", v.Applied)) {
		t.Errorf("%+v", v)
	}
	if o.marked(v.ID) {
		t.Error("the marker is still there")
	}
	o.state() // which demands that nothing is reserved
	o.In(Completed, o.configure(o.In(Ready, o.undo(v.ID)).ID))
}

// A file that ends whoever checks it is not read for ever; a process that dies says nothing, so it
// is counted before the file is opened.
func TestFailsForGoodInTheCheck(t *testing.T) {
	for name, dies := range map[string]func(o *office){
		"it fails": func(o *office) { o.Files.FailAt(1) },
		"it dies":  func(o *office) { o.Env.Table = dead{o.Store} },
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			body := filejobs.CSVFile(sheetOf(o.floor(3)...))
			v := o.ask("phones.csv", body, false)
			arrived := o.Put(v, body)
			o.Files.FailAt(1)
			_ = o.Check(o.Ctx, arrived)
			o.In(Checking, o.Get(v.ID))
			for range 3 * call.MostAttempts {
				o.Clock.Add(31 * time.Minute)
				dies(o)
				_ = o.Apply(o.Ctx, o.Schedule())
				o.Env.Table = o.Store
			}
			v = o.In(Failed, o.Get(v.ID))
			if !strings.Contains(v.Message, "check was tried 12 times") || o.marked(v.ID) {
				t.Errorf("%+v", v)
			}
		})
	}
}

// dead is a store that takes a worker's hold on a job, and whatever ends one, and nothing of a
// plan: as if the worker died in the middle.
type dead struct{ table.Store }

func (s dead) Commit(ctx context.Context, ops []table.Operation) error {
	for _, op := range ops {
		if strings.HasPrefix(op.Item.Sort, planPrefix) {
			return context.Canceled
		}
	}
	return s.Store.Commit(ctx, ops)
}

// A job that makes progress is not given up, however often its workers die.
func TestProgressIsNoAttempt(t *testing.T) {
	o := open(t)
	v := o.ready(120)
	wakeUp := o.Start(v.ID)
	commits := 0
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, ops []table.Operation, commit func() error,
	) error {
		for _, op := range ops {
			if op.Item.Sort == "PROGRESS" && op.Kind == table.KindPut {
				if commits++; commits%2 == 0 {
					return context.Canceled
				}
			}
		}
		return commit()
	}}
	_ = o.Apply(o.Ctx, wakeUp)
	if n := o.tries(v.ID); n < call.MostAttempts {
		t.Fatalf("the test takes too few tries: %d", n)
	}
	o.Env.Table = o.Store
	if v = o.In(Completed, o.Get(v.ID)); v.Applied != 120 {
		t.Errorf("%+v", v)
	}
	o.state()
}

func (o *office) summary(product string) inventory.Summary {
	o.F.Helper()
	rows, err := inventory.NewService(catalog.Default()).Summary(o.Ctx, o.Call("admin"))
	o.Must(err)
	for _, row := range rows {
		if row.ProductID == product {
			return row
		}
	}
	o.F.Fatalf("no %s", product)
	return inventory.Summary{}
}

// Whose object version is gone ends all the same: applied, or cancelled, and can be undone.
func TestObjectThatIsGone(t *testing.T) {
	for name, cancelled := range map[string]bool{"configured": false, "cancelled": true} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			rows := o.floor(12)
			before := o.state()
			v := o.checked(Ready, rows...)
			wakeUp := o.Start(v.ID)
			o.remove(uploadObject(o.Account, v.ID, v.FileName))
			if cancelled {
				o.After(2, func() { o.cancel(v.ID) })
			}
			o.Must(o.Apply(o.Ctx, wakeUp))
			o.Env.Table = o.Store
			v = o.Get(v.ID)
			if want := map[bool]State{true: Cancelled, false: Completed}[cancelled]; v.State != want ||
				v.ResultURL != "" ||
				!strings.Contains(v.Message, "no longer there") {
				t.Fatalf("%+v", v)
			}
			o.In(Completed, o.configure(o.In(Ready, o.undo(v.ID)).ID))
			o.EqualState(o.state(), before)
		})
	}
}

// remove takes an object away with all its versions, as a lifecycle rule does.
func (o *office) remove(key string) {
	o.F.Helper()
	info, err := o.Files.Head(o.Ctx, files.Ref{Bucket: files.Uploads, Key: key})
	o.Must(err)
	url, _, err := o.Files.PresignGet(o.Ctx, info.Ref, "x", time.Now(), time.Minute)
	o.Must(err)
	address, _, _ := strings.Cut(url, "?")
	req, err := http.NewRequestWithContext(o.Ctx, http.MethodDelete, address+"?versionId="+info.Version, http.NoBody)
	o.Must(err)
	resp, err := http.DefaultClient.Do(req)
	o.Must(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		o.F.Fatalf("delete: %s", resp.Status)
	}
}

// An upload that never came ends after its URL; one whose event was lost is taken in then.
func TestUploadThatNeverCame(t *testing.T) {
	o := open(t)
	body := filejobs.CSVFile(sheetOf(o.floor(2)...))
	never, lost := o.ask("phones.csv", body, false), o.ask("phones.csv", body, false)
	o.Put(lost, body)
	o.Clock.Add(uploadLife + 9*time.Minute) // one that began in time may still be on its way
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	o.In(AwaitingUpload, o.Get(never.ID))
	o.In(AwaitingUpload, o.Get(lost.ID))
	o.Clock.Add(2 * time.Minute)
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	v := o.In(Cancelled, o.Get(never.ID))
	if v.EndedAt == nil || !strings.Contains(v.Message, "No file came") || o.marked(never.ID) {
		t.Errorf("%+v", v)
	}
	if v := o.In(Ready, o.Get(lost.ID)); v.Counts.New != 2 {
		t.Errorf("%+v", v)
	}
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	o.In(Cancelled, o.Get(never.ID))
	if n := o.audits()["massConfiguration.cancelled massConfiguration:"+never.ID]; n != 1 {
		t.Errorf("%d records of the end: %v", n, o.audits())
	}
}

// Where one process has the store to itself, a restart goes on at once with what the former process
// left: it is dead.
func TestRestartKnowsThatTheFormerProcessIsDead(t *testing.T) {
	for name, alone := range map[string]bool{"on one machine": true, "in AWS": false} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.Env.Process, o.Env.Alone = "former", alone
			v := o.ready(12)
			wakeUp := o.Start(v.ID)
			killed := errors.New("killed")
			var dead bool
			o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
				_ context.Context, ops []table.Operation, commit func() error,
			) error {
				for _, op := range ops {
					dead = dead || op.Item.Sort == "PROGRESS"
				}
				if dead {
					return killed
				}
				return commit()
			}}
			if err := o.Apply(o.Ctx, wakeUp); !errors.Is(err, killed) {
				t.Fatal(err)
			}
			o.Env.Table, o.Env.Process = o.Store, "next"
			o.Must(o.Apply(o.Ctx, wakeUp))
			if want := map[bool]State{true: Completed, false: configuring}[alone]; o.Get(v.ID).State != want {
				t.Errorf("%+v", o.Get(v.ID))
			}
			o.Clock.Add(leaseLife + time.Second)
			o.Must(o.Apply(o.Ctx, wakeUp))
			o.In(Completed, o.Get(v.ID))
		})
	}
}

// dropped is the event of a version of a dropped file, in its order.
func (o *office) dropped(n int, rows ...[]string) []byte {
	o.F.Helper()
	raw := o.drop("drops/"+o.Account+"/phones.csv", filejobs.CSVFile(sheetOf(rows...)))
	return []byte(strings.Replace(string(raw), "0055AED6DCD90281E5", fmt.Sprintf("0055AED6DCD9%04X", n), 1))
}

// Versions of one file, told of in any order: the newest has the last word.
func TestOlderVersionComesLate(t *testing.T) {
	for _, order := range [][]int{
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}, {2, 0, 2, 1, 0, 2},
	} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			o := open(t)
			o.Hire("Ann", "Bob", "Eve")
			o.Buy(3, all()...)
			versions := [][]byte{
				o.dropped(9, row("101", "", "ann")),
				o.dropped(10, row("101", "", "bob")),
				o.dropped(300, row("101", "", "eve")),
			}
			for _, n := range order {
				o.Must(o.Check(o.Ctx, versions[n]))
				o.deliver()
			}
			if state := o.state(); !strings.Contains(state, "eve: 101/ phone-system") ||
				strings.Contains(state, "bob: 101") ||
				strings.Contains(state, "ann: 101") {
				t.Errorf("the newest version does not count:\n%s", state)
			}
			for _, v := range o.list() {
				if v.State != Completed && !(v.State == Rejected && strings.Contains(v.Message, "newer version")) {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}

// A version that is refused because a newer one came, and whose worker dies right after it was
// taken in, stays refused: whoever goes on with it knows why.
func TestOlderVersionWhoseWorkerDies(t *testing.T) {
	o := open(t)
	o.Hire("Ann", "Bob")
	o.Buy(2, all()...)
	older, newer := o.dropped(1, row("101", "", "ann")), o.dropped(2, row("101", "", "bob"))
	o.Must(o.Check(o.Ctx, newer))
	o.deliver()
	if _, died := o.killed(faulty.CrashAfter, 1, func() error { return o.Check(o.Ctx, older) }); !died {
		t.Fatal("nobody died")
	}
	o.Clock.Add(leaseLife + time.Minute)
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	o.deliver()
	if state := o.state(); strings.Contains(state, "ann: 101") || !strings.Contains(state, "bob: 101/") {
		t.Errorf("the older version counts:\n%s", state)
	}
	if v := o.list()[0]; v.State != Rejected || !strings.Contains(v.Message, "newer version") {
		t.Errorf("%+v", v)
	}
}

// Overwritten while it is configured: the older version stops between two commits, and the newer
// one goes on from there when the older one has ended.
func TestOverwrittenWhileItIsConfigured(t *testing.T) {
	o := open(t)
	rows := o.floor(30)
	older := o.dropped(1, rows...)
	o.Hire("Eve")
	for i := range rows {
		rows[i] = row(rows[i][0], rows[i][1], rows[i][2], "call_recording")
	}
	newest := o.dropped(3, rows...)
	middle := o.dropped(2, rows[:7]...)
	o.Must(o.Check(o.Ctx, older))
	o.After(2, func() {
		o.Must(o.Check(o.Ctx, newest))
		o.Must(o.Check(o.Ctx, middle))
		o.Must(o.Apply(o.Ctx, o.Schedule())) // the newer one waits, whoever looks at it
	})
	o.deliver()
	o.Env.Table = o.Store
	o.deliver()
	o.Clock.Add(time.Minute)
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	o.deliver()
	ends := map[State]int{}
	for _, v := range o.list() {
		ends[v.State]++
		switch {
		case v.State == Cancelled &&
			(v.Applied == 0 || v.Applied == 30 || !strings.Contains(v.Message, "newer version")):
			t.Errorf("the older one: %+v", v)
		case v.State == Completed && v.Applied != 30:
			t.Errorf("the newest one: %+v", v)
		}
	}
	if ends[Cancelled] != 1 || ends[Completed] != 1 || ends[Rejected] != 1 {
		t.Errorf("%v", ends)
	}
	for line := range strings.Lines(o.state()) {
		if strings.HasPrefix(line, "user0") && !strings.HasSuffix(line, " call_recording phone-system\n") {
			t.Errorf("%q", line)
		}
	}
}

// An event that names another bucket is about another object, and a key that is not UTF-8 is about
// none.
func TestObjectsThatAreNotOurs(t *testing.T) {
	for name, of := range map[string][2]string{
		"another bucket":    {"seatwise-uploads", "somebody-elses"},
		"not UTF-8":         {"phones.csv", "phones%ff%fe.csv"},
		"unseen characters": {"phones.csv", "phones%E2%80%AE.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			ours := string(o.dropped(1, o.floor(3)...))
			foreign := strings.Replace(ours, of[0], of[1], 1)
			if foreign == ours {
				t.Fatal(ours)
			}
			o.Must(o.Check(o.Ctx, []byte(foreign)))
			if list := o.list(); len(list) != 0 {
				t.Errorf("%+v", list)
			}
			stranger := office{o.Within(t), o.service}
			stranger.Fixture = &fixtures.Fixture{Env: o.Env, Account: strangers, Clock: o.Clock}
			n := 0
			for what := range stranger.audits() {
				if strings.HasPrefix(what, "object.putAside ") {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%v", stranger.audits())
			}
		})
	}
}

// A wake-up in another bucket wakes nobody.
func TestWakeUpInAnotherBucket(t *testing.T) {
	o := open(t)
	v := o.ready(2)
	wakeUp := o.Start(v.ID)
	o.Must(o.Apply(o.Ctx, []byte(strings.Replace(string(wakeUp), "seatwise-uploads", "somebody-elses", 1))))
	o.In(configuring, o.Get(v.ID))
	o.Must(o.Apply(o.Ctx, wakeUp))
	o.In(Completed, o.Get(v.ID))
}
