package pages

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/web"
)

// What an entry of the audit speaks of has an id. The page of Audit says its name, and shows the id
// to who points at it or opens the entry.

// word is a value of an entry: the id of a thing of some kind, or a text, whose kind is empty.
type word struct{ kind, id string }

// Kinds of words that are no things of the account.
const (
	wordTime  = "time"
	wordMoney = "money"
	wordLine  = "line"
	// wordSource is the reason of a grant: the kind and id of a thing, or a word such as direct.
	wordSource = "source"
)

// memberKinds are the members of a version that hold ids, and of what.
var memberKinds = map[string]string{
	"userId": kindUser, "members": kindUser, "placedBy": kindUser, "viewers": kindUser,
	"productId": kindProduct, "licenses": kindProduct, "products": kindProduct,
	"costCenter": kindCenter, "roleIds": kindRole, "queueIds": kindQueue, "dashboards": kindDashboard,
	"grants": wordSource,
}

// The kinds of things whose names a page looks up, as the API calls them.
const (
	kindUser, kindProduct, kindCenter  = "user", "product", "costCenter"
	kindRole, kindQueue, kindDashboard = "role", "queue", "dashboard"
)

// valueNames say values of members as the pages do that they are chosen on.
var valueNames = map[string]func(string) string{
	"state": stateName, "bundle": bundleName, "reportSchedule": scheduleName,
}

// wordsOf is a member of a version as words; of what is not there, none.
func wordsOf(member string, raw json.RawMessage) []word {
	kind := memberKinds[member]
	var plain string
	var several []string
	var objects []json.RawMessage
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil
	case json.Unmarshal(raw, &plain) == nil:
		if say, named := valueNames[member]; named {
			plain = say(plain)
		}
		return textWords(kind, plain)
	case json.Unmarshal(raw, &several) == nil:
		var list []word
		for _, one := range several {
			list = append(list, textWords(kind, one)...)
		}
		return list
	case json.Unmarshal(raw, &objects) == nil:
		var list []word
		for _, one := range objects {
			list = append(list, objectWord(one))
		}
		return list
	case string(raw) == "true":
		return []word{{id: "yes"}}
	case string(raw) == "false":
		return []word{{id: "no"}}
	}
	return []word{objectWord(raw)}
}

// textWords is a text as a word; an empty one is none.
func textWords(kind, plain string) []word {
	if plain == "" {
		return nil
	}
	if _, err := time.Parse(time.RFC3339Nano, plain); err == nil && kind == "" {
		kind = wordTime
	}
	return []word{{kind, plain}}
}

// auditLine is a line of a cart or an order, or what one of its cost centers pays, as a version has
// it.
type auditLine struct {
	ProductID  string       `json:"productId"`
	Quantity   int64        `json:"quantity"`
	CostCenter string       `json:"costCenter"`
	Recurring  client.Money `json:"recurring"`
}

func objectWord(raw json.RawMessage) word {
	var m client.Money
	if json.Unmarshal(raw, &m) == nil && m.Currency != "" {
		return word{wordMoney, string(raw)}
	}
	if line := asLine(string(raw)); line.ProductID+line.CostCenter != "" {
		return word{wordLine, string(raw)}
	}
	var days struct{ From, To string }
	if json.Unmarshal(raw, &days) == nil && days.From != "" && days.To != "" {
		return word{id: days.From + " to " + days.To}
	}
	return word{id: string(raw)}
}

func asLine(raw string) (line auditLine) {
	_ = json.Unmarshal([]byte(raw), &line) // what is no line has no product
	return line
}

// mostWords is how many words of a list are shown. A longer list shows what differs.
const mostWords = 10

// shortened leaves out of two long lists what both have, and says how much more there is.
func shortened(was, is []word) (before, after []word) {
	if len(was) <= mostWords && len(is) <= mostWords {
		return was, is
	}
	return firstOf(wordsWithout(was, is)), firstOf(wordsWithout(is, was))
}

func wordsWithout(list, others []word) []word {
	return slices.DeleteFunc(slices.Clone(list), func(w word) bool { return slices.Contains(others, w) })
}

