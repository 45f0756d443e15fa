// Package usage meters who really uses Live Reports (spec 6): it takes in the views of dashboards, grants a license with the first one, folds views and monitored
// members into daily rollups, and answers any window from those.
//
// Days are days of UTC, for every account: a day then has the same views whatever happens to an account's time zone, and a summary for given days is the same
// wherever it is asked for.
package usage

import (
	"context"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Service takes in views, folds them and answers windows.
type Service struct {
	env       *app.Env
	desk      *license.Desk
	directory *directory.Service
}

// NewService makes the service; grants go through the desk.
func NewService(env *app.Env, desk *license.Desk, people *directory.Service) *Service {
	return &Service{env: env, desk: desk, directory: people}
}

// New makes the service with everything it needs, over the embedded catalog.
func New(env *app.Env) *Service {
	desk := license.NewDesk(catalog.Default())
	return NewService(env, desk, directory.NewService(env, desk))
}

// purchased tells what was bought at the end of each of some days: two queries, however many licenses there are.
func (s *Service) purchased(ctx context.Context, c *call.Call, days []time.Time) (func(day time.Time) Purchased, error) {
	products, err := s.desk.Summary(ctx, c)
	if err != nil {
		return nil, err
	}
	now := make(map[string]int64, len(products))
	for _, product := range products {
		now[product.ProductID] = product.Bought
	}
	at, err := s.desk.BoughtAt(ctx, c, days, now)
	if err != nil {
		return nil, err
	}
	return func(day time.Time) Purchased {
		return Purchased{LiveReports: at(day, catalog.LiveReportsID), CallQueueBooster: at(day, catalog.CallQueueBoosterID)}
	}, nil
}

// lookup reads any number of items, none included.
func (s *Service) lookup(ctx context.Context, keys []table.Key) (map[table.Key]table.Item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return s.env.Table.Lookup(ctx, keys...)
}
