package table

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"unicode/utf8"
)

// cursorFormat is the first byte of a cursor. A cursor of an older format is ErrCursor, so the
// caller begins again.
const cursorFormat = 1

// Range returns the half-open range of sort keys that a query asks for: lo inclusive, hi exclusive,
// "" for no upper end. It is what Prefix, From and To leave together; ok is false when they leave
// nothing.
func (q Query) Range() (lo, hi string, ok bool) {
	lo, hi = q.Prefix, successor(q.Prefix)
	if q.From > lo {
		lo = q.From
	}
	if q.To != "" && (hi == "" || q.To < hi) {
		hi = q.To
	}
	return lo, hi, hi == "" || lo < hi
}

// successor is the least string that is greater than every string with this prefix, "" when there
// is none. It counts in runes, because a sort key is UTF-8 and bytes of UTF-8 sort like the runes
// they spell.
func successor(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if last == utf8.MaxRune {
			continue
		}
		last++
		if last == 0xD800 { // The surrogates are no runes of their own.
			last = 0xE000
		}
		return prefix + string(last)
	}
	return ""
}

// EncodeCursor makes the Next of a page that ended at the item base, found at this sort key of the
// queried index. Adapters share it, so a cursor says nothing about the store behind it.
//
// The partition is not part of the cursor but of its checksum, and so is the direction: a cursor is
// good for the query it came from. That keeps accidents out, not forgers; a forged cursor still
// reads nothing beyond the query's own partition and range.
func EncodeCursor(q Query, sort string, base Key) string {
	b := []byte{cursorFormat}
	b = appendString(b, sort)
	if q.Index != Base {
		b = appendString(b, base.Partition)
		b = appendString(b, base.Sort)
	}
	b = binary.BigEndian.AppendUint32(b, cursorSum(q, b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor reads a query's After, which must not be empty: the last sort key that was seen in
// the queried index, and the base key of its item. Whatever EncodeCursor did not make for this
// index, partition, direction and range is ErrCursor.
func DecodeCursor(q Query) (sort string, base Key, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.After)
	// The decoder skips line ends, but they were not in what was handed out.
	if err != nil || strings.ContainsAny(q.After, "\r\n") {
		return "", Key{}, ErrCursor
	}
	const sumBytes = 4
	if len(b) < 1+sumBytes || b[0] != cursorFormat {
		return "", Key{}, ErrCursor
	}
	body := b[:len(b)-sumBytes]
	if binary.BigEndian.Uint32(b[len(body):]) != cursorSum(q, body) {
		return "", Key{}, ErrCursor
	}
	rest := body[1:]
	ok := true
	next := func() (s string) {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			ok = false
			return ""
		}
		s, rest = string(rest[used:used+int(n)]), rest[used+int(n):]
		return s
	}
	sort = next()
	base = Key{q.Partition, sort}
	if q.Index != Base {
		base = Key{next(), next()}
	}
	lo, hi, _ := q.Range()
	if !ok || len(rest) != 0 || validKey(Key{q.Partition, sort}) != nil || validKey(base) != nil || sort < lo ||
		hi != "" && sort >= hi {
		return "", Key{}, ErrCursor
	}
	return sort, base, nil
}

func cursorSum(q Query, body []byte) uint32 {
	b := append([]byte{byte(q.Index), 0}, body...)
	if q.Backwards {
		b[1] = 1
	}
	return crc32.ChecksumIEEE(append(b, q.Partition...))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
