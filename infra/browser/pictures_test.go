package browser_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"

	"seatwise/infra/testing/runnerprocess"
)

// picturesAsked is the environment variable with which the pictures are taken again.
const picturesAsked = "SEATWISE_PICTURES"

// quality of a WebP picture, from 0 to 100: letters stay sharp, and all pictures together are small.
const quality = 75

// picture is a page of the account demo as docs/console.md shows it.
type picture struct {
	name, path string
	narrow     bool // at 360 pixels too
}

// TestPictures makes the pictures of docs/pictures, from the account demo: each page, light and
// dark. `make pictures` asks for it; it proves nothing alone.
func TestPictures(t *testing.T) {
	o := open(t)
	if os.Getenv(picturesAsked) == "" {
		t.Skip("not asked for: `make pictures` does")
	}
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "docs", "pictures")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	p := sit(t, byMouse)
	call(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"})
	// Whoever looks at a license's administration is the account's admin, not an operator.
	p.signIn("demo", "ada", accountAdmin()...)
	p.click("Skip the hints")
	for _, one := range album(t, o) {
		p.visit("/console/demo/" + one.path)
		for _, scheme := range []string{"light", "dark"} {
			p.dark(scheme)
			p.shoot(filepath.Join(folder, one.name+"-"+scheme+".webp"), 1440, 900)
		}
		p.dark("light")
		if one.narrow {
			p.shoot(filepath.Join(folder, one.name+"-narrow.webp"), 360, 740)
		}
	}
}

// album is what is shown of the console, in the order of its navigation.
func album(t *testing.T, o *office) []picture {
	t.Helper()
	b := o.console.SignIn(t, "demo", "ada")
	at := func(list, text string) string {
		t.Helper()
		target, err := url.Parse(b.Get("/console/demo/" + list).Link(text))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(target.RequestURI(), "/console/demo/")
	}
	return []picture{
		{"overview", "", true},
		{"purchase", "purchase", false},
		{"cart", "cart", false},
		{"licenses", "licenses?status=assigned&product=phone-system", true},
		{"assign", at("licenses?status=available&product=phone-system", "Assign"), false},
		{"mass-configuration", "mass-configurations", false},
		{"plan", at("mass-configurations", "phones.csv"), false},
		{"requests", "requests", true},
		{"approve", at("requests?state=open", "Approve"), false},
		{"live-reports", "live-reports", false},
		{"why", at("live-reports", "Why?"), false},
		{"usage", "usage", true},
		{"metrics", "metrics", false},
		{"directory", "directory", false},
		{"role", "directory/roles/supervisor/edit", false},
		{"billing", "billing", false},
		{"billing-details", "service-billing-details", false},
		{"periods", "billing/periods", false},
		{"period", "billing/periods/current", true},
		{"idle", "billing/idle", false},
		{"caps", "billing/policies", false},
		{"cost-centers", "billing/cost-centers", false},
		{"audit", "audit", false},
	}
}

// shoot takes a picture of the top of the page.
func (p *person) shoot(file string, width, height int64) {
	p.t.Helper()
	p.size(width, height)
	shot := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatWebp, Quality: new(int64(quality)),
	})
	p.must(os.WriteFile(file, shot.Data, 0o600))
}
