package usage

import (
	"context"
	"fmt"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/events"
)

// AggregationFunction is UsageAggregationFunction: a schedule, or a person, tells it for which time
// to aggregate ({"time": "2026-01-31T03:00:00Z"}).
func AggregationFunction(env *app.Env) (app.Function, error) {
	s := New(env)
	return app.Function{Event: func(ctx context.Context, payload []byte) error {
		schedule, err := events.Scheduled(payload)
		if err != nil {
			return fmt.Errorf("aggregation: %w", err)
		}
		return s.Aggregate(ctx, schedule.Time)
	}}, nil
}
