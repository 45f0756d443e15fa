package sheet_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"seatwise/shared/craft/sheet"
)

// TestCellsThatAFormulaElsewhereFills takes no value as entered that a formula in another cell
// gave: arrays, what spills, and what-if tables, wherever the cell with the formula stands in their
// area.
func TestCellsThatAFormulaElsewhereFills(t *testing.T) {
	t.Parallel()
	in := func(rows string) []byte { return inTable(headerRow + rows) }
	for _, c := range []struct {
		name string
		data []byte
		want []string // below the header
	}{
		{
			"array down",
			in(`<row r="2"><c r="A2"><f t="array" ref="A2:A3">B2:B3</f><v>101</v></c></row><row r="3"><c r="A3"><v>102</v></c><c r="B3"><v>7</v></c></row><row r="4"><c r="A4"><v>103</v></c></row>`),
			[]string{"formula:=B2:B3", "formula:=|number:7", "number:103"},
		},
		{
			"array to the right, of texts",
			in(`<row r="2"><c r="A2" t="str"><f t="array" ref="A2:C2">F2:H2</f><v>x</v></c><c r="B2" t="str"><v>y</v></c><c r="C2" t="s"><v>4</v></c><c r="D2" t="s"><v>5</v></c></row>`),
			[]string{"formula:=F2:H2|formula:=|formula:=|device_ip_phone"},
		},
		{
			"formula below what it fills",
			in(`<row r="2"><c r="A2"><v>101</v></c></row><row r="3"><c r="A3"><f t="array" ref="A3:A2">1</f><v>1</v></c></row>`),
			[]string{"formula:=", "formula:=1"},
		},
		{
			"spilled",
			in(`<row r="2"><c r="A2" cm="1"><f t="array" ref="A2:A3">SEQUENCE(2)</f><v>1</v></c></row><row r="3"><c r="A3" cm="1"><v>2</v></c><c r="B3" cm="1"><v>3</v></c></row>`),
			[]string{"formula:=SEQUENCE(2)", "formula:=|formula:="},
		},
		{
			"what-if table",
			in(`<row r="2"><c r="B2"><f t="dataTable" ref="B2:B3" dt2D="0" dtr="0" r1="A1"/><v>5</v></c></row><row r="3"><c r="B3"><v>6</v></c></row>`),
			[]string{"|formula:=", "|formula:="},
		},
		{
			"areas that overlap",
			in(`<row r="2"><c r="A2"><f t="array" ref="A2:A4">1</f><v>1</v></c><c r="B2"><f t="array" ref="A2:B3">1</f><v>1</v></c></row>` +
				`<row r="3"><c r="A3"><v>1</v></c><c r="B3"><v>1</v></c><c r="C3"><v>1</v></c></row><row r="4"><c r="A4"><v>1</v></c><c r="B4"><v>1</v></c></row><row r="5"><c r="A5"><v>1</v></c></row>`),
			[]string{"formula:=1|formula:=1", "formula:=|formula:=|number:1", "formula:=|number:1", "number:1"},
		},
		{
			"array of one cell, and a formula that is copied",
			in(`<row r="2"><c r="A2"><f t="array" ref="A2">1</f><v>1</v></c><c r="B2"><f t="shared" ref="B2:B3" si="0">1</f><v>1</v></c></row><row r="3"><c r="A3"><v>1</v></c><c r="B3"><v>1</v></c></row>`),
			[]string{"formula:=1|formula:=1", "number:1|number:1"},
		},
		{
			"blank cells of an array",
			in(`<row r="2"><c r="A2"><f t="array" ref="A2:C4">1</f><v>1</v></c><c r="B2" s="1"/></row><row r="3"><c r="D3"><v>1</v></c></row>`),
			[]string{"formula:=1", "|||number:1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			equal(t, read(t, c.data, "phones.xlsx")[1:], c.want...)
		})
	}
	r := refused(t, in(`<row r="2"><c r="A2"><f t="array" ref="A2:?">1</f></c></row>`), "phones.xlsx", sheet.Limits{})
	if r.Reason != sheet.ReasonReference {
		t.Error(r)
	}
	many := strings.Repeat(`<c><f t="array" ref="A2:B3">1</f></c>`, 250)
	r = refused(t, in(strings.Repeat(`<row>`+many+`</row>`, 401)), "phones.xlsx", sheet.Limits{})
	if r.Reason != sheet.ReasonFormulas {
		t.Error(r)
	}
}

