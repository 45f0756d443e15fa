package directory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Whatever opens and shuts, each whole day knows what held at any time in it.
func TestSpansAgainstAModel(t *testing.T) {
	ids := []string{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		var s Spans
		now := time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC)
		on := map[string]bool{}
		days := map[string]map[string]bool{}
		held := func() {
			day := now.Format(time.DateOnly)
			if days[day] == nil {
				days[day] = map[string]bool{}
			}
			for id := range on {
				days[day][id] = true
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			held()
			id := rapid.SampledFrom(ids).Draw(t, "id")
			if rapid.Bool().Draw(t, "on") {
				on[id] = true
				s.open(id, now)
			} else {
				delete(on, id)
				s.closeSpan(id, now)
			}
			held()
			for range rapid.IntRange(0, 30).Draw(t, "hours") {
				now = now.Add(time.Hour)
				held()
			}
		}
		for day, want := range days {
			from, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Within(from, from.AddDate(0, 0, 1))
			if len(got) != len(want) || slices.ContainsFunc(got, func(id string) bool { return !want[id] }) {
				t.Fatalf("%s: %v, want %v of %+v", day, got, want, s)
			}
		}
		last, ended := s.Ended()
		if ended != (len(on) == 0) || ended && last.After(now) {
			t.Fatalf("ended %v at %s, on are %v", ended, last, on)
		}
	})
}

// However often something changes, what is remembered of it fits into an item, and what still holds
// is never forgotten.
func TestSpansStaySmall(t *testing.T) {
	var s Spans
	now := time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC)
	s.open("always", now)
	for i := range 5000 {
		now = now.Add(time.Hour)
		id := fmt.Sprintf("%060d", i)
		s.open(id, now)
		s.closeSpan(id, now.Add(time.Minute))
	}
	data, err := call.Encode(s)
	if err != nil || len(data) > table.MaxItemBytes {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if got := s.Within(now.Add(-time.Hour), now.Add(time.Hour)); !slices.Contains(got, "always") || len(got) < 2 {
		t.Fatalf("of the last hours %v", got)
	}
	for range 3000 { // days, on each of which it ends and comes back a day later
		now = now.AddDate(0, 0, 2)
		s.closeSpan("always", now)
		s.open("always", now.AddDate(0, 0, 1))
	}
	if n := len(s["always"]); n > 400 {
		t.Fatalf("%d spans of 400 days", n)
	}
}
