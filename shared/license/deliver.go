package license

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

const (
	// mostLots is the most lots of one delivery: the commit that shows them counts up each product
	// and each cost center, and has 100 operations.
	mostLots = 40
	// MaxDelivery is the most licenses of one delivery (requirements, section 3.4: up to 10,000 in
	// one order).
	MaxDelivery = 10_000
	// deliveryBatch is how many licenses one commit prepares: each takes its own item and its entry
	// in the pool. Batches are the same in every run, so that a resumed one skips those whose first
	// license is there; so it must not change while an order is under way.
	deliveryBatch = table.MaxOperations / 2
	// deliveredVersion is the version of a license that nobody has touched since it was delivered:
	// what table.Put begins with.
	deliveredVersion = 1
	// deliveryFlights is how many of those commits are on their way at once.
	deliveryFlights = 8
)

// Deliver adds an order's licenses to the account, all at once or not at all to every reader
// (requirements, section 3.4), and serves the waiting lists from them.
//
// When all of it fits, it is one commit: licenses, pool entries, counts, the operations of confirm,
// and the answer for the call's idempotency key. Otherwise the licenses are written first, in many
// commits and marked so that nobody sees them, and one last commit shows them: it counts them,
// carries out confirm, stores the answer, and writes the item by which readers know the order to be
// confirmed.
//
// Whoever was interrupted calls it again with the same order, lots and c.At; so may two at once.
// The licenses' ids follow from the order, so every run writes the same items, and what is there is
// skipped. Once the order is confirmed a further call only stores the answer, carries out nothing
// of confirm, and drains.
//
// Errors: a *table.ConditionError when confirm's conditions were not met, after which nothing is
// visible; those of call.Commit.
func (d *Service) Deliver(
	ctx context.Context,
	c *call.Call,
	orderID string,
	lots []Lot,
	answer call.Answer,
	confirm []table.Operation,
) error {
	licenses, err := d.lotted(c, orderID, lots)
	if err != nil {
		return err
	}
	marker := record.ConfirmedKey(c.Account, orderID)
	_, confirmed, err := d.records.ConfirmedLots(ctx, c, orderID)
	if err != nil {
		return err
	}
	if !confirmed {
		marked, err := confirmation(c, orderID, lots)
		if err != nil {
			return err
		}
		err = d.confirm(ctx, c, orderID, licenses, answer, append(marked, confirm...))
		if refused, ok := table.Refused(err); ok && refused.Has(marker) {
			confirmed = true // by another run of the same order
		} else if err != nil {
			return err
		}
	}
	if confirmed {
		if err := c.Commit(ctx, answer); err != nil {
			return err
		}
	}
	d.drainAfter(ctx, c, lots)
	return nil
}

// confirm makes the licenses and shows them.
func (d *Service) confirm(
	ctx context.Context,
	c *call.Call,
	orderID string,
	licenses []record.Document,
	answer call.Answer,
	ops []table.Operation,
) error {
	if 2*len(licenses)+len(ops) <= c.Spare() {
		made, err := d.delivered(c.Account, licenses, false)
		if err != nil {
			return err
		}
		err = c.Commit(ctx, answer, append(made, ops...)...)
		refused, ok := table.Refused(err)
		if !ok || !refusedLicense(c.Account, refused, licenses) {
			return err
		}
		// An earlier run had more to commit and began the long way; so it is finished the long way.
	}
	if err := d.Spread(ctx, c, shardsFor(len(licenses))); err != nil {
		return err
	}
	for i := range licenses {
		licenses[i].Shards = d.records.KnownShards(c.Account)
	}
	if err := d.prepare(ctx, c, orderID, licenses); err != nil {
		return err
	}
	return c.Commit(ctx, answer, ops...)
}

// shardsFor is over how many shards an account is spread that gets an order of a number of
// licenses: one of 10,000 would keep four partitions busy for seconds, and a buyer of that many
// hands them out fast.
func shardsFor(licenses int) int {
	switch {
	case licenses >= 5_000:
		return record.MostShards
	case licenses >= 1_000:
		return record.MostShards / 2
	}
	return record.FirstShards
}

func refusedLicense(account string, refused *table.ConditionError, licenses []record.Document) bool {
	return slices.ContainsFunc(
		licenses,
		func(l record.Document) bool { return refused.Has(record.LicenseKey(account, l.ID)) },
	)
}

// lotted makes the licenses of the lots, the same in every run.
func (d *Service) lotted(c *call.Call, orderID string, lots []Lot) ([]record.Document, error) {
	if len(lots) == 0 || len(lots) > mostLots {
		return nil, fmt.Errorf("delivery of order %s has %d lots, 1 to %d allowed", orderID, len(lots), mostLots)
	}
	total := 0
	for _, lot := range lots {
		p, ok := d.products.Lookup(lot.ProductID)
		if !ok || !p.Purchasable() || lot.Quantity < 1 {
			return nil, fmt.Errorf(
				"delivery of order %s: %d licenses of %q cannot be delivered",
				orderID,
				lot.Quantity,
				lot.ProductID,
			)
		}
		if total += lot.Quantity; total > MaxDelivery {
			return nil, fmt.Errorf("delivery of order %s has more than %d licenses", orderID, MaxDelivery)
		}
	}
	licenses := make([]record.Document, 0, total)
	for _, lot := range lots {
		p, _ := d.products.Lookup(lot.ProductID)
		for range lot.Quantity {
			licenses = append(licenses, record.Document{License: License{
				ID: record.DeliveredID(
					c.Account,
					orderID,
					len(licenses),
				),
				ProductID:  p.ID,
				Kind:       p.Kind,
				Status:     Available,
				CostCenter: lot.CostCenter,
				OrderID:    orderID,
				AddedAt:    c.At.UTC(),
				Grants:     []Grant{},
			}, Shards: d.records.KnownShards(c.Account)})
		}
	}
	return licenses, nil
}

