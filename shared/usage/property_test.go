package usage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

// plain is the figures kept the plain way: for each day, who was a member of a monitored queue at
// any time in it, and who viewed.
type plain struct {
	members    map[string][]string // by queue
	dashboards map[string][]string // queues by dashboard
	agents     map[string]map[string]bool
	viewers    map[string]map[string]bool
	// zones are those before and from changed on, which is midnight of a date in the first.
	zones   [2]*time.Location
	changed time.Time
}

// date is the account's day of a moment.
func (p *plain) date(at time.Time) string {
	if at.Before(p.changed) {
		return at.In(p.zones[0]).Format(time.DateOnly)
	}
	return max(at.In(p.zones[1]).Format(time.DateOnly), p.changed.In(p.zones[0]).Format(time.DateOnly))
}

func (p *plain) add(to map[string]map[string]bool, at time.Time, user string) {
	key := p.date(at)
	if to[key] == nil {
		to[key] = map[string]bool{}
	}
	to[key][user] = true
}

// held notes who is a monitored member at this moment.
func (p *plain) held(at time.Time) {
	for _, queues := range p.dashboards {
		for _, queue := range queues {
			for _, user := range p.members[queue] {
				p.add(p.agents, at, user)
			}
		}
	}
}

func (p *plain) day(date string) usage.DayBody {
	active := map[string]bool{}
	for user := range p.agents[date] {
		active[user] = true
	}
	for user := range p.viewers[date] {
		active[user] = true
	}
	return usage.DayBody{
		Date:           date,
		MonitoredUsers: int64(len(p.agents[date])),
		Viewers:        int64(len(p.viewers[date])),
		ActiveUsers:    int64(len(active)),
	}
}

// modelZones are time zones before and after a change: nearly all of the day ahead or behind,
// quarters of hours, the same.
var modelZones = [][2]*time.Location{
	{time.UTC, time.UTC},
	{located("America/New_York"), located("America/New_York")},
	{located("Asia/Tokyo"), located("America/Los_Angeles")},
	{located("Pacific/Honolulu"), located("Pacific/Kiritimati")},
	{located("Pacific/Kiritimati"), located("Pacific/Honolulu")},
	{located("Asia/Kathmandu"), located("Europe/Vienna")},
}

func located(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// moves makes the account one whose time zone changes with the period that begins on 17 July, two
// days after the start, and tells the moment.
func (w *world) moves(t *testing.T, zones [2]*time.Location) time.Time {
	t.Helper()
	a := account.Account{
		ID: w.Account,
		Settings: account.Settings{
			Name:       "Acme",
			Brand:      "RingCentral",
			Currency:   "USD",
			Timezone:   zones[1].String(),
			BillingDay: 17,
			Bundle:     account.Standard,
		},
		Terms: []account.Terms{
			{Timezone: zones[0].String(), BillingDay: 17, Bundle: account.Standard},
			{From: "2026-07-17", Timezone: zones[1].String(), BillingDay: 17, Bundle: account.Standard},
		},
	}
	data, err := call.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	item := table.Item{Key: call.AccountKey(w.Account), Data: data}
	item.IndexKeys[0] = table.Key{Partition: "ACCOUNTS", Sort: w.Account}
	if err := w.Env.Table.Commit(t.Context(), []table.Operation{table.Put(item, table.Always)}); err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 7, 17, 0, 0, 0, 0, zones[0])
}

