package imports_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/parts"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// ending is all that a run leaves behind that anybody can see.
type ending struct{ state, result, log, view string }

func (o *office) end(v imports.View) ending {
	o.F.Helper()
	e := ending{
		state:  o.state(),
		result: fmt.Sprint(o.Result(v)),
		log:    strings.Join(o.log(), "\n"),
		view: fmt.Sprintf(
			"%s %+v applied %d refused %d percent %d %s",
			v.State,
			v.Counts,
			v.Applied,
			v.Refused,
			v.Percent,
			v.Message,
		),
	}
	for _, part := range []*string{&e.state, &e.result, &e.log, &e.view} {
		*part = strings.ReplaceAll(strings.ReplaceAll(*part, v.ID, "ID"), o.Account, "ACCOUNT")
	}
	return e
}

func (e ending) same(t *testing.T, what string, want ending) {
	t.Helper()
	for _, part := range []struct{ name, got, want string }{
		{"state", e.state, want.state},
		{"result file", e.result, want.result},
		{"audit log", e.log, want.log},
		{"view", e.view, want.view},
	} {
		if part.got != part.want {
			t.Errorf("%s: the %s is\n%s\nwant\n%s", what, part.name, part.got, part.want)
		}
	}
}

// heavy are rows of users of which one changes more than fits into a commit: somebody who holds
// nearly everything leaves, and has all roles exchanged.
func heavy(o *office) (header []string, rows [][]string) {
	o.F.Helper()
	header = append([]string(nil), headers[imports.Users][:7]...)
	leaver := row("ann", "Zoe y los de Otro Nombre", "", "202", "6500000002", "no", "")
	var had []string
	for i := range directory.MaxRoles {
		o.role(fmt.Sprintf("had%d", i))
		o.role(fmt.Sprintf("gets%d", i))
		had = append(had, fmt.Sprintf("had%d", i))
		header = append(header, fmt.Sprintf("Role %d", i+1))
		leaver = append(leaver, fmt.Sprintf("gets%d", i))
	}
	o.User(directory.User{
		ID: "ann", Name: "Ann", Extension: "101", Number: "6500000001", RoleIDs: had, Active: true,
		Licenses: []string{"essential-user", "client-desktop", "client-crm", "reports-supervisor"},
	})
	for _, p := range catalog.Default().Products() {
		if !p.Purchasable() {
			continue
		}
		o.Buy(1, p.ID)
		ch := o.Kernel.Change(o.Call("admin"))
		o.Must(load(o, ch, "ann"))
		o.Must(ch.Grant(o.Ctx, "ann", p.ID, "direct"))
		o.Must(commit(o, ch))
	}
	return header, [][]string{row("john", "John"), leaver, row("eve", "Eve", "", "101")}
}

// cases are the imports that are killed: the examples of each kind, and one of which a row takes
// two commits.
func cases() map[string]func(o *office) (imports.Kind, []byte) {
	all := map[string]func(o *office) (imports.Kind, []byte){
		"a row of two commits": func(o *office) (imports.Kind, []byte) {
			header, rows := heavy(o)
			return imports.Users, filejobs.CSVFile(fill(append([][]string{header}, rows...)))
		},
		"extensions exchanged": func(o *office) (imports.Kind, []byte) {
			o.User(directory.User{ID: "a", Name: "A", Extension: "101", Number: "1001", Active: true})
			o.User(directory.User{ID: "b", Name: "B", Extension: "102", Active: true})
			return imports.Users, filejobs.CSVFile(
				content(imports.Users, row("a", "A", "", "102"), row("b", "B", "", "101", "1001")),
			)
		},
	}
	for name, e := range examples {
		all[name] = func(o *office) (imports.Kind, []byte) {
			e.before(o)
			return e.kind, filejobs.CSVFile(content(e.kind, e.rows...))
		}
	}
	return all
}

