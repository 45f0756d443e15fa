package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"text/tabwriter"

	"seatwise/infra/registry"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/wire"
)

const (
	// fewLicenses and manyLicenses are how many an account has whose costs are compared (issue 3).
	fewLicenses, manyLicenses = 500, 50_000
	// placed is how many users are written in one commit: a holder, the words that find them, a
	// license, its free copy and an audit entry each, about 7 operations.
	placed = 12
)

var errGrows = errors.New("an operation costs more with many licenses than with few, or more calls than it may")

// scaleProducts share the licenses of the account evenly, and are bought on the two cost centers by
// turns.
var scaleProducts = []string{
	catalog.LiveReportsID,
	catalog.CallQueueBoosterID,
	catalog.PhoneSystemID,
	"auto-attendant",
	"call-group",
}

// allowed is how many round trips of reads, and how many commits, an operation may take at most.
// Reads that are made side by side are one round trip.
type allowed struct{ reads, commits int }

// scaled is what one operation costs in an account with few licenses and in one with many.
type scaled struct {
	name      string
	most      allowed
	few, many trip
}

// trip is what one operation took in one account.
type trip struct {
	fixtures.Trips
	written float64 // units
}

// demands is how many units more a commit may take that demands of orders of which the process
// knows nothing yet that they are confirmed; that depends on the licenses by chance.
const demands = 4

// ok says that neither takes more than allowed, and that as much is written.
func (s scaled) ok() bool {
	within := func(t trip) bool { return t.Reads <= s.most.reads && t.Commits <= s.most.commits }
	return within(s.few) && within(s.many) && s.few.Commits == s.many.Commits &&
		math.Abs(s.few.written-s.many.written) <= demands
}

// callsAndScale prints what the operations of the path cost, and that they cost the same however
// many licenses there are.
func callsAndScale(ctx context.Context, out io.Writer, endpoint string) error {
	if err := calls(ctx, out, endpoint); err != nil {
		return err
	}
	return scale(ctx, out, fewLicenses, manyLicenses)
}

