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

// The tabs of the license status report, named exactly as spec 7 says.
const (
	SummaryTab     = "Live Reports Usage Summary"
	ActiveUsersTab = "Total Active Users"
	DetailTab      = "Detailed Usage"
)

// ErrTabsDisagree is returned when the rows of the second tab do not add up to the figures of the first: an invariant (I15) is broken where the
// figures were made, and no report is better than one that contradicts itself on a bill.
var ErrTabsDisagree = errors.New("workbook: the tabs disagree")

// LicenseStatus is what the license status report shows (spec 7). Counts are persons or licenses. Days are taken from the times in their own
// location: a time in UTC shows its UTC day.
type LicenseStatus struct {
	// Created goes into the document's properties.
	Created time.Time
	// Brand goes into the document's title.
	Brand string
	// From is the first day of the window; To is the day after the last, as in usage/summary. The first tab shows both days inclusive.
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

	// Users are the active users, one row each: exactly ActiveUsers of them, MonitoredUsers of which are agents and Viewers viewers, or the report
	// is refused with [ErrTabsDisagree]. An error in a sequence ends the report with that error. A nil sequence is an empty one.
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
}

// WriteLicenseStatus writes the license status report as a workbook of three tabs. It needs memory for about 16 MiB of XML per tab and not for all
// rows. An account without users, usage or days gets a valid report too.
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
	if err := b.details(in.Details); err != nil {
		return err
	}
	return b.writeTo(w)
}

// summary writes the first tab: labels with their figures, the table of days with its chart beside it, and below it where the overage came from.
// The labels and the days' header are frozen together, and the chart is in the part that scrolls.
func (b *book) summary(in LicenseStatus) error {
	labels, err := b.labels(in)
	if err != nil {
		return err
	}
	header := len(labels) + 2 // after an empty row
	s, err := b.openSheet(SummaryTab, header, []column{{width: 46}, {width: 26}, {width: 22}})
	if err != nil {
		return err
	}
	for _, l := range labels {
		if err := s.append(0, l[:]...); err != nil {
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
	if in.Overage != nil && len(in.Overage.Sources) > 0 {
		if err := s.overage(in.Overage.Sources); err != nil {
			return err
		}
	}
	if err := b.chart(header, max(last, header+1)); err != nil {
		return err
	}
	return s.flush(header, last, len(days))
}

// labels are the rows at the top of the first tab: a label and its figure.
func (b *book) labels(in LicenseStatus) ([][2]any, error) {
	const layout = "2006-01-02"
	label := func(s string) any { return excelize.Cell{StyleID: b.styles.label, Value: s} }
	window := in.From.Format(layout) + " to " + in.To.AddDate(0, 0, -1).Format(layout)
	rows := [][2]any{
		{label("Report Time Duration"), excelize.Cell{StyleID: b.styles.text, Value: window}},
		{label(`Total "Live Report" Licenses Purchased`), in.LiveReportsPurchased},
		{label(`Total "Call Queue Booster" Licenses Purchased`), in.CallQueueBoosterPurchased},
		{label("Total Licenses Purchased"), in.TotalPurchased},
		{label("Monitored Users (Agents)"), in.MonitoredUsers},
		{label("Live Report Viewers"), in.Viewers},
		{label("Total Active Users"), in.ActiveUsers},
		{label("Overage Users"), in.OverageUsers},
	}
	if in.Overage == nil {
		return rows, nil
	}
	since, err := b.dateCell(in.Overage.Since)
	if err != nil {
		return nil, err
	}
	peak, err := b.dateCell(in.Overage.Peak)
	if err != nil {
		return nil, err
	}
	return append(rows,
		[2]any{label("Overage Since"), since},
		[2]any{label("Overage Daily Peak"), in.Overage.PeakUsers},
		[2]any{label("Overage Peak Date"), peak},
	), nil
}

// overage writes where the overage came from, below the days and outside of their filter.
func (s *sheet) overage(sources []OverageSource) error {
	if err := s.append(0); err != nil {
		return err
	}
	if err := s.header([]column{{title: "Overage By"}, {title: "Type"}, {title: "Active Users"}}); err != nil {
		return err
	}
	asText := func(v string) any { return excelize.Cell{StyleID: s.book.styles.text, Value: text(v)} }
	for _, o := range sources {
		if err := s.append(0, asText(o.Name), asText(o.Kind), o.Users); err != nil {
			return err
		}
	}
	return nil
}

// chart draws the active users per day as columns and the licenses bought as a line over them. The days stand in columns A to C between the rows
// header and last.
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
	var (
		onePerSeries = false // a color for each series, not for each column
		// excelize takes the axes of the last chart that shares them, so both get the same.
		x = excelize.ChartAxis{NumFmt: excelize.ChartNumFmt{CustomNumFmt: dayFormat}, Alignment: excelize.Alignment{TextRotation: -45}}
		y = excelize.ChartAxis{NumFmt: excelize.ChartNumFmt{CustomNumFmt: "0"}, MajorGridLines: true}
	)
	bought := series("C")
	bought.Line = excelize.LineOptions{Width: 2.25}
	bought.Marker = excelize.ChartMarker{Symbol: "none"}
	err := b.file.AddChart(SummaryTab, "E"+strconv.Itoa(header+1), &excelize.Chart{
		Type:       excelize.Col,
		Series:     []excelize.ChartSeries{series("B")},
		Title:      excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: "Active users per day against licenses purchased"}}},
		Legend:     excelize.ChartLegend{Position: "bottom"},
		Dimension:  excelize.ChartDimension{Width: 760, Height: 400},
		VaryColors: &onePerSeries,
		XAxis:      x,
		YAxis:      y,
	}, &excelize.Chart{Type: excelize.Line, Series: []excelize.ChartSeries{bought}, XAxis: x, YAxis: y})
	if err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return nil
}

// Role types of the second tab (spec 7).
const (
	roleViewer = "Viewer"
	roleAgent  = "Monitored Agent"
	roleBoth   = roleViewer + ", " + roleAgent
)

// activeUsers writes the second tab.
func (b *book) activeUsers(in LicenseStatus) error {
	asText := b.styles.text
	columns := []column{
		{title: "Users", width: 32, style: asText},
		{title: "User Extensions", width: 18, style: asText},
		{title: "Role Type", width: 26, style: asText},
		{title: "Last Viewed", width: 14, style: b.styles.date},
		{title: "Monitored Call Queues", width: 24},
		{title: "Dashboards with Monitored Queues", width: 34},
	}
	s, err := b.table(ActiveUsersTab, columns)
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
		cells[0], cells[1], cells[2], cells[3], cells[4], cells[5] = textCell(u.Name), textCell(u.Extension), role, viewed, u.Queues, u.Dashboards
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
func (b *book) details(rows iter.Seq2[Detail, error]) error {
	asText := b.styles.text
	columns := []column{
		{title: "User Name", width: 32, style: asText},
		{title: "User Extension", width: 18, style: asText},
		{title: "Call Queue Name", width: 32, style: asText},
		{title: "Dashboard Accessed", width: 32, style: asText},
		{title: "Last Viewed Date", width: 18, style: b.styles.date},
		{title: "Live Reports License", width: 22, style: asText},
		{title: "Call Queue Booster License", width: 28, style: asText},
	}
	s, err := b.table(DetailTab, columns)
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
		cells[0], cells[1], cells[2], cells[3] = textCell(d.Name), textCell(d.Extension), textCell(d.Queue), textCell(d.Dashboard)
		cells[4], cells[5], cells[6] = viewed, textCell(d.LiveReports), textCell(d.CallQueueBooster)
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
