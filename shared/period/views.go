package period

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// State says how far a period is.
type State string

// A period is Open until it ends, Closing until it is sealed, and then Closed.
const (
	Open    State = "open"
	Closing State = "closing"
	Closed  State = "closed"
)

// Summary is a period in the list.
type Summary struct {
	From  string        `json:"from" format:"date" doc:"The first day, by which the period is named."`
	To    string        `json:"to" format:"date" doc:"The first day of the next period."`
	State State         `json:"state" enum:"open,closing,closed" doc:"closing is over and awaits late events; closed never changes."`
	Total *money.Amount `json:"total,omitempty" doc:"Of a closed period."`
}

// View is a whole period.
type View struct {
	From         string            `json:"from" format:"date" doc:"The first day, by which the period is named."`
	To           string            `json:"to" format:"date" doc:"The first day of the next period."`
	State        State             `json:"state" enum:"open,closing,closed" doc:"closing is over and awaits late events; closed never changes."`
	Timezone     string            `json:"timezone" doc:"The time zone of the days."`
	Currency     string            `json:"currency" doc:"ISO 4217 code."`
	Days         int               `json:"days" doc:"How many days the period has."`
	MonthDays    int               `json:"monthDays" doc:"How many days a whole period up to the same end has: prices are for these."`
	Lines        []Line            `json:"lines" nullable:"false"`
	ByCostCenter []CostCenterTotal `json:"byCostCenter" nullable:"false"`
	Total        money.Amount      `json:"total" doc:"Up to now, of a period that is open."`
	Expected     *money.Amount     `json:"expected,omitempty" doc:"What the total will be if nothing changes; absent once the period is closed."`
	ClosesAt     time.Time         `json:"closesAt" doc:"48 hours after the period's end."`
	WaitsFor     string            `json:"waitsFor,omitempty" enum:"costCenter" doc:"What the period lacks to be closed: costCenter, that of the account, since people without one of their own have used what is charged by use, or waited for a seat. It is closed within the hour in which an operator names one, though not before closesAt."`
	ClosedAt     time.Time         `json:"closedAt,omitzero" doc:"When it was closed; absent before."`
	Digest       string            `json:"digest,omitempty" doc:"SHA-256 over all lines, days and what is behind them, of a closed period."`
}

// DayView is a day of a line with what is behind it.
type DayView struct {
	Day
	LicenseIDs []string `json:"licenseIds" nullable:"false" doc:"The licenses, or devices, that count on the day. A day with more than a page holds goes on on the next page."`
	UserIDs    []string `json:"userIds" nullable:"false" doc:"Who holds what is metered, or waits."`
}

// LineView is a line with a page of its days.
type LineView struct {
	Line
	Days       []DayView `json:"days" nullable:"false" doc:"The days on which something counts, or is charged."`
	NextCursor string    `json:"nextCursor,omitempty" doc:"Asks for the next page; absent on the last one."`
}

// found is a period as it is read: folded, or closed.
type found struct {
	bill     Bill
	expected *money.Amount
	willBe   Bill // of what is expected
	sealed   *closed
	of       accounted
	span     bounds
	source   Source // of one that is not closed
}

// whole is the period of the call's account that begins on a day, or the one of today.
//
// Errors: not-found.
func (s *Service) whole(ctx context.Context, c *call.Call, first string) (found, error) {
	of, err := accountOf(ctx, c)
	if err != nil {
		return found{}, err
	}
	today := of.days.Day(c.At)
	begin, _ := of.days.Period(today)
	if first != current {
		if begin, err = time.Parse(time.DateOnly, first); err != nil {
			return found{}, problem.Missing("period")
		}
	}
	span, ok := periodFrom(of.days, of.days.Day(of.CreatedAt), today, begin)
	if !ok {
		return found{}, problem.Missing("period")
	}
	f := found{of: of, span: span}
	if f.sealed, err = closedAt(ctx, c, span.first.Format(time.DateOnly)); err != nil {
		return found{}, err
	}
	if f.sealed == nil {
		return s.open(ctx, c, of, span)
	}
	p := f.sealed
	entries, err := entriesOf(ctx, c, p)
	if err != nil {
		return found{}, err
	}
	f.bill, err = Bill{
		From: p.From, To: p.To, Days: p.Days, MonthDays: p.MonthDays, Currency: p.Currency, Entries: entries,
	}.added()
	return f, err
}

