package call_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/work"
)

// aside keeps what is set aside.
type aside struct {
	work.Queue
	mu       sync.Mutex
	messages []work.Message
}

func (a *aside) SetAside(_ context.Context, m work.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages = append(a.messages, m)
	return nil
}

// A piece that fails always is tried with growing pauses, set aside after twelve times, which is told
// once, and then tried once a day; a piece beside it, and the same one of another account, are done in
// every run. Once it succeeds, nothing is known of its failures any more.
func TestAPoisonedPieceIsSetAsideAlone(t *testing.T) {
	k := fixtures.New(t)
	queue := &aside{}
	k.Env.Work = queue
	broken, tried, beside := true, 0, 0
	pieces := []call.Piece{
		{Account: "acme", Marker: "queue bad", Work: func(context.Context) error {
			tried++
			if broken {
				return errors.New("as always")
			}
			return nil
		}},
		{Account: "acme", Marker: "queue good", Work: func(context.Context) error { beside++; return nil }},
		{Account: "globex", Marker: "queue bad", Work: func(context.Context) error { beside++; return nil }},
	}
	run := func(ctx context.Context) { _ = call.InTurn(ctx, k.Env, pieces) }
	minutes := 0
	for ; len(queue.messages) == 0 && minutes < 24*60; minutes++ {
		run(t.Context())
		k.Clock.Add(time.Minute)
	}
	if tried != call.MostAttempts || minutes < 60 || minutes > 6*60 {
		t.Fatalf("tried %d times in %d minutes before it was set aside", tried, minutes)
	}
	if beside != 2*minutes {
		t.Errorf("the others were done %d times in %d runs", beside, minutes)
	}
	if m := queue.messages[0]; m.Account != "acme" || m.Marker != "queue bad" || m.Error != "as always" || !m.Insist {
		t.Errorf("set aside: %+v", m)
	}
	for range 2*24*60 + 5 {
		run(t.Context())
		k.Clock.Add(time.Minute)
	}
	if tried != call.MostAttempts+2 || len(queue.messages) != 1 {
		t.Errorf("in two days tried %d times more, told %d times", tried-call.MostAttempts, len(queue.messages))
	}
	broken = false
	run(t.Context())
	if tried != call.MostAttempts+2 {
		t.Error("it was tried before its day was over")
	}
	run(call.Insist(t.Context()))
	run(t.Context())
	if tried != call.MostAttempts+4 {
		t.Errorf("tried %d times after somebody insisted", tried-call.MostAttempts-2)
	}
}

// Work that is only large uses up its time in run after run, and is no failure.
func TestWorkThatIsCutOffIsNotSetAside(t *testing.T) {
	k := fixtures.New(t)
	queue := &aside{}
	k.Env.Work = queue
	tried := 0
	pieces := []call.Piece{{Account: "acme", Marker: "role large", Work: func(ctx context.Context) error {
		tried++
		<-ctx.Done()
		return ctx.Err()
	}}}
	for range 2 * call.MostAttempts {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		_ = call.InTurn(ctx, k.Env, pieces)
		cancel()
	}
	if tried != 2*call.MostAttempts || len(queue.messages) > 0 {
		t.Errorf("tried %d times, set aside %d times", tried, len(queue.messages))
	}
}

// What an error tells beside failures of pieces is told, however it is wrapped.
func TestBesidePieces(t *testing.T) {
	k := fixtures.New(t)
	piece := call.InTurn(t.Context(), k.Env, []call.Piece{
		{Account: "acme", Marker: "x", Work: func(context.Context) error { return errors.New("bad") }},
	})
	other := errors.New("the table is gone")
	if err := call.BesidePieces(errors.Join(nil, piece)); piece == nil || err != nil {
		t.Errorf("a noted failure is told: %v", err)
	}
	if err := call.BesidePieces(errors.Join(piece, other)); !errors.Is(err, other) {
		t.Errorf("what else failed is not told: %v", err)
	}
}
