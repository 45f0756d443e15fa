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

// readTabs reads the cells of a report's three tabs as plain text, with none of the code that wrote them: dates are the numbers that the file has.
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

// verifyTabs holds the tabs against the model: every figure of the first, every person of the second, every line of the third (I15).
func (b *book) verifyTabs(u *window, tabs [3][][]string) {
	last := u.days[len(u.days)-1]
	users := u.users()
	bought := last.liveReports + last.boosters
	want := [][]string{
		{"Report Time Duration", u.from.Format(time.DateOnly) + " to " + u.to.AddDate(0, 0, -1).Format(time.DateOnly)},
		{`Total "Live Report" Licenses Purchased`, strconv.FormatInt(last.liveReports, 10)},
		{`Total "Call Queue Booster" Licenses Purchased`, strconv.FormatInt(last.boosters, 10)},
		{"Total Licenses Purchased", strconv.FormatInt(bought, 10)},
		{"Monitored Users (Agents)", strconv.Itoa(len(u.queues))},
		{"Live Report Viewers", strconv.Itoa(len(u.views))},
		{"Total Active Users", strconv.Itoa(len(users))},
		{"Overage Users", strconv.FormatInt(max(0, int64(len(users))-bought), 10)},
	}
	if len(tabs[0]) < len(want) || fmt.Sprint(tabs[0][:len(want)]) != fmt.Sprint(want) {
		b.fail("I15: the first tab says %q, the model %q", tabs[0], want)
		return
	}
	var people, lines []string
	for _, user := range users {
		h := b.holders[user]
		name, extension, held := "User "+user, "", map[string]string{catalog.LiveReportsID: "No", catalog.CallQueueBoosterID: "No"}
		if h != nil {
			extension = h.Extension
			for product := range held {
				if h.Holds(product) {
					held[product] = "Yes"
				}
			}
		} else {
			extension = documents[struct {
				Extension string `json:"extension"`
			}](b, "GONE")["user#"+user].Extension
		}
		role := map[[2]bool]string{{true, false}: "Viewer", {false, true}: "Monitored Agent", {true, true}: "Viewer, Monitored Agent"}[[2]bool{
			u.views[user] != nil, u.queues[user] != nil,
		}]
		viewed := int64(0)
		for _, at := range u.views[user] {
			viewed = max(viewed, at)
		}
		dashboards := map[string]bool{}
		line := func(queue, dashboard string) {
			lines = append(lines, fmt.Sprintf("%q", []string{
				name, extension, queue, dashboard, serial(u.views[user][dashboardID(dashboard)]), held[catalog.LiveReportsID], held[catalog.CallQueueBoosterID],
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
		people = append(people, fmt.Sprintf("%q", []string{
			name, extension, role, serial(viewed), strconv.Itoa(len(u.queues[user])), strconv.Itoa(len(dashboards)),
		}))
	}
	b.sameRows("second", tabs[1], people, 6)
	b.sameRows("third", tabs[2], lines, 7)
}

func dashboardID(name string) string {
	if name == "" {
		return ""
	}
	return name[len("Board "):]
}

// serial is the day of a moment as a workbook has it: a number of days; "" for none.
func serial(ms int64) string {
	if ms == 0 {
		return ""
	}
	return strconv.FormatInt(ms/86_400_000+25_569, 10)
}

// sameRows compares the rows below a tab's header, in any order.
func (b *book) sameRows(tab string, rows [][]string, want []string, columns int) {
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