// A worker dies before or after any commit, of the check or of the applying, or loses the answer of
// one; whoever finishes the work once the lease is over comes to the same end: state, result file,
// audit log and what is shown (invariant I14). Here each commit has one of the three faults, by
// turns; in the long rounds each has all of them.
func TestKilledAtEveryCommit(t *testing.T) {
	for name, prepare := range cases() {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			run := func(fault faulty.Fault, inCheck bool, at int) (ending, int) {
				a := o.fresh(t)
				kind, file := prepare(a)
				v := a.ask(kind, "file.csv", file, false)
				arrived := a.Put(v, file)
				store := faulty.New(a.Store, faulty.AtCommit(at, fault))
				kill := func(work func() error) {
					a.Env.Table = store
					err := work()
					a.Env.Table = a.Store
					if err != nil && !errors.Is(err, faulty.ErrCrashed) && !errors.Is(err, context.DeadlineExceeded) {
						t.Fatalf("killed: %v", err)
					}
					a.Must(a.Apply(a.Ctx, a.Schedule())) // too early, unless the worker could let go
					a.Clock.Add(lease.Life + time.Second)
					a.Must(a.Apply(a.Ctx, a.Schedule()))
				}
				check := func() error { return a.Check(a.Ctx, arrived) }
				if inCheck {
					kill(check)
					a.Must(check()) // S3 delivers once more
				} else {
					a.Must(check())
				}
				a.In(filejob.Ready, a.Get(v.ID))
				wakeUp := a.Start(v.ID)
				apply := func() error { return a.Apply(a.Ctx, wakeUp) }
				if inCheck {
					a.Must(apply())
				} else {
					kill(apply)
				}
				a.Must(apply()) // and the wake-up comes twice
				return a.end(a.In(filejob.Completed, a.Get(v.ID))), store.Commits()
			}
			for _, inCheck := range []bool{true, false} {
				want, commits := run(faulty.None, inCheck, 0)
				if commits < 3 || !strings.Contains(want.view, "refused 0") {
					t.Fatalf("without a kill: %s in %d commits", want.view, commits)
				}
				faults := []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter, faulty.TimeoutAfter}
				for i, fault := range faults {
					for at := 1 + parts.Sized(i, 0); at <= commits; at += parts.Sized(len(faults), 1) {
						got, _ := run(fault, inCheck, at)
						got.same(
							t,
							fmt.Sprintf("in check %v, %v at commit %d of %d", inCheck, fault, at, commits),
							want,
						)
					}
				}
			}
		})
	}
}

// The same where no worker gets further than one commit: each commit is killed once before it, and
// once after it, of every worker that takes over.
func TestNoWorkerSurvivesACommit(t *testing.T) {
	for name, fixture := range map[string]func(t *testing.T) *fixtures.Fixture{
		"bolt":   func(t *testing.T) *fixtures.Fixture { return fixtures.New(t) },
		"dynamo": func(t *testing.T) *fixtures.Fixture { return fixtures.On(t, dynamostore.Open(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			o := openOn(t, fixture(t))
			for name, prepare := range cases() {
				var ends []ending
				for _, cut := range []bool{false, true} {
					a := o.fresh(t)
					kind, file := prepare(a)
					v := a.In(filejob.Ready, a.upload(kind, "file.csv", file, false))
					wakeUp := a.Start(v.ID)
					deaths := 0
					for dead := cut; dead; {
						dead = false
						for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
							// the first commit of a worker takes the lease
							store := faulty.New(a.Store, faulty.AtCommit(2, fault))
							a.Env.Table = store
							err := a.Apply(a.Ctx, wakeUp)
							a.Env.Table = a.Store
							if errors.Is(err, faulty.ErrCrashed) {
								dead = true
								deaths++
							}
							a.Clock.Add(lease.Life + time.Second)
						}
					}
					a.Must(a.Apply(a.Ctx, wakeUp))
					if cut && deaths < 4 {
						t.Errorf("%s: %d workers died", name, deaths)
					}
					ends = append(ends, a.end(a.In(filejob.Completed, a.Get(v.ID))))
				}
				ends[1].same(t, name+": killed at every commit", ends[0])
			}
		})
	}
}

// staff are rows of a number of new users.
func staff(n int) [][]string {
	var rows [][]string
	for i := range n {
		rows = append(
			rows,
			row(
				fmt.Sprintf("user%02d", i),
				fmt.Sprintf("User %d", i),
				"",
				fmt.Sprint(100+i),
				"",
				"",
				"",
				"",
				"",
				"client-desktop",
			),
		)
	}
	return rows
}

