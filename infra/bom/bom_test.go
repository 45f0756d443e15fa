package main

import (
	"errors"
	"strings"
	"testing"
)

// A license that is not allowed, and none at all, are refused by the module's name; others are counted.
func TestJudge(t *testing.T) {
	const fine = `{"name":"a","version":"v1","evidence":{"licenses":[{"license":{"id":"MIT"}}]}}`
	for _, tt := range []struct {
		name, components string
		refused          []string
	}{
		{"all are fine", fine, nil},
		{"one is not", fine + `,{"name":"b","version":"v2","licenses":[{"license":{"id":"GPL-3.0-only"}}]}`, []string{"b@v2"}},
		{"one of two is not", `{"name":"c","version":"v3","licenses":[{"license":{"id":"MIT"}}],` +
			`"evidence":{"licenses":[{"license":{"name":"Commons Clause"}}]}}`, []string{"c@v3"}},
		{"none was found", fine + `,{"name":"d","version":"v4"},{"name":"e","version":"v5"}`, []string{"d@v4", "e@v5"}},
	} {
		var out strings.Builder
		err := judge(strings.NewReader(`{"components":[`+tt.components+`]}`), &out)
		if errors.Is(err, errLicense) != (len(tt.refused) > 0) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for _, name := range tt.refused {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v does not name %s", tt.name, err, name)
			}
		}
		if len(tt.refused) == 0 && out.String() != "   1 MIT\n" {
			t.Errorf("%s: %q", tt.name, out.String())
		}
	}
	for _, broken := range []string{"", "{}", `{"components":[]}`} {
		if err := judge(strings.NewReader(broken), &strings.Builder{}); err == nil {
			t.Errorf("%q passes", broken)
		}
	}
}
