package text

import "unicode"

// braillePattern is a cell of Braille without a dot: it takes a space and shows nothing.
const braillePattern = '\u2800'

const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
	textStyle = '\ufe0e'
	emoji     = '\ufe0f'
	keycap    = '\u20e3'
	tinted    = '\U0001f3fb' // the first of the skin tones; there are five
	darkest   = '\U0001f3ff'
)

// invisible says whether a character shows nothing of its own: what Unicode calls default ignorable
// (joiners, fillers, soft hyphens, variation selectors, marks of direction, tags), the other format
// characters but those that are drawn around the digits behind them, and the empty cell of Braille.
func invisible(r rune) bool {
	switch {
	case r < 0x300:
		return r == '\u00ad'
	case visible(r):
		return false
	}
	return r == braillePattern ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}

// visible says of ideographs, Korean syllables and pictures, which are whole cells of some files,
// that they are no spaces, can be seen, and are composed whatever stands before them. Others may be
// so too.
func visible(r rune) bool {
	return r >= 0x3400 && r <= 0x9fff || r >= 0xac00 && r <= 0xd7a3 || r >= 0x1f000 && r < 0x20000
}

// breaks says whether a character ends a line, or steers a device instead of being drawn; or is
// none at all.
func breaks(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point)
}

// meant says whether an invisible character changes how its neighbors look, so that some words
// cannot be written without it: a joiner between two letters of a script without capitals, as in
// Persian and Hindi, or between two pictures; a variation selector behind a picture, a key, or a
// letter such as a Chinese one.
func meant(before, r, after rune) bool {
	switch {
	case r == nonJoiner:
		return uncased(before) && uncased(after)
	case r == joiner:
		return uncased(before) && uncased(after) ||
			picture(before) && unicode.Is(unicode.So, after) && after != braillePattern
	case r == emoji && (before >= '0' && before <= '9' || before == '#' || before == '*'):
		return after == keycap
	case unicode.Is(unicode.Variation_Selector, r):
		return uncased(before) ||
			before >= 0x80 && before != braillePattern &&
				unicode.In(before, unicode.So, unicode.Sm, unicode.Po, unicode.Pd)
	}
	return false
}

// uncased says whether a rune is a letter of a script without capitals, or a marker on one.
func uncased(r rune) bool {
	return !invisible(r) && (unicode.Is(unicode.Lo, r) || unicode.Is(unicode.M, r) && !accent(r))
}

// picture says whether a rune is a picture, or the end of one.
func picture(r rune) bool {
	return unicode.Is(unicode.So, r) && r != braillePattern || r == emoji || r == textStyle ||
		r >= tinted && r <= darkest
}

// accent says whether a rune is a marker above, below or through a letter of any script, such as
// the two dots of a decomposed ë. Signs that only one script has, such as the vowels of Hindi and
// the voicing marks of Japanese, are none: without them it is another word. Nor is the iota below a
// Greek letter, which stands beside a capital one.
func accent(r rune) bool {
	switch {
	case r < 0x300, r == 0x345:
		return false
	case r <= 0x36f,
		r >= 0x1ab0 && r <= 0x1aff,
		r >= 0x1dc0 && r <= 0x1dff,
		r >= 0x20d0 && r <= 0x20ff,
		r >= 0xfe20 && r <= 0xfe2f:
		return true
	}
	return false
}
