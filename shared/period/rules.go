package period

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/money"
)

// Source is all that a period is folded from.
type Source struct {
	Calendar calendar.Calendar
	// First and End are days, End exclusive.
	First, End time.Time
	Currency   string
	// Prices are those of the period's first day, by product; what has none is not charged.
	Prices map[string]Prices
	// CostCenter is the account's, for people without one.
	CostCenter string
	// Unlimited says that Live Reports cost no overage (requirements, section 6).
	Unlimited bool

	Timelines   []Timeline
	Purchases   []Purchase
	Corrections []Named
}

// Horizon says how far a fold looks.
type Horizon struct {
	// Now is up to when something is known: what is metered counts up to its day, and a waiting up
	// to the last day that has ended. What lasts at Now lasts on if Expect is set.
	Now    time.Time
	Expect bool
}

// fold makes the bill of a period.
//
// Errors: those of package money.
func (s Source) fold(to Horizon) (Bill, error) {
	f := &folding{
		source: s, horizon: to, days: calendar.Days(s.First, s.End), entries: map[key]*entry{},
		month: int(s.End.Sub(s.End.AddDate(0, -1, 0)) / (24 * time.Hour)),
	}
	f.ends = make([]time.Time, len(f.days))
	for i, day := range f.days {
		f.ends[i] = s.Calendar.End(day)
	}
	f.begin = s.Calendar.Begin(s.First)
	for _, t := range s.Timelines {
		switch t.Kind {
		case Recurring:
			f.recurring(t)
		case Metered:
			f.metered(t)
		case Overage:
			f.waiting(t)
		case Prorated, Correction:
		}
	}
	if err := f.charge(); err != nil {
		return Bill{}, err
	}
	if err := f.bought(); err != nil {
		return Bill{}, err
	}
	f.correct()
	return f.bill()
}

// key is what makes a line.
type key struct {
	kind                Kind
	product, costCenter string
	correction          string
}

func (k key) id() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(k.kind), k.product, k.costCenter, k.correction}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

type entry struct {
	Entry
	counts  []int64 // by day
	amounts []int64 // by day, in minor units
}

type folding struct {
	source  Source
	horizon Horizon
	days    []time.Time
	ends    []time.Time
	begin   time.Time
	month   int
	entries map[key]*entry
}

func (f *folding) entry(k key) *entry {
	e := f.entries[k]
	if e == nil {
		e = &entry{
			counts: make([]int64, len(f.days)), amounts: make([]int64, len(f.days)),
		}
		e.Line = Line{
			ID: k.id(), Kind: k.kind, ProductID: k.product, CostCenter: k.costCenter,
			UnitPrice: money.Zero(f.source.Currency), Amount: money.Zero(f.source.Currency),
		}
		f.entries[k] = e
	}
	return e
}

// at is who has something at a moment, and what it is charged to.
func at(parts []Part, moment time.Time) Part {
	for i, p := range parts {
		if i == len(parts)-1 || p.Until.After(moment) {
			return p
		}
	}
	return Part{}
}

// charged is who has it at a moment, with the cost center that pays for what a person consumes:
// theirs, else the account's.
func (s Source) charged(t Timeline, moment time.Time) Part {
	p := at(t.Parts, moment)
	p.CostCenter = cmp.Or(p.CostCenter, s.CostCenter)
	return p
}

// count counts something on one day of a line.
func (f *folding) count(t Timeline, of Part, day int) {
	e := f.entry(key{kind: t.Kind, product: t.ProductID, costCenter: of.CostCenter})
	e.counts[day]++
	if n := len(e.Shares) - 1; n >= 0 {
		if last := &e.Shares[n]; last.License == t.ID && last.UserID == of.UserID && last.First+last.Days == day {
			last.Days++
			return
		}
	}
	e.Shares = append(e.Shares, Share{License: t.ID, UserID: of.UserID, First: day, Days: 1})
}

