package pages

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// periodRoutes are the pages below Billing of what was charged, and why.
var periodRoutes = []web.Route{
	{Path: "billing/periods", Show: showPeriods},
	{Path: "billing/periods/{first}", Show: showPeriod},
	{Path: "billing/periods/{first}/statement.pdf", Show: showPeriodPDF},
	{Path: "billing/periods/{first}/lines.csv", Show: showPeriodCSV},
	{Path: "billing/periods/{first}/workbook.xlsx", Show: showPeriodWorkbook},
	{Path: "billing/periods/{first}/lines/{line}", Show: showPeriodLine},
	{Path: "billing/periods/{first}/lines/{line}/days/{day}", Show: showPeriodDay},
}

const (
	pageOfPeriods = 24
	// pageOfLines is how many lines of a period a page shows.
	pageOfLines = 50
	// pageOfBehind is how many licenses or people of a day a page shows.
	pageOfBehind = 25
	// mostDays is the most days that a period has: the API gives them all.
	mostDays = 62
	// noCenter is the filter's value for lines without a cost center; no code begins with it.
	noCenter      = "-"
	currentPeriod = "current"
	closedPeriod  = "closed"
	kindOverage   = "overage"
)

// lineKinds are the kinds of lines in the order of a bill, as people call them.
var lineKinds = []view.Option{
	{Value: "recurring", Name: "Recurring"},
	{Value: "prorated", Name: "Prorated"},
	{Value: "metered", Name: "Metered"},
	{Value: kindOverage, Name: "Overage"},
	{Value: "correction", Name: "Correction"},
}

// periodsView is what the list of periods shows.
type periodsView struct {
	page    client.PeriodListSummary
	current client.PeriodView
}

func showPeriods(c *web.Context, _ *view.Form) error {
	var page client.Answer[client.PeriodListSummary]
	var current client.Answer[client.PeriodView]
	calls := []func(context.Context) error{
		client.Into(&page, func(ctx context.Context) (client.Answer[client.PeriodListSummary], error) {
			return c.API.ListPeriods(
				ctx, client.ListPeriodsQuery{Limit: pageOfPeriods, Cursor: c.Query().Get("cursor")},
			)
		}),
	}
	if c.Query().Get("cursor") == "" {
		calls = append(calls, getPeriod(c, currentPeriod, &current))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	return c.Show("Billing periods", periodsPage(c, periodsView{page.Body, current.Body}))
}

func getPeriod(c *web.Context, first string, into *client.Answer[client.PeriodView]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.PeriodView], error) {
		return c.API.GetPeriod(ctx, first)
	})
}

func (v periodsView) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("billing", "periods"), c.Query(),
		onPage{rows: len(v.page.Items), next: v.page.NextCursor, order: newestFirst}, [2]string{"period", "periods"})
}

// total is what a period has come to, as far as it is known without reading all of it.
func (v periodsView) total(f *view.Format, p client.PeriodSummary) string {
	switch {
	case p.Total != nil:
		return f.Money(*p.Total)
	case p.From == v.current.From:
		return f.Money(v.current.Total) + " so far"
	}
	return "–"
}

// billNames are what people call the things of a bill.
type billNames struct{ nameCalls }

func (n *billNames) product(id string) string {
	p := n.item(id)
	return orDash(withKind(p.Name, p.Kind))
}

func (n *billNames) center(code string) string {
	if code == "" {
		return "No cost center"
	}
	return n.nameCalls.center(code)
}

// periodPage is what the page of a period shows.
type periodPage struct {
	billNames

	period client.PeriodView
	query  url.Values
	lines  []client.Line // that the filters let through
	page   int

	compared *client.Comparison // with a day that was chosen
	dayFault string
}

