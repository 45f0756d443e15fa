package imports_test

import (
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
)

// example is a directory with an import of each kind that makes, changes and leaves alone.
type example struct {
	kind   imports.Kind
	before func(o *office)
	rows   [][]string
	counts filejob.Counts
	after  string
	// differences of the rows that change something, by their ids.
	differences map[string][]imports.Difference
}

var examples = map[string]example{
	"users": {
		kind: imports.Users,
		before: func(o *office) {
			o.role("agent", "essential-user")
			o.hire("john", "alice", "bob")
			o.queue("q1", "bob", "alice")
			o.dashboard("d1", "q1")
			o.Buy(5, "live-reports")
			o.centers("SALES")
		},
		rows: [][]string{
			row(
				"new1",
				"New One",
				"new1@acme.example",
				"0101",
				"6567891230",
				"yes",
				"",
				"agent",
				"super-admin",
				"client-desktop",
				"client-crm",
				"SALES",
			),
			row("john", "John Smith", "", "102", "", "TRUE", "pbx", "", "", "agent-user", "professional-user"),
			row("alice", "Alice", "alice@acme.example"),
			row("bob", "Bob", "bob@acme.example", "", "", "no"),
		},
		counts: filejob.Counts{Rows: 4, New: 1, Change: 2, Unchanged: 1},
		after: `user alice "Alice" alice@acme.example / true [] [] : live-reports,queue:q1
user bob "Bob" bob@acme.example / false [] [] :
user john "John Smith"  102/ true [] [agent-user professional-user] pbx: agent-user,direct professional-user,direct
user new1 "New One" new1@acme.example 0101/6567891230 true [agent super-admin] [client-crm client-desktop]  of SALES: client-crm,direct client-desktop,direct essential-user,role:agent
queue q1 "Queue q1" [alice bob] [d1]
dashboard d1 "Board d1" [q1]`,
		differences: map[string][]imports.Difference{
			"new1": {
				{Field: "name", To: "New One"},
				{Field: "email", To: "new1@acme.example"},
				{Field: "extension", To: "0101"},
				{Field: "number", To: "6567891230"},
				{Field: "active", To: "yes"},
				{Field: "costCenter", To: "SALES"},
				{Field: "roles", To: "agent super-admin"},
				{Field: "licenses", To: "client-crm client-desktop"},
				{Field: "holdings", To: "client-crm client-desktop essential-user"},
			},
			"john": {
				{Field: "name", From: "John", To: "John Smith"},
				{Field: "email", From: "john@acme.example"},
				{Field: "extension", To: "102"},
				{Field: "agentSource", To: "pbx"},
				{Field: "licenses", To: "agent-user professional-user"},
				{Field: "holdings", To: "agent-user professional-user"},
			},
			"bob": {
				{Field: "active", From: "yes", To: "no"},
				{Field: "holdings", From: "live-reports"},
			},
		},
	},
	"call queues": {
		kind: imports.CallQueues,
		before: func(o *office) {
			o.hire("john", "alice", "bob", "carol")
			o.queue("q1", "bob", "alice")
			o.queue("q2", "bob")
			o.queue("q3", "carol")
			o.dashboard("d1", "q1")
			o.Buy(5, "live-reports")
		},
		rows: [][]string{
			row("q1", "Queue q1", "alice; John@acme.example;", "CAROL"),
			row("q2", "Queue q2", "bob"),
			row("q4", "Four", "", "john"),
		},
		counts: filejob.Counts{Rows: 3, New: 1, Change: 1, Unchanged: 1},
		after: `user alice "Alice" alice@acme.example / true [] [] : live-reports,queue:q1
user bob "Bob" bob@acme.example / true [] [] :
user carol "Carol" carol@acme.example / true [] [] : live-reports,queue:q1
user john "John" john@acme.example / true [] [] : live-reports,queue:q1
queue q1 "Queue q1" [alice carol john] [d1]
queue q2 "Queue q2" [bob] []
queue q3 "Queue q3" [carol] []
queue q4 "Four" [john] []
dashboard d1 "Board d1" [q1]`,
		differences: map[string][]imports.Difference{
			"q1": {{Field: "members", From: "1 member leaves: bob", To: "2 members join: carol, john"}},
			"q4": {{Field: "name", To: "Four"}, {Field: "members", To: "1 member joins: john"}},
		},
	},
	"dashboards": {
		kind: imports.Dashboards,
		before: func(o *office) {
			o.hire("john", "alice", "bob")
			o.queue("q1", "john")
			o.queue("q2", "alice")
			o.queue("q3", "bob")
			o.dashboard("d1", "q1")
			o.dashboard("d2", "q1", "q2")
			o.Buy(5, "live-reports")
		},
		rows: [][]string{
			row("d1", "Board d1", "q2;Queue q3"),
			row("d2", "Board d2", "q2", "q1"),
			row("d9", "Nine"),
		},
		counts: filejob.Counts{Rows: 3, New: 1, Change: 1, Unchanged: 1},
		after: `user alice "Alice" alice@acme.example / true [] [] : live-reports,queue:q2
user bob "Bob" bob@acme.example / true [] [] : live-reports,queue:q3
user john "John" john@acme.example / true [] [] : live-reports,queue:q1
queue q1 "Queue q1" [john] [d2]
queue q2 "Queue q2" [alice] [d1 d2]
queue q3 "Queue q3" [bob] [d1]
dashboard d1 "Board d1" [q2 q3]
dashboard d2 "Board d2" [q1 q2]
dashboard d9 "Nine" []`,
		differences: map[string][]imports.Difference{
			"d1": {{Field: "callQueues", From: "1 call queue leaves: q1", To: "2 call queues join: q2, q3"}},
			"d9": {{Field: "name", To: "Nine"}},
		},
	},
}

