package maintenance_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/maintenance"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/platform/work"
	"seatwise/shared/request"
)

// handed keeps what is handed on.
type handed struct{ messages []work.Message }

func (h *handed) Send(_ context.Context, messages ...work.Message) error {
	h.messages = append(h.messages, messages...)
	return nil
}

func (h *handed) SetAside(context.Context, work.Message) error { return nil }

func (h *handed) take() []work.Message {
	all := h.messages
	h.messages = nil
	return all
}

// office is a deployment with several accounts, in each of which a change of a dashboard can be cut off.
type office struct {
	*fixtures.Fixture
	t      *testing.T
	kernel *license.Service
	people *directory.Service
	queue  *handed
	sound  table.Store
}

func newOffice(t *testing.T, accounts ...string) *office {
	t.Helper()
	o := &office{Fixture: fixtures.New(t), t: t, kernel: license.NewService(catalog.Default()), queue: &handed{}}
	o.Env.Files, o.Env.Work, o.sound = diskfiles.Start(t).Store, o.queue, o.Env.Table
	o.people = directory.NewService(o.Env, o.kernel)
	for _, id := range accounts {
		o.Account = id
		_, err := account.NewService(o.Env, o.kernel).Put(t.Context(), o.Call("op"), account.Settings{
			Name: id, Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
		})
		o.must(err)
		o.must(o.kernel.Deliver(t.Context(), o.Call("op"), license.Delivery{
			OrderID: o.Env.IDs.Ordered(),
			Lots:    []license.Lot{{ProductID: catalog.LiveReportsID, CostCenter: "CC-1", Quantity: 9}},
		}))
		_, err = o.people.PutUser(t.Context(), o.Call("op"), directory.User{ID: "ann", Name: "Ann", Active: true})
		o.must(err)
		_, err = o.people.PutQueue(t.Context(), o.Call("op"), "q", "Q", []string{"ann"})
		o.must(err)
	}
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// cutOff changes a dashboard of an account and dies before its grants are given.
func (o *office) cutOff(id string) {
	o.t.Helper()
	o.Account = id
	o.Env.Table = faulty.New(o.sound, faulty.AtCommit(2, faulty.CrashBefore))
	_, err := o.people.PutDashboard(o.t.Context(), o.Call("op"),
		directory.Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q"}})
	if err == nil {
		o.t.Fatal("a crash went unnoticed")
	}
	o.Env.Table = o.sound
}

func (o *office) holds(id string) bool {
	o.t.Helper()
	o.Account = id
	found, err := o.people.Users(o.t.Context(), o.Call("op"), []string{"ann"})
	o.must(err)
	return len(found["ann"].Holdings) > 0
}

func (o *office) on(store table.Store) *maintenance.Service {
	env := *o.Env
	env.Table = store
	return maintenance.NewService(&env, license.NewService(catalog.Default()))
}

// fire fires the schedule over a store, and answers the accounts that were handed on.
func (o *office) fire(store table.Store) ([]string, error) {
	o.Clock.Add(time.Minute)
	event := fmt.Appendf(nil, `{"id":"1","source":"aws.events","account":"123456789012","time":%q}`,
		o.Clock.Now().Format(time.RFC3339))
	err := o.on(store).Scheduled(o.t.Context(), event)
	var accounts []string
	for _, m := range o.queue.messages {
		if m.Kind != work.Maintenance || !m.Time.Equal(o.Clock.Now()) || m.Insist {
			o.t.Errorf("handed on: %+v", m)
		}
		accounts = append(accounts, m.Account)
	}
	return accounts, err
}

// The schedule does no work: it hands on one message for each account that has any, and the message
// does that account's alone.
func TestWorkIsHandedOnByAccount(t *testing.T) {
	o := newOffice(t, "acme", "globex", "initech")
	if due, err := o.fire(o.sound); err != nil || len(due) > 0 {
		t.Fatalf("handed on of accounts without work: %q, %v", due, err)
	}
	o.cutOff("acme")
	o.cutOff("globex")
	due, err := o.fire(o.sound)
	if err != nil || !slices.Equal(due, []string{"acme", "globex"}) {
		t.Fatalf("handed on %q, %v", due, err)
	}
	if o.holds("acme") || o.holds("globex") {
		t.Fatal("the schedule did the work itself")
	}
	messages := o.queue.take()
	o.must(o.on(o.sound).Message(t.Context(), messages[1]))
	if o.holds("acme") || !o.holds("globex") {
		t.Fatal("a message does not do the work of its account alone")
	}
	for range 2 { // messages come twice
		o.must(o.on(o.sound).Message(t.Context(), messages[0]))
	}
	if !o.holds("acme") {
		t.Error("the work of a message was not done")
	}
	if due, err := o.fire(o.sound); err != nil || len(due) > 0 {
		t.Errorf("handed on again: %q, %v", due, err)
	}
}

// A kind of marker that cannot be read keeps no account from being found by another one, and the run
// says so.
func TestWhatCannotBeReadHidesNothingElse(t *testing.T) {
	o := newOffice(t, "acme")
	o.cutOff("acme")
	due, err := o.fire(faulty.New(o.sound, func(c faulty.Call) faulty.Fault {
		if c.Query != nil && strings.HasPrefix(c.Query.Partition, "JOBS#") && c.Query.Prefix != "QUEUE#" {
			return faulty.Fail
		}
		return faulty.None
	}))
	if err == nil || !slices.Equal(due, []string{"acme"}) {
		t.Errorf("handed on %q, %v", due, err)
	}
}

// A piece that is poisoned fails no message, and nothing of another account; what else fails has the
// message delivered again.
func TestAPoisonedAccountIsAlone(t *testing.T) {
	o := newOffice(t, "acme", "globex")
	o.cutOff("acme")
	o.cutOff("globex")
	_, err := o.fire(o.sound)
	o.must(err)
	always := func(context.Context) error { return errors.New("as always") }
	poisoned := stuck{o.sound, license.HolderKey("acme", "ann"), always}
	for _, m := range o.queue.take() {
		if err := o.on(poisoned).Message(t.Context(), m); err != nil {
			t.Errorf("account %s: %v", m.Account, err)
		}
	}
	if o.holds("acme") || !o.holds("globex") {
		t.Error("the wrong account was served")
	}
	down := faulty.New(o.sound, func(c faulty.Call) faulty.Fault {
		if c.Query != nil && strings.HasSuffix(c.Query.Partition, "#JOBS") {
			return faulty.Fail
		}
		return faulty.None
	})
	m := work.Message{Kind: work.Maintenance, Account: "acme", Time: o.Clock.Now()}
	if err := o.on(down).Message(t.Context(), m); err == nil {
		t.Error("a message whose markers could not be read is done")
	}
	m.Kind = "else"
	if err := o.on(o.sound).Message(t.Context(), m); !errors.Is(err, work.ErrMessage) {
		t.Errorf("a message of no kind: %v", err)
	}
}

// Two runs are never at the work of one account: the second leaves it to the first, and who insists is
// told. A run that died holds it up for no longer than its lease.
func TestRunsOfOneAccountDoNotOverlap(t *testing.T) {
	o := newOffice(t, "acme")
	o.cutOff("acme")
	key := table.Key{Partition: "A#acme#MAINTENANCE", Sort: "LEASE"}
	other := lease.NewKeeper(o.Env, key, 1, lease.Lease{})
	o.must(other.Write(t.Context(), lease.Life, nil))
	m := work.Message{Kind: work.Maintenance, Account: "acme", Time: o.Clock.Now()}
	o.must(o.on(o.sound).Message(t.Context(), m))
	if o.holds("acme") {
		t.Fatal("two runs are at it")
	}
	m.Insist = true
	if err := o.on(o.sound).Message(t.Context(), m); err == nil {
		t.Error("who insists is not told")
	}
	m.Insist = false
	o.Clock.Add(lease.Life)
	o.must(o.on(o.sound).Message(t.Context(), m))
	if !o.holds("acme") {
		t.Fatal("a dead run holds the work up")
	}
	found, err := o.sound.Lookup(t.Context(), key)
	o.must(err)
	left, err := lease.Of(found, key)
	if err != nil || left.Held(o.Env, o.Clock.Now()) {
		t.Errorf("the lease was not given back: %+v, %v", left, err)
	}
}

// A person's run does the work before it returns, of one account or of all, and tells what failed.
func TestAPersonsRunIsDoneAtOnce(t *testing.T) {
	o := newOffice(t, "acme", "globex")
	o.cutOff("acme")
	o.cutOff("globex")
	at := o.Clock.Now().Format(time.RFC3339)
	o.must(o.on(o.sound).Scheduled(t.Context(), fmt.Appendf(nil, `{"time":%q,"account":"globex"}`, at)))
	if o.holds("acme") || !o.holds("globex") {
		t.Error("not the account that was asked for")
	}
	o.must(o.on(o.sound).Scheduled(t.Context(), fmt.Appendf(nil, `{"time":%q}`, at)))
	if !o.holds("acme") || len(o.queue.messages) > 0 {
		t.Error("not done at once")
	}
}

// queries counts the queries of a partition of the table.
type queries struct {
	table.Store
	partition string
	n         atomic.Int64
}

func (q *queries) Query(ctx context.Context, query table.Query) (table.Page, error) {
	if query.Partition == q.partition {
		q.n.Add(1)
	}
	return q.Store.Query(ctx, query)
}

// fiveMinutes are the accounts that the schedules of five minutes hand on.
func (o *office) fiveMinutes(store table.Store) []string {
	o.t.Helper()
	var due []string
	var messages []work.Message
	for range 5 {
		of, err := o.fire(store)
		o.must(err)
		due, messages = append(due, of...), append(messages, o.queue.take()...)
	}
	o.queue.messages = messages
	return due
}

// A list that stands still costs one reading of the account's counts in five minutes, for the list and for the
// alert that people wait; one that a person asks for is looked at at once.
func TestAStandingListIsCountedOnce(t *testing.T) {
	o := newOffice(t, "acme")
	members := []string{"ann"}
	for i := range 9 {
		id := fmt.Sprintf("u%d", i)
		_, err := o.people.PutUser(t.Context(), o.Call("op"), directory.User{ID: id, Name: id, Active: true})
		o.must(err)
		members = append(members, id)
	}
	_, err := o.people.PutQueue(t.Context(), o.Call("op"), "q", "Q", members)
	o.must(err)
	_, err = o.people.PutDashboard(t.Context(), o.Call("op"),
		directory.Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q"}})
	o.must(err)
	if due := o.fiveMinutes(o.sound); !slices.Equal(due, []string{"acme"}) {
		t.Fatalf("nobody is told that somebody waits: %q", due)
	}
	for _, m := range o.queue.take() {
		o.must(o.on(o.sound).Message(t.Context(), m))
	}
	counted := &queries{Store: o.sound, partition: "A#acme#SEATS"}
	if due := o.fiveMinutes(counted); len(due) > 0 {
		t.Fatalf("a list that stands still is handed on: %q", due)
	}
	if n := counted.n.Swap(0); n != 1 {
		t.Errorf("the counts were read %d times, want once", n)
	}
	for range 2 {
		o.Clock.Add(time.Minute)
		o.must(o.on(counted).Scheduled(t.Context(),
			fmt.Appendf(nil, `{"time":%q}`, o.Clock.Now().Format(time.RFC3339))))
	}
	if n := counted.n.Load(); n != 2 {
		t.Errorf("asked for twice, the counts were read %d times", n)
	}
}

// A seat that comes free for an approved request is found in the next minute, whichever it is.
func TestAnApprovedRequestIsServedInTheNextMinute(t *testing.T) {
	for minute := range 5 {
		o := newOffice(t, "acme")
		o.Clock.Add(time.Duration(minute) * time.Minute)
		requests := request.NewService(o.Env, o.kernel)
		by := func(user string) context.Context {
			may := auth.SetOf(auth.LicensesManage, auth.BillingPurchase)
			return auth.With(t.Context(), auth.Principal{User: user, Account: "acme", Permissions: may})
		}
		asked, err := requests.Ask(by("op"), o.Call("op"), catalog.PhoneSystemID, "ann", "for calls")
		o.must(err)
		_, err = requests.Approve(by("chief"), o.Call("chief"), asked.Value.ID)
		o.must(err)
		if due := o.fiveMinutes(o.sound); len(due) > 1 {
			t.Fatalf("a request for which nothing is free is handed on %d times in five minutes", len(due))
		}
		o.queue.take()
		o.must(o.kernel.Deliver(t.Context(), o.Call("op"), license.Delivery{
			OrderID: o.Env.IDs.Ordered(),
			Lots:    []license.Lot{{ProductID: catalog.PhoneSystemID, CostCenter: "CC-1", Quantity: 1}},
		}))
		if due, err := o.fire(o.sound); err != nil || !slices.Equal(due, []string{"acme"}) {
			t.Errorf("minute %d: handed on %q, %v", minute, due, err)
		}
	}
}
