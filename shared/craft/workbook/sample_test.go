package workbook

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"seatwise/shared/craft/workbook/form"
)

var nineAddOns = []form.AddOn{
	{Code: "call_recording", Name: "Call Recording"},
	{Code: "device_desktop_app", Name: "Desktop"},
	{Code: "license_dnc_checking_enabled", Name: "DNC"},
	{Code: "device_ip_phone", Name: "IP Phone"},
	{Code: "device_mobile_app", Name: "Mobile"},
	{Code: "device_web_rtc", Name: "Web Phone"},
	{Code: "license_number", Name: "Number"},
	{Code: "team_chat", Name: "Team Chat"},
	{Code: "license_call_recording_unlimited_enabled", Name: "Unlimited Call Recording Storage"},
}

func TestSample(t *testing.T) {
	inTempFolder(t)
	in := form.Sample{Created: day(21), AddOns: nineAddOns, AddOnColumns: 4, Rows: [][]string{
		{"0101", "6567891230", "John", "device_ip_phone", "call_recording"},
		{"102", "+6567891231", "=Alice"},
	}}
	var out bytes.Buffer
	if err := WriteSample(&out, in); err != nil {
		t.Fatal(err)
	}
	book := out.Bytes()
	equal(t, rows(t, book, form.SampleSheet), [][]string{
		{"Ext Key", "Number", "User", "Addon license 1", "Addon license 2", "Addon license 3", "Addon license 4"},
		{"0101", "6567891230", "John", "device_ip_phone", "call_recording"},
		{"102", "+6567891231", "=Alice"},
	})
	codes := rows(t, book, form.CodesSheet)
	if len(codes) != 10 ||
		strings.Join(codes[9], "|") != "license_call_recording_unlimited_enabled|Unlimited Call Recording Storage" {
		t.Errorf("codes %q", codes)
	}

	all := unpack(t, book)
	styles := parse[xmlStyles](t, all["xl/styles.xml"])
	s, cells := sheetAt(t, all, "1")
	if s.Pane.YSplit != 1 || s.Pane.TopLeft != "A2" {
		t.Errorf("pane %+v", s.Pane)
	}
	if !styles.bold(cells["D1"].Style) || styles.format(cells["D1"].Style) != "@" {
		t.Errorf("header %+v", cells["D1"])
	}
	// Empty cells below take their format from the column: what an admin types there must stay
	// text.
	columns := 0
	for _, c := range s.Cols {
		if styles.format(c.Style) == "@" {
			columns += c.Max - c.Min + 1
		}
	}
	if columns != 7 {
		t.Errorf("%d of 7 columns are text", columns)
	}
	for _, ref := range []string{"A2", "B2", "B3", "C3"} {
		if c := cells[ref]; c.Type != "inlineStr" || styles.format(c.Style) != "@" {
			t.Errorf("%+v is no text cell", c)
		}
	}
	if len(s.Validations) != 1 {
		t.Fatalf("%d drop-downs", len(s.Validations))
	}
	if v := s.Validations[0]; v.Type != "list" || v.Sqref != "D2:G100001" || v.Formula1 != "'Addon codes'!$A$2:$A$10" ||
		!strings.Contains(v.Prompt, "device_ip_phone") ||
		v.PromptTitle != "Add-on code" {
		t.Errorf("drop-down %+v", v)
	}

	f, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if list := f.GetSheetList(); len(list) != 2 || list[0] != form.SampleSheet {
		t.Errorf("sheets %q", list)
	}
	first, err1 := f.GetSheetVisible(form.SampleSheet)
	second, err2 := f.GetSheetVisible(form.CodesSheet)
	if err := errors.Join(err1, err2); err != nil || !first || second {
		t.Errorf("visible: %t, %t, %v", first, second, err)
	}
}

