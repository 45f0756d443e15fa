package pages_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// monitored makes a dashboard that shows a call queue with these members.
func monitored(t *testing.T, api *client.Client, queue, dashboard string, members ...string) {
	t.Helper()
	_, err := api.PutCallQueue(t.Context(), queue, client.PutCallQueueRequest{
		Name: "Queue " + queue, Members: client.Set(members),
	}, client.Change{Key: "q" + queue})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.PutDashboard(t.Context(), dashboard, client.PutDashboardRequest{
		Name: "Dashboard " + dashboard, QueueIDs: client.Set([]string{queue}),
	}, client.Change{Key: "d" + dashboard})
	if err != nil {
		t.Fatal(err)
	}
}

// made waits until a report is made: a test that ended before would leave its file half written.
func made(t *testing.T, api *client.Client, id string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		r, err := api.GetReport(t.Context(), id)
		if err != nil || r.Body.State == "failed" || time.Now().After(end) {
			t.Fatalf("the report is not made: %+v, %v", r.Body, err)
		}
		if r.Body.State == "ready" {
			return
		}
	}
}

// fold runs the function that folds usage, as its schedule does.
func fold(t *testing.T, c *consolewalk.Console) {
	t.Helper()
	body := `{"time":"` + c.Now().UTC().Format(time.RFC3339) + `"}` // as a person asks, who waits for it
	address := c.URL + "/2015-03-31/functions/UsageAggregationFunction/invocations"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Amz-Function-Error") != "" {
		t.Fatalf("usage is not folded: %d", response.StatusCode)
	}
}

