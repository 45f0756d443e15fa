package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	// patience is how long a person waits for something to appear, on a machine that is busy.
	patience = 20 * time.Second
	// glance is the pause between two looks.
	glance = 25 * time.Millisecond

	wide, tall = 1440, 1000
)

// way is how a person works.
type way string

const (
	byMouse       way = "by mouse"
	withoutScript way = "without script"
	byKeyboard    way = "by keyboard"
)

// person is somebody at a tab of a browser. What they do is found as they would find it: by what it
// is called, in the tree that the browser gives to screen readers.
type person struct {
	t   testing.TB
	o   *office
	tab context.Context // in which chromedp keeps it
	how way
	// clicks counts those of the mouse since the test last asked.
	clicks int
	within string // what the person looks at, instead of the whole page
	folder string // of downloads

	mu       sync.Mutex
	mistakes []string
	// asked counts how often the browser asked whether to leave what was not sent; stays is the answer.
	asked int
	stays bool
}

// sit opens a browser without cookies.
func sit(t testing.TB, how way) *person {
	t.Helper()
	o := open(t)
	return newPerson(o.browser, t, o, how, chromedp.WithNewBrowserContext())
}

// another is a second tab of the same browser.
func (p *person) another() *person {
	p.t.Helper()
	return newPerson(p.tab, p.t, p.o, p.how)
}

func newPerson(beside context.Context, t testing.TB, o *office, how way, options ...chromedp.ContextOption) *person {
	t.Helper()
	p := &person{t: t, o: o, how: how, folder: t.TempDir()}
	tab, leave := chromedp.NewContext(beside, append(options, chromedp.WithListener(p.hears))...)
	p.tab = tab
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page is %s", p.page())
		}
		leave()
	})
	p.must(chromedp.Do(tab))
	call(p, page.Enable, page.EnableParams{})
	call(p, cdplog.Enable, cdp.Empty{})
	call(p, accessibility.Enable, cdp.Empty{})
	_, err := chromedp.CallBrowser(tab, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior:         browser.SetDownloadBehaviorBehaviorAllow,
		BrowserContextID: chromedp.FromContext(tab).BrowserContextID,
		DownloadPath:     p.folder,
	})
	p.must(err)
	p.size(wide, tall)
	if how == withoutScript {
		call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, m := range p.mistakes {
			t.Errorf("the browser complains: %s", m)
		}
	})
	return p
}

// hears keeps what a developer would see in red: exceptions, and what the policy refused.
func (p *person) hears(event any) {
	said := ""
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		p.mu.Lock()
		p.asked++
		answer := page.HandleJavaScriptDialogParams{Accept: !p.stays}
		p.mu.Unlock()
		go func() { _, _ = chromedp.Call(p.tab, page.HandleJavaScriptDialog, answer) }() // the tab may be gone
		return
	case *runtime.EventExceptionThrown:
		said = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			said += " " + e.ExceptionDetails.Exception.Description
		}
	case *cdplog.EventEntryAdded:
		// That an address answered 4xx is told as an error too, and is what many tests are about.
		if e.Entry.Level == cdplog.EntryLevelError && e.Entry.Source != cdplog.EntrySourceNetwork {
			said = e.Entry.Text
		}
	}
	if said != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.mistakes = append(p.mistakes, said)
	}
}

// call sends a command of the DevTools protocol.
func call[P, R any](p *person, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	result, err := chromedp.Call(p.tab, command, params)
	if err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// size makes the window of a width and height, in CSS pixels.
func (p *person) size(width, height int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1,
	})
}

// dark asks for dark pages, or light ones.
func (p *person) dark(scheme string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		},
	})
}

// asks evaluates an expression in the page, whether its own scripts may run or not.
func asks[T any](p *person, expression string) T {
	p.t.Helper()
	value, err := evaluate[T](p, expression)
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func evaluate[T any](p *person, expression string) (value T, err error) {
	got, err := chromedp.Call(p.tab, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ReturnByValue: new(true), AwaitPromise: new(true),
	})
	if err != nil {
		return value, err
	}
	if got.ExceptionDetails != nil {
		return value, fmt.Errorf("%s: %s", got.ExceptionDetails.Text, got.Result.Description)
	}
	if len(got.Result.Value) == 0 {
		return value, nil
	}
	return value, json.Unmarshal(got.Result.Value, &value)
}

// until looks again and again, until there is nothing wrong.
func (p *person) until(look func() (wrong string)) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		wrong := look()
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s, after %s", wrong, patience)
		}
		time.Sleep(glance)
	}
}

