package usage

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seatwise/shared/craft/calendar"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

func drawRollup(t *rapid.T) *rollup {
	id := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}`)
	r := newRollup()
	for range rapid.IntRange(0, 40).Draw(t, "agents") {
		r.monitor(id.Draw(t, "agent"), rapid.SliceOfN(id, 1, 5).Draw(t, "queues"))
	}
	for range rapid.IntRange(0, 40).Draw(t, "views") {
		r.view(id.Draw(t, "viewer"), id.Draw(t, "dashboard"), rapid.Int64Range(0, 4e12).Draw(t, "at"))
	}
	return r
}

func unpacked(t interface{ Fatal(...any) }, chunks []packed) *rollup {
	r := newRollup()
	for _, c := range chunks {
		data, err := json.Marshal(c.chunk)
		if err != nil {
			t.Fatal(err)
		}
		var back chunk
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		r.unpack(back)
	}
	return r
}

// inside has differences looked for where rollups are unexported too.
var inside = cmp.AllowUnexported(rollup{}, packed{})

func TestPackedIsUnpackedWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRollup(t)
		if diff := cmp.Diff(r, unpacked(t, r.pack(chunkBytes)), inside); diff != "" {
			t.Fatalf("wanted -, got +:\n%s", diff)
		}
		if diff := cmp.Diff(r.pack(chunkBytes), r.pack(chunkBytes), inside); diff != "" {
			t.Fatalf("packed twice, first -, again +:\n%s", diff)
		}
	})
}

// Chunks fit into items whatever the rollup: many users of one queue, one user of many queues, many
// views.
func TestChunksFit(t *testing.T) {
	long := func(kind string, n int) string {
		return fmt.Sprintf("%s%06d", strings.Repeat(kind, 58), n)
	}
	r := newRollup()
	var many []string
	for i := range 7000 {
		many = append(many, long("q", i))
	}
	r.monitor("everywhere", many)
	r.monitor("almost", many[1:])
	for i := range 20_000 {
		r.monitor(long("u", i), []string{"detroit"})
	}
	for i := range 3000 {
		for d := range 3 {
			r.view(long("v", i), long("d", d), int64(1_800_000_000_000+i))
		}
		r.view("all", long("e", i), 1)
	}
	chunks := r.pack(chunkBytes)
	for i, c := range chunks {
		data, err := json.Marshal(c.chunk)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 300<<10 {
			t.Errorf("chunk %d has %d bytes", i, len(data))
		}
	}
	if size := len(chunks) * 300 << 10; chunkBatch*300<<10 > table.MaxCommitBytes || size == 0 {
		t.Errorf("%d chunks of a batch do not fit into a commit", chunkBatch)
	}
	if diff := cmp.Diff(r, unpacked(t, chunks), inside); diff != "" {
		t.Errorf("not the same when read, wanted -, got +:\n%s", diff)
	}
	// 20,000 members of the same queues are named once each: about their ids' bytes.
	plain := newRollup()
	for i := range 20_000 {
		plain.monitor(fmt.Sprint("user", i), []string{"detroit", "belmont"})
	}
	if n := len(plain.pack(chunkBytes)); n > 3 {
		t.Errorf("%d chunks for 20,000 members of two queues", n)
	}
}

func TestUnpackingSharesNothingThatChanges(t *testing.T) {
	r := newRollup()
	r.unpack(chunk{Agents: []agents{{Queues: []string{"b", "d"}, Users: []string{"john", "sarah"}}}})
	r.monitor("john", []string{"a"})
	want := map[string][]string{"sarah": {"b", "d"}, "john": {"a", "b", "d"}}
	if diff := cmp.Diff(want, r.queues); diff != "" {
		t.Fatalf("queues by user, wanted -, got +:\n%s", diff)
	}
}

// A window's figures are those of counting persons one by one.
func TestWindowAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
		days := rapid.IntRange(1, 6).Draw(t, "days")
		bought := rapid.Int64Range(0, 6).Draw(t, "bought")
		unlimited := rapid.Bool().Draw(t, "unlimited")
		g := gather(from, from.AddDate(0, 0, days))
		user := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
		agents, viewers := map[string]map[string]bool{}, map[string]map[string]int64{}
		var since time.Time
		sum := map[string]bool{}
		for n := range days {
			r := newRollup()
			active := map[string]bool{}
			for range rapid.IntRange(0, 4).Draw(t, "members") {
				who, queue := user.Draw(t, "agent"), rapid.SampledFrom([]string{"q1", "q2"}).Draw(t, "queue")
				r.monitor(who, []string{queue})
				if agents[who] == nil {
					agents[who] = map[string]bool{}
				}
				agents[who][queue], active[who], sum[who] = true, true, true
			}
			for range rapid.IntRange(0, 4).Draw(t, "views") {
				who, at := user.Draw(t, "viewer"), rapid.Int64Range(1, 1000).Draw(t, "at")
				r.view(who, "d1", at)
				if viewers[who] == nil {
					viewers[who] = map[string]int64{}
				}
				viewers[who]["d1"] = max(viewers[who]["d1"], at)
				active[who], sum[who] = true, true
			}
			date := from.AddDate(0, 0, n)
			g.add(date, r, bought, unlimited)
			if since.IsZero() && !unlimited && (int64(len(active)) > bought || int64(len(sum)) > bought) {
				since = date
			}
			if d := g.window.Days[n]; d.ActiveUsers != int64(len(active)) ||
				d.OverageUsers != over(int64(len(active)), bought, unlimited) ||
				!d.Date.Equal(date) {
				t.Fatalf("day %d: %+v, active %d", n, d, len(active))
			}
		}
		calendar, err := calendar.New(calendar.Terms{Zone: time.UTC, BillingDay: 1})
		if err != nil {
			t.Fatal(err)
		}
		g.show(calendar, func(string, time.Time, time.Time) []string { return []string{"d1"} })
		w := g.done(Purchased{LiveReports: bought})
		if w.MonitoredUsers != int64(len(agents)) || w.Viewers != int64(len(viewers)) ||
			w.ActiveUsers != int64(len(sum)) ||
			len(w.Users) != len(sum) {
			t.Fatalf("%+v; agents %v viewers %v", w, agents, viewers)
		}
		if (w.Overage == nil) != since.IsZero() || w.Overage != nil && !w.Overage.Since.Equal(since) {
			t.Fatalf("overage %+v, want since %s", w.Overage, since)
		}
		for _, u := range w.Users {
			if len(u.Queues) != len(agents[u.UserID]) || u.Agent() != (len(agents[u.UserID]) > 0) ||
				u.Viewer() != (viewers[u.UserID] != nil) {
				t.Fatalf("user %+v", u)
			}
			if u.Viewer() && u.LastViewed().UnixMilli() != viewers[u.UserID]["d1"] {
				t.Fatalf("user %+v last viewed %s", u, u.LastViewed())
			}
		}
		if o := w.Overage; o != nil {
			for _, source := range o.Sources {
				if source.Kind == "dashboard" && source.Users != int64(len(sum)) {
					t.Fatalf("everybody came by the one dashboard: %+v of %d", source, len(sum))
				}
			}
		}
	})
}

func TestSpan(t *testing.T) {
	today := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct{ from, to, first, end, slug, field string }{
		{"", "", "2026-10-28", "2026-11-27", "", ""},
		{"2026-11-26", "", "2026-11-26", "2026-11-27", "", ""},
		{"2026-11-20", "", "2026-11-20", "2026-11-27", "", ""}, // not 23 days to come
		{"2026-09-01", "", "2026-09-01", "2026-10-01", "", ""},
		{"", "2026-11-27", "2026-10-28", "2026-11-27", "", ""},
		{"", "2026-11-01", "2026-10-02", "2026-11-01", "", ""},
		{"2026-11-01", "2026-11-27", "2026-11-01", "2026-11-27", "", ""},
		{"2026-11-27", "", "", "", "window-in-future", "from"},
		{"", "2026-11-28", "", "", "window-in-future", "to"},
		{"2026-11-01", "2026-11-28", "", "", "window-in-future", "to"},
		{"2999-01-01", "2999-02-01", "", "", "window-in-future", "from"},
		{"2026-12-02", "2026-12-01", "", "", "window-in-future", "from"},
		{"2026-11-26", "2026-11-26", "", "", "validation", "to"},
		{"2025-11-25", "2026-11-27", "", "", "validation", "from"},
		{"2025-11-26", "2026-11-27", "2025-11-26", "2026-11-27", "", ""},
		{"9999-01-01", "", "", "", "validation", "from"},
		{"soon", "", "", "", "validation", "from"},
	} {
		first, end, err := Span(test.from, test.to, today)
		if test.slug != "" {
			p, ok := problem.From(err)
			if !ok || string(p.Slug) != test.slug || len(p.Fields) != 1 || p.Fields[0].Field != test.field ||
				p.Status() != 422 {
				t.Errorf("%s to %s: %v, want %s of %s", test.from, test.to, err, test.slug, test.field)
			}
			continue
		}
		if err != nil || first.Format(time.DateOnly) != test.first || end.Format(time.DateOnly) != test.end {
			t.Errorf("%s to %s: %s, %s, %v", test.from, test.to, first, end, err)
		}
	}
}
