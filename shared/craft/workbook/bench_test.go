package workbook

import (
	"io"
	"iter"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/infra/testing/parts"
)

// benchRows is the size that the product promises: an upload's limit, and the detail of 20,000
// active users.
const benchRows = 100_000

// manyDetails makes n rows as they come, so that none of the memory measured is theirs.
func manyDetails(n int, each func(row int)) iter.Seq2[Detail, error] {
	return func(yield func(Detail, error) bool) {
		for i := range n {
			each(i)
			d := Detail{
				Name: "User " + strconv.Itoa(
					i/5,
				),
				Extension: strconv.Itoa(10000 + i/5),
				Queue:     "Queue " + strconv.Itoa(i%300),
				Dashboard: "Dashboard " + strconv.Itoa(
					i%40,
				),
				LastViewed:       day(1 + i%20),
				LiveReports:      "Assigned",
				CallQueueBooster: "Not assigned",
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

func manyUsers(n int) iter.Seq2[ActiveUser, error] {
	return func(yield func(ActiveUser, error) bool) {
		for i := range n {
			u := ActiveUser{
				Name:       "User " + strconv.Itoa(i),
				Extension:  strconv.Itoa(10000 + i),
				Agent:      true,
				LastViewed: day(1 + i%20),
				Queues:     5,
				Dashboards: 2,
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

func nothing(int) {}

// writeBare writes the same cells of the detail tab with excelize's StreamWriter and nothing around
// it.
func writeBare(w io.Writer, n int) error {
	f := excelize.NewFile()
	defer f.Close()
	format := dayFormat
	days, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
	if err != nil {
		return err
	}
	s, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	row := 0
	for d, err := range manyDetails(n, nothing) {
		if err != nil {
			return err
		}
		row++
		cells := []any{
			d.Name,
			d.Extension,
			d.Queue,
			d.Dashboard,
			excelize.Cell{StyleID: days, Value: d.LastViewed},
			d.LiveReports,
			d.CallQueueBooster,
		}
		if err := s.SetRow("A"+strconv.Itoa(row), cells); err != nil {
			return err
		}
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}

// BenchmarkDetail writes the report's third tab of 100,000 rows and a bare StreamWriter of the same
// cells in turn. "of-bare" is the report's speed as a part of the bare one's; it has to stay above
// 0.7.
func BenchmarkDetail(b *testing.B) {
	var ours, bare time.Duration
	for b.Loop() {
		start := time.Now()
		if err := WriteLicenseStatus(
			io.Discard,
			LicenseStatus{From: day(1), To: day(21), Details: manyDetails(benchRows, nothing)},
		); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if err := writeBare(io.Discard, benchRows); err != nil {
			b.Fatal(err)
		}
		ours += middle.Sub(start)
		bare += time.Since(middle)
	}
	rows := float64(benchRows) * float64(b.N)
	b.ReportMetric(rows/ours.Seconds(), "rows/s")
	b.ReportMetric(rows/bare.Seconds(), "bare-rows/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-bare")
}

// BenchmarkResult writes a result file of 100,000 rows and nine columns.
func BenchmarkResult(b *testing.B) {
	header := []string{
		"Ext Key",
		"Number",
		"User",
		"Addon license 1",
		"Addon license 2",
		"Addon license 3",
		"Addon license 4",
	}
	for b.Loop() {
		writeResult(b, io.Discard, header, benchRows, nothing)
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func writeResult(tb testing.TB, w io.Writer, header []string, n int, each func(row int)) {
	tb.Helper()
	r, err := NewResult(w, day(21), "Result", header)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Discard()
	for i := range n {
		each(i)
		cells := []string{
			strconv.Itoa(i),
			strconv.Itoa(6567890000 + i),
			"User " + strconv.Itoa(i),
			"device_ip_phone",
			"call_recording",
			"team_chat",
			"license_number",
		}
		if err := r.Append(cells, "applied", ""); err != nil {
			tb.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		tb.Fatal(err)
	}
}

// peak follows how much memory the runtime uses, garbage not yet collected included.
type peak struct{ bytes uint64 }

func (p *peak) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.bytes = max(p.bytes, m.HeapInuse+m.StackInuse)
}

// row looks once in a thousand rows.
func (p *peak) row(n int) {
	if n%1000 == 0 {
		p.look()
	}
}

// Write looks while the archive comes out: then all of it is compressed and in memory.
func (p *peak) Write(b []byte) (int, error) {
	p.look()
	return len(b), nil
}

// Memory does not grow with the rows: 100,000 of them stay below 200 MB, and three times as many
// need hardly more. Here there are fewer, and 100,000 in the long rounds.
func TestMemory(t *testing.T) {
	parts.Memory(t)
	rows, more := parts.Sized(20_000, benchRows), uint64(parts.Sized(48, 64))<<20
	inTempFolder(t)
	report := func(rows int) uint64 {
		runtime.GC()
		p := &peak{}
		users := rows / 5
		err := WriteLicenseStatus(p, LicenseStatus{
			From: day(1), To: day(21), ActiveUsers: users, MonitoredUsers: users,
			Users: manyUsers(users), Details: manyDetails(rows, p.row),
		})
		if err != nil {
			t.Fatal(err)
		}
		return p.bytes
	}
	result := func(rows int) uint64 {
		runtime.GC()
		p := &peak{}
		writeResult(
			t,
			p,
			[]string{
				"Ext Key",
				"Number",
				"User",
				"Addon license 1",
				"Addon license 2",
				"Addon license 3",
				"Addon license 4",
			},
			rows,
			p.row,
		)
		return p.bytes
	}
	for name, write := range map[string]func(rows int) uint64{"report": report, "result": result} {
		once, thrice := write(rows), write(3*rows)
		t.Logf("%s: %d MB for %d rows, %d MB for %d", name, once>>20, rows, thrice>>20, 3*rows)
		if limit := uint64(200_000_000); once > limit {
			t.Errorf("%s: %d bytes for %d rows", name, once, rows)
		}
		if thrice > once+more {
			t.Errorf("%s: %d bytes for %d rows and %d for three times as many", name, once, rows, thrice)
		}
	}
}