// current names the period of today.
const current = "current"

// Get reads one period: a closed one as it was sealed, and any other folded now, which reads every
// license of the account.
//
// Errors: not-found.
func (s *Service) Get(ctx context.Context, c *call.Call, first string) (View, error) {
	f, err := s.find(ctx, c, first)
	if err != nil {
		return View{}, err
	}
	return f.view(c), nil
}

func (f found) view(c *call.Call) View {
	end := f.of.days.Begin(f.span.end)
	v := View{
		From: f.bill.From, To: f.bill.To, State: stateOf(f.sealed != nil, c.At, end),
		Timezone: f.of.days.Zone(f.span.first).String(), Currency: f.bill.Currency,
		Days: f.bill.Days, MonthDays: f.bill.MonthDays, Lines: make([]Line, len(f.bill.Entries)),
		ByCostCenter: f.bill.ByCostCenter, Total: f.bill.Total, Expected: f.expected, ClosesAt: end.Add(lateness),
	}
	for i, e := range f.bill.Entries {
		v.Lines[i] = e.Line
	}
	if f.sealed != nil {
		v.ClosedAt, v.Digest = f.sealed.ClosedAt, f.sealed.Digest
	} else if f.bill.homeless() {
		v.WaitsFor = "costCenter"
	}
	return v
}

func stateOf(sealed bool, now, end time.Time) State {
	switch {
	case sealed:
		return Closed
	case now.Before(end):
		return Open
	}
	return Closing
}

// List reads a page of the periods, the latest first, and the first day of the next page. The totals are
// of the whole account, and not told to an admin of some cost centers.
func (s *Service) List(ctx context.Context, c *call.Call, after string, limit int) ([]Summary, string, error) {
	of, err := accountOf(ctx, c)
	if err != nil {
		return nil, "", err
	}
	from, earliest := of.days.Day(c.At), of.days.Day(of.CreatedAt)
	if after != "" {
		if from, err = time.Parse(time.DateOnly, after); err != nil {
			return nil, "", err
		}
	}
	spans := periodsBack(of.days, from, earliest, limit+1)
	next := ""
	if len(spans) > limit {
		next = spans[limit].first.Format(time.DateOnly)
		spans = spans[:limit]
	}
	if len(spans) == 0 {
		return nil, "", nil
	}
	sealed := map[string]closed{}
	query := table.Query{
		Partition: closedKey(c.Account, "").Partition, From: spans[len(spans)-1].first.Format(time.DateOnly),
	}
	err = table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		p, err := call.Decode[closed](item)
		sealed[p.From] = p
		return err
	})
	theirs, limits := access.CostCenters(ctx)
	list := make([]Summary, len(spans))
	for i, span := range spans {
		first := span.first.Format(time.DateOnly)
		p, ok := sealed[first]
		list[i] = Summary{
			From: first, To: span.end.Format(time.DateOnly), State: stateOf(ok, c.At, of.days.Begin(span.end)),
		}
		if ok && theirs.All() {
			list[i].Total = &p.Total
		}
	}
	return list, next, errors.Join(err, limits)
}

// LinesOf names lines of the period that begins with First: those of some kinds, products and cost
// centers, of all where none is named.
type LinesOf struct {
	First                        string
	Kinds, Products, CostCenters []string
}

func (of LinesOf) has(l Line) bool {
	named := func(list []string, one string) bool { return len(list) == 0 || slices.Contains(list, one) }
	return named(of.Kinds, string(l.Kind)) && named(of.Products, l.ProductID) && named(of.CostCenters, l.CostCenter)
}

