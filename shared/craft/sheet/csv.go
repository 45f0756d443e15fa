package sheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// excelBlock is the number of lines that Excel writes at a time. In a block whose last columns are
// empty it leaves their separators out, so a block of short lines is no fault: the one case of
// ragged lines that comes from no mistake.
const excelBlock = 16

// csvScan is one pass over a CSV file.
type csvScan struct {
	in   input
	out  rowBuilder
	row  int // of the record that is read, from 1
	line int // on which the window's position is, from 1

	column    int // of the field that is read, -1 between records
	begun     int // the line on which the field begins
	separator byte
	ends      [256]bool // the bytes that end an unquoted field or may not be in it
	header    int       // fields of the header; 0 before it
	block     int       // the block of lines that is read, see excelBlock
	width     int       // fields of every line of the block
	first     int       // the line with which the block begins
	firstRow  int
}

// openCSV verifies a CSV file.
func (rd *Reader) openCSV(src *source) error {
	rd.pass = func(visit func(Row) error) (int, error) { return rd.scanCSV(src, visit) }
	var err error
	rd.rows, err = rd.pass(nil)
	if err == nil && rd.rows == 0 {
		return refuse(ReasonEmpty, "The file has no rows.")
	}

	return err
}

// scanCSV reads the file, giving every row to visit if there is one, and returns how many rows
// there are.
func (rd *Reader) scanCSV(src *source, visit func(Row) error) (int, error) {
	c := &csvScan{out: rowBuilder{limits: rd.limits, visit: visit, free: rd.freeText}, line: 1, column: -1}
	c.in = input{
		r: io.NewSectionReader(src, 0, src.size), buf: make([]byte, windowSize), most: windowSize,
		fault:   c.fault,
		tooLong: func() error { return c.out.tooLong() },
	}

	return c.out.rows, c.located(c.file())
}

// located adds the place to a refusal that has none.
func (c *csvScan) located(err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Line == 0 {
		refusal.Line, refusal.Row = c.line, c.row
		if c.column >= 0 {
			refusal.Column = ColumnNumber(c.column)
		}
	}

	return err
}

// fault words the refusal of a byte that no CSV file in UTF-8 has.
func (c *csvScan) fault(f textFault, b byte) error {
	const advice = `Save it as "CSV UTF-8".`
	switch {
	case f == notUTF8:
		return refuse(ReasonEncoding, "The text is not UTF-8 (byte 0x%02X), but perhaps Windows or Latin-1. %s", b,
			advice)
	case b == 0:
		return refuse(ReasonControl,
			"There is a zero byte (NUL), which no text has: the file is damaged, or is UTF-16. %s", advice)
	default:
		return refuse(ReasonControl, "There is a control character (0x%02X), which no text has.", b)
	}
}

// file reads the whole file.
func (c *csvScan) file() error {
	c.in.more()
	if err := c.encoding(); err != nil {
		return err
	}
	if err := c.detectSeparator(); err != nil {
		return err
	}
	for _, end := range []byte{c.separator, '"', '\r', '\n'} {
		c.ends[end] = true
	}
	for c.available() {
		if err := c.record(); err != nil {
			return err
		}
	}
	if !errors.Is(c.in.err, io.EOF) {
		c.row++ // the first byte of the next row is at fault

		return c.in.err
	}

	return nil
}

// available says whether there is another byte.
func (c *csvScan) available() bool { return c.in.pos < c.in.end || c.in.more() }

// encoding refuses UTF-16 and UTF-32 and skips the byte order mark of UTF-8.
func (c *csvScan) encoding() error {
	head := c.in.buf[:min(c.in.filled, 16)]
	wide := bytes.HasPrefix(head, []byte("\xFF\xFE")) || bytes.HasPrefix(head, []byte("\xFE\xFF"))
	for i := 0; !wide && i < 2 && len(head) >= 8; i++ {
		// Without a marker: every other byte of what should be letters is zero.
		zeros := 0
		for j := i; j < len(head); j += 2 {
			if head[j] == 0 {
				zeros++
			}
		}
		wide = zeros == (len(head)-i+1)/2
	}
	if wide {
		return refuse(ReasonEncoding,
			`The text is in the encoding UTF-16 ("Unicode text"), not UTF-8. Save it as "CSV UTF-8".`)
	}
	if bytes.HasPrefix(c.in.buf[:c.in.end], utf8BOM) {
		c.in.pos = len(utf8BOM)
	}

	return nil
}

