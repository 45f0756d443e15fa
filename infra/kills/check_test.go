package kills

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// seats is a product's line of the summary.
type seats struct{ Bought, Assigned, Available, Waiting int }

// eventually asks until there is nothing to say against the answer.
func (w *world) eventually(t *testing.T, patience time.Duration, ask func() error) {
	t.Helper()
	pause := 50 * time.Millisecond
	for deadline := time.Now().Add(patience); ; time.Sleep(pause) {
		err := ask()
		if err == nil || w.failed.Load() {
			return
		}
		if time.Now().After(deadline) {
			w.fail("after %s: %v", patience, err)
			return
		}
		pause = min(2*pause, 5*time.Second)
	}
}

// check looks at everything that was acknowledged, while no client works and nothing is killed.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.together(func(c *client) { w.must(c, c.recover()) })
	// an order that was killed is placed by the maintenance function, and its repetition is then
	// told so
	w.eventually(t, patience, func() error {
		w.finish(true)
		for n := range accounts {
			var latest struct{ Items []struct{ ID, State string } }
			if _, err := w.clients[n*kernels].get("/orders?limit=200", &latest); err != nil {
				return err
			}
			for _, o := range latest.Items {
				if o.State != "placed" {
					return fmt.Errorf("%s: order %+v", w.clients[n*kernels].name, o)
				}
			}
		}
		w.together(func(c *client) { w.must(c, c.unpark(true)) })
		for _, c := range w.clients {
			for _, q := range c.parked {
				if strings.HasSuffix(q.path, "/orders") {
					return fmt.Errorf("%v is said to be running", q)
				}
			}
		}
		return nil
	})
	for n := range accounts {
		w.account(t, w.clients[n*kernels:(n+1)*kernels])
	}
	w.together(func(c *client) { w.must(c, c.everything()) })
	if w.failed.Load() {
		t.FailNow()
	}
}

func (w *world) must(c *client, err error) {
	if err != nil {
		w.fail("%s, service %d: %v", c.name, c.kernel, err)
	}
}

// everything looks at all that the client knows, and at some of what it was told.
func (c *client) everything() error {
	resources := []string{}
	for user := range c.people {
		resources = append(resources, "user:"+user)
	}
	for queue := range c.queues {
		resources = append(resources, "queue:"+queue)
	}
	for board := range c.dashboards {
		resources = append(resources, "dashboard:"+board)
	}
	for id := range c.masses {
		resources = append(resources, "mass:"+id)
	}
	for _, resource := range resources {
		if !c.uncertain(resource) {
			if err := c.verify(resource); err != nil {
				return err
			}
		}
	}
	for range min(30, len(c.promises)) {
		if err := c.repeat(c.promises[c.random.IntN(len(c.promises))]); err != nil {
			return err
		}
	}
	return nil
}

// account counts an account: its seats by the summary, by the list and by what was acknowledged,
// and its orders (I1, I2, I4, I6).
func (w *world) account(t *testing.T, clients []*client) {
	t.Helper()
	c := clients[0]
	want, orders := map[string]int{}, map[string]bool{}
	ended := map[string]string{}
	for _, c := range clients {
		for id, o := range c.orders {
			orders[id] = true
			for product, n := range o.lines {
				want[product] += n
			}
		}
		maps.Copy(ended, c.terminated)
	}
	for _, product := range ended {
		want[product]--
	}
	first := true
	w.eventually(t, patience, func() error {
		if !first { // seats are kept back for a mass configuration that is under way
			w.finish(true)
		}
		first = false
		var summary struct {
			Items []struct {
				ProductID, Kind string
				seats
			}
		}
		if _, err := c.get("/licenses/summary", &summary); err != nil {
			return err
		}
		counted := map[string]seats{}
		gone := map[string]bool{}
		err := pages(c, "/licenses?", func(l license) error {
			s := counted[l.ProductID]
			switch l.Status {
			case "assigned":
				s.Bought, s.Assigned = s.Bought+1, s.Assigned+1
			case "available":
				s.Bought, s.Available = s.Bought+1, s.Available+1
			default:
				gone[l.ID] = true
			}
			counted[l.ProductID] = s
			return nil
		})
		if err != nil {
			return err
		}
		for id := range ended {
			if !gone[id] {
				return fmt.Errorf("%s: license %s was terminated and is not", c.name, id)
			}
		}
		for _, s := range summary.Items {
			if s.Kind == "metered" {
				continue
			}
			got := s.seats
			got.Waiting = 0
			if got != counted[s.ProductID] || s.Bought != want[s.ProductID] {
				return fmt.Errorf("%s: of %s the summary says %+v, the list %+v, and %d were bought", c.name,
					s.ProductID, s.seats, counted[s.ProductID], want[s.ProductID])
			}
		}
		return nil
	})
	err := pages(c, "/orders?", func(o struct{ ID, State string }) error {
		if o.State != "placed" || !orders[o.ID] {
			return fmt.Errorf("%s: nobody was told of order %+v", c.name, o)
		}
		delete(orders, o.ID)
		return nil
	})
	w.must(c, err)
	if len(orders) > 0 {
		w.fail("%s: orders were acknowledged and are not there: %v", c.name, orders)
	}
}

