// Package maintenance finishes what requests and events left behind when they died between two commits (design, decision 6): every such piece of work has a mark
// in the table, and every step of it can be done again.
package maintenance

import (
	"context"
	"errors"

	"seatwise/shared/account"
	"seatwise/shared/app"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/purchase"
)

// Function is the scheduled function. One kind of work that fails never stops the others; the errors come together, so that the alarm rings.
func Function(env *app.Env) (app.Function, error) {
	products, err := catalog.Load()
	if err != nil {
		return app.Function{}, err
	}
	desk := license.NewDesk(products)
	orders := purchase.NewService(env, products, nil)
	accounts := account.NewService(env, products)
	people := directory.NewService(env, desk)
	return app.Function{Event: func(ctx context.Context, _ []byte) error {
		return errors.Join(
			orders.ResumeOrders(ctx),
			accounts.ResumeBundles(ctx),
			people.Resume(ctx),
			desk.DrainWaiting(ctx, env),
		)
	}}, nil
}
