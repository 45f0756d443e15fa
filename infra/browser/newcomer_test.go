package browser_test

import "testing"

// TestPlaceholdersAreRead looks at each page with a field that says what it takes.
func TestPlaceholdersAreRead(t *testing.T) {
	p := sit(t, byMouse)
	p.signIn("demo", "ada")
	for _, page := range []string{
		"", "audit", "licenses", "directory", "directory/queues", "directory/dashboards", "billing/orders",
		"live-reports",
	} {
		p.visit("/console/demo/" + page)
		p.readsPlaceholders()
	}
}
