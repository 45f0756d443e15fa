package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"seatwise/shared/console/client"
	"seatwise/shared/console/session"
	"seatwise/shared/console/view"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
)

// searchPath is the page that the search box of the frame leads to.
const searchPath = "search"

// accountsPath is the page that lists all accounts, for operators.
const accountsPath = "accounts"

// UnderWayPath is the page that follows what goes on behind the answer to a form.
const UnderWayPath = "under-way"

// zonePath is the page that chooses the zone of times.
const zonePath = "time-zone"

// errSilent is a page that neither answers nor says why not.
var errSilent = errors.New("the page gave no answer")

// Context is one request of a page.
type Context struct {
	W http.ResponseWriter
	R *http.Request
	// API calls as the person who is signed in, in the account of the address.
	API     *client.Client
	Account string
	User    string

	console  *Console
	page     Page
	route    Route
	session  *session.Session
	loaded   bool
	answered bool

	me      client.Answer[client.Me]
	account client.Answer[client.Account]
	cart    client.Answer[client.CartView]
	missing bool // the account

	permissions auth.Set
	// limit are the names of the cost centers to which the person is limited; nil without a limit.
	limit   []string
	format  *view.Format
	refresh int
	// goOn is what the page asks for after goOnAfter seconds; empty for nothing.
	goOn      string
	goOnAfter int
	scripts   []string
}

func newContext(c *Console, w http.ResponseWriter, r *http.Request, at place, s *session.Session) *Context {
	account := r.PathValue("account")
	address := c.apiAddress(r)
	return &Context{
		W: w, R: r, Account: account, User: s.User, console: c, page: at.page, route: at.route, session: s,
		API: &client.Client{Transport: c.env.Console.API, Base: address, Token: s.Access, Account: account},
	}
}

// Load makes the calls of a page side by side, the first time together with those of the frame
// around it: who this is, in which account, and what is in the cart.
//
// Errors: the first one of the calls; client.Error for what the API refused.
func (c *Context) Load(calls ...func(context.Context) error) error {
	ctx, cancel := c.console.deadline(c.R.Context())
	defer cancel()
	if c.loaded {
		return client.Round(ctx, calls...)
	}
	c.loaded = true
	frame := []func(context.Context) error{
		func(ctx context.Context) (err error) {
			if c.me, err = c.API.GetMe(ctx); err == nil && c.me.Body.CostCenters != nil {
				c.nameLimit(ctx)
			}
			return err
		},
		func(ctx context.Context) (err error) {
			if c.account, err = c.API.GetAccount(ctx); client.Is(err, "not-found") {
				c.missing = true // it may be one that an operator is about to make
				return nil
			}
			if client.Is(err, "forbidden") {
				return nil // a person of few permissions sees its id in the place of its name
			}
			return err
		},
	}
	if c.console.isPage("cart") {
		frame = append(frame, func(ctx context.Context) (err error) {
			if c.cart, err = c.API.GetCart(ctx); client.Is(err, "forbidden") || client.Is(err, "not-found") {
				return nil
			}
			return err
		})
	}
	// What a page asks for and is refused must not cut off the calls that tell who this is.
	var framed error
	var both sync.WaitGroup
	both.Go(func() { framed = client.Round(ctx, frame...) })
	err := client.Round(ctx, calls...)
	both.Wait()
	if framed != nil {
		err = framed
	}
	for _, name := range c.me.Body.Permissions {
		c.permissions |= auth.SetOf(auth.Permission(name))
	}
	if c.me.Body.CostCenters != nil {
		c.permissions &^= ofTheWhole
	}
	if c.Stopped() != "" {
		c.permissions &^= changing
	}
	return err
}

// ofTheWhole are permissions for what is of the whole account alone: an admin of some cost centers has
// nothing of them.
var ofTheWhole = auth.SetOf(
	auth.LiveReportsView, auth.LiveReportsFull, auth.UsageRead, auth.UsageWrite, auth.MetricsRead, auth.MetricsManage,
)

