package statement

import (
	_ "embed" // The font.
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/unicode/norm"
)

// dejaVu has the letters that the standard fonts of PDF lack; its license stands beside it. A
// document carries only the glyphs it uses.
//
//go:embed font/DejaVuSansCondensed.ttf
var dejaVu []byte

// Sizes in millimeters, on A4 and Letter alike, and type sizes in points.
const (
	margin     = 16.0
	lineHeight = 5.0
	textSize   = 9.5
	titleSize  = 18.0
	headSize   = 11.5
)

// maxText is the most characters of a text that a PDF shows, so that a row always has room on a
// page. No name may be as long.
const maxText = 500

// missing stands for a character that neither font has, and boxNote says so.
const (
	missing = '\u25a1'
	boxNote = "A box stands for a character that this document has no letter for; the HTML statement has it."
)

// pagesAlias stands for the number of pages until that is known. The library replaces it wherever
// it finds its bytes, so it begins and ends with one that no cleaned text has.
const pagesAlias = "\x01pages\x01"

// PDF writes the statement as a PDF document, on the paper of the source.
//
// Text in the letters of Latin-1 is set in the standard Helvetica, which every reader has, so most
// statements are a few kilobytes. Text with other Latin letters, Greek, Cyrillic, Armenian or
// Georgian is set in DejaVu Sans, and only then is that font read and its glyphs embedded. Scripts
// that need shaping or run from right to left, and those of East Asia, are not in it: each of their
// characters becomes a box, and a note says so. Nothing that a statement is held against is lost by
// that, for ids, codes and amounts are ASCII; and the document's properties hold the account's name
// in full.
func PDF(w io.Writer, s Source) error {
	p := newPage(s)
	d := begin(heads{
		paper: s.Paper, at: s.Order.PlacedAt, title: p.Title + " " + p.Number, brand: p.Brand,
		account: named(s.AccountName, s.AccountID),
		foot:    p.Title + " " + p.Number + ", order ID " + p.Order,
	})
	d.print(p)
	return d.end(w)
}

// PeriodPDF writes the statement of a billing period as a PDF document, in the letters of PDF. The
// same period gives the same bytes; of one that is not closed that holds while its lines are the same.
func PeriodPDF(w io.Writer, s PeriodSource) error {
	p := newPeriodPage(s)
	at := s.Period.ClosedAt
	if at.IsZero() {
		at = s.Period.ClosesAt
	}
	d := begin(heads{
		paper: s.Paper, at: at, title: p.Title + " " + s.Period.From, brand: p.Brand,
		account: named(s.AccountName, s.AccountID),
		foot:    p.Title + " from " + s.Period.From + ", account " + s.AccountID,
	})
	d.printPeriod(p)
	return d.end(w)
}

// heads are what a document says of itself: At is the moment in its properties, so that the same
// source gives the same bytes, whenever it is printed.
type heads struct {
	paper                       Paper
	at                          time.Time
	title, brand, account, foot string
}

// begin makes a document with its first page.
func begin(h heads) *document {
	size := "A4"
	if h.paper == Letter {
		size = "Letter"
	}
	d := &document{Fpdf: fpdf.New("P", "mm", size, "")}
	d.SetCreationDate(h.at.UTC())
	d.SetModificationDate(h.at.UTC())
	d.SetCatalogSort(true)
	d.SetProducer("Seatwise", true)
	d.SetLang("en")
	d.SetTitle(h.title, true)
	d.SetAuthor(clean(h.brand), true)
	d.SetSubject(clean(h.account), true)
	d.SetMargins(margin, margin, margin)
	// Page breaks are ours: a row is never torn apart, and the head of a table is repeated.
	d.SetAutoPageBreak(false, margin)
	d.AliasNbPages(pagesAlias)
	d.SetFooterFunc(func() {
		d.SetY(-margin + 3)
		d.SetFont("Helvetica", "", 8)
		d.SetTextColor(87, 96, 106)
		text := fmt.Sprintf("%s, page %d of %s", h.foot, d.PageNo(), pagesAlias)
		d.CellFormat(0, 4, text, "", 0, "L", false, 0, "")
		d.SetTextColor(0, 0, 0)
	})
	d.AddPage()
	return d
}

