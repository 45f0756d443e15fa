package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/wire/alone"
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

// shop drives one account of a running server.
type shop struct {
	t       *testing.T
	client  *runnerprocess.Client
	account string
}

func enter(t *testing.T, r *runnerprocess.Runner, account string) shop {
	t.Helper()
	c := runnerprocess.NewClient(r.API)
	permissions := make([]string, 0, len(auth.Permissions()))
	for _, p := range auth.Permissions() {
		permissions = append(permissions, string(p))
	}
	if err := c.Login(t.Context(), "provider", "olga", permissions...); err != nil {
		t.Fatal(err)
	}
	return shop{t, c, account}
}

// do sends a request, demands an answer below 300, and gives it.
func (s shop) do(method, path string, body any, header map[string]string) runnerprocess.Answer {
	s.t.Helper()
	a := s.try(method, path, body, header)
	if a.Status >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a
}

func (s shop) try(method, path string, body any, header map[string]string) runnerprocess.Answer {
	s.t.Helper()
	a, err := s.client.Send(s.t.Context(), method, "/v1/accounts/"+s.account+path, body, header)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s shop) state(state string) { s.do(http.MethodPatch, "", map[string]any{"state": state}, nil) }

func (s shop) assigned(user string) string {
	return string(s.do(http.MethodGet, "/users/"+user+"/licenses", nil, nil).Body)
}

// open makes the account with a cost center, three seats and two people, of which one has a seat.
func (s shop) open() {
	s.do(http.MethodPut, "", map[string]any{
		"name": "Acme", "brand": "Voice", "currency": "USD", "timezone": "Europe/Berlin", "billingDay": 1,
		"bundle": "standard",
	}, nil)
	s.do(http.MethodPut, "/cost-centers/CC", map[string]any{"name": "Sales"}, nil)
	s.buy(3)
	for _, user := range []string{"ann", "bob"} {
		s.do(http.MethodPut, "/users/"+user, map[string]any{"name": user}, nil)
	}
	s.give("ann")
}

func (s shop) buy(quantity int) {
	lines := []map[string]any{{"productId": "live-reports", "quantity": quantity, "costCenter": "CC"}}
	quote := s.do(http.MethodPost, "/quotes", map[string]any{"lines": lines}, nil)
	id := strings.Split(strings.SplitN(string(quote.Body), `"id":"`, 2)[1], `"`)[0]
	s.do(http.MethodPost, "/orders", map[string]any{"quoteId": id, "acknowledged": true}, nil)
}

func (s shop) give(user string) {
	items := []map[string]any{{"productId": "live-reports", "userId": user}}
	s.do(http.MethodPost, "/assignments", map[string]any{"items": items}, nil)
}

