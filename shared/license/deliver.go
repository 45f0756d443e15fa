package license

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

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
func (d *Service) Deliver(ctx context.Context, c *call.Call, o Delivery) error {
	if err := d.Add(ctx, c, o); err != nil {
		return err
	}
	delivered := map[string]bool{}
	for _, lot := range o.Lots {
		delivered[lot.ProductID] = true
	}
	d.serveSoon(ctx, c, delivered) // the delivery stands whatever becomes of this
	return nil
}

// Add is Deliver without serving the waiting lists, for who serves them then.
//
// Errors: those of Deliver.
func (d *Service) Add(ctx context.Context, c *call.Call, o Delivery) error {
	licenses, err := d.lotted(c, o.OrderID, o.Lots)
	if err != nil {
		return err
	}
	_, confirmed, err := d.records.ConfirmedLots(ctx, c, o.OrderID)
	if err != nil {
		return err
	}
	if !confirmed {
		err := d.confirm(ctx, c, o, licenses)
		if refused, ok := table.Refused(err); ok && refused.Has(record.ConfirmedKey(c.Account, o.OrderID)) {
			confirmed = true // by another run of the same order
		} else if err != nil {
			return err
		}
	}
	if confirmed {
		return c.Commit(ctx, o.Answer)
	}
	return nil
}

// Delivery is what Deliver adds to the account.
type Delivery struct {
	OrderID string
	Lots    []Lot
	// Answer is stored for the call's idempotency key.
	Answer call.Answer
	// Confirm are operations of the caller's, committed with what shows the licenses.
	Confirm []table.Operation
}

