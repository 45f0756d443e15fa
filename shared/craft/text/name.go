package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is how many characters a name has at most.
const MaxName = 200

// NameFault says what is wrong with a name, to follow "the name"; nothing when it may be one. It is
// the one rule for what people and things are called, files included (requirements, section 6): 1
// to MaxName characters, none of which is a control character or a break of lines, steers the
// direction of writing, cannot be seen, or has no meaning of its own (private use; not assigned, but
// for pictures, of which new ones come each year), and no space at either end. A joiner or a
// variation selector may stand where it changes how its neighbors look.
func NameFault(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case utf8.RuneCountInString(s) > MaxName:
		return fmt.Sprintf("must have at most %d characters", MaxName)
	}
	if fault := unseen(s); fault != "" {
		return fault
	}
	if strings.TrimFunc(s, blank) != s {
		return "must not begin or end with a space"
	}
	if !ascii(s) && Fold(s) == "" {
		return "must not be of accents alone"
	}
	return ""
}

// FileNameFault is NameFault of a file: of it, the part behind the last slash counts, as some
// browsers tell the folders too.
func FileNameFault(s string) string {
	if at := strings.LastIndexAny(s, `/\`); at >= 0 {
		s = s[at+1:]
	}
	return NameFault(s)
}

// PathFault is NameFault of every part of an object's key below its prefix.
func PathFault(s string) string {
	for part := range strings.SplitSeq(s, "/") {
		if fault := NameFault(part); fault != "" {
			return fault
		}
	}
	return ""
}

// unseen names the first character that no text of a person holds.
func unseen(s string) string {
	if ascii(s) {
		return ""
	}
	if !utf8.ValidString(s) {
		return "must be UTF-8"
	}
	runes := []rune(s)
	for i, r := range runes {
		var what string
		switch {
		case breaks(r):
			what = "control characters"
		case invisible(r) && !meant(at(runes, i-1), r, at(runes, i+1)):
			what = "characters that nobody sees or that change the direction of writing"
		case unicode.Is(unicode.Co, r), unicode.Is(unicode.Cn, r) && !visible(r):
			what = "characters without a meaning of their own (private use, or not assigned yet)"
		default:
			continue
		}
		return fmt.Sprintf("must not have %s; character %d is %U", what, i+1, r)
	}
	return ""
}

// ascii says whether a text is of ASCII characters that are all seen.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
