package massconfig

import (
	"fmt"
	"sync"
	"testing"

	"seatwise/infra/testing/parts"
	"seatwise/shared/platform/table"
)

// Phones with four add-ons each, from nothing: what the check and the configuring cost, by calls of
// the table. docs and the benches build on the figures that are logged for a thousand, in the long
// rounds; the bounds keep them from growing unnoticed.
func TestCostOfRows(t *testing.T) {
	phones := parts.Sized(250, 1000)
	o := open(t)
	addOns := []string{"call_recording", "device_ip_phone", "license_number", "team_chat"}
	var rows [][]string
	for i := range phones {
		name := fmt.Sprintf("user%04d", i)
		o.Hire(name)
		rows = append(rows, append(row(fmt.Sprint(10000+i), fmt.Sprint(6567000000+i), name), addOns...))
	}
	o.Buy(phones, append([]string{"phone-system"}, addOns...)...)

	calls, operations, most := map[string]int{}, 0, 0
	capacity := 0.0
	var mu sync.Mutex // a check reads several batches at once
	counted := table.Counted(o.Store, func(op string, units float64) {
		mu.Lock()
		defer mu.Unlock()
		calls[op]++
		capacity += units
	})
	o.Env.Table = &watching{counted, func(ops []table.Operation) {
		operations += len(ops)
		most = max(most, len(ops))
	}}
	report := func(what string) (commits int) {
		commits = calls["TransactWriteItems"]
		t.Logf(
			"%s: %d commits, %.2f rows each; %.1f operations a row, at most %d in a commit; %d batch reads, %d queries, %d single reads; %.0f capacity units a row",
			what,
			commits,
			float64(phones)/float64(commits),
			float64(operations)/float64(phones),
			most,
			calls["BatchGetItem"],
			calls["Query"],
			calls["GetItem"],
			capacity/float64(phones),
		)
		clear(calls)
		operations, most, capacity = 0, 0, 0
		return commits
	}
	v := o.checked(Ready, rows...)
	if commits := report("check"); commits > phones/chunkRows+10 {
		t.Errorf("the check takes %d commits", commits)
	}
	v = o.In(Completed, o.configure(v.ID))
	if v.Applied != phones {
		t.Fatalf("%+v", v)
	}
	if commits := report("configure"); commits > phones/4+10 {
		t.Errorf("configuring takes %d commits", commits)
	}
	v = o.In(Ready, o.undo(v.ID))
	report("check of the undo")
	o.In(Completed, o.configure(v.ID))
	report("undo")
}
