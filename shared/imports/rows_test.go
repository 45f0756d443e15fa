package imports_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/parts"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
)

// fault is an error of a row: where it is, and words of its message.
type fault struct {
	row           int
	column, words string
}

// number is what a column is called in a CSV file, over which a text editor shows no letters.
func number(column string) string {
	if column == "" {
		return ""
	}
	return fmt.Sprint(column[0] - 'A' + 1)
}

func describe(errs []filejob.RowError) string {
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "\n%d %s: %s", e.Row, e.Column, e.Message)
	}
	return b.String()
}

func company(t testing.TB) *office {
	o := open(t)
	o.role("agent", "essential-user")
	o.role("crm", "client-crm")
	o.hire("john", "alice", "bob")
	o.User(directory.User{ID: "john2", Name: "JOHN", Active: true})
	o.User(directory.User{ID: "xavier", Name: "Xavier", Extension: "500", Number: "6567895000", Active: true})
	o.User(directory.User{ID: "gone", Name: "Gone", Active: false})
	o.queue("q1", "alice")
	o.queue("q2")
	return o
}

// Every rule that a PUT has is seen at the check, and so are the rules of files; each with its row,
// its column and a reason. The file is rejected, nothing is applied, and the result file says what
// of each row.
func TestBadRows(t *testing.T) {
	o := company(t)
	long := strings.Repeat("x", 201)
	many := make([]string, 41)
	for i := range many {
		many[i] = fmt.Sprintf("many%02d", i)
		o.queue(many[i])
	}
	before := o.state()
	for _, c := range []struct {
		name string
		kind imports.Kind
		rows [][]string
		want []fault
	}{
		{"no id", imports.Users, [][]string{row("", "Ann")}, []fault{{2, "A", "id is missing"}}},
		{
			"bad id", imports.Users,
			[][]string{row("a b", "Ann"), row(".a", "Ann")},
			[]fault{{2, "A", "1 to 128 letters"}, {3, "A", "1 to 128 letters"}},
		},
		{"no name", imports.Users, [][]string{row("ann", "")}, []fault{{2, "B", "The name must not be empty"}}},
		{"long name", imports.Users, [][]string{row("ann", long)}, []fault{{2, "B", "The name must have at most 200"}}},
		{"bad email, extension and number", imports.Users, [][]string{row("ann", "Ann", "ann@", "12a", "12")}, []fault{
			{2, "C", "The email must be an e-mail address"}, {2, "D", "1 to 10 digits"}, {2, "E", "3 to 15 digits"},
		}},
		{
			"number without extension", imports.Users,
			[][]string{row("ann", "Ann", "", "", "6567891230")},
			[]fault{{2, "E", "needs an extension"}},
		},
		{
			"mangled number", imports.Users,
			[][]string{row("ann", "Ann", "", "101", "6.57E+09")},
			[]fault{{2, "E", "6.57E+09"}},
		},
		{"formulas", imports.Users, [][]string{
			row("ann", "=A1", "", "=101", "", "=TRUE()", "", "=agent", "", "=x"),
		}, []fault{
			{2, "B", "formula"}, {2, "D", "formula"}, {2, "F", "formula"}, {2, "H", "formula"}, {2, "J", "formula"},
		}},
		{
			"neither yes nor no", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "maybe")},
			[]fault{{2, "F", "yes or no"}},
		},
		{
			"unknown source", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "fax", "", "", "agent-user", "essential-user")},
			[]fault{{2, "G", "manual or pbx"}},
		},
		{
			"unknown cost center", imports.Users,
			[][]string{
				row("ann", "Ann", "", "", "", "", "", "", "", "", "", "NONE"),
				row("bob", "Bob", "", "", "", "", "", "", "", "", "", "a b"),
			},
			[]fault{{2, "L", "no cost center NONE, neither by code nor by name"}, {3, "L", "cost center"}},
		},
		{
			"source without a license", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "pbx")},
			[]fault{{2, "G", "goes with the agent-user license"}},
		},
		{
			"unknown role", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "", "agent", "agnet")},
			[]fault{{2, "I", "There is no role agnet"}},
		},
		{
			"role twice, by id and by name", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "", "agent", "the agent")},
			[]fault{{2, "I", "there twice"}},
		},
		{
			"unknown license", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "", "", "", "essential")},
			[]fault{{2, "J", "essential is not a metered product"}},
		},
		{
			"license that is bought", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "", "", "", "phone-system")},
			[]fault{{2, "J", "not a metered product"}},
		},
		{
			"license of devices", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "", "", "", "wallboard")},
			[]fault{{2, "J", "not a metered product"}},
		},
		{
			"license twice", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "", "", "", "client-desktop", "client-desktop")},
			[]fault{{2, "K", "there twice"}},
		},
		{"licenses that exclude each other", imports.Users, [][]string{
			row("ann", "Ann", "", "", "", "", "", "", "", "essential-user", "professional-user"),
		}, []fault{
			{2, "J", "at most one"},
		}},
		{"a license that a role excludes", imports.Users, [][]string{
			row("ann", "Ann", "", "", "", "", "", "agent", "", "professional-user"),
		}, []fault{
			{2, "J", "excludes Professional User"},
		}},
		{
			"a license without its base", imports.Users,
			[][]string{row("ann", "Ann", "", "", "", "", "", "", "", "client-crm")},
			[]fault{{2, "J", "needs a license of Desktop Client"}},
		},
		{
			"extension in use", imports.Users,
			[][]string{row("ann", "Ann", "", "500")},
			[]fault{{2, "D", "extension 500 belongs to another user"}},
		},
		{
			"number in use", imports.Users,
			[][]string{row("ann", "Ann", "", "501", "6567895000")},
			[]fault{{2, "E", "belongs to extension 500"}},
		},
		{"extension of somebody whose row is bad", imports.Users, [][]string{
			row("ann", "Ann", "", "500"), row("xavier", "Xavier", "bad", "501"),
		}, []fault{
			{2, "D", "extension 500 belongs"}, {3, "C", "e-mail"},
		}},
		{"extension of somebody whose row the account's state makes bad", imports.Users, [][]string{
			row("ann", "Ann", "", "500"),
			row("xavier", "Xavier", "", "501", "", "", "", "agent", "", "professional-user"),
		}, []fault{{2, "D", "extension 500 belongs"}, {3, "J", "excludes"}}},
		{"claimed twice", imports.Users, [][]string{
			row("ann", "Ann", "", "101", "6567891230"), row("eve", "Eve", "", "101", "6567891230"), row("ann", "Ann"),
		}, []fault{
			{2, "A", "id is claimed by row 4 too"},
			{2, "D", "extension is claimed by row 3 too"},
			{2, "E", "number is claimed by row 3 too"},
			{3, "D", "extension is claimed by row 2 too"},
			{3, "E", "number is claimed by row 2 too"},
			{4, "A", "id is claimed by row 2 too"},
		}},
		{
			"unknown member", imports.CallQueues,
			[][]string{row("q1", "Q", "alice;nobody", "noone")},
			[]fault{{2, "C", "no user nobody"}, {2, "D", "no user noone"}},
		},
		{
			"member of a name that two have", imports.CallQueues,
			[][]string{row("q1", "Q", "jOHN")},
			[]fault{{2, "C", "2 users are called jOHN; use the id or the email"}},
		},
		{
			"member twice", imports.CallQueues,
			[][]string{row("q1", "Q", "alice", "Bob; alice@acme.example")},
			[]fault{{2, "D", "alice@acme.example is there twice"}},
		},
		{
			"queue twice", imports.CallQueues,
			[][]string{row("q1", "Q"), row("q1", "Q")},
			[]fault{{2, "A", "row 3 too"}, {3, "A", "row 2 too"}},
		},
		{
			"queue without a name", imports.CallQueues,
			[][]string{row("q1", "")},
			[]fault{{2, "B", "name must not be empty"}},
		},
		{
			"unknown queue", imports.Dashboards,
			[][]string{row("d1", "D", "q1;q9")},
			[]fault{{2, "C", "There is no call queue q9, neither by id nor by name"}},
		},
		{
			"too many queues", imports.Dashboards,
			[][]string{row("d1", "D", strings.Join(many, ";"))},
			[]fault{{2, "C", "The call queues must be at most 40"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &office{o.Within(t)}
			v := o.checked(filejob.Rejected, c.kind, c.rows...)
			if !slices.EqualFunc(v.Errors, c.want, func(e filejob.RowError, f fault) bool {
				return e.Row == f.row && e.Column == number(f.column) && strings.Contains(e.Message, f.words)
			}) {
				t.Errorf("errors%s", describe(v.Errors))
			}
			if v.Message != "Nothing was imported." {
				t.Errorf("message %q", v.Message)
			}
			lines := o.Result(v)
			for _, f := range c.want {
				if line := strings.Join(
					lines[f.row-1],
					"|",
				); !strings.Contains(line, "|error|") ||
					!strings.Contains(line, "Column "+number(f.column)) {
					t.Errorf("result %s", line)
				}
			}
		})
	}
	o.EqualState(o.state(), before)
}

