package runner_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatwise/shared/platform/auth"
)

// dial opens a connection to the API and sends something.
func (r *running) dial(t *testing.T, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(r.api, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func status(t *testing.T, c net.Conn, in *bufio.Reader) int {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// Whoever has no token is told so before a byte of the body is there: what strangers send is not
// kept.
func TestStrangersSendNothing(t *testing.T) {
	var read atomic.Bool
	w := &world{web: func(rw http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		read.Store(true)
		if err != nil {
			rw.WriteHeader(http.StatusRequestTimeout)
		}
	}}
	c := config(t, w, t.TempDir())
	c.Silence = 200 * time.Millisecond
	r := start(t, c)
	head := "PUT /v1/things/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
	conn, in := r.dial(t, head+"\r\n")
	if got := status(t, conn, in); got != http.StatusUnauthorized || read.Load() {
		t.Errorf("without a token: %d, read %v", got, read.Load())
	}
	// And whose body stays away is cut off, token or not.
	conn, in = r.dial(t, head+"Authorization: Bearer "+r.token(auth.AuditRead)+"\r\n\r\n{")
	if got := status(t, conn, in); got != http.StatusRequestTimeout {
		t.Errorf("a body that stays away: %d", got)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
	// One that comes drop by drop is too slow as well.
	conn, in = r.dial(t, head+"Authorization: Bearer "+r.token(auth.AuditRead)+"\r\n\r\n")
	stop := make(chan struct{})
	var drops sync.WaitGroup
	drops.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				if _, err := io.WriteString(conn, " "); err != nil {
					return
				}
			}
		}
	})
	if got := status(t, conn, in); got != http.StatusRequestTimeout {
		t.Errorf("drop by drop: %d", got)
	}
	close(stop)
	drops.Wait()
}

// A start writes nothing into files that are there, so that a full disk does not keep it from
// starting; and it removes what a killed process has left.
func TestAStartWritesNothing(t *testing.T) {
	data := t.TempDir()
	c := config(t, &world{}, data)
	c.Temp = filepath.Join(data, "tmp")
	files := func() map[string]string {
		t.Helper()
		found := map[string]string{}
		for _, name := range []string{"runner.bolt", "table.bolt", "cursor.key", "token-key.pem"} {
			body, err := os.ReadFile(filepath.Join(data, name))
			if err != nil {
				t.Fatal(err)
			}
			found[name] = string(body)
		}
		return found
	}
	start(t, c).stop()
	before := files()
	left := filepath.Join(c.Temp, "seatwise-upload-1")
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, c).stop()
	for name, body := range files() {
		if body != before[name] {
			t.Errorf("the second start writes %s", name)
		}
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("a file of a killed process is still there")
	}
}

// Each request leaves a line, without what it asked for.
func TestARequestLeavesALine(t *testing.T) {
	w := &world{web: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) }}
	c := config(t, w, t.TempDir())
	var mu sync.Mutex
	var log bytes.Buffer
	c.Log = slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), nil))
	r := start(t, c)
	r.do("GET", "/v1/health?q=zoe", "", nil)
	mu.Lock()
	defer mu.Unlock()
	if line := log.String(); !strings.Contains(line, "msg=request method=GET path=/v1/health status=418 ms=") ||
		strings.Contains(line, "zoe") {
		t.Errorf("%q", line)
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// The word roles leaves the claim out; all is every permission.
func TestWordsForPermissions(t *testing.T) {
	r := start(t, config(t, &world{}, t.TempDir()))
	for word, want := range map[string]int{"roles": -1, "all": len(auth.Permissions())} {
		request, err := http.NewRequestWithContext(context.Background(), "POST", r.api+"/local/token",
			strings.NewReader(fmt.Sprintf(`{"account":"acme","user":"zoe","permissions":%q}`, word)))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			AccessToken string `json:"accessToken"`
		}
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		body, err := base64.RawURLEncoding.DecodeString(strings.Split(got.AccessToken, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Permissions *[]string `json:"permissions"`
		}
		if err := json.Unmarshal(body, &claims); err != nil {
			t.Fatal(err)
		}
		switch {
		case want < 0 && claims.Permissions != nil:
			t.Errorf("%s: %s", word, body)
		case want >= 0 && (claims.Permissions == nil || len(*claims.Permissions) != want):
			t.Errorf("%s: %s", word, body)
		}
	}
}
