package web

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

// mostSearched is how many of the latest audit entries are looked through for who changed something: it was
// changed since a form of it was opened.
const mostSearched = 100

// changed tells who changed last what a form is of, and when, as far as the audit says so to the reader.
func (c *Context) changed(route Route, f *view.Form) {
	ctx, cancel := c.console.deadline(c.R.Context())
	defer cancel()
	subject, api := c.subject(route)
	if subject == "" {
		return
	}
	list, err := api.ListAudit(ctx, client.ListAuditQuery{Limit: mostSearched})
	if err != nil {
		return // who changed it is worth a sentence, not a refusal
	}
	i := slices.IndexFunc(list.Body.Items, func(e client.AuditRecord) bool { return e.Subject == subject })
	if i < 0 {
		return
	}
	e := list.Body.Items[i]
	f.Changed = view.Changed{By: c.nameOf(ctx, e.Actor), At: e.At, Yours: e.Actor == c.User, Operator: e.Operator}
}

// subject is what a form changes, as the audit calls it, and the API of the account that it is in.
func (c *Context) subject(route Route) (string, *client.Client) {
	kind, id, found := strings.Cut(route.Changes, ":")
	if !found {
		return "", nil
	}
	if name, isParam := strings.CutPrefix(id, "{"); isParam {
		id = c.Param(strings.TrimSuffix(name, "}"))
	}
	switch kind {
	case "cart":
		id = c.User
	case "account":
		return kind + ":" + id, c.API.In(id)
	}
	return kind + ":" + id, c.API
}

// nameOf is a user's name, where the reader may see it; else the id.
func (c *Context) nameOf(ctx context.Context, id string) string {
	if u, err := c.API.GetUser(ctx, id); err == nil && u.Body.Name != "" {
		return u.Body.Name
	}
	return id
}
