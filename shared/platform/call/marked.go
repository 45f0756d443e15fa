package call

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"

	"seatwise/shared/platform/table"
)

const (
	// markerShards is over how many partitions of Index3 the markers of all accounts are spread. How it
	// could grow is written in decision 180.
	markerShards = 16
	// markerPage is how many entries are read at once while the accounts are looked for that have any.
	markerPage = 50
	// groupPage is how many are read at once while groups are looked for: as much as one read unit
	// brings, so a list in which many wait costs no more than one in which one does.
	groupPage = 8
)

// Markers are the markers of one kind: what is to be done, or looked at, in an account. They lie below
// their account's keys, and have a place in Index3 by which maintenance finds them over all accounts.
type Markers struct {
	kind string
	own  bool
}

// OwnMarkers are markers that are items of their own.
func OwnMarkers(kind string) Markers { return Markers{kind: kind, own: true} }

// PlacedMarkers are places in Index3 of items of another kind, which are marked while they have it.
func PlacedMarkers(kind string) Markers { return Markers{kind: kind} }

// Kind names them, as docs/data-model.md does.
func (m Markers) Kind() string { return m.kind }

// Marker is a marker as it was read.
type Marker struct {
	Account, ID string
	Item        table.Item
}

// Key is where a marker lies that is an item of its own.
func (m Markers) Key(account, id string) table.Key {
	return table.Key{Partition: markersOf(account), Sort: m.kind + "#" + id}
}

// Place is where one stands in Index3.
func (m Markers) Place(account, id string) table.Key {
	return table.Key{Partition: markerShard(shardOf(account)), Sort: m.kind + "#" + account + "#" + id}
}

// Item is a marker that is an item of its own.
func (m Markers) Item(account, id string, data []byte) table.Item {
	item := table.Item{Key: m.Key(account, id), Data: data}
	item.IndexKeys[table.Index3-1] = m.Place(account, id)
	return item
}

// OwnMarker takes the key of an item apart, if it is that of a marker of an account.
func OwnMarker(account string, key table.Key) (kind, id string, ok bool) {
	if key.Partition != markersOf(account) {
		return "", "", false
	}
	kind, id, _ = strings.Cut(key.Sort, "#")
	return kind, id, true
}

func markersOf(account string) string { return Partition(account, "JOBS") }

func markerShard(n int) string { return fmt.Sprintf("JOBS#%02d", n) }

// shardOf spreads accounts over the shards, always in the same way.
func shardOf(account string) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(account)) // it cannot fail
	h := sum.Sum32()
	return int((h ^ h>>16) % markerShards) // the low bits of the sum know only the low bits of the letters
}

// taken is a marker as an item shows it.
func taken(item table.Item) Marker {
	_, rest, _ := strings.Cut(placeOf(item), "#")
	account, id, _ := strings.Cut(rest, "#")
	return Marker{Account: account, ID: id, Item: item}
}

func placeOf(item table.Item) string { return item.IndexKeys[table.Index3-1].Sort }

// query asks for the markers of an account whose ids begin so: strongly consistent where they are items
// of their own.
func (m Markers) query(account, prefix string) table.Query {
	if m.own {
		key := m.Key(account, prefix)
		return table.Query{Partition: key.Partition, Prefix: key.Sort}
	}
	place := m.Place(account, prefix)
	return table.Query{Index: table.Index3, Partition: place.Partition, Prefix: place.Sort}
}

// Of visits the markers of an account whose ids begin so, in their order. What is an item of its own is
// read strongly consistent.
func (m Markers) Of(
	ctx context.Context, store table.Store, account, prefix string, visit func(Marker) error,
) error {
	return table.All(ctx, store, m.query(account, prefix), func(item table.Item) error {
		return visit(taken(item))
	})
}

// Any says whether an account has a marker whose id begins so.
func (m Markers) Any(ctx context.Context, store table.Store, account, prefix string) (bool, error) {
	query := m.query(account, prefix)
	query.Limit = 1
	page, err := store.Query(ctx, query)
	return len(page.Items) > 0, err
}

// Each visits the markers of an account, or of all if it is empty, by account. Those of all come from
// the index: one that was written or taken away a moment ago may be missed or seen once more. They are
// read before the first is visited, and what cannot be read keeps nothing else from being visited.
func (m Markers) Each(ctx context.Context, store table.Store, of string, visit func(Marker) error) error {
	if of != "" {
		return m.Of(ctx, store, of, "", visit)
	}
	return m.sideBySide(ctx, visit, func(ctx context.Context, shard int) ([]Marker, error) {
		if known, ok := m.known(ctx, shard); ok {
			return known, nil
		}
		var list []Marker
		err := table.All(ctx, store, m.inShard(shard), func(item table.Item) error {
			list = append(list, taken(item))
			return nil
		})
		return list, err
	})
}