// confirm makes the licenses and shows them.
func (d *Service) confirm(ctx context.Context, c *call.Call, o Delivery, licenses []record.Document) error {
	var shown, whole writes
	confirmation(&shown, c, o.OrderID, o.Lots)
	shown.add(o.Confirm...)
	commit := func(ctx context.Context, ops []table.Operation) error { return c.Commit(ctx, o.Answer, ops...) }
	if 2*len(licenses)+len(shown.ops) <= c.Spare() {
		d.delivered(&whole, c.Account, licenses, false)
		whole.add(shown.ops...)
		err := whole.commit(ctx, commit)
		refused, ok := table.Refused(err)
		if !ok || !slices.ContainsFunc(licenses, refusing(c.Account, refused)) {
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
	if err := d.prepare(ctx, c, o.OrderID, licenses); err != nil {
		return err
	}
	return shown.commit(ctx, commit)
}

// OneCommit says whether Deliver can add the lots in one commit with this many operations of its
// caller's; if not, the caller marks the work first, so that another run can finish it.
func (d *Service) OneCommit(c *call.Call, lots []Lot, confirm int) bool {
	licenses := 0
	for _, lot := range lots {
		licenses += lot.Quantity
	}
	var shown writes
	confirmation(&shown, c, "", lots)
	return 2*licenses+len(shown.ops)+confirm <= c.Spare()
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

// refusing is the test of whether a license that was to be made was there already.
func refusing(account string, refused *table.ConditionError) func(record.Document) bool {
	return func(l record.Document) bool { return refused.Has(record.LicenseKey(account, l.ID)) }
}

// lotted makes the licenses of the lots, the same in every run.
func (d *Service) lotted(c *call.Call, orderID string, lots []Lot) ([]record.Document, error) {
	if len(lots) == 0 || len(lots) > mostLots {
		return nil, fmt.Errorf("delivery of order %s has %d lots, 1 to %d allowed", orderID, len(lots), mostLots)
	}
	var licenses []record.Document
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
		if len(licenses)+lot.Quantity > MaxDelivery {
			return nil, fmt.Errorf("delivery of order %s has more than %d licenses", orderID, MaxDelivery)
		}
		for range lot.Quantity {
			licenses = append(licenses, record.Document{License: License{
				ID:         record.DeliveredID(c.Account, orderID, len(licenses)),
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
func (d *Service) delivered(w *writes, account string, licenses []record.Document, pending bool) {
	for _, l := range licenses {
		l.Pending = pending
		w.put(d.records.Item(account, l), l, table.IfAbsent)
		w.offer(account, offer{Document: l, LicenseVersion: deliveredVersion}, table.Always)
	}
}

// confirmation counts what the order adds, and marks it as confirmed.
func confirmation(w *writes, c *call.Call, orderID string, lots []Lot) {
	marker := table.Item{Key: record.ConfirmedKey(c.Account, orderID)}
	w.put(marker, record.ConfirmedOrder{OrderID: orderID, Lots: lots}, table.IfAbsent)
	bought := map[table.Key]int64{}
	for _, lot := range lots {
		bought[record.BoughtKey(c.Account, lot.ProductID)] += int64(lot.Quantity)
		bought[record.CostCenterSeatsKey(c.Account, lot.ProductID, lot.CostCenter)] += int64(lot.Quantity)
	}
	w.add(boughtOperations(c, bought)...)
}

// batches divides licenses into those of one commit each, and says which commits are not made yet:
// those whose first license is not there. It reads one item for each batch.
func (d *Service) batches(
	ctx context.Context, c *call.Call, licenses []record.Document,
) (all, missing [][]record.Document, err error) {
	all = slices.Collect(slices.Chunk(licenses, deliveryBatch))
	var heads []table.Key
	for _, batch := range all {
		heads = append(heads, record.LicenseKey(c.Account, batch[0].ID))
	}
	there, err := c.Env.Table.Lookup(ctx, heads...)
	for i, batch := range all {
		if !has(there, heads[i]) {
			missing = append(missing, batch)
		}
	}
	return all, missing, err
}

// Prepared says how much of an order that is not yet confirmed is written, in percent. It reads one
// item for each 50 licenses.
func (d *Service) Prepared(ctx context.Context, c *call.Call, orderID string, lots []Lot) (int, error) {
	licenses, err := d.lotted(c, orderID, lots)
	if err != nil {
		return 0, err
	}
	all, missing, err := d.batches(ctx, c, licenses)
	return 100 * (len(all) - len(missing)) / len(all), err
}

// prepare writes the licenses so that nobody sees them yet.
func (d *Service) prepare(ctx context.Context, c *call.Call, orderID string, licenses []record.Document) error {
	_, missing, err := d.batches(ctx, c, licenses)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deliveryFlights)
	for _, batch := range missing {
		group.Go(func() error { return d.prepareBatch(ctx, c, batch) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("prepare order %s: %w", orderID, err)
	}
	return nil
}

// prepareBatch writes those of a batch that are not there. A license that is there was written with
// its pool entry, which may be gone again if the order is confirmed meanwhile, so the two are
// skipped together. The state of the account is demanded by the commit that shows them, not by these: a
// batch fills a commit to the last operation.
func (d *Service) prepareBatch(ctx context.Context, c *call.Call, batch []record.Document) error {
	for len(batch) > 0 {
		var w writes
		d.delivered(&w, c.Account, batch, true)
		err := w.commit(call.Anyhow(ctx), c.Env.Table.Commit)
		refused, ok := table.Refused(err)
		if !ok {
			return err
		}
		batch = slices.DeleteFunc(slices.Clone(batch), refusing(c.Account, refused))
	}
	return nil
}

// Unused demands, in the commit that deletes a cost center, that no license is charged to it and
// nobody is of it by then: an order that was confirmed between InUse and that commit makes it fail.
// It takes an operation for each product that can be bought, and one.
func (d *Service) Unused(account, costCenter string) []table.Operation {
	ops := []table.Operation{
		table.Add(record.PeopleKey(account, costCenter), table.AtMost(record.CountPeople, 0, 0)),
	}
	for _, p := range d.products.Purchasable() {
		ops = append(
			ops,
			table.Add(record.CostCenterSeatsKey(account, p.ID, costCenter), table.AtMost(record.CountBought, 0, 0)),
		)
	}
	return ops
}
