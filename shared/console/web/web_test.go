package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/console/session"
	"seatwise/shared/platform/app"
)

func licenseID(t *testing.T, api *client.Client) string {
	t.Helper()
	list, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{})
	if err != nil || len(list.Body.Items) == 0 {
		t.Fatalf("%+v, %v", list.Body, err)
	}
	return list.Body.Items[0].ID
}

func holder(t *testing.T, api *client.Client, id string) string {
	t.Helper()
	l, err := api.GetLicense(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l.Body.UserID
}

func TestWhatABrowserMustHoldTo(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	for _, path := range []string{
		"/console/acme/", "/console/acme/licenses", "/console/acme/nothing", "/console/-/signed-out",
	} {
		h := b.Get(path).Header
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self' http://127.0.0.1:",
			"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s: %s", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: %s", path, policy)
		}
		for name, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
	page := b.Get("/console/acme/")
	style := ""
	for _, l := range page.Elements("link") {
		for _, a := range l.Attr {
			if a.Key == "href" && strings.HasSuffix(a.Val, ".css") {
				style = a.Val
			}
		}
	}
	asset := b.Get(style)
	if asset.Status != http.StatusOK || !strings.Contains(asset.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s: %d %v", style, asset.Status, asset.Header)
	}
	for _, cookie := range b.Cookies() {
		if strings.Contains(page.HTML, cookie.Value) {
			t.Error("a cookie is in the page")
		}
	}
}

func TestAnotherSiteSendsNothing(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licenseID(t, api)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + id + "/assign").Post()
	form.Set("userId", "zoe")
	for name, header := range map[string]http.Header{
		"cross-site":     {"Sec-Fetch-Site": {"cross-site"}},
		"same-site":      {"Sec-Fetch-Site": {"same-site"}},
		"another origin": {"Sec-Fetch-Site": {""}, "Origin": {"https://evil.example"}},
	} {
		b.Header = header
		if p := b.Submit(form); p.Status != http.StatusForbidden {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
	if who := holder(t, api, id); who != "" {
		t.Errorf("it is %q's", who)
	}
}

func TestAFormOfAnotherAccountIsRefusedInWords(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	other := c.Account(t, "bolt", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	// An operator with a tab for each of two accounts.
	form := b.Get("/console/acme/licenses/" + licenseID(t, api) + "/assign").Post()
	form.Set("userId", "zoe")
	form.Action = "/console/bolt/licenses/" + licenseID(t, other) + "/assign"
	p := b.Submit(form)
	if p.Status != http.StatusConflict {
		t.Errorf("%d", p.Status)
	}
	p.Says("This form is of another account", "acme", "bolt", "Nothing was changed")
	if who := holder(t, other, licenseID(t, other)); who != "" {
		t.Errorf("it is %q's", who)
	}
	form.Action, form.Values["_key"] = "/console/acme/licenses/"+licenseID(t, api)+"/assign", nil
	if p := b.Submit(form); p.Status != http.StatusBadRequest {
		t.Errorf("without a key: %d", p.Status)
	}
}

// Whoever is not of an account sees that there is none; an operator sees which one they are in.
func TestTheAccountIsInEveryAddress(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	c.Account(t, "bolt", nil)
	b := c.SignIn(t, "acme", "zoe", "licenses.read")
	if p := b.Get("/console/bolt/licenses"); p.Status != http.StatusNotFound {
		t.Errorf("%d %s", p.Status, p.Text())
	}
	for from, to := range map[string]string{
		"/": "/console/acme/", "/console": "/console/acme/", "/console/": "/console/acme/",
		"/console/licenses":     "/console/acme/licenses",
		"/console/licenses?q=x": "/console/acme/licenses?q=x", "/console/acme": "/console/acme/",
		"/console/problems/validation": "/console/acme/problems/validation",
	} {
		if p := b.Get(from); p.URL.RequestURI() != to || p.Status != http.StatusOK {
			t.Errorf("%s leads to %s: %d", from, p.URL, p.Status)
		}
	}
	operator := c.SignIn(t, "acme", "ada")
	operator.Get("/console/bolt/licenses").Says("Account Acme bolt bolt")
}

// The page that was asked for is where one comes after signing in, and a stranger's address is not.
func TestSigningInLeadsBack(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.Browser(t)
	if p := b.SignIn(
		b.Get("/console/acme/licenses?q=zoe"),
		"acme",
		"ada",
	); p.URL.RequestURI() != "/console/acme/licenses?q=zoe" {
		t.Errorf("it leads to %s", p.URL)
	}
	for _, evil := range []string{
		"https://evil.example/", "//evil.example", "/\\evil.example", "/consolex",
		"/console/../v1/me", "/console/%2e%2e/v1/me", "/console/\t/../../v1/me",
	} {
		b := c.Browser(t)
		p := b.SignIn(b.Get("/console/-/sign-in?to="+url.QueryEscape(evil)), "acme", "ada")
		if p.URL.Path != "/console/acme/" {
			t.Errorf("%s leads to %s", evil, p.URL)
		}
	}
}

func TestAPageLeadsBackWithinItsAccount(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.Browser(t)
	b.SignIn(b.Get("/console/acme/"), "acme", "ada")
	for back, led := range map[string]bool{
		"/console/acme/licenses?q=..": true, "/console/acme/../globex/": false, "/console/acme/%2e%2e/globex/": false,
		"/console/acmeter/": false, "//evil.example": false,
	} {
		p := b.Get("/console/acme/time-zone?back=" + url.QueryEscape(back))
		if strings.Contains(p.HTML, `value="`+back+`"`) != led {
			t.Errorf("%s: led back is not %t", back, led)
		}
	}
}

func TestAnswersOfTheProviderThatAreNotOurs(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.Browser(t)
	for name, query := range map[string]func(state string) url.Values{
		"another state": func(string) url.Values { return url.Values{"state": {"x"}, "code": {"y"}} },
		"no state":      func(string) url.Values { return url.Values{"code": {"y"}} },
		"a wrong code":  func(state string) url.Values { return url.Values{"state": {state}, "code": {"y"}} },
		"an error": func(state string) url.Values {
			return url.Values{"state": {state}, "error": {"access_denied"}}
		},
	} {
		state := b.Get("/console/").URL.Query().Get("state")
		if p := b.Get("/console/-/signed-in?" + query(state).Encode()); p.Status < 400 {
			t.Errorf("%s: %d", name, p.Status)
		}
		if p := b.Get("/console/acme/"); !strings.HasPrefix(p.URL.Path, "/local/") {
			t.Errorf("%s: signed in", name)
		}
	}
}

// A post whose session has ended is answered with all that was typed; whoever signs in beside it as
// the same person sends it by pressing again.
func TestAFormOutlivesItsSession(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1})
	id := licenseID(t, api)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + id + "/assign").Post()
	form.Set("userId", "zoe")
	form.Set("extension", "101")
	c.Forward(session.Idle + time.Minute)
	p := b.Submit(form)
	if p.Status != http.StatusUnauthorized {
		t.Fatalf("%d %s", p.Status, p.Text())
	}
	p.Says("Your session has ended, so nothing was sent.", "Extension", "User", "Assign")
	kept := p.Post()
	for name, values := range form.Values {
		if strings.Join(kept.Values[name], ",") != strings.Join(values, ",") {
			t.Errorf("%s was %v and is %v", name, values, kept.Values[name])
		}
	}
	beside := p.Link("Sign in beside this page")
	b.SignIn(b.Get(beside), "acme", "john").Says("You are signed in as john")
	if p := b.Submit(kept); p.Status != http.StatusConflict {
		t.Errorf("as somebody else: %d", p.Status)
	} else {
		p.Says("This form was filled in by ada, and you are john.")
	}
	b.SignIn(b.Get(beside), "acme", "ada").Says("You are signed in as ada")
	b.Submit(kept).Says("Phone System is assigned to Zoe Alvarez.")
	if who := holder(t, c.API(t, "acme", "ada"), id); who != "zoe" {
		t.Errorf("it is %q's", who)
	}
}

