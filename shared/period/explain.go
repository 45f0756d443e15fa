package period

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/craft/money"
)

// Why says why a bill and a snapshot differ.
type Why string

// The reasons, in the order in which they are told.
const (
	// Bought is what came within the period up to the day: its order charged the days that were left.
	Bought Why = "bought"
	// BoughtLater is what was bought after the day.
	BoughtLater Why = "boughtLater"
	// Terminated is what was gone at the end of the day and recurs up to the period's end.
	Terminated Why = "terminated"
	// Moved are days that another cost center pays than the one that the snapshot shows.
	Moved Why = "moved"
	// Begun are the days before something metered began, and BegunLater those of what began after the day.
	Begun      Why = "begun"
	BegunLater Why = "begunLater"
	// Ended are the days of something metered that was gone by then, and EndedLater the days that are
	// not charged of what ended after the day.
	Ended      Why = "ended"
	EndedLater Why = "endedLater"
	// Waited are the people who waited for a seat: no license of a snapshot shows them.
	Waited Why = "waited"
	// Corrected is a correction of an earlier period.
	Corrected Why = "corrected"
	// ToCome are the days of an open period that are not counted yet.
	ToCome Why = "toCome"
	// Length are the days that the period has less than a month, or more.
	Length Why = "length"
	// Repriced is that the day's price is not that of the period's first day.
	Repriced Why = "repriced"
	// Late is what was accepted after the period was closed: a correction of the next one.
	Late Why = "late"
	// Rounded is a cent of a product that went to this cost center or to another.
	Rounded Why = "rounded"
)

var whys = []Why{
	Bought, BoughtLater, Terminated, Moved, Begun, BegunLater, Ended, EndedLater, Waited, Corrected, ToCome, Length,
	Repriced, Late, Rounded,
}

// mostNamed is how many licenses, and how many people, a reason names.
const mostNamed = 10

// DeviationReason is a part of a difference.
type DeviationReason struct {
	Reason Why    `json:"reason" enum:"bought,boughtLater,terminated,moved,begun,begunLater,ended,endedLater,waited,corrected,toCome,length,repriced,late,rounded" doc:"Why: bought within the period, up to the day or later; terminated but still recurring; days moved between cost centers; metered that began or ended within it, before or after the day; people who waited; a correction; days to come of an open period; a period that is no whole month; a price that changed; accepted after closing; a rounded cent."`
	Kind   Kind   `json:"kind,omitempty" enum:"recurring,prorated,metered,overage,correction" doc:"Of which kind of line."`
	LineID string `json:"lineId,omitempty" doc:"The line of the period that it is a part of, which opens into its days; absent if there is none."`
	// Quantity counts different licenses, or of overage people.
	Quantity    int64        `json:"quantity" doc:"How many different licenses, or of overage people, it is about."`
	LicenseDays int64        `json:"licenseDays" doc:"License days that the period has more than the snapshot, which counts a whole month for each license; below zero for less."`
	FirstDay    string       `json:"firstDay,omitempty" format:"date" doc:"The first of these days."`
	LastDay     string       `json:"lastDay,omitempty" format:"date" doc:"The last of these days."`
	Amount      money.Amount `json:"amount" doc:"The reasons of a difference add up to it."`
	LicenseIDs  []string     `json:"licenseIds" nullable:"false" doc:"The first ten of the licenses."`
	UserIDs     []string     `json:"userIds" nullable:"false" doc:"The first ten of the people who hold what is metered, or wait."`
}

// Deviation is what a product costs a cost center in a period, beside what a snapshot shows of it.
type Deviation struct {
	ProductID  string            `json:"productId,omitempty" doc:"Absent of an operator's correction of no product."`
	CostCenter string            `json:"costCenter,omitempty" doc:"Absent where no cost center is known."`
	Quantity   int64             `json:"quantity" doc:"Licenses that there were at the end of the day, assigned or not."`
	Snapshot   money.Amount      `json:"snapshot" doc:"What they cost a whole month at the day's price."`
	Period     money.Amount      `json:"period" doc:"What the lines of the period charge."`
	Difference money.Amount      `json:"difference" doc:"period less snapshot."`
	Reasons    []DeviationReason `json:"reasons" nullable:"false" doc:"Why they differ; none where nothing does."`
}

