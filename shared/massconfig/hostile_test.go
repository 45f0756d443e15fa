package massconfig

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// spoil packs a workbook again with its parts changed; a nil part is left out.
func (o *office) spoil(good []byte, change func(name string, content []byte) []byte) []byte {
	o.F.Helper()
	archive, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
	o.Must(err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, part := range archive.File {
		r, err := part.Open()
		o.Must(err)
		content, err := io.ReadAll(r)
		o.Must(err)
		if content = change(part.Name, content); content == nil {
			continue
		}
		to, err := w.Create(part.Name)
		o.Must(err)
		_, err = to.Write(content)
		o.Must(err)
	}
	o.Must(w.Close())
	return out.Bytes()
}

// hostileFiles are files that are refused whole, by name; shared/craft/sheet has many more, for the
// reader alone.
func (o *office) hostileFiles() map[string][]byte {
	o.F.Helper()
	good := o.XLSXFile(seed())
	in := func(part, old, with string) []byte {
		done := false
		spoilt := o.spoil(good, func(name string, content []byte) []byte {
			if !strings.HasSuffix(name, part) {
				return content
			}
			changed := bytes.Replace(content, []byte(old), []byte(with), 1)
			done = done || !bytes.Equal(changed, content)
			return changed
		})
		if !done {
			o.F.Fatalf("%s has no %s", part, old)
		}
		return spoilt
	}
	without := func(part string) []byte {
		return o.spoil(good, func(name string, content []byte) []byte {
			if strings.HasSuffix(name, part) {
				return nil
			}
			return content
		})
	}
	const sheet1, book, texts = "sheet1.xml", "xl/workbook.xml", "sharedStrings.xml"
	files := map[string][]byte{
		"nothing.xlsx": {},
		"nothing.csv":  {},
		"zeros.xlsx":   make([]byte, 3000),
		"text.xlsx":    filejobs.CSVFile(seed()),
		"workbook.csv": good,
		"page.xlsx":    []byte("<html><table/></html>"),
		"page.csv": []byte(
			"<html><table/></html>",
		),
		"document.xlsx": []byte("%PDF-1.7"),
		"document.csv":  []byte("%PDF-1.7"),
		"picture.xlsx":  []byte("\x89PNG\r\n\x1a\n"),
		"old.xlsx": []byte(
			"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 504),
		),
		"old.csv":            []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 504)),
		"tail.xlsx":          append(bytes.Clone(good), "tail"...),
		"head.xlsx":          append([]byte("head"), good...),
		"dtd.xlsx":           in(sheet1, "<worksheet", `<!DOCTYPE x [<!ENTITY a "b">]><worksheet`),
		"dtd-book.xlsx":      in(book, "<workbook", `<!DOCTYPE x><workbook`),
		"dtd-texts.xlsx":     in("styles.xml", "<styleSheet", `<!DOCTYPE x><styleSheet`),
		"half.xlsx":          in(sheet1, "</worksheet>", ""),
		"row-twice.xlsx":     in(sheet1, `<row r="3"`, `<row r="2"`),
		"row-zero.xlsx":      in(sheet1, `<row r="2"`, `<row r="0"`),
		"row-huge.xlsx":      in(sheet1, `<row r="5"`, `<row r="99999999999"`),
		"cell-back.xlsx":     in(sheet1, `r="B2"`, `r="A2"`),
		"cell-foreign.xlsx":  in(sheet1, `r="B2"`, `r="B7"`),
		"cell-nowhere.xlsx":  in(sheet1, `r="B2"`, `r="ZZZZ2"`),
		"text-missing.xlsx":  in(sheet1, `<v>0</v>`, `<v>99999</v>`),
		"text-negative.xlsx": in(sheet1, `<v>0</v>`, `<v>-1</v>`),
		"no-texts.xlsx":      without(texts),
		"no-sheet.xlsx":      without(sheet1),
		"no-book.xlsx":       without(book),
		"no-types.xlsx":      without("[Content_Types].xml"),
		"two-sheets.xlsx":    in(book, "</sheets>", `<sheet name="More" sheetId="2" r:id="rId1"/></sheets>`),
		"no-utf8.xlsx":       in(sheet1, "<worksheet", "\xff<worksheet"),
		"macro.xlsm":         good,
		"no-utf8.csv":        []byte("Ext Key,Number,User\n101,,J\xf6rg\n"),
		"utf16.csv":          []byte("\xff\xfeE\x00x\x00t\x00"),
		"nul.csv":            []byte("Ext Key,Number,User\n101,,Jo\x00hn\n"),
		"ragged.csv":         []byte("Ext Key,Number,User\n101,,John,x,y\n"),
		"short.csv":          []byte("Ext Key,Number,User\n101\n"),
		"open-quote.csv":     []byte("Ext Key,Number,User\n101,,\"John\n"),
		"stray-quote.csv":    []byte("Ext Key,Number,User\n101,,Jo\"hn\n"),
		"tabs.csv":           []byte("Ext Key\tNumber\tUser\n101\t\tJohn\n"),
		"no-header.csv":      []byte("101,,John\n"),
		"double-header.csv":  []byte("Ext Key,Number,User,User\n101,,John,John\n"),
		"strange-header.csv": []byte("Ext Key,Number,User,Addon lizense 1\n101,,John,\n"),
		"blank.csv":          []byte("\n\n\n"),
		"many-rows.csv":      []byte("Ext Key,Number,User\n" + strings.Repeat("1,,x\n", 100_001)),
		"bomb.xlsx": o.spoil(good, func(name string, content []byte) []byte {
			if strings.HasSuffix(name, "styles.xml") {
				return make([]byte, 257<<20)
			}
			return content
		}),
	}
	for i := range 8 {
		files[fmt.Sprintf("cut-%d.xlsx", i)] = good[:1+i*(len(good)-2)/7]
	}
	for i := range 6 { // in the packed bytes of the parts, whose checksum is then wrong
		broken := bytes.Clone(good)
		broken[60+i*(len(good)-1200)/6] ^= 0x55
		files[fmt.Sprintf("broken-%d.xlsx", i)] = broken
	}
	return files
}

