package problem

import (
	"fmt"
	"slices"
	"strings"
)

// Code names what is wrong with a field, for programs (requirements, section 10; contract,
// Conventions). A code never changes its meaning; more may come.
type Code string

// The codes of field errors. The document lists them with the same words.
const (
	Required         Code = "required"
	UnknownField     Code = "unknown-field"
	UnknownParameter Code = "unknown-parameter"
	Repeated         Code = "repeated"
	WrongType        Code = "wrong-type"
	NotAllowed       Code = "not-allowed"
	BadFormat        Code = "bad-format"
	BadCharacters    Code = "bad-characters"
	BadEncoding      Code = "bad-encoding"
	BadCursor        Code = "bad-cursor"
	TooShort         Code = "too-short"
	TooLong          Code = "too-long"
	TooSmall         Code = "too-small"
	TooLarge         Code = "too-large"
	TooFew           Code = "too-few"
	TooMany          Code = "too-many"
	OutOfRange       Code = "out-of-range"
	UnknownID        Code = "unknown-id"
	NotApplicable    Code = "not-applicable"
	Duplicate        Code = "duplicate"
	NotTogether      Code = "not-together"
	Mismatch         Code = "mismatch"
	Unwritable       Code = "read-only"
	Refused          Code = "refused"
)

// meanings says what each code tells, in words for the document.
var meanings = map[Code]string{
	Required:         "it is missing or empty and must be given",
	UnknownField:     "the body has no such field",
	UnknownParameter: "the operation has no such query parameter",
	Repeated:         "it is given several times where it has one value, or a member of an object is named twice",
	WrongType:        "it is of another JSON type, or a number that is written as another kind of number",
	NotAllowed:       "it is none of the values that are allowed",
	BadFormat:        "it is not of its form: an id, an e-mail address, a day, a time, a UUID, an extension",
	BadCharacters:    "it has characters that may not be in it: control characters, invisible ones, spaces around it",
	BadEncoding:      "it has a bad percent escape, or is not UTF-8",
	BadCursor:        "the cursor is not one of this list with these filters",
	TooShort:         "the text is too short",
	TooLong:          "the text is too long",
	TooSmall:         "the number is too small",
	TooLarge:         "the number or the size is too large",
	TooFew:           "there are too few of them",
	TooMany:          "there are too many of them",
	OutOfRange:       "it is not between its limits: a number, a time or a window",
	UnknownID:        "there is no such thing in the account or in the catalog",
	NotApplicable:    "it is known, but cannot be used here",
	Duplicate:        "it is there already, or twice in one request",
	NotTogether:      "it does not go with another field, or needs one",
	Mismatch:         "it does not agree with something else: parts that do not add up",
	Unwritable:       "it is read only and differs from what is there",
	Refused:          "the operation refused it for the reason that its message says",
}

// Codes lists every code, in the order of the alphabet.
func Codes() []Code {
	all := make([]Code, 0, len(meanings))
	for code := range meanings {
		all = append(all, code)
	}
	slices.Sort(all)
	return all
}

// Meaning is what the code tells, as half a sentence; empty for a code that there is not.
func (c Code) Meaning() string { return meanings[c] }

// maxNamed is how many faults of one list are named one by one; the last one then says how many
// more there are.
const maxNamed = 100

// Culprits names every element of a list of ids that is at fault, with its index and its id
// (requirements, section 10). bad says which are; message goes on from the id.
func Culprits(field string, code Code, ids []string, bad func(i int) bool, message string) []Field {
	var fields []Field
	found := 0
	for i, id := range ids {
		if !bad(i) {
			continue
		}
		if found++; found <= maxNamed {
			fields = append(fields, Fault(fmt.Sprintf("%s[%d]", field, i), code, "%s %s", quoted(id), message))
		}
	}
	if found > maxNamed {
		fields = append(fields, Fault(field, code, "has %d more that are so", found-maxNamed))
	}
	return fields
}

// quoted shows an id that the caller sent; one that cannot be an id is not repeated.
func quoted(id string) string {
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' || c == '"' {
			return "the id"
		}
	}
	const longest = 128
	if id == "" || len(id) > longest {
		return "the id"
	}
	return `"` + id + `"`
}

// Named makes the field error of a name that package text judged: what it says is wrong, or nothing
// where it says nothing.
func Named(field, fault string) Field {
	code := BadCharacters
	if strings.Contains(fault, "at most") {
		code = TooLong
	}
	return Field{Field: field, Code: code, Message: fault}
}
