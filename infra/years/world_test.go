package years

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/infra/registry"
	"seatwise/infra/testing/inmemory"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/reply"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/work"
)

type fields = map[string]any

const (
	currency   = "USD"
	assignment = "AssignmentFunction"
	billing    = "BillingFunction"
	directory  = "DirectoryFunction"
	requests   = "RequestsFunction"
	// general is the account's own cost center.
	general = "GENERAL"
)

var (
	bought  = []string{"phone-system", "team_chat", "call-queue-booster", "live-reports"}
	metered = []string{"essential-user", "professional-user", "agent-user", "client-desktop"}
	all     = slices.Concat(bought, metered)
	people  = []string{"ann", "bob", "cid", "dee", "eve"}
	centers = []string{"A", "B", "C"}
	// zones are at most a day apart, with summer time of both halves of the world.
	zones = []string{"UTC", "America/New_York", "Europe/Vienna", "Asia/Kathmandu", "Australia/Sydney"}
)

// terms are what counts for whole periods.
type terms struct {
	billingDay int
	zone       string
}

// world is an account, what calls it, and what was seen of it.
type world struct {
	r         *rapid.T
	now       time.Time
	ran       time.Time // when the schedules ran last
	table     *bolt.Store
	files     *memoryfiles.Box
	handed    []work.Message // what schedules have handed on
	folder    string
	functions map[string]app.Function
	made      int
	// doing is the step under way, and happened how often each had an effect.
	doing    string
	happened map[string]int
	refusal  string // what was answered to the last request that was refused

	// definition is the price list that counts now.
	definition catalog.Definition
	// looks are what was seen of the account, the oldest first, and orders all that were placed.
	looks  []look
	orders map[string]order
	// first are the terms of the first period, and agreed what was agreed since, the oldest first.
	first  terms
	agreed []agreement
	// closed are the periods as they were when they were first seen closed, by their first day.
	closed map[string]string
	prices []repricing
}

type agreement struct {
	at time.Time
	terms
}

// repricing is what a product costs from a day on: a license a month, and a person without a seat.
type repricing struct {
	from, product string
	minor, beyond int64
}

type request struct {
	function, method, path string
	body                   any
}

// on is a request about a license; nil without one.
func on(id, method, function, verb string, body any) *request {
	if id == "" {
		return nil
	}
	return &request{function, method, "/licenses/" + id + verb, body}
}

func newWorld(t *testing.T, r *rapid.T, bucket files.Store) *world {
	t.Helper()
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-years-") //nolint:usetesting // one for each of many years
	if err != nil {
		t.Fatal(err)
	}
	store, err := bolt.Open(filepath.Join(folder, "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		r: r, table: store, files: memoryfiles.New(bucket), folder: folder,
		orders: map[string]order{}, closed: map[string]string{},
		definition: shipped(),
		now:        time.Date(2027, time.January, 1, 0, 0, 30, 0, time.UTC),
	}
	w.pass(time.Duration(rapid.IntRange(0, 365*24*60).Draw(r, "begins after minutes")) * time.Minute)
	for _, p := range w.definition.Products {
		w.prices = append(w.prices, repricing{"", p.ID, inDollars(p.Prices), inDollars(p.OveragePrices)})
	}
	w.first = terms{rapid.IntRange(1, 28).Draw(r, "first billing day"), w.one("first zone", zones)}
	w.deploy()
	must := []request{
		{"AccountsFunction", http.MethodPut, "", fields{
			"name": "Acme", "brand": "RingCentral", "currency": currency, "timezone": w.first.zone,
			"billingDay": w.first.billingDay, "bundle": "standard", "reportSchedule": "none",
		}},
		{"PurchaseFunction", http.MethodPut, "/cost-centers/" + general, fields{"name": general}},
		{"AccountsFunction", http.MethodPatch, "", fields{"costCenter": general}},
	}
	for _, code := range centers {
		must = append(must, request{"PurchaseFunction", http.MethodPut, "/cost-centers/" + code, fields{"name": code}})
	}
	for _, user := range people {
		body := fields{"name": user, "roleIds": []string{}}
		must = append(must, request{directory, http.MethodPut, "/users/" + user, body})
	}
	must = append(must,
		request{directory, http.MethodPut, "/call-queues/q1", fields{"name": "Queue", "members": []string{}}},
		request{directory, http.MethodPut, "/dashboards/d1", fields{"name": "Board", "queueIds": []string{"q1"}}},
	)
	for _, q := range must {
		if !w.send(q, "", nil) {
			r.Fatalf("%s %s is refused", q.method, q.path)
		}
	}
	w.look()
	return w
}

func (w *world) close() {
	_ = w.table.Close()
	_ = os.RemoveAll(w.folder)
}

// deploy makes the functions once more, with the price list that counts now.
func (w *world) deploy() {
	env := &app.Env{
		Table: w.table, Files: w.files, Clock: func() time.Time { return w.now }, IDs: w,
		Log:  slog.New(slog.DiscardHandler),
		Work: w, CursorKeys: keyring.Fixed([]byte("the cursor key of the years")), Version: "years", Alone: true,
		Chance: func(n int) int { return rapid.IntRange(0, n-1).Draw(w.r, "chance") },
	}
	w.functions = map[string]app.Function{}
	for name, f := range registry.Selling(env, catalog.New(w.definition)) {
		w.functions[name] = f.Make()
	}
}

// Random implements app.IDs.
func (w *world) Random() string {
	w.made++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(w.made)*2654435761, w.made)
}

