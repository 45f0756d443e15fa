package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

func effect(k *fixtures.Fixture, name string) table.Operation {
	return table.Put(
		table.Item{Key: table.Key{Partition: call.Partition(k.Account, "THING"), Sort: name}, Data: []byte(`{}`)},
		table.IfAbsent,
	)
}

func exists(t *testing.T, k *fixtures.Fixture, name string) bool {
	t.Helper()
	_, ok, err := table.Get(t.Context(), k.Env.Table, effect(k, name).Item.Key)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func keyed(k *fixtures.Fixture, key, body string) *call.Call {
	c := k.Call("admin")
	c.WithKey(key, []byte("POST"), []byte(body))
	return c
}

func wantProblem(t *testing.T, err error, slug problem.Slug) {
	t.Helper()
	if !problem.Is(err, slug) {
		t.Fatalf("%v, want %s", err, slug)
	}
}

func wantReplay(t *testing.T, err error, status int, body string) {
	t.Helper()
	var replay *call.Replay
	if !errors.As(err, &replay) || replay.Status != status || string(replay.Body) != body {
		t.Fatalf("%v, want the stored answer %d %s", err, status, body)
	}
}

func TestStoredAnswers(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	c := keyed(k, "k", "a")
	if err := c.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	answer := call.Answer{Status: 201, Header: map[string]string{"ETag": `"1"`}, Body: map[string]int{"n": 1}}
	if err := c.Commit(ctx, answer, effect(k, "a")); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, keyed(k, "k", "a").Begin(ctx), 201, `{"n":1}`)
	_, err := keyed(k, "k", "a").Lookup(ctx, effect(k, "a").Item.Key)
	wantReplay(t, err, 201, `{"n":1}`)
	wantProblem(t, keyed(k, "k", "b").Begin(ctx), problem.IdempotencyMismatch)

	// Parts of a request do not run into each other.
	c = k.Call("admin")
	c.WithKey("k", []byte("POS"), []byte("Ta"))
	wantProblem(t, c.Begin(ctx), problem.IdempotencyMismatch)

	// Whose key it is, and where, is part of it.
	c = k.Call("eve")
	c.WithKey("k", []byte("POST"), []byte("a"))
	if err := c.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	c = k.Call("admin")
	c.Account = fixtures.Other
	c.WithKey("k", []byte("POST"), []byte("a"))
	if err := c.Begin(ctx); err != nil {
		t.Fatal(err)
	}

	// An answer is kept for a day.
	k.Clock.Add(24*time.Hour - time.Second)
	wantReplay(t, keyed(k, "k", "a").Begin(ctx), 201, `{"n":1}`)
	k.Clock.Add(2 * time.Second)
	c = keyed(k, "k", "b")
	if err := c.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(ctx, call.Answer{Status: 200}, effect(k, "b")); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, keyed(k, "k", "b").Begin(ctx), 200, "")
}

