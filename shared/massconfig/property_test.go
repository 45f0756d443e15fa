package massconfig

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/license"
)

// scene is an account as it is before a file comes, and the file.
type scene struct {
	phones []phone
	file   [][]string
}

type phone struct {
	user, ext, number string
	licensed          bool
	addOns            []string
}

const sceneUsers = 6

// drawScene draws an account in which some users have extensions, numbers, licenses and add-ons, in
// all mixtures, and a file that gives some extensions, old and new ones, to some users.
func drawScene(rt *rapid.T) scene {
	addOns := []string{"call_recording", "device_ip_phone", "team_chat"}
	subset := func(label string) []string {
		var some []string
		for _, a := range addOns {
			if rapid.Bool().Draw(rt, label+" "+a) {
				some = append(some, a)
			}
		}
		return some
	}
	// Extensions 101 to 108 and numbers 1001 to 1008: the first ones are in use at first.
	exts := rapid.Permutation([]string{"101", "102", "103", "104", "105", "106"}).Draw(rt, "extensions in use")
	numbers := rapid.Permutation([]string{"1001", "1002", "1003", "1004", "1005", "1006"}).Draw(rt, "numbers in use")
	var s scene
	for i := range sceneUsers {
		p := phone{user: fmt.Sprintf("u%d", i)}
		if rapid.Bool().Draw(rt, "has an extension") {
			p.ext = exts[i]
			if rapid.Bool().Draw(rt, "has a number") {
				p.number = numbers[i]
			}
		}
		if p.licensed = rapid.Bool().Draw(rt, "licensed"); p.licensed {
			p.addOns = subset("held")
		}
		s.phones = append(s.phones, p)
	}
	wantedExts := rapid.Permutation([]string{"101", "102", "103", "104", "105", "106", "107", "108"}).
		Draw(rt, "extensions")
	wantedNumbers := rapid.Permutation([]string{"1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008"}).
		Draw(rt, "numbers")
	users := rapid.Permutation([]string{"u0", "u1", "u2", "u3", "u4", "u5"}).Draw(rt, "users")
	n := rapid.IntRange(1, sceneUsers).Draw(rt, "rows")
	for i := range n {
		r := row(wantedExts[i], "", users[i])
		if rapid.Bool().Draw(rt, "with a number") {
			r[1] = wantedNumbers[i]
		}
		s.file = append(s.file, append(r, subset("wanted")...))
	}
	return s
}

// play sets the scene in an account of its own, with a number of seats of each product, or with 0
// as many as the scene takes.
func (o *office) play(rt *rapid.T, s scene, seats int) *office {
	a := o.fresh(rt)
	for _, p := range s.phones {
		a.Hire(p.user)
		if p.licensed && seats == 0 {
			a.Buy(1, append([]string{"phone-system"}, p.addOns...)...)
		}
	}
	if seats > 0 {
		a.Buy(seats, all()...)
	}
	for _, p := range s.phones {
		if p.licensed {
			a.give(p.user, p.ext, p.number, p.addOns...)
		} else if p.ext != "" {
			a.change(func(ctx context.Context, ch *license.UnitOfWork) error {
				return ch.Extend(ctx, p.user, p.ext, p.number)
			}, p.user)
		}
	}
	return a
}

// file checks the scene's file, leaving out bad rows.
func (o *office) file(rows [][]string) View {
	o.F.Helper()
	return o.In(Ready, o.upload("phones.csv", filejobs.CSVFile(sheetOf(rows...)), true))
}

