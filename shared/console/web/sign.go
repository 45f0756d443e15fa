package web

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"seatwise/shared/console/client"
	"seatwise/shared/console/session"
	"seatwise/shared/console/signin"
	"seatwise/shared/console/view"
	"seatwise/shared/platform/origin"
)

const (
	// refreshBefore is how long before its end an access token is exchanged, so that of two tabs
	// the slower one can go on with the old one.
	refreshBefore = 3 * time.Minute
	// touchBefore is more than that by longer than a request takes: a tab that notes its use must
	// not bring back tokens that another one has just exchanged.
	touchBefore = 4 * time.Minute
	// attemptLife is how long a person may take at the provider, and mostAttempts how many tabs may
	// be there at once.
	attemptLife  = 15 * time.Minute
	mostAttempts = 3
	againLife    = 30 * time.Second

	attemptCookie = "sign-in-"
	againCookie   = "again"
	hintCookie    = "hint"
	hintLife      = 30 * 24 * time.Hour

	signedInPath  = "/console/-/signed-in"
	signOutPath   = "/console/-/sign-out"
	signedOutPath = "/console/-/signed-out"
	besidePath    = "/console/-/beside"
)

// apiAddress is where the API is: where this request came in, as the gateway says it, since the
// token goes there.
func (c *Console) apiAddress(r *http.Request) string { return origin.From(r.Context()).Address() }

// authenticate finds who is signed in, and gets new tokens when the old ones are about to end. The
// session is nil when nobody is; ok is false when the request was answered.
func (c *Console) authenticate(w http.ResponseWriter, r *http.Request) (s *session.Session, ok bool) {
	ctx, now, jar := r.Context(), c.env.Clock(), c.jar(r)
	s, err := jar.Get(ctx, r)
	switch {
	case errors.Is(err, session.ErrTorn):
		if c.askAgain(w, r) {
			return nil, false
		}
		return nil, true
	case errors.Is(err, session.ErrNone):
		return nil, true
	case err != nil:
		c.env.Log.ErrorContext(ctx, "session not read", "error", err)
		c.message(w, r, notice{
			status: http.StatusServiceUnavailable,
			title:  "The console cannot be used now",
			text:   "It cannot read sessions. Try again in a moment; if it stays so, tell who runs this deployment.",
		})
		return nil, false
	case s.Over(now):
		jar.Drop(w, r)
		return nil, true
	}
	switch left := s.AccessUntil.Sub(now); {
	case left < refreshBefore && s.Refresh != "":
		return c.refresh(w, r, s)
	case left <= 0:
		jar.Drop(w, r)
		return nil, true
	case s.Stale(now) && left > touchBefore:
		c.touch(w, r, s)
	}
	return s, true
}

// refresh gets new tokens for a session. Its answers are those of authenticate.
func (c *Console) refresh(w http.ResponseWriter, r *http.Request, s *session.Session) (*session.Session, bool) {
	ctx := r.Context()
	tokens, err := c.provider.Refresh(ctx, s.Refresh)
	switch {
	case err == nil:
		s.Access, s.AccessUntil = tokens.Access, tokens.Until
		if tokens.Refresh != "" {
			s.Refresh = tokens.Refresh
		}
		c.touch(w, r, s)
		return s, true
	case s.AccessUntil.After(c.env.Clock()):
		// Another tab may have exchanged it, whose new session the next request brings. Until then
		// this one goes on.
		return s, true
	case errors.Is(err, signin.ErrRefused):
		if c.askAgain(w, r) {
			return nil, false
		}
		c.jar(r).Drop(w, r)
		return nil, true
	}
	c.env.Log.ErrorContext(ctx, "tokens not refreshed", "error", err)
	c.message(w, r, notice{
		status: http.StatusServiceUnavailable,
		title:  "The identity provider does not answer",
		text:   "Your session cannot be renewed now. Nothing was changed. Try again in a moment.",
	})
	return nil, false
}

