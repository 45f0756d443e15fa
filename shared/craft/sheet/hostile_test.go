package sheet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"seatwise/shared/craft/sheet"
)

// hostile is a file that must be refused whole. Where it says a row, a line or a column, the
// refusal must name them.
type hostile struct {
	name    string
	file    string // phones.xlsx if left out
	data    []byte
	limits  sheet.Limits
	reason  sheet.Reason
	message string // a part of what the person reads
	row     int
	line    int
	column  string
}

// spoilt makes a workbook and spoils it.
func spoilt(spoil func(*book)) []byte {
	b := newBook()
	spoil(b)

	return b.bytes()
}

// inTable makes a workbook with a table of its own.
func inTable(rows string) []byte { return spoilt(func(b *book) { b.rows(rows) }) }

func put32(field []byte, v uint32) { binary.LittleEndian.PutUint32(field, v) }

var ole = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 504)

func wide(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(s[i:i+1] + "\x00")
	}

	return b.String()
}

func hostileTypes() []hostile {
	whole := newBook().bytes()

	return []hostile{
		{name: "empty xlsx", data: nil, reason: sheet.ReasonEmpty, message: "empty"},
		{name: "empty csv", file: "a.csv", data: nil, reason: sheet.ReasonEmpty, message: "empty"},
		{name: "zero bytes", data: make([]byte, 5000), reason: sheet.ReasonWrongType, message: "zero bytes"},
		{
			name:    "zero bytes csv",
			file:    "a.csv",
			data:    make([]byte, 5000),
			reason:  sheet.ReasonWrongType,
			message: "zero bytes",
		},
		{
			name:    "csv named xlsx",
			data:    []byte("Ext Key,Number\n1,2\n"),
			reason:  sheet.ReasonWrongType,
			message: "plain text, perhaps CSV",
		},
		{
			name:    "xlsx named csv",
			file:    "a.csv",
			data:    whole,
			reason:  sheet.ReasonWrongType,
			message: "an Excel workbook",
		},
		{name: "old xls", data: []byte(ole + "Workbook"), reason: sheet.ReasonOldFormat, message: "Excel 97-2003"},
		{
			name:    "old xls named csv",
			file:    "a.csv",
			data:    []byte(ole),
			reason:  sheet.ReasonOldFormat,
			message: "Excel 97-2003",
		},
		{name: "named xls", file: "a.XLS", data: []byte(ole), reason: sheet.ReasonOldFormat, message: ".xls"},
		{name: "named xlsm", file: "a.xlsm", data: whole, reason: sheet.ReasonMacros, message: "macros"},
		{
			name:    "named ods",
			file:    "a.ods",
			data:    whole,
			reason:  sheet.ReasonUnsupported,
			message: "Only Excel workbooks",
		},
		{
			name:    "without ending",
			file:    "phones",
			data:    whole,
			reason:  sheet.ReasonUnsupported,
			message: "Only Excel workbooks",
		},
		{
			name:    "encrypted package",
			data:    []byte(ole + strings.Repeat("\x00", 70_000) + wide("EncryptedPackage")),
			reason:  sheet.ReasonEncrypted,
			message: "password",
		},
		{name: "pdf", data: []byte("%PDF-1.7\n..."), reason: sheet.ReasonWrongType, message: "a PDF document"},
		{
			name:    "pdf named csv",
			file:    "a.csv",
			data:    []byte("%PDF-1.7\n,,"),
			reason:  sheet.ReasonWrongType,
			message: "a PDF document",
		},
		{name: "html", data: []byte("\n <!DOCTYPE html><html>"), reason: sheet.ReasonWrongType, message: "a web page"},
		{
			name:    "html named csv",
			file:    "a.csv",
			data:    []byte("\xEF\xBB\xBF<html><table>"),
			reason:  sheet.ReasonWrongType,
			message: "a web page",
		},
		{
			name:    "spreadsheet xml 2003",
			data:    []byte(`<?xml version="1.0"?><Workbook/>`),
			reason:  sheet.ReasonWrongType,
			message: "an XML document",
		},
		{
			name:    "json named csv",
			file:    "a.csv",
			data:    []byte(`[{"a":1}]`),
			reason:  sheet.ReasonWrongType,
			message: "a JSON document",
		},
		{name: "png", data: []byte("\x89PNG\r\n\x1a\n\x00"), reason: sheet.ReasonWrongType, message: "picture"},
		{
			name:    "jpeg named csv",
			file:    "a.csv",
			data:    []byte("\xFF\xD8\xFF\xE0,,"),
			reason:  sheet.ReasonWrongType,
			message: "picture",
		},
		{name: "gzip", data: []byte("\x1F\x8B\x08\x00"), reason: sheet.ReasonWrongType, message: "gzip"},
		{name: "program", data: []byte("MZ\x90\x00\x03"), reason: sheet.ReasonWrongType, message: "a program"},
		{name: "unknown", data: []byte("\x01\x02\x03\x04"), reason: sheet.ReasonWrongType, message: "unknown kind"},
		{
			name:    "other zip",
			data:    zipFile{parts: []zipPart{{name: "a.txt", data: []byte("a")}}}.bytes(),
			reason:  sheet.ReasonWrongType,
			message: "archive",
		},
		{name: "zip without parts", data: zipFile{}.bytes(), reason: sheet.ReasonWrongType, message: "archive"},
		{
			name:    "open document",
			data:    zipFile{parts: []zipPart{{name: "mimetype", data: []byte("application/vnd.oasis")}}}.bytes(),
			reason:  sheet.ReasonWrongType,
			message: "OpenDocument",
		},
		{
			name: "word document",
			data: spoilt(
				func(b *book) { b.replace(typesName, "spreadsheetml.sheet.main", "wordprocessingml.document.main") },
			),
			reason:  sheet.ReasonWrongType,
			message: "Word",
		},
		{
			name: "template", data: spoilt(func(b *book) { b.replace(typesName, "sheet.main", "template.main") }),
			reason: sheet.ReasonWrongType, message: ".xltx",
		},
		{
			name: "binary workbook", data: spoilt(func(b *book) {
				b.replace(typesName, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
					"application/vnd.ms-excel.sheet.binary.macroEnabled.main")
			}),
			reason: sheet.ReasonWrongType, message: ".xlsb",
		},
		{
			name:    "too big",
			data:    whole,
			limits:  sheet.Limits{FileBytes: 100},
			reason:  sheet.ReasonTooBig,
			message: "at most",
		},
	}
}

