package statement

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
)

// acknowledgement is what the orders of these tests were acknowledged with.
const acknowledgement = "I have read and understood the information and the itemized charges of this order."

// bought is a number of licenses of a product with a cost center.
type bought struct {
	product    string
	quantity   int
	costCenter string
}

// sample is an order of what was bought, priced in dollars on 20 November with the 15th as billing
// day, placed by zoe. Each line's due today is rounded by itself, which for these lines adds up to
// the whole.
func sample(t testing.TB, lines ...bought) Source {
	t.Helper()
	if len(lines) == 0 {
		lines = []bought{
			{"live-reports", 7, "CC-1"},
			{"live-reports", 5, "CC-2"},
			{"license_call_recording_unlimited_enabled", 120, "CC-2"},
		}
	}
	must := func(a money.Amount, err error) money.Amount {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	zero := money.Zero("USD")
	order := Order{
		ID:              "0198f7a2-5c1e-7000-8000-3a5e1c9d7b42",
		PlacedAt:        time.Date(2026, time.November, 20, 9, 5, 0, 0, time.UTC),
		PlacedBy:        "zoe",
		Acknowledgement: acknowledgement,
		NextBillingDate: "2026-12-15",
		From:            "2026-11-20",
		To:              "2026-12-15",
		Days:            25,
		PeriodDays:      30,
		Recurring:       zero,
		DueToday:        zero,
	}
	for _, l := range lines {
		p, ok := catalog.Default().Lookup(l.product)
		if !ok {
			t.Fatalf("no product %s", l.product)
		}
		line := Line{ProductID: p.ID, Name: p.Name, CostCenter: l.costCenter, Quantity: l.quantity}
		line.UnitPrice = must(catalog.Default().Price(p.ID, "USD"))
		line.Recurring = must(line.UnitPrice.Mul(int64(l.quantity)))
		line.DueToday = must(line.Recurring.Prorate(25, 30))
		order.Lines = append(order.Lines, line)
		order.LicenseCount += l.quantity
		order.Recurring = must(order.Recurring.Add(line.Recurring))
		order.DueToday = must(order.DueToday.Add(line.DueToday))
		at := slices.IndexFunc(order.ByCostCenter, func(c CostCenter) bool { return c.Code == l.costCenter })
		if at < 0 {
			at = len(order.ByCostCenter)
			order.ByCostCenter = append(
				order.ByCostCenter,
				CostCenter{Code: l.costCenter, Recurring: zero, DueToday: zero},
			)
		}
		sum := &order.ByCostCenter[at]
		sum.Recurring, sum.DueToday = must(sum.Recurring.Add(line.Recurring)), must(sum.DueToday.Add(line.DueToday))
	}
	return Source{
		Brand:           "Seatwise",
		AccountID:       "acme",
		AccountName:     "Acme Ltd",
		Location:        time.FixedZone("", 3600),
		Order:           order,
		PlacedByName:    "Zoe Zappa",
		CostCenterNames: map[string]string{"CC-1": "Sales", "CC-2": "Support"},
	}
}

// What every statement shows (requirements, section 3.5): itemized charges, cost centers, totals,
// order id, account, acknowledgement.
var shown = []string{
	"Statement",
	"Seatwise",
	"0198f7a2-5c1e-7000-8000-3a5e1c9d7b42",
	"Acme Ltd (acme)",
	"Zoe Zappa (zoe)",
	"2026-11-20 10:05 (UTC+01:00)",
	"2026-12-15",
	"132",
	"All amounts are in USD",
	"25 of the 30 days",
	"2026-11-20",
	"Live Reports",
	"7",
	"25.00",
	"175.00",
	"145.83",
	"5",
	"125.00",
	"104.17",
	"Unlimited Call Recording Storage",
	"120",
	"8.99",
	"1078.80",
	"899.00",
	"Sales (CC-1)",
	"Support (CC-2)",
	"1203.80",
	"1003.17",
	"1378.80 USD",
	"1149.00 USD",
	"Acknowledged by Zoe Zappa (zoe) on 2026-11-20 10:05 (UTC+01:00)",
	acknowledgement,
}

func TestHTMLShowsEverything(t *testing.T) {
	got := html(t, sample(t))
	for _, want := range shown {
		if !strings.Contains(strings.ReplaceAll(got, "&#43;", "+"), want) {
			t.Errorf("no %q", want)
		}
	}
	for _, want := range []string{
		"<!doctype html>", `<meta charset="utf-8">`, "@media print", "@page", "table-header-group", "</html>",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(got, "being prepared") {
		t.Error("a placed order is said to be prepared")
	}
	for _, never := range []string{"<script", "src=", "href=", "url("} {
		if strings.Contains(got, never) {
			t.Errorf("the page is not complete in itself: it has %q", never)
		}
	}
}

func TestHTMLEscapesNames(t *testing.T) {
	s := sample(t)
	s.AccountName = `<script>alert("x")</script> & Söhne 株式会社`
	s.Brand = `"><img src=x>`
	s.CostCenterNames["CC-1"] = "</td><b>"
	got := html(t, s)
	for _, never := range []string{"<script", "<img", "</td><b>"} {
		if strings.Contains(got, never) {
			t.Errorf("%q came through", never)
		}
	}
	if !strings.Contains(got, "&amp; Söhne 株式会社 (acme)") {
		t.Error("the name is not there in full")
	}
}

func TestPDFShowsEverything(t *testing.T) {
	data := pdf(t, sample(t))
	doc := open(t, data)
	if doc.pages != 1 {
		t.Errorf("%d pages", doc.pages)
	}
	for _, want := range shown {
		// A column may break its text at a blank.
		if !strings.Contains(strings.ReplaceAll(doc.text, "\n", " "), want) {
			t.Errorf("no %q in:\n%s", want, doc.text)
		}
	}
	if bytes.Contains(data, []byte("FontFile2")) {
		t.Error("a font is embedded for a text in Latin-1")
	}
	if len(data) > 16<<10 {
		t.Errorf("%d bytes for one page of Latin-1", len(data))
	}
	if strings.ContainsRune(doc.text, missing) || strings.Contains(doc.text, "A box stands") {
		t.Error("a box in a text in Latin-1")
	}
}

func TestTheSameOrderGivesTheSameBytes(t *testing.T) {
	s := sample(t)
	s.AccountName = "Ακμή και Υιοί, Общество, Nguyễn"
	if !bytes.Equal(pdf(t, s), pdf(t, s)) {
		t.Error("two PDFs of one order differ")
	}
	if first, second := html(t, s), html(t, s); first != second {
		t.Error("two pages of one order differ")
	}
}

// The zone is in words where it has a name, and the file is called after whom and when it is of.
func TestPlacedSaysItsZone(t *testing.T) {
	detroit, err := time.LoadLocation("America/Detroit")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		zone *time.Location
		says string
	}{
		{detroit, "2026-11-20 22:30 (America/Detroit, UTC-05:00)"},
		{nil, "2026-11-21 03:30 (UTC)"},
	} {
		s := Source{
			Location: tc.zone,
			Order:    Order{PlacedAt: time.Date(2026, time.November, 21, 3, 30, 0, 0, time.UTC)},
		}
		if facts := newPage(s).Facts; !slices.Contains(facts, fact{"Placed", tc.says}) {
			t.Errorf("it says %+v, want %q", facts, tc.says)
		}
	}
	s := Source{
		Brand: "Seatwise", AccountID: "acme", AccountName: "Acme/Ltd", Location: detroit,
		Order: Order{Number: "482-913-706", PlacedAt: time.Date(2026, time.November, 21, 3, 30, 0, 0, time.UTC)},
	}
	if got, want := FileName(s), "Seatwise Statement Acme/Ltd 2026-11-20 482-913-706"; got != want {
		t.Errorf("the file is called %q, want %q", got, want)
	}
}

func TestAnOrderBeingPlacedSaysSo(t *testing.T) {
	s := sample(t)
	s.Order.Preparing = true
	const says = "The licenses are being prepared."
	if !strings.Contains(html(t, s), says) || !strings.Contains(open(t, pdf(t, s)).text, says) {
		t.Error("it does not")
	}
}

func TestPDFInOtherScripts(t *testing.T) {
	for _, c := range []struct {
		name, account, want string
		boxes               bool
	}{
		{"Latin-1", "Müller & Söhne, Zürich", "Müller & Söhne, Zürich", false},
		{"beyond Latin-1", "Łódź Telefonia, Škoda, İstanbul €", "Łódź Telefonia, Škoda, İstanbul €", false},
		{"Vietnamese", "Nguyễn Thị Phượng", "Nguyễn Thị Phượng", false},
		{"written in pieces", "Mu\u0308ller Nguye\u0302\u0303n", "Müller Nguyễn", false},
		{"Greek", "Ακμή Τηλεφωνία", "Ακμή Τηλεφωνία", false},
		{"Cyrillic", "Общество «Связь»", "Общество «Связь»", false},
		{"Armenian and Georgian", "Հայաստան საქართველო", "Հայաստան საქართველო", false},
		{"quotation marks and dashes", "“Acme” – the phone’s home…", "“Acme” – the phone’s home…", false},
		{"Chinese", "株式会社 Acme", "□□□□ Acme", true},
		{"Hebrew", "אבג Acme", "□□□ Acme", true},
		{"Arabic", "شركة", "□□□□", true},
		{"the first character beyond 16 bits", "\U00010000", "□", true},
		{"an emoji and the last character there is", "☎\U0001F4DE\U0010FFFF", "□□□", true},
		{"characters to mislead with", "Acme\u202e dtL\u200b\x00\r\nLtd\u00ad", "Acme dtL Ltd", false},
		{"a no-break space", "Acme\u00a0Ltd", "Acme Ltd", false},
		{"what is no UTF-8", "Acme\xff", "Acme□", true},
		{"brackets and backslashes", `Ac(me) \) Ltd \`, `Ac(me) \) Ltd \`, false},
		{"a bracket next to Greek", `(Ακμή) \`, `(Ακμή) \`, false},
		{"the alias for the number of pages", "{nb} \x01pages\x01 Ltd", "{nb} pages Ltd", false},
		{"bytes that look like that alias in UTF-16", "Āāpages ĀŰāĀā", "Āāpages ĀŰāĀā", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sample(t)
			s.AccountName = c.account
			doc := open(t, pdf(t, s))
			if !strings.Contains(doc.text, c.want+" (acme)") {
				t.Errorf("no %q in:\n%s", c.want, doc.text)
			}
			if strings.Contains(doc.text, "A box stands for") != c.boxes {
				t.Errorf("the note about boxes: %v", !c.boxes)
			}
			// Whatever became of the name, all that counts is there.
			for _, want := range []string{"0198f7a2-5c1e-7000-8000-3a5e1c9d7b42", "Support (CC-2)", "1149.00 USD"} {
				if !strings.Contains(doc.text, want) {
					t.Errorf("no %q", want)
				}
			}
		})
	}
}

// Every character that is set in the embedded font has a glyph in it; the character map is read by
// other code than the library's.
func TestTheFontHasWhatTheTableSays(t *testing.T) {
	glyphs := characterMap(t, dejaVu)
	for _, r16 := range inDejaVu.R16 {
		for r := rune(r16.Lo); r <= rune(r16.Hi); r += rune(r16.Stride) {
			if glyphs[r] == 0 {
				t.Errorf("%U is not in the font", r)
			}
			if unicode.In(r, unicode.Mn, unicode.Cc, unicode.Cf, unicode.Hebrew, unicode.Arabic) {
				t.Errorf("%U cannot be set by itself, from left to right", r)
			}
		}
	}
	if !unicode.Is(inDejaVu, missing) {
		t.Error("the box itself is not in the table")
	}
}

// The most lines that an order has, with names that wrap: every line is there, rows stay whole, and
// each page begins with the head.
func TestALongStatementRunsOverPages(t *testing.T) {
	const most = 40
	var lines []bought
	for i := range most {
		lines = append(lines, bought{"license_call_recording_unlimited_enabled", i + 1, fmt.Sprintf("CC-%02d", i)})
	}
	s := sample(t, lines...)
	s.AccountName = strings.Repeat("Donaudampfschifffahrtsgesellschaft", 12)
	for i := range most {
		s.CostCenterNames[fmt.Sprintf("CC-%02d", i)] = "Department of telephony and of other long names"
	}
	doc := open(t, pdf(t, s))
	if doc.pages < 3 {
		t.Errorf("%d pages", doc.pages)
	}
	for i, line := range s.Order.Lines {
		if !strings.Contains(doc.text, "(CC-"+fmt.Sprintf("%02d", i)+")") ||
			!strings.Contains(doc.text, line.DueToday.Decimal()) {
			t.Errorf("line %d is missing", i)
		}
	}
	if heads := strings.Count(doc.text, "Due today"); heads < doc.pages {
		t.Errorf("%d table heads on %d pages", heads, doc.pages)
	}
	if want := fmt.Sprintf("page %d of %d", doc.pages, doc.pages); !strings.Contains(doc.text, want) {
		t.Errorf("no %q", want)
	}
	if name := strings.ReplaceAll(doc.text, "\n", ""); !strings.Contains(name, s.AccountName) {
		t.Error("the long name lost something where it was broken")
	}
}

func TestANameBeyondAllBoundsIsCut(t *testing.T) {
	s := sample(t)
	s.CostCenterNames["CC-1"] = strings.Repeat("W", 1<<20)
	doc := open(t, pdf(t, s))
	if got := strings.Count(doc.text, "W"); got != 2*maxText || doc.pages > 4 {
		t.Errorf("%d letters on %d pages", got, doc.pages)
	}
}

// No text makes the library fail or panic: whatever an operator calls an account, its orders can be
// printed.
func FuzzPDF(f *testing.F) {
	f.Add("Acme", "Sales")
	f.Add("株式会社\U0001F4DE", "\xff\x00(")
	f.Add(strings.Repeat("W", 300), strings.Repeat("\u0301", 50))
	s := sample(f)
	f.Fuzz(func(t *testing.T, account, center string) {
		s := s
		s.AccountName, s.CostCenterNames = account, map[string]string{"CC-1": center}
		data := pdf(t, s)
		if !bytes.HasPrefix(data, []byte("%PDF-")) {
			t.Error("no PDF")
		}
		html(t, s)
	})
}

func BenchmarkPDF(b *testing.B) {
	s := sample(b)
	for b.Loop() {
		if err := PDF(io.Discard, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPDFWithTheFont(b *testing.B) {
	s := sample(b)
	s.AccountName = "Ακμή"
	for b.Loop() {
		if err := PDF(io.Discard, s); err != nil {
			b.Fatal(err)
		}
	}
}

func html(t testing.TB, s Source) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pdf(t *testing.T, s Source) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := PDF(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type opened struct {
	pages int
	// text is what the pages show, one drawn string a line.
	text string
}

var (
	streams  = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)
	startRef = regexp.MustCompile(`startxref\s+(\d+)\s+%%EOF\s*$`)
	drawn    = regexp.MustCompile(`(?s)BT .*?Td \(((?:\\.|[^\\()])*)\) ?Tj ET|/F[0-9a-f]+ [0-9.]+ Tf`)
)

// open reads a PDF as a viewer begins to: the header, the trailer, the table of objects; and takes
// the text of its pages.
func open(t *testing.T, data []byte) opened {
	t.Helper()
	if !bytes.HasPrefix(data, []byte("%PDF-1.")) {
		t.Fatalf("begins with %q", data[:min(8, len(data))])
	}
	end := startRef.FindSubmatch(data)
	if end == nil {
		t.Fatal("no trailer at the end")
	}
	at, err := strconv.Atoi(string(end[1]))
	if err != nil || at >= len(data) || !bytes.HasPrefix(data[at:], []byte("xref")) {
		t.Fatalf("the trailer points at %d, where no table of objects is", at)
	}
	var doc opened
	doc.pages = len(regexp.MustCompile(`/Type /Page\b[^s]`).FindAll(data, -1))
	var text strings.Builder
	for _, m := range streams.FindAllSubmatch(data, -1) {
		r, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			continue // Not compressed: no page.
		}
		content, err := io.ReadAll(r)
		if err != nil || !bytes.Contains(content, []byte("BT ")) {
			continue
		}
		for _, d := range drawn.FindAllSubmatch(content, -1) {
			if d[1] != nil {
				text.WriteString(decode(d[1]) + "\n")
			}
		}
	}
	doc.text = text.String()
	return doc
}

// decode reads a PDF string: UTF-16 if it is in the embedded font, else Latin-1. Strings of the
// first kind have a zero or a script's high byte first in each pair, and printable Latin-1 has no
// byte below a blank.
func decode(s []byte) string {
	var raw []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'r' {
				raw = append(raw, '\r')
				continue
			}
		}
		raw = append(raw, s[i])
	}
	wide := len(raw)%2 == 0 && bytes.ContainsFunc(raw, func(r rune) bool { return r < 0x20 })
	if !wide {
		runes := make([]rune, len(raw))
		for i, b := range raw {
			runes[i] = rune(b)
		}
		return string(runes)
	}
	units := make([]uint16, 0, len(raw)/2)
	for ; len(raw) > 1; raw = raw[2:] {
		units = append(units, binary.BigEndian.Uint16(raw))
	}
	return string(utf16.Decode(units))
}

// characterMap reads the table "cmap" of a TrueType font, in its format 4.
func characterMap(t *testing.T, font []byte) map[rune]int {
	t.Helper()
	be := binary.BigEndian
	glyphs := make(map[rune]int)
	for i := range int(be.Uint16(font[4:])) {
		record := font[12+16*i:]
		if string(record[:4]) != "cmap" {
			continue
		}
		cmap := font[be.Uint32(record[8:]):]
		for j := range int(be.Uint16(cmap[2:])) {
			table := cmap[be.Uint32(cmap[8+8*j:]):]
			if be.Uint16(table) != 4 {
				continue
			}
			double := int(be.Uint16(table[6:]))
			for k := 0; k < double; k += 2 {
				last, first := int(be.Uint16(table[14+k:])), int(be.Uint16(table[16+double+k:]))
				delta, at := int(be.Uint16(table[16+2*double+k:])), 16+3*double+k
				offset := int(be.Uint16(table[at:]))
				for c := first; c <= last && c < 0xffff; c++ {
					glyph := c
					if offset != 0 {
						if glyph = int(be.Uint16(table[at+offset+2*(c-first):])); glyph == 0 {
							continue
						}
					}
					glyphs[rune(c)] = (glyph + delta) & 0xffff
				}
			}
		}
	}
	if len(glyphs) == 0 {
		t.Fatal("the font has no character map")
	}
	return glyphs
}