func (d *document) end(w io.Writer) error {
	if err := d.Output(w); err != nil {
		return fmt.Errorf("statement: pdf: %w", err)
	}
	return nil
}

// document is a PDF in the making.
type document struct {
	*fpdf.Fpdf
	boxes bool // Some character was missing.
}

// top is what a statement begins with.
func (d *document) top(brand, title string, facts []fact) {
	d.paragraph(brand, "", headSize)
	d.paragraph(title, "B", titleSize)
	d.rule(0.5)
	for _, f := range facts {
		d.row([]column{{width: 40}, {}}, []string{f.Name, f.Value}, "", false)
	}
}

// bottom says what a box is, where there is one.
func (d *document) bottom() {
	if d.boxes {
		d.Ln(lineHeight)
		d.paragraph(boxNote, "", 8)
	}
}

func (d *document) printPeriod(p periodPage) {
	d.top(p.Brand, p.Title, p.Facts)
	d.heading("Charges by cost center")
	centers := []column{{title: "Cost center"}, {title: "Amount", width: 38, right: true}}
	d.tableHead(centers)
	for _, c := range p.Centers {
		d.tableRow(centers, []string{c.CostCenter, c.Amount}, "")
	}
	d.tableRow(centers, []string{"Total", p.Total}, "B")

	d.heading("Lines")
	d.paragraph(p.Intro, "", textSize)
	lines := []column{
		{title: "Charge"},
		{title: "Cost center", width: 36},
		{title: "Quantity", width: 17, right: true},
		{title: "License days", width: 23, right: true},
		{title: "Unit price", width: 20, right: true},
		{title: "Amount", width: 29, right: true},
	}
	d.tableHead(lines)
	for _, l := range p.Lines {
		d.tableRow(lines, []string{l.What, l.CostCenter, l.Quantity, l.Days, l.UnitPrice, l.Amount}, "")
	}
	d.tableRow(lines, []string{"Total", "", "", "", "", p.Total}, "B")
	if p.Seal != "" {
		d.Ln(lineHeight)
		d.paragraph(p.Seal, "", 8)
	}
	d.bottom()
}

func (d *document) print(p page) {
	d.top(p.Brand, p.Title, p.Facts)
	d.heading("Itemized charges")
	d.paragraph(p.Intro, "", textSize)
	charges := []column{
		{title: "Product"},
		{title: "Cost center", width: 36},
		{title: "Quantity", width: 17, right: true},
		{title: "Unit price", width: 20, right: true},
		{title: "Recurring", width: 29, right: true},
		{title: "Due today", width: 29, right: true},
	}
	d.tableHead(charges)
	for _, line := range p.Lines {
		d.tableRow(charges,
			[]string{line.Product, line.CostCenter, line.Quantity, line.UnitPrice, line.Recurring, line.Due}, "")
	}
	d.tableRow(charges, []string{"Total", "", "", "", p.Recurring, p.Due}, "B")

	d.heading("Charges by cost center")
	centers := []column{
		{title: "Cost center"},
		{title: "Recurring", width: 29, right: true},
		{title: "Due today", width: 29, right: true},
	}
	d.tableHead(centers)
	for _, c := range p.CostCenters {
		d.tableRow(centers, []string{c.CostCenter, c.Recurring, c.Due}, "")
	}
	d.tableRow(centers, []string{"Total", p.Recurring, p.Due}, "B")

	d.heading("Acknowledgement")
	d.paragraph(p.AcknowledgedBy, "", textSize)
	d.paragraph(p.Acknowledgement, "", textSize)
	d.bottom()
}

