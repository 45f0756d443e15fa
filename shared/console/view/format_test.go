package view_test

import (
	"testing"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Numbers, money and days are as the reader's language has them.
func TestFormatByLanguage(t *testing.T) {
	dollars := client.Money{Currency: "USD", Amount: 123456789}
	for header, want := range map[string]struct{ number, money, day string }{
		"":                       {"1,234,567", "$1,234,567.89", "Nov 3, 2026"},
		"not a header ;;;":       {"1,234,567", "$1,234,567.89", "Nov 3, 2026"},
		"en-US,en;q=0.9":         {"1,234,567", "$1,234,567.89", "Nov 3, 2026"},
		"en-GB":                  {"1,234,567", "$1,234,567.89", "3 Nov 2026"},
		"de-DE,de;q=0.9,en;q=.1": {"1.234.567", "1.234.567,89 $", "3 Nov 2026"},
		"fr-FR":                  {"1\u00a0234\u00a0567", "1\u00a0234\u00a0567,89 $", "3 Nov 2026"},
		"en-IN":                  {"12,34,567", "$12,34,567.89", "3 Nov 2026"},
	} {
		f := view.NewFormat(header, nil)
		if got := f.Number(1234567); got != want.number {
			t.Errorf("%q: the number is %q, want %q", header, got, want.number)
		}
		if got := f.Money(dollars); got != want.money {
			t.Errorf("%q: the money is %q, want %q", header, got, want.money)
		}
		if got := f.Day("2026-11-03"); got != want.day {
			t.Errorf("%q: the day is %q, want %q", header, got, want.day)
		}
	}
}

func TestMoney(t *testing.T) {
	f := view.NewFormat("en-US", nil)
	for want, m := range map[string]client.Money{
		"$0.00": {Currency: "USD"}, "$0.05": {Currency: "USD", Amount: 5}, "−$0.05": {Currency: "USD", Amount: -5},
		"−$1,200.00": {Currency: "USD", Amount: -120000}, "€12.30": {Currency: "EUR", Amount: 1230},
		"¥1,230": {Currency: "JPY", Amount: 1230}, "XY 1,230": {Currency: "XY", Amount: 1230},
		"CHF 12.30": {Currency: "CHF", Amount: 1230},
		// No float would keep all of it.
		"$90,071,992,547,409.93": {Currency: "USD", Amount: 9007199254740993},
	} {
		if got := f.Money(m); got != want {
			t.Errorf("%+v is %q, want %q", m, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	f := view.NewFormat("en-US", nil)
	for n, want := range map[int64]string{0: "0 licenses", 1: "1 license", 2: "2 licenses", 1000: "1,000 licenses"} {
		if got := f.Count(n, "license", "licenses"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A time moves with the zone and names it; a day that the API names does not move.
func TestTimesByZone(t *testing.T) {
	at := time.Date(2026, 11, 1, 3, 5, 0, 0, time.UTC)
	for _, one := range []struct{ language, zone, time, whole string }{
		{"en-US", "UTC", "Nov 1, 2026, 3:05 AM", "Sunday, Nov 1, 2026, 3:05 AM, UTC (UTC+00:00)"},
		{
			"en-US", "America/Detroit", "Oct 31, 2026, 11:05 PM",
			"Saturday, Oct 31, 2026, 11:05 PM, America/Detroit (UTC-04:00)",
		},
		{"en-GB", "Asia/Kolkata", "1 Nov 2026, 08:35", "Sunday, 1 Nov 2026, 08:35, Asia/Kolkata (UTC+05:30)"},
		{"de", "Europe/Berlin", "1 Nov 2026, 04:05", "Sunday, 1 Nov 2026, 04:05, Europe/Berlin (UTC+01:00)"},
	} {
		f := view.NewFormat(one.language, zone(t, one.zone))
		if got := f.Time(at); got != one.time {
			t.Errorf("%s in %s: %q, want %q", one.language, one.zone, got, one.time)
		}
		if got := f.Whole(at); got != one.whole {
			t.Errorf("%s in %s: %q, want %q", one.language, one.zone, got, one.whole)
		}
		if got := f.Zone(); got != one.zone {
			t.Errorf("the zone is %q, want %q", got, one.zone)
		}
	}
	if got := view.NewFormat("en-US", zone(t, "Pacific/Honolulu")).Day("2026-11-03"); got != "Nov 3, 2026" {
		t.Errorf("a day has moved: %q", got)
	}
	if got := view.NewFormat("en-US", nil).Day("soon"); got != "soon" {
		t.Errorf("what is no day is %q", got)
	}
}
