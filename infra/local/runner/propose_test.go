package runner_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"seatwise/infra/registry"
)

// Whoever comes to the address that make demo prints finds the form filled in as the account's admin,
// who is no operator.
func TestTheSignInFormIsFilledIn(t *testing.T) {
	c := config(t, new(world), t.TempDir())
	c.Template, c.Functions, c.Propose = "../../../template.yaml", registry.Make, "demo/ada"
	a := start(t, c).api
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	response, err := browser.Get(a + "/console/demo/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name="account" value="demo"`, `name="user" value="ada"`, "licenses.manage"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the form lacks %s: %s", want, page)
		}
	}
	if strings.Contains(string(page), "accounts.manage") {
		t.Error("the admin is proposed as an operator")
	}

	// Whoever else comes again has what their roles allow, and the admin what they had.
	for who, want := range map[string]string{"demo/zoe": `value="roles"`, "demo/ada": "licenses.manage"} {
		again := *response.Request.URL
		q := again.Query()
		q.Set("login_hint", who)
		again.RawQuery = q.Encode()
		response, err := browser.Get(again.String())
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(page), want) || strings.Contains(string(page), `value="all"`) {
			t.Errorf("%s is proposed as %s: %v", who, page, err)
		}
	}
}
