package browser_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/shared/console/client"
)

// The seed 3, "Purchasing Live Reports licenses" of the Billing Portal.
func TestPurchaseInTheBillingPortal(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		s.does("B1")
		s.signIn(s.account, "ada")
		s.does("B2")
		s.click("Purchase")
		s.does("B3")
		s.click("Analytics")
		s.see("Live Reports")
		s.miss("Auto Attendant")
		s.does("B4")
		s.in("Live Reports", func() { s.fill("Quantity", 10) })
		s.does("B5")
		s.in("Live Reports", func() { s.click("Add to Cart") })
		s.in("Call Queue Booster", func() { s.click("Add to Cart") })
		s.does("B6")
		s.click("Cart")
		s.does("B7")
		s.fill("Quantity of Live Reports", 12)
		s.click("Delete Call Queue Booster")
		s.see("$300.00")
		s.in("What is in the cart", func() { s.miss("Call Queue Booster") })
		s.does("B8")
		s.choose("Cost center of Live Reports", "CC-1")
		s.does("B9")
		s.click("Select Live Reports")
		s.choose("Select Cost Center", "CC-2")
		s.click("Assign to Selected")
		s.holds("Cost center of Live Reports", "CC-2")
		s.does("B10")
		s.click("Split Live Reports")
		s.fill("Quantity of part 1", 2)
		s.choose("Cost center of part 1", "CC-1")
		s.fill("Quantity of part 2", 10)
		s.choose("Cost center of part 2", "CC-2")
		s.click("Split")
		s.see("$50.00", "$250.00")
		s.does("B11")
		s.click("Next")
		s.does("B12")
		s.see("Itemized charges", "$300.00", "CC-1", "CC-2")
		s.click("I have read and understood")
		s.click("Confirm")
		s.see("Statement")
		s.bought("live-reports", 12)
	})
}

// The seed 3, "Purchasing Live Reports licenses": Buy now goes to the checkout at once.
func TestBuyNow(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		s.signIn(s.account, "ada")
		s.click("Purchase")
		s.does("B13")
		s.in("Live Reports", func() {
			s.fill("Quantity", 3)
			s.click("Buy now")
		})
		s.see("Buy Live Reports now", "Cost Center")
		s.holds("Quantity", "3")
	})
}

// One product for two cost centers, without the cart: the cost center of each part, and what remains.
func TestBuyNowForTwoCostCenters(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		s.signIn(s.account, "ada")
		s.click("Purchase")
		s.in("Live Reports", func() {
			s.fill("Quantity", 6)
			s.click("Buy now")
		})
		s.click("Split among cost centers")
		s.see("Divide the 6 licenses among cost centers.")
		s.fill("Quantity of part 1", 2)
		s.choose("Cost center of part 1", "CC-1")
		s.fill("Quantity of part 2", 4)
		s.choose("Cost center of part 2", "CC-2")
		s.click("Next")
		s.see("Review Order", "$50.00", "$100.00")
		s.click("I have read and understood")
		s.click("Confirm")
		s.bought("live-reports", 6)
	})
}

// detroitAndBelmont makes the example of the seed 3: two call queues with eight agents, and two
// people who view the dashboard that monitors them.
func (s *scene) detroitAndBelmont() {
	s.t.Helper()
	ctx := s.t.Context()
	for queue, members := range map[string][]string{
		"Detroit": {"John", "Sarah", "Mike"}, "Belmont": {"Emma", "David", "Karen", "Lisa", "Mark"},
	} {
		var ids []string
		for _, name := range members {
			ids = append(ids, s.user(name))
		}
		_, err := s.api.PutCallQueue(ctx, strings.ToLower(queue),
			client.PutCallQueueRequest{Name: queue + " support", Members: client.Set(ids)}, key())
		s.must(err)
	}
	_, err := s.api.PutDashboard(ctx, "support",
		client.PutDashboardRequest{Name: "Support", QueueIDs: client.Set([]string{"detroit", "belmont"})}, key())
	s.must(err)
	now := s.o.console.Now()
	for _, name := range []string{"Alice", "Bob"} {
		id := s.user(name)
		s.may(id, "liveReports.view")
		_, err := s.api.PostUsageViews(ctx, client.PostUsageViewsRequest{Events: []client.ViewEvent{
			{ID: id + "-1", UserID: id, DashboardID: "support", At: now.Add(-time.Minute)},
		}}, key())
		s.must(err)
	}
	s.invoke("UsageAggregationFunction")
}

