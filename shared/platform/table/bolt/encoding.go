package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"seatwise/shared/platform/table"
)

// A key in the file is made of parts, each escaped and ended: a zero byte becomes escaped, and
// partEnd closes the part. So whole keys sort as their parts do, and no key is the beginning of
// another.
var (
	zero    = []byte{0}
	escaped = []byte{0, 0xFF}
	partEnd = []byte{0, 1}
	// afterPart sorts after every key that shares the part which it closes.
	afterPart = []byte{0, 2}
)

var errEncoding = errors.New("the data file holds what Seatwise did not write")

func appendEscaped(b []byte, part string) []byte {
	return append(b, bytes.ReplaceAll([]byte(part), zero, escaped)...)
}

func appendPart(b []byte, part string) []byte { return append(appendEscaped(b, part), partEnd...) }

func appendKey(b []byte, key table.Key) []byte {
	return appendPart(appendPart(b, key.Partition), key.Sort)
}

// span returns the keys of a partition whose sort keys are in [lo, hi), as start (inclusive) and
// end (exclusive).
func span(partition, lo, hi string) (start, end []byte) {
	start = appendEscaped(appendPart(nil, partition), lo)
	if hi == "" {
		return start, append(appendEscaped(nil, partition), afterPart...)
	}
	return start, appendEscaped(appendPart(nil, partition), hi)
}

// cutKey takes a key off the front of what appendKey wrote.
func cutKey(b []byte) (key table.Key, rest []byte, err error) {
	if key.Partition, b, err = cutPart(b); err != nil {
		return table.Key{}, nil, err
	}
	if key.Sort, b, err = cutPart(b); err != nil {
		return table.Key{}, nil, err
	}
	return key, b, nil
}

func cutPart(b []byte) (part string, rest []byte, err error) {
	at := bytes.Index(b, partEnd) // An escaped zero is followed by 0xFF, so this can only be the end.
	if at < 0 {
		return "", nil, errEncoding
	}
	return string(bytes.ReplaceAll(b[:at], escaped, zero)), b[at+len(partEnd):], nil
}

// encode writes an item without its key: schema version, version, expiry, counts, places, data. Numbers are
// varints, strings have their length before them, and the data is the rest, so that a document
// costs no copy or escape of its own.
func encode(item table.Item) []byte {
	b := make([]byte, 0, table.Size(item))
	b = binary.AppendVarint(b, table.Schema)
	b = binary.AppendVarint(b, item.Version)
	b = binary.AppendVarint(b, item.Expires)
	b = binary.AppendUvarint(b, uint64(len(item.Counts)))
	for _, name := range slices.Sorted(maps.Keys(item.Counts)) {
		b = appendString(b, name)
		b = binary.AppendVarint(b, item.Counts[name])
	}
	for _, indexKey := range item.IndexKeys {
		b = appendString(b, indexKey.Partition)
		b = appendString(b, indexKey.Sort)
	}
	return append(b, item.Data...)
}

func decode(key table.Key, value []byte) (table.Item, error) {
	r := reader{rest: value}
	if err := table.ReadableSchema(key, r.varint()); err != nil {
		return table.Item{}, err
	}
	item := table.Item{Key: key, Version: r.varint(), Expires: r.varint()}
	if n := r.uvarint(); n > 0 && n <= uint64(len(value)) {
		item.Counts = make(map[string]int64, n)
		for range n {
			name := r.text()
			item.Counts[name] = r.varint()
		}
	}
	for i := range item.IndexKeys {
		item.IndexKeys[i] = table.Key{Partition: r.text(), Sort: r.text()}
	}
	if r.bad {
		return table.Item{}, fmt.Errorf("item %s: %w", key, errEncoding)
	}
	if len(r.rest) > 0 {
		item.Data = bytes.Clone(r.rest) // The file's bytes are valid only within the transaction.
	}
	return item, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes what encode wrote off the front of rest; bad stays true once something did not fit.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) varint() int64 {
	n, used := binary.Varint(r.rest)
	r.skip(used)
	return n
}

func (r *reader) uvarint() uint64 {
	n, used := binary.Uvarint(r.rest)
	r.skip(used)
	return n
}

func (r *reader) skip(used int) {
	if used <= 0 {
		r.bad, r.rest = true, nil
		return
	}
	r.rest = r.rest[used:]
}

func (r *reader) text() string {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
