package pages

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/web"
)

// teller tells entries of the audit as sentences. It names people, products, call queues and roles
// by their kind and id; what it has no name of, it names by its id.
type teller struct {
	names map[string]string
	// saved are what people saved, by the request: other entries of it follow from that.
	saved map[string]client.AuditRecord
	// there are the things that were looked up and found, by their kind and id, and gone those that were not.
	there, gone map[string]bool
}

// link is where the thing of an entry can be looked at; empty where it cannot, or is not there any more. Who is
// deleted still has a page, which says so.
func (t teller) link(c *web.Context, e client.AuditRecord) string {
	kind, _ := cut(e.Subject, ":")
	if kind != kindUser && (t.gone[e.Subject] || strings.HasSuffix(e.Action, ".deleted")) {
		return ""
	}
	return subjectLink(c, e.Subject)
}

// savedWith are the entries that say what somebody saved, by their request.
func savedWith(entries []client.AuditRecord) map[string]client.AuditRecord {
	saved := map[string]client.AuditRecord{}
	for _, e := range entries {
		if strings.HasSuffix(e.Action, ".put") && e.RequestID != "" {
			saved[e.RequestID] = e
		}
	}
	return saved
}

func (t teller) name(kind, id string) string {
	if name := t.names[kind+":"+id]; name != "" {
		return name
	}
	return id
}

// seatPart is what a version of a license, a grant or an exclusion in the audit says.
type seatPart struct {
	ProductID  string `json:"productId"`
	UserID     string `json:"userId"`
	CostCenter string `json:"costCenter"`
}

func partOf(raw json.RawMessage) seatPart {
	var p seatPart
	_ = json.Unmarshal(raw, &p) // what is no such version says nothing
	return p
}

// historyNames makes a teller of some entries and grants, with what the page has read already as
// names, by the calls of a page's second round.
func historyNames(
	c *web.Context, entries []client.AuditRecord, grants []client.Grant, names map[string]string,
) (teller, error) {
	tell, calls := namesOf(c, entries, grants, names)
	if err := c.Load(calls...); err != nil {
		return teller{}, err
	}
	return tell(), nil
}

// namesOf are the calls of historyNames, and what it gives once they are made.
func namesOf(
	c *web.Context, entries []client.AuditRecord, grants []client.Grant, names map[string]string,
) (tell func() teller, calls []func(context.Context) error) {
	asked := spoken{}
	add := func(kind, id string) {
		if names[kind+":"+id] == "" {
			asked.add(kind, id)
		}
	}
	for _, e := range entries {
		for _, id := range []string{e.Actor, e.User, partOf(e.Before).UserID, partOf(e.After).UserID} {
			add(kindUser, id)
		}
		for _, source := range strings.Fields(e.Reason) {
			add(cut(source, ":"))
		}
	}
	for _, g := range grants {
		add(cut(g.Source, ":"))
	}
	users, calls := usersNamed(c, asked[kindUser])
	lists, more := queuesNamed(c, asked[kindQueue])
	return func() teller {
		t := teller{names: names, saved: savedWith(entries), there: map[string]bool{}}
		t.people(users)
		t.queues(lists)
		return t
	}, append(calls, more...)
}

// what is what somebody did, to which license and with whom.
func (t teller) what(e client.AuditRecord) string {
	was, is := partOf(e.Before), partOf(e.After)
	product := t.name("product", is.ProductID)
	if is.ProductID == "" {
		product = t.name("product", was.ProductID)
	}
	if product == "" {
		return t.changed(e)
	}
	switch e.Action {
	case "license.assigned":
		return "assigned " + product + " to " + t.name("user", is.UserID)
	case "license.unassigned":
		return "unassigned " + product + " from " + t.name("user", was.UserID)
	case "license.reassigned":
		return "moved " + product + " from " + t.name("user", was.UserID) + " to " + t.name("user", is.UserID)
	case "license.charged":
		return "charged " + product + " to " + t.name(kindCenter, is.CostCenter)
	case "license.terminated":
		return "terminated " + product
	}
	return actionName(e.Action) + ": " + product
}

