package directory

import (
	"fmt"
	"strings"
)

// Named resolves what a cell of a file says: an id, an email or a name that is unique in the account (spec 5). Case does not matter for emails and names.
type Named struct {
	// kind is what is named: a user or a call queue.
	kind                  string
	byID, byEmail, byName map[string]namesake
}

// namesake is the first of an id, an email or a name, and how many share it.
type namesake struct {
	id     string
	active bool
	n      int32
}

// NewNamed knows nobody yet; kind is what is named, for a person: "user".
func NewNamed(kind string) *Named {
	return &Named{kind: kind, byID: map[string]namesake{}, byEmail: map[string]namesake{}, byName: map[string]namesake{}}
}

// Add enters one; email may be empty.
func (p *Named) Add(id, name, email string, active bool) {
	enter := func(in map[string]namesake, what string) {
		who := in[what]
		if who.n++; who.n == 1 {
			who.id, who.active = id, active
		}
		in[what] = who
	}
	enter(p.byID, id)
	enter(p.byName, strings.ToLower(name))
	if email != "" {
		enter(p.byEmail, strings.ToLower(email))
	}
}

// Has says whether there is one of this id.
func (p *Named) Has(id string) bool { return p.byID[id].n > 0 }

// Find returns the id of whom the text names and whether they are active, or why it names nobody, for a person to read.
func (p *Named) Find(text string) (id string, active bool, why string) {
	found, ok := p.byID[text]
	if !ok {
		folded := strings.ToLower(text)
		if found, ok = p.byEmail[folded]; !ok {
			found, ok = p.byName[folded]
		}
	}
	ways, instead := "neither by id nor by name", "id"
	if len(p.byEmail) > 0 {
		ways, instead = "neither by id nor by email nor by name", "id or the email"
	}
	switch {
	case !ok:
		return "", false, fmt.Sprintf("There is no %s %s, %s.", p.kind, Shorten(text), ways)
	case found.n > 1:
		return "", false, fmt.Sprintf("%d %ss are called %s; use the %s.", found.n, p.kind, Shorten(text), instead)
	}
	return found.id, found.active, ""
}

// Shorten keeps a text of a file to what a message has room for: 40 characters.
func Shorten(s string) string {
	const shown = 40
	n := 0
	for i := range s {
		if n == shown {
			return s[:i] + "..."
		}
		n++
	}
	return s
}