// column is a column of a table; one without a width takes what the others leave.
type column struct {
	title string
	width float64
	right bool
}

func (d *document) heading(text string) {
	// A heading stays with the first lines of what it stands over.
	d.module(8 * lineHeight)
	d.Ln(lineHeight)
	d.paragraph(text, "B", headSize)
}

func (d *document) rule(width float64) {
	pageWidth, _ := d.GetPageSize()
	d.SetLineWidth(width)
	d.Line(margin, d.GetY(), pageWidth-margin, d.GetY())
	d.Ln(1.5)
}

// room begins a new page unless this one has as many millimeters left, and reports
// whether it did.
func (d *document) module(height float64) bool {
	_, pageHeight := d.GetPageSize()
	if d.GetY()+height <= pageHeight-margin {
		return false
	}
	d.AddPage()
	return true
}

func (d *document) paragraph(text, style string, size float64) {
	pageWidth, _ := d.GetPageSize()
	height := lineHeight * size / textSize
	for _, line := range d.wrap(text, style, size, pageWidth-2*margin) {
		d.module(height)
		d.SetX(margin)
		d.cell(box{width: pageWidth - 2*margin, height: height}, line, style, size)
		d.Ln(height)
	}
}

func (d *document) tableHead(columns []column) {
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	d.row(columns, titles, "B", true)
}

// tableRow is a row of a table; where it begins a new page, the head of the table is repeated.
func (d *document) tableRow(columns []column, values []string, style string) {
	if d.module(d.height(columns, values, style)) {
		d.tableHead(columns)
	}
	d.row(columns, values, style, true)
}

func (d *document) widths(columns []column) []float64 {
	pageWidth, _ := d.GetPageSize()
	rest := pageWidth - 2*margin
	for _, c := range columns {
		rest -= c.width
	}
	widths := make([]float64, len(columns))
	for i, c := range columns {
		if widths[i] = c.width; c.width == 0 {
			widths[i] = rest
		}
	}
	return widths
}

func (d *document) height(columns []column, values []string, style string) float64 {
	most := 1
	for i, width := range d.widths(columns) {
		most = max(most, len(d.wrap(values[i], style, textSize, width)))
	}
	return float64(most)*lineHeight + 2
}

// row writes values side by side, each wrapped within its column, and a thin rule under them if it
// is asked for.
func (d *document) row(columns []column, values []string, style string, ruled bool) {
	d.module(d.height(columns, values, style))
	top, lowest, x := d.GetY(), d.GetY(), margin
	for i, width := range d.widths(columns) {
		y := top
		for _, line := range d.wrap(values[i], style, textSize, width) {
			d.SetXY(x, y)
			d.cell(box{width: width, height: lineHeight, right: columns[i].right}, line, style, textSize)
			y += lineHeight
		}
		lowest = max(lowest, y)
		x += width
	}
	d.SetXY(margin, lowest+0.5)
	if ruled {
		d.rule(0.1)
	}
}

// box is where a line of a text is printed.
type box struct {
	width, height float64
	right         bool // the text stands at its right
}

func (d *document) cell(at box, text, style string, size float64) {
	align := "L"
	if at.right {
		align = "R"
	}
	d.CellFormat(at.width, at.height, d.font(text, style, size), "", 0, align, false, 0, "")
}

