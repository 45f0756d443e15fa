// Package signin speaks OpenID Connect with the deployment's identity provider: the code flow with
// PKCE, refresh, revocation and the end of a session (requirements, section 11). It knows no
// provider in particular.
package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"seatwise/shared/platform/app"
)

const (
	// refreshKept is how long the answer to a refresh is given to whoever comes with the same
	// refresh token: the other tabs.
	refreshKept = time.Minute
	// guess is how long an access token is taken to last whose provider does not say.
	guess = 5 * time.Minute
	// providerWait bounds the talk with the provider that others wait for too, and that therefore
	// does not end with one of their requests.
	providerWait = 10 * time.Second
)

var (
	// ErrNotConfigured is returned when the deployment names no provider or no client.
	ErrNotConfigured = errors.New("this deployment names no identity provider for the console")
	// ErrRefused is wrapped when the provider does not take a code or a refresh token, or what it
	// gives is not for us.
	ErrRefused = errors.New("the identity provider refused")
)

// Tokens are what a provider gives.
type Tokens struct {
	Access, Refresh string
	Until           time.Time
}

// Options is what a Provider is made from.
type Options struct {
	Issuer, ClientID string
	Scopes           []string
	// HTTP is the way to the provider.
	HTTP  *http.Client
	Clock app.Clock
}

// Provider is the deployment's identity provider. It is safe for concurrent use.
type Provider struct {
	o Options

	mu    sync.Mutex
	found *found

	refreshing map[[sha256.Size]byte]*refreshed
}

// found is what discovery told.
type found struct {
	provider *oidc.Provider
	scopes   []string
	extra    struct {
		Revocation string   `json:"revocation_endpoint"`
		End        string   `json:"end_session_endpoint"`
		Scopes     []string `json:"scopes_supported"`
	}
}

type refreshed struct {
	done chan struct{}
	at   time.Time
	tok  Tokens
	err  error
}

// New makes a provider; it is asked for nothing before the first sign-in.
func New(o Options) *Provider {
	return &Provider{o: o, refreshing: map[[sha256.Size]byte]*refreshed{}}
}

// discover asks the provider what it offers, once.
//
// Errors: ErrNotConfigured.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	if p.o.Issuer == "" || p.o.ClientID == "" {
		return nil, ErrNotConfigured
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	// The key set keeps this context for later, so it must not be the request's.
	background := oidc.ClientContext(context.WithoutCancel(ctx), p.o.HTTP)
	provider, err := oidc.NewProvider(background, p.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the identity provider what it offers: %w", err)
	}
	f := &found{provider: provider, scopes: p.o.Scopes}
	if err := provider.Claims(&f.extra); err != nil {
		return nil, fmt.Errorf("read what the identity provider offers: %w", err)
	}
	if len(f.scopes) == 0 {
		f.scopes = []string{oidc.ScopeOpenID}
	}
	// Some give refresh tokens only for this scope, and others refuse a scope that they do not
	// know.
	if slices.Contains(f.extra.Scopes, oidc.ScopeOfflineAccess) && !slices.Contains(f.scopes, oidc.ScopeOfflineAccess) {
		f.scopes = append(slices.Clone(f.scopes), oidc.ScopeOfflineAccess)
	}
	p.found = f
	return f, nil
}

func (p *Provider) config(f *found, redirect string) *oauth2.Config {
	endpoint := f.provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client: it has no secret to send
	return &oauth2.Config{ClientID: p.o.ClientID, Endpoint: endpoint, RedirectURL: redirect, Scopes: f.scopes}
}

// Attempt is what a browser keeps while its person is at the provider.
type Attempt struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	// To is the page that was asked for.
	To string `json:"t"`
}

// Begin makes an attempt, and the address at the provider to go to. The hint is who signed in last;
// empty for nobody.
//
// Errors: ErrNotConfigured; those of reaching the provider.
func (p *Provider) Begin(ctx context.Context, redirect, to, hint string) (*Attempt, string, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return nil, "", err
	}
	a := &Attempt{
		State:    oauth2.GenerateVerifier(),
		Nonce:    oauth2.GenerateVerifier(),
		Verifier: oauth2.GenerateVerifier(),
		To:       to,
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	if hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	return a, p.config(f, redirect).AuthCodeURL(a.State, options...), nil
}

