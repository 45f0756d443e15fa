// Package table is the one state port: a sorted table in DynamoDB's terms (design, decision 3).
//
// An adapter stores items under a partition and a sort key, answers strongly consistent reads of
// base keys, eventually consistent reads of three secondary indexes, and commits a list of
// operations all or nothing. The limits are DynamoDB's and are enforced here, before an adapter is
// reached, so that nothing passes on one machine that AWS would refuse.
package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// DynamoDB's limits, which hold on every adapter.
const (
	MaxOperations   = 100       // operations in one commit
	MaxCommitBytes  = 4 << 20   // bytes of all items in one commit
	MaxItemBytes    = 400 << 10 // bytes of one item, names included
	MaxPartitionKey = 2048      // bytes
	MaxSortKey      = 1024      // bytes
	// keys in one Lookup call; Store implementations split longer lists and count one call for each
	// part
	MaxKeysPerLookup = 100
	MaxPage          = 1000 // items in one Query page
	// bytes of the items in one Query page; the item that crosses the line is the page's last
	MaxPageBytes = 1 << 20
	MaxBounds    = 40      // bounds in one Add, so that the conditions fit into an expression of 4 KB
	MaxCountName = 200     // bytes
	MaxCount     = 1 << 53 // the most that one Add may change a count by, either way
)

// Schema is the version of what items mean that this release writes, and the latest that it reads. An adapter
// writes it into each item. docs/CONTRIBUTING.md, "A change of what is stored", says how it grows.
const Schema = 1

// ReadableSchema refuses an item that a later release has written: to read on would be to lose what it says.
//
// Errors: ErrSchema, naming both versions.
func ReadableSchema(key Key, schema int64) error {
	if schema > Schema {
		return fmt.Errorf("%w: item %s has schema version %d, and this release reads up to %d",
			ErrSchema, key, schema, Schema)
	}
	return nil
}

// Key names an item. Both parts are non-empty UTF-8; they sort by bytes.
type Key struct{ Partition, Sort string }

// Compare orders keys as they sort: negative when k comes before other.
func (k Key) Compare(other Key) int {
	return cmp.Or(strings.Compare(k.Partition, other.Partition), strings.Compare(k.Sort, other.Sort))
}

func (k Key) String() string { return k.Partition + " / " + k.Sort }

// Index names the base table or one of its secondary indexes. An item appears in an index only
// while it carries a key for it.
type Index int

// The indexes. What each holds is written down in docs/data-model.md.
const (
	Base Index = iota
	Index1
	Index2
	Index3
	indexes
)

// Indexes is how many secondary indexes there are.
const Indexes = int(indexes) - 1

// Item is what the table stores.
type Item struct {
	Key
	// Version is set by the store: 1 when an item is put with IfAbsent, one more at each put with
	// IfVersion, after any other put what Put was told then: 0, unless the caller counts versions
	// by other means and sets one on the operation.
	Version int64
	// Data is a JSON document, opaque to the store.
	Data []byte
	// Counts are numbers that Add changes without reading the item; Put replaces them like
	// everything else.
	Counts map[string]int64
	// IndexKeys are the item's keys in Index1..Index3; a zero Key leaves the item out of that
	// index.
	IndexKeys [Indexes]Key
	// Expires is the Unix second after which the item may vanish at any time (DynamoDB deletes
	// expired items within days, so readers that care compare it themselves); 0 means never.
	Expires int64
}

// Condition is what an operation demands of the item as it is before the commit.
type Condition struct {
	kind    conditionKind
	version int64
}

type conditionKind int

const (
	anyState conditionKind = iota
	absent
	present
	versionIs
)

// The conditions. Always is the zero Condition.
var (
	Always    = Condition{}
	IfAbsent  = Condition{kind: absent}
	IfPresent = Condition{kind: present}
)

// IfVersion demands that the item exists at exactly this version.
func IfVersion(version int64) Condition { return Condition{kind: versionIs, version: version} }

