package pages

import (
	"bytes"
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

// actionNames are the kinds of changes as a person says them: all that are written
// (TestEveryActionHasWords).
var actionNames = map[string]string{
	"account.changed": "Account changed", "account.created": "Account made", "account.restored": "Account taken back",
	"account.erased": "Account erased", "erasure.requested": "Erasure asked for",
	"alert.began": "Alert began", "alert.ended": "Alert ended",
	"archive.requested": "Archive asked for", "archive.ready": "Archive made",
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
	"period.closed": "Billing period closed", "period.corrected": "Billing period corrected",
	"policy.created": "Automatic purchases set", "policy.changed": "Automatic purchases changed",
	"policy.deleted":      "Automatic purchases taken away",
	"policy.acknowledged": "Automatic purchases agreed to again",
	"quote.created":       "Charges worked out",
	"reclaim.started":     "Reclaim begun", "reclaim.completed": "Seats reclaimed",
	"reclaim.undoing": "Reclaimed seats to be restored", "reclaim.undone": "Reclaimed seats restored",
	"report.requested": "Report asked for", "report.ready": "Report made", "report.failed": "Report failed",
	"request.asked": "License asked for", "request.approved": "Request approved", "request.denied": "Request denied",
	"request.withdrawn": "Request withdrawn", "request.fulfilled": "Request fulfilled",
	"role.put": "Role saved", "role.deleted": "Role deleted",
	"user.put": "User saved", "user.deleted": "User deleted", "user.charged": "Cost center of a user changed",
	"user.invited": "User invited to sign in", "user.forgetRequested": "User to be forgotten",
	"user.forgotten":       "User forgotten",
	"wallboard.registered": "Wallboard registered", "wallboard.changed": "Wallboard changed",
	"wallboard.removed": "Wallboard removed", "wallboards.max": "Maximum of wallboards changed",
}

// actionName is a kind of change as a person says it.
func actionName(action string) string {
	if name, known := actionNames[action]; known {
		return name
	}
	return spelled(action)
}

// spelled is a name of a program as words, such as "not returned" of notReturned: for what has no better ones.
func spelled(code string) string {
	var b strings.Builder
	for i, r := range code {
		switch {
		case r == '.':
			b.WriteByte(' ')
		case r >= 'A' && r <= 'Z' && i > 0:
			b.WriteByte(' ')
			b.WriteRune(r - 'A' + 'a')
		default:
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return title(b.String())
}

func actionOptions() []view.Option {
	var options []view.Option
	for _, action := range slices.Sorted(maps.Keys(actionNames)) {
		options = append(options, view.Option{Value: action, Name: actionNames[action]})
	}
	view.Sort(options, func(x, y view.Option) bool { return x.Name < y.Name })
	return options
}

// trail is what the page of Audit shows.
type trail struct {
	query url.Values
	list  client.AuditRecordPage
	// fits are the people whom a filter fits, where they are several, by the name of the filter.
	fits map[string][]client.User
	// told says things by their names.
	told teller
}

func showAudit(c *web.Context, _ *view.Form) error {
	q := c.Query()
	from, to := q.Get("from"), q.Get("to")
	people, calls := peopleTyped(c, q, "user", "actor")
	if isDay(from) || isDay(to) || len(calls) > 0 {
		// A day is one of the reader's zone, which the frame's calls tell.
		if err := c.Load(calls...); err != nil {
			return err
		}
		from, to = beginOf(from, 0, c.Format().Location()), beginOf(to, 1, c.Format().Location())
	}
	f := c.NewForm()
	ids := map[string]string{}
	t := trail{query: q, fits: map[string][]client.User{}}
	for filter, found := range people {
		typed := strings.TrimSpace(q.Get(filter))
		id, several := whoIs(typed, found.Body.Items)
		switch {
		case len(several) > 0:
			t.fits[filter] = several
		case id == "":
			f.Fault = &view.Fault{
				Title:  "Nobody is found by " + typed + ".",
				Detail: "Type the beginning of a name, an e-mail address or an extension, or the id of who is deleted.",
			}
		}
		ids[filter] = id
	}
	if f.Fault != nil || len(t.fits) > 0 {
		return c.Show("Audit", auditPage(c, f, t))
	}
	var list client.Answer[client.AuditRecordPage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
		return c.API.ListAudit(ctx, client.ListAuditQuery{
			Limit:   pageOfAudit,
			Cursor:  q.Get("cursor"),
			License: strings.TrimSpace(q.Get("license")),
			User:    ids["user"],
			Actor:   ids["actor"],
			Action:  q.Get("action"),
			From:    from,
			To:      to,
			Order:   q.Get("order"),
		})
	}))
	if e := client.As(err); e != nil && e.Slug() == "validation" {
		f.Fault = &view.Fault{Title: e.Title, Detail: e.Detail, Fields: e.Errors}
	} else if err != nil {
		return err
	}
	t.list = list.Body
	if t.told, err = auditNames(c, t.list.Items); err != nil {
		return err
	}
	// The next page is of the same moments, also if the reader is in another zone by then.
	t.query = maps.Clone(q)
	bound(t.query, "from", from)
	bound(t.query, "to", to)
	return c.Show("Audit", auditPage(c, f, t))
}

// mostFits is how many people a filter offers whom a typed name fits.
const mostFits = 10

// peopleTyped looks up who is meant by what was typed into some filters: a name, or an id.
func peopleTyped(c *web.Context, q url.Values, filters ...string) (
	found map[string]*client.Answer[client.UserPage], calls []func(context.Context) error,
) {
	found = map[string]*client.Answer[client.UserPage]{}
	for _, filter := range filters {
		typed := strings.TrimSpace(q.Get(filter))
		if typed == "" {
			continue
		}
		into := new(client.Answer[client.UserPage])
		found[filter] = into
		calls = append(calls, client.IfAllowed(
			client.Into(into, func(ctx context.Context) (client.Answer[client.UserPage], error) {
				return c.API.ListUsers(ctx, client.ListUsersQuery{Q: typed, Limit: mostFits})
			}),
		))
	}
	return found, calls
}

// whoIs is the id of who is meant by what was typed, or those who may be. The id of somebody whom
// the directory does not have, such as who is deleted or a function, is itself.
func whoIs(typed string, found []client.User) (id string, several []client.User) {
	for _, u := range found {
		if u.ID == typed {
			return typed, nil
		}
	}
	switch {
	case len(found) == 1:
		return found[0].ID, nil
	case len(found) > 1:
		return "", found
	case auth.ValidUserID(typed):
		return typed, nil
	}
	return "", nil
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

// bound puts a moment in the place of the day that was typed.
func bound(q url.Values, name, moment string) {
	if q.Get(name) != "" {
		q.Set(name, moment)
	}
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

// filtered says whether some changes are left out; their order leaves none out.
func (t trail) filtered() bool {
	q := maps.Clone(t.query)
	delete(q, "order")
	return isFiltered(q)
}

// narrowed is the address of the same changes with a filter that names one person.
func (t trail) narrowed(c *web.Context, filter, id string) string {
	q := maps.Clone(t.query)
	q.Set(filter, id)
	return view.FirstPage(c.Link("audit"), q)
}

// today is the address of the same changes, of today in the reader's zone.
func (t trail) today(c *web.Context) string {
	q := maps.Clone(t.query)
	day := c.Now().In(c.Format().Location()).Format(time.DateOnly)
	q.Set("from", day)
	q.Set("to", day)
	return view.FirstPage(c.Link("audit"), q)
}

func (t trail) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("audit"), t.query, onPage{rows: len(t.list.Items), next: t.list.NextCursor},
		[2]string{"change", "changes"})
}

// difference is a member of what was changed, as it was and as it is.
type difference struct {
	name    string
	was, is []word
}

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
		if bytes.Equal(before[name], after[name]) {
			continue // of most members, which then need no text
		}
		was, is := shortened(wordsOf(name, before[name]), wordsOf(name, after[name]))
		if !slices.Equal(was, is) {
			list = append(list, difference{memberName(name), was, is})
		}
	}
	return list
}

