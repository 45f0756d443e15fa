package usage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// However many leaves a day has, and in whatever order what is known of it comes, a reader finds all of it, and
// of a person what was told of them; leaves of before are gone.
func TestLeavesAgainstAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := fixtures.New(t)
		kernel := license.NewService(catalog.Default())
		s := NewService(f.Env, kernel, directory.NewService(f.Env, kernel))
		s.leafBytes = rapid.IntRange(100, 2000).Draw(rt, "bytes of a leaf")
		c, date := f.Call("ann"), time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)
		id := func(format string, most int) *rapid.Generator[string] {
			return rapid.Map(rapid.IntRange(0, most), func(n int) string { return fmt.Sprintf(format, n) })
		}
		person, thing := id("u%02d", 40), id("d%d", 30)
		want := newRollup()
		for range rapid.IntRange(1, 8).Draw(rt, "runs") {
			news := newRollup()
			for range rapid.IntRange(0, 30).Draw(rt, "views") {
				news.view(person.Draw(rt, "viewer"), thing.Draw(rt, "dashboard"), rapid.Int64Range(1, 9).Draw(rt, "at"))
			}
			for range rapid.IntRange(0, 10).Draw(rt, "members") {
				queues := rapid.SliceOfNDistinct(thing, 0, 12, rapid.ID).Draw(rt, "queues")
				slices.Sort(queues)
				news.queues[person.Draw(rt, "member")] = queues
			}
			if err := s.merge(t.Context(), c, date, news, rapid.Bool().Draw(rt, "goes on")); err != nil {
				rt.Fatal(err)
			}
			want.take(news, news.people())
		}
		got := s.whole(t.Context(), rt, f, date)
		if diff := cmp.Diff(want.whole(), got, inside); diff != "" {
			rt.Fatalf("wanted -, got +:\n%s", diff)
		}
		reader := &leafReader{service: s, c: c, read: map[time.Time]*readLeaf{}}
		for i := range 42 {
			user := fmt.Sprintf("u%02d", i)
			r, err := reader.of(t.Context(), date, user)
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(want.views[user], r.views[user]); diff != "" {
				rt.Fatalf("views of %s, wanted -, got +:\n%s", user, diff)
			}
		}
	})
}

