package massconfig

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/directory"
	"seatwise/shared/license"
)

// fault is an error of a row: where it is, and words of its message.
type fault struct {
	row           int
	column, words string
}

func sameFaults(got []RowError, want []fault) bool {
	return slices.EqualFunc(got, want, func(e RowError, f fault) bool {
		// A text editor shows no letters over a CSV file, so its fields have numbers.
		return e.Row == f.row &&
			(e.Column == f.column || f.column != "" && e.Column == fmt.Sprint(f.column[0]-'A'+1)) &&
			strings.Contains(e.Message, f.words)
	})
}

func describe(errs []RowError) string {
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "\n%d %s: %s", e.Row, e.Column, e.Message)
	}
	return b.String()
}

// company is an office of some people; John has extension 101, and nobody uses 500 but Xavier.
func company(t testing.TB) *office {
	o := open(t)
	o.Hire("John", "Alice", "Lucie", "Xavier", "Bob Smith")
	o.User(directory.User{ID: "bob2", Name: "bob smith", Email: "bob2@acme.example", Active: true})
	o.User(directory.User{ID: "gone", Name: "Gone", Active: false})
	o.Buy(20, all()...)
	o.give("john", "101", "6567891230")
	o.give("xavier", "500", "6567895000")
	return o
}

// Every rule of requirements, section 5 that makes a row bad, each with its row, its column and a
// reason; the file is rejected and nothing is applied.
func TestBadRows(t *testing.T) {
	o := company(t)
	before := o.state()
	for _, c := range []struct {
		name string
		rows [][]string
		want []fault
	}{
		{
			"unknown code",
			[][]string{row("102", "", "alice", "call_recordin")},
			[]fault{{
				2, "D",
				"call_recordin is not the code of an add-on license. Did you mean call_recording (Call Recording)?",
			}},
		},
		{"a base is no add-on", [][]string{row("102", "", "alice", "phone-system")}, []fault{{2, "D", "not the code"}}},
		{"a name is no code", [][]string{row("102", "", "alice", "Call Recording")}, []fault{{2, "D", "not the code"}}},
		{
			"repeated code",
			[][]string{row("102", "", "alice", "team_chat", "call_recording", "team_chat")},
			[]fault{{2, "F", "team_chat is there twice"}},
		},
		{"formula", [][]string{row("102", "=6567891231", "alice")}, []fault{{2, "B", "formula"}}},
		{
			"formulas everywhere",
			[][]string{row("=102", "=1+1", "=alice", "=team_chat")},
			[]fault{{2, "A", "formula"}, {2, "B", "formula"}, {2, "C", "formula"}, {2, "D", "formula"}},
		},
		{"mangled number", [][]string{row("102", "6.57E+09", "alice")}, []fault{{2, "B", "6.57E+09"}}},
		{"mangled with a comma", [][]string{row("102", "6,57E+09", "alice")}, []fault{{2, "B", "6,57E+09"}}},
		{"narrow column", [][]string{row("102", "######", "alice")}, []fault{{2, "B", "#####"}}},
		{"bad number", [][]string{row("102", "12", "alice")}, []fault{{2, "B", "3 to 15 digits"}}},
		{"number with letters", [][]string{row("102", "1-800-FLOWERS", "alice")}, []fault{{2, "B", "letters"}}},
		{
			"a number twice in two forms",
			[][]string{row("102", "+1 (656) 789-1230", "alice"), row("103", "16567891230", "john")},
			[]fault{{2, "B", "row 3 too"}, {3, "B", "row 2 too"}},
		},
		{
			"bad extension",
			[][]string{row("12a", "", "alice"), row("12345678901", "", "john")},
			[]fault{{2, "A", "1 to 10 digits"}, {3, "A", "1 to 10 digits"}},
		},
		{"no extension", [][]string{row("", "6567891231", "alice")}, []fault{{2, "A", "missing"}}},
		{"no user", [][]string{row("102", "6567891231", "")}, []fault{{2, "C", "user is missing"}}},
		{"unknown user", [][]string{row("102", "", "nobody")}, []fault{{2, "C", "no user nobody"}}},
		{"inactive user", [][]string{row("102", "", "gone")}, []fault{{2, "C", "not active"}}},
		{"ambiguous name", [][]string{row("102", "", "bob SMITH")}, []fault{{2, "C", "2 users are called bob SMITH"}}},
		{"extension claimed twice", [][]string{
			row("102", "", "alice"), row("103", "", "lucie"), row("102", "", "john"),
		}, []fault{
			{2, "A", "extension is claimed by row 4 too"}, {4, "A", "extension is claimed by row 2 too"},
		}},
		{"number claimed twice", [][]string{
			row("102", "6567891231", "alice"), row("103", "6567891231", "lucie"),
		}, []fault{
			{2, "B", "number is claimed by row 3 too"}, {3, "B", "number is claimed by row 2 too"},
		}},
		{"user claimed twice, by other words", [][]string{
			row("102", "", "alice"), row("103", "", "ALICE@acme.example"),
		}, []fault{
			{2, "C", "user is claimed by row 3 too"}, {3, "C", "user is claimed by row 2 too"},
		}},
		{"claimed many times", [][]string{
			row("102", "", "alice"), row("102", "", "lucie"), row("102", "", "john"), row("102", "", "bobsmith"),
			row("102", "", "bob2"), row("102", "", "xavier"),
		}, []fault{
			{2, "A", "by rows 3, 4, 5 and 2 more"},
			{3, "A", "by rows 2, 4, 5 and 2 more"},
			{4, "A", "by rows 2, 3, 5 and 2 more"},
			{5, "A", "by rows 2, 3, 4 and 2 more"},
			{6, "A", "by rows 2, 3, 4, 5 and 1 more"},
			{7, "A", "by rows 2, 3, 4, 5 and 1 more"},
		}},
		{"a bad row claims too", [][]string{row("102", "", "alice", "nonsense"), row("102", "", "lucie")}, []fault{
			{2, "D", "nonsense"}, {2, "A", "claimed by row 3"}, {3, "A", "claimed by row 2"},
		}},
		{
			"number of an extension without a row",
			[][]string{row("102", "6567895000", "alice")},
			[]fault{{2, "B", "belongs to extension 500"}},
		},
		{"number of an extension whose row is bad", [][]string{
			row("102", "6567895000", "alice"), row("500", "", "xavier", "nonsense"),
		}, []fault{
			{2, "B", "belongs to extension 500"}, {3, "D", "nonsense"},
		}},
		{"numbers in a chain that ends at a bad row", [][]string{
			row("102", "6567891230", "alice"), row("101", "6567895000", "john"),
			row("500", "777", "xavier", "nonsense"),
		}, []fault{
			{2, "B", "belongs to extension 101"}, {3, "B", "belongs to extension 500"}, {4, "D", "nonsense"},
		}},
		{"all errors of a row", [][]string{row("x", "y", "nobody", "bad", "team_chat", "team_chat")}, []fault{
			{2, "A", "digits"},
			{2, "B", "digits"},
			{2, "D", "bad is not"},
			{2, "F", "twice"},
			{2, "C", "no user nobody"},
		}},
		{"a good row after a bad one, and blank rows", [][]string{
			row("x", "", "john"), row(), row("", "  ", ""), row("102", "", "alice"), row("103", "", "nobody"), row(),
		}, []fault{
			{2, "A", "digits"}, {6, "C", "no user"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range []string{"xlsx", "csv"} {
				body := filejobs.CSVFile(sheetOf(c.rows...))
				if kind == "xlsx" {
					body = o.XLSXFile(sheetOf(c.rows...))
				}
				v := o.In(Rejected, o.upload("phones."+kind, body, false))
				if !sameFaults(v.Errors, c.want) {
					t.Errorf("%s: errors%s", kind, describe(v.Errors))
				}
				bad := 0
				for _, r := range o.Rows(v.ID) {
					if r.Outcome == Bad {
						bad++
					}
				}
				if bad != v.Counts.Error || bad == 0 ||
					v.Counts.Rows != v.Counts.New+v.Counts.Change+v.Counts.Unchanged+v.Counts.Error {
					t.Errorf("%s: counts %+v", kind, v.Counts)
				}
				got := o.Result(v)
				status := slices.Index(got[0], "Status")
				for _, e := range v.Errors {
					if r := got[e.Row-1]; r[status] != "error" ||
						!strings.Contains(r[status+1], "Column "+e.Column+": "+e.Message) {
						t.Errorf("%s: the result says %q of %+v", kind, r, e)
					}
				}
				if r := o.Request("POST", "/"+v.ID+"/configure", nil); r.Status != 409 {
					t.Errorf("%s: configure of a rejected file: %d", kind, r.Status)
				}
			}
			o.EqualState(o.state(), before)
		})
	}
}

// What only a workbook can hold.
func TestBadCells(t *testing.T) {
	o := company(t)
	for _, c := range []struct {
		name string
		rows [][]string
		want []fault
	}{
		{
			"a number kept as a number is fine, a mangled one not",
			[][]string{row("#102", "#6567891231", "alice"), row("#103", "#6.57E+19", "lucie")},
			[]fault{{3, "B", "turned the number into"}},
		},
		{
			"what was entered became a date",
			[][]string{row("#46024#yyyy-mm-dd", "", "alice")},
			[]fault{{2, "A", "made a date"}},
		},
		{
			"zeros that only the format shows count",
			[][]string{row("#101#0000", "", "alice"), row("0101", "", "lucie")},
			[]fault{{2, "A", "claimed by row 3"}, {3, "A", "claimed by row 2"}},
		},
		{
			"something under no header",
			[][]string{row("102", "", "alice"), row("103", "", "lucie", "team_chat", "call_recording")},
			[]fault{{3, "E", "no header"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := append([][]string{row("Ext Key", "Number", "User", "Addon license 1")}, c.rows...)
			v := o.In(Rejected, o.upload("phones.xlsx", o.XLSXFile(content), false))
			if !sameFaults(v.Errors, c.want) {
				t.Errorf("errors%s", describe(v.Errors))
			}
		})
	}
}

// Headers match without regard to case and space; columns stand in any order; others than ours are
// refused (requirements, section 5).
func TestHeaders(t *testing.T) {
	o := company(t)
	content := func(header ...string) [][]string {
		return [][]string{header, row("102", "6567891231", "alice", "team_chat")}
	}
	for _, c := range []struct {
		name  string
		file  [][]string
		want  string // of the message; empty when the file is good
		row   int
		where string
	}{
		{name: "as documented", file: content("Ext Key", "Number", "User", "Addon license 1")},
		{name: "case and space", file: content(" EXT  key", "number ", "uSeR", "ADDON\tLicense1")},
		{name: "any number behind Addon license", file: content("Ext Key", "Number", "User", "Addon license 77")},
		{name: "Status and Message are tolerated", file: [][]string{
			row("Status", "Ext Key", "Number", "User", "Message"),
			row("error", "102", "6567891231", "alice", "Column A: =1"),
		}},
		{name: "any order", file: [][]string{
			row("User", "Addon license 1", "Ext Key", "Number"), row("alice", "team_chat", "102", "6567891231"),
		}},
		{
			name: "unknown", file: content("Ext Key", "Number", "User", "Adon license 1"),
			want: `"Adon license 1" is not one of`, row: 1, where: "D",
		},
		{
			name: "not numbered", file: content("Ext Key", "Number", "User", "Addon license"), want: "is not one of",
			row: 1, where: "D",
		},
		{
			name: "twice", file: content("Ext Key", "Number", "User", "ext key"), want: "is there twice", row: 1,
			where: "D",
		},
		{
			name: "no user", file: content("Ext Key", "Number", "Addon license 2", "Addon license 1"),
			want: "User is missing", row: 1,
		},
		{
			name: "no header", file: content("102", "6567891231", "alice", "team_chat"), want: "are none of", row: 1,
			where: "A",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range []string{"xlsx", "csv"} {
				body := filejobs.CSVFile(c.file)
				if kind == "xlsx" {
					body = o.XLSXFile(c.file)
				}
				v := o.upload("phones."+kind, body, false)
				if c.want == "" {
					if v.State != Ready || v.Counts.New != 1 {
						t.Errorf("%s: %s %+v", kind, v.Message, v.Counts)
					}
					continue
				}
				where := c.where
				if kind == "csv" && where != "" {
					where = fmt.Sprint(where[0] - 'A' + 1) // a text editor shows no letters
				}
				if v.State != Rejected || len(v.Errors) != 1 || v.Errors[0].Row != c.row ||
					v.Errors[0].Column != where ||
					!strings.Contains(v.Errors[0].Message, c.want) {
					t.Errorf("%s: %s %+v", kind, v.State, v.Errors)
				}
				if !strings.Contains(v.Message, c.want) || v.ResultURL != "" {
					t.Errorf("%s: message %q, result %q", kind, v.Message, v.ResultURL)
				}
			}
		})
	}
}

// A user is named by id, by email or by a name that is unique, without regard to how it is written
// but of the id; the name that is exactly so wins.
func TestUserIsFoundByIDEmailOrName(t *testing.T) {
	o := company(t)
	for _, c := range []struct{ text, id, fault string }{
		{"alice", "alice", ""},
		{"Alice", "alice", ""},
		{" aLiCe ", "alice", ""},
		{"Alice@ACME.example", "alice", ""},
		{"bob2", "bob2", ""},
		{"bobsmith@acme.example", "bobsmith", ""},
		{"bob smith", "bob2", ""}, // one is called exactly so
		{"Bob\u00a0 Smith\u200b", "bobsmith", ""},
		{"bob SMITH", "", "2 users are called"},
		{"ÀLICE", "alice", ""},
		{"BOBSMITH", "", "no user"}, // neither a name nor, in that case, an id
		{"Gone", "", "not active"},
	} {
		v := o.upload("phones.csv", filejobs.CSVFile(sheetOf(row("102", "", c.text))), true)
		r := o.Rows(v.ID)[0]
		switch {
		case c.fault == "" && (r.UserID != c.id || r.Outcome != New):
			t.Errorf("%q is %q: %+v", c.text, r.UserID, r.Errors)
		case c.fault != "" && (len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Message, c.fault)):
			t.Errorf("%q: %+v", c.text, r.Errors)
		}
	}
}

