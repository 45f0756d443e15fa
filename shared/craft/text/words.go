package text

import (
	"slices"
	"strings"
	"unicode"
)

// entryBytes is how many bytes of a text from one of its words on a search looks at: an entry is a
// part of a key, which has 1,024.
const entryBytes = 256

// Words are what a search finds the beginnings of: the runs of letters, digits and their markers in
// a folded text. A text without any is one word as it is.
func Words(s string) []string {
	fold := Fold(s)
	words := strings.FieldsFunc(fold, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) })
	if len(words) == 0 && fold != "" {
		return []string{fold}
	}
	return words
}

// Query is what somebody searches for.
type Query struct {
	words  string // joined, cut
	digits string // when it can be the beginning of a number or an extension
	coded  bool   // the digits begin with a country code, as a plus sign says
}

// NewQuery reads what somebody searches for: the beginnings of one word, or of several that follow
// each other, of which all but the last are whole.
func NewQuery(q string) Query {
	query := Query{words: cut(strings.Join(Words(q), " "))}
	if form := Fold(q); strings.Trim(form, "0123456789+-./() ") == "" {
		query.digits = strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, form)
		query.coded = strings.HasPrefix(form, "+")
	}
	return query
}

// Empty says that nothing is searched for that anything could begin with.
func (q Query) Empty() bool { return q.words == "" }

// Prefix is what the entries of all that the query finds by words begin with.
func (q Query) Prefix() string { return q.words }

// Digits is what the digits of all that the query finds by a number or an extension begin with;
// empty when it can be the beginning of neither.
func (q Query) Digits() string { return q.digits }

// In says whether the query finds a text: whether it begins with what is searched from one of its
// words on.
func (q Query) In(s string) bool {
	words := Words(s)
	for i := range words {
		if q.words != "" && strings.HasPrefix(cut(strings.Join(words[i:], " ")), q.words) {
			return true
		}
	}
	return false
}

// InAny says whether the query finds one of the texts.
func (q Query) InAny(texts ...string) bool { return slices.ContainsFunc(texts, q.In) }

// InNumber says whether the query finds a number or an extension, by the beginning of its digits.
func (q Query) InNumber(number string) bool {
	return q.digits != "" && strings.HasPrefix(Digits(number), q.digits)
}

// The numbers of North America have ten digits behind the country code, and people leave it out.
const (
	countryCode    = "1"
	nationalDigits = 10
)

// WithCode is what the digits of all that the query finds behind the country code 1 begin with; empty
// when it can be the beginning of no such number.
func (q Query) WithCode() string {
	if q.digits == "" || q.coded || len(q.digits) > nationalDigits {
		return ""
	}
	return countryCode + q.digits
}

// InNational says whether the query finds a number behind its country code: one of 11 digits of which
// the first is 1 (requirements, section 6).
func (q Query) InNational(number string) bool {
	digits, prefix := Digits(number), q.WithCode()
	return prefix != "" && len(digits) == len(countryCode)+nationalDigits && strings.HasPrefix(digits, prefix)
}

// Entries are what an index holds of some texts, so that every query that finds one of them begins
// one entry: each text from each word on, folded, but for what another entry begins with. Of a text
// with more than most words, the first ones and the last one are found. They are sorted.
func Entries(most int, texts ...string) []string {
	var all []string
	for _, s := range texts {
		words := Words(s)
		for i := range words {
			if i < most-1 || i == len(words)-1 {
				all = append(all, cut(strings.Join(words[i:], " ")))
			}
		}
	}
	slices.Sort(all)
	kept := all[:0]
	for i, entry := range all {
		if i+1 == len(all) || !strings.HasPrefix(all[i+1], entry) { // what begins with it comes right behind it
			kept = append(kept, entry)
		}
	}
	return kept
}

func cut(s string) string {
	if len(s) > entryBytes {
		s = strings.ToValidUTF8(s[:entryBytes], "")
	}
	return s
}
