package runner_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// send writes bytes to the runner and reads one answer: what no HTTP client would send.
func (r *running) send(t *testing.T, text string) (status int, contentType, body string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.api, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var p struct{ Type, Title string }
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		t.Errorf("%.60q: %v", text, err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), p.Type
}

// TestEveryRefusalIsAProblem has requests that net/http refuses before any handler sees them.
func TestEveryRefusalIsAProblem(t *testing.T) {
	w := &world{web: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) }}
	r := start(t, config(t, w, t.TempDir()))
	const host = "Host: x\r\n"
	for name, test := range map[string]struct {
		request string
		status  int
		slug    string
	}{
		"bad escape in the path":  {"GET /v1/things/%zz HTTP/1.1\r\n" + host + "\r\n", 400, "malformed-body"},
		"bad escape in the query": {"GET /v1/health?x=%zz HTTP/1.1\r\n" + host + "\r\n", 400, "malformed-body"},
		"no request":              {"hello\r\n\r\n", 400, "malformed-body"},
		"no host":                 {"GET /v1/health HTTP/1.1\r\n\r\n", 400, "malformed-body"},
		"bad header":              {"GET /v1/health HTTP/1.1\r\n" + host + "a b: c\r\n\r\n", 400, "malformed-body"},
		"long headers": {
			"GET /v1/health HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 20_000) + "\r\n\r\n", 431,
			"headers-too-large",
		},
		"endless headers": {
			"GET /v1/health HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 200_000) + "\r\n\r\n", 431,
			"headers-too-large",
		},
		"unknown coding": {
			"POST /v1/health HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 400, "malformed-body",
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, contentType, kind := r.send(t, test.request)
			if status != test.status || contentType != "application/problem+json" ||
				kind != "urn:seatwise:problem:"+test.slug {
				t.Errorf("%d %s %s", status, contentType, kind)
			}
		})
	}
}

func TestCrossOrigin(t *testing.T) {
	const origin = "https://portal.example.com"
	w := &world{web: func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Etag", `"1"`) }}
	c := config(t, w, t.TempDir())
	c.AllowedOrigins = []string{origin}
	r := start(t, c)
	preflight := func(origin string) http.Header {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, r.api+"/v1/things/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", "PUT")
		request.Header.Set("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,if-match")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.Header
	}
	h := preflight(origin)
	if h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Methods") == "" ||
		h.Get("Access-Control-Allow-Headers") == "" {
		t.Errorf("preflight: %v", h)
	}
	if h := preflight("https://elsewhere.example.com"); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a stranger's preflight: %v", h)
	}
	// the second is a 401, which a page must be able to read too
	for _, path := range []string{"/v1/health", "/v1/things/1"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.api+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.Header.Get("Access-Control-Allow-Origin") != origin ||
			!strings.Contains(fmt.Sprint(answer.Header["Access-Control-Expose-Headers"]), "Etag") {
			t.Errorf("%s: %d %v", path, answer.StatusCode, answer.Header)
		}
	}
}