// touch writes a session that was used or has new tokens.
func (c *Console) touch(w http.ResponseWriter, r *http.Request, s *session.Session) {
	s.Used = c.env.Clock()
	if err := c.jar(r).Put(r.Context(), w, r, s); err != nil {
		c.env.Log.ErrorContext(r.Context(), "session not written", "error", err)
	}
}

// askAgain sends the same request once more, body and all, with the cookies that the browser has by
// then: another tab may just have got new ones. It does so once.
func (c *Console) askAgain(w http.ResponseWriter, r *http.Request) bool {
	jar := c.jar(r)
	var asked string
	if jar.GetShort(r.Context(), r, againCookie, &asked) == nil && asked == r.URL.Path {
		jar.DropShort(w, againCookie)
		return false
	}
	if jar.PutShort(r.Context(), w, againCookie, r.URL.Path, againLife) != nil {
		return false
	}
	//nolint:gosec // the address of this very request, which begins with /console
	http.Redirect(w, r, base(r)+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	return true
}

// toSignIn sends a browser to sign in, and then back to a page.
func (c *Console) toSignIn(w http.ResponseWriter, r *http.Request, to string) {
	redirect(w, r, base(r)+"/console/-/sign-in?"+url.Values{"to": {to}}.Encode())
}

// ownPage is a path of the console that may be gone back to; anything else is its beginning.
func ownPage(to string) string {
	if below(to, "/console") {
		return to
	}
	return "/console"
}

// below says whether an address is a path, or one below it, as a browser reads it: a browser goes up
// at "..", also where the dots are escaped.
func below(address, root string) bool {
	at, err := url.Parse(address)
	if err != nil || at.Host != "" || at.Scheme != "" || strings.ContainsAny(address, "\\\r\n\t") {
		return false
	}
	clean := path.Clean(at.Path)
	return strings.HasPrefix(address, root) && (clean == root || strings.HasPrefix(clean, root+"/"))
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	ctx, at := r.Context(), origin.From(r.Context())
	q := r.URL.Query()
	// The provider sends the browser back to the address that the deployment knows. Whoever came by
	// another name of it (localhost) begins there.
	if own, err := url.Parse(at.URL); err == nil && own.Host != r.Host && q.Get("own") == "" {
		q.Set("own", "1")
		redirect(w, r, at.Address()+"/console/-/sign-in?"+q.Encode())
		return
	}
	jar := c.jar(r)
	var hint string
	_ = jar.GetShort(ctx, r, hintCookie, &hint) // without one nobody is proposed
	attempt, target, err := c.provider.Begin(ctx, at.Address()+signedInPath, ownPage(q.Get("to")), hint)
	if err == nil {
		c.dropAttempts(w, r, mostAttempts-1)
		err = jar.PutShort(ctx, w, attemptName(attempt.State), attempt, attemptLife)
	}
	switch {
	case errors.Is(err, signin.ErrNotConfigured):
		c.message(w, r, notice{
			status: http.StatusServiceUnavailable,
			title:  "Nobody can sign in yet",
			text:   "This deployment names no client at its identity provider. Whoever runs it sets the parameter ConsoleClientId (docs/operations.md).",
		})
	case err != nil:
		c.env.Log.ErrorContext(ctx, "sign-in not begun", "error", err)
		c.message(w, r, notice{
			status: http.StatusServiceUnavailable,
			title:  "The identity provider does not answer",
			text:   "Try again in a moment.",
		})
	default:
		redirect(w, r, target)
	}
}

func attemptName(state string) string { return attemptCookie + state[:min(8, len(state))] }

// dropAttempts forgets the attempts that were left, but for some.
func (c *Console) dropAttempts(w http.ResponseWriter, r *http.Request, but int) {
	jar := c.jar(r)
	for _, cookie := range r.Cookies() {
		name := strings.TrimPrefix(strings.TrimPrefix(cookie.Name, "__Host-"), "seatwise-")
		if strings.HasPrefix(name, attemptCookie) {
			if but--; but < 0 {
				jar.DropShort(w, name)
			}
		}
	}
}

// signedIn is where the provider sends the browser back to.
func (c *Console) signedIn(w http.ResponseWriter, r *http.Request) {
	ctx, at, jar, now := r.Context(), origin.From(r.Context()), c.jar(r), c.env.Clock()
	q := r.URL.Query()
	var attempt signin.Attempt
	name := attemptName(q.Get("state"))
	if err := jar.GetShort(ctx, r, name, &attempt); err != nil {
		c.message(w, r, notice{
			status: http.StatusBadRequest,
			title:  "Signing in took too long",
			text:   "Or it was begun in another browser.",
			links:  []link{{"Sign in again", base(r) + "/console"}},
		})
		return
	}
	jar.DropShort(w, name)
	tokens, err := c.provider.Finish(ctx, at.Address()+signedInPath, &attempt, q)
	if err != nil {
		c.env.Log.WarnContext(ctx, "not signed in", "error", err)
		c.notSignedIn(w, r, "The identity provider did not let you in.")
		return
	}
	api := &client.Client{Transport: c.env.Console.API, Base: c.apiAddress(r), Token: tokens.Access}
	me, err := api.GetMe(ctx)
	if err != nil {
		c.env.Log.WarnContext(ctx, "the API does not know who signed in", "error", err)
		detail := "The identity provider let you in, but Seatwise does not accept what it says of you."
		if e := client.As(err); e != nil && e.Detail != "" {
			detail += " " + e.Detail
		}
		c.notSignedIn(w, r, detail)
		return
	}
	s := &session.Session{
		User:        me.Body.User,
		Account:     me.Body.Account,
		Access:      tokens.Access,
		AccessUntil: tokens.Until,
		Refresh:     tokens.Refresh,
		Began:       now,
		Used:        now,
	}
	if err := jar.Put(ctx, w, r, s); err != nil {
		c.env.Log.ErrorContext(ctx, "session not written", "error", err)
		detail := "Try again in a moment."
		if errors.Is(err, session.ErrTooLarge) {
			detail = "The tokens of the identity provider are too large for a browser's cookies. Whoever runs it must put less into them."
		}
		c.message(w, r, notice{
			status: http.StatusInternalServerError,
			title:  "You are not signed in",
			text:   detail,
		})
		return
	}
	_ = jar.PutShort(ctx, w, hintCookie, s.Account+"/"+s.User, hintLife) // without it the next sign-in proposes nobody
	redirect(w, r, base(r)+ownPage(attempt.To))
}

// notSignedIn says why somebody did not get in.
func (c *Console) notSignedIn(w http.ResponseWriter, r *http.Request, why string) {
	c.message(w, r, notice{
		status: http.StatusForbidden,
		title:  "You are not signed in",
		text:   why,
		links:  []link{{"Try again", base(r) + "/console"}},
	})
}

// beside is where signing in beside a form ends.
func (c *Console) beside(w http.ResponseWriter, r *http.Request) {
	s, ok := c.authenticate(w, r)
	if !ok {
		return
	}
	if s == nil {
		c.toSignIn(w, r, besidePath)
		return
	}
	c.message(w, r, notice{
		status: http.StatusOK,
		title:  "You are signed in as " + s.User,
		text:   "Close this page, go back to the one with your form, and press its button.",
	})
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	ctx, jar := r.Context(), c.jar(r)
	if s, err := jar.Get(ctx, r); err == nil {
		if err := c.provider.Revoke(ctx, s.Refresh); err != nil {
			c.env.Log.WarnContext(ctx, "refresh token not revoked", "error", err)
		}
	}
	jar.Drop(w, r)
	c.dropAttempts(w, r, 0)
	if end := c.provider.EndAddress(ctx, origin.From(ctx).Address()+signedOutPath); end != "" {
		// Not a redirection: browsers hold the form that led here to form-action, and the provider
		// is elsewhere.
		shell := view.Shell{Title: "Signing out", Root: base(r) + "/console", Base: base(r), GoOn: end}
		if err := write(w, r, http.StatusOK, shell, leaving(end)); err != nil {
			c.env.Log.ErrorContext(ctx, "page not drawn", "error", err)
		}
		return
	}
	redirect(w, r, base(r)+signedOutPath)
}

func (c *Console) signedOut(w http.ResponseWriter, r *http.Request) {
	c.message(w, r, notice{
		status: http.StatusOK,
		title:  "You are signed out",
		text:   "Your session has ended here and at the identity provider.",
		links:  []link{{"Sign in", base(r) + "/console"}},
	})
}

func (c *Console) refuseStranger(w http.ResponseWriter, r *http.Request) {
	c.message(w, r, notice{
		status: http.StatusForbidden,
		title:  "Another site sent this",
		text:   "A form of the console is sent from the console alone. Nothing was changed.",
		links:  []link{{"To the console", base(r) + "/console"}},
	})
}

func (c *Console) unknown(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(
		r.URL.Path,
		"/console/",
	); ok && rest != "" && !strings.Contains(rest, "/") &&
		r.Method == http.MethodGet {
		redirect(w, r, base(r)+r.URL.EscapedPath()+"/") // an account
		return
	}
	c.message(w, r, notice{
		status: http.StatusNotFound,
		title:  "There is no such page",
		text:   "The address may be mistyped, or what was there is gone.",
		links:  []link{{"To the console", base(r) + "/console"}},
	})
}

// unsent is why a form was not sent, and what to do about it.
type unsent struct {
	status     int
	said, todo string
}

// sessionEnded is why a form was not sent of somebody who is signed in no longer.
func sessionEnded(f *view.Form) unsent {
	return unsent{
		status: http.StatusUnauthorized,
		said:   "Your session has ended, so nothing was sent.",
		todo: "Everything that you typed is still here. Sign in beside this page, as " + f.User +
			", then come back and press the button.",
	}
}

// again shows a form that was not sent because of who is signed in, or is not: all that was typed,
// its key and version, and a way to sign in beside it.
func (c *Console) again(w http.ResponseWriter, r *http.Request, route Route, f *view.Form, why unsent) {
	beside := base(r) + "/console/-/sign-in?" + url.Values{"to": {besidePath}}.Encode()
	if byModule(r) {
		c.tell(w, r, why.status, refusal{
			Title: why.said, Detail: why.todo, Href: beside, Link: "Sign in beside this page", Key: f.Key, Again: true,
		})
		return
	}
	submit := route.Submit
	if submit == "" {
		submit = "Send"
	}
	var typed []typedField
	shown := map[string]bool{"_key": true, "_version": true, "_account": true, "_user": true, "_plan": true}
	for _, l := range route.Fields {
		shown[l.Name] = true
		if f.Values.Has(l.Name) {
			typed = append(typed, typedField{l, f.Values[l.Name]})
		}
	}
	hidden := url.Values{}
	for name, values := range f.Values {
		if !shown[name] {
			hidden[name] = values
		}
	}
	action := base(r) + r.URL.EscapedPath()
	c.draw(w, r, why.status, "Sign in to go on", sendAgain(resent{
		action: action, form: f, why: why, beside: beside, submit: submit, typed: typed, hidden: hidden,
	}))
}

// resent is a form that is shown again with what was typed.
type resent struct {
	action string
	form   *view.Form
	why    unsent
	// beside is where to sign in without leaving the page.
	beside, submit string
	typed          []typedField
	hidden         url.Values
}

type typedField struct {
	Label
	Values []string
}

// link is where a message leads.
type link struct{ Name, Href string }

// notice is a page outside of every account.
type notice struct {
	status      int
	title, text string
	links       []link
}

// message answers with a notice.
func (c *Console) message(w http.ResponseWriter, r *http.Request, n notice) {
	c.draw(w, r, n.status, n.title, message(n.title, n.text, n.links))
}

func (c *Console) draw(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component) {
	shell := view.Shell{Title: title, Root: base(r) + "/console", Base: base(r)}
	if err := write(w, r, status, shell, body); err != nil {
		c.env.Log.ErrorContext(r.Context(), "page not drawn", "error", err)
	}
}

// again is the id of a field that is shown again.
func again(name string, i int) string { return "f-" + name + "-" + strconv.Itoa(i) }
