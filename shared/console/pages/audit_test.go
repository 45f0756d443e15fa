package pages_test

import (
	"strings"
	"testing"
	"time"

	"seatwise/infra/consoletest"
	"seatwise/shared/console/client"
)

// The filters find what one looks for, an entry names who began what followed from it, and any thing leads to its history.
func TestAuditFromAnyThing(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	ctx := t.Context()
	id := licensesOf(t, api, "live-reports")[0].ID
	// Zoe is given a license because she is in a queue that ada puts on a dashboard.
	if _, err := api.PutCallQueue(ctx, "detroit", client.PutCallQueueRequest{Name: "Detroit", Members: []string{"zoe"}}, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutDashboard(ctx, "d1", client.PutDashboardRequest{Name: "Support", QueueIDs: []string{"detroit"}}, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	all := b.Get(b.Get("/console/acme/").Link("Audit"))
	all.Says("License assigned", "Dashboard saved", "Order placed", "call queue detroit")

	license := b.Get(b.Get("/console/acme/licenses/" + id).Link("Its whole history"))
	license.Says("License assigned")
	license.Hides("Dashboard saved", "Order placed")
	user := b.Get("/console/acme/audit?user=zoe")
	user.Says("License assigned", "User saved")
	user.Hides("Order placed")
	b.Get("/console/acme/audit?action=order.placed").Says("Order placed", "1 change on this page")
	order := b.Get(b.Get("/console/acme/billing/orders/" + orders(t, api)[0].ID).Link("History"))
	order.Says("Order placed")
	order.Hides("Dashboard saved")

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

// What began it is named where somebody else's change had it follow.
func TestAuditSaysBecauseOf(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", nil)
	ctx := t.Context()
	if _, err := api.PutCallQueue(ctx, "detroit", client.PutCallQueueRequest{Name: "Detroit", Members: []string{"zoe"}}, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutDashboard(ctx, "d1", client.PutDashboardRequest{Name: "Support", QueueIDs: []string{"detroit"}}, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	put(t, api, line("live-reports", 1, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	form := reviewed(t, b).Post()
	form.Set("acknowledged", "yes")
	press(b, form, "order")
	list, err := api.ListAudit(ctx, client.ListAuditQuery{Action: "license.assigned"})
	if err != nil || len(list.Body.Items) != 1 || list.Body.Items[0].Cause == nil {
		t.Fatalf("%+v, %v", list.Body.Items, err)
	}
	row := b.Get("/console/acme/audit?action=license.assigned")
	row.Says("because of " + list.Body.Items[0].Cause.Actor)
}
