package calendar_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/craft/calendar"
)

// zones are those whose days are hard: far from UTC on both sides, quarters of hours, clocks that
// are put forward or back at midnight, a day that was left out, and those without any of it.
var zones = []string{
	"UTC",
	"America/New_York",
	"America/Detroit",
	"America/Santiago",
	"America/Asuncion",
	"America/Havana",
	"America/Sao_Paulo",
	"America/St_Johns",
	"America/Nuuk",
	"Atlantic/Azores",
	"Europe/London",
	"Europe/Vienna",
	"Africa/Casablanca",
	"Africa/Cairo",
	"Asia/Beirut",
	"Asia/Kathmandu",
	"Asia/Kolkata",
	"Asia/Tehran",
	"Australia/Lord_Howe",
	"Pacific/Apia",
	"Pacific/Auckland",
	"Pacific/Chatham",
	"Pacific/Honolulu",
	"Pacific/Kiritimati",
	"Pacific/Pago_Pago",
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func date(t testing.TB, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func one(t testing.TB, name string, billingDay int) calendar.Calendar {
	t.Helper()
	c, err := calendar.New(calendar.Terms{Zone: zone(t, name), BillingDay: billingDay})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDaysOfOneZone(t *testing.T) {
	for _, test := range []struct{ zone, day, begin, end string }{
		{"UTC", "2026-11-21", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
		{"America/New_York", "2026-11-21", "2026-11-21T05:00:00Z", "2026-11-22T05:00:00Z"},
		{"America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"}, // 25 hours
		{"America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"}, // 23 hours
		{"Asia/Kathmandu", "2026-11-21", "2026-11-20T18:15:00Z", "2026-11-21T18:15:00Z"},
		{"Pacific/Kiritimati", "2026-11-21", "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"},
		{"America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"}, // it begins at 01:00
		{"America/Santiago", "2026-04-04", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"}, // 24:00 is 23:00 once more
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},     // it was left out
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"}, // 00:01 was 23:01 once more
	} {
		c := one(t, test.zone, 1)
		d := date(t, test.day)
		if begin, end := c.Begin(d), c.End(d); !begin.Equal(moment(t, test.begin)) || !end.Equal(moment(t, test.end)) {
			t.Errorf("%s in %s: %s to %s, want %s to %s", test.day, test.zone, begin, end, test.begin, test.end)
		}
	}
}

func TestPeriods(t *testing.T) {
	c, err := calendar.New(
		calendar.Terms{Zone: time.UTC, BillingDay: 1},
		calendar.Terms{From: date(t, "2026-12-01"), Zone: zone(t, "Europe/Vienna"), BillingDay: 15},
		calendar.Terms{From: date(t, "2027-01-15"), Zone: zone(t, "Europe/Vienna"), BillingDay: 14},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ day, first, end string }{
		{"2026-11-30", "2026-11-01", "2026-12-01"},
		{"2026-12-01", "2026-12-01", "2026-12-15"}, // short: the day was 1 when the one before began, and is 15 now
		{"2026-12-14", "2026-12-01", "2026-12-15"},
		{"2026-12-15", "2026-12-15", "2027-01-15"},
		{"2027-01-15", "2027-01-15", "2027-02-14"},
		{"2027-02-14", "2027-02-14", "2027-03-14"},
		{"2024-02-29", "2024-02-01", "2024-03-01"},
	} {
		first, end := c.Period(date(t, test.day))
		if !first.Equal(date(t, test.first)) || !end.Equal(date(t, test.end)) {
			t.Errorf("%s: %s to %s, want %s to %s", test.day, first.Format(time.DateOnly),
				end.Format(time.DateOnly), test.first, test.end)
		}
	}
}

// A new zone makes the first day under it longer or shorter, and leaves no moment out.
func TestAChangeOfZone(t *testing.T) {
	for _, test := range []struct{ before, after, first, second string }{
		{"UTC", "Europe/Vienna", "2026-12-01T00:00:00Z", "2026-12-01T23:00:00Z"},
		{"UTC", "America/New_York", "2026-12-01T00:00:00Z", "2026-12-02T05:00:00Z"},
		{"Pacific/Kiritimati", "Pacific/Honolulu", "2026-11-30T10:00:00Z", "2026-12-02T10:00:00Z"}, // 48 hours
		{"Pacific/Honolulu", "Pacific/Kiritimati", "2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z"}, // none
		{"Pacific/Pago_Pago", "Pacific/Kiritimati", "2026-12-01T11:00:00Z", "2026-12-01T11:00:00Z"},
	} {
		c, err := calendar.New(calendar.Terms{Zone: zone(t, test.before), BillingDay: 1},
			calendar.Terms{From: date(t, "2026-12-01"), Zone: zone(t, test.after), BillingDay: 1})
		if err != nil {
			t.Fatal(err)
		}
		first, second := c.Begin(date(t, "2026-12-01")), c.Begin(date(t, "2026-12-02"))
		if !first.Equal(moment(t, test.first)) || !second.Equal(moment(t, test.second)) {
			t.Errorf("%s to %s: %s and %s, want %s and %s", test.before, test.after, first, second, test.first,
				test.second)
		}
		if last := c.Day(first.Add(-1)); !last.Equal(date(t, "2026-11-30")) {
			t.Errorf("%s to %s: the moment before is on %s", test.before, test.after, last)
		}
	}
}

func TestBadTerms(t *testing.T) {
	good := calendar.Terms{Zone: time.UTC, BillingDay: 1}
	for name, terms := range map[string][]calendar.Terms{
		"none":                   nil,
		"no zone":                {{BillingDay: 1}},
		"day 0":                  {{Zone: time.UTC}},
		"day 29":                 {{Zone: time.UTC, BillingDay: 29}},
		"the middle of a period": {good, {From: date(t, "2026-12-02"), Zone: time.UTC, BillingDay: 2}},
		"not a date":             {good, {From: moment(t, "2026-12-01T01:00:00Z"), Zone: time.UTC, BillingDay: 2}},
		"the same day twice": {
			good,
			{From: date(t, "2026-12-01"), Zone: time.UTC, BillingDay: 1},
			{From: date(t, "2026-12-01"), Zone: time.UTC, BillingDay: 2},
		},
		"a billing day out of range": {good, {From: date(t, "2026-12-01"), Zone: time.UTC, BillingDay: -1}},
	} {
		if _, err := calendar.New(terms...); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// drawn is a calendar with any number of changes within about three years, each from a period's
// first day on.
func drawn(t *rapid.T, tb testing.TB) calendar.Calendar {
	terms := func() calendar.Terms {
		return calendar.Terms{
			Zone:       zone(tb, rapid.SampledFrom(zones).Draw(t, "zone")),
			BillingDay: rapid.IntRange(1, calendar.MaxBillingDay).Draw(t, "billing day"),
		}
	}
	all := []calendar.Terms{terms()}
	c, err := calendar.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range rapid.IntRange(0, 12).Draw(t, "changes") {
		at = at.AddDate(0, 0, rapid.IntRange(0, 150).Draw(t, "days"))
		_, from := c.Period(at)
		at = from
		changed := terms()
		changed.From = from
		all = append(all, changed)
		if c, err = calendar.New(all...); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Every moment is in exactly one day, and every day in exactly one period, whatever changes.
func TestDaysAndPeriodsHaveNoGaps(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := drawn(r, t)
		first := date(t, "2026-01-01").AddDate(0, 0, rapid.IntRange(0, 400).Draw(r, "first"))
		last := first.AddDate(3, 0, 0)
		begin, _ := c.Period(first)
		for begin.Before(last) {
			same, end := c.Period(begin)
			if !same.Equal(begin) || !end.After(begin) || end.Sub(begin) > 31*24*time.Hour {
				r.Fatalf("the period of %s is %s to %s", begin, same, end)
			}
			for _, day := range calendar.Days(begin, end) {
				if f, e := c.Period(day); !f.Equal(begin) || !e.Equal(end) {
					r.Fatalf("%s is in %s to %s, its neighbor in %s to %s", day, f, e, begin, end)
				}
				from, to := c.Begin(day), c.End(day)
				if to.Before(from) || to.Sub(from) > 50*time.Hour {
					r.Fatalf("%s lasts from %s to %s", day, from, to)
				}
				if to.Equal(from) {
					continue
				}
				for _, at := range []time.Time{from, to.Add(-1), from.Add(to.Sub(from) / 2)} {
					if got := c.Day(at); !got.Equal(day) {
						r.Fatalf("%s is in %s, want %s", at, got, day)
					}
				}
			}
			begin = end
		}
	})
}

// What has begun never changes: a change of the terms leaves every day before it as it was.
func TestAChangeLeavesThePastAlone(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a := calendar.Terms{
			Zone:       zone(t, rapid.SampledFrom(zones).Draw(r, "zone")),
			BillingDay: rapid.IntRange(1, 28).Draw(r, "day"),
		}
		b := calendar.Terms{
			Zone:       zone(t, rapid.SampledFrom(zones).Draw(r, "new zone")),
			BillingDay: rapid.IntRange(1, 28).Draw(r, "new day"),
		}
		before, err := calendar.New(a)
		if err != nil {
			r.Fatal(err)
		}
		_, b.From = before.Period(date(t, "2026-06-20"))
		after, err := calendar.New(a, b)
		if err != nil {
			r.Fatal(err)
		}
		for _, day := range calendar.Days(date(t, "2026-05-01"), b.From) {
			if !before.Begin(day).Equal(after.Begin(day)) || !before.End(day).Equal(after.End(day)) ||
				before.Zone(day) != after.Zone(day) {
				r.Fatalf("%s changed", day)
			}
			f, e := before.Period(day)
			if g, h := after.Period(day); !f.Equal(g) || !e.Equal(h) {
				r.Fatalf("the period of %s changed", day)
			}
		}
	})
}

func TestDays(t *testing.T) {
	var got []string
	for _, d := range calendar.Days(date(t, "2024-02-28"), date(t, "2024-03-02")) {
		got = append(got, d.Format(time.DateOnly))
	}
	if want := []string{"2024-02-28", "2024-02-29", "2024-03-01"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