func TestWithoutKey(t *testing.T) {
	k := fixtures.New(t)
	c := k.Call("admin")
	for _, err := range []error{
		c.Begin(t.Context()),
		c.Claim(t.Context()),
		c.Commit(t.Context(), call.Answer{Status: 200}),
		c.Commit(t.Context(), call.Answer{}, effect(k, "a")),
		c.Claim(t.Context(), effect(k, "b")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !exists(t, k, "a") || !exists(t, k, "b") || c.Spare() != call.MaxOperations ||
		keyed(k, "k", "").Spare() != call.MaxOperations-1 {
		t.Fatal("the effects are not there")
	}
}

// TestSecondOfTwoAtOnce lets two requests with one key look before either commits: the slower one's
// effect does not happen.
func TestSecondOfTwoAtOnce(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	first, second, other := keyed(k, "k", "a"), keyed(k, "k", "a"), keyed(k, "k", "b")
	for _, c := range []*call.Call{first, second, other} {
		if err := c.Begin(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Commit(ctx, call.Answer{Status: 200, Body: "first"}, effect(k, "first")); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, second.Commit(ctx, call.Answer{Status: 200, Body: "second"}, effect(k, "second")), 200, `"first"`)
	wantProblem(t, other.Commit(ctx, call.Answer{Status: 200}, effect(k, "other")), problem.IdempotencyMismatch)
	if exists(t, k, "second") || exists(t, k, "other") {
		t.Fatal("an effect happened twice")
	}
}

func TestManyAtOnce(t *testing.T) {
	k := fixtures.New(t)
	const callers = 24
	var all sync.WaitGroup
	done := make([]error, callers)
	for i := range callers {
		c := keyed(k, "k", "a")
		all.Go(func() {
			done[i] = call.Decide(t.Context(), func(ctx context.Context) error {
				if err := c.Begin(ctx); err != nil {
					return err
				}
				return c.Commit(ctx, call.Answer{Status: 200, Body: i}, effect(k, "a"))
			})
		})
	}
	all.Wait()
	won := 0
	for _, err := range done {
		var replay *call.Replay
		if err == nil {
			won++
		} else if !errors.As(err, &replay) {
			t.Fatal(err)
		}
	}
	if won != 1 {
		t.Fatalf("%d did it", won)
	}
}

func TestClaims(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	begin := func(body string) (*call.Call, error) {
		c := keyed(k, "k", body)
		return c, c.Begin(ctx)
	}
	first, err := begin("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Claim(ctx, effect(k, "mark")); err != nil {
		t.Fatal(err)
	}
	_, err = begin("a")
	wantProblem(t, err, problem.IdempotencyInProgress)
	_, err = begin("b")
	wantProblem(t, err, problem.IdempotencyMismatch)

	// After its lease it counts as dead, and a repetition takes over; the one that was only slow
	// loses.
	k.Clock.Add(61 * time.Second)
	second, err := begin("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Claim(ctx); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, first.Commit(ctx, call.Answer{Status: 200}, effect(k, "first")), problem.IdempotencyInProgress)
	if err := second.Commit(ctx, call.Answer{Status: 200, Body: "second"}, effect(k, "second")); err != nil {
		t.Fatal(err)
	}
	if exists(t, k, "first") || !exists(t, k, "second") {
		t.Fatal("the claim that was taken over took effect")
	}
	_, err = begin("a")
	wantReplay(t, err, 200, `"second"`)
}

// TestProvidedAnswers gives an answer that is to be made more precise: after its lease it is told, and
// whoever was only slow cannot tell another one any more.
func TestProvidedAnswers(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	slow := keyed(k, "k", "a")
	if err := errors.Join(
		slow.Begin(ctx), slow.Provide(ctx, call.Answer{Status: 200, Body: "so far"}, effect(k, "a")),
	); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, keyed(k, "k", "a").Begin(ctx), problem.IdempotencyInProgress)
	k.Clock.Add(2 * time.Minute)
	wantReplay(t, keyed(k, "k", "a").Begin(ctx), 200, `"so far"`)
	wantReplay(t, slow.Commit(ctx, call.Answer{Status: 200, Body: "in the end"}), 200, `"so far"`)
	wantReplay(t, keyed(k, "k", "a").Begin(ctx), 200, `"so far"`)

	quick := keyed(k, "q", "a")
	if err := errors.Join(
		quick.Begin(ctx), quick.Provide(ctx, call.Answer{Status: 200, Body: "so far"}, effect(k, "b")),
		quick.Commit(ctx, call.Answer{Status: 200, Body: "in the end"}),
	); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, keyed(k, "q", "a").Begin(ctx), 200, `"in the end"`)
}

// Of many repetitions of a request that is slow all are told the same, whichever comes first.
func TestProvidedAnswersBesideTheirCommit(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	slow := keyed(k, "k", "a")
	if err := errors.Join(
		slow.Begin(ctx), slow.Provide(ctx, call.Answer{Status: 200, Body: "so far"}, effect(k, "a")),
	); err != nil {
		t.Fatal(err)
	}
	k.Clock.Add(2 * time.Minute)
	told := make([]string, 16)
	var group sync.WaitGroup
	for i := range told {
		group.Go(func() {
			if i == len(told)/2 {
				told[i] = `"in the end"`
				if err := slow.Commit(ctx, call.Answer{Status: 200, Body: "in the end"}); err != nil {
					told[i] = body(err)
				}
				return
			}
			told[i] = body(keyed(k, "k", "a").Begin(ctx))
		})
	}
	group.Wait()
	for _, one := range told {
		if one != told[0] || one == "" {
			t.Fatalf("they were told %q", told)
		}
	}
}

func body(err error) string {
	var replay *call.Replay
	if errors.As(err, &replay) {
		return string(replay.Body)
	}
	return ""
}

func TestReleasedClaims(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	c := keyed(k, "k", "a")
	if err := errors.Join(c.Begin(ctx), c.Claim(ctx)); err != nil {
		t.Fatal(err)
	}
	c.Release(ctx)
	c.Release(ctx)                                        // once is enough, twice no harm
	if err := keyed(k, "k", "b").Begin(ctx); err != nil { // the key is as it was before
		t.Fatal(err)
	}
	if err := errors.Join(c.Begin(ctx), c.Commit(ctx, call.Answer{Status: 200}, effect(k, "a"))); err != nil {
		t.Fatal(err)
	}
}

func TestStepsApart(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	c := keyed(k, "k", "a")
	c.IfMatch = `"1"`
	step := c.Apart()
	if err := step.Commit(ctx, call.Answer{Status: 200}, effect(k, "step")); err != nil {
		t.Fatal(err)
	}
	if step.IfMatch != "" || step.Actor != c.Actor || step.RequestID != c.RequestID || !step.At.Equal(c.At) {
		t.Fatalf("%+v", step)
	}
	if err := keyed(k, "k", "b").Begin(ctx); err != nil {
		t.Fatal("the step used the key")
	}
}

// TestTickets lets another function finish the work of a claimed request: its answer is what the
// client's repetition gets.
func TestTickets(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	c := keyed(k, "k", "a")
	if err := errors.Join(c.Begin(ctx), c.Claim(ctx)); err != nil {
		t.Fatal(err)
	}
	worker := call.ForEvent(k.Env, k.Account, "maintenance", "order o1", k.Clock.Now())
	if err := worker.Redeem(ctx, c.AnswerRef()); err != nil {
		t.Fatal(err)
	}
	if err := worker.Commit(ctx, call.Answer{Status: 201, Body: "done"}, effect(k, "a")); err != nil {
		t.Fatal(err)
	}
	wantReplay(t, keyed(k, "k", "a").Begin(ctx), 201, `"done"`)

	// Nobody waits for a second answer, for that of a call without a key, or for one under a key
	// that is free again.
	free := keyed(k, "other", "a").AnswerRef()
	for name, ticket := range map[string]call.AnswerRef{
		"answered":      c.AnswerRef(),
		"no key":        k.Call("admin").AnswerRef(),
		"never claimed": free,
	} {
		late := call.ForEvent(k.Env, k.Account, "maintenance", "order o1", k.Clock.Now())
		if err := late.Redeem(ctx, ticket); err != nil {
			t.Fatal(name, err)
		}
		if late.AnswerRef() != (call.AnswerRef{}) || late.Commit(ctx, call.Answer{Status: 500}) != nil {
			t.Errorf("%s: the reference was redeemed", name)
		}
	}
	wantReplay(t, keyed(k, "k", "a").Begin(ctx), 201, `"done"`)
}

func TestReads(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	c := keyed(k, "k", "a")
	op := effect(k, "a")
	data, err := call.Encode(map[string]int{"n": 3})
	if err != nil {
		t.Fatal(err)
	}
	op.Item.Data = data
	if err := k.Env.Table.Commit(ctx, []table.Operation{op}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // with the look for the stored answer, and without
		item, ok, err := c.Get(ctx, op.Item.Key)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if v, err := call.Decode[map[string]int](item); err != nil || v["n"] != 3 {
			t.Fatal(v, err)
		}
		if _, err := call.Decode[[]string](item); err == nil {
			t.Fatal("decoded an object as a list")
		}
	}
	if found, err := c.Lookup(ctx); err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
	if _, err := call.Encode(func() {}); err == nil {
		t.Fatal("encoded a function")
	}
	ops, err := c.Audited(call.AuditEntry{Subject: "a", SubjectID: "1"}, call.AuditEntry{Subject: "a", SubjectID: "1"})
	if err != nil || len(ops) != 2 || ops[0].Item.Key == ops[1].Item.Key {
		t.Fatal(ops, err)
	}
}

func TestDecide(t *testing.T) {
	refused := &table.ConditionError{Failed: []int{0}}
	runs := 0
	err := call.Decide(t.Context(), func(context.Context) error {
		if runs++; runs < 4 {
			return refused
		}
		return nil
	})
	if err != nil || runs != 4 {
		t.Fatalf("%d runs, %v", runs, err)
	}
	other := errors.New("other")
	runs = 0
	if err := call.Decide(t.Context(), func(context.Context) error { runs++; return other }); !errors.Is(err, other) ||
		runs != 1 {
		t.Fatalf("%d runs, %v", runs, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if err := call.Decide(ctx, func(context.Context) error { return refused }); !errors.Is(err, table.ErrConflict) {
		t.Fatal(err)
	}
}

func TestAudit(t *testing.T) {
	k := fixtures.New(t)
	c := k.Call("admin")
	op, err := c.Audit(call.AuditEntry{
		Action: "license.assigned", Subject: "license", SubjectID: "l1", User: "zoe", Reason: "queue:q1",
		Before: map[string]string{"status": "available"}, After: map[string]string{"status": "assigned"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var r call.AuditRecord
	if err := json.Unmarshal(op.Item.Data, &r); err != nil {
		t.Fatal(err)
	}
	if r.Actor != "admin" || r.Subject != "license:l1" || r.User != "zoe" || r.Reason != "queue:q1" ||
		r.RequestID != c.RequestID || !r.At.Equal(c.At) ||
		string(r.Before) != `{"status":"available"}` ||
		string(r.After) != `{"status":"assigned"}` {
		t.Fatalf("%+v", r)
	}
	for _, key := range append(op.Item.IndexKeys[:], op.Item.Key) {
		if !strings.HasPrefix(key.Partition, call.Partition(k.Account)) ||
			!strings.HasPrefix(key.Sort, call.AuditMoment(c.At)+"#") {
			t.Errorf("key %v", key)
		}
	}
	plain, err := c.Audit(call.AuditEntry{Action: "order.placed", Subject: "order", SubjectID: "o1"})
	if err != nil {
		t.Fatal(err)
	}
	if plain.Item.IndexKeys[1] != (table.Key{}) || strings.Contains(string(plain.Item.Data), `"before"`) ||
		!strings.Contains(string(plain.Item.Data), `"reason":"request"`) {
		t.Fatalf("%s %v", plain.Item.Data, plain.Item.IndexKeys)
	}
}

// A stack may say how long its audit log is kept; copies of an entry go with it.
func TestAuditEntriesAreKeptAsLongAsTheStackSays(t *testing.T) {
	for days, want := range map[int]int64{0: 0, 400: fixtures.Start.AddDate(0, 0, 400).Unix()} {
		f := fixtures.New(t)
		f.Env.AuditDays = days
		ops, err := f.Call("ann").Audited(call.AuditEntry{
			Action: "license.assigned", Subject: "license", SubjectID: "1",
			Cause: call.Cause{Actor: "bob", RequestID: "r"},
		})
		if err != nil || len(ops) != 2 {
			t.Fatalf("%d operations, %v", len(ops), err)
		}
		for _, op := range ops {
			if op.Item.Expires != want {
				t.Errorf("%d days: %s expires at %d, want %d", days, op.Item.Key, op.Item.Expires, want)
			}
		}
	}
}

func TestAuditMomentSortsByTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	last := ""
	for _, d := range []time.Duration{0, 1, 10, 100_000_000, time.Second, time.Hour} {
		if got := call.AuditMoment(at.Add(d)); got <= last {
			t.Fatalf("%s after %s", got, last)
		} else {
			last = got
		}
	}
}

func TestMatches(t *testing.T) {
	c := &call.Call{}
	if err := c.Matches(false); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		match  string
		exists bool
		good   bool
	}{
		{`"3-4"`, true, true},
		{`*`, true, true},
		{`"1", "3-4"`, true, true},
		{`"3"`, true, false},
		{`*`, false, false},
		{`"3-4"`, false, false},
		{`W/"3-4"`, true, false},
	} {
		c.IfMatch = tc.match
		err := c.Matches(tc.exists, 3, 4)
		if (err == nil) != tc.good {
			t.Errorf("%s, exists %v: %v", tc.match, tc.exists, err)
		}
		if err != nil {
			wantProblem(t, err, problem.PreconditionFailed)
		}
	}
	for _, tc := range []struct {
		none   string
		exists bool
		good   bool
	}{
		{`*`, true, false},
		{`*`, false, true},
		{`"3-4"`, true, false},
		{`"1", "3-4"`, true, false},
		{`"3"`, true, true},
		{`"3-4"`, false, true},
	} {
		c := &call.Call{IfNoneMatch: tc.none}
		err := c.Matches(tc.exists, 3, 4)
		if (err == nil) != tc.good {
			t.Errorf("none of %s, exists %v: %v", tc.none, tc.exists, err)
		}
		if err != nil {
			wantProblem(t, err, problem.PreconditionFailed)
		}
		if err := c.Apart().Matches(tc.exists, 3, 4); err != nil {
			t.Errorf("a step of its own: %v", err)
		}
	}
}

// TestUnseenAccount finds out with the first read of a call whether the account is there, and only
// with that.
func TestUnseenAccount(t *testing.T) {
	k := fixtures.New(t)
	ctx := t.Context()
	var reads, keys int
	k.Env.Table = faulty.New(k.Env.Table, func(c faulty.Call) faulty.Fault {
		if c.Ops == nil {
			reads, keys = reads+1, keys+len(c.Keys)
		}
		return faulty.None
	})
	thing := effect(k, "a").Item.Key
	seen := 0
	c := k.Call("admin")
	c.Unseen(func() { seen++ })
	found, err := c.Lookup(ctx, thing)
	if err != nil || len(found) != 0 || seen != 1 || reads != 1 || keys != 2 {
		t.Fatalf("%v, %v; %d times seen by %d reads of %d items", found, err, seen, reads, keys)
	}
	if _, err := c.Lookup(ctx, thing); err != nil || keys != 3 {
		t.Fatalf("%v; %d items were read", err, keys)
	}
	if found, err := c.Lookup(ctx, call.AccountKey(k.Account)); err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}

	for name, read := range map[string]func(c *call.Call) error{
		"lookup": func(c *call.Call) error { _, err := c.Lookup(ctx, thing); return err },
		"begin":  func(c *call.Call) error { return c.Begin(ctx) },
		"a key":  func(c *call.Call) error { c.WithKey("k", []byte("x")); return c.Begin(ctx) },
	} {
		c := k.Call("admin")
		c.Account = "nobody"
		c.Unseen(func() { t.Errorf("%s: the account of nobody was seen", name) })
		wantProblem(t, read(c), problem.NotFound)
	}
}