// Lines reads a page of the lines of a period, and the position of the next page.
//
// Errors: not-found; validation for a product that is not in the catalog.
func (s *Service) Lines(
	ctx context.Context, c *call.Call, of LinesOf, after string, limit int,
) ([]Line, string, error) {
	for _, product := range of.Products {
		if _, ok := s.products.Lookup(product); !ok {
			return nil, "", problem.Invalid("product", problem.UnknownID, "is not in the catalog")
		}
	}
	f, err := s.find(ctx, c, of.First)
	if err != nil {
		return nil, "", err
	}
	entries := slices.DeleteFunc(f.bill.Entries, func(e Entry) bool { return !of.has(e.Line) })
	if after != "" {
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == after })
		entries = entries[i+1:]
	}
	next := ""
	if len(entries) > limit {
		entries, next = entries[:limit], entries[limit-1].ID
	}
	lines := make([]Line, len(entries))
	for i, e := range entries {
		lines[i] = e.Line
	}
	return lines, next, nil
}

// mostIDs is how many ids of licenses, and of users, a page of days has.
const mostIDs = 5_000

// place is where a page of days begins: a day of the line, and which of its shares.
type place struct{ Day, Share int }

// PageOf names a page of days: at most Limit of them, from the position After on, of a line of the
// period that begins with First. If Day is set, it is that day alone, with at most Limit licenses or
// people.
type PageOf struct {
	First, Line, Day, After string
	Limit                   int
}

// Line reads a line with a page of its days, each with the licenses and people that count on it, and
// the position of the next page.
//
// Errors: not-found.
func (s *Service) Line(ctx context.Context, c *call.Call, page PageOf) (LineView, string, error) {
	f, err := s.find(ctx, c, page.First)
	if err != nil {
		return LineView{}, "", err
	}
	i := slices.IndexFunc(f.bill.Entries, func(e Entry) bool { return e.ID == page.Line })
	if i < 0 {
		return LineView{}, "", problem.Missing("line of the period")
	}
	e := f.bill.Entries[i]
	if f.sealed != nil {
		if e.Shares, err = sharesOf(ctx, c, f.sealed, page.Line); err != nil {
			return LineView{}, "", err
		}
	}
	var from place
	if page.After != "" {
		if err := json.Unmarshal([]byte(page.After), &from); err != nil {
			return LineView{}, "", fmt.Errorf("the place of a page: %w", err)
		}
	}
	most := mosts{days: page.Limit, ids: mostIDs}
	if page.Day != "" {
		e.Days = slices.DeleteFunc(e.Days, func(d Day) bool { return d.Day != page.Day })
		most = mosts{days: 1, ids: page.Limit}
		if len(e.Days) == 0 {
			return LineView{}, "", problem.Missing("day of the line")
		}
	}
	days, next, err := pageOfDays(e, f.span.first, from, most)
	return LineView{Line: e.Line, Days: days}, next, err
}

// mosts is how many days a page has, and how many licenses and people all of them together.
type mosts struct{ days, ids int }

// pageOfDays are some days of a line from a place on.
func pageOfDays(e Entry, first time.Time, from place, most mosts) ([]DayView, string, error) {
	days, ids := []DayView{}, 0
	for n := from.Day; n < len(e.Days); n++ {
		if len(days) == most.days {
			return days, placeAt(n, 0), nil
		}
		label, err := time.Parse(time.DateOnly, e.Days[n].Day)
		if err != nil {
			return nil, "", err
		}
		at := int(label.Sub(first) / (24 * time.Hour))
		view := DayView{Day: e.Days[n], LicenseIDs: []string{}, UserIDs: []string{}}
		for i := from.Share; i < len(e.Shares); i++ {
			share := e.Shares[i]
			if at < share.First || at >= share.First+share.Days {
				continue
			}
			if ids == most.ids {
				return append(days, view), placeAt(n, i), nil
			}
			ids++
			if share.License != "" {
				view.LicenseIDs = append(view.LicenseIDs, share.License)
			}
			if share.UserID != "" {
				view.UserIDs = append(view.UserIDs, share.UserID)
			}
		}
		days = append(days, view)
		from.Share = 0
	}
	return days, "", nil
}