// Whatever the order of changes, views, repetitions, delays and runs, the figures are those of the
// plain model.
func TestFiguresAgainstAModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			w := newWorld(t)
			zones := modelZones[seed%uint64(len(modelZones))]
			changed := w.moves(t, zones)
			w.buy(t, catalog.LiveReportsID, 5)
			w.worked(t)
			p := &plain{
				zones:   zones,
				changed: changed,
				members: map[string][]string{
					"detroit": {"john", "sarah", "mike"},
					"belmont": {"emma", "david", "karen", "lisa", "mark"},
				},
				dashboards: map[string][]string{"d-detroit": {"detroit"}, "d-belmont": {"belmont"}},
				agents:     map[string]map[string]bool{},
				viewers:    map[string]map[string]bool{},
			}
			users := []string{"john", "sarah", "mike", "emma", "david", "karen", "lisa", "mark", "alice", "bob"}
			viewers := []string{"alice", "bob"}
			queues := []string{"detroit", "belmont"}
			dashboards := []string{"d-detroit", "d-belmont"}
			some := func(of []string) []string {
				var chosen []string
				for _, v := range of {
					if random.IntN(2) == 0 {
						chosen = append(chosen, v)
					}
				}
				return chosen
			}
			var delayed, sent []map[string]any
			p.held(w.Clock.Now())
			for step := range 120 {
				now := w.Clock.Now()
				switch random.IntN(8) {
				case 0:
					queue := queues[random.IntN(2)]
					p.members[queue] = some(users)
					w.queue(t, queue, p.members[queue]...)
				case 1:
					dashboard := dashboards[random.IntN(2)]
					p.dashboards[dashboard] = some(queues)
					w.dashboard(t, dashboard, p.dashboards[dashboard]...)
				case 2, 3:
					user, at := viewers[random.IntN(2)], now.Add(-time.Duration(random.IntN(20))*time.Hour)
					p.add(p.viewers, at, user)
					delayed = append(delayed, view(fmt.Sprint("e", step), user, dashboards[random.IntN(2)], at))
				case 4:
					random.Shuffle(len(delayed), func(i, j int) { delayed[i], delayed[j] = delayed[j], delayed[i] })
					if len(delayed) > 0 {
						w.send(t, len(delayed), 0, delayed...)
						sent, delayed = append(sent, delayed...), nil
					}
				case 5:
					if len(sent) > 0 {
						w.send(t, 0, 1, sent[random.IntN(len(sent))])
					}
				case 6:
					w.fold(t, now.Add(-time.Duration(random.IntN(30))*time.Hour))
				case 7:
					for range random.IntN(9) {
						w.Clock.Add(time.Hour)
						p.held(w.Clock.Now())
					}
				}
				p.held(w.Clock.Now())
				if len(delayed) > 0 { // nothing may become too late in the next hours
					first := slices.MinFunc(delayed, func(a, b map[string]any) int { return compareAt(a, b) })
					at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(first["at"]))
					if err != nil {
						t.Fatal(err)
					}
					if w.Clock.Now().Sub(at) > 30*time.Hour {
						w.send(t, len(delayed), 0, delayed...)
						sent, delayed = append(sent, delayed...), nil
					}
				}
			}
			if len(delayed) > 0 {
				w.send(t, len(delayed), 0, delayed...)
			}
			w.fold(t, w.Clock.Now())
			agents, seen := map[string]bool{}, map[string]bool{}
			s := w.summary(t, "")
			for _, got := range s.Daily {
				want := p.day(got.Date)
				want.LicensesPurchased, want.OverageUsers = got.LicensesPurchased, max(0,
					want.ActiveUsers-got.LicensesPurchased)
				if got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				for user := range p.agents[got.Date] {
					agents[user] = true
				}
				for user := range p.viewers[got.Date] {
					seen[user] = true
				}
			}
			active := map[string]bool{}
			for _, set := range []map[string]bool{agents, seen} {
				for user := range set {
					active[user] = true
				}
			}
			wantFigures(t, s,
				[4]int64{int64(len(agents)), int64(len(seen)), int64(len(active)), max(0, int64(len(active))-5)})
			for _, user := range viewers {
				if got := slices.Contains(w.grants(t, user), "view"); got != seen[user] {
					t.Errorf("%s: granted %v, viewed %v", user, got, seen[user])
				}
			}
		})
	}
}

func compareAt(a, b map[string]any) int {
	first, second := fmt.Sprint(a["at"]), fmt.Sprint(b["at"])
	switch {
	case first < second:
		return -1
	case first > second:
		return 1
	}
	return 0
}
