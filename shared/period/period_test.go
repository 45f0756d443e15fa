package period

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/infra/testing/parts"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// office is an account whose periods begin on the first, in New York.
type office struct {
	*fixtures.Fixture
	t       testing.TB
	ctx     context.Context
	kernel  *license.Service
	shop    *purchase.Service
	periods *Service
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{Fixture: fixtures.New(t), t: t, ctx: t.Context(), kernel: license.NewService(catalog.Default())}
	o.shop = purchase.NewService(o.Env, o.kernel)
	o.periods = NewService(o.Env, o.kernel)
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// at sets the clock to a moment of New York.
func (o *office) at(text string) {
	o.t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	o.must(err)
	moment, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	o.must(err)
	o.Clock.Set(moment)
}

func (o *office) hire(user string) {
	o.t.Helper()
	o.change(user, func(ctx context.Context, u *license.UnitOfWork) error {
		return u.Put(ctx, license.Person{UserID: user, Name: user, Active: true})
	})
}

func (o *office) change(user string, verbs func(context.Context, *license.UnitOfWork) error) {
	o.t.Helper()
	c := o.Call("admin")
	o.must(call.Decide(o.ctx, func(ctx context.Context) error {
		u := o.kernel.Change(c)
		if _, err := u.Load(ctx, license.Need{Users: []string{user}}); err != nil {
			return err
		}
		if err := verbs(ctx, u); err != nil {
			return err
		}
		return u.Commit(ctx, call.Answer{})
	}))
}

func (o *office) grant(user, product, source string) {
	o.t.Helper()
	o.change(user, func(ctx context.Context, u *license.UnitOfWork) error {
		return u.Grant(ctx, user, product, source)
	})
}

// buy orders licenses as an admin does.
func (o *office) buy(product string, n int, costCenter string) {
	o.t.Helper()
	center := purchase.CostCenterChange{Code: costCenter, Name: costCenter}
	if _, err := o.shop.ChangeCostCenter(o.ctx, o.Call("admin"), center); err != nil {
		o.t.Fatal(err)
	}
	lines := []purchase.CartLineInput{{ProductID: product, Quantity: n, CostCenter: costCenter}}
	q, err := o.shop.Quote(o.ctx, o.Call("admin"), lines)
	o.must(err)
	_, _, err = o.shop.Order(o.ctx, o.Call("admin"), q.ID, true)
	o.must(err)
}

// closes has the schedule of now close what is due.
func (o *office) closes() {
	o.t.Helper()
	ok, err := o.periods.Woken(o.ctx, o.Account, wakeUps+strconv.FormatInt(o.Clock.Now().Unix(), 10))
	o.must(err)
	if !ok {
		o.t.Fatal("the wake-up of a period was taken for another")
	}
}

func (o *office) get(first string) View {
	o.t.Helper()
	v, err := o.periods.Get(o.ctx, o.Call("admin"), first)
	o.must(err)
	return v
}

// bill is a period as a test says it.
func bill(v View) string {
	text := fmt.Sprintf("%s %s", v.State, v.Total)
	for _, l := range v.Lines {
		text += fmt.Sprintf("; %s %s %s %d days %d", l.Kind, l.ProductID, l.CostCenter, l.LicenseDays, l.Amount.Minor)
	}
	return text
}

func (o *office) want(first, bills string) View {
	o.t.Helper()
	v := o.get(first)
	if got := bill(v); got != bills {
		o.t.Fatalf("the period of %s is\n%s\nwant\n%s", first, got, bills)
	}
	return v
}

// chargedTo names the account's cost center.
func (o *office) chargedTo(code string) {
	o.t.Helper()
	_, err := o.shop.ChangeCostCenter(o.ctx, o.Call("admin"), purchase.CostCenterChange{Code: code, Name: code})
	o.must(err)
	o.decided(func(s *account.Settings) { s.CostCenter = code })
}

// decided has an operator change the account's settings.
func (o *office) decided(change func(*account.Settings)) {
	o.t.Helper()
	a, _, err := account.Load(o.ctx, o.Call("operator"))
	o.must(err)
	change(&a.Settings)
	_, err = account.NewService(o.Env, o.kernel).Put(o.ctx, o.Call("operator"), a.Settings)
	o.must(err)
}

// TestAPeriodFromPreviewToSeal follows two periods of an account (requirements, section 12).
func TestAPeriodFromPreviewToSeal(t *testing.T) {
	o := open(t)
	o.at("2026-11-21 10:00")
	o.chargedTo("GENERAL")
	o.hire("ann")
	o.hire("bob")
	o.buy("developer", 2, "SALES") // 10 of 30 days: 2 x 2999 x 10 / 30
	o.grant("ann", "essential-user", license.Direct)
	o.grant("bob", "live-reports", license.QueueGrant("q"))
	v := o.want("current", "open 20.39 USD; prorated developer SALES 2 days 1999; metered essential-user GENERAL 1 days 40")
	if v.Expected == nil || v.Expected.Minor != 1999+400+1000 {
		t.Errorf("expected %v, want 1999 of the order, 10 days of Essential and 10 ends of overage", v.Expected)
	}

	o.at("2026-12-02 23:59")
	const november = "33.99 USD; prorated developer SALES 2 days 1999; metered essential-user GENERAL 10 days 400; " +
		"overage live-reports GENERAL 10 days 1000"
	o.want("2026-11-01", "closing "+november)
	o.closes() // not due yet
	o.want("2026-11-01", "closing "+november)
	o.at("2026-12-03 00:00")
	o.closes()
	sealed := o.want("2026-11-01", "closed "+november)
	if sealed.Digest == "" || sealed.Expected != nil || !sealed.ClosedAt.Equal(o.Clock.Now()) {
		t.Errorf("closed as %+v", sealed)
	}

	// What comes later changes nothing of it.
	o.at("2026-12-05 10:00")
	o.change("ann", func(ctx context.Context, u *license.UnitOfWork) error {
		return u.Unassign(ctx, "ann", "essential-user")
	})
	o.closes()
	if now, before := o.get("2026-11-01"), sealed; fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("the closed period is\n%+v\nit was\n%+v", now, before)
	}
	o.want("current", "open 65.79 USD; recurring developer SALES 62 days 5998; "+
		"metered essential-user GENERAL 5 days 194; overage live-reports GENERAL 4 days 387")
	list, _, err := o.periods.List(o.ctx, o.Call("admin"), "", 2)
	o.must(err)
	if len(list) != 2 || list[0].State != Open || list[1].State != Closed || list[1].Total.Minor != 3399 {
		t.Errorf("the periods are %+v", list)
	}
}

