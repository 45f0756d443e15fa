package period

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/money"
)

// The worked examples of docs/billing.md, with every figure.

func moment(text string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return at
}

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

func usd(minor int64) money.Amount { return money.Of(minor, "USD") }

// period is one of an account in UTC whose periods begin on the first, with the prices of the
// examples.
func period(t *testing.T, first, end string, terms ...calendar.Terms) Source {
	t.Helper()
	if len(terms) == 0 {
		terms = []calendar.Terms{{Zone: time.UTC, BillingDay: 1}}
	}
	days, err := calendar.New(terms...)
	if err != nil {
		t.Fatal(err)
	}
	beyond := usd(3000)
	return Source{
		Calendar: days, First: day(first), End: day(end), Currency: "USD", CostCenter: "GENERAL",
		Prices: map[string]Prices{
			"essential-user": {Unit: usd(1000)}, "developer": {Unit: usd(2999)},
			"live-reports": {Unit: usd(2500), Overage: &beyond},
		},
	}
}

// wantBill compares a bill with what it is by hand: a line as kind, product, cost center, quantity,
// license days and cents; and the totals.
func wantBill(t *testing.T, s Source, total int64, lines ...string) Bill {
	t.Helper()
	bill, err := s.fold(Horizon{Now: s.Calendar.End(s.End)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range bill.Entries {
		got = append(got, fmt.Sprintf("%s %s %s: %d, %d days, %d", e.Kind, e.ProductID, e.CostCenter,
			e.Quantity, e.LicenseDays, e.Amount.Minor))
	}
	if !slices.Equal(got, lines) {
		t.Errorf("the lines are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
	if bill.Total != usd(total) {
		t.Errorf("the total is %s, want %s", bill.Total, usd(total))
	}
	return bill
}

// wantDays compares the days of a line: how many count, and what each costs, runs of the same day
// joined.
func wantDays(t *testing.T, e Entry, want string) {
	t.Helper()
	var runs []string
	for i := 0; i < len(e.Days); {
		j := i
		for j+1 < len(e.Days) && e.Days[j+1].Quantity == e.Days[i].Quantity && e.Days[j+1].Amount == e.Days[i].Amount {
			j++
		}
		run := e.Days[i].Day[8:]
		if j > i {
			run += "-" + e.Days[j].Day[8:]
		}
		runs = append(runs, fmt.Sprintf("%s: %d for %d", run, e.Days[i].Quantity, e.Days[i].Amount.Minor))
		i = j + 1
	}
	if got := strings.Join(runs, ", "); got != want {
		t.Errorf("the days of %s %s are\n%s\nwant\n%s", e.Kind, e.CostCenter, got, want)
	}
}

func TestMeteredUserForElevenOfThirtyOneDays(t *testing.T) {
	s := period(t, "2026-12-01", "2027-01-01")
	s.Timelines = []Timeline{{
		ID: "a", ProductID: "essential-user", Kind: Metered,
		From: moment("2026-12-10 09:30"), Until: moment("2026-12-20 17:00"),
		Parts: []Part{{UserID: "ann", CostCenter: "SALES"}},
	}}
	bill := wantBill(t, s, 355, "metered essential-user SALES: 1, 11 days, 355")
	wantDays(t, bill.Entries[0], "10-12: 1 for 33, 13-20: 1 for 32") // 355 = 11 x 32 + 3
}

func TestSeatBoughtMovedAndTerminatedInOnePeriod(t *testing.T) {
	seat := Timeline{
		ID: "a", ProductID: "developer", Kind: Recurring,
		From: moment("2026-11-11 10:00"), Until: moment("2026-11-25 16:00"),
		Parts: []Part{{Until: moment("2026-11-18 12:00"), CostCenter: "SALES"}, {CostCenter: "SUPPORT"}},
	}
	s := period(t, "2026-11-01", "2026-12-01")
	s.Timelines = []Timeline{seat}
	s.Purchases = []Purchase{
		{
			At:         seat.From,
			ProductID:  "developer",
			CostCenter: "SALES",
			Quantity:   1,
			UnitPrice:  usd(2999),
			DueToday:   usd(1999),
		},
	}
	bill := wantBill(t, s, 1999, "prorated developer SALES: 1, 1 days, 1999")
	wantDays(t, bill.Entries[0], "11: 1 for 1999")

	s = period(t, "2026-12-01", "2027-01-01")
	s.Timelines = []Timeline{seat}
	wantBill(t, s, 0)

	// Bought a month earlier, the same moves divide what recurs: 17 days and 13.
	s = period(t, "2026-11-01", "2026-12-01")
	seat.From = moment("2026-10-11 10:00")
	s.Timelines = []Timeline{seat}
	bill = wantBill(t, s, 2999,
		"recurring developer SALES: 1, 17 days, 1699", "recurring developer SUPPORT: 1, 13 days, 1300")
	wantDays(t, bill.Entries[0], "01-16: 1 for 100, 17: 1 for 99")
	wantDays(t, bill.Entries[1], "18-30: 1 for 100")
}

func TestThreeCostCentersAndOneCent(t *testing.T) {
	s := period(t, "2026-12-01", "2027-01-01")
	s.Prices["essential-user"] = Prices{Unit: usd(1001)}
	for i, code := range []string{"A", "B", "C"} {
		s.Timelines = append(s.Timelines, Timeline{
			ID: code, ProductID: "essential-user", Kind: Metered,
			From: moment("2026-12-05 10:00").Add(time.Duration(i) * time.Hour), Until: moment("2026-12-14 20:00"),
			Parts: []Part{{UserID: code, CostCenter: code}},
		})
	}
	// 30 license days at 10.01: 30 x 1001 / 31 = 968.7, so 969; 323 each.
	wantBill(t, s, 969, "metered essential-user A: 1, 10 days, 323",
		"metered essential-user B: 1, 10 days, 323", "metered essential-user C: 1, 10 days, 323")
	s.Prices["essential-user"] = Prices{Unit: usd(1002)}
	// 30 x 1002 / 31 = 969.7, so 970: the cent that is left goes to the first.
	bill := wantBill(t, s, 970, "metered essential-user A: 1, 10 days, 324",
		"metered essential-user B: 1, 10 days, 323", "metered essential-user C: 1, 10 days, 323")
	wantDays(t, bill.Entries[0], "05-08: 1 for 33, 09-14: 1 for 32")
	wantDays(t, bill.Entries[1], "05-07: 1 for 33, 08-14: 1 for 32")
}

func TestOverageWithAPurchaseInItsMiddle(t *testing.T) {
	s := period(t, "2026-11-01", "2026-12-01")
	s.Purchases = []Purchase{{
		At: moment("2026-11-16 09:00"), ProductID: "live-reports", CostCenter: "SALES", Quantity: 1,
		UnitPrice: usd(2500), DueToday: usd(1250),
	}}
	s.Timelines = []Timeline{
		{
			ProductID: "live-reports",
			Kind:      Overage,
			From:      moment("2026-11-06 08:00"),
			Until:     moment("2026-11-16 09:00"),
			Parts:     []Part{{UserID: "ann", CostCenter: "SALES"}},
		},
		{ProductID: "live-reports", Kind: Overage, From: moment("2026-11-06 08:01"), Parts: []Part{{UserID: "bob"}}},
		{
			ID: "a", ProductID: "live-reports", Kind: Recurring, From: moment("2026-11-16 09:00"),
			Parts: []Part{{CostCenter: "SALES"}},
		},
	}
	bill := wantBill(t, s, 1250+2500+1000, "prorated live-reports SALES: 1, 1 days, 1250",
		"overage live-reports GENERAL: 1, 25 days, 2500", "overage live-reports SALES: 1, 10 days, 1000")
	wantDays(t, bill.Entries[1], "06-30: 1 for 100")
	wantDays(t, bill.Entries[2], "06-15: 1 for 100")
	s.Unlimited = true
	wantBill(t, s, 1250, "prorated live-reports SALES: 1, 1 days, 1250")
}

func TestChangeOfTheBillingDay(t *testing.T) {
	terms := []calendar.Terms{
		{Zone: time.UTC, BillingDay: 1}, {From: day("2026-12-01"), Zone: time.UTC, BillingDay: 15},
	}
	timelines := []Timeline{
		{
			ID: "a", ProductID: "developer", Kind: Recurring, From: moment("2026-06-01 10:00"),
			Parts: []Part{{CostCenter: "SALES"}},
		},
		{
			ID: "b", ProductID: "essential-user", Kind: Metered, From: moment("2026-06-01 10:00"),
			Parts: []Part{{UserID: "ann", CostCenter: "SALES"}},
		},
	}
	// The short period has 14 days of the 30 from November 15 to December 15.
	s := period(t, "2026-12-01", "2026-12-15", terms...)
	s.Timelines = timelines
	bill := wantBill(t, s, 1400+467, "recurring developer SALES: 1, 14 days, 1400",
		"metered essential-user SALES: 1, 14 days, 467")
	if bill.Days != 14 || bill.MonthDays != 30 {
		t.Errorf("%d of %d days, want 14 of 30", bill.Days, bill.MonthDays)
	}
	wantDays(t, bill.Entries[0], "01-14: 1 for 100")
	wantDays(t, bill.Entries[1], "01-05: 1 for 34, 06-14: 1 for 33")
	s = period(t, "2026-12-15", "2027-01-15", terms...)
	s.Timelines = timelines
	wantBill(t, s, 2999+1000, "recurring developer SALES: 1, 31 days, 2999",
		"metered essential-user SALES: 1, 31 days, 1000")
}
