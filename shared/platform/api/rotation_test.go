package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/keyring"
)

// rotated is a secret as Secrets Manager keeps it: the present value and the one before it.
type rotated struct {
	values [][]byte
	away   bool
}

func (s *rotated) rotate(value string) {
	s.values = append([][]byte{[]byte(value)}, s.values...)
	s.values = s.values[:min(2, len(s.values))]
}

// process is a function's process that reads the secret.
func (s *rotated) process(t *testing.T) *module {
	t.Helper()
	m := open(t)
	m.Env.CursorKeys = keyring.New(func(context.Context) ([][]byte, error) {
		if s.away {
			return nil, errors.New("secrets manager at its address says AccessDenied")
		}
		return s.values, nil
	}, m.Clock.Now)
	return m
}

// later is a time in which each process has read the secret again.
func later(processes ...*module) {
	for _, one := range processes {
		one.Clock.Add(keyring.Life)
	}
}

func (r *module) cursor(t *testing.T) string {
	t.Helper()
	return fixtures.Decode[api.List[string]](t, r.send(t, "GET", things, nil), 200).NextCursor
}

// A cursor is in somebody's hands while the key is rotated once, and twice.
func TestACursorOutlivesOneRotation(t *testing.T) {
	s := &rotated{}
	s.rotate("the first value of the key")
	one, other := s.process(t), s.process(t)
	old := one.cursor(t)
	if got := other.cursor(t); got != old {
		t.Fatalf("two processes seal %s and %s", old, got)
	}
	s.rotate("the second value of the key")
	later(one)
	fresh := one.cursor(t)
	if old == fresh {
		t.Error("a new cursor is made with the old value")
	}
	// The other process has not read the second value: it does when it meets what was sealed with it.
	if got := other.cursor(t); got != old {
		t.Errorf("sealed %s at once, want %s for five minutes", got, old)
	}
	other.Clock.Add(keyring.Pause)
	for name, process := range map[string]*module{"one": one, "other": other} {
		for which, cursor := range map[string]string{"old": old, "fresh": fresh} {
			if got := process.send(t, "GET", things+"?cursor="+cursor, nil); got.Status != 200 {
				t.Errorf("the %s cursor at %s process: %d %s", which, name, got.Status, got.Body)
			}
		}
	}
	s.rotate("the third value of the key")
	later(one, other)
	for name, process := range map[string]*module{"one": one, "other": other} {
		fixtures.Problem(t, process.send(t, "GET", things+"?cursor="+old, nil), 400, "malformed-body")
		if got := process.send(t, "GET", things+"?cursor="+fresh, nil); got.Status != 200 {
			t.Errorf("a cursor of the value before, at %s process: %d", name, got.Status)
		}
	}
}

// So does the plan of a dry run, which is signed with the same key.
func TestAPlanOutlivesOneRotation(t *testing.T) {
	s := &rotated{}
	s.rotate("the first value of the key")
	r := s.process(t)
	foresee := func() string {
		got := r.send(t, "POST", things+"?dryRun=true", `{"name":"a"}`)
		return fixtures.Decode[struct{ Plan string }](t, got, 200).Plan
	}
	old := foresee()
	s.rotate("the second value of the key")
	later(r)
	fresh := foresee()
	s.rotate("the third value of the key")
	if got := r.send(t, "POST", things, `{"name":"a"}`, "If-Plan", old); got.Status != 201 {
		t.Errorf("with the plan of the value before: %d %s", got.Status, got.Body)
	}
	later(r)
	fixtures.Problem(t, r.send(t, "POST", things, `{"name":"a"}`, "If-Plan", old), 409, "plan-stale")
	if got := r.send(t, "POST", things, `{"name":"a"}`, "If-Plan", fresh); got.Status != 201 {
		t.Errorf("with a plan of the value before: %d %s", got.Status, got.Body)
	}
}

// While there is no key, what needs one fails, and nothing else does.
func TestWithoutAKeyNothingIsSealed(t *testing.T) {
	s := &rotated{away: true}
	r := s.process(t)
	for method, path := range map[string]string{"GET": things, "POST": things + "?dryRun=true"} {
		var body any
		if method == "POST" {
			body = `{"name":"a"}`
		}
		got := r.send(t, method, path, body)
		if got.Status != 500 || strings.Contains(string(got.Body), "AccessDenied") {
			t.Errorf("%s %s: %d %s", method, path, got.Status, got.Body)
		}
	}
	if !strings.Contains(r.Logs.String(), "AccessDenied") {
		t.Errorf("the log does not say why: %s", r.Logs)
	}
	if got := r.send(t, "POST", things, `{"name":"a"}`); got.Status != 201 {
		t.Errorf("a request that needs no key: %d %s", got.Status, got.Body)
	}
	s.away = false
	s.rotate("the first value of the key")
	if r.cursor(t) == "" {
		t.Error("no cursor once there is a key")
	}
}
