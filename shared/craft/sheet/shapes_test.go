package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/infra/testing/parts"
	"seatwise/shared/craft/sheet"
)

// shape is a small file that is made to cost a lot.
type shape struct {
	name string
	rows int
	data []byte
}

// shapes draws one of the ways in which a few kilobytes become much: many cells of one text, short
// texts between long ones, lists that name each thing at length, formulas and merged cells that
// overlap.
func shapes(t *rapid.T) shape {
	rows := rapid.SampledFrom([]int{100, 1000, 5000, 20_000}).Draw(t, "rows")
	columns := rapid.SampledFrom([]int{4, 40, 256}).Draw(t, "columns")
	unit := rapid.SampledFrom([]string{"a", "é", "😀"}).Draw(t, "unit")
	chars := rapid.SampledFrom([]int{10, 1024, 1025, 32_767}).Draw(t, "chars")
	text := strings.Repeat(unit, chars)
	cells := func(of func(row, column int) string) string {
		var b strings.Builder
		for row := range rows {
			b.WriteString("<row>")
			for column := range columns {
				b.WriteString(of(row, column))
			}
			b.WriteString("</row>")
		}

		return b.String()
	}
	shared := func(i int) string { return fmt.Sprintf(`<c t="s"><v>%d</v></c>`, i) }
	b := newBook()
	kind := rapid.SampledFrom([]string{
		"one text",
		"long texts around a short one",
		"texts in turn",
		"inline texts",
		"arrays",
		"merged cells",
		"formats",
		"relations",
		"types",
		"sheets",
		"columns",
		"name spaces",
		"unused part",
		"wide part",
	}).Draw(t, "kind")
	many := func(unit string) string { return strings.Repeat(unit, (12<<20)/len(unit)) }
	switch kind {
	case "one text":
		b.set(textsName, textsXML(text))
		b.rows(cells(func(int, int) string { return shared(0) }))
	case "long texts around a short one":
		texts := make([]string, 400)
		for i := range texts {
			if texts[i] = strings.Repeat("a", 30_000); i%8 == 0 {
				texts[i] = text[:len(unit)*min(chars, 1024)]
			}
		}
		b.set(textsName, textsXML(texts...))
		b.rows(cells(func(row, column int) string { return shared((row + column) * 8 % 400) }))
	case "texts in turn":
		texts := make([]string, 3000)
		for i := range texts {
			texts[i] = strings.Repeat(string(rune('a'+i%26)), 1024*(1+i%8))
		}
		b.set(textsName, textsXML(texts...))
		b.rows(cells(func(row, column int) string { return shared((row*columns + column*331) % 375 * 8) }))
	case "inline texts":
		rows = min(rows, (24<<20)/columns/len(text)+1)
		b.rows(cells(func(int, int) string { return `<c t="inlineStr"><is><t>` + text + `</t></is></c>` }))
	case "arrays":
		columns = min(columns, 40)
		b.rows(cells(func(row, column int) string { return `<c><f t="array" ref="A1:XFD1048576">1</f><v>1</v></c>` }))
	case "merged cells":
		b.rows(cells(func(int, int) string { return "<c><v>1</v></c>" }))
		b.replace(
			sheetName,
			"</sheetData>",
			`</sheetData><mergeCells>`+many(`<mergeCell ref="XFA1:XFD1048576"/>`)+`</mergeCells>`,
		)
	case "formats":
		var s strings.Builder
		for i := range 60_000 {
			fmt.Fprintf(&s, `<numFmt numFmtId="%d" formatCode="%s"/>`, 200+i, strings.Repeat("0", 250))
		}
		xf := strings.Repeat(`<xf numFmtId="200"/>`, 60_000)
		b.set(
			"xl/styles.xml",
			`<styleSheet xmlns="`+mainSpace+`"><numFmts>`+s.String()+`</numFmts><cellXfs>`+xf+`</cellXfs></styleSheet>`,
		)
		b.rows(cells(func(int, int) string { return `<c s="59999"><v>1</v></c>` }))
	case "relations":
		var s strings.Builder
		for i := range 9000 {
			fmt.Fprintf(
				&s,
				`<Relationship Id="x%d" Type="%s" Target="%s"/>`,
				i,
				strings.Repeat("t", 2000),
				strings.Repeat("u", rapid.SampledFrom([]int{2000, 2100}).Draw(t, "target")),
			)
		}
		b.replace(bookRels, "</Relationships>", s.String()+"</Relationships>")
		rows = 1
	case "types":
		var s strings.Builder
		for i := range 16_000 {
			fmt.Fprintf(
				&s,
				`<Override PartName="/%d%s" ContentType="%s"/>`,
				i,
				strings.Repeat("u", 1900),
				strings.Repeat("t", 500),
			)
		}
		b.replace(typesName, "</Types>", s.String()+"</Types>")
		rows = 1
	case "sheets":
		b.replace(
			bookName,
			"<sheets>",
			"<sheets>"+many(`<sheet name="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" r:id="rId1"/>`),
		)
		rows = 1
	case "columns":
		b.replace(sheetName, "<sheetData>", "<cols>"+many(`<col min="1" max="16384" hidden="1"/>`)+"</cols><sheetData>")
		rows = 1
	case "name spaces":
		b.replace(
			sheetName,
			"</sheetData>",
			`</sheetData>`+many(`<x:y xmlns:x="urn:x" xmlns="urn:y" xmlns:z="urn:z"/>`),
		)
		rows = 1
	case "unused part":
		b.set("docProps/app.xml", `<a>`+many(`<b c="d">&amp;</b>`)+`</a>`)
		rows = 1
	case "wide part":
		b.set("docProps/app.xml", wider(`<a>`+many(`<b c="dddddddddddddddddd">e</b>`)[:6<<20/29*29]+`</a>`, 4, true))
		rows = 1
	}

	return shape{fmt.Sprintf("%s, %d x %d of %d %q", kind, rows, columns, chars, unit), rows, b.bytes()}
}

