package cost_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/cost"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/spent"
	"seatwise/shared/platform/table"
)

// log is lines with the moments at which they were written.
type log struct {
	clock *fixtures.Clock
	lines [][]byte
	at    []time.Time
}

func (l *log) Write(text []byte) (int, error) {
	l.lines, l.at = append(l.lines, slices.Clone(text)), append(l.at, l.clock.Now())
	return len(text), nil
}

func (l *log) Read(_ context.Context, from, to time.Time, visit func([]byte) error) error {
	for i, line := range l.lines {
		if l.at[i].Before(from) || !l.at[i].Before(to) {
			continue
		}
		if err := visit(line); err != nil {
			return err
		}
	}
	return nil
}

// office is a function whose lines are written as in AWS, and whose table counts what is taken of it.
type office struct {
	*fixtures.Fixture
	log     *log
	service *cost.Service
	edge    *edge.Edge
	counted float64 // units of globex's, counted by another hand
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{Fixture: fixtures.New(t)}
	o.log = &log{clock: o.Clock}
	meter := &spent.Meter{}
	o.Env.Table = meter.Store(table.Counted(o.Env.Table, func(_ string, units float64) { o.counted += units }))
	o.Env.Lines = o.log
	o.Account = "globex"
	accounts := account.NewService(o.Env, license.NewService(catalog.Default()))
	_, err := accounts.Put(t.Context(), o.Call("op"), account.Settings{
		Name: "Globex", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
	})
	if err != nil {
		t.Fatal(err)
	}
	meter.Take()
	o.service = cost.NewService(o.Env)
	o.edge = edge.New(api.Serve(o.Env, o.service.Routes), edge.Options{
		Name: "BillingFunction", Clock: o.Clock.Now, Log: o.Env.Log, Metrics: o.log, Meter: meter, Memory: 0.5,
	})
	o.counted = 0
	return o
}

