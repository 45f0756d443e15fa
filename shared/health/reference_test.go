package health_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
)

// get asks without a token, as a browser does.
func get(t *testing.T, handler http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestTheDocumentIsServed(t *testing.T) {
	handler := serve(t, fixtures.New(t))
	plain := get(t, handler, "GET", "/v1/openapi.json")
	var document struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]any
	}
	if err := json.Unmarshal(plain.Body.Bytes(), &document); err != nil || plain.Code != 200 ||
		!strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Fatalf("%d, %v, version %q", plain.Code, err, document.OpenAPI)
	}
	for _, path := range []string{"/v1/health", "/v1/openapi.json", "/v1/accounts/{account}/licenses"} {
		if document.Paths[path] == nil {
			t.Errorf("the document lacks %s", path)
		}
	}
	zipped := get(t, handler, "GET", "/v1/openapi.json", "Accept-Encoding", "br, gzip;q=0.5")
	if zipped.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("not compressed: %v", zipped.Header())
	}
	r, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != plain.Body.String() {
		t.Errorf("compressed it is another document (%v)", err)
	}
	for _, refused := range []string{"gzip;q=0", "br", "", "gzip; q=0.0"} {
		a := get(t, handler, "GET", "/v1/openapi.json", "Accept-Encoding", refused)
		if a.Header().
			Get("Content-Encoding") !=
			"" {
			t.Errorf("compressed for %q", refused)
		}
	}
	yaml := get(t, handler, "GET", "/v1/openapi.yaml")
	if yaml.Code != 200 ||
		!strings.Contains(yaml.Body.String(), "\npaths:\n") {
		t.Errorf("the YAML: %d", yaml.Code)
	}
}

// TestTheReferencePage holds that the page needs nothing from elsewhere, and nothing that its own
// policy refuses.
func TestTheReferencePage(t *testing.T) {
	handler := serve(t, fixtures.New(t))
	page := get(t, handler, "GET", "/docs")
	html := page.Body.String()
	policy := page.Header().Get("Content-Security-Policy")
	if page.Code != 200 || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") ||
		strings.Contains(policy, "unsafe") ||
		policy == "" {
		t.Fatalf("%d %v", page.Code, page.Header())
	}
	if strings.Contains(html, "//") && strings.Contains(html, "http") && strings.Contains(html, "://") {
		t.Error("the page names an address of elsewhere")
	}
	if regexp.MustCompile(`<script>|<style|style="|onload=`).MatchString(html) {
		t.Error("the page has a script or a style in it, which its policy refuses")
	}
	parts := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(html, -1)
	if len(parts) < 4 {
		t.Fatalf("only %d parts", len(parts))
	}
	for _, part := range parts {
		for _, coding := range []string{"", "gzip"} {
			a := get(t, handler, "GET", "/"+part[1], "Accept-Encoding", coding)
			if a.Code != 200 || a.Body.Len() == 0 || a.Header().Get("Content-Type") == "" {
				t.Errorf("%s: %d", part[1], a.Code)
			}
		}
	}
	for _, path := range []string{"/docs/nothing.js", "/docs/..", "/docs/index.html", "/docs/embed.go"} {
		if a := get(t, handler, "GET", path); a.Code != 404 && a.Code != 307 {
			t.Errorf("%s: %d", path, a.Code)
		}
	}
}

func TestWhatNoRouteTakes(t *testing.T) {
	handler := serve(t, fixtures.New(t))
	const licenses = "/v1/accounts/acme/licenses"
	for _, test := range []struct {
		method, path string
		status       int
		slug, allow  string
	}{
		{"GET", "/nothing", 404, "not-found", ""},
		{"GET", "/", 404, "not-found", ""},
		{"POST", "/v2/health", 404, "not-found", ""},
		{"PUT", licenses, 405, "method-not-allowed", "GET"},
		{"PATCH", licenses + "/summary", 405, "method-not-allowed", "GET"}, // a license may be changed, the summary not
		{"HEAD", "/v1/accounts/acme/users/zoe", 405, "method-not-allowed", ""},
		{"TRACE", "/seatwise" + licenses, 405, "method-not-allowed", "GET"},
		{"GET", "/v1/accounts/acme/licenses/%zz", 400, "malformed-body", ""},
		{"GET", licenses, 404, "not-found", ""}, // its own route takes it; here it is nothing
	} {
		request := httptest.NewRequestWithContext(t.Context(), test.method, "/", nil)
		request.URL.Path, request.RequestURI = test.path, test.path
		if strings.Contains(test.path, "%zz") {
			request.URL.RawQuery, request.URL.Path = "q=%zz", licenses
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		var p struct{ Type string }
		if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
			t.Errorf("%s %s: %v", test.method, test.path, err)
		}
		if answer.Code != test.status || p.Type != "urn:seatwise:problem:"+test.slug ||
			test.allow != "" && answer.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: %d %s, Allow %q", test.method, test.path, answer.Code, answer.Body,
				answer.Header().Get("Allow"))
		}
	}
	for _, path := range []string{"/docs/", "/seatwise/docs/"} {
		slash := get(t, handler, "GET", path)
		to, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		to, err = to.Parse(slash.Header().Get("Location"))
		if err != nil || slash.Code != http.StatusPermanentRedirect || to.Path+"/" != path {
			t.Errorf("%s: %d, leads to %s, %v", path, slash.Code, to, err)
		}
	}
	options := get(t, handler, "OPTIONS", licenses)
	if options.Code != 204 || options.Header().Get("Allow") != "GET" || options.Body.Len() != 0 {
		t.Errorf("OPTIONS: %d, %v", options.Code, options.Header())
	}
}