// The figures of Usage are those of the API, and the chart has a bar for each active user's day and
// a table with the same.
func TestUsageShowsWhatTheAPICounts(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	fold(t, c)
	sum, err := api.GetUsageSummary(t.Context(), client.GetUsageSummaryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	page := c.SignIn(t, "acme", "ada").Get("/console/acme/usage")
	today := c.Now().In(detroit(t)).Format("Jan 2, 2006")
	page.Says("2 monitored users (agents)",
		"licenses bought by the end of "+today+", today, so far: 1 Live Reports, 0 Call Queue Booster",
		"America/Detroit", "Download License Status Report", "The same figures as a table", "No report was made yet.")
	if sum.Body.ActiveUsers != 2 || sum.Body.OverageUsers != 1 || sum.Body.Overage == nil {
		t.Fatalf("%+v", sum.Body)
	}
	page.Says("more people were active than licenses were bought", "Queue detroit", "Purchase licenses")
	page.Says("Without a license", "Queue detroit 1 2") // one of its two waits
	limits, over := 0, 0
	for _, attributes := range [][]string{classes(page, "line"), classes(page, "rect")} {
		for _, class := range attributes {
			switch class {
			case "limit":
				limits++
			case "over":
				over++
			}
		}
	}
	if limits != len(sum.Body.Daily) || limits != 30 || over != 1 {
		t.Errorf("the chart has %d days and %d over", limits, over)
	}
}

// The days of overage are named, and only they: since when it lasts is said of those that last, and of none
// before the first day that is shown.
func TestUsageNamesTheDaysOfOverage(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	queue := func(members ...string) {
		t.Helper()
		_, err := api.PutCallQueue(t.Context(), "detroit", client.PutCallQueueRequest{
			Name: "Queue detroit", Members: client.Set(members),
		}, client.Change{Key: c.Now().String()})
		if err != nil {
			t.Fatal(err)
		}
		fold(t, c)
	}
	monitored(t, api, "detroit", "support", "zoe", "john")
	zone := detroit(t)
	first := c.Now().In(zone)
	day := func(after int) string { return first.AddDate(0, 0, after).Format("Jan 2, 2006") }
	queue("zoe")
	c.Forward(48 * time.Hour)
	api = c.API(t, "acme", "ada", "directory.manage")
	queue("zoe")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/usage")
	page.Says(
		"On 1 of these 30 days more people were active than licenses were bought: "+day(0)+".",
		"The most on one day: 1 person over, on "+day(0),
		"All of these days together, each person once: 2 active users for 1 license "+
			"bought by the end of "+day(2)+", today, so far, so 1 over.",
	)
	page.Hides("on all of these days", "perhaps", "without a break", "See the days before")
	queue("zoe", "john")
	b.Get("/console/acme/usage").Says("On 2 of these 30 days", day(0)+"; "+day(2)+".",
		"It is so without a break since "+day(2)+", up to the last of these days.")
	iso := func(after int) string { return first.AddDate(0, 0, after).Format(time.DateOnly) }
	page = b.Get("/console/acme/usage?from=" + iso(0) + "&last=" + iso(0))
	page.Says("On this day more people were active")
	want := "/console/acme/usage?from=" + iso(-30) + "&last=" + iso(0) + "#overage"
	if at := page.Link("See the days before"); at != want {
		t.Errorf("the days before are at %s, not %s", at, want)
	}
}

// Usage and the bill count overage each in its own way: both say how in the same words, and lead to the
// other's of the very same days.
func TestOverageOfUsageAndOfTheBill(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	fold(t, c)
	period, err := api.GetPeriod(t.Context(), "current")
	if err != nil {
		t.Fatal(err)
	}
	const billed = "people who wait for a license of Live Reports at the end of a day, whether they were active or not"
	b := c.SignIn(t, "acme", "ada")
	usage := b.Get("/console/acme/usage")
	usage.Says("The bill does not charge active people: it charges " + billed)
	lines := "/console/acme/billing/periods/" + period.Body.From + "?kind=overage#lines"
	zone := detroit(t)
	today := c.Now().In(zone).Format(time.DateOnly)
	said := func(day string) string {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		return d.Format("Jan 2, 2006")
	}
	to, err := time.Parse(time.DateOnly, period.Body.To)
	if err != nil {
		t.Fatal(err)
	}
	whole := "Overage in the bill of " + said(period.Body.From) + " to " + to.AddDate(0, 0, -1).Format("Jan 2, 2006")
	if at := usage.Link(whole); at != lines {
		t.Errorf("the overage of the bill is at %s, not %s", at, lines)
	}
	bill := b.Get(lines)
	bill.Says("The bill counts "+billed, "Usage counts active people beyond the licenses bought")
	same := b.Get(bill.Link("Usage of " + said(period.Body.From) + " to " + said(today)))
	if q := same.URL.Query(); q.Get("from") != period.Body.From || q.Get("last") != today {
		t.Errorf("the days of the bill are %s", same.URL)
	}
	same.Hides("These days cannot be shown")
	if at := same.Link(whole); at != lines {
		t.Errorf("back from the same days is %s", at)
	}
	for _, path := range []string{"/console/acme/", "/console/acme/billing"} {
		page := b.Get(path)
		page.Says("overage users of the last 30 days: active people beyond the licenses bought",
			"overage in the bill of", billed)
		if at := page.Link("Overage in this bill"); at != lines {
			t.Errorf("%s leads to %s", path, at)
		}
	}
	overview := b.Get("/console/acme/")
	overview.Says("1 more person was active in the last 30 days than licenses of Live Reports are bought.")
	if at := overview.Link("See usage"); at != "/console/acme/usage#overage" {
		t.Errorf("the overview leads to %s", at)
	}
}

// detroit is the time zone of the test's account.
func detroit(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Detroit")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// A day leads to who was active on it: the usage of that day alone, and the report of it, which names them.
// What a window is held against is said, so that nobody wonders why a purchase of today changes its sum.
func TestADayOfUsageLeadsToItsPeople(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	fold(t, c)
	first := c.Now().In(detroit(t))
	c.Forward(24 * time.Hour)
	api = c.API(t, "acme", "ada", "usage.read")
	fold(t, c)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/usage")
	page.Says("Each day is held against the licenses bought by its end, and all days together against those " +
		"bought by the end of " + first.AddDate(0, 0, 1).Format("Jan 2, 2006") +
		", today, so far. So what is bought on the last day changes the sum, and no day before it.")
	page.Hides("Who was active is named")
	day := b.Get(page.Link(first.Format("Jan 2, 2006")))
	day.Says("2 active users: each person once", "Who was active is named in the report of this day",
		"The day is held against the licenses bought by the end of "+first.Format("Jan 2, 2006")+".", "Queue detroit")
	day.Says("2 active users for 1 license bought by the end of " + first.Format("Jan 2, 2006") + ", so 1 over.")
	day.Hides("today, so far", "all these days together", "All of these days together", "1 of 1 day")
	b.Submit(day.Form("/usage/reports"))
	list, err := api.ListReports(t.Context(), client.ListReportsQuery{})
	if err != nil || len(list.Body.Items) != 1 {
		t.Fatalf("%+v, %v", list.Body, err)
	}
	made(t, api, list.Body.Items[0].ID)
	r := list.Body.Items[0]
	if r.From != first.Format(time.DateOnly) || r.To != first.AddDate(0, 0, 1).Format(time.DateOnly) {
		t.Errorf("the report is of %s to %s", r.From, r.To)
	}
}

// Other days are in the address: chosen, or a month; those that cannot be shown are said to be, and the last
// thirty are.
func TestUsageOfOtherDays(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	fold(t, c)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/usage")
	page.Says("over on 1 of 30 days by at most 1 person, on " + c.Now().In(detroit(t)).Format("Jan 2, 2006") +
		"; most by Queue detroit")
	if len(page.Links("The last 30 days")) > 0 {
		t.Error("the last 30 days are offered where they are shown")
	}
	now := c.Now().UTC()
	month := b.Get(page.Link(now.AddDate(0, 0, -now.Day()).Format("January 2006")))
	last := now.AddDate(0, 0, -now.Day())
	q := month.URL.Query()
	if q.Get("from") != last.Format("2006-01")+"-01" || q.Get("last") != last.Format(time.DateOnly) {
		t.Errorf("a month is %s", month.URL)
	}
	month.Says("0 monitored users (agents)")
	month.Hides("most by")
	if n := strings.Count(strings.Join(classes(month, "line"), " "), "limit"); n != last.Day() {
		t.Errorf("a month of %d days has %d", last.Day(), n)
	}
	b.Get(month.Link("The last 30 days")).Says("2 monitored users (agents)")
	for _, days := range []string{
		"from=2026-13-01", "from=2999-01-01", "last=soon", "from=2020-01-01&last=2022-01-01",
	} {
		page := b.Get("/console/acme/usage?" + days)
		if page.Status != http.StatusOK {
			t.Errorf("%s: %d", days, page.Status)
		}
		page.Says("These days cannot be shown: below are the last 30", "2 monitored users (agents)")
	}
}

func classes(p *consolewalk.Page, element string) []string {
	var all []string
	for _, n := range p.Elements(element) {
		for _, a := range n.Attr {
			if a.Key == "class" {
				all = append(all, a.Val)
			}
		}
	}
	return all
}

// The steps of the portals: Download License Status Report, then Excel file. A double click is one
// report.
func TestDownloadLicenseStatusReport(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	monitored(t, api, "detroit", "support", "zoe")
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/usage").Form("/usage/reports")
	page := b.Submit(form)
	again := b.Submit(form)
	if page.URL.Path != again.URL.Path {
		t.Errorf("two reports: %s and %s", page.URL, again.URL)
	}
	for end := time.Now().Add(time.Minute); len(page.Links("Excel file")) == 0; page = b.Get(page.URL.Path) {
		if time.Now().After(end) {
			t.Fatalf("it is not ready: %s", page.Text())
		}
		page.Says("The report is being made.", "It goes on if you close this page.")
		time.Sleep(100 * time.Millisecond)
	}
	page.Says("The report is ready:", "RingCentral_LR_Licensed Users_")
	file := b.Get(page.Link("Excel file"))
	if kind := file.Header.Get("Content-Type"); file.Status != http.StatusOK || !strings.Contains(kind, "spreadsheet") {
		t.Errorf("%d %s", file.Status, kind)
	}
	list := b.Get("/console/acme/usage")
	list.Says("1 report on this page", "ready", "ada")
	if len(list.Links("Excel file")) != 1 {
		t.Error("a report that was made is not offered")
	}
}

func TestDaysOfAReport(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/usage").Link("Choose other days"))
	form := page.Post()
	today := c.Now().UTC()
	form.Set("from", today.AddDate(0, 0, 20).Format(time.DateOnly))
	form.Set("last", today.AddDate(0, 0, 25).Format(time.DateOnly))
	if refused := b.Submit(form); refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("days to come: %d %s", refused.Status, refused.Text())
	}
	form = page.Post()
	first, last := today.AddDate(0, 0, -9).Format(time.DateOnly), today.AddDate(0, 0, -3).Format(time.DateOnly)
	form.Set("from", first)
	form.Set("last", last)
	b.Submit(form)
	list, err := api.ListReports(t.Context(), client.ListReportsQuery{})
	if err != nil || len(list.Body.Items) != 1 {
		t.Fatalf("%+v, %v", list.Body, err)
	}
	made(t, api, list.Body.Items[0].ID)
	to := today.AddDate(0, 0, -2).Format(time.DateOnly)
	if r := list.Body.Items[0]; r.From != first || r.To != to {
		t.Errorf("it is of %s to %s", r.From, r.To)
	}
}

// The unlimited bundle has no report: it is not offered, and refused when it is asked for all the
// same.
func TestTheUnlimitedBundleHasNoReport(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/usage").Form("/usage/reports")
	change := client.PatchAccountRequest{Bundle: new("customer-engagement")}
	_, err := api.PatchAccount(t.Context(), change, client.Change{Key: "b"})
	if err != nil {
		t.Fatal(err)
	}
	page := b.Get("/console/acme/usage")
	page.Says("Live Reports are unlimited")
	page.Hides("Download License Status Report", "overage users")
	b.Get("/console/acme/usage/reports").Hides("Download License Status Report")
	if p := b.Submit(form); p.Status < http.StatusBadRequest {
		t.Errorf("%d %s", p.Status, p.Text())
	}
}

// What is bought on the last day can make nothing of the sum of days that were over: the tile tells of the
// days first, and what their sum is held against, and no page says that there was no overage.
func TestNoOverageByAPurchaseOfToday(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	fold(t, c)
	over := c.Now().In(detroit(t)).Format("Jan 2, 2006")
	c.Forward(24 * time.Hour)
	api = c.API(t, "acme", "ada")
	put(t, api, line("live-reports", 5, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	confirmed := reviewed(t, b).Post()
	confirmed.Set("acknowledged", "yes")
	press(b, confirmed, "order")
	fold(t, c)
	b.Get("/console/acme/usage").Says("1 of 30 days were over: by at most 1 person, on "+over,
		"All these days together are held against the licenses bought by the end of ", "nobody is beyond those")
	for _, path := range []string{"/console/acme/", "/console/acme/billing"} {
		page := b.Get(path)
		page.Says("0 overage users of the last 30 days together", "which is today. A day before may have been over")
		if at := page.Links("See usage"); len(at) == 0 {
			t.Errorf("%s does not lead to the days", path)
		}
	}
}
