package workbook

import (
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// The tabs of a billing period's workbook, in their order.
const (
	CentersTab  = "Cost centers"
	LinesTab    = "Lines"
	DaysTab     = "Days"
	LicensesTab = "Licenses"
)

// mostBehind is how many rows the tab of licenses has: as many as fit into an answer of 6 MB.
const mostBehind = 60_000

// BillingPeriod is what the workbook of a billing period is made of. Amounts are in minor units of
// its currency, with that number of decimal places.
type BillingPeriod struct {
	Created        time.Time
	Brand, Account string
	Paper          Paper
	// Facts stand above the cost centers: a label, its value, and what it means.
	Facts    [][3]string
	Currency string
	Places   int
	Total    int64
	Centers  []ChargedCenter
	Lines    []ChargedLine
	// Licenses are what is behind the lines; they are taken one by one.
	Licenses iter.Seq[ChargedLicense]
}

// ChargedCenter is what one cost center pays.
type ChargedCenter struct {
	Code, Name string
	Amount     int64
}

// ChargedLine is what one product costs one cost center, with its days.
type ChargedLine struct {
	Kind, ProductID, Product, CostCenter string
	// Counts says that quantity, license days and unit price mean something.
	Counts                bool
	Quantity, LicenseDays int64
	UnitPrice, Amount     int64
	Corrects, Reason      string
	Days                  []ChargedDay
}

// ChargedDay is a line's part of one day.
type ChargedDay struct {
	Day      time.Time
	Quantity int64
	Amount   int64
}

// ChargedLicense is a run of days on which one license, or person, counts in a line.
type ChargedLicense struct {
	Kind, Product, CostCenter, License, UserID string
	First, Last                                time.Time
	Days                                       int
}

// WritePeriod writes a billing period as a workbook of four tabs: cost centers, lines, days, and
// licenses with their people. Figures are numbers, so that a program adds them up; every text is
// text.
func WritePeriod(w io.Writer, in BillingPeriod) error {
	if err := in.agree(); err != nil {
		return err
	}
	b, err := newBook(in.Created, in.Brand+" billing period", CentersTab, LinesTab, DaysTab, LicensesTab)
	if err != nil {
		return err
	}
	defer b.close()
	format := "#,##0"
	if in.Places > 0 {
		format += "." + strings.Repeat("0", in.Places)
	}
	p := &periodBook{book: b, in: in}
	for i, style := range []*int{&p.amount, &p.sum} {
		font := &excelize.Font{Family: fontFamily, Size: fontSize, Bold: i == 1}
		if *style, err = b.file.NewStyle(&excelize.Style{Font: font, CustomNumFmt: &format}); err != nil {
			return fmt.Errorf("workbook: %w", err)
		}
	}
	for _, tab := range []func() error{p.centers, p.lines, p.days, p.licenses} {
		if err := tab(); err != nil {
			return err
		}
	}
	return b.writeTo(w)
}

// agree holds that every tab adds up to the total.
func (in BillingPeriod) agree() error {
	var centers, lines, days int64
	for _, c := range in.Centers {
		centers += c.Amount
	}
	for _, l := range in.Lines {
		lines += l.Amount
		for _, d := range l.Days {
			days += d.Amount
		}
	}
	if centers != in.Total || lines != in.Total || days != in.Total {
		return fmt.Errorf(
			"%w: %d; cost centers %d, lines %d, days %d", ErrTabsDisagree, in.Total, centers, lines, days,
		)
	}
	return nil
}

// periodBook is the workbook of a billing period being written.
type periodBook struct {
	*book

	in          BillingPeriod
	amount, sum int // styles
}

// money is an amount in major units. It is written with the digits that it has.
func (p *periodBook) money(style int, minor int64) any {
	return excelize.Cell{StyleID: style, Value: float64(minor) / math.Pow10(p.in.Places)}
}

func (p *periodBook) cell(style int, s string) any {
	return excelize.Cell{StyleID: style, Value: text(s)}
}

// centers writes the first tab: what the workbook is, then what each cost center pays, and the total.
func (p *periodBook) centers() error {
	header := len(p.in.Facts) + 2 // after an empty row
	columns := []column{{width: 30}, {width: 40}, {width: 18}, {width: 60}}
	s, err := p.openPrinted(CentersTab, header, columns, p.in.Paper)
	if err != nil {
		return err
	}
	for _, f := range p.in.Facts {
		err := s.append(0, p.cell(p.styles.label, f[0]), p.cell(p.styles.text, f[1]), nil, p.cell(p.styles.note, f[2]))
		if err != nil {
			return err
		}
	}
	if err := s.append(0); err != nil {
		return err
	}
	titles := []column{{title: "Cost center"}, {title: "Name"}, {title: "Amount, " + p.in.Currency}}
	if err := s.header(titles); err != nil {
		return err
	}
	for _, c := range p.in.Centers {
		code := c.Code
		if code == "" {
			code = "No cost center"
		}
		err := s.append(0, p.cell(p.styles.fit, code), p.cell(p.styles.fit, c.Name), p.money(p.amount, c.Amount))
		if err != nil {
			return err
		}
	}
	last := s.row
	if err := s.append(0, p.cell(p.styles.label, "Total"), nil, p.money(p.sum, p.in.Total)); err != nil {
		return err
	}
	return s.flush(header, last, len(titles))
}

// lines writes the second tab.
func (p *periodBook) lines() error {
	asText := p.styles.fit
	columns := []column{
		{title: "Kind", width: 12, style: asText},
		{title: "Product ID", width: 22, style: asText},
		{title: "Product", width: 26, style: asText},
		{title: "Cost center", width: 18, style: asText},
		{title: "Quantity", width: 10},
		{title: "License days", width: 10},
		{title: "Unit price, " + p.in.Currency, width: 12, style: p.amount},
		{title: "Amount, " + p.in.Currency, width: 16, style: p.amount},
		{title: "Corrects", width: 12, style: asText},
		{title: "Reason", width: 40, style: asText},
	}
	s, err := p.printedTable(LinesTab, columns, p.in.Paper)
	if err != nil {
		return err
	}
	for _, l := range p.in.Lines {
		cells := []any{
			textCell(l.Kind), textCell(l.ProductID), textCell(l.Product), textCell(l.CostCenter), nil, nil, nil,
			p.money(p.amount, l.Amount), textCell(l.Corrects), textCell(l.Reason),
		}
		if l.Counts {
			cells[4], cells[5], cells[6] = l.Quantity, l.LicenseDays, p.money(p.amount, l.UnitPrice)
		}
		if err := s.append(0, cells...); err != nil {
			return err
		}
	}
	return s.flush(1, s.row, len(columns))
}

// days writes the third tab.
func (p *periodBook) days() error {
	asText := p.styles.fit
	columns := []column{
		{title: "Day", width: 12, style: p.styles.date},
		{title: "Kind", width: 12, style: asText},
		{title: "Product", width: 30, style: asText},
		{title: "Cost center", width: 24, style: asText},
		{title: "Quantity", width: 10},
		{title: "Amount, " + p.in.Currency, width: 16, style: p.amount},
	}
	s, err := p.printedTable(DaysTab, columns, p.in.Paper)
	if err != nil {
		return err
	}
	for _, l := range p.in.Lines {
		for _, d := range l.Days {
			day, err := date(d.Day)
			if err != nil {
				return err
			}
			err = s.append(0, day, textCell(l.Kind), textCell(l.Product), textCell(l.CostCenter), d.Quantity,
				p.money(p.amount, d.Amount))
			if err != nil {
				return err
			}
		}
	}
	return s.flush(1, s.row, len(columns))
}

// licenses writes the fourth tab. Of more than fit, the last row says so.
func (p *periodBook) licenses() error {
	asText := p.styles.fit
	columns := []column{
		{title: "License", width: 38, style: asText},
		{title: "User ID", width: 24, style: asText},
		{title: "Kind", width: 12, style: asText},
		{title: "Product", width: 26, style: asText},
		{title: "Cost center", width: 18, style: asText},
		{title: "First day", width: 12, style: p.styles.date},
		{title: "Last day", width: 12, style: p.styles.date},
		{title: "Days", width: 8},
	}
	s, err := p.printedTable(LicensesTab, columns, p.in.Paper)
	if err != nil {
		return err
	}
	for l := range p.in.Licenses {
		if s.row == mostBehind {
			const more = "There are more. The workbook of one cost center has its own."
			if err := s.append(0, p.cell(p.styles.note, more)); err != nil {
				return err
			}
			break
		}
		first, err := date(l.First)
		if err != nil {
			return err
		}
		last, err := date(l.Last)
		if err != nil {
			return err
		}
		err = s.append(0, textCell(l.License), textCell(l.UserID), textCell(l.Kind), textCell(l.Product),
			textCell(l.CostCenter), first, last, l.Days)
		if err != nil {
			return err
		}
	}
	return s.flush(1, s.row, len(columns))
}
