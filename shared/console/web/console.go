// Package web is what every page of the console stands on: who is signed in, in which account, the
// calls of a page side by side, forms that are sent once, and what is said when something is
// refused (docs/console.md). Pages are in shared/console/pages.
package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"seatwise/shared/console/session"
	"seatwise/shared/console/signin"
	"seatwise/shared/console/view"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/origin"
)

// Page is one page of the console, with what lies below it.
type Page struct {
	// Name is its heading and its link.
	Name string
	// Path is where it is below /console/{account}/; empty for the overview.
	Path string
	// Section and Order are its place in the navigation; a page without an Order is not there.
	Section string
	Order   int
	// Needs are permissions, any one of which is enough; without any, everybody may.
	Needs []auth.Permission
	// Whole says that it is of the whole account: admins of some cost centers have no part in it.
	Whole  bool
	Routes []Route
}

// Route is an address of a page.
type Route struct {
	// Path is below /console/{account}/, and may have {parameters}.
	Path string
	// Needs are permissions, any one of which is enough, beside those of the page.
	Needs []auth.Permission
	// Whole says that it is of the whole account, where not all of the page is.
	Whole bool
	// Show answers GET, and shows a form again after Send was refused: with what was typed and what
	// was wrong. It loads what it shows by one Load, or two.
	Show func(*Context, *view.Form) error
	// Send answers POST; nil where nothing is sent. It ends with Done, or returns the API's error.
	Send func(*Context, *view.Form) error
	// Changes is what the form changes, as the audit calls it: its kind, and its id or the {parameter} with it.
	// A conflict tells by it who changed it meanwhile.
	Changes string
	// Fields are the labels of what a person types or chooses, by name, and Submit the name of the
	// button: what is shown again when the session has ended.
	Fields []Label
	Submit string
}

// place is what an address leads to: a route, and the page that it is of.
type place struct {
	page  Page
	route Route
}

// Label is the name of a field, as the form has it.
type Label struct{ Name, Label string }

// Fields are the labels of fields: a name, its label, the next name, and so on.
func Fields(namesAndLabels ...string) []Label {
	var list []Label
	for i := 0; i+1 < len(namesAndLabels); i += 2 {
		list = append(list, Label{Name: namesAndLabels[i], Label: namesAndLabels[i+1]})
	}
	return list
}

// mostForm bounds a posted form in bytes.
const mostForm = 1 << 20

// Console serves the pages.
type Console struct {
	env      *app.Env
	keys     *session.Keys
	provider *signin.Provider
	pages    []Page
	policy   string
	handler  http.Handler
}

// New makes the console of some pages.
func New(env *app.Env, pages []Page) *Console {
	c := &Console{
		env: env, pages: slices.Clone(pages), keys: session.NewKeys(env.Console.Keys, env.Clock),
		provider: signin.New(signin.Options{
			Issuer:   env.Console.Issuer,
			ClientID: env.Console.ClientID,
			Scopes:   env.Console.Scopes,
			HTTP:     env.Console.Provider,
			Clock:    env.Clock,
		}),
	}
	view.Sort(c.pages, func(a, b Page) bool { return a.Order < b.Order })
	connect := "'self'"
	if env.Console.UploadsOrigin != "" {
		connect += " " + env.Console.UploadsOrigin
	}
	c.policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " + connect +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.toOwn)
	mux.HandleFunc("GET /console", c.toOwn)
	mux.HandleFunc("GET /console/{$}", c.toOwn)
	mux.HandleFunc("GET "+view.AssetRoot+"{file}", view.ServeAsset)
	mux.HandleFunc("GET /console/-/sign-in", c.signIn)
	mux.HandleFunc("GET /console/-/signed-in", c.signedIn)
	mux.HandleFunc("GET /console/-/beside", c.beside)
	mux.HandleFunc("POST "+signOutPath, c.signOut)
	mux.HandleFunc("GET /console/-/signed-out", c.signedOut)
	for _, page := range c.pages {
		for _, route := range page.Routes {
			at := place{page, route}
			path := "/console/{account}/" + route.Path
			if route.Path == "" {
				path += "{$}"
			}
			mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { c.show(w, r, at) })
			if route.Send != nil {
				mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { c.send(w, r, at) })
			}
		}
	}
	mux.HandleFunc("/", c.unknown)
	strangers := http.NewCrossOriginProtection()
	strangers.SetDenyHandler(http.HandlerFunc(c.refuseStranger))
	c.handler = c.secured(strangers.Handler(c.plainAddresses(mux)))
	return c
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// secured puts on every answer what a browser must hold to. An asset replaces what it says of
// caching.
func (c *Console) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", c.policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		if secure(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		next.ServeHTTP(w, r)
	})
}

func secure(r *http.Request) bool {
	return strings.HasPrefix(origin.From(r.Context()).URL, "https:")
}

func (c *Console) jar(r *http.Request) session.Jar {
	return session.Jar{Keys: c.keys, Secure: secure(r)}
}

