package workbook

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"
)

// The tabs of the license status report, named exactly as requirements, section 7 says.
const (
	SummaryTab     = "Live Reports Usage Summary"
	ActiveUsersTab = "Total Active Users"
	DetailTab      = "Detailed Usage"
)

// ErrTabsDisagree is returned when the rows of the second tab do not add up to the figures of the
// first: an invariant (I15) is broken where the figures were made, and no report is better than one
// that contradicts itself on a bill.
var ErrTabsDisagree = errors.New("workbook: the tabs disagree")

// LicenseStatus is what the license status report shows (requirements, section 7). Counts are
// persons or licenses. Days are taken from the times in their own location: a time in UTC shows its
// UTC day.
type LicenseStatus struct {
	// Created is when the report was asked for: shown in its own location, and the document's time.
	Created time.Time
	// Brand goes into the document's title.
	Brand string
	// Account is the customer, for people: a name and an id.
	Account string
	// Zone names the time zone that makes the days; more than one where it changed, in words.
	Zone string
	// Paper is what it is laid out for; A4 unless it says otherwise.
	Paper Paper
	// From is the first day of the window; To is the day after the last, as in usage/summary. The
	// first tab shows both days inclusive.
	From, To time.Time

	LiveReportsPurchased      int
	CallQueueBoosterPurchased int
	TotalPurchased            int
	MonitoredUsers            int
	Viewers                   int
	ActiveUsers               int
	OverageUsers              int

	// Days are the rows of the first tab's table and chart, ascending.
	Days []Day
	// Overage is nil when the account was never over in the window.
	Overage *Overage

	// Users are the active users, one row each: exactly ActiveUsers of them, MonitoredUsers of
	// which are agents and Viewers viewers, or the report is refused with [ErrTabsDisagree]. An
	// error in a sequence ends the report with that error. A nil sequence is an empty one.
	Users iter.Seq2[ActiveUser, error]
	// Details are the rows of the third tab, up to 1,048,575.
	Details iter.Seq2[Detail, error]
}

// Day is one day of the window.
type Day struct {
	Date              time.Time
	ActiveUsers       int
	LicensesPurchased int
}

// Overage says how the account went over the licenses that it bought.
type Overage struct {
	// Since is the first day of it.
	Since time.Time
	// PeakUsers is the most users over on one day, and Peak that day.
	PeakUsers int
	Peak      time.Time
	// Sources are the queues and dashboards that it came about by, in the order shown.
	Sources []OverageSource
}

// OverageSource is a queue or a dashboard with the active users that it brings.
type OverageSource struct {
	Name  string
	Kind  string // what it is, for people: "Call queue", "Dashboard"
	Users int
}

// ActiveUser is one row of the second tab. At least one of Viewer and Agent is set.
type ActiveUser struct {
	Name       string
	Extension  string
	Viewer     bool
	Agent      bool
	LastViewed time.Time // zero when they never viewed
	Queues     int       // monitored call queues that the user is a member of
	Dashboards int       // dashboards that show one of these queues
	// ID and Email tell people of one name apart.
	ID, Email string
}

// Detail is one row of the third tab.
type Detail struct {
	Name      string
	Extension string
	Queue     string // empty for a viewer who came by no queue
	Dashboard string
	// LastViewed is the zero time when the user never viewed the dashboard.
	LastViewed time.Time
	// LiveReports and CallQueueBooster are the states of the two licenses, for people.
	LiveReports      string
	CallQueueBooster string
	// ID and Email tell people of one name apart.
	ID, Email string
}

// WriteLicenseStatus writes the license status report as a workbook of three tabs. It needs memory
// for about 16 MiB of XML per tab and not for all rows. An account without users, usage or days
// gets a valid report too.
func WriteLicenseStatus(w io.Writer, in LicenseStatus) error {
	if !in.To.After(in.From) {
		return errors.New("workbook: the report's window is empty")
	}
	b, err := newBook(in.Created, in.Brand+" license status", SummaryTab, ActiveUsersTab, DetailTab)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.summary(in); err != nil {
		return err
	}
	if err := b.activeUsers(in); err != nil {
		return err
	}
	if err := b.details(in.Details, in.Paper); err != nil {
		return err
	}
	return b.writeTo(w)
}