func hostileArchives() []hostile {
	whole := newBook().bytes()
	lie := func(change func(local, directory []byte)) []byte {
		return spoilt(func(b *book) { b.part(sheetName).lie = change })
	}
	wideLie := func(extra []byte, change func(directory []byte)) []byte {
		return spoilt(func(b *book) {
			p := b.part(sheetName)
			p.extra = extra
			p.lie = func(_, directory []byte) { change(directory) }
		})
	}
	fullSize := func(directory []byte) { put32(directory[24:], 1<<32-1) }

	return []hostile{
		{name: "cut after three bytes", data: whole[:3], reason: sheet.ReasonCutOff, message: "cut off after 3 bytes"},
		{name: "cut in the middle", data: whole[:len(whole)/2], reason: sheet.ReasonCutOff, message: "cut off"},
		{name: "cut before the last byte", data: whole[:len(whole)-1], reason: sheet.ReasonCutOff, message: "cut off"},
		{
			name:    "bytes behind the end",
			data:    append(bytes.Clone(whole), "trailing"...),
			reason:  sheet.ReasonCorrupted,
			message: "behind its end",
		},
		{
			name:    "bytes before the beginning",
			data:    append([]byte("PK\x03\x04...."), whole...),
			reason:  sheet.ReasonCorrupted,
			message: "table of contents",
		},
		{
			name:    "bytes between the parts",
			data:    spoilt(func(b *book) { b.part(sheetName).before = []byte("hidden") }),
			reason:  sheet.ReasonCorrupted,
			message: "belong to no part",
		},
		{
			name:    "bytes before the directory",
			data:    spoilt(func(b *book) { b.parts[len(b.parts)-1].after = []byte("hidden") }),
			reason:  sheet.ReasonCorrupted,
			message: "belong to no part",
		},
		{
			name: "bytes behind the directory", data: spoilt(func(b *book) { b.before = []byte("hidden") }),
			reason: sheet.ReasonCorrupted, message: "table of contents",
		},
		{
			name: "wrong checksum", data: lie(func(l, d []byte) { put32(l[14:], 1); put32(d[16:], 1) }),
			reason: sheet.ReasonCorrupted, message: "checksum",
		},
		{
			name: "wrong checksum of a part that is not used", data: spoilt(func(b *book) {
				b.part("xl/styles.xml").lie = func(l, d []byte) { put32(l[14:], 1); put32(d[16:], 1) }
			}),
			reason: sheet.ReasonCorrupted, message: "checksum",
		},
		{
			name: "unpacked size too small", data: lie(func(l, d []byte) { put32(l[22:], 50); put32(d[24:], 50) }),
			reason: sheet.ReasonCorrupted, message: "bigger than it says",
		},
		{
			name: "unpacked size too big", data: lie(func(l, d []byte) { put32(l[22:], 5000); put32(d[24:], 5000) }),
			reason: sheet.ReasonCorrupted, message: "smaller than it says",
		},
		{
			name:    "unpacked size beyond what deflate can",
			data:    lie(func(l, d []byte) { put32(l[22:], 100<<20); put32(d[24:], 100<<20) }),
			reason:  sheet.ReasonCorrupted,
			message: "untrue",
		},
		{
			name: "packed size beyond the file", data: lie(func(_, d []byte) { put32(d[20:], 1<<30) }),
			reason: sheet.ReasonCorrupted, message: "untrue",
		},
		{
			name: "packed size into the next part", data: lie(func(l, d []byte) {
				n := binary.LittleEndian.Uint32(d[20:]) + 40
				put32(l[18:], n)
				put32(d[20:], n)
			}),
			reason: sheet.ReasonUnsafe, message: "overlap",
		},
		{
			name: "local header lies", data: lie(func(l, _ []byte) { put32(l[22:], 7) }),
			reason: sheet.ReasonCorrupted, message: "contradicts",
		},
		{
			name:    "local name lies",
			data:    spoilt(func(b *book) { b.part(sheetName).localName = "xl/worksheets/sheet9.xml" }),
			reason:  sheet.ReasonCorrupted,
			message: "contradicts",
		},
		{
			name: "stored size lies", data: spoilt(func(b *book) {
				p := b.part(sheetName)
				p.stored = true
				p.lie = func(l, d []byte) { put32(l[22:], 7); put32(d[24:], 7) }
			}),
			reason: sheet.ReasonCorrupted, message: "untrue",
		},
		{
			name: "packed bytes broken", data: spoilt(func(b *book) {
				p := b.part(sheetName)
				p.packed = bytes.Repeat([]byte{0xFF}, 300)
			}),
			reason: sheet.ReasonCorrupted, message: "cannot be unpacked",
		},
		{
			name: "packed bytes cut", data: spoilt(func(b *book) {
				p := b.part(sheetName)
				p.packed = deflated(p.data)
				p.packed = p.packed[:len(p.packed)-20]
			}),
			reason: sheet.ReasonCorrupted, message: "cannot be unpacked", row: 2, column: "D",
		},
		{
			name: "bytes behind the packed bytes", data: spoilt(func(b *book) {
				p := b.part(sheetName)
				p.packed = append(deflated(p.data), "hidden"...)
			}),
			reason: sheet.ReasonCorrupted, message: "behind the end of its part",
		},
		{
			name: "descriptor lies", data: spoilt(func(b *book) {
				p := b.part(sheetName)
				p.descriptor = 12
				p.lie = func(_, d []byte) { put32(d[16:], 1) }
			}),
			reason: sheet.ReasonCorrupted, message: "contradicts",
		},
		{
			name: "descriptor announced and missing", data: lie(func(l, d []byte) { l[6], d[8] = 8, 8 }),
			reason: sheet.ReasonCorrupted, message: "contradicts",
		},
		{
			name: "descriptor announced in one place", data: lie(func(_, d []byte) { d[8] = 8 }),
			reason: sheet.ReasonCorrupted, message: "contradicts",
		},
		{
			name: "zip64 without its field", data: lie(func(_, d []byte) { put32(d[24:], 1<<32-1) }),
			reason: sheet.ReasonCorrupted, message: "Zip64",
		},
		{
			name: "zip64 size beyond all", data: wideLie(wideExtra(1<<63), fullSize),
			reason: sheet.ReasonCorrupted, message: "Zip64",
		},
		{
			name: "zip64 size a bomb", data: wideLie(wideExtra(1<<40), fullSize),
			reason: sheet.ReasonUnpackedTooBig, message: "256 MiB",
		},
		{
			name: "zip64 size a little wrong", data: wideLie(wideExtra(77), fullSize),
			reason: sheet.ReasonCorrupted, message: "contradicts",
		},
		{
			name: "zip64 field too long", data: wideLie([]byte{1, 0, 99, 0, 1}, func([]byte) {}),
			reason: sheet.ReasonCorrupted, message: "Zip64",
		},
		{
			name: "zip64 end contradicts", data: spoilt(func(b *book) {
				b.wideEnd = true
				b.lieEnd = func(end []byte) { put32(end[16:], 5) }
			}),
			reason: sheet.ReasonCorrupted, message: "contradict each other",
		},
		{
			name: "zip64 end elsewhere", data: spoilt(func(b *book) {
				b.wideEnd = true
				b.lieWide = func(_, locator []byte) { put32(locator[12:], 7) }
			}),
			reason: sheet.ReasonCorrupted, message: "Zip64",
		},
		{
			name: "zip64 directory beyond the file", data: spoilt(func(b *book) {
				b.wideEnd = true
				b.lieWide = func(record, _ []byte) { put32(record[52:], 7) }
			}),
			reason: sheet.ReasonCorrupted, message: "contradict each other",
		},
		{
			name:    "directory beyond the file",
			data:    spoilt(func(b *book) { b.lieEnd = func(end []byte) { put32(end[16:], 1<<31) } }),
			reason:  sheet.ReasonCorrupted,
			message: "does not fit",
		},
		{
			name:    "directory counts wrong",
			data:    spoilt(func(b *book) { b.lieEnd = func(end []byte) { end[8], end[10] = 5, 5 } }),
			reason:  sheet.ReasonCorrupted,
			message: "lists 8",
		},
		{
			name: "divided archive", data: spoilt(func(b *book) { b.lieEnd = func(end []byte) { end[4] = 1 } }),
			reason: sheet.ReasonCorrupted, message: "divided",
		},
		{
			name:    "two parts of one name",
			data:    spoilt(func(b *book) { b.parts = append(b.parts, *b.part(sheetName)) }),
			reason:  sheet.ReasonUnsafe,
			message: "twice",
		},
		{
			name: "two parts whose names differ by case", data: spoilt(func(b *book) {
				p := *b.part(sheetName)
				p.name = "xl/worksheets/SHEET1.xml"
				b.parts = append(b.parts, p)
			}),
			reason: sheet.ReasonUnsafe, message: "twice",
		},
		{
			name: "two entries for the same bytes", data: spoilt(func(b *book) {
				b.parts = append(b.parts, zipPart{name: "xl/again.xml", lie: func(_, d []byte) { put32(d[42:], 0) }})
			}),
			reason: sheet.ReasonUnsafe, message: "overlap",
		},
		{
			name: "encrypted part", data: lie(func(l, d []byte) { l[6], d[8] = 1, 1 }),
			reason: sheet.ReasonEncrypted, message: "password",
		},
		{
			name: "unknown compression", data: lie(func(l, d []byte) { l[8], d[10] = 93, 93 }),
			reason: sheet.ReasonUnsafe, message: "method 93",
		},
		{name: "absolute name", data: named("/etc/passwd"), reason: sheet.ReasonUnsafe, message: "/etc/passwd"},
		{name: "name that climbs", data: named("xl/../../etc/passwd"), reason: sheet.ReasonUnsafe, message: "../"},
		{
			name:    "name that climbs with backslashes",
			data:    named(`..\evil.xml`),
			reason:  sheet.ReasonUnsafe,
			message: "../evil.xml",
		},
		{name: "name with a drive", data: named("C:/evil.xml"), reason: sheet.ReasonUnsafe, message: "C:/evil.xml"},
		{
			name:    "name with NUL",
			data:    named("xl/a\x00.xml"),
			reason:  sheet.ReasonUnsafe,
			message: "name that no workbook has",
		},
		{
			name:    "name that is no UTF-8",
			data:    named("xl/\xFF.xml"),
			reason:  sheet.ReasonUnsafe,
			message: "name that no workbook has",
		},
		{name: "empty name", data: named(""), reason: sheet.ReasonUnsafe, message: "name that no workbook has"},
		{
			name:    "folder with contents",
			data:    spoilt(func(b *book) { b.set("xl/folder/", "contents") }),
			reason:  sheet.ReasonCorrupted,
			message: "untrue",
		},
		{name: "too many parts", data: manyParts(5000), reason: sheet.ReasonUnsafe, message: "5,000 parts"},
		{
			name: "bomb of zeros", data: spoilt(func(b *book) { b.part("xl/media/a.png").data = make([]byte, 2<<20) }),
			limits: sheet.Limits{UnpackedBytes: 1 << 20}, reason: sheet.ReasonUnpackedTooBig, message: "1 MiB",
		},
		{
			name: "bomb of many parts", data: spoilt(func(b *book) {
				for i := range 20 {
					b.part(fmt.Sprintf("xl/media/%d.png", i)).data = make([]byte, 1<<16)
				}
			}),
			limits: sheet.Limits{UnpackedBytes: 1 << 20}, reason: sheet.ReasonUnpackedTooBig, message: "1 MiB",
		},
	}
}

