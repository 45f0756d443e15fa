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
func (n billNames) line(kind, product string) string {
	if product == "" {
		return kindOfLine(kind)
	}
	return kindOfLine(kind) + ", " + n.product(product)
}

// counts is what a line's or a day's quantity counts.
func counts(f *view.Format, kind string, n int64) string {
	switch kind {
	case "overage":
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
	what := f.Count(l.LicenseDays, "license day", "license days")
	if l.Kind == "overage" {
		what = f.Count(l.LicenseDays, "day", "days") + " at whose end a person waited,"
	}
	return what + " at " + f.Money(l.UnitPrice) + " a month. What a product costs is rounded once, and shared out to the cent."
}

// centerValue is a cost center as the filter takes it.
func centerValue(one client.PeriodCostCenterTotal) string {
	if one.CostCenter == "" {
		return noCenter
	}
	return one.CostCenter
}

// unitPrice is a line's price of a month; a correction has none.
func unitPrice(f *view.Format, l client.Line) string {
	if l.Kind == "correction" {
		return "–"
	}
	return f.Money(l.UnitPrice)
}

// lineThings is what a line counts, in the number that there is.
func lineThings(kind string, n int64) string {
	switch {
	case kind == "overage" && n == 1:
		return "person without a license"
	case kind == "overage":
		return "people without a license"
	case n == 1:
		return "license"
	}
	return "licenses"
}

func hasLicenses(v dayPage) bool { return len(v.day.LicenseIDs) > 0 }

func hasPeople(v dayPage) bool { return len(v.day.UserIDs) > 0 }

func personLabel(v dayPage) string {
	if v.line.Kind == "overage" {
		return "Waits"
	}
	return "Held by"
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
