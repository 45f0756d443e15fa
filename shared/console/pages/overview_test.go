package pages_test

import (
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// Metered products are counted and not bought: nobody is told that few of them are free.
func TestWhatIsMeteredIsNeverShort(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	list, err := api.ListCatalog(t.Context(), client.ListCatalogQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	metered := ""
	for _, p := range list.Body.Items {
		if p.Kind == "metered" && metered == "" && len(p.Requires) == 0 {
			metered = p.ID
			body := client.PutUserRequest{Name: "John Smith", Licenses: client.Set([]string{p.ID})}
			if _, err := api.PutUser(t.Context(), "john", body, client.Change{Key: "m"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	license := licensesOf(t, api, "live-reports")[0]
	to := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), license.ID, to, client.Change{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	page := c.SignIn(t, "acme", "ada").Get("/console/acme/")
	page.Says("0 of 1 licenses of Live Reports are free.")
	summary, err := api.SummarizeLicenses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, p := range summary.Body.Items {
		if p.ProductID == metered {
			seen = p.Assigned == 1
			page.Hides("licenses of " + p.Name + " are free.")
			page.Says("Counted while they are used", p.Name+" 1")
			if strings.Contains(page.HTML, "percent of "+p.Name) {
				t.Errorf("%s has a bar of what is bought", p.Name)
			}
		}
	}
	if !seen {
		t.Errorf("nobody holds %q: %+v", metered, summary.Body.Items)
	}
}

// What was changed is said in words, with a link to where it can be looked at.
func TestLatestChangesAreInWords(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	report, err := api.PostReport(
		t.Context(), client.PostReportRequest{Kind: "license-status"}, client.Change{Key: "r"},
	)
	if err != nil {
		t.Fatal(err)
	}
	made(t, api, report.Body.ID)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/")
	page.Says("Report asked for", "Dashboard made")
	page.Hides("report.requested", report.Body.ID, "dashboard.put")
	b.Get(page.Link("Zoe Alvarez, Live Reports")).Says("waits for a license of Live Reports, since")
	b.Get(page.Link("dashboard support")).Says("Dashboard support")
}

// Who waits is what a line about waiting leads to, and beside it is where licenses are bought.
func TestAttentionLeadsToWhoWaits(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/")
	page.Says("1 person waits for a license of Live Reports.")
	waits := b.Get(page.Link("See who waits"))
	waits.Says("Who waits", "Only for Live Reports.", "Why?")
	if text := waits.Text(); strings.Index(text, "Call queues") > strings.Index(text, "Who waits") {
		t.Error("people who wait stand before the dashboards and call queues")
	}
	shop := b.Get(page.Link("Buy one"))
	shop.Says("Purchase", "1 person waits for one.")
	c.SignIn(t, "acme", "eve", "licenses.read").Get("/console/acme/").Hides("Buy")
}
