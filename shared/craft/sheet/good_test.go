package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seatwise/shared/craft/sheet"
)

func TestReadsWorkbooks(t *testing.T) {
	t.Parallel()
	header := "Ext Key|Number|User|Addon license 1"
	example := "number:101|number:6567891230|John|device_ip_phone"
	cell := func(c string) []byte {
		return inTable(headerRow + `<row r="2">` + c + `</row>`)
	}
	for _, good := range []struct {
		name string
		data []byte
		want []string
	}{
		{"as a spreadsheet program writes it", newBook().bytes(), []string{header, example}},
		{"stored, not compressed", spoilt(func(b *book) {
			for i := range b.parts {
				b.parts[i].stored = true
			}
		}), []string{header, example}},
		{"written as a stream", spoilt(func(b *book) {
			for i := range b.parts {
				b.parts[i].descriptor = []int{12, 16, 20, 24}[i%4]
			}
		}), []string{header, example}},
		{"Zip64", spoilt(func(b *book) {
			b.wideEnd = true
			for i := range b.parts {
				b.parts[i].wide = true
				b.parts[i].descriptor = i % 2 * 24
			}
		}), []string{header, example}},
		{"archive comment", spoilt(func(b *book) { b.comment = "a comment PK\x05\x06" }), []string{header, example}},
		{"folders", spoilt(func(b *book) { b.parts = append(b.parts, zipPart{name: "xl/", stored: true}) }), []string{header, example}},
		{"names with backslashes", spoilt(func(b *book) {
			for i := range b.parts {
				b.parts[i].name = strings.ReplaceAll(b.parts[i].name, "/", `\`)
			}
		}), []string{header, example}},
		{
			"names of another case", spoilt(func(b *book) { b.part(textsName).name = "xl/SharedStrings.xml" }),
			[]string{header, example},
		},
		{
			"absolute targets", spoilt(func(b *book) { b.replace(bookRels, `"worksheets/`, `"/xl/worksheets/`) }),
			[]string{header, example},
		},
		{"strict Open XML", spoilt(func(b *book) {
			strict := "http://purl.oclc.org/ooxml/spreadsheetml/main"
			for _, part := range []string{sheetName, textsName, bookName} {
				b.replace(part, mainSpace, strict)
			}
		}), []string{header, example}},
		{"prefixes", spoilt(func(b *book) {
			b.set(sheetName, `<x:worksheet xmlns:x="`+mainSpace+`"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>`)
		}), []string{"a"}},
		{"byte order mark, no declaration, no shared texts", spoilt(func(b *book) {
			b.remove(textsName)
			b.replace(bookRels, "/sharedStrings", "/styles")
			b.set(sheetName, "\xEF\xBB\xBF<worksheet xmlns='"+mainSpace+"'><sheetData ><row ><c><v>1</v></c ></row\n></sheetData></worksheet>\n<!-- end -->\n<?end?>")
		}), []string{"number:1"}},
		{"external links", spoilt(func(b *book) {
			b.replace(bookRels, "</Relationships>", `<Relationship Id="rId9" Type="`+docRels+`/hyperlink" Target="http://example.com/" TargetMode="External"/></Relationships>`)
		}), []string{header, example}},
		{"things around the table", spoilt(func(b *book) {
			b.replace(sheetName, "<sheetData>", `<sheetPr><tabColor rgb="FF0000"/></sheetPr><dimension ref="A1:XFD9"/><cols><col min="1" max="2"/></cols><sheetData>`)
			b.replace(sheetName, "</sheetData>", `</sheetData><autoFilter ref="A1:D2"/><dataValidations count="1"><dataValidation><formula1>"a,b &amp; c"</formula1></dataValidation></dataValidations>`+
				`<headerFooter>&amp;L]] ] text <![CDATA[ <row> ]]></headerFooter><extLst><ext xmlns="http://example.com/"><row r="9"/></ext></extLst>`)
		}), []string{header, example}},

		{
			"cells of another prefix for the same name space",
			cell(`<x:c xmlns:x="` + mainSpace + `" r="A2"><x:v>1</x:v></x:c><c r="B2"><v>2</v></c>`),
			[]string{header, "number:1|number:2"},
		},
		{
			"gaps keep their columns", cell(`<c r="A2"><v>1</v></c><c r="C2"><v>3</v></c>`),
			[]string{header, "number:1||number:3"},
		},
		{"addresses left out", inTable(headerRow + `<row><c><v>1</v></c><c/><c><v>3</v></c></row>`), []string{header, "number:1||number:3"}},
		{"trailing blank cells", cell(`<c r="A2"><v>1</v></c><c r="B2" s="3"/><c r="C2" t="inlineStr"><is><t>  </t></is></c><c r="XFD2" s="1"/>`), []string{header, "number:1"}},
		{
			"blank rows",
			inTable(`<row r="2"><c r="A2"><v>2</v></c></row><row r="3"><c r="A3" s="1"/></row><row r="5"><c r="A5"><v>5</v></c></row><row r="6"/><row r="1048576"><c r="A1048576" s="1"/></row>`),
			[]string{"", "number:2", "", "", "number:5"},
		},
		{
			"formulas",
			cell(`<c r="A2"><f>B2*2</f><v>12</v></c><c r="B2" t="str"><f t="shared" ref="B2:B3" si="0">"a"&amp;"b"</f><v>ab</v></c><c r="C2"><f t="shared" si="0"/></c><c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>`),
			[]string{header, `formula:=B2*2|formula:="a"&"b"|formula:=|formula:=1/0`},
		},
		{
			"formula text that is none", cell(`<c r="A2" t="inlineStr"><is><t>=1+1</t></is></c>`),
			[]string{header, "=1+1"},
		},
		{
			"truth and errors",
			cell(`<c r="A2" t="b"><v>1</v></c><c r="B2" t="b"><v>0</v></c><c r="C2" t="e"><v>#REF!</v></c><c r="D2" t="b"><v>true</v></c>`),
			[]string{header, "bool:TRUE|bool:FALSE|error:#REF!|bool:TRUE"},
		},
		{
			"numbers",
			cell(`<c r="A2"><v>6567891230</v></c><c r="B2" t="n"><v>6567891230.0</v></c><c r="C2" s="14"><v>6.56789123E9</v></c><c r="D2"><v> 101.5 </v></c>`),
			[]string{header, "number:6567891230|number:6567891230|number:6567891230|number:101.5"},
		},
		{"dates", cell(`<c r="A2" s="14"><v>45000</v></c><c r="B2" t="d"><v>2024-01-31</v></c>`), []string{header, "number:45000|date:2024-01-31"}},
		{"empty values", cell(`<c r="A2"><v></v></c><c r="B2" t="s"><v/></c><c r="C2" t="inlineStr"><is/></c><c r="D2" t="str"><v> </v></c>`), []string{header}},
		{
			"texts", cell(`<c r="A2" t="str"><v>a &lt;b&gt; &amp;amp; &quot;c&quot; &apos;d&#39; &#x1F600;</v></c><c r="B2" t="str"><v>J<![CDATA[ö<r>g&amp;]]>!<!-- no --></v></c>`),
			[]string{header, `a <b> &amp; "c" 'd' 😀|Jö<r>g&amp;!`},
		},
		{"line breaks", cell("<c r=\"A2\" t=\"str\"><v>a\r\nb\rc\nd_x000D_\ne_x000D_f&#13;&#10;g</v></c>"), []string{header, "a\nb\nc\nd\ne\nf\ng"}},
		{"escapes", cell(`<c r="A2" t="str"><v>_x0041__x005F_x0042__x0001__xD83D__xDE00__xD83D__x00_ _x</v></c>`), []string{header, "A_x0042__x0001_😀_xD83D__x00_ _x"}},
		{"rich and phonetic texts", spoilt(func(b *book) {
			b.replace(textsName, "<si><t xml:space=\"preserve\">John</t></si>",
				`<si><r><rPr><b/></rPr><t>Jo</t></r><r><t xml:space="preserve">hn </t></r><rPh sb="0" eb="1"><t>zzz</t></rPh><phoneticPr fontId="1"/></si>`)
		}), []string{header, "number:101|number:6567891230|John |device_ip_phone"}},
		{"inline rich text", cell(`<c r="A2" t="inlineStr"><is><r><t>a</t></r><r><rPr><i/></rPr><t>b</t></r><rPh sb="0" eb="1"><t>zzz</t></rPh></is></c>`), []string{header, "ab"}},
		{"inline text where values stand", cell(`<c r="A2" t="inlineStr"><v>a</v></c>`), []string{header, "a"}},
		{
			"longest text", cell(`<c r="A2" t="str"><v>` + strings.Repeat("é", 1024) + `</v></c>`),
			[]string{header, strings.Repeat("é", 1024)},
		},
		{"last column", cell(`<c r="IV2"><v>1</v></c>`), []string{header, strings.Repeat("|", 255) + "number:1"}},
	} {
		t.Run(good.name, func(t *testing.T) {
			t.Parallel()
			equal(t, read(t, good.data, "phones.XLSX"), good.want...)
		})
	}
}

func TestReadsCSV(t *testing.T) {
	t.Parallel()
	block := strings.Repeat("1,2,3,4\n", 15)
	for _, good := range []struct {
		name string
		data string
		want []string
	}{
		{"commas", "Ext Key,Number\n101,1\n", []string{"Ext Key|Number", "101|1"}},
		{"semicolons", "Ext Key;Number\n101;1,5\n", []string{"Ext Key|Number", "101|1,5"}},
		{"more semicolons than commas", "a,b;c;d\n1;2;3\n", []string{"a,b|c|d", "1|2|3"}},
		{"commas in quotation marks", "\"a,b,c\";d\n1;2\n", []string{"a,b,c|d", "1|2"}},
		{"one column", "Ext Key\n101\n", []string{"Ext Key", "101"}},
		{"byte order mark", "\xEF\xBB\xBFExt Key,Number\n", []string{"Ext Key|Number"}},
		{"separator declared", "sep=;\r\na,a,a;b\r\n1;2", []string{"a,a,a|b", "1|2"}},
		{"separator declared in quotation marks", "\"SEP=,\"\na,b;c;d\n", []string{"a|b;c;d"}},
		{"CRLF", "a,b\r\n1,2\r\n", []string{"a|b", "1|2"}},
		{"CR", "a,b\r1,2\r", []string{"a|b", "1|2"}},
		{"no line break at the end", "a,b\n1,2", []string{"a|b", "1|2"}},
		{"nothing in the last field", "a,b\n1,", []string{"a|b", "1"}},
		{"quotation marks", "a,b\n\"x \"\"y\"\"\",\"\"\n\"\"\"\",\"1,2\"\n", []string{"a|b", `x "y"`, `"|1,2`}},
		{"line breaks in a field", "a,b\n\"x\ny\r\nz\rw\",1\n", []string{"a|b", "x\ny\nz\nw|1"}},
		{"blank lines", "\na,b\n\n\"\"\n,\n,,,\n1,2\n\n,,\n \n", []string{"", "a|b", "", "", "", "", "1|2"}},
		{"other scripts", "a,b\nJörg,毛\u00a0😀\n", []string{"a|b", "Jörg|毛\u00a0😀"}},
		{"block of short lines as Excel writes it", "a,b,c,d\n" + block + "1,2\n1,2\n\n1,2\n", append(append(
			[]string{"a|b|c|d"}, strings.Split(strings.TrimSuffix(strings.Repeat("1|2|3|4\n", 15), "\n"), "\n")...,
		), "1|2", "1|2", "", "1|2")},
		{"formulas", "a,b,c,d\n=1+1,\"=SUM(A1,B1)\",@x,-A1\n +A1,--1,-1+2,\uff1d1\n", []string{
			"a|b|c|d",
			"formula:=1+1|formula:=SUM(A1,B1)|formula:@x|formula:-A1",
			"formula: +A1|formula:--1|formula:-1+2|formula:\uff1d1",
		}},
		{"formulas that keep zeros", "a,b\n\"=\"\"0101\"\"\",1\n", []string{"a|b", `formula:="0101"|1`}},
		{"signs that begin no formula", "a,b,c,d\n-5,+5,-5.25,\"+5,5\"\n" +
			"+1 (656) 789-1230,+15551234567,-,--\n-6.57E+09,-.5,a=b,1+1\n", []string{
			"a|b|c|d", "-5|+5|-5.25|+5,5", "+1 (656) 789-1230|+15551234567|-|--", "-6.57E+09|-.5|a=b|1+1",
		}},
		{"errors", "a,b,c\n#REF!,#N/A,#1\n", []string{"a|b|c", "error:#REF!|error:#N/A|#1"}},
		{"begins like a picture", "BMI,MZ\n1,2\n", []string{"BMI|MZ", "1|2"}},
		{"white space stays", "a,b\n 1 ,\"\t2\"\n", []string{"a|b", " 1 |\t2"}},
	} {
		t.Run(good.name, func(t *testing.T) {
			t.Parallel()
			equal(t, read(t, []byte(good.data), "phones.csv"), good.want...)
		})
	}
}

// TestWindowBorders moves everything that spans bytes across the border of the window of 64 KiB.
func TestWindowBorders(t *testing.T) {
	t.Parallel()
	const unit = "é😀&amp;_x000D_]]&#x41;"
	for shift := range 40 {
		pad := strings.Repeat("<!-- -->", 8000) + strings.Repeat(" ", 1400+shift)
		rows, want := headerRow+pad, []string{"Ext Key|Number|User|Addon license 1"}
		for n := 2; n < 20; n++ {
			rows += fmt.Sprintf("<row r=\"%d\"><c r=\"A%d\" t=\"str\" ><v>%s</v></c ></row>\r\n", n, n, unit)
			want = append(want, "é😀&\n]]A")
		}
		equal(t, read(t, inTable(rows), "a.xlsx"), want...)

		csv := "a,b\n" + strings.Repeat("x,y\n", 16300+shift/4) + strings.Repeat("z", shift) + ",y\n"
		var tail []string
		for range 40 {
			csv += "\"é\"\"😀\r\n\",\"y\"\r\n"
			tail = append(tail, "é\"😀\n|y")
		}
		got := read(t, []byte(csv), "a.csv")
		equal(t, got[len(got)-len(tail):], tail...)
	}
}

// TestLongTextOutsideOfCells reads what is longer than a window and not wanted.
func TestLongTextOutsideOfCells(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é]]&amp;", 50_000)
	data := spoilt(func(b *book) {
		b.replace(sheetName, "<sheetData>",
			"<!-- "+long+" --><?pi "+long+"?><headerFooter>"+long+"<![CDATA["+long+"]]></headerFooter><sheetData>")
	})
	equal(t, read(t, data, "a.xlsx"), "Ext Key|Number|User|Addon license 1",
		"number:101|number:6567891230|John|device_ip_phone")
}

