package period

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/money"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
)

// bounds are the days of a period, end exclusive.
type bounds struct{ first, end time.Time }

// periodFrom is the period of an account that begins on a day; false if none does, or it is before
// the account's first one or after the one of today.
func periodFrom(days calendar.Calendar, created, today, first time.Time) (bounds, bool) {
	begin, end := days.Period(first)
	earliest, _ := days.Period(created)
	return bounds{begin, end}, begin.Equal(first) && !first.Before(earliest) && !first.After(today)
}

// periodsBack lists the periods from one on back to that of a day, the latest first, at most limit.
func periodsBack(days calendar.Calendar, from, earliest time.Time, limit int) []bounds {
	var list []bounds
	for day := from; len(list) < limit && !day.Before(earliest); {
		first, end := days.Period(day)
		list = append(list, bounds{first, end})
		day = first.AddDate(0, 0, -1)
	}
	return list
}

// pricesOn are the prices of a day.
func pricesOn(products *catalog.Catalog, day, currency string) map[string]Prices {
	prices := map[string]Prices{}
	for p := range products.All() {
		unit, ok := p.UnitPriceOn(day, currency)
		if !ok {
			continue
		}
		one := Prices{Unit: unit}
		if beyond, ok := p.OveragePriceOn(day, currency); ok {
			one.Overage = &beyond
		}
		prices[p.ID] = one
	}
	return prices
}

// timelines puts together what there is and what has ended. A license that is in both ended while it
// was read.
func timelines(
	products *catalog.Catalog, licenses []license.License, waits []license.Wait, spans []inventory.Span,
) []Timeline {
	list := make([]Timeline, 0, len(licenses)+len(waits))
	at := make(map[life]int, len(licenses))
	parts := map[life][]Part{} // of licenses: what has ended, in order
	ended := map[life]inventory.Span{}
	var waited []inventory.Span           // those that have ended
	before := map[inventory.Span][]Part{} // of waitings: what has ended, in order
	for _, s := range spans {
		part := Part{Until: s.Until, UserID: s.UserID, CostCenter: s.CostCenter}
		of := life{s.License, s.From.UTC()}
		switch {
		case s.License == "" && !s.Waiting: // of a person, see resolve
		case s.Waiting && !s.Ended:
			before[waitingOf(s)] = append(before[waitingOf(s)], part)
		case s.Waiting:
			waited = append(waited, s)
		case s.Ended:
			ended[of] = s
		default:
			parts[of] = append(parts[of], part)
		}
	}
	// Spans of the same moment are in no order: one call may move somebody and then end their waiting.
	gone := map[inventory.Span]bool{}
	for _, s := range waited {
		gone[waitingOf(s)] = true
		list = append(list, Timeline{
			ProductID: s.ProductID, Kind: Overage, From: s.From, Until: s.Until,
			Parts: append(before[waitingOf(s)], Part{UserID: s.UserID, CostCenter: s.CostCenter}),
		})
	}
	for _, w := range waits {
		of := waitingOf(inventory.Span{ProductID: w.ProductID, UserID: w.UserID, From: w.Since})
		if !gone[of] {
			list = append(list, Timeline{
				ProductID: w.ProductID, Kind: Overage, From: w.Since,
				Parts: append(before[of], Part{UserID: w.UserID, CostCenter: w.CostCenter}),
			})
		}
	}
	for _, l := range licenses {
		of := life{l.ID, l.AddedAt.UTC()}
		at[of] = len(list)
		list = append(list, timelineOf(products, l, parts[of]))
	}
	for of, s := range ended {
		last := Part{UserID: s.UserID, CostCenter: s.CostCenter}
		if i, there := at[of]; there {
			list[i].Until = s.Until
			list[i].Parts[len(list[i].Parts)-1] = last
			continue
		}
		list = append(list, Timeline{
			ID: of.id, ProductID: s.ProductID, Kind: kindOf(products, s.ProductID), From: s.From, Until: s.Until,
			Parts: append(slices.Clone(parts[of]), last),
		})
	}
	slices.SortStableFunc(list, compareTimelines)
	return list
}