// A file that cannot be read as what it says is refused whole, with a reason.
func TestRefusedFiles(t *testing.T) {
	o := company(t)
	text := func(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }
	book := o.XLSXFile(content(imports.CallQueues, row("q1", "Q")))
	for name, c := range map[string]struct {
		kind  imports.Kind
		file  string
		body  []byte
		words string
	}{
		"misspelled header": {imports.CallQueues, "q.csv", text("Call queue,Name,Memebr 1", "q1,Q,alice"), `q.csv, line 1, field 3: The header "Memebr 1" is not one of Call queue, Name, Member 1`},
		"member without N": {
			imports.CallQueues, "q.csv", text("Call queue,Name,Member", "q1,Q,alice"),
			`The header "Member" is not one of`,
		},
		"header of another": {
			imports.Users, "q.csv", text("Call queue,Name", "q1,Q"), `"Call queue" is not one of User, Name, Email`,
		},
		"column missing": {
			imports.Users, "u.csv", text("User,Name,Extension,Number,Active,Agent source", "u,U,,,,"),
			"the column Email is missing",
		},
		"column of nobody": {
			imports.Users, "u.csv", text("User,Name,Email,Building", "u,U,,"),
			`The header "Building" is not one of User, Name, Email`,
		},
		"header twice": {
			imports.CallQueues, "q.csv", text("Call queue,Name, NAME", "q1,Q,R"), "is there twice",
		},
		"empty":                {imports.CallQueues, "q.csv", []byte("\n"), ""},
		"no csv":               {imports.CallQueues, "q.csv", book, ""},
		"no workbook":          {imports.CallQueues, "q.xlsx", text("Call queue,Name", "q1,Q"), ""},
		"workbook that is cut": {imports.CallQueues, "q.xlsx", book[:len(book)/2], "q.xlsx"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &office{o.Within(t)}
			v := o.In(filejob.Rejected, o.upload(c.kind, c.file, c.body, false))
			if len(v.Errors) != 1 || !strings.Contains(v.Errors[0].Message, c.words) ||
				v.Message != v.Errors[0].Message ||
				v.ResultURL != "" {
				t.Errorf("%q%s", v.Message, describe(v.Errors))
			}
		})
	}
	// A value under no header might be meant as a member.
	v := o.In(filejob.Rejected, o.upload(imports.CallQueues, "q.csv", text("Call queue,Name,", "q1,Q,alice"), false))
	if len(v.Errors) != 1 || v.Errors[0].Column != "3" || !strings.Contains(v.Errors[0].Message, "no header") {
		t.Errorf("errors%s", describe(v.Errors))
	}
}