// detectSeparator takes the separator from a first line "sep=;", as Excel knows it, or else from
// the header: the one of comma and semicolon that stands there more often outside of quotation
// marks.
func (c *csvScan) detectSeparator() error {
	b := c.in.buf[c.in.pos:c.in.end]
	if stop := bytes.IndexAny(b, "\r\n"); stop > 0 {
		line := bytes.Trim(b[:stop], `"`)
		if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) {
			if c.separator = line[4]; c.separator != ',' && c.separator != ';' {
				return c.refuseSeparator()
			}
			c.in.pos += stop
			c.lineBreak()

			return nil
		}
	}
	counts, quoted := [256]int{}, false
	for _, char := range bytes.TrimLeft(b, "\r\n") {
		if char == '"' {
			quoted = !quoted
		}
		if !quoted {
			if char == '\r' || char == '\n' {
				break
			}
			counts[char]++
		}
	}
	switch {
	case counts[';'] > counts[',']:
		c.separator = ';'
	case counts[','] == 0 && counts['\t']+counts['|'] > 0:
		return c.refuseSeparator()
	default:
		c.separator = ','
	}

	return nil
}

func (c *csvScan) refuseSeparator() error {
	return refuse(ReasonSeparator,
		"The columns are not separated by commas or semicolons. Save the file as CSV with one of them.")
}

// lineBreak reads a line break at the window's position, of one byte or two, and says whether there
// was one.
func (c *csvScan) lineBreak() bool {
	if !c.available() {
		return false
	}
	switch c.in.buf[c.in.pos] {
	case '\n':
		c.in.pos++
	case '\r':
		c.in.pos++
		if c.available() && c.in.buf[c.in.pos] == '\n' {
			c.in.pos++
		}
	default:
		return false
	}
	c.line++

	return true
}

// record reads one record and gives it away.
func (c *csvScan) record() error {
	c.row++
	line, fields := c.line, 0
	c.out.begin(c.row, line)
	for last := false; !last; fields++ {
		c.column, c.begun = fields, c.line
		from := len(c.out.text)
		var err error
		if last, err = c.field(); err != nil {
			return err
		}
		if err := c.out.cell(fields, from, c.kind(from)); err != nil {
			return c.atBegin(err)
		}
	}
	c.column = -1
	if err := c.checkWidth(fields, line); err != nil {
		return err
	}

	return c.at(c.out.finish(), line, c.row)
}

// at gives a refusal its line and row.
func (c *csvScan) at(err error, line, row int) error {
	if err == nil {
		return nil
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		refusal.Line, refusal.Row = line, row
	}

	return err
}

// atBegin gives a refusal the line on which the field begins.
func (c *csvScan) atBegin(err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		refusal.Line, refusal.Row, refusal.Column = c.begun, c.row, ColumnNumber(c.column)
	}

	return err
}

// checkWidth refuses ragged lines: where a separator is missing or too much, values stand in the
// wrong columns, and nobody can tell which. Blank lines, and blocks of lines as Excel shortens
// them, are no such mistake.
func (c *csvScan) checkWidth(fields, line int) error {
	if len(c.out.cells) == 0 {
		return nil
	}
	block := (c.row-1)/excelBlock + 1
	switch {
	case c.header == 0:
		c.header, c.width, c.block = fields, fields, block
	case block != c.block:
		c.block, c.width, c.first, c.firstRow = block, c.header, line, c.row
		if fields < c.header {
			c.width = fields
		}
	}
	if fields == c.width {
		return nil
	}
	found, row := fields, c.row
	if fields == c.header {
		// This line is as it should be: it was the lines before it that were short.
		found, line, row = c.width, c.first, c.firstRow
	}

	return c.at(
		refuse(
			ReasonRagged,
			"The line has %d fields, and the header has %d. Give every line the same number of separators (%c), and put a value that contains one in quotation marks.",
			found,
			c.header,
			c.separator,
		),
		line,
		row,
	)
}

// field reads one field, appends it to the row's text, and says whether it is the last one of its
// record.
func (c *csvScan) field() (last bool, err error) {
	if c.available() && c.in.buf[c.in.pos] == '"' {
		c.in.pos++

		return c.quoted()
	}
	from := len(c.out.text)
	for {
		b := c.in.buf[c.in.pos:c.in.end]
		i := 0
		for i < len(b) && !c.ends[b[i]] {
			i++
		}
		c.out.text = append(c.out.text, b[:i]...)
		c.in.pos += i
		if len(c.out.text)-from > c.mostBytes() {
			return false, c.out.tooLong()
		}
		switch {
		case i < len(b) && b[i] == '"':
			return false, refuse(
				ReasonQuote,
				"There is a quotation mark in the middle of a value. Put the whole value in quotation marks, and write each one within it twice.",
			)
		case i < len(b) || !c.in.more():
			return c.fieldEnd()
		}
	}
}

// mostBytes bounds what is held of a field: longer, and it has too many characters.
func (c *csvScan) mostBytes() int { return utf8.UTFMax * c.out.limits.CellChars }

// fieldEnd reads what ends a field: a separator, or the end of the record.
func (c *csvScan) fieldEnd() (last bool, err error) {
	if !c.available() {
		if errors.Is(c.in.err, io.EOF) {
			return true, nil
		}

		return false, c.in.err
	}
	if c.in.buf[c.in.pos] == c.separator {
		c.in.pos++

		return false, nil
	}
	if c.lineBreak() {
		return true, nil
	}

	return false, refuse(
		ReasonQuote,
		"There is text behind a closing quotation mark (the value began in line %d). A quotation mark within a value must be written twice.",
		c.begun,
	)
}