func firstOf(list []word) []word {
	if more := len(list) - mostWords; more > 0 {
		return append(list[:mostWords:mostWords], word{id: strconv.Itoa(more) + " more"})
	}
	return list
}

// says is a word as a person reads it, and the id of what it names where that is another text.
func (t teller) says(c *web.Context, w word) (said, id string) {
	switch w.kind {
	case "":
		return cutOff(w.id), ""
	case wordTime:
		at, err := time.Parse(time.RFC3339Nano, w.id)
		if err != nil {
			return w.id, ""
		}
		return c.Format().Time(at) + " " + c.Format().Zone(), w.id
	case wordMoney:
		var m client.Money
		_ = json.Unmarshal([]byte(w.id), &m) // it was one when the word was made
		return c.Format().Money(m), ""
	case wordLine:
		return t.line(c, asLine(w.id)), ""
	case wordSource:
		said = t.source(w.id)
	default:
		said = t.name(w.kind, w.id)
	}
	if strings.HasPrefix(said, w.id) { // a cost center is said with its code
		return said, ""
	}
	return said, w.id
}

func (t teller) line(c *web.Context, line auditLine) string {
	center := t.name(kindCenter, line.CostCenter)
	if line.ProductID == "" {
		return center + ": " + c.Format().Money(line.Recurring)
	}
	said := c.Format().Number(line.Quantity) + " × " + t.name(kindProduct, line.ProductID)
	if center != "" {
		said += " for " + center
	}
	return said
}

// cutOff is a text that is not longer than a page has room for.
func cutOff(plain string) string {
	if runes := []rune(plain); len(runes) > mostOfValue {
		return string(runes[:mostOfValue]) + "…"
	}
	return plain
}

// subject is the thing of an entry as a table shows it: its kind, and its name.
func (t teller) subject(subject string) string {
	kind, id := cut(subject, ":")
	if product, user := cut(id, "#"); user != "" && (kind == "grant" || kind == "exclusion") {
		return t.name(kindUser, user) + ", " + t.name(kindProduct, product)
	}
	name := t.names[subject]
	if name == "" {
		return subjectName(subject)
	}
	if said, known := kinds[kind]; known {
		kind = said
	}
	return kind + " " + name
}

// reason is why something was done, such as the call queues behind a grant, the row of a file, or that
// a person did it.
func (t teller) reason(e client.AuditRecord) string {
	of, row := cut(e.Reason, ", ")
	var list []string
	for _, one := range strings.Fields(of) {
		if one != "request" {
			list = append(list, t.source(one))
		}
	}
	if row != "" {
		list = append(list, row)
	}
	if len(list) == 0 && e.Cause == nil {
		return t.handed(e)
	}
	return strings.Join(list, ", ")
}

// spoken are the ids that entries speak of, by their kind, each once.
type spoken map[string][]string

func (s spoken) add(kind, id string) {
	if id != "" && !slices.Contains(s[kind], id) {
		s[kind] = append(s[kind], id)
	}
}

// thing adds what is written as its kind and id; a grant is of a person and a product.
func (s spoken) thing(subject string) {
	kind, id := cut(subject, ":")
	if product, user := cut(id, "#"); user != "" {
		s.add(kindUser, user)
		s.add(kindProduct, product)
		return
	}
	s.add(kind, id)
}

func (s spoken) word(w word) {
	switch w.kind {
	case "", wordTime, wordMoney:
	case wordLine:
		line := asLine(w.id)
		s.add(kindProduct, line.ProductID)
		s.add(kindCenter, line.CostCenter)
	case wordSource:
		s.thing(w.id)
	default:
		s.add(w.kind, w.id)
	}
}

// spokenOf are the ids that the page of some entries shows.
func spokenOf(entries []client.AuditRecord) spoken {
	s := spoken{}
	for _, e := range entries { // first who did it and to whom: of too many ids the last have no name
		s.add(kindUser, e.Actor)
		s.add(kindUser, because(e))
		s.add(kindUser, e.User)
		s.add(kindProduct, partOf(e.Before).ProductID) // it is said also where it stays the same
		s.add(kindProduct, partOf(e.After).ProductID)
		s.thing(e.Subject)
		of, _ := cut(e.Reason, ", ")
		for _, source := range strings.Fields(of) {
			s.thing(source)
		}
	}
	for _, e := range entries {
		for _, d := range differences(e) {
			for _, w := range append(slices.Clone(d.was), d.is...) {
				s.word(w)
			}
		}
	}
	return s
}

