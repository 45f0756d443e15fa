package reportbuilder_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/infra/testing/parts"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/report"
	"seatwise/shared/usage"
)

// The long rounds have 20,000 active users, as the memory is bounded for.
var largeAgents, largeViewers = parts.Sized(3_800, 19_000), parts.Sized(200, 1_000)

const largeQueues = 200

// large fills an account with thousands of active users. Agents come in the way that the directory keeps
// them, without all the requests that it would take; viewers and their views come by the front
// door.
func large(t testing.TB, o *office) (users, details map[string][]string) {
	t.Helper()
	now := o.Clock.Now()
	users, details = map[string][]string{}, map[string][]string{}
	var ops []table.Operation
	flush := func(n int) {
		if len(ops) < n {
			return
		}
		for batch := range slices.Chunk(ops, call.MaxOperations) {
			if err := o.Env.Table.Commit(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		ops = nil
	}
	put := func(key table.Key, v any, places ...table.Key) {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		item := table.Item{Key: key, Data: data}
		copy(item.IndexKeys[:], places)
		ops = append(ops, table.Put(item, table.Always))
		flush(10_000)
	}
	ctx := t.Context()
	var all []string
	for q := range largeQueues {
		id := fmt.Sprintf("queue%03d", q)
		all = append(all, id)
		if _, err := o.directory.PutQueue(ctx, o.Call("ann"), id, "Queue "+id, nil); err != nil {
			t.Fatal(err)
		}
	}
	boards := 0
	shownBy := map[string]string{}
	for some := range slices.Chunk(all, directory.MaxQueues) {
		id := fmt.Sprint("board", boards)
		boards++
		if _, err := o.directory.PutDashboard(
			ctx,
			o.Call("ann"),
			directory.Dashboard{ID: id, Name: "Board " + id, QueueIDs: some},
		); err != nil {
			t.Fatal(err)
		}
		for _, queue := range some {
			shownBy[queue] = "Board " + id
		}
	}
	for i := range largeAgents {
		id, name := fmt.Sprintf("agent%05d", i), fmt.Sprintf("Agent %05d", i)
		queues := map[string][]directory.Interval{}
		for n := range 1 + i%3 {
			queues[all[(i+n*7)%len(all)]] = []directory.Interval{{From: now.Add(-time.Hour)}}
		}
		put(
			table.Key{Partition: call.Partition(o.Account, "MONITORED"), Sort: id},
			directory.Monitored{UserID: id, Queues: queues},
			table.Key{Partition: call.Partition(o.Account, "MONITORED-UNTIL"), Sort: "open#" + id},
		)
		put(
			license.HolderKey(o.Account, id),
			license.Holder{UserID: id, Name: name, Active: true, Extension: fmt.Sprint(10_000 + i)},
		)
		shown := map[string]struct{}{}
		for _, queue := range slices.Sorted(maps.Keys(queues)) {
			shown[shownBy[queue]] = struct{}{}
			details[name] = append(
				details[name],
				strings.Join([]string{fmt.Sprint(10_000 + i), "Queue " + queue, shownBy[queue], "", "No", "No"}, "|"),
			)
		}
		users[name] = []string{
			fmt.Sprint(10_000 + i),
			"Monitored Agent",
			"",
			fmt.Sprint(len(queues)),
			fmt.Sprint(len(shown)),
		}
	}
	flush(1)
	var events []usage.Event
	for i := range largeViewers {
		id, name := fmt.Sprintf("viewer%04d", i), fmt.Sprintf("Viewer %04d", i)
		if _, err := o.directory.PutUser(
			ctx,
			o.Call("ann"),
			directory.User{ID: id, Name: name, Active: true, RoleIDs: []string{"supervisor"}},
		); err != nil {
			t.Fatal(err)
		}
		board := fmt.Sprint("board", i%boards)
		at := now.Add(-time.Duration(i%40) * time.Hour)
		events = append(
			events,
			usage.Event{ID: fmt.Sprint("first-", i), UserID: id, DashboardID: board, At: at.Add(-time.Hour)},
			usage.Event{ID: fmt.Sprint("e", i), UserID: id, DashboardID: board, At: at},
		)
		details[name] = []string{
			strings.Join([]string{"", "", "Board " + board, at.UTC().Format(time.DateOnly), "Waiting", "No"}, "|"),
		}
		users[name] = []string{"", "Viewer", at.UTC().Format(time.DateOnly), "0", "0"}
	}
	for some := range slices.Chunk(events, usage.MaxEvents) {
		if r, err := o.usage.Take(ctx, o.Call("pbx"), some); err != nil || r.Accepted != len(some) {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	// A grant that its request had no time for is made by maintenance; without a seat, all viewers
	// wait.
	if err := o.usage.FinishGrants(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if err := o.usage.AggregateAccount(ctx, o.Account, now); err != nil {
		t.Fatal(err)
	}
	return users, details
}

// The report of thousands of active users is right to the cell.
func TestLargeReport(t *testing.T) {
	parts.Memory(t)
	o := newOffice(t)
	wantUsers, wantDetails := large(t, o)
	asked := o.ask(t)
	peak := watchMemory()
	o.deliver(t)
	used := peak()
	if r := o.state(t, asked.ID); r.State != report.Ready {
		t.Fatalf("got %+v", r)
	}
	t.Logf("peak of the heap while the report was built: %d MB", used>>20)
	if used > 200<<20 {
		t.Errorf("%d MB of heap", used>>20)
	}
	book, err := excelize.OpenReader(bytes.NewReader(o.file(t, asked.ID)))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	summary, err := book.GetRows(workbook.SummaryTab)
	if err != nil {
		t.Fatal(err)
	}
	for i := range summary {
		for len(summary[i]) < 7 {
			summary[i] = append(summary[i], "")
		}
	}
	w := o.window(t)
	agents, viewers := int64(largeAgents), int64(largeViewers)
	if w.ActiveUsers != agents+viewers || w.MonitoredUsers != agents || w.Viewers != viewers ||
		w.OverageUsers != w.ActiveUsers {
		t.Fatalf(
			"window: %d active, %d agents, %d viewers, %d over",
			w.ActiveUsers,
			w.MonitoredUsers,
			w.Viewers,
			w.OverageUsers,
		)
	}
	got := map[string]int64{}
	for label, n := range figures(t, summary) {
		if !strings.HasPrefix(label, "Queue ") && !strings.HasPrefix(label, "Board ") {
			got[label] = n
		}
	}
	wantFigures(t, got, w)

	rows, err := book.GetRows(workbook.ActiveUsersTab)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(wantUsers) {
		t.Fatalf("%d users, want %d", len(rows)-1, len(wantUsers))
	}
	for _, row := range rows[1:] {
		if !slices.Equal(row[1:6], wantUsers[row[0]]) {
			t.Fatalf("user %q, want %q", row, wantUsers[row[0]])
		}
	}
	if rows, err = book.GetRows(workbook.DetailTab); err != nil {
		t.Fatal(err)
	}
	gotDetails := map[string][]string{}
	for _, row := range rows[1:] {
		gotDetails[row[0]] = append(gotDetails[row[0]], strings.Join(row[1:7], "|"))
	}
	if !maps.EqualFunc(gotDetails, wantDetails, slices.Equal) {
		for name, want := range wantDetails {
			if !slices.Equal(gotDetails[name], want) {
				t.Fatalf("details of %s: %q, want %q", name, gotDetails[name], want)
			}
		}
		t.Fatalf("details of %d users, want %d", len(gotDetails), len(wantDetails))
	}
}

// watchMemory samples the heap until the returned function is called, which tells its peak above
// the start.
func watchMemory() func() uint64 {
	runtime.GC()
	var start, now runtime.MemStats
	runtime.ReadMemStats(&start)
	var stop atomic.Bool
	done := make(chan uint64)
	go func() {
		var most uint64
		for !stop.Load() {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
			time.Sleep(2 * time.Millisecond)
		}
		done <- most
	}()
	return func() uint64 {
		stop.Store(true)
		return max(<-done, start.HeapInuse) - start.HeapInuse
	}
}
