package usage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/table"
)

// counting counts the calls of a store, the items that reads return and the operations of commits.
// It serves one caller at a time.
type counting struct {
	table.Store
	reads, items        int
	commits, operations int
}

func (s *counting) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	found, err := s.Store.Lookup(ctx, keys...)
	s.reads++
	s.items += len(found)
	return found, err
}

func (s *counting) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := s.Store.Query(ctx, q)
	s.reads++
	if !strings.Contains(q.Partition, "#SEATS") { // counts of seats are spread by chance
		s.items += len(page.Items)
	}
	return page, err
}

func (s *counting) Commit(ctx context.Context, ops []table.Operation) error {
	s.commits++
	s.operations += len(ops)
	return s.Store.Commit(ctx, ops)
}

// A window costs the same whatever the number of views behind it (requirements, section 6).
func TestSummaryCostsTheSameWithTenTimesTheViews(t *testing.T) {
	cost := func(views int) (reads, items int) {
		fixture := fixtures.New(t)
		store := &counting{Store: fixture.Env.Table}
		fixture.Env.Table = store
		w := worldOn(t, fixture)
		w.worked(t)
		var events []map[string]any
		for i := range views {
			user := []string{"alice", "bob"}[i%2]
			events = append(
				events,
				view(fmt.Sprint(i), user, "d-detroit",
					fixtures.Start.Add(-time.Duration(i)*47*time.Hour/time.Duration(views))),
			)
		}
		w.send(t, views, 0, events...)
		w.fold(t, fixtures.Start)
		w.summary(t, "") // whatever is read once only
		store.reads, store.items = 0, 0
		w.summary(t, "")
		return store.reads, store.items
	}
	reads, items := cost(20)
	if more, moreItems := cost(200); more != reads || moreItems != items {
		t.Fatalf("20 views: %d reads of %d items; 200: %d of %d", reads, items, more, moreItems)
	}
	if reads > 8 {
		t.Errorf("%d reads for 30 days", reads)
	}
}