// puts counts the records of users that were put by this office's imports.
func (o *office) puts() map[string]int {
	counts := map[string]int{}
	for _, line := range o.log() {
		if strings.HasPrefix(line, "user.put ") {
			counts[strings.Fields(line)[1]]++
		}
	}
	return counts
}

// Many workers at once, and one that was silent for longer than its lease and goes on: no row is
// done twice.
func TestWorkersAtOnce(t *testing.T) {
	o := open(t)
	v := o.checked(filejob.Ready, imports.Users, staff(12)...)
	wakeUp := o.Start(v.ID)
	o.Before(4, func() {
		o.Must(o.Apply(o.Ctx, wakeUp)) // too early: the lease is in force
		if got := o.Get(v.ID); got.State != "applying" || got.Applied != 3 || got.Percent != 25 {
			t.Errorf("under the lease: %+v", got)
		}
		o.Clock.Add(lease.Life + time.Second)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := o.Apply(o.Ctx, wakeUp); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
	o.Must(o.Apply(o.Ctx, wakeUp))
	if v = o.In(filejob.Completed, o.Get(v.ID)); v.Applied != 12 || v.Refused != 0 {
		t.Errorf("%+v", v)
	}
	puts := o.puts()
	for user, n := range puts {
		if n != 1 {
			t.Errorf("%s was put %d times", user, n)
		}
	}
	if len(puts) != 12 {
		t.Errorf("%d users were put", len(puts))
	}
}

// Cancelled between rows: what is applied stays, and the result says which rows it was.
func TestCancelBetweenRows(t *testing.T) {
	o := open(t)
	v := o.checked(filejob.Ready, imports.Users, staff(6)...)
	wakeUp := o.Start(v.ID)
	o.After(2, func() { fixtures.Decode[imports.View](t, o.Request("POST", "/"+v.ID+"/cancel", nil), 202) })
	o.Must(o.Apply(o.Ctx, wakeUp))
	v = o.In(filejob.Cancelled, o.Get(v.ID))
	if v.Applied != 2 || v.EndedAt == nil || v.Percent != 33 {
		t.Errorf("%+v", v)
	}
	for i, line := range o.Result(v)[1:] {
		if want := map[bool]string{
			true: "imported", false: "not imported",
		}[i < 2]; line[len(headers[imports.Users])] != want {
			t.Errorf("row %d: %q, want %q", i+2, line, want)
		}
	}
	if n := len(o.puts()); n != 2 {
		t.Errorf("%d users", n)
	}
	// And before anything runs: the file comes all the same.
	waiting := o.ask(imports.Users, "file.csv", filejobs.CSVFile(content(imports.Users, staff(1)...)), false)
	fixtures.Decode[imports.View](t, o.Request("POST", "/"+waiting.ID+"/cancel", nil), 202)
	o.Must(o.Check(o.Ctx, o.Put(waiting, filejobs.CSVFile(content(imports.Users, staff(1)...)))))
	o.In(filejob.Cancelled, o.Get(waiting.ID))
	fixtures.Problem(t, o.Request("POST", "/"+waiting.ID+"/cancel", nil), 409, "wrong-state")
	fixtures.Problem(t, o.Request("POST", "/"+waiting.ID+"/apply", nil), 409, "wrong-state")
}

// Cancelled between the two commits of one row: that row is brought to its end, and no other
// begins.
func TestCancelWithinARow(t *testing.T) {
	o := open(t)
	header, rows := heavy(o)
	v := o.In(
		filejob.Ready,
		o.upload(imports.Users, "file.csv", filejobs.CSVFile(fill(append([][]string{header}, rows...))), false),
	)
	wakeUp := o.Start(v.ID)
	o.After(2, func() {
		if u, _, err := o.People.GetUser(o.Ctx, o.Call("admin"), "ann"); err != nil || u.Active || u.Name != "Ann" {
			t.Errorf("between the two: %+v, %v", u, err)
		}
		fixtures.Decode[imports.View](t, o.Request("POST", "/"+v.ID+"/cancel", nil), 202)
	})
	o.Must(o.Apply(o.Ctx, wakeUp))
	v = o.In(filejob.Cancelled, o.Get(v.ID))
	if u, _, err := o.People.GetUser(
		o.Ctx,
		o.Call("admin"),
		"ann",
	); err != nil || u.Name != rows[1][1] || u.Extension != "202" ||
		len(u.RoleIDs) != directory.MaxRoles {
		t.Errorf("%+v, %v", u, err)
	}
	if _, _, err := o.People.GetUser(o.Ctx, o.Call("admin"), "eve"); err == nil || v.Applied != 2 {
		t.Errorf("applied %d, %v", v.Applied, err)
	}
}

// What changed between the check and the first row fails the whole plan, with the rows named, and
// nothing is applied (requirements, section 5.4).
func TestStalePlan(t *testing.T) {
	for name, c := range map[string]struct {
		before func(o *office)
		kind   imports.Kind
		rows   [][]string
		change func(o *office)
		words  string // empty where the plan must still fit
	}{
		"user put":        {nil, imports.Users, staff(3), func(o *office) { o.hire("user01") }, "Changed since the check: row 3."},
		"extension taken": {nil, imports.Users, staff(3), func(o *office) { o.User(directory.User{ID: "x", Name: "X", Extension: "101", Active: true}) }, "row 3."},
		"role deleted":    {func(o *office) { o.role("agent") }, imports.Users, [][]string{row("u", "U", "", "", "", "", "", "agent")}, func(o *office) { o.Must(o.People.DeleteRole(o.Ctx, o.Call("admin"), "agent")) }, "row 2."},
		"role carries more": {
			func(o *office) { o.role("agent") }, imports.Users,
			[][]string{row("u", "U", "", "", "", "", "", "agent")},
			func(o *office) { o.role("agent", "client-desktop") }, "row 2.",
		},
		"own extension changed": {
			func(o *office) { o.hire("john") }, imports.Users,
			[][]string{row("john", "John", "", "101")},
			func(o *office) {
				ch := o.Kernel.Change(o.Call("admin"))
				o.Must(load(o, ch, "john"))
				o.Must(ch.Extend(o.Ctx, "john", "555", ""))
				o.Must(commit(o, ch))
			}, "row 2.",
		},
		"member deleted": {
			func(o *office) { o.hire("john", "alice") }, imports.CallQueues,
			[][]string{row("q1", "Q", "alice"), row("q2", "Q", "john")},
			func(o *office) { o.Must(o.People.DeleteUser(o.Ctx, o.Call("admin"), "john")) }, "row 3.",
		},
		"queue put": {
			func(o *office) { o.hire("john"); o.queue("q1") }, imports.CallQueues,
			[][]string{row("q1", "Q", "john")},
			func(o *office) { o.queue("q1", "john") }, "row 2.",
		},
		"grants settled": {
			func(o *office) { o.hire("john", "alice"); o.queue("q1", "john"); o.dashboard("d1", "q1") },
			imports.CallQueues,
			[][]string{row("q1", "Q", "alice")},
			func(o *office) { o.Buy(1, "live-reports"); o.Must(o.People.Resume(o.Ctx, "")) }, "",
		},
		"granted meanwhile": {
			func(o *office) { o.hire("john"); o.queue("q1", "john"); o.Buy(1, "live-reports") }, imports.Users,
			[][]string{row("john", "John", "", "", "", "no")},
			func(o *office) { o.dashboard("d1", "q1") }, "",
		},
		"queue deleted": {
			func(o *office) { o.queue("q1") }, imports.Dashboards,
			[][]string{row("d1", "D", "q1")},
			func(o *office) { o.Must(o.People.DeleteQueue(o.Ctx, o.Call("admin"), "q1")) }, "row 2.",
		},
		"dashboard made": {
			nil, imports.Dashboards,
			[][]string{row("d1", "D"), row("d2", "D")},
			func(o *office) { o.dashboard("d2") },
			"row 3.",
		},
		"unchanged row changed": {
			func(o *office) { o.hire("john") }, imports.Users,
			[][]string{row("john", "John", "john@acme.example"), row("u", "U")},
			func(o *office) { o.User(directory.User{ID: "john", Name: "Johnny", Active: true}) }, "row 2.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			if c.before != nil {
				c.before(o)
			}
			v := o.checked(filejob.Ready, c.kind, c.rows...)
			c.change(o)
			before := o.state()
			v = o.run(v.ID)
			if c.words == "" {
				o.In(filejob.Completed, v)
				return
			}
			o.In(filejob.Failed, v)
			if !strings.Contains(v.Message, "The plan no longer fits; nothing was imported.") ||
				!strings.Contains(v.Message, c.words) ||
				v.Applied != 0 {
				t.Errorf("%q", v.Message)
			}
			o.EqualState(o.state(), before)
		})
	}
}

