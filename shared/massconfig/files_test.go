package massconfig

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
)

// hiding makes a workbook with hidden rows and columns.
func (o *office) hiding(content [][]string, rows []int, columns ...string) []byte {
	o.F.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(o.XLSXFile(content)))
	o.Must(err)
	defer book.Close()
	for _, row := range rows {
		o.Must(book.SetRowVisible("Sheet1", row, false))
	}
	for _, column := range columns {
		o.Must(book.SetColVisible("Sheet1", column, false))
	}
	var b bytes.Buffer
	o.Must(book.Write(&b))
	return b.Bytes()
}

// uploadHidden uploads a file and says what becomes of what is hidden in it.
func (o *office) uploadHidden(name string, body []byte, hidden string) View {
	o.F.Helper()
	v := fixtures.Decode[View](
		o.T,
		o.Request("POST", "", map[string]any{"fileName": name, "sizeBytes": len(body), "hidden": hidden}),
		201,
	)
	o.Must(o.Check(o.Ctx, o.Put(v, body)))
	return o.Get(v.ID)
}

// Hidden rows and columns refuse the file, naming them, unless the caller says what becomes of them
// (requirements, section 5).
func TestHiddenRows(t *testing.T) {
	o := company(t)
	content := sheetOf(
		row("102", "6567891231", "alice", "team_chat"),
		row("103", "6567891232", "bob2"),
		row("104", "", "lucie", "call_recording"),
	)
	file := o.hiding(content, []int{3}, "D")
	for _, v := range []View{o.upload("phones.xlsx", file, false), o.uploadHidden("phones.xlsx", file, "reject")} {
		if v.State != Rejected || len(v.Errors) != 1 || v.Errors[0].Code != "hidden-rows" || v.Errors[0].Row != 3 ||
			!strings.Contains(v.Message, "row 3, and column D") ||
			v.Hidden != "reject" {
			t.Errorf("%s %q %+v", v.State, v.Message, v.Errors)
		}
	}
	v := o.In(Ready, o.uploadHidden("phones.xlsx", file, "apply"))
	if r := o.Rows(v.ID); v.Counts.Rows != 3 || len(r[0].AddOns) != 1 || v.Hidden != "apply" {
		t.Errorf("applied: %+v, %+v", v.Counts, r)
	}
	v = o.In(Ready, o.uploadHidden("phones.xlsx", file, "skip"))
	r := o.Rows(v.ID)
	if v.Counts.Rows != 2 || r[0].Row != 2 || r[1].Row != 4 || len(r[0].AddOns)+len(r[1].AddOns) != 0 {
		t.Errorf("left out: %+v, %+v", v.Counts, r)
	}
	result := o.Result(o.configure(v.ID))
	if line := strings.Join(result[2], "|"); line != "103|6567891232|bob2|skipped|The row is hidden." {
		t.Errorf("result: %s", line)
	}
	for _, c := range []struct {
		rows    []int
		columns []string
		words   string
	}{
		{[]int{1}, nil, "The header is hidden"},
		{[]int{2, 3, 4}, nil, "All rows below the header are hidden"},
		{nil, []string{"B", "C"}, "the columns Number, User are missing"},
	} {
		if v := o.uploadHidden(
			"phones.xlsx",
			o.hiding(content, c.rows, c.columns...),
			"skip",
		); v.State != Rejected ||
			!strings.Contains(v.Message, c.words) {
			t.Errorf("%s: %s", v.State, v.Message)
		}
	}
	if v := o.In(Ready, o.upload("phones.xlsx", o.hiding(content, nil, "E", "F"), false)); v.Counts.Rows != 3 {
		t.Errorf("columns without anything: %+v", v.Counts)
	}
	if resp := o.Request(
		"POST",
		"",
		map[string]any{"fileName": "a.xlsx", "sizeBytes": 1, "hidden": "maybe"},
	); resp.Status != 422 {
		t.Errorf("maybe: %d", resp.Status)
	}
}

// A file without a row below its header is refused (requirements, section 5).
func TestFileWithoutRows(t *testing.T) {
	o := company(t)
	for name, body := range map[string][]byte{
		"phones.csv": filejobs.CSVFile(sheetOf()), "phones.xlsx": o.XLSXFile(sheetOf()),
		"blank.csv": []byte("Ext Key,Number,User\n,,\n  , ,\n"),
	} {
		if v := o.upload(
			name,
			body,
			true,
		); v.State != Rejected || !strings.Contains(v.Message, "no row below") ||
			v.Errors[0].Code != "no-rows" {
			t.Errorf("%s: %s %q %+v", name, v.State, v.Message, v.Errors)
		}
	}
}

// A row that names a product instead of its code is told the code.
func TestProductNamesAreToldTheirCodes(t *testing.T) {
	o := company(t)
	for said, code := range map[string]string{
		"IP Phone": "device_ip_phone", "ip-phone": "device_ip_phone", "Device IP Phone": "device_ip_phone",
		"Team Chat": "team_chat", "DNC": "license_dnc_checking_enabled",
		"Unlimited Call Recording Storage": "license_call_recording_unlimited_enabled", "Fax": "", "Phone System": "",
	} {
		v := o.upload("phones.csv", filejobs.CSVFile(sheetOf(row("102", "", "alice", said))), false)
		if len(v.Errors) != 1 || v.Errors[0].Column != "4" || v.Errors[0].Code != "unknown-code" {
			t.Fatalf("%q: %+v", said, v.Errors)
		}
		if message := v.Errors[0].Message; strings.Contains(message, "Write ") != (code != "") ||
			!strings.Contains(message, code) {
			t.Errorf("%q: %s", said, message)
		}
	}
}

