package period

import (
	"context"
	"errors"
	"slices"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
	"seatwise/shared/wallboard"
)

// Service tells what periods there are, and closes them.
type Service struct {
	env       *app.Env
	products  *catalog.Catalog
	inventory *inventory.Service
}

// NewService makes the service for the products of the kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{env: env, products: kernel.Products(), inventory: inventory.NewService(kernel.Products())}
}

// accounted is an account with its calendar.
type accounted struct {
	account.Account
	days    calendar.Calendar
	version int64
}

// accountOf reads the account of the call with its calendar.
//
// Errors: not-found.
func accountOf(ctx context.Context, c *call.Call) (accounted, error) {
	a, version, err := account.Load(ctx, c)
	if err != nil {
		return accounted{}, err
	}
	days, err := a.Calendar()
	return accounted{a, days, version}, err
}

// read reads what has been since a moment, for all periods from then on: every license that ever was,
// from the base table, since an index could miss one that changes meanwhile. What has ended is read
// last, so that nothing that ends meanwhile is missing.
func (s *Service) read(ctx context.Context, c *call.Call, of accounted, since time.Time) (Source, error) {
	source := Source{Calendar: of.days, Currency: of.Currency}
	licenses, err := s.inventory.Ever(ctx, c)
	if err != nil {
		return Source{}, err
	}
	var waits []license.Wait
	for p := range s.products.All() {
		if p.Kind != catalog.Seat {
			continue
		}
		some, err := s.inventory.Queue(ctx, c, p.ID)
		if err != nil {
			return Source{}, err
		}
		waits = append(waits, some...)
	}
	if source.Purchases, err = s.purchases(ctx, c, since); err != nil {
		return Source{}, err
	}
	if source.Corrections, err = s.corrections(ctx, c, since); err != nil {
		return Source{}, err
	}
	devices, owners, err := s.devices(ctx, c)
	if err != nil {
		return Source{}, err
	}
	spans, err := s.inventory.Spans(ctx, c, since)
	if err != nil {
		return Source{}, err
	}
	if more := ownersOf(spans, owners); len(more) > 0 {
		if err := s.costCenters(ctx, c, more, owners); err != nil {
			return Source{}, err
		}
		if spans, err = s.inventory.Spans(ctx, c, since); err != nil {
			return Source{}, err
		}
	}
	source.Timelines = timelines(s.products, append(licenses, devices...), waits, spans)
	source.resolve(owners, spans)
	return source, nil
}