// quoted reads a field behind its opening quotation mark. What is too long is read on without being
// held: if it never ends, it is the missing quotation mark that a person must be told of.
func (c *csvScan) quoted() (last bool, err error) {
	from := len(c.out.text)
	tooLong := false
	for c.available() {
		b := c.in.buf[c.in.pos:c.in.end]
		i := 0
		for i < len(b) && b[i] != '"' && b[i] != '\r' && b[i] != '\n' {
			i++
		}
		c.out.text = append(c.out.text, b[:i]...)
		c.in.pos += i
		if len(c.out.text)-from > c.mostBytes() {
			tooLong = true
			c.out.text = c.out.text[:from]
		}
		if i == len(b) {
			continue
		}
		if b[i] != '"' {
			c.out.text = append(c.out.text, '\n')
			c.lineBreak()
			continue
		}
		c.in.pos++
		if c.available() && c.in.buf[c.in.pos] == '"' {
			c.in.pos++
			c.out.text = append(c.out.text, '"')
			continue
		}
		if last, err = c.fieldEnd(); err == nil && tooLong {
			err = c.atBegin(c.out.tooLong())
		}

		return last, err
	}
	if !errors.Is(c.in.err, io.EOF) {
		return false, c.in.err
	}

	return false, c.atBegin(refuse(ReasonQuote, "The value begins with a quotation mark that is never closed."))
}

// kind says what the field holds whose text was appended to the row's from there on, and takes off
// what we have put in front of its text (see EscapeCSV and Written).
func (c *csvScan) kind(from int) Kind {
	text := c.out.text[from:]
	if len(text) > 1 && text[0] == '\'' && needsEscape(text[1:]) {
		c.out.text = append(c.out.text[:from], text[1:]...)

		return KindText
	}
	kind := csvKind(text)
	if kind == KindText {
		c.out.text, kind = unwritten(c.out.text, from)
	}

	return kind
}

// EscapeCSV returns the text of a cell as we write it to a CSV file: with an apostrophe in front
// where a spreadsheet would run it, or where it would be read as something else than text. Reading
// takes the apostrophe off again, so that every text comes back as it was.
func EscapeCSV(text string) string {
	if text != "" && needsEscape([]byte(text)) {
		return "'" + text
	}

	return text
}

// needsEscape says whether a text, without the apostrophes in front that we may have put there
// already, would be run or misread: what begins with =, @, tab or carriage return, with + or - and
// anything but digits behind it, and whatever else is no text.
func needsEscape(text []byte) bool {
	bare := bytes.TrimLeft(text, "'")
	if len(bare) == 0 {
		return false
	}
	switch bare[0] {
	case '=', '@', '\t', '\r':
		return true
	case '+', '-':
		return len(bare) == 1 || countDigits(bare[1:]) < len(bare)-1
	}
	kind := csvKind(bare)

	return kind != KindText && kind != KindBlank
}

// csvKind says what a field holds. A field is a formula if a spreadsheet would make one of it: what
// begins with = or @, and what begins with + or - and is no number (an international phone number
// is one).
func csvKind(text []byte) Kind {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 {
		return KindBlank
	}
	switch first, n := utf8.DecodeRune(trimmed); first {
	case '=', '@', '\uff1d', '\uff20', '\uff0b', '\uff0d': // the wide forms count in Japanese Excel
		return KindFormula
	case '+', '-':
		if !isSignedNumber(first, string(trimmed[n:])) {
			return KindFormula
		}
	case '#':
		if errorValues[string(trimmed)] {
			return KindError
		}
	}

	return KindText
}

// isSignedNumber says whether what stands behind a sign is no formula: a number, a phone number
// behind a +, or, as people write it for "nothing", just another dash or none.
func isSignedNumber(sign rune, rest string) bool {
	phone := sign == '+' && strings.IndexFunc(rest, unicode.IsDigit) >= 0 && strings.TrimFunc(rest, inPhone) == ""
	whole, fraction, _ := strings.Cut(strings.Replace(rest, ",", ".", 1), ".")
	number := whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""

	return phone || number || isShortForm(rest) || strings.Trim(rest, "-") == "" && sign == '-'
}

// inPhone says whether a phone number may have the rune, in whatever form people and programs write its
// digits, spaces and hyphens. Which numbers are taken is not decided here.
func inPhone(r rune) bool {
	return unicode.IsDigit(r) || unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune("()./", r)
}

// errorValues are what Excel writes for cells with errors.
var errorValues = map[string]bool{
	"#N/A":          true,
	"#REF!":         true,
	"#NAME?":        true,
	"#VALUE!":       true,
	"#DIV/0!":       true,
	"#NUM!":         true,
	"#NULL!":        true,
	"#SPILL!":       true,
	"#CALC!":        true,
	"#FIELD!":       true,
	"#BLOCKED!":     true,
	"#CONNECT!":     true,
	"#UNKNOWN!":     true,
	"#GETTING_DATA": true,
}