// TestTakesAccountBackOnOneMachine is the drill of docs/operations.md, "Restoring", on one machine: an
// account is spoiled, closed, taken back, opened, and used; another one is not touched.
func TestTakesAccountBackOnOneMachine(t *testing.T) {
	folder := t.TempDir()
	inUse, copied := filepath.Join(folder, "table.bolt"), filepath.Join(t.TempDir(), "copy.bolt")
	start := func() *runnerprocess.Runner {
		return runnerprocess.Start(t, runnerprocess.Options{Data: folder, Args: []string{"--no-schedules"}})
	}

	r := start()
	acme, globex := enter(t, r, "acme"), enter(t, r, "globex")
	acme.open()
	globex.open()
	annHad := acme.assigned("ann")
	r.Stop(t)
	data, err := os.ReadFile(inUse) // #nosec G304 -- a file of the test
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}

	r = start()
	acme, globex = enter(t, r, "acme"), enter(t, r, "globex")
	acme.do(http.MethodPatch, "/users/bob", map[string]any{"name": "Spoiled"}, nil)
	stale := acme.do(http.MethodGet, "/users/bob", nil, nil).Header.Get("ETag")
	acme.do(http.MethodDelete, "/users/ann", nil, nil)
	acme.give("bob")
	acme.buy(2)
	globex.give("bob")
	bobHas := globex.assigned("bob")
	arguments := []string{"--account", "acme", "--from", copied, "--to", inUse, "--by", "olga", "--why", "ticket 4711"}
	r.Stop(t)
	var said bytes.Buffer
	err = run(t.Context(), arguments, os.Getenv, &said)
	if err == nil || !strings.Contains(err.Error(), "not closed") {
		t.Fatalf("an account that is not closed is taken back: %v", err)
	}
	r = start()
	enter(t, r, "acme").state("closed")
	r.Stop(t)

	if err := run(t.Context(), append(arguments, "--try"), os.Getenv, &said); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), arguments, os.Getenv, &said); err != nil {
		t.Fatal(err)
	}
	tried, taken, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
	if strings.Replace(tried, "would be", "are", 1) != taken || strings.Contains(taken, "; 0 are put back") {
		t.Errorf("told\n%s\nand then\n%s", tried, taken)
	}

	r = start()
	acme, globex = enter(t, r, "acme"), enter(t, r, "globex")
	early := acme.try(http.MethodPatch, "/users/bob", map[string]any{"name": "B"}, nil)
	if early.Status < http.StatusBadRequest {
		t.Errorf("an account that was taken back is open before anybody opened it: %d", early.Status)
	}
	acme.state("active")
	if diff := cmp.Diff(annHad, acme.assigned("ann")); diff != "" {
		t.Errorf("ann has something else than at the moment (-then +now):\n%s", diff)
	}
	if got := acme.assigned("bob"); strings.Contains(got, "live-reports") {
		t.Errorf("bob still has what came after the moment: %s", got)
	}
	summary := string(acme.do(http.MethodGet, "/licenses/summary", nil, nil).Body)
	if !strings.Contains(summary, `"bought":3,"assigned":1,"available":2`) {
		t.Errorf("seats after it: %s", summary)
	}
	late, seen := map[string]any{"name": "Late"}, map[string]string{"If-Match": stale}
	spoil := acme.try(http.MethodPatch, "/users/bob", late, seen)
	if spoil.Status != http.StatusPreconditionFailed {
		t.Errorf("who saw bob after the moment changes another one: %d %s", spoil.Status, spoil.Body)
	}
	acme.give("bob")
	log := string(acme.do(http.MethodGet, "/audit?action=account.restored", nil, nil).Body)
	if !strings.Contains(log, "ticket 4711") {
		t.Errorf("the audit log does not say why: %s", log)
	}
	if got := globex.assigned("bob"); got != bobHas {
		t.Errorf("another account: %s, was %s", got, bobHas)
	}
	r.Stop(t)
}

// cut is a table whose process dies before some commit.
type cut struct {
	store
	left int
}

var errCut = errors.New("cut off")

func (c *cut) Commit(ctx context.Context, ops []table.Operation) error {
	if c.left == 0 {
		return errCut
	}
	c.left--
	return c.store.Commit(ctx, ops)
}