// Ordered implements app.IDs.
func (w *world) Ordered() string {
	w.made++
	ms := w.now.UnixMilli()
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, w.made)
}

// Send implements work.Queue.
func (w *world) Send(_ context.Context, messages ...work.Message) error {
	w.handed = append(w.handed, messages...)
	return nil
}

// SetAside implements work.Queue. Nothing fails here.
func (w *world) SetAside(_ context.Context, m work.Message) error {
	w.r.Fatalf("%s is set aside: %s", m.Marker, m.Error)
	return nil
}

func (w *world) pass(by time.Duration) { w.now = w.now.Add(by) }

func (w *world) one(label string, list []string) string {
	return rapid.SampledFrom(list).Draw(w.r, label)
}

// some are a few of the list, in its order.
func (w *world) some(label string, list []string) []string {
	out := []string{}
	for _, s := range list {
		if rapid.IntRange(0, 2).Draw(w.r, label) == 0 {
			out = append(out, s)
		}
	}
	return out
}

// send sends a request, with the plan of its dry run if it had one, and says whether it was done. What
// it answers goes to out.
func (w *world) send(q request, plan string, out any) bool {
	var body io.Reader = http.NoBody
	if q.body != nil {
		data, err := json.Marshal(q.body)
		if err != nil {
			w.r.Fatal(err)
		}
		body = bytes.NewReader(data)
	}
	user := "admin"
	if strings.Contains(q.path, "/approve") || strings.Contains(q.path, "/deny") {
		user = "chief" // nobody approves what they asked for
	}
	ctx := reply.WithRequestID(w.r.Context(), w.Random())
	ctx = auth.With(ctx, auth.Principal{User: user, Account: "acme", Permissions: auth.SetOf(auth.Permissions()...)})
	sent := httptest.NewRequestWithContext(ctx, q.method, "/v1/accounts/acme"+q.path, body)
	sent.Header.Set("Content-Type", "application/json")
	sent.Header.Set("Idempotency-Key", w.Random())
	if plan != "" {
		sent.Header.Set("If-Plan", plan)
	}
	answer := httptest.NewRecorder()
	w.functions[q.function].HTTP.ServeHTTP(answer, sent)
	switch {
	case answer.Code >= 500:
		w.r.Fatalf("%s %s %v: %d %s", q.method, q.path, q.body, answer.Code, answer.Body)
	case answer.Code >= 300:
		w.refusal = answer.Body.String()
		return false
	case out != nil:
		if err := json.Unmarshal(answer.Body.Bytes(), out); err != nil {
			w.r.Fatalf("%s %s: %v in %s", q.method, q.path, err, answer.Body)
		}
	}
	return true
}

// get reads what must be there.
func (w *world) get(function, path string, out any) {
	if !w.send(request{function, http.MethodGet, path, nil}, "", out) {
		w.r.Fatalf("GET %s is refused", path)
	}
}