// pages visits a list.
func pages[T any](c *client, path string, visit func(T) error) error {
	for cursor := ""; ; {
		var page struct {
			Items      []T
			NextCursor string
		}
		if _, err := c.get(path+"limit=200"+cursor, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
		if page.NextCursor == "" {
			return nil
		}
		cursor = "&cursor=" + url.QueryEscape(page.NextCursor)
	}
}

// settle waits until nothing is left to do: every job in a final state, nobody waiting for a free
// seat, everybody holding or waiting for what queues grant (I14).
func (w *world) settle(t *testing.T) {
	t.Helper()
	wait := requestLease + patience
	if *kills < long {
		wait = patience
		for _, c := range w.clients {
			w.figures.unanswered.Add(int64(len(c.parked)))
		}
	}
	w.eventually(t, wait, func() error {
		w.finish(true)
		for _, c := range w.clients {
			if *kills >= long {
				if err := c.unpark(true); err != nil {
					return err
				}
				if len(c.parked) > 0 {
					return fmt.Errorf("%v is said to be running", c.parked[0])
				}
			}
			if err := c.settled(); err != nil {
				return err
			}
		}
		return nil
	})
	w.check(t)
}

// settled says what is left to do.
func (c *client) settled() error {
	var summary struct {
		Items []struct {
			ProductID string
			seats
		}
	}
	if _, err := c.get("/licenses/summary", &summary); err != nil {
		return err
	}
	for _, s := range summary.Items {
		if s.Waiting > 0 && s.Available > 0 || s.Available != s.Bought-s.Assigned {
			return fmt.Errorf("%s: of %s there are %+v", c.name, s.ProductID, s.seats)
		}
	}
	dropped := map[string]int{}
	err := pages(c, "/mass-configurations?", func(m struct{ ID, State, Source, FileName string }) error {
		if m.State == "checking" || m.State == "configuring" ||
			m.Source == "drop" && m.State != "completed" && c.dropped[m.FileName] == 1 {
			return fmt.Errorf("%s: %+v", c.name, m)
		}
		if m.Source == "drop" {
			dropped[m.FileName]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, times := range c.dropped {
		unknown := c.drop != nil && c.drop.name == name && !c.drop.there
		if dropped[name] > times || dropped[name] == 0 && !unknown {
			return fmt.Errorf("%s: %s was dropped %d times and became %d mass configurations", c.name, name, times,
				dropped[name])
		}
	}
	if m := c.mass; m != nil && m.uploaded && !c.uncertain("mass:"+m.id) {
		state, err := c.state(m)
		if err != nil {
			return err
		}
		if state == "awaitingUpload" || m.started && state != "completed" {
			return fmt.Errorf("%s: mass configuration %s is %s", c.name, m.id, state)
		}
		if m.started {
			if err := c.applied(m.rows); err != nil {
				return err
			}
		}
	}
	for _, id := range c.reports {
		var r struct{ State string }
		if _, err := c.get("/reports/"+id, &r); err != nil {
			return err
		}
		// one whose builder was killed too often has failed
		if r.State != "ready" && r.State != "failed" {
			return fmt.Errorf("%s: report %s is %s", c.name, id, r.State)
		}
	}
	return c.granted()
}

// granted demands that each member of a queue on a dashboard holds, or waits for, a license, and
// nobody else of the queues does (requirements, section 6).
func (c *client) granted() error {
	monitored := map[string]bool{}
	for _, queues := range c.dashboards {
		for _, queue := range queues {
			var q struct{ Settling bool }
			if _, err := c.get("/call-queues/"+queue, &q); err != nil {
				return err
			}
			if q.Settling {
				return fmt.Errorf("%s: queue %s settles still", c.name, queue)
			}
			for _, user := range c.queues[queue] {
				monitored[user] = true
			}
		}
	}
	for _, user := range slices.Concat(c.ids("many", many), c.ids("member", members)) {
		var why struct{ State string }
		if _, err := c.get("/users/"+user+"/why?product=live-reports", &why); err != nil {
			return err
		}
		if granted := why.State == "holds" || why.State == "waits"; granted != monitored[user] {
			return fmt.Errorf("%s: %s is monitored: %v; and %s", c.name, user, monitored[user], why.State)
		}
	}
	return nil
}

// audit folds the log of every account: what was assigned, less what was unassigned, is what is
// held (I16).
func (w *world) audit(t *testing.T) {
	t.Helper()
	for n := range accounts {
		c := w.clients[n*kernels]
		held := map[string]int{}
		records := 0
		err := pages(c, "/audit?", func(r struct{ ID, At, Actor, Action, Subject, Reason string }) error {
			if r.ID == "" || r.At == "" || r.Actor == "" || r.Reason == "" {
				return fmt.Errorf("a record without its fields: %+v", r)
			}
			records++
			switch r.Action {
			case "license.assigned":
				held[r.Subject]++
			case "license.unassigned":
				held[r.Subject]--
			}
			return nil
		})
		w.must(c, err)
		err = pages(c, "/licenses?", func(l license) error {
			want := 0
			if l.Status == "assigned" {
				want = 1
			}
			if held["license:"+l.ID] != want {
				return fmt.Errorf("by the audit log license %s is held %d times, and the license says %s", l.ID,
					held["license:"+l.ID], l.Status)
			}
			return nil
		})
		w.must(c, err)
		t.Logf("%s: %d audit records", c.name, records)
	}
}
