package workbook

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// day is a day of November 2026, with a time of day that must not show.
func day(n int) time.Time { return time.Date(2026, time.November, n, 17, 45, 0, 0, time.UTC) }

// seq is a sequence of the given rows.
func seq[T any](rows ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// unpack reads the parts of a workbook. Reading every part to its end checks its CRC and size.
func unpack(t *testing.T, book []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	if r.File[0].Name != "[Content_Types].xml" {
		t.Errorf("the first part is %s", r.File[0].Name)
	}
	out := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		out[f.Name] = string(b)
	}
	return out
}

// xmlSheet is what the tests look at in a sheet's own XML.
type xmlSheet struct {
	Dimension *struct{} `xml:"dimension"`
	Pane      struct {
		State   string `xml:"state,attr"`
		YSplit  int    `xml:"ySplit,attr"`
		TopLeft string `xml:"topLeftCell,attr"`
	} `xml:"sheetViews>sheetView>pane"`
	Cols []struct {
		Min   int     `xml:"min,attr"`
		Max   int     `xml:"max,attr"`
		Width float64 `xml:"width,attr"`
		Style int     `xml:"style,attr"`
	} `xml:"cols>col"`
	Rows []struct {
		R     int       `xml:"r,attr"`
		Cells []xmlCell `xml:"c"`
	} `xml:"sheetData>row"`
	Filter *struct {
		Ref string `xml:"ref,attr"`
	} `xml:"autoFilter"`
	Validations []struct {
		Type     string `xml:"type,attr"`
		Sqref    string `xml:"sqref,attr"`
		Formula1 string `xml:"formula1"`

		PromptTitle string `xml:"promptTitle,attr"`
		Prompt      string `xml:"prompt,attr"`
	} `xml:"dataValidations>dataValidation"`
	Drawing *struct{} `xml:"drawing"`
}

type xmlCell struct {
	Ref     string    `xml:"r,attr"`
	Style   int       `xml:"s,attr"`
	Type    string    `xml:"t,attr"`
	Formula *struct{} `xml:"f"`
	Value   string    `xml:"v"`
	Text    string    `xml:"is>t"`
}

func parse[T any](t *testing.T, part string) (out T) {
	t.Helper()
	if part == "" {
		t.Fatal("no such part")
	}
	if err := xml.Unmarshal([]byte(part), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sheetAt is the n-th sheet's XML, after the checks that hold for every sheet of ours.
func sheetAt(t *testing.T, all map[string]string, n string) (xmlSheet, map[string]xmlCell) {
	t.Helper()
	s := parse[xmlSheet](t, all["xl/worksheets/sheet"+n+".xml"])
	if s.Dimension != nil {
		t.Errorf("sheet %s: a dimension that the stream could not know", n)
	}
	if s.Pane.State != "frozen" {
		t.Errorf("sheet %s: pane state %q", n, s.Pane.State)
	}
	for i, c := range s.Cols {
		if i > 0 && c.Min <= s.Cols[i-1].Max {
			t.Errorf("sheet %s: column %d after %d; Excel repairs such a file", n, c.Min, s.Cols[i-1].Max)
		}
		if c.Width < 10 && c.Width != 3 { // 3 is the gap beside the days
			t.Errorf("sheet %s: column %d is %g wide", n, c.Min, c.Width)
		}
	}
	cells := map[string]xmlCell{}
	for i, r := range s.Rows {
		if r.R != i+1 {
			t.Errorf("sheet %s: row %d is numbered %d", n, i+1, r.R)
		}
		for _, c := range r.Cells {
			if c.Formula != nil {
				t.Errorf("sheet %s, %s: a formula", n, c.Ref)
			}
			cells[c.Ref] = c
		}
	}
	return s, cells
}

// xmlStyles resolves a cell's style.
type xmlStyles struct {
	Formats []struct {
		ID   int    `xml:"numFmtId,attr"`
		Code string `xml:"formatCode,attr"`
	} `xml:"numFmts>numFmt"`
	Fonts []struct {
		Bold *struct{} `xml:"b"`
	} `xml:"fonts>font"`
	Xfs []struct {
		Format int `xml:"numFmtId,attr"`
		Font   int `xml:"fontId,attr"`
	} `xml:"cellXfs>xf"`
}

func (s xmlStyles) format(style int) string {
	id := s.Xfs[style].Format
	switch id {
	case 0:
		return "General"
	case 49:
		return "@"
	}
	for _, f := range s.Formats {
		if f.ID == id {
			return f.Code
		}
	}
	return "?"
}

func (s xmlStyles) bold(style int) bool { return s.Fonts[s.Xfs[style].Font].Bold != nil }

// rows reads a sheet back with excelize, as people see it.
func rows(t *testing.T, book []byte, sheet string) [][]string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func equal(t *testing.T, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d:\n%q", len(got), len(want), got)
	}
	for i := range want {
		if strings.Join(got[i], "\x00") != strings.Join(want[i], "\x00") {
			t.Errorf("row %d\n got %q\nwant %q", i+1, got[i], want[i])
		}
	}
}

// inTempFolder gives the test a temporary folder of its own and checks that nothing is left in it.
func inTempFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			t.Errorf("%d temporary files left behind", len(left))
		}
	})
	return dir
}

