package pages

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Audit", Path: "audit", Section: sectionAccount, Order: 100, Needs: []auth.Permission{auth.AuditRead},
	Routes: []web.Route{{Path: "audit", Show: showAudit}},
})

const pageOfAudit = 50

// actionNames are the kinds of changes as a person says them. One that is not here is shown as the
// API names it.
var actionNames = map[string]string{
	"account.changed": "Account changed", "account.created": "Account made",
	"cart.changed":       "Cart changed",
	"costCenter.changed": "Cost center changed", "costCenter.created": "Cost center made",
	"costCenter.deleted": "Cost center deleted",
	"dashboard.put":      "Dashboard saved", "dashboard.deleted": "Dashboard deleted",
	"exclusion.added": "Excluded from automatic assignment", "exclusion.lifted": "Exclusion lifted",
	"export.requested": "Export asked for", "export.ready": "Export made",
	"extension.changed": "Extension changed",
	"grant.waiting":     "Waits for a license", "grant.withdrawn": "Waits no longer",
	"license.assigned": "License assigned", "license.unassigned": "License unassigned",
	"license.reassigned": "License reassigned", "license.regranted": "License held for another reason",
	"license.charged": "Cost center of a license changed", "license.terminated": "License terminated",
	"import.created": "Import begun", "import.ready": "Import checked", "import.rejected": "Import rejected",
	"import.applying": "Import confirmed", "import.checkedAgain": "Import checked again",
	"import.completed": "Import carried out", "import.cancelled": "Import cancelled", "import.failed": "Import failed",
	"massConfiguration.created": "Mass configuration begun", "massConfiguration.ready": "Mass configuration checked",
	"massConfiguration.rejected":     "Mass configuration rejected",
	"massConfiguration.configuring":  "Mass configuration confirmed",
	"massConfiguration.checkedAgain": "Mass configuration checked again",
	"massConfiguration.completed":    "Mass configuration carried out",
	"massConfiguration.cancelled":    "Mass configuration cancelled",
	"massConfiguration.failed":       "Mass configuration failed",
	"object.putAside":                "File put aside",
	"order.placed":                   "Order placed", "order.failed": "Order failed",
	"queue.put": "Call queue saved", "queue.deleted": "Call queue deleted",
	"quote.created":    "Charges worked out",
	"report.requested": "Report asked for", "report.ready": "Report made", "report.failed": "Report failed",
	"role.put": "Role saved", "role.deleted": "Role deleted",
	"user.put": "User saved", "user.deleted": "User deleted",
	"wallboard.registered": "Wallboard registered", "wallboard.changed": "Wallboard changed",
	"wallboard.removed": "Wallboard removed", "wallboards.max": "Maximum of wallboards changed",
}

// actionName is a kind of change as a person says it.
func actionName(action string) string {
	if name, known := actionNames[action]; known {
		return name
	}
	return action
}

func actionOptions() []view.Option {
	var options []view.Option
	for _, action := range slices.Sorted(maps.Keys(actionNames)) {
		options = append(options, view.Option{Value: action, Name: actionNames[action]})
	}
	slices.SortFunc(options, func(x, y view.Option) int { return strings.Compare(x.Name, y.Name) })
	return options
}

// trail is what the page of Audit shows.
type trail struct {
	query url.Values
	list  client.AuditRecordPage
}

