package call_test

import (
	"context"
	"errors"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// become writes what an account's own commit writes of its state.
func become(t *testing.T, k *fixtures.Fixture, from, to call.State) {
	t.Helper()
	ops, err := call.Become(k.Account, from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(ops) == 0 {
		return
	}
	if err := k.Env.Table.Commit(call.Anyhow(t.Context()), ops); err != nil {
		t.Fatal(err)
	}
}

// TestWhichCommitsAreRefused commits in each state of the account, in each way in which a commit demands it.
func TestWhichCommitsAreRefused(t *testing.T) {
	k := fixtures.New(t)
	k.Env.Table = call.Checked(call.Checked(k.Env.Table, k.Env.Pick), k.Env.Pick)
	two := func(name string) []table.Operation {
		return []table.Operation{effect(k, name+"1"), effect(k, name+"2")}
	}
	seats := func(string) []table.Operation {
		key := table.Key{Partition: call.SeatsPartition(k.Account), Sort: "#07"}
		return []table.Operation{table.Add(key, table.Bound{Name: "assigned:x", By: 1})}
	}
	n, was := 0, call.Active
	for _, c := range []struct {
		state                     call.State
		usual, counting, measured bool
	}{
		{call.Active, true, true, true},
		{call.Suspended, false, false, true},
		{call.Closed, false, false, false},
		{call.Suspended, false, false, true},
		{call.Active, true, true, true},
		{call.Closed, false, false, false},
		{call.Active, true, true, true},
	} {
		become(t, k, was, c.state)
		was = c.state
		for what, one := range map[string]struct {
			ctx  context.Context
			ops  func(string) []table.Operation
			done bool
		}{
			"usual":         {t.Context(), two, c.usual},
			"counting":      {t.Context(), seats, c.counting},
			"measured":      {call.UntilClosed(t.Context()), two, c.measured},
			"seats, then":   {call.UntilClosed(t.Context()), seats, c.measured},
			"usual again":   {call.WhileActive(call.UntilClosed(t.Context())), two, c.usual},
			"of an account": {call.Anyhow(t.Context()), two, true},
			"alone":         {t.Context(), func(name string) []table.Operation { return two(name)[:1] }, true},
		} {
			n++
			err := k.Env.Table.Commit(one.ctx, one.ops(string(rune('a'+n/20))+string(rune('a'+n%20))))
			if call.Stopped(err) == one.done || one.done && err != nil {
				t.Errorf("%s of a %s account: %v", what, c.state, err)
			}
			var stopped *call.StoppedError
			if errors.As(err, &stopped) && (stopped.State != c.state || stopped.Account != k.Account) {
				t.Errorf("%s of a %s account: %+v", what, c.state, stopped)
			}
			if closed := problem.Is(err, problem.AccountClosed); closed != (c.state == call.Closed && !one.done) {
				t.Errorf("%s of a %s account: %v", what, c.state, err)
			}
		}
	}
}

// TestTheOwnConditionIsToldAsItIs has a commit refused that demands the state together with a condition of
// its own.
func TestTheOwnConditionIsToldAsItIs(t *testing.T) {
	k := fixtures.New(t)
	store := call.Checked(k.Env.Table, k.Env.Pick)
	key := table.Key{Partition: call.SeatsPartition(k.Account), Sort: "#03"}
	bound := table.AtLeast("bought", -1, 0)
	err := store.Commit(t.Context(), []table.Operation{effect(k, "a"), table.Add(key, bound)})
	if refused, ok := table.Refused(err); !ok || len(refused.Keys) != 1 || refused.Keys[0] != key {
		t.Errorf("%v", err)
	}
	taken := effect(k, "b")
	if err := store.Commit(t.Context(), []table.Operation{taken}); err != nil {
		t.Fatal(err)
	}
	err = store.Commit(t.Context(), []table.Operation{effect(k, "a"), taken})
	if refused, ok := table.Refused(err); !ok || len(refused.Keys) != 1 || refused.Keys[0] != taken.Item.Key {
		t.Errorf("%v", err)
	}
	// Another account's state says nothing.
	k.Account = fixtures.Other
	become(t, k, call.Active, call.Closed)
	k.Account = fixtures.Account
	if err := store.Commit(t.Context(), []table.Operation{effect(k, "c"), effect(k, "d")}); err != nil {
		t.Error(err)
	}
}