// Bad rows are left out when that was asked for, and who leans on them too.
func TestSkippedErrors(t *testing.T) {
	o := company(t)
	rows := [][]string{
		row(
			"ann",
			"Ann",
			"",
			"500",
		),
		row("xavier", "Xavier", "bad", "501"),
		row("eve", "Eve", "", "600"),
		row("bob", "Bob", "bob@acme.example"),
	}
	v := o.In(
		filejob.Ready, o.upload(imports.Users, "file.csv", filejobs.CSVFile(content(imports.Users, rows...)), true),
	)
	if v.Counts != (filejob.Counts{Rows: 4, New: 1, Unchanged: 1, Error: 2}) {
		t.Fatalf("%+v%s", v.Counts, describe(v.Errors))
	}
	v = o.In(filejob.Completed, o.run(v.ID))
	var statuses []string
	for _, line := range o.Result(v)[1:] {
		statuses = append(statuses, line[len(headers[imports.Users])])
	}
	if v.Applied != 1 || !slices.Equal(statuses, []string{"error", "error", "imported", "unchanged"}) {
		t.Errorf("%+v %q", v, statuses)
	}
	if state := o.state(); strings.Contains(state, "user ann") || !strings.Contains(state, "user eve") ||
		!strings.Contains(state, "xavier \"Xavier\"  500/6567895000") {
		t.Errorf("state:\n%s", state)
	}
}

