package record

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Records know where the documents of licenses lie: which of them may be seen, and over how many
// shards they are spread. What they remember never turns wrong: an order that is confirmed stays so,
// and the number of shards only grows, so who must see every license looks at what is stored now.
type Records struct {
	products *catalog.Catalog
	known    sync.Map // markers of orders that are confirmed
	counts   sync.Map // shards, by account
}

// NewRecords are those of the products of a catalog.
func NewRecords(products *catalog.Catalog) *Records { return &Records{products: products} }

// Confirm notes that an order is confirmed.
func (r *Records) Confirm(marker table.Key) { r.known.Store(marker, struct{}{}) }

// Document is the document of a license item.
type Document struct {
	License
	// Pending licenses belong to an order of several commits: nobody sees them before the order is
	// confirmed.
	Pending bool `json:"pending,omitempty"`
	// Shards is over how many shards the licenses of the account were spread when this one was
	// placed; 0 stands for FirstShards.
	Shards int `json:"shards,omitempty"`
	// HolderCostCenter is that of the person who holds a metered license: what it costs goes there.
	HolderCostCenter string `json:"holderCostCenter,omitempty"`
}

// Remember notes what a read has found of confirmed orders.
func (r *Records) Remember(found map[table.Key]table.Item, markers []table.Key) {
	for _, marker := range markers {
		if _, ok := found[marker]; ok {
			r.Confirm(marker)
		}
	}
}

// ConfirmedOrder is the document of confirmedKey; the ids of the order's licenses follow from it.
type ConfirmedOrder struct {
	OrderID string `json:"orderId"`
	Lots    []Lot  `json:"lots"`
}

// ConfirmedKey is where an order is marked as confirmed, with its lots.
func ConfirmedKey(account, order string) table.Key {
	return MarkerKey(account, DeliveredID(account, order, 0))
}

// MarkerKey is confirmedKey of the order that a license is of, by the license's id.
func MarkerKey(account, license string) table.Key {
	return table.Key{Partition: call.Partition(account, "CONFIRMED"), Sort: ending(license)}
}

