package years

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// day is a day of the account, from its beginning to the next one's.
type day struct {
	label      string
	begin, end time.Time
}

// span is a billing period.
type span struct {
	first, next string
	days        []day
	month       int64 // how many days a whole period up to the same end has
}

// calendar are the billing periods of the account, worked out from what was agreed.
type calendar []span

func (w *world) calendar() calendar {
	var all calendar
	now := w.first
	zone := mustZone(now.zone)
	made := w.now
	if len(w.looks) > 0 {
		made = w.looks[0].at
	}
	first := made.In(zone)
	at := time.Date(first.Year(), first.Month(), now.billingDay, 0, 0, 0, 0, time.UTC)
	if first.Day() < now.billingDay {
		at = at.AddDate(0, -1, 0)
	}
	begin := midnight(at, zone)
	for n := 0; !begin.After(w.now); n++ {
		p := span{first: at.Format(time.DateOnly)}
		end := at.AddDate(0, 0, 1)
		for end.Day() != now.billingDay {
			end = end.AddDate(0, 0, 1)
		}
		p.next, p.month = end.Format(time.DateOnly), int64(end.Sub(end.AddDate(0, -1, 0))/(24*time.Hour))
		for d := at; d.Before(end); d = d.AddDate(0, 0, 1) {
			next := latest(begin, midnight(d.AddDate(0, 0, 1), zone))
			p.days = append(p.days, day{d.Format(time.DateOnly), begin, next})
			begin = next
		}
		all, at = append(all, p), end
		// What was agreed before the period ended counts from the next one on.
		for _, a := range w.agreed {
			if a.at.Before(begin) {
				now = a.terms
			}
		}
		zone = mustZone(now.zone)
	}
	return all
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // it is one of those above
	}
	return zone
}

// midnight is the first moment of a date in a zone. Those above change their clocks at other hours.
func midnight(date time.Time, zone *time.Location) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, zone)
}

// of is the period of a first day.
func (c calendar) of(first string) span {
	for _, p := range c {
		if p.first == first {
			return p
		}
	}
	panic("no period begins on " + first)
}

// label is the day that a moment is in.
func (c calendar) label(at time.Time) string {
	for _, p := range c {
		for _, d := range p.days {
			if !at.Before(d.begin) && at.Before(d.end) {
				return d.label
			}
		}
	}
	panic("the moment is in no day: " + at.String())
}

// view is a period as the product tells it.
type view struct {
	To, State       string
	Days, MonthDays int64
	Lines           []struct {
		ID, Kind, ProductID, CostCenter string
		Corrects, Reason                string
		LicenseDays                     int64
		Amount                          amount
	}
	ByCostCenter []struct {
		CostCenter string
		Amount     amount
	}
	Total amount
}

// verifyClosed compares all periods that are over with the model.
func (w *world) verifyClosed() {
	n := 0
	for _, p := range w.calendar() {
		end := p.days[len(p.days)-1].end
		if end.Add(48 * time.Hour).After(w.ran) {
			continue
		}
		v := w.period(p)
		if v.State != "closed" {
			w.r.Fatalf("the period of %s, which ended at %s, is %s at %s", p.first, end, v.State, w.now)
		}
		n++
	}
	if n < 10 {
		w.r.Fatalf("only %d periods were closed", n)
	}
}

// verifyOpen compares the periods that are over and can still change.
func (w *world) verifyOpen() {
	for _, p := range w.calendar() {
		if end := p.days[len(p.days)-1].end; w.closed[p.first] == "" && !end.After(w.now) {
			w.period(p)
		}
	}
}

// period reads a period that is over, and holds it against the model; one that is closed is ever the
// same.
func (w *world) period(p span) view {
	var v view
	var raw json.RawMessage
	w.get(billing, "/billing/periods/"+p.first, &raw)
	w.read(raw, &v)
	if v.State == "closed" {
		if before := w.closed[p.first]; before != "" && before != string(raw) {
			w.r.Fatalf("the closed period of %s was\n%s\nand is\n%s", p.first, before, raw)
		}
		w.closed[p.first] = string(raw)
	}
	if v.To != p.next || v.Days != int64(len(p.days)) || v.MonthDays != p.month {
		w.r.Fatalf("the period of %s is to %s with %d of %d days, it should be to %s with %d of %d", p.first, v.To, v.Days,
			v.MonthDays, p.next, len(p.days), p.month)
	}
	w.agrees(p, v)
	return v
}

