package imports_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/purchase"
)

// without is a file's content without the columns of a header, numbered or not.
func without(content [][]string, header string) [][]string {
	var left [][]string
	for _, line := range content {
		var cells []string
		for i, cell := range line {
			if title := content[0][i]; title != header && strings.TrimRight(title, " 0123456789") != header {
				cells = append(cells, cell)
			}
		}
		left = append(left, cells)
	}
	return left
}

// profiles are the users by id, without what follows from their fields.
func (o *office) profiles() map[string]directory.User {
	o.F.Helper()
	users, _, err := o.People.ListUsers(o.Ctx, o.Call("admin"), "", "", 1000)
	o.Must(err)
	all := map[string]directory.User{}
	for _, u := range users {
		u.Holdings = nil
		all[u.ID] = u
	}
	return all
}

// A column that a file does not have leaves its field as it is, whichever it is: the files that
// customers have do not know the columns of later releases.
func TestColumnThatAFileDoesNotHave(t *testing.T) {
	world := open(t)
	file := content(imports.Users,
		row(
			"john", "John Smith", "js@acme.example", "202", "6500000002", "yes", "pbx", "lead", "", "agent-user",
			"professional-user", "SUPPORT",
		),
		row("ian", "Ian Two", "ian2@acme.example", "", "", "yes"),
		row("new", "New One", "new@acme.example", "303", "", "yes", "", "lead"),
	)
	before := func(o *office) {
		o.role("agent")
		o.role("lead")
		o.centers("SALES", "SUPPORT")
		o.User(directory.User{
			ID: "john", Name: "John", Email: "john@acme.example", Extension: "101", Number: "6500000001",
			RoleIDs: []string{"agent"}, Licenses: []string{"agent-user", "essential-user"}, Active: true,
			CostCenter: "SALES", AdminOfCostCenters: []string{"SALES"}, // which no file has
		})
		o.User(directory.User{ID: "ian", Name: "Ian", Email: "ian@acme.example", CostCenter: "SALES"})
	}
	for header, keep := range map[string]func(was directory.User, is *directory.User){
		"":             func(directory.User, *directory.User) {},
		"Extension":    func(was directory.User, is *directory.User) { is.Extension = was.Extension },
		"Number":       func(was directory.User, is *directory.User) { is.Number = was.Number },
		"Active":       func(was directory.User, is *directory.User) { is.Active = was.Active || is.ID == "new" },
		"Agent source": func(was directory.User, is *directory.User) { is.AgentSource = was.AgentSource },
		"Cost Center":  func(was directory.User, is *directory.User) { is.CostCenter = was.CostCenter },
		"Role":         func(was directory.User, is *directory.User) { is.RoleIDs = was.RoleIDs },
		"License":      func(was directory.User, is *directory.User) { is.Licenses = was.Licenses },
	} {
		t.Run("without "+header, func(t *testing.T) {
			o := world.fresh(t)
			before(o)
			was := o.profiles()
			was["new"] = directory.User{RoleIDs: []string{}, Licenses: []string{}, AdminOfCostCenters: []string{}}
			v := o.In(
				filejob.Ready, o.upload(imports.Users, "users.csv", filejobs.CSVFile(without(file, header)), false),
			)
			v = o.In(filejob.Completed, o.run(v.ID))
			if v.Refused != 0 {
				t.Errorf("%+v", v)
			}
			want := map[string]directory.User{
				"john": {
					ID: "john", Name: "John Smith", Email: "js@acme.example", Extension: "202", Number: "6500000002",
					RoleIDs: []string{"lead"}, Licenses: []string{"agent-user", "professional-user"},
					Active: true, AgentSource: "pbx", CostCenter: "SUPPORT",
				},
				"ian": {
					ID: "ian", Name: "Ian Two", Email: "ian2@acme.example", RoleIDs: []string{}, Licenses: []string{},
					Active: true,
				},
				"new": {
					ID: "new", Name: "New One", Email: "new@acme.example", RoleIDs: []string{"lead"},
					Licenses: []string{}, Active: true, Extension: "303",
				},
			}
			for id, is := range want {
				is.AdminOfCostCenters = was[id].AdminOfCostCenters
				keep(was[id], &is)
				want[id] = is
			}
			for id, got := range o.profiles() {
				if diff := cmp.Diff(want[id], got); diff != "" {
					t.Errorf("%s, wanted -, got +:\n%s", id, diff)
				}
			}
			again := o.upload(imports.Users, "users.csv", filejobs.CSVFile(without(file, header)), false)
			if again.Counts.Unchanged != 3 {
				t.Errorf("sent again: %+v", again.Counts)
			}
		})
	}
}