func showAudit(c *web.Context, _ *view.Form) error {
	q := c.Query()
	from, to := q.Get("from"), q.Get("to")
	if isDay(from) || isDay(to) {
		// A day is one of the reader's zone, which the frame's calls tell.
		if err := c.Load(); err != nil {
			return err
		}
		from, to = beginOf(from, 0, c.Format().Location()), beginOf(to, 1, c.Format().Location())
	}
	var list client.Answer[client.AuditRecordPage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
		return c.API.ListAudit(ctx, client.ListAuditQuery{
			Limit:   pageOfAudit,
			Cursor:  q.Get("cursor"),
			License: strings.TrimSpace(q.Get("license")),
			User:    strings.TrimSpace(q.Get("user")),
			Actor:   strings.TrimSpace(q.Get("actor")),
			Action:  q.Get("action"),
			From:    from,
			To:      to,
		})
	}))
	f := c.NewForm()
	if e := client.As(err); e != nil && e.Slug() == "validation" {
		f.Fault = &view.Fault{Title: e.Title, Detail: e.Detail, Fields: e.Errors}
	} else if err != nil {
		return err
	}
	return c.Show("Audit", auditPage(c, f, trail{query: q, list: list.Body}))
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// beginOf is the moment at which a day, or one a number of days later, begins in a zone. What is no day
// stays as it is, for the API to judge.
func beginOf(day string, later int, zone *time.Location) string {
	t, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, later).UTC().Format(time.RFC3339)
}

// dayOf is what a field of a day shows of a bound that was given as a moment.
func dayOf(c *web.Context, bound string, last bool) string {
	t, err := time.Parse(time.RFC3339, bound)
	if err != nil {
		return bound
	}
	if last {
		t = t.Add(-time.Second)
	}
	return t.In(c.Format().Location()).Format(time.DateOnly)
}

// history is the address of what was done to a thing: by the name of a filter and its value.
func history(c *web.Context, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return c.Link("audit") + "?" + q.Encode()
}

// orderHistory is the address of an order's entry, and of what followed from it.
func orderHistory(c *web.Context, o client.Order) string {
	from := o.PlacedAt.UTC()
	return history(c, "actor", o.PlacedBy, "from", from.Format(time.RFC3339Nano),
		"to", from.Add(time.Second).Format(time.RFC3339Nano))
}

func (t trail) filtered() bool { return isFiltered(t.query) }

func (t trail) pager(c *web.Context) view.Pager {
	p := view.Pager{Count: c.Format().Count(int64(len(t.list.Items)), "change", "changes") + " on this page"}
	if t.query.Get("cursor") != "" {
		p.First = view.WithCursor(c.Link("audit"), t.query, "")
	}
	if t.list.NextCursor != "" {
		p.Next = view.WithCursor(c.Link("audit"), t.query, t.list.NextCursor)
	}
	return p
}

// difference is a member of what was changed, as it was and as it is.
type difference struct{ name, was, is string }

// differences are the members that differ between the two versions of a record.
func differences(e client.AuditRecord) []difference {
	before, after := members(e.Before), members(e.After)
	names := slices.Sorted(maps.Keys(before))
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, known := before[name]; !known {
			names = append(names, name)
		}
	}
	var list []difference
	for _, name := range names {
		if was, is := before[name], after[name]; was != is {
			list = append(list, difference{name, was, is})
		}
	}
	return list
}

// members are the members of a version as short texts; a version that is no object is one member.
func members(raw json.RawMessage) map[string]string {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return map[string]string{"": text(raw)}
	}
	all := map[string]string{}
	for name, value := range object {
		all[name] = text(value)
	}
	return all
}

// mostOfValue is how much of a value a page shows, in characters.
const mostOfValue = 200

func text(raw json.RawMessage) string {
	var plain string
	if json.Unmarshal(raw, &plain) != nil {
		plain = string(raw)
	}
	if runes := []rune(plain); len(runes) > mostOfValue {
		return string(runes[:mostOfValue]) + "…"
	}
	return plain
}

// because says who began what an entry followed from; empty where the actor did it themselves.
func because(e client.AuditRecord) string {
	if e.Cause != nil {
		return e.Cause.Actor
	}
	return ""
}

// kinds are what the API calls things, as a person says it where that is another word.
var kinds = map[string]string{
	"costCenter": "cost center", "queue": "call queue", "massConfiguration": "mass configuration",
	"view": "viewed a dashboard", "wallboards": "maximum of wallboards",
}

// reason is why something was done, such as the call queues behind a grant; a request by a person
// needs no words.
func reason(e client.AuditRecord) string {
	var list []string
	for _, one := range strings.Fields(e.Reason) {
		if one != "request" {
			list = append(list, subjectName(one))
		}
	}
	return strings.Join(list, ", ")
}
