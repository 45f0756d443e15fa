package pages

import (
	"context"
	"strings"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// What the two kinds of overage count, in the same words on every page (docs/billing.md): neither is a
// part of the other.
const (
	usageOverage = "active people beyond the licenses bought by the end of the last day"
	billOverage  = "people who wait for a license of Live Reports at the end of a day, whether they were active or not"
)

// overageTile is what the figure of overage counts, and of which days. An admin of some cost centers has
// another one, since licenses are bought for the whole account. Where the sum is nothing, single days may
// still have been over, since each is held against its own licenses.
func overageTile(c *web.Context, n int64) string {
	if c.Limited() {
		return "of your users wait for a license of Live Reports now"
	}
	if n == 0 {
		return "overage users of the last 30 days together: " + usageOverage +
			", which is today. A day before may have been over with the licenses that it had"
	}
	return "overage users of the last 30 days: " + usageOverage
}

// overageTold is the same figure as a sentence.
func overageTold(c *web.Context, n int64) string {
	if c.Limited() {
		return c.Format().Count(n, "of your users waits", "of your users wait") + " for a license of Live Reports."
	}
	return c.Format().Count(n, "more person was", "more people were") +
		" active in the last 30 days than licenses of Live Reports are bought."
}

// overageLink is where overage is looked at; empty for who may not see usage.
func overageLink(c *web.Context) string {
	if c.Limited() || !c.May(auth.UsageRead) || !c.HasPage("usage") {
		return ""
	}
	return c.Link("usage") + "#overage"
}

// run are days that follow each other, both ends included.
type run struct{ first, last string }

// over are the days on which more people were active than licenses were bought, and how many they are.
func (u usage) over() (runs []run, days int64) {
	for _, d := range u.sum.Daily {
		if d.OverageUsers == 0 {
			continue
		}
		days++
		if n := len(runs); n > 0 && dayAfter(runs[n-1].last) == d.Date {
			runs[n-1].last = d.Date
		} else {
			runs = append(runs, run{d.Date, d.Date})
		}
	}
	return runs, days
}

// says writes runs of days.
func says(f *view.Format, runs []run) string {
	said := make([]string, len(runs))
	for i, r := range runs {
		said[i] = f.Day(r.first)
		if r.last != r.first {
			said[i] = span(f, r.first, dayAfter(r.last))
		}
	}
	return strings.Join(said, "; ")
}

// overageSays is on which days people were over, since when if they still are, how many on the worst day,
// and how many of all days together.
func (u usage) overageSays(c *web.Context) []string {
	f, o := c.Format(), u.sum.Overage
	runs, days := u.over()
	all := f.Count(int64(len(u.sum.Daily)), "day", "days")
	var text []string
	switch {
	case days == 0:
		text = append(text, "On no single one of these "+all+" were more people active than licenses were bought.")
	case len(u.sum.Daily) == 1:
		text = append(text, "On this day more people were active than licenses were bought.")
	case days == int64(len(u.sum.Daily)):
		text = append(text, "On each of these "+all+" more people were active than licenses were bought.")
	default:
		text = append(text, "On "+f.Number(days)+" of these "+all+
			" more people were active than licenses were bought: "+says(f, runs)+".")
	}
	if n := len(runs); n > 0 && dayAfter(runs[n-1].last) == u.sum.To && runs[n-1].first != u.sum.From {
		text = append(text, "It is so without a break since "+f.Day(runs[n-1].first)+", up to the last of these days.")
	}
	if len(u.sum.Daily) == 1 { // what is of the day is of all days together
		return append(text, f.Count(u.sum.ActiveUsers, "active user", "active users")+" for "+
			f.Count(u.sum.TotalPurchased, "license", "licenses")+" bought "+u.heldAt(c)+", so "+
			f.Number(u.sum.OverageUsers)+" over.")
	}
	if days > 0 {
		text = append(text, "The most on one day: "+f.Count(o.PeakUsers, "person", "people")+" over, on "+
			f.Day(o.PeakDate)+".")
	}
	return append(text, "All of these days together, each person once: "+
		f.Count(u.sum.ActiveUsers, "active user", "active users")+" for "+
		f.Count(u.sum.TotalPurchased, "license", "licenses")+" bought "+u.heldAt(c)+", so "+
		f.Number(u.sum.OverageUsers)+" over.")
}

// heldAt is when the licenses are counted that a window as a whole is held against.
func (u usage) heldAt(c *web.Context) string {
	at := "by the end of " + c.Format().Day(dayBefore(u.sum.To))
	if u.today(c) {
		at += ", today, so far"
	}
	return at
}

// today says that the last day shown is not over yet.
func (u usage) today(c *web.Context) bool {
	zone, ok := web.ZoneNamed(u.sum.Timezone)
	if !ok {
		zone = accountZone(c)
	}
	return dayBefore(u.sum.To) == c.Now().In(zone).Format(time.DateOnly)
}

// heldSays is what the days and their sum are held against: what is bought on the last day changes the sum,
// and no day before it.
func (u usage) heldSays(c *web.Context) string {
	if len(u.sum.Daily) == 1 {
		return "The day is held against the licenses bought " + u.heldAt(c) + "."
	}
	return "Each day is held against the licenses bought by its end, and all days together against those bought " +
		u.heldAt(c) + ". So what is bought on the last day changes the sum, and no day before it."
}

// overTile is the figure of overage and what it means. What was bought on the last day can make nothing of
// the sum of days that were over, so the tile tells of the days first then.
func (u usage) overTile(c *web.Context) (figure, meaning string) {
	f := c.Format()
	_, days := u.over()
	if u.sum.OverageUsers > 0 || days == 0 || len(u.sum.Daily) < 2 {
		return f.Number(u.sum.OverageUsers), u.overSays(f)
	}
	return f.Number(days) + " of " + f.Number(int64(len(u.sum.Daily))), "days were over: " + u.peakSays(f) +
		". All these days together are held against the licenses bought " + u.heldAt(c) +
		", and nobody is beyond those" + u.mostBy()
}

// peakSays is by how many people the worst day was over.
func (u usage) peakSays(f *view.Format) string {
	var peak client.UsageDay
	for _, d := range u.sum.Daily {
		if d.OverageUsers > peak.OverageUsers {
			peak = d
		}
	}
	return "by at most " + f.Count(peak.OverageUsers, "person", "people") + ", on " + f.Day(peak.Date)
}

// mostBy names the call queue by which most active people come; empty for none.
func (u usage) mostBy() string {
	if queues := u.queues(); len(queues) > 0 {
		return "; most by " + queues[0].Name
	}
	return ""
}

// overSays is what the sum of overage means: of how many days, and by which call queue most of them
// come.
func (u usage) overSays(f *view.Format) string {
	text := "overage users: " + usageOverage
	if len(u.sum.Daily) > 1 {
		text += ", of all these days together"
	}
	if u.sum.Overage == nil {
		return text
	}
	if _, days := u.over(); len(u.sum.Daily) > 1 {
		text += "; over on " + f.Number(days) + " of " + f.Count(int64(len(u.sum.Daily)), "day", "days")
		if days > 0 {
			text += " " + u.peakSays(f)
		} else {
			text += ", since on no single one so many were active"
		}
	}
	return text + u.mostBy()
}

// mostUsageDays is how many days of usage can be asked for at once.
const mostUsageDays = 366

// earlier is the address of these days and the thirty before them: since when people are over is not
// known where they are on the first day already. Empty where it is known, or no more days can be shown.
func (u usage) earlier(c *web.Context) string {
	runs, _ := u.over()
	if len(runs) == 0 || runs[0].first != u.sum.From || len(u.sum.Daily) > mostUsageDays-pageOfUsage {
		return ""
	}
	first, err := time.Parse(time.DateOnly, u.sum.From)
	if err != nil {
		return ""
	}
	return c.Link("usage") + "?from=" + first.AddDate(0, 0, -pageOfUsage).Format(time.DateOnly) +
		"&last=" + dayBefore(u.sum.To)
}

// pageOfUsage is how many more days the link to earlier ones shows.
const pageOfUsage = 30

// latestPeriods asks for the periods of the last year or two.
func latestPeriods(c *web.Context) func(context.Context) (client.Answer[client.PeriodListSummary], error) {
	return func(ctx context.Context) (client.Answer[client.PeriodListSummary], error) {
		return c.API.ListPeriods(ctx, client.ListPeriodsQuery{Limit: pageOfPeriods})
	}
}

// billed are the periods of which days are shown, the latest first; none for who may not see bills.
func (u usage) billed(c *web.Context) []client.PeriodSummary {
	if !c.HasPage("billing") {
		return nil
	}
	var list []client.PeriodSummary
	for _, p := range u.periods.Body.Items {
		if p.From < u.sum.To && u.sum.From < p.To {
			list = append(list, p)
		}
	}
	return list
}

// overageLines is the address of the lines of overage of a period.
func overageLines(c *web.Context, first string) string {
	return c.Link("billing", "periods", first) + "?kind=" + kindOverage + "#lines"
}

// lastUsed is the last day before another one of which there is usage: today at the latest.
func lastUsed(c *web.Context, to string) string {
	return min(dayBefore(to), c.Now().In(accountZone(c)).Format(time.DateOnly))
}

// usageOf is the address of the usage of the days from the first up to the one after the last, as a bill
// names them.
func usageOf(c *web.Context, from, to string) string {
	return c.Link("usage") + "?from=" + from + "&last=" + lastUsed(c, to)
}

// overageOf is what the lines of overage of a period come to.
func overageOf(p client.PeriodView) client.Money {
	sum := client.Money{Currency: p.Currency}
	for _, l := range p.Lines {
		if l.Kind == kindOverage {
			sum.Amount += l.Amount.Amount
		}
	}
	return sum
}

// accountZone is the time zone of the account's days.
func accountZone(c *web.Context) *time.Location {
	info, _ := c.AccountInfo()
	if zone, ok := web.ZoneNamed(info.Timezone); ok {
		return zone
	}
	return time.UTC
}