// TestClosingWaitsForTheAccountsCostCenter: a period in which people without a cost center have used
// something is not closed as long as the account has none, nor is one behind it; it says so, and is
// closed when there is one, with all that it is charged to (requirements, section 12).
func TestClosingWaitsForTheAccountsCostCenter(t *testing.T) {
	o := open(t)
	o.at("2026-11-21 10:00")
	o.hire("ann")
	o.buy("developer", 1, "SALES")
	o.grant("ann", "essential-user", license.Direct)
	noted := func() string {
		t.Helper()
		f, _, err := failures.Of(o.ctx, o.Env.Table, o.Account, failures.Period)
		o.must(err)
		return f.ID
	}
	rings := func() int {
		t.Helper()
		box := memoryfiles.New(memoryfiles.Serve(t))
		env := *o.Env
		env.Files = box
		o.must(NewService(&env, o.kernel).Schedule(o.ctx, o.Clock.Now()))
		return len(box.Take())
	}
	o.decided(func(s *account.Settings) { s.Name = "Office" }) // which lists the account
	if v := o.get("current"); v.WaitsFor != "costCenter" {
		t.Errorf("while it is open it waits for %q", v.WaitsFor)
	}
	o.at("2026-12-03 10:00")
	if rings() != 1 {
		t.Error("not tried when it was due")
	}
	o.closes()
	const lines = "prorated developer SALES 1 days 1000; metered essential-user"
	if v := o.want("2026-11-01", "closing 14.00 USD; "+lines+"  10 days 400"); v.WaitsFor != "costCenter" {
		t.Errorf("it waits for %q", v.WaitsFor)
	}
	if noted() != "2026-11-01" || rings() != 0 {
		t.Errorf("noted %q, and tried again at once", noted())
	}
	o.at("2026-12-04 10:00")
	if rings() != 1 {
		t.Error("not tried again a day later")
	}
	o.at("2027-01-03 10:00")
	o.closes()
	if v := o.get("2026-12-01"); v.State != Closing {
		t.Errorf("the next one is %s", v.State)
	}
	o.chargedTo("GENERAL")
	if rings() != 1 {
		t.Error("not tried with a cost center")
	}
	o.closes()
	v := o.want("2026-11-01", "closed 14.00 USD; "+lines+" GENERAL 10 days 400")
	if v.WaitsFor != "" || noted() != "" || o.get("2026-12-01").State != Closed {
		t.Errorf("closed, it waits for %q, noted %q, the next one is %s", v.WaitsFor, noted(),
			o.get("2026-12-01").State)
	}
}

// What people without a cost center consume goes to the account's; a period that is closed keeps the
// one that it was closed with.
func TestTheAccountsCostCenterIsCharged(t *testing.T) {
	o := open(t)
	o.at("2026-11-21 10:00")
	o.hire("ann")
	o.grant("ann", "essential-user", license.Direct)
	o.chargedTo("GENERAL")
	o.at("2026-12-03 10:00")
	o.closes()
	o.want("2026-11-01", "closed 4.00 USD; metered essential-user GENERAL 10 days 400")
	o.chargedTo("OTHER")
	o.want("2026-11-01", "closed 4.00 USD; metered essential-user GENERAL 10 days 400")
	o.want("current", "open 1.16 USD; metered essential-user OTHER 3 days 116")
}