// Absent and Present, with Version below, let an adapter translate the condition.
func (c Condition) Absent() bool { return c.kind == absent }

// Present is true of IfPresent only, though IfVersion demands the item too.
func (c Condition) Present() bool { return c.kind == present }

// Version returns the demanded version, if one is demanded.
func (c Condition) Version() (int64, bool) { return c.version, c.kind == versionIs }

// Bound is one change of one count.
type Bound struct {
	Name string
	By   int64
	// Min and Max bound the count after the change; nil is unbounded. A missing item or count is 0.
	Min, Max *int64
}

// AtLeast makes a Bound whose result must be min or more.
func AtLeast(name string, by, minimum int64) Bound { return Bound{Name: name, By: by, Min: &minimum} }

// AtMost makes a Bound whose result must be max or less.
func AtMost(name string, by, maximum int64) Bound { return Bound{Name: name, By: by, Max: &maximum} }

// Met says whether the condition holds of an item as it is; exists is false when there is none.
func (c Condition) Met(item Item, exists bool) bool {
	switch c.kind {
	case absent:
		return !exists
	case present:
		return exists
	case versionIs:
		return exists && item.Version == c.version
	case anyState:
	}
	return true
}

// Met says whether the bound allows the count to become after.
func (b Bound) Met(after int64) bool {
	return (b.Min == nil || after >= *b.Min) && (b.Max == nil || after <= *b.Max)
}

// Kind is the kind of an operation.
type Kind int

// The kinds of operation.
const (
	KindPut Kind = iota
	KindDelete
	KindCheck
	KindAdd
)

// Operation is one element of a commit. A commit has at most one operation for each key.
type Operation struct {
	Kind  Kind
	Item  Item // the whole item for KindPut; only its Key otherwise
	Cond  Condition
	Bound []Bound // for KindAdd
}

// Put stores the item whole, replacing what was there.
func Put(item Item, cond Condition) Operation {
	switch {
	case cond.kind == versionIs:
		item.Version = cond.version + 1
	case cond.kind == absent:
		item.Version = 1
	default:
		item.Version = 0
	}
	return Operation{Kind: KindPut, Item: item, Cond: cond}
}

// VersionAt is the version of an item that is put at a moment whatever was there, for who changes it by what they have
// read: two such puts differ by it, in microseconds.
func VersionAt(at time.Time) int64 { return at.UnixMicro() }

// Delete removes the item; removing a missing one is no fault unless the condition says so.
func Delete(key Key, cond Condition) Operation {
	return Operation{Kind: KindDelete, Item: Item{Key: key}, Cond: cond}
}

// Check only demands.
func Check(key Key, cond Condition) Operation {
	return Operation{Kind: KindCheck, Item: Item{Key: key}, Cond: cond}
}

// Add changes counts without reading the item, which is made if it is missing; it leaves the
// version as it is.
func Add(key Key, bounds ...Bound) Operation {
	return Operation{Kind: KindAdd, Item: Item{Key: key}, Bound: bounds}
}

// Alone says whether a commit is one put that demands a version or that there is no item: it needs no
// transaction, since whether it took effect can be read, and takes half the write units without one.
func Alone(ops []Operation) bool {
	if len(ops) != 1 || ops[0].Kind != KindPut {
		return false
	}
	_, versioned := ops[0].Cond.Version()
	return versioned || ops[0].Cond.Absent()
}

// Query asks for items of one partition of the base table or of an index, in the order of the sort
// key.
type Query struct {
	Index     Index
	Partition string
	// Prefix, From (inclusive) and To (exclusive) narrow the sort key; all that are set must hold.
	Prefix, From, To string
	// After is the Next of the page before; empty begins at the start.
	After string
	// Limit is the page size, 1..MaxPage; 0 means MaxPage.
	Limit     int
	Backwards bool
}

// Page is an answer to a Query: at most Limit items. Next is empty on the last page; a page may be
// short and have a Next all the same (DynamoDB ends a page at 1 MB).
type Page struct {
	Items []Item
	Next  string
}

