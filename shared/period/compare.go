package period

import (
	"context"
	"slices"
	"strings"
	"time"

	"seatwise/shared/craft/money"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// SnapshotOf names what a period is compared with: the period that begins with First, and the end of
// Day, a day of it; if that is empty, of its last day that has begun.
type SnapshotOf struct{ First, Day string }

// Comparison is a period beside a snapshot of one of its days, with a page of their differences.
type Comparison struct {
	From       string       `json:"from" format:"date" doc:"The first day, by which the period is named."`
	To         string       `json:"to" format:"date" doc:"The first day of the next period."`
	State      State        `json:"state" enum:"open,closing,closed" doc:"closing is over and awaits late events; closed never changes."`
	Day        string       `json:"day" format:"date" doc:"The day of the snapshot."`
	At         time.Time    `json:"at" doc:"The moment of the snapshot: the end of the day, or now."`
	Snapshot   money.Amount `json:"snapshot" doc:"What the licenses of that moment cost a whole month, at the day's prices."`
	Period     money.Amount `json:"period" doc:"The period's total; up to now, of a period that is open."`
	Difference money.Amount `json:"difference" doc:"period less snapshot; the differences of all pages add up to it."`
	Items      []Deviation  `json:"items" nullable:"false" doc:"By product and cost center."`
	NextCursor string       `json:"nextCursor,omitempty" doc:"Asks for the next page; absent on the last one."`
}

// Differences compares a period with what the list of licenses, the summary and the metrics showed at
// the end of one of its days, as if each license of that moment were billed for a whole month. It
// answers a page of at most limit differences after a position, and the position of the next page. It
// reads every license of the account, of a closed period too.
//
// Errors: not-found; validation for a day that is not one of the period, or has not begun.
func (s *Service) Differences(
	ctx context.Context, c *call.Call, of SnapshotOf, after string, limit int,
) (Comparison, string, error) {
	f, err := s.whole(ctx, c, of.First)
	if err != nil {
		return Comparison{}, "", err
	}
	snapshot, err := s.snapshotOf(c, f, of.Day)
	if err != nil {
		return Comparison{}, "", err
	}
	if err := f.opened(ctx, c); err != nil {
		return Comparison{}, "", err
	}
	if f.sealed != nil {
		read, err := s.read(ctx, c, f.of, f.of.days.Begin(f.span.first))
		if err != nil {
			return Comparison{}, "", err
		}
		f.source = s.again(read, f.of, f.sealed)
	}
	all, err := f.source.Explain(f.bill, snapshot)
	if err != nil {
		return Comparison{}, "", err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return Comparison{}, "", err
	}
	all = slices.DeleteFunc(all, func(d Deviation) bool { return !theirs.Has(d.CostCenter) })
	if f, err = f.limitedTo(theirs); err != nil {
		return Comparison{}, "", err
	}
	view := f.view(c)
	result := Comparison{
		From: view.From, To: view.To, State: view.State, At: snapshot.At.UTC(),
		Day:    f.span.first.AddDate(0, 0, snapshot.Day).Format(time.DateOnly),
		Period: f.bill.Total, Snapshot: money.Zero(f.bill.Currency),
	}
	for _, d := range all {
		if result.Snapshot, err = result.Snapshot.Add(d.Snapshot); err != nil {
			return Comparison{}, "", err
		}
	}
	result.Difference = money.Of(result.Period.Minor-result.Snapshot.Minor, f.bill.Currency)
	next := ""
	result.Items = slices.DeleteFunc(all, func(d Deviation) bool { return after != "" && d.place() <= after })
	if len(result.Items) > limit {
		result.Items = result.Items[:limit]
		next = result.Items[limit-1].place()
	}
	return result, next, nil
}

// place is where a difference is in the order of all.
func (d Deviation) place() string { return strings.Join([]string{d.ProductID, d.CostCenter}, "\x00") }

// snapshotOf is the snapshot of a day of a period, or of its last one that has begun.
func (s *Service) snapshotOf(c *call.Call, f found, text string) (Snapshot, error) {
	known := f.of.days.Day(c.At)
	if !known.Before(f.span.end) {
		known = f.span.end.AddDate(0, 0, -1)
	}
	day := known
	if text != "" {
		var err error
		if day, err = time.Parse(time.DateOnly, text); err != nil {
			return Snapshot{}, problem.Invalid("day", problem.BadFormat, "must be a day, such as 2026-12-01")
		}
		if day.Before(f.span.first) || day.After(known) {
			return Snapshot{}, problem.Invalid("day", problem.OutOfRange, "must be a day of the period that has begun")
		}
	}
	at := f.of.days.End(day).Add(-1)
	if at.After(c.At) {
		at = c.At
	}
	index := func(d time.Time) int { return int(d.Sub(f.span.first) / (24 * time.Hour)) }
	prices := pricesOn(s.products, day.Format(time.DateOnly), f.of.Currency)
	return Snapshot{Day: index(day), At: at, Known: index(known), Prices: prices}, nil
}