// Finish exchanges the code that the browser came back with.
//
// Errors: ErrRefused; those of reaching the provider.
func (p *Provider) Finish(ctx context.Context, redirect string, a *Attempt, query url.Values) (Tokens, error) {
	switch {
	case query.Get("state") == "" || query.Get("state") != a.State:
		return Tokens{}, fmt.Errorf("%w: it answered another question", ErrRefused)
	case query.Get("error") != "":
		return Tokens{}, fmt.Errorf("%w: %s", ErrRefused, query.Get("error"))
	}
	f, err := p.discover(ctx)
	if err != nil {
		return Tokens{}, err
	}
	ctx = oidc.ClientContext(ctx, p.o.HTTP)
	given, err := p.config(f, redirect).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Tokens{}, refusedOr(err)
	}
	raw, _ := given.Extra("id_token").(string)
	identity, err := f.provider.VerifierContext(ctx, &oidc.Config{ClientID: p.o.ClientID, Now: p.o.Clock}).
		Verify(ctx, raw)
	if err != nil {
		return Tokens{}, fmt.Errorf("%w: its ID token: %w", ErrRefused, err)
	}
	if identity.Nonce != a.Nonce {
		return Tokens{}, fmt.Errorf("%w: its ID token is of another sign-in", ErrRefused)
	}
	return p.tokens(given), nil
}

func (p *Provider) tokens(given *oauth2.Token) Tokens {
	t := Tokens{Access: given.AccessToken, Refresh: given.RefreshToken, Until: given.Expiry}
	if seconds := given.ExpiresIn; seconds > 0 {
		t.Until = p.o.Clock().Add(time.Duration(seconds) * time.Second) // by our clock, which judges it
	}
	if t.Until.IsZero() {
		t.Until = p.o.Clock().Add(guess)
	}
	return t
}

func refusedOr(err error) error {
	var retrieve *oauth2.RetrieveError
	if errors.As(err, &retrieve) && retrieve.Response != nil &&
		retrieve.Response.StatusCode < http.StatusInternalServerError {
		return fmt.Errorf("%w: %s", ErrRefused, retrieve.ErrorCode)
	}
	return fmt.Errorf("ask the identity provider: %w", err)
}

// Refresh gets new tokens. A provider may take a refresh token only once, and two tabs come with
// the same one: whoever comes while it is exchanged, or a little later, is given the same answer.
//
// Errors: ErrRefused; those of reaching the provider.
func (p *Provider) Refresh(ctx context.Context, refresh string) (Tokens, error) {
	digest := sha256.Sum256([]byte(refresh))
	p.mu.Lock()
	now := p.o.Clock()
	for old, r := range p.refreshing {
		if !r.at.IsZero() && now.Sub(r.at) > refreshKept {
			delete(p.refreshing, old)
		}
	}
	r, running := p.refreshing[digest]
	if !running {
		r = &refreshed{done: make(chan struct{})}
		p.refreshing[digest] = r
	}
	p.mu.Unlock()
	if running {
		select {
		case <-r.done:
			return r.tok, r.err
		case <-ctx.Done():
			return Tokens{}, ctx.Err()
		}
	}
	// The others wait for this one, so it does not end with the request that began it.
	background, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerWait)
	defer cancel()
	r.tok, r.err = p.refresh(background, refresh)
	p.mu.Lock()
	r.at = p.o.Clock()
	if r.err != nil {
		delete(p.refreshing, digest) // the next one may find the provider in a better mood
	}
	p.mu.Unlock()
	close(r.done)
	return r.tok, r.err
}

func (p *Provider) refresh(ctx context.Context, refresh string) (Tokens, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return Tokens{}, err
	}
	given, err := p.config(f, "").
		TokenSource(oidc.ClientContext(ctx, p.o.HTTP), &oauth2.Token{RefreshToken: refresh}).
		Token()
	if err != nil {
		return Tokens{}, refusedOr(err)
	}
	return p.tokens(given), nil // without rotation the library keeps the old refresh token
}

// Revoke makes a refresh token useless (RFC 7009). A provider that offers no revocation is no
// error.
func (p *Provider) Revoke(ctx context.Context, refresh string) error {
	f, err := p.discover(ctx)
	if err != nil || f.extra.Revocation == "" || refresh == "" {
		return err
	}
	body := url.Values{"token": {refresh}, "token_type_hint": {"refresh_token"}, "client_id": {p.o.ClientID}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.extra.Revocation, strings.NewReader(body.Encode()))
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := p.o.HTTP.Do(r)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("revoke: the provider answered %d", response.StatusCode)
	}
	return nil
}

// EndAddress is where a browser goes to end its session at the provider; empty where there is none.
func (p *Provider) EndAddress(ctx context.Context, back string) string {
	f, err := p.discover(ctx)
	if err != nil || f.extra.End == "" {
		return ""
	}
	target, err := url.Parse(f.extra.End)
	if err != nil {
		return ""
	}
	q := target.Query()
	q.Set("client_id", p.o.ClientID)
	q.Set("post_logout_redirect_uri", back)
	q.Set("logout_uri", back) // what Cognito calls it
	target.RawQuery = q.Encode()
	return target.String()
}