// Accounts visits each account once that has a marker. It reads a page for each account with more than
// a page of them, and passes over the rest.
func (m Markers) Accounts(ctx context.Context, store table.Store, visit func(account string)) error {
	return m.sideBySide(ctx, func(one Marker) error { visit(one.Account); return nil },
		func(ctx context.Context, shard int) ([]Marker, error) {
			query := m.inShard(shard)
			query.Limit = markerPage
			return m.firsts(ctx, store, shard, query, func(place string) string { return parts(place, 2) })
		})
}

// Groups visits each group of an account, or of all if it is empty, once that has a marker: what the id
// names before its first #. It is at most a query for each group, however many markers it has.
func (m Markers) Groups(
	ctx context.Context, store table.Store, of string, visit func(account, group string),
) error {
	group := func(place string) string { return parts(place, 3) }
	each := func(one Marker) error {
		name, _, _ := strings.Cut(one.ID, "#")
		visit(one.Account, name)
		return nil
	}
	if of != "" {
		place := m.Place(of, "")
		query := table.Query{
			Index: table.Index3, Partition: place.Partition, Prefix: place.Sort, Limit: groupPage,
		}
		list, err := firsts(ctx, store, query, group)
		return errors.Join(visitAll(list, each), err)
	}
	return m.sideBySide(ctx, each, func(ctx context.Context, shard int) ([]Marker, error) {
		query := m.inShard(shard)
		query.Limit = groupPage
		return m.firsts(ctx, store, shard, query, group)
	})
}

// inShard asks for all of the kind in a shard.
func (m Markers) inShard(shard int) table.Query {
	return table.Query{Index: table.Index3, Partition: markerShard(shard), Prefix: m.kind + "#"}
}

// sideBySide reads all shards, and visits what was read in one order, whichever was read first.
func (m Markers) sideBySide(
	ctx context.Context, visit func(Marker) error, read func(ctx context.Context, shard int) ([]Marker, error),
) error {
	var lists [markerShards][]Marker
	failed := eachShard(func(shard int) (err error) {
		lists[shard], err = read(ctx, shard)
		return err
	})
	list := slices.Concat(lists[:]...)
	slices.SortStableFunc(list, func(a, b Marker) int {
		return strings.Compare(placeOf(a.Item), placeOf(b.Item))
	})
	return errors.Join(visitAll(list, visit), failed)
}

// eachShard does something with every shard, all side by side. One that fails stops no other; the
// errors come together.
func eachShard(do func(shard int) error) error {
	var failures [markerShards]error
	var group sync.WaitGroup
	for shard := range markerShards {
		group.Go(func() { failures[shard] = do(shard) })
	}
	group.Wait()
	return errors.Join(failures[:]...)
}

func visitAll(list []Marker, visit func(Marker) error) error {
	for _, one := range list {
		if err := visit(one); err != nil {
			return err
		}
	}
	return nil
}

// parts is how a place begins, up to the end of its nth part.
func parts(place string, n int) string {
	end := 0
	for range n {
		next := strings.IndexByte(place[end:], '#')
		if next < 0 {
			return place
		}
		end += next + 1
	}
	return place[:end-1]
}

// firsts is the first marker of each group in a shard, from what is known of it or by a query.
func (m Markers) firsts(
	ctx context.Context, store table.Store, shard int, query table.Query, group func(place string) string,
) ([]Marker, error) {
	known, ok := m.known(ctx, shard)
	if !ok {
		return firsts(ctx, store, query, group)
	}
	return slices.CompactFunc(known, func(a, b Marker) bool {
		return group(placeOf(a.Item)) == group(placeOf(b.Item))
	}), nil
}

// firsts is the first marker of each group that a query finds. What follows of a group behind the page
// in which it begins is passed over.
func firsts(
	ctx context.Context, store table.Store, query table.Query, group func(place string) string,
) (list []Marker, err error) {
	last := ""
	for {
		page, err := store.Query(ctx, query)
		if err != nil {
			return list, err
		}
		for _, item := range page.Items {
			if of := group(placeOf(item)); of != last {
				list, last = append(list, taken(item)), of
			}
		}
		if page.Next == "" {
			return list, nil
		}
		if query.After = ""; len(page.Items) == 0 {
			query.After = page.Next
			continue
		}
		query.From = last + "$" // "$" follows "#": the first entry of the next group
	}
}
