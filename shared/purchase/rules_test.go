package purchase

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // The tables name time zones that a machine without a zone database must know too.

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seatwise/shared/catalog"
	"seatwise/shared/catalog/catalogfile"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/problem"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// days is a calendar of one zone and one billing day.
func days(zone *time.Location, billingDay int) calendar.Calendar {
	c, err := calendar.New(calendar.Terms{Zone: zone, BillingDay: billingDay})
	if err != nil {
		panic(err)
	}
	return c
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// acme is billed in dollars on the 15th, in UTC, and has cost centers CC-1 to CC-9.
func acme() Terms {
	return Terms{
		Catalog: catalog.Default(),
		HasCostCenter: func(code string) bool {
			return len(code) == 4 && strings.HasPrefix(code, "CC-") && code[3] >= '1' && code[3] <= '9'
		},
		Currency: "USD",
		Days:     days(time.UTC, 15),
	}
}

func cartOf(t *testing.T, inputs ...CartLineInput) Cart {
	t.Helper()
	cart, err := Cart{}.Replace(acme(), inputs)
	if err != nil {
		t.Fatal(err)
	}
	return cart
}

// wantFields checks that err is a validation problem of exactly these fields, in this order.
func wantFields(t *testing.T, err error, want ...string) {
	t.Helper()
	p, ok := problem.From(err)
	if !ok || p.Slug != problem.ValidationFailed {
		t.Fatalf("got %v, want a validation problem of %v", err, want)
	}
	var got []string
	for _, f := range p.Fields {
		got = append(got, f.Field)
		if f.Message == "" {
			t.Errorf("%s has no message", f.Field)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got fields %v, want %v", got, want)
	}
}

func wantSlug(t *testing.T, err error, want problem.Slug) {
	t.Helper()
	if !problem.Is(err, want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestReplaceChecksEveryField(t *testing.T) {
	many := func(n, quantity int) []CartLineInput {
		return slices.Repeat([]CartLineInput{{ProductID: "developer", Quantity: quantity}}, n)
	}
	for _, c := range []struct {
		name   string
		inputs []CartLineInput
		fields []string // nil: accepted
	}{
		{"nothing at all", nil, nil},
		{"a line without a cost center yet", []CartLineInput{{ProductID: "live-reports", Quantity: 1}}, nil},
		{"the most there is in one line", many(1, 10_000), nil},
		{"the most there is in all lines", many(40, 250), nil},
		{"one license too many in a line", many(1, 10_001), []string{"lines[0].quantity"}},
		{"no license", many(1, 0), []string{"lines[0].quantity"}},
		{"less than no license", many(1, -1), []string{"lines[0].quantity"}},
		{"one license too many in all", many(2, 5_001), []string{"lines"}},
		{"one line too many", many(41, 1), []string{"lines"}},
		{
			"quantities that overflow a sum", many(3, 1<<62),
			[]string{"lines[0].quantity", "lines[1].quantity", "lines[2].quantity"},
		},
		{"an unknown product", []CartLineInput{{ProductID: "gold", Quantity: 1}}, []string{"lines[0].productId"}},
		{
			"a metered product",
			[]CartLineInput{{ProductID: "essential-user", Quantity: 1}},
			[]string{"lines[0].productId"},
		},
		{
			"an unknown cost center",
			[]CartLineInput{{ProductID: "developer", Quantity: 1, CostCenter: "CC-X"}},
			[]string{"lines[0].costCenter"},
		},
		{
			"a line id out of nowhere",
			[]CartLineInput{{ID: "7", ProductID: "developer", Quantity: 1}},
			[]string{"lines[0].id"},
		},
		{"everything at once", []CartLineInput{
			{ProductID: "developer", Quantity: 1},
			{ID: "x", ProductID: "wallboard", Quantity: 0, CostCenter: "nope"},
		}, []string{"lines[1].productId", "lines[1].quantity", "lines[1].costCenter", "lines[1].id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cart, err := Cart{}.Replace(acme(), c.inputs)
			if c.fields != nil {
				wantFields(t, err, c.fields...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if cart.Lines == nil || len(cart.Lines) != len(c.inputs) {
				t.Errorf("got %v lines of %d", cart.Lines, len(c.inputs))
			}
		})
	}
}

func TestLineIDsAreKeptAndNeverReused(t *testing.T) {
	cart := cartOf(t, CartLineInput{ProductID: "developer", Quantity: 1},
		CartLineInput{ProductID: "call-group", Quantity: 2})
	if got := lineIDs(cart); !slices.Equal(got, []string{"1", "2"}) {
		t.Fatalf("ids %v", got)
	}
	// Line 2 goes, line 1 stays with another quantity, and the new line is not a second "2".
	cart, err := cart.Replace(acme(),
		[]CartLineInput{{ProductID: "phone-system", Quantity: 3}, {ID: "1", ProductID: "developer", Quantity: 9}})
	if err != nil {
		t.Fatal(err)
	}
	if got := lineIDs(cart); !slices.Equal(got, []string{"3", "1"}) || cart.Lines[1].Quantity != 9 {
		t.Fatalf("got %+v", cart.Lines)
	}
	_, err = cart.Replace(
		acme(),
		[]CartLineInput{{ID: "1", ProductID: "developer", Quantity: 1}, {ID: "1", ProductID: "developer", Quantity: 1}},
	)
	wantFields(t, err, "lines[1].id")
}

func TestAssignCostCenter(t *testing.T) {
	cart := cartOf(t,
		CartLineInput{ProductID: "developer", Quantity: 1},
		CartLineInput{ProductID: "call-group", Quantity: 2, CostCenter: "CC-1"},
		CartLineInput{ProductID: "phone-system", Quantity: 3})
	centers := func(c Cart) string {
		var out []string
		for _, line := range c.Lines {
			out = append(out, line.CostCenter)
		}
		return strings.Join(out, ",")
	}
	all, err := cart.AssignCostCenter(acme(), "CC-2", nil)
	if err != nil || centers(all) != "CC-2,CC-2,CC-2" {
		t.Errorf("all: %v, %s", err, centers(all))
	}
	some, err := cart.AssignCostCenter(acme(), "CC-2", []string{"3", "1"})
	if err != nil || centers(some) != "CC-2,CC-1,CC-2" {
		t.Errorf("selected: %v, %s", err, centers(some))
	}
	if centers(cart) != ",CC-1," {
		t.Errorf("the cart that was given has changed: %s", centers(cart))
	}
	_, err = cart.AssignCostCenter(acme(), "CC-2", []string{})
	wantFields(t, err, "lineIds")
	_, err = cart.AssignCostCenter(acme(), "nope", []string{"1", "8"})
	wantFields(t, err, "costCenter", "lineIds[1]")
	_, err = cart.AssignCostCenter(acme(), "", nil)
	wantFields(t, err, "costCenter")
}

func TestSplit(t *testing.T) {
	cart := cartOf(t,
		CartLineInput{ProductID: "developer", Quantity: 1},
		CartLineInput{ProductID: "live-reports", Quantity: 12},
		CartLineInput{ProductID: "call-group", Quantity: 2})
	split, err := cart.Split(acme(), "2", []SplitPart{{7, "CC-1"}, {5, "CC-2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []CartLine{
		{
			"1",
			"developer",
			1,
			"",
		},
		{"2.1", "live-reports", 7, "CC-1"},
		{"2.2", "live-reports", 5, "CC-2"},
		{"3", "call-group", 2, ""},
	}
	if diff := cmp.Diff(want, split.Lines); diff != "" {
		t.Errorf("lines, wanted -, got +:\n%s", diff)
	}
	if len(cart.Lines) != 3 || cart.Lines[1].Quantity != 12 {
		t.Error("the cart that was given has changed")
	}
	again, err := split.Split(acme(), "2.2", []SplitPart{{1, "CC-3"}, {4, "CC-2"}})
	if err != nil || !slices.Equal(lineIDs(again), []string{"1", "2.1", "2.2.1", "2.2.2", "3"}) {
		t.Errorf("a part split again: %v, %v", err, lineIDs(again))
	}
	_, err = split.Split(acme(), "2", []SplitPart{{7, "CC-1"}, {5, "CC-2"}})
	wantSlug(t, err, problem.NotFound)
}

func TestSplitRefuses(t *testing.T) {
	ones := slices.Repeat([]SplitPart{{1, "CC-1"}}, 40)
	for _, c := range []struct {
		name   string
		parts  []SplitPart
		fields []string
	}{
		{"no parts", nil, []string{"parts"}},
		{"one part", []SplitPart{{40, "CC-1"}}, []string{"parts"}},
		{"too little", []SplitPart{{20, "CC-1"}, {19, "CC-2"}}, []string{"parts"}},
		{"too much", []SplitPart{{20, "CC-1"}, {21, "CC-2"}}, []string{"parts"}},
		{"a part of nothing", []SplitPart{{40, "CC-1"}, {0, "CC-2"}}, []string{"parts[1].quantity"}},
		{"a part below nothing", []SplitPart{{41, "CC-1"}, {-1, "CC-2"}}, []string{"parts[1].quantity"}},
		{"an unknown cost center", []SplitPart{{20, "CC-1"}, {20, "nope"}}, []string{"parts[1].costCenter"}},
		{"no cost center", []SplitPart{{20, ""}, {20, "CC-1"}}, []string{"parts[0].costCenter"}},
		{"more lines than a cart has", ones, []string{"parts"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cart := cartOf(t, CartLineInput{ProductID: "live-reports", Quantity: 40},
				CartLineInput{ProductID: "developer", Quantity: 1})
			_, err := cart.Split(acme(), "1", c.parts)
			wantFields(t, err, c.fields...)
		})
	}
	t.Run("a line that was split too often", func(t *testing.T) {
		cart := Cart{Lines: []CartLine{{strings.Repeat("1.", 31) + "1", "developer", 2, "CC-1"}}}
		_, err := cart.Split(acme(), cart.Lines[0].ID, []SplitPart{{1, "CC-1"}, {1, "CC-2"}})
		wantFields(t, err, "parts")
	})
}

func TestPeriod(t *testing.T) {
	for _, c := range []struct {
		name       string
		now, zone  string
		billingDay int
		next       string
		left, days int
	}{
		{"within a month of 30 days", "2026-11-20T12:00:00Z", "UTC", 15, "2026-12-15", 25, 30},
		{"within a month of 31 days", "2026-12-20T12:00:00Z", "UTC", 15, "2027-01-15", 26, 31},
		{"before the billing day, the period began last month", "2026-11-14T12:00:00Z", "UTC", 15, "2026-11-15", 1, 31},
		{"on the billing day the whole month is due", "2026-11-15T00:00:00Z", "UTC", 15, "2026-12-15", 30, 30},
		{"on the last second of the billing day too", "2026-11-15T23:59:59Z", "UTC", 15, "2026-12-15", 30, 30},
		{"on the last second before it a day is due", "2026-11-14T23:59:59Z", "UTC", 15, "2026-11-15", 1, 31},
		{"February, 28 days", "2027-02-01T00:00:00Z", "UTC", 1, "2027-03-01", 28, 28},
		{"February of a leap year, 29 days", "2028-02-01T00:00:00Z", "UTC", 1, "2028-03-01", 29, 29},
		{"the leap day itself", "2028-02-29T10:00:00Z", "UTC", 1, "2028-03-01", 1, 29},
		{"across the leap day", "2028-02-28T10:00:00Z", "UTC", 28, "2028-03-28", 29, 29},
		{"2100 is no leap year", "2100-02-28T10:00:00Z", "UTC", 1, "2100-03-01", 1, 28},
		{"across the end of the year", "2026-12-31T10:00:00Z", "UTC", 28, "2027-01-28", 28, 31},
		{"in January, since last year", "2027-01-01T10:00:00Z", "UTC", 28, "2027-01-28", 27, 31},
		{"still the day before in Los Angeles", "2026-11-15T07:59:59Z", "America/Los_Angeles", 15, "2026-11-15", 1, 31},
		{
			"the billing day begins in Los Angeles", "2026-11-15T08:00:00Z", "America/Los_Angeles", 15, "2026-12-15",
			30, 30,
		},
		{"tomorrow already in Auckland", "2026-11-14T11:00:00Z", "Pacific/Auckland", 15, "2026-12-15", 30, 30},
		{"half an hour off, in Kolkata", "2026-11-14T18:30:00Z", "Asia/Kolkata", 15, "2026-12-15", 30, 30},
		{"a period with a day of 23 hours", "2026-03-15T23:30:00Z", "Europe/Berlin", 16, "2026-04-16", 31, 31},
		{"a period with a day of 25 hours", "2026-10-24T22:30:00Z", "Europe/Berlin", 1, "2026-11-01", 7, 31},
		{
			"a day that Samoa never had counts, as on any calendar", "2011-12-29T12:00:00Z", "Pacific/Apia", 1,
			"2012-01-01", 3, 31,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			terms := acme()
			terms.Days = days(zone(t, c.zone), c.billingDay)
			p, err := periodAt(at(t, c.now), terms)
			if err != nil {
				t.Fatal(err)
			}
			if p.NextBillingDate() != c.next || p.DaysLeft() != c.left || p.Days() != c.days {
				t.Errorf("got %s, %d of %d days; want %s, %d of %d", p.NextBillingDate(), p.DaysLeft(), p.Days(),
					c.next, c.left, c.days)
			}
		})
	}
	if _, err := periodAt(time.Unix(0, 0), Terms{}); err == nil {
		t.Error("terms without a calendar were accepted")
	}
}

// The reference walks the calendar day by day.
func TestPeriodProperties(t *testing.T) {
	zones := []*time.Location{time.UTC}
	for _, name := range []string{
		"America/New_York", "Europe/London", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago",
		"Australia/Lord_Howe",
	} {
		zones = append(zones, zone(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		terms := acme()
		location := rapid.SampledFrom(zones).Draw(t, "zone")
		billingDay := rapid.IntRange(1, 28).Draw(t, "billing day")
		terms.Days = days(location, billingDay)
		now := time.Unix(rapid.Int64Range(0, 200*365*86400).Draw(t, "now"), 0)
		p, err := periodAt(now, terms)
		if err != nil {
			t.Fatal(err)
		}
		year, month, day := now.In(location).Date()
		today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		next, left := today.AddDate(0, 0, 1), 1
		for ; next.Day() != billingDay; left++ {
			next = next.AddDate(0, 0, 1)
		}
		start, days := today, left
		for ; start.Day() != billingDay; days++ {
			start = start.AddDate(0, 0, -1)
		}
		if !p.Next.Equal(next) || !p.Start.Equal(start) || p.DaysLeft() != left || p.Days() != days || days < 28 ||
			days > 31 {
			t.Fatalf("got %+v, %d of %d days; walked from %s to %s, %d of %d", p, p.DaysLeft(), p.Days(), start,
				next, left, days)
		}
	})
}

// 12 Live Reports at 25.00, 7 and 5 over two cost centers, on 20 November: 25 of the 30 days to 15
// December are due.
func TestPriceOfThePath(t *testing.T) {
	cart := cartOf(t, CartLineInput{ProductID: "live-reports", Quantity: 12})
	cart, err := cart.Split(acme(), "1", []SplitPart{{7, "CC-1"}, {5, "CC-2"}})
	if err != nil {
		t.Fatal(err)
	}
	now := at(t, "2026-11-20T09:00:00+02:00")
	q, err := makeQuote(acme(), cart.Lines, now)
	if err != nil {
		t.Fatal(err)
	}
	usd := func(minor int64) money.Amount { return money.Of(minor, "USD") }
	wantLines := []QuoteLine{
		{"live-reports", "Live Reports", 7, "CC-1", usd(2500), usd(17500), usd(14583)}, // 14583.33
		{"live-reports", "Live Reports", 5, "CC-2", usd(2500), usd(12500), usd(10417)}, // 10416.67
	}
	if diff := cmp.Diff(wantLines, q.Lines); diff != "" {
		t.Errorf("lines, wanted -, got +:\n%s", diff)
	}
	wantTotals := []CostCenterTotal{{"CC-1", usd(17500), usd(14583)}, {"CC-2", usd(12500), usd(10417)}}
	if diff := cmp.Diff(wantTotals, q.ByCostCenter); diff != "" {
		t.Errorf("by cost center, wanted -, got +:\n%s", diff)
	}
	if q.Recurring != usd(30000) || q.DueToday != usd(25000) {
		t.Errorf("recurring %v, due today %v", q.Recurring, q.DueToday)
	}
	if q.NextBillingDate != "2026-12-15" || q.Proration != (Proration{"2026-11-20", "2026-12-15", 25, 30}) {
		t.Errorf("next billing date %s, %+v", q.NextBillingDate, q.Proration)
	}
	if want := at(t, "2026-11-20T07:30:00Z"); !q.ExpiresAt.Equal(want) || q.ExpiresAt.Location() != time.UTC {
		t.Errorf("expires at %s, want %s", q.ExpiresAt, want)
	}
}

func TestPriceInTheAccountsCurrencyAndOnItsBillingDay(t *testing.T) {
	terms := acme()
	terms.Currency = "GBP"
	cart := cartOf(t, CartLineInput{ProductID: "phone-system", Quantity: 3, CostCenter: "CC-9"},
		CartLineInput{ProductID: "call_recording", Quantity: 2, CostCenter: "CC-1"})
	q, err := makeQuote(terms, cart.Lines, at(t, "2026-11-15T12:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	if want := money.Of(3*1599+2*399, "GBP"); q.Recurring != want || q.DueToday != want {
		t.Errorf("on the billing day recurring %v and due today %v, want %v", q.Recurring, q.DueToday, want)
	}
	terms.Currency = "JPY"
	if _, err := makeQuote(terms, cart.Lines, at(t, "2026-11-15T12:00:00Z")); err == nil {
		t.Error("a quote in a currency without prices")
	}
}

func TestPriceRefuses(t *testing.T) {
	now := at(t, "2026-11-20T09:00:00Z")
	_, err := makeQuote(acme(), nil, now)
	wantFields(t, err, "lines")
	_, err = makeQuote(acme(), []CartLine{{"1", "developer", 1, "CC-1"}, {"2", "developer", 1, ""}}, now)
	wantFields(t, err, "lines[1].costCenter")
	// What was there when the line came into the cart, and is gone.
	_, err = makeQuote(acme(), []CartLine{{"1", "gone", 1, "CC-1"}, {"2", "developer", 1, "CC-0"}}, now)
	wantFields(t, err, "lines[0].productId", "lines[1].costCenter")
}

// A cart with every field drawn, already split here and there.
func drawCart(t *rapid.T) Cart {
	terms := acme()
	sold := terms.Catalog.Purchasable()
	centers := rapid.SampledFrom([]string{"CC-1", "CC-2", "CC-3", "CC-4"})
	var inputs []CartLineInput
	for range rapid.IntRange(1, 12).Draw(t, "lines") {
		inputs = append(inputs, CartLineInput{
			ProductID:  rapid.SampledFrom(sold).Draw(t, "product").ID,
			Quantity:   rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(1, 800)).Draw(t, "quantity"),
			CostCenter: centers.Draw(t, "cost center"),
		})
	}
	cart, err := Cart{}.Replace(terms, inputs)
	if err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(0, 4).Draw(t, "splits") {
		cart, _, _ = drawSplit(t, cart)
	}
	return cart
}

// drawSplit splits one line of the cart, and tells which and into how many parts; 0 if none of it
// can be split.
func drawSplit(t *rapid.T, cart Cart) (next Cart, index, parts int) {
	index = rapid.IntRange(0, len(cart.Lines)-1).Draw(t, "line to split")
	line := cart.Lines[index]
	most := min(line.Quantity, maxLines+1-len(cart.Lines), 6)
	if most < 2 {
		return cart, index, 0
	}
	parts = rapid.IntRange(2, most).Draw(t, "parts")
	split := make([]SplitPart, parts)
	left := line.Quantity
	for i := range split {
		n := left
		if rest := parts - i - 1; rest > 0 {
			n = rapid.IntRange(1, left-rest).Draw(t, "part")
		}
		left -= n
		split[i] = SplitPart{
			n,
			rapid.SampledFrom([]string{"CC-1", "CC-2", "CC-3", "CC-4"}).Draw(t, "cost center of the part"),
		}
	}
	next, err := cart.Split(acme(), line.ID, split)
	if err != nil {
		t.Fatal(err)
	}
	return next, index, parts
}

func drawTerms(t *rapid.T) (Terms, time.Time) {
	terms := acme()
	terms.Currency = rapid.SampledFrom(terms.Catalog.Currencies()).Draw(t, "currency")
	terms.Days = days(time.UTC, rapid.IntRange(1, 28).Draw(t, "billing day"))
	return terms, time.Unix(rapid.Int64Range(1.7e9, 2.0e9).Draw(t, "now"), 0)
}

// Requirements, section 10: every charge is equal to the sum of its parts; and what is due is the
// exact sum, rounded once.
func TestPropertyLinesCostCentersAndTotalAgreeToTheCent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cart := drawCart(t)
		terms, now := drawTerms(t)
		q, err := makeQuote(terms, cart.Lines, now)
		if err != nil {
			t.Fatal(err)
		}
		var recurring, due, centerRecurring, centerDue int64
		byCenter := map[string]int64{}
		for i, line := range q.Lines {
			if line.Recurring.Minor != line.UnitPrice.Minor*int64(line.Quantity) {
				t.Fatalf("line %d: %d times %d is not %d", i, line.Quantity, line.UnitPrice.Minor, line.Recurring.Minor)
			}
			if line.DueToday.Currency != terms.Currency || line.Recurring.Currency != terms.Currency {
				t.Fatalf("line %d is in another currency", i)
			}
			recurring += line.Recurring.Minor
			due += line.DueToday.Minor
			byCenter[line.CostCenter] += line.DueToday.Minor
			// Each step of sharing out moves a line by less than a cent, and rounding the total by
			// half a cent.
			exact := big.NewRat(line.Recurring.Minor*int64(q.Proration.Days), int64(q.Proration.PeriodDays))
			distance := exact.Sub(exact, new(big.Rat).SetInt64(line.DueToday.Minor))
			if steps := int64(strings.Count(cart.Lines[i].ID, ".")) + 2; distance.Abs(distance).
				Cmp(big.NewRat(steps, 1)) >=
				0 {
				t.Fatalf("line %d is due %d, which is %s from its exact part", i, line.DueToday.Minor,
					distance.FloatString(2))
			}
		}
		for _, c := range q.ByCostCenter {
			centerRecurring += c.Recurring.Minor
			centerDue += c.DueToday.Minor
			if c.DueToday.Minor != byCenter[c.CostCenter] {
				t.Fatalf("%s is due %d, its lines %d", c.CostCenter, c.DueToday.Minor, byCenter[c.CostCenter])
			}
		}
		if recurring != q.Recurring.Minor || centerRecurring != recurring {
			t.Fatalf("recurring: lines %d, cost centers %d, total %d", recurring, centerRecurring, q.Recurring.Minor)
		}
		if due != q.DueToday.Minor || centerDue != due {
			t.Fatalf("due today: lines %d, cost centers %d, total %d", due, centerDue, q.DueToday.Minor)
		}
		days, of := int64(q.Proration.Days), int64(q.Proration.PeriodDays)
		if want := (2*recurring*days + of) / (2 * of); due != want {
			t.Fatalf("due today is %d, the exact sum rounds to %d", due, want)
		}
	})
}

// Invariant I4: parts of a split add up, in units and in money; nothing else in the cart moves by a
// cent.
func TestPropertyASplitChangesNoCharge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cart := drawCart(t)
		terms, now := drawTerms(t)
		before, err := makeQuote(terms, cart.Lines, now)
		if err != nil {
			t.Fatal(err)
		}
		split, index, parts := drawSplit(t, cart)
		if parts == 0 {
			return
		}
		after, err := makeQuote(terms, split.Lines, now)
		if err != nil {
			t.Fatal(err)
		}
		if after.DueToday != before.DueToday || after.Recurring != before.Recurring {
			t.Fatalf("the total was %v and is %v", before.DueToday, after.DueToday)
		}
		var quantity int
		var due, recurring int64
		for _, part := range after.Lines[index : index+parts] {
			quantity += part.Quantity
			due += part.DueToday.Minor
			recurring += part.Recurring.Minor
		}
		if was := before.Lines[index]; quantity != was.Quantity || due != was.DueToday.Minor ||
			recurring != was.Recurring.Minor {
			t.Fatalf("the parts have %d licenses, %d due, %d recurring; the line had %+v", quantity, due,
				recurring, was)
		}
		others := slices.Concat(after.Lines[:index], after.Lines[index+parts:])
		if !slices.Equal(others, slices.Delete(slices.Clone(before.Lines), index, index+1)) {
			t.Fatal("a line that was not split has changed")
		}
	})
}

func TestMerge(t *testing.T) {
	cart := cartOf(t,
		CartLineInput{ProductID: "developer", Quantity: 1, CostCenter: "CC-1"},
		CartLineInput{ProductID: "call-group", Quantity: 2, CostCenter: "CC-1"},
		CartLineInput{ProductID: "developer", Quantity: 3, CostCenter: "CC-1"},
		CartLineInput{ProductID: "developer", Quantity: 4, CostCenter: "CC-2"},
		CartLineInput{ProductID: "developer", Quantity: 5},
		CartLineInput{ProductID: "developer", Quantity: 6, CostCenter: "CC-1"},
		CartLineInput{ProductID: "developer", Quantity: 7})
	shown := func(c Cart) string {
		var out []string
		for _, line := range c.Lines {
			out = append(out, fmt.Sprintf("%s: %d %s %s", line.ID, line.Quantity, line.ProductID, line.CostCenter))
		}
		return strings.Join(out, ", ")
	}
	for _, tc := range []struct {
		lines []string
		want  string
	}{
		{nil, "8: 10 developer CC-1, 2: 2 call-group CC-1, 4: 4 developer CC-2, 9: 12 developer "},
		{[]string{"6", "3", "2"}, "1: 1 developer CC-1, 2: 2 call-group CC-1, 8: 9 developer CC-1, 4: 4 developer CC-2, 5: 5 developer , 7: 7 developer "},
		{[]string{"1", "4"}, shown(cart)},
	} {
		got, err := cart.Merge(tc.lines)
		if err != nil || shown(got) != tc.want {
			t.Errorf("%v: %v, %s, want %s", tc.lines, err, shown(got), tc.want)
		}
	}
	_, err := cart.Merge([]string{})
	wantFields(t, err, "lineIds")
	_, err = cart.Merge([]string{"1", "8"})
	wantFields(t, err, "lineIds[1]")
	if empty, err := (Cart{LastLine: 3}).Merge(nil); err != nil || empty.Lines == nil || empty.LastLine != 3 {
		t.Errorf("an empty cart: %v, %+v", err, empty)
	}
}

// Merging changes no total, and no number of licenses of a product on a cost center.
func TestPropertyAMergeChangesNoTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cart := drawCart(t)
		terms, now := drawTerms(t)
		before, err := makeQuote(terms, cart.Lines, now)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := cart.Merge(nil)
		if err != nil {
			t.Fatal(err)
		}
		after, err := makeQuote(terms, merged.Lines, now)
		if err != nil {
			t.Fatal(err)
		}
		if after.DueToday != before.DueToday || after.Recurring != before.Recurring {
			t.Fatalf("%v and %v became %v and %v", before.DueToday, before.Recurring, after.DueToday, after.Recurring)
		}
		type kind struct{ product, costCenter string }
		was, is := map[kind]int{}, map[kind]int{}
		for _, line := range before.Lines {
			was[kind{line.ProductID, line.CostCenter}] += line.Quantity
		}
		for _, line := range after.Lines {
			k := kind{line.ProductID, line.CostCenter}
			if is[k] != 0 {
				t.Fatalf("two lines of %v are left", k)
			}
			is[k] = line.Quantity
		}
		if !maps.Equal(was, is) {
			t.Fatalf("%v became %v", was, is)
		}
	})
}

