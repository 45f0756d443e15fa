package programs

import (
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"seatwise/infra/testing/parts"
)

// pagesPackage is the Debian package of what reads a PDF document.
const pagesPackage = "poppler-utils"

// Printed is what a PDF document looks like on paper.
type Printed struct {
	// Pages is the text of each page, laid out as it is printed.
	Pages []string
	// Width and Height are those of the first page, in points of a 72nd of an inch.
	Width, Height float64
	// Fonts are the families of its fonts, sorted, each once: without the prefix of a part that is
	// embedded, and without the style.
	Fonts []string
}

var (
	pageSize   = regexp.MustCompile(`(?m)^Page size:\s+([0-9.]+) x ([0-9.]+) pts`)
	fontPrefix = regexp.MustCompile(`^[A-Z]{6}\+`)
)

// ReadPDF reads a PDF document with poppler's tools. It belongs to Papers; without the tools the
// test is skipped, and fails in CI.
func ReadPDF(t testing.TB, file string) Printed {
	t.Helper()
	parts.Belongs(t, parts.Papers)
	run := func(name string, args ...string) string {
		t.Helper()
		program, err := exec.LookPath(name)
		switch {
		case err == nil:
		case errors.Is(err, exec.ErrNotFound) && !inCI():
			t.Skipf("not tested: no %s found: install poppler (on Debian: apt install %s)", name, pagesPackage)
		default:
			t.Fatalf("%s: %v: install poppler (on Debian: apt install %s)", name, err, pagesPackage)
		}
		out, err := exec.CommandContext(t.Context(), program, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(out)
	}
	var p Printed
	size := pageSize.FindStringSubmatch(run("pdfinfo", file))
	if size == nil {
		t.Fatal("pdfinfo tells no page size")
	}
	for i, to := range []*float64{&p.Width, &p.Height} {
		var err error
		if *to, err = strconv.ParseFloat(size[i+1], 64); err != nil {
			t.Fatal(err)
		}
	}
	p.Pages = strings.Split(strings.TrimSuffix(run("pdftotext", "-layout", file, "-"), "\f"), "\f")
	for _, line := range strings.Split(run("pdffonts", file), "\n")[2:] {
		if name, _, ok := strings.Cut(line, " "); ok {
			family, _, _ := strings.Cut(fontPrefix.ReplaceAllString(name, ""), "-")
			p.Fonts = append(p.Fonts, family)
		}
	}
	slices.Sort(p.Fonts)
	p.Fonts = slices.Compact(p.Fonts)
	return p
}