func placeAt(day, share int) string {
	return strings.Join([]string{`{"Day":`, strconv.Itoa(day), `,"Share":`, strconv.Itoa(share), "}"}, "")
}

// Open is what the open period of the call's account has come to of metered products, for billing
// details. It reads the metered licenses that there are and what has ended since the period began.
func (s *Service) Open(ctx context.Context, c *call.Call) (purchase.OpenPeriod, error) {
	of, err := accountOf(ctx, c)
	if err != nil {
		return purchase.OpenPeriod{}, err
	}
	first, end := of.days.Period(of.days.Day(c.At))
	licenses, err := s.inventory.Metered(ctx, c)
	if err != nil {
		return purchase.OpenPeriod{}, err
	}
	spans, err := s.inventory.Spans(ctx, c, of.days.Begin(first))
	if err != nil {
		return purchase.OpenPeriod{}, err
	}
	source := s.of(Source{
		Calendar: of.days, Currency: of.Currency, Timelines: timelines(s.products, licenses, nil, spans),
	}, of, bounds{first, end})
	source.Timelines = slices.DeleteFunc(source.Timelines, func(t Timeline) bool { return t.Kind != Metered })
	bill, err := source.fold(Horizon{Now: c.At})
	if err != nil {
		return purchase.OpenPeriod{}, err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return purchase.OpenPeriod{}, err
	}
	if bill, err = bill.only(theirs.Has); err != nil {
		return purchase.OpenPeriod{}, err
	}
	return consumed(s.products, bill)
}

// consumed adds a bill of metered products up by product, in the catalog's order.
func consumed(products *catalog.Catalog, bill Bill) (purchase.OpenPeriod, error) {
	open := purchase.OpenPeriod{From: bill.From, To: bill.To, Metered: []purchase.Consumed{}, Total: bill.Total}
	for p := range products.All() {
		sum := purchase.Consumed{ProductID: p.ID, Amount: money.Zero(bill.Currency)}
		for _, e := range bill.Entries {
			if e.ProductID != p.ID {
				continue
			}
			sum.LicenseDays += e.LicenseDays
			var err error
			if sum.Amount, err = sum.Amount.Add(e.Amount); err != nil {
				return purchase.OpenPeriod{}, err
			}
		}
		if sum.LicenseDays > 0 {
			open.Metered = append(open.Metered, sum)
		}
	}
	return open, nil
}

// Correct gives a correction of a closed period, which is a line of the one of today.
//
// Errors: not-found for what is no period; wrong-state for one that is not closed; validation.
func (s *Service) Correct(ctx context.Context, c *call.Call, n Named) (Named, error) {
	err := call.Decide(ctx, func(ctx context.Context) error {
		of, err := accountOf(ctx, c)
		if err != nil {
			return err
		}
		var fields []problem.Field
		if _, ok := s.products.Lookup(n.ProductID); n.ProductID != "" && !ok {
			fields = append(fields, problem.Fault("productId", problem.UnknownID, "is not in the catalog"))
		}
		if n.Amount.Currency != of.Currency {
			fields = append(fields, problem.Fault("amount.currency", problem.NotAllowed, "must be %s", of.Currency))
		}
		if len(fields) > 0 {
			return problem.Validation(fields...)
		}
		sealed, err := closedAt(ctx, c, n.Corrects)
		if err != nil {
			return err
		}
		if sealed == nil {
			return problem.New(problem.WrongState, "That period is not closed; what belongs to it can still be changed.")
		}
		n.ID, n.At = c.Env.IDs.Ordered(), c.At.UTC()
		data, err := call.Encode(n)
		if err != nil {
			return err
		}
		audit, err := c.Audit(call.AuditEntry{
			Action: "period.corrected", Subject: "period", SubjectID: n.Corrects, Reason: n.Reason, After: n,
		})
		if err != nil {
			return err
		}
		put := table.Put(table.Item{Key: correctionKey(c.Account, n.At, n.ID), Data: data}, table.IfAbsent)
		return c.Commit(ctx, call.Made(n), put, audit)
	})
	return n, err
}