// Users of one file may exchange extensions and numbers, in any ring, and take what others give up;
// whatever the order of the rows.
func TestExtensionsChangeHands(t *testing.T) {
	o := open(t)
	rows := [][]string{
		row("a", "A", "", "102", "1002"),
		row("b", "B", "", "103", "1001"),
		row("c", "C", "", "101", "1003"),
		row("d", "D", "", "104", "1005"),
		row("e", "E", "", "", ""),
		row("f", "F", "", "106", "1006"),
	}
	want := ""
	for range 6 {
		rows = append(rows[1:], rows[0])
		a := o.fresh(t)
		for i, id := range []string{"a", "b", "c", "d", "e", "f"} {
			a.User(
				directory.User{
					ID:        id,
					Name:      strings.ToUpper(id),
					Extension: fmt.Sprint(101 + i),
					Number:    fmt.Sprint(1001 + i),
					Active:    true,
				},
			)
		}
		v := a.imported(imports.Users, rows...)
		if v.Applied != 5 || v.Refused != 0 || v.Counts.Unchanged != 1 {
			t.Fatalf("%+v %v", v, a.Result(v))
		}
		got := a.state()
		for _, line := range []string{
			`a "A"  102/1002`, `b "B"  103/1001`, `c "C"  101/1003`, `d "D"  104/1005`, `e "E"  / `,
		} {
			if !strings.Contains(got, line) {
				t.Errorf("no %s in\n%s", line, got)
			}
		}
		if want == "" {
			want = got
		}
		a.EqualState(got, want)
	}
}

// What differs from what is stored in form only is no change, and what is stored stays as it was
// entered; an address or a number belongs to one user, however it is written.
func TestFormsOfWhatIsStored(t *testing.T) {
	o := open(t)
	name, phone := "Zoe\u0308  Doe", "+1 656-789-1230"
	o.User(directory.User{ID: "zoe", Name: name, Email: "Zoe@acme.test", Extension: "101", Number: phone, Active: true})
	o.User(directory.User{ID: "bob", Name: "Bob", Email: "bob@acme.test", Active: true})
	o.queue("q1", "zoe")
	before := o.state()
	v := o.checked(
		filejob.Ready,
		imports.Users,
		row(
			"zoe",
			" Zoë\u00a0Doe\u200b",
			"Zoe@acme.test",
			"101",
			"16567891230",
		),
		row("bob\u200b", "Bob", "bob@acme.test"),
	)
	if v.Counts.Unchanged != 2 {
		t.Fatalf("%+v %v", v.Counts, o.Rows(v.ID))
	}
	v = o.imported(imports.Users, row("zoe", "Zoë Doe", "zoe@acme.test", "101", "(1) 656 789 1230"), row("cid", "Cid"))
	if v.Applied != 2 {
		t.Fatalf("%+v %v", v, o.Result(v))
	}
	if got := o.state(); !strings.Contains(got, fmt.Sprintf("%q", name)) || !strings.Contains(got, phone) {
		t.Errorf("the forms are lost:\n%s\nbefore:\n%s", got, before)
	}
	v = o.checked(filejob.Ready, imports.CallQueues, row("q1", "Queue q1", "ZOE DOE"))
	if v.Counts.Unchanged != 1 {
		t.Fatalf("%+v %v", v.Counts, o.Rows(v.ID))
	}
	for _, c := range []struct {
		rows [][]string
		want []fault
	}{
		{[][]string{row("cid", "Cid", "ZOE@ACME.TEST")}, []fault{{2, "C", "email belongs to another user"}}},
		{
			[][]string{row("cid", "Cid", "new@acme.test"), row("dan", "Dan", "NEW@acme.test")},
			[]fault{{2, "C", "claimed by row 3"}, {3, "C", "claimed by row 2"}},
		},
		{[][]string{row("cid", "Cid", "", "102", "1 656 789 1230")}, []fault{{2, "E", "belongs to extension 101"}}},
		{
			[][]string{row("cid", "Cid", "", "102", "+1 234 567 89"), row("dan", "Dan", "", "103", "123456789")},
			[]fault{{2, "E", "claimed by row 3"}, {3, "E", "claimed by row 2"}},
		},
		{[][]string{row("cid", "Cid", "", "１０２")}, []fault{{2, "D", "0 to 9"}}},
	} {
		v := o.checked(filejob.Rejected, imports.Users, c.rows...)
		if !slices.EqualFunc(v.Errors, c.want, func(e filejob.RowError, f fault) bool {
			return e.Row == f.row && e.Column == number(f.column) && strings.Contains(e.Message, f.words)
		}) {
			t.Errorf("%v:%s", c.rows, describe(v.Errors))
		}
	}
}

