// Package session keeps who is signed in, in cookies that only the console can read: there is no
// store behind it (requirements, section 11).
package session

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/keyring"
)

const (
	// Idle is how long a session lasts without a page being asked for, and Absolute how long it
	// lasts at all (docs/console.md, Sessions).
	Idle = 2 * time.Hour
	// Absolute is how long a session lasts after signing in, however busy it is.
	Absolute = 12 * time.Hour
	// Most is how many bytes the session's cookies have in all, in the header that a browser sends:
	// a gateway takes 10 KB of headers (requirements, section 11).
	Most = 7000

	// chunk is the most of a value in one cookie: browsers take 4,096 bytes of name, value and
	// attributes.
	chunk = 3600
	// touchAfter is how old the note of the last use may be before it is written again.
	touchAfter = 5 * time.Minute
	mostOpened = 64 << 10
)

var (
	// ErrNone is returned when there is no session: no cookie, an old one, or one that nobody here
	// has sealed.
	ErrNone = errors.New("nobody is signed in")
	// ErrTorn is returned when the cookies are of two sealings: another tab is just getting new
	// ones.
	ErrTorn = errors.New("the session's cookies do not belong together")
	// ErrTooLarge is returned when tokens are too large for the cookies.
	ErrTooLarge = fmt.Errorf("the session has more than %d bytes", Most)
)

// Session is who is signed in.
type Session struct {
	// User and Account are those of the API's GET /v1/me.
	User    string `json:"u"`
	Account string `json:"c"`
	// Access is good until AccessUntil; Refresh gets the next one, and is empty where the provider
	// gives none.
	Access      string    `json:"a"`
	AccessUntil time.Time `json:"x"`
	Refresh     string    `json:"r,omitempty"`
	Began       time.Time `json:"b"`
	Used        time.Time `json:"l"`
}

// Over says whether the session has ended unasked.
func (s *Session) Over(now time.Time) bool {
	return now.Sub(s.Used) > Idle || now.Sub(s.Began) > Absolute
}

// Stale says whether the note of the last use should be written again.
func (s *Session) Stale(now time.Time) bool { return now.Sub(s.Used) > touchAfter }

// Keys are what cookies are sealed with. They are safe for concurrent use.
type Keys struct{ ring *keyring.Ring[sealer] }

type sealer struct {
	id   [4]byte
	aead cipher.AEAD
}

// NewKeys takes where the secrets come from: the first one seals, any one opens.
func NewKeys(read func(context.Context) ([][]byte, error), clock app.Clock) *Keys {
	return &Keys{keyring.New(func(ctx context.Context) ([]sealer, error) {
		secrets, err := read(ctx)
		if err != nil {
			return nil, err
		}
		return sealersOf(secrets)
	}, clock)}
}

// sealersOf derives what cookies are sealed with from secrets.
func sealersOf(secrets [][]byte) ([]sealer, error) {
	var sealers []sealer
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, secret, nil, "seatwise console cookies", 32)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("use a key: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("use a key: %w", err)
		}
		one := sealer{aead: aead}
		sum := sha256.Sum256(append([]byte("id of "), key...))
		copy(one.id[:], sum[:])
		sealers = append(sealers, one)
	}
	return sealers, nil
}

// Seal makes a text of a value that only Open with the same purpose reads.
func (k *Keys) Seal(ctx context.Context, purpose string, value any) (string, error) {
	first, err := k.ring.First(ctx)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	plain, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	// Tokens are base64 of what is mostly random, so a third of it can go again.
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.HuffmanOnly)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	sealed := make(
		[]byte,
		len(first.id)+first.aead.NonceSize(),
		len(first.id)+first.aead.NonceSize()+packed.Len()+first.aead.Overhead(),
	)
	copy(sealed, first.id[:])
	nonce := sealed[len(first.id):]
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(first.aead.Seal(sealed, nonce, packed.Bytes(), []byte(purpose))), nil
}

// Open reads what Seal made.
//
// Errors: ErrNone for what nobody here has sealed for this purpose; those of reading the keys.
func (k *Keys) Open(ctx context.Context, purpose, text string, value any) error {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ErrNone
	}
	one, known, err := k.ring.Find(ctx, func(one sealer) bool {
		return len(sealed) >= len(one.id)+one.aead.NonceSize() && bytes.Equal(sealed[:len(one.id)], one.id[:])
	})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if !known {
		return ErrNone
	}
	n := len(one.id) + one.aead.NonceSize()
	packed, err := one.aead.Open(nil, sealed[len(one.id):n], sealed[n:], []byte(purpose))
	if err != nil {
		return ErrNone
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), mostOpened))
	if err != nil || json.Unmarshal(plain, value) != nil {
		return ErrNone
	}
	return nil
}

// Jar writes and reads the console's cookies.
type Jar struct {
	Keys *Keys
	// Secure is for HTTPS: cookies are then only sent over it, and bear the prefix that no other
	// host and no plain page can set.
	Secure bool
}

const (
	purposeSession = "session"
	plainName      = "seatwise-"
	hostPrefix     = "__Host-"
)

