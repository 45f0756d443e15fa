package usage

import (
	"context"
	"fmt"

	"seatwise/shared/platform/events"
)

// Scheduled aggregates at the time that a schedule, or a person, tells
// ({"time": "2026-01-31T03:00:00Z"}).
func (s *Service) Scheduled(ctx context.Context, payload []byte) error {
	schedule, err := events.Scheduled(payload)
	if err != nil {
		return fmt.Errorf("aggregation: %w", err)
	}
	return s.Aggregate(ctx, schedule.Time)
}
