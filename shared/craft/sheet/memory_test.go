package sheet_test

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"seatwise/infra/testing/parts"
	"seatwise/shared/craft/sheet"
)

// bigRows is the most that requirements, section 5 allows below the header.
const bigRows = 100_000

// bigWorkbook writes a workbook of seven columns to disk: numbers, add-on codes and, where texts
// are not shared, users. With unique texts every row has a long one of its own among the shared
// ones, and far more of them than stay in memory.
func bigWorkbook(tb testing.TB, rows int, unique bool) *os.File {
	tb.Helper()
	file, err := os.Create(filepath.Join(tb.TempDir(), "big.xlsx"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	z := zip.NewWriter(file)
	part := func(name string, write func(w *bufio.Writer)) {
		w, err := z.Create(name)
		if err != nil {
			tb.Fatal(err)
		}
		b := bufio.NewWriter(w)
		write(b)
		if err := b.Flush(); err != nil {
			tb.Fatal(err)
		}
	}
	for _, p := range newBook().parts {
		switch p.name {
		case sheetName, textsName:
		default:
			part(p.name, func(w *bufio.Writer) { _, _ = w.Write(p.data) })
		}
	}
	part(textsName, func(w *bufio.Writer) {
		_, _ = w.WriteString(
			`<sst xmlns="` + mainSpace + `"><si><t>device_ip_phone</t></si><si><t>call_recording</t></si>`,
		)
		for i := 0; unique && i < rows; i++ {
			_, _ = fmt.Fprintf(
				w,
				`<si><t>user%d.with.a.very.long.name.that.nobody.else.has.in.the.whole.account.of.the.customer@customer.example.com</t></si>`,
				i,
			)
		}
		_, _ = w.WriteString(`</sst>`)
	})
	part(sheetName, func(w *bufio.Writer) {
		_, _ = w.WriteString(`<worksheet xmlns="` + mainSpace + `"><sheetData>` +
			`<row r="1"><c r="A1" t="inlineStr"><is><t>Ext Key</t></is></c><c r="B1" t="inlineStr"><is><t>Number</t></is></c></row>`)
		for i := range rows {
			n := i + 2
			_, _ = fmt.Fprintf(
				w,
				`<row r="%d" spans="1:7"><c r="A%d" s="1"><v>%d</v></c><c r="B%d" s="1"><v>%d</v></c>`,
				n,
				n,
				i+100,
				n,
				6567000000+i,
			)
			if unique {
				_, _ = fmt.Fprintf(w, `<c r="C%d" t="s"><v>%d</v></c>`, n, i+2)
			} else {
				_, _ = fmt.Fprintf(w, `<c r="C%d" t="inlineStr"><is><t>user%d@example.com</t></is></c>`, n, i)
			}
			for _, column := range "DEFG" {
				_, _ = fmt.Fprintf(w, `<c r="%c%d" t="s"><v>%d</v></c>`, column, n, int(column)%2)
			}
			_, _ = w.WriteString(`</row>`)
		}
		_, _ = w.WriteString(`</sheetData></worksheet>`)
	})
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}

	return file
}

func bigCSV(tb testing.TB, rows int) *os.File {
	tb.Helper()
	file, err := os.Create(filepath.Join(tb.TempDir(), "big.csv"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	b := bufio.NewWriter(file)
	_, _ = b.WriteString("Ext Key,Number,User,Addon license 1,Addon license 2,Addon license 3,Addon license 4\n")
	for i := range rows {
		_, _ = fmt.Fprintf(
			b,
			"%d,%d,\"user%d@example.com\",device_ip_phone,call_recording,device_ip_phone,call_recording\n",
			i+100,
			6567000000+i,
			i,
		)
	}
	if err := b.Flush(); err != nil {
		tb.Fatal(err)
	}

	return file
}

// watched measures the heap every few reads, and so in the verifying pass too, where nothing is
// called back.
type watched struct {
	io.ReaderAt
	reads int
	peak  uint64
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	if w.reads++; w.reads%parts.Sized(4, 20) == 0 {
		w.peak = max(w.peak, heap())
	}

	return w.ReaderAt.ReadAt(p, off)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)

	return m.HeapAlloc
}

// TestMemoryDoesNotGrow holds that ten times as many rows take hardly more memory, in both passes: up
// to 100,000 in the long rounds. No t.Parallel: it measures the heap of the whole process.
func TestMemoryDoesNotGrow(t *testing.T) {
	parts.Memory(t)
	peak := func(file *os.File, name string, rows int) int64 {
		heap() // lets go of what other tests have left
		before := heap()
		stat, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		w := &watched{ReaderAt: file}
		rd, err := sheet.Open(w, stat.Size(), name, sheet.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer rd.Close()
		if rd.RowCount() != rows+1 {
			t.Fatalf("%d rows", rd.RowCount())
		}
		n := 0
		if err := rd.Rows(func(sheet.Row) error { n++; return nil }); err != nil || n != rows+1 {
			t.Fatalf("%d rows: %v", n, err)
		}
		if w.peak == 0 {
			t.Fatal("not measured")
		}

		return int64(w.peak) - int64(before)
	}
	for _, kind := range []struct {
		name string
		file func(rows int) *os.File
		most int64 // bytes at the larger size
		more int64 // bytes beyond those at the smaller size
	}{
		{"a.xlsx", func(rows int) *os.File { return bigWorkbook(t, rows, false) }, 2 << 20, 256 << 10},
		// Twice what stays of the shared texts, as it was moved when it grew.
		{
			"unique.xlsx", func(rows int) *os.File { return bigWorkbook(t, rows, true) },
			int64(parts.Sized(6, 24)) << 20, int64(parts.Sized(6, 24)) << 20,
		},
		{"a.csv", func(rows int) *os.File { return bigCSV(t, rows) }, 1 << 20, 256 << 10},
	} {
		t.Run(kind.name, func(t *testing.T) {
			rows := parts.Sized(20_000, bigRows)
			few, many := peak(kind.file(rows/10), kind.name, rows/10), peak(kind.file(rows), kind.name, rows)
			t.Logf("%d KiB at %d rows, %d KiB at %d rows", few>>10, rows/10, many>>10, rows)
			if many > kind.most || many-few > kind.more {
				t.Errorf("%d KiB at %d rows, %d KiB at %d rows", few>>10, rows/10, many>>10, rows)
			}
		})
	}
}

// TestBombsTakeLittleMemory unpacks to 32 MiB what is a few hundred KiB as it is uploaded. What
// Open allocates in total, garbage included, stays far below that, so whatever it holds at a time
// does too.
func TestBombsTakeLittleMemory(t *testing.T) {
	parts.Memory(t)
	const bomb = 32 << 20
	const most = 48 << 20
	in := func(part, before, unit, after string) []byte {
		return spoilt(func(b *book) {
			b.set(part, before+strings.Repeat(unit, bomb/len(unit))+after)
			b.part(part).packed = deflated(b.part(part).data)
		})
	}
	table := `<worksheet xmlns="` + mainSpace + `"><sheetData>` + headerRow
	texts := `<sst xmlns="` + mainSpace + `">`
	for name, data := range map[string][]byte{
		"white space": in(sheetName, table, " ", `</sheetData></worksheet>`),
		"one value":   in(sheetName, table+`<row><c><v>`, "1", `</v></c></row></sheetData></worksheet>`),
		"one value in CDATA": in(
			sheetName, table+`<row><c><v><![CDATA[`, "1", `]]></v></c></row></sheetData></worksheet>`,
		),
		"one inline text of runs": in(
			sheetName, table+`<row><c t="inlineStr"><is>`, "<r><t>abcdefg</t></r>",
			`</is></c></row></sheetData></worksheet>`,
		),
		"one tag":                  in(sheetName, table+`<row `, "a", `/></sheetData></worksheet>`),
		"one attribute":            in(sheetName, table+`<row r="`, "1", `"/></sheetData></worksheet>`),
		"one row of blank cells":   in(sheetName, table+`<row>`, `<c/>`, `</row></sheetData></worksheet>`),
		"blank rows":               in(sheetName, table, `<row/>`, `</sheetData></worksheet>`),
		"one comment":              in(sheetName, table+"<!--", `-a`, `--></sheetData></worksheet>`),
		"elements within elements": in(sheetName, table+"</sheetData>", `<x>`, `</worksheet>`),
		"elements to skip":         in(sheetName, table+"</sheetData><a>", `<x y="z"/>`, `</a></worksheet>`),
		"empty texts":              in(textsName, texts, `<si/>`, `</sst>`),
		"short texts":              in(textsName, texts, `<si><t>abcdef</t></si>`, `</sst>`),
		"one text":                 in(textsName, texts+"<si><t>", `a`, `</t></si></sst>`),
		"long texts":               in(textsName, texts, `<si><t>`+strings.Repeat("a", 32_000)+`</t></si>`, `</sst>`),
		"content types":            in(typesName, `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">`, `<Default/>`, `</Types>`),
		"a part that is not used":  in("xl/styles.xml", ``, "<", ``),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rd, err := open(data, "a.xlsx", sheet.Limits{})
			runtime.ReadMemStats(&after)
			if err == nil {
				_ = rd.Close()
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > most {
				t.Errorf("%d MiB allocated for a file of %d KiB: %v", allocated>>20, len(data)>>10, err)
			}
		})
	}
}