func (j Jar) name(name string) string {
	if j.Secure {
		return hostPrefix + plainName + name
	}
	return plainName + name
}

func (j Jar) cookie(name, value string, life time.Duration) *http.Cookie {
	age := int(life.Seconds())
	if age <= 0 {
		age = -1
	}
	return &http.Cookie{ //nolint:gosec // Secure is left out where there is no HTTPS: on one machine
		Name:     j.name(name),
		Value:    value,
		Path:     "/",
		MaxAge:   age,
		Secure:   j.Secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// Put writes the session into cookies.
//
// Errors: ErrTooLarge.
func (j Jar) Put(ctx context.Context, w http.ResponseWriter, r *http.Request, s *Session) error {
	text, err := j.Keys.Seal(ctx, purposeSession, s)
	if err != nil {
		return err
	}
	// Each part bears the same mark, so that parts of two sealings are not taken for one.
	var marker [3]byte
	if _, err := rand.Read(marker[:]); err != nil {
		return fmt.Errorf("put the session: %w", err)
	}
	before := base64.RawURLEncoding.EncodeToString(marker[:]) + "."
	var parts []*http.Cookie
	for i := 0; text != ""; i++ {
		part := text[:min(chunk, len(text))]
		text = text[len(part):]
		parts = append(parts, j.cookie("session-"+strconv.Itoa(i), before+part, Absolute))
	}
	//nolint:gosec // made by cookie; Secure is left out where there is no HTTPS
	parts[0].Value = strconv.Itoa(len(parts)) + "." + parts[0].Value
	if Size(parts) > Most {
		return ErrTooLarge
	}
	for _, part := range parts {
		http.SetCookie(w, part)
	}
	j.drop(w, r, len(parts))
	return nil
}

// Size is how many bytes cookies take in the header that a browser sends.
func Size(cookies []*http.Cookie) int {
	n := len("Cookie: ")
	for _, c := range cookies {
		n += len(c.Name) + len("=") + len(c.Value) + len("; ")
	}
	return n
}

// Get reads the session.
//
// Errors: ErrNone, ErrTorn; those of reading the keys.
func (j Jar) Get(ctx context.Context, r *http.Request) (*Session, error) {
	first, err := r.Cookie(j.name("session-0"))
	if err != nil {
		return nil, ErrNone
	}
	count, rest, _ := strings.Cut(first.Value, ".")
	marker, text, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > Most/chunk+1 {
		return nil, ErrNone
	}
	for i := 1; i < n; i++ {
		part, err := r.Cookie(j.name("session-" + strconv.Itoa(i)))
		if err != nil {
			return nil, ErrTorn
		}
		m, more, _ := strings.Cut(part.Value, ".")
		if m != marker {
			return nil, ErrTorn
		}
		text += more
	}
	s := new(Session)
	if err := j.Keys.Open(ctx, purposeSession, text, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Drop ends the session in the browser.
func (j Jar) Drop(w http.ResponseWriter, r *http.Request) { j.drop(w, r, 0) }

// drop removes the parts from one on that the browser has sent.
func (j Jar) drop(w http.ResponseWriter, r *http.Request, from int) {
	for i := from; i <= Most/chunk+1; i++ {
		name := "session-" + strconv.Itoa(i)
		if _, err := r.Cookie(j.name(name)); err == nil {
			http.SetCookie(w, j.cookie(name, "", 0))
		}
	}
}

// PutShort writes a sealed value for a short time, such as what a sign-in under way must remember.
func (j Jar) PutShort(ctx context.Context, w http.ResponseWriter, name string, value any, life time.Duration) error {
	text, err := j.Keys.Seal(ctx, name, value)
	if err != nil {
		return err
	}
	http.SetCookie(w, j.cookie(name, text, life))
	return nil
}

// GetShort reads what PutShort wrote.
//
// Errors: ErrNone.
func (j Jar) GetShort(ctx context.Context, r *http.Request, name string, value any) error {
	c, err := r.Cookie(j.name(name))
	if err != nil {
		return ErrNone
	}
	return j.Keys.Open(ctx, name, c.Value, value)
}

// DropShort removes it.
func (j Jar) DropShort(w http.ResponseWriter, name string) {
	http.SetCookie(w, j.cookie(name, "", 0))
}

// choiceLife is how long a browser keeps what a reader chose; none keeps a cookie for longer.
const choiceLife = 400 * 24 * time.Hour

// Keep writes a choice of the reader, which is no secret and names nobody: it is not sealed, so it
// outlasts the keys, and no script reads it. An empty value removes it.
func (j Jar) Keep(w http.ResponseWriter, name, value string) {
	life := choiceLife
	if value == "" {
		life = 0
	}
	http.SetCookie(w, j.cookie(name, value, life))
}

// Kept reads what Keep wrote; empty if there is none.
func (j Jar) Kept(r *http.Request, name string) string {
	c, err := r.Cookie(j.name(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// Plain reads a cookie that a script of ours has set, such as the time zone of the reader; empty if
// there is none.
func Plain(r *http.Request, name string) string {
	c, err := r.Cookie(plainName + name)
	if err != nil {
		return ""
	}
	return c.Value
}
