package s3store

import (
	"fmt"
	"strings"
	"unicode"
)

// contentDisposition makes a browser save an answer under fileName (RFC 6266): the name as a quoted
// string in ASCII and, when that cannot say all of it, once more in UTF-8 (RFC 8187), which every
// browser of today prefers. Nothing in a name, which may hold a customer's brand, can end the
// value, name a folder, or reorder the letters.
func contentDisposition(fileName string) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, fileName)
	if strings.Trim(name, ". ") == "" {
		name = "download"
	}
	ascii := strings.Map(func(r rune) rune {
		// Some clients undo percent signs and others do not understand an escaped quote: RFC 6266,
		// appendix D, says to avoid both.
		if r > unicode.MaxASCII || r == '"' || r == '%' {
			return '_'
		}
		return r
	}, name)
	value := `attachment; filename="` + ascii + `"`
	if ascii != name {
		value += "; filename*=UTF-8''" + extValue(name)
	}
	return value
}

// extValue percent-encodes all but the attr-char of RFC 8187.
func extValue(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z',
			'A' <= c && c <= 'Z',
			'0' <= c && c <= '9',
			strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