// page is its address and its text, for who reads a failure.
func (p *person) page() string {
	text, err := evaluate[string](p, `location.href + "\n" + (document.body?.innerText ?? "")`)
	if err != nil {
		return err.Error()
	}
	return text
}

// at is the path of the page, with its query.
func (p *person) at() string { return asks[string](p, "location.pathname + location.search") }

// visit opens an address, as from a bookmark, and waits for its page.
func (p *person) visit(path string) {
	p.t.Helper()
	p.goes(func() {
		p.t.Helper()
		result := call(p, page.Navigate, page.NavigateParams{URL: p.o.console.URL + path})
		if result.ErrorText != "" {
			p.t.Fatalf("visit %s: %s", path, result.ErrorText)
		}
	})
}

// goes does something that leads to another page, and waits until that is there.
func (p *person) goes(do func()) {
	p.t.Helper()
	before := p.document()
	do()
	p.until(func() string {
		if now := p.document(); now == before || now == "" {
			return "no other page came"
		}
		if state, err := evaluate[string](p, "document.readyState"); err != nil || state != "complete" {
			return "the page did not finish"
		}
		return ""
	})
}

// document tells one loaded page from the next, of the same address too.
func (p *person) document() cdp.LoaderID {
	tree, err := chromedp.Call(p.tab, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return ""
	}
	return tree.FrameTree.Frame.LoaderID
}

// see waits until the page says something. Capitals do not matter: headings are set in them.
func (p *person) see(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.until(func() string {
			if p.says(text) {
				return ""
			}
			return fmt.Sprintf("the page does not say %q", text)
		})
	}
}

// miss demands that the page, which is there, does not say something.
func (p *person) miss(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if p.says(text) {
			p.t.Errorf("the page says %q", text)
		}
	}
}

func (p *person) says(text string) bool {
	tree, err := p.look()
	if err != nil {
		return false
	}
	part := tree.scope(p.within)
	if part == nil {
		return false
	}
	said, err := try[string](
		p, element{id: part.BackendDOMNodeID}, "function() { return (this.body ?? this).innerText }",
	)
	return err == nil && strings.Contains(fold(said), fold(text))
}

