package sheet

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// format is what the number format of a cell makes of a number, as far as that says what was entered: how many digits it shows at least, and how many zeros it puts in front of
// them whatever the number is.
type format struct {
	digits, zeros int
	date          bool
}

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

// readFormats reads the formats of the workbook's cells, in the order in which cells refer to them; none when all of them are plain.
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
					if len(codes) == maxFormats {
						return s.bad("has too many formats")
					}
					codes[s.attribute("numFmtId")] = formatOf(s.attribute("formatCode"))

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
					formats, plain = append(formats, f), plain && f == format{}

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
	date := n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58

	return format{date: err == nil && date}
}

// literalZero stands for a zero that a format shows whatever the number is.
const literalZero = '$'

// formatOf reads the code of a format: that of positive numbers, which stands first.
func formatOf(code string) format {
	shown, _, _ := strings.Cut(unquoted(code), ";")
	if strings.ContainsAny(strings.ToLower(shown), "dmyhs") {
		return format{date: true}
	}
	shown = strings.TrimSpace(shown)
	places := strings.TrimLeft(shown, string(literalZero))
	zeros := len(shown) - len(places)
	digits := len(strings.TrimLeft(places, "#"))
	if strings.Trim(places, "#0") != "" || strings.Contains(places, "0#") || zeros+digits > digitsKept || places == "" {
		return format{}
	}

	return format{digits: digits, zeros: zeros}
}

// unquoted leaves out of a format code what only decorates: quoted texts and escaped characters, but for zeros; spaces as wide as a character, fillers, and what is in brackets, such
// as a color, unless it counts hours, minutes or seconds.
func unquoted(code string) string {
	var b strings.Builder
	literal := func(text string) {
		if strings.ContainsAny(text, "123456789") {
			b.WriteByte('?') // shows what nobody has entered
		}
		for range strings.Count(text, "0") {
			b.WriteByte(literalZero)
		}
	}
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			text, _, _ := strings.Cut(code[i+1:], `"`)
			literal(text)
			i += len(text) + 1
		case '\\':
			i++
			literal(code[min(i, len(code)):min(i+1, len(code))])
		case '_', '*':
			i++
		case '[':
			inside, _, closed := strings.Cut(code[i+1:], "]")
			if !closed {
				return b.String()
			}
			if lower := strings.ToLower(inside); strings.Trim(lower, "h") == "" || strings.Trim(lower, "m") == "" || strings.Trim(lower, "s") == "" {
				b.WriteString(lower)
			}
			i += len(inside) + 1
		case literalZero: // a currency
		default:
			b.WriteByte(code[i])
		}
	}

	return b.String()
}

// formatted gives a number that was read as it is without a format the zeros in front that its format shows. Text that is no whole number stays as it is.
func formatted(text []byte, from int, f format) []byte {
	digits := len(text) - from
	if missing := f.zeros + max(0, f.digits-digits); missing > 0 && countDigits(text[from:]) == digits {
		text = slices.Insert(text, from, bytes.Repeat([]byte("0"), missing)...)
	}

	return text
}
