package sheet_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"seatwise/shared/craft/sheet"
)

// zipPart is one part of an archive that is made by hand, so that every field of it can be made to
// lie.
type zipPart struct {
	name string
	data []byte

	stored     bool
	descriptor int // 0 for none, or its length: 12, 16, 20, 24
	wide       bool
	// lie changes the headers after they were filled in truly: local and directory header, without
	// name and extra.
	lie       func(local, directory []byte)
	localName string // instead of name
	extra     []byte // of the directory header
	before    []byte // bytes in front of the local header
	after     []byte // bytes behind the packed data
	packed    []byte // instead of what data packs to
}

type zipFile struct {
	parts   []zipPart
	comment string
	wideEnd bool
	lieEnd  func(end []byte)
	lieWide func(record, locator []byte)
	before  []byte // the end record, behind the directory
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed)
	_, _ = w.Write(data)
	_ = w.Close()

	return b.Bytes()
}

func (z zipFile) bytes() []byte {
	le := binary.LittleEndian
	var out, directory []byte
	for _, p := range z.parts {
		out = append(out, p.before...)
		packed, method := p.packed, uint16(8)
		if p.stored {
			method = 0
		}
		if packed == nil {
			packed = p.data
			if !p.stored {
				packed = deflated(p.data)
			}
		}
		crc, offset := crc32.ChecksumIEEE(p.data), len(out)
		local, dir := make([]byte, 30), make([]byte, 46)
		le.PutUint32(local, 0x04034b50)
		le.PutUint32(dir, 0x02014b50)
		le.PutUint16(local[4:], 20)
		le.PutUint16(dir[6:], 20)
		le.PutUint16(local[8:], method)
		le.PutUint16(dir[10:], method)
		le.PutUint32(dir[16:], crc)
		le.PutUint32(dir[20:], uint32(len(packed)))
		le.PutUint32(dir[24:], uint32(len(p.data)))
		le.PutUint32(dir[42:], uint32(offset))
		if p.descriptor > 0 {
			le.PutUint16(local[6:], 8)
			le.PutUint16(dir[8:], 8)
		} else {
			copy(local[14:26], dir[16:28])
		}
		localName := p.name
		if p.localName != "" {
			localName = p.localName
		}
		extra := p.extra
		var localExtra []byte
		if p.wide {
			localExtra = wideExtra(uint64(len(p.data)), uint64(len(packed)))
			extra = wideExtra(uint64(len(p.data)), uint64(len(packed)), uint64(offset))
			for _, field := range [][]byte{local[18:22], local[22:26], dir[20:24], dir[24:28], dir[42:46]} {
				le.PutUint32(field, 1<<32-1)
			}
			if p.descriptor > 0 {
				localExtra = wideExtra(0, 0)
			}
		}
		le.PutUint16(local[26:], uint16(len(localName)))
		le.PutUint16(local[28:], uint16(len(localExtra)))
		le.PutUint16(dir[28:], uint16(len(p.name)))
		le.PutUint16(dir[30:], uint16(len(extra)))
		if p.lie != nil {
			p.lie(local, dir)
		}
		out = append(append(append(append(out, local...), localName...), localExtra...), packed...)
		switch p.descriptor {
		case 16, 24:
			out = le.AppendUint32(out, 0x08074b50)
		}
		switch p.descriptor {
		case 12, 16:
			out = le.AppendUint32(le.AppendUint32(le.AppendUint32(out, crc), uint32(len(packed))), uint32(len(p.data)))
		case 20, 24:
			out = le.AppendUint64(le.AppendUint64(le.AppendUint32(out, crc), uint64(len(packed))), uint64(len(p.data)))
		}
		out = append(out, p.after...)
		directory = append(append(append(directory, dir...), p.name...), extra...)
	}
	begin := len(out)
	out = append(out, directory...)
	end := make([]byte, 22)
	le.PutUint32(end, 0x06054b50)
	le.PutUint16(end[8:], uint16(len(z.parts)))
	le.PutUint16(end[10:], uint16(len(z.parts)))
	le.PutUint32(end[12:], uint32(len(directory)))
	le.PutUint32(end[16:], uint32(begin))
	le.PutUint16(end[20:], uint16(len(z.comment)))
	out = append(out, z.before...)
	if z.wideEnd {
		record, locator := make([]byte, 56), make([]byte, 20)
		le.PutUint32(record, 0x06064b50)
		le.PutUint64(record[4:], 44)
		le.PutUint64(record[24:], uint64(len(z.parts)))
		le.PutUint64(record[32:], uint64(len(z.parts)))
		le.PutUint64(record[40:], uint64(len(directory)))
		le.PutUint64(record[48:], uint64(begin))
		le.PutUint32(locator, 0x07064b50)
		le.PutUint64(locator[8:], uint64(len(out)))
		le.PutUint32(locator[16:], 1)
		for _, field := range [][]byte{end[8:10], end[10:12]} {
			le.PutUint16(field, 1<<16-1)
		}
		for _, field := range [][]byte{end[12:16], end[16:20]} {
			le.PutUint32(field, 1<<32-1)
		}
		if z.lieWide != nil {
			z.lieWide(record, locator)
		}
		out = append(append(out, record...), locator...)
	}
	if z.lieEnd != nil {
		z.lieEnd(end)
	}

	return append(append(out, end...), z.comment...)
}