// delivered puts each license and its entry in the pool, two operations next to each other.
func (d *Service) delivered(account string, licenses []record.Document, pending bool) ([]table.Operation, error) {
	ops := make([]table.Operation, 0, 2*len(licenses))
	for _, l := range licenses {
		l.Pending = pending
		data, err := call.Encode(l)
		if err != nil {
			return nil, err
		}
		put := table.Put(d.records.Item(account, l, data), table.IfAbsent)
		entry, err := offerOperation(account, offer{Document: l, LicenseVersion: deliveredVersion}, table.Always)
		if err != nil {
			return nil, err
		}
		ops = append(ops, put, entry)
	}
	return ops, nil
}

// confirmation counts what the order adds, and marks it as confirmed.
func confirmation(c *call.Call, orderID string, lots []Lot) ([]table.Operation, error) {
	data, err := call.Encode(record.ConfirmedOrder{OrderID: orderID, Lots: lots})
	if err != nil {
		return nil, err
	}
	bought := map[table.Key]int64{}
	for _, lot := range lots {
		bought[record.BoughtKey(c.Account, lot.ProductID)] += int64(lot.Quantity)
		bought[record.CostCenterSeatsKey(c.Account, lot.ProductID, lot.CostCenter)] += int64(lot.Quantity)
	}
	ops := []table.Operation{
		table.Put(table.Item{Key: record.ConfirmedKey(c.Account, orderID), Data: data}, table.IfAbsent),
	}
	for key, by := range bought {
		ops = append(ops, table.Add(key, table.AtLeast(record.CountBought, by, 0)))
	}
	return append(ops, dayOperations(c, bought)...), nil
}

// prepare writes the licenses so that nobody sees them yet.
func (d *Service) prepare(ctx context.Context, c *call.Call, orderID string, licenses []record.Document) error {
	batches := slices.Collect(slices.Chunk(licenses, deliveryBatch))
	heads := make([]table.Key, len(batches))
	for i, batch := range batches {
		heads[i] = record.LicenseKey(c.Account, batch[0].ID)
	}
	there, err := c.Env.Table.Lookup(ctx, heads...)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deliveryFlights)
	for i, batch := range batches {
		if _, done := there[heads[i]]; done {
			continue
		}
		group.Go(func() error { return d.prepareBatch(ctx, c, batch) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("prepare order %s: %w", orderID, err)
	}
	return nil
}

// prepareBatch writes those of a batch that are not there. A license that is there was written with
// its pool entry, which may be gone again if the order is confirmed meanwhile, so the two are
// skipped together.
func (d *Service) prepareBatch(ctx context.Context, c *call.Call, batch []record.Document) error {
	for len(batch) > 0 {
		ops, err := d.delivered(c.Account, batch, true)
		if err != nil {
			return err
		}
		err = c.Env.Table.Commit(ctx, ops)
		refused, ok := table.Refused(err)
		if !ok {
			return err
		}
		batch = slices.DeleteFunc(
			slices.Clone(batch),
			func(l record.Document) bool { return refused.Has(record.LicenseKey(c.Account, l.ID)) },
		)
	}
	return nil
}

// drainAfter serves the waiting lists of what was delivered. The delivery stands whatever becomes
// of this: the maintenance function looks at every list.
func (d *Service) drainAfter(ctx context.Context, c *call.Call, lots []Lot) {
	looked := map[string]bool{}
	for _, lot := range lots {
		p, _ := d.products.Lookup(lot.ProductID)
		if p.Kind != catalog.Seat || looked[p.ID] {
			continue
		}
		looked[p.ID] = true
		d.drainSoon(ctx, c, p.ID)
	}
}

// drainSoon is Drain where a failure only means that the list is served later.
func (d *Service) drainSoon(ctx context.Context, c *call.Call, product string) {
	if _, err := d.Drain(ctx, c, product); err != nil {
		c.Env.Log.WarnContext(ctx, "waiting list not drained", "account", c.Account, "product", product, "error", err)
	}
}

// Unused demands, in the commit that deletes a cost center, that no license is charged to it by
// then: an order that was confirmed between InUse and that commit makes it fail. It takes an
// operation for each product that can be bought.
func (d *Service) Unused(account, costCenter string) []table.Operation {
	var ops []table.Operation
	for _, p := range d.products.Purchasable() {
		ops = append(
			ops,
			table.Add(record.CostCenterSeatsKey(account, p.ID, costCenter), table.AtMost(record.CountBought, 0, 0)),
		)
	}
	return ops
}