// toOwn leads to the account of the session.
func (c *Console) toOwn(w http.ResponseWriter, r *http.Request) {
	s, ok := c.authenticate(w, r)
	if !ok {
		return
	}
	if s == nil {
		c.toSignIn(w, r, "/console")
		return
	}
	redirect(w, r, base(r)+"/console/"+escape(s.Account)+"/")
}

// plainAddresses leads the addresses without an account, such as /console/licenses, to those of the
// session's own (requirements, section 11). A page's name is an account where a page's name follows
// it.
func (c *Console) plainAddresses(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, "/console/")
		first, below, deeper := strings.Cut(rest, "/")
		if !ok || r.Method != http.MethodGet || !c.isPage(first) {
			next.ServeHTTP(w, r)
			return
		}
		if second, _, _ := strings.Cut(below, "/"); deeper && (below == "" || c.isPage(second)) {
			next.ServeHTTP(w, r)
			return
		}
		s, ok := c.authenticate(w, r)
		switch {
		case !ok:
		case s == nil:
			c.toSignIn(w, r, r.URL.RequestURI())
		default:
			target := base(
				r,
			) + "/console/" + escape(
				s.Account,
			) + "/" + strings.TrimPrefix(
				r.URL.EscapedPath(),
				"/console/",
			)
			if r.URL.RawQuery != "" {
				target += "?" + r.URL.RawQuery
			}
			redirect(w, r, target)
		}
	})
}

func (c *Console) isPage(name string) bool {
	return name != "" && slices.ContainsFunc(c.pages, func(p Page) bool { return p.Path == name })
}

func base(r *http.Request) string { return origin.From(r.Context()).Base }

func redirect(w http.ResponseWriter, r *http.Request, target string) {
	//nolint:gosec // paths of the console, and the provider that the deployment names
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// show answers GET of a page.
func (c *Console) show(w http.ResponseWriter, r *http.Request, at place) {
	s, ok := c.authenticate(w, r)
	if !ok {
		return
	}
	if s == nil {
		c.toSignIn(w, r, r.URL.RequestURI())
		return
	}
	x := c.context(w, r, at, s)
	if err := at.route.Show(x, x.newForm()); err != nil {
		x.fail(err)
	}
}

// send answers POST of a page.
func (c *Console) send(w http.ResponseWriter, r *http.Request, at place) {
	route := at.route
	f, ok := c.formOf(w, r)
	if !ok {
		return
	}
	s, ok := c.authenticate(w, r)
	if !ok {
		return
	}
	if s == nil {
		c.again(w, r, route, f, sessionEnded(f))
		return
	}
	if f.User != s.User {
		c.again(w, r, route, f, unsent{
			status: http.StatusConflict,
			said:   "This form was filled in by " + f.User + ", and you are " + s.User + ".",
			todo: "Nothing was sent. Sign in as " + f.User +
				" beside this page and press the button again, or leave it.",
		})
		return
	}
	x := c.context(w, r, at, s)
	err := route.Send(x, f)
	if err == nil {
		if !x.answered {
			x.fail(errSilent)
		}
		return
	}
	x.refused(route, f, err)
}

// formOf reads what was sent; ok is false when it cannot be used and the request was answered.
func (c *Console) formOf(w http.ResponseWriter, r *http.Request) (f *view.Form, ok bool) {
	if err := r.ParseForm(); err != nil {
		c.message(w, r, notice{
			status: http.StatusBadRequest,
			title:  "The form cannot be read",
			text:   "It is too large, or was cut off on its way. Go back and send it again.",
		})
		return nil, false
	}
	if view.Unpicked(r.PostForm) {
		c.message(w, r, notice{
			status: http.StatusUnprocessableEntity,
			title:  "Choose for each field",
			text: "You and somebody else changed the same, and it was not said whose change is to stay. Nothing was changed. " +
				"Go back and choose.",
		})
		return nil, false
	}
	f = &view.Form{
		Key:     r.PostForm.Get("_key"),
		Version: r.PostForm.Get("_version"),
		Account: r.PostForm.Get("_account"),
		User:    r.PostForm.Get("_user"),
		Plan:    r.PostForm.Get("_plan"),
		Was:     view.ShownBefore(r.PostForm),
		Values:  view.Picked(r.PostForm),
	}
	if f.Account != r.PathValue("account") {
		c.message(w, r, notice{
			status: http.StatusConflict,
			title:  "This form is of another account",
			text: "It was made for the account " + f.Account + " and sent to " + r.PathValue("account") +
				". Nothing was changed. Go back to the page and begin again.",
		})
		return nil, false
	}
	if f.Key == "" {
		c.message(w, r, notice{
			status: http.StatusBadRequest,
			title:  "The form cannot be read",
			text:   "It does not bear its key, so it could be carried out twice. Nothing was changed. Go back to the page and send it from there.",
		})
		return nil, false
	}
	return f, true
}

// context is what a page is made with.
func (c *Console) context(w http.ResponseWriter, r *http.Request, at place, s *session.Session) *Context {
	return newContext(c, w, r, at, s)
}

// deadline leaves a page time to say that something took too long.
func (c *Console) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if until, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, until.Add(-time.Second))
	}
	return context.WithCancel(ctx)
}