// whole is the rollup of a day, of which the leaves that the head names are all that there are, and are in order.
func (s *Service) whole(ctx context.Context, t rapid.TB, f *fixtures.Fixture, date time.Time) *rollup {
	heads, err := s.heads(ctx, f.Call("ann"), []time.Time{date})
	if err != nil {
		t.Fatal(err)
	}
	leaves := heads[0].Leaves
	stored := map[table.Key]bool{}
	query := table.Query{Partition: chunkKey(f.Account, date, "").Partition}
	if err := table.All(ctx, f.Env.Table, query, func(item table.Item) error {
		stored[item.Key] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(leaves, func(a, b leafRef) int { return strings.Compare(a.First, b.First) }) {
		t.Fatalf("out of order: %+v", leaves)
	}
	used := slices.Concat(heads[0].keys(f.Account, date))
	for _, key := range used {
		if !stored[key] {
			t.Fatalf("%s is not there", key)
		}
	}
	if len(stored) != len(used) {
		t.Fatalf("%d chunks are stored, %d in use", len(stored), len(used))
	}
	var all *rollup
	if err := s.eachRollup(ctx, f.Call("ann"), []time.Time{date}, func(_ time.Time, r *rollup) {
		all = r
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// A change of one person in a large day writes their leaf and the head.
func TestAChangeWritesItsLeaf(t *testing.T) {
	for name, change := range map[string]struct {
		news func(r *rollup)
		made int
	}{
		"nothing new":         {func(r *rollup) { r.monitor("user0500", []string{"detroit"}) }, 0},
		"a view":              {func(r *rollup) { r.view("user0500", "d", 1) }, 1},
		"somebody behind all": {func(r *rollup) { r.view("zoe", "d", 1) }, 1},
		"somebody before all": {func(r *rollup) { r.view("ann", "d", 1) }, 1},
		"views of two leaves": {func(r *rollup) { r.view("user0001", "d", 2); r.view("user0999", "d", 2) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := fixtures.New(t)
			kernel := license.NewService(catalog.Default())
			s := NewService(f.Env, kernel, directory.NewService(f.Env, kernel))
			s.leafBytes = 4000
			c, date := f.Call("ann"), time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)
			leaves := func(news *rollup) []leafRef {
				if err := s.merge(t.Context(), c, date, news, false); err != nil {
					t.Fatal(err)
				}
				heads, err := s.heads(t.Context(), c, []time.Time{date})
				if err != nil {
					t.Fatal(err)
				}
				return heads[0].Leaves
			}
			news := newRollup()
			for i := range 1000 {
				news.monitor(fmt.Sprintf("user%04d", i), []string{"detroit"})
			}
			before := leaves(news)
			news = newRollup()
			change.news(news)
			after := leaves(news)
			made := slices.DeleteFunc(slices.Clone(after), func(leaf leafRef) bool {
				return slices.ContainsFunc(before, func(was leafRef) bool { return was.ID == leaf.ID })
			})
			if len(before) < 5 || len(made) != change.made {
				t.Errorf("%d leaves were written, want %d: %v, and before %v", len(made), change.made, after, before)
			}
		})
	}
}

// What comes of a day that goes on is written beside its leaves, and with the next day goes into them.
func TestRecentGoesIntoTheLeavesOfADayThatIsOver(t *testing.T) {
	f := fixtures.New(t)
	kernel := license.NewService(catalog.Default())
	s := NewService(f.Env, kernel, directory.NewService(f.Env, kernel))
	c, date, news := f.Call("ann"), time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC), newRollup()
	for i := range 20_000 {
		news.monitor(fmt.Sprintf("user%04d", i), []string{"detroit"})
	}
	stored := func(news *rollup, goesOn bool) head {
		if err := s.merge(t.Context(), c, date, news, goesOn); err != nil {
			t.Fatal(err)
		}
		heads, err := s.heads(t.Context(), c, []time.Time{date})
		if err != nil {
			t.Fatal(err)
		}
		return heads[0].head
	}
	before := stored(news, true)
	if len(before.Leaves) == 0 || len(before.Recent) > 0 {
		t.Fatalf("many people at once: %+v", before)
	}
	for i := range maxRecent + 1 {
		view := newRollup()
		view.view("user0500", "d", int64(i))
		h := stored(view, true)
		if i < maxRecent && (len(h.Recent) != i+1 || !slices.Equal(h.Leaves, before.Leaves)) {
			t.Fatalf("view %d: %+v", i, h)
		}
		if i == maxRecent && (len(h.Recent) > 0 || slices.Equal(h.Leaves, before.Leaves)) {
			t.Fatalf("there were %d, and came one more: %+v", maxRecent, h)
		}
		if again := stored(view, true); !slices.Equal(again.Recent, h.Recent) {
			t.Fatalf("what is known was written again: %+v", again)
		}
	}
	view := newRollup()
	view.view("user0500", "d", 99)
	if h := stored(view, true); len(h.Recent) != 1 {
		t.Fatalf("%+v", h)
	}
	if h := stored(newRollup(), false); len(h.Recent) != 0 {
		t.Fatalf("the day is over: %+v", h)
	}
}

// Of two runs that take something into one day at the same time, neither is lost.
func TestTwoRunsOfOneDay(t *testing.T) {
	for _, goesOn := range []bool{true, false} {
		f := fixtures.New(t)
		kernel := license.NewService(catalog.Default())
		s := NewService(f.Env, kernel, directory.NewService(f.Env, kernel))
		c, date := f.Call("ann"), time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)
		run := func(users ...string) {
			news := newRollup()
			for _, user := range users {
				news.view(user, "d", 1)
			}
			if err := s.merge(t.Context(), c, date, news, goesOn); err != nil {
				t.Fatal(err)
			}
		}
		run("first")
		sound, met := f.Env.Table, false
		f.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
			if len(c.Ops) > 0 && c.Ops[0].Item.Key == headKey(f.Account, date) && !met {
				met = true
				f.Env.Table = sound
				run("other")
			}
			return faulty.None
		})
		run("one", "two")
		var all *rollup
		keep := func(_ time.Time, r *rollup) { all = r }
		if err := s.eachRollup(t.Context(), c, []time.Time{date}, keep); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"first", "one", "other", "two"}, all.people()); diff != "" || !met {
			t.Errorf("met %v, wanted -, got +:\n%s", met, diff)
		}
	}
}

// A run that cannot read a chunk, for another has replaced it, reads again, and leaves nothing behind.
func TestATornRunLeavesNothing(t *testing.T) {
	f := fixtures.New(t)
	kernel := license.NewService(catalog.Default())
	s := NewService(f.Env, kernel, directory.NewService(f.Env, kernel))
	s.leafBytes = 4000
	c, date := f.Call("ann"), time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)
	many := func(queue string) *rollup {
		r := newRollup()
		for i := range 1000 {
			r.monitor(fmt.Sprintf("user%04d", i), []string{queue})
		}
		return r
	}
	if err := s.merge(t.Context(), c, date, many("detroit"), false); err != nil {
		t.Fatal(err)
	}
	sound, reads := f.Env.Table, 0
	f.Env.Table = &hiding{sound, func() bool { reads++; return reads == 7 }} // some have been written again by then
	if err := s.merge(t.Context(), c, date, many("belmont"), false); err != nil || reads < 8 {
		t.Fatalf("%v, %d reads", err, reads)
	}
	f.Env.Table = sound
	got := s.whole(t.Context(), t, f, date)
	if last := got.queues["user0999"]; len(got.people()) != 1000 || !slices.Equal(last, []string{"belmont"}) {
		t.Errorf("%d people, the last in %v", len(got.people()), last)
	}
}

// hiding answers nothing to the lookups that it is told to.
type hiding struct {
	table.Store
	hide func() bool
}

func (h *hiding) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	if h.hide() {
		return nil, nil
	}
	return h.Store.Lookup(ctx, keys...)
}
