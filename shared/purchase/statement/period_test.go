package statement

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"seatwise/shared/craft/money"
)

// periodSample is a closed period of two cost centers, with names that a sheet or a page could take
// for its own, and a correction.
func periodSample() PeriodSource {
	usd := func(minor int64) money.Amount { return money.Of(minor, "USD") }
	return PeriodSource{
		Brand: "RingCentral", AccountID: "acme", AccountName: "Acme <Ltd>", Location: time.UTC,
		Period: Period{
			From: "2026-11-01", To: "2026-12-01", State: "closed", Days: 30, MonthDays: 30, Currency: "USD",
			ClosesAt: time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC),
			ClosedAt: time.Date(2026, 12, 3, 1, 0, 0, 0, time.UTC), Digest: strings.Repeat("ab", 32),
			Lines: []PeriodLine{
				{
					Kind: "recurring", ProductID: "developer", CostCenter: "SALES", Quantity: 2, LicenseDays: 60,
					UnitPrice: usd(2999), Amount: usd(5998),
				},
				{
					Kind: "metered", ProductID: "essential-user", CostCenter: "ODD", Quantity: 1, LicenseDays: 10,
					UnitPrice: usd(1200), Amount: usd(400),
				},
				{
					Kind: "correction", CostCenter: "ODD", UnitPrice: usd(0), Amount: usd(-2500),
					Corrects: "2026-10-01", Reason: "=HYPERLINK(\"x\")",
				},
			},
			ByCostCenter: []PeriodCenter{{"ODD", usd(-2100)}, {"SALES", usd(5998)}},
			Total:        usd(3898),
		},
		ProductNames:    map[string]string{"developer": "Developer", "essential-user": "Essential User"},
		CostCenterNames: map[string]string{"ODD": "=1+1", "SALES": "<b>Sales</b>"},
	}
}

// TestPeriodFormsSayTheSame: page, document and table have each figure, and the same total.
func TestPeriodFormsSayTheSame(t *testing.T) {
	s := periodSample()
	var page bytes.Buffer
	if err := PeriodHTML(&page, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"38.98 USD", "59.98", "-25.00", "-21.00", "of the period from 2026-10-01", "Acme &lt;Ltd&gt;",
		"&lt;b&gt;Sales&lt;/b&gt; (SALES)", "=1+1 (ODD)", s.Period.Digest,
		"names beside them are those of the day", "2026-12-03 01:00 (UTC)",
		// On a narrow screen each line is a card with its figures named, and in the dark the page is dark.
		`data-label="License days">60</td>`, `data-label="Amount">59.98</td>`, "(prefers-color-scheme: dark)",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	var table bytes.Buffer
	if err := PeriodCSV(&table, s); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimPrefix(table.String(), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%q, %v", rows, err)
	}
	sum := money.Zero("USD")
	for i, minor := range []int64{5998, 400, -2500} {
		row := rows[i+1]
		if want := money.Of(minor, "USD").Decimal(); row[10] != want || row[11] != "USD" {
			t.Errorf("line %d has the amount %q %q, want the figure %s", i, row[10], row[11], want)
		}
		if sum, err = sum.Add(money.Of(minor, "USD")); err != nil {
			t.Fatal(err)
		}
	}
	if sum != s.Period.Total {
		t.Errorf("the lines come to %s, the total is %s", sum, s.Period.Total)
	}
	if rows[2][6] != "'=1+1" || rows[3][13] != "'=HYPERLINK(\"x\")" {
		t.Errorf("a spreadsheet would run %q or %q", rows[2][6], rows[3][13])
	}
}

// TestAPeriodsDocumentIsTheSame: a closed period gives the same bytes whenever it is printed.
func TestAPeriodsDocumentIsTheSame(t *testing.T) {
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := PeriodPDF(out, periodSample()); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(first.Bytes(), []byte("%PDF-")) || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two prints of one period differ, or are no PDF")
	}
}

// TestAPeriodOfOneCostCenterSaysSo, as an open one does.
func TestAPeriodOfOneCostCenterSaysSo(t *testing.T) {
	s := periodSample()
	s.Period.CostCenter, s.Period.State, s.Period.ClosedAt, s.Period.Digest = "SALES", "open", time.Time{}, ""
	var page bytes.Buffer
	if err := PeriodHTML(&page, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<dt>Cost center</dt>", "Open: a preview"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if name := PeriodFileName(s); name != "RingCentral Billing period Acme <Ltd> 2026-11-01 SALES" {
		t.Errorf("it is called %q", name)
	}
}

// TestAPeriodThatIsOverSaysFromWhenItIsClosed, and not that it is: it may wait for a cost center.
func TestAPeriodThatIsOverSaysFromWhenItIsClosed(t *testing.T) {
	s := periodSample()
	s.Period.State, s.Period.ClosedAt, s.Period.Digest = "closing", time.Time{}, ""
	s.Period.ClosesAt, s.Location = time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC), time.UTC
	var page bytes.Buffer
	if err := PeriodHTML(&page, s); err != nil {
		t.Fatal(err)
	}
	if want := "Over and not closed yet; it can be closed from 2026-12-03 00:00"; !strings.Contains(page.String(), want) {
		t.Errorf("the page does not say %q", want)
	}
}
