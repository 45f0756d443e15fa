// Package consolewalk drives the console as a browser without script does: the whole application
// runs in the test's own process, and pages are followed by their links and forms.
package consolewalk

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"seatwise/infra/local/runner"
	"seatwise/infra/registry"
	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/console/client"
	"seatwise/shared/platform/app"
)

// startWait bounds how long the application may take to be ready on a busy machine.
const startWait = time.Minute

// Console is the running application.
type Console struct {
	// URL is its address, without a slash at its end.
	URL string

	mu    sync.Mutex
	ahead time.Duration
}

// Start runs the application until the test ends.
func Start(t testing.TB) *Console {
	t.Helper()
	return StartWith(t, func(*app.Env) {})
}

// StartWith is Start with an environment that is changed before its functions are made.
func StartWith(t testing.TB, change func(*app.Env)) *Console {
	t.Helper()
	c, stop, err := open(t.TempDir(), func(env *app.Env) map[string]app.Function {
		change(env)
		return registry.Make(env)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Open runs the application, on the data in a folder, until stop is called: for the tests of a
// package that share one.
//
// Errors: the application does not start, or is not ready within a minute.
func Open(data string) (c *Console, stop func() error, err error) {
	return open(data, registry.Make)
}

// open is Open with functions of its own.
func open(data string, functions func(*app.Env) map[string]app.Function) (c *Console, stop func() error, err error) {
	root, err := runnerprocess.Root()
	if err != nil {
		return nil, nil, err
	}
	c = &Console{}
	ready := make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- runner.Run(ctx, runner.Config{
			Template: filepath.Join(root, "template.yaml"), Functions: functions,
			Addr: "127.0.0.1:0", S3Addr: "127.0.0.1:0",
			Data: data, NoSchedules: true, Out: io.Discard, Log: slog.New(slog.DiscardHandler), Clock: c.Now,
			Ready: func(api string) { ready <- api },
		})
	}()
	stop = func() error {
		cancel()
		return <-done
	}
	select {
	case c.URL = <-ready:
		return c, stop, nil
	case err := <-done:
		cancel()
		return nil, nil, fmt.Errorf("the application does not start: %w", err)
	case <-time.After(startWait):
		return nil, nil, errors.Join(errors.New("the application is not ready"), stop())
	}
}

// Now is the application's clock.
func (c *Console) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Forward moves the clock.
func (c *Console) Forward(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += by
}

// API is the API as a user of an account calls it, with all permissions if none are named.
func (c *Console) API(t testing.TB, account, user string, permissions ...string) *client.Client {
	t.Helper()
	if len(permissions) == 0 {
		permissions = []string{"all"}
	}
	body, err := json.Marshal(map[string]any{"account": account, "user": user, "permissions": permissions})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		c.URL+"/local/token",
		strings.NewReader(string(body)),
	)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var out struct{ AccessToken string }
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil || out.AccessToken == "" {
		t.Fatalf("no token for %s: %d, %v", user, response.StatusCode, err)
	}
	return &client.Client{Transport: http.DefaultTransport, Base: c.URL, Token: out.AccessToken, Account: account}
}

// Account makes an account with a cost center CC-1, users ada and zoe, and licenses that are
// bought: how many of each product.
func (c *Console) Account(t testing.TB, id string, licenses map[string]int64) *client.Client {
	t.Helper()
	api := c.API(t, id, "ada")
	ctx := t.Context()
	key := func() client.Change { return client.Change{Key: rand.Text()} }
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			var e *client.Error
			if errors.As(err, &e) {
				t.Fatalf("%v: %+v", err, e.Problem)
			}
			t.Fatal(err)
		}
	}
	must(api.PutAccount(ctx, client.PutAccountRequest{
		Name:       "Acme " + id,
		Brand:      "RingCentral",
		Currency:   "USD",
		Timezone:   "America/Detroit",
		BillingDay: 15,
		Bundle:     "standard",
	}, key()))
	must(api.PutCostCenter(ctx, "CC-1", client.PutCostCenterRequest{Name: "Support"}, key()))
	must(api.PutCostCenter(ctx, "CC-2", client.PutCostCenterRequest{Name: "Sales"}, key()))
	must(
		api.PutUser(
			ctx,
			"zoe",
			client.PutUserRequest{Name: "Zoe Alvarez", Email: client.Set("zoe@example.com")},
			key(),
		),
	)
	must(api.PutUser(ctx, "john", client.PutUserRequest{Name: "John Smith"}, key()))
	if len(licenses) == 0 {
		return api
	}
	var lines []client.QuoteLineInput
	for product, n := range licenses {
		lines = append(lines, client.QuoteLineInput{ProductID: product, Quantity: n, CostCenter: "CC-1"})
	}
	quote, err := api.CreateQuote(ctx, client.CreateQuoteRequest{Lines: &lines}, key())
	must(quote, err)
	must(api.PlaceOrder(ctx, client.PlaceOrderRequest{QuoteID: quote.Body.ID, Acknowledged: new(true)}, key()))
	return api
}

