package pages_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

// billed is an account with licenses of two cost centers, somebody who holds a metered license, and
// somebody who waits for a seat.
func billed(t *testing.T, c *consolewalk.Console) *client.Client {
	t.Helper()
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1, "developer": 2})
	monitored(t, api, "detroit", "support", "zoe", "john")
	_, err := api.PutUser(t.Context(), "eve", client.PutUserRequest{
		Name: "Eve Moss", Licenses: client.Set([]string{"essential-user"}),
	}, client.Change{Key: "eve"})
	if err != nil {
		t.Fatal(err)
	}
	lines := []client.QuoteLineInput{{ProductID: "developer", Quantity: 3, CostCenter: "CC-2"}}
	quote, err := api.CreateQuote(t.Context(), client.CreateQuoteRequest{Lines: &lines}, client.Change{Key: "quote"})
	if err != nil {
		t.Fatal(err)
	}
	order := client.PlaceOrderRequest{QuoteID: quote.Body.ID, Acknowledged: new(true)}
	if _, err := api.PlaceOrder(t.Context(), order, client.Change{Key: "order"}); err != nil {
		t.Fatal(err)
	}
	return api
}

// closes has the schedule close what is due, and waits until a period is closed.
func closes(t *testing.T, c *consolewalk.Console, first string) client.PeriodView {
	t.Helper()
	body := `{"time":"` + c.Now().UTC().Format(time.RFC3339) + `","source":"aws.events","resources":[]}`
	address := c.URL + "/2015-03-31/functions/ReportBuilderFunction/invocations"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		p, err := c.API(t, "acme", "ada").GetPeriod(t.Context(), first)
		if err != nil || time.Now().After(end) {
			t.Fatalf("the period is not closed: %+v, %v", p.Body, err)
		}
		if p.Body.State == "closed" {
			return p.Body
		}
	}
}

// leading are the addresses of a page's links that have a text in them.
func leading(p *consolewalk.Page, text string) []string {
	var all []string
	for _, n := range p.Elements("a") {
		for _, a := range n.Attr {
			if a.Key == "href" && strings.Contains(a.Val, text) {
				all = append(all, a.Val)
			}
		}
	}
	return all
}

// From Billing to the people behind a day: each page shows the figures of the API, and leads to the
// next one (requirements, section 12).
func TestAPeriodOpensIntoItsPeople(t *testing.T) {
	c := consolewalk.Start(t)
	api := billed(t, c)
	period, err := api.GetPeriod(t.Context(), "current")
	if err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	list := b.Get(b.Get("/console/acme/billing").Link("Billing periods"))
	list.Says("open", "so far")
	page := b.Get("/console/acme/billing/periods/" + period.Body.From)
	page.Says("This period is open.", "expected at its end, if nothing changes", "By cost center", "CC-1 Support",
		"CC-2 Sales", "No cost center", "Prorated, Live Reports", "Metered, Essential User (charged by use)")
	bars := 0
	for _, class := range classes(page, "rect") {
		if class == "bar" {
			bars++
		}
	}
	if bars != len(period.Body.ByCostCenter) || bars != 3 {
		t.Errorf("the chart has %d bars of %d cost centers", bars, len(period.Body.ByCostCenter))
	}

	// A reader can multiply: days, through the days of the month, times the price, is the amount.
	counted := 0
	for _, l := range period.Body.Lines {
		if l.Kind == "prorated" || l.Kind == "correction" {
			continue
		}
		counted++
		days, price, through := l.LicenseDays, l.UnitPrice.Amount, period.Body.MonthDays
		if off := days*price - l.Amount.Amount*through; off > through || off < -through {
			t.Errorf("%d days of %d at %d are not %d", days, through, price, l.Amount.Amount)
		}
		page.Says(fmt.Sprintf("1 license day / %d × $%d.%02d $%d.%02d", through, price/100, price%100,
			l.Amount.Amount/100, l.Amount.Amount%100))
	}
	if counted == 0 {
		t.Error("no line counts days")
	}
	page.Says("as ordered, at $")

	filtered := "?kind=prorated&product=developer&costCenter=CC-2"
	some := b.Get("/console/acme/billing/periods/" + period.Body.From + filtered)
	some.Says("1 line", "Total of these lines")
	if n := len(some.Links("Prorated, Developer")); n != 1 {
		t.Errorf("the filters let %d lines through", n)
	}
	b.Get("/console/acme/billing/periods/" + period.Body.From + "?kind=recurring").Says("Show all lines")

	files := map[string]string{"PDF": "application/pdf", "CSV": "text/csv", "Excel file": "spreadsheet"}
	for name, kind := range files {
		if file := b.Get(some.Link(name)); !strings.Contains(file.Header.Get("Content-Type"), kind) ||
			!strings.Contains(file.Header.Get("Content-Disposition"), "CC-2") {
			t.Errorf("%s of a cost center: %v", name, file.Header)
		}
	}

	line := b.Get(page.Link("Metered, Essential User (charged by use)"))
	line.Says("1 different license", "1 license day at", "To the period")
	today := leading(line, "/days/")[0]
	day := b.Get(today)
	day.Says("Held by", "Eve Moss", "To the line")
	if got := day.Link("Eve Moss"); got != "/console/acme/directory/users/eve" {
		t.Errorf("she is at %s", got)
	}
	if p := b.Get(strings.TrimSuffix(today, today[len(today)-10:]) + "2020-01-01"); p.Status != http.StatusNotFound {
		t.Errorf("a day that the line does not have: %d", p.Status)
	}
}

