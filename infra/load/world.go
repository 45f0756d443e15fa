package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	product = "live-reports"
	account = "/v1/accounts/acme"
	// bulkItems is how many items a bulk call has.
	bulkItems = 20
)

type object = map[string]any

// person is a user, with the license that they hold.
type person struct{ user, license string }

// world is the account that is driven.
type world struct {
	product, floor client
	figures        map[turnOf]*figure
	order          []string

	mu            sync.Mutex
	idle, holding []person
}

// client calls one server.
type client struct {
	url, token string
	http       *http.Client
	busy       *atomic.Int64 // how many requests were told too-busy
}

// mostRepeats is how often a request is repeated that was told too-busy, and between a pause.
const (
	mostRepeats = 10
	pause       = 100 * time.Millisecond
)

var errBusy = errors.New("too busy")

// do repeats what was told too-busy, as a client does; what that takes is in the call's time. None
// of the calls does more when it comes twice.
func (c client) do(ctx context.Context, method, path string, body, into any) error {
	for n := 0; ; n++ {
		err := c.once(ctx, method, path, body, into)
		if n == mostRepeats || !errors.Is(err, errBusy) {
			return err
		}
		c.busy.Add(1)
		time.Sleep(pause)
	}
}

func (c client) once(ctx context.Context, method, path string, body, into any) error {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, payload)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it is read to its end
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("%s %s: %w: %s", method, path, errBusy, data)
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, data)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}

// login makes a client with a token for the account.
func login(ctx context.Context, s *server, account string, permissions ...string) (client, error) {
	c := client{
		url:  s.url,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: time.Minute},
		busy: &atomic.Int64{},
	}
	var issued struct{ AccessToken string }
	err := c.do(ctx, http.MethodPost, "/local/token",
		object{"account": account, "user": "admin", "permissions": permissions}, &issued)
	c.token = issued.AccessToken
	return c, err
}

// furnish makes the account, its users and its seats.
func furnish(ctx context.Context, product, floor *server, people int) (*world, error) {
	w := &world{figures: map[turnOf]*figure{}}
	operator, err := login(ctx, product, "operators", "accounts.manage")
	if err != nil {
		return nil, err
	}
	if err := operator.do(ctx, http.MethodPut, account, object{
		"name": "Acme", "brand": "Acme", "currency": "USD", "timezone": "UTC", "billingDay": 1, "bundle": "standard",
	}, nil); err != nil {
		return nil, err
	}
	w.product, err = login(ctx, product, "acme", "billing.read", "billing.purchase", "licenses.read",
		"licenses.manage", "directory.read", "directory.manage")
	if err != nil {
		return nil, err
	}
	if w.floor, err = login(ctx, floor, "acme"); err != nil {
		return nil, err
	}
	if err := w.buy(ctx, people+seatsSpare); err != nil {
		return nil, err
	}
	var users errgroup.Group
	users.SetLimit(16)
	for n := range people {
		user := fmt.Sprintf("user-%05d", n)
		w.idle = append(w.idle, person{user: user})
		users.Go(func() error {
			return w.product.do(ctx, http.MethodPut, account+"/users/"+user,
				object{"name": fmt.Sprintf("Agent Number%d", n)}, nil)
		})
	}
	return w, users.Wait()
}

func (w *world) buy(ctx context.Context, n int) error {
	if err := w.product.do(ctx, http.MethodPut, account+"/cost-centers/CC-1", object{"name": "One"}, nil); err != nil {
		return err
	}
	var made struct{ ID string }
	lines := []object{{"productId": product, "quantity": n, "costCenter": "CC-1"}}
	if err := w.product.do(ctx, http.MethodPost, account+"/quotes", object{"lines": lines}, &made); err != nil {
		return err
	}
	return w.product.do(ctx, http.MethodPost, account+"/orders", object{"quoteId": made.ID, "acknowledged": true}, nil)
}

// pop takes people out of a list, n at once; none when there are fewer.
func (w *world) pop(list *[]person, n int) []person {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(*list) < n {
		return nil
	}
	taken := slices.Clone((*list)[:n])
	*list = (*list)[n:]
	return taken
}

func (w *world) push(list *[]person, p ...person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, p...)
}

var errNobody = errors.New("nobody is left for the turn")

// round takes a turn of each operation.
func (w *world) round(ctx context.Context, n int, turn time.Duration) error {
	for _, o := range []struct {
		name    string
		effects int // of a call
		call    func(ctx context.Context) error
	}{
		{"floor", 0, w.callFloor},
		{"assign", 1, w.assign},
		{"reassign", 1, w.reassign},
		{"list", 0, w.get("/licenses?limit=50")},
		{"search", 0, w.get("/licenses?q=agent%20number7")},
		{"summary", 0, w.get("/licenses/summary")},
		{"remove", 1, w.remove},
		{"bulk", bulkItems, w.bulk},
	} {
		if err := w.turn(ctx, turnOf{o.name, n}, turn, o.effects, o.call); err != nil {
			return fmt.Errorf("%s with %d callers: %w", o.name, n, err)
		}
	}
	return w.clear(ctx)
}

