package pages_test

import (
	"testing"

	"seatwise/infra/consoletest"
	"seatwise/shared/console/client"
)

// Metered products are counted and not bought: nobody is told that few of them are free.
func TestWhatIsMeteredIsNeverShort(t *testing.T) {
	c := consoletest.Start(t)
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
		}
	}
	if !seen {
		t.Errorf("nobody holds %q: %+v", metered, summary.Body.Items)
	}
}

// What was changed is said in words, with a link to where it can be looked at.
func TestLatestChangesAreInWords(t *testing.T) {
	c := consoletest.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	report, err := api.PostReport(t.Context(), client.PostReportRequest{Kind: "license-status"}, client.Change{Key: "r"})
	if err != nil {
		t.Fatal(err)
	}
	made(t, api, report.Body.ID)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/")
	page.Says("Report asked for", "Dashboard saved")
	page.Hides("report.requested", report.Body.ID, "dashboard.put")
	b.Get(page.Link("zoe, live-reports")).Says("waits for a license of Live Reports, since")
	b.Get(page.Link("dashboard support")).Says("Dashboard support")
}
