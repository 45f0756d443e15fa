package pages

import (
	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

// periodState is what the state of a period is called, and the kind of its pill.
func periodState(state string) (kind, word string) {
	if state == closedPeriod {
		return "good", state
	}
	if state == "closing" {
		return "warn", state
	}
	return "", state
}

// stateSays is what the state of a period means for its figures.
func stateSays(p client.PeriodView) string {
	switch p.State {
	case closedPeriod:
		return "This period is closed. Its lines, days and total never change; what comes later is a correction in the next one."
	case "closing":
		return "This period is over, and is closed 48 hours after its end. Until then late events may change it."
	}
	return "This period is open. The figures are those of now, and change with every license and every day."
}

func kindOfLine(kind string) string { return optionName(lineKinds, kind) }

// line is what a line is called: its kind and its product.
func (n *billNames) line(kind, product string) string {
	if product == "" {
		return kindOfLine(kind)
	}
	return kindOfLine(kind) + ", " + n.product(product)
}

// counts is what a line's or a day's quantity counts.
func counts(f *view.Format, kind string, n int64) string {
	switch kind {
	case kindOverage:
		return f.Count(n, "person without a license", "people without a license")
	case "correction":
		return "–"
	}
	return f.Count(n, "license", "licenses")
}

// howItComes says how a line's amount comes about.
func howItComes(f *view.Format, l client.LineView) string {
	switch l.Kind {
	case "correction":
		return "A correction of the period that begins on " + f.Day(l.Corrects) + "."
	case "prorated":
		return "What orders had due on their day for the rest of the period."
	}
	what := lineDays(f, l.Kind, l.LicenseDays)
	if l.Kind == kindOverage {
		what += ", each a day at whose end a person waited,"
	}
	return what + " at " + f.Money(l.UnitPrice) + " a month: each day is that price, divided by the days of the month. What a product costs is rounded once, and shared out to the cent."
}

// centerValue is a cost center as the filter takes it.
func centerValue(one client.PeriodCostCenterTotal) string {
	if one.CostCenter == "" {
		return noCenter
	}
	return one.CostCenter
}

// multiplied is how a line's amount comes about, so that a reader can work it out: the days that were counted,
// through the days of the month that has the price, times the price.
func multiplied(f *view.Format, l client.Line, monthDays int64) string {
	switch l.Kind {
	case "correction":
		return "–"
	case "prorated":
		return "as ordered, at " + f.Money(l.UnitPrice) + " a month"
	}
	return lineDays(f, l.Kind, l.LicenseDays) + " / " + f.Number(monthDays) + " × " + f.Money(l.UnitPrice)
}

// lineDays are the days that a line counts: of licenses, or of people.
func lineDays(f *view.Format, kind string, n int64) string {
	if kind == kindOverage {
		return f.Count(n, "person day", "person days")
	}
	return f.Count(n, "license day", "license days")
}

// multipliedSays is what the column of it means.
func multipliedSays(f *view.Format, monthDays int64) string {
	return "A license, or a person who waited, counts once for each day. An amount is these days, divided by the " +
		f.Number(monthDays) + " days of the month, times the price of a month. What a product costs in all is rounded once, " +
		"and shared out to the cent, so a line may differ by a cent."
}

// lineThings is what a line counts, in the number that there is.
func lineThings(kind string, n int64) string {
	switch {
	case kind == kindOverage && n == 1:
		return "person without a license"
	case kind == kindOverage:
		return "people without a license"
	case n == 1:
		return "license"
	}
	return "licenses"
}

func hasLicenses(v dayPage) bool { return len(v.day.LicenseIDs) > 0 }

func hasPeople(v dayPage) bool { return len(v.day.UserIDs) > 0 || v.tellsHolders() }

func personLabel(v dayPage) string {
	if v.line.Kind == kindOverage {
		return "Waits"
	}
	return "Held by"
}

// nobodySays is what stands for a license without a holder.
func nobodySays(b behind) string {
	if b.known {
		return "nobody"
	}
	return "not known"
}

func behindColumns(v dayPage) []view.Column {
	var columns []view.Column
	if hasLicenses(v) {
		columns = append(columns, view.Column{Name: "License"})
	}
	if hasPeople(v) {
		columns = append(columns, view.Column{Name: personLabel(v)})
	}
	return columns
}

// comparedSays is what a comparison comes to.
func comparedSays(f *view.Format, d client.Comparison) string {
	return "At " + f.Whole(d.At) + " a whole month of all licenses cost " + f.Money(d.Snapshot) +
		"; the period comes to " + f.Money(d.Period) + ". The difference is " + f.Money(d.Difference) + "."
}

// deviationWords are what the reasons of a difference are called, after what they are about.
var deviationWords = map[string]string{
	"bought":      "bought within the period; orders charged the days that were left",
	"boughtLater": "bought after this day; orders charged the days that were left",
	"terminated":  "gone by then, and charged up to the end of the period",
	"begun":       "began within the period; the days before are not charged",
	"begunLater":  "began after this day, and charged from then on",
	"ended":       "gone by then, and charged for the days until it ended",
	"endedLater":  "ended after this day; the days after it are not charged",
	"waited":      "waited for a license; no list of licenses shows them",
	"corrected":   "A correction of an earlier period",
	"toCome":      "days of this period that are still to come",
	"length":      "the period is shorter or longer than a month",
	"repriced":    "the price changed after the first day of the period",
	"late":        "told after the period was closed; the next period corrects it",
	"rounded":     "A cent that rounding gave to this or to another cost center",
}

// reasonSays is a reason in words, with what it is about and its days.
func reasonSays(f *view.Format, r client.DeviationReason) string {
	text := deviationWords[r.Reason]
	switch {
	case r.Reason == "corrected" || r.Reason == "rounded":
		return text
	case r.Reason == "moved" && r.LicenseDays > 0:
		text = "of another cost center on this day, and charged here on others"
	case r.Reason == "moved":
		text = "of this cost center on this day, and charged to another one on others"
	case r.Reason == "waited":
		text = f.Count(r.Quantity, "person", "people") + " " + text
	}
	if r.Reason != "waited" {
		text = f.Count(r.Quantity, "license", "licenses") + ": " + text
	}
	if r.LicenseDays == 0 {
		return text
	}
	days, more := r.LicenseDays, " more"
	if days < 0 {
		days, more = -days, " less"
	}
	return text + " (" + f.Count(days, "license day", "license days") + more + daysSay(f, r) + ")"
}

// daysSay is when the days of a reason are.
func daysSay(f *view.Format, r client.DeviationReason) string {
	switch {
	case r.FirstDay == "" || r.LastDay == "":
		return ""
	case r.FirstDay == r.LastDay:
		return ", " + f.Day(r.FirstDay)
	}
	return ", " + f.Day(r.FirstDay) + " to " + f.Day(r.LastDay)
}
