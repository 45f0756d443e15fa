package table

import "unicode/utf8"

// ValidCommit checks a commit against DynamoDB's limits. Every adapter calls it first, and changes nothing when it refuses.
func ValidCommit(ops []Operation) error {
	if len(ops) == 0 {
		return limitf("a commit without operations")
	}
	if len(ops) > MaxOperations {
		return limitf("%d operations in a commit, at most %d", len(ops), MaxOperations)
	}
	seen := make(map[Key]struct{}, len(ops))
	total := 0
	for i := range ops {
		op := &ops[i]
		if err := validKey(op.Item.Key); err != nil {
			return err
		}
		if _, twice := seen[op.Item.Key]; twice {
			return limitf("two operations on %s", op.Item.Key)
		}
		seen[op.Item.Key] = struct{}{}
		if op.Kind == KindCheck && op.Cond == Always {
			return limitf("a check of %s that demands nothing", op.Item.Key)
		}
		if op.Kind == KindAdd && len(op.Bound) == 0 {
			return limitf("an add on %s that adds nothing", op.Item.Key)
		}
		size := Size(op.Item)
		if size > MaxItemBytes {
			return limitf("item %s has %d bytes, at most %d", op.Item.Key, size, MaxItemBytes)
		}
		total += size
		for _, place := range op.Item.Places {
			if place == (Key{}) {
				continue
			}
			if err := validKey(place); err != nil {
				return err
			}
		}
	}
	if total > MaxCommitBytes {
		return limitf("%d bytes in a commit, at most %d", total, MaxCommitBytes)
	}
	return nil
}

// ValidQuery checks a query; a Limit of 0 becomes MaxPage.
func ValidQuery(q *Query) error {
	if q.Index < Base || q.Index >= indexes {
		return limitf("no index %d", q.Index)
	}
	if q.Partition == "" || len(q.Partition) > MaxPartitionKey {
		return limitf("a query's partition key has 1 to %d bytes", MaxPartitionKey)
	}
	if q.Limit < 0 || q.Limit > MaxPage {
		return limitf("a query's limit is 1 to %d", MaxPage)
	}
	if q.Limit == 0 {
		q.Limit = MaxPage
	}
	return nil
}

// ValidKeys checks the keys of a Lookup.
func ValidKeys(keys []Key) error {
	for _, k := range keys {
		if err := validKey(k); err != nil {
			return err
		}
	}
	return nil
}

func validKey(k Key) error {
	if k.Partition == "" || len(k.Partition) > MaxPartitionKey || !utf8.ValidString(k.Partition) {
		return limitf("partition key of %d bytes, 1 to %d of UTF-8 allowed", len(k.Partition), MaxPartitionKey)
	}
	if k.Sort == "" || len(k.Sort) > MaxSortKey || !utf8.ValidString(k.Sort) {
		return limitf("sort key of %d bytes, 1 to %d of UTF-8 allowed", len(k.Sort), MaxSortKey)
	}
	return nil
}

// Size is an upper estimate of the bytes that DynamoDB counts for an item: names and values of its attributes.
func Size(item Item) int {
	const name, number = 2, 21
	size := name + len(item.Partition) + name + len(item.Sort) + name + number + name + len(item.Data)
	for n := range item.Counts {
		size += name + len(n) + number
	}
	for _, place := range item.Places {
		if place != (Key{}) {
			size += 2*(name+2) + len(place.Partition) + len(place.Sort)
		}
	}
	if item.Expires != 0 {
		size += name + number
	}
	return size
}