// commits is what the runner has counted.
func (w *world) commits(ctx context.Context) (tried, lost float64, err error) {
	var counted struct{ Tried, Lost float64 }
	err = w.product.do(ctx, http.MethodGet, "/local/commits", nil, &counted)
	return counted.Tried, counted.Lost, err
}

// turn lets a number of callers call for a while.
func (w *world) turn(
	ctx context.Context,
	key turnOf,
	turn time.Duration,
	effects int,
	call func(context.Context) error,
) error {
	triedBefore, lostBefore, err := w.commits(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	took := make([][]time.Duration, key.callers)
	var all errgroup.Group
	for caller := range key.callers {
		all.Go(func() error {
			for time.Since(began) < turn {
				at := time.Now()
				switch err := call(ctx); {
				case errors.Is(err, errNobody):
					return nil
				case err != nil:
					return err
				}
				took[caller] = append(took[caller], time.Since(at))
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	elapsed := time.Since(began)
	tried, lost, err := w.commits(ctx)
	if err != nil {
		return err
	}
	f := w.figures[key]
	if f == nil {
		f = &figure{}
		w.figures[key] = f
	}
	if !slices.Contains(w.order, key.operation) {
		w.order = append(w.order, key.operation)
	}
	times := slices.Sorted(slices.Values(slices.Concat(took...)))
	if len(times) == 0 {
		return errNobody
	}
	f.perSecond = append(f.perSecond, float64(len(times))/elapsed.Seconds())
	f.half = append(f.half, times[len(times)/2].Seconds()*1000)
	f.most = append(f.most, times[len(times)*99/100].Seconds()*1000)
	if effects > 0 {
		f.tried = append(f.tried, (tried-triedBefore)/float64(len(times)*effects))
		f.lost = append(f.lost, (lost-lostBefore)/float64(len(times)*effects))
	}
	return nil
}

func (w *world) get(path string) func(context.Context) error {
	return func(ctx context.Context) error { return w.product.do(ctx, http.MethodGet, account+path, nil, nil) }
}

func itemsOf(people ...person) []object {
	items := make([]object, len(people))
	for i, p := range people {
		items[i] = object{"productId": product, "userId": p.user}
	}
	return items
}

type results struct {
	Failed  int
	Results []struct{ License struct{ ID string } }
}

func (w *world) callFloor(ctx context.Context) error {
	return w.floor.do(ctx, http.MethodPost, account+"/assignments",
		object{"items": itemsOf(person{user: "user-00001"})}, &results{})
}

func (w *world) assign(ctx context.Context) error {
	p := w.pop(&w.idle, 1)
	if p == nil {
		return errNobody
	}
	var r results
	err := w.product.do(ctx, http.MethodPost, account+"/assignments", object{"items": itemsOf(p[0])}, &r)
	if err != nil {
		return err
	}
	if r.Failed > 0 || len(r.Results) != 1 {
		return fmt.Errorf("not assigned: %+v", r)
	}
	w.push(&w.holding, person{p[0].user, r.Results[0].License.ID})
	return nil
}

func (w *world) remove(ctx context.Context) error {
	p := w.pop(&w.holding, 1)
	if p == nil {
		return errNobody
	}
	err := w.product.do(ctx, http.MethodPost, account+"/assignments/remove", object{"items": itemsOf(p[0])}, nil)
	if err != nil {
		return err
	}
	w.push(&w.idle, person{user: p[0].user})
	return nil
}

func (w *world) reassign(ctx context.Context) error {
	from, to := w.pop(&w.holding, 1), w.pop(&w.idle, 1)
	if from == nil || to == nil {
		w.push(&w.holding, from...)
		w.push(&w.idle, to...)
		return errNobody
	}
	err := w.product.do(ctx, http.MethodPost, account+"/licenses/"+from[0].license+"/reassign",
		object{"userId": to[0].user}, nil)
	if err != nil {
		return err
	}
	w.push(&w.holding, person{to[0].user, from[0].license})
	w.push(&w.idle, person{user: from[0].user})
	return nil
}

func (w *world) bulk(ctx context.Context) error {
	p := w.pop(&w.idle, bulkItems)
	if p == nil {
		return errNobody
	}
	var r results
	err := w.product.do(ctx, http.MethodPost, account+"/assignments", object{"items": itemsOf(p...)}, &r)
	if err != nil {
		return err
	}
	if r.Failed > 0 {
		return fmt.Errorf("%d not assigned", r.Failed)
	}
	for i := range p {
		p[i].license = r.Results[i].License.ID
	}
	w.push(&w.holding, p...)
	return nil
}

// clear takes back what the turns have left assigned.
func (w *world) clear(ctx context.Context) error {
	for len(w.holding) > 0 {
		p := w.pop(&w.holding, min(len(w.holding), 500))
		err := w.product.do(ctx, http.MethodPost, account+"/assignments/remove", object{"items": itemsOf(p...)}, nil)
		if err != nil {
			return err
		}
		for _, back := range p {
			w.push(&w.idle, person{user: back.user})
		}
	}
	return nil
}