// A call queue of thousands fits into a row, by ids, emails and names; what changes is counted and
// the first few are named. All of them do not fit into one item of the plan; the others come back when
// the row is looked at again and applied.
func TestCallQueueOfThousands(t *testing.T) {
	members := parts.Sized(2200, 11000)
	o := open(t)
	var cells []string
	for i := range members {
		id := fmt.Sprintf("agent-%05d", i)
		o.hire(id)
		if i%44 == 0 {
			cells = append(cells, "")
		}
		cell := &cells[len(cells)-1]
		*cell += []string{id, id + "@acme.example", strings.ToUpper(id)}[i%3] + ";"
	}
	o.queue("q1", "agent-00000", "agent-00001")
	header := []string{"Call queue", "Name"}
	for i := range cells {
		header = append(header, fmt.Sprintf("Member %d", i+1))
	}
	file := func(rows ...[]string) []byte {
		return filejobs.CSVFile(fill(append([][]string{header}, rows...)))
	}
	v := o.In(
		filejob.Ready,
		o.upload(
			imports.CallQueues,
			"file.csv",
			file(append(row("q1", "Queue q1"), cells...), append(row("q2", "Two"), cells...)),
			false,
		),
	)
	rows := o.Rows(v.ID)
	want := imports.Difference{
		Field: "members",
		To: fmt.Sprintf(
			"%d members join: agent-00002, agent-00003, agent-00004, agent-00005, agent-00006 and %d more",
			members-2,
			members-7,
		),
	}
	if len(rows) != 2 || !slices.Equal(rows[0].Differences, []imports.Difference{want}) ||
		v.Counts != (filejob.Counts{Rows: 2, New: 1, Change: 1}) {
		t.Errorf("%+v", rows)
	}
	o.In(filejob.Completed, o.run(v.ID))
	for _, id := range []string{"q1", "q2"} {
		q, _, err := o.People.GetQueue(o.Ctx, o.Call("admin"), id)
		o.Must(err)
		if len(q.Members) != members {
			t.Errorf("%s has %d members", id, len(q.Members))
		}
	}
	// One of them goes after the check: somebody beside the plan is looked at too.
	v = o.In(filejob.Ready, o.upload(imports.CallQueues, "file.csv", file(append(row("q3", "Three"), cells...)), false))
	o.Must(o.People.DeleteUser(o.Ctx, o.Call("admin"), fmt.Sprintf("agent-%05d", members-1)))
	if v = o.In(filejob.Failed, o.run(v.ID)); !strings.Contains(v.Message, "Changed since the check: row 2.") {
		t.Errorf("%q", v.Message)
	}
}

// A cell takes as many of the longest ids as the columns of a sheet must, so that 20,000 members
// find room; those of users take what a name can be.
func TestCellsOfManyIDs(t *testing.T) {
	o := open(t)
	long := func(i int) string { return fmt.Sprintf("%064d", i) }
	var members, queues []string
	for i := range 80 {
		members = append(members, long(i))
	}
	o.hire(members...)
	for i := range 40 {
		queues = append(queues, long(i))
		o.queue(long(i))
	}
	o.imported(imports.CallQueues, row("q1", "Q", strings.Join(members, ";")+";"))
	if q, _, err := o.People.GetQueue(o.Ctx, o.Call("admin"), "q1"); err != nil || !slices.Equal(q.Members, members) {
		t.Errorf("%v, %d members", err, len(q.Members))
	}
	o.imported(imports.Dashboards, row("d1", "D", strings.Join(queues, ";")+";"))
	if d, _, err := o.People.GetDashboard(
		o.Ctx,
		o.Call("admin"),
		"d1",
	); err != nil ||
		!slices.Equal(d.QueueIDs, queues) {
		t.Errorf("%v, %d call queues", err, len(d.QueueIDs))
	}
	if v := o.checked(
		filejob.Rejected,
		imports.Users,
		row("u1", strings.Repeat("U", 1025)),
	); !strings.Contains(
		v.Message,
		"more than 1,024 characters",
	) {
		t.Error(v.Message)
	}
}

// Of a row in which everything is wrong, no more is looked at than anybody reads: a file of a few
// hundred KB can name a hundred million strangers.
func TestRowsOfStrangers(t *testing.T) {
	o := open(t)
	strangers := strings.Repeat("a;b;c;d;e;", 40)
	v := o.checked(filejob.Rejected, imports.CallQueues, row("q1", "Q", strangers, strangers))
	if n := len(
		v.Errors,
	); n != filejob.RowErrors ||
		v.Errors[n-1].Message != "There are at least 291 more errors in this row." {
		t.Errorf("errors%s", describe(v.Errors))
	}
}