func named(name string) []byte {
	return spoilt(func(b *book) { b.parts = append(b.parts, zipPart{name: name, data: []byte("x")}) })
}

func manyParts(n int) []byte {
	b := newBook()
	for i := len(b.parts); i < n; i++ {
		b.parts = append(b.parts, zipPart{name: fmt.Sprintf("a%d", i), stored: true})
	}

	return b.bytes()
}

func hostileWorkbooks() []hostile {
	replaced := func(part, old, new string) []byte { return spoilt(func(b *book) { b.replace(part, old, new) }) }
	without := func(part string) []byte { return spoilt(func(b *book) { b.remove(part) }) }
	dtd := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`

	return []hostile{
		{
			name:    "dtd in the sheet",
			data:    replaced(sheetName, xmlHead, xmlHead+dtd),
			reason:  sheet.ReasonDTD,
			message: "DTD",
		},
		{
			name:    "dtd in the shared texts",
			data:    replaced(textsName, xmlHead, xmlHead+dtd),
			reason:  sheet.ReasonDTD,
			message: "DTD",
		},
		{
			name:    "dtd in the workbook",
			data:    replaced(bookName, xmlHead, xmlHead+dtd),
			reason:  sheet.ReasonDTD,
			message: "DTD",
		},
		{
			name:    "dtd in the content types",
			data:    replaced(typesName, xmlHead, xmlHead+dtd),
			reason:  sheet.ReasonDTD,
			message: "DTD",
		},
		{
			name:    "dtd in a part that is not used",
			data:    replaced("xl/styles.xml", xmlHead, xmlHead+dtd),
			reason:  sheet.ReasonDTD,
			message: "xl/styles.xml",
		},
		{
			name:    "dtd in UTF-16 in a part that is not used",
			data:    spoilt(func(b *book) { b.set("docProps/app.xml", "\xFF\xFE"+wide(dtd)) }),
			reason:  sheet.ReasonDTD,
			message: "docProps/app.xml",
		},
		{
			name:    "entity without dtd",
			data:    replaced(sheetName, "<v>101</v>", "<v>&a;</v>"),
			reason:  sheet.ReasonMalformed,
			message: "&a;",
			row:     2,
			column:  "A",
		},
		{
			name:    "vba project",
			data:    spoilt(func(b *book) { b.set("xl/vbaProject.bin", "x") }),
			reason:  sheet.ReasonMacros,
			message: "macros",
		},
		{
			name:    "macro sheet",
			data:    spoilt(func(b *book) { b.set("xl/macrosheets/sheet1.xml", "<x/>") }),
			reason:  sheet.ReasonMacros,
			message: "macros",
		},
		{
			name: "macro content type",
			data: replaced(typesName, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
				"application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
			reason:  sheet.ReasonMacros,
			message: "macros",
		},
		{name: "vba content type", data: replaced(
			typesName,
			`<Default Extension="xml"`,
			`<Override PartName="/xl/styles.xml" ContentType="application/vnd.ms-office.vbaProject"/><Default Extension="xml"`,
		), reason: sheet.ReasonMacros, message: "macros"},
		{
			name:    "macro reference",
			data:    replaced(bookRels, `/styles"`, `/xlMacrosheet"`),
			reason:  sheet.ReasonMacros,
			message: "macros",
		},
		{
			name:    "two visible sheets",
			data:    replaced(bookName, ` state="hidden"`, ``),
			reason:  sheet.ReasonSheets,
			message: `2 visible sheets ("Phones", "Help")`,
		},
		{
			name:    "no visible sheet",
			data:    replaced(bookName, `sheetId="1"`, `sheetId="1" state="veryHidden"`),
			reason:  sheet.ReasonNoSheet,
			message: "no visible sheet",
		},
		{name: "no sheet", data: spoilt(func(b *book) {
			b.set(bookName, xmlHead+`<workbook xmlns="`+mainSpace+`"><sheets/></workbook>`)
		}), reason: sheet.ReasonNoSheet, message: "no visible sheet"},
		{
			name:    "unknown visibility",
			data:    replaced(bookName, `"hidden"`, `"seen"`),
			reason:  sheet.ReasonMalformed,
			message: "seen",
		},
		{
			name: "chart sheet",
			data: replaced(bookRels, `/worksheet" Target="worksheets/sheet1.xml"`,
				`/chartsheet" Target="worksheets/sheet1.xml"`),
			reason:  sheet.ReasonNoSheet,
			message: "chart",
		},
		{
			name: "sheet outside",
			data: replaced(bookRels, `Target="worksheets/sheet1.xml"`,
				`Target="http://evil.example/" TargetMode="External"`),
			reason:  sheet.ReasonMissingPart,
			message: "no part",
		},
		{
			name:    "sheet without reference",
			data:    replaced(bookName, `r:id="rId1"`, `r:id="rId9"`),
			reason:  sheet.ReasonMissingPart,
			message: "rId9",
		},
		{name: "sheet missing", data: without(sheetName), reason: sheet.ReasonMissingPart, message: sheetName},
		{
			name:    "sheet elsewhere",
			data:    replaced(bookRels, "worksheets/sheet1.xml", "../../sheet1.xml"),
			reason:  sheet.ReasonMissingPart,
			message: "no part",
		},
		{name: "workbook missing", data: without(bookName), reason: sheet.ReasonMissingPart, message: bookName},
		{name: "references missing", data: without(bookRels), reason: sheet.ReasonMissingPart, message: bookRels},
		{
			name:    "package references missing",
			data:    without(relsName),
			reason:  sheet.ReasonMissingPart,
			message: relsName,
		},
		{name: "shared texts missing", data: without(textsName), reason: sheet.ReasonMissingPart, message: textsName},
		{
			name:    "shared texts not referred to",
			data:    replaced(bookRels, "/sharedStrings", "/other"),
			reason:  sheet.ReasonSharedText,
			message: "has 0",
			row:     1,
			column:  "A",
		},
		{
			name:    "two lists of shared texts",
			data:    replaced(bookRels, "/styles", "/sharedStrings"),
			reason:  sheet.ReasonMalformed,
			message: "two lists",
		},
		{
			name: "two workbooks",
			data: replaced(
				relsName,
				"</Relationships>",
				`<Relationship Id="rId2" Type="`+docRels+`/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
			),
			reason:  sheet.ReasonMalformed,
			message: "two workbooks",
		},
		{
			name:    "reference twice",
			data:    replaced(bookRels, `"rId4"`, `"rId3"`),
			reason:  sheet.ReasonMalformed,
			message: "twice",
		},
		{
			name:    "content type twice",
			data:    replaced(typesName, `"rels"`, `"XML"`),
			reason:  sheet.ReasonMalformed,
			message: "twice",
		},
		{
			name:    "sheets listed twice",
			data:    replaced(bookName, "</sheets>", "</sheets><sheets></sheets>"),
			reason:  sheet.ReasonMalformed,
			message: "twice",
		},
		{
			name:    "shared texts of another kind",
			data:    replaced(textsName, "sst", "stt"),
			reason:  sheet.ReasonMalformed,
			message: "not of a workbook",
		},
		{
			name:    "shared text too long",
			data:    spoilt(func(b *book) { b.set(textsName, textsXML(strings.Repeat("x", 32_768))) }),
			reason:  sheet.ReasonTooLong,
			message: "32,767",
		},
		{
			name:    "shared text endless",
			data:    spoilt(func(b *book) { b.set(textsName, textsXML(strings.Repeat("x", 1<<20))) }),
			reason:  sheet.ReasonTooLong,
			message: "32,767",
		},
		{
			name:    "shared text endless in CDATA",
			data:    spoilt(func(b *book) { b.set(textsName, textsXML("<![CDATA["+strings.Repeat("x", 1<<20)+"]]>")) }),
			reason:  sheet.ReasonTooLong,
			message: "32,767",
		},
		{
			name:    "element in a shared text",
			data:    replaced(textsName, "John", "<b>John</b>"),
			reason:  sheet.ReasonMalformed,
			message: "within a text",
		},
	}
}

func hostileSheets() []hostile {
	replaced := func(old, new string) []byte { return spoilt(func(b *book) { b.replace(sheetName, old, new) }) }
	cell := func(c string) []byte { return inTable(headerRow + `<row r="2"><c r="A2"><v>1</v></c>` + c + `</row>`) }
	whole := sheetXML(headerRow + exampleRow)

	return []hostile{
		{
			name:    "sheet cut in a tag",
			data:    spoilt(func(b *book) { b.set(sheetName, whole[:strings.Index(whole, "6567")-7]) }),
			reason:  sheet.ReasonMalformed,
			message: "not complete",
			row:     2,
		},
		{
			name:    "sheet cut in a text",
			data:    spoilt(func(b *book) { b.set(sheetName, whole[:strings.Index(whole, "6567")+3]) }),
			reason:  sheet.ReasonMalformed,
			message: "not complete",
			row:     2,
			column:  "B",
		},
		{
			name:    "sheet cut between rows",
			data:    spoilt(func(b *book) { b.set(sheetName, whole[:strings.Index(whole, `<row r="2"`)]) }),
			reason:  sheet.ReasonMalformed,
			message: "not complete",
			row:     1,
		},
		{
			name:    "sheet cut before its last token",
			data:    spoilt(func(b *book) { b.set(sheetName, strings.TrimSuffix(whole, "</worksheet>")) }),
			reason:  sheet.ReasonMalformed,
			message: "not complete",
		},
		{
			name:    "sheet cut in its last token",
			data:    spoilt(func(b *book) { b.set(sheetName, strings.TrimSuffix(whole, ">")) }),
			reason:  sheet.ReasonMalformed,
			message: "not complete",
		},
		{
			name:    "sheet of no bytes",
			data:    spoilt(func(b *book) { b.set(sheetName, "") }),
			reason:  sheet.ReasonMalformed,
			message: "not complete",
		},
		{
			name:    "element behind the sheet",
			data:    replaced("</worksheet>", "</worksheet><x/>"),
			reason:  sheet.ReasonMalformed,
			message: "behind its end",
		},
		{
			name:    "text behind the sheet",
			data:    replaced("</worksheet>", "</worksheet>x"),
			reason:  sheet.ReasonMalformed,
			message: "where none may be",
		},
		{
			name:    "zero bytes behind the sheet",
			data:    replaced("</worksheet>", "</worksheet>\x00\x00"),
			reason:  sheet.ReasonControl,
			message: "0x00",
		},
		{
			name:    "tags that do not match",
			data:    replaced("<v>101</v>", "<v>101</w>"),
			reason:  sheet.ReasonMalformed,
			message: "do not match",
			row:     2,
			column:  "A",
		},
		{
			name:    "tags crossed",
			data:    replaced("</v></c><c r=\"B2\">", "</c></v><c r=\"B2\">"),
			reason:  sheet.ReasonMalformed,
			message: "do not match",
			row:     2,
			column:  "A",
		},
		{
			name:    "attribute without quotes",
			data:    replaced(`r="B2"`, `r=B2`),
			reason:  sheet.ReasonMalformed,
			message: "quotation marks",
			row:     2,
			column:  "",
		},
		{
			name:    "attribute without value",
			data:    replaced(`r="B2"`, `r`),
			reason:  sheet.ReasonMalformed,
			message: "without a value",
			row:     2,
		},
		{
			name:    "attribute not closed",
			data:    replaced(`r="B2"`, `r="B2`),
			reason:  sheet.ReasonMalformed,
			message: "not closed",
			row:     2,
		},
		{
			name:    "attribute twice",
			data:    replaced(`r="B2"`, `r="B2" r="B2"`),
			reason:  sheet.ReasonMalformed,
			message: "twice",
			row:     2,
		},
		{
			name:    "attributes without space",
			data:    replaced(`r="C2" t`, `r="C2"t`),
			reason:  sheet.ReasonMalformed,
			message: "broken tag",
			row:     2,
		},
		{
			name:    "attribute with <",
			data:    replaced(`r="B2"`, `r="B2" x="<"`),
			reason:  sheet.ReasonMalformed,
			message: "not closed",
			row:     2,
		},
		{
			name:    "attribute with a bare &",
			data:    replaced(`r="B2"`, `r="B2" x="a & b"`),
			reason:  sheet.ReasonMalformed,
			message: "begins no character",
			row:     2,
		},
		{
			name:    "bare & in a text",
			data:    cell(`<c r="B2" t="str"><v>a & b</v></c>`),
			reason:  sheet.ReasonMalformed,
			message: "begins no character",
			row:     2,
			column:  "B",
		},
		{
			name:    "character that does not exist",
			data:    cell(`<c r="B2" t="str"><v>&#x110000;</v></c>`),
			reason:  sheet.ReasonMalformed,
			message: "does not exist",
			row:     2,
			column:  "B",
		},
		{
			name:    "NUL by reference",
			data:    cell(`<c r="B2" t="str"><v>&#0;</v></c>`),
			reason:  sheet.ReasonMalformed,
			message: "does not exist",
			row:     2,
			column:  "B",
		},
		{
			name:    "stray ]]>",
			data:    cell(`<c r="B2" t="str"><v>a]]></v></c>`),
			reason:  sheet.ReasonMalformed,
			message: "]]>",
			row:     2,
			column:  "B",
		},
		{
			name:    "CDATA between cells",
			data:    cell(`<![CDATA[<c r="B2"/>]]>`),
			reason:  sheet.ReasonMalformed,
			message: "where none may be",
			row:     2,
		},
		{
			name:    "text between cells",
			data:    cell(`101`),
			reason:  sheet.ReasonMalformed,
			message: "where none may be",
			row:     2,
		},
		{
			name:    "comment with --",
			data:    cell(`<!-- a -- b -->`),
			reason:  sheet.ReasonMalformed,
			message: "broken comment",
			row:     2,
		},
		{
			name:    "broken declaration",
			data:    cell(`<!ELEMENT x ANY >`),
			reason:  sheet.ReasonMalformed,
			message: "broken declaration",
			row:     2,
		},
		{
			name:    "XML declaration in the middle",
			data:    cell(`<?xml version="1.0"?>`),
			reason:  sheet.ReasonMalformed,
			message: "broken processing instruction",
			row:     2,
		},
		{
			name:    "tag without a name",
			data:    cell(`< c/>`),
			reason:  sheet.ReasonMalformed,
			message: "without a name",
			row:     2,
		},
		{
			name:    "tag too long",
			data:    cell(`<c r="B2" x="` + strings.Repeat("y", 300<<10) + `"/>`),
			reason:  sheet.ReasonMalformed,
			message: "too long",
			row:     2,
		},
		{
			name:    "too many attributes",
			data:    cell(`<c ` + manyAttributes(100) + `/>`),
			reason:  sheet.ReasonMalformed,
			message: "too many attributes",
			row:     2,
		},
		{
			name:    "too deep",
			data:    replaced("</worksheet>", strings.Repeat("<x>", 1000)+"</worksheet>"),
			reason:  sheet.ReasonMalformed,
			message: "deep",
		},
		{
			name:    "UTF-16",
			data:    spoilt(func(b *book) { b.set(sheetName, "\xFF\xFE"+wide(whole)) }),
			reason:  sheet.ReasonEncoding,
			message: "UTF-16",
		},
		{
			name:    "UTF-16 without a mark",
			data:    spoilt(func(b *book) { b.set(sheetName, wide(whole)) }),
			reason:  sheet.ReasonEncoding,
			message: "UTF-16",
		},
		{
			name:    "UTF-16 declared",
			data:    replaced(`encoding="UTF-8"`, `encoding="UTF-16"`),
			reason:  sheet.ReasonEncoding,
			message: "UTF-16",
		},
		{
			name:    "Latin-1 declared",
			data:    replaced(`encoding="UTF-8"`, `encoding="ISO-8859-1"`),
			reason:  sheet.ReasonEncoding,
			message: "ISO-8859-1",
		},
		{
			name:    "not UTF-8",
			data:    cell("<c r=\"B2\" t=\"str\"><v>J\xF6rg</v></c>"),
			reason:  sheet.ReasonEncoding,
			message: "0xF6",
			row:     2,
			column:  "B",
		},
		{
			name:    "UTF-8 of a surrogate",
			data:    cell("<c r=\"B2\" t=\"str\"><v>\xED\xA0\x80</v></c>"),
			reason:  sheet.ReasonEncoding,
			message: "0xED",
			row:     2,
			column:  "B",
		},
		{
			name:    "UTF-8 cut at the end",
			data:    replaced("</worksheet>", "</worksheet>\xC3"),
			reason:  sheet.ReasonEncoding,
			message: "0xC3",
		},
		{
			name:    "control character",
			data:    cell("<c r=\"B2\" t=\"str\"><v>a\x01</v></c>"),
			reason:  sheet.ReasonControl,
			message: "0x01",
			row:     2,
			column:  "B",
		},
		{
			name:    "XML 1.1",
			data:    replaced(`version="1.0"`, `version="1.1"`),
			reason:  sheet.ReasonMalformed,
			message: "1.1",
		},
		{
			name:    "another document",
			data:    spoilt(func(b *book) { b.set(sheetName, `<html xmlns="`+mainSpace+`"/>`) }),
			reason:  sheet.ReasonMalformed,
			message: "not of a workbook",
		},
		{
			name:    "another name space",
			data:    replaced(mainSpace, "http://example.com/"),
			reason:  sheet.ReasonMalformed,
			message: "not of a workbook",
		},
		{
			name:    "no name space",
			data:    spoilt(func(b *book) { b.set(sheetName, `<worksheet><sheetData/></worksheet>`) }),
			reason:  sheet.ReasonMalformed,
			message: "not of a workbook",
		},
		{
			name:    "rows of another name space",
			data:    replaced(`<row r="2">`, `<row r="2" xmlns="http://example.com/">`),
			reason:  sheet.ReasonMalformed,
			message: "something else than rows",
			row:     1,
		},
		{
			name:    "rows in an alternative",
			data:    replaced(`<row r="2">`, `<x/><row r="2">`),
			reason:  sheet.ReasonMalformed,
			message: "something else than rows",
			row:     1,
		},
		{
			name:    "two tables",
			data:    replaced("</sheetData>", "</sheetData><sheetData/>"),
			reason:  sheet.ReasonMalformed,
			message: "two tables",
		},
		{
			name:    "no table",
			data:    spoilt(func(b *book) { b.set(sheetName, `<worksheet xmlns="`+mainSpace+`"/>`) }),
			reason:  sheet.ReasonMalformed,
			message: "no table",
		},
		{name: "empty table", data: inTable(""), reason: sheet.ReasonEmpty, message: "empty"},
		{
			name:    "blank rows only",
			data:    inTable(`<row r="1"/><row r="2"><c r="A2" s="1"/></row>`),
			reason:  sheet.ReasonEmpty,
			message: "empty",
		},

		{
			name:    "rows descending",
			data:    inTable(`<row r="2"/><row r="1"/>`),
			reason:  sheet.ReasonRowOrder,
			message: "row 1 follows row 2",
			row:     2,
		},
		{
			name:    "row repeated",
			data:    inTable(headerRow + exampleRow + exampleRow),
			reason:  sheet.ReasonRowOrder,
			message: "row 2 follows row 2",
			row:     2,
		},
		{name: "row zero", data: inTable(`<row r="0"/>`), reason: sheet.ReasonReference, message: `no row "0"`},
		{
			name:    "row beyond the last",
			data:    inTable(`<row r="1048577"/>`),
			reason:  sheet.ReasonReference,
			message: `no row "1048577"`,
		},
		{
			name:    "row without end",
			data:    inTable(`<row r="99999999999999999999"/>`),
			reason:  sheet.ReasonReference,
			message: `no row`,
		},
		{name: "row negative", data: inTable(`<row r="-1"/>`), reason: sheet.ReasonReference, message: `no row "-1"`},
		{name: "row of letters", data: inTable(`<row r="A"/>`), reason: sheet.ReasonReference, message: `no row "A"`},
		{
			name:    "rows counted beyond the last",
			data:    inTable(`<row r="1048576"/><row/>`),
			reason:  sheet.ReasonReference,
			message: `no row 1048577`,
			row:     1048576,
		},
		{
			name:    "cells descending",
			data:    cell(`<c r="C2"/><c r="B2"/>`),
			reason:  sheet.ReasonCellOrder,
			message: "cell B2 follows cell C2",
			row:     2,
		},
		{
			name:    "cell repeated",
			data:    cell(`<c r="B2"/><c r="B2"/>`),
			reason:  sheet.ReasonCellOrder,
			message: "cell B2 follows cell B2",
			row:     2,
		},
		{
			name:    "cell of another row",
			data:    cell(`<c r="B3"/>`),
			reason:  sheet.ReasonReference,
			message: "cell B3 stands in row 2",
			row:     2,
		},
		{
			name:    "cell without row",
			data:    cell(`<c r="B"/>`),
			reason:  sheet.ReasonReference,
			message: `no cell "B"`,
			row:     2,
		},
		{
			name:    "cell without column",
			data:    cell(`<c r="2"/>`),
			reason:  sheet.ReasonReference,
			message: `no cell "2"`,
			row:     2,
		},
		{
			name:    "cell in small letters",
			data:    cell(`<c r="b2"/>`),
			reason:  sheet.ReasonReference,
			message: `no cell "b2"`,
			row:     2,
		},
		{
			name:    "cell absolute",
			data:    cell(`<c r="$B$2"/>`),
			reason:  sheet.ReasonReference,
			message: `no cell "$B$2"`,
			row:     2,
		},
		{
			name:    "cell beyond the last column",
			data:    cell(`<c r="XFE2"/>`),
			reason:  sheet.ReasonReference,
			message: `no cell "XFE2"`,
			row:     2,
		},
		{
			name:    "cell far beyond",
			data:    cell(`<c r="ZZZZZZZZZZZZZ2"/>`),
			reason:  sheet.ReasonReference,
			message: `no cell`,
			row:     2,
		},
		{
			name:    "cells counted beyond the last",
			data:    cell(`<c r="XFD2"/><c/>`),
			reason:  sheet.ReasonReference,
			message: `more cells than there are columns`,
			row:     2,
		},
		{
			name:    "shared text out of range",
			data:    cell(`<c r="B2" t="s"><v>6</v></c>`),
			reason:  sheet.ReasonSharedText,
			message: "shared text 6, but the workbook has 6",
			row:     2,
			column:  "B",
		},
		{
			name:    "shared text negative",
			data:    cell(`<c r="B2" t="s"><v>-1</v></c>`),
			reason:  sheet.ReasonSharedText,
			message: "shared text -1",
			row:     2,
			column:  "B",
		},
		{
			name:    "shared text huge",
			data:    cell(`<c r="B2" t="s"><v>18446744073709551617</v></c>`),
			reason:  sheet.ReasonSharedText,
			message: "shared text 1844",
			row:     2,
			column:  "B",
		},
		{
			name:    "shared text of letters",
			data:    cell(`<c r="B2" t="s"><v>John</v></c>`),
			reason:  sheet.ReasonSharedText,
			message: "shared text John",
			row:     2,
			column:  "B",
		},
		{
			name:    "number of letters",
			data:    cell(`<c r="B2"><v>John</v></c>`),
			reason:  sheet.ReasonValue,
			message: `number and holds "John"`,
			row:     2,
			column:  "B",
		},
		{
			name:    "not a number",
			data:    cell(`<c r="B2"><v>NaN</v></c>`),
			reason:  sheet.ReasonValue,
			message: `number and holds "NaN"`,
			row:     2,
			column:  "B",
		},
		{
			name:    "number in hexadecimal",
			data:    cell(`<c r="B2"><v>0x10</v></c>`),
			reason:  sheet.ReasonValue,
			message: `number and holds "0x10"`,
			row:     2,
			column:  "B",
		},
		{
			name:    "truth of another kind",
			data:    cell(`<c r="B2" t="b"><v>2</v></c>`),
			reason:  sheet.ReasonValue,
			message: "TRUE or FALSE",
			row:     2,
			column:  "B",
		},
		{
			name:    "type that does not exist",
			data:    cell(`<c r="B2" t="x"><v>2</v></c>`),
			reason:  sheet.ReasonValue,
			message: `"x"`,
			row:     2,
		},
		{
			name:    "two values",
			data:    cell(`<c r="B2"><v>2</v><v>3</v></c>`),
			reason:  sheet.ReasonMalformed,
			message: "should not",
			row:     2,
			column:  "B",
		},
		{
			name:    "value and inline text",
			data:    cell(`<c r="B2" t="inlineStr"><v>2</v><is><t>3</t></is></c>`),
			reason:  sheet.ReasonMalformed,
			message: "should not",
			row:     2,
			column:  "B",
		},
		{
			name:    "inline text in a number",
			data:    cell(`<c r="B2"><is><t>3</t></is></c>`),
			reason:  sheet.ReasonMalformed,
			message: "should not",
			row:     2,
			column:  "B",
		},
		{
			name:    "unknown in a cell",
			data:    cell(`<c r="B2"><w>3</w></c>`),
			reason:  sheet.ReasonMalformed,
			message: "should not",
			row:     2,
			column:  "B",
		},
		{
			name:    "unknown in an inline text",
			data:    cell(`<c r="B2" t="inlineStr"><is><u/></is></c>`),
			reason:  sheet.ReasonMalformed,
			message: "something else than text",
			row:     2,
			column:  "B",
		},
		{
			name:    "element in a value",
			data:    cell(`<c r="B2"><v>3<x/></v></c>`),
			reason:  sheet.ReasonMalformed,
			message: "within a text",
			row:     2,
			column:  "B",
		},
		{
			name: "merged cells",
			data: replaced("</sheetData>",
				`</sheetData><mergeCells count="1"><mergeCell ref="D2:D3"/></mergeCells>`),
			reason:  sheet.ReasonMerged,
			message: "D2:D3",
			row:     2,
			column:  "D",
		},
		{
			name: "merged cells nowhere",
			data: replaced("</sheetData>",
				`</sheetData><mergeCells count="1"><mergeCell ref="D0:D3"/></mergeCells>`),
			reason:  sheet.ReasonReference,
			message: `no cell "D0:D3"`,
		},
		{
			name:    "too many rows",
			data:    inTable(headerRow + exampleRow + `<row r="5"><c r="A5"><v>1</v></c></row>`),
			limits:  sheet.Limits{Rows: 3},
			reason:  sheet.ReasonTooManyRows,
			message: "at most 3 rows",
			row:     5,
		},
		{
			name: "row far below", data: inTable(headerRow + `<row r="1048576"><c r="A1048576"><v>1</v></c></row>`),
			reason: sheet.ReasonTooManyRows, message: "at most 100,000 rows", row: 1048576,
		},
		{
			name:    "too many columns",
			data:    cell(`<c r="XFD2"><v>1</v></c>`),
			reason:  sheet.ReasonTooManyColumns,
			message: "column XFD",
			row:     2,
			column:  "XFD",
		},
		{
			name:    "cell too long",
			data:    cell(`<c r="B2" t="str"><v>` + strings.Repeat("é", 1025) + `</v></c>`),
			reason:  sheet.ReasonTooLong,
			message: "1,024",
			row:     2,
			column:  "B",
		},
		{
			name:    "cell endless",
			data:    cell(`<c r="B2" t="str"><v>` + strings.Repeat("x", 1<<20) + `</v></c>`),
			reason:  sheet.ReasonTooLong,
			message: "1,024",
			row:     2,
			column:  "B",
		},
		{
			name:    "formula endless",
			data:    cell(`<c r="B2"><f>` + strings.Repeat("x", 1<<20) + `</f></c>`),
			reason:  sheet.ReasonTooLong,
			message: "1,024",
			row:     2,
			column:  "B",
		},
		{
			name: "inline text endless",
			data: cell(
				`<c r="B2" t="inlineStr"><is><r><t>` + strings.Repeat("x",
					90_000) + `</t></r><r><t>` + strings.Repeat("x", 90_000) + `</t></r></is></c>`,
			),
			reason:  sheet.ReasonTooLong,
			message: "1,024",
			row:     2,
			column:  "B",
		},
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `a%d="" `, i)
	}

	return b.String()
}