// Store is the port.
//
// Errors: ErrConflict when a commit kept colliding with others until the context's deadline or the
// retry budget was spent; ErrThrottled when the store refused for load; *ConditionError when
// conditions were not met; a *LimitError for what no store would take; otherwise the context's
// error or an error of the adapter, after which it is unknown whether a commit took effect.
type Store interface {
	// Lookup reads items by key, strongly consistent, in one call for up to MaxKeysPerLookup keys.
	// The answer has an entry for each item that exists.
	Lookup(ctx context.Context, keys ...Key) (map[Key]Item, error)
	// Query reads one page. The base table is read strongly consistent, an index eventually so.
	Query(ctx context.Context, q Query) (Page, error)
	// Commit carries out all operations or none.
	Commit(ctx context.Context, ops []Operation) error
}

// Scanner reads through the whole table, whatever its partitions are called. It is for what no key finds:
// one function has it, which serves no requests (docs/isolation.md).
//
// Errors: those of Store's reads.
type Scanner interface {
	// Scan reads a page behind a key, strongly consistent, and answers those of its items whose partitions
	// begin with one of the prefixes, with the key behind which the next page begins. That is the zero
	// Key on the last page; a page may be empty and not be the last. The zero Key begins at the start.
	Scan(ctx context.Context, prefixes []string, after Key) (items []Item, next Key, err error)
}

// The errors that a Store returns beside *ConditionError and *LimitError.
var (
	ErrConflict  = errors.New("the commit kept colliding with others")
	ErrThrottled = errors.New("the store is too busy")
	// ErrSchema is returned for an item of a later release.
	ErrSchema = errors.New("a later release of Seatwise has written this")
	// ErrCursor is returned by Query for an After that is none of its own.
	ErrCursor = errors.New("the cursor is not of this query")
)

// ConditionError says which operations of a commit were refused; nothing was changed.
type ConditionError struct {
	// Failed are indexes into the operations, ascending, at least one. DynamoDB names every failed
	// one; so do the others.
	Failed []int
	// Keys are the keys of those operations, in the same order.
	Keys []Key
}

func (e *ConditionError) Error() string {
	names := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		names[i] = k.String()
	}
	return "conditions not met: " + strings.Join(names, ", ")
}

// Has says whether the operation on this key was refused.
func (e *ConditionError) Has(key Key) bool {
	for _, k := range e.Keys {
		if k == key {
			return true
		}
	}
	return false
}

// Refused finds the ConditionError in a chain.
func Refused(err error) (*ConditionError, bool) {
	var c *ConditionError
	ok := errors.As(err, &c)
	return c, ok
}

// LimitError is a call that DynamoDB would refuse; it is a fault of the program, not of the moment.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return "beyond the table's limits: " + e.What }

func limitf(format string, args ...any) error {
	return &LimitError{What: fmt.Sprintf(format, args...)}
}

// Get reads one item; ok is false when it does not exist.
func Get(ctx context.Context, s Store, key Key) (Item, bool, error) {
	found, err := s.Lookup(ctx, key)
	if err != nil {
		return Item{}, false, err
	}
	item, ok := found[key]
	return item, ok, nil
}

// Everything reads through a whole table and hands each item whose partition begins with one of the prefixes
// to visit, until it returns an error.
func Everything(ctx context.Context, s Scanner, prefixes []string, visit func(Item) error) error {
	var after Key
	for {
		items, next, err := s.Scan(ctx, prefixes, after)
		if err != nil {
			return err
		}
		for _, item := range items {
			if err := visit(item); err != nil {
				return err
			}
		}
		if next == (Key{}) {
			return nil
		}
		after = next
	}
}

// All reads every page of a query and hands each item to visit, until it returns an error.
func All(ctx context.Context, s Store, q Query, visit func(Item) error) error {
	for {
		page, err := s.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}