// TestNameSpacesCountAndNotPrefixes reads the sheet that a person sees, whatever the prefixes.
func TestNameSpacesCountAndNotPrefixes(t *testing.T) {
	t.Parallel()
	const header, example = "Ext Key|Number|User|Addon license 1", "number:101|number:6567891230|John|device_ip_phone"
	for name, spoil := range map[string]func(b *book){
		"another id before the relation's": func(b *book) {
			b.replace(bookName, `r:id="rId1"`,
				`xmlns:q="urn:q" q:id="rId2" r:id="rId1"`)
		},
		"another id behind it": func(b *book) {
			b.replace(bookName, `r:id="rId1"`,
				`xmlns:q="urn:q" r:id="rId1" q:id="rId2"`)
		},
		"r is another name space here": func(b *book) {
			b.replace(bookName, `r:id="rId1"`, `xmlns:r="urn:q" r:id="rId2" xmlns:rel="`+docRels+`" rel:id="rId1"`)
		},
		"r is another name space in a sibling": func(b *book) {
			b.replace(bookName, `<sheets>`, `<x:bookViews xmlns:x="`+mainSpace+`" xmlns:r="urn:q"/><sheets>`)
		},
		"strict relations": func(b *book) {
			b.replace(bookName, docRels, "http://purl.oclc.org/ooxml/officeDocument/relationships")
			b.replace(bookRels, docRels, "http://purl.oclc.org/ooxml/officeDocument/relationships")
			b.replace(relsName, docRels, "http://purl.oclc.org/ooxml/officeDocument/relationships")
		},
		"default name space taken away and given back": func(b *book) {
			b.set(sheetName, strings.NewReplacer(`<row `, `<m:row `, `</row>`, `</m:row>`, `<worksheet xmlns=`,
				`<worksheet xmlns:m="`+mainSpace+`" xmlns=`).
				Replace(string(b.part(sheetName).data)))
		},
		"a list of texts of somebody else's": func(b *book) {
			b.set("xl/other.xml", textsXML("a", "b", "c", "d", "e", "f"))
			b.replace(bookRels, "</Relationships>", `<Relationship Id="rId9" Type="http://example.com/relationships/sharedStrings" Target="other.xml"/></Relationships>`)
		},
		"another workbook that is none": func(b *book) {
			b.replace(relsName, "<Relationship ", `<Relationship Id="rId9" Type="http://example.com/officeDocument" Target="xl/styles.xml"/><Relationship `)
		},
		"entities in a name space": func(b *book) {
			b.replace(sheetName, `xmlns="http`, `xmlns="&#104;ttp`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			spoil(b)
			equal(t, read(t, b.bytes(), "phones.xlsx"), header, example)
		})
	}
	for name, c := range map[string]struct {
		spoil   func(b *book)
		reason  sheet.Reason
		message string
	}{
		"id without the name space": {
			func(b *book) { b.replace(bookName, `r:id="rId1"`, `id="rId1"`) }, sheet.ReasonMissingPart, "worksheet",
		},
		"two ids": {
			func(b *book) { b.replace(bookName, `r:id="rId1"`, `r:id="rId1" xmlns:q="`+docRels+`" q:id="rId2"`) },
			sheet.ReasonMalformed, "twice",
		},
		"sheet of somebody else's kind": {
			func(b *book) {
				b.replace(bookRels, docRels+`/worksheet" Target="worksheets/sheet1.xml"`,
					`http://example.com/worksheet" Target="worksheets/sheet1.xml"`)
			},
			sheet.ReasonNoSheet, "no table",
		},
		"macros of somebody else's kind": {
			func(b *book) { b.replace(bookRels, docRels+"/styles", "http://example.com/vbaProject") },
			sheet.ReasonMacros, "macros",
		},
		"sheets in an alternative": {
			func(b *book) {
				b.replace(bookName, "<sheets>", `<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="x"><sheets/></mc:Choice></mc:AlternateContent><sheets>`)
			}, sheet.ReasonMalformed, "alternative",
		},
		"table in an alternative": {
			func(b *book) {
				b.replace(sheetName, "<sheetData>", `<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="x"><sheetData/></mc:Choice></mc:AlternateContent><sheetData>`)
			}, sheet.ReasonMalformed, "alternative",
		},
		"too many name spaces": {
			func(b *book) {
				var s strings.Builder
				for i := range 60 {
					fmt.Fprintf(&s, ` xmlns:a%d="u"`, i)
				}
				b.replace(sheetName, "</worksheet>",
					strings.Repeat("<x"+s.String()+">", 20)+strings.Repeat("</x>", 20)+"</worksheet>")
			}, sheet.ReasonMalformed, "name spaces",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			c.spoil(b)
			r := refused(t, b.bytes(), "phones.xlsx", sheet.Limits{})
			if r.Reason != c.reason ||
				!strings.Contains(r.Message, c.message) {
				t.Errorf("%s: %s", r.Reason, r)
			}
		})
	}
}

