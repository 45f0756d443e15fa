package pages

import (
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// Words of Purchase, Cart and Billing.

var cartColumns = []view.Column{
	{Name: "Select", Hidden: true},
	{Name: "Product Name"},
	{Name: "Quantity"},
	{Name: "Assigned Cost Center"},
	{Name: "Unit price", Number: true},
	{Name: "Monthly", Number: true},
	{Name: "Actions", Number: true},
}

func purchaseLead(c *web.Context, s shop) string {
	currency := ""
	if info, there := c.AccountInfo(); there {
		currency = " in " + info.Currency
	}
	if s.empty {
		return ""
	}
	return "Prices are for one license a month" + currency +
		". What is due today is less: it is shown before you order."
}

func backToShop(c *web.Context, s shop) string {
	if s.category == "" {
		return c.Link("purchase")
	}
	return c.Link("purchase") + "?category=" + queryEscape(s.category)
}

func moneyOrDash(c *web.Context, m *client.Money) string {
	if m == nil {
		return "–"
	}
	return c.Format().Money(*m)
}

func undecidedSays(names []string) string {
	list := strings.Join(names, ", ")
	if len(names) == 1 {
		return "There is no cost center yet for " + list + "."
	}
	return "There is no cost center yet for these: " + list + "."
}

// prorationSays is how what is due today comes from what a month costs.
func prorationSays(c *web.Context, p client.Proration, currency string) string {
	f := c.Format()
	return "All amounts are in " + currency + ". Due today are " + f.Number(p.Days) + " of the " +
		f.Count(p.PeriodDays, "day", "days") + " of the billing period: from " + f.Day(p.From) +
		" up to the next billing date, " + f.Day(p.To) + ", which is not counted."
}

func licensesIn(lines []client.QuoteLine) int64 {
	var n int64
	for _, l := range lines {
		n += l.Quantity
	}
	return n
}

// accountName is the account as a statement names it.
func accountName(c *web.Context) string {
	if info, there := c.AccountInfo(); there && info.Name != c.Account {
		return info.Name + " (" + c.Account + ")"
	}
	return c.Account
}