// sampled measures the heap when it is read from, at most every few milliseconds.
type sampled struct {
	io.ReaderAt
	last time.Time
	peak uint64
	took time.Duration // by measuring
}

func (s *sampled) ReadAt(p []byte, off int64) (int, error) {
	s.sample()

	return s.ReaderAt.ReadAt(p, off)
}

func (s *sampled) sample() {
	if time.Since(s.last) < 20*time.Millisecond {
		return
	}
	began := time.Now()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.peak = max(s.peak, m.HeapInuse)
	s.last = time.Now()
	s.took += s.last.Sub(began)
}

// readWhole opens a file and reads its rows as a check does, twice; what a check keeps of each is
// its first cell.
func readWhole(t testing.TB, data []byte) (peak uint64, took time.Duration, rows int) {
	parts.Memory(t)
	t.Helper()
	runtime.GC()
	s := &sampled{ReaderAt: bytes.NewReader(data)}
	began := time.Now()
	rd, err := sheet.Open(s, int64(len(data)), "a.xlsx", sheet.Limits{})
	var kept []string
	for pass := 0; err == nil && pass < 2; pass++ {
		err = rd.Rows(func(r sheet.Row) error {
			s.sample()
			kept = append(kept, r.Cell(0).Text)

			return nil
		})
		rows = rd.RowCount()
	}
	var refusal *sheet.Refusal
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	s.last = time.Time{}
	s.sample()
	took = time.Since(began) - s.took
	if rd != nil {
		_ = rd.Close()
	}
	runtime.KeepAlive(kept)

	return s.peak, took, rows
}

// shapesTried is how many shapes one run of the tests reads, of the many that there are.
func shapesTried() int { return parts.Sized(5, 20) }

// TestHostileShapes holds that no small file takes much memory or time (requirements, section 5:
// memory stays flat): below 256 MB with the garbage and with the file itself, and ten times as long
// at most as an honest file of as many rows, or of the most rows where it has but a few. No
// t.Parallel: it measures the heap of the whole process.
func TestHostileShapes(t *testing.T) {
	honest := map[int]time.Duration{}
	base := func(rows int) time.Duration {
		rows = max(rows, 20_000)
		if honest[rows] == 0 {
			var b strings.Builder
			b.WriteString(headerRow)
			for i := range rows {
				fmt.Fprintf(
					&b,
					`<row r="%d"><c r="A%d"><v>%d</v></c><c r="B%d"><v>6567891230</v></c><c r="C%d" t="s"><v>4</v></c>`,
					i+2,
					i+2,
					i,
					i+2,
					i+2,
				)
				for _, column := range "DEFGHIJKL" {
					fmt.Fprintf(&b, `<c r="%c%d" t="s"><v>5</v></c>`, column, i+2)
				}
				b.WriteString(`</row>`)
			}
			_, honest[rows], _ = readWhole(t, inTable(b.String()))
		}

		return honest[rows]
	}
	seen := map[string]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		if len(seen) == shapesTried() {
			return // rapid draws many more
		}
		s := shapes(rt)
		if seen[s.name] {
			return
		}
		seen[s.name] = true
		peak, took, _ := readWhole(t, s.data)
		if peak > 256_000_000 {
			rt.Fatalf("%s, %d KiB: %d MiB", s.name, len(s.data)>>10, peak>>20)
		}
		if most := 10 * base(s.rows); took > most+time.Second {
			rt.Fatalf("%s, %d KiB: %v, an honest one takes %v", s.name, len(s.data)>>10, took, most/10)
		}
	})
}
