package report

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/account"
	"seatwise/shared/craft/calendar"
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

// Over any three years, time zones, billing days, schedules and changes of them, every day is in
// exactly one scheduled report (requirements, section 7), whenever the runs take place, and each
// report covers exactly the period or the week.
func TestEveryDayIsInOneScheduledReport(t *testing.T) {
	zones := []string{
		"UTC",
		"America/New_York",
		"America/Santiago",
		"Europe/Vienna",
		"Asia/Kathmandu",
		"Pacific/Apia",
		"Pacific/Auckland",
		"Pacific/Kiritimati",
		"Pacific/Pago_Pago",
		"Pacific/Honolulu",
	}
	schedules := []account.ReportSchedule{account.Monthly, account.Monthly, account.Weekly, account.NoReports}
	rapid.Check(t, func(t *rapid.T) {
		settings := func() account.Settings {
			bundle := account.Standard
			if rapid.IntRange(0, 9).Draw(t, "unlimited") == 0 {
				bundle = account.CustomerEngagement
			}
			return account.Settings{
				Timezone: rapid.SampledFrom(zones).
					Draw(t, "zone"),
				BillingDay:     rapid.IntRange(1, 28).Draw(t, "billing day"),
				Bundle:         bundle,
				ReportSchedule: rapid.SampledFrom(schedules).Draw(t, "schedule"),
			}
		}
		now := time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC).
			Add(time.Duration(rapid.IntRange(0, 500*24).Draw(t, "made after")) * time.Hour)
		a := account.New("acme", settings(), now)
		made := now
		// asked is what the runs asked for, by first day, as the table has it.
		asked := map[string]span{}
		end := now.AddDate(3, 0, 0)
		for now.Before(end) {
			now = now.Add(time.Duration(rapid.IntRange(1, 50*24).Draw(t, "hours")) * time.Hour)
			if rapid.IntRange(0, 2).Draw(t, "change") == 0 {
				var err error
				if a, err = a.Changed(settings(), now); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range due(a, calendarOf(t, a), now) {
				key := s.First.Format(time.DateOnly)
				if before, again := asked[key]; again && before != s {
					t.Fatalf("the report of %s covers up to %s, and up to %s now", key, before.End, s.End)
				}
				asked[key] = s
			}
		}
		// The model goes day by day.
		days := calendarOf(t, a)
		covered := map[string]int{}
		for _, s := range asked {
			weekly := a.TermsOn(s.First).ReportSchedule == account.Weekly
			first, next := days.Period(s.First)
			switch {
			case !weekly && (!s.First.Equal(first) || !s.End.Equal(next)):
				t.Fatalf("%v is not the period %s to %s", s, first, next)
			case weekly &&
				(s.End.Sub(s.First) > 7*24*time.Hour || s.First.Weekday() != time.Monday && !s.First.Equal(first)):
				t.Fatalf("%v is no week", s)
			}
			for _, day := range calendar.Days(s.First, s.End) {
				covered[day.Format(time.DateOnly)]++
			}
		}
		first, _ := days.Period(days.Day(made))
		for day := first; !now.Before(days.End(day)); day = day.AddDate(0, 0, 1) {
			terms, date := a.TermsOn(day), day.Format(time.DateOnly)
			_, over := days.Period(day)
			want := 1
			switch {
			case terms.ReportSchedule == account.NoReports || terms.Unlimited():
				want = 0
			case terms.ReportSchedule == account.Weekly && monday(day).Before(over):
				over = monday(day)
			}
			// Whether a week at the end of a period goes on in the next shows only when that has
			// begun; then it is due later.
			if now.Before(days.Begin(over).Add(lateness + 7*24*time.Hour)) {
				continue
			}
			if covered[date] != want {
				t.Fatalf("%s is in %d reports, want %d; asked %v, terms %+v", date, covered[date], want, asked, a.Terms)
			}
		}
	})
}

func calendarOf(t *rapid.T, a account.Account) calendar.Calendar {
	days, err := a.Calendar()
	if err != nil {
		t.Fatal(err)
	}
	return days
}

// A report is due when the late views of its last day are in, and not before.
func TestDue(t *testing.T) {
	a := account.New("acme", account.Settings{Timezone: "Pacific/Auckland", BillingDay: 1},
		time.Date(2026, 9, 20, 0, 0, 0, 0, time.UTC))
	days, err := a.Calendar()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"2026-10-02T10:59:59Z": 0,
		"2026-10-02T11:00:00Z": 1,
		"2026-11-02T10:59:59Z": 1,
		"2026-11-02T11:00:00Z": 2,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := due(a, days, at); len(got) != want {
			t.Errorf("at %s: %v, want %d", text, got, want)
		}
	}
}
