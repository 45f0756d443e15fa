package workbook

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// worked is the worked example of requirements, section 7: Detroit and Belmont, two viewers and
// eight agents. Alice is an agent here as well as a viewer in the last case only, so that all three
// role types are covered by the tests.
func worked() LicenseStatus {
	in := LicenseStatus{
		Created:                   day(21),
		Brand:                     "Acme",
		Account:                   "Acme Ltd (acme)",
		Zone:                      "America/New_York",
		From:                      day(1),
		To:                        day(21),
		LiveReportsPurchased:      9,
		CallQueueBoosterPurchased: 1,
		TotalPurchased:            10,
		MonitoredUsers:            8,
		Viewers:                   2,
		ActiveUsers:               10,
	}
	for n := 1; n < 21; n++ {
		in.Days = append(in.Days, Day{Date: day(n), ActiveUsers: n / 2, LicensesPurchased: 10})
	}
	users := []ActiveUser{
		{Name: "Alice", Extension: "001", Viewer: true, LastViewed: day(20), ID: "alice", Email: "alice@acme.test"},
		{Name: "Bob", Extension: "002", Viewer: true, LastViewed: day(19), ID: "bob"},
	}
	details := []Detail{
		{
			Name:             "Alice",
			Extension:        "001",
			Dashboard:        "Detroit board",
			LastViewed:       day(20),
			LiveReports:      "Assigned",
			CallQueueBooster: "Not assigned",
			ID:               "alice",
			Email:            "alice@acme.test",
		},
		{
			Name:             "Bob",
			Extension:        "002",
			Dashboard:        "Belmont board",
			LastViewed:       day(19),
			LiveReports:      "Waiting",
			CallQueueBooster: "Assigned",
		},
	}
	for i, name := range []string{"John", "Sarah", "Mike", "Emma", "David", "Karen", "Lisa", "Mark"} {
		queue := "Detroit"
		if i > 2 {
			queue = "Belmont"
		}
		ext := "10" + strconv.Itoa(i)
		users = append(users, ActiveUser{Name: name, Extension: ext, Agent: true, Queues: 1, Dashboards: 1})
		details = append(
			details,
			Detail{
				Name:             name,
				Extension:        ext,
				Queue:            queue,
				Dashboard:        queue + " board",
				LiveReports:      "Assigned",
				CallQueueBooster: "Not assigned",
			},
		)
	}
	in.Users, in.Details = seq(users...), seq(details...)
	return in
}

func build(t *testing.T, in LicenseStatus) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := WriteLicenseStatus(&out, in); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// trimmed is a row without the empty cells at its end.
func trimmed(row []string) []string {
	for len(row) > 0 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	return row
}

