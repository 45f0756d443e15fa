package keyring_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"seatwise/shared/platform/keyring"
)

// store is where keys are kept, and who reads them there at what time.
type store struct {
	keys  []string
	err   error
	now   time.Time
	reads int
	waits bool
}

func (s *store) ring() *keyring.Ring[string] {
	return keyring.New(func(ctx context.Context) ([]string, error) {
		s.reads++
		if s.waits {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return slices.Clone(s.keys), s.err
	}, func() time.Time { return s.now })
}

func (s *store) pass(d time.Duration) { s.now = s.now.Add(d) }

func first(t *testing.T, r *keyring.Ring[string]) string {
	t.Helper()
	key, err := r.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func has(t *testing.T, r *keyring.Ring[string], key string) bool {
	t.Helper()
	got, found, err := r.Find(t.Context(), func(k string) bool { return k == key })
	if err != nil || found && got != key {
		t.Fatalf("got %q, %v", got, err)
	}
	return found
}

func TestKeysAreReadAtTheFirstUseAndAgainAfterFiveMinutes(t *testing.T) {
	s := &store{keys: []string{"one"}}
	r := s.ring()
	if s.reads != 0 {
		t.Fatal("read before somebody needs them")
	}
	for range 3 {
		if first(t, r) != "one" || !has(t, r, "one") {
			t.Error("not the key that is there")
		}
		s.pass(90 * time.Second)
	}
	if s.reads != 1 {
		t.Errorf("read %d times in three minutes", s.reads)
	}
	s.keys = []string{"two", "one"}
	s.pass(30 * time.Second) // five minutes since
	if first(t, r) != "two" || !has(t, r, "one") || s.reads != 2 {
		t.Errorf("after five minutes %q, read %d times", first(t, r), s.reads)
	}
	s.keys = []string{"three", "two"}
	s.pass(keyring.Life)
	if has(t, r, "one") || !has(t, r, "two") || first(t, r) != "three" {
		t.Error("a key holds after the second rotation, or the one before it does not")
	}
}

// A process that has read the keys before a rotation meets what another one has sealed after it.
func TestAnUnknownKeyIsLookedForAtOnce(t *testing.T) {
	s := &store{keys: []string{"one"}}
	r := s.ring()
	first(t, r)
	s.keys = []string{"two", "one"}
	s.pass(keyring.Pause)
	if !has(t, r, "two") || s.reads != 2 {
		t.Errorf("not found, and read %d times", s.reads)
	}
	for range 50 { // what nobody has sealed does not have them read with every request
		if has(t, r, "forged") {
			t.Error("a forged key fits")
		}
	}
	if s.reads != 2 {
		t.Errorf("read %d times for forged keys", s.reads)
	}
}

func TestKeysThatCannotBeReadAgainAreUsedAsTheyWere(t *testing.T) {
	away := errors.New("away")
	s := &store{keys: []string{"one"}}
	r := s.ring()
	first(t, r)
	s.err = away
	s.pass(time.Hour)
	for range 20 { // and are not asked for with every request
		if first(t, r) != "one" || has(t, r, "two") {
			t.Error("not the key that was there")
		}
	}
	if s.reads != 2 {
		t.Errorf("read %d times while it fails", s.reads)
	}
	s.err, s.waits = nil, true // no answer at all holds nobody up for long
	s.pass(keyring.Pause)
	began := time.Now()
	if first(t, r) != "one" || time.Since(began) > 10*time.Second {
		t.Errorf("held up for %s", time.Since(began))
	}
	s.waits, s.keys = false, []string{"two"}
	s.pass(keyring.Pause)
	if first(t, r) != "two" {
		t.Error("not read again once they can be")
	}
}

func TestWithoutAnyKeyThereIsAnError(t *testing.T) {
	away := errors.New("away")
	s := &store{err: away}
	r := s.ring()
	if key, err := r.First(t.Context()); !errors.Is(err, away) || key != "" {
		t.Errorf("got %q, %v", key, err)
	}
	s.err = nil
	if _, _, err := r.Find(t.Context(), func(string) bool { return true }); err == nil {
		t.Error("found a key where there is none")
	}
	s.keys = []string{"one"}
	if first(t, r) != "one" {
		t.Error("not read at the next use")
	}
}

func TestFixedKeysStay(t *testing.T) {
	r := keyring.Fixed("one", "two")
	if first(t, r) != "one" || !has(t, r, "two") || has(t, r, "three") {
		t.Error("not the keys that were given")
	}
}
