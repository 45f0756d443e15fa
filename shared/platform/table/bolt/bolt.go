// Package bolt keeps the table in one file of go.etcd.io/bbolt: the embedded default on one
// machine.
//
// Commits are serial: one goroutine takes every commit that waits, checks and applies them one
// after the other in one transaction of the file, and syncs it once. A lone commit waits for
// nobody; under load one sync serves many. Reads see the last transaction that was synced, so they
// are strongly consistent on indexes too, which is more than the port promises.
package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"seatwise/shared/platform/table"
)

// The errors of opening and of a store that was closed.
var (
	// ErrInUse is returned by Open when another process holds the file.
	ErrInUse = errors.New("in use by another Seatwise; stop it or choose another --data")
	// ErrFormat is returned by Open for a file that this version cannot read.
	ErrFormat = errors.New("not a data file of this version of Seatwise")
	// ErrClosed is returned by every call after Close; nothing was changed.
	ErrClosed = errors.New("the store is closed")
)

const (
	// lockWait is how long Open waits for the lock on the file: enough for a predecessor that is
	// just stopping.
	lockWait = 500 * time.Millisecond
	// batchCommits and batchBytes bound what one transaction takes on, so that no caller waits long
	// for the others.
	batchCommits = 512
	batchBytes   = 8 << 20
	// format names the encoding of keys and items below, and what they mean where an older file would be
	// misread: since 2 markers of pending work lie below their accounts' keys, since 3 items have a schema
	// version, since 4 rollups are of leaves.
	format = "seatwise table 4"
	// sweepPart is how many expired items Sweep removes in one transaction.
	sweepPart = 500
)

// The buckets. An index bucket has a key for each item that is in the index and no values: the item
// is read through its base key, which ends the key.
var (
	metaBucket    = []byte("meta")
	itemsBucket   = []byte("items")
	expiresBucket = []byte("expires")
	indexBuckets  = [table.Indexes][]byte{[]byte("index1"), []byte("index2"), []byte("index3")}
	formatKey     = []byte("format")
)

// Store is a table.Store in one file.
type Store struct {
	db *bbolt.DB
	// commits has no buffer: whoever gets a commit into it knows that it will be carried out,
	// whoever does not that it will not.
	commits chan *pending
	stop    chan struct{}
	stopped chan struct{}
}

var _ table.Store = (*Store)(nil)

type pending struct {
	ops   []table.Operation
	bytes int
	done  chan error
}

// Open opens the file at path, or makes it and the folder around it. Another process may not have
// it open: ErrInUse.
func Open(path string) (*Store, error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, fmt.Errorf("the data folder %s is %w", folder, ErrInUse)
	case errors.Is(err, bbolterrors.ErrInvalid),
		errors.Is(err, bbolterrors.ErrVersionMismatch),
		errors.Is(err, bbolterrors.ErrChecksum):
		return nil, fmt.Errorf("%s is %w: %w", path, ErrFormat, err)
	case err != nil:
		return nil, fmt.Errorf("open the data file: %w", err)
	}
	if err := prepare(db, path, folder); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Store{db: db, commits: make(chan *pending), stop: make(chan struct{}), stopped: make(chan struct{})}
	go s.run()
	return s, nil
}

// prepare makes the buckets of a new file and refuses a file of another format.
func prepare(db *bbolt.DB, path, folder string) error {
	fresh, known := false, false
	err := db.View(func(tx *bbolt.Tx) error { // a file that is as it should be is not written: the disk may be full
		meta := tx.Bucket(metaBucket)
		known = meta != nil && string(meta.Get(formatKey)) == format
		return nil
	})
	if err != nil || known {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(metaBucket); meta != nil {
			if string(meta.Get(formatKey)) != format {
				return fmt.Errorf("%s is %w", path, ErrFormat)
			}
			return nil
		}
		if name, _ := tx.Cursor().First(); name != nil {
			return fmt.Errorf("%s is %w", path, ErrFormat)
		}
		fresh = true
		for _, name := range append([][]byte{metaBucket, itemsBucket, expiresBucket}, indexBuckets[:]...) {
			if _, err := tx.CreateBucket(name); err != nil {
				return fmt.Errorf("make bucket %s: %w", name, err)
			}
		}
		return tx.Bucket(metaBucket).Put(formatKey, []byte(format))
	})
	if err != nil {
		return fmt.Errorf("prepare the data file: %w", err)
	}
	// Without this the file's name may not survive a power cut. Windows has no such sync.
	if fresh && runtime.GOOS != "windows" {
		if err := syncFolder(folder); err != nil {
			return fmt.Errorf("sync the data folder: %w", err)
		}
	}
	return nil
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close carries out the commits that were taken on, refuses the others with ErrClosed, and lets go
// of the file. It is called once.
func (s *Store) Close() error {
	close(s.stop)
	<-s.stopped
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the data file: %w", err)
	}
	return nil
}