func TestLicenseStatusTabs(t *testing.T) {
	inTempFolder(t)
	book := build(t, worked())

	summary := [][]string{
		{"Report Time Duration", "2026-11-01 to 2026-11-20"},
		{`Total "Live Report" Licenses Purchased`, "9"},
		{`Total "Call Queue Booster" Licenses Purchased`, "1"},
		{"Total Licenses Purchased", "10"},
		{"Monitored Users (Agents)", "8"},
		{"Live Report Viewers", "2"},
		{"Total Active Users", "10"},
		{"Overage Users", "0"},
		{"Account", "Acme Ltd (acme)"},
		{"Time Made", "2026-11-21 17:45 +00:00"},
		{"Time Zone of the Days", "America/New_York"},
		{},
		{"Date", "Active Users", "Licenses Purchased"},
	}
	for n := 1; n < 21; n++ {
		summary = append(summary, []string{day(n).Format("2006-01-02"), strconv.Itoa(n / 2), "10"})
	}
	got := rows(t, book, "Live Reports Usage Summary")
	for i, row := range got {
		if i < 11 && (len(row) != 5 || row[4] == "") {
			t.Errorf("nothing says what %q means", row[0])
		}
		if len(row) > 3 {
			got[i] = trimmed(row[:3])
		}
	}
	equal(t, got, summary)

	users := rows(t, book, "Total Active Users")
	if len(users) != 11 {
		t.Fatalf("%d rows", len(users))
	}
	equal(t, users[:4], [][]string{
		{
			"Users",
			"User Extensions",
			"Role Type",
			"Last Viewed",
			"Monitored Call Queues",
			"Dashboards with Monitored Queues",
			"User ID",
			"E-mail",
		},
		{"Alice", "001", "Viewer", "2026-11-20", "0", "0", "alice", "alice@acme.test"},
		{"Bob", "002", "Viewer", "2026-11-19", "0", "0", "bob"},
		{"John", "100", "Monitored Agent", "", "1", "1"},
	})

	details := rows(t, book, "Detailed Usage")
	if len(details) != 11 {
		t.Fatalf("%d rows", len(details))
	}
	equal(t, details[:4], [][]string{
		{
			"User Name",
			"User Extension",
			"Call Queue Name",
			"Dashboard Accessed",
			"Last Viewed Date",
			"Live Reports License",
			"Call Queue Booster License",
			"User ID",
			"E-mail",
		},
		{"Alice", "001", "", "Detroit board", "2026-11-20", "Assigned", "Not assigned", "alice", "alice@acme.test"},
		{"Bob", "002", "", "Belmont board", "2026-11-19", "Waiting", "Assigned"},
		{"John", "100", "Detroit", "Detroit board", "", "Assigned", "Not assigned"},
	})
}

// What people cannot see in the values: panes, filters, types and formats, the chart.
func TestLicenseStatusXML(t *testing.T) {
	inTempFolder(t)
	all := unpack(t, build(t, worked()))
	styles := parse[xmlStyles](t, all["xl/styles.xml"])

	type want struct {
		ySplit  int
		topLeft string
		filter  string
		header  string   // the first header cell's row
		dates   []string // cells that are date cells
		numbers []string
		texts   []string
	}
	for n, w := range map[string]want{
		"1": {
			13, "A14", "$A$13:$C$33", "13",
			[]string{"A14", "A33"},
			[]string{"B2", "B7", "B8", "B14", "C33"},
			[]string{"A1", "B1", "B10", "B11", "E1", "E11", "A13"},
		},
		"2": {
			1, "A2", "$A$1:$H$11", "1",
			[]string{"D2", "D3"},
			[]string{"E2", "F11"},
			[]string{"A2", "B2", "C2", "B11", "G2", "H2"},
		},
		"3": {
			1, "A2", "$A$1:$I$11", "1",
			[]string{"E2", "E3"},
			nil,
			[]string{"A2", "B2", "D2", "F2", "G2", "C11", "H2", "I2"},
		},
	} {
		s, cells := sheetAt(t, all, n)
		if s.Pane.YSplit != w.ySplit || s.Pane.TopLeft != w.topLeft {
			t.Errorf("sheet %s: pane %+v", n, s.Pane)
		}
		if s.Filter == nil || s.Filter.Ref != w.filter {
			t.Errorf("sheet %s: filter %+v, want %s", n, s.Filter, w.filter)
		}
		if c := cells["A"+w.header]; !styles.bold(c.Style) {
			t.Errorf("sheet %s: header %+v is not bold", n, c)
		}
		for _, ref := range w.dates {
			if c := cells[ref]; c.Type != "" || c.Value == "" || styles.format(c.Style) != "yyyy-mm-dd" {
				t.Errorf("sheet %s: %+v is no date cell", n, c)
			}
		}
		for _, ref := range w.numbers {
			if c := cells[ref]; c.Type != "" || c.Value == "" || styles.format(c.Style) != "General" {
				t.Errorf("sheet %s, %s: %+v is no number", n, ref, c)
			}
		}
		for _, ref := range w.texts {
			if c := cells[ref]; c.Type != "inlineStr" || c.Text == "" || styles.format(c.Style) != "@" {
				t.Errorf("sheet %s: %+v is no text cell", n, c)
			}
		}
	}
	if c := sheetCell(t, all, "1", "A14"); c.Value != "46327" {
		t.Errorf("2026-11-01 is %s", c.Value)
	}
	// A user who never viewed has no cell, and not a day in 1900.
	if c := sheetCell(t, all, "2", "D4"); c.Value != "" {
		t.Errorf("got %+v", c)
	}
	for _, name := range []string{
		"'Live Reports Usage Summary'!$A$13:$C$33", "'Total Active Users'!$A$1:$H$11", "'Detailed Usage'!$A$1:$I$11",
		// repeated on each page
		"'Live Reports Usage Summary'!$13:$13", "'Total Active Users'!$1:$1", "'Detailed Usage'!$1:$1",
	} {
		if !strings.Contains(strings.ReplaceAll(all["xl/workbook.xml"], "&#39;", "'"), name) {
			t.Errorf("no filter name for %s", name)
		}
	}
	for _, prop := range []string{"2026-11-21T17:45:00Z", "Acme license status"} {
		if !strings.Contains(all["docProps/core.xml"], prop) {
			t.Errorf("no %s in the properties", prop)
		}
	}
}

