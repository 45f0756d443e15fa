package call

import (
	"context"
	"strings"

	"seatwise/shared/platform/table"
)

// look is what a run has seen of the markers of all accounts: nil where a shard could not be looked at.
type look [markerShards]*seen

// seen is what was seen of a shard: all that it has, or only the kinds of what it has.
type seen struct {
	whole bool
	items []table.Item
	kinds map[string]bool
}

type lookedKey struct{}

// Looked is a context in which reading the markers of all accounts asks only for what a look has found:
// one query for each shard tells all that a small one has, and of which kinds a large one has any. A run
// that reads many kinds costs an idle deployment one query for each shard, not one for each kind too.
// What the look could not read is asked for, and tells why.
func Looked(ctx context.Context, store table.Store) context.Context {
	var all look
	_ = eachShard(func(shard int) error {
		all[shard] = lookAt(ctx, store, shard)
		return nil
	})
	return context.WithValue(ctx, lookedKey{}, &all)
}

// lookAt looks at a shard; nil when it cannot be read.
func lookAt(ctx context.Context, store table.Store, shard int) *seen {
	query := table.Query{Index: table.Index3, Partition: markerShard(shard), Limit: markerPage}
	page, err := store.Query(ctx, query)
	if err != nil {
		return nil
	}
	if page.Next == "" {
		return &seen{whole: true, items: page.Items}
	}
	query.Limit = 1
	list, err := firsts(ctx, store, query, func(place string) string { return parts(place, 1) })
	if err != nil {
		return nil
	}
	some := &seen{kinds: map[string]bool{}}
	for _, one := range list {
		some.kinds[parts(placeOf(one.Item), 1)] = true
	}
	return some
}

// known is what a shard has of the kind by the look of the run; ok is false where it has to be read.
func (m Markers) known(ctx context.Context, shard int) (list []Marker, ok bool) {
	all, _ := ctx.Value(lookedKey{}).(*look)
	if all == nil || all[shard] == nil {
		return nil, false
	}
	if !all[shard].whole {
		return nil, !all[shard].kinds[m.kind]
	}
	for _, item := range all[shard].items {
		if strings.HasPrefix(placeOf(item), m.kind+"#") {
			list = append(list, taken(item))
		}
	}
	return list, true
}