// TestDaysOfALine: each line opens into its days, and each day into its licenses and people, of a
// period that is open as of one that is closed.
func TestDaysOfALine(t *testing.T) {
	o := open(t)
	o.at("2026-11-28 10:00")
	o.hire("ann")
	o.grant("ann", "essential-user", license.Direct)
	read := func() string {
		line := o.get("2026-11-01").Lines[0]
		var days []DayView
		for after := ""; ; {
			v, next, err := o.periods.Line(
				o.ctx,
				o.Call("admin"),
				PageOf{First: "2026-11-01", Line: line.ID, After: after, Limit: 2},
			)
			o.must(err)
			days = append(days, v.Days...)
			if after = next; after == "" {
				break
			}
		}
		data, err := json.Marshal(days)
		o.must(err)
		return string(data)
	}
	o.at("2026-12-01 10:00")
	open := read()
	o.at("2026-12-03 10:00")
	o.closes()
	closed := read()
	if open != closed {
		t.Errorf("the days are\n%s\nonce closed, and were\n%s", closed, open)
	}
	var days []DayView
	o.must(json.Unmarshal([]byte(closed), &days))
	if len(days) != 3 || days[0].Day.Day != "2026-11-28" || len(days[2].LicenseIDs) != 1 ||
		days[2].UserIDs[0] != "ann" {
		t.Errorf("the days are %s, want three of one license of Ann", closed)
	}
}

// TestSomeLinesAndOneDay: lines are asked for by kind, product and cost center, and a day alone, whose
// licenses come in pages.
func TestSomeLinesAndOneDay(t *testing.T) {
	o := open(t)
	o.at("2026-11-28 10:00")
	o.hire("ann")
	o.grant("ann", "essential-user", license.Direct)
	o.buy("developer", 5, "SALES")
	o.buy("live-reports", 1, "SALES")
	o.buy("developer", 1, "SUPPORT")
	for _, c := range []struct {
		of   LinesOf
		want int
	}{
		{LinesOf{}, 4},
		{LinesOf{Kinds: []string{"prorated"}}, 3},
		{LinesOf{Kinds: []string{"metered", "prorated"}, Products: []string{"developer", "essential-user"}}, 3},
		{LinesOf{CostCenters: []string{"SALES"}, Products: []string{"developer"}}, 1},
		{LinesOf{CostCenters: []string{"NOBODY"}}, 0},
	} {
		c.of.First = current
		lines, _, err := o.periods.Lines(o.ctx, o.Call("admin"), c.of, "", 50)
		o.must(err)
		if len(lines) != c.want {
			t.Errorf("%+v are %d lines, want %d", c.of, len(lines), c.want)
		}
	}
	_, _, err := o.periods.Lines(o.ctx, o.Call("admin"), LinesOf{First: current, Products: []string{"no"}}, "", 50)
	if !problem.Is(err, problem.ValidationFailed) {
		t.Errorf("an unknown product: %v", err)
	}
	page := PageOf{First: current, Line: o.get(current).Lines[0].ID, Day: "2026-11-28", Limit: 2}
	var ids []string
	for more := true; more; more = page.After != "" {
		var v LineView
		v, page.After, err = o.periods.Line(o.ctx, o.Call("admin"), page)
		o.must(err)
		if len(v.Days) != 1 || len(v.Days[0].LicenseIDs) > 2 {
			t.Fatalf("a page of one day, two at a time, is %+v", v.Days)
		}
		ids = append(ids, v.Days[0].LicenseIDs...)
	}
	if slices.Sort(ids); len(slices.Compact(ids)) != 5 {
		t.Errorf("the day has %v", ids)
	}
	page.Day = "2026-11-27"
	if _, _, err := o.periods.Line(o.ctx, o.Call("admin"), page); !problem.Is(err, problem.NotFound) {
		t.Errorf("a day without anything: %v", err)
	}
}