// change makes a request, which is tried before now and then: what is foretold must come about.
func (w *world) change(q *request) {
	if q == nil {
		return
	}
	var told foretold
	tried := rapid.Bool().Draw(w.r, "tried")
	allowed := false
	if tried {
		try := *q
		try.path += "?dryRun=true"
		allowed = w.send(try, "", &told)
		w.unchanged(q.path)
	}
	before := w.last()
	done := w.send(*q, told.Plan, nil)
	after := w.look()
	if done {
		w.happened[w.doing]++
	}
	switch {
	case tried && allowed != done:
		w.r.Fatalf("%s %s %v: tried %v, done %v; %s", q.method, q.path, q.body, allowed, done, w.refusal)
	case tried && done:
		w.foretold(*q, told, before, after)
	}
}

// schedules are what runs without anybody, and then everything that it leaves to be done.
func (w *world) schedules() {
	w.ran = w.now
	for range 2 {
		for _, name := range []string{"MaintenanceFunction", "UsageAggregationFunction", "ReportBuilderFunction"} {
			event, err := json.Marshal(fields{"source": "aws.events", "time": w.now.Format(time.RFC3339)})
			if err != nil {
				w.r.Fatal(err)
			}
			if err := w.functions[name].Event(w.r.Context(), event); err != nil {
				w.r.Fatalf("%s: %v", name, err)
			}
			w.carryOut(name)
		}
		w.look()
	}
}

// carryOut delivers what a function has left to be done.
func (w *world) carryOut(name string) {
	for _, info := range w.files.Take() {
		if err := w.functions[name].Event(w.r.Context(), memoryfiles.Event(info, w.now)); err != nil {
			w.r.Fatalf("%s, for %s: %v", name, info.Key, err)
		}
	}
	for _, m := range w.handed {
		if err := w.functions["MaintenanceFunction"].Message(w.r.Context(), m); err != nil {
			w.r.Fatalf("%s: %v", m.Kind, err)
		}
	}
	w.handed = nil
}

// license is one of those that are there, with a status if one is asked for; empty if there is none.
func (w *world) license(status string) string {
	var ids []string
	for id, l := range w.last().licenses {
		if status == "" || (l.user != "") == (status == "assigned") {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	slices.Sort(ids)
	return w.one("license", ids)
}

// agree changes the terms, from the next period on.
func (w *world) agree(change func(*terms)) {
	now := w.first
	if len(w.agreed) > 0 {
		now = w.agreed[len(w.agreed)-1].terms
	}
	change(&now)
	body := fields{"billingDay": now.billingDay, "timezone": now.zone}
	if w.send(request{"AccountsFunction", http.MethodPatch, "", body}, "", nil) {
		w.happened[w.doing]++
		w.agreed = append(w.agreed, agreement{w.now, now})
	}
	w.look()
}

// shipped is the price list that is shipped.
func shipped() catalog.Definition {
	c := catalog.Default()
	return catalog.Definition{
		Version: c.Version(), Currencies: c.Currencies(), Categories: c.Categories(), Products: c.Products(),
	}
}

// reprice lets other prices of a product count from today on.
func (w *world) reprice() {
	id, today := w.one("product", all), w.calendar().label(w.now)
	i := slices.IndexFunc(w.definition.Products, func(p catalog.Product) bool { return p.ID == id })
	p := w.definition.Products[i]
	if n := len(p.Earlier); n > 0 && p.Earlier[n-1].Until >= today {
		return
	}
	p.Earlier = append(slices.Clone(p.Earlier), catalog.EarlierPrices{
		Until: today, Prices: p.Prices, OveragePrices: p.OveragePrices,
	})
	p.Prices, p.OveragePrices = w.otherPrices(p.Prices), w.otherPrices(p.OveragePrices)
	w.definition.Products = slices.Clone(w.definition.Products)
	w.definition.Products[i] = p
	w.definition.Version += "+"
	w.prices = append(w.prices, repricing{today, id, inDollars(p.Prices), inDollars(p.OveragePrices)})
	w.happened[w.doing]++
	w.deploy()
}

func (w *world) otherPrices(prices []money.Amount) []money.Amount {
	prices = slices.Clone(prices)
	for i := range prices {
		prices[i].Minor = rapid.Int64Range(0, 5000).Draw(w.r, "price")
	}
	return prices
}

// inDollars is the price in the account's currency; below zero if there is none.
func inDollars(prices []money.Amount) int64 {
	for _, p := range prices {
		if p.Currency == currency {
			return p.Minor
		}
	}
	return -1
}
