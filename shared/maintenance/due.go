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
	"seatwise/shared/license/inventory"
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
	// standing is every how many minutes a list that stands still, and alerts, are looked at, each account in a
	// minute of its own: who frees a seat hands it on, and so only what was cut off is found here. Approved requests
	// are held against the counts in every minute.
	standing = 5
)

// due finds the accounts that have something left to do. It looks at the markers of all accounts, and for
// lists that may stand still, waiting lists and alerts, the counts of their accounts: an account
// without any of it costs nothing. What cannot be read is told, and the others are found all the same.
type due struct {
	env    *app.Env
	kernel *license.Service
	// asked says that a person wants it done, now and for all.
	asked bool

	mu sync.Mutex
	// accounts are those that were found, and whether what was found goes on in a suspended account.
	accounts map[string]bool
	failures []error
}

// find is the due accounts in the order of their ids.
func (d *due) find(ctx context.Context) ([]string, error) {
	d.accounts = map[string]bool{}
	store := d.env.Table
	ctx = call.Looked(ctx, store)
	d.failed("reports", report.Marked(ctx, store, d.measured))
	for _, kind := range []struct {
		what string
		find func(context.Context, table.Store, func(string)) error
	}{
		{"orders", purchase.OrderMarkers.Accounts},
		{"changes of bundles", account.BundleMarkers.Accounts},
		{"changes of the directory", directory.Marked},
		{"first views", usage.Marked},
		{"reclaims", idle.Marked},
	} {
		d.failed(kind.what, kind.find(ctx, store, d.add))
	}
	d.standing(ctx)
	return d.open(ctx), errors.Join(d.failures...)
}

// open are the accounts in which what was found can be done: those that are not active are left alone, but
// for what goes on in a suspended one.
func (d *due) open(ctx context.Context) []string {
	found := slices.Sorted(maps.Keys(d.accounts))
	states, err := call.States(ctx, d.env.Table, d.env.Pick, found...)
	d.failed("states of accounts", err)
	return slices.DeleteFunc(found, func(account string) bool {
		state, stopped := states[account]
		return stopped && (state == call.Closed || !d.accounts[account])
	})
}

// standing adds the accounts where somebody waits who may be served, and those whose alerts are to begin
// or end. The counts of an account are read once for both.
func (d *due) standing(ctx context.Context) {
	lists := map[string][]string{} // products that somebody waits for, by account
	waits := map[string]bool{}
	d.failed("waiting lists", license.WaitingLists(ctx, d.env.Table, "", func(account, product string) {
		lists[account], waits[account] = append(lists[account], product), true
	}))
	approved := map[string][]string{}
	d.failed("approved requests", request.Lists(ctx, d.env.Table, func(account, product string) {
		if d.turn(account) { // what else may have changed for them, nobody tells
			d.add(account)
		}
		approved[account] = append(approved[account], product)
	}))
	alerts := alert.NewService(d.env, d.kernel)
	watches, err := alerts.Watches(ctx, "", waits)
	d.failed("alerts", err)
	accounts := slices.AppendSeq(slices.Collect(maps.Keys(lists)), maps.Keys(watches))
	accounts = slices.DeleteFunc(accounts, func(account string) bool { return !d.turn(account) })
	accounts = slices.AppendSeq(accounts, maps.Keys(approved))
	slices.Sort(accounts)
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, account := range slices.Compact(accounts) {
		group.Go(func() error {
			if !d.turn(account) { // a free seat is handed to who waits, and not to who was promised one
				d.lookAt(ctx, account, approved[account], nil, alert.Watch{})
				return nil
			}
			d.lookAt(ctx, account, lists[account], alerts, watches[account])
			return nil
		})
	}
	_ = group.Wait() // no account returns its error to the group, which would only keep the first
}

// turn says whether lists of an account that stand still are looked at in this minute. Where no other process
// works on the table, reading it costs nothing, and they are in each.
func (d *due) turn(account string) bool {
	if d.asked || d.env.Alone {
		return true
	}
	return (int(d.env.Clock().Unix()/60)+call.Spread(account, standing))%standing == 0
}

// lookAt adds an account if one of its lists may be served, or its alerts, if they are looked at, do not agree with
// what there is.
func (d *due) lookAt(ctx context.Context, account string, lists []string, alerts *alert.Service, w alert.Watch) {
	c := call.ForEvent(d.env, account, "maintenance", "waiting list", d.env.Clock())
	read := sync.OnceValues(func() ([]inventory.Summary, error) {
		return inventory.NewService(d.kernel.Products()).Summary(ctx, c)
	})
	seats := func(context.Context) ([]inventory.Summary, error) { return read() }
	for _, product := range lists {
		servable, err := d.servable(ctx, c, product, seats)
		d.failed("waiting list of "+product+" of account "+account, err)
		if servable {
			d.add(account)
		}
	}
	if alerts == nil {
		return
	}
	differs, err := alerts.Due(ctx, c, w, seats)
	d.failed("alerts of account "+account, err)
	if differs {
		d.measured(account)
	}
}

// servable says that somebody who waits for a product may get a seat.
func (d *due) servable(ctx context.Context, c *call.Call, product string, counts alert.Seats) (bool, error) {
	seats, err := counts(ctx)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(seats, func(s inventory.Summary) bool { return s.ProductID == product })
	if i < 0 {
		return false, nil
	}
	return d.kernel.Servable(ctx, c, product, seats[i].Available)
}

// add notes an account with work that waits until it is active.
func (d *due) add(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.accounts[account] {
		d.accounts[account] = false
	}
}

// measured notes an account with work that goes on while it is suspended.
func (d *due) measured(account string) {
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
