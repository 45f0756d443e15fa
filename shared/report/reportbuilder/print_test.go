package reportbuilder_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/programs"
	"seatwise/shared/craft/workbook"
)

// printed has LibreOffice print a report.
func printed(t *testing.T, file []byte) programs.Printed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.xlsx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := programs.Convert(t, path, "pdf")
	if err != nil {
		t.Fatal(err)
	}
	return programs.ReadPDF(t, filepath.Join(folder, "report.pdf"))
}

// onPaper holds what is so of every printed report: the paper, one font, and numbered pages.
func onPaper(t *testing.T, p programs.Printed, width, height float64) {
	t.Helper()
	if math.Abs(p.Width-width) > 1 || math.Abs(p.Height-height) > 1 {
		t.Errorf("the paper is %.0f x %.0f points, want %.0f x %.0f", p.Width, p.Height, width, height)
	}
	if len(p.Fonts) != 1 {
		t.Errorf("fonts %v, want one", p.Fonts)
	}
	for i, text := range p.Pages {
		if want := fmt.Sprintf("Page %d of %d", i+1, len(p.Pages)); !strings.Contains(text, want) {
			t.Errorf("page %d does not say %q", i+1, want)
		}
	}
}

func wantOn(t *testing.T, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(page, w) {
			t.Errorf("%q is not on the page:\n%s", w, page)
		}
	}
}

// A report of ten users is a page for each tab; the first has the chart whole, with its axes,
// beside 30 days.
func TestATenUserReportIsThreePages(t *testing.T) {
	o := newOffice(t)
	o.worked(t)
	o.fold(t)
	asked := o.ask(t)
	o.deliver(t)
	p := printed(t, o.file(t, asked.ID))
	onPaper(t, p, 842, 595) // A4, for nobody named a country
	if len(p.Pages) != 3 {
		t.Fatalf("%d pages, want 3", len(p.Pages))
	}
	wantOn(
		t,
		p.Pages[0],
		"Report Time Duration",
		"Total Active Users",
		"Time Zone of the Days",
		"UTC",
		"Acme (acme)",
		"Active users per day against licenses purchased",
		"Day",
		"People and",
		"Overage Users",
		workbook.SummaryTab,
	)
	wantOn(t, p.Pages[1], "Users", "User ID", "E-mail", "Monitored Agent", workbook.ActiveUsersTab)
	wantOn(t, p.Pages[2], "User Name", "User ID", "E-mail", "Dashboard Accessed", workbook.DetailTab)
}

// Longer ones repeat the header of a table on each of its pages, and stay one page wide.
func TestALongReportRepeatsItsHeaders(t *testing.T) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const days, users = 120, 150
	in := workbook.LicenseStatus{
		Created:        first.AddDate(0, 0, days),
		Brand:          "RingCentral",
		Account:        "Acme (acme)",
		Zone:           "America/New_York",
		Paper:          workbook.Letter,
		From:           first,
		To:             first.AddDate(0, 0, days),
		ActiveUsers:    users,
		MonitoredUsers: users,
		OverageUsers:   users,
		Overage:        &workbook.Overage{Since: first, PeakUsers: users, Peak: first},
		Users: func(yield func(workbook.ActiveUser, error) bool) {
			for i := range users {
				name := fmt.Sprintf("Somebody with a name of quite some length %03d", i)
				if !yield(
					workbook.ActiveUser{
						Name:   name,
						Agent:  true,
						Queues: 1,
						ID:     fmt.Sprintf("user-%03d", i),
						Email:  "somebody.of.length@customer.example",
					},
					nil,
				) {
					return
				}
			}
		},
		Details: func(yield func(workbook.Detail, error) bool) {
			for i := range users {
				if !yield(
					workbook.Detail{
						Name:             fmt.Sprintf("Somebody %03d", i),
						Queue:            "Queue",
						LiveReports:      "Waiting",
						CallQueueBooster: "No",
						ID:               fmt.Sprintf("user-%03d", i),
					},
					nil,
				) {
					return
				}
			}
		},
	}
	for d := range days {
		in.Days = append(in.Days, workbook.Day{Date: first.AddDate(0, 0, d), ActiveUsers: d, LicensesPurchased: 40})
	}
	for range 30 {
		in.Overage.Sources = append(
			in.Overage.Sources,
			workbook.OverageSource{Name: "Queue", Kind: "Call queue", Users: users},
		)
	}
	var file bytes.Buffer
	if err := workbook.WriteLicenseStatus(&file, in); err != nil {
		t.Fatal(err)
	}
	p := printed(t, file.Bytes())
	onPaper(t, p, 792, 612) // Letter
	headers := map[string]string{
		workbook.SummaryTab:     "Licenses Purchased",
		workbook.ActiveUsersTab: "Role Type",
		workbook.DetailTab:      "Call Queue Name",
	}
	seen := map[string]int{}
	for i, page := range p.Pages {
		for tab, header := range headers {
			if !slices.ContainsFunc(strings.Split(page, "\n"), func(line string) bool { // its foot
				return strings.HasPrefix(strings.TrimSpace(line), tab) && strings.Contains(line, "Page ")
			}) {
				continue
			}
			if seen[tab]++; !strings.Contains(page, header) {
				t.Errorf("page %d, of %s, has no header", i+1, tab)
			}
		}
	}
	// One page wide: as many pages as the rows take.
	for tab, most := range map[string]int{workbook.SummaryTab: 5, workbook.ActiveUsersTab: 5, workbook.DetailTab: 5} {
		if seen[tab] < 2 || seen[tab] > most {
			t.Errorf("%s takes %d pages", tab, seen[tab])
		}
	}
	if !strings.Contains(p.Pages[0], "Active users per day against licenses purchased") ||
		!strings.Contains(p.Pages[0], "People and") {
		t.Errorf("the chart is not whole on the first page:\n%s", p.Pages[0])
	}
}