// A row that no longer fits when its turn comes, after others were applied, is refused whole and
// named; the others are applied, and nobody gives up an extension for a row that is refused.
func TestRowThatNoLongerFits(t *testing.T) {
	o := open(t)
	o.User(directory.User{ID: "owner", Name: "Owner", Extension: "900", Active: true})
	rows := append(staff(2), row("owner", "Owner", "", "901"), row("heir", "Heir", "", "900"), row("last", "Last"))
	v := o.checked(filejob.Ready, imports.Users, rows...)
	wakeUp := o.Start(v.ID)
	o.After(2, func() { o.User(directory.User{ID: "owner", Name: "Changed", Extension: "900", Active: true}) })
	o.Must(o.Apply(o.Ctx, wakeUp))
	v = o.In(filejob.Completed, o.Get(v.ID))
	if v.Applied != 3 || v.Refused != 2 || v.Percent != 100 {
		t.Fatalf("%+v", v)
	}
	lines := o.Result(v)
	width := len(headers[imports.Users])
	if lines[3][width] != "refused" || !strings.Contains(lines[3][width+1], "changed since the check") ||
		lines[4][width] != "refused" ||
		!strings.Contains(lines[4][width+1], "Extension 900 belongs to another user") ||
		lines[5][width] != "imported" {
		t.Errorf("result %q", lines)
	}
	if state := o.state(); !strings.Contains(state, `owner "Changed"  900/`) || strings.Contains(state, "heir") ||
		!strings.Contains(state, "user last") {
		t.Errorf("state:\n%s", state)
	}
}

