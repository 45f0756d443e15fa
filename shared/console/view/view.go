// Package view draws the console: the frame around every page, and the parts that pages are made of
// (docs/console.md, Components). It decides nothing.
package view

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/console/client"
)

// Shell is the frame around a page.
type Shell struct {
	// Title is the page's name; Account that of the account, and AccountID its id.
	Title, Account, AccountID string
	// Operator says that the reader works for the provider: the frame then always shows which
	// account this is.
	Operator bool
	User     string
	// Limit are the cost centers of which alone the reader is admin; empty for the whole account.
	Limit string
	// Root is what every address of this account begins with, without a slash at its end; Base is
	// it without the account.
	Root, Base string
	Nav        []Section
	// Cart is how many licenses are in the cart; CartShown says whether the reader has one.
	Cart      int64
	CartShown bool
	// Stopped says that nothing can be changed in the account, and why; empty for an active one.
	Stopped string
	// Search says whether there is a search box, and Searched is what was typed into it.
	Search   bool
	Searched string
	Flash    *Flash
	// Refresh is after how many seconds a page without script asks for itself again; 0 for never.
	Refresh int
	// GoOn is an address that the browser goes to automatically, after some seconds; empty for none.
	GoOn      string
	GoOnAfter int
	// Scripts are further modules of the page, by the name of their file in assets.
	Scripts []string
	// Zone is the time zone that times are shown in, and ZonePage where another one is chosen.
	Zone, ZonePage string
	// ZoneGuessed says that nobody chose the zone and no script told it yet.
	ZoneGuessed bool
}

// Section is a part of the navigation; the first one has no name.
type Section struct {
	Name  string
	Items []Item
}

// Item is a link of the navigation. Note is a short remark beside it, such as "3 wait".
type Item struct {
	Name, Href, Note string
	Current          bool
}

// Flash is what is said once, after something was done.
type Flash struct {
	// Kind is good, warn or bad.
	Kind, Text string
	// More are further sentences, and Link is where to go on, if there is somewhere.
	More []string `json:",omitempty"`
	Href string   `json:",omitempty"`
	Link string   `json:",omitempty"`
}

// Fault is a problem of the API as a page shows it: at the top, and beside the fields that it
// names.
type Fault struct {
	Title, Detail string
	// Slug names its kind, and Href is the page that explains it.
	Slug, Href string
	Fields     []client.FieldError
	// Hint is what can be done, if the API does not say.
	Hint string
}

// Form is a form that changes something: what it sends, what it was made from, and what was wrong
// with it the last time.
type Form struct {
	// Key is the idempotency key: the same for every time that this form is sent.
	Key string
	// Version is the ETag of what it shows; empty where it shows nothing of that kind.
	Version string
	// Plan holds it to the effects that it shows; empty where it shows none.
	Plan string
	// Account and User are whose page it is.
	Account, User string
	Values        url.Values
	Fault         *Fault
	// Was are the values that it showed before anything was typed, by the names of its fields, which it
	// bears so that a conflict can tell who changed what; nil where it bears none.
	Was url.Values
	// Stale says that somebody changed what it shows meanwhile; the page shows both versions
	// (Conflict), or the effects as they are now (Effects).
	Stale bool
	// Changed is who did, as far as it is known.
	Changed Changed
	// Replanned says that only the effects are other ones by now, and nobody changed what it shows.
	Replanned bool
}

// Get is what was typed into a field.
func (f *Form) Get(name string) string { return f.Values.Get(name) }

// Changed is who changed something last, and when; without a time it is not known.
type Changed struct {
	By string
	At time.Time
	// Yours says that it was the reader, and Operator that it was somebody of the provider.
	Yours, Operator bool
}

// unsent says that the form shows again what was typed, which is saved nowhere: it was refused, or only asked
// what its choice does.
func (f *Form) unsent() bool { return f.Values.Has("_key") }

// Default is what was typed into a field, or a value if the form was not sent yet.
func (f *Form) Default(name, value string) string {
	if f.Values.Has(name) {
		return f.Values.Get(name)
	}
	return value
}

