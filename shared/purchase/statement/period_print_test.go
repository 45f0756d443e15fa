package statement

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/programs"
)

// The statement of a period fits on the paper of the account's country, in one font; a long one has
// the head of its table and its number on every page.
func TestPeriodsOnPaper(t *testing.T) {
	for _, c := range []struct {
		paper         Paper
		width, height float64
		lines         int
	}{{A4, 595, 842, 3}, {Letter, 612, 792, 3}, {A4, 595, 842, 90}} {
		s := periodSample()
		s.Paper = c.paper
		for i := len(s.Period.Lines); i < c.lines; i++ {
			s.Period.Lines = append(s.Period.Lines, s.Period.Lines[i%2])
		}
		path := filepath.Join(t.TempDir(), "period.pdf")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := PeriodPDF(file, s); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		p := programs.ReadPDF(t, path)
		if math.Abs(p.Width-c.width) > 1 || math.Abs(p.Height-c.height) > 1 ||
			!slices.Equal(p.Fonts, []string{"Helvetica"}) {
			t.Errorf("%q: %g x %g, fonts %v", c.paper, p.Width, p.Height, p.Fonts)
		}
		if c.lines > 50 == (len(p.Pages) == 1) {
			t.Errorf("%d lines are on %d pages", c.lines, len(p.Pages))
		}
		for i, page := range p.Pages {
			for _, want := range []string{"Unit price", fmt.Sprintf("page %d of %d", i+1, len(p.Pages))} {
				if !strings.Contains(page, want) {
					t.Errorf("%q is not on page %d:\n%s", want, i+1, page)
				}
			}
		}
		if !strings.Contains(p.Pages[len(p.Pages)-1], "38.98 USD") {
			t.Error("the total is not at the end")
		}
	}
}