func showPeriod(c *web.Context, _ *view.Form) error {
	var period client.Answer[client.PeriodView]
	var compared client.Answer[client.Comparison]
	v := periodPage{query: c.Query()}
	calls := append(v.calls(c), getPeriod(c, c.Param("first"), &period))
	if v.query.Get("day") != "" {
		calls = append(calls, v.compare(c, &compared))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	v.period = period.Body
	if compared.Body.Day != "" {
		v.compared = &compared.Body
	}
	for _, l := range v.period.Lines {
		if v.fits(l) {
			v.lines = append(v.lines, l)
		}
	}
	if n, err := strconv.Atoi(v.query.Get("page")); err == nil && n > 0 && (n-1)*pageOfLines < len(v.lines) {
		v.page = n - 1
	}
	return c.Show("Billing period", periodView(c, v))
}

// compare asks why the period and the end of the chosen day differ. A day that cannot be compared is
// said beside the field, and the rest of the page is shown.
func (v *periodPage) compare(
	c *web.Context, into *client.Answer[client.Comparison],
) func(context.Context) error {
	query := client.ComparePeriodQuery{
		Day: v.query.Get("day"), Limit: pageOfLines, Cursor: v.query.Get("cursor"),
	}
	return func(ctx context.Context) error {
		answer, err := c.API.ComparePeriod(ctx, c.Param("first"), query)
		*into = answer
		if client.Is(err, "validation") {
			v.dayFault = "Choose a day of this period that has begun."
			return nil
		}
		return err
	}
}

func (v periodPage) differencesPager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("billing", "periods", v.period.From), c.Query(),
		onPage{rows: len(v.compared.Items), next: v.compared.NextCursor}, [2]string{"difference", "differences"})
}

// fits says that the filters let a line through.
func (v periodPage) fits(l client.Line) bool {
	is := func(filter, value string) bool {
		wanted := v.query.Get(filter)
		return wanted == "" || wanted == value
	}
	return is("kind", l.Kind) && is("product", l.ProductID) && is("costCenter", cmp.Or(l.CostCenter, noCenter))
}

func (v periodPage) filtered() bool { return len(v.lines) < len(v.period.Lines) }

// shown are the lines of the page.
func (v periodPage) shown() []client.Line {
	return v.lines[v.page*pageOfLines : min(len(v.lines), (v.page+1)*pageOfLines)]
}

func (v periodPage) pager(c *web.Context) view.Pager {
	at := func(page int) string {
		q := url.Values{}
		for name, values := range v.query {
			q[name] = values
		}
		q.Del("page")
		if page > 0 {
			q.Set("page", strconv.Itoa(page+1))
		}
		return c.Link("billing", "periods", v.period.From) + "?" + q.Encode()
	}
	p := view.Pager{Count: c.Format().Count(int64(len(v.lines)), "line", "lines")}
	if shown := len(v.shown()); shown < len(v.lines) {
		p.Count += ", " + c.Format().Number(int64(shown)) + " on this page"
	}
	if v.page > 0 {
		p.First, p.Previous = at(0), at(v.page-1)
	}
	if (v.page+1)*pageOfLines < len(v.lines) {
		p.Next = at(v.page + 1)
	}
	return p
}

// sum is what the lines cost that the filters let through.
func (v periodPage) sum() client.Money {
	sum := client.Money{Currency: v.period.Currency}
	for _, l := range v.lines {
		sum.Amount += l.Amount.Amount
	}
	return sum
}

// shares are those of the cost centers.
func (v periodPage) shares(f *view.Format) []string {
	var amounts []client.Money
	for _, one := range v.period.ByCostCenter {
		amounts = append(amounts, one.Amount)
	}
	return shares(f, amounts, v.period.Total)
}

// bars are the cost centers, what costs most first; those beyond the first few are one bar.
func (v periodPage) bars(f *view.Format) []view.Bar {
	centers := slices.Clone(v.period.ByCostCenter)
	view.Sort(centers, func(x, y client.PeriodCostCenterTotal) bool { return x.Amount.Amount > y.Amount.Amount })
	var bars []view.Bar
	rest := client.Money{Currency: v.period.Currency}
	for i, one := range centers {
		if i < mostBars {
			bars = append(bars, view.Bar{
				Name: v.center(one.CostCenter), Amount: one.Amount.Amount, Figure: f.Money(one.Amount),
			})
			continue
		}
		rest.Amount += one.Amount.Amount
	}
	if n := int64(len(centers) - mostBars); n > 0 {
		bars = append(bars, view.Bar{Name: f.Count(n, "other", "others"), Amount: rest.Amount, Figure: f.Money(rest)})
	}
	return bars
}

func showPeriodPDF(c *web.Context, _ *view.Form) error { return sendPeriod(c, "application/pdf") }

func showPeriodCSV(c *web.Context, _ *view.Form) error { return sendPeriod(c, "text/csv") }