func TestSampleColumns(t *testing.T) {
	inTempFolder(t)
	for _, c := range []struct {
		name     string
		in       form.Sample
		last     string
		dropDown string
	}{
		{"one column per add-on", form.Sample{AddOns: nineAddOns}, "Addon license 9", "D2:L100001"},
		{"no add-ons", form.Sample{}, "User", ""},
		{"columns without add-ons", form.Sample{AddOnColumns: 2}, "Addon license 2", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := WriteSample(&out, c.in); err != nil {
				t.Fatal(err)
			}
			header := rows(t, out.Bytes(), form.SampleSheet)[0]
			if got := header[len(header)-1]; got != c.last {
				t.Errorf("the last column is %q", got)
			}
			s, _ := sheetAt(t, unpack(t, out.Bytes()), "1")
			got := ""
			if len(s.Validations) > 0 {
				got = s.Validations[0].Sqref
			}
			if got != c.dropDown {
				t.Errorf("drop-down over %q", got)
			}
		})
	}
}

func TestSampleRefuses(t *testing.T) {
	inTempFolder(t)
	var out bytes.Buffer
	err := WriteSample(&out, form.Sample{AddOnColumns: 1, Rows: [][]string{{"1", "2", "3", "4", "5"}}})
	if !errors.Is(err, ErrRagged) || out.Len() > 0 {
		t.Errorf("got %v and %d bytes", err, out.Len())
	}
	if err := WriteSample(&brokenWriter{left: 100}, form.Sample{AddOns: nineAddOns}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestSampleSameBytes(t *testing.T) {
	inTempFolder(t)
	var first []byte
	for range 20 {
		var out bytes.Buffer
		if err := WriteSample(&out, form.Sample{Created: day(1), AddOns: nineAddOns}); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out.Bytes()
		}
		if !bytes.Equal(first, out.Bytes()) {
			t.Fatal("the same input gave other bytes")
		}
	}
}

// A form is a header over columns of text, frozen; what is filled in stays as it was entered.
func TestForm(t *testing.T) {
	inTempFolder(t)
	var out bytes.Buffer
	if err := WriteForm(&out, form.Form{
		Created: day(21),
		Title:   "Import users",
		Header:  []string{"User", "Name", "Active"},
		Rows:    [][]string{{"=u", "0012"}},
		Lists:   []form.List{{Name: "Active", First: 3, Last: 3, Codes: []form.AddOn{{Code: "yes"}, {Code: "no"}}}},
	}); err != nil {
		t.Fatal(err)
	}
	equal(t, rows(t, out.Bytes(), "Import users"), [][]string{{"User", "Name", "Active"}, {"=u", "0012"}})
	all := unpack(t, out.Bytes())
	styles := parse[xmlStyles](t, all["xl/styles.xml"])
	s, cells := sheetAt(t, all, "1")
	if s.Pane.YSplit != 1 || s.Pane.TopLeft != "A2" || !styles.bold(cells["A1"].Style) {
		t.Errorf("pane %+v, header %+v", s.Pane, cells["A1"])
	}
	columns := 0
	for _, c := range s.Cols {
		if styles.format(c.Style) == "@" {
			columns += c.Max - c.Min + 1
		}
	}
	if columns < 3 {
		t.Errorf("columns %+v", s.Cols)
	}
	if len(s.Validations) != 1 || s.Validations[0].Formula1 != `"yes,no"` || s.Validations[0].Prompt != "yes\nno" {
		t.Errorf("drop-downs %+v", s.Validations)
	}
	err := WriteForm(&out, form.Form{Created: day(21), Title: "a", Header: []string{"a"}, Rows: [][]string{{"a", "b"}}})
	if !errors.Is(err, ErrRagged) {
		t.Errorf("got %v", err)
	}
}

// The note beside a cell names the codes, with their names where both have room, in as much as a
// note may have.
func TestNote(t *testing.T) {
	for _, c := range []struct {
		codes []form.AddOn
		want  string
	}{
		{[]form.AddOn{{Code: "a", Name: "A"}, {Code: "b", Name: ""}}, "a = A\nb"},
		{nineAddOns, "call_recording\ndevice_desktop_app\nlicense_dnc_checking_enabled\ndevice_ip_phone\ndevice_mobile_app\ndevice_web_rtc\nlicense_number\nteam_chat\nlicense_call_recording_unlimited_enabled"},
		{
			[]form.AddOn{{Code: strings.Repeat("a", 200)}, {Code: strings.Repeat("b", 60)}},
			strings.Repeat("a", 200) + "\n...",
		},
	} {
		if got := note(form.List{Codes: c.codes}); got != c.want || len(got) > maxNote {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
