package report

import (
	"testing"
	"time"
)

func TestFileName(t *testing.T) {
	at := time.Date(2026, 11, 21, 8, 5, 9, 0, time.FixedZone("", 3600))
	for brand, want := range map[string]string{
		"RingCentral": "RingCentral_LR_Licensed Users_20261121T070509Z.xlsx",
		"Zoë & Co.":   "Zoë & Co_LR_Licensed Users_20261121T070509Z.xlsx",
		"../../etc":   "etc_LR_Licensed Users_20261121T070509Z.xlsx",
		"a\r\nb\"c":   "abc_LR_Licensed Users_20261121T070509Z.xlsx",
		`<|>`:         "Seatwise_LR_Licensed Users_20261121T070509Z.xlsx",
		"":            "Seatwise_LR_Licensed Users_20261121T070509Z.xlsx",
	} {
		if got := fileName(brand, at); got != want {
			t.Errorf("%q: %q, want %q", brand, got, want)
		}
	}
}

func TestPeriodOf(t *testing.T) {
	auckland, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		at   string
		day  int
		zone *time.Location
		want string
	}{
		{"2026-11-21T03:00:00Z", 1, time.UTC, "2026-11-01"},
		{"2026-11-21T03:00:00Z", 21, time.UTC, "2026-11-21"},
		{"2026-11-21T03:00:00Z", 22, time.UTC, "2026-10-22"},
		{"2026-01-05T03:00:00Z", 28, time.UTC, "2025-12-28"},
		{"2026-10-31T12:00:00Z", 1, auckland, "2026-11-01"},
		{"2026-03-01T00:00:00Z", 28, time.UTC, "2026-02-28"},
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := periodOf(at, test.day, test.zone); got != test.want {
			t.Errorf("%s, day %d: %s, want %s", test.at, test.day, got, test.want)
		}
	}
}
