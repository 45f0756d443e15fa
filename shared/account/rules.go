package account

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/text"
	"seatwise/shared/platform/problem"
)

// noFileName are the characters that a file name cannot have on one system or another; reports are
// named after the brand (requirements, section 7).
const noFileName = `/\:*?"<>|`

// ReportSchedule says which license status reports are made on schedule (requirements, section 7).
type ReportSchedule string

// The schedules. Weeks begin on Monday and billing periods on the billing day, in the account's
// time zone.
const (
	Monthly   ReportSchedule = "monthly" // one for each billing period
	Weekly    ReportSchedule = "weekly"
	NoReports ReportSchedule = "none"
)

// Check finds what is wrong with the settings beyond what their schema says, but for the time zone
// and the country, which only their databases know. Values that are as they were are not judged
// (requirements, section 6); was is the zero Settings of a new account.
func (s Settings) Check(products *catalog.Catalog, was Settings) []problem.Field {
	var fields []problem.Field
	add := func(field string, code problem.Code, message string) {
		fields = append(fields, problem.Field{Field: field, Code: code, Message: message})
	}
	if fault := text.NameFault(s.Name); fault != "" && (s.Name == "" || s.Name != was.Name) {
		fields = append(fields, problem.Named("name", fault))
	}
	switch fault := text.NameFault(s.Brand); {
	case s.Brand == was.Brand && s.Brand != "":
	case fault != "":
		fields = append(fields, problem.Named("brand", fault))
	case strings.ContainsAny(s.Brand, noFileName):
		add("brand", problem.BadCharacters, "must be fit for a file name: none of "+noFileName)
	case strings.Trim(s.Brand, ".") != s.Brand:
		add("brand", problem.BadCharacters, "must be fit for a file name: it neither begins nor ends with a period")
	}
	if (s.Currency == "" || s.Currency != was.Currency) && !products.HasCurrency(s.Currency) {
		add("currency", problem.NotAllowed,
			"must be one that the catalog has prices in: "+strings.Join(products.Currencies(), ", "))
	}
	if s.BillingDay < 1 || s.BillingDay > 28 && s.BillingDay != was.BillingDay {
		add("billingDay", problem.OutOfRange, "must be 1 to 28, days that every month has")
	}
	if !slices.Contains([]Bundle{Standard, CustomerEngagement}, s.Bundle) {
		add("bundle", problem.NotAllowed, "must be standard or customer-engagement")
	}
	if !slices.Contains([]ReportSchedule{"", Monthly, Weekly, NoReports}, s.ReportSchedule) {
		add("reportSchedule", problem.NotAllowed, "must be weekly, monthly or none")
	}
	return fields
}

// withDefaults fills in what may be left out.
func (s Settings) withDefaults() Settings {
	if s.ReportSchedule == "" {
		s.ReportSchedule = Monthly
	}
	s.State = cmp.Or(s.State, active)
	return s
}

// terms are what the settings say for whole billing periods, from a day on.
func (s Settings) terms(from string) Terms {
	s = s.withDefaults()
	return Terms{
		From:           from,
		Timezone:       s.Timezone,
		BillingDay:     s.BillingDay,
		Bundle:         s.Bundle,
		ReportSchedule: s.ReportSchedule,
	}
}

// kept are the account's terms, which every account has.
func (a Account) kept() []Terms {
	if len(a.Terms) == 0 {
		return []Terms{a.terms("")}
	}
	return a.Terms
}

// New is an account as it is made at a moment.
func New(id string, settings Settings, at time.Time) Account {
	settings = settings.withDefaults()
	return Account{ID: id, Settings: settings, Terms: []Terms{settings.terms("")}, CreatedAt: at, ChangedAt: at}
}

// Changed is the account with other settings from a moment on. What counts for whole billing
// periods counts from the next one (requirements, section 12).
//
// Errors: for terms that are no calendar.
func (a Account) Changed(to Settings, at time.Time) (Account, error) {
	days, err := a.Calendar()
	if err != nil {
		return Account{}, err
	}
	today := days.Day(at)
	_, end := days.Period(today)
	return Account{
		ID: a.ID, Settings: to, Terms: a.change(to, today, end), CreatedAt: a.CreatedAt, ChangedAt: at,
	}, nil
}

// change is what the account's terms become when its settings change on a day, in a period that
// ends with another: terms of a period to come that has not begun are replaced, and what has begun
// stays (requirements, section 12).
func (a Account) change(to Settings, today, end time.Time) []Terms {
	kept := slices.DeleteFunc(slices.Clone(a.kept()),
		func(t Terms) bool { return t.From > today.Format(time.DateOnly) })
	now := kept[len(kept)-1]
	changed := to.terms(end.Format(time.DateOnly))
	if same := to.terms(now.From); same == now {
		return kept
	}
	return append(kept, changed)
}

// TermsOn are the terms that count on a day.
func (a Account) TermsOn(day time.Time) Terms {
	kept, date := a.kept(), day.Format(time.DateOnly)
	i := len(kept) - 1
	for i > 0 && kept[i].From > date {
		i--
	}
	return kept[i]
}

// UnlimitedOn says whether Live Reports are unlimited on a day. A period that is over keeps its
// terms; in the one that today is in, and later, it is as the settings say now.
func (a Account) UnlimitedOn(days calendar.Calendar, day, today time.Time) bool {
	if first, _ := days.Period(today); day.Before(first) {
		return a.TermsOn(day).Unlimited()
	}
	return a.Unlimited()
}

// Paper is a size of paper.
type Paper string

// The sizes.
const (
	A4     Paper = "a4"
	Letter Paper = "letter"
)

// letterCountries print on US Letter; all others, and who named no country, on A4 (the Unicode
// CLDR's paperSize).
var letterCountries = []string{"BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"}

// Paper is what the account prints on.
func (s Settings) Paper() Paper {
	if slices.Contains(letterCountries, s.Country) {
		return Letter
	}
	return A4
}