// may gives a user a role of their own with permissions.
func (s *scene) may(user string, permissions ...string) {
	s.t.Helper()
	ctx := s.t.Context()
	_, err := s.api.PutRole(
		ctx, "of-"+user, client.PutRoleRequest{Name: "Role of " + user, Permissions: client.Set(permissions)}, key(),
	)
	s.must(err)
	_, err = s.api.PatchUser(ctx, user, client.PatchUserRequest{RoleIDs: client.Set([]string{"of-" + user})}, key())
	s.must(err)
}

// invoke runs a scheduled function as a person does, who waits until it is done.
func (s *scene) invoke(function string) {
	s.t.Helper()
	event, err := json.Marshal(map[string]any{"time": s.o.console.Now().UTC().Format(time.RFC3339)})
	s.must(err)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost,
		s.o.console.URL+"/2015-03-31/functions/"+function+"/invocations", bytes.NewReader(event))
	s.must(err)
	response, err := http.DefaultClient.Do(request)
	s.must(err)
	defer response.Body.Close()
	if said, err := io.ReadAll(response.Body); err != nil || response.StatusCode >= http.StatusBadRequest {
		s.t.Fatalf("%s: %s %s %v", function, response.Status, said, err)
	}
}

// user makes somebody of a name.
func (s *scene) user(name string) string {
	s.t.Helper()
	id := strings.ToLower(name)
	_, err := s.api.PutUser(s.t.Context(), id, client.PutUserRequest{Name: name}, key())
	s.must(err)
	return id
}

// The seed 3, "Using Live Reports licenses", and what it says of providing access: licenses are
// assigned to the members of a call queue when it is added to a dashboard.
func TestLicensesOfTwoCallQueues(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 10}, func(s *scene) {
		s.detroitAndBelmont()
		s.does("B14")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.in("Pages", func() { s.click("Live Reports") })
		s.in("Licenses", func() { s.see("10") })
		s.see("Nobody waits", "Detroit support", "Belmont support", "monitored")
		if got := s.summary("live-reports"); got.Assigned != 10 || got.Waiting != 0 {
			s.t.Errorf("two viewers and eight agents hold %d licenses, and %d wait", got.Assigned, got.Waiting)
		}
		s.does("B15")
		s.click("Support")
		s.see("8 members with a license")
		s.click("Detroit support")
		s.see("John", "Sarah", "Mike")
		s.click("Why: Mike")
		s.see("Because", "Detroit support", "Support")
	})
}

// The seed 3, "Checking your Live Report license usage" and "Reviewing your Live Reports license
// usage".
func TestDownloadLicenseStatusReport(t *testing.T) {
	name := regexp.MustCompile(`^RingCentral_LR_Licensed Users_\d{8}T\d{6}Z\.xlsx$`)
	task(t, every, map[string]int64{"live-reports": 8, "call-queue-booster": 1}, func(s *scene) {
		s.detroitAndBelmont()
		s.does("R4")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.in("Pages", func() { s.click("Live Reports") })
		s.click("Download License Status Report")
		file := s.download("Excel file")
		s.does("R5")
		if !name.MatchString(filepath.Base(file)) {
			s.t.Errorf("the file is called %q", filepath.Base(file))
		}
		book, err := excelize.OpenFile(file)
		s.must(err)
		defer book.Close()
		tabs := []string{"Live Reports Usage Summary", "Total Active Users", "Detailed Usage"}
		if got := book.GetSheetList(); !slices.Equal(got, tabs) {
			s.t.Errorf("its tabs are %q", got)
		}
		s.does("R6")
		s.tells(
			book, tabs[0], "Report Time Duration", "Monitored Users (Agents)", "Live Report Viewers", "Overage Users",
		)
		s.does("R7")
		s.tells(book, tabs[1], "Role Type", "Monitored Agent", "Viewer", "Karen", "Alice")
		s.does("R8")
		s.tells(book, tabs[2], "Detroit support", "Support", "Waiting")
		s.does("R9")
		s.click("Usage")
		s.see("8 monitored users (agents)", "10 active users", "1 overage users")
	})
}