// A row with more errors than are kept says how many more there are, and a file of such rows still
// fits into the table.
func TestRowsFullOfErrors(t *testing.T) {
	o := company(t)
	bad := func(ext string) []string {
		r := row(ext, "x", "nobody")
		for i := range 100 {
			r = append(r, fmt.Sprintf("%s%d", strings.Repeat("&", 900), i))
		}
		return r
	}
	var rows [][]string
	for i := range 2*chunkRows + 1 {
		rows = append(rows, bad(strings.Repeat("<", 900)+fmt.Sprint(i)))
	}
	v := o.In(Rejected, o.upload("phones.csv", filejobs.CSVFile(sheetOf(rows...)), false))
	if v.Counts.Error != len(rows) || len(v.Errors) != shownErrors {
		t.Fatalf("%d errors shown of %+v", len(v.Errors), v.Counts)
	}
	got := o.Rows(v.ID)
	if len(got) != len(rows) || len(got[0].Errors) != rowErrors ||
		got[0].Errors[rowErrors-1].Message != "There are 94 more errors in this row." {
		t.Errorf("%d rows, the first with %+v", len(got), got[0].Errors[len(got[0].Errors)-1])
	}
}

// With skipErrors the good rows are applied, whole, and the bad ones left alone (requirements,
// section 5.4).
func TestSkipErrors(t *testing.T) {
	o := company(t)
	rows := [][]string{
		row("102", "6567891231", "alice", "team_chat"),
		row("103", "", "nobody"),
		row("104", "6567895000", "lucie"), // belongs to 500, whose row is bad
		row("500", "1234", "xavier", "nonsense"),
		row("101", "6567891230", "john", "call_recording"),
	}
	v := o.In(Ready, o.upload("phones.csv", filejobs.CSVFile(sheetOf(rows...)), true))
	if v.Counts != (Counts{Rows: 5, New: 1, Change: 1, Error: 3}) || !v.SkipErrors {
		t.Fatalf("%+v", v.Counts)
	}
	if want := []fault{{3, "C", "nobody"}, {4, "B", "500"}, {5, "D", "nonsense"}}; !sameFaults(v.Errors, want) {
		t.Errorf("errors%s", describe(v.Errors))
	}
	v = o.In(Completed, o.configure(v.ID))
	o.EqualState(o.state(), `alice: 102/6567891231 phone-system team_chat
bob2: /
bobsmith: /
gone: /
john: 101/6567891230 call_recording phone-system
lucie: /
xavier: 500/6567895000 phone-system
phone-system 3
call_recording 1
team_chat 1`)
	var status []string
	for _, r := range o.Result(v)[1:] {
		status = append(status, r[4])
	}
	if want := []string{"configured", "error", "error", "error", "configured"}; !slices.Equal(status, want) {
		t.Errorf("result %q", status)
	}
	if v.Applied != 2 || v.Counts.Rows != v.Applied+v.Counts.Error {
		t.Errorf("applied %d of %+v (invariant I13)", v.Applied, v.Counts)
	}
}

