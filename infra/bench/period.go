package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"seatwise/infra/registry"
	"seatwise/infra/testing/inmemory"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/period"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/reply"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/wire"
)

// onlyPeriod is the value of -only that measures a billing period alone.
const onlyPeriod = "period"

const (
	// periodLicenses are the licenses of the period that is closed and written as a workbook (issue 15).
	periodLicenses = 20_000
	// licensesACall is how many licenses a call of DynamoDB has to read at least, on average: pages, and
	// no read for each license.
	licensesACall = 50
)

var errPeriod = errors.New("closing a period or its workbook costs more than it may")

// closedBefore and closedOn are days of the schedule: the first closes the period in which all was
// bought, the second the one in which all recurs, which is measured.
var (
	boughtOn     = time.Date(2026, time.September, 21, 10, 0, 0, 0, time.UTC)
	closedBefore = time.Date(2026, time.October, 3, 10, 0, 0, 0, time.UTC)
	closedOn     = time.Date(2026, time.November, 3, 10, 0, 0, 0, time.UTC)
)

// periodCosts measures how a period of many licenses is closed, compared with a snapshot and written
// as a workbook, over the embedded store.
func periodCosts(ctx context.Context, out io.Writer) error {
	steps, err := periodOverBolt(ctx, periodLicenses)
	if err != nil {
		return err
	}
	return printPeriod(out, periodLicenses, steps)
}

func printPeriod(out io.Writer, licenses int, steps []usageStep) error {
	fmt.Fprintf(out, `A billing period of %d licenses, by the calls and estimated capacity units of the embedded store:
closed by the schedule, set beside a snapshot of its last day, and written as a workbook. The heap is
that of the process at its peak, at most %s.

`, licenses, megabytes(mostHeap))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "step\treads\tcommits\tunits read\tunits written\ttime\theap\t\t")
	failed := false
	for _, s := range steps {
		verdict := "PASS"
		if s.heap > mostHeap || s.cost.calls().reads > licenses/licensesACall {
			verdict, failed = "FAIL", true
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%.0f\t%.0f\t%s\t%s\t%s\t\n", s.name, s.cost.calls().reads, s.cost.commits,
			s.cost.reads, s.cost.writes, s.time.Round(time.Millisecond), megabytes(int64(s.heap)), verdict)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if failed {
		return errPeriod
	}
	return nil
}

// periodOverBolt buys licenses, of two products and two cost centers, and measures the steps.
func periodOverBolt(ctx context.Context, licenses int) (steps []usageStep, err error) {
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	store, err := bolt.Open(filepath.Join(folder, "table.bolt"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	m := &month{meter: &meter{}, now: boughtOn}
	m.env = &app.Env{
		Table: table.Counted(store, m.meter.heard), Clock: func() time.Time { return m.now }, IDs: wire.IDs{},
		Log: slog.New(slog.DiscardHandler), CursorKeys: keyring.Fixed([]byte("the cursor key of the bench")), Version: "bench",
	}
	if err := m.buy(ctx, licenses); err != nil {
		return nil, fmt.Errorf("buy: %w", err)
	}
	periods := period.NewService(m.env, license.NewService(catalog.Default()))
	closes := func() error {
		closed, err := periods.Woken(ctx, "acme", "period-"+strconv.FormatInt(m.now.Unix(), 10))
		if err == nil && !closed {
			err = errors.New("no wake-up of a period")
		}
		return err
	}
	m.now = closedBefore
	if err := closes(); err != nil {
		return nil, err
	}
	m.now = closedOn
	get := func(function, path string) func() error {
		return func() error { return m.get(ctx, function, "/billing/periods/2026-10-01"+path) }
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"close it", closes},
		{"read it", get("BillingFunction", "")},
		{"compare it with a day", get("BillingFunction", "/differences")},
		{"its workbook", get("TemplateFunction", "/workbook")},
	} {
		peak := watchHeap()
		measured, err := m.measure(step.name, step.do)
		measured.heap = peak()
		if err != nil {
			return nil, err
		}
		steps = append(steps, measured)
	}
	return steps, nil
}

// buy makes the account, and the licenses.
func (m *month) buy(ctx context.Context, licenses int) error {
	kernel := license.NewService(catalog.Default())
	_, err := account.NewService(m.env, kernel).Put(ctx, m.call(), account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
	})
	if err != nil {
		return err
	}
	for _, product := range []string{catalog.LiveReportsID, "developer"} {
		for left := licenses / 2; left > 0; left -= license.MaxDelivery {
			n := min(left, license.MaxDelivery)
			err := kernel.Deliver(ctx, m.call(), license.Delivery{
				OrderID: m.env.IDs.Ordered(),
				Lots: []license.Lot{
					{ProductID: product, CostCenter: "SALES", Quantity: n - n/2},
					{ProductID: product, CostCenter: "SUPPORT", Quantity: n / 2},
				},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// get asks a function, as the gateway does once it has checked the token.
func (m *month) get(ctx context.Context, function, path string) error {
	ctx = auth.With(reply.WithRequestID(ctx, m.env.IDs.Random()), principal("ada", path))
	w := httptest.NewRecorder()
	q := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/accounts/acme"+path, http.NoBody)
	registry.One(m.env, function).HTTP.ServeHTTP(w, q)
	if w.Code != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, w.Code, w.Body)
	}
	return nil
}