// Has says whether a value was chosen in a field that takes several.
func (f *Form) Has(name, value string) bool { return slices.Contains(f.Values[name], value) }

// FaultOf is what the API says of it. The API names members by their path,
// items[0].userId, and a form by the last part of it.
func (f *Form) FaultOf(name string) string {
	if f.Fault == nil {
		return ""
	}
	var messages []string
	for _, e := range f.Fault.Fields {
		if FieldName(e.Field) == name || e.Field == name {
			messages = append(messages, sentence(e.Message))
		}
	}
	return strings.Join(messages, " ")
}

// Unnamed are the faults of fields that the form does not show.
func (f *Fault) Unnamed(shown ...string) []client.FieldError {
	var rest []client.FieldError
	for _, e := range f.Fields {
		if !slices.Contains(shown, FieldName(e.Field)) {
			rest = append(rest, e)
		}
	}
	return rest
}

// FieldName is the name that a form has for a member of the API: userId for items[0].userId, and
// members for members[3].
func FieldName(field string) string {
	if i := strings.LastIndexByte(field, '.'); i >= 0 {
		field = field[i+1:]
	}
	name, _, _ := strings.Cut(field, "[")
	return name
}

// sentence makes a sentence of "must be ...".
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// roomFor is the size of an input in characters, in which its placeholder is not cut off.
func roomFor(placeholder string) string { return strconv.Itoa(max(28, len(placeholder)+3)) }

// CenterName is what a cost center is called everywhere: its code, and behind it its name where it has
// another one.
func CenterName(code, name string) string {
	if name == "" || name == code {
		return code
	}
	return code + " " + name
}

// Option is a choice of a field. Note is further text beside its name.
type Option struct {
	Value, Name, Note string
	// Adds is what choosing it adds to a charge: "product:minor-units", apart by spaces.
	Adds string
}

// Field is an input of a form.
type Field struct {
	Name, Label string
	// Kind is the input's type; empty for text.
	Kind string
	// Value is what it shows before anything was typed.
	Value string
	Hint  string
	// Options make it a choice; Suggest makes them suggestions for what is typed.
	Options []Option
	Suggest bool
	// Zones says that the suggestions are time zones, of which a script knows all.
	Zones bool
	// Empty is the name of the choice of nothing; empty for none.
	Empty    string
	Required bool
	// Min and Max bound a number; empty ones do not.
	Min, Max     string
	Autocomplete string
	Focus        bool
}

// Both is one field of two versions.
type Both struct {
	Label, Yours, Theirs string
	// There are the form's values of the version that is there now, by the names of its fields: who has
	// several such rows chooses in each. Nil where there is no choice but of the whole.
	There url.Values
}

// Shows keeps the values that a form shows before anything is typed, of the rows in which a conflict would
// tell both versions. One that was sent keeps those that it was made from.
func (f *Form) Shows(rows []Both) {
	if f.Was == nil && !f.Stale {
		f.Was = valuesThere(rows)
	}
}

// valuesThere are the values of rows that are there now.
func valuesThere(rows []Both) url.Values {
	values := url.Values{}
	for _, r := range rows {
		maps.Copy(values, r.There)
	}
	return values
}

// There is Both.There of a single field.
func There(field string, values ...string) url.Values { return url.Values{field: values} }

// Names of what a conflict sends beside the reader's own values: what was chosen of a row's fields, and
// the values that are there now.
const (
	pickName  = "_pick."
	thereName = "_there."
	wasName   = "_was."
	pickYours = "yours"
	pickThere = "there"
)

// picks says whether a row can be chosen in.
func (b Both) picks() bool { return b.There != nil && b.Yours != b.Theirs }

// fields are the names of the row's fields.
func (b Both) fields() []string { return slices.Sorted(maps.Keys(b.There)) }

// picking says whether fields are chosen one by one, and not one version or the other.
func picking(rows []Both) bool { return slices.ContainsFunc(rows, Both.picks) }