// recurring counts a license that was bought on every day of a period that it recurs in: it was
// there when the period began. Each day goes to the cost center at its end, and a termination
// changes nothing before the next period.
func (f *folding) recurring(t Timeline) {
	if !t.From.Before(f.begin) || !t.Until.IsZero() && t.Until.Before(f.begin) {
		return
	}
	if len(t.Parts) == 0 {
		return
	}
	for day := range f.days {
		f.count(t, at(t.Parts, f.ends[day].Add(-1)), day)
	}
}

// metered counts a license on each day in which it existed at any time. The day goes to who had it
// at its end, or last.
func (f *folding) metered(t Timeline) {
	first := f.source.Calendar.Day(t.From)
	last := f.source.Calendar.Day(f.last(t))
	for day, label := range f.days {
		if label.Before(first) || label.After(last) {
			continue
		}
		moment := f.ends[day].Add(-1)
		if !t.Until.IsZero() && t.Until.Before(moment) {
			moment = t.Until
		}
		f.count(t, f.source.charged(t, moment), day)
	}
}

// last is the last moment at which something exists.
func (f *folding) last(t Timeline) time.Time {
	switch {
	case !t.Until.IsZero() && t.Until.After(t.From):
		return t.Until.Add(-1)
	case !t.Until.IsZero():
		return t.From
	case f.horizon.Expect:
		return f.ends[len(f.ends)-1].Add(-1)
	}
	return f.horizon.Now
}

// waiting counts a day at whose end somebody waits.
func (f *folding) waiting(t Timeline) {
	if f.source.Unlimited || f.source.Prices[t.ProductID].Overage == nil {
		return
	}
	for day, end := range f.ends {
		known := f.horizon.Expect || !end.After(f.horizon.Now)
		if known && t.From.Before(end) && (t.Until.IsZero() || !t.Until.Before(end)) {
			f.count(t, f.source.charged(t, end.Add(-1)), day)
		}
	}
}

// charge gives the lines that count days their amounts: what a product costs in the whole period is
// rounded once, and shared out by largest remainder, among its cost centers and then among the days
// of each.
func (f *folding) charge() error {
	for _, kind := range []Kind{Recurring, Metered, Overage} {
		products := map[string][]*entry{}
		for _, e := range f.sorted() {
			if e.Kind == kind {
				products[e.ProductID] = append(products[e.ProductID], e)
			}
		}
		for product, lines := range products {
			prices := f.source.Prices[product]
			unit := prices.Unit
			if kind == Overage {
				unit = *prices.Overage
			}
			if err := chargeProduct(unit, f.month, lines); err != nil {
				return fmt.Errorf("%s of %s: %w", kind, product, err)
			}
		}
	}
	return nil
}

func chargeProduct(unit money.Amount, month int, lines []*entry) error {
	weights, all := make([]int64, len(lines)), int64(0)
	for i, e := range lines {
		for _, n := range e.counts {
			weights[i] += n
		}
		all += weights[i]
	}
	total, err := unit.Prorate(all, int64(month))
	if err != nil {
		return err
	}
	amounts, err := total.Apportion(weights)
	if err != nil {
		return err
	}
	for i, e := range lines {
		e.UnitPrice, e.LicenseDays, e.Amount = unit, weights[i], amounts[i]
		days, err := amounts[i].Apportion(e.counts)
		if err != nil {
			return err
		}
		for day, amount := range days {
			e.amounts[day] = amount.Minor
		}
	}
	return nil
}

// bought adds what orders of the period had due on their day: the same cents. Its licenses are
// those that came in the period.
func (f *folding) bought() error {
	end := f.ends[len(f.ends)-1]
	for _, p := range f.source.Purchases {
		if p.At.Before(f.begin) || !p.At.Before(end) {
			continue
		}
		e := f.entry(key{kind: Prorated, product: p.ProductID, costCenter: p.CostCenter})
		day := f.dayOf(p.At)
		e.counts[day] += p.Quantity
		e.amounts[day] += p.DueToday.Minor
		e.UnitPrice, e.LicenseDays = p.UnitPrice, e.LicenseDays+p.Quantity
		var err error
		if e.Amount, err = e.Amount.Add(p.DueToday); err != nil {
			return err
		}
	}
	for _, t := range f.source.Timelines {
		if t.Kind != Recurring || t.From.Before(f.begin) || !t.From.Before(end) || len(t.Parts) == 0 {
			continue
		}
		// An order that is not placed yet has licenses that nobody sees, and no line.
		if e := f.entries[key{kind: Prorated, product: t.ProductID, costCenter: t.Parts[0].CostCenter}]; e != nil {
			e.Shares = append(e.Shares, Share{License: t.ID, First: f.dayOf(t.From), Days: 1})
		}
	}
	return nil
}