// tells demands that a tab of a workbook has some texts.
func (s *scene) tells(book *excelize.File, tab string, texts ...string) {
	s.t.Helper()
	rows, err := book.GetRows(tab)
	s.must(err)
	var all strings.Builder
	for _, r := range rows {
		all.WriteString(strings.Join(r, "\t") + "\n")
	}
	for _, text := range texts {
		if !strings.Contains(all.String(), text) {
			s.t.Errorf("the tab %s does not tell %q: %s", tab, text, all.String())
		}
	}
}

// The seed 3, its note: an account with the Customer Engagement Bundle has no such report.
func TestNoReportWithTheBundle(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		_, err := s.api.PatchAccount(
			s.t.Context(), client.PatchAccountRequest{Bundle: new("customer-engagement")}, key(),
		)
		s.must(err)
		s.does("R10")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.in("Pages", func() { s.click("Live Reports") })
		if s.has("Download License Status Report") {
			s.t.Error("the report is offered")
		}
		s.click("Usage")
		s.see("unlimited")
		if s.has("Download License Status Report") {
			s.t.Error("the report is offered")
		}
	})
}

// The seed 3, "Creating and assigning a custom role for Live Reports access".
func TestCustomRole(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		_, err := s.api.PutRole(s.t.Context(), "manager", client.PutRoleRequest{
			Name: "Manager", Permissions: client.Set([]string{"directory.read", "licenses.read"}),
		}, key())
		s.must(err)
		s.does("R1")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.click("Directory")
		s.click("Roles")
		s.click("Copy Manager")
		s.fill("Name", "Manager, views Live Reports")
		s.click("View Live Reports: see dashboards")
		s.click("Make the role")
		s.see("Manager, views Live Reports", "View Live Reports: see dashboards")
		s.does("R2")
		s.click("Directory")
		s.click("Edit Zoe Alvarez")
		s.click("Manager, views Live Reports")
		s.click("Save")
		s.see("Manager, views Live Reports")
		user, err := s.api.GetUser(s.t.Context(), "zoe")
		s.must(err)
		if len(user.Body.RoleIDs) != 1 {
			s.t.Errorf("she has the roles %q", user.Body.RoleIDs)
		}
		s.does("R3")
		s.click("Directory")
		s.click("Roles")
		s.in("Manager, views Live Reports", func() {
			s.click("More actions")
			s.click("Edit")
		})
		s.click("Full access to Live Reports: make, change and delete dashboards, and see them")
		s.click("Save")
		role, err := s.api.GetRole(s.t.Context(), user.Body.RoleIDs[0])
		s.must(err)
		want := []string{"directory.read", "licenses.read", "liveReports.full", "liveReports.view"}
		if slices.Sort(role.Body.Permissions); !slices.Equal(role.Body.Permissions, want) {
			s.t.Errorf("it allows %q", role.Body.Permissions)
		}
	})
}

// The seed 4, about metrics.
func TestLicenseMetrics(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		_, err := s.api.PutUser(s.t.Context(), "zoe", client.PutUserRequest{
			Name:     "Zoe Alvarez",
			Licenses: client.Set([]string{"professional-user", "reports-supervisor", "client-desktop"}),
		}, key())
		s.must(err)
		_, err = s.api.PutWallboardMaximum(s.t.Context(), client.PutWallboardMaximumRequest{Max: 10}, key())
		s.must(err)
		s.does("M1")
		s.aside(func() { s.signIn(s.account, "ada") })
		s.click("Metrics")
		s.see("Professional User", "Essential User", "Reports Supervisor", "0/10", "snapshot", "billing period")
		s.does("M2")
		s.click("Edit the maximum of wallboards")
		s.fill("Maximum of wallboards", 12)
		s.click("Save")
		s.see("0/12")
		s.does("M3")
		s.click("Directory")
		s.click("Edit Zoe Alvarez")
		s.click("Agent User")
		s.click("Save")
		s.aside(func() { s.click("Metrics") })
		s.in("Agent User", func() { s.see("1") })
	})
}