// Browser is a browser without script.
type Browser struct {
	t    testing.TB
	c    *Console
	http *http.Client
	// Header goes with every request.
	Header http.Header
}

// Browser opens an empty one.
func (c *Console) Browser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{
		t:      t,
		c:      c,
		http:   &http.Client{Jar: jar, Timeout: startWait, Transport: &http.Transport{}},
		Header: http.Header{},
	}
}

// SignIn opens a browser and signs in; without permissions those of an operator and everything
// else.
func (c *Console) SignIn(t testing.TB, account, user string, permissions ...string) *Browser {
	t.Helper()
	b := c.Browser(t)
	b.SignIn(b.Get("/console/"), account, user, permissions...)
	return b
}

// SignIn fills in the sign-in page that the browser was led to.
func (b *Browser) SignIn(at *Page, account, user string, permissions ...string) *Page {
	b.t.Helper()
	form := at.Form("/local/sign-in")
	form.Set("account", account)
	form.Set("user", user)
	if len(permissions) > 0 {
		form.Set("permissions", strings.Join(permissions, " "))
	}
	page := b.Submit(form)
	if page.Status != http.StatusOK && page.Status != http.StatusNotFound ||
		strings.Contains(page.URL.Path, "/local/") {
		b.t.Fatalf("not signed in: %d at %s: %s", page.Status, page.URL, page.Text())
	}
	return page
}

// Cookies are the browser's.
func (b *Browser) Cookies() []*http.Cookie {
	u, err := url.Parse(b.c.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.http.Jar.Cookies(u)
}

// Keep puts cookies into the browser.
func (b *Browser) Keep(cookies []*http.Cookie) {
	u, err := url.Parse(b.c.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range cookies {
		c.Path = "/"
	}
	b.http.Jar.SetCookies(u, cookies)
}

// Forget removes the cookies whose name has a text, as a browser does with those that have ended.
func (b *Browser) Forget(text string) {
	u, err := url.Parse(b.c.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(u) {
		if strings.Contains(c.Name, text) {
			b.http.Jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Path: "/", MaxAge: -1}})
		}
	}
}

// Get opens an address of the console.
func (b *Browser) Get(path string) *Page {
	b.t.Helper()
	return b.send(http.MethodGet, path, nil)
}

// Submit sends a form as its button does.
func (b *Browser) Submit(f *Form) *Page {
	b.t.Helper()
	if f.method == http.MethodGet {
		return b.send(http.MethodGet, f.Action+"?"+f.Values.Encode(), nil)
	}
	return b.send(http.MethodPost, f.Action, f.Values)
}

