package purchase

import (
	"strconv"
	"strings"
)

// The media types of a statement (docs/contract.md).
const (
	HTML = "text/html"
	PDF  = "application/pdf"
)

// StatementForm chooses the form of a statement by an Accept header (RFC 9110, 12.5.1): the one
// with the greater weight, HTML if they are equal or the header is empty. The weight of a form is
// that of the most precise range that covers it. It is false if the header takes neither.
func StatementForm(accept string) (string, bool) {
	if strings.TrimSpace(accept) == "" {
		return HTML, true
	}
	html, pdf := weight(accept, HTML), weight(accept, PDF)
	switch {
	case html <= 0 && pdf <= 0:
		return "", false
	case pdf > html:
		return PDF, true
	}
	return HTML, true
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
