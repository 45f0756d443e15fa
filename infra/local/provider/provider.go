// Package provider is the OpenID provider of one machine (contract, On one machine): whoever comes
// chooses account, user and permissions, and is believed. What a client sees is what any provider
// does: discovery, the code flow with PKCE, refresh tokens that rotate, revocation, and the end of
// a session.
package provider

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/local/token"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
)

const (
	// ClientID is the only client: the console.
	ClientID = "seatwise-console"
	// AccessLife is how long an access token is good for (requirements, section 11).
	AccessLife = 15 * time.Minute

	codeLife    = time.Minute
	refreshLife = 30 * 24 * time.Hour
	// reuseGrace is how long after its use a refresh token that comes again is only refused. Later
	// its whole family is: somebody has a copy.
	reuseGrace = 30 * time.Second
	mostForm   = 64 << 10
)

// Options is what a Provider is made from.
type Options struct {
	// Issuer is the address of the runner: scheme, host and port.
	Issuer    string
	Authority *token.Authority
	State     *bbolt.DB
	Clock     app.Clock
	IDs       app.IDs
	Log       *slog.Logger
	// Propose is account/user that the page has filled in for who comes without a hint of the
	// client's; empty for nobody.
	Propose string
	// Permissions reads the field of that name as POST /local/token does; the text says what is
	// wrong with it.
	Permissions func(field string) (permissions []auth.Permission, fault string)
}

// Provider is safe for concurrent use.
type Provider struct {
	o Options

	mu    sync.Mutex
	codes map[string]code
	// lately is what somebody of an account signed in with last, since the runner began: it is proposed again.
	lately map[string]string
}

// who is whom a code or a refresh token is for.
type who struct {
	Account, User string
	// Permissions is nil for those of the user's roles.
	Permissions *[]auth.Permission
}

type code struct {
	who
	redirect, challenge, nonce string
	until                      time.Time
}

// kept is a refresh token, by its digest.
type kept struct {
	Who    who
	Family string
	Until  time.Time
	// Used is when it was exchanged; its family's next one counts since then.
	Used time.Time
}

var bucket = []byte("openid-refresh-tokens")

// New makes a provider.
func New(o Options) (*Provider, error) {
	there := false
	err := o.State.View(func(tx *bbolt.Tx) error { // a start that has nothing to make writes nothing
		there = tx.Bucket(bucket) != nil
		return nil
	})
	if err == nil && !there {
		err = o.State.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists(bucket)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open the provider: %w", err)
	}
	return &Provider{o: o, codes: map[string]code{}, lately: map[string]string{}}, nil
}

// The paths of the provider.
const (
	authorizePath = "/local/sign-in"
	stylePath     = "/local/sign-in.css"
	tokenPath     = "/local/openid/token"
	revokePath    = "/local/openid/revoke"
	endPath       = "/local/openid/end-session"
)

// Routes adds the provider to a mux.
func (p *Provider) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discover)
	mux.HandleFunc("GET "+authorizePath, p.authorize)
	mux.HandleFunc("POST "+authorizePath, p.signIn)
	mux.HandleFunc("GET "+stylePath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(style)) // the client is gone if this fails
	})
	mux.HandleFunc("POST "+tokenPath, p.token)
	mux.HandleFunc("POST "+revokePath, p.revoke)
	mux.HandleFunc("GET "+endPath, p.end)
}

func (p *Provider) discover(w http.ResponseWriter, _ *http.Request) {
	at := func(path string) string { return p.o.Issuer + path }
	answer(w, http.StatusOK, map[string]any{
		"issuer":                 p.o.Issuer,
		"authorization_endpoint": at(authorizePath),
		"token_endpoint":         at(tokenPath),
		"revocation_endpoint":    at(revokePath),
		"end_session_endpoint": at(
			endPath,
		),
		"jwks_uri":                 at("/.well-known/jwks.json"),
		"response_types_supported": []string{"code"},
		"subject_types_supported": []string{
			"public",
		},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "offline_access"},
		"code_challenge_methods_supported": []string{
			"S256",
		},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"token_endpoint_auth_methods_supported": []string{"none"},
	})
}

// wanted checks what a client asks for. What may not go back to it is an error.
func (p *Provider) wanted(q url.Values) error {
	switch {
	case q.Get("client_id") != ClientID:
		return errors.New("this provider knows one client: " + ClientID)
	case !p.ours(q.Get("redirect_uri"), "/console/-/signed-in"):
		return errors.New("the redirect_uri is not the console's")
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		return errors.New("this provider speaks the code flow with PKCE (S256)")
	}
	return nil
}

// ours says whether an address is of this machine's console.
func (p *Provider) ours(address, path string) bool { return address == p.o.Issuer+path }

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if err := p.wanted(q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f := form{Action: action(r), Permissions: "all"}
	hint := q.Get("login_hint")
	switch {
	case p.o.Propose != "" && (hint == "" || hint == p.o.Propose):
		hint, f.Permissions = p.o.Propose, ofAnAdmin()
	case hint != "":
		p.mu.Lock()
		f.Permissions = cmp.Or(p.lately[hint], "roles") // one press makes nobody an operator who was none
		p.mu.Unlock()
	}
	f.Account, f.User, _ = strings.Cut(hint, "/")
	p.show(w, http.StatusOK, f)
}

