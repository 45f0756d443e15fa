package sheet

import (
	"bytes"
	"strconv"
	"strings"
)

// digitsKept is how many digits of a number a spreadsheet keeps and shows; what is entered beyond
// them is lost.
const digitsKept = 15

// maxExponent is the exponent up to which a number is written out.
const maxExponent = 30

// appendNumber appends the number as a person sees it in a cell without a format: 6567891230 for
// 6.56789123E9 and for 6567891230.0, rounded to 15 digits. Numbers that a spreadsheet cannot show
// whole stay as they are written, so that Mangled knows them: those of more than 15 digits before
// the point, and those in the short form that General shows (6.57E+09). It says whether raw is a
// number at all.
func appendNumber(dst, raw []byte) ([]byte, bool) {
	raw = bytes.TrimSpace(raw)
	rest, negative := raw, false
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		negative = rest[0] == '-'
		rest = rest[1:]
	}
	whole := countDigits(rest)
	digits := append(make([]byte, 0, 32), rest[:whole]...)
	rest = rest[whole:]
	fraction := 0
	if len(rest) > 0 && rest[0] == '.' {
		fraction = countDigits(rest[1:])
		digits = append(digits, rest[1:1+fraction]...)
		rest = rest[1+fraction:]
	}
	if whole+fraction == 0 {
		return dst, false
	}
	exponent, signed := 0, false
	if len(rest) > 0 {
		if rest[0] != 'e' && rest[0] != 'E' {
			return dst, false
		}
		rest = rest[1:]
		signed = len(rest) > 0 && (rest[0] == '+' || rest[0] == '-')
		n, err := strconv.Atoi(string(rest))
		if err != nil || n > 1000 || n < -1000 {
			return dst, false
		}
		exponent = n
	}
	significant := bytes.Trim(digits, "0")
	if len(significant) == 0 {
		return append(dst, '0'), true
	}
	// The value is 0.significant times ten to the power of point.
	point := whole + exponent - (len(digits) - len(bytes.TrimLeft(digits, "0")))
	short := signed && len(significant) <= 6
	if short || point > digitsKept || point > maxExponent || point < -maxExponent {
		return append(dst, raw...), true
	}
	significant, point = round(significant, point)
	if negative {
		dst = append(dst, '-')
	}

	return appendDecimal(dst, significant, point), true
}

// appendDecimal appends 0.significant times ten to the power of point, without an exponent.
func appendDecimal(dst, significant []byte, point int) []byte {
	switch {
	case point <= 0:
		dst = append(dst, "0."...)
		for range -point {
			dst = append(dst, '0')
		}

		return append(dst, significant...)
	case point >= len(significant):
		dst = append(dst, significant...)
		for range point - len(significant) {
			dst = append(dst, '0')
		}

		return dst
	default:
		dst = append(append(dst, significant[:point]...), '.')

		return append(dst, significant[point:]...)
	}
}

// round cuts the digits of a number to those that a spreadsheet shows.
func round(digits []byte, point int) ([]byte, int) {
	if len(digits) <= digitsKept {
		return digits, point
	}
	up := digits[digitsKept] >= '5'
	digits = digits[:digitsKept]
	for i := len(digits) - 1; up && i >= 0; i-- {
		if digits[i]++; digits[i] <= '9' {
			up = false
		} else {
			digits[i] = '0'
		}
	}
	if up {
		return []byte{'1'}, point + 1
	}

	return bytes.TrimRight(digits, "0"), point
}

func countDigits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}

	return n
}

// Mangled says whether a spreadsheet has spoilt what was entered, so that nobody can tell what it
// was (requirements, section 5): the short form of a long number (6.57E+09, with a comma in some
// countries), a number of more than 15 digits, of which the last ones are lost, or the ##### of a
// column that is too narrow.
func Mangled(c Cell) bool {
	text := strings.TrimSpace(c.Text)
	switch c.Kind {
	case KindNumber:
		digits := countDigits([]byte(strings.TrimLeft(strings.TrimLeft(text, "+-"), "0")))
		// Text keeps an exponent only where the number could not be written out.
		return digits > digitsKept || strings.ContainsAny(text, "eE")
	case KindText:
		return isShortForm(text) || len(text) > 1 && strings.Trim(text, "#") == ""
	default:
		return false
	}
}

// isShortForm says whether text is a number as a narrow cell shows it: a digit, perhaps a point and
// more digits, E, a sign and an exponent. The sign may be missing where there is a point: 1E5 can
// be a name, 6.57E9 cannot.
func isShortForm(text string) bool {
	b := []byte(strings.TrimLeft(text, "+-"))
	whole := countDigits(b)
	if whole == 0 || len(text)-len(b) > 1 {
		return false
	}
	b = b[whole:]
	pointed := false
	if len(b) > 0 && (b[0] == '.' || b[0] == ',') {
		n := countDigits(b[1:])
		pointed = n > 0
		b = b[1+n:]
	}
	if len(b) == 0 || b[0] != 'e' && b[0] != 'E' {
		return false
	}
	b = b[1:]
	signed := len(b) > 0 && (b[0] == '+' || b[0] == '-')
	if signed {
		b = b[1:]
	}

	return (signed || pointed) && len(b) > 0 && len(b) <= 3 && countDigits(b) == len(b)
}