// What is no sound file is rejected with a message for a person, and nothing is written but that
// (requirements, section 5).
func TestHostileFilesChangeNothing(t *testing.T) {
	o := open(t)
	o.Hire("John", "Alice", "Lucie", "Hallie")
	o.Buy(5, all()...)
	before := o.state()
	hostile := o.hostileFiles()
	if len(hostile) < 40 {
		t.Fatalf("%d files", len(hostile))
	}
	o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
		_ context.Context, ops []table.Operation, commit func() error,
	) error {
		for _, op := range ops {
			kind, _, _ := call.OwnMarker(o.Account, op.Item.Key)
			own := strings.Contains(op.Item.Partition, "#MASSCONFIG") || kind == "MASSCONFIG" ||
				kind == "FAILED" || // the note for who looks at alerts
				strings.Contains(op.Item.Partition, "#AUDIT#massConfiguration#")
			if !own && op.Kind != table.KindCheck || strings.HasPrefix(op.Item.Sort, planPrefix) {
				t.Errorf("%s is written", op.Item.Key)
			}
		}
		return commit()
	}}
	for name, body := range hostile {
		o.Must(o.Check(o.Ctx, o.drop("drops/"+o.Account+"/"+name, body)))
		if len(o.Files.Take()) > 0 {
			t.Errorf("%s is to be configured", name)
		}
	}
	list := fixtures.Decode[struct{ Items []View }](t, o.Request("GET", "?limit=200", nil), 200).Items
	if len(list) != len(hostile) {
		t.Errorf("%d of %d are there", len(list), len(hostile))
	}
	for _, v := range list {
		if v.State != Rejected || len(v.Errors) == 0 || len(v.Errors[0].Message) < 20 || v.Counts.Rows != 0 ||
			strings.Contains(v.Errors[0].Message, "\x00") {
			t.Errorf("%s: %s, %+v %+v", v.FileName, v.State, v.Counts, v.Errors)
		}
	}
	o.EqualState(o.state(), before)
}