// A file without any Member, or Call queue, column empties nothing.
func TestListThatAFileDoesNotHave(t *testing.T) {
	o := open(t)
	o.hire("ann", "bob")
	o.queue("q1", "ann", "bob")
	o.dashboard("d1", "q1")
	for _, c := range []struct {
		kind imports.Kind
		file [][]string
	}{
		{imports.CallQueues, [][]string{{"Call queue", "Name"}, {"q1", "Renamed"}, {"q2", "Another"}}},
		{imports.Dashboards, [][]string{{"Dashboard", "Name"}, {"d1", "Renamed"}, {"d2", "Another"}}},
	} {
		v := o.In(filejob.Ready, o.upload(c.kind, "file.csv", filejobs.CSVFile(c.file), false))
		if v = o.In(filejob.Completed, o.run(v.ID)); v.Applied != 2 || v.Refused != 0 {
			t.Errorf("%s: %+v", c.kind, v)
		}
	}
	o.EqualState(o.state(), `user ann "Ann" ann@acme.example / true [] [] :
user bob "Bob" bob@acme.example / true [] [] :
queue q1 "Renamed" [ann bob] [d1]
queue q2 "Another" [] []
dashboard d1 "Renamed" [q1]
dashboard d2 "Another" []`)
}

// Users who exchange extensions by a file without numbers keep their own numbers.
func TestNumbersStayWithWhoExchangesExtensions(t *testing.T) {
	o := open(t)
	for _, u := range []directory.User{
		{ID: "ann", Name: "Ann", Extension: "101", Number: "6500000001", Active: true},
		{ID: "bob", Name: "Bob", Extension: "102", Number: "6500000002", Active: true},
	} {
		o.User(u)
	}
	file := without(content(imports.Users, row("ann", "Ann", "", "102"), row("bob", "Bob", "", "101")), "Number")
	v := o.In(filejob.Ready, o.upload(imports.Users, "users.csv", filejobs.CSVFile(file), false))
	if v = o.In(filejob.Completed, o.run(v.ID)); v.Applied != 2 || v.Refused != 0 {
		t.Fatalf("%+v", v)
	}
	o.EqualState(o.state(), `user ann "Ann"  102/6500000001 true [] [] :
user bob "Bob"  101/6500000002 true [] [] :`)
}

// A cell names a cost center by its code, or by its name where no other one has it; who makes a slip
// is told what they probably meant, and who means none of them which there are.
func TestCostCentersByName(t *testing.T) {
	o := open(t)
	o.centers("SALES", "SUPPORT", "LAB")
	shop := purchase.NewService(o.Env, o.Kernel)
	for _, code := range []string{"EAST", "WEST"} {
		_, err := shop.ChangeCostCenter(o.Ctx, o.Call("admin"), purchase.CostCenterChange{Code: code, Name: "Branch"})
		o.Must(err)
	}
	of := func(id, center string) []string {
		return row(id, id, "", "", "", "", "", "", "", "", "", center)
	}
	o.imported(imports.Users, of("ann", "center sales"), of("ben", "SUPPORT"), of("cat", "CENTER LAB"))
	for id, want := range map[string]string{"ann": "SALES", "ben": "SUPPORT", "cat": "LAB"} {
		if got := o.profiles()[id].CostCenter; got != want {
			t.Errorf("%s is of %q, not of %s", id, got, want)
		}
	}
	v := o.checked(
		filejob.Rejected, imports.Users, of("a", "SUPPROT"), of("b", "Branch"), of("c", "MOON"), of("d", "lab"),
	)
	for i, want := range []string{
		"There is no cost center SUPPROT, neither by code nor by name. Did you mean SUPPORT?",
		"2 cost centers are called Branch; use the code.",
		"There is no cost center MOON, neither by code nor by name. There are EAST, LAB, SALES, SUPPORT, WEST.",
		"Did you mean LAB?",
	} {
		if got := v.Errors[i].Message; !strings.Contains(got, want) {
			t.Errorf("row %d: %q, want %q", i+2, got, want)
		}
	}
}
