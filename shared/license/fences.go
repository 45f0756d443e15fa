package license

import (
	"context"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// maxFences is the most cost centers of an account that are fenced: whoever chooses a seat reads
// them all.
const maxFences = 100

// Fence are the operations that fence a cost center, in the commit that says so of it; none when it
// is fenced. Who holds one of its seats keeps it.
//
// Errors: wrong-state for more than maxFences.
func (d *Service) Fence(ctx context.Context, c *call.Call, costCenter string) ([]table.Operation, error) {
	return changeFences(ctx, c, func(f *record.Fences) error {
		if f.Has(costCenter) {
			return nil
		}
		if len(f.Codes) >= maxFences {
			return problem.Newf(problem.WrongState, "At most %d cost centers of an account can be fenced.", maxFences)
		}
		f.Codes = append(f.Codes, costCenter)
		slices.Sort(f.Codes)
		return nil
	})
}

// Unfence are the operations that take the fence of a cost center down; none when there is none.
// Afterwards DrainAll serves who has waited for one of its seats.
func (d *Service) Unfence(ctx context.Context, c *call.Call, costCenter string) ([]table.Operation, error) {
	return changeFences(ctx, c, func(f *record.Fences) error {
		f.Codes = slices.DeleteFunc(f.Codes, func(code string) bool { return code == costCenter })
		return nil
	})
}

// changeFences makes the operations of a change of the fences: each of the items that count what is
// taken learns of it, since a commit that takes a seat demands there that nothing has changed.
func changeFences(
	ctx context.Context, c *call.Call, change func(*record.Fences) error,
) ([]table.Operation, error) {
	key := record.FencesKey(c.Account)
	item, exists, err := c.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	s, err := read(item, exists, record.Fences{})
	if err != nil {
		return nil, err
	}
	s.now.Codes = slices.Clone(s.before.Codes)
	if err := change(&s.now); err != nil || slices.Equal(s.before.Codes, s.now.Codes) {
		return nil, err
	}
	s.now.Epoch++
	var w writes
	left(&w, s, false, table.Item{Key: key})
	for shard := range record.TakenShards {
		w.add(table.Add(record.TakenKey(c.Account, shard), table.Bound{Name: record.CountFences, By: 1}))
	}
	return w.ops, w.err
}

// DrainAll serves the waiting lists of all products, where a failure only means that one is served
// later.
func (d *Service) DrainAll(ctx context.Context, c *call.Call) {
	products := map[string]bool{}
	for _, p := range d.products.Select("", catalog.Seat) {
		products[p.ID] = true
	}
	d.serveSoon(ctx, c, products)
}
