package period

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/money"
)

// TestPeriodsAreThePlainModels folds random histories and compares every line with a model that
// shares no code: it asks of every day and every thing, in minutes from the beginning, what counts,
// and shares out by fractions.
func TestPeriodsAreThePlainModels(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, now := drawnHistory(r)
		to := Horizon{Now: now, Expect: rapid.Bool().Draw(r, "expect")}
		bill, err := s.fold(to)
		if err != nil {
			r.Fatal(err)
		}
		agree(r, bill)
		model(r, s, to, bill)
	})
}

// drawnHistory is a history around a period of some account, and what is known of it now.
func drawnHistory(r *rapid.T) (Source, time.Time) {
	zone, err := time.LoadLocation(rapid.SampledFrom([]string{
		"UTC", "America/New_York", "Europe/Vienna", "Asia/Kathmandu", "America/Santiago",
	}).Draw(r, "zone"))
	if err != nil {
		r.Fatal(err)
	}
	terms := []calendar.Terms{{Zone: zone, BillingDay: rapid.IntRange(1, 28).Draw(r, "billing day")}}
	days, err := calendar.New(terms...)
	if err != nil {
		r.Fatal(err)
	}
	first, end := days.Period(day("2024-01-01").AddDate(0, 0, rapid.IntRange(0, 1100).Draw(r, "day")))
	if rapid.Bool().Draw(r, "billing day changed") {
		terms = append(terms, calendar.Terms{
			From: first, Zone: zone, BillingDay: rapid.IntRange(1, 28).Draw(r, "new billing day"),
		})
		if days, err = calendar.New(terms...); err != nil {
			r.Fatal(err)
		}
		first, end = days.Period(first)
	}
	s := drawn(r, days, first, end)
	now := days.Begin(first).Add(time.Duration(rapid.IntRange(0, 40*24*60).Draw(r, "now")) * time.Minute)
	for i, tl := range s.Timelines { // what is not known yet has not happened
		if tl.Until.After(now) {
			s.Timelines[i].Until = time.Time{}
		}
	}
	s.Timelines = slices.DeleteFunc(s.Timelines, func(tl Timeline) bool { return tl.From.After(now) })
	return s, now
}

// drawn is a history around a period.
func drawn(r *rapid.T, days calendar.Calendar, first, end time.Time) Source {
	beyond := usd(rapid.Int64Range(1, 5000).Draw(r, "overage price"))
	s := Source{
		Calendar: days, First: first, End: end, Currency: "USD", CostCenter: "GENERAL",
		Prices: map[string]Prices{
			"one": {Unit: usd(rapid.Int64Range(0, 5000).Draw(r, "price of one")), Overage: &beyond},
			"two": {Unit: usd(rapid.Int64Range(0, 5000).Draw(r, "price of two"))},
		},
		Unlimited: rapid.IntRange(0, 9).Draw(r, "unlimited") == 0,
	}
	some := func(what string) time.Time {
		return days.Begin(first).Add(time.Duration(rapid.IntRange(-10*24*60, 45*24*60).Draw(r, what)) * time.Minute)
	}
	for i := range rapid.IntRange(0, 12).Draw(r, "things") {
		tl := Timeline{
			ID: fmt.Sprint("l", i), From: some("from"),
			ProductID: rapid.SampledFrom([]string{"one", "two"}).Draw(r, "product"),
			Kind:      rapid.SampledFrom([]Kind{Recurring, Metered, Overage}).Draw(r, "kind"),
		}
		if tl.Kind == Overage {
			tl.ID = ""
		}
		if rapid.Bool().Draw(r, "ended") {
			tl.Until = tl.From.Add(time.Duration(rapid.IntRange(0, 30*24*60).Draw(r, "lasted")) * time.Minute)
		}
		at := tl.From
		for range rapid.IntRange(0, 3).Draw(r, "moves") {
			at = at.Add(time.Duration(rapid.IntRange(0, 12*24*60).Draw(r, "until")) * time.Minute)
			tl.Parts = append(tl.Parts, drawnPart(r, tl, i, at))
		}
		tl.Parts = append(tl.Parts, drawnPart(r, tl, i, time.Time{}))
		s.Timelines = append(s.Timelines, tl)
	}
	for i := range rapid.IntRange(0, 3).Draw(r, "orders") {
		s.Purchases = append(s.Purchases, Purchase{
			At: some("placed"), ProductID: "one", CostCenter: fmt.Sprint("C", i%2), Quantity: int64(i + 1),
			UnitPrice: usd(100), DueToday: usd(rapid.Int64Range(0, 999).Draw(r, "due")),
		})
	}
	return s
}

func drawnPart(r *rapid.T, tl Timeline, i int, until time.Time) Part {
	p := Part{Until: until, CostCenter: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(r, "cost center")}
	if tl.Kind != Recurring {
		p.UserID = fmt.Sprint("u", i)
		p.CostCenter = rapid.SampledFrom([]string{"A", "B", ""}).Draw(r, "person's cost center")
	}
	return p
}