func (b *Browser) send(method, path string, values url.Values) *Page {
	b.t.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = b.c.URL + path
	}
	var body io.Reader
	if values != nil {
		body = strings.NewReader(values.Encode())
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(b.t.Context()), method, target, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range b.Header {
		r.Header[name] = values
	}
	if values != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if _, given := b.Header["Sec-Fetch-Site"]; !given {
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	response, err := b.http.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	size := len(text)
	if response.Header.Get("Content-Encoding") == "gzip" { // only where the test asked for it itself
		unpacked, err := gzip.NewReader(bytes.NewReader(text))
		if err == nil {
			text, err = io.ReadAll(unpacked)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	p := &Page{
		t:      b.t,
		Status: response.StatusCode,
		Header: response.Header,
		HTML:   string(text),
		Size:   size,
		URL:    response.Request.URL,
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		if p.root, err = html.Parse(strings.NewReader(p.HTML)); err != nil {
			b.t.Fatal(err)
		}
		for _, place := range looseBlanks(p.root) {
			b.t.Errorf("%s has a blank that does not belong there: %q", p.URL, place)
		}
	}
	return p
}

// Page is what the browser shows.
type Page struct {
	Status int
	Header http.Header
	HTML   string
	// Size is how many bytes came, compressed if the browser asked for that.
	Size int
	URL  *url.URL

	t    testing.TB
	root *html.Node
}

// Text is what can be read on the page, with single spaces.
func (p *Page) Text() string {
	var b strings.Builder
	for n := range p.nodes() {
		if n.Type == html.TextNode && n.Parent != nil && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(n.Data)
			if n.NextSibling == nil || n.NextSibling.Data != "wbr" { // where a word may break it is still one
				b.WriteString(" ")
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Says demands that the page says something.
func (p *Page) Says(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.Text(), text) {
			p.t.Errorf("%s does not say %q: %s", p.URL, text, p.Text())
		}
	}
}

// Hides demands that the page does not say something.
func (p *Page) Hides(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.Text(), text) {
			p.t.Errorf("%s says %q: %s", p.URL, text, p.Text())
		}
	}
}

func (p *Page) nodes() func(yield func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		if p.root == nil {
			return
		}
		for n := range p.root.Descendants() {
			if !yield(n) {
				return
			}
		}
	}
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func value(n *html.Node, name string) string {
	v, _ := attribute(n, name)
	return v
}

// Elements are the elements of a name, such as script.
func (p *Page) Elements(name string) []*html.Node {
	var list []*html.Node
	for n := range p.nodes() {
		if n.Type == html.ElementNode && n.Data == name {
			list = append(list, n)
		}
	}
	return list
}

// Attributes are all attributes of the page, by the name of their element.
func (p *Page) Attributes() map[string][]html.Attribute {
	all := map[string][]html.Attribute{}
	for n := range p.nodes() {
		if n.Type == html.ElementNode {
			all[n.Data] = append(all[n.Data], n.Attr...)
		}
	}
	return all
}

// Links are the addresses of the links with a text.
func (p *Page) Links(text string) []string {
	var list []string
	for _, a := range p.Elements("a") {
		if strings.Join(strings.Fields(textOf(a)), " ") == text {
			list = append(list, value(a, "href"))
		}
	}
	return list
}

// Link is the address of the first link with a text; there must be one.
func (p *Page) Link(text string) string {
	p.t.Helper()
	links := p.Links(text)
	if len(links) == 0 {
		p.t.Fatalf("%s has no link %q: %s", p.URL, text, p.Text())
	}
	return links[0]
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// Form is a form as it stands on a page.
type Form struct {
	Action string
	Values url.Values

	method string
	t      testing.TB
}

// Form finds the form whose action has a text; there must be one.
func (p *Page) Form(action string) *Form {
	p.t.Helper()
	for _, n := range p.Elements("form") {
		if strings.Contains(value(n, "action"), action) {
			return p.form(n)
		}
	}
	p.t.Fatalf("%s has no form %q: %s", p.URL, action, p.Text())
	return nil
}

// Forms are all forms of the page.
func (p *Page) Forms() []*Form {
	var all []*Form
	for _, n := range p.Elements("form") {
		all = append(all, p.form(n))
	}
	return all
}

func (p *Page) form(n *html.Node) *Form {
	f := &Form{t: p.t, Action: value(n, "action"), method: strings.ToUpper(value(n, "method")), Values: url.Values{}}
	if f.method == "" {
		f.method = http.MethodGet
	}
	f.fill(n)
	return f
}

// Method is GET or POST.
func (f *Form) Method() string { return f.method }

// Post finds the form of the page that changes something, which is not that of signing out.
func (p *Page) Post() *Form {
	p.t.Helper()
	for _, n := range p.Elements("form") {
		if value(n, "method") == "post" && !strings.Contains(value(n, "action"), "sign-out") {
			return p.form(n)
		}
	}
	p.t.Fatalf("%s has no form that changes something: %s", p.URL, p.Text())
	return nil
}

// fill reads what the form sends as it stands.
func (f *Form) fill(n *html.Node) {
	for d := range n.Descendants() {
		if d.Type != html.ElementNode {
			continue
		}
		name := value(d, "name")
		switch d.Data {
		case "input":
			kind := value(d, "type")
			if _, checked := attribute(
				d,
				"checked",
			); name == "" ||
				(kind == "checkbox" || kind == "radio") && !checked {
				continue
			}
			f.Values.Add(name, value(d, "value"))
		case "select":
			chosen, first := "", true
			for o := range d.Descendants() {
				if o.Type != html.ElementNode || o.Data != "option" {
					continue
				}
				if _, selected := attribute(o, "selected"); selected || first {
					chosen, first = value(o, "value"), false
				}
			}
			f.Values.Add(name, chosen)
		}
	}
}

// Set types into a field, or chooses in it.
func (f *Form) Set(name string, values ...string) { f.Values[name] = slices.Clone(values) }
