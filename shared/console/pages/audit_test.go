package pages_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"seatwise/infra/consoletest"
	"seatwise/shared/console/client"
)

// rows are the texts of a page's table.
func rows(p *consoletest.Page) string {
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
func notIn(t *testing.T, p *consoletest.Page, texts ...string) {
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
	c := consoletest.Start(t)
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
	all.Says("License assigned", "Dashboard saved", "Order placed", "call queue detroit")

	license := b.Get(b.Get("/console/acme/licenses/" + id).Link("Its whole history"))
	if !strings.Contains(rows(license), "License assigned") {
		t.Errorf("the history of a license is %s", rows(license))
	}
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

// Who began it is named where a function does what somebody asked for.
func TestAuditSaysBecauseOf(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	if _, err := api.PostReport(
		t.Context(),
		client.PostReportRequest{Kind: "license-status"},
		client.Change{Key: "r"},
	); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	var page *consoletest.Page
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