// An access token lasts 15 minutes; a session goes on by its refresh token, in two tabs at once
// too, until its own end.
func TestASessionGoesOn(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	for range 30 {
		c.Forward(20 * time.Minute)
		done := make(chan *consolewalk.Page)
		for range 2 {
			go func() { done <- b.Get("/console/acme/licenses") }()
		}
		for range 2 {
			if p := <-done; p.Status != http.StatusOK || p.URL.Path != "/console/acme/licenses" {
				t.Fatalf("%d at %s", p.Status, p.URL)
			}
		}
	}
	c.Forward(3 * time.Hour)
	if p := b.Get("/console/acme/licenses"); !strings.HasPrefix(p.URL.Path, "/local/") {
		t.Errorf("after all that time without a page: %s", p.URL)
	}
	b = c.SignIn(t, "acme", "ada")
	for range 11 {
		c.Forward(time.Hour)
		if p := b.Get("/console/acme/licenses"); p.Status != http.StatusOK || strings.HasPrefix(p.URL.Path, "/local/") {
			t.Fatalf("%d at %s", p.Status, p.URL)
		}
	}
	c.Forward(time.Hour + time.Minute)
	if p := b.Get("/console/acme/licenses"); !strings.HasPrefix(p.URL.Path, "/local/") {
		t.Errorf("after twelve hours: %s", p.URL)
	}
}

