package offboarding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"seatwise/shared/platform/call"
)

// words are what tells who a person is, and what stands in their place.
type words struct {
	User, Token string
	// Names are all that they were ever called here, and so on: the last of them first.
	Names, Emails, Numbers []string
	// Shared says that somebody else has the same name: it is theirs where the person is not mentioned.
	Shared bool
}

// names says whether a document names the person by their id.
func (w words) names(text []byte) bool {
	quoted, err := json.Marshal(w.User)
	return err == nil && bytes.Contains(text, quoted)
}

// document is a document of an item without the words.
func (w words) document(kind, key string, data []byte) (out []byte, changed bool, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, false, fmt.Errorf("forget: %s: %w", kind, err)
	}
	theirs := w.names(data) || strings.Contains(key+"#", "#"+w.User+"#")
	said := w.value(kind, "", v, theirs)
	before, err := call.Encode(v)
	if err == nil {
		out, err = call.Encode(said)
	}
	if err != nil {
		return nil, false, err
	}
	return out, !bytes.Equal(before, out), nil
}

// value is a value without the words; field is what it is called.
func (w words) value(kind, field string, v any, theirs bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, one := range v {
			inside := kind
			if kind == "AUDIT" && (name == "before" || name == "after") {
				inside = "REQUESTS" // what a request said, if it is of one
			}
			out[name] = w.value(inside, name, one, theirs)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = w.value(kind, field, one, theirs)
		}
		return out
	case string:
		return w.text(kind, field, v, theirs)
	}
	return v
}

func (w words) text(kind, field, v string, theirs bool) string {
	free := kind == "REQUESTS" && (field == "reason" || field == "note")
	switch {
	case v == "":
	case theirs && free:
		return w.Token
	case field == "email" && w.hasEmail(v), field == "number" && w.hasNumber(v):
		return ""
	}
	return w.replace(v, theirs)
}

func (w words) hasEmail(text string) bool {
	return slices.ContainsFunc(w.Emails, func(one string) bool { return strings.EqualFold(one, text) })
}

func (w words) hasNumber(text string) bool {
	return slices.ContainsFunc(w.Numbers, func(one string) bool { return digits(one) == digits(text) })
}

// replace takes the words out of a text; theirs says that the person is mentioned beside it. Elsewhere a
// name is left that somebody else has too, and one of a single word unless it is all of the text, since it may
// be any word.
func (w words) replace(text string, theirs bool) string {
	for _, word := range slices.Concat(w.Emails, w.Numbers) {
		text = instead(text, word, w.Token)
	}
	for _, name := range w.Names {
		if theirs || !w.Shared && (strings.Contains(name, " ") || strings.EqualFold(text, name)) {
			text = instead(text, name, w.Token)
		}
	}
	return text
}

// instead replaces a word that stands alone, whatever its case.
func instead(text, word, with string) string {
	if word == "" {
		return text
	}
	var out strings.Builder
	from := 0
	for _, at := range regexp.MustCompile("(?i)"+regexp.QuoteMeta(word)).FindAllStringIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
		after, _ := utf8.DecodeRuneInString(text[at[1]:])
		if letter(before) || letter(after) {
			continue
		}
		out.WriteString(text[from:at[0]])
		out.WriteString(with)
		from = at[1]
	}
	return out.String() + text[from:]
}

func letter(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// digits are those of a number.
func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, number)
}
