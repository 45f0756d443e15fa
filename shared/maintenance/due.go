package maintenance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/account"
	"seatwise/shared/alert"
	"seatwise/shared/directory"
	"seatwise/shared/idle"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
	"seatwise/shared/report"
	"seatwise/shared/request"
	"seatwise/shared/usage"
)

const (
	// atOnce is how many lists are looked at side by side.
	atOnce = 16
	// standing is every how many minutes approved requests are looked at for which nothing is free by the
	// counts: what else may have changed for them, nobody tells.
	standing = 5
)

// due finds the accounts that have something left to do. It reads a page of each kind of marker, and for
// lists that may stand still, waiting lists and alerts, the counts of their accounts: an account
// without any of it costs nothing. What cannot be read is told, and the others are found all the same.
type due struct {
	env    *app.Env
	kernel *license.Service

	mu       sync.Mutex
	accounts map[string]bool
	failures []error
}

// find is the due accounts in the order of their ids.
func (d *due) find(ctx context.Context) ([]string, error) {
	d.accounts = map[string]bool{}
	store := d.env.Table
	marked := func(partition string) func(context.Context, table.Store, func(string)) error {
		return func(ctx context.Context, store table.Store, visit func(string)) error {
			return call.Marked(ctx, store, table.Query{Partition: partition}, visit)
		}
	}
	for _, kind := range []struct {
		what string
		find func(context.Context, table.Store, func(string)) error
	}{
		{"reports", report.Marked},
		{"orders", marked(purchase.OrderMarkers)},
		{"changes of bundles", marked(account.BundleMarkers)},
		{"changes of the directory", directory.Marked},
		{"first views", usage.Marked},
		{"reclaims", idle.Marked},
	} {
		d.failed(kind.what, kind.find(ctx, store, d.add))
	}
	d.waiting(ctx)
	d.failed("alerts", alert.NewService(d.env, d.kernel).Due(ctx, d.add))
	return slices.Sorted(maps.Keys(d.accounts)), errors.Join(d.failures...)
}

// waiting adds the accounts where somebody waits who may be served.
func (d *due) waiting(ctx context.Context) {
	type list struct{ account, product string }
	var lists []list
	add := func(account, product string) { lists = append(lists, list{account, product}) }
	d.failed("waiting lists", license.WaitingLists(ctx, d.env.Table, "", add))
	again := d.env.Clock().Minute()%standing == 0
	d.failed("approved requests", request.Lists(ctx, d.env.Table, func(account, product string) {
		if again {
			d.add(account)
			return
		}
		add(account, product)
	}))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, l := range lists {
		group.Go(func() error {
			c := call.ForEvent(d.env, l.account, "maintenance", "waiting list", d.env.Clock())
			servable, err := d.kernel.Servable(ctx, c, l.product)
			if err != nil {
				d.failed("waiting list of "+l.product+" of account "+l.account, err)
			}
			if servable {
				d.add(l.account)
			}
			return nil
		})
	}
	_ = group.Wait() // no list returns its error to the group, which would only keep the first
}

// add notes an account.
func (d *due) add(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accounts[account] = true
}

// failed notes what could not be looked at.
func (d *due) failed(what string, err error) {
	if err == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures = append(d.failures, fmt.Errorf("look for %s: %w", what, err))
}
