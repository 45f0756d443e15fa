package purchase

import (
	"testing"

	"seatwise/shared/craft/text"
)

func TestStatementForm(t *testing.T) {
	for _, c := range []struct{ accept, want string }{
		{"", HTML},
		{"  ", HTML},
		{"*/*", HTML},
		{"text/html", HTML},
		{"text/*", HTML},
		{"TEXT/HTML; charset=utf-8", HTML},
		{"application/pdf", PDF},
		{"application/*", PDF},
		{"text/html;q=0.8, application/pdf", PDF},
		{"text/html, application/pdf", HTML},
		{"application/pdf;q=0.5, */*;q=0.1", PDF},
		{"*/*, text/html;q=0", PDF},
		{"text/*;q=0.2, text/html;q=0.9, application/pdf;q=0.5", HTML},
		// What a browser sends.
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", HTML},
		{"application/json", ""},
		{"image/*", ""},
		{"text/html;q=0", ""},
		{"text/html;q=2", ""},
		{"text/html;q=NaN", ""},
		{"application/pdf;q=x", ""},
		{",;,", ""},
	} {
		got, ok := StatementForm(c.accept)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %q, %v; want %q", c.accept, got, ok, c.want)
		}
	}
}

func TestCostCenterIsFoundByTheBeginningOfAWord(t *testing.T) {
	cc := CostCenter{Code: "CC-1", Name: "Sales West"}
	for q, want := range map[string]bool{
		"cc":             true,
		"1":              true,
		"séles":          false,
		"ＳÁLES\u00a0 we": true,
		"wes":            true,
		"\u200b":         false,
		"est":            false,
		"CC-1":           true,
		"sales w":        true,
		"SALES":          true,
		"west":           true,
		"CC-10":          false,
	} {
		if cc.Found(text.NewQuery(q)) != want {
			t.Errorf("%q: found is not %v", q, want)
		}
	}
}
