// Package maintenance finishes what requests and events left behind when they died between two
// commits (design, decision 6): every such piece of work has a marker in the table, and every step
// of it can be done again.
package maintenance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/events"
	"seatwise/shared/purchase"
	"seatwise/shared/report"
	"seatwise/shared/usage"
)

// Service finishes what is left behind.
type Service struct {
	env    *app.Env
	kernel *license.Service
}

// NewService makes the service; what is finished goes through the kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{env: env, kernel: kernel}
}

// Scheduled does all work that is left behind. One kind of work that fails never stops the others;
// the errors come together, so that the alarm rings. What counts as left behind, and the times that
// the work writes, follow from the time of the event and not from the clock (contract, On one
// machine), so the services are made for each event.
func (s *Service) Scheduled(ctx context.Context, payload []byte) error {
	schedule, err := events.Scheduled(payload)
	if err != nil {
		return err
	}
	then := *s.env
	then.Clock = func() time.Time { return schedule.Time }
	people := directory.NewService(&then, s.kernel)
	_, reports := report.NewService(&then).Resume(ctx, schedule.Time)
	return errors.Join(
		during("resume orders", purchase.NewService(&then, s.kernel, nil).ResumeOrders(ctx)),
		during("resume changes of bundles", account.NewService(&then, s.kernel).ResumeBundles(ctx)),
		during("resume changes of the directory", people.Resume(ctx)),
		during("serve waiting lists", s.kernel.DrainWaiting(ctx, &then)),
		during("end viewers' grants", usage.NewService(&then, s.kernel, people).FinishGrants(ctx)),
		during("hand over reports", reports),
	)
}

// during is an error with what was being done, for whoever reads the log.
func during(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
