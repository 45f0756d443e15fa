package chargeback

import (
	"bytes"
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/parts"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/period"
	"seatwise/shared/platform/call"
	"seatwise/shared/purchase"
)

// office is an account with what is billed.
type office struct {
	*fixtures.Fixture
	t       testing.TB
	ctx     context.Context
	kernel  *license.Service
	periods *period.Service
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{Fixture: fixtures.New(t), t: t, ctx: t.Context(), kernel: license.NewService(catalog.Default())}
	o.periods = period.NewService(o.Env, o.kernel)
	o.at("2026-11-21T15:00:00Z")
	return o
}

func (o *office) at(text string) {
	o.t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	o.must(err)
	o.Clock.Set(moment)
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// buy orders licenses for a cost center of a name.
func (o *office) buy(product string, n int, costCenter, name string) {
	o.t.Helper()
	shop := purchase.NewService(o.Env, o.kernel)
	_, err := shop.ChangeCostCenter(o.ctx, o.Call("admin"), purchase.CostCenterChange{Code: costCenter, Name: name})
	o.must(err)
	lines := []purchase.CartLineInput{{ProductID: product, Quantity: n, CostCenter: costCenter}}
	q, err := shop.Quote(o.ctx, o.Call("admin"), lines)
	o.must(err)
	_, _, err = shop.Order(o.ctx, o.Call("admin"), q.ID, true)
	o.must(err)
}

// meters gives somebody a metered license.
func (o *office) meters(user, name string) {
	o.t.Helper()
	c := o.Call("admin")
	o.must(call.Decide(o.ctx, func(ctx context.Context) error {
		u := o.kernel.Change(c)
		if _, err := u.Load(ctx, license.Need{Users: []string{user}}); err != nil {
			return err
		}
		if err := u.Put(ctx, license.Person{UserID: user, Name: name, Active: true}); err != nil {
			return err
		}
		if err := u.Grant(ctx, user, "essential-user", license.Direct); err != nil {
			return err
		}
		return u.Commit(ctx, call.Answer{})
	}))
}

func (o *office) closes() {
	o.t.Helper()
	_, err := o.periods.Woken(o.ctx, o.Account, "period-"+strconv.FormatInt(o.Clock.Now().Unix(), 10))
	o.must(err)
}

// book is the workbook of a period, read again.
func (o *office) book(of period.StatementOf) (period.Statement, []byte, *excelize.File) {
	o.t.Helper()
	st, err := o.periods.Chargeback(o.ctx, o.Call("admin"), of)
	o.must(err)
	file, err := write(st, o.Clock.Now())
	o.must(err)
	book, err := excelize.OpenReader(bytes.NewReader(file))
	o.must(err)
	o.t.Cleanup(func() { book.Close() })
	return st, file, book
}

// sum adds up a column of a tab, below its header, as a spreadsheet would.
func (o *office) sum(book *excelize.File, tab, title string) int64 {
	o.t.Helper()
	rows, err := book.GetRows(tab, excelize.Options{RawCellValue: true})
	o.must(err)
	column, sum := -1, 0.0
	for _, row := range rows {
		if column >= 0 && column < len(row) && row[0] != "Total" {
			amount, err := strconv.ParseFloat(row[column], 64)
			o.must(err)
			sum += amount
		}
		for i, cell := range row {
			if cell == title {
				column = i
			}
		}
	}
	if column < 0 {
		o.t.Fatalf("%s has no column %s", tab, title)
	}
	return int64(sum*100 + 0.5)
}

// TestTheWorkbookAddsUpToThePeriod: cost centers, lines and days come to the period's total, to the
// cent, of all cost centers as of one, and of a period that is closed as of one that is open; and no
// name is a formula.
func TestTheWorkbookAddsUpToThePeriod(t *testing.T) {
	o := open(t)
	o.buy("developer", 7, "A", "=1+1")
	o.buy("live-reports", 3, "B", "Sales")
	o.buy("developer", 1, "B", "Sales")
	o.meters("ann", "Ann")
	general := purchase.CostCenterChange{Code: "C", Name: "General"}
	_, err := purchase.NewService(o.Env, o.kernel).ChangeCostCenter(o.ctx, o.Call("admin"), general)
	o.must(err)
	a, _, err := account.Load(o.ctx, o.Call("operator"))
	o.must(err)
	a.CostCenter = "C" // or the period would not be closed
	_, err = account.NewService(o.Env, o.kernel).Put(o.ctx, o.Call("operator"), a.Settings)
	o.must(err)
	for _, state := range []period.State{period.Open, period.Closed} {
		if state == period.Closed {
			o.at("2026-12-05T15:00:00Z")
			o.closes()
		}
		for _, center := range []string{"", "A", "B"} {
			st, file, book := o.book(period.StatementOf{First: "2026-11-01", CostCenter: center})
			if st.State != state {
				t.Fatalf("the period is %s", st.State)
			}
			for _, tab := range []string{"Cost centers", "Lines", "Days"} {
				if got := o.sum(book, tab, "Amount, USD"); got != st.Total.Minor {
					t.Errorf("%s, %q: %s comes to %d, the period to %d", state, center, tab, got, st.Total.Minor)
				}
			}
			rows, err := book.GetRows("Licenses")
			o.must(err)
			if want := map[string]int{"": 12, "A": 7, "B": 4}[center]; len(rows)-1 != want {
				t.Errorf("%s, %q: %d licenses, want %d", state, center, len(rows)-1, want)
			}
			if center != "A" {
				continue
			}
			if formula, err := book.GetCellFormula("Cost centers", "B11"); err != nil || formula != "" {
				t.Errorf("the name is the formula %q, %v", formula, err)
			}
			centers, err := book.GetRows("Cost centers")
			o.must(err)
			if last := centers[len(centers)-2]; last[0] != "A" || last[1] != "=1+1" {
				t.Errorf("the cost center is %q", last)
			}
			_, again, _ := o.book(period.StatementOf{First: "2026-11-01", CostCenter: center})
			if !bytes.Equal(file, again) {
				t.Errorf("%s: two workbooks of one moment differ", state)
			}
		}
	}
}

// TestTheWorkbookOfManyLicenses holds what one of 20,000 licenses costs: pages and no read a license,
// and less than 200 MB.
func TestTheWorkbookOfManyLicenses(t *testing.T) {
	parts.Memory(t)
	o := open(t)
	o.buy("developer", 10_000, "A", "Sales")
	o.buy("live-reports", 10_000, "B", "Support")
	o.at("2026-12-03T15:00:00Z")
	o.closes()
	o.at("2027-01-03T15:00:00Z")
	o.closes()
	counted := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = counted
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	st, err := o.periods.Chargeback(o.ctx, o.Call("admin"), period.StatementOf{First: "2026-12-01"})
	o.must(err)
	file, err := write(st, o.Clock.Now())
	o.must(err)
	runtime.ReadMemStats(&after)
	took := counted.Take()
	if st.State != period.Closed || took.Reads > 40 {
		t.Errorf("%s, %d reads for the workbook of 20,000 licenses", st.State, took.Reads)
	}
	if heap := (after.HeapSys - min(before.HeapSys, after.HeapSys)) >> 20; heap > 200 {
		t.Errorf("it grew the heap by %d MB", heap)
	}
	if len(file) > 4<<20 {
		t.Errorf("it has %d bytes, more than an answer takes", len(file))
	}
	book, err := excelize.OpenReader(bytes.NewReader(file))
	o.must(err)
	defer book.Close()
	rows, err := book.GetRows("Licenses")
	o.must(err)
	if len(rows) != 20_001 {
		t.Errorf("it has %d licenses", len(rows)-1)
	}
	t.Logf("%+v, %d bytes, heap %d MB", took, len(file), after.HeapSys>>20)
}
