package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// turn is a call to the table that waits until the scheduler lets it go on.
type turn struct {
	run  *run
	what string
	next chan struct{}
}

// scheduler lets one call to the table go on at a time. Between two of them all goroutines of the
// product stand still, so that which call is the next one is the choice of the seed alone: every
// interleaving of the commits of several functions can come about, and comes about again.
type scheduler struct {
	mu      sync.Mutex
	waiting []*turn
	// trace folds every call with what came of it.
	trace hash.Hash
	// log gets every line of the trace, if it is set.
	log   io.Writer
	fired map[faulty.Fault]int
	calls int
}

// gate is the store of one slot: it waits for its turn, and lets a fault befall the call.
type gate struct {
	slot *slot
}

var _ table.Store = gate{}

func (g gate) wait(what string) table.Store {
	r := g.slot.run
	if r == nil {
		return recorder{sim: g.slot.sim} // the checks, between two turns
	}
	t := &turn{run: r, what: what, next: make(chan struct{})}
	s := &g.slot.sim.scheduler
	s.mu.Lock()
	s.waiting = append(s.waiting, t)
	s.mu.Unlock()
	<-t.next
	return r.faults
}

// Lookup implements table.Store.
func (g gate) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = nameOf(k)
	}
	slices.Sort(names) // what came out of a map comes in any order
	what := "lookup " + strings.Join(names, ", ")
	found, err := g.wait(what).Lookup(ctx, keys...)
	g.slot.sim.note(g.slot.run, what, len(found), err)
	return found, err
}

// Query implements table.Store.
func (g gate) Query(ctx context.Context, q table.Query) (table.Page, error) {
	what := fmt.Sprintf("query %d %s %q %q %q %q %d", q.Index, q.Partition, q.Prefix, q.From, q.To, q.After, q.Limit)
	page, err := g.wait(what).Query(ctx, q)
	g.slot.sim.note(g.slot.run, what, len(page.Items), err)
	return page, err
}

// Commit implements table.Store.
func (g gate) Commit(ctx context.Context, ops []table.Operation) error {
	names := make([]string, len(ops))
	for i, op := range ops {
		names[i] = fmt.Sprint(op.Kind, " ", nameOf(op.Item.Key))
	}
	slices.Sort(names)
	what := "commit " + strings.Join(names, ", ")
	err := g.wait(what).Commit(ctx, ops)
	g.slot.sim.note(g.slot.run, what, len(ops), err)
	return err
}

func nameOf(k table.Key) string { return k.Partition + " / " + k.Sort }

func (m *simulation) note(r *run, what string, n int, err error) {
	if r == nil {
		return
	}
	outcome := "ok"
	if _, refused := table.Refused(err); refused {
		outcome = "refused"
	} else if err != nil {
		outcome = err.Error()
	}
	m.scheduler.mu.Lock()
	defer m.scheduler.mu.Unlock()
	m.scheduler.fold(fmt.Sprintf("%d %s %d %s", r.number, what, n, outcome))
}

func (s *scheduler) fold(line string) {
	if s.log != nil {
		_, _ = fmt.Fprintln(s.log, line)
	}
	_ = binary.Write(s.trace, binary.BigEndian, uint32(len(line)))
	_, _ = s.trace.Write([]byte(line))
}

// choose lets one of the waiting calls go on; false when none waits. Calls stand in an order that
// does not depend on who came first.
func (m *simulation) choose() bool {
	s := &m.scheduler
	s.mu.Lock()
	ready := make([]*turn, 0, len(s.waiting))
	for _, t := range s.waiting {
		if t.run.stalled == 0 {
			ready = append(ready, t)
		}
	}
	slices.SortStableFunc(ready, func(a, b *turn) int {
		if a.run.number != b.run.number {
			return a.run.number - b.run.number
		}
		return strings.Compare(a.what, b.what)
	})
	if len(ready) == 0 {
		s.mu.Unlock()
		return false
	}
	t := ready[m.random.IntN(len(ready))]
	i := slices.Index(s.waiting, t)
	s.waiting = slices.Delete(s.waiting, i, i+1)
	s.calls++
	s.mu.Unlock()
	close(t.next)
	return true
}

// nap lets time pass for whoever waits before it tries again. Nothing else moves the bubble's
// clock, so no real time passes.
func nap() { time.Sleep(50 * time.Millisecond) }

// abandon lets whatever waits still go on after a violation, each with a crash, so that the bubble
// can end.
func (m *simulation) abandon() {
	for m.busy() {
		synctest.Wait()
		for _, s := range m.slots {
			if s.run != nil {
				s.run.stalled = 0
				if s.run.finished {
					s.run = nil
				}
			}
		}
		if !m.choose() {
			nap()
		}
	}
}