// A page calls the API like any other client, so it may meet the limit of the account's requests, and
// says so in words. A form that met it can be sent again as it is.
func TestAPageBeyondTheLimitSaysWhenToComeAgain(t *testing.T) {
	const limit = 60
	c := consolewalk.StartWith(t, func(env *app.Env) { env.RequestsPerMinute = limit })
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	c.Forward(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) // a minute begins
	soon := regexp.MustCompile(`Try again in (\d+) seconds`)
	form := b.Get("/console/acme/directory/users/new").Post()
	var page *consolewalk.Page
	for range 4 * limit {
		if page = b.Get("/console/acme/licenses"); page.Status != http.StatusOK {
			break
		}
	}
	if page.Status != http.StatusTooManyRequests {
		t.Fatalf("%d: %s", page.Status, page.HTML)
	}
	page.Says("Too many requests of the account in a minute")
	if found := soon.FindStringSubmatch(page.HTML); found == nil {
		t.Errorf("the page does not say when to come again: %s", page.HTML)
	}
	form.Set("id", "mia")
	form.Set("name", "Mia")
	b.Submit(form).Says("Too many requests of the account in a minute")
	c.Forward(time.Minute)
	if again := b.Submit(form); again.Status != http.StatusOK || !strings.Contains(again.HTML, "Mia") {
		t.Errorf("sent again: %d %s", again.Status, again.HTML)
	}
}

func TestSigningOut(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	kept := b.Cookies()
	page := b.Get("/console/acme/")
	out := b.Submit(page.Form("/sign-out"))
	out.Says("Signing out")
	b.Get(out.Link("Go on")).Says("You are signed out")
	if p := b.Get("/console/acme/"); !strings.HasPrefix(p.URL.Path, "/local/") {
		t.Errorf("still in at %s", p.URL)
	}
	// Whoever kept the cookies has a refresh token that is worth nothing.
	thief := c.Browser(t)
	thief.Keep(kept)
	c.Forward(16 * time.Minute)
	if p := thief.Get("/console/acme/"); !strings.HasPrefix(p.URL.Path, "/local/") {
		t.Errorf("a session that was ended goes on at %s", p.URL)
	}
}

// The token goes to the address at which the request came in, whatever its headers say.
func TestHeadersDoNotMoveTheAPI(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	b.Header = http.Header{
		"X-Forwarded-Host":   {"evil.example"},
		"Forwarded":          {"host=evil.example"},
		"X-Forwarded-Proto":  {"https"},
		"X-Forwarded-Prefix": {"/evil"},
	}
	p := b.Get("/console/acme/licenses")
	if p.Status != http.StatusOK || strings.Contains(p.HTML, "evil") {
		t.Errorf("%d %s", p.Status, p.HTML)
	}
}

func TestStrangeNamesStayText(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3})
	list, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"<script>alert(1)</script>", `=1+1" onload="x`, "שלום " + strings.Repeat("ש", 58)} {
		id := string(rune('a' + i))
		if _, err := api.PutUser(
			t.Context(),
			id,
			client.PutUserRequest{Name: name},
			client.Change{Key: "u" + id},
		); err != nil {
			t.Fatal(err)
		}
		if _, err := api.AssignLicense(
			t.Context(),
			list.Body.Items[i].ID,
			client.AssignLicenseRequest{UserID: id},
			client.Change{Key: "a" + id},
		); err != nil {
			t.Fatal(err)
		}
	}
	p := c.SignIn(t, "acme", "ada").Get("/console/acme/licenses")
	p.Says("<script>alert(1)</script>", `=1+1" onload="x`, "שלום")
	for _, s := range p.Elements("script") {
		if s.FirstChild != nil {
			t.Error("a name became a script")
		}
	}
}

// Who mistyped the account at sign-in gets out of it: every page of it is refused alike, so each
// offers to sign in again. So does a page that one may not see.
func TestAWrongAccountLeadsToSigningInAgain(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acmee", "ada")
	page := b.Get("/console/acmee/licenses")
	page.Says("There is no such account", "Sign in again")
	page.Hides("To the overview")
	forms := page.Forms()
	if page.Status != http.StatusNotFound {
		t.Errorf("%d", page.Status)
	}
	b.Submit(forms[len(forms)-1]).Says("Your session here has ended.")
	b.SignIn(b.Get("/console/acme/"), "acme", "ada").Says("Overview")

	few := c.SignIn(t, "acme", "eve", "usage.read")
	refused := few.Get("/console/acme/billing")
	refused.Says("Sign in again", "To the overview")
	if gone := few.Get("/console/acme/usage/reports/none"); gone.Status == http.StatusNotFound {
		gone.Hides("Sign in again")
	}
}