// nameLimit names the cost centers to which the person is limited, by their codes alone where the names
// cannot be read.
func (c *Context) nameLimit(ctx context.Context) {
	named := map[string]string{}
	page, err := c.API.ListCostCenters(ctx, client.ListCostCentersQuery{Limit: mostNamed})
	if err == nil {
		for _, one := range page.Body.Items {
			named[one.Code] = one.Name
		}
	}
	c.limit = make([]string, 0, len(c.me.Body.CostCenters))
	for _, code := range c.me.Body.CostCenters {
		c.limit = append(c.limit, view.CenterName(code, named[code]))
	}
}

// mostNamed is how many cost centers are read for their names; nobody is admin of more.
const mostNamed = 20

// Limited says whether the person is admin of some cost centers alone, after the first Load.
func (c *Context) Limited() bool { return c.limit != nil }

// Opens says whether an address is for the person as far as their cost centers go: what is of the whole
// account is not for admins of some.
func (c *Context) Opens(path ...string) bool {
	if !c.Limited() {
		return true
	}
	for _, page := range c.console.pages {
		for _, route := range page.Routes {
			if (page.Whole || route.Whole) && leads(route.Path, path) {
				return false
			}
		}
	}
	return true
}

// leads says whether a route, with its parameters, is the one of an address.
func leads(route string, path []string) bool {
	of := strings.Split(route, "/")
	path = strings.Split(strings.Join(path, "/"), "/")
	return slices.EqualFunc(of, path, func(part, given string) bool {
		return part == given || strings.HasPrefix(part, "{")
	})
}

// changing are the permissions that change something and nothing else: in an account that is suspended or
// closed nobody has them, so nothing is offered there that would be refused.
var changing = auth.SetOf(
	auth.BillingPurchase, auth.LicensesManage, auth.DirectoryManage, auth.LiveReportsFull, auth.MetricsManage,
)

// Stopped says that nothing can be changed in the account, and why; empty for an active one. It knows after
// the first Load.
func (c *Context) Stopped() string {
	switch c.account.Body.State {
	case "suspended":
		return "This account is suspended: it can be read, not changed."
	case "closed":
		return "This account is closed: only operators see it, and nothing in it can be changed."
	}
	return ""
}

// May says whether the person has any one of the permissions; with none named everybody may. It
// knows after the first Load.
func (c *Context) May(anyOf ...auth.Permission) bool {
	for _, one := range anyOf {
		if c.permissions.Has(one) {
			return true
		}
	}
	return len(anyOf) == 0
}

// Operator says whether the person works for the provider.
func (c *Context) Operator() bool { return c.May(auth.AccountsManage) }

// AccountInfo is the account, after the first Load; ok is false when there is none of this id.
func (c *Context) AccountInfo() (info client.Account, ok bool) {
	return c.account.Body, !c.missing && c.account.Status != 0
}

// Cart is the person's cart, after the first Load; its Status is 0 where they have none.
func (c *Context) Cart() client.Answer[client.CartView] { return c.cart }

// Format writes numbers, money and times for the reader. It knows the account's zone after the
// first Load.
func (c *Context) Format() *view.Format {
	if c.format == nil {
		c.format = view.NewFormat(c.R.Header.Get("Accept-Language"), c.zone())
	}
	return c.format
}

// zoneCookie keeps the zone that the reader chose: its name, or accountZone. Nothing is kept for who
// leaves it to the browser.
const zoneCookie, accountZone = "times", "account"

// zone is the one that times are shown in: what the reader chose, else what a script told of the
// browser, else the account's (requirements, section 11).
func (c *Context) zone() *time.Location {
	chosen := c.Kept(zoneCookie)
	if zone, ok := ZoneNamed(chosen); ok {
		return zone
	}
	if zone, ok := ZoneNamed(c.BrowserZone()); ok && chosen != accountZone {
		return zone
	}
	if zone, ok := ZoneNamed(c.account.Body.Timezone); ok {
		return zone
	}
	return time.UTC
}

// zoneGuessed says that zone is the account's because nothing else is known of the reader yet.
func (c *Context) zoneGuessed() bool { return c.Kept(zoneCookie) == "" && c.BrowserZone() == "" }

