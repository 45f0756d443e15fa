package usage_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/directory"
	"seatwise/shared/platform/table"
)

// counting counts the calls of a store, the items that reads return and the operations of commits.
type counting struct {
	table.Store
	reads, items        int
	commits, operations int
	mu                  sync.Mutex
}

func (s *counting) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	found, err := s.Store.Lookup(ctx, keys...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	s.items += len(found)
	return found, err
}

func (s *counting) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := s.Store.Query(ctx, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if !strings.Contains(q.Partition, "#SEATS") { // counts of seats are spread by chance
		s.items += len(page.Items)
	}
	return page, err
}

func (s *counting) Commit(ctx context.Context, ops []table.Operation) error {
	s.mu.Lock()
	s.commits++
	for _, op := range ops {
		if op.Kind != table.KindCheck { // of the account's state
			s.operations++
		}
	}
	s.mu.Unlock()
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

// A view that changes nothing but itself is one put, which costs a unit, half of what it costs in a transaction; those
// of a call are found by one item, 60 bytes each.
func TestAViewOfAKnownViewerCostsAUnit(t *testing.T) {
	fixture := fixtures.New(t)
	var mu sync.Mutex
	var commits int
	var units float64
	fixture.Env.Table = table.Counted(fixture.Env.Table, func(op string, capacity float64) {
		mu.Lock()
		defer mu.Unlock()
		if op == "PutItem" || op == "TransactWriteItems" {
			commits++
			units += capacity
		}
	})
	w := worldOn(t, fixture)
	w.worked(t)
	w.send(t, 1, 0, view("first", "alice", "d-detroit", fixtures.Start))
	const n = 40
	events := make([]map[string]any, n)
	for i := range events {
		events[i] = view(fmt.Sprint(i), "alice", "d-detroit", fixtures.Start)
	}
	commits, units = 0, 0
	w.send(t, n, 0, events...)
	if commits > n+2 || units > n+n*80/1024+1+5 { // and the answer under the call's key
		t.Errorf("%d views took %d commits and %g units", n, commits, units)
	}
	w.send(t, 0, n, events...)
}

// Whoever may send views by their role sends as many of as many people as anybody.
func TestViewsOfManyPeopleByWhoHasARole(t *testing.T) {
	w := newWorld(t)
	w.worked(t)
	var ids []string
	for i := range table.MaxOperations / 2 {
		ids = append(ids, fmt.Sprintf("viewer%d", i))
	}
	w.people(t, "supervisor", ids...)
	w.people(t, directory.SuperAdmin, "ann")
	events := make([]map[string]any, len(ids))
	for i, id := range ids {
		events[i] = view(fmt.Sprint(i), id, "d-detroit", fixtures.Start)
	}
	got := w.Do(t, w.api, fixtures.Request{
		Method: http.MethodPost, Path: "/v1/accounts/" + w.Account + "/usage/views",
		Body: map[string]any{"events": events}, User: "ann", ByRoles: true,
	})
	if got.Status != http.StatusAccepted {
		t.Fatalf("got %d: %s", got.Status, got.Body)
	}
}
