package filejob

import (
	"strings"
	"testing"
)

// Names become object keys and the names of downloads.
func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"phones.csv":                       "phones.csv",
		`C:\Users\me\phones.csv`:           "phones.csv",
		"../../etc/phones.csv":             "phones.csv",
		"a\"b\nc.csv":                      "a_b_c.csv",
		"Zürich.xlsx":                      "Z_rich.xlsx",
		strings.Repeat("a", 300) + ".xlsx": strings.Repeat("a", 115) + ".xlsx",
		"a." + strings.Repeat("x", 300):    "a." + strings.Repeat("x", 108) + "." + strings.Repeat("x", 9),
	} {
		if got := safeName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	if got := resultName("Zürich phones.xlsx"); got != "Z_rich phones result.xlsx" {
		t.Errorf("result %q", got)
	}
}