// ZoneNamed is a time zone by its IANA name, such as America/Detroit.
func ZoneNamed(name string) (*time.Location, bool) {
	if name == "" || name == "Local" { // the machine's own, which says nothing of the reader
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// BrowserZone is the zone that a script told of the browser; empty if none did.
func (c *Context) BrowserZone() string { return session.Plain(c.R, "zone") }

// ChosenZone is what the reader chose: the name of a zone, "account", or empty for the browser's.
func (c *Context) ChosenZone() string { return c.Kept(zoneCookie) }

// ChooseZone keeps a choice, in the form of ChosenZone.
func (c *Context) ChooseZone(choice string) { c.Keep(zoneCookie, choice) }

// Invites says whether people are invited to sign in here: at the deployment's own provider they are, and at
// another one they are made there.
func (c *Context) Invites() bool { return c.console.env.Console.Invites }

// Now is the time.
func (c *Context) Now() time.Time { return c.console.env.Clock() }

// Keep has the browser remember a choice of the reader beyond the session: short, and nothing about
// a person. Kept is what it remembers; empty for nothing.
func (c *Context) Keep(name, value string) { c.console.jar(c.R).Keep(c.W, name, value) }

// Kept is what Keep has kept.
func (c *Context) Kept(name string) string { return c.console.jar(c.R).Kept(c.R, name) }

// Link is the address of a page of this account. Each part becomes a segment, so ids need no
// escaping.
func (c *Context) Link(parts ...string) string {
	return c.LinkOf(c.Account, parts...)
}

// LinkOf is Link of another account: an operator may enter any.
func (c *Context) LinkOf(account string, parts ...string) string {
	link := base(c.R) + "/console/" + escape(account)
	for _, part := range parts {
		link += "/" + escape(part)
	}
	if len(parts) == 0 {
		link += "/"
	}
	return link
}

// OwnAccount is the account that the person signed in to; an operator may be in another one.
func (c *Context) OwnAccount() string { return c.session.Account }

// HasPage says whether there is a page at a path of the account: a link to it is only drawn then.
func (c *Context) HasPage(path string) bool { return c.console.isPage(path) }

// Here is the address of this page with its filters: what another page leads back to.
func (c *Context) Here() string { return base(c.R) + c.R.URL.RequestURI() }

// Back is the page that led here, if it is one of this account; else another one.
func (c *Context) Back(f *view.Form, otherwise string) string {
	back := f.Default("_back", c.Query().Get("back"))
	if below(back, strings.TrimSuffix(c.Link(), "/")) {
		return back
	}
	return otherwise
}

// Wrong is the error of a field that cannot be sent to the API at all, as the API itself would say
// it.
func Wrong(field, message string) error {
	return &client.Error{Status: http.StatusUnprocessableEntity, Problem: client.Problem{
		Type:   "urn:seatwise:problem:validation",
		Title:  "Nothing was saved: look at the field below",
		Errors: []client.FieldError{{Field: field, Message: message}},
	}}
}

// NotFound is the error of a page that there is not.
func (c *Context) NotFound(detail string) error {
	return &client.Error{
		Status:  http.StatusNotFound,
		Problem: client.Problem{Type: "urn:seatwise:problem:not-found", Title: "Not found", Detail: detail},
	}
}

// escape writes a segment of a path.
func escape(segment string) string { return url.PathEscape(segment) }

// Param is a parameter of the address.
func (c *Context) Param(name string) string { return c.R.PathValue(name) }

// Query is the query of the address.
func (c *Context) Query() url.Values { return c.R.URL.Query() }

// Refresh makes the page ask for itself again, without script, after some seconds: for long work.
func (c *Context) Refresh(seconds int) { c.refresh = seconds }

// Again makes the page ask for itself again after some seconds, with or without script, with a parameter set.
func (c *Context) Again(seconds int, name, value string) {
	query := c.Query()
	query.Set(name, value)
	c.goOn, c.goOnAfter = base(c.R)+c.R.URL.EscapedPath()+"?"+query.Encode(), seconds
}

// Script adds a module of assets to the page.
func (c *Context) Script(file string) { c.scripts = append(c.scripts, file) }

// Change is how a form's request is made repeatable, what it was made from, and the effects that it
// is held to.
func (c *Context) Change(f *view.Form) client.Change {
	return client.Change{Key: f.Key, Version: f.Version, Plan: f.Plan}
}

// ChangeOf is Change for a form that makes several requests: each has a key of its own, made from
// the form's, so that all of them can be repeated.
func (c *Context) ChangeOf(f *view.Form, part string) client.Change {
	return client.Change{Key: f.Key + "/" + part}
}

// LookOf is ChangeOf for what only looks ahead, such as a quote, and for what may be sent again with other
// content, such as one more line of the cart: who comes back to the form by the browser's own button,
// changes it and sends it makes a new request, and who sends the same twice makes one. What it is made
// from and does not say itself, such as the version of the cart, is named in from.
func (c *Context) LookOf(f *view.Form, part string, from ...string) client.Change {
	return client.Change{Key: strings.Join(append([]string{f.Key, part}, from...), "/"), PerContent: true}
}

func (c *Context) newForm() *view.Form {
	return &view.Form{Key: c.console.env.IDs.Random(), Account: c.Account, User: c.User, Values: url.Values{}}
}

// NewForm is a form with a key of its own, for a page that has several.
func (c *Context) NewForm() *view.Form { return c.newForm() }

// Show draws the page with what is in it.
func (c *Context) Show(title string, body templ.Component) error {
	return c.ShowAs(http.StatusOK, title, body)
}

// ShowAs is Show with another status.
func (c *Context) ShowAs(status int, title string, body templ.Component) error {
	if err := c.barred(); err != nil {
		return err
	}
	return c.draw(status, title, body)
}

func (c *Context) draw(status int, title string, body templ.Component) error {
	c.answered = true
	return write(c.W, c.R, status, c.shell(title), body)
}

// notAllowed is the one refusal of what a role does not allow, in the words of the page of roles.
func notAllowed(needs []auth.Permission) error {
	return &client.Error{Status: http.StatusForbidden, Problem: client.Problem{
		Type:   "urn:seatwise:problem:forbidden",
		Title:  "Your role does not allow: " + permissionNames(needs),
		Detail: "Nothing was changed. Who manages the users of your account can give you a role that allows it.",
	}}
}

// notTheirs refuses an admin of some cost centers what is of the whole account.
func notTheirs() error {
	return &client.Error{Status: http.StatusForbidden, Problem: client.Problem{
		Type:   "urn:seatwise:problem:forbidden",
		Title:  "This is for admins of the whole account",
		Detail: "Nothing was changed. You are admin of some cost centers.",
	}}
}

// barred is why the person may not open the address, or nil; it knows after the first Load.
func (c *Context) barred() error {
	if !c.loaded {
		return nil
	}
	held := auth.Set(0)
	for _, name := range c.me.Body.Permissions {
		held |= auth.SetOf(auth.Permission(name))
	}
	needs := c.lacks()
	switch {
	case len(needs) > 0 && !slices.ContainsFunc(needs, held.Has):
		return notAllowed(needs)
	case len(needs) > 0 && c.Stopped() != "":
		return &client.Error{Status: http.StatusConflict, Problem: client.Problem{
			Type: "urn:seatwise:problem:wrong-state", Title: c.Stopped(),
			Detail: "Nothing was changed. Ask the provider to open it again.",
		}}
	case len(needs) > 0, c.Limited() && (c.page.Whole || c.route.Whole):
		return notTheirs()
	}
	return nil
}

func permissionNames(needs []auth.Permission) string {
	var names []string
	for _, one := range needs {
		names = append(names, PermissionName(one))
	}
	return strings.Join(names, ", or ")
}

func (c *Context) shell(title string) view.Shell {
	info, there := c.AccountInfo()
	s := view.Shell{
		Title:     title,
		Account:   c.Account,
		AccountID: c.Account,
		User:      c.User,
		Root:      strings.TrimSuffix(c.Link(), "/"),
		Base:      base(c.R),
		Refresh:   c.refresh,
		GoOn:      c.goOn,
		GoOnAfter: c.goOnAfter,
		Scripts:   c.scripts,
		Operator:  c.Operator(),
		Zone:      c.Format().Zone(),
		// The page on which a zone is chosen says what is so without a script too.
		ZoneGuessed: c.zoneGuessed() && c.page.Path != zonePath,
		Search:      c.console.isPage(searchPath) && c.loaded,
		Stopped:     c.Stopped(),
	}
	if c.console.isPage(zonePath) {
		s.ZonePage = c.Link(zonePath)
		if c.R.Method == http.MethodGet && c.page.Path != zonePath {
			s.ZonePage += "?back=" + url.QueryEscape(c.Here())
		}
	}
	if c.page.Path == searchPath {
		s.Searched = c.Query().Get("q")
	}
	if there {
		s.Account = info.Name
	}
	if s.Limit = strings.Join(c.limit, ", "); c.Limited() && s.Limit == "" {
		s.Limit = "none that there are"
	}
	if c.cart.Status != 0 && c.May(auth.BillingPurchase) {
		s.CartShown = true
		for _, line := range c.cart.Body.Lines {
			s.Cart += line.Quantity
		}
	}
	if c.loaded && !(c.missing && c.account.Status == 0) { // of an account that there is not no page can be shown
		s.Nav = c.nav()
	}
	var flash pending
	jar := c.console.jar(c.R)
	if err := jar.GetShort(c.R.Context(), c.R, flashCookie, &flash); err == nil && flash.Path == c.R.URL.Path {
		s.Flash = &flash.Flash
		jar.DropShort(c.W, flashCookie)
	}
	return s
}

// nav is the navigation: what is not allowed is not there.
func (c *Context) nav() []view.Section {
	var sections []view.Section
	at := map[string]int{}
	for _, p := range c.console.pages {
		if p.Order == 0 || !c.May(p.Needs...) || p.Whole && c.Limited() {
			continue
		}
		i, known := at[p.Section]
		if !known {
			i = len(sections)
			at[p.Section] = i
			sections = append(sections, view.Section{Name: p.Section})
		}
		href := c.Link()
		if p.Path != "" {
			href = c.Link(p.Path)
		}
		sections[i].Items = append(
			sections[i].Items,
			view.Item{Name: p.Name, Href: href, Current: p.Path == c.page.Path},
		)
	}
	return sections
}

// OtherPages are the names of the pages of the navigation but for this one, in their order.
func (c *Context) OtherPages() []string {
	var names []string
	for _, section := range c.nav() {
		for _, item := range section.Items {
			if !item.Current {
				names = append(names, item.Name)
			}
		}
	}
	return names
}

// pending is a flash on its way to the page that shows it.
type pending struct {
	Path  string
	Flash view.Flash
}

const (
	flashCookie = "flash"
	flashLife   = time.Minute
)

// Done ends a form that was carried out: the browser goes to a page, which says once what was done.
// A reload of that page sends nothing again.
func (c *Context) Done(to string, said view.Flash) error {
	c.answered = true
	path, _, _ := strings.Cut(to, "?")
	if plain, err := url.PathUnescape(strings.TrimPrefix(path, base(c.R))); err == nil {
		path = plain
	}
	if err := c.console.jar(c.R).PutShort(c.R.Context(), c.W, flashCookie, pending{path, said}, flashLife); err != nil {
		return err
	}
	redirect(c.W, c.R, to)
	return nil
}

// Good is a Flash that says that something was done.
func Good(text string, more ...string) view.Flash {
	return view.Flash{Kind: "good", Text: text, More: more}
}

// Warn is a Flash of what was done in part.
func Warn(text string, more ...string) view.Flash {
	return view.Flash{Kind: "warn", Text: text, More: more}
}

// GoTo leads to another page.
func (c *Context) GoTo(to string) error {
	c.answered = true
	redirect(c.W, c.R, to)
	return nil
}

// SendFile answers with a file.
func (c *Context) SendFile(f client.File) error {
	c.answered = true
	h := c.W.Header()
	h.Set("Content-Type", f.ContentType)
	if f.Name != "" {
		h.Set(
			"Content-Disposition",
			`attachment; filename="`+strings.Map(safeInName, f.Name)+`"; filename*=UTF-8''`+url.PathEscape(f.Name),
		)
	}
	h.Set("Content-Length", strconv.Itoa(len(f.Data)))
	_, _ = c.W.Write(f.Data) // the client is gone if this fails
	return nil
}

func safeInName(r rune) rune {
	if r < ' ' || r > '~' || r == '"' || r == '\\' {
		return '_'
	}
	return r
}

// refused shows a form again after the API did not do what it asks.
func (c *Context) refused(route Route, f *view.Form, err error) {
	e := client.As(err)
	switch {
	case e != nil && e.Later != "":
		to := url.Values{"of": {e.Later}, "back": {c.Back(f, c.Link(c.page.Path))}, "from": {c.Here()}}
		redirect(c.W, c.R, c.Link(UnderWayPath)+"?"+to.Encode())
		return
	case e == nil || e.Status >= http.StatusInternalServerError:
		// Nobody knows whether it was done. The key stays, so that sending it again finds out.
		c.console.env.Log.ErrorContext(c.R.Context(), "a form was not answered", "error", err)
		f.Fault = c.fault(err)
		f.Fault.Hint = "It is not certain whether this was carried out. Press the button again: if it was, you are told so, and nothing happens twice."
	case e.Slug() == string(problem.Unauthorized):
		c.console.jar(c.R).Drop(c.W, c.R)
		c.console.again(c.W, c.R, route, f, sessionEnded(f))
		return
	case e.Slug() == "idempotency-in-progress", e.Slug() == "rate-limited", e.Slug() == "too-busy":
		f.Fault = c.fault(err)
	case e.Slug() == string(problem.PlanStale) && f.Plan != "":
		// The page asks again what it would do by now.
		f.Stale, f.Replanned, f.Plan, f.Key = true, true, "", c.console.env.IDs.Random()
		c.changed(route, f) // which is what made it so, where it is of another version by now
	case e.Status == http.StatusPreconditionFailed:
		f.Stale, f.Plan, f.Key = true, "", c.console.env.IDs.Random()
		c.changed(route, f)
	default:
		// It was answered, and another body needs another key.
		f.Fault, f.Plan, f.Key = nameFields(c.fault(err), route.Fields), "", c.console.env.IDs.Random()
	}
	status := http.StatusInternalServerError
	if e != nil {
		status = e.Status
	}
	if byModule(c.R) && f.Fault != nil {
		c.console.tell(c.W, c.R, status, refusalOf(f, route.Fields))
		return
	}
	c.W = &statusWriter{ResponseWriter: c.W, status: status}
	if again := route.Show(c, f); again != nil {
		c.fail(err)
	}
}

// nameFields makes the general sentence of the API, that some fields are not acceptable, one that
// names them as the form does.
func nameFields(f *view.Fault, labels []Label) *view.Fault {
	if f.Slug != string(problem.ValidationFailed) || f.Title != problem.Validation().Title() {
		return f // it has words of its own
	}
	var names []string
	for _, l := range labels {
		if slices.ContainsFunc(f.Fields, func(e client.FieldError) bool { return view.FieldName(e.Field) == l.Name }) {
			names = append(names, l.Label)
		}
	}
	f.Title, f.Detail = "Nothing was changed: a value is not accepted", ""
	if len(names) > 0 {
		f.Title = "Nothing was changed: look at " + strings.Join(names, ", ")
	}
	return f
}

// statusWriter answers with a status of its own in the place of 200.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}

// FromVersion says which version a form shows. After somebody else's change it is theirs, which
// one's own is then sent against; else it stays what the form was made from. Where effects are other
// ones because of such a change, both versions count, and not what the form would do by now.
func FromVersion(f *view.Form, etag string) {
	if f.Replanned && f.Version != "" && f.Version != etag {
		f.Replanned, f.Plan = false, ""
	}
	if f.Version == "" || f.Stale {
		f.Version = etag
	}
}

// fault is an error as a page shows it.
func (c *Context) fault(err error) *view.Fault {
	e := client.As(err)
	if e == nil {
		return &view.Fault{Title: "That did not work", Detail: "The service did not answer. Try again in a moment."}
	}
	if barred := c.barred(); barred != nil && e.Slug() == string(problem.Forbidden) {
		e = client.As(barred)
	}
	f := &view.Fault{Title: e.Title, Detail: e.Detail, Slug: e.Slug(), Fields: e.Errors}
	if f.Slug != "" && c.console.isPage("problems") {
		f.Href = c.Link("problems", f.Slug) + "?back=" + url.QueryEscape(c.Here())
	}
	if e.RetryAfter > 0 {
		f.Hint = fmt.Sprintf("Try again in %d seconds.", int(e.RetryAfter.Seconds()))
	}
	return f
}

// lacks are the permissions, any one of which would be enough, that the address needs and the person
// has none of.
func (c *Context) lacks() []auth.Permission {
	for _, needs := range [][]auth.Permission{c.page.Needs, c.route.Needs} {
		if !c.May(needs...) {
			return needs
		}
	}
	return nil
}

// fail answers with an error in the place of a page.
func (c *Context) fail(err error) {
	e := client.As(err)
	status := http.StatusInternalServerError
	switch {
	case e != nil && e.Slug() == "unauthorized" && c.R.Method == http.MethodGet:
		c.console.jar(c.R).Drop(c.W, c.R)
		c.console.toSignIn(c.W, c.R, c.R.URL.RequestURI())
		return
	case e != nil:
		status = e.Status
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusGatewayTimeout
	}
	if status >= http.StatusInternalServerError {
		c.console.env.Log.ErrorContext(c.R.Context(), "page not shown", "error", err)
	}
	if !c.loaded {
		_ = c.Load() // a page that failed before it asked for anything; without the frame it is shown all the same
	}
	ways := c.waysOut(status)
	if ways.accounts != "" && c.Account == c.OwnAccount() && c.page.Path == "" && c.R.Method == http.MethodGet {
		redirect(c.W, c.R, ways.accounts) // an operator's own account need not be a customer's
		return
	}
	if err := c.draw(status, "Not shown", failed(c.fault(err), ways)); err != nil {
		c.console.env.Log.ErrorContext(c.R.Context(), "page not drawn", "error", err)
	}
}

// waysOut are where one goes on from a page that cannot be shown; what leads nowhere is empty. Accounts
// are for an operator whose address names none that there is.
type waysOut struct{ home, signOut, missing, accounts string }

// waysOut of an account that there is not lead out of it: each of its pages is refused as this one.
func (c *Context) waysOut(status int) waysOut {
	w := waysOut{home: c.Link()}
	if status == http.StatusNotFound && c.account.Status == 0 {
		// The call that found the account missing may have been given up for another one's error.
		_, err := c.API.GetAccount(c.R.Context())
		c.missing = client.Is(err, "not-found")
	}
	if c.missing {
		w.home = ""
		if c.Operator() && c.console.isPage(accountsPath) {
			w.missing, w.accounts = c.Account, c.LinkOf(c.OwnAccount(), accountsPath)
		}
	}
	if c.missing || status == http.StatusUnauthorized || status == http.StatusForbidden {
		w.signOut = base(c.R) + signOutPath
	}
	return w
}

// write draws a page into memory first: an error in the middle must not leave half of it.
func write(w http.ResponseWriter, r *http.Request, status int, s view.Shell, body templ.Component) error {
	var page bytes.Buffer
	if err := view.Page(s).Render(templ.WithChildren(r.Context(), body), &page); err != nil {
		return fmt.Errorf("draw the page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding, Cookie")
	text := page.Bytes()
	if view.TakesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		text = view.ZipPage(text)
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client is gone if this fails
	return nil
}
