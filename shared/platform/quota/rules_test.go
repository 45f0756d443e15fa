package quota

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// minute is the item that the processes of the model tell.
type minute struct{ told, processes int64 }

// process is one of the model: a count, and whether it has told the item of itself.
type process struct {
	Count
	known bool
	open  int // requests whose kind is not known yet
}

// tell does what the service does with the item.
func (m *minute) tell(p *process, limit int64) {
	due := p.Due()
	if due == 0 {
		return
	}
	if m.told+due > limit {
		p.Refused()
		return
	}
	m.told += due
	if !p.known {
		m.processes++
		p.known = true
	}
	p.Told(due, m.told, m.processes)
}

// world is processes that take requests of an account within a minute.
type world struct {
	limit     int64
	item      minute
	processes []process
	taken     int64 // without repetitions
}

func newWorld(limit int64, processes int) *world {
	w := &world{limit: limit, processes: make([]process, processes)}
	for i := range w.processes {
		w.processes[i].Count = NewCount(limit)
	}
	return w
}

// ask sends a request to a process, and says whether it was taken. Of one that may be a repetition it
// is known later.
func (w *world) ask(p *process, keyed bool) bool {
	w.item.tell(p, w.limit)
	if p.Full() {
		return false
	}
	p.Take(keyed)
	w.taken++
	if keyed {
		p.open++
	}
	return true
}

func (w *world) settle(p *process, repetition bool) {
	if p.open == 0 {
		return
	}
	p.Settle(repetition)
	p.open--
	if repetition {
		w.taken--
	}
}

// settled are the requests of which it is known that they count.
func (w *world) settled() int64 {
	n := w.taken
	for _, p := range w.processes {
		n -= int64(p.open)
	}
	return n
}

// TestNeverBelowTheLimitAndAtMostTwiceAbove has requests come to processes by chance, repetitions
// among them, and looks at each refusal and at how many were carried out.
func TestNeverBelowTheLimitAndAtMostTwiceAbove(t *testing.T) {
	refusals, over := 0, int64(0)
	rapid.Check(t, func(t *rapid.T) {
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		limit := 1 + chance.Int64N(2000)
		w := newWorld(limit, 1+chance.IntN(Processes))
		busy := 1 + chance.IntN(len(w.processes)) // some get more of it than others
		for range 3*limit + Processes {
			p := &w.processes[chance.IntN(len(w.processes))]
			if chance.IntN(3) > 0 {
				p = &w.processes[chance.IntN(busy)]
			}
			if !w.ask(p, chance.IntN(5) == 0) {
				if refusals++; w.settled() < limit {
					t.Fatalf("refused when %d of %d were carried out", w.settled(), limit)
				}
			}
			w.settle(p, chance.IntN(2) == 0) // in AWS a process carries out one request at a time
		}
		if most := limit + int64(len(w.processes))*first(limit); w.taken > most {
			t.Fatalf("%d of %d were carried out by %d processes, %d at most", w.taken, limit, len(w.processes), most)
		}
		if limit >= Processes && w.taken > 2*limit {
			t.Fatalf("%d of %d were carried out", w.taken, limit)
		}
		over = max(over, w.taken-limit)
	})
	if refusals == 0 || over == 0 {
		t.Errorf("%d refusals and %d beyond the limit: nothing was tried", refusals, over)
	}
}

// TestTheLimitHoldsWithFiftyProcesses has far more requests come than are allowed, to all at once.
func TestTheLimitHoldsWithFiftyProcesses(t *testing.T) {
	const limit, many = 6000, 50
	w, tells := newWorld(limit, many), 0
	for range limit {
		for i := range w.processes {
			if w.processes[i].Due() > 0 {
				tells++
			}
			w.ask(&w.processes[i], false)
		}
	}
	taken := w.taken
	if taken < limit || taken > 2*limit {
		t.Errorf("%d were carried out, wanted %d to %d", taken, limit, 2*limit)
	}
	// What the processes learn of each other keeps them near the limit.
	if near := int64(limit + limit/8); taken > near {
		t.Errorf("%d were carried out, wanted at most %d", taken, near)
	}
	if tells > limit/10 {
		t.Errorf("%d requests were told in %d writes", taken, tells)
	}
}

// TestAQuietAccountTellsNothing: what one does who works with the console costs nothing.
func TestAQuietAccountTellsNothing(t *testing.T) {
	c := NewCount(6000)
	for range 60 {
		if c.Due() != 0 {
			t.Fatal("something is to be told")
		}
		c.Take(false)
	}
	if due := c.Due(); due != 60 {
		t.Errorf("%d are to be told after 60, wanted 60", due)
	}
}

// TestWhatMayBeARepetitionIsNotTold: what was told cannot be taken back.
func TestWhatMayBeARepetitionIsNotTold(t *testing.T) {
	c := NewCount(200)
	c.Take(true)
	c.Take(true)
	if due := c.Due(); due != 0 {
		t.Errorf("%d are to be told, and all may be repetitions", due)
	}
	c.Settle(false)
	c.Settle(true)
	c.Take(false)
	if due := c.Due(); due != 2 {
		t.Errorf("%d are to be told, wanted the two that were none", due)
	}
}

// TestUnknownIsNotToldAgain: told twice, requests would have others refused below the limit.
func TestUnknownIsNotToldAgain(t *testing.T) {
	c := NewCount(100)
	c.Take(false)
	c.Unknown(c.Due())
	if due := c.Due(); due != 0 {
		t.Errorf("%d are to be told again", due)
	}
}