// TestHidden names what is hidden and holds something, and gives it, or leaves it out.
func TestHidden(t *testing.T) {
	t.Parallel()
	hide := func(rows ...string) []byte { return inTable(headerRow + strings.Join(rows, "")) }
	row := func(n int, attributes string) string {
		return fmt.Sprintf(`<row r="%d" %s><c r="A%d"><v>%d</v></c></row>`, n, attributes, n, n)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":      {hide(row(2, ``)), ""},
		"visible rows": {hide(row(2, `hidden="0"`), row(3, `hidden="false" ht="15"`)), ""},
		"a row":        {hide(row(2, `hidden="1"`)), "row 2"},
		"rows": {
			hide(row(2, `hidden="true"`), row(3, `ht="0" customHeight="1"`), row(4, ``), row(6, `hidden="1"`)),
			"rows 2 to 3 and 6",
		},
		"blank rows": {hide(row(2, ``), `<row r="3" hidden="1"/><row r="4" hidden="1"><c r="A4" s="1"/></row>`, row(5, ``)), ""},
		"the header": {inTable(strings.Replace(headerRow, `r="1"`, `r="1" hidden="1"`, 1) + row(2, ``)), "row 1"},
		"columns": {spoilt(func(b *book) {
			b.replace(sheetName, "<sheetData>",
				`<cols><col min="2" max="3" hidden="1"/><col min="4" max="4" width="0"/></cols><sheetData>`)
		}), "columns B to D"},
		"columns of nothing": {spoilt(func(b *book) {
			b.replace(sheetName, "<sheetData>",
				`<cols><col min="5" max="16384" hidden="1" width="9"/></cols><sheetData>`)
		}), ""},
		"rows and a column": {spoilt(func(b *book) {
			b.replace(sheetName, `<row r="2"`, `<row hidden="1" r="2"`)
			b.replace(sheetName, "<sheetData>", `<cols><col min="1" max="1" hidden="true"/></cols><sheetData>`)
		}), "row 2, and column A"},
		"more rows than are named": {hide(everyOther(15)...), "rows 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 and 5 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rd, err := open(c.data, "phones.xlsx", sheet.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer rd.Close()
			if got := rd.Hidden().String(); got != c.want {
				t.Errorf("hidden: %q, want %q", got, c.want)
			}
			refusal := rd.Hidden().Refuse()
			if (refusal == nil) != (c.want == "") ||
				refusal != nil && (refusal.Reason != sheet.ReasonHidden || !strings.Contains(refusal.Message, c.want)) {
				t.Errorf("%v", refusal)
			}
		})
	}
	rd, err := open(spoilt(func(b *book) {
		b.rows(
			headerRow + `<row r="2" hidden="1"><c r="A2"><v>1</v></c></row>` + strings.ReplaceAll(exampleRow, `2"`,
				`3"`),
		)
		b.replace(sheetName, "<sheetData>", `<cols><col min="3" max="3" hidden="1"/></cols><sheetData>`)
	}), "phones.xlsx", sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	equal(t, rowsOf(t, rd), "Ext Key|Number|User|Addon license 1", "number:1",
		"number:101|number:6567891230|John|device_ip_phone")
	rd.LeaveOutHidden()
	equal(t, rowsOf(t, rd), "Ext Key|Number||Addon license 1", "number:1",
		"number:101|number:6567891230||device_ip_phone")
	var hidden []int
	if err := rd.Rows(func(r sheet.Row) error {
		if r.Hidden {
			hidden = append(hidden, r.Number)
		}

		return nil
	}); err != nil || len(hidden) != 1 || hidden[0] != 2 {
		t.Errorf("hidden rows %v, %v", hidden, err)
	}
}