// scale measures the same operations in an account of 500 licenses and in one of 50,000, over the
// embedded store, and prints both; it fails when they differ.
func scale(ctx context.Context, out io.Writer, few, many int) error {
	folder, err := os.MkdirTemp("", "seatwise-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	var rows []scaled
	for _, n := range []int{few, many} {
		measured, err := scaleOverBolt(ctx, filepath.Join(folder, fmt.Sprintf("%d.bolt", n)), n)
		if err != nil {
			return fmt.Errorf("%d licenses: %w", n, err)
		}
		if rows == nil {
			rows = measured
			continue
		}
		for i := range rows {
			rows[i].many = measured[i].few
		}
	}
	return printScale(out, rows, few, many)
}

func printScale(out io.Writer, rows []scaled, few, many int) error {
	fmt.Fprintf(
		out,
		`Round trips of reads (those that are made side by side are one), commits and units written, in an
account of %d licenses and in one of %d, a tenth of them assigned. A process has served the account
before, and knows that it is there and which orders are confirmed. The last rows are each of a
process that has just started.

`,
		few,
		many,
	)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(
		w,
		"operation\treads: %d\t%d\tat most\tcommits: %d\t%d\tat most\tunits written: %d\t%d\t\t\n",
		few,
		many,
		few,
		many,
		few,
		many,
	)
	failed := false
	for _, r := range rows {
		verdict := "PASS"
		if !r.ok() {
			verdict, failed = "FAIL", true
		}
		a, b := r.few, r.many
		fmt.Fprintf(
			w,
			"%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.0f\t%.0f\t%s\t\n",
			r.name,
			a.Reads,
			b.Reads,
			r.most.reads,
			a.Commits,
			b.Commits,
			r.most.commits,
			a.written,
			b.written,
			verdict,
		)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if failed {
		return errGrows
	}
	return nil
}

// scaleOverBolt furnishes an account of n licenses and measures the operations in it; what it
// measures is in the rows' few.
func scaleOverBolt(ctx context.Context, path string, n int) (rows []scaled, err error) {
	store, err := bolt.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var m meter
	w := &walker{functions: map[string]app.Function{}, meter: &m, env: &app.Env{
		Table: table.Counted(store, m.heard), Clock: wire.Clock, IDs: wire.IDs{}, Log: slog.New(slog.DiscardHandler),
		CursorKeys: keyring.Fixed([]byte("the cursor key of the bench")), Version: "bench",
	}}
	w.functions = registry.Make(w.env)
	if err := w.furnish(ctx); err != nil {
		return nil, err
	}
	order, err := w.stock(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := w.people(ctx, n/10); err != nil {
		return nil, err
	}
	return w.scaleSteps(ctx, order)
}

// stock buys n licenses with one order for each product, and answers the last order's id.
func (w *walker) stock(ctx context.Context, n int) (order string, err error) {
	for i, product := range scaleProducts {
		quote, err := w.call(ctx, "PurchaseFunction", http.MethodPost, accountPath+"/quotes", object{"lines": []object{
			{"productId": product, "quantity": n / len(scaleProducts), "costCenter": fmt.Sprintf("CC-%d", 1+i%2)},
		}})
		if err != nil {
			return "", err
		}
		made, err := w.call(
			ctx,
			"PurchaseFunction",
			http.MethodPost,
			accountPath+"/orders",
			object{"quoteId": quote["id"], "acknowledged": true},
		)
		if err != nil {
			return "", err
		}
		order = fmt.Sprint(made["id"])
	}
	return order, nil
}

// people makes users, each with a license: Zoe with an extension among them, Yan and Xan without
// anything.
func (w *walker) people(ctx context.Context, n int) error {
	kernel := license.NewService(catalog.Default())
	for from := 0; from < n; from += placed {
		c := &call.Call{
			Env:       w.env,
			Account:   "acme",
			Actor:     "admin",
			RequestID: "bench",
			Reason:    "request",
			At:        w.env.Clock(),
		}
		if err := call.Decide(ctx, func(ctx context.Context) error {
			ch := kernel.Change(c)
			if _, err := ch.Load(ctx, license.Need{}); err != nil {
				return err
			}
			for i := from; i < min(n, from+placed); i++ {
				if err := person(
					ctx,
					ch,
					fmt.Sprintf("agent%d", i),
					fmt.Sprintf("Agent Number%d", i),
					scaleProducts[0],
				); err != nil {
					return err
				}
			}
			return ch.Commit(ctx, call.Answer{})
		}); err != nil {
			return fmt.Errorf("make users: %w", err)
		}
	}
	c := &call.Call{
		Env:       w.env,
		Account:   "acme",
		Actor:     "admin",
		RequestID: "bench",
		Reason:    "request",
		At:        w.env.Clock(),
	}
	return call.Decide(ctx, func(ctx context.Context) error {
		ch := kernel.Change(c)
		if _, err := ch.Load(ctx, license.Need{}); err != nil {
			return err
		}
		if err := errors.Join(
			person(ctx, ch, "yan", "Yan", ""),
			person(ctx, ch, "xan", "Xan", ""),
			person(ctx, ch, "zoe", "Zoe Zed", catalog.PhoneSystemID),
		); err != nil {
			return err
		}
		if err := ch.Extend(ctx, "zoe", "901", ""); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Answer{})
	})
}

// person makes a user, with a license of the product if one is given.
func person(ctx context.Context, ch *license.UnitOfWork, id, name, product string) error {
	if err := ch.Put(ctx, license.Person{UserID: id, Name: name, Active: true}); err != nil {
		return err
	}
	if product == "" {
		return nil
	}
	return ch.Grant(ctx, id, product, license.Direct)
}

// scaleStep is one operation that is compared.
type scaleStep struct {
	name, function, method, path string
	body                         any
	most                         allowed
}

// step carries out an operation and notes its cost.
func (w *walker) step(ctx context.Context, s scaleStep) (scaled, error) {
	counted := w.env.Table
	rounds := &fixtures.Rounds{Store: counted}
	w.env.Table = rounds
	w.meter.take()
	_, err := w.call(ctx, s.function, s.method, s.path, s.body)
	w.env.Table = counted
	if err != nil {
		return scaled{}, fmt.Errorf("%s: %w", s.name, err)
	}
	return scaled{name: s.name, most: s.most, few: trip{rounds.Take(), w.meter.take().writes}}, nil
}

const (
	scaleReads, scaleAssigns = "LicensesFunction", "AssignmentFunction"
	scaleLicenses            = accountPath + "/licenses"
	scaleMany                = accountPath + "/assignments"
)

// freeLicense is the path of a free license of the product.
func (w *walker) freeLicense(ctx context.Context, product string) (path, id string, err error) {
	page, err := w.call(
		ctx,
		scaleReads,
		http.MethodGet,
		scaleLicenses+"?limit=1&status=available&product="+product,
		nil,
	)
	if err != nil {
		return "", "", err
	}
	free, err := first(page, "items")
	return fmt.Sprintf("%s/%v", scaleLicenses, free["id"]), fmt.Sprint(free["id"]), err
}

// scaleSteps carries out the operations that are compared.
func (w *walker) scaleSteps(ctx context.Context, order string) ([]scaled, error) {
	var pageOf object
	var err error
	for _, product := range scaleProducts { // each has an order of its own
		if pageOf, err = w.call(ctx, scaleReads, http.MethodGet, scaleLicenses+"?product="+product, nil); err != nil {
			return nil, err
		}
		path, _, err := w.freeLicense(ctx, product)
		if err != nil {
			return nil, err
		}
		for _, verb := range []string{"/assign", "/unassign"} {
			if _, err := w.call(
				ctx,
				scaleAssigns,
				http.MethodPost,
				path+verb,
				map[string]any{"/assign": object{"userId": "yan"}}[verb],
			); err != nil {
				return nil, err
			}
		}
	}
	license, id, err := w.freeLicense(ctx, "call-group")
	if err != nil {
		return nil, err
	}
	var rows []scaled
	for _, s := range append(pageSteps(order, id, fmt.Sprint(pageOf["nextCursor"])), assignSteps(license)...) {
		row, err := w.step(ctx, s)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return w.newProcessSteps(ctx, rows)
}

func pageSteps(order, id, cursor string) []scaleStep {
	// A page is read of all shards at once, and on in those of which it has more than their share.
	// Ids are random: what a shard has of a page differs, and a page may read twice its items and no
	// more. With 16 shards it took 3 to 8 rounds for that.
	const page = 8
	var steps []scaleStep
	for _, s := range []struct {
		name, query string
		reads       int
	}{
		{"a page of 50", "", page},
		{"a page of one product", "?product=call-group", page},
		{"the next page of it", "?product=call-group&cursor=" + url.QueryEscape(cursor), page},
		{"of a base and its add-ons", "?base=phone-system", page},
		{"of one cost center", "?costCenter=CC-2", page},
		{"of a base in a cost center", "?costCenter=CC-1&base=phone-system", page},
		{"of two cost centers and one product", "?costCenter=CC-1&costCenter=CC-2&product=call-group", page},
		{"of what is free", "?status=available", page},
		{"of what is assigned of one product", "?status=assigned&product=live-reports", page},
		{"of product, status and cost center", "?status=available&product=call-group&costCenter=CC-1", page},
		{"of an order", "?order=" + order, 2},
		{"of a user", "?user=zoe", 2},
		{"of an extension", "?extension=901", 3},
		{"found by a name", "?q=zoe", 6},
		{"found by an extension, and assigned", "?q=901&status=assigned", 7},
		{"found by an id", "?q=" + id[:23], 5},
		{"the summary", "/summary", 1},
		{"a license", "/" + id, 1},
	} {
		steps = append(
			steps,
			scaleStep{s.name, scaleReads, http.MethodGet, scaleLicenses + s.query, nil, allowed{reads: s.reads}},
		)
	}
	return append(
		steps,
		// Five of them are of the open period: the metered licenses that there are, the cost centers of who holds
		// them, and what has ended in it.
		// 11, or 12 where of two reads side by side the one that another follows ends last.
		scaleStep{"billing", "BillingFunction", http.MethodGet, accountPath + "/billing", nil, allowed{reads: 12}},
	)
}

func assignSteps(license string) []scaleStep {
	one, two := allowed{reads: 1, commits: 1}, allowed{reads: 2, commits: 1}
	return []scaleStep{
		{"assign a given license", scaleAssigns, http.MethodPost, license + "/assign", object{"userId": "yan"}, one},
		{"reassign it", scaleAssigns, http.MethodPost, license + "/reassign", object{"userId": "xan"}, two},
		{"unassign it", scaleAssigns, http.MethodPost, license + "/unassign", nil, two},
		{"assign any, the first of its product", scaleAssigns, http.MethodPost, scaleMany, anyFor("yan"), one},
		{"assign any", scaleAssigns, http.MethodPost, scaleMany, anyFor("xan"), one},
		{"take it back", scaleAssigns, http.MethodPost, scaleMany + "/remove", anyFor("xan"), two},
		{"change a cost center", scaleReads, http.MethodPatch, license, object{"costCenter": "CC-2"}, one},
		{"terminate a license", scaleReads, http.MethodPost, license + "/terminate", nil, one},
	}
}

// anyFor asks for any free license of a product.
func anyFor(user string) object {
	return object{"items": []object{{"productId": "auto-attendant", "userId": user}}}
}

// newProcessSteps adds what the first assignment of a new process costs.
func (w *walker) newProcessSteps(ctx context.Context, rows []scaled) ([]scaled, error) {
	license, _, err := w.freeLicense(ctx, "call-group")
	if err != nil {
		return nil, err
	}
	one := allowed{reads: 1, commits: 1}
	assign, toXan := license+"/assign", object{"userId": "xan"}
	two := object{"atomic": true, "items": []object{
		{"productId": catalog.PhoneSystemID, "userId": "yan", "extension": "902"},
		{"productId": catalog.CallQueueBoosterID, "userId": "yan"},
	}}
	// Each license of a person shows their extension, so those that they hold are read too.
	more := allowed{reads: 2, commits: 1}
	for _, s := range []scaleStep{
		{"assign a given license, new process", scaleAssigns, http.MethodPost, assign, toXan, one},
		{"assign any, new process", scaleAssigns, http.MethodPost, scaleMany, anyFor("xan"), one},
		{"assign any, the next new process", scaleAssigns, http.MethodPost, scaleMany, anyFor("agent1"), one},
		{"assign two at once, one with an extension, new process", scaleAssigns, http.MethodPost, scaleMany, two, more},
	} {
		w.functions[scaleAssigns] = registry.One(w.env, scaleAssigns)
		row, err := w.step(ctx, s)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