// An extension whose own row is bad counts as one without a row: who loses it to another loses the
// license with it, as the plan says.
func TestBadRowIsNoRow(t *testing.T) {
	o := company(t)
	v := o.In(
		Ready,
		o.upload(
			"phones.csv",
			filejobs.CSVFile(sheetOf(row("101", "6567891230", "alice"), row("102", "", "john", "nonsense"))),
			true,
		),
	)
	if len(v.Needs) != 0 {
		t.Errorf("needs %+v; the license moves along", v.Needs)
	}
	v = o.In(Completed, o.configure(v.ID))
	if v.Applied != 1 || v.Refused != 0 {
		t.Errorf("%+v", v)
	}
	if state := o.state(); !strings.Contains(state, "alice: 101/6567891230 phone-system\n") ||
		!strings.Contains(state, "john: /\n") {
		t.Errorf("state:\n%s", state)
	}
}

// Extensions and numbers change places between rows, in whichever order the rows stand.
func TestSwaps(t *testing.T) {
	for name, rows := range map[string][][]string{
		"extensions": {
			row("101", "1001", "alice", "team_chat"), row("102", "1002", "john", "call_recording"),
		},
		"numbers": {
			row("101", "1002", "john", "call_recording"), row("102", "1001", "alice", "team_chat"),
		},
		"extensions and numbers": {
			row("101", "1002", "alice", "team_chat"), row("102", "1001", "john", "call_recording"),
		},
		"three in a ring": {
			row("101", "1002", "alice", "team_chat"), row("102", "1003", "lucie", "call_recording"),
			row("103", "1001", "john", "team_chat", "call_recording"),
		},
	} {
		for _, backwards := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " backwards ", backwards), func(t *testing.T) {
				o := open(t)
				o.Hire("John", "Alice", "Lucie")
				o.Buy(3, all()...)
				o.give("john", "101", "1001", "call_recording")
				o.give("alice", "102", "1002", "team_chat")
				o.give("lucie", "103", "1003", "team_chat")
				if backwards {
					slices.Reverse(rows)
				}
				v := o.In(Completed, o.configure(o.checked(Ready, rows...).ID))
				if v.Applied != len(rows) || v.Refused != 0 {
					t.Errorf("%+v", v)
				}
				state := o.state()
				for _, r := range rows {
					holds := slices.Sorted(slices.Values(append(r[3:len(r):len(r)], "phone-system")))
					want := fmt.Sprintf("%s: %s/%s %s\n", r[2], r[0], r[1], strings.Join(holds, " "))
					if !strings.Contains(state, want) {
						t.Errorf("no %q in\n%s", want, state)
					}
				}
				if v := o.checked(Ready, rows...); v.Counts.Unchanged != len(rows) {
					t.Errorf("again: %+v", v.Counts)
				}
			})
		}
	}
}