// ofAnAdmin are the permissions of an account's admin: all but to manage accounts, which would make
// them an operator of the provider, in every audit entry too.
func ofAnAdmin() string {
	return access.Carried().String()
}

func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if err := p.wanted(q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	f := form{
		Action: action(
			r,
		),
		Account:     strings.TrimSpace(r.PostFormValue("account")),
		User:        strings.TrimSpace(r.PostFormValue("user")),
		Permissions: strings.TrimSpace(r.PostFormValue("permissions")),
	}
	if f.Permissions == "" {
		f.Permissions = "all"
	}
	if !auth.ValidID(f.Account) {
		f.AccountFault = "An account's id has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit."
	}
	if !auth.ValidUserID(f.User) {
		f.UserFault = "A user's id has " + auth.UserIDRule + "."
	}
	permissions, fault := p.o.Permissions(f.Permissions)
	f.PermissionsFault = fault
	if f.AccountFault+f.UserFault+f.PermissionsFault != "" {
		p.show(w, http.StatusUnprocessableEntity, f)
		return
	}
	given := code{
		who: who{Account: f.Account, User: f.User},
		redirect: q.Get(
			"redirect_uri",
		),
		challenge: q.Get("code_challenge"),
		nonce:     q.Get("nonce"),
		until:     p.o.Clock().Add(codeLife),
	}
	if permissions != nil {
		given.Permissions = &permissions
	}
	id := p.o.IDs.Random() + p.o.IDs.Random()
	p.mu.Lock()
	for old, c := range p.codes {
		if p.o.Clock().After(c.until) {
			delete(p.codes, old)
		}
	}
	p.codes[id] = given
	p.lately[f.Account+"/"+f.User] = f.Permissions
	p.mu.Unlock()
	back := url.Values{"code": {id}, "state": {q.Get("state")}}
	http.Redirect(w, r, given.redirect+"?"+back.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != ClientID {
		refuse(w, "invalid_client", "this provider knows one client: "+ClientID)
		return
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		p.exchange(w, r)
	case "refresh_token":
		p.refresh(w, r)
	default:
		refuse(w, "unsupported_grant_type", "authorization_code or refresh_token")
	}
}

func (p *Provider) exchange(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	c, ok := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code")) // once, whatever comes of it
	p.mu.Unlock()
	verifier := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	proof := base64.RawURLEncoding.EncodeToString(verifier[:])
	if !ok || p.o.Clock().After(c.until) || c.redirect != r.PostForm.Get("redirect_uri") ||
		subtle.ConstantTimeCompare([]byte(proof), []byte(c.challenge)) != 1 {
		refuse(w, "invalid_grant", "the code is unknown, old, used, or another client's")
		return
	}
	p.grant(w, r, signedIn{who: c.who, family: p.o.IDs.Random(), identify: true, nonce: c.nonce})
}

// signedIn is whoever is given tokens: by a code, with an identity token for its nonce, or by a
// refresh token of the family.
type signedIn struct {
	who      who
	family   string
	identify bool
	nonce    string
}

// grant answers with tokens. The refresh token is the next one of its family.
func (p *Provider) grant(w http.ResponseWriter, r *http.Request, to signedIn) {
	var permissions []auth.Permission
	if to.who.Permissions != nil {
		permissions = append([]auth.Permission{}, *to.who.Permissions...)
	}
	access, err := p.o.Authority.IssueFor(to.who.User, to.who.Account, permissions, AccessLife)
	if err == nil {
		out := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(AccessLife.Seconds())}
		if to.identify {
			out["id_token"], err = p.o.Authority.Identity(p.o.Issuer, ClientID, to.who.User, to.nonce, AccessLife)
		}
		next := p.o.IDs.Random() + p.o.IDs.Random()
		out["refresh_token"] = next
		if err == nil {
			err = p.keep(next, kept{Who: to.who, Family: to.family, Until: p.o.Clock().Add(refreshLife)})
		}
		if err == nil {
			answer(w, http.StatusOK, out)
			return
		}
	}
	p.o.Log.ErrorContext(r.Context(), "tokens not issued", "error", err)
	answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
}

func digest(refresh string) []byte {
	sum := sha256.Sum256([]byte(refresh))
	return sum[:]
}

func (p *Provider) keep(refresh string, k kept) error {
	value, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return p.o.State.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(digest(refresh), value) })
}

func (p *Provider) refresh(w http.ResponseWriter, r *http.Request) {
	given := digest(r.PostForm.Get("refresh_token"))
	var found kept
	fresh := false
	err := p.o.State.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		value := b.Get(given)
		if value == nil {
			return nil
		}
		if err := json.Unmarshal(value, &found); err != nil || p.o.Clock().After(found.Until) {
			return err
		}
		if !found.Used.IsZero() {
			if p.o.Clock().Sub(found.Used) > reuseGrace {
				return forget(b, found.Family)
			}
			return nil
		}
		fresh, found.Used = true, p.o.Clock()
		value, err := json.Marshal(found)
		if err != nil {
			return err
		}
		return b.Put(given, value)
	})
	switch {
	case err != nil:
		p.o.Log.ErrorContext(r.Context(), "tokens not refreshed", "error", err)
		answer(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
	case !fresh:
		refuse(w, "invalid_grant", "the refresh token is unknown, old, used or revoked")
	default:
		p.grant(w, r, signedIn{who: found.Who, family: found.Family})
	}
}