// mostNamed is how many ids of one kind a page looks up; the others are shown as they are.
const mostNamed = 8 * mostIDs

// some are the ids of a kind that are looked up.
func (s spoken) some(kind string) []string { return s[kind][:min(len(s[kind]), mostNamed)] }

// ownNames are what entries say themselves: who is deleted is nowhere else.
func ownNames(entries []client.AuditRecord) map[string]string {
	names := map[string]string{}
	for _, e := range entries {
		for _, version := range []json.RawMessage{e.Before, e.After} {
			var v struct {
				Name string `json:"name"`
			}
			if json.Unmarshal(version, &v) == nil && v.Name != "" && names[e.Subject] == "" {
				names[e.Subject] = v.Name
			}
		}
	}
	return names
}

// auditNames makes a teller of the entries of a page, by one round of calls.
func auditNames(c *web.Context, entries []client.AuditRecord) (teller, error) {
	s := spokenOf(entries)
	t := teller{
		names: ownNames(entries), saved: savedWith(entries), there: map[string]bool{}, gone: map[string]bool{},
	}
	users, calls := usersNamed(c, s.some(kindUser))
	queues, more := queuesNamed(c, s.some(kindQueue))
	calls = append(calls, more...)
	boards, more := dashboardsNamed(c, s.some(kindDashboard))
	calls = append(calls, more...)
	var roles client.Answer[client.RolePage]
	var n nameCalls
	for kind, call := range map[string]func(context.Context) error{
		kindRole: listRoles(c, &roles), kindCenter: n.costCenters(c), kindProduct: n.products(c),
	} {
		if len(s[kind]) > 0 {
			calls = append(calls, call)
		}
	}
	if err := c.Load(calls...); err != nil {
		return teller{}, err
	}
	t.people(users)
	t.queues(queues)
	for _, p := range boards {
		put(t, kindDashboard, p.Body.Items, func(d client.Dashboard) (id, name string) { return d.ID, d.Name })
	}
	put(t, kindRole, roles.Body.Items, func(r client.Role) (id, name string) { return r.ID, r.Name })
	put(t, kindProduct, n.catalog.Body.Items, func(p client.CatalogItem) (id, name string) { return p.ID, p.Name })
	put(t, kindCenter, n.centers.Body.Items, func(one client.CostCenter) (id, name string) {
		return one.Code, n.center(one.Code)
	})
	t.lost(kindQueue, s, allAnswered(queues))
	t.lost(kindDashboard, s, allAnswered(boards))
	t.lost(kindRole, s, roles.Status != 0 && roles.Body.NextCursor == "")
	return t, nil
}

// lost enters those of a kind that were looked up and are not there any more.
func (t teller) lost(kind string, s spoken, answered bool) {
	for _, id := range s.some(kind) {
		if subject := kind + ":" + id; answered && !t.there[subject] {
			t.gone[subject] = true
		}
	}
}

// allAnswered says that the reader may see things of a kind, so that what was not found is not there.
func allAnswered[T any](found []client.Answer[T]) bool {
	return !slices.ContainsFunc(found, func(a client.Answer[T]) bool { return a.Status == 0 })
}

// people enters the names of those who were asked for by their ids.
func (t teller) people(found []client.Answer[client.UserPage]) {
	for _, p := range found {
		put(t, kindUser, p.Body.Items, func(u client.User) (id, name string) { return u.ID, u.Name })
	}
}

func (t teller) queues(found []client.Answer[client.CallQueuePage]) {
	for _, p := range found {
		put(t, kindQueue, p.Body.Items, func(q client.CallQueue) (id, name string) { return q.ID, q.Name })
	}
}

// put enters the names of some things of a kind.
func put[T any](t teller, kind string, things []T, of func(T) (id, name string)) {
	for _, one := range things {
		id, name := of(one)
		t.names[kind+":"+id], t.there[kind+":"+id] = name, true
	}
}
