package main

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/files"
	"seatwise/shared/report"
)

func reportFile(account, id string) files.Ref { return report.Object(account, id) }

// readTabs reads the cells of a report's three tabs as plain text, with none of the code that wrote
// them: dates are the numbers that the file has.
func readTabs(workbook []byte) (tabs [3][][]string, err error) {
	archive, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		return tabs, err
	}
	shared, err := readStrings(archive)
	if err != nil {
		return tabs, err
	}
	for i := range tabs {
		if tabs[i], err = readTab(archive, fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), shared); err != nil {
			return tabs, err
		}
	}
	return tabs, nil
}

// part unpacks one file of a workbook.
func part(archive *zip.Reader, name string, into any) (err error) {
	f, err := archive.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	return xml.Unmarshal(data, into)
}

func readStrings(archive *zip.Reader) ([]string, error) {
	var table struct {
		Strings []struct {
			Text string `xml:"t"`
		} `xml:"si"`
	}
	if !slices.ContainsFunc(archive.File, func(f *zip.File) bool { return f.Name == "xl/sharedStrings.xml" }) {
		return nil, nil
	}
	if err := part(archive, "xl/sharedStrings.xml", &table); err != nil {
		return nil, err
	}
	all := make([]string, len(table.Strings))
	for i, s := range table.Strings {
		all[i] = s.Text
	}
	return all, nil
}

