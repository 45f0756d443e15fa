package s3store

import (
	"mime"
	"strings"
	"testing"
)

func TestContentDisposition(t *testing.T) {
	for _, tc := range []struct {
		name, fileName, want string
	}{
		{"a report's name with a space", "Acme_LR_Licensed Users_20261121T060708Z.xlsx", `attachment; filename="Acme_LR_Licensed Users_20261121T060708Z.xlsx"`},
		{"letters beyond ASCII", "Zürich.xlsx", `attachment; filename="Z_rich.xlsx"; filename*=UTF-8''Z%C3%BCrich.xlsx`},
		{"a quote ends nothing", `a"; x="b.xlsx`, `attachment; filename="a_; x=_b.xlsx"; filename*=UTF-8''a%22%3B%20x%3D%22b.xlsx`},
		{"a percent sign is not undone", "100%41.csv", `attachment; filename="100_41.csv"; filename*=UTF-8''100%2541.csv`},
		{"no folder", `../a\b/c.csv`, `attachment; filename=".._a_b_c.csv"`},
		{"no header of its own", "a\r\nSet-Cookie: x=1.csv", `attachment; filename="a__Set-Cookie: x=1.csv"`},
		{"no reordered letters", "a\u202excod.exe", `attachment; filename="a_xcod.exe"`},
		{"broken UTF-8", "a\xff.csv", `attachment; filename="a_.csv"`},
		{"nothing", "", `attachment; filename="download"`},
		{"only dots", " .. ", `attachment; filename="download"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := contentDisposition(tc.fileName)
			if got != tc.want {
				t.Fatalf("got  %s\nwant %s", got, tc.want)
			}
			kind, params, err := mime.ParseMediaType(got)
			if err != nil || kind != "attachment" {
				t.Fatalf("%s does not parse as an attachment: %q, %v", got, kind, err)
			}
			if strings.ContainsAny(params["filename"], "/\\\r\n") {
				t.Fatalf("the name %q leads elsewhere", params["filename"])
			}
		})
	}
}
