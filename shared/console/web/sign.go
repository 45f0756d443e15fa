package web

import (
	"errors"
	"net/http"
	"net/url"
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
		c.message(
			w,
			r,
			http.StatusServiceUnavailable,
			"The console cannot be used now",
			"It cannot read sessions. Try again in a moment; if it stays so, tell who runs this deployment.",
		)
		return nil, false
	case s.Over(now):
		jar.Drop(w, r)
		return nil, true
	}
	left := s.AccessUntil.Sub(now)
	changed := false
	switch {
	case left < refreshBefore && s.Refresh != "":
		tokens, err := c.provider.Refresh(ctx, s.Refresh)
		switch {
		case err == nil:
			s.Access, s.AccessUntil, changed = tokens.Access, tokens.Until, true
			if tokens.Refresh != "" {
				s.Refresh = tokens.Refresh
			}
		case left > 0:
			// Another tab may have exchanged it, whose new session the next request brings. Until
			// then this one goes on.
		case errors.Is(err, signin.ErrRefused):
			if c.askAgain(w, r) {
				return nil, false
			}
			jar.Drop(w, r)
			return nil, true
		default:
			c.env.Log.ErrorContext(ctx, "tokens not refreshed", "error", err)
			c.message(
				w,
				r,
				http.StatusServiceUnavailable,
				"The identity provider does not answer",
				"Your session cannot be renewed now. Nothing was changed. Try again in a moment.",
			)
			return nil, false
		}
	case left <= 0:
		jar.Drop(w, r)
		return nil, true
	case s.Stale(now) && left > touchBefore:
		changed = true
	}
	if changed {
		s.Used = now
		if err := jar.Put(ctx, w, r, s); err != nil {
			c.env.Log.ErrorContext(ctx, "session not written", "error", err)
		}
	}
	return s, true
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
	if (to == "/console" || strings.HasPrefix(to, "/console/")) && !strings.ContainsAny(to, "\\\r\n") {
		return to
	}
	return "/console"
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
		c.message(
			w,
			r,
			http.StatusServiceUnavailable,
			"Nobody can sign in yet",
			"This deployment names no client at its identity provider. Whoever runs it sets the parameter ConsoleClientId (docs/operations.md).",
		)
	case err != nil:
		c.env.Log.ErrorContext(ctx, "sign-in not begun", "error", err)
		c.message(
			w,
			r,
			http.StatusServiceUnavailable,
			"The identity provider does not answer",
			"Try again in a moment.",
		)
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
		c.message(
			w,
			r,
			http.StatusBadRequest,
			"Signing in took too long",
			"Or it was begun in another browser.",
			link{"Sign in again", base(r) + "/console"},
		)
		return
	}
	jar.DropShort(w, name)
	tokens, err := c.provider.Finish(ctx, at.Address()+signedInPath, &attempt, q)
	if err != nil {
		c.env.Log.WarnContext(ctx, "not signed in", "error", err)
		c.message(
			w,
			r,
			http.StatusForbidden,
			"You are not signed in",
			"The identity provider did not let you in.",
			link{"Try again", base(r) + "/console"},
		)
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
		c.message(w, r, http.StatusForbidden, "You are not signed in", detail, link{"Try again", base(r) + "/console"})
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
		c.message(w, r, http.StatusInternalServerError, "You are not signed in", detail)
		return
	}
	_ = jar.PutShort(ctx, w, hintCookie, s.Account+"/"+s.User, hintLife) // without it the next sign-in proposes nobody
	redirect(w, r, base(r)+ownPage(attempt.To))
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
	c.message(
		w,
		r,
		http.StatusOK,
		"You are signed in as "+s.User,
		"Close this page, go back to the one with your form, and press its button.",
	)
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
	c.message(
		w,
		r,
		http.StatusOK,
		"You are signed out",
		"Your session has ended here and at the identity provider.",
		link{"Sign in", base(r) + "/console"},
	)
}

func (c *Console) refuseStranger(w http.ResponseWriter, r *http.Request) {
	c.message(
		w,
		r,
		http.StatusForbidden,
		"Another site sent this",
		"A form of the console is sent from the console alone. Nothing was changed.",
		link{"To the console", base(r) + "/console"},
	)
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
	c.message(
		w,
		r,
		http.StatusNotFound,
		"There is no such page",
		"The address may be mistyped, or what was there is gone.",
		link{"To the console", base(r) + "/console"},
	)
}

// again shows a form that was not sent because of who is signed in, or is not: all that was typed,
// its key and version, and a way to sign in beside it.
func (c *Console) again(
	w http.ResponseWriter,
	r *http.Request,
	status int,
	route Route,
	f *view.Form,
	said, todo string,
) {
	submit := route.Submit
	if submit == "" {
		submit = "Send"
	}
	var typed []typedField
	shown := map[string]bool{"_key": true, "_version": true, "_account": true, "_user": true}
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
	beside := base(r) + "/console/-/sign-in?" + url.Values{"to": {besidePath}}.Encode()
	c.draw(
		w,
		r,
		status,
		"Sign in to go on",
		sendAgain(base(r)+r.URL.EscapedPath(), f, said, todo, beside, submit, typed, hidden),
	)
}

type typedField struct {
	Label
	Values []string
}

// link is where a message leads.
type link struct{ Name, Href string }

// message answers with a page outside of every account.
func (c *Console) message(w http.ResponseWriter, r *http.Request, status int, title, text string, links ...link) {
	c.draw(w, r, status, title, message(title, text, links))
}

func (c *Console) draw(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component) {
	shell := view.Shell{Title: title, Root: base(r) + "/console", Base: base(r)}
	if err := write(w, r, status, shell, body); err != nil {
		c.env.Log.ErrorContext(r.Context(), "page not drawn", "error", err)
	}
}

// again is the id of a field that is shown again.
func again(name string, i int) string { return "f-" + name + "-" + strconv.Itoa(i) }
