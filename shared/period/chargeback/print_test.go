package chargeback

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seatwise/infra/testing/programs"
	"seatwise/shared/period"
)

// TestTheWorkbookOnPaper: LibreOffice opens the workbook and prints each tab on pages of the account's
// paper, in one font, numbered, with the head of the table on each.
func TestTheWorkbookOnPaper(t *testing.T) {
	o := open(t)
	o.buy("developer", 70, "A", "=1+1")
	o.buy("live-reports", 3, "B", strings.Repeat("W", 64))
	o.meters("ann", "Ann")
	_, file, _ := o.book(period.StatementOf{First: "current"})
	path := filepath.Join(t.TempDir(), "period.xlsx")
	o.must(os.WriteFile(path, file, 0o600))
	folder, err := programs.Convert(t, path, "pdf")
	o.must(err)
	p := programs.ReadPDF(t, filepath.Join(folder, "period.pdf"))
	if math.Abs(p.Width-842) > 1 || math.Abs(p.Height-595) > 1 || len(p.Fonts) != 1 {
		t.Errorf("%.0f x %.0f, fonts %v", p.Width, p.Height, p.Fonts)
	}
	tabs := map[string]string{
		"Cost centers": "Name", "Lines": "Unit price", "Days": "Quantity", "Licenses": "First day",
	}
	seen := map[string]int{}
	for i, page := range p.Pages {
		if want := fmt.Sprintf("Page %d of %d", i+1, len(p.Pages)); !strings.Contains(page, want) {
			t.Errorf("page %d does not say %q", i+1, want)
		}
		for tab, head := range tabs {
			foot := page[strings.LastIndex(strings.TrimSpace(page), "\n")+1:]
			if strings.Contains(foot, tab) && strings.Contains(page, head) {
				seen[tab]++
			}
		}
	}
	if seen["Cost centers"] != 1 || seen["Lines"] != 1 || seen["Days"] != 1 || seen["Licenses"] < 2 {
		t.Errorf("pages with their heads: %v of %d pages", seen, len(p.Pages))
	}
	if !strings.Contains(p.Pages[0], "=1+1") {
		t.Errorf("the name is not on the first page:\n%s", p.Pages[0])
	}
}
