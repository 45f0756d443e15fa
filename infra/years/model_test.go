package years

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// look is what was seen of the account at a moment, and true until the next look.
type look struct {
	at       time.Time
	licenses map[string]seat
	waiting  map[[2]string]bool // person and product
	counts   map[string]count   // by product
	centers  map[string]string  // of each person; missing without one
}

// seat is a license that is there.
type seat struct {
	product, center, user string
	metered               bool
}

// count is what the summary says of a product: bought or made, assigned, available, waiting.
type count struct{ bought, assigned, available, waiting int64 }

// order is an order that was placed.
type order struct {
	PlacedAt time.Time
	Lines    []struct {
		ProductID, CostCenter string
		DueToday              amount
	}
}

type amount struct{ Amount int64 }

func (w *world) last() look { return w.looks[len(w.looks)-1] }

// look looks at the account.
func (w *world) look() look {
	l := look{
		at: w.now, licenses: map[string]seat{}, waiting: map[[2]string]bool{}, counts: map[string]count{},
		centers: map[string]string{},
	}
	w.pages("LicensesFunction", "/licenses?limit=200", func(item json.RawMessage) {
		var one struct{ ID, ProductID, Kind, CostCenter, UserID, Status string }
		w.read(item, &one)
		if one.Status != "terminated" {
			l.licenses[one.ID] = seat{one.ProductID, one.CostCenter, one.UserID, one.Kind == "metered"}
		}
	})
	w.pages("LicensesFunction", "/waiting?limit=200", func(item json.RawMessage) {
		var one struct{ UserID, ProductID string }
		w.read(item, &one)
		l.waiting[[2]string{one.UserID, one.ProductID}] = true
	})
	w.pages(directory, "/users?limit=200", func(item json.RawMessage) {
		var one struct{ ID, CostCenter string }
		w.read(item, &one)
		if one.CostCenter != "" {
			l.centers[one.ID] = one.CostCenter
		}
	})
	w.pages("PurchaseFunction", "/orders?limit=200", func(item json.RawMessage) {
		var one struct {
			order
			ID, State string
			Policy    *struct{}
		}
		w.read(item, &one)
		if one.Policy != nil {
			w.happened["let a policy buy"]++
		}
		if one.State == "placed" {
			w.orders[one.ID] = one.order
		}
	})
	l.count()
	w.looks = append(w.looks, l)
	return l
}

// count counts what was seen.
func (l look) count() {
	for _, s := range l.licenses {
		c := l.counts[s.product]
		c.bought++
		if s.user != "" {
			c.assigned++
		} else {
			c.available++
		}
		l.counts[s.product] = c
	}
	for who := range l.waiting {
		c := l.counts[who[1]]
		c.waiting++
		l.counts[who[1]] = c
	}
}

func (w *world) pages(function, path string, each func(json.RawMessage)) {
	for cursor := ""; ; {
		var page struct {
			Items      []json.RawMessage
			NextCursor string
		}
		w.get(function, path+cursor, &page)
		for _, item := range page.Items {
			each(item)
		}
		if page.NextCursor == "" {
			return
		}
		cursor = "&cursor=" + page.NextCursor
	}
}

func (w *world) read(data []byte, out any) {
	if err := json.Unmarshal(data, out); err != nil {
		w.r.Fatalf("%v in %s", err, data)
	}
}

// unchanged holds that a dry run changes nothing that can be seen.
func (w *world) unchanged(path string) {
	before, after := w.last(), w.look()
	if !maps.Equal(before.licenses, after.licenses) || !maps.Equal(before.waiting, after.waiting) ||
		!maps.Equal(before.centers, after.centers) {
		w.r.Fatalf("a dry run of %s changes %+v into %+v", path, before, after)
	}
}

// foretold is the answer to a dry run.
type foretold struct {
	Plan    string
	Effects struct {
		Seats []struct {
			ProductID                            string
			Bought, Assigned, Available, Waiting []int64
		}
		Users []struct {
			UserID                     string
			Gains, Loses, Waits, Stops []string
		}
		Money struct{ DueToday, Recurring *amount }
	}
}

// foretold holds what a dry run has told against what came about: seats, people and money.
func (w *world) foretold(q request, told foretold, before, after look) {
	var said, seen []string
	for _, s := range told.Effects.Seats {
		for what, pair := range map[string][]int64{
			"bought": s.Bought, "assigned": s.Assigned, "available": s.Available, "waiting": s.Waiting,
		} {
			if len(pair) == 2 && pair[0] != pair[1] {
				said = append(said, fmt.Sprintf("%s %s %d to %d", s.ProductID, what, pair[0], pair[1]))
			}
		}
	}
	for _, u := range told.Effects.Users {
		for what, list := range map[string][]string{
			"gains": u.Gains, "loses": u.Loses, "waits": u.Waits, "stops": u.Stops,
		} {
			for _, product := range list {
				said = append(said, fmt.Sprintf("%s %s %s", u.UserID, what, product))
			}
		}
	}
	monthly := int64(0)
	for product := range union(before.counts, after.counts) {
		b, a := before.counts[product], after.counts[product]
		for what, pair := range map[string][2]int64{
			"bought": {b.bought, a.bought}, "assigned": {b.assigned, a.assigned},
			"available": {b.available, a.available}, "waiting": {b.waiting, a.waiting},
		} {
			if pair[0] != pair[1] {
				seen = append(seen, fmt.Sprintf("%s %s %d to %d", product, what, pair[0], pair[1]))
			}
		}
		monthly += (a.bought - b.bought) * w.price(product, w.calendar().label(w.now)).minor
	}
	seen = append(seen, becameOf(before, after)...)
	slices.Sort(said)
	slices.Sort(seen)
	if !slices.Equal(said, seen) {
		w.r.Fatalf("%s %s %v: foretold\n%s\nseen\n%s", q.method, q.path, q.body, strings.Join(said, "\n"),
			strings.Join(seen, "\n"))
	}
	due := int64(0)
	for _, o := range w.orders {
		if o.PlacedAt.Equal(after.at) {
			for _, l := range o.Lines {
				due += l.DueToday.Amount
			}
		}
	}
	if got := minor(told.Effects.Money.DueToday); got != due {
		w.r.Fatalf("%s %s %v: foretold %d due today, ordered for %d", q.method, q.path, q.body, got, due)
	}
	if got := minor(told.Effects.Money.Recurring); got != monthly {
		w.r.Fatalf("%s %s %v: foretold %d a month, seen %d", q.method, q.path, q.body, got, monthly)
	}
}

