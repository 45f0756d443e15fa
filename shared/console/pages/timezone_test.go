package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"seatwise/infra/testing/consolewalk"
)

// zonesOf demands that every time of a page names a zone, when it is pointed at and when it is read
// out.
func zonesOf(t *testing.T, p *consolewalk.Page, zone string) {
	t.Helper()
	times := p.Elements("time")
	if len(times) == 0 {
		t.Errorf("%s has no times", p.URL)
	}
	for _, one := range times {
		pointed, read := "", ""
		for _, a := range one.Attr {
			if a.Key == "title" {
				pointed = a.Val
			}
		}
		for n := range one.Descendants() {
			if n.Type == html.TextNode && n.Parent.Data == "span" {
				read = strings.TrimSpace(n.Data)
			}
		}
		if !strings.Contains(pointed, ", "+zone+" (UTC") || read != zone {
			t.Errorf("%s: a time is of %q, and is read out as of %q; want %s", p.URL, pointed, read, zone)
		}
	}
}

func TestTimesAreInTheZoneThatTheReaderChose(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	const list = "/console/acme/audit?action=order.placed"
	page := b.Get(list)
	zonesOf(t, page, "America/Detroit") // the account's
	zonesOf(t, b.Get("/console/acme/"), "America/Detroit")

	// What a script told.
	b.Keep([]*http.Cookie{{Name: "seatwise-zone", Value: "Asia/Tokyo"}})
	page = b.Get(list)
	zonesOf(t, page, "Asia/Tokyo")

	choose := b.Get(page.Link("Times in Asia/Tokyo"))
	choose.Says("The zone of this browser Asia/Tokyo", "The zone of the account America/Detroit")
	form := choose.Post()
	form.Set("zone", "other")
	form.Set("other", "Mars/Olympus")
	refused := b.Submit(form)
	if refused.Status != http.StatusUnprocessableEntity || !strings.Contains(refused.HTML, `id="e-other"`) {
		t.Errorf("a zone that is none: %d %s", refused.Status, refused.Text())
	}
	form = refused.Post()
	if form.Values.Get("other") != "Mars/Olympus" || form.Values.Get("zone") != "other" {
		t.Errorf("what was typed is lost: %v", form.Values)
	}
	form.Set("other", "Europe/Berlin")
	page = b.Submit(form)
	if page.URL.RequestURI() != list {
		t.Errorf("it leads to %s", page.URL)
	}
	zonesOf(t, page, "Europe/Berlin")

	form = b.Get("/console/acme/time-zone").Post()
	if form.Values.Get("other") != "Europe/Berlin" {
		t.Errorf("the choice is not shown: %v", form.Values)
	}
	form.Set("zone", "account")
	b.Submit(form)
	zonesOf(t, b.Get(list), "America/Detroit")

	form = b.Get("/console/acme/time-zone").Post()
	form.Set("zone", "browser")
	b.Submit(form)
	zonesOf(t, b.Get(list), "Asia/Tokyo")

	form = b.Get("/console/acme/time-zone").Post()
	form.Set("other", "Europe/Lisbon") // and the button above it left as it was
	b.Submit(form)
	zonesOf(t, b.Get(list), "Europe/Lisbon")
	form = b.Get("/console/acme/time-zone").Post()
	form.Set("zone", "browser")
	b.Submit(form)
	if slices.ContainsFunc(b.Cookies(), func(k *http.Cookie) bool { return k.Name == "seatwise-times" }) {
		t.Error("a choice that was taken back is kept")
	}
}

// What nobody's script tells is not believed.
func TestAZoneThatIsNone(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	for _, told := range []string{"Local", "../../etc/passwd", "Nowhere/Else", strings.Repeat("x", 2000)} {
		b.Keep([]*http.Cookie{{Name: "seatwise-zone", Value: told}, {Name: "seatwise-times", Value: told}})
		zonesOf(t, b.Get("/console/acme/audit"), "America/Detroit")
		b.Get("/console/acme/time-zone").Says("not known without script")
	}
}

// Paper shows nothing on hover: statements, licenses and whatever is printed name their zone.
func TestPaperNamesTheZone(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	for _, path := range []string{
		"billing/orders/" + orders(t, api)[0].ID, "licenses/" + licensesOf(t, api, "live-reports")[0].ID, "metrics",
	} {
		page := b.Get("/console/acme/" + path)
		page.Says("M America/Detroit", "Times are those of America/Detroit .")
		if strings.Count(page.HTML, `<span class="quiet"> America/Detroit</span>`) == 0 {
			t.Errorf("%s names its zone to nobody who sees it", path)
		}
	}
	// Where nobody told the zone, a script may tell the times of the page again, and only then.
	if page := b.Get("/console/acme/"); !strings.Contains(page.HTML, `data-zone-guessed="America/Detroit"`) {
		t.Error("the page does not say that its zone is the account's for want of another one")
	}
	b.Keep([]*http.Cookie{{Name: "seatwise-times", Value: "account"}})
	if page := b.Get("/console/acme/"); strings.Contains(page.HTML, "data-zone-guessed") {
		t.Error("a zone that was chosen is called a guess")
	}
}
