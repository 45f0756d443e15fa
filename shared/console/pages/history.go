package pages

import (
	"context"
	"encoding/json"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/web"
)

// teller tells entries of the audit as sentences. It names people, products, call queues and roles
// by their kind and id; what it has no name of, it names by its id.
type teller struct{ names map[string]string }

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
		t := teller{names}
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
		return actionName(e.Action)
	}
	switch e.Action {
	case "license.assigned":
		return "assigned " + product + " to " + t.name("user", is.UserID)
	case "license.unassigned":
		return "unassigned " + product + " from " + t.name("user", was.UserID)
	case "license.reassigned":
		return "moved " + product + " from " + t.name("user", was.UserID) + " to " + t.name("user", is.UserID)
	case "license.charged":
		return "charged " + product + " to " + is.CostCenter
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
		return "by hand"
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
