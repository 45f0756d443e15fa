package overlay

import (
	"context"

	"seatwise/shared/platform/table"
)

// A request that is a dry run carries its overlay in its context, so that nothing of it can reach
// the table beside the overlay, whichever service holds the store.

type contextKey struct{}

// With makes the calls of a context to a store of Switched go to the overlay.
func With(ctx context.Context, o *Overlay) context.Context {
	return context.WithValue(ctx, contextKey{}, table.Store(o))
}

// Watch has judge asked before each commit of the context to a store of Switched. It is told what
// the commit changes if its conditions hold, which pin what was decided on to the versions that it
// was told of; its error refuses the commit. made, if there is one, is called after a commit that
// took effect.
func Watch(ctx context.Context, judge Judge) context.Context {
	return context.WithValue(ctx, contextKey{}, judge)
}

// Judge is who Watch has asked.
type Judge func(ctx context.Context, changes []Change) (made func(), err error)

// Dry says whether the context is that of a dry run.
func Dry(ctx context.Context) bool {
	_, dry := ctx.Value(contextKey{}).(table.Store)
	return dry
}

// Switched makes a store whose calls go to the overlay of their context, where there is one.
func Switched(store table.Store) table.Store {
	if _, already := store.(switched); already || store == nil {
		return store
	}
	return switched{store}
}

type switched struct{ table.Store }

// Beneath is the store that a switched one is on, or the store itself.
func Beneath(store table.Store) table.Store {
	if s, ok := store.(switched); ok {
		return s.Store
	}
	return store
}

func (s switched) of(ctx context.Context) table.Store {
	if o, dry := ctx.Value(contextKey{}).(table.Store); dry {
		return o
	}
	return s.Store
}

// Lookup implements table.Store.
func (s switched) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	return s.of(ctx).Lookup(ctx, keys...)
}

// Query implements table.Store.
func (s switched) Query(ctx context.Context, q table.Query) (table.Page, error) {
	return s.of(ctx).Query(ctx, q)
}

// Commit implements table.Store.
func (s switched) Commit(ctx context.Context, ops []table.Operation) error {
	judge, watched := ctx.Value(contextKey{}).(Judge)
	if !watched {
		return s.of(ctx).Commit(ctx, ops)
	}
	tried := New(s.Store)
	if err := tried.Commit(ctx, ops); err != nil {
		return err
	}
	made, err := judge(ctx, tried.Changes())
	if err != nil {
		return err
	}
	err = s.Store.Commit(ctx, ops)
	if err == nil && made != nil {
		made()
	}
	return err
}