// All that is wrong with a header is said at once, and so are all products that lack seats.
func TestAllAtOnce(t *testing.T) {
	o := company(t)
	v := o.upload("phones.csv", []byte("Extkey,Phone,Who,Ext Key\n1,2,3,4\n"), false)
	for _, words := range []string{
		`"Phone", "Who" are none of`, `"Ext Key" is there twice`, "the columns Number, User are missing",
	} {
		if !strings.Contains(v.Message, words) {
			t.Errorf("%q misses %q", v.Message, words)
		}
	}
	var rows [][]string
	for i := range 30 {
		o.Hire(fmt.Sprintf("new%d", i))
		rows = append(rows, row(fmt.Sprint(9000+i), "", fmt.Sprintf("new%d", i), "team_chat", "call_recording"))
	}
	v = o.In(Ready, o.upload("phones.csv", filejobs.CSVFile(sheetOf(rows...)), false))
	p := fixtures.Decode[struct{ Type, Detail string }](t, o.Request("POST", "/"+v.ID+"/configure", nil), 409)
	if !strings.HasSuffix(p.Type, ":not-enough-licenses") {
		t.Error(p.Type)
	}
	for _, need := range v.Needs {
		if need.Wanted > need.Available &&
			!strings.Contains(p.Detail, fmt.Sprintf("%s license", catalog.Default().Name(need.ProductID))) {
			t.Errorf("%q misses %+v", p.Detail, need)
		}
	}
	if len(v.Needs) != 3 {
		t.Errorf("%+v", v.Needs)
	}
}

// What a result file repeats of refused cells is refused again when it is sent back, and no formula
// becomes somebody's name (requirements, section 5).
func TestResultIsReadAsItWas(t *testing.T) {
	o := company(t)
	for _, id := range []string{"=bad", "'=bad"} {
		o.User(directory.User{ID: "u" + fmt.Sprint(len(id)), Name: id, Active: true})
	}
	content := sheetOf(row("102", "", "=1+1"), row("#45321#yyyy-mm-dd", "", "alice"), row("103", "#6.57E+30", "bob2"))
	v := o.In(Rejected, o.upload("phones.xlsx", o.XLSXFile(content), false))
	again := o.In(Rejected, o.upload("phones.xlsx", o.Download(v), false))
	if fmt.Sprint(v.Errors) != fmt.Sprint(again.Errors) {
		t.Errorf("at first %+v, then %+v", v.Errors, again.Errors)
	}
	v = o.In(
		Rejected,
		o.upload("phones.csv", []byte("Ext Key,Number,User\n102,,'=bad\n103,,''=bad\n104,,nobody\n105,,=bad\n"), false),
	)
	got := o.Rows(v.ID)
	if got[0].UserID != "u4" || got[1].UserID != "u5" || !strings.Contains(got[3].Errors[0].Message, "formula") {
		t.Errorf("%+v", got)
	}
	again = o.In(Rejected, o.upload("phones.csv", o.Download(v), false))
	if fmt.Sprint(o.Rows(again.ID)) != fmt.Sprint(got) {
		t.Errorf("at first %+v, then %+v", got, o.Rows(again.ID))
	}
}

// The filled template is the account's present phones; sent back unedited, every row is unchanged,
// and an edit is that edit (requirements, section 5.1).
func TestFilledTemplate(t *testing.T) {
	o := company(t)
	o.User(directory.User{ID: "-dash", Name: "=HYPERLINK(1)", Extension: "0007", Number: "+16567891239", Active: true})
	o.give("-dash", "0007", "+16567891239", "team_chat", "call_recording")
	o.User(directory.User{ID: "desk", Name: "No license", Extension: "777", Active: true})
	for _, format := range []string{"xlsx", "csv"} {
		r := o.Request("GET", "/template?filled=true&format="+format, nil)
		if r.Status != 200 || !strings.Contains(r.Header.Get("Content-Disposition"), "Phones."+format) {
			t.Fatalf("%s: %d %s", format, r.Status, r.Body)
		}
		v := o.In(Ready, o.upload("phones."+format, r.Body, false))
		if v.Counts.Rows != 3 || v.Counts.Unchanged != 3 {
			t.Errorf("%s: %+v, %+v", format, v.Counts, o.Rows(v.ID))
		}
		edited := bytes.Replace(r.Body, []byte("john"), []byte("alice"), 1)
		if format == "csv" {
			if v := o.In(
				Ready,
				o.upload("phones.csv", edited, false),
			); v.Counts.Unchanged != 2 ||
				v.Counts.Change != 1 {
				t.Errorf("edited: %+v", v.Counts)
			}
		}
	}
}

// A small workbook whose cells all point at one long text is refused, and soon: what stands behind
// the reader copies what cells say.
func TestSmallFileOfManyLongTexts(t *testing.T) {
	o := company(t)
	long := strings.Repeat("😀", 1024)
	var rows [][]string
	for i := range 600 {
		r := row(fmt.Sprint(1000+i), "", "alice")
		for range 40 {
			r = append(r, long)
		}
		rows = append(rows, r)
	}
	file := o.XLSXFile(sheetOf(rows...))
	if len(file) > 200<<10 {
		t.Fatalf("%d bytes", len(file))
	}
	v := o.In(Rejected, o.upload("phones.xlsx", file, true))
	if len(v.Errors) != 1 || v.Errors[0].Code != "too-much-text" {
		t.Errorf("%+v", v.Errors)
	}
}