// Moving an extension to somebody new takes the license along, the very same one, with its add-ons;
// no seat is needed.
func TestMoveTakesTheLicenseAlong(t *testing.T) {
	o := open(t)
	o.Hire("John", "Alice")
	o.Buy(1, "phone-system", "call_recording", "team_chat")
	o.give("john", "101", "1001", "call_recording")
	before, _, err := o.People.GetUser(o.Ctx, o.Call("admin"), "john")
	o.Must(err)
	v := o.checked(Ready, row("101", "1001", "alice", "call_recording", "team_chat"))
	if v.Counts.Change != 1 || !slices.Equal(v.Needs, []Need{{ProductID: "team_chat", Wanted: 1, Available: 1}}) {
		t.Errorf("%+v %+v", v.Counts, v.Needs)
	}
	o.In(Completed, o.configure(v.ID))
	after, _, err := o.People.GetUser(o.Ctx, o.Call("admin"), "alice")
	o.Must(err)
	for _, was := range before.Holdings {
		if !slices.ContainsFunc(
			after.Holdings,
			func(is directory.UserLicense) bool { return is.LicenseID == was.LicenseID },
		) {
			t.Errorf("the license %+v did not come along: %+v", was, after.Holdings)
		}
	}
	o.EqualState(
		o.state(),
		"alice: 101/1001 call_recording phone-system team_chat\njohn: /\nphone-system 1\ncall_recording 1\nteam_chat 1",
	)
}

