package printing

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of a statement (docs/contract.md).
const (
	html = "text/html"
	pdf  = "application/pdf"
	csv  = "text/csv"
)

// formOf chooses one of the forms of a statement by an Accept header (RFC 9110, 12.5.1): the one
// with the greatest weight, the first of those that are equal, and the first of all if the header is
// empty. The weight of a form is that of the most precise range that covers it. It is false if the
// header takes none of them.
func formOf(accept string, forms ...string) (string, bool) {
	if strings.TrimSpace(accept) == "" {
		return forms[0], true
	}
	best, most := "", 0.0
	for _, form := range forms {
		if w := weight(accept, form); w > most {
			best, most = form, w
		}
	}
	return best, best != ""
}

// weight is that of the most precise range of the header which covers the media type; 0 if none
// does. A weight that is not one from 0 to 1 counts as 0.
func weight(accept, mediaType string) float64 {
	kind, _, _ := strings.Cut(mediaType, "/")
	found, precision := 0.0, -1
	for element := range strings.SplitSeq(accept, ",") {
		parts := strings.Split(element, ";")
		at := -1
		switch strings.ToLower(strings.TrimSpace(parts[0])) {
		case mediaType:
			at = 2
		case kind + "/*":
			at = 1
		case "*/*":
			at = 0
		}
		if at <= precision {
			continue
		}
		q := 1.0
		for _, parameter := range parts[1:] {
			name, value, _ := strings.Cut(parameter, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "q") {
				continue
			}
			var err error
			if q, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil || !(q >= 0 && q <= 1) {
				q = 0
			}
		}
		found, precision = q, at
	}
	return found
}

// disposition shows a statement in the browser, and names the file for who keeps it. Names of
// accounts have letters that a header cannot carry as they are, and marks that no file name takes.
func disposition(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	return mime.FormatMediaType("inline", map[string]string{"filename": safe})
}