func sheetCell(t *testing.T, all map[string]string, n, ref string) xmlCell {
	t.Helper()
	_, cells := sheetAt(t, all, n)
	return cells[ref]
}

// xmlChart is what the tests look at in a chart.
type xmlChart struct {
	Columns xmlSeries `xml:"chart>plotArea>barChart>ser"`
	Line    xmlSeries `xml:"chart>plotArea>lineChart>ser"`
	Axis    struct {
		Code string `xml:"formatCode,attr"`
	} `xml:"chart>plotArea>catAx>numFmt"`
}

type xmlSeries struct {
	Name       string `xml:"tx>strRef>f"`
	Categories string `xml:"cat>strRef>f"`
	Values     string `xml:"val>numRef>f"`
}

func TestLicenseStatusChart(t *testing.T) {
	inTempFolder(t)
	over := worked()
	over.Overage = &Overage{Since: day(12), PeakUsers: 3, Peak: day(14)}
	for _, c := range []struct {
		name               string
		in                 LicenseStatus
		header, from, till string
	}{
		{"worked example", worked(), "13", "14", "33"},
		{"over", over, "13", "14", "33"},
		{"no days", LicenseStatus{From: day(1), To: day(2)}, "13", "14", "14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := unpack(t, build(t, c.in))
			if s, _ := sheetAt(t, all, "1"); s.Drawing == nil {
				t.Error("no drawing on the first tab")
			}
			got := parse[xmlChart](t, all["xl/charts/chart1.xml"])
			ref := func(col string) string {
				return "'Live Reports Usage Summary'!$" + col + "$" + c.from + ":$" + col + "$" + c.till
			}
			if want := (xmlSeries{
				"'Live Reports Usage Summary'!$B$" + c.header, ref("A"), ref("B"),
			}); got.Columns != want {
				t.Errorf("columns %+v, want %+v", got.Columns, want)
			}
			if want := (xmlSeries{
				"'Live Reports Usage Summary'!$C$" + c.header, ref("A"), ref("C"),
			}); got.Line != want {
				t.Errorf("line %+v, want %+v", got.Line, want)
			}
			if got.Axis.Code != "yyyy-mm-dd" {
				t.Errorf("the days are shown as %q", got.Axis.Code)
			}
			for part, target := range map[string]string{
				"xl/worksheets/_rels/sheet1.xml.rels": "../drawings/drawing1.xml",
				"xl/drawings/_rels/drawing1.xml.rels": "../charts/chart1.xml",
				"[Content_Types].xml":                 "/xl/charts/chart1.xml",
				"xl/drawings/drawing1.xml":            `r:id="rId1"`,
				"xl/worksheets/sheet1.xml":            `relationships:id="rId1"`,
			} {
				if !strings.Contains(all[part], target) {
					t.Errorf("%s does not name %s", part, target)
				}
			}
		})
	}
}

