package period

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/craft/calendar"
	"seatwise/shared/license"
	"seatwise/shared/platform/problem"
)

// explainedText folds a period and explains it beside the snapshot of one of its days, a line of text for
// each difference and reason.
func explainedText(t *testing.T, s Source, to Horizon, on string) string {
	t.Helper()
	bill, err := s.fold(to)
	if err != nil {
		t.Fatal(err)
	}
	n := int(day(on).Sub(s.First) / (24 * time.Hour))
	known := min(int(s.Calendar.Day(to.Now).Sub(s.First)/(24*time.Hour)), bill.Days-1)
	list, err := s.Explain(bill, Snapshot{
		Day: n, At: s.Calendar.End(day(on)).Add(-1), Known: known, Prices: s.Prices,
	})
	if err != nil {
		t.Fatal(err)
	}
	return differencesText(list)
}

func differencesText(list []Deviation) string {
	var text []string
	for _, d := range list {
		text = append(text, fmt.Sprintf("%s %s: %d, %d - %d = %d", d.ProductID, d.CostCenter, d.Quantity,
			d.Period.Minor, d.Snapshot.Minor, d.Difference.Minor))
		for _, r := range d.Reasons {
			text = append(text, fmt.Sprintf("  %s %s: %d, %+d days %s..%s, %+d", r.Reason, r.Kind, r.Quantity,
				r.LicenseDays, r.FirstDay, r.LastDay, r.Amount.Minor))
		}
	}
	return strings.Join(text, "\n")
}