// sendPeriod sends the statement of a period, of a cost center where the address names one.
func sendPeriod(c *web.Context, form string) error {
	query := client.GetPeriodStatementQuery{CostCenter: c.Query().Get("costCenter")}
	file, err := c.API.GetPeriodStatement(c.R.Context(), c.Param("first"), query, form)
	if err != nil {
		return err
	}
	return c.SendFile(file.Body)
}

func showPeriodWorkbook(c *web.Context, _ *view.Form) error {
	query := client.GetPeriodWorkbookQuery{CostCenter: c.Query().Get("costCenter")}
	file, err := c.API.GetPeriodWorkbook(c.R.Context(), c.Param("first"), query)
	if err != nil {
		return err
	}
	return c.SendFile(file.Body)
}

// file is the address of a file of the period: of the cost center that the lines are filtered by, or
// of all.
func (v periodPage) file(c *web.Context, name string) string {
	address := c.Link("billing", "periods", v.period.From, name)
	if center := v.query.Get("costCenter"); center != "" && center != noCenter {
		address += "?costCenter=" + queryEscape(center)
	}
	return address
}

// filter is the address of the page with another value of a filter.
func (v periodPage) filter(c *web.Context, name, value string) string {
	return c.Link("billing", "periods", v.period.From) + "?" + url.Values{name: {value}}.Encode() + "#lines"
}

// products are those of the lines, to choose from.
func (v periodPage) productOptions() []view.Option {
	var options []view.Option
	for _, l := range v.period.Lines {
		known := func(o view.Option) bool { return o.Value == l.ProductID }
		if l.ProductID != "" && !slices.ContainsFunc(options, known) {
			options = append(options, view.Option{Value: l.ProductID, Name: v.product(l.ProductID)})
		}
	}
	return options
}

func (v periodPage) centerOptions() []view.Option {
	var options []view.Option
	for _, one := range v.period.ByCostCenter {
		options = append(options, view.Option{Value: cmp.Or(one.CostCenter, noCenter), Name: v.center(one.CostCenter)})
	}
	return options
}

// linePage is what the page of a line shows.
type linePage struct {
	billNames

	first string
	line  client.LineView
}

func (v linePage) name() string { return v.billNames.line(v.line.Kind, v.line.ProductID) }

func getLine(
	c *web.Context, query client.GetPeriodLineQuery, into *client.Answer[client.LineView],
) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.LineView], error) {
		return c.API.GetPeriodLine(ctx, c.Param("first"), c.Param("line"), query)
	})
}

func showPeriodLine(c *web.Context, _ *view.Form) error {
	v := linePage{first: c.Param("first")}
	var line client.Answer[client.LineView]
	// The days have their licenses with them, and a page of the API ends where those are many.
	query := client.GetPeriodLineQuery{Limit: mostDays, Cursor: c.Query().Get("cursor")}
	if err := c.Load(append(v.calls(c), getLine(c, query, &line))...); err != nil {
		return err
	}
	v.line = line.Body
	return c.Show(v.name(), lineView(c, v))
}

func (v linePage) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("billing", "periods", v.first, "lines", v.line.ID), c.Query(),
		onPage{rows: len(v.line.Days), next: v.line.NextCursor}, [2]string{"day", "days"})
}

// behind is a license, a person, or both, that counts on a day.
type behind struct {
	license, user, name string
	// known says that it is known who held the license, or that nobody did.
	known bool
}

// dayPage is what the page of a day shows.
type dayPage struct {
	linePage

	day    client.DayView
	behind []behind
}