// Lookup reads items by key in one snapshot.
func (s *Store) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	if err := table.ValidKeys(keys); err != nil {
		return nil, err
	}
	found := make(map[table.Key]table.Item, len(keys))
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		items := tx.Bucket(itemsBucket)
		for _, key := range keys {
			item, ok, err := load(items, key)
			if err != nil {
				return err
			}
			if ok {
				found[key] = item
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Query reads one page in one snapshot.
func (s *Store) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.ValidQuery(&q); err != nil {
		return table.Page{}, err
	}
	lo, hi, some := q.Range()
	if !some {
		if q.After != "" {
			return table.Page{}, table.ErrCursor
		}
		return table.Page{}, ctx.Err()
	}
	start, end := span(q.Partition, lo, hi)
	if q.After != "" {
		last, err := placeOf(q)
		if err != nil {
			return table.Page{}, err
		}
		if q.Backwards {
			end = last
		} else {
			// No key is the beginning of another, so this is the least that may follow.
			start = append(bytes.Clone(last), 0)
		}
	}
	var page table.Page
	err := s.view(ctx, func(tx *bbolt.Tx) (err error) {
		page, err = pageOf(tx, q, start, end)
		return err
	})
	if err != nil {
		return table.Page{}, err
	}
	return page, nil
}

// scanned is how many items a page of a scan looks at.
const scanned = 500

// Scan implements table.Scanner: each page is read in one snapshot.
func (s *Store) Scan(
	ctx context.Context, prefixes []string, after table.Key,
) (found []table.Item, next table.Key, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		var start []byte
		if after != (table.Key{}) {
			start = append(appendKey(nil, after), 0)
		}
		n := 0
		for key, value := range walk(tx.Bucket(itemsBucket), start, []byte{math.MaxUint8}, false) {
			at, _, err := cutKey(key)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(at.Partition, p) }) {
				item, err := decode(at, value)
				if err != nil {
					return err
				}
				found = append(found, item)
			}
			if n++; n == scanned {
				next = at
				return nil
			}
		}
		return nil
	})
	return found, next, err
}

// placeOf is the key at which the page ended that q.After names.
//
// Errors: table.ErrCursor.
func placeOf(q table.Query) ([]byte, error) {
	sort, base, err := table.DecodeCursor(q)
	if err != nil {
		return nil, err
	}
	last := appendKey(nil, table.Key{Partition: q.Partition, Sort: sort})
	if q.Index != table.Base {
		last = appendKey(last, base)
	}
	return last, nil
}

// pageOf reads the items from start to end, as many as one page has.
func pageOf(tx *bbolt.Tx, q table.Query, start, end []byte) (table.Page, error) {
	items := tx.Bucket(itemsBucket)
	bucket := items
	if q.Index != table.Base {
		bucket = tx.Bucket(indexBuckets[q.Index-1])
	}
	var page table.Page
	size := 0
	for key, value := range walk(bucket, start, end, q.Backwards) {
		if len(page.Items) == q.Limit || size > table.MaxPageBytes {
			last := page.Items[len(page.Items)-1]
			page.Next = table.EncodeCursor(q, sortIn(q.Index, last), last.Key)
			break
		}
		if q.Index != table.Base {
			_, rest, err := cutKey(key)
			if err != nil {
				return table.Page{}, err
			}
			key, value = rest, items.Get(rest)
		}
		base, _, err := cutKey(key)
		if err != nil {
			return table.Page{}, err
		}
		item, err := decode(base, value)
		if err != nil {
			return table.Page{}, err
		}
		page.Items = append(page.Items, item)
		size += table.Size(item)
	}
	return page, nil
}