func hostileCSV() []hostile {
	csv := func(name, data string, reason sheet.Reason, message string, line int, column string) hostile {
		return hostile{
			name:    name,
			file:    "phones.csv",
			data:    []byte(data),
			reason:  reason,
			message: message,
			line:    line,
			row:     line,
			column:  column,
		}
	}
	// Before the first row there is a line, but no row.
	head := "Ext Key,Number,User,Addon license 1\n"
	first := func(name, data string, reason sheet.Reason, message string) hostile {
		h := csv(name, data, reason, message, 1, "")
		h.row = 0

		return h
	}
	with := func(h hostile, change func(*hostile)) hostile {
		change(&h)

		return h
	}

	return []hostile{
		first("UTF-16 LE", "\xFF\xFE"+wide(head), sheet.ReasonEncoding, "UTF-16"),
		first("UTF-16 BE", "\xFE\xFF\x00E\x00x\x00t", sheet.ReasonEncoding, "UTF-16"),
		first("UTF-16 without a mark", wide(head), sheet.ReasonEncoding, "UTF-16"),
		csv("Latin-1", head+"101,1,Anna,\n102,2,J\xF6rg,\n", sheet.ReasonEncoding, "0xF6", 3, "3"),
		csv("UTF-8 cut at the end", head+"101,1,Anna,\xC3", sheet.ReasonEncoding, "0xC3", 2, "4"),
		csv("NUL", head+"101,1,A\x00nna,\n", sheet.ReasonControl, "NUL", 2, "3"),
		csv("control character", head+"101,1,A\x1Bnna,\n", sheet.ReasonControl, "0x1B", 2, "3"),
		csv("short line", head+"101,1,Anna,\n102,2,Bert\n", sheet.ReasonRagged, "3 fields, and the header has 4",
			3, ""),
		csv("long line", head+"101,1,Anna,x,y\n", sheet.ReasonRagged, "5 fields, and the header has 4", 2, ""),
		csv("long line with nothing more", head+"101,,1,Anna,\n", sheet.ReasonRagged,
			"5 fields, and the header has 4", 2, ""),
		csv("short line first in its block", head+strings.Repeat("1,2,3,4\n", 15)+"1,2,3\n1,2,3,4\n",
			sheet.ReasonRagged, "3 fields, and the header has 4", 17, ""),
		csv("short line within its block", head+strings.Repeat("1,2,3,4\n", 15)+"1,2,3\n1,2\n", sheet.ReasonRagged,
			"2 fields", 18, ""),
		csv("other separator in a line", "a;b;c\n1,2,3\n", sheet.ReasonRagged, "separators (;)", 2, ""),
		csv("quote not closed", head+"101,1,\"Anna,x\n102,2,Bert,y\n", sheet.ReasonQuote, "never closed", 2, "3"),
		csv("quote not closed at the end", head+"101,1,Anna,\"", sheet.ReasonQuote, "never closed", 2, "4"),
		csv("quote not closed in a long file", head+"101,1,\"Anna\n"+strings.Repeat("102,2,Bert,y\n", 10_000),
			sheet.ReasonQuote, "never closed", 2, "3"),
		csv("bare quote", head+"101,1,An\"na,x\n", sheet.ReasonQuote, "middle of a value", 2, "3"),
		csv("text behind a quote", head+"101,1,\"An\"na,x\n", sheet.ReasonQuote, "began in line 2", 2, "3"),
		csv("blank behind a quote", head+"101,1,\"Anna\" ,x\n", sheet.ReasonQuote, "began in line 2", 2, "3"),
		with(
			csv("quote closed by the next one", head+"101,1,\"Anna,x\n102,2,\"Bert\",y\n", sheet.ReasonQuote,
				"began in line 2", 3, "3"),
			func(h *hostile) { h.row = 2 },
		),
		with(
			csv("line differs from row", head+"101,1,\"An\nna\",x\n102,2\n", sheet.ReasonRagged, "2 fields", 4, ""),
			func(h *hostile) { h.row = 3 },
		),
		first("tabs", "Ext Key\tNumber\n1\t2\n", sheet.ReasonSeparator, "commas or semicolons"),
		first("tab declared", "sep=\t\nExt Key\tNumber\n", sheet.ReasonSeparator, "commas or semicolons"),
		first("bars", "Ext Key|Number\n1|2\n", sheet.ReasonSeparator, "commas or semicolons"),
		csv("blank lines only", "\n\r\n , ,\n", sheet.ReasonEmpty, "no rows", 0, ""),
		csv("mark only", "\xEF\xBB\xBF", sheet.ReasonEmpty, "no rows", 0, ""),
		with(
			csv("too many rows", head+strings.Repeat("1,2,3,4\n", 4), sheet.ReasonTooManyRows, "at most 3 rows", 5, ""),
			func(h *hostile) { h.limits.Rows = 3 },
		),
		with(csv("too many columns", "a,b,c,d\n", sheet.ReasonTooManyColumns, "column 4", 1, "4"),
			func(h *hostile) { h.limits.Columns = 3 }),
		csv("field too long", head+"1,2,"+strings.Repeat("x", 1025)+",4\n", sheet.ReasonTooLong, "1,024", 2, "3"),
		csv("field endless", head+"1,2,"+strings.Repeat("x", 1<<20)+",4\n", sheet.ReasonTooLong, "1,024", 2, "3"),
		csv("quoted field endless", head+"1,2,\""+strings.Repeat("x\n", 1<<20)+"\",4\n", sheet.ReasonTooLong,
			"1,024", 2, "3"),
	}
}

