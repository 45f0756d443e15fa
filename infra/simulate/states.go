package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// stop has an operator suspend or close an account, or open it again: what others have under way in it is
// refused from that commit on, and what is left goes on when it is open (I24).
func (m *simulation) stop(account string) *run {
	state := pick(m, []call.State{call.Suspended, call.Closed})
	if m.models[account].stopped() {
		state = pick(m, []call.State{call.Active, call.Active, call.Suspended})
	}
	r := m.one(account, request{"AccountsFunction", http.MethodPatch, "", fields{"state": state}, m.key()})
	r.what = "stop"
	return r
}

// reopen opens an account that is stopped, so that what is left in it can be done.
func (m *simulation) reopen(account string) {
	if !m.models[account].stopped() {
		return
	}
	r := m.one(account, request{"AccountsFunction", http.MethodPatch, "", fields{"state": call.Active}, ""})
	r.what = "open"
	r.then = func(r *run) {
		if !r.answers[0].good() {
			m.fail("I24: %s cannot be opened: %d %s", account, r.answers[0].status, r.answers[0].body)
		}
	}
	m.alone(r)
}

func (b *model) stopped() bool { return b.state != "" && b.state != call.Active }

// goesOn says whether a change of this kind is made in a suspended account: what is billed and reported.
func goesOn(action string) bool {
	kind, _, _ := strings.Cut(action, ".")
	return slices.Contains([]string{"report", "period", "alert"}, kind)
}

// verifyLife: while the account is stopped, nothing is changed in it but the account itself, and in a
// suspended one what goes on there (I24). was is how the account was before the commit.
func (b *model) verifyLife(was call.State, ops []table.Operation) {
	if was == "" || was == call.Active {
		return
	}
	for _, op := range ops {
		_, kind, _ := kindOfKey(op.Item.Key)
		if op.Kind != table.KindPut || kind != "AUDIT" {
			continue
		}
		action := decode[call.AuditRecord](b, op.Item).Action
		if action != "account.changed" && (was != call.Suspended || !goesOn(action)) {
			b.fail("I24: %s while the account is %s", action, was)
		}
	}
}

// verifyStops: the items by which commits learn the state say what the account says (I24).
func (b *model) verifyStops() {
	found := map[string]int{}
	for key, item := range b.sim.mirror.items {
		if item.gone || !strings.HasPrefix(key.Partition, "A#"+b.account+"#STATE#") {
			continue
		}
		found[key.Sort]++
	}
	want := map[string]int{}
	if b.stopped() {
		want["STOPPED"] = call.StoppedShards
	}
	if b.state == call.Closed {
		want["CLOSED"] = call.ClosedShards
	}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		b.fail("I24: the account is %q, and %v say its state", b.state, found)
	}
	if n := b.taken[call.CountStopped]; (n != 0) != b.stopped() || n != 0 && n != call.StoppedShards {
		b.fail("I24: the account is %q, and %d of its counts say that it is stopped", b.state, n)
	}
}