// TestEndsTheSameWhereverItIsCutOff cuts it off before each of its commits, on both adapters, and has it
// repeated: the items of the account end as they were at the moment, and those of others are not touched.
func TestEndsTheSameWhereverItIsCutOff(t *testing.T) {
	t.Run("bolt", func(t *testing.T) {
		endsTheSame(t, func() store {
			s, err := bolt.Open(filepath.Join(t.TempDir(), "t.bolt"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		})
	})
	t.Run("dynamo", func(t *testing.T) {
		endsTheSame(t, func() store {
			s, ok := dynamostore.Open(t).(store)
			if !ok {
				t.Fatal("the table cannot be read as a whole")
			}
			return s
		})
	})
}

func endsTheSame(t *testing.T, open func() store) {
	t.Helper()
	from := open()
	put(t, from, "acme", 0, 60, "then")
	counter := table.Key{Partition: call.SeatsPartition("acme"), Sort: "#07"}
	count := table.Add(counter, table.Bound{Name: "taken", By: 5})
	if err := from.Commit(t.Context(), []table.Operation{count}); err != nil {
		t.Fatal(err)
	}
	env := &app.Env{Clock: alone.Clock, IDs: alone.IDs{}}
	for commits := 0; ; commits++ {
		to := open()
		put(t, to, "acme", 30, 90, "now")
		put(t, to, "acme2", 0, 3, "now")
		stop, err := call.Become("acme", call.Active, call.Closed)
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Commit(t.Context(), stop); err != nil {
			t.Fatal(err)
		}
		others, state := items(t, to, "acme2"), items(t, to, "acme#STATE")
		task := task{account: "acme", from: from, to: &cut{to, commits}, by: "olga", why: "drill"}
		_, err = task.back(t.Context(), env)
		if err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		whole := err == nil
		task.to = to
		if _, err := task.back(t.Context(), env); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(items(t, from, "acme#USER"), items(t, to, "acme#USER")); diff != "" {
			t.Fatalf("cut off before commit %d (-moment +now):\n%s", commits, diff)
		}
		if diff := cmp.Diff(others, items(t, to, "acme2")); diff != "" {
			t.Fatalf("another account (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(state, items(t, to, "acme#STATE")); diff != "" {
			t.Fatalf("what keeps people out (-before +after):\n%s", diff)
		}
		seats := items(t, to, "acme#SEATS")[counter].Counts
		if diff := cmp.Diff(map[string]int64{"taken": 5, call.CountStopped: 1}, seats); diff != "" {
			t.Fatalf("what a counter of seats counts (-want +got):\n%s", diff)
		}
		if whole {
			return
		}
	}
}

// TestLeavesAccountThatWaitsForErasure: it would be erased in the night after.
func TestLeavesAccountThatWaitsForErasure(t *testing.T) {
	to, err := bolt.Open(filepath.Join(t.TempDir(), "t.bolt"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = to.Close() })
	put(t, to, "acme", 0, 3, "now")
	stop, err := call.Become("acme", call.Active, call.Closed)
	if err != nil {
		t.Fatal(err)
	}
	waits := table.Item{Key: call.AccountKey("acme"), Data: []byte(`{"id":"acme","state":"closed","erasure":"e"}`)}
	if err := to.Commit(t.Context(), append(stop, table.Put(waits, table.Always))); err != nil {
		t.Fatal(err)
	}
	task := task{account: "acme", from: to, to: to, by: "olga", why: "drill"}
	if _, err := task.back(t.Context(), &app.Env{Clock: alone.Clock, IDs: alone.IDs{}}); err == nil {
		t.Error("an account that waits for its erasure is taken back")
	}
}

// put writes some items of an account, and its own.
func put(t *testing.T, to table.Store, account string, from, below int, text string) {
	t.Helper()
	data := func(i int) []byte { return fmt.Appendf(nil, `{"name":"%s %d"}`, text, i) }
	ops := []table.Operation{table.Put(table.Item{Key: call.AccountKey(account), Data: data(0)}, table.Always)}
	for i := from; i < below; i++ {
		key := table.Key{Partition: call.Partition(account, "USER", fmt.Sprint(i)), Sort: "USER"}
		item := table.Item{Key: key, Data: data(i), Counts: map[string]int64{"n": int64(i)}}
		item.IndexKeys[1] = table.Key{Partition: call.Partition(account, "USERS"), Sort: text}
		ops = append(ops, table.Put(item, table.IfAbsent))
	}
	if err := to.Commit(t.Context(), ops); err != nil {
		t.Fatal(err)
	}
}

// items are all items whose partition begins with A# and the given text, without their versions.
func items(t *testing.T, from table.Scanner, begin string) map[table.Key]table.Item {
	t.Helper()
	all := map[table.Key]table.Item{}
	err := table.Everything(t.Context(), from, []string{"A#" + begin}, func(item table.Item) error {
		item.Version, item.Counts = 0, maps.Clone(item.Counts)
		all[item.Key] = item
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