// brokenWriter fails after some bytes.
type brokenWriter struct{ left int }

var errBroken = errors.New("broken pipe")

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errBroken
	}
	return len(b), nil
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Detroit <&> \"q\"", "Detroit <&> \"q\""},
		{"kept white space", " a\tb\nc\r ", " a\tb\nc\r "},
		{"unicode", "Zoë 李 😀", "Zoë 李 😀"},
		{"control characters", "a\x00b\x1fc\x0b", "a\uFFFDb\uFFFDc\uFFFD"},
		{"non-characters", "a\uFFFEb\uFFFF", "a\uFFFDb\uFFFD"},
		{"broken UTF-8", "a\xffb\xe2\x82", "a\uFFFDb\uFFFD\uFFFD"},
		{"a true replacement character", "a\uFFFDb", "a\uFFFDb"},
		{"at the limit", strings.Repeat("x", 32767), strings.Repeat("x", 32767)},
		{"beyond the limit", strings.Repeat("x", 32768), strings.Repeat("x", 32767)},
		{"a pair is not torn at the limit", strings.Repeat("x", 32766) + "😀", strings.Repeat("x", 32766)},
		{"beyond the limit and broken", "\x00" + strings.Repeat("x", 40000), "\uFFFD" + strings.Repeat("x", 32766)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := text(c.in); got != c.want {
				t.Errorf("got %.60q, want %.60q", got, c.want)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add("=1+1")
	f.Add("\x00\xff\uFFFE😀")
	f.Fuzz(func(t *testing.T, s string) {
		got := text(s)
		if n := len(utf16.Encode([]rune(got))); n > 32767 {
			t.Errorf("%d units", n)
		}
		if text(got) != got {
			t.Error("not stable")
		}
		var back string
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(got)); err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal([]byte("<t>"+b.String()+"</t>"), &back); err != nil {
			t.Fatal(err)
		}
		if back != got {
			t.Errorf("%q comes back as %q", got, back)
		}
	})
}

func TestDate(t *testing.T) {
	t.Parallel()
	auckland := time.FixedZone("", 13*60*60)
	for _, c := range []struct {
		name string
		in   time.Time
		want any
		err  error
	}{
		{"zero is an empty cell", time.Time{}, nil, nil},
		{"a day", time.Date(2026, time.November, 21, 23, 59, 59, 0, time.UTC), 46347, nil},
		{
			"the day in its own zone, not the day in UTC", time.Date(2026, time.November, 21, 1, 0, 0, 0, auckland),
			46347, nil,
		},
		{"the first", time.Date(1900, time.March, 1, 0, 0, 0, 0, time.UTC), 61, nil},
		{"before the first", time.Date(1900, time.February, 28, 0, 0, 0, 0, time.UTC), nil, ErrDateRange},
		{"the last", time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC), 2958465, nil},
		{"after the last", time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC), nil, ErrDateRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := date(c.in)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestTooManyRows(t *testing.T) {
	t.Parallel()
	b, err := newBook(day(1), "", "S")
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	s, err := b.table("S", []column{{title: "A", width: 10}})
	if err != nil {
		t.Fatal(err)
	}
	s.row = maxRows - 1
	if err := s.append(0, "last"); err != nil {
		t.Fatalf("the last row: %v", err)
	}
	if err := s.append(0, "beyond"); !errors.Is(err, ErrTooManyRows) {
		t.Errorf("got %v", err)
	}
}

// A part beyond 4 GiB is refused, and what is refused stays refused.
func TestPackPartTooLarge(t *testing.T) {
	t.Parallel()
	p := &pack{}
	w, err := p.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	p.parts[0].size = 1<<32 - 2
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, errPartTooLarge) {
		t.Errorf("got %v", err)
	}
	if _, err := p.Create("b"); !errors.Is(err, errPartTooLarge) {
		t.Errorf("next part: %v", err)
	}
	var out bytes.Buffer
	if err := errors.Join(p.Close(), p.writeTo(&out, day(1))); !errors.Is(err, errPartTooLarge) || out.Len() > 0 {
		t.Errorf("got %v and %d bytes", err, out.Len())
	}
}