func wideExtra(values ...uint64) []byte {
	b := binary.LittleEndian.AppendUint16(nil, 1)
	b = binary.LittleEndian.AppendUint16(b, uint16(8*len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}

	return b
}

const (
	xmlHead    = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace  = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	docRels    = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	sheetName  = "xl/worksheets/sheet1.xml"
	textsName  = "xl/sharedStrings.xml"
	bookName   = "xl/workbook.xml"
	typesName  = "[Content_Types].xml"
	relsName   = "_rels/.rels"
	bookRels   = "xl/_rels/workbook.xml.rels"
	headerRow  = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c><c r="D1" t="s"><v>3</v></c></row>`
	exampleRow = `<row r="2"><c r="A2"><v>101</v></c><c r="B2"><v>6567891230</v></c><c r="C2" t="s"><v>4</v></c><c r="D2" t="s"><v>5</v></c></row>`
)

// book is a workbook, part by part.
type book struct {
	zipFile
}

func (b *book) part(name string) *zipPart {
	for i := range b.parts {
		if b.parts[i].name == name {
			return &b.parts[i]
		}
	}
	b.parts = append(b.parts, zipPart{name: name})

	return &b.parts[len(b.parts)-1]
}

func (b *book) set(name, data string) { b.part(name).data = []byte(data) }

func (b *book) replace(name, old, new string) {
	p := b.part(name)
	if !bytes.Contains(p.data, []byte(old)) {
		panic("the part " + name + " has no " + old)
	}
	p.data = bytes.ReplaceAll(p.data, []byte(old), []byte(new))
}

func (b *book) remove(name string) {
	kept := b.parts[:0]
	for _, p := range b.parts {
		if p.name != name {
			kept = append(kept, p)
		}
	}
	b.parts = kept
}

// rows replaces what is in the sheet's table.
func (b *book) rows(rows string) { b.set(sheetName, sheetXML(rows)) }

func sheetXML(rows string) string {
	return xmlHead + `<worksheet xmlns="` + mainSpace + `" xmlns:r="` + docRels + `"><sheetData>` + rows + `</sheetData></worksheet>`
}

func textsXML(texts ...string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<sst xmlns="` + mainSpace + `">`)
	for _, text := range texts {
		b.WriteString(`<si><t xml:space="preserve">` + text + `</t></si>`)
	}
	b.WriteString(`</sst>`)

	return b.String()
}

