// Package calendar says which day a moment belongs to and which billing period a day belongs to,
// for an account whose time zone and billing day may have changed (requirements, sections 6, 7 and
// 12).
//
// A day is a label: midnight in UTC of its date. A period is a run of days, from one billing date
// up to but not including the next. What an account agreed to, its terms, counts for whole periods:
// a change counts from the next one, which is then as short or as long as it must be. Two laws
// follow, and the tests hold them for every zone:
//
//   - Every moment is in exactly one day, and days follow each other without a gap.
//   - Every day is in exactly one period, and what was said of a day that has begun never changes.
//
// It is pure: no clock, no input or output. Zones come from outside.
package calendar

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxBillingDay is the last day of the month that every month has.
const MaxBillingDay = 28

// Terms are the zone and the billing day that count from a day on.
type Terms struct {
	// From is the first day; it is zero for the first terms, which also count for all days before.
	From time.Time
	Zone *time.Location
	// BillingDay is the day of the month, 1 to 28, on which a period begins.
	BillingDay int
}

// Calendar knows the days and periods of one account. It never changes, so any number of goroutines
// may use it.
type Calendar struct {
	terms []Terms
	// changed are the moments at which the terms begin, the ends of the last days under those
	// before them; the first has none.
	changed []time.Time
}

// New makes the calendar of terms that ascend; every From but the first must be the first day of a
// period under the terms before it.
//
// Errors: for no terms, a missing zone, a billing day that not every month has, or a From that is
// not such a day.
func New(terms ...Terms) (Calendar, error) {
	if len(terms) == 0 {
		return Calendar{}, errors.New("calendar: no terms")
	}
	for i, t := range terms {
		switch {
		case t.Zone == nil:
			return Calendar{}, errors.New("calendar: terms without a time zone")
		case t.BillingDay < 1 || t.BillingDay > MaxBillingDay:
			return Calendar{}, fmt.Errorf("calendar: billing day %d is not from 1 to %d", t.BillingDay, MaxBillingDay)
		case i == 0:
			continue
		case !t.From.After(terms[i-1].From) || !t.From.Equal(Date(t.From)):
			return Calendar{}, errors.New("calendar: terms out of order")
		case t.From.Day() != terms[i-1].BillingDay:
			return Calendar{}, fmt.Errorf("calendar: terms from %s on begin in the middle of a period",
				t.From.Format(time.DateOnly))
		}
	}
	// A change of the zone leaves the days before it as they were; the first terms count for all of
	// them.
	terms = slices.Clone(terms)
	terms[0].From = time.Time{}
	changed := make([]time.Time, len(terms))
	for i := 1; i < len(terms); i++ {
		changed[i] = midnight(terms[i].From, terms[i-1].Zone)
		if changed[i].Before(changed[i-1]) {
			changed[i] = changed[i-1]
		}
	}
	return Calendar{terms: terms, changed: changed}, nil
}

// IsZero says whether there are no terms at all: the zero Calendar knows no day.
func (c Calendar) IsZero() bool { return len(c.terms) == 0 }

// Date is the label of the date that a time shows in its own location.
func Date(at time.Time) time.Time {
	year, month, day := at.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// next is the label of the day after.
func next(day time.Time) time.Time { return day.AddDate(0, 0, 1) }

// at is the index of the terms that count on a day.
func (c Calendar) at(day time.Time) int {
	i := len(c.terms) - 1
	for i > 0 && day.Before(c.terms[i].From) {
		i--
	}
	return i
}

// Zone is the time zone that makes the day.
func (c Calendar) Zone(day time.Time) *time.Location { return c.terms[c.at(day)].Zone }

// Begin is the moment at which a day begins: its first moment in its zone. The first day under a
// new zone begins when the last one under the old zone ends, so it may be longer or shorter than
// others; where the new zone is more than a day ahead, days that are over already have no moment at
// all. So has a day that a zone left out.
func (c Calendar) Begin(day time.Time) time.Time {
	i := c.at(day)
	own := midnight(day, c.terms[i].Zone)
	if i == 0 {
		return own
	}
	if day.Equal(c.terms[i].From) || own.Before(c.changed[i]) {
		return c.changed[i]
	}
	return own
}

// End is the moment at which a day ends and the next one begins.
func (c Calendar) End(day time.Time) time.Time { return c.Begin(next(day)) }

// Day is the day that a moment is in.
func (c Calendar) Day(at time.Time) time.Time {
	i := len(c.terms) - 1
	for i > 0 && at.Before(c.changed[i]) {
		i--
	}
	day := Date(at.In(c.terms[i].Zone))
	// A new zone may show a date that is over, or one that has not come; and where clocks go back
	// over midnight, a date is shown twice.
	for c.Begin(day).After(at) {
		day = day.AddDate(0, 0, -1)
	}
	for !c.End(day).After(at) {
		day = next(day)
	}
	return day
}

// Period is the billing period that a day is in: its first day and the first day of the next one.
func (c Calendar) Period(day time.Time) (first, end time.Time) {
	i := c.at(day)
	first = time.Date(day.Year(), day.Month(), c.terms[i].BillingDay, 0, 0, 0, 0, time.UTC)
	// No month is too short for a billing day, so a month more or less lands on the same day of the
	// month.
	if day.Before(first) {
		first = first.AddDate(0, -1, 0)
	}
	end = first.AddDate(0, 1, 0)
	if first.Before(c.terms[i].From) {
		first = c.terms[i].From
	}
	return first, end
}

// Days lists the days from first up to but not including end.
func Days(first, end time.Time) []time.Time {
	var days []time.Time
	for day := first; day.Before(end); day = next(day) {
		days = append(days, day)
	}
	return days
}

// midnight is the first moment at which clocks in the zone show the day or a later one. Not every
// day has a 00:00: where clocks are put forward at midnight it begins at 01:00, and a zone that
// moved over the date line left one out.
func midnight(day time.Time, zone *time.Location) time.Time {
	// No zone is more than 16 hours from UTC, so clocks show an earlier day then.
	at := day.Add(-27 * time.Hour)
	for {
		local := at.In(zone)
		_, offset := local.Zone()
		_, until := local.ZoneBounds()
		first := day.Add(-time.Duration(offset) * time.Second)
		if first.Before(at) {
			first = at // the clocks were put forward over it
		}
		if until.IsZero() || first.Before(until) {
			return first.UTC()
		}
		at = until
	}
}
