package record

import (
	"slices"
	"testing"
)

func TestEntriesOfAHolder(t *testing.T) {
	h := Holder{UserID: "a.adams", Name: "Álice Adams", Email: "Alice@acme.test"}
	if got, want := h.Entries(), []string{
		"a adams",
		"acme test",
		"adams",
		"alice acme test",
		"alice adams",
		"test",
	}; !slices.Equal(
		got,
		want,
	) {
		t.Errorf("entries %q, want %q", got, want)
	}
	if got := (&Holder{Name: "Nobody"}).Entries(); got != nil {
		t.Errorf("nobody has entries: %q", got)
	}
}

func TestDeliveredIDs(t *testing.T) {
	seen, shards := map[string]bool{}, map[string]int{}
	for n := range 2_000 {
		id := DeliveredID("acme", "o1", n)
		if !WellFormed(id) || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
		shards[shard(id)]++
		if !wasDelivered(id) || ending(id) != ending(DeliveredID("acme", "o1", 0)) {
			t.Fatalf("the id %s does not say which order it is of", id)
		}
	}
	if ending(DeliveredID("acme", "o2", 0)) == ending(DeliveredID("acme", "o1", 0)) {
		t.Fatal("two orders have the same ending")
	}
	if len(shards) != 16 || !seen[DeliveredID("acme", "o1", 7)] || seen[DeliveredID("globex", "o1", 7)] ||
		seen[DeliveredID("acme", "o2", 7)] {
		t.Fatalf("%v", shards)
	}
	for _, id := range []string{
		"", "x", "A0000000-0000-4000-8000-000000000000", "00000000000040008000000000000000",
		"{00000000-0000-4000-8000-000000000000}",
	} {
		if WellFormed(id) {
			t.Errorf("%q is no id of ours", id)
		}
	}
}