// devices reads the wallboards that there are, as licenses, and the cost centers of whose they are now.
func (s *Service) devices(ctx context.Context, c *call.Call) ([]license.License, map[string]string, error) {
	lives, err := wallboard.Lives(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	devices, users := make([]license.License, len(lives)), make([]string, len(lives))
	for i, d := range lives {
		devices[i] = license.License{ID: d.ID, ProductID: catalog.WallboardID, UserID: d.UserID, AddedAt: d.CreatedAt}
		if users[i] = d.UserID; !d.Ended.IsZero() {
			devices[i].TerminatedAt = &d.Ended
		}
	}
	owners := map[string]string{}
	return devices, owners, s.costCenters(ctx, c, users, owners)
}

// ownersOf are the people whose devices were, and who are not known yet.
func ownersOf(spans []inventory.Span, known map[string]string) []string {
	var users []string
	for _, span := range spans {
		if _, there := known[span.UserID]; span.ProductID == catalog.WallboardID && !there {
			users = append(users, span.UserID)
		}
	}
	return users
}

// costCenters reads those of some people, empty for who has none or is gone.
func (s *Service) costCenters(ctx context.Context, c *call.Call, users []string, into map[string]string) error {
	var keys []table.Key
	for _, user := range users {
		if _, asked := into[user]; !asked {
			into[user], keys = "", append(keys, license.HolderKey(c.Account, user))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := c.Env.Table.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	for _, item := range found {
		h, err := call.Decode[license.Holder](item)
		if err != nil {
			return err
		}
		into[h.UserID] = h.CostCenter
	}
	return nil
}

// of is the source of one period, of what was read.
func (s *Service) of(read Source, of accounted, span bounds) Source {
	read.First, read.End = span.first, span.end
	read.Prices = pricesOn(s.products, span.first.Format(time.DateOnly), of.Currency)
	read.Unlimited = of.TermsOn(span.first).Unlimited()
	read.CostCenter = of.CostCenter
	begin, end := of.days.Begin(span.first), of.days.Begin(span.end)
	read.Corrections = slices.DeleteFunc(slices.Clone(read.Corrections),
		func(n Named) bool { return n.At.Before(begin) || !n.At.Before(end) })
	return read
}

// purchases lists the lines of the orders that were placed at a moment or later. Orders ascend in
// time, so they are read from the newest back.
func (s *Service) purchases(ctx context.Context, c *call.Call, since time.Time) ([]Purchase, error) {
	var lines []Purchase
	query := table.Query{Partition: purchase.OrderKey(c.Account, "").Partition, Backwards: true}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		order, err := call.Decode[purchase.Order](item)
		if err == nil && order.PlacedAt.Before(since.Add(-maxAge)) {
			return errOlder
		}
		if err != nil || order.State != purchase.OrderPlaced || order.PlacedAt.Before(since) {
			return err
		}
		for _, l := range order.Lines {
			lines = append(lines, Purchase{
				At: order.PlacedAt, ProductID: l.ProductID, CostCenter: l.CostCenter, Quantity: int64(l.Quantity),
				UnitPrice: l.UnitPrice, DueToday: l.DueToday,
			})
		}
		return nil
	})
	if errors.Is(err, errOlder) {
		err = nil
	}
	slices.Reverse(lines)
	return lines, err
}

// errOlder ends the reading of orders: all others are older.
var errOlder = errors.New("older orders only")

// maxAge is by how much orders may be out of order: an order has the moment of its request, and its
// id that of when it was decided.
const maxAge = 24 * time.Hour

// corrections lists those that operators gave at a moment or later.
func (s *Service) corrections(ctx context.Context, c *call.Call, since time.Time) ([]Named, error) {
	var list []Named
	query := table.Query{
		Partition: correctionsPartition(c.Account), From: correctionKey(c.Account, since, "").Sort,
	}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		n, err := call.Decode[Named](item)
		list = append(list, n)
		return err
	})
	return list, err
}

// open folds a period that is not closed: up to now, and as it will be if nothing changes.
func (s *Service) open(ctx context.Context, c *call.Call, of accounted, span bounds) (found, error) {
	f := found{of: of, span: span}
	var err error
	if f.source, err = s.source(ctx, c, of, span); err != nil {
		return found{}, err
	}
	if f.bill, err = f.source.fold(Horizon{Now: c.At}); err != nil {
		return found{}, err
	}
	f.willBe, err = f.source.fold(Horizon{Now: c.At, Expect: true})
	f.expected = &f.willBe.Total
	return f, err
}

// source reads what a period is folded from. If the one before it is closed, that is folded again:
// where it would be another by now, the difference is a correction in this one.
func (s *Service) source(ctx context.Context, c *call.Call, of accounted, span bounds) (Source, error) {
	before, entries, err := s.closedBefore(ctx, c, span.first)
	if err != nil {
		return Source{}, err
	}
	since := of.days.Begin(span.first)
	if before != nil {
		since = of.days.Begin(before.span().first)
	}
	read, err := s.read(ctx, c, of, since)
	if err != nil {
		return Source{}, err
	}
	source := s.of(read, of, span)
	if before == nil {
		return source, nil
	}
	again := s.again(read, of, before)
	bill, err := again.fold(Horizon{Now: c.At})
	if err != nil {
		return Source{}, err
	}
	late := differences(entries, bill.Entries, before.From, source.Currency, of.days.Begin(span.first))
	source.Corrections = append(source.Corrections, late...)
	return source, nil
}

// again is the source of a closed period, with what it was folded with when it was closed.
func (s *Service) again(read Source, of accounted, sealed *closed) Source {
	again := s.of(read, of, sealed.span())
	again.Prices, again.CostCenter, again.Unlimited = sealed.Prices, sealed.CostCenter, sealed.Unlimited
	return again
}