// timelineOf is the life of a license that is there, of which some parts have ended.
func timelineOf(products *catalog.Catalog, l license.License, ended []Part) Timeline {
	t := Timeline{ID: l.ID, ProductID: l.ProductID, Kind: kindOf(products, l.ProductID), From: l.AddedAt}
	if l.TerminatedAt != nil {
		t.Until = *l.TerminatedAt
	}
	last := Part{CostCenter: l.CostCenter}
	if t.Kind == Metered {
		last.UserID = l.UserID
	}
	t.Parts = append(slices.Clone(ended), last)
	return t
}

// life names a license or a device: the id of a device may be given again when it is gone.
type life struct {
	id   string
	from time.Time
}

// resolve finds the cost centers that devices were charged to: those of the people whose they were, who
// are now of owners, as far as they are known.
func (s *Source) resolve(owners map[string]string, spans []inventory.Span) {
	people := map[string][]Part{} // what has ended, in order
	for _, span := range spans {
		if span.License == "" && !span.Waiting {
			people[span.UserID] = append(people[span.UserID], Part{Until: span.Until, CostCenter: span.CostCenter})
		}
	}
	for i := range s.Timelines {
		if t := &s.Timelines[i]; t.ProductID == catalog.WallboardID {
			t.Parts = resolved(t.Parts, people, owners)
		}
	}
}

// resolved divides what people had by their cost centers.
func resolved(parts []Part, people map[string][]Part, owners map[string]string) []Part {
	var list []Part
	var begin time.Time
	for i, p := range parts {
		last := i == len(parts)-1
		for _, was := range people[p.UserID] {
			if was.Until.After(begin) && (last || was.Until.Before(p.Until)) {
				list = append(list, Part{Until: was.Until, UserID: p.UserID, CostCenter: was.CostCenter})
			}
		}
		p.CostCenter = owners[p.UserID]
		if known := people[p.UserID]; !last {
			if after := slices.IndexFunc(known, func(was Part) bool { return !was.Until.Before(p.Until) }); after >= 0 {
				p.CostCenter = known[after].CostCenter
			}
		}
		list, begin = append(list, p), p.Until
	}
	return list
}

// waitingOf names a waiting: by the product, the person and its beginning.
func waitingOf(s inventory.Span) inventory.Span {
	return inventory.Span{ProductID: s.ProductID, UserID: s.UserID, From: s.From.UTC()}
}

func kindOf(products *catalog.Catalog, product string) Kind {
	if p, ok := products.Lookup(product); ok && !p.Purchasable() {
		return Metered
	}
	return Recurring
}

// compareTimelines orders timelines, so that the same history is always folded the same way.
func compareTimelines(a, b Timeline) int {
	return cmp.Or(
		strings.Compare(a.ID, b.ID), strings.Compare(a.ProductID, b.ProductID), a.From.Compare(b.From),
		strings.Compare(a.Parts[0].UserID, b.Parts[0].UserID),
	)
}

// differences are the corrections that make a closed period what it should have been: one for each
// product and cost center whose amount is another when it is folded again.
func differences(sealed, again []Entry, of, currency string, at time.Time) []Named {
	type place struct {
		kind                Kind
		product, costCenter string
	}
	sums := map[place]int64{}
	for sign, entries := range map[int64][]Entry{-1: sealed, 1: again} {
		for _, e := range entries {
			if e.Kind != Correction {
				sums[place{e.Kind, e.ProductID, e.CostCenter}] += sign * e.Amount.Minor
			}
		}
	}
	var list []Named
	for p, minor := range sums {
		if minor == 0 {
			continue
		}
		list = append(list, Named{
			ID: strings.Join([]string{"again", of, string(p.kind)}, "#"), At: at, ProductID: p.product,
			CostCenter: p.costCenter, Amount: money.Of(minor, currency), Corrects: of,
			Reason: "What was accepted after the period was closed: " + string(p.kind) + ".",
		})
	}
	slices.SortFunc(list, func(a, b Named) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.ProductID, b.ProductID),
			strings.Compare(a.CostCenter, b.CostCenter))
	})
	return list
}
