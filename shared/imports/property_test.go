package imports_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
)

// scene is a directory as it is before a file comes.
type scene struct {
	users      []directory.User
	queues     map[string][]string
	dashboards map[string][]string
}

var (
	userIDs      = []string{"u0", "u1", "u2", "u3", "u4", "u5"}
	queueIDs     = []string{"q0", "q1", "q2", "q3"}
	dashboardIDs = []string{"d0", "d1", "d2"}
)

func some(rt *rapid.T, from []string, label string) []string {
	var picked []string
	for _, id := range from {
		if rapid.Bool().Draw(rt, label+" "+id) {
			picked = append(picked, id)
		}
	}
	return picked
}

// drawUser draws a user of this id with one of these extensions and numbers, or none.
func drawUser(rt *rapid.T, id, extension, number string) directory.User {
	u := directory.User{
		ID:     id,
		Name:   rapid.SampledFrom([]string{"Ann", "Bob", "Eve"}).Draw(rt, "name"),
		Active: rapid.IntRange(0, 4).Draw(rt, "active") > 0,
		RoleIDs: some(
			rt,
			[]string{"agent", "crm", "super-admin"},
			"role",
		),
		Licenses: some(rt, []string{"client-desktop", "professional-user"}, "license"),
	}
	u.CostCenter = rapid.SampledFrom([]string{"", "SALES", "SUPPORT"}).Draw(rt, "cost center")
	if rapid.Bool().Draw(rt, "email") {
		u.Email = id + "@acme.example"
	}
	if rapid.Bool().Draw(rt, "extension") {
		u.Extension = extension
		if rapid.Bool().Draw(rt, "number") {
			u.Number = number
		}
	}
	return u
}

func drawScene(rt *rapid.T) scene {
	s := scene{queues: map[string][]string{}, dashboards: map[string][]string{}}
	extensions := rapid.Permutation([]string{"101", "102", "103", "104", "105", "106"}).Draw(rt, "extensions")
	numbers := rapid.Permutation([]string{"1001", "1002", "1003", "1004", "1005", "1006"}).Draw(rt, "numbers")
	for i, id := range userIDs[:5] {
		s.users = append(s.users, drawUser(rt, id, extensions[i], numbers[i]))
	}
	for _, id := range queueIDs[:3] {
		s.queues[id] = some(rt, userIDs[:5], "member of "+id)
	}
	for _, id := range dashboardIDs[:2] {
		s.dashboards[id] = some(rt, queueIDs[:3], "queue on "+id)
	}
	return s
}

// play sets the scene in an account of its own. Users whom a PUT refuses are left out.
func (o *office) play(rt *rapid.T, s scene) *office {
	a := o.fresh(rt)
	a.role("agent", "essential-user")
	a.role("crm", "client-crm")
	a.centers("SALES", "SUPPORT")
	// enough: who waits first depends on which queue is settled first
	a.Buy(20, "live-reports")
	// any other may go
	a.User(directory.User{ID: "root", Name: "Root", Active: true, RoleIDs: []string{directory.SuperAdmin}})
	for _, u := range s.users {
		if _, err := a.People.PutUser(a.Ctx, a.Call("admin"), u); err != nil {
			a.User(directory.User{ID: u.ID, Name: u.Name, Active: true})
		}
	}
	for _, id := range queueIDs[:3] {
		a.queue(id, s.queues[id]...)
	}
	for _, id := range dashboardIDs[:2] {
		a.dashboard(id, s.dashboards[id]...)
	}
	return a
}

// drawRows draws a file of a kind: some that are there, and one that is not.
func drawRows(rt *rapid.T, kind imports.Kind) [][]string {
	var rows [][]string
	switch kind {
	case imports.Users:
		extensions := rapid.Permutation([]string{"101", "102", "103", "104", "105", "106", "107"}).
			Draw(rt, "wanted extensions")
		numbers := rapid.Permutation([]string{"1001", "1002", "1003", "1004", "1005", "1006", "1007"}).
			Draw(rt, "wanted numbers")
		for i, id := range some(rt, userIDs, "row of") {
			u := drawUser(rt, id, extensions[i], numbers[i])
			r := row(
				u.ID,
				u.Name,
				u.Email,
				u.Extension,
				u.Number,
				map[bool]string{true: "yes", false: "no"}[u.Active],
				"",
			)
			lists := [2][2]string{}
			copy(lists[0][:], u.RoleIDs[:min(2, len(u.RoleIDs))])
			copy(lists[1][:], u.Licenses)
			rows = append(rows, append(r, lists[0][0], lists[0][1], lists[1][0], lists[1][1], u.CostCenter))
		}
	case imports.CallQueues:
		for _, id := range some(rt, queueIDs, "row of") {
			rows = append(rows, row(id, "Queue "+id, strings.Join(some(rt, userIDs[:5], "wanted member of "+id), ";")))
		}
	case imports.Dashboards:
		for _, id := range some(rt, dashboardIDs, "row of") {
			rows = append(rows, row(id, "Board "+id, strings.Join(some(rt, queueIDs[:3], "wanted queue on "+id), ";")))
		}
	default:
		rt.Fatalf("no rows of %s are drawn", kind)
	}
	if len(rows) == 0 {
		rt.Skip("a file has rows")
	}
	return rows
}

