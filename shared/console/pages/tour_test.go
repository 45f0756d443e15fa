package pages_test

import (
	"strings"
	"testing"

	"seatwise/infra/testing/consolewalk"
)

// The hints of the tour, in their order.
const (
	firstHint  = "Begin with licenses 1 of 3"
	secondHint = "Hand them out 2 of 3"
	thirdHint  = "See who really uses them 3 of 3"
)

func putAway(b *consolewalk.Browser, p *consolewalk.Page, do string) *consolewalk.Page {
	form := p.Form("/tour")
	form.Set("do", do)
	return b.Submit(form)
}

// One hint at a time, each put away for ever: after another sign-in, and in another account.
func TestTheTourNeverComesBack(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	c.Account(t, "bolt", nil)
	b := c.SignIn(t, "acme", "ada")
	p := b.Get("/console/acme/")
	p.Says(firstHint)
	p.Hides(secondHint, thirdHint)
	p = b.Get("/console/acme/") // looking again puts nothing away
	p.Says(firstHint)
	p = putAway(b, p, "next")
	if p.URL.Path != "/console/acme/" {
		t.Errorf("it leads to %s", p.URL)
	}
	p.Says(secondHint)
	p.Hides(firstHint, thirdHint)
	p = putAway(b, p, "next")
	p.Says(thirdHint)
	p.Hides("Skip the hints") // nothing is left to skip
	last := p.Form("/tour")
	p = b.Submit(last)
	p.Hides(firstHint, secondHint, thirdHint)
	b.Submit(b.Get("/console/acme/").Form("/sign-out"))
	again := b.SignIn(b.Get("/console/bolt/"), "bolt", "zoe")
	again.Hides(firstHint, secondHint, thirdHint)
	for _, cookie := range b.Cookies() {
		if strings.HasSuffix(cookie.Name, "tour") && cookie.Value != "3" {
			t.Errorf("the browser keeps %q", cookie.Value)
		}
	}
}

func TestTheTourIsSkippedAtOnce(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	old := b.Get("/console/acme/")
	putAway(b, old, "skip").Hides(firstHint, secondHint, thirdHint)
	// A page from before, sent from another tab, brings nothing back.
	putAway(b, old, "next").Hides(firstHint, secondHint, thirdHint)
}

// Each person gets the hints of what they may do, and an operator outside of an account none.
func TestTheTourIsForWhoCanFollowIt(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	p := c.SignIn(t, "acme", "zoe", "usage.read").Get("/console/acme/")
	p.Says("See who really uses them 1 of 1")
	c.SignIn(t, "acme", "zoe", "audit.read").Get("/console/acme/").Hides("Got it")
	c.SignIn(t, "acme", "zoe", "licenses.manage").Get("/console/acme/").Hides("Got it") // it leads to a list
	c.SignIn(t, "provider", "olga").Get("/console/provider/").Hides("Got it")
	c.SignIn(t, "provider", "olga").Get("/console/acme/").Says(firstHint)
}
