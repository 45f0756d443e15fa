package offboarding

import (
	"context"

	"seatwise/shared/platform/app"
)

// SmallWorker is a worker that stores what it has gathered after every page.
type SmallWorker struct{ w *Worker }

// NewSmallWorker makes one.
func NewSmallWorker(env *app.Env) SmallWorker { return SmallWorker{&Worker{env: env, spool: 1}} }

// Run does all but erasures.
func (s SmallWorker) Run(ctx context.Context) error {
	return s.w.Run(ctx, pending{at: s.w.env.Clock()})
}
