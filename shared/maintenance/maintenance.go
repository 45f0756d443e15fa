// Package maintenance finishes what requests and events left behind when they died between two
// commits (design, decision 6): every such piece of work has a marker in the table, and every step
// of it can be done again.
package maintenance

import (
	"context"
	"errors"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/events"
	"seatwise/shared/purchase"
	"seatwise/shared/report"
	"seatwise/shared/usage"
)

// Function is the scheduled function. One kind of work that fails never stops the others; the
// errors come together, so that the alarm rings. What counts as left behind, and the times that the
// work writes, follow from the time of the event and not from the clock (api.md, On one machine).
func Function(env *app.Env) (app.Function, error) {
	products := catalog.Default()
	return app.Function{Event: func(ctx context.Context, payload []byte) error {
		schedule, err := events.Scheduled(payload)
		if err != nil {
			return err
		}
		then := *env
		then.Clock = func() time.Time { return schedule.Time }
		kernel := license.NewService(products)
		people := directory.NewService(&then, kernel)
		_, reports := report.NewService(&then).Resume(ctx, schedule.Time)
		return errors.Join(
			purchase.NewService(&then, products, nil).ResumeOrders(ctx),
			account.NewService(&then, products).ResumeBundles(ctx),
			people.Resume(ctx),
			kernel.DrainWaiting(ctx, &then),
			usage.NewService(&then, kernel, people).FinishGrants(ctx),
			reports,
		)
	}}, nil
}