// A user who comes from an extension that has no row gives it up, with its number or taking it
// along, and the plan says so.
func TestUserGivesUpAnExtension(t *testing.T) {
	o := open(t)
	o.Hire("John")
	o.Buy(1, "phone-system")
	o.give("john", "101", "1001")
	v := o.checked(Ready, row("102", "1001", "john"))
	if d := o.Rows(v.ID)[0].Differences; !slices.Contains(d, Difference{"extension", "101", "102"}) {
		t.Errorf("differences %+v", d)
	}
	v = o.In(Completed, o.configure(v.ID))
	o.EqualState(o.state(), "john: 102/1001 phone-system\nphone-system 1")
	v = o.In(Ready, o.undo(v.ID))
	o.In(Completed, o.configure(v.ID))
	o.EqualState(o.state(), "john: 101/1001 phone-system\nphone-system 1")
}

// The seats needed are shown against those free; too few, or fewer than at the check, and configure
// refuses (requirements, sections 5.3, 5.4).
func TestSeats(t *testing.T) {
	o := open(t)
	o.Hire("John", "Alice", "Lucie")
	o.Buy(2, "phone-system")
	o.Buy(1, "team_chat")
	rows := [][]string{row("101", "", "john", "team_chat"), row("102", "", "alice")}
	before := o.state()

	short := o.checked(Ready, append(rows, row("103", "", "lucie"))...)
	needs := []Need{
		{ProductID: "phone-system", Wanted: 3, Available: 2}, {ProductID: "team_chat", Wanted: 1, Available: 1},
	}
	if diff := cmp.Diff(needs, short.Needs); diff != "" {
		t.Errorf("needs, wanted -, got +:\n%s", diff)
	}
	o.refused(short.ID, "not-enough-licenses", "phone-system", 3, 2)

	stale := o.checked(Ready, rows...)
	o.give("lucie", "", "")
	o.refused(stale.ID, "plan-stale", "", 0, 0)
	if v := o.Get(stale.ID); v.State != Ready {
		t.Errorf("after the refusal: %s", v.State)
	}
	o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
		return ch.Unassign(ctx, "lucie", "phone-system")
	}, "lucie")
	o.EqualState(o.state(), before)
	if v := o.configure(stale.ID); v.State != Completed || v.Applied != 2 {
		t.Errorf("with the seats back: %+v", v)
	}
}