// newBook makes a workbook as a spreadsheet program would: two rows, shared texts, a style sheet, a
// hidden sheet.
func newBook() *book {
	b := &book{}
	b.set(typesName, xmlHead+`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">`+
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`+
		`<Default Extension="xml" ContentType="application/xml"/>`+
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>`+
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`+
		`</Types>`)
	b.set(relsName, xmlHead+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`+
		`<Relationship Id="rId1" Type="`+docRels+`/officeDocument" Target="xl/workbook.xml"/></Relationships>`)
	b.set(bookName, xmlHead+`<workbook xmlns="`+mainSpace+`" xmlns:r="`+docRels+`"><sheets>`+
		`<sheet name="Phones" sheetId="1" r:id="rId1"/><sheet name="Help" sheetId="2" state="hidden" r:id="rId2"/></sheets></workbook>`)
	b.set(bookRels, xmlHead+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`+
		`<Relationship Id="rId1" Type="`+docRels+`/worksheet" Target="worksheets/sheet1.xml"/>`+
		`<Relationship Id="rId2" Type="`+docRels+`/worksheet" Target="worksheets/sheet2.xml"/>`+
		`<Relationship Id="rId3" Type="`+docRels+`/sharedStrings" Target="sharedStrings.xml"/>`+
		`<Relationship Id="rId4" Type="`+docRels+`/styles" Target="styles.xml"/></Relationships>`)
	b.rows(headerRow + exampleRow)
	b.set("xl/worksheets/sheet2.xml", sheetXML(`<row r="1"><c r="A1" t="inlineStr"><is><t>Codes</t></is></c></row>`))
	b.set(textsName, textsXML("Ext Key", "Number", "User", "Addon license 1", "John", "device_ip_phone"))
	b.set("xl/styles.xml", xmlHead+`<styleSheet xmlns="`+mainSpace+`"/>`)

	return b
}

func open(data []byte, name string, limits sheet.Limits) (*sheet.Reader, error) {
	return sheet.Open(bytes.NewReader(data), int64(len(data)), name, limits)
}

// refused opens a file that must be refused.
func refused(t *testing.T, data []byte, name string, limits sheet.Limits) *sheet.Refusal {
	t.Helper()
	rd, err := open(data, name, limits)
	if err == nil {
		_ = rd.Close()
		t.Fatalf("%s was accepted: %v", name, read(t, data, name))
	}
	var refusal *sheet.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("not a refusal: %v", err)
	}

	return refusal
}

// read opens a file that must be good and returns its rows, one string each, cells as kind:text,
// and reads them twice.
func read(t *testing.T, data []byte, name string) []string {
	t.Helper()
	rd, err := open(data, name, sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	first, second := rowsOf(t, rd), rowsOf(t, rd)
	if strings.Join(first, "\n") != strings.Join(second, "\n") {
		t.Fatalf("read twice:\n%q\n%q", first, second)
	}
	if len(first) != rd.RowCount() {
		t.Fatalf("RowCount is %d, but there are %d rows", rd.RowCount(), len(first))
	}

	return first
}

func rowsOf(t *testing.T, rd *sheet.Reader) []string {
	t.Helper()
	var rows []string
	err := rd.Rows(func(r sheet.Row) error {
		if r.Number != len(rows)+1 {
			t.Fatalf("row %d has the number %d", len(rows)+1, r.Number)
		}
		var cells []string
		for i, c := range r.Cells {
			if c.Column != r.Column(i) {
				t.Fatalf("cell %d is in column %q", i, c.Column)
			}
			cells = append(cells, show(c))
		}
		rows = append(rows, strings.Join(cells, "|"))

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	return rows
}

// show writes a cell as its text, led by its kind unless it is text or blank.
func show(c sheet.Cell) string {
	switch c.Kind {
	case sheet.KindText, sheet.KindBlank:
		return c.Text
	default:
		return fmt.Sprintf("%s:%s", c.Kind, c.Text)
	}
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%q\nwant\n%q", got, want)
	}
}