func everyOther(n int) (rows []string) {
	for i := range n {
		rows = append(
			rows,
			fmt.Sprintf(`<row r="%d" hidden="1"><c><v>1</v></c></row><row r="%d"><c><v>1</v></c></row>`, 2*i+2, 2*i+3),
		)
	}

	return rows
}

// wider writes ASCII in units of several bytes.
func wider(text string, size int, big bool) string {
	var b strings.Builder
	for i := range len(text) {
		unit := make([]byte, size)
		if big {
			unit[size-1] = text[i]
		} else {
			unit[0] = text[i]
		}
		b.Write(unit)
	}

	return b.String()
}

// TestEveryPartIsLookedThrough finds corruption and DTDs in all parts, whatever they are called,
// however they are encoded, used or not.
func TestEveryPartIsLookedThrough(t *testing.T) {
	t.Parallel()
	dtd := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`
	declare := func(b *book, name, kind string) {
		b.replace(typesName, "</Types>", `<Override PartName="/`+name+`" ContentType="`+kind+`"/></Types>`)
	}
	const sheetType = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
	other := func(name, data string) func(b *book) { return func(b *book) { b.set(name, data) } }
	for name, c := range map[string]struct {
		spoil  func(b *book)
		reason sheet.Reason
	}{
		"dtd in a part of another name": {other("xl/worksheets/sheet9.dat", dtd), sheet.ReasonDTD},
		"dtd in a part without ending":  {other("xl/sheet9", dtd), sheet.ReasonDTD},
		"dtd in a part that claims to be a text": {
			func(b *book) { b.set("xl/a.txt", dtd); declare(b, "xl/a.txt", "text/plain") }, sheet.ReasonDTD,
		},
		"dtd behind a lot of white space": {
			other("xl/a.bin", strings.Repeat(" ", 100_000)+dtd[21:]), sheet.ReasonDTD,
		},
		"dtd behind a comment": {
			other("xl/a.bin", `<!--`+strings.Repeat("-a", 5000)+`-->`+dtd[21:]), sheet.ReasonDTD,
		},
		"dtd in small letters":                  {other("xl/a.bin", strings.ToLower(dtd)), sheet.ReasonDTD},
		"dtd in UTF-16":                         {other("xl/a.bin", "\xFF\xFE"+wider(dtd, 2, false)), sheet.ReasonDTD},
		"dtd in UTF-16, big end first, no mark": {other("xl/a.bin", wider(dtd, 2, true)), sheet.ReasonDTD},
		"dtd in UTF-32": {
			other("xl/a.bin", "\xFF\xFE\x00\x00"+wider(dtd, 4, false)), sheet.ReasonDTD,
		},
		"dtd in UTF-32, no mark": {other("docProps/app.xml", wider(dtd, 4, false)), sheet.ReasonDTD},
		"dtd in UTF-32, big end first": {
			other("docProps/app.xml", "\x00\x00\xFE\xFF"+wider(dtd, 4, true)), sheet.ReasonDTD,
		},
		"dtd in UTF-32, big end first, no mark": {
			other("docProps/app.xml", wider(" "+dtd[21:], 4, true)), sheet.ReasonDTD,
		},
		"dtd in Latin-1": {
			other("customXml/item1.xml", strings.Replace(dtd, `"1.0"`, `"1.0" encoding='ISO-8859-1'`, 1)),
			sheet.ReasonDTD,
		},
		"dtd in the hidden sheet": {other("xl/worksheets/sheet2.xml", dtd), sheet.ReasonDTD},
		"dtd in a drawing": {
			other("xl/drawings/vmlDrawing1.vml", `<xml><br>`+dtd), sheet.ReasonDTD,
		},
		"dtd in XML 1.1": {
			other("customXml/item1.xml", strings.Replace(dtd, `"1.0"`, `"1.1"`, 1)), sheet.ReasonDTD,
		},
		"an encoding that hides tags": {other("customXml/item1.xml", `<?xml version="1.0" encoding="UTF-7"?><a>+ADwAIQ-DOCTYPE</a>`), sheet.ReasonEncoding},
		"hidden sheet cut off": {
			func(b *book) { b.replace("xl/worksheets/sheet2.xml", "</worksheet>", "") }, sheet.ReasonMalformed,
		},
		"hidden sheet broken": {
			func(b *book) { b.replace("xl/worksheets/sheet2.xml", "</row>", "</raw>") }, sheet.ReasonMalformed,
		},
		"sheet of another name cut off": {func(b *book) {
			b.set("xl/worksheets/sheet9.dat", "<worksheet><sheetData>")
			declare(b, "xl/worksheets/sheet9.dat", sheetType)
		}, sheet.ReasonMalformed},
		"empty sheet of another name": {func(b *book) {
			b.set("xl/worksheets/sheet9.dat", "")
			declare(b, "xl/worksheets/sheet9.dat", sheetType)
		}, sheet.ReasonMalformed},
		"XML that is none": {
			func(b *book) { b.set("xl/sheet9.dat", "x"); declare(b, "xl/sheet9.dat", sheetType) },
			sheet.ReasonMalformed,
		},
		"properties cut off": {other("docProps/app.xml", "<Properties>"), sheet.ReasonMalformed},
		"not UTF-8":          {other("docProps/app.xml", "<a>\xFF</a>"), sheet.ReasonEncoding},
		"half a character":   {other("docProps/app.xml", "\xFF\xFE"+wide("<a/>")+"\x00"), sheet.ReasonEncoding},
		"half a pair": {
			other("docProps/app.xml", "\xFF\xFE"+wide("<a>")+"\x3D\xD8"+wide("</a>")), sheet.ReasonEncoding,
		},
		"something behind its end": {other("docProps/app.xml", "<a/><b/>"), sheet.ReasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			c.spoil(b)
			if r := refused(t, b.bytes(), "phones.xlsx", sheet.Limits{}); r.Reason != c.reason {
				t.Errorf("%s: %s", r.Reason, r)
			}
		})
	}
}

// TestHonestOddities reads what every office opens.
func TestHonestOddities(t *testing.T) {
	t.Parallel()
	const header, example = "Ext Key|Number|User|Addon license 1", "number:101|number:6567891230|John|device_ip_phone"
	var emoji strings.Builder
	for _, unit := range utf16.Encode([]rune("<a b='ö'>😀</a>")) {
		emoji.WriteByte(byte(unit))
		emoji.WriteByte(byte(unit >> 8))
	}
	merge := func(ref string) func(b *book) {
		return func(b *book) {
			b.replace(sheetName, "</sheetData>", `</sheetData><mergeCells><mergeCell ref="`+ref+`"/></mergeCells>`)
		}
	}
	for name, spoil := range map[string]func(b *book){
		"a DTD in CDATA": func(b *book) {
			b.set("customXml/item1.xml",
				`<a><![CDATA[<!DOCTYPE html><!ENTITY x "y">]]></a>`)
		},
		"a DTD in a comment": func(b *book) { b.set("customXml/item1.xml", `<a><!-- <!DOCTYPE html> --></a>`) },
		"a DTD in a picture": func(b *book) { b.set("xl/media/image1.png", "\x89PNG<!DOCTYPE html>") },
		"a DTD in a text":    func(b *book) { b.set("xl/a.txt", "write <!DOCTYPE html>") },
		"a part without name space": func(b *book) {
			b.set("customXml/item1.xml",
				`<a b="c" xml:space="preserve"><d:e/></a>`)
		},
		"a part in UTF-16": func(b *book) { b.set("customXml/item1.xml", "\xFF\xFE"+emoji.String()) },
		"a part in UTF-16 that says so": func(b *book) {
			b.set("customXml/item1.xml", "\xFF\xFE"+wide(`<?xml version="1.0" encoding="utf-16"?><a/>`))
		},
		"a part in UTF-32": func(b *book) {
			b.set("customXml/item1.xml",
				wider(`<?xml version="1.0"?><a>text</a>`, 4, false))
		},
		"a part in Windows-1252": func(b *book) {
			b.set("customXml/item1.xml", "<?xml version='1.0' encoding='windows-1252'?><a>Z\xFCrich</a>")
		},
		"a part with a mark": func(b *book) {
			b.set("customXml/item1.xml",
				"\xEF\xBB\xBF<?xml version='1.0' encoding='UTF-8'?><a/>")
		},
		"an old drawing that is no XML": func(b *book) {
			b.set("xl/drawings/vmlDrawing1.vml", `<xml xmlns:v="urn:v"><v:textbox>a<br>b</v:textbox></xml>`)
		},
		"printer settings": func(b *book) {
			b.set("xl/printerSettings/printerSettings1.bin",
				wide("HP LaserJet")+"\x00\x01\x02<")
		},
		"a folder":                      func(b *book) { b.set("xl/media/", "") },
		"merged cells beside the table": merge("F1:G2"),
		"merged cells below the table":  merge("A3:D4"),
		"merged cells far away":         merge("XFC1048575:XFD1048576"),
		"a merge of one cell":           merge("B2"),
		"a word behind the table": func(b *book) {
			b.replace(sheetName, "</sheetData>",
				`</sheetData>ndrawing<pageMargins left="1"/>`)
		},
		"a word before the table": func(b *book) { b.replace(sheetName, "<sheetData>", `word<sheetData>`) },
		"a word at the end":       func(b *book) { b.replace(sheetName, "</worksheet>", `word</worksheet>`) },
		"an alternative to something else": func(b *book) {
			b.replace(sheetName, "</sheetData>", `</sheetData><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="x"><controls/></mc:Choice></mc:AlternateContent>`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			spoil(b)
			equal(t, read(t, b.bytes(), "phones.xlsx"), header, example)
		})
	}
	for _, ref := range []string{"A1:B1", "D2:D3", "D2:E9", "A2:XFD2", "D3:A2"} {
		b := newBook()
		merge(ref)(b)
		if r := refused(t, b.bytes(), "phones.xlsx", sheet.Limits{}); r.Reason != sheet.ReasonMerged {
			t.Errorf("%s: %v", ref, r)
		}
	}
	b := newBook()
	b.replace(sheetName, "<sheetData>", `<mergeCells><mergeCell ref="A1:B1"/></mergeCells><sheetData>`)
	if r := refused(t, b.bytes(), "phones.xlsx", sheet.Limits{}); r.Reason != sheet.ReasonMalformed {
		t.Error(r)
	}
}

// TestCSVSaysWhere names places of a CSV file as a text editor shows them: lines and the numbers of
// fields.
func TestCSVSaysWhere(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"a,b\n1,2\n\x01,2\n":        "a.csv, line 3",
		"a,b\n\"1\n\",2\n\xFF,2":    "a.csv, line 4 (row 3)",
		"\x01,b\n":                  "a.csv, line 1",
		"a,b\n1,\x01\n":             "a.csv, line 2, field 2",
		"a,b\n1," + "\"x\"y" + "\n": "a.csv, line 2, field 2",
	} {
		if r := refused(t, []byte(data), "a.csv", sheet.Limits{}); r.Where() != want {
			t.Errorf("%q: %q, want %q", data, r.Where(), want)
		}
	}
}

// TestWrittenIsReadAsItWas holds that what we write to a CSV file comes back as it was: every text
// as that text, and every cell that was refused as one that is refused again.
func TestWrittenIsReadAsItWas(t *testing.T) {
	t.Parallel()
	kinds := []sheet.Kind{
		sheet.KindText,
		sheet.KindFormula,
		sheet.KindDate,
		sheet.KindError,
		sheet.KindMasked,
		sheet.KindNumber,
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`'{0,3}[=@+\-#\t ]?[0-9A-Z=+'. ]{1,8}`),
			rapid.StringMatching(`'{0,2}[\x{FF1D}\x{FF20}\x{FF0B}\x{FF0D}]x`),
			rapid.SampledFrom([]string{
				"=bad",
				"'=bad",
				"''=bad",
				"#REF!",
				"'#REF!",
				"6.57E+09",
				"+1 (656) 789-1230",
				"-",
				"--",
				"'",
				"''",
				"O'Brien",
				"'tis",
			}),
		).Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "text")
		c := sheet.Cell{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Text: text}
		if c.Kind == sheet.KindNumber {
			c.Text = "1234567890123456789"
		}
		written := sheet.Written(c)
		if c.Kind == sheet.KindText {
			written = text
		}
		written = sheet.EscapeCSV(written)
		rd, err := open([]byte("h,i\n\""+strings.ReplaceAll(written, `"`, `""`)+"\",x\n"), "a.csv", sheet.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer rd.Close()
		_ = rd.Rows(func(r sheet.Row) error {
			if got := r.Cell(0); r.Number == 2 && (got.Text != c.Text || got.Kind != c.Kind) {
				t.Fatalf("%q (%s) was written as %q and read as %q (%s)", c.Text, c.Kind, written, got.Text, got.Kind)
			}

			return nil
		})
	})
}