func fold(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// in does something while looking at one part of the page only: a region, a table, or the row that
// has a text.
func (p *person) in(part string, do func()) {
	p.t.Helper()
	before := p.within
	p.within = part
	do()
	p.within = before
}

// click presses what has a name, and waits for the page that it leads to, if it does.
func (p *person) click(name string) {
	p.t.Helper()
	p.press(p.find(name, pressable))
}

// press is click of what was found.
func (p *person) press(e element) {
	p.t.Helper()
	act := p.pointAt
	if p.how == byKeyboard {
		act = p.keyOn
	}
	p.clicks++
	if leads := on[bool](p, e, leadsAway); leads {
		p.goes(func() { act(e) })
		return
	}
	act(e)
}

// leadsAway says whether another page follows when an element is pressed.
const leadsAway = `function() {
	const a = this.closest("a[href]");
	if (a) return a.target !== "_blank" && a.getAttribute("href")[0] !== "#";
	const b = this.closest("button");
	if (!b || b.type !== "submit" || !b.form) return false;
	return b.form.noValidate || b.formNoValidate || b.form.checkValidity();
}`

// pointAt moves the mouse to an element and clicks. It fails where something else is on top.
func (p *person) pointAt(e element) {
	p.t.Helper()
	x, y := p.middle(e)
	p.mouse(x, y, 1)
}

func (p *person) mouse(x, y float64, count int64) {
	p.t.Helper()
	for _, kind := range []input.DispatchMouseEventType{
		input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed,
		input.DispatchMouseEventTypeMouseReleased,
	} {
		event := input.DispatchMouseEventParams{Type: kind, X: x, Y: y}
		if kind != input.DispatchMouseEventTypeMouseMoved {
			event.Button, event.ClickCount = input.MouseButtonLeft, count
		}
		call(p, input.DispatchMouseEvent, event)
	}
}

// middle is where one would click on an element, which is scrolled to.
func (p *person) middle(e element) (x, y float64) {
	p.t.Helper()
	p.until(func() string {
		if _, err := chromedp.Call(p.tab, dom.ScrollIntoViewIfNeeded,
			dom.ScrollIntoViewIfNeededParams{BackendNodeID: e.id}); err != nil {
			return fmt.Sprintf("%s cannot be scrolled to: %v", e, err)
		}
		at := on[[]float64](p, e, `function() {
			const r = this.getClientRects()[0];
			if (!r) return [];
			const x = r.x + r.width / 2, y = r.y + r.height / 2;
			const hit = document.elementFromPoint(x, y);
			const reached = hit && (this === hit || this.contains(hit) || hit.contains(this) ||
				hit.closest("label")?.control === this);
			return reached ? [x, y] : [];
		}`)
		if len(at) != 2 {
			return fmt.Sprintf("%s is covered, or has no place", e)
		}
		x, y = at[0], at[1]
		return ""
	})
	return x, y
}

// fill types a text into a field, in the place of what is in it.
func (p *person) fill(label string, text any) {
	p.t.Helper()
	p.write(p.find(label, writable), fmt.Sprint(text))
}

func (p *person) write(e element, text string) {
	p.t.Helper()
	p.settles(e)
	if !on[bool](p, e, "function() { return document.activeElement === this }") {
		if p.how == byKeyboard {
			p.reach(e)
		} else {
			p.clicks++
			p.pointAt(e)
		}
	}
	p.key(keyOf["select all"])
	if text == "" {
		p.key(keyOf["Delete"])
	} else {
		call(p, input.InsertText, input.InsertTextParams{Text: text})
	}
	if got := on[string](p, e, "function() { return this.value }"); got != text {
		p.t.Errorf("%s holds %q after %q was typed", e, got, text)
	}
}

// settles waits for the browser to put the focus into the field that the page begins with.
func (p *person) settles(e element) {
	p.t.Helper()
	for range 20 {
		if !on[bool](p, e, "function() { return this.autofocus && document.activeElement === document.body }") {
			return
		}
		time.Sleep(glance)
	}
}

// search types a text into a field and presses Enter.
func (p *person) search(label string, text any) {
	p.t.Helper()
	p.fill(label, text)
	p.enter()
}

// enter sends the form in which the person is.
func (p *person) enter() {
	p.t.Helper()
	p.goes(func() { p.key(keyOf["Enter"]) })
}

// choose picks an entry of a list: a click opens it and another one picks.
func (p *person) choose(label, option string) {
	p.t.Helper()
	e := p.find(label, writable)
	// A list that a browser draws itself cannot be pointed at from outside; typing picks as well.
	if p.how == byKeyboard {
		p.reach(e)
	} else {
		call(p, dom.Focus, dom.FocusParams{BackendNodeID: e.id})
		p.clicks += 2
	}
	for _, r := range option {
		call(p, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: input.DispatchKeyEventTypeKeyDown, Text: string(r), Key: string(r),
		})
	}
	got := fold(on[string](p, e, "function() { return this.selectedOptions?.[0]?.textContent ?? this.value }"))
	if !strings.HasPrefix(got, fold(option)) {
		p.t.Fatalf("%s holds %q after %q was chosen", e, got, option)
	}
}

// holds demands that a field has a value.
func (p *person) holds(label, value string) {
	p.t.Helper()
	p.until(func() string {
		e, wrong := p.seek(label, writable)
		if wrong != "" {
			return wrong
		}
		if got := on[string](p, e, "function() { return this.value }"); got != value {
			return fmt.Sprintf("%s holds %q, not %q", e, got, value)
		}
		return ""
	})
}

// download presses what a file comes from, and waits until it is there.
func (p *person) download(name string) (file string) {
	p.t.Helper()
	before := p.files()
	e := p.find(name, pressable)
	p.clicks++
	if p.how == byKeyboard {
		p.keyOn(e)
	} else {
		p.pointAt(e)
	}
	p.until(func() string {
		for _, name := range p.files() {
			if !slices.Contains(before, name) && !strings.HasSuffix(name, ".crdownload") &&
				!strings.HasPrefix(name, ".") {
				file = filepath.Join(p.folder, name)
				return ""
			}
		}
		return "no file came"
	})
	return file
}

// files are the names of what was downloaded.
func (p *person) files() []string {
	entries, err := os.ReadDir(p.folder)
	p.must(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// back presses the browser's own button.
func (p *person) back() {
	p.t.Helper()
	p.clicks++
	history := call(p, page.GetNavigationHistory, cdp.Empty{})
	p.goes(func() {
		call(p, page.NavigateToHistoryEntry,
			page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
	})
}

// signIn opens the console and says who this is, on the page that it leads to.
func (p *person) signIn(account, user string, permissions ...string) {
	p.t.Helper()
	p.visit("/console/")
	p.signInHere(account, user, permissions...)
}

// signInHere fills in the sign-in page that is there.
func (p *person) signInHere(account, user string, permissions ...string) {
	p.t.Helper()
	p.fill("Account", account)
	p.fill("User", user)
	if len(permissions) > 0 {
		p.fill("Permissions", strings.Join(permissions, " "))
	}
	p.click("Sign in")
}