// agree holds that lines, days, cost centers and the total agree to the cent.
func agree(r *rapid.T, bill Bill) {
	total := int64(0)
	centers := map[string]int64{}
	for _, e := range bill.Entries {
		sum, counted, shared := int64(0), int64(0), int64(0)
		for _, d := range e.Days {
			sum += d.Amount.Minor
			counted += d.Quantity
		}
		for _, share := range e.Shares {
			shared += int64(share.Days)
		}
		if sum != e.Amount.Minor {
			r.Fatalf("the days of %+v add up to %d", e.Line, sum)
		}
		if e.Kind != Prorated && (counted != e.LicenseDays || shared != e.LicenseDays) {
			r.Fatalf("the days of %+v count %d, and its shares %d", e.Line, counted, shared)
		}
		total += e.Amount.Minor
		centers[e.CostCenter] += e.Amount.Minor
	}
	for _, c := range bill.ByCostCenter {
		if centers[c.CostCenter] != c.Amount.Minor {
			r.Fatalf("cost center %q is %s, its lines %d", c.CostCenter, c.Amount, centers[c.CostCenter])
		}
		delete(centers, c.CostCenter)
	}
	if len(centers) > 0 || bill.Total.Minor != total {
		r.Fatalf("the total is %s, the lines %d; cost centers left %v", bill.Total, total, centers)
	}
}

// plainDay is a day of the model: its label, and its moments in minutes.
type plainDay struct{ begin, end time.Time }

// model works out the lines once more.
func model(r *rapid.T, s Source, to Horizon, bill Bill) {
	var days []plainDay
	for d := s.First; d.Before(s.End); d = d.AddDate(0, 0, 1) {
		days = append(days, plainDay{s.Calendar.Begin(d), s.Calendar.Begin(d.AddDate(0, 0, 1))})
	}
	counts := map[[3]string]int64{} // kind, product, cost center: license days
	for _, tl := range s.Timelines {
		for _, d := range days {
			if center, ok := plainCount(s, to, tl, days[0].begin, d); ok {
				counts[[3]string{string(tl.Kind), tl.ProductID, center}]++
			}
		}
	}
	got := map[[3]string]int64{}
	for _, e := range bill.Entries {
		if e.Kind == Prorated {
			continue
		}
		got[[3]string{string(e.Kind), e.ProductID, e.CostCenter}] = e.LicenseDays
	}
	if !maps.Equal(got, counts) {
		r.Fatalf("license days are %v, the model has %v", got, counts)
	}
	month := int64(s.End.Sub(s.End.AddDate(0, -1, 0)).Hours() / 24)
	for _, e := range bill.Entries {
		unit := s.Prices[e.ProductID].Unit
		switch e.Kind {
		case Prorated, Correction:
			continue
		case Overage:
			unit = *s.Prices[e.ProductID].Overage
		case Recurring, Metered:
		}
		exact := big.NewRat(unit.Minor*e.LicenseDays, month)
		off := new(big.Rat).Sub(exact, big.NewRat(e.Amount.Minor, 1))
		if off.Abs(off).Cmp(big.NewRat(3, 2)) > 0 {
			r.Fatalf("%+v is %s away from %s", e.Line, off.FloatString(4), exact.FloatString(4))
		}
	}
	plainTotals(r, s, month, counts, bill)
}

// plainTotals holds that all lines of a kind and a product are what the product costs, rounded once,
// and that orders are the same cents.
func plainTotals(r *rapid.T, s Source, month int64, counts map[[3]string]int64, bill Bill) {
	all := map[[2]string]int64{}
	for k, n := range counts {
		all[[2]string{k[0], k[1]}] += n
	}
	sums := map[[2]string]int64{}
	for _, e := range bill.Entries {
		sums[[2]string{string(e.Kind), e.ProductID}] += e.Amount.Minor
	}
	for k, n := range all {
		unit := s.Prices[k[1]].Unit.Minor
		if k[0] == string(Overage) {
			unit = s.Prices[k[1]].Overage.Minor
		}
		want := (2*unit*n + month) / (2 * month)
		if sums[k] != want {
			r.Fatalf("%s of %s is %d, want %d", k[0], k[1], sums[k], want)
		}
	}
	due := money.Zero("USD")
	begin, end := s.Calendar.Begin(s.First), s.Calendar.Begin(s.End)
	for _, p := range s.Purchases {
		if !p.At.Before(begin) && p.At.Before(end) {
			due.Minor += p.DueToday.Minor
		}
	}
	if got := sums[[2]string{string(Prorated), "one"}]; got != due.Minor {
		r.Fatalf("orders had %d due, the period says %d", due.Minor, got)
	}
}

// plainCount says whether something counts on a day, and to whom.
func plainCount(s Source, to Horizon, tl Timeline, begin time.Time, d plainDay) (string, bool) {
	ended := !tl.Until.IsZero()
	look := d.end.Add(-1)
	switch tl.Kind {
	case Recurring:
		if !tl.From.Before(begin) || ended && tl.Until.Before(begin) {
			return "", false
		}
	case Metered:
		alive := tl.From.Before(d.end) &&
			(!ended || tl.Until.After(d.begin) || tl.Until.Equal(tl.From) && !tl.From.Before(d.begin))
		if !ended && !to.Expect && d.begin.After(to.Now) {
			alive = false
		}
		if !alive {
			return "", false
		}
		if ended && tl.Until.Before(look) {
			look = tl.Until
		}
	case Overage:
		known := to.Expect || !d.end.After(to.Now)
		if s.Unlimited || tl.ProductID != "one" || !known || !tl.From.Before(d.end) || ended && tl.Until.Before(d.end) {
			return "", false
		}
	case Prorated, Correction:
	}
	center := tl.Parts[len(tl.Parts)-1].CostCenter
	for i := len(tl.Parts) - 2; i >= 0; i-- {
		if tl.Parts[i].Until.After(look) {
			center = tl.Parts[i].CostCenter
		}
	}
	if center == "" {
		center = "GENERAL"
	}
	return center, true
}
