package printing

import (
	"mime"
	"testing"
)

func TestFormOf(t *testing.T) {
	for _, c := range []struct{ accept, want string }{
		{"", html},
		{"  ", html},
		{"*/*", html},
		{"text/html", html},
		{"text/*", html},
		{"TEXT/html; charset=utf-8", html},
		{"application/pdf", pdf},
		{"application/*", pdf},
		{"text/html;q=0.8, application/pdf", pdf},
		{"text/html, application/pdf", html},
		{"application/pdf;q=0.5, */*;q=0.1", pdf},
		{"*/*, text/html;q=0", pdf},
		{"text/*;q=0.2, text/html;q=0.9, application/pdf;q=0.5", html},
		// What a browser sends.
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", html},
		{"application/json", ""},
		{"image/*", ""},
		{"text/html;q=0", ""},
		{"text/html;q=2", ""},
		{"text/html;q=NaN", ""},
		{"application/pdf;q=x", ""},
		{",;,", ""},
	} {
		got, ok := formOf(c.accept, html, pdf)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %q, %v; want %q", c.accept, got, ok, c.want)
		}
	}
}

// What a browser reads of the header is the name, whatever letters it has, without what no file name
// takes.
func TestDisposition(t *testing.T) {
	for name, want := range map[string]string{
		"Seatwise Statement Acme 2026-11-20 482-913-706.pdf": "Seatwise Statement Acme 2026-11-20 482-913-706.pdf",
		`A/B\C: "Ünal" Ltd.html`:                             `A_B_C_ _Ünal_ Ltd.html`,
		"名.pdf":                                              "名.pdf",
	} {
		kind, parameters, err := mime.ParseMediaType(disposition(name))
		if err != nil || kind != "inline" || parameters["filename"] != want {
			t.Errorf("%q: %s %q, %v; want %q", name, kind, parameters["filename"], err, want)
		}
	}
}