// agrees holds that license days and cents are the model's, and that lines, cost centers and the total
// agree.
func (w *world) agrees(p span, v view) {
	days, due := w.charges(p)
	gotDays, gotDue := map[charge]int64{}, map[charge]int64{}
	sums, total, centers := map[[2]string]int64{}, int64(0), map[string]int64{}
	for _, l := range v.Lines {
		w.happened["be charged: "+l.Kind]++
		c := charge{l.Kind, l.ProductID, l.CostCenter}
		if l.Kind == "correction" { // nothing was told late, and nobody corrected anything
			w.r.Fatalf("the period of %s corrects %+v\n%s\n%s", p.first, l, w.closed[l.Corrects],
				w.told(w.calendar().of(l.Corrects)))
		}
		total += l.Amount.Amount
		centers[l.CostCenter] += l.Amount.Amount
		if l.Kind == "prorated" {
			gotDue[c] += l.Amount.Amount
			continue
		}
		gotDays[c] += l.LicenseDays
		sums[[2]string{l.Kind, l.ProductID}] += l.Amount.Amount
		unit := w.unit(l.Kind, l.ProductID, p.first)
		if off := l.Amount.Amount*p.month - unit*l.LicenseDays; off <= -2*p.month || off >= 2*p.month {
			w.r.Fatalf("the line %+v of %s is more than two cents away from %d x %d / %d", l, p.first, unit,
				l.LicenseDays, p.month)
		}
	}
	if !maps.Equal(gotDays, days) || !maps.Equal(gotDue, due) {
		w.r.Fatalf("the period of %s has\n%v\n%v\nand should have\n%v\n%v\n%s", p.first, gotDays, gotDue, days, due,
			w.told(p))
	}
	whole := map[[2]string]int64{}
	for c, n := range days {
		whole[[2]string{c.kind, c.product}] += n
	}
	for of, n := range whole {
		if want := (2*w.unit(of[0], of[1], p.first)*n + p.month) / (2 * p.month); sums[of] != want {
			w.r.Fatalf("%v of %s comes to %d and should come to %d", of, p.first, sums[of], want)
		}
	}
	for _, c := range v.ByCostCenter {
		if centers[c.CostCenter] != c.Amount.Amount {
			w.r.Fatalf("cost center %q pays %d in %s, its lines come to %d", c.CostCenter, c.Amount.Amount, p.first,
				centers[c.CostCenter])
		}
	}
	if total != v.Total.Amount {
		w.r.Fatalf("the lines of %s come to %d, in total %d", p.first, total, v.Total.Amount)
	}
	w.linesOf(p, v)
}

// linesOf opens each line into its days.
func (w *world) linesOf(p span, v view) {
	for _, l := range v.Lines {
		var whole struct {
			Days []struct {
				Day      string
				Quantity int64
				Amount   amount
			}
		}
		w.get(billing, fmt.Sprintf("/billing/periods/%s/lines/%s", p.first, l.ID), &whole)
		quantity, cents := int64(0), int64(0)
		for _, d := range whole.Days {
			quantity, cents = quantity+d.Quantity, cents+d.Amount.Amount
		}
		if cents != l.Amount.Amount || l.Kind != "prorated" && quantity != l.LicenseDays {
			w.r.Fatalf("the days of %+v come to %d and %d", l, quantity, cents)
		}
	}
}

func (w *world) unit(kind, product, day string) int64 {
	price := w.price(product, day)
	if kind == "overage" {
		return price.beyond
	}
	return price.minor
}

// told is what changed in a period, for who looks for a fault.
func (w *world) told(p span) string {
	text := ""
	for i, l := range w.looks {
		if i == 0 || l.at.Before(p.days[0].begin) || !l.at.Before(p.days[len(p.days)-1].end) {
			continue
		}
		before := w.looks[i-1]
		for id := range union(before.licenses, l.licenses) {
			if was, is := before.licenses[id], l.licenses[id]; was != is {
				text += fmt.Sprintf("%s: %s was %+v, is %+v\n", l.at, id, was, is)
			}
		}
		for who := range union(before.waiting, l.waiting) {
			if before.waiting[who] != l.waiting[who] {
				text += fmt.Sprintf("%s: %v waits: %v\n", l.at, who, l.waiting[who])
			}
		}
		if !maps.Equal(before.centers, l.centers) {
			text += fmt.Sprintf("%s: people are of %v\n", l.at, l.centers)
		}
	}
	return text
}