func TestLines(t *testing.T) {
	t.Parallel()
	rd, err := open([]byte("sep=,\na,\"b\nb\"\n\n1,2\n"), "a.csv", sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	var lines []string
	if err := rd.Rows(func(r sheet.Row) error {
		lines = append(lines, fmt.Sprintf("%d:%d:%t", r.Number, r.Line, r.Blank()))

		return nil
	}); err != nil {
		t.Fatal(err)
	}
	equal(t, lines, "1:2:false", "2:0:true", "3:5:false")
	if rd.Kind() != sheet.CSV || rd.SheetName() != "" || rd.RowCount() != 3 {
		t.Errorf("kind %q, sheet %q, %d rows", rd.Kind(), rd.SheetName(), rd.RowCount())
	}
}

// TestCutAnywhere holds "cut off or corrupted anywhere" (requirements, section 5): no beginning of
// a workbook is a workbook.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	whole := newBook().bytes()
	for n := range whole {
		if rd, err := open(whole[:n], "a.xlsx", sheet.Limits{}); err == nil {
			_ = rd.Close()
			t.Fatalf("accepted the first %d of %d bytes", n, len(whole))
		}
	}
}

// TestCorruptedAnywhere changes every byte of a workbook: either the file is refused, or the byte
// meant nothing (a date in a header) and the rows are the same.
func TestCorruptedAnywhere(t *testing.T) {
	t.Parallel()
	b := newBook()
	for i := range b.parts {
		b.parts[i].descriptor = []int{0, 12, 16, 24}[i%4]
	}
	b.wideEnd = true
	whole := b.bytes()
	want := strings.Join(read(t, whole, "a.xlsx"), "\n")
	refusals := 0
	for i := range whole {
		mask := []byte{0x01, 0x80, 0xFF}[i%3]
		broken := bytes.Clone(whole)
		broken[i] ^= mask
		rd, err := open(broken, "a.xlsx", sheet.Limits{})
		if err != nil {
			refusals++
			continue
		}
		got := strings.Join(rowsOf(t, rd), "\n")
		_ = rd.Close()
		if got != want {
			t.Fatalf("byte %d ^ %#x gives %q", i, mask, got)
		}
	}
	if refusals < len(whole)*2/3 {
		t.Errorf("only %d of %d changes were refused", refusals, len(whole))
	}
}

