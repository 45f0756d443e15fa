package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"seatwise/shared/offboarding"
	"seatwise/shared/platform/call"
)

// kept is how long docs/retention.md says that a kind of item is there: some days, or with 0 until
// something else ends it.
func kept(t *testing.T) map[string]int64 {
	t.Helper()
	page, err := os.ReadFile("../../docs/retention.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int64{}
	days := regexp.MustCompile(`^(\d+) days?\b`)
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		var n int64
		if found := days.FindStringSubmatch(strings.TrimSpace(cells[3])); found != nil {
			if n, err = strconv.ParseInt(found[1], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		for _, kind := range regexp.MustCompile("`([A-Z-]+)`").FindAllStringSubmatch(cells[2], -1) {
			kinds[kind[1]] = n
		}
	}
	return kinds
}

// Every kind of item in the table is in docs/retention.md, and is kept as long as it says. What is kept for
// days after something that is to come, such as the end of a period, may be there a month longer, of what
// is told late some days less; and open items of a kind that expires have no end yet.
func TestItemsAreKeptAsLongAsThePageSays(t *testing.T) {
	kinds, seen := kept(t), map[string]bool{}
	const day = 24 * 60 * 60
	for seed := uint64(21); seed < 24; seed++ {
		r := simulate(t, openBolt, options{seed: seed, steps: 700, every: 500})
		if r.violation != nil {
			t.Fatal(r.violation)
		}
		for key, at := range r.sim.mirror.items {
			account, kind, _ := kindOfKey(key)
			days, known := kinds[kind]
			if account == call.Nowhere && kind == "AUDIT" {
				days = 90 // of objects that were put aside
			}
			switch until := at.item.Expires; {
			case at.gone || kind == "JOBS":
			case !known:
				t.Errorf("%s is not on the page", key)
			case days == 0 && until != 0:
				t.Errorf("%s expires at %s, and should stay", key, time.Unix(until, 0))
			case days == 0:
			case until == 0 && kind != "MONITORED" && kind != "ALERTS":
				t.Errorf("%s never expires, and is kept for %d days", key, days)
			case until != 0 && (until < start.Unix()+(days-4)*day || until > r.sim.now.Unix()+(days+32)*day):
				t.Errorf("%s expires at %s, and is kept for %d days", key, time.Unix(until, 0), days)
			}
			if unsaid, err := offboarding.Unsaid(at.item); err != nil || len(unsaid) > 0 {
				t.Errorf("%s has texts of which it is not said whose they are: %v %v", key, unsaid, err)
			}
			seen[kind] = true
		}
	}
	if len(seen) < 40 {
		t.Errorf("%d kinds of items, want most of those there are", len(seen))
	}
}
