package account

import (
	"slices"
	"strings"
	"unicode"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/problem"
)

// noFileName are the characters that a file name cannot have on one system or another; reports are named after the brand (spec 7).
const noFileName = `/\:*?"<>|`

// ReportSchedule says how often the license status report is made by itself.
type ReportSchedule string

// The schedules. Weeks begin on Monday and billing periods on the billing day, in the account's time zone.
const (
	Monthly   ReportSchedule = "monthly" // once in each billing period
	Weekly    ReportSchedule = "weekly"
	NoReports ReportSchedule = "none"
)

// Check finds what is wrong with the settings beyond what their schema says, but for the time zone, which only the zone database knows.
func (s Settings) Check(products *catalog.Catalog) []problem.Field {
	var fields []problem.Field
	add := func(field, message string) { fields = append(fields, problem.Field{Field: field, Message: message}) }
	if strings.TrimSpace(s.Name) != s.Name || strings.ContainsFunc(s.Name, unicode.IsControl) || s.Name == "" {
		add("name", "must be text without control characters that neither begins nor ends with a space")
	}
	switch {
	case strings.ContainsAny(s.Brand, noFileName) || strings.ContainsFunc(s.Brand, unicode.IsControl):
		add("brand", "must be fit for a file name: no control characters and none of "+noFileName)
	case s.Brand == "" || strings.Trim(s.Brand, " .") != s.Brand:
		add("brand", "must be fit for a file name: it neither begins nor ends with a space or a period")
	}
	if !products.HasCurrency(s.Currency) {
		add("currency", "must be one that the catalog has prices in: "+strings.Join(products.Currencies(), ", "))
	}
	if s.BillingDay < 1 || s.BillingDay > 28 {
		add("billingDay", "must be 1 to 28, days that every month has")
	}
	if !slices.Contains([]Bundle{Standard, CustomerEngagement}, s.Bundle) {
		add("bundle", "must be standard or customer-engagement")
	}
	if !slices.Contains([]ReportSchedule{"", Monthly, Weekly, NoReports}, s.ReportSchedule) {
		add("reportSchedule", "must be weekly, monthly or none")
	}
	return fields
}

// withDefaults fills in what may be left out.
func (s Settings) withDefaults() Settings {
	if s.ReportSchedule == "" {
		s.ReportSchedule = Monthly
	}
	return s
}
