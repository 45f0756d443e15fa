package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold makes of a text what is compared when a person would call two texts the same (requirements,
// section 6): compatibility forms (NFKC), upper and lower case with ß and SS, accents, invisible
// characters, kinds and numbers of spaces, and typographic apostrophes, quotes and hyphens make no
// difference. Fold of a folded text is itself.
func Fold(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	return norm.NFKC.String(
		spaced(loose(norm.NFKD.String(strings.Map(typed, norm.NFD.String(strings.ToValidUTF8(s, "\ufffd")))))),
	)
}

// plain says whether all that Fold has to do is to lower the case: ASCII that needs no other
// spacing.
func plain(s string) bool {
	space := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' && space, c < ' ', c == '`', c >= 0x7f:
			return false
		default:
			space = c == ' '
		}
	}
	return !space || s == ""
}

// typed makes of typographic apostrophes, quotes and hyphens those that a keyboard has. The acute
// accent that stands alone is one: decomposed, it would be a space.
func typed(r rune) rune {
	switch r {
	case '‘', '’', '‚', '‛', 'ʹ', 'ʻ', 'ʼ', 'ʽ', 'ˈ', '′', '´', '`', '＇', '｀', '‵':
		return '\''
	case '“', '”', '„', '‟', '«', '»', '＂':
		return '"'
	case '‐', '‑', '‒', '–', '—', '―', '−', '﹘', '﹣', '－':
		return '-'
	}
	return r
}

// loose folds the case of decomposed text, and leaves out accents and what nobody sees.
func loose(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case accent(r), invisible(r) && r != braillePattern, unicode.IsControl(r) && !unicode.IsSpace(r):
		default:
			folded(&b, typed(r), true) // decomposition makes some that are typed in another way
		}
	}
	return b.String()
}

// folded writes a rune without its case; bare also without the stroke or the joining that Unicode
// takes for a part of the letter, where an accent would be taken off.
func folded(b *strings.Builder, r rune, bare bool) {
	if r < utf8.RuneSelf {
		b.WriteRune(unicode.ToLower(r))
		return
	}
	// Every set of letters that differ in case alone has a least one; σ, ς and Σ are such a set.
	// An iota below a letter is one of iotas: capitals have it beside them.
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	switch low := unicode.ToLower(least); {
	case low == 'ß':
		b.WriteString("ss")
	case bare:
		b.WriteString(stroked(low))
	default:
		b.WriteRune(low)
	}
}

// stroked are the Latin letters in lower case with a stroke through them or without their dot, and
// those that were two, as who has not got them writes them.
func stroked(r rune) string {
	switch r {
	case 'ø':
		return "o"
	case 'ł', 'ƚ':
		return "l"
	case 'đ', 'ɖ', 'ð':
		return "d"
	case 'ħ':
		return "h"
	case 'ŧ':
		return "t"
	case 'ƀ':
		return "b"
	case 'ǥ':
		return "g"
	case 'ƶ':
		return "z"
	case 'ı':
		return "i"
	case 'ȷ':
		return "j"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'ĸ':
		return "k"
	}
	return string(r)
}

// spaced has one plain space between words, and none around them.
func spaced(s string) string {
	return strings.Join(strings.FieldsFunc(s, blank), " ")
}

// blank says whether a rune takes room and shows nothing.
func blank(r rune) bool { return unicode.IsSpace(r) || r == braillePattern }

// Email makes of an address what is unique in an account: NFKC and case make no difference
// (requirements, section 6).
func Email(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		folded(&b, r, false)
	}
	return norm.NFKC.String(b.String())
}

// EmailFault says what is wrong with an address beyond its form, to follow "the e-mail address";
// nothing for up to 254 bytes of which every character can be seen.
func EmailFault(s string) string {
	if len(s) > maxEmail {
		return "must have at most 254 bytes"
	}
	return unseen(s)
}

// maxEmail is how long an address can be, in bytes (RFC 5321).
const maxEmail = 254

// Clean is a cell's text as it was meant: composed, without what nobody sees unless a word needs
// it, with one plain space where there are several or unusual ones, and none around it. Case,
// accents and apostrophes are left. It is what headers go through as well.
func Clean(s string) string {
	if plain(s) || clean(s) {
		return s
	}
	runes := []rune(norm.NFC.String(strings.ToValidUTF8(s, "\ufffd")))
	kept := make([]rune, 0, len(runes))
	for i, r := range runes {
		if !blank(r) && invisible(r) && !meant(at(kept, len(kept)-1), r, at(runes, i+1)) {
			continue
		}
		kept = append(kept, r)
	}
	return norm.NFC.String(spaced(string(kept)))
}

// clean says of most texts of which Clean would leave all that it would. Files hold the same long
// text in a million cells, and this takes a tenth of the time.
func clean(s string) bool {
	space, composed := true, true
	for _, r := range s {
		switch {
		case r == ' ' && space, r == utf8.RuneError:
			return false
		case r == ' ':
			space = true
			continue
		case r < utf8.RuneSelf && r > ' ', r > 0xa0 && r < 0x300 && r != '\u00ad', visible(r):
		case blank(r), invisible(r):
			return false
		default:
			composed = false // as far as one can see
		}
		space = false
	}
	return !space && (composed || norm.NFC.IsNormalString(s))
}

// at is a rune of a text, and 0 beyond its ends.
func at(runes []rune, i int) rune {
	if i < 0 || i >= len(runes) {
		return 0
	}
	return runes[i]
}
