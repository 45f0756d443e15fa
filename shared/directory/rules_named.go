package directory

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"seatwise/shared/craft/text"
)

// Named resolves what a cell of a file says: an id, an email or a name that is unique in the
// account (requirements, sections 5 and 6). Ids are exact; of emails NFKC and case make no
// difference; a name that is exactly so wins, then one that is the same folded, if it is the only
// one.
type Named struct {
	// kind is what is named: a user or a call queue; key is what its id is called.
	kind, key     string
	byID, byEmail map[string]namesake
	byName        map[string]namesake // by the folded name
	// alike are the names that several have folded, by the name as it is.
	alike map[string]namesake
	// offer is a sentence for who names nothing that there is.
	offer string
	// meant are the sentences for who made a slip, by what they wrote; of the first mostMeant.
	meant map[string]string
}

// namesake is the first of an id, an email or a name, and how many share it.
type namesake struct {
	id, name string
	active   bool
	n        int32
}

// NewNamed knows nobody yet; kind is what is named, for a person: "user".
func NewNamed(kind string) *Named { return newNamed(kind, "id") }

// NewCoded is NewNamed of what has a code in the place of an id: "cost center".
func NewCoded(kind string) *Named { return newNamed(kind, "code") }

func newNamed(kind, key string) *Named {
	return &Named{
		kind:    kind,
		key:     key,
		byID:    map[string]namesake{},
		byEmail: map[string]namesake{},
		byName:  map[string]namesake{},
		alike:   map[string]namesake{},
		meant:   map[string]string{},
	}
}

// Add enters something that is always active, such as a role.
func (p *Named) Add(id, name string) { p.enter(id, name, "", true) }

// AddUser enters a user; email may be empty.
func (p *Named) AddUser(id, name, email string, active bool) { p.enter(id, name, email, active) }

func (p *Named) enter(id, name, email string, active bool) {
	enter := func(in map[string]namesake, what string) namesake {
		who := in[what]
		if who.n++; who.n == 1 {
			who.id, who.name, who.active = id, name, active
		}
		in[what] = who
		return who
	}
	enter(p.byID, id)
	if email != "" {
		enter(p.byEmail, text.Email(email))
	}
	who := enter(p.byName, text.Fold(name))
	if who.n == 1 {
		return
	}
	// Few names are alike, so what they are exactly is kept of them alone.
	if who.n == 2 {
		p.alike[who.name] = namesake{id: who.id, name: who.name, active: who.active, n: 1}
	}
	enter(p.alike, name)
}

// longestName is how many bytes of a cell can be a name or an address in some form; a hostile file
// may hold a million that are longer, and folding each would take minutes.
const longestName = 12 * text.MaxName

// Offer has a sentence follow whenever a cell names nothing that there is; it begins with a space.
func (p *Named) Offer(sentence string) { p.offer = sentence }

// Has says whether there is one of this id.
func (p *Named) Has(id string) bool { return p.byID[id].n > 0 }

// Find returns the id of the user that a cell names and whether they are active, or why it names
// nobody, for a person to read.
func (p *Named) Find(cell string) (id string, active bool, why string) {
	found, ok := p.byID[cell]
	if !ok && len(cell) <= longestName {
		if found, ok = p.byEmail[text.Email(cell)]; !ok {
			found, ok = p.called(cell)
		}
	}
	ways, instead := "neither by "+p.key+" nor by name", p.key
	if len(p.byEmail) > 0 {
		ways, instead = "neither by id nor by email nor by name", "id or the email"
		if found.n > 1 && len(cell) <= longestName && p.byEmail[text.Email(cell)].n > 1 {
			instead = "id"
		}
	}
	switch {
	case !ok:
		why = fmt.Sprintf("There is no %s %s, %s.", p.kind, Shorten(cell), ways)
		return "", false, why + cmp.Or(p.near(cell), p.offer)
	case found.n > 1:
		return "", false, fmt.Sprintf("%d %ss are called %s; use the %s.", found.n, p.kind, Shorten(cell), instead)
	}
	return found.id, found.active, ""
}

// mostKnown is among how many names a slip is looked for, and mostMeant how many different slips of a
// file are: an account may have 50,000 people, and a file a million slips.
const (
	mostKnown = 500
	mostMeant = 1000
)

// near is a sentence that names what a cell most probably means, with a space in front; empty for
// none.
func (p *Named) near(cell string) string {
	if len(p.byID) > mostKnown || len(cell) > longestName {
		return ""
	}
	said, known := p.meant[cell]
	if known || len(p.meant) == mostMeant {
		return said
	}
	if id := text.Nearest(cell, maps.Keys(p.byID)); id != "" {
		said = fmt.Sprintf(" Did you mean %s?", id)
	} else if name := text.Nearest(cell, maps.Keys(p.byName)); name != "" && p.byName[name].n == 1 {
		said = fmt.Sprintf(" Did you mean %s (%s)?", Shorten(p.byName[name].name), p.byName[name].id)
	}
	p.meant[strings.Clone(cell)] = said // it may be a piece of something large
	return said
}

// called finds a name: the exact one, or the only one that is the same folded.
func (p *Named) called(name string) (namesake, bool) {
	if exact, ok := p.alike[name]; ok {
		return exact, true
	}
	fold := text.Fold(name)
	found, ok := p.byName[fold]
	return found, ok && fold != ""
}

// Shorten keeps a text of a file to what a message has room for: 40 characters.
func Shorten(s string) string {
	const shown = 40
	n := 0
	for i := range s { // and no further, since a cell can be long and there are many of them
		if n == shown {
			return s[:i] + "..."
		}
		n++
	}
	return s
}
