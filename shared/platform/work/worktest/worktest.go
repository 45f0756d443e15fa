// Package worktest is the contract of work.Queue as tests, from the message that is sent to the
// function that carries it out. Every adapter passes all of it.
package worktest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"seatwise/shared/platform/work"
)

// Opened is a queue that delivers until the test's end.
type Opened struct {
	work.Queue
	// Aside lists what was set aside, by the queue or by SetAside.
	Aside func(t *testing.T) []work.Message
}

// Open opens a queue for one test that hands what is sent to a function, at most tries times each.
type Open func(t *testing.T, deliver func(context.Context, work.Message) error) Opened

// Tries is how often a message is delivered before it is set aside, and Wait how long a test waits for
// what must happen.
const (
	Tries = 3
	Wait  = 30 * time.Second
)

// Run is the whole contract.
func Run(t *testing.T, open Open) {
	t.Helper()
	t.Run("EachIsDelivered", func(t *testing.T) { each(t, open) })
	t.Run("WhatFailsIsAlone", func(t *testing.T) { alone(t, open) })
	t.Run("SetAside", func(t *testing.T) { aside(t, open) })
	t.Run("WhoIsGoneSendsNothing", func(t *testing.T) { gone(t, open) })
}

// counted counts deliveries by account.
type counted struct {
	mu   sync.Mutex
	seen map[string]int
	last work.Message
}

func (c *counted) note(m work.Message) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	c.seen[m.Account]++
	c.last = m
	return c.seen[m.Account]
}

func (c *counted) of(account string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[account]
}

func (c *counted) accounts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

func message(account string) work.Message {
	return work.Message{
		Kind: work.Aggregation, Account: account, Time: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	limit := time.After(Wait)                    //nolint:forbidigo // a queue delivers in the machine's own time
	tick := time.NewTicker(5 * time.Millisecond) //nolint:forbidigo // the same
	defer tick.Stop()
	for !done() {
		select {
		case <-limit:
			t.Fatalf("%s: not within %s", what, Wait)
		case <-tick.C:
		}
	}
}

// each sends more messages than fit into any one request of an adapter.
func each(t *testing.T, open Open) {
	var c counted
	q := open(t, func(_ context.Context, m work.Message) error { c.note(m); return nil })
	const many = 137
	messages := make([]work.Message, many)
	for i := range messages {
		messages[i] = message(fmt.Sprintf("account-%d", i))
	}
	if err := q.Send(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := q.Send(t.Context()); err != nil {
		t.Errorf("no message at all: %v", err)
	}
	eventually(t, "every message is delivered", func() bool { return c.accounts() == many })
	want := message(c.last.Account)
	if c.last != want {
		t.Errorf("got %+v, sent %+v", c.last, want)
	}
	if left := q.Aside(t); len(left) > 0 {
		t.Errorf("set aside: %+v", left)
	}
}

// alone has messages that fail always, fail once and panic between others.
func alone(t *testing.T, open Open) {
	var c counted
	q := open(t, func(_ context.Context, m work.Message) error {
		n := c.note(m)
		switch {
		case m.Account == "poisoned":
			return errors.New("as always")
		case m.Account == "panics" && n == 1:
			panic("at the wall")
		case m.Account == "once" && n == 1:
			return errors.New("for the first time")
		}
		return nil
	})
	accounts := []string{"a", "poisoned", "b", "once", "c", "panics", "d"}
	var messages []work.Message
	for _, account := range accounts {
		messages = append(messages, message(account))
	}
	if err := q.Send(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	var left []work.Message
	eventually(t, "the poisoned message is set aside", func() bool { left = q.Aside(t); return len(left) > 0 })
	if len(left) != 1 || left[0] != message("poisoned") || c.of("poisoned") != Tries {
		t.Errorf("set aside after %d tries: %+v", c.of("poisoned"), left)
	}
	eventually(t, "what failed once comes again", func() bool { return c.of("once") >= 2 && c.of("panics") >= 2 })
	for _, account := range []string{"a", "b", "c", "d"} {
		if n := c.of(account); n != 1 {
			t.Errorf("%s was delivered %d times", account, n)
		}
	}
}

// aside sets a message aside that was never sent.
func aside(t *testing.T, open Open) {
	var c counted
	q := open(t, func(_ context.Context, m work.Message) error { c.note(m); return nil })
	m := message("acme")
	m.Kind, m.Insist, m.Marker, m.Error = work.Maintenance, true, "queue support", "as always"
	if err := q.SetAside(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var left []work.Message
	eventually(t, "it lies aside", func() bool { left = q.Aside(t); return len(left) > 0 })
	if len(left) != 1 || left[0] != m || c.accounts() > 0 {
		t.Errorf("set aside %+v, delivered %d", left, c.accounts())
	}
}

func gone(t *testing.T, open Open) {
	q := open(t, func(context.Context, work.Message) error { return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Send(ctx, message("acme")); err == nil {
		t.Error("sent for a caller who is gone")
	}
}
