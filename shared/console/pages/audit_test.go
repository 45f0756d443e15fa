package pages_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// rows are the texts of a page's table.
func rows(p *consolewalk.Page) string {
	var b strings.Builder
	for _, body := range p.Elements("tbody") {
		for n := range body.Descendants() {
			if n.Type == html.TextNode {
				b.WriteString(n.Data + " ")
			}
		}
	}
	return b.String()
}

// notIn demands that a page's table does not say something; the choices of its filters may.
func notIn(t *testing.T, p *consolewalk.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(rows(p), text) {
			t.Errorf("%s lists %q: %s", p.URL, text, rows(p))
		}
	}
}

// The filters find what one looks for, an entry names who began what followed from it, and any
// thing leads to its history.
func TestAuditFromAnyThing(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	ctx := t.Context()
	id := licensesOf(t, api, "live-reports")[0].ID
	c.Forward(2 * time.Minute)
	// Zoe is given a license because she is in a queue that ada puts on a dashboard.
	if _, err := api.PutCallQueue(
		ctx,
		"detroit",
		client.PutCallQueueRequest{Name: "Detroit", Members: client.Set([]string{"zoe"})},
		client.Change{Key: "1"},
	); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutDashboard(
		ctx,
		"d1",
		client.PutDashboardRequest{Name: "Support", QueueIDs: client.Set([]string{"detroit"})},
		client.Change{Key: "2"},
	); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	all := b.Get(b.Get("/console/acme/").Link("Audit"))
	all.Says("License assigned", "Dashboard saved", "Order placed", "call queue Detroit")

	all.Says("Held because of", "Assigned To")
	all.Hides(`["queue`)

	license := b.Get(b.Get("/console/acme/licenses/" + id).Link("Its whole history"))
	if !strings.Contains(rows(license), "License assigned") {
		t.Errorf("the history of a license is %s", rows(license))
	}
	b.Get("/console/acme/audit?action=license.assigned&license="+id).Hides("live-reports", "phone-system")
	notIn(t, license, "Dashboard saved", "Order placed")
	user := b.Get("/console/acme/audit?user=zoe")
	user.Says("License assigned", "User saved")
	notIn(t, user, "Order placed")
	b.Get("/console/acme/audit?action=order.placed").Says("Order placed", "1 change on this page")
	order := b.Get(b.Get("/console/acme/billing/orders/" + orders(t, api)[0].ID).Link("History"))
	order.Says("Order placed")
	notIn(t, order, "Dashboard saved")

	today := c.Now().In(time.UTC).Format(time.DateOnly)
	tomorrow := c.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	day := b.Get("/console/acme/audit?from=" + c.Now().AddDate(0, 0, -1).Format(time.DateOnly) + "&to=" + today)
	day.Says("Order placed")
	b.Get("/console/acme/audit?from=" + tomorrow).Says("No change fits these filters.")
	for _, wrong := range []string{"?license=x", "?from=yesterday", "?from=" + tomorrow + "&to=2020-01-01"} {
		p := b.Get("/console/acme/audit" + wrong)
		if p.Status >= 500 || !strings.Contains(p.HTML, "note bad") {
			t.Errorf("%s: %d %s", wrong, p.Status, p.Text())
		}
	}
}

