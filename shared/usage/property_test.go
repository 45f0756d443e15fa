package usage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"seatwise/infra/testkit"
	"seatwise/shared/catalog"
	"seatwise/shared/usage"
)

// plain is the figures kept the plain way: for each day, who was a member of a monitored queue at any time in it, and who viewed.
type plain struct {
	members    map[string][]string // by queue
	dashboards map[string][]string // queues by dashboard
	agents     map[string]map[string]bool
	viewers    map[string]map[string]bool
}

func add(to map[string]map[string]bool, date time.Time, user string) {
	key := date.Format(time.DateOnly)
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
				add(p.agents, at, user)
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
	return usage.DayBody{Date: date, MonitoredUsers: int64(len(p.agents[date])), Viewers: int64(len(p.viewers[date])), ActiveUsers: int64(len(active))}
}

// Whatever the order of changes, views, repetitions, delays and runs, the figures are those of the plain model.
func TestFiguresAgainstAModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			w := newWorld(t)
			w.buy(t, catalog.LiveReportsID, 5)
			w.worked(t)
			p := &plain{
				members:    map[string][]string{"detroit": {"john", "sarah", "mike"}, "belmont": {"emma", "david", "karen", "lisa", "mark"}},
				dashboards: map[string][]string{"d-detroit": {"detroit"}, "d-belmont": {"belmont"}},
				agents:     map[string]map[string]bool{}, viewers: map[string]map[string]bool{},
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
			for step := range 60 {
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
					add(p.viewers, at, user)
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
			// Any runs that together reach every day will do.
			for at := w.Clock.Now(); at.After(testkit.Start.Add(-48 * time.Hour)); at = at.Add(-48 * time.Hour) {
				w.fold(t, at)
			}
			agents, seen := map[string]bool{}, map[string]bool{}
			s := w.summary(t, "")
			for _, got := range s.Daily {
				want := p.day(got.Date)
				want.LicensesPurchased, want.OverageUsers = got.LicensesPurchased, max(0, want.ActiveUsers-got.LicensesPurchased)
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
			wantFigures(t, s, [4]int64{int64(len(agents)), int64(len(seen)), int64(len(active)), max(0, int64(len(active))-5)})
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
