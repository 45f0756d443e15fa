package printing

import (
	"bytes"
	"fmt"

	"seatwise/shared/period"
	"seatwise/shared/purchase/statement"
)

func printPeriod(st period.Statement, form string) (*statementOutput, error) {
	source := sourceOfPeriod(st)
	var out bytes.Buffer
	var err error
	ending := ".html"
	switch form {
	case pdf:
		ending, err = ".pdf", statement.PeriodPDF(&out, source)
	case csv:
		ending, err = ".csv", statement.PeriodCSV(&out, source)
	default:
		err = statement.PeriodHTML(&out, source)
	}
	if err != nil {
		return nil, fmt.Errorf("the statement of a period as %s: %w", form, err)
	}
	return outputOf(form, statement.PeriodFileName(source)+ending, out.Bytes()), nil
}

// sourceOfPeriod is a period as its statement has it.
func sourceOfPeriod(st period.Statement) statement.PeriodSource {
	p := statement.Period{
		From: st.From, To: st.To, State: string(st.State), Days: st.Days, MonthDays: st.MonthDays,
		ClosesAt: st.ClosesAt, ClosedAt: st.ClosedAt, Digest: st.Digest, CostCenter: st.CostCenter,
		Total: st.Total, Currency: st.Currency,
	}
	for _, l := range st.Lines {
		p.Lines = append(p.Lines, statement.PeriodLine{
			Kind: string(l.Kind), ProductID: l.ProductID, CostCenter: l.CostCenter, Quantity: l.Quantity,
			LicenseDays: l.LicenseDays, UnitPrice: l.UnitPrice, Amount: l.Amount, Corrects: l.Corrects,
			Reason: l.Reason,
		})
	}
	for _, one := range st.ByCostCenter {
		p.ByCostCenter = append(p.ByCostCenter, statement.PeriodCenter{Code: one.CostCenter, Amount: one.Amount})
	}
	return statement.PeriodSource{
		Brand: st.Account.Brand, AccountID: st.Account.ID, AccountName: st.Account.Name,
		Paper: statement.Paper(st.Account.Paper()), Location: st.Location, Period: p,
		ProductNames: st.Products, CostCenterNames: st.CostCenters,
	}
}