// The whole way of a file of each kind, as workbook and as text: nothing is touched by the check,
// and what is applied is what was asked for; a second check finds nothing to do, for the result
// file too.
func TestFileFromUploadToResult(t *testing.T) {
	for _, kind := range everyKind {
		if examples[strings.ReplaceAll(string(kind), "-", " ")].kind != kind {
			t.Errorf("%s: there is no example", kind)
		}
	}
	fields := enumOf[imports.Difference]("Field")
	for name, e := range examples {
		for _, format := range []string{"xlsx", "csv"} {
			t.Run(name+" "+format, func(t *testing.T) {
				o := open(t)
				e.before(o)
				file := content(e.kind, e.rows...)
				body := filejobs.CSVFile(file)
				if format == "xlsx" {
					body = o.XLSXFile(file)
				}
				before := o.state()
				v := o.In(filejob.Ready, o.upload(e.kind, "file."+format, body, false))
				o.EqualState(o.state(), before)
				if v.Counts != e.counts || v.Kind != e.kind || v.Percent != 0 || v.Source != "api" {
					t.Fatalf("checked: %+v", v)
				}
				for i, r := range o.Rows(v.ID) {
					if r.Row != i+2 || r.ID != e.rows[i][0] || r.Name != e.rows[i][1] ||
						!slices.Equal(r.Differences, e.differences[r.ID]) {
						t.Errorf("row %+v, want the differences %+v", r, e.differences[r.ID])
					}
					for _, d := range r.Differences {
						if !slices.Contains(fields, d.Field) {
							t.Errorf("the contract does not name the field %s of a difference", d.Field)
						}
					}
				}
				v = o.In(filejob.Completed, o.run(v.ID))
				if v.Applied != e.counts.New+e.counts.Change || v.Refused != 0 || v.Percent != 100 || v.EndedAt == nil {
					t.Errorf("applied: %+v", v)
				}
				o.EqualState(o.state(), e.after)
				got := o.Result(v)
				width := len(headers[e.kind])
				if !slices.Equal(got[0], append(slices.Clone(headers[e.kind]), "Status", "Message")) ||
					len(got) != len(file) {
					t.Fatalf("result %q", got)
				}
				for i, r := range o.Rows(v.ID) {
					line := got[i+1]
					want := map[bool]string{true: "imported", false: "unchanged"}[r.Outcome != filejob.Unchanged]
					if line[width] != want ||
						len(r.Differences) > 0 && !strings.Contains(line[width+1], saidOf[r.Differences[0].Field]+": ") {
						t.Errorf("result %q of %+v", line, r)
					}
				}
				back := filejobs.CSVFile(fill(got))
				if again := o.In(
					filejob.Ready,
					o.upload(e.kind, "result.csv", back, false),
				); again.Counts != (filejob.Counts{Rows: len(e.rows), Unchanged: len(e.rows)}) {
					t.Errorf("again: %+v %+v", again.Counts, o.Rows(again.ID))
				}
			})
		}
	}
}

// saidOf is how a result file calls the field of a difference.
var saidOf = map[string]string{
	"name": "Name", "email": "E-mail", "extension": "Ext", "number": "Number", "active": "Active",
	"agentSource": "Agent source", "costCenter": "Cost center", "roles": "Roles", "licenses": "Metered products",
	"holdings": "Licenses", "members": "Members", "callQueues": "Call queues",
}

// fill makes all lines as long as the first.
func fill(lines [][]string) [][]string {
	for i := range lines {
		lines[i] = append(lines[i], make([]string, len(lines[0])-len(lines[i]))...)
	}
	return lines
}

// The records of an import say which row of which file was the reason, and who asked for it.
func TestRecordsNameTheRow(t *testing.T) {
	o := open(t)
	v := o.imported(imports.Users, row("john", "John", "", "", "", "", "", "", "", "client-desktop"))
	log := strings.Join(o.log(), "\n")
	for _, line := range []string{
		"user.put user:john admin john import:" + v.ID + ", row 2",
		"license.assigned license admin john import:" + v.ID + ", row 2",
		"import.created import:" + v.ID + " admin", "import.applying import:" + v.ID + " admin",
		"import.completed import:" + v.ID + " admin",
	} {
		if !strings.Contains(log, line) {
			t.Errorf("no %q in\n%s", line, log)
		}
	}
}