func TestLicenseStatusOverage(t *testing.T) {
	inTempFolder(t)
	in := worked()
	in.OverageUsers = 2
	in.Overage = &Overage{Since: day(12), PeakUsers: 3, Peak: day(14), Sources: []OverageSource{
		{Name: "=Detroit", Kind: "Call queue", Users: 3},
		{Name: "Belmont board", Kind: "Dashboard", Users: 5},
	}}
	book := build(t, in)
	got := rows(t, book, SummaryTab)
	if got[7][1] != "2" {
		t.Errorf("overage users %q", got[7])
	}
	for i := 34; i < len(got); i++ {
		if len(got[i]) == 0 {
			continue
		}
		if labeled := strings.HasPrefix(got[i][0], "Overage") &&
			i < 37; labeled &&
			(len(got[i]) != 5 || got[i][4] == "") {
			t.Errorf("nothing says what %q means", got[i])
		}
		if len(got[i]) > 3 {
			got[i] = trimmed(got[i][:3])
		}
	}
	equal(t, got[32:], [][]string{
		{"2026-11-20", "10", "10"},
		{},
		{"Overage Since", "2026-11-12"},
		{"Overage Daily Peak", "3"},
		{"Overage Peak Date", "2026-11-14"},
		{},
		{"Overage By", "Type", "Active Users"},
		{"=Detroit", "Call queue", "3"},
		{"Belmont board", "Dashboard", "5"},
	})
	s, cells := sheetAt(t, unpack(t, book), "1")
	if s.Filter.Ref != "$A$13:$C$33" {
		t.Errorf("the filter reaches over %s: it would hide the overage", s.Filter.Ref)
	}
	if c := cells["A40"]; c.Type != "inlineStr" || c.Text != "=Detroit" {
		t.Errorf("got %+v", c)
	}
}

func TestLicenseStatusEmpty(t *testing.T) {
	inTempFolder(t)
	all := unpack(t, build(t, LicenseStatus{From: day(1), To: day(2)}))
	for n, filter := range map[string]string{"1": "$A$13:$C$14", "2": "$A$1:$H$2", "3": "$A$1:$I$2"} {
		s, _ := sheetAt(t, all, n)
		if s.Filter == nil || s.Filter.Ref != filter {
			t.Errorf("sheet %s: filter %+v", n, s.Filter)
		}
	}
	if got := sheetCell(t, all, "1", "B1").Text; got != "2026-11-01 to 2026-11-01" {
		t.Errorf("window %q", got)
	}
}

// Text stays text, whatever it looks like, in every text cell of the report.
func TestLicenseStatusHostileText(t *testing.T) {
	inTempFolder(t)
	for _, s := range []string{
		"=1+1",
		"+cmd|' /C calc'!A0",
		"-1",
		"@SUM(A1)",
		"=HYPERLINK(\"http://x\",\"y\")",
		"1E5",
		"0101",
		"2026-11-21",
		"TRUE",
		" lead",
		"trail ",
		"a\nb",
		"<f>1</f>", "]]>", "&amp;", "_x0041_", "_x000D_", "\x01\x02", strings.Repeat("é", 40000),
	} {
		in := LicenseStatus{
			From:           day(1),
			To:             day(2),
			ActiveUsers:    1,
			Viewers:        1,
			MonitoredUsers: 1,
			Account:        s,
			Zone:           s,
			Users:          seq(ActiveUser{Name: s, Extension: s, Viewer: true, Agent: true, ID: s, Email: s}),
			Details: seq(Detail{
				Name:             s,
				Extension:        s,
				Queue:            s,
				Dashboard:        s,
				LiveReports:      s,
				CallQueueBooster: s,
				ID:               s,
				Email:            s,
			}),
		}
		book := build(t, in)
		all := unpack(t, book)
		for n, refs := range map[string][]string{
			"1": {"B9", "B11"},
			"2": {"A2", "B2", "G2", "H2"},
			"3": {"A2", "B2", "C2", "D2", "F2", "G2", "H2", "I2"},
		} {
			_, cells := sheetAt(t, all, n)
			for _, ref := range refs {
				if c := cells[ref]; c.Type != "inlineStr" || c.Value != "" {
					t.Errorf("%.20q is in %s as type %q, value %q", s, ref, c.Type, c.Value)
				}
			}
		}
		got := rows(t, book, DetailTab)[1]
		for _, col := range []int{0, 1, 2, 3, 5, 6, 7, 8} {
			if got[col] != text(s) {
				t.Errorf("column %d: %.20q came back as %.20q", col, s, got[col])
			}
		}
		if role := rows(t, book, ActiveUsersTab)[1][2]; role != "Viewer, Monitored Agent" {
			t.Errorf("role %q", role)
		}
	}
}