// label is a row at the top of the first tab: a label, its figure, and what it means.
type label struct {
	name    string
	value   any
	meaning string
}

// summary writes the first tab: labels with their figures and what they mean, the table of days
// with its chart beside it, and below it how the overage came about. The labels and the days'
// header are frozen together, and the chart is in the part that scrolls. What is said beside labels
// and days stands in column E, over the chart, so that the sheet is as wide as the chart.
func (b *book) summary(in LicenseStatus) error {
	labels := b.labels(in)
	header := len(labels) + 2 // after an empty row
	s, err := b.openPrinted(SummaryTab, header,
		[]column{{width: 42}, {width: 27}, {width: 20}, {width: 3}, {width: chartColumns}}, in.Paper)
	if err != nil {
		return err
	}
	for _, l := range labels {
		if err := s.explained(l); err != nil {
			return err
		}
	}
	if err := s.append(0); err != nil {
		return err
	}
	days := []column{{title: "Date"}, {title: "Active Users"}, {title: "Licenses Purchased"}}
	if err := s.header(days); err != nil {
		return err
	}
	for _, d := range in.Days {
		day, err := b.dateCell(d.Date)
		if err != nil {
			return err
		}
		if err := s.append(0, day, d.ActiveUsers, d.LicensesPurchased); err != nil {
			return err
		}
	}
	last := s.row
	if in.Overage != nil {
		if err := s.overage(*in.Overage); err != nil {
			return err
		}
	}
	// A short window leaves rows under its days for the chart to stand beside.
	if err := b.chart(header, max(last, header+1)); err != nil {
		return err
	}
	return s.flush(header, last, len(days))
}

// labels are the rows at the top of the first tab.
func (b *book) labels(in LicenseStatus) []label {
	const layout = "2006-01-02"
	text := func(s string) any { return excelize.Cell{StyleID: b.styles.text, Value: text(s)} }
	window := in.From.Format(layout) + " to " + in.To.AddDate(0, 0, -1).Format(layout)
	return []label{
		{"Report Time Duration", text(window), "The first and the last day; both are in the report."},
		{
			`Total "Live Report" Licenses Purchased`,
			in.LiveReportsPurchased,
			"Bought, and not terminated, at the end of the last day.",
		},
		{
			`Total "Call Queue Booster" Licenses Purchased`,
			in.CallQueueBoosterPurchased,
			"The same. Who holds one needs no Live Report license.",
		},
		{"Total Licenses Purchased", in.TotalPurchased, "The two together."},
		{
			"Monitored Users (Agents)",
			in.MonitoredUsers,
			"People who at any time were in a call queue that a dashboard showed.",
		},
		{"Live Report Viewers", in.Viewers, "People who viewed a dashboard."},
		{"Total Active Users", in.ActiveUsers, "Agents and viewers; each person counts once for the whole time."},
		{"Overage Users", in.OverageUsers, "Total Active Users beyond Total Licenses Purchased."},
		{
			"Account",
			text(in.Account),
			"Licenses of people on the other tabs are as they were when the report was made.",
		},
		{
			"Time Made",
			text(in.Created.Format("2006-01-02 15:04 -07:00")),
			"Views may come up to 48 hours late; until then a day may still grow.",
		},
		{
			"Time Zone of the Days",
			text(in.Zone),
			"Each day goes from midnight to midnight there. A day below counts who was active on it.",
		},
	}
}

// explained writes a label with its figure and what it means.
func (s *sheet) explained(l label) error {
	cell := func(style int, v string) any { return excelize.Cell{StyleID: style, Value: text(v)} }
	return s.append(0, cell(s.book.styles.label, l.name), l.value, nil, nil, cell(s.book.styles.note, l.meaning))
}

