package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/infra/local/template"
	"seatwise/infra/registry"
	"seatwise/infra/testing/inmemory"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/platform/wire"
	handed "seatwise/shared/platform/work"
	"seatwise/shared/usage"
)

const (
	// The people of an account with work are members of a call queue that a dashboard shows. They all view
	// it, and some wait, since there are fewer seats.
	fleetPeople, fleetSeats = 20, 15
	// messagesAtOnce is how many messages of the queue are worked on side by side: as
	// template.yaml has it.
	messagesAtOnce = 20
)

// fleetStart is a moment in the middle of a billing period: no report and no period is due.
var fleetStart = time.Date(2026, time.September, 16, 9, 30, 0, 0, time.UTC)

// fleet is a deployment of many accounts over the embedded store: some with work, others without.
type fleet struct {
	env       *app.Env
	now       time.Time
	meter     *meter
	commits   *byAccount
	queue     *heldWork
	functions map[string]app.Function
	working   []string
	quiet     []string
}

// hour is what an hour's schedules took.
type hour struct {
	cost     cost
	messages int
	// time is all of it, and slowest the longest that one schedule took to find what is due.
	time, slowest time.Duration
	// anonymous is the most memory of the process that is no file's, in bytes, sampled.
	anonymous uint64
	// commits are those of each account, and working and quiet its accounts.
	commits        map[string]int
	working, quiet []string
}

// heldWork is a queue that keeps what is handed on until it is asked for.
type heldWork struct {
	mu       sync.Mutex
	messages []handed.Message
}

func (q *heldWork) Send(_ context.Context, messages ...handed.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, messages...)
	return nil
}

func (q *heldWork) SetAside(_ context.Context, m handed.Message) error {
	return fmt.Errorf("%s of account %s was set aside: %s", m.Kind, m.Account, m.Error)
}

func (q *heldWork) take() []handed.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.messages
	q.messages = nil
	return all
}

// byAccount counts the commits of each account.
type byAccount struct {
	table.Store
	mu    sync.Mutex
	count map[string]int
}

func (s *byAccount) Commit(ctx context.Context, ops []table.Operation) error {
	s.mu.Lock()
	touched := map[string]bool{}
	for _, op := range ops {
		if rest, ok := strings.CutPrefix(op.Item.Key.Partition, "A#"); ok {
			id, _, _ := strings.Cut(rest, "#")
			touched[id] = true
		}
	}
	for id := range touched {
		s.count[id]++
	}
	s.mu.Unlock()
	return s.Store.Commit(ctx, ops) //nolint:wrapcheck // the store's own
}

func (s *byAccount) take() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.count
	s.count = map[string]int{}
	return all
}

