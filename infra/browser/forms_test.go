package browser_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"seatwise/infra/testing/parts"
	"seatwise/shared/console/client"
)

// button is one that changes something: of which address, form and button of it.
type button struct {
	Form, Button int
	Name         string
}

// buttons are those of all forms of the page that change something, but for signing out.
func (p *person) buttons() []button {
	p.t.Helper()
	return asks[[]button](p, `[...document.querySelectorAll("form[method=post]")].flatMap((form, Form) =>
		form.action.endsWith("/sign-out") || "upload" in form.dataset ? [] :
		[...form.querySelectorAll("button:not([type=button]):not([tabindex])")]
			.map((b, Button) => ({ Form, Button, Name: b.textContent.trim() })))`)
}

// fillIn gives every field that must have a value one, as somebody in a hurry does, and says what
// the form would send.
func (p *person) fillIn(b button) (sends string) {
	p.t.Helper()
	return asks[string](p, fmt.Sprintf(`(() => {
		const form = document.querySelectorAll("form[method=post]")[%d];
		for (const e of form.elements) {
			if (!e.required || e.type === "hidden") continue;
			if (e.type === "radio") {
				if (![...form.elements].some((o) => o.name === e.name && o.checked)) e.checked = true;
			}
			else if (e.type === "checkbox") e.checked = true;
			else if (e.value !== "") continue;
			else if (e.tagName === "SELECT") e.value = [...e.options].find((o) => o.value !== "")?.value ?? "";
			else e.value = e.type === "number" ? (e.min || "1") : "made-up";
		}
		const pressed = form.querySelectorAll("button:not([type=button]):not([tabindex])")[%d];
		return new URLSearchParams(new FormData(form, pressed)).toString(); // a button says what to do
	})()`, b.Form, b.Button))
}

// element is the button on the page that is there, so that it can be pressed.
func (p *person) button(b button) element {
	p.t.Helper()
	mark := fmt.Sprintf("pressed-%d-%d", b.Form, b.Button)
	asks[any](p, fmt.Sprintf(`(() => {
		const form = document.querySelectorAll("form[method=post]")[%d];
		form.querySelectorAll("button:not([type=button]):not([tabindex])")[%d].setAttribute("aria-label", %q);
	})()`, b.Form, b.Button, mark))
	return p.find(mark, pressable)
}

// staff is an account with something on every page, and without anything that takes long.
func staff(t testing.TB, o *office) (*client.Client, []stop) {
	t.Helper()
	id := newAccount()
	api := o.console.Account(t, id, map[string]int64{"live-reports": 3, "phone-system": 4, "call_recording": 1})
	s := scene{person: &person{t: t, o: o}, account: id, api: api}
	s.give("phone-system", "zoe", "101")
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(api.PutRole(ctx, "helper", client.PutRoleRequest{Name: "Helper"}, key()))
	must(api.PutCallQueue(
		ctx, "support", client.PutCallQueueRequest{Name: "Support", Members: client.Set([]string{"zoe", "john"})},
		key(),
	))
	must(api.PutDashboard(
		ctx, "hall", client.PutDashboardRequest{Name: "Hall", QueueIDs: client.Set([]string{"support"})}, key(),
	))
	must(api.AddCartLine(
		ctx, client.AddCartLineRequest{ProductID: "live-reports", Quantity: 2, CostCenter: new("CC-1")}, key(),
	))
	must(o.console.API(t, id, "zoe", "roles").CreateRequest(
		ctx, client.CreateRequestRequest{ProductID: "developer", Reason: "Programs"}, key(),
	))
	return api, walk(o.console.SignIn(t, id, "ada"), id, unlinked(t, o, id)...)
}

const (
	// mostAlike is how many buttons a page has whose first word tells what they do.
	mostAlike = 12
	// leastButtons is fewer than there are in all.
	leastButtons = 30
)

// eachButton opens every page of an account once for each button on it that changes something.
func eachButton(t *testing.T, p *person, stops []stop, do func(t *testing.T, s stop, b button)) {
	t.Helper()
	done := map[string]bool{}
	for _, s := range parts.Today(stops) {
		if s.file {
			continue
		}
		p.visit(s.path)
		for _, b := range p.buttons() {
			name := s.route + " " + b.Name
			if len(p.buttons()) > mostAlike { // as in each tile of a product
				name = s.route + " " + strings.Join(strings.Fields(b.Name)[:1], "")
			}
			if done[name] {
				continue
			}
			done[name] = true
			t.Run(name, func(t *testing.T) {
				before := p.t
				p.t = t
				defer func() { p.t = before }()
				p.visit(s.path)
				if n := len(p.buttons()); n <= b.Button && n == 0 {
					t.Skip("what another button did has taken this one away")
				}
				do(t, s, b)
				opensAgain(t, p.o, s)
			})
		}
	}
	if len(done) < len(parts.Today(make([]bool, leastButtons))) {
		t.Errorf("only %d buttons were found: %q", len(done), slices.Sorted(maps.Keys(done)))
	}
}

// opensAgain undoes what a button did to the state of an account, which may be one that other tests use.
func opensAgain(t *testing.T, o *office, s stop) {
	t.Helper()
	_, of, found := strings.Cut(s.path, "/accounts/of/")
	id, below, _ := strings.Cut(of, "/")
	if !found || !strings.HasPrefix(below, "state") {
		return
	}
	open := client.PatchAccountRequest{State: new("active")}
	if _, err := o.console.API(t, id, "ada").PatchAccount(t.Context(), open, key()); err != nil {
		t.Fatal(err)
	}
}

