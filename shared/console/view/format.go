package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the runtime's image need not have it

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"seatwise/shared/console/client"
)

// Format writes numbers, money and times for one reader: by their language, in their time zone. The
// text around them is English.
type Format struct {
	printer *message.Printer
	// american writes Nov 3, 2026 and 2:05 PM; everybody else reads 3 Nov 2026 and 14:05.
	american bool
	english  bool
	zone     *time.Location
	// separator is what point has found.
	separator string
}

// NewFormat takes the header Accept-Language, and the zone to show times in; nil for UTC.
func NewFormat(acceptLanguage string, zone *time.Location) *Format {
	tag := language.AmericanEnglish
	if tags, _, err := language.ParseAcceptLanguage(acceptLanguage); err == nil && len(tags) > 0 {
		tag = tags[0]
	}
	base, _ := tag.Base()
	region, _ := tag.Region()
	if zone == nil {
		zone = time.UTC
	}
	english := base.String() == "en"
	return &Format{
		printer:  message.NewPrinter(tag),
		english:  english,
		american: english && (region.String() == "US" || region.String() == "PH"),
		zone:     zone,
	}
}

// Zone is the name of the zone that times are shown in.
func (f *Format) Zone() string { return f.zone.String() }

// Location is the zone itself.
func (f *Format) Location() *time.Location { return f.zone }

// Number writes a count.
func (f *Format) Number(n int64) string { return f.printer.Sprint(number.Decimal(n)) }

// Count writes a count and its noun: 1 license, 2 licenses.
func (f *Format) Count(n int64, one, several string) string {
	if n == 1 {
		return f.Number(n) + " " + one
	}
	return f.Number(n) + " " + several
}

// Money writes an amount of minor units.
func (f *Format) Money(m client.Money) string {
	unit, err := currency.ParseISO(m.Currency)
	if err != nil {
		return m.Currency + " " + f.Number(m.Amount)
	}
	scale, _ := currency.Standard.Rounding(unit)
	factor := int64(1)
	for range scale {
		factor *= 10
	}
	amount, sign := m.Amount, ""
	if amount < 0 {
		amount, sign = -amount, "−"
	}
	// Whole and part apart, so that no float comes near money.
	figures := f.printer.Sprint(number.Decimal(amount / factor))
	if scale > 0 {
		figures += f.point() + fmt.Sprintf("%0*d", scale, amount%factor)
	}
	symbol := f.printer.Sprint(currency.NarrowSymbol(unit))
	if f.english {
		if strings.IndexFunc(symbol, func(r rune) bool { return r >= 'A' && r <= 'Z' }) == 0 {
			symbol += " "
		}
		return sign + symbol + figures
	}
	return sign + figures + " " + symbol
}

// point is the reader's decimal separator.
func (f *Format) point() string {
	if f.separator == "" {
		one := f.printer.Sprint(number.Decimal(1.5, number.Scale(1)))
		f.separator = strings.Trim(one, "0123456789١٥۱۵१५১৫")
	}
	return f.separator
}

// Date writes the day of a time.
func (f *Format) Date(t time.Time) string { return f.day(t.In(f.zone)) }

func (f *Format) day(t time.Time) string {
	if f.american {
		return t.Format("Jan 2, 2006")
	}
	return t.Format("2 Jan 2006")
}

// Day writes a day that the API names, such as 2026-11-03: it is of the account's own calendar, and
// no zone moves it.
func (f *Format) Day(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return f.day(t)
}

// Time writes day and time of day.
func (f *Format) Time(t time.Time) string {
	t = t.In(f.zone)
	if f.american {
		return f.day(t) + ", " + t.Format("3:04 PM")
	}
	return f.day(t) + ", " + t.Format("15:04")
}

// Whole writes all of a time, with its zone: what a time shows when it is pointed at.
func (f *Format) Whole(t time.Time) string {
	t = t.In(f.zone)
	return t.Format("Monday") + ", " + f.Time(t) + ", " + f.zone.String() + " (UTC" + t.Format("-07:00") + ")"
}

// decimals is how many digits of a currency's amounts stand behind the point; none of an unknown one.
func decimals(code string) int {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return 0
	}
	scale, _ := currency.Standard.Rounding(unit)
	return scale
}

// TypedMoney is an amount as it is typed into a field: digits, and a point before the minor units.
func TypedMoney(m client.Money) string {
	digits, behind := strconv.FormatInt(m.Amount, 10), decimals(m.Currency)
	if behind == 0 {
		return digits
	}
	if lacks := behind + 1 - len(digits); lacks > 0 {
		digits = strings.Repeat("0", lacks) + digits
	}
	return digits[:len(digits)-behind] + "." + digits[len(digits)-behind:]
}

// MoneyOf is an amount that was typed so; ok is false for anything else.
func MoneyOf(text, code string) (m client.Money, ok bool) {
	whole, part, _ := strings.Cut(text, ".")
	behind := decimals(code)
	if whole == "" || len(part) > behind || strings.ContainsAny(text, "+-") {
		return m, false
	}
	minor, err := strconv.ParseInt(whole+part+strings.Repeat("0", behind-len(part)), 10, 64)
	return client.Money{Amount: minor, Currency: code}, err == nil
}
