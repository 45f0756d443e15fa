package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/emf"
)

// FailedPieces is the metric that counts the pieces of pending work that failed in a run.
const FailedPieces = "PendingWorkFailed"

// mostOfRun is what one piece may take of the time that is left, while others wait: one of four
// parts. What is cut off has committed what it did so far, and goes on from there in the next run.
const mostOfRun = 4

// errPanicked is a piece of work that panicked; the log has its stack.
var errPanicked = errors.New("it panicked")

// Piece is one piece of pending work of an account: what one marker says.
type Piece struct {
	Account string
	// Marker names the piece within the account: its kind and subject, such as "queue support".
	Marker string
	Work   func(context.Context) error
}

func (p Piece) String() string { return p.Marker + " of account " + p.Account }

// PieceError is the failure of a piece of pending work. It is noted in the account, and the piece is
// tried again without anybody doing anything.
type PieceError struct {
	Piece Piece
	Err   error
}

func (e *PieceError) Error() string { return fmt.Sprintf("%s: %v", e.Piece, e.Err) }

func (e *PieceError) Unwrap() error { return e.Err }

// BesidePieces is what an error tells beside failures of pieces; nil when it tells nothing else.
func BesidePieces(err error) error {
	switch e := err.(type) { //nolint:errorlint // each level is looked at alone
	case nil, *PieceError:
		return nil
	case interface{ Unwrap() []error }:
		var rest []error
		for _, one := range e.Unwrap() {
			rest = append(rest, BesidePieces(one))
		}
		return errors.Join(rest...)
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil && BesidePieces(inner) == nil {
			return nil
		}
	}
	return err
}

// InTurn carries out pieces of pending work one after the other, so that one that fails, panics or
// takes all of its time never starves the others: each has a share of the run, and each minute's
// run, by env's clock, begins with another piece. Those of an account that is not active are left
// alone. What fails is logged, counted in FailedPieces and returned with the others; its marker stays.
// It is tried again in the next run, and after that with growing pauses; after MostAttempts it is set
// aside: an alarm tells of it, and it is tried once a day (decisions, 168).
func InTurn(ctx context.Context, env *app.Env, pieces []Piece) error {
	if len(pieces) == 0 {
		return nil
	}
	pieces, err := open(ctx, env, pieces)
	if err != nil {
		return err
	}
	tried, err := readTries(ctx, env, pieces)
	if err != nil {
		return err
	}
	pieces = slices.DeleteFunc(pieces, func(p Piece) bool {
		return !insists(ctx) && env.Clock().Before(tried[p.of()].Next)
	})
	if len(pieces) == 0 {
		return nil
	}
	var failures []error
	first := int(env.Clock().Unix() / 60 % int64(len(pieces)))
	for i := range pieces {
		left := len(pieces) - i
		if err := ctx.Err(); err != nil {
			return errors.Join(append(failures, fmt.Errorf("%d pieces wait for the next run: %w", left, err))...)
		}
		piece := pieces[(first+i)%len(pieces)]
		limited, cancel := Share(ctx, min(left, mostOfRun))
		err := piece.do(limited, env)
		cancel()
		if Stopped(err) { // since it was begun
			continue
		}
		if err == nil {
			failures = append(failures, piece.succeeded(ctx, env, tried[piece.of()]))
			continue
		}
		emf.Add(ctx, FailedPieces, 1)
		env.Log.ErrorContext(ctx, "pending work failed; it stays marked",
			slog.String("marker", piece.String()), slog.Any("error", err))
		failures = append(failures, &PieceError{piece, err}, piece.failed(ctx, env, tried[piece.of()], err))
	}
	return errors.Join(failures...)
}

func (p Piece) do(ctx context.Context, env *app.Env) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			env.Log.ErrorContext(ctx, "panic", slog.String("marker", p.String()),
				slog.String("fault", fmt.Sprint(fault)), slog.String("stack", string(debug.Stack())))
			err = errPanicked
		}
	}()
	return p.Work(ctx)
}

// Share is the context of one part of the time that is left, divided by parts; without a deadline there
// is nothing to share.
func Share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline) //nolint:forbidigo // a context's deadline is in the machine's own time
	return context.WithTimeout(ctx, left/time.Duration(parts))
}
