package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"seatwise/shared/craft/sheet"
)

// What the bytes of the fuzzer are taken for. A workbook as a whole seldom survives its checksums,
// so the XML of a sheet and that of the shared texts also come in an archive that is true.
const (
	fuzzXLSX uint8 = iota
	fuzzCSV
	fuzzSheet
	fuzzTexts
	fuzzKinds
)

var fuzzLimits = sheet.Limits{UnpackedBytes: 4 << 20, Rows: 1000, Columns: 50, CellChars: 100}

// FuzzOpen holds that no file makes the reader panic, and that what it accepts is what it says:
// archive/zip and encoding/xml accept it too, it reads the same twice, and it keeps within the
// limits.
func FuzzOpen(f *testing.F) {
	for _, group := range [][]hostile{
		hostileTypes(), hostileArchives(), hostileWorkbooks(), hostileSheets(), hostileCSV(),
	} {
		for _, h := range group {
			if len(h.data) > 8<<10 {
				continue
			}
			kind := fuzzXLSX
			if strings.HasSuffix(h.file, ".csv") {
				kind = fuzzCSV
			}
			f.Add(kind, h.data)
		}
	}
	f.Add(fuzzXLSX, newBook().bytes())
	f.Add(fuzzCSV, []byte("\xEF\xBB\xBFsep=;\r\na;\"b\"\"\nc\"\r1;=2\n"))
	f.Add(fuzzSheet, []byte(sheetXML(headerRow+exampleRow)))
	f.Add(fuzzTexts, []byte(textsXML("a", "b", "_x000D_", "&#65;", "<![CDATA[x]]>", "e")))

	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		file := "a.xlsx"
		switch kind % fuzzKinds {
		case fuzzCSV:
			file = "a.csv"
		case fuzzSheet:
			data = storedBook(func(b *book) { b.set(sheetName, string(data)) })
		case fuzzTexts:
			data = storedBook(func(b *book) { b.set(textsName, string(data)) })
		}
		rd, err := open(data, file, fuzzLimits)
		if err != nil {
			var refusal *sheet.Refusal
			if !errors.As(err, &refusal) || refusal.Reason == "" || refusal.Message == "" ||
				!utf8.ValidString(refusal.Error()) {
				t.Fatalf("not a refusal: %v", err)
			}

			return
		}
		defer rd.Close()
		first, second := checkedRows(t, rd), checkedRows(t, rd)
		equal(t, second, first...)
		if rd.Kind() == sheet.XLSX {
			checkByOthers(t, data)
		}
	})
}

func storedBook(change func(*book)) []byte {
	b := newBook()
	change(b)
	for i := range b.parts {
		b.parts[i].stored = true
	}

	return b.bytes()
}

// checkedRows reads all rows and checks what holds for every row of every file.
func checkedRows(t *testing.T, rd *sheet.Reader) []string {
	t.Helper()
	n, last := 0, true
	err := rd.Rows(func(r sheet.Row) error {
		n++
		last = r.Blank()
		if r.Number != n || n > fuzzLimits.Rows+1 || len(r.Cells) > fuzzLimits.Columns {
			t.Fatalf("row %d: number %d, %d cells", n, r.Number, len(r.Cells))
		}
		for i, c := range r.Cells {
			if c.Column != r.Column(i) || !utf8.ValidString(c.Text) ||
				utf8.RuneCountInString(c.Text) > fuzzLimits.CellChars {
				t.Fatalf("row %d: cell %+v", n, c)
			}
			if blank := strings.TrimSpace(c.Text) == ""; blank != (c.Kind == sheet.KindBlank) || blank && c.Text != "" {
				t.Fatalf("row %d: cell %+v", n, c)
			}
			if strings.ContainsAny(c.Text, "\x00\r") {
				t.Fatalf("row %d: cell %+v", n, c)
			}
			sheet.Mangled(c)
		}
		if !r.Blank() && r.Cells[len(r.Cells)-1].Kind == sheet.KindBlank {
			t.Fatalf("row %d ends with a blank cell", n)
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != rd.RowCount() || last {
		t.Fatalf("%d rows, RowCount %d, last one blank: %t", n, rd.RowCount(), last)
	}

	return rowsOf(t, rd)
}

// checkByOthers wants the standard library to agree that an archive and its XML are whole.
func checkByOthers(t *testing.T, data []byte) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		t.Fatalf("archive/zip: %v", err)
	}
	for _, part := range archive.File {
		r, err := part.Open()
		if err != nil {
			t.Fatalf("archive/zip: %s: %v", part.Name, err)
		}
		contents, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("archive/zip: %s: %v", part.Name, err)
		}
		if part.Name != sheetName && part.Name != textsName {
			continue
		}
		d := xml.NewDecoder(bytes.NewReader(contents))
		d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			// encoding/xml knows which letters beyond ASCII begin a name; to the reader all such
			// names are strange.
			if err != nil && !strings.Contains(err.Error(), "name") {
				t.Fatalf("encoding/xml: %s: %v", part.Name, err)
			}
			if err != nil {
				break
			}
		}
	}
}