// wrap breaks a text into lines no wider than a column, at blanks where it can and within a word
// where it must.
func (d *document) wrap(text, style string, size, width float64) []string {
	text = d.printed(text)
	width -= 2 * d.GetCellMargin()
	fits := func(s string) bool {
		return d.GetStringWidth(d.font(s, style, size)) <= width
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if joined := strings.TrimSpace(line + " " + word); fits(joined) {
			line = joined
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; !fits(line); {
			// At least one character a line, however wide it is; and grown from the left, for a
			// line is short and a word may be long.
			runes := []rune(line)
			n := 1
			for n+1 < len(runes) && fits(string(runes[:n+1])) {
				n++
			}
			if n == len(runes) {
				break
			}
			lines = append(lines, string(runes[:n]))
			line = string(runes[n:])
		}
	}
	return append(lines, line)
}

// font selects the font that has the letters of a text that came from printed, and answers the text
// in that font's encoding.
func (d *document) font(text, style string, size float64) string {
	latin := make([]byte, 0, len(text))
	for _, r := range text {
		if !inLatin1(r) {
			// Reading the font takes some milliseconds; adding it a second time does nothing. It
			// has no bold face.
			d.AddUTF8FontFromBytes("DejaVu", "", dejaVu)
			d.SetFont("DejaVu", "", size)
			return text
		}
		latin = append(latin, byte(r))
	}
	d.SetFont("Helvetica", style, size)
	return string(latin)
}

// printed is a text in characters that one of the fonts has, composed as far as Unicode composes
// them, with a box for each that neither has.
func (d *document) printed(text string) string {
	text = clean(text)
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "..."
	}
	return strings.Map(func(r rune) rune {
		if inLatin1(r) || unicode.Is(inDejaVu, r) {
			return r
		}
		if unicode.Is(unicode.Mn, r) {
			// An accent that composes with nothing would be set beside its letter; the letter alone
			// is nearer to the name.
			return -1
		}
		d.boxes = true
		return missing
	}, text)
}

// clean is a text without line breaks, control and format characters, of which a name has no need
// and a document none at all.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		default:
			return r
		}
	}, norm.NFC.String(strings.ToValidUTF8(text, "\ufffd")))
}

// inLatin1 reports whether a character has in Latin-1, and so in Helvetica's encoding, the number
// that it has in Unicode.
func inLatin1(r rune) bool { return r >= 0x20 && r <= 0x7e || r >= 0xa1 && r <= 0xff && r != 0xad }

// inDejaVu is the part of the embedded font that is set letter by letter from left to right: Latin,
// Greek, Cyrillic, Armenian, Georgian, punctuation and currency signs, and the box.
var inDejaVu = &unicode.RangeTable{R16: []unicode.Range16{
	{0x0100, 0x02af, 1},
	{0x0370, 0x0377, 1},
	{0x037a, 0x037f, 1},
	{0x0384, 0x038a, 1},
	{0x038c, 0x038c, 1},
	{0x038e, 0x03a1, 1},
	{0x03a3, 0x03e1, 1},
	{0x03f0, 0x0482, 1},
	{0x048a, 0x0525, 1},
	{0x0531, 0x0556, 1},
	{0x0559, 0x055f, 1},
	{0x0561, 0x0587, 1},
	{0x0589, 0x058a, 1},
	{0x10a0, 0x10c5, 1},
	{0x10d0, 0x10fc, 1},
	{0x1e00, 0x1efb, 1},
	{0x1f00, 0x1f15, 1},
	{0x1f18, 0x1f1d, 1},
	{0x1f20, 0x1f45, 1},
	{0x1f48, 0x1f4d, 1},
	{0x1f50, 0x1f57, 1},
	{0x1f59, 0x1f5f, 2},
	{0x1f60, 0x1f7d, 1},
	{0x1f80, 0x1fb4, 1},
	{0x1fb6, 0x1fc4, 1},
	{0x1fc6, 0x1fd3, 1},
	{0x1fd6, 0x1fdb, 1},
	{0x1fdd, 0x1fef, 1},
	{0x1ff2, 0x1ff4, 1},
	{0x1ff6, 0x1ffe, 1},
	{0x2010, 0x2027, 1},
	{0x2030, 0x205e, 1},
	{0x20a0, 0x20b5, 1},
	{0x20b8, 0x20ba, 1},
	{0x20bd, 0x20bd, 1},
	{0x2100, 0x2109, 1},
	{0x210b, 0x2149, 1},
	{0x25a1, 0x25a1, 1},
}}
