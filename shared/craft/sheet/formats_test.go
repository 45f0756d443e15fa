package sheet_test

import (
	"fmt"
	"strings"
	"testing"

	"seatwise/shared/craft/sheet"
)

// styled makes a workbook whose cell formats have these numbers, and these codes of the workbook's
// own from 164 on.
func styled(numbers []int, codes ...string) *book {
	b := newBook()
	var s strings.Builder
	s.WriteString(xmlHead + `<styleSheet xmlns="` + mainSpace + `"><numFmts>`)
	for i, code := range codes {
		fmt.Fprintf(&s, `<numFmt numFmtId="%d" formatCode="%s"/>`, 164+i,
			strings.NewReplacer(`"`, "&quot;", "<", "&lt;").Replace(code))
	}
	s.WriteString(`</numFmts><fonts count="1"><font/></fonts><cellXfs>`)
	for _, n := range numbers {
		fmt.Fprintf(&s, `<xf numFmtId="%d" fontId="0"><alignment wrapText="1"/></xf>`, n)
	}
	s.WriteString(`</cellXfs></styleSheet>`)
	b.set("xl/styles.xml", s.String())

	return b
}

// TestNumberFormats reads a number as its format shows it, where that tells what was entered: with
// its zeros in front, which count in an extension, and as a date that a spreadsheet has made of it.
func TestNumberFormats(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"General":                            "number:7",
		`"9"000`:                             "number:9007",
		`\+\1 (000) 000-0000`:                "number:+10000000007",
		`"+1"000`:                            "number:+1007",
		"00-00":                              "number:0007",
		"0-0":                                "number:07",
		"[<=9999999]###-####;(###) ###-####": "number:7",
		`[<5]"9"0;"8"0`:                      "number:87",
		`0"9"`:                               "number:79",
		`General"9"`:                         "number:79",
		`[$9-409]00`:                         "number:907",
		`0"."000`:                            "number:0007",
		"0%":                                 "masked:7",
		"0,":                                 "masked:7",
		"0,.0":                               "masked:7",
		`0."5"`:                              "masked:7",
		";;;":                                "masked:7",
		`"secret"`:                           "masked:7",
		"[DBNum1]General":                    "number:7",
		"# ?/?":                              "number:7",
		strings.Repeat("#", 300):             "masked:7",
		"0":                                  "number:7",
		"0000":                               "number:0007",
		"00000000000000000":                  "number:00000000000000007",
		"0000;-0000;0000":                    "number:0007",
		`"0"000`:                             "number:0007",
		`"0"#`:                               "number:07",
		`\0#`:                                "number:07",
		`\0\00`:                              "number:007",
		"#0000":                              "number:0007",
		`"00"`:                               "masked:7",
		`"1"000`:                             "number:1007",
		"0#":                                 "number:07",
		"000-0000":                           "number:0000007",
		"$0000":                              "number:0007",
		"0.00":                               "number:7",
		"[Red]0000":                          "number:0007",
		`0000" ext"`:                         "number:0007",
		`#,##0 "days"`:                       "number:7",
		`#,##0\d`:                            "number:7",
		"_-* #,##0_-;_-* -#,##0_-":           "number:7",
		"0.00E+00":                           "number:7",
		"@":                                  "number:7",
		"[$-409]#,##0":                       "number:7",
		"yyyy-mm-dd":                         "date:7",
		"[$-F800]dddd, mmmm dd":              "date:7",
		"m/d/yy h:mm":                        "date:7",
		"[h]:mm":                             "date:7",
		"[ss]":                               "date:7",
		`"`:                                  "number:7",
		`[`:                                  "number:7",
		`\`:                                  "number:7",
		"":                                   "number:7",
		`0000;"` + "d":                       "number:0007",
		`"unter""brochen" dd`:                "date:7",
		`0000` + "\u00a0":                    "number:0007",
		strings.Repeat("0", 15):              "number:000000000000007",
		`[Blue][<100]0000;[Red]000`:          "number:0007",
	} {
		b := styled([]int{0, 164}, code)
		b.rows(`<row r="1"><c r="A1" s="1"><v>7</v></c></row>`)
		if got := read(t, b.bytes(), "phones.xlsx"); got[0] != want {
			t.Errorf("%q shows 7 as %s, want %s", code, got[0], want)
		}
	}
	for number, want := range map[int]string{
		0:  "number",
		1:  "number",
		13: "number",
		14: "date",
		22: "date",
		23: "number",
		27: "date",
		36: "date",
		37: "number",
		45: "date",
		47: "date",
		49: "number",
		50: "date",
		58: "date",
		59: "number",
	} {
		b := styled([]int{number})
		b.rows(`<row r="1"><c r="A1" s="0"><v>46024</v></c></row>`)
		if got := read(t, b.bytes(), "phones.xlsx"); got[0] != want+":46024" {
			t.Errorf("format %d shows %s", number, got[0])
		}
	}
}

// TestFormatsOfWhatIsNoNumber leaves everything else as it is, whatever its format.
func TestFormatsOfWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	b := styled([]int{164, 14}, "0000")
	b.rows(
		`<row r="1"><c r="A1" s="0" t="s"><v>4</v></c><c r="B1" s="0"><v>7.5</v></c><c r="C1" s="0"><v>-7</v></c><c r="D1" s="0"><v>12345</v></c>` +
			`<c r="E1" s="9"><v>7</v></c><c r="F1" s="x"><v>7</v></c><c r="G1"><v>7</v></c><c r="H1" s="0"><v>0</v></c><c r="I1" s="1" t="s"><v>4</v></c>` +
			`<c r="J1" s="1"><f>NOW()</f><v>7</v></c><c r="K1" s="0" t="b"><v>1</v></c><c r="L1" s="1"/><c r="M1" s="0"><v>6.57E+09</v></c><c r="N1" s="0"><v>7E0</v></c>` +
			`<c r="O1" s="99999999999999999999999"><v>7</v></c></row>`,
	)
	equal(
		t,
		read(t, b.bytes(), "phones.xlsx"),
		"John|number:7.5|number:-7|number:12345|number:7|number:7|number:0007|number:0000|John|formula:=NOW()|bool:TRUE||"+
			"number:6.57E+09|number:0007|number:7",
	) // G1 says no format, which means the first one
}

// TestFormatsThatAreNotThere reads a workbook whose style sheet is missing, and refuses one that is
// broken or endless.
func TestFormatsThatAreNotThere(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.remove("xl/styles.xml")
	if got := read(t, b.bytes(), "phones.xlsx"); len(got) != 2 {
		t.Errorf("%q", got)
	}
	for _, broken := range []string{
		`<styleSheet xmlns="` + mainSpace + `"><cellXfs><xf></cellXfs></styleSheet>`, `<stylesheet/>`, "",
		`<styleSheet xmlns="` + mainSpace + `"><cellXfs>` + strings.Repeat(`<xf/>`,
			1<<16+1) + `</cellXfs></styleSheet>`,
		`<styleSheet xmlns="` + mainSpace + `"><numFmts>` + numFmts(1<<16+1) + `</numFmts></styleSheet>`,
	} {
		b := newBook()
		b.set("xl/styles.xml", broken)
		if r := refused(t, b.bytes(), "phones.xlsx", sheet.Limits{}); r.Reason != sheet.ReasonMalformed {
			t.Errorf("%.80q: %s", broken, r.Reason)
		}
	}
}

func numFmts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<numFmt numFmtId="%d" formatCode="0"/>`, i)
	}

	return b.String()
}
