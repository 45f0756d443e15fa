package statement

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/programs"
)

// A statement fits on the paper of the account's country, in one font, with its number and its id
// (requirements, section 3.5).
func TestStatementsOnPaper(t *testing.T) {
	for paper, size := range map[Paper][2]float64{"": {595, 842}, A4: {595, 842}, Letter: {612, 792}} {
		s := sample(t)
		s.Paper, s.Order.Number = paper, "482-913-706"
		path := filepath.Join(t.TempDir(), "statement.pdf")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := PDF(file, s); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		p := programs.ReadPDF(t, path)
		if math.Abs(p.Width-size[0]) > 1 || math.Abs(p.Height-size[1]) > 1 || len(p.Pages) != 1 ||
			!slices.Equal(p.Fonts, []string{"Helvetica"}) {
			t.Errorf("%q: %g x %g, %d pages, fonts %v", paper, p.Width, p.Height, len(p.Pages), p.Fonts)
		}
		for _, want := range []string{"482-913-706", s.Order.ID, "page 1 of 1", "1149.00 USD"} {
			if !strings.Contains(p.Pages[0], want) {
				t.Errorf("%q: %s is not on the page", paper, want)
			}
		}
	}
}