func TestLicenseStatusRefuses(t *testing.T) {
	inTempFolder(t)
	errGone := errors.New("the table is gone")
	for _, c := range []struct {
		name   string
		change func(*LicenseStatus)
		want   error
	}{
		{"fewer users than the summary says", func(in *LicenseStatus) { in.ActiveUsers++ }, ErrTabsDisagree},
		{"other agents", func(in *LicenseStatus) { in.MonitoredUsers-- }, ErrTabsDisagree},
		{"other viewers", func(in *LicenseStatus) { in.Viewers = 0 }, ErrTabsDisagree},
		{"a user's day before 1900", func(in *LicenseStatus) {
			in.ActiveUsers, in.MonitoredUsers, in.Viewers = 1, 1, 0
			in.Users = seq(ActiveUser{Agent: true, LastViewed: time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC)})
		}, ErrDateRange},
		{
			"a day before 1900",
			func(in *LicenseStatus) { in.Days[0].Date = time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC) }, ErrDateRange,
		},
		{"an error among the users", func(in *LicenseStatus) {
			in.Users = func(yield func(ActiveUser, error) bool) { yield(ActiveUser{}, errGone) }
		}, errGone},
		{"an error among the details", func(in *LicenseStatus) {
			in.Details = func(yield func(Detail, error) bool) { _ = yield(Detail{}, nil) && yield(Detail{}, errGone) }
		}, errGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := worked()
			c.change(&in)
			var out bytes.Buffer
			if err := WriteLicenseStatus(&out, in); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes were written", out.Len())
			}
		})
	}
	if err := WriteLicenseStatus(&bytes.Buffer{}, LicenseStatus{From: day(2), To: day(2)}); err == nil {
		t.Error("an empty window was taken")
	}
	if err := WriteLicenseStatus(&brokenWriter{left: 1000}, worked()); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

// The same input gives the same bytes. excelize writes its sheets in the order of a map, so one
// repetition would prove little.
func TestLicenseStatusSameBytes(t *testing.T) {
	inTempFolder(t)
	first := build(t, worked())
	for range 30 {
		if !bytes.Equal(first, build(t, worked())) {
			t.Fatal("the same input gave other bytes")
		}
	}
	later := worked()
	later.Created = later.Created.Add(time.Minute)
	if bytes.Equal(first, build(t, later)) {
		t.Error("the time of creation is not in the file")
	}
}

// A sheet beyond 16 MiB waits in a temporary file; it is there while rows come and gone afterwards,
// whether the report was written or not.
func TestLicenseStatusTemporaryFiles(t *testing.T) {
	dir := inTempFolder(t)
	wide := strings.Repeat("w", 30000)
	for _, fail := range []bool{false, true} {
		spilled := 0
		in := LicenseStatus{From: day(1), To: day(2), Details: func(yield func(Detail, error) bool) {
			for range 300 {
				if !yield(Detail{Name: wide, Queue: wide}, nil) {
					return
				}
			}
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Error(err)
			}
			spilled = len(left)
			if fail {
				yield(Detail{}, errBroken)
			}
		}}
		var out bytes.Buffer
		if err := WriteLicenseStatus(&out, in); errors.Is(err, errBroken) != fail {
			t.Fatal(err)
		}
		if spilled != 1 {
			t.Errorf("%d temporary files while writing, want 1", spilled)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 0 {
			t.Errorf("%d temporary files left, %v", len(left), err)
		}
	}
}
