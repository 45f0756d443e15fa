// Package usage meters who really uses Live Reports (requirements, section 6): it takes in the
// views of dashboards, grants a license with the first one, folds views and monitored members into
// daily rollups, and answers any window from those.
//
// Days are days of the account's time zone, as it was when the billing period began that they are
// in: package calendar says which. A day that has begun never changes, so its views are the same
// whenever it is folded.
package usage

import (
	"context"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Service takes in views, folds them and answers windows.
type Service struct {
	env       *app.Env
	kernel    *license.Service
	directory *directory.Service
	inventory *inventory.Service
	leafBytes int // about how large a leaf of a rollup gets
}

// NewService makes the service; grants go through the kernel.
func NewService(env *app.Env, kernel *license.Service, people *directory.Service) *Service {
	return &Service{
		env: env, kernel: kernel, directory: people, inventory: inventory.NewService(kernel.Products()),
		leafBytes: chunkBytes,
	}
}

// purchased tells what was bought at some moments: two queries, however many licenses there are.
func (s *Service) purchased(
	ctx context.Context,
	c *call.Call,
	moments []time.Time,
) (func(moment time.Time) Purchased, error) {
	products, err := s.inventory.Summary(ctx, c)
	if err != nil {
		return nil, err
	}
	now := make(map[string]int64, len(products))
	for _, product := range products {
		now[product.ProductID] = product.Bought
	}
	at, err := s.inventory.BoughtAt(ctx, c, moments, now)
	if err != nil {
		return nil, err
	}
	return func(moment time.Time) Purchased {
		return Purchased{
			LiveReports:      at(moment, catalog.LiveReportsID),
			CallQueueBooster: at(moment, catalog.CallQueueBoosterID),
		}
	}, nil
}

// lookup reads any number of items, none included.
func (s *Service) lookup(ctx context.Context, keys []table.Key) (map[table.Key]table.Item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return s.env.Table.Lookup(ctx, keys...)
}
