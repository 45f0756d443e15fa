package table

import "context"

// Counted wraps a store and tells onCall of every call after its answer: the operation of the
// DynamoDB API that it stands for and an estimate of the capacity units that this would consume
// there.
//
// The estimate goes by DynamoDB's rules and by what is known on this side of the port. A strongly
// consistent read is 1 unit for each 4 KB of an item (in a query: of the page), half of that on an
// index, and a missing item counts as one of 4 KB. A write in a transaction is 2 units for each KB,
// one put alone 1, and 1 for each KB in each index that the item is in. Of a delete, a check or an add only the key
// is known, so it counts as an item of 1 KB in no index. A refused commit counts in full, as it
// does in AWS.
func Counted(inner Store, onCall func(op string, capacity float64)) Store {
	return Metered(inner, func(u Use) { onCall(u.Op, u.Reads+u.Writes) })
}

// Use is what one call of a store stands for in DynamoDB.
type Use struct {
	// Op is the operation of the DynamoDB API.
	Op string
	// Partition is that of the call's first key.
	Partition string
	// Reads and Writes are the units, as Counted estimates them.
	Reads, Writes float64
}

// Metered is Counted with the partition, and with what was read apart from what was written.
func Metered(inner Store, onUse func(Use)) Store { return &counted{inner: inner, onUse: onUse} }

type counted struct {
	inner Store
	onUse func(Use)
}

const (
	readUnitBytes  = 4 << 10
	writeUnitBytes = 1 << 10
)

func portions(size, portion int) float64 {
	return float64(max(1, (size+portion-1)/portion))
}

func (c *counted) Lookup(ctx context.Context, keys ...Key) (map[Key]Item, error) {
	found, err := c.inner.Lookup(ctx, keys...)
	for first := 0; first < len(keys); first += MaxKeysPerLookup {
		part := keys[first:min(first+MaxKeysPerLookup, len(keys))]
		op := "BatchGetItem"
		if len(keys) == 1 {
			op = "GetItem"
		}
		capacity := 0.0
		for _, key := range part {
			size := 0
			if item, ok := found[key]; ok {
				size = Size(item)
			}
			capacity += portions(size, readUnitBytes)
		}
		c.onUse(Use{Op: op, Partition: part[0].Partition, Reads: capacity})
	}
	return found, err
}

func (c *counted) Query(ctx context.Context, q Query) (Page, error) {
	page, err := c.inner.Query(ctx, q)
	size := 0
	for _, item := range page.Items {
		size += Size(item)
	}
	capacity := portions(size, readUnitBytes)
	if q.Index != Base {
		capacity /= 2
	}
	c.onUse(Use{Op: "Query", Partition: q.Partition, Reads: capacity})
	return page, err
}

func (c *counted) Commit(ctx context.Context, ops []Operation) error {
	err := c.inner.Commit(ctx, ops)
	op, each, capacity, partition := "TransactWriteItems", 2.0, 0.0, ""
	if Alone(ops) {
		op, each = "PutItem", 1
	}
	for i := range ops {
		item := ops[i].Item
		if i == 0 {
			partition = item.Partition
		}
		writes := each
		for _, indexKey := range item.IndexKeys {
			if indexKey != (Key{}) {
				writes++
			}
		}
		capacity += writes * portions(Size(item), writeUnitBytes)
	}
	c.onUse(Use{Op: op, Partition: partition, Writes: capacity})
	return err
}
