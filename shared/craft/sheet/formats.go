package sheet

import (
	"bytes"
	"strconv"
	"strings"
)

// format is what the number format of a cell makes of a number, as far as that says what a person
// sees: which digits stand there, in front of those of the number, between them and behind them, or
// that it is a date.
type format struct {
	date     bool // of a day or a time
	sections []section
}

func (f format) plain() bool { return !f.date && f.sections == nil }

// section is one of the up to four parts of a format: for positive numbers, negative ones, zero and
// texts, or for the numbers that fit a condition.
type section struct {
	// tokens are what is shown one behind the other: a placeholder, or a digit that stands there
	// whatever the number is.
	tokens []byte
	places int  // how many of the tokens are placeholders
	plus   bool // it shows a + in front
	// plain says that it shows the number's own digits, however divided; masked that it shows
	// something else than the number, or nothing.
	plain, masked bool
	condition     condition
}

// The tokens of a section, beside the digits that it shows itself.
const (
	placeZero = 'z' // a digit, or 0 where the number has none
	placeOpen = 'o' // a digit, or nothing
)

// condition says for which numbers a section is; the zero condition says nothing.
type condition struct {
	operator string
	than     float64
}

func (c condition) holds(n float64) bool {
	switch c.operator {
	case "<":
		return n < c.than
	case "<=":
		return n <= c.than
	case ">":
		return n > c.than
	case ">=":
		return n >= c.than
	case "=":
		return n == c.than
	case "<>":
		return n != c.than
	default:
		return false
	}
}

// maxFormatCode is how long the code of a format may be in a spreadsheet; what is longer shows who
// knows what.
const maxFormatCode = 255

// maxFormats is how many cell formats a workbook may have; a spreadsheet makes at most 65,490.
const maxFormats = 1 << 16

// stylesPart returns the part with the cell formats, or nil if the workbook has none.
func stylesPart(a *archive, relations map[string]relation) *entry {
	for _, r := range relations {
		if r.kind == "styles" && !r.external {
			return a.find(r.target)
		}
	}

	return nil
}

// readFormats reads the formats of the workbook's cells, in the order in which cells refer to them;
// none when all of them are plain.
func readFormats(a *archive, e *entry) ([]format, error) {
	codes := map[string]format{} // by numFmtId, those of the workbook's own
	var formats []format
	plain := true
	err := readPart(a, e, func(s *scanner) error {
		if err := s.root("styleSheet", spaceMain, spaceMainStrict); err != nil {
			return err
		}

		return s.children(func() error {
			switch string(s.local()) {
			case "numFmts":
				return s.children(func() error {
					id := s.attribute("numFmtId")
					if len(codes) == maxFormats || len(id) > 20 {
						return s.bad("has too many formats")
					}
					codes[id] = formatOf(s.attribute("formatCode"))

					return s.skip()
				})
			case "cellXfs":
				return s.children(func() error {
					if len(formats) == maxFormats {
						return s.bad("has too many formats")
					}
					id := s.attribute("numFmtId")
					f, own := codes[id]
					if !own {
						f = builtInFormat(id)
					}
					formats, plain = append(formats, f), plain && f.plain()

					return s.skip()
				})
			default:
				return s.skip()
			}
		})
	})
	if plain {
		formats = nil
	}

	return formats, err
}

// builtInFormat is a format that a workbook need not describe (ECMA-376, 18.8.30).
func builtInFormat(id string) format {
	n, err := strconv.Atoi(id)
	switch {
	case err != nil:
		return format{}
	case n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58:
		return format{date: true}
	case n == 9 || n == 10: // percent
		return format{sections: []section{{masked: true}}}
	default:
		return format{}
	}
}

// formatOf reads the code of a format (ECMA-376, 18.8.31).
func formatOf(code string) format {
	if len(code) > maxFormatCode {
		return format{sections: []section{{masked: true}}}
	}
	p := formatParser{code: code}
	var f format
	for p.more = true; p.more; {
		f.sections = append(f.sections, p.section())
		if len(f.sections) == 1 && p.date {
			return format{date: true}
		}
	}
	only := len(f.sections) == 1
	plain := true
	for i := range f.sections {
		s := &f.sections[i]
		if s.places == 0 && !s.plain && !s.masked {
			// Only texts, or nothing: three semicolons hide every number.
			s.masked = p.showed[i] || !only
			s.plain = !s.masked
		}
		plain = plain && s.plain
	}
	if plain {
		return format{}
	}

	return f
}

// formatParser reads the code of a format.
type formatParser struct {
	code   string
	at     int
	more   bool // another section follows
	date   bool
	showed []bool // by section, whether it shows anything of its own
}

