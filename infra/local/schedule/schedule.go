// Package schedule understands EventBridge's schedule expressions: rate(5 minutes) and cron() of
// six fields, in UTC.
package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Expression says when something is due.
type Expression interface {
	// Next is the first time after the given one; the zero time when there is none any more.
	Next(after time.Time) time.Time
}

// Parse reads an expression. It accepts what EventBridge accepts, and nothing else.
func Parse(s string) (Expression, error) {
	if inner, ok := inside(s, "rate"); ok {
		return parseRate(inner)
	}
	if inner, ok := inside(s, "cron"); ok {
		return parseCron(inner)
	}
	return nil, fmt.Errorf("schedule %q is neither rate(...) nor cron(...)", s)
}

func inside(s, name string) (string, bool) {
	inner, ok := strings.CutPrefix(s, name+"(")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, ")")
}

// rate is due at the multiples of its period since 1970. EventBridge counts from the rule's
// creation; here a restart must not shift it.
type rate time.Duration

func parseRate(inner string) (Expression, error) {
	fields := strings.Fields(inner)
	if len(fields) != 2 {
		return nil, fmt.Errorf("rate(%s): want a number and a unit", inner)
	}
	n, err := strconv.Atoi(fields[0])
	if err != nil || n < 1 {
		return nil, fmt.Errorf("rate(%s): the number must be 1 or more", inner)
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	unit, ok := units[strings.TrimSuffix(fields[1], "s")]
	if !ok || (n == 1) == strings.HasSuffix(fields[1], "s") {
		return nil, fmt.Errorf("rate(%s): the unit must be minute, hour or day, with an s from 2 on", inner)
	}
	return rate(time.Duration(n) * unit), nil
}

func (r rate) Next(after time.Time) time.Time {
	period := int64(time.Duration(r) / time.Second)
	return time.Unix((after.Unix()/period+1)*period, 0).UTC()
}

// lastYear is the last one that EventBridge's cron knows.
const lastYear = 2199

// set is a set of numbers; a year y is stored as y-1970.
type set [4]uint64

func (s *set) add(n int)      { s[n/64] |= 1 << (n % 64) }
func (s *set) has(n int) bool { return s[n/64]&(1<<(n%64)) != 0 }

// cron is the six fields. Exactly one of the two day fields is "?".
type cron struct {
	minutes, hours, months, years set
	byWeekday                     bool
	days                          []dayRule
}

// dayRule decides for one day of a month that has the given number of days.
type dayRule func(day, weekday, lastDay int) bool

func parseCron(inner string) (Expression, error) {
	fail := func(err error) (Expression, error) { return nil, fmt.Errorf("cron(%s): %w", inner, err) }
	f := strings.Fields(inner)
	if len(f) != 6 {
		return fail(errors.New("want six fields: minutes, hours, day of month, month, day of week, year"))
	}
	if (f[2] == "?") == (f[4] == "?") {
		return fail(errors.New("exactly one of day of month and day of week must be ?"))
	}
	c := cron{byWeekday: f[2] == "?"}
	var err error
	if c.minutes, err = numbers(f[0], 0, 59, nil); err != nil {
		return fail(fmt.Errorf("minutes: %w", err))
	}
	if c.hours, err = numbers(f[1], 0, 23, nil); err != nil {
		return fail(fmt.Errorf("hours: %w", err))
	}
	if c.months, err = numbers(f[3], 1, 12, monthNames); err != nil {
		return fail(fmt.Errorf("month: %w", err))
	}
	if c.years, err = numbers(f[5], 1970, lastYear, nil); err != nil {
		return fail(fmt.Errorf("year: %w", err))
	}
	field, parse := f[2], monthDay
	if c.byWeekday {
		field, parse = f[4], weekDay
	}
	for _, part := range strings.Split(field, ",") {
		rule, err := parse(part)
		if err != nil {
			return fail(fmt.Errorf("day: %w", err))
		}
		c.days = append(c.days, rule)
	}
	return c, nil
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// number reads a number of the range, or a name, of which the first stands for low.
func number(s string, low, high int, names []string) (int, error) {
	for i, name := range names {
		if strings.EqualFold(s, name) {
			return low + i, nil
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not within %d to %d", s, low, high)
	}
	return n, nil
}

// numbers reads a list of *, n, a-b, each with an optional /step. Years are shifted to begin at 0.
func numbers(field string, low, high int, names []string) (set, error) {
	var s set
	shift := 0
	if low == 1970 {
		shift = low
	}
	for _, part := range strings.Split(field, ",") {
		body, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return s, fmt.Errorf("%q is not a step", stepText)
			}
		}
		from, to := low, high
		if body != "*" {
			first, last, ranged := strings.Cut(body, "-")
			var err error
			if from, err = number(first, low, high, names); err != nil {
				return s, err
			}
			switch {
			case ranged:
				if to, err = number(last, low, high, names); err != nil {
					return s, err
				}
			case !stepped:
				to = from
			}
			if to < from {
				return s, fmt.Errorf("%q runs backwards", body)
			}
		}
		for n := from; n <= to; n += step {
			s.add(n - shift)
		}
	}
	return s, nil
}

// monthDay reads one element of the day-of-month field: numbers as elsewhere, L for the last day,
// nW for the weekday nearest to day n, LW for the last weekday.
func monthDay(part string) (dayRule, error) {
	isWeekday := func(weekday int) bool { return weekday > 0 && weekday < 6 }
	switch {
	case part == "L":
		return func(day, _, lastDay int) bool { return day == lastDay }, nil
	case part == "LW":
		return func(day, weekday, lastDay int) bool {
			// The last day itself, or the Friday before a weekend at the end.
			return isWeekday(weekday) && (day == lastDay || weekday == 5 && lastDay-day <= 2)
		}, nil
	case strings.HasSuffix(part, "W"):
		n, err := number(strings.TrimSuffix(part, "W"), 1, 31, nil)
		if err != nil {
			return nil, err
		}
		return func(day, weekday, lastDay int) bool {
			switch {
			case n > lastDay || !isWeekday(weekday):
				return false
			case day == n:
				return true
			case weekday == 5 && day == n-1: // n is a Saturday
				return true
			case weekday == 1 && day == n+1: // n is a Sunday
				return true
			case weekday == 1 && n == 1 && day == 3: // the 1st is a Saturday, and the Friday is another month's
				return true
			case weekday == 5 && n == lastDay && day == n-2: // the last is a Sunday, and the Monday is another month's
				return true
			default:
				return false
			}
		}, nil
	default:
		s, err := numbers(part, 1, 31, nil)
		if err != nil {
			return nil, err
		}
		return func(day, _, _ int) bool { return s.has(day) }, nil
	}
}

// weekDay reads one element of the day-of-week field, where 1 is Sunday: numbers and names as
// elsewhere, L for Saturday, nL for the last such day of the month, n#k for the k-th one.
func weekDay(part string) (dayRule, error) {
	if part == "L" {
		return func(_, weekday, _ int) bool { return weekday == 6 }, nil
	}
	if day, nth, ok := strings.Cut(part, "#"); ok {
		n, err := number(day, 1, 7, weekdayNames)
		if err != nil {
			return nil, err
		}
		k, err := number(nth, 1, 5, nil)
		if err != nil {
			return nil, err
		}
		return func(day, weekday, _ int) bool { return weekday == n-1 && (day-1)/7 == k-1 }, nil
	}
	if day, ok := strings.CutSuffix(part, "L"); ok {
		n, err := number(day, 1, 7, weekdayNames)
		if err != nil {
			return nil, err
		}
		return func(day, weekday, lastDay int) bool { return weekday == n-1 && lastDay-day < 7 }, nil
	}
	s, err := numbers(part, 1, 7, weekdayNames)
	if err != nil {
		return nil, err
	}
	return func(_, weekday, _ int) bool { return s.has(weekday + 1) }, nil
}

// Next goes day by day to one that fits, then takes its first time that is late enough.
func (c cron) Next(after time.Time) time.Time {
	t := after.UTC().Truncate(time.Minute).Add(time.Minute)
	for year := max(t.Year(), 1970); year <= lastYear; year++ {
		if !c.years.has(year - 1970) {
			continue
		}
		for month := time.January; month <= time.December; month++ {
			lastDay := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
			if !c.months.has(int(month)) || time.Date(year, month, lastDay, 23, 59, 0, 0, time.UTC).Before(t) {
				continue
			}
			for day := 1; day <= lastDay; day++ {
				if found, ok := c.onDay(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), lastDay, t); ok {
					return found
				}
			}
		}
	}
	return time.Time{}
}

func (c cron) onDay(midnight time.Time, lastDay int, earliest time.Time) (time.Time, bool) {
	fits := false
	for _, rule := range c.days {
		fits = fits || rule(midnight.Day(), int(midnight.Weekday()), lastDay)
	}
	if !fits {
		return time.Time{}, false
	}
	for hour := range 24 {
		if !c.hours.has(hour) {
			continue
		}
		for minute := range 60 {
			at := midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
			if c.minutes.has(minute) && !at.Before(earliest) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}