// Commit carries out all operations or none, and returns when they are on disk. A context that ends
// before the commit is taken on leaves everything as it was; after that Commit waits for the
// outcome, which is one transaction's time away, rather than leave it unknown.
func (s *Store) Commit(ctx context.Context, ops []table.Operation) error {
	if err := table.ValidCommit(ops); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &pending{ops: ops, done: make(chan error, 1)}
	for i := range ops {
		p.bytes += table.Size(ops[i].Item)
	}
	select {
	case s.commits <- p:
		err := <-p.done
		if Full(err) { // who comes again when there is room is served
			return fmt.Errorf("%w: %w", table.ErrThrottled, err)
		}
		return err
	case <-s.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sweep removes the items whose Expires has passed by now and returns how many there were. DynamoDB
// does the same in the background; here the owner of the store calls it now and then.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	removed := 0
	for {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		part := 0
		err := s.db.Update(func(tx *bbolt.Tx) error {
			var due []table.Key
			end := binary.BigEndian.AppendUint64(nil, expiryOrder(now.Unix()))
			for key := range walk(tx.Bucket(expiresBucket), nil, end, false) {
				base, _, err := cutKey(key[8:])
				if err != nil {
					return err
				}
				if due = append(due, base); len(due) == sweepPart {
					break
				}
			}
			part = len(due)
			for _, key := range due {
				old, exists, err := load(tx.Bucket(itemsBucket), key)
				if err != nil {
					return err
				}
				c := change{key: key, old: old, existed: exists}
				if err := c.write(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return removed, failure("sweep", err)
		}
		removed += part
		if part < sweepPart {
			return removed, nil
		}
	}
}

func (s *Store) view(ctx context.Context, read func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.db.View(read); err != nil {
		return failure("read", err)
	}
	return nil
}

func failure(what string, err error) error {
	if errors.Is(err, bbolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return fmt.Errorf("%s the data file: %w", what, err)
}

// run is the goroutine that carries out commits.
func (s *Store) run() {
	defer close(s.stopped)
	for {
		select {
		case first := <-s.commits:
			s.flush(s.gather(first))
		case <-s.stop:
			return
		}
	}
}

// gather takes on whatever waits beside the first commit.
func (s *Store) gather(first *pending) []*pending {
	batch := []*pending{first}
	size := first.bytes
	// The callers of the last batch have just been woken: let them come along, or they alternate
	// with this one.
	runtime.Gosched()
	for len(batch) < batchCommits && size < batchBytes {
		select {
		case p := <-s.commits:
			batch = append(batch, p)
			size += p.bytes
		default:
			return batch
		}
	}
	return batch
}

// flush carries out a batch in one transaction and answers every caller. A commit that fails while
// it is planned has written nothing, so the others go on without it; when the file cannot be
// written, all of them fail.
func (s *Store) flush(batch []*pending) {
	outcome := make([]error, len(batch))
	err := s.apply(batch, outcome)
	for i, p := range batch {
		if err != nil {
			p.done <- failure("write", err)
			continue
		}
		p.done <- outcome[i]
	}
}

func (s *Store) apply(batch []*pending, outcome []error) (err error) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, rollback(tx))
		}
	}()
	written := false
	for i, p := range batch {
		changes, err := plan(tx, p.ops)
		if err != nil {
			outcome[i] = err
			continue
		}
		for _, c := range changes {
			if err := c.write(tx); err != nil {
				return err
			}
			written = true
		}
	}
	if !written {
		return rollback(tx) // Nothing to sync.
	}
	return tx.Commit()
}

func rollback(tx *bbolt.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, bbolterrors.ErrTxClosed) {
		return err
	}
	return nil
}

// change is one item before and after a commit.
type change struct {
	key             table.Key
	old, item       table.Item
	existed, exists bool
}

// plan checks every condition of a commit against the transaction so far and returns the changes it
// makes, without making any.
func plan(tx *bbolt.Tx, ops []table.Operation) ([]change, error) {
	items := tx.Bucket(itemsBucket)
	changes := make([]change, 0, len(ops))
	var refused table.ConditionError
	for i := range ops {
		op := &ops[i]
		old, existed, err := load(items, op.Item.Key)
		if err != nil {
			return nil, err
		}
		met := op.Cond.Met(old, existed)
		c := change{key: op.Item.Key, old: old, existed: existed, exists: true}
		switch op.Kind {
		case table.KindPut:
			c.item = op.Item
		case table.KindDelete:
			c.exists = false
		case table.KindAdd:
			c.item = old
			c.item.Key = op.Item.Key
			var within bool
			if c.item.Counts, within, err = add(old.Counts, op.Bound); err != nil {
				return nil, err
			}
			met = met && within
			if met && table.Size(c.item) > table.MaxItemBytes {
				return nil, &table.LimitError{
					What: fmt.Sprintf("item %s grows beyond %d bytes", op.Item.Key, table.MaxItemBytes),
				}
			}
		case table.KindCheck:
		}
		if !met {
			refused.Failed = append(refused.Failed, i)
			refused.Keys = append(refused.Keys, op.Item.Key)
		}
		if op.Kind != table.KindCheck {
			changes = append(changes, c)
		}
	}
	if len(refused.Failed) > 0 {
		return nil, &refused
	}
	return changes, nil
}