// memberNames are the members of what is changed as a person says them.
var memberNames = map[string]string{
	"productId": "License Type", "userId": "Assigned To", "costCenter": "Cost Center Code", "extension": "Ext",
	"grants": "Held because of", "status": "State", "roleIds": "Roles", "queueIds": "Call queues",
	"members": "Members", "name": "Name", "email": "E-mail", "number": "Number", "active": "Active",
	"memberCount": "Number of members", "dashboards": "Dashboards", "licenses": "Metered products",
	"permissions": "Permissions", "placedBy": "Ordered by", "placedAt": "Ordered", "lines": "Lines",
	"dueToday": "Due today", "recurring": "Recurring", "expiresAt": "Good until", "max": "Maximum",
	"kind": "Kind", "id": "Id", "": "Lines", "state": "State", "percent": "Percent", "quoteId": "Quote",
	"byCostCenter": "By cost center", "nextBillingDate": "Next billing date", "proration": "Prorated",
	"licenseCount": "Licenses", "acknowledgement": "Acknowledged",
}

func memberName(member string) string {
	if name, known := memberNames[member]; known {
		return name
	}
	return spelled(member)
}

// members are the members of a version; a version that is no object is one member.
func members(raw json.RawMessage) map[string]json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return map[string]json.RawMessage{"": raw}
	}
	return object
}

// mostOfValue is how much of a value a page shows, in characters.
const mostOfValue = 200

// because says who began what an entry followed from; empty where the actor did it themselves.
func because(e client.AuditRecord) string {
	if e.Cause != nil && e.Cause.Actor != e.Actor { // who did it is said already
		return e.Cause.Actor
	}
	return ""
}

// kinds are what the API calls things, as a person says it where that is another word.
var kinds = map[string]string{
	"costCenter": "cost center", "queue": "call queue", "massConfiguration": "mass configuration",
	"view": "viewed a dashboard", "wallboards": "maximum of wallboards",
}