// Snapshot is the end of a day of a period, at which the lists, the summary and the metrics show some
// licenses.
type Snapshot struct {
	// Day is counted from the period's first day.
	Day int
	// At is the last moment of it that has come.
	At time.Time
	// Known is the last day of the period of which anything is known.
	Known int
	// Prices are those of the day.
	Prices map[string]Prices
}

// Explain compares a bill with a snapshot: one difference for each product and cost center that
// either has, by product and code. They add up to the total of the bill less what the licenses of the
// snapshot cost a whole month, and the reasons of each to the difference (requirements, section 12).
// The entries of the bill have their shares.
//
// Errors: those of package money.
func (s Source) Explain(bill Bill, of Snapshot) ([]Deviation, error) {
	x := &explaining{
		source: s, bill: bill, of: of, begin: s.Calendar.Begin(s.First),
		groups: map[group]*explained{}, counted: map[string][]counted{}, orders: map[*Entry]map[int]*[3]int64{},
	}
	for i := range bill.Entries {
		x.line(&bill.Entries[i])
	}
	for _, t := range s.Timelines {
		if t.Kind == Overage || len(t.Parts) == 0 {
			continue
		}
		x.thing(t, x.counted[t.ID])
		delete(x.counted, t.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(x.counted)) { // nothing is known of it any more
		e := x.counted[id][0].entry
		x.byDay(seen{Timeline: Timeline{ID: id, ProductID: e.ProductID, Kind: e.Kind}}, x.counted[id])
	}
	return x.differences()
}

type group struct{ product, costCenter string }

// counted is a run of days on which a line counts something.
type counted struct {
	entry *Entry
	Share
}

type explaining struct {
	source  Source
	bill    Bill
	of      Snapshot
	begin   time.Time
	groups  map[group]*explained
	counted map[string][]counted
	// orders count, of each day of what orders had due, the licenses that the snapshot has, that are
	// gone, and that came later.
	orders map[*Entry]map[int]*[3]int64
}

// explained is a difference while it is put together.
type explained struct {
	Deviation
	// months counts the licenses of the snapshot by the kind of line that has their days.
	months  map[Kind]int64
	charged map[Kind]int64 // minor units
	lines   map[Kind]string
	tallies map[about]*tally
}

// about is what a reason is told of once.
type about struct {
	why  Why
	kind Kind
	line string // of corrections, of which there may be several
}

// tally is a reason while it is counted.
type tally struct {
	DeviationReason
	last        string // the thing that was counted last
	first, upTo int
	dated       bool
}

func (x *explaining) group(product, costCenter string) *explained {
	g := x.groups[group{product, costCenter}]
	if g == nil {
		g = &explained{
			months: map[Kind]int64{}, charged: map[Kind]int64{}, lines: map[Kind]string{}, tallies: map[about]*tally{},
			Deviation: Deviation{ProductID: product, CostCenter: costCenter, Reasons: []DeviationReason{}},
		}
		x.groups[group{product, costCenter}] = g
	}
	return g
}

func (g *explained) tally(of about) *tally {
	t := g.tallies[of]
	if t == nil {
		t = &tally{}
		t.Reason, t.Kind, t.LicenseIDs, t.UserIDs = of.why, of.kind, []string{}, []string{}
		g.tallies[of] = t
	}
	return t
}

// of counts a license, or a person.
func (t *tally) of(license, user string) *tally {
	id := cmp.Or(license, user)
	if t.last == id {
		return t
	}
	t.last = id
	t.Quantity++
	if t.Quantity <= mostNamed && license != "" {
		t.LicenseIDs = append(t.LicenseIDs, license)
	}
	if t.Quantity <= mostNamed && user != "" {
		t.UserIDs = append(t.UserIDs, user)
	}
	return t
}

// days adds days, which lie from one day of the period up to another one, exclusive.
func (t *tally) days(n int64, from, to int) {
	t.LicenseDays += n
	if from >= to {
		return
	}
	if !t.dated {
		t.dated, t.first, t.upTo = true, from, to
	}
	t.first, t.upTo = min(t.first, from), max(t.upTo, to)
}

// line takes a line of the bill in. What people wait for and what is corrected explains itself.
func (x *explaining) line(e *Entry) {
	g := x.group(e.ProductID, e.CostCenter)
	g.charged[e.Kind] += e.Amount.Minor
	switch e.Kind {
	case Overage:
		t := g.tally(about{why: Waited, kind: e.Kind})
		for _, s := range slices.SortedStableFunc(slices.Values(e.Shares), byUser) {
			t.of("", s.UserID).days(int64(s.Days), s.First, s.First+s.Days)
		}
		t.Amount.Minor, g.lines[e.Kind] = e.Amount.Minor, e.ID
	case Correction:
		t := g.tally(about{why: Corrected, kind: e.Kind, line: e.ID})
		t.Amount.Minor, t.LineID = e.Amount.Minor, e.ID
	case Recurring, Prorated, Metered:
		g.lines[e.Kind] = e.ID
		for _, s := range e.Shares {
			x.counted[s.License] = append(x.counted[s.License], counted{e, s})
		}
	}
}

func byUser(a, b Share) int { return strings.Compare(a.UserID, b.UserID) }

// seen is a license with what the snapshot shows of it.
type seen struct {
	Timeline
	in                 bool
	costCenter, userID string
}

// thing compares what the snapshot and the lines have of one license.
func (x *explaining) thing(t Timeline, shares []counted) {
	one := seen{Timeline: t, in: !t.From.After(x.of.At) && (t.Until.IsZero() || t.Until.After(x.of.At))}
	if one.in {
		p := at(t.Parts, x.of.At)
		if t.Kind == Metered {
			p = x.source.charged(t, x.of.At)
		}
		one.costCenter, one.userID = p.CostCenter, p.UserID
		x.group(t.ProductID, p.CostCenter).Quantity++
	}
	switch {
	case len(shares) > 0 && shares[0].entry.Kind == Prorated:
		x.ordered(one, shares[0])
	case one.in && t.Kind == Recurring && !t.From.Before(x.begin): // no order of the period says so
		g := x.group(t.ProductID, one.costCenter)
		x.month(g.tally(about{why: Bought, kind: Prorated}), one, -1)
	default:
		x.byDay(one, shares)
	}
}

// month adds a license's whole month to a reason, or takes it away.
func (x *explaining) month(t *tally, one seen, sign int64) {
	t.of(one.ID, one.userID).days(sign*int64(x.bill.MonthDays), 0, x.bill.Days)
	t.Amount.Minor += sign * x.unit(one.ProductID)
}

func (x *explaining) unit(product string) int64 { return x.source.Prices[product].Unit.Minor }

// ordered compares what an order of the period had due with the whole month of the snapshot. Where
// the license has moved since, the month goes with it to the cost center that paid for the order.
func (x *explaining) ordered(one seen, c counted) {
	left := int64(x.bill.Days - c.First)
	g := x.group(one.ProductID, c.entry.CostCenter)
	days := x.orders[c.entry]
	if days == nil {
		days = map[int]*[3]int64{}
		x.orders[c.entry] = days
	}
	if days[c.First] == nil {
		days[c.First] = &[3]int64{}
	}
	class := 0
	switch {
	case one.in:
		t := g.tally(about{why: Bought, kind: Prorated}).of(one.ID, "")
		t.days(left-int64(x.bill.MonthDays), 0, c.First)
		t.Amount.Minor -= x.unit(one.ProductID)
		if one.costCenter != c.entry.CostCenter {
			x.month(x.group(one.ProductID, one.costCenter).tally(about{why: Moved, kind: Prorated}), one, -1)
			x.month(g.tally(about{why: Moved, kind: Prorated}), one, 1)
		}
	case one.From.After(x.of.At):
		class = 2
		g.tally(about{why: BoughtLater, kind: Prorated}).of(one.ID, "").days(left, c.First, x.bill.Days)
	default:
		class = 1
		g.tally(about{why: Terminated, kind: Prorated}).of(one.ID, "").days(left, c.First, x.bill.Days)
	}
	days[c.First][class]++
}

// byDay compares the days of a license that the lines count with the whole month of the snapshot.
func (x *explaining) byDay(one seen, shares []counted) {
	paid := make([]*Entry, x.bill.Days)
	for _, c := range shares {
		for day := c.First; day < min(c.First+c.Days, len(paid)); day++ {
			paid[day] = c.entry
		}
	}
	add := func(costCenter string, why Why, n int64, day int) {
		t := x.group(one.ProductID, costCenter).tally(about{why: why, kind: one.Kind})
		t.of(one.ID, one.userID).days(n, day, day+1)
	}
	for day, e := range paid {
		switch {
		case e == nil && !one.in || e != nil && one.in && e.CostCenter == one.costCenter:
		case e == nil:
			add(one.costCenter, x.missing(one, day), -1, day)
		case one.in:
			add(one.costCenter, Moved, -1, day)
			add(e.CostCenter, Moved, 1, day)
		default:
			add(e.CostCenter, x.beyond(one), 1, day)
		}
	}
	if !one.in {
		return
	}
	g := x.group(one.ProductID, one.costCenter)
	g.months[one.Kind]++
	if short := int64(x.bill.MonthDays - x.bill.Days); short != 0 {
		g.tally(about{why: Length, kind: one.Kind}).of(one.ID, one.userID).days(-short, 0, 0)
	}
}

// missing says why no line counts a day of a license that the snapshot has.
func (x *explaining) missing(one seen, day int) Why {
	label := x.source.First.AddDate(0, 0, day)
	switch {
	case one.Kind != Metered:
		return Late
	case label.Before(x.source.Calendar.Day(one.From)):
		return Begun
	case !one.Until.IsZero() && label.After(x.source.Calendar.Day(one.Until.Add(-1))):
		return EndedLater
	case day > x.of.Known:
		return ToCome
	}
	return Late
}

// beyond says why a line counts a license that the snapshot does not have.
func (x *explaining) beyond(one seen) Why {
	switch {
	case one.From.IsZero():
		return Late
	case one.From.After(x.of.At):
		return BegunLater
	case one.Kind == Recurring:
		return Terminated
	}
	return Ended
}

// differences puts everything together.
func (x *explaining) differences() ([]Deviation, error) {
	if err := x.due(); err != nil {
		return nil, err
	}
	list := make([]Deviation, 0, len(x.groups))
	for _, g := range x.groups {
		for _, kind := range []Kind{Recurring, Metered} {
			if err := x.shareOut(g, kind); err != nil {
				return nil, err
			}
		}
		if err := x.compare(g); err != nil {
			return nil, err
		}
		list = append(list, g.Deviation)
	}
	slices.SortFunc(list, func(a, b Deviation) int {
		return cmp.Or(strings.Compare(a.ProductID, b.ProductID), strings.Compare(a.CostCenter, b.CostCenter))
	})
	return list, nil
}

// due gives what orders had due to the reasons, day by day, in proportion to their licenses.
func (x *explaining) due() error {
	for i := range x.bill.Entries {
		e := &x.bill.Entries[i]
		if e.Kind != Prorated {
			continue
		}
		g := x.group(e.ProductID, e.CostCenter)
		for _, d := range e.Days {
			label, err := time.Parse(time.DateOnly, d.Day)
			if err != nil {
				return err
			}
			day := int(label.Sub(x.source.First) / (24 * time.Hour))
			weights := x.orders[e][day]
			if weights == nil { // its licenses came on another day
				weights = &[3]int64{1, 0, 0}
				if day > x.of.Day {
					weights = &[3]int64{0, 0, 1}
				}
			}
			parts, err := d.Amount.Apportion(weights[:])
			if err != nil {
				return err
			}
			for class, why := range []Why{Bought, Terminated, BoughtLater} {
				if weights[class] > 0 {
					g.tally(about{why: why, kind: Prorated}).Amount.Minor += parts[class].Minor
				}
			}
		}
	}
	return nil
}

// shareOut gives the reasons of a kind that counts days their parts of what is charged beyond the
// months of the snapshot: each the price of its days, rounded down, and what is left a cent each to
// the largest fractions.
func (x *explaining) shareOut(g *explained, kind Kind) error {
	unit := x.unit(g.ProductID)
	left := g.charged[kind] - unit*g.months[kind]
	var some []*tally
	fractions := map[*tally]int64{}
	for _, why := range whys {
		t := g.tallies[about{why: why, kind: kind}]
		if t == nil {
			continue
		}
		exact, err := money.Of(unit, x.bill.Currency).Mul(t.LicenseDays)
		if err != nil {
			return err
		}
		month := int64(x.bill.MonthDays)
		fractions[t] = (exact.Minor%month + month) % month
		t.Amount.Minor = (exact.Minor - fractions[t]) / month
		left -= t.Amount.Minor
		some = append(some, t)
	}
	if left == 0 {
		return nil
	}
	if len(some) == 0 {
		g.tally(about{why: Rounded, kind: kind}).Amount.Minor = left
		return nil
	}
	slices.SortStableFunc(some, func(a, b *tally) int { return cmp.Compare(fractions[b], fractions[a]) })
	n := int64(len(some))
	each := (left - (left%n+n)%n) / n
	for i, t := range some {
		t.Amount.Minor += each
		if int64(i) < left-each*n {
			t.Amount.Minor++
		}
	}
	return nil
}

// compare makes a difference of what was counted.
func (x *explaining) compare(g *explained) error {
	price := x.of.Prices[g.ProductID].Unit.Minor
	snapshot, err := money.Of(price, x.bill.Currency).Mul(g.Quantity)
	if err != nil {
		return err
	}
	if off := x.unit(g.ProductID) - price; off != 0 && g.Quantity > 0 {
		t := g.tally(about{why: Repriced})
		t.Quantity, t.Amount.Minor = g.Quantity, off*g.Quantity
	}
	g.Snapshot, g.Period = snapshot, money.Zero(x.bill.Currency)
	for _, minor := range g.charged {
		if g.Period, err = g.Period.Add(money.Of(minor, x.bill.Currency)); err != nil {
			return err
		}
	}
	g.Difference = money.Of(g.Period.Minor-g.Snapshot.Minor, x.bill.Currency)
	for _, t := range g.tallies {
		if t.LicenseDays == 0 && t.Amount.Minor == 0 {
			continue // nothing differs: days that moved here and back
		}
		t.Amount.Currency = x.bill.Currency
		t.LineID = cmp.Or(t.LineID, g.lines[t.Kind])
		if t.dated {
			t.FirstDay = x.source.First.AddDate(0, 0, t.first).Format(time.DateOnly)
			t.LastDay = x.source.First.AddDate(0, 0, t.upTo-1).Format(time.DateOnly)
		}
		g.Reasons = append(g.Reasons, t.DeviationReason)
	}
	slices.SortFunc(g.Reasons, func(a, b DeviationReason) int {
		return cmp.Or(
			cmp.Compare(slices.Index(whys, a.Reason), slices.Index(whys, b.Reason)),
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), strings.Compare(a.LineID, b.LineID),
		)
	})
	return nil
}
