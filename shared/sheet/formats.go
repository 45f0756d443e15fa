package sheet

import (
	"strconv"
	"strings"
)

// format is what the number format of a cell makes of a number, as far as that says what was entered: formatPlain and formatDate, or how many digits it shows at least.
type format uint8

const (
	formatPlain format = 0
	formatDate  format = 255
)

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
					formats, plain = append(formats, f), plain && f == formatPlain

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
	switch n, err := strconv.Atoi(id); {
	case err != nil:
		return formatPlain
	case n >= 14 && n <= 22, n >= 27 && n <= 36, n >= 45 && n <= 47, n >= 50 && n <= 58:
		return formatDate
	default:
		return formatPlain
	}
}

// formatOf reads the code of a format: that of positive numbers, which stands first.
func formatOf(code string) format {
	shown, _, _ := strings.Cut(unquoted(code), ";")
	shown = strings.TrimSpace(shown)
	switch {
	case strings.ContainsAny(strings.ToLower(shown), "dmyhs"):
		return formatDate
	case len(shown) > 1 && len(shown) <= digitsKept && strings.Trim(shown, "0") == "":
		return format(len(shown))
	default:
		return formatPlain
	}
}

// unquoted leaves out of a format code what only decorates: quoted texts, escaped characters, spaces as wide as a character, fillers, and what is in brackets, such as a color, unless it
// counts hours, minutes or seconds.
func unquoted(code string) string {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return b.String()
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return b.String()
			}
			if inside := strings.ToLower(code[i+1 : i+end]); strings.Trim(inside, "h") == "" || strings.Trim(inside, "m") == "" || strings.Trim(inside, "s") == "" {
				b.WriteString(inside)
			}
			i += end
		default:
			b.WriteByte(code[i])
		}
	}

	return b.String()
}

// formatted gives a number that was read as it is without a format the digits that its format shows. Text that is no such number stays as it is.
func formatted(text []byte, from int, f format) []byte {
	digits := len(text) - from
	if missing := int(f) - digits; missing > 0 && countDigits(text[from:]) == digits {
		text = append(text, "000000000000000"[:missing]...)
		copy(text[from+missing:], text[from:from+digits])
		copy(text[from:], "000000000000000"[:missing])
	}

	return text
}