// forget removes every refresh token that came of one signing in, and those that are too old.
func forget(b *bbolt.Bucket, family string) error {
	var gone [][]byte
	err := b.ForEach(func(key, value []byte) error {
		var k kept
		if json.Unmarshal(value, &k) != nil || k.Family == family {
			gone = append(gone, append([]byte(nil), key...))
		}
		return nil
	})
	for _, key := range gone {
		err = errors.Join(err, b.Delete(key))
	}
	return err
}

// revoke is RFC 7009: it answers the same whether the token was known or not.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	given := digest(r.PostFormValue("token"))
	err := p.o.State.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		var found kept
		value := b.Get(given)
		if value == nil {
			return nil
		}
		if err := json.Unmarshal(value, &found); err != nil {
			return err
		}
		return forget(b, found.Family)
	})
	if err != nil {
		p.o.Log.ErrorContext(r.Context(), "token not revoked", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// end is where a client sends a browser to end the session here. There is none: everybody chooses
// who they are each time.
func (p *Provider) end(w http.ResponseWriter, r *http.Request) {
	back := r.URL.Query().Get("post_logout_redirect_uri")
	if !p.ours(back, "/console/-/signed-out") {
		http.Error(w, "the post_logout_redirect_uri is not the console's", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

func refuse(w http.ResponseWriter, name, description string) {
	answer(w, http.StatusBadRequest, map[string]string{"error": name, "error_description": description})
}

// action is the address of the page itself, query and all: it was read once already, and is escaped
// where it is written.
func action(r *http.Request) template.URL {
	return template.URL(authorizePath + "?" + r.URL.Query().Encode())
}

type form struct {
	Action                                    template.URL
	Account, User, Permissions                string
	AccountFault, UserFault, PermissionsFault string
}

func (p *Provider) show(w http.ResponseWriter, status int, f form) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, f) // the client is gone if this fails
}

var page = template.Must(template.New("sign-in").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Seatwise on this machine</title>
<link rel="stylesheet" href="` + stylePath + `">
</head>
<body>
<main>
<h1>Sign in</h1>
<p>This is Seatwise on one machine: say who you are, and you are believed.</p>
<form method="post" action="{{.Action}}">
<label for="account">Account</label>
<input id="account" name="account" value="{{.Account}}" required autofocus autocomplete="organization" autocapitalize="none" spellcheck="false"{{if .AccountFault}} aria-invalid="true" aria-describedby="account-fault"{{end}}>
{{if .AccountFault}}<p class="fault" id="account-fault">{{.AccountFault}}</p>{{end}}
<label for="user">User</label>
<input id="user" name="user" value="{{.User}}" required autocomplete="username" autocapitalize="none" spellcheck="false"{{if .UserFault}} aria-invalid="true" aria-describedby="user-fault"{{end}}>
{{if .UserFault}}<p class="fault" id="user-fault">{{.UserFault}}</p>{{end}}
<label for="permissions">Permissions</label>
<input id="permissions" name="permissions" value="{{.Permissions}}" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="permissions-hint{{if .PermissionsFault}} permissions-fault{{end}}"{{if .PermissionsFault}} aria-invalid="true"{{end}}>
<p class="hint" id="permissions-hint">“all” gives every permission. “roles” gives what the user's roles in the directory allow. Or name permissions, with spaces between.</p>
{{if .PermissionsFault}}<p class="fault" id="permissions-fault">{{.PermissionsFault}}</p>{{end}}
<button>Sign in</button>
</form>
</main>
</body>
</html>
`))

const style = `:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: light-dark(#fbfbfa, #16181b); color: light-dark(#1c1e21, #e8e9ea); }
main { max-width: 26rem; margin: 10vh auto 0; padding: 0 16px; }
h1 { font-size: 22px; margin: 0 0 4px; }
form { display: grid; gap: 4px; margin-top: 20px; }
label { font-weight: 600; margin-top: 12px; }
input { font: inherit; min-height: 40px; padding: 6px 10px; border: 1px solid light-dark(#8b9098, #6c737c); border-radius: 6px; background: light-dark(#fff, #1d2024); color: inherit; width: 100%; }
button { font: inherit; font-weight: 600; min-height: 42px; margin-top: 20px; border: 0; border-radius: 6px; background: light-dark(#0b5c6b, #6cc4d4); color: light-dark(#fff, #07272d); cursor: pointer; }
:focus-visible { outline: 2px solid light-dark(#0b5c6b, #6cc4d4); outline-offset: 2px; }
.hint { margin: 0; color: light-dark(#5c6168, #a2a8b0); font-size: 13px; }
.fault { margin: 0; color: light-dark(#a3262a, #f29a9c); font-size: 13px; }
`
