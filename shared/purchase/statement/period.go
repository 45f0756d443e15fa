package statement

import (
	"cmp"
	"io"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/craft/money"
	"seatwise/shared/craft/workbook/csvout"
)

// PeriodSource is all that the statement of a billing period is made from.
type PeriodSource struct {
	// Brand is the name that the account's provider sells under.
	Brand, AccountID, AccountName string
	// Paper is the size that it is laid out for; A4 unless it says otherwise.
	Paper Paper
	// Location is the account's time zone; nil is UTC.
	Location *time.Location
	Period   Period
	// ProductNames and CostCenterNames map ids to names; one without a name stands alone.
	ProductNames, CostCenterNames map[string]string
}

// Period is a billing period as it is printed. Days are written YYYY-MM-DD, in the account's time
// zone; To is not counted.
type Period struct {
	From, To        string
	State           string
	Days, MonthDays int
	ClosesAt        time.Time
	ClosedAt        time.Time // Zero unless it is closed.
	Digest          string
	CostCenter      string // The only one whose lines it has; empty for all.
	Lines           []PeriodLine
	ByCostCenter    []PeriodCenter
	Total           money.Amount
	Currency        string
}

// PeriodLine is what one product costs one cost center in a period.
type PeriodLine struct {
	Kind, ProductID, CostCenter string
	Quantity, LicenseDays       int64
	UnitPrice, Amount           money.Amount
	// Corrects is the first day of the period that a correction corrects, and Reason why.
	Corrects, Reason string
}

// PeriodCenter is the sum of the lines of one cost center.
type PeriodCenter struct {
	Code   string
	Amount money.Amount
}

// correction is the kind of a line that has an amount and counts nothing.
const correction = "correction"

// periodPage is the content of a period's statement, ready to print: both forms print the same one.
type periodPage struct {
	Brand, Title string
	Paper        Paper
	Facts        []fact
	Intro        string
	Lines        []periodCharge
	Centers      []periodCenter
	Total        string
	Seal         string
}

type periodCharge struct{ What, CostCenter, Quantity, Days, UnitPrice, Amount string }

type periodCenter struct{ CostCenter, Amount string }

func newPeriodPage(s PeriodSource) periodPage {
	p := s.Period
	location := cmp.Or(s.Location, time.UTC)
	page := periodPage{
		Brand: s.Brand, Title: "Billing period", Paper: s.Paper,
		Facts: []fact{
			{"Account", named(s.AccountName, s.AccountID)},
			{"Days", p.From + " up to but not including " + p.To},
			{"Time zone of the days", location.String()},
		},
		Intro: "All amounts are in " + p.Currency + ". The period has " + strconv.Itoa(p.Days) +
			" days, and unit prices are for a month of " + strconv.Itoa(p.MonthDays) +
			". License days are licenses, or people who wait, times days.",
		Total: p.Total.String(),
	}
	switch {
	case !p.ClosedAt.IsZero():
		page.Facts = append(page.Facts, fact{"Closed", instant(p.ClosedAt.In(location))})
		page.Seal = "SHA-256 over all lines, days and what is behind them: " + p.Digest +
			". It is over ids and codes; names beside them are those of the day on which this was printed."
	case p.State == "open":
		page.Facts = append(page.Facts, fact{"State", "Open: a preview, which changes every day."})
	default:
		page.Facts = append(page.Facts, fact{"State", "Over and not closed yet; it can be closed from " +
			instant(p.ClosesAt.In(location)) + " on."})
	}
	if p.CostCenter != "" {
		page.Facts = append(page.Facts, fact{"Cost center", s.center(p.CostCenter)})
	}
	for _, l := range p.Lines {
		charge := periodCharge{
			What: s.what(l), CostCenter: s.center(l.CostCenter), Quantity: count(l.Quantity),
			Days: count(l.LicenseDays), UnitPrice: l.UnitPrice.Decimal(), Amount: l.Amount.Decimal(),
		}
		switch l.Kind {
		case correction:
			charge.Quantity, charge.Days, charge.UnitPrice = "", "", ""
		case "prorated":
			charge.Days = ""
		}
		page.Lines = append(page.Lines, charge)
	}
	for _, c := range p.ByCostCenter {
		page.Centers = append(page.Centers, periodCenter{s.center(c.Code), c.Amount.Decimal()})
	}
	return page
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

func (s PeriodSource) center(code string) string {
	if code == "" {
		return "No cost center"
	}
	return named(s.CostCenterNames[code], code)
}

// what is a line in words: its kind, its product, and of a correction what it corrects and why.
func (s PeriodSource) what(l PeriodLine) string {
	text := strings.ToUpper(l.Kind[:1]) + l.Kind[1:]
	if l.ProductID != "" {
		text += ", " + cmp.Or(s.ProductNames[l.ProductID], l.ProductID)
	}
	if l.Corrects != "" {
		text += " (of the period from " + l.Corrects + "): " + l.Reason
	}
	return text
}

// PeriodFileName is what the statement is called when it is kept, without its ending.
func PeriodFileName(s PeriodSource) string {
	words := []string{s.Brand, "Billing period", cmp.Or(s.AccountName, s.AccountID), s.Period.From}
	if s.Period.CostCenter != "" {
		words = append(words, s.Period.CostCenter)
	}
	return strings.Join(words, " ")
}

// PeriodCSV writes the lines of a period as CSV, one below the other, with figures that add up to the
// total. A text that a spreadsheet would run has an apostrophe in front (package csvout).
func PeriodCSV(w io.Writer, s PeriodSource) error {
	header := []string{
		"From", "To", "Kind", "Product ID", "Product", "Cost center", "Cost center name", "Quantity", "License days",
		"Unit price", "Amount", "Currency", "Corrects", "Reason",
	}
	const quantity, days, unit, amount = 7, 8, 9, 10
	out, err := csvout.NewTable(w, header, quantity, days, unit, amount)
	if err != nil {
		return err
	}
	for _, l := range s.Period.Lines {
		row := []string{
			s.Period.From, s.Period.To, l.Kind, l.ProductID, s.ProductNames[l.ProductID], l.CostCenter,
			s.CostCenterNames[l.CostCenter], count(l.Quantity), count(l.LicenseDays), l.UnitPrice.Decimal(),
			l.Amount.Decimal(), l.Amount.Currency, l.Corrects, l.Reason,
		}
		if l.Kind == correction {
			row[quantity], row[days], row[unit] = "", "", ""
		}
		if err := out.Append(row); err != nil {
			return err
		}
	}
	return out.Close()
}
