package table

import (
	"slices"
	"unicode/utf8"
)

// ValidCommit checks a commit against DynamoDB's limits. Every adapter calls it first, and changes
// nothing when it refuses.
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
		if op.Kind == KindAdd {
			if err := validBounds(op); err != nil {
				return err
			}
		}
		if !utf8.Valid(op.Item.Data) {
			return limitf("the data of %s is not UTF-8", op.Item.Key)
		}
		for name := range op.Item.Counts {
			if err := validCount(name); err != nil {
				return err
			}
		}
		size := Size(op.Item)
		if size > MaxItemBytes {
			return limitf("item %s has %d bytes, at most %d", op.Item.Key, size, MaxItemBytes)
		}
		total += size
		for _, indexKey := range op.Item.IndexKeys {
			if indexKey == (Key{}) {
				continue
			}
			if err := validKey(indexKey); err != nil {
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
	if !utf8.ValidString(q.Partition) || !utf8.ValidString(q.Prefix) || !utf8.ValidString(q.From) ||
		!utf8.ValidString(q.To) {
		return limitf("a query that is not UTF-8")
	}
	if len(q.Prefix) > MaxSortKey || len(q.From) > MaxSortKey || len(q.To) > MaxSortKey {
		return limitf("a query's prefix, from and to have at most %d bytes", MaxSortKey)
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

func validBounds(op *Operation) error {
	if len(op.Bound) == 0 {
		return limitf("an add on %s that adds nothing", op.Item.Key)
	}
	if len(op.Bound) > MaxBounds {
		return limitf("%d bounds in an add, at most %d", len(op.Bound), MaxBounds)
	}
	for i, b := range op.Bound {
		if err := validCount(b.Name); err != nil {
			return err
		}
		if slices.ContainsFunc(op.Bound[:i], func(o Bound) bool { return o.Name == b.Name }) {
			return limitf("two bounds on count %q of %s", b.Name, op.Item.Key)
		}
		if b.By > MaxCount || b.By < -MaxCount {
			return limitf("count %q changes by %d, at most %d", b.Name, b.By, int64(MaxCount))
		}
	}
	return nil
}

func validCount(name string) error {
	if name == "" || len(name) > MaxCountName || !utf8.ValidString(name) {
		return limitf("name of a count of %d bytes, 1 to %d of UTF-8 allowed", len(name), MaxCountName)
	}
	return nil
}

// Size is an upper estimate of the bytes that DynamoDB counts for an item: names and values of its
// attributes.
func Size(item Item) int {
	const name, number, schema = 2, 21, 2
	size := name + len(item.Partition) + name + len(item.Sort) + name + number + name + len(item.Data) + name + schema
	for n := range item.Counts {
		size += name + len(n) + number
	}
	for _, indexKey := range item.IndexKeys {
		if indexKey != (Key{}) {
			size += 2*(name+2) + len(indexKey.Partition) + len(indexKey.Sort)
		}
	}
	if item.Expires != 0 {
		size += name + number
	}
	return size
}
