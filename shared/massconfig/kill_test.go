package massconfig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/inmemory"
	"seatwise/infra/testing/parts"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/faulty"
)

// killRows is the size of the run that is killed: several chunks.
func killRows() int { return parts.Sized(120, 600) }

// ending is all that a run leaves behind that anybody can see.
type ending struct {
	state  string
	result string
	log    string
	view   string
}

// end collects it.
func (o *office) end(id string) ending {
	o.F.Helper()
	v := o.In(Completed, o.Get(id))
	if o.marked(id) {
		o.F.Errorf("the marker is left")
	}
	return ending{
		state:  o.state(),
		result: fmt.Sprint(o.Result(v)),
		log:    strings.Join(o.log(), "\n"),
		view: fmt.Sprintf(
			"%+v applied %d refused %d percent %d %s",
			v.Counts,
			v.Applied,
			v.Refused,
			v.Percent,
			v.Message,
		),
	}
}

// log is every audit record of the account, whole but for its id, its time, the request's id and
// the ids of licenses, which are different in every run.
func (o *office) log() []string {
	o.F.Helper()
	var lines []string
	for _, r := range o.Records() {
		lines = append(
			lines,
			fmt.Sprintln(r.Action, r.Subject, r.Actor, r.User, r.Reason, string(r.Before), string(r.After)),
		)
	}
	slices.Sort(lines)
	return lines
}

// same compares two endings, and shows where they part.
func (e ending) same(t *testing.T, what string, want ending) {
	t.Helper()
	for _, part := range []struct{ name, got, want string }{
		{"state", e.state, want.state},
		{"result file", e.result, want.result},
		{"audit log", e.log, want.log},
		{"view", e.view, want.view},
	} {
		if part.got == part.want {
			continue
		}
		got, wanted := strings.Split(part.got, "\n"), strings.Split(part.want, "\n")
		for i := range max(len(got), len(wanted)) {
			if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
				t.Errorf(
					"%s: the %s parts at line %d of %d and %d: %.300q, want %.300q",
					what,
					part.name,
					i+1,
					len(got),
					len(wanted),
					at(got, i),
					at(wanted, i),
				)
				break
			}
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// killed lets a worker die; any other end fails the test.
func (o *office) killed(fault faulty.Fault, commit int, work func() error) (commits int, died bool) {
	o.F.Helper()
	store := faulty.New(o.Store, faulty.AtCommit(commit, fault))
	o.Env.Table = store
	err := work()
	o.Env.Table = o.Store
	if err != nil && !errors.Is(err, faulty.ErrCrashed) {
		o.F.Fatal(err)
	}
	return store.Commits(), err != nil
}

// A run of many rows is killed before and after a commit, and another worker finishes it once the
// lease is over; each time from the same state before, which is copied. The end state, the result
// file and the audit log are those of the run without a kill (invariant I14). Here it is every
// tenth commit, and all of them in the long rounds, a share of them each day;
// TestNoWorkerSurvivesACommit and TestKilledAtEveryCommit have every commit in any case.
func TestLongRunIsKilled(t *testing.T) {
	//nolint:usetesting // in memory, where there is such a place
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	seeded := filepath.Join(folder, "seeded.db")
	store, err := bolt.Open(seeded)
	if err != nil {
		t.Fatal(err)
	}
	first := openOn(t, fixtures.On(t, store))
	v := first.ready(killRows())
	wakeUp := first.Start(v.ID)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	run := func(fault faulty.Fault, commit int) (ending, int) {
		path := filepath.Join(folder, "run.db")
		data, err := os.ReadFile(seeded)
		if err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		store, err := bolt.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		k := fixtures.On(t, store)
		k.Env.IDs = first.Env.IDs
		o := openWith(t, k, first.Files.Store)
		commits, died := o.killed(fault, commit, func() error { return o.Apply(o.Ctx, wakeUp) })
		if died {
			o.Must(o.Apply(o.Ctx, o.Schedule())) // too early: the lease of the dead worker is not over
			o.Clock.Add(leaseLife + time.Second)
			o.Must(o.Apply(o.Ctx, o.Schedule()))
		} else if fault != faulty.None {
			t.Fatalf("%v at commit %d: nobody died", fault, commit)
		}
		return o.end(v.ID), commits
	}
	want, commits := run(faulty.None, 0)
	if commits < killRows()/12 || !strings.Contains(want.view, fmt.Sprintf("applied %d refused 0", killRows())) {
		t.Fatalf("%s in %d commits", want.view, commits)
	}
	t.Logf("%d commits", commits)
	for _, at := range parts.Today(stops(commits)) {
		for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
			got, _ := run(fault, at)
			got.same(t, fmt.Sprintf("%v at commit %d of %d", fault, at, commits), want)
		}
	}
}

// stops are the commits at which a run is killed.
func stops(commits int) []int {
	var at []int
	for commit := 1; commit <= commits; commit += parts.Sized(10, 1) {
		at = append(at, commit)
	}
	return at
}

// The same run where no worker gets further than one commit: each commit, the taking of the lease
// too, is killed once before it and once after it.
func TestNoWorkerSurvivesACommit(t *testing.T) {
	for _, over := range []struct {
		name    string
		fixture func(t *testing.T) *fixtures.Fixture
		rows    int
	}{
		{"bolt", func(t *testing.T) *fixtures.Fixture { return fixtures.New(t) }, killRows()},
		{
			"dynamo", func(t *testing.T) *fixtures.Fixture { return fixtures.On(t, dynamostore.Open(t)) },
			parts.Sized(60, 600),
		},
	} {
		t.Run(over.name, func(t *testing.T) {
			o := openOn(t, over.fixture(t))
			whole, cut := o.fresh(t), o.fresh(t)
			ends := map[*office]ending{}
			for _, a := range []*office{whole, cut} {
				v := a.ready(over.rows)
				wakeUp := a.Start(v.ID)
				wake := func() error { return a.Apply(a.Ctx, wakeUp) }
				deaths := 0
				for died := a == cut; died; {
					died = false
					// The first commit of a worker takes the lease, the second one does something;
					// when nothing is left to do, there is none.
					for _, commit := range []int{1, 2} {
						for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
							if _, dead := a.killed(fault, commit, wake); dead {
								deaths++
								died = commit == 2
							}
							a.Clock.Add(leaseLife + time.Second)
						}
					}
				}
				if a == whole {
					a.Must(wake())
				} else if deaths < over.rows*2/3 {
					t.Fatalf("%d workers died", deaths)
				}
				e := a.end(v.ID)
				for _, part := range []*string{&e.state, &e.result, &e.log, &e.view} {
					*part = strings.ReplaceAll(strings.ReplaceAll(*part, v.ID, "ID"), a.Account, "ACCOUNT")
				}
				ends[a] = e
			}
			ends[cut].same(t, "killed at every commit", ends[whole])
		})
	}
}
