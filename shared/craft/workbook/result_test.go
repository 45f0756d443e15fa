package workbook

import (
	"bytes"
	"errors"
	"testing"
)

func TestResult(t *testing.T) {
	inTempFolder(t)
	var out bytes.Buffer
	r, err := NewResult(&out, day(21), "Result", []string{"Ext Key", "Number", "User", "=Addon license 1"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Discard()
	for _, row := range []struct {
		cells           []string
		status, message string
	}{
		{[]string{"0101", "6567891230", "John", "call_recording"}, "applied", ""},
		{[]string{"102", "6.57E+09"}, "error", "Number: =1 was mangled"},
		{nil, "error", "Ext Key is missing"},
		{[]string{"=1+1", "+65", "-1", "@x"}, "=status", "=message"},
	} {
		if err := r.Append(row.cells, row.status, row.message); err != nil {
			t.Fatal(err)
		}
	}
	// A refused row leaves no trace, and the file goes on.
	if err := r.Append(make([]string, 5), "", ""); !errors.Is(err, ErrRagged) {
		t.Errorf("got %v", err)
	}
	if err := r.Append([]string{"103"}, "applied", ""); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("%d bytes were written before Close", out.Len())
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	book := out.Bytes()
	equal(t, rows(t, book, ResultSheet), [][]string{
		{"Ext Key", "Number", "User", "=Addon license 1", "Status", "Message"},
		{"0101", "6567891230", "John", "call_recording", "applied"},
		{"102", "6.57E+09", "", "", "error", "Number: =1 was mangled"},
		{"", "", "", "", "error", "Ext Key is missing"},
		{"=1+1", "+65", "-1", "@x", "=status", "=message"},
		{"103", "", "", "", "applied"},
	})
	all := unpack(t, book)
	styles := parse[xmlStyles](t, all["xl/styles.xml"])
	s, cells := sheetAt(t, all, "1")
	if s.Pane.YSplit != 1 || s.Filter == nil || s.Filter.Ref != "$A$1:$F$6" {
		t.Errorf("pane %+v, filter %+v", s.Pane, s.Filter)
	}
	for ref, c := range cells {
		if c.Type != "inlineStr" || c.Value != "" || styles.format(c.Style) != "@" {
			t.Errorf("%s: %+v is no text cell", ref, c)
		}
	}
	for _, ref := range []string{"A1", "F1"} {
		if !styles.bold(cells[ref].Style) {
			t.Errorf("%s is not bold", ref)
		}
	}

	if err := r.Append(nil, "", ""); err == nil {
		t.Error("a closed file took a row")
	}
	if err := r.Close(); err == nil || out.Len() != len(book) {
		t.Error("a closed file was written again")
	}
}

func TestResultWithoutRows(t *testing.T) {
	inTempFolder(t)
	var out bytes.Buffer
	r, err := NewResult(&out, day(21), "Result", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, rows(t, out.Bytes(), ResultSheet), [][]string{{"Status", "Message"}})
	if s, _ := sheetAt(t, unpack(t, out.Bytes()), "1"); s.Filter.Ref != "$A$1:$B$2" {
		t.Errorf("filter %s", s.Filter.Ref)
	}
}

func TestResultDiscard(t *testing.T) {
	inTempFolder(t)
	var out bytes.Buffer
	r, err := NewResult(&out, day(21), "Result", []string{"A"})
	if err != nil {
		t.Fatal(err)
	}
	wide := string(bytes.Repeat([]byte("w"), 30000))
	for range 700 { // beyond 16 MiB, so that there is a temporary file to remove
		if err := r.Append([]string{wide}, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	r.Discard()
	if err := r.Close(); err == nil || out.Len() > 0 {
		t.Errorf("a discarded file was written: %v, %d bytes", err, out.Len())
	}
}

func TestResultBrokenWriter(t *testing.T) {
	inTempFolder(t)
	r, err := NewResult(&brokenWriter{left: 100}, day(21), "Result", []string{"A"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

// An upload may have as many columns as a sheet; a wider one is an error and not a panic.
func TestResultWide(t *testing.T) {
	inTempFolder(t)
	if _, err := NewResult(&bytes.Buffer{}, day(21), "Result", make([]string, 16383)); err == nil {
		t.Error("16,385 columns were taken")
	}
	var out bytes.Buffer
	r, err := NewResult(&out, day(21), "Result", make([]string, 16382))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Append(make([]string, 16382), "applied", "ok"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, cells := sheetAt(t, unpack(t, out.Bytes()), "1"); cells["XFD3"].Text != "ok" {
		t.Errorf("got %+v", cells["XFD3"])
	}
}