// fleetHour furnishes a fleet and lets one hour of schedules go by in it.
func fleetHour(ctx context.Context, working, quiet int) (h hour, err error) {
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-bench-")
	if err != nil {
		return h, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	store, err := bolt.Open(filepath.Join(folder, "table.bolt"))
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	f := &fleet{meter: &meter{}, now: fleetStart, queue: &heldWork{}}
	f.commits = &byAccount{Store: store, count: map[string]int{}}
	f.env = &app.Env{
		Table: table.Counted(f.commits, f.meter.heard), Clock: func() time.Time { return f.now }, IDs: wire.IDs{},
		Log: slog.New(slog.DiscardHandler), CursorKeys: keyring.Fixed([]byte("the cursor key of the bench")),
		Version: "bench", Work: f.queue,
	}
	f.functions = registry.Make(f.env)
	if err := f.furnish(ctx, working, quiet); err != nil {
		return h, fmt.Errorf("furnish: %w", err)
	}
	h, err = f.hour(ctx)
	if err != nil {
		return h, err
	}
	return h, f.check(ctx)
}

// furnish makes the accounts, a few at the same time.
func (f *fleet) furnish(ctx context.Context, working, quiet int) error {
	var group errgroup.Group
	group.SetLimit(messagesAtOnce)
	for i := range working + quiet {
		id := "account-" + strconv.Itoa(i)
		if i < working {
			f.working = append(f.working, id)
		} else {
			f.quiet = append(f.quiet, id)
		}
		group.Go(func() error { return f.open(ctx, id, i < working) })
	}
	return group.Wait()
}

// open makes an account; one with work has people who wait, views that are not folded, and a change of
// a dashboard that was cut off before its grants were given.
func (f *fleet) open(ctx context.Context, id string, busy bool) error {
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(f.env, kernel)
	c := func() *call.Call { return call.ForEvent(f.env, id, "bench", "bench", f.now) }
	_, err := account.NewService(f.env, kernel).Put(ctx, c(), account.Settings{
		Name: id, Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
	})
	if err != nil || !busy {
		return err
	}
	lots := []license.Lot{{ProductID: catalog.LiveReportsID, CostCenter: "CC-1", Quantity: fleetSeats}}
	if err := kernel.Deliver(ctx, c(), license.Delivery{OrderID: f.env.IDs.Ordered(), Lots: lots}); err != nil {
		return err
	}
	var members []string
	for i := range fleetPeople {
		u := directory.User{
			ID: userID(i), Name: "Person " + strconv.Itoa(i), Active: true, RoleIDs: []string{directory.SuperAdmin},
		}
		if _, err := people.PutUser(ctx, c(), u); err != nil {
			return err
		}
		members = append(members, u.ID)
	}
	if _, err := people.PutQueue(ctx, c(), "queue", "Queue", members); err != nil {
		return err
	}
	cut := *f.env
	cut.Table = faulty.New(f.env.Table, faulty.AtCommit(2, faulty.CrashBefore))
	board := directory.Dashboard{ID: "board", Name: "Board", QueueIDs: []string{"queue"}}
	late := call.ForEvent(&cut, id, "bench", "bench", f.now)
	if _, err := directory.NewService(&cut, kernel).PutDashboard(ctx, late, board); err == nil {
		return errors.New("the change of a dashboard was not cut off")
	}
	var views []usage.Event
	for i, user := range members {
		views = append(views, usage.Event{
			ID: strconv.Itoa(i), UserID: user, DashboardID: "board", At: f.now.Add(-time.Minute),
		})
	}
	_, err = usage.NewService(f.env, kernel, people).Take(ctx, c(), views)
	return err
}

// hour fires all schedules of an hour, and carries out what they hand on.
func (f *fleet) hour(ctx context.Context) (h hour, err error) {
	declared, err := template.OfRepository()
	if err != nil {
		return h, err
	}
	f.meter.take()
	f.commits.take()
	peak := watch(anonymous)
	began := time.Now()
	for minute := 1; minute <= 60; minute++ {
		f.now = fleetStart.Add(time.Duration(minute) * time.Minute)
		for _, s := range declared.Schedules {
			if s.Expression != "rate(1 minute)" && (s.Expression != "rate(1 hour)" || minute%60 != 0) {
				continue
			}
			at := time.Now()
			event := fmt.Appendf(nil, `{"id":"1","source":"aws.events","account":"123456789012","time":%q}`,
				f.now.Format(time.RFC3339))
			if err := f.functions[s.Function].Event(ctx, event); err != nil {
				return h, fmt.Errorf("minute %d of %s: %w", minute, s.Function, err)
			}
			h.slowest = max(h.slowest, time.Since(at))
		}
		messages := f.queue.take()
		h.messages += len(messages)
		if err := f.deliver(ctx, messages); err != nil {
			return h, fmt.Errorf("minute %d: %w", minute, err)
		}
	}
	h.time, h.cost, h.anonymous, h.commits = time.Since(began), f.meter.take(), peak(), f.commits.take()
	h.working, h.quiet = f.working, f.quiet
	return h, nil
}

func (f *fleet) deliver(ctx context.Context, messages []handed.Message) error {
	var group errgroup.Group
	group.SetLimit(messagesAtOnce)
	for _, m := range messages {
		group.Go(func() error { return f.functions["MaintenanceFunction"].Message(ctx, m) })
	}
	return group.Wait()
}

// check looks that the work of each account was done: everybody is monitored, as many as there are
// seats have one, and the views are in a rollup.
func (f *fleet) check(ctx context.Context) error {
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(f.env, kernel)
	for _, id := range f.working {
		c := call.ForEvent(f.env, id, "bench", "bench", f.now)
		ids := make([]string, fleetPeople)
		for i := range ids {
			ids[i] = userID(i)
		}
		found, err := people.Users(ctx, c, ids)
		if err != nil {
			return err
		}
		seated := 0
		for _, u := range found {
			seated += len(u.Holdings)
		}
		recent, _, err := usage.NewService(f.env, kernel, people).Recent(ctx, c)
		if err != nil {
			return err
		}
		if seated != fleetSeats || recent.ActiveUsers != fleetPeople {
			return fmt.Errorf("account %s: %d people have a seat, want %d; %d are active, want %d",
				id, seated, fleetSeats, recent.ActiveUsers, fleetPeople)
		}
	}
	return nil
}

// uneven is an account whose commits are not as many as wanted, or "".
func (h hour) uneven(ids []string, wanted int) string {
	for _, id := range ids {
		if h.commits[id] != wanted {
			return id
		}
	}
	return ""
}

// anonymous is the memory of this process that is no file's, in bytes; 0 where the system does not say.
func anonymous() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kilobytes, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}