// The largest rows of users fit into the plan's items: every text as long as it can be, twenty
// roles exchanged for twenty others.
func TestLargestRowsOfUsers(t *testing.T) {
	o := open(t)
	role := func(i int) string { return fmt.Sprintf("%064d", i) }
	var before []string
	columns := slices.Clone(headers[imports.Users][:7])
	var after []string
	for i := range directory.MaxRoles {
		o.role(role(i))
		o.role(role(100 + i))
		before, after = append(before, role(i)), append(after, role(100+i))
		columns = append(columns, fmt.Sprintf("Role %d", i+1))
	}
	had := []string{"essential-user", "agent-user", "client-desktop", "client-crm", "reports-supervisor"}
	wants := []string{"professional-user", "agent-user", "client-desktop", "client-crm", "insights-supervisor"}
	for i := range wants {
		columns = append(columns, fmt.Sprintf("License %d", i+1))
	}
	email := func(c string, i int) string { return strings.Repeat(c, 230) + fmt.Sprintf("%02d@acme.example", i) }
	file := [][]string{columns}
	for i := range 60 {
		id := fmt.Sprintf("%064d", i)
		o.User(directory.User{
			ID:          id,
			Name:        strings.Repeat("\U0001F600", 200),
			Email:       email("a", i),
			Extension:   fmt.Sprint(1000000000 + i),
			Number:      fmt.Sprint(100000000000000 + i),
			RoleIDs:     before,
			Licenses:    had,
			AgentSource: "manual",
			Active:      true,
		})
		r := row(
			id,
			strings.Repeat("\U0001F601", 200),
			email("b", i),
			fmt.Sprint(2000000000+i),
			fmt.Sprint(200000000000000+i),
			"yes",
			"pbx",
		)
		file = append(file, append(append(r, after...), wants...))
	}
	v := o.In(filejob.Ready, o.upload(imports.Users, "file.csv", filejobs.CSVFile(file), false))
	if v = o.In(filejob.Completed, o.run(v.ID)); v.Applied != 60 {
		t.Errorf("%+v", v)
	}
}

// The sample file is one that we take ourselves, in both formats and of every kind.
func TestTemplate(t *testing.T) {
	o := open(t)
	titles := map[imports.Kind]string{
		imports.Users:      "User|Name|Email|Extension|Number|Active|Agent source|Cost Center|Role 1|Role 2|Role 3|License 1|License 2|License 3",
		imports.CallQueues: "Call queue|Name|Member 1|Member 2|",
		imports.Dashboards: "Dashboard|Name|Call queue 1|Call queue 2|",
	}
	for _, kind := range everyKind {
		header, known := titles[kind]
		if !known {
			t.Errorf("%s: the test does not know how its sample file begins", kind)
		}
		for _, format := range []string{"xlsx", "csv"} {
			r := o.Request("GET", "/template?kind="+string(kind)+"&format="+format, nil)
			if r.Status != 200 || r.Header.Get("Content-Type") != filejob.ContentType("x."+format) ||
				!strings.Contains(r.Header.Get("Content-Disposition"), "."+format) {
				t.Fatalf("%s %s: %d %v", kind, format, r.Status, r.Header)
			}
			reader, err := sheet.Open(
				bytes.NewReader(r.Body),
				int64(len(r.Body)),
				"template."+format,
				sheet.DefaultLimits(),
			)
			o.Must(err)
			var got []string
			o.Must(reader.Rows(func(row sheet.Row) error {
				for i, cell := range row.Cells {
					if kind == imports.Users && len(got) >= 14 && i >= 8 && i <= 10 && cell.Text != "" &&
						cell.Text != directory.SuperAdmin {
						t.Errorf("a sample row has the role %s, which an account need not have", cell.Text)
					}
					got = append(got, cell.Text)
				}
				return nil
			}))
			o.Must(reader.Close())
			if !strings.HasPrefix(strings.Join(got, "|"), header) {
				t.Errorf("%s %s: %q", kind, format, got)
			}
			v := o.In(filejob.Rejected, o.upload(kind, "template."+format, r.Body, false))
			samples := 0
			for _, e := range v.Errors {
				if e.Code == filejob.CodeSample {
					samples++
				}
			}
			if v.Counts.Rows == 0 || v.Counts.Error != v.Counts.Rows || samples != v.Counts.Rows {
				t.Errorf("%+v", v)
			}
		}
	}
}