// overage writes how the overage came about, below the days and outside of their filter.
func (s *sheet) overage(o Overage) error {
	since, err := s.book.dateCell(o.Since)
	if err != nil {
		return err
	}
	peak, err := s.book.dateCell(o.Peak)
	if err != nil {
		return err
	}
	if err := s.append(0); err != nil {
		return err
	}
	for _, l := range []label{
		{"Overage Since", since, "The first day on which people active on it, or since the first day, were more than the licenses."},
		{"Overage Daily Peak", o.PeakUsers, "The most over on one day. Other people on other days make Overage Users more."},
		{"Overage Peak Date", peak, "The first day with that peak."},
	} {
		if err := s.explained(l); err != nil {
			return err
		}
	}
	if len(o.Sources) == 0 {
		return nil
	}
	if err := s.append(0); err != nil {
		return err
	}
	if err := s.header([]column{{title: "Overage By"}, {title: "Type"}, {title: "Active Users"}}); err != nil {
		return err
	}
	asText := func(v string) any { return excelize.Cell{StyleID: s.book.styles.fit, Value: text(v)} }
	for i, source := range o.Sources {
		cells := []any{asText(source.Name), asText(source.Kind), source.Users}
		if i == 0 {
			const why = "Active users by each queue and dashboard. One person may come by several: they do not add up."
			cells = append(cells, nil, excelize.Cell{StyleID: s.book.styles.note, Value: why})
		}
		if err := s.append(0, cells...); err != nil {
			return err
		}
	}
	return nil
}

// chart draws the active users per day as columns and the licenses bought as a line over them. The
// days stand in columns A to C between the rows header and last.
func (b *book) chart(header, last int) error {
	span := func(col string) string {
		return "'" + SummaryTab + "'!$" + col + "$" + strconv.Itoa(header+1) + ":$" + col + "$" + strconv.Itoa(last)
	}
	series := func(col string) excelize.ChartSeries {
		return excelize.ChartSeries{
			Name:       "'" + SummaryTab + "'!$" + col + "$" + strconv.Itoa(header),
			Categories: span("A"),
			Values:     span(col),
		}
	}
	words := func(s string, size float64, bold bool) []excelize.RichTextRun {
		return []excelize.RichTextRun{
			{Text: s, Font: &excelize.Font{Family: fontFamily, Size: size, Bold: bold, Color: chartInk}},
		}
	}
	axis := func(title, format string) excelize.ChartAxis {
		return excelize.ChartAxis{
			NumFmt: excelize.ChartNumFmt{
				CustomNumFmt: format,
			},
			Font:  excelize.Font{Family: fontFamily, Size: 9, Color: chartInk},
			Title: excelize.ChartTitle{Paragraph: words(title, 10, true)},
		}
	}
	onePerSeries := false // a color for each series, not for each column
	// excelize takes the axes of the last chart that shares them, so both get the same.
	x, y := axis("Day", dayFormat), axis("People and licenses", "0")
	x.Alignment = excelize.Alignment{TextRotation: -45}
	y.MajorGridLines, y.Minimum = true, new(float64)
	bought := series("C")
	bought.Line = excelize.LineOptions{Width: 2.25}
	bought.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"C55A11"}}
	bought.Marker = excelize.ChartMarker{Symbol: "none"}
	active := series("B")
	active.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"2F75B5"}}
	err := b.file.AddChart(SummaryTab, "E"+strconv.Itoa(header), &excelize.Chart{
		Type:   excelize.Col,
		Series: []excelize.ChartSeries{active},
		Title:  excelize.ChartTitle{Paragraph: words("Active users per day against licenses purchased", 12, true)},
		Legend: excelize.ChartLegend{
			Position: "bottom",
			Font:     &excelize.Font{Family: fontFamily, Size: 9, Color: chartInk},
		},
		Dimension:  excelize.ChartDimension{Width: chartWidth, Height: chartHeight},
		VaryColors: &onePerSeries,
		XAxis:      x,
		YAxis:      y,
	}, &excelize.Chart{Type: excelize.Line, Series: []excelize.ChartSeries{bought}, XAxis: x, YAxis: y})
	if err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return nil
}

const (
	// chartWidth and chartHeight are in pixels; the chart fills its column, and with the labels it
	// fits on the first page.
	chartWidth, chartHeight = 600, 360
	// chartColumns is the width of that column, in characters.
	chartColumns = 86
	// chartInk is the color of the chart's words.
	chartInk = "262626"
)

// Role types of the second tab (requirements, section 7).
const (
	roleViewer = "Viewer"
	roleAgent  = "Monitored Agent"
	roleBoth   = roleViewer + ", " + roleAgent
)

