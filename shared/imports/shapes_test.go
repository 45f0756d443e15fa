package imports_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"seatwise/infra/testing/parts"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
)

// pointing makes a workbook of rows whose cells all say one long text, beside an id of their own.
func (o *office) pointing(header []string, rows, columns int, text string, id func(int) string) []byte {
	o.F.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, title := range header {
		at, err := excelize.CoordinatesToCellName(i+1, 1)
		o.Must(err)
		o.Must(book.SetCellStr("Sheet1", at, title))
	}
	for row := range rows {
		for column := range columns {
			at, err := excelize.CoordinatesToCellName(column+1, row+2)
			o.Must(err)
			if column == 0 {
				o.Must(book.SetCellStr("Sheet1", at, id(row)))
			} else {
				o.Must(book.SetCellStr("Sheet1", at, text))
			}
		}
	}
	var b bytes.Buffer
	o.Must(book.Write(&b))
	return b.Bytes()
}

// peakOf is how much memory is in use at most while something is done, with the garbage, and how
// long it takes.
func peakOf(do func()) (peak uint64, took time.Duration) {
	runtime.GC()
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse))
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
		}
	}()
	began := time.Now()
	do()
	took = time.Since(began)
	close(stop)
	<-done
	return most.Load(), took
}

// A small workbook whose cells all point at one long text takes neither gigabytes nor minutes: less
// than 256 MB, and ten times as long at most as an honest file of as many rows. No t.Parallel: it
// measures the heap of the whole process.
func TestSmallFilesTakeLittle(t *testing.T) {
	parts.Memory(t)
	o := open(t)
	o.hire("alice")
	o.queue("q")
	tried := map[string]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]imports.Kind{imports.Users, imports.CallQueues, imports.Dashboards}).
			Draw(rt, "kind")
		rows := rapid.SampledFrom([]int{50, 400}).Draw(rt, "rows")
		columns := rapid.SampledFrom([]int{20, 200}).Draw(rt, "columns")
		text := rapid.SampledFrom([]string{
			strings.Repeat("😀", 1000), strings.Repeat("nobody;", 700), strings.Repeat("😀;", 2000),
			strings.Repeat("alice;", 800), "alice",
		}).
			Draw(rt, "text")
		name := fmt.Sprintf("%s, %d x %d of %.10q", kind, rows, columns, text)
		if tried[name] || len(tried) == parts.Sized(4, 12) {
			return // rapid draws many more
		}
		tried[name] = true
		header, list := []string{"User", "Name", "Email", "Extension", "Number", "Active", "Agent source"}, "Role"
		switch kind {
		case imports.CallQueues:
			header, list = []string{"Call queue", "Name"}, "Member"
		case imports.Dashboards:
			header, list = []string{"Dashboard", "Name"}, "Call queue"
		}
		for i := len(header); i < columns; i++ {
			header = append(header, fmt.Sprintf("%s %d", list, i))
		}
		columns = len(header)
		id := func(row int) string { return fmt.Sprintf("id%d", row) }
		honest := o.pointing(header, rows, min(columns, 9), "", id)
		hostile := o.pointing(header, rows, columns, text, id)
		var base, v imports.View
		_, usual := peakOf(func() { base = o.upload(kind, "a.xlsx", honest, true) })
		peak, took := peakOf(func() { v = o.upload(kind, "a.xlsx", hostile, true) })
		t.Logf(
			"%s: %d KiB, %s, %d MiB, %v (honest %v, %s)",
			name,
			len(hostile)>>10,
			v.State,
			peak>>20,
			took,
			usual,
			base.State,
		)
		if peak > 256_000_000 {
			rt.Errorf("%s: %d MiB", name, peak>>20)
		}
		if took > 10*usual+time.Second { // once more: the machine may have had something else to do
			_, again := peakOf(func() { o.upload(kind, "a.xlsx", hostile, true) })
			took = min(took, again)
		}
		if took > 10*usual+time.Second {
			rt.Errorf("%s: %v, an honest one takes %v", name, took, usual)
		}
		if v.State != filejob.Rejected && v.State != filejob.Ready {
			rt.Errorf("%s: %s", name, v.State)
		}
	})
}