// add returns the counts after the bounds, and whether each stays within its bounds.
func add(old map[string]int64, bounds []table.Bound) (after map[string]int64, within bool, err error) {
	after = make(map[string]int64, len(old)+len(bounds))
	for name, n := range old {
		after[name] = n
	}
	within = true
	for _, b := range bounds {
		n := after[b.Name]
		if b.By > 0 && n > math.MaxInt64-b.By || b.By < 0 && n < math.MinInt64-b.By {
			return nil, false, &table.LimitError{What: fmt.Sprintf("count %q leaves the 64 bits", b.Name)}
		}
		n += b.By
		after[b.Name] = n
		within = within && b.Met(n)
	}
	return after, within, nil
}

// write makes the change in the items, the indexes and the list of expiries.
func (c change) write(tx *bbolt.Tx) error {
	base := appendKey(nil, c.key)
	items := tx.Bucket(itemsBucket)
	var err error
	if c.exists {
		err = items.Put(base, encode(c.item))
	} else if c.existed {
		err = items.Delete(base)
	}
	if err != nil {
		return err
	}
	for i, name := range indexBuckets {
		err := move(tx.Bucket(name), indexKeyBytes(c.old.IndexKeys[i], base), indexKeyBytes(c.item.IndexKeys[i], base))
		if err != nil {
			return err
		}
	}
	return move(tx.Bucket(expiresBucket), expiryKey(c.old.Expires, base), expiryKey(c.item.Expires, base))
}

// move replaces one key without a value by another; a nil key is none.
func move(bucket *bbolt.Bucket, from, to []byte) error {
	if bytes.Equal(from, to) {
		return nil
	}
	if from != nil {
		if err := bucket.Delete(from); err != nil {
			return err
		}
	}
	if to != nil {
		return bucket.Put(to, []byte{})
	}
	return nil
}

func indexKeyBytes(indexKey table.Key, base []byte) []byte {
	if indexKey == (table.Key{}) {
		return nil
	}
	return append(appendKey(nil, indexKey), base...)
}

func expiryKey(expires int64, base []byte) []byte {
	if expires == 0 {
		return nil
	}
	return append(binary.BigEndian.AppendUint64(nil, expiryOrder(expires)), base...)
}

// expiryOrder maps seconds to numbers that sort like them as big-endian bytes, those before 1970
// too.
func expiryOrder(seconds int64) uint64 { return uint64(seconds) ^ 1<<63 }

func load(items *bbolt.Bucket, key table.Key) (table.Item, bool, error) {
	value := items.Get(appendKey(nil, key))
	if value == nil {
		return table.Item{}, false, nil
	}
	item, err := decode(key, value)
	return item, err == nil, err
}

func sortIn(index table.Index, item table.Item) string {
	if index == table.Base {
		return item.Sort
	}
	return item.IndexKeys[index-1].Sort
}

// walk goes over the keys from start (inclusive) to end (exclusive), or the same backwards.
func walk(bucket *bbolt.Bucket, start, end []byte, backwards bool) func(yield func(key, value []byte) bool) {
	return func(yield func(key, value []byte) bool) {
		c := bucket.Cursor()
		if !backwards {
			for k, v := c.Seek(start); k != nil && bytes.Compare(k, end) < 0; k, v = c.Next() {
				if !yield(k, v) {
					return
				}
			}
			return
		}
		back := c.Prev
		if at, _ := c.Seek(end); at == nil {
			back = c.Last
		}
		for k, v := back(); k != nil && bytes.Compare(k, start) >= 0; k, v = c.Prev() {
			if !yield(k, v) {
				return
			}
		}
	}
}