func drawKind(rt *rapid.T) imports.Kind {
	return rapid.SampledFrom(append(slices.Clone(everyKind), imports.Users)).Draw(rt, "kind")
}

// file checks rows, leaving out bad ones.
func (o *office) file(kind imports.Kind, rows [][]string) imports.View {
	o.F.Helper()
	return o.In(filejob.Ready, o.upload(kind, "file.csv", filejobs.CSVFile(content(kind, rows...)), true))
}

// A check changes nothing; every good row is applied, and a second check of the good rows finds
// nothing to do. What an import makes of a directory is what the single PUTs of its rows make of
// it, in some order that a person could find.
func TestImportedIsUnchanged(t *testing.T) {
	o := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		s, kind := drawScene(rt), drawKind(rt)
		a := o.play(rt, s)
		before := a.state()
		rows := drawRows(rt, kind)
		v := a.file(kind, rows)
		a.EqualState(a.state(), before)
		plan := a.Rows(v.ID)
		done := a.In(filejob.Completed, a.run(v.ID))
		if done.Refused != 0 || done.Applied != v.Counts.New+v.Counts.Change {
			rt.Fatalf("applied %d and refused %d of %+v: %q", done.Applied, done.Refused, v.Counts, a.Result(done))
		}
		var sound [][]string
		for i, r := range plan {
			if r.Outcome != filejob.Bad {
				sound = append(sound, rows[i])
			}
		}
		if len(sound) == 0 {
			return // a file has rows
		}
		after := a.state()
		if again := a.file(kind, sound); again.Counts != (filejob.Counts{Rows: len(sound), Unchanged: len(sound)}) {
			rt.Fatalf("again: %+v %+v", again.Counts, a.Rows(again.ID))
		}
		b := o.play(rt, s)
		b.putAll(kind, sound)
		b.EqualState(b.state(), after)
	})
}

// putAll puts the rows one by one, as a person would: users give up their extensions first.
func (o *office) putAll(kind imports.Kind, rows [][]string) {
	o.F.Helper()
	if kind == imports.Users {
		for _, r := range rows {
			if u, _, err := o.People.GetUser(o.Ctx, o.Call("admin"), r[0]); err == nil && u.Extension != "" {
				u.Extension, u.Number = "", ""
				o.User(u)
			}
		}
	}
	list := func(cells ...string) []string {
		return slices.DeleteFunc(strings.Split(strings.Join(cells, ";"), ";"), func(s string) bool { return s == "" })
	}
	for _, r := range rows {
		switch kind {
		case imports.Users:
			o.User(directory.User{
				ID:        r[0],
				Name:      r[1],
				Email:     r[2],
				Extension: r[3],
				Number:    r[4],
				Active:    r[5] == "yes",
				RoleIDs:   list(r[7], r[8]),
				Licenses:  list(r[9], r[10]),

				CostCenter: r[11],
			})
		case imports.CallQueues:
			o.queue(r[0], list(r[2])...)
		case imports.Dashboards:
			o.dashboard(r[0], list(r[2])...)
		default:
			o.F.Fatalf("rows of %s are not put", kind)
		}
	}
}

// In whichever order the rows stand: the same outcomes and the same end.
func TestRowOrderDoesNotMatter(t *testing.T) {
	o := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		s, kind := drawScene(rt), drawKind(rt)
		one, other := o.play(rt, s), o.play(rt, s)
		rows := drawRows(rt, kind)
		order := rapid.Permutation(slices.Clone(rows)).Draw(rt, "order")
		a, b := one.file(kind, rows), other.file(kind, order)
		outcomes := func(o *office, v imports.View) string {
			var lines []string
			for _, r := range o.Rows(v.ID) {
				lines = append(lines, fmt.Sprint(r.ID, r.Outcome, r.Differences))
			}
			slices.Sort(lines)
			return strings.Join(lines, "\n")
		}
		if a.Counts != b.Counts || outcomes(one, a) != outcomes(other, b) {
			rt.Fatalf("%s\nand in another order\n%s", outcomes(one, a), outcomes(other, b))
		}
		a, b = one.In(filejob.Completed, one.run(a.ID)), other.In(filejob.Completed, other.run(b.ID))
		if a.Applied != b.Applied || a.Refused != 0 || b.Refused != 0 {
			rt.Fatalf("%+v, and in another order %+v", a, b)
		}
		one.EqualState(one.state(), other.state())
	})
}