// TestCorrections: what is accepted after a period was closed, and what an operator says, are lines
// of the next one that name it.
func TestCorrections(t *testing.T) {
	o := open(t)
	o.at("2026-11-28 10:00")
	o.chargedTo("GENERAL")
	o.hire("ann")
	_, err := o.periods.Correct(o.ctx, o.Call("operator"), Named{
		Corrects: "2026-11-01", Amount: usd(-100), Reason: "goodwill",
	})
	if !problem.Is(err, problem.WrongState) {
		t.Errorf("a correction of what is open: %v", err)
	}
	o.at("2026-12-03 10:00")
	o.closes()
	o.want("2026-11-01", "closed 0.00 USD")
	late := o.Clock.Now()
	o.at("2026-11-29 10:00") // an event of that time, accepted now
	o.grant("ann", "essential-user", license.Direct)
	o.Clock.Set(late)
	_, err = o.periods.Correct(o.ctx, o.Call("operator"), Named{
		Corrects: "2026-11-01", Amount: usd(-100), Reason: "goodwill", CostCenter: "SALES",
	})
	o.must(err)
	o.want("2026-11-01", "closed 0.00 USD")
	o.want("current", "open 0.96 USD; metered essential-user GENERAL 3 days 116; correction  SALES 0 days -100; "+
		"correction essential-user GENERAL 0 days 80")
	o.at("2027-01-03 10:00")
	o.closes()
	o.want("2026-12-01", "closed 11.80 USD; metered essential-user GENERAL 31 days 1200; correction  SALES 0 days -100; "+
		"correction essential-user GENERAL 0 days 80")
	o.want("current", "open 1.16 USD; metered essential-user GENERAL 3 days 116")
}

// overtaken is a table of which something else is done before the first commit.
type overtaken struct {
	table.Store
	once  sync.Once
	other func()
}

func (s *overtaken) Commit(ctx context.Context, ops []table.Operation) error {
	s.once.Do(s.other)
	return s.Store.Commit(ctx, ops)
}

// TestAPeriodIsClosedOnce: a worker that read before somebody else closed the period, and has an older
// view of it, leaves the bill as it is.
func TestAPeriodIsClosedOnce(t *testing.T) {
	o := open(t)
	o.at("2026-11-28 10:00")
	o.chargedTo("GENERAL")
	o.hire("ann")
	o.closes() // those before
	o.at("2026-12-03 10:00")
	due := wakeUps + strconv.FormatInt(o.Clock.Now().Unix(), 10)
	env := *o.Env
	env.Table = &overtaken{Store: o.Env.Table, other: func() {
		o.at("2026-11-29 10:00") // an event of that time, accepted just before the other one closes
		o.grant("ann", "essential-user", license.Direct)
		o.at("2026-12-03 10:01")
		o.closes()
	}}
	_, err := NewService(&env, o.kernel).Woken(o.ctx, o.Account, due)
	o.must(err)
	o.want("2026-11-01", "closed 0.80 USD; metered essential-user GENERAL 2 days 80")
	o.want("current", "open 1.16 USD; metered essential-user GENERAL 3 days 116")
}

// TestClosingManyLicenses holds what closing costs: 20,000 licenses are read by pages, and take less
// than 200 MB.
func TestClosingManyLicenses(t *testing.T) {
	parts.Memory(t)
	o := open(t)
	o.at("2026-11-21 10:00")
	o.buy("developer", 10_000, "SALES")
	o.buy("live-reports", 10_000, "SUPPORT")
	o.at("2026-12-03 10:00")
	o.closes()
	o.at("2027-01-03 10:00")
	counted := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = counted
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o.closes()
	runtime.ReadMemStats(&after)
	o.want("2026-12-01", "closed 549900.00 USD; recurring developer SALES 310000 days 29990000; "+
		"recurring live-reports SUPPORT 310000 days 25000000")
	took := counted.Take()
	if took.Reads > 200 {
		t.Errorf("%d reads to close a period of 20,000 licenses, want pages and no read a license", took.Reads)
	}
	if heap := (after.HeapSys - min(before.HeapSys, after.HeapSys)) >> 20; heap > 200 {
		t.Errorf("closing grew the heap by %d MB", heap)
	}
	t.Logf("%+v, heap %d MB", took, after.HeapSys>>20)
}

// TestAWaitingThatMovesAndEndsInOneCall: somebody who waits goes to another cost center, and a seat is
// bought for them by the same call, in a commit of its own. Their days so far stay with the cost
// center that they were of, in whatever order the two come.
func TestAWaitingThatMovesAndEndsInOneCall(t *testing.T) {
	from, at := moment("2026-11-06 10:00"), moment("2026-12-08 09:00")
	moved := inventory.Span{
		ProductID: "live-reports", UserID: "ann", CostCenter: "SALES", From: from, Until: at, Waiting: true,
	}
	ended := moved
	ended.CostCenter, ended.Ended = "OPS", true
	want := []Part{{Until: at, UserID: "ann", CostCenter: "SALES"}, {UserID: "ann", CostCenter: "OPS"}}
	for _, spans := range [][]inventory.Span{{moved, ended}, {ended, moved}} {
		list := timelines(catalog.Default(), nil, nil, spans)
		if len(list) != 1 || !slices.Equal(list[0].Parts, want) || !list[0].Until.Equal(at) {
			t.Errorf("%+v is %+v", spans, list)
		}
	}
}
