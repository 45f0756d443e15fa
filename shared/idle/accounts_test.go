package idle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/directory"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/platform/work"
	"seatwise/shared/usage"
)

// handed keeps the accounts that work is handed on of.
type handed struct{ accounts []string }

func (h *handed) Send(_ context.Context, messages ...work.Message) error {
	for _, m := range messages {
		h.accounts = append(h.accounts, m.Account)
	}
	return nil
}

func (h *handed) SetAside(context.Context, work.Message) error { return nil }

// open makes one more account, with somebody whose queue a dashboard shows.
func (w *world) open(id string, monitored bool) {
	w.t.Helper()
	was := w.Account
	defer func() { w.Account = was }()
	w.Account = id
	_, err := account.NewService(w.Env, w.kernel).Put(w.t.Context(), w.Call("operator"), account.Settings{
		Name: id, Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
	})
	w.must(err)
	if !monitored {
		return
	}
	w.people("ann")
	_, err = w.directory.PutQueue(w.t.Context(), w.Call("ann"), "q", "Queue", []string{"ann"})
	w.must(err)
	_, err = w.directory.PutDashboard(w.t.Context(), w.Call("ann"),
		directory.Dashboard{ID: "d", Name: "Dashboard", QueueIDs: []string{"q"}})
	w.must(err)
	_, err = w.usage.Take(w.t.Context(), w.Call("pbx"), []usage.Event{
		{ID: "1", UserID: "ann", DashboardID: "d", At: w.Clock.Now()},
	})
	w.must(err)
}

// An account in which nothing was ever counted costs nothing: it is handed on from its first dashboard,
// its first role that carries licenses, or its first order on.
func TestAccountsWithoutAnythingToCountAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	queue := &handed{}
	w.Env.Work = queue
	fire := func() []string {
		t.Helper()
		queue.accounts = nil
		w.must(w.idle.Scheduled(t.Context(), fmt.Appendf(nil,
			`{"id":"1","source":"aws.events","account":"123456789012","time":%q}`, w.Clock.Now().Format(time.RFC3339))))
		return queue.accounts
	}
	w.open("quiet", false)
	if got := fire(); len(got) > 0 {
		t.Errorf("accounts without anything are handed on: %q", got)
	}
	w.open("monitored", true)
	_, err := w.directory.PutRole(t.Context(), w.Call("ann"), directory.Role{ID: "plain", Name: "Plain"})
	w.must(err)
	if got := fire(); !slices.Equal(got, []string{"monitored"}) {
		t.Errorf("handed on %q, want the account with a dashboard", got)
	}
	_, err = w.directory.PutRole(t.Context(), w.Call("ann"),
		directory.Role{ID: "agent", Name: "Agent", Licenses: []string{"professional-user"}})
	w.must(err)
	if got := fire(); !slices.Equal(got, []string{w.Account, "monitored"}) {
		t.Errorf("handed on %q, want also the account whose role carries licenses", got)
	}
}

// One account that fails does not stop the others, and is reported.
func TestAccountsFailAlone(t *testing.T) {
	fixture := fixtures.New(t)
	sound := fixture.Env.Table
	fixture.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
		if c.Query != nil && strings.HasPrefix(c.Query.Partition, "A#aaa#ARRIVED") {
			return faulty.Fail
		}
		return faulty.None
	})
	w := worldOn(t, fixture)
	w.open("aaa", true)
	w.open("zzz", true)
	err := w.idle.Scheduled(t.Context(), fmt.Appendf(nil, `{"time":%q}`, w.Clock.Now().Format(time.RFC3339)))
	if err == nil || !strings.Contains(err.Error(), "account aaa") || strings.Contains(err.Error(), "account zzz") {
		t.Fatalf("reported: %v", err)
	}
	if !strings.Contains(w.Logs.String(), `"account":"aaa"`) {
		t.Error("the failure was not logged")
	}
	page, err := sound.Query(t.Context(), table.Query{Partition: "A#zzz#USAGE"})
	if err != nil || len(page.Items) == 0 {
		t.Errorf("the other account was not folded: %v", err)
	}
}