// TestDoubleClickIsOneEffect presses every button that changes something twice, as fast as a hand
// does: one request at most has changed anything, by the account's audit.
func TestDoubleClickIsOneEffect(t *testing.T) {
	for _, how := range parts.Today([]way{byMouse, withoutScript}) {
		t.Run(string(how), func(t *testing.T) {
			p := sit(t, how)
			api, stops := staff(t, p.o)
			p.signIn(api.Account, "ada")
			eachButton(t, p, stops, func(t *testing.T, s stop, b button) {
				sends := p.fillIn(b)
				x, y := p.middle(p.button(b))
				before, cart := changes(t, api), inCart(t, api)
				p.goes(func() {
					p.mouse(x, y, 1)
					p.mouse(x, y, 2)
				})
				if more := inCart(t, api) - cart; more > quantityOf(t, s, sends) {
					t.Errorf("two presses of %q put %d into the cart: %s", b.Name, more, sends)
				}
				if made := newChanges(t, api, before); len(made) > 1 {
					t.Errorf("%s: two presses of %q are %d changes: %q", s.path, b.Name, len(made), made)
				}
			})
		})
	}
}

// inCart is how many licenses are in the person's cart.
func inCart(t testing.TB, api *client.Client) (n int64) {
	t.Helper()
	cart, err := api.GetCart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range cart.Body.Lines {
		n += line.Quantity
	}
	return n
}

// quantityOf is how many licenses a form puts into the cart.
func quantityOf(t testing.TB, s stop, sends string) int64 {
	t.Helper()
	form, err := url.ParseQuery(sends)
	if err != nil {
		t.Fatal(err)
	}
	do, product, _ := strings.Cut(form.Get("do"), ":")
	field := "quantity-" + product
	if s.route == "cart/now" && do == "cart" {
		field = "quantity"
	} else if s.route != "purchase" {
		return 0
	}
	n, err := strconv.ParseInt(form.Get(field), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// changes are the requests that have changed something in an account but a cart, which is counted
// by what is in it: what each of them did first.
func changes(t testing.TB, api *client.Client) map[string]string {
	t.Helper()
	made := map[string]string{}
	list, err := api.ListAudit(t.Context(), client.ListAuditQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list.Body.Items {
		if e.Cause == nil && e.Action != "cart.changed" {
			made[e.RequestID] = e.Action + " " + e.Subject
		}
	}
	return made
}

func newChanges(t testing.TB, api *client.Client, before map[string]string) []string {
	t.Helper()
	var made []string
	for id, what := range changes(t, api) {
		if _, old := before[id]; !old {
			made = append(made, what)
		}
	}
	return made
}

// signsInBeside follows the link of a form that was not sent, to a tab of its own, and signs in.
func (p *person) signsInBeside(account, user string) {
	p.t.Helper()
	link := on[string](p, p.find("Sign in beside this page", pressable), "function() { return this.href }")
	beside := p.another()
	at, err := url.Parse(link)
	p.must(err)
	beside.visit(at.RequestURI())
	beside.signInHere(account, user)
	beside.see("You are signed in as " + user)
}

// loseSession takes the session's cookies away, as a browser does when their time is over.
func (p *person) loseSession() {
	p.t.Helper()
	for _, c := range call(p, network.GetCookies, network.GetCookiesParams{}).Cookies {
		if c.HTTPOnly {
			call(p, network.DeleteCookies, network.DeleteCookiesParams{Name: c.Name, URL: p.o.console.URL})
		}
	}
}

// TestSessionThatEndedInEveryForm presses every button that changes something after the session has
// ended: the person is told so, all that was typed is still there, they sign in beside it, press
// again, and it is sent.
func TestSessionThatEndedInEveryForm(t *testing.T) {
	p := sit(t, byMouse)
	api, stops := staff(t, p.o)
	p.signIn(api.Account, "ada")
	eachButton(t, p, stops, func(t *testing.T, s stop, b button) {
		sends := p.fillIn(b)
		before := changes(t, api)
		p.loseSession()
		p.press(p.button(b))
		p.see("Sign in to go on", "Your session has ended, so nothing was sent.")
		if made := newChanges(t, api, before); len(made) > 0 {
			t.Errorf("something was changed: %q", made)
		}
		again := asks[string](p, `new URLSearchParams(new FormData(document.querySelector("main form[method=post]"))).toString()`)
		if missing := lost(t, sends, again); len(missing) > 0 {
			t.Errorf("%s: what was typed is gone: %q", s.path, missing)
		}
		p.signsInBeside(api.Account, "ada")
		p.press(element{p.find(asks[string](p, `document.querySelector("main form[method=post] button").textContent`), pressable).id, "button", b.Name})
		p.miss("Sign in to go on")
	})
}

// lost are the values of a form that another one does not have.
func lost(t testing.TB, before, after string) []string {
	t.Helper()
	had, err := url.ParseQuery(before)
	if err != nil {
		t.Fatal(err)
	}
	has, err := url.ParseQuery(after)
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	for name, values := range had {
		for _, v := range values {
			if !slices.Contains(has[name], v) {
				missing = append(missing, name+"="+v)
			}
		}
	}
	return missing
}
