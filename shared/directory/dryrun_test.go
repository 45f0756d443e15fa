package directory

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// unwritable is a store that nothing may be written to.
type unwritable struct {
	table.Store
	t *testing.T
}

func (s unwritable) Commit(_ context.Context, ops []table.Operation) error {
	s.t.Errorf("a dry run writes %s", ops[0].Item.Key)
	return nil
}

// A dry run says what a PUT would do, or refuses what a PUT refuses, and writes nothing.
func TestDraftsWriteNothing(t *testing.T) {
	f := newFixture(t)
	ctx, c := t.Context(), f.Call("admin")
	f.put(t, User{ID: "ann", Name: "Ann", Extension: "101", Number: "6500000001", Active: true})
	f.put(t, User{ID: "bob", Name: "Bob", Active: true})
	if _, err := f.s.PutQueue(ctx, c, "q1", "One", []string{"ann"}); err != nil {
		t.Fatal(err)
	}
	_, ofBob, err := f.s.GetUser(ctx, c, "bob")
	if err != nil {
		t.Fatal(err)
	}
	_, ofQueue, err := f.s.GetQueue(ctx, c, "q1")
	if err != nil {
		t.Fatal(err)
	}
	store := f.Env.Table
	f.Env.Table = unwritable{store, t}
	u, err := f.s.DryRunUser(
		ctx,
		c,
		whole(User{ID: "bob", Name: "Robert", Extension: "101", Active: true}),
		func(user string) (int64, bool) { return 0, user == "ann" },
	)
	if err != nil || u.Made || u.Version != ofBob || u.Before.Name != "Bob" || u.After.Name != "Robert" ||
		u.After.Extension != "101" ||
		fmt.Sprint(u.Took) != "[ann]" {
		t.Errorf("version %d, %+v, %v", u.Version, u.After, err)
	}
	for what, no := range map[problem.Slug]func() error{
		problem.ExtensionInUse: func() error {
			_, err := f.s.DryRunUser(ctx, c, whole(User{ID: "bob", Name: "Bob", Extension: "101", Active: true}), nil)
			return err
		},
		problem.NumberInUse: func() error {
			_, err := f.s.DryRunUser(
				ctx, c, whole(User{ID: "bob", Name: "Bob", Extension: "102", Number: "6500000001", Active: true}),
				func(string) (int64, bool) { return 0, false },
			)
			return err
		},
		problem.BaseLicenseRequired: func() error {
			_, err := f.s.DryRunUser(
				ctx, c, whole(User{ID: "bob", Name: "Bob", Licenses: []string{"client-crm"}, Active: true}), nil,
			)
			return err
		},
		problem.ValidationFailed: func() error {
			_, err := f.s.DryRunDashboard(ctx, c, Dashboard{ID: "d1", Name: "D", QueueIDs: []string{"q1", "q9"}})
			return err
		},
		problem.NotFound: func() error {
			_, err := f.s.DryRunRelease(ctx, c, "eve")
			return err
		},
	} {
		if err := no(); !problem.Is(err, what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
	q, err := f.s.DryRunQueue(ctx, c, "q1", "Uno", []string{"bob"})
	if err != nil || q.Made || q.Version != ofQueue || fmt.Sprint(q.Before.Members, q.After.Members) != "[ann] [bob]" {
		t.Errorf("version %d, %+v, %v", q.Version, q.After, err)
	}
	d, err := f.s.DryRunDashboard(ctx, c, Dashboard{ID: "d1", Name: "D", QueueIDs: []string{"q1", "q1"}})
	if err != nil || !d.Made || d.Version != 0 || fmt.Sprint(d.After.QueueIDs) != "[q1]" {
		t.Errorf("%+v, %v", d, err)
	}
	f.Env.Table = store
	if got, _, err := f.s.GetUser(ctx, c, "ann"); err != nil || got.Extension != "101" {
		t.Errorf("%+v, %v", got, err)
	}
	// What a dry run decided is committed by whoever asked for the dry run; by then it must still be as it
	// was read.
	f.put(t, User{ID: "bob", Name: "Bobby", Active: true})
	ops, err := u.Operations(0)
	if err == nil {
		err = store.Commit(ctx, ops)
	}
	if _, refused := table.Refused(err); !refused {
		t.Errorf("an old dry run is committed: %v", err)
	}
}

// A dashboard's queues are exchanged in as many steps as commits take; what is too much for one is
// refused with a reason, and not by a failure.
func TestQueuesOfADashboardAreExchanged(t *testing.T) {
	f := newFixture(t)
	ctx, c := t.Context(), f.Call("admin")
	var ids []string
	for i := range 2 * MaxQueues {
		ids = append(ids, fmt.Sprintf("q%02d", i))
		if _, err := f.s.PutQueue(ctx, c, ids[i], "Queue", nil); err != nil {
			t.Fatal(err)
		}
	}
	put := func(queues []string) error {
		_, err := f.s.PutDashboard(ctx, c, Dashboard{ID: "d", Name: "D", QueueIDs: queues})
		return err
	}
	if err := put(ids[:MaxQueues]); err != nil {
		t.Fatal(err)
	}
	err := put(ids[MaxQueues:])
	if told, ok := problem.From(
		err,
	); !ok || told.Slug != problem.ValidationFailed || told.Fields[0].Field != "queueIds" ||
		!strings.Contains(told.Fields[0].Message, "46") {
		t.Fatalf("all at once: %v", err)
	}
	half := maxMoves / 2
	if err := put(append(append([]string(nil), ids[half:MaxQueues]...), ids[MaxQueues:MaxQueues+half]...)); err != nil {
		t.Fatalf("as many as fit: %v", err)
	}
	if err := put(ids[MaxQueues:]); err != nil {
		t.Fatal(err)
	}
	got, _, err := f.s.GetDashboard(ctx, c, "d")
	if err != nil || fmt.Sprint(got.QueueIDs) != fmt.Sprint(ids[MaxQueues:]) {
		t.Errorf("%v, %v", got.QueueIDs, err)
	}
}

// What a cell may call somebody (requirements, section 5).
func TestNamed(t *testing.T) {
	users := NewNamed("user")
	users.AddUser("john", "John Smith", "john@acme.example", true)
	users.AddUser("john2", "JOHN SMITH", "", false)
	users.AddUser("Ann", "john", "ann@acme.example", true)
	users.AddUser("eve", "Ann", "EVE@acme.example", true)
	for text, want := range map[string]string{
		"john": "john true ", "john2": "john2 false ", "JOHN@acme.example": "john true ",
		"eve@ACME.example": "eve true ",
		"Ann":              "Ann true ", "ann": "eve true ", // an id before a name, to the letter
		"John": "Ann true ", "john smith": " false 2 users are called john smith; use the id or the email.",
		"nobody": " false There is no user nobody, neither by id nor by email nor by name.",
		strings.Repeat("x", 50): " false There is no user " + strings.Repeat("x", 40) +
			"..., neither by id nor by email nor by name.",
	} {
		id, active, why := users.Find(text)
		if got := fmt.Sprintf("%s %v %s", id, active, why); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	queues := NewNamed("call queue")
	queues.Add("q1", "One")
	queues.Add("q2", "one")
	if _, _, why := queues.Find("ONE"); why != "2 call queues are called ONE; use the id." {
		t.Errorf("%q", why)
	}
	if _, _, why := queues.Find("q3"); why != "There is no call queue q3, neither by id nor by name." {
		t.Errorf("%q", why)
	}
	if !queues.Has("q1") || queues.Has("One") {
		t.Error("an id is no name")
	}
}
