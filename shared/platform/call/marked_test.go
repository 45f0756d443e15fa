package call_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

var (
	orders  = call.OwnMarkers("ORDER")
	waiting = call.PlacedMarkers("WAITING")
)

// mark has an account marked.
func mark(t *testing.T, store table.Store, of call.Markers, account string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		item := of.Item(account, id, []byte("{}"))
		if of == waiting {
			item.Key = table.Key{Partition: call.Partition(account, "WAITING"), Sort: id}
			item.IndexKeys[2] = of.Place(account, id)
		}
		if err := store.Commit(t.Context(), []table.Operation{table.Put(item, table.IfAbsent)}); err != nil {
			t.Fatal(err)
		}
	}
}

func numbers(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%03d", i)
	}
	return ids
}

// looks are the contexts in which markers are read: with a look before, and without.
func looks(ctx context.Context, store table.Store) map[string]context.Context {
	return map[string]context.Context{"without a look": ctx, "after a look": call.Looked(ctx, store)}
}

// names are those of markers, account by account.
func names(t *testing.T, each func(visit func(call.Marker) error) error) (list []string) {
	t.Helper()
	if err := each(func(m call.Marker) error {
		list = append(list, m.Account+" "+m.ID)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// Markers of an account are read of it alone and in order, and those of all by account, whichever shard
// they stand in, with a look before or without. An id that begins as another one is another account.
func TestMarkersOfOneAndOfAll(t *testing.T) {
	store := fixtures.New(t).Env.Table
	want := []string{}
	for _, account := range []string{"acme", "acme-2", "a", "zeta"} {
		mark(t, store, orders, account, "2", "1#x", "1#y")
		mark(t, store, call.OwnMarkers("ORDERS"), account, "3") // of another kind, whose name begins so
		mark(t, store, waiting, account, "live#1", "live#2", "phone#1")
		want = append(want, account+" 1#x", account+" 1#y", account+" 2")
	}
	of := func(account, prefix string) []string {
		return names(t, func(visit func(call.Marker) error) error {
			return orders.Of(t.Context(), store, account, prefix, visit)
		})
	}
	if got := of("acme", ""); !slices.Equal(got, []string{"acme 1#x", "acme 1#y", "acme 2"}) {
		t.Errorf("of one account %q", got)
	}
	if got := of("acme", "1#"); !slices.Equal(got, []string{"acme 1#x", "acme 1#y"}) {
		t.Errorf("of one account, as the id begins %q", got)
	}
	for account, is := range map[string]bool{"acme": true, "acm": false} {
		if got, err := orders.Any(t.Context(), store, account, "1#"); got != is || err != nil {
			t.Errorf("any of %s: %v, %v", account, got, err)
		}
	}
	for look, ctx := range looks(t.Context(), store) {
		all := names(t, func(visit func(call.Marker) error) error { return orders.Each(ctx, store, "", visit) })
		byAccount := slices.IsSortedFunc(all, func(a, b string) int {
			of, _, _ := strings.Cut(a, " ")
			other, _, _ := strings.Cut(b, " ")
			return cmp.Compare(of+"#", other+"#")
		})
		if slices.Sort(all); !byAccount || !slices.Equal(all, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: of all %q, by account %v", look, all, byAccount)
		}
		var lists []string
		visit := func(account, group string) { lists = append(lists, account+" "+group) }
		if err := waiting.Groups(ctx, store, "", visit); err != nil || len(lists) != 8 {
			t.Errorf("%s: groups %q, %v", look, lists, err)
		}
		lists = nil
		err := waiting.Groups(ctx, store, "acme", visit)
		if err != nil || strings.Join(lists, ", ") != "acme live, acme phone" {
			t.Errorf("%s: groups of one account %q, %v", look, lists, err)
		}
	}
}

// Each account, and each group, is visited once, however many markers it has, and none is passed over.
func TestAccountsAndGroupsOfManyMarkers(t *testing.T) {
	store := fixtures.New(t).Env.Table
	entries := map[string]int{"acme": 120, "acme-2": 1, "a": 50, "zeta": 51}
	for account, n := range entries {
		mark(t, store, orders, account, numbers(n)...)
		for _, product := range []string{"live", "phone", "zoom"} {
			for _, id := range numbers(n / 4) {
				mark(t, store, waiting, account, product+"#"+id)
			}
		}
	}
	for look, ctx := range looks(t.Context(), store) {
		var seen, lists []string
		err := orders.Accounts(ctx, store, func(account string) { seen = append(seen, account) })
		if err != nil || !slices.Equal(slices.Sorted(slices.Values(seen)), slices.Sorted(maps.Keys(entries))) {
			t.Errorf("%s: visited %q, %v", look, seen, err)
		}
		err = waiting.Groups(ctx, store, "", func(account, group string) { lists = append(lists, account+" "+group) })
		if slices.Sort(lists); err != nil || len(lists) != 9 || len(slices.Compact(lists)) != 9 {
			t.Errorf("%s: groups %q, %v", look, lists, err)
		}
		n := 0
		err = orders.Each(ctx, store, "", func(call.Marker) error { n++; return nil })
		if err != nil || n != 120+1+50+51 {
			t.Errorf("%s: %d markers, %v", look, n, err)
		}
	}
}

// What an account has itself is read of the base table, so it is right when the index is behind.
func TestMarkersOfAnAccountAreNotReadFromTheIndex(t *testing.T) {
	store := fixtures.New(t).Env.Table
	mark(t, store, orders, "acme", "1")
	behind := faulty.New(store, func(c faulty.Call) faulty.Fault {
		if c.Query != nil && c.Query.Index != table.Base {
			return faulty.Fail
		}
		return faulty.None
	})
	n := 0
	count := func(call.Marker) error { n++; return nil }
	err := errors.Join(
		orders.Of(t.Context(), behind, "acme", "", count), orders.Each(t.Context(), behind, "acme", count))
	has, failed := orders.Any(t.Context(), behind, "acme", "")
	if err != nil || failed != nil || n != 2 || !has {
		t.Errorf("%d markers, any %v, %v, %v", n, has, err, failed)
	}
}

// together is a store that answers no query before all of those that it waits for were asked.
type together struct {
	table.Store
	wait *sync.WaitGroup
}

func (s together) Query(ctx context.Context, q table.Query) (table.Page, error) {
	s.wait.Done()
	s.wait.Wait()
	return s.Store.Query(ctx, q)
}

// All shards are read at the same time, and visited one after the other.
func TestShardsAreReadSideBySide(t *testing.T) {
	const shards = 16
	store := fixtures.New(t).Env.Table
	for i := range 100 {
		mark(t, store, orders, fmt.Sprintf("account-%d", i), "1")
	}
	var wait sync.WaitGroup
	wait.Add(shards)
	seen, done := 0, make(chan error, 1)
	go func() {
		// seen needs no lock: the race detector would tell of two visits at once.
		done <- orders.Each(t.Context(), together{store, &wait}, "", func(call.Marker) error { seen++; return nil })
	}()
	select {
	case err := <-done:
		if err != nil || seen != 100 {
			t.Errorf("%d markers, %v", seen, err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the shards wait for each other")
	}
}

// A shard that cannot be read hides no other, and an error tells of it; what visits ends with its error.
func TestAShardThatCannotBeRead(t *testing.T) {
	store := fixtures.New(t).Env.Table
	const accounts = 100
	broken := orders.Place("account-0", "").Partition
	in := 0
	for i := range accounts {
		account := fmt.Sprintf("account-%d", i)
		mark(t, store, orders, account, "1")
		if orders.Place(account, "").Partition == broken {
			in++
		}
	}
	down := faulty.New(store, func(c faulty.Call) faulty.Fault {
		if c.Query != nil && c.Query.Partition == broken {
			return faulty.Fail
		}
		return faulty.None
	})
	for look, ctx := range looks(t.Context(), down) {
		n := 0
		err := orders.Accounts(ctx, down, func(string) { n++ })
		if !errors.Is(err, faulty.ErrFault) || n != accounts-in {
			t.Errorf("%s: visited %d accounts of %d, %v", look, n, accounts-in, err)
		}
	}
	enough := errors.New("enough")
	n := 0
	err := orders.Each(t.Context(), store, "", func(call.Marker) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("visited %d markers, %v", n, err)
	}
}

// After a look nothing is asked for of which there is none: an idle deployment costs a query for each
// shard, however many kinds are read. Of a large shard only the kinds are asked for that it has.
func TestALookSparesQueries(t *testing.T) {
	store := fixtures.New(t).Env.Table
	queries := 0
	counting := faulty.New(store, func(c faulty.Call) faulty.Fault {
		queries++
		return faulty.None
	})
	read := func() int {
		queries = 0
		ctx := call.Looked(t.Context(), counting)
		for _, kind := range []string{"ORDER", "QUEUE", "ROLE", "USER"} {
			err := errors.Join(
				call.OwnMarkers(kind).Accounts(ctx, counting, func(string) {}),
				call.OwnMarkers(kind).Each(ctx, counting, "", func(call.Marker) error { return nil }),
				call.OwnMarkers(kind).Groups(ctx, counting, "", func(string, string) {}))
			if err != nil {
				t.Fatal(err)
			}
		}
		return queries
	}
	if n := read(); n != 16 {
		t.Errorf("%d queries where there is nothing", n)
	}
	mark(t, store, orders, "acme", "1")
	if n := read(); n != 16 {
		t.Errorf("%d queries where there is one marker", n)
	}
	mark(t, store, orders, "acme", numbers(60)...)
	// 2 more to find its one kind; 2 of its accounts, 1 of all, 61 groups in pages of 8
	if n := read(); n != 16+2+2+1+8 {
		t.Errorf("%d queries where one shard is large", n)
	}
}

// Which shard an account's markers stand in never changes, and no shard has many more than another.
func TestShardsOfAccounts(t *testing.T) {
	for account, want := range map[string]string{"acme": "JOBS#02", "globex": "JOBS#07", "a": "JOBS#00"} {
		if got := orders.Place(account, "1"); got.Partition != want || got.Sort != "ORDER#"+account+"#1" {
			t.Errorf("%s stands at %s", account, got)
		}
	}
	shards := map[string]int{}
	for i := range 1600 {
		shards[orders.Place(fmt.Sprintf("a%d", i*7), "").Partition]++
	}
	for shard, n := range shards {
		if n < 60 || n > 140 {
			t.Errorf("%s has %d of 1,600 accounts", shard, n)
		}
	}
	if len(shards) != 16 {
		t.Errorf("%d shards", len(shards))
	}
}
