// Package chargeback writes a billing period as a workbook, of all cost centers or of one, for who
// charges it back (requirements, section 12). It is a package of its own, served by TemplateFunction,
// because what writes workbooks weighs on whoever links it (design, decision 9).
package chargeback

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/craft/money"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/period"
)

// write is the workbook of a period.
func write(st period.Statement, now time.Time) ([]byte, error) {
	var file bytes.Buffer
	if err := workbook.WritePeriod(&file, bookOf(st, now)); err != nil {
		return nil, fmt.Errorf("the workbook of a period: %w", err)
	}
	return file.Bytes(), nil
}

// fileName is what the workbook is called when it is kept.
func fileName(st period.Statement) string {
	name := st.Account.Brand + " Billing period " + st.Account.Name + " " + st.From
	if st.CostCenter != "" {
		name += " " + st.CostCenter
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name) + ".xlsx"
}

// bookOf is a period as its workbook has it. A period that is closed gives the same bytes whenever it
// is written.
func bookOf(st period.Statement, now time.Time) workbook.BillingPeriod {
	book := workbook.BillingPeriod{
		Created: now, Brand: st.Account.Brand, Account: st.Account.ID, Facts: factsOf(st), Currency: st.Currency,
		Places: money.Exponent(st.Currency), Total: st.Total.Minor, Licenses: licensesOf(st),
	}
	if st.State == period.Closed {
		book.Created = st.ClosedAt
	}
	if st.Account.Paper() == account.Letter {
		book.Paper = workbook.Letter
	}
	for _, one := range st.ByCostCenter {
		book.Centers = append(book.Centers, workbook.ChargedCenter{
			Code: one.CostCenter, Name: st.CostCenters[one.CostCenter], Amount: one.Amount.Minor,
		})
	}
	for _, e := range st.Entries {
		line := workbook.ChargedLine{
			Kind: string(e.Kind), ProductID: e.ProductID, Product: st.ProductName(e.ProductID),
			CostCenter: e.CostCenter,
			Counts:     e.Kind != period.Correction, Quantity: e.Quantity, LicenseDays: e.LicenseDays,
			UnitPrice: e.UnitPrice.Minor, Amount: e.Amount.Minor, Corrects: e.Corrects, Reason: e.Reason,
		}
		for _, d := range e.Days {
			line.Days = append(line.Days, workbook.ChargedDay{
				Day: dayOf(d.Day), Quantity: d.Quantity, Amount: d.Amount.Minor,
			})
		}
		book.Lines = append(book.Lines, line)
	}
	return book
}

func dayOf(day string) time.Time {
	t, _ := time.Parse(time.DateOnly, day) // days of a bill are days
	return t
}

// factsOf is what the first tab says of the period.
func factsOf(st period.Statement) [][3]string {
	facts := [][3]string{
		{"Account", st.Account.Name + " (" + st.Account.ID + ")", ""},
		{"First day", st.From, "Days are days of " + st.Timezone + "."},
		{"Next period's first day", st.To, "It is not in this period."},
		{
			"Unit prices are for", fmt.Sprintf("%d days", st.MonthDays),
			"Amount is unit price times license days through these days.",
		},
		{"State", string(st.State), "A closed period never changes; any other is a preview."},
	}
	if st.CostCenter != "" {
		facts = append(facts, [3]string{"Cost center", st.CostCenter, "Lines of other cost centers are left out."})
	}
	if st.Digest != "" {
		facts = append(facts, [3]string{"SHA-256", st.Digest, "Over all lines, days and what is behind them."})
	}
	return facts
}

// licensesOf are the licenses and people behind the lines, in the order of the lines.
func licensesOf(st period.Statement) iter.Seq[workbook.ChargedLicense] {
	first := dayOf(st.From)
	return func(yield func(workbook.ChargedLicense) bool) {
		for _, e := range st.Entries {
			for _, s := range e.Shares {
				begin := first.AddDate(0, 0, s.First)
				if !yield(workbook.ChargedLicense{
					Kind: string(e.Kind), Product: st.ProductName(e.ProductID), CostCenter: e.CostCenter,
					License: s.License, UserID: s.UserID, First: begin,
					Last: begin.AddDate(0, 0, s.Days-1), Days: s.Days,
				}) {
					return
				}
			}
		}
	}
}