func readTab(archive *zip.Reader, name string, shared []string) ([][]string, error) {
	var tab struct {
		Rows []struct {
			Cells []struct {
				Place  string `xml:"r,attr"`
				Type   string `xml:"t,attr"`
				Value  string `xml:"v"`
				Inline string `xml:"is>t"`
			} `xml:"c"`
		} `xml:"sheetData>row"`
	}
	if err := part(archive, name, &tab); err != nil {
		return nil, err
	}
	var rows [][]string
	for _, r := range tab.Rows {
		var row []string
		for _, c := range r.Cells {
			for column := int(c.Place[0] - 'A'); len(row) <= column; { // no tab has more than 26 columns
				row = append(row, "")
			}
			text := c.Value
			switch c.Type {
			case "inlineStr":
				text = c.Inline
			case "s":
				n, err := strconv.Atoi(c.Value)
				if err != nil || n >= len(shared) {
					return nil, fmt.Errorf("cell %s of %s: %q", c.Place, name, c.Value)
				}
				text = shared[n]
			}
			row[len(row)-1] = text
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// verifyTabs holds the tabs against the model: every figure of the first, every person of the
// second, every line of the third (I15).
func (b *model) verifyTabs(u *window, tabs [3][][]string) {
	users := u.users()
	if !b.verifyFigures(u, users, tabs[0]) {
		return
	}
	var people, lines []string
	for _, user := range users {
		person, of := b.rowsOf(u, user)
		people, lines = append(people, person), append(lines, of...)
	}
	b.sameRows("second", tabs[1], people, 8)
	b.sameRows("third", tabs[2], lines, 9)
}

// verifyFigures holds the first tab against the model, and says whether it is right.
func (b *model) verifyFigures(u *window, users []string, tab [][]string) bool {
	last := u.days[len(u.days)-1]
	bought := last.liveReports + last.boosters
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	want := [][]string{
		{"Report Time Duration", u.from.Format(time.DateOnly) + " to " + u.to.AddDate(0, 0, -1).Format(time.DateOnly)},
		{`Total "Live Report" Licenses Purchased`, count(last.liveReports)},
		{`Total "Call Queue Booster" Licenses Purchased`, count(last.boosters)},
		{"Total Licenses Purchased", count(bought)},
		{"Monitored Users (Agents)", strconv.Itoa(len(u.queues))},
		{"Live Report Viewers", strconv.Itoa(len(u.views))},
		{"Total Active Users", strconv.Itoa(len(users))},
		{"Overage Users", count(max(0, int64(len(users))-bought))},
		{"Account", b.account + " (" + b.account + ")"},
		{"Time Made", b.sim.now.In(b.zone).Format("2006-01-02 15:04 -07:00")},
		{"Time Zone of the Days", b.zone.String()},
		nil,
		{"Date", "Active Users", "Licenses Purchased"},
	}
	notes := len(want) - 2 // as many rows have a figure, and in their last column what it means
	for _, day := range u.days {
		want = append(
			want,
			[]string{count(serialOf(day.date)), count(day.active), count(day.liveReports + day.boosters)},
		)
	}
	const meaning = 4 // the column
	for i, row := range want {
		if i >= len(tab) {
			b.fail("I15: the first tab has %d rows, by the model %d at least", len(tab), len(want))
			return false
		}
		got := tab[i]
		if i < notes {
			if len(got) <= meaning || got[meaning] == "" {
				b.fail("I15: the first tab does not say what %q means: %q", row[0], got)
				return false
			}
			got = got[:2]
		}
		if !slices.Equal(got, row) {
			b.fail("I15: row %d of the first tab says %q, the model %q", i+1, got, row)
			return false
		}
	}
	return true
}

// rowsOf are a user's row of the second tab, and those of the third.
func (b *model) rowsOf(u *window, user string) (person string, lines []string) {
	name := "User " + user
	extension, held := b.holding(user)
	role := map[[2]bool]string{
		{true, false}: "Viewer",
		{false, true}: "Monitored Agent",
		{true, true}:  "Viewer, Monitored Agent",
	}[[2]bool{u.views[user] != nil, u.queues[user] != nil}]
	viewed := int64(0)
	for _, at := range u.views[user] {
		viewed = max(viewed, at)
	}
	dashboards := map[string]bool{}
	line := func(queue, dashboard string) {
		lines = append(lines, fmt.Sprintf("%q", []string{
			name,
			extension,
			queue,
			dashboard,
			b.serial(u.views[user][dashboardID(dashboard)]),
			held[catalog.LiveReportsID],
			held[catalog.CallQueueBoosterID],
			user,
			"", // nobody here has an e-mail
		}))
	}
	for queue := range u.queues[user] {
		for id := range u.shown[queue] {
			dashboards[id] = true
			line("Queue "+queue, "Board "+id)
		}
		if len(u.shown[queue]) == 0 {
			line("Queue "+queue, "")
		}
	}
	for id := range u.views[user] {
		if !dashboards[id] {
			line("", "Board "+id)
		}
	}
	return fmt.Sprintf("%q", []string{
		name,
		extension,
		role,
		b.serial(viewed),
		strconv.Itoa(len(u.queues[user])),
		strconv.Itoa(len(dashboards)),
		user,
		"",
	}), lines
}

// holding is a user's extension, and whether they hold the metered products.
func (b *model) holding(user string) (extension string, held map[string]string) {
	held = map[string]string{catalog.LiveReportsID: "No", catalog.CallQueueBoosterID: "No"}
	h := b.holders[user]
	if h == nil {
		gone := documents[struct {
			Extension string `json:"extension"`
		}](b, "GONE")
		return gone["user#"+user].Extension, held
	}
	for product := range held {
		switch holding := h.Holdings[product]; {
		case h.Holds(product):
			held[product] = "Yes"
		case holding != nil && holding.Waiting != "":
			held[product] = "Waiting"
		}
	}
	return h.Extension, held
}

func dashboardID(name string) string {
	if name == "" {
		return ""
	}
	return name[len("Board "):]
}

// serial is the account's day of a moment as a workbook has it: a number of days; "" for none.
func (b *model) serial(ms int64) string {
	if ms == 0 {
		return ""
	}
	return strconv.FormatInt(serialOf(b.dayOf(time.UnixMilli(ms))), 10)
}

// serialOf is the number that a workbook has for the date of a day, whatever its zone.
func serialOf(day time.Time) int64 {
	year, month, date := day.Date()
	return time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix()/86_400 + 25_569
}

// sameRows compares the rows below a tab's header, in any order.
func (b *model) sameRows(tab string, rows [][]string, want []string, columns int) {
	var got []string
	for _, row := range rows[1:] {
		got = append(got, fmt.Sprintf("%q", append(slices.Clone(row), make([]string, max(0, columns-len(row)))...)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.fail("I15: the %s tab says %s, the model %s", tab, got, want)
	}
}
