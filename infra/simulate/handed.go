package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"seatwise/shared/platform/work"
)

// handed is a message that waits to be carried out: the work of one account that a schedule handed on.
type handed struct {
	message work.Message
	tries   int
	done    bool
}

// tries is how often a message is delivered before it is set aside, as in template.yaml.
const tries = 3

// errNotTaken is what a queue answers that takes no message, or only some of them.
var errNotTaken = errors.New("the queue takes nothing, says the simulation")

// post is the queue as one slot sees it.
type post struct{ slot *slot }

var _ work.Queue = post{}

// Send implements work.Queue. Where faults may befall the run, a message may be lost, which the next
// run of the schedule makes up for, or the queue fails behind some of them.
func (p post) Send(ctx context.Context, messages ...work.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m := p.slot.sim
	m.scheduler.mu.Lock()
	defer m.scheduler.mu.Unlock()
	faulted := p.slot.run != nil && p.slot.run.faulted
	for _, one := range messages {
		if faulted && p.slot.chance(3) == 0 {
			m.events["work lost"]++
			continue
		}
		if faulted && p.slot.chance(5) == 0 {
			m.events["work not taken"]++
			return errNotTaken
		}
		m.handed = append(m.handed, &handed{message: one})
		m.events["work handed on"]++
	}
	return nil
}

// SetAside implements work.Queue.
func (p post) SetAside(_ context.Context, one work.Message) error {
	m := p.slot.sim
	m.scheduler.mu.Lock()
	defer m.scheduler.mu.Unlock()
	m.events["work set aside"]++
	m.scheduler.fold("set aside " + one.Marker)
	return nil
}

// fire fires the rule of a schedule, which hands on what it finds.
func (m *simulation) fire(function string) *run {
	at := m.now
	return m.event(
		function,
		func() ([]byte, error) {
			return json.Marshal(fields{"source": "aws.events", "time": at.Format(time.RFC3339)})
		},
		func(*run) {},
	)
}

// waiting are the messages that are to be delivered.
func (m *simulation) waiting() []*handed {
	m.handed = slices.DeleteFunc(m.handed, func(h *handed) bool { return h.done })
	return m.handed
}

// carry delivers a message. What fails, or dies, is delivered again until it was tried too often; what is
// done may come once more all the same.
func (m *simulation) carry(h *handed) *run {
	h.tries++
	r := &run{what: "work " + string(h.message.Kind)}
	r.do = func(r *run) {
		r.failure = func() error {
			f, err := r.slot.function("MaintenanceFunction")
			if err != nil {
				return err
			}
			return f.Message(context.Background(), h.message)
		}()
	}
	again := m.random.IntN(6) == 0
	if h.tries >= tries {
		h.done = true
	}
	r.then = func(r *run) {
		switch {
		case r.failure != nil:
			m.events["work failed"]++
		case again && h.tries == 1:
			m.events["work repeated"]++
		default:
			h.done = true
		}
	}
	return r
}

// carryAll delivers every message, again where that fails, and answers what failed.
func (m *simulation) carryAll(failed func(*run)) {
	for _, h := range slices.Clone(m.waiting()) {
		for h.tries = 0; m.violation == nil && !h.done; {
			r := m.carry(h)
			after := r.then
			r.then = func(r *run) { failed(r); after(r) }
			m.alone(r)
		}
	}
	if left := m.waiting(); m.violation == nil && len(left) > 0 {
		m.fail("%d messages are left: %s", len(left), fmt.Sprint(left[0].message))
	}
}