// why is why it was done: what stands behind it, who began it, or that somebody did it by hand.
func (t teller) why(e client.AuditRecord) string {
	of, row := cut(e.Reason, ", ")
	var list []string
	for _, source := range strings.Fields(of) {
		if source != "request" {
			list = append(list, t.source(source))
		}
	}
	if row != "" {
		list = append(list, row)
	}
	if by := because(e); by != "" {
		list = append(list, "because of "+t.name("user", by))
	}
	if len(list) == 0 {
		return t.handed(e)
	}
	return strings.Join(list, ", ")
}

// source is a reason for a license, in words.
func (t teller) source(source string) string {
	switch kind, id := cut(source, ":"); kind {
	case "direct":
		return "by hand"
	case "queue":
		return "call queue " + t.name(kind, id)
	case "role":
		return "role " + t.name(kind, id)
	case "view":
		return "viewed a dashboard"
	case "massConfiguration":
		return "a mass configuration file"
	case "request":
		return "a request"
	}
	return subjectName(source)
}

// handed is why something was done that has no reason of its own: what somebody saved in the same request,
// or that they did it by hand.
func (t teller) handed(e client.AuditRecord) string {
	if s, there := t.saved[e.RequestID]; there && s.Action != e.Action {
		return "since the " + nameOfKind(s.Subject) + " was saved"
	}
	return "by hand"
}

// nameOfKind is what kind of thing a subject is.
func nameOfKind(subject string) string {
	kind, _ := cut(subject, ":")
	if said, known := kinds[kind]; known {
		return said
	}
	return kind
}

// did is what somebody did, as a list of all changes says it: with the product, and with from whom.
func (t teller) did(e client.AuditRecord) string {
	was, is := partOf(e.Before), partOf(e.After)
	said := t.changed(e)
	product := is.ProductID
	if product == "" {
		product = was.ProductID
	}
	if product != "" {
		said += ": " + t.name(kindProduct, product)
	}
	if e.Action == "license.reassigned" {
		said += ", from " + t.name(kindUser, was.UserID)
	}
	return said
}

// changed is what was done, with what it was done to of a thing that was saved: which of its members.
func (t teller) changed(e client.AuditRecord) string {
	thing, put := strings.CutSuffix(actionName(e.Action), " saved")
	switch {
	case e.Action == "extension.changed":
		return extensionSays(e)
	case !put || !strings.HasSuffix(e.Action, ".put"):
		return actionName(e.Action)
	case len(members(e.Before)) == 0:
		return thing + " made"
	}
	var list []string
	for _, d := range differences(e) {
		if d.name == memberName("active") {
			if slices.Contains(d.is, word{id: "yes"}) {
				return thing + " activated"
			}
			return thing + " deactivated"
		}
		list = append(list, lowered(d.name))
	}
	if len(list) == 0 {
		return thing + " saved"
	}
	return thing + " changed: " + strings.Join(list, ", ")
}

// lowered is a label in the middle of a sentence.
func lowered(label string) string { return strings.ToLower(label[:1]) + label[1:] }

// extensionSays is how an extension came or went.
func extensionSays(e client.AuditRecord) string {
	var was, is struct{ Key, Number string }
	_ = json.Unmarshal(e.Before, &was) // what is no extension has no key
	_ = json.Unmarshal(e.After, &is)
	switch {
	case is.Key == "" && was.Key != "":
		return "Extension " + was.Key + " taken away"
	case was.Key == "" && is.Key != "":
		return "Extension " + is.Key + " given"
	case was.Key != is.Key:
		return "Extension changed from " + was.Key + " to " + is.Key
	case was.Number != is.Number:
		return "Number of extension " + is.Key + " changed"
	}
	return actionName(e.Action)
}
