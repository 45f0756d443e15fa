package session_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seatwise/shared/console/session"
)

var began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// keys are secrets that a test may change.
type keys struct {
	secrets [][]byte
	now     time.Time
	reads   int
	err     error
}

func (k *keys) jar(secure bool) session.Jar {
	read := func(context.Context) ([][]byte, error) { k.reads++; return k.secrets, k.err }
	return session.Jar{Keys: session.NewKeys(read, func() time.Time { return k.now }), Secure: secure}
}

// random is a text of base64, as the parts of a token are.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)[:n]
}

func put(t *testing.T, jar session.Jar, s *session.Session) []*http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := jar.Put(t.Context(), w, httptest.NewRequest(http.MethodGet, "/", nil), s); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()
}

func with(cookies []*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func TestLargeTokensFit(t *testing.T) {
	for name, token := range map[string]func(int) string{
		"as tokens are": random,
		"any printable": func(n int) string {
			b := make([]byte, n)
			_, _ = rand.Read(b)
			for i := range b {
				b[i] = '!' + b[i]%94
			}
			return string(b)
		},
	} {
		jar := (&keys{secrets: [][]byte{[]byte("one")}, now: began}).jar(true)
		s := &session.Session{
			User: strings.Repeat(
				"u",
				128,
			),
			Account:     strings.Repeat("a", 64),
			Access:      token(3 << 10),
			Refresh:     token(2 << 10),
			AccessUntil: began,
			Began:       began,
			Used:        began,
		}
		cookies := put(t, jar, s)
		if size := session.Size(cookies); size > 7000 {
			t.Errorf("%s: %d bytes", name, size)
		}
		for _, c := range cookies {
			if len(c.String()) > 4096 || !strings.Contains(c.Name, "session") ||
				!strings.HasPrefix(c.Name, "__Host-") ||
				!c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode ||
				c.Path != "/" ||
				c.Domain != "" {
				t.Errorf("%s: %s has %d bytes: %+v", name, c.Name, len(c.String()), c)
			}
			if strings.Contains(c.Value, s.Refresh[:20]) {
				t.Errorf("%s: a token can be read", name)
			}
		}
		got, err := jar.Get(t.Context(), with(cookies))
		if err != nil || *got != *s {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestTokensThatAreTooLargeAreRefused(t *testing.T) {
	jar := (&keys{secrets: [][]byte{[]byte("one")}, now: began}).jar(true)
	w := httptest.NewRecorder()
	err := jar.Put(
		t.Context(),
		w,
		httptest.NewRequest(http.MethodGet, "/", nil),
		&session.Session{Access: random(8 << 10)},
	)
	if !errors.Is(err, session.ErrTooLarge) || len(w.Result().Cookies()) != 0 {
		t.Errorf("got %v, and %d cookies", err, len(w.Result().Cookies()))
	}
}

func TestRotatedKeys(t *testing.T) {
	k := &keys{secrets: [][]byte{[]byte("one")}, now: began}
	jar := k.jar(false)
	s := &session.Session{User: "ada", Account: "acme", Began: began, Used: began}
	old := put(t, jar, s)

	k.secrets = [][]byte{[]byte("two"), []byte("one")}
	k.now = k.now.Add(6 * time.Minute)
	if _, err := jar.Get(t.Context(), with(old)); err != nil {
		t.Errorf("under the key before: %v", err)
	}
	fresh := put(t, jar, s)
	// Another process that has read nothing but the old key finds the new one as soon as it needs
	// it.
	slow := &keys{secrets: [][]byte{[]byte("one")}, now: k.now}
	other := slow.jar(false)
	if _, err := other.Get(t.Context(), with(old)); err != nil {
		t.Error(err)
	}
	slow.secrets, slow.now = k.secrets, k.now.Add(time.Minute)
	if _, err := other.Get(t.Context(), with(fresh)); err != nil {
		t.Errorf("under a key that came meanwhile: %v", err)
	}
	k.secrets = [][]byte{[]byte("three"), []byte("two")}
	k.now = k.now.Add(6 * time.Minute)
	if _, err := jar.Get(t.Context(), with(old)); !errors.Is(err, session.ErrNone) {
		t.Errorf("under a key that is gone: %v", err)
	}
	// Strangers' cookies do not make the keys be read with every request.
	reads := k.reads
	for range 50 {
		_, _ = jar.Get(t.Context(), with(old))
	}
	if k.reads > reads+1 {
		t.Errorf("the keys were read %d times", k.reads-reads)
	}
	// Keys that cannot be read now are used as they were.
	k.err, k.now = errors.New("away"), k.now.Add(time.Hour)
	if _, err := jar.Get(t.Context(), with(fresh)); err != nil {
		t.Errorf("while the keys cannot be read: %v", err)
	}
}

func TestWhatWasAlteredDoesNotOpen(t *testing.T) {
	k := &keys{secrets: [][]byte{[]byte("one")}, now: began}
	jar := k.jar(false)
	s := &session.Session{User: "ada", Account: "acme", Access: random(4000)}
	cookies, others := put(t, jar, s), put(t, jar, s)
	if len(cookies) < 2 {
		t.Fatalf("%d cookies", len(cookies))
	}
	for name, test := range map[string]struct {
		change func([]*http.Cookie) []*http.Cookie
		want   error
	}{
		"nothing":        {func([]*http.Cookie) []*http.Cookie { return nil }, session.ErrNone},
		"a part missing": {func(c []*http.Cookie) []*http.Cookie { return c[:1] }, session.ErrTorn},
		"of two sealings": {
			func(c []*http.Cookie) []*http.Cookie { return []*http.Cookie{c[0], others[1]} }, session.ErrTorn,
		},
		"another purpose": {func([]*http.Cookie) []*http.Cookie { return short(t, jar) }, session.ErrNone},
		"a changed letter": {
			func(c []*http.Cookie) []*http.Cookie { return []*http.Cookie{flipped(c[0]), c[1]} }, session.ErrNone,
		},
	} {
		if _, err := jar.Get(t.Context(), with(test.change(cookies))); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func flipped(c *http.Cookie) *http.Cookie {
	changed := *c
	b := []byte(changed.Value)
	b[len(b)/2] ^= 1
	changed.Value = string(b)
	return &changed
}

// short is a session's text as another purpose sealed it.
func short(t *testing.T, jar session.Jar) []*http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := jar.PutShort(t.Context(), w, "flash", &session.Session{User: "eve"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	c := w.Result().Cookies()[0]
	return []*http.Cookie{{Name: "seatwise-session-0", Value: "1.abcd." + c.Value}}
}

func TestASmallerSessionLeavesNoPartOfALargerOne(t *testing.T) {
	jar := (&keys{secrets: [][]byte{[]byte("one")}, now: began}).jar(false)
	large := put(t, jar, &session.Session{Access: random(4000)})
	w := httptest.NewRecorder()
	if err := jar.Put(t.Context(), w, with(large), &session.Session{Access: "small"}); err != nil {
		t.Fatal(err)
	}
	gone := 0
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			gone++
		}
	}
	if gone != len(large)-1 {
		t.Errorf("%d of %d parts are removed", gone, len(large)-1)
	}
}

func TestTheEndsOfASession(t *testing.T) {
	s := &session.Session{Began: began, Used: began}
	for after, over := range map[time.Duration]bool{
		time.Hour: false, session.Idle: false, session.Idle + time.Second: true,
	} {
		if s.Over(began.Add(after)) != over {
			t.Errorf("idle for %s: over is not %v", after, over)
		}
	}
	s.Used = began.Add(session.Absolute)
	if s.Over(s.Used) || !s.Over(s.Used.Add(time.Second)) {
		t.Error("the absolute end")
	}
}