// activeUsers writes the second tab.
func (b *book) activeUsers(in LicenseStatus) error {
	asText := b.styles.fit
	columns := []column{
		{title: "Users", width: 28, style: asText},
		{title: "User Extensions", width: 15, style: asText},
		{title: "Role Type", width: 24, style: asText},
		{title: "Last Viewed", width: 13, style: b.styles.date},
		{title: "Monitored Call Queues", width: 18},
		{title: "Dashboards with Monitored Queues", width: 20},
		{title: "User ID", width: 20, style: asText},
		{title: "E-mail", width: 28, style: asText},
	}
	s, err := b.printedTable(ActiveUsersTab, columns, in.Paper)
	if err != nil {
		return err
	}
	var users, agents, viewers int
	cells := make([]any, len(columns))
	for u, err := range orEmpty(in.Users) {
		if err != nil {
			return fmt.Errorf("workbook: active users: %w", err)
		}
		users++
		var role string
		switch {
		case u.Viewer && u.Agent:
			role = roleBoth
			viewers++
			agents++
		case u.Viewer:
			role = roleViewer
			viewers++
		case u.Agent:
			role = roleAgent
			agents++
		}
		viewed, err := date(u.LastViewed)
		if err != nil {
			return fmt.Errorf("workbook: active user %d: %w", users, err)
		}
		cells[0], cells[1], cells[2], cells[3] = textCell(u.Name), textCell(u.Extension), role, viewed
		cells[4], cells[5] = u.Queues, u.Dashboards
		cells[6], cells[7] = textCell(u.ID), textCell(u.Email)
		if err := s.append(0, cells...); err != nil {
			return err
		}
	}
	if users != in.ActiveUsers || agents != in.MonitoredUsers || viewers != in.Viewers {
		return fmt.Errorf("%w: %d active users, %d agents, %d viewers listed; %d, %d, %d in the summary",
			ErrTabsDisagree, users, agents, viewers, in.ActiveUsers, in.MonitoredUsers, in.Viewers)
	}
	return s.flush(1, s.row, len(columns))
}

// details writes the third tab.
func (b *book) details(rows iter.Seq2[Detail, error], paper Paper) error {
	asText := b.styles.fit
	columns := []column{
		{title: "User Name", width: 26, style: asText},
		{title: "User Extension", width: 13, style: asText},
		{title: "Call Queue Name", width: 24, style: asText},
		{title: "Dashboard Accessed", width: 24, style: asText},
		{title: "Last Viewed Date", width: 13, style: b.styles.date},
		{title: "Live Reports License", width: 14, style: asText},
		{title: "Call Queue Booster License", width: 18, style: asText},
		{title: "User ID", width: 20, style: asText},
		{title: "E-mail", width: 28, style: asText},
	}
	s, err := b.printedTable(DetailTab, columns, paper)
	if err != nil {
		return err
	}
	cells := make([]any, len(columns))
	for d, err := range orEmpty(rows) {
		if err != nil {
			return fmt.Errorf("workbook: detailed usage: %w", err)
		}
		viewed, err := date(d.LastViewed)
		if err != nil {
			return fmt.Errorf("workbook: detailed usage, row %d: %w", s.row+1, err)
		}
		cells[0], cells[1] = textCell(d.Name), textCell(d.Extension)
		cells[2], cells[3] = textCell(d.Queue), textCell(d.Dashboard)
		cells[4], cells[5], cells[6] = viewed, textCell(d.LiveReports), textCell(d.CallQueueBooster)
		cells[7], cells[8] = textCell(d.ID), textCell(d.Email)
		if err := s.append(0, cells...); err != nil {
			return err
		}
	}
	return s.flush(1, s.row, len(columns))
}

// dateCell is a date in a column that holds other things too.
func (b *book) dateCell(t time.Time) (any, error) {
	value, err := date(t)
	if err != nil || value == nil {
		return nil, err
	}
	return excelize.Cell{StyleID: b.styles.date, Value: value}, nil
}

func orEmpty[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	if seq == nil {
		return func(func(T, error) bool) {}
	}
	return seq
}