// A row is refused of whose user somebody else has changed the cost center since the check.
func TestRowWhoseCostCenterChanged(t *testing.T) {
	o := open(t)
	o.centers("SALES", "SUPPORT", "LAB")
	one := directory.User{ID: "one", Name: "One", Active: true, CostCenter: "SALES"}
	o.User(one)
	cells := func(id, center string) []string { return row(id, id, "", "", "", "", "", "", "", "", "", center) }
	v := o.checked(filejob.Ready, imports.Users, cells("New", "LAB"), cells("one", "SUPPORT"))
	wakeUp := o.Start(v.ID)
	one.CostCenter = "LAB"
	o.After(1, func() { o.User(one) })
	o.Must(o.Apply(o.Ctx, wakeUp))
	v = o.In(filejob.Completed, o.Get(v.ID))
	if line := strings.Join(o.Result(v)[2], " "); v.Applied != 1 || v.Refused != 1 ||
		!strings.Contains(line, "changed since the check") {
		t.Errorf("%+v: %s", v, line)
	}
	if got := o.profiles()["one"].CostCenter; got != "LAB" {
		t.Errorf("one is of %q", got)
	}
}

// Whatever the kind, a row is refused whose thing was put since the check, and the others are applied.
func TestRowOfEachKindThatNoLongerFits(t *testing.T) {
	put := map[imports.Kind]func(o *office, name string){
		imports.Users: func(o *office, name string) {
			o.User(directory.User{ID: "one", Name: name, Active: true})
		},
		imports.CallQueues: func(o *office, name string) {
			_, err := o.People.PutQueue(o.Ctx, o.Call("admin"), "one", name, nil)
			o.Must(err)
		},
		imports.Dashboards: func(o *office, name string) {
			_, err := o.People.PutDashboard(o.Ctx, o.Call("admin"), directory.Dashboard{ID: "one", Name: name})
			o.Must(err)
		},
	}
	for _, kind := range everyKind {
		t.Run(string(kind), func(t *testing.T) {
			if put[kind] == nil {
				t.Fatal("the test cannot put one")
			}
			o := open(t)
			put[kind](o, "As it was")
			v := o.checked(filejob.Ready, kind, row("new", "New"), row("one", "As the file has it"))
			wakeUp := o.Start(v.ID)
			o.After(1, func() { put[kind](o, "As it was put meanwhile") })
			o.Must(o.Apply(o.Ctx, wakeUp))
			v = o.In(filejob.Completed, o.Get(v.ID))
			line := strings.Join(o.Result(v)[2], " ")
			if v.Applied != 1 || v.Refused != 1 || !strings.Contains(line, "changed since the check") {
				t.Errorf("%+v: %s", v, line)
			}
		})
	}
}

