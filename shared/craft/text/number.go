package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The bounds of numbers and extensions.
const (
	MinDigits = 3
	MaxDigits = 15 // of a number, as in ITU-T E.164
	// MaxNumber is how many characters a number has at most, folded as it is compared.
	MaxNumber = 32
	// longestNumber is how many characters of a text are folded to see that.
	longestNumber = 4 * MaxNumber
	// MaxExtension is how many digits an extension has at most.
	MaxExtension = 10
)

// Extension says whether a text is a phone extension: 1 to 10 digits from 0 to 9, of which leading
// zeros count.
func Extension(s string) bool {
	return len(s) > 0 && len(s) <= MaxExtension && decimal(s)
}

func decimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Digits are those of a number, by which two are compared: +1 656-789-1230 and 16567891230 are one
// (requirements, section 6). Digits of any width count; what is no number has none.
func Digits(s string) string {
	if decimal(s) {
		return s
	}
	digits, _, fault := readNumber(s)
	if fault != "" {
		return ""
	}
	return digits
}

// NumberFault says what is wrong with a direct number, to follow "the number"; nothing for 3 to 15
// digits, with a plus sign before them or not, and with spaces, hyphens, periods, slashes and round
// brackets between them.
func NumberFault(s string) string {
	digits, length, fault := readNumber(s)
	switch {
	case fault != "":
		return fault
	case length > MaxNumber:
		return tooLong
	case len(digits) < MinDigits || len(digits) > MaxDigits:
		return "must have 3 to 15 digits"
	}
	return ""
}

const tooLong = "must have at most 32 characters"

// readNumber takes the digits out of a number; length is how many characters it has when it is folded.
func readNumber(s string) (digits string, length int, fault string) {
	if decimal(s) {
		return s, len(s), ""
	}
	if utf8.RuneCountInString(s) > longestNumber {
		return "", 0, tooLong
	}
	if fault := unseen(s); fault != "" {
		return "", 0, fault
	}
	form := strings.Map(typed, norm.NFKC.String(s))
	digits, fault = digitsOf(form)
	return digits, utf8.RuneCountInString(form), fault
}

// digitsOf takes the digits out of a folded number.
func digitsOf(form string) (digits, fault string) {
	var b strings.Builder
	open, last := false, 0 // whether a bracket is open, and how many digits stand together at the end
	for i, r := range form {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
			last++
			continue
		case unicode.IsDigit(r):
			return "", "must be written with the digits 0 to 9"
		case unicode.IsLetter(r):
			return "", "must be digits; letters and an extension do not belong to it"
		case r == '+' && i == 0:
			continue
		case r == '+':
			return "", "may have a plus sign at its beginning only"
		case r == '(' && !open:
			open = true
		case r == ')' && open && last > 0:
			if last == 1 && strings.HasSuffix(b.String(), "0") {
				return "", "must be written without (0)"
			}
			open = false
		case (r == ' ' || r == '-' || r == '.' || r == '/') && b.Len() == 0 && !(r == ' ' && i > 0):
			return "", "must begin with a digit, a plus sign or a round bracket"
		case r == ' ' || r == '-' || r == '.' || r == '/':
		default:
			return "", "must be digits, with a plus sign before them or not, and spaces, hyphens, periods, slashes or round brackets between them"
		}
		last = 0
	}
	switch n := b.Len(); {
	case open:
		return "", "has a bracket that is not closed"
	case last == 0:
		return "", "must end with a digit"
	case last == 1 && n > 1: // 6567891230.0 is a number that a program has calculated with
		return "", "must not end with a digit that stands alone"
	}
	return b.String(), ""
}
