// Package statement writes the printable record of an order (requirements, section 3.5), as an HTML
// page and as a PDF document: itemized charges, cost centers, totals, the order, the account, and
// who acknowledged what and when. It is a package of its own, with an order of its own, so that it
// knows nothing of how orders come about.
//
// A statement is a function of its Source alone: it holds no clock, and the same source gives the
// same bytes.
package statement

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/craft/money"
)

// Source is all that a statement is made from.
type Source struct {
	// Brand is the name that the account's provider sells under.
	Brand       string
	AccountID   string
	AccountName string
	// Paper is the size that it is laid out for; A4 unless it says otherwise.
	Paper Paper
	// Location is the account's time zone, for the times on the statement; nil is UTC.
	Location *time.Location
	Order    Order
	// PlacedByName is the name of the user whose id is Order.PlacedBy; empty if it is not known.
	PlacedByName string
	// CostCenterNames maps codes to names; a code without a name stands alone.
	CostCenterNames map[string]string
}

// Paper is a size of paper.
type Paper string

// The sizes, named as CSS names them.
const (
	A4     Paper = "a4"
	Letter Paper = "letter"
)

// Order is an order as it is printed. Days are written YYYY-MM-DD, in the account's time zone.
type Order struct {
	ID string
	// Number is what people say for it.
	Number   string
	PlacedAt time.Time
	PlacedBy string // User id.
	// Preparing says that the licenses are not there yet.
	Preparing bool
	// Acknowledgement is what was acknowledged, word for word.
	Acknowledgement     string
	LicenseCount        int
	Lines               []Line
	Recurring, DueToday money.Amount
	ByCostCenter        []CostCenter
	NextBillingDate     string
	// Days of the PeriodDays from From to To, which is not counted, are due on the day of the
	// order.
	From, To         string
	Days, PeriodDays int
}

// Line is an itemized charge.
type Line struct {
	ProductID, Name, CostCenter    string
	Quantity                       int
	UnitPrice, Recurring, DueToday money.Amount
}

// CostCenter is the sum of the lines of one cost center.
type CostCenter struct {
	Code                string
	Recurring, DueToday money.Amount
}

// page is the content of a statement, ready to print: both forms print the same one, so they cannot
// differ.
type page struct {
	Brand           string
	Title           string
	Order           string
	Number          string
	Paper           Paper
	Facts           []fact
	Intro           string
	Lines           []charge
	Recurring, Due  string // The totals, with their currency.
	CostCenters     []center
	AcknowledgedBy  string
	Acknowledgement string
}

type fact struct{ Name, Value string }

type charge struct{ Product, CostCenter, Quantity, UnitPrice, Recurring, Due string }

type center struct{ CostCenter, Recurring, Due string }

func newPage(s Source) page {
	o := s.Order
	placed := instant(o.PlacedAt.In(cmp.Or(s.Location, time.UTC)))
	p := page{
		Brand: s.Brand,
		Title: "Statement",
		Order: o.ID, Number: o.Number,
		Paper: s.Paper,
		Facts: []fact{
			{"Order number", o.Number},
			{"Order ID", o.ID},
			{"Account", named(s.AccountName, s.AccountID)},
			{"Placed", placed},
			{"Placed by", named(s.PlacedByName, o.PlacedBy)},
			{"Licenses", strconv.Itoa(o.LicenseCount)},
			{"Next billing date", o.NextBillingDate},
		},
		Intro: "All amounts are in " + o.DueToday.Currency + ". Recurring charges are for a month. Due today are " +
			strconv.Itoa(o.Days) + " of the " + strconv.Itoa(o.PeriodDays) + " days of the billing period, from " +
			o.From + " up to but not including " + o.To + ".",
		Recurring:       o.Recurring.String(),
		Due:             o.DueToday.String(),
		AcknowledgedBy:  "Acknowledged by " + named(s.PlacedByName, o.PlacedBy) + " on " + placed + ":",
		Acknowledgement: o.Acknowledgement,
	}
	if o.Preparing {
		p.Facts = append(p.Facts, fact{"Status", "The licenses are being prepared."})
	}
	costCenter := func(code string) string { return named(s.CostCenterNames[code], code) }
	for _, line := range o.Lines {
		p.Lines = append(p.Lines, charge{
			Product: cmp.Or(
				line.Name,
				line.ProductID,
			),
			CostCenter: costCenter(line.CostCenter),
			Quantity:   strconv.Itoa(line.Quantity),
			UnitPrice:  line.UnitPrice.Decimal(),
			Recurring:  line.Recurring.Decimal(),
			Due:        line.DueToday.Decimal(),
		})
	}
	for _, c := range o.ByCostCenter {
		p.CostCenters = append(p.CostCenters, center{costCenter(c.Code), c.Recurring.Decimal(), c.DueToday.Decimal()})
	}
	return p
}

// instant is a time with its zone in words: "2026-11-20 04:05 (America/Detroit, UTC-05:00)".
func instant(t time.Time) string {
	zone := t.Format("UTC-07:00")
	switch name := t.Location().String(); {
	case t.Location() == time.UTC:
		zone = "UTC"
	case name != "":
		zone = name + ", " + zone
	}
	return t.Format("2006-01-02 15:04") + " (" + zone + ")"
}

// FileName is what the statement is called when it is kept, without its ending: after brand, account
// and day, and the number of the order, since a day may have several.
func FileName(s Source) string {
	day := s.Order.PlacedAt.In(cmp.Or(s.Location, time.UTC)).Format(time.DateOnly)
	return strings.Join([]string{s.Brand, "Statement", cmp.Or(s.AccountName, s.AccountID), day, s.Order.Number}, " ")
}

// named is a name with the id it stands for: "Acme Ltd (acme)". The id is always there: it is what
// the statement can be held against.
func named(name, id string) string {
	if name == "" || name == id {
		return id
	}
	return name + " (" + id + ")"
}
