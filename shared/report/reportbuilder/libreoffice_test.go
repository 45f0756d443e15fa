package reportbuilder_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seatwise/infra/testing/programs"
	"seatwise/shared/catalog"
)

// allSheets is LibreOffice's CSV: commas, quotes where needed, UTF-8, cells as they are shown,
// every sheet in a file of its own.
const allSheets = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"

// LibreOffice opens the report without a repair and shows every cell of all three tabs as it was
// written, and prints it. (A damaged one it does not open.)
func TestReportOpensInLibreOffice(t *testing.T) {
	o := newOffice(t)
	o.worked(t)
	o.buy(t, catalog.CallQueueBoosterID, 1)
	o.user(t, "eve", `=HYPERLINK("http://example.com","Eve")`, "0007", "")
	o.user(t, "zoe", "Zoë, \"Z\" <&>", "", "supervisor")
	o.queue(t, "third", "Été & Überlauf", "eve", "zoe")
	o.dashboard(t, "d3", "-1+1", "third")
	o.view(t, "zoe", "d3", o.Clock.Now().Add(-30*time.Hour))
	o.fold(t)
	asked := o.ask(t)
	o.deliver(t)
	file := o.file(t, asked.ID)
	path := filepath.Join(t.TempDir(), "report.xlsx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := programs.Convert(t, path, allSheets)
	if err != nil {
		t.Fatal(err)
	}
	for tab, want := range tabs(t, file) {
		data, err := os.ReadFile(filepath.Join(folder, "report-"+tab+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(bytes.NewReader(data))
		r.FieldsPerRecord = -1
		got, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		// Neither reader tells empty cells at the end of a row from none, nor does CSV tell an
		// empty row from none.
		got, want = trimmed(got), trimmed(want)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s, wanted -, got +:\n%s", tab, diff)
		}
		if len(got) < 10 {
			t.Errorf("%s has %d rows", tab, len(got))
		}
	}
	if folder, err = programs.Convert(t, path, "pdf"); err != nil {
		t.Fatal(err)
	}
	printed, err := os.ReadFile(filepath.Join(folder, "report.pdf"))
	if err != nil || !bytes.HasPrefix(printed, []byte("%PDF-")) || len(printed) < 10_000 {
		t.Errorf("printed %d bytes, %v", len(printed), err)
	}
	// What proves that the above says something.
	if err := os.WriteFile(path, file[:len(file)*3/4], 0o600); err != nil {
		t.Fatal(err)
	}
	if folder, err = programs.Convert(t, path, allSheets); err == nil {
		t.Errorf("a report that was cut off was opened: %s", folder)
	}
}

func trimmed(rows [][]string) [][]string {
	var out [][]string
	for _, row := range rows {
		n := len(row)
		for n > 0 && row[n-1] == "" {
			n--
		}
		if n > 0 {
			out = append(out, row[:n])
		}
	}
	return out
}