// Who changed a row since the form was made, by what it showed then.
const (
	byNobodyKnown = "differs" // what the form showed is not known
	byYou         = "only you changed it"
	byThem        = "only somebody else changed it"
	byBoth        = "both changed it: choose"
)

// changedBy tells who changed a row that differs.
func (f *Form) changedBy(r Both) string {
	yours, theirs := false, false
	for field, there := range r.There {
		was, known := f.Was[field]
		if !known {
			return byNobodyKnown
		}
		yours = yours || !sameValues(was, f.Values[field])
		theirs = theirs || !sameValues(was, there)
	}
	switch {
	case r.There == nil:
		return byNobodyKnown
	case !theirs:
		return byYou
	case !yours:
		return byThem
	}
	return byBoth
}

// sameValues compares what a field has, of which an empty value is none, and several are in no order.
func sameValues(a, b []string) bool {
	plain := func(values []string) []string {
		var list []string
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" {
				list = append(list, v)
			}
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(plain(a), plain(b))
}

// against is the form of a conflict, which shows what is there now: another conflict tells what has changed
// since.
func (f *Form) against(rows []Both) *Form {
	shown := *f
	shown.Was = valuesThere(rows)
	return &shown
}

// orEmpty are the values of a field, of which none are one that is empty.
func orEmpty(values []string) []string {
	if len(values) == 0 {
		return []string{""}
	}
	return values
}

// picked is which version of a row is chosen at first: that of who alone changed it. Where both did, neither
// is, so that a person chooses.
func picked(changedBy string) string {
	switch changedBy {
	case byThem:
		return pickThere
	case byBoth:
		return ""
	}
	return pickYours
}

// ShownBefore are the values that a form bears of what it showed before anything was typed, taken out of what
// was sent; nil where it bears none.
func ShownBefore(sent url.Values) url.Values {
	var was url.Values
	for name, values := range sent {
		if field, found := strings.CutPrefix(name, wasName); found {
			if was == nil {
				was = url.Values{}
			}
			was[field] = values
			delete(sent, name)
		}
	}
	return was
}

// Unpicked says whether a conflict was sent without a choice for one of its rows, which no browser does.
func Unpicked(sent url.Values) bool {
	chosen := map[string]bool{}
	for name := range sent {
		if fields, picked := strings.CutPrefix(name, pickName); picked {
			for _, field := range strings.Split(fields, ",") {
				chosen[field] = true
			}
		}
	}
	for name := range sent {
		if field, there := strings.CutPrefix(name, thereName); there && !chosen[field] {
			return true
		}
	}
	return false
}

// Picked are the values of a form after the choices of a conflict: of the rows in which what is there now
// was chosen, these values.
func Picked(sent url.Values) url.Values {
	for name, chosen := range sent {
		fields, picked := strings.CutPrefix(name, pickName)
		if !picked || !slices.Equal(chosen, []string{pickThere}) {
			continue
		}
		for _, field := range strings.Split(fields, ",") {
			sent[field] = sent[thereName+field]
		}
	}
	for name := range sent {
		if strings.HasPrefix(name, pickName) || strings.HasPrefix(name, thereName) {
			delete(sent, name)
		}
	}
	return sent
}

// Column is a column of a table. Card is what a narrow screen writes before its cell; empty for
// nothing.
type Column struct {
	Name, Card string
	Number     bool
	// Hidden is for readers of screens alone.
	Hidden bool
	// Sort is the address of the list by this column; empty where it cannot be sorted. Sorted says that it is
	// so now: ascending, descending or not.
	Sort, Sorted string
	// All is the id of the form whose boxes this column has; its head then chooses all of them.
	All string
}

// Job is long work.
type Job struct {
	Percent int64
	// State is a sentence: what is being done.
	State string
	// Running says that there is more to come.
	Running bool
	// Stage names what is being done: once another one follows, the whole page is shown again.
	Stage string
	// Unmeasured says that nobody knows how far it is; Percent is not shown then.
	Unmeasured bool
}
