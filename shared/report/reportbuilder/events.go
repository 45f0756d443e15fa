package reportbuilder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/files"
	"seatwise/shared/report"
)

// Handle takes the events of ReportBuilderFunction. A wake-up in the bucket of reports makes it
// write that report; its schedule makes it ask for the reports that are due at the event's time,
// each in an invocation of its own, and for those that were cut off. Billing periods that are due are
// closed in the same way.
func (b *Builder) Handle(ctx context.Context, payload []byte) error {
	if events.KindOf(payload) == events.KindObjects {
		return b.wakeUps(ctx, payload)
	}
	schedule, err := events.Scheduled(payload)
	if err != nil {
		return fmt.Errorf("report builder: %w", err)
	}
	due := b.reports.Schedule(ctx, schedule.Time)
	_, left := b.reports.Resume(ctx, "", schedule.Time)
	if b.periods != nil {
		due = errors.Join(due, b.periods.Schedule(ctx, schedule.Time))
	}
	return errors.Join(due, left)
}

// wake-ups builds the reports of all wake-ups of the notification; one that fails does not stop the
// others.
func (b *Builder) wakeUps(ctx context.Context, payload []byte) error {
	created, err := events.S3Records(payload)
	if err != nil {
		return fmt.Errorf("report builder: %w", err)
	}
	var failures []error
	for _, o := range created {
		account, id, ok := report.ParseWakeUp(o.Key)
		if o.Fault != nil || !ok || !auth.ValidID(account) || o.Bucket != b.env.Files.Name(files.Reports) {
			b.env.Log.WarnContext(
				ctx,
				"not a report's wake-up",
				slog.String("bucket", o.Bucket),
				slog.String("key", o.Key),
			)
			continue
		}
		failures = append(failures, b.unlessStopped(ctx, account, b.woken(ctx, account, id)))
	}
	return errors.Join(failures...)
}

// unlessStopped leaves alone what is to be done in an account that is closed: a schedule finds it again when
// that is active again.
func (b *Builder) unlessStopped(ctx context.Context, account string, err error) error {
	if call.Stopped(err) {
		b.env.Log.InfoContext(ctx, "left alone", slog.String("account", account), slog.Any("why", err))
		return nil
	}
	return err
}

// woken does what a wake-up is about: a report, or billing periods.
func (b *Builder) woken(ctx context.Context, account, id string) error {
	if b.periods != nil {
		if ok, err := b.periods.Woken(ctx, account, id); ok || err != nil {
			return err
		}
	}
	return b.Build(ctx, account, id)
}
