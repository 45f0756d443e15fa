package call_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/emf"
)

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// What hangs, fails or panics is told, and stops nothing behind it.
func TestInTurnGoesOn(t *testing.T) {
	var log bytes.Buffer
	env := fixtures.New(t).Env
	env.Clock = func() time.Time { return time.Unix(0, 0) }
	env.Log = slog.New(slog.NewTextHandler(&log, nil))
	ctx, counts := emf.WithCounts(t.Context())
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var done []string
	well := func(name string) call.Piece {
		return call.Piece{Account: "acme", Marker: name, Work: func(context.Context) error {
			done = append(done, name)
			return nil
		}}
	}
	err := call.InTurn(ctx, env, []call.Piece{
		{Account: "acme", Marker: "queue stuck", Work: hang},
		well("b"),
		{Account: "acme", Marker: "role bad", Work: func(context.Context) error { return errors.New("as always") }},
		{Account: "acme", Marker: "user mad", Work: func(context.Context) error { panic("at the wall") }},
		well("e"),
	})
	if got := strings.Join(done, " "); got != "b e" {
		t.Errorf("done: %q", got)
	}
	if ctx.Err() != nil {
		t.Error("one piece took the whole run")
	}
	for _, marker := range []string{"queue stuck", "role bad", "user mad"} {
		if err == nil || !strings.Contains(err.Error(), marker) || !strings.Contains(log.String(), marker) {
			t.Errorf("%s is not told: %v; log: %s", marker, err, log.String())
		}
	}
	if m := counts.Metrics(); len(m) != 1 || m[0].Name != call.FailedPieces || m[0].Value != 3 {
		t.Errorf("counted: %+v", m)
	}
}

// However many hang, each piece is the first one of some run.
func TestInTurnBeginsWithAnother(t *testing.T) {
	const many = 9
	minute := int64(0)
	env := fixtures.New(t).Env
	env.Clock = func() time.Time { return time.Unix(minute*60, 0) }
	env.Log = slog.New(slog.DiscardHandler)
	done := false
	pieces := make([]call.Piece, many)
	for i := range pieces {
		// It takes all of the run, as work does that does not hear of its deadline.
		name := "stuck " + strconv.Itoa(i)
		pieces[i] = call.Piece{Account: "acme", Marker: name, Work: func(ctx context.Context) error {
			time.Sleep(30 * time.Millisecond)
			return ctx.Err()
		}}
	}
	pieces[many-1].Work = func(context.Context) error {
		done = true
		return nil
	}
	for ; minute < many; minute++ {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := call.InTurn(ctx, env, pieces)
		cancel()
		if err == nil {
			t.Fatal("nobody says that pieces wait")
		}
	}
	if !done {
		t.Error("the last piece never had its turn")
	}
}
