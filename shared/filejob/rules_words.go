package filejob

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
)

// Wording is how the message of a result file says what becomes of a row, for a person who knows no
// codes: "Add-ons: none, now IP Phone".
type Wording struct {
	// Fields are what the fields of differences are called.
	Fields map[string]string
	// Products are the fields that hold ids of products, apart by spaces; each is said by its name.
	Products []string
	// Apart are the fields of a list whose From is what leaves it and whose To is what joins it, with
	// the words before each; both are empty where the values say so themselves.
	Apart   map[string][2]string
	Catalog *catalog.Catalog
}

// of is a difference in words.
func (w Wording) of(d Difference) string {
	name := cmp.Or(w.Fields[d.Field], d.Field)
	from, to := w.value(d.Field, d.From), w.value(d.Field, d.To)
	words, apart := w.Apart[d.Field]
	if !apart {
		return fmt.Sprintf("%s: %s, now %s", name, cmp.Or(from, "none"), cmp.Or(to, "none"))
	}
	var parts []string
	for i, value := range []string{from, to} {
		if value != "" {
			parts = append(parts, strings.TrimSpace(words[i]+" "+value))
		}
	}
	return name + ": " + strings.Join(parts, ", ")
}

// value is what a field holds, with products by their names.
func (w Wording) value(field, value string) string {
	if !slices.Contains(w.Products, field) {
		return value
	}
	ids := strings.Fields(value)
	for i, id := range ids {
		ids[i] = w.Catalog.Name(id)
	}
	return strings.Join(ids, ", ")
}

// Hints say which code was perhaps meant: by the name, id or code of its product in whatever
// letters, or by a slip in one of them.
type Hints struct {
	// meant is what is said of a product, by its name, id and code without all but letters and digits.
	meant map[string]hint
	// few are the first codes, for who meant none of them.
	few string
}

// hint is what is said to who meant a product: exactly, and with a slip.
type hint struct{ meant, near string }

// fewCodes is how many codes a message names.
const fewCodes = 5

// NewHints knows these products.
func NewHints(products []catalog.Product) Hints {
	h := Hints{meant: map[string]hint{}}
	var codes []string
	for _, p := range products {
		code := cmp.Or(p.Code, p.ID)
		codes = append(codes, code)
		for _, said := range []string{p.Name, code, p.ID} {
			h.meant[lettersAndDigits(said)] = hint{
				meant: fmt.Sprintf(" Write %s for %s.", code, p.Name),
				near:  fmt.Sprintf(" Did you mean %s (%s)?", code, p.Name),
			}
		}
	}
	h.few = Few("There are", codes)
	return h
}

// Few is a sentence, with a space in front, that begins with some words and names the first few of
// what there is.
func Few(begin string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	shown := list[:min(len(list), fewCodes)]
	said := " " + begin + " " + strings.Join(shown, ", ")
	if more := len(list) - len(shown); more > 0 {
		said += fmt.Sprintf(" and %d more", more)
	}
	return said + "."
}

// For is the hint for what a cell says: empty, or a sentence with a space in front.
func (h Hints) For(said string) string {
	const longest = 100
	if len(said) > longest {
		return h.few
	}
	said = lettersAndDigits(said)
	return cmp.Or(h.meant[said].meant, h.meant[text.Nearest(said, maps.Keys(h.meant))].near, h.few)
}

// lettersAndDigits are those of a text, in lower case.
func lettersAndDigits(said string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, said))
}
