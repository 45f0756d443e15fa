package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/local/objects"
	"seatwise/infra/local/template"
	"seatwise/infra/registry"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/wire"
)

const (
	accountPath = "/v1/accounts/acme"
	// The sizes of what is done in bulk.
	manySeats = 1000
	fileRows  = 200
	manyViews = 1000
	// hourlyRowViews are those that the rows of an hour's aggregation have read.
	hourlyRowViews = manyViews + 100

	uploads, reports = "seatwise-uploads", "seatwise-reports"
)

// buckets are the buckets of template.yaml, by logical id.
var buckets = map[string]string{"UploadsBucket": uploads, "ReportsBucket": reports}

type object = map[string]any

// walker walks the path through the functions' own handlers, over a counted store and an embedded
// S3 server.
type walker struct {
	env       *app.Env
	functions map[string]app.Function
	meter     *meter
	rows      []row

	mu      sync.Mutex
	created []objects.Created // objects whose events are owed
}

// walk goes the path once.
func walk(ctx context.Context, folder string, store table.Store, m *meter) (rows []row, err error) {
	w := &walker{functions: map[string]app.Function{}, meter: m}
	db, err := bbolt.Open(filepath.Join(folder, "objects.bolt"), 0o600, nil)
	if err != nil {
		return nil, fmt.Errorf("open the list of objects: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	address, stop, err := w.serveObjects(ctx, db, filepath.Join(folder, "objects"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	settings := wire.Settings{
		UploadsBucket: uploads,
		ReportsBucket: reports,
		Region:        "us-east-1",
		AccessKey:     objects.AccessKey,
		SecretKey:     objects.SecretKey,
		S3Endpoint:    address,
	}
	w.env = &app.Env{
		Table:      store,
		Files:      settings.OpenFiles(),
		Clock:      wire.Clock,
		IDs:        wire.IDs{},
		Log:        slog.New(slog.DiscardHandler),
		CursorKeys: keyring.Fixed([]byte("the cursor key of the bench")),
		Version:    "bench",
	}
	w.functions = registry.Make(w.env)
	for _, step := range []func(context.Context) error{
		w.idle, w.furnish, w.buy, w.assign, w.monitor, w.configure, w.meterUsage, w.report, w.watch,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return w.rows, nil
}

func (w *walker) serveObjects(
	ctx context.Context,
	db *bbolt.DB,
	folder string,
) (address string, stop func() error, err error) {
	store, err := objects.NewStore(db, folder, wire.Clock, func(_ *bbolt.Tx, o objects.Created) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.created = append(w.created, o)
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	for _, bucket := range []string{uploads, reports} {
		if err := store.EnsureBucket(bucket); err != nil {
			return "", nil, err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: objects.Server(store, wire.Clock, wire.Clock), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // it ends when it is closed
	return "http://" + l.Addr().String(), server.Close, nil
}

// measure notes what happens in step.
func (w *walker) measure(name string, per int, of string, step func() error) error {
	w.meter.take()
	if err := step(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.rows = append(w.rows, row{name: name, per: per, of: of, cost: w.meter.take()})
	return nil
}

// principal is an admin who may do everything in the account. Only an operator makes an account, and an
// operator's process reads each time whether it is there.
func principal(user, path string) auth.Principal {
	p := auth.Principal{User: user, Account: "acme", Permissions: access.Carried()}
	if path == "/v1/accounts/acme" {
		p.Permissions = auth.SetOf(auth.Permissions()...)
	}
	return p
}

// call sends a request to a function as an admin who may do everything, and decodes its answer.
func (w *walker) call(ctx context.Context, function, method, path string, body any) (object, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	r := httptest.NewRequestWithContext(auth.With(ctx, principal("admin", path)), method, path, content)
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.functions[function].HTTP.ServeHTTP(answer, r)
	if answer.Code >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
	}
	var got object
	if answer.Body.Len() > 0 {
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return got, nil
}

// step is a call that is a row of its own.
type step struct {
	name, function, method, path string
	body                         any
}

// measured takes a step.
func (w *walker) measured(ctx context.Context, s step) (got object, err error) {
	err = w.measure(s.name, 0, "", func() (err error) {
		got, err = w.call(ctx, s.function, s.method, s.path, s.body)
		return err
	})
	return got, err
}

// deliver gives the events of the objects that were created to the functions that they are for.
func (w *walker) deliver(ctx context.Context) error {
	w.mu.Lock()
	owed := w.created
	w.created = nil
	w.mu.Unlock()
	if len(owed) == 0 {
		return nil
	}
	declared, err := template.OfRepository()
	if err != nil {
		return err
	}
	for _, o := range owed {
		for _, t := range declared.Triggers {
			if o.Bucket != buckets[t.Bucket] || !t.Matches(o.Event, o.Key) {
				continue
			}
			event, err := json.Marshal(object{"Records": []object{{
				"eventName": o.Event, "eventTime": o.At.UTC(), "s3": object{
					"bucket": object{"name": o.Bucket},
					"object": object{
						"key":       url.QueryEscape(o.Key),
						"versionId": o.Version,
						"eTag":      o.ETag,
						"size":      o.Size,
						"sequencer": o.Sequencer,
					},
				},
			}}})
			if err != nil {
				return err
			}
			if err := w.functions[t.Function].Event(ctx, event); err != nil {
				return fmt.Errorf("%s: %w", t.Function, err)
			}
		}
	}
	return nil
}

// furnish makes the account and its cost centers.
func (w *walker) furnish(ctx context.Context) error {
	if _, err := w.measured(ctx, step{"make an account", "AccountsFunction", http.MethodPut, accountPath, object{
		"name":       "Acme",
		"brand":      "Brand",
		"currency":   "USD",
		"timezone":   "America/Detroit",
		"billingDay": 1,
		"bundle":     "standard",
	}}); err != nil {
		return err
	}
	for _, code := range []string{"CC-1", "CC-2"} {
		if _, err := w.call(
			ctx,
			"PurchaseFunction",
			http.MethodPut,
			accountPath+"/cost-centers/"+code,
			object{"name": code},
		); err != nil {
			return err
		}
	}
	return nil
}

// buy fills a cart, splits it, quotes it and orders: 12 Live Reports, and then what the rest of the
// path needs.
func (w *walker) buy(ctx context.Context) error {
	const fn = "PurchaseFunction"
	cart, err := w.measured(ctx, step{
		"fill the cart",
		fn,
		http.MethodPut,
		accountPath + "/cart",
		object{"lines": []object{{"productId": "live-reports", "quantity": 12, "costCenter": "CC-1"}}},
	})
	if err != nil {
		return err
	}
	line, err := first(cart, "lines")
	if err != nil {
		return err
	}
	if _, err := w.measured(ctx, step{
		"split a line",
		fn,
		http.MethodPost,
		fmt.Sprintf("%s/cart/lines/%v/split", accountPath, line["id"]),
		object{
			"parts": []object{{"quantity": 7, "costCenter": "CC-1"}, {"quantity": 5, "costCenter": "CC-2"}},
		},
	}); err != nil {
		return err
	}
	quote, err := w.measured(ctx, step{"quote the cart", fn, http.MethodPost, accountPath + "/quotes", object{}})
	if err != nil {
		return err
	}
	if err := w.order(ctx, "order 12 licenses", quote, 12); err != nil {
		return err
	}
	quote, err = w.call(ctx, fn, http.MethodPost, accountPath+"/quotes", object{"lines": []object{
		{"productId": "developer", "quantity": 60, "costCenter": "CC-1"},
	}})
	if err != nil {
		return err
	}
	if _, err := w.call(ctx, fn, http.MethodPost, accountPath+"/orders",
		object{"quoteId": quote["id"], "acknowledged": true}); err != nil {
		return err
	}
	if _, err := w.measured(ctx, step{
		smallPage, "LicensesFunction", http.MethodGet, accountPath + "/licenses?limit=50", nil,
	}); err != nil {
		return err
	}
	quote, err = w.call(ctx, fn, http.MethodPost, accountPath+"/quotes", object{"lines": []object{
		{"productId": "phone-system", "quantity": fileRows, "costCenter": "CC-1"},
		{"productId": "device_ip_phone", "quantity": fileRows, "costCenter": "CC-1"},
		{"productId": "call_recording", "quantity": manySeats - 2*fileRows, "costCenter": "CC-1"},
	}})
	if err != nil {
		return err
	}
	return w.order(ctx, "order 1,000 licenses", quote, manySeats)
}

func (w *walker) order(ctx context.Context, name string, quote object, seats int) error {
	return w.measure(name, seats, "licenses", func() error {
		_, err := w.call(
			ctx,
			"PurchaseFunction",
			http.MethodPost,
			accountPath+"/orders",
			object{"quoteId": quote["id"], "acknowledged": true},
		)
		return err
	})
}

// assign moves one license about, and reads licenses.
func (w *walker) assign(ctx context.Context) error {
	for i, id := range []string{"zoe", "yan"} {
		body := object{"name": strings.ToUpper(id), "email": id + "@acme.test"}
		if i == 0 {
			if _, err := w.measured(ctx, step{
				"make a user",
				"DirectoryFunction",
				http.MethodPut,
				accountPath + "/users/" + id,
				body,
			}); err != nil {
				return err
			}
			continue
		}
		if _, err := w.call(ctx, "DirectoryFunction", http.MethodPut, accountPath+"/users/"+id, body); err != nil {
			return err
		}
	}
	page, err := w.call(ctx, "LicensesFunction", http.MethodGet, accountPath+"/licenses?product=live-reports", nil)
	if err != nil {
		return err
	}
	free, err := first(page, "items")
	if err != nil {
		return err
	}
	license := fmt.Sprintf("%s/licenses/%v", accountPath, free["id"])
	assignments, licenses := accountPath+"/assignments", accountPath+"/licenses"
	zoes := object{"items": []object{{"productId": "live-reports", "userId": "zoe"}}}
	for _, step := range []step{
		{"assign a given license", "AssignmentFunction", http.MethodPost, license + "/assign", object{"userId": "zoe"}},
		{"reassign it", "AssignmentFunction", http.MethodPost, license + "/reassign", object{"userId": "yan"}},
		{"unassign it", "AssignmentFunction", http.MethodPost, license + "/unassign", nil},
		{"assign any free license", "AssignmentFunction", http.MethodPost, assignments, zoes},
		{"take it back", "AssignmentFunction", http.MethodPost, assignments + "/remove", zoes},
		{"terminate a license", "LicensesFunction", http.MethodPost, license + "/terminate", nil},
		{"read a license", "LicensesFunction", http.MethodGet, license, nil},
		{"list 50 of 1,012 licenses", "LicensesFunction", http.MethodGet, licenses, nil},
		{"list 50 of one product", "LicensesFunction", http.MethodGet, licenses + "?product=phone-system", nil},
		{"summary of 1,012 licenses", "LicensesFunction", http.MethodGet, licenses + "/summary", nil},
		{"billing", "BillingFunction", http.MethodGet, accountPath + "/billing", nil},
		{"read 50 audit records", "AuditFunction", http.MethodGet, accountPath + "/audit", nil},
	} {
		if _, err := w.measured(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// monitor makes the eight agents' queues and puts them on dashboards.
func (w *walker) monitor(ctx context.Context) error {
	const fn = "DirectoryFunction"
	var members []string
	for n := range 8 {
		id := fmt.Sprintf("agent%d", n)
		members = append(members, id)
		if _, err := w.call(ctx, fn, http.MethodPut, accountPath+"/users/"+id, object{"name": id}); err != nil {
			return err
		}
	}
	for _, id := range []string{"alice", "bob"} {
		if _, err := w.call(
			ctx,
			fn,
			http.MethodPut,
			accountPath+"/users/"+id,
			object{"name": id, "roleIds": []string{"super-admin"}},
		); err != nil {
			return err
		}
	}
	for n, queue := range []string{"detroit", "belmont"} {
		own := members[3*n : 3+5*n]
		if _, err := w.call(
			ctx,
			fn,
			http.MethodPut,
			accountPath+"/call-queues/"+queue,
			object{"name": queue, "members": own},
		); err != nil {
			return err
		}
		if err := w.measure(fmt.Sprintf("monitor a queue of %d", len(own)), len(own), "grants", func() error {
			_, err := w.call(
				ctx,
				fn,
				http.MethodPut,
				accountPath+"/dashboards/"+queue,
				object{"name": queue, "queueIds": []string{queue}},
			)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// configure uploads a file of new extensions, has it checked and applied.
func (w *walker) configure(ctx context.Context) error {
	const fn, path = "MassConfigurationFunction", accountPath + "/mass-configurations"
	file := bytes.NewBufferString("Ext Key,Number,User,Addon license 1\n")
	for n := range fileRows {
		id := fmt.Sprintf("user%d", n)
		if _, err := w.call(
			ctx,
			"DirectoryFunction",
			http.MethodPut,
			accountPath+"/users/"+id,
			object{"name": id},
		); err != nil {
			return err
		}
		fmt.Fprintf(file, "%d,65%08d,%s,device_ip_phone\n", 1000+n, n, id)
	}
	made, err := w.measured(ctx, step{
		"ask for an upload",
		fn,
		http.MethodPost,
		path,
		object{"fileName": "phones.csv", "sizeBytes": file.Len()},
	})
	if err != nil {
		return err
	}
	upload, _ := made["upload"].(object)
	if err := put(ctx, upload, file.Bytes()); err != nil {
		return err
	}
	one := path + "/" + fmt.Sprint(made["id"])
	if err := w.measure("check a file", fileRows, "rows", func() error { return w.deliver(ctx) }); err != nil {
		return err
	}
	if err := w.reached(ctx, fn, one, "ready"); err != nil {
		return err
	}
	if err := w.measure("configure it", fileRows, "rows", func() error {
		if _, err := w.call(ctx, fn, http.MethodPost, one+"/configure", nil); err != nil {
			return err
		}
		return w.deliver(ctx)
	}); err != nil {
		return err
	}
	return w.reached(ctx, fn, one, "completed")
}

// put uploads to a presigned URL.
func put(ctx context.Context, upload object, content []byte) error {
	r, err := http.NewRequestWithContext(
		ctx,
		fmt.Sprint(upload["method"]),
		fmt.Sprint(upload["url"]),
		bytes.NewReader(content),
	)
	if err != nil {
		return err
	}
	headers, _ := upload["headers"].(object)
	for name, value := range headers {
		if !strings.EqualFold(name, "Content-Length") { // net/http sends it automatically
			r.Header.Set(name, fmt.Sprint(value))
		}
	}
	client := &http.Client{Timeout: time.Minute}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("upload: %s", resp.Status)
	}
	return nil
}

// reached demands that a job is in a state.
func (w *walker) reached(ctx context.Context, function, path, state string) error {
	now, err := w.call(ctx, function, http.MethodGet, path, nil)
	if err == nil && now["state"] != state {
		err = fmt.Errorf("%s is %v, not %s: %v", path, now["state"], state, now)
	}
	return err
}

// meterUsage takes in views, folds them and answers the summary.
func (w *walker) meterUsage(ctx context.Context) error {
	const fn = "UsageFunction"
	now := w.env.Clock().UTC()
	take := func(from, to int, last time.Time) error {
		views := make([]object, 0, to-from)
		for n := from; n < to; n++ {
			viewer, dashboard := "alice", "detroit"
			if n%2 == 1 {
				viewer, dashboard = "bob", "belmont"
			}
			views = append(views, object{
				"id":          fmt.Sprintf("view-%d", n),
				"userId":      viewer,
				"dashboardId": dashboard,
				"at":          last.Add(time.Duration(n-to) * time.Millisecond),
			})
		}
		_, err := w.call(ctx, fn, http.MethodPost, accountPath+"/usage/views", object{"events": views})
		return err
	}
	aggregate := func() error {
		return w.functions["UsageAggregationFunction"].Event(ctx, fmt.Appendf(nil, `{"time":%q}`, now.Format(time.RFC3339)))
	}
	if err := w.measure("take in 1,000 views", manyViews, "views", func() error {
		return take(0, manyViews, now.Add(-time.Hour))
	}); err != nil {
		return err
	}
	if err := w.measure("aggregate a day", manyViews, "views", aggregate); err != nil {
		return err
	}
	if err := take(manyViews, hourlyRowViews, now); err != nil {
		return err
	}
	if err := w.measure(busyHour, hourlyRowViews-manyViews, "views more", aggregate); err != nil {
		return err
	}
	_, err := w.measured(ctx, step{"usage of 30 days", fn, http.MethodGet, accountPath + "/usage/summary", nil})
	return err
}

// report asks for the license status report and builds it.
func (w *walker) report(ctx context.Context) error {
	const fn, path = "ReportFunction", accountPath + "/reports"
	made, err := w.measured(ctx, step{"ask for a report", fn, http.MethodPost, path, object{"kind": "license-status"}})
	if err != nil {
		return err
	}
	if err := w.measure("build it", 0, "", func() error { return w.deliver(ctx) }); err != nil {
		return err
	}
	if err := w.reached(ctx, fn, path+"/"+fmt.Sprint(made["id"]), "ready"); err != nil {
		return err
	}
	_, err = w.measured(ctx, step{"read its state and URL", fn, http.MethodGet, path + "/" + fmt.Sprint(made["id"]), nil})
	return err
}

// The rows of the schedules: of a stack without accounts, of an account in which nothing happens,
// and of one in which somebody waits for a seat that nobody frees.
const (
	idleMinute, idleHour = "a minute of an idle stack", "an hour of an idle stack"
	quietHour            = "an hour of a quiet account"
	busyHour             = "aggregate an hour"
	waitingMinute        = "a minute of a waiting list"
	// smallPage is read before the order that spreads the account over more partitions.
	smallPage = "list 50 of 72 licenses"
)

// idle runs the schedules before there is an account.
func (w *walker) idle(ctx context.Context) error {
	if err := w.scheduled(ctx, idleMinute, "rate(1 minute)"); err != nil {
		return err
	}
	return w.scheduled(ctx, idleHour, "rate(1 hour)")
}

// watch runs the schedules of an account in which nothing happens, and of one in which people wait.
func (w *walker) watch(ctx context.Context) error {
	if err := w.scheduled(ctx, quietHour, "rate(1 hour)"); err != nil {
		return err
	}
	const fn, many = "DirectoryFunction", 20
	waiting := make([]string, many)
	for i := range waiting {
		waiting[i] = fmt.Sprintf("user%d", i)
	}
	for _, put := range []step{
		{path: "/call-queues/waiting", body: object{"name": "waiting", "members": waiting}},
		{path: "/dashboards/waiting", body: object{"name": "waiting", "queueIds": []string{"waiting"}}},
	} {
		if _, err := w.call(ctx, fn, http.MethodPut, accountPath+put.path, put.body); err != nil {
			return err
		}
	}
	if err := w.run(ctx, "rate(1 minute)"); err != nil { // the first look raises an alert
		return err
	}
	return w.scheduled(ctx, waitingMinute, "rate(1 minute)")
}

// scheduled measures one run of all that the template has of a schedule.
func (w *walker) scheduled(ctx context.Context, name, expression string) error {
	return w.measure(name, 0, "", func() error { return w.run(ctx, expression) })
}

// run runs all that the template has of a schedule once.
func (w *walker) run(ctx context.Context, expression string) error {
	declared, err := template.OfRepository()
	if err != nil {
		return err
	}
	for _, s := range declared.Schedules {
		if s.Expression != expression {
			continue
		}
		at := w.env.Clock().UTC().Format(time.RFC3339)
		if err := w.functions[s.Function].Event(ctx, fmt.Appendf(nil, `{"time":%q}`, at)); err != nil {
			return fmt.Errorf("%s: %w", s.Function, err)
		}
	}
	return nil
}

// first is the first object of a list in an answer.
func first(answer object, name string) (object, error) {
	if list, ok := answer[name].([]any); ok && len(list) > 0 {
		if one, ok := list[0].(object); ok {
			return one, nil
		}
	}
	return nil, fmt.Errorf("no %s: %v", name, answer)
}
