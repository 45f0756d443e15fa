package histories

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// judging bounds the search for an order; a history that is not judged by then has failed.
const judging = time.Minute

// verb is what a request asks for.
type verb string

const (
	assign     verb = "assign"      // this license to a user
	pick       verb = "pick"        // any license of the product to a user: the server chooses
	unassign   verb = "unassign"    // this license
	remove     verb = "remove"      // the product from a user
	reassign   verb = "reassign"    // this license to another user
	terminate  verb = "terminate"   // this license
	buy        verb = "buy"         // an order
	summary    verb = "summary"     // of the product
	getLicense verb = "get license" // this one
)

// request is one request about the licenses of one product of one account. Licenses and users are
// numbers from 0, in the order in which the test met them.
type request struct {
	verb          verb
	license, user int
}

// nobody and nothing stand for no user and no license.
const (
	nobody  = -1
	nothing = -1
)

// seats is a product's line of the summary.
type seats struct{ Bought, Assigned, Available, Waiting int }

// response is what the request was told.
type response struct {
	// unknown says that nobody can tell whether the request took effect: a 500, a 503, or no answer
	// at all.
	unknown bool
	// refusal is the slug of the problem; empty for success.
	refusal string
	// license and user are what the answer says: which license was chosen or read, and who has it.
	license, user int
	status        string
	seats         seats
	// added are the licenses of an order.
	added []int
}

func (r response) String() string {
	if r.unknown {
		return "unknown"
	}
	if r.refusal != "" {
		return r.refusal
	}
	return fmt.Sprintf("license %d of user %d %s %+v %v", r.license, r.user, r.status, r.seats, r.added)
}

// The states of a license in a state of the product, which is one byte for each license; any other
// byte is the user who holds it, from holders on.
const (
	absent     = '-'
	free       = 'f'
	terminated = 't'
	holders    = 'A'
)

// held is the license that a user holds in a state, or nothing.
func held(state string, user int) int { return strings.IndexByte(state, byte(holders+user)) }

// holder is who holds a license in a state, or nobody.
func holder(state string, license int) int {
	if state[license] >= holders && state[license] < holders+26 {
		return int(state[license]) - holders
	}
	return nobody
}

// with is the state after a license changed.
func with(state string, license int, now byte) string {
	changed := []byte(state)
	changed[license] = now
	return string(changed)
}

// count is the summary of a state.
func count(state string) seats {
	var s seats
	for license := range len(state) {
		switch {
		case state[license] == free:
			s.Bought++
			s.Available++
		case holder(state, license) != nobody:
			s.Bought++
			s.Assigned++
		}
	}
	return s
}

// outcome is one way in which a request can go in a state: what it says, and the state after it.
type outcome struct {
	response

	after string
}

// outcomes are all ways in which a request can go, by the rules of requirements, sections 3 and 4.
// Only a license that the server chooses leaves more than one. All users are active, and nobody has
// automatic grants, so nobody waits and nobody is excluded.
func outcomes(state string, q request, added []int) []outcome {
	refused := func(slug string) []outcome { return []outcome{{response{refusal: slug}, state}} }
	given := func(license int) outcome {
		return outcome{
			response{license: license, user: q.user, status: "assigned"},
			with(state, license, byte(holders+q.user)),
		}
	}
	returned := func(license int) outcome {
		return outcome{response{license: license, user: nobody, status: "available"}, with(state, license, free)}
	}
	if q.license != nothing && state[q.license] == absent {
		return refused("not-found") // of an order that is not placed yet
	}
	switch q.verb {
	case assign:
		switch {
		case holder(state, q.license) == q.user:
			return []outcome{given(q.license)}
		case state[q.license] != free:
			return refused("license-not-available")
		case held(state, q.user) != nothing:
			return refused("user-already-licensed")
		}
		return []outcome{given(q.license)}
	case pick:
		if has := held(state, q.user); has != nothing {
			return []outcome{given(has)}
		}
		var all []outcome
		for license := range len(state) {
			if state[license] == free {
				all = append(all, given(license))
			}
		}
		if all == nil {
			return refused("not-enough-licenses")
		}
		return all
	case unassign:
		if holder(state, q.license) == nobody {
			return refused("wrong-state")
		}
		return []outcome{returned(q.license)}
	case remove:
		if has := held(state, q.user); has != nothing {
			return []outcome{returned(has)}
		}
		return []outcome{{response{license: nothing, user: nobody}, state}}
	case reassign:
		switch {
		case holder(state, q.license) == nobody:
			return refused("wrong-state")
		case held(state, q.user) != nothing:
			return refused("user-already-licensed")
		}
		return []outcome{given(q.license)}
	case terminate:
		if holder(state, q.license) != nobody {
			return refused("license-in-use")
		}
		return []outcome{
			{response{license: q.license, user: nobody, status: "terminated"}, with(state, q.license, terminated)},
		}
	case buy:
		after := state
		for _, license := range added {
			if state[license] != absent {
				return nil // the licenses of one order came from two
			}
			after = with(after, license, free)
		}
		return []outcome{{response{license: nothing, user: nobody, added: added}, after}}
	case summary:
		return []outcome{{response{license: nothing, user: nobody, seats: count(state)}, state}}
	case getLicense:
		status := "assigned"
		switch state[q.license] {
		case free:
			status = "available"
		case terminated:
			status = "terminated"
		}
		return []outcome{{response{license: q.license, user: holder(state, q.license), status: status}, state}}
	}
	return nil
}