func (f *folding) dayOf(moment time.Time) int {
	day := int(f.source.Calendar.Day(moment).Sub(f.source.First) / (24 * time.Hour))
	return max(0, min(day, len(f.days)-1))
}

// correct adds the corrections that were given in the period.
func (f *folding) correct() {
	for _, n := range f.source.Corrections {
		e := f.entry(key{Correction, n.ProductID, n.CostCenter, n.ID})
		e.Amount, e.Corrects, e.Reason = n.Amount, n.Corrects, n.Reason
		e.amounts[f.dayOf(n.At)] += n.Amount.Minor
	}
}

// sorted are the lines in the order of a bill.
func (f *folding) sorted() []*entry {
	list := make([]*entry, 0, len(f.entries))
	for _, e := range f.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *entry) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			strings.Compare(a.ProductID, b.ProductID), strings.Compare(a.CostCenter, b.CostCenter),
			strings.Compare(a.Corrects, b.Corrects), strings.Compare(a.ID, b.ID),
		)
	})
	return list
}

// bill adds the lines up.
func (f *folding) bill() (Bill, error) {
	bill := Bill{
		From: f.source.First.Format(time.DateOnly), To: f.source.End.Format(time.DateOnly),
		Days: len(f.days), MonthDays: f.month, Currency: f.source.Currency,
		Entries: []Entry{}, Total: money.Zero(f.source.Currency),
	}
	for _, e := range f.sorted() {
		e.Quantity = quantity(e)
		for day, amount := range e.amounts {
			if e.counts[day] == 0 && amount == 0 {
				continue
			}
			e.Days = append(e.Days, Day{
				Day: f.days[day].Format(time.DateOnly), Quantity: e.counts[day],
				Amount: money.Of(amount, f.source.Currency),
			})
		}
		bill.Entries = append(bill.Entries, e.Entry)
	}
	return bill.added()
}

// added is the bill with its totals, which follow from its lines.
func (b Bill) added() (Bill, error) {
	centers := map[string]money.Amount{}
	b.Total = money.Zero(b.Currency)
	var err error
	for _, e := range b.Entries {
		if b.Total, err = b.Total.Add(e.Amount); err != nil {
			return Bill{}, err
		}
		sum, ok := centers[e.CostCenter]
		if !ok {
			sum = money.Zero(b.Currency)
		}
		if centers[e.CostCenter], err = sum.Add(e.Amount); err != nil {
			return Bill{}, err
		}
	}
	b.ByCostCenter = make([]CostCenterTotal, 0, len(centers))
	for code, amount := range centers {
		b.ByCostCenter = append(b.ByCostCenter, CostCenterTotal{CostCenter: code, Amount: amount})
	}
	slices.SortFunc(
		b.ByCostCenter,
		func(x, y CostCenterTotal) int { return strings.Compare(x.CostCenter, y.CostCenter) },
	)
	return b, nil
}

// homeless says whether something was consumed that is charged to no cost center: the account lacks
// one, without which its period is not closed (requirements, section 12).
func (b Bill) homeless() bool {
	return slices.ContainsFunc(b.Entries, func(e Entry) bool {
		return e.CostCenter == "" && (e.Kind == Metered || e.Kind == Overage)
	})
}

// quantity is how many different licenses, or of overage people, are in a line.
func quantity(e *entry) int64 {
	if e.Kind == Prorated {
		return e.LicenseDays
	}
	different := map[string]bool{}
	for _, s := range e.Shares {
		different[cmp.Or(s.License, s.UserID)] = true
	}
	return int64(len(different))
}
