package programs

import (
	"os/exec"
	"testing"

	"seatwise/infra/testing/parts"
)

// chromiumPackage is the Debian package of the browser.
const chromiumPackage = "chromium"

// Chromium is the program of a browser that speaks the DevTools protocol. It belongs to Browser;
// without one the test is skipped, and fails in CI.
func Chromium(t testing.TB) string {
	t.Helper()
	parts.Belongs(t, parts.Browser)
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	const lacking = "no Chromium found: install it (on Debian: apt install " + chromiumPackage + ")"
	if inCI() {
		t.Fatal(lacking)
	}
	t.Skip("not tested: " + lacking)
	return ""
}