// TestRealFiles reads files that other programs wrote.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"excelize-stream.xlsx": {
			"Ext Key|Number|User|Addon license 1", "101|6567891230|John|device_ip_phone",
			"number:102|number:6567891231|Jörg & Søn|", "", "formula:=1+1",
		},
		"excelize-cells.xlsx": {
			"Ext Key|Number|User|Addon license 1", "101|6567891230|John|device_ip_phone",
			"number:102|number:6567891231|Jörg & Søn|", "", "formula:=1+1",
		},
	} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				want[i] = strings.TrimSuffix(want[i], "|")
			}
			equal(t, read(t, data, file), want...)
		})
	}
}

// TestFailuresAreNoRefusals tells what is wrong with the machine from what is wrong with the file.
func TestFailuresAreNoRefusals(t *testing.T) {
	t.Parallel()
	whole := newBook().bytes()
	csv := []byte("a,b\n1,2\n")
	broken := errors.New("disk on fire")
	for name, check := range map[string]struct {
		data []byte
		file string
		size int64
		fail int64
		want error
	}{
		"directory cannot be read": {whole, "a.xlsx", int64(len(whole)), int64(len(whole)) - 30, broken},
		"parts cannot be read":     {whole, "a.xlsx", int64(len(whole)), 40, broken},
		"csv cannot be read":       {csv, "a.csv", int64(len(csv)), 0, broken},
		"shorter than it should":   {csv, "a.csv", int64(len(csv)) + 5, -1, io.ErrUnexpectedEOF},
		"shorter workbook":         {whole, "a.xlsx", int64(len(whole)) + 5, -1, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sheet.Open(failing{bytes.NewReader(check.data), check.fail, broken}, check.size, check.file,
				sheet.Limits{})
			var refusal *sheet.Refusal
			if !errors.Is(err, check.want) || errors.As(err, &refusal) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// failing fails at a byte.
type failing struct {
	io.ReaderAt
	at  int64
	err error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if f.at >= off && f.at < off+int64(len(p)) {
		return 0, f.err
	}

	return f.ReaderAt.ReadAt(p, off)
}

func TestVisitorsErrorComesOutAsItIs(t *testing.T) {
	t.Parallel()
	for file, data := range map[string][]byte{"a.xlsx": newBook().bytes(), "a.csv": []byte("a,b\n1,2\n")} {
		rd, err := open(data, file, sheet.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		stop, visits := errors.New("stop"), 0
		//nolint:errorlint // the very same
		if err := rd.Rows(func(sheet.Row) error { visits++; return stop }); err != stop || visits != 1 {
			t.Errorf("%s: %d visits, %v", file, visits, err)
		}
		where := map[string]string{"a.xlsx": `a.xlsx, sheet "Phones", row 7: No.`, "a.csv": "a.csv, row 7: No."}[file]
		if err := rd.Rows(func(sheet.Row) error { return &sheet.Refusal{Row: 7, Message: "No."} }); err == nil ||
			err.Error() != where {
			t.Errorf("%s: a refusal of the visitor comes out as %v", file, err)
		}
		if got := rowsOf(t, rd); len(got) != 2 {
			t.Errorf("%s: after a stop: %q", file, got)
		}
		if err := rd.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFileThatChanges reads a file that is another one in the second pass.
func TestFileThatChanges(t *testing.T) {
	t.Parallel()
	data := []byte("a,b\n1,2\n3,4\n")
	rd, err := open(data, "a.csv", sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	data[3] = ' '
	if err := rd.Rows(func(sheet.Row) error { return nil }); err == nil {
		t.Error("no error")
	}
}

// TestNames takes the kind of a file from the ending of its name, however long the name is and
// wherever it comes from.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		strings.Repeat("long", 50) + ".csv", `C:\Users\me\phones.CSV`, "drops/acme/2026.xlsx/phones.csv ",
		"\xFF\n.csv",
	} {
		rd, err := open([]byte("a,b\n"), name, sheet.Limits{})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		_ = rd.Close()
	}
	want := `phones.xlsx: The name ends in .xlsx, but the file is plain text, perhaps CSV, not an Excel workbook.`
	if got := refused(t, []byte("a,b\n"), `C:\drops/phones.xlsx`, sheet.Limits{}).Error(); got != want {
		t.Error(got)
	}
}

func TestRowCell(t *testing.T) {
	t.Parallel()
	row := sheet.Row{Cells: []sheet.Cell{{Column: "A", Text: "x", Kind: sheet.KindText}}}
	for i, want := range map[int]sheet.Cell{
		0:       row.Cells[0],
		1:       {Column: "B"},
		700:     {Column: "ZY"},
		-1:      {},
		1 << 20: {},
	} {
		if got := row.Cell(i); got != want {
			t.Errorf("cell %d is %v", i, got)
		}
	}
	if sheet.ColumnName(16383) != "XFD" || sheet.ColumnName(702) != "AAA" || sheet.ColumnName(256) != "IW" {
		t.Error("column names are wrong")
	}
}

func TestNormalizeHeader(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Ext Key", "ext key", " EXT\u00a0KEY ", "ExtKey", "\ufeffExt\nKey\u200b"} {
		if got := sheet.NormalizeHeader(header); got != "extkey" {
			t.Errorf("%q gives %q", header, got)
		}
	}
	if got := sheet.NormalizeHeader("Addon license 12"); got != "addonlicense12" {
		t.Error(got)
	}
}

// TestManyTexts puts more shared texts into a workbook than stay in memory, and asks for them out
// of order.
func TestManyTexts(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	const texts, step = 300_000, 7919
	var list, rows strings.Builder
	list.WriteString(`<sst xmlns="` + mainSpace + `">`)
	for i := range texts {
		fmt.Fprintf(&list, "<si><t>%s</t></si>", numbered(i))
	}
	list.WriteString("</sst>")
	var want []string
	for i := range 2000 {
		n := i * step % texts
		fmt.Fprintf(&rows, `<row><c t="s"><v>%d</v></c></row>`, n)
		want = append(want, numbered(n))
	}
	b := newBook()
	b.set(textsName, list.String())
	b.rows(rows.String())
	equal(t, read(t, b.bytes(), "a.xlsx"), want...)

	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	var refusal *sheet.Refusal
	if _, err := open(b.bytes(), "a.xlsx", sheet.Limits{}); err == nil || errors.As(err, &refusal) {
		t.Errorf("without a temporary folder: %v", err)
	}
}

// numbered makes texts of very different lengths, some of them longer than what is cached.
func numbered(i int) string {
	n := 20 + i%50
	if i%9973 == 0 {
		n = 1000
	}

	return fmt.Sprintf("%d:%s", i, strings.Repeat("x", n))
}