func showPeriodDay(c *web.Context, _ *view.Form) error {
	v := dayPage{linePage: linePage{first: c.Param("first")}}
	var line client.Answer[client.LineView]
	query := client.GetPeriodLineQuery{
		Day: c.Param("day"), Limit: pageOfBehind, Cursor: c.Query().Get("cursor"),
	}
	if err := c.Load(append(v.calls(c), getLine(c, query, &line))...); err != nil {
		return err
	}
	v.line = line.Body
	v.day = v.line.Days[0] // the API answers not-found for a day that the line does not have
	people, calls := usersNamed(c, distinct(v.day.UserIDs))
	var held []heldThen
	if v.tellsHolders() {
		held = make([]heldThen, len(v.day.LicenseIDs))
		calls = append(calls, holdersOn(c, v.day, held)...)
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	v.behind = behindOf(v.day, usersByID(people))
	if err := v.enter(c, held); err != nil {
		return err
	}
	return c.Show(v.name()+", "+c.Format().Day(v.day.Day), dayView(c, v))
}

// tellsHolders says that the line has licenses that stay, of which the holder of the day may be known.
func (v dayPage) tellsHolders() bool {
	return len(v.day.LicenseIDs) > 0 && len(v.day.UserIDs) == 0 && v.line.Kind != kindMetered
}

// heldThen is a license as it is now, and the first that was done to it after a day.
type heldThen struct {
	license client.License
	after   client.Answer[client.AuditRecordPage]
}

// holdersOn are the calls that find out who held the licenses of a day at its end. Of one that the reader
// may not see there is nothing.
func holdersOn(c *web.Context, day client.DayView, into []heldThen) []func(context.Context) error {
	var calls []func(context.Context) error
	end := endOf(c, day.Day)
	for i, id := range day.LicenseIDs {
		calls = append(calls, client.IfAllowed(client.IfThere(func(ctx context.Context) error {
			l, err := c.API.GetLicense(ctx, id)
			into[i].license = l.Body
			return err
		})), client.IfAllowed(
			client.Into(&into[i].after, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
				return c.API.ListAudit(ctx, client.ListAuditQuery{
					License: id, From: end.UTC().Format(time.RFC3339), Order: "oldest", Limit: 1,
				})
			}),
		))
	}
	return calls
}

// at is who held a license at the end of a day: who had it before the first change afterwards, or has it
// still. Whose history the reader may not see is known where they hold it still.
func (h heldThen) at(end time.Time) (user string, known bool) {
	switch {
	case len(h.after.Body.Items) > 0:
		return partOf(h.after.Body.Items[0].Before).UserID, true
	case h.after.Status != 0, h.license.UserID != "" && h.license.AssignedAt.Before(end):
		return h.license.UserID, h.license.ID != ""
	}
	return "", false
}

// enter puts who held the licenses of the day beside them.
func (v *dayPage) enter(c *web.Context, held []heldThen) error {
	var named []heldThen // whose holder then is another one than now
	end := endOf(c, v.day.Day)
	for i, h := range held {
		v.behind[i].user, v.behind[i].known = h.at(end)
		if v.behind[i].name = h.license.UserName; v.behind[i].user != h.license.UserID {
			named = append(named, h)
		}
	}
	who, err := peopleNamed(c, named, func(h heldThen) string { user, _ := h.at(end); return user })
	if err != nil {
		return err
	}
	for i, h := range held {
		b := &v.behind[i]
		if b.user != h.license.UserID {
			b.name = who.name(b.user)
		}
		if c.Limited() && b.user != "" { // whoever holds a license of theirs may be none of theirs, without a page
			b.user = b.name
		}
	}
	return nil
}

// endOf is the end of a day of the account's zone.
func endOf(c *web.Context, day string) time.Time {
	end, _ := time.ParseInLocation(time.DateOnly, dayAfter(day), accountZone(c)) // the API has named the day
	return end
}

// distinct are ids, each once, in their order.
func distinct(ids []string) []string {
	var all []string
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// behindOf puts licenses and people of a day side by side where each license has its holder, as of
// what is metered; of what was bought there are licenses alone, and of overage people alone.
func behindOf(d client.DayView, known map[string]client.User) []behind {
	var list []behind
	for _, id := range d.LicenseIDs {
		list = append(list, behind{license: id})
	}
	paired := len(d.LicenseIDs) == len(d.UserIDs)
	for i, id := range d.UserIDs {
		if !paired {
			list = append(list, behind{})
			i = len(list) - 1
		}
		list[i].user, list[i].name = id, cmp.Or(known[id].Name, id)
	}
	return list
}

func (v dayPage) pager(c *web.Context) view.Pager {
	noun := [2]string{"license", "licenses"}
	if v.line.Kind == kindOverage {
		noun = [2]string{"person", "people"}
	}
	path := c.Link("billing", "periods", v.first, "lines", v.line.ID, "days", v.day.Day)
	return pagerOf(c, path, c.Query(),
		onPage{rows: len(v.behind), next: v.line.NextCursor, all: v.day.Quantity}, noun)
}