// Markers are where to look whether the orders of some licenses are confirmed, of those orders that
// are not known to be.
func (r *Records) Markers(account string, licenses []string) []table.Key {
	var keys []table.Key
	for _, id := range licenses {
		if !wasDelivered(id) {
			continue
		}
		key := MarkerKey(account, id)
		if _, known := r.known.Load(key); !known && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Seen says whether a license may be seen, as far as the process knows: one that was written before
// its order was confirmed may not before that.
func (r *Records) Seen(account string, l Document) bool {
	if !l.Pending {
		return true
	}
	_, known := r.known.Load(MarkerKey(account, l.ID))
	return known
}

// Sight reads, at once, whether the orders of those licenses that were written before their order
// was confirmed are confirmed by now, and makes the test of whether a license may be seen.
func (r *Records) Sight(ctx context.Context, c *call.Call, licenses []Document) (func(Document) bool, error) {
	seen := func(l Document) bool { return r.Seen(c.Account, l) }
	var pending []string
	for _, l := range licenses {
		if l.Pending {
			pending = append(pending, l.ID)
		}
	}
	markers := r.Markers(c.Account, pending)
	if len(markers) == 0 {
		return seen, nil
	}
	found, err := c.Env.Table.Lookup(ctx, markers...)
	if err != nil {
		return seen, err
	}
	r.Remember(found, markers)
	return seen, nil
}

// ConfirmedLots are the lots of an order, if it is confirmed.
func (r *Records) ConfirmedLots(ctx context.Context, c *call.Call, orderID string) (lots []Lot, ok bool, err error) {
	item, ok, err := c.Get(ctx, ConfirmedKey(c.Account, orderID))
	if err != nil || !ok {
		return nil, false, err
	}
	confirmed, err := call.Decode[ConfirmedOrder](item)
	if err == nil && confirmed.OrderID != orderID {
		err = fmt.Errorf("orders %s and %s have the same ending of their licenses' ids", orderID, confirmed.OrderID)
	}
	return confirmed.Lots, err == nil, err
}

// Item places a license in the indexes by which lists find it; docs/data-model.md says which
// filter uses which. The item has no data yet.
func (r *Records) Item(account string, l Document) table.Item {
	family, shard := r.Family(l.ProductID), l.Shard()
	item := table.Item{Key: LicenseKey(account, l.ID)}
	item.IndexKeys[0] = table.Key{Partition: LicensesByProduct(account, shard), Sort: productSort(family, l.License)}
	if l.CostCenter != "" {
		item.IndexKeys[1] = table.Key{
			Partition: LicensesByCostCenter(account, shard),
			Sort:      costCenterSort(family, l.License),
		}
	}
	item.IndexKeys[2] = table.Key{Partition: LicensesByStatus(account, shard), Sort: statusSort(family, l.License)}
	return item
}

// Family is the base product of an add-on, and any other product itself.
func (r *Records) Family(product string) string {
	if p, ok := r.products.Lookup(product); ok && p.Base != "" {
		return p.Base
	}
	return product
}

// Shards reads the number as it is stored now.
func (r *Records) Shards(ctx context.Context, c *call.Call) (int, error) {
	found, err := c.Env.Table.Lookup(ctx, ShardsKey(c.Account))
	if err != nil {
		return 0, err
	}
	return r.ReadShards(c.Account, found)
}

// KnownShards is over how many shards an account is spread, as far as the process knows.
func (r *Records) KnownShards(account string) int {
	known, _ := r.counts.Load(account)
	if n, ok := known.(int); ok {
		return n
	}
	return FirstShards
}

// ReadShards takes the number from what was read of shardsKey.
func (r *Records) ReadShards(account string, found map[table.Key]table.Item) (int, error) {
	item, ok := found[ShardsKey(account)]
	if !ok {
		return r.KnownShards(account), nil
	}
	count, err := call.Decode[ShardCount](item)
	if err != nil {
		return 0, err
	}
	n := max(count.Shards, r.KnownShards(account))
	r.counts.Store(account, n)
	return n, nil
}

// ShardCount is the document of shardsKey.
type ShardCount struct {
	Shards int `json:"shards"`
}

// Lot is a number of new licenses of one product, charged to one cost center.
type Lot struct {
	ProductID  string `json:"productId"`
	CostCenter string `json:"costCenter,omitempty"`
	Quantity   int    `json:"quantity"`
}

// DeliveredID is the id of an order's n-th license: a UUID (version 8, RFC 9562) that follows from
// the order. It begins as evenly spread as a random one, and ends like those of all licenses of the
// order and of no other (62 bits), so that an id says where to look whether its order is confirmed.
func DeliveredID(account, orderID string, n int) string {
	order := sha256.Sum256([]byte(account + "\x00" + orderID))
	one := sha256.Sum256(binary.BigEndian.AppendUint32(order[:], uint32(n)))
	id := uuid.UUID(slices.Concat(one[:8], order[:8]))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// ending is the part of a license's id in which those of one order are the same.
func ending(id string) string { return id[len("00000000-0000-0000-"):] }

// wasDelivered says whether an id is of the kind that licenses of orders have, and no other
// license.
func wasDelivered(id string) bool { return id[len("00000000-0000-")] == '8' }

// WellFormed keeps what is no UUID of ours from becoming a key.
func WellFormed(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}

// ChargedTo is the cost center that a license is charged to: of a metered one its holder's. Empty for
// none.
func (l Document) ChargedTo() string {
	if l.Kind == catalog.Metered {
		return l.HolderCostCenter
	}
	return l.CostCenter
}

// Shown is a license as it is answered: with the name that its product has now, which is not
// stored.
func Shown(products *catalog.Catalog, l License) License {
	if p, ok := products.Lookup(l.ProductID); ok {
		l.ProductName = p.Name
	}
	return l
}
