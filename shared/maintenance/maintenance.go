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
	"seatwise/shared/alert"
	"seatwise/shared/directory"
	"seatwise/shared/idle"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/purchase"
	"seatwise/shared/report"
	"seatwise/shared/request"
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

// Scheduled does all work that is left behind. Each kind of work has an equal share of the time
// that is left, and so have the pieces of a kind (call.InTurn): what fails or hangs never stops the
// others, and is tried again in the next run. The errors come together, so that the alarm rings.
// What counts as left behind, and the times that the work writes, follow from the time of the event
// and not from the clock (contract, On one machine), so the services are made for each event.
func (s *Service) Scheduled(ctx context.Context, payload []byte) error {
	schedule, err := events.Scheduled(payload)
	if err != nil {
		return err
	}
	then := *s.env
	then.Clock = func() time.Time { return schedule.Time }
	people := directory.NewService(&then, s.kernel)
	used := usage.NewService(&then, s.kernel, people)
	kinds := []struct {
		what string
		work func(context.Context) error
	}{
		{"hand over reports", func(ctx context.Context) error {
			_, err := report.NewService(&then).Resume(ctx, schedule.Time)
			return err
		}},
		{"resume orders", purchase.NewService(&then, s.kernel).ResumeOrders},
		{"resume changes of bundles", account.NewService(&then, s.kernel).ResumeBundles},
		{"resume changes of the directory", people.Resume},
		{"serve waiting lists", func(ctx context.Context) error { return s.kernel.DrainWaiting(ctx, &then) }},
		{"serve approved requests", request.NewService(&then, s.kernel).ServeApproved},
		{"give grants of first views", used.FinishGrants},
		{"go on with reclaims", idle.NewService(&then, s.kernel, used).Resume},
		{"look at the rules of alerts", alert.NewService(&then, s.kernel).Look},
	}
	var failures []error
	for i, kind := range kinds {
		limited, cancel := call.Share(ctx, len(kinds)-i)
		failures = append(failures, during(kind.what, kind.work(limited)))
		cancel()
	}
	return errors.Join(failures...)
}

// during is an error with what was being done, for whoever reads the log.
func during(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