// A day can be set beside the bill: each product and cost center with what differs and why, and a day
// that has not begun is refused in words (requirements, section 12).
func TestAPeriodBesideADay(t *testing.T) {
	c := consolewalk.Start(t)
	api := billed(t, c)
	today, err := api.ComparePeriod(t.Context(), "current", client.ComparePeriodQuery{})
	if err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	address := "/console/acme/billing/periods/" + today.Body.From
	b.Get(address).Says("Why a list of licenses says something else", "End of the day")
	page := b.Get(address + "?day=" + today.Body.Day)
	page.Says("bought within the period; orders charged the days that were left", "A month of them",
		"began within the period; the days before are not charged")
	lines := leading(page, "/lines/")
	for _, one := range today.Body.Items {
		for _, r := range one.Reasons {
			leads := func(l string) bool { return strings.HasSuffix(l, r.LineID) }
			if r.LineID != "" && !slices.ContainsFunc(lines, leads) {
				t.Errorf("no link leads to the line of %+v", r)
			}
		}
	}
	b.Get(address+"?day=2020-01-01").Says("Choose a day of this period that has begun.", "By cost center")
}

// A day with more licenses than a page has goes on on the next one, and each license is on one.
func TestADayOfManyLicenses(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 120})
	items := []client.AssignmentWithExtension{{ProductID: "developer", UserID: "zoe"}}
	if _, err := api.AssignProducts(
		t.Context(), client.AssignProductsRequest{Items: items}, client.Change{Key: "zoe"},
	); err != nil {
		t.Fatal(err)
	}
	held := 0
	period, err := api.GetPeriod(t.Context(), "current")
	if err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	line := b.Get("/console/acme/billing/periods/current/lines/" + period.Body.Lines[0].ID)
	seen := map[string]bool{}
	for page := b.Get(leading(line, "/days/")[0]); ; page = b.Get(page.Link("Next")) {
		page.Says("120 licenses, ", "nobody")
		page.Hides("not known")
		held += len(page.Links("Zoe Alvarez"))
		for _, code := range page.Elements("code") {
			seen[code.FirstChild.Data] = true
		}
		if len(page.Links("Next")) == 0 {
			break
		}
	}
	if held != 1 {
		t.Errorf("who holds one since that day is named %d times", held)
	}
	if len(seen) != 120 {
		t.Errorf("%d of 120 licenses are on the pages", len(seen))
	}
}