// section reads up to the next semicolon.
func (p *formatParser) section() section { //nolint:funlen // one switch with a case for each character of a code
	var s section
	shows, behind, scaled, zeros, literal, general := false, false, false, 0, false, false
	p.date = false
	digits := func(text string) {
		for _, c := range []byte(text) {
			switch {
			case c >= '0' && c <= '9' && behind:
				s.masked = true // behind the point
			case c >= '0' && c <= '9':
				s.tokens, literal = append(s.tokens, c), true
			case c == '+' && len(s.tokens) == 0:
				s.plus = true
			}
		}
		shows = shows || strings.TrimSpace(text) != ""
	}
	place := func(token byte) {
		if scaled = false; !behind {
			if token == placeZero || zeros > 0 {
				token = placeZero // behind a zero every place shows one
				zeros++
			}
			s.tokens, s.places = append(s.tokens, token), s.places+1
		}
	}
	p.more = false
	for ; p.at < len(p.code); p.at++ {
		switch c := p.code[p.at]; c {
		case ';':
			p.at++
			p.more = true
		case '0':
			place(placeZero)
		case '#', '?':
			place(placeOpen)
		case '.':
			behind = true
			s.masked = s.masked || scaled
		case ',':
			scaled = s.places > 0 && !behind
		case '%':
			s.masked = true
		case '/', '@':
			s.plain = true
		case 'E', 'e':
			if next := p.peek(1); next == "+" || next == "-" {
				s.plain = true
			}
		case 'G', 'g':
			if strings.EqualFold(p.peek(6), "eneral") {
				p.at += 6
				place(placeOpen)
				general = true
			}
		case '"':
			text, _, _ := strings.Cut(p.code[p.at+1:], `"`)
			p.at += len(text) + 1
			digits(text)
		case '\\', '!':
			text := p.peek(1)
			p.at += len(text)
			digits(text)
		case '_', '*':
			p.at++
		case '[':
			p.bracket(&s, digits)
		case 'd', 'D', 'm', 'M', 'y', 'Y', 'h', 'H', 's', 'S':
			p.date = true
		default:
			digits(string(c))
		}
		if p.more {
			break
		}
	}
	p.showed = append(p.showed, shows)
	s.masked = s.masked || scaled
	if s.plain && !literal { // a fraction, a text, or the short form of a long number
		s.masked = false
	}
	s.plain = s.plain || !s.masked && !literal && !s.plus && s.places > 0 && (zeros <= 1 || general)

	return s
}

// peek returns up to n bytes behind the one that is read.
func (p *formatParser) peek(n int) string {
	return p.code[min(p.at+1, len(p.code)):min(p.at+1+n, len(p.code))]
}

// bracket reads what is in brackets: a color, which means nothing here, a currency, a condition, or
// a count of hours, minutes or seconds.
func (p *formatParser) bracket(s *section, digits func(string)) {
	inside, _, closed := strings.Cut(p.code[p.at+1:], "]")
	p.at += len(inside) + 1
	if !closed {
		return
	}
	lower := strings.ToLower(inside)
	switch {
	case inside == "":
	case inside[0] == '$':
		symbol, _, _ := strings.Cut(inside[1:], "-")
		digits(symbol)
		if _, language, _ := strings.Cut(strings.ToLower(inside[1:]), "-"); language == "f800" || language == "f400" {
			p.date = true // the long form of a day or a time
		}
	case strings.Trim(lower, "h") == "" || strings.Trim(lower, "m") == "" || strings.Trim(lower, "s") == "":
		p.date = true
	case strings.ContainsRune("<>=", rune(inside[0])):
		number := strings.TrimLeft(inside, "<>=")
		than, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			s.masked = true
		}
		s.condition = condition{inside[:len(inside)-len(number)], than}
	}
}

// of returns the section for a number.
func (f format) of(n float64) *section {
	conditional := false
	for i := range f.sections {
		s := &f.sections[i]
		conditional = conditional || s.condition.operator != ""
		if s.condition.holds(n) || conditional && s.condition.operator == "" {
			return s
		}
	}
	last := len(f.sections) - 1
	switch {
	case conditional:
		return &f.sections[last]
	case n < 0 && last >= 1:
		return &f.sections[1]
	case n == 0 && last >= 2:
		return &f.sections[2]
	default:
		return &f.sections[0]
	}
}

// show makes of a number that was read as it is without a format, and stands in text from there on,
// the digits that a person sees of it; or it says that what is seen is something else than the
// number.
func (f format) show(text []byte, from int) (shown []byte, masked bool) {
	if f.sections == nil {
		return text, false
	}
	n, err := strconv.ParseFloat(string(text[from:]), 64)
	s := f.of(n)
	digits := text[from:]
	switch {
	case err != nil || s.plain:
		return text, false
	case s.masked:
		return text, true
	case countDigits(digits) != len(digits):
		return text, bytes.ContainsFunc(s.tokens, func(r rune) bool { return r != placeZero && r != placeOpen })
	case n == 0:
		digits = nil
	}
	seen := make([]byte, 0, len(digits)+len(s.tokens)+1)
	if s.plus {
		seen = append(seen, '+')
	}
	place, zeros := 0, false
	for _, token := range s.tokens {
		if token != placeZero && token != placeOpen {
			seen = append(seen, token)
			continue
		}
		if surplus := len(digits) - s.places; place == 0 && surplus > 0 {
			seen = append(seen, digits[:surplus]...)
		}
		behind := s.places - 1 - place
		place++
		zeros = zeros || token == placeZero
		if len(digits) > behind {
			seen = append(seen, digits[len(digits)-1-behind])
		} else if zeros {
			seen = append(seen, '0')
		}
	}
	if len(bytes.Trim(seen, "+")) == 0 {
		return text, false // a zero that is not shown
	}

	return append(text[:from], seen...), false
}