func (r response) equal(other response) bool {
	return r.refusal == other.refusal && (r.refusal != "" ||
		r.license == other.license && r.user == other.user && r.status == other.status && r.seats == other.seats &&
			slices.Equal(r.added, other.added))
}

// model is the product's rules for one account and product, beginning with a state.
func model(initial string) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{initial} },
		Step: func(state, input, output any) []any {
			is, q, told := state.(string), input.(request), output.(response) //nolint:errcheck // they are made here
			var next []any
			if told.unknown {
				next = []any{is} // it had no effect
			}
			for _, o := range outcomes(is, q, told.added) {
				if told.unknown && o.after != is || !told.unknown && o.equal(told) {
					next = append(next, o.after)
				}
			}
			return next
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %v", input, output) },
	}
	return m.ToModel()
}

// judge has porcupine look for an order of the history of one account and product.
func judge(initial string, history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(model(initial), history, judging)
}

// told is a history written by hand: a request, its moments and its answer.
func told(from, to int64, q request, r response) porcupine.Operation {
	return porcupine.Operation{Input: q, Call: from, Output: r, Return: to}
}

// TestTheModelRefusesWrongHistories is why the judgment means something: what must never happen is
// refused, and what may happen beside it is not.
func TestTheModelRefusesWrongHistories(t *testing.T) {
	const ann, bob, one, two = 0, 1, 0, 1
	has := func(license, user int) response { return response{license: license, user: user, status: "assigned"} }
	back := func(license int) response { return response{license: license, user: nobody, status: "available"} }
	ended := func(license int) response { return response{license: license, user: nobody, status: "terminated"} }
	no := func(slug string) response { return response{refusal: slug} }
	counted := func(bought, assigned, available int) response {
		return response{
			license: nothing,
			user:    nobody,
			seats:   seats{Bought: bought, Assigned: assigned, Available: available},
		}
	}
	look := request{summary, nothing, nobody}
	for name, c := range map[string]struct {
		initial string
		history []porcupine.Operation
		want    porcupine.CheckResult
	}{
		"two winners of one seat": {"f", []porcupine.Operation{
			told(1, 4, request{pick, nothing, ann}, has(one, ann)),
			told(2, 3, request{pick, nothing, bob}, has(one, bob)),
		}, porcupine.Illegal},
		"one winner of one seat": {"f", []porcupine.Operation{
			told(1, 4, request{pick, nothing, ann}, no("not-enough-licenses")),
			told(2, 3, request{pick, nothing, bob}, has(one, bob)),
		}, porcupine.Ok},
		"a refusal while a seat was free all the time": {"ff", []porcupine.Operation{
			told(1, 4, request{pick, nothing, ann}, no("not-enough-licenses")),
			told(2, 3, request{pick, nothing, bob}, has(two, bob)),
		}, porcupine.Illegal},
		"a refusal of who holds one": {"f", []porcupine.Operation{
			told(1, 4, request{pick, nothing, ann}, has(one, ann)),
			told(2, 3, request{pick, nothing, ann}, no("not-enough-licenses")),
		}, porcupine.Illegal},
		"a stale summary after a write": {"f", []porcupine.Operation{
			told(1, 2, request{assign, one, ann}, has(one, ann)), told(3, 4, look, counted(1, 0, 1)),
		}, porcupine.Illegal},
		"an old summary beside a write": {"f", []porcupine.Operation{
			told(1, 3, request{assign, one, ann}, has(one, ann)), told(2, 4, look, counted(1, 0, 1)),
		}, porcupine.Ok},
		"summaries that go back": {"f", []porcupine.Operation{
			told(1, 9, request{assign, one, ann}, has(one, ann)),
			told(2, 3, look, counted(1, 1, 0)),
			told(4, 5, look, counted(1, 0, 1)),
		}, porcupine.Illegal},
		"a lost unassign": {"A", []porcupine.Operation{
			told(1, 2, request{unassign, one, nobody}, back(one)),
			told(3, 4, request{getLicense, one, nobody}, has(one, ann)),
		}, porcupine.Illegal},
		"an unassign of two": {"A", []porcupine.Operation{
			told(1, 2, request{unassign, one, nobody}, back(one)),
			told(3, 4, request{unassign, one, nobody}, back(one)),
		}, porcupine.Illegal},
		"two licenses of one user": {"ff", []porcupine.Operation{
			told(1, 2, request{assign, one, ann}, has(one, ann)), told(3, 4, request{assign, two, ann}, has(two, ann)),
		}, porcupine.Illegal},
		"a reassignment that leaves two holders": {"A", []porcupine.Operation{
			told(1, 2, request{reassign, one, bob}, has(one, bob)),
			told(3, 4, request{remove, nothing, ann}, back(one)),
		}, porcupine.Illegal},
		"a reassignment to who has one": {"AB", []porcupine.Operation{
			told(1, 2, request{reassign, one, bob}, has(one, bob)),
		}, porcupine.Illegal},
		"a license that comes back from its end": {"f", []porcupine.Operation{
			told(1, 2, request{terminate, one, nobody}, ended(one)),
			told(3, 4, request{assign, one, ann}, has(one, ann)),
		}, porcupine.Illegal},
		"the end of a license in use": {"A", []porcupine.Operation{
			told(1, 2, request{terminate, one, nobody}, ended(one)),
		}, porcupine.Illegal},
		"half an order": {"--", []porcupine.Operation{
			told(1, 4, request{buy, nothing, nobody}, response{license: nothing, user: nobody, added: []int{one, two}}),
			told(2, 3, look, counted(1, 0, 1)),
		}, porcupine.Illegal},
		"an order of which a license is seen before the rest": {"--", []porcupine.Operation{
			told(1, 6, request{buy, nothing, nobody}, response{license: nothing, user: nobody, added: []int{one, two}}),
			told(2, 3, request{getLicense, one, nobody}, back(one)),
			told(4, 5, request{getLicense, two, nobody}, no("not-found")),
		}, porcupine.Illegal},
		"an unknown outcome that was none": {
			"f",
			[]porcupine.Operation{unknown(1, request{assign, one, ann}), told(3, 4, look, counted(1, 0, 1))},
			porcupine.Ok,
		},
		"an unknown outcome that was success": {
			"f",
			[]porcupine.Operation{unknown(1, request{pick, nothing, ann}), told(3, 4, look, counted(1, 1, 0))},
			porcupine.Ok,
		},
		"an unknown outcome that was both": {"f", []porcupine.Operation{
			unknown(1, request{pick, nothing, ann}),
			told(3, 4, look, counted(1, 1, 0)),
			told(5, 6, look, counted(1, 0, 1)),
		}, porcupine.Illegal},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judge(c.initial, c.history); got != c.want {
				t.Fatalf("porcupine says %s, want %s", got, c.want)
			}
		})
	}
}

// unknown is a request of which nobody knows what became of it, nor when.
func unknown(from int64, q request) porcupine.Operation {
	return porcupine.Operation{Input: q, Call: from, Output: response{unknown: true}, Return: math.MaxInt64}
}