// TestEachReasonByHand explains one history for each reason, with every figure.
func TestEachReasonByHand(t *testing.T) {
	seat := func(from, until string, parts ...Part) Timeline {
		return lived("l1", "developer", Recurring, from, until, parts...)
	}
	metered := func(from, until string, parts ...Part) Timeline {
		return lived("l1", "essential-user", Metered, from, until, parts...)
	}
	sales := Part{UserID: "ann", CostCenter: "SALES"}
	seatOf := func(code, until string) Part {
		p := Part{CostCenter: code}
		if until != "" {
			p.Until = moment(until)
		}
		return p
	}
	due := []Purchase{{
		At: moment("2026-11-11 09:00"), ProductID: "developer", CostCenter: "SALES", Quantity: 1,
		UnitPrice: usd(2999), DueToday: usd(1999),
	}}
	for name, c := range map[string]struct {
		on     string
		now    string
		things []Timeline
		orders []Purchase
		want   string
	}{
		"nothing": {
			on: "2026-11-20", things: []Timeline{seat("2026-10-11 09:00", "", seatOf("SALES", ""))},
			want: "developer SALES: 1, 2999 - 2999 = 0",
		},
		"bought": {
			on: "2026-11-20", orders: due, things: []Timeline{seat("2026-11-11 09:00", "", seatOf("SALES", ""))},
			want: "developer SALES: 1, 1999 - 2999 = -1000\n" +
				"  bought prorated: 1, -10 days 2026-11-01..2026-11-10, -1000",
		},
		"bought later": {
			on: "2026-11-05", orders: due, things: []Timeline{seat("2026-11-11 09:00", "", seatOf("SALES", ""))},
			want: "developer SALES: 0, 1999 - 0 = 1999\n" +
				"  boughtLater prorated: 1, +20 days 2026-11-11..2026-11-30, +1999",
		},
		"bought, moved": {on: "2026-11-20", orders: due, things: []Timeline{
			seat("2026-11-11 09:00", "", seatOf("SALES", "2026-11-18 12:00"), seatOf("SUPPORT", "")),
		}, want: "developer SALES: 0, 1999 - 0 = 1999\n" +
			"  bought prorated: 1, -10 days 2026-11-01..2026-11-10, -1000\n" +
			"  moved prorated: 1, +30 days 2026-11-01..2026-11-30, +2999\n" +
			"developer SUPPORT: 1, 0 - 2999 = -2999\n" +
			"  moved prorated: 1, -30 days 2026-11-01..2026-11-30, -2999"},
		"bought, terminated": {on: "2026-11-26", orders: due, things: []Timeline{
			seat("2026-11-11 09:00", "2026-11-25 10:00", seatOf("SALES", "")),
		}, want: "developer SALES: 0, 1999 - 0 = 1999\n" +
			"  terminated prorated: 1, +20 days 2026-11-11..2026-11-30, +1999"},
		"terminated and moved": {on: "2026-11-26", things: []Timeline{
			seat("2026-10-11 09:00", "2026-11-25 10:00", seatOf("SALES", "2026-11-18 12:00"), seatOf("SUPPORT", "")),
		}, want: "developer SALES: 0, 1699 - 0 = 1699\n" +
			"  terminated recurring: 1, +17 days 2026-11-01..2026-11-17, +1699\n" +
			"developer SUPPORT: 0, 1300 - 0 = 1300\n" +
			"  terminated recurring: 1, +13 days 2026-11-18..2026-11-30, +1300"},
		"moved": {on: "2026-11-26", things: []Timeline{
			seat("2026-10-11 09:00", "", seatOf("SALES", "2026-11-18 12:00"), seatOf("SUPPORT", "")),
		}, want: "developer SALES: 0, 1699 - 0 = 1699\n" +
			"  moved recurring: 1, +17 days 2026-11-01..2026-11-17, +1699\n" +
			"developer SUPPORT: 1, 1300 - 2999 = -1699\n" +
			"  moved recurring: 1, -17 days 2026-11-01..2026-11-17, -1699"},
		"begun and ended later": {on: "2026-11-15", things: []Timeline{
			metered("2026-11-10 09:30", "2026-11-20 17:00", sales),
		}, want: "essential-user SALES: 1, 367 - 1000 = -633\n" +
			"  begun metered: 1, -9 days 2026-11-01..2026-11-09, -300\n" +
			"  endedLater metered: 1, -10 days 2026-11-21..2026-11-30, -333"},
		"begun later": {
			on: "2026-11-05", things: []Timeline{metered("2026-11-10 09:30", "2026-11-20 17:00", sales)},
			want: "essential-user SALES: 0, 367 - 0 = 367\n" +
				"  begunLater metered: 1, +11 days 2026-11-10..2026-11-20, +367",
		},
		"ended": {
			on: "2026-11-25", things: []Timeline{metered("2026-11-10 09:30", "2026-11-20 17:00", sales)},
			want: "essential-user SALES: 0, 367 - 0 = 367\n" +
				"  ended metered: 1, +11 days 2026-11-10..2026-11-20, +367",
		},
		"to come": {
			on: "2026-11-15", now: "2026-11-15 12:00", things: []Timeline{metered("2026-10-10 09:30", "", sales)},
			want: "essential-user SALES: 1, 500 - 1000 = -500\n" +
				"  toCome metered: 1, -15 days 2026-11-16..2026-11-30, -500",
		},
		"waited": {on: "2026-11-15", things: []Timeline{
			lived("", "live-reports", Overage, "2026-11-06 10:00", "2026-11-16 09:00", sales),
		}, want: "live-reports SALES: 0, 1000 - 0 = 1000\n" +
			"  waited overage: 1, +10 days 2026-11-06..2026-11-15, +1000"},
	} {
		s := period(t, "2026-11-01", "2026-12-01")
		s.Timelines, s.Purchases = c.things, c.orders
		now := moment("2026-12-05 10:00")
		if c.now != "" {
			now = moment(c.now)
		}
		if got := explainedText(t, s, Horizon{Now: now}, c.on); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// lived is a license, or a waiting, from and until moments; until is empty of what lasts.
func lived(id, product string, kind Kind, from, until string, parts ...Part) Timeline {
	tl := Timeline{ID: id, ProductID: product, Kind: kind, From: moment(from), Parts: parts}
	if until != "" {
		tl.Until = moment(until)
	}
	return tl
}

// A period that is no whole month, another price than that of the first day, and a correction have
// reasons of their own.
func TestReasonsOfThePeriodItself(t *testing.T) {
	s := period(t, "2026-12-01", "2026-12-15",
		calendar.Terms{Zone: time.UTC, BillingDay: 1},
		calendar.Terms{From: day("2026-12-01"), Zone: time.UTC, BillingDay: 15})
	s.Timelines = []Timeline{
		lived("l1", "developer", Recurring, "2026-10-11 09:00", "", Part{CostCenter: "SALES"}),
		lived("l2", "essential-user", Metered, "2026-10-11 09:00", "", Part{UserID: "ann", CostCenter: "SALES"}),
	}
	s.Corrections = []Named{{
		ID: "c", At: moment("2026-12-05 10:00"), CostCenter: "SALES", Amount: usd(-100), Corrects: "2026-11-01",
	}}
	to := Horizon{Now: moment("2026-12-20 10:00")}
	want := " SALES: 0, -100 - 0 = -100\n" +
		"  corrected correction: 0, +0 days .., -100\n" +
		"developer SALES: 1, 1400 - 2999 = -1599\n" +
		"  length recurring: 1, -16 days .., -1599\n" +
		"essential-user SALES: 1, 467 - 1000 = -533\n" +
		"  length metered: 1, -16 days .., -533"
	if got := explainedText(t, s, to, "2026-12-10"); got != want {
		t.Errorf("a short period:\n%s\nwant\n%s", got, want)
	}

	s = period(t, "2026-11-01", "2026-12-01")
	s.Timelines = []Timeline{lived("l1", "developer", Recurring, "2026-10-11 09:00", "", Part{CostCenter: "SALES"})}
	bill, err := s.fold(to)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Explain(bill, Snapshot{
		Day: 9, At: moment("2026-11-10 23:59"), Known: 29, Prices: map[string]Prices{"developer": {Unit: usd(3500)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want = "developer SALES: 1, 2999 - 3500 = -501\n  repriced : 1, +0 days .., -501"
	if got := differencesText(list); got != want {
		t.Errorf("another price:\n%s\nwant\n%s", got, want)
	}
}

// TestDifferencesAreThePlainModels explains random histories, and compares with a model that shares
// no code: it counts the snapshot, asks of each day of each license who pays it, and adds up.
func TestDifferencesAreThePlainModels(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, now := drawnHistory(r)
		known := min(int(s.Calendar.Day(now).Sub(s.First)/(24*time.Hour)), len(calendar.Days(s.First, s.End))-1)
		if known < 0 {
			return
		}
		bill, err := s.fold(Horizon{Now: now})
		if err != nil {
			r.Fatal(err)
		}
		n := rapid.IntRange(0, known).Draw(r, "day of the snapshot")
		at := s.Calendar.Begin(s.First.AddDate(0, 0, n+1)).Add(-1)
		if at.After(now) {
			at = now
		}
		prices := map[string]Prices{"one": {Unit: usd(rapid.Int64Range(0, 5000).Draw(r, "price of the day"))}}
		prices["two"] = s.Prices["two"]
		list, err := s.Explain(bill, Snapshot{Day: n, At: at, Known: known, Prices: prices})
		if err != nil {
			r.Fatal(err)
		}
		addUp(r, bill, list)
		plainSnapshot(r, s, at, prices, list)
		plainReasons(r, s, now, at, list)
	})
}

// addUp holds that the differences are those of the totals, and each the sum of its reasons.
func addUp(r *rapid.T, bill Bill, list []Deviation) {
	period, snapshot, differences := int64(0), int64(0), int64(0)
	for _, d := range list {
		reasons := int64(0)
		for _, one := range d.Reasons {
			reasons += one.Amount.Minor
		}
		if reasons != d.Difference.Minor || d.Period.Minor-d.Snapshot.Minor != reasons {
			r.Fatalf("the reasons add up to %d: %s", reasons, differencesText([]Deviation{d}))
		}
		period += d.Period.Minor
		snapshot += d.Snapshot.Minor
		differences += d.Difference.Minor
	}
	if period != bill.Total.Minor || period-snapshot != differences {
		r.Fatalf("%d - %d = %d of a total of %s:\n%s", period, snapshot, differences, bill.Total, differencesText(list))
	}
}

// plainSnapshot counts what there is at a moment, by product and cost center.
func plainSnapshot(r *rapid.T, s Source, at time.Time, prices map[string]Prices, list []Deviation) {
	want := map[[2]string]int64{}
	for _, tl := range s.Timelines {
		if center, ok := plainlyThere(tl, at); ok {
			want[[2]string{tl.ProductID, center}]++
		}
	}
	for _, d := range list {
		k := [2]string{d.ProductID, d.CostCenter}
		if d.Quantity != want[k] || d.Snapshot.Minor != want[k]*prices[d.ProductID].Unit.Minor {
			r.Fatalf("the snapshot has %d at %s of %v, the model %d", d.Quantity, d.Snapshot, k, want[k])
		}
		delete(want, k)
	}
	for k, n := range want {
		if n > 0 {
			r.Fatalf("no difference has the %d licenses of %v", n, k)
		}
	}
}

// plainlyThere says whether a snapshot has a license, and whose it is.
func plainlyThere(tl Timeline, at time.Time) (string, bool) {
	if tl.Kind == Overage || tl.From.After(at) || !tl.Until.IsZero() && !tl.Until.After(at) {
		return "", false
	}
	center := ""
	for i := len(tl.Parts) - 1; i >= 0; i-- {
		if i == len(tl.Parts)-1 || tl.Parts[i].Until.After(at) {
			center = tl.Parts[i].CostCenter
		}
	}
	if center == "" {
		center = "GENERAL"
	}
	return center, true
}

// plainReasons counts the license days of each reason, of all lines that count days.
func plainReasons(r *rapid.T, s Source, now, at time.Time, list []Deviation) {
	want := map[[4]string]int64{} // product, cost center, kind, reason
	add := func(tl Timeline, center string, why Why, n int64) {
		want[[4]string{tl.ProductID, center, string(tl.Kind), string(why)}] += n
	}
	begin := s.Calendar.Begin(s.First)
	month := int64(s.End.Sub(s.End.AddDate(0, -1, 0)).Hours() / 24)
	for _, tl := range s.Timelines {
		if tl.Kind == Overage || tl.Kind == Recurring && !tl.From.Before(begin) {
			continue
		}
		shown, in := plainlyThere(tl, at)
		days := int64(0)
		for d := s.First; d.Before(s.End); d = d.AddDate(0, 0, 1) {
			days++
			one := plainDay{s.Calendar.Begin(d), s.Calendar.Begin(d.AddDate(0, 0, 1))}
			pays, counts := plainCount(s, Horizon{Now: now}, tl, begin, one)
			switch {
			case counts && in && pays != shown:
				add(tl, pays, Moved, 1)
				add(tl, shown, Moved, -1)
			case counts && !in && tl.From.After(at):
				add(tl, pays, BegunLater, 1)
			case counts && !in && tl.Kind == Metered:
				add(tl, pays, Ended, 1)
			case counts && !in:
				add(tl, pays, Terminated, 1)
			case !counts && in && !tl.From.Before(one.end):
				add(tl, shown, Begun, -1)
			case !counts && in && !tl.Until.IsZero() && !tl.Until.After(one.begin):
				add(tl, shown, EndedLater, -1)
			case !counts && in:
				add(tl, shown, ToCome, -1)
			}
		}
		if in {
			add(tl, shown, Length, days-month)
		}
	}
	for _, d := range list {
		for _, one := range d.Reasons {
			if one.Kind != Recurring && one.Kind != Metered {
				continue
			}
			k := [4]string{d.ProductID, d.CostCenter, string(one.Kind), string(one.Reason)}
			if one.LicenseDays != want[k] {
				r.Fatalf("%v has %d license days, the model %d:\n%s", k, one.LicenseDays, want[k],
					differencesText(list))
			}
			// Two cents at most: of the rounding of the product, and of the reasons.
			off := one.Amount.Minor*month - s.Prices[d.ProductID].Unit.Minor*one.LicenseDays
			if off > 3*month || off < -3*month {
				r.Fatalf("%v of %d days costs %s", k, one.LicenseDays, one.Amount)
			}
			delete(want, k)
		}
	}
	for k, n := range want {
		if n != 0 {
			r.Fatalf("no reason tells of the %d license days of %v:\n%s", n, k, differencesText(list))
		}
	}
}

// TestCompareAPeriod: a period that is open, and the same once it is closed, with what was accepted
// afterwards; in pages; and only days that have begun.
func TestCompareAPeriod(t *testing.T) {
	o := open(t)
	o.at("2026-11-21 10:00")
	o.chargedTo("GENERAL")
	o.hire("ann")
	o.buy("developer", 2, "SALES")
	o.grant("ann", "essential-user", license.Direct)
	compare := func(of SnapshotOf, limit int) Comparison {
		t.Helper()
		var all Comparison
		for after, more := "", true; more; more = after != "" {
			v, next, err := o.periods.Differences(o.ctx, o.Call("admin"), of, after, limit)
			o.must(err)
			if len(v.Items) > limit {
				t.Fatalf("%d differences on a page of %d", len(v.Items), limit)
			}
			v.Items = append(all.Items, v.Items...)
			all, after = v, next
		}
		return all
	}
	v := compare(SnapshotOf{First: current}, 1)
	want := "developer SALES: 2, 1999 - 5998 = -3999\n" +
		"  bought prorated: 2, -40 days 2026-11-01..2026-11-20, -3999\n" +
		"essential-user GENERAL: 1, 40 - 1200 = -1160\n" +
		"  begun metered: 1, -20 days 2026-11-01..2026-11-20, -800\n" +
		"  toCome metered: 1, -9 days 2026-11-22..2026-11-30, -360"
	if got := differencesText(v.Items); got != want || v.Day != "2026-11-21" || !v.At.Equal(o.Clock.Now()) {
		t.Errorf("now, on %s at %s:\n%s\nwant\n%s", v.Day, v.At, got, want)
	}
	if v.Period != usd(2039) || v.Snapshot != usd(7198) || v.Difference != usd(2039-7198) {
		t.Errorf("%s - %s = %s", v.Period, v.Snapshot, v.Difference)
	}
	for _, text := range []string{"2026-10-31", "2026-11-22", "2026-12-01", "today"} {
		_, _, err := o.periods.Differences(o.ctx, o.Call("admin"), SnapshotOf{current, text}, "", 50)
		if !problem.Is(err, problem.ValidationFailed) {
			t.Errorf("a snapshot of %s: %v", text, err)
		}
	}
	o.at("2026-12-03 10:00")
	o.closes()
	late := o.Clock.Now()
	o.at("2026-11-29 10:00") // events of that time, accepted now
	o.change("ann", func(ctx context.Context, u *license.UnitOfWork) error {
		return u.Unassign(ctx, "ann", "essential-user")
	})
	o.hire("bob")
	o.grant("bob", "essential-user", license.Direct)
	o.Clock.Set(late)
	v = compare(SnapshotOf{First: "2026-11-01"}, 50)
	want = "developer SALES: 2, 1999 - 5998 = -3999\n" +
		"  bought prorated: 2, -40 days 2026-11-01..2026-11-20, -3999\n" +
		"essential-user GENERAL: 1, 400 - 1200 = -800\n" +
		"  ended metered: 1, +10 days 2026-11-21..2026-11-30, +400\n" +
		"  begun metered: 1, -28 days 2026-11-01..2026-11-28, -1120\n" +
		"  late metered: 1, -2 days 2026-11-29..2026-11-30, -80"
	got := differencesText(v.Items)
	if sorted := func(text string) []string {
		return slices.Sorted(slices.Values(strings.Split(text, "\n")))
	}; !slices.Equal(sorted(got), sorted(want)) || v.State != Closed {
		t.Errorf("closed:\n%s\nwant\n%s", got, want)
	}
	if r := v.Items[1].Reasons[0]; len(r.LicenseIDs) != 1 || r.LineID == "" {
		t.Errorf("the reason leads to no line or license: %+v", r)
	}
}