// ask is a request of an operator for what an account costs, through the edge.
func (o *office) ask(t *testing.T, account, query string) (status int, body []byte) {
	t.Helper()
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "GET /v1/accounts/{account}/cost", "rawPath": "/v1/accounts/" + account + "/cost",
		"rawQueryString": query,
		"requestContext": map[string]any{
			"http": map[string]any{"method": "GET"},
			"authorizer": map[string]any{"jwt": map[string]any{"claims": map[string]any{
				"sub": "olga", "account": "provider", "permissions": string(auth.AccountsManage),
			}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	answered, err := o.edge.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(answered, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, []byte(answer.Body)
}

func (o *office) fold(t *testing.T, day time.Time) {
	t.Helper()
	event := fmt.Appendf(nil, `{"source":"aws.events","time":%q}`, day.Format(time.RFC3339))
	if err := o.service.Scheduled(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

// TestWhatAnAccountCostsIsWhatItsRequestsTook has requests counted on their way, folds their lines, and
// reads them back.
func TestWhatAnAccountCostsIsWhatItsRequestsTook(t *testing.T) {
	o := newOffice(t)
	day := fixtures.Start.UTC().Truncate(24 * time.Hour)
	const requests = 3
	for range requests {
		if status, body := o.ask(t, "globex", ""); status != http.StatusOK {
			t.Fatalf("%d: %s", status, body)
		}
	}
	units, bytes := o.counted, 0
	for _, line := range o.log.lines {
		bytes += len(line)
	}
	o.ask(t, "nobody", "") // an account that there is not leaves nothing
	o.fold(t, day.AddDate(0, 0, 1))
	o.Clock.Set(day.AddDate(0, 0, 1).Add(time.Hour))
	status, body := o.ask(t, "globex", "")
	var got cost.AccountCost
	if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d: %s", status, body)
	}
	if len(got.Days) != 1 || got.Days[0].Day != day.Format(time.DateOnly) {
		t.Fatalf("days: %+v", got.Days)
	}
	w := got.Counted
	if w.Requests != requests || w.Invocations != requests {
		t.Errorf("%d requests in %d runs, wanted %d", w.Requests, w.Invocations, requests)
	}
	// The directory of the operator is that of another account.
	if w.ReadUnits <= 0 || w.ReadUnits > units || w.WriteUnits != 0 {
		t.Errorf("%v units read and %v written, of %v", w.ReadUnits, w.WriteUnits, units)
	}
	if w.LogBytes < int64(bytes)/2 {
		t.Errorf("%d bytes of lines, wanted about %d", w.LogBytes, bytes)
	}
	want := cost.PerRequest*requests + cost.PerInvocation*requests + w.GBSeconds*cost.PerGBSecond +
		w.ReadUnits*cost.PerRead + float64(w.LogBytes)/(1<<30)*cost.PerLogGB
	if math.Abs(got.Dollars.Total-want) > 1e-12 {
		t.Errorf("$%v, wanted $%v", got.Dollars.Total, want)
	}
	if items, err := o.service.Days(t.Context(), "nobody", day, day.AddDate(0, 0, 1)); err != nil || len(items) > 0 {
		t.Errorf("days of nobody: %v, %v", items, err)
	}
}

// TestADayIsFoldedAgain, with the same result, and the day after it is another one.
func TestADayIsFoldedAgain(t *testing.T) {
	o := newOffice(t)
	day := fixtures.Start.UTC().Truncate(24 * time.Hour)
	o.ask(t, "globex", "")
	o.fold(t, day.AddDate(0, 0, 1))
	first, err := o.service.Days(t.Context(), "globex", day, day.AddDate(0, 0, 9))
	if err != nil {
		t.Fatal(err)
	}
	o.fold(t, day.AddDate(0, 0, 1).Add(23*time.Hour))
	o.fold(t, day.AddDate(0, 0, 2))
	again, err := o.service.Days(t.Context(), "globex", day, day.AddDate(0, 0, 9))
	if err != nil || len(first) != 1 || !slices.Equal(first, again) {
		t.Errorf("%+v, then %+v, %v", first, again, err)
	}
}

// TestTheCostOfAStoppedAccountIsTold: it was taken, whatever the account may do by now.
func TestTheCostOfAStoppedAccountIsTold(t *testing.T) {
	o := newOffice(t)
	day := fixtures.Start.UTC().Truncate(24 * time.Hour)
	o.ask(t, "globex", "")
	stop, err := call.Become("globex", call.Active, call.Closed)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Env.Table.Commit(call.Anyhow(t.Context()), stop); err != nil {
		t.Fatal(err)
	}
	o.Env.Table = call.Checked(o.Env.Table, func(int) int { return 0 })
	other := account.NewService(o.Env, license.NewService(catalog.Default()))
	o.Account = "initech"
	if _, err := other.Put(t.Context(), o.Call("op"), account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
	}); err != nil {
		t.Fatal(err)
	}
	o.ask(t, "initech", "")
	o.fold(t, day.AddDate(0, 0, 1))
	for _, id := range []string{"globex", "initech"} {
		if days, err := o.service.Days(t.Context(), id, day, day.AddDate(0, 0, 1)); err != nil || len(days) != 1 {
			t.Errorf("%s: %v, %v", id, days, err)
		}
	}
}

// TestOnlyOperatorsReadCosts, of windows that there are.
func TestOnlyOperatorsReadCosts(t *testing.T) {
	o := newOffice(t)
	handler := api.Serve(o.Env, o.service.Routes).HTTP
	a := o.Do(t, handler, fixtures.Request{
		Method: "GET", Path: "/v1/accounts/globex/cost", User: "ada", Permissions: []auth.Permission{auth.BillingRead},
	})
	fixtures.Problem(t, a, http.StatusForbidden, "forbidden")
	if status, body := o.ask(t, "globex", "from=2026-13-01"); status != http.StatusUnprocessableEntity {
		t.Errorf("%d: %s", status, body)
	}
}

// TestLinesAddUp holds what of a line counts.
func TestLinesAddUp(t *testing.T) {
	sums := cost.Sums{}
	for _, line := range []string{
		`{"account":"acme","Run":true,"route":"GET /x","ReadUnits":2,"WriteUnits":3,"GBSeconds":0.5}`,
		`{"account":"acme","Run":true,"ReadUnits":1,"WriteUnits":0,"GBSeconds":0.25}`,
		`{"account":"acme","ReadUnits":4,"WriteUnits":1}`,
		`{"level":"WARN","msg":"x","account":"acme"}`,
		`{"ReadUnits":100}`,
		`START RequestId: 1 "account":"acme"`,
	} {
		sums.Add([]byte(line))
	}
	w := sums["acme"]
	w.LogBytes = 0
	if want := (cost.Work{Requests: 1, Invocations: 2, GBSeconds: 0.75, ReadUnits: 7, WriteUnits: 4}); w != want {
		t.Errorf("%+v, wanted %+v", w, want)
	}
	if len(sums) != 1 {
		t.Errorf("%d accounts", len(sums))
	}
}
