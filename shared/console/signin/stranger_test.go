package signin_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"

	"seatwise/shared/console/signin"
)

// stranger is the provider that nobody here wrote: the example server of zitadel/oidc, which is
// certified by the OpenID Foundation as a library.
const stranger = "github.com/zitadel/oidc/v3/example/server@v3.52.0"

// startWait bounds how long it may take to be installed and to answer.
const startWait = 5 * time.Minute

// console is what the example server knows as a native client: public, with PKCE.
const (
	client   = "native"
	redirect = "http://localhost/auth/callback"
)

func startStranger(t *testing.T) (issuer string) {
	t.Helper()
	bin := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", stranger)
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	install.Dir = bin // outside of this module, whose go.mod it must not touch
	if out, err := install.CombinedOutput(); err != nil {
		// Like the servers of infra/testing/programs: what is missing fails in CI, and says what to do
		// elsewhere.
		if os.Getenv("CI") == "true" {
			t.Fatalf("the identity provider %s cannot be installed: %v: %s", stranger, err, out)
		}
		t.Skipf("install %s to run this test: %v: %s", stranger, err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	issuer = "http://localhost:" + port + "/"
	server := exec.CommandContext(t.Context(), filepath.Join(bin, "server"))
	server.Env = append(os.Environ(), "PORT="+port, "REDIRECT_URI="+redirect)
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGKILL) }
	server.Stdout, server.Stderr = io.Discard, io.Discard
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for deadline := time.Now().Add(startWait); ; {
		response, err := http.Get(issuer + ".well-known/openid-configuration")
		if err == nil {
			_ = response.Body.Close()
			return issuer
		}
		if time.Now().After(deadline) {
			t.Fatalf("the provider does not answer: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// signInThere fills in the provider's own page, and is the browser that it sends back.
func signInThere(t *testing.T, target string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirect) {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	root, err := html.Parse(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	form, action := url.Values{}, page.Request.URL
	for n := range root.Descendants() {
		value := map[string]string{}
		for _, a := range n.Attr {
			value[a.Key] = a.Val
		}
		switch n.Data {
		case "form":
			if action, err = action.Parse(value["action"]); err != nil {
				t.Fatal(err)
			}
		case "input":
			form.Set(value["name"], value["value"])
		}
	}
	form.Set("username", "test-user@localhost")
	form.Set("password", "verysecure")
	answer, err := browser.PostForm(action.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if back == nil {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("not signed in: %d at %s: %s", answer.StatusCode, answer.Request.URL, text)
	}
	return back.Query()
}

// TestAProviderOfStrangers goes through all that the console asks of a provider: discovery, the
// code flow with PKCE, refresh with rotation, revocation, and the end.
func TestAProviderOfStrangers(t *testing.T) {
	issuer := startStranger(t)
	p := signin.New(signin.Options{Issuer: issuer, ClientID: client, HTTP: http.DefaultClient, Clock: time.Now})
	ctx := context.WithoutCancel(t.Context())
	attempt, target, err := p.Begin(ctx, redirect, "/console/acme/", "")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := regexp.MatchString(
		`code_challenge=[^&]{43}&code_challenge_method=S256.*&nonce=.+&state=`,
		target,
	); !ok {
		t.Errorf("it goes to %s", target)
	}
	query := signInThere(t, target)
	tokens, err := p.Finish(ctx, redirect, attempt, query)
	if err != nil || tokens.Access == "" || tokens.Refresh == "" || time.Until(tokens.Until) <= 0 {
		t.Fatalf("%+v, %v", tokens, err)
	}
	if _, err := p.Finish(ctx, redirect, attempt, query); !errors.Is(err, signin.ErrRefused) {
		t.Errorf("a code that was used: %v", err)
	}

	// An ID token of another sign-in, and a verifier that is not the one of the challenge.
	again, target, err := p.Begin(ctx, redirect, "", "")
	if err != nil {
		t.Fatal(err)
	}
	query = signInThere(t, target)
	other := *again
	other.Nonce = "another"
	if _, err := p.Finish(ctx, redirect, &other, query); !errors.Is(err, signin.ErrRefused) {
		t.Errorf("another nonce: %v", err)
	}
	again, target, err = p.Begin(ctx, redirect, "", "")
	if err != nil {
		t.Fatal(err)
	}
	query, other = signInThere(t, target), *again
	other.Verifier = strings.Repeat("x", 43)
	if _, err := p.Finish(ctx, redirect, &other, query); !errors.Is(err, signin.ErrRefused) {
		t.Errorf("another verifier: %v", err)
	}

	// Two tabs come with the same refresh token, which is good once.
	got := make(chan signin.Tokens, 2)
	for range 2 {
		go func() {
			fresh, err := p.Refresh(ctx, tokens.Refresh)
			if err != nil {
				t.Error(err)
			}
			got <- fresh
		}()
	}
	first, second := <-got, <-got
	if first != second || first.Access == "" || first.Refresh == tokens.Refresh {
		t.Errorf("two tabs got %+v and %+v", first, second)
	}
	// Another process has not seen the first exchange: it is refused.
	elsewhere := signin.New(signin.Options{Issuer: issuer, ClientID: client, HTTP: http.DefaultClient, Clock: time.Now})
	if _, err := elsewhere.Refresh(ctx, tokens.Refresh); !errors.Is(err, signin.ErrRefused) {
		t.Errorf("a refresh token that was used: %v", err)
	}

	if err := p.Revoke(ctx, first.Refresh); err != nil {
		t.Error(err)
	}
	if _, err := elsewhere.Refresh(ctx, first.Refresh); !errors.Is(err, signin.ErrRefused) {
		t.Errorf("a refresh token that was revoked: %v", err)
	}
	if end := p.EndAddress(
		ctx,
		"http://localhost/out",
	); !strings.HasPrefix(end, issuer) ||
		!strings.Contains(end, "post_logout_redirect_uri=") {
		t.Errorf("the session ends at %q", end)
	}
}

func TestADeploymentWithoutAProvider(t *testing.T) {
	p := signin.New(signin.Options{HTTP: http.DefaultClient, Clock: time.Now})
	if _, _, err := p.Begin(t.Context(), redirect, "", ""); !errors.Is(err, signin.ErrNotConfigured) {
		t.Errorf("got %v", err)
	}
}