// Who held a seat at the end of a day of the bill is named by its history: also who gave it on since, and
// nobody where it was free, whoever has it by now.
func TestADayNamesWhoHeldItThen(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 2})
	seats := licensesOf(t, api, "developer")
	to := func(api *client.Client, seat, user string) {
		t.Helper()
		body := client.AssignLicenseRequest{UserID: user}
		if _, err := api.AssignLicense(t.Context(), seat, body, client.Change{Key: seat + user}); err != nil {
			t.Fatal(err)
		}
	}
	to(api, seats[0].ID, "zoe")
	period, err := api.GetPeriod(t.Context(), "current")
	if err != nil {
		t.Fatal(err)
	}
	day := c.SignIn(t, "acme", "ada").Get("/console/acme/billing/periods/current/lines/" + period.Body.Lines[0].ID)
	bought := leading(day, "/days/")[0]
	c.Forward(48 * time.Hour)
	api = c.API(t, "acme", "ada")
	given := client.ReassignLicenseRequest{UserID: "john"}
	if _, err := api.ReassignLicense(t.Context(), seats[0].ID, given, client.Change{Key: "on"}); err != nil {
		t.Fatal(err)
	}
	to(api, seats[1].ID, "zoe")
	page := c.SignIn(t, "acme", "ada").Get(bought)
	page.Says("Held by", "Zoe Alvarez", "nobody")
	page.Hides("John Smith", "not known")
	if n := len(page.Links("Zoe Alvarez")); n != 1 {
		t.Errorf("she is named for %d of the seats", n)
	}
	if at := page.Link("Zoe Alvarez"); at != "/console/acme/directory/users/zoe" {
		t.Errorf("she is at %s", at)
	}
	reader := c.SignIn(t, "acme", "eve", "billing.read", "licenses.read")
	reader.Get(bought).Says("not known", "who may not see the audit learns it where they hold it still")
}

// A closed period shows its seal, and what came later is a line of the next one that leads to it.
func TestACorrectionNamesTheClosedPeriod(t *testing.T) {
	c := consolewalk.Start(t)
	api := billed(t, c)
	period, err := api.GetPeriod(t.Context(), "current")
	if err != nil {
		t.Fatal(err)
	}
	first := period.Body.From
	const waits = "The period is not closed as long as the account has no cost center"
	c.SignIn(t, "acme", "ada").Get("/console/acme/billing/periods/" + first).Says(waits)
	charged := client.PatchAccountRequest{CostCenter: new("CC-1")}
	if _, err := api.PatchAccount(t.Context(), charged, client.Change{Key: "center"}); err != nil {
		t.Fatal(err)
	}
	c.Forward(period.Body.ClosesAt.Add(time.Hour).Sub(c.Now()))
	c.SignIn(t, "acme", "ada").Get("/console/acme/billing/periods/" + first).Hides(waits)
	sealed := closes(t, c, first)
	api = c.API(t, "acme", "ada")
	_, err = api.CorrectPeriod(t.Context(), client.CorrectPeriodRequest{
		Corrects: first, Amount: client.Money{Amount: -2500, Currency: "USD"}, Reason: "Goodwill for an outage.",
		CostCenter: new("CC-1"),
	}, client.Change{Key: "correct"})
	if err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/billing/periods").Says("closed", "open")
	b.Get("/console/acme/billing/periods/"+first).Says("This period is closed.", sealed.Digest)
	next := b.Get("/console/acme/billing/periods/current")
	next.Says("Goodwill for an outage.", "−$25.00", "Recurring, Developer")
	back := leading(next, "/periods/"+first)
	if len(back) != 1 || back[0] != "/console/acme/billing/periods/"+first {
		t.Errorf("the correction leads to %q", back)
	}
	line := b.Get(next.Link("Correction"))
	line.Says("Goodwill for an outage.", "A correction of the period that begins on")
	if n := len(leading(line, "/periods/"+first)); n != 1 {
		t.Errorf("the line has %d links to what it corrects", n)
	}
}

// Overview and Billing say what the bill of this period will be, overage and use included, as the
// period has it, and lead there; who may not see charges is not told.
func TestWhatTheNextBillWillBe(t *testing.T) {
	c := consolewalk.Start(t)
	api := billed(t, c)
	period, err := api.GetPeriod(t.Context(), "current")
	if err != nil || period.Body.Expected == nil {
		t.Fatalf("%+v, %v", period.Body, err)
	}
	said := "about " + view.NewFormat("en-US", nil).Money(*period.Body.Expected) + ", use and overage included."
	b := c.SignIn(t, "acme", "ada")
	for _, path := range []string{"/console/acme/", "/console/acme/billing"} {
		page := b.Get(path)
		page.Says(said)
		b.Get(page.Link("What it has in it")).Says("Billing period")
	}
	c.SignIn(t, "acme", "bob", "licenses.read").Get("/console/acme/").Hides("The bill of this period")
}
