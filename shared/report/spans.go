package report

import (
	"slices"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/craft/calendar"
)

// A span is a run of days that one scheduled report covers: from First up to but not including End.
type span struct{ First, End time.Time }

// spans are what the scheduled reports of an account cover, from the period in which it was made up
// to the one that a day is in, ascending. A billing period is one span, or it is divided into weeks
// from Monday to Sunday, or there is no report of it, as its terms say; a week goes on over the end
// of a period where the next one is divided into weeks too, and is cut off there where it is not.
// So every day of periods with reports is in exactly one span (requirements, section 7).
//
// What ends in or after the last period may still change; what ends before it, or when it begins,
// does not.
func spans(a account.Account, days calendar.Calendar, today time.Time) []span {
	var all []span
	unfinished := false // the last span is a week that may go on in the next period
	for first, end := days.Period(days.Day(a.CreatedAt)); !first.After(today); first, end = days.Period(end) {
		terms := a.TermsOn(first)
		switch {
		case terms.Unlimited() || terms.ReportSchedule == account.NoReports:
			unfinished = false
		case terms.ReportSchedule == account.Weekly:
			for week := first; week.Before(end); {
				next := monday(week)
				if next.After(end) {
					next = end
				}
				if unfinished && week.Equal(first) {
					all[len(all)-1].End = next
				} else {
					all = append(all, span{week, next})
				}
				week = next
			}
			unfinished = end.Weekday() != time.Monday
		default: // also of an account from before there was a choice
			all = append(all, span{first, end})
			unfinished = false
		}
	}
	return all
}

// monday is the first Monday after a day.
func monday(day time.Time) time.Time {
	return day.AddDate(0, 0, 7-(int(day.Weekday())+6)%7)
}

// due are the spans that a report can be made of at a moment: the late views of their last day are
// in. Those of which the rollups may have expired are left out.
func due(a account.Account, days calendar.Calendar, at time.Time) []span {
	today := days.Day(at)
	return slices.DeleteFunc(spans(a, days, today), func(s span) bool {
		return at.Before(days.Begin(s.End).Add(lateness)) || s.First.Before(today.AddDate(0, 0, -lookBack))
	})
}