// TestRefusesHostileFiles holds issue 4: at least 40 hostile or malformed files, each refused with
// a message for a person.
func TestRefusesHostileFiles(t *testing.T) {
	t.Parallel()
	for _, group := range [][]hostile{
		hostileTypes(), hostileArchives(), hostileWorkbooks(), hostileSheets(), hostileCSV(),
	} {
		for _, h := range group {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				file := h.file
				if file == "" {
					file = "phones.xlsx"
				}
				refusal := refused(t, h.data, "drops/acme/"+file, h.limits)
				if refusal.Reason != h.reason || !strings.Contains(refusal.Message, h.message) {
					t.Errorf("refused as %s: %v\nwant %s: ...%s...", refusal.Reason, refusal, h.reason, h.message)
				}
				if refusal.Row != h.row || refusal.Line != h.line || refusal.Column != h.column {
					t.Errorf("refused in row %d, line %d, column %q, want %d, %d, %q: %v",
						refusal.Row, refusal.Line, refusal.Column, h.row, h.line, h.column, refusal)
				}
				if text := refusal.Error(); !strings.HasPrefix(text, file) || len(text) > 500 ||
					strings.ContainsAny(text, "\x00\n\r") {
					t.Errorf("not for a person: %q", text)
				}
			})
		}
	}
}
