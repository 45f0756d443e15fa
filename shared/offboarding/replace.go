package offboarding

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Token stands in the place of a name, and of words about a person, who was forgotten.
const Token = "(forgotten)"

// paths are the texts of a kind by their paths, with those of a person among them.
type paths struct {
	known map[string]*theirs
	maps  map[string]bool
}

// whole stands in the lists for a document that is a text.
const whole = "$"

func (t texts) paths() paths {
	p := paths{known: map[string]*theirs{}, maps: map[string]bool{}}
	for _, at := range strings.Fields(t.plain + " " + t.things) {
		p.known[strings.TrimPrefix(at, whole)] = nil
	}
	for _, one := range t.theirs {
		p.known[one.path] = &one
	}
	for at := range p.known {
		for before, rest, more := strings.Cut(at, "*"); more; {
			p.maps[strings.TrimSuffix(before, ".")] = true
			var next string
			next, rest, more = strings.Cut(rest, "*")
			before += "*" + next
		}
	}
	return p
}

// byKind are the paths of each kind.
var byKind = func() map[string]paths {
	all := make(map[string]paths, len(inRecords))
	for kind, t := range inRecords {
		all[kind] = t.paths()
	}
	return all
}()

// person is who is forgotten. Files that were stored up to the moment removed are gone; before the second
// pass it is zero.
type person struct {
	user    string
	removed time.Time
}

// about is what conditions say of a record beside its document: its key, and whether its files are removed.
type about struct {
	key  table.Key
	lost bool
}

// meets says whether one of the alternatives of conditions (theirs) is met of a text; of no condition it is.
func (p person) meets(conditions string, r about, w way) bool {
	alternatives := strings.Fields(conditions)
	return len(alternatives) == 0 || slices.ContainsFunc(alternatives, func(all string) bool {
		return !slices.ContainsFunc(strings.Split(all, "&"), func(one string) bool { return !p.met(one, r, w) })
	})
}

func (p person) met(condition string, r about, w way) bool {
	if condition == removed {
		return r.lost
	}
	if sort, of := strings.CutPrefix(condition, ":"); of {
		return r.key.Sort == strings.ReplaceAll(sort, "@", p.user)
	}
	if at, there := strings.CutSuffix(condition, "?"); there {
		v := w.to(at)
		return v != nil && string(v.raw) != "null"
	}
	at, want, told := strings.Cut(condition, "=")
	if !told {
		want = "@"
	}
	said, is := w.to(at).text()
	if begins, open := strings.CutSuffix(want, "*"); open {
		return is && strings.HasPrefix(said, begins)
	}
	return is && said == strings.ReplaceAll(want, "@", p.user)
}

// outcome is what becomes of an item.
type outcome struct {
	// next is what is put in its place where it is changed; away says that it goes as a whole.
	next          table.Item
	changed, away bool
	// result is the file that a record of a file has made, which goes with that.
	result json.RawMessage
	// unknown are texts of which inRecords says nothing, by kind and path. They stay.
	unknown []string
}

// forget takes out of an item what tells who the person is.
func (p person) forget(item table.Item) (outcome, error) {
	kind := kindOf(item)
	t, at := inRecords[kind], byKind[kind]
	if t.brief || len(item.Data) == 0 {
		return outcome{}, nil
	}
	doc, err := parse(item.Data)
	if err != nil {
		return outcome{}, err
	}
	root := way{{"", doc}}
	r := about{item.Key, p.lost(item, doc)}
	if t.away != "" && p.met(t.away, r, root) {
		return outcome{away: true}, nil
	}
	var out outcome
	err = doc.each(at.maps, func(w way) error {
		text := w[len(w)-1]
		one, known := at.known[text.path]
		switch {
		case !known && moment(text.value):
		case !known:
			out.unknown = append(out.unknown, kind+" "+text.path)
		case one == nil, one.is == loose && !r.lost, !p.meets(one.of, r, w):
		default:
			said, err := call.Encode(instead(*one, text.value))
			if err != nil || bytes.Equal(said, text.raw) {
				return err
			}
			text.raw, out.changed = said, true
		}
		return nil
	})
	if r.lost && t.lost != nil && p.meets(t.lost.of, r, root) {
		if made := doc.at("result"); made != nil && made.open != 0 {
			if out.result, err = made.json(); err != nil {
				return out, err
			}
		}
		for _, becomes := range t.lost.becomes {
			doc.set(becomes[0], []byte(becomes[1]))
		}
		out.changed = true
	}
	if err == nil && out.changed {
		out.next = item
		out.next.Data, err = doc.json()
	}
	return out, err
}

// Unsaid are the texts of an item of an account of which inRecords does not say what they are, by kind and path.
// Tests look for them in whatever they store: types do not tell what is in an audit entry.
func Unsaid(item table.Item) ([]string, error) {
	out, err := person{}.forget(item)
	return out.unknown, err
}

// moment says whether a text is a time.
func moment(v *value) bool {
	var at time.Time
	return json.Unmarshal(v.raw, &at) == nil
}

// instead is what stands in the place of a text.
func instead(one theirs, was *value) string {
	said, _ := was.text()
	switch {
	case said == withdrawn:
		return said
	case said == "", one.is == address, one.is == number:
		return ""
	case one.path == "fileName":
		return Token + extension(said)
	case one.path == "file.Key":
		return path.Dir(said) + "/" + Token + extension(said)
	}
	return Token
}

// extension is that of a file's name, by which it is known how it is to be read, or was.
func extension(name string) string {
	if ext := strings.ToLower(path.Ext(name)); ext == ".csv" || ext == ".xlsx" {
		return ext
	}
	return ""
}

// lost says whether the files of a record are removed: they were stored before, or what they are of was made before, or
// nobody knows when.
func (p person) lost(item table.Item, doc *value) bool {
	if p.removed.IsZero() {
		return false
	}
	for _, field := range []string{"readyAt", "createdAt", "at", "since"} {
		var at time.Time
		if v := doc.at(field); v != nil && json.Unmarshal(v.raw, &at) == nil {
			return !at.After(p.removed)
		}
	}
	id, _ := doc.at("id").text()
	for _, id := range []string{id, item.Partition[strings.LastIndex(item.Partition, "#")+1:]} {
		if made, err := uuid.Parse(id); err == nil && made.Version() == 7 {
			return !time.Unix(made.Time().UnixTime()).After(p.removed)
		}
	}
	return true
}