func TestFingerprint(t *testing.T) {
	base := []CartLine{{"1", "developer", 1, "CC-1"}, {"2", "call-group", 2, ""}}
	same := []CartLine{{"7", "developer", 1, "CC-1"}, {"8.1", "call-group", 2, ""}}
	if (Cart{Lines: base}).Fingerprint() != (Cart{Lines: same, LastLine: 8}).Fingerprint() {
		t.Error("carts that differ in line ids only would be bought alike")
	}
	seen := map[string]int{(Cart{Lines: base}).Fingerprint(): -1}
	for i, lines := range [][]CartLine{
		nil,
		base[:1],
		{base[1], base[0]},
		{{"1", "developer", 2, "CC-1"}, base[1]},
		{{"1", "call-group", 1, "CC-1"}, base[1]},
		{{"1", "developer", 1, "CC-2"}, base[1]},
		{base[0], {"2", "call-group", 2, "CC-1"}},
	} {
		f := (Cart{Lines: lines}).Fingerprint()
		if other, ok := seen[f]; ok {
			t.Errorf("cart %d has the fingerprint of cart %d", i, other)
		}
		seen[f] = i
	}
}

func TestCheckOrder(t *testing.T) {
	placed := at(t, "2026-11-20T09:00:00Z")
	text, err := os.ReadFile("../catalog/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed := func(old, with string) *catalog.Catalog {
		t.Helper()
		if !strings.Contains(string(text), old) {
			t.Fatalf("the catalog has no %q", old)
		}
		c, err := catalogfile.Parse([]byte(strings.Replace(string(text), old, with, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	type situation struct {
		terms        Terms
		quote        Quote
		cart         Cart
		acknowledged bool
		now          time.Time
	}
	for _, c := range []struct {
		name   string
		change func(*situation)
		want   problem.Slug // "": the order may be placed
		says   string
	}{
		{"nothing changed", func(*situation) {}, "", ""},
		{"not acknowledged", func(s *situation) { s.acknowledged = false }, problem.NotAcknowledged, "acknowledged: true"},
		{"a moment before it expires", func(s *situation) { s.now = placed.Add(30*time.Minute - 1) }, "", ""},
		{"the moment it expires", func(s *situation) { s.now = placed.Add(30 * time.Minute) }, problem.QuoteExpired, "expired"},
		{
			"ordered already", func(s *situation) { s.quote.OrderID = "o" }, problem.WrongState,
			"already; the order is o.",
		},
		{"another quantity in the cart", func(s *situation) { s.cart.Lines[0].Quantity++ }, problem.QuoteStale, "cart"},
		{
			"another cost center in the cart", func(s *situation) { s.cart.Lines[0].CostCenter = "CC-2" },
			problem.QuoteStale, "cart",
		},
		{"an emptied cart", func(s *situation) { s.cart = Cart{} }, problem.QuoteStale, "cart"},
		{"another line id in the cart", func(s *situation) { s.cart.Lines[0].ID = "9" }, "", ""},
		{
			"another cart, but the quote was not made from it",
			func(s *situation) { s.quote.Basis.Cart, s.cart = "", Cart{} }, "", "",
		},
		{"another price", func(s *situation) {
			s.terms.Catalog = changed("{USD: 2500, EUR: 2300, GBP: 2000}", "{USD: 2499, EUR: 2300, GBP: 2000}")
		}, problem.QuoteStale, "price"},
		{
			"another name",
			func(s *situation) { s.terms.Catalog = changed("name: Live Reports", "name: Live Reporting") },
			problem.QuoteStale, "catalog",
		},
		{
			"a product no longer there", func(s *situation) { s.quote.Lines[0].ProductID = "gone" }, problem.QuoteStale,
			"catalog",
		},
		{"another currency", func(s *situation) { s.terms.Currency = "EUR" }, problem.QuoteStale, "currency"},
		{"another billing day", func(s *situation) { s.terms.Days = days(time.UTC, 16) }, problem.QuoteStale, "billing date"},
		{"a cost center that is gone", func(s *situation) { s.terms.HasCostCenter = func(string) bool { return false } }, problem.QuoteStale, "cost centers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := situation{terms: acme(), acknowledged: true, now: placed.Add(time.Minute)}
			s.cart = cartOf(t, CartLineInput{ProductID: "live-reports", Quantity: 12, CostCenter: "CC-1"})
			s.quote, err = makeQuote(s.terms, s.cart.Lines, placed)
			if err != nil {
				t.Fatal(err)
			}
			s.quote.Basis.Cart = s.cart.Fingerprint()
			c.change(&s)
			err := checkOrder(s.terms, s.quote, s.cart, s.acknowledged, s.now)
			if c.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			wantSlug(t, err, c.want)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

// A quote that outlives midnight holds; one that outlives the midnight before a billing date does
// not, for its month is another.
func TestAQuoteAcrossMidnight(t *testing.T) {
	cart := cartOf(t, CartLineInput{ProductID: "live-reports", Quantity: 1, CostCenter: "CC-1"})
	for _, c := range []struct {
		quoted, ordered string
		stale           bool
	}{
		{"2026-11-20T23:50:00Z", "2026-11-21T00:10:00Z", false},
		{"2026-11-14T23:50:00Z", "2026-11-15T00:10:00Z", true},
	} {
		q, err := makeQuote(acme(), cart.Lines, at(t, c.quoted))
		if err != nil {
			t.Fatal(err)
		}
		if err := checkOrder(acme(), q, cart, true, at(t, c.ordered)); problem.Is(err, problem.QuoteStale) != c.stale {
			t.Errorf("quoted %s, ordered %s: %v", c.quoted, c.ordered, err)
		}
	}
}

// A number is nine digits that can be written in any form; it is the same for the same random id.
func TestOrderNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := orderNumber(rapid.String().Draw(t, "random"))
		if got, ok := spoken(number); !ok || got != number || len(number) != 11 || number[0] == '0' {
			t.Fatalf("%q is spoken as %q, %v", number, got, ok)
		}
		plain := strings.ReplaceAll(number, "-", "")
		for _, form := range []string{
			plain, " " + plain[:3] + " " + plain[3:], plain[:3] + "." + plain[3:6] + "." + plain[6:],
		} {
			if got, ok := spoken(form); !ok || got != number {
				t.Fatalf("%q is %q, want %q", form, got, number)
			}
		}
	})
	for _, bad := range []string{"", "12345678", "1234567890", "12345678a", "１２３４５６７８９"} {
		if got, ok := spoken(bad); ok {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
}

func TestPlace(t *testing.T) {
	cart := cartOf(t, CartLineInput{ProductID: "live-reports", Quantity: 12, CostCenter: "CC-1"},
		CartLineInput{ProductID: "developer", Quantity: 3, CostCenter: "CC-2"})
	q, err := makeQuote(acme(), cart.Lines, at(t, "2026-11-20T09:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	q.ID = "q"
	o := placeOrder("o", "482-913-706", q, "zoe", at(t, "2026-11-20T10:05:00+01:00"))
	if o.ID != "o" || o.QuoteID != "q" || o.PlacedBy != "zoe" || o.State != OrderPlacing || o.LicenseCount != 15 ||
		o.Acknowledgement != AcknowledgementText || !o.PlacedAt.Equal(at(t, "2026-11-20T09:05:00Z")) ||
		o.PlacedAt.Location() != time.UTC {
		t.Errorf("got %+v", o)
	}
	if diff := cmp.Diff(q.Lines, o.Lines); diff != "" || o.DueToday != q.DueToday || o.Recurring != q.Recurring ||
		o.NextBillingDate != q.NextBillingDate {
		t.Errorf("the order's charges are not the quote's: %+v; its lines, quote -, order +:\n%s", o, diff)
	}
}

func TestBillingOf(t *testing.T) {
	usd := func(minor int64) money.Amount { return money.Of(minor, "USD") }
	b, err := billingOf(acme(), []Holding{
		{"developer", "CC-2", 1}, {"live-reports", "CC-2", 5}, {"live-reports", "CC-1", 7}, {"call-group", "CC-1", 0},
	}, 4, at(t, "2026-11-20T09:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	if b.NextBillingDate != "2026-12-15" || b.OverageUsers != 4 || b.Recurring != usd(12*2500+2999) {
		t.Errorf("got %+v", b)
	}
	byProduct := []ProductCharge{
		{"live-reports", "Live Reports", 12, usd(2500), usd(30000)},
		{"developer", "Developer", 1, usd(2999), usd(2999)},
	}
	if diff := cmp.Diff(byProduct, b.ByProduct); diff != "" {
		t.Errorf("by product, wanted -, got +:\n%s", diff)
	}
	byCostCenter := []CostCenterCharge{{"CC-1", usd(17500)}, {"CC-2", usd(15499)}}
	if diff := cmp.Diff(byCostCenter, b.ByCostCenter); diff != "" {
		t.Errorf("by cost center, wanted -, got +:\n%s", diff)
	}
	none, err := billingOf(acme(), nil, 0, at(t, "2026-11-20T09:00:00Z"))
	if err != nil || none.Recurring != usd(0) {
		t.Errorf("nothing bought: %+v, %v", none, err)
	}
	if _, err := billingOf(acme(), []Holding{{"gone", "CC-1", 1}}, 0, at(t, "2026-11-20T09:00:00Z")); err == nil {
		t.Error("a license that nobody can price was left off the bill")
	}
}

func TestBrowse(t *testing.T) {
	items, err := browse(catalog.Default(), "Analytics", "", "EUR")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"id":"live-reports","name":"Live Reports","description":"Lets one person view Live Reports, or be shown on them as a member of a monitored call queue.","category":"Analytics","kind":"seat","requires":[],"excludes":[],"includes":[],` +
		`"unitPrice":{"amount":2300,"currency":"EUR"},"overagePrice":{"amount":2760,"currency":"EUR"}},` +
		`{"id":"call-queue-booster","name":"Call Queue Booster","description":"Adds the extra call queue features for one person. Live Reports are included, so its holder needs no license of them.","category":"Analytics","kind":"seat","requires":[],"excludes":[],` +
		`"includes":["live-reports"],"unitPrice":{"amount":3200,"currency":"EUR"}}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	addOns, err := browse(catalog.Default(), "", catalog.AddOn, "USD")
	if err != nil || len(addOns) != 9 || addOns[0].Code != "call_recording" || addOns[0].Base != "phone-system" {
		t.Errorf("add-ons: %v, %+v", err, addOns)
	}
	if _, err := browse(catalog.Default(), "", "", "JPY"); err == nil {
		t.Error("prices in a currency that the catalog does not have")
	}
}

// The names that docs/contract.md fixes, written out by the structs themselves.
func TestJSONNamesAreTheContract(t *testing.T) {
	cart := cartOf(t, CartLineInput{ProductID: "live-reports", Quantity: 1, CostCenter: "CC-1"})
	q, err := makeQuote(acme(), cart.Lines, at(t, "2026-11-15T09:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value any
		names []string
	}{
		{cart, []string{"lines"}},
		{cart.Lines[0], []string{"id", "productId", "quantity", "costCenter"}},
		{q, []string{"id", "lines", "dueToday", "recurring", "byCostCenter", "nextBillingDate", "expiresAt"}},
		{q.Lines[0], []string{"productId", "quantity", "costCenter", "unitPrice", "recurring", "dueToday"}},
		{q.ByCostCenter[0], []string{"costCenter", "recurring", "dueToday"}},
		{
			placeOrder("o", "482-913-706", q, "zoe", q.CreatedAt),
			[]string{"id", "number", "state", "placedAt", "licenseCount", "lines", "dueToday", "recurring"},
		},
		{Billing{}, []string{"nextBillingDate", "recurring", "byProduct", "byCostCenter", "overageUsers"}},
		{ProductCharge{}, []string{"productId", "quantity", "recurring"}},
		{CostCenterCharge{}, []string{"costCenter", "recurring"}},
	} {
		data, err := json.Marshal(c.value)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.names {
			if _, ok := fields[name]; !ok {
				t.Errorf("%T has no %q: %s", c.value, name, data)
			}
		}
	}
}

// An order of the largest size is priced without an overflow, at the largest price that a catalog
// may have.
func TestTheLargestOrder(t *testing.T) {
	terms := acme()
	var err error
	terms.Currency = "USD"
	terms.Catalog, err = catalogfile.Parse(fmt.Appendf(
		nil,
		"currencies: [USD]\ncategories: [X]\nproducts:\n  - {id: dear, name: Dear, category: X, kind: seat, unitPrice: {USD: %d}}\n",
		catalog.MaxUnitPrice,
	))
	if err != nil {
		t.Fatal(err)
	}
	q, err := makeQuote(terms, []CartLine{{"1", "dear", 3_333, "CC-1"}, {"2", "dear", 6_667, "CC-2"}},
		at(t, "2026-11-20T09:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	if q.Recurring.Minor != 10_000*catalog.MaxUnitPrice ||
		q.Lines[0].DueToday.Minor+q.Lines[1].DueToday.Minor != q.DueToday.Minor {
		t.Errorf("got %+v", q)
	}
}

func lineIDs(c Cart) []string {
	out := make([]string, len(c.Lines))
	for i, line := range c.Lines {
		out[i] = line.ID
	}
	return out
}