// becameOf says what became of each person.
func becameOf(before, after look) []string {
	held := func(l look) map[[2]string]bool {
		all := map[[2]string]bool{}
		for _, s := range l.licenses {
			if s.user != "" {
				all[[2]string{s.user, s.product}] = true
			}
		}
		return all
	}
	had, has := held(before), held(after)
	var list []string
	for who := range union(had, has) {
		if had[who] != has[who] {
			what := "gains"
			if had[who] {
				what = "loses"
			}
			list = append(list, fmt.Sprintf("%s %s %s", who[0], what, who[1]))
		}
	}
	for who := range union(before.waiting, after.waiting) {
		switch {
		case before.waiting[who] == after.waiting[who]:
		case after.waiting[who]:
			list = append(list, fmt.Sprintf("%s waits %s", who[0], who[1]))
		case !has[who]:
			list = append(list, fmt.Sprintf("%s stops %s", who[0], who[1]))
		}
	}
	return list
}

func union[K comparable, V any](a, b map[K]V) map[K]bool {
	all := map[K]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

func minor(a *amount) int64 {
	if a == nil {
		return 0
	}
	return a.Amount
}

// price is what a product costs on a day.
func (w *world) price(product, day string) repricing {
	var found repricing
	for _, p := range w.prices {
		if p.product == product && p.from <= day {
			found = p
		}
	}
	return found
}

// charge is what a line is of: its kind, product and cost center.
type charge struct{ kind, product, center string }

// charges works out what a period charges: license days of each line, and cents of what was ordered.
func (w *world) charges(p span) (days, due map[charge]int64) {
	days, due = map[charge]int64{}, map[charge]int64{}
	for _, d := range p.days {
		for c, n := range w.ofDay(p, d) {
			days[c] += n
		}
	}
	for _, o := range w.orders {
		if o.PlacedAt.Before(p.days[0].begin) || !o.PlacedAt.Before(p.days[len(p.days)-1].end) {
			continue
		}
		for _, l := range o.Lines {
			due[charge{"prorated", l.ProductID, l.CostCenter}] += l.DueToday.Amount
		}
	}
	return days, due
}

// ofDay is what counts on a day.
func (w *world) ofDay(p span, d day) map[charge]int64 {
	counts := map[charge]int64{}
	begin, end := w.seenAt(p.days[0].begin.Add(-1)), w.seenAt(d.end.Add(-1))
	// Licenses that are gone are of the cost center that they had last.
	latest := map[string]seat{}
	if begin != nil {
		maps.Copy(latest, begin.licenses)
	}
	for _, l := range w.looks {
		if !l.at.Before(p.days[0].begin) && l.at.Before(d.end) {
			maps.Copy(latest, l.licenses)
		}
	}
	if begin != nil {
		for id, s := range begin.licenses {
			if !s.metered {
				counts[charge{"recurring", s.product, latest[id].center}]++
			}
		}
	}
	existed := map[string]bool{}
	for _, l := range w.looksOf(d) {
		for id, s := range l.licenses {
			if s.metered && !existed[id] {
				existed[id] = true
				counts[charge{"metered", s.product, w.payer(id, d)}]++
			}
		}
	}
	if end != nil {
		for who := range end.waiting {
			if w.price(who[1], p.first).beyond >= 0 { // also where it costs nothing
				counts[charge{"overage", who[1], cmp.Or(end.centers[who[0]], general)}]++
			}
		}
	}
	return counts
}

// seenAt is the look that was true at a moment; nil before the account was made.
func (w *world) seenAt(at time.Time) *look {
	for i := len(w.looks) - 1; i >= 0; i-- {
		if !w.looks[i].at.After(at) {
			return &w.looks[i]
		}
	}
	return nil
}

// looksOf are the looks that were true at any time of a day.
func (w *world) looksOf(d day) []look {
	var list []look
	for i, l := range w.looks {
		over := i+1 < len(w.looks) && !w.looks[i+1].at.After(d.begin)
		if !over && l.at.Before(d.end) {
			list = append(list, l)
		}
	}
	return list
}

// payer is whose a metered license was at the end of a day, or last on it: the cost center of its
// holder, or the account's. A step that ends a license and moves its holder counts as moved.
func (w *world) payer(id string, d day) string {
	center, user := general, ""
	for _, l := range w.looks {
		if !l.at.Before(d.end) {
			break
		}
		s, there := l.licenses[id]
		if there || user != "" {
			user = cmp.Or(s.user, user)
			center = cmp.Or(l.centers[user], general)
		}
		if !there {
			user = ""
		}
	}
	return center
}