// A row takes from another user what their own row is still to give up, as the check found it, and
// nothing else: somebody who was put meanwhile keeps all that they have, whether their row comes
// first, later or changes nothing, and their own row is refused whole.
func TestNobodyGivesUpWhatTheCheckDidNotFind(t *testing.T) {
	first, moves, stays := row("first", "First"), row("owner", "Owner", "", "901"), row("owner", "Owner", "", "900")
	for name, c := range map[string]struct {
		rows    [][]string
		given   string // the owner's extension meanwhile
		refused []int  // places of rows
	}{
		"row to come":       {[][]string{first, row("heir", "Heir", "", "900"), moves}, "900", []int{2, 3}},
		"number":            {[][]string{first, row("heir", "Heir", "", "905", "5550900"), moves}, "900", []int{2, 3}},
		"row to come, else": {[][]string{first, row("heir", "Heir", "", "905"), moves}, "905", []int{2, 3}},
		"row done":          {[][]string{moves, row("heir", "Heir", "", "905")}, "905", []int{2}},
		"row of no change":  {[][]string{first, stays, row("heir", "Heir", "", "905")}, "905", []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.User(directory.User{ID: "owner", Name: "Owner", Extension: "900", Active: true})
			if name == "number" {
				o.User(directory.User{ID: "owner", Name: "Owner", Extension: "900", Number: "5550900", Active: true})
			}
			v := o.checked(filejob.Ready, imports.Users, c.rows...)
			wakeUp := o.Start(v.ID)
			now := directory.User{ID: "owner", Name: "Changed", Extension: c.given, Number: "5550900", Active: true}
			o.After(1, func() { o.User(now) })
			o.Must(o.Apply(o.Ctx, wakeUp))
			v = o.In(filejob.Completed, o.Get(v.ID))
			lines := o.Result(v)
			for i := range c.rows {
				if got := lines[i+1][len(headers[imports.Users])]; (got == "refused") != slices.Contains(
					c.refused,
					i+1,
				) {
					t.Errorf("row %d: %q", i+2, lines[i+1])
				}
			}
			if u, _, err := o.People.GetUser(
				o.Ctx,
				o.Call("admin"),
				"owner",
			); err != nil || u.Name != now.Name || u.Extension != now.Extension ||
				u.Number != now.Number {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
}

// When the invocation's time is nearly over, the rest is handed to the next one.
func TestHandsOnBeforeTheDeadline(t *testing.T) {
	o := open(t)
	o.Clock.Set(time.Now())
	v := o.checked(filejob.Ready, imports.Users, staff(10)...)
	next := [][]byte{o.Start(v.ID)}
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, _ []table.Operation, commit func() error,
	) error {
		o.Clock.Add(15 * time.Second)
		return commit()
	}}
	invocations := 0
	for ; len(next) > 0; invocations++ {
		ctx, cancel := context.WithDeadline(o.Ctx, o.Clock.Now().Add(time.Minute))
		o.Must(o.Apply(ctx, next[0]))
		cancel()
		next = next[1:]
		for _, info := range o.Files.Take() {
			next = append(next, filejobs.Event(info))
		}
	}
	o.Env.Table = o.Store
	if v = o.In(filejob.Completed, o.Get(v.ID)); v.Applied != 10 || invocations < 3 {
		t.Errorf("%+v after %d invocations", v, invocations)
	}
}