// A check changes nothing; what is configured is what was asked for, and a second check finds
// nothing to do but for the rows that were bad.
func TestConfiguredIsUnchanged(t *testing.T) {
	o := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		a := o.play(rt, drawScene(rt), 12)
		before := a.state()
		rows := drawScene(rt).file
		v := a.file(rows)
		a.EqualState(a.state(), before)
		plan := a.Rows(v.ID)
		done := a.In(Completed, a.configure(v.ID))
		if done.Refused != 0 || done.Applied != v.Counts.New+v.Counts.Change {
			rt.Fatalf("applied %d and refused %d of %+v", done.Applied, done.Refused, v.Counts)
		}
		for i, r := range plan {
			if r.Outcome == Bad {
				continue
			}
			u, _, err := a.People.GetUser(a.Ctx, a.Call("admin"), r.UserID)
			a.Must(err)
			var held []string
			for _, h := range u.Holdings {
				held = append(held, h.ProductID)
			}
			if u.Extension != rows[i][0] || u.Number != rows[i][1] ||
				!slices.Equal(held, slices.Sorted(slices.Values(append([]string{"phone-system"}, rows[i][3:]...)))) {
				rt.Fatalf("row %v is %s/%s %v", rows[i], u.Extension, u.Number, held)
			}
		}
		var sound [][]string
		for i, r := range plan {
			if r.Outcome != Bad {
				sound = append(sound, rows[i])
			}
		}
		if len(sound) > 0 {
			if again := a.file(sound); again.Counts.Unchanged != len(sound) || len(again.Needs) != 0 {
				rt.Fatalf("again: %+v %+v", again.Counts, again.Needs)
			}
		}
	})
}

// In whichever order the rows stand: the same outcomes, the same seats, the same end.
func TestRowOrderDoesNotMatter(t *testing.T) {
	o := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		one, other := o.play(rt, s, 12), o.play(rt, s, 12)
		order := rapid.Permutation(slices.Clone(s.file)).Draw(rt, "order")
		a, b := one.file(s.file), other.file(order)
		if diff := cmp.Diff([]any{a.Counts, a.Needs}, []any{b.Counts, b.Needs}, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("counts and needs, in one order -, in another +:\n%s", diff)
		}
		a, b = one.In(Completed, one.configure(a.ID)), other.In(Completed, other.configure(b.ID))
		if a.Applied != b.Applied || a.Refused != 0 || b.Refused != 0 {
			rt.Fatalf("%+v, and in another order %+v", a, b)
		}
		one.EqualState(one.state(), other.state())
	})
}

// The seats that a plan needs are enough for it: with exactly that many free no row is refused, and
// with one fewer nothing begins.
func TestNeedsAreEnough(t *testing.T) {
	o := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		a := o.play(rt, s, 0)
		v := a.file(s.file)
		for i, n := range v.Needs {
			if n.Available != 0 {
				rt.Fatalf("needs %+v", v.Needs)
			}
			if i == len(v.Needs)-1 {
				a.Buy(int(n.Wanted)-1, n.ProductID)
				a.refused(v.ID, "not-enough-licenses", n.ProductID, n.Wanted, n.Wanted-1)
				a.Buy(1, n.ProductID)
			} else {
				a.Buy(int(n.Wanted), n.ProductID)
			}
		}
		if done := a.In(Completed, a.configure(v.ID)); done.Refused != 0 {
			rt.Fatalf("refused %d of %+v with needs %+v", done.Refused, v.Counts, v.Needs)
		}
		a.state()
	})
}

// Undoing gives the state before, whatever the users of the file had before and wherever they had
// it.
func TestUndoGivesTheStateBefore(t *testing.T) {
	o := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		a := o.play(rt, s, 12)
		before := a.state()
		v := a.In(Completed, a.configure(a.file(s.file).ID))
		if v.Applied == 0 {
			a.EqualState(a.state(), before)
			return
		}
		after := a.state()
		undo := a.In(Ready, a.undo(v.ID))
		a.EqualState(a.state(), after)
		if undo.Source != fromUndo || undo.Undoes != v.ID || undo.Counts.Error != 0 {
			rt.Fatalf("undo: %+v %+v", undo, a.Rows(undo.ID))
		}
		undo = a.In(Completed, a.configure(undo.ID))
		if undo.Refused != 0 {
			rt.Fatalf("undo: %+v", undo)
		}
		a.EqualState(a.state(), before)
		if undo.Applied == 0 {
			return
		}
		// And an undo can be undone.
		redo := a.In(Ready, a.undo(undo.ID))
		a.In(Completed, a.configure(redo.ID))
		a.EqualState(a.state(), after)
	})
}
