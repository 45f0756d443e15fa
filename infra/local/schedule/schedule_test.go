package schedule_test

import (
	"testing"
	"time"

	"seatwise/infra/local/schedule"
)

const layout = "Mon 2006-01-02 15:04:05"

func TestNext(t *testing.T) {
	tests := []struct {
		expression, after string
		want              []string
	}{
		{"rate(1 minute)", "Sat 2026-11-21 10:00:00", []string{"Sat 2026-11-21 10:01:00", "Sat 2026-11-21 10:02:00"}},
		{"rate(5 minutes)", "Sat 2026-11-21 10:03:17", []string{"Sat 2026-11-21 10:05:00"}},
		{"rate(1 hour)", "Sat 2026-11-21 10:59:59", []string{"Sat 2026-11-21 11:00:00", "Sat 2026-11-21 12:00:00"}},
		{"rate(1 day)", "Sat 2026-11-21 00:00:00", []string{"Sun 2026-11-22 00:00:00"}},
		{
			"cron(0 3 * * ? *)",
			"Sat 2026-11-21 03:00:00",
			[]string{"Sun 2026-11-22 03:00:00", "Mon 2026-11-23 03:00:00"},
		},
		{"cron(0 3 * * ? *)", "Sat 2026-11-21 02:59:59", []string{"Sat 2026-11-21 03:00:00"}},
		{"cron(0 10 * * ? *)", "Thu 2026-12-31 11:00:00", []string{"Fri 2027-01-01 10:00:00"}},
		{"cron(15 12 * * ? *)", "Sat 2026-11-21 12:14:59", []string{"Sat 2026-11-21 12:15:00"}},
		{"cron(0 18 ? * MON-FRI *)", "Fri 2026-11-20 18:00:00", []string{"Mon 2026-11-23 18:00:00"}},
		{"cron(0 8 1 * ? *)", "Sun 2026-11-01 08:00:00", []string{"Tue 2026-12-01 08:00:00"}},
		{
			"cron(0/15 * * * ? *)",
			"Sat 2026-11-21 10:46:00",
			[]string{"Sat 2026-11-21 11:00:00", "Sat 2026-11-21 11:15:00"},
		},
		{"cron(0/10 * ? * MON-FRI *)", "Fri 2026-11-20 23:55:00", []string{"Mon 2026-11-23 00:00:00"}},
		{"cron(0/5 8-17 ? * MON-FRI *)", "Fri 2026-11-20 17:55:00", []string{"Mon 2026-11-23 08:00:00"}},
		{"cron(30 9 ? * 2L 2027-2029)", "Sat 2026-11-21 00:00:00", []string{"Mon 2027-01-25 09:30:00"}},
		// 1 is Sunday, unlike in Unix's cron.
		{"cron(0 0 ? * 1 *)", "Sat 2026-11-21 00:00:00", []string{"Sun 2026-11-22 00:00:00"}},
		{"cron(0 0 ? * 7 *)", "Sat 2026-11-21 00:00:00", []string{"Sat 2026-11-28 00:00:00"}},
		{"cron(0 0 ? * L *)", "Sat 2026-11-21 00:00:00", []string{"Sat 2026-11-28 00:00:00"}},
		{"cron(0 0 ? * 3#2 *)", "Sat 2026-11-21 00:00:00", []string{"Tue 2026-12-08 00:00:00"}},
		{
			"cron(0 0 ? * TUE#5 *)",
			"Sat 2026-11-21 00:00:00",
			[]string{"Tue 2026-12-29 00:00:00", "Tue 2027-03-30 00:00:00"},
		},
		{
			"cron(0 0 L * ? *)",
			"Sat 2026-11-21 00:00:00",
			[]string{
				"Mon 2026-11-30 00:00:00",
				"Thu 2026-12-31 00:00:00",
				"Sun 2027-01-31 00:00:00",
				"Sun 2027-02-28 00:00:00",
			},
		},
		{
			"cron(0 0 LW * ? *)",
			"Fri 2027-01-01 00:00:00",
			[]string{"Fri 2027-01-29 00:00:00", "Fri 2027-02-26 00:00:00", "Wed 2027-03-31 00:00:00"},
		},
		// The 1st of May 2027 is a Saturday: the nearest weekday of the month is the 3rd.
		{
			"cron(0 0 1W * ? *)",
			"Fri 2027-04-02 00:00:00",
			[]string{"Mon 2027-05-03 00:00:00", "Tue 2027-06-01 00:00:00"},
		},
		{
			"cron(0 0 15W * ? *)",
			"Sun 2027-05-02 00:00:00",
			[]string{"Fri 2027-05-14 00:00:00", "Tue 2027-06-15 00:00:00"},
		},
		{
			"cron(0 0 31W * ? *)",
			"Fri 2027-01-01 00:00:00",
			[]string{"Fri 2027-01-29 00:00:00", "Wed 2027-03-31 00:00:00"},
		},
		{
			"cron(0 0 29 2 ? *)",
			"Sat 2026-11-21 00:00:00",
			[]string{"Tue 2028-02-29 00:00:00", "Sun 2032-02-29 00:00:00"},
		},
		{
			"cron(0 0 1,15 JAN,jul ? 2027)",
			"Sat 2026-11-21 00:00:00",
			[]string{
				"Fri 2027-01-01 00:00:00",
				"Fri 2027-01-15 00:00:00",
				"Thu 2027-07-01 00:00:00",
				"Thu 2027-07-15 00:00:00",
				"",
			},
		},
		{"cron(59 23 31 12 ? 2026)", "Sat 2026-11-21 00:00:00", []string{"Thu 2026-12-31 23:59:00", ""}},
		{"cron(0 0 1 1 ? 2026/2)", "Sat 2026-11-21 00:00:00", []string{"Sat 2028-01-01 00:00:00"}},
		{"cron(0 0 30 2 ? *)", "Sat 2026-11-21 00:00:00", []string{""}},
	}
	for _, test := range tests {
		t.Run(test.expression+" after "+test.after, func(t *testing.T) {
			e, err := schedule.Parse(test.expression)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(layout, test.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				next := e.Next(at)
				if want == "" {
					if !next.IsZero() {
						t.Fatalf("got %s, want none", next.Format(layout))
					}
					return
				}
				if got := next.Format(layout); got != want || next.Location() != time.UTC {
					t.Fatalf("got %s, want %s", got, want)
				}
				at = next
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{
		"",
		"hourly",
		"rate()",
		"rate(1)",
		"rate(0 minutes)",
		"rate(-1 minutes)",
		"rate(1 minutes)",
		"rate(2 minute)",
		"rate(1 second)",
		"rate(1 minute",
		"cron()",
		"cron(0 3 * * ?)",
		"cron(0 3 * * * *)",
		"cron(0 3 ? * ? *)",
		"cron(60 3 * * ? *)",
		"cron(0 24 * * ? *)",
		"cron(0 3 0 * ? *)",
		"cron(0 3 32 * ? *)",
		"cron(0 3 * 13 ? *)",
		"cron(0 3 ? * 0 *)",
		"cron(0 3 ? * 8 *)",
		"cron(0 3 * * ? 1969)",
		"cron(0 3 * * ? 2200)",
		"cron(5-1 3 * * ? *)",
		"cron(*/0 3 * * ? *)",
		"cron(a 3 * * ? *)",
		"cron(0 3 ? * MON#6 *)",
		"cron(0 3 ? * MON#0 *)",
		"cron(0 3 32W * ? *)",
		"cron(0 3 * * ? * *)", "cron(0,,5 3 * * ? *)", "at(2026-11-21T10:00:00)",
	} {
		if e, err := schedule.Parse(bad); err == nil {
			t.Errorf("%q reads as %v", bad, e)
		}
	}
}