// People are found by their names, and what fits nobody is said beside the filters, with the menu.
func TestAuditByName(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	twin := client.PutUserRequest{Name: "Zoe Brown"}
	if _, err := api.PutUser(t.Context(), "zoe2", twin, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/audit?user=Zoe+Alvarez").Says("User saved", "1 change on this page")
	several := b.Get("/console/acme/audit?user=Zoe")
	several.Says("Whom do you mean?", "Zoe Alvarez", "Zoe Brown")
	b.Get(several.Link("Zoe Brown")).Says("1 change on this page")
	for _, filter := range []string{"user", "actor"} {
		page := b.Get("/console/acme/audit?" + filter + "=Bén+Costa")
		if page.Status != http.StatusOK {
			t.Errorf("%s: %d", filter, page.Status)
		}
		page.Says("Nobody is found by Bén Costa", "Licenses", "Directory")
	}
	page := b.Get("/console/acme/licenses?user=Ben+Costa")
	page.Says("Licenses", "Directory")
	page.Hides("Your role does not allow", "needs the permission")
}

// Who began it is named where a function does what somebody asked for.
func TestAuditSaysBecauseOf(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	if _, err := api.PostReport(
		t.Context(),
		client.PostReportRequest{Kind: "license-status"},
		client.Change{Key: "r"},
	); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	var page *consolewalk.Page
	for range 100 { // it is made beside the request
		if page = b.Get("/console/acme/audit?action=report.ready"); page.Status == http.StatusOK &&
			len(page.Links("ada")) > 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	page.Says("report-builder", "because of ada")
	b.Get(page.Link("ada")).Says("Report asked for", "report-builder")
}

// Whatever an entry speaks of is said by its name, with the id for who points at it.
func TestAuditSaysNames(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(api.PutCallQueue(
		ctx, "detroit", client.PutCallQueueRequest{Name: "Motor City", Members: client.Set([]string{"zoe"})},
		client.Change{Key: "1"},
	))
	must(api.PutDashboard(
		ctx, "d1", client.PutDashboardRequest{Name: "Wall", QueueIDs: client.Set([]string{"detroit"})},
		client.Change{Key: "2"},
	))
	must(api.PutRole(ctx, "helper", client.PutRoleRequest{Name: "Right Hand"}, client.Change{Key: "3"}))
	must(api.PatchUser(
		ctx, "zoe", client.PatchUserRequest{RoleIDs: client.Set([]string{"helper"})}, client.Change{Key: "4"},
	))
	must(api.PutUser(ctx, "ada", client.PutUserRequest{Name: "Ada Byron"}, client.Change{Key: "5"}))
	must(api.DeleteUser(ctx, "john", client.Change{Key: "6"}))
	page := c.SignIn(t, "acme", "ada").Get("/console/acme/audit")
	page.Says(
		"Held because of call queue Motor City", "Call queues Motor City detroit", "Members Zoe Alvarez zoe",
		"Roles Right Hand helper", "By cost center CC-1 Support: $50.00",
		"user John Smith", "role Right Hand", "2 × Live Reports for CC-1 Support", "$50.00",
		"because of Ada Byron",
	)
	if len(page.Links("Ada Byron")) == 0 || len(page.Links("call queue Motor City")) == 0 {
		t.Errorf("names do not lead to their histories: %s", rows(page))
	}
	for _, id := range []string{`title="ada"`, `title="zoe"`, `title="queue:detroit"`, `title="role:helper"`} {
		if !strings.Contains(page.HTML, id) {
			t.Errorf("nothing has %s", id)
		}
	}
	notIn(t, page, `"productId"`, `"amount"`, "queue:detroit", "license live-reports")
}

// A page of the changes of a day goes on as it began, also when the reader is in another zone by then.
func TestAuditGoesOnInItsZone(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	for n := range 60 {
		user := client.PutUserRequest{Name: "Person " + strconv.Itoa(n)}
		id := strconv.Itoa(n)
		if _, err := api.PutUser(t.Context(), "p"+id, user, client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
	}
	b := c.SignIn(t, "acme", "ada")
	first := b.Get("/console/acme/audit?from=" + c.Now().AddDate(0, 0, -1).Format(time.DateOnly))
	b.Keep([]*http.Cookie{{Name: "seatwise-zone", Value: "Asia/Tokyo"}})
	next := b.Get(first.Link("Next"))
	if next.Status != http.StatusOK || strings.Contains(next.HTML, "note bad") {
		t.Errorf("the second page: %d %s", next.Status, next.Text())
	}
	next.Says("changes on this page")
}

// Who is deleted has a page that says so, with what the audit has of them, to which their entries lead; what else
// is deleted is told without a link. Who never was there has no page.
func TestAuditOfWhatIsDeleted(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	ctx := t.Context()
	queue := client.PutCallQueueRequest{Name: "Detroit", Members: client.Set([]string{"zoe"})}
	for _, id := range []string{"detroit", "lansing"} {
		if _, err := api.PutCallQueue(ctx, id, queue, client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := api.DeleteCallQueue(ctx, "detroit", client.Change{Key: "d"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.DeleteUser(ctx, "john", client.Change{Key: "j"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	for _, path := range []string{"/console/acme/audit", "/console/acme/audit?action=user.put&user=john"} {
		page := b.Get(path)
		if len(leading(page, "/queues/detroit")) > 0 {
			t.Errorf("%s leads to a call queue that is deleted", path)
		}
		gone := b.Get(leading(page, "/directory/users/john")[0])
		gone.Says("Not in the directory any more.", "was deleted by ada", "What was done to them stays in the audit.")
		if gone.Status != http.StatusOK || !strings.Contains(gone.Link("All of their history"), "user=john") {
			t.Errorf("%d %s", gone.Status, gone.Text())
		}
	}
	if len(leading(b.Get("/console/acme/audit"), "/queues/lansing")) == 0 {
		t.Error("a call queue that is there is not led to")
	}
	if p := b.Get("/console/acme/directory/users/nobody"); p.Status != http.StatusNotFound {
		t.Errorf("who never was is answered by %d", p.Status)
	}
	blind := c.SignIn(t, "acme", "eve", "directory.read")
	if p := blind.Get("/console/acme/directory/users/john"); p.Status != http.StatusNotFound {
		t.Errorf("who may not read the audit is answered by %d", p.Status)
	}
}