// Between configure and the first row the account may change; then nothing is applied, and the rows
// are named.
func TestPlanThatNoLongerFits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *office)
		words  string
	}{
		"seats taken": {
			func(o *office) { o.give("lucie", "", "") },
			"Not enough free Phone System licenses: 2 wanted, 1 free now",
		},
		"user deactivated": {
			func(o *office) { o.User(directory.User{ID: "alice", Name: "Alice", Active: false}) }, "row 3",
		},
		"extension taken": {func(o *office) { o.give("lucie", "101", ""); o.Buy(1, "phone-system") }, "row 2"},
		"user got another": {func(o *office) {
			o.change(
				func(ctx context.Context, ch *license.UnitOfWork) error { return ch.Extend(ctx, "john", "777", "") },
				"john",
			)
		}, "row 2"},
		"number taken": {func(o *office) {
			o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
				return ch.Extend(ctx, "lucie", "777", "1001")
			}, "lucie")
		}, "row 2"},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.Hire("John", "Alice", "Lucie")
			o.Buy(2, "phone-system")
			v := o.checked(Ready, row("101", "1001", "john"), row("102", "", "alice"))
			if r := o.Request("POST", "/"+v.ID+"/configure", nil); r.Status != 202 {
				t.Fatalf("%s", r.Body)
			}
			c.change(o)
			before := o.state()
			o.deliver()
			v = o.In(Failed, o.Get(v.ID))
			if !strings.Contains(v.Message, "nothing was configured") || !strings.Contains(v.Message, c.words) ||
				v.Applied != 0 {
				t.Errorf("message %q", v.Message)
			}
			o.EqualState(o.state(), before)
			if r := o.Request("POST", "/"+v.ID+"/undo", nil); r.Status != 409 {
				t.Errorf("undo of nothing: %d", r.Status)
			}
		})
	}
}

// refused expects that a plan cannot be configured.
func (o *office) refused(id, slug, product string, wanted, available int64) {
	o.F.Helper()
	p := fixtures.Problem(o.T, o.Request("POST", "/"+id+"/configure", nil), 409, slug)
	if product != "" && (p.ProductID != product || *p.Wanted != wanted || *p.Available != available) {
		o.F.Fatalf("%+v", p)
	}
}
